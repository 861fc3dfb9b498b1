//! Secrets that the host uses for the plugin and never shows it. Not for pure
//! kinds. Natively [`testing::secret`](crate::testing::secret) provides them.

/// Why a secret could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not asked for in the manifest, or not granted by an admin.
    #[error("secret denied: {0}")]
    Denied(String),
    /// The host cannot do that with this secret.
    #[error("not supported for this secret: {0}")]
    Unsupported(String),
}

impl From<Error> for crate::Error {
    /// A missing grant is for an admin to mend: invalid configuration.
    fn from(error: Error) -> Self {
        Self::InvalidConfig(error.to_string())
    }
}

/// What [`hmac`] signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA-256 (RFC 2104, FIPS 180-4): 32 bytes.
    HmacSha256,
    /// HMAC-SHA-512: 64 bytes.
    HmacSha512,
}

/// A placeholder which the host replaces in the headers of granted requests, and in their query and body
/// where the grant of the secret says `also`; in a path never.
pub fn placeholder(name: &str) -> Result<String, Error> {
    imp::placeholder(name)
}

/// Signs `bytes` with the secret. Where the [`placeholder`] of this same secret stands within them, its
/// value is signed.
pub fn hmac(name: &str, algorithm: Algorithm, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    imp::hmac(name, algorithm, bytes)
}

/// Signs `bytes` with a key that is `prefix`, up to 64 bytes, followed by the secret.
pub fn hmac_after(prefix: &str, name: &str, algorithm: Algorithm, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    imp::hmac(&format!("{prefix}{}", placeholder(name)?), algorithm, bytes)
}

#[cfg(target_family = "wasm")]
mod imp {
    use super::{Algorithm, Error};
    use crate::bindings::host::huiyin::plugin::secrets as host;

    impl From<host::Error> for Error {
        fn from(error: host::Error) -> Self {
            match error {
                host::Error::Denied(what) => Self::Denied(what),
                host::Error::Unsupported(what) => Self::Unsupported(what),
            }
        }
    }

    pub(super) fn placeholder(name: &str) -> Result<String, Error> {
        Ok(host::placeholder(name)?)
    }

    pub(super) fn hmac(name: &str, algorithm: Algorithm, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let algorithm = match algorithm {
            Algorithm::HmacSha256 => host::Algorithm::HmacSha256,
            Algorithm::HmacSha512 => host::Algorithm::HmacSha512,
        };
        Ok(host::hmac(name, algorithm, bytes)?)
    }
}

#[cfg(not(target_family = "wasm"))]
mod imp {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::{Sha256, Sha512};

    use super::{Algorithm, Error};

    fn value(name: &str) -> Result<Vec<u8>, Error> {
        crate::testing::with(|fakes| fakes.secrets.get(name).cloned())
            .ok_or_else(|| Error::Denied(format!("the test provides no secret {name:?}")))
    }

    pub(super) fn placeholder(name: &str) -> Result<String, Error> {
        value(name).map(|_| format!("{{{{secret:{name}}}}}"))
    }

    pub(super) fn hmac(name: &str, algorithm: Algorithm, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let split = name.strip_suffix("}}").and_then(|rest| rest.split_once("{{secret:"));
        let (prefix, name) = split.unwrap_or(("", name));
        let secret = value(name)?;
        let key = [prefix.as_bytes(), &secret].concat();
        let bytes = &filled(bytes, placeholder(name)?.as_bytes(), &secret);
        match algorithm {
            Algorithm::HmacSha256 => mac::<Hmac<Sha256>>(&key, bytes),
            Algorithm::HmacSha512 => mac::<Hmac<Sha512>>(&key, bytes),
        }
    }

    fn filled(bytes: &[u8], token: &[u8], value: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix(token) {
                out.extend_from_slice(value);
                rest = after;
            } else {
                out.push(rest[0]);
                rest = &rest[1..];
            }
        }
        out
    }

    fn mac<M: Mac + KeyInit>(key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|why| Error::Unsupported(why.to_string()))?;
        mac.update(bytes);
        Ok(mac.finalize().into_bytes().to_vec())
    }
}
