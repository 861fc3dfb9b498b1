//! Reading a segment file back at open: which frames are whole, where the end is, what is damage.
//!
//! A power cut can leave only one thing: the last group of the last file written in part or not at
//! all, since one group is written at a time and the space ahead is zeros. Whole 512-byte sectors
//! are then missing (zero, or beyond the end of the file). Only that is cut away. Everything else
//! that does not fit is damage, and is reported with its place instead of being guessed at.

use bytes::Bytes;

use crate::frame::{self, FRAME_HEADER, Run, SEGMENT_HEADER};

/// What a power cut keeps or loses as a whole.
const SECTOR: usize = 512;

/// A whole frame found in a segment.
pub(crate) struct FoundFrame {
    pub(crate) offset: u64,
    pub(crate) len: u32,
    pub(crate) first_index: u64,
    pub(crate) runs: Vec<Run>,
}

/// A segment, read back.
pub(crate) struct Scanned {
    pub(crate) frames: Vec<FoundFrame>,
    /// Where the last frame begins, be it one without records; the header's end if there is none.
    pub(crate) last: u64,
    /// Where the next frame goes.
    pub(crate) end: u64,
    /// Tree index of the next record.
    pub(crate) next_index: u64,
    /// Whether there is a torn group to be cut away behind `end`.
    pub(crate) torn: bool,
    /// Whether it is damaged otherwise than a power cut leaves it, and given up all the same.
    pub(crate) damaged: bool,
    /// Whether the last frame is the empty one that a clean close leaves.
    pub(crate) closed: bool,
}

/// A place that does not fit, and why.
pub(crate) type Fault = (u64, String);

/// Reads the segment in `bytes`. `last` is the file that was being written; `repair` also cuts a
/// last group that is neither whole nor plainly torn.
pub(crate) fn scan(bytes: &Bytes, last: bool, repair: bool) -> Result<Scanned, Fault> {
    let first_index = frame::parse_segment_header(bytes).map_err(|why| (0, why))?;
    let mut found = Scanned {
        frames: Vec::new(),
        last: SEGMENT_HEADER as u64,
        end: SEGMENT_HEADER as u64,
        next_index: first_index,
        torn: false,
        damaged: false,
        closed: false,
    };
    let mut at = SEGMENT_HEADER;
    loop {
        found.end = at as u64;
        let rest = &bytes[at.min(bytes.len())..];
        if is_zero(rest) {
            return Ok(found);
        }
        let head = frame::parse_head(rest);
        let whole = head.filter(|h| rest.get(FRAME_HEADER..h.frame_len()).is_some_and(|body| h.body_fits(body)));
        let Some(head) = whole else {
            let extent = head.map_or(FRAME_HEADER, |h| h.frame_len());
            found.damaged = check_tail(bytes, at, extent, last, repair)?;
            found.torn = true;
            return Ok(found);
        };
        let fault = |why: String| (at as u64, why);
        if head.first_index != found.next_index {
            return Err(fault(format!(
                "this group starts with record {} of the tree, {} was expected; restore the file from a backup",
                head.first_index, found.next_index
            )));
        }
        let len = head.frame_len();
        let parts = frame::decode(&bytes.slice(at..at + len)).map_err(fault)?;
        found.closed = head.count == 0;
        found.last = at as u64;
        if head.count > 0 {
            found.frames.push(FoundFrame {
                offset: at as u64,
                len: len as u32,
                first_index: head.first_index,
                runs: parts.runs,
            });
        }
        found.next_index = (found.next_index.checked_add(u64::from(head.count)))
            .ok_or_else(|| fault("this group's records have no valid place in the tree".into()))?;
        at += len;
    }
}

/// Something at `at` is no whole frame: is it the torn end of the journal? True for one that is
/// damaged and given up all the same.
fn check_tail(bytes: &[u8], at: usize, extent: usize, last: bool, repair: bool) -> Result<bool, Fault> {
    let fault = |why: String| Err((at as u64, why));
    if !last {
        return fault("a group of records is damaged in a finished segment; restore the file from a backup".into());
    }
    if let Some((next, _)) = frame::find_frame(bytes, at + 1) {
        return fault(format!(
            "a group of records is damaged, though whole ones follow at byte {next}; restore the file from a backup"
        ));
    }
    if is_torn(bytes, at, extent) {
        return Ok(false);
    }
    if repair {
        return Ok(true);
    }
    fault(
        "the last group of records is damaged, and not in the way a power cut leaves it; \
         restore the file from a backup, or give up this group with `huiyin journal repair`"
            .into(),
    )
}

/// Whether a sector of `at..at + extent` was never written.
fn is_torn(bytes: &[u8], at: usize, extent: usize) -> bool {
    let end = at + extent;
    if end > bytes.len() {
        return true;
    }
    let mut from = at;
    while from < end {
        let to = (from / SECTOR + 1) * SECTOR;
        if is_zero(&bytes[from..to.min(end)]) {
            return true;
        }
        from = to;
    }
    false
}

fn is_zero(bytes: &[u8]) -> bool {
    // Stops at the first block that is not: this is asked before every frame.
    bytes.chunks(SECTOR).all(|block| block.iter().fold(0, |all, &byte| all | byte) == 0)
}
