//! Setting an ended run to work again: at the task that failed, or at one that
//! a person names. What else was at work when it ended goes on from where it
//! stood. Must never repeat a task that is done.

use std::sync::Arc;

use serde_json::Value;

use super::Machine;
use super::flow::list;
use super::scope::Point;
use crate::apply::apply;
use crate::fact::{Alarm, Fact, FrameId, Next, Rearmed, Restart, TimerId};
use crate::model::{Definition, TaskKind};
use crate::state::{Ended, Frame, FrameKind, Outcome, RunState, Stage};

/// What is set to work: the task, and the lists that start anew.
pub(crate) struct Plan {
    task: Arc<str>,
    restart: Vec<Restart>,
}

/// How a run would go on at `task`, or at the task that failed; else why it cannot.
pub(crate) fn plan(state: &RunState, def: &Definition, task: Option<&str>) -> Result<Plan, String> {
    let Some(outcome) = &state.outcome else { return Err("the run has not ended".to_owned()) };
    let Some(ended) = &state.ended else {
        return Err("nothing was kept of how this run stood at its end; start a new one".to_owned());
    };
    let failed = match outcome {
        Outcome::Faulted(error) => ended.failed.or_else(|| standing_at(def, ended, &error.instance)),
        _ => None,
    };
    let restart_of = |id: FrameId| current(ended, id).map(|index| Restart { frame: id, index });
    let failed = failed.and_then(restart_of);
    let Some(pointer) = task else {
        return match outcome {
            Outcome::Faulted(_) => {
                let named = failed.and_then(|at| pointer_of(def, ended, at));
                Ok(Plan { task: named.unwrap_or_else(|| "".into()), restart: failed.into_iter().collect() })
            }
            Outcome::Completed(_) => Err("the run has completed: no task failed; name the one to go on with".to_owned()),
            Outcome::Cancelled(_) => Err("the run was cancelled: no task failed; name the one to go on with".to_owned()),
        };
    };
    let Some(wanted) = def.task(pointer) else {
        return Err(format!("there is no task at `{pointer}` in this workflow"));
    };
    let mut places = Vec::new();
    for (id, frame) in ended.frames.iter() {
        let tasks = list(def, &ended.frames, frame);
        let Some(index) = tasks.iter().position(|task| *task == wanted.own[0]) else { continue };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        match &frame.kind {
            FrameKind::Branch { index: own } if *own != index => {}
            FrameKind::For { index: None, .. } | FrameKind::Fork { .. } => {}
            FrameKind::Try { stage: Stage::Waiting { .. } | Stage::Ignored, .. } => {}
            _ if frame.scope.is_none() => {}
            _ => places.push(Restart { frame: id, index }),
        }
    }
    match places.as_slice() {
        [at] => {
            // Another task that failed has to start anew too, unless it is within.
            let mut restart = vec![*at];
            let within = ended.frames.subtree(at.frame);
            restart.extend(failed.filter(|failed| !within.contains(&failed.frame)));
            // And a list that is within what starts anew is gone with it.
            if let Some(failed) = failed
                && failed.frame != at.frame
                && ended.frames.subtree(failed.frame).contains(&at.frame)
            {
                restart.truncate(1);
            }
            Ok(Plan { task: Arc::clone(&wanted.pointer), restart })
        }
        [] => Err(format!(
            "`{pointer}` stands in a list that was not at work when the run ended; name a task of the workflow's own \
             list, or of a list that was"
        )),
        _ => Err(format!("`{pointer}` stands in several lists that were at work; name a task around it")),
    }
}

/// The place at which a list stood.
fn current(ended: &Ended, id: FrameId) -> Option<u32> {
    match ended.frames.get(&id)?.scope.as_ref()?.next {
        Next::At(index) => Some(index),
        Next::Exit | Next::End | Next::Skip => None,
    }
}

fn pointer_of(def: &Definition, ended: &Ended, at: Restart) -> Option<Arc<str>> {
    let frame = ended.frames.get(&at.frame)?;
    let task = list(def, &ended.frames, frame).get(at.index as usize)?;
    def.at(*task).map(|task| Arc::clone(&task.pointer))
}

