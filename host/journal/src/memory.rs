//! A journal in memory: for `huiyin run` without a data folder, and for tests.
//!
//! Same places, checks, headers and commitments as on disk. Nothing is sealed, since nothing
//! leaves the process; destroying a key drops its payloads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::watch;

use crate::prepare::{Prepared, size};
use crate::ring::{join_id, lock};
use crate::seal::{self, DataKey, KEY_BYTES};
use crate::{
    AppendFuture, Appended, BlobId, Draft, Header, Journal, JournalError, Options, Payload, Record, RecordIter,
    SALT_BYTES, Unsettled, Upcasters, record,
};

#[derive(Debug, Clone)]
struct Stored {
    header: Header,
    leaf: Bytes,
    open: Option<([u8; SALT_BYTES], Bytes)>,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Stored>,
    partitions: HashMap<u32, Vec<usize>>,
    /// The newest generation of each key, and the key itself unless destroyed.
    keys: HashMap<String, (u32, Option<Arc<DataKey>>)>,
    /// Content of each blob with the id of its key.
    blobs: HashMap<BlobId, (String, Option<Vec<u8>>)>,
}

/// A journal that is gone when it is dropped.
#[derive(Debug)]
pub struct MemoryJournal {
    source: String,
    limits: Options,
    state: Mutex<State>,
    size: watch::Sender<u64>,
}

