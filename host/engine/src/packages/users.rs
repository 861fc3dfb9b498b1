//! Who needs which plugin, and who goes without one that they need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use huiyin_partition::partition::Refusal;
use huiyin_partition::watched_source::WatchedSource;
use huiyin_records::record::Pin;
use huiyin_records::state::State;
use huiyin_registry::house::House;
use serde::Serialize;

use crate::engine::Engine;

/// Somebody who needs a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// What it is pinned to.
    pub(crate) pin: Pin,
    /// On whose behalf it is called; none for what serves no unit.
    pub(crate) unit: Option<String>,
    /// A workflow in force, a running run, a slot, a source, the floor; in words.
    pub(crate) what: String,
}

/// A plugin that some who need it may not use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithheldRow {
    /// `name:version`.
    pub plugin: String,
    /// Why.
    pub why: String,
    /// Who goes without it now: workflows in force, running runs, sources, the floor.
    pub used_by: Vec<String>,
}

/// Users named when it is told who goes without something; the others are counted.
const NAMED: usize = 10;

impl Engine {
    /// Who needs each component, by digest.
    pub(crate) async fn used_by(&self) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
        let mut used: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for user in self.users().await? {
            used.entry(user.pin.digest).or_default().push(user.what);
        }
        Ok(used)
    }

    async fn users(&self) -> Result<Vec<User>, Refusal> {
        let found = self.look_all(|state: &State, _| pinned(state)).await?;
        Ok(users(&self.house, &self.packages.sources, found.into_iter().flatten()))
    }

    /// Who needs a plugin and may not use it, by plugin.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn without(&self) -> Result<Vec<WithheldRow>, Refusal> {
        Ok(without(&self.house, self.users().await?))
    }
}

/// Tells whoever reads the log who needs a plugin and may not use it, of all
/// that a host begins with: it is in force, and each of its calls is refused.
pub(crate) fn tell(house: &House, sources: &[Arc<WatchedSource>], loaded: &[State]) {
    without(house, users(house, sources, loaded.iter().flat_map(pinned))).iter().for_each(warn);
}

/// Everybody who needs a component, each with each once.
fn users(house: &House, sources: &[Arc<WatchedSource>], pinned: impl Iterator<Item = User>) -> Vec<User> {
    let mut all = Vec::new();
    if let Some(floor) = &*house.floor.read().unwrap_or_else(PoisonError::into_inner) {
        // It judges for every unit.
        all.push(User { pin: floor.clone(), unit: None, what: "the policy pack's floor".to_owned() });
    }
    for source in sources {
        let (pin, unit) = (source.collector.clone(), Some(source.unit.clone()));
        all.push(User { pin, unit, what: format!("source {}", source.id) });
    }
    // What serves no unit is in every partition.
    let mut seen = BTreeSet::new();
    all.extend(pinned.filter(|user| seen.insert((user.pin.digest.clone(), user.what.clone()))));
    all
}

fn without(house: &House, users: Vec<User>) -> Vec<WithheldRow> {
    let mut rows: BTreeMap<String, WithheldRow> = BTreeMap::new();
    for User { pin, unit, what } in users {
        let Err(why) = house.may(&pin, unit.as_deref()) else { continue };
        let new = || WithheldRow { plugin: pin.plugin.clone(), why, used_by: Vec::new() };
        rows.entry(pin.plugin.clone()).or_insert_with(new).used_by.push(what);
    }
    rows.into_values().collect()
}

/// Says who goes without a plugin.
pub(crate) fn warn(row: &WithheldRow) {
    let WithheldRow { plugin, why, used_by } = row;
    let named = used_by.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = used_by.len().saturating_sub(NAMED);
    tracing::warn!(plugin, why, used_by = named, more, "a plugin is needed and may not be used; its calls are refused");
}

/// What a partition's workflows, runs and slots are pinned to.
fn pinned(state: &State) -> Vec<User> {
    let mut found = Vec::new();
    for (id, deployment) in &state.deployments {
        let whom = deployment.unit.as_ref().map_or_else(String::new, |unit| format!(" for unit {unit}"));
        let mut by = Vec::new();
        if deployment.active {
            by.push(format!("workflow {}{whom}", deployment.name));
        }
        let runs = state.runs.iter().filter(|(_, run)| run.deployment == *id);
        by.extend(runs.map(|(run, _)| format!("run {run} of {}{whom}", deployment.name)));
        for pin in deployment.pins.values() {
            let user = |what: &String| User { pin: pin.clone(), unit: deployment.unit.clone(), what: what.clone() };
            found.extend(by.iter().map(user));
        }
    }
    let slot = |(slot, unit, pin): (&str, Option<&str>, &Pin)| User {
        pin: pin.clone(),
        unit: unit.map(str::to_owned),
        what: format!("slot {slot}"),
    };
    found.extend(state.bindings.pins().map(slot));
    found
}
