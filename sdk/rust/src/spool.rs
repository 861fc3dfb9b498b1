//! Files written into the granted folder, whole or not at all. Not for pure
//! kinds. Natively they land in [`testing::files`](crate::testing::files).

/// Why a file was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not asked for in the manifest, not granted, or there with other bytes.
    #[error("spool denied: {0}")]
    Denied(String),
    /// The name would leave the folder, or is none a file can have.
    #[error("not a name for a file: {0}")]
    InvalidName(String),
    /// The file is larger than this many bytes allow.
    #[error("file too large: at most {0} bytes are allowed")]
    TooLarge(u64),
    /// The disk failed or is full.
    #[error("the file could not be written: {0}")]
    Io(String),
}

impl From<Error> for crate::Error {
    /// `put` writes whole files or nothing, so an I/O failure is not done.
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(_) => Self::InvalidConfig(error.to_string()),
            Error::InvalidName(_) | Error::TooLarge(_) => Self::InvalidInput(error.to_string()),
            Error::Io(_) => Self::Transient(error.to_string()),
        }
    }
}

/// Writes one file and gives its path within the folder. The same name with
/// the same bytes again succeeds and changes nothing; with other bytes it is
/// refused.
pub fn put(name: &str, bytes: &[u8]) -> Result<String, Error> {
    imp::put(name, bytes)
}

#[cfg(target_family = "wasm")]
mod imp {
    use super::Error;
    use crate::bindings::host::huiyin::plugin::spool as host;

    pub(super) fn put(name: &str, bytes: &[u8]) -> Result<String, Error> {
        host::put(name, bytes).map_err(|error| match error {
            host::Error::Denied(what) => Error::Denied(what),
            host::Error::InvalidName(what) => Error::InvalidName(what),
            host::Error::TooLarge(bytes) => Error::TooLarge(bytes),
            host::Error::Io(what) => Error::Io(what),
        })
    }
}

#[cfg(not(target_family = "wasm"))]
mod imp {
    use super::Error;

    pub(super) fn put(name: &str, bytes: &[u8]) -> Result<String, Error> {
        if name.is_empty() || name.contains(['/', '\\', '\0']) || name == "." || name == ".." {
            return Err(Error::InvalidName(name.to_owned()));
        }
        crate::testing::with(|fakes| match fakes.files.get(name) {
            Some(there) if there != bytes => Err(Error::Denied(format!("{name} is there with other bytes"))),
            _ => {
                fakes.files.insert(name.to_owned(), bytes.to_owned());
                Ok(name.to_owned())
            }
        })
    }
}
