//! The Open Workflow DSL 1.0.3: strict parsing, and a durable interpreter of runs.
//!
//! **Invariant:** the same definition, state and event give the same facts, and a run is what its facts add up to.
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
pub mod cloud_event;
mod diagnostic;
mod diagram;
mod error;
mod expr;
mod fact;
mod lifecycle;
mod lint;
mod model;
mod outline;
mod request;
mod run;
mod schema;
mod size;
mod source;
mod state;

pub use apply::{ApplyError, apply};
pub use diagnostic::{Diagnostic, Severity};
pub use diagram::{mermaid, svg};
pub use error::{ErrorKind, FlowError, Happened, same_type};
pub use expr::{Evaluator, ExprError};
pub use fact::{Alarm, CallId, Caught, Fact, FrameId, Next, Opened, Place, Rearmed, Restart, SubId, TimerId};
pub use huiyin_json::{memory, memory_of_text};
pub use lifecycle::lifecycle;
pub use lint::{Reference, Relations, lint, lint_references, relations, waits_for_unit};
pub use model::{
    Catalog, Definition, Document, EventFilter, FunctionInfo, FunctionKind, FunctionRef, Read, RequestInfo, Schedule,
    Slot, Trigger, matches,
};
pub use request::{Authentication, HttpRequest, OpenApiRequest, Request, ResponseForm, WorkflowRef};
pub use run::{Command, Env, Event, Turn, advance, decide, outstanding};
pub use schema::{workflow_schema, workflow_test_schema};
pub use size::{MEMORY, Misfit, json_bytes, misfit, more_than};
pub use source::{locate, read_value};
pub use state::{ActiveTask, Outcome, Phase, RunState};
