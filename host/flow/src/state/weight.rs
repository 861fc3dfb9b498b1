//! How much a run's state holds: the bytes of JSON of its values, and something
//! for each frame. A value that a task only hands on counts once, however many
//! frames have it: the raw input of a task is the data of the list it stands
//! in, its input is its raw input unless it says otherwise, and so on. So the
//! weight is a function of what the state says, whether it was read or lived.
//!
//! A run may grow without end by its own doing, so it is asked after every step
//! whether it holds more than it may; therefore it is not measured each time.
//! What each fact may have added at most is summed up, and only when that
//! passes the limit is the state looked through; large values are counted once
//! in their lives. A run that stays near its limit would be looked through
//! after every step, so it is only once it may have grown by [`LEEWAY`] since:
//! what measuring costs goes with what was added, and no run holds more than
//! that beside its limit.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use serde_json::Value;

use super::{Frame, FrameKind, Outcome, RunState, Stage};
use crate::fact::{Fact, Opened};
use crate::size::{about, json_bytes};

/// Names and fixed fields of a state written as JSON, in bytes.
const STATE: u64 = 256;
/// The same of a frame: its ids, times and timers.
const FRAME: u64 = 320;
/// Values of more bytes are counted once and remembered.
const LARGE: u64 = 1 << 10;
/// What a value takes at most, as JSON, for each byte that it is said to bring
/// ([`crate::size::brought`]): a byte of text may be written as `\u0000`.
const WORST: u64 = 6;

/// The part of its limit that a state may have grown, since it was measured and
/// found to keep it, before it is measured again.
const LEEWAY: u64 = 64;

/// What is known of a state's weight. No part of what the state says: it is
/// neither written nor compared, and a state that was read knows nothing of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Weight {
    /// What it was when it was last measured; none before.
    measured: Option<u64>,
    /// What facts have added since, at most.
    grown: u64,
    /// Large values by their address, while they live.
    known: Arc<HashMap<usize, (Weak<Value>, u64)>>,
}

impl PartialEq for Weight {
    fn eq(&self, _: &Weight) -> bool {
        true
    }
}

impl Weight {
    /// Something changed that was not told: it must be measured anew.
    pub(crate) fn forget(&mut self) {
        self.measured = None;
    }

    /// A fact was applied that brings about so many bytes of values, and made
    /// one value of so many bytes of several that were there.
    pub(crate) fn grow(&mut self, fact: &Fact, brought: u64, composed: u64) {
        if self.measured.is_none() {
            return;
        }
        // What a fact brings may come to stand in two places, as the context and as an output.
        let least = FRAME + 2 * WORST * brought + composed;
        let more = match fact {
            // All that a run had at its end is there again.
            Fact::Start { .. } | Fact::Reopened { .. } => return self.forget(),
            Fact::Entered { task, what, .. } => {
                let frames = match what {
                    Opened::Fork { branches, .. } => u64::from(*branches) + 1,
                    _ => 1,
                };
                let parts = match what {
                    Opened::Call { function, slot, .. } => {
                        json_bytes(&**function) + slot.as_ref().map_or(0, |slot| slot.len() as u64)
                    }
                    Opened::Run { workflow, .. } => json_bytes(&**workflow),
                    Opened::Request { request, .. } => json_bytes(&**request),
                    Opened::Listen { filters, until, .. } => json_bytes(filters) + json_bytes(until),
                    _ => 0,
                };
                frames.saturating_mul(FRAME + task.len() as u64).saturating_add(least).saturating_add(parts)
            }
            Fact::Heard { keys, .. } => least + json_bytes(keys),
            Fact::Held { event } => least + json_bytes(&**event),
            Fact::Caught { error, .. } => least + json_bytes(&**error),
            _ => least,
        };
        self.grown = self.grown.saturating_add(more);
    }

    /// Whether it surely holds no more than `limit` and the leeway beside it.
    fn surely_within(&self, limit: u64) -> bool {
        let Some(measured) = self.measured.filter(|measured| *measured <= limit) else { return false };
        measured.saturating_add(self.grown) <= limit || self.grown < limit / LEEWAY
    }

    /// What it is at most; none where that is not known.
    fn at_most(&self) -> Option<u64> {
        Some(self.measured?.saturating_add(self.grown))
    }
}

impl RunState {
    /// The bytes that its values take as JSON, and something for each frame; a
    /// value that is only handed on counts once. What only an ended run has does not count.
    pub fn weight(&self) -> u64 {
        Scale::default().weigh(self)
    }

