//! What people do with runs: suspend, resume, cancel them; set them to work
//! again; say what became of an effect. All of it is journaled with who and why.

use std::sync::Arc;

use huiyin_flow::{CallId, Env, Event, Fact, Phase};
use huiyin_records::record::{EffectResolved, Entry, RunQuarantined, RunReleased, RunReopened};
use jiff::Timestamp;
use serde_json::json;

use super::{Input, Order, OrderKind, PartitionCore, RecordMeta, Refusal, Reopen, Resolve, TurnDone, Work, unfit};

/// The longest reason, in bytes.
const MAX_REASON: usize = 4 << 10;

impl PartitionCore {
    /// Answered once what it asks for is on record, not when it is merely under way.
    pub(super) fn order(&mut self, order: Order, now: Timestamp) {
        if let Err(refusal) = self.orderly(&order) {
            self.tell(order.reply, Err(refusal));
            return;
        }
        let run = order.run.clone();
        let event = match order.kind {
            OrderKind::Cancel => {
                let reason = format!("{} ({})", order.reason, order.actor);
                self.orders.entry(run.clone()).or_default().push(order);
                self.end_run(&run, reason, now);
                return;
            }
            OrderKind::Suspend => Event::Suspend,
            OrderKind::Resume => Event::Resume,
        };
        self.orders.entry(run.clone()).or_default().push(order);
        self.happen_soon(&run, event, now);
    }

    fn orderly(&self, order: &Order) -> Result<(), Refusal> {
        check_who_and_why(&order.actor, &order.reason)?;
        let run = &order.run;
        let Some(state) = self.state.runs.get(run) else { return Err(self.not_running(run)) };
        if let (Some(why), OrderKind::Suspend | OrderKind::Resume) = (&state.quarantined, order.kind) {
            return Err(Refusal::Refused(format!("run {run} is set aside for a person: {why}")));
        }
        if state.quarantined.is_some() && self.busy.contains_key(run) {
            // Its last turn is still out.
            return Err(Refusal::Busy);
        }
        match (order.kind, state.flow.phase()) {
            (OrderKind::Suspend, Phase::Suspended) => Err(Refusal::Refused(format!("run {run} is suspended already"))),
            (OrderKind::Resume, Phase::New | Phase::Running) if !self.under_way(run) => {
                Err(Refusal::Refused(format!("run {run} is not suspended")))
            }
            _ => Ok(()),
        }
    }

    fn under_way(&self, run: &str) -> bool {
        self.busy.contains_key(run) || self.orders.get(run).is_some_and(|orders| !orders.is_empty())
    }

    fn not_running(&self, run: &str) -> Refusal {
        match self.state.ended(run) {
            Some(ended) => {
                Refusal::Refused(format!("run {run} is not running; it {} at {}", ended.status, ended.ended))
            }
            None => Refusal::NotFound(format!("run {run} is not running")),
        }
    }

    /// Ends a run. One that is set aside takes no further turn but this one, which asks no plugin.
    pub(super) fn end_run(&mut self, run: &str, reason: String, now: Timestamp) {
        let event = Event::Cancel { reason };
        let Some(state) = self.state.runs.get(run) else { return };
        let (set_aside, flow) = (state.quarantined.is_some() && !self.busy.contains_key(run), Arc::clone(&state.flow));
        match self.deployed.get(&state.deployment).cloned() {
            Some(deployed) if set_aside => {
                let mut flow = Arc::unwrap_or_clone(flow);
                let evaluator = Arc::clone(&self.evaluator);
                let turn = huiyin_flow::advance(&deployed.definition, &mut flow, event, &Env::new(now, 0, &*evaluator));
                self.take_turn_in(
                    TurnDone {
                        run: run.to_owned(),
                        turn: 0,
                        flow: Arc::new(flow),
                        facts: turn.facts,
                        commands: turn.commands,
                        consumed: 0,
                        told: None,
                        rest: Vec::new(),
                        faults: Vec::new(),
                        made: Vec::new(),
                        failed: None,
                    },
                    now,
                );
            }
            _ => self.happen_soon(run, event, now),
        }
    }

