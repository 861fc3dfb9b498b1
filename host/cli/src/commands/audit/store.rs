//! The log of a data folder, read without a host.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use huiyin_audit::{AuditError, CheckpointStore, SignerKey, SourceError, VerifierKey};
use huiyin_journal::{Journal, JournalError, LargePayloads, Options, SegmentJournal};

use crate::output::Failure;

/// The parts of a data folder that make up the log.
pub(super) struct Store {
    pub(super) journal: LargePayloads,
    pub(super) segments: Arc<SegmentJournal>,
    pub(super) folder: PathBuf,
}

/// Opens the journal of a data folder that no host is using.
pub(super) fn open(data: &Path) -> Result<Store, Failure> {
    let folder = data.join("journal");
    if !folder.join("segments").is_dir() {
        return Err(Failure::unreachable(format_args!("{} holds no journal", data.display())));
    }
    let journal = SegmentJournal::open(&folder, Options::default()).map_err(|error| match error {
        JournalError::Locked { .. } => Failure::unreachable(format_args!("{error}; stop the host first")),
        // What is damaged is what this command is asked to find.
        error => Failure::failed(error),
    })?;
    let segments = Arc::new(journal);
    Ok(Store { journal: LargePayloads::in_turn(segments.clone()), segments, folder: data.to_owned() })
}

impl Store {
    /// The log's key: as told, or the host's own.
    pub(super) fn keys(&self, told: &[VerifierKey]) -> Result<Vec<VerifierKey>, Failure> {
        if !told.is_empty() {
            return Ok(told.to_vec());
        }
        let file = self.key_file();
        let signer = SignerKey::load(&file)
            .map_err(|error| Failure::unreachable(format_args!("{error}; name the log's key with --key")))?;
        Ok(vec![signer.verifier().clone()])
    }

    /// Why the log does not count, where its files are gone.
    pub(super) fn lost(&self) -> Option<AuditError> {
        let (folder, records) = (self.folder.join("audit"), self.journal.size());
        huiyin_engine::ledger::lost(&folder, &self.key_file(), records).then_some(AuditError::Gone { folder, records })
    }

    pub(super) fn key_file(&self) -> PathBuf {
        self.folder.join("keys").join("checkpoint.key")
    }

    /// The checkpoints that were signed.
    pub(super) fn checkpoints(&self, keys: Vec<VerifierKey>) -> Result<CheckpointStore, Failure> {
        let origin = keys.first().map(|key| key.name().to_owned()).unwrap_or_default();
        CheckpointStore::read(&self.folder.join("audit"), &origin, keys).map_err(Failure::failed)
    }

    /// The leaves, as the audit crate asks for them.
    pub(super) fn leaves(&self) -> impl FnMut(u64, usize) -> Result<Vec<bytes::Bytes>, SourceError> + '_ {
        |from, most| self.journal.leaves(from, most).map_err(Into::into)
    }
}
