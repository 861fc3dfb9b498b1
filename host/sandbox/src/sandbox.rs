//! The sandbox itself: loading packages and calling them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{Component, ComponentExportIndex, Instance, Linker};
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::cache::Cache;
use crate::compile::{Compiler, For};
use crate::effect::{self, Guest};
use crate::egress::Way;
use crate::egress::way::EgressSettings;
use crate::engine::{EngineConfig, Engines, Gate, PoolConfig, Ticker, fits_a_slot};
use crate::error::{Bounds, CallError, Effect, PackageError, SandboxError, from_wasmtime};
use crate::invoke;
use crate::limits::{LimitHit, LimitName, Limits, Meter};
use crate::manifest::{Kind, Manifest};
use crate::operation::{Operation, Output};
use crate::package::{Code, Package, Shape, digest, inspect};
use crate::signed::split;
use crate::types::Context;
use crate::usage::Usage;
use crate::warm::WarmInstance;

/// Handles to host resources that one instance may hold at once.
pub(crate) const HANDLES: usize = 1_000;

/// How a sandbox is made.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where compiled code is kept; none compiles every time.
    pub cache_dir: Option<PathBuf>,
    /// The most any call may use, whatever it asks for.
    pub most: Limits,
    /// The pools of instances.
    pub pool: PoolConfig,
    /// A guest's stack, in bytes. The calling thread's own stack must be larger.
    pub stack_bytes: usize,
    /// The largest package taken, in bytes.
    pub max_package_bytes: u64,
    /// Where packages are compiled.
    pub compiler: Compiler,
    /// How often running guests look at their deadline.
    pub tick: Duration,
    /// Count instructions, so that [`Limits::fuel`] works for pure calls and [`Usage::fuel`] is known of all.
    pub fuel: bool,
    /// The admin's settings of the way out.
    pub egress: EgressSettings,
    /// Folders that are the host's own: no guest writes into one, or below one, whatever it was granted.
    pub keep_out: Arc<[PathBuf]>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            cache_dir: None,
            most: Limits::ceiling(),
            pool: PoolConfig::default(),
            stack_bytes: 512 << 10,
            max_package_bytes: 64 << 20,
            compiler: Compiler::InProcess,
            tick: Duration::from_millis(5),
            fuel: false,
            egress: EgressSettings::default(),
            keep_out: Arc::default(),
        }
    }
}

impl SandboxConfig {
    /// For a single look at one component: no pools, no cache.
    pub fn small() -> Self {
        Self { pool: PoolConfig { pooling: false, instances: 1, ..PoolConfig::default() }, ..Self::default() }
    }
}

/// What is shared by a sandbox and its warm instances.
pub(crate) struct Shared {
    pub(crate) config: SandboxConfig,
    pub(crate) engines: Engines,
    pub(crate) pure_gate: Gate,
    pub(crate) effect_gate: Arc<tokio::sync::Semaphore>,
    pub(crate) way: Arc<Way>,
    pure_linker: Linker<Meter>,
    effect_linker: Linker<Guest>,
    cache: Option<Cache>,
    /// Last, so that it outlives nothing that needs it.
    _ticker: Ticker,
}

/// Runs plugins. Cheap to clone; every clone shares the same pools.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) shared: Arc<Shared>,
}

