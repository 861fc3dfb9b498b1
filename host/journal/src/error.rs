//! What can go wrong in the journal, said so that a person knows where and what to do.
//!
//! Errors are `Clone`, since one failed sync is the answer to every append of its group.

use std::io;
use std::path::{Path, PathBuf};

/// Every failure of a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has the journal open.
    #[error("the journal in {} is in use by {}; stop that process, or use another --data folder", dir.display(), match pid { Some(p) => format!("process {p}"), None => "another process".into() })]
    Locked {
        /// The journal's folder.
        dir: PathBuf,
        /// The process that holds the lock, if it left its id.
        pid: Option<u32>,
    },
    /// The disk is full.
    #[error("no space left on the disk while writing {}; free some space, then start again: nothing acknowledged is lost", file.display())]
    Full {
        /// The file that could not grow.
        file: PathBuf,
    },
    /// The system lets a file grow no further.
    #[error("{} may not grow any further: the process has a limit on the size of files (`ulimit -f`, systemd's LimitFSIZE); raise it, then start again: nothing acknowledged is lost", file.display())]
    FileLimit {
        /// The file that could not grow.
        file: PathBuf,
    },
    /// Stored bytes are not what was written.
    #[error("{} is damaged at byte {offset}: {why}", file.display())]
    Damaged {
        /// The damaged file.
        file: PathBuf,
        /// Where in it (bytes from the start).
        offset: u64,
        /// What does not fit, and how to go on.
        why: String,
    },
    /// The disk did not confirm that bytes are durable.
    #[error("the disk did not confirm {}: {why}; the journal takes nothing more until it is opened again", file.display())]
    SyncFailed {
        /// The file whose sync failed.
        file: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The writer's view of a partition is stale: somebody else appended.
    #[error("partition {partition} is at record {found}, not {expected}: this owner is stale and must reload")]
    Behind {
        /// The partition.
        partition: u32,
        /// The last sequence number the caller believed in.
        expected: u64,
        /// The last sequence number there is.
        found: u64,
    },
    /// The journal lost records that a signed checkpoint covers.
    #[error(
        "the journal holds {found} records, but a signed checkpoint covers {expected}: records are missing; restore the newest backup"
    )]
    ShorterThanCheckpoint {
        /// Tree size of the last signed checkpoint.
        expected: u64,
        /// Tree size found on disk.
        found: u64,
    },
    /// Something is larger than its limit.
    #[error("{what} has {size} bytes, the limit is {limit}; put large content into a blob")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A record's data key is not in the key ring, and was not destroyed there either.
    #[error("data key {key} is not in the key ring; restore keys/ring from the backup that belongs to this journal")]
    KeyMissing {
        /// Id of the data key.
        key: String,
    },
    /// The master key file cannot be used.
    #[error("master key file {}: {why}", path.display())]
    MasterKey {
        /// The file.
        path: PathBuf,
        /// What is wrong and how to mend it.
        why: String,
    },
    /// An earlier failure stopped this journal.
    #[error("the journal stopped after a failure ({cause}); open it again")]
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// Too many bytes wait for the disk. No place was taken; try again later.
    #[error("{queued} bytes wait for the disk, the limit is {limit}; try again shortly")]
    Busy {
        /// Bytes waiting, this append included.
        queued: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A draft's field is not acceptable.
    #[error("{field}: {why}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A blob is not there.
    #[error("blob {id} is not in the store; restore it from a backup")]
    BlobMissing {
        /// The blob's id.
        id: String,
    },
    /// The values of a record that lie in blobs cannot be had.
    #[error("record {record}: {why}")]
    Outlined {
        /// The record's id.
        record: String,
        /// What is wrong, with its place.
        why: String,
    },
    /// An old record could not be brought to its newest version.
    #[error("record type {kind} could not be brought up to date: {why}")]
    Upcast {
        /// The record type at which the chain stopped.
        kind: String,
        /// What the upcaster said.
        why: String,
    },
    /// Any other failure of the system.
    #[error("{doing} {}: {why}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

impl JournalError {
    /// An error of the system while `doing` something to `path`.
    pub(crate) fn io(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { file: path.to_path_buf() },
            io::ErrorKind::FileTooLarge => Self::FileLimit { file: path.to_path_buf() },
            _ => Self::Io { doing, path: path.to_path_buf(), why: error.to_string() },
        }
    }

    /// A failed sync of `path`.
    pub(crate) fn sync(path: &Path, error: &io::Error) -> Self {
        Self::SyncFailed { file: path.to_path_buf(), why: error.to_string() }
    }

    /// Damage at a place.
    pub(crate) fn damaged(file: &Path, offset: u64, why: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_path_buf(), offset, why: why.into() }
    }
}
