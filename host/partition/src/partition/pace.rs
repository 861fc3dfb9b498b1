//! What the runs of each unit take, and whose first turn is next. Runs that
//! other runs, events and schedules start come in by themselves, so nobody can
//! be told to wait for them at the door: only so many of a unit have their
//! first turn at once, the others wait here, behind nobody else's; and beyond
//! a bound a unit's runs start and publish nothing more ([`PartitionCore::crowded`]).
//!
//! All of it follows from the runs that there are; nothing of it is recorded.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use huiyin_flow::json_bytes;
use huiyin_records::state::Run;
use jiff::Timestamp;
use serde_json::json;

use super::PartitionCore;
use crate::deployed::Answer;

/// First turns of a unit's runs that are out at once, where nobody outside asked for the run. The loop
/// of the partition has no more of them than that before it at any time.
const FIRST_TURNS: usize = 32;

/// Events that wait for one run; beyond it nothing that it listens for is published or taken in for its unit.
const INBOX: usize = 4_096;

/// Events that wait to be passed on to other partitions; the same beyond it.
pub(super) const RELAYS: usize = 4_096;

/// Runs of one unit under way at once, unless told.
pub const RUNS: usize = 20_000;

/// What the runs of one unit may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunBounds {
    /// Runs under way.
    pub runs: usize,
    /// Bytes that they hold together, as JSON.
    pub bytes: u64,
}

impl Default for RunBounds {
    fn default() -> RunBounds {
        RunBounds { runs: RUNS, bytes: 2 * crate::value_limits::DEFAULT_STATE }
    }
}

/// What all units' runs take.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) bounds: RunBounds,
    runs: HashMap<String, Counted>,
    units: HashMap<Arc<str>, Lane>,
}

#[derive(Debug)]
struct Counted {
    unit: Arc<str>,
    bytes: u64,
    /// Its first turn waits, or is out.
    first: First,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Waits,
    Out,
    Taken,
}

#[derive(Debug, Default)]
struct Lane {
    runs: usize,
    bytes: u64,
    /// First turns that are out.
    out: usize,
    waiting: VecDeque<String>,
    /// Runs for which too many events wait.
    deep: HashSet<String>,
    /// It was said that the unit is at its bound.
    said: bool,
}

impl Pace {
    /// A run is on record.
    pub(super) fn started(&mut self, run: &str, unit: &str, bytes: u64) {
        if self.runs.contains_key(run) {
            return;
        }
        let unit: Arc<str> = match self.units.get_key_value(unit) {
            Some((known, _)) => Arc::clone(known),
            None => unit.into(),
        };
        let lane = self.units.entry(Arc::clone(&unit)).or_default();
        lane.runs += 1;
        lane.bytes = lane.bytes.saturating_add(bytes);
        self.runs.insert(run.to_owned(), Counted { unit, bytes, first: First::Taken });
    }

    /// A run holds so many bytes now.
    pub(super) fn weighs(&mut self, run: &str, bytes: u64) {
        let Some(counted) = self.runs.get_mut(run) else { return };
        if let Some(lane) = self.units.get_mut(&counted.unit) {
            lane.bytes = lane.bytes.saturating_sub(counted.bytes).saturating_add(bytes);
        }
        counted.bytes = bytes;
    }

    /// A run has ended.
    pub(super) fn ended(&mut self, run: &str) {
        let Some(counted) = self.runs.remove(run) else { return };
        let Some(lane) = self.units.get_mut(&counted.unit) else { return };
        lane.runs = lane.runs.saturating_sub(1);
        lane.bytes = lane.bytes.saturating_sub(counted.bytes);
        lane.deep.remove(run);
        if counted.first == First::Out {
            lane.out = lane.out.saturating_sub(1);
        }
        if lane.runs == 0 {
            self.units.remove(&counted.unit);
        }
    }

    /// Whether the first turn of a run may be taken now; if not, it has its place in the queue.
    fn may_begin(&mut self, run: &str) -> bool {
        let Some(counted) = self.runs.get_mut(run) else { return true };
        let Some(lane) = self.units.get_mut(&counted.unit) else { return true };
        match counted.first {
            First::Waits => false,
            First::Out => true,
            First::Taken if lane.out < FIRST_TURNS => {
                (counted.first, lane.out) = (First::Out, lane.out + 1);
                true
            }
            First::Taken => {
                counted.first = First::Waits;
                lane.waiting.push_back(run.to_owned());
                false
            }
        }
    }

    /// The first turn of a run is back, if it was out: whose is next, and may be taken.
    fn first_done(&mut self, run: &str) -> Option<Arc<str>> {
        let counted = self.runs.get_mut(run).filter(|counted| counted.first == First::Out)?;
        counted.first = First::Taken;
        let lane = self.units.get_mut(&counted.unit)?;
        lane.out = lane.out.saturating_sub(1);
        Some(Arc::clone(&counted.unit))
    }

