//! One partition's decisions, without I/O: a message goes in; records, work
//! to hand out at once, and effects to release once the records are durable
//! come out (rule 2). The same messages with the same clock and ids give the
//! same records, so a simulated host can drive it as well as the live one.

mod baseline_record;
mod bindings;
mod children;
mod deploy;
mod desk;
mod effect_decisions;
mod events;
mod header;
mod kv;
mod message;
mod pace;
mod plugins;
mod policy;
mod run_control;
mod runs;
mod schedules;
mod snapshot;
mod sources;
mod starts;
mod wakes;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use huiyin_flow::{CallId, Event, TimerId};
use huiyin_journal_types::Draft;
use huiyin_records::record::{Entry, SnapshotTaken};
use huiyin_records::state::{FinishedRun, State};
use jiff::Timestamp;
use serde_json::Value;

pub use self::bindings::{Failing, FailurePolicy};
pub use self::deploy::deployable;
pub use self::desk::{flow_error, refusal, reused, told};
pub use self::events::{Delivered, JudgeJob, Judged};
use self::header::{RecordMeta, name_fault, unfit};
pub use self::header::{actor_from_headers, actor_in_headers};
pub use self::message::{
    Deploy, EffectDone, EffectOutcome, Expected, FirstTurn, Floor, Judgement, KvWrite, Message, Order, OrderKind,
    PageDone, PollError, Query, ReadPage, Refusal, Reopen, Reply, Resolve, StartRun, TurnDone,
};
pub use self::pace::{RUNS, RunBounds};
pub use self::policy::{Adoption, adoption};
pub use self::schedules::PauseCommand;
pub use self::schedules::{scheduled_runs, standing};
pub use self::snapshot::Snapshot;
pub use self::sources::RewindCommand;
pub use self::starts::{record_of_start, start_event, taken};
use self::wakes::Wakes;
pub use self::work::{Activity, EffectJob, EffectRequest, IdSource, Input, Output, PollJob, TurnJob, Work};
use crate::canary::Canaries;
use crate::deployed::Deployed;
use crate::value_limits::ValueLimits;
use crate::watched_source::WatchedSource;

/// A partition's decisions.
pub struct PartitionCore {
    partition: u32,
    state: State,
    deployed: HashMap<String, Arc<Deployed>>,
    sources: BTreeMap<String, Arc<WatchedSource>>,
    ids: Box<dyn IdSource>,
    content_key: [u8; 32],
    evaluator: Arc<dyn huiyin_flow::Evaluator>,
    wakes: Wakes,
    /// What units' runs take, and whose first turn is next.
    pace: pace::Pace,
    /// The turn that each run is taking.
    busy: HashMap<String, u64>,
    /// Turns handed out.
    turns: u64,
    /// How far the watch-dog has come.
    watch: policy::Watch,
    /// The latest time at which anything was fired.
    seen: Timestamp,
    queued: HashMap<String, VecDeque<Input>>,
    waiting: HashMap<String, Vec<Reply<Arc<FinishedRun>>>>,
    /// Orders to runs that are not on record yet.
    orders: HashMap<String, Vec<Order>>,
    /// Effects handed out that have not come back.
    in_hand: HashSet<(String, CallId)>,
    /// Who waits to hear what an event led to, while its filters are evaluated.
    judging: HashMap<String, Vec<(bool, Reply<Delivered>)>>,
    /// Runs that have listened for events at some time.
    listeners: BTreeSet<String>,
    /// What took the place of deployments while the host runs: who asked for
    /// one just before gets the other.
    successors: HashMap<String, String>,
    /// The latest faults of plugins.
    faults: bindings::Faults,
    patience: FailurePolicy,
    /// What is watched, by deployment.
    canaries: HashMap<String, Arc<Canaries>>,
    /// Canary calls under way, and calls since the last that were not compared.
    watching: usize,
    unwatched: u32,
    /// How many partitions the host has.
    partitions: u32,
    out: Output,
    /// How large a value may be.
    payload: ValueLimits,
    /// A fault on purpose, to show that the tests find it.
    #[cfg(feature = "planted")]
    planted: Option<crate::planted::Planted>,
}

