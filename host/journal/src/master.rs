//! The master key file: one line, `huiyin-master-key-1 <64 hex digits>`, readable by its owner only.

use std::path::Path;

use huiyin_files::Exposed;
use zeroize::{Zeroize as _, Zeroizing};

use crate::JournalError;
use crate::disk::Disk;
use crate::files;
use crate::seal::{KEY_BYTES, random};

const LABEL: &str = "huiyin-master-key-1";

/// Reads the master key; makes it if it is missing and `may_create` (no key ring depends on it).
pub(crate) fn load(disk: &dyn Disk, path: &Path, may_create: bool) -> Result<Zeroizing<[u8; KEY_BYTES]>, JournalError> {
    let refuse = |why: String| JournalError::MasterKey { path: path.to_path_buf(), why };
    let Some(bytes) = files::read(disk, path)?.map(Zeroizing::new) else {
        if !may_create {
            return Err(refuse(
                "is missing; put the master key of this journal in place, without it nothing can be read".into(),
            ));
        }
        return create(disk, path);
    };
    let mode = disk.mode(path).map_err(|e| JournalError::io("reading the permissions of", path, &e))?;
    let owner = disk.owner(path).map_err(|e| JournalError::io("reading the owner of", path, &e))?;
    match huiyin_files::check(mode, owner) {
        Ok(()) => {}
        Err(Exposed::Mode(mode)) => {
            return Err(refuse(format!("others may use it (mode {mode:o}); run: chmod 600 {}", path.display())));
        }
        Err(why) => return Err(refuse(why.to_string())),
    }
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    match text.trim_end().split_once(' ') {
        Some((LABEL, digits)) if hex::decode_to_slice(digits, &mut *key).is_ok() => Ok(key),
        _ => Err(refuse(format!("is not of the form: {LABEL} <64 hex digits>; restore it from a backup"))),
    }
}

fn create(disk: &dyn Disk, path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, JournalError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    disk.create_dir(dir).map_err(|e| JournalError::io("making", dir, &e))?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    random(&mut *key)?;
    let mut digits = hex::encode(*key);
    let line = Zeroizing::new(format!("{LABEL} {digits}\n"));
    digits.zeroize();
    files::write_new(disk, dir, path, line.as_bytes())?;
    Ok(key)
}
