//! A run ends, keeping how it stood, and is set to work again from there.

use std::sync::Arc;

use super::{ApplyError, get, remove, seen};
use crate::fact::{Alarm, FrameId, Next, Rearmed, Restart};
use crate::state::{Ended, Outcome, Phase, RunState};

pub(super) fn end(state: &mut RunState, phase: Phase, outcome: Outcome, failed: Option<FrameId>) {
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

pub(super) fn reopened(
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
