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

use crate::bindings::Bindings;
pub use crate::ended::{Ended, FinishedRun};
use crate::heard::Heard;
pub use crate::plugins::{Given, Installed, Plugins};
use crate::record::{Entry, KvSet, Parent, Pin, RunReopened};

/// Finished runs kept for those who ask afterwards.
pub const FINISHED_KEPT: usize = 1_000;

/// Runs that did not end well are kept longer, so that they can be set to work again.
pub const FAILED_KEPT: usize = 10_000;

/// What the interpreter remembers of all finished runs together, in bytes of
/// JSON, about; beyond it the oldest can still be looked at, and not be set to work again.
pub const REOPENABLE_BYTES: u64 = 64 << 20;

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
    pub heard: Heard,
    /// What people chose for slots, what was set aside, what is watched.
    #[serde(default)]
    pub bindings: Bindings,
    /// How far each sink of lifecycle events has come.
    #[serde(default)]
    pub sinks: BTreeMap<String, SinkPlace>,
    /// What people installed and granted; in the first partition only.
    #[serde(default)]
    pub plugins: Plugins,
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
                self.heard.starting.remove(&x.run);
                self.started += 1;
                if let Some(parent) = &x.parent {
                    self.child_started(parent, &x.run, &x.deployment);
                }
                let first = self.seq + 1;
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
                        doubtful: None,
                        parent: x.parent.clone(),
                        reopened: None,
                        first,
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
            Entry::EventJudged(x) => self.heard.judged(x),
            Entry::EventRelayed(x) => {
                self.heard.relays.remove(&x.id);
            }
            Entry::EventDelivered(x) => {
                self.heard.delivered(x, time);
                let event = Arc::new(x.event.clone());
                // A run whose own records were redacted is not there to take it in.
                for id in &x.runs {
                    if let Some(run) = self.runs.get_mut(id) {
                        run.inbox.push_back(Arc::clone(&event));
                    }
                }
            }
            Entry::RunQuarantined(x) => {
                let run = self.run_mut(&x.run)?;
                run.quarantined = Some(x.reason.clone());
                run.doubtful.clone_from(&x.call);
            }
            Entry::RunReleased(x) => {
                let run = self.run_mut(&x.run)?;
                run.quarantined = None;
                run.doubtful = None;
            }
            Entry::RunReopened(x) => self.reopen(x)?,
            Entry::EffectIntended(x) => {
                let effect = EffectState {
                    digest: x.digest.clone(),
                    target: x.target.clone(),
                    repeatable: x.repeatable,
                    ..EffectState::of(x.attempt, x.plugin.clone())
                };
                self.run_mut(&x.run)?.effects.insert(x.call.clone(), effect);
            }
            Entry::EffectSettled(x) => {
                self.keep(&x.kv);
                // A core function is settled at once, without an intention before.
                let effects = &mut self.run_mut(&x.run)?.effects;
                let effect = effects.entry(x.call.clone()).or_insert_with(|| EffectState::of(x.attempt, String::new()));
                effect.settled = Some(x.outcome.clone());
            }
            Entry::EffectUnknown(x) => {
                if let Some(effect) = self.run_mut(&x.run)?.effects.get_mut(&x.call) {
                    effect.unknown = Some(x.reason.clone());
                }
            }
            Entry::EffectResolved(x) => {
                let run = self.run_mut(&x.run)?;
                if run.doubtful.as_ref() == Some(&x.call) {
                    run.quarantined = None;
                    run.doubtful = None;
                }
                if let Some(effect) = run.effects.get_mut(&x.call) {
                    effect.unknown = None;
                    effect.settled = x.happened.then(|| Ok(x.output.clone().unwrap_or_default()));
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
                let fired = self.schedules.entry(x.deployment.clone()).or_default();
                fired.due = fired.due.max(Some(x.due));
                if x.waited {
                    fired.waiting.retain(|due| *due != x.due);
                }
                self.replaced.extend(x.replaces.iter().filter(|run| self.runs.contains_key(*run)).cloned());
            }
            Entry::ScheduleQueued(x) => {
                let fired = self.schedules.entry(x.deployment.clone()).or_default();
                fired.due = fired.due.max(Some(x.due));
                fired.waiting.push(x.due);
            }
            Entry::ScheduleMissed(x) => {
                let fired = self.schedules.entry(x.deployment.clone()).or_default();
                fired.due = fired.due.max(Some(x.last));
            }
            Entry::SchedulePaused(x) => {
                let pause = Pause { actor: x.actor.clone(), reason: x.reason.clone(), at: time };
                self.paused.insert(schedule_name(x.unit.as_deref(), &x.workflow), pause);
            }
            Entry::ScheduleResumed(x) => {
                self.paused.remove(&schedule_name(x.unit.as_deref(), &x.workflow));
                for (id, _) in self.deployments.iter().filter(|(_, d)| d.name == x.workflow && d.unit == x.unit) {
                    self.schedules.entry(id.clone()).or_default().since = Some(time);
                }
            }
            Entry::BindingChanged(_)
            | Entry::BindingQuarantined(_)
            | Entry::BindingLifted(_)
            | Entry::CanaryStarted(_)
            | Entry::CanaryCompared(_)
            | Entry::CanaryEnded(_) => self.bindings.apply(entry, self.seq + 1, time),
            Entry::SinkAdvanced(x) => {
                let place = SinkPlace { next: x.next, floor: x.floor, given_up: x.given_up };
                self.sinks.insert(x.sink.clone(), place);
            }
            Entry::PluginInstalled(_) | Entry::PluginRemoved(_) | Entry::PluginGranted(_) | Entry::PluginRevoked(_) => {
                self.plugins.apply(entry, time)
            }
            Entry::DeskDecided(x) => {
                for fact in &x.facts {
                    self.desk.apply(fact);
                }
            }
            Entry::FloorJudged(_) | Entry::SnapshotTaken(_) => {}
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
            for (id, old) in &mut self.deployments {
                if old.unit == x.unit && old.name == x.name && *id != x.deployment && old.active {
                    old.active = false;
                    let mut fired = self.schedules.remove(id).unwrap_or_default();
                    if x.keeps_schedule {
                        fired.anchor = fired.anchor.or(Some(old.since));
                        fired.since = fired.since.or(Some(old.since));
                    } else {
                        // What was already let in is still done.
                        fired = Fired { waiting: fired.waiting, ..Fired::default() };
                    }
                    self.schedules.insert(x.deployment.clone(), fired);
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
        let ended = self.failed.iter().chain(&self.finished).filter(|f| f.flow.is_some()).map(|f| &f.deployment);
        let needed: BTreeSet<&String> = self.runs.values().map(|r| &r.deployment).chain(ended).collect();
        self.deployments.retain(|id, d| d.active || needed.contains(id));
        self.schedules.retain(|id, _| self.deployments.contains_key(id));
        self.heard.gathered.retain(|id, _| self.deployments.get(id).is_some_and(|d| d.active));
    }

    /// A run that has ended, if it is still known.
    pub fn ended(&self, run: &str) -> Option<&FinishedRun> {
        self.finished.find(run).or_else(|| self.failed.find(run))
    }

    /// The call of the run above stands for the one below, until that has ended.
    fn child_started(&mut self, parent: &Parent, child: &str, deployment: &str) {
        let name = self.deployments.get(deployment).map_or_else(String::new, |d| format!("workflow {}", d.name));
        let Some(above) = self.runs.get_mut(&parent.run) else { return };
        let effect = EffectState {
            child: Some(child.to_owned()),
            settled: (!parent.wait).then(|| Ok(serde_json::json!({"run": child}))),
            ..EffectState::of(1, name)
        };
        above.effects.insert(parent.call.clone(), effect);
    }

    /// Puts a run that had ended back among those that run.
    fn reopen(&mut self, x: &RunReopened) -> Result<(), ApplyError> {
        let gone = || ApplyError(format!("run {} has not ended, or is no longer known", x.run));
        let known = |list: &Ended| list.iter().rposition(|f| f.run == x.run && f.flow.is_some());
        let ended = match (known(&self.finished), known(&self.failed)) {
            (Some(at), _) => self.finished.remove(at),
            (None, Some(at)) => self.failed.remove(at),
            (None, None) => None,
        };
        let ended = ended.ok_or_else(gone)?;
        self.remembered = self.remembered.saturating_sub(ended.weight);
        self.runs.insert(
            ended.run,
            Run {
                deployment: ended.deployment,
                trigger: ended.trigger,
                key: ended.key,
                started: ended.started,
                input: None,
                flow: ended.flow.ok_or_else(gone)?,
                inbox: VecDeque::new(),
                effects: BTreeMap::new(),
                quarantined: None,
                doubtful: None,
                // The run above has had its answer, and waits no more.
                parent: ended.parent.map(|parent| Parent { wait: false, ..parent }),
                reopened: Some(x.clone()),
                first: ended.first,
            },
        );
        Ok(())
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
        run.reopened = None;
        let flow = Arc::clone(&run.flow);
        let awaited = |call: &str| call.parse().is_ok_and(|call| flow.pending(huiyin_flow::CallId(call)).is_some());
        run.effects.retain(|call, _| awaited(call));
        let Some(outcome) = flow.outcome() else { return };
        let (status, result) = ended(outcome);
        let Some(run) = self.runs.remove(id) else { return };
        self.replaced.remove(id);
        self.schedule_ended(&run.deployment, time);
        if let Some(parent) = run.parent.as_ref().filter(|p| p.wait) {
            self.child_ended(parent, id, outcome);
        }
        let weight = flow.weight();
        self.remembered += weight;
        self.finished.push_back(FinishedRun {
            run: id.to_owned(),
            deployment: run.deployment,
            started: run.started,
            ended: time,
            status: status.to_owned(),
            result,
            trigger: run.trigger,
            key: run.key,
            parent: run.parent,
            first: run.first,
            last: self.seq + 1,
            flow: Some(flow),
            weight,
        });
        self.forget_finished();
    }

    /// The call of the run above has its result.
    fn child_ended(&mut self, parent: &Parent, child: &str, outcome: &Outcome) {
        let Some(effect) = self.runs.get_mut(&parent.run).and_then(|run| run.effects.get_mut(&parent.call)) else {
            return;
        };
        if effect.child.as_deref() != Some(child) {
            return;
        }
        effect.settled = Some(match outcome {
            Outcome::Completed(output) => Ok(Value::clone(output)),
            Outcome::Faulted(error) => {
                let detail = error.detail.as_deref().unwrap_or_default();
                let detail = format!("{detail} (run {child} of {}, at {})", effect.plugin, error.instance);
                // Where it happened below is no place in the workflow above.
                Err(FlowError { detail: Some(detail), instance: String::new(), ..FlowError::clone(error) })
            }
            Outcome::Cancelled(reason) => Err(FlowError::new(
                huiyin_flow::ErrorKind::Runtime,
                format!("run {child} of {} was cancelled: {reason}", effect.plugin),
            )),
        });
    }

    /// Keeps what is known of finished runs within its bounds.
    fn forget_finished(&mut self) {
        while self.finished.len() > FINISHED_KEPT {
            let Some(oldest) = self.finished.pop_front() else { break };
            if oldest.status == "completed" {
                self.remembered = self.remembered.saturating_sub(oldest.weight);
            } else {
                self.failed.push_back(oldest);
            }
        }
        while self.failed.len() > FAILED_KEPT {
            let Some(oldest) = self.failed.pop_front() else { break };
            self.remembered = self.remembered.saturating_sub(oldest.weight);
        }
        if self.remembered <= REOPENABLE_BYTES {
            return;
        }
        for run in self.failed.iter_mut().chain(self.finished.iter_mut()).filter(|f| f.flow.is_some()) {
            run.flow = None;
            self.remembered = self.remembered.saturating_sub(std::mem::take(&mut run.weight));
            if self.remembered <= REOPENABLE_BYTES {
                break;
            }
        }
    }

    /// Notes when a run ended with the version of its workflow that is in force.
    fn schedule_ended(&mut self, deployment: &str, time: Timestamp) {
        let Some(ran) = self.deployments.get(deployment) else { return };
        let current = if ran.active {
            Some(deployment.to_owned())
        } else {
            let same = |d: &Deployment| d.active && d.name == ran.name && d.unit == ran.unit;
            self.deployments.iter().find(|(_, d)| same(d)).map(|(id, _)| id.clone())
        };
        if let Some(id) = current {
            self.schedules.entry(id).or_default().ended = Some(time);
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
