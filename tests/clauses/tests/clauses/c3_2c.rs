//! 准确判断回应价值.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT};
use serde_json::json;

#[test]
fn a_person_says_with_a_reason_whether_it_is_answered_and_another_approves_it() {
    let office = Office::open();
    let case = office.open_case("II", "网传山火", &json!({}));
    let judged = |value: &str, reason: &str| {
        json!({"command": "assess-case", "case": case, "nature": "谣言", "trend": "趋缓", "risks": ["误导群众"],
            "opinion": "核实后辟谣", "value": value, "reason": reason})
    };
    assert!(office.refused(UNIT, OFFICER, &judged("respond", " ")).contains("3.2c"));
    office.refused(UNIT, OFFICER, &judged("delete", "删帖"));
    let asked = office.act(UNIT, OFFICER, &judged("watch", "转发量小"));
    assert_eq!(office.case(&case)["response_value"], "respond", "not before it is approved");
    office.approve(UNIT, PRINCIPAL, &case, &asked);
    let page = office.case(&case);
    assert_eq!((&page["response_value"], &page["judgements"][0]["value"]), (&json!("watch"), &json!("watch")));
    assert_eq!(
        (&page["judgements"][0]["reason"], &page["judgements"][0]["author"]),
        (&json!("转发量小"), &json!(OFFICER))
    );
    assert_eq!(page["approvals"][0]["approved"]["by"], PRINCIPAL);
}
