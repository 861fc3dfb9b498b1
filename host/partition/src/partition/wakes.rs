//! When the partition must be woken: one time for each thing that waits.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Wake;

/// The times at which something is due. Setting a wake again moves it.
#[derive(Default)]
pub(super) struct Wakes {
    by_time: BTreeSet<(Timestamp, Wake)>,
    by_wake: BTreeMap<Wake, Timestamp>,
}

impl Wakes {
    pub(super) fn set(&mut self, wake: Wake, at: Timestamp) {
        if let Some(old) = self.by_wake.insert(wake.clone(), at) {
            self.by_time.remove(&(old, wake.clone()));
        }
        self.by_time.insert((at, wake));
    }

    pub(super) fn clear(&mut self, wake: &Wake) {
        if let Some(old) = self.by_wake.remove(wake) {
            self.by_time.remove(&(old, wake.clone()));
        }
    }

    /// Forgets every timer of a run.
    pub(super) fn clear_run(&mut self, run: &str) {
        let gone: Vec<Wake> = self
            .by_wake
            .range(Wake::Run(run.to_owned(), huiyin_flow::TimerId(0))..)
            .map(|(wake, _)| wake)
            .take_while(|wake| matches!(wake, Wake::Run(r, _) if r == run))
            .cloned()
            .collect();
        for wake in gone {
            self.clear(&wake);
        }
    }

    /// The planted bug: no run's timer is set any more.
    #[cfg(feature = "planted")]
    pub(super) fn lose_runs(&mut self) {
        self.by_wake.retain(|wake, _| !matches!(wake, Wake::Run(..)));
        self.by_time.retain(|(_, wake)| !matches!(wake, Wake::Run(..)));
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out everything due at `now`, earliest first.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Wake> {
        let mut due = Vec::new();
        while let Some((at, wake)) = self.by_time.first().cloned() {
            if at > now {
                break;
            }
            self.by_time.pop_first();
            self.by_wake.remove(&wake);
            due.push(wake);
        }
        due
    }
}
