//! 第一时间向上级报告,及时组织核查舆情反映的有关问题,启动重大舆情处置程序.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT};
use serde_json::json;

#[test]
fn declaring_a_case_major_starts_notice_report_and_verification_together() {
    let office = Office::open();
    let case = office.open_case("III", "山火蔓延", &json!({}));
    assert_eq!(office.case(&case)["major"], json!(null));
    let declared =
        office.act(UNIT, OFFICER, &json!({"command": "declare-major", "case": case, "reason": "火势逼近村庄"}));
    let shown = office.case(&case);
    assert_eq!((&shown["level"], &shown["major"]["open"]), (&json!("II"), &json!(true)));
    assert_eq!(shown["major"]["notices"].as_array().unwrap().len(), 2);
    let kinds: Vec<_> = shown["tasks"].as_array().unwrap().iter().map(|task| task["kind"].clone()).collect();
    assert_eq!(kinds, ["report", "verify"]);
    assert_eq!(shown["tasks"][1]["task"], declared["verification_task"]);
    assert_eq!(office.clock(&case, "flash-report")["state"], "running");
    assert_eq!(office.clock(&case, "task.t2")["state"], "running");
    // It is over once it is reported and verified, and its commander says so.
    office.act(UNIT, PRINCIPAL, &json!({"command": "appoint-commander", "case": case, "person": PRINCIPAL}));
    let end = json!({"command": "end-major", "case": case, "reason": "火已扑灭"});
    assert!(office.refused(UNIT, PRINCIPAL, &end).contains("5c"));
    // A matter of level I is declared by the pack.
    let grave = office.open_case("I", "山火致多人死亡", &json!({}));
    assert_eq!(office.case(&grave)["major"]["by"], "system:desk");
}
