//! What a partition knows about the slots of its workflows beyond the
//! configuration: what people chose, what was set aside after faults, which
//! canaries are watched. A function of the journal, like all of
//! [`crate::state::State`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{
    BindingChanged, BindingQuarantined, CanaryCompared, CanaryEnded, CanaryStarted, Entry, Pin, SlotOf,
};

/// Everything known about slots, by [`slot_name`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Bindings {
    slots: BTreeMap<String, Slot>,
}

/// One slot of one unit's workflow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Slot {
    /// Which.
    pub of: SlotOf,
    /// What a person chose for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Choice>,
    /// What was set aside, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<Quarantine>,
    /// What is watched beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
}

/// A person's choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the slot stands for.
    pub pin: Pin,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

/// A plugin that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// What failed.
    pub from: Pin,
    /// What new runs get instead; none where there is nothing else.
    pub to: Option<Pin>,
    /// Whose binding that is.
    pub whose: Option<String>,
    /// How often it failed.
    pub faults: u32,
    /// The last fault.
    pub last: String,
    /// Since when.
    pub at: Timestamp,
}

/// A plugin that is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// What is tried.
    pub pin: Pin,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
    /// The record with which it started.
    pub first: u64,
    /// Calls compared.
    pub calls: u64,
    /// Items compared.
    pub items: u64,
    /// Items of which the two said different things.
    pub differing: u64,
    /// Calls that were not compared, because too many were under way.
    pub skipped: u64,
}

/// Names a slot.
pub fn slot_name(of: &SlotOf) -> String {
    format!("{}/{}/{}", of.unit.as_deref().unwrap_or("-"), of.workflow, of.slot)
}

impl Bindings {
    /// Every component that a slot is bound to, may come to be bound to, or
    /// tries beside its own, with the slot's name and unit.
    pub fn pins(&self) -> impl Iterator<Item = (&str, Option<&str>, &Pin)> {
        self.slots.iter().flat_map(|(name, slot)| {
            let aside = slot.quarantined.iter().flat_map(|one| std::iter::once(&one.from).chain(&one.to));
            let chosen = slot.chosen.iter().map(|one| &one.pin);
            let pins = chosen.chain(slot.canary.iter().map(|one| &one.pin)).chain(aside);
            pins.map(move |pin| (name.as_str(), slot.of.unit.as_deref(), pin))
        })
    }

    /// What is known of a slot.
    pub fn slot(&self, of: &SlotOf) -> Option<&Slot> {
        self.slots.get(&slot_name(of))
    }

