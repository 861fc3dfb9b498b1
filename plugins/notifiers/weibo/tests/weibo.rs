//! The notifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_weibo::Weibo;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::serde_json::{Value, from_slice, from_str, json};
use huiyin_sdk::{Error, Message, Receipt, testing};

fn message(subject: &str, text: &str) -> Message {
    Message {
        subject: subject.to_owned(),
        text: text.to_owned(),
        data: json!({"link": "https://www.linhai.example.cn/y/7"}),
        ..Message::default()
    }
}

fn deliver(config: &Value, message: Message) -> Result<Receipt, Error> {
    let _serving = serve(|_| panic!("nothing is ever sent"));
    testing::deliver::<Weibo>(&testing::context(1_772_352_000_000), &config.to_string(), message)
}

#[test]
fn weibo_a_draft_lies_ready_and_nothing_is_sent() {
    let receipt = deliver(&json!({}), message("老鹰岩火情通报", "一段<b>。\n二段。")).unwrap();
    assert_eq!(receipt.id, "effect-1.weibo.json");
    let files = testing::files();
    let draft: Value = from_slice(&files["effect-1.weibo.json"]).unwrap();
    assert_eq!(
        draft,
        json!({"title": "老鹰岩火情通报", "content": "<p>一段&lt;b&gt;。</p>\n<p>二段。</p>\n", "cover": "", "summary": "",
               "text": "【老鹰岩火情通报】 https://www.linhai.example.cn/y/7"})
    );
    assert!(String::from_utf8(files["effect-1.weibo.html"].clone()).unwrap().contains("未发布"));
    deliver(&json!({}), message("老鹰岩火情通报", "一段<b>。\n二段。")).unwrap();
    assert_eq!(testing::files(), files, "a second try changes nothing");
}

#[test]
fn weibo_what_does_not_fit_is_refused_and_never_cut() {
    let whole = "题".repeat(32);
    deliver(&json!({}), message(&whole, "x")).unwrap();
    testing::reset();
    for (config, message, place) in [
        (json!({}), message(&"题".repeat(33), "x"), "/subject"),
        (json!({}), message(" \n", "x"), "/subject"),
        (json!({}), message("x", " \n"), "/text"),
        (json!({}), message("x", &"文".repeat(90_000)), "/text"),
        (json!({"post": "{text}"}), message("x", &"文".repeat(1_901)), "/text"),
    ] {
        let result = deliver(&config, message);
        assert!(matches!(&result, Err(Error::InvalidInput(why)) if why.contains(place)), "{result:?}");
    }
    let result = deliver(&json!({"cover": "cover.png"}), message("x", "x"));
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("/cover")));
    assert!(testing::files().is_empty());
}

#[test]
fn weibo_the_readmes_example_is_a_configuration() {
    let config = from_str(testing::example_of(include_str!("../README.md"))).unwrap();
    deliver(&config, message("通报", "一段。")).unwrap();
}
