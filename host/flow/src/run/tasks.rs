//! What each kind of task does when its turn comes.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Machine;
use super::flow::{check, expression};
use super::scope::Point;
use crate::error::{ErrorKind, FlowError};
use crate::fact::{Alarm, Fact, FrameId, Opened, TimerId};
use crate::model::{Definition, FilterSpec, ListenSpec, Target, Task, TaskKind, Then, Until};
use crate::size::fits;
use crate::state::FrameKind;

/// What became of a task at its turn.
enum Done {
    /// It is over already: raw output, event, and where a `switch` goes.
    Now(Arc<Value>, Option<Arc<Value>>, Then),
    /// It takes time.
    Later(Opened),
}

impl Machine<'_> {
    /// Runs the task that is next in the list of `parent`.
    pub(super) fn run_task(&mut self, parent: FrameId, task: &Task) {
        match self.decide_task(parent, task).and_then(|fact| fits(fact, self.env.max_value)) {
            Ok(fact) => self.emit(fact),
            Err(error) => self.raise(Some(parent), error.at(&task.pointer)),
        }
    }

    fn decide_task(&self, parent: FrameId, task: &Task) -> Result<Fact, FlowError> {
        let def = self.def;
        let Some(raw) = self.state.frames.get(&parent).and_then(|frame| frame.scope.as_ref()).map(|scope| &scope.data)
        else {
            return Err(FlowError::new(ErrorKind::Runtime, "the task stands in no list"));
        };
        let evaluator = self.env.evaluator;
        let before = Point {
            frame: Some(parent),
            task: Some(task),
            since: self.env.now,
            raw: Some(raw),
            ..Point::outside(def, self.state)
        };
        // Around an extended task all this has been asked already.
        let main = self.is_main(parent);
        if let Some(condition) = task.condition.as_ref().filter(|_| !main)
            && !condition.holds(raw, &before, evaluator).map_err(|e| expression(&e))?
        {
            return Ok(Fact::Ran {
                frame: parent,
                task: Arc::clone(&task.pointer),
                output: None,
                context: None,
                event: None,
                skipped: true,
                next: self.next_of(def, parent, Then::Continue),
            });
        }
        if !main {
            let layers = self.layers(parent, task, raw, &before)?;
            if !layers.is_empty() {
                let place = self.first_place(&layers);
                return Ok(Fact::Entered {
                    frame: FrameId(self.state.next),
                    parent,
                    task: Arc::clone(&task.pointer),
                    at: self.env.now,
                    input: None,
                    alarm: None,
                    what: Opened::Extended { layers, place },
                });
            }
        }
        check(task.data.input_schema.as_ref(), raw, "the input")?;
        let input = match &task.data.input_from {
            Some(from) => from.eval(raw, &before, evaluator).map_err(|e| expression(&e))?,
            None => Arc::clone(raw),
        };
        let point = Point { input: Some(&input), ..before };
        match self.perform(task, &input, &point)? {
            Done::Now(raw_output, event, then) => {
                let point = Point { raw_output: Some(&raw_output), ..point };
                let finish = self.finish(&point, &task.data, &raw_output)?;
                Ok(Fact::Ran {
                    frame: parent,
                    task: Arc::clone(&task.pointer),
                    output: (!Arc::ptr_eq(&finish.output, raw)).then_some(finish.output),
                    context: finish.context,
                    event,
                    skipped: false,
                    next: self.next_of(def, parent, then),
                })
            }
            Done::Later(what) => {
                let mut what = what;
                let frame = FrameId(self.state.next);
                // Ids after the frame's own, and after those of its branches.
                let mut free =
                    frame.0 + 1 + if let Opened::Fork { branches, .. } = &what { u64::from(*branches) } else { 0 };
                match &mut what {
                    Opened::Wait { alarm } | Opened::Try { alarm: Some(alarm) } => {
                        alarm.timer = TimerId(free);
                        free += 1;
                    }
                    _ => {}
                }
                let alarm = match &task.timeout {
                    Some(after) => {
                        let due = after.after(self.env.now, &input, &point, evaluator).map_err(|e| expression(&e))?;
                        Some(Alarm { timer: TimerId(free), due })
                    }
                    None => None,
                };
                Ok(Fact::Entered {
                    frame,
                    parent,
                    task: Arc::clone(&task.pointer),
                    at: self.env.now,
                    input: (!Arc::ptr_eq(&input, raw)).then_some(input),
                    alarm,
                    what,
                })
            }
        }
    }

    fn perform(&self, task: &Task, input: &Arc<Value>, point: &Point<'_>) -> Result<Done, FlowError> {
        let evaluator = self.env.evaluator;
        let unset = TimerId(0);
        Ok(match &task.kind {
            TaskKind::Set { value } => {
                Done::Now(value.eval(input, point, evaluator).map_err(|e| expression(&e))?, None, task.then)
            }
            TaskKind::Switch { cases } => {
                let mut then = task.then;
                for (when, case) in cases {
                    let chosen = match when {
                        Some(when) => when.holds(input, point, evaluator).map_err(|e| expression(&e))?,
                        None => true,
                    };
                    if chosen {
                        then = *case;
                        break;
                    }
                }
                Done::Now(Arc::clone(input), None, then)
            }
            TaskKind::Emit { event } => {
                if let Some(why) = self.env.crowded {
                    return Err(FlowError::new(ErrorKind::Runtime, why).with_status(429));
                }
                let with = event.eval(input, point, evaluator).map_err(|e| expression(&e))?;
                let event = Arc::new(self.cloud_event(&with)?);
                Done::Now(Arc::clone(&event), Some(event), task.then)
            }
            TaskKind::Raise { error } => {
                let error = error.eval(input, point, evaluator).map_err(|e| expression(&e))?;
                return Err(raised(&error)?);
            }
            TaskKind::Do { .. } => Done::Later(Opened::Do),
            TaskKind::For { items, .. } => {
                let items = items.eval(input, point, evaluator).map_err(|e| expression(&e))?;
                match &*items {
                    Value::Array(_) => Done::Later(Opened::For { items }),
                    // jq gives null for what is not there; there is nothing to do then.
                    Value::Null => Done::Later(Opened::For { items: Arc::new(Value::Array(Vec::new())) }),
                    other => {
                        let detail = format!("`for.in` must give a list, but gave {}", kind_of(other));
                        return Err(FlowError::new(ErrorKind::Expression, detail));
                    }
                }
            }
            TaskKind::Fork { branches, compete } => Done::Later(Opened::Fork {
                branches: u32::try_from(branches.len()).unwrap_or(u32::MAX),
                compete: *compete,
            }),
            TaskKind::Try { catch, .. } => {
                let limit = catch.retry.as_ref().and_then(|retry| retry.attempt_duration.as_ref());
                let alarm = match limit {
                    Some(limit) => {
                        let due = limit.after(self.env.now, input, point, evaluator).map_err(|e| expression(&e))?;
                        Some(Alarm { timer: unset, due })
                    }
                    None => None,
                };
                Done::Later(Opened::Try { alarm })
            }
            TaskKind::Wait { duration } => {
                let due = duration.after(self.env.now, input, point, evaluator).map_err(|e| expression(&e))?;
                Done::Later(Opened::Wait { alarm: Alarm { timer: unset, due } })
            }
            TaskKind::Listen(listen) => Done::Later(opened(listen)),
            TaskKind::Request(spec) => Done::Later(Opened::Request {
                request: Arc::new(self.request(spec, input, point)?),
                attempt: self.attempt(point.frame),
            }),
            TaskKind::Run { workflow, input: given, wait, .. } => Done::Later(Opened::Run {
                workflow: Arc::clone(workflow),
                with: match given {
                    Some(given) => given.eval(input, point, evaluator).map_err(|e| expression(&e))?,
                    None => Arc::clone(input),
                },
                wait: *wait,
                attempt: self.attempt(point.frame),
            }),
            TaskKind::Call { target: Target::Inline(_), with } => Done::Later(Opened::Function {
                with: match with {
                    Some(with) => Some(with.eval(input, point, evaluator).map_err(|e| expression(&e))?),
                    None => None,
                },
            }),
            TaskKind::Call { target, with } => {
                let with = match with {
                    Some(with) => with.eval(input, point, evaluator).map_err(|e| expression(&e))?,
                    None => Arc::clone(input),
                };
                self.call(self.def, target, with, point)?
            }
        })
    }

    fn call(&self, def: &Definition, target: &Target, with: Arc<Value>, point: &Point<'_>) -> Result<Done, FlowError> {
        let attempt = self.attempt(point.frame);
        Ok(Done::Later(match target {
            Target::Inline(_) => Opened::Function { with: Some(with) },
            Target::Function(function) => Opened::Call { function: Arc::clone(function), slot: None, with, attempt },
            Target::Slot(index) => {
                let slot = def
                    .0
                    .slots
                    .get(*index)
                    .ok_or_else(|| FlowError::new(ErrorKind::Configuration, "the slot is not defined"))?;
                check(slot.input.as_ref(), &with, &format!("the input of the function `{}`", slot.name))?;
                let with = match &slot.with {
                    Some(body) => {
                        let within = Point { input: Some(&with), ..*point };
                        body.eval(&with, &within, self.env.evaluator).map_err(|e| expression(&e))?
                    }
                    None => with,
                };
                Opened::Call { function: Arc::clone(&slot.function), slot: Some(Arc::clone(&slot.name)), with, attempt }
            }
        }))
    }

    /// The attempt of the nearest `try` around.
    fn attempt(&self, mut at: Option<FrameId>) -> u32 {
        while let Some(frame) = at.and_then(|id| self.state.frames.get(&id)) {
            if let FrameKind::Try { attempt, .. } = &frame.kind {
                return *attempt;
            }
            at = frame.parent;
        }
        1
    }

    /// Completes the attributes of CloudEvents 1.0 that the author left out.
    fn cloud_event(&self, with: &Value) -> Result<Value, FlowError> {
        let Value::Object(with) = with else {
            return Err(FlowError::new(ErrorKind::Expression, "the event must be an object"));
        };
        let mut event = Map::new();
        event.insert("specversion".to_owned(), json!("1.0"));
        event.insert("id".to_owned(), json!(format!("{}/{}", self.state.run, self.state.emitted)));
        let document = self.def.document();
        if !with.contains_key("source") {
            let source = format!("/{}/{}/{}", document.namespace, document.name, document.version);
            event.insert("source".to_owned(), json!(source));
        }
        event.insert("time".to_owned(), json!(self.env.now.to_string()));
        if with.contains_key("data") {
            event.insert("datacontenttype".to_owned(), json!("application/json"));
        }
        for (name, value) in with {
            event.insert(name.clone(), value.clone());
        }
        let event = Value::Object(event);
        // The same check as events from outside meet, so that nothing goes out that could not come in.
        crate::cloud_event::well_formed(&event).map_err(|fault| {
            FlowError::new(ErrorKind::Expression, format!("what is emitted is no CloudEvent: {fault}"))
        })?;
        Ok(event)
    }
}

