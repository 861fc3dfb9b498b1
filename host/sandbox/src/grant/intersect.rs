//! What several grants allow together, as a grant: for showing and storing
//! what is in effect. Each list comes out sorted, without what another entry
//! of it already allows, so that the order of the parts does not matter.

use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::{EVERY_SECRET, Grant, HttpGrant, LogBudget, OriginPattern, SecretGrant, SecretPlace};
use crate::manifest::{Capability, Manifest};

/// What is in effect: what the manifest asks for **and** the admin granted
/// **and** the unit's policy allows.
#[must_use]
pub fn effective(manifest: &Manifest, admin: &Grant, unit: &Grant) -> Grant {
    Grant::asked_by(manifest).intersect(admin).intersect(unit)
}

impl Grant {
    /// Everything: the cap of a unit whose policy sets none.
    #[must_use]
    pub fn everything() -> Self {
        let anywhere = || super::Scheme::ALL.map(OriginPattern::any).to_vec();
        Self {
            http: anywhere().into_iter().map(HttpGrant::all_of).collect(),
            secrets: vec![SecretGrant {
                name: EVERY_SECRET.to_owned(),
                hosts: anywhere(),
                also: vec![SecretPlace::Query, SecretPlace::Body],
            }],
            spool: Some(PathBuf::from("/")),
            kv_bytes: u64::MAX,
            allow_addresses: every_address(),
            log: None,
            clocks: true,
        }
    }

    /// The most that a manifest asks for. It cannot ask for addresses, clocks
    /// or log: those are the admin's and the unit's alone. Nor does it say
    /// where a secret goes.
    #[must_use]
    pub fn asked_by(manifest: &Manifest) -> Self {
        let everything = Self::everything();
        let mut asked =
            Self { allow_addresses: everything.allow_addresses, log: None, clocks: true, ..Self::default() };
        let hosts: Vec<_> = everything.http.iter().map(|http| http.origin().clone()).collect();
        for capability in &manifest.capabilities {
            match capability {
                Capability::Http(http) => asked.http.push(http.clone()),
                Capability::Secret(secret) => {
                    asked.secrets.push(SecretGrant {
                        name: secret.name.clone(),
                        hosts: hosts.clone(),
                        also: vec![SecretPlace::Query, SecretPlace::Body],
                    });
                }
                Capability::Spool => asked.spool.clone_from(&everything.spool),
                Capability::Kv(bytes) => asked.kv_bytes = asked.kv_bytes.max(*bytes),
            }
        }
        asked
    }

    /// What both allow.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let http =
            self.http.iter().flat_map(|mine| other.http.iter().filter_map(|theirs| mine.intersect(theirs))).collect();
        let secrets =
            self.secrets.iter().flat_map(|mine| other.secrets.iter().filter_map(|theirs| both(mine, theirs))).collect();
        let spool = match (&self.spool, &other.spool) {
            (Some(a), Some(b)) => deeper(a, b).map(Path::to_owned),
            _ => None,
        };
        let allow_addresses = self
            .allow_addresses
            .iter()
            .flat_map(|a| other.allow_addresses.iter().filter_map(move |b| narrower(*a, *b)))
            .collect();
        let log = match (self.log, other.log) {
            (Some(a), Some(b)) => Some(LogBudget { bytes: a.bytes.min(b.bytes), lines: a.lines.min(b.lines) }),
            (a, b) => a.or(b),
        };
        Self {
            http: pruned(http, HttpGrant::includes, |http| format!("{http:?}")),
            secrets: merged(secrets),
            spool,
            kv_bytes: self.kv_bytes.min(other.kv_bytes),
            allow_addresses: pruned(allow_addresses, |a: &IpNet, b: &IpNet| a.contains(b), ToString::to_string),
            log,
            clocks: self.clocks && other.clocks,
        }
    }

    /// Adds what another grant allows: what a denial says is to be added.
    /// A spool folder of the other takes the place of this one's.
    pub fn add(&mut self, more: &Self) {
        let missing = more.http.iter().filter(|http| !self.http.contains(http)).cloned().collect::<Vec<_>>();
        self.http.extend(missing);
        for secret in &more.secrets {
            if !self.secrets.contains(secret) {
                self.secrets.push(secret.clone());
            }
        }
        if more.spool.is_some() {
            self.spool.clone_from(&more.spool);
        }
        self.kv_bytes = self.kv_bytes.max(more.kv_bytes);
        for net in &more.allow_addresses {
            if !self.allow_addresses.contains(net) {
                self.allow_addresses.push(*net);
            }
        }
        self.log = match (self.log, more.log) {
            (Some(a), Some(b)) => Some(LogBudget { bytes: a.bytes.max(b.bytes), lines: a.lines.max(b.lines) }),
            (a, _) => a,
        };
        self.clocks |= more.clocks;
    }
}

