//! 将依法依规发布信息贯穿于舆情处置、回应的全过程.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, SPOKESPERSON, UNIT};
use serde_json::json;

#[test]
fn nothing_is_published_before_a_named_person_who_did_not_write_it_checked_it_for_secrecy() {
    let office = Office::open();
    let case = office.open_case("III", "老鹰岩山火", &json!({}));
    let hash = office.draft(&case, "火已扑灭。");
    office.approve_text(&case, &hash);
    let publish = json!({"command": "publish-response", "case": case, "hash": hash});
    assert!(office.refused(UNIT, PRINCIPAL, &publish).contains("3.5b"));
    let check = |passed: bool| json!({"command": "check-response", "case": case, "hash": hash, "passed": passed, "basis": "审查表 3 号"});
    assert!(office.refused(UNIT, OFFICER, &check(true)).contains("rule 9"));
    office.act(UNIT, SPOKESPERSON, &check(false));
    assert!(office.refused(UNIT, PRINCIPAL, &publish).contains("审查表 3 号"));
    office.act(UNIT, SPOKESPERSON, &check(true));
    office.act(UNIT, PRINCIPAL, &publish);
    let shown = office.case(&case);
    assert_eq!(shown["responses"][0]["check"]["by"], SPOKESPERSON);
}
