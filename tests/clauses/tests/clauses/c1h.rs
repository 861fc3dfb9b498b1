//! 线上线下及时沟通.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::json;

#[test]
fn who_was_spoken_to_offline_stands_in_the_case() {
    let office = Office::open();
    let case = office.open_case("III", "补偿争议", &json!({}));
    let contact = json!({"command": "record-contact", "case": case, "with": "村民代表", "channel": "visit", "text": "已入户说明"});
    office.act(UNIT, OFFICER, &contact);
    let contacts = office.case(&case)["contacts"].clone();
    assert_eq!((&contacts[0]["with"], &contacts[0]["by"]), (&json!("村民代表"), &json!(format!("person:{OFFICER}"))));
}
