//! What a partition knows: a function of its journal, and nothing else (rule 1).
//!
//! `apply` is the only way in. It evaluates no expression, asks no plugin and
//! looks at no clock; the live host and a reload go through the same code.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use huiyin_desk::Desk;
use huiyin_flow::{FlowError, Outcome, RunState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::record::{Entry, KvSet, Pin};

/// Finished runs kept for those who ask afterwards.
pub const FINISHED_KEPT: usize = 1_000;

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
    pub finished: VecDeque<FinishedRun>,
    /// Runs ever started here.
    pub started: u64,
    /// Sources by `<unit>/<name>`.
    pub sources: BTreeMap<String, Source>,
    /// What plugins keep of their own, by owner and key.
    pub kv: BTreeMap<String, BTreeMap<String, String>>,
    /// When each deployment's schedule last fired.
    pub schedules: BTreeMap<String, Fired>,
    /// The text that the configuration last brought into force, SHA-256 in hex, by `name@unit`.
    #[serde(default)]
    pub configured: BTreeMap<String, String>,
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
}

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
}

/// When a schedule last fired.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Fired {
    /// The time it was due.
    pub due: Option<Timestamp>,
    /// When a run of it last ended.
    pub ended: Option<Timestamp>,
}

/// Why a record could not be applied: the journal holds something that this
/// state cannot have led to.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ApplyError(pub String);

impl State {
    /// Applies one record, written at `time`.
    ///
    /// # Errors
    /// When the record names something that earlier records did not make.
    pub fn apply(&mut self, entry: &Entry, time: Timestamp) -> Result<(), ApplyError> {
        match entry {
            Entry::UnitPlaced(x) => {
                self.units.insert(x.unit.clone());
            }
            Entry::WorkflowDeployed(x) => self.deploy(x, time),
            Entry::WorkflowWithdrawn(x) => {
                if let Some(deployment) = self.deployments.get_mut(&x.deployment) {
                    deployment.active = false;
                }
                self.forget_deployments();
            }
            Entry::RunStarted(x) => {
                self.deployment(&x.deployment)?;
                self.started += 1;
                self.runs.insert(
                    x.run.clone(),
                    Run {
                        deployment: x.deployment.clone(),
                        trigger: x.trigger.clone(),
                        key: x.key.clone(),
                        started: time,
                        input: Some(Arc::new(x.input.clone())),
                        flow: Arc::new(RunState::default()),
                        inbox: VecDeque::new(),
                        effects: BTreeMap::new(),
                        quarantined: None,
                    },
                );
            }
            Entry::RunTurn(x) => {
                let run = self.run_mut(&x.run)?;
                let flow = Arc::make_mut(&mut run.flow);
                for fact in &x.facts {
                    huiyin_flow::apply(flow, fact).map_err(|e| ApplyError(format!("run {}: {e}", x.run)))?;
                }
                run.take_in(x.consumed);
                self.after_turn(&x.run, time);
            }
            Entry::EventDelivered(x) => {
                let event = Arc::new(x.event.clone());
                // A run whose own records were redacted is not there to take it in.
                for id in &x.runs {
                    if let Some(run) = self.runs.get_mut(id) {
                        run.inbox.push_back(Arc::clone(&event));
                    }
                }
            }
            Entry::RunQuarantined(x) => {
                self.run_mut(&x.run)?.quarantined = Some(x.reason.clone());
            }
            Entry::EffectIntended(x) => {
                self.run_mut(&x.run)?.effects.insert(
                    x.call.clone(),
                    EffectState {
                        attempt: x.attempt,
                        plugin: x.plugin.clone(),
                        digest: x.digest.clone(),
                        unknown: None,
                        settled: None,
                    },
                );
            }
            Entry::EffectSettled(x) => {
                self.keep(&x.kv);
                // A core function is settled at once, without an intention before.
                let effect = self.run_mut(&x.run)?.effects.entry(x.call.clone()).or_insert_with(|| EffectState {
                    attempt: x.attempt,
                    plugin: String::new(),
                    digest: String::new(),
                    unknown: None,
                    settled: None,
                });
                effect.settled = Some(x.outcome.clone());
            }
            Entry::EffectUnknown(x) => {
                if let Some(effect) = self.run_mut(&x.run)?.effects.get_mut(&x.call) {
                    effect.unknown = Some(x.reason.clone());
                }
            }
            Entry::SourcePolled(x) => {
                let source = self.sources.entry(x.source.clone()).or_default();
                source.polls = x.poll;
                source.polling = Some(x.poll);
                source.last_due = Some(x.due);
            }
            Entry::SourcePage(x) => {
                for fact in &x.facts {
                    self.desk.apply(fact);
                }
                self.keep(&x.kv);
                let source = self.sources.entry(x.source.clone()).or_default();
                source.polling = None;
                if x.cursor.is_some() {
                    source.cursor.clone_from(&x.cursor);
                }
                source.last_ok = Some(time);
                source.error = None;
                source.failures = 0;
                source.not_before = None;
                source.items += u64::from(x.items);
                source.more = x.more;
                if x.items > 0 {
                    source.last_item = Some(time);
                }
            }
            Entry::SourceFailed(x) => {
                let source = self.sources.entry(x.source.clone()).or_default();
                source.polling = None;
                source.more = false;
                source.error = Some(x.error.clone());
                source.failures = source.failures.saturating_add(1);
                source.not_before = x.not_before;
            }
            Entry::ScheduleFired(x) => {
                self.schedules.entry(x.deployment.clone()).or_default().due = Some(x.due);
            }
            Entry::DeskDecided(x) => {
                for fact in &x.facts {
                    self.desk.apply(fact);
                }
            }
            Entry::SnapshotTaken(_) => {}
        }
        Ok(())
    }

