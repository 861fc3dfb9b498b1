//! Debian's docker-registry as a process on loopback, for one test.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::tokens;

/// Who is let in.
pub enum Access<'a> {
    /// Everybody, in plain HTTP.
    Open,
    /// Whoever knows the password (HTTP basic, bcrypt).
    Password { user: &'static str, password: &'static str },
    /// Whoever has a token of this server.
    Tokens(&'a tokens::Server),
    /// Everybody, over TLS.
    Tls,
}

/// A running registry.
pub struct Registry {
    child: Child,
    folder: TempDir,
    /// `127.0.0.1:<port>`.
    pub host: String,
    scheme: &'static str,
}

/// The program and htpasswd; the project's script installs what is missing.
fn programs() -> (PathBuf, PathBuf) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/registry");
    let ran = Command::new(&script).output().expect("scripts/registry runs");
    assert!(
        ran.status.success(),
        "no registry can be had on this machine, so nothing of publish and pull is tested:\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let said = String::from_utf8(ran.stdout).unwrap();
    let mut lines = said.lines().map(PathBuf::from);
    (lines.next().unwrap(), lines.next().unwrap())
}

impl Registry {
    pub fn start(access: &Access<'_>) -> Registry {
        // A port may be taken between our letting it go and the registry's taking it: then another.
        (0..5).find_map(|_| Self::try_start(access)).expect("docker-registry finds no free port")
    }

    /// None where the port was taken meanwhile.
    fn try_start(access: &Access<'_>) -> Option<Registry> {
        let (program, htpasswd) = programs();
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let mut config = json!({
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": at.join("store")}},
            "http": {"addr": host, "secret": "for tests"},
        });
        match access {
            Access::Open => {}
            Access::Password { user, password } => {
                let made = Command::new(&htpasswd).args(["-Bbn", user, password]).output().unwrap();
                assert!(made.status.success());
                std::fs::write(at.join("passwords"), made.stdout).unwrap();
                config["auth"] = json!({"htpasswd": {"realm": "tests", "path": at.join("passwords")}});
            }
            Access::Tokens(server) => {
                std::fs::write(at.join("token-roots.pem"), server.certificate()).unwrap();
                config["auth"] = json!({"token": {
                    "realm": server.realm(),
                    "service": tokens::SERVICE,
                    "issuer": tokens::ISSUER,
                    "rootcertbundle": at.join("token-roots.pem"),
                }});
            }
            Access::Tls => {
                let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
                std::fs::write(at.join("server.pem"), made.cert.pem()).unwrap();
                std::fs::write(at.join("server.key"), made.signing_key.serialize_pem()).unwrap();
                config["http"]["tls"] = json!({"certificate": at.join("server.pem"), "key": at.join("server.key")});
            }
        }
        // JSON is YAML.
        std::fs::write(at.join("config.yml"), config.to_string()).unwrap();
        let log = std::fs::File::create(at.join("log")).unwrap();
        let child = Command::new(&program)
            .arg("serve")
            .arg(at.join("config.yml"))
            .env_clear()
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let scheme = if matches!(access, Access::Tls) { "https" } else { "http" };
        let mut registry = Registry { child, folder, host, scheme };
        if registry.ready() {
            return Some(registry);
        }
        let said = std::fs::read_to_string(registry.folder.path().join("log")).unwrap();
        assert!(said.contains("address already in use"), "docker-registry did not start:\n{said}");
        None
    }

    /// Waits until it listens; false if it ended instead.
    fn ready(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            if std::net::TcpStream::connect(&self.host).is_ok() {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("docker-registry was not ready within a minute");
    }

    /// What lies at a path below `/v2/`.
    pub fn get(&self, path: &str) -> Vec<u8> {
        let mut answer = ureq::get(format!("{}://{}/v2/{path}", self.scheme, self.host))
            .header("accept", "application/vnd.oci.image.manifest.v1+json")
            .call()
            .unwrap();
        let mut bytes = Vec::new();
        answer.body_mut().as_reader().read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// The digest of the only layer of a tag.
    pub fn blob_of(&self, repository: &str, tag: &str) -> String {
        let manifest: Value = serde_json::from_slice(&self.get(&format!("{repository}/manifests/{tag}"))).unwrap();
        manifest["layers"][0]["digest"].as_str().unwrap().to_owned()
    }

    /// Changes one byte of a blob in the registry's store; `manifest` shows that it is another.
    pub fn alter(&self, manifest: &str, blob: String) {
        assert_ne!(manifest, blob);
        let hex = blob.strip_prefix("sha256:").unwrap();
        let blobs = self.folder.path().join("store/docker/registry/v2/blobs/sha256");
        let file = blobs.join(&hex[..2]).join(hex).join("data");
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).unwrap();
    }

    /// Puts something that is an image and no plugin.
    pub fn put_image(&self, repository: &str, tag: &str) {
        let blob = |bytes: &[u8]| {
            let digest = format!("sha256:{}", hex::encode(Sha256::digest(bytes)));
            let begun =
                ureq::post(format!("http://{}/v2/{repository}/blobs/uploads/", self.host)).send_empty().unwrap();
            let place = begun.headers()["location"].to_str().unwrap().to_owned();
            let mark = if place.contains('?') { '&' } else { '?' };
            ureq::put(format!("{place}{mark}digest={digest}"))
                .header("content-type", "application/octet-stream")
                .send(bytes)
                .unwrap();
            json!({"digest": digest, "size": bytes.len()})
        };
        let (mut config, mut layer) = (blob(b"{}"), blob(b"not wasm"));
        config["mediaType"] = json!("application/vnd.oci.image.config.v1+json");
        layer["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar");
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]});
        self.put_manifest(repository, tag, &manifest);
    }

    /// Puts a manifest, or an index of some, under a tag.
    pub fn put_manifest(&self, repository: &str, tag: &str, manifest: &Value) {
        ureq::put(format!("http://{}/v2/{repository}/manifests/{tag}", self.host))
            .header("content-type", manifest["mediaType"].as_str().unwrap())
            .send(manifest.to_string())
            .unwrap();
    }

    /// The certificate by which its TLS is known.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
