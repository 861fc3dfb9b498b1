//! Where workers sit: since when each is at its job, and the answers of quick
//! jobs that it still holds. Nothing here may know what a job does, or keep an
//! answer once its worker has nothing to do, or something slow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use huiyin_partition::partition::Message;
use tokio::sync::mpsc::UnboundedSender;

use huiyin_fairness::micros;

/// A job that takes longer no longer counts against the jobs that may run at
/// once, so that a few slow plugins do not hold up the others.
const SLOW: Duration = Duration::from_millis(10);

/// What a quick job leads to, and whose loop is to hear of it.
pub(crate) struct Answer {
    pub(crate) inbox: UnboundedSender<Message>,
    pub(crate) message: Message,
}

impl Answer {
    fn send(self) {
        // Fails only when the partition is gone; the reply is dropped then, and says so.
        let _ = self.inbox.send(self.message);
    }
}

/// One worker's place.
#[derive(Default)]
pub(crate) struct Seat {
    /// What the worker is at, in one word: 0 for nothing; else when its job
    /// began, in microseconds since the pool did, doubled, and 1 more once the
    /// job was slow and its place given on. One word, so that end and giving on
    /// cannot cross.
    job: AtomicU64,
    held: Mutex<Vec<Answer>>,
}

impl Seat {
    /// A job begins, so many microseconds after the pool; not at 0.
    pub(crate) fn begin(&self, at: u64) {
        self.job.store(at << 1, Ordering::Release);
    }

    /// The job is done; whether the worker still has its place.
    pub(crate) fn end(&self) -> bool {
        self.job.swap(0, Ordering::AcqRel) & 1 == 0
    }

    /// Keeps an answer until there are so many, or [`Seat::send`] is called.
    pub(crate) fn hold(&self, answer: Answer, most: usize) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push(answer);
        if held.len() >= most {
            held.drain(..).for_each(Answer::send);
        }
    }

    /// Sends the answers that are held, in their order.
    pub(crate) fn send(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.drain(..).for_each(Answer::send);
    }

    /// Whether the job has become slow by now; true once for each job. What
    /// the worker held does not wait for it.
    pub(crate) fn slow(&self, now: u64) -> bool {
        let seen = self.job.load(Ordering::Acquire);
        let slow = seen != 0 && seen & 1 == 0 && now.saturating_sub(seen >> 1) > micros(SLOW);
        let given = slow && self.job.compare_exchange(seen, seen | 1, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if given {
            self.send();
        }
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(inbox: &UnboundedSender<Message>, id: usize) -> Answer {
        Answer { inbox: inbox.clone(), message: Message::Relayed { id: id.to_string() } }
    }

    fn sent(told: &mut tokio::sync::mpsc::UnboundedReceiver<Message>) -> Vec<String> {
        let id = |message| match message {
            Message::Relayed { id } => id,
            _ => String::new(),
        };
        std::iter::from_fn(|| told.try_recv().ok()).map(id).collect()
    }

    #[test]
    fn answers_are_sent_in_their_order_and_no_more_than_some_are_held() {
        let (inbox, mut told) = tokio::sync::mpsc::unbounded_channel();
        let seat = Seat::default();
        (1..4).for_each(|n| seat.hold(answer(&inbox, n), 4));
        assert_eq!(sent(&mut told), Vec::<String>::new());
        seat.hold(answer(&inbox, 4), 4);
        assert_eq!(sent(&mut told), ["1", "2", "3", "4"]);
        seat.hold(answer(&inbox, 5), 4);
        seat.hold(answer(&inbox, 6), 1);
        assert_eq!(sent(&mut told), ["5", "6"]);
        seat.hold(answer(&inbox, 9), 4);
        seat.send();
        seat.send();
        assert_eq!(sent(&mut told), ["9"]);
    }

    #[test]
    fn a_slow_job_is_found_once_and_holds_nothing_up() {
        let (inbox, mut told) = tokio::sync::mpsc::unbounded_channel();
        let seat = Seat::default();
        let late = micros(SLOW) + 2;
        seat.hold(answer(&inbox, 1), 2);
        // Between two jobs nobody is slow.
        assert!(!seat.slow(late));
        seat.begin(1);
        assert!(!seat.slow(2));
        assert_eq!(sent(&mut told), Vec::<String>::new());
        assert!(seat.slow(late));
        assert_eq!(sent(&mut told), ["1"]);
        assert!(!seat.slow(late + 1));
        assert!(!seat.end());
        seat.begin(late);
        assert!(seat.end());
    }
}
