//! What the appenders, the writer and the readers of one open journal have in common.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use crate::Upcasters;
use crate::disk::Disk;
use crate::index::Index;
use crate::queue::Queue;
use crate::ring::Ring;

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
    index: RwLock<Index>,
}

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
            index: RwLock::new(index),
        }
    }

    /// The map; every change leaves it whole, so a panic elsewhere does not spoil it.
    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}
