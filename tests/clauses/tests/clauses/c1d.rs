//! 属地管理、分级负责.

use huiyin_clauses::{CITY, OFFICER, Office, STRANGER, UNIT};
use serde_json::json;

#[test]
fn a_unit_acts_on_its_own_matters_and_the_unit_above_on_all_below_it() {
    let office = Office::open();
    let case = office.open_case("III", "林道塌方", &json!({}));
    let concern = json!({"command": "add-concern", "case": case, "text": "何时通车"});
    assert!(office.refused(UNIT, STRANGER, &concern).contains("clause"));
    office.act(CITY, "he-ping", &concern);
    office.act(UNIT, OFFICER, &json!({"command": "add-concern", "case": case, "text": "有无伤亡"}));
}
