//! Blobs: large content beside the records, one file each, sealed under the same data keys.
//!
//! The name is a keyed hash of the content, so equal content under one key is stored once, and
//! nobody without the key can tell by a name what is inside. A blob is durable when `put` returns.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::disk::Disk;
use crate::prepare::size;
use crate::record::{SALT_BYTES, check_key};
use crate::ring::{Found, lock};
use crate::seal::{self, NONCE_BYTES};
use crate::shared::Shared;
use crate::{JournalError, files};

const MAGIC: &[u8; 8] = b"\xF7HYBLOB\x01";
const CRC: usize = 4;

/// Name of a blob: 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId([u8; 32]);

impl BlobId {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for BlobId {
    type Err = JournalError;

    fn from_str(text: &str) -> Result<Self, JournalError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|e| JournalError::Invalid {
            field: "blob id",
            why: format!("{text:?} is not 64 hex digits: {e}"),
        })?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for BlobId {
    type Error = JournalError;

    fn try_from(text: String) -> Result<Self, JournalError> {
        text.parse()
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> Self {
        id.to_string()
    }
}

/// Stores a blob; on return it and its key are durable.
pub(crate) fn put(shared: &Shared, key: &str, content: &[u8]) -> Result<BlobId, JournalError> {
    size("a blob", content.len(), shared.max_blob)?;
    check_key(key)?;
    let key = shared.ring.for_sealing(key)?;
    let _turn = lock(&shared.blob_turn);
    // Before anything under the key: even a blob that nobody names must be destroyable.
    shared.ring.flush()?;
    let id = BlobId(key.content_id(content));
    let (dir, path) = place(shared, &id);
    let disk = &*shared.disk;
    if let Some(bytes) = files::read(disk, &path)?
        && bytes_fit(&bytes)
    {
        if lock(&shared.confirmed).contains(&id) {
            return Ok(id);
        }
        // It may have been left by a killed process in the system's cache only.
        let file = disk.open(&path).map_err(|e| JournalError::io("opening", &path, &e))?;
        file.sync_data().map_err(|e| JournalError::sync(&path, &e))?;
        sync_dirs(disk, shared, &dir)?;
        confirmed(shared, &id);
        return Ok(id);
    }
    // Before the blob: what no record comes to name must be found again.
    lock(&shared.unsettled).add(shared, &id)?;
    disk.create_dir(&dir).map_err(|e| JournalError::io("making", &dir, &e))?;
    let mut bytes = Vec::with_capacity(content.len() + 256);
    bytes.extend_from_slice(MAGIC);
    bytes.push(key.id.len() as u8);
    bytes.extend_from_slice(key.id.as_bytes());
    bytes.extend_from_slice(&id.0);
    let plain = seal::pack(&[0; SALT_BYTES], content);
    let sealed = key.seal(nonce(&id), &bytes, &plain).map_err(|why| JournalError::Invalid { field: "blob", why })?;
    bytes.extend_from_slice(&sealed);
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_be_bytes());
    files::write_new(disk, &dir, &path, &bytes)?;
    sync_dirs(disk, shared, &dir)?;
    confirmed(shared, &id);
    Ok(id)
}

/// Blobs that need no further sync are remembered up to this many.
const CONFIRMED: usize = 4_096;

fn confirmed(shared: &Shared, id: &BlobId) {
    let mut confirmed = lock(&shared.confirmed);
    if confirmed.len() >= CONFIRMED {
        confirmed.clear();
    }
    confirmed.insert(id.clone());
}

/// Removes a blob, and what is left of one that was being written.
pub(crate) fn remove(shared: &Shared, id: &BlobId) -> Result<(), JournalError> {
    let (dir, path) = place(shared, id);
    let _turn = lock(&shared.blob_turn);
    lock(&shared.confirmed).remove(id);
    let disk = &*shared.disk;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(files::TEMPORARY);
    for path in [path, temporary.into()] {
        match disk.remove(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(JournalError::io("removing", &path, &e)),
            _ => {}
        }
    }
    match disk.sync_dir(&dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(JournalError::sync(&dir, &e)),
        _ => Ok(()),
    }
}

/// Reads a blob; none if its key was destroyed.
pub(crate) fn get(shared: &Shared, id: &BlobId) -> Result<Option<Vec<u8>>, JournalError> {
    let (_, path) = place(shared, id);
    let bytes = files::read(&*shared.disk, &path)?.ok_or_else(|| JournalError::BlobMissing { id: id.to_string() })?;
    let damaged = |at: usize, why: &str| {
        JournalError::damaged(&path, at as u64, format!("{why}; restore the file from a backup"))
    };
    if !bytes_fit(&bytes) {
        return Err(damaged(0, "the blob's checksum does not fit"));
    }
    let bytes = &bytes[..bytes.len() - CRC];
    let name_len = usize::from(bytes.get(8).copied().unwrap_or(0));
    let (Some(name), Some(stored_id), Some(sealed)) =
        (bytes.get(9..9 + name_len), bytes.get(9 + name_len..41 + name_len), bytes.get(41 + name_len..))
    else {
        return Err(damaged(8, "the blob is cut short"));
    };
    let name = std::str::from_utf8(name).map_err(|_| damaged(9, "the key's name is no text"))?;
    if stored_id != id.0 {
        return Err(damaged(9 + name_len, "another blob lies under this name"));
    }
    let Found::Live(key) = shared.ring.find(name)? else {
        return Ok(None);
    };
    let plain = key.open(nonce(id), &bytes[..41 + name_len], sealed).map_err(|why| damaged(41 + name_len, &why))?;
    let (_, content) = seal::unpack(&plain, u64::from(u32::MAX)).map_err(|why| damaged(41 + name_len, &why))?;
    if key.content_id(&content) != id.0 {
        return Err(damaged(41 + name_len, "the content does not have this name"));
    }
    Ok(Some(content))
}

fn bytes_fit(bytes: &[u8]) -> bool {
    bytes
        .split_last_chunk::<CRC>()
        .is_some_and(|(body, crc)| body.starts_with(MAGIC) && crc32c::crc32c(body) == u32::from_be_bytes(*crc))
}

/// A name is used for one content only, so its first bytes serve as nonce.
fn nonce(id: &BlobId) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce.copy_from_slice(&id.0[..NONCE_BYTES]);
    nonce
}

fn place(shared: &Shared, id: &BlobId) -> (PathBuf, PathBuf) {
    let name = id.to_string();
    let dir = shared.blobs.join(&name[..2]);
    let path = dir.join(&name);
    (dir, path)
}

fn sync_dirs(disk: &dyn Disk, shared: &Shared, dir: &std::path::Path) -> Result<(), JournalError> {
    for dir in [dir, &shared.blobs] {
        disk.sync_dir(dir).map_err(|e| JournalError::sync(dir, &e))?;
    }
    Ok(())
}
