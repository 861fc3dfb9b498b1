//! The host as one thing: opens the store, loads what it holds, brings what is
//! configured into force, and puts the partitions to work.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};

use huiyin_desk::Act;
use huiyin_journal::Journal;
use huiyin_partition::deployed::Deployed;
use huiyin_partition::partition::{Activity, FirstTurn, Message, Refusal, Reply, StartRun};
use huiyin_partition::value_limits::ValueLimits;
use huiyin_records::once;
use huiyin_records::state::{FinishedRun, State};
use huiyin_registry::house::House;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::config::Binding;
use crate::effects::Effects;
use crate::inline_budget::InlineBudget;
use crate::inline_turns::InlineTurns;
use crate::ledger::Ledger;
use crate::partition_handle::PartitionHandle;
use crate::seats::Answer;
use crate::shell::Clock;
use crate::space::{Left, Space};
use crate::turn::{self, Budget};
use crate::worker::Workers;

/// Commands from outside under way at once; beyond this they are told to wait (rule 11).
const INTAKE: usize = 16_384;

/// KiB of memory that large values of commands from outside under way may take at once.
const INTAKE_KIB: u32 = 256 << 10;

/// First turns taken ahead of their runs' starts that no partition has taken in yet.
const AHEAD: usize = 256;

/// Bytes of memory up to which a value counts for nothing there.
const SMALL: u64 = 64 << 10;

/// A running host.
pub struct Engine {
    pub(crate) house: Arc<House>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) ledger: Option<Arc<Ledger>>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How large a value may be.
    pub(crate) payload: ValueLimits,
    /// The units' choices, for what is deployed while the host runs.
    pub(crate) bindings: Vec<Binding>,
    /// What installing and granting needs.
    pub(crate) packages: crate::plugin_store::PluginStore,
    /// One deployment at a time.
    pub(crate) deploying: Arc<tokio::sync::Mutex<()>>,
    pub(crate) partitions: Vec<Arc<PartitionHandle>>,
    /// Where ids of runs and keys of commands stand.
    pub(crate) names: crate::names::Names,
    /// Held while a command may take the next number of a series.
    pub(crate) numbering: tokio::sync::Mutex<()>,
    /// The policy pack in force.
    pub(crate) policy: std::sync::RwLock<Option<Arc<huiyin_desk::PolicyPack>>>,
    pub(crate) activity: broadcast::Sender<Activity>,
    pub(crate) intake: Arc<Semaphore>,
    /// What is left of the disk.
    pub(crate) space: Arc<Space>,
    /// The same in KiB of large values.
    pub(crate) intake_room: Arc<Semaphore>,
    /// First turns that may be taken ahead at once.
    pub(crate) ahead: Arc<Semaphore>,
    /// First turns that are taken by whoever asked.
    pub(crate) inline: InlineTurns,
    pub(crate) workers: Arc<Workers>,
    pub(crate) effects: Arc<Effects>,
    pub(crate) next: AtomicUsize,
    pub(crate) stop: CancellationToken,
    pub(crate) failed: CancellationToken,
    pub(crate) tasks: tokio::sync::Mutex<Vec<Task>>,
    pub(crate) stop_ledger: CancellationToken,
    pub(crate) sinks: Vec<Arc<crate::lifecycle::Service>>,
    /// Where snapshots are kept; none for a host in memory.
    pub(crate) keeper: Option<Arc<crate::keeper::Keeper>>,
    pub(crate) ledger_task: tokio::sync::Mutex<Option<Task>>,
}

/// A part of the host that ends by itself when asked to.
pub(crate) type Task = tokio::task::JoinHandle<Result<(), String>>;

/// A workflow in force.
#[derive(Debug, Clone, serde::Serialize)]
pub struct InForce {
    /// `namespace/name`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The unit it serves.
    pub unit: Option<String>,
    /// The deployment's digest.
    pub deployment: String,
}

impl InForce {
    fn of(deployed: &Deployed) -> InForce {
        InForce {
            name: deployed.name.clone(),
            version: deployed.version.clone(),
            unit: deployed.unit.clone(),
            deployment: deployed.id.clone(),
        }
    }
}

/// A run to start by name.
pub struct Submission {
    /// `namespace/name`, or the name alone where only one has it.
    pub workflow: String,
    /// On behalf of this unit; none for a workflow that serves none.
    pub unit: Option<String>,
    /// The input.
    pub input: Value,
    /// Who asks.
    pub actor: String,
    /// The run's id where the asker chose it, so that asking twice starts one.
    pub run: Option<String>,
}

