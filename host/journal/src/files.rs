//! Small files written whole: they are either there and complete, or not there.

use std::path::{Path, PathBuf};

use crate::JournalError;
use crate::disk::Disk;

/// Ending of files in the making; left over ones are removed at open.
pub(crate) const TEMPORARY: &str = ".tmp";

/// Writes `bytes` to `path` in `dir`: temporary name, sync, rename, sync of the folder.
pub(crate) fn write_new(disk: &dyn Disk, dir: &Path, path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    let temporary = PathBuf::from(name);
    match disk.remove(&temporary) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(JournalError::io("removing", &temporary, &e));
        }
        _ => {}
    }
    let file = disk.create(&temporary).map_err(|e| JournalError::io("making", &temporary, &e))?;
    file.write_at(bytes, 0).map_err(|e| JournalError::io("writing", &temporary, &e))?;
    file.sync_data().map_err(|e| JournalError::sync(&temporary, &e))?;
    disk.rename(&temporary, path).map_err(|e| JournalError::io("renaming", &temporary, &e))?;
    disk.sync_dir(dir).map_err(|e| JournalError::sync(dir, &e))
}

/// Makes a folder and those above it, all durable: a record is no more durable than its path.
pub(crate) fn make_dir(disk: &dyn Disk, dir: &Path) -> Result<(), JournalError> {
    let parent = |of: &Path| match of.parent() {
        Some(above) if above.as_os_str().is_empty() => Some(PathBuf::from(".")),
        above => above.map(Path::to_path_buf),
    };
    // The folder's own entry may be left unsynced by a killed process, hence always once.
    let mut to_sync: Vec<PathBuf> = parent(dir).into_iter().collect();
    while let Some(above) = to_sync.last().filter(|above| disk.list(above).is_err()).and_then(|above| parent(above)) {
        to_sync.push(above);
    }
    disk.create_dir(dir).map_err(|e| JournalError::io("making", dir, &e))?;
    to_sync.iter().try_for_each(|above| disk.sync_dir(above).map_err(|e| JournalError::sync(above, &e)))
}

/// Reads a whole file; none if it is not there.
pub(crate) fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    let file = match disk.open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(JournalError::io("opening", path, &e)),
    };
    file.read_all().map(Some).map_err(|e| JournalError::io("reading", path, &e))
}
