//! A journal that outlives the hosts on it, and ends where it is told to: as
//! after a crash, what was durable stays and nothing more is taken.
//!
//! An append is kept whole or not at all (the journal's own promise), so the
//! places where a journal can end are those between two appends: each record
//! that is the last of its append.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use huiyin_journal::{
    AppendFuture, BlobId, Draft, Journal, JournalError, MemoryJournal, Options, RecordIter, SegmentJournal, Unsettled,
};
use tokio::sync::watch;

/// Where the host is to crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// After this many appends.
    pub after: u64,
    /// Whether what the last of them let out got out before the crash: an
    /// effect was tried and its outcome is lost, an answer was given. Else
    /// the host dies with the record on the disk and nothing said.
    pub seen: bool,
}

impl std::fmt::Display for Crash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let when = if self.seen { "after what it let out" } else { "before anything got out" };
        write!(f, "a crash at append {}, {when}", self.after)
    }
}

#[derive(Default)]
struct Plan {
    appends: u64,
    crash: Option<Crash>,
    crashed: bool,
}

/// The journal of one scenario.
pub struct Store {
    journal: Mutex<Arc<dyn Journal>>,
    folder: Option<PathBuf>,
    plan: Arc<Mutex<Plan>>,
}

impl Store {
    /// In memory.
    pub fn in_memory(crash: Option<Crash>) -> Store {
        Store::on(Arc::new(MemoryJournal::new()), None, crash)
    }

    /// In segment files.
    ///
    /// # Errors
    /// When they cannot be opened.
    pub fn on_disk(folder: PathBuf, crash: Option<Crash>) -> Result<Store, JournalError> {
        let journal = SegmentJournal::open(&folder, Options::default())?;
        Ok(Store::on(Arc::new(journal), Some(folder), crash))
    }

    fn on(journal: Arc<dyn Journal>, folder: Option<PathBuf>, crash: Option<Crash>) -> Store {
        let plan = Plan { crash, ..Plan::default() };
        Store { journal: Mutex::new(journal), folder, plan: Arc::new(Mutex::new(plan)) }
    }

    /// Plans a crash, instead of any that was still to come.
    pub fn crash(&self, crash: Crash) {
        lock(&self.plan).crash = Some(crash);
    }

    /// What a host is given: the journal until the crash.
    pub fn lend(&self) -> Arc<dyn Journal> {
        Arc::new(Lent { journal: self.journal(), plan: Arc::clone(&self.plan) })
    }

    /// The journal itself.
    pub fn journal(&self) -> Arc<dyn Journal> {
        Arc::clone(&lock(&self.journal))
    }

    /// True once the crash has come; until [`Store::reopen`].
    pub fn crashed(&self) -> bool {
        lock(&self.plan).crashed
    }

    /// True while a crash is still to come.
    pub fn awaits_crash(&self) -> bool {
        lock(&self.plan).crash.is_some()
    }

    /// Appends so far.
    pub fn appends(&self) -> u64 {
        lock(&self.plan).appends
    }

    /// After the crash, and after its host is gone: what was durable is there
    /// for the next one.
    ///
    /// # Errors
    /// When it cannot be opened again.
    pub fn reopen(&self) -> Result<(), JournalError> {
        if let Some(folder) = &self.folder {
            // The lock of the old one must go first.
            let mut journal = lock(&self.journal);
            *journal = Arc::new(MemoryJournal::new());
            *journal = Arc::new(SegmentJournal::open(folder, Options::default())?);
        }
        let mut plan = lock(&self.plan);
        plan.crash = None;
        plan.crashed = false;
        Ok(())
    }
}

impl Store {
    /// [`Store::reopen`], if the crash came.
    ///
    /// # Errors
    /// When it cannot be opened again.
    pub fn reopen_if_crashed(&self) -> Result<(), JournalError> {
        if self.crashed() { self.reopen() } else { Ok(()) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Lent {
    journal: Arc<dyn Journal>,
    plan: Arc<Mutex<Plan>>,
}

fn gone() -> JournalError {
    JournalError::Poisoned { cause: "the crash of the scenario".to_owned() }
}

impl Journal for Lent {
    fn append(&self, partition: u32, expected_seq: u64, batch: Vec<Draft>) -> AppendFuture {
        let mut plan = lock(&self.plan);
        if plan.crashed {
            return Box::pin(std::future::ready(Err(gone())));
        }
        if plan.crash.is_some_and(|crash| crash.seen && plan.appends == crash.after) {
            plan.crashed = true;
            return Box::pin(std::future::ready(Err(gone())));
        }
        plan.appends += 1;
        let kept = self.journal.append(partition, expected_seq, batch);
        if plan.crash.is_some_and(|crash| !crash.seen && plan.appends == crash.after) {
            plan.crashed = true;
            return Box::pin(async move { kept.await.and(Err(gone())) });
        }
        kept
    }

    fn read(&self, partition: u32, from_seq: u64) -> Result<RecordIter, JournalError> {
        self.journal.read(partition, from_seq)
    }

    fn read_all(&self, from_index: u64) -> Result<RecordIter, JournalError> {
        self.journal.read_all(from_index)
    }

    fn last_seq(&self, partition: u32) -> u64 {
        self.journal.last_seq(partition)
    }

    fn size(&self) -> u64 {
        self.journal.size()
    }

    fn put_blob(&self, key: &str, bytes: &[u8]) -> Result<BlobId, JournalError> {
        if lock(&self.plan).crashed {
            return Err(gone());
        }
        self.journal.put_blob(key, bytes)
    }

    fn get_blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, JournalError> {
        self.journal.get_blob(id)
    }

    fn unsettled_blobs(&self) -> Result<Option<Unsettled>, JournalError> {
        self.journal.unsettled_blobs()
    }

    fn settle_blobs(&self, blobs: &[BlobId]) -> Result<(), JournalError> {
        self.journal.settle_blobs(blobs)
    }

    fn remove_blob(&self, id: &BlobId) -> Result<(), JournalError> {
        self.journal.remove_blob(id)
    }

    fn destroy_key(&self, key: &str) -> Result<(), JournalError> {
        if lock(&self.plan).crashed {
            return Err(gone());
        }
        self.journal.destroy_key(key)
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.journal.watch()
    }

    fn leaves(&self, from_index: u64, max: usize) -> Result<Vec<Bytes>, JournalError> {
        self.journal.leaves(from_index, max)
    }
}
