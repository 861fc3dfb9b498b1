//! A partition come alive: its inbox, its journal, its timer around [`Commit`],
//! which says what may be done and when (rule 2).

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use huiyin_journal::{AppendFuture, Journal, JournalError};
use huiyin_views::Views;
use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::commit::{Commit, SNAPSHOT_EVERY, Step};
use crate::effects::Effects;
use crate::partition::{Activity, Core, Message, Snapshot, Work};
use crate::state::State;
use crate::worker::{self, Workers};

/// Messages taken in before the records they led to are handed to the journal.
const BATCH: usize = 512;

/// The longest sleep between two looks at the clock, so that a clock that was
/// set by hand is noticed.
const LOOK: Duration = Duration::from_secs(1);

/// The host's clock.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Looks at each effect just before it leaves: for tests that count what was
/// durable at that moment. The host itself sets none.
pub trait EgressWatch: Send + Sync {
    /// An effect leaves that needs all records up to this index of the log.
    fn leaving(&self, last_index: Option<u64>);
}

/// What a partition's shell works with.
pub struct Shell {
    /// The partition.
    pub partition: u32,
    /// The log.
    pub journal: Arc<dyn Journal>,
    /// The pool.
    pub workers: Arc<Workers>,
    /// The executor.
    pub effects: Arc<Effects>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The activity feed.
    pub activity: broadcast::Sender<Activity>,
    /// Watches what leaves.
    pub watch: Option<Arc<dyn EgressWatch>>,
    /// The partition's own inbox.
    pub inbox: mpsc::UnboundedSender<Message>,
    /// Where snapshots are kept; none for a host in memory.
    pub views: Option<Arc<Views>>,
    /// The last record in the latest snapshot.
    pub snapshot: u64,
    /// Asks the shell to stop.
    pub stop: CancellationToken,
}

/// Appends under way, in their order.
type Pending = FuturesOrdered<AppendFuture>;

impl Shell {
    /// Runs the partition until it is asked to stop or its journal fails.
    /// Gives back the core with everything durable.
    ///
    /// # Errors
    /// When an append failed. What was not durable has not left, and the
    /// state must be loaded anew.
    pub async fn run(self, core: Core, mut inbox: mpsc::UnboundedReceiver<Message>) -> Result<Core, Arc<JournalError>> {
        let mut pending: Pending = FuturesOrdered::new();
        let mut batch = Vec::with_capacity(BATCH);
        let mut commit = Commit::new(core);
        if self.views.is_some() {
            commit = commit.with_snapshots(SNAPSHOT_EVERY, self.snapshot);
        }
        self.take(commit.resume(self.clock.now()), &mut pending);
        let mut stopping = false;
        loop {
            if stopping && !commit.pending() {
                return Ok(commit.into_core());
            }
            let nap = self.nap(&commit);
            let room = !stopping && commit.room();
            tokio::select! {
                biased;
                Some(outcome) = pending.next(), if !pending.is_empty() => {
                    self.take(commit.appended(outcome).map_err(Arc::new)?, &mut pending);
                }
                () = self.stop.cancelled(), if !stopping => stopping = true,
                // What is left of a batch that filled the room.
                () = std::future::ready(()), if room && commit.backlog() => {
                    self.take(commit.take_in(self.clock.now()), &mut pending);
                }
                count = inbox.recv_many(&mut batch, BATCH), if room => {
                    if count == 0 {
                        stopping = true;
                    }
                    commit.receive(batch.drain(..));
                    self.take(commit.take_in(self.clock.now()), &mut pending);
                }
                () = tokio::time::sleep(nap), if room => {
                    self.take(commit.tick(self.clock.now()), &mut pending);
                }
            }
        }
    }

    fn nap(&self, commit: &Commit) -> Duration {
        let Some(wake) = commit.next_wake() else { return LOOK };
        let left = wake.duration_since(self.clock.now());
        Duration::try_from(left).unwrap_or(Duration::ZERO).min(LOOK)
    }

    /// Does what is to be done, in its order.
    fn take(&self, steps: Vec<Step>, pending: &mut Pending) {
        for step in steps {
            match step {
                Step::Snapshot(state) => self.snapshot_aside(*state),
                Step::Append { expected, drafts } => {
                    pending.push_back(self.journal.append(self.partition, expected, drafts));
                }
                Step::Turn(job) => {
                    let inbox = self.inbox.clone();
                    self.workers.run(move |house| {
                        let done = worker::take_turn(*job, house);
                        // Fails only when the partition is gone, and with it the turn.
                        let _ = inbox.send(Message::Turn(Box::new(done)));
                    });
                }
                Step::Release { work, last_index } => self.release(work, last_index),
            }
        }
    }

    /// Writes a state out beside the loop; a copy of it costs next to nothing.
    fn snapshot_aside(&self, state: State) {
        let (inbox, partition) = (self.inbox.clone(), self.partition);
        tokio::task::spawn_blocking(move || match Snapshot::of(&state) {
            Ok(snapshot) => drop(inbox.send(Message::Snapshot(snapshot))),
            Err(error) => tracing::warn!(partition, %error, "a snapshot does not encode"),
        });
    }

    fn release(&self, work: Work, last_index: Option<u64>) {
        match work {
            Work::Effect(job) => {
                let (effects, inbox) = (Arc::clone(&self.effects), self.inbox.clone());
                self.leaving(last_index);
                tokio::spawn(async move {
                    let _ = inbox.send(Message::Effect(effects.effect_or_unknown(*job).await));
                });
            }
            Work::Poll(job) => {
                let (effects, inbox) = (Arc::clone(&self.effects), self.inbox.clone());
                self.leaving(last_index);
                tokio::spawn(async move {
                    let _ = inbox.send(Message::Page(effects.poll_or_error(job).await));
                });
            }
            Work::Tell(tell) => {
                self.leaving(last_index);
                tell(Ok(()));
            }
            Work::Keep(snapshot) => {
                if let Some(views) = self.views.clone() {
                    let partition = self.partition;
                    tokio::task::spawn_blocking(move || keep(&views, partition, &snapshot));
                }
            }
            Work::Show(activity) => {
                // Nobody watching is no fault.
                let _ = self.activity.send(activity);
            }
            Work::Turn(_) => {}
        }
    }

    fn leaving(&self, last_index: Option<u64>) {
        if let Some(watch) = &self.watch {
            watch.leaving(last_index);
        }
    }
}

/// Keeps a snapshot, so that the next start need not read the whole journal.
/// Losing it loses nothing.
pub(crate) fn keep(views: &Views, partition: u32, snapshot: &Snapshot) {
    if let Err(error) = views.put_snapshot(partition, snapshot.seq, &snapshot.bytes) {
        tracing::warn!(partition, %error, "no snapshot was kept; the next start reads the journal instead");
    }
}
