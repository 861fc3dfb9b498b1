//! What the host has in common for all partitions: the sandbox, the installed
//! packages, the evaluator, the floor.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, RwLock};

use huiyin_flow::Evaluator;
use huiyin_partition::deployed::PluginFacts;
use huiyin_records::record::Pin;
use huiyin_sandbox::{Limits, Package, Sandbox};
use serde_json::Value;

use crate::limits::Tuning;
use crate::trust::{Signed, Trust, Units};

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
    /// What is installed and may not be used, by `name:version` or file.
    withheld: BTreeMap<String, Withheld>,
}

/// What is installed and may not be used.
struct Withheld {
    why: String,
    /// What it was when it was installed, where that is on record.
    known: Option<Known>,
    /// The component, where it was in use before.
    package: Option<(Arc<Package>, Provenance)>,
}

/// What is on record of an installed plugin: enough to name it where it was
/// bound before, and nothing of its bytes is believed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// SHA-256 of the component without its signatures, hex.
    pub digest: String,
    /// Its kind, `classifier`.
    pub kind: String,
}

/// What a name stands for, whether or not it may be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The component.
    pub pin: Pin,
    /// Its kind, `classifier`.
    pub kind: String,
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
    /// What its signatures say, to be judged again when trust changes.
    pub signed: Signed,
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
        Provenance { origin, publishers: Vec::new(), units: Units::all(), signed: Signed::default() }
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
        let mut packages = self.packages.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        packages.withheld.insert(name.to_owned(), Withheld { why, known: None, package: None });
    }

    /// Says what something was when it was installed that is withheld now.
    pub fn recall(&self, name: &str, known: Known) {
        let mut packages = self.packages.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(withheld) = packages.withheld.get_mut(name) {
            withheld.known = Some(known);
        }
    }

    /// Says why, of something that is withheld and stays so.
    pub fn withhold_for(&self, name: &str, why: String) {
        let mut packages = self.packages.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(withheld) = packages.withheld.get_mut(name) {
            withheld.why = why;
        }
    }

    /// Judges anew who may use what is installed: what nobody may use any more
    /// is withheld, what was withheld for want of trust alone is there again.
    /// Calls under way end as they would have.
    pub fn judge_again(&self, trust: &Trust) {
        let mut guard = self.packages.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let packages = &mut *guard;
        let mut gone = Vec::new();
        for (name, digest) in &packages.by_name {
            let Some(source) = packages.sources.get_mut(digest).filter(|s| s.origin == Origin::Installed) else {
                continue;
            };
            match trust.judge_signed(&source.signed) {
                Ok(judged) => (source.publishers, source.units) = (judged.publishers, judged.units),
                Err(error) => gone.push((name.clone(), digest.clone(), error.to_string())),
            }
        }
        let mut back = Vec::new();
        for (name, withheld) in &mut packages.withheld {
            let Some((_, source)) = &mut withheld.package else { continue };
            match trust.judge_signed(&source.signed) {
                Ok(judged) => {
                    (source.publishers, source.units) = (judged.publishers, judged.units);
                    back.push(name.clone());
                }
                Err(error) => withheld.why = error.to_string(),
            }
        }
        for name in back {
            let Some((package, source)) = packages.withheld.remove(&name).and_then(|withheld| withheld.package) else {
                continue;
            };
            packages.by_name.insert(name, package.digest.clone());
            packages.sources.insert(package.digest.clone(), source);
            packages.by_digest.insert(package.digest.clone(), package);
        }
        for (name, digest, why) in gone {
            packages.by_name.remove(&name);
            let package = packages.by_digest.remove(&digest).zip(packages.sources.remove(&digest));
            let kind = package.as_ref().map(|(package, _)| package.manifest.kind.name().to_owned());
            let known = kind.map(|kind| Known { digest, kind });
            packages.withheld.insert(name, Withheld { why, known, package });
        }
    }

    /// What is installed and may not be used, and why.
    pub fn withheld(&self) -> BTreeMap<String, String> {
        self.packages
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .withheld
            .iter()
            .map(|(name, withheld)| (name.clone(), withheld.why.clone()))
            .collect()
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
        self.trusted(&pin, unit)?;
        Ok((pin, package))
    }

    /// The same of what was bound `before`, by digest: that stays bound where it
    /// may not be used any more, and its calls are refused. What is new must be usable.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn bindable(&self, name: &str, unit: Option<&str>, before: &BTreeSet<String>) -> Result<Bound, String> {
        let why = match self.usable(name, unit) {
            Ok((pin, package)) => return Ok(Bound { pin, kind: package.manifest.kind.name().to_owned() }),
            Err(why) => why,
        };
        let stands = |bound: &Bound| before.contains(&bound.pin.digest);
        self.found(name).filter(stands).or_else(|| self.known(name).filter(stands)).ok_or(why)
    }

    /// What a name stands for, whether or not it may be used.
    pub fn named(&self, name: &str) -> Option<Bound> {
        self.found(name).or_else(|| self.known(name))
    }

    fn found(&self, name: &str) -> Option<Bound> {
        self.find(name).map(|(pin, package)| Bound { pin, kind: package.manifest.kind.name().to_owned() })
    }

    /// What is withheld and on record, by `name:version`; the highest version for a bare name.
    pub fn known(&self, name: &str) -> Option<Bound> {
        let packages = self.packages.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let is = |full: &str| if name.contains(':') { full == name } else { full.split(':').next() == Some(name) };
        let of = packages.withheld.iter().filter_map(|(full, withheld)| Some((full, withheld.known.as_ref()?)));
        let (full, known) = of.filter(|(full, _)| is(full)).max_by_key(|(full, _)| version(full))?;
        let pin = Pin { plugin: full.clone(), digest: known.digest.clone(), config: Value::Null };
        Some(Bound { pin, kind: known.kind.clone() })
    }

    /// Whether what was pinned once may be used on behalf of a unit now; no
    /// unit for what serves none. What is gone altogether is not asked about.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn may(&self, pin: &Pin, unit: Option<&str>) -> Result<(), String> {
        match self.withheld().get(&pin.plugin) {
            Some(why) if self.package(&pin.digest).is_none() => {
                Err(format!("`{}` is installed and may not be used: {why}", pin.plugin))
            }
            _ => self.trusted(pin, unit),
        }
    }

    fn trusted(&self, pin: &Pin, unit: Option<&str>) -> Result<(), String> {
        let packages = self.packages.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if packages.sources.get(&pin.digest).is_none_or(|source| source.units.hold(unit)) {
            return Ok(());
        }
        let whom = unit.map_or_else(|| "what serves no unit".to_owned(), |unit| format!("unit {unit}"));
        Err(format!(
            "`{}` may not be used by {whom}: no publisher whom it trusts has signed it; see `huiyin plugin publishers`",
            pin.plugin
        ))
    }

    /// An installed component by its digest.
    pub fn package(&self, digest: &str) -> Option<Arc<Package>> {
        self.packages.read().unwrap_or_else(std::sync::PoisonError::into_inner).by_digest.get(digest).cloned()
    }

    /// What a partition has to know of an installed component.
    pub fn facts(&self, digest: &str) -> Option<PluginFacts> {
        let package = self.package(digest)?;
        Some(PluginFacts { pure: package.pure, idempotent: package.manifest.idempotent })
    }

    /// A component, as far as a unit may use it.
    pub fn package_for(&self, digest: &str, unit: Option<&str>) -> Option<Arc<Package>> {
        let packages = self.packages.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let package = packages.by_digest.get(digest)?;
        packages.sources.get(digest).is_none_or(|source| source.units.hold(unit)).then(|| Arc::clone(package))
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
