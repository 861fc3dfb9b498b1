//! YAML 1.2 as JSON, for documents fetched from elsewhere. Aliases are
//! followed within a budget, so that a small text cannot become a huge value.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// Values in one document, those that aliases repeat included.
const MAX_VALUES: usize = 2_000_000;

/// How deep values may be nested.
const MAX_DEPTH: usize = 200;

enum Open {
    List(Vec<Value>, usize),
    Fields(Map<String, Value>, Option<String>, usize),
}

/// Reads the first document of a text.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut parser = Parser::new_from_str(text);
    let mut stack: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, (Value, usize)> = HashMap::new();
    let mut values = 0_usize;
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| {
            format!("not YAML: {} (line {}, column {})", error.info(), error.marker().line(), error.marker().col() + 1)
        })?;
        let done = match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = if style == ScalarStyle::Plain { plain(&text) } else { Value::String(text.into_owned()) };
                Some((value, anchor, 1))
            }
            Event::SequenceStart(anchor, _) => {
                stack.push(Open::List(Vec::new(), anchor));
                None
            }
            Event::MappingStart(anchor, _) => {
                stack.push(Open::Fields(Map::new(), None, anchor));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop() {
                Some(Open::List(items, anchor)) => Some((Value::Array(items), anchor, 1)),
                Some(Open::Fields(fields, _, anchor)) => Some((Value::Object(fields), anchor, 1)),
                None => None,
            },
            Event::Alias(anchor) => {
                let (value, size) =
                    anchors.get(&anchor).cloned().ok_or("not YAML: an alias of something unfinished")?;
                Some((value, 0, size))
            }
            Event::DocumentEnd | Event::StreamEnd => return Err("the document is empty".to_owned()),
            _ => None,
        };
        if stack.len() > MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} deep (line {})", span.start.line()));
        }
        let Some((value, anchor, size)) = done else { continue };
        values += size;
        if values > MAX_VALUES {
            return Err(format!("more than {MAX_VALUES} values"));
        }
        if anchor > 0 {
            let size = count(&value);
            anchors.insert(anchor, (value.clone(), size));
        }
        match stack.last_mut() {
            None => return Ok(value),
            Some(Open::List(items, _)) => items.push(value),
            Some(Open::Fields(fields, key, _)) => match key.take() {
                Some(key) => {
                    fields.insert(key, value);
                }
                None => {
                    *key = Some(match value {
                        Value::String(text) => text,
                        // `200:` of a list of responses is a number.
                        Value::Number(_) | Value::Bool(_) | Value::Null => value.to_string(),
                        _ => return Err(format!("a key is no text (line {})", span.start.line())),
                    });
                }
            },
        }
    }
    Err("the document is empty".to_owned())
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// The core schema of YAML 1.2 (§10.3.2), as far as documents of APIs need it.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    if numeric {
        if let Ok(whole) = text.parse::<i64>() {
            return whole.into();
        }
        if let Some(number) = text.parse::<f64>().ok().and_then(Number::from_f64) {
            return Value::Number(number);
        }
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_becomes_its_value() {
        let text = "a: 1\nb: [x, 'true', true, ~, 1.5, 1.0.3]\n200: {k: &v {n: 2}}\nd: *v\n";
        assert_eq!(
            read(text).unwrap(),
            json!({"a": 1, "b": ["x", "true", true, null, 1.5, "1.0.3"], "200": {"k": {"n": 2}}, "d": {"n": 2}})
        );
    }

    #[test]
    fn aliases_cannot_blow_up_a_document() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let list = vec![format!("*a{}", n - 1); 10].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{list}]\n"));
        }
        assert!(read(&text).unwrap_err().contains("more than"), "ten to the ninth values");
        assert!(read(&"[".repeat(10_000)).is_err());
        assert!(read("").is_err());
    }
}
