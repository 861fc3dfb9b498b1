//! 快报事实、慎报原因、详报措施、后报结果.

use huiyin_clauses::{CITY, CITY_PRINCIPAL, OFFICER, Office, PRINCIPAL, UNIT};
use serde_json::{Value, json};

fn report(case: &str, stage: &str, more: &Value) -> Value {
    let facts = json!([{"text": "14时发现烟柱,已派三队核查", "observed": true}]);
    let mut report = json!({"command": "submit-report", "case": case, "stage": stage, "facts": facts});
    report.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    report
}

#[test]
fn a_flash_report_states_facts_and_no_cause() {
    let office = Office::open();
    let case = office.open_case("II", "山火", &json!({}));
    for key in ["cause", "measures", "result"] {
        let refused = office.refused(UNIT, OFFICER, &report(&case, "flash", &json!({key: "雷击"})));
        assert!(refused.contains("5a"), "{refused}");
    }
    office.flash(&case, "14时发现烟柱");
    assert_eq!(office.case(&case)["reports"][0]["stage"], "flash");
}

#[test]
fn reports_follow_each_other_and_a_cause_waits_for_the_investigation_and_the_unit_above() {
    let office = Office::open();
    let case = office.open_case("II", "山火", &json!({}));
    assert!(office.refused(UNIT, OFFICER, &report(&case, "detailed", &json!({"measures": "扑救"}))).contains("5a"));
    office.flash(&case, "14时发现烟柱");
    let cause = json!({"cause": "雷击", "cause_evidence": ["v1"]});
    assert!(office.refused(UNIT, OFFICER, &report(&case, "follow-up", &cause)).contains("5a"));
    let found = json!({"command": "record-evidence", "case": case, "kind": "investigation", "text": "雷击木",
        "reference": "火调 3 号"});
    let evidence = office.act(UNIT, OFFICER, &found)["evidence"].clone();
    let cause = json!({"cause": "雷击", "cause_evidence": [evidence]});
    let asked = office.act(UNIT, OFFICER, &report(&case, "follow-up", &cause));
    assert_eq!(office.approve(UNIT, PRINCIPAL, &case, &asked)["approved"], false, "the unit's own word is not enough");
    assert_eq!(office.approve(CITY, CITY_PRINCIPAL, &case, &asked)["approved"], true);
    assert!(office.refused(UNIT, OFFICER, &report(&case, "detailed", &json!({}))).contains("5a"), "no measures");
    let asked = office.act(UNIT, OFFICER, &report(&case, "detailed", &json!({"measures": "增派两队"})));
    office.approve(UNIT, PRINCIPAL, &case, &asked);
    let asked = office.act(UNIT, OFFICER, &report(&case, "final", &json!({"result": "已扑灭"})));
    office.approve(UNIT, PRINCIPAL, &case, &asked);
    let stages: Vec<Value> =
        office.case(&case)["reports"].as_array().unwrap().iter().map(|report| report["stage"].clone()).collect();
    assert_eq!(stages, ["flash", "follow-up", "detailed", "final"]);
}
