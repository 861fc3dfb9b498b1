//! The place where appends take their turn: the only lock an append holds.
//!
//! A batch gets its sequence numbers and tree indexes here, in the order of the calls. After a
//! failure nothing gets a place any more, since places already given will never be filled.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::prepare::Prepared;
use crate::ring::lock;
use crate::{Appended, JournalError};

/// A batch with its place.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Prepared>,
    pub(crate) appended: Appended,
    pub(crate) bytes: u64,
    pub(crate) reply: oneshot::Sender<Result<Appended, JournalError>>,
}

#[derive(Debug, Default)]
struct State {
    batches: VecDeque<Batch>,
    /// Bytes waiting or being written.
    bytes: u64,
    next_index: u64,
    last: HashMap<u32, u64>,
    poisoned: Option<String>,
    stopping: bool,
    /// The writer sleeps: whoever brings work wakes it.
    idle: bool,
}

impl State {
    /// Takes out the next group: up to about `limit` bytes.
    fn group(&mut self, limit: u64) -> Vec<Batch> {
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(batch) = self.batches.front() {
            if !group.is_empty() && bytes + batch.bytes > limit {
                break;
            }
            bytes += batch.bytes;
            group.extend(self.batches.pop_front());
        }
        group
    }
}

/// The queue between appenders and the writer.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    limit: u64,
}

impl Queue {
    pub(crate) fn new(limit: u64, next_index: u64, last: HashMap<u32, u64>) -> Self {
        Self { state: Mutex::new(State { next_index, last, ..State::default() }), wake: Condvar::new(), limit }
    }

    /// Gives `records` their place, or says why not.
    pub(crate) fn push(
        &self,
        partition: u32,
        expected: u64,
        records: Vec<Prepared>,
        reply: oneshot::Sender<Result<Appended, JournalError>>,
    ) -> Result<(), JournalError> {
        let bytes = records.iter().map(Prepared::cost).sum();
        let count = records.len() as u64;
        let mut state = lock(&self.state);
        if let Some(cause) = &state.poisoned {
            return Err(JournalError::Poisoned { cause: cause.clone() });
        }
        let found = state.last.get(&partition).copied().unwrap_or(0);
        if found != expected {
            return Err(JournalError::Behind { partition, expected, found });
        }
        // A batch larger than the whole limit may pass when it is alone.
        if state.bytes > 0 && state.bytes + bytes > self.limit {
            return Err(JournalError::Busy { queued: state.bytes + bytes, limit: self.limit });
        }
        let appended = Appended {
            partition,
            first_seq: found + 1,
            last_seq: found + count,
            last_index: state.next_index + count - 1,
        };
        state.next_index += count;
        state.last.insert(partition, appended.last_seq);
        state.bytes += bytes;
        state.batches.push_back(Batch { records, appended, bytes, reply });
        let idle = std::mem::take(&mut state.idle);
        // Awake under the lock it would wait for it first.
        drop(state);
        if idle {
            self.wake.notify_one();
        }
        Ok(())
    }

    pub(crate) fn last_seq(&self, partition: u32) -> u64 {
        lock(&self.state).last.get(&partition).copied().unwrap_or(0)
    }

    /// Why the queue takes nothing more, if so.
    pub(crate) fn poisoned(&self) -> Option<JournalError> {
        lock(&self.state).poisoned.clone().map(|cause| JournalError::Poisoned { cause })
    }

    /// Waits for work and takes up to about `limit` bytes of it; none when the queue was stopped
    /// and is empty.
    pub(crate) fn take(&self, limit: u64) -> Option<Vec<Batch>> {
        let mut state = lock(&self.state);
        while state.batches.is_empty() {
            if state.stopping {
                return None;
            }
            state.idle = true;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Some(state.group(limit))
    }

    /// The same without waiting; none when nothing waits.
    #[cfg(feature = "faults")]
    pub(crate) fn take_now(&self, limit: u64) -> Option<Vec<Batch>> {
        let mut state = lock(&self.state);
        (!state.batches.is_empty()).then(|| state.group(limit))
    }

    /// Whether a batch waits.
    #[cfg(feature = "faults")]
    pub(crate) fn waiting(&self) -> bool {
        !lock(&self.state).batches.is_empty()
    }

    /// The bytes of a written group no longer wait.
    pub(crate) fn done(&self, bytes: u64) {
        let mut state = lock(&self.state);
        state.bytes = state.bytes.saturating_sub(bytes);
    }

    /// Refuses everything from now on and fails what waits.
    pub(crate) fn poison(&self, cause: &str) {
        let waiting = {
            let mut state = lock(&self.state);
            state.poisoned.get_or_insert_with(|| cause.to_owned());
            state.bytes = 0;
            std::mem::take(&mut state.batches)
        };
        for batch in waiting {
            // Nobody may be waiting any more; that is their choice.
            let _ = batch.reply.send(Err(JournalError::Poisoned { cause: cause.to_owned() }));
        }
    }

    /// Lets the writer end once the queue is empty.
    pub(crate) fn stop(&self) {
        lock(&self.state).stopping = true;
        self.wake.notify_all();
    }
}
