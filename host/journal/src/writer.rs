//! The one thread that writes: takes what waits, seals it, writes one frame, syncs once, and only
//! then tells anybody. What arrives during a sync is the next group; for more it waits a moment, and
//! only where somebody is about to append ([`crate::coming`]).
//!
//! After any failure the queue is poisoned and the thread ends: what the disk holds is then
//! unknown, and only opening the journal again can tell.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::frame::{self, Run, SEGMENT_HEADER};
use crate::index::{FrameRef, Segment};
use crate::queue::Batch;
use crate::seal::record_nonce;
use crate::shared::Shared;
use crate::{JournalError, files};

/// Bytes of waiting payload that one group takes at most (a larger batch goes alone).
pub(crate) const GROUP_BYTES: u64 = 8 << 20;

/// What is written ahead of the records.
static ZEROS: [u8; 256 << 10] = [0; 256 << 10];

/// Where the writer stands.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) segment: Segment,
    /// Position of `segment` in the index.
    pub(crate) number: u32,
    pub(crate) offset: u64,
    /// Bytes reserved for the segment.
    pub(crate) capacity: u64,
    /// Up to where the segment's blocks have been written, with zeros at the least.
    pub(crate) written: u64,
    pub(crate) next_index: u64,
    /// Whether the segment holds a record: only then may a new one follow it, since segments are
    /// named by their first record.
    pub(crate) has_records: bool,
    /// Whether the last frame says that everything before it was durable.
    pub(crate) closed: bool,
    pub(crate) planted_no_sync: bool,
}

/// Poisons the queue when the thread ends by a panic, so that nobody waits for ever.
struct OnPanic(Arc<Shared>);

impl Drop for OnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue.poison("the writer stopped unexpectedly");
        }
    }
}

impl Writer {
    /// Runs until the queue is stopped and empty, or until a failure.
    pub(crate) fn run(mut self) {
        let _guard = OnPanic(self.shared.clone());
        while let Some(group) = self.shared.queue.take(GROUP_BYTES) {
            if !self.turn(group) {
                return;
            }
        }
        self.end();
    }

    /// Makes one group durable and tells who waits for it; false after a failure.
    pub(crate) fn turn(&mut self, group: Vec<Batch>) -> bool {
        match self.commit(&group) {
            Ok(()) => {
                self.shared.queue.done(group.iter().map(|b| b.bytes).sum());
                self.shared.size.send_replace(self.next_index);
                for batch in group {
                    // The appender may have gone away; the record stands all the same.
                    let _ = batch.reply.send(Ok(batch.appended));
                }
                true
            }
            Err(e) => {
                tracing::error!(error = %e, "the journal stops");
                // First the queue, so that nobody who hears of the failure can still get a place.
                self.shared.queue.poison(&e.to_string());
                for batch in group {
                    let _ = batch.reply.send(Err(e.clone()));
                }
                false
            }
        }
    }

    /// The last thing that a writer does which has not failed.
    pub(crate) fn end(mut self) {
        if let Err(e) = self.close() {
            tracing::warn!(error = %e, "the journal could not be closed cleanly; nothing acknowledged is lost");
        }
    }

    fn commit(&mut self, group: &[Batch]) -> Result<(), JournalError> {
        let mut records = Vec::new();
        let mut runs: Vec<Run> = Vec::new();
        for batch in group {
            let place = batch.appended;
            match runs.last_mut() {
                Some(run)
                    if run.partition == place.partition && run.first_seq + u64::from(run.count) == place.first_seq =>
                {
                    run.count += batch.records.len() as u32;
                }
                _ => runs.push(Run {
                    partition: place.partition,
                    first_seq: place.first_seq,
                    count: batch.records.len() as u32,
                }),
            }
            for (seq, prepared) in (place.first_seq..).zip(&batch.records) {
                let header = prepared.header_bytes(&self.shared.source, place.partition, seq)?;
                let sealed = prepared
                    .key
                    .seal(record_nonce(place.partition, seq), &header, &prepared.plain)
                    .map_err(|why| JournalError::Invalid { field: "payload", why })?;
                records.push((header, sealed));
            }
        }
        let count = records.len() as u64;
        let bytes = frame::encode(self.next_index, &runs, &records)
            .map_err(|why| JournalError::Invalid { field: "batch", why })?;
        // A key must never be younger on the disk than what it seals.
        self.shared.ring.flush()?;
        let offset = self.write(&bytes)?;
        let place = FrameRef { first_index: self.next_index, offset, len: bytes.len() as u32, segment: self.number };
        self.shared
            .index_mut()
            .add(place, &runs)
            .map_err(|why| JournalError::damaged(&self.segment.path, offset, why))?;
        self.shared.remember(self.next_index, records.into_iter().map(|(header, _)| Bytes::from(header)));
        self.next_index += count;
        self.closed = false;
        self.has_records = true;
        Ok(())
    }

