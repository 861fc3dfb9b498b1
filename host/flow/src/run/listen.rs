//! `listen`: which events are consumed, what is done for each, when it is over.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Machine;
use super::flow::expression;
use super::scope::Point;
use crate::error::{ErrorKind, FlowError};
use crate::fact::{Fact, FrameId};
use crate::model::{Definition, FilterSpec, ListenSpec, Task, TaskKind, Until};
use crate::size::fits;
use crate::state::{Frame, Listening};

/// The longest output of one `listen`, in events. One whose `until` is plainly
/// `false` has no output, and no end.
pub(super) const MAX_HEARD: usize = 10_000;

/// What an event is to a `listen`.
struct Answer {
    filter: u32,
    until: bool,
    item: Arc<Value>,
    keys: Map<String, Value>,
}

impl Machine<'_> {
    /// A CloudEvent came in.
    pub(super) fn heard(&mut self, event: &Value) {
        let listeners: Vec<FrameId> = self.state.frames.listening().map(|(id, _)| id).collect();
        for id in listeners {
            let Some(Answer { filter, until, item, keys }) = self.answers(id, event) else { continue };
            self.emit(Fact::Heard { frame: id, filter, item, keys, until });
        }
    }

    pub(super) fn awaits_event(&self, event: &Value) -> bool {
        self.state.frames.listening().any(|(id, _)| self.answers(id, event).is_some())
    }

    /// The first filter of a `listen` that the event answers; those of `until` come first.
    /// A filter that cannot be evaluated on the event is not answered by it.
    fn answers(&self, id: FrameId, event: &Value) -> Option<Answer> {
        let frame = self.state.frames.get(&id)?;
        let (task, listen, listening) = parts(self.def, frame)?;
        if listening.over {
            return None;
        }
        let point = within(self.def, self.state, task, frame);
        let answered = |specs: &[FilterSpec], pending: &[u32]| {
            pending.iter().copied().find_map(|index| {
                let spec = specs.get(index as usize)?;
                if !spec.accepts(event, &point, self.env.evaluator).unwrap_or(false) {
                    return None;
                }
                let keys = spec.correlates(event, &listening.keys, &frame.input, &point, self.env.evaluator);
                keys.ok().flatten().map(|keys| (index, keys))
            })
        };
        if let Some(Until::Consumed { filters, .. }) = &listen.until
            && let Some((filter, keys)) = answered(filters, &listening.until_pending)
        {
            return Some(Answer { filter, until: true, item: Arc::new(Value::Null), keys });
        }
        let (filter, keys) = answered(&listen.filters, &listening.pending)?;
        Some(Answer { filter, until: false, item: Arc::new(listen.read.of(event)), keys })
    }

    /// A `listen` has events to work through, or is over.
    pub(super) fn attend(&mut self, id: FrameId) {
        let def = self.def.clone();
        let Some(frame) = self.state.frames.get(&id) else { return };
        let Some((_, listen, listening)) = parts(&def, frame) else { return };
        if listening.heard.len() > MAX_HEARD {
            let (parent, task) = (frame.parent, Arc::clone(&frame.task));
            let detail = format!("more than {MAX_HEARD} events were consumed; end it earlier, or give it no end");
            self.raise(parent, FlowError::new(ErrorKind::Runtime, detail).at(&task));
            return;
        }
        match listening.queue.front() {
            Some(_) if listen.each.as_ref().is_some_and(|each| !each.list.is_empty()) => {
                let index = listening.count;
                self.emit(Fact::Looped { frame: id, index });
            }
            Some(_) => self.iterated(id),
            None => self.leave(id, None),
        }
    }

    /// One event is worked through.
    pub(super) fn iterated(&mut self, id: FrameId) {
        let def = self.def.clone();
        let Some(frame) = self.state.frames.get(&id) else { return };
        match self.iteration(&def, frame, id).and_then(|fact| fits(fact, self.env.max_value)) {
            Ok(fact) => self.emit(fact),
            Err(error) => {
                let (parent, task) = (frame.parent, Arc::clone(&frame.task));
                self.raise(parent, error.at(&task));
            }
        }
    }

    fn iteration(&self, def: &Definition, frame: &Frame, id: FrameId) -> Result<Fact, FlowError> {
        let none = || FlowError::new(ErrorKind::Runtime, "the definition has no such `listen`");
        let (task, listen, listening) = parts(def, frame).ok_or_else(none)?;
        let item = listening.item.as_ref().or_else(|| listening.queue.front()).ok_or_else(none)?;
        let (mut output, mut context) = (Arc::clone(item), None);
        let upcoming;
        let mut point = within(def, self.state, task, frame);
        if let Some(each) = &listen.each {
            upcoming = [(&*each.item, Arc::clone(item)), (&*each.at, Arc::new(Value::from(listening.count)))];
            point.upcoming = &upcoming;
            let raw = frame.scope.as_ref().map_or(item, |scope| &scope.data);
            let finish = self.finish(&Point { raw_output: Some(raw), ..point }, &each.data, raw)?;
            (output, context) = (finish.output, finish.context);
        }
        let over = match &listen.until {
            Some(Until::Holds(until)) if !listening.quiet => {
                let consumed = listening.output(Some(&output));
                // The condition sees what the item has just exported.
                let exported = context.as_ref();
                let point = Point { context: exported, ..point };
                until.holds(&consumed, &point, self.env.evaluator).map_err(|e| expression(&e))?
            }
            _ => false,
        };
        let output = (!Arc::ptr_eq(&output, item)).then_some(output);
        Ok(Fact::Iterated { frame: id, output, context, over })
    }
}

fn parts<'p>(def: &'p Definition, frame: &'p Frame) -> Option<(&'p Task, &'p ListenSpec, &'p Listening)> {
    let task = def.task(&frame.task)?;
    match (&task.kind, &frame.kind) {
        (TaskKind::Listen(listen), crate::state::FrameKind::Listen(listening)) => Some((task, listen, listening)),
        _ => None,
    }
}

fn within<'p>(def: &'p Definition, state: &'p crate::state::RunState, task: &'p Task, frame: &'p Frame) -> Point<'p> {
    Point {
        frame: frame.parent,
        task: Some(task),
        since: frame.at,
        raw: Some(&frame.raw),
        input: Some(&frame.input),
        ..Point::outside(def, state)
    }
}
