//! A disk in memory that forgets, tears and refuses as its seed says.
//!
//! Every file has two contents: what reads see (the system's cache) and what
//! is durable. `sync_data` makes the second equal to the first; names become
//! durable by `sync_dir`. Killing the process loses nothing of either; a power
//! cut goes back to what is durable, or, torn, to that and some of the
//! sectors and names that were on their way.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use huiyin_journal::{Disk, DiskFile, DiskLock, LockFailure};

use crate::random::Random;

const SECTOR: usize = 512;

/// How a power cut leaves the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Everything that was not synced is lost.
    Clean,
    /// Some of it is there, sector by sector.
    Torn,
}

/// What goes wrong next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The next sync fails; what it was to write stays in the cache, to be written later.
    SyncFails,
    /// The next sync fails; the cache believes that it was written, as Linux does, though only some of it was.
    SyncFailsAndForgets,
    /// The next write finds no space.
    NoSpace,
    /// After so many operations more the power goes.
    PowerGoes(u64),
}

#[derive(Debug, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors that differ, or may.
    dirty: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
enum Naming {
    Link(PathBuf, usize),
    Unlink(PathBuf),
    /// From one name to another: never half of it.
    Move(PathBuf, PathBuf, usize),
}

impl Naming {
    fn path(&self) -> &Path {
        match self {
            Naming::Link(path, _) | Naming::Unlink(path) | Naming::Move(_, path, _) => path,
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Naming::Link(path, file) => drop(names.insert(path.clone(), *file)),
            Naming::Unlink(path) => drop(names.remove(path)),
            Naming::Move(from, to, file) => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
        }
    }
}

#[derive(Debug)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// Changes of names on their way, in their order.
    naming: Vec<Naming>,
    folders: BTreeSet<PathBuf>,
    random: Random,
    trouble: Option<Trouble>,
    off: bool,
    /// Grows with everything that becomes durable.
    synced: u64,
}

/// The disk. Clones are the same disk.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: usize,
}

#[derive(Debug)]
struct Lock;

impl DiskLock for Lock {}

