//! The state of a run: a function of its facts, and the only thing the
//! interpreter remembers. Frames of tasks that are done are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::FlowError;
use crate::fact::{Alarm, CallId, FrameId, Next, SubId};
use crate::model::{Definition, EventFilter, FunctionRef};
use crate::request::{Request, WorkflowRef};
use crate::run::{Command, Event};

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
    pub(crate) frames: BTreeMap<FrameId, Frame>,
    /// Frames that can go on at once.
    pub(crate) ready: BTreeSet<FrameId>,
    /// The workflow's timeout.
    pub(crate) alarm: Option<Alarm>,
    /// Events that came while suspended.
    pub(crate) held: Vec<Event>,
    pub(crate) outcome: Option<Outcome>,
}

/// A task that has begun and is not done; frame 0 is the run itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) parent: Option<FrameId>,
    pub(crate) task: Arc<str>,
    pub(crate) at: Timestamp,
    pub(crate) raw: Arc<Value>,
    pub(crate) input: Arc<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alarm: Option<Alarm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<Scope>,
    pub(crate) kind: FrameKind,
}

/// A list of tasks being worked through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scope {
    /// The place of the task that is next, or at work.
    pub(crate) next: Next,
    /// The raw input of that task.
    pub(crate) data: Arc<Value>,
    /// Its frame, if it is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) child: Option<FrameId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "lowercase")]
pub(crate) enum FrameKind {
    Run,
    Do,
    For {
        items: Arc<Value>,
        index: Option<u64>,
    },
    Try {
        attempt: u32,
        stage: Stage,
    },
    Fork {
        compete: bool,
        outputs: Vec<Option<Arc<Value>>>,
        winner: Option<u32>,
    },
    /// One branch of the parent, a `fork`.
    Branch {
        index: u32,
    },
    Call {
        function: Arc<FunctionRef>,
        slot: Option<Arc<str>>,
        with: Arc<Value>,
        attempt: u32,
    },
    Request {
        request: Arc<Request>,
        attempt: u32,
    },
    /// Another workflow's run.
    Workflow {
        workflow: Arc<WorkflowRef>,
        with: Arc<Value>,
        wait: bool,
        attempt: u32,
    },
    Wait {
        until: Alarm,
    },
    Listen {
        filters: Vec<EventFilter>,
        pending: Vec<u32>,
        all: bool,
        heard: Vec<Arc<Value>>,
    },
}

/// Where a `try` stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "s", rename_all = "lowercase")]
pub(crate) enum Stage {
    Trying { alarm: Option<Alarm> },
    Waiting { alarm: Option<Alarm> },
    Catching { error: Arc<FlowError> },
    Ignored,
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
    /// The round of a `for`.
    pub round: Option<u64>,
    /// The attempt of a `try`.
    pub attempt: Option<u32>,
    /// When a timer ends it or lets it go on.
    pub due: Option<Timestamp>,
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
            frames: BTreeMap::new(),
            ready: BTreeSet::new(),
            alarm: None,
            held: Vec::new(),
            outcome: None,
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

