//! Notifier `feishu`: a custom robot of a Feishu group (飞书自定义机器人).
//!
//! By the maker's page <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot> (自定义机器人使用指南): POST of
//! JSON to `https://open.feishu.cn/open-apis/bot/v2/hook/…`, at most 20 KB; `text` with `<at user_id="…">`, or a card with
//! an element `markdown` and `<at id=…>`; with 签名校验 also `timestamp` (seconds, at most an hour old) and `sign`, which
//! is the HMAC-SHA-256 with the **key** `timestamp + "\n" + secret` over nothing, in base64. 100 messages a minute and 5 a
//! second, else 11232. Codes: 19001 no such robot, 19021 signature or time, 19022 address, 19024 keyword, 9499 a body that is
//! none.
//!
//! The secret stays with the host, which signs. The robot's address stands in the configuration, since a secret never
//! stands in a path: without the secret nobody can use it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_sdk::markup::escape;
use huiyin_sdk::robot::{self, Codes, Config, Format, Mentions, Ready};
use huiyin_sdk::secrets::{self, Algorithm};
use huiyin_sdk::{About, Context, Error, Message, Notifier, Receipt};
use serde_json::{Value, json};

/// 20 KB, less what stands around the text.
const BODY_BYTES: usize = 20_000 - 2_000;

/// Bytes of a mention beside its id: `<at user_id=\"\"></at>` and its kin, as JSON has them.
const MENTION_BYTES: usize = 40;

const CODES: Codes = Codes {
    at: "code",
    busy: &[11_232, 99_991_400],
    busy_seconds: 60,
    settings: &[19_001, 19_021, 19_022, 19_024],
    system: &[],
};

/// The plugin.
#[derive(Debug)]
pub struct Feishu;

impl Notifier for Feishu {
    type Config = Config;

    fn about() -> About {
        let about = About::new(
            "feishu",
            env!("CARGO_PKG_VERSION"),
            "Speaks in a Feishu group by its robot (飞书自定义机器人).",
        )
        .http("https://*:*", &["POST"], "/")
        .http("http://*:*", &["POST"], "/");
        robot::asks(about, "feishu-sign", "the robot's secret of 签名校验; for signing, without hosts")
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        let url = config.address(None, "feishu-sign")?;
        let reserve = |mentions: &Mentions| {
            let ids = mentions.users.iter().map(|id| id.len() + MENTION_BYTES).sum::<usize>();
            ids + if mentions.all { MENTION_BYTES + 16 } else { 0 }
        };
        let ready = config.ready(ctx, &message, BODY_BYTES, robot::json_bytes, &robot::tame, &reserve)?;
        if !ready.mentions.mobiles.is_empty() {
            return Err(Error::InvalidInput(
                "Feishu's custom robots mention nobody by a number; give open ids (ou_…) under /people".to_owned(),
            ));
        }
        let signature = if config.sign.unwrap_or(true) {
            let seconds = (ctx.now / 1000).to_string();
            let mac = secrets::hmac_after(
                &format!("{seconds}\n"),
                &config.secret("feishu-sign"),
                Algorithm::HmacSha256,
                b"",
            )?;
            Some((seconds, STANDARD.encode(mac)))
        } else {
            None
        };
        let format = config.format;
        let called = "Feishu's robot";
        robot::post_all(ctx, &url, called, &ready.parts, config.timeout_seconds, &CODES, |at, part| {
            let mut body = body(format, &ready, at, part);
            if let Some((seconds, sign)) = &signature {
                body["timestamp"] = json!(seconds);
                body["sign"] = json!(sign);
            }
            body
        })?;
        Ok(robot::receipt(ctx, "Feishu", &ready))
    }
}

huiyin_sdk::export!(notifier: Feishu);

fn body(format: Format, ready: &Ready, at: usize, part: &str) -> Value {
    let first = at == 0;
    match format {
        Format::Text => {
            let end = if first {
                called(&ready.mentions, &|id, name| format!("<at user_id=\"{id}\">{name}</at>"))
            } else {
                String::new()
            };
            json!({"msg_type": "text", "content": {"text": format!("{part}{end}")}})
        }
        Format::Markdown => {
            let end =
                if first { called(&ready.mentions, &|id, _| format!("<at id={id}></at>")) } else { String::new() };
            json!({"msg_type": "interactive", "card": {
                "config": {"wide_screen_mode": true},
                "header": {"title": {"tag": "plain_text", "content": ready.title}},
                "elements": [{"tag": "markdown", "content": format!("{part}{end}")}],
            }})
        }
    }
}

fn called(mentions: &Mentions, one: &dyn Fn(&str, &str) -> String) -> String {
    let mut text: String = mentions.users.iter().map(|id| one(&escape(id), "")).collect();
    if mentions.all {
        text.push_str(&one("all", "所有人"));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}
