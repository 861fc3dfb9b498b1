//! The audit tree kept in step with the log: takes in what became durable,
//! signs a checkpoint each second there was something new, and one at stop.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use huiyin_audit::{AuditError, InclusionProof, Log, Opened, SignedCheckpoint, SignerKey};
use huiyin_journal::Journal;
use tokio_util::sync::CancellationToken;

/// How often a checkpoint is signed while there is something new.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// How soon new leaves are hashed: little at a time, while the journal still
/// has them in memory. Many at a stretch would hold a core for milliseconds,
/// and whoever waits for it: the system takes a core from nobody sooner.
const FOLLOW_EVERY: Duration = Duration::from_millis(2);

/// Leaves hashed at a stretch; then other tasks have the thread.
const PIECE: usize = 64;

/// Full tiles written at a stretch, as soon as they are full: written all together at the checkpoint,
/// those of a busy second would hold a core for milliseconds, too.
const TILES: usize = 2;

/// Leaves behind the journal from which they are looked for beside the loop:
/// they may have to be read from the disk.
const FAR: u64 = 4_096;

/// The verifiable log over a journal.
pub struct Ledger {
    journal: Arc<dyn Journal>,
    log: Mutex<Log>,
    /// Beside the log, which whoever writes it holds while the disk takes its time.
    latest: RwLock<Option<SignedCheckpoint>>,
    verifier: String,
    /// Says that a checkpoint was signed; none once it is there.
    mark: Mutex<Option<PathBuf>>,
}

/// What became of a short look at what is new.
enum Followed {
    /// Everything durable is in.
    All,
    /// There is more.
    More,
    /// Too much for a short look, or somebody else is at the log.
    NotNow,
}

impl Ledger {
    /// Opens the log in `folder` and holds the journal to what was signed. `anew` begins one where
    /// there was one that is gone.
    ///
    /// # Errors
    /// When the journal's records are not those that were signed, or the log is gone.
    pub fn open(
        folder: &Path,
        key: &Path,
        origin: &str,
        journal: Arc<dyn Journal>,
        anew: bool,
    ) -> Result<(Ledger, Opened), AuditError> {
        let records = journal.size();
        if !anew && lost(folder, key, records) {
            return Err(AuditError::Gone { folder: folder.to_owned(), records });
        }
        let signer = SignerKey::load_or_create(key, origin)?;
        let source = Arc::clone(&journal);
        let (log, opened) = Log::open(folder, signer, &[], &mut leaves(&source))?;
        let latest = RwLock::new(log.checkpoints().latest().cloned());
        let verifier = log.verifier().to_string();
        let mark = Some(signed_before(key)).filter(|mark| !mark.exists());
        Ok((Ledger { journal, log: Mutex::new(log), latest, verifier, mark: Mutex::new(mark) }, opened))
    }

    /// Takes in what became durable and signs a checkpoint, if there is anything new.
    ///
    /// # Errors
    /// When the log cannot be read or the checkpoint cannot be written.
    pub fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, AuditError> {
        let mut log = self.log();
        let size = self.journal.size();
        let signed = log.checkpoints().latest().map(|c| c.checkpoint.size);
        if size == 0 || signed == Some(size) {
            return Ok(None);
        }
        log.catch_up(&mut leaves(&self.journal))?;
        let signed = log.checkpoint(&mut leaves(&self.journal))?;
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(signed.clone());
        let mut mark = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = mark.as_ref() {
            huiyin_files::write_private(path, b"").map_err(|source| AuditError::Io { path: path.clone(), source })?;
            *mark = None;
        }
        Ok(Some(signed))
    }

    /// Takes in all that became durable, signing nothing.
    fn follow(&self) -> Result<(), AuditError> {
        self.log().catch_up(&mut leaves(&self.journal)).map(drop)
    }

