//! Against what croniter says (tests/cron/croniter.tsv, made by generate.py there). Where the two differ, Huiyin
//! must agree with the minute-by-minute daemon, and the kinds of difference are counted:
//! docs/decisions/0002-cron.md explains them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::tests::daemon;
use super::{Cron, parse};

const TABLE: &str = include_str!("../../tests/cron/croniter.tsv");

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// A job that goes by real time, at a gap: croniter runs it after the gap though its hour was skipped.
    StarAtGap,
    /// A job at fixed times, in a repeated hour: croniter runs it twice.
    FixedInFold,
    /// A field that lists all its values without starting with a star: croniter takes some of these for a star.
    AllListed,
}

fn times(cron: &Cron, after: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
    std::iter::successors(cron.next_after(after, zone), |at| cron.next_after(*at, zone)).take(3).collect()
}

/// The first change of clocks after `from` up to `to`: by how much, in seconds.
fn changes(zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<i32> {
    zone.following(from)
        .take_while(|change| change.timestamp() <= to)
        .map(|change| {
            let before = change.timestamp() - SignedDuration::from_secs(1);
            zone.to_offset(change.timestamp()).seconds() - zone.to_offset(before).seconds()
        })
        .filter(|by| *by != 0)
        .collect()
}

#[test]
fn agrees_with_croniter_but_for_changes_of_clocks() {
    let mut differences: BTreeMap<Difference, Vec<String>> = BTreeMap::new();
    let mut agreed = 0;
    for line in TABLE.lines() {
        let mut columns = line.split('\t');
        let mut column = || columns.next().unwrap();
        let (expression, zone_name, start, minutes) = (column(), column(), column(), column());
        let zone = TimeZone::get(zone_name).unwrap();
        let start = Timestamp::from_second(start.parse().unwrap()).unwrap();
        let base = start.as_second().div_euclid(60);
        let theirs: Vec<Timestamp> = minutes
            .split_whitespace()
            .map(|minutes| Timestamp::from_second((base + minutes.parse::<i64>().unwrap()) * 60).unwrap())
            .collect();
        let ours = times(&Cron::parse(expression).unwrap(), start, &zone);
        if ours == theirs {
            agreed += 1;
            continue;
        }
        let last = ours.iter().chain(&theirs).max().copied().unwrap_or(start);
        let changes = changes(&zone, start - SignedDuration::from_hours(1), last);
        // The daemon decides, as far as one can wait for it. It has been up for some hours at the start.
        let early = start - SignedDuration::from_hours(6);
        let early = Timestamp::from_second(early.as_second().div_euclid(60) * 60).unwrap();
        let wait = last.duration_since(early).as_mins().min(400 * 24 * 60);
        let seen = daemon(expression, &zone, early, wait);
        let seen: Vec<_> = seen.into_iter().filter(|at| *at > start).take(3).collect();
        assert_eq!(seen[..], ours[..seen.len()], "{line}");

        let fields = parse::fields(expression).unwrap();
        let star = fields.minute.star || fields.hour.star;
        let listed = |set: parse::Set, all: usize| !set.star && set.values().count() == all;
        let kind = if star && changes.iter().any(|by| *by > 0) {
            Difference::StarAtGap
        } else if !star && changes.iter().any(|by| *by < 0) {
            Difference::FixedInFold
        } else if listed(fields.hour, 24) || listed(fields.day_of_week, 7) || listed(fields.day_of_month, 31) {
            Difference::AllListed
        } else {
            panic!("{line}: {ours:?}, and nothing explains it");
        };
        differences.entry(kind).or_default().push(format!("{line} -> {ours:?}"));
    }
    let counted: Vec<_> = differences.iter().map(|(kind, lines)| (*kind, lines.len())).collect();
    let expected = [(Difference::StarAtGap, 23), (Difference::FixedInFold, 86), (Difference::AllListed, 1)];
    assert_eq!(counted, expected, "{differences:#?}");
    assert_eq!(agreed, 3890);
}
