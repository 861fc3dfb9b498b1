//! OCI registries: packages as CNCF Wasm artifacts, pushed and pulled.
//!
//! A registry is believed in nothing: every byte has a limit, and what comes
//! is held to the digests of the manifest, and the manifest to the digest
//! that the user pinned. Who signed a package is not asked here.

mod artifact;
mod credentials;
mod proxy;

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{DigestError, OciDistributionError, OciErrorCode};
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE,
    OciDescriptor, OciImageManifest,
};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use sha2::{Digest as _, Sha256};

pub(crate) use self::artifact::Artifact;
use crate::output::{Failure, note};
use crate::text::plain;

/// Largest config blob, in bytes.
const MAX_CONFIG: u64 = 1 << 20;
/// Largest certificate file, in bytes.
const MAX_CERTIFICATE: u64 = 1 << 20;
/// FailurePolicy for a connection.
const CONNECT: Duration = Duration::from_secs(15);
/// FailurePolicy for the next bytes.
const PAUSE: Duration = Duration::from_secs(30);
/// FailurePolicy for a manifest, or for leave to push.
const SMALL: Duration = Duration::from_mins(1);
/// Memory of a command that asks a registry, beside the package, in bytes: what bounds an endless manifest.
const MEMORY: u64 = 1 << 30;

/// How a registry is reached.
#[derive(Debug, clap::Args)]
pub(crate) struct RegistryArgs {
    /// User and password or token, a file in the form of docker's config.json that only you may read; docker's own unless given.
    #[arg(long, value_name = "FILE")]
    auth: Option<PathBuf>,
    /// A certificate authority to trust beside the system's, PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The huiyin.json whose `egress.proxy` is the way out; `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` unless given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder whose vault keeps the proxy's password; that of the configuration unless given.
    #[arg(long, value_name = "DIR", requires = "config")]
    data: Option<PathBuf>,
    /// Speak plain HTTP: what is sent, passwords too, can be read and changed on the way.
    #[arg(long)]
    plain_http: bool,
}

/// A registry and one reference in it.
pub(crate) struct Registry {
    client: Client,
    auth: RegistryAuth,
    reference: Reference,
}

/// What was pulled.
pub(crate) struct Pulled {
    /// The package.
    pub(crate) package: Vec<u8>,
    /// The manifest's digest, `sha256:…`.
    pub(crate) digest: String,
}

/// Reads a reference: it must name its registry.
///
/// # Errors
/// When it is none.
pub(crate) fn reference(text: &str) -> Result<Reference, String> {
    let host = text.split('/').next().unwrap_or_default();
    if !text.contains('/') || !(host.contains(['.', ':']) || host == "localhost") {
        return Err("name the registry, too, as in registry.example.cn/plugins/feed:0.1.0".to_owned());
    }
    // Nothing is taken for granted: a reader would put `latest` here.
    if !text.rsplit('/').next().unwrap_or_default().contains([':', '@']) {
        return Err("give a tag, as in :0.1.0, or a digest".to_owned());
    }
    // A version's build metadata, as in 0.1.0+linux; registries know no such tags.
    let tag = text.rsplit('/').next().and_then(|last| last.split('@').next()?.split_once(':'));
    if let Some((_, tag)) = tag.filter(|(_, tag)| tag.contains('+')) {
        return Err(format!("a tag cannot hold `+`; write `_` in its place, as in :{}", tag.replace('+', "_")));
    }
    text.parse().map_err(|error| format!("{error}"))
}

/// Reads a digest.
///
/// # Errors
/// When it is none.
pub(crate) fn digest(text: &str) -> Result<String, String> {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    let sound = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if sound { Ok(text.to_owned()) } else { Err("write it as sha256: and 64 digits in lower case".to_owned()) }
}

