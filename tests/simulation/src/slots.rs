//! What a slot stands for, changed while the host runs: a person binds it,
//! hands it back, tries a canary and promotes or drops it; a plugin that fails
//! too often is set aside. The live host's own code says what follows
//! ([`huiyin_engine::rebind::with_slots`]). What must hold: a yes is for ever,
//! and what is in force has exactly the plugins that follow from what is known of its slots.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use huiyin_engine::Refusal;
use huiyin_engine::bindings::slot_name;
use huiyin_engine::house::House;
use huiyin_engine::partition::{Deploy, Failing, Message};
use huiyin_engine::rebind::with_slots;
use huiyin_engine::record::{
    BindingChanged, BindingLifted, BindingQuarantined, CanaryEnd, CanaryEnded, CanaryStarted, Entry, Pin, SlotOf,
};
use huiyin_engine::resolve::pin;
use huiyin_engine::state::{Deployment, State};
use huiyin_flow::Definition;

use crate::host::Host;
use crate::plugins::{self, ECHO};
use crate::sim::{Answer, Flight, Sim};
use crate::workload::{PEOPLE, SLOT, UNITS};

/// What is known of a slot: the component that a person chose, and the canary's.
type Known = (Option<String>, Option<String>);

/// All slots.
#[derive(Default)]
pub(crate) struct Slots {
    number: u64,
    /// The change being carried out.
    under_way: Option<u64>,
    /// What a person was told, by slot.
    told: BTreeMap<String, Known>,
    /// What may be instead.
    asked: Option<(String, Known)>,
    /// Plugins that failed too often, for which something else is to be found.
    failing: VecDeque<(usize, Failing)>,
    /// Workflows, by their texts.
    parsed: HashMap<Arc<str>, Definition>,
}

impl Slots {
    /// Whether nothing is being carried out.
    pub(crate) fn at_rest(&self) -> bool {
        self.under_way.is_none()
    }

    /// Something else is to be found for a plugin.
    pub(crate) fn fails(&mut self, part: usize, failing: Failing) {
        self.failing.push_back((part, failing));
    }

    /// Holds what a start has found against what a person was told.
    ///
    /// # Errors
    /// When a choice is lost, or does not show in what is in force.
    pub(crate) fn check(&mut self, host: &Host, house: &House) -> Result<(), String> {
        self.under_way = None;
        self.failing.clear();
        let mut found = BTreeMap::new();
        for state in host.parts.iter().map(|part| part.commit.core().state()) {
            for slot in state.bindings.slots() {
                found.insert(slot_name(&slot.of), known(state, &slot.of));
            }
            self.fits(state, house)?;
        }
        let asked = self.asked.take();
        for name in self.told.keys().chain(found.keys()).chain(asked.iter().map(|(name, _)| name)) {
            let now = found.get(name).cloned().unwrap_or_default();
            let told = self.told.get(name).cloned().unwrap_or_default();
            let may = asked.as_ref().filter(|(of, _)| of == name).map(|(_, known)| known);
            if now != told && may != Some(&now) {
                return Err(format!("the slot {name} is {now:?}; told was {told:?}, asked for {may:?}"));
            }
        }
        self.told = found;
        Ok(())
    }

    /// What is in force follows from what is known of its slots.
    fn fits(&mut self, state: &State, house: &House) -> Result<(), String> {
        for deployment in state.deployments.values().filter(|d| d.active && d.pins.contains_key(SLOT)) {
            let unit = deployment.unit.as_deref();
            let definition = self.definition(deployment, house)?;
            let over = state.bindings.of(&deployment.name, unit);
            let pins =
                pin(&definition, unit, &[], &over, &BTreeSet::new(), house).map_err(|problems| problems.join("; "))?;
            if pins != deployment.pins {
                return Err(format!("{} for {unit:?} has {:?}, not {pins:?}", deployment.name, deployment.pins));
            }
        }
        Ok(())
    }

    fn definition(&mut self, of: &Deployment, house: &House) -> Result<Definition, String> {
        if let Some(known) = self.parsed.get(&of.text) {
            return Ok(known.clone());
        }
        let parsed = plugins::parse(&of.name, &of.text, house)?;
        self.parsed.insert(Arc::clone(&of.text), parsed.clone());
        Ok(parsed)
    }
}

fn known(state: &State, of: &SlotOf) -> Known {
    let slot = state.bindings.slot(of);
    let chosen = slot.and_then(|slot| slot.chosen.as_ref()).map(|choice| choice.pin.digest.clone());
    (chosen, slot.and_then(|slot| slot.canary.as_ref()).map(|canary| canary.pin.digest.clone()))
}

