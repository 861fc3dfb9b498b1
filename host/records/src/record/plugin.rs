//! What people do with plugins: install, remove, grant, revoke; and whose
//! plugins they trust. All of it stands in the first partition's journal, for
//! the whole host.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A plugin was installed: its bytes passed every check and lie in the data folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginInstalled {
    /// `name:version`.
    pub plugin: String,
    /// SHA-256 of the component without its signatures, hex.
    pub digest: String,
    /// Its kind, `classifier`.
    pub kind: String,
    /// The names of the trusted keys that signed it; empty where the policy let it in unsigned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publishers: Vec<String>,
    /// Who: `person:…`, or `system:start` for what lay in the data folder when the host started.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// A plugin was removed: nothing was pinned to it any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginRemoved {
    /// `name:version`.
    pub plugin: String,
    /// The digest it had.
    pub digest: String,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// An admin let a plugin reach something on behalf of a unit. It takes the
/// place of an earlier grant to the same plugin and unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginGranted {
    /// `name:version`, or `name` for every version.
    pub plugin: String,
    /// The unit's code, `*` for all.
    pub unit: String,
    /// What it may reach, as in the configuration's `grants`.
    pub grant: Value,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// An admin took a grant back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginRevoked {
    /// `name:version`, or `name` for every version.
    pub plugin: String,
    /// The unit's code, `*` for all.
    pub unit: String,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// An admin trusts a publisher's key from now on. It takes the place of what
/// was said of the same key before, in the configuration too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublisherTrusted {
    /// The public key, a C2SP vkey: `name+hash+base64`.
    pub key: String,
    /// The units that trust it, `*` for all.
    pub units: Vec<String>,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// An admin trusts a publisher's key no more, whatever the configuration says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublisherDistrusted {
    /// The public key.
    pub key: String,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}