    /// Takes in a little of what became durable. Short enough for an async task.
    fn follow_a_little(&self) -> Result<Followed, AuditError> {
        let Ok(mut log) = self.log.try_lock() else { return Ok(Followed::NotNow) };
        let behind = self.journal.size().saturating_sub(log.size());
        if behind > FAR {
            return Ok(Followed::NotNow);
        }
        if behind > 0 {
            let new = leaves(&self.journal)(log.size(), PIECE).map_err(AuditError::Leaves)?;
            log.append(new);
        }
        Ok(if behind > PIECE as u64 { Followed::More } else { Followed::All })
    }

    /// The latest signed checkpoint. Waits for nobody who is at the log.
    pub fn latest(&self) -> Option<SignedCheckpoint> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key that verifies this log, as text to publish.
    pub fn verifier(&self) -> String {
        self.verifier.clone()
    }

    /// A proof that a record is in the log, under a checkpoint that is signed
    /// now where the latest does not cover it yet.
    ///
    /// # Errors
    /// When there is no such record.
    pub fn prove(&self, index: u64) -> Result<InclusionProof, AuditError> {
        self.checkpoint()?;
        self.log().prove(index, &mut leaves(&self.journal))
    }

    /// Follows the journal, and signs each second in which there was something
    /// new, until asked to stop; then once more.
    ///
    /// # Errors
    /// When a checkpoint could not be signed.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) -> Result<(), AuditError> {
        let mut ticks = tokio::time::interval(CHECKPOINT_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut grown = self.journal.watch();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.off_loop(true).await,
                _ = ticks.tick() => self.off_loop(true).await?,
                Ok(()) = grown.changed() => {
                    grown.borrow_and_update();
                    self.catch_up_gently().await?;
                    self.write_a_little().await?;
                    tokio::time::sleep(FOLLOW_EVERY).await;
                }
            }
        }
    }

    async fn catch_up_gently(self: &Arc<Self>) -> Result<(), AuditError> {
        // Only so often: a signature may be due.
        for _ in 0..FAR / PIECE as u64 {
            match self.follow_a_little()? {
                Followed::All => break,
                Followed::More => tokio::task::yield_now().await,
                Followed::NotNow => return self.off_loop(false).await,
            }
        }
        Ok(())
    }

    /// Writes a few of the tiles that became full.
    async fn write_a_little(self: &Arc<Self>) -> Result<(), AuditError> {
        let waiting = self.log.try_lock().is_ok_and(|log| log.unwritten());
        if !waiting {
            return Ok(());
        }
        self.beside(|ledger| ledger.log().write_some(TILES)).await
    }

    async fn off_loop(self: &Arc<Self>, sign: bool) -> Result<(), AuditError> {
        self.beside(move |ledger| if sign { ledger.checkpoint().map(drop) } else { ledger.follow() }).await
    }

    /// Does what touches files on a thread that may wait for them.
    async fn beside(
        self: &Arc<Self>,
        step: impl FnOnce(&Ledger) -> Result<(), AuditError> + Send + 'static,
    ) -> Result<(), AuditError> {
        let ledger = Arc::clone(self);
        match tokio::task::spawn_blocking(move || step(&ledger)).await {
            Ok(done) => done,
            Err(_) => Err(AuditError::Stopped),
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The journal's leaves, as the audit tree asks for them.
fn leaves(
    journal: &Arc<dyn Journal>,
) -> impl FnMut(u64, usize) -> Result<Vec<bytes::Bytes>, Box<dyn std::error::Error + Send + Sync>> {
    let journal = Arc::clone(journal);
    move |from, max| journal.leaves(from, max).map_err(Into::into)
}

/// Whether the log in `folder` is gone though there was one: with records, its own files are made
/// before the first of them, and its checkpoints stand once one was signed (`key` has a file beside
/// it then). Begun anew, it would forget what was signed.
pub fn lost(folder: &Path, key: &Path, records: u64) -> bool {
    let signed = [folder.join("checkpoint"), folder.join("checkpoints").join("history.jsonl")];
    let none = !signed.iter().any(|file| file.exists());
    records > 0 && none && (signed_before(key).exists() || !folder.join("log.vkey").exists())
}

/// The file that says that a checkpoint was signed with this key: it stands with the key, not with
/// the checkpoints.
fn signed_before(key: &Path) -> PathBuf {
    key.with_extension("signed")
}
