//! The audit tree kept in step with the log: takes in what became durable,
//! signs a checkpoint each second there was something new, and one at stop.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use huiyin_audit::{AuditError, InclusionProof, Log, Opened, SignedCheckpoint, SignerKey};
use huiyin_journal::Journal;
use tokio_util::sync::CancellationToken;

/// How often a checkpoint is signed while there is something new.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// How often new leaves are hashed in between: little at a time, while the
/// journal still has them in memory.
const FOLLOW_EVERY: Duration = Duration::from_millis(50);

/// Leaves hashed at a stretch; then others have the core if they want it.
const PIECE: usize = 64;
/// Leaves behind the log from which more are hashed at a stretch.
const FAR: u64 = 4_096;

/// The verifiable log over a journal.
pub struct Ledger {
    journal: Arc<dyn Journal>,
    log: Mutex<Log>,
    /// Leaves taken in so far.
    seen: AtomicU64,
}

impl Ledger {
    /// Opens the log in `folder` and holds the journal to what was signed.
    ///
    /// # Errors
    /// When the journal's records are not those that were signed.
    pub fn open(
        folder: &Path,
        key: &Path,
        origin: &str,
        journal: Arc<dyn Journal>,
    ) -> Result<(Ledger, Opened), AuditError> {
        let signer = SignerKey::load_or_create(key, origin)?;
        let source = Arc::clone(&journal);
        let (log, opened) = Log::open(folder, signer, &[], &mut leaves(&source))?;
        let seen = AtomicU64::new(log.size());
        Ok((Ledger { journal, log: Mutex::new(log), seen }, opened))
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
        log.checkpoint(&mut leaves(&self.journal)).map(Some)
    }

    /// Takes in what became durable, signing nothing.
    fn follow(&self) -> Result<(), AuditError> {
        let mut source = leaves(&self.journal);
        loop {
            let size = {
                let mut log = self.log();
                // Far behind, they come from the disk, where little at a time would be read over and over.
                let far = self.journal.size().saturating_sub(log.size()) > FAR;
                let new = source(log.size(), if far { FAR as usize } else { PIECE }).map_err(AuditError::Leaves)?;
                if new.is_empty() {
                    return Ok(());
                }
                log.append(new)
            };
            self.seen.store(size, Ordering::Relaxed);
            std::thread::yield_now();
        }
    }

    /// The latest signed checkpoint.
    pub fn latest(&self) -> Option<SignedCheckpoint> {
        self.log().checkpoints().latest().cloned()
    }

    /// The key that verifies this log, as text to publish.
    pub fn verifier(&self) -> String {
        self.log().verifier().to_string()
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

    /// Signs while there is something new, until asked to stop; then once more.
    ///
    /// # Errors
    /// When a checkpoint could not be signed.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) -> Result<(), AuditError> {
        let mut ticks = tokio::time::interval(FOLLOW_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut signed = tokio::time::Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.off_loop(true).await,
                _ = ticks.tick() => {
                    let due = signed.elapsed() >= CHECKPOINT_EVERY;
                    if due {
                        signed = tokio::time::Instant::now();
                    }
                    if due || self.journal.size() > self.seen.load(Ordering::Relaxed) {
                        self.off_loop(due).await?;
                    }
                }
            }
        }
    }

    async fn off_loop(self: &Arc<Self>, sign: bool) -> Result<(), AuditError> {
        let ledger = Arc::clone(self);
        let step = move || if sign { ledger.checkpoint().map(drop) } else { ledger.follow() };
        match tokio::task::spawn_blocking(step).await {
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
