//! How long the first turns of a workflow's runs take, as far as the last one tells: whether they may be taken
//! ahead of the run's start, and on the thread of whoever asked.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// A first turn that takes longer is not taken ahead of the run's start: until
/// the start is on record nobody sees the run, nor can stop it.
const QUICK: Duration = Duration::from_millis(5);

/// Where the last one took no longer, whoever asked takes the next.
const BRIEF: Duration = Duration::from_micros(500);

/// How long they are not, once one was given up there.
const NOT_BRIEF_SECONDS: i64 = 60;

/// No first turn yet.
const NONE: u64 = u64::MAX;

/// What is known of a workflow's first turns. Threads may tell and ask at once; what is read may be a moment old.
#[derive(Debug)]
pub struct InlineEstimate {
    /// What the last one took, in microseconds; [`NONE`] before there was one.
    took: AtomicU64,
    /// Until then they are known not to be brief, in seconds of Unix time.
    not_brief: AtomicI64,
    never_brief: bool,
}

impl InlineEstimate {
    /// Before there was one; none is ever brief if they are `never`.
    pub fn new(never: bool) -> InlineEstimate {
        InlineEstimate { took: AtomicU64::new(NONE), not_brief: AtomicI64::new(i64::MIN), never_brief: never }
    }

    /// Whether they are over within five milliseconds; not, until there was one.
    pub fn quick(&self) -> bool {
        self.took.load(Ordering::Relaxed) <= micros(QUICK)
    }

    /// Whether they are over within half a millisecond, so that handing them to a worker would cost more.
    pub fn brief(&self, now: Timestamp) -> bool {
        !self.never_brief
            && self.took.load(Ordering::Relaxed) <= micros(BRIEF)
            && self.not_brief.load(Ordering::Relaxed) <= now.as_second()
    }

    /// One that was thought to be brief was not; they are not, for a minute.
    pub fn not_brief(&self, now: Timestamp) {
        self.not_brief.store(now.as_second().saturating_add(NOT_BRIEF_SECONDS), Ordering::Relaxed);
    }

    /// One took so long.
    pub fn took(&self, time: Duration) {
        self.took.store(micros(time), Ordering::Relaxed);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
