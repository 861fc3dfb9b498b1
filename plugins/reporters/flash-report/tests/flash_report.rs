//! The reporter as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_flash_report::FlashReport;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Document, Error, testing};

/// 2024-03-01T09:12:00+08:00.
const NOW: u64 = 1_709_255_520_000;
const CONFIG: &str = r#"{"issuer": "李某某", "reportTo": ["市林草局", "县政府"]}"#;

fn data() -> Value {
    json!({
        "case": "530502_20240301003000_1",
        "opened": true,
        "level": "II",
        "title": "青山林场火情",
        "occurred_at": "2024-03-01T00:30:00Z",
        "discovered_at": "2024-03-01T08:45:00+08:00",
        "lead_unit": "青山县林业和草原局",
        "clocks": [],
        "facts": [
            {"text": "8时30分青山林场发现明火", "evidence": ["item-1", "item-2"]},
            {"text": "起火原因正在调查", "evidence": ["item-3"]},
        ],
    })
}

fn render(data: &Value) -> Result<Vec<Document>, Error> {
    testing::render::<FlashReport>(&testing::context(NOW), CONFIG, &data.to_string())
}

fn texts(data: &Value) -> Vec<String> {
    render(data).unwrap().into_iter().map(|d| String::from_utf8(d.bytes).unwrap()).collect()
}

#[test]
fn the_facts_of_the_case_are_on_the_page() {
    let documents = render(&data()).unwrap();
    assert_eq!(documents[0].media_type, "text/markdown; charset=utf-8");
    assert_eq!(documents[0].filename, "flash-report-530502_20240301003000_1.md");
    assert_eq!(documents[1].filename, "flash-report-530502_20240301003000_1.html");
    let markdown = String::from_utf8(documents[0].bytes.clone()).unwrap();
    for line in [
        "# 快报：青山林场火情",
        "| 编号 | 530502\\_20240301003000\\_1 |",
        "| 等级 | Ⅱ级 重大（橙） |",
        "| 事发时间 | 2024年3月1日08时30分 |",
        "| 发现时间 | 2024年3月1日08时45分 |",
        "| 报告时间 | 2024年3月1日09时12分 |",
        "| 事发至报告 | 42分钟 |",
        "| 责任单位 | 青山县林业和草原局 |",
        "市林草局、县政府：",
        "1. 8时30分青山林场发现明火（依据：item-1、item-2）",
        "2. 起火原因正在调查（依据：item-3）",
        "签发：李某某",
    ] {
        assert!(markdown.lines().any(|there| there == line), "{line}\nin\n{markdown}");
    }
}

#[test]
fn a_cause_is_refused_wherever_it_stands() {
    for (pointer, value, why) in [
        ("cause", json!("雷击"), "慎报原因"),
        ("causes", json!(["雷击"]), "慎报原因"),
        ("原因", json!({"text": "雷击"}), "慎报原因"),
        ("cause", json!(0), "慎报原因"),
        ("measures", json!("已派出队伍"), "详报措施"),
        ("result", json!("已扑灭"), "后报结果"),
    ] {
        let mut data = data();
        data[pointer] = value;
        assert!(matches!(render(&data), Err(Error::InvalidInput(text)) if text.contains(why)));
    }
    let mut data = data();
    data["facts"][1]["text"] = json!("起火原因系村民烧荒");
    assert!(matches!(render(&data), Err(Error::InvalidInput(text))
        if text.contains("/facts/1/text") && text.contains("慎报原因")));
}

#[test]
fn plugins_18_a_cause_is_refused_in_each_of_its_forms() {
    for text in ["因农户焚烧秸秆引发山火", "由雷击引起", "原 因 是雷击", "該山火由雷擊引起"]
    {
        let mut data = data();
        data["facts"][1]["text"] = json!(text);
        assert!(
            matches!(render(&data), Err(Error::InvalidInput(why))
                if why.contains("/facts/1/text") && why.contains("慎报原因")),
            "{text}"
        );
    }
}

