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
    assert_eq!(cn().coverage().collect::<Vec<_>>(), (2007..=2026).collect::<Vec<_>>());
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
    assert!(ends("2006-12-27T02:00:00Z", "1wd").1);
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

/// The table is held against chinesecalendar of PyPI by `make calendar`.
#[test]
fn working_days_of_every_year_since_2007_are_those_of_chinesecalendar() {
    let mut days = 0;
    for line in include_str!("calendar/worked.txt").lines() {
        let (month, worked) = line.split_once(' ').unwrap();
        let first: Date = format!("{month}-01").parse().unwrap();
        assert_eq!(worked.len(), usize::try_from(first.days_in_month()).unwrap(), "{month}");
        for (day, worked) in first.series(1.day()).zip(worked.bytes()) {
            assert_eq!(cn().is_working_day(day), worked == b'1', "{day}");
            assert_eq!(cn().is_certain(day), day < date(2026, 12, 1), "{day}");
            days += 1;
        }
    }
    // Twenty years, five of them with a day more.
    assert_eq!(days, 20 * 365 + 5);
    assert_eq!(cn().coverage().collect::<Vec<_>>(), (2007..=2026).collect::<Vec<_>>());
}

/// Office hours laid over the published days: Friday afternoons off, a half-day, a day for all.
fn office() -> Calendar {
    Calendar::from_json(
        r#"{"format":"huiyin.calendar.v1","id":"own","over":"cn",
            "hours":{"work":["08:30-12:00","14:00-17:30"],"fri":["08:30-12:00"]},
            "days":{"2024-03-13":["09:00-11:00"],"2024-03-14":[],"2024-03-16":["10:00-24:00"]}}"#,
    )
    .unwrap()
}

fn at_the_office(start: &str, allowance: &str) -> (String, bool) {
    let zone = Zone::default();
    let start: Timestamp = format!("{start}:00+08:00").parse().unwrap();
    let due = due(start, &allowance.parse().unwrap(), &office(), zone.time_zone()).unwrap();
    (zone.time_zone().to_datetime(due.at).strftime("%m-%d %H:%M").to_string(), due.provisional)
}

#[test]
fn working_time_runs_while_offices_are_open() {
    // Monday the 11th of March 2024 and the days after it.
    assert_eq!(at_the_office("2024-03-11T09:00", "2wh").0, "03-11 11:00");
    assert_eq!(at_the_office("2024-03-11T11:00", "2wh").0, "03-11 15:00");
    // What ends with the morning is due then, not in the afternoon.
    assert_eq!(at_the_office("2024-03-11T09:00", "3wh").0, "03-11 12:00");
    assert_eq!(at_the_office("2024-03-11T12:30", "1wm").0, "03-11 14:01");
    // A message of the evening begins to count in the morning.
    assert_eq!(at_the_office("2024-03-11T20:00", "30wm").0, "03-12 09:00");
    // The 13th is a half-day, the 14th off, Friday the 15th has a morning, Saturday the 16th is worked till midnight.
    assert_eq!(at_the_office("2024-03-12T17:00", "90wm").0, "03-13 10:00");
    assert_eq!(at_the_office("2024-03-13T10:30", "1wh").0, "03-15 09:00");
    assert_eq!(at_the_office("2024-03-15T11:00", "15wh").0, "03-16 24:00".replace("03-16 24", "03-17 00"));
    // Sunday the 18th of February is made up for, and has the hours of every day.
    assert_eq!(at_the_office("2024-02-09T11:30", "1wh").0, "02-18 09:00");
    // No hours are counted in a year that nobody has published without saying so.
    assert!(at_the_office("2026-12-31T17:00", "1wh").1 && !at_the_office("2026-11-05T17:00", "1wh").1);
}

#[test]
fn a_working_day_ends_when_its_office_hours_do() {
    assert_eq!(at_the_office("2024-03-11T09:00", "1wd").0, "03-12 17:30");
    assert_eq!(at_the_office("2024-03-12T09:00", "1wd").0, "03-13 11:00");
    // The 14th is off in this office, the Saturday is not.
    assert_eq!(at_the_office("2024-03-12T09:00", "2wd").0, "03-15 12:00");
    assert_eq!(at_the_office("2024-03-15T09:00", "1wd").0, "03-17 00:00");
}

#[test]
fn office_hours_follow_the_wall_clock_through_its_changes() {
    let calendar = Calendar::from_json(
        r#"{"format":"huiyin.calendar.v1","id":"night","week":["sun","sat"],"years":[{"year":2024}],
            "hours":{"work":["00:00-04:00"]}}"#,
    )
    .unwrap();
    let zone = Zone::named("America/New_York").unwrap();
    let ends = |start: &str, allowance: &str| {
        let start: Timestamp = start.parse().unwrap();
        due(start, &allowance.parse().unwrap(), &calendar, zone.time_zone()).unwrap().at.to_string()
    };
    // On Sunday the 10th of March the hour from two to three is left out: three hours are open.
    assert_eq!(ends("2024-03-10T05:00:00Z", "3wh"), "2024-03-10T08:00:00Z");
    assert_eq!(ends("2024-03-10T05:00:00Z", "181wm"), "2024-03-16T04:01:00Z");
    // On Sunday the 3rd of November the hour from one to two comes twice: five are.
    assert_eq!(ends("2024-11-03T04:00:00Z", "5wh"), "2024-11-03T09:00:00Z");
    assert_eq!(ends("2024-11-03T04:00:00Z", "1wd"), "2024-11-09T09:00:00Z");
    // A zone that moved over the date line had no Friday the 30th of December 2011.
    let apia = Zone::named("Pacific/Apia").unwrap();
    let end = due("2011-12-29T20:00:00Z".parse().unwrap(), &"1wd".parse().unwrap(), cn(), apia.time_zone()).unwrap();
    assert_eq!(end.at.to_string(), "2011-12-31T10:00:00Z", "Saturday the 31st was made up for in the table");
}

