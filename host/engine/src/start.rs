//! Starting a host: open the store, load what it holds, bring what is
//! configured into force, put the partitions to work.
//!
//! Everything is checked before anything is written: a configuration with one
//! mistake changes nothing.

mod error;
mod force;
mod intended;
mod load;
mod loaded;
mod packages;
mod sinks;
mod standing;
mod store;
mod wanted;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use huiyin_flow::Evaluator;
use huiyin_journal::Journal;
use huiyin_partition::deployed::Deployed;
use huiyin_partition::partition::{Failing, FailurePolicy, Message, PartitionCore, RunBounds};
use huiyin_partition::value_limits::ValueLimits;
use huiyin_partition::watched_source::WatchedSource;
use huiyin_records::record::{AuditRenewed, Entry, SnapshotTaken};
use huiyin_records::state::State;
use huiyin_registry::evaluator::{NoJq, SandboxedJq};
use huiyin_registry::grants::{Caps, OwnFolders};
use huiyin_registry::house::{House, Origin};
use huiyin_registry::limits::Tuning;
use huiyin_registry::trust::Trust;
use huiyin_sandbox::{ChildCompiler, Compiler, Limits, PoolConfig, Sandbox, SandboxConfig};
use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

pub(crate) use self::force::same_schedule;
use self::store::Store;
use self::wanted::read_wanted;
use crate::admission::Admission;
use crate::config::HostConfig;
use crate::effects::Effects;
use crate::engine::Engine;
use crate::held::Held;
use crate::id_source::SystemIdSource;
use crate::keeper::Keeper;
use crate::lifecycle::Known;
use crate::partition_handle::PartitionHandle;
use crate::plugin_store::PluginStore;
use crate::reading::Peers;
use crate::shell::{Clock, EgressWatch, Shell, SystemClock};
use crate::snapshot_writer::snapshot_until;
use crate::space::Space;
use crate::worker::{self, Workers};
use huiyin_secrets::Secrets;

pub use self::error::StartError;
pub use self::force::bring_into_force;
pub use self::intended::complete_intended;
pub use self::load::load;
pub use self::loaded::Definitions;
pub use self::packages::Candidate;
use self::packages::Found;
pub use self::store::VIEWS_SCHEMA;
pub use self::wanted::Wanted;

/// The name of the component that evaluates expressions.
pub const JQ: &str = "jq";

/// Activities that a slow watcher may lag behind before it misses some.
const ACTIVITY_KEPT: usize = 4_096;

/// How a host is started.
pub struct Options {
    /// Where everything is kept; none for a host in memory that forgets.
    pub data: Option<PathBuf>,
    /// What is configured.
    pub config: HostConfig,
    /// Where the configuration's relative paths begin.
    pub base: PathBuf,
    /// Components that the program carries.
    pub bundle: Vec<Vec<u8>>,
    /// Where precompiled code is kept; `<data>/cache` unless told.
    pub cache: Option<PathBuf>,
    /// How the journal is opened: its files, its limits.
    pub journal: huiyin_journal::Options,
    /// Begins a new audit log where there was one that is gone, instead of refusing.
    pub new_audit_log: bool,
    /// The log of a host without a data folder, where it is to outlive the
    /// host; one in memory that goes with it unless told.
    pub store: Option<Arc<dyn Journal>>,
    /// A sandbox that stands already, with all that is to be installed: hosts
    /// that follow each other in one process may share it. One of its own unless told.
    pub house: Option<Arc<House>>,
    /// The clock; the system's unless told.
    pub clock: Option<Arc<dyn Clock>>,
    /// Watches what leaves.
    pub watch: Option<Arc<dyn EgressWatch>>,
    /// Worker threads; enough for the machine unless told.
    pub workers: Option<usize>,
    /// What one plugin call may use, never above the ceiling; the usual limits unless told.
    pub limits: Option<Limits>,
    /// Where packages are compiled. In this process, without limits, only for
    /// tests and embedders; the `huiyin` program names itself. The limits of a
    /// child are the configuration's.
    pub compiler: Compiler,
}

impl Options {
    /// A host in memory with nothing configured.
    pub fn in_memory() -> Options {
        Options {
            data: None,
            config: HostConfig::default(),
            base: PathBuf::from("."),
            bundle: Vec::new(),
            cache: None,
            journal: huiyin_journal::Options::default(),
            new_audit_log: false,
            store: None,
            house: None,
            clock: None,
            watch: None,
            workers: None,
            limits: None,
            compiler: Compiler::InProcess,
        }
    }
}

