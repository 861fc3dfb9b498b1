//! Workflow texts as trees of values that know their place. JSON and YAML.
//! Must never build a tree that is too deep to walk, and never guess: a
//! duplicate key, an alias or a second document is refused.

mod json;
mod yaml;

use std::path::Path;

use serde_json::{Map, Number, Value};

use crate::diagnostic::{Diagnostic, Pos, Problems};

/// Bytes of a workflow text.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;
/// Nesting of a workflow text.
pub(crate) const MAX_DEPTH: usize = 100;

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Pos,
    pub(crate) data: Data,
}

#[derive(Debug, Clone)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Field>),
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) at: Pos,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn to_value(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(b) => Value::Bool(*b),
            Data::Number(n) => Value::Number(n.clone()),
            Data::String(s) => Value::String(s.clone()),
            Data::Array(items) => Value::Array(items.iter().map(Node::to_value).collect()),
            Data::Object(fields) => {
                Value::Object(fields.iter().map(|f| (f.name.clone(), f.value.to_value())).collect::<Map<_, _>>())
            }
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::String(_) => "a text",
            Data::Array(_) => "a list",
            Data::Object(_) => "an object",
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(s) => Some(s),
            _ => None,
        }
    }
}

/// Reads a text; `None` when it cannot be read at all (the reason is among the problems).
pub(crate) fn read(text: &str, file: &str, problems: &mut Problems) -> Option<Node> {
    if text.len() > MAX_BYTES {
        problems.error(
            "",
            Pos::default(),
            format!("the text is {} bytes long; at most {MAX_BYTES} are allowed", text.len()),
        );
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let extension = Path::new(file).extension().and_then(|e| e.to_str()).map(str::to_lowercase);
    let is_json = match extension.as_deref() {
        Some("json") => true,
        Some("yaml" | "yml") => false,
        _ => text.trim_start().starts_with(['{', '[']),
    };
    if is_json { json::read(text, problems) } else { yaml::read(text, problems) }
}

/// Reads a JSON or YAML text as a plain value, with the same strictness as a
/// workflow's text; `file` is its name in errors, and its extension decides.
///
/// # Errors
/// Everything that is wrong with it, with its place.
pub fn read_value(text: &str, file: &str) -> Result<Value, Vec<Diagnostic>> {
    let mut problems = Problems::new(file);
    match read(text, file, &mut problems) {
        Some(node) if !problems.has_errors() => Ok(node.to_value()),
        _ => Err(problems.list),
    }
}

/// Line and column, from 1, of what a JSON Pointer names in a workflow text, or
/// of the nearest thing around it; `None` for a text that cannot be read.
pub fn locate(text: &str, file: &str, pointer: &str) -> Option<(usize, usize)> {
    let mut node = read(text, file, &mut Problems::new(file))?;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let inner = match node.data.clone() {
            Data::Object(fields) => fields.into_iter().find(|f| f.name == token).map(|f| f.value),
            Data::Array(mut items) => token.parse().ok().filter(|at| *at < items.len()).map(|at| items.swap_remove(at)),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => break,
        }
    }
    Some((node.at.line, node.at.column))
}

/// Appends one reference token (RFC 6901) to a pointer.
pub(crate) fn join(pointer: &str, token: &str) -> String {
    let mut joined = String::with_capacity(pointer.len() + token.len() + 1);
    joined.push_str(pointer);
    joined.push('/');
    for c in token.chars() {
        match c {
            '~' => joined.push_str("~0"),
            '/' => joined.push_str("~1"),
            c => joined.push(c),
        }
    }
    joined
}
