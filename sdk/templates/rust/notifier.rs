//! Notifier `{{name}}`: posts messages as JSON.

use huiyin_sdk::{About, Context, Error, Message, Notifier, Receipt, http};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The configuration. Its JSON Schema and these comments go into the manifest.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to.
    pub url: String,
}

/// The plugin.
#[derive(Debug)]
pub struct {{Type}};

impl Notifier for {{Type}} {
    type Config = Config;

    // Not `idempotent()`: only say so where the receiver looks at the idempotency key.
    fn about() -> About {
        About::new("{{name}}", env!("CARGO_PKG_VERSION"), "Posts messages as JSON.").http(
            "https://notice.example.cn",
            &["POST"],
            "/",
        )
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        let body = json!({"to": message.recipients, "subject": message.subject, "text": message.text});
        let answer = http::Request::post(&config.url, body.to_string().into_bytes())
            .header("content-type", "application/json")
            .header("idempotency-key", ctx.idempotency_key.as_str())
            .send()?;
        match answer.status {
            200..=299 => Ok(Receipt { id: ctx.idempotency_key.clone(), detail: answer.status.to_string() }),
            // These promise that nothing was done.
            429 => Err(Error::RateLimited(60)),
            503 => Err(Error::Transient("the receiver is closed (503)".to_owned())),
            400..=499 => Err(Error::InvalidInput(format!("the receiver refuses it: {}", answer.status))),
            // Whether it was done is not known.
            other => Err(Error::Unknown(format!("the receiver answered {other}"))),
        }
    }
}

huiyin_sdk::export!(notifier: {{Type}});
