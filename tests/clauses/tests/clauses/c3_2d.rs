//! 重大决策出台前舆情风险评估:舆情跟踪、抽样调查、重点走访、会商分析.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, SPOKESPERSON, UNIT};
use serde_json::json;

#[test]
fn the_gate_of_a_decision_stays_shut_until_every_part_is_there_and_approved_by_another() {
    let office = Office::open();
    let open =
        json!({"command": "open-case", "unit": UNIT, "kind": "decision-risk", "title": "调整采伐限额", "level": "III"});
    let case = office.act(UNIT, OFFICER, &open)["case"].as_str().unwrap().to_owned();
    let gate = json!({"command": "open-gate", "case": case});
    let survey = json!({"command": "record-evidence", "case": case, "kind": "document", "text": "问卷汇总", "reference": "卷 4"});
    office.act(UNIT, OFFICER, &survey);
    for part in ["tracking", "survey", "visits", "consultation", "plan", "level"] {
        assert!(office.refused(UNIT, OFFICER, &gate).contains(part), "{part}");
        let mut record =
            json!({"command": "record-risk", "case": case, "part": part, "text": "已核", "evidence": ["v1"]});
        if part == "level" {
            record["level"] = json!("medium");
        }
        office.act(UNIT, OFFICER, &record);
    }
    assert!(office.refused(UNIT, OFFICER, &json!({"command": "close-case", "case": case})).contains("3.2d"));
    let asked = office.act(UNIT, SPOKESPERSON, &gate);
    let approve = json!({"command": "approve", "case": case, "hash": asked["pending"]["hash"]});
    for author in [SPOKESPERSON, OFFICER] {
        assert!(office.refused(UNIT, author, &approve).contains("rule 9"), "{author}");
    }
    assert_eq!(office.case(&case)["risk"]["gate_open"], false);
    office.act(UNIT, PRINCIPAL, &approve);
    assert_eq!(office.case(&case)["risk"]["gate_open"], true);
    let (code, out, error) = office.cli(&["risk", "show", &case]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("决策可以出台") && out.contains("抽样调查"), "{out}");
    // What changes shuts it.
    let anew =
        json!({"command": "record-risk", "case": case, "part": "tracking", "text": "新的反对意见", "evidence": ["v1"]});
    office.act(UNIT, OFFICER, &anew);
    assert_eq!(office.case(&case)["risk"]["gate_open"], false);
}
