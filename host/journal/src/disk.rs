//! The only way the journal touches files.
//!
//! Every file operation goes through [`Disk`] and [`DiskFile`], so that a test can put a disk
//! underneath that loses, tears or refuses (see `faults`). Nothing here knows what is stored.

use std::fmt::Debug;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// A file system, as far as the journal needs one.
pub trait Disk: Send + Sync + Debug {
    /// Makes a folder (mode 0700) and its parents; fine if it is there.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Makes a new file (mode 0600) and opens it; fails if it exists.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name, replacing what has that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Names of the entries of a folder, sorted; files and folders alike.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes the folder's entries (created, renamed, removed) durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Permission bits of a file (`0o600`, …).
    fn mode(&self, path: &Path) -> io::Result<u32>;
    /// User id of the one a file belongs to; on a disk without users it is ours.
    fn owner(&self, _path: &Path) -> io::Result<u32> {
        Ok(huiyin_files::me())
    }
    /// Takes an exclusive lock on a file, made if missing; held until the guard is dropped
    /// or the process dies, however it dies.
    fn lock(&self, path: &Path) -> Result<Box<dyn DiskLock>, LockFailure>;
}

/// An open file. Positions are explicit; there is no cursor.
pub trait DiskFile: Send + Sync + Debug {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Reads at most `buf.len()` bytes; 0 means the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `buf`.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Returns when every byte written before is durable (`fdatasync`).
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts or extends (with zeros) the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Reserves space up to `len` bytes, reading as zeros, and sets the length to at least `len`.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Whether the file holds nothing.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads until `buf` is full or the file ends; returns how much was read.
    fn read_full_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.read_at(&mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    /// Reads the whole file.
    fn read_all(&self) -> io::Result<Vec<u8>> {
        let len = usize::try_from(self.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut bytes = vec![0; len];
        let read = self.read_full_at(&mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

/// A held lock; dropping it releases it.
pub trait DiskLock: Send + Sync + Debug {}

/// Why a lock was not had.
#[derive(Debug)]
pub enum LockFailure {
    /// Somebody else holds it; their process id, if they wrote it down.
    Held(Option<u32>),
    /// The system refused.
    Io(io::Error),
}

/// How long to wait for a file while too many are open.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens a file; while the process or the system has too many open, once others were closed. That passes by itself,
/// and must not be taken for a disk that fails.
fn patiently<T>(mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    use rustix::io::Errno;
    let too_many = |error: &io::Error| matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE));
    let began = Instant::now();
    loop {
        match open() {
            Err(error) if too_many(&error) && began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

/// The machine's own file system.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealDisk;

#[derive(Debug)]
struct RealFile(fs::File);

#[derive(Debug)]
struct RealLock {
    _file: fs::File,
}

impl DiskLock for RealLock {}

impl Disk for RealDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = patiently(|| fs::OpenOptions::new().read(true).write(true).open(path))?;
        Ok(Box::new(RealFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = patiently(|| fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path))?;
        Ok(Box::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in patiently(|| fs::read_dir(dir))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        patiently(|| fs::File::open(dir))?.sync_all()
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.permissions().mode() & 0o7777)
    }

    fn owner(&self, path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.uid())
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn DiskLock>, LockFailure> {
        let mut file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(LockFailure::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(path).ok().and_then(|s| s.trim().parse().ok());
                return Err(LockFailure::Held(pid));
            }
            Err(fs::TryLockError::Error(e)) => return Err(LockFailure::Io(e)),
        }
        let note = |file: &mut fs::File| {
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())
        };
        note(&mut file).map_err(LockFailure::Io)?;
        Ok(Box::new(RealLock { _file: file }))
    }
}

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(buf, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        if self.len()? >= len {
            return Ok(());
        }
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            match fallocate(&self.0, FallocateFlags::empty(), 0, len) {
                Ok(()) => return Ok(()),
                // Some file systems cannot reserve; a sparse file serves, only slower.
                Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
                Err(e) => return Err(e.into()),
            }
        }
        self.0.set_len(len)
    }
}
