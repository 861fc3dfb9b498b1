//! When an allowance ends.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::allowance::Allowance;
use crate::calendar::Calendar;
use crate::office;

/// The end of an allowance. What is done at `at` is on time; what is done after it is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due {
    /// The last instant that is on time.
    #[serde(with = "crate::stamp")]
    pub at: Timestamp,
    /// True when a day was counted that a calendar notice still to come may name as off or as worked: the due time
    /// may move.
    pub provisional: bool,
}

/// A due time that cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadlineError {
    /// The result lies outside of what dates can express (year 9999).
    #[error("{allowance} from {start} ends after the year 9999; give a shorter allowance")]
    OutOfRange {
        /// Where the allowance starts.
        start: Timestamp,
        /// The allowance.
        allowance: Allowance,
    },
    /// Working time by a calendar that does not say when offices are open.
    #[error("{allowance} is counted in office hours, and calendar \"{calendar}\" gives none; add \"hours\" to it")]
    NoHours {
        /// The allowance.
        allowance: Allowance,
        /// The calendar's id.
        calendar: String,
    },
}

/// When an allowance that starts at `start` ends.
///
/// Elapsed time is added as it is, through nights, holidays and changes of the clock.
///
/// Working days (民法典 art. 201, 203): the day on which it starts, in the zone, is not counted; the days that
/// follow count if they are worked; the allowance ends with the last of them. So the end never falls on a day off: it
/// has moved to the next working day. A day ends at the next local midnight (strictly, the first instant of the next
/// day); where the calendar gives office hours, when these end (art. 203, second paragraph). A half-day counts as one
/// day, and ends when its hours do.
///
/// Working time runs while offices are open (see [`Calendar::windows`]), from `start` on. Its last minute may be the
/// last one of a day: then it is due when the offices close.
pub fn due(
    start: Timestamp,
    allowance: &Allowance,
    calendar: &Calendar,
    zone: &TimeZone,
) -> Result<Due, DeadlineError> {
    let out_of_range = || DeadlineError::OutOfRange { start, allowance: *allowance };
    match *allowance {
        Allowance::Elapsed(duration) => {
            let at = start.checked_add(duration).map_err(|_| out_of_range())?;
            Ok(Due { at, provisional: false })
        }
        Allowance::WorkingDays(days) => {
            let first = zone.to_datetime(start).date();
            working_days(first, u32::from(days), calendar, zone).ok_or_else(out_of_range)
        }
        Allowance::WorkingMinutes(minutes) => {
            if !calendar.has_hours() {
                return Err(DeadlineError::NoHours { allowance: *allowance, calendar: calendar.id().to_owned() });
            }
            let rest = SignedDuration::from_mins(i64::from(minutes));
            office::advance(start, rest, calendar, zone).ok_or_else(out_of_range)
        }
    }
}

/// The end of the `days`-th working day after `first`. With no days left that is the end of `first` itself, or
/// of the next working day if `first` is off (art. 203).
pub(crate) fn working_days(first: Date, days: u32, calendar: &Calendar, zone: &TimeZone) -> Option<Due> {
    let counts = |day: Date| calendar.is_working_day(day) && exists(day, zone);
    let mut day = first;
    let mut left = days;
    let mut provisional = false;
    if left == 0 {
        provisional |= !calendar.is_certain(day);
        left = u32::from(!counts(day));
    }
    while left > 0 {
        day = day.tomorrow().ok()?;
        provisional |= !calendar.is_certain(day);
        left -= u32::from(counts(day));
    }
    let midnight = office::begins(day.tomorrow().ok()?, zone)?;
    Some(Due { at: office::closes(day, calendar, zone).unwrap_or(midnight), provisional })
}

/// A zone that moves over the date line leaves a day out.
fn exists(day: Date, zone: &TimeZone) -> bool {
    let next = day.tomorrow().ok().and_then(|next| office::begins(next, zone));
    office::begins(day, zone).zip(next).is_none_or(|(first, next)| first < next)
}

/// How many working days of a running allowance that ends at `due` are still whole after `day`: the complement
/// of [`working_days`], used when a pause sets the rest aside.
pub(crate) fn working_days_left(day: Date, due: Timestamp, calendar: &Calendar, zone: &TimeZone) -> u32 {
    let last = due.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(due);
    let last = zone.to_datetime(last).date();
    day.series(jiff::Span::new().days(1))
        .skip(1)
        .take_while(|day| *day <= last)
        .map(|day| u32::from(calendar.is_working_day(day) && exists(day, zone)))
        .sum()
}
