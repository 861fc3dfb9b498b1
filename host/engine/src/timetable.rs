//! When something that repeats is due, given when it was last due and when it
//! last ended.

use huiyin_deadline::schedule::{Missed, Schedule};
use jiff::Timestamp;

/// A schedule as the engine follows it.
#[derive(Debug, Clone)]
pub struct Timetable(pub Schedule);

impl Timetable {
    /// The next time after it last fired, or after it came into force. `after`
    /// counts from the end of the last run: none while one is under way.
    pub fn next(&self, fired: Option<Timestamp>, since: Timestamp, ended: Option<Timestamp>) -> Option<Timestamp> {
        match (&self.0, fired) {
            (Schedule::After { .. }, Some(fired)) => ended.filter(|end| *end >= fired).and_then(|end| self.0.next(end)),
            (schedule, fired) => schedule.next(fired.unwrap_or(since)),
        }
    }

    /// The times due since `last`, `now` included, up to a bound.
    pub fn missed(&self, last: Timestamp, now: Timestamp, bound: usize) -> Missed {
        self.0.missed(last, now, bound)
    }

    /// True when the next time counts from the end of the last run.
    pub fn counts_from_end(&self) -> bool {
        matches!(self.0, Schedule::After { .. })
    }
}
