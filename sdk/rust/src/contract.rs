//! The contract's records as plain Rust types (`sdk/wit/0.1/plugin.wit`).
//! They carry data and nothing else; the texts of the contract are repeated
//! here for people who never open the WIT file.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::BTreeMap;

/// Who calls, on whose behalf, and when. The same call always carries the same
/// context, also when it is repeated after a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Unique name of this call.
    pub call_id: String,
    /// 1 for the first try of the call.
    pub attempt: u32,
    /// Code of the unit on whose behalf the call is made.
    pub unit: String,
    /// The journaled time of the call, in milliseconds since the Unix epoch.
    /// There is no other clock.
    pub now: u64,
    /// The same on every try of one effect, and never the same for two.
    pub idempotency_key: String,
}

/// One observed post, article, message or call (舆情信息).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Stable within its source: seeing it again is a duplicate.
    pub id: String,
    /// The source that observed it; the host fills it in, a collector leaves it empty.
    pub source: String,
    /// Where it can be read.
    pub url: Option<String>,
    /// Its title, or empty.
    pub title: String,
    /// Its text, without markup.
    pub body: String,
    /// When the author published it, in milliseconds since the Unix epoch, as the source says.
    pub published: Option<u64>,
    /// When it was observed, in milliseconds since the Unix epoch; the host fills it in.
    pub observed: u64,
    /// Further facts, such as `channel`, `reads`, `comments`, `shares`, `likes`.
    pub fields: BTreeMap<String, String>,
}

/// How severe a matter is (等级); `I` is the gravest and the greatest: `Level::I > Level::II`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Level {
    /// Ⅳ 一般, blue.
    IV,
    /// Ⅲ 较大, yellow.
    III,
    /// Ⅱ 重大, orange.
    II,
    /// Ⅰ 特别重大, red.
    I,
}

/// Why a call gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not done, and may succeed later. It asserts that nothing happened.
    #[error("not done, may succeed later: {0}")]
    Transient(String),
    /// Not done; try again after this many seconds.
    #[error("not done, try again after {0} s")]
    RateLimited(u32),
    /// The input is at fault: repeating the call cannot help.
    #[error("invalid input: {0}")]
    InvalidInput(String),
    /// The configuration is at fault: repeating the call cannot help.
    #[error("invalid configuration: {0}")]
    InvalidConfig(String),
    /// Tried, and whether it was done is not known. The host repeats the call
    /// only if the manifest says idempotent.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}

/// One page of a source. Items and cursor are committed together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The items, oldest or newest first; the host deduplicates by id.
    pub items: Vec<Item>,
    /// Where to go on; handed back on the next call. None keeps the old one.
    pub cursor: Option<String>,
    /// There is more to fetch at once.
    pub more: bool,
}

/// One of the factors behind a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// `content`, `public`, `media` (clause 3.2a), or the classifier's own.
    pub name: String,
    /// 0.0 (none) to 1.0 (most).
    pub score: f64,
}

/// The judgement of one item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// None where the classifier sees no matter for the duty.
    pub level: Option<Level>,
    /// 0.0 to 1.0.
    pub score: f64,
    /// What the score is made of.
    pub factors: Vec<Factor>,
    /// Such as 疑虑, 误解, 歪曲, 谣言 (clause 3.1c), or the classifier's own.
    pub labels: Vec<String>,
    /// Why, in words an officer can check.
    pub reasons: Vec<String>,
}

/// What a classifier gives back for a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// One result for each item, in their order; the text says why there is no verdict.
    pub verdicts: Vec<Result<Verdict, String>>,
    /// The state to hand back next time.
    pub state: Option<Vec<u8>>,
}

impl From<Vec<Result<Verdict, String>>> for Outcome {
    /// An outcome without state.
    fn from(verdicts: Vec<Result<Verdict, String>>) -> Self {
        Self { verdicts, state: None }
    }
}

/// A finished document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Such as `text/markdown; charset=utf-8`.
    pub media_type: String,
    /// A plain file name, without folders.
    pub filename: String,
    /// The document.
    pub bytes: Vec<u8>,
}

/// What to deliver, and to whom.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// Names or addresses, as the notifier's configuration understands them.
    pub recipients: Vec<String>,
    /// Documents that go along.
    pub attachments: Vec<Document>,
    /// Further facts; null where there are none.
    pub data: Value,
}

/// The proof that a message was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The receiver's reference, or one of the notifier's own.
    pub id: String,
    /// In words, for the record.
    pub detail: String,
}
