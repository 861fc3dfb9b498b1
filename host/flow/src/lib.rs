//! The Open Workflow DSL 1.0.3: strict parsing, and a durable interpreter of runs.
//!
//! A workflow text becomes a [`Definition`] or a list of [`Diagnostic`]s; what
//! the house does not support is refused there, never at run time. A run is a
//! [`RunState`]; [`decide`] (or [`advance`]) turns an [`Event`] into [`Fact`]s
//! and [`Command`]s, [`apply`] turns facts into state.
//!
//! It must never do anything: no clock, no random number, no input or output.
//! All that varies comes in with events and [`Env`], so a run can be replayed
//! from its facts on any machine and by any later version.

mod apply;
mod diagnostic;
mod error;
mod expr;
mod fact;
mod lifecycle;
mod model;
mod request;
mod run;
mod source;
mod state;

pub use apply::{ApplyError, apply};
pub use diagnostic::{Diagnostic, Severity};
pub use error::{ErrorKind, FlowError, same_type};
pub use expr::{Evaluator, ExprError};
pub use fact::{Alarm, CallId, Caught, Fact, FrameId, Next, Opened, Place, Rearmed, Restart, SubId, TimerId};
pub use lifecycle::lifecycle;
pub use model::{
    Catalog, Definition, Document, EventFilter, FunctionInfo, FunctionKind, FunctionRef, Read, RequestInfo, Schedule,
    Slot, Trigger, matches,
};
pub use request::{Authentication, HttpRequest, OpenApiRequest, Request, ResponseForm, WorkflowRef};
pub use run::{Command, Env, Event, Turn, advance, decide, outstanding};
pub use state::{ActiveTask, Outcome, Phase, RunState};
