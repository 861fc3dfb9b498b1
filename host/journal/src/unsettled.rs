//! The list of blobs whose records may not be durable, so that a crash leaves no blob for ever
//! that no record names.
//!
//! One file, `blobs/unsettled`, with a line for each blob, durable before the blob itself: the size
//! of the tree at that moment (20 digits), the blob's id, and the CRC of both. Once the records that
//! name them are durable, all of them, the file is emptied. A blob on the list may well be named by
//! a record, though by none before its index; a blob that is not on the list was named.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::disk::DiskFile;
use crate::shared::Shared;
use crate::{BlobId, JournalError, files};

/// Blobs of which nobody has said that a durable record names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// No record before this index of the tree names them.
    pub from_index: u64,
    /// The blobs.
    pub blobs: Vec<BlobId>,
}

/// The list, and what of its file is known.
#[derive(Debug, Default)]
pub(crate) struct UnsettledList {
    /// None until the file was found or made.
    file: Option<Box<dyn DiskFile>>,
    /// Whether it was looked for.
    read: bool,
    len: u64,
    /// Each with the size of the tree when it was put.
    blobs: BTreeMap<BlobId, u64>,
}

impl UnsettledList {
    /// Reads what an earlier host left.
    fn read(&mut self, shared: &Shared) -> Result<(), JournalError> {
        if self.read {
            return Ok(());
        }
        let path = path(shared);
        if let Some(bytes) = files::read(&*shared.disk, &path)? {
            // Lines that a power cut tore name blobs that were never begun, or that are settled.
            let lines = String::from_utf8_lossy(&bytes);
            for (id, index) in lines.lines().filter_map(entry) {
                let known = self.blobs.entry(id).or_insert(index);
                *known = index.min(*known);
            }
            self.len = bytes.len() as u64;
            self.file = Some(shared.disk.open(&path).map_err(|e| JournalError::io("opening", &path, &e))?);
        }
        self.read = true;
        Ok(())
    }

    /// Puts a blob on the list, durably.
    pub(crate) fn add(&mut self, shared: &Shared, id: &BlobId) -> Result<(), JournalError> {
        self.read(shared)?;
        if self.blobs.contains_key(id) {
            return Ok(());
        }
        let path = path(shared);
        let fresh = self.file.is_none();
        let file = match &self.file {
            Some(file) => file,
            None => {
                let file = shared.disk.create(&path).map_err(|e| JournalError::io("making", &path, &e))?;
                self.file.insert(file)
            }
        };
        let index = shared.index().size;
        let line = line(id, index);
        file.write_at(line.as_bytes(), self.len).map_err(|e| JournalError::io("writing", &path, &e))?;
        file.sync_data().map_err(|e| JournalError::sync(&path, &e))?;
        if fresh {
            shared.disk.sync_dir(&shared.blobs).map_err(|e| JournalError::sync(&shared.blobs, &e))?;
        }
        self.len += line.len() as u64;
        self.blobs.insert(id.clone(), index);
        Ok(())
    }

    /// What is on the list.
    pub(crate) fn found(&mut self, shared: &Shared) -> Result<Option<Unsettled>, JournalError> {
        self.read(shared)?;
        let first = self.blobs.values().min().copied();
        Ok(first.map(|from_index| Unsettled { from_index, blobs: self.blobs.keys().cloned().collect() }))
    }

    /// Takes blobs off the list; the file is emptied with the last of them.
    pub(crate) fn settle(&mut self, shared: &Shared, blobs: &[BlobId]) -> Result<(), JournalError> {
        self.read(shared)?;
        for id in blobs {
            self.blobs.remove(id);
        }
        if self.blobs.is_empty()
            && self.len > 0
            && let Some(file) = &self.file
        {
            let path = path(shared);
            // If a power cut undoes it, blobs are looked for that are named: no harm.
            file.set_len(0).map_err(|e| JournalError::io("emptying", &path, &e))?;
            self.len = 0;
        }
        Ok(())
    }
}

fn path(shared: &Shared) -> PathBuf {
    shared.blobs.join("unsettled")
}

fn line(id: &BlobId, index: u64) -> String {
    let said = format!("{index:020} {id}");
    format!("{said} {:08x}\n", crc32c::crc32c(said.as_bytes()))
}

/// What a whole line says. A torn one might join the index of one blob and the id of another.
fn entry(text: &str) -> Option<(BlobId, u64)> {
    let (index, rest) = text.split_once(' ')?;
    let (id, _) = rest.split_once(' ')?;
    let (id, index) = (id.parse().ok()?, index.parse().ok()?);
    line(&id, index).strip_suffix('\n').filter(|whole| *whole == text).map(|_| (id, index))
}