    /// Every slot of which something is known.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.values()
    }

    /// What holds for the slots of a unit's workflow beside the configuration, by slot.
    pub fn of(&self, workflow: &str, unit: Option<&str>) -> Overrides {
        let mine = |slot: &&Slot| slot.of.workflow == workflow && slot.of.unit.as_deref() == unit;
        let row = |slot: &Slot| {
            let chosen = slot.chosen.as_ref().map(|choice| choice.pin.clone());
            (slot.of.slot.clone(), Override { chosen, quarantined: slot.quarantined.clone() })
        };
        self.slots.values().filter(mine).map(row).collect()
    }

    /// Applies a record about bindings, written at `time` as the partition's
    /// `seq`th; every other one means nothing here.
    pub fn apply(&mut self, entry: &Entry, seq: u64, time: Timestamp) {
        match entry {
            Entry::BindingChanged(x) => self.changed(x, time),
            Entry::BindingQuarantined(x) => self.quarantined(x, time),
            Entry::BindingLifted(x) => self.lifted(&x.of),
            Entry::CanaryStarted(x) => self.canary_started(x, seq, time),
            Entry::CanaryCompared(x) => self.canary_compared(x),
            Entry::CanaryEnded(x) => self.canary_ended(x),
            _ => {}
        }
    }

    fn changed(&mut self, x: &BindingChanged, time: Timestamp) {
        let slot = self.entry(&x.of);
        let (actor, reason) = (x.actor.clone(), x.reason.clone());
        slot.chosen = x.pin.clone().map(|pin| Choice { pin, actor, reason, at: time });
        slot.quarantined.clear();
        self.forget(&x.of);
    }

    fn quarantined(&mut self, x: &BindingQuarantined, time: Timestamp) {
        let slot = self.entry(&x.of);
        slot.quarantined.retain(|known| known.from.digest != x.from.digest);
        slot.quarantined.push(Quarantine {
            from: x.from.clone(),
            to: x.to.clone(),
            whose: x.whose.clone(),
            faults: x.faults,
            last: x.last.clone(),
            at: time,
        });
    }

    fn lifted(&mut self, of: &SlotOf) {
        self.entry(of).quarantined.clear();
        self.forget(of);
    }

    fn canary_started(&mut self, x: &CanaryStarted, seq: u64, time: Timestamp) {
        self.entry(&x.of).canary = Some(Canary {
            pin: x.pin.clone(),
            actor: x.actor.clone(),
            reason: x.reason.clone(),
            at: time,
            first: seq,
            calls: 0,
            items: 0,
            differing: 0,
            skipped: 0,
        });
    }

    fn canary_compared(&mut self, x: &CanaryCompared) {
        let canary = self.slots.get_mut(&slot_name(&x.of)).and_then(|slot| slot.canary.as_mut());
        let Some(canary) = canary.filter(|canary| canary.pin.digest == x.digest) else { return };
        canary.calls += 1;
        canary.items += u64::from(x.items);
        canary.differing += u64::from(x.differing);
        canary.skipped += u64::from(x.skipped);
    }

    fn canary_ended(&mut self, x: &CanaryEnded) {
        self.entry(&x.of).canary = None;
        self.forget(&x.of);
    }

    fn entry(&mut self, of: &SlotOf) -> &mut Slot {
        self.slots.entry(slot_name(of)).or_insert_with(|| Slot {
            of: of.clone(),
            chosen: None,
            quarantined: Vec::new(),
            canary: None,
        })
    }

    /// Drops a slot of which nothing is left to know.
    fn forget(&mut self, of: &SlotOf) {
        let name = slot_name(of);
        let empty = |slot: &Slot| slot.chosen.is_none() && slot.quarantined.is_empty() && slot.canary.is_none();
        if self.slots.get(&name).is_some_and(empty) {
            self.slots.remove(&name);
        }
    }
}

/// What holds for a workflow's slots beside the configuration, by slot.
pub type Overrides = BTreeMap<String, Override>;

/// The same of one slot.
#[derive(Debug, Clone, Default)]
pub struct Override {
    /// What a person chose.
    pub chosen: Option<Pin>,
    /// What was set aside, the earliest first.
    pub quarantined: Vec<Quarantine>,
}

impl Override {
    /// What the slot stands for, where `own` is what it would without faults:
    /// each plugin that was set aside gives way to what was found in its place.
    pub fn effective(&self, own: Pin) -> Pin {
        self.quarantined.iter().fold(own, |pin, aside| match &aside.to {
            Some(to) if aside.from.digest == pin.digest => to.clone(),
            _ => pin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(name: &str) -> Pin {
        Pin { plugin: format!("{name}:1.0.0"), digest: name.to_owned(), config: serde_json::Value::Null }
    }

    fn of() -> SlotOf {
        SlotOf { workflow: "a/b".to_owned(), unit: Some("u".to_owned()), slot: "classify".to_owned() }
    }

    fn aside(from: &str, to: Option<&str>) -> BindingQuarantined {
        let last = "it trapped".to_owned();
        BindingQuarantined { of: of(), from: pin(from), to: to.map(pin), whose: None, faults: 3, within_ms: 1, last }
    }

    #[test]
    fn what_is_set_aside_gives_way_until_a_person_or_another_version_comes() {
        let mut bindings = Bindings::default();
        bindings.quarantined(&aside("first", Some("second")), Timestamp::UNIX_EPOCH);
        bindings.quarantined(&aside("second", Some("third")), Timestamp::UNIX_EPOCH);
        let effective = |bindings: &Bindings, own: &str| {
            bindings.of("a/b", Some("u")).get("classify").cloned().unwrap_or_default().effective(pin(own)).digest
        };
        assert_eq!(effective(&bindings, "first"), "third");
        // The configuration names a version that was never set aside.
        assert_eq!(effective(&bindings, "newer"), "newer");
        bindings.quarantined(&aside("third", None), Timestamp::UNIX_EPOCH);
        assert_eq!(effective(&bindings, "first"), "third", "nothing else is left: it stays");
        assert!(bindings.of("a/b", None).is_empty(), "another unit's");
        bindings.lifted(&of());
        assert_eq!(effective(&bindings, "first"), "first");
        assert_eq!(bindings.slots().count(), 0);
    }
}
