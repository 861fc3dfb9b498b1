//! What comes from outside to tasks that wait: results and timers.

use std::sync::Arc;

use serde_json::Value;

use super::flow::check;
use super::{Event, Machine};
use crate::error::{ErrorKind, FlowError};
use crate::fact::{CallId, FrameId, TimerId};
use crate::model::{Definition, Target, Task, TaskKind};
use crate::request::WorkflowRef;
use crate::state::{FrameKind, Stage};

impl Machine<'_> {
    /// Whether a held event could mean something later.
    pub(super) fn awaited(&self, event: &Event) -> bool {
        match event {
            Event::Result { call, .. } => self.state.awaits(FrameId(call.0)),
            Event::Timer { timer } => {
                self.state.alarm.is_some_and(|alarm| alarm.timer == *timer)
                    || self.state.frames.by_timer(*timer).is_some()
            }
            Event::Event { event } => self.awaits_event(event),
            _ => false,
        }
    }

    pub(super) fn result(&mut self, call: CallId, outcome: Result<Value, FlowError>) {
        let def = self.def.clone();
        let id = FrameId(call.0);
        if !self.state.awaits(id) {
            return;
        }
        let Some(frame) = self.state.frames.get(&id) else { return };
        self.answered = Some(call);
        let (parent, task) = (frame.parent, Arc::clone(&frame.task));
        if let FrameKind::Workflow { workflow, wait, .. } = &frame.kind {
            let returns = !matches!(def.task(&task).map(|t| &t.kind), Some(TaskKind::Run { returns: false, .. }));
            let outcome = match outcome {
                Err(error) => Err(of_subflow(error, workflow, &task)),
                // Not waited for: the task gives its own input.
                Ok(_) if !*wait => Ok(None),
                Ok(_) if !returns => Ok(Some(Arc::new(Value::Null))),
                Ok(value) => Ok(Some(Arc::new(value))),
            };
            match outcome {
                Ok(output) => self.leave(id, output),
                Err(error) => self.raise(parent, error),
            }
            self.answered = None;
            return;
        }
        let outcome = outcome.and_then(|value| {
            let schema = def.task(&task).and_then(|task| slot_of(&def, task)).and_then(|slot| slot.output.as_ref());
            check(schema, &value, "the function's output").map(|()| value)
        });
        match outcome {
            Ok(value) => self.leave(id, Some(Arc::new(value))),
            Err(error) => self.raise(parent, error.at(&task)),
        }
        self.answered = None;
    }

    pub(super) fn timer(&mut self, timer: TimerId) {
        if self.state.alarm.is_some_and(|alarm| alarm.timer == timer) {
            self.fired = Some(timer);
            self.fail(ErrorKind::Timeout, "the workflow took longer than its timeout", "/timeout");
            return;
        }
        let Some(id) = self.state.frames.by_timer(timer) else { return };
        let Some(frame) = self.state.frames.get(&id) else { return };
        let (parent, task) = (frame.parent, Arc::clone(&frame.task));
        self.fired = Some(timer);
        if frame.alarm.is_some_and(|alarm| alarm.timer == timer) {
            let error = FlowError::new(ErrorKind::Timeout, "the task took longer than its timeout").at(&task);
            self.raise(parent, error);
        } else {
            match &frame.kind {
                FrameKind::Wait { .. } => self.leave(id, None),
                FrameKind::Try { stage: Stage::Waiting { .. }, .. } => self.retry(id),
                // The limit of one attempt: an error within the `try`, which may catch it.
                _ => {
                    let error = FlowError::new(ErrorKind::Timeout, "the attempt took longer than its limit").at(&task);
                    self.raise(Some(id), error);
                }
            }
        }
        self.fired = None;
    }
}

/// The error of another workflow becomes one of the task that ran it: its
/// pointer is one of the other text, and is told in words.
fn of_subflow(mut error: FlowError, workflow: &WorkflowRef, task: &str) -> FlowError {
    if !error.instance.is_empty() {
        let WorkflowRef { namespace, name, version } = workflow;
        let place = format!("at {} of {namespace}/{name} {version}", error.instance);
        error.detail = Some(match error.detail.take() {
            Some(detail) => format!("{detail} ({place})"),
            None => place,
        });
    }
    task.clone_into(&mut error.instance);
    error
}

fn slot_of<'d>(def: &'d Definition, task: &Task) -> Option<&'d crate::model::Slot> {
    match &task.kind {
        TaskKind::Call { target: Target::Slot(index), .. } => def.0.slots.get(*index),
        _ => None,
    }
}
