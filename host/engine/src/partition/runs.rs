//! Runs: starting them, taking in their turns, their effects, their timers.

use std::sync::Arc;

use huiyin_flow::{CallId, Command, ErrorKind, Event, FlowError};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    About, Core, EffectDone, EffectJob, EffectOutcome, Input, Refusal, Reply, StartRun, TurnDone, TurnJob, Wake, Work,
    name_fault, unfit,
};
use crate::deployment::Target;
use crate::record::{EffectIntended, EffectSettled, EffectUnknown, Entry, RunQuarantined, RunStarted, RunTurn};
use crate::state::EffectState;

impl Core {
    pub(super) fn start(&mut self, start: StartRun, now: Timestamp) {
        let Some(deployed) = self.deployed.get(&start.deployment).cloned() else {
            let refusal = Refusal::NotFound(format!("no workflow is deployed as {}", start.deployment));
            if let Some(reply) = start.finished {
                self.tell(reply, Err(refusal.clone()));
            }
            if let Some(reply) = start.accepted {
                self.tell(reply, Err(refusal));
            }
            return;
        };
        if self.state.runs.contains_key(&start.run) {
            // The same command again: its first answer stands.
            if let Some(reply) = start.accepted {
                self.tell(reply, Ok(start.run.clone()));
            }
            if let Some(reply) = start.finished {
                self.waiting.entry(start.run).or_default().push(reply);
            }
            return;
        }
        if let Some(done) = self.state.finished.iter().find(|f| f.run == start.run).cloned() {
            if let Some(reply) = start.accepted {
                self.tell(reply, Ok(start.run));
            }
            if let Some(reply) = start.finished {
                self.tell(reply, Ok(done));
            }
            return;
        }
        let entry = Entry::RunStarted(RunStarted {
            run: start.run.clone(),
            deployment: start.deployment,
            trigger: start.trigger,
            key: start.key.clone(),
            input: start.input,
        });
        let subject = format!("run/{}", start.run);
        let unit = deployed.unit.clone();
        let about = About { subject: &subject, actor: &start.actor, unit: unit.as_deref(), key: &start.key };
        let payload = name_fault(&start.run, MAX_RUN_ID)
            .map(|why| ("/run", format!("the run's id {why}")))
            .or_else(|| unfit(about).map(|why| ("/actor", why)))
            .map_or_else(|| self.encoded(&entry).map_err(|why| ("/input", format!("the input {why}"))), Err);
        let payload = match payload {
            Ok(payload) => payload,
            Err((pointer, message)) => {
                self.show(
                    "huiyin.run.refused.v1",
                    &subject,
                    unit.as_deref(),
                    json!({"workflow": deployed.name, "reason": message}),
                    now,
                );
                let refusal = Refusal::Invalid { pointer: pointer.to_owned(), message };
                if let Some(reply) = start.finished {
                    self.tell(reply, Err(refusal.clone()));
                }
                if let Some(reply) = start.accepted {
                    self.tell(reply, Err(refusal));
                }
                return;
            }
        };
        self.write(&entry, payload, about, now);
        if let Some(reply) = start.accepted {
            self.tell(reply, Ok(start.run.clone()));
        }
        if let Some(reply) = start.finished {
            self.waiting.entry(start.run.clone()).or_default().push(reply);
        }
        self.begin(&start.run, now);
    }

    /// Hands a started run its input.
    fn begin(&mut self, run: &str, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let Some(input) = state.input.clone() else { return };
        let unit = self.deployed.get(&state.deployment).and_then(|d| d.unit.clone());
        let event = Event::Start {
            run_id: run.to_owned(),
            input: Value::clone(&input),
            context: json!({"unit": unit, "trigger": state.trigger, "startedAt": state.started.to_string()}),
        };
        self.happen(run, event, now);
    }

    /// Lets a run know that something happened: at once if it is idle, after
    /// its present turn if a worker has it.
    pub(super) fn happen(&mut self, run: &str, event: Event, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        if state.quarantined.is_some() {
            return;
        }
        if self.busy.contains_key(run) {
            self.queued.entry(run.to_owned()).or_default().push_back(Input::Event(event));
            return;
        }
        self.hand_out(run, vec![Input::Event(event)], now);
    }

