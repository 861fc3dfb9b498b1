//! The segment journal: opening, recovery, and the [`Journal`] it is then.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};

use crate::disk::{Disk, DiskLock, LockFailure, RealDisk};
use crate::frame::SEGMENT_HEADER;
use crate::index::{FrameRef, Index, Segment};
use crate::prepare::{Prepared, size};
use crate::read::{Records, TreeRecords};
use crate::ring::{Ring, lock};
use crate::shared::{Settings, Shared};
use crate::writer::{Writer, create_segment, is_segment, segment_path};
use crate::{
    AppendFuture, BlobId, Coming, Draft, Journal, JournalError, RecordIter, Unsettled, Upcasters, files, record, scan,
    seal,
};

/// How a segment journal is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The disk beneath.
    pub disk: Arc<dyn Disk>,
    /// Name of the host in `source` of new records (`huiyin:<host>`), used when the journal is
    /// made; a random one if none is given. Later opens keep the name the journal has.
    pub host: Option<String>,
    /// The master key file; `<dir>/keys/master.key` if none is given.
    pub master_key: Option<PathBuf>,
    /// Size at which a new segment file is begun (bytes).
    pub segment_bytes: u64,
    /// Tree size of the last signed checkpoint: a shorter journal is refused.
    pub expected_min_size: Option<u64>,
    /// Limit of one record's payload (bytes).
    pub max_payload_bytes: u64,
    /// Limit of one batch's payloads together (bytes).
    pub max_batch_bytes: u64,
    /// Limit of one blob (bytes).
    pub max_blob_bytes: u64,
    /// Limit of what waits for the disk (bytes); beyond it appends are told [`JournalError::Busy`].
    pub max_queued_bytes: u64,
    /// Gives up a last group that is damaged otherwise than a power cut leaves it; its bytes are kept
    /// beside ([`SegmentJournal::given_up`]). Only for a person who decided so.
    pub repair: bool,
    /// Brings payloads of old record types up to date when they are read.
    pub upcasters: Arc<Upcasters>,
    /// A fault on purpose, to show that the tests find it.
    #[cfg(feature = "faults")]
    #[doc(hidden)]
    pub planted: Option<crate::faults::PlantedBug>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            disk: Arc::new(RealDisk),
            host: None,
            master_key: None,
            segment_bytes: 64 << 20,
            expected_min_size: None,
            max_payload_bytes: 4 << 20,
            max_batch_bytes: 32 << 20,
            max_blob_bytes: 64 << 20,
            max_queued_bytes: 64 << 20,
            repair: false,
            upcasters: Arc::default(),
            #[cfg(feature = "faults")]
            planted: None,
        }
    }
}

/// The append-only log in segment files. One process at a time has it open.
#[derive(Debug)]
pub struct SegmentJournal {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    dir: PathBuf,
    given_up: Option<GivenUp>,
    /// Released last.
    _lock: Box<dyn DiskLock>,
}

/// The file `journal.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    format: u32,
    host: String,
}

const FORMAT: u32 = 1;

/// The folder, within the journal's, of groups that were given up.
const GIVEN_UP: &str = "given-up";