impl Sandbox {
    /// Makes the engines, their pools and the timer thread.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        let engines = Engines::new(&EngineConfig {
            pool: config.pool.clone(),
            stack_bytes: config.stack_bytes,
            fuel: config.fuel,
        })?;
        let ticker = Ticker::start(&engines, config.tick.max(Duration::from_millis(1)))?;
        let cache = config.cache_dir.as_deref().map(Cache::open).transpose().map_err(SandboxError::Cache)?;
        let way = Way::new(&config.egress).map_err(|error| SandboxError::Engine(error.to_string()))?;
        let effect_linker = effect::linker(&engines.effect).map_err(|error| SandboxError::Engine(error.to_string()))?;
        Ok(Self {
            shared: Arc::new(Shared {
                pure_gate: Gate::new(config.pool.instances),
                effect_gate: Arc::new(tokio::sync::Semaphore::new(config.pool.instances.max(1) as usize)),
                pure_linker: Linker::new(&engines.pure),
                effect_linker,
                cache,
                way,
                engines,
                config,
                _ticker: ticker,
            }),
        })
    }

    /// Whether instances come from pools; false where address space was scarce.
    pub fn pooled(&self) -> bool {
        self.shared.engines.pooled
    }

    /// The largest package that is looked at, in bytes.
    pub fn max_package_bytes(&self) -> u64 {
        self.shared.config.max_package_bytes
    }

    /// Whether a package is small enough to be looked at.
    pub fn fits(&self, bytes: &[u8]) -> Result<(), PackageError> {
        let (size, allowed) = (bytes.len() as u64, self.shared.config.max_package_bytes);
        if size > allowed { Err(PackageError::TooLarge { size, allowed }) } else { Ok(()) }
    }

    /// Checks and compiles a package (or takes its compiled form from the cache).
    pub fn load(&self, bytes: &[u8]) -> Result<Arc<Package>, PackageError> {
        self.fits(bytes)?;
        let size = bytes.len() as u64;
        let parts = split(bytes)?;
        let (bytes, digest) = (parts.content, parts.digest());
        let shape = inspect(bytes)?;
        let section = shape.manifest.as_deref().ok_or(PackageError::NoManifest)?;
        let manifest = Manifest::from_json(section)?;
        let (component, own) = self.compile(bytes, &digest, &shape)?;
        manifest.same_as(&own)?;
        let export = export(&component, &shape.interface, shape.kind.function())?;
        let contract = |error: wasmtime::Error| PackageError::Contract(crate::error::plain(&format!("{error:#}")));
        let code = if shape.pure {
            Code::Pure { pre: self.shared.pure_linker.instantiate_pre(&component).map_err(contract)?, export }
        } else {
            Code::Effect {
                pre: Arc::new(self.shared.effect_linker.instantiate_pre(&component).map_err(contract)?),
                export,
            }
        };
        Ok(Arc::new(Package { digest, manifest, pure: shape.pure, size, code }))
    }

    /// What a component says about itself.
    pub(crate) fn describe(&self, bytes: &[u8], shape: &Shape) -> Result<Manifest, PackageError> {
        self.compile(bytes, &digest(bytes), shape).map(|(_, manifest)| manifest)
    }

    fn engine(&self, pure: bool) -> &Engine {
        if pure { &self.shared.engines.pure } else { &self.shared.engines.effect }
    }

    /// Compiles and asks the component to describe itself, with every import a
    /// trap: nothing is granted to a component that is only being looked at.
    fn compile(&self, bytes: &[u8], digest: &str, shape: &Shape) -> Result<(Component, Manifest), PackageError> {
        let engine = self.engine(shape.pure);
        let cache = self.shared.cache.as_ref();
        let component = if let Some(component) = cache.and_then(|cache| cache.get(engine, digest)) {
            component
        } else {
            let config = &self.shared.config;
            let target = For { engine, pure: shape.pure, stack_bytes: config.stack_bytes, fuel: config.fuel };
            let (component, code) = config.compiler.compile(&target, bytes)?;
            if let Some(cache) = cache {
                cache.put(engine, digest, &code);
            }
            component
        };
        fits_a_slot(&component)?;
        let contract = |error: wasmtime::Error| PackageError::Contract(crate::error::plain(&format!("{error:#}")));
        let function = export(&component, &shape.interface, shape.kind.function())?;
        let describe = export(&component, &shape.info, "describe")?;
        let mut linker = Linker::<Meter>::new(engine);
        linker.define_unknown_imports_as_traps(&component).map_err(contract)?;
        let pre = linker.instantiate_pre(&component).map_err(contract)?;
        let limits = Limits { wall_ms: 5_000, ..Limits::default() }.at_most(&self.shared.config.most);
        let failed =
            |error: &wasmtime::Error| PackageError::Describe(from_wasmtime(error, &self.bounds(&limits)).to_string());
        let place = self.shared.pure_gate.enter(Duration::from_secs(30));
        let mut store = self.store(engine, &limits).map_err(|error| failed(&error))?;
        let instance = pre.instantiate(&mut store).map_err(|error| failed(&error))?;
        invoke::check_type(&mut store, &instance, &function, shape.kind).map_err(contract)?;
        let manifest = invoke::describe(&mut store, &instance, &describe).map_err(|error| {
            if error.to_string().contains("failed to convert function") { contract(error) } else { failed(&error) }
        })?;
        drop(place);
        let manifest = Manifest::from_wire(manifest).map_err(PackageError::Describe)?;
        if manifest.kind != shape.kind {
            return Err(PackageError::Describe(format!(
                "it says it is a {} and exports the interface of a {}",
                manifest.kind, shape.kind
            )));
        }
        Ok((component, manifest))
    }

    /// Calls a pure package on this thread, in a fresh instance.
    pub fn call_pure(
        &self,
        package: &Package,
        context: &Context,
        operation: &Operation,
        limits: &Limits,
    ) -> Result<Output, CallError> {
        self.call_within(package, context, operation, limits, false, None)
    }

    /// The same on a thread that must not be held up: a guest that looks at the clock (as each function
    /// and each round of a loop does) and finds for the second time that a tick of [`SandboxConfig::tick`]
    /// has passed is stopped, with the error of a call that used up its wall time. Time between two looks
    /// is not bounded here, but by the memory a call may have. Nobody waits for a place.
    pub fn call_pure_briefly(
        &self,
        package: &Package,
        context: &Context,
        operation: &Operation,
        limits: &Limits,
    ) -> Result<Output, CallError> {
        self.call_within(package, context, operation, limits, true, None)
    }

    /// The same as [`Sandbox::call_pure`]; says what it used.
    pub fn call_pure_measured(
        &self,
        package: &Package,
        context: &Context,
        operation: &Operation,
        limits: &Limits,
        usage: &mut Usage,
    ) -> Result<Output, CallError> {
        self.call_within(package, context, operation, limits, false, Some(usage))
    }

    fn call_within(
        &self,
        package: &Package,
        context: &Context,
        operation: &Operation,
        limits: &Limits,
        briefly: bool,
        usage: Option<&mut Usage>,
    ) -> Result<Output, CallError> {
        let Code::Pure { pre, export } = &package.code else {
            return Err(CallError::Misuse {
                why: format!("`{}` is not pure: it reaches outside; call it with grants", package.manifest.name),
            });
        };
        let limits = limits.at_most(&self.shared.config.most);
        check_call(package.manifest.kind, operation, &limits)?;
        let bounds = self.bounds(&limits);
        let patience = if briefly { Duration::ZERO } else { Duration::from_millis(limits.wall_ms) };
        let Some(_place) = self.shared.pure_gate.enter(patience) else {
            return Err(busy());
        };
        let fail = |error: wasmtime::Error| from_wasmtime(&error, &bounds);
        let mut store = self.store(&self.shared.engines.pure, &limits).map_err(fail)?;
        if briefly {
            stop_at_second_look(&mut store);
        }
        let started = usage.is_some().then(Instant::now);
        let raw = pre
            .instantiate(&mut store)
            .and_then(|instance| invoke::call(&mut store, &instance, export, context, operation));
        if let (Some(usage), Some(started)) = (usage, started) {
            let given = limits.fuel.unwrap_or(u64::MAX);
            *usage = Usage {
                fuel: store.get_fuel().ok().map(|left| given.saturating_sub(left)),
                wall: started.elapsed(),
                memory_bytes: store.data().memory_used(),
                input_bytes: operation.size(),
                ..Usage::default()
            };
        }
        finish(raw, operation, &bounds)
    }

    /// An instance that is kept between calls: for the house's own evaluator.
    /// Some thirty of them fit beside the pool's instances.
    pub fn warm(&self, package: &Package) -> Result<WarmInstance, CallError> {
        match &package.code {
            Code::Pure { pre, export } => {
                Ok(WarmInstance::new(self.clone(), pre.clone(), *export, package.manifest.kind))
            }
            Code::Effect { .. } => Err(CallError::Misuse { why: "only pure packages can be kept warm".to_owned() }),
        }
    }

    /// A store with its limits set.
    pub(crate) fn store(&self, engine: &Engine, limits: &Limits) -> wasmtime::Result<Store<Meter>> {
        let mut store = Store::new(engine, Meter::new(limits));
        store.limiter(|meter| meter);
        self.arm(&mut store, limits)?;
        Ok(store)
    }

    /// Sets what holds for one call.
    pub(crate) fn arm(&self, store: &mut Store<Meter>, limits: &Limits) -> wasmtime::Result<()> {
        store.set_epoch_deadline(self.ticks(limits.wall_ms));
        store.set_hostcall_fuel(usize::try_from(limits.output_bytes).unwrap_or(usize::MAX));
        store.set_max_component_handles(HANDLES);
        if self.shared.config.fuel {
            store.set_fuel(limits.fuel.unwrap_or(u64::MAX))?;
        }
        Ok(())
    }

    /// Ticks until a deadline; one more, because the first is already running.
    fn ticks(&self, wall_ms: u64) -> u64 {
        let tick = u64::try_from(self.shared.config.tick.as_millis()).unwrap_or(1).max(1);
        wall_ms.div_ceil(tick) + 1
    }

    pub(crate) fn bounds(&self, limits: &Limits) -> Bounds {
        Bounds {
            wall_ms: limits.wall_ms,
            stack_bytes: self.shared.config.stack_bytes as u64,
            output_bytes: limits.output_bytes,
            instances: limits.instances,
            fuel: limits.fuel.unwrap_or(u64::MAX),
            handles: HANDLES as u64,
        }
    }
}

