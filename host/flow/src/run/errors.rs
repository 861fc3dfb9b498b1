//! Errors: who catches one, and whether and when it is tried again.

use std::sync::Arc;

use jiff::SignedDuration;

use super::Machine;
use super::flow::expression;
use super::scope::Point;
use crate::error::FlowError;
use crate::fact::{Alarm, Caught, Fact, FrameId, TimerId};
use crate::model::{Backoff, Catch, RetryPolicy, TaskKind};
use crate::state::{Frame, FrameKind, Stage};

/// The longest delay between attempts that backoff can reach.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 365);

impl Machine<'_> {
    /// An error was raised in the list of `from`: the nearest `try` that wants
    /// it gets it; otherwise the run ends.
    pub(super) fn raise(&mut self, from: Option<FrameId>, error: FlowError) {
        let def = self.def.clone();
        let mut error = error;
        let mut at = from;
        while let Some(id) = at {
            let Some(frame) = self.state.frames.get(&id) else { break };
            at = frame.parent;
            let trying = matches!(frame.kind, FrameKind::Try { stage: Stage::Trying { .. }, .. });
            let Some(task) = def.task(&frame.task).filter(|_| trying) else { continue };
            let TaskKind::Try { catch, .. } = &task.kind else { continue };
            let value = Arc::new(error.to_value());
            if !catch.filter(&value) {
                continue;
            }
            let upcoming = [(&*catch.name, Arc::clone(&value))];
            let point = Point {
                frame: frame.parent,
                task: Some(task),
                since: frame.at,
                raw: Some(&frame.raw),
                input: Some(&frame.input),
                upcoming: &upcoming,
                ..Point::outside(&def, self.state)
            };
            match self.reaction(frame, catch, error.happened.is_some(), &point) {
                Ok(Some(how)) => {
                    let from = from.filter(|from| *from != id);
                    self.emit(Fact::Caught { frame: id, error: Arc::new(error), how, from });
                    return;
                }
                Ok(None) => {}
                // The catch clause itself failed: that is the error now.
                Err(failure) => error = failure.at(&task.pointer),
            }
        }
        self.emit(Fact::Faulted { error: Arc::new(error), frame: from });
    }

    /// What a `try` does about an error that passed its filter; `None`: not its own.
    fn reaction(
        &self,
        frame: &Frame,
        catch: &Catch,
        happened: bool,
        point: &Point<'_>,
    ) -> Result<Option<Caught>, FlowError> {
        let evaluator = self.env.evaluator;
        let holds =
            |program: &crate::expr::Program| program.holds(&frame.input, point, evaluator).map_err(|e| expression(&e));
        if let Some(when) = &catch.when
            && !holds(when)?
        {
            return Ok(None);
        }
        if let Some(except) = &catch.except_when
            && holds(except)?
        {
            return Ok(None);
        }
        if let Some(policy) = &catch.retry {
            // What has happened is not done a second time for want of its result.
            if !happened && let Some(again) = self.again(frame, policy, point)? {
                return Ok(Some(again));
            }
            // No further attempt: without a handler, or a way to go on, the error is not dealt with.
            if catch.handler.is_none() && catch.then.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(if catch.handler.is_some() { Caught::Handle } else { Caught::Ignore }))
    }

    /// Whether there is another attempt, and when.
    fn again(&self, frame: &Frame, policy: &RetryPolicy, point: &Point<'_>) -> Result<Option<Caught>, FlowError> {
        let evaluator = self.env.evaluator;
        let (input, now) = (&frame.input, self.env.now);
        let FrameKind::Try { attempt, .. } = &frame.kind else { return Ok(None) };
        if let Some(when) = &policy.when
            && !when.holds(input, point, evaluator).map_err(|e| expression(&e))?
        {
            return Ok(None);
        }
        if let Some(except) = &policy.except_when
            && except.holds(input, point, evaluator).map_err(|e| expression(&e))?
        {
            return Ok(None);
        }
        // The first attempt is no retry: `count` counts those after it.
        if policy.attempts.is_some_and(|most| u64::from(*attempt) > most) {
            return Ok(None);
        }
        let length =
            |spec: &crate::model::DurationSpec| spec.length(now, input, point, evaluator).map_err(|e| expression(&e));
        let base = policy.delay.as_ref().map_or(Ok(SignedDuration::ZERO), length)?;
        let mut delay = match policy.backoff {
            Backoff::Constant => base,
            Backoff::Linear => base.checked_mul(i32::try_from(*attempt).unwrap_or(i32::MAX)).unwrap_or(LONGEST),
            Backoff::Exponential => {
                let factor = 2i32.checked_pow(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
                base.checked_mul(factor).unwrap_or(LONGEST)
            }
        };
        if let Some((from, to)) = &policy.jitter {
            let (from, to) = (length(from)?, length(to)?);
            let width = u64::try_from(to.saturating_sub(from).as_millis()).unwrap_or(0);
            let extra = if width == 0 { 0 } else { mixed(self.env.random ^ self.state.next) % (width + 1) };
            delay = delay
                .saturating_add(from)
                .saturating_add(SignedDuration::from_millis(i64::try_from(extra).unwrap_or(0)));
        }
        let delay = delay.min(LONGEST);
        let Ok(due) = now.checked_add(delay) else { return Ok(None) };
        if let Some(limit) = &policy.duration {
            let end = limit.after(frame.at, input, point, evaluator).map_err(|e| expression(&e))?;
            if due > end {
                return Ok(None);
            }
        }
        let alarm = (delay > SignedDuration::ZERO).then_some(Alarm { timer: TimerId(self.state.next), due });
        Ok(Some(Caught::Retry { alarm }))
    }

    /// Starts another attempt of a `try`.
    pub(super) fn retry(&mut self, id: FrameId) {
        let def = self.def.clone();
        let Some(frame) = self.state.frames.get(&id) else { return };
        let Some(task) = def.task(&frame.task) else { return };
        let TaskKind::Try { catch, .. } = &task.kind else { return };
        let limit = catch.retry.as_ref().and_then(|policy| policy.attempt_duration.as_ref());
        let point = Point {
            frame: frame.parent,
            task: Some(task),
            since: frame.at,
            raw: Some(&frame.raw),
            input: Some(&frame.input),
            ..Point::outside(&def, self.state)
        };
        let due = limit.map(|limit| limit.after(self.env.now, &frame.input, &point, self.env.evaluator));
        let parent = frame.parent;
        match due.transpose() {
            Ok(due) => {
                let alarm = due.map(|due| Alarm { timer: TimerId(self.state.next), due });
                self.emit(Fact::Retried { frame: id, alarm });
            }
            Err(error) => self.raise(parent, expression(&error).at(&task.pointer)),
        }
    }
}

/// The finaliser of SplitMix64: near seeds give far numbers.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
