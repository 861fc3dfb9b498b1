//! 及时发现、及时预警、及时反馈.

use huiyin_clauses::{OFFICER, OTHER, Office, STRANGER, UNIT};
use serde_json::{Value, json};

#[test]
fn a_warning_needs_acknowledgement_and_feedback_each_under_a_clock_that_breaches_on_record() {
    let office = Office::with(|pack| pack["warnings"][0]["acknowledge_within"] = json!("PT1S"));
    let items: Vec<Value> =
        (0..6).map(|n| json!({"id": n.to_string(), "title": format!("后山山火演练第 {n} 场")})).collect();
    let (status, _) = office.post(&format!("/v1/units/{UNIT}/items"), OFFICER, &json!({"items": items}));
    assert_eq!(status, 200);
    let late = office.until("/v1/warnings", |page| page["warnings"][0]["late"].is_array());
    assert_eq!(late["warnings"][0]["late"][0]["what"], "acknowledgement");
    let early = json!({"command": "feed-back-warning", "warning": "qingfeng.w1", "text": "已核查"});
    assert!(office.refused(UNIT, OFFICER, &early).contains("3.2f"));
    assert!(
        office
            .refused(OTHER, STRANGER, &json!({"command": "acknowledge-warning", "warning": "qingfeng.w1"}))
            .contains("1d")
    );
    let (code, out, err) = office.cli(&["warning", "ack", "qingfeng.w1", "--note", "已知悉", "--as", OFFICER]);
    assert_eq!((code, out.contains("超时")), (0, true), "{out}{err}");
    let (code, out, err) =
        office.cli(&["warning", "feedback", "qingfeng.w1", "--text", "系演练,无火情", "--as", OFFICER]);
    assert_eq!((code, out.contains("超时")), (0, false), "{out}{err}");
    let all = office.get("/v1/warnings?all=true");
    let warning = &all["warnings"][0];
    assert_eq!(warning["feedback"]["text"], "系演练,无火情");
    assert_eq!(
        (&warning["acknowledged"]["late"], warning["late"].as_array().unwrap().len()),
        (&json!(true), 1),
        "the breach stays on record"
    );
    let (_, out, _) = office.cli(&["warning", "list", "--all"]);
    assert!(out.contains("蓝色") && out.contains("已办"), "{out}");
}
