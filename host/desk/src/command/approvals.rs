//! What people do with approvals beside giving them: they delegate theirs while they are away.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A person hands their approvals to another person of their unit for a time (代理, clause 6b).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delegate {
    /// The person who acts for them: one whom the same unit names.
    pub to: String,
    /// From when; now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub starts: Option<Timestamp>,
    /// Until when; at most 366 days after the start.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub until: Timestamp,
    /// Why, such as leave or travel.
    pub reason: String,
}

/// Ends a delegation before its time: by who gave it, by who has it, or by the principal of the unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeDelegation {
    /// The delegation's id, such as `g1`, within the unit in whose name it is asked.
    pub delegation: String,
    /// Why.
    pub reason: String,
}
