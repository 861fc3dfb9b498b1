//! Reading expressions, and what they mean without and with changes of clocks.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::Cron;
use super::parse::{self, Field, Fields};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// The next `n` times, as local times with offsets.
fn next(expression: &str, zone_name: &str, after: &str, n: usize) -> Vec<String> {
    let (cron, zone) = (Cron::parse(expression).unwrap(), zone(zone_name));
    let first = cron.next_after(after.parse().unwrap(), &zone);
    std::iter::successors(first, |at| cron.next_after(*at, &zone))
        .take(n)
        .map(|at| {
            let offset = zone.to_offset(at);
            format!("{}{offset}", offset.to_datetime(at).strftime("%m-%d %H:%M"))
        })
        .collect()
}

fn values(expression: &str, pick: impl Fn(Fields) -> super::parse::Set) -> Vec<u8> {
    pick(parse::fields(expression).unwrap()).values().collect()
}

#[test]
fn fields_are_read_as_vixie_reads_them() {
    assert_eq!(values("*/20 * * * *", |f| f.minute), [0, 20, 40]);
    assert_eq!(values("1,5-9/2,59 * * * *", |f| f.minute), [1, 5, 7, 9, 59]);
    assert_eq!(values("50/5 * * * *", |f| f.minute), [50, 55]);
    assert_eq!(values("0 0 * JAN,mar-May *", |f| f.month), [1, 3, 4, 5]);
    for sunday in ["0", "7", "sun", "SUN", "0,7", "7-7"] {
        assert_eq!(values(&format!("0 0 * * {sunday}"), |f| f.day_of_week), [0], "{sunday}");
    }
    for weekend in ["5-7", "fri-sun", "0,5,6", "Fri-7"] {
        assert_eq!(values(&format!("0 0 * * {weekend}"), |f| f.day_of_week), [0, 5, 6], "{weekend}");
    }
    assert_eq!(values("0 0 * * sun-tue", |f| f.day_of_week), [0, 1, 2]);
    assert_eq!(values("0 0 * * */2", |f| f.day_of_week), [0, 2, 4, 6]);
    assert_eq!(values("0 0 * * 0-7", |f| f.day_of_week), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(parse::fields("@weekly"), parse::fields("0 0 * * 0"));
    assert_eq!(parse::fields(" 0\t0  * * 0 "), parse::fields("0 0 * * 0"));
    for (nickname, meaning) in [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@Midnight", "0 0 * * *"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ] {
        assert_eq!(parse::fields(nickname), parse::fields(meaning));
    }
}

#[test]
fn errors_say_where_which_field_and_what_to_write() {
    use Field::{DayOfMonth, DayOfWeek, Hour, Minute, Month};
    for (expression, offset, field, why, hint) in [
        ("", 0, None, "0 fields", "minute, hour"),
        ("* * * *", 7, None, "4 fields", "0 8 * * 1-5"),
        ("0 0 8 * * 1", 10, None, "6 fields", "no fields for seconds"),
        ("@reboot", 0, None, "@reboot is not known", "@hourly"),
        ("@daily 5", 7, None, "nothing may follow", "leave out"),
        ("60 * * * *", 0, Some(Minute), "60 is out of range", "0 to 59"),
        ("0 24 * * *", 2, Some(Hour), "24 is out of range", "0 to 23"),
        ("0 0 0 * *", 4, Some(DayOfMonth), "0 is out of range", "1 to 31"),
        ("0 0 * 1,13 *", 8, Some(Month), "13 is out of range", "jan to dec"),
        ("0 0 * * 1-8", 10, Some(DayOfWeek), "8 is out of range", "Sunday"),
        ("0 0 * * funday", 8, Some(DayOfWeek), "\"funday\" is not known", "sun to sat"),
        ("0 0 * * fri-mon", 8, Some(DayOfWeek), "runs backwards", "write 5-6,0-1"),
        ("0 22-2 * * *", 2, Some(Hour), "runs backwards", "write 22-23,0-2"),
        ("*/0 * * * *", 2, Some(Minute), "step of 0", "1 or more"),
        ("*/90 * * * *", 2, Some(Minute), "\"90\" is no step", "longer than the field"),
        ("*/ * * * *", 2, Some(Minute), "\"\" is no step", "whole number"),
        ("1,,2 * * * *", 2, Some(Minute), "missing", "0 to 59"),
        ("-5 * * * *", 0, Some(Minute), "missing", "0 to 59"),
        ("0 0 ? * 1", 4, Some(DayOfMonth), "? is not known", "write * instead"),
        ("0 0 L * *", 4, Some(DayOfMonth), "not part of five-field cron", "1 to 31"),
        ("0 0 15W * *", 4, Some(DayOfMonth), "not part of five-field cron", "1 to 31"),
        ("0 0 * * 5#2", 8, Some(DayOfWeek), "not part of five-field cron", "0 to 7"),
        ("5* * * * *", 0, Some(Minute), "cannot be part of", "*/5"),
        ("*-5 * * * *", 0, Some(Minute), "cannot be part of", "*/5"),
        ("每 * * * *", 0, Some(Minute), "is not known", "0 to 59"),
        ("+5 * * * *", 0, Some(Minute), "is not known", "0 to 59"),
    ] {
        let error = Cron::parse(expression).unwrap_err();
        assert_eq!((error.offset, error.field), (offset, field), "{error}");
        assert!(error.why.contains(why) && error.hint.contains(hint), "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("at offset {offset}")), "{text}");
        assert_eq!(field.is_some(), text.contains("(field "), "{text}");
    }
}

#[test]
fn one_day_field_is_enough_unless_one_starts_with_a_star() {
    let days = |expression: &str| next(expression, "UTC", "2024-01-01T00:00:00Z", 4);
    assert_eq!(days("0 0 13 * fri"), ["01-05 00:00+00", "01-12 00:00+00", "01-13 00:00+00", "01-19 00:00+00"]);
    assert_eq!(days("0 0 13 * *"), ["01-13 00:00+00", "02-13 00:00+00", "03-13 00:00+00", "04-13 00:00+00"]);
    // `*/2` is a star: odd days that are Mondays.
    assert_eq!(days("0 0 */2 * 1"), ["01-15 00:00+00", "01-29 00:00+00", "02-05 00:00+00", "02-19 00:00+00"]);
    assert_eq!(days("0 0 1 * */2"), ["02-01 00:00+00", "06-01 00:00+00", "08-01 00:00+00", "09-01 00:00+00"]);
    // Every day written out is no star: each day matches.
    assert_eq!(days("0 0 1-31 * 1"), ["01-02 00:00+00", "01-03 00:00+00", "01-04 00:00+00", "01-05 00:00+00"]);
    // A day that never comes leaves the weekday.
    assert_eq!(days("0 0 30 2 1"), ["02-05 00:00+00", "02-12 00:00+00", "02-19 00:00+00", "02-26 00:00+00"]);
}

#[test]
fn what_never_comes_ends() {
    let after: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    for expression in ["0 0 31 2 *", "0 0 31 4,6,9,11 *", "* * 30 2 *"] {
        for name in ["UTC", "America/New_York"] {
            assert_eq!(Cron::parse(expression).unwrap().next_after(after, &zone(name)), None);
        }
    }
    // Rare, but it comes: 29 February on a Monday.
    assert_eq!(next("0 0 29 2 */7", "UTC", "2024-03-01T00:00:00Z", 1), ["02-29 00:00+00"]);
    for extreme in [Timestamp::MIN, Timestamp::MAX] {
        let _ = Cron::parse("* * * * *").unwrap().next_after(extreme, &zone("America/New_York"));
    }
    assert_eq!(
        Cron::parse("0 0 * * *").unwrap().next_after("2101-01-01T00:00:00Z".parse().unwrap(), &TimeZone::UTC),
        None
    );
}

const SPRING: (&str, &str) = ("America/New_York", "2024-03-10T05:30:00Z"); // 00:30; at 02:00 it becomes 03:00
const AUTUMN: (&str, &str) = ("America/New_York", "2024-11-03T04:10:00Z"); // 00:10; at 02:00 it becomes 01:00

#[test]
fn a_skipped_time_runs_once_right_after_the_gap() {
    let (zone, after) = SPRING;
    assert_eq!(next("30 2 * * *", zone, after, 2), ["03-10 03:00-04", "03-11 02:30-04"]);
    assert_eq!(next("0,30 2 * * *", zone, after, 2), ["03-10 03:00-04", "03-11 02:00-04"]);
    assert_eq!(next("0 2,3 * * *", zone, after, 2), ["03-10 03:00-04", "03-11 02:00-04"]);
    assert_eq!(next("0 3 * * *", zone, after, 2), ["03-10 03:00-04", "03-11 03:00-04"]);
    assert_eq!(next("30 1-3 * * *", zone, after, 3), ["03-10 01:30-05", "03-10 03:00-04", "03-10 03:30-04"]);
}

#[test]
fn a_repeated_time_runs_the_first_time_only() {
    let (zone, after) = AUTUMN;
    assert_eq!(next("30 1 * * *", zone, after, 2), ["11-03 01:30-04", "11-04 01:30-05"]);
    assert_eq!(next("30 1,2 * * *", zone, after, 3), ["11-03 01:30-04", "11-03 02:30-05", "11-04 01:30-05"]);
    assert_eq!(next("0 2 * * *", zone, after, 1), ["11-03 02:00-05"]);
    // Asked in the middle of the repetition, it does not run again.
    assert_eq!(next("30 1 * * *", zone, "2024-11-03T06:10:00Z", 1), ["11-04 01:30-05"]);
}

#[test]
fn jobs_with_a_star_go_by_real_time() {
    let (zone, after) = SPRING;
    assert_eq!(next("30 * * * *", zone, after, 3), ["03-10 01:30-05", "03-10 03:30-04", "03-10 04:30-04"]);
    assert_eq!(next("*/30 2 * * *", zone, after, 1), ["03-11 02:00-04"]);
    assert_eq!(next("0 */2 * * *", zone, after, 2), ["03-10 04:00-04", "03-10 06:00-04"]);
    assert_eq!(next("0 */3 * * *", zone, after, 1), ["03-10 03:00-04"]);
    let (zone, after) = AUTUMN;
    assert_eq!(
        next("30 * * * *", zone, after, 4),
        ["11-03 00:30-04", "11-03 01:30-04", "11-03 01:30-05", "11-03 02:30-05"]
    );
    assert_eq!(
        next("*/30 1 * * *", zone, after, 5),
        ["11-03 01:00-04", "11-03 01:30-04", "11-03 01:00-05", "11-03 01:30-05", "11-04 01:00-05"]
    );
}

#[test]
fn json_is_the_expression() {
    let cron: Cron = serde_json::from_str("\"0 8 * * mon-fri\"").unwrap();
    assert_eq!(serde_json::to_string(&cron).unwrap(), "\"0 8 * * mon-fri\"");
    let error = serde_json::from_str::<Cron>("\"0 25 * * *\"").unwrap_err().to_string();
    assert!(error.contains("25 is out of range"), "{error}");
}

/// Written down without any library for calendars or cron: does this minute of the wall clock match?
fn matches(fields: &Fields, local: jiff::civil::DateTime) -> bool {
    let has = |set: super::parse::Set, value: i8| set.bits & (1 << value) != 0;
    let day = has(fields.day_of_month, local.day());
    let weekday = has(fields.day_of_week, local.weekday().to_sunday_zero_offset());
    let either = !fields.day_of_month.star && !fields.day_of_week.star;
    has(fields.minute, local.minute())
        && has(fields.hour, local.hour())
        && has(fields.month, local.month())
        && if either { day || weekday } else { day && weekday }
}

/// A daemon that wakes every real minute, as Vixie's does: jobs with a star run if the present wall-clock minute
/// matches; the others run for every wall-clock minute that has not been seen yet.
pub(super) fn daemon(expression: &str, zone: &TimeZone, from: Timestamp, minutes: i64) -> Vec<Timestamp> {
    let fields = parse::fields(expression).unwrap();
    let star = fields.minute.star || fields.hour.star;
    let minute = SignedDuration::from_mins(1);
    let mut seen = zone.to_datetime(from);
    let mut runs = Vec::new();
    for n in 1..=minutes {
        let now = from + SignedDuration::from_mins(n);
        let local = zone.to_datetime(now);
        let mut run = star && matches(&fields, local);
        while !star && seen < local {
            seen = seen.checked_add(minute).unwrap();
            run |= matches(&fields, seen);
        }
        if run {
            runs.push(now);
        }
    }
    runs
}

fn part(low: u8, high: u8) -> impl Strategy<Value = String> {
    let value = low..=high;
    prop_oneof![
        value.clone().prop_map(|v| v.to_string()),
        (value.clone(), value).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        (1..=(high - low)).prop_map(|s| format!("*/{s}")),
    ]
}

fn field(low: u8, high: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => prop::collection::vec(part(low, high), 1..4).prop_map(|parts| parts.join(",")),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
        .prop_map(|(a, b, c, d, e)| format!("{a} {b} {c} {d} {e}"))
}

/// Hours around changes of clocks by an hour, by half an hour, at midnight, and a skipped day; and none.
const WATCHED: [(&str, &str); 8] = [
    ("America/New_York", "2024-03-10T07:00:00Z"),
    ("America/New_York", "2024-11-03T06:00:00Z"),
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("Australia/Lord_Howe", "2025-04-05T15:00:00Z"),
    ("Australia/Lord_Howe", "2025-10-04T15:30:00Z"),
    ("America/Havana", "2024-03-10T05:00:00Z"),
    ("Asia/Shanghai", "2024-02-28T16:00:00Z"),
];

proptest! {
    #[test]
    fn agrees_with_a_daemon_that_looks_at_every_minute(expression in expression(), watched in prop::sample::select(&WATCHED)) {
        let (zone, change) = (zone(watched.0), watched.1.parse::<Timestamp>().unwrap());
        let from = change - SignedDuration::from_hours(9);
        let minutes = 18 * 60;
        let cron = Cron::parse(&expression).unwrap();
        let until = from + SignedDuration::from_mins(minutes);
        let found: Vec<Timestamp> = std::iter::successors(cron.next_after(from, &zone), |at| cron.next_after(*at, &zone))
            .take_while(|at| *at <= until)
            .collect();
        prop_assert_eq!(found, daemon(&expression, &zone, from, minutes));
    }

    #[test]
    fn the_next_time_is_later_and_on_the_minute(expression in expression(), second in 0i64..4_000_000_000, nanos in 0i32..1_000_000_000) {
        let after = Timestamp::new(second, nanos).unwrap();
        let cron = Cron::parse(&expression).unwrap();
        if let Some(next) = cron.next_after(after, &zone("Europe/Berlin")) {
            prop_assert!(next > after);
            prop_assert_eq!(next.as_nanosecond() % 60_000_000_000, 0);
        }
    }

    #[test]
    fn reading_never_panics(text in ".*") {
        let _ = Cron::parse(&text);
    }

    #[test]
    fn reading_what_looks_like_cron_never_panics_and_points_into_the_text(text in "[-0-9a-z*/,@ #?LW每]{0,30}") {
        if let Err(error) = Cron::parse(&text) {
            prop_assert!(text.get(error.offset..).is_some(), "{}", error);
        }
    }

    #[test]
    fn whatever_can_be_read_can_be_searched(text in "[-0-9*/,]{1,4} [-0-9*/,]{1,4} [-0-9*/,]{1,4} [-0-9*/,]{1,4} [-0-9*/,]{1,4}") {
        if let Ok(cron) = Cron::parse(&text) {
            let _ = cron.next_after(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        }
    }
}

#[test]
fn plugins_14_the_hint_for_a_range_over_the_end_can_be_written() {
    // Sunday as 7 begins a week here: 7-1 is 0-1.
    let error = Cron::parse("0 0 * * 7-1/2").unwrap_err();
    assert_eq!(error.hint, "to wrap around, write 0");
    for (place, low, high) in [(0_usize, 0_u8, 59_u8), (1, 0, 23), (2, 1, 31), (3, 1, 12), (4, 0, 7)] {
        for from in low..=high {
            for to in low..from {
                for step in [1_usize, 2, 3, 7] {
                    let with = |text: &str| {
                        let mut fields = ["*"; 5];
                        fields[place] = text;
                        fields.join(" ")
                    };
                    let step_text = if step == 1 { String::new() } else { format!("/{step}") };
                    if step > usize::from(high - low) {
                        continue;
                    }
                    let error = Cron::parse(&with(&format!("{from}-{to}{step_text}"))).unwrap_err();
                    let hint = error.hint.strip_prefix("to wrap around, write ").unwrap();
                    let written = parse::fields(&with(hint)).unwrap();
                    let days = place == 4;
                    // Round the field from the first on, Sunday once.
                    let (start, end) = if days { (from % 7, 6) } else { (from, high) };
                    let round: Vec<u8> =
                        if start <= to { (start..=to).collect() } else { (start..=end).chain(low..=to).collect() };
                    let bits = round.iter().step_by(step).fold(0_u64, |bits, value| bits | 1 << value);
                    let sets = [written.minute, written.hour, written.day_of_month, written.month, written.day_of_week];
                    assert_eq!(sets[place].bits, bits, "{from}-{to}{step_text}: {hint}");
                }
            }
        }
    }
}