    fn hand_out(&mut self, run: &str, inputs: Vec<Input>, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let Some(deployed) = self.deployed.get(&state.deployment).cloned() else {
            self.quarantine(run, "its workflow is not loaded", now);
            return;
        };
        self.turns += 1;
        self.busy.insert(run.to_owned(), self.turns);
        let job = TurnJob {
            run: run.to_owned(),
            turn: self.turns,
            deployed,
            flow: Arc::clone(&state.flow),
            inputs,
            now,
            random: self.dice.random(),
        };
        self.out.now.push(Work::Turn(Box::new(job)));
    }

    pub(super) fn turn_done(&mut self, done: TurnDone, now: Timestamp) {
        // Told twice, or of a turn that nobody awaits any more: it would be done twice.
        if self.busy.get(&done.run) != Some(&done.turn) {
            return;
        }
        self.busy.remove(&done.run);
        self.take_turn_in(done, now);
    }

    fn take_turn_in(&mut self, done: TurnDone, now: Timestamp) {
        if let Some(reason) = &done.failed {
            self.quarantine(&done.run, reason, now);
            return;
        }
        let Some(state) = self.state.runs.get(&done.run) else { return };
        let key = state.key.clone();
        let deployment = state.deployment.clone();
        let Some(deployed) = self.deployed.get(&deployment).cloned() else { return };
        let unit = deployed.unit.clone();
        let run = done.run;
        let subject = format!("run/{run}");
        if !done.facts.is_empty() || done.consumed > 0 {
            let entry = Entry::RunTurn(RunTurn { run: run.clone(), facts: done.facts, consumed: done.consumed });
            let payload = match self.encoded(&entry) {
                Ok(payload) => payload,
                Err(why) => {
                    self.quarantine(&run, &format!("what it decided in one turn {why}"), now);
                    return;
                }
            };
            let doubtful = self.given_up(&run, &deployed, &done.commands, now);
            self.state.put_turn(&run, done.flow, done.consumed, now);
            self.draft(
                &entry,
                payload,
                About { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key },
                now,
            );
            if let Some(call) = doubtful
                && self.state.runs.contains_key(&run)
            {
                // To go on might do the same thing twice (rule 3).
                let reason = format!(
                    "call {call} was given up while it was being tried, and may have happened; its plugin cannot repeat it"
                );
                self.quarantine(&run, &reason, now);
                return;
            }
        }
        let mut follow = done.rest;
        for command in done.commands {
            self.carry_out(&run, unit.as_deref(), command, &mut follow, now);
        }
        follow.extend(self.queued.remove(&run).into_iter().flatten());
        if self.state.runs.contains_key(&run) {
            if !follow.is_empty() {
                self.hand_out(&run, follow, now);
            }
        } else {
            self.ended(&run, now);
        }
    }

    /// Records what became of effects that the run no longer waits for; gives
    /// one that may have happened and may not be repeated.
    fn given_up(
        &mut self,
        run: &str,
        deployed: &crate::deployment::Deployed,
        commands: &[Command],
        now: Timestamp,
    ) -> Option<CallId> {
        let state = self.state.runs.get(run)?;
        let key = state.key.clone();
        let open: Vec<(CallId, bool)> = commands
            .iter()
            .filter_map(|command| match command {
                Command::CancelCall { call } => {
                    let effect =
                        state.effects.get(&call.to_string()).filter(|e| e.settled.is_none() && e.unknown.is_none())?;
                    Some((*call, deployed.idempotent(&effect.digest) == Some(true)))
                }
                _ => None,
            })
            .collect();
        let subject = format!("run/{run}");
        for (call, _) in &open {
            let reason = "the run gave it up while it was being tried".to_owned();
            let entry = Entry::EffectUnknown(EffectUnknown { run: run.to_owned(), call: call.to_string(), reason });
            self.record(
                &entry,
                About { subject: &subject, actor: Self::ENGINE, unit: deployed.unit.as_deref(), key: &key },
                now,
            );
        }
        open.into_iter().find(|(_, repeatable)| !repeatable).map(|(call, _)| call)
    }

