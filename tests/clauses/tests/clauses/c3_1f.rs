//! 信息资源互通互动互助共享.

use huiyin_clauses::{OFFICER, OTHER, Office, STRANGER, UNIT};
use serde_json::json;

#[test]
fn a_case_is_shared_as_far_as_is_said_and_every_reading_by_the_other_unit_is_on_record() {
    let office = Office::open();
    let case = office.open_case("III", "湖面出现死鱼", &json!({"concerns": ["水质是否安全"]}));
    let give = ["share", "case", &case, "--to", OTHER, "--reason", "属地联动", "--as", OFFICER];
    let (code, out, err) = office.cli(&give);
    assert_eq!(code, 0, "{err}");
    let share = out.split_whitespace().next().unwrap().to_owned();
    let (status, seen) = office.get_as(&format!("/v1/cases/{case}"), STRANGER);
    assert_eq!((status, &seen["number"]), (200, &json!(case)));
    assert!(seen.get("concerns").is_none(), "a summary: {seen}");
    let (code, out, err) = office.cli(&["share", "read", &share, "--unit", OTHER, "--as", STRANGER]);
    assert_eq!((code, out.contains("湖面出现死鱼")), (0, true), "{out}{err}");
    let row = office.get(&format!("/v1/shared?unit={OTHER}"))["shared"][0].clone();
    assert_eq!((&row["read_count"], &row["reads"][1]["by"]), (&json!(2), &json!(format!("person:{STRANGER}"))));
    assert_eq!((&row["reason"], row["until"].is_string()), (&json!("属地联动"), true));
    // The owner reads their own case whole, and nothing is counted.
    let (_, own) = office.get_as(&format!("/v1/cases/{case}"), OFFICER);
    assert!(own["concerns"].is_array());
    // A third unit reads nothing of it; and once it is taken back nobody does.
    let read = json!({"command": "read-shared", "share": share});
    assert!(office.refused("forest-fire", "jiang-tao", &read).contains("3.1f"));
    let revoke = ["share", "revoke", &share, "--unit", UNIT, "--reason", "处置完毕", "--as", OFFICER];
    assert_eq!(office.cli(&revoke).0, 0);
    assert!(office.refused(OTHER, STRANGER, &read).contains("over"));
    let row = office.get(&format!("/v1/shared?unit={OTHER}&all=true"))["shared"][0].clone();
    assert_eq!(
        (&row["state"], &row["read_count"], &row["revoked"]["reason"]),
        (&json!("revoked"), &json!(2), &json!("处置完毕"))
    );
}
