//! What a gateway wants to be told and how it answers.

use huiyin_sdk::http::Response;
use huiyin_sdk::markup::percent_encode;
use huiyin_sdk::template::{Template, Variables};
use huiyin_sdk::{BTreeMap, Error};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Names beside those that every notifier knows.
const MORE: [&str; 6] = ["phone", "phones", "content", "segments", "seconds", "key"];

/// A template with the names of a gateway, too: `{phone}` or `{phones}`, `{content}` (the text with its signature),
/// `{segments}`, `{seconds}` (the call's time since the Unix epoch), `{key}` (the secret, which only the host knows).
#[derive(Debug, Clone)]
pub struct Field(pub Template);

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Template::with(&text, &MORE).map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Field {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Field".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A template with {phone} or {phones}, {content}, {segments}, {seconds}, {key} and the names that every notifier knows."
        })
    }
}

/// What is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Body {
    /// `application/x-www-form-urlencoded` in UTF-8: names and templates.
    Form(BTreeMap<String, Field>),
    /// `application/json`: any JSON, whose texts are templates. A text that is `{phones}` alone becomes a list of numbers.
    Json(Json),
}

/// JSON whose texts are templates.
#[derive(Debug)]
pub enum Json {
    /// A text.
    Text(Field),
    /// The numbers as a list.
    Phones(Field),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
    /// Anything else, as it stands.
    Plain(Value),
}

impl Json {
    /// `at` is the JSON pointer of the value, for the error.
    fn read(value: Value, at: &str) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => {
                let field = Field(Template::with(&text, &MORE).map_err(|why| format!("in {at}: {why}"))?);
                if text == "{phones}" { Self::Phones(field) } else { Self::Text(field) }
            }
            Value::Array(list) => Self::List(
                list.into_iter()
                    .enumerate()
                    .map(|(n, value)| Self::read(value, &format!("{at}/{n}")))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(members) => Self::Object(
                members
                    .into_iter()
                    .map(|(name, value)| Self::read(value, &format!("{at}/{name}")).map(|value| (name, value)))
                    .collect::<Result<_, String>>()?,
            ),
            other => Self::Plain(other),
        })
    }

    fn filled(&self, variables: &Variables) -> Value {
        match self {
            Self::Text(field) => field.0.fill(variables).into(),
            Self::Phones(field) => field.0.fill(variables).split(|c: char| !c.is_ascii_digit()).collect(),
            Self::List(list) => list.iter().map(|value| value.filled(variables)).collect(),
            Self::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), value.filled(variables))).collect())
            }
            Self::Plain(value) => value.clone(),
        }
    }

    fn fields<'a>(&'a self, all: &mut Vec<&'a Field>) {
        match self {
            Self::Text(field) | Self::Phones(field) => all.push(field),
            Self::List(list) => list.iter().for_each(|value| value.fields(all)),
            Self::Object(members) => members.iter().for_each(|(_, value)| value.fields(all)),
            Self::Plain(_) => {}
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Value::deserialize(deserializer)?, "/json").map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Json {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"description": "Any JSON; its texts are templates."})
    }
}

/// `name=value`, percent-encoded. The secret's placeholder needs no encoding: the host encodes what it puts there.
pub fn pair(name: &str, field: &Field, variables: &Variables) -> String {
    let template = &field.0;
    // What stands in the template itself is encoded, too.
    let key = variables.get("key");
    let whole = template.fill(variables);
    let encoded: Vec<String> =
        if key.is_empty() { vec![percent_encode(&whole)] } else { whole.split(key).map(percent_encode).collect() };
    format!("{}={}", percent_encode(name), encoded.join(key))
}

impl Body {
    /// Every template.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        let mut all = Vec::new();
        match self {
            Self::Form(fields) => all.extend(fields.values()),
            Self::Json(json) => json.fields(&mut all),
        }
        all.into_iter()
    }

    /// The media type and the bytes.
    pub(crate) fn filled(&self, variables: &Variables) -> Result<(&'static str, Vec<u8>), Error> {
        match self {
            Self::Form(fields) => {
                let pairs: Vec<String> = fields.iter().map(|(name, field)| pair(name, field, variables)).collect();
                Ok(("application/x-www-form-urlencoded", pairs.join("&").into_bytes()))
            }
            Self::Json(json) => serde_json::to_vec(&json.filled(variables))
                .map(|bytes| ("application/json; charset=utf-8", bytes))
                .map_err(|why| Error::InvalidConfig(format!("at /body: {why}"))),
        }
    }
}

/// How an answer of 200 is read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// JSON pointer to where it says whether the message was taken.
    #[schemars(example = "/code")]
    pub at: String,
    /// What stands there where it was.
    #[schemars(length(min = 1))]
    pub accepted: Vec<Value>,
    /// What stands there where it was refused for now, as too much or too fast.
    #[serde(default)]
    pub busy: Vec<Value>,
    /// What stands there where account, key, signature or template are wrong.
    #[serde(default)]
    pub settings: Vec<Value>,
    /// JSON pointer to the gateway's id of the message, for the receipt.
    #[serde(default)]
    #[schemars(example = "/data/msgid")]
    pub receipt: Option<String>,
}

impl Answer {
    /// What the types cannot say.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let pointers = [("/answer/at", Some(&self.at)), ("/answer/receipt", self.receipt.as_ref())];
        for (place, pointer) in pointers {
            if pointer.is_some_and(|pointer| !pointer.starts_with('/')) {
                return Err(Error::InvalidConfig(format!("at {place}: a JSON pointer begins with /, such as /code")));
            }
        }
        if self.accepted.is_empty() {
            return Err(Error::InvalidConfig(
                "at /answer/accepted: it is empty, nothing would count as taken".to_owned(),
            ));
        }
        Ok(())
    }

    /// The receipt's id, if the answer has one; else why it was not taken.
    pub(crate) fn judge(
        &self,
        response: &Response,
        now: u64,
        said: &dyn Fn() -> String,
    ) -> Result<Option<String>, Error> {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        let Some(code) = body.pointer(&self.at).filter(|code| !code.is_null()) else {
            return Err(Error::Unknown(format!("{}; at {} it does not say whether it was taken", said(), self.at)));
        };
        if self.busy.contains(code) {
            return Err(Error::RateLimited(response.retry_after(now).unwrap_or(60)));
        }
        let refused = || format!("the gateway refused the message: {}", said());
        if self.settings.contains(code) {
            return Err(Error::InvalidConfig(refused()));
        }
        if !self.accepted.contains(code) {
            return Err(Error::InvalidInput(refused()));
        }
        let id = self.receipt.as_ref().and_then(|pointer| body.pointer(pointer)).and_then(|id| match id {
            Value::String(id) if !id.is_empty() && id.len() <= 200 => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        });
        Ok(id)
    }
}