    fn ended(&mut self, run: &str, now: Timestamp) {
        for reply in self.cancelling.remove(run).unwrap_or_default() {
            self.tell(reply, Ok(()));
        }
        self.wakes.clear_run(run);
        self.listeners.remove(run);
        let Some(finished) = self.state.finished.iter().rev().find(|f| f.run == run).cloned() else { return };
        let name = self.deployed.get(&finished.deployment).map(|d| d.name.clone()).unwrap_or_default();
        let unit = self.deployed.get(&finished.deployment).and_then(|d| d.unit.clone());
        if self
            .deployed
            .get(&finished.deployment)
            .and_then(|d| d.schedule.as_ref())
            .is_some_and(crate::timetable::Timetable::counts_from_end)
        {
            self.plan_schedule(&finished.deployment, now);
        }
        for reply in self.waiting.remove(run).unwrap_or_default() {
            self.tell(reply, Ok(finished.clone()));
        }
        let mut data = json!({"workflow": name});
        if finished.status != "completed" {
            data["error"] = finished.result.clone();
        }
        let kind = format!("huiyin.run.{}.v1", finished.status);
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
            Command::Publish { event } => {
                let kind = event.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
                let event = Value::clone(&event);
                if kind.starts_with("huiyin.") {
                    // Those are the desk's own word; a workflow cannot put it into its mouth.
                    let said = json!({"type": kind, "reason": "event types that begin with `huiyin.` are the desk's"});
                    self.show("huiyin.event.refused.v1", &format!("run/{run}"), unit, said, now);
                    return;
                }
                self.show(&kind, &format!("run/{run}"), unit, event.get("data").cloned().unwrap_or(Value::Null), now);
                self.route_event(unit, &event, now);
            }
            Command::Subscribe { .. } => {
                self.listeners.insert(run.to_owned());
            }
            // A cancelled call's outcome still comes, and the run no longer awaits it.
            Command::Request { .. } | Command::Run { .. } => {
                tracing::error!(run, "a task kind that validation refuses came up");
            }
            Command::CancelCall { .. } | Command::Unsubscribe { .. } | Command::Finished { .. } => {}
        }
    }

    #[allow(clippy::too_many_arguments)] // the fields of one command
    fn call(
        &mut self,
        run: &str,
        call: CallId,
        slot: Option<&str>,
        function: &huiyin_flow::FunctionRef,
        with: Arc<Value>,
        follow: &mut Vec<Input>,
        now: Timestamp,
    ) {
        let Some(state) = self.state.runs.get(run) else { return };
        let Some(deployed) = self.deployed.get(&state.deployment).cloned() else { return };
        match deployed.target(slot, function) {
            Target::Core(name) => {
                let outcome = self.core_call(run, call, &name, &with, now);
                follow.push(Input::Event(Event::Result { call, outcome }));
            }
            Target::Plugin(pin) => self.intend(run, call, 1, pin, with, now),
            Target::Missing => follow.push(Input::Event(Event::Result {
                call,
                outcome: Err(FlowError::new(ErrorKind::Configuration, format!("`{}` is not installed", function.name))),
            })),
        }
    }

    /// Journals that an effect will be tried, and tries it once that is durable.
    fn intend(
        &mut self,
        run: &str,
        call: CallId,
        attempt: u32,
        pin: crate::record::Pin,
        with: Arc<Value>,
        now: Timestamp,
    ) {
        let Some(state) = self.state.runs.get(run) else { return };
        let key = state.key.clone();
        let unit = self.unit_of(run);
        let idempotency_key = format!("{run}-{call}");
        let entry = Entry::EffectIntended(EffectIntended {
            run: run.to_owned(),
            call: call.to_string(),
            attempt,
            idempotency_key: idempotency_key.clone(),
            plugin: pin.plugin.clone(),
            digest: pin.digest.clone(),
        });
        let subject = format!("run/{run}");
        if !self.record(&entry, About { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key }, now)
        {
            self.quarantine(run, "the intention of an effect could not be recorded", now);
            return;
        }
        let kv = self.kept(&pin.plugin, unit.as_deref().unwrap_or_default());
        self.out.durable.push(Work::Effect(Box::new(EffectJob {
            run: run.to_owned(),
            call,
            attempt,
            unit: unit.unwrap_or_default(),
            pin,
            with,
            idempotency_key,
            now,
            kv,
        })));
    }

    pub(super) fn effect_done(&mut self, done: EffectDone, now: Timestamp) {
        let Some(state) = self.state.runs.get(&done.run) else { return };
        let call = done.call.to_string();
        // Only the latest try counts; an outcome told twice counts once.
        let Some(effect) = state
            .effects
            .get(&call)
            .filter(|e| e.attempt == done.attempt && e.unknown.is_none() && e.settled.is_none())
        else {
            return;
        };
        let (plugin, key, attempt) = (effect.plugin.clone(), state.key.clone(), effect.attempt);
        match done.outcome {
            EffectOutcome::Settled(outcome, writes) => {
                let unit = self.unit_of(&done.run);
                let Some(kv) = self.settle_kv(&plugin, unit.as_deref().unwrap_or_default(), &writes) else {
                    self.unknown(&done.run, done.call, "another call changed what the plugin keeps".to_owned(), now);
                    return;
                };
                let entry = Entry::EffectSettled(EffectSettled {
                    run: done.run.clone(),
                    call,
                    attempt,
                    outcome: outcome.clone(),
                    kv,
                });
                let payload = match self.encoded(&entry) {
                    Ok(payload) => payload,
                    Err(why) => {
                        // It was done: neither a repetition nor an error would be true.
                        self.quarantine(&done.run, &format!("{plugin} did its work, and its answer {why}"), now);
                        return;
                    }
                };
                let subject = format!("run/{}", done.run);
                let actor = format!("plugin:{plugin}");
                self.write(
                    &entry,
                    payload,
                    About { subject: &subject, actor: &actor, unit: unit.as_deref(), key: &key },
                    now,
                );
                self.happen(&done.run, Event::Result { call: done.call, outcome }, now);
            }
            EffectOutcome::Unknown(reason) => self.unknown(&done.run, done.call, reason, now),
        }
    }

    /// Rule 3: an unknown outcome is tried again only where that does no harm.
    fn unknown(&mut self, run: &str, call: CallId, reason: String, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let Some(effect) = state.effects.get(&call.to_string()) else { return };
        let attempt = effect.attempt;
        let again = self.deployed.get(&state.deployment).and_then(|d| d.idempotent(&effect.digest));
        let pending = huiyin_flow::outstanding(&state.flow).into_iter().find_map(|c| match c {
            Command::Call { call: c, slot, function, with, .. } if c == call => Some((slot, function, with)),
            _ => None,
        });
        let Some((slot, function, with)) = pending else { return };
        let pin = self.deployed.get(&state.deployment).map(|d| d.target(slot.as_deref(), &function));
        match pin {
            Some(Target::Plugin(pin)) if again == Some(true) && attempt < MAX_UNKNOWN_TRIES => {
                self.intend(run, call, attempt + 1, pin, with, now);
            }
            _ => {
                let key = state.key.clone();
                let unit = self.unit_of(run);
                let subject = format!("run/{run}");
                let entry = Entry::EffectUnknown(EffectUnknown {
                    run: run.to_owned(),
                    call: call.to_string(),
                    reason: reason.clone(),
                });
                self.record(
                    &entry,
                    About { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key },
                    now,
                );
                self.show(
                    "huiyin.effect.unknown.v1",
                    &subject,
                    unit.as_deref(),
                    json!({"call": call.to_string(), "reason": reason}),
                    now,
                );
                let refusal = Refusal::Refused(format!(
                    "run {run} waits for a person: call {call} may or may not have happened ({reason})"
                ));
                for reply in self.waiting.remove(run).unwrap_or_default() {
                    self.tell(reply, Err(refusal.clone()));
                }
            }
        }
    }

    fn quarantine(&mut self, run: &str, reason: &str, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let key = state.key.clone();
        let unit = self.unit_of(run);
        let subject = format!("run/{run}");
        let entry = Entry::RunQuarantined(RunQuarantined { run: run.to_owned(), reason: reason.to_owned() });
        self.record(&entry, About { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key }, now);
        self.show("huiyin.run.quarantined.v1", &subject, unit.as_deref(), json!({"reason": reason}), now);
        let refusal = Refusal::Refused(format!("run {run} is set aside for a person: {reason}"));
        for reply in self.waiting.remove(run).unwrap_or_default() {
            self.tell(reply, Err(refusal.clone()));
        }
        for reply in self.cancelling.remove(run).unwrap_or_default() {
            self.tell(reply, Err(refusal.clone()));
        }
    }

    /// Answers once the end is on record, not when it is merely under way.
    pub(super) fn cancel(&mut self, run: &str, reason: &str, actor: &str, reply: Reply<()>, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else {
            self.tell(reply, Err(Refusal::NotFound(format!("run {run} is not running"))));
            return;
        };
        let event = Event::Cancel { reason: format!("{reason} ({actor})") };
        let (set_aside, flow) = (state.quarantined.is_some(), Arc::clone(&state.flow));
        let deployed = self.deployed.get(&state.deployment).cloned();
        self.cancelling.entry(run.to_owned()).or_default().push(reply);
        match deployed {
            // A run that is set aside takes no further turn but this one, which asks no plugin.
            Some(deployed) if set_aside => {
                let mut flow = Arc::unwrap_or_clone(flow);
                let evaluator = Arc::clone(&self.evaluator);
                let turn = huiyin_flow::advance(
                    &deployed.definition,
                    &mut flow,
                    event,
                    &huiyin_flow::Env::new(now, 0, &*evaluator),
                );
                self.take_turn_in(
                    TurnDone {
                        run: run.to_owned(),
                        turn: 0,
                        flow: Arc::new(flow),
                        facts: turn.facts,
                        commands: turn.commands,
                        consumed: 0,
                        rest: Vec::new(),
                        failed: None,
                    },
                    now,
                );
            }
            _ => self.happen(run, event, now),
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
            let Some(state) = self.state.runs.get(&run) else { continue };
            if state.input.is_some() {
                self.begin(&run, now);
                continue;
            }
            let flow = Arc::clone(&state.flow);
            let unit = self.unit_of(&run);
            let tried = state.effects.clone();
            let mut follow: Vec<Input> =
                state.inbox.iter().map(|e| Input::Event(Event::Event { event: Value::clone(e) })).collect();
            if flow.runnable() {
                follow.push(Input::Event(Event::Continue));
            }
            for command in huiyin_flow::outstanding(&flow) {
                match command {
                    Command::Call { call, .. } => match tried.get(&call.to_string()) {
                        Some(EffectState { settled: Some(outcome), .. }) => {
                            follow.push(Input::Event(Event::Result { call, outcome: outcome.clone() }));
                        }
                        Some(EffectState { unknown: Some(_), .. }) => {}
                        // It may have been tried just before the end.
                        Some(_) => {
                            self.unknown(&run, call, "the host stopped while it was being tried".to_owned(), now)
                        }
                        None => self.pure_or_call(&run, unit.as_deref(), command, &mut follow, now),
                    },
                    other => self.carry_out(&run, unit.as_deref(), other, &mut follow, now),
                }
            }
            if !follow.is_empty() {
                self.hand_out(&run, follow, now);
            }
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
        let Command::Call { slot, function, .. } = &command else { return };
        let pure = self
            .state
            .runs
            .get(run)
            .and_then(|r| self.deployed.get(&r.deployment))
            .is_some_and(|d| d.pure(slot.as_deref(), function));
        if pure {
            follow.push(Input::Call(command));
        } else {
            self.carry_out(run, unit, command, follow, now);
        }
    }
}

/// The longest id of a run, in bytes: records name it as their subject and as
/// their actor.
const MAX_RUN_ID: usize = 128;

/// How often an idempotent effect of unknown outcome is tried before a person must look.
const MAX_UNKNOWN_TRIES: u32 = 5;
