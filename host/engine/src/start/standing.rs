//! What people deployed stays in force across restarts: with the bindings of
//! the present configuration, and in every partition, also one that a crash
//! left out or that is new.

use std::collections::BTreeMap;

use huiyin_flow::Definition;
use huiyin_records::bindings::Overrides;
use huiyin_records::record::{Entry, Pin, WorkflowDeployed};
use huiyin_records::state::{Deployment, State};
use huiyin_registry::catalog::RegistryCatalog;
use huiyin_registry::house::House;
use huiyin_registry::resolve;

use crate::config::Binding;

/// What is to be written in each partition: record, subject, unit.
type Entries = [Vec<(Entry, String, Option<String>)>];

/// Adds to `entries` what keeps the people's deployments up.
pub(super) fn keep_up(loaded: &[State], entries: &mut Entries, bindings: &[Binding], house: &House) {
    for at in 0..loaded.len() {
        for deployment in missing(loaded, entries, at).into_iter().chain(own(&loaded[at])) {
            if replaced(&entries[at], deployment) {
                continue;
            }
            entries[at].extend(renewed(&loaded[at], deployment, bindings, house));
        }
    }
}

/// What people deployed here, and is in force.
fn own(state: &State) -> impl Iterator<Item = &Deployment> {
    state.deployments.values().filter(|d| d.active && d.by.is_some())
}

fn replaced(entries: &[(Entry, String, Option<String>)], deployment: &Deployment) -> bool {
    entries.iter().any(|(entry, ..)| match entry {
        Entry::WorkflowDeployed(new) => new.name == deployment.name && new.unit == deployment.unit,
        _ => false,
    })
}

/// What serves no unit, and so belongs everywhere, and is in force elsewhere only.
fn missing<'s>(loaded: &'s [State], entries: &Entries, at: usize) -> Vec<&'s Deployment> {
    let mut latest: BTreeMap<&str, &Deployment> = BTreeMap::new();
    for (other, state) in loaded.iter().enumerate() {
        for deployment in own(state).filter(|d| d.unit.is_none() && !replaced(&entries[other], d)) {
            let known = latest.entry(&deployment.name).or_insert(deployment);
            if known.since < deployment.since {
                *known = deployment;
            }
        }
    }
    let here = |wanted: &Deployment| {
        let in_force = |d: &&Deployment| d.active && d.unit.is_none() && d.name == wanted.name;
        loaded[at].deployments.values().filter(in_force).any(|d| d.since >= wanted.since || d.text == wanted.text)
    };
    latest.into_values().filter(|wanted| !here(wanted)).collect()
}

/// The deployment with the present bindings, where that is another one than is in force.
fn renewed(
    state: &State,
    old: &Deployment,
    bindings: &[Binding],
    house: &House,
) -> Option<(Entry, String, Option<String>)> {
    let unit = old.unit.as_deref();
    let over = state.bindings.of(&old.name, unit);
    let pins = match pins(old, bindings, &over, house) {
        Ok(pins) => pins,
        Err(why) => {
            // It was sound when it was deployed: it stays as it is, and its runs tell what they lack.
            tracing::warn!(workflow = %old.name, unit, why, "the configuration's bindings do not fit a deployed workflow");
            old.pins.clone()
        }
    };
    let id = resolve::digest(&old.text, unit, &pins);
    if state.deployments.get(&id).is_some_and(|d| d.active) {
        return None;
    }
    let subject = format!("workflow/{}", old.name);
    let entry = WorkflowDeployed {
        deployment: id,
        name: old.name.clone(),
        unit: old.unit.clone(),
        text: old.text.to_string(),
        pins,
        replaces: true,
        by: old.by.clone(),
        // The same text is due at the same times.
        keeps_schedule: true,
    };
    Some((Entry::WorkflowDeployed(entry), subject, old.unit.clone()))
}

fn pins(
    old: &Deployment,
    bindings: &[Binding],
    over: &Overrides,
    house: &House,
) -> Result<BTreeMap<String, Pin>, String> {
    let definition = Definition::parse(&old.text, &old.name, &RegistryCatalog(house), &*house.evaluator)
        .map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    resolve::pin(&definition, old.unit.as_deref(), bindings, over, &old.digests(), house)
        .map_err(|problems| problems.join("; "))
}
