//! Working-day calendars and due times, at the public surface.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::path::Path;

use huiyin_deadline::{Allowance, Calendar, Zone, due};
use jiff::civil::{Date, Weekday, date};
use jiff::{Timestamp, ToSpan};

fn cn() -> &'static Calendar {
    Calendar::builtin("cn").unwrap()
}

fn ends(start: &str, allowance: &str) -> (String, bool) {
    ends_in(start, allowance, "Asia/Shanghai")
}

fn ends_in(start: &str, allowance: &str, zone: &str) -> (String, bool) {
    let start: Timestamp = start.parse().unwrap();
    let allowance: Allowance = allowance.parse().unwrap();
    let due = due(start, &allowance, cn(), Zone::named(zone).unwrap().time_zone()).unwrap();
    (due.at.to_string(), due.provisional)
}

/// Every day of the published notices, as collected in the shared data, against the built-in table.
#[test]
fn the_builtin_calendar_says_what_the_notices_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/holidays");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let mut listed = std::collections::BTreeMap::new();
    for year in 2018..=2026 {
        let text = std::fs::read_to_string(folder.join(format!("{year}.json"))).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        for day in file["days"].as_array().unwrap() {
            let date: Date = day["date"].as_str().unwrap().parse().unwrap();
            listed.insert(date, !day["isOffDay"].as_bool().unwrap());
        }
    }
    assert!(listed.len() > 250, "{} days listed", listed.len());
    for day in date(2018, 1, 1).series(1.day()).take_while(|day| *day <= date(2026, 12, 31)) {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let worked = listed.get(&day).copied().unwrap_or(!weekend);
        assert_eq!(cn().is_working_day(day), worked, "{day}");
        assert_eq!(cn().is_certain(day), day < date(2026, 12, 1), "{day}");
    }
}

#[test]
fn known_days() {
    for (day, worked) in [
        (date(2024, 2, 4), true),   // Sunday, worked for the Spring Festival
        (date(2024, 2, 9), true),   // New Year's Eve was no holiday in 2024
        (date(2024, 2, 12), false), // Monday, off
        (date(2018, 12, 29), true), // Saturday, from the notice for 2019
        (date(2018, 12, 31), false),
        (date(2026, 1, 4), true),
        (date(2024, 3, 9), false),
        (date(2024, 3, 11), true),
    ] {
        assert_eq!(cn().is_working_day(day), worked, "{day}");
    }
    assert_eq!(cn().coverage().collect::<Vec<_>>(), (2018..=2026).collect::<Vec<_>>());
}

#[test]
fn elapsed_time_runs_round_the_clock() {
    assert_eq!(ends("2024-02-10T23:30:00Z", "PT1H"), ("2024-02-11T00:30:00Z".into(), false));
    assert_eq!(ends("2024-02-10T23:30:00Z", "P2D"), ("2024-02-12T23:30:00Z".into(), false));
    // Two days are 48 hours even where a night has only 23.
    assert_eq!(ends_in("2024-03-09T17:00:00Z", "P2D", "America/New_York").0, "2024-03-11T17:00:00Z");
    // Elapsed time leans on no calendar, so it is never provisional.
    assert!(!ends("2031-01-01T00:00:00Z", "P2D").1);
}

#[test]
fn working_days_leave_out_the_first_day_and_days_off() {
    // Thursday 10:00 in Shanghai + 1: the end of Friday.
    assert_eq!(ends("2024-03-07T02:00:00Z", "1wd"), ("2024-03-08T16:00:00Z".into(), false));
    // Friday + 1: the end of Monday.
    assert_eq!(ends("2024-03-08T02:00:00Z", "1wd").0, "2024-03-11T16:00:00Z");
    // Saturday + 1: the first day is not counted, so the end of Monday too.
    assert_eq!(ends("2024-03-09T02:00:00Z", "1wd").0, "2024-03-11T16:00:00Z");
    // Thursday 2024-02-08 + 2: Friday the 9th is worked, the 10th to 17th are off, Sunday the 18th is worked.
    assert_eq!(ends("2024-02-08T02:00:00Z", "2wd").0, "2024-02-18T16:00:00Z");
    // 17:00Z is already the next day in Shanghai.
    assert_eq!(ends("2024-03-07T17:00:00Z", "1wd").0, "2024-03-11T16:00:00Z");
    // The day ends by the zone's own midnight.
    assert_eq!(ends_in("2024-03-08T15:00:00Z", "1wd", "America/New_York").0, "2024-03-12T04:00:00Z");
}

