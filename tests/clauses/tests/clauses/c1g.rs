//! 快速受理咨询投诉.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::json;

#[test]
fn who_calls_has_a_number_at_once_and_it_outlives_a_restart() {
    let mut office = Office::open();
    let open =
        json!({"command": "open-case", "unit": UNIT, "title": "来电咨询采伐证", "level": "IV", "asker": "来电人乙"});
    let number = office.act(UNIT, OFFICER, &open)["case"].as_str().unwrap().to_owned();
    assert!(number.starts_with("99992106400200_"), "{number}");
    office.restart();
    assert_eq!(office.case(&number)["askers"][0]["id"], "来电人乙");
}
