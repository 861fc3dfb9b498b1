//! Which tasks of a run ran, and what became of them: from its records alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use huiyin_engine::record::{self, Entry};
use huiyin_flow::{Fact, FrameId, Opened};
use huiyin_journal::Journal;
use serde_json::Value;

/// One thing that happened to a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// It began.
    Began,
    /// It ended; its output, where the records tell it.
    Ended(Option<Arc<Value>>),
    /// It raised this error.
    Failed(Value),
}

/// What happened in a run, in order: a task's JSON pointer and what it was.
#[derive(Debug, Default)]
pub struct Trace(pub Vec<(Arc<str>, Happening)>);

/// Reads a run's trace.
///
/// # Errors
/// When a record cannot be read.
pub fn of(journal: &dyn Journal, run: &str) -> Result<Trace, String> {
    let mut reading = Reading::default();
    for found in journal.read_all(0).map_err(|e| e.to_string())? {
        let found = found.map_err(|e| e.to_string())?;
        for part in record::parts(&found).map_err(|e| e.to_string())? {
            if let Entry::RunTurn(turn) = part
                && turn.run == run
            {
                turn.facts.into_iter().for_each(|fact| reading.take(fact));
            }
        }
    }
    Ok(reading.trace)
}

#[derive(Default)]
struct Reading {
    trace: Trace,
    tasks: BTreeMap<FrameId, (Arc<str>, FrameId)>,
    data: BTreeMap<FrameId, Option<Arc<Value>>>,
    heard: BTreeMap<FrameId, Vec<Value>>,
}

impl Reading {
    fn tell(&mut self, task: Arc<str>, what: Happening) {
        self.trace.0.push((task, what));
    }

    fn now(&self, frame: FrameId) -> Option<Arc<Value>> {
        self.data.get(&frame).cloned().flatten()
    }

    fn take(&mut self, fact: Fact) {
        match fact {
            Fact::Start { input, .. } => {
                self.data.insert(FrameId(0), Some(input));
            }
            Fact::Prepared { data: Some(data), .. } => {
                self.data.insert(FrameId(0), Some(data));
            }
            Fact::Ran { frame, task, output, skipped: false, .. } => {
                let output = output.or_else(|| self.now(frame));
                self.data.insert(frame, output.clone());
                self.tell(Arc::clone(&task), Happening::Began);
                self.tell(task, Happening::Ended(output));
            }
            Fact::Entered { frame, parent, task, input, what, .. } => {
                let data = input.or_else(|| self.now(parent));
                self.tasks.insert(frame, (Arc::clone(&task), parent));
                match &what {
                    // What a fork gives is made of its branches' outputs.
                    Opened::Fork { branches, .. } => {
                        for branch in 1..=u64::from(*branches) {
                            self.data.insert(FrameId(frame.0 + branch), data.clone());
                        }
                        self.data.insert(frame, None);
                    }
                    _ => {
                        self.data.insert(frame, data);
                    }
                }
                if matches!(what, Opened::Listen { .. }) {
                    self.heard.insert(frame, Vec::new());
                }
                self.tell(task, Happening::Began);
            }
            Fact::Heard { frame, item, .. } => {
                self.heard.entry(frame).or_default().push(Value::clone(&item));
            }
            Fact::Caught { error, .. } | Fact::Faulted { error, .. } => {
                let error = serde_json::to_value(&*error).unwrap_or_default();
                let task: Arc<str> = error.get("instance").and_then(Value::as_str).unwrap_or_default().into();
                // A task that only raises is on record by its error alone.
                let before = self.tasks.len();
                self.tasks.retain(|_, (open, _)| *open != task);
                if self.tasks.len() == before {
                    self.tell(Arc::clone(&task), Happening::Began);
                }
                self.tell(task, failed(&error));
            }
            Fact::Left { frame, output, .. } => {
                let Some((task, parent)) = self.tasks.remove(&frame) else { return };
                let own = self.heard.remove(&frame).map(|heard| Arc::new(Value::Array(heard)));
                let output = output.or(own).or_else(|| self.now(frame));
                self.data.insert(parent, output.clone());
                self.tell(task, Happening::Ended(output));
            }
            _ => {}
        }
    }
}

fn failed(error: &Value) -> Happening {
    Happening::Failed(error.clone())
}

impl Trace {
    /// A task's happenings and their places, by its name or its pointer.
    pub fn task<'t>(&'t self, name: &'t str) -> impl Iterator<Item = (usize, &'t Happening)> {
        self.0.iter().enumerate().filter(move |(_, (task, _))| named(task, name)).map(|(at, (_, what))| (at, what))
    }

    /// Where a task began first.
    pub fn began(&self, name: &str) -> Option<usize> {
        self.task(name).find(|(_, what)| **what == Happening::Began).map(|(at, _)| at)
    }

    /// The tasks that began, in order.
    pub fn path(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, what)| *what == Happening::Began).map(|(task, _)| &**task).collect()
    }
}

/// Whether a pointer is that of the task of this name.
pub fn named(pointer: &str, name: &str) -> bool {
    pointer == name || pointer.rsplit('/').next() == Some(name)
}
