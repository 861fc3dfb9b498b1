//! The flow: which task is next, how data passes in and out, how a run ends.

use std::sync::Arc;

use huiyin_json::depth;
use serde_json::Value;

use super::Machine;
use super::scope::{Point, item};
use crate::error::{ErrorKind, FlowError};
use crate::expr::ExprError;
use crate::fact::{Alarm, Fact, FrameId, Next, Place, TimerId};
use crate::model::{DataFlow, Definition, DurationSpec, SchemaCheck, Target, TaskId, TaskKind, Then};
use crate::size::{Misfit, fits, too_much};
use crate::state::{Frame, FrameKind, Frames, Stage};

/// Output and context of a task that is done.
pub(super) struct Finish {
    pub(super) output: Arc<Value>,
    pub(super) context: Option<Arc<Value>>,
}

impl Machine<'_> {
    pub(super) fn start(&mut self, run: &str, input: Value, trigger: Value) {
        // Doors refuse it; an earlier version may have let it in. The run ends, without it.
        let deep = depth::deeper_than(&input, depth::VALUE);
        let input = Arc::new(if deep { Value::Null } else { input });
        self.emit(Fact::Start { run: run.into(), at: self.env.now, input, trigger: Arc::new(trigger) });
        if deep {
            let error = too_much("input", Misfit::Deep(depth::VALUE), self.env.max_value);
            self.emit(Fact::Faulted { error: Arc::new(error.at("/input")), frame: None });
        }
    }

    /// The first step of a run: its own input and timeout.
    fn begin(&mut self) {
        let inner = Arc::clone(&self.def.0);
        match self.prepare(&inner.data, inner.timeout.as_ref()) {
            Ok((data, alarm)) => match fits(Fact::Prepared { data, alarm }, self.env.max_value) {
                Ok(fact) => self.emit(fact),
                Err(error) => self.emit(Fact::Faulted { error: Arc::new(error.at("/input/from")), frame: None }),
            },
            Err(error) => self.emit(Fact::Faulted { error: Arc::new(error), frame: None }),
        }
    }

    fn prepare(
        &self,
        data: &DataFlow,
        timeout: Option<&DurationSpec>,
    ) -> Result<(Option<Arc<Value>>, Option<Alarm>), FlowError> {
        let point = Point::outside(self.def, self.state);
        let raw = &self.state.input;
        check(data.input_schema.as_ref(), raw, "the input").map_err(|e| e.at("/input"))?;
        let from = match &data.input_from {
            Some(from) => {
                Some(from.eval(raw, &point, self.env.evaluator).map_err(|e| expression(&e).at("/input/from"))?)
            }
            None => None,
        };
        let alarm = match timeout {
            Some(after) => {
                let input = from.as_ref().unwrap_or(raw);
                let due = after
                    .after(self.env.now, input, &point, self.env.evaluator)
                    .map_err(|e| expression(&e).at("/timeout"))?;
                Some(Alarm { timer: TimerId(self.state.next), due })
            }
            None => None,
        };
        Ok((from, alarm))
    }

    /// One step of one frame.
    pub(super) fn step(&mut self, id: FrameId) {
        let def = self.def.clone();
        let Some(frame) = self.state.frames.get(&id) else { return };
        if matches!(frame.kind, FrameKind::Try { stage: Stage::Waiting { .. }, .. }) {
            self.retry(id);
            return;
        }
        let Some(scope) = &frame.scope else {
            // A fork whose branches are in, a listen that has heard something, or a run that begins.
            match frame.kind {
                FrameKind::Run => self.begin(),
                FrameKind::Listen(_) => self.attend(id),
                _ => self.leave(id, None),
            }
            return;
        };
        match scope.next {
            Next::At(index) => {
                let task = list(&def, &self.state.frames, frame).get(index as usize).and_then(|task| def.at(*task));
                match task {
                    Some(task) => self.run_task(id, task),
                    None => {
                        let place = frame.task.to_string();
                        self.fail(
                            ErrorKind::Runtime,
                            "the definition has no such task; was the run started with another one?",
                            &place,
                        );
                    }
                }
            }
            Next::End => {
                let data = Arc::clone(&scope.data);
                self.complete(&data);
            }
            Next::Skip => self.skip(id),
            Next::Exit => match &frame.kind {
                FrameKind::Run => {
                    let data = Arc::clone(&scope.data);
                    self.complete(&data);
                }
                FrameKind::Branch { .. } => self.emit(Fact::Joined { frame: id }),
                FrameKind::For { .. } => self.round(&def, id),
                FrameKind::Listen(_) => self.iterated(id),
                FrameKind::Extended { .. } => self.pass(id),
                _ => self.leave(id, None),
            },
        }
    }

    /// The next round of a `for`, if there is one.
    fn round(&mut self, def: &Definition, id: FrameId) {
        let Some(frame) = self.state.frames.get(&id) else { return };
        let (FrameKind::For { items, index }, Some(scope)) = (&frame.kind, &frame.scope) else { return };
        let next = index.map_or(0, |index| index + 1);
        let length = items.as_array().map_or(0, |items| items.len() as u64);
        if next >= length {
            self.leave(id, None);
            return;
        }
        let Some(task) = def.task(&frame.task) else { return };
        if let TaskKind::For { each, at, condition: Some(condition), .. } = &task.kind {
            let upcoming = [(&**each, Arc::new(item(items, next))), (&**at, Arc::new(Value::from(next)))];
            let point = Point {
                frame: frame.parent,
                task: Some(task),
                since: frame.at,
                raw: Some(&frame.raw),
                input: Some(&frame.input),
                upcoming: &upcoming,
                ..Point::outside(def, self.state)
            };
            match condition.holds(&scope.data, &point, self.env.evaluator) {
                Ok(true) => {}
                Ok(false) => {
                    self.leave(id, None);
                    return;
                }
                Err(error) => {
                    let parent = frame.parent;
                    self.raise(parent, expression(&error).at(&task.pointer));
                    return;
                }
            }
        }
        self.emit(Fact::Looped { frame: id, index: next });
    }

    /// A task that takes time is done: `raw` is its raw output, or what the frame itself gives.
    pub(super) fn leave(&mut self, id: FrameId, raw: Option<Arc<Value>>) {
        let def = self.def.clone();
        let Some(frame) = self.state.frames.get(&id) else { return };
        let (Some(parent), Some(task)) = (frame.parent, def.task(&frame.task)) else { return };
        let given = raw.is_some();
        let raw_output = raw.unwrap_or_else(|| {
            if task.data.output_as.is_some() || task.data.output_schema.is_some() || task.data.export_as.is_some() {
                frame.natural()
            } else {
                Arc::new(Value::Null)
            }
        });
        let point = Point {
            frame: Some(parent),
            task: Some(task),
            since: frame.at,
            raw: Some(&frame.raw),
            input: Some(&frame.input),
            raw_output: Some(&raw_output),
            ..Point::outside(&def, self.state)
        };
        match self.finish(&point, &task.data, &raw_output) {
            Ok(Finish { output, context }) => {
                let then = match (&task.kind, &frame.kind) {
                    (
                        TaskKind::Try { catch, .. },
                        FrameKind::Try { stage: Stage::Catching { .. } | Stage::Ignored, .. },
                    ) => catch.then.unwrap_or(task.then),
                    _ => task.then,
                };
                let next = self.next_of(&def, parent, then);
                let output = (given || task.data.output_as.is_some()).then_some(output);
                let natural = output.is_none().then(|| frame.gathered(self.env.max_value)).flatten();
                let left = match natural {
                    Some(misfit) => Err(too_much("output", misfit, self.env.max_value)),
                    None => fits(Fact::Left { frame: id, output, context, next }, self.env.max_value),
                };
                match left {
                    Ok(fact) => self.emit(fact),
                    Err(error) => self.raise(Some(parent), error.at(&task.pointer)),
                }
            }
            Err(error) => self.raise(Some(parent), error.at(&task.pointer)),
        }
    }

    /// `output.as`, `output.schema`, `export.as`, `export.schema`, in this order.
    pub(super) fn finish(&self, point: &Point<'_>, data: &DataFlow, raw: &Arc<Value>) -> Result<Finish, FlowError> {
        let evaluator = self.env.evaluator;
        let output = match &data.output_as {
            Some(output) => output.eval(raw, point, evaluator).map_err(|e| expression(&e))?,
            None => Arc::clone(raw),
        };
        check(data.output_schema.as_ref(), &output, "the output")?;
        let context = match &data.export_as {
            Some(export) => {
                let point = Point { output: Some(&output), ..*point };
                let context = export.eval(&output, &point, evaluator).map_err(|e| expression(&e))?;
                check(data.export_schema.as_ref(), &context, "the exported context")?;
                Some(context)
            }
            None => None,
        };
        Ok(Finish { output, context })
    }

    /// Where the flow goes after the task at work in `parent`.
    pub(super) fn next_of(&self, def: &Definition, parent: FrameId, then: Then) -> Next {
        let Some(frame) = self.state.frames.get(&parent) else { return Next::Exit };
        match (&frame.kind, frame.parent) {
            // Said of the list in which the extended task stands.
            (FrameKind::Extended { place: Place::Main, .. }, Some(above)) => return self.next_of(def, above, then),
            (FrameKind::Extended { place: Place::Before(_), .. }, _) if then == Then::Exit => return Next::Skip,
            _ => {}
        }
        match (then, frame.scope.as_ref().map(|scope| scope.next)) {
            (Then::End, _) => Next::End,
            (Then::Go(index), _) => Next::At(index),
            // A branch is one task: there is nothing after it.
            (Then::Continue, Some(Next::At(index))) if !matches!(frame.kind, FrameKind::Branch { .. }) => {
                let next = index.saturating_add(1);
                if (next as usize) < list(def, &self.state.frames, frame).len() { Next::At(next) } else { Next::Exit }
            }
            _ => Next::Exit,
        }
    }

    /// The run ends well, if its own output does.
    fn complete(&mut self, raw: &Arc<Value>) {
        let def = self.def.clone();
        let point = Point::outside(&def, self.state);
        match self.finish(&point, &def.0.data, raw) {
            Ok(Finish { output, .. }) => match fits(Fact::Completed { output }, self.env.max_value) {
                Ok(fact) => self.emit(fact),
                Err(error) => self.emit(Fact::Faulted { error: Arc::new(error.at("/output")), frame: None }),
            },
            Err(error) => self.emit(Fact::Faulted { error: Arc::new(error.at("/output")), frame: None }),
        }
    }
}

