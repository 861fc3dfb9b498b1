//! Messages that citizens send to a unit itself (网民留言, clause 4c): each has a case, and a receipt at once.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use huiyin_desk::case::Kind;
use huiyin_desk::{Intake, Item};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::body::Json;
use crate::caller::{self, Caller};
use crate::intake::{MAX_ITEMS, check_source};
use crate::problem::Problem;
use crate::state::App;

/// Messages sent in.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Messages {
    /// Where they were written: an id is known within it.
    #[serde(default = "form")]
    source: String,
    messages: Vec<Message>,
}

fn form() -> String {
    "form".to_owned()
}

/// One message.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Message {
    /// Its id where it was written; without one it is a message of its own, however often it is sent, unless the
    /// request has an idempotency key.
    id: Option<String>,
    #[serde(default)]
    title: String,
    text: String,
    /// Who asks, as they call themselves.
    asker: Option<String>,
    phone: Option<String>,
    /// When they wrote it.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    asked_at: Option<Timestamp>,
    url: Option<String>,
    /// Where it was written, in a word.
    channel: Option<String>,
    #[serde(default)]
    concerns: Vec<String>,
    duty: Option<String>,
    region: Option<String>,
}

pub(crate) async fn receive(
    State(app): State<App>,
    unit: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Json(sent): Json<Messages>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(unit) = unit?;
    app.engine.partition_of(&unit)?;
    check_source(&sent.source)?;
    if sent.messages.is_empty() || sent.messages.len() > MAX_ITEMS {
        let why = format_args!("{} messages; send 1 to {MAX_ITEMS} at once", sent.messages.len());
        return Err(Problem::invalid_at("/messages", why));
    }
    let key = caller::key(&headers)?.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let now = app.engine.now();
    let taken = sent.messages.into_iter().enumerate().map(|(at, message)| taken(at, message, &sent.source, &key, now));
    let taken = taken.collect::<Result<Vec<_>, Problem>>()?;
    let output = app.engine.take_messages(&unit, &sent.source, taken, &caller.actor).await?;
    Ok(axum::Json(output))
}

fn taken(at: usize, message: Message, source: &str, key: &str, now: Timestamp) -> Result<(Item, Intake), Problem> {
    let missing = |what: &str, why: &str| Problem::invalid_at(format!("/messages/{at}/{what}"), why.to_owned());
    if message.text.trim().is_empty() {
        return Err(missing("text", "the message says nothing"));
    }
    if message.id.as_ref().is_some_and(|id| id.trim().is_empty()) {
        return Err(missing("id", "an id is not empty; leave it out where there is none"));
    }
    let mut fields = BTreeMap::from([("channel".to_owned(), message.channel.unwrap_or_else(|| "message".to_owned()))]);
    if let Some(asker) = message.asker.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()) {
        fields.insert("asker".to_owned(), asker);
    }
    let item = Item {
        id: message.id.unwrap_or_else(|| format!("{key}-{at}")),
        source: source.to_owned(),
        url: message.url,
        title: message.title,
        body: message.text,
        published: message.asked_at,
        observed: now,
        fields,
    };
    let intake = Intake {
        kind: Kind::Message,
        concerns: message.concerns,
        duty: message.duty,
        region: message.region,
        phone: message.phone,
        missed: false,
    };
    Ok((item, intake))
}
