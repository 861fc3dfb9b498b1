//! What the variables of an expression mean at one point of a run.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::expr::Variables;
use crate::fact::FrameId;
use crate::model::{Definition, Task, TaskKind};
use crate::state::{FrameKind, RunState, Stage};

/// One point of a run.
#[derive(Clone, Copy)]
pub(super) struct Point<'p> {
    pub(super) def: &'p Definition,
    pub(super) state: &'p RunState,
    /// The innermost frame whose `for` and `catch` variables are seen.
    pub(super) frame: Option<FrameId>,
    pub(super) task: Option<&'p Task>,
    pub(super) since: Timestamp,
    /// The task's raw input, transformed input, raw output, transformed output.
    pub(super) raw: Option<&'p Arc<Value>>,
    pub(super) input: Option<&'p Arc<Value>>,
    pub(super) raw_output: Option<&'p Arc<Value>>,
    pub(super) output: Option<&'p Arc<Value>>,
    /// The context that is about to be.
    pub(super) context: Option<&'p Arc<Value>>,
    /// Variables that are about to be, before the state has them.
    pub(super) upcoming: &'p [(&'p str, Arc<Value>)],
}

impl<'p> Point<'p> {
    /// A point outside of all tasks.
    pub(super) fn outside(def: &'p Definition, state: &'p RunState) -> Self {
        Self {
            def,
            state,
            frame: None,
            task: None,
            since: state.started,
            raw: None,
            input: None,
            raw_output: None,
            output: None,
            context: None,
            upcoming: &[],
        }
    }

    fn named(&self, name: &str) -> Option<Arc<Value>> {
        if let Some((_, value)) = self.upcoming.iter().find(|(n, _)| *n == name) {
            return Some(Arc::clone(value));
        }
        let mut at = self.frame;
        while let Some(frame) = at.and_then(|id| self.state.frames.get(&id)) {
            match (&frame.kind, self.def.task(&frame.task).map(|task| &task.kind)) {
                (FrameKind::For { items, index: Some(index) }, Some(TaskKind::For { each, at, .. })) => {
                    if **each == *name {
                        return Some(Arc::new(item(items, *index)));
                    }
                    if **at == *name {
                        return Some(Arc::new(Value::from(*index)));
                    }
                }
                (FrameKind::Listen(listening), Some(TaskKind::Listen(listen))) => {
                    if let (Some(each), Some(item)) = (&listen.each, &listening.item) {
                        if *each.item == *name {
                            return Some(Arc::clone(item));
                        }
                        if *each.at == *name {
                            return Some(Arc::new(Value::from(listening.count)));
                        }
                    }
                }
                (FrameKind::Try { stage: Stage::Catching { error }, .. }, Some(TaskKind::Try { catch, .. }))
                    if *catch.name == *name =>
                {
                    return Some(Arc::new(error.to_value()));
                }
                _ => {}
            }
            at = frame.parent;
        }
        None
    }

    /// `$authorization` of a call with an authentication. Its parameter is a
    /// placeholder, whatever the scheme: no expression sees a secret.
    fn authorization(&self) -> Option<Value> {
        match &self.task?.kind {
            TaskKind::Request(spec) => spec.authentication.as_ref().map(|auth| auth.scheme.descriptor()),
            _ => None,
        }
    }

    fn task_descriptor(&self, definition: bool) -> Value {
        // Within an extension it is the task that is extended.
        if let Some(around) = self.frame.and_then(|id| self.state.frames.extended(id))
            && let Some(task) = self.def.task(&around.task)
            && let FrameKind::Extended { output, .. } = &around.kind
        {
            let of = Self {
                frame: None,
                task: Some(task),
                since: around.at,
                raw: Some(&around.raw),
                raw_output: output.as_ref(),
                ..*self
            };
            return of.task_descriptor(definition);
        }
        let Some(task) = self.task else { return Value::Null };
        let value = |v: Option<&Arc<Value>>| v.map_or(Value::Null, |v| (**v).clone());
        json!({
            "name": &*task.name,
            "reference": &*task.pointer,
            "definition": if definition { (*task.definition).clone() } else { Value::Null },
            "input": value(self.raw),
            "output": value(self.raw_output),
            "startedAt": moment(self.since),
        })
    }

    fn workflow_descriptor(&self, definition: bool) -> Value {
        json!({
            "id": &*self.state.run,
            "definition": if definition { (**self.def.source()).clone() } else { Value::Null },
            "input": (*self.state.input).clone(),
            "startedAt": moment(self.state.started),
        })
    }

    fn runtime_descriptor(&self) -> Value {
        json!({
            "name": "Huiyin",
            "version": env!("CARGO_PKG_VERSION"),
            "metadata": (*self.state.trigger).clone(),
        })
    }
}

pub(super) fn item(items: &Value, index: u64) -> Value {
    usize::try_from(index).ok().and_then(|i| items.get(i)).cloned().unwrap_or(Value::Null)
}

/// The DSL's date-time descriptor.
fn moment(at: Timestamp) -> Value {
    json!({"iso8601": at.to_string(), "epoch": {"seconds": at.as_second(), "milliseconds": at.as_millisecond()}})
}

impl Variables for Point<'_> {
    fn variable(&self, name: &str, definition: bool) -> Arc<Value> {
        static NULL: OnceLock<Arc<Value>> = OnceLock::new();
        let null = || Arc::clone(NULL.get_or_init(|| Arc::new(Value::Null)));
        match name {
            "context" => Arc::clone(self.context.unwrap_or(&self.state.context)),
            "authorization" => self.authorization().map_or_else(null, Arc::new),
            "input" => self.input.map_or_else(null, Arc::clone),
            "output" => self.output.map_or_else(null, Arc::clone),
            "secrets" => Arc::clone(&self.def.0.secrets),
            "task" => Arc::new(self.task_descriptor(definition)),
            "workflow" => Arc::new(self.workflow_descriptor(definition)),
            "runtime" => Arc::new(self.runtime_descriptor()),
            name => self.named(name).unwrap_or_else(null),
        }
    }
}
