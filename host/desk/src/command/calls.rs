//! What may be asked about calls on the hotline (96128, clause 4b).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::item::ReceivedItem;

/// A page of call records of one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportCalls {
    /// The unit whose hotline it is.
    pub unit: String,
    /// Where the records come from.
    pub source: String,
    /// The calls.
    pub calls: Vec<Call>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its id at the call centre. Without one it is known by its time and number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it came.
    pub at: Timestamp,
    /// The number it came from. It is not kept: only a keyed hash and its last digits are.
    pub phone: String,
    /// Whether somebody took it.
    pub answered: bool,
    /// Whether a missed call was called back.
    #[serde(default)]
    pub called_back: bool,
    /// When, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_back_at: Option<Timestamp>,
    /// Whether what was asked was answered in the call itself.
    #[serde(default)]
    pub replied: bool,
    /// Who called, where they gave a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<String>,
    /// The duty that says which unit answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<String>,
    /// The region where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What was said, as an item that the floor has judged; none where nothing was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<ReceivedItem>,
}

/// Records that a missed call was called back (回拨, clause 4b), or that it was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordCallback {
    /// The case of the missed call, by number.
    pub case: String,
    /// Whether somebody answered the phone. Only then the clock stops.
    pub reached: bool,
    /// What was said, or why nobody was reached.
    pub text: String,
    /// What the caller wants to know, where that is not answered yet: the case then waits for that answer. Without it
    /// the call itself was the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
}
