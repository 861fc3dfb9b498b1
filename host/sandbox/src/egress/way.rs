//! What the host's admin says about the way out itself: names that stand for
//! addresses of the admin's choice, authorities to trust, DNS servers, a proxy,
//! and how fast requests may follow each other. All are the host's settings; no
//! plugin, workflow or grant can touch them.
//!
//! A mapped name is connected to the mapped address even where that is not
//! public: the admin named it, one name at a time. Everything else about a
//! request is checked as ever, by its name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use wasmtime_wasi_http::Error;

use super::names::{self, Names};
use super::pace::{Pace, Paces};
use super::proxy::{self, ProxySettings};
use super::traffic::{Refusal, Traffic};
use crate::grant::{Effective, Host, Origin, Scheme};

/// One name and where it is, like curl's `--resolve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    name: String,
    port: Option<u16>,
    address: IpAddr,
    to_port: Option<u16>,
}

impl Mapping {
    /// Reads `name` or `name:port`, and `address` or `address:port`; a name
    /// without a port stands for every port, an address without one keeps it.
    ///
    /// # Errors
    /// What is wrong, and how it is written.
    pub fn parse(from: &str, to: &str) -> Result<Self, String> {
        let place = Origin::from_authority(Scheme::Http, from).map_err(|error| error.to_string())?;
        let Host::Name(name) = place.host else {
            return Err(format!("`{from}` is an address; map a name, as in \"api.example.cn:443\""));
        };
        let port = from.contains(':').then_some(place.port);
        let wrong = || format!("`{to}` is no address; write it as 127.0.0.1, 127.0.0.1:8443 or [::1]:8443");
        let (address, to_port) = match to.parse::<SocketAddr>() {
            Ok(socket) => (socket.ip(), Some(socket.port())),
            Err(_) => (to.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().map_err(|_| wrong())?, None),
        };
        Ok(Self { name, port, address, to_port })
    }
}

/// The admin's settings of the way out.
#[derive(Debug, Clone)]
pub struct EgressSettings {
    /// Names that are looked up here before anywhere else.
    pub resolve: Vec<Mapping>,
    /// Certificates trusted beside Mozilla's.
    pub roots: Vec<CertificateDer<'static>>,
    /// DNS servers that are asked instead of those of the machine.
    pub dns: Vec<SocketAddr>,
    /// The proxy through which everything goes that does not pass it by.
    pub proxy: Option<ProxySettings>,
    /// The pace of one plugin or workflow.
    pub per_plugin: Pace,
    /// The pace of one unit.
    pub per_unit: Pace,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            resolve: Vec::new(),
            roots: Vec::new(),
            dns: Vec::new(),
            proxy: None,
            per_plugin: Pace::PLUGIN,
            per_unit: Pace::UNIT,
        }
    }
}

impl EgressSettings {
    /// Adds the certificates of a PEM text; gives how many there were.
    ///
    /// # Errors
    /// When the text holds something else.
    pub fn trust_pem(&mut self, pem: &[u8]) -> Result<usize, String> {
        let mut found = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| format!("not a PEM text of certificates: {error}"))?;
            // Checked here, so that a start says what is wrong, not the first request.
            let mut store = rustls::RootCertStore::empty();
            store
                .add(certificate.clone())
                .map_err(|error| format!("not a certificate that can be trusted: {error}"))?;
            found.push(certificate);
        }
        if found.is_empty() {
            return Err("no certificate in it; it must hold `-----BEGIN CERTIFICATE-----`".to_owned());
        }
        let count = found.len();
        self.roots.append(&mut found);
        Ok(count)
    }
}

/// The settings made ready.
#[derive(Debug)]
pub(crate) struct Way {
    pub(super) tls: Arc<rustls::ClientConfig>,
    mappings: Vec<Mapping>,
    names: Names,
    proxy: Option<ProxySettings>,
    pub(super) paces: Paces,
}

