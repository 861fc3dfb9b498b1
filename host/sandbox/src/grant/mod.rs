//! What a plugin may reach: pure values and pure decisions.
//!
//! An admin's grant, the unit's own and the manifest are each a list of what
//! is allowed; in effect is only what all of them allow (rule 6 of the
//! design). Nothing here touches network or disk.

mod origin;

use std::fmt;
use std::path::PathBuf;

use http::Method;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use origin::{Host, Origin, OriginError, OriginPattern, Scheme};

use crate::error::shown;
use crate::manifest::{Capability, Manifest};
use crate::strict::Strict;

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
    #[error("this is not a grant: {0}")]
    Json(String),
    /// The spool folder must be absolute.
    #[error("spool `{0}` must be an absolute path without `..`")]
    Spool(String),
}

/// Requests that may be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawHttpGrant")]
pub struct HttpGrant {
    /// Where to.
    origin: OriginPattern,
    /// With these methods; empty for all.
    methods: Vec<String>,
    /// On paths at or below this one, in whole segments.
    path_prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHttpGrant {
    origin: String,
    #[serde(default)]
    methods: Vec<String>,
    #[serde(default)]
    path_prefix: Option<String>,
}

impl TryFrom<RawHttpGrant> for HttpGrant {
    type Error = GrantError;

    fn try_from(raw: RawHttpGrant) -> Result<Self, GrantError> {
        Self::parse(&raw.origin, &raw.methods, raw.path_prefix.as_deref().unwrap_or("/"))
    }
}

impl HttpGrant {
    /// Checks and takes the three parts.
    pub fn parse(origin: &str, methods: &[String], path_prefix: &str) -> Result<Self, GrantError> {
        let origin = origin.parse()?;
        for method in methods {
            let known = Method::from_bytes(method.as_bytes()).is_ok();
            if !known || method.bytes().any(|byte| !byte.is_ascii_uppercase()) {
                return Err(GrantError::Method(method.escape_debug().to_string()));
            }
        }
        let prefix = if path_prefix.is_empty() { "/" } else { path_prefix };
        if !prefix.starts_with('/') || prefix.contains(['%', '\\', '?', '#']) || has_dots(prefix) {
            return Err(GrantError::PathPrefix(prefix.escape_debug().to_string()));
        }
        Ok(Self { origin, methods: methods.to_vec(), path_prefix: prefix.to_owned() })
    }

    /// Where to.
    pub fn origin(&self) -> &OriginPattern {
        &self.origin
    }

    fn covers(&self, request: &HttpAsk) -> bool {
        self.origin.covers(&request.origin)
            && (self.methods.is_empty() || self.methods.contains(&request.method))
            && path_within(&request.path, &self.path_prefix)
    }

    fn intersect(&self, other: &Self) -> Option<Self> {
        let origin = self.origin.intersect(&other.origin)?;
        let methods = match (self.methods.as_slice(), other.methods.as_slice()) {
            ([], methods) | (methods, []) => methods.to_vec(),
            (mine, theirs) => {
                let both: Vec<_> = mine.iter().filter(|m| theirs.contains(m)).cloned().collect();
                if both.is_empty() {
                    return None;
                }
                both
            }
        };
        let path_prefix = if path_within(&self.path_prefix, &other.path_prefix) {
            self.path_prefix.clone()
        } else if path_within(&other.path_prefix, &self.path_prefix) {
            other.path_prefix.clone()
        } else {
            return None;
        };
        Some(Self { origin, methods, path_prefix })
    }
}

/// A secret that may be used, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretGrant {
    /// The name under which the plugin asks for it.
    pub name: String,
    /// The places whose requests may carry it. Empty: it may only sign.
    #[serde(default)]
    pub hosts: Vec<OriginPattern>,
    /// Where in a workflow's own request it may stand beside its headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<SecretPlace>,
}

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretPlace {
    /// The URL after `?`; it may end up in other people's logs.
    Query,
    /// The body.
    Body,
}

/// What somebody allows a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grant {
    /// Requests that may be sent.
    pub http: Vec<HttpGrant>,
    /// Secrets that may be used.
    pub secrets: Vec<SecretGrant>,
    /// The folder into which files may be written.
    pub spool: Option<PathBuf>,
    /// Bytes of its own that the plugin may keep.
    pub kv_bytes: u64,
    /// Addresses that are reachable although they are not public, such as
    /// `127.0.0.1/32`.
    pub allow_addresses: Vec<IpNet>,
}

