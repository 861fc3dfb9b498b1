//! What a person had done to the stored log itself. It changes nothing in the state.

use serde::{Deserialize, Serialize};

/// A damaged last group of records was given up, since nothing could bring it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRepaired {
    /// The segment's file, by its name.
    pub file: String,
    /// Where the group began in it, in bytes from the start.
    pub offset: u64,
    /// How many bytes were given up.
    pub bytes: u64,
    /// SHA-256 of them, hex.
    pub digest: String,
    /// The file in the journal's folder `given-up` that keeps them.
    pub kept: String,
    /// Why, in the words of who did it.
    pub reason: String,
}

/// The audit log was begun anew, since its files were gone: checkpoints from before are no longer
/// there to hold the log to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRenewed {
    /// How many records the journal had then.
    pub records: u64,
}
