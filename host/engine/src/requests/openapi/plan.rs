//! A request being put together: where each parameter and the body go, in the
//! styles of OpenAPI 2.0 and 3.x.

use serde_json::{Map, Value};

use super::follow;
use crate::requests::http::text_of;

/// A request being put together.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) path: String,
    pub(super) query: Vec<String>,
    pub(super) headers: Map<String, Value>,
    pub(super) cookies: Vec<String>,
    pub(super) form: Map<String, Value>,
    pub(super) body: Option<Value>,
}

impl Plan {
    pub(super) fn header(&mut self, name: &str, value: String) {
        self.headers.insert(name.to_owned(), Value::String(value));
    }

    pub(super) fn fill(&mut self, name: &str, text: &str) {
        self.path = self.path.replace(&format!("{{{name}}}"), text);
    }

    pub(super) fn ask(&mut self, name: &str, text: &str) {
        self.query.push(format!("{}={}", encode(name), text));
    }

    /// Parameters of 2.0 (`collectionFormat`).
    pub(super) fn place_two(
        &mut self,
        parameter: &Value,
        name: &str,
        place: &str,
        value: &Value,
    ) -> Result<(), String> {
        let format = parameter.get("collectionFormat").and_then(Value::as_str).unwrap_or("csv");
        let between = match format {
            "ssv" => "%20",
            "tsv" => "%09",
            "pipes" => "%7C",
            _ => ",",
        };
        match place {
            "path" => self.fill(name, &joined(value, between)),
            "query" if format == "multi" => {
                for item in items(value) {
                    self.ask(name, &encode(&text_of(item)));
                }
            }
            "query" => self.ask(name, &joined(value, between)),
            "header" => self.header(name, plain(value)),
            "body" => self.body = Some(value.clone()),
            "formData" if parameter.get("type").and_then(Value::as_str) == Some("file") => {
                return Err(format!("the parameter `{name}` is a file; files are not sent yet"));
            }
            "formData" => {
                self.form.insert(name.to_owned(), value.clone());
            }
            other => {
                return Err(format!("the parameter `{name}` stands in `{}`, which is not known", other.escape_debug()));
            }
        }
        Ok(())
    }

    /// Parameters of 3.x (`style`, `explode`).
    pub(super) fn place_three(
        &mut self,
        parameter: &Value,
        name: &str,
        place: &str,
        value: &Value,
    ) -> Result<(), String> {
        let style = parameter.get("style").and_then(Value::as_str);
        let explode = parameter.get("explode").and_then(Value::as_bool);
        if parameter.get("content").is_some() {
            // A whole value in one parameter: JSON.
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            match place {
                "path" => self.fill(name, &encode(&text)),
                "query" => self.ask(name, &encode(&text)),
                "header" => self.header(name, text),
                _ => self.cookies.push(format!("{name}={text}")),
            }
            return Ok(());
        }
        match place {
            "path" => match style.unwrap_or("simple") {
                "simple" => self.fill(name, &simple(value, explode == Some(true), ",")),
                "label" => self.fill(name, &format!(".{}", simple(value, explode == Some(true), "."))),
                "matrix" => self.fill(name, &format!(";{}={}", encode(name), simple(value, false, ","))),
                other => {
                    return Err(format!(
                        "the parameter `{name}` has the style `{}`, which is not known",
                        other.escape_debug()
                    ));
                }
            },
            "query" => {
                let style = style.unwrap_or("form");
                match (style, value, explode.unwrap_or(style == "form")) {
                    ("deepObject", Value::Object(fields), _) => {
                        for (key, value) in fields {
                            self.query.push(format!(
                                "{}={}",
                                encode(&format!("{name}[{key}]")),
                                encode(&text_of(value))
                            ));
                        }
                    }
                    (_, Value::Array(all), true) => all.iter().for_each(|item| self.ask(name, &encode(&text_of(item)))),
                    (_, Value::Object(fields), true) => {
                        fields.iter().for_each(|(key, value)| self.ask(key, &encode(&text_of(value))));
                    }
                    ("spaceDelimited", value, _) => self.ask(name, &simple(value, false, "%20")),
                    ("pipeDelimited", value, _) => self.ask(name, &simple(value, false, "%7C")),
                    (_, value, _) => self.ask(name, &simple(value, false, ",")),
                }
            }
            "header" => {
                // These are said elsewhere in a document (OpenAPI 3.1 §4.8.12).
                if !["accept", "content-type", "authorization"].iter().any(|n| name.eq_ignore_ascii_case(n)) {
                    self.header(name, plain(value));
                }
            }
            "cookie" => self.cookies.push(format!("{name}={}", simple(value, false, ","))),
            other => {
                return Err(format!("the parameter `{name}` stands in `{}`, which is not known", other.escape_debug()));
            }
        }
        Ok(())
    }

    pub(super) fn body_three(
        &mut self,
        document: &Value,
        operation: &Value,
        body: Option<Value>,
    ) -> Result<(), String> {
        let Some(wanted) = operation.get("requestBody") else {
            return match body {
                Some(_) => Err("takes no `body`".to_owned()),
                None => Ok(()),
            };
        };
        let wanted = follow(document, wanted)?;
        let Some(body) = body else {
            return match wanted.get("required") {
                Some(Value::Bool(true)) => Err("needs a `body`".to_owned()),
                _ => Ok(()),
            };
        };
        let kinds: Vec<&str> = wanted
            .get("content")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(kind, _)| kind.as_str())
            .collect();
        let json = |kind: &&&str| kind.starts_with("application/json") || kind.contains("+json");
        let form = |kind: &&&str| kind.starts_with("application/x-www-form-urlencoded");
        let kind = kinds
            .iter()
            .find(json)
            .or_else(|| kinds.iter().find(form))
            .or_else(|| kinds.iter().find(|kind| kind.starts_with("text/") || **kind == "*/*"))
            .copied();
        match (kind, &body) {
            (Some("*/*"), _) => {}
            (Some(kind), _) => self.header("content-type", kind.to_owned()),
            (None, Value::String(_)) => {
                if let Some(kind) = kinds.first() {
                    self.header("content-type", (*kind).to_owned());
                }
            }
            (None, _) => return Err(format!("takes a body of {}, which cannot be made of a value", kinds.join(", "))),
        }
        self.body = Some(body);
        Ok(())
    }
}

fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

fn joined(value: &Value, between: &str) -> String {
    items(value).into_iter().map(|item| encode(&text_of(item))).collect::<Vec<_>>().join(between)
}

/// A value in one text, for a URL: a list's items; an object's keys and values.
fn simple(value: &Value, explode: bool, between: &str) -> String {
    match value {
        Value::Object(fields) => {
            let pair = if explode { "=" } else { between };
            let each = |(key, value): (&String, &Value)| format!("{}{pair}{}", encode(key), encode(&text_of(value)));
            fields.iter().map(each).collect::<Vec<_>>().join(between)
        }
        other => joined(other, between),
    }
}

/// The same for a header, where nothing is encoded.
fn plain(value: &Value) -> String {
    items(value).into_iter().map(text_of).collect::<Vec<_>>().join(",")
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3), and
/// leaves the placeholders of secrets as they are.
fn encode(text: &str) -> String {
    const OPEN: &str = "{{huiyin:secret:";
    if let Some(at) = text.find(OPEN)
        && let Some(end) = text[at..].find("}}")
    {
        let end = at + end + 2;
        return format!("{}{}{}", encode(&text[..at]), &text[at..end], encode(&text[end..]));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
