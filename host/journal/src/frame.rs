//! The bytes of a segment file: its header, and one frame for each append group.
//!
//! Only encoding and decoding; no file is touched here. The layout is described in
//! `docs/reference/formats.md`; all numbers are big endian, lengths inside the block are LEB128.

use std::cell::RefCell;

use bytes::Bytes;

/// Bytes of a segment file's header.
pub(crate) const SEGMENT_HEADER: usize = 64;
/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER: usize = 32;
/// The largest body a frame may have.
pub(crate) const MAX_BODY: usize = 256 << 20;

const SEGMENT_MAGIC: &[u8; 8] = b"\xF7HYSEG\0\x01";
const FRAME_MAGIC: &[u8; 4] = b"\xF7HYF";
const FRAME_VERSION: u8 = 1;
const FLAG_ZSTD: u8 = 1;
/// Largest header block that is unpacked.
const MAX_BLOCK: u32 = 256 << 20;
/// zstd dictionary trained on invented headers; part of format 1, never to be changed. It makes the
/// block of a lone record a quarter smaller and three times faster to pack than plain sample text.
const DICTIONARY: &[u8] = include_bytes!("headers-v1.dict");
const LEVEL: i32 = 1;

thread_local! {
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Consecutive records of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) partition: u32,
    pub(crate) first_seq: u64,
    pub(crate) count: u32,
}

/// A frame's fixed header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) flags: u8,
    pub(crate) body_len: u32,
    pub(crate) count: u32,
    pub(crate) first_index: u64,
    body_crc: u32,
}

/// A frame, taken apart.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) first_index: u64,
    pub(crate) runs: Vec<Run>,
    pub(crate) headers: Vec<Bytes>,
    pub(crate) sealed: Vec<Bytes>,
}

