//! Reading: from stored frames to records, with everything checked on the way.

use std::sync::Arc;

use bytes::Bytes;

use crate::frame::{self, Frame};
use crate::index::{FrameRef, Segment};
use crate::ring::Found;
use crate::seal::{self, record_nonce};
use crate::shared::Shared;
use crate::{Header, JournalError, Payload, Record, commitment};

/// The frame read last; neighbours usually share it.
#[derive(Debug)]
struct Reader {
    shared: Arc<Shared>,
    frame: Option<(FrameRef, Segment, Frame)>,
}

impl Reader {
    fn frame(&mut self, index: u64) -> Result<&(FrameRef, Segment, Frame), JournalError> {
        let inside = self.frame.as_ref().is_some_and(|(place, _, frame)| {
            (place.first_index..place.first_index + frame.headers.len() as u64).contains(&index)
        });
        if !inside {
            let (place, segment) = self.shared.index().frame_of(index).ok_or_else(|| no_such(index))?;
            let frame = load(&place, &segment)?;
            self.frame = Some((place, segment, frame));
        }
        self.frame.as_ref().ok_or_else(|| no_such(index))
    }

    /// The record at a tree index.
    fn record(&mut self, index: u64) -> Result<Record, JournalError> {
        let shared = self.shared.clone();
        let (place, segment, frame) = self.frame(index)?;
        let damaged = |why: String| JournalError::damaged(&segment.path, place.offset, why);
        let at = (index - frame.first_index) as usize;
        let (leaf, sealed) = match (frame.headers.get(at), frame.sealed.get(at)) {
            (Some(leaf), Some(sealed)) => (leaf.clone(), sealed),
            _ => return Err(no_such(index)),
        };
        let header: Header = serde_json::from_slice(&leaf)
            .map_err(|e| damaged(format!("the header of record {index} of the tree cannot be read: {e}")))?;
        let mut skipped = 0;
        let run = frame.runs.iter().find(|run| {
            let inside = at < skipped + run.count as usize;
            if !inside {
                skipped += run.count as usize;
            }
            inside
        });
        if run
            .is_none_or(|run| run.partition != header.partition || run.first_seq + (at - skipped) as u64 != header.seq)
        {
            return Err(damaged(format!("record {} does not lie where its frame says", header.id)));
        }
        let (payload, salt) = match shared.ring.find(&header.datakey)? {
            Found::Destroyed => (None, None),
            Found::Live(key) => {
                let plain = key
                    .open(record_nonce(header.partition, header.seq), &leaf, sealed)
                    .map_err(|why| damaged(format!("record {}: {why}", header.id)))?;
                let (salt, content) = seal::unpack(&plain, u64::from(u32::MAX))
                    .map_err(|why| damaged(format!("record {}: {why}", header.id)))?;
                if commitment(&salt, &content) != header.commitment {
                    return Err(damaged(format!(
                        "the payload of record {} is not the one its header commits to",
                        header.id
                    )));
                }
                (Some(content), Some(salt))
            }
        };
        let (kind, payload) = match payload {
            None => (header.kind.clone(), Payload::Redacted),
            Some(content) => {
                let (kind, content) = shared.upcasters.apply(&header.kind, content)?;
                (kind, Payload::Open(content.into()))
            }
        };
        Ok(Record { header, leaf, index, kind, payload, salt })
    }
}

/// Records of one partition, up to what was durable when the reading began.
#[derive(Debug)]
pub(crate) struct Records {
    reader: Reader,
    partition: u32,
    next: u64,
    last: u64,
}

impl Records {
    pub(crate) fn new(shared: Arc<Shared>, partition: u32, from_seq: u64) -> Self {
        let last = shared.index().last_seq(partition);
        Self { reader: Reader { shared, frame: None }, partition, next: from_seq.max(1), last }
    }
}

impl Iterator for Records {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next > self.last {
            return None;
        }
        let place = self.reader.shared.index().index_of(self.partition, self.next);
        let result = place.ok_or_else(|| no_such(self.next)).and_then(|index| self.reader.record(index));
        // After an error nothing that follows can be trusted to be in order.
        self.next = if result.is_ok() { self.next + 1 } else { self.last.saturating_add(1) };
        Some(result)
    }
}

/// Records in tree order, up to what was durable when the reading began.
#[derive(Debug)]
pub(crate) struct TreeRecords {
    reader: Reader,
    next: u64,
    end: u64,
}

impl TreeRecords {
    pub(crate) fn new(shared: Arc<Shared>, from_index: u64) -> Self {
        let end = shared.index().size;
        Self { reader: Reader { shared, frame: None }, next: from_index, end }
    }
}

impl Iterator for TreeRecords {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let result = self.reader.record(self.next);
        self.next = if result.is_ok() { self.next + 1 } else { self.end };
        Some(result)
    }
}

/// At most `max` leaves from `from_index` on.
pub(crate) fn leaves(shared: &Arc<Shared>, from_index: u64, max: usize) -> Result<Vec<Bytes>, JournalError> {
    let end = shared.index().size.min(from_index.saturating_add(max as u64));
    let mut reader = Reader { shared: shared.clone(), frame: None };
    if from_index < end
        && let Some(leaves) = shared.remembered(from_index, (end - from_index) as usize)
    {
        return Ok(leaves);
    }
    let mut leaves = Vec::new();
    let mut index = from_index;
    while index < end {
        let (_, _, frame) = reader.frame(index)?;
        let skip = (index - frame.first_index) as usize;
        let take = (end - index) as usize;
        let before = leaves.len();
        leaves.extend(frame.headers.iter().skip(skip).take(take).cloned());
        index += (leaves.len() - before) as u64;
    }
    Ok(leaves)
}

fn load(place: &FrameRef, segment: &Segment) -> Result<Frame, JournalError> {
    let mut bytes = vec![0; place.len as usize];
    let read = segment
        .file
        .read_full_at(&mut bytes, place.offset)
        .map_err(|e| JournalError::io("reading", &segment.path, &e))?;
    bytes.truncate(read);
    let frame = frame::decode(&bytes.into()).map_err(|why| {
        JournalError::damaged(&segment.path, place.offset, format!("{why}; restore the file from a backup"))
    })?;
    if frame.first_index != place.first_index || frame.headers.is_empty() {
        return Err(JournalError::damaged(&segment.path, place.offset, "another group lies here than at open"));
    }
    Ok(frame)
}

fn no_such(index: u64) -> JournalError {
    JournalError::Invalid { field: "index", why: format!("{index} is not in the journal") }
}