/// A sandbox and components that the caller trusts, compiled in this process:
/// for tests and tools. See [`open_house_with`].
///
/// # Errors
/// When the sandbox cannot be set up or a component is refused.
pub fn open_house(cache: Option<PathBuf>, components: &[(String, Vec<u8>)]) -> Result<Arc<House>, StartError> {
    let named = |(file, bytes): &(String, Vec<u8>)| Candidate {
        file: file.clone(),
        bytes: bytes.clone(),
        origin: Origin::Configured,
    };
    let all: Vec<Candidate> = components.iter().map(named).collect();
    open_house_with(cache, &all, &Trust::default(), Compiler::InProcess)
}

/// A sandbox and what is in it: enough to validate and to call.
///
/// # Errors
/// When the sandbox cannot be set up or a component is refused that was not installed.
pub fn open_house_with(
    cache: Option<PathBuf>,
    components: &[Candidate],
    trust: &Trust,
    compiler: Compiler,
) -> Result<Arc<House>, StartError> {
    let config = SandboxConfig { cache_dir: cache, compiler, ..SandboxConfig::default() };
    open_tuned(config, components, trust, &Tuning::plain(&Limits::default())).map(|(house, _)| house)
}

/// The same, with limits for each plugin call; gives what was found installed.
fn open_tuned(
    config: SandboxConfig,
    components: &[Candidate],
    trust: &Trust,
    tuning: &Tuning,
) -> Result<(Arc<House>, Vec<Found>), StartError> {
    let sandbox = Arc::new(Sandbox::new(config)?);
    let loaded = packages::load_all(&sandbox, trust, components);
    let evaluator: Arc<dyn Evaluator> = match packages::own(&loaded, JQ) {
        Some(package) => Arc::new(SandboxedJq::new(Arc::clone(&sandbox), Arc::clone(package))),
        None => Arc::new(NoJq),
    };
    let house = House::new(sandbox, evaluator, tuning.default()).tuned(tuning.clone());
    let found = packages::install_all(&house, loaded)?;
    Ok((Arc::new(house), found))
}

/// The compiler with the limits that the configuration gives it.
fn compiler(options: &Options) -> Compiler {
    match &options.compiler {
        Compiler::InProcess => Compiler::InProcess,
        Compiler::Child(child) => {
            Compiler::Child(ChildCompiler { limits: options.config.packages.limits(), ..child.clone() })
        }
    }
}

/// A machine without a battery can begin in 1969, which the store does not survive, and no due time would be right.
fn not_before_the_epoch(now: Timestamp) -> Result<(), Vec<String>> {
    if now >= Timestamp::UNIX_EPOCH {
        return Ok(());
    }
    Err(vec![format!("the machine's clock says {now}, before 1970; set it, then start again")])
}

