//! The desk within the partition: commands by people and runs, and what
//! follows from the desk's facts. The rules themselves live in `huiyin-desk`.

use huiyin_desk::{Actor, Command, DecideContext, Decision, DeskError, Elsewhere, Fact, Subject};
use huiyin_flow::{CallId, ErrorKind, FlowError};
use huiyin_records::once::Keyed;
use huiyin_records::record::{DeskDecided, EffectSettled, Entry, unit_key};
use jiff::Timestamp;
use serde_json::Value;

use super::{Expected, Judgement, PartitionCore, RecordMeta, Refusal, Reply, Wake, unfit};

impl PartitionCore {
    pub(super) fn decide(
        &mut self,
        command: &Command,
        actor: Actor,
        scope: Option<&str>,
        elsewhere: Elsewhere,
        now: Timestamp,
    ) -> Result<Decision, DeskError> {
        let ids = &mut self.ids;
        let mut new_id = || ids.uuid(now);
        let mut context = DecideContext {
            now,
            actor,
            new_id: &mut new_id,
            content_key: &self.content_key,
            scope: scope.map(str::to_owned),
            elsewhere,
        };
        self.state.desk.decide(command, &mut context)
    }

    #[allow(clippy::too_many_arguments)] // the parts of one message
    pub(super) fn desk_command(
        &mut self,
        unit: &str,
        actor: &str,
        command: &Command,
        judged: Option<&Judgement>,
        elsewhere: Elsewhere,
        once: Option<Keyed>,
        expected: Option<&Expected>,
        reply: Reply<Value>,
        now: Timestamp,
    ) {
        if let Some(keyed) = &once
            && let Some((asked, answer)) = self.state.once.command(&keyed.name, now)
        {
            let answer = if asked == keyed.asked { Ok(Value::clone(answer)) } else { Err(reused()) };
            self.tell(reply, answer);
            return;
        }
        if let Some(current) = expected.and_then(|expected| self.stale(expected)) {
            self.tell(reply, Err(Refusal::Stale { current }));
            return;
        }
        let Some(who) = Actor::parse(actor) else {
            let message = format!("`{actor}` names no actor; write person:<id>");
            self.tell(reply, Err(Refusal::Invalid { pointer: "/actor".to_owned(), message }));
            return;
        };
        // What items start waits where too much is under way, so the items do (rule 11).
        if matches!(command, Command::Receive(_)) && self.pace.full(unit) && !self.triggers(Some(unit)).is_empty() {
            self.tell(reply, Err(Refusal::Busy));
            return;
        }
        let scope = Some(unit).filter(|unit| !unit.is_empty());
        match self.decide(command, who, scope, elsewhere, now) {
            Ok(decision) => {
                let floor = match (judged, command) {
                    (Some(judged), Command::Receive(received)) => {
                        let items: Vec<_> = received.items.iter().map(|item| &item.item).collect();
                        let entry = super::baseline_record::entry(judged, unit, &items, &decision.facts);
                        Some((entry, format!("{unit}/{}", huiyin_desk::source_in_keys(&received.source))))
                    }
                    _ => None,
                };
                let once = once.map(|keyed| Keyed { answer: decision.output.clone(), ..keyed });
                match self.write_keyed(decision.facts, unit, once, actor, now) {
                    Ok(()) => {
                        if let Some((entry, source)) = floor {
                            self.floor_judged(&entry, &source, unit, now);
                        }
                        self.tell(reply, Ok(decision.output));
                    }
                    Err(message) => self.tell(reply, Err(Refusal::Invalid { pointer: "/".to_owned(), message })),
                }
            }
            Err(error) => self.tell(reply, Err(refusal(&error))),
        }
    }

    /// Whether a core function is about something that is not, or not only, in this partition. What nobody has
    /// ever heard of is asked for elsewhere, too.
    pub(super) fn reaches_out(&self, command: &Command) -> bool {
        if self.partitions < 2 {
            return false;
        }
        match command.subject() {
            Some(Subject::Unit(code)) => {
                !self.state.units.contains(code) && Subject::Unit(code).is_known(&self.state.desk)
            }
            Some(subject) => !subject.is_known(&self.state.desk),
            None => matches!(command, Command::ReadDesk(_)),
        }
    }

    /// The version of a case that is another than what was expected; none where it is as expected, or there is no such case.
    fn stale(&self, expected: &Expected) -> Option<String> {
        let current = self.state.desk.case(&expected.case)?.version();
        let fits = expected.versions.is_empty() || expected.versions.contains(&current);
        (!fits).then_some(current)
    }

    /// A workflow's call of a core function. What it may do is decided by the
    /// desk on its own state, never by the path that led here (rule 9).
    pub(super) fn core_call(
        &mut self,
        run: &str,
        call: CallId,
        command: &Command,
        now: Timestamp,
    ) -> Result<Value, FlowError> {
        let actor = Actor::Run(run.to_owned());
        let unit = self.unit_of(run);
        let decision = self
            .decide(command, actor.clone(), unit.as_deref(), Elsewhere::default(), now)
            .map_err(|e| flow_error(&e))?;
        self.write_decision(decision.facts, Some((run.to_owned(), call.to_string())), &actor.to_string(), now)
            .map_err(|message| FlowError::new(ErrorKind::Validation, message))?;
        // In the same append: after a crash the run takes this answer in, and
        // the desk is not asked a second time (rule 3).
        if let Some(key) = self.state.runs.get(run).map(|r| r.key.clone()) {
            let entry = Entry::EffectSettled(EffectSettled {
                run: run.to_owned(),
                call: call.to_string(),
                attempt: 1,
                outcome: Ok(decision.output.clone()),
                kv: Vec::new(),
            });
            let subject = format!("run/{run}");
            self.record(
                &entry,
                RecordMeta { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key },
                now,
            );
        }
        Ok(decision.output)
    }

