//! Plugins on a running host: installing, granting, revoking, removing, and
//! who uses what. Everything is checked before anything is written; what
//! people do is on record before it is in force.

mod list;
mod users;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use huiyin_desk::Act;
use huiyin_partition::partition::{Message, Refusal};
use huiyin_records::record::{Entry, PluginGranted, PluginInstalled, PluginRemoved, PluginRevoked};
use huiyin_records::state::{Plugins, State};
use huiyin_registry::grants::check_folder;
use huiyin_registry::house::{Origin, Provenance};
use huiyin_registry::trust::{Signed, Trust};
use huiyin_sandbox::Package;
use serde::Serialize;
use serde_json::Value;

pub use self::list::{Effective, GrantRow, PluginRow, SetAside};
pub use self::users::WithheldRow;
pub(crate) use self::users::{tell, warn};
use crate::engine::Engine;
use crate::space::Left;

/// Who does something, and why.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    /// Who, `person:…`.
    pub actor: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// What came of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstallReport {
    /// `name:version`.
    pub plugin: String,
    /// SHA-256 of the component without its signatures, hex.
    pub digest: String,
    /// Its kind.
    pub kind: String,
    /// The trusted keys that signed it.
    pub publishers: Vec<String>,
    /// The units that may use it, `*` for all.
    pub units: Vec<String>,
    /// False where it was there already.
    pub changed: bool,
}

fn invalid(pointer: &str, message: impl std::fmt::Display) -> Refusal {
    Refusal::Invalid { pointer: pointer.to_owned(), message: message.to_string() }
}

impl Engine {
    /// The data folder; none for a host in memory.
    pub fn data_folder(&self) -> Option<PathBuf> {
        self.packages.folder.as_ref().and_then(|folder| folder.parent()).map(Path::to_owned)
    }

    /// The same with a package that lies in a file; it is read once it is its turn.
    ///
    /// # Errors
    /// [`Refusal`]; nothing is installed then.
    pub async fn install_plugin_from(&self, mut file: std::fs::File, word: Word<'_>) -> Result<InstallReport, Refusal> {
        let _turn = self.deploying.lock().await;
        let most = self.house.sandbox.max_package_bytes();
        let read = tokio::task::spawn_blocking(move || {
            use std::io::{Read as _, Seek as _};
            let mut bytes = Vec::new();
            file.rewind()?;
            // One byte more than is allowed is refused as too large.
            file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(bytes)
        });
        let store = |error: &dyn std::fmt::Display| Refusal::Store(format!("the package could not be read: {error}"));
        let bytes = read.await.map_err(|error| store(&error))?.map_err(|error| store(&error))?;
        self.install(bytes, word).await
    }

    /// Installs a package: judged, compiled within limits, kept, on record,
    /// then in force. Versions stand side by side.
    ///
    /// # Errors
    /// [`Refusal`]; nothing is installed then.
    pub async fn install_plugin(&self, bytes: Vec<u8>, word: Word<'_>) -> Result<InstallReport, Refusal> {
        self.permit(word.actor, Act::InstallPlugin, None)?;
        let _turn = self.deploying.lock().await;
        self.install(bytes, word).await
    }

