//! What can go wrong with a log as a whole. Smaller things have their own errors in their modules.

use std::path::PathBuf;

use crate::checkpoint::CheckpointError;
use crate::hash::Hash;
use crate::keys::KeyError;
use crate::tree::TreeError;

/// An error of whoever supplies the leaves.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Why a log cannot be opened, signed or proved.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The tree cannot answer.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The signer's key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A checkpoint cannot be made or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A stored checkpoint cannot be used.
    #[error("{}: {source}; restore the file from a backup, or name the key that signed it as a known key", path.display())]
    Stored {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// The leaves no longer lead to a root that was signed.
    #[error(
        "the log was altered: its first {size} leaves lead to the root {computed}, but the checkpoint signed \
         at size {size} states {signed}; restore the journal from a backup and run `huiyin audit verify`"
    )]
    Altered {
        /// Size of the signed checkpoint.
        size: u64,
        /// Root that was signed.
        signed: Hash,
        /// Root the leaves lead to now.
        computed: Hash,
    },
    /// Leaves no longer have the hash the log holds of them, which a signed checkpoint covers.
    #[error(
        "the log was altered: leaves {first} to {last} hash to {computed}, but the log holds {expected}; \
         restore the journal from a backup and run `huiyin audit verify`"
    )]
    LeavesAltered {
        /// Index of the first leaf.
        first: u64,
        /// Index of the last leaf.
        last: u64,
        /// Hash the log holds of them.
        expected: Hash,
        /// Hash they have now.
        computed: Hash,
    },
    /// Leaves that were signed are gone.
    #[error(
        "the log was cut: a checkpoint was signed at size {signed}, but there are only {leaves} leaves; restore the journal from a backup"
    )]
    Shorter {
        /// Size of the signed checkpoint.
        signed: u64,
        /// Leaves there are.
        leaves: u64,
    },
    /// The log's files are gone.
    #[error(
        "{} holds no checkpoint, though the journal has {records} records and some were signed; restore the folder \
         from a backup, or give up what it proved and begin a new log with `huiyin serve --new-audit-log`",
        folder.display()
    )]
    Gone {
        /// The log's folder.
        folder: PathBuf,
        /// Records in the journal.
        records: u64,
    },
    /// Two checkpoints of the same size state different roots.
    #[error(
        "two checkpoints of size {size} were signed with different roots, {one} and {other}: two hosts may have used one key"
    )]
    Forked {
        /// Size of both.
        size: u64,
        /// Root of the one.
        one: Hash,
        /// Root of the other.
        other: Hash,
    },
    /// The leaf is not yet covered by a checkpoint.
    #[error("leaf {index} is not yet under a signed checkpoint (the last covers {signed} leaves); sign one first")]
    NotSigned {
        /// Index of the leaf.
        index: u64,
        /// Leaves covered.
        signed: u64,
    },
    /// There is no stored checkpoint of that size.
    #[error("no checkpoint of size {0} was signed; `huiyin audit verify` lists those that were")]
    NoCheckpoint(u64),
    /// The supplier of leaves failed.
    #[error("the leaves cannot be read: {0}")]
    Leaves(SourceError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An earlier write of a checkpoint failed.
    #[error(
        "an earlier checkpoint could not be written, so what is on disk is unknown; open the log again before signing"
    )]
    Stopped,
}
