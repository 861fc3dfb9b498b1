//! From facts to state. Must never evaluate, call, or decide anything: a fact
//! says it all, so that a journal outlives every version of the deciding code.

use std::sync::Arc;

use crate::fact::{Alarm, Caught, Fact, FrameId, Next, Opened, Place, Rearmed, Restart};
use crate::state::{Ended, Frame, FrameKind, Listening, Outcome, Phase, RunState, Scope, Stage};

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
    Ok(())
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
        Fact::Completed { .. } | Fact::Faulted { .. } | Fact::Cancelled { .. } => {
            state.frames.ids().collect()
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
        Opened::Listen { filters, all, until, until_all, repeat, queued, quiet } => (
            FrameKind::Listen(Box::new(Listening {
                filters: filters.clone(),
                pending: numbers(filters.len()),
                all: *all,
                heard: Vec::new(),
                until: until.clone(),
                until_pending: numbers(until.len()),
                until_all: *until_all,
                repeat: *repeat,
                queued: *queued,
                quiet: *quiet,
                over: false,
                queue: std::collections::VecDeque::new(),
                item: None,
                count: 0,
                keys: serde_json::Map::new(),
            })),
            None,
        ),
        Opened::Function { with } => (FrameKind::Function, Some(with.as_ref().unwrap_or(&input))),
        Opened::Extended { layers, place } => (
            FrameKind::Extended { layers: layers.clone(), place: *place, output: None, then: Next::Exit },
            Some(&input),
        ),
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

fn numbers(count: usize) -> Vec<u32> {
    (0..u32::try_from(count).unwrap_or(u32::MAX)).collect()
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

fn end(state: &mut RunState, phase: Phase, outcome: Outcome, failed: Option<FrameId>) {
    state.phase = phase;
    state.outcome = Some(outcome);
    state.ended = Some(Box::new(Ended {
        frames: std::mem::take(&mut state.frames),
        ready: std::mem::take(&mut state.ready),
        held: std::mem::take(&mut state.held),
        failed,
    }));
    state.alarm = None;
}

fn reopened(
    state: &mut RunState,
    input: Option<&Arc<serde_json::Value>>,
    restart: &[Restart],
    alarm: Option<Alarm>,
    alarms: &[Rearmed],
) -> Result<(), ApplyError> {
    // A run of a journal that is older than this has nothing to go on from.
    let Some(ended) = &state.ended else { return Err(ApplyError::Phase(state.phase)) };
    for Restart { frame, .. } in restart {
        match ended.frames.get(frame) {
            None => return Err(ApplyError::NoFrame(*frame)),
            Some(frame_) if frame_.scope.is_none() => return Err(ApplyError::Mismatch(*frame)),
            Some(_) => {}
        }
    }
    let Some(ended) = state.ended.take() else { return Err(ApplyError::Phase(state.phase)) };
    let Ended { frames, ready, .. } = *ended;
    state.frames = frames;
    state.ready = ready;
    state.phase = Phase::Running;
    state.outcome = None;
    state.alarm = alarm;
    seen(state, alarm.as_ref());
    let mut input = input;
    for Restart { frame: id, index } in restart {
        let gone = state.frames.subtree(*id).split_off(1);
        remove(state, &gone);
        let frame = get(state, *id)?;
        if let Some(scope) = &mut frame.scope {
            scope.next = Next::At(*index);
            scope.child = None;
            if let Some(input) = input.take() {
                scope.data = Arc::clone(input);
            }
        }
        state.ready.insert(*id);
    }
    for Rearmed { frame, timeout, inner } in alarms {
        state.frames.rearm(*frame, |frame| {
            if timeout.is_some() {
                frame.alarm = *timeout;
            }
            if let Some(new) = inner {
                frame.rearm(*new);
            }
        });
        seen(state, timeout.as_ref());
        seen(state, inner.as_ref());
    }
    Ok(())
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
