//! How an incarnation ends and the next begins: the faults, the crash, the
//! start, and what every start is held against.

use std::collections::BTreeSet;

use huiyin_engine::deployed::workflow_name;
use huiyin_engine::partition::Message;
use huiyin_engine::partition::Snapshot;
use huiyin_engine::record::Entry;
use huiyin_engine::state::State;
use huiyin_journal::Journal as _;
use huiyin_journal::faults::Durable;

use crate::disk::{Cut, Trouble};
use crate::host::{Found, Host, NoStart, Setup};
use crate::sim::{Flight, Sim};
use crate::trace::Trace;

impl Sim {
    pub(crate) fn cut(&mut self) -> Cut {
        if self.random.chance(1, 2) { Cut::Clean } else { Cut::Torn }
    }

    pub(crate) fn fault(&mut self) -> Result<(), String> {
        match self.random.below(16) {
            0 | 1 => self.crash(None),
            2 | 3 => self.crash(Some(Cut::Clean)),
            4 | 5 => self.crash(Some(Cut::Torn)),
            6..=8 => {
                let left = self.random.below(8);
                self.trouble(Trouble::PowerGoes(left))
            }
            9 => self.trouble(Trouble::SyncFails),
            10 => self.trouble(Trouble::SyncFailsAndForgets),
            11 => self.trouble(Trouble::NoSpace),
            _ => {
                let step = match self.random.below(3) {
                    0 => self.random.between(-5_400_000, 5_400_000),
                    _ => self.random.between(-60_000, 60_000),
                };
                self.skew += step;
                self.counts.clock_steps += 1;
                self.trace.say(format_args!("{} the clock is set by {step} ms", self.now));
                Ok(())
            }
        }
    }

    #[allow(clippy::unnecessary_wraps)] // one shape for every kind of fault
    pub(crate) fn trouble(&mut self, trouble: Trouble) -> Result<(), String> {
        self.trace.say(format_args!("{} the disk: {trouble:?}", self.now));
        self.disk.set_trouble(Some(trouble));
        Ok(())
    }

    /// The host ends here; with a cut the machine does. Then it starts again.
    pub(crate) fn crash(&mut self, cut: Option<Cut>) -> Result<(), String> {
        self.counts.crashes += 1;
        self.trace.say(format_args!("{} crash, {cut:?}", self.now));
        self.remember_leaves()?;
        self.host = None;
        self.disk.set_trouble(None);
        if let Some(cut) = cut {
            self.disk.cut_power(cut);
        }
        // What is outside goes on; some of what was on its way back comes late.
        let flights = std::mem::take(&mut self.flights);
        for (at, flight) in flights {
            let stays = match &flight {
                Flight::Effect(..) | Flight::Poll(..) => self.random.chance(2, 3),
                Flight::Deliver(_, Message::Effect(_) | Message::Page(_)) => self.random.chance(1, 3),
                Flight::Deliver(_, Message::Turn(_)) => self.random.chance(1, 8),
                _ => false,
            };
            if stays {
                self.counts.repeated += 1;
                self.flights.push((at, flight));
            }
        }
        self.boot()
    }

    pub(crate) fn remember_leaves(&mut self) -> Result<(), String> {
        let Some(host) = &self.host else { return Ok(()) };
        let size = host.journal.size();
        while (self.leaves.len() as u64) < size {
            let from = self.leaves.len() as u64;
            let more = host.journal.leaves(from, 4_096).map_err(|e| format!("the leaves do not read: {e}"))?;
            if more.is_empty() {
                return Err(format!("the journal has {size} records and gives no leaf {from}"));
            }
            self.leaves.extend(more.iter().map(|leaf| digest(leaf)));
        }
        Ok(())
    }

    pub(crate) fn boot(&mut self) -> Result<(), String> {
        loop {
            if self.faults && self.quiet_since.is_none() && self.random.chance(1, 6) {
                let left = self.random.below(14);
                self.disk.set_trouble(Some(Trouble::PowerGoes(left)));
            }
            let views = self.views.found(self.setup.partitions, &mut self.random);
            self.change_configuration();
            match self.try_boot(&views)? {
                Some(host) => {
                    self.host = Some(host);
                    break;
                }
                None => {
                    self.counts.crashes += 1;
                    self.trace.say(format_args!("{} the power went during the start", self.now));
                    let cut = self.cut();
                    self.disk.cut_power(cut);
                }
            }
        }
        let now = self.host_now();
        for at in 0..self.setup.partitions as usize {
            let Some(part) = self.part(at) else { continue };
            let steps = part.commit.resume(now);
            self.take(at, steps)?;
        }
        Ok(())
    }

    /// Somebody may have written another configuration while the host was away.
    fn change_configuration(&mut self) {
        let editions = self.setup.editions.len();
        if editions > 1 && self.host.is_none() && !self.leaves.is_empty() && self.random.chance(1, 2) {
            let edition = self.random.place(editions);
            self.trace.say(format_args!("{} the configuration is edition {edition}", self.now));
            self.setup.wanted.workflows = self.setup.editions[edition].clone();
            self.counts.editions += 1;
        }
    }

