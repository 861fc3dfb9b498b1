//! Runs: how they start, alone or with a first turn that was taken ahead.

use std::sync::Arc;

use huiyin_flow::{Event, RunState};
use huiyin_records::record::{Entry, RunStarted};
use huiyin_records::state::FinishedRun;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::runs::Held;
use super::{PartitionCore, RecordMeta, Refusal, Reply, StartRun, TurnDone, encoded, name_fault, unfit};
use crate::value_limits::ValueLimits;

/// The longest id of a run, in bytes: records name it as their subject and as
/// their actor.
const MAX_RUN_ID: usize = 128;

impl PartitionCore {
    pub(super) fn start(&mut self, mut start: StartRun, now: Timestamp) {
        if let Some(refusal) = self.asked_otherwise(&start, now) {
            self.refuse_start(start.accepted, start.finished, refusal);
            return;
        }
        while let Some(next) = self.successors.get(&start.deployment) {
            start.deployment.clone_from(next);
            // It was taken with the one before.
            start.first = None;
        }
        let Some(deployed) = self.deployed.get(&start.deployment).cloned() else {
            let refusal = Refusal::NotFound(format!("no workflow is deployed as {}", start.deployment));
            self.refuse_start(start.accepted, start.finished, refusal);
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
        if let Some(done) = self.state.ended(&start.run).cloned() {
            if let Some(reply) = start.accepted {
                self.tell(reply, Ok(start.run));
            }
            if let Some(reply) = start.finished {
                self.tell(reply, Ok(done));
            }
            return;
        }
        if start.asked.is_some() && self.state.once.run(&start.run, now).is_some() {
            // It ended so long ago that only its id is remembered.
            if let Some(reply) = start.accepted {
                self.tell(reply, Ok(start.run.clone()));
            }
            if let Some(reply) = start.finished {
                let why =
                    format!("run {} has ended, and what it came to is no longer kept here; the log has it", start.run);
                self.tell(reply, Err(Refusal::Refused(why)));
            }
            return;
        }
        let unit = deployed.unit.as_deref();
        let over = start.first.as_ref().is_some_and(|first| first.done.ends_alone());
        if start.trigger == "person" && !over && self.pace.full(unit.unwrap_or_default()) {
            self.refuse_start(start.accepted, start.finished, Refusal::Busy);
            return;
        }
        // Events were looked at one by one when they came.
        let by_events = start.trigger.starts_with("event:");
        let too_large = self.payload.check("the input", &start.input).err().filter(|_| !by_events);
        // A turn taken ahead knew of no canary.
        let mut first = start.first.filter(|_| !self.canaries.contains_key(deployed.id.as_str()));
        let record = first.as_mut().and_then(|first| first.record.take());
        let ahead = first.as_ref().filter(|_| record.is_some()).map(|first| (first.now, Arc::clone(&first.done.flow)));
        let entry = Entry::RunStarted(RunStarted {
            run: start.run.clone(),
            deployment: start.deployment,
            trigger: start.trigger,
            key: start.key.clone(),
            input: start.input,
            parent: None,
            turn: None,
            asked: start.asked,
        });
        let subject = format!("run/{}", start.run);
        let unit = deployed.unit.clone();
        let about = RecordMeta { subject: &subject, actor: &start.actor, unit: unit.as_deref(), key: &start.key };
        let fault = name_fault(&start.run, MAX_RUN_ID)
            .map(|why| ("/run", format!("the run's id {why}")))
            .or_else(|| too_large.map(|why| ("/input", why)))
            .or_else(|| unfit(about).map(|why| ("/actor", why)));
        let payload = match (fault, record) {
            (Some(fault), _) => Err(fault),
            (None, Some(record)) => Ok(record),
            (None, None) => self.encoded(&entry).map_err(|why| ("/input", format!("the input {why}"))),
        };
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
                self.refuse_start(start.accepted, start.finished, refusal);
                return;
            }
        };
        let whole = ahead.is_some();
        let written = match ahead {
            Some((at, flow)) => self.write_whole(&entry, payload, about, at, flow, now),
            None => self.write(&entry, payload, about, first.as_ref().map_or(now, |first| first.now)),
        };
        if !written {
            let refusal = Refusal::Store("the run's start could not be written; please report this".to_owned());
            self.refuse_start(start.accepted, start.finished, refusal);
            return;
        }
        if let Some(reply) = start.accepted {
            self.tell(reply, Ok(start.run.clone()));
        }
        if let Some(reply) = start.finished {
            self.waiting.entry(start.run.clone()).or_default().push(reply);
        }
        self.count_run(&start.run);
        match first.map(|first| *first.done) {
            // Its turn stands in the record of the start.
            Some(done) if whole => {
                self.follow(&done.run, unit.as_deref(), done.commands, done.rest, Held::default(), now);
            }
            Some(done) => self.take_turn_in(done, now),
            None => self.begin(&start.run, now),
        }
    }

    /// Why a run cannot have the id that its asker chose: another was asked for under it before.
    fn asked_otherwise(&self, start: &StartRun, now: Timestamp) -> Option<Refusal> {
        let asked = start.asked.as_ref()?;
        let same = if let Some(before) = self.state.once.run(&start.run, now) {
            before == asked
        } else {
            let running = self.state.runs.get(&start.run).map(|run| (&run.deployment, &run.trigger));
            let ended = || self.state.ended(&start.run).map(|run| (&run.deployment, &run.trigger));
            let (deployment, trigger) = running.or_else(ended)?;
            // From before such ids were remembered: then at least the same workflow.
            let named = |id: &String| self.state.deployments.get(id).map(|d| (&d.name, &d.unit));
            trigger == "person" && named(deployment) == named(&start.deployment)
        };
        (!same).then(|| taken(&start.run))
    }

    /// Nobody's run starts: both who may wait for it are told why.
    fn refuse_start(
        &mut self,
        accepted: Option<Reply<String>>,
        finished: Option<Reply<Arc<FinishedRun>>>,
        refusal: Refusal,
    ) {
        if let Some(reply) = finished {
            self.tell(reply, Err(refusal.clone()));
        }
        if let Some(reply) = accepted {
            self.tell(reply, Err(refusal));
        }
    }

    /// Writes a start whose payload has the first turn, too; false if it could not be applied.
    fn write_whole(
        &mut self,
        entry: &Entry,
        payload: Vec<u8>,
        about: RecordMeta<'_>,
        at: Timestamp,
        flow: Arc<RunState>,
        now: Timestamp,
    ) -> bool {
        let Entry::RunStarted(started) = entry else { return false };
        if let Err(error) = self.state.start(started, at, Some(flow)) {
            tracing::error!(partition = self.partition, kind = entry.kind(), %error, "record not applicable, dropped");
            return false;
        }
        self.state.after_turn(&started.run, now);
        self.draft(entry, payload, about, now);
        true
    }
}

