//! Starting a host: open the store, load what it holds, bring what is
//! configured into force, put the partitions to work.
//!
//! Everything is checked before anything is written: a configuration with one
//! mistake changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use huiyin_deadline::Zone;
use huiyin_deadline::cron::Cron;
use huiyin_deadline::schedule::{Interval, Schedule};
use huiyin_desk::{PolicyPack, Problem};
use huiyin_flow::{Definition, Diagnostic, Evaluator};
use huiyin_journal::{Draft, Journal, JournalError, MemoryJournal, SegmentJournal};
use huiyin_sandbox::{Limits, Package, PackageError, Sandbox, SandboxConfig, SandboxError};
use huiyin_views::Views;
use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::config::{HostConfig, SourceConfig, SourceSchedule, WorkflowConfig};
use crate::deployment::{self, Deployed, HouseCatalog};
use crate::dice::SystemDice;
use crate::effects::{Effects, Grants, Secrets, floor_pin};
use crate::engine::{Engine, InForce, Partition};
use crate::evaluator::{NoJq, SandboxedJq};
use crate::house::{House, InstallError};
use crate::ledger::Ledger;
use crate::partition::{Core, Message, Snapshot};
use crate::record::{
    self, DecodeError, DeskDecided, Entry, Pin, SnapshotTaken, UnitPlaced, WorkflowDeployed, WorkflowWithdrawn,
};
use crate::shell::{Clock, EgressWatch, Shell, SystemClock, keep};
use crate::sources::WatchedSource;
use crate::state::{ApplyError, State};
use crate::timetable::Timetable;
use crate::worker::Workers;

/// The name of the component that evaluates expressions.
pub const JQ: &str = "jq";

/// Activities that a slow watcher may lag behind before it misses some.
const ACTIVITY_KEPT: usize = 4_096;

/// The default zone of schedules.
const ZONE: &str = "Asia/Shanghai";

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
    /// The clock; the system's unless told.
    pub clock: Option<Arc<dyn Clock>>,
    /// Watches what leaves.
    pub watch: Option<Arc<dyn EgressWatch>>,
    /// Worker threads; enough for the machine unless told.
    pub workers: Option<usize>,
    /// What one plugin call may use, never above the ceiling; the usual limits unless told.
    pub limits: Option<Limits>,
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
            clock: None,
            watch: None,
            workers: None,
            limits: None,
        }
    }
}

/// Why a host could not be started. Nothing was changed, unless it is the
/// store itself that failed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log was altered, or cannot be kept.
    #[error(transparent)]
    Audit(#[from] huiyin_audit::AuditError),
    /// A record cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A record does not follow from those before it.
    #[error("record {id}: {error}; the journal was written by a newer version, or altered")]
    Apply {
        /// The record's id.
        id: String,
        /// Why.
        error: ApplyError,
    },
    /// The sandbox cannot be set up.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A component is refused.
    #[error("{file}: {error}")]
    Package {
        /// The file, or the component's place in the program.
        file: String,
        /// Why.
        error: PackageError,
    },
    /// The folder of the views cannot be made.
    #[error(transparent)]
    Views(#[from] huiyin_views::ViewsError),
    /// A component is installed twice with different content.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The policy pack is refused.
    #[error("the policy pack is refused:\n{}", lines(.0))]
    Policy(Vec<Problem>),
    /// A workflow is refused.
    #[error("the workflow is refused:\n{}", lines(.0))]
    Workflow(Vec<Diagnostic>),
    /// The configuration asks for something that cannot be.
    #[error("{}", .0.join("\n"))]
    Config(Vec<String>),
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
}

impl StartError {
    /// True when the input is at fault (exit code 2), not the store.
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            StartError::Package { .. }
                | StartError::Install(_)
                | StartError::Policy(_)
                | StartError::Workflow(_)
                | StartError::Config(_)
                | StartError::Io { .. }
        )
    }
}

