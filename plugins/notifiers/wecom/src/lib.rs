//! Notifier `wecom`: a group robot of WeCom (企业微信群机器人).
//!
//! By the maker's page <https://developer.work.weixin.qq.com/document/path/91770> (before
//! <https://work.weixin.qq.com/api/doc/90000/90136/91770>): POST of JSON in UTF-8 to
//! `…/cgi-bin/webhook/send?key=KEY`; `text` up to 2,048 bytes with `mentioned_list` (user ids, `@all`) and
//! `mentioned_mobile_list`; `markdown` up to 4,096 bytes, where only `<@userid>` mentions; 20 messages a minute. Its codes
//! are those of <https://developer.work.weixin.qq.com/document/path/90313>: -1 the system is busy, 45009 over the limit of
//! calls, 45033 too many at once, 93000 no such robot.
//!
//! The key is a secret: the host puts it into the query, the plugin never sees it.

use huiyin_sdk::robot::{self, Codes, Config, Format, Mentions, Ready};
use huiyin_sdk::{About, Context, Error, Message, Notifier, Receipt, secrets};
use serde_json::{Value, json};

const USUAL: &str = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send";
const TEXT_BYTES: usize = 2048;
const MARKDOWN_BYTES: usize = 4096;

const CODES: Codes = Codes {
    at: "errcode",
    busy: &[45_009, 45_033],
    busy_seconds: 60,
    // No such robot, a key or token that is none, an address that is not allowed.
    settings: &[93_000, 40_001, 40_013, 40_014, 41_001, 42_001, 60_020],
    system: &[-1],
};

/// The plugin.
#[derive(Debug)]
pub struct WeCom;

impl Notifier for WeCom {
    type Config = Config;

    fn about() -> About {
        let about =
            About::new("wecom", env!("CARGO_PKG_VERSION"), "Speaks in a WeCom group by its robot (企业微信群机器人).")
                .http("https://*:*", &["POST"], "/")
                .http("http://*:*", &["POST"], "/");
        let purpose = "the robot's key, which stands after `key=` in its address; granted with also: [\"query\"]";
        robot::asks(about, "wecom-key", purpose)
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        let url = config.address(Some(USUAL), "wecom-key")?;
        if config.sign.is_some() {
            return Err(Error::InvalidConfig("at /sign: WeCom's robots have no signatures; leave it out".to_owned()));
        }
        let limit = match config.format {
            Format::Text => TEXT_BYTES,
            Format::Markdown => MARKDOWN_BYTES,
        };
        let format = config.format;
        let reserve = |mentions: &Mentions| if format == Format::Markdown { called(mentions).len() } else { 0 };
        let ready = config.ready(ctx, &message, limit, robot::utf8_bytes, &robot::tame, &reserve)?;
        if format == Format::Markdown && !ready.mentions.mobiles.is_empty() {
            return Err(Error::InvalidInput(
                "WeCom's Markdown mentions nobody by a number; give user ids under /people, or use the format text"
                    .to_owned(),
            ));
        }
        let place = format!("{url}?key={}", secrets::placeholder(&config.secret("wecom-key"))?);
        robot::post_all(ctx, &place, &url, &ready.parts, config.timeout_seconds, &CODES, |at, part| {
            body(format, &ready, at, part)
        })?;
        Ok(robot::receipt(ctx, "WeCom", &ready))
    }
}

huiyin_sdk::export!(notifier: WeCom);

fn body(format: Format, ready: &Ready, at: usize, part: &str) -> Value {
    let first = at == 0;
    match format {
        Format::Text => {
            let mut text = json!({"content": part});
            let with_all = |ids: &[String], all: bool| -> Vec<String> {
                ids.iter().cloned().chain(all.then(|| "@all".to_owned())).collect()
            };
            let users = with_all(&ready.mentions.users, ready.mentions.all);
            if first && !users.is_empty() {
                text["mentioned_list"] = json!(users);
            }
            if first && !ready.mentions.mobiles.is_empty() {
                text["mentioned_mobile_list"] = json!(ready.mentions.mobiles);
            }
            json!({"msgtype": "text", "text": text})
        }
        Format::Markdown => {
            let end = if first { called(&ready.mentions) } else { String::new() };
            json!({"msgtype": "markdown", "markdown": {"content": format!("{part}{end}")}})
        }
    }
}

/// Mentions within Markdown.
fn called(mentions: &Mentions) -> String {
    let all = mentions.all.then_some("all");
    let ids = mentions.users.iter().map(String::as_str).chain(all);
    let text: String = ids.map(|id| format!("<@{id}>")).collect();
    if text.is_empty() { text } else { format!("\n{text}") }
}