#[test]
fn working_time_needs_a_calendar_with_hours() {
    let zone = Zone::default();
    let error = due(Timestamp::UNIX_EPOCH, &"8wh".parse().unwrap(), cn(), zone.time_zone()).unwrap_err().to_string();
    assert!(error.contains("8wh") && error.contains("\"cn\"") && error.contains("\"hours\""), "{error}");
}

#[test]
fn an_own_calendar_over_cn_goes_before_it() {
    let text = |rest: &str| format!(r#"{{"format":"huiyin.calendar.v1","id":"own","over":"cn"{rest}}}"#);
    let plain = Calendar::from_json(&text("")).unwrap();
    let own = Calendar::from_json(&text(
        r#","week":["mon","tue","wed","thu","fri","sat"],"days":{"2024-10-02":["09:00-12:00"],"2028-06-01":[]},
            "years":[{"year":2027,"off":["2027-01-01"],"work":["2027-01-03"]},{"year":2026,"work":["2026-10-01"]}]"#,
    ))
    .unwrap();
    for day in date(2007, 1, 1).series(1.day()).take_while(|day| *day <= date(2026, 12, 31)) {
        assert_eq!(plain.is_working_day(day), cn().is_working_day(day), "{day}");
    }
    assert!(own.is_working_day(date(2024, 10, 2)), "a half-day in the holidays");
    assert!(
        own.is_working_day(date(2024, 3, 9)) && !own.is_working_day(date(2024, 10, 5)),
        "Saturdays of a plain week"
    );
    assert!(own.is_working_day(date(2026, 10, 1)) && !own.is_working_day(date(2026, 10, 2)));
    assert!(!own.is_working_day(date(2027, 1, 1)) && own.is_working_day(date(2027, 1, 3)));
    // A year of its own is published, so the December before it is certain.
    assert!(own.is_certain(date(2026, 12, 31)) && !own.is_certain(date(2027, 12, 31)));
    assert!(own.is_certain(date(2028, 6, 1)) && !own.is_certain(date(2028, 6, 2)));
    assert!(!cn().is_certain(date(2026, 12, 31)));
}

#[test]
fn bad_hours_say_where_and_why() {
    let text = |rest: &str| format!(r#"{{"format":"huiyin.calendar.v1","id":"own","over":"cn",{rest}}}"#);
    for (rest, expected) in [
        (r#""hours":{"work":["8:30-12:00"]}"#, "/hours/work/0: \"8:30-12:00\" is no window"),
        (r#""hours":{"work":["08:30-12:60"]}"#, "/hours/work/0"),
        (r#""hours":{"work":["24:00-24:00"]}"#, "/hours/work/0"),
        (r#""hours":{"work":["12:00-08:30"]}"#, "does not end after it begins"),
        (r#""hours":{"work":["22:00-02:00"]}"#, "within one day"),
        (r#""hours":{"work":["08:00-12:00","11:00-13:00"]}"#, "/hours/work/1: \"11:00-13:00\" begins before"),
        (r#""hours":{"work":[]}"#, "/hours/work: there are no hours"),
        (r#""hours":{"fri":["08:00-12:00"]}"#, "/hours: \"work\" is missing"),
        (
            r#""hours":{"work":["08:00-12:00"],"friday":["08:00-12:00"]}"#,
            "/hours/friday: \"friday\" is no day of the week",
        ),
        (r#""hours":{"work":["08:00-12:00"],"work":["09:00-12:00"]}"#, "\"work\" occurs twice"),
        (r#""week":["mon","mon"]"#, "/week/1: \"mon\" stands there twice"),
        (r#""week":[]"#, "/week: no day is worked"),
        (r#""week":["montag"]"#, "/week/0"),
        (r#""days":{"2024-13-01":[]}"#, "/days/2024-13-01: \"2024-13-01\" is no date"),
        (r#""days":{"2024-01-01/2024-01-03":[],"2024-01-02":[]}"#, "/days/2024-01-02: 2024-01-02 is listed twice"),
        (
            r#""days":{"2024-01-01/2026-01-03":[]}"#,
            "/days/2024-01-01~12026-01-03: \"2024-01-01/2026-01-03\" is longer than a year",
        ),
        (r#""days":{"2024-01-01":["25:00-26:00"]}"#, "/days/2024-01-01/0"),
    ] {
        let error = Calendar::from_json(&text(rest)).unwrap_err().to_string();
        assert!(error.contains(expected), "{rest}\n{error}");
    }
    let over = Calendar::from_json(r#"{"format":"huiyin.calendar.v1","id":"own","over":"us"}"#).unwrap_err();
    assert!(over.to_string().contains("/over") && over.to_string().contains("cn"), "{over}");
    let alone = Calendar::from_json(r#"{"format":"huiyin.calendar.v1","id":"own"}"#).unwrap_err();
    assert!(alone.to_string().contains("\"over\""), "{alone}");
}
