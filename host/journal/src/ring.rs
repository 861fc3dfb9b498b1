//! The key ring: one random key for each name, wrapped by the master key, and truly destroyed.
//!
//! The ring file is an array of 256-byte slots. A slot never crosses a 512-byte sector, so writing
//! or erasing one is all or nothing. New keys are written and synced before the first record or
//! blob under them is acknowledged ([`Ring::flush`]); all new keys of an append group share one
//! sync. Destroying overwrites the wrapped key in place and syncs. What must never happen: a key
//! coming back after [`Ring::destroy`] returned.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aes_gcm_siv::aead::{Aead as _, KeyInit as _, Payload as AeadPayload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use zeroize::Zeroizing;

use crate::JournalError;
use crate::disk::{Disk, DiskFile};
use crate::frame::u32_at;
use crate::record::hmac_sha256;
use crate::seal::{DataKey, KEY_BYTES, NONCE_BYTES, random};

/// Longest name of a data key in bytes.
pub(crate) const MAX_NAME: usize = 140;

const SLOT: usize = 256;
const RING_MAGIC: &[u8; 8] = b"\xF7HYRING\x01";
const SLOT_MAGIC: &[u8; 4] = b"\xF7HYK";
const LIVE: u8 = 1;
const DESTROYED: u8 = 2;
const ID_AT: usize = 8;
const MAX_ID: usize = 160;
const WRAPPED_AT: usize = 168;
const WRAPPED: usize = NONCE_BYTES + KEY_BYTES + 16;
/// The file grows by this much at a time, so that a new key seldom changes its length.
const GROW: u64 = 1 << 20;
/// Ciphers kept ready.
const CACHE: usize = 4096;

type Wrapped = [u8; WRAPPED];

#[derive(Debug)]
struct Entry {
    slot: u64,
    /// None once destroyed.
    wrapped: Option<Wrapped>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<String, Entry>,
    /// The newest generation of each name.
    generations: HashMap<String, u32>,
    cache: HashMap<String, Arc<DataKey>>,
    pending: Vec<String>,
    next_slot: u64,
}

#[derive(Debug)]
struct Io {
    allocated: u64,
    failed: Option<JournalError>,
}

/// What became of a data key.
pub(crate) enum Found {
    Live(Arc<DataKey>),
    Destroyed,
}

pub(crate) struct Ring {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    kek: Aes256GcmSiv,
    state: Mutex<State>,
    /// Held while the file is written, so that a new key and its destruction cannot overtake
    /// each other. Taken before `state`.
    io: Mutex<Io>,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Ring {
    /// Opens the ring in `dir`, or makes it (and the master key, if that is missing too).
    /// `may_create`: nothing is sealed yet, so a missing ring is a new one.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path, master: &Path, may_create: bool) -> Result<Self, JournalError> {
        disk.create_dir(dir).map_err(|e| JournalError::io("making", dir, &e))?;
        let path = dir.join("ring");
        let names = disk.list(dir).map_err(|e| JournalError::io("listing", dir, &e))?;
        let fresh = !names.iter().any(|n| n == "ring");
        if fresh && !may_create {
            return Err(JournalError::damaged(
                &path,
                0,
                "is missing beside existing segments; restore it from a backup",
            ));
        }
        let master = crate::master::load(disk, master, fresh)?;
        let kek_bytes = Zeroizing::new(hmac_sha256(&master, &[b"huiyin key wrapping v1"]));
        let check = hmac_sha256(&kek_bytes, &[b"huiyin key check v1"]);
        if fresh {
            create(disk, dir, &path, &check)?;
        }
        let file = disk.open(&path).map_err(|e| JournalError::io("opening", &path, &e))?;
        let bytes = file.read_all().map_err(|e| JournalError::io("reading", &path, &e))?;
        check_header(&bytes, &check, &path)?;
        let mut state = State { next_slot: 1, ..State::default() };
        for (number, slot) in bytes.chunks(SLOT).enumerate().skip(1) {
            if slot.iter().all(|&b| b == 0) {
                continue;
            }
            state.next_slot = number as u64 + 1;
            match parse_slot(slot) {
                Ok((id, wrapped)) => {
                    let (name, generation) = split_id(&id);
                    let newest = state.generations.entry(name.to_owned()).or_default();
                    *newest = generation.max(*newest);
                    state.entries.insert(id, Entry { slot: number as u64, wrapped });
                }
                Err(why) => {
                    // Without the key what it seals cannot be had: there is nothing to give up instead.
                    let why = format!("{why}; restore the key ring from the newest backup");
                    return Err(JournalError::damaged(&path, (number * SLOT) as u64, why));
                }
            }
        }
        // What was found must outlive a power cut before anything is sealed with it.
        file.sync_data().map_err(|e| JournalError::sync(&path, &e))?;
        Ok(Self {
            path,
            kek: Aes256GcmSiv::new((&*kek_bytes).into()),
            state: Mutex::new(state),
            io: Mutex::new(Io { allocated: bytes.len() as u64, failed: None }),
            file,
        })
    }

