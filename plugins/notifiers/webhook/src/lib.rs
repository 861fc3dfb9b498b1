//! Notifier `webhook`: POSTs the message as JSON to one URL.
//!
//! Headers:
//! - `Idempotency-Key`: the same on every try of one message. A receiver that
//!   has seen it answers 2xx again and does nothing more.
//! - `Huiyin-Signature: t=<seconds>,v1=<hex>`: `<hex>` is the HMAC-SHA-256 over
//!   `<seconds>`, a full stop and the body's bytes, under the secret `hmac`;
//!   `<seconds>` is the call's time since the Unix epoch. The receiver
//!   computes it anew, compares in constant time, and refuses old times.
//!
//! The host signs: the plugin never sees the key.
//!
//! A receiver that answers 2xx may refuse all the same, in the answer's body: see [`answer`].

mod answer;

pub use answer::{Answer, Code};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_sdk::http::{self, Request, Response};
use huiyin_sdk::secrets::{self, Algorithm};
use huiyin_sdk::{About, Context, Error, Message, Notifier, Receipt, outcome, time};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Where to, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The receiver, http or https. Redirects are not followed.
    pub url: String,
    /// Whether to sign; false only for receivers that cannot check.
    #[serde(default = "yes")]
    pub sign: bool,
    /// How long to wait for the receiver, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
    /// Where in the body of a 2xx answer it says whether the message was taken. Unless given, `errcode`
    /// (DingTalk, WeCom) and `code` (Feishu) are looked at, where they are numbers: anything but 0, and
    /// for `code` 200 to 299, is a refusal.
    #[serde(default)]
    pub answer: Option<Answer>,
}

fn yes() -> bool {
    true
}

fn thirty() -> u32 {
    30
}

/// The plugin.
#[derive(Debug)]
pub struct Webhook;

impl Notifier for Webhook {
    type Config = Config;

    fn about() -> About {
        About::new("webhook", env!("CARGO_PKG_VERSION"), "Posts the message as signed JSON to a URL.")
            .http("http://*:*", &["POST"], "/")
            .http("https://*:*", &["POST"], "/")
            .secret("hmac", "signs each message, so that the receiver knows whose it is")
            .idempotent()
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        http::check_timeout(config.timeout_seconds)?;
        if let Some(answer) = &config.answer {
            answer.check()?;
        }
        let body = body(ctx, &message).to_string().into_bytes();
        let mut request = Request::post(&config.url, Vec::new())
            .timeout(config.timeout_seconds)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", concat!("Huiyin-webhook/", env!("CARGO_PKG_VERSION")))
            .header("idempotency-key", &ctx.idempotency_key);
        if config.sign {
            request = request.header("huiyin-signature", signature(ctx.now / 1000, &body)?);
        }
        request.body = body;
        let response = request.send()?;
        judge(ctx, &config, &response)
    }
}

huiyin_sdk::export!(notifier: Webhook);

fn body(ctx: &Context, message: &Message) -> Value {
    let attachments: Vec<_> = message
        .attachments
        .iter()
        .map(|document| {
            json!({
                "filename": document.filename,
                "mediaType": document.media_type,
                "base64": STANDARD.encode(&document.bytes),
            })
        })
        .collect();
    json!({
        "id": ctx.idempotency_key,
        "unit": ctx.unit,
        "time": time::to_rfc3339(ctx.now),
        "subject": message.subject,
        "text": message.text,
        "recipients": message.recipients,
        "attachments": attachments,
        "data": message.data,
    })
}

fn signature(seconds: u64, body: &[u8]) -> Result<String, Error> {
    let mut signed = format!("{seconds}.").into_bytes();
    signed.extend_from_slice(body);
    let mac = secrets::hmac("hmac", Algorithm::HmacSha256, &signed)?;
    Ok(format!("t={seconds},v1={}", hex::encode(mac)))
}

/// What an answer means: by its status, then by its body.
fn judge(ctx: &Context, config: &Config, response: &Response) -> Result<Receipt, Error> {
    let said = || outcome::said(&config.url, response);
    outcome::of_status(response, ctx.now, &said)?;
    answer::judge(config.answer.as_ref(), response, ctx.now, &said)?;
    // A gateway's key stands after the question mark; it is in no message.
    let url = config.url.split('?').next().unwrap_or_default();
    Ok(Receipt {
        id: reference(&response.body).unwrap_or_else(|| ctx.idempotency_key.clone()),
        detail: format!("{url} answered {}", response.status),
    })
}

/// The receiver's own reference, from a JSON answer's `id`.
fn reference(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    match answer.get("id")? {
        Value::String(id) if !id.is_empty() && id.len() <= 200 => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