impl Sim {
    /// A person changes what a slot stands for, or what failed is replaced; one thing after the other.
    pub(crate) fn rebind(&mut self) -> Result<(), String> {
        if self.is_quiet() || !self.slots.at_rest() || !self.decrees.at_rest() {
            return Ok(());
        }
        if let Some((part, failing)) = self.slots.failing.pop_front() {
            return self.set_aside(part, &failing);
        }
        if !self.random.chance(1, 5) {
            return Ok(());
        }
        let unit = UNITS[self.random.place(UNITS.len())];
        let Some(host) = &self.host else { return Ok(()) };
        let mut there = Vec::new();
        for (at, part) in host.parts.iter().enumerate() {
            let state = part.commit.core().state();
            let mine = |d: &&Deployment| d.active && d.unit.as_deref() == Some(unit) && d.pins.contains_key(SLOT);
            there.extend(state.deployments.values().filter(mine).map(|d| (at, d.name.clone())));
        }
        let Some((part, workflow)) = there.get(self.random.place(there.len())).cloned() else { return Ok(()) };
        let of = SlotOf { workflow, unit: Some(unit.to_owned()), slot: SLOT.to_owned() };
        let Some(state) = host.parts.get(part).map(|part| part.commit.core().state()) else { return Ok(()) };
        let slot = state.bindings.slot(&of).cloned();
        let now = known(state, &of);
        let (actor, reason) = (PEOPLE[0].to_owned(), "to see".to_owned());
        let version = if self.random.chance(1, 2) { "1.0.0" } else { "2.0.0" };
        let wanted = self.pin(version)?;
        let canary = slot.as_ref().and_then(|slot| slot.canary.as_ref()).map(|canary| canary.pin.clone());
        let aside = slot.is_some_and(|slot| !slot.quarantined.is_empty());
        let (entries, then) = match (self.random.below(4), canary) {
            (0 | 1, Some(pin)) => {
                let promote = self.random.chance(1, 2);
                let how = if promote { CanaryEnd::Promoted } else { CanaryEnd::Dropped };
                let ended = CanaryEnded { of: of.clone(), how, actor: actor.clone(), reason: reason.clone() };
                let mut entries = vec![Entry::CanaryEnded(ended)];
                let mut then = (now.0.clone(), None);
                if promote {
                    then.0 = Some(pin.digest.clone());
                    let pin = Some(pin);
                    entries.push(Entry::BindingChanged(BindingChanged { of: of.clone(), pin, actor, reason }));
                }
                (entries, then)
            }
            (0, None) => {
                let then = (now.0.clone(), Some(wanted.digest.clone()));
                let pin = wanted;
                (vec![Entry::CanaryStarted(CanaryStarted { of: of.clone(), pin, actor, reason })], then)
            }
            (1, None) if aside => {
                (vec![Entry::BindingLifted(BindingLifted { of: of.clone(), actor, reason })], now.clone())
            }
            (2, _) if now.0.is_some() => {
                let changed = BindingChanged { of: of.clone(), pin: None, actor, reason };
                (vec![Entry::BindingChanged(changed)], (None, now.1.clone()))
            }
            _ => {
                let then = (Some(wanted.digest.clone()), now.1.clone());
                let changed = BindingChanged { of: of.clone(), pin: Some(wanted), actor, reason };
                (vec![Entry::BindingChanged(changed)], then)
            }
        };
        self.slots.asked = Some((slot_name(&of), then));
        self.change(part, &of, entries, PEOPLE[0])
    }

    /// Something else for what failed too often: the workflow's own, where that is another.
    fn set_aside(&mut self, part: usize, failing: &Failing) -> Result<(), String> {
        let own = self.pin("1.0.0")?;
        let to = (own.digest != failing.pin.digest).then_some(own);
        let quarantined = BindingQuarantined {
            of: failing.of.clone(),
            from: failing.pin.clone(),
            whose: to.as_ref().map(|_| "workflow".to_owned()),
            to,
            faults: failing.faults,
            within_ms: failing.within_ms,
            last: failing.last.clone(),
        };
        self.counts.set_aside += 1;
        self.change(part, &failing.of, vec![Entry::BindingQuarantined(quarantined)], "system:engine")
    }

    /// Puts a change on record, and with it what follows from it.
    fn change(&mut self, at: usize, of: &SlotOf, entries: Vec<Entry>, actor: &str) -> Result<(), String> {
        let now = self.host_now();
        let Some(state) = self.host.as_ref().and_then(|host| host.parts.get(at)).map(|part| part.commit.core().state())
        else {
            return Ok(());
        };
        let is = |d: &Deployment| d.active && d.name == of.workflow && d.unit == of.unit;
        let Some((id, old)) = state.deployments.iter().find(|(_, d)| is(d)) else { return Ok(()) };
        let mut bindings = state.bindings.clone();
        for entry in &entries {
            bindings.apply(entry, 0, now);
        }
        let over = bindings.of(&of.workflow, of.unit.as_deref());
        let anchor = state.schedules.get(id).and_then(|fired| fired.anchor).unwrap_or(old.since);
        let definition = self.slots.definition(old, &self.setup.house)?;
        let (entry, ready) =
            with_slots(old, anchor, &over, definition, &[], &self.setup.house).map_err(|e| e.to_string())?;
        let workflows = if entry.deployment == *id { Vec::new() } else { vec![(entry, Arc::new(ready))] };
        self.slots.number += 1;
        let number = self.slots.number;
        self.slots.under_way = Some(number);
        self.trace.say(format_args!("{} slot {}: {} records", self.now, slot_name(of), entries.len()));
        let reply = self.reply(move |said: Result<(), Refusal>| Answer::Slot(number, said));
        let (actor, withdrawn) = (actor.to_owned(), Vec::new());
        let deploy = Deploy { workflows, withdrawn, bindings: entries, actor, reply };
        self.send(Flight::Deliver(at, Message::Deploy(deploy)));
        Ok(())
    }

    /// A change is on record, or the store has failed and the host is about to end.
    pub(crate) fn rebound(&mut self, number: u64, said: &Result<(), Refusal>) -> Result<(), String> {
        match said {
            Ok(()) if self.slots.under_way == Some(number) => {
                self.slots.under_way = None;
                if let Some((name, known)) = self.slots.asked.take() {
                    self.slots.told.insert(name, known);
                    self.counts.rebound += 1;
                }
                Ok(())
            }
            Ok(()) | Err(Refusal::Store(_)) => Ok(()),
            Err(refusal) => Err(format!("a change of a slot was refused: {refusal}")),
        }
    }

    fn pin(&self, version: &str) -> Result<Pin, String> {
        let name = format!("{ECHO}:{version}");
        let (pin, _) = self.setup.house.find(&name).ok_or_else(|| format!("{name} is not installed"))?;
        Ok(pin)
    }
}
