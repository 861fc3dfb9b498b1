//! What was asked under a name of the asker's own choice, so that asking again
//! does nothing again: runs by their ids, commands by their `Idempotency-Key`.
//! A function of the journal, like all of [`crate::state::State`]; it outlives
//! what the asking came to. Only hashes are kept, and what a command answered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// How many ids of runs a partition remembers that their askers chose.
pub const RUNS: usize = 50_000;

/// How long it remembers them: longer than what the runs came to.
pub const RUNS_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many commands with a key a partition remembers.
pub const COMMANDS: usize = 10_000;

/// How long it remembers them.
pub const COMMANDS_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the answers of all of them may take together, in bytes as JSON; beyond it the oldest are forgotten.
pub const ANSWER_BYTES: u64 = 16 << 20;

/// A command that carries a key, as its record has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keyed {
    /// The key's name ([`command_name`]).
    pub name: String,
    /// What was asked, hashed ([`fingerprint`]).
    pub asked: String,
    /// What was answered.
    #[serde(default)]
    pub answer: Value,
}

/// Everything remembered of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Once {
    runs: Memory,
    commands: Memory,
}

/// Names in the order of coming.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Row>", into = "Vec<Row>")]
struct Memory {
    known: BTreeMap<Arc<str>, Known>,
    order: VecDeque<Arc<str>>,
    /// What all answers take, in bytes.
    bytes: u64,
}

/// A name, what was asked, when, and the answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row(Arc<str>, Arc<str>, Timestamp, Arc<Value>);

#[derive(Debug, Clone)]
struct Known {
    asked: Arc<str>,
    at: Timestamp,
    answer: Arc<Value>,
    bytes: u64,
}

impl Memory {
    fn remember(&mut self, row: Row, most: usize, most_bytes: u64, long: SignedDuration) {
        let Row(name, asked, at, answer) = row;
        let bytes = if answer.is_null() { 0 } else { huiyin_flow::json_bytes(&*answer) };
        self.bytes += bytes;
        match self.known.insert(Arc::clone(&name), Known { asked, at, answer, bytes }) {
            Some(before) => self.bytes -= before.bytes,
            None => self.order.push_back(name),
        }
        while let Some(oldest) = self.order.front() {
            let old = self.known.get(oldest).is_none_or(|known| at.duration_since(known.at) > long);
            if self.order.len() <= most && self.bytes <= most_bytes && !old {
                break;
            }
            if let Some(oldest) = self.order.pop_front()
                && let Some(gone) = self.known.remove(&oldest)
            {
                self.bytes -= gone.bytes;
            }
        }
    }

    fn get(&self, name: &str, now: Timestamp, long: SignedDuration) -> Option<&Known> {
        self.known.get(name).filter(|known| now.duration_since(known.at) <= long)
    }
}

impl From<Vec<Row>> for Memory {
    fn from(rows: Vec<Row>) -> Memory {
        let mut memory = Memory::default();
        for row in rows {
            memory.remember(row, usize::MAX, u64::MAX, SignedDuration::MAX);
        }
        memory
    }
}

impl From<Memory> for Vec<Row> {
    fn from(memory: Memory) -> Vec<Row> {
        let row = |name: &Arc<str>| {
            let known = memory.known.get(name)?;
            Some(Row(Arc::clone(name), Arc::clone(&known.asked), known.at, Arc::clone(&known.answer)))
        };
        memory.order.iter().filter_map(row).collect()
    }
}

impl Once {
    /// What a run of this id was asked to do, if its asker chose the id.
    pub fn run(&self, run: &str, now: Timestamp) -> Option<&str> {
        self.runs.get(&run_name(run), now, RUNS_FOR).map(|known| &*known.asked)
    }

    /// What was asked under a command's key, and answered.
    pub fn command(&self, name: &str, now: Timestamp) -> Option<(&str, &Arc<Value>)> {
        self.commands.get(name, now, COMMANDS_FOR).map(|known| (&*known.asked, &known.answer))
    }