    /// A bound of [`RunState::weight`] that costs nothing to say; none where
    /// nothing is known, as for a state that was just read.
    pub fn weight_at_most(&self) -> Option<u64> {
        self.weight.at_most()
    }

    /// About how many bytes of memory all of it takes, what only an ended run has
    /// included; quick to say. A function of what the state says, too.
    pub fn footprint(&self) -> u64 {
        let mut scale = Scale { roughly: true, ..Scale::default() };
        let ended = self.ended.as_ref().map_or(0, |ended| {
            let held: u64 = ended.held.iter().map(json_bytes).sum();
            held + ended.frames.values().map(|frame| scale.frame(frame)).sum::<u64>()
        });
        let outcome = match &self.outcome {
            Some(Outcome::Completed(output)) => scale.value(output),
            Some(Outcome::Faulted(error)) => json_bytes(&**error),
            Some(Outcome::Cancelled(reason)) => reason.len() as u64,
            None => 0,
        };
        scale.weigh(self) + ended + outcome
    }

    /// Its weight, if that is more than `limit`; see [`LEEWAY`] for when it is looked at.
    pub(crate) fn heavier_than(&mut self, limit: u64) -> Option<u64> {
        if self.weight.surely_within(limit) {
            return None;
        }
        let mut scale = Scale { known: std::mem::take(&mut self.weight.known), ..Scale::default() };
        let measured = scale.weigh(self);
        self.weight = Weight { measured: Some(measured), grown: 0, known: Arc::new(scale.seen) };
        (measured > limit).then_some(measured)
    }
}

