//! 快报事实、慎报原因.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::json;

#[test]
fn a_flash_report_states_facts_and_no_cause() {
    let office = Office::open();
    let case = office.open_case("II", "山火", &json!({}));
    let mut report = json!({"command": "submit-report", "case": case, "stage": "flash",
        "facts": ["14时发现烟柱,已派三队核查"], "cause": "雷击"});
    assert!(office.refused(UNIT, OFFICER, &report).contains("5a"));
    report.as_object_mut().unwrap().remove("cause");
    office.act(UNIT, huiyin_clauses::PRINCIPAL, &report);
}