    /// What ends or holds a run, or lets it go on: the turn before it is not kept waiting for space.
    fn happen_soon(&mut self, run: &str, event: Event, now: Timestamp) {
        if self.busy.contains_key(run) {
            self.out.durable.push(Work::Hurry { run: run.to_owned() });
        }
        self.happen(run, event, now);
    }

    /// The order that a turn's facts carry out, if they do.
    pub(super) fn ordered(&self, run: &str, facts: &[Fact]) -> Option<&Order> {
        let kind = facts.iter().rev().find_map(|fact| match fact {
            Fact::Suspended => Some(OrderKind::Suspend),
            Fact::Resumed => Some(OrderKind::Resume),
            Fact::Cancelled { .. } => Some(OrderKind::Cancel),
            _ => None,
        })?;
        self.orders.get(run)?.iter().find(|order| order.kind == kind)
    }

    /// Answers the orders whose events the run has taken in; `left` it has not.
    pub(super) fn answer_orders(&mut self, run: &str, left: &[Input], now: Timestamp) {
        let Some(orders) = self.orders.remove(run) else { return };
        let waits = |kind: OrderKind| {
            left.iter().any(|input| match input {
                Input::Event(Event::Cancel { .. }) => kind == OrderKind::Cancel,
                Input::Event(Event::Suspend) => kind == OrderKind::Suspend,
                Input::Event(Event::Resume) => kind == OrderKind::Resume,
                _ => false,
            })
        };
        let unit = self.unit_of(run);
        for order in orders {
            if waits(order.kind) {
                self.orders.entry(run.to_owned()).or_default().push(order);
                continue;
            }
            let phase = self.state.runs.get(run).map(|state| state.flow.phase());
            let done = match (order.kind, phase) {
                (OrderKind::Cancel, None) | (OrderKind::Suspend, Some(Phase::Suspended)) => true,
                (OrderKind::Resume, Some(phase)) => phase != Phase::Suspended,
                // It went on, and with what it had kept it came to its end at once.
                (OrderKind::Resume, None) => self.state.ended(run).is_some_and(|end| end.status != "cancelled"),
                _ => false,
            };
            if done && order.kind != OrderKind::Cancel {
                let word = if order.kind == OrderKind::Suspend { "suspended" } else { "resumed" };
                let said = json!({"by": order.actor, "reason": order.reason});
                self.show(&format!("huiyin.run.{word}.v1"), &format!("run/{run}"), unit.as_deref(), said, now);
            }
            let answer = if done { Ok(()) } else { Err(self.not_running(run)) };
            self.tell(order.reply, answer);
        }
    }

    /// Sets a run aside for a person; `call` is the one of which nobody knows
    /// whether it happened, if it is for its sake.
    pub(super) fn quarantine(&mut self, run: &str, reason: &str, call: Option<CallId>, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        let key = state.key.clone();
        let unit = self.unit_of(run);
        let subject = format!("run/{run}");
        let entry = Entry::RunQuarantined(RunQuarantined {
            run: run.to_owned(),
            reason: reason.to_owned(),
            call: call.map(|call| call.to_string()),
        });
        self.record(
            &entry,
            RecordMeta { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key },
            now,
        );
        self.show("huiyin.run.quarantined.v1", &subject, unit.as_deref(), json!({"reason": reason}), now);
        // What is left undone is asked for again when a person lets it go on.
        self.queued.remove(run);
        let refusal = Refusal::Refused(format!("run {run} is set aside for a person: {reason}"));
        for reply in self.waiting.remove(run).unwrap_or_default() {
            self.tell(reply, Err(refusal.clone()));
        }
        for order in self.orders.remove(run).unwrap_or_default() {
            self.tell(order.reply, Err(refusal.clone()));
        }
    }

    /// Sets a run to work again: one that has ended from a task on, one that
    /// was set aside from where it stood.
    pub(super) fn reopen(&mut self, reopen: Reopen, now: Timestamp) {
        let answer = match check_who_and_why(&reopen.actor, &reopen.reason) {
            Err(refusal) => Err(refusal),
            Ok(()) if self.state.runs.contains_key(&reopen.run) => self.release(&reopen, now),
            Ok(()) => self.reopen_ended(&reopen, now),
        };
        self.tell(reopen.reply, answer);
    }

