//! Views: everything that is derived from the journal and may be lost at any time.
//!
//! **Invariant:** it may be deleted at any time, and a stored value is given back as it was put or not at all.
//!
//! Snapshots of partitions and indexes over records, kept in sled. The journal is the truth; this
//! is a cache that survives restarts. So there is one answer to every fault, found at open or
//! later: the folder is thrown away and comes up empty, and its owner derives everything anew.
//! What must never happen: a wrong answer, or a panic that reaches the caller. Nothing here knows
//! what the stored bytes mean.
//!
//! sled 0.34.7 is not trusted with either: flipped bytes make it panic, or hand back what was
//! never stored, and a store cut short opens as if it were whole. Therefore every value carries a
//! checksum, every write keeps a count and a sum over all entries that are compared at open, and
//! after a clean close a checksum of each file is compared before sled sees it.

mod guard;
mod seal;
mod store;

use std::path::PathBuf;

pub use store::{Batch, Options, Snapshot, Views};

/// What was found at open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// The views of the last time. If the process was killed or the power went, they may be as
    /// they were at an earlier moment: all batches up to one of them, none after it. So an owner
    /// keeps the place in the journal up to which it has derived something in the same batch.
    Existing,
    /// Nothing, or nothing that could be used: they are empty and must be derived anew.
    Rebuilt {
        /// Why.
        reason: String,
    },
}

/// What can go wrong with views.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewsError {
    /// Another process has them open.
    #[error("the views in {} are in use by another process", dir.display())]
    Locked {
        /// Their folder.
        dir: PathBuf,
    },
    /// The store can no longer be believed. Drop it and open it again: it comes up empty.
    #[error("the views can no longer be trusted ({why}); they must be opened again and derived anew")]
    Faulty {
        /// What was noticed.
        why: String,
    },
    /// Something is larger than its limit.
    #[error("{what} would have {size} bytes, the limit is {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The folder itself cannot be used.
    #[error("{doing} {}: {why}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

impl ViewsError {
    fn io(doing: &'static str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Io { doing, path: path.to_path_buf(), why: error.to_string() }
    }
}