impl Engine {
    /// Starts a host.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(options: Options) -> Result<Engine, StartError> {
        // All that a start holds on its way is large; whoever waits for it is not to be.
        Box::pin(Engine::begin(options)).await
    }

    async fn begin(options: Options) -> Result<Engine, StartError> {
        let clock = options.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
        not_before_the_epoch(clock.now()).map_err(StartError::Config)?;
        let cache = options.cache.clone().or_else(|| options.data.as_ref().map(|d| d.join("cache")));
        let limits = &options.config.limits;
        let payload = ValueLimits::read(limits.payload_bytes, limits.state_bytes).map_err(StartError::Config)?;
        let secrets = Secrets::open(&options.config.secrets, &options.base, options.data.as_deref());
        let secrets = Arc::new(secrets.map_err(StartError::Config)?);
        let source = Arc::clone(&secrets) as Arc<dyn huiyin_sandbox::SecretSource>;
        let egress = options.config.egress.read(&options.base, &source).map_err(StartError::Config)?;
        let admission = options.config.admission.read().map_err(StartError::Config)?;
        let patience = options.config.quarantine.read().map_err(StartError::Config)?;
        let base = options.limits.clone().unwrap_or_default();
        let tuning = Tuning::read(&options.config.limits, &base).map_err(StartError::Config)?;
        let configured = Trust::read(&options.config.trust).map_err(StartError::Config)?;
        // Who is trusted stands in the journal, too. A new data folder has none, and
        // is left alone until everything is checked.
        let standing = options.data.as_ref().is_none_or(|data| data.join("journal").is_dir());
        let store = if standing { Some(Store::open(&options)?) } else { None };
        let mut home = store.as_ref().map(|store| store.load(0)).transpose()?;
        let trust = match &home {
            Some((home, _)) => configured.clone().with(home.plugins.trust()),
            None => configured.clone(),
        };
        let own = OwnFolders::new(options.data.as_deref(), cache.as_deref());
        let (house, found) = match &options.house {
            Some(house) => (Arc::clone(house), None),
            None => {
                let usual = SandboxConfig::default();
                let config = SandboxConfig {
                    cache_dir: cache,
                    egress,
                    keep_out: own.all().into(),
                    pool: pool(&options, &admission),
                    fuel: tuning.counts_fuel(),
                    compiler: compiler(&options),
                    max_package_bytes: options.config.packages.max_bytes.unwrap_or(usual.max_package_bytes),
                    ..usual
                };
                let (house, found) = open_tuned(config, &packages::candidates(&options)?, &trust, &tuning)?;
                (house, Some(found))
            }
        };
        let known = home.as_ref().map(|(home, _)| home.plugins.clone()).unwrap_or_default();
        let new = found.map(|found| packages::compare(&known, found, &house));
        let wanted = read_wanted(&options, &house, &own, secrets, home.as_ref().map(|(home, _)| home))?;
        let unknown = configured.unknown_units(&wanted.units);
        if !unknown.is_empty() {
            let problem = |unit: String| format!("/trust: there is no unit {unit} in the policy pack");
            return Err(StartError::Config(unknown.into_iter().map(problem).collect()));
        }
        let sinks = sinks::read(&options.config, &source, &house)?;
        let mut store = match store {
            Some(store) => store,
            None => Store::open(&options)?,
        };
        let partitions = store.partitions(&options.config)?;
        let mut loaded = Vec::with_capacity(partitions as usize);
        let mut snapshots = Vec::with_capacity(partitions as usize);
        for partition in 0..partitions {
            let (state, snapshot) = match home.take() {
                Some(home) => home,
                None => store.load(partition)?,
            };
            loaded.push(state);
            snapshots.push(snapshot);
        }
        let floor = wanted.floor(loaded.first(), &house)?;
        if let (Some(records), Some(home)) = (store.renewed, loaded.first_mut()) {
            let renewed = vec![(Entry::AuditRenewed(AuditRenewed { records }), "host".to_owned(), None)];
            force::write_all(home, 0, "system:engine", renewed, store.journal.as_ref(), clock.now()).await?;
        }
        complete_intended(&mut loaded, store.journal.as_ref(), clock.now()).await?;
        if let (Some(home), Some(new)) = (loaded.first_mut(), new) {
            packages::record(home, new, store.journal.as_ref(), clock.now()).await?;
        }
        bring_into_force(&mut loaded, &wanted, &options.config, &house, store.journal.as_ref(), clock.now()).await?;
        let sinks = match loaded.first_mut() {
            Some(home) => sinks::place(sinks, home, store.journal.as_ref(), clock.now()).await?,
            None => Vec::new(),
        };
        if let Some(home) = loaded.first() {
            wanted.grants.restore(home.plugins.given.values(), &own);
            // The pack in force, also where the configuration names none any more.
            if let Some(pack) = home.desk.policy() {
                let caps = Caps::read(pack).map_err(StartError::Config)?;
                wanted.grants.put_caps(caps);
            }
        }
        if let Some(pin) = floor {
            *house.floor.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(pin);
        }
        crate::packages::tell(&house, &wanted.sources, &loaded);
        let (activity, _) = broadcast::channel(ACTIVITY_KEPT);
        let no_thread = |error| StartError::Io { path: "a thread".to_owned(), error };
        let workers =
            Arc::new(Workers::start(&house, options.workers.unwrap_or_else(default_workers)).map_err(no_thread)?);
        let effects =
            Effects::new(Arc::clone(&house), Arc::clone(&wanted.grants), Arc::clone(&workers), admission, payload);
        let effects = Arc::new(effects.map_err(no_thread)?);
        let mut engine = Engine {
            house: Arc::clone(&house),
            journal: Arc::clone(&store.journal),
            ledger: store.ledger.clone(),
            clock: Arc::clone(&clock),
            payload,
            bindings: options.config.bindings.clone(),
            packages: PluginStore {
                configured,
                trust: RwLock::new(trust),
                grants: Arc::clone(&wanted.grants),
                own,
                folder: options.data.as_ref().map(|data| data.join("plugins")),
                sources: wanted.sources.clone(),
            },
            deploying: Arc::default(),
            names: crate::names::Names::of(&loaded),
            numbering: tokio::sync::Mutex::default(),
            policy: RwLock::new(loaded.first().and_then(|home| home.desk.policy().cloned())),
            partitions: Vec::new(),
            activity,
            intake: Engine::intake_gate(),
            space: Arc::new(Space::new(options.data.clone(), options.config.limits.reserve_bytes)),
            intake_room: Engine::intake_room(),
            ahead: Engine::ahead(),
            inline: crate::inline_turns::InlineTurns::default(),
            workers: Arc::clone(&workers),
            effects: Arc::clone(&effects),
            next: std::sync::atomic::AtomicUsize::new(0),
            stop: CancellationToken::new(),
            failed: CancellationToken::new(),
            tasks: tokio::sync::Mutex::new(Vec::new()),
            stop_ledger: CancellationToken::new(),
            sinks: Vec::new(),
            keeper: store.views.take().map(Keeper::start).transpose().map_err(no_thread)?.map(Arc::new),
            ledger_task: tokio::sync::Mutex::new(None),
        };
        let peers = Peers::default();
        effects.meet(Arc::clone(&peers));
        let (tell_failing, failing) = mpsc::unbounded_channel();
        let mut known = HashMap::new();
        let mut definitions = Definitions::default();
        for (partition, (state, snapshot)) in (0u32..).zip(loaded.into_iter().zip(snapshots)) {
            let deployed = definitions.of(&state, &house)?;
            if !sinks.is_empty() {
                known.extend(
                    deployed
                        .iter()
                        .map(|(id, d)| (id.clone(), Known { unit: d.unit.clone(), definition: d.definition.clone() })),
                );
            }
            let sources = wanted.sources.iter().filter(|s| state.units.contains(&s.unit)).cloned().collect();
            engine
                .put_to_work(
                    partition,
                    snapshot,
                    state,
                    deployed,
                    sources,
                    &workers,
                    &effects,
                    &store,
                    options.watch.clone(),
                    &peers,
                    partitions,
                    &tell_failing,
                    patience,
                )
                .await;
        }
        drop(tell_failing);
        // Ends with the partitions.
        tokio::spawn(engine.rebinder().keep(failing));
        // Set once, here.
        let _ = peers.set(engine.partitions.iter().map(|p| p.inbox.clone()).collect());
        engine.serve_sinks(sinks, &known).await;
        if let Some(ledger) = &engine.ledger {
            let (ledger, stop, failed) = (Arc::clone(ledger), engine.stop_ledger.clone(), engine.failed.clone());
            engine.ledger_task = tokio::sync::Mutex::new(Some(tokio::spawn(async move {
                let kept = ledger.keep(stop).await.map_err(|e| e.to_string());
                if let Err(error) = &kept {
                    tracing::error!(%error, "no checkpoint could be signed; the host stops");
                    failed.cancel();
                }
                kept
            })));
        }
        Ok(engine)
    }

    #[allow(clippy::too_many_arguments)] // the parts of one shell, each used once
    async fn put_to_work(
        &mut self,
        partition: u32,
        snapshot: u64,
        state: State,
        deployed: HashMap<String, Arc<Deployed>>,
        sources: Vec<Arc<WatchedSource>>,
        workers: &Arc<Workers>,
        effects: &Arc<Effects>,
        store: &Store,
        watch: Option<Arc<dyn EgressWatch>>,
        peers: &Peers,
        partitions: u32,
        failing: &mpsc::UnboundedSender<(u32, Failing)>,
        patience: FailurePolicy,
    ) {
        let (inbox, messages) = mpsc::unbounded_channel::<Message>();
        let workflows = state
            .deployments
            .iter()
            .filter(|(_, d)| d.active)
            .filter_map(|(id, _)| deployed.get(id).cloned())
            .collect();
        let scheduled = state
            .deployments
            .iter()
            .filter(|(_, d)| d.active && (d.unit.is_some() || partition == 0))
            .filter_map(|(id, _)| deployed.get(id).filter(|d| d.schedule.is_some()).cloned())
            .collect();
        self.partitions.push(Arc::new(PartitionHandle {
            scheduled: std::sync::RwLock::new(scheduled),
            inbox: inbox.clone(),
            units: state.units.iter().cloned().collect(),
            workflows: std::sync::RwLock::new(workflows),
        }));
        let shell = Shell {
            partition,
            journal: Arc::clone(&self.journal),
            workers: Arc::clone(workers),
            effects: Arc::clone(effects),
            clock: Arc::clone(&self.clock),
            activity: self.activity.clone(),
            watch,
            inbox,
            peers: Arc::clone(peers),
            views: self.keeper.clone(),
            snapshot,
            snapping: Arc::default(),
            failing: failing.clone(),
            space: Arc::clone(&self.space),
            held: Held::default(),
            stop: self.stop.clone(),
        };
        let core = PartitionCore::new(
            partition,
            state,
            deployed,
            sources,
            Box::new(SystemIdSource::default()),
            store.content_key,
            Arc::clone(&self.house.evaluator),
            self.payload,
        )
        .among(partitions)
        .with_run_bounds(RunBounds { runs: effects.gate().bounds().runs, bytes: 2 * self.payload.state })
        .with_failure_policy(patience);
        let (stop, failed, views) = (self.stop.clone(), self.failed.clone(), self.keeper.clone());
        let (journal, clock) = (Arc::clone(&self.journal), Arc::clone(&self.clock));
        self.tasks.lock().await.push(tokio::spawn(async move {
            match shell.run(core, messages).await {
                Ok(core) => match views {
                    // Nothing but the last snapshot's own record has come since.
                    Some(_) if core.state().seq <= snapshot + 1 => Ok(()),
                    Some(views) => last_snapshot(&views, partition, core.state(), journal.as_ref(), clock.now()).await,
                    None => Ok(()),
                },
                Err(error) => {
                    tracing::error!(partition, %error, "the journal failed; the host stops");
                    failed.cancel();
                    stop.cancel();
                    Err(error.to_string())
                }
            }
        }));
    }
}

