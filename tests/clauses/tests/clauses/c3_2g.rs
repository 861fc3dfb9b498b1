//! 性质、舆情走势、可能出现的风险 → 预控处置意见,按程序报审后处置.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT};
use serde_json::json;

#[test]
fn nothing_is_handled_published_or_answered_before_the_handling_opinion_is_approved() {
    let office = Office::open();
    let case = office.open_case("II", "山火蔓延", &json!({}));
    let act = |milestone: &str| json!({"command": "record-time", "case": case, "milestone": milestone});
    let answer = json!({"command": "record-answer", "case": case, "text": "已扑灭。", "channel": "网站", "proof": "https://gov.example/1"});
    office.act(UNIT, OFFICER, &act("verified"));
    let shut = |when: &str| {
        for command in [&act("handled"), &act("published"), &answer] {
            assert!(office.refused(UNIT, OFFICER, command).contains("3.2g"), "{when}: {command}");
        }
    };
    shut("nobody has assessed it");
    let whole = json!({"command": "assess-case", "case": case, "nature": "突发事件", "trend": "上升", "risks": ["恐慌"],
        "opinion": "两小时内发布", "value": "respond", "reason": "涉及安全"});
    for part in ["nature", "trend", "risks", "opinion"] {
        let mut lacking = whole.clone();
        lacking.as_object_mut().unwrap().remove(part);
        office.refused(UNIT, OFFICER, &lacking);
    }
    let asked = office.act(UNIT, OFFICER, &whole);
    shut("it waits for approval");
    let own = json!({"command": "approve", "case": case, "hash": asked["pending"]["hash"]});
    assert!(office.refused(UNIT, OFFICER, &own).contains("rule 9"));
    office.approve(UNIT, PRINCIPAL, &case, &asked);
    for command in [&act("handled"), &answer] {
        office.act(UNIT, OFFICER, command);
    }
    assert_eq!(office.case(&case)["judgements"][0]["opinion"], "两小时内发布");
}
