//! The notifier as a host calls it, and a double of the service that checks signatures.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::rc::Rc;

use hmac::{Hmac, KeyInit, Mac};
use huiyin_plugin_feishu::Feishu;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::http::{Error as HttpError, Request, Response};
use huiyin_sdk::serde_json::{Value, from_slice, json};
use huiyin_sdk::{Error, Message, Receipt, testing};

const NOW: u64 = 1_772_352_000_000;
const SECRET: &str = "kZ4dP0lq8Yw";
const HOOK: &str = "https://open.feishu.cn/open-apis/bot/v2/hook/0a1b2c3d";

fn message(text: &str) -> Message {
    Message { subject: "快报".to_owned(), text: text.to_owned(), ..Message::default() }
}

/// What the service does, by its page: the signature's key holds time and secret, an hour, 20 KB.
fn double(clock: u64, sent: Rc<RefCell<Vec<Value>>>) -> impl FnMut(&Request) -> Result<Response, HttpError> {
    move |request| {
        use base64::Engine as _;
        let answer = |code: i64| Ok(Response::new(200, json!({"code": code, "msg": "…", "data": {}}).to_string()));
        if request.url != HOOK {
            return answer(19_001);
        }
        if request.body.len() > 20_000 {
            return answer(19_036);
        }
        let body: Value = from_slice(&request.body).unwrap();
        let (Some(time), Some(sign)) = (body["timestamp"].as_str(), body["sign"].as_str()) else {
            return answer(19_021);
        };
        let key = format!("{time}\n{SECRET}");
        let mac = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(key.as_bytes()).unwrap();
        let right = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        if sign != right || time.parse::<u64>().unwrap().abs_diff(clock / 1000) > 3600 {
            return answer(19_021);
        }
        sent.borrow_mut().push(body);
        answer(0)
    }
}

fn deliver(config: Value, message: Message, clock: u64) -> (Result<Receipt, Error>, Vec<Value>) {
    testing::secret("feishu-sign", SECRET.as_bytes());
    let mut config = config;
    if config.get("url").is_none() {
        config["url"] = json!(HOOK);
    }
    let sent: Rc<RefCell<Vec<Value>>> = Rc::default();
    let _serving = serve(double(clock, Rc::clone(&sent)));
    let result = testing::deliver::<Feishu>(&testing::context(NOW), &config.to_string(), message);
    let sent = sent.borrow().clone();
    (result, sent)
}

#[test]
fn robot_feishu_signatures_hold_at_the_service() {
    let (result, sent) = deliver(json!({}), message("一句话。"), NOW + 3_000_000);
    result.unwrap();
    assert_eq!(sent[0]["content"]["text"], "快报\n一句话。");
    for (config, clock) in [(json!({"sign": false}), NOW), (json!({}), NOW + 3_700_000)] {
        let (result, _) = deliver(config, message("一句话。"), clock);
        assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains("19021")), "{result:?}");
    }
    let (result, _) = deliver(json!({"url": "https://open.feishu.cn/open-apis/bot/v2/hook/other"}), message("x"), NOW);
    assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains("19001") && !why.contains("hook/other")));
}

#[test]
fn robot_feishu_bodies_stay_below_the_limit_with_their_mentions() {
    for format in ["text", "markdown"] {
        let mut long = message(&"火\"\n".repeat(6000));
        long.recipients = (0..20).map(|n| format!("ou_18eac85d35a26f989317ad4f02e8bb{n:02}")).collect();
        long.recipients.push("@all".to_owned());
        let (result, sent) = deliver(json!({"template": "{text}", "format": format}), long, NOW);
        result.unwrap();
        assert!(sent.len() > 1);
        let (first, second) = (sent[0].to_string(), sent[1].to_string());
        assert_eq!((first.matches("ou_18eac85d").count(), second.matches("ou_18eac85d").count()), (20, 0), "{format}");
    }
}

#[test]
fn robot_feishu_a_number_mentions_nobody_there() {
    let mut to = message("一句话。");
    to.recipients = vec!["13800001111".to_owned()];
    let (result, sent) = deliver(json!({}), to.clone(), NOW);
    assert!(matches!(result, Err(Error::InvalidInput(why)) if why.contains("/people")));
    assert!(sent.is_empty());
    let (result, _) = deliver(json!({"people": {"13800001111": "ou_1"}}), to, NOW);
    result.unwrap();
}

#[test]
fn robot_feishu_its_address_must_be_given() {
    let result = testing::deliver::<Feishu>(&testing::context(NOW), "{}", message("x"));
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("/url")));
}

#[test]
fn robot_feishu_the_readmes_example_is_a_configuration() {
    let mut config: Value = from_slice(testing::example_of(include_str!("../README.md")).as_bytes()).unwrap();
    config["url"] = json!(HOOK);
    deliver(config, message("一句话。"), NOW).0.unwrap();
}
