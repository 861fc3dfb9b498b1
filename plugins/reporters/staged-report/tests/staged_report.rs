//! The reporter as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_staged_report::StagedReport;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Document, Error, testing};

/// 2026-03-01T16:00:00+08:00.
const NOW: u64 = 1_772_352_000_000;
const CONFIG: &str = r#"{"issuer": "高原", "reportTo": ["林海市林业和草原局"]}"#;

fn data(stage: &str) -> Value {
    let mut data = json!({
        "stage": stage, "seq": 1, "case": "99992106400200_20260301083000_1", "level": "II", "title": "老鹰岩山火",
        "unit_name": "青枫县林业和草原局", "occurred_at": "2026-03-01T00:30:00Z",
        "facts": [{"text": "明火已于14时扑灭", "evidence": ["v1"]}, {"text": "转移群众12人，无人员伤亡", "evidence": ["v2"]}],
        "records": [
            {"id": "v1", "kind": "observation"}, {"id": "v2", "kind": "document"}, {"id": "v3", "kind": "investigation"},
        ],
    });
    if stage == "detailed" || stage == "final" {
        data["measures"] = json!("投入扑火队员120人。\n安排专人看守火场。");
    }
    if stage == "final" {
        data["result"] = json!("过火面积3公顷，火场已移交看守。");
    }
    data
}

fn render(data: &Value) -> Result<Vec<Document>, Error> {
    testing::render::<StagedReport>(&testing::context(NOW), CONFIG, &data.to_string())
}

fn markdown(data: &Value) -> String {
    String::from_utf8(render(data).unwrap().remove(0).bytes).unwrap()
}

fn refused(data: &Value, place: &str, why: &str) {
    match render(data) {
        Err(Error::InvalidInput(text)) => {
            assert!(text.contains(&format!("at {place}:")) && text.contains(why), "{place} {why}: {text}");
        }
        other => panic!("{place} {why}: {other:?}"),
    }
}

#[test]
fn plugins_5a_each_stage_says_its_own() {
    let text = markdown(&data("follow-up"));
    assert!(text.starts_with("# 续报：老鹰岩山火\n"), "{text}");
    assert!(text.contains("1. 明火已于14时扑灭（依据：v1）") && text.contains("处置措施在详报"));
    let text = markdown(&data("detailed"));
    assert!(text.contains("## 处置措施\n\n投入扑火队员120人。\n\n安排专人看守火场。（依据：v1、v2）"), "{text}");
    let text = markdown(&data("final"));
    assert!(text.contains("## 处理结果\n\n过火面积3公顷") && !text.contains("终报中报告"));
    let names: Vec<String> = render(&data("final")).unwrap().into_iter().map(|d| d.filename).collect();
    let name = |end| format!("final-report-99992106400200_20260301083000_1.{end}");
    assert_eq!(names, ["md", "html", "docx"].map(name));
}

#[test]
fn plugins_5a_what_belongs_to_another_stage_is_refused() {
    for (stage, member, why) in
        [("follow-up", "measures", "详报措施"), ("follow-up", "result", "后报结果"), ("detailed", "result", "后报结果")]
    {
        let mut data = data(stage);
        data[member] = json!("已处理完毕");
        refused(&data, &format!("/{member}"), why);
    }
    for (stage, member) in [("detailed", "measures"), ("final", "result")] {
        for nothing in [json!(null), json!(" "), json!([])] {
            let mut data = data(stage);
            data[member] = nothing;
            refused(&data, &format!("/{member}"), "needs it");
        }
    }
    for stage in ["flash", "", "Final", "preliminary"] {
        refused(&data(stage), "/stage", "`");
    }
}