    fn reopen_ended(&mut self, reopen: &Reopen, now: Timestamp) -> Result<(), Refusal> {
        let run = &reopen.run;
        let Some(ended) = self.state.ended(run) else {
            return Err(Refusal::NotFound(format!("there is no run {run}, or it ended too long ago")));
        };
        let Some(flow) = &ended.flow else {
            return Err(Refusal::Refused(format!(
                "run {run} ended at {}; what it needs to go on is no longer kept, start a new run",
                ended.ended
            )));
        };
        let Some(deployed) = self.deployed.get(&ended.deployment) else {
            return Err(Refusal::Refused(format!("the workflow of run {run} is no longer loaded; start a new run")));
        };
        flow.can_reopen(&deployed.definition, reopen.task.as_deref())
            .map_err(|why| Refusal::Refused(format!("run {run} cannot be set to work again: {why}")))?;
        let (key, unit) = (ended.key.clone(), deployed.unit.clone());
        let entry = Entry::RunReopened(RunReopened {
            run: run.clone(),
            task: reopen.task.clone(),
            input: reopen.input.clone(),
            actor: reopen.actor.clone(),
            reason: reopen.reason.clone(),
        });
        let subject = format!("run/{run}");
        let about = RecordMeta { subject: &subject, actor: &reopen.actor, unit: unit.as_deref(), key: &key };
        let invalid = |message: String| Refusal::Invalid { pointer: "/input".to_owned(), message };
        if let Some(input) = &reopen.input {
            self.payload.check("the input", input).map_err(invalid)?;
        }
        let payload = self.encoded(&entry).map_err(|why| invalid(format!("the input {why}")))?;
        if !self.write(&entry, payload, about, now) {
            return Err(Refusal::Refused(format!("run {run} cannot be set to work again")));
        }
        let said = json!({"by": reopen.actor, "reason": reopen.reason, "task": reopen.task});
        self.count_run(run);
        self.show("huiyin.run.reopened.v1", &subject, unit.as_deref(), said, now);
        self.begin_again(run, now);
        Ok(())
    }

    /// Hands a run that was set to work again to the interpreter.
    pub(super) fn begin_again(&mut self, run: &str, now: Timestamp) {
        let Some(reopened) = self.state.runs.get(run).and_then(|state| state.reopened.clone()) else { return };
        let RunReopened { task, input, actor, reason, .. } = reopened;
        self.happen(run, Event::Reopen { task, input, actor, reason }, now);
    }

    /// Lets a run go on that was set aside.
    fn release(&mut self, reopen: &Reopen, now: Timestamp) -> Result<(), Refusal> {
        let run = &reopen.run;
        let Some(state) = self.state.runs.get(run) else { return Err(self.not_running(run)) };
        let doubtful = state.doubtful.clone().or_else(|| {
            state.effects.iter().find(|(_, effect)| effect.unknown.is_some()).map(|(call, _)| call.clone())
        });
        if let Some(call) = doubtful {
            return Err(Refusal::Refused(format!(
                "nobody knows whether call {call} of run {run} happened; look, then say it: `--happened FILE` with what it gave, or `--not-happened`"
            )));
        }
        if state.quarantined.is_none() {
            return Err(Refusal::Refused(format!("run {run} is running; there is nothing to retry")));
        }
        if reopen.task.is_some() || reopen.input.is_some() {
            return Err(Refusal::Refused(format!(
                "run {run} is set aside and goes on where it stood; cancel it first to restart it elsewhere"
            )));
        }
        if self.busy.contains_key(run) {
            return Err(Refusal::Busy);
        }
        if !self.deployed.contains_key(&state.deployment) {
            return Err(Refusal::Refused(format!("the workflow of run {run} is not loaded")));
        }
        let key = state.key.clone();
        let unit = self.unit_of(run);
        let subject = format!("run/{run}");
        let entry = Entry::RunReleased(RunReleased { run: run.clone(), reason: reopen.reason.clone() });
        let about = RecordMeta { subject: &subject, actor: &reopen.actor, unit: unit.as_deref(), key: &key };
        if !self.record(&entry, about, now) {
            return Err(Refusal::Refused(format!("run {run} cannot go on")));
        }
        let said = json!({"by": reopen.actor, "reason": reopen.reason});
        self.show("huiyin.run.released.v1", &subject, unit.as_deref(), said, now);
        self.resume_run(run, now);
        Ok(())
    }

