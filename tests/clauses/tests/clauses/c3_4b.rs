//! 受理、转办、反馈.

use huiyin_clauses::{OTHER, Office, PRINCIPAL, STRANGER, UNIT};
use serde_json::json;

#[test]
fn a_task_is_accepted_returned_with_a_reason_passed_on_and_answered() {
    let office = Office::open();
    let case = office.open_case("III", "林区施工扰民", &json!({}));
    let data = office.data();
    let data = data.to_str().unwrap();
    let assign = ["task", "assign", &case, "--to", OTHER, "--text", "请核查", "--as", PRINCIPAL, "--data", data];
    let (code, _, error) = office.cli(&assign);
    assert_eq!(code, 0, "{error}");
    let back = |reason: &str| json!({"command": "return-task", "case": case, "task": "t1", "reason": reason});
    office.refused(OTHER, STRANGER, &back(""));
    office.act(OTHER, STRANGER, &back("不属保护区"));
    let on = json!({"command": "transfer-task", "case": case, "task": "t1", "unit": OTHER, "to": "forest-fire", "reason": "改派"});
    office.act(UNIT, PRINCIPAL, &on);
    let (code, out, error) = office.cli(&["task", "list", "--unit", "forest-fire", "--data", data]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("待受理") && out.contains(&case), "{out}");
    for step in ["accept", "feedback"] {
        let mut words = vec!["task", step, &case, "t1", "--unit", "forest-fire", "--as", "luo-jian", "--data", data];
        if step == "feedback" {
            words.extend(["--text", "已整改", "--evidence", "照片 2 张"]);
        }
        let (code, _, error) = office.cli(&words);
        assert_eq!(code, 0, "{error}");
    }
    assert_eq!(office.case(&case)["tasks"][0]["done"], true);
}
