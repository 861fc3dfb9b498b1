//! How much a run's state holds, about: what decides how many finished runs
//! are remembered. Asked at the end of every run, so it must not write the
//! state out to know.

use serde::Serialize;
use serde_json::Value;

use super::{Ended, Frame, FrameKind, Frames, Outcome, RunState};

/// Names and fixed fields of a state written as JSON, in bytes.
const STATE: u64 = 240;
/// The same of a frame.
const FRAME: u64 = 120;

impl RunState {
    /// The bytes that it takes as JSON, about; never far below.
    pub fn weight(&self) -> u64 {
        let ended = self.ended.as_deref().map_or(0, |Ended { frames, ready, held, .. }| {
            list(frames) + 8 * ready.len() as u64 + if held.is_empty() { 0 } else { written(held) }
        });
        let outcome = self.outcome.as_ref().map_or(0, |outcome| match outcome {
            Outcome::Completed(output) => value(output),
            Outcome::Faulted(error) => written(&**error),
            Outcome::Cancelled(reason) => text(reason),
        });
        let held = if self.held.is_empty() { 0 } else { written(&self.held) };
        STATE
            + text(&self.run)
            + value(&self.input)
            + value(&self.trigger)
            + value(&self.context)
            + list(&self.frames)
            + held
            + outcome
            + ended
    }
}

fn list(frames: &Frames) -> u64 {
    frames.values().map(frame).sum()
}

fn frame(frame: &Frame) -> u64 {
    let scope = frame.scope.as_ref().map_or(0, |scope| 48 + value(&scope.data));
    let kind = match &frame.kind {
        FrameKind::Run | FrameKind::Do | FrameKind::Function | FrameKind::Branch { .. } | FrameKind::Wait { .. } => 64,
        FrameKind::For { items, .. } => value(items),
        FrameKind::Fork { outputs, .. } => {
            outputs.iter().map(|output| 1 + output.as_ref().map_or(4, |o| value(o))).sum()
        }
        FrameKind::Call { with, .. } => 128 + value(with),
        FrameKind::Try { .. }
        | FrameKind::Request { .. }
        | FrameKind::Workflow { .. }
        | FrameKind::Listen(_)
        | FrameKind::Extended { .. } => written(&frame.kind),
    };
    FRAME + text(&frame.task) + value(&frame.raw) + value(&frame.input) + scope + kind
}

fn value(of: &Value) -> u64 {
    match of {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 12,
        Value::String(of) => text(of),
        Value::Array(items) => 2 + items.iter().map(|item| 1 + value(item)).sum::<u64>(),
        Value::Object(fields) => 2 + fields.iter().map(|(name, field)| 2 + text(name) + value(field)).sum::<u64>(),
    }
}

fn text(of: &str) -> u64 {
    of.len() as u64 + 2
}

/// What is seldom there is written out after all.
fn written(of: &impl Serialize) -> u64 {
    struct Counter(u64);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // What cannot be counted weighs much.
    match serde_json::to_writer(&mut counter, of) {
        Ok(()) => counter.0,
        Err(_) => u64::from(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::fact::Fact;

    #[test]
    fn the_weight_is_about_the_length_of_the_json() {
        for input in [json!({"n": 1}), json!({"text": "森林火情".repeat(50), "list": (0..200).collect::<Vec<_>>()})]
        {
            let mut state = RunState::new();
            for fact in [
                Fact::Start {
                    run: "0190f5a0-0000-7000-8000-000000000000".into(),
                    at: Timestamp::UNIX_EPOCH,
                    input: Arc::new(input.clone()),
                    trigger: Arc::new(json!({"unit": null, "trigger": "person"})),
                },
                Fact::Prepared { data: None, alarm: None },
                Fact::Completed { output: Arc::new(input) },
            ] {
                crate::apply(&mut state, &fact).unwrap();
            }
            let written = serde_json::to_string(&state).unwrap().len() as u64;
            let weight = state.weight();
            assert!(weight >= written * 9 / 10 && weight <= written * 6, "{weight} for {written}");
        }
    }
}