    async fn install(&self, bytes: Vec<u8>, word: Word<'_>) -> Result<InstallReport, Refusal> {
        self.space.at_least(Left::Enough)?;
        self.house.sandbox.fits(&bytes).map_err(|error| invalid("", error))?;
        let bytes = Arc::new(bytes);
        let given = Arc::clone(&bytes);
        let signed = tokio::task::spawn_blocking(move || Signed::of(&given)).await;
        let signed = signed.map_err(|error| Refusal::Store(error.to_string()))?.map_err(|error| invalid("", error))?;
        let judged = self.trust().judge_signed(&signed).map_err(|error| invalid("", error))?;
        let (house, given) = (Arc::clone(&self.house), Arc::clone(&bytes));
        let loaded = tokio::task::spawn_blocking(move || house.sandbox.load(&given)).await;
        let package = loaded.map_err(|error| Refusal::Store(error.to_string()))?.map_err(|error| invalid("", error))?;
        let manifest = &package.manifest;
        let plugin = format!("{}:{}", manifest.name, manifest.version);
        let mut report = InstallReport {
            plugin: plugin.clone(),
            digest: package.digest.clone(),
            kind: manifest.kind.name().to_owned(),
            publishers: judged.publishers.clone(),
            units: judged.units.codes().map(str::to_owned).collect(),
            changed: true,
        };
        self.same_or_new(&plugin, &package, &mut report).await?;
        if !report.changed {
            return Ok(report);
        }
        let file = self.packages.folder.as_ref().map(|folder| folder.join(file_name(&plugin)));
        if let Some(file) = &file {
            let (file, bytes) = (file.clone(), Arc::clone(&bytes));
            let kept = tokio::task::spawn_blocking(move || keep(&file, &bytes)).await;
            let kept = kept.map_err(|error| Refusal::Store(error.to_string()))?;
            kept.map_err(|error| Refusal::Store(format!("the package could not be kept: {error}")))?;
        }
        let entry = PluginInstalled {
            plugin: plugin.clone(),
            digest: report.digest.clone(),
            kind: report.kind.clone(),
            publishers: report.publishers.clone(),
            actor: word.actor.to_owned(),
            reason: word.reason.to_owned(),
        };
        let entry = Box::new(Entry::PluginInstalled(entry));
        if let Err(refusal) = self.ask_home(|reply| Message::Plugin(entry, reply)).await {
            // Whether it is on record is not known after a failure of the store; the next start settles it.
            if let (Some(file), false) = (&file, matches!(refusal, Refusal::Store(_))) {
                let _ = std::fs::remove_file(file);
            }
            return Err(refusal);
        }
        let provenance =
            Provenance { origin: Origin::Installed, publishers: judged.publishers, units: judged.units, signed };
        self.house.install_from(package, provenance).map_err(|error| invalid("", error))?;
        // What was withheld or gone may be pinned already.
        self.restore([report.digest.clone()].into()).await?;
        Ok(report)
    }

    /// Refuses other content under a name that is taken; notes what is there already.
    async fn same_or_new(&self, plugin: &str, package: &Package, report: &mut InstallReport) -> Result<(), Refusal> {
        let taken = |old: &str| {
            invalid(
                "",
                format_args!(
                    "{plugin} is already installed with other content (sha256:{old}); a published version never changes, raise its version"
                ),
            )
        };
        if let Some((pin, _)) = self.house.find(plugin) {
            if pin.digest != package.digest {
                return Err(taken(&pin.digest));
            }
            report.changed = false;
            return Ok(());
        }
        // One that is withheld keeps its name, too.
        match self.plugin_state().await?.installed.get(plugin) {
            Some(old) if old.digest != package.digest => Err(taken(&old.digest)),
            _ => Ok(()),
        }
    }