impl PartitionCore {
    /// A partition as its journal left it. `resume` puts it to work.
    #[allow(clippy::too_many_arguments)] // the parts of one core, each used once
    pub fn new(
        partition: u32,
        state: State,
        deployed: HashMap<String, Arc<Deployed>>,
        sources: Vec<Arc<WatchedSource>>,
        mut ids: Box<dyn IdSource>,
        content_key: [u8; 32],
        evaluator: Arc<dyn huiyin_flow::Evaluator>,
        payload: ValueLimits,
    ) -> PartitionCore {
        // Not the numbers that an earlier loading of this partition gave.
        let turns = ids.random() >> 1;
        PartitionCore {
            partition,
            state,
            deployed,
            sources: sources.into_iter().map(|s| (s.id.clone(), s)).collect(),
            ids,
            content_key,
            evaluator,
            wakes: Wakes::default(),
            pace: pace::Pace::default(),
            busy: HashMap::new(),
            turns,
            watch: policy::Watch::default(),
            seen: Timestamp::MIN,
            queued: HashMap::new(),
            waiting: HashMap::new(),
            orders: HashMap::new(),
            in_hand: HashSet::new(),
            judging: HashMap::new(),
            listeners: BTreeSet::new(),
            successors: HashMap::new(),
            faults: HashMap::new(),
            patience: FailurePolicy::default(),
            canaries: HashMap::new(),
            watching: 0,
            unwatched: 0,
            partitions: 1,
            out: Output::default(),
            payload,
            #[cfg(feature = "planted")]
            planted: None,
        }
    }

    /// Puts a fault in on purpose.
    #[cfg(feature = "planted")]
    pub fn plant(&mut self, planted: Option<crate::planted::Planted>) {
        self.planted = planted;
    }

    /// The same as one of so many partitions.
    #[must_use]
    pub fn among(self, partitions: u32) -> PartitionCore {
        PartitionCore { partitions, ..self }
    }

    /// What the partition knows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// A workflow that runs here, by its deployment.
    pub fn deployed(&self, id: &str) -> Option<&Arc<Deployed>> {
        self.deployed.get(id)
    }

    /// When `tick` must be called next.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.next()
    }

    /// Bytes of records decided since the last `take`.
    pub fn drafted(&self) -> u64 {
        self.out.bytes
    }

    /// Everything decided since the last call.
    pub fn take(&mut self) -> Output {
        std::mem::take(&mut self.out)
    }

    /// Takes one message in.
    pub fn handle(&mut self, message: Message, now: Timestamp) {
        match message {
            Message::Start(start) => self.start(start, now),
            Message::Turn(done) => self.turn_done(*done, now),
            Message::Effect(done) => self.effect_done(done, now),
            Message::Page(done) => self.page_done(done, now),
            Message::Desk { unit, actor, command, judged, elsewhere, once, expected, reply } => {
                self.desk_command(
                    &unit,
                    &actor,
                    &command,
                    judged.as_deref(),
                    *elsewhere,
                    once,
                    expected.as_ref(),
                    reply,
                    now,
                );
            }
            Message::Event { unit, event, relayed, reply } => self.take_event(unit, event, relayed, reply, now),
            Message::Judged(judged) => self.judged(judged, now),
            Message::Watched(watched) => self.watched(*watched, now),
            Message::Relayed { id } => self.relayed(&id, now),
            Message::Pause(command, reply) => self.pause_schedule(command, reply, now),
            Message::Rewind(command, reply) => self.rewind_source(command, reply, now),
            Message::Sunk(place, reply) => {
                let entry = Entry::SinkAdvanced(place);
                self.record(&entry, RecordMeta { subject: "host", actor: Self::ENGINE, unit: None, key: "host" }, now);
                self.tell(reply, Ok(()));
            }
            Message::Order(order) => self.order(order, now),
            Message::Reopen(reopen) => self.reopen(reopen, now),
            Message::Resolve(resolve) => self.resolve(resolve, now),
            Message::Snapshot(snapshot) => {
                let entry = Entry::SnapshotTaken(SnapshotTaken { seq: snapshot.seq, digest: snapshot.digest.clone() });
                self.record(&entry, RecordMeta { subject: "host", actor: Self::ENGINE, unit: None, key: "host" }, now);
                self.out.durable.push(Work::Keep(snapshot));
            }
            Message::Deploy(deploy) => self.deploy(deploy, now),
            Message::Restored(all, reply) => self.restored(all, reply, now),
            Message::Deployment(entry, actor, reply) => self.deployment_word(&entry, &actor, reply, now),
            Message::Adopt(adoption, reply) => self.adopt(&adoption, reply, now),
            Message::Plugin(entry, reply) => self.plugin_word(&entry, reply, now),
            Message::Query(query) => {
                let answer = query(&self.state, now);
                self.out.durable.push(Work::Tell(Box::new(move |outcome| {
                    // Dropping the answer closes the asker's channel, which it reads as a store failure.
                    if outcome.is_ok() {
                        answer();
                    }
                })));
            }
        }
    }

    /// What an entry is written as; why no record can hold it. Asked before
    /// anything changes wherever the size is somebody else's choice: a record
    /// that the journal refuses would stop the host (rule 11).
    fn encoded(&self, entry: &Entry) -> Result<Vec<u8>, String> {
        encoded(entry, self.payload)
    }

    /// Writes a record and applies it; false if it could be neither.
    fn record(&mut self, entry: &Entry, about: RecordMeta<'_>, now: Timestamp) -> bool {
        let fault = unfit(about).map_or_else(|| self.encoded(entry), Err);
        match fault {
            Ok(payload) => self.write(entry, payload, about, now),
            Err(error) => {
                tracing::error!(
                    partition = self.partition,
                    kind = entry.kind(),
                    subject = about.subject,
                    error,
                    "record dropped"
                );
                false
            }
        }
    }

    /// The same with an entry that was written out already.
    fn write(&mut self, entry: &Entry, payload: Vec<u8>, about: RecordMeta<'_>, now: Timestamp) -> bool {
        if let Err(error) = self.state.apply(entry, now) {
            // Only our own mistake can lead here. The record is not written, so
            // that the journal stays one that can be applied.
            tracing::error!(partition = self.partition, kind = entry.kind(), %error, "record not applicable, dropped");
            return false;
        }
        self.draft(entry, payload, about, now);
        true
    }

    /// Writes a record whose effect on the state is already in place.
    fn draft(&mut self, entry: &Entry, payload: Vec<u8>, about: RecordMeta<'_>, now: Timestamp) {
        self.state.seq += 1;
        self.out.bytes += payload.len() as u64;
        self.out.drafts.push(Draft {
            kind: entry.kind().to_owned(),
            subject: about.subject.to_owned(),
            time: now,
            actor: actor_in_headers(about.actor).into_owned(),
            unit: about.unit.map(str::to_owned),
            causation: None,
            key: about.key.to_owned(),
            payload,
        });
    }

    fn tell<T: Send + 'static>(&mut self, reply: Reply<T>, answer: Result<T, Refusal>) {
        self.out.durable.push(Work::Tell(Box::new(move |durable| match durable {
            Ok(()) => reply(answer),
            Err(refusal) => reply(Err(refusal)),
        })));
    }

    fn show(&mut self, kind: &str, subject: &str, unit: Option<&str>, data: Value, now: Timestamp) {
        self.out.durable.push(Work::Show(Activity {
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            unit: unit.map(str::to_owned),
            time: now,
            data,
        }));
    }

    /// The name of the engine as an actor.
    const ENGINE: &'static str = "system:engine";
}

