//! From facts to state. Must never evaluate, call, or decide anything: a fact
//! says it all, so that a journal outlives every version of the deciding code.

mod ended;
mod entered;

use std::sync::Arc;

use self::ended::{end, reopened};
use self::entered::entered;
use crate::fact::{Alarm, Caught, Fact, FrameId, Next, Place};
use crate::state::{Frame, FrameKind, Listening, Outcome, Phase, RunState, Scope, Stage, composed};

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
        (Phase::New, Fact::Start { .. })
        | (Phase::Running | Phase::Suspended, _)
        | (Phase::Completed | Phase::Faulted | Phase::Cancelled, Fact::Reopened { .. }) => {}
        (phase, _) => return Err(ApplyError::Phase(phase)),
    }
    change(state, fact)?;
    state.facts += 1;
    state.weight.forget();
    Ok(())
}

/// The same for a fact of which it is known how many bytes of values it brings, about.
pub(crate) fn apply_weighed(state: &mut RunState, fact: &Fact, brought: u64) -> Result<(), ApplyError> {
    let gathered = match fact {
        Fact::Left { frame, output: None, .. } => state.frames.get(frame).map_or(0, composed),
        _ => 0,
    };
    let weight = std::mem::take(&mut state.weight);
    let applied = apply(state, fact);
    state.weight = weight;
    if applied.is_ok() {
        state.weight.grow(fact, brought, gathered);
    }
    applied
}

fn change(state: &mut RunState, fact: &Fact) -> Result<(), ApplyError> {
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
            let list = get(state, *frame)?;
            let scope = list.scope.as_ref().ok_or(ApplyError::Mismatch(*frame))?;
            let output = output.as_ref().map_or_else(|| Arc::clone(&scope.data), Arc::clone);
            done(list, output, *next);
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
            match (&mut frame.kind, &mut frame.scope) {
                (FrameKind::For { index: at, .. }, Some(scope)) => {
                    *at = Some(*index);
                    scope.next = Next::At(0);
                }
                (FrameKind::Listen(listening), None) if !listening.queue.is_empty() => {
                    listening.item = listening.queue.pop_front();
                    frame.scope = Some(scope(&frame.input));
                }
                _ => return Err(ApplyError::Mismatch(*id)),
            }
            state.ready.insert(*id);
        }
        Fact::Heard { frame: id, filter, item, keys, until } => {
            let frame = get(state, *id)?;
            let FrameKind::Listen(listening) = &mut frame.kind else { return Err(ApplyError::Mismatch(*id)) };
            hear(listening, *filter, item, *until);
            listening.keys.extend(keys.iter().map(|(k, v)| (k.clone(), v.clone())));
            if frame.scope.is_none() && (listening.over || !listening.queue.is_empty()) {
                state.ready.insert(*id);
            }
        }
        Fact::Iterated { frame: id, output, context, over } => {
            let frame = get(state, *id)?;
            let FrameKind::Listen(listening) = &mut frame.kind else { return Err(ApplyError::Mismatch(*id)) };
            let item = listening.item.take().or_else(|| listening.queue.pop_front());
            let item = output.clone().or(item).ok_or(ApplyError::Mismatch(*id))?;
            if !listening.quiet {
                listening.heard.push(item);
            }
            listening.count += 1;
            if *over {
                // What came later would not have been consumed any more.
                listening.over = true;
                listening.queue.clear();
            }
            frame.scope = None;
            let more = listening.over || !listening.queue.is_empty();
            if let Some(context) = context {
                state.context = Arc::clone(context);
            }
            if more {
                state.ready.insert(*id);
            } else {
                state.ready.remove(id);
            }
        }
        Fact::Passed { frame: id, place, output, context, then } => {
            let frame = get(state, *id)?;
            let FrameKind::Extended { place: at, output: kept, then: after, .. } = &mut frame.kind else {
                return Err(ApplyError::Mismatch(*id));
            };
            *at = *place;
            if let Some(output) = output {
                *kept = Some(Arc::clone(output));
            }
            if let Some(then) = then {
                *after = *then;
            }
            let data = match (place, &*kept) {
                (Place::After(_), Some(output)) => Arc::clone(output),
                _ => Arc::clone(&frame.raw),
            };
            frame.scope = Some(scope(&data));
            if let Some(context) = context {
                state.context = Arc::clone(context);
            }
            state.ready.insert(*id);
        }
        Fact::Joined { frame: id } => joined(state, *id)?,
        Fact::Caught { frame: id, error, how, .. } => {
            if !matches!(get(state, *id)?.kind, FrameKind::Try { .. }) {
                return Err(ApplyError::Mismatch(*id));
            }
            let gone = doomed(state, fact);
            state.frames.rearm(*id, |frame| {
                let FrameKind::Try { attempt, stage } = &mut frame.kind else { return };
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
            });
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
            if !matches!(get(state, *id)?.kind, FrameKind::Try { .. }) {
                return Err(ApplyError::Mismatch(*id));
            }
            state.frames.rearm(*id, |frame| {
                if let FrameKind::Try { stage, .. } = &mut frame.kind {
                    *stage = Stage::Trying { alarm: *alarm };
                }
            });
            seen(state, alarm.as_ref());
            state.ready.insert(*id);
        }
        Fact::Left { frame: id, output, context, next } => {
            let left = get(state, *id)?;
            let parent = left.parent.ok_or(ApplyError::Mismatch(*id))?;
            let output = output.as_ref().map_or_else(|| left.natural(), Arc::clone);
            let gone = doomed(state, fact);
            let list = get(state, parent)?;
            if list.scope.is_none() {
                return Err(ApplyError::Mismatch(parent));
            }
            done(list, output, *next);
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
        Fact::Reopened { input, restart, alarm, alarms, .. } => {
            reopened(state, input.as_ref(), restart, *alarm, alarms)?;
        }
        Fact::Completed { output } => end(state, Phase::Completed, Outcome::Completed(Arc::clone(output)), None),
        Fact::Faulted { error, frame } => {
            end(state, Phase::Faulted, Outcome::Faulted(Arc::clone(error)), *frame);
        }
        Fact::Cancelled { reason } => end(state, Phase::Cancelled, Outcome::Cancelled(Arc::clone(reason)), None),
    }
    Ok(())
}

