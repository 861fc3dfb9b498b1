//! Events within the partition: whom they concern, what they start and wake.
//!
//! An event of a unit reaches that unit's workflows and runs; an event without
//! one reaches the workflows and runs that serve none, in every partition. A
//! workflow that serves no unit is deployed everywhere and started by events
//! and clocks in one place only, its home: the first partition.
//!
//! Nothing here evaluates an expression: literal parts of filters decide what
//! they can, and where the rest must be evaluated a worker does it.

use std::sync::Arc;

use huiyin_flow::Event;
use huiyin_flow::cloud_event;
use huiyin_records::event_dedup::{self, Pending};
use huiyin_records::record::{
    Entry, EventDelivered, EventJudged, EventRelayed, Gathered, Relay, Started, Undecided, unit_key,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{PartitionCore, RecordMeta, Refusal, Reply, StartRun, Work};
use crate::deployed::{Answer, Deployed};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// How many runs it started or woke.
    pub runs: u32,
    /// It had been taken in before, and nothing happened now.
    pub duplicate: bool,
}

/// Filters to evaluate.
pub struct JudgeJob {
    /// Names the question.
    pub id: String,
    /// The event.
    pub event: Arc<Value>,
    /// Whose triggers.
    pub deployed: Vec<Arc<Deployed>>,
}

/// Which filters an event answers.
pub struct Judged {
    /// Names the question.
    pub id: String,
    /// By deployment, the filters that it answers.
    pub answers: Vec<(String, Vec<u32>)>,
}

/// Whom an event concerns and how it is kept.
struct Way {
    unit: Option<String>,
    /// The data key of what it starts.
    key: String,
    /// Names an event that is taken in only once.
    once: Option<String>,
    /// Other partitions shall have it too.
    relay: bool,
}

impl PartitionCore {
    /// Whether what serves this unit, or none, is started here.
    pub(super) fn at_home(&self, unit: Option<&str>) -> bool {
        unit.is_some() || self.partition == 0
    }

    /// An event from outside, or from another partition (`relayed`, by its
    /// name): taken in once, however often it comes.
    pub(super) fn take_event(
        &mut self,
        unit: Option<String>,
        event: Value,
        relayed: Option<String>,
        reply: Reply<Delivered>,
        now: Timestamp,
    ) {
        // One from another partition was looked at there, and is on record.
        if let Err(message) = relayed.as_ref().map_or_else(|| self.payload.check_event(&event), |_| Ok(())) {
            self.tell(reply, Err(Refusal::Invalid { pointer: "/event".to_owned(), message }));
            return;
        }
        let once = relayed.unwrap_or_else(|| event_dedup::name(unit.as_deref(), &event));
        if let Some(taken) = self.state.heard.taken(&once, now) {
            let told = Delivered { runs: taken.runs, duplicate: true };
            match taken.undecided.clone() {
                // Its first answer is still to come.
                Some(id) => self.judging.entry(id).or_default().push((true, reply)),
                None => self.tell(reply, Ok(told)),
            }
            return;
        }
        if self.must_wait(unit.as_deref(), &event) {
            self.tell(reply, Err(Refusal::Busy));
            return;
        }
        let way = Way { key: unit_key(unit.as_deref()), unit, once: Some(once), relay: false };
        let (runs, undecided) = self.deliver(event, way, now);
        match undecided {
            Some(id) => self.judging.entry(id).or_default().push((false, reply)),
            None => self.tell(reply, Ok(Delivered { runs, duplicate: false })),
        }
    }

    /// An event that a run publishes.
    pub(super) fn publish(&mut self, run: &str, unit: Option<&str>, event: &Value, now: Timestamp) {
        let subject = format!("run/{run}");
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        if let Some(reason) = cloud_event::reserved(kind) {
            // Those are the host's own word; a workflow cannot put it into its mouth.
            self.show("huiyin.event.refused.v1", &subject, unit, json!({"type": kind, "reason": reason}), now);
            return;
        }
        self.show(kind, &subject, unit, event.get("data").cloned().unwrap_or(Value::Null), now);
        let relay = unit.is_none() && self.partitions > 1;
        let way = Way { unit: unit.map(str::to_owned), key: unit_key(unit), once: None, relay };
        self.deliver(event.clone(), way, now);
    }

    /// An event of the host's own: shown, and told to whoever listens.
    pub(super) fn announce(&mut self, unit: Option<&str>, kind: &str, subject: &str, data: &Value, now: Timestamp) {
        self.announce_under(unit, kind, subject, data, unit_key(unit), now);
    }

