//! Facts: what was decided in a run, in the form that is journaled. Their JSON
//! is a contract with every journal ever written: tags and fields may be added,
//! never changed. A fact must carry all that [`crate::apply`] needs.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::FlowError;
use crate::model::{EventFilter, FunctionRef};
use crate::request::{Request, WorkflowRef};
use crate::run::Event;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A running task within its run.
    FrameId
);
id!(
    /// A call within its run.
    CallId
);
id!(
    /// A timer within its run.
    TimerId
);
id!(
    /// A subscription within its run.
    SubId
);

/// A timer and when it is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Which.
    pub timer: TimerId,
    /// When.
    pub due: Timestamp,
}

/// Where the flow goes within a list of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Next {
    /// To the task at this place of the list.
    At(u32),
    /// The list is done.
    Exit,
    /// The run is done.
    End,
    /// The list before an extended task says that the task is not to run.
    Skip,
}

/// Where a task that is extended stands. The numbers are places in its layers,
/// outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In what comes before it.
    Before(u32),
    /// In the task itself.
    Main,
    /// In what comes after it.
    After(u32),
}

/// A list of tasks that starts anew at one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// The frame that works through the list.
    pub frame: FrameId,
    /// The place of the task.
    pub index: u32,
}

/// New timers of a frame, in place of those it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rearmed {
    /// The frame.
    pub frame: FrameId,
    /// Its timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Alarm>,
    /// What it waits for: the end of a `wait`, of a delay, of an attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner: Option<Alarm>,
}

/// One decided fact of a run. Values that are absent are unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "f", rename_all = "lowercase")]
pub enum Fact {
    /// The run began.
    Start {
        /// Its id.
        run: Arc<str>,
        /// When.
        at: Timestamp,
        /// Its raw input.
        input: Arc<Value>,
        /// Unit, trigger and the like, as the engine gave them.
        trigger: Arc<Value>,
    },
    /// The workflow's own input and timeout are settled; the first task is next.
    Prepared {
        /// The transformed input.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<Arc<Value>>,
        /// The workflow's timeout.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alarm: Option<Alarm>,
    },
    /// A task that takes no time ran, or was skipped.
    Ran {
        /// The frame whose list it stands in.
        frame: FrameId,
        /// Its pointer.
        task: Arc<str>,
        /// Its output.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Arc<Value>>,
        /// The new context.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<Arc<Value>>,
        /// The event it published.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<Arc<Value>>,
        /// Its `if` did not hold.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        skipped: bool,
        /// Where to go.
        next: Next,
    },
    /// A task that takes time began.
    Entered {
        /// Its own frame.
        frame: FrameId,
        /// The frame whose list it stands in.
        parent: FrameId,
        /// Its pointer.
        task: Arc<str>,
        /// When.
        at: Timestamp,
        /// Its transformed input.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<Arc<Value>>,
        /// Its timeout.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alarm: Option<Alarm>,
        /// What it does.
        what: Opened,
    },
    /// A `for` goes into its next round, a `listen` turns to the next event it has consumed.
    Looped {
        /// The `for` or `listen`.
        frame: FrameId,
        /// The round, from 0.
        index: u64,
    },
    /// A `listen` consumed an event.
    Heard {
        /// The `listen`.
        frame: FrameId,
        /// The filter it answered.
        filter: u32,
        /// What was read of it.
        item: Arc<Value>,
        /// The correlation keys that it binds.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        keys: Map<String, Value>,
        /// It answers a filter of `until`, and is no part of the output.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        until: bool,
    },
    /// A `listen` is done with one of the events it consumed.
    Iterated {
        /// The `listen`.
        frame: FrameId,
        /// What becomes part of the output; absent: the event as it was read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Arc<Value>>,
        /// The new context.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<Arc<Value>>,
        /// `until` holds now: nothing more is consumed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        over: bool,
    },
    /// What extends a task goes on to its next part.
    Passed {
        /// The frame around the task.
        frame: FrameId,
        /// Where it goes.
        place: Place,
        /// The output of the task, if it is known now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Arc<Value>>,
        /// The new context.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<Arc<Value>>,
        /// Where to go after all of it, if that is known now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        then: Option<Next>,
    },
    /// A branch of a `fork` is done.
    Joined {
        /// The branch.
        frame: FrameId,
    },
    /// A `try` caught an error.
    Caught {
        /// The `try`.
        frame: FrameId,
        /// What it caught.
        error: Arc<FlowError>,
        /// What it does about it.
        how: Caught,
        /// The frame in whose list the task stands that failed, if not this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<FrameId>,
    },
    /// A `try` starts another attempt.
    Retried {
        /// The `try`.
        frame: FrameId,
        /// The limit of the attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alarm: Option<Alarm>,
    },
    /// A task that takes time is done.
    Left {
        /// Its frame.
        frame: FrameId,
        /// Its output; absent when it is what the frame itself gives.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Arc<Value>>,
        /// The new context.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<Arc<Value>>,
        /// Where to go.
        next: Next,
    },
    /// The run is held.
    Suspended,
    /// An event came while the run was held.
    Held {
        /// The event.
        event: Box<Event>,
    },
    /// The run goes on.
    Resumed,
    /// A person set a run that had ended to work again.
    Reopened {
        /// The task that is next; its list stands, or is the workflow's own.
        task: Arc<str>,
        /// When.
        at: Timestamp,
        /// The raw input of that task, if it was edited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<Arc<Value>>,
        /// Who.
        actor: Arc<str>,
        /// Why.
        reason: Arc<str>,
        /// The lists that start anew; the edited input is the first one's.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        restart: Vec<Restart>,
        /// The workflow's timeout.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alarm: Option<Alarm>,
        /// The timers of what goes on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        alarms: Vec<Rearmed>,
    },
    /// The run ended well.
    Completed {
        /// Its output.
        output: Arc<Value>,
    },
    /// The run ended with an error.
    Faulted {
        /// The error.
        error: Arc<FlowError>,
        /// The frame in whose list the task stands that failed, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        frame: Option<FrameId>,
    },
    /// The run was ended from outside.
    Cancelled {
        /// Why.
        reason: Arc<str>,
    },
}

