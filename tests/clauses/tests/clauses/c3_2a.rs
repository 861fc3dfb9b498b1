//! 研判标准:舆情内容、公众反应、媒体介入程度.

use huiyin_clauses::{Office, UNIT};
use huiyin_tests::host::program;
use serde_json::{Value, json};

#[test]
fn the_three_factors_stand_on_the_case_with_reasons_and_version_and_the_verdict_is_repeated_from_the_log() {
    let mut office = Office::open();
    let items = json!({"items": [{"id": "f1", "title": "青枫县老鹰岩突发山火,浓烟滚滚火势蔓延", "body": "已经有村民转移,林海晚报记者已到现场。",
        "fields": {"channel": "weibo", "reads": 2_380_000, "comments": 9_800, "shares": 21_500, "outlet": "林海晚报"}}]});
    let (_, taken) = office.post(&format!("/v1/units/{UNIT}/items"), "xu-ming", &items);
    let case = taken["opened"][0].as_str().unwrap_or_else(|| panic!("{taken}")).to_owned();
    let said = office.case(&case)["assessments"][0].clone();
    let factors = said["verdict"]["factors"].as_object().unwrap();
    for factor in ["content", "public", "media"] {
        let score = factors.get(factor).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {factor}: {said}"));
        assert!((0.0..=1.0).contains(&score));
    }
    assert!(factors["public"].as_f64().unwrap() > 0.0, "two million readers count");
    assert!(!said["verdict"]["reasons"].as_array().unwrap().is_empty());
    assert!(said["classifier"].as_str().unwrap().starts_with("risk-level:"), "versioned: {said}");
    office.stop();
    let out = std::process::Command::new(program("huiyin"))
        .args(["audit", "replay", "--output", "json", "--data"])
        .arg(office.data())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&out.stderr));
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&told["different"], &told["identical"]), (&json!(0), &told["calls"]), "{told}");
    assert!(told["items"].as_u64().unwrap() >= 1, "the floor judged the item again: {told}");
}
