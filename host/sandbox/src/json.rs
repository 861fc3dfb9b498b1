//! The JSON forms of the contract's types: lower snake case, times as
//! RFC 3339 in UTC, levels as "I" to "IV", fields and factors as objects,
//! bytes as `{"text": …}` where they are UTF-8 and `{"base64": …}` otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::types::{Context, Document, Factor, Field, Item, Level, Message, Outcome, Page, Receipt, Verdict};

/// Milliseconds since the epoch as RFC 3339 text.
mod instant {
    use super::{Deserialize, Deserializer, Serialize, Serializer};
    use jiff::Timestamp;
    use serde::de::Error as _;
    use serde::ser::Error as _;

    #[allow(clippy::trivially_copy_pass_by_ref)] // the shape serde asks for
    pub(super) fn serialize<S: Serializer>(millis: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        i64::try_from(*millis)
            .ok()
            .and_then(|millis| Timestamp::from_millisecond(millis).ok())
            .ok_or_else(|| S::Error::custom(format!("{millis} ms lies after the year 9999")))?
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let time = Timestamp::deserialize(deserializer)?;
        u64::try_from(time.as_millisecond()).map_err(|_| D::Error::custom("the time lies before 1970"))
    }

    /// The same for a time that may be missing.
    pub(super) mod option {
        use super::{Deserialize, Deserializer, Serialize, Serializer};

        #[derive(Serialize, Deserialize)]
        struct Inner(#[serde(with = "super")] u64);

        #[allow(clippy::ref_option)] // the shape serde asks for
        pub(in super::super) fn serialize<S: Serializer>(
            millis: &Option<u64>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            millis.map(Inner).serialize(serializer)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<u64>, D::Error> {
            Ok(Option::<Inner>::deserialize(deserializer)?.map(|inner| inner.0))
        }
    }
}

/// Fields as an object; numbers and booleans are taken as their text.
mod fields {
    use super::{Deserialize, Deserializer, Field, Map, Serializer, Value};
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(fields: &[Field], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(fields.iter().map(|field| (&field.name, &field.value)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Field>, D::Error> {
        Map::<String, Value>::deserialize(deserializer)?
            .into_iter()
            .map(|(name, value)| {
                let value = match value {
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    Value::Bool(truth) => truth.to_string(),
                    _ => {
                        return Err(D::Error::custom(format!("field `{name}` must be a text, a number or a boolean")));
                    }
                };
                Ok(Field { name, value })
            })
            .collect()
    }
}

/// Factors as an object of scores.
mod factors {
    use super::{Deserialize, Deserializer, Factor, Map, Serializer, Value};
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(factors: &[Factor], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(factors.iter().map(|factor| (&factor.name, factor.score)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Factor>, D::Error> {
        Map::<String, Value>::deserialize(deserializer)?
            .into_iter()
            .map(|(name, value)| match value.as_f64() {
                Some(score) => Ok(Factor { name, score }),
                None => Err(D::Error::custom(format!("factor `{name}` must be a number"))),
            })
            .collect()
    }
}

/// Bytes as text where they are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Blob {
    /// They are UTF-8.
    Text(String),
    /// They are not.
    Base64(String),
}

impl From<&[u8]> for Blob {
    fn from(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }
}

impl Blob {
    pub(crate) fn bytes(self) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.into_bytes()),
            Self::Base64(text) => STANDARD.decode(text).map_err(|error| format!("`base64` is not Base64: {error}")),
        }
    }
}

/// JSON text as the JSON it is.
mod nested {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Value};
    use serde::de::Error as _;
    use serde::ser::Error as _;

    pub(super) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        if text.is_empty() {
            return Value::Null.serialize(serializer);
        }
        serde_json::from_str::<Value>(text).map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        serde_json::to_string(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }

    pub(super) fn null() -> String {
        "null".to_owned()
    }
}

/// Gives a type the JSON form of the mirror (serde's `remote`) beside it.
macro_rules! form {
    ($type:ident, $form:ident) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $form::serialize(self, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $form::deserialize(deserializer)
            }
        }
    };
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Context", deny_unknown_fields)]
struct ContextForm {
    call_id: String,
    attempt: u32,
    unit: String,
    #[serde(with = "instant")]
    now: u64,
    idempotency_key: String,
}
form!(Context, ContextForm);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Item", deny_unknown_fields)]
struct ItemForm {
    id: String,
    #[serde(default)]
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    body: String,
    #[serde(default, with = "instant::option", skip_serializing_if = "Option::is_none")]
    published: Option<u64>,
    #[serde(default, with = "instant")]
    observed: u64,
    #[serde(default, with = "fields", skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
}
form!(Item, ItemForm);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Level")]
#[allow(clippy::upper_case_acronyms)] // Roman numerals
enum LevelForm {
    I,
    II,
    III,
    IV,
}
form!(Level, LevelForm);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Page", deny_unknown_fields)]
struct PageForm {
    items: Vec<Item>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    more: bool,
}
form!(Page, PageForm);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Verdict", deny_unknown_fields)]
struct VerdictForm {
    level: Option<Level>,
    score: f64,
    #[serde(default, with = "factors")]
    factors: Vec<Factor>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    reasons: Vec<String>,
}
form!(Verdict, VerdictForm);

/// A verdict, or `{"error": …}`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Judged {
    Error { error: String },
    Verdict(Verdict),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeForm {
    verdicts: Vec<Judged>,
    #[serde(default)]
    state: Option<Blob>,
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        OutcomeForm {
            verdicts: self
                .verdicts
                .iter()
                .map(|judged| match judged {
                    Ok(verdict) => Judged::Verdict(verdict.clone()),
                    Err(error) => Judged::Error { error: error.clone() },
                })
                .collect(),
            state: self.state.as_deref().map(Blob::from),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = OutcomeForm::deserialize(deserializer)?;
        Ok(Self {
            verdicts: form
                .verdicts
                .into_iter()
                .map(|judged| match judged {
                    Judged::Verdict(verdict) => Ok(verdict),
                    Judged::Error { error } => Err(error),
                })
                .collect(),
            state: form.state.map(Blob::bytes).transpose().map_err(D::Error::custom)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentForm {
    media_type: String,
    filename: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (text, base64) = match Blob::from(self.bytes.as_slice()) {
            Blob::Text(text) => (Some(text), None),
            Blob::Base64(base64) => (None, Some(base64)),
        };
        DocumentForm { media_type: self.media_type.clone(), filename: self.filename.clone(), text, base64 }
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = DocumentForm::deserialize(deserializer)?;
        let blob = match (form.text, form.base64) {
            (Some(text), None) => Blob::Text(text),
            (None, Some(base64)) => Blob::Base64(base64),
            _ => {
                return Err(D::Error::custom("a document has exactly one of `text` and `base64`"));
            }
        };
        Ok(Self {
            media_type: form.media_type,
            filename: form.filename,
            bytes: blob.bytes().map_err(D::Error::custom)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Message", deny_unknown_fields)]
struct MessageForm {
    subject: String,
    text: String,
    recipients: Vec<String>,
    #[serde(default)]
    attachments: Vec<Document>,
    #[serde(default = "nested::null", with = "nested")]
    data: String,
}
form!(Message, MessageForm);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Receipt", deny_unknown_fields)]
struct ReceiptForm {
    id: String,
    detail: String,
}
form!(Receipt, ReceiptForm);
