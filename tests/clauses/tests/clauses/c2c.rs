//! 负责人指导、协调、督促.

use huiyin_clauses::{CITY_PRINCIPAL, OFFICER, Office, UNIT};
use serde_json::json;

#[test]
fn a_supervision_order_is_the_principals_and_starts_a_clock() {
    let office = Office::open();
    let case = office.open_case("III", "久拖未复", &json!({}));
    let order = json!({"command": "assign-task", "case": case, "kind": "supervise", "to": UNIT, "text": "两日内答复"});
    assert!(office.refused(UNIT, OFFICER, &order).contains("2c"));
    office.act(UNIT, CITY_PRINCIPAL, &order);
    assert_eq!(office.clock(&case, "task.t1")["state"], "running");
}
