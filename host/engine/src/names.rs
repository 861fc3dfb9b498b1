//! In which partition the names stand that askers chose.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use huiyin_records::once;
use huiyin_records::state::State;

/// Names beyond those that the partitions remember, so that none is dropped that they still know.
const SPARE: usize = 100_000;

/// In which partition each name stands that an asker chose: ids of runs, keys of commands. One name
/// space over the host, however many partitions there are: filled from what they have on record,
/// and by each that asks.
#[derive(Default)]
pub(crate) struct Names(Mutex<Homes>);

#[derive(Default)]
struct Homes {
    at: HashMap<Arc<str>, usize>,
    order: VecDeque<Arc<str>>,
    most: usize,
}

impl Homes {
    fn put(&mut self, name: Arc<str>, at: usize) {
        if self.at.insert(Arc::clone(&name), at).is_none() {
            self.order.push_back(name);
        }
        while self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.at.remove(&oldest);
            }
        }
    }
}

impl Names {
    /// What stands where, as the partitions have it on record.
    pub(crate) fn of(loaded: &[State]) -> Names {
        let known = loaded.len() * (once::RUNS + once::COMMANDS);
        let ran = loaded.iter().map(|state| state.runs.len() + state.finished.len() + state.failed.len());
        let mut homes = Homes { most: known + ran.sum::<usize>() + SPARE, ..Homes::default() };
        for (at, state) in loaded.iter().enumerate() {
            let ended = state.finished.iter().chain(&state.failed).map(|run| &run.run);
            for run in state.runs.keys().chain(ended) {
                homes.put(once::run_name(run).into(), at);
            }
            for name in state.once.names() {
                homes.put(Arc::clone(name), at);
            }
        }
        Names(Mutex::new(homes))
    }

    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).at.get(name).copied()
    }

    /// Where a name stands; where proposed, if it is new.
    pub(crate) fn get_or(&self, name: &str, proposed: usize) -> usize {
        let mut homes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = homes.at.get(name) {
            return *at;
        }
        homes.put(name.into(), proposed);
        proposed
    }

    /// A name stands elsewhere from now on.
    pub(crate) fn put(&self, name: &str, at: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(name.into(), at);
    }
}