impl Engine {
    /// The semaphore for intake.
    pub(crate) fn intake_gate() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(INTAKE))
    }

    /// The semaphore for what large values of intake take, in KiB.
    pub(crate) fn intake_room() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(INTAKE_KIB as usize))
    }

    /// The semaphore for first turns that are taken ahead.
    pub(crate) fn ahead() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(AHEAD))
    }

    /// A place among the commands from outside that are under way.
    fn admitted(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.intake).try_acquire_owned().map_err(|_| Refusal::Busy)
    }

    /// How many first turns were taken on the thread that asked, since the start.
    pub fn taken_here(&self) -> u64 {
        self.inline.taken()
    }

    /// Room for a value that comes in; told to wait where there is none (rule 11).
    pub(crate) fn room_for(&self, value: &Value) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        let bytes = huiyin_flow::memory(value);
        if bytes <= SMALL {
            return Ok(None);
        }
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).min(INTAKE_KIB);
        Arc::clone(&self.intake_room).try_acquire_many_owned(kib).map(Some).map_err(|_| Refusal::Busy)
    }

    /// Starts a run; gives its id once it will run come what may.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn submit(&self, submission: Submission) -> Result<String, Refusal> {
        let _room = self.room_for(&submission.input)?;
        let (partition, _, start) = self.prepare(submission).await?;
        self.ask(partition, |reply| Message::Start(StartRun { accepted: Some(reply), ..start })).await
    }

    /// Starts a run and waits for its end. Where first turns of the workflow
    /// are known to be quick, this one is taken before the partition hears of
    /// the run, so that start and turn are appended together: until then nobody
    /// was told of the run, and nothing of it has left. Brief ones are taken on
    /// this very thread.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn run(&self, submission: Submission) -> Result<Arc<FinishedRun>, Refusal> {
        let _room = self.room_for(&submission.input)?;
        let (partition, deployed, mut start) = self.prepare(submission).await?;
        // No more than so many: they pass the partition's own measure of what it may hold.
        let ahead = Arc::clone(&self.ahead).try_acquire_owned().ok().filter(|_| deployed.first_turns.quick());
        let Some(ahead) = ahead else {
            return self.ask(partition, |reply| Message::Start(StartRun { finished: Some(reply), ..start })).await;
        };
        let (now, random, payload) = (self.clock.now(), uuid::Uuid::new_v4().as_u64_pair().0, self.payload);
        let _permit = self.admitted()?;
        let asked = self.partitions.get(partition).ok_or_else(Refusal::stopped)?;
        let waiting = self.workers.waiting("").1;
        if let Some(place) = self.inline.place(&deployed, &start.input, now, waiting) {
            let coming = self.journal.coming();
            let budget = InlineBudget::default();
            let first =
                turn::first_turn(&mut start, &deployed, now, random, payload, &self.house, Budget::inline(&budget));
            if budget.gave_up() {
                self.inline.gave_up(&budget, &deployed, now);
            } else {
                self.inline.took();
                // Held to the end, which is near; one that has to wait for something leaves it to others.
                let _place = first.done.ends().then_some(place);
                let first = Some(FirstTurn { guard: Some(Box::new((ahead, coming))), ..first });
                return asked.ask(|reply| Message::Start(StartRun { finished: Some(reply), first, ..start })).await;
            }
        }
        asked
            .asked(|reply, inbox| {
                let (inbox, journal) = (inbox.clone(), Arc::clone(&self.journal));
                let unit = deployed.unit.clone().unwrap_or_default();
                self.workers.run_quick(&unit, move |house| {
                    let first = turn::first_turn(&mut start, &deployed, now, random, payload, house, Budget::default());
                    let coming = journal.coming();
                    let first = Some(FirstTurn { guard: Some(Box::new((ahead, coming))), ..first });
                    Answer { inbox, message: Message::Start(StartRun { finished: Some(reply), first, ..start }) }
                });
                Ok(())
            })
            .await
    }

    /// Whether more may be taken in for a unit: only that much may wait, of
    /// its turns and of its calls (rule 11). What is in already is not asked.
    pub(crate) fn room(&self, unit: Option<&str>) -> Result<(), Refusal> {
        self.space.at_least(Left::Enough)?;
        let unit = unit.unwrap_or_default();
        let bounds = self.effects.gate().bounds();
        let (mine, all) = self.workers.waiting(unit);
        if mine >= bounds.queue || all >= bounds.queue_of_host() || self.effects.gate().crowded(unit) {
            return Err(Refusal::Busy);
        }
        Ok(())
    }

    async fn prepare(&self, mut s: Submission) -> Result<(usize, Arc<Deployed>, StartRun), Refusal> {
        self.permit(&s.actor, Act::StartRun, s.unit.as_deref())?;
        self.room(s.unit.as_deref())?;
        let mut found: Vec<(usize, Arc<Deployed>)> = Vec::new();
        for (at, partition) in self.partitions.iter().enumerate() {
            let named = |name: &str| name == s.workflow || name.rsplit('/').next() == Some(&s.workflow);
            let known = partition.workflows.read().unwrap_or_else(PoisonError::into_inner);
            found.extend(known.iter().filter(|w| w.unit == s.unit && named(&w.name)).map(|w| (at, Arc::clone(w))));
        }
        if found.iter().any(|(_, w)| Some(&w.name) != found.first().map(|(_, first)| &first.name)) {
            let names: std::collections::BTreeSet<&str> = found.iter().map(|(_, w)| w.name.as_str()).collect();
            return Err(Refusal::Invalid {
                pointer: "/workflow".to_owned(),
                message: format!(
                    "`{}` may be any of {}; give namespace/name",
                    s.workflow,
                    names.into_iter().collect::<Vec<_>>().join(", ")
                ),
            });
        }
        let turn = self.next.fetch_add(1, Relaxed);
        let Some((at, in_turn)) = found.get(turn % found.len().max(1)) else {
            let whom = s.unit.as_ref().map_or_else(String::new, |u| format!(" for unit {u}"));
            return Err(Refusal::NotFound(format!("no workflow `{}` is deployed{whom}", s.workflow)));
        };
        let (mut partition, mut deployed) = (*at, Arc::clone(in_turn));
        let mut asked = None;
        if let Some(id) = &s.run {
            // The same id must meet the same partition, or asking twice would start two.
            let able: Vec<usize> = found.iter().map(|(at, _)| *at).collect();
            let home = self.route_start(id, partition, &able).await?;
            if let Some((_, there)) = found.iter().find(|(at, _)| *at == home) {
                (partition, deployed) = (home, Arc::clone(there));
            }
            let (fingerprint, input) = asked_for(&deployed, s.input).await?;
            (asked, s.input) = (Some(fingerprint), input);
        }
        let run = s.run.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let key = huiyin_records::record::unit_key(s.unit.as_deref());
        Ok((
            partition,
            Arc::clone(&deployed),
            StartRun {
                deployment: deployed.id.clone(),
                run,
                trigger: "person".to_owned(),
                key,
                input: s.input,
                actor: s.actor,
                asked,
                accepted: None,
                finished: None,
                first: None,
            },
        ))
    }

    /// Looks at one partition; the answer comes once all it may have seen is durable.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn look<T: Send + 'static>(
        &self,
        partition: usize,
        look: impl FnOnce(&State, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (tell, told) = oneshot::channel();
        let query = Box::new(move |state: &State, now: Timestamp| {
            let seen = look(state, now);
            Box::new(move || {
                let _ = tell.send(seen);
            }) as Box<dyn FnOnce() + Send>
        });
        let inbox = self.inbox(partition)?;
        inbox.send(Message::Query(query)).map_err(|_| Refusal::stopped())?;
        told.await.map_err(|_| Refusal::stopped())
    }

    /// Looks at every partition in turn.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn look_all<T: Send + 'static>(
        &self,
        look: impl Fn(&State, Timestamp) -> T + Send + Sync + Clone + 'static,
    ) -> Result<Vec<T>, Refusal> {
        let mut all = Vec::with_capacity(self.partitions.len());
        for at in 0..self.partitions.len() {
            all.push(self.look(at, look.clone()).await?);
        }
        Ok(all)
    }

    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        partition: usize,
        message: impl FnOnce(Reply<T>) -> Message,
    ) -> Result<T, Refusal> {
        self.asked(partition, |reply, inbox| inbox.send(message(reply)).map_err(|_| Refusal::stopped())).await
    }

    /// Waits for the answer of a partition to what `send` sends, or has sent, to its inbox.
    async fn asked<T: Send + 'static>(
        &self,
        partition: usize,
        send: impl FnOnce(Reply<T>, &mpsc::UnboundedSender<Message>) -> Result<(), Refusal>,
    ) -> Result<T, Refusal> {
        let _permit = self.admitted()?;
        self.partitions.get(partition).ok_or_else(Refusal::stopped)?.asked(send).await
    }

    /// Asks the first partition, which keeps what concerns the whole host.
    pub(crate) async fn ask_home<T: Send + 'static>(
        &self,
        message: impl FnOnce(Reply<T>) -> Message,
    ) -> Result<T, Refusal> {
        self.ask(0, message).await
    }

    fn inbox(&self, partition: usize) -> Result<&mpsc::UnboundedSender<Message>, Refusal> {
        self.partitions.get(partition).map(|p| &p.inbox).ok_or_else(Refusal::stopped)
    }

    /// The partition where a unit lives.
    ///
    /// # Errors
    /// When no policy pack names the unit.
    pub fn partition_of(&self, unit: &str) -> Result<usize, Refusal> {
        self.partitions
            .iter()
            .position(|p| p.units.iter().any(|u| u == unit))
            .ok_or_else(|| Refusal::NotFound(format!("there is no unit {unit}; the policy pack names them all")))
    }

    /// The code of every unit of the organisation; partners are none of them.
    pub fn units(&self) -> Vec<String> {
        let mut all: Vec<String> = self.partitions.iter().flat_map(|p| p.units.iter().cloned()).collect();
        let policy = self.policy();
        all.retain(|code| {
            let unit = policy.as_ref().and_then(|pack| pack.unit(code));
            unit.is_none_or(|unit| !unit.is_partner())
        });
        all.sort();
        all
    }

    /// The workflows in force, each once.
    pub fn workflows(&self) -> Vec<InForce> {
        let all = self.partitions.iter().flat_map(|partition| partition.in_force());
        let mut all: Vec<InForce> = all.map(|deployed| InForce::of(&deployed)).collect();
        all.sort_by(|a, b| (&a.name, &a.unit).cmp(&(&b.name, &b.unit)));
        all.dedup_by(|a, b| a.deployment == b.deployment && a.unit == b.unit);
        all
    }

    /// How many partitions there are.
    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// What goes on, as it becomes durable.
    pub fn activity(&self) -> broadcast::Receiver<Activity> {
        self.activity.subscribe()
    }

    /// The log.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// The audit tree and its checkpoints; none for a host in memory.
    pub fn ledger(&self) -> Option<&Arc<Ledger>> {
        self.ledger.as_ref()
    }

    /// How the sinks of lifecycle events do.
    pub fn sinks(&self) -> Vec<crate::lifecycle::SinkStatus> {
        self.sinks.iter().map(|service| service.status()).collect()
    }

    /// What is installed.
    pub fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// How large a value may be.
    pub fn payload(&self) -> ValueLimits {
        self.payload
    }

    /// The present moment, by the host's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Resolves when the host cannot go on: its store has failed.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Stops: what is under way becomes durable, a last checkpoint is signed.
    ///
    /// # Errors
    /// What could not be finished, in words.
    pub async fn stop(&self) -> Result<(), String> {
        self.stop.cancel();
        let mut worst = Ok(());
        for task in self.tasks.lock().await.drain(..) {
            worst = worst.and(ended(task).await);
        }
        // The last checkpoint covers the partitions' last records.
        self.stop_ledger.cancel();
        if let Some(task) = self.ledger_task.lock().await.take() {
            worst = worst.and(ended(task).await);
        }
        if let Some(keeper) = self.keeper.clone() {
            // On a thread of its own: the runtime waits for its own when it ends.
            let (tell, told) = oneshot::channel();
            std::thread::spawn(move || {
                keeper.close();
                let _ = tell.send(());
            });
            let _ = told.await;
        }
        worst
    }
}

/// What is asked of a workflow, hashed; of a large input on a thread that may take its time.
async fn asked_for(deployed: &Arc<Deployed>, input: Value) -> Result<(String, Value), Refusal> {
    let of = |deployed: &Deployed, input: &Value| {
        once::fingerprint(&[deployed.name.as_str(), deployed.unit.as_deref().unwrap_or_default()], input)
    };
    if huiyin_flow::more_than(&input, SMALL).is_none() {
        return Ok((of(deployed, &input), input));
    }
    let deployed = Arc::clone(deployed);
    let hashed = tokio::task::spawn_blocking(move || (of(&deployed, &input), input));
    hashed.await.map_err(|error| Refusal::Store(error.to_string()))
}

async fn ended(task: Task) -> Result<(), String> {
    task.await.map_err(|e| e.to_string())?
}