fn lines<T: std::fmt::Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A sandbox and what is installed in it: enough to validate and to call.
///
/// # Errors
/// When the sandbox cannot be set up or a component is refused.
pub fn open_house(cache: Option<PathBuf>, components: &[(String, Vec<u8>)]) -> Result<Arc<House>, StartError> {
    open_limited(cache, components, Limits::default())
}

/// The same, with limits for each plugin call.
fn open_limited(
    cache: Option<PathBuf>,
    components: &[(String, Vec<u8>)],
    limits: Limits,
) -> Result<Arc<House>, StartError> {
    let sandbox = Arc::new(Sandbox::new(SandboxConfig { cache_dir: cache, ..SandboxConfig::default() })?);
    let packages = load_all(&sandbox, components)?;
    let jq = packages.iter().find(|p| p.manifest.name == JQ);
    let evaluator: Arc<dyn Evaluator> = match jq {
        Some(package) => Arc::new(SandboxedJq::new(Arc::clone(&sandbox), Arc::clone(package))),
        None => Arc::new(NoJq),
    };
    let house = House::new(sandbox, evaluator, limits.at_most(&Limits::ceiling()));
    for package in packages {
        house.install(package)?;
    }
    Ok(Arc::new(house))
}

/// Loads components on all cores: each has its compiled code checked, or is compiled.
fn load_all(sandbox: &Sandbox, components: &[(String, Vec<u8>)]) -> Result<Vec<Arc<Package>>, StartError> {
    let threads =
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get).clamp(1, components.len().max(1));
    let next = AtomicUsize::new(0);
    let take = || {
        let mut loaded = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((file, bytes)) = components.get(at) else { return loaded };
            let package = sandbox.load(bytes).map_err(|error| StartError::Package { file: file.clone(), error });
            loaded.push((at, package));
        }
    };
    let mut all: Vec<(usize, Result<Arc<Package>, StartError>)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut all = take();
        for other in others {
            match other.join() {
                Ok(loaded) => all.extend(loaded),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, package)| package).collect()
}

/// What the configuration asks for, read and checked.
struct Wanted {
    policy: Option<PolicyPack>,
    units: BTreeSet<String>,
    workflows: Vec<(WorkflowConfig, String, Definition)>,
    sources: Vec<Arc<WatchedSource>>,
    grants: Grants,
}