    /// A start; none if the power went meanwhile.
    pub(crate) fn try_boot(&mut self, views: &[Option<Snapshot>]) -> Result<Option<Host>, String> {
        let found = match Found::open(&self.setup, &self.disk, views) {
            Ok(found) => found,
            Err(NoStart::PowerOff) => return Ok(None),
            Err(NoStart::Broken(why)) => return Err(why),
        };
        // What was in the cache is durable once the journal has opened: it syncs what it found.
        self.durable = Durable::default();
        self.looked = u64::MAX;
        self.counts.snapshots += found.loaded.iter().filter(|(_, snapshot)| *snapshot > 0).count() as u64;
        self.check_found(&found)?;
        let cut_off = found.loaded.first().is_some_and(|(home, _)| home.intended.is_some());
        self.counts.carried_on += u64::from(cut_off);
        let now = self.host_now();
        match found.assemble(&self.setup, &mut self.definitions, &self.disk, &mut self.random, now) {
            Ok(host) => {
                self.trace.say(format_args!("{} started with {} records", self.now, host.journal.size()));
                in_force(&self.setup, &host)?;
                self.decrees.check(&host)?;
                self.slots.check(&host, &self.setup.house)?;
                Ok(Some(host))
            }
            Err(NoStart::PowerOff) => Ok(None),
            Err(NoStart::Broken(why)) => Err(why),
        }
    }

    /// Holds what a start has found against everything that was promised.
    pub(crate) fn check_found(&mut self, found: &Found) -> Result<(), String> {
        let journal = found.journal();
        let leaves = journal.leaves(0, usize::MAX).map_err(|e| format!("the leaves do not read: {e}"))?;
        if leaves.len() < self.leaves.len() {
            return Err(format!("{} records were called durable, {} are there", self.leaves.len(), leaves.len()));
        }
        for (at, (leaf, known)) in leaves.iter().zip(&self.leaves).enumerate() {
            if digest(leaf) != *known {
                return Err(format!("record {at} of the tree was called durable, and is another one now"));
            }
        }
        for (partition, (state, snapshot)) in (0u32..).zip(&found.loaded) {
            let replayed = self.replay(journal, partition)?;
            let loaded = huiyin_engine::snapshot_writer::snapshot(state).map_err(|e| e.to_string())?;
            if replayed != loaded.digest {
                return Err(format!(
                    "partition {partition} loaded from its snapshot at {snapshot} differs from all its records at {}",
                    state.seq
                ));
            }
            // What was decided and is not there was never durable; it never happened.
            self.samples.retain(|(of, seq), _| *of != partition || *seq <= state.seq);
        }
        self.client.check(found.loaded.iter().map(|(state, _)| state))
    }

    /// A partition's digest from its records alone, held on the way against
    /// what the living partition knew after the same records.
    pub(crate) fn replay(&self, journal: &huiyin_journal::LargePayloads, partition: u32) -> Result<String, String> {
        let mut state = State::default();
        for record in journal.read(partition, 1).map_err(|e| e.to_string())? {
            let record = record.map_err(|e| format!("a record does not read: {e}"))?;
            let entry: Option<Entry> = huiyin_engine::record::decode(&record).map_err(|e| e.to_string())?;
            if let Some(entry) = entry {
                state
                    .apply(&entry, record.header.time)
                    .map_err(|e| format!("record {} does not apply: {e}", record.header.id))?;
            }
            state.seq = record.header.seq;
            if let Some(known) = self.samples.get(&(partition, state.seq)) {
                let snapshot = huiyin_engine::snapshot_writer::snapshot(&state).map_err(|e| e.to_string())?;
                if snapshot.digest != *known {
                    return Err(format!(
                        "partition {partition} knew something at record {} that its records do not say",
                        state.seq
                    ));
                }
            }
        }
        huiyin_engine::snapshot_writer::snapshot(&state).map(|snapshot| snapshot.digest).map_err(|e| e.to_string())
    }
}

/// What the configuration names is in force, in its very words, for each unit; nothing
/// else is but what persons deployed; and every run has its own workflow still.
fn in_force(setup: &Setup, host: &Host) -> Result<(), String> {
    let mut found = BTreeSet::new();
    for state in host.parts.iter().map(|part| part.commit.core().state()) {
        for (id, run) in &state.runs {
            if !state.deployments.contains_key(&run.deployment) {
                return Err(format!("run {id} has lost its workflow"));
            }
        }
        for deployment in state.deployments.values().filter(|d| d.active && d.by.is_none()) {
            let text = deployment.text.to_string();
            if !found.insert((deployment.name.clone(), deployment.unit.clone().unwrap_or_default(), text)) {
                return Err(format!("{} is in force twice for {:?}", deployment.name, deployment.unit));
            }
        }
    }
    let named = setup.wanted.workflows.iter().flat_map(|(config, text, definition)| {
        config.units.iter().map(move |unit| (workflow_name(definition), unit.clone(), text.clone()))
    });
    let named: BTreeSet<_> = named.collect();
    match found.symmetric_difference(&named).next() {
        None => Ok(()),
        Some((name, unit, text)) => {
            let only =
                if named.contains(&(name.clone(), unit.clone(), text.clone())) { "configured" } else { "in force" };
            Err(format!("{name} for {unit} is only {only}: {text}"))
        }
    }
}

fn digest(leaf: &[u8]) -> u64 {
    let mut trace = Trace::new(false);
    trace.bytes(leaf);
    trace.digest()
}
