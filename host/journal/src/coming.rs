//! Who is about to append. While somebody is, the writer waits a moment for a fuller group: a sync
//! for each record costs more than the record does. What is said here is a hint: it must never
//! decide what is durable, and never hold a group up for longer than [`PATIENCE`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The longest that records wait for those that are about to come: some syncs of a good disk.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1);

/// Records that wait for no more. Those that come during a sync are in the next group anyway; with
/// more here, the cores would idle while all wait for the last (`docs/decisions/0003`).
pub(crate) const FULL: usize = 4;

/// Somebody is about to append something small, within a millisecond or so: until this is dropped,
/// which is best done just before the append.
#[derive(Debug, Default)]
pub struct Coming(Option<Arc<AtomicUsize>>);

impl Drop for Coming {
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// How many are about to append.
#[derive(Debug, Default)]
pub(crate) struct Expected(Arc<AtomicUsize>);

impl Expected {
    pub(crate) fn one(&self) -> Coming {
        self.0.fetch_add(1, Ordering::AcqRel);
        Coming(Some(Arc::clone(&self.0)))
    }

    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}
