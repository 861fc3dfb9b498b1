//! What the engine writes into the journal: one Rust type for each record
//! type, and the way there and back.
//!
//! A record holds *decided facts* (rule 1): applying one must never need an
//! expression, a policy or a plugin. Types carry their version in their name;
//! a changed shape is a new version, with an upcaster in the journal's
//! registry. Nothing here may be renamed without one.

mod binding;
mod call;
mod deployment;
mod event;
mod plugin;
mod schedule;
mod upkeep;

use huiyin_desk::Fact as DeskFact;
use huiyin_flow::{Fact as FlowFact, FlowError};
use huiyin_journal_types::{Draft, Payload, Record};
use huiyin_json::depth;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use binding::{
    BindingChanged, BindingLifted, BindingQuarantined, CanaryCompared, CanaryEnd, CanaryEnded, CanaryStarted,
    Difference, Said, SlotOf,
};
pub use call::{Batch, CallTrace, FloorJudged, JudgedItem, result_digest};
pub use deployment::{
    DeploymentCompleted, DeploymentIntended, DeploymentPart, Pin, WorkflowDeployed, WorkflowIntended, WorkflowWithdrawn,
};
pub use event::{EventDelivered, EventJudged, EventRelayed, Gathered, Relay, SinkAdvanced, Started, Undecided};
pub use plugin::{PluginGranted, PluginInstalled, PluginRemoved, PluginRevoked, PublisherDistrusted, PublisherTrusted};
pub use schedule::{ScheduleFired, ScheduleMissed, SchedulePaused, ScheduleQueued, ScheduleResumed, ScheduleSetBack};
pub use upkeep::{AuditRenewed, JournalRepaired};

/// The data key of what belongs to a unit and to no case or source; the host's where there is no unit.
pub fn unit_key(unit: Option<&str>) -> String {
    unit.map_or_else(|| "host".to_owned(), |unit| format!("unit:{unit}"))
}

/// A unit was given its partition, for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitPlaced {
    /// The unit's code.
    pub unit: String,
}

/// A run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The run's id, a UUIDv7.
    pub run: String,
    /// Which deployment it runs, to its end.
    pub deployment: String,
    /// What started it: `person`, `schedule:<the time it was due>`, `event:<type>`.
    pub trigger: String,
    /// The data key of the records of this run.
    pub key: String,
    /// The workflow's input.
    pub input: Value,
    /// The run that runs it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Its first turn, where that was taken before the start was written: as if a
    /// [`RunTurn`] of the same time followed. A record less for most runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<OpeningTurn>,
    /// What was asked, hashed ([`crate::once::fingerprint`]), where the asker chose the run's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
}

/// The first turn of a run, within the record of its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpeningTurn {
    /// The facts, in their order.
    pub facts: Vec<FlowFact>,
    /// As in [`RunTurn`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Vec<CallTrace>>,
}

impl RunStarted {
    /// When the run began, where its first turn says so; else it is the record's time.
    pub fn began(&self) -> Option<Timestamp> {
        match self.turn.as_ref()?.facts.first()? {
            FlowFact::Start { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// Takes the first turn out, in the form that all other turns have.
    pub fn take_turn(&mut self) -> Option<RunTurn> {
        let OpeningTurn { facts, made } = self.turn.take()?;
        Some(RunTurn { run: self.run.clone(), facts, consumed: 0, reason: None, made })
    }
}

/// The run and the call that run another workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The run's id.
    pub run: String,
    /// The call within it.
    pub call: String,
    /// How many runs stand above, from 1.
    pub depth: u32,
    /// The call waits for the end.
    pub wait: bool,
}

/// One turn of a run: everything it decided before it had to wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunTurn {
    /// The run's id.
    pub run: String,
    /// The facts, in their order.
    pub facts: Vec<FlowFact>,
    /// How many delivered events it took in.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub consumed: u32,
    /// Why, where a person suspended, resumed or cancelled the run; who is in the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// There where it made pure calls, with what the facts leave open of them.
    /// Absent, too, in records of versions that did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Vec<CallTrace>>,
}

/// For a value that may be `null`, which is another thing than none.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's calling convention
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A run could not go on by our own fault, and waits for a person (rule 11).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunQuarantined {
    /// The run's id.
    pub run: String,
    /// Why.
    pub reason: String,
    /// The call of which nobody knows whether it happened, if it is for its sake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
}

/// A person lets a run go on that was set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReleased {
    /// The run's id.
    pub run: String,
    /// Why.
    pub reason: String,
}