    /// A person says what became of an effect.
    pub(super) fn resolve(&mut self, resolve: Resolve, now: Timestamp) {
        let answer = self.resolved(&resolve, now);
        self.tell(resolve.reply, answer);
    }

    fn resolved(&mut self, resolve: &Resolve, now: Timestamp) -> Result<(), Refusal> {
        check_who_and_why(&resolve.actor, &resolve.reason)?;
        let run = &resolve.run;
        let Some(state) = self.state.runs.get(run) else { return Err(self.not_running(run)) };
        let mut open: Vec<String> =
            state.effects.iter().filter(|(_, e)| e.unknown.is_some()).map(|(call, _)| call.clone()).collect();
        open.extend(state.doubtful.clone().filter(|call| !open.contains(call)));
        let call = match (resolve.call.map(|call| call.to_string()), open.as_slice()) {
            (Some(call), open) if open.contains(&call) => call,
            (None, [call]) => call.clone(),
            (_, []) => {
                return Err(Refusal::Refused(format!(
                    "run {run} has no call of which nobody knows whether it happened"
                )));
            }
            (Some(call), open) => {
                return Err(Refusal::Refused(format!(
                    "of call {call} of run {run} it is known what became; of {} it is not",
                    open.join(", ")
                )));
            }
            (None, open) => {
                let pointer = "/call".to_owned();
                let message = format!("run {run} has several such calls: {}; say which", open.join(", "));
                return Err(Refusal::Invalid { pointer, message });
            }
        };
        if self.busy.contains_key(run) && state.quarantined.is_some() {
            return Err(Refusal::Busy);
        }
        if let Some(output) = &resolve.happened {
            let pointer = "/output".to_owned();
            self.payload.check("what it gave", output).map_err(|message| Refusal::Invalid { pointer, message })?;
        }
        let (key, set_aside) = (state.key.clone(), state.quarantined.is_some());
        let awaited = state.effects.contains_key(&call);
        let unit = self.unit_of(run);
        let entry = Entry::EffectResolved(EffectResolved {
            run: run.clone(),
            call: call.clone(),
            happened: resolve.happened.is_some(),
            output: resolve.happened.clone(),
            reason: resolve.reason.clone(),
        });
        let subject = format!("run/{run}");
        let about = RecordMeta { subject: &subject, actor: &resolve.actor, unit: unit.as_deref(), key: &key };
        let payload = self.encoded(&entry).map_err(|why| {
            let message = format!("what it gave {why}");
            Refusal::Invalid { pointer: "/output".to_owned(), message }
        })?;
        if !self.write(&entry, payload, about, now) {
            return Err(Refusal::Refused(format!("run {run} cannot take that in")));
        }
        let said = json!({"call": call, "happened": resolve.happened.is_some(), "by": resolve.actor, "reason": resolve.reason});
        self.show("huiyin.effect.resolved.v1", &subject, unit.as_deref(), said, now);
        let Ok(id) = call.parse().map(CallId) else { return Ok(()) };
        match (&resolve.happened, awaited) {
            // It is tried again, if the run still waits for it.
            (None, true) => {
                self.again(run, id, None, now);
            }
            (Some(output), true) if !set_aside => {
                self.happen(run, Event::Result { call: id, outcome: Ok(output.clone()) }, now);
            }
            _ => {}
        }
        if set_aside && self.state.runs.get(run).is_some_and(|state| state.quarantined.is_none()) {
            self.resume_run(run, now);
        }
        Ok(())
    }
}

/// A record's header names who, its payload says why.
pub(super) fn check_who_and_why(actor: &str, reason: &str) -> Result<(), Refusal> {
    let invalid = |pointer: &str, message: String| Refusal::Invalid { pointer: pointer.to_owned(), message };
    if let Some(why) = unfit(RecordMeta { subject: "run", actor, unit: None, key: "host" }) {
        return Err(invalid("/actor", why));
    }
    if reason.trim().is_empty() {
        return Err(invalid("/reason", "say why".to_owned()));
    }
    if reason.len() > MAX_REASON {
        return Err(invalid("/reason", format!("the reason has {} bytes, {MAX_REASON} are allowed", reason.len())));
    }
    Ok(())
}