/// The header of a segment whose first record has `first_index`.
pub(crate) fn segment_header(first_index: u64) -> [u8; SEGMENT_HEADER] {
    let mut bytes = [0; SEGMENT_HEADER];
    bytes[..8].copy_from_slice(SEGMENT_MAGIC);
    bytes[8..16].copy_from_slice(&first_index.to_be_bytes());
    let crc = crc32c::crc32c(&bytes[..60]);
    bytes[60..].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// Reads a segment header; the index of its first record.
pub(crate) fn parse_segment_header(bytes: &[u8]) -> Result<u64, String> {
    let Some(bytes) = bytes.get(..SEGMENT_HEADER) else {
        return Err("the segment header is cut short".into());
    };
    if u32_at(bytes, 60) != crc32c::crc32c(&bytes[..60]) {
        return Err("the segment header's checksum does not fit".into());
    }
    if &bytes[..8] != SEGMENT_MAGIC {
        return Err("this is no segment file of a version this program reads".into());
    }
    Ok(u64_at(bytes, 8))
}

/// Packs one append group. `records` are (header bytes, sealed payload), in tree order.
pub(crate) fn encode(first_index: u64, runs: &[Run], records: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<u8>, String> {
    let mut block = Vec::with_capacity(records.iter().map(|r| r.0.len() + 6).sum());
    put_varint(&mut block, runs.len() as u64);
    for run in runs {
        put_varint(&mut block, u64::from(run.partition));
        put_varint(&mut block, run.first_seq);
        put_varint(&mut block, u64::from(run.count));
    }
    for (header, sealed) in records {
        put_varint(&mut block, header.len() as u64);
        put_varint(&mut block, sealed.len() as u64);
    }
    for (header, _) in records {
        block.extend_from_slice(header);
    }
    let packed = pack(&block).filter(|p| p.len() < block.len());
    let flags = if packed.is_some() { FLAG_ZSTD } else { 0 };
    let stored = packed.as_ref().unwrap_or(&block);

    let sealed_len: usize = records.iter().map(|r| r.1.len()).sum();
    let body_len = 8 + stored.len() + sealed_len;
    if body_len > MAX_BODY {
        return Err(format!("a group of {body_len} bytes is larger than {MAX_BODY}"));
    }
    let mut out = vec![0; FRAME_HEADER];
    out.reserve_exact(body_len);
    out.extend_from_slice(&(stored.len() as u32).to_be_bytes());
    out.extend_from_slice(&(block.len() as u32).to_be_bytes());
    out.extend_from_slice(stored);
    for (_, sealed) in records {
        out.extend_from_slice(sealed);
    }
    put_head(&mut out, first_index, flags, records.len() as u32);
    Ok(out)
}

/// Writes the header of a frame into its first [`FRAME_HEADER`] bytes; the body stands behind them.
pub(crate) fn put_head(out: &mut [u8], first_index: u64, flags: u8, count: u32) {
    let body_len = (out.len() - FRAME_HEADER) as u32;
    let body_crc = crc32c::crc32c(&out[FRAME_HEADER..]);
    out[..4].copy_from_slice(FRAME_MAGIC);
    out[4] = FRAME_VERSION;
    out[5] = flags;
    out[8..12].copy_from_slice(&body_len.to_be_bytes());
    out[12..16].copy_from_slice(&count.to_be_bytes());
    out[16..24].copy_from_slice(&first_index.to_be_bytes());
    out[24..28].copy_from_slice(&body_crc.to_be_bytes());
    let head_crc = crc32c::crc32c(&out[..28]);
    out[28..32].copy_from_slice(&head_crc.to_be_bytes());
}

/// Reads a frame header; none if these bytes are not one.
pub(crate) fn parse_head(bytes: &[u8]) -> Option<FrameHead> {
    let bytes = bytes.get(..FRAME_HEADER)?;
    let fits =
        &bytes[..4] == FRAME_MAGIC && u32_at(bytes, 28) == crc32c::crc32c(&bytes[..28]) && bytes[4] == FRAME_VERSION;
    let head = FrameHead {
        flags: bytes[5],
        body_len: u32_at(bytes, 8),
        count: u32_at(bytes, 12),
        first_index: u64_at(bytes, 16),
        body_crc: u32_at(bytes, 24),
    };
    (fits && head.body_len as usize <= MAX_BODY && head.body_len >= 8).then_some(head)
}

impl FrameHead {
    /// Bytes of the whole frame.
    pub(crate) fn frame_len(&self) -> usize {
        FRAME_HEADER + self.body_len as usize
    }

    /// Whether the body is the one that was written.
    pub(crate) fn body_fits(&self, body: &[u8]) -> bool {
        body.len() == self.body_len as usize && crc32c::crc32c(body) == self.body_crc
    }
}

/// Takes a whole frame (header included) apart. The error says what does not fit.
pub(crate) fn decode(bytes: &Bytes) -> Result<Frame, String> {
    let head = parse_head(bytes).ok_or("no frame header")?;
    let body = bytes.slice(FRAME_HEADER..);
    if !head.body_fits(&body) {
        return Err("the frame's checksum does not fit".into());
    }
    let stored_len = u32_at(&body, 0) as usize;
    let block_len = u32_at(&body, 4);
    if stored_len > body.len() - 8 || block_len > MAX_BLOCK {
        return Err("the header block is longer than its frame".into());
    }
    let stored = body.slice(8..8 + stored_len);
    let block = match head.flags {
        0 => stored,
        FLAG_ZSTD => unpack(&stored, block_len as usize)?.into(),
        other => return Err(format!("unknown frame flags {other:#x}")),
    };
    if block.len() != block_len as usize {
        return Err("the header block does not have its length".into());
    }
    split(&head, &block, &body.slice(8 + stored_len..))
}

fn split(head: &FrameHead, block: &Bytes, sealed_part: &Bytes) -> Result<Frame, String> {
    let mut at = 0;
    let mut next = || take_varint(block, &mut at);
    let run_count = next()?;
    let mut runs = Vec::new();
    let mut total = 0_u64;
    for _ in 0..run_count {
        let run = Run {
            partition: u32::try_from(next()?).map_err(|_| "a partition number is too large")?,
            first_seq: next()?,
            count: u32::try_from(next()?).map_err(|_| "a run is too long")?,
        };
        total += u64::from(run.count);
        if run.first_seq == 0 || run.count == 0 || run.first_seq.checked_add(u64::from(run.count)).is_none() {
            return Err("a run of records has no valid place".into());
        }
        runs.push(run);
    }
    if total != u64::from(head.count) {
        return Err("the runs do not add up to the frame's records".into());
    }
    let mut lengths = Vec::new();
    for _ in 0..head.count {
        lengths.push((next()?, next()?));
    }
    let cut = |part: &Bytes, from: usize, len: u64| -> Result<Bytes, String> {
        let end = usize::try_from(len).ok().and_then(|len| from.checked_add(len));
        match end {
            Some(end) if end <= part.len() => Ok(part.slice(from..end)),
            _ => Err("a record is longer than its frame".into()),
        }
    };
    let (mut headers, mut sealed) = (Vec::with_capacity(lengths.len()), Vec::with_capacity(lengths.len()));
    let mut sealed_at = 0;
    for (header_len, sealed_len) in lengths {
        let header = cut(block, at, header_len)?;
        at += header.len();
        headers.push(header);
        let payload = cut(sealed_part, sealed_at, sealed_len)?;
        sealed_at += payload.len();
        sealed.push(payload);
    }
    if at != block.len() || sealed_at != sealed_part.len() {
        return Err("there are bytes left over in the frame".into());
    }
    Ok(Frame { first_index: head.first_index, runs, headers, sealed })
}

/// Where the next byte that could start a frame lies, at or after `from`.
pub(crate) fn find_frame(bytes: &[u8], from: usize) -> Option<(usize, FrameHead)> {
    let mut at = from;
    while let Some(step) = bytes.get(at..)?.iter().position(|&b| b == FRAME_MAGIC[0]) {
        at += step;
        if let Some(head) = parse_head(&bytes[at..])
            && let Some(body) = bytes.get(at + FRAME_HEADER..at + head.frame_len())
            && head.body_fits(body)
        {
            return Some((at, head));
        }
        at += 1;
    }
    None
}

/// Leaves out what the frame says anyway: the content's size, and which dictionary.
fn packer() -> std::io::Result<zstd::bulk::Compressor<'static>> {
    let mut packer = zstd::bulk::Compressor::with_dictionary(LEVEL, DICTIONARY)?;
    packer.include_contentsize(false)?;
    packer.include_dictid(false)?;
    Ok(packer)
}

fn pack(block: &[u8]) -> Option<Vec<u8>> {
    PACKER.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = packer().ok();
        }
        slot.as_mut()?.compress(block).ok()
    })
}

fn unpack(stored: &[u8], len: usize) -> Result<Vec<u8>, String> {
    UNPACKER.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some(zstd::bulk::Decompressor::with_dictionary(DICTIONARY).map_err(|e| e.to_string())?);
        }
        let unpacker = slot.as_mut().ok_or("no decompressor")?;
        unpacker.decompress(stored, len).map_err(|e| format!("the header block does not unpack: {e}"))
    })
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(bytes: &[u8], at: &mut usize) -> Result<u64, String> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at).ok_or("a number is cut short")?;
        *at += 1;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            break;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number is too long".into())
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes)
}