    /// The key to seal with under this name: the newest generation, or a new one.
    pub(crate) fn for_sealing(&self, name: &str) -> Result<Arc<DataKey>, JournalError> {
        let mut state = lock(&self.state);
        let generation = state.generations.get(name).copied().unwrap_or(0);
        if generation > 0 {
            let id = join_id(name, generation);
            match self.find_in(&mut state, &id)? {
                Found::Live(key) => return Ok(key),
                Found::Destroyed => {}
            }
        }
        let id = join_id(name, generation + 1);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        random(&mut *key)?;
        let wrapped = self.wrap(&id, &key)?;
        let ready = Arc::new(DataKey::new(id.clone(), &key));
        let slot = state.next_slot;
        state.next_slot += 1;
        state.generations.insert(name.to_owned(), generation + 1);
        state.entries.insert(id.clone(), Entry { slot, wrapped: Some(wrapped) });
        state.pending.push(id);
        remember(&mut state, &ready);
        Ok(ready)
    }

    /// The key with this id.
    pub(crate) fn find(&self, id: &str) -> Result<Found, JournalError> {
        self.find_in(&mut lock(&self.state), id)
    }

    fn find_in(&self, state: &mut State, id: &str) -> Result<Found, JournalError> {
        if let Some(key) = state.cache.get(id) {
            return Ok(Found::Live(key.clone()));
        }
        let entry = state.entries.get(id).ok_or_else(|| JournalError::KeyMissing { key: id.to_owned() })?;
        let Some(wrapped) = &entry.wrapped else {
            return Ok(Found::Destroyed);
        };
        let key =
            self.unwrap(id, wrapped).map_err(|why| JournalError::damaged(&self.path, entry.slot * SLOT as u64, why))?;
        let ready = Arc::new(DataKey::new(id.to_owned(), &key));
        remember(state, &ready);
        Ok(Found::Live(ready))
    }

    /// Makes every key handed out so far durable. Cheap when there is no new one.
    pub(crate) fn flush(&self) -> Result<(), JournalError> {
        let mut io = lock(&self.io);
        if let Some(e) = &io.failed {
            return Err(e.clone());
        }
        let slots: Vec<(u64, [u8; SLOT])> = {
            let mut state = lock(&self.state);
            let pending = std::mem::take(&mut state.pending);
            pending.iter().filter_map(|id| state.entries.get(id).map(|e| (e.slot, slot_bytes(id, e)))).collect()
        };
        self.write(&mut io, &slots)
    }

