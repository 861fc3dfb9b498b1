//! The journal: the append-only log from which everything else in Huiyin is derived.
//!
//! **Invariant:** what was answered as appended is read back, byte for byte and in its order, until its key is destroyed.
//!
//! It keeps records in partitions, in one order for all (the audit tree's), seals payloads under
//! destroyable keys, and answers an append only when its bytes are durable. It knows nothing of
//! runs, cases or the audit tree, and it never changes or drops a record: redaction destroys a key,
//! not a leaf. The bytes on disk are described in `docs/reference/formats.md`.

mod blob;
mod coming;
mod disk;
mod error;
#[cfg(feature = "faults")]
pub mod faults;
mod files;
mod frame;
mod index;
mod large;
mod master;
mod memory;
mod outline;
mod prepare;
mod queue;
mod read;
mod record;
mod ring;
mod scan;
mod seal;
mod shared;
mod store;
mod unsettled;
mod upcast;
mod writer;

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use tokio::sync::watch;

pub use blob::BlobId;
pub use coming::Coming;
pub use disk::{Disk, DiskFile, DiskLock, LockFailure, RealDisk};
pub use error::JournalError;
pub use large::{BlobRef, LargePayloads, OUTLINE_BYTES, references};
pub use memory::MemoryJournal;
pub use record::{Appended, Draft, Header, Payload, Record, SALT_BYTES, commitment};
pub use store::{GivenUp, Options, SegmentJournal};
pub use unsettled::Unsettled;
pub use upcast::{Upcast, Upcasters};

/// Resolves when the batch is durable, or with the reason why it will never be.
pub type AppendFuture = Pin<Box<dyn Future<Output = Result<Appended, JournalError>> + Send>>;

/// Records one after the other; ends after the first error.
pub type RecordIter = Box<dyn Iterator<Item = Result<Record, JournalError>> + Send>;

/// An append-only log in partitions.
///
/// `append` never waits; everything else may wait for the disk, so call it off an async worker when
/// there is much to read.
pub trait Journal: Send + Sync {
    /// Appends a batch behind record `expected_seq` of the partition (0: it is empty).
    ///
    /// The batch takes its place when this is called, so the order of calls is the order of the
    /// records; it is either kept whole or not at all. The future resolves when it is durable. A
    /// dropped future takes nothing back. [`JournalError::Behind`], [`JournalError::Busy`],
    /// [`JournalError::Invalid`] and [`JournalError::TooLarge`] mean that no place was taken; any
    /// other error means that the journal stopped and the batch may or may not be found when it is
    /// opened again.
    fn append(&self, partition: u32, expected_seq: u64, batch: Vec<Draft>) -> AppendFuture;

    /// Until it is dropped somebody is about to append: what is appended meanwhile may wait a
    /// millisecond, so that both become durable at once. A journal may make nothing of it.
    fn coming(&self) -> Coming {
        Coming::default()
    }

    /// Durable records of a partition from `from_seq` on, up to the last one at the time of the call.
    fn read(&self, partition: u32, from_seq: u64) -> Result<RecordIter, JournalError>;

    /// Durable records of all partitions from `from_index` on, in tree order.
    fn read_all(&self, from_index: u64) -> Result<RecordIter, JournalError>;

    /// The last sequence number given out in a partition, durable or not yet; 0 if there is none.
    /// This is what the next append must expect.
    fn last_seq(&self, partition: u32) -> u64;

    /// The number of durable records: the size of the audit tree.
    fn size(&self) -> u64;

    /// Stores large content under the named data key; durable on return. Blocks for the disk.
    fn put_blob(&self, key: &str, bytes: &[u8]) -> Result<BlobId, JournalError>;

    /// Reads a blob; `None` if its data key was destroyed.
    fn get_blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, JournalError>;

    /// Blobs that were put, and of which nobody has said that their records are durable: after a
    /// crash, those that no record may name. None if there are none.
    fn unsettled_blobs(&self) -> Result<Option<Unsettled>, JournalError>;

    /// The records that name these blobs are durable, or the blobs are gone. Blocks for the disk.
    fn settle_blobs(&self, blobs: &[BlobId]) -> Result<(), JournalError>;

    /// Removes a blob that no record names; fine if it is not there. Blocks for the disk.
    fn remove_blob(&self, id: &BlobId) -> Result<(), JournalError>;

    /// Destroys the named data key for good: payloads and blobs under it read as redacted from now
    /// on, leaves and commitments stay. A later append under the same name gets a new key. Fine if
    /// there is no such key. Durable on return; blocks for the disk.
    fn destroy_key(&self, key: &str) -> Result<(), JournalError>;

    /// The durable size, as it grows.
    fn watch(&self) -> watch::Receiver<u64>;

    /// At most `max` leaves of the audit tree from `from_index` on.
    fn leaves(&self, from_index: u64, max: usize) -> Result<Vec<Bytes>, JournalError>;
}