    /// The same; what it starts is kept under the given data key.
    pub(super) fn announce_under(
        &mut self,
        unit: Option<&str>,
        kind: &str,
        subject: &str,
        data: &Value,
        key: String,
        now: Timestamp,
    ) {
        self.show(kind, subject, unit, data.clone(), now);
        let event = json!({
            "specversion": "1.0",
            "id": self.ids.uuid(now).to_string(),
            "source": unit.map_or_else(|| "/host".to_owned(), |unit| format!("/units/{unit}")),
            "type": kind,
            "subject": subject,
            "time": now.to_string(),
            "datacontenttype": "application/json",
            "data": data,
        });
        let relay = unit.is_none() && self.partitions > 1;
        self.deliver(event, Way { unit: unit.map(str::to_owned), key, once: None, relay }, now);
    }

    /// Starts the workflows that an event triggers and wakes the runs that
    /// listen for it, all within the same append as what made the event; gives
    /// how many, and the question that is open about others.
    fn deliver(&mut self, event: Value, way: Way, now: Timestamp) -> (u32, Option<String>) {
        let unit = way.unit.as_deref();
        let mut entry = EventDelivered { runs: self.listening(unit, &event), once: way.once, ..Default::default() };
        let mut ask = Vec::new();
        if self.at_home(unit) {
            for deployed in self.triggers(unit) {
                let pending = |filter| !self.gathered(&deployed.id, filter);
                match deployed.answer(&event, pending) {
                    Answer::No => {}
                    Answer::Ask => ask.push(deployed),
                    Answer::Yes(filter) => {
                        self.answered(&deployed, filter, &way.key, &mut entry.started, &mut entry.gathered, now);
                    }
                }
            }
        }
        if !ask.is_empty() {
            entry.undecided = Some(Undecided {
                id: self.ids.uuid(now).to_string(),
                unit: way.unit.clone(),
                key: way.key.clone(),
                deployments: ask.iter().map(|d| d.id.clone()).collect(),
            });
        }
        if way.relay {
            entry.relay = Some(Relay { id: self.ids.uuid(now).to_string() });
        }
        let runs = (entry.runs.len() + entry.started.len()) as u32;
        let plain = entry.runs.is_empty()
            && entry.once.is_none()
            && entry.gathered.is_empty()
            && entry.undecided.is_none()
            && entry.relay.is_none();
        if plain {
            // A run's own first record holds the event; no other is needed.
            let event = Arc::new(event);
            for Started { deployment, run, key } in entry.started {
                self.start_by_event(run, deployment, key, &[Arc::clone(&event)], now);
            }
            return (runs, None);
        }
        entry.event = event;
        let key = way.key;
        let entry = Entry::EventDelivered(entry);
        if !self.record(&entry, RecordMeta { subject: "event", actor: Self::ENGINE, unit, key: &key }, now) {
            return (0, None);
        }
        let Entry::EventDelivered(entry) = entry else { return (0, None) };
        self.start_pending(now);
        let event = Arc::new(entry.event);
        for run in entry.runs {
            if let Some(state) = self.state.runs.get(&run) {
                self.pace.inbox(&run, state.inbox.len());
            }
            self.happen(&run, Event::Event { event: Value::clone(&event) }, now);
        }
        if let Some(relay) = entry.relay {
            self.out.durable.push(Work::Relay { id: relay.id, event: Arc::clone(&event) });
        }
        let undecided = entry.undecided.map(|about| about.id);
        if let Some(id) = &undecided {
            self.out.now.push(Work::Judge(JudgeJob { id: id.clone(), event, deployed: ask }));
        }
        (runs, undecided)
    }

    /// A worker has evaluated filters.
    pub(super) fn judged(&mut self, judged: Judged, now: Timestamp) {
        let Some(Pending { about, .. }) = self.state.heard.undecided.get(&judged.id).cloned() else { return };
        let mut entry = EventJudged { id: judged.id.clone(), started: Vec::new(), gathered: Vec::new() };
        for (deployment, filters) in judged.answers {
            let Some(deployed) = self.deployed.get(&deployment).cloned() else { continue };
            if !self.state.deployments.get(&deployment).is_some_and(|d| d.active) {
                continue;
            }
            // Another event may have answered one of them meanwhile.
            let Some(filter) = filters.into_iter().find(|filter| !self.gathered(&deployment, *filter)) else {
                continue;
            };
            self.answered(&deployed, filter, &about.key, &mut entry.started, &mut entry.gathered, now);
        }
        let entry = Entry::EventJudged(entry);
        let heard = RecordMeta { subject: "event", actor: Self::ENGINE, unit: about.unit.as_deref(), key: &about.key };
        let once = self.state.heard.undecided.get(&judged.id).and_then(|pending| pending.once.clone());
        if !self.record(&entry, heard, now) {
            return;
        }
        self.start_pending(now);
        let runs = once.and_then(|once| Some(self.state.heard.taken(&once, now)?.runs)).unwrap_or_default();
        for (duplicate, reply) in self.judging.remove(&judged.id).unwrap_or_default() {
            self.tell(reply, Ok(Delivered { runs, duplicate }));
        }
    }

