//! 谁主管谁发声、谁处置谁发声.

use huiyin_clauses::{OTHER, Office, PRINCIPAL, STRANGER, UNIT};
use serde_json::json;

#[test]
fn only_the_lead_unit_and_a_unit_that_handles_the_matter_speak() {
    let office = Office::open();
    let case = office.open_case("III", "保护区游客滞留", &json!({}));
    let draft = json!({
        "command": "draft-response", "case": case, "form": {"kind": "online", "title": "情况通报"}, "text": "已全部安置。",
    });
    assert!(office.refused(OTHER, STRANGER, &draft).contains("3.5c"));
    let assign = json!({"command": "assign-task", "case": case, "kind": "handle", "to": OTHER, "text": "请处置"});
    office.act(UNIT, PRINCIPAL, &assign);
    assert!(office.refused(OTHER, STRANGER, &draft).contains("3.5c"), "handed over is not taken on");
    office.act(OTHER, STRANGER, &json!({"command": "accept-task", "case": case, "task": "t1"}));
    let hash = office.act(OTHER, STRANGER, &draft)["hash"].clone();
    office.act(
        OTHER,
        "shi-lei",
        &json!({"command": "check-response", "case": case, "hash": hash, "passed": true, "basis": "依法公开"}),
    );
    let pending = office.act(OTHER, STRANGER, &json!({"command": "submit-response", "case": case, "hash": hash}));
    office.act(UNIT, PRINCIPAL, &json!({"command": "approve", "case": case, "hash": pending["pending"]["hash"]}));
    let publish = json!({"command": "publish-response", "case": case, "hash": hash});
    assert!(office.refused("forest-fire", "luo-jian", &publish).contains("1d"));
    office.act(OTHER, "shi-lei", &publish);
    assert_eq!(office.case(&case)["responses"][0]["unit"], OTHER);
}
