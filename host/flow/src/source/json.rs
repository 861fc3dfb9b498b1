//! JSON (RFC 8259). `serde_json` judges the syntax and bounds the depth;
//! `jsonc-parser` then gives every value its place.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde_json::Value;

use super::{Data, Field, MAX_DEPTH, Node, join};
use crate::diagnostic::{Pos, Problems};

pub(super) fn read(text: &str, problems: &mut Problems) -> Option<Node> {
    if let Some(offset) = too_deep(text) {
        problems.error("", Lines::new(text).pos(offset), format!("nested more than {MAX_DEPTH} deep"));
        return None;
    }
    if let Err(error) = serde_json::from_str::<Value>(text) {
        let at = Pos { line: error.line(), column: error.column() };
        let message = error.to_string();
        let what = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
        problems.error("", at, format!("not JSON: {what}"));
        return None;
    }
    let collect = CollectOptions { comments: CommentCollectionStrategy::Off, tokens: false };
    let lines = Lines::new(text);
    let parsed = match parse_to_ast(text, &collect, &ParseOptions::default()) {
        Ok(parsed) => parsed,
        Err(error) => {
            problems.error("", lines.pos(error.range().start), format!("not JSON: {}", error.kind()));
            return None;
        }
    };
    let value = parsed.value?;
    Some(convert(&value, "", &lines, problems))
}

/// Byte offset of the first bracket that opens too deep.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (offset, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(offset);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn convert(value: &ast::Value<'_>, pointer: &str, lines: &Lines<'_>, problems: &mut Problems) -> Node {
    let at = lines.pos(value.start());
    let data = match value {
        ast::Value::NullKeyword(_) => Data::Null,
        ast::Value::BooleanLit(b) => Data::Bool(b.value),
        ast::Value::StringLit(s) => Data::String(s.value.to_string()),
        ast::Value::NumberLit(n) => match serde_json::from_str::<Value>(n.value) {
            Ok(Value::Number(n)) => Data::Number(n),
            _ => {
                problems.error(pointer, at, format!("`{}` is not a number", n.value));
                Data::Null
            }
        },
        ast::Value::Array(array) => Data::Array(
            array
                .elements
                .iter()
                .enumerate()
                .map(|(i, v)| convert(v, &join(pointer, &i.to_string()), lines, problems))
                .collect(),
        ),
        ast::Value::Object(object) => {
            let mut fields: Vec<Field> = Vec::with_capacity(object.properties.len());
            for property in &object.properties {
                let name = property.name.as_str().to_owned();
                let at = lines.pos(property.name.start());
                let below = join(pointer, &name);
                if fields.iter().any(|f| f.name == name) {
                    problems.error(&below, at, format!("the key `{name}` is given twice"));
                    continue;
                }
                let value = convert(&property.value, &below, lines, problems);
                fields.push(Field { name, at, value });
            }
            Data::Object(fields)
        }
    };
    Node { at, data }
}

/// From byte offsets to lines and columns.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { text, starts }
    }

    fn pos(&self, offset: usize) -> Pos {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..offset).map_or(1, |s| s.chars().count() + 1);
        Pos { line, column }
    }
}
