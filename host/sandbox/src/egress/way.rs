//! What the host's admin says about the way out itself: names that stand for
//! addresses of the admin's choice, and more authorities to trust. Both are
//! the host's settings; no plugin, workflow or grant can touch them.
//!
//! A mapped name is connected to the mapped address even where that is not
//! public: the admin named it, one name at a time. Everything else about a
//! request is checked as ever, by its name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::grant::{Host, Origin, Scheme};

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
#[derive(Debug, Clone, Default)]
pub struct EgressSettings {
    /// Names that are looked up here before anywhere else.
    pub resolve: Vec<Mapping>,
    /// Certificates trusted beside Mozilla's.
    pub roots: Vec<CertificateDer<'static>>,
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
        Ok(Arc::new(Self { tls: Arc::new(tls), mappings: settings.resolve.clone() }))
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
            roots: Vec::new(),
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
