//! The checkpoints of one log on disk, and the guard that keeps the log from ever contradicting one.
//!
//! `checkpoint` holds the latest note (the file tlog-tiles serves); `checkpoints/history.jsonl` every
//! note ever signed, one JSON object a line, append-only. The history is synced first, so a checkpoint
//! that anyone saw is in it. A checkpoint that is smaller than the last, or does not extend it, is never signed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::error::AuditError;
use crate::file::{patiently, replace_durably, sync_folder};
use crate::hash::Hash;
use crate::keys::{SignerKey, VerifierKey};
use crate::note::MAX_NOTE_BYTES;
use crate::tree::Tree;
use crate::verify::verify_consistency;

/// How much of the history's end is read at open: some forty checkpoints.
const TAIL_BYTES: u64 = 16 * 1024;
/// A longer line of the history is not a checkpoint (JSON may double the bytes of a note).
const MAX_LINE_BYTES: u64 = 2 * MAX_NOTE_BYTES as u64 + 64;

/// A line of the history: its number, from 1, and what it holds.
pub type HistoryLine = (u64, Result<SignedCheckpoint, CheckpointError>);

/// The stored checkpoints of one log.
pub struct CheckpointStore {
    latest_file: PathBuf,
    history_file: PathBuf,
    origin: String,
    known: Vec<VerifierKey>,
    /// Valid checkpoints from the end of the history, by size; the last is the latest of all.
    recent: Vec<SignedCheckpoint>,
    stopped: bool,
}

impl CheckpointStore {
    /// Reads the checkpoints below `folder` without writing anything.
    ///
    /// `known` are the keys whose signatures count: the current one and any retired ones.
    pub fn read(folder: &Path, origin: &str, known: Vec<VerifierKey>) -> Result<Self, AuditError> {
        let mut store = Self {
            latest_file: folder.join("checkpoint"),
            history_file: folder.join("checkpoints").join("history.jsonl"),
            origin: origin.to_owned(),
            known,
            recent: Vec::new(),
            stopped: false,
        };
        let mut first_problem = None;
        for line in store.tail()? {
            match store.open_line(&line) {
                Ok(signed) => store.admit(signed)?,
                Err(source) => first_problem = Some((store.history_file.clone(), source)),
            }
        }
        match read_limited(&store.latest_file)? {
            None => {}
            Some(note) => match SignedCheckpoint::open(&note, &store.known, Some(&store.origin)) {
                Ok(signed) => store.admit(signed)?,
                Err(source) => first_problem = Some((store.latest_file.clone(), source)),
            },
        }
        match first_problem {
            // Files that hold checkpoints, none of which can be used: going on would forget what was signed.
            Some((path, source)) if store.recent.is_empty() => Err(AuditError::Stored { path, source }),
            _ => Ok(store),
        }
    }

    /// Reads the checkpoints for signing more: makes the folders and mends what a crash left half done.
    pub fn open(folder: &Path, origin: &str, known: Vec<VerifierKey>) -> Result<Self, AuditError> {
        let checkpoints = folder.join("checkpoints");
        std::fs::create_dir_all(&checkpoints).map_err(at(&checkpoints))?;
        sync_folder(folder).map_err(at(folder))?;
        let store = Self::read(folder, origin, known)?;
        store.cut_torn_line().map_err(at(&store.history_file))?;
        if let Some(latest) = store.latest() {
            let last_line = store.tail()?.pop().and_then(|line| store.open_line(&line).ok());
            if last_line.as_ref() != Some(latest) {
                store.append(latest).map_err(at(&store.history_file))?;
            }
            let note = latest.note.to_string();
            if read_limited(&store.latest_file)?.as_deref() != Some(note.as_str()) {
                replace_durably(&store.latest_file, note.as_bytes()).map_err(at(&store.latest_file))?;
            }
        }
        Ok(store)
    }

