//! How deep JSON may nest, and reading what nests deeper.
//!
//! A value has the depth of its innermost list or object: `1` has none, `[]` and `{"a": 1}` have 1,
//! `[{"a": []}]` has 3. What is read recursively takes stack for each level, so readers have a limit;
//! `serde_json` has 127. A record that nests deeper is one that its own reader refuses. So no value
//! may nest deeper than [`VALUE`], which leaves room for what a record puts around it, and no record
//! deeper than [`RECORD`]. What was written before there were these limits is read by [`read`].

use std::io;

use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value};

/// The most levels of one value: of an input, an answer, an event, a configuration, of whatever a workflow makes.
pub const VALUE: usize = 96;

/// The most levels of an event: whoever listens has it in a list.
pub const EVENT: usize = VALUE - 1;

/// The most levels of a record: what every reader of JSON takes.
pub const RECORD: usize = 127;

/// The most levels that [`read`] takes. No version wrote so many: it would have run out of stack before.
const MOST: usize = 1 << 16;

/// Stack for each level that is read beyond the usual, in bytes: several times what it takes.
const STACK: usize = 8 << 10;

/// Whether a value nests deeper than so many levels. Looks no deeper than one level more.
pub fn deeper_than(value: &Value, levels: usize) -> bool {
    let within = |value: &Value| match levels.checked_sub(1) {
        Some(left) => deeper_than(value, left),
        None => true,
    };
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(within),
        Value::Object(fields) => levels == 0 || fields.values().any(within),
        _ => false,
    }
}

/// The depth of a JSON text, by its brackets: right for a text that is JSON, some number for others.
pub fn of_text(text: &[u8]) -> usize {
    let (mut depth, mut most, mut at) = (0_usize, 0, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => at = end_of_string(text, at + 1),
            _ => {}
        }
        at += 1;
    }
    most
}

/// Where the quote stands that ends a string which begins at `at`.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Writes a value as compact JSON, unless it nests deeper than so many levels. It is found out while
/// writing, and costs nothing; no deeper level is begun, so it costs no stack either.
///
/// # Errors
/// When it nests deeper, or cannot be written as JSON.
pub fn write(bytes: &mut Vec<u8>, value: &impl Serialize, levels: usize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(bytes, Shallow { left: levels, levels }))
}

/// Compact JSON that counts its levels.
struct Shallow {
    left: usize,
    levels: usize,
}

impl Shallow {
    fn begin(&mut self) -> io::Result<()> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(format!("nests more than {} levels deep", self.levels))),
        }
        Ok(())
    }
}

impl Formatter for Shallow {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin()?;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.left += 1;
        writer.write_all(b"]")
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin()?;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.left += 1;
        writer.write_all(b"}")
    }
}

/// Reads a whole text, however deep it nests: for what was written by ourselves, never for what
/// comes from outside. A deep one is read on a stack of its own.
///
/// # Errors
/// What is wrong, with line and column where it is not the depth.
pub fn read<T: DeserializeOwned + Send>(text: &[u8]) -> serde_json::Result<T> {
    let error = match serde_json::from_slice(text) {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    let depth = of_text(text);
    if depth <= RECORD {
        return Err(error);
    }
    let wrong = |why: &dyn std::fmt::Display| serde_json::Error::custom(format!("nests {depth} levels deep; {why}"));
    if depth > MOST {
        return Err(wrong(&format_args!("at most {MOST} are read")));
    }
    std::thread::scope(|scope| {
        let stack = (1 << 20) + depth * STACK;
        let reader = std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, || {
            // A value that is there already is taken apart without a limit.
            T::deserialize(value(text)?)
        });
        match reader {
            Ok(reader) => reader.join().unwrap_or_else(|_| Err(wrong(&"it could not be read"))),
            Err(why) => Err(wrong(&format_args!("there is no thread to read it on: {why}"))),
        }
    })
}

/// A list or an object that has begun, and of an object the name whose value is next.
enum Open {
    List(Vec<Value>),
    Object(Map<String, Value>, String),
}

/// Reads a whole text without recursion: depth costs no stack.
fn value(text: &[u8]) -> serde_json::Result<Value> {
    let mut open: Vec<Open> = Vec::new();
    let mut at = space(text, 0);
    loop {
        // A value begins here.
        let mut ended = match text.get(at) {
            Some(b'[') => {
                at = space(text, at + 1);
                if text.get(at) != Some(&b']') {
                    open.push(Open::List(Vec::new()));
                    continue;
                }
                at += 1;
                Value::Array(Vec::new())
            }
            Some(b'{') => {
                at = space(text, at + 1);
                if text.get(at) != Some(&b'}') {
                    let name = name(text, &mut at)?;
                    open.push(Open::Object(Map::new(), name));
                    continue;
                }
                at += 1;
                Value::Object(Map::new())
            }
            _ => scalar(text, &mut at)?,
        };
        // It has ended: so may those around it.
        loop {
            at = space(text, at);
            let Some(around) = open.pop() else {
                return if at == text.len() { Ok(ended) } else { Err(unexpected(at)) };
            };
            let more = text.get(at) == Some(&b',');
            let end = if matches!(around, Open::List(_)) { b']' } else { b'}' };
            if !more && text.get(at) != Some(&end) {
                return Err(unexpected(at));
            }
            at = if more { space(text, at + 1) } else { at + 1 };
            match around {
                Open::List(mut items) => {
                    items.push(ended);
                    if more {
                        open.push(Open::List(items));
                        break;
                    }
                    ended = Value::Array(items);
                }
                Open::Object(mut fields, key) => {
                    fields.insert(key, ended);
                    if more {
                        let name = name(text, &mut at)?;
                        open.push(Open::Object(fields, name));
                        break;
                    }
                    ended = Value::Object(fields);
                }
            }
        }
    }
}

