//! Files for their owner alone, written whole or not at all.
//!
//! **Invariant:** a secret is never read from a file that another user may read or change, and never written into one;
//! whoever reads a file sees the old content or the new, also after a power cut.
//!
//! Unix permission bits and the owner are what is looked at; access lists beyond them are not. The superuser may read
//! the files of every user, so the owner is not checked for it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

/// Why a file is not its owner's alone. The words do not hold its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exposed {
    /// It is a folder, a pipe, a device.
    #[error("it is not a plain file")]
    NotPlain,
    /// Its permission bits let others in.
    #[error("others may read it (mode {0:o}); run `chmod 600` on it, and replace what it holds if it was exposed")]
    Mode(u32),
    /// It is another user's, who may change it.
    #[error("it belongs to another user; give it to the one who runs the host")]
    Owner,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Others may have read or changed it.
    #[error("{0}")]
    Exposed(#[from] Exposed),
    /// It is larger than what is read, in bytes.
    #[error("it has {bytes} bytes, at most {most} are read")]
    TooLarge {
        /// What it has.
        bytes: u64,
        /// What is read.
        most: u64,
    },
}

/// The user id that this process acts with.
pub fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Checks a file's permission bits (those beyond `0o777` do not count) and its owner's user id.
///
/// # Errors
/// [`Exposed::Mode`], [`Exposed::Owner`]
pub fn check(mode: u32, owner: u32) -> Result<(), Exposed> {
    let mode = mode & 0o777;
    if mode & 0o077 != 0 {
        return Err(Exposed::Mode(mode));
    }
    let me = rustix::process::geteuid();
    if !me.is_root() && owner != me.as_raw() {
        return Err(Exposed::Owner);
    }
    Ok(())
}

/// Opens a file that is its owner's alone; none where there is no file.
///
/// # Errors
/// [`ReadError::Io`], [`ReadError::Exposed`]
pub fn open_private(path: &Path) -> Result<Option<File>, ReadError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Of the opened file, not of the name: nobody can change it in between.
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(Exposed::NotPlain.into());
    }
    check(meta.permissions().mode(), meta.uid())?;
    Ok(Some(file))
}

/// Reads a file that is its owner's alone; none where there is no file. The bytes are wiped when they are dropped.
///
/// # Errors
/// [`ReadError`]
pub fn read_private(path: &Path, most: u64) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
    let Some(file) = open_private(path)? else { return Ok(None) };
    let bytes = file.metadata()?.len();
    if bytes > most {
        return Err(ReadError::TooLarge { bytes, most });
    }
    // One allocation, so that no copy is left behind by growth.
    let mut read = Zeroizing::new(Vec::with_capacity(usize::try_from(bytes).unwrap_or_default() + 1));
    file.take(most).read_to_end(&mut read)?;
    Ok(Some(read))
}

/// Writes a file for its owner alone, in place of one that is there, durably.
///
/// # Errors
/// What the system says; the old file stands then.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, &[bytes], |fresh| std::fs::rename(fresh, path))
}

/// The same with content in several parts.
///
/// # Errors
/// What the system says; the old file stands then.
pub fn write_private_parts(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    put(path, parts, |fresh| std::fs::rename(fresh, path))
}

/// Makes a new file for its owner alone, durably: of several at once one succeeds.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where there is a file of this name, and what the system says.
pub fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link, unlike a rename, never takes another's place.
    put(path, &[bytes], |fresh| std::fs::hard_link(fresh, path).and_then(|()| std::fs::remove_file(fresh)))
}

/// Makes a folder that only its owner may enter (0700), and its parents; fine if it is there.
///
/// # Errors
/// What the system says.
pub fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a folder's entries (made, renamed, removed) durable.
///
/// # Errors
/// What the system says.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a file beside the wanted one, puts it there, and makes that durable.
fn put(path: &Path, parts: &[&[u8]], place: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let fresh = beside(path);
    let written = (|| {
        sweep(path);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        // Whatever the umask says.
        file.set_permissions(Permissions::from_mode(0o600))?;
        parts.iter().try_for_each(|part| file.write_all(part))?;
        file.sync_all()?;
        place(&fresh)
    })();
    if let Err(error) = written {
        let _ = std::fs::remove_file(&fresh);
        return Err(error);
    }
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => sync_folder(folder),
        None => sync_folder(Path::new(".")),
    }
}

/// Removes what processes that are no more left beside a file: it may hold what has been replaced since.
fn sweep(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else { return };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let found = entry.file_name();
        let left = found.to_str().and_then(|found| found.strip_prefix('.')?.strip_prefix(name)?.strip_prefix('.'));
        let number = left.and_then(|left| left.strip_suffix(".new")?.split_once('-')?.0.parse().ok());
        let process = number.and_then(rustix::process::Pid::from_raw);
        let gone = |process| rustix::process::test_kill_process(process) == Err(rustix::io::Errno::SRCH);
        if process.is_some_and(gone) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A name beside a file that nobody else writes at the same time: `.<name>.<process>-<count>.new`.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}-{}.new", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_written_is_its_owners_alone_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(read_private(&path, 10).unwrap().is_none());
        write_private(&path, b"old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        write_private_parts(&path, &[b"n", b"ew"]).unwrap();
        assert_eq!((mode(&path), read_private(&path, 10).unwrap().unwrap().as_slice()), (0o600, &b"new"[..]));
        assert!(matches!(read_private(&path, 2), Err(ReadError::TooLarge { bytes: 3, most: 2 })));
        assert_eq!(create_private(&path, b"other").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        create_private(&folder.path().join("second"), b"2").unwrap();
        assert_eq!(mode(&folder.path().join("second")), 0o600);
        // Nothing is left beside them, also of a process that was killed.
        let left = folder.path().join(".key.2147483646-0.new");
        std::fs::write(&left, "old").unwrap();
        write_private(&path, b"newer").unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_others_may_read_or_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_private(&path, b"x").unwrap();
        for exposed in [0o640, 0o604, 0o620, 0o601] {
            std::fs::set_permissions(&path, Permissions::from_mode(exposed)).unwrap();
            let refused = read_private(&path, 10);
            assert!(matches!(refused, Err(ReadError::Exposed(Exposed::Mode(mode))) if mode == exposed), "{exposed:o}");
        }
        let refused = read_private(folder.path(), 10);
        assert!(matches!(refused, Err(ReadError::Exposed(Exposed::NotPlain))));
        let me = rustix::process::geteuid();
        assert_eq!(check(0o100_600, me.as_raw()), Ok(()));
        let other = check(0o600, me.as_raw() + 1);
        assert_eq!(other, if me.is_root() { Ok(()) } else { Err(Exposed::Owner) });
    }

    #[test]
    fn many_writers_of_one_file_leave_one_of_their_contents() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::thread::scope(|scope| {
            for n in 0..4_u8 {
                let path = &path;
                scope.spawn(move || (0..20).for_each(|_| write_private(path, &[n; 9]).unwrap()));
            }
        });
        let read = read_private(&path, 9).unwrap().unwrap();
        assert!(read.iter().all(|byte| *byte == read[0]) && read.len() == 9);
        let once = folder.path().join("once");
        let made: Vec<bool> = std::thread::scope(|scope| {
            let path = &once;
            let all: Vec<_> = (0..4_u8).map(|n| scope.spawn(move || create_private(path, &[n]).is_ok())).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(made.into_iter().filter(|made| *made).count(), 1);
    }
}
