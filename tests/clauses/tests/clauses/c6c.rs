//! 与宣传、网信、应急部门和媒体协调联动.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT};
use serde_json::json;

const PARTNER: &str = "emergency";
const THEIRS: &str = "qiu-lan";

#[test]
fn a_partner_sees_what_is_shared_takes_its_part_of_a_joint_task_and_nothing_else() {
    let office = Office::open();
    let case = office.open_case("III", "林区道路塌方", &json!({}));
    let secret = office.open_case("III", "内部事项", &json!({}));
    for path in [
        "/v1/cases".to_owned(),
        format!("/v1/cases/{case}"),
        "/v1/items?unjudged=true".to_owned(),
        "/v1/policy".to_owned(),
        "/v1/tasks".to_owned(),
        format!("/v1/shared?unit={UNIT}"),
        "/v1/activity".to_owned(),
    ] {
        let (status, problem) = office.get_as(&path, THEIRS);
        assert_eq!(status, 409, "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains("6c"), "{problem}");
    }
    let share = json!({"command": "share", "case": case, "to": PARTNER, "scope": "whole", "reason": "联合处置"});
    let share = office.act(UNIT, OFFICER, &share)["share"].clone();
    let (_, list) = office.get_as(&format!("/v1/shared?unit={PARTNER}"), THEIRS);
    assert_eq!(list["shared"].as_array().unwrap().len(), 1);
    let seen = office.act(PARTNER, THEIRS, &json!({"command": "read-shared", "share": share}));
    assert_eq!(seen["shown"]["title"], "林区道路塌方");
    // The joint task: its own part, by the same table as everybody's.
    let task = json!({"command": "assign-task", "case": case, "kind": "handle", "to": "cuihu", "with": [PARTNER], "text": "联合抢通"});
    let task = office.act(UNIT, PRINCIPAL, &task)["task"].clone();
    let (_, mine) = office.get_as(&format!("/v1/tasks?unit={PARTNER}"), THEIRS);
    assert_eq!(mine["tasks"][0]["text"], "联合抢通");
    office.act(PARTNER, THEIRS, &json!({"command": "accept-task", "case": case, "task": task}));
    let (code, _, err) = office.cli(&[
        "task",
        "feedback",
        &case,
        task.as_str().unwrap(),
        "--unit",
        PARTNER,
        "--text",
        "已派机械",
        "--as",
        THEIRS,
    ]);
    assert_eq!(code, 0, "{err}");
    for command in [
        json!({"command": "close-case", "case": case}),
        json!({"command": "add-concern", "case": secret, "text": "x"}),
        json!({"command": "share", "case": case, "to": "cuihu", "reason": "x"}),
        json!({"command": "open-case", "unit": PARTNER, "title": "x", "level": "IV"}),
    ] {
        assert!(office.refused(PARTNER, THEIRS, &command).contains("6c"), "{command}");
    }
    // It leads no case, and no workflow is its own.
    let lead = json!({"command": "route-case", "case": secret, "to": PARTNER, "reason": "x"});
    assert!(office.refused("linhai", "he-ping", &lead).contains("6c"));
    let units = office.get("/v1/host")["units"].clone();
    assert!(units.as_array().unwrap().iter().all(|unit| unit != PARTNER), "{units}");
}
