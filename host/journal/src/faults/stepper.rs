//! The journal's writer, step by step: the same code as its thread runs, at the moments that a
//! scheduler chooses.

use crate::writer::{GROUP_BYTES, Writer};

/// Runs the writer of one journal by hand.
#[derive(Debug)]
pub struct Stepper {
    /// None once it has failed.
    writer: Option<Writer>,
}

impl Stepper {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer: Some(writer) }
    }

    /// Whether there is something to write.
    pub fn waiting(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| writer.shared.queue.waiting())
    }

    /// Takes what waits, writes one frame, syncs once and tells who waits. False if there was
    /// nothing to do, or if it failed, now or before.
    pub fn step(&mut self) -> bool {
        let Some(writer) = &mut self.writer else { return false };
        let Some(group) = writer.shared.queue.take_now(GROUP_BYTES) else { return false };
        let done = writer.turn(group);
        if !done {
            self.writer = None;
        }
        done
    }

    /// Writes what waits and closes the journal cleanly.
    pub fn close(mut self) {
        while self.step() {}
        if let Some(writer) = self.writer {
            writer.end();
        }
    }
}
