//! What is asked of a plugin and what it answers, as values and as JSON.
//!
//! Answers are checked here for what the types cannot say; what they mean is
//! the caller's business.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::error::{CallError, Effect};
use crate::json::Blob;
use crate::limits::{LimitHit, LimitName};
use crate::manifest::Kind;
use crate::types::{Document, Item, Message, Outcome, Page, Receipt};
use crate::weight;

/// One call of a plugin's function. `config`, `data` and `input` are JSON text.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// A page of a source.
    Collect {
        /// The plugin's configuration.
        config: String,
        /// Where the last page ended.
        cursor: Option<String>,
        /// The most items wanted.
        limit: u32,
    },
    /// The judgement of a batch.
    Classify {
        /// The plugin's configuration.
        config: String,
        /// Its model, shared by many calls.
        model: Arc<[u8]>,
        /// What the last batch gave back.
        state: Option<Vec<u8>>,
        /// The batch.
        items: Vec<Item>,
    },
    /// A document.
    Render {
        /// The plugin's configuration.
        config: String,
        /// What to write about.
        data: String,
    },
    /// A delivery.
    Deliver {
        /// The plugin's configuration.
        config: String,
        /// What and to whom.
        message: Message,
    },
    /// JSON to JSON.
    Run {
        /// The plugin's configuration.
        config: String,
        /// The input.
        input: String,
    },
}

/// What a plugin answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Of a collector.
    Page(Page),
    /// Of a classifier.
    Outcome(Outcome),
    /// Of a reporter.
    Documents(Vec<Document>),
    /// Of a notifier.
    Receipt(Receipt),
    /// Of a step.
    Json(Value),
}

/// JSON that does not fit the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at `{pointer}`: {message}")]
pub struct ContractError {
    /// Where in the input (RFC 6901); empty for the whole.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CollectInput {
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default = "hundred")]
    limit: u32,
}

fn hundred() -> u32 {
    100
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassifyInput {
    items: Vec<Item>,
    #[serde(default)]
    model: Option<Blob>,
    #[serde(default)]
    state: Option<Blob>,
}

impl Operation {
    /// From JSON. By kind, `input` is
    /// collector `{cursor?, limit?}`, classifier `{items, model?, state?}`,
    /// notifier the message, reporter and step any JSON.
    pub fn from_json(kind: Kind, config: &Value, input: &Value) -> Result<Self, ContractError> {
        let config = config.to_string();
        Ok(match kind {
            Kind::Collector => {
                let input: CollectInput = read(input)?;
                Self::Collect { config, cursor: input.cursor, limit: input.limit }
            }
            Kind::Classifier => {
                let input: ClassifyInput = read(input)?;
                Self::Classify {
                    config,
                    model: bytes(input.model, "/model")?.unwrap_or_default().into(),
                    state: bytes(input.state, "/state")?,
                    items: input.items,
                }
            }
            Kind::Reporter => Self::Render { config, data: input.to_string() },
            Kind::Notifier => Self::Deliver { config, message: read(input)? },
            Kind::Step => Self::Run { config, input: input.to_string() },
        })
    }

    /// The kind of plugin that does this.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Collect { .. } => Kind::Collector,
            Self::Classify { .. } => Kind::Classifier,
            Self::Render { .. } => Kind::Reporter,
            Self::Deliver { .. } => Kind::Notifier,
            Self::Run { .. } => Kind::Step,
        }
    }

    /// How much is passed to the guest, in bytes of text and data.
    pub(crate) fn size(&self) -> u64 {
        let size = match self {
            Self::Collect { config, cursor, .. } => config.len() + cursor.as_ref().map_or(0, String::len),
            Self::Classify { config, model, state, items } => {
                let items: usize = items.iter().map(item_size).sum();
                config.len() + model.len() + state.as_ref().map_or(0, Vec::len) + items
            }
            Self::Render { config, data } => config.len() + data.len(),
            Self::Deliver { config, message } => {
                let recipients: usize = message.recipients.iter().map(String::len).sum();
                let attachments: usize = message
                    .attachments
                    .iter()
                    .map(|document| document.bytes.len() + document.filename.len() + document.media_type.len())
                    .sum();
                config.len()
                    + message.subject.len()
                    + message.text.len()
                    + message.data.len()
                    + recipients
                    + attachments
            }
            Self::Run { config, input } => config.len() + input.len(),
        };
        size as u64
    }
}

fn item_size(item: &Item) -> usize {
    let fields: usize = item.fields.iter().map(|field| field.name.len() + field.value.len()).sum();
    item.id.len()
        + item.source.len()
        + item.url.as_ref().map_or(0, String::len)
        + item.title.len()
        + item.body.len()
        + fields
        + 64
}

impl Output {
    /// The same as [`Output::to_json`], from an answer that is not needed any more.
    pub fn into_json(self) -> Value {
        match self {
            Self::Json(value) => value,
            other => other.to_json(),
        }
    }

    /// As JSON. A time after the year 9999 becomes null: RFC 3339 has no form for it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Page(page) => serde_json::to_value(page),
            Self::Outcome(outcome) => serde_json::to_value(outcome),
            Self::Documents(documents) => serde_json::to_value(documents),
            Self::Receipt(receipt) => serde_json::to_value(receipt),
            Self::Json(value) => return value.clone(),
        }
        .unwrap_or(Value::Null)
    }
}

/// What came over the border, before it is checked.
pub(crate) enum Raw {
    Page(Page),
    Outcome(Outcome),
    Documents(Vec<Document>),
    Receipt(Receipt),
    Text(String),
}

/// How many times `output_bytes` an answer's JSON may take once it is read:
/// texts of ordinary values take three to four times their length.
const HELD: u64 = 4;