fn unexpected(at: usize) -> serde_json::Error {
    serde_json::Error::custom(format!("something else was expected at byte {at}"))
}

fn space(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// A member's name and its colon; leaves off where the value begins.
fn name(text: &[u8], at: &mut usize) -> serde_json::Result<String> {
    let Value::String(name) = scalar(text, at)? else { return Err(unexpected(*at)) };
    *at = space(text, *at);
    if text.get(*at) != Some(&b':') {
        return Err(unexpected(*at));
    }
    *at = space(text, *at + 1);
    Ok(name)
}

/// A string, a number, `true`, `false` or `null`; leaves off behind it.
fn scalar(text: &[u8], at: &mut usize) -> serde_json::Result<Value> {
    let start = *at;
    *at = if text.get(start) == Some(&b'"') {
        end_of_string(text, start + 1) + 1
    } else {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        start + text.get(start..).unwrap_or_default().iter().take_while(|byte| plain(byte)).count()
    };
    serde_json::from_slice(text.get(start..*at).unwrap_or_default())
        .map_err(|error| serde_json::Error::custom(format!("at byte {start}: {error}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A value of exactly so many levels, lists and objects in turns.
    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |inner, level| if level % 2 == 0 { json!({"a": inner}) } else { json!([0, inner]) })
    }

    #[test]
    fn the_depth_is_that_of_the_innermost() {
        for levels in [0, 1, 2, 95, 96, 97, 127, 128, 500] {
            let value = nested(levels);
            assert!(!deeper_than(&value, levels), "{levels}");
            assert!(levels == 0 || deeper_than(&value, levels - 1), "{levels}");
            assert_eq!(of_text(value.to_string().as_bytes()), levels);
        }
        assert!(deeper_than(&json!([]), 0) && !deeper_than(&json!("[[["), 0));
        assert_eq!(of_text(br#"["[[[{", {"\"[\\": "]"}, "\\"]"#), 2);
        assert_eq!(of_text(br#""[[["#), 0);
    }

    #[test]
    fn what_nests_too_deep_is_not_written_and_what_does_not_is_written_as_ever() {
        for levels in [0, 1, 30] {
            let mut bytes = Vec::new();
            write(&mut bytes, &nested(levels), 30).unwrap();
            assert_eq!(bytes, nested(levels).to_string().into_bytes());
        }
        for levels in [31, 32, 1_000] {
            let error = write(&mut Vec::new(), &nested(levels), 30).unwrap_err().to_string();
            assert!(error.contains("more than 30 levels"), "{error}");
        }
        // Levels that ended do not count.
        write(&mut Vec::new(), &json!([[1], [2], {"a": []}, []]), 3).unwrap();
        assert!(write(&mut Vec::new(), &json!([[1], [2], {"a": []}, []]), 2).is_err());
    }

    #[test]
    fn every_reader_takes_a_record_and_no_more() {
        let fits = nested(RECORD).to_string();
        assert!(serde_json::from_str::<Value>(&fits).is_ok());
        assert!(serde_json::from_str::<Value>(&nested(RECORD + 1).to_string()).is_err());
    }

    #[test]
    fn what_was_written_is_read_at_any_depth() {
        for levels in [1, RECORD, RECORD + 1, 1_000] {
            let value = nested(levels);
            assert_eq!(read::<Value>(value.to_string().as_bytes()).unwrap(), value);
        }
        for text in ["[1", "", &"[".repeat(300), &format!("{}1{} x", "[".repeat(300), "]".repeat(300))] {
            assert!(read::<Value>(text.as_bytes()).is_err(), "{text}");
        }
        // Everything that JSON has, within a value that only the own reader takes.
        let all =
            r#"{"a" : [ ], "b":{ } ,"\u0063\"": [1, -2.5e3, 18446744073709551615,true , false,null,"[\\",{"x":"}"}]}"#;
        let text = format!("{}{all}{}", "[ ".repeat(200), "\n]".repeat(200));
        let inner: Value = serde_json::from_str(all).unwrap();
        assert_eq!(read::<Value>(text.as_bytes()).unwrap(), (0..200).fold(inner, |inner, _| json!([inner])));
        for wrong in ["{1:2}", "{\"a\" 2}", "[1 2]", "[1,]", "{\"a\":1,}", "[1}", "nul", "\"", "[1],"] {
            let text = format!("{}{wrong}{}", "[".repeat(200), "]".repeat(200));
            assert!(read::<Value>(text.as_bytes()).is_err(), "{wrong}");
        }
        let far = "[".repeat(MOST + 1);
        assert!(read::<Value>(far.as_bytes()).unwrap_err().to_string().contains("at most 65536"));
    }
}
