//! What slots stand for, while the host runs: a person's choice, plugins that
//! fail by their own fault and are set aside, canaries that are watched. What
//! to bind instead is found outside (`rebind` of the engine): it may be another
//! partition's. Here it is put on record, for new runs only.

use std::collections::HashMap;
use std::sync::Arc;

use huiyin_records::record::{
    BindingQuarantined, CanaryCompared, CanaryEnd, CanaryEnded, Entry, Pin, SlotOf, unit_key,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{PartitionCore, RecordMeta, Refusal, Work, unfit};
use crate::canary::{Canaries, CanaryJob, Made, Watched};

/// How often a plugin may fail by its own fault before its binding is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailurePolicy {
    /// So often,
    pub faults: u32,
    /// within this time.
    pub within: SignedDuration,
}

impl Default for FailurePolicy {
    fn default() -> FailurePolicy {
        FailurePolicy { faults: 5, within: SignedDuration::from_mins(10) }
    }
}

/// A slot whose plugin failed too often.
#[derive(Debug, Clone)]
pub struct Failing {
    /// The deployment in force.
    pub deployment: String,
    /// Which slot.
    pub of: SlotOf,
    /// What failed.
    pub pin: Pin,
    /// How often.
    pub faults: u32,
    /// Within how many milliseconds.
    pub within_ms: u64,
    /// The last fault.
    pub last: String,
}

/// The latest faults, by deployment and function.
pub(super) type Faults = HashMap<(String, String), Vec<Timestamp>>;

/// Functions whose faults are counted at once; the oldest counts are dropped beyond it.
const COUNTED: usize = 10_000;

/// Canary calls under way at once, for each partition; beyond it calls are not compared.
const WATCHED: usize = 64;

/// A record that is written before any of several is.
pub(super) struct Ready {
    entry: Entry,
    payload: Vec<u8>,
    of: SlotOf,
    actor: String,
}

impl PartitionCore {
    /// How long plugins are borne with.
    #[must_use]
    pub fn with_failure_policy(self, patience: FailurePolicy) -> PartitionCore {
        PartitionCore { patience, ..self }
    }

    /// A plugin failed by its own fault: once it did so too often, something else is looked for.
    pub(super) fn plugin_failed(&mut self, deployment: &str, function: &str, last: String, now: Timestamp) {
        let Some(deployed) = self.deployed.get(deployment).cloned() else { return };
        let Some(pin) = deployed.pins.get(function).cloned() else { return };
        if !self.state.deployments.get(deployment).is_some_and(|d| d.active) {
            // Only runs that began with it have it still.
            return;
        }
        if self.faults.len() >= COUNTED {
            let old = |times: &Vec<Timestamp>| times.iter().any(|at| now.duration_since(*at) <= self.patience.within);
            self.faults.retain(|_, times| old(times));
        }
        let name = (deployment.to_owned(), function.to_owned());
        let times = self.faults.entry(name.clone()).or_default();
        times.retain(|at| now.duration_since(*at).abs() <= self.patience.within);
        times.push(now);
        let faults = u32::try_from(times.len()).unwrap_or(u32::MAX);
        if faults < self.patience.faults {
            return;
        }
        self.faults.remove(&name);
        let of = SlotOf { workflow: deployed.name.clone(), unit: deployed.unit.clone(), slot: function.to_owned() };
        if !deployed.is_slot(function) {
            // A direct call has no binding that could be another.
            let data = json!({"plugin": pin.plugin, "workflow": of.workflow, "faults": faults, "last": last});
            let subject = format!("workflow/{}", of.workflow);
            self.show("huiyin.plugin.failing.v1", &subject, of.unit.as_deref(), data, now);
            return;
        }
        if self.set_aside(&of, &pin) {
            return;
        }
        let within_ms = u64::try_from(self.patience.within.as_millis()).unwrap_or(u64::MAX);
        let deployment = deployment.to_owned();
        self.out.durable.push(Work::Failing(Box::new(Failing { deployment, of, pin, faults, within_ms, last })));
    }

    fn set_aside(&self, of: &SlotOf, pin: &Pin) -> bool {
        let slot = self.state.bindings.slot(of);
        slot.is_some_and(|slot| slot.quarantined.iter().any(|aside| aside.from.digest == pin.digest))
    }

    /// Writes out what is to be recorded about bindings; nothing is recorded yet. None
    /// where it has come too late to mean anything.
    pub(super) fn bindings_ready(&self, entries: Vec<Entry>) -> Result<Option<Vec<Ready>>, Refusal> {
        let mut ready = Vec::with_capacity(entries.len());
        for entry in entries {
            let (of, actor) = match &entry {
                Entry::BindingQuarantined(x) => {
                    if !self.still_bound(x) || self.set_aside(&x.of, &x.from) {
                        return Ok(None);
                    }
                    (x.of.clone(), Self::ENGINE.to_owned())
                }
                Entry::CanaryEnded(x) => {
                    if self.state.bindings.slot(&x.of).is_none_or(|slot| slot.canary.is_none()) {
                        return Err(Refusal::Refused("the canary has ended meanwhile".to_owned()));
                    }
                    (x.of.clone(), x.actor.clone())
                }
                Entry::BindingChanged(x) => (x.of.clone(), x.actor.clone()),
                Entry::BindingLifted(x) => (x.of.clone(), x.actor.clone()),
                Entry::CanaryStarted(x) => (x.of.clone(), x.actor.clone()),
                _ => continue,
            };
            let invalid = |why: String| Refusal::Invalid { pointer: "/".to_owned(), message: why };
            let (subject, key) = (format!("workflow/{}", of.workflow), unit_key(of.unit.as_deref()));
            let about = RecordMeta { subject: &subject, actor: &actor, unit: of.unit.as_deref(), key: &key };
            unfit(about).map_or(Ok(()), |why| Err(invalid(why)))?;
            let payload = self.encoded(&entry).map_err(|why| invalid(format!("the binding {why}")))?;
            ready.push(Ready { entry, payload, of, actor });
        }
        Ok(Some(ready))
    }

