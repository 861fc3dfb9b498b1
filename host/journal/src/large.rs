//! A journal that takes payloads larger than a record holds: their large values go into blobs
//! first, and the record that is appended then names them.
//!
//! Whoever appends and reads through this sees whole payloads. A stored record whose values lie in
//! blobs has the type `<type>.outlined.v1`; its payload is described in `docs/reference/formats.md`.
//! What must never happen: a record on the disk before the blobs that it names.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tokio::sync::{oneshot, watch};

use crate::{
    AppendFuture, BlobId, Coming, Draft, Journal, JournalError, Payload, Record, RecordIter, Unsettled, Upcasters,
    outline,
};

/// Bytes of a payload above which its large values go into blobs, and above which a value is large.
pub const OUTLINE_BYTES: usize = 256 << 10;

/// The most that a part may have to be before it is one: what stays of a payload is smaller, and
/// fits into a record with its references.
const MOST_INLINE: usize = 2 << 20;

/// Parts of one payload, about: each costs a file.
const PARTS: usize = 32;

/// What is added to the type of a record whose values lie in blobs.
const ENDING: &str = ".outlined.v1";

/// Where a value of a record lies instead of in its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobRef {
    /// JSON Pointer of the value in the payload; empty where all of it lies in the blob.
    pub at: String,
    /// The blob: a keyed commitment to the content.
    pub blob: BlobId,
    /// SHA-256 of the content, hex.
    pub digest: String,
    /// Length of the content in bytes.
    pub bytes: u64,
}

/// The payload of a record whose values lie in blobs, as stored.
#[derive(Debug, Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
    blobs: Vec<BlobRef>,
}

/// The journal beneath, with large payloads.
pub struct LargePayloads {
    inner: Arc<dyn Journal>,
    upcasters: Arc<Upcasters>,
    threshold: usize,
    turn: Arc<Mutex<Turn>>,
    /// Where batches with large payloads are worked on; none: by whoever appends.
    aside: Option<(Sender<Job>, JoinHandle<()>)>,
}

impl std::fmt::Debug for LargePayloads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LargePayloads").finish_non_exhaustive()
    }
}

/// Batches that wait for their blobs, by partition. While a partition has any, every later batch
/// of it waits behind them, so that the order of calls stays the order of records.
#[derive(Debug, Default)]
struct Turn {
    held: HashMap<u32, Held>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    batches: usize,
    last_seq: u64,
}

/// What the thread is to do, in this order.
enum Job {
    Append {
        partition: u32,
        expected: u64,
        batch: Vec<Draft>,
        reply: oneshot::Sender<AppendFuture>,
    },
    /// The records that name these are durable.
    Settle(Vec<BlobId>),
    Stop,
}

