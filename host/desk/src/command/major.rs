//! What may be asked about major matters (clauses 5b, 5c, 5d).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares a case a major matter (重大政务舆情). Three things start together (clauses 5b, 5c): notice to the spokesperson
/// and the principal, the report to the superior, and the verification. Other units publish nothing on it from then on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareMajor {
    /// The case, by number. One below level II rises to it.
    pub case: String,
    /// Why.
    pub reason: String,
    /// The unit that verifies (核查); the lead unit where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<String>,
}

/// Says that one has read the notice of a major matter (clause 5b): the person who was told, nobody else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeNotice {
    /// The case, by number.
    pub case: String,
}

/// Appoints the one commander of a major matter (统一指挥协调, clause 5d): a principal or leader does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppointCommander {
    /// The case, by number.
    pub case: String,
    /// The person's id, of the lead unit or of one above it.
    pub person: String,
    /// Why, where another person commanded before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Sets the one plan of a major matter (统一应对方案, clause 5d). It holds once a second person has approved it; the
/// commander is one of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPlan {
    /// The case, by number.
    pub case: String,
    /// The plan.
    pub text: String,
}

/// The commander lets a unit publish on a major matter (clause 5d).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleasePublishing {
    /// The case, by number.
    pub case: String,
    /// The unit.
    pub unit: String,
    /// Why.
    pub reason: String,
}

/// Ends the procedure of a major matter: the commander does, once it is reported and verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndMajor {
    /// The case, by number.
    pub case: String,
    /// Why.
    pub reason: String,
}
