//! The notifier as a host calls it, and a double of the service.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::rc::Rc;

use huiyin_plugin_wechat_mp::WeChatMp;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::http::{Error as HttpError, Request, Response};
use huiyin_sdk::serde_json::{Value, from_slice, json};
use huiyin_sdk::{Error, Message, Receipt, testing};

fn config() -> Value {
    json!({"appId": "wx0123456789abcdef", "thumbMediaId": "thumb-1", "author": "宣传科"})
}

fn message() -> Message {
    Message {
        subject: "关于老鹰岩火情\n的通报".to_owned(),
        text: "第一段<script>。\n第二段 & 完。".to_owned(),
        data: json!({"link": "https://www.linhai.example.cn/y/7.html"}),
        ..Message::default()
    }
}

/// By its pages: a token for the right secret, drafts for the right token.
fn double(
    draft: Result<Response, HttpError>,
    sent: Rc<RefCell<Vec<Request>>>,
) -> impl FnMut(&Request) -> Result<Response, HttpError> {
    move |request| {
        sent.borrow_mut().push(request.clone());
        let body: Value = from_slice(&request.body).unwrap();
        if request.url == "https://api.weixin.qq.com/cgi-bin/stable_token" {
            let right = json!({"grant_type": "client_credential", "appid": "wx0123456789abcdef", "secret": "{{secret:wechat-app-secret}}"});
            let answer = if body == right {
                json!({"access_token": "tok/1=", "expires_in": 7200})
            } else {
                json!({"errcode": 40_125})
            };
            return Ok(Response::new(200, answer.to_string()));
        }
        assert_eq!(request.url, "https://api.weixin.qq.com/cgi-bin/draft/add?access_token=tok%2F1%3D");
        draft.clone()
    }
}

fn deliver(
    config: &Value,
    message: Message,
    draft: Result<Response, HttpError>,
) -> (Result<Receipt, Error>, Vec<Request>) {
    testing::secret("wechat-app-secret", b"s3cret");
    let sent: Rc<RefCell<Vec<Request>>> = Rc::default();
    let _serving = serve(double(draft, Rc::clone(&sent)));
    let result = testing::deliver::<WeChatMp>(&testing::context(1_772_352_000_000), &config.to_string(), message);
    let sent = sent.borrow().clone();
    (result, sent)
}

#[allow(clippy::unnecessary_wraps, reason = "the service may be out of reach")]
fn taken() -> Result<Response, HttpError> {
    Ok(Response::new(200, r#"{"media_id":"MEDIA-9","item":[]}"#))
}

#[test]
fn wechat_mp_a_draft_is_made_and_nothing_published() {
    let (result, sent) = deliver(&config(), message(), taken());
    assert_eq!(result.unwrap().id, "MEDIA-9");
    assert_eq!(sent.len(), 2, "a token and a draft, nothing else");
    let body: Value = from_slice(&sent[1].body).unwrap();
    assert_eq!(
        body,
        json!({"articles": [{
            "article_type": "news", "title": "关于老鹰岩火情 的通报", "author": "宣传科", "digest": "",
            "content": "<p>第一段&lt;script&gt;。</p>\n<p>第二段 &amp; 完。</p>\n",
            "content_source_url": "https://www.linhai.example.cn/y/7.html", "thumb_media_id": "thumb-1",
            "need_open_comment": 0, "only_fans_can_comment": 0,
        }]})
    );
}

#[test]
fn wechat_mp_codes_within_a_200() {
    let answered = |body: &str| deliver(&config(), message(), Ok(Response::new(200, body))).0;
    assert_eq!(answered(r#"{"errcode":45011}"#), Err(Error::RateLimited(60)));
    assert_eq!(answered(r#"{"errcode":45009}"#), Err(Error::RateLimited(3600)));
    for code in [40_001, 40_164, 48_001, 40_007] {
        assert!(matches!(answered(&json!({"errcode": code}).to_string()), Err(Error::InvalidConfig(_))), "{code}");
    }
    for code in [-1, 42_001] {
        assert!(matches!(answered(&json!({"errcode": code}).to_string()), Err(Error::Transient(_))), "{code}");
    }
    let result = answered(r#"{"errcode":45003,"errmsg":"title size out of limit tok/1="}"#);
    assert!(
        matches!(&result, Err(Error::InvalidInput(why)) if why.contains("45003") && !why.contains("tok")),
        "{result:?}"
    );
    for body in ["", "{}", "<html>", r#"{"errcode":0}"#] {
        assert!(matches!(answered(body), Err(Error::Unknown(_))), "{body}");
    }
    let (result, _) = deliver(&config(), message(), Err(HttpError::Lost("reset".to_owned())));
    assert!(matches!(result, Err(Error::Unknown(_))), "a draft may be there");
}

#[test]
fn wechat_mp_no_token_is_no_draft() {
    testing::secret("wechat-app-secret", b"s3cret");
    for (answer, limited) in [
        (Err(HttpError::Lost("reset".to_owned())), false),
        (Ok(Response::new(502, "")), false),
        (Ok(Response::new(200, "{}")), false),
        (Ok(Response::new(429, "")), true),
    ] {
        let _serving = serve(move |_| answer.clone());
        let result = testing::deliver::<WeChatMp>(&testing::context(1), &config().to_string(), message());
        assert!(
            if limited { result == Err(Error::RateLimited(60)) } else { matches!(result, Err(Error::Transient(_))) },
            "{result:?}"
        );
    }
    let _serving = serve(|_| Ok(Response::new(200, r#"{"errcode":40164,"errmsg":"invalid ip"}"#)));
    let result = testing::deliver::<WeChatMp>(&testing::context(1), &config().to_string(), message());
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("40164")));
}

#[test]
fn wechat_mp_what_does_not_fit_is_refused_and_never_cut() {
    let long = |subject: usize, text: usize| Message {
        subject: "题".repeat(subject),
        text: "文".repeat(text),
        ..Message::default()
    };
    for (message, place) in
        [(long(65, 1), "/subject"), (long(0, 1), "/subject"), (long(1, 0), "/text"), (long(1, 19_992), "/text")]
    {
        let (result, sent) = deliver(&config(), message, taken());
        assert!(matches!(&result, Err(Error::InvalidInput(why)) if why.contains(place)), "{result:?}");
        assert!(sent.is_empty(), "not even a token was asked for");
    }
    deliver(&config(), long(64, 19_991), taken()).0.unwrap();
    let mut with = config();
    with["digest"] = json!("{text}");
    let (result, _) = deliver(&with, long(1, 121), taken());
    assert!(matches!(result, Err(Error::InvalidInput(why)) if why.contains("digest")));
}

#[test]
fn wechat_mp_settings_are_checked() {
    for (name, value) in [
        ("appId", json!("wx 1")),
        ("thumbMediaId", json!("")),
        ("author", json!("一二三四五六七八九十一二三四五六七")),
        ("base", json!("https://a.cn/")),
        ("timeoutSeconds", json!(0)),
    ] {
        let mut config = config();
        config[name] = value;
        let (result, sent) = deliver(&config, message(), taken());
        assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains(name)), "{config}: {result:?}");
        assert!(sent.is_empty());
    }
}

#[test]
fn wechat_mp_the_readmes_example_is_a_configuration() {
    let config = from_slice(testing::example_of(include_str!("../README.md")).as_bytes()).unwrap();
    deliver(&config, message(), taken()).0.unwrap();
}
