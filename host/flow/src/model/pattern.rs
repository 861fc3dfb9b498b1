//! Regular expressions of JSON Schemas mean what ECMA-262 says (JSON Schema
//! 2020-12, core 6.4), whatever stands in them. The schema library spells out
//! `\d`, `\w`, `\s` and `.` only where a pattern has no look-around, no
//! reference to a group and no `\b`; those that have are spelled out here.

use serde_json::{Map, Value};

const DIGIT: &str = "0-9";
const NO_DIGIT: &str = r"\x{0}-\x{2f}\x{3a}-\x{10ffff}";
const WORD: &str = "A-Za-z0-9_";
const NO_WORD: &str = r"\x{0}-\x{2f}\x{3a}-\x{40}\x{5b}-\x{5e}\x{60}\x{7b}-\x{10ffff}";
const SPACE: &str = r"\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";
const NO_SPACE: &str = r"\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}";
const EDGE: &str = "(?:(?<=[A-Za-z0-9_])(?![A-Za-z0-9_])|(?<![A-Za-z0-9_])(?=[A-Za-z0-9_]))";
const NO_EDGE: &str = "(?:(?<=[A-Za-z0-9_])(?=[A-Za-z0-9_])|(?<![A-Za-z0-9_])(?![A-Za-z0-9_]))";
const ANY: &str = r"[^\n\r\x{2028}\x{2029}]";

/// Keywords whose value is data, not a schema.
const DATA: [&str; 4] = ["const", "enum", "default", "examples"];
/// Keywords whose value holds schemas by names of its own.
const NAMED: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// The schema with such patterns spelled out.
pub(super) fn spelled(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => Value::Object(fields.iter().map(|(key, value)| keyword(key, value)).collect()),
        Value::Array(items) => Value::Array(items.iter().map(spelled).collect()),
        other => other.clone(),
    }
}

fn keyword(key: &str, value: &Value) -> (String, Value) {
    let value = match (key, value) {
        ("pattern", Value::String(pattern)) => Value::String(ecma(pattern)),
        (key, Value::Object(fields)) if NAMED.contains(&key) => {
            let name = |name: &str| if key == "patternProperties" { ecma(name) } else { name.to_owned() };
            Value::Object(fields.iter().map(|(at, schema)| (name(at), spelled(schema))).collect::<Map<_, _>>())
        }
        (key, value) if DATA.contains(&key) => value.clone(),
        (_, value) => spelled(value),
    };
    (key.to_owned(), value)
}

/// A pattern that the library would take as it is, in words that have one meaning.
fn ecma(pattern: &str) -> String {
    if !needs(pattern) {
        return pattern.to_owned();
    }
    let mut out = String::with_capacity(pattern.len() * 2);
    let (mut chars, mut class) = (pattern.chars(), false);
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let Some(escaped) = chars.next() else {
                    out.push(c);
                    break;
                };
                let set = match escaped {
                    'd' => DIGIT,
                    'D' => NO_DIGIT,
                    'w' => WORD,
                    'W' => NO_WORD,
                    's' => SPACE,
                    'S' => NO_SPACE,
                    'b' if class => r"\x{8}",
                    'b' => EDGE,
                    'B' if !class => NO_EDGE,
                    _ => {
                        out.extend([c, escaped]);
                        continue;
                    }
                };
                if class || matches!(escaped, 'b' | 'B') {
                    out.push_str(set);
                } else {
                    out.extend(["[", set, "]"]);
                }
            }
            '[' if !class => {
                class = true;
                out.push(c);
            }
            ']' => {
                class = false;
                out.push(c);
            }
            '.' if !class => out.push_str(ANY),
            _ => out.push(c),
        }
    }
    out
}

/// Look-around, a reference to a group, or an edge of a word.
fn needs(pattern: &str) -> bool {
    if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| pattern.contains(look)) {
        return true;
    }
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next().is_some_and(|c| matches!(c, 'b' | 'B' | 'k' | '1'..='9')) {
            return true;
        }
    }
    false
}
