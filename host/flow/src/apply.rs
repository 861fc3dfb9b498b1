//! From facts to state. Must never evaluate, call, or decide anything: a fact
//! says it all, so that a journal outlives every version of the deciding code.

use std::sync::Arc;

use crate::fact::{Alarm, Caught, Fact, FrameId, Next, Opened};
use crate::model::EventFilter;
use crate::state::{Frame, FrameKind, Outcome, Phase, RunState, Scope, Stage};

/// A fact that does not belong to the state it was applied to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The fact speaks of a task that is not at work.
    #[error("the fact speaks of frame {0}, which is not at work in this run")]
    NoFrame(FrameId),
    /// The fact does not fit the kind of its task.
    #[error("the fact does not fit frame {0}")]
    Mismatch(FrameId),
    /// The fact does not fit the phase of the run.
    #[error("the fact does not fit a run that is {0:?}")]
    Phase(Phase),
}

/// Applies one fact. On an error the state is as it was.
pub fn apply(state: &mut RunState, fact: &Fact) -> Result<(), ApplyError> {
    match (state.phase, fact) {
        (Phase::New, Fact::Start { .. }) | (Phase::Running | Phase::Suspended, _) => {}
        (phase, _) => return Err(ApplyError::Phase(phase)),
    }
    match fact {
        Fact::Start { run, at, input, trigger } => {
            if state.phase != Phase::New {
                return Err(ApplyError::Phase(state.phase));
            }
            state.phase = Phase::Running;
            state.run = Arc::clone(run);
            state.started = *at;
            state.input = Arc::clone(input);
            state.trigger = Arc::clone(trigger);
            state.next = 1;
            state.frames.insert(FrameId(0), frame(None, "".into(), *at, input, input, None, None, FrameKind::Run));
            state.ready.insert(FrameId(0));
        }
        Fact::Prepared { data, alarm } => {
            let root = get(state, FrameId(0))?;
            if let Some(data) = data {
                root.input = Arc::clone(data);
            }
            root.scope = Some(scope(&root.input));
            state.alarm = *alarm;
            seen(state, alarm.as_ref());
        }
        Fact::Ran { frame, output, context, event, next, .. } => {
            let scope = get(state, *frame)?.scope.as_mut().ok_or(ApplyError::Mismatch(*frame))?;
            if let Some(output) = output {
                scope.data = Arc::clone(output);
            }
            scope.next = *next;
            if let Some(context) = context {
                state.context = Arc::clone(context);
            }
            state.emitted += u64::from(event.is_some());
            state.ready.insert(*frame);
        }
        Fact::Entered { frame, parent, task, at, input, alarm, what } => {
            entered(state, *frame, *parent, task, *at, input.as_ref(), *alarm, what)?;
        }
        Fact::Looped { frame: id, index } => {
            let frame = get(state, *id)?;
            let (FrameKind::For { index: at, .. }, Some(scope)) = (&mut frame.kind, &mut frame.scope) else {
                return Err(ApplyError::Mismatch(*id));
            };
            *at = Some(*index);
            scope.next = Next::At(0);
            state.ready.insert(*id);
        }
        Fact::Heard { frame: id, filter, item } => {
            let FrameKind::Listen { pending, all, heard, .. } = &mut get(state, *id)?.kind else {
                return Err(ApplyError::Mismatch(*id));
            };
            heard.push(Arc::clone(item));
            pending.retain(|p| *all && p != filter);
            if pending.is_empty() {
                state.ready.insert(*id);
            }
        }
        Fact::Joined { frame: id } => joined(state, *id)?,
        Fact::Caught { frame: id, error, how } => {
            let gone = doomed(state, fact);
            let frame = get(state, *id)?;
            let FrameKind::Try { attempt, stage } = &mut frame.kind else { return Err(ApplyError::Mismatch(*id)) };
            let mut again = scope(&frame.input);
            match how {
                Caught::Retry { alarm } => {
                    *attempt = attempt.saturating_add(1);
                    *stage = Stage::Waiting { alarm: *alarm };
                }
                Caught::Handle => *stage = Stage::Catching { error: Arc::clone(error) },
                Caught::Ignore => {
                    *stage = Stage::Ignored;
                    again.next = Next::Exit;
                }
            }
            frame.scope = Some(again);
            remove(state, &gone);
            match how {
                Caught::Retry { alarm: Some(alarm) } => {
                    seen(state, Some(alarm));
                    // It may have been at work itself when the error came.
                    state.ready.remove(id);
                }
                _ => {
                    state.ready.insert(*id);
                }
            }
        }
        Fact::Retried { frame: id, alarm } => {
            let FrameKind::Try { stage, .. } = &mut get(state, *id)?.kind else {
                return Err(ApplyError::Mismatch(*id));
            };
            *stage = Stage::Trying { alarm: *alarm };
            seen(state, alarm.as_ref());
            state.ready.insert(*id);
        }
        Fact::Left { frame: id, output, context, next } => {
            let left = get(state, *id)?;
            let parent = left.parent.ok_or(ApplyError::Mismatch(*id))?;
            let output = output.as_ref().map_or_else(|| left.natural(), Arc::clone);
            let gone = doomed(state, fact);
            let scope = get(state, parent)?.scope.as_mut().ok_or(ApplyError::Mismatch(parent))?;
            *scope = Scope { next: *next, data: output, child: None };
            if let Some(context) = context {
                state.context = Arc::clone(context);
            }
            remove(state, &gone);
            state.ready.insert(parent);
        }
        Fact::Suspended => state.phase = Phase::Suspended,
        Fact::Held { event } => state.held.push((**event).clone()),
        Fact::Resumed => {
            state.phase = Phase::Running;
            state.held.clear();
        }
        Fact::Reopened { .. } => return Err(ApplyError::Phase(state.phase)),
        Fact::Completed { output } => end(state, Phase::Completed, Outcome::Completed(Arc::clone(output))),
        Fact::Faulted { error } => end(state, Phase::Faulted, Outcome::Faulted(Arc::clone(error))),
        Fact::Cancelled { reason } => end(state, Phase::Cancelled, Outcome::Cancelled(Arc::clone(reason))),
    }
    Ok(())
}

