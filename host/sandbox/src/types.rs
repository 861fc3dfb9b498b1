//! The contract's types (`sdk/wit/0.1/plugin.wit`) as Rust values.
//!
//! One set serves the synchronous and the asynchronous engine and the JSON
//! forms (see [`crate::json`]). wasmtime compares them with every component
//! when it is loaded, and a test compares them with the WIT text. They must
//! never hold anything the contract does not.

use wasmtime::component::{ComponentType, Lift, Lower};

/// Who calls, on whose behalf, and when.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Context {
    /// Unique name of this call.
    #[component(name = "call-id")]
    pub call_id: String,
    /// 1 for the first try of the call.
    pub attempt: u32,
    /// Code of the unit on whose behalf the call is made.
    pub unit: String,
    /// The journaled time of the call, in milliseconds since the Unix epoch.
    pub now: u64,
    /// The same on every try of one effect, and never the same for two.
    #[component(name = "idempotency-key")]
    pub idempotency_key: String,
}

/// One named text.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Field {
    /// Lower-case words joined by `-`.
    pub name: String,
    /// Its text.
    pub value: String,
}

/// One observed post, article, message or call (舆情信息).
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Item {
    /// Stable within its source: seeing it again is a duplicate.
    pub id: String,
    /// The source that observed it; the host fills it in.
    pub source: String,
    /// Where it can be read.
    pub url: Option<String>,
    /// Its headline; may be empty.
    pub title: String,
    /// Its text.
    pub body: String,
    /// When the author published it, in milliseconds since the Unix epoch.
    pub published: Option<u64>,
    /// When it was observed, in milliseconds since the Unix epoch.
    pub observed: u64,
    /// Further facts, such as `channel`, `reads`, `comments`.
    pub fields: Vec<Field>,
}

/// The four levels (等级), the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum Level {
    /// Ⅰ 特别重大
    #[component(name = "i")]
    I,
    /// Ⅱ 重大
    #[component(name = "ii")]
    II,
    /// Ⅲ 较大
    #[component(name = "iii")]
    III,
    /// Ⅳ 一般
    #[component(name = "iv")]
    IV,
}

/// Why a plugin gave no result. All but [`PluginError::Unknown`] assert that
/// nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum PluginError {
    /// It may succeed later.
    #[component(name = "transient")]
    #[error("the plugin could not do it now: {0}")]
    Transient(String),
    /// Try again after this many seconds.
    #[component(name = "rate-limited")]
    #[error("the plugin asks to be called again in {0} s")]
    RateLimited(u32),
    /// Repeating the call cannot help.
    #[component(name = "invalid-input")]
    #[error("the plugin refuses its input: {0}")]
    InvalidInput(String),
    /// Repeating the call cannot help until the configuration is mended.
    #[component(name = "invalid-config")]
    #[error("the plugin refuses its configuration: {0}")]
    InvalidConfig(String),
    /// Tried, and whether it was done is not known.
    #[component(name = "unknown")]
    #[error("the plugin does not know whether it was done: {0}")]
    Unknown(String),
}

/// The longest text of a plugin's error that is kept, in bytes: errors go into
/// the journal, the log and people's screens.
const ERROR_BYTES: usize = 4096;

impl PluginError {
    /// As people and their terminals may see it: its text cut off where it is
    /// too long (`…` says so), control characters but line breaks and tabs replaced.
    pub(crate) fn shortened(mut self) -> Self {
        match &mut self {
            Self::Transient(text) | Self::InvalidInput(text) | Self::InvalidConfig(text) | Self::Unknown(text) => {
                if text.len() > ERROR_BYTES {
                    text.truncate(text.floor_char_boundary(ERROR_BYTES));
                    text.push('…');
                    text.shrink_to_fit();
                }
                let hidden = |c: char| c.is_control() && c != '\n' && c != '\t';
                if text.contains(hidden) {
                    *text = text.replace(hidden, "\u{fffd}");
                }
            }
            Self::RateLimited(_) => {}
        }
        self
    }

