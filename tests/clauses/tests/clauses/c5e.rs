//! 报告时限不得晚于事发后1小时.

use huiyin_clauses::{Office, ago_of};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

#[test]
fn the_hour_runs_from_the_occurrence_and_not_from_the_discovery() {
    let office = Office::open();
    let occurred = ago_of(SignedDuration::from_mins(20));
    let case = office.open_case("II", "山火蔓延", &json!({"occurred_at": occurred.to_string()}));
    let clock = office.clock(&case, "flash-report");
    let due: Timestamp = clock["due_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(due.duration_since(occurred), SignedDuration::from_hours(1));
    assert_eq!(clock["state"], "running");
}

#[test]
fn a_matter_that_is_found_late_is_born_breached_and_still_opened() {
    let office = Office::open();
    let occurred = ago_of(SignedDuration::from_hours(3));
    let case = office.open_case("I", "昨夜山火", &json!({"occurred_at": occurred.to_string()}));
    assert_eq!(office.clock(&case, "flash-report")["state"], "breached");
    office.flash(&case, "火已扑灭");
    let clock = office.clock(&case, "flash-report");
    assert_eq!(clock["state"], "satisfied-late");
    assert_eq!(clock["breaches"].as_array().unwrap().len(), 1, "a breach stays on record: {clock}");
}
