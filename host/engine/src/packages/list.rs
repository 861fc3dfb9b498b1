//! Every plugin and what is known of it: where it comes from, who may use it
//! and does, what its calls may reach and use, where it was set aside.

use std::collections::BTreeMap;

use huiyin_partition::partition::Refusal;
use huiyin_records::bindings::{Quarantine, Slot};
use huiyin_records::record::SlotOf;
use huiyin_records::state::{Given, Installed, State};
use huiyin_registry::house::{Origin, Provenance};
use huiyin_registry::limits::Tuned;
use huiyin_sandbox::grant::effective;
use huiyin_sandbox::{Grant, Manifest};
use serde::Serialize;
use serde_json::Value;

use crate::engine::Engine;
use crate::rebind::Aside;

/// One plugin and what is known of it.
#[derive(Debug, Clone, Serialize)]
pub struct PluginRow {
    /// `name:version`.
    pub plugin: String,
    /// `carried`, `configured`, `installed`; none where it is withheld.
    pub origin: Option<Origin>,
    /// Its kind.
    pub kind: Option<String>,
    /// What it is for, in its own words.
    pub summary: Option<String>,
    /// SHA-256 of the component without its signatures, hex.
    pub digest: Option<String>,
    /// Its size, in bytes.
    pub size: Option<u64>,
    /// It imports nothing.
    pub pure: Option<bool>,
    /// Repeating a call does no harm.
    pub idempotent: Option<bool>,
    /// What it asks for.
    pub capabilities: Value,
    /// The trusted keys that signed it.
    pub publishers: Vec<String>,
    /// The units that may use it, `*` for all.
    pub units: Vec<String>,
    /// Why it may not be used, where it may not.
    pub withheld: Option<String>,
    /// Who installed it and why, where that is on record.
    pub installed: Option<Installed>,
    /// What was granted to it.
    pub grants: Vec<GrantRow>,
    /// What calls of it may reach and use, by unit. None where it may not be used.
    pub effective: Vec<Effective>,
    /// Slots in which it was set aside after faults.
    pub set_aside: Vec<SetAside>,
    /// Who needs it: workflows in force, running runs, sources, the floor.
    pub used_by: Vec<String>,
}

/// What calls of a plugin may reach and use on behalf of some units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effective {
    /// The units' codes; `*` stands for all that no other entry names, and for what serves none.
    pub units: Vec<String>,
    /// What the manifest asks for, an admin granted and the unit's policy allows.
    pub grant: Grant,
    /// The limits, in the units of [`huiyin_sandbox::Limits`].
    pub limits: Tuned,
}

/// A slot in which a plugin was set aside.
#[derive(Debug, Clone, Serialize)]
pub struct SetAside {
    /// Which.
    #[serde(flatten)]
    pub of: SlotOf,
    /// What new runs get instead, how often it failed, the last fault, since when.
    #[serde(flatten)]
    pub how: Aside,
}

