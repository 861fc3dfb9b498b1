//! Compiled code on disk, so that a package is compiled once.
//!
//! An entry is a keyed hash and the code. The key lies beside the entries,
//! readable by the host's user alone; it guards against entries that were
//! damaged, cut short, or written by somebody who can write the folder but
//! not read the key. Any doubt means compiling again; nothing here can fail a
//! load.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use huiyin_files::ReadError;
use wasmtime::Engine;
use wasmtime::component::Component;
use zeroize::Zeroizing;

use crate::compile::compatibility;
use crate::precompiled::{self, Verified};

const KEY_FILE: &str = "key";
const TAG: usize = 32;

/// The folder of compiled code.
pub(crate) struct Cache {
    folder: PathBuf,
    key: Zeroizing<[u8; 32]>,
}

impl Cache {
    /// Opens or makes the folder and its key.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let file = folder.join(KEY_FILE);
        let key = match read_key(&file)? {
            Some(key) => key,
            None => make_key(&file)?,
        };
        Ok(Self { folder: folder.to_owned(), key })
    }

    /// The compiled component, if a sound entry for this engine is there.
    pub(crate) fn get(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = entry_name(engine, digest);
        let bytes = fs::read(self.folder.join(&name)).ok()?;
        let (tag, code) = bytes.split_at_checked(TAG)?;
        let mut mac = self.mac(&name)?;
        mac.update(code);
        if mac.verify_slice(tag).is_err() {
            tracing::warn!(entry = name, "a cached component was changed; it is compiled again");
            return None;
        }
        precompiled::read(engine, &Verified::after_check(code))
    }

    /// Keeps a compiled component; failing to only costs time later.
    pub(crate) fn put(&self, engine: &Engine, digest: &str, code: &[u8]) {
        let name = entry_name(engine, digest);
        let keep = || {
            let mut mac = self.mac(&name).ok_or_else(|| io::Error::other("the key has the wrong length"))?;
            mac.update(code);
            let tag = mac.finalize().into_bytes();
            huiyin_files::write_private_parts(&self.folder.join(&name), &[&tag, code])
        };
        if let Err(error) = keep() {
            tracing::warn!(%error, "compiled code could not be kept");
        }
    }

    fn mac(&self, name: &str) -> Option<Hmac<sha2::Sha256>> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(self.key.as_slice()).ok()?;
        // The name is part of it: an entry cannot be passed off as another.
        mac.update(name.as_bytes());
        mac.update(&[0]);
        Some(mac)
    }
}

/// `<digest>-<what the engine says of its compatibility>.cwasm`.
fn entry_name(engine: &Engine, digest: &str) -> String {
    format!("{digest}-{}.cwasm", compatibility(engine))
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}

/// The key, if there is one that nobody else could have read or replaced.
fn read_key(path: &Path) -> io::Result<Option<Zeroizing<[u8; 32]>>> {
    let bytes = match huiyin_files::read_private(path, 32) {
        Ok(Some(bytes)) if bytes.len() == 32 => bytes,
        Ok(_) | Err(ReadError::TooLarge { .. }) => return Ok(None),
        Err(ReadError::Exposed(why)) => {
            tracing::warn!(%why, "the cache's key was not the host's alone; a new one is made");
            return Ok(None);
        }
        Err(ReadError::Io(error)) => return Err(error),
    };
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&bytes);
    Ok(Some(key))
}

/// A new key in place of any other. Old entries become foreign.
fn make_key(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    let key = Zeroizing::new(random::<32>()?);
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match huiyin_files::create_private(path, key.as_slice()) {
        Ok(()) => Ok(key),
        // Another process was faster; take its key.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_key(path)?.ok_or(error),
        Err(error) => Err(error),
    }
}
