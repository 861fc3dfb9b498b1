//! 涉事责任单位是第一责任主体.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::json;

#[test]
fn a_case_has_exactly_one_lead_unit_from_its_first_moment() {
    let office = Office::open();
    let case = office.open_case("III", "古树倒伏", &json!({}));
    assert_eq!(office.case(&case)["unit"], UNIT);
    office.refused(UNIT, OFFICER, &json!({"command": "open-case", "title": "无主事项", "level": "III", "asker": "甲"}));
}
