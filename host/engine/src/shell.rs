//! A partition come alive: its inbox, its journal, its timer around [`Commit`],
//! which says what may be done and when (rule 2).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use huiyin_journal::{AppendFuture, Journal, JournalError};
use huiyin_partition::commit::{Commit, SNAPSHOT_EVERY, Step};
use huiyin_partition::partition::{
    Activity, Delivered, Failing, Message, PartitionCore, Refusal, Reply, TurnJob, Work,
};
use huiyin_records::state::State;
use jiff::Timestamp;
use thread_priority::ThreadPriority;
use thread_priority::unix::{
    NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::effects::Effects;
use crate::held::{Held, Waiting};
use crate::keeper::Keeper;
use crate::reading::Peers;
use crate::snapshot_writer::snapshot;
use crate::space::Space;
use crate::turn;
use crate::worker::Workers;

/// Messages taken in before the records they led to are handed to the journal.
const BATCH: usize = 512;

/// The longest sleep between two looks at the clock, so that a clock that was
/// set by hand is noticed.
const LOOK: Duration = Duration::from_secs(1);

/// How long an event waits that another partition cannot take in yet.
const RELAY_AGAIN: Duration = Duration::from_millis(200);

/// The host's clock.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// How long the machine may sleep until this clock shows that moment: as long as that is away, for a clock that
    /// goes at the machine's own pace. One that goes at another pace, or that is set, says so here.
    fn sleep(&self, until: Timestamp) -> Duration {
        Duration::try_from(until.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
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
    pub views: Option<Arc<Keeper>>,
    /// The last record in the latest snapshot.
    pub snapshot: u64,
    /// A snapshot is being written out.
    pub snapping: Arc<AtomicBool>,
    /// Whoever finds what may be bound instead of a plugin that fails.
    pub failing: mpsc::UnboundedSender<(u32, Failing)>,
    /// What is left of the disk.
    pub space: Arc<Space>,
    /// What waits for space.
    pub held: Held,
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
    pub async fn run(
        self,
        core: PartitionCore,
        mut inbox: mpsc::UnboundedReceiver<Message>,
    ) -> Result<PartitionCore, Arc<JournalError>> {
        let mut pending: Pending = FuturesOrdered::new();
        let mut batch = Vec::with_capacity(BATCH);
        let mut commit = Commit::new(core);
        if self.views.is_some() {
            commit = commit.with_snapshots(SNAPSHOT_EVERY, self.snapshot);
        }
        self.take(commit.resume(self.clock.now()), &mut pending);
        let mut stopping = false;
        // Made once: a timer or a waiter registered in every round would cost more than the round.
        let mut stop = std::pin::pin!(self.stop.cancelled());
        let mut sleep = std::pin::pin!(tokio::time::sleep(LOOK));
        loop {
            if stopping && !commit.pending() {
                return Ok(commit.into_core());
            }
            let until = tokio::time::Instant::now() + self.nap(&commit);
            // Awake too early does no harm.
            if until < sleep.deadline() || sleep.is_elapsed() {
                sleep.as_mut().reset(until);
            }
            self.let_go();
            let room = !stopping && commit.room();
            tokio::select! {
                biased;
                Some(outcome) = pending.next(), if !pending.is_empty() => {
                    self.take(commit.appended(outcome).map_err(Arc::new)?, &mut pending);
                }
                () = &mut stop, if !stopping => stopping = true,
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
                () = &mut sleep, if room => {
                    self.take(commit.tick(self.clock.now()), &mut pending);
                }
            }
        }
    }

    fn nap(&self, commit: &Commit) -> Duration {
        let Some(wake) = commit.next_wake() else { return LOOK };
        self.clock.sleep(wake).min(LOOK)
    }

    /// Does what is to be done, in its order.
    fn take(&self, steps: Vec<Step>, pending: &mut Pending) {
        for step in steps {
            let inbox = self.inbox.clone();
            // Sending fails only when the partition is gone, and with it the work.
            match step {
                Step::Snapshot(state) => self.snapshot_aside(*state),
                Step::Append { expected, drafts } => {
                    pending.push_back(self.journal.append(self.partition, expected, drafts));
                }
                Step::Turn(job) => {
                    if let Some(job) = self.held.turn(job, &self.space) {
                        self.turn(job);
                    }
                }
                Step::Judge(job) => {
                    let unit = job.deployed.first().and_then(|deployed| deployed.unit.clone()).unwrap_or_default();
                    self.workers.run(&unit, move |house| {
                        let _ = inbox.send(Message::Judged(turn::judge(job, house)));
                    });
                }
                Step::Canary(job) => {
                    let unit = job.of.unit.clone().unwrap_or_default();
                    self.workers.run(&unit, move |house| {
                        let _ = inbox
                            .send(Message::Watched(Box::new(huiyin_registry::canary_comparison::watch(*job, house))));
                    });
                }
                Step::Release { work, last_index } => self.release(work, last_index),
            }
        }
    }

    /// Writes a state out beside the loop; a copy of it costs next to nothing.
    /// One at a time: where it takes longer than the next is due, that one is left out.
    fn snapshot_aside(&self, state: State) {
        let (inbox, partition) = (self.inbox.clone(), self.partition);
        if self.snapping.swap(true, Ordering::AcqRel) {
            return;
        }
        let snapping = Arc::clone(&self.snapping);
        let written = background(partition, move || {
            match snapshot(&state) {
                Ok(snapshot) => drop(inbox.send(Message::Snapshot(snapshot))),
                Err(error) => tracing::warn!(partition, %error, "a snapshot does not encode"),
            }
            snapping.store(false, Ordering::Release);
        });
        if let Err(error) = written {
            self.snapping.store(false, Ordering::Release);
            tracing::warn!(partition, %error, "no thread for a snapshot; the next start reads the journal instead");
        }
    }

    fn turn(&self, job: Box<TurnJob>) {
        let (inbox, deployed) = (self.inbox.clone(), Arc::clone(&job.deployed));
        self.workers.run(deployed.unit.as_deref().unwrap_or_default(), move |house| {
            let _ = inbox.send(Message::Turn(Box::new(turn::take_turn(*job, house))));
        });
    }

    /// Does what waited for space, once there is some.
    fn let_go(&self) {
        for waited in self.held.let_go(&self.space) {
            match waited {
                Waiting::Turn(job) => self.turn(job),
                Waiting::Leaving(work, last_index) => self.release(work, last_index),
            }
        }
    }

    fn release(&self, work: Work, last_index: Option<u64>) {
        let Some(work) = self.held.leaving(work, last_index, &self.space) else { return };
        match work {
            Work::Effect(job) => {
                let inbox = self.inbox.clone();
                self.leaving(last_index);
                let trying = Arc::clone(&self.effects).effect_or_unknown(*job);
                self.effects.spawn(async move {
                    let _ = inbox.send(Message::Effect(trying.await));
                });
            }
            Work::Stop { run, call, attempt } => match self.held.stop(&run, call, attempt) {
                Some(done) => drop(self.inbox.send(Message::Effect(done))),
                None => self.effects.stop(&run, call, attempt),
            },
            Work::Hurry { run } => {
                if let Some(job) = self.held.hurry(&run) {
                    self.turn(job);
                }
            }
            Work::Poll(job) => {
                let (effects, inbox) = (Arc::clone(&self.effects), self.inbox.clone());
                self.leaving(last_index);
                self.effects.spawn(async move {
                    let _ = inbox.send(Message::Page(effects.poll_or_error(*job).await));
                });
            }
            Work::Tell(tell) => {
                self.leaving(last_index);
                tell(Ok(()));
            }
            Work::Keep(snapshot) => {
                if let Some(views) = &self.views {
                    views.keep(self.partition, snapshot);
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
            Work::Failing(failing) => {
                // Nobody listens while the host stops.
                let _ = self.failing.send((self.partition, *failing));
            }
            Work::Turn(_) | Work::Judge(_) | Work::Canary(_) => {}
        }
    }

    fn leaving(&self, last_index: Option<u64>) {
        if let Some(watch) = &self.watch {
            watch.leaving(last_index);
        }
    }
}

/// Does what nobody waits for on a thread that stands back behind all others:
/// from one of the class `SCHED_IDLE` the system takes the core at once when
/// somebody wants it, from one that is only nice after some milliseconds.
fn background(partition: u32, job: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name(format!("snapshot-{partition}")).spawn(move || {
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        // Where the system does not allow it, others wait a little for the snapshot.
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
        job();
    });
    thread.map(drop)
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
        loop {
            let (tell, told) = oneshot::channel();
            let reply: Reply<Delivered> = Box::new(move |answer| drop(tell.send(answer)));
            let event = serde_json::Value::clone(&event);
            let message = Message::Event { unit: None, event, relayed: Some(format!("relay:{own}:{id}")), reply };
            if peer.send(message).is_err() {
                return;
            }
            match told.await {
                Ok(Ok(_)) => break,
                // Over there as much is under way as may be.
                Ok(Err(Refusal::Busy)) => tokio::time::sleep(RELAY_AGAIN).await,
                _ => return,
            }
        }
    }
    let _ = inbox.send(Message::Relayed { id });
}