impl SegmentJournal {
    /// Opens the journal in `dir`, or makes it. Every segment is read and checked; a torn end is
    /// cut, other damage is an error with its place.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self, JournalError> {
        let (mut journal, writer) = Self::recovered(dir.as_ref(), options)?;
        let writer = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
            .map_err(|e| JournalError::io("starting the writer of", &journal.dir, &e))?;
        journal.writer = Some(writer);
        Ok(journal)
    }

    /// As [`SegmentJournal::open`], without the writer's thread: whoever holds the stepper says
    /// when the writer takes its next turn. For simulations in one thread.
    #[cfg(feature = "faults")]
    pub fn open_stepped(
        dir: impl AsRef<Path>,
        options: Options,
    ) -> Result<(Self, crate::faults::Stepper), JournalError> {
        let (journal, writer) = Self::recovered(dir.as_ref(), options)?;
        Ok((journal, crate::faults::Stepper::new(writer)))
    }

    /// The journal as the disk has it, and the writer that nobody runs yet.
    #[allow(clippy::needless_pass_by_value)] // options are made for one journal
    fn recovered(dir: &Path, options: Options) -> Result<(Self, Writer), JournalError> {
        let disk = options.disk.clone();
        files::make_dir(&*disk, dir)?;
        for folder in ["segments", "keys", "blobs"].map(|name| dir.join(name)) {
            disk.create_dir(&folder).map_err(|e| JournalError::io("making", &folder, &e))?;
        }
        let lock_path = dir.join("lock");
        let lock = disk.lock(&lock_path).map_err(|failure| match failure {
            LockFailure::Held(pid) => JournalError::Locked { dir: dir.to_path_buf(), pid },
            LockFailure::Io(e) => JournalError::io("locking", &lock_path, &e),
        })?;
        // A name, too, may be in the system's cache only.
        for folder in [dir.to_path_buf(), dir.join("segments"), dir.join("keys")] {
            disk.sync_dir(&folder).map_err(|e| JournalError::sync(&folder, &e))?;
        }
        // The first segment is made last, so when there is one, everything else must be there.
        let segments = dir.join("segments");
        let names = disk.list(&segments).map_err(|e| JournalError::io("listing", &segments, &e))?;
        let fresh = !names.iter().any(|n| is_segment(n));
        let meta = load_meta(&*disk, dir, options.host.as_deref(), fresh)?;
        let master = options.master_key.clone().unwrap_or_else(|| dir.join("keys").join("master.key"));
        let ring = Ring::open(&*disk, &dir.join("keys"), &master, fresh)?;
        let (index, tail) = recover(&*disk, dir, &options)?;
        // A clean end says that everything was confirmed; nothing else does.
        if tail.as_ref().is_some_and(|tail| !tail.clean) {
            ring.renew()?;
        }
        if let Some(expected) = options.expected_min_size.filter(|&e| e > index.size) {
            return Err(JournalError::ShorterThanCheckpoint { expected, found: index.size });
        }
        let settings = Settings {
            source: format!("huiyin:{}", meta.host),
            segment_bytes: options.segment_bytes.max(4096),
            max_payload: options.max_payload_bytes,
            max_batch: options.max_batch_bytes,
            max_blob: options.max_blob_bytes,
            max_queued: options.max_queued_bytes,
            upcasters: options.upcasters.clone(),
        };
        let next_index = index.size;
        let shared = Arc::new(Shared::new(disk, dir, settings, ring, index));
        let tail = match tail {
            Some(tail) => tail,
            None => first_segment(&shared)?,
        };
        let given_up = tail.given_up;
        #[cfg(feature = "faults")]
        let planted_no_sync = options.planted == Some(crate::faults::PlantedBug::NoSync);
        #[cfg(not(feature = "faults"))]
        let planted_no_sync = false;
        let writer = Writer {
            shared: shared.clone(),
            segment: tail.segment,
            number: tail.number,
            offset: tail.offset,
            capacity: tail.capacity,
            written: tail.offset,
            next_index,
            closed: tail.closed,
            has_records: tail.has_records,
            planted_no_sync,
        };
        Ok((Self { shared, writer: None, dir: dir.to_path_buf(), given_up, _lock: lock }, writer))
    }

    /// The journal's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What was given up when it was opened, where that was asked for ([`Options::repair`]) and needed.
    pub fn given_up(&self) -> Option<&GivenUp> {
        self.given_up.as_ref()
    }

    /// Where a record lies: the segment's file, and where its group begins (bytes from the start).
    pub fn place_of(&self, index: u64) -> Option<(PathBuf, u64)> {
        let (place, segment) = self.shared.index().frame_of(index)?;
        Some((segment.path, place.offset))
    }

    /// `source` of new records: `huiyin:<host>`.
    pub fn source(&self) -> &str {
        &self.shared.source
    }

    /// Why nothing can be appended any more, if so.
    pub fn failure(&self) -> Option<JournalError> {
        self.shared.queue.poisoned()
    }

    fn place(
        &self,
        partition: u32,
        expected: u64,
        batch: Vec<Draft>,
    ) -> Result<oneshot::Receiver<Result<crate::Appended, JournalError>>, JournalError> {
        if batch.is_empty() {
            return Err(JournalError::Invalid { field: "batch", why: "is empty".into() });
        }
        size("a batch", batch.iter().map(|d| d.payload.len()).sum(), self.shared.max_batch)?;
        batch.iter().try_for_each(record::check)?;
        let prepared = batch
            .into_iter()
            .map(|draft| {
                let key = self.shared.ring.for_sealing(&draft.key)?;
                Prepared::new(draft, self.shared.max_payload, key)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (reply, answer) = oneshot::channel();
        self.shared.queue.push(partition, expected, prepared, reply)?;
        Ok(answer)
    }
}

impl Drop for SegmentJournal {
    fn drop(&mut self) {
        self.shared.queue.stop();
        if let Some(writer) = self.writer.take() {
            // A panic of the writer has already poisoned the queue.
            let _ = writer.join();
        }
    }
}

impl Journal for SegmentJournal {
    fn append(&self, partition: u32, expected_seq: u64, batch: Vec<Draft>) -> AppendFuture {
        let placed = self.place(partition, expected_seq, batch);
        Box::pin(async move {
            placed?
                .await
                .unwrap_or_else(|_| Err(JournalError::Poisoned { cause: "the writer stopped unexpectedly".into() }))
        })
    }

    fn coming(&self) -> Coming {
        self.shared.queue.coming()
    }

    fn read(&self, partition: u32, from_seq: u64) -> Result<RecordIter, JournalError> {
        Ok(Box::new(Records::new(self.shared.clone(), partition, from_seq)))
    }

    fn read_all(&self, from_index: u64) -> Result<RecordIter, JournalError> {
        Ok(Box::new(TreeRecords::new(self.shared.clone(), from_index)))
    }

    fn last_seq(&self, partition: u32) -> u64 {
        self.shared.queue.last_seq(partition)
    }

    fn size(&self) -> u64 {
        self.shared.index().size
    }

    fn put_blob(&self, key: &str, bytes: &[u8]) -> Result<BlobId, JournalError> {
        crate::blob::put(&self.shared, key, bytes)
    }

    fn get_blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, JournalError> {
        crate::blob::get(&self.shared, id)
    }

    fn unsettled_blobs(&self) -> Result<Option<Unsettled>, JournalError> {
        lock(&self.shared.unsettled).found(&self.shared)
    }

    fn settle_blobs(&self, blobs: &[BlobId]) -> Result<(), JournalError> {
        lock(&self.shared.unsettled).settle(&self.shared, blobs)
    }

    fn remove_blob(&self, id: &BlobId) -> Result<(), JournalError> {
        crate::blob::remove(&self.shared, id)
    }

    fn destroy_key(&self, key: &str) -> Result<(), JournalError> {
        self.shared.ring.destroy(key).map(|_| ())
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.shared.size.subscribe()
    }

    fn leaves(&self, from_index: u64, max: usize) -> Result<Vec<Bytes>, JournalError> {
        crate::read::leaves(&self.shared, from_index, max)
    }
}

fn load_meta(disk: &dyn Disk, dir: &Path, host: Option<&str>, fresh: bool) -> Result<Meta, JournalError> {
    let path = dir.join("journal.json");
    if let Some(bytes) = files::read(disk, &path)? {
        let meta: Meta = serde_json::from_slice(&bytes)
            .map_err(|e| JournalError::damaged(&path, 0, format!("{e}; restore the file from a backup")))?;
        if meta.format != FORMAT {
            let why =
                format!("format {} is not known to this program (it knows {FORMAT}); use a newer one", meta.format);
            return Err(JournalError::damaged(&path, 0, why));
        }
        record::token("host", &meta.host, 64).map_err(|e| JournalError::damaged(&path, 0, e.to_string()))?;
        return Ok(meta);
    }
    if !fresh {
        return Err(JournalError::damaged(&path, 0, "is missing beside existing segments; restore it from a backup"));
    }
    let host = if let Some(host) = host {
        host.to_owned()
    } else {
        let mut bytes = [0; 6];
        seal::random(&mut bytes)?;
        hex::encode(bytes)
    };
    record::token("host", &host, 64)?;
    let meta = Meta { format: FORMAT, host };
    let bytes = serde_json::to_vec(&meta).map_err(|e| JournalError::Invalid { field: "host", why: e.to_string() })?;
    files::write_new(disk, dir, &path, &bytes)?;
    Ok(meta)
}

/// Where writing goes on.
struct Tail {
    segment: Segment,
    number: u32,
    offset: u64,
    capacity: u64,
    closed: bool,
    /// Whether the journal was closed cleanly when it was last used.
    clean: bool,
    has_records: bool,
    given_up: Option<GivenUp>,
}

fn first_segment(shared: &Shared) -> Result<Tail, JournalError> {
    let segment = create_segment(shared, 0, shared.segment_bytes)?;
    shared.index_mut().segments.push(segment.clone());
    // An empty segment needs no closing frame.
    Ok(Tail {
        segment,
        number: 0,
        offset: SEGMENT_HEADER as u64,
        capacity: shared.segment_bytes,
        closed: true,
        clean: true,
        has_records: false,
        given_up: None,
    })
}

/// Reads every segment; the tail is none in a new journal.
fn recover(disk: &dyn Disk, journal: &Path, options: &Options) -> Result<(Index, Option<Tail>), JournalError> {
    let dir = &*journal.join("segments");
    let mut names = disk.list(dir).map_err(|e| JournalError::io("listing", dir, &e))?;
    for left_over in names.iter().filter(|n| n.ends_with(files::TEMPORARY)) {
        let path = dir.join(left_over);
        disk.remove(&path).map_err(|e| JournalError::io("removing", &path, &e))?;
    }
    names.retain(|n| is_segment(n));
    let mut index = Index::default();
    let mut tail = None;
    for (number, name) in names.iter().enumerate() {
        let path = dir.join(name);
        if segment_path(dir, index.size) != path {
            let why = format!(
                "a segment that starts with record {} of the tree was expected here; a file is missing or cut short, restore it from a backup",
                index.size
            );
            return Err(JournalError::damaged(&path, 0, why));
        }
        let last = number + 1 == names.len();
        let file = disk.open(&path).map_err(|e| JournalError::io("opening", &path, &e))?;
        let bytes = Bytes::from(file.read_all().map_err(|e| JournalError::io("reading", &path, &e))?);
        let found =
            scan::scan(&bytes, last, options.repair).map_err(|(at, why)| JournalError::damaged(&path, at, why))?;
        for frame in &found.frames {
            let place = FrameRef {
                first_index: frame.first_index,
                offset: frame.offset,
                len: frame.len,
                segment: number as u32,
            };
            index.add(place, &frame.runs).map_err(|why| JournalError::damaged(&path, frame.offset, why))?;
        }
        if found.next_index != index.size {
            return Err(JournalError::damaged(
                &path,
                0,
                "the segment's name and its records do not agree; restore it from a backup",
            ));
        }
        let segment = Segment { path, file: file.into() };
        index.segments.push(segment.clone());
        if last {
            let expected = options.expected_min_size.unwrap_or(0);
            if index.size < expected {
                // Before anything is cut.
                return Err(JournalError::ShorterThanCheckpoint { expected, found: index.size });
            }
            let given_up =
                if found.damaged { Some(keep(disk, journal, &segment.path, found.end, &bytes)?) } else { None };
            let settled = settle(segment, number as u32, &found, &bytes, options.segment_bytes)?;
            tail = Some(Tail { given_up, ..settled });
        }
    }
    Ok((index, tail))
}

/// A group that was given up, and where its bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The segment's file.
    pub file: PathBuf,
    /// Where the group began in it (bytes from the start).
    pub offset: u64,
    /// How many bytes it had, without the zeros behind it.
    pub bytes: u64,
    /// Where they are kept.
    pub kept: PathBuf,
}

