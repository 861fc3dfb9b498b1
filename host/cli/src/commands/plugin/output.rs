//! Where made packages go: a signed one is never overwritten.

use std::path::Path;

use huiyin_sandbox::signed::split;

use crate::folders::write_whole;
use crate::output::Failure;

/// The identity of a package that lies there, and whether somebody signed it.
pub(super) fn there(file: &Path) -> Option<(String, bool)> {
    let bytes = std::fs::read(file).ok()?;
    let parts = split(&bytes).ok()?;
    Some((parts.digest(), parts.signature.is_some()))
}

/// Writes a package into a folder, which is made where it is missing; false where the same one, signed or
/// not, lay there already.
///
/// # Errors
/// When a signed one of other content is there.
pub(super) fn keep(folder: &Path, name: &str, bytes: &[u8], digest: &str) -> Result<bool, Failure> {
    let file = folder.join(name);
    let cannot = |error: std::io::Error| Failure::failed(format_args!("{}: {error}", file.display()));
    match there(&file) {
        Some((same, _)) if same == digest => return Ok(false),
        Some((other, true)) => {
            return Err(Failure::failed(format_args!(
                "{} is signed and holds other content (sha256:{other}); a signed version never changes: raise its version, or move that file away",
                file.display()
            )));
        }
        _ => {}
    }
    std::fs::create_dir_all(folder).map_err(cannot)?;
    write_whole(&file, bytes).map_err(cannot)?;
    Ok(true)
}
