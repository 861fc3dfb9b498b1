//! A disk that keeps nothing before it is synced.
//!
//! Writes stay in this process until `sync_data`; new names (created, renamed, removed) are real
//! only after `sync_dir`. So killing the process loses exactly what a power cut may lose. With
//! `tear`, some unsynced sectors do reach the file early, in any order, as on a real disk.
//!
//! Names not yet durable lie in the same folder as `.unsynced-…`; folders themselves are made at
//! once. The lock file is the machine's own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{Durable, Seeded};
use crate::disk::{Disk, DiskFile, DiskLock, LockFailure, RealDisk};
use crate::ring::lock;

const SECTOR: u64 = 512;
const UNSYNCED: &str = ".unsynced-";

/// How a [`LossyDisk`] behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct LossyOptions {
    /// Seed; some unsynced sectors then reach the file before the sync.
    pub tear: Option<u64>,
    /// How long a sync takes at least: a wider window for being killed in.
    pub sync_delay: Duration,
}

/// A disk that loses what was not synced.
#[derive(Debug, Clone)]
pub struct LossyDisk {
    state: Arc<Mutex<State>>,
    options: LossyOptions,
}

#[derive(Debug)]
struct State {
    files: HashMap<PathBuf, Arc<Mutex<Content>>>,
    /// Names that are not durable yet, and where their file lies meanwhile.
    names: HashMap<PathBuf, PathBuf>,
    /// Durable names that are gone, but not durably.
    hidden: HashSet<PathBuf>,
    seeded: Seeded,
    counter: u64,
    off: bool,
    /// Operations until the power goes by itself.
    left: Option<u64>,
    synced_bytes: u64,
    syncs: u64,
    checked: Durable,
}

#[derive(Debug)]
struct Content {
    real: Box<dyn DiskFile>,
    len: u64,
    /// How much of the real file still counts; what was cut off reads as zeros.
    real_valid: u64,
    unsynced: BTreeMap<u64, [u8; SECTOR as usize]>,
}

#[derive(Debug)]
struct LossyFile {
    content: Arc<Mutex<Content>>,
    disk: LossyDisk,
}

impl LossyDisk {
    /// A disk on the machine's own file system.
    pub fn new(options: LossyOptions) -> Self {
        let state = State {
            files: HashMap::new(),
            names: HashMap::new(),
            hidden: HashSet::new(),
            seeded: Seeded(options.tear.unwrap_or(0)),
            counter: 0,
            off: false,
            left: None,
            synced_bytes: 0,
            syncs: 0,
            checked: Durable::default(),
        };
        Self { state: Arc::new(Mutex::new(state)), options }
    }

    /// The power goes: what was not synced is lost (or torn), and every later operation fails.
    pub fn cut_power(&self) {
        let (files, tear) = {
            let mut state = lock(&self.state);
            state.off = true;
            (state.files.values().cloned().collect::<Vec<_>>(), self.options.tear.is_some())
        };
        if tear {
            for content in files {
                self.leak(&content);
            }
        }
    }

    /// The power goes by itself before the operation after this many.
    pub fn cut_power_after(&self, operations: u64) {
        lock(&self.state).left = Some(operations);
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        lock(&self.state).off
    }

    /// Bytes that were made durable so far.
    pub fn synced_bytes(&self) -> u64 {
        lock(&self.state).synced_bytes
    }

    /// Syncs of files so far.
    pub fn syncs(&self) -> u64 {
        lock(&self.state).syncs
    }

