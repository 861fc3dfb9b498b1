//! The notifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::rc::Rc;

use huiyin_plugin_webhook::Webhook;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::http::{Error as HttpError, Request, Response};
use huiyin_sdk::secrets::{Algorithm, hmac};
use huiyin_sdk::serde_json::{Value, from_slice, json};
use huiyin_sdk::{Document, Error, Message, Receipt, testing};

const NOW: u64 = 1_709_253_000_123;
const CONFIG: &str = r#"{"url": "https://duty.cn/hook"}"#;

fn message() -> Message {
    Message {
        subject: "快报".to_owned(),
        text: "青山林场火情".to_owned(),
        recipients: vec!["值班室".to_owned()],
        attachments: vec![Document {
            media_type: "text/plain".to_owned(),
            filename: "a.txt".to_owned(),
            bytes: vec![0, 255],
        }],
        data: json!({"case": "c-1"}),
    }
}

fn deliver_with(config: &str) -> Result<Receipt, Error> {
    testing::deliver::<Webhook>(&testing::context(NOW), config, message())
}

fn deliver_to(response: Result<Response, HttpError>) -> Result<Receipt, Error> {
    testing::secret("hmac", b"key");
    let _serving = serve(move |_| response.clone());
    deliver_with(CONFIG)
}

#[test]
fn the_message_arrives_whole_and_signed() {
    testing::secret("hmac", b"key");
    let seen: Rc<RefCell<Option<Request>>> = Rc::default();
    let slot = Rc::clone(&seen);
    let _serving = serve(move |request| {
        *slot.borrow_mut() = Some(request.clone());
        Ok(Response::new(201, r#"{"id": "r-9"}"#))
    });
    let receipt = deliver_with(CONFIG).unwrap();
    assert_eq!(receipt.id, "r-9");
    assert!(receipt.detail.contains("201"));

    let request = seen.borrow().clone().unwrap();
    let header = |name: &str| {
        let value = &request.headers.iter().find(|(n, _)| n == name).unwrap().1;
        String::from_utf8(value.clone()).unwrap()
    };
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://duty.cn/hook"));
    assert_eq!(header("idempotency-key"), "effect-1");
    let body: Value = from_slice(&request.body).unwrap();
    assert_eq!(
        body,
        json!({
            "id": "effect-1", "unit": "530000", "time": "2024-03-01T00:30:00.123Z",
            "subject": "快报", "text": "青山林场火情", "recipients": ["值班室"],
            "attachments": [{"filename": "a.txt", "mediaType": "text/plain", "base64": "AP8="}],
            "data": {"case": "c-1"},
        })
    );

    // What a receiver does to check.
    let signature = header("huiyin-signature");
    let (seconds, mac) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut signed = format!("{seconds}.").into_bytes();
    signed.extend_from_slice(&request.body);
    let expected = hmac("hmac", Algorithm::HmacSha256, &signed).unwrap();
    assert_eq!(seconds, "1709253000");
    assert_eq!(mac, hex::encode(expected));
}

#[test]
fn two_tries_of_one_message_are_the_same_request() {
    testing::secret("hmac", b"key");
    let seen: Rc<RefCell<Vec<Request>>> = Rc::default();
    let log = Rc::clone(&seen);
    let _serving = serve(move |request| {
        log.borrow_mut().push(request.clone());
        Ok(Response::new(204, ""))
    });
    assert_eq!(deliver_with(CONFIG).unwrap().id, "effect-1", "no reference of the receiver's");
    deliver_with(CONFIG).unwrap();
    assert_eq!(seen.borrow()[0], seen.borrow()[1]);
}

#[test]
fn only_what_was_certainly_not_done_is_called_so() {
    for status in [408, 425, 503] {
        let result = deliver_to(Ok(Response::new(status, "")));
        assert!(matches!(result, Err(Error::Transient(_))), "{status}: {result:?}");
    }
    let busy = |status| Ok(Response::new(status, "").with_header("retry-after", "9"));
    assert_eq!(deliver_to(busy(429)), Err(Error::RateLimited(9)));
    assert_eq!(deliver_to(busy(503)), Err(Error::RateLimited(9)));
    assert_eq!(deliver_to(Ok(Response::new(429, ""))), Err(Error::RateLimited(60)));
    for status in [409, 500, 502, 504, 599, 100] {
        let result = deliver_to(Ok(Response::new(status, "oops  now")));
        assert!(matches!(&result, Err(Error::Unknown(why)) if why.ends_with(": oops now")), "{status}: {result:?}");
    }
    assert!(matches!(deliver_to(Err(HttpError::NotSent("refused".to_owned()))), Err(Error::Transient(_))));
    assert!(matches!(deliver_to(Err(HttpError::Lost("reset".to_owned()))), Err(Error::Unknown(_))));
}

#[test]
fn what_repeating_cannot_mend_is_told_apart() {
    for status in [400, 413, 415, 422] {
        let result = deliver_to(Ok(Response::new(status, "")));
        assert!(matches!(result, Err(Error::InvalidInput(_))), "{status}: {result:?}");
    }
    for status in [301, 308, 401, 403, 404, 405, 410, 501, 505] {
        let result = deliver_to(Ok(Response::new(status, "")));
        assert!(matches!(result, Err(Error::InvalidConfig(_))), "{status}: {result:?}");
    }
}

#[test]
fn without_the_secret_nothing_is_sent() {
    let _serving = serve(|_| panic!("nothing may be sent unsigned"));
    let result = deliver_with(CONFIG);
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("hmac")));
}

