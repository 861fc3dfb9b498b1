//! The sample bureau's files: unpacked into the demo's folder at the first
//! start, and kept as they are from then on, so that what was changed there
//! by hand stays.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::folders::write_whole;
use crate::output::Failure;

macro_rules! sample {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows/", $path))
    };
}

/// What is unpacked: files as they are, and a configuration in which `{port}` stands for the local server's, and
/// `{outbox}` for the folder that notices and printed reports go to.
pub(super) struct Kit {
    pub(super) files: Vec<(&'static str, Cow<'static, str>)>,
    pub(super) config: &'static str,
}

impl Kit {
    /// The demo that goes on and on.
    pub(super) fn live() -> Kit {
        let files = [
            ("policy/linhai.json", POLICY),
            ("assess.json", ASSESS),
            ("notify.json", NOTIFY),
            ("monitor.json", MONITOR),
            ("source-watch.json", sample!("source-watch.json")),
        ];
        Kit { files: files.map(|(name, text)| (name, Cow::Borrowed(text))).into(), config: CONFIG }
    }

    /// A story, under a pack of its own.
    pub(super) fn story(policy: String) -> Kit {
        let files = [
            ("assess.json", ASSESS),
            ("notify.json", NOTIFY),
            ("monitor.json", MONITOR),
            ("major-event.json", sample!("major-event.json")),
        ];
        let mut files: Vec<_> = files.map(|(name, text)| (name, Cow::Borrowed(text))).into();
        files.push(("policy/linhai.json", Cow::Owned(policy)));
        Kit { files, config: sample!("demo/story.json") }
    }

    /// Days of real titles: collected, judged, and a log of each day.
    pub(super) fn days() -> Kit {
        let files =
            [("policy/linhai.json", POLICY), ("assess.json", ASSESS), ("daily-log.json", sample!("daily-log.json"))];
        let files = files.map(|(name, text)| (name, Cow::Borrowed(text))).into();
        Kit { files, config: sample!("demo/days.json") }
    }
}

/// The sample bureau's policy pack.
pub(crate) const POLICY: &str = sample!("policy/linhai.json");

/// Whom each clock of a story tells as its end nears and passes.
pub(super) const LADDERS: &str = sample!("demo/ladders.json");

const ASSESS: &str = sample!("assess.json");
const NOTIFY: &str = sample!("notify.json");
const MONITOR: &str = sample!("monitor.json");

const CONFIG: &str = sample!("demo/huiyin.json");

/// What must stay the same from start to start.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Kept {
    began: Timestamp,
    port: u16,
}

/// The bureau's folder.
pub(super) struct Bureau {
    kit: Kit,
    folder: PathBuf,
    /// Beside the demo's folder: plugins never write below a host's data folder.
    outbox: PathBuf,
    /// The host's configuration.
    pub(super) config: PathBuf,
    /// When the demo was first started: the sample's times count from here.
    pub(super) began: Timestamp,
    port: u16,
}

impl Bureau {
    /// Opens the demo's folder, or makes it: it began then, or begins now.
    pub(super) fn open(folder: &Path, kit: Kit, now: Timestamp) -> Result<Bureau, Failure> {
        let bureau = folder.join("bureau");
        let kept = match std::fs::read(bureau.join("demo.json")) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Failure::invalid(format_args!(
                    "{}: {error}; delete it to begin anew",
                    bureau.join("demo.json").display()
                ))
            })?,
            Err(_) if folder.join("journal").exists() => {
                return Err(Failure::invalid(format_args!(
                    "{} is the data folder of a host that is not a demo; name another with --data",
                    folder.display()
                )));
            }
            Err(_) => Kept { began: now, port: 0 },
        };
        let config = bureau.join("demo").join("huiyin.json");
        Ok(Bureau { kit, folder: bureau, outbox: beside(folder), config, began: kept.began, port: kept.port })
    }

    /// Takes the port that the bureau's configuration names, so that what was under way finds it again.
    pub(super) async fn listen(&self) -> Result<TcpListener, Failure> {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        match huiyin_server::bind(address(self.port), false).await {
            Ok(listener) => Ok(listener),
            Err(_) if self.port != 0 => huiyin_server::bind(address(0), false).await.map_err(Failure::unreachable),
            Err(error) => Err(Failure::unreachable(error)),
        }
    }

    /// Writes what is not there yet; the configuration anew where the port had to change.
    pub(super) fn settle(self, listener: &TcpListener) -> Result<Bureau, Failure> {
        let port = listener.local_addr().map_err(Failure::unreachable)?.port();
        let settled = Bureau { port, ..self };
        settled
            .unpack()
            .map_err(|error| Failure::unreachable(format_args!("{}: {error}", settled.folder.display())))?;
        Ok(settled)
    }

    fn unpack(&self) -> std::io::Result<()> {
        for folder in ["policy", "demo/secrets"] {
            std::fs::create_dir_all(self.folder.join(folder))?;
        }
        std::fs::create_dir_all(&self.outbox)?;
        for (name, text) in &self.kit.files {
            let file = self.folder.join(name);
            if !file.exists() {
                write_whole(&file, text.as_bytes())?;
            }
        }
        let secret = self.folder.join("demo/secrets/hmac");
        if !secret.exists() {
            write_secret(&secret)?;
        }
        if !self.config_fits() {
            write_whole(&self.config, configuration(self.kit.config, self.port, &self.outbox).as_bytes())?;
        }
        let kept = serde_json::to_vec_pretty(&Kept { began: self.began, port: self.port })?;
        write_whole(&self.folder.join("demo.json"), &kept)
    }

    /// Whether the configuration is there and names the port and the folder that were had.
    fn config_fits(&self) -> bool {
        let (port, outbox) = (format!("127.0.0.1:{}/", self.port), quoted(&self.outbox));
        std::fs::read_to_string(&self.config).is_ok_and(|text| text.contains(&port) && text.contains(&outbox))
    }
}

fn write_secret(file: &Path) -> std::io::Result<()> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    huiyin_files::create_private(file, hex::encode(random).as_bytes())
}

/// `<folder>-outbox`.
fn beside(folder: &Path) -> PathBuf {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let folder = folder.canonicalize().unwrap_or(folder);
    let name = folder.file_name().map_or_else(|| "huiyin-demo".into(), |name| name.to_string_lossy().into_owned());
    folder.with_file_name(format!("{name}-outbox"))
}

/// A path as a JSON string.
fn quoted(path: &Path) -> String {
    serde_json::Value::from(path.display().to_string()).to_string()
}

/// The sample's configuration, with the port of the local server and the folder for files.
fn configuration(config: &str, port: u16, outbox: &Path) -> String {
    config.replace("{port}", &port.to_string()).replace("\"{outbox}\"", &quoted(outbox))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_configuration_names_is_unpacked() {
        for kit in [Kit::live(), Kit::story(POLICY.to_owned()), Kit::days()] {
            let config: serde_json::Value = serde_json::from_str(kit.config).unwrap();
            let workflows = config["workflows"].as_array().unwrap().iter().map(|workflow| &workflow["file"]);
            for file in workflows.chain([&config["policy"]]) {
                let name = file.as_str().unwrap().strip_prefix("../").unwrap();
                assert!(kit.files.iter().any(|(path, _)| *path == name), "{name}");
            }
        }
    }
}
