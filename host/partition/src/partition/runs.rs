//! Runs: taking in their turns, handing on what they ask for.

use std::sync::Arc;

use huiyin_flow::{Command, Event, Fact};
use huiyin_records::record::{Entry, RunTurn};
use huiyin_records::state::EffectState;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Input, PartitionCore, RecordMeta, TurnDone, TurnJob, Wake, Work, start_event};

impl PartitionCore {
    /// Hands a started run its input; [`PartitionCore::begin`] says when.
    pub(super) fn begin_now(&mut self, run: &str, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let Some(input) = &state.input else { return };
        let unit = self.deployed.get(&state.deployment).and_then(|d| d.unit.as_deref());
        let event = start_event(run, input, unit, &state.trigger, state.started);
        self.happen(run, event, now);
    }

    /// Lets a run know that something happened: at once if it is idle, after
    /// its present turn if a worker has it.
    pub(super) fn happen(&mut self, run: &str, event: Event, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        if state.quarantined.is_some() {
            return;
        }
        if self.busy.contains_key(run) || self.pace.waits(run) {
            self.queued.entry(run.to_owned()).or_default().push_back(Input::Event(event));
            return;
        }
        self.hand_out(run, vec![Input::Event(event)], now);
    }

    pub(super) fn hand_out(&mut self, run: &str, inputs: Vec<Input>, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let Some(deployed) = self.deployed.get(&state.deployment).cloned() else {
            self.quarantine(run, "its workflow is not loaded", None, now);
            return;
        };
        let (flow, canaries) = (Arc::clone(&state.flow), self.canaries.get(&state.deployment).cloned());
        let unit = deployed.unit.as_deref();
        let crowded = self.crowded(unit, now).filter(|_| self.publishing_starts(unit));
        self.turns += 1;
        self.busy.insert(run.to_owned(), self.turns);
        let job = TurnJob {
            run: run.to_owned(),
            turn: self.turns,
            deployed,
            flow,
            inputs,
            canaries,
            now,
            random: self.ids.random(),
            payload: self.payload,
            crowded,
        };
        self.out.now.push(Work::Turn(Box::new(job)));
    }

    pub(super) fn turn_done(&mut self, done: TurnDone, now: Timestamp) {
        // Told twice, or of a turn that nobody awaits any more: it would be done twice.
        if self.busy.get(&done.run) != Some(&done.turn) {
            return;
        }
        self.busy.remove(&done.run);
        let run = done.run.clone();
        self.take_turn_in(done, now);
        self.first_turn_done(&run, now);
    }

    /// A turn that is the run's own.
    pub(super) fn take_turn_in(&mut self, done: TurnDone, now: Timestamp) {
        if let Some(reason) = &done.failed {
            self.quarantine(&done.run, reason, None, now);
            return;
        }
        let Some(state) = self.state.runs.get(&done.run) else { return };
        if !done.faults.is_empty() || !done.made.is_empty() {
            let deployment = state.deployment.clone();
            for (function, how) in done.faults {
                self.plugin_failed(&deployment, &function, how, now);
            }
            self.beside(&done.run, &deployment, done.made, now);
        }
        let Some(state) = self.state.runs.get(&done.run) else { return };
        let (key, reopened) = (state.key.clone(), state.reopened.is_some());
        let Some(deployed) = self.deployed.get(&state.deployment).cloned() else { return };
        let unit = deployed.unit.clone();
        let run = done.run;
        let subject = format!("run/{run}");
        let resumed = done.facts.iter().any(|fact| matches!(fact, Fact::Resumed));
        let suspended = done.facts.iter().any(|fact| matches!(fact, Fact::Suspended));
        if done.facts.is_empty() && reopened {
            self.quarantine(&run, "it could not be set to work again", None, now);
            return;
        }
        if !done.facts.is_empty() || done.consumed > 0 {
            let order = self.ordered(&run, &done.facts);
            let reason = order.map(|order| order.reason.clone());
            let actor = order.map_or_else(|| Self::ENGINE.to_owned(), |order| order.actor.clone());
            let turn =
                RunTurn { run: run.clone(), facts: done.facts, consumed: done.consumed, reason, made: done.told };
            let entry = Entry::RunTurn(turn);
            let payload = match self.encoded(&entry) {
                Ok(payload) => payload,
                Err(why) => {
                    self.quarantine(&run, &format!("what it decided in one turn {why}"), None, now);
                    return;
                }
            };
            let doubtful = self.given_up(&run, &deployed, &done.commands, now);
            self.state.put_turn(&run, done.flow, done.consumed, now);
            let about = RecordMeta { subject: &subject, actor: &actor, unit: unit.as_deref(), key: &key };
            self.draft(&entry, payload, about, now);
            self.weigh_run(&run);
            if let Some(call) = doubtful
                && self.state.runs.contains_key(&run)
            {
                // To go on might do the same thing twice (rule 3).
                let reason = format!(
                    "call {call} was given up while it was being tried, and may have happened; it cannot simply be repeated"
                );
                self.quarantine(&run, &reason, Some(call), now);
                return;
            }
        }
        self.follow(&run, unit.as_deref(), done.commands, done.rest, Held { suspended, resumed }, now);
    }

    /// What follows from a turn that is written.
    pub(super) fn follow(
        &mut self,
        run: &str,
        unit: Option<&str>,
        commands: Vec<Command>,
        mut follow: Vec<Input>,
        held: Held,
        now: Timestamp,
    ) {
        for command in commands {
            self.carry_out(run, unit, command, &mut follow, now);
        }
        follow.extend(self.queued.remove(run).into_iter().flatten());
        let Some(state) = self.state.runs.get(run) else {
            self.ended(run, now);
            return;
        };
        let set_aside = state.quarantined.is_some();
        if held.suspended {
            self.hold_effects(run, now);
        }
        if held.resumed {
            self.pick_up_effects(run, now);
        }
        self.answer_orders(run, &follow, now);
        if !follow.is_empty() && !set_aside {
            self.hand_out(run, follow, now);
        }
    }

