//! First turns on the thread of whoever asked, where everything points to a few
//! microseconds: handing one to a worker and its outcome to the partition costs as
//! much as the turn. Such a thread may be one that a partition's loop and its
//! deadlines need, too, so it must never be held up: a turn with a call that is not
//! over when its guest has looked at the clock twice (some ten milliseconds) or that
//! is larger than brief ones are, or with an expression that is not evaluated natively,
//! is given up. Nothing has come of it then, and a worker takes it anew. Such turns
//! are nobody's in the count of whose turn is next ([`crate::fair`]): they are taken
//! only while nobody waits, and they are few.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use huiyin_flow::{Evaluator, ExprError};
use huiyin_sandbox::Limits;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::deployment::Deployed;
use crate::engine::Engine;
use crate::turn::Budget;

/// Runs that are under way like this at once. With more, workers send the outcomes
/// of several turns together, and whose turn is next is decided among the units.
const UNDER_WAY: usize = 32;

/// Interpreting ends after this long: what is left of the turn is a worker's.
const STRETCH: Duration = Duration::from_millis(1);

/// Steps of the interpreter between two looks at the clock.
const STEPS: u32 = 8;

/// The largest input, in bytes of JSON: it is written out here, too.
const INPUT: u64 = 4 << 10;

/// The largest arguments and the largest answer of a call, in bytes: they are read and written out here.
const VALUE: u64 = 64 << 10;

/// The most memory of a call, in bytes. Filling or copying it is one instruction, within
/// which a guest does not look at the clock.
const MEMORY: u64 = 8 << 20;

/// After a turn that was given up for a call none is taken here for so long, in milliseconds:
/// however many workflows there are whose calls last, they hold such threads one or two hundredths of the time.
const PAUSE_MS: i64 = 1_000;

/// What is known of the turns that are taken here.
#[derive(Debug)]
pub(crate) struct Here {
    places: Semaphore,
    taken: AtomicU64,
    /// From when on they are taken again, in milliseconds since the Unix epoch.
    again: AtomicI64,
}

impl Default for Here {
    fn default() -> Self {
        Here { places: Semaphore::new(UNDER_WAY), taken: AtomicU64::new(0), again: AtomicI64::new(i64::MIN) }
    }
}

impl Here {
    /// How many were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// One was taken.
    pub(crate) fn took(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// One of this workflow was given up.
    pub(crate) fn gave_up(&self, hurry: &Hurry, deployed: &Deployed, now: Timestamp) {
        deployed.not_brief(now);
        if hurry.called.load(Ordering::Relaxed) {
            self.again.store(now.as_millisecond().saturating_add(PAUSE_MS), Ordering::Relaxed);
        }
    }
}

impl Engine {
    /// A place for a run whose first turn may be taken on this thread; none where it is not known
    /// to be brief, or others wait for theirs.
    pub(crate) fn place_here(&self, deployed: &Deployed, input: &Value, now: Timestamp) -> Option<SemaphorePermit<'_>> {
        let fits = deployed.brief(now)
            && self.here.again.load(Ordering::Relaxed) <= now.as_millisecond()
            && self.workers.waiting("").1 == 0
            && huiyin_flow::more_than(input, INPUT).is_none();
        fits.then(|| self.here.places.try_acquire().ok())?
    }
}

/// The limits of a call here.
pub(crate) fn narrow(limits: &mut Limits) {
    limits.input_bytes = limits.input_bytes.min(VALUE);
    limits.output_bytes = limits.output_bytes.min(VALUE);
    limits.memory_bytes = limits.memory_bytes.min(MEMORY);
}

/// What a turn in a hurry learns. It stands in for the evaluator, which may take a second.
#[derive(Debug, Default)]
pub struct Hurry {
    gave_up: AtomicBool,
    /// For a call, which may have taken its time.
    called: AtomicBool,
}

impl Hurry {
    /// What a turn may use then.
    pub(crate) fn budget(&self) -> Budget<'_> {
        Budget { time: Some(STRETCH), stretch: STEPS, hurry: Some(self), ..Budget::default() }
    }

    /// A call failed, perhaps only for want of time.
    pub(crate) fn call_failed(&self) {
        self.called.store(true, Ordering::Relaxed);
        self.gave_up.store(true, Ordering::Relaxed);
    }

    /// Whether it was given up: what came of it is nothing.
    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up.load(Ordering::Relaxed)
    }

    fn refuse<T>(&self) -> Result<T, ExprError> {
        self.gave_up.store(true, Ordering::Relaxed);
        Err(ExprError::new("this takes its time"))
    }
}

impl Evaluator for Hurry {
    fn compile(&self, _program: &str, _vars: &[&str]) -> Result<(), ExprError> {
        self.refuse()
    }

    fn eval(&self, _program: &str, _input: &Value, _vars: &[(&str, &Value)]) -> Result<Value, ExprError> {
        self.refuse()
    }
}
