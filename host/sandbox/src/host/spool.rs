//! `spool`: files into the granted folder, whole or not at all.
//!
//! A file is written under a temporary name, synced, then linked to its own
//! name, which fails if there already is one: nothing is ever overwritten.
//! The folder is synced before the guest hears of success. Files and bytes
//! are counted before they are tried: a call cannot fill the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use super::wit::huiyin::plugin::spool as wit;
use crate::effect::Guest;
use crate::egress::Refusal;
use crate::limits::{LimitHit, LimitName, Limits};

/// What one call has put so far.
#[derive(Debug)]
pub(crate) struct Spooled {
    files: u64,
    bytes: u64,
    most_files: u64,
    most_bytes: u64,
}

impl Spooled {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { files: 0, bytes: 0, most_files: limits.spool_files, most_bytes: limits.spool_bytes }
    }

    /// Counts one more file of this size, or says which limit it would pass.
    fn count(&mut self, size: u64) -> Result<(), LimitHit> {
        let hit = |limit, allowed, used| LimitHit { limit, allowed, used: Some(used) };
        let (files, bytes) = (self.files + 1, self.bytes.saturating_add(size));
        if files > self.most_files {
            return Err(hit(LimitName::SpoolFiles, self.most_files, files));
        }
        if bytes > self.most_bytes {
            return Err(hit(LimitName::SpoolBytes, self.most_bytes, bytes));
        }
        (self.files, self.bytes) = (files, bytes);
        Ok(())
    }
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    #[error("{0}")]
    Name(String),
    #[error("a file of that name with other content is already there")]
    Different,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A plain file name: no folder, no dot in front, nothing a shell or a file
/// system treats specially.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let fault = if name.is_empty() {
        "it is empty"
    } else if name.len() > 200 {
        "it is longer than 200 bytes"
    } else if name.starts_with('.') {
        "it begins with a dot"
    } else if name.contains(['/', '\\', ':']) {
        "it holds a separator"
    } else if name.chars().any(char::is_control) {
        "it holds a control character"
    } else if name.ends_with([' ', '.']) {
        "it ends with a space or a dot"
    } else {
        return Ok(());
    };
    Err(format!("`{}` is not a plain file name: {fault}", crate::error::shown(name)))
}

/// Writes the file; the same bytes again change nothing.
pub(crate) fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
    check_name(name).map_err(SpoolError::Name)?;
    let target = folder.join(name);
    if let Some(same) = compare(&target, bytes)? {
        return if same { Ok(()) } else { Err(SpoolError::Different) };
    }
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let temporary = folder.join(format!(".huiyin-{}.tmp", hex::encode(random)));
    let written = write_new(&temporary, bytes).and_then(|()| fs::hard_link(&temporary, &target));
    let removed = fs::remove_file(&temporary);
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Somebody was faster: the same bytes are as good as ours.
            return match compare(&target, bytes)? {
                Some(true) => Ok(()),
                _ => Err(SpoolError::Different),
            };
        }
        Err(error) => return Err(error.into()),
    }
    removed?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Whether the file holds these bytes; none where there is no file.
fn compare(path: &Path, bytes: &[u8]) -> io::Result<Option<bool>> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !meta.is_file() || meta.len() != bytes.len() as u64 {
        return Ok(Some(false));
    }
    let mut found = Vec::with_capacity(bytes.len());
    File::open(path)?.take(bytes.len() as u64 + 1).read_to_end(&mut found)?;
    Ok(Some(found == bytes))
}

impl wit::Host for Guest {
    async fn put(&mut self, name: String, bytes: Vec<u8>) -> Result<String, wit::Error> {
        let folder = match self.effective.spool() {
            Ok(folder) => folder,
            Err(denial) => {
                let text = denial.to_string();
                self.traffic.refuse(Refusal::Denied(denial));
                return Err(wit::Error::Denied(text));
            }
        };
        check_name(&name).map_err(wit::Error::InvalidName)?;
        if let Err(hit) = self.spooled.count(bytes.len() as u64) {
            self.traffic.refuse(Refusal::Limit(hit));
            return Err(wit::Error::TooLarge(hit.allowed));
        }
        self.traffic.touch();
        let written = name.clone();
        let done = tokio::task::spawn_blocking(move || put(&folder, &written, &bytes)).await;
        match done {
            Ok(Ok(())) => Ok(name),
            Ok(Err(SpoolError::Name(why))) => Err(wit::Error::InvalidName(why)),
            Ok(Err(error @ SpoolError::Different)) => Err(wit::Error::Io(error.to_string())),
            // The system's words may hold the folder's path; the kind does not.
            Ok(Err(SpoolError::Io(error))) => Err(wit::Error::Io(error.kind().to_string())),
            Err(_) => Err(wit::Error::Io("the host could not write".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_never_changed() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "快报-1.md", b"one").unwrap();
        put(folder.path(), "快报-1.md", b"one").unwrap();
        assert!(matches!(put(folder.path(), "快报-1.md", b"two"), Err(SpoolError::Different)));
        assert_eq!(fs::read(folder.path().join("快报-1.md")).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn only_plain_names_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "../a",
            "/etc/passwd",
            "a\\b",
            "a\0b",
            "a\nb",
            "c:x",
            "a ",
            "a.",
            &"x".repeat(201),
        ] {
            assert!(matches!(put(folder.path(), name, b""), Err(SpoolError::Name(_))), "{name:?} must be refused");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_folder_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        fs::write(&outside, b"one").unwrap();
        let spool = folder.path().join("spool");
        fs::create_dir(&spool).unwrap();
        std::os::unix::fs::symlink(&outside, spool.join("a")).unwrap();
        assert!(matches!(put(&spool, "a", b"one"), Err(SpoolError::Different)));
        assert!(matches!(put(&spool, "a", b"two"), Err(SpoolError::Different)));
        assert_eq!(fs::read(&outside).unwrap(), b"one");
    }
}
