//! What comes out of a partition: records, work, and what is shown. Only
//! shapes; nothing is decided here.

use std::collections::BTreeMap;
use std::sync::Arc;

use huiyin_flow::{CallId, Event, Request, RunState};
use huiyin_journal_types::Draft;
use huiyin_records::record::Pin;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{Failing, JudgeJob, Refusal, Snapshot};
use crate::canary::{Canaries, CanaryJob};
use crate::deployed::Deployed;
use crate::value_limits::ValueLimits;
use crate::watched_source::WatchedSource;

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
    Poll(Box<PollJob>),
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
    /// A run is to end: a turn of it that waits for space is taken, so that the order is met after it.
    Hurry {
        /// The run.
        run: String,
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
    /// How large a value may be.
    pub payload: ValueLimits,
    /// Why nothing may be published that would start others; none while it may.
    pub crowded: Option<String>,
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
pub enum EffectRequest {
    /// A call of a plugin.
    Plugin {
        /// What to call.
        pin: Pin,
        /// The call's arguments.
        with: Arc<Value>,
    },
    /// A core function whose subject is not (or not only) in the run's own partition.
    Core {
        /// The function.
        name: String,
        /// What is asked.
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
    pub errand: EffectRequest,
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
pub trait IdSource: Send {
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