/// Pools of which every call that may be out finds an instance: each of the
/// two engines has its own, so effects take none from pure calls. A worker has
/// one instance at a time, so have threads that take a first turn themselves,
/// and the evaluator keeps some warm.
fn pool(options: &Options, admission: &Admission) -> PoolConfig {
    let usual = PoolConfig::default();
    let threads = default_workers();
    let pure = worker::seats(options.workers.unwrap_or(threads)) + threads + huiyin_registry::evaluator::IDLE;
    let most = u32::try_from(admission.effects.max(pure)).unwrap_or(u32::MAX);
    PoolConfig { instances: usual.instances.max(most), ..usual }
}

/// As many jobs at once as there are cores: more would only take turns.
fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// How long a partition that stops may take for its last snapshot. A state of gigabytes takes minutes;
/// whoever asked the host to stop waits seconds, and the next start can read the journal instead.
const LAST: Duration = Duration::from_secs(8);

/// The last snapshot of a partition that stops: recorded, then kept; left out where it takes too long.
async fn last_snapshot(
    views: &Keeper,
    partition: u32,
    state: &State,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<(), String> {
    let end = Instant::now() + LAST;
    let late =
        || tracing::warn!(partition, "no last snapshot, it took too long; the next start reads the journal instead");
    let (copy, seq) = (state.clone(), state.seq);
    let Some(snapshot) = beside(end, move || snapshot_until(&copy, Some(end))).await else {
        late();
        return Ok(());
    };
    let snapshot = match snapshot {
        Ok(snapshot) => snapshot,
        Err(error) if error.is_io() => {
            late();
            return Ok(());
        }
        Err(error) => return Err(error.to_string()),
    };
    let entry = Entry::SnapshotTaken(SnapshotTaken { seq: snapshot.seq, digest: snapshot.digest.clone() });
    let draft = entry.about_host("system:engine", now).map_err(|e| e.to_string())?;
    journal.append(partition, seq, vec![draft]).await.map_err(|e| e.to_string())?;
    views.keep_last(partition, snapshot).await;
    Ok(())
}

/// Does something on a thread of its own, and waits for it until the time has come; none where it was
/// not done then. It goes on until the process ends: no runtime waits for the thread.
async fn beside<T: Send + 'static>(end: Instant, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = tokio::sync::oneshot::channel();
    // Nobody waits any more where it comes too late.
    std::thread::Builder::new().name("last-snapshot".to_owned()).spawn(move || drop(tell.send(job()))).ok()?;
    tokio::time::timeout_at(end.into(), told).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn host_17_a_last_snapshot_that_takes_too_long_is_left_out() {
        let now = Instant::now();
        assert_eq!(beside(now + LAST, || 1).await, Some(1));
        let (go, wait) = std::sync::mpsc::channel::<()>();
        assert_eq!(beside(now, move || wait.recv()).await, None);
        drop(go);
        // What is written out looks at the clock itself: it is no use any more.
        let mut state = State::default();
        for unit in 0..20_000 {
            state.units.insert(format!("a unit with a long code {unit}"));
        }
        assert!(snapshot_until(&state, Some(now)).is_err_and(|error| error.is_io()));
        assert!(snapshot_until(&state, Some(now + LAST)).is_ok() && snapshot_until(&state, None).is_ok());
    }
}