    /// Writes and syncs one frame; where it lies.
    fn write(&mut self, bytes: &[u8]) -> Result<u64, JournalError> {
        let len = bytes.len() as u64;
        if self.offset + len > self.capacity {
            if self.has_records {
                self.rotate(SEGMENT_HEADER as u64 + len)?;
            } else {
                self.reserve(self.offset + len)?;
            }
        }
        let offset = self.offset;
        let path = &self.segment.path;
        self.segment.file.write_at(bytes, offset).map_err(|e| JournalError::io("writing", path, &e))?;
        let end = offset + len;
        if end > self.written {
            // The first write to a reserved block makes the file system note, and sync, that it is
            // in use. Zeros ahead of the records do that once for many groups, with this one's sync.
            let ahead = self.capacity.saturating_sub(end).min(ZEROS.len() as u64);
            let zeros = ZEROS.get(..ahead as usize).unwrap_or_default();
            self.segment.file.write_at(zeros, end).map_err(|e| JournalError::io("writing", path, &e))?;
            self.written = end + ahead;
        }
        if !self.planted_no_sync {
            self.segment.file.sync_data().map_err(|e| JournalError::sync(path, &e))?;
        }
        self.offset += len;
        Ok(offset)
    }

    fn reserve(&mut self, len: u64) -> Result<(), JournalError> {
        self.segment.file.allocate(len).map_err(|e| JournalError::io("growing", &self.segment.path, &e))?;
        self.capacity = len;
        Ok(())
    }

    fn rotate(&mut self, needed: u64) -> Result<(), JournalError> {
        // Only gives space back; if a power cut undoes it, the zeros behind do no harm.
        self.segment.file.set_len(self.offset).map_err(|e| JournalError::io("cutting", &self.segment.path, &e))?;
        self.capacity = needed.max(self.shared.segment_bytes);
        self.segment = create_segment(&self.shared, self.next_index, self.capacity)?;
        self.offset = SEGMENT_HEADER as u64;
        self.written = self.offset;
        self.has_records = false;
        let mut index = self.shared.index_mut();
        index.segments.push(self.segment.clone());
        self.number = index.segments.len() as u32 - 1;
        Ok(())
    }

    /// Leaves an empty frame, so that whatever is wrong before it at the next open is damage and no
    /// torn end, and gives the reserved space back.
    fn close(&mut self) -> Result<(), JournalError> {
        if !self.closed {
            // A ring that could not be written makes no clean end.
            self.shared.ring.flush()?;
            let bytes = frame::encode(self.next_index, &[], &[])
                .map_err(|why| JournalError::Invalid { field: "batch", why })?;
            // It belongs to the records before it, so it starts no new segment.
            self.capacity = self.capacity.max(self.offset + bytes.len() as u64);
            self.write(&bytes)?;
        }
        let path = &self.segment.path;
        self.segment.file.set_len(self.offset).map_err(|e| JournalError::io("cutting", path, &e))
    }
}

/// Makes a segment file for records from `first_index` on, durable under its name.
pub(crate) fn create_segment(shared: &Shared, first_index: u64, capacity: u64) -> Result<Segment, JournalError> {
    let path = segment_path(&shared.segments, first_index);
    let mut name = path.as_os_str().to_owned();
    name.push(files::TEMPORARY);
    let temporary = PathBuf::from(name);
    let disk = &*shared.disk;
    let file = disk.create(&temporary).map_err(|e| JournalError::io("making", &temporary, &e))?;
    file.allocate(capacity).map_err(|e| JournalError::io("growing", &temporary, &e))?;
    file.write_at(&frame::segment_header(first_index), 0).map_err(|e| JournalError::io("writing", &temporary, &e))?;
    file.sync_data().map_err(|e| JournalError::sync(&temporary, &e))?;
    disk.rename(&temporary, &path).map_err(|e| JournalError::io("renaming", &temporary, &e))?;
    disk.sync_dir(&shared.segments).map_err(|e| JournalError::sync(&shared.segments, &e))?;
    Ok(Segment { path, file: file.into() })
}

/// Whether a file of this name is a segment.
pub(crate) fn is_segment(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "seg")
}

/// `<dir>/<first index, 20 digits>.seg`.
pub(crate) fn segment_path(dir: &Path, first_index: u64) -> PathBuf {
    dir.join(format!("{first_index:020}.seg"))
}