/// The record of a start with its first turn in it, and the facts gone: written out on the thread
/// that made them, so that the partition's loop need not look at them. None, and nothing changed,
/// where that cannot be one record.
pub fn record_of_start(start: &mut StartRun, done: &mut TurnDone, most: ValueLimits) -> Option<Vec<u8>> {
    use std::mem::take;

    let turn = done.opening()?;
    let entry = Entry::RunStarted(RunStarted {
        run: take(&mut start.run),
        deployment: take(&mut start.deployment),
        trigger: take(&mut start.trigger),
        key: take(&mut start.key),
        input: start.input.take(),
        parent: None,
        turn: Some(turn),
        asked: start.asked.take(),
    });
    let record = encoded(&entry, most).ok();
    let Entry::RunStarted(started) = entry else { return None };
    let RunStarted { run, deployment, trigger, key, input, turn, asked, .. } = started;
    (start.run, start.deployment, start.trigger, start.key, start.input) = (run, deployment, trigger, key, input);
    start.asked = asked;
    if let (None, Some(turn)) = (&record, turn) {
        done.take_back(turn);
    }
    record
}

/// The id of a run is another's.
pub fn taken(run: &str) -> Refusal {
    Refusal::Refused(format!(
        "the id {run} is that of another run, of another workflow, unit or input; give this one an id of its own"
    ))
}

/// What a run begins with.
pub fn start_event(run: &str, input: &Value, unit: Option<&str>, trigger: &str, started: Timestamp) -> Event {
    Event::Start {
        run_id: run.to_owned(),
        input: input.clone(),
        context: json!({"unit": unit, "trigger": trigger, "startedAt": started.to_string()}),
    }
}

#[cfg(test)]
mod tests {
    use huiyin_flow::Fact;

    use super::*;
    use huiyin_records::record;

    /// A run that began with these bytes of input, and the turn that took them in.
    fn begun(bytes: usize) -> (StartRun, TurnDone) {
        let input = json!({"text": "x".repeat(bytes)});
        let fact = Fact::Start {
            run: "r".into(),
            at: Timestamp::UNIX_EPOCH,
            input: Arc::new(input.clone()),
            trigger: Arc::default(),
        };
        let start = StartRun {
            deployment: "d".to_owned(),
            run: "r".to_owned(),
            trigger: "person".to_owned(),
            key: "host".to_owned(),
            input,
            actor: "person:a".to_owned(),
            asked: None,
            accepted: None,
            finished: None,
            first: None,
        };
        let done = TurnDone {
            run: "r".to_owned(),
            turn: 0,
            flow: Arc::default(),
            facts: vec![fact],
            commands: Vec::new(),
            consumed: 0,
            told: Some(Vec::new()),
            rest: Vec::new(),
            faults: Vec::new(),
            made: Vec::new(),
            failed: None,
        };
        (start, done)
    }

    #[test]
    fn a_start_and_its_first_turn_are_one_record_that_reads_as_two() {
        let (mut start, mut done) = begun(10);
        let (facts, input) = (done.facts.clone(), start.input.clone());
        let bytes = record_of_start(&mut start, &mut done, ValueLimits::default()).unwrap();
        assert!(done.facts.is_empty() && start.input == input && start.run == "r");
        let read: RunStarted = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read.began(), Some(Timestamp::UNIX_EPOCH));
        let parts: Vec<Entry> = Entry::RunStarted(read).parts().collect();
        let [Entry::RunStarted(RunStarted { turn: None, .. }), Entry::RunTurn(turn)] = &parts[..] else {
            panic!("{parts:?}")
        };
        assert_eq!((&turn.run[..], &turn.facts, &turn.made), ("r", &facts, &Some(Vec::<record::CallTrace>::new())));
    }

    #[test]
    fn what_is_not_one_record_stays_as_it_was() {
        // Both times the input: more than one record takes, less than two.
        let most = ValueLimits { value: 0, state: 0 };
        let (mut start, mut done) = begun(usize::try_from(most.record() * 2 / 3).unwrap());
        let (facts, input) = (done.facts.clone(), start.input.clone());
        assert_eq!(record_of_start(&mut start, &mut done, most), None);
        assert_eq!((&done.facts, done.told.as_deref(), &start.input), (&facts, Some(&[][..]), &input));
        // More came of it than facts.
        let (mut start, mut done) = begun(10);
        done.faults.push(("tally:0.1.0".to_owned(), "trap".to_owned()));
        assert_eq!(record_of_start(&mut start, &mut done, ValueLimits::default()), None);
        assert_eq!(done.facts.len(), 1);
    }
}
