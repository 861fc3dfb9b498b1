//! The notifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_file::File;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Document, Error, Message, Receipt, testing};

fn message() -> Message {
    let document = |filename: &str, bytes: &[u8]| Document {
        media_type: "text/markdown".to_owned(),
        filename: filename.to_owned(),
        bytes: bytes.to_vec(),
    };
    Message {
        subject: "快报\n第二行".to_owned(),
        text: "青山林场火情\n".to_owned(),
        recipients: vec!["值班室".to_owned(), "局长".to_owned()],
        attachments: vec![document("快报.md", b"# x"), document("../../etc/passwd", b"y")],
        data: json!({"case": "c-1"}),
    }
}

fn deliver(key: &str, message: Message) -> Result<Receipt, Error> {
    let ctx = huiyin_sdk::Context { idempotency_key: key.to_owned(), ..testing::context(0) };
    testing::deliver::<File>(&ctx, r#"{"prefix": "duty-"}"#, message)
}

#[test]
fn message_attachments_and_data_become_files() {
    let receipt = deliver("k-1", message()).unwrap();
    assert_eq!(receipt.id, "duty-k-1.txt");
    let files = testing::files();
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["duty-k-1-1-快报.md", "duty-k-1-2-_.._etc_passwd", "duty-k-1.json", "duty-k-1.txt"]);
    assert_eq!(
        String::from_utf8(files["duty-k-1.txt"].clone()).unwrap(),
        "主题：快报 第二行\n收件：值班室、局长\n附件：duty-k-1-1-快报.md\n\
         附件：duty-k-1-2-_.._etc_passwd\n附件：duty-k-1.json\n\n青山林场火情\n"
    );
    assert_eq!(files["duty-k-1-1-快报.md"], b"# x");
}

#[test]
fn a_second_try_changes_nothing() {
    let first = deliver("k-1", message()).unwrap();
    let files = testing::files();
    assert_eq!(deliver("k-1", message()).unwrap(), first);
    assert_eq!(testing::files(), files);
}

#[test]
fn another_message_under_the_same_key_is_refused() {
    deliver("k-1", message()).unwrap();
    let other = Message { text: "别的".to_owned(), ..message() };
    assert!(matches!(deliver("k-1", other), Err(Error::InvalidConfig(why)) if why.contains("other bytes")));
}

#[test]
fn two_keys_never_share_a_name() {
    let plain = || Message { data: Value::Null, attachments: vec![], ..message() };
    for key in ["a/b", "a\\b", "ab", "", "键"] {
        deliver(key, plain()).unwrap();
    }
    assert_eq!(testing::files().len(), 5);
    assert!(testing::files().keys().all(|name| !name.contains(['/', '\\'])));
}

#[test]
fn a_prefix_that_is_none_is_refused() {
    for prefix in ["../", "a/b", "前"] {
        let config = json!({ "prefix": prefix }).to_string();
        let result = testing::deliver::<File>(&testing::context(0), &config, message());
        assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("/prefix")));
    }
}