/// No file has to be read back in one piece, so a blob may be as large as its form can say.
fn limits() -> Options {
    Options { max_blob_bytes: u64::from(u32::MAX), ..Options::default() }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self { source: "huiyin:memory".into(), limits: limits(), state: Mutex::default(), size: watch::Sender::new(0) }
    }
}

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty journal that brings old record types up to date when they are read.
    pub fn with_upcasters(upcasters: Arc<Upcasters>) -> Self {
        Self { limits: Options { upcasters, ..limits() }, ..Self::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn place(&self, partition: u32, expected: u64, batch: Vec<Draft>) -> Result<Appended, JournalError> {
        if batch.is_empty() {
            return Err(JournalError::Invalid { field: "batch", why: "is empty".into() });
        }
        size("a batch", batch.iter().map(|d| d.payload.len()).sum(), self.limits.max_batch_bytes)?;
        batch.iter().try_for_each(record::check)?;
        let mut guard = self.state();
        let state = &mut *guard;
        let found = state.partitions.get(&partition).map_or(0, |p| p.len() as u64);
        if found != expected {
            return Err(JournalError::Behind { partition, expected, found });
        }
        let mut stored = Vec::with_capacity(batch.len());
        for (seq, draft) in (found + 1..).zip(batch) {
            let key = current_key(&mut state.keys, &draft.key)?;
            let prepared = Prepared::new(draft, self.limits.max_payload_bytes, key)?;
            let header = prepared.header(&self.source, partition, seq);
            let leaf = prepared.header_bytes(&self.source, partition, seq)?;
            let (salt, payload) = seal::unpack(&prepared.plain, self.limits.max_payload_bytes)
                .map_err(|why| JournalError::Invalid { field: "payload", why })?;
            stored.push(Stored { header, leaf: leaf.into(), open: Some((salt, payload.into())) });
        }
        let places = state.partitions.entry(partition).or_default();
        for record in stored {
            places.push(state.records.len());
            state.records.push(record);
        }
        let appended = Appended {
            partition,
            first_seq: found + 1,
            last_seq: places.len() as u64,
            last_index: state.records.len() as u64 - 1,
        };
        self.size.send_replace(state.records.len() as u64);
        Ok(appended)
    }

    fn record(&self, index: usize, stored: Stored) -> Result<Record, JournalError> {
        let (kind, payload, salt) = match stored.open {
            None => (stored.header.kind.clone(), Payload::Redacted, None),
            Some((salt, payload)) => {
                let (kind, payload) = self.limits.upcasters.apply(&stored.header.kind, payload.to_vec())?;
                (kind, Payload::Open(payload.into()), Some(salt))
            }
        };
        Ok(Record { header: stored.header, leaf: stored.leaf, index: index as u64, kind, payload, salt })
    }

    fn records(&self, places: Vec<usize>) -> RecordIter {
        let records: Vec<_> = {
            let state = self.state();
            places.into_iter().filter_map(|at| Some((at, state.records.get(at)?.clone()))).collect()
        };
        let mut done = false;
        let records: Vec<_> = records
            .into_iter()
            .map(|(at, stored)| self.record(at, stored))
            .take_while(|r| !std::mem::replace(&mut done, r.is_err()))
            .collect();
        Box::new(records.into_iter())
    }
}

fn current_key(
    keys: &mut HashMap<String, (u32, Option<Arc<DataKey>>)>,
    name: &str,
) -> Result<Arc<DataKey>, JournalError> {
    let entry = keys.entry(name.to_owned()).or_default();
    if let Some(key) = &entry.1 {
        return Ok(key.clone());
    }
    let mut bytes = zeroize::Zeroizing::new([0; KEY_BYTES]);
    seal::random(&mut *bytes)?;
    let key = Arc::new(DataKey::new(join_id(name, entry.0 + 1), &bytes));
    *entry = (entry.0 + 1, Some(key.clone()));
    Ok(key)
}

impl Journal for MemoryJournal {
    fn append(&self, partition: u32, expected_seq: u64, batch: Vec<Draft>) -> AppendFuture {
        let placed = self.place(partition, expected_seq, batch);
        Box::pin(std::future::ready(placed))
    }

    fn read(&self, partition: u32, from_seq: u64) -> Result<RecordIter, JournalError> {
        let skip = usize::try_from(from_seq.saturating_sub(1)).unwrap_or(usize::MAX);
        let places = {
            let state = self.state();
            state.partitions.get(&partition).map(|p| p.iter().skip(skip).copied().collect())
        };
        Ok(self.records(places.unwrap_or_default()))
    }

    fn read_all(&self, from_index: u64) -> Result<RecordIter, JournalError> {
        let end = self.state().records.len();
        let from = usize::try_from(from_index).unwrap_or(usize::MAX).min(end);
        Ok(self.records((from..end).collect()))
    }

    fn last_seq(&self, partition: u32) -> u64 {
        self.state().partitions.get(&partition).map_or(0, |p| p.len() as u64)
    }

    fn size(&self) -> u64 {
        self.state().records.len() as u64
    }

    fn put_blob(&self, key: &str, bytes: &[u8]) -> Result<BlobId, JournalError> {
        size("a blob", bytes.len(), self.limits.max_blob_bytes)?;
        record::check_key(key)?;
        let mut state = self.state();
        let key = current_key(&mut state.keys, key)?;
        let id = BlobId::new(key.content_id(bytes));
        state.blobs.insert(id.clone(), (key.id.clone(), Some(bytes.to_vec())));
        Ok(id)
    }

    fn get_blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, JournalError> {
        match self.state().blobs.get(id) {
            Some((_, content)) => Ok(content.clone()),
            None => Err(JournalError::BlobMissing { id: id.to_string() }),
        }
    }

    fn unsettled_blobs(&self) -> Result<Option<Unsettled>, JournalError> {
        // What a crash leaves behind is nothing.
        Ok(None)
    }

    fn settle_blobs(&self, _: &[BlobId]) -> Result<(), JournalError> {
        Ok(())
    }

    fn remove_blob(&self, id: &BlobId) -> Result<(), JournalError> {
        self.state().blobs.remove(id);
        Ok(())
    }

    fn destroy_key(&self, key: &str) -> Result<(), JournalError> {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some((generation, live)) = state.keys.get_mut(key) else {
            return Ok(());
        };
        *live = None;
        let id = join_id(key, *generation);
        state.records.iter_mut().filter(|r| r.header.datakey == id).for_each(|r| r.open = None);
        state.blobs.values_mut().filter(|b| b.0 == id).for_each(|b| b.1 = None);
        Ok(())
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.size.subscribe()
    }

    fn leaves(&self, from_index: u64, max: usize) -> Result<Vec<Bytes>, JournalError> {
        let skip = usize::try_from(from_index).unwrap_or(usize::MAX);
        Ok(self.state().records.iter().skip(skip).take(max).map(|r| r.leaf.clone()).collect())
    }
}