    /// How many records of the journal in `dir` would be found if the power went now. Before
    /// anything leaves the process that record `n` of the tree caused, this must be above `n`.
    pub fn durable_check(&self, dir: &Path) -> io::Result<u64> {
        lock(&self.state).checked.look(&RealDisk, dir)
    }

    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = lock(&self.state);
        if let Some(left) = state.left {
            state.off |= left == 0;
            state.left = Some(left.saturating_sub(1));
        }
        if state.off { Err(io::Error::other("the power is off")) } else { Ok(state) }
    }

    fn powered(&self) -> io::Result<()> {
        self.state().map(|_| ())
    }

    /// Lets a random part of the unsynced sectors reach the file.
    fn leak(&self, content: &Mutex<Content>) {
        // Locks are taken one after the other, never this one inside the content's.
        let mut seeded = Seeded(lock(&self.state).seeded.next());
        let content = lock(content);
        for (number, bytes) in &content.unsynced {
            let offset = number * SECTOR;
            let chosen = seeded.next().is_multiple_of(2);
            if chosen && offset < content.len {
                let len = (content.len - offset).min(SECTOR) as usize;
                // A leak that fails is one that did not happen.
                let _ = content.real.write_at(&bytes[..len], offset);
            }
        }
    }
}

impl State {
    fn physical(&self, path: &Path) -> io::Result<PathBuf> {
        match self.names.get(path) {
            Some(physical) => Ok(physical.clone()),
            None if self.hidden.contains(path) => Err(io::ErrorKind::NotFound.into()),
            None => Ok(path.to_path_buf()),
        }
    }

    fn content(&mut self, physical: &Path) -> io::Result<Arc<Mutex<Content>>> {
        if let Some(content) = self.files.get(physical) {
            return Ok(content.clone());
        }
        let real = RealDisk.open(physical)?;
        let len = real.len()?;
        let content = Content { real, len, real_valid: len, unsynced: BTreeMap::new() };
        let content = Arc::new(Mutex::new(content));
        self.files.insert(physical.to_path_buf(), content.clone());
        Ok(content)
    }
}

