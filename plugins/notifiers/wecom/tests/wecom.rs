//! The notifier as a host calls it, and a double of the service.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::rc::Rc;

use huiyin_plugin_wecom::WeCom;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::http::{Error as HttpError, Request, Response};
use huiyin_sdk::serde_json::{Value, from_slice, json};
use huiyin_sdk::{Document, Error, Message, Receipt, testing};

const NOW: u64 = 1_772_352_000_000;

fn message(text: &str) -> Message {
    Message { subject: "快报".to_owned(), text: text.to_owned(), ..Message::default() }
}

/// What the service does with a body, by its page: limits in bytes, 20 a minute, a code within a 200.
fn double(sent: Rc<RefCell<Vec<Value>>>) -> impl FnMut(&Request) -> Result<Response, HttpError> {
    move |request| {
        let answer = |code: i64| Ok(Response::new(200, json!({"errcode": code, "errmsg": "…"}).to_string()));
        if request.url != "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={{secret:wecom-key}}" {
            return answer(93_000);
        }
        if request.body.windows(2).any(|two| two == b"\\u") {
            return answer(40_033);
        }
        let body: Value = from_slice(&request.body).unwrap();
        let (content, limit) = match body["msgtype"].as_str() {
            Some("text") => (&body["text"]["content"], 2048),
            Some("markdown") => (&body["markdown"]["content"], 4096),
            _ => return answer(40_008),
        };
        if content.as_str().unwrap().len() > limit {
            return answer(45_002);
        }
        if sent.borrow().len() >= 20 {
            return answer(45_009);
        }
        sent.borrow_mut().push(body);
        answer(0)
    }
}

fn deliver(config: &Value, message: Message) -> (Result<Receipt, Error>, Vec<Value>) {
    testing::secret("wecom-key", b"k-1234");
    let sent: Rc<RefCell<Vec<Value>>> = Rc::default();
    let _serving = serve(double(Rc::clone(&sent)));
    let result = testing::deliver::<WeCom>(&testing::context(NOW), &config.to_string(), message);
    let sent = sent.borrow().clone();
    (result, sent)
}

#[test]
fn robot_wecom_a_long_text_arrives_whole_in_numbered_parts() {
    for (format, text) in [("text", "火".repeat(683)), ("text", "🔥".repeat(1500)), ("markdown", "回音\n".repeat(1000))]
    {
        let config = json!({"template": "{text}", "format": format});
        let (result, sent) = deliver(&config, message(&text));
        assert!(result.unwrap().detail.contains(&format!("{} parts", sent.len())), "{}", sent.len());
        assert!(sent.len() > 1);
        let whole: Vec<&str> = sent.iter().map(|body| body[format]["content"].as_str().unwrap()).collect();
        let whole: String = whole.iter().map(|part| part.split_once('）').unwrap().1).collect();
        assert_eq!(whole.replace('\n', ""), text.replace('\n', ""));
    }
    let (result, sent) = deliver(&json!({"maxParts": 2}), message(&"火".repeat(2000)));
    assert!(
        matches!(result, Err(Error::InvalidInput(why)) if why.contains("/maxParts")),
        "refused before anything is sent"
    );
    assert!(sent.is_empty());
}

#[test]
fn robot_wecom_recipients_are_mentioned_by_what_they_are() {
    let mut all = message("一句话。");
    all.recipients = ["值班室", "13800001111", "he-ping", "所有人", "县政府"].map(str::to_owned).to_vec();
    let config = json!({"people": {"值班室": "xu.ming"}});
    let (result, sent) = deliver(&config, all.clone());
    result.unwrap();
    assert_eq!(sent[0]["text"]["mentioned_list"], json!(["xu.ming", "he-ping", "@all"]));
    assert_eq!(sent[0]["text"]["mentioned_mobile_list"], json!(["13800001111"]));
    assert!(sent[0]["text"]["content"].as_str().unwrap().contains("县政府"), "whoever is no user stands in the text");
    let (result, _) = deliver(&json!({"format": "markdown"}), all.clone());
    assert!(matches!(result, Err(Error::InvalidInput(why)) if why.contains("number")));
    let (result, _) = deliver(&json!({"people": {"值班室": "徐明"}}), all);
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("/people/值班室")));
}

