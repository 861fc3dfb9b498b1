//! The two wasmtime engines, their pools and the thread that lets time pass.
//!
//! `pure` is synchronous and deterministic, `effect` is asynchronous. Neither
//! knows anything of packages or grants.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wasmtime::component::Component;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::{PackageError, SandboxError};
use crate::limits::Limits;

/// Memory of a finished instance that stays mapped for the next one.
const KEEP_MEMORY: usize = 4 << 20;
/// The same for a fiber's stack.
const KEEP_STACK: usize = 256 << 10;
/// The same for a table.
const KEEP_TABLE: usize = 64 << 10;
/// Slots beyond [`PoolConfig::instances`], for what does not pass the gate.
const SPARE: u32 = 32;
/// Linear memories one component may have: JavaScript engines in a component bring three. Each is a
/// reservation of address space in every slot of the pools.
const MEMORIES_EACH: u32 = 4;
/// Tables one component may have.
const TABLES_EACH: u32 = 8;
/// What the engine keeps of one instance beside its memories and tables, in bytes: grows with its functions.
const INSTANCE_BYTES: usize = 16 << 20;

/// Refuses a component that needs more than a slot of the pools has, also where there are no pools, so that
/// it is the same for every host and every command.
///
/// # Errors
/// What it has too much of.
pub(crate) fn fits_a_slot(component: &Component) -> Result<(), PackageError> {
    let Some(needs) = component.resources_required() else { return Ok(()) };
    let most = |what, found: u64, allowed: u64| {
        if found > allowed { Err(PackageError::TooMuch { what, found, allowed }) } else { Ok(()) }
    };
    most("linear memories", u64::from(needs.num_memories), u64::from(MEMORIES_EACH))?;
    most("tables", u64::from(needs.num_tables), u64::from(TABLES_EACH))?;
    let ceiling = Limits::ceiling();
    most("bytes in a memory at its start", needs.max_initial_memory_size.unwrap_or(0), ceiling.memory_bytes)?;
    most("elements in a table at its start", needs.max_initial_table_size.unwrap_or(0), ceiling.table_elements)
}

/// How many instances live at once, and how large they may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// Instances at once in each of the two engines; further calls wait.
    pub instances: u32,
    /// The most memory any instance may have, in bytes. Address space is
    /// reserved for it, memory is not.
    pub memory_bytes: u64,
    /// False to allocate each instance by itself: slower, less address space.
    pub pooling: bool,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { instances: 64, memory_bytes: Limits::ceiling().memory_bytes, pooling: true }
    }
}

/// What both engines are made from.
#[derive(Debug, Clone)]
pub(crate) struct EngineConfig {
    pub(crate) pool: PoolConfig,
    pub(crate) stack_bytes: usize,
    pub(crate) fuel: bool,
}

/// The two engines.
pub(crate) struct Engines {
    pub(crate) pure: Engine,
    pub(crate) effect: Engine,
    /// Whether instances come from pools.
    pub(crate) pooled: bool,
}

impl Engines {
    pub(crate) fn new(config: &EngineConfig) -> Result<Self, SandboxError> {
        let make = |pooling: bool| -> wasmtime::Result<(Engine, Engine)> {
            Ok((Engine::new(&settings(config, pooling, true))?, Engine::new(&settings(config, pooling, false))?))
        };
        if config.pool.pooling {
            // Address space may be scarce (containers, `ulimit -v`).
            match make(true) {
                Ok((pure, effect)) => {
                    return Ok(Self { pure, effect, pooled: true });
                }
                Err(error) => {
                    tracing::warn!(%error, "no instance pools; instances are allocated one by one");
                }
            }
        }
        let (pure, effect) = make(false).map_err(|error| SandboxError::Engine(error.to_string()))?;
        Ok(Self { pure, effect, pooled: false })
    }
}

/// An engine that only compiles, for one of the two: no pools, no address space.
pub(crate) fn compiling(stack_bytes: usize, fuel: bool, pure: bool) -> wasmtime::Result<Engine> {
    let pool = PoolConfig { pooling: false, ..PoolConfig::default() };
    Engine::new(&settings(&EngineConfig { pool, stack_bytes, fuel }, false, pure))
}

