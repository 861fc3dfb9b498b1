//! What goes into a partition: messages, and who is told. Only shapes; nothing
//! is decided here.

use std::sync::Arc;

use huiyin_flow::{CallId, FlowError, HttpRequest, RunState};
use huiyin_records::once::Keyed;
use huiyin_records::record::{self, Batch, Entry, OpeningTurn, Pin, SinkAdvanced};
use huiyin_records::state::{FinishedRun, State};
use jiff::Timestamp;
use serde_json::Value;

use super::{Delivered, Input, Judged, PauseCommand, RewindCommand, Snapshot};
use crate::canary::{Made, Watched};
use crate::deployed::Deployed;

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
    /// The key of this request was another request's.
    #[error("{0}")]
    KeyReused(String),
    /// The case has changed since it was read.
    #[error("the case has changed since you read it; read it again, and decide anew")]
    Stale {
        /// The version that there is.
        current: String,
    },
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
    /// The disk has only what is kept for clocks and people.
    #[error(
        "the disk is nearly full, and what is left is kept for clocks and people's acts; free some space, or add some"
    )]
    NoSpace,
    /// The store failed: whether it was kept is not known until it is asked again.
    #[error("the store failed: {0}")]
    Store(String),
}

impl Refusal {
    /// The partition takes nothing more in.
    pub fn stopped() -> Refusal {
        Refusal::Store("the host is stopping, or its store has failed".to_owned())
    }
}

/// The version of a case that somebody has read, and wants to change no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its number.
    pub case: String,
    /// Any of these; none of them: whichever there is.
    pub versions: Vec<String>,
}

/// Everything that can happen to a partition.
pub enum Message {
    /// A policy pack comes into force while the host runs; told what was counted anew.
    Adopt(Box<super::Adoption>, Reply<Value>),
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
        /// What other partitions know of it.
        elsewhere: Box<huiyin_desk::Elsewhere>,
        /// The key under which it is asked; its answer is not there yet.
        once: Option<Keyed>,
        /// The version of the case that who asks has read.
        expected: Option<Expected>,
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
    /// Plugins may be used again that these are pinned to. They are in force, or runs need them, and stay what they are.
    Restored(Vec<Arc<Deployed>>, Reply<()>),
    /// A deployment of several records is to be carried out, or was; the records of that only.
    Deployment(Box<Entry>, String, Reply<()>),
    /// A person pauses a schedule or lets it go on.
    Pause(PauseCommand, Reply<()>),
    /// A person sets a source's cursor back.
    Rewind(RewindCommand, Reply<()>),
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
    pub workflows: Vec<(huiyin_records::record::WorkflowDeployed, Arc<Deployed>)>,
    /// Deployments to withdraw.
    pub withdrawn: Vec<String>,
    /// What is to be recorded about slots, before the workflows that follow from it.
    pub bindings: Vec<Entry>,
    /// Who.
    pub actor: String,
    /// Told once it is in force.
    pub reply: Reply<()>,
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
    /// What is asked, hashed, where the asker chose the run's id.
    pub asked: Option<String>,
    /// Told its id, once it will run come what may.
    pub accepted: Option<Reply<String>>,
    /// Told its end.
    pub finished: Option<Reply<Arc<FinishedRun>>>,
    /// Its first turn, if that was taken ahead: it has its place only once the start has one.
    pub first: Option<FirstTurn>,
}

/// A first turn that was taken before the partition heard of the run.
pub struct FirstTurn {
    /// The time of the turn, and so of the start.
    pub now: Timestamp,
    /// What came of it.
    pub done: Box<TurnDone>,
    /// The record of the start with the turn in it, written out; the facts are then gone. None
    /// where the turn needs a record of its own.
    pub record: Option<Vec<u8>>,
    /// What whoever took it holds until it is taken in: let go by being dropped, and looked at by nobody here.
    pub guard: Option<Box<dyn Send>>,
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
    pub told: Option<Vec<record::CallTrace>>,
    /// What it did not get to: the turn's budget ran out.
    pub rest: Vec<Input>,
    /// Plugins that failed by their own fault: which function, and how.
    pub faults: Vec<(String, String)>,
    /// Calls that a canary is to make, too.
    pub made: Vec<Made>,
    /// Our own failure, if the turn could not be taken.
    pub failed: Option<String>,
}

impl TurnDone {
    /// Whether the run has ended with it.
    pub fn ends(&self) -> bool {
        self.flow.outcome().is_some()
    }

    /// Whether the run has ended with it and started nothing else.
    pub(super) fn ends_alone(&self) -> bool {
        use huiyin_flow::Command::{Publish, Run};
        self.ends() && !self.commands.iter().any(|command| matches!(command, Publish { .. } | Run { .. }))
    }

    /// Takes out what the record of the run's start can hold of its first turn; none where
    /// more came of it than facts.
    pub(super) fn opening(&mut self) -> Option<OpeningTurn> {
        let plain = self.failed.is_none() && self.consumed == 0 && self.faults.is_empty() && self.made.is_empty();
        (plain && !self.facts.is_empty())
            .then(|| OpeningTurn { facts: std::mem::take(&mut self.facts), made: self.told.take() })
    }

    /// The reverse of [`TurnDone::opening`].
    pub(super) fn take_back(&mut self, turn: OpeningTurn) {
        self.facts = turn.facts;
        self.told = turn.made;
    }
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
    /// This try surely did nothing: the host did not let it. That says nothing of earlier ones.
    Refused(FlowError),
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
    /// The items, as the floor had them.
    pub items: Vec<huiyin_desk::Item>,
    /// Where to go on; none keeps the old cursor.
    pub cursor: Option<String>,
    /// There is more to be had at once.
    pub more: bool,
    /// The floor's verdict on each of its items.
    pub floors: Vec<Floor>,
    /// How the floor came by them.
    pub judged: Option<Box<Judgement>>,
    /// What the collector wants kept.
    pub kv: Vec<KvWrite>,
}

/// One write of a call into what its plugin keeps, to be committed with the call's result or not at all (rule 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvWrite {
    /// The key.
    pub key: String,
    /// What was committed when the call began; it must still be so.
    pub expected: Option<Vec<u8>>,
    /// The new value; none removes the key.
    pub value: Option<Vec<u8>>,
    /// What keys and values may take together, in bytes; calls at the same time may not pass it together either.
    pub quota: u64,
    /// The call did nothing else that anybody could see: where this does not fit any more, it may be made again.
    pub alone: bool,
}

/// The floor's verdict of one item, or why there is none (rule 7).
pub type Floor = Result<huiyin_desk::Verdict, String>;

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
