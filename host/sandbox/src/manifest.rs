//! A plugin's manifest: what it says about itself, checked.
//!
//! It is kept as JSON in the custom section `huiyin:manifest` of the package
//! and must say the same as the component's `describe`.

use huiyin_json::Strict;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{PackageError, cut};
use crate::grant::HttpGrant;
use crate::types::wire;

/// The custom section that holds the manifest.
pub const SECTION: &str = "huiyin:manifest";
/// The version of `huiyin:plugin` this host speaks.
pub const CONTRACT: &str = "0.1";

/// The largest manifest, in bytes of its JSON; carried plugins have up to 6 KiB.
const MANIFEST_BYTES: usize = 256 << 10;

/// The longest summary or purpose, in bytes: one sentence.
const SENTENCE_BYTES: usize = 1000;

/// The most capabilities one plugin may ask for; an admin reads them all.
const CAPABILITIES: usize = 100;

/// The kinds of plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Brings items in (采集).
    Collector,
    /// Scores items (研判).
    Classifier,
    /// Writes documents (报送).
    Reporter,
    /// Delivers outward (通知、发布).
    Notifier,
    /// JSON to JSON.
    Step,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 5] = [Kind::Collector, Kind::Classifier, Kind::Reporter, Kind::Notifier, Kind::Step];

    /// The name of the kind, and of the interface it exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Collector => "collector",
            Self::Classifier => "classifier",
            Self::Reporter => "reporter",
            Self::Notifier => "notifier",
            Self::Step => "step",
        }
    }

    /// The one function of that interface.
    pub fn function(self) -> &'static str {
        match self {
            Self::Collector => "collect",
            Self::Classifier => "classify",
            Self::Reporter => "render",
            Self::Notifier => "deliver",
            Self::Step => "run",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl From<wire::Kind> for Kind {
    fn from(kind: wire::Kind) -> Self {
        match kind {
            wire::Kind::Collector => Self::Collector,
            wire::Kind::Classifier => Self::Classifier,
            wire::Kind::Reporter => Self::Reporter,
            wire::Kind::Notifier => Self::Notifier,
            wire::Kind::Step => Self::Step,
        }
    }
}

/// A secret that the plugin wants used on its behalf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRequest {
    /// The name under which the plugin asks for it.
    pub name: String,
    /// What for, for the admin who grants it.
    pub purpose: String,
}

/// What a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// To send HTTP requests.
    Http(HttpGrant),
    /// To have a secret used.
    Secret(SecretRequest),
    /// To write files into the granted folder.
    Spool,
    /// To keep this many bytes of its own.
    Kv(u64),
}

/// What a plugin says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of `huiyin:plugin` it speaks, such as `0.1`.
    pub contract: String,
    /// Lower-case words joined by `-`.
    pub name: String,
    /// Semantic version.
    pub version: semver::Version,
    /// Its kind.
    pub kind: Kind,
    /// One sentence: what it does.
    pub summary: String,
    /// JSON Schema (2020-12) of its configuration.
    #[serde(deserialize_with = "huiyin_json::value")]
    pub config_schema: Value,
    /// For steps: JSON Schema of the input.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "huiyin_json::option")]
    pub input_schema: Option<Value>,
    /// For steps: JSON Schema of the output.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "huiyin_json::option")]
    pub output_schema: Option<Value>,
    /// What it asks for.
    pub capabilities: Vec<Capability>,
    /// Repeating a call with the same idempotency key does no harm.
    pub idempotent: bool,
}