#[test]
fn what_leans_on_an_unpublished_year_is_provisional() {
    assert_eq!(ends("2026-12-31T02:00:00Z", "1wd"), ("2027-01-01T16:00:00Z".into(), true));
    assert!(ends("2017-12-28T02:00:00Z", "1wd").1);
}

/// A calendar of the published notices of these years, from the built-in table.
fn published(years: &[i16]) -> Calendar {
    let text = include_str!("../src/calendar/cn.json");
    let mut file: serde_json::Value = serde_json::from_str(text).unwrap();
    let all = file["years"].as_array_mut().unwrap();
    all.retain(|year| years.iter().any(|wanted| year["year"] == *wanted));
    Calendar::from_json(&file.to_string()).unwrap()
}

#[test]
fn desk_01_a_december_is_provisional_until_the_next_year_is_published() {
    let zone = Zone::default();
    let start: Timestamp = "2018-12-28T17:00:00+08:00".parse().unwrap();
    let one = "1wd".parse().unwrap();
    let before = due(start, &one, &published(&[2018]), zone.time_zone()).unwrap();
    assert!(before.provisional, "the notice for 2019 was still to come");
    let after = due(start, &one, &published(&[2018, 2019]), zone.time_zone()).unwrap();
    // Saturday the 29th was worked.
    assert_eq!((after.at.to_string().as_str(), after.provisional), ("2018-12-29T16:00:00Z", false));
}

#[test]
fn desk_02_no_december_of_the_last_published_year_is_certain() {
    assert_eq!(ends("2026-12-30T02:00:00Z", "1wd"), ("2026-12-31T16:00:00Z".into(), true));
    // It is the days that are counted that matter, not the day on which it starts.
    assert!(!ends("2026-11-26T02:00:00Z", "2wd").1);
    assert!(ends("2026-11-30T02:00:00Z", "1wd").1);
    assert!(!ends("2025-12-30T02:00:00Z", "1wd").1);
}

#[test]
fn the_end_of_all_dates_is_an_error_not_a_crash() {
    let zone = Zone::default();
    for allowance in ["PT48H", "65535wd"] {
        let error = due(Timestamp::MAX, &allowance.parse().unwrap(), cn(), zone.time_zone()).unwrap_err();
        assert!(error.to_string().contains("shorter allowance"), "{error}");
    }
}

#[test]
fn a_calendar_of_ones_own() {
    let calendar = Calendar::from_json(
        r#"{"format":"huiyin.calendar.v1","id":"office","years":[
             {"year":2030,"off":["2030-01-01","2030-02-04/2030-02-08"],"work":["2030-02-10"]}]}"#,
    )
    .unwrap();
    assert_eq!(calendar.id(), "office");
    assert!(!calendar.is_working_day(date(2030, 2, 6)));
    assert!(calendar.is_working_day(date(2030, 2, 10)));
    assert!(calendar.is_certain(date(2030, 6, 1)) && !calendar.is_certain(date(2031, 6, 1)));
}

#[test]
fn a_bad_calendar_says_where_and_why() {
    let year = |year: &str| format!(r#"{{"format":"huiyin.calendar.v1","id":"x","years":[{year}]}}"#);
    for (text, expected) in [
        ("{".to_owned(), "line 1"),
        (r#"{"format":"ics","id":"x","years":[]}"#.to_owned(), "/format: unknown format \"ics\""),
        (r#"{"format":"huiyin.calendar.v1","id":"","years":[]}"#.to_owned(), "/id: it is empty"),
        (year(r#"{"year":2030,"of":[]}"#), "unknown field `of`"),
        (year(r#"{"year":2030,"off":["2030-02-30"]}"#), "/years/0/off/0: \"2030-02-30\" is no date"),
        (year(r#"{"year":2030,"off":["20300201"]}"#), "is no date"),
        (
            year(r#"{"year":2030,"work":["2030-02-05/2030-02-04"]}"#),
            "/years/0/work/0: \"2030-02-05/2030-02-04\" ends before",
        ),
        (year(r#"{"year":2030,"off":["2031-01-01"]}"#), "does not cover"),
        (year(r#"{"year":2030,"off":["2030-01-01"],"work":["2030-01-01"]}"#), "listed twice"),
        (year(r#"{"year":2030},{"year":2030}"#), "/years/1/year: 2030 stands there twice"),
    ] {
        let error = Calendar::from_json(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}\n{error}");
    }
    assert!(Calendar::builtin("us").unwrap_err().to_string().contains("built in are: cn"));
}
