//! The reporter as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_risk_assessment::RiskAssessment;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Document, Error, testing};

/// 2026-03-02T09:00:00+08:00.
const NOW: u64 = 1_772_413_200_000;

/// The page of a case.
fn page() -> Value {
    let part = |part: &str, text: &str, evidence: Value| json!({"part": part, "text": text, "evidence": evidence, "level": null});
    json!({
        "number": "C-7", "kind": "decision-risk", "title": "调整采伐限额", "unit": "qingfeng",
        "names": {"units": {"qingfeng": "青枫县林业和草原局"}, "people": {}},
        "evidence": (1..=4).map(|n| json!({"id": format!("v{n}"), "kind": "document", "text": "x"})).collect::<Vec<_>>(),
        "risk": {
            "parts": [
                part("tracking", "网上反映12条，多为询问。", json!(["v1"])),
                part("survey", "走访120户，九成支持。", json!(["v2"])),
                part("visits", "约谈林农代表8人。", json!(["v3"])),
                part("consultation", "会商认为总体可控。", json!(["v4", "v1"])),
                {"part": "level", "text": "个别林农收入受影响", "level": "medium", "level_zh": "中风险"},
                part("plan", "设立咨询窗口，按周回访。", json!([])),
            ],
            "missing": [], "gate_open": false, "gate": null,
        },
    })
}

fn render(data: &Value) -> Result<Vec<Document>, Error> {
    testing::render::<RiskAssessment>(&testing::context(NOW), r#"{"forms": "markdown"}"#, &data.to_string())
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
fn plugins_3_2d_six_parts_and_a_shut_gate() {
    let text = text(&page());
    for said in [
        "| 评估单位 | 青枫县林业和草原局 |",
        "## 抽样调查\n\n走访120户，九成支持。（依据：v2）",
        "## 风险等级\n\n中风险：个别林农收入受影响（依据：v1、v2、v3、v4）",
        "## 处置预案\n\n设立咨询窗口，按周回访。（依据：v1、v2、v3、v4）",
        "评估尚未批准，决策不得出台。",
    ] {
        assert!(text.contains(said), "{said}\nin\n{text}");
    }
}

#[test]
fn plugins_3_2d_an_open_gate_names_its_approval() {
    let mut open = page();
    open["risk"]["gate_open"] = json!(true);
    assert!(text(&open).contains("决策不得出台"), "a gate without an approval is none");
    open["risk"]["gate"] = json!({"approval": "a3", "author": "xu-ming", "at": "2026-03-01T00:00:00Z"});
    assert!(text(&open).contains("评估已按程序批准，决策可以出台。（依据：a3）"));
    open["risk"]["gate_open"] = json!(false);
    assert!(text(&open).contains("决策不得出台"));
}

#[test]
fn plugins_3_2d_what_is_missing_is_named() {
    for (n, zh) in ["舆情跟踪", "抽样调查", "重点走访", "会商分析", "风险等级", "处置预案"].into_iter().enumerate()
    {
        let mut short = page();
        short["risk"]["parts"].as_array_mut().unwrap().remove(n);
        refused(&short, &format!("at /risk/parts: {zh} missing"));
    }
    for n in 0..4 {
        let mut bare = page();
        bare["risk"]["parts"][n]["evidence"] = json!([]);
        refused(&bare, &format!("/risk/parts/{n}/evidence: no evidence"));
        bare["risk"]["parts"][n]["evidence"] = json!(["v9"]);
        refused(&bare, "no evidence `v9`");
    }
    for (pointer, value, why) in [
        ("/risk/parts/4/level", json!(null), "/risk/parts/4/level"),
        ("/risk/parts/4/level", json!("III"), "`high`, `medium` or `low`"),
        ("/risk/parts/5/text", json!(" "), "/risk/parts/5/text"),
        ("/risk/parts/1/part", json!("tracking"), "there already"),
        ("/risk/parts/1/part", json!("poll"), "is none of"),
        ("/title", json!(""), "at /title"),
    ] {
        let mut data = page();
        *data.pointer_mut(pointer).unwrap() = value;
        refused(&data, why);
    }
}