/// A person set a run that had ended to work again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReopened {
    /// The run's id.
    pub run: String,
    /// JSON Pointer of the task to go on with; none for the one that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The raw input of that task, if it is another.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// A run's effect is about to be tried (rule 3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectIntended {
    /// The run's id.
    pub run: String,
    /// The call within the run.
    pub call: String,
    /// 1 for the first try.
    pub attempt: u32,
    /// The same on every try of this effect.
    pub idempotency_key: String,
    /// What is called, `webhook:0.1.0`; `http` or `openapi` for a request of the workflow's own.
    pub plugin: String,
    /// SHA-256 of the component, hex; empty for a request.
    pub digest: String,
    /// What is asked for, `GET https://…` without its query; none for a plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Repeating the request does no harm, by its method. A plugin's manifest says it for a plugin.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
    /// Why nobody knows what came of an earlier try; none where each surely did nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// An effect's outcome is known. What the plugin keeps of its own commits with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectSettled {
    /// The run's id.
    pub run: String,
    /// The call within the run.
    pub call: String,
    /// The try that settled it.
    pub attempt: u32,
    /// What came of it.
    pub outcome: Result<Value, FlowError>,
    /// What the plugin keeps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kv: Vec<KvSet>,
}

/// One entry of a plugin's own state, kept for a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvSet {
    /// Whose: the plugin's name and the unit's code, `feed@530500`.
    pub owner: String,
    /// The key.
    pub key: String,
    /// The value, base64; none removes the key.
    pub value: Option<String>,
}

/// An effect stopped for a person: nobody knows whether it happened (rule 3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectUnknown {
    /// The run's id.
    pub run: String,
    /// The call within the run.
    pub call: String,
    /// What is known.
    pub reason: String,
}

/// An effect of unknown outcome was cleared up: by a person, or because it
/// turned out that it had never begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectResolved {
    /// The run's id.
    pub run: String,
    /// The call within the run.
    pub call: String,
    /// It happened; otherwise it surely did not, and may be tried again.
    pub happened: bool,
    /// What it gave, if it happened.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// How that is known.
    pub reason: String,
}

/// A source is about to be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourcePolled {
    /// The source's name, `<unit>/<name>`.
    pub source: String,
    /// Names this reading.
    pub poll: u64,
    /// When it was due.
    pub due: Timestamp,
}

/// A page of a source was taken in: items and cursor together (rule 4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourcePage {
    /// The source's name, `<unit>/<name>`.
    pub source: String,
    /// The reading that brought it.
    pub poll: u64,
    /// Where to go on; none keeps the old one.
    pub cursor: Option<String>,
    /// More is to be had at once.
    pub more: bool,
    /// How many items the page had, new and seen before.
    pub items: u32,
    /// What the desk made of the items.
    pub facts: Vec<DeskFact>,
    /// What the collector keeps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kv: Vec<KvSet>,
    /// How many of the items were known already, or stood there twice.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub known: u32,
}

/// A person set a source's cursor back: what is read from there is known by its
/// ids, so that nothing is taken in twice. A reading under way does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRewound {
    /// The source's name, `<unit>/<name>`.
    pub source: String,
    /// Where to go on; none is the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// Reading a source failed; the cursor stays where it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceFailed {
    /// The source's name, `<unit>/<name>`.
    pub source: String,
    /// The reading that failed.
    pub poll: u64,
    /// What went wrong.
    pub error: String,
    /// Do not try again before.
    pub not_before: Option<Timestamp>,
}

/// The desk decided something: a command by a person or a run, or a clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeskDecided {
    /// The facts, in their order.
    pub facts: Vec<DeskFact>,
    /// The run and call that asked for it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<(String, String)>,
    /// The key under which a person asked for it, in the last record of a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<crate::once::Keyed>,
}

/// A snapshot of the partition was taken; its digest is proof of what it held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotTaken {
    /// The last record it contains.
    pub seq: u64,
    /// SHA-256 of the snapshot, hex.
    pub digest: String,
}

/// Bytes in which the payloads of short runs fit.
const PAYLOAD_ROOM: usize = 2_048;

macro_rules! entries {
    ($($variant:ident = $kind:literal),+ $(,)?) => {
        /// A record's content, by type.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)]
        pub enum Entry {
            $(#[doc = concat!("`", $kind, "`")] $variant($variant),)+
        }

        impl Entry {
            /// The record type that the entry is stored under.
            pub fn kind(&self) -> &'static str {
                match self { $(Entry::$variant(_) => $kind,)+ }
            }

            /// The payload bytes: compact JSON that its reader takes.
            ///
            /// # Errors
            /// When a value cannot be written as JSON, or the payload would nest deeper than
            /// [`huiyin_json::depth::RECORD`].
            pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
                let mut bytes = Vec::with_capacity(PAYLOAD_ROOM);
                match self { $(Entry::$variant(x) => depth::write(&mut bytes, x, depth::RECORD)?,)+ }
                Ok(bytes)
            }

            /// One after the other what the entry says: a start with its first turn is a start
            /// and a turn.
            pub fn parts(mut self) -> impl Iterator<Item = Entry> {
                let turn = match &mut self {
                    Entry::RunStarted(started) => started.take_turn().map(Entry::RunTurn),
                    _ => None,
                };
                std::iter::once(self).chain(turn)
            }

            fn decode_as(kind: &str, payload: &[u8]) -> Option<Result<Entry, serde_json::Error>> {
                match kind {
                    $($kind => Some(depth::read(payload).map(Entry::$variant)),)+
                    _ => None,
                }
            }
        }

        /// Every record type that the engine writes.
        pub const KINDS: &[&str] = &[$($kind),+];
    };
}

