//! One partition's decisions, without I/O: a message goes in; records, work
//! to hand out at once, and effects to release once the records are durable
//! come out (rule 2). The same messages with the same clock and ids give the
//! same records, so a simulated host can drive it as well as the live one.

mod bindings;
mod children;
mod deploy;
mod desk;
mod effects;
mod events;
mod judged;
mod kv;
mod orders;
mod plugins;
mod runs;
mod schedules;
mod sources;
mod wakes;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use huiyin_flow::{CallId, Event, FlowError, HttpRequest, Request, RunState, TimerId};
use huiyin_journal::Draft;
use huiyin_sandbox::{KvWrite, Page};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub use self::bindings::{Failing, Patience};
pub use self::events::{Delivered, JudgeJob, Judged};
pub(crate) use self::runs::start_event;
pub use self::schedules::PauseCommand;
pub(crate) use self::schedules::{scheduled_runs, standing};
use self::wakes::Wakes;
use crate::canary::{Canaries, CanaryJob, Made, Watched};
use crate::deployment::Deployed;
use crate::record::{self, Batch, Entry, Pin, SinkAdvanced, SnapshotTaken};
use crate::sources::WatchedSource;
use crate::state::{FinishedRun, State};

/// Who is told of an outcome; called once what led to it is durable.
pub type Reply<T> = Box<dyn FnOnce(Result<T, Refusal>) + Send>;

/// A question about the partition's state; asked in order with the commands,
/// answered once all it may have seen is durable.
pub type Query = Box<dyn FnOnce(&State, Timestamp) -> Box<dyn FnOnce() + Send> + Send>;

/// Why a command was not carried out. Nothing of it has happened.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing here.
    #[error("{0}")]
    NotFound(String),
    /// The rules forbid it.
    #[error("{0}")]
    Refused(String),
    /// The input is at fault.
    #[error("{message} (at {pointer})")]
    Invalid {
        /// JSON pointer into the input.
        pointer: String,
        /// What is wrong and how to mend it.
        message: String,
    },
    /// Too much is under way; ask again shortly.
    #[error("the host has as much in hand as it may; try again shortly")]
    Busy,
    /// The store failed: whether it was kept is not known until it is asked again.
    #[error("the store failed: {0}")]
    Store(String),
}

/// Everything that can happen to a partition.
pub enum Message {
    /// Start a run.
    Start(StartRun),
    /// A worker finished a turn.
    Turn(Box<TurnDone>),
    /// An effect of a run ended.
    Effect(EffectDone),
    /// A source was read.
    Page(PageDone),
    /// A person or the API acts on the desk.
    Desk {
        /// On behalf of which unit.
        unit: String,
        /// Who.
        actor: String,
        /// What.
        command: Box<huiyin_desk::Command>,
        /// How the floor judged the items that the command brings.
        judged: Option<Box<Judgement>>,
        /// Told the output.
        reply: Reply<Value>,
    },
    /// A CloudEvent from outside or from another partition.
    Event {
        /// The unit it concerns.
        unit: Option<String>,
        /// The event.
        event: Value,
        /// Its name with the partition that passes it on.
        relayed: Option<String>,
        /// Told how many runs it started or woke.
        reply: Reply<Delivered>,
    },
    /// A person orders a run to stop, hold or go on.
    Order(Order),
    /// A person sets a run to work again.
    Reopen(Reopen),
    /// A person says what became of an effect.
    Resolve(Resolve),
    /// A worker evaluated the filters of triggers.
    Judged(Judged),
    /// A worker has made a call with a canary.
    Watched(Box<Watched>),
    /// Every other partition has an event that was to be passed on.
    Relayed {
        /// Its name.
        id: String,
    },
    /// Bring workflows into force, and withdraw others.
    Deploy(Deploy),
    /// A person pauses a schedule or lets it go on.
    Pause(PauseCommand, Reply<()>),
    /// A sink of lifecycle events has come further.
    Sunk(SinkAdvanced, Reply<()>),
    /// A person installs, removes, grants or revokes; the records of plugins only.
    Plugin(Box<Entry>, Reply<()>),
    /// Look at the state.
    Query(Query),
    /// A snapshot of the state was written out: record its digest, then keep it.
    Snapshot(Snapshot),
}

