//! Segment files of bytes that nobody wrote: what a start makes of them.

use bytes::Bytes;

use crate::frame;
use crate::scan;

/// Reads the bytes as the start of a host reads a segment file; `last` and
/// `repair` as there. Gives the index of the next record.
///
/// # Errors
/// Where it does not fit, and why.
pub fn scan_segment(bytes: &[u8], last: bool, repair: bool) -> Result<u64, String> {
    let found = scan::scan(&Bytes::copy_from_slice(bytes), last, repair).map_err(|(at, why)| format!("{at}: {why}"))?;
    Ok(found.next_index)
}

/// A segment with one group of this body, its checksums right whatever it holds.
pub fn segment_of(first_index: u64, flags: u8, count: u32, body: &[u8]) -> Vec<u8> {
    let mut group = vec![0; frame::FRAME_HEADER];
    group.extend_from_slice(body);
    frame::put_head(&mut group, first_index, flags, count);
    let mut bytes = frame::segment_header(first_index).to_vec();
    bytes.extend(group);
    bytes
}