    fn keep(&mut self, sets: &[KvSet]) {
        for set in sets {
            let own = self.kv.entry(set.owner.clone()).or_default();
            match &set.value {
                Some(value) => own.insert(set.key.clone(), value.clone()),
                None => own.remove(&set.key),
            };
        }
    }

    fn deploy(&mut self, x: &crate::record::WorkflowDeployed, time: Timestamp) {
        if x.replaces {
            for old in self.deployments.values_mut() {
                if old.unit == x.unit && old.name == x.name {
                    old.active = false;
                }
            }
        }
        if x.by.is_none() {
            self.configured.insert(place(&x.name, x.unit.as_deref()), text_digest(&x.text));
        }
        self.deployments.insert(
            x.deployment.clone(),
            Deployment {
                name: x.name.clone(),
                unit: x.unit.clone(),
                text: x.text.as_str().into(),
                pins: x.pins.clone(),
                active: true,
                since: time,
                by: x.by.clone(),
            },
        );
        self.forget_deployments();
    }

    /// Drops what takes no new runs and no running run needs.
    fn forget_deployments(&mut self) {
        let needed: BTreeSet<String> = self.runs.values().map(|r| r.deployment.clone()).collect();
        self.deployments.retain(|id, d| d.active || needed.contains(id));
    }

    /// Puts in place what the interpreter already applied on a worker: the
    /// same as applying the turn's facts, without doing it twice.
    pub(crate) fn put_turn(&mut self, run: &str, flow: Arc<RunState>, consumed: u32, time: Timestamp) {
        if let Some(r) = self.runs.get_mut(run) {
            r.flow = flow;
            r.take_in(consumed);
        }
        self.after_turn(run, time);
    }

    fn after_turn(&mut self, id: &str, time: Timestamp) {
        let Some(run) = self.runs.get_mut(id) else { return };
        run.input = None;
        let flow = Arc::clone(&run.flow);
        if !run.effects.is_empty() {
            let open: BTreeSet<String> = huiyin_flow::outstanding(&flow)
                .iter()
                .filter_map(|c| match c {
                    huiyin_flow::Command::Call { call, .. }
                    | huiyin_flow::Command::Request { call, .. }
                    | huiyin_flow::Command::Run { call, .. } => Some(call.to_string()),
                    _ => None,
                })
                .collect();
            run.effects.retain(|call, _| open.contains(call));
        }
        let Some(outcome) = flow.outcome() else { return };
        let (status, result) = ended(outcome);
        let run = self.runs.remove(id);
        if let Some(run) = run {
            self.schedules.entry(run.deployment.clone()).or_default().ended = Some(time);
            self.finished.push_back(FinishedRun {
                run: id.to_owned(),
                deployment: run.deployment,
                started: run.started,
                ended: time,
                status: status.to_owned(),
                result,
            });
            while self.finished.len() > FINISHED_KEPT {
                self.finished.pop_front();
            }
        }
    }

    fn deployment(&self, id: &str) -> Result<&Deployment, ApplyError> {
        self.deployments.get(id).ok_or_else(|| ApplyError(format!("deployment {id} was never deployed")))
    }

    fn run_mut(&mut self, id: &str) -> Result<&mut Run, ApplyError> {
        self.runs.get_mut(id).ok_or_else(|| ApplyError(format!("run {id} is not running")))
    }
}

/// A workflow and whom it serves, as a key.
pub(crate) fn place(name: &str, unit: Option<&str>) -> String {
    format!("{name}@{}", unit.unwrap_or_default())
}

/// Tells one text of a workflow from another.
pub(crate) fn text_digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// How a run ended, as a word and what it gave.
fn ended(outcome: &Outcome) -> (&'static str, Value) {
    match outcome {
        Outcome::Completed(output) => ("completed", Value::clone(output)),
        Outcome::Faulted(error) => ("faulted", serde_json::to_value(error).unwrap_or_default()),
        Outcome::Cancelled(reason) => ("cancelled", Value::from(&**reason)),
    }
}
