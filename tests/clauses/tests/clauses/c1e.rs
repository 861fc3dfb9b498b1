//! 谁主管、谁负责.

use huiyin_clauses::{CITY, Office};
use serde_json::json;

#[test]
fn a_case_that_nobody_leads_yet_waits_under_a_clock_until_the_duty_names_its_unit() {
    let office = Office::open();
    let open = json!({"command": "open-case", "unit": CITY, "title": "受伤白鹭无人救", "level": "III", "asker": "甲", "unrouted": true});
    let case = office.act(CITY, "he-ping", &open)["case"].as_str().unwrap().to_owned();
    assert_eq!(office.case(&case)["routed"], false);
    assert_eq!(office.clock(&case, "routing")["state"], "running");
    let route = json!({"command": "route-case", "case": case, "duty": "野生动物救护", "reason": "谁主管、谁负责"});
    assert_eq!(office.act(CITY, "he-ping", &route)["unit"], "cuihu");
    let after = office.case(&case);
    assert_eq!((&after["unit"], &after["routed"]), (&json!("cuihu"), &json!(true)));
    assert!(office.clock(&case, "routing")["state"].as_str().unwrap().starts_with("satisfied"));
}