impl LargePayloads {
    /// Over a journal. Blobs are written on a thread of their own, so that `append` never waits.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(inner: Arc<dyn Journal>) -> std::io::Result<Self> {
        let (aside, jobs) = std::sync::mpsc::channel();
        let turn = Arc::new(Mutex::default());
        let (journal, whose, own) = (Arc::clone(&inner), Arc::clone(&turn), aside.clone());
        let thread = std::thread::Builder::new().name("journal-blobs".into()).spawn(move || {
            work(&journal, &whose, &jobs, &own);
        })?;
        Ok(Self { inner, upcasters: Arc::default(), threshold: OUTLINE_BYTES, turn, aside: Some((aside, thread)) })
    }

    /// The same without a thread: `append` itself waits for the blobs. For journals in memory, and
    /// where everything happens in one thread.
    pub fn in_turn(inner: Arc<dyn Journal>) -> Self {
        Self { inner, upcasters: Arc::default(), threshold: OUTLINE_BYTES, turn: Arc::default(), aside: None }
    }

    /// [`LargePayloads::in_turn`] with another threshold than [`OUTLINE_BYTES`]: for tests, in which
    /// small payloads are to be large.
    #[must_use]
    pub fn above(inner: Arc<dyn Journal>, threshold: usize) -> Self {
        let mut journal = Self::in_turn(inner);
        journal.threshold = threshold;
        journal
    }

    /// With the steps that bring old record types up to date: they are taken once the payload is whole.
    #[must_use]
    pub fn with_upcasters(mut self, upcasters: Arc<Upcasters>) -> Self {
        self.upcasters = upcasters;
        self
    }

    /// The journal beneath.
    pub fn inner(&self) -> &Arc<dyn Journal> {
        &self.inner
    }

    /// A stored record with its payload whole. Redacted where a blob's key was destroyed.
    ///
    /// # Errors
    /// When a blob is missing or is not what the record names, with the record's id.
    pub fn whole(&self, record: Record) -> Result<Record, JournalError> {
        whole(&*self.inner, &self.upcasters, record)
    }

    /// Removes blobs that a crash left behind: written, and named by no record. Call it before
    /// anything is appended. Gives how many there were.
    ///
    /// # Errors
    /// When the journal cannot be read, or a file cannot be removed.
    pub fn sweep(&self) -> Result<usize, JournalError> {
        let Some(Unsettled { from_index, blobs }) = self.inner.unsettled_blobs()? else { return Ok(0) };
        let mut named = HashSet::new();
        for record in self.inner.read_all(from_index)? {
            named.extend(references(&record?)?.into_iter().map(|reference| reference.blob));
        }
        let mut removed = 0;
        for blob in blobs.iter().filter(|blob| !named.contains(*blob)) {
            self.inner.remove_blob(blob)?;
            removed += 1;
        }
        self.inner.settle_blobs(&blobs)?;
        Ok(removed)
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        lock(&self.turn)
    }
}

fn lock(turn: &Mutex<Turn>) -> MutexGuard<'_, Turn> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which blobs a stored record names. None for a redacted one.
///
/// # Errors
/// When its payload is not what its type says.
pub fn references(record: &Record) -> Result<Vec<BlobRef>, JournalError> {
    match &record.payload {
        Payload::Open(payload) if record.kind.ends_with(ENDING) => Ok(stored(record, payload)?.blobs),
        _ => Ok(Vec::new()),
    }
}

fn stored<'a>(record: &Record, payload: &'a [u8]) -> Result<Stored<'a>, JournalError> {
    serde_json::from_slice(payload).map_err(|e| JournalError::Outlined {
        record: record.header.id.clone(),
        why: format!("its payload does not say where its values lie: {e}"),
    })
}

fn whole(inner: &dyn Journal, upcasters: &Upcasters, mut record: Record) -> Result<Record, JournalError> {
    let Some(kind) = record.kind.strip_suffix(ENDING).map(str::to_owned) else { return Ok(record) };
    let Payload::Open(payload) = &record.payload else {
        record.kind = kind;
        return Ok(record);
    };
    let wrong = |why: String| JournalError::Outlined { record: record.header.id.clone(), why };
    let Stored { body, blobs } = stored(&record, payload)?;
    let mut contents = Vec::with_capacity(blobs.len());
    for reference in &blobs {
        let Some(content) = inner.get_blob(&reference.blob).map_err(|e| wrong(e.to_string()))? else {
            record.kind = kind;
            record.payload = Payload::Redacted;
            record.salt = None;
            return Ok(record);
        };
        if content.len() as u64 != reference.bytes || hex::encode(Sha256::digest(&content)) != reference.digest {
            return Err(wrong(format!("blob {} is not the one that the record names", reference.blob)));
        }
        contents.push(content);
    }
    let payload = match (&*blobs, contents.as_mut_slice()) {
        ([one], [content]) if one.at.is_empty() => std::mem::take(content),
        _ => {
            let parts: Vec<(&str, &[u8])> =
                blobs.iter().map(|reference| reference.at.as_str()).zip(contents.iter().map(Vec::as_slice)).collect();
            outline::filled(body.get().as_bytes(), &parts)
                .ok_or_else(|| wrong("its payload has no places for its values".into()))?
        }
    };
    let (kind, payload) = upcasters.apply(&kind, payload)?;
    record.kind = kind;
    record.payload = Payload::Open(payload.into());
    Ok(record)
}

