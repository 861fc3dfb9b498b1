//! The store: snapshots and indexes in one sled tree, so that a batch is kept whole or not at all.
//!
//! In the folder: `sled/` (sled's own files), `clean` (their checksums, there only while the store
//! is closed cleanly) and `lock`. Keys in the tree: `m` the totals and the schema version,
//! `s‖partition` a snapshot, `i‖length of the index's name‖name‖key` an entry of an index.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::guard::{Health, fenced};
use crate::seal::{self, Total};
use crate::{Opened, ViewsError};

const META: &[u8] = b"m";
const SNAPSHOT: u8 = b's';
const INDEX: u8 = b'i';
const DIGEST: usize = 32;

/// Limits of the views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Limit of one snapshot or value (bytes).
    pub max_value_bytes: u64,
    /// Limit of all keys and values together (bytes).
    pub max_total_bytes: u64,
    /// Memory that sled may use as cache (bytes).
    pub cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_value_bytes: 64 << 20, max_total_bytes: 4 << 30, cache_bytes: 64 << 20 }
    }
}

/// A partition's state at a place in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record that is in it.
    pub seq: u64,
    /// The state.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub digest: [u8; DIGEST],
}

/// Changes that are kept together or not at all; later ones win over earlier ones.
#[derive(Debug, Default, Clone)]
pub struct Batch {
    changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an entry of an index.
    pub fn put(&mut self, index: &str, key: &[u8], value: &[u8]) -> &mut Self {
        self.changes.push((index_key(index, key), Some(value.to_vec())));
        self
    }

    /// Removes an entry of an index, if it is there.
    pub fn remove(&mut self, index: &str, key: &[u8]) -> &mut Self {
        self.changes.push((index_key(index, key), None));
        self
    }

    /// Sets the snapshot of a partition.
    pub fn put_snapshot(&mut self, partition: u32, seq: u64, bytes: &[u8]) -> &mut Self {
        let mut value = Vec::with_capacity(8 + DIGEST + bytes.len());
        value.extend_from_slice(&seq.to_be_bytes());
        value.extend_from_slice(&Sha256::digest(bytes));
        value.extend_from_slice(bytes);
        self.changes.push((snapshot_key(partition), Some(value)));
        self
    }
}

/// The views of one host.
#[derive(Debug)]
pub struct Views {
    /// None only while being dropped.
    db: Option<sled::Db>,
    health: Health,
    /// Held while writing.
    total: Mutex<Total>,
    dir: PathBuf,
    schema: u32,
    options: Options,
    _lock: fs::File,
}

impl Views {
    /// Opens the views in `dir` for this version of what is kept in them. Whatever is wrong with
    /// what is there, they come up, if need be empty.
    pub fn open(dir: impl AsRef<Path>, schema_version: u32) -> Result<(Self, Opened), ViewsError> {
        Self::open_with(dir, schema_version, Options::default())
    }

    /// As [`Views::open`], with other limits.
    pub fn open_with(dir: impl AsRef<Path>, schema: u32, options: Options) -> Result<(Self, Opened), ViewsError> {
        let dir = dir.as_ref().to_path_buf();
        fs::create_dir_all(&dir).map_err(|e| ViewsError::io("making", &dir, &e))?;
        let lock = lock(&dir)?;
        let (db, total, opened) = match existing(&dir, schema, options) {
            Ok((db, total)) => (db, total, Opened::Existing),
            Err(reason) => {
                tracing::warn!(dir = %dir.display(), reason, "the views are derived anew");
                let (db, total) = empty(&dir, schema, options)?;
                (db, total, Opened::Rebuilt { reason })
            }
        };
        let views = Self {
            db: Some(db),
            health: Health::default(),
            total: Mutex::new(total),
            dir,
            schema,
            options,
            _lock: lock,
        };
        Ok((views, opened))
    }

    /// Keeps a batch, whole or not at all.
    pub fn write(&self, batch: &Batch) -> Result<(), ViewsError> {
        let db = self.db()?;
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = *total;
        let mut changes = std::collections::BTreeMap::new();
        for (key, value) in &batch.changes {
            if let Some(value) = value {
                limit("a value", value.len() as u64, self.options.max_value_bytes)?;
            }
            changes.insert(key, value);
        }
        let mut writes = sled::Batch::default();
        for (key, value) in changes {
            if let Some(old) = self.health.run(|| db.get(key))? {
                next.remove(key, &old);
            }
            match value {
                Some(value) => {
                    let stored = seal::seal(key, value);
                    next.add(key, &stored);
                    writes.insert(key.as_slice(), stored);
                }
                None => writes.remove(key.as_slice()),
            }
        }
        if next.bytes > total.bytes {
            limit("all views together", next.bytes, self.options.max_total_bytes)?;
        }
        writes.insert(META, meta(self.schema, next));
        self.health.run(|| db.apply_batch(writes))?;
        *total = next;
        Ok(())
    }

