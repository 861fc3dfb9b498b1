//! 尊重客观事实.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT};
use jiff::SignedDuration;
use serde_json::json;

#[test]
fn no_fact_is_reported_without_evidence_be_it_only_what_the_reporter_saw() {
    let office = Office::open();
    let item = office.item("p1", "老鹰岩山火", SignedDuration::from_mins(5))["taken"][0].clone();
    let open = json!({"command": "open-case", "item": item, "level": "II"});
    let case = office.act(UNIT, OFFICER, &open)["case"].as_str().unwrap().to_owned();
    let report =
        |facts: serde_json::Value| json!({"command": "submit-report", "case": case, "stage": "flash", "facts": facts});
    for facts in [
        json!(["老鹰岩发现明火"]),
        json!([{"text": "老鹰岩发现明火", "evidence": [item]}, {"text": "无伤亡"}]),
        json!([{"text": "老鹰岩发现明火", "evidence": ["v7"]}]),
        json!([{"text": "老鹰岩发现明火", "evidence": []}]),
    ] {
        let refused = office.refused(UNIT, OFFICER, &report(facts));
        assert!(refused.contains("1b"), "{refused}");
    }
    // A draft without evidence cannot be sent either.
    let draft = json!({"command": "draft-report", "case": case, "stage": "flash", "facts": ["老鹰岩发现明火"]});
    let draft = office.act(UNIT, OFFICER, &draft)["hash"].clone();
    let send = json!({"command": "submit-report", "case": case, "stage": "flash", "draft": draft});
    assert!(office.refused(UNIT, PRINCIPAL, &send).contains("1b"));
    let given = json!([{"text": "老鹰岩发现明火", "evidence": [item]}, {"text": "烟柱可见", "observed": true}]);
    let asked = office.act(UNIT, OFFICER, &report(given));
    office.approve(UNIT, PRINCIPAL, &case, &asked);
    let page = office.case(&case);
    assert_eq!(page["reports"][0]["evidence"], json!([[item], ["v1"]]));
    assert_eq!(
        (&page["evidence"][0]["kind"], &page["evidence"][0]["by"]),
        (&json!("observation"), &json!(format!("person:{OFFICER}")))
    );
}
