//! The notifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::rc::Rc;

use huiyin_plugin_sms::{Sms, segments};
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::http::{Error as HttpError, Request, Response};
use huiyin_sdk::serde_json::{Value, from_slice, json};
use huiyin_sdk::{Error, Message, Receipt, testing};

fn config() -> Value {
    json!({
        "url": "https://sms.example.cn/v2/send",
        "body": {"json": {"account": "linhai", "password": "{key}", "phone": "{phone}", "msg": "{content}", "ext": [1, "{segments}"]}},
        "answer": {"at": "/code", "accepted": ["0"], "busy": ["103"], "settings": ["101", 102], "receipt": "/msgId"},
        "signature": "林海林草"
    })
}

fn message(text: &str, to: &[&str]) -> Message {
    let recipients = to.iter().map(|to| (*to).to_owned()).collect();
    Message { subject: "值班".to_owned(), text: text.to_owned(), recipients, ..Message::default() }
}

fn deliver(config: &Value, message: Message, answers: &[&str]) -> (Result<Receipt, Error>, Vec<Request>) {
    testing::secret("sms-key", b"p&ss");
    let sent: Rc<RefCell<Vec<Request>>> = Rc::default();
    let log = Rc::clone(&sent);
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let _serving = serve(move |request| {
        let n = log.borrow().len();
        log.borrow_mut().push(request.clone());
        answers.get(n).map(|body| Response::new(200, body.clone())).ok_or(HttpError::NotSent("refused".to_owned()))
    });
    let result = testing::deliver::<Sms>(&testing::context(1_772_352_000_000), &config.to_string(), message);
    let sent = sent.borrow().clone();
    (result, sent)
}

#[test]
fn sms_segments_are_counted_as_the_network_counts() {
    for (text, before, count) in [
        ("火".repeat(70), 0, 1),
        ("火".repeat(71), 0, 2),
        ("火".repeat(134), 0, 2),
        ("火".repeat(135), 0, 3),
        // 35 emoji are 70 units; 67 units hold 33 pairs.
        ("🔥".repeat(35), 0, 1),
        ("🔥".repeat(36), 0, 2),
        ("🔥".repeat(66), 0, 2),
        ("🔥".repeat(67), 0, 3),
        (format!("{}🔥{}", "火".repeat(66), "火".repeat(65)), 0, 2),
        (format!("{}🔥{}", "火".repeat(66), "火".repeat(66)), 0, 3),
        ("火".repeat(64), 6, 1),
        ("火".repeat(65), 6, 2),
        (String::new(), 0, 1),
    ] {
        assert_eq!(segments::count(&text, before), count, "{} + {before}", segments::units(&text));
    }
}