/// What a task that takes time does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "lowercase")]
pub enum Opened {
    /// A `do`.
    Do,
    /// A `for`.
    For {
        /// The collection, a list.
        items: Arc<Value>,
    },
    /// A `try`.
    Try {
        /// The limit of the first attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alarm: Option<Alarm>,
    },
    /// A `fork`; its branches take the frames that follow its own.
    Fork {
        /// How many.
        branches: u32,
        /// The first to be done wins.
        compete: bool,
    },
    /// A `call`. The call's id is the frame's.
    Call {
        /// What is called.
        function: Arc<FunctionRef>,
        /// Through which slot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slot: Option<Arc<str>>,
        /// With what.
        with: Arc<Value>,
        /// The attempt of the nearest `try` around it, from 1.
        attempt: u32,
    },
    /// A `call` of the DSL's own protocols. The call's id is the frame's.
    Request {
        /// What is asked for.
        request: Arc<Request>,
        /// The attempt of the nearest `try` around it, from 1.
        attempt: u32,
    },
    /// A `run` of another workflow. The call's id is the frame's.
    Run {
        /// Which.
        workflow: Arc<WorkflowRef>,
        /// Its input.
        with: Arc<Value>,
        /// The task waits for its end.
        wait: bool,
        /// The attempt of the nearest `try` around it, from 1.
        attempt: u32,
    },
    /// A `wait`.
    Wait {
        /// Until when.
        alarm: Alarm,
    },
    /// A `listen`. The subscription's id is the frame's.
    Listen {
        /// The literal part of its filters.
        filters: Vec<EventFilter>,
        /// One event for each filter, not one for any.
        all: bool,
        /// The literal part of the filters of `until`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        until: Vec<EventFilter>,
        /// `until` wants one event for each of its filters.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        until_all: bool,
        /// It goes on after an event, until told otherwise.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        repeat: bool,
        /// Events are worked through one by one.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        queued: bool,
        /// It never ends by itself, so nothing is kept for its output.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        quiet: bool,
    },
    /// A `call` of a function that is a task of its own.
    Function {
        /// The task's raw input; absent: this task's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        with: Option<Arc<Value>>,
    },
    /// A task with what extends it around it.
    Extended {
        /// The extensions, outermost first, by their place in `use.extensions`.
        layers: Vec<u32>,
        /// Where it begins.
        place: Place,
    },
}

/// What a `try` does about an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "h", rename_all = "lowercase")]
pub enum Caught {
    /// Tries again, when the timer is due.
    Retry {
        /// None: at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alarm: Option<Alarm>,
    },
    /// Runs `catch.do`.
    Handle,
    /// Goes on with its own input as output.
    Ignore,
}

impl Fact {
    /// The event that this fact publishes, so that an outbox can be rebuilt from the journal.
    pub fn publishes(&self) -> Option<&Arc<Value>> {
        match self {
            Self::Ran { event, .. } => event.as_ref(),
            _ => None,
        }
    }
}