    /// Destroys every generation of the named key. On return none of them can be had again from
    /// this file. False if there was nothing to destroy.
    pub(crate) fn destroy(&self, name: &str) -> Result<bool, JournalError> {
        let mut io = lock(&self.io);
        if let Some(e) = &io.failed {
            return Err(e.clone());
        }
        let slots: Vec<(u64, [u8; SLOT])> = {
            let mut state = lock(&self.state);
            let newest = state.generations.get(name).copied().unwrap_or(0);
            let mut slots = Vec::new();
            for id in (1..=newest).map(|generation| join_id(name, generation)) {
                state.cache.remove(&id);
                if let Some(entry) = state.entries.get_mut(&id)
                    && entry.wrapped.take().is_some()
                {
                    slots.push((entry.slot, slot_bytes(&id, entry)));
                }
            }
            slots
        };
        self.write(&mut io, &slots)?;
        Ok(!slots.is_empty())
    }

    /// Writes every slot that was found once more: after a sync that failed, Linux takes what it did
    /// not write for written, and only the next power cut would tell.
    pub(crate) fn renew(&self) -> Result<(), JournalError> {
        let _io = lock(&self.io);
        let used = lock(&self.state).next_slot * SLOT as u64;
        let mut bytes = self.file.read_all().map_err(|e| JournalError::io("reading", &self.path, &e))?;
        bytes.truncate(usize::try_from(used).unwrap_or(usize::MAX));
        self.file.write_at(&bytes, 0).map_err(|e| JournalError::io("writing", &self.path, &e))?;
        self.file.sync_data().map_err(|e| JournalError::sync(&self.path, &e))
    }

    fn write(&self, io: &mut Io, slots: &[(u64, [u8; SLOT])]) -> Result<(), JournalError> {
        if slots.is_empty() {
            return Ok(());
        }
        let mut result = Ok(());
        let needed = slots.iter().map(|(slot, _)| (slot + 1) * SLOT as u64).max().unwrap_or(0);
        if needed > io.allocated {
            let len = needed.next_multiple_of(GROW);
            result = self.file.allocate(len).map_err(|e| JournalError::io("growing", &self.path, &e));
            io.allocated = len;
        }
        for (slot, bytes) in slots {
            if result.is_ok() {
                result = self
                    .file
                    .write_at(bytes, slot * SLOT as u64)
                    .map_err(|e| JournalError::io("writing", &self.path, &e));
            }
        }
        if result.is_ok() {
            result = self.file.sync_data().map_err(|e| JournalError::sync(&self.path, &e));
        }
        // What is on the disk is now unknown; only opening again can tell.
        io.failed = result.as_ref().err().cloned();
        result
    }

    fn wrap(&self, id: &str, key: &[u8; KEY_BYTES]) -> Result<Wrapped, JournalError> {
        let mut wrapped = [0; WRAPPED];
        let (nonce, sealed) = wrapped.split_at_mut(NONCE_BYTES);
        random(nonce)?;
        let mut nonce_bytes = [0; NONCE_BYTES];
        nonce_bytes.copy_from_slice(nonce);
        let text = self
            .kek
            .encrypt(&Nonce::from(nonce_bytes), AeadPayload { msg: key, aad: id.as_bytes() })
            .map_err(|_| JournalError::Invalid { field: "datakey", why: "could not be wrapped".into() })?;
        sealed.copy_from_slice(&text);
        Ok(wrapped)
    }

    fn unwrap(&self, id: &str, wrapped: &Wrapped) -> Result<Zeroizing<[u8; KEY_BYTES]>, String> {
        let (nonce, sealed) = wrapped.split_at(NONCE_BYTES);
        let mut nonce_bytes = [0; NONCE_BYTES];
        nonce_bytes.copy_from_slice(nonce);
        let plain = self
            .kek
            .decrypt(&Nonce::from(nonce_bytes), AeadPayload { msg: sealed, aad: id.as_bytes() })
            .map(Zeroizing::new)
            .map_err(|_| format!("data key {id} does not open under this master key"))?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if plain.len() != KEY_BYTES {
            return Err(format!("data key {id} has {} bytes instead of {KEY_BYTES}", plain.len()));
        }
        key.copy_from_slice(&plain);
        Ok(key)
    }
}

