//! The host's configuration file, `huiyin.json`: what is watched, which
//! workflows run for whom, what plugins are granted.
//!
//! Strict: an unknown key, a wrong type, a bad duration is refused with
//! `file:line:column` and the JSON pointer. Nothing is read from the
//! environment, and no secret's value stands here, only where it is kept.

mod doors;
mod egress;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use huiyin_deadline::schedule::Interval;
use huiyin_partition::partition::FailurePolicy;
use huiyin_registry::limits::LimitsConfig;
use huiyin_sandbox::{CompileLimits, Grant};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use huiyin_registry::resolve::Binding;
pub use huiyin_registry::trust::{PublisherConfig, TrustConfig};
pub use huiyin_secrets::SecretConfig;

pub use self::doors::{ForwardedBy, ProxiesConfig, TlsConfig};
pub use self::egress::{EgressConfig, PaceConfig, ProxyConfig, ProxyResolve};
use crate::admission::AdmissionConfig;

/// The whole file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct HostConfig {
    /// Where the API listens, `127.0.0.1:7575` unless told.
    pub listen: Option<String>,
    /// An address that is served by TLS, too.
    pub tls: Option<TlsConfig>,
    /// The proxies whose word counts on where a request comes from.
    pub proxies: ProxiesConfig,
    /// The policy pack, relative to this file.
    pub policy: Option<PathBuf>,
    /// Components to install, relative to this file.
    pub plugins: Vec<PathBuf>,
    /// Workflows to deploy.
    pub workflows: Vec<WorkflowConfig>,
    /// Units' choices of plugin and configuration for slots.
    pub bindings: Vec<Binding>,
    /// What is watched.
    pub sources: Vec<SourceConfig>,
    /// What plugins and workflows may reach.
    pub grants: Vec<GrantConfig>,
    /// Whose plugins may be installed and used.
    pub trust: TrustConfig,
    /// How large packages may be, and what compiling one may use.
    pub packages: PackagesConfig,
    /// The way out itself: names that stand for addresses, authorities to trust.
    pub egress: EgressConfig,
    /// What plugin calls may use, by host, plugin and unit.
    pub limits: LimitsConfig,
    /// How long plugins are borne with that fail by their own fault.
    pub quarantine: QuarantineConfig,
    /// How many calls may be out at once, and how many may wait.
    pub admission: AdmissionConfig,
    /// Who is told of the lifecycle of workflows.
    pub lifecycle: LifecycleConfig,
    /// Where secrets are kept, by name.
    pub secrets: BTreeMap<String, SecretConfig>,
    /// How many partitions a new data folder gets; the number of cores unless told.
    pub partitions: Option<u32>,
}

/// One workflow to deploy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WorkflowConfig {
    /// The workflow document, relative to this file.
    pub file: PathBuf,
    /// The units it serves, by code; `"*"` for all.
    pub units: Vec<String>,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SourceConfig {
    /// Unique within the unit.
    pub name: String,
    /// The unit that watches it, by code.
    pub unit: String,
    /// The collector, `name:version`.
    pub collector: String,
    /// The collector's configuration.
    #[serde(default)]
    pub config: Value,
    /// One of the seven channel kinds (clause 3.1a).
    #[serde(default)]
    pub channel: Option<String>,
    /// How often it is read: an ISO 8601 duration or a cron expression.
    pub schedule: SourceSchedule,
    /// Items a page, 200 unless told.
    #[serde(default)]
    pub limit: Option<u32>,
    /// For how long nothing may be heard before it is down, an ISO 8601 duration; three of its
    /// intervals unless told, or twice the longest pause of its cron expression (clause 3.1e).
    #[serde(default)]
    pub expected: Option<String>,
}

/// How often a source is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum SourceSchedule {
    /// Every so often, `"PT5M"`.
    Every(String),
    /// By a cron expression in the given zone.
    Cron {
        /// Five fields.
        expr: String,
        /// IANA name; `Asia/Shanghai` unless told.
        #[serde(default)]
        timezone: Option<String>,
    },
}

/// What one plugin may reach, or one workflow by its own `call: http` and `openapi`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GrantConfig {
    /// The plugin, `name:version` or `name` for every version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// Or the workflow, `namespace/name:version` or `namespace/name` for every version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The unit's code, `"*"` for all.
    #[serde(default = "every")]
    pub unit: String,
    /// What is granted.
    pub grant: Grant,
}

/// How large packages may be, and what compiling one may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct PackagesConfig {
    /// The largest package, in bytes; 64 MiB unless told.
    pub max_bytes: Option<u64>,
    /// Processor time, in seconds; 120 unless told.
    pub compile_cpu_seconds: Option<u64>,
    /// Time on the wall, in seconds; 300 unless told.
    pub compile_wall_seconds: Option<u64>,
    /// Address space, in bytes; 4 GiB unless told.
    pub compile_memory_bytes: Option<u64>,
}

impl PackagesConfig {
    /// The limits of the compiler that these settings make of the usual ones.
    pub fn limits(&self) -> CompileLimits {
        let usual = CompileLimits::default();
        CompileLimits {
            cpu_seconds: self.compile_cpu_seconds.unwrap_or(usual.cpu_seconds).max(1),
            wall: self.compile_wall_seconds.map_or(usual.wall, Duration::from_secs).max(Duration::from_secs(1)),
            memory_bytes: self.compile_memory_bytes.unwrap_or(usual.memory_bytes),
            output_bytes: usual.output_bytes,
        }
    }
}

/// How long plugins are borne with that fail by their own fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct QuarantineConfig {
    /// How often a slot's plugin may fail before another is bound; 5 unless told.
    pub faults: Option<u32>,
    /// Within which time, an ISO 8601 duration; `PT10M` unless told.
    pub within: Option<String>,
}

