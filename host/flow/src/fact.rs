//! Facts: what was decided in a run, in the form that is journaled. Their JSON
//! is a contract with every journal ever written: tags and fields may be added,
//! never changed. A fact must carry all that [`crate::apply`] needs.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// A `for` goes into its next round.
    Looped {
        /// The `for`.
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
