//! From one entry of the answer to an item.

use huiyin_sdk::{Item, text, time};
use serde_json::Value;

use crate::config::{Config, TimeFormat};
use crate::cursor;

/// None for an entry that says nothing.
pub(crate) fn item(config: &Config, entry: &Value) -> Option<Item> {
    let at = |pointer: &Option<String>| pointer.as_ref().and_then(|pointer| entry.pointer(pointer));
    let words = |pointer: &Option<String>| at(pointer).and_then(scalar).unwrap_or_default();
    let fields = &config.fields;

    let title = text::plain(&words(&fields.title));
    let body = text::plain(&words(&fields.body));
    if title.is_empty() && body.is_empty() {
        return None;
    }
    let url = text::absolute(&words(&fields.url), &config.url);
    let id = [words(&fields.id), url.clone().unwrap_or_default()]
        .into_iter()
        .find(|id| !id.trim().is_empty())
        .unwrap_or_else(|| format!("content:{}", cursor::mark(&format!("{title}\n{body}"))));
    let mut more: std::collections::BTreeMap<_, _> = fields
        .more
        .iter()
        .filter_map(|(name, pointer)| Some((name.clone(), scalar(entry.pointer(pointer)?)?)))
        .collect();
    if let Some(channel) = &config.channel {
        more.insert("channel".to_owned(), channel.clone());
    }
    Some(Item {
        id,
        url,
        title,
        body,
        published: at(&fields.published).and_then(|value| instant(config, value)),
        fields: more,
        ..Item::default()
    })
}

/// Text, numbers and truth values as text; anything else is none.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Milliseconds since the Unix epoch. Numbers may be written as text.
fn instant(config: &Config, value: &Value) -> Option<u64> {
    let text = scalar(value)?;
    let Ok(number) = text.trim().parse::<f64>() else {
        return time::parse(&text, config.utc_offset);
    };
    let milliseconds = match config.times {
        TimeFormat::EpochMilliseconds => number,
        TimeFormat::Auto if number >= 1e11 => number,
        TimeFormat::EpochSeconds | TimeFormat::Auto => number * 1000.0,
    };
    // Nothing was published before 1970 or after the year 9999.
    (0.0..253_402_300_800_000.0).contains(&milliseconds).then_some(milliseconds as u64)
}