/// Workflows to bring into force or to withdraw, by a person: all of them or none.
pub struct Deploy {
    /// To bring into force, each ready to run.
    pub workflows: Vec<(crate::record::WorkflowDeployed, Arc<Deployed>)>,
    /// Deployments to withdraw.
    pub withdrawn: Vec<String>,
    /// What is to be recorded about slots, before the workflows that follow from it.
    pub bindings: Vec<Entry>,
    /// Who.
    pub actor: String,
    /// Told once it is in force.
    pub reply: Reply<()>,
}

/// What a partition knew at one point of its journal.
pub struct Snapshot {
    /// The last record it contains.
    pub seq: u64,
    /// SHA-256 of the bytes, hex.
    pub digest: String,
    /// The state, written out.
    pub bytes: Vec<u8>,
}

impl Snapshot {
    /// Writes a state out.
    ///
    /// # Errors
    /// When it does not encode.
    pub fn of(state: &State) -> Result<Snapshot, serde_json::Error> {
        let mut bytes = Courteous(Vec::new());
        serde_json::to_writer(&mut bytes, state)?;
        let Courteous(bytes) = bytes;
        Ok(Snapshot { seq: state.seq, digest: hex::encode(Sha256::digest(&bytes)), bytes })
    }
}

/// Bytes being written that give way to others now and then: the system takes
/// a core from whoever computes only some milliseconds after others want it.
struct Courteous(Vec<u8>);