/// What an entry is written as; why no record can hold it.
fn encoded(entry: &Entry, most: ValueLimits) -> Result<Vec<u8>, String> {
    let payload = entry.encode().map_err(|error| format!("cannot be recorded: it {error}"))?;
    let most = most.record();
    if payload.len() as u64 > most {
        return Err(format!("takes {} bytes, a record takes at most {most}", payload.len()));
    }
    Ok(payload)
}

/// A timer of a run, as the wakes hold it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Wake {
    Run(String, TimerId),
    Source(String),
    Schedule(String),
    Desk,
}

impl PartitionCore {
    /// Fires everything that is due.
    pub fn tick(&mut self, now: Timestamp) {
        if now < self.seen {
            // The clock was set back: what is read every so often must not wait until it has caught up.
            self.plan_sources(now);
            self.plan_schedules(now);
        }
        self.seen = now;
        for wake in self.wakes.due(now) {
            match wake {
                Wake::Run(run, timer) => self.happen(&run, Event::Timer { timer }, now),
                Wake::Source(id) => self.poll(&id, now),
                Wake::Schedule(id) => self.follow_schedule(&id, now),
                Wake::Desk => self.tick_desk(now),
            }
        }
        self.watch_clocks(now);
    }

    /// Puts a partition to work after its state was loaded: overdue clocks
    /// fire, runs go on, sources are read, schedules are set.
    pub fn resume(&mut self, now: Timestamp) {
        self.see_canaries();
        self.count_runs();
        self.begin_watch(now);
        self.tick_desk(now);
        self.resume_policy(now);
        self.watch_clocks(now);
        self.resume_runs(now);
        #[cfg(feature = "planted")]
        if self.planted == Some(crate::planted::Planted::LostTimer) {
            self.wakes.lose_runs();
        }
        self.resume_events(now);
        self.resume_sources(now);
        self.resume_schedules(now);
    }
}
