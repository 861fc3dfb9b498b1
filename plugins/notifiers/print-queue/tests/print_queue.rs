//! The notifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_print_queue::PrintQueue;
use huiyin_sdk::serde_json::{Value, from_slice, from_str, json};
use huiyin_sdk::{Document, Error, Message, Receipt, testing};

fn document(media_type: &str, bytes: &[u8]) -> Document {
    Document { media_type: media_type.to_owned(), filename: "../快报.pdf".to_owned(), bytes: bytes.to_vec() }
}

fn message(attachments: Vec<Document>) -> Message {
    Message {
        subject: "快报\n第1期".to_owned(),
        text: "一段<b>。".to_owned(),
        attachments,
        recipients: vec!["局长".to_owned()],
        ..Message::default()
    }
}

fn deliver(config: &Value, message: Message) -> Result<Receipt, Error> {
    testing::deliver::<PrintQueue>(&testing::context(1_772_352_000_000), &config.to_string(), message)
}

#[test]
fn print_queue_documents_lie_ready_with_a_ticket() {
    let config = json!({"printer": "duty-office", "copies": 3, "sides": "two-sided-long-edge"});
    let receipt = deliver(
        &config,
        message(vec![
            document("application/pdf", b"%PDF-1.7 x"),
            document("text/plain; charset=utf-8", "字".as_bytes()),
        ]),
    )
    .unwrap();
    assert_eq!(
        receipt,
        Receipt { id: "effect-1.job.json".to_owned(), detail: "2 documents for duty-office".to_owned() }
    );
    let files = testing::files();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["effect-1-1.pdf", "effect-1-2.txt", "effect-1.job.json"]);
    assert_eq!(
        from_slice::<Value>(&files["effect-1.job.json"]).unwrap(),
        json!({
            "ticket": "huiyin.print.v1", "printer": "duty-office", "jobName": "快报 第1期", "requestedBy": "530000",
            "recipients": ["局长"], "created": "2026-03-01T16:00:00+08:00",
            "options": {"copies": 3, "sides": "two-sided-long-edge", "media": "iso_a4_210x297mm"},
            "documents": [
                {"file": "effect-1-1.pdf", "documentFormat": "application/pdf", "documentName": "../快报.pdf", "bytes": 10},
                {"file": "effect-1-2.txt", "documentFormat": "text/plain", "documentName": "../快报.pdf", "bytes": 3},
            ],
        })
    );
}

#[test]
fn print_queue_a_message_alone_becomes_a_page() {
    let config = json!({"printer": "p", "paper": "A3", "template": "{text}\n{case|无编号}"});
    deliver(&config, message(vec![])).unwrap();
    let files = testing::files();
    let page = String::from_utf8(files["effect-1-1.html"].clone()).unwrap();
    assert!(
        page.contains("size: A3;")
            && page.contains("<p>一段&lt;b&gt;。</p>\n<p>无编号</p>")
            && page.contains("<h1>快报 第1期</h1>"),
        "{page}"
    );
    deliver(&config, message(vec![])).unwrap();
    assert_eq!(testing::files(), files, "a second try changes nothing");
}

#[test]
fn print_queue_what_the_printer_cannot_take_is_refused_before_anything_is_written() {
    let config = json!({"printer": "p", "accepts": ["application/pdf", "text/plain"]});
    let good = || document("application/pdf", b"%PDF-1.4");
    for (attachments, place) in [
        (vec![good(), document("image/png", b"x")], "/attachments/1"),
        (vec![good(), document("application/pdf", b"<html>")], "%PDF-"),
        (vec![document("application/pdf", b"")], "empty"),
        (vec![document("text/plain", &[0xff])], "UTF-8"),
        (vec![], "text/html"),
    ] {
        let result = deliver(&config, message(attachments));
        assert!(matches!(&result, Err(Error::InvalidInput(why)) if why.contains(place)), "{place}: {result:?}");
    }
    let empty = Message { text: " ".to_owned(), ..message(vec![]) };
    assert!(matches!(deliver(&json!({"printer": "p"}), empty), Err(Error::InvalidInput(why)) if why.contains("empty")));
    for (config, place) in [
        (json!({"printer": "-o"}), "/printer"),
        (json!({"printer": "a b"}), "/printer"),
        (json!({"printer": "打印机"}), "/printer"),
        (json!({"printer": "p", "copies": 0}), "/copies"),
        (json!({"printer": "p", "accepts": []}), "/accepts"),
        (json!({"printer": "p", "accepts": ["text/plain; charset=utf-8"]}), "/accepts/0"),
        (json!({"printer": "p", "sides": "both"}), "/sides"),
    ] {
        let result = deliver(&config, message(vec![good()]));
        assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains(place)), "{config}: {result:?}");
    }
    assert!(testing::files().is_empty());
}

#[test]
fn print_queue_the_readmes_example_is_a_configuration() {
    let config = from_str(testing::example_of(include_str!("../README.md"))).unwrap();
    deliver(&config, message(vec![])).unwrap();
}
