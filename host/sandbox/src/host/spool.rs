//! `spool`: files into the granted folder, whole or not at all.
//!
//! A file is written under a temporary name, synced, then linked to its own
//! name, which fails if there already is one: nothing is ever overwritten.
//! The folder is synced before the guest hears of success. Files and bytes
//! are counted before they are tried: a call cannot fill the disk.
//!
//! The folder is opened once for each file, and every step is taken from that
//! opened folder: a link that is put in its way meanwhile leads nowhere else.
//! Whether it lies below a folder of the host's own is asked of the opened
//! folder itself, upward, so that no link and no renaming hides it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};

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
    #[error("the granted folder lies below a folder where the host keeps files of its own")]
    HostsOwn,
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

/// The deepest folder that is followed up to the root.
const DEPTH: usize = 256;

/// Writes the file; the same bytes again change nothing. Nothing is written
/// where the folder is, or lies below, one of `keep_out`.
pub(crate) fn put(folder: &Path, keep_out: &[PathBuf], name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
    check_name(name).map_err(SpoolError::Name)?;
    let folder = File::open(folder)?;
    apart(&folder, keep_out)?;
    if let Some(same) = compare(&folder, name, bytes)? {
        return if same { Ok(()) } else { Err(SpoolError::Different) };
    }
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let temporary = format!(".huiyin-{}.tmp", hex::encode(random));
    let written = write_new(&folder, &temporary, bytes).and_then(|()| {
        rustix::fs::linkat(&folder, &temporary, &folder, name, AtFlags::empty()).map_err(io::Error::from)
    });
    let removed = rustix::fs::unlinkat(&folder, &temporary, AtFlags::empty());
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Somebody was faster: the same bytes are as good as ours.
            return match compare(&folder, name, bytes)? {
                Some(true) => Ok(()),
                _ => Err(SpoolError::Different),
            };
        }
        Err(error) => return Err(error.into()),
    }
    removed.map_err(io::Error::from)?;
    folder.sync_all()?;
    Ok(())
}

/// Refuses a folder that is, or lies below, one of the host's own, as the file system has it now.
fn apart(folder: &File, keep_out: &[PathBuf]) -> Result<(), SpoolError> {
    let same = |stat: &rustix::fs::Stat| (stat.st_dev, stat.st_ino);
    let mut own = Vec::with_capacity(keep_out.len());
    for path in keep_out {
        match rustix::fs::stat(path) {
            Ok(stat) => own.push(same(&stat)),
            // What is not there has nothing below it.
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
    if own.is_empty() {
        return Ok(());
    }
    let stat = rustix::fs::fstat(folder).map_err(io::Error::from)?;
    if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotADirectory).into());
    }
    let (mut here, mut at) = (same(&stat), folder.try_clone()?);
    for _ in 0..DEPTH {
        if own.contains(&here) {
            return Err(SpoolError::HostsOwn);
        }
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let up = rustix::fs::openat(&at, "..", flags, Mode::empty()).map_err(io::Error::from)?;
        let above = same(&rustix::fs::fstat(&up).map_err(io::Error::from)?);
        if above == here {
            return Ok(()); // the root is above itself
        }
        (here, at) = (above, File::from(up));
    }
    Err(SpoolError::HostsOwn)
}

fn write_new(folder: &File, name: &str, bytes: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
    let mut file = File::from(rustix::fs::openat(folder, name, flags, mode)?);
    file.write_all(bytes)?;
    file.sync_all()
}

/// Whether the file holds these bytes; none where there is no file. A link is no file.
fn compare(folder: &File, name: &str, bytes: &[u8]) -> io::Result<Option<bool>> {
    // A pipe of that name must not hold up whoever opens it.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        // A link, or a socket.
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => return Ok(Some(false)),
        Err(error) => return Err(error.into()),
    };
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() != bytes.len() as u64 {
        return Ok(Some(false));
    }
    let mut found = Vec::with_capacity(bytes.len());
    file.take(bytes.len() as u64 + 1).read_to_end(&mut found)?;
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
        let (written, keep_out) = (name.clone(), self.keep_out.clone());
        let done = tokio::task::spawn_blocking(move || put(&folder, &keep_out, &written, &bytes)).await;
        match done {
            Ok(Ok(())) => Ok(name),
            Ok(Err(SpoolError::Name(why))) => Err(wit::Error::InvalidName(why)),
            Ok(Err(error @ (SpoolError::Different | SpoolError::HostsOwn))) => Err(wit::Error::Io(error.to_string())),
            // The system's words may hold the folder's path; the kind does not.
            Ok(Err(SpoolError::Io(error))) => Err(wit::Error::Io(error.kind().to_string())),
            Err(_) => Err(wit::Error::Io("the host could not write".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_written_once_and_never_changed() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &[], "快报-1.md", b"one").unwrap();
        put(folder.path(), &[], "快报-1.md", b"one").unwrap();
        assert!(matches!(put(folder.path(), &[], "快报-1.md", b"two"), Err(SpoolError::Different)));
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
            assert!(matches!(put(folder.path(), &[], name, b""), Err(SpoolError::Name(_))), "{name:?} must be refused");
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
        assert!(matches!(put(&spool, &[], "a", b"one"), Err(SpoolError::Different)));
        assert!(matches!(put(&spool, &[], "a", b"two"), Err(SpoolError::Different)));
        assert_eq!(fs::read(&outside).unwrap(), b"one");
    }

    #[test]
    fn host_12_a_folder_below_the_hosts_own_is_refused_however_it_came_there() {
        let place = tempfile::tempdir().unwrap();
        let (own, apart) = (place.path().join("data"), place.path().join("apart"));
        fs::create_dir_all(own.join("new/deep")).unwrap();
        fs::create_dir(&apart).unwrap();
        let keep_out = [own.clone(), place.path().join("not-there")];
        let refused = |folder: &Path| matches!(put(folder, &keep_out, "a", b"x"), Err(SpoolError::HostsOwn));
        assert!(refused(&own) && refused(&own.join("new")) && refused(&own.join("new/deep")));
        put(&apart, &keep_out, "a", b"x").unwrap();
        // A link that is made after the grant was checked.
        let link = place.path().join("link");
        std::os::unix::fs::symlink(own.join("new"), &link).unwrap();
        assert!(refused(&link) && refused(&link.join("deep")));
        // A link in the middle of the path, and a folder that is moved there.
        std::os::unix::fs::symlink(&own, apart.join("way")).unwrap();
        assert!(refused(&apart.join("way/new/deep")));
        fs::create_dir(place.path().join("moved")).unwrap();
        put(&place.path().join("moved"), &keep_out, "a", b"x").unwrap();
        fs::rename(place.path().join("moved"), own.join("moved")).unwrap();
        assert!(refused(&own.join("moved")));
        // The host's own name for its folder may be a link, too.
        let alias = place.path().join("alias");
        std::os::unix::fs::symlink(&own, &alias).unwrap();
        assert!(matches!(put(&own.join("new"), &[alias], "a", b"x"), Err(SpoolError::HostsOwn)));
        let kept: Vec<_> = fs::read_dir(own.join("new")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(kept, ["deep"], "nothing was written");
    }
}
