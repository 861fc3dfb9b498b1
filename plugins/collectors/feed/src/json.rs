//! JSON Feed 1.0 and 1.1 (jsonfeed.org), read leniently: one odd item does
//! not cost the others.

use huiyin_sdk::{BTreeMap, parse_json_mended, text};
use serde_json::Value;

use crate::{Entry, Parsed, Text};

pub(crate) fn parse(document: &str, base: &str) -> Parsed {
    let document = match parse_json_mended(document) {
        Ok(document) => document,
        Err(why) => return Parsed { fault: Some(format!("JSON: {why}")), ..Parsed::default() },
    };
    let Some(items) = document.get("items").and_then(Value::as_array) else {
        let fault = "JSON without a list `items`: no JSON Feed".to_owned();
        return Parsed { fault: Some(fault), ..Parsed::default() };
    };
    Parsed { entries: items.iter().map(|item| entry(item, base)).collect(), fault: None }
}

fn entry(item: &Value, base: &str) -> Entry {
    let url = ["url", "external_url"].into_iter().find_map(|name| text::absolute(&string(item, name), base));
    let html = string(item, "content_html");
    Entry {
        id: string(item, "id"),
        url: url.unwrap_or_default(),
        title: Text::Plain(string(item, "title")),
        summary: Text::Plain(string(item, "summary")),
        content: if html.trim().is_empty() { Text::Plain(string(item, "content_text")) } else { Text::Html(html) },
        published: vec![string(item, "date_published")],
        updated: vec![string(item, "date_modified")],
        more: media(item, base),
    }
}

/// The files that go along, an address a line.
fn media(item: &Value, base: &str) -> BTreeMap<&'static str, String> {
    let files = item.get("attachments").and_then(Value::as_array).into_iter().flatten();
    let files: Vec<String> = files.filter_map(|file| text::absolute(&string(file, "url"), base)).take(20).collect();
    if files.is_empty() { BTreeMap::new() } else { BTreeMap::from([("media", files.join("\n"))]) }
}

/// A number serves as an id too, as the specification asks of readers.
fn string(item: &Value, name: &str) -> String {
    match item.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}
