//! Time that stands still until it is told to pass.

use std::sync::atomic::{AtomicI64, Ordering};

use huiyin_engine::shell::Clock;
use jiff::Timestamp;

/// Milliseconds since the Unix epoch, set by the scenario.
pub struct VirtualClock(AtomicI64);

/// When scenarios begin, unless they say otherwise: a Monday, 08:00 UTC.
pub const BEGINNING: &str = "2026-03-02T08:00:00Z";

impl VirtualClock {
    /// It stands at [`BEGINNING`].
    pub fn new() -> VirtualClock {
        let beginning = BEGINNING.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        VirtualClock(AtomicI64::new(beginning.as_millisecond()))
    }

    /// Puts it to a moment; a due time within a millisecond is over by then.
    pub fn set(&self, to: Timestamp) {
        let late = i64::from(to.subsec_nanosecond() % 1_000_000 != 0);
        self.0.store(to.as_millisecond() + late, Ordering::SeqCst);
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        VirtualClock::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