fn every_address() -> Vec<IpNet> {
    use std::net::{Ipv4Addr, Ipv6Addr};
    let nets = [
        ipnet::Ipv4Net::new(Ipv4Addr::UNSPECIFIED, 0).map(IpNet::from),
        ipnet::Ipv6Net::new(Ipv6Addr::UNSPECIFIED, 0).map(IpNet::from),
    ];
    nets.into_iter().filter_map(Result::ok).collect()
}

fn both(mine: &SecretGrant, theirs: &SecretGrant) -> Option<SecretGrant> {
    let name = match (mine.name.as_str(), theirs.name.as_str()) {
        (EVERY_SECRET, name) | (name, EVERY_SECRET) => name,
        (a, b) if a == b => a,
        _ => return None,
    };
    let hosts = mine.hosts.iter().flat_map(|a| theirs.hosts.iter().filter_map(|b| a.intersect(b))).collect();
    let also = mine.also.iter().copied().filter(|place| theirs.also.contains(place)).collect();
    Some(SecretGrant { name: name.to_owned(), hosts, also })
}

/// The folder that lies in the other.
pub(super) fn deeper<'a>(a: &'a Path, b: &'a Path) -> Option<&'a Path> {
    if a.starts_with(b) {
        Some(a)
    } else if b.starts_with(a) {
        Some(b)
    } else {
        None
    }
}

fn narrower(a: IpNet, b: IpNet) -> Option<IpNet> {
    if b.contains(&a) {
        Some(a)
    } else if a.contains(&b) {
        Some(b)
    } else {
        None
    }
}

/// Sorted, and without entries that another includes.
fn pruned<T: PartialEq + Clone>(
    mut list: Vec<T>,
    includes: impl Fn(&T, &T) -> bool,
    key: impl Fn(&T) -> String,
) -> Vec<T> {
    list.sort_by_cached_key(&key);
    list.dedup();
    let kept = |at: usize, one: &T| !list.iter().enumerate().any(|(other, wider)| other != at && includes(wider, one));
    list.iter().enumerate().filter(|(at, one)| kept(*at, one)).map(|(_, one)| one.clone()).collect()
}

/// One entry for each name and set of places.
fn merged(mut secrets: Vec<SecretGrant>) -> Vec<SecretGrant> {
    for secret in &mut secrets {
        secret.also.sort_unstable();
        secret.also.dedup();
    }
    secrets.sort_by(|a, b| (&a.name, &a.also).cmp(&(&b.name, &b.also)));
    let mut merged: Vec<SecretGrant> = Vec::new();
    for secret in secrets {
        match merged.last_mut() {
            Some(last) if last.name == secret.name && last.also == secret.also => last.hosts.extend(secret.hosts),
            _ => merged.push(secret),
        }
    }
    for secret in &mut merged {
        secret.hosts = pruned(std::mem::take(&mut secret.hosts), OriginPattern::includes, ToString::to_string);
    }
    merged
}
