//! The reporter as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_answer_letter::AnswerLetter;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Document, Error, testing};

/// 2026-03-02T09:00:00+08:00.
const NOW: u64 = 1_772_413_200_000;

fn data() -> Value {
    json!({
        "case": "C-9", "title": "翠湖步道夜间无灯", "unit_name": "翠湖自然保护区管护局", "asked_at": "2026-02-26T01:00:00Z",
        "concerns": [{"id": "c1", "text": "何时装灯"}, {"id": "c2", "text": "承包人是谁"}],
        "text": "经现场核实，东段步道确无照明。", "evidence": ["v1"], "approval": "a2",
        "answers": [
            {"concern": "c2", "declined": "涉及他人商业信息，依法不予公开"},
            {"concern": "c1", "text": "4月底前装灯20盏", "evidence": ["v2"]},
        ],
        "askers": ["0a1b2c3d"],
    })
}

fn render(data: &Value) -> Result<Vec<Document>, Error> {
    let config = r#"{"forms": "markdown", "contact": "管护局宣教科（分机8201）"}"#;
    testing::render::<AnswerLetter>(&testing::context(NOW), config, &data.to_string())
}

fn text(data: &Value) -> String {
    String::from_utf8(render(data).unwrap().remove(0).bytes).unwrap()
}

fn refused(data: &Value, why: &str) {
    match render(data) {
        Err(Error::InvalidInput(text)) => assert!(text.contains(why), "{why}: {text}"),
        other => panic!("{why}: {other:?}"),
    }
}

#[test]
fn plugins_1c_each_concern_is_answered_in_its_order() {
    let text = text(&data());
    for said in [
        "来信人：",
        "您于2026年2月26日反映的“翠湖步道夜间无灯”（受理编号C-9）收悉。现答复如下：",
        "经现场核实，东段步道确无照明。（依据：v1）",
        "1. 关于“何时装灯”：4月底前装灯20盏（依据：v2）\n2. 关于“承包人是谁”：不予答复。理由：涉及他人商业信息，依法不予公开\n",
        "如有疑问，请联系管护局宣教科（分机8201）。",
    ] {
        assert!(text.contains(said), "{said}\nin\n{text}");
    }
    assert!(!text.contains("0a1b2c3d"), "who asked is not told of");
}

#[test]
fn plugins_1c_no_concern_is_passed_over() {
    let mut short = data();
    short["answers"].as_array_mut().unwrap().remove(1);
    refused(&short, "nothing is said of `c1`: 何时装灯");
    for (pointer, value, why) in [
        ("/answers/0/concern", json!("c7"), "no concern `c7`"),
        ("/answers/0/concern", json!("c1"), "answered already"),
        ("/answers/0/text", json!("张某"), "one of `text` and `declined`"),
        ("/answers/0/declined", json!(" "), "one of `text` and `declined`"),
        ("/evidence", json!([]), "/evidence: no evidence"),
        ("/text", json!(""), "/text: it is empty"),
        ("/asked_at", json!("2026-03-03T00:00:00Z"), "clause 1a"),
        ("/unit_name", json!(" "), "/unit_name"),
    ] {
        let mut data = data();
        data["answers"][0]["text"] = json!(null);
        *data.pointer_mut(pointer).unwrap() = value;
        refused(&data, why);
    }
}

#[test]
fn what_is_not_approved_says_so() {
    let mut draft = data();
    draft["approval"] = json!(null);
    assert!(text(&draft).starts_with("# 答复函（送审稿）："));
    assert!(text(&data()).starts_with("# 答复函：翠湖"));
}
