//! 事事有回音.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT};
use serde_json::json;

#[test]
fn no_case_closes_without_a_delivered_answer() {
    let office = Office::open();
    let case = office.open_case("III", "林道损坏", &json!({}));
    let close = json!({"command": "close-case", "case": case});
    assert!(office.refused(UNIT, OFFICER, &close).contains("1i"));
    let answer = json!({"command": "record-answer", "case": case, "text": "已修复。", "channel": "电话", "proof": "通话记录 17 号"});
    office.act(UNIT, OFFICER, &answer);
    office.act(UNIT, OFFICER, &close);
    assert_eq!(office.case(&case)["state"], "closed");
}

#[test]
fn a_no_response_closes_only_once_somebody_else_approved_exactly_that() {
    let office = Office::open();
    let case = office.open_case("III", "重复投诉", &json!({}));
    let proposed =
        office.act(UNIT, OFFICER, &json!({"command": "propose-no-response", "case": case, "reason": "同一事项已答复"}));
    let hash = proposed["hash"].as_str().unwrap().to_owned();
    let approve = json!({"command": "approve-no-response", "case": case, "hash": hash});
    assert!(office.refused(UNIT, OFFICER, &approve).contains("rule 9"));
    let close = json!({"command": "close-case", "case": case});
    office.refused(UNIT, OFFICER, &close);
    office.act(UNIT, PRINCIPAL, &approve);
    office.act(UNIT, OFFICER, &close);
    assert_eq!(office.case(&case)["state"], "closed");
}

#[test]
fn everybody_who_asked_in_a_merged_case_is_still_owed_an_answer() {
    let office = Office::open();
    let one = office.open_case("III", "后山采石", &json!({"concerns": ["何时停工"]}));
    let two = office.open_case("III", "后山放炮", &json!({"asker": "来电人乙", "concerns": ["有无许可"]}));
    let (code, _, error) =
        office.cli(&["case", "merge", &one, "--from", &two, "--reason", "同一事项", "--as", OFFICER]);
    assert_eq!(code, 0, "{error}");
    let into = office.case(&one);
    assert_eq!((into["askers"].as_array().unwrap().len(), into["concerns"].as_array().unwrap().len()), (2, 2));
    let from = office.case(&two);
    assert_eq!((&from["state"], &from["merged_into"]), (&json!("closed"), &json!(one)));
    let answer = |asker: &str, concern: &str| {
        json!({
            "command": "record-answer", "case": one, "askers": [asker], "text": "已停工。", "channel": "电话",
            "concerns": [{"concern": concern, "text": "已停工。"}],
        })
    };
    office.act(UNIT, OFFICER, &answer("来电人甲", "c1"));
    let close = json!({"command": "close-case", "case": one});
    assert!(office.refused(UNIT, OFFICER, &close).contains("1i"));
    office.act(UNIT, OFFICER, &answer("来电人乙", "c2"));
    office.act(UNIT, OFFICER, &close);
}