/// Whether two values are one that is handed on.
fn same(one: &Arc<Value>, other: &Arc<Value>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

/// The bytes of the value that a task gives which gathered several, should it leave with them; 0 for others.
pub(crate) fn composed(frame: &Frame) -> u64 {
    match &frame.kind {
        FrameKind::Fork { outputs, winner: None, .. } => {
            2 + outputs.iter().map(|output| 1 + output.as_ref().map_or(4, |output| json_bytes(&**output))).sum::<u64>()
        }
        FrameKind::Listen(listening) => 2 + listening.heard.iter().map(|item| 1 + json_bytes(&**item)).sum::<u64>(),
        _ => 0,
    }
}

/// Looks through a state.
#[derive(Default)]
struct Scale {
    /// Values are looked at, not counted.
    roughly: bool,
    known: Arc<HashMap<usize, (Weak<Value>, u64)>>,
    seen: HashMap<usize, (Weak<Value>, u64)>,
}

impl Scale {
    fn weigh(&mut self, state: &RunState) -> u64 {
        let own =
            [&state.input, &state.trigger, &state.context].into_iter().map(|value| self.value(value)).sum::<u64>();
        let held: u64 = state.held.iter().map(json_bytes).sum();
        let frames: u64 = state.frames.values().map(|frame| self.frame(frame)).sum();
        STATE + state.run.len() as u64 + own + held + frames
    }

    fn frame(&mut self, frame: &Frame) -> u64 {
        // Its raw input is the data of the list it stands in, or the input of its fork.
        let input = if same(&frame.input, &frame.raw) { 0 } else { self.value(&frame.input) };
        let handed = |value: &Arc<Value>| same(value, &frame.input) || same(value, &frame.raw);
        let data = frame.scope.as_ref().map(|scope| &scope.data);
        let list = data.filter(|data| !handed(data)).map_or(0, |data| self.value(data));
        let kind = match &frame.kind {
            FrameKind::For { items, .. } => self.value(items),
            FrameKind::Fork { outputs, .. } => {
                let own = |output: &&Arc<Value>| !handed(output);
                5 * outputs.len() as u64
                    + outputs.iter().flatten().filter(own).map(|output| self.value(output)).sum::<u64>()
            }
            FrameKind::Call { function, slot, with, .. } => {
                json_bytes(&**function) + slot.as_ref().map_or(0, |slot| slot.len() as u64) + self.value(with)
            }
            FrameKind::Workflow { workflow, with, .. } => json_bytes(&**workflow) + self.value(with),
            FrameKind::Request { request, .. } => json_bytes(&**request),
            FrameKind::Try { stage: Stage::Catching { error }, .. } => json_bytes(&**error),
            FrameKind::Listen(listening) => {
                let items = listening.heard.iter().chain(&listening.queue).chain(&listening.item);
                items.map(|item| 1 + self.value(item)).sum::<u64>()
                    + json_bytes(&listening.filters)
                    + json_bytes(&listening.until)
                    + json_bytes(&listening.keys)
            }
            FrameKind::Extended { output, .. } => {
                let own = |output: &&Arc<Value>| !handed(output) && data.is_none_or(|data| !same(data, output));
                output.as_ref().filter(own).map_or(0, |output| self.value(output))
            }
            FrameKind::Run
            | FrameKind::Do
            | FrameKind::Function
            | FrameKind::Branch { .. }
            | FrameKind::Wait { .. }
            | FrameKind::Try { .. } => 0,
        };
        FRAME + frame.task.len() as u64 + input + list + kind
    }

    fn value(&mut self, value: &Arc<Value>) -> u64 {
        if self.roughly {
            return about(value);
        }
        let at = Arc::as_ptr(value) as usize;
        // While it is remembered no other value can have its address.
        let found = self.seen.get(&at).or_else(|| self.known.get(&at));
        let bytes = found.map_or_else(|| json_bytes(&**value), |(_, bytes)| *bytes);
        if bytes > LARGE {
            self.seen.entry(at).or_insert_with(|| (Arc::downgrade(value), bytes));
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::apply::apply_weighed;
    use crate::fact::{FrameId, Next};
    use crate::size::brought;

    const LIMIT: u64 = 1 << 19;

    fn ran(output: &Arc<Value>) -> Fact {
        Fact::Ran {
            frame: FrameId(0),
            task: "/do/0/step".into(),
            output: Some(Arc::clone(output)),
            context: None,
            event: None,
            skipped: false,
            next: Next::At(0),
        }
    }

    fn state(input: &Value) -> RunState {
        let mut state = RunState::new();
        let at = jiff::Timestamp::UNIX_EPOCH;
        let (input, trigger) = (Arc::new(input.clone()), Arc::default());
        let start = Fact::Start { run: "r".into(), at, input, trigger };
        for fact in [start, Fact::Prepared { data: None, alarm: None }] {
            apply_weighed(&mut state, &fact, brought(&fact)).unwrap();
        }
        state
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        /// Whatever a run does, measuring it costs as much as it adds, and it
        /// goes on with no more than its limit and a little.
        #[test]
        fn a_run_is_measured_for_what_it_adds_and_never_goes_on_far_past_its_limit(
            begins in 0..LIMIT, steps in prop::collection::vec(0..LIMIT / 4, 1..200),
        ) {
            let mut state = state(&json!("x".repeat(usize::try_from(begins).unwrap())));
            let (mut measured, mut grown) = (0, 0);
            for bytes in steps {
                // Mostly small ones, so that it stays near its limit where it began there.
                let bytes = if bytes % 7 == 0 { bytes } else { bytes % 100 };
                let fact = ran(&Arc::new(json!("y".repeat(usize::try_from(bytes).unwrap()))));
                apply_weighed(&mut state, &fact, brought(&fact)).unwrap();
                grown += FRAME + 2 * WORST * brought(&fact);
                let weight = state.weight();
                match state.heavier_than(LIMIT) {
                    Some(heavy) => {
                        prop_assert_eq!(heavy, weight);
                        prop_assert!(weight > LIMIT);
                        return Ok(());
                    }
                    None => prop_assert!(weight <= LIMIT + LIMIT / LEEWAY),
                }
                prop_assert!(state.weight_at_most().is_some_and(|most| most >= weight));
                measured += u64::from(state.weight.grown == 0);
                prop_assert!(measured <= 1 + grown / (LIMIT / LEEWAY), "{measured} times for {grown} bytes");
            }
        }
    }

    #[test]
    fn a_run_that_stays_near_its_limit_is_seldom_measured() {
        let mut state = state(&json!("x".repeat(usize::try_from(LIMIT).unwrap() - 3_000)));
        let small = ran(&Arc::new(json!("small")));
        let mut measured = 0;
        for _ in 0..1_000 {
            apply_weighed(&mut state, &small, brought(&small)).unwrap();
            assert_eq!(state.heavier_than(LIMIT), None);
            measured += u32::from(state.weight.grown == 0);
        }
        assert!((2..100).contains(&measured), "{measured} times in 1000 steps");
        // One that was read is measured at once.
        state.weight.forget();
        assert_eq!(state.heavier_than(LIMIT), None);
        assert_eq!(state.heavier_than(100), Some(state.weight()), "another limit");
    }
}
