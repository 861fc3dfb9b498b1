//! A partition come alive: its inbox, its journal, its timer around the
//! decisions of [`Core`]. Effects and replies are released here, and only
//! here, once the records before them are durable (rule 2).

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use huiyin_journal::{Draft, Journal, JournalError};
use huiyin_views::Views;
use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::effects::Effects;
use crate::partition::{Activity, Core, Delivered, Message, Output, Refusal, Reply, Snapshot, Work};
use crate::state::State;
use crate::worker::{self, Workers};

/// Messages taken in before the records they led to are handed to the journal.
const BATCH: usize = 512;

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
    /// The inboxes of all partitions, this one among them, once they are there.
    pub peers: Peers,
    /// Where snapshots are kept; none for a host in memory.
    pub views: Option<Arc<Views>>,
    /// The last record in the latest snapshot.
    pub snapshot: u64,
    /// Asks the shell to stop.
    pub stop: CancellationToken,
}

/// The inboxes of all partitions, in their order.
pub type Peers = Arc<OnceLock<Vec<mpsc::UnboundedSender<Message>>>>;

/// An append's outcome, what waited for it, and its bytes.
type Durable = (Result<Option<u64>, Arc<JournalError>>, Vec<Work>, u64);

type Pending = FuturesOrdered<futures::future::BoxFuture<'static, Durable>>;

impl Shell {
    /// Runs the partition until it is asked to stop or its journal fails.
    /// Gives back the core with everything durable.
    ///
    /// # Errors
    /// When an append failed. What was not durable has not left, and the
    /// state must be loaded anew.
    pub async fn run(
        mut self,
        mut core: Core,
        mut inbox: mpsc::UnboundedReceiver<Message>,
    ) -> Result<Core, Arc<JournalError>> {
        let mut pending: Pending = FuturesOrdered::new();
        let mut batch = Vec::with_capacity(BATCH);
        let mut backlog: VecDeque<Message> = VecDeque::new();
        let mut seq = core.state().seq;
        let mut undurable = 0;
        core.resume(self.clock.now());
        undurable += self.flush(&mut core, &mut seq, &mut pending);
        let mut stopping = false;
        loop {
            if stopping && pending.is_empty() {
                return Ok(core);
            }
            let nap = self.nap(&core);
            let room = !stopping && pending.len() < UNDURABLE && undurable < UNDURABLE_BYTES;
            tokio::select! {
                biased;
                Some((outcome, works, bytes)) = pending.next(), if !pending.is_empty() => match outcome {
                    Ok(last) => {
                        undurable -= bytes;
                        self.release(works, last);
                    }
                    Err(error) => {
                        refuse(works, &error);
                        while let Some((_, works, _)) = pending.next().await {
                            refuse(works, &error);
                        }
                        return Err(error);
                    }
                },
                () = self.stop.cancelled(), if !stopping => stopping = true,
                // What is left of a batch that filled the room.
                () = std::future::ready(()), if room && !backlog.is_empty() => {
                    undurable += self.take_in(&mut backlog, &mut core, &mut seq, &mut pending);
                }
                count = inbox.recv_many(&mut batch, BATCH), if room => {
                    if count == 0 {
                        stopping = true;
                    }
                    backlog.extend(batch.drain(..));
                    undurable += self.take_in(&mut backlog, &mut core, &mut seq, &mut pending);
                }
                () = tokio::time::sleep(nap), if room => {
                    core.tick(self.clock.now());
                    undurable += self.flush(&mut core, &mut seq, &mut pending);
                }
            }
        }
    }

    /// Takes in messages until they led to enough records for one append;
    /// gives the bytes of those records.
    fn take_in(
        &mut self,
        backlog: &mut VecDeque<Message>,
        core: &mut Core,
        seq: &mut u64,
        pending: &mut Pending,
    ) -> u64 {
        let now = self.clock.now();
        while core.drafted() < HAND_OVER
            && let Some(message) = backlog.pop_front()
        {
            core.handle(message, now);
        }
        core.tick(now);
        self.flush(core, seq, pending)
    }

    fn nap(&self, core: &Core) -> Duration {
        let Some(wake) = core.next_wake() else { return LOOK };
        let left = wake.duration_since(self.clock.now());
        Duration::try_from(left).unwrap_or(Duration::ZERO).min(LOOK)
    }