entries! {
    UnitPlaced = "huiyin.unit.placed.v1",
    WorkflowDeployed = "huiyin.workflow.deployed.v1",
    WorkflowWithdrawn = "huiyin.workflow.withdrawn.v1",
    DeploymentIntended = "huiyin.deployment.intended.v1",
    DeploymentCompleted = "huiyin.deployment.completed.v1",
    RunStarted = "huiyin.run.started.v1",
    RunTurn = "huiyin.run.turn.v1",
    EventDelivered = "huiyin.event.delivered.v1",
    RunQuarantined = "huiyin.run.quarantined.v1",
    RunReleased = "huiyin.run.released.v1",
    RunReopened = "huiyin.run.reopened.v1",
    EffectIntended = "huiyin.effect.intended.v1",
    EffectSettled = "huiyin.effect.settled.v1",
    EffectUnknown = "huiyin.effect.unknown.v1",
    EffectResolved = "huiyin.effect.resolved.v1",
    SourcePolled = "huiyin.source.polled.v1",
    SourcePage = "huiyin.source.page.v1",
    SourceFailed = "huiyin.source.failed.v1",
    SourceRewound = "huiyin.source.rewound.v1",
    EventJudged = "huiyin.event.judged.v1",
    EventRelayed = "huiyin.event.relayed.v1",
    ScheduleFired = "huiyin.schedule.fired.v1",
    ScheduleQueued = "huiyin.schedule.queued.v1",
    ScheduleMissed = "huiyin.schedule.missed.v1",
    SchedulePaused = "huiyin.schedule.paused.v1",
    ScheduleResumed = "huiyin.schedule.resumed.v1",
    ScheduleSetBack = "huiyin.schedule.set-back.v1",
    BindingChanged = "huiyin.binding.changed.v1",
    BindingQuarantined = "huiyin.binding.quarantined.v1",
    BindingLifted = "huiyin.binding.lifted.v1",
    CanaryStarted = "huiyin.canary.started.v1",
    CanaryCompared = "huiyin.canary.compared.v1",
    CanaryEnded = "huiyin.canary.ended.v1",
    SinkAdvanced = "huiyin.sink.advanced.v1",
    PluginInstalled = "huiyin.plugin.installed.v1",
    PluginRemoved = "huiyin.plugin.removed.v1",
    PluginGranted = "huiyin.plugin.granted.v1",
    PluginRevoked = "huiyin.plugin.revoked.v1",
    PublisherTrusted = "huiyin.publisher.trusted.v1",
    PublisherDistrusted = "huiyin.publisher.distrusted.v1",
    DeskDecided = "huiyin.desk.decided.v1",
    FloorJudged = "huiyin.floor.judged.v1",
    SnapshotTaken = "huiyin.snapshot.taken.v1",
    JournalRepaired = "huiyin.journal.repaired.v1",
    AuditRenewed = "huiyin.audit.renewed.v1",
}

impl Entry {
    /// A record of the host's own, about itself.
    ///
    /// # Errors
    /// As [`Entry::encode`].
    pub fn about_host(&self, actor: &str, now: Timestamp) -> Result<Draft, serde_json::Error> {
        Ok(Draft {
            kind: self.kind().to_owned(),
            subject: "host".to_owned(),
            time: now,
            actor: actor.to_owned(),
            unit: None,
            causation: None,
            key: "host".to_owned(),
            payload: self.encode()?,
        })
    }
}

/// Why a record could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A later version of Huiyin wrote it.
    #[error(
        "record {id} has the type `{kind}`, which this version of Huiyin does not know; start the version that wrote it, or a later one"
    )]
    UnknownKind {
        /// The record's id.
        id: String,
        /// Its type.
        kind: String,
    },
    /// The payload is not what its type says.
    #[error("record {id} of type `{kind}` does not read: {error}")]
    Malformed {
        /// The record's id.
        id: String,
        /// Its type.
        kind: String,
        /// What the JSON reader said.
        error: serde_json::Error,
    },
}

/// Reads a record back. `None` for a redacted one: its facts are gone, and
/// the record still holds its place in the log.
///
/// # Errors
/// When the type is unknown or the payload is not of that type.
pub fn decode(record: &Record) -> Result<Option<Entry>, DecodeError> {
    let Payload::Open(payload) = &record.payload else {
        return Ok(None);
    };
    let header = &record.header;
    match Entry::decode_as(&record.kind, payload) {
        None => Err(DecodeError::UnknownKind { id: header.id.clone(), kind: record.kind.clone() }),
        Some(Err(error)) => Err(DecodeError::Malformed { id: header.id.clone(), kind: record.kind.clone(), error }),
        Some(Ok(entry)) => Ok(Some(entry)),
    }
}

/// What a record says, one after the other ([`Entry::parts`]); nothing for a redacted one.
///
/// # Errors
/// As [`decode`].
pub fn parts(record: &Record) -> Result<impl Iterator<Item = Entry>, DecodeError> {
    Ok(decode(record)?.into_iter().flat_map(Entry::parts))
}
