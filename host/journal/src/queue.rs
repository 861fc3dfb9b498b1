//! The place where appends take their turn: the only lock an append holds.
//!
//! A batch gets its sequence numbers and tree indexes here, in the order of the calls. After a
//! failure nothing gets a place any more, since places already given will never be filled.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::coming::{Coming, Expected, FULL, PATIENCE};
use crate::prepare::Prepared;
use crate::ring::lock;
use crate::writer::GROUP_BYTES;
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
    /// Records waiting.
    records: usize,
    /// Bytes waiting or being written.
    bytes: u64,
    next_index: u64,
    last: HashMap<u32, u64>,
    poisoned: Option<String>,
    stopping: bool,
    writer: Doing,
}

/// What the writer's thread does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Doing {
    #[default]
    Writing,
    /// It sleeps: whoever brings work wakes it.
    Sleeping,
    /// It waits for a fuller group: whoever fills it wakes it, or comes as the last.
    Waiting,
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
            self.records = self.records.saturating_sub(batch.records.len());
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
    expected: Expected,
    patience: Duration,
}

impl Queue {
    pub(crate) fn new(limit: u64, next_index: u64, last: HashMap<u32, u64>) -> Self {
        let state = Mutex::new(State { next_index, last, ..State::default() });
        Self { state, wake: Condvar::new(), limit, expected: Expected::default(), patience: PATIENCE }
    }

    /// Until it is dropped somebody is about to append.
    pub(crate) fn coming(&self) -> Coming {
        self.expected.one()
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
        state.records += count as usize;
        let wakes = match state.writer {
            Doing::Writing => false,
            Doing::Sleeping => true,
            Doing::Waiting => state.records >= FULL || state.bytes >= GROUP_BYTES || !self.expected.any(),
        };
        if wakes {
            state.writer = Doing::Writing;
        }
        // Awake under the lock it would wait for it first.
        drop(state);
        if wakes {
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

    /// Waits for work, and for a moment while more is about to come, and takes up to about `limit`
    /// bytes of it; none when the queue was stopped and is empty.
    pub(crate) fn take(&self, limit: u64) -> Option<Vec<Batch>> {
        let mut state = lock(&self.state);
        while state.batches.is_empty() {
            if state.stopping {
                return None;
            }
            state.writer = Doing::Sleeping;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut until = None;
        while self.expected.any() && state.records < FULL && state.bytes < limit && !state.stopping {
            let now = Instant::now();
            let left = until.get_or_insert(now + self.patience).saturating_duration_since(now);
            if left.is_zero() {
                break;
            }
            state.writer = Doing::Waiting;
            (state, _) = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
        state.writer = Doing::Writing;
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
            (state.bytes, state.records) = (0, 0);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::Draft;
    use crate::seal::DataKey;

    const LIMIT: u64 = 1 << 20;

    fn queue(patience: Duration) -> Arc<Queue> {
        Arc::new(Queue { patience, ..Queue::new(LIMIT, 0, HashMap::new()) })
    }

    /// Appends one record of the first partition.
    fn push(queue: &Queue) {
        let draft = Draft {
            kind: "huiyin.run.turn.v1".into(),
            subject: "run/1".into(),
            time: Timestamp::UNIX_EPOCH,
            actor: "system:engine".into(),
            unit: None,
            causation: None,
            key: "host".into(),
            payload: b"{}".to_vec(),
        };
        let record = Prepared::new(draft, 100, Arc::new(DataKey::new("host~1".into(), &[7; 32]))).unwrap();
        queue.push(1, queue.last_seq(1), vec![record], oneshot::channel().0).unwrap();
    }

    /// How many records the next group has.
    fn taken(queue: &Queue) -> usize {
        queue.take(LIMIT).unwrap().iter().map(|batch| batch.records.len()).sum()
    }

    /// No test waits for so long, unless it is to fail.
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_group_waits_for_those_that_are_about_to_come() {
        let queue = queue(LONG);
        let (first, second) = (queue.coming(), queue.coming());
        let group = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || taken(&queue)
        });
        drop(first);
        push(&queue);
        while lock(&queue.state).writer != Doing::Waiting {
            std::thread::yield_now();
        }
        drop(second);
        push(&queue);
        assert_eq!(group.join().unwrap(), 2);
    }

    #[test]
    fn nobody_is_waited_for_without_end() {
        let queue = queue(Duration::from_millis(1));
        let _never = queue.coming();
        push(&queue);
        assert_eq!(taken(&queue), 1);
    }

    #[test]
    fn a_full_group_a_stop_and_an_empty_house_wait_for_nobody() {
        let queue = queue(LONG);
        push(&queue);
        assert_eq!(taken(&queue), 1, "nobody is about to come");
        let _never = queue.coming();
        for _ in 0..FULL {
            push(&queue);
        }
        assert_eq!(taken(&queue), FULL);
        push(&queue);
        queue.stop();
        assert_eq!(taken(&queue), 1);
        assert!(queue.take(LIMIT).is_none());
    }
}
