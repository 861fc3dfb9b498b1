//! The part of `huiyin.json` about who reaches the host, and how: TLS, and the proxies that are believed. It is read
//! here and carried out by the server.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An address that is served by TLS, beside `listen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TlsConfig {
    /// Where it listens, such as `0.0.0.0:443`.
    pub listen: String,
    /// The certificate with those between it and an authority, PEM, relative to this file.
    pub certificate: PathBuf,
    /// Its private key, PEM, in a file of its owner's alone, relative to this file.
    pub key: PathBuf,
    /// Where plain HTTP is answered with the way to `listen`, such as `0.0.0.0:80`; nowhere unless told.
    #[serde(default)]
    pub redirect: Option<String>,
    /// For how many seconds browsers ask by TLS alone (`Strict-Transport-Security`): a year unless told, 0 says nothing.
    #[serde(default)]
    pub hsts_seconds: Option<u64>,
}

/// The proxies whose word counts on where a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ProxiesConfig {
    /// Their addresses, or ranges of them: `10.0.0.5`, `10.1.0.0/24`. Nobody is believed unless told.
    pub trusted: Vec<String>,
    /// How they say it.
    pub header: ForwardedBy,
}

/// The headers that a proxy sets, and takes away where a client sent them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    /// `x-forwarded-for`, `x-forwarded-proto`, `x-forwarded-host`.
    #[default]
    XForwarded,
    /// `forwarded` (RFC 7239).
    Forwarded,
}
