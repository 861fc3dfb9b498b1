//! 紧扣群众关切和诉求.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::json;

#[test]
fn an_answer_speaks_of_each_concern_or_says_why_not() {
    let office = Office::open();
    let case = office.open_case("III", "后山采石", &json!({"concerns": ["何时停工", "补偿标准"]}));
    let answer = json!({"command": "record-answer", "case": case, "text": "已停工。", "channel": "网站",
        "proof": "https://example.invalid/1", "concerns": [{"concern": "c1", "text": "3月1日起停工"}]});
    office.act(UNIT, OFFICER, &answer);
    let why = office.refused(UNIT, OFFICER, &json!({"command": "close-case", "case": case}));
    assert!(why.contains("1c") && why.contains("c2"), "{why}");
    let rest = json!({"command": "record-answer", "case": case, "text": "补偿另行公告。", "channel": "网站",
        "proof": "https://example.invalid/2", "concerns": [{"concern": "c2", "declined": "标准由县政府公布"}]});
    office.act(UNIT, OFFICER, &rest);
    office.act(UNIT, OFFICER, &json!({"command": "close-case", "case": case}));
    assert_eq!(office.case(&case)["state"], "closed");
}