impl Registry {
    /// Gets ready; nothing is asked yet. `package` is the most that may come in.
    pub(crate) fn open(args: &RegistryArgs, reference: Reference, package: u64) -> Result<Registry, Failure> {
        hold(package.saturating_add(MEMORY))?;
        // One provider for the whole process; another choice was made before, or this one is.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let host = reference.resolve_registry().to_owned();
        if args.plain_http {
            note(format_args!("huiyin: {} is asked in plain HTTP", plain(&host)));
        }
        let ca = args.ca.as_ref().map(|file| crate::output::read_bytes(file, MAX_CERTIFICATE)).transpose()?;
        let authorities = ca.map(|data| Certificate { encoding: CertificateEncoding::Pem, data });
        let proxy =
            args.config.as_ref().map(|file| proxy::of(file, args.data.as_deref(), &host)).transpose()?.flatten();
        let url = || proxy.as_ref().map(|proxy| proxy.url.to_string());
        let config = ClientConfig {
            https_proxy: url(),
            http_proxy: url(),
            no_proxy: proxy.as_ref().map(|proxy| proxy.direct.clone()),
            protocol: if args.plain_http { ClientProtocol::Http } else { ClientProtocol::Https },
            extra_root_certificates: authorities.into_iter().collect(),
            // An index has several manifests, a plugin has one.
            platform_resolver: None,
            connect_timeout: Some(CONNECT),
            read_timeout: Some(PAUSE),
            user_agent: concat!("huiyin/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|error| failure(&error))?;
        let auth = credentials::of(&host, args.auth.as_deref())?;
        Ok(Registry { client, auth, reference })
    }

    /// Pushes a package under the reference's tag; gives the manifest's digest.
    ///
    /// # Errors
    /// When the tag holds other content: a published version never changes.
    pub(crate) async fn push(&self, artifact: &Artifact) -> Result<(String, bool), Failure> {
        let manifest = artifact.manifest();
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&manifest)));
        self.sign_in(RegistryOperation::Push).await?;
        match within(self.client.fetch_manifest_digest(&self.reference, &self.auth)).await? {
            Ok(there) if there == digest => return Ok((digest, false)),
            Ok(there) => {
                return Err(Failure::failed(format_args!(
                    "{} holds other content already ({there}); a published version never changes, take another tag",
                    self.reference
                )));
            }
            Err(error) if missing(&error) => {}
            Err(error) => return Err(failure(&error)),
        }
        for (bytes, of) in [(&artifact.package, &artifact.package_digest), (&artifact.config, &artifact.config_digest)]
        {
            let pushed = self.client.push_blob(&self.reference, bytes.clone(), of).await;
            pushed.map_err(|error| failure(&error))?;
        }
        let kind = http::HeaderValue::from_static(OCI_IMAGE_MEDIA_TYPE);
        within(self.client.push_manifest_raw(&self.reference, manifest, kind))
            .await?
            .map_err(|error| failure(&error))?;
        Ok((digest, true))
    }

    /// Pulls a package of at most `most` bytes; of this very manifest where one is pinned.
    ///
    /// # Errors
    /// When anything is not what it should be.
    pub(crate) async fn pull(&self, pinned: Option<&str>, most: u64) -> Result<Pulled, Failure> {
        self.sign_in(RegistryOperation::Pull).await?;
        let reference = match pinned {
            Some(digest) => self.reference.clone_with_digest(digest.to_owned()),
            None => self.reference.clone(),
        };
        // Lists are asked for, too: one that is there is no artifact that is missing.
        let kinds = [
            OCI_IMAGE_MEDIA_TYPE,
            OCI_IMAGE_INDEX_MEDIA_TYPE,
            IMAGE_MANIFEST_MEDIA_TYPE,
            IMAGE_MANIFEST_LIST_MEDIA_TYPE,
        ];
        let raw = self.client.pull_manifest_raw(&reference, &self.auth, &kinds);
        let (manifest, digest) = within(raw).await?.map_err(|error| failure(&error))?;
        // Held to the bytes that came, whatever the registry's header says.
        let found = format!("sha256:{}", hex::encode(Sha256::digest(&manifest)));
        let wanted = pinned.or(self.reference.digest()).unwrap_or(&digest);
        if found != wanted {
            return Err(Failure::failed(format_args!("{}: the manifest is {found}, not {wanted}", self.reference)));
        }
        let wrong = |why: String| Failure::invalid(format_args!("{}: {why}", self.reference));
        artifact::no_index(&manifest).map_err(wrong)?;
        let manifest: OciImageManifest =
            serde_json::from_slice(&manifest).map_err(|error| wrong(format!("no OCI manifest: {error}")))?;
        let layer = artifact::only_layer(&manifest).map_err(wrong)?;
        let config = self.blob(&manifest.config, MAX_CONFIG).await?;
        artifact::check_config(&config, &layer.digest).map_err(wrong)?;
        let package = self.blob(layer, most).await?;
        Ok(Pulled { package, digest: found })
    }

    /// A blob, never more of it than its descriptor says.
    async fn blob(&self, descriptor: &OciDescriptor, most: u64) -> Result<Vec<u8>, Failure> {
        let size = u64::try_from(descriptor.size).unwrap_or(u64::MAX);
        let wrong = |why: String| Failure::invalid(format_args!("{}: {why}", self.reference));
        if size > most {
            return Err(wrong(format!("{} has {size} bytes, {most} are taken", descriptor.media_type)));
        }
        // Only from the registry itself, never from a place that the manifest names.
        let own = OciDescriptor { digest: descriptor.digest.clone(), ..OciDescriptor::default() };
        let stream = within(self.client.pull_blob_stream(&self.reference, &own)).await?;
        let mut stream = stream.map_err(|error| failure(&error))?;
        let mut bytes = Vec::new();
        while let Some(part) = stream.stream.next().await {
            let part = part.map_err(|error| {
                let broken = matches!(error.get_ref(), Some(inner) if inner.is::<DigestError>());
                let words = format!("{}: {error}", self.reference);
                if broken { Failure::failed(words) } else { Failure::unreachable(words) }
            })?;
            if bytes.len() as u64 + part.len() as u64 > size {
                return Err(wrong(format!("more comes than the {size} bytes that the manifest says")));
            }
            bytes.extend_from_slice(&part);
        }
        if bytes.len() as u64 != size {
            return Err(wrong(format!(
                "{} has {} bytes, not the {size} that the manifest says",
                descriptor.media_type,
                bytes.len()
            )));
        }
        let found = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        if found != descriptor.digest {
            return Err(Failure::failed(format_args!(
                "{}: the content is {found}, not {} as the manifest says",
                self.reference, descriptor.digest
            )));
        }
        Ok(bytes)
    }

    async fn sign_in(&self, operation: RegistryOperation) -> Result<(), Failure> {
        let signed = within(self.client.auth(&self.reference, &self.auth, operation)).await?;
        signed.map(drop).map_err(|error| failure(&error))
    }
}