/// Writes what is about to be cut away into a file of its own, durably.
fn keep(disk: &dyn Disk, journal: &Path, segment: &Path, offset: u64, bytes: &Bytes) -> Result<GivenUp, JournalError> {
    let cut = bytes.get(offset as usize..).unwrap_or_default();
    let end = cut.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let cut = cut.get(..end).unwrap_or_default();
    let folder = journal.join(GIVEN_UP);
    files::make_dir(disk, &folder)?;
    let name = segment.file_stem().unwrap_or_default().to_string_lossy();
    let taken = disk.list(&folder).map_err(|e| JournalError::io("listing", &folder, &e))?;
    // The same place may be given up twice.
    let free = (0_u32..).map(|again| match again {
        0 => format!("{name}-{offset}"),
        _ => format!("{name}-{offset}-{again}"),
    });
    let name = free.into_iter().find(|name| !taken.contains(name)).unwrap_or_default();
    let kept = folder.join(name);
    files::write_new(disk, &folder, &kept, cut)?;
    tracing::warn!(file = %segment.display(), offset, kept = %kept.display(), "gave up a damaged group");
    Ok(GivenUp { file: segment.to_path_buf(), offset, bytes: cut.len() as u64, kept })
}

/// Makes the end of the last segment certain: a torn group is wiped, and the last whole one is
/// written again and synced, since it may lie in the system's cache only: left there by a killed
/// process, or by a sync that failed, after which Linux takes it for written and syncs it no more.
/// Those before it were confirmed, or it would not be there. Then space is reserved.
fn settle(
    segment: Segment,
    number: u32,
    found: &scan::Scanned,
    bytes: &[u8],
    segment_bytes: u64,
) -> Result<Tail, JournalError> {
    let (path, file, len) = (&segment.path, &segment.file, bytes.len() as u64);
    if let Some(last) = bytes.get(found.last as usize..found.end as usize).filter(|last| !last.is_empty()) {
        file.write_at(last, found.last).map_err(|e| JournalError::io("writing", path, &e))?;
    }
    if found.torn {
        tracing::warn!(file = %path.display(), offset = found.end, bytes = len - found.end, "cut a torn group that nobody was told of");
        file.set_len(found.end).map_err(|e| JournalError::io("cutting", path, &e))?;
        file.sync_data().map_err(|e| JournalError::sync(path, &e))?;
    }
    // A full disk must not keep anybody from reading; the next append will tell.
    let capacity = match file.allocate(len.max(segment_bytes)) {
        Ok(()) => len.max(segment_bytes),
        Err(e) => {
            tracing::warn!(file = %path.display(), error = %e, "no space could be reserved");
            found.end
        }
    };
    file.sync_data().map_err(|e| JournalError::sync(path, &e))?;
    Ok(Tail {
        segment,
        number,
        offset: found.end,
        capacity,
        closed: found.closed || found.end == SEGMENT_HEADER as u64,
        clean: found.closed && !found.torn,
        has_records: !found.frames.is_empty(),
        given_up: None,
    })
}