/// An engine in the fastest settings known and with nothing that guards or
/// repeats: no deadlines, no fuel, no canonical NaNs. The measure of [`crate::bare`].
pub(crate) fn plain() -> wasmtime::Result<Engine> {
    let pool = PoolConfig { instances: 1, ..PoolConfig::default() };
    let mut config = Config::new();
    config.wasm_component_model(true).allocation_strategy(InstanceAllocationStrategy::Pooling(self::pool(&pool)));
    Engine::new(&config)
}

/// The pools of an engine.
fn pool(config: &PoolConfig) -> PoolingAllocationConfig {
    // Slots beyond the gate: for warm instances and for looking at packages.
    let count = config.instances.max(1).saturating_add(SPARE);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(count)
        .max_core_instances_per_component(512)
        .max_core_instance_size(INSTANCE_BYTES)
        .max_component_instance_size(INSTANCE_BYTES)
        .total_core_instances(count.saturating_mul(512))
        .max_memories_per_component(MEMORIES_EACH)
        .max_memories_per_module(MEMORIES_EACH)
        .total_memories(count.saturating_mul(MEMORIES_EACH))
        .max_tables_per_component(TABLES_EACH)
        .max_tables_per_module(TABLES_EACH)
        .total_tables(count.saturating_mul(TABLES_EACH))
        .table_elements(usize::try_from(Limits::ceiling().table_elements).unwrap_or(usize::MAX))
        .max_memory_size(usize::try_from(config.memory_bytes).unwrap_or(usize::MAX))
        .total_stacks(count)
        .max_unused_warm_slots(count)
        .linear_memory_keep_resident(KEEP_MEMORY)
        .table_keep_resident(KEEP_TABLE)
        .async_stack_keep_resident(KEEP_STACK);
    // PAGEMAP_SCAN (Linux 6.7) tells which pages were written, so that
    // only those are wiped.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes);
    }
    pool
}

fn settings(engine: &EngineConfig, pooling: bool, pure: bool) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_memory64(false)
        .epoch_interruption(true)
        .consume_fuel(engine.fuel)
        .max_wasm_stack(engine.stack_bytes)
        .async_stack_size(engine.stack_bytes + (1 << 20))
        // Messages name the kind of fault and nothing of the inside.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false);
    if pure {
        // Rule 10 of the design: the same bytes on any machine.
        config.cranelift_nan_canonicalization(true).relaxed_simd_deterministic(true);
    }
    if pooling {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(&engine.pool)));
    } else {
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    }
    config
}

/// Advances the epoch of both engines, so that running guests look at their
/// deadlines. Stops when dropped.
pub(crate) struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engines: &Engines, tick: Duration) -> Result<Self, SandboxError> {
        let (stop, stopped) = mpsc::channel::<()>();
        let weak = [engines.pure.weak(), engines.effect.weak()];
        let thread = std::thread::Builder::new()
            .name("huiyin-epochs".to_owned())
            .spawn(move || {
                while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(tick) {
                    for engine in &weak {
                        let Some(engine) = engine.upgrade() else {
                            return;
                        };
                        engine.increment_epoch();
                    }
                }
            })
            .map_err(SandboxError::Ticker)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It ends at once; a panic in it has nobody left to hear of it.
            let _ = thread.join();
        }
    }
}

/// Lets only so many calls in at once; the others wait.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Mutex<Places>,
    freed: Condvar,
}

#[derive(Debug)]
struct Places {
    free: u32,
    waiting: u32,
}

/// A place inside; gives itself back.
pub(crate) struct Place<'a>(&'a Gate);

impl Gate {
    pub(crate) fn new(places: u32) -> Self {
        Self { places: Mutex::new(Places { free: places.max(1), waiting: 0 }), freed: Condvar::new() }
    }

    /// A place, or none when none came free in time.
    pub(crate) fn enter(&self, patience: Duration) -> Option<Place<'_>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.free == 0 {
            let until = Instant::now() + patience;
            while places.free == 0 {
                let left = until.checked_duration_since(Instant::now())?;
                places.waiting += 1;
                (places, _) = self.freed.wait_timeout(places, left).unwrap_or_else(PoisonError::into_inner);
                places.waiting -= 1;
            }
        }
        places.free -= 1;
        Some(Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.free += 1;
        let waiting = places.waiting;
        drop(places);
        // Waking costs a system call, also where nobody sleeps.
        if waiting > 0 {
            self.0.freed.notify_one();
        }
    }
}
