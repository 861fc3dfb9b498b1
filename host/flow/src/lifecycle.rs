//! The specification's lifecycle events (dsl.md, "Lifecycle Events"), derived
//! from facts: what to publish follows from the journal, and from nothing
//! else, so a host that publishes after a crash says the same again. Must
//! never decide anything, nor read a clock.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::apply::{apply, doomed};
use crate::error::FlowError;
use crate::fact::{Fact, FrameId, Next, Opened, Place};
use crate::model::Definition;
use crate::run::list;
use crate::state::{Frame, FrameKind, RunState};

/// The lifecycle CloudEvents of some facts, in order. `before` is the state to
/// which the first of them is applied, `at` the journaled time of their turn.
///
/// Each is complete: `source` is `/namespace/name/version` of the workflow,
/// `subject` the run. Its `id` is `<run>/lifecycle/<fact>.<n>`, with the place
/// of the fact in the run: the same facts give the same ids, wherever and
/// however often they are asked for, so that a receiver can tell a repetition.
/// `io.serverlessworkflow.workflow.status-changed.v1` goes with every event of
/// a workflow's phase; of the tasks' it is left out, as the specification allows.
/// Facts that do not fit `before` end the list.
pub fn lifecycle(def: &Definition, before: &RunState, facts: &[Fact], at: Timestamp) -> Vec<Value> {
    let mut teller = Teller { def, state: before.clone(), at, fact: 0, told: 0, events: Vec::new() };
    for fact in facts {
        (teller.fact, teller.told) = (teller.state.facts, 0);
        let after = teller.before(fact);
        if apply(&mut teller.state, fact).is_err() {
            break;
        }
        teller.after(fact, after);
    }
    teller.events
}

struct Teller<'t> {
    def: &'t Definition,
    state: RunState,
    at: Timestamp,
    /// The place in the run of the fact being told of, and how much has been told of it.
    fact: u64,
    told: u64,
    events: Vec<Value>,
}

/// What is told after a fact is applied, from the state before it.
#[derive(Default)]
struct Later {
    /// The task that is done.
    completed: Option<Arc<str>>,
    /// The keys of a `listen` that is done.
    correlated: Option<Map<String, Value>>,
}