#[test]
fn plugins_5a_a_cause_rests_on_an_investigation() {
    for stage in ["follow-up", "detailed", "final"] {
        let mut data = data(stage);
        data["cause"] = json!("经火场勘查，系雷击引起。");
        refused(&data, "/cause_evidence", "no evidence");
        data["cause_evidence"] = json!(["v1", "v2"]);
        refused(&data, "/cause_evidence", "investigation");
        data["cause_evidence"] = json!(["v1", "v3"]);
        let text = markdown(&data);
        assert!(text.contains("## 事件原因\n\n经火场勘查，系雷击引起。（依据：v1、v3）"), "{text}");
        data["records"] = json!([]);
        refused(&data, "/cause_evidence", "investigation");
    }
}

#[test]
fn plugins_5a_a_cause_is_not_slipped_in() {
    let mut fact = data("detailed");
    fact["facts"][0]["text"] = json!("因农户焚烧秸秆引发山火");
    refused(&fact, "/facts/0/text", "慎报原因");
    let mut measures = data("detailed");
    measures["measures"] = json!("已看守火场。\n火灾由雷击引起，已通知气象部门。");
    refused(&measures, "/measures", "慎报原因");
    let mut result = data("final");
    result["result"] = json!("起火原因系村民烧荒，已立案。");
    refused(&result, "/result", "慎报原因");
    result["cause"] = json!("村民烧荒");
    result["cause_evidence"] = json!(["v3"]);
    assert_eq!(render(&result).unwrap().len(), 3);
}

#[test]
fn plugins_1b_evidence_is_of_the_case() {
    let mut unknown = data("final");
    unknown["facts"][1]["evidence"] = json!(["v9"]);
    refused(&unknown, "/facts/1/evidence", "`v9`");
    unknown["facts"][1]["evidence"] = json!([]);
    refused(&unknown, "/facts/1/evidence", "no evidence");
    let mut item = data("follow-up");
    item["facts"][1]["evidence"] = json!(["01900000-0000-7000-8000-000000000001", "https://b.example.cn/v1"]);
    assert!(markdown(&item).contains("01900000-0000-7000-8000-000000000001"));
    let mut as_reported = data("follow-up");
    as_reported["facts"] = json!(["明火已扑灭", "无人员伤亡"]);
    as_reported["evidence"] = json!([["v1"], ["v2"]]);
    assert!(markdown(&as_reported).contains("2. 无人员伤亡（依据：v2）"));
    as_reported["evidence"] = json!([["v1"], ["v2"], ["v3"]]);
    refused(&as_reported, "/evidence", "more facts");
}

#[test]
fn the_printed_form_is_a_zip_of_well_formed_parts() {
    let mut wild = data("final");
    wild["title"] = json!("<w:p/>&\u{1}\u{ffff}“老鹰岩” ]]> 山火");
    wild["result"] = json!("</w:t></w:r><w:r><w:instrText>INCLUDETEXT \"/etc/passwd\"</w:instrText>");
    wild["seq"] = json!(2);
    let document = render(&wild).unwrap().remove(2);
    assert_eq!(document.filename, "final-report-2-99992106400200_20260301083000_1.docx");
    assert!(document.media_type.ends_with("wordprocessingml.document"));
    assert!(document.bytes.starts_with(b"PK\x03\x04"));
    let text = String::from_utf8_lossy(&document.bytes);
    assert!(!text.contains("<w:instrText>INCLUDETEXT") && text.contains("&lt;w:instrText&gt;INCLUDETEXT"));
    for part in ["[Content_Types].xml", "word/document.xml", "word/styles.xml", "word/footer2.xml"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(text.contains("w:linePitch=\"579\"") && text.contains("w:eastAsia=\"zh-CN\""));
    // Each statement's evidence is numbered in the text and listed at the end.
    for (n, id) in ["v1", "v2"].iter().enumerate() {
        assert!(text.contains(&format!("〔{}〕{id}<", n + 1)), "{id}");
    }
}

#[test]
fn the_same_call_gives_the_same_bytes() {
    assert_eq!(render(&data("final")).unwrap(), render(&data("final")).unwrap());
}
