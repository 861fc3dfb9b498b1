//! Items from systems that send instead of being read.

use axum::Extension;
use axum::extract::Path;
use axum::extract::State;
use axum::extract::rejection::PathRejection;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// The most items of one request.
pub(crate) const MAX_ITEMS: usize = 1_000;

/// Longest name of a source, in bytes.
const MAX_SOURCE: usize = 64;

/// Items pushed in.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Push {
    /// Who sends: an item's id is known within it.
    #[serde(default = "pushed")]
    source: String,
    items: Vec<PushedItem>,
}

fn pushed() -> String {
    "push".to_owned()
}

/// One item as it is pushed in.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PushedItem {
    id: String,
    title: String,
    #[serde(default)]
    body: String,
    url: Option<String>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    published: Option<Timestamp>,
    #[serde(default, deserialize_with = "object")]
    fields: serde_json::Map<String, Value>,
}

/// An object that has each key once.
fn object<'de, D: serde::Deserializer<'de>>(from: D) -> Result<serde_json::Map<String, Value>, D::Error> {
    match huiyin_json::value(from)? {
        Value::Object(map) => Ok(map),
        _ => Err(serde::de::Error::custom("an object is wanted here")),
    }
}

pub(crate) async fn items(
    State(app): State<App>,
    unit: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(push): Json<Push>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(unit) = unit?;
    app.engine.partition_of(&unit)?;
    let name = &push.source;
    check_source(name)?;
    if push.items.len() > MAX_ITEMS {
        return Err(Problem::invalid_at(
            "/items",
            format_args!("{} items; send at most {MAX_ITEMS} at once", push.items.len()),
        ));
    }
    let now = app.engine.now();
    let mut items = Vec::with_capacity(push.items.len());
    for (at, item) in push.items.into_iter().enumerate() {
        items.push(taken(at, item, name, now)?);
    }
    let output = app.engine.receive(&unit, name, items, &caller.actor).await?;
    Ok(axum::Json(output))
}

/// A source's name, as people and other systems give it.
pub(crate) fn check_source(name: &str) -> Result<(), Problem> {
    if name.is_empty() || name.len() > MAX_SOURCE || name.chars().any(|c| c.is_control() || c == '/') {
        let why = format_args!("a source's name has 1 to {MAX_SOURCE} bytes and no slash");
        return Err(Problem::invalid_at("/source", why));
    }
    Ok(())
}

fn taken(at: usize, item: PushedItem, source: &str, now: Timestamp) -> Result<huiyin_desk::Item, Problem> {
    let mut fields = std::collections::BTreeMap::new();
    for (name, value) in item.fields {
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            _ => {
                return Err(Problem::invalid_at(
                    format!("/items/{at}/fields/{name}"),
                    "a field is a string, a number or a boolean",
                ));
            }
        };
        fields.insert(name, value);
    }
    Ok(huiyin_desk::Item {
        id: item.id,
        source: source.to_owned(),
        url: item.url,
        title: item.title,
        body: item.body,
        published: item.published,
        observed: now,
        fields,
    })
}
