//! Notifier `dingtalk`: a custom robot of a DingTalk group (钉钉自定义机器人).
//!
//! By the maker's pages <https://open.dingtalk.com/document/orgapp/custom-robot-access> and
//! <https://open.dingtalk.com/document/orgapp/customize-robot-security-settings>: POST of JSON in UTF-8 to
//! `https://oapi.dingtalk.com/robot/send?access_token=TOKEN`; with 加签 also `timestamp` (milliseconds, at most an hour from
//! the service's time) and `sign`, which is the HMAC-SHA-256 under the secret (`SEC…`) over `timestamp + "\n" + secret`,
//! in base64, percent-encoded. `at` names numbers and user ids. 20 messages a minute; over that the robot is silent for
//! ten minutes. The limit of 20,000 bytes a message is the one that its error 460101 names.
//!
//! Token and secret are secrets of the host: it puts the one into the query, and signs with the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_sdk::markup::percent_encode;
use huiyin_sdk::robot::{self, Codes, Config, Format, Mentions, Ready};
use huiyin_sdk::secrets::{self, Algorithm};
use huiyin_sdk::{About, Context, Error, Message, Notifier, Receipt};
use serde_json::{Value, json};

const USUAL: &str = "https://oapi.dingtalk.com/robot/send";

/// Bytes of a body, less what stands around the text.
const BODY_BYTES: usize = 20_000 - 2_000;

const CODES: Codes = Codes {
    at: "errcode",
    // 限流: the robot is silent for ten minutes.
    busy: &[130_101, 410_100],
    busy_seconds: 600,
    // 310000: keyword, signature (or its time), address. The rest: no such token, the robot was stopped or taken
    // away, the group is no more.
    settings: &[310_000, 300_001, 300_005, 400_013, 400_014, 400_101, 400_102, 400_106, 40_014],
    system: &[-1],
};

/// The plugin.
#[derive(Debug)]
pub struct DingTalk;

impl Notifier for DingTalk {
    type Config = Config;

    fn about() -> About {
        let about = About::new(
            "dingtalk",
            env!("CARGO_PKG_VERSION"),
            "Speaks in a DingTalk group by its robot (钉钉自定义机器人).",
        )
        .http("https://*:*", &["POST"], "/")
        .http("http://*:*", &["POST"], "/");
        let about =
            robot::asks(about, "dingtalk-access-token", "the robot's access_token; granted with also: [\"query\"]");
        robot::asks(
            about,
            "dingtalk-sign",
            "the robot's secret of 加签, which begins with SEC; for signing, without hosts",
        )
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        let url = config.address(Some(USUAL), "dingtalk-access-token")?;
        let reserve = |mentions: &Mentions| robot::json_bytes(&called(mentions)) + 30 * count(mentions);
        let ready = config.ready(ctx, &message, BODY_BYTES, robot::json_bytes, &robot::tame, &reserve)?;
        let mut place =
            format!("{url}?access_token={}", secrets::placeholder(&config.secret("dingtalk-access-token"))?);
        if config.sign.unwrap_or(true) {
            let name = config.secret("dingtalk-sign");
            let signed = format!("{}\n{}", ctx.now, secrets::placeholder(&name)?);
            let mac = secrets::hmac(&name, Algorithm::HmacSha256, signed.as_bytes())?;
            place.push_str(&format!("&timestamp={}&sign={}", ctx.now, percent_encode(&STANDARD.encode(mac))));
        }
        let format = config.format;
        robot::post_all(ctx, &place, &url, &ready.parts, config.timeout_seconds, &CODES, |at, part| {
            body(format, &ready, at, part)
        })?;
        Ok(robot::receipt(ctx, "DingTalk", &ready))
    }
}

huiyin_sdk::export!(notifier: DingTalk);

fn body(format: Format, ready: &Ready, at: usize, part: &str) -> Value {
    let first = at == 0 && !ready.mentions.is_empty();
    let text = if first { format!("{part}{}", called(&ready.mentions)) } else { part.to_owned() };
    let mut body = match format {
        Format::Text => json!({"msgtype": "text", "text": {"content": text}}),
        Format::Markdown => json!({"msgtype": "markdown", "markdown": {"title": ready.title, "text": text}}),
    };
    if first {
        body["at"] = json!({
            "atMobiles": ready.mentions.mobiles,
            "atUserIds": ready.mentions.users,
            "isAtAll": ready.mentions.all,
        });
    }
    body
}

/// Who is mentioned must stand in the text, too: only then is it shown there.
fn called(mentions: &Mentions) -> String {
    let ids = mentions.mobiles.iter().chain(&mentions.users);
    let text: Vec<String> = ids.map(|id| format!("@{id}")).collect();
    if text.is_empty() { String::new() } else { format!("\n{}", text.join(" ")) }
}

fn count(mentions: &Mentions) -> usize {
    mentions.mobiles.len() + mentions.users.len()
}