impl QuarantineConfig {
    /// Reads the figures.
    ///
    /// # Errors
    /// What is wrong with them, each with its JSON pointer.
    pub fn read(&self) -> Result<FailurePolicy, Vec<String>> {
        let mut patience = FailurePolicy::default();
        let mut problems = Vec::new();
        match self.faults {
            Some(faults @ 1..=1_000) => patience.faults = faults,
            Some(faults) => problems.push(format!("/quarantine/faults: {faults} is not from 1 to 1000")),
            None => {}
        }
        match self.within.as_ref().map(|text| text.parse::<Interval>()) {
            Some(Ok(within)) if within.duration() <= SignedDuration::from_hours(24) => {
                patience.within = within.duration();
            }
            Some(Ok(_)) => problems.push("/quarantine/within: is longer than a day".to_owned()),
            Some(Err(error)) => problems.push(format!("/quarantine/within: {error}")),
            None => {}
        }
        if problems.is_empty() { Ok(patience) } else { Err(problems) }
    }
}

/// Who is told of the lifecycle of workflows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct LifecycleConfig {
    /// Where the events go.
    pub sinks: Vec<SinkConfig>,
}

/// One receiver of lifecycle events. Naming it here is the grant to reach it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SinkConfig {
    /// Its name. What it has been told is kept under it; another name begins anew.
    pub name: String,
    /// Where the events are posted, exactly.
    pub uri: String,
    /// What the types of its events begin with; all unless given.
    #[serde(default)]
    pub types: Vec<String>,
    /// Only events of this unit's workflows; of all unless given.
    #[serde(default)]
    pub unit: Option<String>,
    /// The secret that goes along as `authorization: Bearer …`.
    #[serde(default)]
    pub bearer: Option<String>,
    /// The secret with which the body is signed.
    #[serde(default)]
    pub hmac: Option<String>,
    /// Addresses that may be reached although they are not public.
    #[serde(default)]
    pub allow_addresses: Vec<String>,
    /// How old an event may become before it is given up; `P7D` unless told.
    #[serde(default)]
    pub retry_for: Option<String>,
}

fn every() -> String {
    "*".to_owned()
}

/// What is wrong with the configuration, and where.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is too large to be a configuration.
    #[error("{file}: larger than {MAX_CONFIG_BYTES} bytes")]
    TooLarge {
        /// The file.
        file: String,
    },
    /// The file is not text.
    #[error("{file}:{line}:{column}: not UTF-8 text; save it as UTF-8")]
    NotText {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
    },
    /// The text is not a configuration.
    #[error("{file}:{line}:{column}: {message} (at {pointer})")]
    Malformed {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// JSON pointer.
        pointer: String,
        /// What is wrong.
        message: String,
    },
}

/// The largest configuration file that is read, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 4 << 20;

/// Reads a configuration file.
///
/// # Errors
/// When the file cannot be read or is not a configuration.
pub fn read(path: &Path) -> Result<HostConfig, ConfigError> {
    let file = path.display().to_string();
    let unreadable = |error| ConfigError::Unreadable { file: file.clone(), error };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_CONFIG_BYTES {
        return Err(ConfigError::TooLarge { file });
    }
    parse(&read_text(path)?, &file)
}

/// Reads a text that the configuration names.
///
/// # Errors
/// When the file cannot be read; where it is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| ConfigError::Unreadable { file: file.clone(), error })?;
    String::from_utf8(bytes).map_err(|error| {
        let sound = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line_start = sound.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        ConfigError::NotText {
            file,
            line: sound.iter().filter(|b| **b == b'\n').count() + 1,
            column: String::from_utf8_lossy(&sound[line_start..]).chars().count() + 1,
        }
    })
}

/// Reads a configuration's text; `file` is its name in errors.
///
/// # Errors
/// When the text is not a configuration.
pub fn parse(text: &str, file: &str) -> Result<HostConfig, ConfigError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let malformed = |error: &serde_json::Error, pointer: String| ConfigError::Malformed {
        file: file.to_owned(),
        line: error.line(),
        column: error.column().max(1),
        pointer,
        message: plain(error),
    };
    let config = serde_path_to_error::deserialize(&mut reader).map_err(|e| malformed(e.inner(), pointer(e.path())))?;
    reader.end().map_err(|e| malformed(&e, "/".to_owned()))?;
    Ok(config)
}

/// The message without serde_json's own "at line … column …".
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

pub(crate) fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut out = String::new();
    for segment in path {
        out.push('/');
        match segment {
            Segment::Seq { index } => out.push_str(&index.to_string()),
            Segment::Map { key } => out.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => out.push_str(variant),
            Segment::Unknown => out.push('?'),
        }
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_with_its_place() {
        let error = parse("{\n  \"sources\": [{\"nam\": \"x\"}]\n}", "huiyin.json").unwrap_err().to_string();
        assert!(error.starts_with("huiyin.json:2:"), "{error}");
        assert!(error.contains("unknown field `nam`") && error.contains("/sources/0"), "{error}");
    }

    #[test]
    fn what_is_not_utf8_is_refused_with_its_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"{\n  \"\xe6\x9e\x97\xff\"}").unwrap();
        let error = read(file.path()).unwrap_err().to_string();
        assert_eq!(error, format!("{}:2:5: not UTF-8 text; save it as UTF-8", file.path().display()));
    }

    #[test]
    fn text_after_the_end_is_refused() {
        assert!(parse("{} x", "f").unwrap_err().to_string().contains("trailing"));
    }

    #[test]
    fn an_empty_object_is_a_configuration() {
        assert!(parse("{}", "f").unwrap().sources.is_empty());
    }
}
