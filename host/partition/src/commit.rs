//! The output-commit rule (rule 2) as a machine without I/O: messages go into
//! the partition's [`PartitionCore`]; steps come out in the order in which they must be
//! taken. What the records of an append allow is given out once that append is
//! known to be durable, and not before; if it failed, nothing of it ever is.
//! The live shell and the simulated host drive this same code.

use std::collections::VecDeque;

use huiyin_journal_types::{Appended, Draft};
use huiyin_records::state::State;
use jiff::Timestamp;

use crate::canary::CanaryJob;
use crate::partition::{JudgeJob, Message, Output, PartitionCore, Refusal, TurnJob, Work};

/// Appends under way; beyond this the partition takes nothing more in (rule 11).
const UNDURABLE: usize = 1_024;

/// The same in bytes of records.
const UNDURABLE_BYTES: u64 = 16 << 20;

/// Bytes of records after which they are handed to the journal, whatever else came in.
const HAND_OVER: u64 = 4 << 20;

/// Bytes of records in one append, well below what the journal takes at once.
/// Only the consequences of one single message can be more: then they come in
/// several appends.
const APPEND: u64 = 16 << 20;

/// Records between two snapshots.
pub const SNAPSHOT_EVERY: u64 = 50_000;

/// What is to be done, in this order.
pub enum Step {
    /// Write a copy of this state out, and send it in as a snapshot.
    Snapshot(Box<State>),
    /// Append these records; [`Commit::appended`] is told how it went, in the
    /// order of the appends.
    Append {
        /// The partition's last record before them.
        expected: u64,
        /// The records.
        drafts: Vec<Draft>,
    },
    /// Let a worker take a turn: pure, so it need not wait.
    Turn(Box<TurnJob>),
    /// Let a worker evaluate filters: pure, so it need not wait.
    Judge(JudgeJob),
    /// Let a worker make a call with a canary: pure, so it need not wait.
    Canary(Box<CanaryJob>),
    /// This may leave the partition now.
    Release {
        /// What.
        work: Work,
        /// The place in the tree of the last record it may depend on; none
        /// where nothing was appended since the start.
        last_index: Option<u64>,
    },
}

/// What waits for one append, or for those before it.
struct Waiting {
    /// False where nothing was appended: it only keeps its place in the order.
    append: bool,
    works: Vec<Work>,
    bytes: u64,
}

/// A partition's decisions with the rule about when they may be known.
pub struct Commit {
    core: PartitionCore,
    backlog: VecDeque<Message>,
    waiting: VecDeque<Waiting>,
    steps: Vec<Step>,
    /// The last record handed to the journal.
    seq: u64,
    /// Bytes of records under way.
    undurable: u64,
    /// The place of the last record that is known to be durable.
    last_index: Option<u64>,
    /// How often a snapshot is taken, and the last record in the latest one.
    snapshots: Option<(u64, u64)>,
    /// A fault on purpose, to show that the tests find it.
    #[cfg(feature = "planted")]
    planted: Option<crate::planted::Planted>,
}

impl Commit {
    /// Around a core with everything durable.
    pub fn new(core: PartitionCore) -> Commit {
        let seq = core.state().seq;
        Commit {
            core,
            backlog: VecDeque::new(),
            waiting: VecDeque::new(),
            steps: Vec::new(),
            seq,
            undurable: 0,
            last_index: None,
            snapshots: None,
            #[cfg(feature = "planted")]
            planted: None,
        }
    }

    /// With a snapshot every so many records; `latest` is the last record in
    /// the one that there is.
    #[must_use]
    pub fn with_snapshots(mut self, every: u64, latest: u64) -> Commit {
        self.snapshots = Some((every, latest));
        self
    }

    /// With a fault on purpose.
    #[cfg(feature = "planted")]
    #[must_use]
    pub fn with_planted(mut self, planted: Option<crate::planted::Planted>) -> Commit {
        self.planted = planted;
        self.core.plant(planted);
        self
    }

    /// The decisions.
    pub fn core(&self) -> &PartitionCore {
        &self.core
    }

    /// The decisions, at the end.
    pub fn into_core(self) -> PartitionCore {
        self.core
    }

