//! Schedules, at the public surface.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use huiyin_deadline::schedule::Schedule;
use jiff::Timestamp;
use serde_json::json;

fn schedule(value: serde_json::Value) -> Schedule {
    serde_json::from_value(value).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn cron_in_the_default_zone_is_shanghai_time() {
    let morning = schedule(json!({"cron": "0 8 * * 1-5"}));
    assert_eq!(morning.next(at("2024-03-08T00:00:00Z")), Some(at("2024-03-11T00:00:00Z")));
    let berlin = schedule(json!({"cron": "0 8 * * *", "zone": "Europe/Berlin"}));
    assert_eq!(berlin.next(at("2024-07-01T00:00:00Z")), Some(at("2024-07-01T06:00:00Z")));
}

#[test]
fn every_keeps_to_its_anchor() {
    let quarter = schedule(json!({"every": "PT15M", "anchor": "2024-01-01T00:05:00Z"}));
    assert_eq!(quarter.next(at("2023-01-01T00:00:00Z")), Some(at("2024-01-01T00:05:00Z")));
    assert_eq!(quarter.next(at("2024-01-01T00:05:00Z")), Some(at("2024-01-01T00:20:00Z")));
    assert_eq!(quarter.next(at("2024-01-02T00:06:00Z")), Some(at("2024-01-02T00:20:00Z")));
    assert_eq!(quarter.next(Timestamp::MAX), None);
}

#[test]
fn after_counts_from_the_last_end() {
    let rest = schedule(json!({"after": "PT5M"}));
    assert_eq!(rest.next(at("2024-01-01T00:07:30Z")), Some(at("2024-01-01T00:12:30Z")));
    let missed = rest.missed(at("2024-01-01T00:00:00Z"), at("2024-01-02T00:00:00Z"), 10);
    assert_eq!((missed.fires, missed.more), (vec![at("2024-01-01T00:05:00Z")], false));
}

#[test]
fn missed_firings_are_listed_up_to_a_bound() {
    let hourly = schedule(json!({"cron": "@hourly", "zone": "UTC"}));
    let (from, to) = (at("2024-01-01T00:00:00Z"), at("2024-01-01T03:00:00Z"));
    let all = hourly.missed(from, to, 3);
    let expected = [at("2024-01-01T01:00:00Z"), at("2024-01-01T02:00:00Z"), to];
    assert_eq!(
        (all.fires.as_slice(), all.more),
        (expected.as_slice(), false),
        "the end counts, the beginning does not"
    );
    let some = hourly.missed(from, to, 2);
    assert_eq!((some.fires.as_slice(), some.more), (&expected[..2], true));
    assert!(hourly.missed(to, from, 5).fires.is_empty());
}

#[test]
fn json_both_ways_and_strict() {
    for value in [
        json!({"cron": "0 8 * * 1-5", "zone": "Asia/Shanghai"}),
        json!({"every": "PT15M", "anchor": "2024-01-01T00:05:00Z"}),
        json!({"after": "PT5M"}),
    ] {
        assert_eq!(serde_json::to_value(schedule(value.clone())).unwrap(), value);
    }
    for (bad, expected) in [
        (json!({"cron": "0 25 * * *"}), "25 is out of range"),
        (json!({"cron": "@daily", "zone": "Mars"}), "no time zone"),
        (json!({"every": "P1M", "anchor": "2024-01-01T00:05:00Z"}), "no fixed length"),
        (json!({"every": "PT0S", "anchor": "2024-01-01T00:05:00Z"}), "more than zero"),
        (json!({"every": "PT1H"}), "anchor"),
        (json!({"after": "PT1H", "zone": "UTC"}), "zone"),
        (json!({"cron": "@daily", "after": "PT1H"}), "exactly one"),
        (json!({}), "exactly one"),
        (json!({"at": "noon"}), "unknown field"),
    ] {
        let error = serde_json::from_value::<Schedule>(bad.clone()).unwrap_err().to_string();
        assert!(error.contains(expected), "{bad}: {error}");
    }
}
