//! 单位之间加强沟通协商,确保回应的信息准确一致.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, SPOKESPERSON, UNIT};
use serde_json::json;

#[test]
fn a_text_that_departs_from_the_approved_line_is_flagged_with_its_sentence_before_approval() {
    let office = Office::open();
    let case = office.open_case("III", "老鹰岩山火", &json!({}));
    let data = office.data();
    let data = data.to_str().unwrap();
    let set = [
        "line",
        "set",
        &case,
        "--text",
        "火已扑灭",
        "--require",
        "无人员伤亡",
        "--forbid",
        "三人受伤",
        "--figure",
        "过火面积=12公顷",
        "--as",
        SPOKESPERSON,
        "--data",
        data,
        "--output",
        "json",
    ];
    let (code, out, error) = office.cli(&set);
    assert_eq!(code, 0, "{error}");
    let set: serde_json::Value = serde_json::from_str(&out).unwrap();
    let approve = json!({"command": "approve", "case": case, "hash": set["pending"]["hash"]});
    assert!(office.refused(UNIT, SPOKESPERSON, &approve).contains("rule 9"));
    office.act(UNIT, PRINCIPAL, &approve);

    let draft = json!({
        "command": "draft-response", "case": case, "form": {"kind": "online", "title": "情况通报"},
        "text": "火已扑灭,无人员伤亡。另有 3 人 受伤。过火面积约十五公顷。",
    });
    let drafted = office.act(UNIT, OFFICER, &draft);
    let flagged: Vec<_> = drafted["departures"].as_array().unwrap().iter().map(|d| d["sentence"].clone()).collect();
    assert_eq!(flagged, [json!("另有 3 人 受伤。"), json!("过火面积约十五公顷。")]);
    let mut submit = json!({"command": "submit-response", "case": case, "hash": drafted["hash"]});
    let said = office.refused(UNIT, OFFICER, &submit);
    assert!(said.contains("2b") && said.contains("另有 3 人 受伤"), "{said}");
    submit["departure_reason"] = json!("现场刚刚核实");
    let pending = office.act(UNIT, OFFICER, &submit);
    office.act(UNIT, PRINCIPAL, &json!({"command": "approve", "case": case, "hash": pending["pending"]["hash"]}));
    let shown = office.case(&case);
    assert_eq!(shown["responses"][0]["approved"]["departure_reason"], "现场刚刚核实");
    assert_eq!(shown["lines"][0]["current"], true);
}