/// One grant.
#[derive(Debug, Clone, Serialize)]
pub struct GrantRow {
    /// To `name` or `name:version`.
    pub plugin: String,
    /// The unit's code, `*` for all.
    pub unit: String,
    /// What may be reached.
    pub grant: Value,
    /// Who gave it; none where the configuration does.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl Engine {
    /// Every plugin, by name, and what is known of it.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn plugins(&self) -> Result<Vec<PluginRow>, Refusal> {
        let mut state = self.plugin_state().await?;
        let mut used = self.used_by().await?;
        let aside = self.set_aside().await?;
        let of = |digest: Option<&String>| -> Vec<SetAside> {
            let mine = aside.iter().filter(|(from, _)| Some(from) == digest);
            mine.map(|(_, aside)| aside.clone()).collect()
        };
        let units = self.units();
        let mut rows = Vec::new();
        for (name, package) in self.house.installed() {
            let source = self.house.provenance(&package.digest);
            let manifest = &package.manifest;
            rows.push(PluginRow {
                origin: source.as_ref().map(|source| source.origin),
                kind: Some(manifest.kind.name().to_owned()),
                summary: Some(manifest.summary.clone()),
                digest: Some(package.digest.clone()),
                size: Some(package.size),
                pure: Some(package.pure),
                idempotent: Some(manifest.idempotent),
                capabilities: serde_json::to_value(&manifest.capabilities).unwrap_or_default(),
                publishers: source.as_ref().map(|source| source.publishers.clone()).unwrap_or_default(),
                units: source.iter().flat_map(|source| source.units.codes()).map(str::to_owned).collect(),
                withheld: None,
                installed: state.installed.remove(&name),
                grants: self.grants_of(&name, &state.given),
                effective: self.effective(&name, manifest, source.as_ref(), &units),
                set_aside: of(Some(&package.digest)),
                used_by: used.remove(&package.digest).unwrap_or_default(),
                plugin: name,
            });
        }
        for (name, why) in self.house.withheld() {
            let installed = state.installed.remove(&name);
            let digest = installed.as_ref().map(|installed| installed.digest.clone());
            rows.push(PluginRow {
                origin: Some(Origin::Installed),
                kind: installed.as_ref().map(|installed| installed.kind.clone()),
                summary: None,
                size: None,
                pure: None,
                idempotent: None,
                capabilities: Value::Null,
                publishers: Vec::new(),
                units: Vec::new(),
                withheld: Some(why),
                grants: self.grants_of(&name, &state.given),
                effective: Vec::new(),
                set_aside: of(digest.as_ref()),
                used_by: digest.as_ref().and_then(|digest| used.remove(digest)).unwrap_or_default(),
                digest,
                installed,
                plugin: name,
            });
        }
        rows.sort_by(|a, b| a.plugin.cmp(&b.plugin));
        Ok(rows)
    }

    fn grants_of(&self, name: &str, given: &BTreeMap<String, Given>) -> Vec<GrantRow> {
        let bare = name.split(':').next().unwrap_or(name);
        let to = |granted: &str| granted == name || granted == bare;
        let configured = self.packages.grants.granted.iter().filter(|(plugin, ..)| to(plugin));
        let mut rows: Vec<GrantRow> = configured
            .map(|(plugin, unit, grant)| GrantRow {
                plugin: plugin.clone(),
                unit: unit.clone(),
                grant: serde_json::to_value(&**grant).unwrap_or_default(),
                by: None,
                reason: None,
            })
            .collect();
        rows.extend(given.values().filter(|given| to(&given.plugin)).map(|given| GrantRow {
            plugin: given.plugin.clone(),
            unit: given.unit.clone(),
            grant: given.grant.clone(),
            by: Some(given.actor.clone()),
            reason: Some(given.reason.clone()),
        }));
        rows
    }

    /// What a plugin may reach and use, by unit: units of which the same holds stand together.
    fn effective(
        &self,
        name: &str,
        manifest: &Manifest,
        source: Option<&Provenance>,
        units: &[String],
    ) -> Vec<Effective> {
        let of = |unit: &str| {
            let cap = self.packages.grants.cap(unit).map_or_else(Grant::everything, |cap| (*cap).clone());
            let grant = effective(manifest, &self.packages.grants.of(name, unit), &cap);
            (grant, Tuned::from(&*self.house.limits(name, unit)))
        };
        let may = |unit: Option<&str>| source.is_none_or(|source| source.units.hold(unit));
        let mut rows: Vec<Effective> = Vec::new();
        if may(None) {
            let (grant, limits) = of("");
            rows.push(Effective { units: vec!["*".to_owned()], grant, limits });
        }
        let everybody = rows.len();
        for unit in units.iter().filter(|unit| may(Some(unit))) {
            let (grant, limits) = of(unit);
            match rows.iter().position(|row| row.grant == grant && row.limits == limits) {
                Some(at) if at < everybody => {}
                Some(at) => rows[at].units.push(unit.clone()),
                None => rows.push(Effective { units: vec![unit.clone()], grant, limits }),
            }
        }
        rows
    }

    /// What was set aside, with its digest.
    async fn set_aside(&self) -> Result<Vec<(String, SetAside)>, Refusal> {
        let found = self
            .look_all(|state: &State, _| {
                let aside = |slot: &Slot| {
                    let of = slot.of.clone();
                    let row = move |from: &Quarantine| {
                        (from.from.digest.clone(), SetAside { of: of.clone(), how: Aside::from(from) })
                    };
                    slot.quarantined.iter().map(row).collect::<Vec<_>>()
                };
                state.bindings.slots().flat_map(aside).collect::<Vec<_>>()
            })
            .await?;
        let mut all: Vec<(String, SetAside)> = Vec::new();
        for (digest, row) in found.into_iter().flatten() {
            // What serves no unit is in every partition, and told once.
            if !all.iter().any(|(known, other)| *known == digest && other.of == row.of) {
                all.push((digest, row));
            }
        }
        Ok(all)
    }
}