#[test]
fn sms_a_message_goes_to_each_number_with_its_signature() {
    let mut config = config();
    config["people"] = json!({"值班室": "138 0000 1111"});
    let to = ["值班室", "+86-13900002222", "13800001111"];
    let answers = [r#"{"code":"0","msgId":"m-1"}"#, r#"{"code":"0","msgId":22}"#];
    let (result, sent) = deliver(&config, message("一句话。", &to), &answers);
    assert_eq!(result.unwrap(), Receipt { id: "m-1,22".to_owned(), detail: "2 numbers, 1 segments each".to_owned() });
    let body: Value = from_slice(&sent[0].body).unwrap();
    assert_eq!(
        body,
        json!({"account": "linhai", "password": "{{secret:sms-key}}", "phone": "13800001111", "msg": "【林海林草】值班：一句话。", "ext": [1, "1"]})
    );
    assert_eq!(from_slice::<Value>(&sent[1].body).unwrap()["phone"], "13900002222");
}

#[test]
fn sms_a_form_and_a_query_hold_one_value_each_and_the_secret_as_it_is() {
    let mut config = config();
    config["body"] = json!({"form": {"u": "a&b", "k": "v1:{key}", "to": "{phones}", "text": "{content}"}});
    config["query"] = json!({"t": "{seconds}", "k": "{key}"});
    config["headers"] = json!({"authorization": "Bearer {key}"});
    config["separator"] = json!("|");
    let (result, sent) = deliver(&config, message("甲&乙=丙", &["13800001111", "13900002222"]), &[r#"{"code":"0"}"#]);
    assert_eq!(result.unwrap().id, "effect-1");
    assert_eq!(sent[0].url, "https://sms.example.cn/v2/send?k={{secret:sms-key}}&t=1772352000");
    let body = String::from_utf8(sent[0].body.clone()).unwrap();
    assert!(body.starts_with("k=v1%3A{{secret:sms-key}}&text=%E3%80%90"), "{body}");
    assert!(body.contains("%E7%94%B2%26%E4%B9%99%3D%E4%B8%99&to=13800001111%7C13900002222&u=a%26b"), "{body}");
    assert!(
        sent[0].headers.iter().any(|(name, value)| name == "authorization" && value == b"Bearer {{secret:sms-key}}")
    );
    // As a list in JSON.
    config["body"] = json!({"json": {"to": "{phones}", "text": "{content}"}});
    let (_, sent) = deliver(&config, message("x", &["13800001111", "13900002222"]), &[r#"{"code":"0"}"#]);
    assert_eq!(from_slice::<Value>(&sent[0].body).unwrap()["to"], json!(["13800001111", "13900002222"]));
}

#[test]
fn sms_what_is_too_long_is_refused_and_never_cut() {
    let (result, sent) = deliver(&config(), message(&"火".repeat(200), &["13800001111"]), &[]);
    assert!(
        matches!(&result, Err(Error::InvalidInput(why)) if why.contains("4 segments") && why.contains("/maxSegments")),
        "{result:?}"
    );
    assert!(sent.is_empty());
}

#[test]
fn sms_numbers_are_checked() {
    for wrong in
        ["1380000111", "138000011112", "12800001111", "0871-6512345", "１３８００００１１１１", "+8613800001111x", ""]
    {
        let (result, sent) = deliver(&config(), message("x", &[wrong]), &[]);
        assert!(
            matches!(&result, Err(Error::InvalidInput(why)) if why.contains("/recipients/0")),
            "{wrong}: {result:?}"
        );
        assert!(sent.is_empty());
    }
    let (result, _) = deliver(&config(), message("x", &[]), &[]);
    assert!(matches!(result, Err(Error::InvalidInput(_))));
    let mut named = config();
    named["people"] = json!({"值班室": "8001"});
    let (result, _) = deliver(&named, message("x", &["值班室"]), &[]);
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("/people/值班室")));
}

#[test]
fn sms_answers_within_a_200() {
    let one = |answer: &str| deliver(&config(), message("x", &["13800001111"]), &[answer]).0;
    assert_eq!(one(r#"{"code":"103"}"#), Err(Error::RateLimited(60)));
    for answer in [r#"{"code":"101"}"#, r#"{"code":102}"#] {
        assert!(matches!(one(answer), Err(Error::InvalidConfig(_))), "{answer}");
    }
    for answer in [r#"{"code":0}"#, r#"{"code":"7"}"#] {
        assert!(matches!(one(answer), Err(Error::InvalidInput(_))), "the text 0 is not the number: {answer}");
    }
    for answer in ["", "0", "{}", r#"{"code":null}"#] {
        assert!(matches!(one(answer), Err(Error::Unknown(_))), "{answer}");
    }
}

#[test]
fn sms_what_fails_after_a_number_was_reached_is_not_known() {
    let to = ["13800001111", "13900002222", "13700003333"];
    let (result, sent) = deliver(&config(), message("x", &to), &[r#"{"code":"0"}"#, r#"{"code":"103"}"#]);
    assert!(matches!(&result, Err(Error::Unknown(why)) if why.contains("1 of 3")), "{result:?}");
    assert_eq!(sent.len(), 2);
    let (result, _) = deliver(&config(), message("x", &to), &[]);
    assert!(matches!(result, Err(Error::Transient(_))), "nobody was reached");
}

#[test]
fn sms_what_is_no_gateway_is_refused_with_its_place() {
    let change = |pointer: &str, value: Value| {
        let mut config = config();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        config.pointer_mut(parent).unwrap()[name] = value;
        config
    };
    for (config, place) in [
        (change("/url", json!("https://a.cn/?u=1")), "/url"),
        (change("/signature", json!("【林海】")), "/signature"),
        (change("/signatureUnits", json!(6)), "/signatureUnits"),
        (change("/maxSegments", json!(0)), "/maxSegments"),
        (change("/separator", json!(",")), "/separator"),
        (change("/body", json!({"form": {"to": "{phone}"}})), "/body"),
        (change("/body", json!({"form": {"text": "{content}"}})), "/body"),
        (change("/body", json!({"json": {"a": ["{phone}", {"b": "{contents}"}]}})), "/json/a/1/b"),
        (change("/answer/at", json!("code")), "/answer/at"),
        (change("/answer/accepted", json!([])), "/answer/accepted"),
        (change("/answer/receipt", json!("id")), "/answer/receipt"),
    ] {
        let (result, sent) = deliver(&config, message("x", &["13800001111"]), &[]);
        assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains(place)), "{config}: {result:?}");
        assert!(sent.is_empty());
    }
}

#[test]
fn sms_the_readmes_example_is_a_configuration() {
    let config = from_slice(testing::example_of(include_str!("../README.md")).as_bytes()).unwrap();
    deliver(&config, message("一句话。", &["值班室"]), &[r#"{"code":"0"}"#]).0.unwrap();
}