/// The list that a frame works through.
pub(crate) fn list<'d>(def: &'d Definition, frames: &Frames, frame: &Frame) -> &'d [TaskId] {
    let task = match &frame.kind {
        FrameKind::Run => return &def.0.list,
        FrameKind::Branch { .. } => frame.parent.and_then(|id| frames.get(&id)).and_then(|fork| def.task(&fork.task)),
        _ => def.task(&frame.task),
    };
    let Some(task) = task else { return &[] };
    match (&task.kind, &frame.kind) {
        (_, FrameKind::Extended { layers, place, .. }) => {
            let layer = |at: &u32| layers.get(*at as usize).and_then(|i| def.0.extensions.get(*i as usize));
            match place {
                Place::Before(at) => layer(at).map_or(&[], |extension| &extension.before),
                Place::Main => &task.own,
                Place::After(at) => layer(at).map_or(&[], |extension| &extension.after),
            }
        }
        (TaskKind::Try { catch, .. }, FrameKind::Try { stage: Stage::Catching { .. }, .. }) => {
            catch.handler.as_deref().unwrap_or_default()
        }
        (TaskKind::Call { target: Target::Inline(index), .. }, _) => {
            def.0.inline.get(*index).map_or(&[], |function| &function.list)
        }
        (TaskKind::Listen(listen), _) => listen.each.as_ref().map_or(&[], |each| &each.list),
        (
            TaskKind::Do { list }
            | TaskKind::For { list, .. }
            | TaskKind::Try { list, .. }
            | TaskKind::Fork { branches: list, .. },
            _,
        ) => list,
        _ => &[],
    }
}

pub(super) fn check(schema: Option<&SchemaCheck>, value: &Value, what: &str) -> Result<(), FlowError> {
    match schema.map(|schema| schema.check(value)) {
        Some(Err(why)) => Err(FlowError::new(ErrorKind::Validation, format!("{what} does not fit its schema: {why}"))),
        _ => Ok(()),
    }
}

pub(super) fn expression(error: &ExprError) -> FlowError {
    FlowError::new(ErrorKind::Expression, error.message.clone())
}
