//! What the host has in common for all partitions: the sandbox, the installed
//! packages, the evaluator, the floor.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use huiyin_flow::Evaluator;
use huiyin_sandbox::{Limits, Package, Sandbox};
use serde_json::Value;

use crate::limits::Tuning;
use crate::record::Pin;

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

    /// Installs a package under its `name:version`.
    ///
    /// # Errors
    /// When another component has that name and version.
    pub fn install(&self, package: Arc<Package>) -> Result<Pin, InstallError> {
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
        packages.by_digest.insert(digest.clone(), package);
        Ok(Pin { plugin: name, digest, config: Value::Null })
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