impl Engine {
    /// Starts a host.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(options: Options) -> Result<Engine, StartError> {
        let clock = options.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
        let cache = options.cache.clone().or_else(|| options.data.as_ref().map(|d| d.join("cache")));
        let house = open_limited(cache, &components(&options)?, options.limits.clone().unwrap_or_default())?;
        let wanted = read_wanted(&options, &house)?;
        let store = Store::open(&options)?;
        let partitions = store.partitions(&options.config)?;
        let mut loaded = Vec::with_capacity(partitions as usize);
        let mut snapshots = Vec::with_capacity(partitions as usize);
        for partition in 0..partitions {
            let (state, snapshot) = store.load(partition)?;
            loaded.push(state);
            snapshots.push(snapshot);
        }
        bring_into_force(&mut loaded, &wanted, &options.config, &house, store.journal.as_ref(), clock.now()).await?;
        if let Some(pack) = &wanted.policy {
            let pin = floor_pin(&house, &pack.floor).map_err(|e| StartError::Config(vec![e]))?;
            *house.floor.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(pin);
        }
        let (activity, _) = broadcast::channel(ACTIVITY_KEPT);
        let mut engine = Engine {
            house: Arc::clone(&house),
            journal: Arc::clone(&store.journal),
            ledger: store.ledger.clone(),
            clock: Arc::clone(&clock),
            partitions: Vec::new(),
            activity,
            intake: Engine::intake_gate(),
            next: std::sync::atomic::AtomicUsize::new(0),
            stop: CancellationToken::new(),
            failed: CancellationToken::new(),
            tasks: tokio::sync::Mutex::new(Vec::new()),
            stop_ledger: CancellationToken::new(),
            ledger_task: tokio::sync::Mutex::new(None),
        };
        let workers = options.workers.unwrap_or_else(default_workers);
        let workers = Arc::new(
            Workers::start(&house, workers)
                .map_err(|error| StartError::Io { path: "a worker thread".to_owned(), error })?,
        );
        let effects = Arc::new(Effects::new(Arc::clone(&house), wanted.grants));
        let mut definitions = Definitions::default();
        for (partition, (state, snapshot)) in (0u32..).zip(loaded.into_iter().zip(snapshots)) {
            let deployed = definitions.of(&state, &house)?;
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
                )
                .await;
        }
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
    ) {
        let (inbox, messages) = mpsc::unbounded_channel::<Message>();
        let workflows = state
            .deployments
            .iter()
            .filter(|(_, d)| d.active)
            .filter_map(|(id, d)| {
                let deployed = deployed.get(id)?;
                Some(InForce {
                    name: d.name.clone(),
                    version: deployed.version.clone(),
                    unit: d.unit.clone(),
                    deployment: id.clone(),
                })
            })
            .collect();
        self.partitions.push(Partition {
            inbox: inbox.clone(),
            units: state.units.iter().cloned().collect(),
            workflows,
        });
        let shell = Shell {
            partition,
            journal: Arc::clone(&self.journal),
            workers: Arc::clone(workers),
            effects: Arc::clone(effects),
            clock: Arc::clone(&self.clock),
            activity: self.activity.clone(),
            watch,
            inbox,
            views: store.views.clone(),
            snapshot,
            stop: self.stop.clone(),
        };
        let core = Core::new(
            partition,
            state,
            deployed,
            sources,
            Box::new(SystemDice::default()),
            store.content_key,
            Arc::clone(&self.house.evaluator),
            store.max_record,
        );
        let (stop, failed, views) = (self.stop.clone(), self.failed.clone(), store.views.clone());
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

/// As many jobs at once as there are cores: more would only take turns.
fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// The last snapshot of a partition that stops: recorded, then kept.
async fn last_snapshot(
    views: &Views,
    partition: u32,
    state: &State,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<(), String> {
    let snapshot = Snapshot::of(state).map_err(|e| e.to_string())?;
    let entry = Entry::SnapshotTaken(SnapshotTaken { seq: snapshot.seq, digest: snapshot.digest.clone() });
    let draft = Draft {
        kind: entry.kind().to_owned(),
        subject: "host".to_owned(),
        time: now,
        actor: "system:engine".to_owned(),
        unit: None,
        causation: None,
        key: "host".to_owned(),
        payload: entry.encode().map_err(|e| e.to_string())?,
    };
    journal.append(partition, state.seq, vec![draft]).await.map_err(|e| e.to_string())?;
    keep(views, partition, &snapshot);
    Ok(())
}

fn components(options: &Options) -> Result<Vec<(String, Vec<u8>)>, StartError> {
    let mut all: Vec<(String, Vec<u8>)> = options
        .bundle
        .iter()
        .enumerate()
        .map(|(n, bytes)| (format!("built-in component {n}"), bytes.clone()))
        .collect();
    for file in &options.config.plugins {
        all.push(read_component(&options.base.join(file))?);
    }
    if let Some(data) = &options.data {
        let folder = data.join("plugins");
        if folder.is_dir() {
            let listed = std::fs::read_dir(&folder).map_err(|error| io_error(&folder, error))?;
            let mut files: Vec<PathBuf> = listed
                .filter_map(|e| Some(e.ok()?.path()))
                .filter(|p| p.extension().is_some_and(|x| x == "wasm"))
                .collect();
            files.sort();
            for file in files {
                all.push(read_component(&file)?);
            }
        }
    }
    Ok(all)
}

fn read_component(file: &Path) -> Result<(String, Vec<u8>), StartError> {
    let bytes = std::fs::read(file).map_err(|error| io_error(file, error))?;
    Ok((file.display().to_string(), bytes))
}

fn io_error(path: &Path, error: std::io::Error) -> StartError {
    StartError::Io { path: path.display().to_string(), error }
}

fn read_wanted(options: &Options, house: &House) -> Result<Wanted, StartError> {
    let config = &options.config;
    let mut problems = Vec::new();
    let policy = match &config.policy {
        None => None,
        Some(file) => {
            let path = options.base.join(file);
            let text = read_text(&path)?;
            let pack = PolicyPack::parse(&text, &path.display().to_string()).map_err(StartError::Policy)?;
            Some(pack)
        }
    };
    let units: BTreeSet<String> = policy.iter().flat_map(|pack| pack.units.iter().map(|u| u.code.clone())).collect();
    let mut workflows = Vec::new();
    for wanted in &config.workflows {
        let path = options.base.join(&wanted.file);
        let text = read_text(&path)?;
        let definition = Definition::parse(&text, &path.display().to_string(), &HouseCatalog(house), &*house.evaluator)
            .map_err(StartError::Workflow)?;
        for unit in wanted.units.iter().filter(|u| *u != "*" && !units.contains(*u)) {
            problems.push(format!("/workflows: {}: there is no unit {unit} in the policy pack", wanted.file.display()));
        }
        workflows.push((wanted.clone(), text, definition));
    }
    let mut granted = Vec::new();
    for (at, given) in config.grants.iter().enumerate() {
        let mut grant = given.grant.clone();
        // A spool folder stands relative to the configuration, like every path in it.
        grant.spool = grant.spool.map(|folder| absolute(&options.base.join(folder)));
        match grant.check() {
            Ok(()) => granted.push((given.plugin.clone(), given.unit.clone(), Arc::new(grant))),
            Err(error) => problems.push(format!("/grants/{at}/grant: {error}")),
        }
    }
    let mut secrets = Secrets::default();
    for (name, secret) in &config.secrets {
        match read_secret(&options.base.join(&secret.file)) {
            Ok(value) => {
                secrets.0.insert(name.clone(), value);
            }
            Err(error) => problems.push(format!("/secrets/{name}: {error}")),
        }
    }
    let grants = Grants { granted, secrets: Arc::new(secrets) };
    let mut sources = Vec::new();
    for (at, source) in config.sources.iter().enumerate() {
        match watched(source, &units, house, &grants) {
            Ok(source) if sources.iter().any(|s: &Arc<WatchedSource>| s.id == source.id) => {
                problems.push(format!(
                    "/sources/{at}: the unit {} has two sources of the name `{}`",
                    source.unit, source.name
                ));
            }
            Ok(source) => sources.push(Arc::new(source)),
            Err(error) => problems.push(format!("/sources/{at}: {error}")),
        }
    }
    if problems.is_empty() {
        Ok(Wanted { policy, units, workflows, sources, grants })
    } else {
        Err(StartError::Config(problems))
    }
}

fn read_text(path: &Path) -> Result<String, StartError> {
    crate::config::read_text(path).map_err(|error| StartError::Config(vec![error.to_string()]))
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A secret's value: the file's text without the line end that editors add.
fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    use std::os::unix::fs::PermissionsExt as _;
    let name = path.display();
    let meta = std::fs::metadata(path).map_err(|e| format!("{name}: {e}"))?;
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(format!("{name}: others may read it; run `chmod 600 {name}`"));
    }
    let mut bytes = Zeroizing::new(std::fs::read(path).map_err(|e| format!("{name}: {e}"))?);
    while bytes.last().is_some_and(|b| *b == b'\n' || *b == b'\r') {
        bytes.pop();
    }
    if bytes.is_empty() { Err(format!("{name}: is empty")) } else { Ok(bytes) }
}

fn watched(
    source: &SourceConfig,
    units: &BTreeSet<String>,
    house: &House,
    grants: &Grants,
) -> Result<WatchedSource, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if source.name.is_empty() || source.name.len() > 64 || !source.name.chars().all(plain) {
        return Err(format!("name: `{}` is no name; write 1 to 64 letters, digits or -_. of ASCII", source.name));
    }
    if !units.contains(&source.unit) {
        return Err(format!("there is no unit {} in the policy pack", source.unit));
    }
    let (collector, package) =
        house.find(&source.collector).ok_or_else(|| format!("collector `{}` is not installed", source.collector))?;
    if package.manifest.kind != huiyin_sandbox::Kind::Collector {
        return Err(format!("`{}` is a {}, not a collector", source.collector, package.manifest.kind.name()));
    }
    let schedule = match &source.schedule {
        SourceSchedule::Every(every) => {
            let every: Interval = every.parse().map_err(|e| format!("schedule: {e}"))?;
            Schedule::Every { every, anchor: Timestamp::UNIX_EPOCH }
        }
        SourceSchedule::Cron { expr, timezone } => cron(expr, timezone.as_deref())?,
    };
    Ok(WatchedSource {
        id: format!("{}/{}", source.unit, source.name),
        name: source.name.clone(),
        unit: source.unit.clone(),
        grant: grants.of(&collector.plugin, &source.unit),
        collector,
        package,
        config: source.config.clone(),
        channel: source.channel.clone(),
        schedule: Timetable(schedule),
        limit: source.limit.unwrap_or(200).clamp(1, 10_000),
    })
}

