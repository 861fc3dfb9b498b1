//! Admission of effectful calls: how many may be out at once, for the whole
//! host, for each unit, for each plugin, and who is next. Each unit's calls
//! wait in a lane of their own ([`huiyin_fairness`]), so a slow plugin or a unit's
//! flood never holds all places. What was accepted is never dropped: where too
//! much waits, it is intake that is told to wait (rule 11).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use huiyin_partition::partition::RUNS;

use huiyin_fairness::{FairQueue, Ticket, micros};

/// Calls out at once, and how many may wait, as `admission` of the
/// configuration says it; what it does not say follows from the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct AdmissionConfig {
    /// Effectful calls out at once, readings of sources among them, for the whole host; 64 unless told.
    pub effects: Option<usize>,
    /// Of them for one unit; half of `effects` unless told.
    pub per_unit: Option<usize>,
    /// Of them of one plugin, or of one workflow's own requests, for all units; three quarters of `effects` unless told.
    pub per_plugin: Option<usize>,
    /// Of them of one plugin for one unit; three quarters of `perUnit` unless told.
    pub per_plugin_and_unit: Option<usize>,
    /// Turns of a unit's runs, and as many effectful calls, that may wait
    /// before the unit's intake is told to wait; 4,096 unless told. Four times as many for the host.
    pub queue: Option<usize>,
    /// Runs of a unit that may be under way before nothing more is started for it: not by its runs (an
    /// error of the task), not by events and people (they are told to wait); 20,000 unless told.
    pub runs: Option<usize>,
}

/// The same with every figure set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Effectful calls out at once.
    pub effects: usize,
    /// Of them for one unit.
    pub per_unit: usize,
    /// Of them of one plugin.
    pub per_plugin: usize,
    /// Of them of one plugin for one unit.
    pub per_plugin_and_unit: usize,
    /// What may wait for a unit.
    pub queue: usize,
    /// Runs of a unit that may be under way.
    pub runs: usize,
}

impl Default for Admission {
    fn default() -> Admission {
        Admission { effects: 64, per_unit: 32, per_plugin: 48, per_plugin_and_unit: 24, queue: 4_096, runs: RUNS }
    }
}

/// The most effectful calls that a host may be told to have out at once: each
/// has an instance, and address space reserved for it.
pub const MAX_EFFECTS: usize = 512;

/// The most that may be told to wait, or to be under way, for a unit.
const MAX_QUEUE: usize = 1_000_000;

impl AdmissionConfig {
    /// The figures, with those that were not given.
    ///
    /// # Errors
    /// What is wrong with them, each with its JSON pointer.
    pub fn read(&self) -> Result<Admission, Vec<String>> {
        let mut problems = Vec::new();
        let mut bound = |name: &str, given: Option<usize>, usual: usize, most: usize, why: &str| {
            let value = given.unwrap_or(usual);
            if value == 0 || value > most {
                problems.push(format!("/admission/{name}: {value} is not from 1 to {most}{why}"));
            }
            value.clamp(1, most)
        };
        let effects = bound("effects", self.effects, 64, MAX_EFFECTS, "");
        let whole = ", the `effects` of the host";
        let per_unit = bound("perUnit", self.per_unit, effects.div_ceil(2), effects, whole);
        let per_plugin = bound("perPlugin", self.per_plugin, (effects * 3).div_ceil(4), effects, whole);
        let (part, smaller) = (per_unit.min(per_plugin), ", the smaller of `perUnit` and `perPlugin`");
        let both = (per_unit * 3).div_ceil(4).min(part);
        let per_plugin_and_unit = bound("perPluginAndUnit", self.per_plugin_and_unit, both, part, smaller);
        let queue = bound("queue", self.queue, 4_096, MAX_QUEUE, "");
        let runs = bound("runs", self.runs, RUNS, MAX_QUEUE, "");
        let read = Admission { effects, per_unit, per_plugin, per_plugin_and_unit, queue, runs };
        if problems.is_empty() { Ok(read) } else { Err(problems) }
    }
}

impl Admission {
    /// How many may wait in all.
    pub fn queue_of_host(&self) -> usize {
        self.queue.saturating_mul(4)
    }
}

/// The gate.
pub struct Gate {
    bounds: Admission,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    waiting: FairQueue<Arc<str>, Waiter>,
    out: usize,
    of_plugin: HashMap<Arc<str>, usize>,
    of_both: HashMap<(Arc<str>, Arc<str>), usize>,
}

struct Waiter {
    unit: Arc<str>,
    plugin: Arc<str>,
    tell: oneshot::Sender<Place>,
}

/// A place of one call; gives itself back.
pub struct Place {
    /// Taken when it is given back, or when nobody took it.
    held: Option<Held>,
    gate: Arc<Gate>,
}

struct Held {
    unit: Arc<str>,
    plugin: Arc<str>,
    ticket: Ticket,
    since: Instant,
}

impl Gate {
    /// A gate with these bounds.
    pub fn new(bounds: Admission) -> Arc<Gate> {
        Arc::new(Gate { bounds, inside: Mutex::default() })
    }

    /// The bounds.
    pub fn bounds(&self) -> &Admission {
        &self.bounds
    }