/// Puts the large values of a draft into blobs, durably; gives the draft that names them, and the
/// blobs. Fine for one that is small.
fn outlined(inner: &dyn Journal, mut draft: Draft, threshold: usize) -> Result<(Draft, Vec<BlobId>), JournalError> {
    if draft.payload.len() <= threshold {
        return Ok((draft, Vec::new()));
    }
    let payload = std::mem::take(&mut draft.payload);
    let parts = outline::large(&payload, threshold.max((payload.len() / PARTS).min(MOST_INLINE)));
    if parts.is_empty() {
        // Cannot be: the whole is above the threshold, so something of it is large. Kept as it is.
        draft.payload = payload;
        return Ok((draft, Vec::new()));
    }
    let mut blobs = Vec::with_capacity(parts.len());
    for part in &parts {
        let content = payload.get(part.bytes.clone()).unwrap_or_default();
        blobs.push(BlobRef {
            at: part.at.clone(),
            blob: inner.put_blob(&draft.key, content)?,
            digest: hex::encode(Sha256::digest(content)),
            bytes: content.len() as u64,
        });
    }
    let invalid = |e: serde_json::Error| JournalError::Invalid { field: "payload", why: e.to_string() };
    draft.payload = b"{\"body\":".to_vec();
    draft.payload.extend_from_slice(&outline::without(&payload, &parts));
    draft.payload.extend_from_slice(b",\"blobs\":");
    serde_json::to_writer(&mut draft.payload, &blobs).map_err(invalid)?;
    draft.payload.push(b'}');
    draft.kind.push_str(ENDING);
    Ok((draft, blobs.into_iter().map(|reference| reference.blob).collect()))
}

/// The same for a batch.
fn outlined_all(
    inner: &dyn Journal,
    batch: Vec<Draft>,
    threshold: usize,
) -> Result<(Vec<Draft>, Vec<BlobId>), JournalError> {
    let mut blobs = Vec::new();
    let mut drafts = Vec::with_capacity(batch.len());
    for draft in batch {
        let (draft, named) = outlined(inner, draft, threshold)?;
        blobs.extend(named);
        drafts.push(draft);
    }
    Ok((drafts, blobs))
}

/// The thread that writes blobs: batch after batch, in the order of the appends.
fn work(inner: &Arc<dyn Journal>, turn: &Mutex<Turn>, jobs: &Receiver<Job>, own: &Sender<Job>) {
    while let Ok(job) = jobs.recv() {
        let (partition, expected, batch, reply) = match job {
            Job::Stop => return,
            Job::Settle(blobs) => {
                settle(&**inner, &blobs);
                continue;
            }
            Job::Append { partition, expected, batch, reply } => (partition, expected, batch, reply),
        };
        let drafts = outlined_all(&**inner, batch, OUTLINE_BYTES);
        // Under the lock: nobody may take a place between these and the batches behind them.
        let mut turn = lock(turn);
        let future: AppendFuture = match drafts {
            Err(error) => Box::pin(std::future::ready(Err(error))),
            Ok((drafts, blobs)) => {
                let appended = inner.append(partition, expected, drafts);
                let own = own.clone();
                Box::pin(async move {
                    let appended = appended.await?;
                    if !blobs.is_empty() {
                        // Fails only when the journal is being closed; then the next start looks.
                        let _ = own.send(Job::Settle(blobs));
                    }
                    Ok(appended)
                })
            }
        };
        if let Some(held) = turn.held.get_mut(&partition) {
            held.batches -= 1;
            if held.batches == 0 {
                turn.held.remove(&partition);
            }
        }
        drop(turn);
        // Nobody may wait any more; the records stand all the same.
        let _ = reply.send(future);
    }
}

/// What is not taken off the list is looked at once more at the next start.
fn settle(inner: &dyn Journal, blobs: &[BlobId]) {
    if let Err(error) = inner.settle_blobs(blobs) {
        tracing::warn!(%error, "the list of new blobs could not be shortened");
    }
}

