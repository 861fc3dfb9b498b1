//! What a partition knows: a function of its journal, and nothing else (rule 1).
//!
//! `apply` is the only way in. It evaluates no expression, asks no plugin and
//! looks at no clock; the live host and a reload go through the same code.

mod apply;
mod endings;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use huiyin_desk::Desk;
use huiyin_flow::{FlowError, RunState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::bindings::Bindings;
pub use crate::ended::{Ended, FinishedRun};
use crate::event_dedup::EventDedup;
use crate::once::Once;
pub use crate::plugins::{Given, Installed, Plugins};
use crate::record::{DeploymentIntended, Parent, Pin, RunReopened};

/// Finished runs kept for those who ask afterwards.
pub const FINISHED_KEPT: usize = 1_000;

/// Runs that did not end well are kept longer, so that they can be set to work again.
pub const FAILED_KEPT: usize = 10_000;

/// What the interpreter remembers of all finished runs together, in bytes,
/// about; beyond it the oldest can still be looked at, and not be set to work again.
pub const REOPENABLE_BYTES: u64 = 64 << 20;

/// A result of so many bytes is kept as long as its run; of larger ones as many
/// as fit into [`REOPENABLE_BYTES`] with the rest.
pub const SMALL_RESULT: u64 = 4 << 10;

/// Everything one partition knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The last record applied; 0 for none.
    pub seq: u64,
    /// The units that live here.
    pub units: BTreeSet<String>,
    /// Items, cases, clocks.
    pub desk: Desk,
    /// Deployed workflows by deployment digest.
    pub deployments: BTreeMap<String, Deployment>,
    /// Running runs by id.
    pub runs: BTreeMap<String, Run>,
    /// The latest finished runs, oldest first.
    pub finished: Ended,
    /// Earlier ones that did not end well, oldest first.
    #[serde(default)]
    pub failed: Ended,
    /// What all of them together remember, in bytes.
    #[serde(default)]
    pub remembered: u64,
    /// Runs ever started here.
    pub started: u64,
    /// Sources by `<unit>/<name>`.
    pub sources: BTreeMap<String, Source>,
    /// What plugins keep of their own, by owner and key.
    pub kv: BTreeMap<String, BTreeMap<String, String>>,
    /// What each deployment's schedule has come to.
    pub schedules: BTreeMap<String, Fired>,
    /// The text that the configuration last brought into force, SHA-256 in hex, by `name@unit`.
    #[serde(default)]
    pub configured: BTreeMap<String, String>,
    /// Schedules that a person paused, by [`schedule_name`].
    #[serde(default)]
    pub paused: BTreeMap<String, Pause>,
    /// Runs that are to be cancelled because another took their place.
    #[serde(default)]
    pub replaced: BTreeSet<String>,
    /// What is remembered about events.
    #[serde(default)]
    pub heard: EventDedup,
    /// What was asked under names of the askers' own choice.
    #[serde(default)]
    pub once: Once,
    /// What people chose for slots, what was set aside, what is watched.
    #[serde(default)]
    pub bindings: Bindings,
    /// How far each sink of lifecycle events has come.
    #[serde(default)]
    pub sinks: BTreeMap<String, SinkPlace>,
    /// What people installed and granted; in the first partition only.
    #[serde(default)]
    pub plugins: Plugins,
    /// The deployment that is being carried out; in the first partition only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended: Option<Arc<DeploymentIntended>>,
}

/// A workflow in force, or one that runs still need.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    /// The workflow's `namespace/name`.
    pub name: String,
    /// The unit it serves.
    pub unit: Option<String>,
    /// The document's text.
    pub text: Arc<str>,
    /// What each function is pinned to.
    pub pins: BTreeMap<String, Pin>,
    /// True while it takes new runs.
    pub active: bool,
    /// When it came into force.
    pub since: Timestamp,
    /// Who deployed it; none where the configuration asked for it.
    #[serde(default)]
    pub by: Option<String>,
}

impl Deployment {
    /// The components that it is pinned to.
    pub fn digests(&self) -> BTreeSet<String> {
        self.pins.values().map(|pin| pin.digest.clone()).collect()
    }
}

