//! The collector as a host calls it, against exports of a call centre.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_hotline::Hotline;
use huiyin_sdk::http::Response;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Error, Page, testing};

/// 2026-11-30T00:00:00Z
const NOW: u64 = 1_795_996_800_000;
const HALF_PAST_EIGHT: Option<u64> = Some(1_709_253_000_000);

fn collect(body: impl Into<Vec<u8>>, more: &Value, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
    let body = body.into();
    let _serving = serve(move |_| Ok(Response::new(200, body.clone())));
    let mut config = json!({"url": "https://cti.example.cn/export"});
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    testing::collect::<Hotline>(&testing::context(NOW), &config.to_string(), cursor, limit)
}

fn logged(part: &str) -> bool {
    testing::log().iter().any(|(_, line)| line.contains(part))
}

#[test]
fn hotline_records_in_gbk_become_items_without_the_whole_number() {
    let csv = "流水号,呼入时间,主叫号码,咨询 内容,处理结果,姓名\r\nA1,2024年3月1日 8时30分,13800138000,\"后山,有人\n砍树\",已派人,李先生\r\nA2,2024-03-01 09:00,,,,\r\n";
    let page = collect(
        encoding_rs::GBK.encode(csv).0.into_owned(),
        &json!({"intake": {"kind": "hotline", "answered": "reply"}}),
        None,
        10,
    )
    .unwrap();
    assert_eq!(page.items.len(), 1);
    let item = &page.items[0];
    assert_eq!((item.id.as_str(), item.body.as_str(), item.published), ("A1", "后山,有人 砍树", HALF_PAST_EIGHT));
    let fields = format!("{:?}", item.fields);
    assert_eq!(fields, r#"{"asker": "李先生", "channel": "hotline", "phone-tail": "8000", "reply": "已派人"}"#);
    assert!(logged("1 calls without a word"));
    let again = collect(encoding_rs::GBK.encode(csv).0.into_owned(), &json!({}), page.cursor, 10).unwrap();
    assert_eq!(again.items, []);
}

#[test]
fn hotline_a_workbook_has_dates_in_every_east_asian_format_and_exact_digits() {
    let book = include_bytes!("../fixtures/calls.xlsx");
    let page = collect(&book[..], &json!({}), None, 100).unwrap();
    let calls: Vec<_> = page.items.iter().filter(|item| !item.fields.contains_key("refused")).collect();
    assert_eq!(calls.len(), 20);
    for call in &calls {
        assert_eq!(call.published, HALF_PAST_EIGHT, "{}: wall time of Shanghai", call.id);
    }
    assert_eq!((calls[0].id.as_str(), calls[0].fields["phone-tail"].as_str()), ("101", "8001"));
    let refused = page.items.iter().find(|item| item.fields.contains_key("refused")).unwrap();
    assert!(refused.body.contains("cell A22") && refused.body.contains("16 digits"), "{}", refused.body);
    assert!(logged("cell A22"));
}

#[test]
fn hotline_rows_that_are_refused_are_said_once() {
    let csv = "编号,时间,号码,内容\n1,2024-03-01 08:30,1,甲\n2,昨天,1,乙\n3,2024-03-01,1,\"丙\n4,2024-03-01 08:30,1,丁\n5,,1,戊\n6,2030-01-01,1,己";
    let page = collect(csv, &json!({}), None, 10).unwrap();
    let ids: Vec<_> = page.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!((ids.len(), ids[0], ids[1]), (3, "1", "4"));
    let refused = &page.items[2];
    assert_eq!((refused.title.as_str(), refused.fields["refused"].as_str()), ("热线话单有 4 行未收", "4"));
    for line in ["第 3 行", "第 4 行", "第 6 行", "第 7 行"] {
        assert!(refused.body.contains(line) && logged(line), "{line}: {}", refused.body);
    }
    testing::reset();
    let again = collect(csv, &json!({}), page.cursor, 10).unwrap();
    assert_eq!(again.items, []);
    assert!(!logged("第 3 行"), "what was said is not said again");
}

#[test]
fn hotline_json_and_named_columns_are_read() {
    let export = json!({"data": {"rows": [{"no": 7, "呼入时刻": "20240301083000", "诉求": "路灯不亮", "tel": "0871-5550100"}, 5]}});
    let more =
        json!({"list": "/data/rows", "columns": {"id": "no", "at": "呼入时刻", "content": "诉求", "phone": "TEL"}});
    let page = collect(export.to_string(), &more, None, 10).unwrap();
    assert_eq!(
        (page.items[0].id.as_str(), page.items[0].published, page.items[0].fields["phone-tail"].as_str()),
        ("7", HALF_PAST_EIGHT, "0100")
    );
    assert!(logged("第 2 行") && page.items.len() == 2);
}

#[test]
fn hotline_what_is_no_export_is_broken_and_not_empty() {
    for (body, more, why) in [
        ("<html>请登录</html>", json!({}), "HTML"),
        ("", json!({}), "empty"),
        ("甲,乙\n1,2\n", json!({}), "no column for `at`"),
        ("时间,来电时间,内容\n1,2,3\n", json!({}), "both `at`"),
        ("时间,内容\n1,2\n", json!({"columns": {"content": "诉求"}}), "/columns/content"),
        (r#"{"errno": 5}"#, json!({"list": "/rows"}), "errno"),
        ("PK\u{3}\u{4}x", json!({}), "is broken"),
    ] {
        let error = collect(body, &more, None, 10).unwrap_err().to_string();
        assert!(error.contains("is broken") && error.contains(why), "{body}: {error}");
    }
    let error = collect("", &json!({"columns": {"phones": "x"}}), None, 10).unwrap_err();
    assert!(matches!(error, Error::InvalidConfig(why) if why.contains("/columns/phones")));
}

#[test]
fn hotline_a_long_export_comes_in_pages_and_unchanged_is_not_read() {
    let rows: String = (1..=25).map(|n| format!("{n},2024-03-01 08:30,1,第{n}通\n")).collect();
    let csv = format!("编号,时间,号码,内容\n{rows}");
    let (mut cursor, mut count) = (None, 0);
    loop {
        let page = collect(&*csv, &json!({}), cursor, 10).unwrap();
        count += page.items.len();
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    assert_eq!(count, 25);
    let _serving = serve(|request| {
        Ok(Response::new(if request.has_header("if-none-match") { 304 } else { 200 }, "时间,内容\n2024-03-01,甲\n")
            .with_header("etag", "\"1\""))
    });
    let config = r#"{"url": "https://cti.example.cn/export"}"#;
    let first = testing::collect::<Hotline>(&testing::context(NOW), config, None, 10).unwrap();
    let again = testing::collect::<Hotline>(&testing::context(NOW), config, first.cursor, 10).unwrap();
    assert_eq!((first.items.len(), again), (1, Page::default()));
}