fn cron(expr: &str, zone: Option<&str>) -> Result<Schedule, String> {
    let cron = Cron::parse(expr).map_err(|e| format!("schedule: {e}"))?;
    let zone = Zone::named(zone.unwrap_or(ZONE)).map_err(|e| format!("timezone: {e}"))?;
    Ok(Schedule::Cron { cron, zone })
}

/// Where everything is kept.
struct Store {
    journal: Arc<dyn Journal>,
    views: Option<Arc<Views>>,
    ledger: Option<Arc<Ledger>>,
    data: Option<PathBuf>,
    content_key: [u8; 32],
    max_record: u64,
}

/// Bytes that the journal may have queued: more than all partitions together
/// ever hand it, since each holds itself back ([`crate::shell`]).
const QUEUED: u64 = 16 << 30;

impl Store {
    fn open(options: &Options) -> Result<Store, StartError> {
        let Some(data) = &options.data else {
            let max_record = huiyin_journal::Options::default().max_payload_bytes;
            return Ok(Store {
                journal: Arc::new(MemoryJournal::new()),
                views: None,
                ledger: None,
                data: None,
                content_key: random_key(),
                max_record,
            });
        };
        let max_record = options.journal.max_payload_bytes;
        std::fs::create_dir_all(data).map_err(|error| io_error(data, error))?;
        let journal = SegmentJournal::open(
            data.join("journal"),
            huiyin_journal::Options { max_queued_bytes: QUEUED, ..options.journal.clone() },
        )?;
        let origin = journal.source().replace(':', "/");
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let (views, opened) = Views::open(data.join("views"), VIEWS_SCHEMA)?;
        tracing::info!(?opened, "views");
        let (ledger, opened) = Ledger::open(
            &data.join("audit"),
            &data.join("keys").join("checkpoint.key"),
            &origin,
            Arc::clone(&journal),
        )?;
        tracing::info!(?opened, "audit log");
        Ok(Store {
            journal,
            views: Some(Arc::new(views)),
            ledger: Some(Arc::new(ledger)),
            data: Some(data.clone()),
            content_key: content_key(data)?,
            max_record,
        })
    }

