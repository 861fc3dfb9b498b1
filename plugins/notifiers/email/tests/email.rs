//! The mail that the plugin makes, read back by another library.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::rc::Rc;

use huiyin_plugin_email::Email;
use huiyin_sdk::http::{self, Response};
use huiyin_sdk::{Document, Error, Message, Receipt, testing};
use mail_parser::{MessageParser, MimeHeaders as _};
use serde_json::json;

fn message(subject: &str, recipients: &[&str]) -> Message {
    Message {
        subject: subject.to_owned(),
        text: "老鹰岩起火，请速核实。\n.\n第二行".to_owned(),
        recipients: recipients.iter().map(|one| (*one).to_owned()).collect(),
        attachments: Vec::new(),
        data: json!({"case": "530500-2026-0001"}),
    }
}

/// Delivers and gives what came of it, with the requests that went out.
fn deliver(config: &str, message: &Message, answer: Response) -> (Result<Receipt, Error>, Vec<http::Request>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let there = Rc::clone(&seen);
    let _serving = http::testing::serve(move |request| {
        there.borrow_mut().push(request.clone());
        Ok(answer.clone())
    });
    testing::secret("email-password", b"s3cret");
    let done = testing::deliver::<Email>(&testing::context(1_772_352_000_000), config, message.clone());
    let seen = seen.borrow().clone();
    (done, seen)
}

const CONFIG: &str = r#"{"server": "smtps://mail.example.cn", "from": "huiyin@example.cn", "fromName": "临海市回应办",
    "user": "huiyin", "replyTo": "duty@example.cn", "addresses": {"值班室": "duty@example.cn"}}"#;

fn taken() -> Response {
    Response::new(200, "2.0.0 Ok: queued").with_header("smtp-code", "250")
}

#[test]
fn the_mail_says_what_the_message_says_and_the_password_is_the_hosts() {
    let mut long = message(
        "快报：青山林场山火，火势蔓延，已报市应急局，请各单位按预案处置并于一小时内反馈\r\nBcc: x@evil.cn",
        &["值班室", "hu@example.cn", "HU@example.cn"],
    );
    let pdf = b"%PDF-1.7 \x00\xff\r\n.\r\n".to_vec();
    long.attachments = vec![Document {
        media_type: "application/pdf".to_owned(),
        filename: "快报 第1期\"\r\n.pdf".to_owned(),
        bytes: pdf.clone(),
    }];
    let (done, requests) = deliver(CONFIG, &long, taken());
    let receipt = done.unwrap();
    let request = &requests[0];
    let all = |name: &str| -> Vec<String> {
        request
            .headers
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| String::from_utf8_lossy(v).into_owned())
            .collect()
    };
    assert_eq!(request.url, "smtps://mail.example.cn");
    assert_eq!(
        (all("smtp-from"), all("smtp-to")),
        (vec!["huiyin@example.cn".to_owned()], vec!["duty@example.cn".to_owned(), "hu@example.cn".to_owned()])
    );
    assert_eq!(
        (all("smtp-user"), all("smtp-password")),
        (vec!["huiyin".to_owned()], vec!["{{secret:email-password}}".to_owned()])
    );

    assert!(request.body.is_ascii(), "it passes every server");
    for line in String::from_utf8_lossy(&request.body).split("\r\n") {
        assert!(line.len() <= 998 && !line.contains('\n'), "{line}");
    }
    let mail = MessageParser::default().parse(&request.body).unwrap();
    assert_eq!(
        mail.subject().unwrap(),
        "快报：青山林场山火，火势蔓延，已报市应急局，请各单位按预案处置并于一小时内反馈  Bcc: x@evil.cn"
    );
    assert!(mail.bcc().is_none());
    let from = mail.from().unwrap().first().unwrap();
    assert_eq!((from.name().unwrap(), from.address().unwrap()), ("临海市回应办", "huiyin@example.cn"));
    assert_eq!(mail.date().unwrap().to_rfc3339(), "2026-03-01T08:00:00Z");
    assert_eq!(mail.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), long.text);
    assert_eq!(receipt.id, format!("<{}>", mail.message_id().unwrap()));
    let attached = mail.attachment(0).unwrap();
    assert_eq!(attached.contents(), pdf);
    assert_eq!(attached.attachment_name().unwrap().replace(['\r', '\n', ' ', '"'], ""), "快报第1期.pdf");
    assert!(receipt.detail.contains("250"), "{}", receipt.detail);

    // The same call is the same mail; another of the case is in its thread under an id of its own.
    assert_eq!(deliver(CONFIG, &long, taken()).1[0].body, request.body);
    let again = deliver(CONFIG, &message("续报", &["值班室"]), taken()).1.remove(0);
    let again = MessageParser::default().parse(&again.body).unwrap().into_owned();
    assert_eq!(again.references().as_text_list(), mail.references().as_text_list());
    assert!(mail.references().as_text_list().is_some());
}

#[test]
fn what_the_server_says_is_told_apart() {
    let said = |status: u16, code: &str| Response::new(status, "no").with_header("smtp-code", code);
    type Fits = fn(&Error) -> bool;
    let cases: [(Response, Fits); 4] = [
        (said(503, "450"), |e| matches!(e, Error::Transient(why) if why.contains("450"))),
        (said(422, "550"), |e| matches!(e, Error::InvalidInput(why) if why.contains("550"))),
        (said(401, "535"), |e| matches!(e, Error::InvalidConfig(why) if why.contains("secret"))),
        (Response::new(500, ""), |e| matches!(e, Error::Unknown(_))),
    ];
    for (response, fits) in cases {
        let error = deliver(CONFIG, &message("快报", &["值班室"]), response).0.unwrap_err();
        assert!(fits(&error), "{error:?}");
    }
}

#[test]
fn what_is_no_address_is_refused_before_anything_is_sent() {
    for (config, recipients, says) in [
        (CONFIG, &["值班"][..], "recipient 1"),
        (CONFIG, &[], "no recipients"),
        (CONFIG, &["a@b.cn\r\nRCPT TO:<x@evil.cn>"], "no mail address"),
        (CONFIG, &["a@b.cn, x@evil.cn"], "no mail address"),
        (r#"{"server": "smtps://mail.example.cn", "from": "huiyin"}"#, &["a@b.cn"], "at /from"),
        (r#"{"server": "mail.example.cn", "from": "huiyin@example.cn"}"#, &["a@b.cn"], "smtps://"),
        (r#"{"server": "smtps://m.cn", "from": "h@e.cn", "timeoutSeconds": 0}"#, &["a@b.cn"], "at /timeoutSeconds"),
    ] {
        let (done, requests) = deliver(config, &message("快报", recipients), taken());
        let error = done.unwrap_err().to_string();
        assert!(error.contains(says) && requests.is_empty(), "{error}");
    }
}
