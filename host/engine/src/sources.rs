//! A source as the host watches it: configuration with its collector resolved.

use serde_json::Value;

use crate::record::Pin;
use crate::timetable::Timetable;

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
    /// Items a page at most.
    pub limit: u32,
}
