//! YAML 1.2, the JSON part of it: no aliases, no tags, text keys, one document.
//! Built from the parser's events with a stack of our own, so that no depth of
//! the text becomes a depth of ours.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Number, Value};

use super::{Data, Field, MAX_DEPTH, Node, join};
use crate::diagnostic::{Pos, Problems};

enum Open {
    List { at: Pos, pointer: String, items: Vec<Node> },
    Map { at: Pos, pointer: String, fields: Vec<Field>, key: Option<(String, Pos)> },
}

pub(super) fn read(text: &str, problems: &mut Problems) -> Option<Node> {
    let mut parser = Parser::new_from_str(text);
    let mut stack: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    let mut documents = 0usize;
    while let Some(next) = parser.next_event() {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                let at = within(text, Pos { line: error.marker().line(), column: error.marker().col() + 1 });
                problems.error(&here(&stack), at, format!("not YAML: {}", error.info()));
                return None;
            }
        };
        let at = start(&span);
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    problems.error("", at, "a second document; a file holds one workflow");
                    return None;
                }
            }
            Event::Alias(_) => {
                problems.error(&here(&stack), at, "aliases are not supported; write the value out");
                return None;
            }
            Event::Scalar(value, style, _, tag) => {
                if tag.is_some() {
                    problems.error(&here(&stack), at, "tags are not supported");
                    return None;
                }
                if let Some(Open::Map { key: key @ None, pointer, fields, .. }) = stack.last_mut() {
                    let name = value.into_owned();
                    if name == "<<" && style == ScalarStyle::Plain {
                        problems.error(&join(pointer, "<<"), at, "merge keys are not supported; write the fields out");
                    }
                    if fields.iter().any(|f| f.name == name) {
                        problems.error(&join(pointer, &name), at, format!("the key `{name}` is given twice"));
                    }
                    *key = Some((name, at));
                    continue;
                }
                let data = if style == ScalarStyle::Plain { plain(&value) } else { Data::String(value.into_owned()) };
                put(&mut stack, &mut root, Node { at, data });
            }
            Event::SequenceStart(_, tag) | Event::MappingStart(_, tag) if tag.is_some() => {
                problems.error(&here(&stack), at, "tags are not supported");
                return None;
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if let Some(Open::Map { key: None, .. }) = stack.last() {
                    problems.error(&here(&stack), at, "a key must be a text");
                    return None;
                }
                if stack.len() >= MAX_DEPTH {
                    problems.error(&here(&stack), at, format!("nested more than {MAX_DEPTH} deep"));
                    return None;
                }
                let pointer = here(&stack);
                stack.push(if matches!(event, Event::SequenceStart(..)) {
                    Open::List { at, pointer, items: Vec::new() }
                } else {
                    Open::Map { at, pointer, fields: Vec::new(), key: None }
                });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match stack.pop() {
                    Some(Open::List { at, items, .. }) => Node { at, data: Data::Array(items) },
                    Some(Open::Map { at, fields, .. }) => Node { at, data: Data::Object(fields) },
                    None => continue,
                };
                put(&mut stack, &mut root, node);
            }
            Event::StreamEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
        }
    }
    if root.is_none() {
        problems.error("", Pos { line: 1, column: 1 }, "the text holds nothing");
    }
    root
}

fn start(span: &Span) -> Pos {
    Pos { line: span.start.line(), column: span.start.col() + 1 }
}

/// The parser may point behind the end; people look at the last line.
fn within(text: &str, at: Pos) -> Pos {
    let lines = text.lines().count().max(1);
    if at.line <= lines {
        return at;
    }
    Pos { line: lines, column: text.lines().next_back().map_or(1, |last| last.chars().count() + 1) }
}

/// The pointer of the value that comes next.
fn here(stack: &[Open]) -> String {
    match stack.last() {
        None => String::new(),
        Some(Open::List { pointer, items, .. }) => join(pointer, &items.len().to_string()),
        Some(Open::Map { pointer, key: Some((name, _)), .. }) => join(pointer, name),
        Some(Open::Map { pointer, .. }) => pointer.clone(),
    }
}

fn put(stack: &mut [Open], root: &mut Option<Node>, node: Node) {
    match stack.last_mut() {
        None => *root = Some(node),
        Some(Open::List { items, .. }) => items.push(node),
        Some(Open::Map { fields, key, .. }) => {
            if let Some((name, at)) = key.take()
                && !fields.iter().any(|f| f.name == name)
            {
                fields.push(Field { name, at, value: node });
            }
        }
    }
}

/// The core schema of YAML 1.2 (§10.3.2) for plain scalars.
fn plain(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Bool(true),
        "false" | "False" | "FALSE" => return Data::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        if let Ok(i) = text.parse::<i64>() {
            return Data::Number(i.into());
        }
        if let Ok(u) = text.parse::<u64>() {
            return Data::Number(u.into());
        }
    }
    let hexadecimal = text.strip_prefix("0x").and_then(|d| i64::from_str_radix(d, 16).ok());
    let octal = text.strip_prefix("0o").and_then(|d| i64::from_str_radix(d, 8).ok());
    if let Some(i) = hexadecimal.or(octal) {
        return Data::Number(i.into());
    }
    let float = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'));
    if float
        && let Ok(f) = text.parse::<f64>()
        && let Some(n) = Number::from_f64(f)
    {
        return match serde_json::from_str::<Value>(text) {
            Ok(Value::Number(exact)) => Data::Number(exact),
            _ => Data::Number(n),
        };
    }
    Data::String(text.to_owned())
}
