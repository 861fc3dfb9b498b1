//! 统一指挥协调、统一应对方案、统一发布回应口径.

use huiyin_clauses::{OFFICER, OTHER, Office, PRINCIPAL, SPOKESPERSON, STRANGER, UNIT};
use serde_json::json;

#[test]
fn one_commander_one_plan_one_line_and_other_units_publish_nothing_unless_the_commander_lets_them() {
    let office = Office::open();
    let case = office.open_case("II", "山火蔓延", &json!({}));
    let assign = json!({"command": "assign-task", "case": case, "kind": "handle", "to": OTHER, "text": "请处置"});
    office.act(UNIT, PRINCIPAL, &assign);
    office.act(OTHER, STRANGER, &json!({"command": "accept-task", "case": case, "task": "t1"}));
    let data = office.data();
    let data = data.to_str().unwrap();
    let run = |words: &[&str]| {
        let (code, out, error) = office.cli(&[words, &["--data", data]].concat());
        assert_eq!(code, 0, "{words:?}: {error}");
        out
    };
    run(&["major", "declare", &case, "--reason", "火势逼近村庄", "--as", OFFICER]);
    run(&["major", "commander", &case, PRINCIPAL, "--as", PRINCIPAL]);
    run(&["major", "plan", &case, "--text", "统一调度,统一发布", "--as", OFFICER]);
    run(&["line", "set", &case, "--text", "火势已控制", "--as", OFFICER]);
    let waiting = office.case(&case);
    for approval in waiting["approvals"].as_array().unwrap() {
        let approve = json!({"command": "approve", "case": case, "hash": approval["hash"]});
        // Another second person is not enough: the commander is one of the two.
        assert!(office.refused(UNIT, SPOKESPERSON, &approve).contains("5d"));
        office.act(UNIT, PRINCIPAL, &approve);
    }
    let shown = office.case(&case);
    assert_eq!((&shown["major"]["commander"], &shown["major"]["plan"]["version"]), (&json!(PRINCIPAL), &json!(1)));
    assert_eq!(shown["lines"][0]["version"], 1);
    // The unit that handles the matter has its text ready, and keeps silent.
    let draft = json!({"command": "draft-response", "case": case, "form": {"kind": "online", "title": "通报"}, "text": "火势已控制。"});
    let hash = office.act(OTHER, STRANGER, &draft)["hash"].clone();
    office.act(
        OTHER,
        "shi-lei",
        &json!({"command": "check-response", "case": case, "hash": hash, "passed": true, "basis": "依法公开"}),
    );
    let pending = office.act(OTHER, STRANGER, &json!({"command": "submit-response", "case": case, "hash": hash}));
    office.act(UNIT, PRINCIPAL, &json!({"command": "approve", "case": case, "hash": pending["pending"]["hash"]}));
    let publish = json!({"command": "publish-response", "case": case, "hash": hash});
    assert!(office.refused(OTHER, "shi-lei", &publish).contains("5d"));
    let (code, _, error) = office.cli(&[
        "major",
        "release",
        &case,
        "--unit",
        OTHER,
        "--reason",
        "由其发布",
        "--as",
        SPOKESPERSON,
        "--data",
        data,
    ]);
    assert!(code != 0 && error.contains("5d"), "{error}");
    run(&["major", "release", &case, "--unit", OTHER, "--reason", "由其发布", "--as", PRINCIPAL]);
    office.act(OTHER, "shi-lei", &publish);
}