    /// The next run of a unit whose first turn may be taken; it no longer waits.
    fn next(&mut self, unit: &str) -> Option<String> {
        let lane = self.units.get_mut(unit).filter(|lane| lane.out < FIRST_TURNS)?;
        while let Some(run) = lane.waiting.pop_front() {
            // One that waited may have ended.
            if let Some(counted) = self.runs.get_mut(&run).filter(|counted| counted.first == First::Waits) {
                counted.first = First::Taken;
                return Some(run);
            }
        }
        None
    }

    /// Whether the first turn of a run has still to be handed out.
    pub(super) fn waits(&self, run: &str) -> bool {
        self.runs.get(run).is_some_and(|counted| counted.first == First::Waits)
    }

    /// Whether a unit has as many runs, or as much in them, as it may.
    pub(super) fn full(&self, unit: &str) -> bool {
        self.units.get(unit).is_some_and(|lane| lane.runs >= self.bounds.runs || lane.bytes >= self.bounds.bytes)
    }

    /// So many events wait for a run.
    pub(super) fn inbox(&mut self, run: &str, events: usize) {
        let Some(counted) = self.runs.get(run) else { return };
        let Some(lane) = self.units.get_mut(&counted.unit) else { return };
        if events >= INBOX {
            lane.deep.insert(run.to_owned());
        } else if events <= INBOX / 2 {
            lane.deep.remove(run);
        }
    }

    fn deep(&self, unit: &str) -> Option<&HashSet<String>> {
        self.units.get(unit).map(|lane| &lane.deep).filter(|deep| !deep.is_empty())
    }

    /// Whether it has to be said that a unit is at its bound: once, until it is well below it again.
    fn newly_full(&mut self, unit: &str) -> bool {
        let (runs, bytes) = (self.bounds.runs, self.bounds.bytes);
        let Some(lane) = self.units.get_mut(unit) else { return false };
        if lane.runs <= runs / 2 && lane.bytes <= bytes / 2 {
            lane.said = false;
        }
        let full = lane.runs >= runs || lane.bytes >= bytes;
        full && !std::mem::replace(&mut lane.said, true)
    }
}

impl PartitionCore {
    /// With these bounds for each unit's runs.
    #[must_use]
    pub fn with_run_bounds(mut self, bounds: RunBounds) -> PartitionCore {
        self.pace.bounds = bounds;
        self
    }

    /// After a reload: counts the runs that there are.
    pub(super) fn count_runs(&mut self) {
        for (id, run) in &self.state.runs {
            let unit = self.state.deployments.get(&run.deployment).and_then(|d| d.unit.as_deref());
            self.pace.started(id, unit.unwrap_or_default(), held(run));
            self.pace.inbox(id, run.inbox.len());
        }
    }

    /// Counts a run that is now on record.
    pub(super) fn count_run(&mut self, run: &str) {
        let Some(state) = self.state.runs.get(run) else { return };
        let unit = self.state.deployments.get(&state.deployment).and_then(|d| d.unit.as_deref());
        self.pace.started(run, unit.unwrap_or_default(), held(state));
    }

    /// Counts what a run holds and has not taken in, after a turn.
    pub(super) fn weigh_run(&mut self, run: &str) {
        let Some(state) = self.state.runs.get(run) else { return };
        self.pace.weighs(run, held(state));
        self.pace.inbox(run, state.inbox.len());
    }

    /// Hands a started run its input, when it is its turn.
    pub(super) fn begin(&mut self, run: &str, now: Timestamp) {
        let Some(state) = self.state.runs.get(run) else { return };
        // For what a person starts, it was asked at the door whether there is room.
        if state.trigger != "person" && !self.pace.may_begin(run) {
            return;
        }
        self.begin_now(run, now);
        if !self.busy.contains_key(run) {
            // It was set aside before it began.
            self.first_turn_done(run, now);
        }
    }

    /// The first turn of a run is back, if it was out: others may have theirs.
    pub(super) fn first_turn_done(&mut self, run: &str, now: Timestamp) {
        let Some(unit) = self.pace.first_done(run) else { return };
        while let Some(next) = self.pace.next(&unit) {
            let set_aside = self.state.runs.get(&next).is_none_or(|state| state.quarantined.is_some());
            if !set_aside && self.pace.may_begin(&next) {
                self.begin_now(&next, now);
                if self.busy.contains_key(&next) {
                    return;
                }
                self.pace.first_done(&next);
            }
        }
    }

    /// A run has ended: it no longer counts.
    pub(super) fn run_gone(&mut self, run: &str, now: Timestamp) {
        self.first_turn_done(run, now);
        self.pace.ended(run);
    }