/// Stops the guest when it looks at the epoch and finds it changed for the second time. However many
/// ticks passed while its thread had no core, they are one change: on a busy machine a call is not
/// stopped for what others did.
fn stop_at_second_look(store: &mut Store<Meter>) {
    let mut looked = false;
    store.epoch_deadline_callback(move |_| {
        let again = std::mem::replace(&mut looked, true);
        Ok(if again { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
    });
    store.set_epoch_deadline(1);
}

/// The export `function` of the exported instance `interface`.
fn export(component: &Component, interface: &str, function: &str) -> Result<ComponentExportIndex, PackageError> {
    component
        .get_export_index(None, interface)
        .and_then(|instance| component.get_export_index(Some(&instance), function))
        .ok_or_else(|| PackageError::Contract(format!("`{interface}` has no function `{function}`")))
}

pub(crate) fn busy() -> CallError {
    CallError::Host {
        why: "all instance slots stayed in use for the whole wall time of the call".to_owned(),
        effect: Effect::NotDone,
    }
}

/// Refuses what is plain before anything runs.
pub(crate) fn check_call(kind: Kind, operation: &Operation, limits: &Limits) -> Result<(), CallError> {
    if operation.kind() != kind {
        return Err(CallError::Misuse {
            why: format!("the operation is for a {}, the plugin is a {kind}", operation.kind()),
        });
    }
    let size = operation.size();
    if size > limits.input_bytes {
        return Err(CallError::Limit {
            hit: LimitHit { limit: LimitName::InputBytes, allowed: limits.input_bytes, used: Some(size) },
            effect: Effect::NotDone,
        });
    }
    Ok(())
}

/// From what wasmtime gave to what the caller gets.
pub(crate) fn finish(
    raw: wasmtime::Result<Result<crate::operation::Raw, crate::types::PluginError>>,
    operation: &Operation,
    bounds: &Bounds,
) -> Result<Output, CallError> {
    raw.map_err(|error| from_wasmtime(&error, bounds))?
        .map_err(|error| CallError::Plugin(error.shortened()))?
        .check(operation, bounds.output_bytes)
}

/// Names only: an instance in a store is nothing without its store.
pub(crate) type Living = (Store<Meter>, Instance);
