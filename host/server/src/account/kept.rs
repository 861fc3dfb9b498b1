//! A file of the data folder that the host and the command line both change: for its owner only, written whole or not
//! at all, under a lock beside it; and read again whenever it has changed, so that what is done on the machine holds at
//! once.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use huiyin_files::{read_private, write_private};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What the file is called, and what stands in it.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) file: &'static str,
    pub(super) lock: &'static str,
    pub(super) format: &'static str,
    /// The member of the file that has the entries.
    pub(super) member: &'static str,
}

const MAX_FILE: u64 = 16 << 20;

/// Why the file cannot be used.
#[derive(Debug)]
pub(super) struct KeptError {
    pub(super) path: PathBuf,
    pub(super) why: String,
}

/// What tells one file from the next: inode, length, time of its last change.
type Mark = (u64, u64, i64, i64);

type All<T> = Arc<BTreeMap<String, T>>;

/// The entries of a file, by name.
#[derive(Debug)]
pub(super) struct Kept<T> {
    folder: PathBuf,
    names: Names,
    read: Mutex<Option<(Option<Mark>, All<T>)>>,
}

impl<T: Serialize + DeserializeOwned> Kept<T> {
    pub(super) fn of(folder: &Path, names: Names) -> Kept<T> {
        Kept { folder: folder.to_owned(), names, read: Mutex::new(None) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// All entries: read again where the file has changed.
    pub(super) fn all(&self) -> Result<All<T>, KeptError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = self.mark()?;
        if let Some((known, all)) = &*read
            && *known == mark
        {
            return Ok(Arc::clone(all));
        }
        let all = Arc::new(self.load()?);
        *read = Some((mark, Arc::clone(&all)));
        Ok(all)
    }

    /// Changes the entries; what fails changes nothing.
    pub(super) fn change<R, E: From<KeptError>>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, T>) -> Result<R, E>,
    ) -> Result<R, E> {
        let path = self.folder.join(self.names.lock);
        let io = |error: std::io::Error| KeptError { path: path.clone(), why: error.to_string() };
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(io)?;
        // Held by others for milliseconds only.
        lock.lock().map_err(io)?;
        let mut all = self.load()?;
        let done = change(&mut all)?;
        let wrong = |why: String| self.wrong(why);
        let entries = serde_json::to_value(&all).map_err(|error| wrong(error.to_string()))?;
        let stored =
            Map::from_iter([("format".to_owned(), self.names.format.into()), (self.names.member.to_owned(), entries)]);
        let text = serde_json::to_vec_pretty(&stored).map_err(|error| wrong(error.to_string()))?;
        write_private(&self.path(), &text).map_err(|error| wrong(error.to_string()))?;
        Ok(done)
    }

    fn load(&self) -> Result<BTreeMap<String, T>, KeptError> {
        let Some(bytes) = read_private(&self.path(), MAX_FILE).map_err(|error| self.wrong(error.to_string()))? else {
            return Ok(BTreeMap::new());
        };
        let mut stored: Map<String, Value> =
            serde_json::from_slice(&bytes).map_err(|error| self.wrong(error.to_string()))?;
        let format = stored.remove("format").unwrap_or_default();
        if format != self.names.format {
            return Err(self.wrong(format!("its format is {format}, and this version reads {}", self.names.format)));
        }
        let entries = stored.remove(self.names.member).unwrap_or_default();
        if let Some(more) = stored.keys().next() {
            return Err(self.wrong(format!("it has a member `{more}`, which this version does not know")));
        }
        serde_json::from_value(entries).map_err(|error| self.wrong(error.to_string()))
    }

    fn mark(&self) -> Result<Option<Mark>, KeptError> {
        match File::open(self.path()).and_then(|file| file.metadata()) {
            Ok(meta) => Ok(Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.wrong(error.to_string())),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(self.names.file)
    }

    fn wrong(&self, why: String) -> KeptError {
        KeptError { path: self.path(), why }
    }
}