/// The frames that a fact removes.
pub(crate) fn doomed(state: &RunState, fact: &Fact) -> Vec<FrameId> {
    match fact {
        Fact::Left { frame, .. } => state.frames.subtree(*frame),
        Fact::Caught { frame, .. } => state.frames.subtree(*frame).split_off(1),
        Fact::Joined { frame } => match state.frames.get(frame).and_then(|f| f.parent) {
            // The winner takes it all.
            Some(fork)
                if matches!(state.frames.get(&fork).map(|f| &f.kind), Some(FrameKind::Fork { compete: true, .. })) =>
            {
                state.frames.subtree(fork).split_off(1)
            }
            _ => state.frames.subtree(*frame),
        },
        Fact::Completed { .. } | Fact::Faulted { .. } | Fact::Cancelled { .. } => state.frames.ids().collect(),
        _ => Vec::new(),
    }
}

/// An event was consumed.
fn hear(listening: &mut Listening, filter: u32, item: &Arc<serde_json::Value>, until: bool) {
    if until {
        let all = listening.until_all;
        listening.until_pending.retain(|p| all && *p != filter);
        listening.over |= listening.until_pending.is_empty();
        return;
    }
    if listening.queued {
        listening.queue.push_back(Arc::clone(item));
    } else if !listening.quiet {
        listening.heard.push(Arc::clone(item));
    }
    if !listening.repeat {
        let all = listening.all;
        listening.pending.retain(|p| all && *p != filter);
        listening.over |= listening.pending.is_empty();
    }
}

/// A task of the list that `frame` works through is done.
fn done(frame: &mut Frame, output: Arc<serde_json::Value>, next: Next) {
    let mut next = next;
    if let FrameKind::Extended { place: Place::Main, output: kept, then, .. } = &mut frame.kind {
        // What follows is said of the list outside; first comes what is after the task.
        *kept = Some(Arc::clone(&output));
        *then = std::mem::replace(&mut next, Next::Exit);
    }
    frame.scope = Some(Scope { next, data: output, child: None });
}

fn joined(state: &mut RunState, id: FrameId) -> Result<(), ApplyError> {
    let gone = doomed(state, &Fact::Joined { frame: id });
    let branch = get(state, id)?;
    let (FrameKind::Branch { index }, Some(fork)) = (&branch.kind, branch.parent) else {
        return Err(ApplyError::Mismatch(id));
    };
    let (index, output) = (*index, branch.natural());
    let FrameKind::Fork { compete, outputs, nulls, winner } = &mut get(state, fork)?.kind else {
        return Err(ApplyError::Mismatch(fork));
    };
    let slot = outputs.get_mut(index as usize).ok_or(ApplyError::Mismatch(fork))?;
    if output.is_null() {
        nulls.insert(index);
    } else {
        *slot = Some(output);
    }
    if *compete {
        *winner = Some(index);
    }
    let given = |(index, output): (u32, &Option<Arc<serde_json::Value>>)| output.is_some() || nulls.contains(&index);
    let done = *compete || (0u32..).zip(outputs.iter()).all(given);
    remove(state, &gone);
    if done {
        state.ready.insert(fork);
    }
    Ok(())
}

fn get(state: &mut RunState, id: FrameId) -> Result<&mut Frame, ApplyError> {
    state.frames.get_mut(id).ok_or(ApplyError::NoFrame(id))
}

/// Ids are never given twice.
fn seen(state: &mut RunState, alarm: Option<&Alarm>) {
    if let Some(alarm) = alarm {
        state.next = state.next.max(alarm.timer.0 + 1);
    }
}

fn remove(state: &mut RunState, gone: &[FrameId]) {
    for id in gone {
        state.frames.remove(*id);
        state.ready.remove(id);
    }
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
