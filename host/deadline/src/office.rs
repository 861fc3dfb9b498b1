//! Working time: the instants at which offices are open.
//!
//! An instant is open where the wall clock of the zone then shows a time within a window of that wall clock's date. So
//! an hour that a change of the clock leaves out is no working time, and one that it repeats counts twice, as it is
//! worked twice.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::Calendar;
use crate::due::Due;

/// A stretch of time during which offices are open: `from` belongs to it, `to` does not.
#[derive(Clone, Copy)]
struct Open {
    from: Timestamp,
    to: Timestamp,
    /// Whether no notice that is still to come can change it.
    certain: bool,
    date: Date,
}

/// When a day begins: its first instant.
pub(crate) fn begins(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// What is open between the beginnings of a day and of the next, in order, with the days that were looked at and are
/// not certain.
fn open(day: Date, calendar: &Calendar, zone: &TimeZone) -> Option<(Vec<Open>, bool)> {
    let (first, last) = (begins(day, zone)?, begins(day.tomorrow().ok()?, zone)?);
    let mut edges = vec![first];
    edges.extend(zone.following(first).map(|change| change.timestamp()).take_while(|at| *at < last));
    edges.push(last);
    let (mut found, mut certain) = (Vec::new(), calendar.is_certain(day));
    for pair in edges.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if from >= to {
            continue;
        }
        let offset = zone.to_offset(from);
        // One date, or two where the clock was set back over midnight.
        let until = to.checked_sub(SignedDuration::from_nanos(1)).ok()?;
        let (mut date, end) = (offset.to_datetime(from).date(), offset.to_datetime(until).date());
        loop {
            certain &= calendar.is_certain(date);
            for window in calendar.windows(date) {
                let at = |minute: u16| {
                    let midnight = offset.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
                    midnight.checked_add(SignedDuration::from_mins(i64::from(minute))).ok()
                };
                let (start, stop) = (at(window.from)?.max(from), at(window.to)?.min(to));
                if start < stop {
                    found.push(Open { from: start, to: stop, certain: calendar.is_certain(date), date });
                }
            }
            if date >= end {
                break;
            }
            date = date.tomorrow().ok()?;
        }
    }
    Some((found, certain))
}

/// The instant at which so much working time has passed since `start`; none beyond the year 9999. Without any rest it
/// is `start` itself.
pub(crate) fn advance(start: Timestamp, rest: SignedDuration, calendar: &Calendar, zone: &TimeZone) -> Option<Due> {
    let (mut left, mut provisional) = (rest, false);
    let mut day = zone.to_datetime(start).date();
    if left.is_zero() {
        return Some(Due { at: start, provisional });
    }
    loop {
        let (stretches, certain) = open(day, calendar, zone)?;
        for stretch in stretches {
            let from = stretch.from.max(start);
            if from >= stretch.to {
                continue;
            }
            let length = stretch.to.duration_since(from);
            if left <= length {
                let at = from.checked_add(left).ok()?;
                return Some(Due { at, provisional: provisional || !stretch.certain });
            }
            left -= length;
        }
        provisional |= !certain;
        day = day.tomorrow().ok()?;
    }
}

/// How much working time lies between two instants.
pub(crate) fn between(from: Timestamp, to: Timestamp, calendar: &Calendar, zone: &TimeZone) -> SignedDuration {
    let mut sum = SignedDuration::ZERO;
    let mut day = zone.to_datetime(from).date();
    while from < to && begins(day, zone).is_some_and(|begins| begins < to) {
        for stretch in open(day, calendar, zone).map(|(found, _)| found).unwrap_or_default() {
            let (start, stop) = (stretch.from.max(from), stretch.to.min(to));
            if start < stop {
                sum += stop.duration_since(start);
            }
        }
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    sum
}

/// When the offices close on a day for good; none where it has no hours.
pub(crate) fn closes(day: Date, calendar: &Calendar, zone: &TimeZone) -> Option<Timestamp> {
    if calendar.windows(day).is_empty() {
        return None;
    }
    // A clock that is set back over midnight shows the day's last hour once more after the next has begun.
    let stretches = [Some(day), day.tomorrow().ok()].into_iter().flatten().filter_map(|day| open(day, calendar, zone));
    stretches.flat_map(|(found, _)| found).filter(|stretch| stretch.date == day).map(|stretch| stretch.to).max()
}
