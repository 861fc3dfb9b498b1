//! First turns on the thread of whoever asked, where everything points to a few
//! microseconds: handing one to a worker and its outcome to the partition costs as
//! much as the turn. Such a thread may be one that a partition's loop and its
//! deadlines need, too, so it must never be held up: a turn with a call that is not
//! over when its guest has looked at the clock twice (ten milliseconds at the latest),
//! or with an expression that is not evaluated natively, is given up. Nothing has come
//! of it then, and a worker takes it anew.
//! Such turns are nobody's in the count of whose turn is next ([`crate::fair`]):
//! they are taken only while nobody waits, and they are few.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use huiyin_flow::{Evaluator, ExprError};
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

/// Places for runs that are under way like this.
pub(crate) fn places() -> Semaphore {
    Semaphore::new(UNDER_WAY)
}

impl Engine {
    /// A place for a run whose first turn may be taken on this thread; none where it is not known
    /// to be brief, or others wait for theirs.
    pub(crate) fn place_here(&self, deployed: &Deployed, input: &Value, now: Timestamp) -> Option<SemaphorePermit<'_>> {
        let fits =
            deployed.brief(now) && self.workers.waiting("").1 == 0 && huiyin_flow::more_than(input, INPUT).is_none();
        fits.then(|| self.places.try_acquire().ok())?
    }
}

/// What a turn in a hurry learns. It stands in for the evaluator, which may take a second.
#[derive(Debug, Default)]
pub struct Hurry(AtomicBool);

impl Hurry {
    /// What a turn may use then.
    pub(crate) fn budget(&self) -> Budget<'_> {
        Budget { time: Some(STRETCH), stretch: STEPS, hurry: Some(self), ..Budget::default() }
    }

    /// The turn would take longer than it may.
    pub(crate) fn give_up(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was given up: what came of it is nothing.
    pub(crate) fn gave_up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn refuse<T>(&self) -> Result<T, ExprError> {
        self.give_up();
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
