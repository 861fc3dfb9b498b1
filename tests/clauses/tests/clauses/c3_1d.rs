//! 与门户网、政府热线、政务微博核实衔接.

use huiyin_clauses::{OTHER, Office, PRINCIPAL, STRANGER, UNIT};
use serde_json::json;

#[test]
fn another_unit_is_asked_to_verify_and_replies_under_a_clock() {
    let office = Office::open();
    let case = office.open_case("III", "网传湖面污染", &json!({}));
    let ask = json!({"command": "assign-task", "case": case, "kind": "verify", "to": OTHER, "text": "请核实是否属实"});
    let task = office.act(UNIT, PRINCIPAL, &ask)["task"].clone();
    assert_eq!(office.clock(&case, "task.t1")["state"], "running");
    let waiting = office.get(&format!("/v1/tasks?unit={OTHER}"));
    assert_eq!(waiting["tasks"][0]["kind"], "verify");
    office.act(OTHER, STRANGER, &json!({"command": "accept-task", "case": case, "task": task}));
    let reply = json!({"command": "feed-back-task", "case": case, "task": task, "text": "水质正常", "evidence": ["检测报告 12 号"]});
    office.act(OTHER, STRANGER, &reply);
    assert_eq!(office.case(&case)["tasks"][0]["parts"][0]["feedback"]["text"], "水质正常");
}
