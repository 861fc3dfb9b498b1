//! Segment files of the journal, as a start reads them.

use huiyin_journal::faults::{scan_segment, segment_of};

/// Any bytes as a whole file.
pub fn fuzz_segment(bytes: &[u8]) {
    for (last, repair) in [(true, false), (true, true), (false, false)] {
        if let Err(why) = scan_segment(bytes, last, repair) {
            assert!(!why.is_empty());
        }
    }
}

/// Any bytes as a group of records whose checksums are right, as one who
/// writes to the disk could make them: flags, count, index, body.
pub fn fuzz_frame(bytes: &[u8]) {
    let Some((head, body)) = bytes.split_at_checked(13) else { return };
    let number = |from: usize, to: usize| head[from..to].iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    let segment = segment_of(number(5, 13), head[0], number(1, 5) as u32, body);
    fuzz_segment(&segment);
}

pub(super) fn segments() -> Vec<Vec<u8>> {
    // A group of one empty record in partition 1 and of none.
    let mut seeds: Vec<Vec<u8>> = frames()
        .iter()
        .map(|frame| segment_of(u64::from(frame[12]), frame[0], u32::from(frame[4]), &frame[13..]))
        .collect();
    seeds.push(Vec::new());
    seeds
}

pub(super) fn frames() -> Vec<Vec<u8>> {
    let one = |flags: u8, count: u8, block: &[u8], sealed: &[u8]| {
        let mut bytes = vec![flags, 0, 0, 0, count, 0, 0, 0, 0, 0, 0, 0, 7];
        bytes.extend((block.len() as u32).to_be_bytes());
        bytes.extend((block.len() as u32).to_be_bytes());
        bytes.extend(block);
        bytes.extend(sealed);
        bytes
    };
    vec![
        one(0, 0, &[0], &[]),
        // One run: partition 1, from record 1, one record of 2 and 3 bytes.
        one(0, 1, &[1, 1, 1, 1, 2, 3, b'{', b'}'], b"abc"),
        one(0, 2, &[2, 1, 1, 1, 2, 9, 1, 0, 0, 0, 0], b""),
        one(1, 1, &[0x28, 0xb5, 0x2f, 0xfd, 0, 0], b"abc"),
    ]
}
