//! Deterministic simulation: a whole host in one thread, under a seeded
//! scheduler that crashes it, tears its writes, sets its clock, repeats and
//! loses what it waits for; and the judges that say whether it kept its word.
//!
//! Real are the journal in segments, the loading of state and snapshots, the
//! partition's decisions, the interpreter, the desk with its clocks, the
//! output-commit rule. Simulated are the disk, the clock, chance, the worker
//! threads' order, and the world that plugins reach.
//!
//! `docs/reference/simulation.md` says how to use it.

mod boot;
mod client;
mod decrees;
pub mod disk;
pub mod host;
mod judge;
mod leaving;
mod plugins;
pub mod random;
mod sim;
mod slots;
pub mod trace;
mod workload;
mod world;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use huiyin_deadline::schedule::{Interval, Schedule};
use huiyin_desk::PolicyPack;
use huiyin_engine::config::{HostConfig, WorkflowConfig};
use huiyin_engine::house::House;
use huiyin_engine::start::Wanted;
use huiyin_engine::watched_source::{Timetable, WatchedSource};
use huiyin_flow::Definition;
use jiff::Timestamp;

pub use host::Bug;
pub use sim::Counts;

use crate::host::Setup;
use crate::random::Random;
use crate::sim::Sim;
use crate::workload::{UNITS, Workflow, Workload};
use crate::world::World;

/// What one seed gave.
#[derive(Debug)]
pub struct Outcome {
    /// What was seen.
    pub counts: Counts,
    /// A digest over everything that happened.
    pub digest: u64,
    /// The trace, if it was asked for.
    pub trace: String,
    /// What is wrong, if anything is.
    pub wrong: Option<String>,
}

/// Runs one seed: the workload without faults, then with them, then compares.
/// `trace` keeps the text of the second.
pub fn simulate(seed: u64, bug: Option<Bug>, trace: bool) -> Outcome {
    std::panic::catch_unwind(AssertUnwindSafe(|| both(seed, bug, trace))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let wrong = Some(format!("a panic: {}", said.unwrap_or_default()));
        Outcome { counts: Counts::default(), digest: 0, trace: String::new(), wrong }
    })
}

fn both(seed: u64, bug: Option<Bug>, trace: bool) -> Outcome {
    let broken =
        |wrong: String| Outcome { counts: Counts::default(), digest: 0, trace: String::new(), wrong: Some(wrong) };
    let mut calm = match prepare(seed, None, false, false) {
        Ok(sim) => sim,
        Err(wrong) => return broken(format!("the simulation itself: {wrong}")),
    };
    let expected = match calm.live().and_then(|()| calm.judge()) {
        Ok(ends) => ends,
        Err(wrong) => return finished(calm, Err(format!("without any fault: {wrong}"))),
    };
    match prepare(seed, bug, true, trace) {
        Ok(mut sim) => {
            let lived = sim.live().and_then(|()| sim.judge()).and_then(|ends| sim.compare(&ends, &expected));
            finished(sim, lived)
        }
        Err(wrong) => broken(format!("the simulation itself: {wrong}")),
    }
}

fn finished(sim: Sim, lived: Result<(), String>) -> Outcome {
    Outcome {
        counts: sim.counts.clone(),
        digest: sim.trace.digest(),
        trace: sim.trace.text().to_owned(),
        wrong: lived.err(),
    }
}

fn prepare(seed: u64, bug: Option<Bug>, faults: bool, trace: bool) -> Result<Sim, String> {
    let random = Random::new(seed);
    let workload = Workload::new(&mut random.part(4));
    let house = plugins::house()?;
    let mut sizes = random.part(5);
    let editions = editions(&workload, &house, faults)?;
    let wanted = wanted(editions.first().cloned().unwrap_or_default(), &house)?;
    let mut world = World::default();
    for (unit, posts) in UNITS.iter().zip(&workload.posts) {
        world.post(&format!("{unit}/board"), posts.clone());
    }
    let setup = Setup {
        house,
        wanted,
        editions,
        config: HostConfig::default(),
        partitions: workload.partitions,
        segment_bytes: 4_096 << sizes.below(5),
        snapshot_every: 10 + sizes.below(150),
        bug,
    };
    Ok(Sim::new(seed, setup, workload, world, faults, trace))
}

type Configured = Vec<(WorkflowConfig, String, Definition)>;

/// What the configuration names; only the first edition of it where nothing goes wrong.
fn editions(workload: &Workload, house: &House, all: bool) -> Result<Vec<Configured>, String> {
    let mut known: HashMap<&str, Definition> = HashMap::new();
    let mut editions = Vec::new();
    for edition in workload.editions.iter().take(if all { usize::MAX } else { 1 }) {
        let mut workflows = Vec::with_capacity(edition.len());
        for Workflow { name, text } in edition {
            let definition = match known.entry(text) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(new) => new.insert(plugins::parse(name, text, house)?).clone(),
            };
            let file = name.clone().into();
            let config = WorkflowConfig { file, units: UNITS.iter().map(|unit| (*unit).to_owned()).collect() };
            workflows.push((config, text.clone(), definition));
        }
        editions.push(workflows);
    }
    Ok(editions)
}

fn wanted(workflows: Configured, house: &Arc<House>) -> Result<Wanted, String> {
    let lines = |problems: Vec<String>| problems.join("\n");
    let mut policy = PolicyPack::parse(workload::POLICY, "linhai.json")
        .map_err(|problems| lines(problems.iter().map(ToString::to_string).collect()))?;
    // Its workflows answer by themselves; nobody is there who would approve an assessment.
    policy.approvals.clear();
    let units: BTreeSet<String> = policy.units.iter().map(|unit| unit.code.clone()).collect();
    let every: Interval = "PT10M".parse().map_err(|e| format!("{e}"))?;
    let (collector, _) =
        house.find(&format!("{}:1.0.0", plugins::REPEATABLE)).ok_or("the collector is not installed")?;
    let sources = UNITS
        .iter()
        .map(|unit| {
            Arc::new(WatchedSource {
                expected: 86_400,
                id: format!("{unit}/board"),
                name: "board".to_owned(),
                unit: (*unit).to_owned(),
                collector: collector.clone(),
                config: serde_json::Value::Null,
                channel: None,
                schedule: Timetable(Schedule::Every { every, anchor: Timestamp::UNIX_EPOCH }),
                limit: 5,
            })
        })
        .collect();
    Ok(Wanted { policy: Some(policy), units, workflows, sources, ..Wanted::default() })
}

/// Runs seeds on a few threads, each simulation in one; stops at the first
/// that fails when asked to. Gives what failed, and the sums.
pub fn simulate_all(
    seeds: std::ops::Range<u64>,
    threads: usize,
    bug: Option<Bug>,
    stop_at_first: bool,
) -> (Vec<(u64, String)>, Counts) {
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    let failed = Mutex::new(Vec::new());
    let sums = Mutex::new(Counts::default());
    let lock = |of: &Mutex<Vec<(u64, String)>>, seed, wrong| {
        of.lock().unwrap_or_else(PoisonError::into_inner).push((seed, wrong));
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let outcome = simulate(seed, bug, false);
                    sums.lock().unwrap_or_else(PoisonError::into_inner).add(&outcome.counts);
                    if let Some(wrong) = outcome.wrong {
                        lock(&failed, seed, wrong);
                        stop.store(stop_at_first, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort();
    (failed, sums.into_inner().unwrap_or_else(PoisonError::into_inner))
}