    /// Every other partition has an event of ours.
    pub(super) fn relayed(&mut self, id: &str, now: Timestamp) {
        if self.state.heard.relays.contains_key(id) {
            let entry = Entry::EventRelayed(EventRelayed { id: id.to_owned() });
            self.record(&entry, RecordMeta { subject: "event", actor: Self::ENGINE, unit: None, key: "host" }, now);
        }
    }

    /// After a reload: what was not finished with is taken up again.
    pub(super) fn resume_events(&mut self, now: Timestamp) {
        self.start_pending(now);
        for (id, pending) in self.state.heard.undecided.clone() {
            let deployed = pending.about.deployments.iter().filter_map(|id| self.deployed.get(id).cloned()).collect();
            self.out.now.push(Work::Judge(JudgeJob { id, event: pending.event, deployed }));
        }
        for (id, event) in self.state.heard.relays.clone() {
            self.out.durable.push(Work::Relay { id, event });
        }
    }

    /// A trigger's filter is answered: the workflow starts, or waits for the rest.
    fn answered(
        &mut self,
        deployed: &Deployed,
        filter: u32,
        key: &str,
        started: &mut Vec<Started>,
        gathered: &mut Vec<Gathered>,
        now: Timestamp,
    ) {
        let deployment = deployed.id.clone();
        let needed = deployed.needs();
        if needed > 1 {
            gathered.push(Gathered { deployment: deployment.clone(), filter });
            let had = self.state.heard.gathered.get(&deployment).map_or(0, std::collections::BTreeMap::len);
            if had + 1 < needed {
                return;
            }
        }
        started.push(Started { deployment, run: self.ids.uuid(now).to_string(), key: key.to_owned() });
    }

    pub(super) fn gathered(&self, deployment: &str, filter: u32) -> bool {
        self.state.heard.gathered.get(deployment).is_some_and(|found| found.contains_key(&filter))
    }

    /// Starts the runs that events have decided to start.
    fn start_pending(&mut self, now: Timestamp) {
        let pending: Vec<(String, huiyin_records::event_dedup::Starting)> =
            self.state.heard.starting.iter().map(|(run, starting)| (run.clone(), starting.clone())).collect();
        for (run, starting) in pending {
            self.start_by_event(run, starting.deployment, starting.key, &starting.events, now);
        }
    }

    fn start_by_event(&mut self, run: String, deployment: String, key: String, events: &[Arc<Value>], now: Timestamp) {
        let last = events.last().and_then(|event| event.get("type")).and_then(Value::as_str).unwrap_or_default();
        let trigger = format!("event:{last}");
        // The workflow's input is the array of its triggering events.
        let input = Value::Array(events.iter().map(|event| Value::clone(event)).collect());
        let actor = Self::ENGINE.to_owned();
        self.start(
            StartRun {
                deployment,
                run,
                trigger,
                key,
                input,
                actor,
                asked: None,
                accepted: None,
                finished: None,
                first: None,
            },
            now,
        );
    }

    /// The workflows in force for a unit, or for none.
    pub(super) fn triggers(&self, unit: Option<&str>) -> Vec<Arc<Deployed>> {
        let active = self.state.deployments.iter().filter(|(_, d)| d.active && d.unit.as_deref() == unit);
        active.filter_map(|(id, _)| self.deployed.get(id)).filter(|d| d.needs() > 0).cloned().collect()
    }

    /// The runs that may listen for an event; each tests for itself what is computed.
    pub(super) fn listening(&self, unit: Option<&str>, event: &Value) -> Vec<String> {
        let runs = self.listeners.iter().filter_map(|id| Some((id, self.state.runs.get(id)?)));
        runs.filter(|(_, run)| run.quarantined.is_none() && run.flow.listens(event))
            .filter(|(_, run)| self.deployed.get(&run.deployment).is_some_and(|d| d.unit.as_deref() == unit))
            .map(|(id, _)| id.clone())
            .collect()
    }
}
