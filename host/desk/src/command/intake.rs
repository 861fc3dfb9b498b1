//! What may be asked about messages of citizens (网民留言, clause 4c).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Kind;

/// What comes with an item that somebody sent to the unit itself: it is answered, whatever it is about, and so has
/// a case of its own at once (clauses 1g, 4b, 4c).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    /// `message` or `hotline`.
    pub kind: Kind,
    /// What is asked, a concern each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<String>,
    /// The duty that says which unit answers (责任分工), as the pack lists it or a part of its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<String>,
    /// The region where, as a code (GB/T 2260) or its first digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The number of a phone. It is not kept: only a keyed hash and its last digits are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// A call that nobody took: it is called back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missed: bool,
}

/// The lead unit takes the matter on (受理): it is the unit's to answer, and the asker can be told so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptCase {
    /// The case, by number.
    pub case: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A person asks for more time (延期): once, where the pack's rule allows it, with a reason, before the due time. It
/// waits for a second person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendClock {
    /// The case, by number.
    pub case: String,
    /// The clock's id, as the case lists it.
    pub clock: String,
    /// Why the time is not enough.
    pub reason: String,
}