    /// Hands the records to the journal and keeps what must wait for them;
    /// gives their bytes.
    fn flush(&mut self, core: &mut Core, seq: &mut u64, pending: &mut Pending) -> u64 {
        let Output { drafts, bytes, now, mut durable } = core.take();
        if !drafts.is_empty() {
            let mut expected = *seq;
            *seq += drafts.len() as u64;
            if self.views.is_some() && *seq - self.snapshot >= SNAPSHOT_EVERY {
                self.snapshot = *seq;
                self.snapshot_aside(core.state().clone());
            }
            let mut portions = portions(drafts).into_iter().peekable();
            while let Some((drafts, bytes)) = portions.next() {
                let records = drafts.len() as u64;
                let append = self.journal.append(self.partition, expected, drafts);
                expected += records;
                // What waits, waits for the last of them.
                let works = if portions.peek().is_none() { std::mem::take(&mut durable) } else { Vec::new() };
                pending.push_back(Box::pin(async move {
                    (append.await.map(|done| Some(done.last_index)).map_err(Arc::new), works, bytes)
                }));
            }
        } else if !durable.is_empty() {
            pending.push_back(Box::pin(async move { (Ok(None), durable, 0) }));
        }
        for work in now {
            let inbox = self.inbox.clone();
            // Sending fails only when the partition is gone, and with it the work.
            match work {
                Work::Turn(job) => self.workers.run(move |house| {
                    let _ = inbox.send(Message::Turn(Box::new(worker::take_turn(*job, house))));
                }),
                Work::Judge(job) => self.workers.run(move |house| {
                    let _ = inbox.send(Message::Judged(worker::judge(job, house)));
                }),
                _ => {}
            }
        }
        bytes
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
                    let inbox = self.inbox.clone();
                    self.leaving(last_index);
                    let trying = Arc::clone(&self.effects).effect_or_unknown(*job);
                    tokio::spawn(async move {
                        let _ = inbox.send(Message::Effect(trying.await));
                    });
                }
                Work::Stop { run, call, attempt } => self.effects.stop(&run, call, attempt),
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
                Work::Relay { id, event } => {
                    self.leaving(last_index);
                    tokio::spawn(relay(Arc::clone(&self.peers), self.partition, self.inbox.clone(), id, event));
                }
                Work::Turn(_) | Work::Judge(_) => {}
            }
        }
    }

    fn leaving(&self, last_index: Option<u64>) {
        if let Some(watch) = &self.watch {
            watch.leaving(last_index);
        }
    }
}

/// Passes an event on to every other partition. They take it in once, so it
/// does no harm when this is cut off and done again at the next start.
async fn relay(
    peers: Peers,
    own: u32,
    inbox: mpsc::UnboundedSender<Message>,
    id: String,
    event: Arc<serde_json::Value>,
) {
    let all = loop {
        match peers.get() {
            Some(all) => break all,
            None if inbox.is_closed() => return,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    for (_, peer) in (0_u32..).zip(all).filter(|(at, _)| *at != own) {
        let (tell, told) = oneshot::channel();
        let reply: Reply<Delivered> = Box::new(move |answer| drop(tell.send(answer)));
        let event = serde_json::Value::clone(&event);
        let message = Message::Event { unit: None, event, relayed: Some(format!("relay:{own}:{id}")), reply };
        if peer.send(message).is_err() || !matches!(told.await, Ok(Ok(_))) {
            return;
        }
    }
    let _ = inbox.send(Message::Relayed { id });
}

/// Keeps a snapshot, so that the next start need not read the whole journal.
/// Losing it loses nothing.
pub(crate) fn keep(views: &Views, partition: u32, snapshot: &Snapshot) {
    if let Err(error) = views.put_snapshot(partition, snapshot.seq, &snapshot.bytes) {
        tracing::warn!(partition, %error, "no snapshot was kept; the next start reads the journal instead");
    }
}

/// Records as the journal takes them at once, in their order; nearly always in one.
fn portions(drafts: Vec<Draft>) -> Vec<(Vec<Draft>, u64)> {
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

fn refuse(works: Vec<Work>, error: &JournalError) {
    for work in works {
        if let Work::Tell(tell) = work {
            tell(Err(Refusal::Store(error.to_string())));
        }
    }
}