    /// Keeps the snapshot of a partition; `seq` is the last record in it.
    pub fn put_snapshot(&self, partition: u32, seq: u64, bytes: &[u8]) -> Result<(), ViewsError> {
        self.write(Batch::new().put_snapshot(partition, seq, bytes))
    }

    /// The snapshot of a partition, if there is one.
    pub fn snapshot(&self, partition: u32) -> Result<Option<Snapshot>, ViewsError> {
        let Some(value) = self.value(&snapshot_key(partition))? else {
            return Ok(None);
        };
        let parts = value.split_first_chunk::<8>().and_then(|(seq, rest)| {
            let (digest, bytes) = rest.split_first_chunk::<DIGEST>()?;
            Some((u64::from_be_bytes(*seq), *digest, bytes))
        });
        match parts {
            Some((seq, digest, bytes)) if <[u8; DIGEST]>::from(Sha256::digest(bytes)) == digest => {
                Ok(Some(Snapshot { seq, bytes: bytes.to_vec(), digest }))
            }
            _ => Err(self.health.fail(format!("the snapshot of partition {partition} does not have its digest"))),
        }
    }

    /// Sets one entry of an index.
    pub fn put(&self, index: &str, key: &[u8], value: &[u8]) -> Result<(), ViewsError> {
        self.write(Batch::new().put(index, key, value))
    }

    /// Removes one entry of an index, if it is there.
    pub fn remove(&self, index: &str, key: &[u8]) -> Result<(), ViewsError> {
        self.write(Batch::new().remove(index, key))
    }

    /// One entry of an index.
    pub fn get(&self, index: &str, key: &[u8]) -> Result<Option<Vec<u8>>, ViewsError> {
        self.value(&index_key(index, key))
    }

    /// Entries of an index whose key starts with `prefix`, in key order: at most `limit`, those
    /// behind the key `after` if one is given.
    #[allow(clippy::type_complexity)]
    pub fn scan_prefix(
        &self,
        index: &str,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, ViewsError> {
        let db = self.db()?;
        let full = index_key(index, prefix);
        let skip = full.len() - prefix.len();
        let from = after.map(|after| index_key(index, after));
        let found = self.health.run(|| {
            use std::ops::Bound;
            let start = match &from {
                Some(from) if *from >= full => Bound::Excluded(from.clone()),
                _ => Bound::Included(full.clone()),
            };
            db.range((start, Bound::Unbounded))
                .take_while(|e| e.as_ref().map_or(true, |(key, _)| key.starts_with(&full)))
                .take(limit)
                .collect::<Result<Vec<_>, _>>()
        })?;
        found
            .into_iter()
            .map(|(key, stored)| match seal::open(&key, &stored) {
                Some(value) => Ok((key[skip..].to_vec(), value.to_vec())),
                None => Err(self.health.fail("an entry does not have its checksum".into())),
            })
            .collect()
    }

    /// Count and size (bytes) of everything kept.
    pub fn size(&self) -> (u64, u64) {
        let total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        (total.count, total.bytes)
    }

    /// Throws everything away; opened again they are empty. For a redaction: what is derived from
    /// a payload must not outlive its data key.
    pub fn discard(mut self) -> Result<(), ViewsError> {
        if let Some(db) = self.db.take() {
            // The files go whether or not sled can be closed properly.
            let _ = fenced(|| {
                drop(db);
                Ok(())
            });
        }
        remove(&self.dir)
    }

    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewsError> {
        let db = self.db()?;
        match self.health.run(|| db.get(key))? {
            None => Ok(None),
            Some(stored) => match seal::open(key, &stored) {
                Some(value) => Ok(Some(value.to_vec())),
                None => Err(self.health.fail("a value does not have its checksum".into())),
            },
        }
    }

    fn db(&self) -> Result<&sled::Db, ViewsError> {
        self.health.check()?;
        self.db.as_ref().ok_or_else(|| ViewsError::Faulty { why: "they are being closed".into() })
    }
}

impl Drop for Views {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        let closed = self.health.run(|| {
            db.flush()?;
            drop(db);
            Ok(())
        });
        let clean = self.dir.join("clean");
        let result = match closed {
            // Without its own word for it, a faulty store would be opened again as after a crash.
            Err(_) => fs::write(&clean, "faulty\n"),
            Ok(()) => seal::fingerprint(&self.dir.join("sled")).and_then(|lines| write_whole(&clean, &lines)),
        };
        if let Err(e) = result {
            tracing::warn!(dir = %self.dir.display(), error = %e, "the views could not be closed cleanly");
        }
    }
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, text)?;
    fs::rename(&temporary, path)
}

