//! 制度包: a pack that comes into force while the host runs, and clocks under it.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT, file};
use serde_json::{Value, json};

/// The sample pack in another version, with a figure of its own.
fn pack(version: &str, answer: &str) -> Value {
    let text = std::fs::read_to_string(file("workflows/policy/linhai.json")).unwrap();
    let mut pack: Value = serde_json::from_str(&text).unwrap();
    pack["version"] = json!(version);
    for rule in pack["clocks"].as_array_mut().unwrap().iter_mut().filter(|rule| rule["id"] == "supervision") {
        rule["allowance"] = json!(answer);
        rule["levels"] = json!(["III"]);
    }
    pack
}

/// Deploys it by the command line: the exit code, what it gave, what it said.
fn deploy(office: &Office, pack: &Value, more: &[&str]) -> (i32, Value, String) {
    let path = office.data().join("new.json");
    std::fs::write(&path, serde_json::to_string_pretty(pack).unwrap()).unwrap();
    let path = path.display().to_string();
    let (code, out, err) = office.cli(&[&["policy", "deploy", &path, "--output", "json"], more].concat());
    (code, serde_json::from_str(&out).unwrap_or_default(), err)
}

#[test]
fn a_pack_deployed_on_a_running_host_reaches_new_cases_and_running_clocks_only_when_told() {
    let mut office = Office::with(|pack| pack["version"] = json!("1.0.0"));
    let (code, done, said) = deploy(&office, &pack("50.0.0", "9wd"), &[]);
    assert_eq!(code, 0, "{done}{said}");
    let old = office.open_case("III", "后山采石", &json!({}));
    let before = office.clock(&old, "supervision")["due_at"].clone();
    // What would change is told before anything does.
    let (_, would, _) = deploy(&office, &pack("51.0.0", "3wd"), &["--dry-run"]);
    assert_eq!(
        (would["in_force"].as_bool(), office.get("/v1/policy")["pack"]["version"].as_str()),
        (Some(false), Some("50.0.0"))
    );
    let concerned = would["changes"].as_array().unwrap().iter().any(|change| {
        change["open_cases"] == json!([old]) && change["change"]["pointer"].as_str().unwrap().starts_with("/clocks/")
    });
    assert!(concerned, "{would}");
    let (code, done, _) = deploy(&office, &pack("51.0.0", "3wd"), &[]);
    assert_eq!((code, done["in_force"].as_bool()), (0, Some(true)), "{done}");
    let new = office.open_case("III", "后山采石又起", &json!({}));
    assert_eq!(office.clock(&old, "supervision")["due_at"], before, "a clock that runs goes on");
    assert_ne!(office.clock(&new, "supervision")["due_at"], before);
    assert!(office.case(&old)["pack"].as_str().unwrap().ends_with(":50.0.0"), "a case pins its pack");
    // A deployed pack outlives a restart, though the configuration names an older one.
    office.restart();
    assert_eq!(office.get("/v1/policy")["pack"]["version"], "51.0.0");
    let versions = office.get("/v1/policy/versions");
    let listed: Vec<&str> =
        versions["versions"].as_array().unwrap().iter().map(|v| v["pack"].as_str().unwrap()).collect();
    assert_eq!(listed.len(), 3, "{versions}");
    // Only an explicit recompute moves what runs.
    let (code, done, _) = deploy(&office, &pack("51.0.0", "3wd"), &["--recompute", "统一按新期限"]);
    assert_eq!((code, done["recomputed"]["cases"].clone()), (0, json!([old])), "{done}");
    assert_ne!(office.clock(&old, "supervision")["due_at"], before);
    assert!(office.case(&old)["pack"].as_str().unwrap().ends_with(":51.0.0"));
    let (code, shown, _) = office.cli(&["policy", "list"]);
    assert!(code == 0 && shown.contains(":51.0.0"), "{shown}");
}

#[test]
fn a_pack_that_cannot_be_changes_nothing_and_says_where() {
    let office = Office::open();
    let inforce = office.get("/v1/policy")["pack"]["version"].clone();
    let mut loose = pack("50.0.0", "9wd");
    for unit in loose["units"].as_array_mut().unwrap().iter_mut().filter(|unit| unit["code"] == UNIT) {
        unit["clocks"] = json!([{"rule": "flash-report", "allowance": "PT2H"}]);
    }
    let (code, _, said) = deploy(&office, &loose, &[]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("new.json:") && said.contains("rule 7") && said.contains("`flash-report`, by the rule itself"),
        "{said}"
    );
    let mut more = pack("50.0.0", "9wd");
    let mut unit = more["units"][1].clone();
    unit["code"] = json!("another");
    unit["number"]["unit"] = json!("777");
    unit["people"] = json!([{"id": "new-a", "name": "甲"}]);
    (unit["spokesperson"], unit["principal"]) = (json!("new-a"), json!("new-a"));
    unit["clocks"] = json!([]);
    more["units"].as_array_mut().unwrap().push(unit);
    let (code, _, said) = deploy(&office, &more, &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("units come and go at a start") && said.contains("new.json:"), "{said}");
    let body = json!({"text": serde_json::to_string(&pack("50.0.0", "9wd")).unwrap()});
    assert_eq!(office.post("/v1/policy", OFFICER, &body).0, 409);
    assert_eq!(office.get("/v1/policy")["pack"]["version"], inforce);
}

#[test]
fn a_clock_is_paused_resumed_and_escalates_by_the_command_line() {
    let office = Office::with(|pack| {
        for rule in pack["clocks"].as_array_mut().unwrap().iter_mut().filter(|rule| rule["id"] == "supervision") {
            rule["levels"] = json!(["III"]);
            rule["extension"] = json!("5wd");
            rule["escalation"] = json!([{"after": "1%", "tell": ["lead.principal"]}]);
        }
    });
    let case = office.open_case("III", "后山采石", &json!({}));
    let (code, out, err) = office.cli(&[
        "case",
        "pause-clock",
        &case,
        "supervision",
        "--kind",
        "consulting",
        "--reason",
        "征求意见",
        "--as",
        OFFICER,
    ]);
    assert_eq!(code, 0, "{out}{err}");
    let hash = office.case(&case)["approvals"][0]["hash"].as_str().unwrap().to_owned();
    assert_eq!(office.cli(&["case", "approve", &case, &hash, "--as", PRINCIPAL]).0, 0);
    assert_eq!(office.clock(&case, "supervision")["state"], "paused");
    assert_eq!(office.cli(&["case", "resume-clock", &case, "supervision", "--as", OFFICER]).0, 0);
    assert_eq!(office.clock(&case, "supervision")["state"], "running");
    let asked = office.act(
        UNIT,
        OFFICER,
        &json!({"command": "extend-clock", "case": case, "clock": "supervision", "reason": "案情复杂"}),
    );
    let before = office.clock(&case, "supervision")["due_at"].clone();
    office.act(UNIT, PRINCIPAL, &json!({"command": "approve", "case": case, "hash": asked["pending"]["hash"]}));
    assert_ne!(office.clock(&case, "supervision")["due_at"], before);
    let why = office.refused(
        UNIT,
        PRINCIPAL,
        &json!({"command": "acknowledge-escalation", "case": case, "clock": "supervision"}),
    );
    assert!(why.contains("no escalation"), "{why}");
}
