//! What is recorded of calls of pure plugins, so that they can be repeated
//! (rule 10): what the other records do not say already, and no more.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use huiyin_desk::Item;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A pure call that a run's turn made, where the turn's facts leave something
/// open. They name the call and its arguments (`entered`) and, as a rule, its
/// result (`left`); the deployment names the component and its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTrace {
    /// The call within the run.
    pub call: u64,
    /// The plugin's time, in milliseconds since the Unix epoch, where it is not
    /// the time at which the task was entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<u64>,
    /// The [`result_digest`] of its result, where the task's output may be another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Why it gave none: `limit:<name>`, `plugin`, `trap`, …; see `fault` of the engine's calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// The floor's classifier judged items (rule 7): written with the items that
/// were taken in, in the same append. It changes nothing in the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FloorJudged {
    /// The unit for which.
    pub unit: String,
    /// The classifier, `name:version`.
    pub plugin: String,
    /// SHA-256 of the component, hex.
    pub digest: String,
    /// Its configuration.
    pub config: Value,
    /// The id that its calls had.
    pub call: String,
    /// The time that it was given, in milliseconds since the Unix epoch.
    pub now: u64,
    /// The items, in the order in which it had them.
    pub items: Vec<JudgedItem>,
    /// Its calls, which went through the items in this order; more than one
    /// where a batch failed and was tried in halves.
    pub batches: Vec<Batch>,
}

/// An item that was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum JudgedItem {
    /// Taken in under this id; the record before has it whole.
    Taken(Uuid),
    /// Not taken in.
    Whole(Box<Item>),
}

/// One call of the floor's classifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The place of its first item.
    pub from: u32,
    /// How many items it had.
    pub count: u32,
    /// The [`result_digest`] of its outcome as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Why it gave none; see [`CallTrace::failed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// What a result is known by: the first 128 bits of the SHA-256 of its compact
/// JSON, base64url without padding.
pub fn result_digest(result: &Value) -> String {
    let digest = Sha256::digest(result.to_string().as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())
}
