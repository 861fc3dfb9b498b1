//! How large values are: in bytes of JSON, the one measure that people can
//! check and that the limit of a payload speaks of; and how deep they may nest.

use std::sync::Arc;

use huiyin_json::{depth, memory};
use serde::Serialize;
use serde_json::Value;

use crate::error::{ErrorKind, FlowError};
use crate::fact::{Fact, Opened};
use crate::request::Request;

/// The bytes that a value takes as compact JSON.
pub fn json_bytes(value: &impl Serialize) -> u64 {
    struct Counter(u64);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // What cannot be counted is more than anybody allows.
    serde_json::to_writer(&mut counter, value).map_or(u64::MAX, |()| counter.0)
}

/// How many bytes of JSON a value takes, if that is more than `limit`.
/// Costs next to nothing for a small one.
pub fn more_than(value: &Value, limit: u64) -> Option<u64> {
    match misfit(value, limit, usize::MAX) {
        Some(Misfit::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}

/// Bytes of memory that a value may take for each byte that it may take as JSON: a list of small values takes 36 times
/// its text there, and so much is copied, kept and written, whatever the text says.
pub const MEMORY: u64 = 8;

/// At most, for each byte of [`at_most`]: a field with an empty name in an object of its own.
const DENSEST: u64 = 64;

/// Why a value cannot be a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// It takes so many bytes as JSON.
    Bytes(u64),
    /// It takes so many bytes in memory, more than [`MEMORY`] times the limit.
    Memory(u64),
    /// It nests deeper than so many levels.
    Deep(usize),
}

/// Why a value cannot be a payload of at most so many bytes and levels. Costs next to nothing for a small one.
pub fn misfit(value: &Value, limit: u64, levels: usize) -> Option<Misfit> {
    let Some(most) = at_most(value, levels) else { return Some(Misfit::Deep(levels)) };
    if most > limit
        && let Some(bytes) = Some(json_bytes(value)).filter(|bytes| *bytes > limit)
    {
        return Some(Misfit::Bytes(bytes));
    }
    let room = limit.saturating_mul(MEMORY);
    // No value takes more than so much for each byte of the quick answer.
    if most.saturating_mul(DENSEST) <= room {
        return None;
    }
    Some(memory(value)).filter(|bytes| *bytes > room).map(Misfit::Memory)
}

/// Not less than the bytes of JSON, and quick to say. None where it nests deeper than so many levels.
fn at_most(value: &Value, levels: usize) -> Option<u64> {
    // A byte of text becomes `\u0000` at the worst; no number takes more than 26 (RFC 8259, f64).
    let text = |text: &str| 6 * text.len() as u64 + 2;
    Some(match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 26,
        Value::String(string) => text(string),
        Value::Array(items) => {
            let left = levels.checked_sub(1)?;
            items.iter().try_fold(2, |sum, item| Some(sum + at_most(item, left)? + 1))?
        }
        Value::Object(fields) => {
            let left = levels.checked_sub(1)?;
            fields.iter().try_fold(2, |sum, (name, value)| Some(sum + text(name) + at_most(value, left)? + 2))?
        }
    })
}

/// About how many bytes a value takes, never more than [`at_most`].
pub(crate) fn about(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(items) => items.iter().fold(2, |sum, item| sum + about(item) + 1),
        Value::Object(fields) => fields.iter().fold(2, |sum, (name, value)| sum + name.len() as u64 + about(value) + 4),
    }
}

/// What an event is called.
const EVENT: &str = "event";

/// Tells every value that a fact adds, with what it is.
fn each<'f>(fact: &'f Fact, with: &mut dyn FnMut(&'static str, &'f Value)) {
    match fact {
        Fact::Start { input, .. } => with("input", input),
        Fact::Prepared { data, .. } => some(with, "input", data.as_ref()),
        Fact::Ran { output, context, event, .. } => {
            some(with, "output", output.as_ref());
            some(with, "exported context", context.as_ref());
            some(with, EVENT, event.as_ref());
        }
        Fact::Entered { input, what, .. } => {
            some(with, "input", input.as_ref());
            match what {
                Opened::For { items } => with("list", items),
                Opened::Call { with: arguments, .. } | Opened::Run { with: arguments, .. } => {
                    with("arguments", arguments);
                }
                Opened::Function { with: Some(arguments) } => with("arguments", arguments),
                Opened::Request { request, .. } => match &**request {
                    Request::Http(asked) => {
                        asked.body.iter().for_each(|body| with("body", body));
                        asked.headers.values().chain(asked.query.values()).for_each(|value| with("request", value));
                    }
                    Request::OpenApi(asked) => asked.parameters.values().for_each(|value| with("parameters", value)),
                },
                _ => {}
            }
        }
        Fact::Heard { item, .. } => with(EVENT, item),
        Fact::Iterated { output, context, .. }
        | Fact::Passed { output, context, .. }
        | Fact::Left { output, context, .. } => {
            some(with, "output", output.as_ref());
            some(with, "exported context", context.as_ref());
        }
        Fact::Reopened { input, .. } => some(with, "input", input.as_ref()),
        Fact::Completed { output } => with("output", output),
        _ => {}
    }
}