#[test]
fn an_empty_cause_is_none() {
    for empty in [json!(null), json!(""), json!([]), json!({"text": " "})] {
        let mut data = data();
        data["cause"] = empty;
        assert_eq!(render(&data).unwrap().len(), 2);
    }
}

#[test]
fn text_from_outside_never_becomes_markup() {
    let mut data = data();
    data["title"] = json!("<script>alert(1)</script> | [点这里](javascript:1)\n# 假标题");
    data["facts"][0]["evidence"] = json!(["\"><img src=x onerror=1>"]);
    let texts = texts(&data);
    assert!(texts[0].contains(r"\<script\>alert(1)\</script\> \| \[点这里\](javascript:1) \# 假标题"));
    assert!(!texts[1].contains("<script") && !texts[1].contains("<img"));
    assert!(texts[1].contains("&lt;script&gt;"));
    assert!(texts[1].contains("&quot;&gt;&lt;img src=x onerror=1&gt;"));
}

#[test]
fn what_is_missing_or_cannot_be_is_named() {
    for (pointer, value, why) in [
        ("/facts", json!([]), "/facts: there is no fact"),
        ("/facts/0/evidence", json!([]), "/facts/0/evidence: no evidence"),
        ("/facts/0/evidence", json!([" "]), "/facts/0/evidence"),
        ("/facts/1/text", json!(""), "/facts/1/text: it is empty"),
        ("/facts/1/text", json!(7), "/facts/1/text"),
        ("/lead_unit", json!(" "), "/lead_unit: it is empty"),
        ("/level", json!("V"), "/level"),
        ("/occurred_at", json!("yesterday"), "/occurred_at"),
        ("/occurred_at", json!("2024-03-01T00:50:00Z"), "before it occurred"),
        ("/discovered_at", json!("2025-01-01T00:00:00Z"), "/reported_at"),
    ] {
        let mut data = data();
        *data.pointer_mut(pointer).unwrap() = value;
        match render(&data) {
            Err(Error::InvalidInput(text)) => assert!(text.contains(why), "{text}"),
            other => panic!("{pointer}: {other:?}"),
        }
    }
    let nobody = testing::render::<FlashReport>(&testing::context(NOW), "{}", &data().to_string());
    assert!(nobody.unwrap_err().to_string().contains("/issuer"));
}

#[test]
fn the_same_call_gives_the_same_bytes() {
    let config = r#"{"issuer": "李某某", "forms": "all"}"#;
    let twice =
        [(); 2].map(|()| testing::render::<FlashReport>(&testing::context(NOW), config, &data().to_string()).unwrap());
    assert_eq!(twice[0].len(), 3);
    assert_eq!(twice[0], twice[1]);
}

#[test]
fn another_stage_is_another_reporters() {
    let mut data = data();
    data["stage"] = json!("final");
    assert!(render(&data).unwrap_err().to_string().contains("staged-report"));
    data["stage"] = json!("flash");
    assert_eq!(render(&data).unwrap().len(), 2);
}

#[test]
fn a_draft_of_the_desk_fits_as_it_is() {
    let mut data = data();
    data["facts"] = json!(["8时30分青山林场发现明火", "起火原因正在调查"]);
    assert!(render(&data).unwrap_err().to_string().contains("/facts/0/evidence"));
    data["evidence"] = json!([["item-1"], ["v2", "item-3"]]);
    assert!(texts(&data)[0].contains("2. 起火原因正在调查（依据：v2、item-3）"));
}

#[test]
fn one_form_can_be_asked_for() {
    let config = r#"{"issuer": "a", "forms": "html"}"#;
    let documents = testing::render::<FlashReport>(&testing::context(NOW), config, &data().to_string()).unwrap();
    assert_eq!(documents.len(), 1);
    assert_eq!(documents[0].media_type, "text/html; charset=utf-8");
}