    /// Why a run may start no other and publish nothing that others hear; none while it may.
    pub(super) fn crowded(&mut self, unit: Option<&str>, now: Timestamp) -> Option<String> {
        let name = unit.unwrap_or_default();
        let whose = unit.map_or_else(|| "the workflows that serve no unit".to_owned(), |unit| format!("unit {unit}"));
        if self.pace.full(name) {
            let RunBounds { runs, bytes } = self.pace.bounds;
            let why = format!(
                "as many runs of {whose} are under way as may be ({runs}, or {bytes} bytes held by them), so nothing more is started; wait until some have ended, withdraw what starts them, or let an admin raise `admission.runs`"
            );
            if self.pace.newly_full(name) {
                tracing::warn!(partition = self.partition, unit = name, "{why}");
                self.show("huiyin.unit.crowded.v1", "host", unit, json!({"reason": why}), now);
            }
            return Some(why);
        }
        self.pace.newly_full(name);
        if self.pace.deep(name).is_some() {
            return Some(format!(
                "{INBOX} events wait for a run of {whose}, so nothing more is published; wait until it has taken them in, or cancel it"
            ));
        }
        if unit.is_none() && self.state.heard.relays.len() >= RELAYS {
            return Some(format!("{RELAYS} events wait to be passed on to other partitions; wait until they were"));
        }
        None
    }

    /// Whether an event from outside has to wait: it would start runs of a unit that has as many
    /// as it may, or reach one for which too many events wait.
    pub(super) fn must_wait(&self, unit: Option<&str>, event: &serde_json::Value) -> bool {
        let name = unit.unwrap_or_default();
        let starts = || {
            let answers = |deployed: &Arc<crate::deployed::Deployed>| {
                deployed.answer(event, |filter| !self.gathered(&deployed.id, filter)) != Answer::No
            };
            self.at_home(unit) && self.triggers(unit).iter().any(answers)
        };
        (self.pace.full(name) && starts())
            || self.pace.deep(name).is_some_and(|deep| self.listening(unit, event).iter().any(|run| deep.contains(run)))
    }

    /// Whether events of a unit start workflows, or are listened for by a run that has too many waiting.
    pub(super) fn publishing_starts(&self, unit: Option<&str>) -> bool {
        let waiting = self.pace.deep(unit.unwrap_or_default()).is_some();
        waiting || unit.is_none() || !self.triggers(unit).is_empty()
    }
}

/// What a run holds, in bytes of JSON, about.
fn held(run: &Run) -> u64 {
    match &run.input {
        Some(input) => json_bytes(&**input),
        None => run.flow.weight_at_most().unwrap_or_else(|| run.flow.weight()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(runs: usize) -> Pace {
        Pace { bounds: RunBounds { runs, bytes: 1_000 }, ..Pace::default() }
    }

    #[test]
    fn first_turns_are_out_by_the_dozen_and_the_rest_waits_in_order() {
        let mut pace = pace(1_000);
        let ids: Vec<String> = (0..FIRST_TURNS + 2).map(|n| format!("r{n}")).collect();
        for id in &ids {
            pace.started(id, "a", 1);
        }
        let out: Vec<bool> = ids.iter().map(|id| pace.may_begin(id)).collect();
        assert!(out[..FIRST_TURNS].iter().all(|may| *may) && out[FIRST_TURNS..].iter().all(|may| !may));
        assert!(pace.waits(&ids[FIRST_TURNS]) && !pace.waits("r0"));
        // Another unit's are not behind them.
        pace.started("b0", "b", 1);
        assert!(pace.may_begin("b0"));
        // One that waits ends meanwhile: the one behind it is next.
        pace.ended(&ids[FIRST_TURNS]);
        assert_eq!(pace.next("a"), None, "no place is free");
        assert_eq!(pace.first_done("r0").as_deref(), Some("a"));
        assert_eq!(pace.next("a").as_ref(), ids.last());
        assert_eq!(pace.first_done("r0"), None, "it was back already");
    }

    #[test]
    fn a_unit_is_full_by_runs_or_by_what_they_hold_and_empty_units_are_forgotten() {
        let mut pace = pace(2);
        pace.started("x", "a", 10);
        assert!(!pace.full("a"));
        pace.weighs("x", 1_000);
        assert!(pace.full("a") && !pace.full("b"));
        assert!(pace.newly_full("a") && !pace.newly_full("a"), "it is said once");
        pace.weighs("x", 10);
        assert!(!pace.full("a") && !pace.newly_full("a"));
        pace.started("y", "a", 10);
        assert!(pace.full("a") && pace.newly_full("a"));
        for run in ["x", "y"] {
            pace.may_begin(run);
            pace.ended(run);
        }
        assert!(pace.units.is_empty() && pace.runs.is_empty());
    }

    #[test]
    fn a_run_for_which_too_many_events_wait_is_known_until_it_took_half_of_them() {
        let mut pace = pace(2);
        pace.started("x", "a", 10);
        pace.inbox("x", INBOX - 1);
        assert!(pace.deep("a").is_none());
        pace.inbox("x", INBOX);
        pace.inbox("x", INBOX / 2 + 1);
        assert!(pace.deep("a").is_some());
        pace.inbox("x", INBOX / 2);
        assert!(pace.deep("a").is_none());
    }
}