    /// The same for a command with a key: it is on record, also where the desk had nothing to
    /// decide, so that the same command later finds its first answer.
    fn write_keyed(
        &mut self,
        facts: Vec<Fact>,
        unit: &str,
        once: Option<Keyed>,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), String> {
        if !facts.is_empty() || once.is_none() {
            return self.write_facts(facts, None, once, actor, now);
        }
        let scope = Some(unit).filter(|unit| !unit.is_empty());
        let (subject, key) = (scope.map_or_else(|| "host".to_owned(), |unit| format!("unit/{unit}")), unit_key(scope));
        let about = RecordMeta { subject: &subject, actor, unit: scope, key: &key };
        unfit(about).map_or(Ok(()), Err)?;
        let entry = Entry::DeskDecided(DeskDecided { facts, call: None, once });
        let payload = self.encoded(&entry).map_err(|why| format!("what was answered {why}"))?;
        self.write(&entry, payload, about, now);
        Ok(())
    }

    /// Writes a decision's facts: one record for each data key in their order,
    /// so that destroying a case's key takes all of the case with it. If one of
    /// them is more than a record can hold, none is written; and why.
    pub(super) fn write_decision(
        &mut self,
        facts: Vec<Fact>,
        call: Option<(String, String)>,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), String> {
        self.write_facts(facts, call, None, actor, now)
    }

    fn write_facts(
        &mut self,
        facts: Vec<Fact>,
        call: Option<(String, String)>,
        mut once: Option<Keyed>,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), String> {
        let mut rest = facts.as_slice();
        let mut records = Vec::new();
        while let Some(first) = rest.first() {
            let (key, subject, unit) = (first.data_key(), first.subject(), first.unit().map(str::to_owned));
            let count = rest.iter().take_while(|fact| fact.data_key() == key).count();
            let (group, after) = rest.split_at(count);
            let once = if after.is_empty() { once.take() } else { None };
            let entry = Entry::DeskDecided(DeskDecided { facts: group.to_vec(), call: call.clone(), once });
            unfit(RecordMeta { subject: &subject, actor, unit: unit.as_deref(), key: &key }).map_or(Ok(()), Err)?;
            let payload = self.encoded(&entry).map_err(|why| format!("what was decided {why}"))?;
            records.push((entry, payload, subject, unit, key));
            rest = after;
        }
        for (entry, payload, subject, unit, key) in records {
            self.write(&entry, payload, RecordMeta { subject: &subject, actor, unit: unit.as_deref(), key: &key }, now);
        }
        self.after_facts(&facts, now);
        Ok(())
    }

    /// The same for what the engine itself decided: there is nobody to refuse.
    pub(super) fn write_own(&mut self, facts: Vec<Fact>, now: Timestamp) {
        if let Err(error) = self.write_decision(facts, None, Self::ENGINE, now) {
            tracing::error!(partition = self.partition, error, "a decision was dropped");
        }
    }

    /// What follows from facts already written: events start and wake runs,
    /// people are told, the desk's next clock is set.
    pub(super) fn after_facts(&mut self, facts: &[Fact], now: Timestamp) {
        for fact in facts {
            for event in self.state.desk.event(fact).into_iter().chain(huiyin_desk::alert_event(fact)) {
                let key = fact.data_key();
                self.announce_under(Some(&event.unit), event.kind, &event.subject, &event.data, key, now);
            }
        }
        let unjudged = facts.iter().filter_map(huiyin_desk::alert_event);
        if let Some(first) = unjudged.clone().next() {
            let (items, reason) = (unjudged.count(), first.data["reason"].as_str());
            tracing::error!(
                unit = first.unit,
                items,
                reason,
                "the floor could not judge items; people have to: `huiyin item list --unjudged`"
            );
        }
        self.plan_desk();
    }

    pub(super) fn plan_desk(&mut self) {
        match self.state.desk.next_wake() {
            Some(at) => self.wakes.set(Wake::Desk, at),
            None => self.wakes.clear(&Wake::Desk),
        }
    }

    /// Clocks that are due: each fires once, with its true lateness (rule 5).
    pub(super) fn tick_desk(&mut self, now: Timestamp) {
        let facts = self.state.desk.tick(now);
        self.write_own(facts, now);
    }
}

/// A refusal of the desk as the engine tells it.
pub fn refusal(error: &DeskError) -> Refusal {
    match &error.pointer {
        _ if error.code == "not-found" => Refusal::NotFound(error.to_string()),
        // A clause or rule forbids it: the command itself was well formed.
        Some(pointer) if error.clause.is_none() => {
            let mut bare = error.clone();
            bare.pointer = None;
            Refusal::Invalid { pointer: pointer.clone(), message: bare.to_string() }
        }
        _ => Refusal::Refused(error.to_string()),
    }
}

/// A key stands for one command.
pub fn reused() -> Refusal {
    Refusal::KeyReused(
        "this `idempotency-key` came with another command before; give each command a key of its own".to_owned(),
    )
}

/// A refusal of the desk as a workflow is told it.
pub fn flow_error(error: &DeskError) -> FlowError {
    told(&refusal(error))
}

/// A refusal by a desk, of this partition or another, as a workflow is told it.
pub fn told(refusal: &Refusal) -> FlowError {
    let kind = match refusal {
        Refusal::NotFound(_) | Refusal::Invalid { .. } => ErrorKind::Validation,
        Refusal::Refused(_) | Refusal::KeyReused(_) | Refusal::Stale { .. } => ErrorKind::Authorization,
        Refusal::Busy | Refusal::NoSpace | Refusal::Store(_) => ErrorKind::Runtime,
    };
    FlowError::new(kind, refusal.to_string())
}
