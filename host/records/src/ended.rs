//! Runs that have ended, as far as they are still known: a list in the order of
//! their ends that can say at once that a run is not in it. It must never hold
//! more than that: what is forgotten, and when, is the state's business.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Deref;
use std::sync::Arc;

use huiyin_flow::RunState;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::record::Parent;

/// A run that has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FinishedRun {
    /// Its id.
    pub run: String,
    /// What it ran.
    pub deployment: String,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// `completed`, `faulted` or `cancelled`.
    pub status: String,
    /// The output, or the error.
    pub result: Value,
    /// What started it.
    #[serde(default)]
    pub trigger: String,
    /// The data key of its records.
    #[serde(default)]
    pub key: String,
    /// The run that ran it.
    #[serde(default)]
    pub parent: Option<Parent>,
    /// The record with which it started.
    #[serde(default)]
    pub first: u64,
    /// The record with which it ended.
    #[serde(default)]
    pub last: u64,
    /// What the interpreter remembers, while there is room for it.
    #[serde(default)]
    pub flow: Option<Arc<RunState>>,
    /// What it takes, in bytes, about ([`RunState::footprint`]).
    #[serde(default)]
    pub weight: u64,
    /// The result was large and is no longer kept here: it stands in the record with which the run ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgotten: bool,
}

impl FinishedRun {
    /// A copy that is small whatever the run gave.
    #[must_use]
    pub fn without_result(&self) -> FinishedRun {
        FinishedRun {
            run: self.run.clone(),
            deployment: self.deployment.clone(),
            started: self.started,
            ended: self.ended,
            status: self.status.clone(),
            result: Value::Null,
            trigger: self.trigger.clone(),
            key: self.key.clone(),
            parent: self.parent.clone(),
            first: self.first,
            last: self.last,
            flow: self.flow.clone(),
            weight: self.weight,
            forgotten: self.forgotten,
        }
    }
}

/// Runs that have ended, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    runs: VecDeque<Arc<FinishedRun>>,
    /// How many of them have an id with this hash: nearly every start asks for one that is not here.
    hashes: HashMap<u64, u32>,
    hasher: RandomState,
}

impl Ended {
    /// The latest run with this id.
    pub fn find(&self, run: &str) -> Option<&Arc<FinishedRun>> {
        self.hashes.contains_key(&self.hasher.hash_one(run)).then(|| self.runs.iter().rev().find(|f| f.run == run))?
    }

    pub(crate) fn push_back(&mut self, run: Arc<FinishedRun>) {
        *self.hashes.entry(self.hasher.hash_one(&run.run)).or_default() += 1;
        self.runs.push_back(run);
    }

    pub(crate) fn pop_front(&mut self) -> Option<Arc<FinishedRun>> {
        self.remove(0)
    }

    pub(crate) fn remove(&mut self, at: usize) -> Option<Arc<FinishedRun>> {
        let run = self.runs.remove(at)?;
        let hash = self.hasher.hash_one(&run.run);
        if let Some(count) = self.hashes.get_mut(&hash) {
            *count -= 1;
            if *count == 0 {
                self.hashes.remove(&hash);
            }
        }
        Some(run)
    }

    /// To change anything but an id.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Arc<FinishedRun>> {
        self.runs.iter_mut()
    }
}

impl Deref for Ended {
    type Target = VecDeque<Arc<FinishedRun>>;

    fn deref(&self) -> &VecDeque<Arc<FinishedRun>> {
        &self.runs
    }
}

impl<'a> IntoIterator for &'a Ended {
    type Item = &'a Arc<FinishedRun>;
    type IntoIter = std::collections::vec_deque::Iter<'a, Arc<FinishedRun>>;

    fn into_iter(self) -> Self::IntoIter {
        self.runs.iter()
    }
}

impl Serialize for Ended {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.runs.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ended {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ended, D::Error> {
        let mut all = Ended::default();
        for run in VecDeque::<Arc<FinishedRun>>::deserialize(deserializer)? {
            all.push_back(run);
        }
        Ok(all)
    }
}