fn lock(dir: &Path) -> Result<fs::File, ViewsError> {
    let path = dir.join("lock");
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|e| ViewsError::io("opening", &path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ViewsError::Locked { dir: dir.to_path_buf() }),
        Err(fs::TryLockError::Error(e)) => Err(ViewsError::io("locking", &path, &e)),
    }
}

/// Opens what is there; the error says why it cannot be used.
fn existing(dir: &Path, schema: u32, options: Options) -> Result<(sled::Db, Total), String> {
    let files = dir.join("sled");
    if !files.exists() {
        return Err("there were none".into());
    }
    let clean = dir.join("clean");
    match fs::read(&clean) {
        Ok(expected) => {
            let found = seal::fingerprint(&files).map_err(|e| e.to_string())?;
            if found.as_bytes() != expected {
                return Err("the files are not as they were closed".into());
            }
        }
        // The process was killed: the files may still be good, so sled is asked.
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(format!("{}: {e}", clean.display())),
    }
    let db = start(&files, options)?;
    let total = match verify(&db, schema) {
        Ok(total) => total,
        Err(reason) => {
            // Even letting go of a damaged store may fail; the reason is what counts.
            let _ = fenced(|| {
                drop(db);
                Ok(())
            });
            return Err(reason);
        }
    };
    // From here on the files change.
    match fs::remove_file(&clean) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(format!("{}: {e}", clean.display())),
        _ => Ok((db, total)),
    }
}

fn verify(db: &sled::Db, schema: u32) -> Result<Total, String> {
    let (total, stored) = fenced(|| {
        let (mut total, mut stored) = (Total::default(), None);
        for entry in db.iter() {
            let (key, value) = entry?;
            if key.as_ref() == META {
                stored = Some(value);
            } else {
                total.add(&key, &value);
            }
        }
        Ok((total, stored))
    })?;
    let stored = stored.ok_or("the store does not say what is in it")?;
    let Some((version, _)) = seal::open(META, &stored).and_then(|m| m.split_first_chunk::<4>()) else {
        return Err("the store's own entry does not have its checksum".into());
    };
    let version = u32::from_be_bytes(*version);
    if version != schema {
        return Err(format!("they are of version {version}, this program keeps version {schema}"));
    }
    if *stored != *meta(schema, total) {
        return Err("entries are missing or changed".into());
    }
    Ok(total)
}

/// Throws away what is there and begins anew.
fn empty(dir: &Path, schema: u32, options: Options) -> Result<(sled::Db, Total), ViewsError> {
    remove(dir)?;
    let files = dir.join("sled");
    let faulty = |why| ViewsError::Faulty { why };
    let db = start(&files, options).map_err(faulty)?;
    let total = Total::default();
    fenced(|| db.insert(META, meta(schema, total))).map_err(faulty)?;
    Ok((db, total))
}

fn remove(dir: &Path) -> Result<(), ViewsError> {
    let files = dir.join("sled");
    for (path, result) in
        [(&files, fs::remove_dir_all(&files)), (&dir.join("clean"), fs::remove_file(dir.join("clean")))]
    {
        match result {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(ViewsError::io("removing", path, &e));
            }
            _ => {}
        }
    }
    Ok(())
}

fn start(files: &Path, options: Options) -> Result<sled::Db, String> {
    fenced(|| sled::Config::new().path(files).cache_capacity(options.cache_bytes).open())
}

fn meta(schema: u32, total: Total) -> Vec<u8> {
    let mut value = schema.to_be_bytes().to_vec();
    value.extend_from_slice(&total.to_bytes());
    seal::seal(META, &value)
}

fn snapshot_key(partition: u32) -> Vec<u8> {
    let mut key = vec![SNAPSHOT];
    key.extend_from_slice(&partition.to_be_bytes());
    key
}

fn index_key(index: &str, key: &[u8]) -> Vec<u8> {
    let mut full = vec![INDEX];
    full.extend_from_slice(&(index.len() as u32).to_be_bytes());
    full.extend_from_slice(index.as_bytes());
    full.extend_from_slice(key);
    full
}

fn limit(what: &'static str, size: u64, limit: u64) -> Result<(), ViewsError> {
    if size > limit { Err(ViewsError::TooLarge { what, size, limit }) } else { Ok(()) }
}
