//! JSON Feed 1.0 and 1.1 (jsonfeed.org), read leniently: one odd item does
//! not cost the others.

use serde_json::Value;

use crate::{Entry, Parsed};

pub(crate) fn parse(text: &str) -> Parsed {
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(why) => return Parsed { fault: Some(format!("JSON: {why}")), ..Parsed::default() },
    };
    let Some(items) = document.get("items").and_then(Value::as_array) else {
        let fault = "JSON without a list `items`: no JSON Feed".to_owned();
        return Parsed { fault: Some(fault), ..Parsed::default() };
    };
    Parsed { entries: items.iter().map(entry).collect(), fault: None }
}

fn entry(item: &Value) -> Entry {
    let first = |names: &[&str]| names.iter().map(|name| string(item, name)).find(|s| !s.is_empty());
    Entry {
        id: string(item, "id"),
        url: first(&["url", "external_url"]).unwrap_or_default(),
        title: escape(&string(item, "title")),
        summary: escape(&string(item, "summary")),
        content: first(&["content_html"])
            .or_else(|| first(&["content_text"]).map(|text| escape(&text)))
            .unwrap_or_default(),
        published: string(item, "date_published"),
        updated: string(item, "date_modified"),
    }
}

/// A number serves as an id too, as the specification asks of readers.
fn string(item: &Value, name: &str) -> String {
    match item.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Plain text, so that reading it as markup gives it back.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\n', "<br>")
}