    /// Whether it listens for an event with these literal attributes; the run
    /// itself tests the computed ones.
    pub fn listens_for(&self, event: &Value) -> bool {
        self.frames.values().any(|frame| match &frame.kind {
            FrameKind::Listen { filters, pending, .. } => {
                pending.iter().any(|at| filters.get(*at as usize).is_some_and(|filter| crate::matches(filter, event)))
            }
            _ => false,
        })
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
    pub fn can_reopen(&self, _def: &Definition, _task: Option<&str>) -> Result<(), String> {
        Err("a run cannot be set to work again yet".to_owned())
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
            .filter(|frame| !matches!(frame.kind, FrameKind::Run | FrameKind::Branch { .. }))
            .map(|frame| ActiveTask {
                task: Arc::clone(&frame.task),
                since: frame.at,
                kind: frame.kind.name(),
                round: if let FrameKind::For { index, .. } = &frame.kind { *index } else { None },
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

    /// The frames that will go when `top` goes, itself included.
    pub(crate) fn subtree(&self, top: FrameId) -> Vec<FrameId> {
        let mut list = vec![top];
        let mut at = 0;
        while let Some(id) = list.get(at).copied() {
            at += 1;
            let Some(frame) = self.frames.get(&id) else { continue };
            list.extend(frame.scope.as_ref().and_then(|scope| scope.child));
            list.extend(self.branches(id, frame));
        }
        list
    }

    /// The living branches of a fork.
    fn branches(&self, id: FrameId, frame: &Frame) -> impl Iterator<Item = FrameId> {
        let count = if let FrameKind::Fork { outputs, .. } = &frame.kind { outputs.len() as u64 } else { 0 };
        self.frames.range(FrameId(id.0 + 1)..FrameId(id.0 + 1 + count)).map(|(id, _)| *id)
    }
}

impl Frame {
    pub(crate) fn alarms(&self) -> impl Iterator<Item = Alarm> {
        let inner = match &self.kind {
            FrameKind::Wait { until } => Some(*until),
            FrameKind::Try { stage: Stage::Trying { alarm } | Stage::Waiting { alarm }, .. } => *alarm,
            _ => None,
        };
        self.alarm.into_iter().chain(inner)
    }

    /// The commands that this frame has open.
    pub(crate) fn open(&self, id: FrameId, into: &mut Vec<Command>) {
        into.extend(self.alarms().map(|alarm| Command::SetTimer { timer: alarm.timer, due: alarm.due }));
        match &self.kind {
            FrameKind::Call { function, slot, with, attempt } => into.push(Command::Call {
                call: CallId(id.0),
                task: Arc::clone(&self.task),
                function: Arc::clone(function),
                slot: slot.clone(),
                with: Arc::clone(with),
                attempt: *attempt,
            }),
            FrameKind::Request { request, attempt } => into.push(Command::Request {
                call: CallId(id.0),
                task: Arc::clone(&self.task),
                request: Arc::clone(request),
                attempt: *attempt,
            }),
            FrameKind::Workflow { workflow, with, wait, attempt } => into.push(Command::Run {
                call: CallId(id.0),
                task: Arc::clone(&self.task),
                workflow: Arc::clone(workflow),
                with: Arc::clone(with),
                wait: *wait,
                attempt: *attempt,
            }),
            FrameKind::Listen { filters, pending, .. } => {
                let filters = pending.iter().filter_map(|i| filters.get(*i as usize).cloned()).collect();
                into.push(Command::Subscribe { subscription: SubId(id.0), filters });
            }
            _ => {}
        }
    }

    /// What the task gives by itself, before `output.as`.
    pub(crate) fn natural(&self) -> Arc<Value> {
        match &self.kind {
            FrameKind::Fork { outputs, winner: Some(winner), .. } => {
                outputs.get(*winner as usize).cloned().flatten().unwrap_or_else(|| Arc::clone(&self.input))
            }
            FrameKind::Fork { outputs, .. } => Arc::new(Value::Array(
                outputs.iter().map(|o| o.as_ref().map_or(Value::Null, |o| (**o).clone())).collect(),
            )),
            FrameKind::Listen { heard, .. } => {
                Arc::new(Value::Array(heard.iter().map(|item| (**item).clone()).collect()))
            }
            _ => self.scope.as_ref().map_or_else(|| Arc::clone(&self.input), |scope| Arc::clone(&scope.data)),
        }
    }
}

impl FrameKind {
    fn name(&self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Do => "do",
            Self::For { .. } => "for",
            Self::Try { .. } => "try",
            Self::Fork { .. } => "fork",
            Self::Branch { .. } => "branch",
            Self::Call { .. } | Self::Request { .. } => "call",
            Self::Workflow { .. } => "run",
            Self::Wait { .. } => "wait",
            Self::Listen { .. } => "listen",
        }
    }
}
