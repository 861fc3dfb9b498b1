//! What may be asked about proactive disclosure (clause 6d).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::disclosure::{Checks, Matter};

/// Puts a matter on a unit's list of what it has to publish of its own accord (主动发布, clause 6d); its clock starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenDisclosure {
    /// The unit that owes it; the acting unit where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Which of the four kinds.
    pub kind: Matter,
    /// What is to be published.
    pub title: String,
    /// The case it comes from, by number, where it comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// When the matter arose; now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub arose_at: Option<Timestamp>,
}

/// Records that a matter was published, and how one can see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishDisclosure {
    /// The entry, by its id.
    pub disclosure: String,
    /// The text that is published.
    pub text: String,
    /// On which channel.
    pub channel: String,
    /// Where it can be read, or what shows it.
    pub proof: String,
}

/// A person who did not publish it says whether it is complete, objective and accurate (全面、客观、准确); whether it is timely the
/// clock says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckDisclosure {
    /// The entry, by its id.
    pub disclosure: String,
    /// What was found.
    pub checks: Checks,
    /// What is missing or wrong, where something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
