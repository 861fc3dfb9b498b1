//! The part of `huiyin.json` about the way out: what names stand for, whom to
//! trust, the proxy, how many requests. It is read here and kept by the sandbox.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use huiyin_sandbox::SecretSource;
use huiyin_sandbox::egress::pace::Pace;
use huiyin_sandbox::egress::proxy::ProxySettings;
use huiyin_sandbox::egress::way::{EgressSettings, Mapping};
use serde::{Deserialize, Serialize};

/// The host's own settings of the way out. They are the admin's: a name that is
/// mapped here is connected to the address given, public or not.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct EgressConfig {
    /// `name` or `name:port` to `address` or `address:port`, like curl's `--resolve`.
    pub resolve: BTreeMap<String, String>,
    /// PEM files of certificate authorities trusted beside Mozilla's, relative to this file.
    pub roots: Vec<PathBuf>,
    /// DNS servers that are asked instead of those of the machine, `address` or `address:port`.
    pub dns: Vec<String>,
    /// The proxy of a closed network.
    pub proxy: Option<ProxyConfig>,
    /// How many requests one plugin or workflow may send.
    pub per_plugin: PaceConfig,
    /// How many requests all plugins and workflows of one unit may send together.
    pub per_unit: PaceConfig,
}

/// An HTTP proxy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProxyConfig {
    /// `http://host:port`.
    pub url: String,
    /// Places that are reached without it: names, each itself alone; `*.example.cn`, the names below; addresses, ranges.
    #[serde(default)]
    pub no_proxy: Vec<String>,
    /// Who asks, for basic authentication.
    #[serde(default)]
    pub user: Option<String>,
    /// The name of the secret that holds the password.
    #[serde(default)]
    pub password: Option<String>,
    /// Who looks names up.
    #[serde(default)]
    pub resolve: ProxyResolve,
}

/// Who looks names up where there is a proxy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProxyResolve {
    /// The proxy: the host cannot check what it finds.
    #[default]
    Proxy,
    /// The host: it checks every address and has the proxy connect to one of those.
    Here,
}

/// A bound on requests; what is not given is as by default, 0 is no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct PaceConfig {
    /// Requests under way at once.
    pub concurrent: Option<u32>,
    /// Requests a second in the long run.
    pub per_second: Option<u32>,
    /// How many of them may come at once after a rest.
    pub burst: Option<u32>,
}

impl PaceConfig {
    fn over(self, usual: Pace) -> Pace {
        Pace {
            concurrent: self.concurrent.unwrap_or(usual.concurrent),
            per_second: self.per_second.unwrap_or(usual.per_second),
            burst: self.burst.unwrap_or(usual.burst),
        }
    }
}

impl ProxyConfig {
    fn read(&self, secrets: &Arc<dyn SecretSource>) -> Result<ProxySettings, Vec<String>> {
        let mut proxy = ProxySettings::parse(&self.url).map_err(|why| vec![format!("/egress/proxy/url: {why}")])?;
        let mut problems = Vec::new();
        for (at, place) in self.no_proxy.iter().enumerate() {
            if let Err(why) = proxy.direct(place) {
                problems.push(format!("/egress/proxy/noProxy/{at}: {why}"));
            }
        }
        if self.resolve == ProxyResolve::Here {
            proxy.resolve_here();
        }
        match (&self.user, &self.password) {
            (None, None) => {}
            (Some(user), Some(secret)) => {
                if secrets.secret(secret).is_none() {
                    problems.push(format!(
                        "/egress/proxy/password: there is no secret `{secret}`; set it with `huiyin secret set {secret}`"
                    ));
                }
                if let Err(why) = proxy.login(user, secret, Arc::clone(secrets)) {
                    problems.push(format!("/egress/proxy/user: {why}"));
                }
            }
            _ => problems.push("/egress/proxy: give both `user` and `password`, or neither".to_owned()),
        }
        if problems.is_empty() { Ok(proxy) } else { Err(problems) }
    }
}

impl EgressConfig {
    /// Reads the settings; `base` is where relative paths begin, `secrets` has
    /// the proxy's password.
    ///
    /// # Errors
    /// Everything that is wrong, each with its JSON pointer.
    pub fn read(&self, base: &Path, secrets: &Arc<dyn SecretSource>) -> Result<EgressSettings, Vec<String>> {
        let mut settings = EgressSettings {
            per_plugin: self.per_plugin.over(Pace::PLUGIN),
            per_unit: self.per_unit.over(Pace::UNIT),
            ..EgressSettings::default()
        };
        let mut problems = Vec::new();
        for (at, server) in self.dns.iter().enumerate() {
            match server.parse::<SocketAddr>().or_else(|_| server.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53))) {
                Ok(server) => settings.dns.push(server),
                Err(_) => problems.push(format!(
                    "/egress/dns/{at}: `{}` is no address; write it as 10.0.0.53, 10.0.0.53:5353 or [2001:db8::53]:53",
                    server.escape_debug()
                )),
            }
        }
        match self.proxy.as_ref().map(|proxy| proxy.read(secrets)).transpose() {
            Ok(proxy) => settings.proxy = proxy,
            Err(more) => problems.extend(more),
        }
        for (from, to) in &self.resolve {
            match Mapping::parse(from, to) {
                Ok(mapping) => settings.resolve.push(mapping),
                Err(why) => problems.push(format!("/egress/resolve: {why}")),
            }
        }
        for (at, file) in self.roots.iter().enumerate() {
            let path = base.join(file);
            let read = std::fs::read(&path).map_err(|error| error.to_string());
            if let Err(why) = read.and_then(|pem| settings.trust_pem(&pem)) {
                problems.push(format!("/egress/roots/{at}: {}: {why}", path.display()));
            }
        }
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }
}