    /// How many partitions there are: what was recorded, or more where asked.
    fn partitions(&self, config: &HostConfig) -> Result<u32, StartError> {
        let wanted = config
            .partitions
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get() as u32))
            .clamp(1, 1024);
        let Some(data) = &self.data else { return Ok(wanted) };
        let file = data.join("partitions");
        let known: u32 = match std::fs::read_to_string(&file) {
            Ok(text) => text
                .trim()
                .parse()
                .map_err(|_| StartError::Config(vec![format!("{}: not a number", file.display())]))?,
            Err(_) => 0,
        };
        let count = known.max(config.partitions.unwrap_or(if known == 0 { wanted } else { known }));
        if count != known {
            private_file(&file, format!("{count}\n").as_bytes()).map_err(|error| io_error(&file, error))?;
        }
        Ok(count)
    }

    /// A partition's state, and the last record in the snapshot it was taken from.
    ///
    /// A snapshot counts only if a later record vouches for its digest; without
    /// one the whole journal is read.
    fn load(&self, partition: u32) -> Result<(State, u64), StartError> {
        if let Some(snapshot) = self.views.as_ref().and_then(|views| views.snapshot(partition).ok().flatten())
            && snapshot.seq <= self.journal.last_seq(partition)
            && let Ok(state) = serde_json::from_slice::<State>(&snapshot.bytes)
            && state.seq == snapshot.seq
        {
            let (state, vouched) =
                self.read_on(partition, state, Some((snapshot.seq, hex::encode(snapshot.digest))))?;
            if vouched {
                return Ok((state, snapshot.seq));
            }
            tracing::warn!(
                partition,
                "the snapshot is not the one that the journal speaks of; the whole journal is read"
            );
        }
        let (state, _) = self.read_on(partition, State::default(), None)?;
        Ok((state, 0))
    }

    /// Applies the records after a state; tells whether one vouches for the snapshot.
    fn read_on(
        &self,
        partition: u32,
        mut state: State,
        snapshot: Option<(u64, String)>,
    ) -> Result<(State, bool), StartError> {
        let mut vouched = false;
        for record in self.journal.read(partition, state.seq + 1)? {
            let record = record?;
            if let Some(entry) = record::decode(&record)? {
                if let (Entry::SnapshotTaken(taken), Some((seq, digest))) = (&entry, &snapshot) {
                    vouched |= taken.seq == *seq && taken.digest == *digest;
                }
                state
                    .apply(&entry, record.header.time)
                    .map_err(|error| StartError::Apply { id: record.header.id.clone(), error })?;
            }
            state.seq = record.header.seq;
        }
        Ok((state, vouched))
    }
}

fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    key[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    key
}

/// The key of content hashes: made once, kept with the data, read by its owner only.
fn content_key(data: &Path) -> Result<[u8; 32], StartError> {
    let folder = data.join("keys");
    std::fs::create_dir_all(&folder).map_err(|error| io_error(&folder, error))?;
    let file = folder.join("content.key");
    match std::fs::read(&file) {
        Ok(bytes) => <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
            StartError::Config(vec![format!("{}: not a key of 32 bytes; restore it from a backup", file.display())])
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = random_key();
            private_file(&file, &key).map_err(|error| io_error(&file, error))?;
            Ok(key)
        }
        Err(error) => Err(io_error(&file, error)),
    }
}

/// Writes a file that only its owner may read, whole or not at all.
fn private_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let fresh = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Raised whenever [`State`]'s stored form changes: older snapshots are then
/// made anew from the journal.
const VIEWS_SCHEMA: u32 = 1;

/// Writes what is configured and not yet in force.
async fn bring_into_force(
    loaded: &mut [State],
    wanted: &Wanted,
    config: &HostConfig,
    house: &House,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<(), StartError> {
    let mut entries: Vec<Vec<(Entry, String, Option<String>)>> = loaded.iter().map(|_| Vec::new()).collect();
    let mut homes: BTreeMap<String, usize> = BTreeMap::new();
    for (at, state) in loaded.iter().enumerate() {
        for unit in &state.units {
            homes.insert(unit.clone(), at);
        }
    }
    for unit in &wanted.units {
        if homes.contains_key(unit) {
            continue;
        }
        let at = (0..loaded.len()).min_by_key(|at| homes.values().filter(|h| *h == at).count()).unwrap_or(0);
        homes.insert(unit.clone(), at);
        entries[at].push((
            Entry::UnitPlaced(UnitPlaced { unit: unit.clone() }),
            format!("unit/{unit}"),
            Some(unit.clone()),
        ));
    }
    if let Some(pack) = &wanted.policy {
        for (at, state) in loaded.iter().enumerate() {
            if state.desk.policy().is_none_or(|inforce| **inforce != *pack) {
                let facts = adopt(state, pack, now)?;
                entries[at].push((
                    Entry::DeskDecided(DeskDecided { facts, call: None }),
                    format!("policy/{}/{}", pack.name, pack.version),
                    None,
                ));
            }
        }
    }
    let mut problems = Vec::new();
    let mut keep: Vec<BTreeSet<String>> = loaded.iter().map(|_| BTreeSet::new()).collect();
    let mut named = BTreeSet::new();
    for (workflow, text, definition) in &wanted.workflows {
        for (at, unit) in places(workflow, &homes, loaded.len()) {
            // Either would replace the other, in turns, at each start.
            if !named.insert((at, unit.clone(), deployment::workflow_name(definition))) {
                let name = deployment::workflow_name(definition);
                let whom = unit.map_or_else(String::new, |u| format!(" for unit {u}"));
                problems.push(format!(
                    "{}: `{name}` is configured twice{whom}; give one of them another name",
                    workflow.file.display()
                ));
                continue;
            }
            match deployment::pin(definition, unit.as_deref(), &config.bindings, house) {
                Err(found) => problems.extend(found.into_iter().map(|p| format!("{}: {p}", workflow.file.display()))),
                Ok(pins) => deploy(&mut entries[at], &mut keep[at], &loaded[at], text, definition, unit, pins),
            }
        }
    }
    if !problems.is_empty() {
        problems.dedup();
        return Err(StartError::Config(problems));
    }
    for (at, state) in loaded.iter().enumerate() {
        for (id, deployment) in state.deployments.iter().filter(|(id, d)| d.active && !keep[at].contains(*id)) {
            let replaced = entries[at].iter().any(|(entry, ..)| {
                matches!(entry, Entry::WorkflowDeployed(new) if new.name == deployment.name && new.unit == deployment.unit)
            });
            if !replaced {
                let entry = Entry::WorkflowWithdrawn(WorkflowWithdrawn { deployment: id.clone() });
                entries[at].push((entry, format!("workflow/{}", deployment.name), deployment.unit.clone()));
            }
        }
    }
    for (at, entries) in entries.into_iter().enumerate() {
        write_all(&mut loaded[at], at as u32, entries, journal, now).await?;
    }
    Ok(())
}

/// The desk's own word on a new pack: it may refuse one that the cases in hand cannot live with.
fn adopt(state: &State, pack: &PolicyPack, now: Timestamp) -> Result<Vec<huiyin_desk::Fact>, StartError> {
    let command = huiyin_desk::Command::AdoptPolicy { pack: Box::new(pack.clone()) };
    let mut new_id = || uuid::Uuid::now_v7();
    let mut context = huiyin_desk::DecideContext {
        now,
        actor: huiyin_desk::Actor::System("deploy".to_owned()),
        new_id: &mut new_id,
        content_key: &[0; 32],
        scope: None,
    };
    let decision = state.desk.decide(&command, &mut context).map_err(|e| StartError::Config(vec![e.to_string()]))?;
    Ok(decision.facts)
}

/// Where a workflow is deployed: with each of its units, or, serving none, everywhere.
fn places(
    workflow: &WorkflowConfig,
    homes: &BTreeMap<String, usize>,
    partitions: usize,
) -> Vec<(usize, Option<String>)> {
    if workflow.units.is_empty() {
        return (0..partitions).map(|at| (at, None)).collect();
    }
    homes
        .iter()
        .filter(|(unit, _)| workflow.units.iter().any(|u| u == "*" || u == *unit))
        .map(|(unit, at)| (*at, Some(unit.clone())))
        .collect()
}

fn deploy(
    entries: &mut Vec<(Entry, String, Option<String>)>,
    keep: &mut BTreeSet<String>,
    state: &State,
    text: &str,
    definition: &Definition,
    unit: Option<String>,
    pins: BTreeMap<String, Pin>,
) {
    let id = deployment::digest(text, unit.as_deref(), &pins);
    if !keep.insert(id.clone()) || state.deployments.get(&id).is_some_and(|d| d.active) {
        return;
    }
    let name = deployment::workflow_name(definition);
    let subject = format!("workflow/{name}/{}", definition.document().version);
    let entry =
        WorkflowDeployed { deployment: id, name, unit: unit.clone(), text: text.to_owned(), pins, replaces: true };
    entries.push((Entry::WorkflowDeployed(entry), subject, unit));
}

async fn write_all(
    state: &mut State,
    partition: u32,
    entries: Vec<(Entry, String, Option<String>)>,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<(), StartError> {
    if entries.is_empty() {
        return Ok(());
    }
    let expected = state.seq;
    let mut drafts = Vec::with_capacity(entries.len());
    for (entry, subject, unit) in entries {
        let payload = entry.encode().map_err(|e| StartError::Config(vec![e.to_string()]))?;
        let key = unit.as_ref().map_or_else(|| "host".to_owned(), |u| format!("unit:{u}"));
        drafts.push(Draft {
            kind: entry.kind().to_owned(),
            subject,
            time: now,
            actor: "system:deploy".to_owned(),
            unit,
            causation: None,
            key,
            payload,
        });
        state.apply(&entry, now).map_err(|error| StartError::Apply { id: "being deployed".to_owned(), error })?;
        state.seq += 1;
    }
    journal.append(partition, expected, drafts).await?;
    Ok(())
}

/// Definitions compiled once for all the deployments that share them.
#[derive(Default)]
struct Definitions {
    by_text: HashMap<Arc<str>, Definition>,
}

impl Definitions {
    fn of(&mut self, state: &State, house: &House) -> Result<HashMap<String, Arc<Deployed>>, StartError> {
        let mut all = HashMap::new();
        for (id, deployment) in &state.deployments {
            let definition = match self.by_text.get(&deployment.text) {
                Some(definition) => definition.clone(),
                None => {
                    let parsed =
                        Definition::parse(&deployment.text, &deployment.name, &HouseCatalog(house), &*house.evaluator);
                    let definition = match parsed {
                        Ok(definition) => definition,
                        Err(problems) => {
                            // What was deployed once may name a plugin that is gone. Its runs are set aside
                            // when they are to go on; everything else goes on (rules 1 and 11).
                            tracing::error!(workflow = %deployment.name, deployment = %id, problems = %lines(&problems), "a workflow in force cannot be loaded");
                            continue;
                        }
                    };
                    self.by_text.insert(Arc::clone(&deployment.text), definition.clone());
                    definition
                }
            };
            let schedule = timetable(&definition, deployment.since)
                .map_err(|e| StartError::Config(vec![format!("{}: {e}", deployment.name)]))?;
            let deployed = Deployed::new(
                id.clone(),
                deployment.unit.clone(),
                definition,
                deployment.pins.clone(),
                schedule,
                house,
            );
            all.insert(id.clone(), Arc::new(deployed));
        }
        Ok(all)
    }
}

/// A workflow's own schedule.
fn timetable(definition: &Definition, since: Timestamp) -> Result<Option<Timetable>, String> {
    let interval = |text: &str| text.parse::<Interval>().map_err(|e| e.to_string());
    let zone = definition.extension().get("timezone").and_then(serde_json::Value::as_str);
    let schedule = match definition.schedule() {
        Some(huiyin_flow::Schedule::Cron(expr)) => cron(expr, zone)?,
        Some(huiyin_flow::Schedule::Every(every)) => Schedule::Every { every: interval(every)?, anchor: since },
        Some(huiyin_flow::Schedule::After(after)) => Schedule::After { after: interval(after)? },
        Some(huiyin_flow::Schedule::On(_)) | None => return Ok(None),
    };
    Ok(Some(Timetable(schedule)))
}
