//! When something that repeats fires next, and what was missed while nobody was there.

mod decide;
mod policy;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::allowance::{AllowanceError, parse_duration};
use crate::cron::Cron;
use crate::zone::Zone;

pub use decide::{AHEAD, COUNTED, LATE, Miss, Plan, Standing, Step, Upcoming, Why, decide, upcoming};
pub use policy::{CatchUp, Overlap, Policy};

/// A repetition. In JSON one of `{"cron": "0 8 * * 1-5", "zone": "Asia/Shanghai"}` (the zone may be left out),
/// `{"every": "PT15M", "anchor": "2024-01-01T00:00:00Z"}`, `{"after": "PT5M"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub enum Schedule {
    /// By a cron expression.
    Cron {
        /// The expression.
        cron: Cron,
        /// The zone it is read in.
        zone: Zone,
    },
    /// At a fixed distance, counted from an anchor, whatever the runs take.
    Every {
        /// The distance.
        every: Interval,
        /// The first firing.
        anchor: Timestamp,
    },
    /// A fixed time after the last run ended.
    After {
        /// The time between the end of a run and the next.
        after: Interval,
    },
}

/// The JSON form. One flat record instead of a choice, so that an error names the field.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cron: Option<Cron>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<Zone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<Interval>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::stamp::option")]
    anchor: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Interval>,
}

impl TryFrom<Form> for Schedule {
    type Error = &'static str;

    fn try_from(form: Form) -> Result<Self, &'static str> {
        match form {
            Form { cron: Some(cron), zone, every: None, anchor: None, after: None } => {
                Ok(Self::Cron { cron, zone: zone.unwrap_or_default() })
            }
            Form { every: Some(every), anchor: Some(anchor), cron: None, zone: None, after: None } => {
                Ok(Self::Every { every, anchor })
            }
            Form { after: Some(after), cron: None, zone: None, every: None, anchor: None } => Ok(Self::After { after }),
            Form { every: Some(_), anchor: None, cron: None, after: None, .. } => {
                Err("\"every\" needs an \"anchor\": the time of the first firing")
            }
            Form { zone: Some(_), cron: None, .. } => Err("\"zone\" belongs to \"cron\" only; leave it out"),
            _ => {
                Err("a schedule has exactly one of \"cron\" (with \"zone\"), \"every\" (with \"anchor\") and \"after\"")
            }
        }
    }
}

impl From<Schedule> for Form {
    fn from(schedule: Schedule) -> Self {
        match schedule {
            Schedule::Cron { cron, zone } => Self { cron: Some(cron), zone: Some(zone), ..Self::default() },
            Schedule::Every { every, anchor } => Self { every: Some(every), anchor: Some(anchor), ..Self::default() },
            Schedule::After { after } => Self { after: Some(after), ..Self::default() },
        }
    }
}

/// A duration of more than zero; in JSON and text ISO 8601 (`"PT15M"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval(SignedDuration);

impl Interval {
    /// The duration.
    pub fn duration(self) -> SignedDuration {
        self.0
    }
}

impl std::str::FromStr for Interval {
    type Err = AllowanceError;
    fn from_str(text: &str) -> Result<Self, AllowanceError> {
        parse_duration(text).map(Self)
    }
}

impl TryFrom<String> for Interval {
    type Error = AllowanceError;
    fn try_from(text: String) -> Result<Self, AllowanceError> {
        text.parse()
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        interval.0.to_string()
    }
}

/// Firings that were missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// The earliest of them, in order.
    pub fires: Vec<Timestamp>,
    /// Whether there were more than the bound allowed.
    pub more: bool,
}

impl Schedule {
    /// The first firing after `after`, never `after` itself. For [`Schedule::After`], `after` is when the last run
    /// ended (or, before the first, when the schedule was switched on). None if there is none within the range
    /// of dates.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron { cron, zone } => cron.next_after(after, zone.time_zone()),
            Self::Every { every, anchor } => {
                if after < *anchor {
                    return Some(*anchor);
                }
                let distance = every.0.as_nanos();
                let gone = after.as_nanosecond() - anchor.as_nanosecond();
                let next = (gone / distance + 1).checked_mul(distance)?.checked_add(anchor.as_nanosecond())?;
                Timestamp::from_nanosecond(next).ok()
            }
            Self::After { after: distance } => after.checked_add(distance.0).ok(),
        }
    }

    /// The last firing after `from`, up to and including `to`. What it costs grows with the logarithm of the time
    /// between, not with the number of firings.
    pub fn latest(&self, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
        let until = |at: Timestamp, end: Timestamp| self.next(at).filter(|found| *found <= end);
        let first = until(from, to)?;
        if matches!(self, Self::After { .. }) {
            return Some(first);
        }
        // Backwards in growing steps until there is one, and then ever closer.
        let mut step = SignedDuration::from_mins(1);
        let mut latest = first;
        while let Some(at) = to.checked_sub(step).ok().filter(|at| *at > first) {
            if let Some(found) = until(at, to) {
                latest = found;
                break;
            }
            step = step.saturating_mul(2);
        }
        let mut end = to;
        while let Some(later) = until(latest, end) {
            let between = (end.as_nanosecond() - latest.as_nanosecond()) / 2;
            let middle = Timestamp::from_nanosecond(latest.as_nanosecond() + between).unwrap_or(latest);
            match until(middle, end) {
                Some(found) => latest = found,
                None => (latest, end) = (later, middle.max(later)),
            }
        }
        Some(latest)
    }

    /// The firings after `from` up to and including `to`, at most `bound` of them. A [`Schedule::After`] misses at
    /// most one: it waits for a run.
    pub fn missed(&self, from: Timestamp, to: Timestamp, bound: usize) -> Missed {
        let mut missed = Missed { fires: Vec::new(), more: false };
        let mut at = from;
        while let Some(next) = self.next(at).filter(|next| *next <= to) {
            if missed.fires.len() >= bound {
                missed.more = true;
                break;
            }
            missed.fires.push(next);
            if matches!(self, Self::After { .. }) {
                break;
            }
            at = next;
        }
        missed
    }
}