impl Grant {
    /// Reads a grant from JSON.
    pub fn from_json(text: &str) -> Result<Self, GrantError> {
        let fault = |why: &dyn fmt::Display| GrantError::Json(why.to_string());
        let Strict(value) = serde_json::from_str(text).map_err(|error| fault(&error))?;
        if !value.is_object() {
            return Err(fault(&"it must be a JSON object"));
        }
        let grant: Self = serde_json::from_value(value).map_err(|error| fault(&error))?;
        grant.check()?;
        Ok(grant)
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

    /// What both allow: an admin's grant and the unit's policy, say.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let http =
            self.http.iter().flat_map(|mine| other.http.iter().filter_map(|theirs| mine.intersect(theirs))).collect();
        let secrets = self
            .secrets
            .iter()
            .filter_map(|mine| {
                let theirs = other.secrets.iter().find(|theirs| theirs.name == mine.name)?;
                let hosts =
                    mine.hosts.iter().flat_map(|a| theirs.hosts.iter().filter_map(|b| a.intersect(b))).collect();
                let also = mine.also.iter().copied().filter(|place| theirs.also.contains(place)).collect();
                Some(SecretGrant { name: mine.name.clone(), hosts, also })
            })
            .collect();
        let spool = match (&self.spool, &other.spool) {
            (Some(a), Some(b)) if a.starts_with(b) => Some(a.clone()),
            (Some(a), Some(b)) if b.starts_with(a) => Some(b.clone()),
            _ => None,
        };
        let allow_addresses = self
            .allow_addresses
            .iter()
            .flat_map(|a| {
                other.allow_addresses.iter().filter_map(move |b| {
                    if b.contains(a) {
                        Some(*a)
                    } else if a.contains(b) {
                        Some(*b)
                    } else {
                        None
                    }
                })
            })
            .collect();
        Self { http, secrets, spool, kv_bytes: self.kv_bytes.min(other.kv_bytes), allow_addresses }
    }
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

/// Something was asked for and not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// What was asked, in words.
    pub what: String,
    /// Why it is not allowed.
    pub why: String,
    /// The grant (JSON) that would allow it; none where no grant can.
    pub grant_to_add: Option<String>,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was denied: {}", self.what, self.why)?;
        if let Some(grant) = &self.grant_to_add {
            write!(f, "; to allow it, an admin adds this grant: {grant}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Denial {}

/// What is in effect for one call: the manifest and the grant, both.
#[derive(Debug, Clone)]
pub struct Effective {
    /// There is no manifest: a workflow asks with its text, which an admin deployed.
    asks_all: bool,
    asked_http: Vec<HttpGrant>,
    asked_secrets: Vec<String>,
    asked_spool: bool,
    asked_kv: u64,
    grant: Grant,
}

impl Effective {
    /// Of a manifest and what was granted (already intersected with what the
    /// unit's policy allows).
    pub fn new(manifest: &Manifest, grant: &Grant) -> Self {
        let mut effective = Self {
            asks_all: false,
            asked_http: Vec::new(),
            asked_secrets: Vec::new(),
            asked_spool: false,
            asked_kv: 0,
            grant: grant.clone(),
        };
        for capability in &manifest.capabilities {
            match capability {
                Capability::Http(asked) => effective.asked_http.push(asked.clone()),
                Capability::Secret(asked) => effective.asked_secrets.push(asked.name.clone()),
                Capability::Spool => effective.asked_spool = true,
                Capability::Kv(bytes) => effective.asked_kv = effective.asked_kv.max(*bytes),
            }
        }
        effective
    }

    /// Of what was granted to a workflow.
    pub fn of_workflow(grant: &Grant) -> Self {
        Self {
            asks_all: true,
            asked_http: Vec::new(),
            asked_secrets: Vec::new(),
            asked_spool: false,
            asked_kv: 0,
            grant: grant.clone(),
        }
    }

    /// May this request be sent?
    pub fn http(&self, ask: &HttpAsk) -> Result<(), Denial> {
        let what = format!("{} {}{}", ask.method, ask.origin, shown(&ask.path));
        if has_dots(&ask.path) || ask.path.contains('\\') {
            return Err(Denial {
                what,
                why: "the path holds dot segments or backslashes, which servers read in different ways".to_owned(),
                grant_to_add: None,
            });
        }
        if !self.asks_all && !self.asked_http.iter().any(|asked| asked.covers(ask)) {
            return Err(Denial {
                what,
                why: "the plugin's manifest does not ask for it, so no grant can allow it".to_owned(),
                grant_to_add: None,
            });
        }
        if !self.grant.http.iter().any(|granted| granted.covers(ask)) {
            let grant = json!({"http": [{
                "origin": OriginPattern::from(&ask.origin).to_string(),
                "methods": [ask.method],
                "path_prefix": folder_of(&ask.path),
            }]});
            return Err(Denial { what, why: "it is not granted".to_owned(), grant_to_add: Some(grant.to_string()) });
        }
        Ok(())
    }

    /// May this secret be used at all?
    pub fn secret(&self, name: &str) -> Result<(), Denial> {
        let what = format!("the secret `{}`", shown(name));
        if !self.asks_all && !self.asked_secrets.iter().any(|asked| asked == name) {
            return Err(Denial {
                what,
                why: "the plugin's manifest does not ask for it, so no grant can allow it".to_owned(),
                grant_to_add: None,
            });
        }
        if !self.grant.secrets.iter().any(|granted| granted.name == name) {
            let grant = json!({"secrets": [{"name": name, "hosts": ["https://HOST"]}]});
            return Err(Denial { what, why: "it is not granted".to_owned(), grant_to_add: Some(grant.to_string()) });
        }
        Ok(())
    }

    /// May this secret be sent to this place?
    pub fn secret_to(&self, name: &str, origin: &Origin) -> Result<(), Denial> {
        self.secret(name)?;
        let allowed = self
            .grant
            .secrets
            .iter()
            .filter(|granted| granted.name == name)
            .flat_map(|granted| &granted.hosts)
            .any(|pattern| pattern.covers(origin));
        if allowed {
            return Ok(());
        }
        let grant = json!({"secrets": [{
            "name": name,
            "hosts": [OriginPattern::from(origin).to_string()],
        }]});
        Err(Denial {
            what: format!("sending the secret `{}` to {origin}", name.escape_debug()),
            why: "the secret is not granted for that place".to_owned(),
            grant_to_add: Some(grant.to_string()),
        })
    }

    /// May this secret stand in that part of a request to this place?
    pub fn secret_in(&self, name: &str, origin: &Origin, place: SecretPlace) -> Result<(), Denial> {
        self.secret_to(name, origin)?;
        let mine = |granted: &&SecretGrant| {
            granted.name == name
                && granted.also.contains(&place)
                && granted.hosts.iter().any(|pattern| pattern.covers(origin))
        };
        if self.grant.secrets.iter().any(|granted| mine(&granted)) {
            return Ok(());
        }
        let part = match place {
            SecretPlace::Query => "query",
            SecretPlace::Body => "body",
        };
        let grant = json!({"secrets": [{
            "name": name,
            "hosts": [OriginPattern::from(origin).to_string()],
            "also": [part],
        }]});
        Err(Denial {
            what: format!("the secret `{}` in the {part} of a request to {origin}", name.escape_debug()),
            why: "it is granted for headers only".to_owned(),
            grant_to_add: Some(grant.to_string()),
        })
    }

    /// The folder for files.
    pub fn spool(&self) -> Result<&PathBuf, Denial> {
        let what = "writing a file".to_owned();
        if !self.asked_spool {
            return Err(Denial {
                what,
                why: "the plugin's manifest does not ask for `spool`, so no grant can allow it".to_owned(),
                grant_to_add: None,
            });
        }
        self.grant.spool.as_ref().ok_or_else(|| Denial {
            what,
            why: "no folder is granted".to_owned(),
            grant_to_add: Some(json!({"spool": "/FOLDER"}).to_string()),
        })
    }

    /// Bytes the plugin may keep.
    pub fn kv(&self) -> Result<u64, Denial> {
        let what = "keeping state with the host".to_owned();
        if self.asked_kv == 0 {
            return Err(Denial {
                what,
                why: "the plugin's manifest does not ask for `kv`, so no grant can allow it".to_owned(),
                grant_to_add: None,
            });
        }
        if self.grant.kv_bytes == 0 {
            return Err(Denial {
                what,
                why: "it is not granted".to_owned(),
                grant_to_add: Some(json!({"kv_bytes": self.asked_kv}).to_string()),
            });
        }
        Ok(self.asked_kv.min(self.grant.kv_bytes))
    }

    /// Ranges reachable although they are not public.
    pub fn allow_addresses(&self) -> &[IpNet] {
        &self.grant.allow_addresses
    }
}

/// Whether a path lies at or below a prefix, in whole segments.
fn path_within(path: &str, prefix: &str) -> bool {
    if prefix == "/" {
        return path.starts_with('/');
    }
    match path.strip_prefix(prefix) {
        Some(rest) => {
            (rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
                // An encoded slash could leave the prefix on the server's side.
                && !has_hidden_slash(rest)
        }
        None => false,
    }
}

/// Whether a path holds a `.` or `..` segment, plain or percent-encoded
/// (RFC 3986 §5.2.4) however often, or with parameters behind it, which some
/// servers leave out first (`..;x`).
fn has_dots(path: &str) -> bool {
    let Some(path) = decoded(path) else { return true };
    path.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| {
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        matches!(name, b"." | b"..")
    })
}

/// Whether a path holds a slash that only decoding shows.
fn has_hidden_slash(path: &str) -> bool {
    let slashes = |bytes: &[u8]| bytes.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    decoded(path).is_none_or(|whole| slashes(&whole) != slashes(path.as_bytes()))
}

/// How often a path may be percent-encoded: servers behind servers decode once each.
const LAYERS: usize = 4;

/// The path with everything decoded; none where it is encoded more often than
/// anybody means well by.
fn decoded(path: &str) -> Option<Vec<u8>> {
    let mut now = path.as_bytes().to_vec();
    for _ in 0..=LAYERS {
        let next: Vec<u8> = percent_encoding::percent_decode(&now).collect();
        if next == now {
            return Some(now);
        }
        now = next;
    }
    None
}

/// The smallest prefix worth granting for a path: its folder.
fn folder_of(path: &str) -> &str {
    if path.contains('%') || path.len() > 200 {
        return "/";
    }
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(end) => &path[..end],
    }
}
