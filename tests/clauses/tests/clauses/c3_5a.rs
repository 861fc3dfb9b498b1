//! 各单位要明确专门科室负责本单位政务舆情引导和回应工作.

use huiyin_clauses::{Office, file};
use serde_json::{Value, json};

#[test]
fn a_pack_whose_unit_names_no_response_office_is_refused_with_its_place() {
    let office = Office::open();
    let sample = std::fs::read_to_string(file("workflows/policy/linhai.json")).unwrap();
    for (bad, pointer) in [
        (Value::Null, "/units/1"),
        (json!({"contact": "分机 8101"}), "/units/1/office"),
        (json!({"name": "  "}), "/units/1/office/name"),
    ] {
        let mut pack: Value = serde_json::from_str(&sample).unwrap();
        pack["units"][1]["office"] = bad;
        let path = office.folder.path().join("bad.json");
        std::fs::write(&path, serde_json::to_string_pretty(&pack).unwrap()).unwrap();
        let out = std::process::Command::new(huiyin_tests::host::program("huiyin"))
            .args(["policy", "validate"])
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout);
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains(pointer), "{pointer}: {said}");
        assert!(said.contains("3.5a") || pointer.ends_with("name"), "{said}");
    }
    let policy = office.get("/v1/policy");
    let units = policy["pack"]["units"].as_array().unwrap();
    assert!(units.iter().all(|unit| unit["office"]["name"].is_string()));
}