impl SimDisk {
    /// An empty disk.
    pub fn new(random: Random) -> SimDisk {
        SimDisk(Arc::new(Mutex::new(State {
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            naming: Vec::new(),
            folders: BTreeSet::from([PathBuf::from("/")]),
            random,
            trouble: None,
            off: false,
            synced: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something goes wrong next; `None`: nothing.
    pub fn set_trouble(&self, trouble: Option<Trouble>) {
        self.state().trouble = trouble;
    }

    /// True once the power went.
    pub fn is_off(&self) -> bool {
        self.state().off
    }

    /// Grows with everything that becomes durable.
    pub fn synced(&self) -> u64 {
        self.state().synced
    }

    /// The power goes, and comes back.
    pub fn cut_power(&self, cut: Cut) {
        let state = &mut *self.state();
        let naming = std::mem::take(&mut state.naming);
        if cut == Cut::Torn {
            // Names go to the disk in their order, so a beginning of them is there.
            let there = state.random.place(naming.len() + 1);
            naming.iter().take(there).for_each(|change| change.apply(&mut state.durable_names));
        }
        state.names = state.durable_names.clone();
        for content in &mut state.files {
            if cut == Cut::Torn && !content.dirty.is_empty() {
                content.leak(&mut state.random);
            }
            content.dirty.clear();
            content.now.clone_from(&content.durable);
        }
        state.off = false;
        state.trouble = None;
    }

    /// What would be found if the power went now and nothing on its way arrived.
    pub fn durable(&self) -> DurableView {
        DurableView(self.clone())
    }
}

impl State {
    fn powered(&mut self) -> io::Result<()> {
        if let Some(Trouble::PowerGoes(left)) = &mut self.trouble {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => {
                    self.off = true;
                    self.trouble = None;
                }
            }
        }
        if self.off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    fn rename(&mut self, change: Naming) {
        change.apply(&mut self.names);
        self.naming.push(change);
    }
}

impl Content {
    /// Lets some of what is on its way arrive.
    fn leak(&mut self, random: &mut Random) {
        if random.chance(1, 2) {
            self.durable.resize(self.now.len(), 0);
        }
        let len = self.durable.len().min(self.now.len());
        for sector in &self.dirty {
            let (from, to) = (sector * SECTOR, ((sector + 1) * SECTOR).min(len));
            if from < to && random.chance(1, 2) {
                self.durable[from..to].copy_from_slice(&self.now[from..to]);
            }
        }
    }

    fn sync(&mut self) {
        self.durable.resize(self.now.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            let (from, to) = (sector * SECTOR, ((sector + 1) * SECTOR).min(self.now.len()));
            if from < to {
                self.durable[from..to].copy_from_slice(&self.now[from..to]);
            }
        }
    }

    fn touch(&mut self, from: usize, to: usize) {
        if from < to {
            self.dirty.extend(from / SECTOR..to.div_ceil(SECTOR));
        }
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn listed(names: &BTreeMap<PathBuf, usize>, folders: &BTreeSet<PathBuf>, dir: &Path) -> io::Result<Vec<String>> {
    if !folders.contains(dir) {
        return Err(missing());
    }
    let within = |path: &&PathBuf| path.parent() == Some(dir);
    let mut found: Vec<String> = names
        .keys()
        .filter(within)
        .chain(folders.iter().filter(within))
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    found.sort();
    Ok(found)
}

impl Disk for SimDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.powered()?;
        state.folders.extend(dir.ancestors().map(Path::to_path_buf));
        Ok(())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.powered()?;
        let file = *state.names.get(path).ok_or_else(missing)?;
        Ok(Box::new(SimFile { disk: self.clone(), file }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.powered()?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.files.len();
        state.files.push(Content::default());
        state.rename(Naming::Link(path.to_path_buf(), file));
        Ok(Box::new(SimFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.powered()?;
        let file = *state.names.get(from).ok_or_else(missing)?;
        state.rename(Naming::Move(from.to_path_buf(), to.to_path_buf(), file));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.powered()?;
        if !state.names.contains_key(path) {
            return Err(missing());
        }
        state.rename(Naming::Unlink(path.to_path_buf()));
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.powered()?;
        listed(&state.names, &state.folders, dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let state = &mut *self.state();
        state.powered()?;
        if state.trouble == Some(Trouble::SyncFails) {
            state.trouble = None;
            return Err(io::Error::other("input/output error (simulated)"));
        }
        let (ready, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.naming).into_iter().partition(|change| change.path().parent() == Some(dir));
        state.naming = later;
        for change in &ready {
            change.apply(&mut state.durable_names);
        }
        state.synced += 1;
        Ok(())
    }

    fn mode(&self, _path: &Path) -> io::Result<u32> {
        Ok(0o600)
    }

    fn lock(&self, _path: &Path) -> Result<Box<dyn DiskLock>, LockFailure> {
        Ok(Box::new(Lock))
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[self.file].now.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        Ok(read(&state.files[self.file].now, buf, offset))
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.powered()?;
        if state.trouble == Some(Trouble::NoSpace) {
            state.trouble = None;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let content = &mut state.files[self.file];
        let (from, to) = (offset as usize, offset as usize + buf.len());
        if content.now.len() < to {
            content.now.resize(to, 0);
        }
        content.now[from..to].copy_from_slice(buf);
        content.touch(from, to);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let state = &mut *self.disk.state();
        state.powered()?;
        let content = &mut state.files[self.file];
        let failed = || Err(io::Error::other("input/output error (simulated)"));
        match state.trouble {
            Some(Trouble::SyncFails) => {
                state.trouble = None;
                failed()
            }
            Some(Trouble::SyncFailsAndForgets) => {
                state.trouble = None;
                content.leak(&mut state.random);
                content.dirty.clear();
                failed()
            }
            _ => {
                content.sync();
                state.synced += 1;
                Ok(())
            }
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.powered()?;
        let content = &mut state.files[self.file];
        let (old, new) = (content.now.len(), len as usize);
        content.now.resize(new, 0);
        content.touch(old.min(new), old.max(new));
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.powered()?;
        let content = &mut state.files[self.file];
        if content.now.len() < len as usize {
            content.now.resize(len as usize, 0);
        }
        Ok(())
    }
}

fn read(bytes: &[u8], buf: &mut [u8], offset: u64) -> usize {
    let rest = bytes.get(offset as usize..).unwrap_or_default();
    let count = rest.len().min(buf.len());
    buf[..count].copy_from_slice(&rest[..count]);
    count
}

/// The disk as a power cut would leave it. For reading only.
#[derive(Debug)]
pub struct DurableView(SimDisk);

#[derive(Debug)]
struct DurableFile(SimDisk, usize);

fn read_only<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for DurableView {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        read_only()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = *self.0.state().durable_names.get(path).ok_or_else(missing)?;
        Ok(Box::new(DurableFile(self.0.clone(), file)))
    }

    fn create(&self, _path: &Path) -> io::Result<Box<dyn DiskFile>> {
        read_only()
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        read_only()
    }

    fn remove(&self, _path: &Path) -> io::Result<()> {
        read_only()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.0.state();
        listed(&state.durable_names, &state.folders, dir)
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        read_only()
    }

    fn mode(&self, _path: &Path) -> io::Result<u32> {
        Ok(0o600)
    }

    fn lock(&self, _path: &Path) -> Result<Box<dyn DiskLock>, LockFailure> {
        Ok(Box::new(Lock))
    }
}

impl DiskFile for DurableFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.state().files[self.1].durable.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(read(&self.0.state().files[self.1].durable, buf, offset))
    }

    fn write_at(&self, _buf: &[u8], _offset: u64) -> io::Result<()> {
        read_only()
    }

    fn sync_data(&self) -> io::Result<()> {
        read_only()
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        read_only()
    }

    fn allocate(&self, _len: u64) -> io::Result<()> {
        read_only()
    }
}