impl std::io::Write for Courteous {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        const STRETCH: usize = 64 << 10;
        if (self.0.len() + bytes.len()) / STRETCH > self.0.len() / STRETCH {
            std::thread::yield_now();
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A run to start.
pub struct StartRun {
    /// The deployment.
    pub deployment: String,
    /// The run's id.
    pub run: String,
    /// What starts it.
    pub trigger: String,
    /// The data key of its records.
    pub key: String,
    /// The workflow's input.
    pub input: Value,
    /// Who.
    pub actor: String,
    /// Told its id, once it will run come what may.
    pub accepted: Option<Reply<String>>,
    /// Told its end.
    pub finished: Option<Reply<FinishedRun>>,
    /// Its first turn, if that was taken ahead: it has its place only once the start has one.
    pub first: Option<FirstTurn>,
}

/// A first turn that was taken before the partition heard of the run.
pub struct FirstTurn {
    /// The time of the turn, and so of the start.
    pub now: Timestamp,
    /// What came of it.
    pub done: Box<TurnDone>,
}

/// A person's order to a run.
pub struct Order {
    /// The run.
    pub run: String,
    /// What it is to do.
    pub kind: OrderKind,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Told once it is on record.
    pub reply: Reply<()>,
}

/// What a run is ordered to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// End.
    Cancel,
    /// Hold: what comes in is kept, nothing goes on.
    Suspend,
    /// Go on.
    Resume,
}

/// A run to set to work again.
pub struct Reopen {
    /// The run.
    pub run: String,
    /// JSON Pointer of the task to go on with; none for the one that failed.
    pub task: Option<String>,
    /// The raw input of that task, if it is to be another.
    pub input: Option<Value>,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Told once it is on record.
    pub reply: Reply<()>,
}

/// What became of an effect of unknown outcome.
pub struct Resolve {
    /// The run.
    pub run: String,
    /// The call; none where the run has but one such.
    pub call: Option<u64>,
    /// What it gave, if it happened; none if it surely did not.
    pub happened: Option<Value>,
    /// Who says so.
    pub actor: String,
    /// How that is known.
    pub reason: String,
    /// Told once it is on record.
    pub reply: Reply<()>,
}

/// What a worker brings back.
#[derive(Clone)]
pub struct TurnDone {
    /// The run.
    pub run: String,
    /// Which turn.
    pub turn: u64,
    /// Its state after the turn.
    pub flow: Arc<RunState>,
    /// What was decided.
    pub facts: Vec<huiyin_flow::Fact>,
    /// What is to be done, pure calls already done.
    pub commands: Vec<huiyin_flow::Command>,
    /// Events of [`Event::Event`] that it took in.
    pub consumed: u32,
    /// What the facts leave open of the pure calls it made; none where it made none.
    pub told: Option<Vec<record::Made>>,
    /// What it did not get to: the turn's budget ran out.
    pub rest: Vec<Input>,
    /// Plugins that failed by their own fault: which function, and how.
    pub faults: Vec<(String, String)>,
    /// Calls that a canary is to make, too.
    pub made: Vec<Made>,
    /// Our own failure, if the turn could not be taken.
    pub failed: Option<String>,
}

/// How an effect ended.
#[derive(Clone)]
pub struct EffectDone {
    /// The run.
    pub run: String,
    /// The call.
    pub call: CallId,
    /// The try.
    pub attempt: u32,
    /// What came of it.
    pub outcome: EffectOutcome,
    /// How the plugin failed, where it did by its own fault.
    pub fault: Option<String>,
}

/// What came of an effect.
#[derive(Clone)]
pub enum EffectOutcome {
    /// It happened, or surely did not; and what the plugin wants kept.
    Settled(Result<Value, FlowError>, Vec<KvWrite>),
    /// Nobody knows (rule 3).
    Unknown(String),
    /// The operation of an OpenAPI document stands for this request, which was not sent yet.
    Found(Box<HttpRequest>),
    /// It was stopped because the partition asked for it ([`Work::Stop`]).
    Stopped {
        /// It may have happened.
        begun: bool,
    },
}

/// How reading a source ended.
#[derive(Clone)]
pub struct PageDone {
    /// The source.
    pub source: String,
    /// The reading.
    pub poll: u64,
    /// The page with the floor's verdicts, or what went wrong.
    pub outcome: Result<ReadPage, PollError>,
}

/// What reading a source brought.
#[derive(Clone)]
pub struct ReadPage {
    /// The page.
    pub page: Page,
    /// The floor's verdict on each of its items.
    pub floors: Vec<Floor>,
    /// How the floor came by them.
    pub judged: Option<Box<Judgement>>,
    /// What the collector wants kept.
    pub kv: Vec<KvWrite>,
}

/// The floor's verdict of one item, or why there is none (rule 7).
pub type Floor = Result<huiyin_sandbox::Verdict, String>;

/// The floor's calls behind the verdicts of a batch of items.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The classifier and its configuration.
    pub pin: Pin,
    /// The id that its calls had.
    pub call: String,
    /// The time that it was given, in milliseconds since the Unix epoch.
    pub now: u64,
    /// The items that it had, by their places in the batch.
    pub which: Vec<usize>,
    /// Its calls.
    pub batches: Vec<Batch>,
}

/// Why a source could not be read.
#[derive(Clone)]
pub struct PollError {
    /// What went wrong.
    pub message: String,
    /// Seconds to wait at least.
    pub retry_after: Option<u32>,
}

/// Work handed out.
pub enum Work {
    /// Let a worker take a turn. May run ahead of the disk.
    Turn(Box<TurnJob>),
    /// Call a plugin of a run. Only after the records are durable.
    Effect(Box<EffectJob>),
    /// Stop an effect in hand. Only after the records are durable.
    Stop {
        /// The run.
        run: String,
        /// The call.
        call: CallId,
        /// The try.
        attempt: u32,
    },
    /// Read a source. Only after the records are durable.
    Poll(PollJob),
    /// Tell somebody. Only after the records are durable.
    Tell(Box<dyn FnOnce(Result<(), Refusal>) + Send>),
    /// Keep a snapshot. Only after its record is durable.
    Keep(Snapshot),
    /// Evaluate filters of triggers. May run ahead of the disk.
    Judge(JudgeJob),
    /// Make a call with a canary. May run ahead of the disk.
    Canary(Box<CanaryJob>),
    /// A slot's plugin failed too often: find what else may be bound.
    Failing(Box<Failing>),
    /// Pass an event on to the other partitions. Only after the records are durable.
    Relay {
        /// Names it.
        id: String,
        /// The event.
        event: Arc<Value>,
    },
    /// Show on the activity feed. Only after the records are durable.
    Show(Activity),
}

