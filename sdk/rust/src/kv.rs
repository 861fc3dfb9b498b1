//! The plugin's own state, per plugin and unit: writes commit with the call's
//! result, or not at all. Not for pure kinds. Natively a map that lives as
//! long as the test's thread.

/// Why state could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not asked for in the manifest, or not granted.
    #[error("kv denied: {0}")]
    Denied(String),
    /// The plugin's state would pass this many bytes.
    #[error("kv quota: at most {0} bytes are allowed")]
    Quota(u64),
    /// The value is not the expected one any more.
    #[error("kv conflict: the value was changed meanwhile")]
    Conflict,
}

/// The value under a key.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    imp::get(key)
}

/// Sets the value (none: removes it) if it still is `expected` (none: absent).
pub fn compare_and_set(key: &str, expected: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), Error> {
    imp::compare_and_set(key, expected, value)
}

#[cfg(target_family = "wasm")]
mod imp {
    use super::Error;
    use crate::bindings::host::huiyin::plugin::kv as host;

    impl From<host::Error> for Error {
        fn from(error: host::Error) -> Self {
            match error {
                host::Error::Denied(what) => Self::Denied(what),
                host::Error::Quota(bytes) => Self::Quota(bytes),
                host::Error::Conflict => Self::Conflict,
            }
        }
    }

    pub(super) fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(host::get(key)?)
    }

    pub(super) fn compare_and_set(key: &str, expected: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), Error> {
        Ok(host::compare_and_set(key, expected, value)?)
    }
}

#[cfg(not(target_family = "wasm"))]
mod imp {
    use super::Error;

    #[allow(clippy::unnecessary_wraps, reason = "the host's side can fail")]
    pub(super) fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(crate::testing::with(|fakes| fakes.kv.get(key).cloned()))
    }

    pub(super) fn compare_and_set(key: &str, expected: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), Error> {
        crate::testing::with(|fakes| {
            if fakes.kv.get(key).map(Vec::as_slice) != expected {
                return Err(Error::Conflict);
            }
            match value {
                Some(value) => fakes.kv.insert(key.to_owned(), value.to_owned()),
                None => fakes.kv.remove(key),
            };
            Ok(())
        })
    }
}
