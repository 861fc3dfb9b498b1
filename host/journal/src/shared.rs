//! What the appenders, the writer and the readers of one open journal have in common.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use tokio::sync::watch;

use crate::disk::Disk;
use crate::index::Index;
use crate::queue::Queue;
use crate::ring::Ring;
use crate::unsettled::UnsettledList;
use crate::{BlobId, Upcasters};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) segments: PathBuf,
    pub(crate) blobs: PathBuf,
    pub(crate) source: String,
    pub(crate) segment_bytes: u64,
    pub(crate) max_payload: u64,
    pub(crate) max_batch: u64,
    pub(crate) max_blob: u64,
    pub(crate) ring: Ring,
    pub(crate) queue: Queue,
    pub(crate) size: watch::Sender<u64>,
    pub(crate) upcasters: Arc<Upcasters>,
    /// Blobs are written one at a time.
    pub(crate) blob_turn: Mutex<()>,
    /// Blobs that this journal has seen durable.
    pub(crate) confirmed: Mutex<HashSet<BlobId>>,
    /// Blobs whose records may not be durable.
    pub(crate) unsettled: Mutex<UnsettledList>,
    index: RwLock<Index>,
    recent: Mutex<Recent>,
}

/// The latest leaves, so that who follows the log need not read them back.
#[derive(Debug, Default)]
struct Recent {
    /// Tree index of the first.
    start: u64,
    leaves: VecDeque<Bytes>,
}

/// How many leaves are kept for those who follow: some MiB at the most.
const RECENT: usize = 8_192;

/// The parts of [`Shared`] that are plain settings.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) source: String,
    pub(crate) segment_bytes: u64,
    pub(crate) max_payload: u64,
    pub(crate) max_batch: u64,
    pub(crate) max_blob: u64,
    pub(crate) max_queued: u64,
    pub(crate) upcasters: Arc<Upcasters>,
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        dir: &std::path::Path,
        settings: Settings,
        ring: Ring,
        index: Index,
    ) -> Self {
        Self {
            disk,
            segments: dir.join("segments"),
            blobs: dir.join("blobs"),
            source: settings.source,
            segment_bytes: settings.segment_bytes,
            max_payload: settings.max_payload,
            max_batch: settings.max_batch,
            max_blob: settings.max_blob,
            ring,
            queue: Queue::new(settings.max_queued, index.size, index.last_seqs()),
            size: watch::Sender::new(index.size),
            upcasters: settings.upcasters,
            blob_turn: Mutex::new(()),
            confirmed: Mutex::default(),
            unsettled: Mutex::default(),
            index: RwLock::new(index),
            recent: Mutex::default(),
        }
    }

    /// Keeps the leaves of a frame that was just made durable.
    pub(crate) fn remember(&self, first_index: u64, leaves: impl Iterator<Item = Bytes>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.start + recent.leaves.len() as u64 != first_index {
            recent.leaves.clear();
            recent.start = first_index;
        }
        recent.leaves.extend(leaves);
        while recent.leaves.len() > RECENT {
            recent.leaves.pop_front();
            recent.start += 1;
        }
    }

    /// Leaves from an index on, if they are still remembered.
    pub(crate) fn remembered(&self, from: u64, max: usize) -> Option<Vec<Bytes>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = usize::try_from(from.checked_sub(recent.start)?).ok()?;
        (skip < recent.leaves.len()).then(|| recent.leaves.iter().skip(skip).take(max).cloned().collect())
    }

    /// The map; every change leaves it whole, so a panic elsewhere does not spoil it.
    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}
