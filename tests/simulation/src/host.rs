//! One incarnation of the host: what lives between a start and a crash. The
//! journal, the loading, the decisions and the output-commit rule are the live
//! host's own code; only who calls them when is different.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use huiyin_engine::commit::Commit;
use huiyin_engine::config::{HostConfig, WorkflowConfig};
use huiyin_engine::house::House;
use huiyin_engine::partition::{IdSource, Message, PartitionCore, Snapshot};
use huiyin_engine::planted::Planted;
use huiyin_engine::start::{Definitions, Wanted, bring_into_force, complete_intended, load};
use huiyin_engine::state::State;
use huiyin_engine::value_limits::ValueLimits;
use huiyin_flow::Definition;
use huiyin_journal::faults::{PlantedBug, Stepper};
use huiyin_journal::{AppendFuture, Appended, Journal, JournalError, LargePayloads, Options, SegmentJournal};
use jiff::Timestamp;
use uuid::Uuid;

use crate::disk::SimDisk;
use crate::random::Random;

/// Where the journal lies on the simulated disk.
pub const FOLDER: &str = "/host/journal";

/// The key of content hashes.
const CONTENT_KEY: [u8; 32] = [7; 32];

/// A fault on purpose, which must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The journal answers before it has synced.
    NoSync,
    /// Effects leave before their records are durable.
    EarlyEffect,
    /// The timers of runs are not set again after a reload.
    LostTimer,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 3] = [Bug::NoSync, Bug::EarlyEffect, Bug::LostTimer];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Bug::NoSync => "no-sync",
            Bug::EarlyEffect => "early-effect",
            Bug::LostTimer => "lost-timer",
        }
    }
}

/// What every incarnation of one simulated host has in common.
pub struct Setup {
    /// What is installed.
    pub house: Arc<House>,
    /// What is configured.
    pub wanted: Wanted,
    /// The workflows that it names, edition by edition.
    pub editions: Vec<Vec<(WorkflowConfig, String, Definition)>>,
    /// The rest of the configuration.
    pub config: HostConfig,
    /// How many partitions.
    pub partitions: u32,
    /// Size of a segment file.
    pub segment_bytes: u64,
    /// Records between two snapshots.
    pub snapshot_every: u64,
    /// The fault that is planted.
    pub bug: Option<Bug>,
}

/// One partition of an incarnation.
pub struct Part {
    /// The real thing.
    pub commit: Commit,
    /// Appends whose outcome is not known to it.
    pub pending: VecDeque<AppendFuture>,
    /// Messages that have arrived.
    pub inbox: VecDeque<Message>,
}

/// An incarnation.
pub struct Host {
    /// The real journal on the simulated disk.
    pub journal: Arc<LargePayloads>,
    /// Its writer.
    pub stepper: Stepper,
    /// Its partitions.
    pub parts: Vec<Part>,
}

/// Why a host did not start.
pub enum NoStart {
    /// The power went meanwhile.
    PowerOff,
    /// It should have.
    Broken(String),
}

/// A journal as it was found, with what was loaded from it.
pub struct Found {
    journal: Arc<LargePayloads>,
    stepper: Stepper,
    /// The partitions' states and the last record in the snapshot each was loaded from.
    pub loaded: Vec<(State, u64)>,
}

impl Found {
    /// Opens the journal and loads every partition.
    ///
    /// # Errors
    /// When that does not go.
    pub fn open(setup: &Setup, disk: &SimDisk, views: &[Option<Snapshot>]) -> Result<Found, NoStart> {
        let planted = (setup.bug == Some(Bug::NoSync)).then_some(PlantedBug::NoSync);
        let options = Options {
            disk: Arc::new(disk.clone()),
            host: Some("simulated".to_owned()),
            segment_bytes: setup.segment_bytes,
            max_queued_bytes: 1 << 30,
            planted,
            ..Options::default()
        };
        let no = |error: &dyn std::fmt::Display| {
            if disk.is_off() {
                NoStart::PowerOff
            } else {
                NoStart::Broken(format!("the journal does not open: {error}"))
            }
        };
        let (journal, stepper) = SegmentJournal::open_stepped(Path::new(FOLDER), options).map_err(|e| no(&e))?;
        let journal = large(journal);
        journal.sweep().map_err(|e| no(&e))?;
        let mut loaded = Vec::new();
        for partition in 0..setup.partitions {
            let snapshot = views.get(partition as usize).and_then(Option::as_ref);
            loaded.push(load(&journal, partition, snapshot).map_err(|e| no(&e))?);
        }
        Ok(Found { journal: Arc::new(journal), stepper, loaded })
    }

    /// The journal.
    pub fn journal(&self) -> &LargePayloads {
        &self.journal
    }

