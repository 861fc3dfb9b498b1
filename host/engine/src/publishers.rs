//! Whose plugins are trusted, changed while the host runs: what an admin says
//! of a publisher's key is on record before it is in force, counts before the
//! configuration, and outlives restarts. What nobody may use any more is
//! withheld at once; what may be used again is there at once.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use huiyin_audit::VerifierKey;
use huiyin_desk::Act;
use huiyin_partition::partition::{Message, Refusal};
use huiyin_records::record::{Entry, PublisherDistrusted, PublisherTrusted};
use huiyin_registry::house::{Origin, Provenance};
use huiyin_registry::trust::{Signed, Trust};
use jiff::Timestamp;
use serde::Serialize;

use crate::engine::Engine;
use crate::packages::{WithheldRow, Word, file_name, warn};

/// A publisher's key, and who trusts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublisherRow {
    /// The key's name.
    pub name: String,
    /// The public key, a C2SP vkey.
    pub key: String,
    /// The units that trust it, `*` for all; none where it is trusted no more.
    pub units: Vec<String>,
    /// Who said so; none where the configuration does.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub since: Option<Timestamp>,
}

/// What a word on a publisher changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrustReport {
    /// The key's name.
    pub name: String,
    /// The public key.
    pub key: String,
    /// The units that trust it now, `*` for all.
    pub units: Vec<String>,
    /// Plugins that nobody may use any more.
    pub withheld: Vec<WithheldRow>,
    /// Plugins that others may still use, and who may not any more.
    pub refused: Vec<WithheldRow>,
    /// Plugins that were withheld and may be used again, `name:version`.
    pub restored: Vec<String>,
}

fn invalid(pointer: &str, message: impl std::fmt::Display) -> Refusal {
    Refusal::Invalid { pointer: pointer.to_owned(), message: message.to_string() }
}

