//! Small files written whole: they are either there and complete, or not there.

use std::path::{Path, PathBuf};

use crate::JournalError;
use crate::disk::Disk;

/// Ending of files in the making; left over ones are removed at open.
pub(crate) const TEMPORARY: &str = ".tmp";

/// Writes `bytes` to `path` in `dir`: temporary name, sync, rename, sync of the folder.
pub(crate) fn write_new(
    disk: &dyn Disk,
    dir: &Path,
    path: &Path,
    bytes: &[u8],
) -> Result<(), JournalError> {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    let temporary = PathBuf::from(name);
    match disk.remove(&temporary) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(JournalError::io("removing", &temporary, &e));
        }
        _ => {}
    }
    let file = disk
        .create(&temporary)
        .map_err(|e| JournalError::io("making", &temporary, &e))?;
    file.write_at(bytes, 0)
        .map_err(|e| JournalError::io("writing", &temporary, &e))?;
    file.sync_data()
        .map_err(|e| JournalError::sync(&temporary, &e))?;
    disk.rename(&temporary, path)
        .map_err(|e| JournalError::io("renaming", &temporary, &e))?;
    disk.sync_dir(dir).map_err(|e| JournalError::sync(dir, &e))
}

/// Reads a whole file; none if it is not there.
pub(crate) fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    let file = match disk.open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(JournalError::io("opening", path, &e)),
    };
    file.read_all()
        .map(Some)
        .map_err(|e| JournalError::io("reading", path, &e))
}