    fn trust(&self) -> Trust {
        self.packages.trust.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn plugin_state(&self) -> Result<Plugins, Refusal> {
        self.look(0, |state: &State, _| state.plugins.clone()).await
    }

    /// Removes an installed plugin that nothing is pinned to.
    ///
    /// # Errors
    /// [`Refusal`]; it names who needs the plugin.
    pub async fn remove_plugin(&self, plugin: &str, word: Word<'_>) -> Result<(), Refusal> {
        self.permit(word.actor, Act::InstallPlugin, None)?;
        let _turn = self.deploying.lock().await;
        let state = self.plugin_state().await?;
        let Some(installed) = state.installed.get(plugin) else {
            return Err(match self.house.find(plugin).and_then(|(pin, _)| self.house.provenance(&pin.digest)) {
                Some(Provenance { origin: Origin::Carried, .. }) => {
                    Refusal::Refused(format!("{plugin} comes with the program and cannot be removed"))
                }
                Some(_) => Refusal::Refused(format!(
                    "{plugin} is named in the configuration; take it out of `plugins` and start the host again"
                )),
                None => Refusal::NotFound(format!("there is no plugin {plugin}; write name:version")),
            });
        };
        let used = self.used_by().await?.remove(&installed.digest).unwrap_or_default();
        if !used.is_empty() {
            return Err(Refusal::Refused(format!("{plugin} is needed by {}", used.join(", "))));
        }
        let entry = PluginRemoved {
            plugin: plugin.to_owned(),
            digest: installed.digest.clone(),
            actor: word.actor.to_owned(),
            reason: word.reason.to_owned(),
        };
        let entry = Box::new(Entry::PluginRemoved(entry));
        self.ask_home(|reply| Message::Plugin(entry, reply)).await?;
        let carried = self.house.find(plugin).and_then(|(pin, _)| self.house.provenance(&pin.digest));
        if carried.is_none_or(|source| source.origin == Origin::Installed) {
            self.house.remove(plugin);
        }
        if let Some(folder) = &self.packages.folder {
            let file = folder.join(file_name(plugin));
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Refusal::Store(format!("{}: {error}", file.display())));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Lets a plugin reach something on behalf of a unit (`*`: of all), from
    /// its next call on.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn grant_plugin(&self, plugin: &str, unit: &str, grant: &Value, word: Word<'_>) -> Result<(), Refusal> {
        self.permit(word.actor, Act::GrantPlugin, None)?;
        let _turn = self.deploying.lock().await;
        self.known(plugin, unit).await?;
        let read = self.packages.own.read(grant).map_err(|why| invalid("/grant", why))?;
        check_folder(&read).map_err(|why| invalid("/grant", why))?;
        let entry = PluginGranted {
            plugin: plugin.to_owned(),
            unit: unit.to_owned(),
            grant: grant.clone(),
            actor: word.actor.to_owned(),
            reason: word.reason.to_owned(),
        };
        let entry = Box::new(Entry::PluginGranted(entry));
        self.ask_home(|reply| Message::Plugin(entry, reply)).await?;
        self.packages.grants.give(plugin, unit, read);
        Ok(())
    }

    /// Takes a grant back that a person gave; the next call is without it.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn revoke_plugin(&self, plugin: &str, unit: &str, word: Word<'_>) -> Result<(), Refusal> {
        self.permit(word.actor, Act::GrantPlugin, None)?;
        let _turn = self.deploying.lock().await;
        let key = huiyin_records::plugins::whose(plugin, unit);
        if !self.plugin_state().await?.given.contains_key(&key) {
            let configured = self.packages.grants.granted.iter().any(|(name, whom, _)| name == plugin && whom == unit);
            return Err(if configured {
                Refusal::Refused(format!(
                    "that grant to {plugin} stands in the configuration; take it out of `grants` and start the host again"
                ))
            } else {
                Refusal::NotFound(format!("nothing was granted to {plugin} for unit {unit}; see `huiyin plugin list`"))
            });
        }
        let entry = PluginRevoked {
            plugin: plugin.to_owned(),
            unit: unit.to_owned(),
            actor: word.actor.to_owned(),
            reason: word.reason.to_owned(),
        };
        let entry = Box::new(Entry::PluginRevoked(entry));
        self.ask_home(|reply| Message::Plugin(entry, reply)).await?;
        self.packages.grants.take_back(plugin, unit);
        Ok(())
    }

    async fn known(&self, plugin: &str, unit: &str) -> Result<(), Refusal> {
        let full = plugin.contains(':');
        let is = |name: &str| if full { name == plugin } else { name.split(':').next() == Some(plugin) };
        let state = self.plugin_state().await?;
        if !self.house.installed().iter().any(|(name, _)| is(name)) && !state.installed.keys().any(|name| is(name)) {
            return Err(Refusal::NotFound(format!("there is no plugin {plugin}; see `huiyin plugin list`")));
        }
        if unit != "*" && !self.units().iter().any(|known| known == unit) {
            return Err(invalid("/unit", format_args!("there is no unit {unit}; write its code, or * for all")));
        }
        Ok(())
    }
}

/// Where a plugin lies in the data folder's `plugins`.
pub fn file_name(plugin: &str) -> String {
    format!("{}.wasm", plugin.replacen(':', "-", 1))
}

/// Keeps a package, whole or not at all, durably.
///
/// # Errors
/// When it cannot be written.
pub fn keep(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    huiyin_files::write_private(file, bytes)
}
