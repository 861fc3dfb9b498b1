//! What the host has in common for all partitions: the sandbox, the installed
//! packages, the evaluator, the floor.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

use huiyin_flow::Evaluator;
use huiyin_sandbox::{Limits, Package, Sandbox};
use serde_json::Value;

use crate::limits::Tuning;
use crate::record::Pin;
use crate::trust::Units;

/// Shared by all workers.
pub struct House {
    /// Where plugins run.
    pub sandbox: Arc<Sandbox>,
    /// Where expressions run.
    pub evaluator: Arc<dyn Evaluator>,
    /// The classifier that no unit can rebind (rule 7), with its configuration.
    pub floor: RwLock<Option<Pin>>,
    tuning: Tuning,
    packages: RwLock<Packages>,
}

#[derive(Default)]
struct Packages {
    by_digest: HashMap<String, Arc<Package>>,
    by_name: HashMap<String, String>,
    /// How those came here that anybody asks about, by digest.
    sources: HashMap<String, Provenance>,
    /// What is installed and may not be used, by `name:version` or file, and why.
    withheld: BTreeMap<String, String>,
}

/// Where a plugin comes from, and who may use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Where from.
    pub origin: Origin,
    /// The trusted keys that signed it.
    pub publishers: Vec<String>,
    /// The units that may use it.
    pub units: Units,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// In the program itself: whoever trusts the program trusts it.
    Carried,
    /// Named in the configuration, or on the command line: the admin's own word.
    Configured,
    /// In the data folder: trusted by signature or by explicit policy only.
    Installed,
}

impl Provenance {
    /// Of what the program carries, or an admin named: for every unit.
    pub fn of(origin: Origin) -> Provenance {
        Provenance { origin, publishers: Vec::new(), units: Units::all() }
    }
}

/// Why a package could not be installed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} is already installed with other content ({old}); a published version never changes, raise its version")]
pub struct InstallError {
    /// `name:version`.
    pub name: String,
    /// The digest it has.
    pub old: String,
}

impl House {
    /// A house with nothing installed.
    pub fn new(sandbox: Arc<Sandbox>, evaluator: Arc<dyn Evaluator>, limits: &Limits) -> House {
        let tuning = Tuning::plain(limits);
        House { sandbox, evaluator, floor: RwLock::new(None), tuning, packages: RwLock::default() }
    }

    /// With limits by host, plugin and unit.
    #[must_use]
    pub fn tuned(self, tuning: Tuning) -> House {
        House { tuning, ..self }
    }

    /// What one call of a plugin, `name:version`, may use on behalf of a unit;
    /// an empty name stands for a workflow's own requests.
    pub fn limits(&self, plugin: &str, unit: &str) -> Cow<'_, Limits> {
        self.tuning.of(plugin, unit)
    }

    /// The limits.
    pub fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// Installs a package that the program carries under its `name:version`.
    ///
    /// # Errors
    /// When another component has that name and version.
    pub fn install(&self, package: Arc<Package>) -> Result<Pin, InstallError> {
        self.install_from(package, Provenance::of(Origin::Carried))
    }

    /// Installs a package from somewhere. What is there already stays as it came first.
    ///
    /// # Errors
    /// When another component has that name and version.
    pub fn install_from(&self, package: Arc<Package>, provenance: Provenance) -> Result<Pin, InstallError> {
        let manifest = &package.manifest;
        let name = format!("{}:{}", manifest.name, manifest.version);
        let digest = package.digest.clone();
        let mut packages = self.packages.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(old) = packages.by_name.get(&name)
            && *old != digest
        {
            return Err(InstallError { name, old: old.clone() });
        }
        packages.by_name.insert(name.clone(), digest.clone());
        packages.withheld.remove(&name);
        packages.by_digest.entry(digest.clone()).or_insert(package);
        packages.sources.entry(digest.clone()).or_insert(provenance);
        Ok(Pin { plugin: name, digest, config: Value::Null })
    }

    /// Takes a package out. Who holds it already keeps it.
    pub fn remove(&self, name: &str) {
        let mut packages = self.packages.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        packages.withheld.remove(name);
        if let Some(digest) = packages.by_name.remove(name) {
            packages.by_digest.remove(&digest);
            packages.sources.remove(&digest);
        }
    }

    /// Remembers what is installed and may not be used.
    pub fn withhold(&self, name: &str, why: String) {
        self.packages.write().unwrap_or_else(std::sync::PoisonError::into_inner).withheld.insert(name.to_owned(), why);
    }

    /// What is installed and may not be used, and why.
    pub fn withheld(&self) -> BTreeMap<String, String> {
        self.packages.read().unwrap_or_else(std::sync::PoisonError::into_inner).withheld.clone()
    }

    /// Where a component comes from and who may use it.
    pub fn provenance(&self, digest: &str) -> Option<Provenance> {
        self.packages.read().unwrap_or_else(std::sync::PoisonError::into_inner).sources.get(digest).cloned()
    }

    /// An installed component that a unit may use, by `name:version`; the
    /// highest version for a bare name. No unit for what serves none.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn usable(&self, name: &str, unit: Option<&str>) -> Result<(Pin, Arc<Package>), String> {
        let Some((pin, package)) = self.find(name) else {
            return Err(match self.withheld().get(name) {
                Some(why) => format!("`{name}` is installed and may not be used: {why}"),
                None => format!("`{name}` is not installed; install it with `huiyin plugin install`"),
            });
        };
        let allowed = self.provenance(&pin.digest).is_none_or(|source| source.units.hold(unit));
        if allowed {
            return Ok((pin, package));
        }
        let whom = unit.map_or_else(|| "what serves no unit".to_owned(), |unit| format!("unit {unit}"));
        Err(format!(
            "`{}` may not be used by {whom}: no publisher whom it trusts has signed it; see `trust` in huiyin.json",
            pin.plugin
        ))
    }

    /// An installed component by its digest.
    pub fn package(&self, digest: &str) -> Option<Arc<Package>> {
        self.packages.read().unwrap_or_else(std::sync::PoisonError::into_inner).by_digest.get(digest).cloned()
    }

    /// An installed component by `name:version`; the highest version for a bare name.
    pub fn find(&self, name: &str) -> Option<(Pin, Arc<Package>)> {
        let packages = self.packages.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (full, digest) = if name.contains(':') {
            packages.by_name.get_key_value(name)?
        } else {
            packages
                .by_name
                .iter()
                .filter(|(full, _)| full.split(':').next() == Some(name))
                .max_by_key(|(full, _)| version(full))?
        };
        let package = packages.by_digest.get(digest)?;
        Some((Pin { plugin: full.clone(), digest: digest.clone(), config: Value::Null }, Arc::clone(package)))
    }

    /// Everything installed, by name.
    pub fn installed(&self) -> Vec<(String, Arc<Package>)> {
        let packages = self.packages.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut all: Vec<_> = packages
            .by_name
            .iter()
            .filter_map(|(name, digest)| Some((name.clone(), Arc::clone(packages.by_digest.get(digest)?))))
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

fn version(name: &str) -> Option<semver::Version> {
    semver::Version::parse(name.split_once(':')?.1).ok()
}