/// A turn to take.
pub struct TurnJob {
    /// The run.
    pub run: String,
    /// Which turn, of all the partition's: only its own result is awaited.
    pub turn: u64,
    /// What it runs.
    pub deployed: Arc<Deployed>,
    /// Its state.
    pub flow: Arc<RunState>,
    /// What has happened, and pure calls that were decided and not made.
    pub inputs: Vec<Input>,
    /// What is watched beside its slots.
    pub canaries: Option<Arc<Canaries>>,
    /// The time of the turn.
    pub now: Timestamp,
    /// Randomness for jitter.
    pub random: u64,
}

/// What a turn begins with.
#[derive(Debug, Clone)]
pub enum Input {
    /// Something happened.
    Event(Event),
    /// A pure call was decided in an earlier turn: make it.
    Call(huiyin_flow::Command),
}

/// What an effect is.
#[derive(Clone)]
pub enum Errand {
    /// A call of a plugin.
    Plugin {
        /// What to call.
        pin: Pin,
        /// The call's arguments.
        with: Arc<Value>,
    },
    /// A request of the workflow's own.
    Request {
        /// What is asked for.
        request: Arc<Request>,
        /// The workflow, `namespace/name:version`: it has the grant.
        workflow: String,
    },
}

/// An effect to try.
pub struct EffectJob {
    /// The run.
    pub run: String,
    /// The call.
    pub call: CallId,
    /// The try, from 1.
    pub attempt: u32,
    /// The unit on whose behalf.
    pub unit: String,
    /// What to do.
    pub errand: Errand,
    /// The same on every try.
    pub idempotency_key: String,
    /// The call's journaled time.
    pub now: Timestamp,
    /// What the plugin has kept for the unit.
    pub kv: Arc<BTreeMap<String, Vec<u8>>>,
}

/// A source to read.
pub struct PollJob {
    /// The source.
    pub source: Arc<WatchedSource>,
    /// The reading.
    pub poll: u64,
    /// Where to go on.
    pub cursor: Option<String>,
    /// Items wanted at most.
    pub limit: u32,
    /// The journaled time.
    pub now: Timestamp,
    /// What the collector has kept for the unit.
    pub kv: Arc<BTreeMap<String, Vec<u8>>>,
    /// The desk as it was then: what it has met is not judged again.
    pub desk: huiyin_desk::Desk,
    /// The key of content hashes.
    pub content_key: [u8; 32],
}

/// One line of what is going on, for terminals, consoles and event streams.
/// It has a CloudEvent's type, subject and data.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Activity {
    /// Such as `huiyin.case.opened.v1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Such as `case/530500…`.
    pub subject: String,
    /// The unit concerned.
    pub unit: Option<String>,
    /// When.
    pub time: Timestamp,
    /// The facts.
    pub data: Value,
}

/// Ids and randomness: the live host's are real, a simulation's are seeded.
pub trait Dice: Send {
    /// A fresh UUIDv7, greater than every one before.
    fn uuid(&mut self, now: Timestamp) -> Uuid;
    /// 64 random bits.
    fn random(&mut self) -> u64;
}

/// What one or more messages led to.
#[derive(Default)]
pub struct Output {
    /// Records to append, in order.
    pub drafts: Vec<Draft>,
    /// What they hold together, in bytes.
    pub bytes: u64,
    /// Work that may start at once: pure, so that it can be thrown away.
    pub now: Vec<Work>,
    /// Work that must wait until the drafts are durable.
    pub durable: Vec<Work>,
}

