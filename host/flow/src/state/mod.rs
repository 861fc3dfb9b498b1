//! The state of a run: a function of its facts, and the only thing the
//! interpreter remembers. Frames of tasks that are done are dropped.

mod frame;
mod frames;
mod weight;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::FlowError;
use crate::fact::{Alarm, CallId, FrameId};
use crate::model::{Definition, EventFilter};
use crate::run::{Command, Event};
pub(crate) use frame::{Frame, FrameKind, Listening, Scope, Stage};
pub(crate) use frames::Frames;
use weight::Weight;
pub(crate) use weight::composed;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Not started.
    #[default]
    New,
    /// Running or waiting.
    Running,
    /// Held by a person.
    Suspended,
    /// Ended well.
    Completed,
    /// Ended with an error.
    Faulted,
    /// Ended from outside.
    Cancelled,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// With this output.
    Completed(Arc<Value>),
    /// With this error.
    Faulted(Arc<FlowError>),
    /// For this reason.
    Cancelled(Arc<str>),
}

/// Everything of a run. Values are shared, so a clone costs little.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    pub(crate) phase: Phase,
    pub(crate) run: Arc<str>,
    pub(crate) started: Timestamp,
    pub(crate) input: Arc<Value>,
    pub(crate) trigger: Arc<Value>,
    pub(crate) context: Arc<Value>,
    /// The next id, of whatever kind.
    pub(crate) next: u64,
    /// Events published so far.
    pub(crate) emitted: u64,
    /// Facts applied so far.
    #[serde(default)]
    pub(crate) facts: u64,
    pub(crate) frames: Frames,
    /// Frames that can go on at once.
    pub(crate) ready: BTreeSet<FrameId>,
    /// The workflow's timeout.
    pub(crate) alarm: Option<Alarm>,
    /// Events that came while suspended.
    pub(crate) held: Vec<Event>,
    pub(crate) outcome: Option<Outcome>,
    /// How it stood when it ended, to be set to work again from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<Box<Ended>>,
    /// What is known of how much all of it is.
    #[serde(skip)]
    pub(crate) weight: Weight,
}

/// What was at work when a run ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) frames: Frames,
    pub(crate) ready: BTreeSet<FrameId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) held: Vec<Event>,
    /// The frame in whose list a task failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<FrameId>,
}

/// A task at work, for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActiveTask {
    /// Its JSON Pointer in the workflow.
    pub task: Arc<str>,
    /// Since when.
    pub since: Timestamp,
    /// Kind of task: `do`, `call`, `wait`…
    pub kind: &'static str,
    /// The round of a `for`, of a `listen` with `foreach`.
    pub round: Option<u64>,
    /// The attempt of a `try`.
    pub attempt: Option<u32>,
    /// When a timer ends it or lets it go on.
    pub due: Option<Timestamp>,
    /// Of a task of an extension: the task that is extended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extends: Option<Arc<str>>,
}

impl Default for RunState {
    fn default() -> Self {
        Self {
            phase: Phase::New,
            run: "".into(),
            started: Timestamp::UNIX_EPOCH,
            input: Arc::new(Value::Null),
            trigger: Arc::new(Value::Null),
            context: Arc::new(Value::Object(Map::new())),
            next: 0,
            emitted: 0,
            facts: 0,
            frames: Frames::default(),
            ready: BTreeSet::new(),
            alarm: None,
            held: Vec::new(),
            outcome: None,
            ended: None,
            weight: Weight::default(),
        }
    }
}

impl RunState {
    /// A run that has not started.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Its id; empty before it starts.
    pub fn run_id(&self) -> &str {
        &self.run
    }

    /// Unit, trigger and the like, as given at the start.
    pub fn trigger(&self) -> &Value {
        &self.trigger
    }

    /// Its raw input.
    pub fn input(&self) -> &Value {
        &self.input
    }

    /// `$context` as it is now.
    pub fn context(&self) -> &Value {
        &self.context
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Whether [`Event::Reopen`] would set this run to work again at `task`
    /// (none: the one that failed); else why not, in words.
    ///
    /// # Errors
    /// Why it would be ignored.
    pub fn can_reopen(&self, def: &Definition, task: Option<&str>) -> Result<(), String> {
        crate::run::reopening(self, def, task).map(|_| ())
    }

    /// What is still to be done for a call: the command that asked for it.
    pub fn pending(&self, call: CallId) -> Option<Command> {
        let id = FrameId(call.0);
        if !self.awaits(id) {
            return None;
        }
        let mut commands = Vec::new();
        self.frames.get(&id)?.open(id, &mut commands);
        commands.pop()
    }

    /// Whether `event` answers the literal part of any subscription.
    pub fn listens(&self, event: &Value) -> bool {
        self.frames.listening().any(|(_, listening)| {
            let wanted = |filters: &[EventFilter], pending: &[u32]| {
                pending.iter().filter_map(|i| filters.get(*i as usize)).any(|f| crate::model::matches(f, event))
            };
            !listening.over
                && (wanted(&listening.filters, &listening.pending)
                    || wanted(&listening.until, &listening.until_pending))
        })
    }

    /// Events consumed by a `listen` and not worked through yet, all together:
    /// where there are many, their sender should be told to wait.
    pub fn backlog(&self) -> usize {
        self.frames.listening().map(|(_, listening)| listening.queue.len()).sum()
    }

    /// Whether [`Event::Continue`] would let it go on: after a turn that ran out
    /// of its budget, also after a reload.
    pub fn runnable(&self) -> bool {
        self.phase == Phase::Running && !self.ready.is_empty()
    }

    /// The tasks at work, outermost first.
    pub fn active(&self) -> Vec<ActiveTask> {
        self.frames
            .values()
            .filter(|frame| {
                !matches!(frame.kind, FrameKind::Run | FrameKind::Branch { .. } | FrameKind::Extended { .. })
            })
            .map(|frame| ActiveTask {
                extends: frame.parent.and_then(|parent| self.frames.extended(parent)).map(|f| Arc::clone(&f.task)),
                task: Arc::clone(&frame.task),
                since: frame.at,
                kind: frame.kind.name(),
                round: match &frame.kind {
                    FrameKind::For { index, .. } => *index,
                    FrameKind::Listen(listening) => listening.item.as_ref().map(|_| listening.count),
                    _ => None,
                },
                attempt: match &frame.kind {
                    FrameKind::Try { attempt, .. }
                    | FrameKind::Call { attempt, .. }
                    | FrameKind::Request { attempt, .. }
                    | FrameKind::Workflow { attempt, .. } => Some(*attempt),
                    _ => None,
                },
                due: frame.alarms().map(|alarm| alarm.due).min(),
            })
            .collect()
    }

    /// Whether this frame waits for a result.
    pub(crate) fn awaits(&self, id: FrameId) -> bool {
        self.frames.get(&id).is_some_and(|frame| {
            matches!(frame.kind, FrameKind::Call { .. } | FrameKind::Request { .. } | FrameKind::Workflow { .. })
        })
    }
}
