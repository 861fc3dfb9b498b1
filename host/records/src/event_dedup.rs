//! What a partition remembers about events: those it has taken in lately, so
//! that none is taken in twice; those it has not finished with. A function of
//! the journal, like all of [`crate::state::State`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::record::{EventDelivered, EventJudged, Gathered, Started, Undecided};

/// How many events a partition remembers to have taken in.
pub const REMEMBERED: usize = 10_000;

/// How long it remembers them.
pub const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Everything remembered about events.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct EventDedup {
    /// Events taken in, by their name.
    taken: BTreeMap<String, Taken>,
    /// The same names, in the order of coming.
    order: VecDeque<String>,
    /// Events that may start workflows whose filters must be evaluated first.
    pub undecided: BTreeMap<String, Pending>,
    /// Events that workflows have gathered which wait for several: by deployment and filter.
    pub gathered: BTreeMap<String, BTreeMap<u32, Arc<Value>>>,
    /// Runs that events start, until they are on record themselves.
    pub starting: BTreeMap<String, Starting>,
    /// Events to be passed on to the other partitions.
    pub relays: BTreeMap<String, Arc<Value>>,
}

/// An event taken in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Taken {
    /// When.
    pub at: Timestamp,
    /// How many runs it started or woke.
    pub runs: u32,
    /// The question that is open about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
}

/// An event about which something is undecided.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pending {
    /// The event.
    pub event: Arc<Value>,
    /// Its name, where it has one.
    pub once: Option<String>,
    /// What is undecided.
    pub about: Undecided,
}

/// A run that is to be started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Starting {
    /// The deployment.
    pub deployment: String,
    /// The data key of its records.
    pub key: String,
    /// What starts it.
    pub events: Vec<Arc<Value>>,
}

/// Names an event for [`EventDedup::taken`]: its unit, `source` and `id`, hashed,
/// since they may be long and say much.
pub fn name(unit: Option<&str>, event: &Value) -> String {
    let mut hash = Sha256::new();
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    for part in [unit.unwrap_or_default(), text("source"), text("id")] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}

impl EventDedup {
    /// What became of an event that was taken in before.
    pub fn taken(&self, once: &str, now: Timestamp) -> Option<&Taken> {
        self.taken.get(once).filter(|taken| now.duration_since(taken.at) <= REMEMBERED_FOR)
    }

    pub(crate) fn delivered(&mut self, x: &EventDelivered, time: Timestamp) {
        let event = Arc::new(x.event.clone());
        if let Some(once) = &x.once {
            let runs = (x.runs.len() + x.started.len()) as u32;
            let undecided = x.undecided.as_ref().map(|about| about.id.clone());
            self.remember(once.clone(), Taken { at: time, runs, undecided });
        }
        if let Some(about) = &x.undecided {
            let pending = Pending { event: Arc::clone(&event), once: x.once.clone(), about: about.clone() };
            self.undecided.insert(about.id.clone(), pending);
        }
        if let Some(relay) = &x.relay {
            self.relays.insert(relay.id.clone(), Arc::clone(&event));
        }
        self.gather(&event, &x.gathered);
        self.start(&event, &x.started);
    }

    pub(crate) fn judged(&mut self, x: &EventJudged) {
        let Some(pending) = self.undecided.remove(&x.id) else { return };
        if let Some(taken) = pending.once.and_then(|once| self.taken.get_mut(&once)) {
            taken.undecided = None;
            taken.runs += x.started.len() as u32;
        }
        self.gather(&pending.event, &x.gathered);
        self.start(&pending.event, &x.started);
    }

    fn remember(&mut self, once: String, taken: Taken) {
        let now = taken.at;
        if self.taken.insert(once.clone(), taken).is_none() {
            self.order.push_back(once);
        }
        while let Some(oldest) = self.order.front() {
            let old = self.taken.get(oldest).is_none_or(|taken| now.duration_since(taken.at) > REMEMBERED_FOR);
            if self.order.len() <= REMEMBERED && !old {
                break;
            }
            if let Some(oldest) = self.order.pop_front() {
                self.taken.remove(&oldest);
            }
        }
    }

    fn gather(&mut self, event: &Arc<Value>, gathered: &[Gathered]) {
        for Gathered { deployment, filter } in gathered {
            self.gathered.entry(deployment.clone()).or_default().insert(*filter, Arc::clone(event));
        }
    }

    fn start(&mut self, event: &Arc<Value>, started: &[Started]) {
        for Started { deployment, run, key } in started {
            // Those it had gathered, in the order of the filters; else this one alone.
            let events = match self.gathered.remove(deployment) {
                Some(gathered) => gathered.into_values().collect(),
                None => vec![Arc::clone(event)],
            };
            let starting = Starting { deployment: deployment.clone(), key: key.clone(), events };
            self.starting.insert(run.clone(), starting);
        }
    }
}
