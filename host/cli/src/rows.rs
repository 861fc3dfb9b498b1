//! Answers of the API as rows of a table.

use serde_json::Value;

use crate::text::plain;

/// The entries of a list; none where there is no list.
pub(crate) fn rows<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A text, harmless on a terminal; `-` where there is none.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).map_or_else(|| "-".to_owned(), plain)
}

/// The texts of a list.
pub(crate) fn texts(value: &Value, name: &str) -> Vec<String> {
    rows(value, name).filter_map(Value::as_str).map(plain).collect()
}

/// Texts in one cell.
pub(crate) fn or_dash(all: Vec<String>) -> String {
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}
