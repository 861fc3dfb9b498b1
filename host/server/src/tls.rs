//! TLS by rustls: a certificate and its key from two files, read again when they change or when somebody says so. A
//! pair that cannot be used never takes the place of one that can.

use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
pub const LOOK: Duration = Duration::from_secs(10);

/// The largest file that is read, in bytes.
const MOST: u64 = 1 << 20;

/// What is wrong with a certificate or its key, and in which file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct TlsError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it, and how it is mended.
    pub why: String,
}

/// A certificate and its key, as they are served now.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    served: Arc<Served>,
    config: Arc<ServerConfig>,
    /// The files as they were when they were last read.
    seen: Mutex<Option<Marks>>,
}

/// What tells a file from the one before: inode, length, time of its last change.
type Mark = Option<(u64, u64, i64, i64)>;
type Marks = (Mark, Mark);

struct Served(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Served")
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Reads a certificate, with those between it and an authority, and its private key.
    ///
    /// # Errors
    /// When a file cannot be read, holds something else, the key is not the certificate's, or others may read the key.
    pub fn load(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
        let marks = (mark(certificate), mark(key));
        let served = Arc::new(Served(RwLock::new(Arc::new(read(certificate, key)?))));
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| TlsError { file: certificate.to_owned(), why: error.to_string() })?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&served) as Arc<dyn ResolvesServerCert>;
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            served,
            config: Arc::new(config),
            seen: Mutex::new(Some(marks)),
        })
    }

    /// Reads both files again. New connections are served by what they hold now.
    ///
    /// # Errors
    /// As [`Tls::load`]; what was served before is served on.
    pub fn reload(&self) -> Result<(), TlsError> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((mark(&self.certificate), mark(&self.key)));
        let fresh = Arc::new(read(&self.certificate, &self.key)?);
        *self.served.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Whether a file is another than when it was last read.
    fn has_changed(&self) -> bool {
        let now = (mark(&self.certificate), mark(&self.key));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) != Some(now)
    }

    /// Reads the files again whenever they have changed, which is looked at `every` so often, and at once when `asked`;
    /// until `stop`.
    pub async fn follow(self: Arc<Self>, every: Duration, asked: Arc<Notify>, stop: CancellationToken) {
        loop {
            let wanted = tokio::select! {
                () = stop.cancelled() => return,
                () = asked.notified() => true,
                () = tokio::time::sleep(every) => false,
            };
            let this = Arc::clone(&self);
            let done = tokio::task::spawn_blocking(move || (wanted || this.has_changed()).then(|| this.reload())).await;
            match done {
                Ok(Some(Ok(()))) => {
                    tracing::info!(certificate = %self.certificate.display(), "the certificate was read again");
                }
                Ok(Some(Err(error))) => {
                    tracing::error!(%error, "the certificate was not changed: the one before is served on");
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the certificate could not be looked at"),
            }
        }
    }

    pub(crate) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        tokio_rustls::TlsAcceptor::from(Arc::clone(&self.config))
    }
}

fn mark(file: &Path) -> Mark {
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let of_certificate = |why: String| TlsError { file: certificate.to_owned(), why };
    let of_key = |why: String| TlsError { file: key.to_owned(), why };
    let meta = std::fs::metadata(certificate).map_err(|error| of_certificate(error.to_string()))?;
    if !meta.is_file() || meta.len() > MOST {
        return Err(of_certificate(format!(
            "is no file of at most {MOST} bytes; name the PEM file of the certificate"
        )));
    }
    let bytes = std::fs::read(certificate).map_err(|error| of_certificate(error.to_string()))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, pem::Error>>()
        .map_err(|error| of_certificate(format!("is no PEM: {error}")))?;
    if chain.is_empty() {
        return Err(of_certificate(
            "holds no `-----BEGIN CERTIFICATE-----`; name the PEM file of the certificate and those between it and its authority".to_owned(),
        ));
    }
    let bytes = huiyin_files::read_private(key, MOST)
        .map_err(|error| of_key(error.to_string()))?
        .ok_or_else(|| of_key(std::io::Error::from(ErrorKind::NotFound).to_string()))?;
    let private = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            of_key("holds no private key; name a PEM file with `-----BEGIN PRIVATE KEY-----`, not encrypted".to_owned())
        }
        other => of_key(format!("is no PEM: {other}")),
    })?;
    let private = ring::default_provider().key_provider.load_private_key(private).map_err(|error| {
        of_key(format!("holds a key that cannot be used ({error}); use RSA, ECDSA P-256 or P-384, or Ed25519"))
    })?;
    let pair = CertifiedKey::new(chain, private);
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(pair),
        Err(rustls::Error::InconsistentKeys(_)) => Err(of_key(format!(
            "is not the key of the first certificate in {}; the host's own certificate stands first there",
            certificate.display()
        ))),
        Err(error) => Err(of_certificate(format!("holds a certificate that cannot be read: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_read_and_what_is_wrong_is_said_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(place("cert.pem"), made.cert.pem()).unwrap();
        let keep = |name: &str, text: String| huiyin_files::write_private(&place(name), text.as_bytes()).unwrap();
        keep("key.pem", made.signing_key.serialize_pem());
        keep("other.pem", other.signing_key.serialize_pem());
        keep("empty.pem", String::new());
        std::fs::write(place("open.pem"), made.signing_key.serialize_pem()).unwrap();
        let load = |certificate: &str, key: &str| Tls::load(&place(certificate), &place(key));
        load("cert.pem", "key.pem").unwrap();
        for (certificate, key, file, why) in [
            ("none.pem", "key.pem", "none.pem", "No such file"),
            ("key.pem", "key.pem", "key.pem", "holds no `-----BEGIN CERTIFICATE-----`"),
            ("cert.pem", "none.pem", "none.pem", "not found"),
            ("cert.pem", "empty.pem", "empty.pem", "holds no private key"),
            ("cert.pem", "other.pem", "other.pem", "is not the key of the first certificate"),
            ("cert.pem", "open.pem", "open.pem", "others may read it"),
        ] {
            let said = load(certificate, key).unwrap_err().to_string();
            assert!(said.starts_with(&format!("{}: ", place(file).display())) && said.contains(why), "{said}");
        }
    }
}
