//! A frame: a task that has begun and is not done, and what is known of it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use huiyin_json::depth;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::FlowError;
use crate::fact::{Alarm, CallId, FrameId, Next, Place, SubId, present};
use crate::model::{EventFilter, FunctionRef};
use crate::request::{Request, WorkflowRef};
use crate::run::Command;
use crate::size::Misfit;

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

    /// Why what it gathered cannot be one payload of at most so many bytes.
    pub(crate) fn gathered(&self, limit: u64) -> Option<Misfit> {
        let sum = |items: &mut dyn Iterator<Item = &Arc<Value>>| {
            let mut bytes = 2;
            for item in items {
                // They stand in a list.
                if depth::deeper_than(item, depth::VALUE - 1) {
                    return Some(Misfit::Deep(depth::VALUE));
                }
                bytes += crate::size::json_bytes(&**item) + 1;
                if bytes > limit {
                    return Some(Misfit::Bytes(bytes));
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
    /// The kind of task, for people.
    pub(crate) fn name(&self) -> &'static str {
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
