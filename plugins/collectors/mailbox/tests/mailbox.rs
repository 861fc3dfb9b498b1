//! The collector as a host calls it, against mails of its own making.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_mailbox::Mailbox;
use huiyin_sdk::http::Response;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Error, Page, testing};

/// 2026-11-30T00:00:00Z
const NOW: u64 = 1_795_996_800_000;

fn collect(body: impl Into<Vec<u8>>, more: &Value, cursor: Option<String>) -> Result<Page, Error> {
    let body = body.into();
    let _serving = serve(move |_| Ok(Response::new(200, body.clone())));
    let mut config = json!({"url": "https://mail.example.cn/inbox"});
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    testing::collect::<Mailbox>(&testing::context(NOW), &config.to_string(), cursor, 100)
}

fn gbk(text: &str) -> Vec<u8> {
    encoding_rs::GBK.encode(text).0.into_owned()
}

const PARTS: &str = "From: \"=?gb2312?B?wO7PyMn6?=\" <li@example.cn>\r\nTo: lcj@example.cn\r\nSubject: =?gb2312?B?uvPJvdPQyMu/s8r3?=\r\n\
Date: Fri, 1 Mar 2024 08:30:00 GMT+0800\r\nMessage-ID: <1@example.cn>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b1\r\n\r\n\
--b1\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n第一行\r\n第二行\r\n--b2\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>第一行</p>\r\n--b2--\r\n\
--b1\r\nContent-Type: image/jpeg\r\nContent-Disposition: attachment; filename*0*=gb18030''%BB%F0; filename*1*=%C7%E9; filename*2=.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/\r\n--b1--\r\n";

#[test]
fn mailbox_a_mail_becomes_an_item_with_its_parts() {
    let page = collect(PARTS, &json!({"intake": {"kind": "message"}, "channel": "message-board"}), None).unwrap();
    let item = &page.items[0];
    assert_eq!(
        (item.id.as_str(), item.title.as_str(), item.body.as_str()),
        ("1@example.cn", "后山有人砍树", "第一行\n第二行")
    );
    assert_eq!(item.published, Some(1_709_253_000_000), "GMT+0800 is +08:00");
    let fields = format!("{:?}", item.fields);
    assert_eq!(
        fields,
        r#"{"asker": "李先生", "channel": "message-board", "from": "li@example.cn", "intake": "message", "media": "火情.jpg"}"#
    );
    assert_eq!(collect(PARTS, &json!({}), page.cursor).unwrap().items, []);
}

#[test]
fn mailbox_bodies_are_read_whatever_their_mail_says_of_them() {
    let head = "From: a@example.cn\r\nSubject: x\r\n";
    let html = "<style>p{}</style><p>甲<br>乙</p>";
    for (kind, way, bytes, text) in [
        ("Content-Type: text/plain; charset=gb2312\r\n", "", gbk("镕基路积水"), "镕基路积水"),
        ("Content-Type: text/plain\r\n", "", gbk("后山有人砍树，请派人来看。"), "后山有人砍树，请派人来看。"),
        ("Content-Type: text/plain; charset=us-ascii\r\n", "", "后山有人砍树。".as_bytes().to_vec(), "后山有人砍树。"),
        ("", "", gbk("没有任何说明的正文，也要读得出来。"), "没有任何说明的正文，也要读得出来。"),
        (
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Transfer-Encoding: quoted-printable\r\n",
            b"=E7=81=AB=E6=83=\r\n=85".to_vec(),
            "火情",
        ),
        (
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Transfer-Encoding: base64\r\n",
            b"54Gr\r\n5oOF".to_vec(),
            "火情",
        ),
        ("Content-Type: text/html; charset=gbk\r\n", "", gbk(html), "甲\n乙"),
    ] {
        let mut mail = format!("{head}{kind}{way}\r\n").into_bytes();
        mail.extend_from_slice(&bytes);
        let page = collect(mail, &json!({}), None).unwrap();
        assert_eq!(page.items[0].body, text, "{kind}{way}");
    }
}