impl Drop for LargePayloads {
    fn drop(&mut self) {
        if let Some((aside, thread)) = self.aside.take() {
            // It ends by a panic only, and then it is gone.
            let _ = aside.send(Job::Stop);
            let _ = thread.join();
        }
    }
}

impl Journal for LargePayloads {
    fn append(&self, partition: u32, expected_seq: u64, batch: Vec<Draft>) -> AppendFuture {
        let large = batch.iter().any(|draft| draft.payload.len() > self.threshold);
        let Some((aside, _)) = &self.aside else {
            if !large {
                return self.inner.append(partition, expected_seq, batch);
            }
            return match outlined_all(&*self.inner, batch, self.threshold) {
                Err(error) => Box::pin(std::future::ready(Err(error))),
                Ok((drafts, blobs)) => {
                    let (inner, appended) =
                        (Arc::clone(&self.inner), self.inner.append(partition, expected_seq, drafts));
                    Box::pin(async move {
                        let appended = appended.await?;
                        settle(&*inner, &blobs);
                        Ok(appended)
                    })
                }
            };
        };
        let (placed, sent) = {
            let mut turn = self.turn();
            if !large && !turn.held.contains_key(&partition) {
                // Appends of one partition come one after the other, so none can get in between here.
                drop(turn);
                return self.inner.append(partition, expected_seq, batch);
            }
            let held = turn.held.entry(partition).or_insert(Held { batches: 0, last_seq: expected_seq });
            held.batches += 1;
            held.last_seq = expected_seq + batch.len() as u64;
            let (reply, placed) = oneshot::channel();
            (placed, aside.send(Job::Append { partition, expected: expected_seq, batch, reply }))
        };
        Box::pin(async move {
            let stopped = || JournalError::Poisoned { cause: "the writer of blobs stopped unexpectedly".into() };
            sent.map_err(|_| stopped())?;
            placed.await.map_err(|_| stopped())?.await
        })
    }

    fn coming(&self) -> Coming {
        self.inner.coming()
    }

    fn read(&self, partition: u32, from_seq: u64) -> Result<RecordIter, JournalError> {
        Ok(wholes(&self.inner, &self.upcasters, self.inner.read(partition, from_seq)?))
    }

    fn read_all(&self, from_index: u64) -> Result<RecordIter, JournalError> {
        Ok(wholes(&self.inner, &self.upcasters, self.inner.read_all(from_index)?))
    }

    fn last_seq(&self, partition: u32) -> u64 {
        let turn = self.turn();
        turn.held.get(&partition).map_or_else(|| self.inner.last_seq(partition), |held| held.last_seq)
    }

    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn put_blob(&self, key: &str, bytes: &[u8]) -> Result<BlobId, JournalError> {
        self.inner.put_blob(key, bytes)
    }

    fn get_blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, JournalError> {
        self.inner.get_blob(id)
    }

    fn unsettled_blobs(&self) -> Result<Option<Unsettled>, JournalError> {
        self.inner.unsettled_blobs()
    }

    fn settle_blobs(&self, blobs: &[BlobId]) -> Result<(), JournalError> {
        self.inner.settle_blobs(blobs)
    }

    fn remove_blob(&self, id: &BlobId) -> Result<(), JournalError> {
        self.inner.remove_blob(id)
    }

    fn destroy_key(&self, key: &str) -> Result<(), JournalError> {
        self.inner.destroy_key(key)
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.inner.watch()
    }

    fn leaves(&self, from_index: u64, max: usize) -> Result<Vec<Bytes>, JournalError> {
        self.inner.leaves(from_index, max)
    }
}

/// The records with their payloads whole; ends after the first error.
fn wholes(inner: &Arc<dyn Journal>, upcasters: &Arc<Upcasters>, records: RecordIter) -> RecordIter {
    let (inner, upcasters) = (Arc::clone(inner), Arc::clone(upcasters));
    let mut failed = false;
    Box::new(records.map(move |record| whole(&*inner, &upcasters, record?)).take_while(move |record| {
        let go_on = !failed;
        failed |= record.is_err();
        go_on
    }))
}
