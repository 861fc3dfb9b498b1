//! Where everything is kept: the journal, the views, the ledger and the keys of a data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use huiyin_files::ReadError;
use huiyin_journal::{Journal, LargePayloads, MemoryJournal, SegmentJournal};
use huiyin_partition::partition::Snapshot;
use huiyin_partition::value_limits::{CEILING, ValueLimits};
use huiyin_records::state::State;
use huiyin_views::Views;

use super::error::io_error;
use super::{Options, StartError};
use crate::config::HostConfig;
use crate::keeper::Keeper;
use crate::ledger::{Ledger, lost};

/// Where everything is kept.
pub(super) struct Store {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) views: Option<Arc<Views>>,
    pub(super) ledger: Option<Arc<Ledger>>,
    pub(super) data: Option<PathBuf>,
    pub(super) content_key: [u8; 32],
    /// The audit log was gone, and was begun anew as told: with so many records there already.
    pub(super) renewed: Option<u64>,
}

/// Bytes that the journal may have queued: more than all partitions together
/// ever hand it, since each holds itself back ([`crate::shell`]).
pub(super) const QUEUED: u64 = 16 << 30;

/// The most partitions that a host may have.
const MAX_PARTITIONS: u32 = 1024;

impl Store {
    pub(super) fn open(options: &Options) -> Result<Store, StartError> {
        let Some(data) = &options.data else {
            let journal = options.store.clone().unwrap_or_else(|| Arc::new(MemoryJournal::new()));
            return Ok(Store {
                journal: Arc::new(LargePayloads::in_turn(journal)),
                views: None,
                ledger: None,
                data: None,
                content_key: random_key(),
                renewed: None,
            });
        };
        std::fs::create_dir_all(data).map_err(|error| io_error(data, error))?;
        let journal = SegmentJournal::open(
            data.join("journal"),
            huiyin_journal::Options {
                max_queued_bytes: QUEUED,
                max_blob_bytes: ValueLimits::of(CEILING).record(),
                ..options.journal.clone()
            },
        )?;
        let origin = journal.source().replace(':', "/");
        let journal = LargePayloads::new(Arc::new(journal))
            .map_err(|error| StartError::Io { path: "a thread of the journal".to_owned(), error })?;
        // Before anything is appended: what a crash left between a blob and its record.
        let swept = journal.sweep()?;
        if swept > 0 {
            tracing::info!(blobs = swept, "removed blobs that no record names");
        }
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let folder = data.join("views");
        let views = Keeper::open(move || Views::open(folder, VIEWS_SCHEMA))
            .map_err(|error| StartError::Io { path: "a thread of the views".to_owned(), error })??;
        let (folder, key) = (data.join("audit"), data.join("keys").join("checkpoint.key"));
        let renewed = Some(journal.size()).filter(|records| options.new_audit_log && lost(&folder, &key, *records));
        if let Some(records) = renewed {
            tracing::warn!(records, "the audit log is gone and is begun anew, as told; what it proved is given up");
        }
        let (ledger, opened) = Ledger::open(&folder, &key, &origin, Arc::clone(&journal), renewed.is_some())?;
        tracing::info!(?opened, "audit log");
        Ok(Store {
            journal,
            views,
            ledger: Some(Arc::new(ledger)),
            data: Some(data.clone()),
            content_key: content_key(data)?,
            renewed,
        })
    }

    /// How many partitions there are: those that have records, what was written down beside them, or
    /// more where asked. The file alone is not believed: a folder that was restored may be without it,
    /// and what lives in a partition beyond the count would be gone, its clocks with it.
    pub(super) fn partitions(&self, config: &HostConfig) -> Result<u32, StartError> {
        let asked = config.partitions;
        if asked.is_some_and(|asked| !(1..=MAX_PARTITIONS).contains(&asked)) {
            let asked = asked.unwrap_or_default();
            return Err(StartError::Config(vec![format!("/partitions: {asked} is not from 1 to {MAX_PARTITIONS}")]));
        }
        let standing = (0..MAX_PARTITIONS).rev().find(|at| self.journal.last_seq(*at) > 0).map_or(0, |last| last + 1);
        let usual = || std::thread::available_parallelism().map_or(1, |n| n.get() as u32).clamp(1, MAX_PARTITIONS);
        let fresh = |known: u32| asked.unwrap_or_else(|| if known == 0 { usual() } else { known });
        let Some(data) = &self.data else { return Ok(standing.max(fresh(standing))) };
        let file = data.join("partitions");
        let noted: u32 = match std::fs::read_to_string(&file) {
            Ok(text) => text.trim().parse::<u32>().ok().filter(|noted| *noted <= MAX_PARTITIONS).ok_or_else(|| {
                let what =
                    format!("not a number up to {MAX_PARTITIONS}; remove it, and the host finds out by its records");
                StartError::Config(vec![format!("{}: {what}", file.display())])
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(io_error(&file, error)),
        };
        let known = noted.max(standing);
        let count = known.max(fresh(known));
        if count != noted {
            huiyin_files::write_private(&file, format!("{count}\n").as_bytes())
                .map_err(|error| io_error(&file, error))?;
        }
        Ok(count)
    }

    /// A partition's state, and the last record in the snapshot it was taken from.
    pub(super) fn load(&self, partition: u32) -> Result<(State, u64), StartError> {
        let snapshot = self
            .views
            .as_ref()
            .and_then(|views| views.snapshot(partition).ok().flatten())
            .map(|kept| Snapshot { seq: kept.seq, digest: hex::encode(kept.digest), bytes: kept.bytes });
        super::load::load(self.journal.as_ref(), partition, snapshot.as_ref())
    }
}

pub(super) fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    key[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    key
}

/// The key of content hashes: made once, kept with the data, read by its owner only.
pub(super) fn content_key(data: &Path) -> Result<[u8; 32], StartError> {
    let folder = data.join("keys");
    std::fs::create_dir_all(&folder).map_err(|error| io_error(&folder, error))?;
    let file = folder.join("content.key");
    match huiyin_files::read_private(&file, 32) {
        Ok(Some(bytes)) if bytes.len() == 32 => {
            let mut key = [0; 32];
            key.copy_from_slice(&bytes);
            Ok(key)
        }
        Ok(None) => {
            let key = random_key();
            huiyin_files::write_private(&file, &key).map_err(|error| io_error(&file, error))?;
            Ok(key)
        }
        Ok(Some(_)) | Err(ReadError::TooLarge { .. }) => {
            let why = format!("{}: not a key of 32 bytes; restore it from a backup", file.display());
            Err(StartError::Config(vec![why]))
        }
        Err(ReadError::Exposed(why)) => Err(StartError::Config(vec![format!("{}: {why}", file.display())])),
        Err(ReadError::Io(error)) => Err(io_error(&file, error)),
    }
}

/// Raised whenever [`State`]'s stored form changes: older snapshots are then
/// made anew from the journal.
pub const VIEWS_SCHEMA: u32 = 7;