/// A partition's decisions.
pub struct Core {
    partition: u32,
    state: State,
    deployed: HashMap<String, Arc<Deployed>>,
    sources: BTreeMap<String, Arc<WatchedSource>>,
    dice: Box<dyn Dice>,
    content_key: [u8; 32],
    evaluator: Arc<dyn huiyin_flow::Evaluator>,
    wakes: Wakes,
    /// The turn that each run is taking.
    busy: HashMap<String, u64>,
    /// Turns handed out.
    turns: u64,
    /// The latest time at which anything was fired.
    seen: Timestamp,
    queued: HashMap<String, VecDeque<Input>>,
    waiting: HashMap<String, Vec<Reply<FinishedRun>>>,
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
    patience: Patience,
    /// What is watched, by deployment.
    canaries: HashMap<String, Arc<Canaries>>,
    /// Canary calls under way, and calls since the last that were not compared.
    watching: usize,
    unwatched: u32,
    /// How many partitions the host has.
    partitions: u32,
    out: Output,
    /// The largest payload that the journal takes, in bytes.
    max_record: u64,
    /// A fault on purpose, to show that the tests find it.
    #[cfg(feature = "planted")]
    planted: Option<crate::planted::Planted>,
}

impl Core {
    /// A partition as its journal left it. `resume` puts it to work.
    #[allow(clippy::too_many_arguments)] // the parts of one core, each used once
    pub fn new(
        partition: u32,
        state: State,
        deployed: HashMap<String, Arc<Deployed>>,
        sources: Vec<Arc<WatchedSource>>,
        mut dice: Box<dyn Dice>,
        content_key: [u8; 32],
        evaluator: Arc<dyn huiyin_flow::Evaluator>,
        max_record: u64,
    ) -> Core {
        // Not the numbers that an earlier loading of this partition gave.
        let turns = dice.random() >> 1;
        Core {
            partition,
            state,
            deployed,
            sources: sources.into_iter().map(|s| (s.id.clone(), s)).collect(),
            dice,
            content_key,
            evaluator,
            wakes: Wakes::default(),
            busy: HashMap::new(),
            turns,
            seen: Timestamp::MIN,
            queued: HashMap::new(),
            waiting: HashMap::new(),
            orders: HashMap::new(),
            in_hand: HashSet::new(),
            judging: HashMap::new(),
            listeners: BTreeSet::new(),
            successors: HashMap::new(),
            faults: HashMap::new(),
            patience: Patience::default(),
            canaries: HashMap::new(),
            watching: 0,
            unwatched: 0,
            partitions: 1,
            out: Output::default(),
            max_record,
            #[cfg(feature = "planted")]
            planted: None,
        }
    }

    /// Puts a fault in on purpose.
    #[cfg(feature = "planted")]
    pub(crate) fn plant(&mut self, planted: Option<crate::planted::Planted>) {
        self.planted = planted;
    }

    /// The same as one of so many partitions.
    #[must_use]
    pub fn among(self, partitions: u32) -> Core {
        Core { partitions, ..self }
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
            Message::Desk { unit, actor, command, judged, reply } => {
                self.desk_command(&unit, &actor, &command, judged.as_deref(), reply, now);
            }
            Message::Event { unit, event, relayed, reply } => self.take_event(unit, event, relayed, reply, now),
            Message::Judged(judged) => self.judged(judged, now),
            Message::Watched(watched) => self.watched(*watched, now),
            Message::Relayed { id } => self.relayed(&id, now),
            Message::Pause(command, reply) => self.pause_schedule(command, reply, now),
            Message::Sunk(place, reply) => {
                let entry = Entry::SinkAdvanced(place);
                self.record(&entry, About { subject: "host", actor: Self::ENGINE, unit: None, key: "host" }, now);
                self.tell(reply, Ok(()));
            }
            Message::Order(order) => self.order(order, now),
            Message::Reopen(reopen) => self.reopen(reopen, now),
            Message::Resolve(resolve) => self.resolve(resolve, now),
            Message::Snapshot(snapshot) => {
                let entry = Entry::SnapshotTaken(SnapshotTaken { seq: snapshot.seq, digest: snapshot.digest.clone() });
                self.record(&entry, About { subject: "host", actor: Self::ENGINE, unit: None, key: "host" }, now);
                self.out.durable.push(Work::Keep(snapshot));
            }
            Message::Deploy(deploy) => self.deploy(deploy, now),
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
        let payload = entry.encode().map_err(|error| format!("does not encode: {error}"))?;
        if payload.len() as u64 > self.max_record {
            return Err(format!("takes {} bytes, a record holds at most {}", payload.len(), self.max_record));
        }
        Ok(payload)
    }