fn create(disk: &dyn Disk, dir: &Path, path: &Path, check: &[u8; 32]) -> Result<(), JournalError> {
    let mut header = [0; SLOT];
    header[..8].copy_from_slice(RING_MAGIC);
    header[8..40].copy_from_slice(check);
    seal_slot(&mut header);
    crate::files::write_new(disk, dir, path, &header)
}

fn check_header(bytes: &[u8], check: &[u8; 32], path: &Path) -> Result<(), JournalError> {
    let Some(header) = bytes.get(..SLOT) else {
        return Err(JournalError::damaged(path, 0, "the key ring is cut short; restore it from a backup"));
    };
    if u32_at(header, SLOT - 4) != crc32c::crc32c(&header[..SLOT - 4]) || &header[..8] != RING_MAGIC {
        return Err(JournalError::damaged(path, 0, "this is not the header of a key ring; restore it from a backup"));
    }
    if &header[8..40] != check {
        return Err(JournalError::MasterKey {
            path: path.to_path_buf(),
            why: "was made with another master key; put the master key file of this journal in place".into(),
        });
    }
    Ok(())
}

fn slot_bytes(id: &str, entry: &Entry) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    bytes[..4].copy_from_slice(SLOT_MAGIC);
    bytes[5] = id.len() as u8;
    bytes[ID_AT..ID_AT + id.len()].copy_from_slice(id.as_bytes());
    match &entry.wrapped {
        Some(wrapped) => {
            bytes[4] = LIVE;
            bytes[WRAPPED_AT..WRAPPED_AT + WRAPPED].copy_from_slice(wrapped);
        }
        None => bytes[4] = DESTROYED,
    }
    seal_slot(&mut bytes);
    bytes
}

fn seal_slot(bytes: &mut [u8; SLOT]) {
    let crc = crc32c::crc32c(&bytes[..SLOT - 4]);
    bytes[SLOT - 4..].copy_from_slice(&crc.to_be_bytes());
}

fn parse_slot(slot: &[u8]) -> Result<(String, Option<Wrapped>), &'static str> {
    if slot.len() != SLOT {
        return Err("a key slot is cut short");
    }
    if u32_at(slot, SLOT - 4) != crc32c::crc32c(&slot[..SLOT - 4]) || &slot[..4] != SLOT_MAGIC {
        return Err("a key slot's checksum does not fit");
    }
    let len = usize::from(slot[5]);
    if len > MAX_ID {
        return Err("a key's name is too long");
    }
    let id = std::str::from_utf8(&slot[ID_AT..ID_AT + len]).map_err(|_| "a key's name is no text")?;
    let wrapped = match slot[4] {
        LIVE => {
            let mut wrapped = [0; WRAPPED];
            wrapped.copy_from_slice(&slot[WRAPPED_AT..WRAPPED_AT + WRAPPED]);
            Some(wrapped)
        }
        DESTROYED => None,
        _ => return Err("a key slot is neither live nor destroyed"),
    };
    Ok((id.to_owned(), wrapped))
}

/// First generation: the name itself; later ones: `name~2`, `name~3`, …
pub(crate) fn join_id(name: &str, generation: u32) -> String {
    if generation == 1 { name.to_owned() } else { format!("{name}~{generation}") }
}

fn split_id(id: &str) -> (&str, u32) {
    id.rsplit_once('~').and_then(|(name, g)| Some((name, g.parse().ok()?))).unwrap_or((id, 1))
}

fn remember(state: &mut State, key: &Arc<DataKey>) {
    if state.cache.len() >= CACHE {
        state.cache.clear();
    }
    state.cache.insert(key.id.clone(), key.clone());
}

/// A panic while the lock was held is a bug elsewhere; the state is changed in single steps, so
/// going on is safe.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
