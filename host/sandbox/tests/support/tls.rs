//! A TLS place on loopback with a certificate of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use super::peer::{Peer, ok};

type Speaking = rustls::StreamOwned<rustls::ServerConnection, TcpStream>;

pub struct Place {
    pub address: SocketAddr,
    /// The certificate.
    pub pem: String,
    pub peer: Peer,
}

impl Place {
    /// Answers every request with this body.
    pub fn start(name: &str, body: &'static str) -> Self {
        Self::with(name, move |stream| {
            let mut head = [0; 4096];
            if stream.read(&mut head).is_ok() {
                drop(stream.write_all(&ok(body)));
                stream.conn.send_close_notify();
                drop(stream.flush());
            }
        })
    }

    /// Each connection is handled by this, before its handshake is done.
    pub fn with(name: &str, each: impl Fn(&mut Speaking) + Send + Sync + 'static) -> Self {
        let key = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let config = server(&key);
        let peer = Peer::start(move |stream, _| {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            each(&mut rustls::StreamOwned::new(connection, stream.try_clone().unwrap()));
        });
        Self { address: peer.address, pem: key.cert.pem(), peer }
    }
}

/// The settings of a server with this certificate.
pub fn server(key: &rcgen::CertifiedKey<rcgen::KeyPair>) -> Arc<rustls::ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![key.cert.der().clone()],
            rustls::pki_types::PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()).into(),
        )
        .unwrap();
    Arc::new(config)
}
