//! First turns on the thread of whoever asked, where everything points to a few
//! microseconds: handing one to a worker and its outcome to the partition costs as
//! much as the turn. Such a thread may be one that a partition's loop and its
//! deadlines need, too, so it must never be held up: a turn with a call that is not
//! over when its guest has looked at the clock twice (some ten milliseconds) or that
//! is larger than brief ones are, or with an expression that is not evaluated natively,
//! is given up. Nothing has come of it then, and a worker takes it anew. Such turns
//! are nobody's in the count of whose turn is next ([`huiyin_fairness`]): they are taken
//! only while nobody waits, and they are few.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use huiyin_partition::deployed::Deployed;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::inline_budget::InlineBudget;

/// Runs that are under way like this at once. With more, workers send the outcomes
/// of several turns together, and whose turn is next is decided among the units.
const UNDER_WAY: usize = 32;

/// The largest input, in bytes of JSON: it is written out here, too.
const INPUT: u64 = 4 << 10;

/// After a turn that was given up for a call none is taken here for so long, in milliseconds:
/// however many workflows there are whose calls last, they hold such threads one or two hundredths of the time.
const PAUSE_MS: i64 = 1_000;

/// What is known of the turns that are taken here.
#[derive(Debug)]
pub(crate) struct InlineTurns {
    places: Semaphore,
    taken: AtomicU64,
    /// From when on they are taken again, in milliseconds since the Unix epoch.
    again: AtomicI64,
}

impl Default for InlineTurns {
    fn default() -> Self {
        InlineTurns { places: Semaphore::new(UNDER_WAY), taken: AtomicU64::new(0), again: AtomicI64::new(i64::MIN) }
    }
}

impl InlineTurns {
    /// How many were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// One was taken.
    pub(crate) fn took(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// A place for a run whose first turn may be taken on this thread; none where it is not known
    /// to be brief, or others wait for theirs.
    pub(crate) fn place(
        &self,
        deployed: &Deployed,
        input: &Value,
        now: Timestamp,
        waiting: usize,
    ) -> Option<SemaphorePermit<'_>> {
        let fits = deployed.first_turns.brief(now)
            && self.again.load(Ordering::Relaxed) <= now.as_millisecond()
            && waiting == 0
            && huiyin_flow::more_than(input, INPUT).is_none();
        fits.then(|| self.places.try_acquire().ok())?
    }

    /// One of this workflow was given up.
    pub(crate) fn gave_up(&self, budget: &InlineBudget, deployed: &Deployed, now: Timestamp) {
        deployed.first_turns.not_brief(now);
        if budget.called() {
            self.again.store(now.as_millisecond().saturating_add(PAUSE_MS), Ordering::Relaxed);
        }
    }
}