    /// Brings what is configured into force and puts the partitions together;
    /// none is put to work yet.
    ///
    /// # Errors
    /// When that does not go.
    pub fn assemble(
        mut self,
        setup: &Setup,
        definitions: &mut Definitions,
        disk: &SimDisk,
        random: &mut Random,
        now: Timestamp,
    ) -> Result<Host, NoStart> {
        let no = |error: &dyn std::fmt::Display| {
            if disk.is_off() { NoStart::PowerOff } else { NoStart::Broken(format!("the host does not start: {error}")) }
        };
        let (mut states, snapshots): (Vec<State>, Vec<u64>) = self.loaded.into_iter().unzip();
        {
            let journal: &dyn Journal = self.journal.as_ref();
            let rest = complete_intended(&mut states, journal, now);
            drive(rest, &mut self.stepper).ok_or_else(|| no(&"an append was never answered"))?.map_err(|e| no(&e))?;
            let force = bring_into_force(&mut states, &setup.wanted, &setup.config, &setup.house, journal, now);
            drive(force, &mut self.stepper).ok_or_else(|| no(&"an append was never answered"))?.map_err(|e| no(&e))?;
        }
        let mut parts = Vec::new();
        for (partition, (state, snapshot)) in (0u32..).zip(states.into_iter().zip(snapshots)) {
            let deployed = definitions.of(&state, &setup.house).map_err(|e| no(&e))?;
            let sources =
                setup.wanted.sources.iter().filter(|source| state.units.contains(&source.unit)).cloned().collect();
            let core = PartitionCore::new(
                partition,
                state,
                deployed,
                sources,
                Box::new(SeededDice { random: random.part(random.clone().draw()), last: 0 }),
                CONTENT_KEY,
                Arc::clone(&setup.house.evaluator),
                ValueLimits::default(),
            )
            .among(setup.partitions);
            random.draw();
            let planted = match setup.bug {
                Some(Bug::EarlyEffect) => Some(Planted::EarlyEffect),
                Some(Bug::LostTimer) => Some(Planted::LostTimer),
                Some(Bug::NoSync) | None => None,
            };
            let commit = Commit::new(core).with_snapshots(setup.snapshot_every, snapshot).with_planted(planted);
            parts.push(Part { commit, pending: VecDeque::new(), inbox: VecDeque::new() });
        }
        Ok(Host { journal: self.journal, stepper: self.stepper, parts })
    }
}

/// Payloads above so many bytes have their large values in blobs: little enough for many to have.
const LARGE: usize = 700;

/// The journal as the host has it.
pub fn large(journal: SegmentJournal) -> LargePayloads {
    LargePayloads::above(Arc::new(journal), LARGE)
}

/// Where a deployment of this name for this unit lives: partition and digest.
pub fn deployment(host: &Host, name: &str, unit: &str) -> Option<(usize, String)> {
    host.parts.iter().enumerate().find_map(|(at, part)| {
        let found = part
            .commit
            .core()
            .state()
            .deployments
            .iter()
            .find(|(_, d)| d.active && d.unit.as_deref() == Some(unit) && d.name.rsplit('/').next() == Some(name));
        found.map(|(id, _)| (at, id.clone()))
    })
}

/// The outcome of an append, if it is known by now.
pub fn outcome(append: &mut AppendFuture) -> Option<Result<Appended, JournalError>> {
    match append.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

/// Runs a future of the start to its end, with the writer taking its turns in between.
fn drive<T>(future: impl Future<Output = T>, stepper: &mut Stepper) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut idle = 0;
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(done);
        }
        if stepper.waiting() {
            stepper.step();
            idle = 0;
        } else {
            idle += 1;
            if idle > 3 {
                return None;
            }
        }
    }
}

/// Ids and randomness from the seed.
struct SeededDice {
    random: Random,
    last: u64,
}

impl IdSource for SeededDice {
    fn uuid(&mut self, now: Timestamp) -> Uuid {
        // Greater than every one before, also when the clock is set back.
        self.last = (self.last + 1).max(u64::try_from(now.as_millisecond()).unwrap_or_default());
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&self.random.draw().to_le_bytes());
        uuid::Builder::from_unix_timestamp_millis(self.last, &bytes).into_uuid()
    }

    fn random(&mut self) -> u64 {
        self.random.draw()
    }
}

/// What the partitions' views hold, and have held: after a crash they may be
/// as they were at any earlier moment.
#[derive(Default)]
pub struct Views {
    kept: BTreeMap<u32, Vec<Snapshot>>,
}

impl Views {
    /// Keeps a snapshot.
    pub fn keep(&mut self, partition: u32, snapshot: Snapshot) {
        let kept = self.kept.entry(partition).or_default();
        kept.push(snapshot);
        if kept.len() > 3 {
            kept.remove(0);
        }
    }

    /// What is found at a start: the newest, an older one, or nothing.
    pub fn found(&mut self, partitions: u32, random: &mut Random) -> Vec<Option<Snapshot>> {
        (0..partitions)
            .map(|partition| {
                let kept = self.kept.get_mut(&partition)?;
                kept.truncate(random.place(kept.len() + 2).max(1));
                if random.chance(1, 8) {
                    kept.clear();
                }
                let last = kept.last()?;
                Some(Snapshot { seq: last.seq, digest: last.digest.clone(), bytes: last.bytes.clone() })
            })
            .collect()
    }
}
