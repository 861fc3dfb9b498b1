//! Files that only their owner may read: read with a check, written whole or
//! not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a file that nobody else may read; none where there is no file.
///
/// # Errors
/// Why it cannot be trusted or read, in words that do not hold its name.
pub(super) fn read_private(path: &Path, most: u64) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    // Of the opened file, not of the name: nobody can change it in between.
    let meta = file.metadata().map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is not a plain file".to_owned());
    }
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("others may read it (mode {mode:o}); run `chmod 600 {}`", path.display()));
    }
    let me = rustix::process::geteuid();
    if !me.is_root() && meta.uid() != me.as_raw() {
        return Err("it belongs to another user; give it to the one who runs the host".to_owned());
    }
    if meta.len() > most {
        return Err(format!("it has {} bytes, at most {most} are read", meta.len()));
    }
    // One allocation, so that no copy is left behind by growth.
    let mut bytes = Zeroizing::new(Vec::with_capacity(meta.len() as usize + 1));
    file.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(Some(bytes))
}

/// Writes a file for its owner only: readers see the old or the new, also
/// after a power cut.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()
}

/// Makes a folder that only its owner may enter.
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
