//! Records about events: what came in, what it started or woke, what is still
//! to be decided about it or passed on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An event was taken in: handed to runs that listen for it, and to workflows
/// that it starts. One record, so that a crash cannot forget half of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EventDelivered {
    /// The CloudEvent.
    pub event: Value,
    /// The runs that listen for it.
    pub runs: Vec<String>,
    /// Names an event that must be taken in only once; see `EventDedup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
    /// The runs that it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub started: Vec<Started>,
    /// Workflows that wait for more events, and now have this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gathered: Vec<Gathered>,
    /// Workflows whose filters must be evaluated first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<Undecided>,
    /// It is to be passed on to the other partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<Relay>,
}

/// A run that an event starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The deployment.
    pub deployment: String,
    /// The run's id.
    pub run: String,
    /// The data key of its records.
    pub key: String,
}

/// An event answered one of several filters that a workflow waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathered {
    /// The deployment.
    pub deployment: String,
    /// Which filter, from 0.
    pub filter: u32,
}

/// What is not decided yet about an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecided {
    /// Names the question.
    pub id: String,
    /// The unit that the event concerns.
    pub unit: Option<String>,
    /// The data key of the runs it may start.
    pub key: String,
    /// The deployments whose filters are to be evaluated.
    pub deployments: Vec<String>,
}

/// What was undecided about an event is decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventJudged {
    /// The question.
    pub id: String,
    /// The runs that it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub started: Vec<Started>,
    /// Workflows that wait for more events, and now have this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gathered: Vec<Gathered>,
}

/// An event that is to be passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    /// Names it.
    pub id: String,
}

/// Every other partition has an event that was to be passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRelayed {
    /// Names it.
    pub id: String,
}

/// A sink of lifecycle events has everything up to a place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkAdvanced {
    /// The sink's name.
    pub sink: String,
    /// The index of the first record whose events it may not have yet.
    pub next: u64,
    /// The index of the earliest record that is needed to understand those after
    /// `next`: where the oldest run then under way began.
    pub floor: u64,
    /// Events that were given up for good so far.
    #[serde(default)]
    pub given_up: u64,
}