/// A running run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// What it runs.
    pub deployment: String,
    /// What started it.
    pub trigger: String,
    /// The data key of its records.
    pub key: String,
    /// When it started.
    pub started: Timestamp,
    /// Its input, until the first turn has taken it in.
    pub input: Option<Arc<Value>>,
    /// The interpreter's state.
    pub flow: Arc<RunState>,
    /// Events delivered and not yet taken in.
    pub inbox: VecDeque<Arc<Value>>,
    /// Effects tried and not yet settled, by call.
    pub effects: BTreeMap<String, EffectState>,
    /// Why it stopped for a person, if it did.
    pub quarantined: Option<String>,
    /// The call for whose sake it did, if it is for one.
    #[serde(default)]
    pub doubtful: Option<String>,
    /// The run that runs it.
    #[serde(default)]
    pub parent: Option<Parent>,
    /// It was set to work again, until the first turn has taken that in.
    #[serde(default)]
    pub reopened: Option<RunReopened>,
    /// The record with which it started.
    #[serde(default)]
    pub first: u64,
}

impl Run {
    fn take_in(&mut self, events: u32) {
        for _ in 0..events {
            self.inbox.pop_front();
        }
    }
}

/// An effect between its intention and its outcome.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EffectState {
    /// Tries so far.
    pub attempt: u32,
    /// The plugin called, `name:version`.
    pub plugin: String,
    /// The component, SHA-256 hex.
    pub digest: String,
    /// Why nobody knows whether it happened, once that is so.
    pub unknown: Option<String>,
    /// Its outcome, until the run has taken it in.
    pub settled: Option<Result<Value, FlowError>>,
    /// What a request asks for.
    #[serde(default)]
    pub target: Option<String>,
    /// Repeating it does no harm: by the method of a request.
    #[serde(default)]
    pub repeatable: bool,
    /// The run of another workflow that it stands for.
    #[serde(default)]
    pub child: Option<String>,
    /// Why nobody knows what came of an earlier try, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl EffectState {
    fn of(attempt: u32, plugin: String) -> EffectState {
        EffectState {
            attempt,
            plugin,
            digest: String::new(),
            unknown: None,
            settled: None,
            target: None,
            repeatable: false,
            child: None,
            doubt: None,
        }
    }

    /// It was tried, or is being tried, and nobody has said what became of it.
    pub fn open(&self) -> bool {
        self.unknown.is_none() && self.settled.is_none() && self.child.is_none()
    }
}

/// What is known of a source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Source {
    /// Where to go on reading.
    pub cursor: Option<String>,
    /// Readings so far.
    pub polls: u64,
    /// The reading under way.
    pub polling: Option<u64>,
    /// When the last reading was due.
    pub last_due: Option<Timestamp>,
    /// When a reading last succeeded.
    pub last_ok: Option<Timestamp>,
    /// When it last brought an item.
    pub last_item: Option<Timestamp>,
    /// The last reading's error, if it failed.
    pub error: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// Do not read before.
    pub not_before: Option<Timestamp>,
    /// Items taken in, seen before or not.
    pub items: u64,
    /// The last page said that there is more at once.
    pub more: bool,
    /// Items that were known already, or stood twice in a page.
    #[serde(default)]
    pub known: u64,
    /// Pages in a row that brought nothing new and said that there is more.
    #[serde(default)]
    pub idle: u32,
    /// How long the pause after the last failure is, in seconds.
    #[serde(default)]
    pub pause: i64,
}

/// Pages without news in a row after which a source that says that there is
/// more waits for its schedule. As many as a cursor set back may go through.
pub const IDLE_PAGES: u32 = 100;

impl Source {
    /// It asks again and again without anything new, and is held to its schedule.
    pub fn idles(&self) -> bool {
        self.idle >= IDLE_PAGES
    }
}

/// What a schedule has come to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Fired {
    /// The last time that was decided about.
    pub due: Option<Timestamp>,
    /// When a run of it last ended.
    pub ended: Option<Timestamp>,
    /// Times that wait for the run before them to end, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Timestamp>,
    /// What `every` counts from, where that is not the deployment's beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Timestamp>,
    /// No time up to this is looked at, where that is not the deployment's beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// Who paused a schedule, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// How far a sink has come; see [`crate::record::SinkAdvanced`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkPlace {
    /// The index of the first record whose events it may not have yet.
    pub next: u64,
    /// The index of the earliest record that is needed to understand those after.
    pub floor: u64,
    /// Events that were given up for good.
    pub given_up: u64,
}

/// A workflow's schedule by name: it outlives the workflow's versions.
pub fn schedule_name(unit: Option<&str>, workflow: &str) -> String {
    format!("{}/{workflow}", unit.unwrap_or("-"))
}

/// Why a record could not be applied: the journal holds something that this
/// state cannot have led to.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ApplyError(pub String);

/// A workflow and whom it serves, as a key.
pub fn place(name: &str, unit: Option<&str>) -> String {
    format!("{name}@{}", unit.unwrap_or_default())
}

/// Tells one text of a workflow from another.
pub fn text_digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
