//! 网上问题,网下解决;舆情处置和事件处置结合.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::json;

#[test]
fn a_case_closes_with_the_outcome_of_its_offline_event() {
    let office = Office::open();
    let case = office.open_case("III", "村民聚集反映采石", &json!({}));
    let event =
        office.act(UNIT, OFFICER, &json!({"command": "record-offline-event", "case": case, "text": "村口聚集"}));
    let answer = json!({"command": "record-answer", "case": case, "text": "已停采。", "channel": "网站", "proof": "https://gov.example/2"});
    office.act(UNIT, OFFICER, &answer);
    let close = json!({"command": "close-case", "case": case});
    assert!(office.refused(UNIT, OFFICER, &close).contains("3.4a"));
    let outcome =
        json!({"command": "record-offline-event", "case": case, "event": event["event"], "outcome": "已签订协议"});
    office.act(UNIT, OFFICER, &outcome);
    office.act(UNIT, OFFICER, &close);
}