/// The frames that a fact removes.
pub(crate) fn doomed(state: &RunState, fact: &Fact) -> Vec<FrameId> {
    match fact {
        Fact::Left { frame, .. } => state.subtree(*frame),
        Fact::Caught { frame, .. } => state.subtree(*frame).split_off(1),
        Fact::Joined { frame } => match state.frames.get(frame).and_then(|f| f.parent) {
            // The winner takes it all.
            Some(fork)
                if matches!(state.frames.get(&fork).map(|f| &f.kind), Some(FrameKind::Fork { compete: true, .. })) =>
            {
                state.subtree(fork).split_off(1)
            }
            _ => state.subtree(*frame),
        },
        Fact::Completed { .. } | Fact::Faulted { .. } | Fact::Cancelled { .. } => {
            state.frames.keys().copied().collect()
        }
        _ => Vec::new(),
    }
}

#[allow(clippy::too_many_arguments)] // the fields of one fact
fn entered(
    state: &mut RunState,
    id: FrameId,
    parent: FrameId,
    task: &Arc<str>,
    at: jiff::Timestamp,
    input: Option<&Arc<serde_json::Value>>,
    alarm: Option<Alarm>,
    what: &Opened,
) -> Result<(), ApplyError> {
    let above = get(state, parent)?.scope.as_mut().ok_or(ApplyError::Mismatch(parent))?;
    above.child = Some(id);
    let raw = Arc::clone(&above.data);
    let input = input.map_or_else(|| Arc::clone(&raw), Arc::clone);
    state.ready.remove(&parent);
    state.next = state.next.max(id.0 + 1);
    seen(state, alarm.as_ref());
    let (kind, listed) = match what {
        Opened::Do => (FrameKind::Do, Some(&input)),
        Opened::For { items } => (FrameKind::For { items: Arc::clone(items), index: None }, Some(&input)),
        Opened::Try { alarm } => {
            seen(state, alarm.as_ref());
            (FrameKind::Try { attempt: 1, stage: Stage::Trying { alarm: *alarm } }, Some(&input))
        }
        Opened::Fork { branches, compete } => {
            for index in 0..*branches {
                let branch = FrameId(id.0 + 1 + u64::from(index));
                let mut below = frame(
                    Some(id),
                    Arc::clone(task),
                    at,
                    &input,
                    &input,
                    None,
                    Some(&input),
                    FrameKind::Branch { index },
                );
                if let Some(scope) = &mut below.scope {
                    scope.next = Next::At(index);
                }
                state.frames.insert(branch, below);
                state.ready.insert(branch);
                state.next = state.next.max(branch.0 + 1);
            }
            (FrameKind::Fork { compete: *compete, outputs: vec![None; *branches as usize], winner: None }, None)
        }
        Opened::Call { function, slot, with, attempt } => (
            FrameKind::Call {
                function: Arc::clone(function),
                slot: slot.clone(),
                with: Arc::clone(with),
                attempt: *attempt,
            },
            None,
        ),
        Opened::Request { request, attempt } => {
            (FrameKind::Request { request: Arc::clone(request), attempt: *attempt }, None)
        }
        Opened::Run { workflow, with, wait, attempt } => (
            FrameKind::Workflow {
                workflow: Arc::clone(workflow),
                with: Arc::clone(with),
                wait: *wait,
                attempt: *attempt,
            },
            None,
        ),
        Opened::Wait { alarm } => {
            seen(state, Some(alarm));
            (FrameKind::Wait { until: *alarm }, None)
        }
        Opened::Listen { filters, all } => (listening(filters, *all), None),
    };
    let mut new = frame(Some(parent), Arc::clone(task), at, &raw, &input, alarm, listed, kind);
    if listed.is_some() {
        state.ready.insert(id);
        // A `for` first decides whether there is a round at all.
        if let (FrameKind::For { .. }, Some(scope)) = (&new.kind, &mut new.scope) {
            scope.next = Next::Exit;
        }
    }
    state.frames.insert(id, new);
    Ok(())
}

