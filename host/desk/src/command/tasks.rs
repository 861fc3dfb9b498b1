//! What may be asked about tasks, routing, and what happens offline.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::TaskKind;

/// Hands work to a unit (转办; clauses 1e, 3.1d, 3.4b).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignTask {
    /// The case, by number.
    pub case: String,
    /// What it asks for. `supervise` is the principal's (clause 2c).
    pub kind: TaskKind,
    /// The unit that leads it, any unit of the pack.
    pub to: String,
    /// Units that have a part in it each (联合办理).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<String>,
    /// In words.
    pub text: String,
    /// How long it may take, `PT4H` or `2wd`; at most what the pack's clock rule
    /// `task-<kind>` says. That figure where none is given; no clock where there is neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<String>,
}

/// A unit takes its part of a task on (受理).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptTask {
    /// The case, by number.
    pub case: String,
    /// The task's id.
    pub task: String,
    /// Whose part; the acting unit's where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// A unit's part goes to another unit (转办). The unit that has it may do so,
/// and the one that handed it over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferTask {
    /// The case, by number.
    pub case: String,
    /// The task's id.
    pub task: String,
    /// Whose part; the acting unit's where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The unit that gets it.
    pub to: String,
    /// Why.
    pub reason: String,
}

/// A unit gives its part back (退单), with a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnTask {
    /// The case, by number.
    pub case: String,
    /// The task's id.
    pub task: String,
    /// Whose part; the acting unit's where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Why it is not this unit's.
    pub reason: String,
}

/// A unit says what it did or found (反馈).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedBackTask {
    /// The case, by number.
    pub case: String,
    /// The task's id.
    pub task: String,
    /// Whose part; the acting unit's where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What was done or found.
    pub text: String,
    /// Where one can see it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// The unit that handed a task over takes it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawTask {
    /// The case, by number.
    pub case: String,
    /// The task's id.
    pub task: String,
    /// Why.
    pub reason: String,
}

/// Gives a case its lead unit (clauses 1d, 1e): the named one, or the one unit
/// that has this duty in this region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteCase {
    /// The case, by number.
    pub case: String,
    /// The unit. Either this or `duty` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// A duty as the pack lists it, or a part of its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<String>,
    /// A region code (GB/T 2260), or its first two or four digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Why.
    pub reason: String,
}

/// Somebody was spoken to: by phone, at a door, in a meeting (线下沟通, clause 1h).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordContact {
    /// The case, by number.
    pub case: String,
    /// With whom.
    pub with: String,
    /// How: `phone`, `visit`, `meeting`, …
    pub channel: String,
    /// What was said.
    pub text: String,
    /// When; now unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub time: Option<Timestamp>,
}

/// Ties what happens offline to the case, or says how it ended (clause 3.4a).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordOfflineEvent {
    /// The case, by number.
    pub case: String,
    /// The event's id, `e1`, to say how it ended; a new event where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// What happens offline. Needed for a new event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}