/// The frame whose list stood at this task, for journals that do not tell.
fn standing_at(def: &Definition, ended: &Ended, pointer: &str) -> Option<FrameId> {
    ended
        .frames
        .ids()
        .find(|id| current(ended, *id).and_then(|index| pointer_of(def, ended, Restart { frame: *id, index })).as_deref() == Some(pointer))
}

impl Machine<'_> {
    pub(super) fn reopen(&mut self, task: Option<&str>, input: Option<Value>, actor: &str, reason: &str) {
        let Ok(Plan { task, restart }) = plan(self.state, self.def, task) else { return };
        let held = self.state.ended.as_ref().map(|ended| ended.held.clone()).unwrap_or_default();
        let input = input.map(Arc::new).filter(|_| !restart.is_empty());
        let fact = |alarm, alarms| Fact::Reopened {
            task: Arc::clone(&task),
            at: self.env.now,
            input: input.clone(),
            actor: actor.into(),
            reason: reason.into(),
            restart: restart.clone(),
            alarm,
            alarms,
        };
        // Timers are computed on the state as it will be.
        let mut ahead = self.state.clone();
        if apply(&mut ahead, &fact(None, Vec::new())).is_err() {
            return;
        }
        let (alarm, alarms) = self.timers_of(&ahead);
        let fact = fact(alarm, alarms);
        self.emit(fact);
        for event in held {
            self.outside(event);
        }
    }

    /// New timers for all that goes on: timeouts run anew from now; what is
    /// waited for stays due when it was.
    fn timers_of(&self, ahead: &RunState) -> (Option<Alarm>, Vec<Rearmed>) {
        let (now, evaluator) = (self.env.now, self.env.evaluator);
        let mut free = ahead.next;
        let mut new = |due| {
            let alarm = Alarm { timer: TimerId(free), due };
            free += 1;
            alarm
        };
        // A run that has not begun gets its timeout when it does.
        let begun = ahead.frames.get(&FrameId(0)).and_then(|root| root.scope.as_ref().map(|_| &root.input));
        let alarm = self.def.0.timeout.as_ref().zip(begun).and_then(|(timeout, input)| {
            timeout.after(now, input, &Point::outside(self.def, ahead), evaluator).ok().map(&mut new)
        });
        let mut alarms = Vec::new();
        for (id, frame) in ahead.frames.iter() {
            let Some(task) = self.def.task(&frame.task) else { continue };
            let point = point_of(self.def, ahead, frame);
            let anew = |spec: Option<&crate::model::DurationSpec>, old: Alarm| {
                spec.and_then(|spec| spec.after(now, &frame.input, &point, evaluator).ok()).unwrap_or(old.due)
            };
            let timeout = frame.alarm.map(|old| anew(task.timeout.as_ref(), old)).map(&mut new);
            let inner = match &frame.kind {
                FrameKind::Wait { until } => Some(until.due),
                FrameKind::Try { stage: Stage::Waiting { alarm: Some(alarm) }, .. } => Some(alarm.due),
                FrameKind::Try { stage: Stage::Trying { alarm: Some(alarm) }, .. } => {
                    let spec = match &task.kind {
                        TaskKind::Try { catch, .. } => catch.retry.as_ref().and_then(|r| r.attempt_duration.as_ref()),
                        _ => None,
                    };
                    Some(anew(spec, *alarm))
                }
                _ => None,
            };
            let inner = inner.map(&mut new);
            if timeout.is_some() || inner.is_some() {
                alarms.push(Rearmed { frame: id, timeout, inner });
            }
        }
        (alarm, alarms)
    }
}

fn point_of<'p>(def: &'p Definition, state: &'p RunState, frame: &'p Frame) -> Point<'p> {
    Point {
        frame: frame.parent,
        task: def.task(&frame.task),
        since: frame.at,
        raw: Some(&frame.raw),
        input: Some(&frame.input),
        ..Point::outside(def, state)
    }
}
