//! From one entry of the answer to an item.

use huiyin_sdk::known::{Candidate, mark};
use huiyin_sdk::time::{Times, Unread};
use huiyin_sdk::{Item, text};
use serde_json::Value;

use crate::config::{Config, TextFormat, TimeFormat};

/// None for an entry that says nothing.
pub(crate) fn entry(config: &Config, entry: &Value, times: &Times, unread: &mut Unread) -> Option<Candidate> {
    let at = |pointer: &Option<String>| pointer.as_ref().and_then(|pointer| entry.pointer(pointer));
    let words = |pointer: &Option<String>| at(pointer).and_then(scalar).unwrap_or_default();
    let fields = &config.fields;
    let read = |pointer: &Option<String>, format: TextFormat| match format {
        TextFormat::Plain => text::squeeze(&words(pointer)),
        TextFormat::Html => text::plain(&words(pointer)),
    };

    let title = read(&fields.title, config.title_format);
    let body = read(&fields.body, config.body_format);
    if title.is_empty() && body.is_empty() {
        return None;
    }
    let url = text::absolute(&words(&fields.url), &config.url);
    let id = [words(&fields.id), url.clone().unwrap_or_default()]
        .into_iter()
        .find(|id| !id.trim().is_empty())
        .unwrap_or_else(|| format!("content:{}", mark(&format!("{title}\n{body}"))));
    let mut more = config.set.clone();
    let mapped =
        fields.more.iter().filter_map(|(name, pointer)| Some((name.clone(), scalar(entry.pointer(pointer)?)?)));
    more.extend(mapped);
    if let Some(channel) = &config.channel {
        more.insert("channel".to_owned(), channel.clone());
    }
    let published = at(&fields.published).and_then(scalar).and_then(|text| {
        let read = instant(config.times, &text, times);
        if read.is_none() {
            unread.note(&text);
        }
        read
    });
    let item = Item { id, url, title, body, published, fields: more, ..Item::default() };
    Some(Candidate { item, changed: words(&fields.updated) })
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
fn instant(format: TimeFormat, text: &str, times: &Times) -> Option<u64> {
    let scale = match format {
        TimeFormat::Auto => return times.read(text),
        TimeFormat::EpochSeconds => 1000.0,
        TimeFormat::EpochMilliseconds => 1.0,
    };
    times.check(text.trim().parse::<f64>().ok()? * scale)
}
