//! Faults on purpose, to show that the simulation finds them. Only under the
//! cargo feature `planted`, which no release can have (see `lib.rs`).

/// A fault on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// Effects leave before the records that caused them are durable.
    EarlyEffect,
    /// After a reload the timers of runs are not set again.
    LostTimer,
}