fn listening(filters: &[EventFilter], all: bool) -> FrameKind {
    let pending = (0..u32::try_from(filters.len()).unwrap_or(u32::MAX)).collect();
    FrameKind::Listen { filters: filters.to_vec(), pending, all, heard: Vec::new() }
}

fn joined(state: &mut RunState, id: FrameId) -> Result<(), ApplyError> {
    let gone = doomed(state, &Fact::Joined { frame: id });
    let branch = get(state, id)?;
    let (FrameKind::Branch { index }, Some(fork)) = (&branch.kind, branch.parent) else {
        return Err(ApplyError::Mismatch(id));
    };
    let (index, output) = (*index, branch.natural());
    let FrameKind::Fork { compete, outputs, winner } = &mut get(state, fork)?.kind else {
        return Err(ApplyError::Mismatch(fork));
    };
    let slot = outputs.get_mut(index as usize).ok_or(ApplyError::Mismatch(fork))?;
    *slot = Some(output);
    if *compete {
        *winner = Some(index);
    }
    let done = *compete || outputs.iter().all(Option::is_some);
    remove(state, &gone);
    if done {
        state.ready.insert(fork);
    }
    Ok(())
}

fn get(state: &mut RunState, id: FrameId) -> Result<&mut Frame, ApplyError> {
    state.frames.get_mut(&id).ok_or(ApplyError::NoFrame(id))
}

/// Ids are never given twice.
fn seen(state: &mut RunState, alarm: Option<&Alarm>) {
    if let Some(alarm) = alarm {
        state.next = state.next.max(alarm.timer.0 + 1);
    }
}

fn remove(state: &mut RunState, gone: &[FrameId]) {
    for id in gone {
        state.frames.remove(id);
        state.ready.remove(id);
    }
}

fn end(state: &mut RunState, phase: Phase, outcome: Outcome) {
    state.phase = phase;
    state.outcome = Some(outcome);
    state.frames.clear();
    state.ready.clear();
    state.held.clear();
    state.alarm = None;
}

fn scope(data: &Arc<serde_json::Value>) -> Scope {
    Scope { next: Next::At(0), data: Arc::clone(data), child: None }
}

#[allow(clippy::too_many_arguments)] // the fields of one frame
fn frame(
    parent: Option<FrameId>,
    task: Arc<str>,
    at: jiff::Timestamp,
    raw: &Arc<serde_json::Value>,
    input: &Arc<serde_json::Value>,
    alarm: Option<Alarm>,
    listed: Option<&Arc<serde_json::Value>>,
    kind: FrameKind,
) -> Frame {
    Frame { parent, task, at, raw: Arc::clone(raw), input: Arc::clone(input), alarm, scope: listed.map(scope), kind }
}