    /// Whether what failed is what the slot stands for now.
    fn still_bound(&self, x: &BindingQuarantined) -> bool {
        let mut of =
            self.state.deployments.values().filter(|d| d.active && d.name == x.of.workflow && d.unit == x.of.unit);
        of.any(|d| d.pins.get(&x.of.slot).is_some_and(|pin| pin.digest == x.from.digest))
    }

    /// Records what was written out, and shows it.
    pub(super) fn record_bindings(&mut self, ready: Vec<Ready>, now: Timestamp) {
        for Ready { entry, payload, of, actor } in ready {
            let (subject, key) = (format!("workflow/{}", of.workflow), unit_key(of.unit.as_deref()));
            let about = RecordMeta { subject: &subject, actor: &actor, unit: of.unit.as_deref(), key: &key };
            if self.write(&entry, payload, about, now) {
                self.show(entry.kind(), &subject, of.unit.as_deref(), shown(&entry, &of), now);
            }
        }
        self.see_canaries();
    }

    /// Which deployments have a canary beside them.
    pub(super) fn see_canaries(&mut self) {
        let mut all: HashMap<String, Canaries> = HashMap::new();
        for slot in self.state.bindings.slots() {
            let Some(canary) = &slot.canary else { continue };
            let here = |d: &huiyin_records::state::Deployment| {
                d.active && d.name == slot.of.workflow && d.unit == slot.of.unit
            };
            for (id, _) in self.state.deployments.iter().filter(|(_, d)| here(d)) {
                all.entry(id.clone()).or_default().insert(slot.of.slot.clone(), canary.pin.clone());
            }
        }
        self.canaries = all.into_iter().map(|(id, of)| (id, Arc::new(of))).collect();
    }

    /// Lets a canary make a call that a run has made, if not too many are under way.
    pub(super) fn beside(&mut self, run: &str, deployment: &str, made: Vec<Made>, now: Timestamp) {
        let Some(deployed) = self.deployed.get(deployment) else { return };
        let Some(canaries) = self.canaries.get(deployment) else { return };
        let Some(key) = self.state.runs.get(run).map(|state| state.key.clone()) else { return };
        for made in made {
            let Some(pin) = canaries.get(&made.slot).cloned() else { continue };
            if self.watching >= WATCHED {
                self.unwatched = self.unwatched.saturating_add(1);
                continue;
            }
            self.watching += 1;
            let of = SlotOf { workflow: deployed.name.clone(), unit: deployed.unit.clone(), slot: made.slot.clone() };
            let (run, key) = (run.to_owned(), key.clone());
            self.out.now.push(Work::Canary(Box::new(CanaryJob { of, run, key, pin, made, now })));
        }
    }

    /// A canary has made its call.
    pub(super) fn watched(&mut self, watched: Watched, now: Timestamp) {
        self.watching = self.watching.saturating_sub(1);
        let Watched { of, run, key, call, digest, items, differing, differences, fault } = watched;
        let canary = self.state.bindings.slot(&of).and_then(|slot| slot.canary.as_ref());
        let Some(plugin) = canary.filter(|canary| canary.pin.digest == digest).map(|c| c.pin.plugin.clone()) else {
            return;
        };
        let subject = format!("workflow/{}", of.workflow);
        let unit = of.unit.clone();
        let about = RecordMeta { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key };
        let (call, skipped) = (call.to_string(), std::mem::take(&mut self.unwatched));
        let compared =
            CanaryCompared { of: of.clone(), digest, run: run.clone(), call, items, differing, differences, skipped };
        if items > 0 && self.record(&Entry::CanaryCompared(compared), about, now) && differing > 0 {
            let data = json!({"slot": of.slot, "canary": plugin, "run": run, "items": items, "differing": differing});
            self.show("huiyin.canary.compared.v1", &subject, unit.as_deref(), data, now);
        }
        if let Some(fault) = fault {
            let (how, actor) = (CanaryEnd::Stopped, Self::ENGINE.to_owned());
            let ended = Entry::CanaryEnded(CanaryEnded { of: of.clone(), how, actor, reason: fault });
            let key = unit_key(unit.as_deref());
            let about = RecordMeta { subject: &subject, actor: Self::ENGINE, unit: unit.as_deref(), key: &key };
            if self.record(&ended, about, now) {
                self.show(ended.kind(), &subject, unit.as_deref(), shown(&ended, &of), now);
            }
            self.see_canaries();
        }
    }
}

/// A record as the activity stream shows it.
fn shown(entry: &Entry, of: &SlotOf) -> Value {
    let mut data = json!({"workflow": of.workflow, "slot": of.slot});
    let more = match entry {
        Entry::BindingChanged(x) => {
            json!({"plugin": x.pin.as_ref().map(|pin| &pin.plugin), "by": x.actor, "reason": x.reason})
        }
        Entry::BindingQuarantined(x) => json!({
            "from": x.from.plugin, "to": x.to.as_ref().map(|pin| &pin.plugin), "whose": x.whose,
            "faults": x.faults, "last": x.last,
        }),
        Entry::BindingLifted(x) => json!({"by": x.actor, "reason": x.reason}),
        Entry::CanaryStarted(x) => json!({"canary": x.pin.plugin, "by": x.actor, "reason": x.reason}),
        Entry::CanaryEnded(x) => json!({"how": x.how, "by": x.actor, "reason": x.reason}),
        _ => Value::Null,
    };
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    data
}