#[test]
fn robot_wecom_codes_within_a_200() {
    let answered = |status: u16, body: &str| {
        testing::secret("wecom-key", b"k-1234");
        let body = body.to_owned();
        let _serving = serve(move |_| Ok(Response::new(status, body.clone())));
        testing::deliver::<WeCom>(&testing::context(NOW), "{}", message("一句话。"))
    };
    assert_eq!(answered(200, r#"{"errcode":45009}"#), Err(Error::RateLimited(60)));
    assert_eq!(answered(200, r#"{"errcode":45033}"#), Err(Error::RateLimited(60)));
    assert!(matches!(answered(200, r#"{"errcode":-1}"#), Err(Error::Transient(_))));
    for body in [r#"{"errcode":93000}"#, r#"{"errcode":"40014"}"#] {
        assert!(matches!(answered(200, body), Err(Error::InvalidConfig(_))), "{body}");
    }
    assert!(matches!(answered(200, r#"{"errcode":40058}"#), Err(Error::InvalidInput(_))));
    for body in ["", "ok", "{}", "[]", r#"{"errcode":null}"#] {
        assert!(matches!(answered(200, body), Err(Error::Unknown(_))), "{body}");
    }
    assert!(matches!(answered(502, "bad gateway"), Err(Error::Unknown(_))));
    assert!(matches!(answered(404, ""), Err(Error::InvalidConfig(why)) if !why.contains("key=")));
}

#[test]
fn robot_wecom_what_is_no_setting_or_message_is_refused_before_anything_is_sent() {
    for (config, place) in [
        (json!({"url": "https://a.cn/send?key=1"}), "/url"),
        (json!({"url": "ftp://a.cn"}), "/url"),
        (json!({"sign": true}), "/sign"),
        (json!({"timeoutSeconds": 0}), "/timeoutSeconds"),
        (json!({"maxParts": 11}), "/maxParts"),
        (json!({"template": "{subjekt}"}), "/template"),
        (json!({"quiet": {"from": "25:00", "to": "07:00"}}), "/quiet/from"),
        (json!({"key": "693a"}), "/key"),
    ] {
        let (result, sent) = deliver(&config, message("一句话。"));
        assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains(place)), "{config}: {result:?}");
        assert!(sent.is_empty());
    }
    let file = Document { media_type: "text/plain".to_owned(), filename: "a".to_owned(), bytes: vec![] };
    let (result, _) = deliver(&json!({}), Message { attachments: vec![file], ..message("x") });
    assert!(matches!(result, Err(Error::InvalidInput(why)) if why.contains("/attachments")));
    let (result, _) = deliver(&json!({"template": " {text} "}), message("  "));
    assert!(matches!(result, Err(Error::InvalidInput(why)) if why.contains("empty")));
}

#[test]
fn robot_wecom_each_group_has_a_key_of_its_own() {
    testing::secret("wecom-key-2", b"k-2");
    let _serving = serve(|request| {
        assert!(request.url.ends_with("?key={{secret:wecom-key-2}}"), "{}", request.url);
        Ok(Response::new(200, r#"{"errcode":0}"#))
    });
    testing::deliver::<WeCom>(&testing::context(NOW), r#"{"robot": 2}"#, message("一句话。")).unwrap();
    let (result, _) = deliver(&json!({"robot": 10}), message("一句话。"));
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("/robot")));
    let names: Vec<_> = testing::notifier_manifest::<WeCom>().capabilities;
    assert!(
        names.iter().any(|one| matches!(one, huiyin_sdk::Capability::Secret { name, .. } if name == "wecom-key-9"))
    );
}

#[test]
fn robot_wecom_the_readmes_example_is_a_configuration() {
    let config = from_slice(testing::example_of(include_str!("../README.md")).as_bytes()).unwrap();
    deliver(&config, message("一句话。")).0.unwrap();
}
