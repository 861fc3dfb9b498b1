//! 权威政务信息第一时间发布和推送.

use huiyin_clauses::{OFFICER, Office, UNIT, ago_of};
use jiff::SignedDuration;
use serde_json::json;

#[test]
fn how_soon_a_matter_was_published_is_measured_and_shown() {
    let office = Office::open();
    let occurred = ago_of(SignedDuration::from_mins(40));
    let case = office.open_case("II", "老鹰岩山火", &json!({"occurred_at": occurred.to_string()}));
    assert_eq!(office.case(&case)["latency"]["occurred_to_published_seconds"], json!(null));
    let hash = office.published(&case, "火已扑灭。");
    let prove = json!({"command": "record-publication", "case": case, "hash": hash, "channel": "website",
                       "url": "https://gov.example/1", "text": "火已扑灭。"});
    office.act(UNIT, OFFICER, &prove);
    let shown = office.case(&case);
    let seconds = |name: &str| shown["latency"][name].as_i64().unwrap();
    assert!((2400..2700).contains(&seconds("occurred_to_published_seconds")), "{}", shown["latency"]);
    assert!((0..300).contains(&seconds("approved_to_published_seconds")), "{}", shown["latency"]);
    // The clock of authoritative information came to rest with it.
    assert_eq!(office.clock(&case, "authoritative-5h")["state"], "satisfied");
    let data = office.data();
    let (code, out, _) = office.cli(&["response", "show", &case, "--data", data.to_str().unwrap()]);
    assert!(code == 0 && out.contains("事发后") && out.contains("https://gov.example/1"), "{out}");
}
