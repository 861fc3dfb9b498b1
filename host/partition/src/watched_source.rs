//! A source as a partition watches it: configuration with its collector resolved, and when it is due.

use huiyin_deadline::schedule::Schedule;
use huiyin_records::record::Pin;
use jiff::Timestamp;
use serde_json::Value;

/// One watched source.
pub struct WatchedSource {
    /// `<unit>/<name>`.
    pub id: String,
    /// Its name within the unit.
    pub name: String,
    /// The unit that watches it.
    pub unit: String,
    /// The collector, pinned.
    pub collector: Pin,
    /// The collector's configuration.
    pub config: Value,
    /// One of the seven channel kinds.
    pub channel: Option<String>,
    /// When it is read.
    pub schedule: Timetable,
    /// It is down when nothing was heard for so many seconds (clause 3.1e).
    pub expected: i64,
    /// Items a page at most.
    pub limit: u32,
}

/// A source's schedule as the engine follows it.
#[derive(Debug, Clone)]
pub struct Timetable(pub Schedule);

impl Timetable {
    /// The next time after it last fired, or after it came into force. `after`
    /// counts from the end of the last reading: none while one is under way.
    pub fn next(&self, fired: Option<Timestamp>, since: Timestamp, ended: Option<Timestamp>) -> Option<Timestamp> {
        match (&self.0, fired) {
            (Schedule::After { .. }, Some(fired)) => ended.filter(|end| *end >= fired).and_then(|end| self.0.next(end)),
            (schedule, fired) => schedule.next(fired.unwrap_or(since)),
        }
    }
}
