//! Where things lie: the data folder and what the command line knows of it,
//! the user's cache.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::output::Failure;

/// The data folder where none is named.
pub(crate) const DATA: &str = "huiyin-data";

/// A running host leaves this file in its data folder.
const HOST_FILE: &str = "host.json";

/// How a running host can be reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HostFile {
    /// The API's URL.
    pub(crate) url: String,
    /// The process.
    pub(crate) pid: u32,
    /// The program's version.
    pub(crate) version: String,
}

impl HostFile {
    /// Tells others how to reach this process; whole or not at all.
    pub(crate) fn write(data: &Path, url: &str) -> Result<(), Failure> {
        let host =
            HostFile { url: url.to_owned(), pid: std::process::id(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let text = serde_json::to_vec_pretty(&host).map_err(Failure::unreachable)?;
        write_whole(&data.join(HOST_FILE), &text)
            .map_err(|error| Failure::unreachable(format_args!("{}: {error}", data.join(HOST_FILE).display())))
    }

    /// What the host in that folder said; none where none runs.
    pub(crate) fn read(data: &Path) -> Option<HostFile> {
        serde_json::from_slice(&std::fs::read(data.join(HOST_FILE)).ok()?).ok()
    }

    /// Takes the file away at the end.
    pub(crate) fn remove(data: &Path) {
        let _ = std::fs::remove_file(data.join(HOST_FILE));
    }
}

/// A data folder that is there: a mistyped one is not made.
pub(crate) fn existing(data: &Path) -> Result<&Path, Failure> {
    if data.is_dir() {
        return Ok(data);
    }
    Err(Failure::invalid(format_args!("there is no data folder {}; name the host's with --data", data.display())))
}

/// Writes a file whole or not at all: readers see the old or the new.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let fresh = path.with_file_name(name);
    let written = std::fs::File::create(&fresh).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    written
}

/// The user's own cache for compiled code, where there is a home to keep it in.
pub(crate) fn user_cache() -> Option<PathBuf> {
    let given = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = given("XDG_CACHE_HOME").or_else(|| Some(given("HOME")?.join(".cache")))?;
    let folder = base.join("huiyin");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder)
}