    fn ended(&mut self, run: &str, now: Timestamp) {
        self.answer_orders(run, &[], now);
        self.wakes.clear_run(run);
        self.listeners.remove(run);
        self.run_gone(run, now);
        let Some(finished) = self.state.ended(run).cloned() else { return };
        if let Some(parent) = finished.parent.as_ref().filter(|p| p.wait) {
            self.child_ended(parent, run, now);
        }
        let name = self.deployed.get(&finished.deployment).map(|d| d.name.clone()).unwrap_or_default();
        let unit = self.deployed.get(&finished.deployment).and_then(|d| d.unit.clone());
        self.schedule_run_ended(&finished.deployment, now);
        let mut data = json!({"workflow": name});
        if finished.status != "completed" {
            data["error"] = finished.result.clone();
        }
        let kind = format!("huiyin.run.{}.v1", finished.status);
        let mut replies = self.waiting.remove(run).unwrap_or_default();
        if let Some(last) = replies.pop() {
            for reply in replies {
                self.tell(reply, Ok(finished.clone()));
            }
            self.tell(last, Ok(finished));
        }
        self.show(&kind, &format!("run/{run}"), unit.as_deref(), data, now);
    }

    /// `unit` is the run's: a run that has just ended is no longer there to ask.
    pub(super) fn carry_out(
        &mut self,
        run: &str,
        unit: Option<&str>,
        command: Command,
        follow: &mut Vec<Input>,
        now: Timestamp,
    ) {
        match command {
            Command::Call { call, slot, function, with, .. } => {
                self.call(run, call, slot.as_deref(), &function, with, follow, now)
            }
            Command::SetTimer { timer, due } => self.wakes.set(Wake::Run(run.to_owned(), timer), due),
            Command::CancelTimer { timer } => self.wakes.clear(&Wake::Run(run.to_owned(), timer)),
            Command::Publish { event } => self.publish(run, unit, &event, now),
            Command::Subscribe { .. } => {
                self.listeners.insert(run.to_owned());
            }
            Command::Request { call, request, .. } => self.request(run, call, request, now),
            Command::Run { call, workflow, with, wait, .. } => {
                self.run_workflow(run, call, &workflow, &with, wait, follow, now);
            }
            // What becomes of a cancelled call was decided with the turn that gave it up.
            Command::CancelCall { .. } | Command::Unsubscribe { .. } | Command::Finished { .. } => {}
        }
    }

    pub(super) fn unit_of(&self, run: &str) -> Option<String> {
        let run = self.state.runs.get(run)?;
        self.deployed.get(&run.deployment)?.unit.clone()
    }

    /// After a reload: everything that runs wait for is asked for again.
    pub(super) fn resume_runs(&mut self, now: Timestamp) {
        let runs: Vec<String> =
            self.state.runs.iter().filter(|(_, r)| r.quarantined.is_none()).map(|(id, _)| id.clone()).collect();
        for run in runs {
            self.resume_run(&run, now);
        }
        self.end_orphans(now);
    }

    /// Asks again for everything that a run waits for.
    pub(super) fn resume_run(&mut self, run: &str, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        if state.input.is_some() {
            self.begin(run, now);
            return;
        }
        if state.reopened.is_some() {
            self.begin_again(run, now);
            return;
        }
        let flow = Arc::clone(&state.flow);
        let unit = self.unit_of(run);
        let tried = state.effects.clone();
        let mut follow: Vec<Input> =
            state.inbox.iter().map(|e| Input::Event(Event::Event { event: Value::clone(e) })).collect();
        if flow.runnable() {
            follow.push(Input::Event(Event::Continue));
        }
        for command in huiyin_flow::outstanding(&flow) {
            match command {
                Command::Call { call, .. } | Command::Request { call, .. } | Command::Run { call, .. } => {
                    match tried.get(&call.to_string()) {
                        Some(EffectState { settled: Some(outcome), .. }) => {
                            follow.push(Input::Event(Event::Result { call, outcome: outcome.clone() }));
                        }
                        Some(EffectState { unknown: Some(_), .. } | EffectState { child: Some(_), .. }) => {}
                        Some(_) if self.in_hand.contains(&(run.to_owned(), call)) => {}
                        // It may have been tried just before the end.
                        Some(_) => self.unknown(run, call, "the host stopped while it was being tried".to_owned(), now),
                        None => self.pure_or_call(run, unit.as_deref(), command, &mut follow, now),
                    }
                }
                other => self.carry_out(run, unit.as_deref(), other, &mut follow, now),
            }
        }
        if !follow.is_empty() {
            self.hand_out(run, follow, now);
        }
    }

    /// A call that was decided and not tried: pure ones go back to a worker.
    fn pure_or_call(
        &mut self,
        run: &str,
        unit: Option<&str>,
        command: Command,
        follow: &mut Vec<Input>,
        now: Timestamp,
    ) {
        let deployed = self.state.runs.get(run).and_then(|r| self.deployed.get(&r.deployment));
        let pure = match &command {
            Command::Call { slot, function, .. } => deployed.is_some_and(|d| d.pure(slot.as_deref(), function)),
            _ => false,
        };
        if pure {
            follow.push(Input::Call(command));
        } else {
            self.carry_out(run, unit, command, follow, now);
        }
    }
}

/// What a turn's facts say of a hold on the run.
#[derive(Default)]
pub(super) struct Held {
    suspended: bool,
    resumed: bool,
}
