//! A partition come alive: its inbox, its journal, its timer around the
//! decisions of [`Core`]. Effects and replies are released here, and only
//! here, once the records before them are durable (rule 2).

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use huiyin_journal::{Journal, JournalError};
use huiyin_views::Views;
use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::effects::Effects;
use crate::partition::{Activity, Core, Message, Output, Refusal, Snapshot, Work};
use crate::state::State;
use crate::worker::{self, Workers};

/// Messages taken in before the records they led to are handed to the journal.
const BATCH: usize = 512;

/// Appends under way; beyond this the partition takes nothing more in (rule 11).
const UNDURABLE: usize = 1_024;

/// Records between two snapshots.
const SNAPSHOT_EVERY: u64 = 50_000;

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

type Durable = (Result<Option<u64>, Arc<JournalError>>, Vec<Work>);

impl Shell {
    /// Runs the partition until it is asked to stop or its journal fails.
    /// Gives back the core with everything durable.
    ///
    /// # Errors
    /// When an append failed. What was not durable has not left, and the
    /// state must be loaded anew.
    pub async fn run(mut self, mut core: Core, mut inbox: mpsc::UnboundedReceiver<Message>) -> Result<Core, Arc<JournalError>> {
        let mut pending: FuturesOrdered<futures::future::BoxFuture<'static, Durable>> = FuturesOrdered::new();
        let mut batch = Vec::with_capacity(BATCH);
        let mut seq = core.state().seq;
        core.resume(self.clock.now());
        self.flush(&mut core, &mut seq, &mut pending);
        let mut stopping = false;
        loop {
            if stopping && pending.is_empty() {
                return Ok(core);
            }
            let nap = self.nap(&core);
            tokio::select! {
                biased;
                Some((outcome, works)) = pending.next(), if !pending.is_empty() => match outcome {
                    Ok(last) => self.release(works, last),
                    Err(error) => {
                        refuse(works, &error);
                        while let Some((_, works)) = pending.next().await {
                            refuse(works, &error);
                        }
                        return Err(error);
                    }
                },
                () = self.stop.cancelled(), if !stopping => stopping = true,
                count = inbox.recv_many(&mut batch, BATCH), if !stopping && pending.len() < UNDURABLE => {
                    if count == 0 {
                        stopping = true;
                    }
                    let now = self.clock.now();
                    for message in batch.drain(..) {
                        core.handle(message, now);
                    }
                    core.tick(now);
                    self.flush(&mut core, &mut seq, &mut pending);
                }
                () = tokio::time::sleep(nap), if !stopping && pending.len() < UNDURABLE => {
                    core.tick(self.clock.now());
                    self.flush(&mut core, &mut seq, &mut pending);
                }
            }
        }
    }

    fn nap(&self, core: &Core) -> Duration {
        let Some(wake) = core.next_wake() else { return LOOK };
        let left = wake.duration_since(self.clock.now());
        Duration::try_from(left).unwrap_or(Duration::ZERO).min(LOOK)
    }

    /// Hands the records to the journal and keeps what must wait for them.
    fn flush(&mut self, core: &mut Core, seq: &mut u64, pending: &mut FuturesOrdered<futures::future::BoxFuture<'static, Durable>>) {
        let Output { drafts, now, durable } = core.take();
        if !drafts.is_empty() {
            let expected = *seq;
            *seq += drafts.len() as u64;
            if self.views.is_some() && *seq - self.snapshot >= SNAPSHOT_EVERY {
                self.snapshot = *seq;
                self.snapshot_aside(core.state().clone());
            }
            let append = self.journal.append(self.partition, expected, drafts);
            pending.push_back(Box::pin(async move {
                (append.await.map(|done| Some(done.last_index)).map_err(Arc::new), durable)
            }));
        } else if !durable.is_empty() {
            pending.push_back(Box::pin(async move { (Ok(None), durable) }));
        }
        for work in now {
            if let Work::Turn(job) = work {
                let inbox = self.inbox.clone();
                self.workers.run(move |house| {
                    let done = worker::take_turn(*job, house);
                    // Fails only when the partition is gone, and with it the turn.
                    let _ = inbox.send(Message::Turn(Box::new(done)));
                });
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

    fn release(&self, works: Vec<Work>, last_index: Option<u64>) {
        for work in works {
            match work {
                Work::Effect(job) => {
                    let (effects, inbox) = (Arc::clone(&self.effects), self.inbox.clone());
                    self.leaving(last_index);
                    tokio::spawn(async move {
                        let _ = inbox.send(Message::Effect(effects.effect(*job).await));
                    });
                }
                Work::Poll(job) => {
                    let (effects, inbox) = (Arc::clone(&self.effects), self.inbox.clone());
                    self.leaving(last_index);
                    tokio::spawn(async move {
                        let _ = inbox.send(Message::Page(effects.poll(job).await));
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

fn refuse(works: Vec<Work>, error: &JournalError) {
    for work in works {
        if let Work::Tell(tell) = work {
            tell(Err(Refusal::Store(error.to_string())));
        }
    }
}