    /// Writes a record and applies it; false if it could be neither.
    fn record(&mut self, entry: &Entry, about: About<'_>, now: Timestamp) -> bool {
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
    fn write(&mut self, entry: &Entry, payload: Vec<u8>, about: About<'_>, now: Timestamp) -> bool {
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
    fn draft(&mut self, entry: &Entry, payload: Vec<u8>, about: About<'_>, now: Timestamp) {
        self.state.seq += 1;
        self.out.bytes += payload.len() as u64;
        self.out.drafts.push(Draft {
            kind: entry.kind().to_owned(),
            subject: about.subject.to_owned(),
            time: now,
            actor: about.actor.to_owned(),
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

/// What a record's header says beside its type.
#[derive(Clone, Copy)]
struct About<'a> {
    subject: &'a str,
    actor: &'a str,
    unit: Option<&'a str>,
    key: &'a str,
}

/// Whether an event leaves no room in a record for what is kept along with it.
fn too_large(event: &Value, max_record: u64) -> bool {
    const BESIDE: u64 = 64 << 10;
    event.to_string().len() as u64 + BESIDE > max_record
}

/// Why a record's header cannot say this, if it cannot: what the journal
/// would refuse, found before anything has changed.
fn unfit(about: About<'_>) -> Option<String> {
    if about.key.contains('~') {
        return Some(format!("the data key `{}` holds `~`", about.key));
    }
    let unit = about.unit.unwrap_or("-");
    [("subject", about.subject, 256), ("actor", about.actor, 160), ("unit", unit, 64), ("data key", about.key, 140)]
        .into_iter()
        .find_map(|(what, text, most)| name_fault(text, most).map(|why| format!("the {what} {why}")))
}

/// Why a text cannot be a name in a record's header, if it cannot.
fn name_fault(text: &str, most: usize) -> Option<String> {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
    if text.is_empty() {
        Some("is empty".to_owned())
    } else if text.len() > most {
        Some(format!("has {} bytes, {most} are allowed", text.len()))
    } else {
        text.chars()
            .find(|c| !plain(*c))
            .map(|c| format!("holds {c:?}; printable ASCII without spaces, quotes and backslashes is allowed"))
    }
}

/// A timer of a run, as the wakes hold it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Wake {
    Run(String, TimerId),
    Source(String),
    Schedule(String),
    Desk,
}

impl Core {
    /// Fires everything that is due.
    pub fn tick(&mut self, now: Timestamp) {
        if now < self.seen {
            // The clock was set back: what is read every so often must not wait until it has caught up.
            self.plan_sources(now);
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
    }

    /// Puts a partition to work after its state was loaded: overdue clocks
    /// fire, runs go on, sources are read, schedules are set.
    pub fn resume(&mut self, now: Timestamp) {
        self.see_canaries();
        self.tick_desk(now);
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

/// A verdict as the contract has it, as the desk keeps it.
pub(crate) fn verdict(verdict: huiyin_sandbox::Verdict) -> huiyin_desk::Verdict {
    use huiyin_sandbox::Level as Given;
    let level = verdict.level.map(|level| match level {
        Given::I => huiyin_desk::Level::I,
        Given::II => huiyin_desk::Level::II,
        Given::III => huiyin_desk::Level::III,
        Given::IV => huiyin_desk::Level::IV,
    });
    huiyin_desk::Verdict {
        level,
        score: verdict.score,
        factors: verdict.factors.into_iter().map(|f| (f.name, f.score)).collect(),
        labels: verdict.labels,
        reasons: verdict.reasons,
    }
}