#[test]
fn signing_can_be_turned_off() {
    let _serving = serve(|request| {
        assert!(!request.has_header("huiyin-signature"));
        Ok(Response::new(200, "ok"))
    });
    deliver_with(r#"{"url": "https://duty.cn/hook", "sign": false}"#).unwrap();
}

#[test]
fn plugins_01_a_refusal_within_an_answer_of_200_is_one() {
    let answered = |body: &str| deliver_to(Ok(Response::new(200, body)));
    for body in [
        r#"{"errcode":310000,"errmsg":"keywords not in content"}"#,
        r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#,
        r#"{"code":19024,"msg":"Key Words Not Found"}"#,
        r#"{"code":"19021","msg":"sign match fail"}"#,
    ] {
        let result = answered(body);
        assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains("refused")), "{body}: {result:?}");
    }
    for body in [r#"{"errcode":40058,"errmsg":"no msgtype"}"#, r#"{"code":10014,"msg":"app is banned"}"#] {
        let result = answered(body);
        assert!(matches!(&result, Err(Error::InvalidInput(why)) if why.contains(body)), "{body}: {result:?}");
    }
    for body in [
        r#"{"errcode":130101}"#,
        r#"{"errcode":410100}"#,
        r#"{"errcode":45009}"#,
        r#"{"code":11232}"#,
        r#"{"code":9499}"#,
    ] {
        assert_eq!(answered(body), Err(Error::RateLimited(60)), "{body}");
    }
    assert!(matches!(answered(r#"{"errcode":-1,"errmsg":"system busy"}"#), Err(Error::Transient(_))));
    for body in [
        r#"{"errcode":0,"errmsg":"ok"}"#,
        r#"{"StatusCode":0,"code":0,"data":{},"msg":"success"}"#,
        r#"{"code":200,"message":"ok"}"#,
        r#"{"code":"A-17"}"#,
        r#"{"id":"r-9","errcode":"0"}"#,
        r#"[{"errcode":1}]"#,
        "ok",
        "",
    ] {
        assert!(answered(body).is_ok(), "{body}");
    }
}

#[test]
fn plugins_01_another_gateway_is_described_by_its_configuration() {
    let with = |body: &str| {
        let _serving = serve({
            let body = body.to_owned();
            move |_| Ok(Response::new(200, body.clone()))
        });
        deliver_with(
            r#"{"url": "https://duty.cn/hook?key=opensesame", "sign": false,
                "answer": {"at": "/result/status", "accepted": ["ok", 1, true], "busy": [7]}}"#,
        )
    };
    for body in [r#"{"result": {"status": "ok"}}"#, r#"{"result": {"status": 1}, "errcode": 5}"#] {
        assert!(with(body).is_ok(), "{body}");
    }
    assert_eq!(with(r#"{"result": {"status": 7}}"#), Err(Error::RateLimited(60)));
    for body in [r#"{"result": {"status": "no"}}"#, r#"{"result": {"status": false}}"#] {
        let result = with(body);
        assert!(matches!(&result, Err(Error::InvalidInput(why)) if !why.contains("opensesame")), "{result:?}");
    }
    for body in ["", "ok", "{}", r#"{"result": {"status": null}}"#] {
        let result = with(body);
        assert!(matches!(&result, Err(Error::Unknown(why)) if why.contains("/result/status")), "{result:?}");
    }
    for (answer, place) in [
        (r#"{"at": "status", "accepted": [0]}"#, "/answer/at"),
        (r#"{"at": "/status", "accepted": []}"#, "/answer/accepted"),
        (r#"{"at": "/status", "accepted": [0], "busy": [1, 0]}"#, "/answer/busy/1"),
        (r#"{"at": "/status", "accepted": [[]]}"#, "/answer/accepted"),
    ] {
        let _serving = serve(|_| panic!("nothing may be sent"));
        let result = deliver_with(&format!(r#"{{"url": "https://duty.cn/", "sign": false, "answer": {answer}}}"#));
        assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains(place)), "{answer}: {result:?}");
    }
}
