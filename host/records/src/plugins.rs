//! What people installed and granted, as the journal tells it: a function of
//! its records and nothing else (rule 1). Whose bytes are where, and whether
//! they may run, is not known here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::Entry;

/// Installed plugins and the grants that people gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plugins {
    /// By `name:version`.
    pub installed: BTreeMap<String, Installed>,
    /// By `plugin@unit`.
    pub given: BTreeMap<String, Given>,
    /// What people said of publishers, by key.
    #[serde(default)]
    pub publishers: BTreeMap<String, Publisher>,
}

/// An installed plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Installed {
    /// SHA-256 of the component without its signatures, hex.
    pub digest: String,
    /// Its kind.
    pub kind: String,
    /// The trusted keys that signed it when it was installed.
    #[serde(default)]
    pub publishers: Vec<String>,
    /// Who installed it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// A grant that a person gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// `name:version`, or `name` for every version.
    pub plugin: String,
    /// The unit's code, `*` for all.
    pub unit: String,
    /// What may be reached, as in the configuration's `grants`.
    pub grant: Value,
    /// Who gave it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What a person said of a publisher's key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publisher {
    /// The units that trust it, `*` for all; none where it is trusted no more.
    pub units: Vec<String>,
    /// Who said so.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// The key of a grant.
pub fn whose(plugin: &str, unit: &str) -> String {
    format!("{plugin}@{unit}")
}

fn said(units: Vec<String>, actor: &str, reason: &str, at: Timestamp) -> Publisher {
    Publisher { units, actor: actor.to_owned(), reason: reason.to_owned(), at }
}

impl Plugins {
    /// What people said of publishers' keys.
    pub fn trust(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.publishers.iter().map(|(key, said)| (key.as_str(), said.units.as_slice()))
    }

    /// Takes a record in; others than those of plugins change nothing.
    pub(crate) fn apply(&mut self, entry: &Entry, at: Timestamp) {
        match entry {
            Entry::PluginInstalled(x) => {
                let installed = Installed {
                    digest: x.digest.clone(),
                    kind: x.kind.clone(),
                    publishers: x.publishers.clone(),
                    actor: x.actor.clone(),
                    reason: x.reason.clone(),
                    at,
                };
                self.installed.insert(x.plugin.clone(), installed);
            }
            Entry::PluginRemoved(x) => {
                self.installed.remove(&x.plugin);
            }
            Entry::PluginGranted(x) => {
                let given = Given {
                    plugin: x.plugin.clone(),
                    unit: x.unit.clone(),
                    grant: x.grant.clone(),
                    actor: x.actor.clone(),
                    reason: x.reason.clone(),
                    at,
                };
                self.given.insert(whose(&x.plugin, &x.unit), given);
            }
            Entry::PluginRevoked(x) => {
                self.given.remove(&whose(&x.plugin, &x.unit));
            }
            Entry::PublisherTrusted(x) => {
                self.publishers.insert(x.key.clone(), said(x.units.clone(), &x.actor, &x.reason, at));
            }
            Entry::PublisherDistrusted(x) => {
                self.publishers.insert(x.key.clone(), said(Vec::new(), &x.actor, &x.reason, at));
            }
            _ => {}
        }
    }
}
