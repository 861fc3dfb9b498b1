//! Records about schedules: each time of one is decided about in exactly one
//! of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A workflow's schedule fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleFired {
    /// The deployment whose schedule it is.
    pub deployment: String,
    /// When it was due.
    pub due: Timestamp,
    /// How many earlier times were missed while the host was down.
    pub missed: u32,
    /// The run that starts; empty in records of earlier versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run: String,
    /// The time had waited for the run before it to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waited: bool,
    /// Runs that are cancelled because this one takes their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
}

/// A time came while a run of its schedule was under way, and waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleQueued {
    /// The deployment whose schedule it is.
    pub deployment: String,
    /// When it was due.
    pub due: Timestamp,
}

/// Times of a schedule, one after the other, for which no run is started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleMissed {
    /// The deployment whose schedule it is.
    pub deployment: String,
    /// The earliest.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
    /// How many, as far as they were counted.
    pub count: u32,
    /// There were more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// `late`, `overlap` or `queue-full`.
    pub why: String,
}

/// A person paused the schedule of a workflow, whatever its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchedulePaused {
    /// `namespace/name`.
    pub workflow: String,
    /// The unit it serves.
    pub unit: Option<String>,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// A person let a paused schedule go on. What was due in between is not made up for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleResumed {
    /// `namespace/name`.
    pub workflow: String,
    /// The unit it serves.
    pub unit: Option<String>,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// The machine's clock had leapt ahead and was set back: what this schedule had come to by then lies in the future,
/// and no longer counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleSetBack {
    /// The deployment whose schedule it is.
    pub deployment: String,
    /// The latest time of it that lay in the future.
    pub from: Timestamp,
    /// When it was noticed: the schedule counts from here on.
    pub to: Timestamp,
}
