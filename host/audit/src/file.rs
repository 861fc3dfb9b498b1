//! The careful file operations of this crate: replacing a file whole, making a folder's entries last, and opening one
//! while too many are open.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long to wait for a file while too many are open.
const PATIENCE: Duration = Duration::from_secs(60);

/// Replaces `path` by `bytes` so that after a crash it holds either the old or the new, whole and durable.
pub(crate) fn replace_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = patiently(|| File::create(&temporary))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    patiently(|| File::open(folder))?.sync_all()
}

/// Opens a file; while the process or the system has too many open, once others were closed. That passes by itself,
/// and must not be taken for a log that cannot be written.
pub(crate) fn patiently<T>(mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let began = Instant::now();
    loop {
        match open() {
            Err(error) if too_many(&error) && began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

/// `EMFILE` or `ENFILE`; both have these numbers on every system this runs on.
fn too_many(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_open_files_pass_and_nothing_else_is_waited_for() {
        let mut tries = 0;
        let opened = patiently(|| {
            tries += 1;
            if tries < 3 { Err(io::Error::from_raw_os_error(24)) } else { Ok(tries) }
        });
        assert_eq!(opened.unwrap(), 3);
        let mut tries = 0;
        let refused = patiently(|| -> io::Result<()> {
            tries += 1;
            Err(io::ErrorKind::PermissionDenied.into())
        });
        assert!(refused.is_err());
        assert_eq!(tries, 1);
    }
}
