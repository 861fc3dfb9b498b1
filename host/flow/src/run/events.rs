//! What comes from outside to tasks that wait: results, timers, events.

use std::sync::Arc;

use serde_json::Value;

use super::flow::check;
use super::scope::Point;
use super::{Event, Machine};
use crate::error::{ErrorKind, FlowError};
use crate::fact::{CallId, Fact, FrameId, TimerId};
use crate::model::{Definition, Read, Target, Task, TaskKind};
use crate::state::{FrameKind, Stage};

impl Machine<'_> {
    /// Whether a held event could mean something later.
    pub(super) fn awaited(&self, event: &Event) -> bool {
        match event {
            Event::Result { call, .. } => self.state.awaits(FrameId(call.0)),
            Event::Timer { timer } => {
                self.state.alarm.is_some_and(|alarm| alarm.timer == *timer)
                    || self.state.frames.values().any(|frame| frame.alarms().any(|alarm| alarm.timer == *timer))
            }
            Event::Event { event } => self.state.frames.keys().any(|id| self.answers(*id, event).is_some()),
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
        let found = self.state.frames.iter().find(|(_, frame)| frame.alarms().any(|alarm| alarm.timer == timer));
        let Some((id, frame)) = found else { return };
        let (id, parent, task) = (*id, frame.parent, Arc::clone(&frame.task));
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

    pub(super) fn heard(&mut self, event: &Value) {
        let listeners: Vec<FrameId> = self
            .state
            .frames
            .iter()
            .filter(|(_, frame)| matches!(frame.kind, FrameKind::Listen { .. }))
            .map(|(id, _)| *id)
            .collect();
        for id in listeners {
            let Some((filter, item)) = self.answers(id, event) else { continue };
            self.emit(Fact::Heard { frame: id, filter, item });
        }
    }

    /// The first pending filter of a `listen` that the event answers, and what is read of it.
    /// A filter that cannot be evaluated on the event is not answered by it.
    fn answers(&self, id: FrameId, event: &Value) -> Option<(u32, Arc<Value>)> {
        let frame = self.state.frames.get(&id)?;
        let FrameKind::Listen { pending, .. } = &frame.kind else { return None };
        let task = self.def.task(&frame.task)?;
        let TaskKind::Listen { filters, read, .. } = &task.kind else { return None };
        let point = Point {
            frame: frame.parent,
            task: Some(task),
            since: frame.at,
            raw: Some(&frame.raw),
            input: Some(&frame.input),
            ..Point::outside(self.def, self.state)
        };
        let filter = pending.iter().copied().find(|index| {
            filters
                .get(*index as usize)
                .is_some_and(|spec| spec.accepts(event, &point, self.env.evaluator).unwrap_or(false))
        })?;
        let item = match read {
            Read::Data => event.get("data").cloned().unwrap_or(Value::Null),
            Read::Envelope => event.clone(),
        };
        Some((filter, Arc::new(item)))
    }
}

fn slot_of<'d>(def: &'d Definition, task: &Task) -> Option<&'d crate::model::Slot> {
    match &task.kind {
        TaskKind::Call { target: Target::Slot(index), .. } => def.0.slots.get(*index),
        _ => None,
    }
}
