//! What a disk holds of a journal, read without the journal's own opinion of it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::disk::{Disk, DiskFile};
use crate::frame::{self, FRAME_HEADER, SEGMENT_HEADER};
use crate::writer::is_segment;

/// A journal's records as they would be found if the power went now. It remembers how far it has
/// looked, so it serves one disk, and only until that disk loses something.
#[derive(Debug, Default, Clone)]
pub struct Durable {
    /// Per segment: how far it was found whole, and the tree size there.
    segments: HashMap<PathBuf, (u64, u64)>,
    last: BTreeMap<u32, u64>,
    size: u64,
}

impl Durable {
    /// Looks at the journal in `dir`; gives the number of records. Before anything leaves the
    /// process that record `n` of the tree caused, this must be above `n`.
    pub fn look(&mut self, disk: &dyn Disk, dir: &Path) -> io::Result<u64> {
        let segments = dir.join("segments");
        let mut names = disk.list(&segments)?;
        names.retain(|n| is_segment(n));
        for name in names {
            let path = segments.join(name);
            let (from, known) = self.segments.get(&path).copied().unwrap_or((0, 0));
            let file = disk.open(&path)?;
            let found = self.read_on(&*file, from, known)?;
            self.size = self.size.max(found.1);
            self.segments.insert(path, found);
        }
        Ok(self.size)
    }

    /// The number of records found.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The last record of a partition that was found; 0 for none.
    pub fn last_seq(&self, partition: u32) -> u64 {
        self.last.get(&partition).copied().unwrap_or(0)
    }

    fn read_on(&mut self, file: &dyn DiskFile, from: u64, known: u64) -> io::Result<(u64, u64)> {
        let (mut at, mut next) = (from, known);
        if at == 0 {
            let mut header = [0; SEGMENT_HEADER];
            file.read_full_at(&mut header, 0)?;
            match frame::parse_segment_header(&header) {
                Ok(first) => (at, next) = (SEGMENT_HEADER as u64, first),
                Err(_) => return Ok((0, 0)),
            }
        }
        loop {
            let mut head = [0; FRAME_HEADER];
            file.read_full_at(&mut head, at)?;
            let Some(found) = frame::parse_head(&head).filter(|h| h.first_index == next) else {
                return Ok((at, next));
            };
            let mut whole = vec![0; found.frame_len()];
            let read = file.read_full_at(&mut whole, at)?;
            if !whole.get(FRAME_HEADER..read).is_some_and(|body| found.body_fits(body)) {
                return Ok((at, next));
            }
            let parts = frame::decode(&Bytes::from(whole)).map_err(io::Error::other)?;
            for run in parts.runs {
                self.last.insert(run.partition, run.first_seq + u64::from(run.count) - 1);
            }
            at += found.frame_len() as u64;
            next += u64::from(found.count);
        }
    }
}