impl Disk for LossyDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.powered()?;
        RealDisk.create_dir(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state()?;
        let physical = state.physical(path)?;
        let content = state.content(&physical)?;
        Ok(Box::new(LossyFile { content, disk: self.clone() }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state()?;
        if state.physical(path).is_ok_and(|p| p.exists()) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.counter += 1;
        let name = format!("{UNSYNCED}{}-{}", std::process::id(), state.counter);
        let physical = path.with_file_name(name);
        let _ = std::fs::remove_file(&physical);
        RealDisk.create(&physical)?;
        state.names.insert(path.to_path_buf(), physical.clone());
        let content = state.content(&physical)?;
        Ok(Box::new(LossyFile { content, disk: self.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state()?;
        let physical = state.physical(from)?;
        if state.names.remove(from).is_none() {
            state.hidden.insert(from.to_path_buf());
        }
        state.names.insert(to.to_path_buf(), physical);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state()?;
        let physical = state.physical(path)?;
        if !physical.exists() {
            return Err(io::ErrorKind::NotFound.into());
        }
        if state.names.remove(path).is_some() {
            state.files.remove(&physical);
            std::fs::remove_file(&physical)?;
        }
        if path.exists() {
            state.hidden.insert(path.to_path_buf());
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state()?;
        let mut names = RealDisk.list(dir)?;
        names.retain(|n| !n.starts_with(UNSYNCED) && !state.hidden.contains(&dir.join(n)));
        let pending = state.names.keys().filter(|p| p.parent() == Some(dir));
        names.extend(pending.filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())));
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state()?;
        let pending: Vec<_> = state.names.keys().filter(|p| p.parent() == Some(dir)).cloned().collect();
        for path in pending {
            if let Some(physical) = state.names.remove(&path) {
                RealDisk.rename(&physical, &path)?;
                state.hidden.remove(&physical);
                state.hidden.remove(&path);
                if let Some(content) = state.files.remove(&physical) {
                    state.files.insert(path, content);
                }
            }
        }
        let gone: Vec<_> = state.hidden.iter().filter(|p| p.parent() == Some(dir)).cloned().collect();
        for path in gone {
            state.hidden.remove(&path);
            state.files.remove(&path);
            RealDisk.remove(&path)?;
        }
        RealDisk.sync_dir(dir)
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        let physical = self.state()?.physical(path)?;
        RealDisk.mode(&physical)
    }

    fn owner(&self, path: &Path) -> io::Result<u32> {
        let physical = self.state()?.physical(path)?;
        RealDisk.owner(&physical)
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn DiskLock>, LockFailure> {
        RealDisk.lock(path)
    }
}

impl Content {
    fn sector(&self, number: u64) -> io::Result<[u8; SECTOR as usize]> {
        if let Some(bytes) = self.unsynced.get(&number) {
            return Ok(*bytes);
        }
        let mut bytes = [0; SECTOR as usize];
        let offset = number * SECTOR;
        let valid = self.real_valid.saturating_sub(offset).min(SECTOR) as usize;
        self.real.read_full_at(&mut bytes[..valid], offset)?;
        Ok(bytes)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        if len < self.len {
            self.unsynced.retain(|number, _| number * SECTOR < len);
            self.real_valid = self.real_valid.min(len);
            let (number, rest) = (len / SECTOR, (len % SECTOR) as usize);
            if rest > 0 {
                let mut bytes = self.sector(number)?;
                bytes[rest..].fill(0);
                self.unsynced.insert(number, bytes);
            }
        }
        self.len = len;
        Ok(())
    }
}

impl DiskFile for LossyFile {
    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.content).len)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = lock(&self.content);
        if offset >= content.len || buf.is_empty() {
            return Ok(0);
        }
        let total = (content.len - offset).min(buf.len() as u64) as usize;
        // A long unsynced-free stretch is read at once; only touched sectors are laid over it.
        let valid = content.real_valid.saturating_sub(offset).min(total as u64) as usize;
        buf[..total].fill(0);
        content.real.read_full_at(&mut buf[..valid], offset)?;
        let end = offset + total as u64;
        for (number, bytes) in content.unsynced.range(offset / SECTOR..end.div_ceil(SECTOR)) {
            let at = number * SECTOR;
            let (from, to) = (at.max(offset), (at + SECTOR).min(end));
            buf[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&bytes[(from - at) as usize..(to - at) as usize]);
        }
        Ok(total)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.disk.powered()?;
        let mut content = lock(&self.content);
        let end = offset + buf.len() as u64;
        for number in offset / SECTOR..end.div_ceil(SECTOR) {
            let mut bytes = content.sector(number)?;
            let at = number * SECTOR;
            let (from, to) = (at.max(offset), (at + SECTOR).min(end));
            bytes[(from - at) as usize..(to - at) as usize]
                .copy_from_slice(&buf[(from - offset) as usize..(to - offset) as usize]);
            content.unsynced.insert(number, bytes);
        }
        content.len = content.len.max(end);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.powered()?;
        if self.disk.options.tear.is_some() {
            self.disk.leak(&self.content);
        }
        if !self.disk.options.sync_delay.is_zero() {
            std::thread::sleep(self.disk.options.sync_delay);
        }
        // The power may have gone meanwhile: then nothing more reaches the file.
        let mut state = self.disk.state()?;
        let mut guard = lock(&self.content);
        let content = &mut *guard;
        if content.real_valid < content.real.len()? {
            content.real.set_len(content.real_valid)?;
        }
        content.real.allocate(content.len)?;
        for (number, bytes) in &content.unsynced {
            let offset = number * SECTOR;
            let len = content.len.saturating_sub(offset).min(SECTOR) as usize;
            content.real.write_at(&bytes[..len], offset)?;
            state.synced_bytes += len as u64;
        }
        content.real.sync_data()?;
        content.unsynced.clear();
        content.real_valid = content.len;
        state.syncs += 1;
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.powered()?;
        lock(&self.content).cut(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.disk.powered()?;
        let mut content = lock(&self.content);
        content.len = content.len.max(len);
        Ok(())
    }
}
