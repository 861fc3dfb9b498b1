//! The notifier as a host calls it, and a double of the service that checks signatures.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::rc::Rc;

use hmac::{Hmac, KeyInit, Mac};
use huiyin_plugin_dingtalk::DingTalk;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::http::{Error as HttpError, Request, Response};
use huiyin_sdk::serde_json::{Value, from_slice, json};
use huiyin_sdk::{Error, Message, Receipt, testing};

const NOW: u64 = 1_772_352_000_000;
const SECRET: &str = "SECd9f1a2";

fn message(text: &str) -> Message {
    Message { subject: "快报".to_owned(), text: text.to_owned(), ..Message::default() }
}

fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// What the service does, by its pages: token, signature within an hour, 20,000 bytes.
fn double(clock: u64, sent: Rc<RefCell<Vec<Value>>>) -> impl FnMut(&Request) -> Result<Response, HttpError> {
    move |request| {
        let answer = |code: i64| Ok(Response::new(200, json!({"errcode": code, "errmsg": "…"}).to_string()));
        let query = request.url.strip_prefix("https://oapi.dingtalk.com/robot/send?").unwrap();
        let value = |name: &str| query.split('&').find_map(|part| part.strip_prefix(&format!("{name}=")));
        if value("access_token") != Some("{{secret:dingtalk-access-token}}") {
            return answer(400_101);
        }
        let (Some(time), Some(sign)) = (value("timestamp"), value("sign")) else { return answer(310_000) };
        let mut mac = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{time}\n{SECRET}").as_bytes());
        let right = base64_of(&mac.finalize().into_bytes());
        let old = time.parse::<u64>().unwrap().abs_diff(clock) > 3_600_000;
        if decoded(sign) != right.as_bytes() || old {
            return answer(310_000);
        }
        if request.body.len() > 20_000 {
            return answer(460_101);
        }
        sent.borrow_mut().push(from_slice(&request.body).unwrap());
        answer(0)
    }
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn deliver(config: &Value, message: Message, clock: u64) -> (Result<Receipt, Error>, Vec<Value>) {
    testing::secret("dingtalk-access-token", b"566cc69da782ec");
    testing::secret("dingtalk-sign", SECRET.as_bytes());
    let sent: Rc<RefCell<Vec<Value>>> = Rc::default();
    let _serving = serve(double(clock, Rc::clone(&sent)));
    let result = testing::deliver::<DingTalk>(&testing::context(NOW), &config.to_string(), message);
    let sent = sent.borrow().clone();
    (result, sent)
}

#[test]
fn robot_dingtalk_signatures_hold_at_the_service() {
    let (result, sent) = deliver(&json!({}), message("一句话。"), NOW + 3_000_000);
    assert_eq!(result.unwrap().id, "effect-1");
    assert_eq!(sent[0]["text"]["content"], "快报\n一句话。");
    let (result, _) = deliver(&json!({"sign": false}), message("一句话。"), NOW);
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("310000")));
    let (result, _) = deliver(&json!({}), message("一句话。"), NOW + 3_700_000);
    assert!(matches!(result, Err(Error::InvalidConfig(_))), "an old signature");
}

#[test]
fn robot_dingtalk_bodies_stay_below_the_limit_whatever_json_makes_of_them() {
    for text in ["\"".repeat(15_000), "火\n".repeat(9_000), "\\".repeat(9_001)] {
        let (result, sent) = deliver(&json!({"template": "{text}", "maxParts": 10}), message(&text), NOW);
        result.unwrap();
        assert!(sent.len() > 1, "{}", sent.len());
    }
}

#[test]
fn robot_dingtalk_who_is_mentioned_stands_in_the_text_of_the_first_part() {
    let mut long = message(&"火".repeat(7000));
    long.recipients = vec!["13800001111".to_owned(), "he-ping".to_owned()];
    let (result, sent) = deliver(&json!({"template": "{text}"}), long, NOW);
    result.unwrap();
    assert_eq!(sent[0]["at"], json!({"atMobiles": ["13800001111"], "atUserIds": ["he-ping"], "isAtAll": false}));
    assert!(sent[0]["text"]["content"].as_str().unwrap().ends_with("\n@13800001111 @he-ping"));
    assert!(sent[1].get("at").is_none());
}

#[test]
fn robot_dingtalk_codes_within_a_200() {
    let answered = |body: &str| {
        testing::secret("dingtalk-access-token", b"566cc69da782ec");
        testing::secret("dingtalk-sign", SECRET.as_bytes());
        let body = body.to_owned();
        let _serving = serve(move |_| Ok(Response::new(200, body.clone())));
        testing::deliver::<DingTalk>(&testing::context(NOW), "{}", message("一句话。"))
    };
    for code in [130_101, 410_100] {
        assert_eq!(answered(&json!({"errcode": code}).to_string()), Err(Error::RateLimited(600)), "{code}");
    }
    for code in [310_000, 400_101, 400_102, 400_013] {
        let result = answered(&json!({"errcode": code}).to_string());
        assert!(matches!(result, Err(Error::InvalidConfig(_))), "{code}: {result:?}");
    }
    for code in [430_102, 40_035, 460_101] {
        let result = answered(&json!({"errcode": code}).to_string());
        assert!(matches!(result, Err(Error::InvalidInput(_))), "{code}: {result:?}");
    }
    assert_eq!(answered(r#"{"status":1111,"wait":5,"punish":"deny"}"#), Err(Error::RateLimited(5)));
    assert!(matches!(answered(r#"{"status":1111}"#), Err(Error::Unknown(_))));
}

#[test]
fn robot_dingtalk_without_its_secrets_nothing_is_sent() {
    let _serving = serve(|_| panic!("nothing may be sent"));
    testing::secret("dingtalk-access-token", b"566cc69da782ec");
    let result = testing::deliver::<DingTalk>(&testing::context(NOW), "{}", message("一句话。"));
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("sign")));
}

#[test]
fn robot_dingtalk_the_readmes_example_is_a_configuration() {
    let config = from_slice(testing::example_of(include_str!("../README.md")).as_bytes()).unwrap();
    deliver(&config, message("一句话。"), NOW).0.unwrap();
}