/// How a place is reached.
pub(super) enum Route<'a> {
    /// At one of these addresses.
    Direct(Vec<SocketAddr>),
    /// Through the proxy at one of these addresses, by `CONNECT` to the target.
    Tunnel { proxy: &'a ProxySettings, addresses: Vec<SocketAddr>, target: String },
    /// By the proxy, which is given the request in plain HTTP.
    Forward { proxy: &'a ProxySettings, addresses: Vec<SocketAddr> },
}

impl Way {
    /// TLS 1.2 and 1.3 with Mozilla's roots and the admin's.
    pub(crate) fn new(settings: &EgressSettings) -> Result<Arc<Self>, rustls::Error> {
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        for root in &settings.roots {
            roots.add(root.clone())?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(Self {
            tls: Arc::new(tls),
            mappings: settings.resolve.clone(),
            names: Names::new(settings.dns.clone()),
            proxy: settings.proxy.clone(),
            paces: Paces::new(settings.per_plugin, settings.per_unit),
        }))
    }

    /// Finds the way to a place; every address the host connects to for it has
    /// been checked, or is the admin's own word.
    pub(super) async fn route(
        &self,
        origin: &Origin,
        effective: &Effective,
        traffic: &Traffic,
    ) -> Result<Route<'_>, Error> {
        if let Host::Name(name) = &origin.host
            && let Some(address) = self.mapped(name, origin.port)
        {
            return Ok(Route::Direct(vec![address]));
        }
        let Some(proxy) = self.proxy.as_ref().filter(|proxy| !proxy.passes_by(&origin.host)) else {
            return Ok(Route::Direct(names::checked(origin, effective, traffic, &self.names).await?));
        };
        let target = if proxy.resolves_here() {
            let checked = names::checked(origin, effective, traffic, &self.names).await?;
            Some(proxy::target_at(*checked.first().ok_or(Error::DestinationNotFound)?))
        } else {
            names::check_unresolved(origin, effective, traffic)?;
            (origin.scheme != Scheme::Http).then(|| proxy::target(origin))
        };
        let addresses = match proxy.host() {
            (Host::Address(address), port) => vec![SocketAddr::new(*address, port)],
            (Host::Name(name), port) => match self.mapped(name, port) {
                Some(address) => vec![address],
                None => self.names.lookup(name, port).await.inspect_err(|_| {
                    traffic.refuse(Refusal::Way(format!("the proxy's name `{name}` cannot be resolved")));
                })?,
            },
        };
        Ok(match target {
            Some(target) => Route::Tunnel { proxy, addresses, target },
            None => Route::Forward { proxy, addresses },
        })
    }

    /// Where the admin says that this name is.
    pub(super) fn mapped(&self, name: &str, port: u16) -> Option<SocketAddr> {
        self.mappings
            .iter()
            .filter(|m| m.name == name && m.port.is_none_or(|p| p == port))
            .max_by_key(|m| m.port.is_some())
            .map(|m| SocketAddr::new(m.address, m.to_port.unwrap_or(port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_mapped_and_no_other() {
        let settings = EgressSettings {
            resolve: vec![
                Mapping::parse("api.example.cn", "127.0.0.1").unwrap(),
                Mapping::parse("api.example.cn:443", "[::1]:8443").unwrap(),
            ],
            ..EgressSettings::default()
        };
        let way = Way::new(&settings).unwrap();
        assert_eq!(way.mapped("api.example.cn", 80), Some("127.0.0.1:80".parse().unwrap()));
        assert_eq!(way.mapped("api.example.cn", 443), Some("[::1]:8443".parse().unwrap()));
        assert_eq!(way.mapped("www.api.example.cn", 80), None);
    }

    #[test]
    fn what_is_no_mapping_is_refused_with_the_way_to_write_it() {
        for (from, to, says) in [
            ("127.0.0.1", "127.0.0.1", "map a name"),
            ("a b", "127.0.0.1", "not an origin"),
            ("api.example.cn", "localhost:80", "is no address"),
            ("api.example.cn", "127.1", "is no address"),
        ] {
            let error = Mapping::parse(from, to).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        let error = EgressSettings::default().trust_pem(b"hello").unwrap_err();
        assert!(error.contains("BEGIN CERTIFICATE"), "{error}");
    }
}
