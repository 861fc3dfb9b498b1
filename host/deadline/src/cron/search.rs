//! From allowed field values to instants.
//!
//! The `cron` crate walks a plain calendar without zones (it is asked in UTC, standing for local time). What
//! a change of clocks does to the result is decided here.

use chrono::{DateTime, NaiveDate, Utc};
use cron::Schedule;
use jiff::civil::{self, DateTime as Local};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::parse::{Fields, Set};

/// The `cron` crate knows the years 1970 to 2100.
const EARLIEST: Local = civil::date(1969, 12, 31).at(23, 59, 59, 0);

/// Allowed local times. Two schedules where a day has to match only one of the two day fields: the `cron` crate
/// always demands both.
#[derive(Clone, Debug)]
pub(super) struct Civil(Vec<Schedule>);

impl Civil {
    pub(super) fn new(fields: &Fields) -> Result<Self, String> {
        let all = Set { bits: u64::MAX, star: true };
        let either = !fields.day_of_month.star && !fields.day_of_week.star;
        let days = if either {
            vec![(fields.day_of_month, all), (all, fields.day_of_week)]
        } else {
            vec![(fields.day_of_month, fields.day_of_week)]
        };
        let schedules = days.into_iter().map(|(day, weekday)| {
            // Seconds come first, and Sunday is 1 there.
            let text = format!(
                "0 {} {} {} {} {}",
                list(fields.minute, 0, 59, 0),
                list(fields.hour, 0, 23, 0),
                list(day, 1, 31, 0),
                list(fields.month, 1, 12, 0),
                list(weekday, 0, 6, 1)
            );
            text.parse::<Schedule>().map_err(|error| error.to_string())
        });
        schedules.collect::<Result<_, _>>().map(Self)
    }

    /// The first allowed local time after `after`.
    fn next(&self, after: Local) -> Option<Local> {
        let after = to_chrono(after.max(EARLIEST))?;
        self.0.iter().filter_map(|schedule| schedule.after(&after).next()).min().and_then(to_jiff)
    }
}

fn list(set: Set, low: u8, high: u8, shift: u8) -> String {
    let values: Vec<String> =
        set.values().filter(|value| (low..=high).contains(value)).map(|value| (value + shift).to_string()).collect();
    if values.len() == usize::from(high - low) + 1 { "*".to_owned() } else { values.join(",") }
}

/// Whole seconds only: cron knows nothing smaller.
fn to_chrono(local: Local) -> Option<DateTime<Utc>> {
    let field = |value: i8| u32::try_from(value).ok();
    NaiveDate::from_ymd_opt(local.year().into(), field(local.month())?, field(local.day())?)?
        .and_hms_opt(field(local.hour())?, field(local.minute())?, field(local.second())?)
        .map(|local| local.and_utc())
}

fn to_jiff(time: DateTime<Utc>) -> Option<Local> {
    Timestamp::from_second(time.timestamp()).ok().map(|time| TimeZone::UTC.to_datetime(time))
}

/// Every real minute whose local time is allowed.
pub(super) fn by_real_time(days: &Civil, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let mut from = after;
    let mut local = days.next(zone.to_datetime(after))?;
    loop {
        // As long as the offset stays, local time and real time go together.
        let offset = zone.to_offset(from);
        let at = offset.to_timestamp(local).ok()?;
        let Some(change) =
            zone.following(from).map(|change| change.timestamp()).find(|change| zone.to_offset(*change) != offset)
        else {
            return Some(at);
        };
        if at < change {
            return Some(at);
        }
        // The clocks change first: go on with the new local time, which itself may be allowed.
        from = change;
        let just_before = zone.to_datetime(change).checked_sub(SignedDuration::from_secs(1)).ok()?;
        local = days.next(just_before)?;
    }
}

/// Every allowed local time once: after the gap if it is skipped, the first time if it is repeated.
pub(super) fn by_wall_clock(days: &Civil, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let mut local = zone.to_datetime(after);
    loop {
        local = days.next(local)?;
        let at = resolve(local, zone)?;
        if at > after {
            return Some(at);
        }
        // A repeated time whose first turn has passed.
    }
}

fn resolve(local: Local, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset that holds after the gap, the local time lies before the change.
            let before_change = after.to_timestamp(local).ok()?;
            zone.following(before_change)
                .map(|change| change.timestamp())
                .find(|change| zone.to_offset(*change) == after)
        }
    }
}