    /// The latest checkpoint that was signed.
    pub fn latest(&self) -> Option<&SignedCheckpoint> {
        self.recent.last()
    }

    /// Sizes and roots of the latest checkpoints, oldest first.
    pub(crate) fn marks(&self) -> Vec<(u64, Hash)> {
        self.recent.iter().map(|signed| (signed.checkpoint.size, signed.checkpoint.root)).collect()
    }

    /// The stored checkpoint of exactly that size.
    pub fn of_size(&self, size: u64) -> Result<SignedCheckpoint, AuditError> {
        if let Some(found) = self.recent.iter().find(|signed| signed.checkpoint.size == size) {
            return Ok(found.clone());
        }
        for line in self.lines()? {
            // Signatures cost most: only that of the one wanted is verified.
            let (_, line) = line?;
            if parse_line(&line).is_ok_and(|signed| signed.checkpoint.size == size)
                && let Ok(signed) = self.open_line(&line)
            {
                return Ok(signed);
            }
        }
        Err(AuditError::NoCheckpoint(size))
    }

    /// The known keys that signed these checkpoints, each once.
    pub(crate) fn keys_of<'c>(&self, signed: impl IntoIterator<Item = &'c SignedCheckpoint>) -> Vec<VerifierKey> {
        let mut keys = Vec::new();
        for key in signed.into_iter().filter_map(|signed| signed.note.verify(&self.known).ok()) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        keys
    }

    /// Every line of the history with its number, in the order of signing, read as it goes.
    /// The inner error says what is wrong with that line; the others can still be read.
    pub fn history(&self) -> Result<impl Iterator<Item = Result<HistoryLine, AuditError>> + '_, AuditError> {
        Ok(self.lines()?.map(|line| line.map(|(number, line)| (number, self.open_line(&line)))))
    }

    fn lines(&self) -> Result<impl Iterator<Item = Result<(u64, Vec<u8>), AuditError>> + '_, AuditError> {
        let mut reader = match patiently(|| File::open(&self.history_file)) {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(at(&self.history_file)(error)),
        };
        let mut number = 0;
        Ok(std::iter::from_fn(move || {
            let mut line = Vec::new();
            match reader.as_mut()?.take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) => None,
                // The last line without its end was torn by a crash before anyone saw it.
                Ok(_) if line.last() != Some(&b'\n') && (line.len() as u64) < MAX_LINE_BYTES => None,
                Ok(_) => {
                    number += 1;
                    Some(Ok((number, line)))
                }
                Err(error) => {
                    reader = None;
                    Some(Err(at(&self.history_file)(error)))
                }
            }
        }))
    }

    /// Signs and stores a checkpoint of the tree as it stands, if it extends the last one.
    ///
    /// With nothing new since the last checkpoint, that one is returned again.
    pub fn sign(&mut self, tree: &Tree, signer: &SignerKey) -> Result<SignedCheckpoint, AuditError> {
        if self.stopped {
            return Err(AuditError::Stopped);
        }
        let size = tree.size();
        let root = tree.root(size)?;
        if let Some(last) = self.latest() {
            let Checkpoint { size: signed_size, root: signed_root, .. } = last.checkpoint;
            if signed_size > size {
                return Err(AuditError::Shorter { signed: signed_size, leaves: size });
            }
            let computed = tree.root(signed_size)?;
            let proof = tree.consistency(signed_size, size)?;
            let extends =
                signed_size == 0 || verify_consistency(signed_size, size, &proof, &signed_root, &root).is_ok();
            if computed != signed_root || !extends {
                return Err(AuditError::Altered { size: signed_size, signed: signed_root, computed });
            }
            if signed_size == size {
                return Ok(last.clone());
            }
        }
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root, extensions: Vec::new() };
        let signed = SignedCheckpoint::sign(checkpoint, signer)?;
        // Only what this store will accept again is signed.
        signed.note.verify(&self.known).map_err(CheckpointError::from)?;
        // Whatever fails from here on leaves the disk unknown; a later signature must not build on a guess.
        self.stopped = true;
        self.append(&signed).map_err(at(&self.history_file))?;
        let note = signed.note.to_string();
        replace_durably(&self.latest_file, note.as_bytes()).map_err(at(&self.latest_file))?;
        self.stopped = false;
        self.recent.push(signed.clone());
        // Openings look back at some of these; of_size finds older ones in the file.
        if self.recent.len() > 256 {
            self.recent.drain(..128);
        }
        Ok(signed)
    }

    /// Puts a checkpoint at its place among the recent ones.
    fn admit(&mut self, signed: SignedCheckpoint) -> Result<(), AuditError> {
        let (size, root) = (signed.checkpoint.size, signed.checkpoint.root);
        match self.recent.iter().find(|other| other.checkpoint.size == size) {
            Some(other) if other.checkpoint.root != root => {
                Err(AuditError::Forked { size, one: other.checkpoint.root, other: root })
            }
            Some(_) => Ok(()),
            None => {
                let place = self.recent.partition_point(|other| other.checkpoint.size < size);
                self.recent.insert(place, signed);
                Ok(())
            }
        }
    }

    fn open_line(&self, line: &[u8]) -> Result<SignedCheckpoint, CheckpointError> {
        let signed = parse_line(line)?;
        signed.accept(&self.known, Some(&self.origin))?;
        Ok(signed)
    }

    /// The whole lines at the end of the history.
    fn tail(&self) -> Result<Vec<Vec<u8>>, AuditError> {
        let mut file = match patiently(|| File::open(&self.history_file)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(&self.history_file)(error)),
        };
        let mut read = || -> io::Result<Vec<Vec<u8>>> {
            let length = file.metadata()?.len();
            let start = length.saturating_sub(TAIL_BYTES);
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            (&file).take(TAIL_BYTES).read_to_end(&mut bytes)?;
            let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            lines.pop();
            if start > 0 && !lines.is_empty() {
                lines.remove(0);
            }
            Ok(lines)
        };
        read().map_err(at(&self.history_file))
    }

    fn append(&self, signed: &SignedCheckpoint) -> io::Result<()> {
        let fresh = !self.history_file.exists();
        let mut file = patiently(|| OpenOptions::new().create(true).append(true).open(&self.history_file))?;
        file.write_all(format!("{}\n", json!({ "note": signed.note.to_string() })).as_bytes())?;
        file.sync_all()?;
        match self.history_file.parent() {
            Some(folder) if fresh => sync_folder(folder),
            _ => Ok(()),
        }
    }

    /// Cuts off a last line without its newline: a crash stopped it before anyone saw the checkpoint.
    fn cut_torn_line(&self) -> io::Result<()> {
        let mut file = match patiently(|| OpenOptions::new().read(true).write(true).open(&self.history_file)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        let start = length.saturating_sub(MAX_LINE_BYTES);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&file).take(MAX_LINE_BYTES).read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last as u64 + 1);
        if start + whole < length && (whole > 0 || start == 0) {
            file.set_len(start + whole)?;
            file.sync_all()?;
        }
        Ok(())
    }
}

/// A line of the history, whoever signed it.
fn parse_line(line: &[u8]) -> Result<SignedCheckpoint, CheckpointError> {
    let value: Value = serde_json::from_slice(line).map_err(|_| CheckpointError::Line)?;
    let note = value.get("note").and_then(Value::as_str).ok_or(CheckpointError::Line)?;
    SignedCheckpoint::parse_unverified(note)
}

fn read_limited(path: &Path) -> Result<Option<String>, AuditError> {
    let file = match patiently(|| File::open(path)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_NOTE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(at(path))?;
    // Bytes that are not UTF-8 become signs that no note may hold; parsing then says so.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> AuditError + use<> {
    let path = path.to_owned();
    move |source| AuditError::Io { path, source }
}