fn some<'f>(with: &mut dyn FnMut(&'static str, &'f Value), what: &'static str, value: Option<&'f Arc<Value>>) {
    if let Some(value) = value {
        with(what, value);
    }
}

/// About how many bytes of values a fact brings.
pub(crate) fn brought(fact: &Fact) -> u64 {
    let mut bytes = 0;
    each(fact, &mut |_, value| bytes += about(value));
    bytes
}

/// The error for a fact with a value that is more than a payload may be.
pub(crate) fn fits(fact: Fact, limit: u64) -> Result<Fact, FlowError> {
    let mut error = None;
    each(&fact, &mut |what, value| {
        if error.is_none()
            && let Some(misfit) = misfit(value, limit, levels_of(what))
        {
            error = Some(too_much(what, misfit, limit));
        }
    });
    error.map_or(Ok(fact), Err)
}

/// How deep it may nest, by what it is.
fn levels_of(what: &str) -> usize {
    if what == EVENT { depth::EVENT } else { depth::VALUE }
}

/// The error for a value that is more than a payload may be.
pub(crate) fn too_much(what: &str, misfit: Misfit, limit: u64) -> FlowError {
    let detail = match misfit {
        Misfit::Bytes(bytes) => format!(
            "the {what} takes {bytes} bytes as JSON, a payload may take {limit}; pass on less of it, or let an admin raise `limits.payloadBytes`"
        ),
        Misfit::Memory(bytes) => format!(
            "the {what} takes {bytes} bytes in memory, since it is made of so many small values; a payload may take {} there; pass on less of it, or let an admin raise `limits.payloadBytes`",
            limit.saturating_mul(MEMORY)
        ),
        Misfit::Deep(levels) => format!(
            "the {what} nests more than {levels} levels deep; pass on what is further in, or make it text (`tojson`)"
        ),
    };
    FlowError::new(ErrorKind::Runtime, detail).with_status(413)
}

/// The error for a run that holds more than it may.
pub(crate) fn too_heavy(bytes: u64, limit: u64) -> FlowError {
    let detail = format!(
        "the run holds {bytes} bytes as JSON, it may hold {limit}; keep less in its data and `$context`, or let an admin raise `limits.stateBytes`"
    );
    FlowError::new(ErrorKind::Runtime, detail).with_status(413)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn no_value_takes_more_than_the_quick_answer(text in ".{0,40}", number in any::<f64>(), whole in any::<i64>()) {
            let value = json!({&*text: [text, number, whole, null, true], "b": {"c": text}});
            let bytes = value.to_string().len() as u64;
            prop_assert_eq!(json_bytes(&value), bytes);
            let most = at_most(&value, 2).unwrap();
            prop_assert!(most >= bytes && about(&value) <= most && at_most(&value, 1).is_none());
            prop_assert_eq!(more_than(&value, bytes), None);
            prop_assert_eq!(more_than(&value, bytes - 1), Some(bytes));
            // A value this small may take more room than its few bytes give it.
            let dense = Some(memory(&value)).filter(|room| *room > bytes * MEMORY).map(Misfit::Memory);
            prop_assert_eq!(misfit(&value, bytes, 2), dense);
            prop_assert_eq!(misfit(&value, bytes, 1), Some(Misfit::Deep(1)));
            prop_assert!(memory(&value) <= most * DENSEST);
        }
    }

    #[test]
    fn small_values_count_by_what_they_take_in_memory() {
        let limit = 1 << 10;
        for dense in [json!(vec![0; 500]), json!(vec![json!([]); 300]), json!(vec![json!({"": 0}); 120])] {
            assert!(json_bytes(&dense) < limit);
            assert_eq!(misfit(&dense, limit, 9), Some(Misfit::Memory(memory(&dense))));
            assert!(memory(&dense) <= at_most(&dense, 9).unwrap() * DENSEST);
        }
        assert_eq!(misfit(&json!({"title": "x".repeat(700), "tags": ["a", "b"]}), limit, 9), None);
        assert_eq!(misfit(&json!("x".repeat(1100)), limit, 9), Some(Misfit::Bytes(1102)));
    }
}