fn opened(listen: &ListenSpec) -> Opened {
    let literal = |filters: &[FilterSpec]| filters.iter().map(FilterSpec::literal).collect();
    let (until, until_all) = match &listen.until {
        Some(Until::Consumed { all, filters }) => (literal(filters), *all),
        _ => (Vec::new(), false),
    };
    let condition = match &listen.until {
        Some(Until::Holds(program)) => Some(program),
        _ => None,
    };
    // A condition that never holds ends nothing: there is no output to keep.
    let quiet = condition.is_some_and(|program| program.constant() == Some(false));
    Opened::Listen {
        filters: literal(&listen.filters),
        all: listen.all,
        until,
        until_all,
        repeat: listen.until.is_some(),
        queued: listen.each.is_some() || condition.is_some_and(|_| !quiet),
        quiet,
    }
}

fn raised(value: &Value) -> Result<FlowError, FlowError> {
    serde_json::from_value(value.clone())
        .map_err(|why| FlowError::new(ErrorKind::Expression, format!("the error to raise is not well formed: {why}")))
}

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_must_have_type_and_status() {
        assert!(raised(&json!({"type": "x", "status": 400})).is_ok());
        let error = raised(&json!({"type": 1})).unwrap_err();
        assert!(error.is(ErrorKind::Expression));
    }
}