#[test]
fn mailbox_an_mbox_and_a_list_in_json_hold_many() {
    let mbox = "From a@b Fri Mar 1 08:30:00 2024\nFrom: a@example.cn\nSubject: 1\n\nFrom here on\n>From the hill\n\nFrom a@b Fri Mar 1 08:31:00 2024\nFrom: b@example.cn\nSubject: 2\n\n二\n";
    let page = collect(mbox, &json!({}), None).unwrap();
    let seen: Vec<_> = page.items.iter().map(|item| (item.title.as_str(), item.body.as_str())).collect();
    assert_eq!(seen, [("1", "From here on\nFrom the hill"), ("2", "二")]);
    let encoded = "RnJvbTogYUBleGFtcGxlLmNuDQpTdWJqZWN0OiAzDQoNCng=";
    let list =
        json!({"data": [{"mime": encoded}, {"mime": "From: a@example.cn\r\nSubject: 4\r\n\r\ny"}, {"mime": null}, 7]});
    let page = collect(list.to_string(), &json!({"list": "/data", "raw": "/mime"}), None).unwrap();
    let seen: Vec<_> = page.items.iter().map(|item| (item.title.as_str(), item.body.as_str())).collect();
    assert_eq!(seen, [("3", "x"), ("4", "y")]);
    assert!(testing::log().iter().any(|(_, line)| line.contains("2 of 4 are no mails")));
}

#[test]
fn mailbox_a_time_that_is_not_understood_is_none_and_said() {
    let mail = "From: a@example.cn\r\nSubject: x\r\nDate: yesterday\r\n\r\n甲";
    assert_eq!(collect(mail, &json!({}), None).unwrap().items[0].published, None);
    assert!(testing::log().iter().any(|(_, line)| line.contains("yesterday")));
}

#[test]
fn mailbox_what_is_no_mail_is_broken_and_not_empty() {
    for (body, more) in [
        ("<html>登录</html>", json!({})),
        ("hello", json!({})),
        (r#"{"errno": 5}"#, json!({"list": "/data"})),
        (r#"[{"raw": "x"}]"#, json!({"raw": "/mime"})),
    ] {
        let error = collect(body, &more, None).unwrap_err();
        assert!(matches!(&error, Error::Transient(why) if why.contains("is broken")), "{body}: {error}");
    }
    assert_eq!(collect("", &json!({}), None).unwrap().items, [], "an mbox without a mail");
}

#[test]
fn mailbox_no_mail_makes_it_stumble() {
    let pieces = [
        "From: ",
        "Subject: =?gb2312?B?",
        "\r\n",
        "--b1",
        "Content-Type: multipart/mixed; boundary=b1",
        "Content-Type: text/plain; charset=",
        "=?",
        "?=",
        "\u{0}",
        "filename*0*=",
        "''%",
        "\"",
        ";",
        "<",
        "Date: ",
        "base64",
    ];
    let mut seed = 7_u64;
    for _ in 0..3_000 {
        let mut mail = "From: a@example.cn\r\n".to_owned();
        for _ in 0..14 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            mail.push_str(pieces[(seed >> 33) as usize % pieces.len()]);
        }
        let _ = collect(mail, &json!({}), None);
    }
}

#[test]
fn mailbox_the_authorization_is_a_secret_of_the_host() {
    testing::secret("mailbox-authorization", b"Bearer x");
    let _serving = serve(|request| Ok(Response::new(if request.has_header("authorization") { 200 } else { 401 }, "")));
    let ask = |authorize: bool| {
        let config = json!({"url": "https://mail.example.cn/inbox", "authorize": authorize}).to_string();
        testing::collect::<Mailbox>(&testing::context(NOW), &config, None, 10)
    };
    assert!(ask(true).is_ok());
    assert!(matches!(ask(false), Err(Error::InvalidConfig(why)) if why.contains("401")));
}
