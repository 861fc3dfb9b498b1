//! What may be asked about cases that belong together, and about who reads them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::case::Confidentiality;

/// Merges a case into another on the same matter (并案): everybody who asks there, and every concern, goes along and is
/// still owed an answer (clause 1i); its clocks go along where they are stricter, its breaches always. It is closed
/// and points to the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeCases {
    /// The case that goes on, by number.
    pub case: String,
    /// The case that is merged into it, by number.
    pub from: String,
    /// Why they are one matter.
    pub reason: String,
}

/// Gives a part of a case to a case of its own (拆案): some of its askers, concerns and items, with the clocks as they
/// run. Nobody has more time by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitCase {
    /// The case, by number.
    pub case: String,
    /// What the new one is about.
    pub title: String,
    /// The askers that go, at least one; at least one stays.
    pub askers: Vec<String>,
    /// The concerns that go, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<String>,
    /// The items that go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub items: Vec<Uuid>,
    /// Why it is a matter of its own.
    pub reason: String,
}

/// Ties a case to another, wherever that one is: of two that cannot be merged each points to the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkCases {
    /// The case, by number.
    pub case: String,
    /// The other, by number.
    pub other: String,
    /// How they belong together.
    pub reason: String,
}

/// Says who may read a case (clause 6a): a case is made less open by a person of the unit, more open by two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetConfidentiality {
    /// The case, by number.
    pub case: String,
    /// Who may read it from now on.
    pub to: Confidentiality,
    /// Why.
    pub reason: String,
}
