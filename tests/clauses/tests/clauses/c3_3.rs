//! 归口报送;本级和上级机关.

use huiyin_clauses::{CITY, OFFICER, OTHER, Office, STRANGER, UNIT};
use serde_json::json;

#[test]
fn a_report_goes_by_one_channel_to_its_own_level_and_above_and_both_sign_for_it() {
    let office = Office::with(|pack| pack["reporting"]["roles"] = json!(["duty"]));
    let case = office.open_case("II", "山火", &json!({}));
    let facts = json!([{"text": "14时发现烟柱", "observed": true}]);
    let report = json!({"command": "submit-report", "case": case, "stage": "flash", "facts": facts});
    // Only the office sends.
    assert!(office.refused(UNIT, huiyin_clauses::SPOKESPERSON, &report).contains("3.3"));
    office.flash(&case, "14时发现烟柱");
    let sent = office.case(&case)["reports"][0].clone();
    assert!(sent["number_zh"].as_str().unwrap().ends_with("1号") && sent["office"] == "县局综合股", "{sent}");
    assert_eq!(sent["unsigned"], json!([UNIT, CITY]));
    assert_eq!(office.clock(&case, "receipt")["state"], "running");
    let receipt = |unit: &str| json!({"command": "record-receipt", "case": case, "report": "r1", "addressee": unit});
    // It did not go to another unit, and a stranger signs for nobody.
    assert!(office.refused(UNIT, OFFICER, &receipt(OTHER)).contains("3.3"));
    office.refused(OTHER, STRANGER, &receipt(CITY));
    let listed = office.get(&format!("/v1/reports?unit={CITY}&unsigned=true"));
    assert_eq!(listed["reports"][0]["case"], json!(case));
    let (code, _, error) = office.cli(&["report", "receipt", &case, "r1", "--unit", CITY, "--as", "he-ping"]);
    assert_eq!(code, 0, "{error}");
    office.act(UNIT, OFFICER, &receipt(UNIT));
    assert_eq!(office.clock(&case, "receipt")["state"], "satisfied");
    assert_eq!(office.case(&case)["reports"][0]["receipts"][0]["by"], "he-ping");
    assert_eq!(office.get("/v1/reports?unsigned=true")["reports"], json!([]));
}

#[test]
fn what_went_another_way_is_on_record_and_listed() {
    let office = Office::open();
    let case = office.open_case("III", "村民反映", &json!({}));
    let (code, _, error) = office.cli(&[
        "report",
        "bypass",
        &case,
        "--from",
        "某村委会",
        "--to",
        "市应急局",
        "--channel",
        "微信群",
        "--text",
        "越级报送",
        "--as",
        OFFICER,
    ]);
    assert_eq!(code, 0, "{error}");
    let (code, out, error) = office.cli(&["report", "list", "--unit", UNIT]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("未走归口渠道") && out.contains("市应急局"), "{out}");
}