impl Manifest {
    /// Reads the JSON of the custom section.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PackageError> {
        if bytes.len() > MANIFEST_BYTES {
            return Err(PackageError::BadManifest(too_large(bytes.len())));
        }
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| PackageError::BadManifest(cut(&error.to_string())))?;
        if manifest.contract != CONTRACT {
            return Err(PackageError::ContractVersion {
                found: format!("huiyin:plugin@{}", manifest.contract),
                expected: CONTRACT,
            });
        }
        manifest.check().map_err(|why| PackageError::BadManifest(cut(&why)))?;
        Ok(manifest)
    }

    /// The JSON of the custom section.
    pub fn to_json(&self) -> Result<Vec<u8>, PackageError> {
        serde_json::to_vec(self).map_err(|error| PackageError::BadManifest(error.to_string()))
    }

    /// Checks what `describe` gave.
    pub(crate) fn from_wire(wire: wire::Manifest) -> Result<Self, String> {
        Self::read_wire(wire).map_err(|why| cut(&why))
    }

    fn read_wire(wire: wire::Manifest) -> Result<Self, String> {
        let schema = |name: &str, text: &str| {
            if text.len() > MANIFEST_BYTES {
                return Err(format!("{name}: {}", too_large(text.len())));
            }
            serde_json::from_str::<Strict>(text)
                .map(|strict| strict.0)
                .map_err(|error| format!("{name} is not JSON: {error}"))
        };
        let optional = |name: &str, text: &str| {
            if text.is_empty() { Ok(None) } else { schema(name, text).map(Some) }
        };
        let mut capabilities = Vec::with_capacity(wire.capabilities.len());
        for capability in wire.capabilities {
            capabilities.push(match capability {
                wire::Capability::Http(asked) => Capability::Http(
                    HttpGrant::parse(&asked.origin, &asked.methods, &asked.path_prefix)
                        .map_err(|error| error.to_string())?,
                ),
                wire::Capability::Secret(asked) => {
                    Capability::Secret(SecretRequest { name: asked.name, purpose: asked.purpose })
                }
                wire::Capability::Spool => Capability::Spool,
                wire::Capability::Kv(bytes) => Capability::Kv(bytes),
            });
        }
        let manifest = Self {
            contract: CONTRACT.to_owned(),
            version: semver::Version::parse(&wire.version)
                .map_err(|error| format!("version `{}` is not a semantic version: {error}", wire.version))?,
            name: wire.name,
            kind: wire.kind.into(),
            summary: wire.summary,
            config_schema: schema("config-schema", &wire.config_schema)?,
            input_schema: optional("input-schema", &wire.input_schema)?,
            output_schema: optional("output-schema", &wire.output_schema)?,
            capabilities,
            idempotent: wire.idempotent,
        };
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if !is_name(&self.name) {
            return Err(format!(
                "name `{}` is not lower-case words of letters and digits joined by `-`, at most 64 characters",
                self.name.escape_debug()
            ));
        }
        let purposes = self.capabilities.iter().filter_map(|capability| match capability {
            Capability::Secret(asked) => Some(("the purpose of a secret", &asked.purpose)),
            _ => None,
        });
        for (name, text) in std::iter::once(("summary", &self.summary)).chain(purposes) {
            if text.len() > SENTENCE_BYTES {
                return Err(format!(
                    "{name} has {} bytes; say it in one sentence of at most {SENTENCE_BYTES}",
                    text.len()
                ));
            }
        }
        if self.capabilities.len() > CAPABILITIES {
            return Err(format!(
                "it asks for {} capabilities; ask for at most {CAPABILITIES}, by wider patterns",
                self.capabilities.len()
            ));
        }
        let is_schema = |value: &Value| value.is_object() || value.is_boolean();
        for (name, schema) in [
            ("config-schema", Some(&self.config_schema)),
            ("input-schema", self.input_schema.as_ref()),
            ("output-schema", self.output_schema.as_ref()),
        ] {
            if schema.is_some_and(|schema| !is_schema(schema)) {
                return Err(format!("{name} is not a JSON Schema: it must be an object"));
            }
        }
        if self.kind == Kind::Step {
            if self.input_schema.is_none() || self.output_schema.is_none() {
                return Err("a step needs an input-schema and an output-schema".to_owned());
            }
        } else if self.input_schema.is_some() || self.output_schema.is_some() {
            return Err(format!("a {} has no input-schema or output-schema: leave them empty", self.kind));
        }
        if matches!(self.kind, Kind::Classifier | Kind::Reporter) && !self.capabilities.is_empty() {
            return Err(format!("a {} is pure and asks for no capabilities", self.kind));
        }
        Ok(())
    }

    /// The first difference from what the component says, as an error.
    pub(crate) fn same_as(&self, component: &Self) -> Result<(), PackageError> {
        if self == component {
            return Ok(());
        }
        let value = |manifest: &Self| serde_json::to_value(manifest).unwrap_or(Value::Null);
        let (mine, theirs) = (value(self), value(component));
        for field in [
            "contract",
            "name",
            "version",
            "kind",
            "summary",
            "config_schema",
            "input_schema",
            "output_schema",
            "capabilities",
            "idempotent",
        ] {
            if mine.get(field) != theirs.get(field) {
                let show = |value: &Value| short(&value.get(field).unwrap_or(&Value::Null).to_string());
                return Err(PackageError::ManifestDiffers {
                    field: field.to_owned(),
                    section: show(&mine),
                    component: show(&theirs),
                });
            }
        }
        Ok(())
    }
}

fn too_large(bytes: usize) -> String {
    format!("it has {bytes} bytes, the host takes {MANIFEST_BYTES}; make schemas and texts shorter")
}

fn short(text: &str) -> String {
    if text.chars().count() <= 120 {
        return text.to_owned();
    }
    text.chars().take(119).chain(['…']).collect()
}

/// Lower-case words of letters and digits joined by single `-`.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}