    /// The same with what the host knows beside it, where there is room for words.
    pub(crate) fn with_hint(self, hint: &str) -> Self {
        match self {
            Self::Transient(text) => Self::Transient(format!("{text} ({hint})")),
            Self::Unknown(text) => Self::Unknown(format!("{text} ({hint})")),
            other => other,
        }
    }
}

/// One page of a source.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Page {
    /// What was found.
    pub items: Vec<Item>,
    /// Where to go on; none keeps the old cursor.
    pub cursor: Option<String>,
    /// There is more to fetch at once.
    pub more: bool,
}

/// One of the factors behind a verdict.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Factor {
    /// `content`, `public`, `media`, or the classifier's own.
    pub name: String,
    /// 0.0 (none) to 1.0 (most).
    pub score: f64,
}

/// The judgement of one item.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Verdict {
    /// None where the classifier sees no matter for the duty.
    pub level: Option<Level>,
    /// 0.0 to 1.0.
    pub score: f64,
    /// What the score is made of.
    pub factors: Vec<Factor>,
    /// Short marks, such as `rumour`.
    pub labels: Vec<String>,
    /// Why, in words an officer can check.
    pub reasons: Vec<String>,
}

/// What a classifier gives back for one batch.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Outcome {
    /// One for each item, in their order.
    pub verdicts: Vec<Result<Verdict, String>>,
    /// Handed back with the next batch.
    pub state: Option<Vec<u8>>,
}

/// A finished document.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Document {
    /// Such as `text/markdown; charset=utf-8`.
    #[component(name = "media-type")]
    pub media_type: String,
    /// The name under which it is kept or sent.
    pub filename: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What to deliver, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Message {
    /// The subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// Names or addresses, as the notifier's configuration understands them.
    pub recipients: Vec<String>,
    /// Documents sent along.
    pub attachments: Vec<Document>,
    /// Further facts as JSON text.
    pub data: String,
}

/// The proof of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Receipt {
    /// The receiver's reference, or one of the notifier's own.
    pub id: String,
    /// What happened, for people.
    pub detail: String,
}

/// How the guest says its manifest; [`crate::Manifest`] is the checked form.
pub(crate) mod wire {
    use super::{ComponentType, Lift, Lower};

    #[allow(dead_code)] // made by wasmtime only, when it lifts one
    #[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
    #[component(enum)]
    #[repr(u8)]
    pub(crate) enum Kind {
        #[component(name = "collector")]
        Collector,
        #[component(name = "classifier")]
        Classifier,
        #[component(name = "reporter")]
        Reporter,
        #[component(name = "notifier")]
        Notifier,
        #[component(name = "step")]
        Step,
    }

    #[derive(Debug, Clone, ComponentType, Lift, Lower)]
    #[component(record)]
    pub(crate) struct HttpRequest {
        pub(crate) origin: String,
        pub(crate) methods: Vec<String>,
        #[component(name = "path-prefix")]
        pub(crate) path_prefix: String,
    }

    #[derive(Debug, Clone, ComponentType, Lift, Lower)]
    #[component(record)]
    pub(crate) struct SecretRequest {
        pub(crate) name: String,
        pub(crate) purpose: String,
    }

    #[derive(Debug, Clone, ComponentType, Lift, Lower)]
    #[component(variant)]
    pub(crate) enum Capability {
        #[component(name = "http")]
        Http(HttpRequest),
        #[component(name = "secret")]
        Secret(SecretRequest),
        #[component(name = "spool")]
        Spool,
        #[component(name = "kv")]
        Kv(u64),
    }

    #[derive(Debug, Clone, ComponentType, Lift, Lower)]
    #[component(record)]
    pub(crate) struct Manifest {
        pub(crate) name: String,
        pub(crate) version: String,
        pub(crate) kind: Kind,
        pub(crate) summary: String,
        #[component(name = "config-schema")]
        pub(crate) config_schema: String,
        #[component(name = "input-schema")]
        pub(crate) input_schema: String,
        #[component(name = "output-schema")]
        pub(crate) output_schema: String,
        pub(crate) capabilities: Vec<Capability>,
        pub(crate) idempotent: bool,
    }
}
