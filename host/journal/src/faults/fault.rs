//! A disk that refuses and falsifies on command.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::Seeded;
use crate::disk::{Disk, DiskFile, DiskLock, LockFailure};
use crate::ring::lock;

/// What goes wrong. Counting starts when the fault is set; the first operation is number 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The nth write, and every later one, finds no space.
    NoSpaceAtWrite(u64),
    /// The nth growing of a file, and every later one, finds no space.
    NoSpaceAtGrow(u64),
    /// The nth sync (of a file or folder) fails; later ones succeed, as on Linux.
    ErrorAtSync(u64),
    /// Every read returns at most this many bytes.
    ShortReads(usize),
    /// Every nth read has one bit flipped, chosen by the seed.
    FlipBits {
        /// Which reads: every nth.
        every: u64,
        /// Seed of the choice.
        seed: u64,
    },
}

#[derive(Debug, Default)]
struct Plan {
    fault: Mutex<Option<Fault>>,
    writes: AtomicU64,
    grows: AtomicU64,
    syncs: AtomicU64,
    reads: AtomicU64,
}

/// A disk with faults on top of another.
#[derive(Debug, Clone)]
pub struct FaultDisk {
    inner: Arc<dyn Disk>,
    plan: Arc<Plan>,
}

#[derive(Debug)]
struct FaultFile {
    inner: Box<dyn DiskFile>,
    plan: Arc<Plan>,
}

impl FaultDisk {
    /// A faultless disk on `inner`.
    pub fn new(inner: Arc<dyn Disk>) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Sets or (with `None`) ends the fault, and counts anew.
    pub fn set(&self, fault: Option<Fault>) {
        *lock(&self.plan.fault) = fault;
        for count in [&self.plan.writes, &self.plan.grows, &self.plan.syncs, &self.plan.reads] {
            count.store(0, Ordering::SeqCst);
        }
    }

    /// Syncs since the fault was set.
    pub fn syncs(&self) -> u64 {
        self.plan.syncs.load(Ordering::SeqCst)
    }

    fn wrap(&self, inner: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(FaultFile { inner, plan: self.plan.clone() })
    }
}

impl Plan {
    fn fault(&self) -> Option<Fault> {
        *lock(&self.fault)
    }

    fn write(&self) -> io::Result<()> {
        let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fault() {
            Some(Fault::NoSpaceAtWrite(n)) if number >= n => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    fn grow(&self) -> io::Result<()> {
        let number = self.grows.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fault() {
            Some(Fault::NoSpaceAtGrow(n)) if number >= n => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let number = self.syncs.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fault() {
            Some(Fault::ErrorAtSync(n)) if number == n => Err(io::Error::other("input/output error (injected)")),
            _ => Ok(()),
        }
    }
}

impl Disk for FaultDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.create_dir(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.wrap(self.inner.open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.wrap(self.inner.create(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.plan.sync()?;
        self.inner.sync_dir(dir)
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        self.inner.mode(path)
    }

    fn owner(&self, path: &Path) -> io::Result<u32> {
        self.inner.owner(path)
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn DiskLock>, LockFailure> {
        self.inner.lock(path)
    }
}

impl DiskFile for FaultFile {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let number = self.plan.reads.fetch_add(1, Ordering::SeqCst) + 1;
        match self.plan.fault() {
            Some(Fault::ShortReads(most)) => {
                let most = most.max(1).min(buf.len());
                self.inner.read_at(&mut buf[..most], offset)
            }
            Some(Fault::FlipBits { every, seed }) if number.is_multiple_of(every.max(1)) => {
                let read = self.inner.read_at(buf, offset)?;
                if read > 0 {
                    let choice = Seeded(seed.wrapping_add(number)).next() as usize % (read * 8);
                    buf[choice / 8] ^= 1 << (choice % 8);
                }
                Ok(read)
            }
            _ => self.inner.read_at(buf, offset),
        }
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.plan.write()?;
        self.inner.write_at(buf, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.plan.sync()?;
        self.inner.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.plan.grow()?;
        self.inner.allocate(len)
    }
}