    /// Waits for a place. Dropping the future gives the turn up.
    pub async fn enter(self: &Arc<Self>, unit: &str, plugin: &str) -> Option<Place> {
        let (tell, told) = oneshot::channel();
        let plugin: Arc<str> = plugin.into();
        let waiter = Waiter { unit: unit.into(), plugin: Arc::clone(&plugin), tell };
        self.inside().waiting.push(unit, plugin, waiter);
        self.let_in();
        // None only when the gate itself is gone.
        told.await.ok()
    }

    /// Whether so many calls wait, of this unit or of all, that no more should be taken in for it.
    pub fn crowded(&self, unit: &str) -> bool {
        let inside = self.inside();
        inside.waiting.waiting() >= self.bounds.queue_of_host() || inside.waiting.waiting_of(unit) >= self.bounds.queue
    }

    /// How many calls wait, and how many are out.
    pub fn load(&self) -> (usize, usize) {
        let inside = self.inside();
        (inside.waiting.waiting(), inside.out)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets in who may come in.
    fn let_in(self: &Arc<Self>) {
        loop {
            let mut inside = self.inside();
            let Some((waiter, ticket)) = inside.next(&self.bounds) else { return };
            inside.take(&waiter.unit, &waiter.plugin);
            drop(inside);
            let held = Held { unit: waiter.unit, plugin: waiter.plugin, ticket, since: Instant::now() };
            let place = Place { held: Some(held), gate: Arc::clone(self) };
            if let Err(mut place) = waiter.tell.send(place)
                && let Some(held) = place.held.take()
            {
                // It no longer waits.
                self.inside().give_back(held);
            }
        }
    }
}

impl Inside {
    fn next(&mut self, bounds: &Admission) -> Option<(Waiter, Ticket)> {
        if self.out >= bounds.effects {
            return None;
        }
        let Inside { waiting, of_plugin, of_both, .. } = self;
        let free_of = |plugin: &Arc<str>| of_plugin.get(plugin).is_none_or(|out| *out < bounds.per_plugin);
        waiting.pop_of(|unit, running, plugin| {
            running < bounds.per_unit
                && free_of(plugin)
                && of_both
                    .get(&(Arc::clone(unit), Arc::clone(plugin)))
                    .is_none_or(|out| *out < bounds.per_plugin_and_unit)
        })
    }

    fn take(&mut self, unit: &Arc<str>, plugin: &Arc<str>) {
        self.out += 1;
        *self.of_plugin.entry(Arc::clone(plugin)).or_default() += 1;
        *self.of_both.entry((Arc::clone(unit), Arc::clone(plugin))).or_default() += 1;
    }

    fn give_back(&mut self, held: Held) {
        self.out = self.out.saturating_sub(1);
        one_less(&mut self.of_plugin, &held.plugin);
        one_less(&mut self.of_both, &(held.unit, held.plugin));
        self.waiting.done(held.ticket, micros(held.since.elapsed()));
    }
}

fn one_less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            self.gate.inside().give_back(held);
            self.gate.let_in();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn gate(bounds: Admission) -> Arc<Gate> {
        Gate::new(bounds)
    }

    fn small() -> Admission {
        Admission { effects: 4, per_unit: 3, per_plugin: 3, per_plugin_and_unit: 2, queue: 2, runs: 9 }
    }

    #[tokio::test]
    async fn one_unit_and_one_plugin_never_hold_all_places() {
        let gate = gate(small());
        let first = gate.enter("a", "slow").await;
        let second = gate.enter("a", "slow").await;
        // The third of the same plugin waits; another plugin of the unit does not; then the unit has what it may.
        let mut third = Box::pin(gate.enter("a", "slow"));
        assert!((&mut third).now_or_never().is_none());
        let other = gate.enter("a", "other").await;
        assert!(Box::pin(gate.enter("a", "third")).now_or_never().is_none());
        let another = gate.enter("b", "slow").await;
        assert!(another.is_some() && other.is_some() && first.is_some());
        // All four are out.
        let mut last = Box::pin(gate.enter("b", "other"));
        assert!((&mut last).now_or_never().is_none());
        drop(second);
        assert!((&mut third).now_or_never().is_some() || (&mut last).now_or_never().is_some());
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_takes_no_place() {
        let gate =
            gate(Admission { effects: 1, per_unit: 1, per_plugin: 1, per_plugin_and_unit: 1, queue: 2, runs: 9 });
        let held = gate.enter("a", "p").await;
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(gate.enter("a", "p"))).collect();
        assert!(waiting.iter_mut().all(|w| w.now_or_never().is_none()));
        assert!(gate.crowded("a"), "three wait where two may");
        assert!(!gate.crowded("b"), "another unit is taken in");
        drop(waiting.remove(0));
        drop(waiting.remove(0));
        drop(held);
        assert!((&mut waiting[0]).now_or_never().flatten().is_some());
        drop(waiting);
        assert_eq!(gate.load(), (0, 0));
    }

    #[test]
    fn figures_that_contradict_each_other_are_refused_with_their_place() {
        assert_eq!(AdmissionConfig::default().read(), Ok(Admission::default()));
        let few = AdmissionConfig { effects: Some(1), ..AdmissionConfig::default() };
        assert_eq!(few.read().map(|read| (read.per_unit, read.per_plugin, read.per_plugin_and_unit)), Ok((1, 1, 1)));
        let odd = AdmissionConfig { effects: Some(8), per_unit: Some(9), queue: Some(0), ..AdmissionConfig::default() };
        let problems = odd.read().unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(problems[0], "/admission/perUnit: 9 is not from 1 to 8, the `effects` of the host");
    }
}
