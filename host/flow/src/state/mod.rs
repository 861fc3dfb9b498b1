//! The state of a run: a function of its facts, and the only thing the
//! interpreter remembers. Frames of tasks that are done are dropped.

mod frames;
mod weight;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::FlowError;
use crate::fact::{Alarm, CallId, FrameId, Next, Place, SubId, present};
use crate::model::{Definition, EventFilter, FunctionRef};
use crate::request::{Request, WorkflowRef};
use crate::run::{Command, Event};
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
        /// What the branches gave that are done.
        outputs: Vec<Option<Arc<Value>>>,
        /// Those that gave null, which in JSON is no different from nothing.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        nulls: BTreeSet<u32>,
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
    Listen(Box<Listening>),
    /// A function that is a task of its own.
    Function,
    /// What stands around a task that is extended.
    Extended {
        layers: Vec<u32>,
        place: Place,
        /// What the task gave.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        output: Option<Arc<Value>>,
        /// Where to go after all of it.
        then: Next,
    },
}

/// A `listen` at work.
#[allow(clippy::struct_excessive_bools)] // the fields of one fact
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) filters: Vec<EventFilter>,
    /// The filters that still wait for an event.
    pub(crate) pending: Vec<u32>,
    pub(crate) all: bool,
    /// The output so far.
    pub(crate) heard: Vec<Arc<Value>>,
    /// Filters of events that end it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) until: Vec<EventFilter>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) until_pending: Vec<u32>,
    #[serde(default)]
    pub(crate) until_all: bool,
    #[serde(default)]
    pub(crate) repeat: bool,
    #[serde(default)]
    pub(crate) queued: bool,
    #[serde(default)]
    pub(crate) quiet: bool,
    /// No more events are wanted.
    #[serde(default)]
    pub(crate) over: bool,
    /// Events that wait to be worked through, first come first.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(crate) queue: VecDeque<Arc<Value>>,
    /// The event that is being worked through.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<Arc<Value>>,
    /// How many have been worked through.
    #[serde(default)]
    pub(crate) count: u64,
    /// The correlation keys that are bound.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) keys: Map<String, Value>,
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

    /// Whether it listens for an event with these literal attributes; the run
    /// itself tests the computed ones.
    pub fn listens_for(&self, event: &Value) -> bool {
        let held = |filters: &[EventFilter], pending: &[u32]| {
            pending.iter().any(|at| filters.get(*at as usize).is_some_and(|filter| crate::matches(filter, event)))
        };
        self.frames.listening().any(|(_, listening)| {
            !listening.over
                && (held(&listening.filters, &listening.pending) || held(&listening.until, &listening.until_pending))
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

impl Frame {
    pub(crate) fn alarms(&self) -> impl Iterator<Item = Alarm> {
        let inner = match &self.kind {
            FrameKind::Wait { until } => Some(*until),
            FrameKind::Try { stage: Stage::Trying { alarm } | Stage::Waiting { alarm }, .. } => *alarm,
            _ => None,
        };
        self.alarm.into_iter().chain(inner)
    }

    /// A new timer for what it waits for.
    pub(crate) fn rearm(&mut self, alarm: Alarm) {
        match &mut self.kind {
            FrameKind::Wait { until } => *until = alarm,
            FrameKind::Try { stage: Stage::Trying { alarm: old } | Stage::Waiting { alarm: old }, .. } => {
                *old = Some(alarm);
            }
            _ => {}
        }
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
            FrameKind::Listen(listening) if !listening.over => {
                let wanted = listening.pending.iter().filter_map(|i| listening.filters.get(*i as usize));
                let ends = listening.until_pending.iter().filter_map(|i| listening.until.get(*i as usize));
                into.push(Command::Subscribe {
                    subscription: SubId(id.0),
                    filters: wanted.chain(ends).cloned().collect(),
                });
            }
            _ => {}
        }
    }

    /// What the task gives by itself, before `output.as`.
    pub(crate) fn natural(&self) -> Arc<Value> {
        match &self.kind {
            FrameKind::Fork { outputs, winner: Some(winner), .. } => {
                outputs.get(*winner as usize).cloned().flatten().unwrap_or_default()
            }
            FrameKind::Fork { outputs, .. } => Arc::new(Value::Array(
                outputs.iter().map(|o| o.as_ref().map_or(Value::Null, |o| (**o).clone())).collect(),
            )),
            FrameKind::Listen(listening) => listening.output(None),
            FrameKind::Extended { output: Some(output), .. } => Arc::clone(output),
            _ => self.scope.as_ref().map_or_else(|| Arc::clone(&self.input), |scope| Arc::clone(&scope.data)),
        }
    }

    /// The bytes of JSON that what it gathered takes together, if that is more than `limit`.
    pub(crate) fn gathered(&self, limit: u64) -> Option<u64> {
        let sum = |items: &mut dyn Iterator<Item = &Arc<Value>>| {
            let mut bytes = 2;
            for item in items {
                bytes += crate::size::json_bytes(&**item) + 1;
                if bytes > limit {
                    return Some(bytes);
                }
            }
            None
        };
        match &self.kind {
            FrameKind::Fork { outputs, winner: None, .. } => sum(&mut outputs.iter().flatten()),
            FrameKind::Listen(listening) => sum(&mut listening.heard.iter()),
            _ => None,
        }
    }
}

impl FrameKind {
    fn name(&self) -> &'static str {
        match self {
            Self::Run | Self::Workflow { .. } => "run",
            Self::Do => "do",
            Self::For { .. } => "for",
            Self::Try { .. } => "try",
            Self::Fork { .. } => "fork",
            Self::Branch { .. } => "branch",
            Self::Call { .. } | Self::Request { .. } | Self::Function => "call",
            Self::Wait { .. } => "wait",
            Self::Listen(_) => "listen",
            Self::Extended { .. } => "extension",
        }
    }
}

impl Listening {
    /// The list of what was consumed, with `more` at its end.
    pub(crate) fn output(&self, more: Option<&Arc<Value>>) -> Arc<Value> {
        Arc::new(Value::Array(self.heard.iter().chain(more).map(|item| (**item).clone()).collect()))
    }
}