    /// Every name that is remembered.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.runs.order.iter().chain(&self.commands.order)
    }

    pub(crate) fn run_started(&mut self, run: &str, asked: &str, at: Timestamp) {
        let row = Row(run_name(run).into(), asked.into(), at, Arc::default());
        self.runs.remember(row, RUNS, u64::MAX, RUNS_FOR);
    }

    pub(crate) fn command_done(&mut self, keyed: &Keyed, at: Timestamp) {
        let row = Row(keyed.name.as_str().into(), keyed.asked.as_str().into(), at, Arc::new(keyed.answer.clone()));
        self.commands.remember(row, COMMANDS, ANSWER_BYTES, COMMANDS_FOR);
    }
}

/// Names a run's id.
pub fn run_name(run: &str) -> String {
    named("run", &[run])
}

/// Names a command's key, which is the actor's own: another's may be the same.
pub fn command_name(actor: &str, key: &str) -> String {
    named("command", &[actor, key])
}

fn named(kind: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(&kind).chain(parts) {
        text(&mut hash, part);
    }
    hex::encode(&hash.finalize()[..16])
}

/// What is asked: the same for the same, whatever the order of keys.
pub fn fingerprint(about: &[&str], value: &Value) -> String {
    let mut hash = Sha256::new();
    for part in about {
        text(&mut hash, part);
    }
    feed(&mut hash, value);
    hex::encode(&hash.finalize()[..16])
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

/// Each value with its kind and length, so that no two give the same bytes.
/// As deep as a value is, which every door bounds.
fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(truth) => hash.update(if *truth { b"t" } else { b"f" }),
        Value::Number(number) => {
            hash.update(b"d");
            text(hash, &number.to_string());
        }
        Value::String(words) => {
            hash.update(b"s");
            text(hash, words);
        }
        Value::Array(list) => {
            hash.update(b"a");
            hash.update((list.len() as u64).to_be_bytes());
            for value in list {
                feed(hash, value);
            }
        }
        Value::Object(map) => {
            hash.update(b"o");
            hash.update((map.len() as u64).to_be_bytes());
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            for key in keys {
                text(hash, key);
                feed(hash, map.get(key).unwrap_or(&Value::Null));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn the_same_is_the_same_whatever_the_order_of_keys() {
        let one: Value = serde_json::from_str(r#"{"a": 1, "b": [{"c": 2, "d": "x"}]}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"b": [{"d": "x", "c": 2}], "a": 1}"#).unwrap();
        assert_eq!(fingerprint(&["w"], &one), fingerprint(&["w"], &two));
        let others =
            [json!({"a": "1", "b": [{"c": 2, "d": "x"}]}), json!({"a": 1, "b": [{"c": 2}, {"d": "x"}]}), json!([])];
        for other in others {
            assert_ne!(fingerprint(&["w"], &one), fingerprint(&["w"], &other));
        }
        assert_ne!(fingerprint(&["ab", "c"], &one), fingerprint(&["a", "bc"], &one));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_reads_back() {
        let mut once = Once::default();
        for n in 0..RUNS + 10 {
            once.run_started(&format!("r{n}"), "x", at(1_000));
        }
        assert_eq!((once.run("r9", at(1_000)), once.run("r10", at(1_000))), (None, Some("x")));
        assert_eq!(once.run("r10", at(1_001) + RUNS_FOR), None);
        for n in 0..3 {
            let keyed = Keyed { name: format!("k{n}"), asked: "y".to_owned(), answer: json!("z".repeat(6 << 20)) };
            once.command_done(&keyed, at(1_000));
        }
        assert!(once.command("k0", at(1_000)).is_none() && once.command("k2", at(1_000)).is_some());
        let text = serde_json::to_string(&once).unwrap();
        let read: Once = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(read.commands.bytes, once.commands.bytes);
        // What is older than it is remembered goes with the next that comes.
        once.run_started("late", "x", at(1_001) + RUNS_FOR);
        assert_eq!(once.runs.order.len(), 1);
    }
}