/// A small exchange, within its time.
async fn within<T>(asked: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::time::timeout(SMALL, asked)
        .await
        .map_err(|_| Failure::unreachable(format_args!("the registry gave no answer within {} s", SMALL.as_secs())))
}

fn missing(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) => true,
        OciDistributionError::ServerError { code, .. } => *code == 404,
        OciDistributionError::RegistryError { envelope, .. } => {
            let unknown = |code: &OciErrorCode| {
                matches!(code, OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown | OciErrorCode::NotFound)
            };
            envelope.errors.iter().any(|error| unknown(&error.code))
        }
        _ => false,
    }
}

/// A registry's error in a command's terms. None of them holds a credential.
fn failure(error: &OciDistributionError) -> Failure {
    let words = plain(&error.to_string());
    match error {
        error if missing(error) => Failure::invalid(format_args!("there is no such artifact: {words}")),
        OciDistributionError::DigestError(_) => Failure::failed(words),
        OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => {
            Failure::unreachable(format_args!("the registry does not let you in: {words}; give --auth FILE"))
        }
        _ => Failure::unreachable(format_args!("the registry: {words}")),
    }
}

/// Bounds what this process may take up beside what it has: the client reads a
/// manifest whole. What it has holds room of the allocator's, set aside at the start.
fn hold(most: u64) -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Data);
    let held = crate::process::memory(std::process::id(), "VmData").unwrap_or(0);
    let most = most.saturating_add(held);
    let wanted = now.current.map_or(most, |current| current.min(most));
    setrlimit(Resource::Data, Rlimit { current: Some(wanted), maximum: now.maximum })
        .map_err(|error| Failure::unreachable(format_args!("memory cannot be limited: {error}")))
}
