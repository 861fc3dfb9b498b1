//! The decision on one request: asked for by the manifest, granted by an
//! admin, allowed by the unit's policy. Every refusal says what was asked,
//! which of the three does not allow it, and the JSON that would.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::http::{folder_of, has_dots, is_method};
use super::intersect::deeper;
use super::{Grant, HttpAsk, HttpGrant, LogBudget, Origin, OriginPattern, SecretGrant, SecretPlace};
use crate::error::shown;
use crate::limits::Limits;
use crate::manifest::{Capability, Manifest};

/// Who does not allow what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denier {
    /// The plugin's manifest does not ask for it: no grant can allow it.
    Manifest,
    /// The admin has not granted it.
    Admin,
    /// The unit's policy keeps it out.
    Unit,
    /// The host never does it.
    Host,
}

/// Something was asked for and not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// What was asked, in words.
    pub what: String,
    /// Why it is not allowed.
    pub why: String,
    /// Who does not allow it.
    pub by: Denier,
    /// The grant (JSON) that would allow it; none where no grant can.
    pub grant_to_add: Option<String>,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was denied: {}", self.what, self.why)?;
        if let Some(grant) = &self.grant_to_add {
            let who =
                if self.by == Denier::Unit { "the unit's policy adds to its cap" } else { "an admin adds this grant" };
            write!(f, "; to allow it, {who}: {grant}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Denial {}

impl Denial {
    /// Of what the host never does, whatever is granted.
    pub(crate) fn by_host(what: String, why: impl Into<String>) -> Self {
        Self { what, why: why.into(), by: Denier::Host, grant_to_add: None }
    }

    fn by_manifest(what: String, asks: &str) -> Self {
        let why = format!("the plugin's manifest does not ask for {asks}, so no grant can allow it");
        Self { what, why, by: Denier::Manifest, grant_to_add: None }
    }
}

/// What a manifest asks for.
#[derive(Debug, Clone, Default)]
struct Asked {
    http: Vec<HttpGrant>,
    secrets: Vec<String>,
    spool: bool,
    kv: u64,
}

/// What is in effect for one call.
#[derive(Debug, Clone)]
pub struct Effective {
    /// None: a workflow asks with its text, which an admin deployed.
    asked: Option<Asked>,
    admin: Grant,
    /// None: the unit's policy sets no cap.
    unit: Option<Grant>,
}

impl Effective {
    /// Of a manifest, what an admin granted, and what the unit's policy allows.
    pub fn new(manifest: &Manifest, admin: &Grant, unit: Option<&Grant>) -> Self {
        let mut asked = Asked::default();
        for capability in &manifest.capabilities {
            match capability {
                Capability::Http(http) => asked.http.push(http.clone()),
                Capability::Secret(secret) => asked.secrets.push(secret.name.clone()),
                Capability::Spool => asked.spool = true,
                Capability::Kv(bytes) => asked.kv = asked.kv.max(*bytes),
            }
        }
        Self { asked: Some(asked), admin: admin.clone(), unit: unit.cloned() }
    }

    /// Of what was granted to a workflow, and what the unit's policy allows.
    pub fn of_workflow(admin: &Grant, unit: Option<&Grant>) -> Self {
        Self { asked: None, admin: admin.clone(), unit: unit.cloned() }
    }

    /// Asks the admin's grant, then the unit's; `add` is what is missing.
    fn both(
        &self,
        what: impl FnOnce() -> String,
        why: &str,
        add: impl FnOnce() -> Value,
        allows: impl Fn(&Grant) -> bool,
    ) -> Result<(), Denial> {
        let (by, why) = if !allows(&self.admin) {
            (Denier::Admin, why.to_owned())
        } else if self.unit.as_ref().is_some_and(|unit| !allows(unit)) {
            (Denier::Unit, format!("by the unit's policy {why}"))
        } else {
            return Ok(());
        };
        Err(Denial { what: what(), why, by, grant_to_add: Some(add().to_string()) })
    }

    /// May this request be sent?
    pub fn http(&self, ask: &HttpAsk) -> Result<(), Denial> {
        let what = || format!("{} {}{}", shown(&ask.method), ask.origin, shown(&ask.path));
        if matches!(ask.method.as_str(), "CONNECT" | "TRACE") {
            return Err(Denial::by_host(what(), "the host sends no CONNECT and no TRACE"));
        }
        if !is_method(&ask.method) {
            return Err(Denial::by_host(what(), "the method is not a word of upper-case letters"));
        }
        if !ask.path.starts_with('/') || has_dots(&ask.path) || ask.path.contains('\\') {
            let why = "the path does not begin with /, or holds dot segments or backslashes, which servers read in different ways";
            return Err(Denial::by_host(what(), why));
        }
        if self.asked.as_ref().is_some_and(|asked| !asked.http.iter().any(|http| http.covers(ask))) {
            return Err(Denial::by_manifest(what(), "it"));
        }
        let add = || {
            json!({"http": [{
                "origin": OriginPattern::from(&ask.origin).to_string(),
                "methods": [ask.method],
                "path_prefix": folder_of(&ask.path),
            }]})
        };
        self.both(what, "it is not granted", add, |grant| grant.http.iter().any(|http| http.covers(ask)))
    }

    /// May this secret be used at all?
    pub fn secret(&self, name: &str) -> Result<(), Denial> {
        let what = || format!("the secret `{}`", shown(name));
        if self.asked.as_ref().is_some_and(|asked| !asked.secrets.iter().any(|asked| asked == name)) {
            return Err(Denial::by_manifest(what(), "it"));
        }
        let add = || json!({"secrets": [{"name": name}]});
        self.both(what, "it is not granted", add, |grant| grant.secrets.iter().any(|secret| secret.names(name)))
    }

    /// May this secret be sent to this place?
    pub fn secret_to(&self, name: &str, origin: &Origin) -> Result<(), Denial> {
        self.secret(name)?;
        let what = || format!("sending the secret `{}` to {origin}", name.escape_debug());
        let add = || json!({"secrets": [{"name": name, "hosts": [OriginPattern::from(origin).to_string()]}]});
        self.both(what, "the secret is not granted for that place", add, |grant| {
            grant.secrets.iter().any(|secret| goes_to(secret, name, origin))
        })
    }

    /// May this secret stand in that part of a request to this place?
    pub fn secret_in(&self, name: &str, origin: &Origin, place: SecretPlace) -> Result<(), Denial> {
        self.secret_to(name, origin)?;
        let part = match place {
            SecretPlace::Query => "query",
            SecretPlace::Body => "body",
        };
        let what = || format!("the secret `{}` in the {part} of a request to {origin}", name.escape_debug());
        let add =
            || json!({"secrets": [{"name": name, "hosts": [OriginPattern::from(origin).to_string()], "also": [part]}]});
        self.both(what, "it is granted for headers only", add, |grant| {
            grant.secrets.iter().any(|secret| secret.also.contains(&place) && goes_to(secret, name, origin))
        })
    }

    /// The folder for files.
    pub fn spool(&self) -> Result<PathBuf, Denial> {
        let what = || "writing a file".to_owned();
        if self.asked.as_ref().is_none_or(|asked| !asked.spool) {
            return Err(Denial::by_manifest(what(), "`spool`"));
        }
        self.both(what, "no folder is granted", || json!({"spool": "/FOLDER"}), |grant| grant.spool.is_some())?;
        let folder = match (&self.admin.spool, self.unit.as_ref().map(|unit| &unit.spool)) {
            (Some(admin), None) => Some(admin.as_path()),
            (Some(admin), Some(Some(unit))) => deeper(admin, unit),
            _ => None,
        };
        folder.map(ToOwned::to_owned).ok_or_else(|| Denial {
            what: what(),
            why: "by the unit's policy files go into another folder than was granted".to_owned(),
            by: Denier::Unit,
            grant_to_add: Some(json!({"spool": self.admin.spool}).to_string()),
        })
    }

    /// Bytes the plugin may keep.
    pub fn kv(&self) -> Result<u64, Denial> {
        let what = || "keeping state with the host".to_owned();
        let asked = self.asked.as_ref().map_or(0, |asked| asked.kv);
        if asked == 0 {
            return Err(Denial::by_manifest(what(), "`kv`"));
        }
        self.both(what, "it is not granted", || json!({"kv_bytes": asked}), |grant| grant.kv_bytes > 0)?;
        let unit = self.unit.as_ref().map_or(u64::MAX, |unit| unit.kv_bytes);
        Ok(asked.min(self.admin.kv_bytes).min(unit))
    }

    /// May an address be connected to that is not public? `open` says whether
    /// a granted range opens it.
    pub(crate) fn address(
        &self,
        origin: &Origin,
        address: IpAddr,
        why: &str,
        open: impl Fn(&IpNet) -> bool,
    ) -> Result<(), Denial> {
        let width = if address.is_ipv4() { 32 } else { 128 };
        self.both(
            || format!("connecting to {origin} at {address}"),
            &format!("the address is not public ({why})"),
            || json!({"allow_addresses": [format!("{address}/{width}")]}),
            |grant| grant.allow_addresses.iter().any(&open),
        )
    }

    /// The log budget: the smallest of the limits', the admin's and the unit's.
    pub fn log(&self, limits: &Limits) -> LogBudget {
        let own = LogBudget { bytes: limits.log_bytes, lines: limits.log_lines };
        [self.admin.log, self.unit.as_ref().and_then(|unit| unit.log)]
            .into_iter()
            .flatten()
            .fold(own, |least, one| LogBudget { bytes: least.bytes.min(one.bytes), lines: least.lines.min(one.lines) })
    }

    /// Whether the plugin sees the real clocks.
    pub fn clocks(&self) -> bool {
        self.admin.clocks && self.unit.as_ref().is_none_or(|unit| unit.clocks)
    }
}

fn goes_to(secret: &SecretGrant, name: &str, origin: &Origin) -> bool {
    secret.names(name) && secret.hosts.iter().any(|pattern| pattern.covers(origin))
}