impl Teller<'_> {
    /// Tells what a fact ends, while the state still knows of it.
    fn before(&mut self, fact: &Fact) -> Later {
        let mut later = Later::default();
        match fact {
            Fact::Left { frame, .. } => {
                if let Some(left) = self.state.frames.get(frame) {
                    // Around a task that is extended: told already, unless the task was skipped.
                    let skipped = matches!(left.kind, FrameKind::Extended { place: Place::Before(_), .. });
                    if skipped || !matches!(left.kind, FrameKind::Extended { .. }) {
                        later.completed = Some(Arc::clone(&left.task));
                    }
                    if let FrameKind::Listen(listening) = &left.kind {
                        later.correlated = Some(listening.keys.clone());
                    }
                }
            }
            Fact::Passed { frame, output: Some(_), .. } => {
                later.completed = self.state.frames.get(frame).map(|frame| Arc::clone(&frame.task));
            }
            Fact::Joined { .. } => self.gone(fact, &BTreeSet::new(), None),
            Fact::Caught { frame, error, from, .. } => {
                let faulted = self.path(from.unwrap_or(*frame), Some(*frame));
                self.failed_at(from.unwrap_or(*frame), error);
                self.gone(fact, &faulted, Some(error));
            }
            Fact::Faulted { error, frame } => {
                let faulted = frame.map(|frame| self.path(frame, None)).unwrap_or_default();
                if let Some(frame) = frame {
                    self.failed_at(*frame, error);
                }
                self.gone(fact, &faulted, Some(error));
            }
            Fact::Completed { .. } | Fact::Cancelled { .. } => self.gone(fact, &BTreeSet::new(), None),
            _ => {}
        }
        later
    }

    fn after(&mut self, fact: &Fact, later: Later) {
        match fact {
            Fact::Start { at, .. } => {
                let document = self.def.document();
                let definition = json!({
                    "name": document.name, "namespace": document.namespace, "version": document.version,
                });
                self.workflow("started", "startedAt", *at, json!({"definition": definition}));
                self.status("running");
            }
            Fact::Ran { task, skipped: false, frame, .. } => {
                self.created(task, self.at, *frame);
                self.task("started", "startedAt", task, self.at, json!({}));
                self.task("completed", "completedAt", task, self.at, json!({}));
            }
            Fact::Entered { task, at, parent, what, .. } => {
                self.created(task, *at, *parent);
                if !matches!(what, Opened::Extended { .. }) {
                    self.task("started", "startedAt", task, *at, json!({}));
                }
                if matches!(what, Opened::Listen { .. }) {
                    self.workflow("correlation-started", "startedAt", *at, json!({}));
                }
            }
            Fact::Retried { frame, .. } => {
                if let Some(task) = self.state.frames.get(frame).map(|frame| Arc::clone(&frame.task)) {
                    self.task("retried", "retriedAt", &task, self.at, json!({}));
                }
            }
            Fact::Suspended => {
                self.each_at_work("suspended", "suspendedAt");
                self.workflow("suspended", "suspendedAt", self.at, json!({}));
                self.status("suspended");
            }
            Fact::Resumed => {
                self.workflow("resumed", "resumedAt", self.at, json!({}));
                self.each_at_work("resumed", "resumedAt");
                self.status("running");
            }
            Fact::Reopened { at, .. } => {
                self.workflow("resumed", "resumedAt", *at, json!({}));
                self.each_at_work("resumed", "resumedAt");
                self.status("running");
            }
            Fact::Completed { .. } => {
                self.workflow("completed", "completedAt", self.at, json!({}));
                self.status("completed");
            }
            Fact::Faulted { error, .. } => {
                self.workflow("faulted", "faultedAt", self.at, json!({"error": error.to_value()}));
                self.status("faulted");
            }
            Fact::Cancelled { .. } => {
                self.workflow("cancelled", "cancelledAt", self.at, json!({}));
                self.status("cancelled");
            }
            _ => {}
        }
        if let Some(keys) = later.correlated {
            let keys = if keys.is_empty() { json!({}) } else { json!({"correlationKeys": keys}) };
            self.workflow("correlation-completed", "completedAt", self.at, keys);
        }
        if let Some(task) = later.completed {
            self.task("completed", "completedAt", &task, self.at, json!({}));
        }
    }

    /// A task that is extended is created once: before what stands before it.
    fn created(&mut self, task: &str, at: Timestamp, parent: FrameId) {
        let again = self.state.frames.get(&parent).is_some_and(
            |frame| matches!(frame.kind, FrameKind::Extended { .. }) && *frame.task == *task,
        );
        if !again {
            self.task("created", "createdAt", task, at, json!({}));
        }
    }

    /// The frames from `at` upwards, to below `top`.
    fn path(&self, at: FrameId, top: Option<FrameId>) -> BTreeSet<FrameId> {
        let mut path = BTreeSet::new();
        let mut next = Some(at).filter(|at| Some(*at) != top);
        if let Some(child) = self.state.frames.get(&at).and_then(|f| f.scope.as_ref()).and_then(|s| s.child) {
            path.insert(child);
        }
        while let Some(id) = next {
            path.insert(id);
            next = self.state.frames.get(&id).and_then(|frame| frame.parent).filter(|id| Some(*id) != top);
        }
        path
    }

    /// A task that took no time and failed: it has no frame.
    fn failed_at(&mut self, frame: FrameId, error: &FlowError) {
        let Some(frame) = self.state.frames.get(&frame) else { return };
        let Some(scope) = frame.scope.as_ref().filter(|scope| scope.child.is_none()) else { return };
        let Next::At(index) = scope.next else { return };
        let failed = list(self.def, &self.state.frames, frame).get(index as usize).and_then(|id| self.def.at(*id));
        if let Some(task) = failed {
            let pointer = Arc::clone(&task.pointer);
            let extended = matches!(frame.kind, FrameKind::Extended { .. }) && frame.task == pointer;
            if !extended {
                self.task("created", "createdAt", &pointer, self.at, json!({}));
            }
            self.task("started", "startedAt", &pointer, self.at, json!({}));
            self.faulted(&pointer, error);
        }
    }

    /// Tells of the tasks that a fact takes away: the innermost first.
    fn gone(&mut self, fact: &Fact, faulted: &BTreeSet<FrameId>, error: Option<&FlowError>) {
        for id in doomed(&self.state, fact).into_iter().rev() {
            let Some(frame) = self.state.frames.get(&id) else { continue };
            if !tells(frame) {
                continue;
            }
            let task = Arc::clone(&frame.task);
            match error {
                Some(error) if faulted.contains(&id) => self.faulted(&task, error),
                _ => self.task("cancelled", "cancelledAt", &task, self.at, json!({})),
            }
        }
    }

    fn faulted(&mut self, task: &str, error: &FlowError) {
        self.task("faulted", "faultedAt", task, self.at, json!({"error": error.to_value()}));
    }

    fn each_at_work(&mut self, what: &str, moment: &str) {
        let tasks: Vec<Arc<str>> =
            self.state.frames.values().filter(|frame| tells(frame)).map(|frame| Arc::clone(&frame.task)).collect();
        for task in tasks {
            self.task(what, moment, &task, self.at, json!({}));
        }
    }

    /// `name` of the specification: the run's own, within its namespace.
    fn name(&self) -> String {
        let document = self.def.document();
        format!("{}-{}.{}", document.name, self.state.run, document.namespace)
    }

    fn workflow(&mut self, what: &str, moment: &str, at: Timestamp, more: Value) {
        let data = json!({"name": self.name()});
        self.event(&format!("workflow.{what}"), data, moment, at, more);
    }

    fn status(&mut self, status: &str) {
        let data = json!({"name": self.name()});
        self.event("workflow.status-changed", data, "updatedAt", self.at, json!({"status": status}));
    }

    fn task(&mut self, what: &str, moment: &str, task: &str, at: Timestamp, more: Value) {
        let data = json!({"workflow": self.name(), "task": task});
        self.event(&format!("task.{what}"), data, moment, at, more);
    }

    fn event(&mut self, what: &str, mut data: Value, moment: &str, at: Timestamp, more: Value) {
        if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
            // The order of the specification: who, what, when; but the error comes last.
            data.extend(more.iter().filter(|(k, _)| *k != "error").map(|(k, v)| (k.clone(), v.clone())));
            data.insert(moment.to_owned(), json!(at.to_string()));
            data.extend(more.into_iter().filter(|(k, _)| k == "error"));
        }
        let id = format!("{}/lifecycle/{}.{}", self.state.run, self.fact, self.told);
        self.told += 1;
        let document = self.def.document();
        self.events.push(json!({
            "specversion": "1.0",
            "id": id,
            "source": format!("/{}/{}/{}", document.namespace, document.name, document.version),
            "type": format!("io.serverlessworkflow.{what}.v1"),
            "subject": &*self.state.run,
            "time": at.to_string(),
            "datacontenttype": "application/json",
            "data": data,
        }));
    }
}

/// Whether a frame is a task, and not the run, a branch, or what extends a
/// task that has a frame of its own.
fn tells(frame: &Frame) -> bool {
    match &frame.kind {
        FrameKind::Run | FrameKind::Branch { .. } => false,
        FrameKind::Extended { place, .. } => matches!(place, Place::Before(_)),
        _ => true,
    }
}
