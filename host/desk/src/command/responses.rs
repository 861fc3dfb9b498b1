//! What may be asked about the line, responses and their publication.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{ConcernAnswer, Figure, Form};

/// Sets the line of a case (口径, clause 2b): what everybody says of the matter. It holds once a second person has
/// approved it; every version is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLine {
    /// The case, by number.
    pub case: String,
    /// What is said, in words.
    pub text: String,
    /// Statements that every text has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// Claims that no text makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forbidden: Vec<String>,
    /// Figures that no text gives otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
}

/// Drafts a response (回应, clause 3.5f), or changes a draft: then what was said of the text before counts no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftResponse {
    /// The case, by number.
    pub case: String,
    /// The draft that is changed, by its id; a new one where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// The unit that speaks: the lead unit of the case, or one that handles it (clause 3.5c); the acting unit's own
    /// where none is given, the lead unit's where that stands above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its kind, with what that kind has of its own.
    pub form: Form,
    /// The text, as it is to be published.
    pub text: String,
    /// What it says of each concern (clause 1c).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<ConcernAnswer>,
    /// The askers that it answers; empty: everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub askers: Vec<String>,
    /// Further units that the matter touches, and that co-sign (clause 3.5d). Those that handle the case always do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touches: Vec<String>,
}

/// Records the disclosure and secrecy check of a response (保密审查, clause 3.5b): by a named person who did not write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckResponse {
    /// The case, by number.
    pub case: String,
    /// The hash of the text that was checked.
    pub hash: String,
    /// Whether it may be made public.
    pub passed: bool,
    /// On what that rests: the rule, or what is secret in it.
    pub basis: String,
}

/// Sends a draft to the approver. A text that departs from the line of the case goes on only with a reason (clause 2b).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitResponse {
    /// The case, by number.
    pub case: String,
    /// The hash of the draft.
    pub hash: String,
    /// Why the text departs from the line, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departure_reason: Option<String>,
}

/// Another unit agrees with exactly this text, or refuses it with a reason (会签, clause 3.5d).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CosignResponse {
    /// The case, by number.
    pub case: String,
    /// The hash of the text.
    pub hash: String,
    /// The unit that signs; the acting unit where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether it agrees.
    pub agree: bool,
    /// Why not, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Releases a response for publication. Refused without the secrecy check, the approval and every co-sign on exactly
/// this text (clauses 3.5b, 3.5d, 6b), by a unit that does not speak on the matter (3.5c), and under a freeze (5d).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishResponse {
    /// The case, by number.
    pub case: String,
    /// The hash of the text.
    pub hash: String,
}

/// Records that a response stands on a channel, with proof (clause 3.5e). The first channel with the right text answers
/// who asked and stops the clocks that wait for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordPublication {
    /// The case, by number.
    pub case: String,
    /// The hash of the response.
    pub hash: String,
    /// The channel, as the pack names it.
    pub channel: String,
    /// Where it can be read. Either this or `digest` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The SHA-256 of a file that shows it, in hex: a picture, a recording, a cutting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The text as it stands there. Either this or `text_hash` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The SHA-256 of that text in UTF-8 without blanks and line ends, in hex; the response's own is its `text_hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_hash: Option<String>,
    /// When it was published; now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub time: Option<Timestamp>,
}

/// Drafts the correction of a response that is published (clause 6d). It goes the same way; every channel where the
/// first one stands owes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectResponse {
    /// The case, by number.
    pub case: String,
    /// The response that is corrected, by its id.
    pub response: String,
    /// What was wrong.
    pub reason: String,
    /// Its kind; that of the first one where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// The text, as it is to be published.
    pub text: String,
    /// What it says of each concern; what the first one said where none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<ConcernAnswer>,
    /// Further units that the matter touches; those of the first one where none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub touches: Vec<String>,
}
