//! What a plugin may reach: pure values and pure decisions.
//!
//! The manifest, an admin's grant and the unit's own policy are each a list of
//! what is allowed; in effect is only what all of them allow (rule 6 of the
//! design): [`effective`] as a value, [`Effective`] as the decision on one
//! request. Nothing here touches network or disk.

mod effective;
mod http;
mod intersect;
mod origin;

use std::path::PathBuf;

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

pub use self::effective::{Denial, Denier, Effective};
pub use self::http::HttpGrant;
pub use self::intersect::effective;
pub use self::origin::{Host, Origin, OriginError, OriginPattern, Scheme};

/// The longest text of a grant that is read, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// The most entries of one list of a grant.
pub const MAX_ENTRIES: usize = 256;

/// The name that stands for every secret.
pub const EVERY_SECRET: &str = "*";

/// Why a grant cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The origin is not one.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// A method is not one.
    #[error("`{0}` is not an HTTP method; write it in upper case, like GET")]
    Method(String),
    /// The path prefix is not one.
    #[error("path_prefix `{0}` must begin with / and hold no dot segments, `%`, `\\`, ? or #")]
    PathPrefix(String),
    /// The JSON is not a grant.
    #[error("this is not a grant: {line}:{column}: {why} (at {pointer})")]
    Json {
        /// From 1.
        line: usize,
        /// In bytes, from 1.
        column: usize,
        /// JSON pointer.
        pointer: String,
        /// What is wrong.
        why: String,
    },
    /// The value is not a grant.
    #[error("{why} (at {pointer} of the grant)")]
    Value {
        /// JSON pointer.
        pointer: String,
        /// What is wrong.
        why: String,
    },
    /// The text is too long.
    #[error("this is not a grant: it has {0} bytes, at most {MAX_TEXT} are read")]
    TooLong(usize),
    /// The spool folder must be absolute.
    #[error("spool `{0}` must be an absolute path without `..`")]
    Spool(String),
}

/// A secret that may be used, and where to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretGrant {
    /// The name under which the plugin asks for it; `*` for every one.
    pub name: String,
    /// The places whose requests may carry it. Empty: it may only sign.
    #[serde(default, deserialize_with = "few", skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<OriginPattern>,
    /// Where in a request it may stand beside its headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<SecretPlace>,
}

impl SecretGrant {
    /// Whether it is about the secret of this name.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.name == EVERY_SECRET || self.name == name
    }
}

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretPlace {
    /// The URL after `?`; it may end up in other people's logs.
    Query,
    /// The body.
    Body,
}

/// How much a call may log: less than `limits` allow, never more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogBudget {
    /// Text, in bytes.
    pub bytes: u64,
    /// Lines.
    pub lines: u64,
}

/// What somebody allows a plugin. What is not named is not allowed; only the
/// log has a budget (that of the limits) where none is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grant {
    /// Requests that may be sent.
    #[serde(deserialize_with = "few")]
    pub http: Vec<HttpGrant>,
    /// Secrets that may be used.
    #[serde(deserialize_with = "few")]
    pub secrets: Vec<SecretGrant>,
    /// The folder into which files may be written.
    pub spool: Option<PathBuf>,
    /// Bytes of its own that the plugin may keep.
    pub kv_bytes: u64,
    /// Addresses that are reachable although they are not public, such as
    /// `127.0.0.1/32`. A metadata address is opened by its own exact entry only.
    #[serde(deserialize_with = "networks")]
    pub allow_addresses: Vec<IpNet>,
    /// A log budget below that of the limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogBudget>,
    /// The real clocks of `wasi:clocks`. Without them they stand still at the
    /// journaled time of the call.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub clocks: bool,
}

/// The derived reader would take a list for a struct.
const NO_OBJECT: &str = "it must be a JSON object";

/// A list of bounded length.
fn few<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::<T>::deserialize(deserializer)?;
    if list.len() > MAX_ENTRIES {
        return Err(D::Error::custom(format_args!("a list of {} entries; at most {MAX_ENTRIES}", list.len())));
    }
    Ok(list)
}

