//! Records applied to the state. It evaluates no expression, asks no plugin and
//! looks at no clock (rule 1).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use huiyin_flow::{Fact, RunState};
use jiff::Timestamp;

use super::{
    ApplyError, Deployment, EffectState, Fired, IDLE_PAGES, Pause, Run, SinkPlace, State, place, schedule_name,
    text_digest,
};
use crate::record::{Entry, KvSet, RunStarted};

impl State {
    /// Applies one record, written at `time`.
    ///
    /// # Errors
    /// When the record names something that earlier records did not make.
    pub fn apply(&mut self, entry: &Entry, time: Timestamp) -> Result<(), ApplyError> {
        match entry {
            Entry::UnitPlaced(x) => {
                self.units.insert(x.unit.clone());
                self.desk.watch_mut().place(&x.unit);
            }
            Entry::WorkflowDeployed(x) => self.deploy(x, time),
            Entry::WorkflowWithdrawn(x) => {
                if let Some(deployment) = self.deployments.get_mut(&x.deployment) {
                    deployment.active = false;
                }
                self.forget_deployments();
            }
            Entry::DeploymentIntended(x) => self.intended = Some(Arc::new(x.clone())),
            Entry::DeploymentCompleted(x) => {
                self.intended.take_if(|intended| intended.id == x.id);
            }
            Entry::RunStarted(x) => {
                self.start(x, x.began().unwrap_or(time), None)?;
                if let Some(turn) = &x.turn {
                    self.turn(&x.run, &turn.facts, 0, time)?;
                }
            }
            Entry::RunTurn(x) => self.turn(&x.run, &x.facts, x.consumed, time)?,
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
                    doubt: x.doubt.clone(),
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
                    // A person spoke of all tries there were.
                    effect.doubt = None;
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
                self.desk.watch_mut().source_read(&x.source, time);
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
                source.known += u64::from(x.known);
                source.pause = 0;
                // A page without items asks for another at once only by mistake.
                let empty = x.items == 0;
                source.idle = match (x.more, x.facts.is_empty()) {
                    (true, _) if empty => IDLE_PAGES.max(source.idle.saturating_add(1)),
                    (true, true) => source.idle.saturating_add(1),
                    _ => 0,
                };
                source.more = x.more && !source.idles();
                if x.items > 0 {
                    source.last_item = Some(time);
                }
            }
            Entry::SourceFailed(x) => {
                self.desk.watch_mut().source_failed(&x.source, &x.error);
                let source = self.sources.entry(x.source.clone()).or_default();
                source.polling = None;
                source.more = false;
                source.error = Some(x.error.clone());
                source.failures = source.failures.saturating_add(1);
                source.not_before = x.not_before;
                source.pause = x.not_before.map_or(0, |until| until.duration_since(time).as_secs());
            }
            Entry::SourceRewound(x) => {
                let source = self.sources.entry(x.source.clone()).or_default();
                source.cursor.clone_from(&x.cursor);
                (source.polling, source.last_due, source.not_before) = (None, None, None);
                (source.more, source.idle, source.pause) = (false, 0, 0);
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
            Entry::ScheduleSetBack(x) => {
                let since = self.deployments.get(&x.deployment).map(|d| d.since);
                let fired = self.schedules.entry(x.deployment.clone()).or_default();
                fired.due = fired.due.map(|due| due.min(x.to));
                fired.ended = fired.ended.map(|ended| ended.min(x.to));
                if fired.since.or(since).is_some_and(|since| since > x.to) {
                    // What `every` counts from was in the future, too.
                    fired.anchor = Some(x.to);
                    fired.since = Some(x.to);
                }
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
            Entry::PluginInstalled(_)
            | Entry::PluginRemoved(_)
            | Entry::PluginGranted(_)
            | Entry::PluginRevoked(_)
            | Entry::PublisherTrusted(_)
            | Entry::PublisherDistrusted(_) => self.plugins.apply(entry, time),
            Entry::DeskDecided(x) => {
                for fact in &x.facts {
                    self.desk.apply(fact);
                }
                if let Some(keyed) = &x.once {
                    self.once.command_done(keyed, time);
                }
            }
            Entry::FloorJudged(_) | Entry::SnapshotTaken(_) | Entry::JournalRepaired(_) | Entry::AuditRenewed(_) => {}
        }
        Ok(())
    }

    /// A run begins, with what its first turn left where that was taken already.
    pub fn start(&mut self, x: &RunStarted, at: Timestamp, flow: Option<Arc<RunState>>) -> Result<(), ApplyError> {
        self.deployment(&x.deployment)?;
        self.heard.starting.remove(&x.run);
        if let Some(asked) = &x.asked {
            self.once.run_started(&x.run, asked, at);
        }
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
                started: at,
                input: flow.is_none().then(|| Arc::new(x.input.clone())),
                flow: flow.unwrap_or_default(),
                inbox: VecDeque::new(),
                effects: BTreeMap::new(),
                quarantined: None,
                doubtful: None,
                parent: x.parent.clone(),
                reopened: None,
                first,
            },
        );
        Ok(())
    }

    fn turn(&mut self, id: &str, facts: &[Fact], consumed: u32, time: Timestamp) -> Result<(), ApplyError> {
        let run = self.run_mut(id)?;
        let flow = Arc::make_mut(&mut run.flow);
        for fact in facts {
            huiyin_flow::apply(flow, fact).map_err(|e| ApplyError(format!("run {id}: {e}")))?;
        }
        run.take_in(consumed);
        self.after_turn(id, time);
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

    /// Notes when a run ended with the version of its workflow that is in force.
    pub(super) fn schedule_ended(&mut self, deployment: &str, time: Timestamp) {
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

    pub(super) fn run_mut(&mut self, id: &str) -> Result<&mut Run, ApplyError> {
        self.runs.get_mut(id).ok_or_else(|| ApplyError(format!("run {id} is not running")))
    }
}