/// Milliseconds of the last instant that RFC 3339 can say.
const LAST_INSTANT: u64 = 253_402_207_200_999;

impl Raw {
    /// Checks the answer against what was asked; `output_bytes` is the limit of that name.
    pub(crate) fn check(self, asked: &Operation, output_bytes: u64) -> Result<Output, CallError> {
        if let Self::Text(text) = &self
            && let Some(used) = weight::heavier_than(text, output_bytes.saturating_mul(HELD))
        {
            let hit = LimitHit { limit: LimitName::OutputBytes, allowed: output_bytes, used: Some(used / HELD) };
            return Err(CallError::Limit { hit, effect: Effect::NotDone });
        }
        self.fits(asked).map_err(|why| CallError::BadOutput { why, effect: Effect::NotDone })
    }

    fn fits(self, asked: &Operation) -> Result<Output, String> {
        match self {
            Self::Page(page) => {
                for (at, item) in page.items.iter().enumerate() {
                    if item.id.is_empty() {
                        return Err(format!("item {at} has no id"));
                    }
                    if item.published.is_some_and(|time| time > LAST_INSTANT) || item.observed > LAST_INSTANT {
                        return Err(format!("item {at} has a time after the year 9999"));
                    }
                }
                Ok(Output::Page(page))
            }
            Self::Outcome(outcome) => {
                if let Operation::Classify { items, .. } = asked
                    && items.len() != outcome.verdicts.len()
                {
                    return Err(format!(
                        "{} items were given and {} verdicts came back",
                        items.len(),
                        outcome.verdicts.len()
                    ));
                }
                let fine = |score: f64| (0.0..=1.0).contains(&score);
                for (at, verdict) in outcome.verdicts.iter().enumerate() {
                    let Ok(verdict) = verdict else { continue };
                    if !fine(verdict.score) {
                        return Err(format!("verdict {at} has a score outside 0 to 1"));
                    }
                    if !verdict.factors.iter().all(|factor| fine(factor.score)) {
                        return Err(format!("verdict {at} has a factor outside 0 to 1"));
                    }
                }
                Ok(Output::Outcome(outcome))
            }
            Self::Documents(documents) => {
                for (at, document) in documents.iter().enumerate() {
                    crate::host::spool::check_name(&document.filename)
                        .and_then(|()| check_media_type(&document.media_type))
                        .map_err(|why| format!("document {at}: {why}"))?;
                }
                Ok(Output::Documents(documents))
            }
            Self::Receipt(receipt) => Ok(Output::Receipt(receipt)),
            Self::Text(text) => {
                // In memory it may take many times its text.
                let (memory, most) =
                    (huiyin_json::memory_of_text(text.as_bytes()), DENSE * (text.len() as u64).max(TEXT));
                if memory > most {
                    return Err(format!(
                        "it is made of so many small values that they take {memory} bytes in memory, {most} are allowed"
                    ));
                }
                serde_json::from_str(&text).map(Output::Json).map_err(|error| not_json(&text, &error))
            }
        }
    }
}

/// Why a step's answer cannot be read.
fn not_json(text: &str, error: &serde_json::Error) -> String {
    match half_a_pair(text) {
        // The reader stops there, or a little after: what it stumbles over is this.
        Some((escape, line, column)) if (line, column) <= (error.line(), error.column()) => format!(
            "its JSON holds half a surrogate pair as an escape, {escape} (at {line}:{column}), which is no \
             character; write both halves, or U+FFFD where a text was cut in the middle of a character"
        ),
        _ => format!("it is not JSON: {error}"),
    }
}

/// The first escape of a surrogate whose other half is missing, with line and column from 1.
fn half_a_pair(text: &str) -> Option<(&str, usize, usize)> {
    let surrogate = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok().filter(|code| (0xd800..=0xdfff).contains(code))
    };
    let mut at = 0;
    while let Some(found) = text.get(at..)?.find('\\') {
        at += found;
        match (surrogate(at), surrogate(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(_), _) => {
                let before = &text[..at];
                let line_start = before.rfind('\n').map_or(0, |end| end + 1);
                let line = before.matches('\n').count() + 1;
                return Some((&text[at..at + 6], line, at - line_start + 1));
            }
            // Whatever is escaped is no escape itself.
            (None, _) => at += 1 + text[at + 1..].chars().next().map_or(1, char::len_utf8),
        }
    }
    None
}

/// Bytes of memory that an answer's values may take for each byte of its text, or of [`TEXT`] where that is more.
const DENSE: u64 = 8;

/// See [`DENSE`].
const TEXT: u64 = 16 << 20;

/// Something that can stand in a header: visible ASCII and spaces, not too long.
fn check_media_type(text: &str) -> Result<(), String> {
    if text.len() <= 255 && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("the media type `{}` is not up to 255 visible ASCII characters", crate::error::shown(text)))
}

fn bytes(blob: Option<Blob>, pointer: &str) -> Result<Option<Vec<u8>>, ContractError> {
    blob.map(Blob::bytes).transpose().map_err(|message| ContractError { pointer: pointer.to_owned(), message })
}

fn read<'de, T: Deserialize<'de>>(input: &'de Value) -> Result<T, ContractError> {
    serde_path_to_error::deserialize(input).map_err(|error| {
        use serde_path_to_error::Segment;
        let mut pointer = String::new();
        for segment in error.path() {
            let name = match segment {
                Segment::Seq { index } => index.to_string(),
                Segment::Map { key } => key.clone(),
                Segment::Enum { variant } => variant.clone(),
                Segment::Unknown => continue,
            };
            pointer.push('/');
            pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        }
        ContractError { pointer, message: error.into_inner().to_string() }
    })
}