/// Networks; an address alone is told how it is written as one.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    struct Network(IpNet);

    impl<'de> Deserialize<'de> for Network {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            text.parse().map(Network).map_err(|_| D::Error::custom(NoNetwork(&text)))
        }
    }
    few::<D, Network>(deserializer).map(|list| list.into_iter().map(|Network(network)| network).collect())
}

/// Why a text is no network.
struct NoNetwork<'a>(&'a str);

impl std::fmt::Display for NoNetwork<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::net::IpAddr;
        let shown = crate::error::shown(self.0);
        if let Ok(address) = self.0.parse::<IpAddr>() {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            return write!(f, "`{shown}` is an address, not a network; for it alone write {address}/{bits}");
        }
        match self.0.split_once('/').and_then(|(address, bits)| Some((address.parse::<IpAddr>().ok()?, bits))) {
            Some((address, _)) => {
                let most = if address.is_ipv4() { 32 } else { 128 };
                write!(f, "`{shown}` is no network: after the / stand 0 to {most} bits")
            }
            None => write!(f, "`{shown}` is no network; write an address and its bits, such as 10.0.0.0/8 or fd00::/8"),
        }
    }
}

impl Grant {
    /// Reads a grant from JSON. Unknown and repeated keys, and texts that
    /// could be read in two ways, are refused with their place.
    pub fn from_json(text: &str) -> Result<Self, GrantError> {
        if text.len() > MAX_TEXT {
            return Err(GrantError::TooLong(text.len()));
        }
        let fault = |error: &serde_json::Error, pointer: String| {
            let why = error.to_string();
            let end = why.rfind(" at line ").unwrap_or(why.len());
            GrantError::Json {
                line: error.line().max(1),
                column: error.column().max(1),
                pointer,
                why: why[..end].to_owned(),
            }
        };
        if !text.trim_ascii_start().starts_with('{') {
            return Err(GrantError::Json { line: 1, column: 1, pointer: "/".to_owned(), why: NO_OBJECT.to_owned() });
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let grant = Self::read(&mut reader).map_err(|(error, pointer)| fault(&error, pointer))?;
        reader.end().map_err(|error| fault(&error, "/".to_owned()))?;
        grant.check()?;
        Ok(grant)
    }

    /// Reads a grant from a part of other JSON, as strictly. That no key is
    /// repeated is that text's reader's to see to.
    ///
    /// # Errors
    /// What is wrong, with its place in the grant.
    pub fn from_value(value: &serde_json::Value) -> Result<Self, GrantError> {
        let fault = |why: String, pointer: String| GrantError::Value { pointer, why };
        if !value.is_object() {
            return Err(fault(NO_OBJECT.to_owned(), "/".to_owned()));
        }
        let grant = Self::read(value).map_err(|(error, pointer)| fault(error.to_string(), pointer))?;
        grant.check().map_err(|error| fault(error.to_string(), "/spool".to_owned()))?;
        Ok(grant)
    }

    /// The one reader: unknown keys and texts that could be read in two ways are refused with their place.
    fn read<'de, D: Deserializer<'de>>(reader: D) -> Result<Self, (D::Error, String)> {
        serde_path_to_error::deserialize(reader).map_err(|error| {
            let pointer = pointer(error.path());
            (error.into_inner(), pointer)
        })
    }

    /// Checks what the types do not.
    pub fn check(&self) -> Result<(), GrantError> {
        if let Some(folder) = &self.spool {
            use std::path::Component;
            let plain = folder.components().all(|part| !matches!(part, Component::ParentDir | Component::CurDir));
            if !folder.is_absolute() || !plain {
                return Err(GrantError::Spool(folder.display().to_string()));
            }
        }
        Ok(())
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
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

/// One request, as far as grants are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAsk {
    /// Where to.
    pub origin: Origin,
    /// In upper case.
    pub method: String,
    /// The path without the query.
    pub path: String,
}