impl Engine {
    /// Trusts a publisher's key on behalf of units (`*`: of all) from now on.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn trust_publisher(&self, key: &str, units: &[String], word: Word<'_>) -> Result<TrustReport, Refusal> {
        self.permit(word.actor, Act::TrustPublisher, None)?;
        let _turn = self.deploying.lock().await;
        let key: VerifierKey = key.parse().map_err(|error| invalid("/key", error))?;
        if units.is_empty() {
            return Err(invalid("/units", "name the units that trust it, or `*` for all"));
        }
        let known = self.units();
        if let Some(unknown) = units.iter().find(|unit| *unit != "*" && !known.contains(unit)) {
            return Err(invalid("/units", format_args!("there is no unit {unknown}; write its code, or * for all")));
        }
        let entry = Entry::PublisherTrusted(PublisherTrusted {
            key: key.to_string(),
            units: units.to_vec(),
            actor: word.actor.to_owned(),
            reason: word.reason.to_owned(),
        });
        self.trust_changed(&key, entry).await
    }

    /// Trusts a publisher no more, whatever the configuration says: what only
    /// that key signed is withheld. The key is given whole, or by its name
    /// where one of that name is trusted.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn distrust_publisher(&self, key: &str, word: Word<'_>) -> Result<TrustReport, Refusal> {
        self.permit(word.actor, Act::TrustPublisher, None)?;
        let _turn = self.deploying.lock().await;
        let key = {
            let trust = self.packages.trust.read().unwrap_or_else(PoisonError::into_inner);
            let is = |known: &&VerifierKey| known.name() == key || known.to_string() == key;
            let mut found = trust.publishers().map(|(known, _)| known).filter(is);
            match (found.next(), found.next()) {
                (Some(key), None) => key.clone(),
                (Some(_), Some(_)) => {
                    return Err(invalid("/key", format_args!("several keys are called `{key}`; give the whole key")));
                }
                (None, _) => {
                    let message = format!("no publisher `{key}` is trusted; see `huiyin plugin publishers`");
                    return Err(Refusal::NotFound(message));
                }
            }
        };
        let entry = Entry::PublisherDistrusted(PublisherDistrusted {
            key: key.to_string(),
            actor: word.actor.to_owned(),
            reason: word.reason.to_owned(),
        });
        self.trust_changed(&key, entry).await
    }

    /// Puts a word on record and into force.
    async fn trust_changed(&self, key: &VerifierKey, entry: Entry) -> Result<TrustReport, Refusal> {
        let (before, without) = (self.house.withheld(), self.without().await?);
        self.ask_home(|reply| Message::Plugin(Box::new(entry), reply)).await?;
        let state = self.plugin_state().await?;
        let trust = self.packages.configured.clone().with(state.trust());
        *self.packages.trust.write().unwrap_or_else(PoisonError::into_inner) = trust.clone();
        self.house.judge_again(&trust);
        for (plugin, installed) in &state.installed {
            if self.house.withheld().contains_key(plugin) {
                self.fetch(plugin, &installed.digest, &trust).await;
            }
        }
        let after = self.house.withheld();
        let restored: Vec<String> = before.keys().filter(|plugin| !after.contains_key(*plugin)).cloned().collect();
        let digests = restored.iter().filter_map(|plugin| state.installed.get(plugin));
        self.restore(digests.map(|installed| installed.digest.clone()).collect()).await?;
        let (withheld, refused) = self.lost(&before, &after, &without).await?;
        withheld.iter().chain(&refused).for_each(warn);
        let units = trust.publishers().find(|(known, _)| *known == key);
        Ok(TrustReport {
            name: key.name().to_owned(),
            key: key.to_string(),
            units: units.into_iter().flat_map(|(_, units)| units.codes()).map(str::to_owned).collect(),
            withheld,
            refused,
            restored,
        })
    }

    /// What nobody may use any more, and what those cannot any more who are told
    /// of with it: who could not before is left out.
    async fn lost(
        &self,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
        without: &[WithheldRow],
    ) -> Result<(Vec<WithheldRow>, Vec<WithheldRow>), Refusal> {
        let had = |row: &WithheldRow, user: &String| {
            !without.iter().any(|old| old.plugin == row.plugin && old.used_by.contains(user))
        };
        let mut now: BTreeMap<String, WithheldRow> = BTreeMap::new();
        for row in self.without().await? {
            now.insert(row.plugin.clone(), row);
        }
        let mut withheld = Vec::new();
        for (plugin, why) in after {
            let row = now.remove(plugin);
            if !before.contains_key(plugin) {
                let used_by = row.map(|row| row.used_by).unwrap_or_default();
                withheld.push(WithheldRow { plugin: plugin.clone(), why: why.clone(), used_by });
            }
        }
        let mut refused = Vec::new();
        for mut row in now.into_values() {
            let users = std::mem::take(&mut row.used_by);
            row.used_by = users.into_iter().filter(|user| had(&row, user)).collect();
            if !row.used_by.is_empty() {
                refused.push(row);
            }
        }
        Ok((withheld, refused))
    }

    /// Takes in a plugin that has been withheld since the host started, if it
    /// may be used now. One that may not stays withheld, with its reason.
    async fn fetch(&self, plugin: &str, digest: &str, trust: &Trust) {
        let Some(file) = self.packages.folder.as_ref().map(|folder| folder.join(file_name(plugin))) else { return };
        let (house, trust) = (Arc::clone(&self.house), trust.clone());
        let (plugin, digest) = (plugin.to_owned(), digest.to_owned());
        let fetching = tokio::task::spawn_blocking(move || {
            let read = || -> Result<(), String> {
                let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                let signed = Signed::of(&bytes).map_err(|error| error.to_string())?;
                if signed.digest() != digest {
                    // What was changed at rest was told then, and stays withheld.
                    return Ok(());
                }
                let judged = trust.judge_signed(&signed).map_err(|error| error.to_string())?;
                let package = house.sandbox.load(&bytes).map_err(|error| error.to_string())?;
                let (publishers, units) = (judged.publishers, judged.units);
                let provenance = Provenance { origin: Origin::Installed, publishers, units, signed };
                house.install_from(package, provenance).map(drop).map_err(|error| error.to_string())
            };
            if let Err(why) = read() {
                house.withhold_for(&plugin, why);
            }
        });
        if let Err(error) = fetching.await {
            tracing::error!(%error, "a withheld plugin could not be looked at");
        }
    }

    /// Every publisher of whom something is known, by name.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn publishers(&self) -> Result<Vec<PublisherRow>, Refusal> {
        let mut rows = BTreeMap::new();
        for (key, units) in self.packages.configured.publishers() {
            let units = units.codes().map(str::to_owned).collect();
            let (name, key) = (key.name().to_owned(), key.to_string());
            rows.insert(key.clone(), PublisherRow { name, key, units, by: None, reason: None, since: None });
        }
        for (key, said) in self.plugin_state().await?.publishers {
            let name = key.split('+').next().unwrap_or_default().to_owned();
            let row = PublisherRow {
                name,
                key: key.clone(),
                units: said.units,
                by: Some(said.actor),
                reason: Some(said.reason),
                since: Some(said.at),
            };
            rows.insert(key, row);
        }
        let mut rows: Vec<PublisherRow> = rows.into_values().collect();
        rows.sort_by(|a, b| (&a.name, &a.key).cmp(&(&b.name, &b.key)));
        Ok(rows)
    }
}
