//! The SDK that this program carries: written out into a project, so that a plugin is built without a
//! registry of ours and without this repository.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::output::Failure;

/// Paths below `sdk/` and what lies there, sorted by path; and `Cargo.lock`, the versions the SDK was tested with.
pub(crate) fn files() -> &'static [(&'static str, &'static [u8])] {
    include!(concat!(env!("OUT_DIR"), "/sdk.rs"))
}

/// Where it lies in a project.
pub(crate) const FOLDER: &str = ".huiyin/sdk";

/// Says in that folder what was written there.
const MARK: &str = "VERSION";

/// What a project is given of it.
const PARTS: &[&str] = &["rust/", "js/", "python/", "wit/"];

/// The text of a file.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    let (_, bytes) = files().iter().find(|(path, _)| *path == name)?;
    std::str::from_utf8(bytes).ok()
}

/// Version and content: another program may carry another SDK of the same version.
fn mark() -> String {
    let mut hash = Sha256::new();
    for (name, bytes) in files() {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(Sha256::digest(bytes));
    }
    format!("{} {}\n", env!("CARGO_PKG_VERSION"), hex::encode(hash.finalize()))
}

/// Puts the SDK into a project, unless it lies there already; true where it was written.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn write_out(project: &Path) -> Result<bool, Failure> {
    let folder = project.join(FOLDER);
    let mark = mark();
    if std::fs::read_to_string(folder.join(MARK)).is_ok_and(|there| there == mark) {
        return Ok(false);
    }
    let fresh = project.join(format!("{FOLDER}.{}.tmp", std::process::id()));
    let cannot = |error: std::io::Error| Failure::failed(format_args!("{}: {error}", folder.display()));
    let written = write_parts(&fresh, &mark).and_then(|()| {
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::rename(&fresh, &folder)
    });
    if written.is_err() {
        let _ = std::fs::remove_dir_all(&fresh);
    }
    written.map_err(cannot)?;
    Ok(true)
}

fn write_parts(folder: &Path, mark: &str) -> std::io::Result<()> {
    for (name, bytes) in files() {
        if !PARTS.iter().any(|part| name.starts_with(part)) {
            continue;
        }
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&file, bytes)?;
    }
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(MARK), mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crate_stands_by_itself() {
        let manifest = text("rust/Cargo.toml").unwrap();
        assert!(!manifest.contains("workspace = true"), "{manifest}");
        assert!(manifest.contains("wit-bindgen = ") && manifest.contains("\nedition = \"2024\"\n"), "{manifest}");
        assert!(text("wit/0.1/plugin.wit").is_some());
    }

    #[test]
    fn it_is_written_whole_and_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_out(folder.path()).unwrap());
        assert!(!write_out(folder.path()).unwrap(), "it lies there already");
        let own = folder.path().join(FOLDER);
        assert!(own.join("rust/src/lib.rs").exists() && own.join("wit/0.1/plugin.wit").exists());
        assert!(!own.join("templates").exists());
        std::fs::write(own.join(MARK), "0.0.1 of another program\n").unwrap();
        std::fs::write(own.join("rust/src/stale.rs"), "").unwrap();
        assert!(write_out(folder.path()).unwrap());
        assert!(!own.join("rust/src/stale.rs").exists(), "nothing of another SDK stays");
    }
}