    /// When `tick` must be called next.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.core.next_wake()
    }

    /// True while more may be taken in.
    pub fn room(&self) -> bool {
        self.waiting.len() < UNDURABLE && self.undurable < UNDURABLE_BYTES
    }

    /// True while messages are here that were not taken in.
    pub fn backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// True while something waits for the journal.
    pub fn pending(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Puts the partition to work after its state was loaded.
    pub fn resume(&mut self, now: Timestamp) -> Vec<Step> {
        self.core.resume(now);
        self.flush()
    }

    /// Messages that came in, in their order. [`Commit::take_in`] looks at them.
    pub fn receive(&mut self, messages: impl IntoIterator<Item = Message>) {
        self.backlog.extend(messages);
    }

    /// Takes in messages until they led to enough records for one append.
    pub fn take_in(&mut self, now: Timestamp) -> Vec<Step> {
        while self.core.drafted() < HAND_OVER
            && let Some(message) = self.backlog.pop_front()
        {
            self.core.handle(message, now);
        }
        self.tick(now)
    }

    /// Fires what is due.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Step> {
        self.core.tick(now);
        self.flush()
    }

    /// How the earliest append went of which nothing was known yet.
    ///
    /// # Errors
    /// When it failed. Everybody who waited is told; nothing else that waited
    /// leaves, ever, and the state must be loaded anew.
    pub fn appended<E: std::fmt::Display>(&mut self, outcome: Result<Appended, E>) -> Result<Vec<Step>, E> {
        let done = match outcome {
            Ok(done) => done,
            Err(error) => {
                for work in self.waiting.drain(..).flat_map(|waiting| waiting.works) {
                    if let Work::Tell(tell) = work {
                        tell(Err(Refusal::Store(error.to_string())));
                    }
                }
                return Err(error);
            }
        };
        self.last_index = Some(done.last_index);
        if let Some(first) = self.waiting.pop_front() {
            self.undurable = self.undurable.saturating_sub(first.bytes);
            self.release(first.works);
        }
        while let Some(next) = self.waiting.pop_front_if(|waiting| !waiting.append) {
            self.release(next.works);
        }
        Ok(std::mem::take(&mut self.steps))
    }

    fn release(&mut self, works: Vec<Work>) {
        let last_index = self.last_index;
        self.steps.extend(works.into_iter().map(|work| Step::Release { work, last_index }));
    }

    /// Hands the records over and keeps what must wait for them.
    fn flush(&mut self) -> Vec<Step> {
        let Output { drafts, bytes, now, mut durable } = self.core.take();
        self.undurable += bytes;
        if drafts.is_empty() {
            if self.waiting.is_empty() {
                self.release(durable);
            } else if !durable.is_empty() {
                self.waiting.push_back(Waiting { append: false, works: durable, bytes: 0 });
            }
        } else {
            let mut expected = self.seq;
            self.seq += drafts.len() as u64;
            if let Some((every, latest)) = &mut self.snapshots
                && self.seq - *latest >= *every
            {
                *latest = self.seq;
                // Of the desk a copy costs next to nothing; of the runs and sources beside it, as much as they are many.
                self.steps.push(Step::Snapshot(Box::new(self.core.state().clone())));
            }
            let mut portions = portions(drafts).into_iter().peekable();
            while let Some((drafts, bytes)) = portions.next() {
                let records = drafts.len() as u64;
                self.steps.push(Step::Append { expected, drafts });
                expected += records;
                // What waits, waits for the last of them.
                let works = if portions.peek().is_none() { std::mem::take(&mut durable) } else { Vec::new() };
                #[cfg(feature = "planted")]
                let works = self.without_early(works);
                self.waiting.push_back(Waiting { append: true, works, bytes });
            }
        }
        self.steps.extend(now.into_iter().filter_map(|work| match work {
            Work::Turn(job) => Some(Step::Turn(job)),
            Work::Judge(job) => Some(Step::Judge(job)),
            Work::Canary(job) => Some(Step::Canary(job)),
            _ => None,
        }));
        std::mem::take(&mut self.steps)
    }

    /// The planted bug: effects do not wait for their records.
    #[cfg(feature = "planted")]
    fn without_early(&mut self, works: Vec<Work>) -> Vec<Work> {
        if self.planted != Some(crate::planted::Planted::EarlyEffect) {
            return works;
        }
        let (early, works) = works.into_iter().partition(|work| matches!(work, Work::Effect(_) | Work::Poll(_)));
        self.release(early);
        works
    }
}

/// Records as the journal takes them at once, in their order; nearly always in one.
pub fn portions(drafts: Vec<Draft>) -> Vec<(Vec<Draft>, u64)> {
    let mut all = Vec::with_capacity(1);
    let mut portion = Vec::with_capacity(drafts.len());
    let mut bytes = 0;
    for draft in drafts {
        let size = draft.payload.len() as u64;
        if bytes > 0 && bytes + size > APPEND {
            all.push((std::mem::take(&mut portion), std::mem::take(&mut bytes)));
        }
        bytes += size;
        portion.push(draft);
    }
    all.push((portion, bytes));
    all
}
