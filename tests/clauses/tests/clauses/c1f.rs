//! 源头防范、治理、处置.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT};
use serde_json::json;

#[test]
fn a_grave_case_closes_once_root_cause_and_prevention_are_done() {
    let office = Office::open();
    let case = office.open_case("II", "山火", &json!({}));
    office.flash(&case, "14时发现烟柱");
    office.assess(&case);
    let answer = json!({"command": "record-answer", "case": case, "text": "已扑灭。", "channel": "网站", "proof": "https://gov.example/1"});
    office.act(UNIT, OFFICER, &answer);
    let close = json!({"command": "close-case", "case": case});
    for kind in ["root-cause", "prevention"] {
        assert!(office.refused(UNIT, OFFICER, &close).contains("1f"));
        let assign = json!({"command": "assign-task", "case": case, "kind": kind, "to": UNIT, "text": "查明并整改"});
        let task = office.act(UNIT, PRINCIPAL, &assign)["task"].clone();
        office.act(UNIT, OFFICER, &json!({"command": "accept-task", "case": case, "task": task}));
        office.act(UNIT, OFFICER, &json!({"command": "feed-back-task", "case": case, "task": task, "text": "已整改"}));
    }
    office.act(UNIT, OFFICER, &close);
}
