//! Where the values of secrets come from: the host's vault, or plain files
//! that the configuration names. A value is handed out for one call at a time;
//! nothing here logs, journals or shows one.
//!
//! **Invariant:** a secret's value leaves this crate only as an answer to whoever makes a call with it, and lies on disk
//! only under a key that its owner alone can read.

pub mod vault;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use huiyin_sandbox::{SecretSource, SecretValue};
use serde::{Deserialize, Serialize};

use self::vault::Vault;

/// Where a secret is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SecretConfig {
    /// A file that only its owner may read, relative to this file.
    pub file: PathBuf,
}

/// The secrets of a host.
#[derive(Debug, Default)]
pub struct Secrets {
    /// Of plain files, read at the start.
    plain: BTreeMap<String, SecretValue>,
    /// Read anew for each call, so that a change counts at once.
    vault: Option<Vault>,
}

impl Secrets {
    /// Reads the plain files and looks into the vault of the data folder.
    ///
    /// # Errors
    /// Everything that is wrong, each with its JSON pointer.
    pub fn open(
        configured: &BTreeMap<String, SecretConfig>,
        base: &Path,
        data: Option<&Path>,
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let vault = data.map(Vault::at);
        let kept = match vault.as_ref().map(Vault::check).transpose() {
            Ok(names) => names.unwrap_or_default(),
            Err(error) => {
                problems.push(error.to_string());
                Vec::new()
            }
        };
        let mut plain = BTreeMap::new();
        for (name, secret) in configured {
            if kept.contains(name) {
                problems.push(format!(
                    "/secrets/{name}: the vault keeps a secret of that name, too; leave it out here, or run `huiyin secret remove {name}`"
                ));
            }
            match plain_file(&base.join(&secret.file)) {
                Ok(value) => {
                    plain.insert(name.clone(), value);
                }
                Err(error) => problems.push(format!("/secrets/{name}: {error}")),
            }
        }
        if problems.is_empty() { Ok(Self { plain, vault }) } else { Err(problems) }
    }
}

impl SecretSource for Secrets {
    fn secret(&self, name: &str) -> Option<SecretValue> {
        if let Some(value) = self.plain.get(name) {
            return Some(value.clone());
        }
        match self.vault.as_ref()?.get(name) {
            Ok(value) => value,
            Err(error) => {
                tracing::error!(secret = name, "a secret cannot be read: {error}");
                None
            }
        }
    }
}

/// A secret's value: the file's text without the line end that editors add.
fn plain_file(path: &Path) -> Result<SecretValue, String> {
    let name = path.display();
    let mut bytes = huiyin_files::read_private(path, vault::MAX_VALUE as u64)
        .map_err(|why| format!("{name}: {why}"))?
        .ok_or_else(|| format!("{name}: is not there"))?;
    vault::trim_line_end(&mut bytes);
    if bytes.is_empty() { Err(format!("{name}: is empty")) } else { Ok(bytes.into()) }
}
