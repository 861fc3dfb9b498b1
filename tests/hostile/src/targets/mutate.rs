//! Deterministic mutations of byte texts: bits, bytes, numbers, pieces that
//! are moved, doubled, left out, or come from another seed or a list of words
//! that parsers trip over.

const WORDS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "-0",
    "1e999",
    "18446744073709551616",
    "\\u0000",
    "\\ud800",
    "..",
    "/",
    "//",
    "%2e",
    "%2f",
    "%00",
    "@",
    "#",
    "?",
    "*",
    "*.",
    "[::1]",
    "127.0.0.1",
    "0x7f000001",
    ".",
    ":0",
    ":65536",
    "http://",
    "https://",
    "\r\n",
    "\u{ff0e}",
    "\u{3002}",
    "xn--",
    "\u{feff}",
    "\0",
    "\u{ad}",
];

/// An endless row of mutations.
pub struct Mutations<'a> {
    seeds: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutations<'a> {
    /// Of these seeds; the same number gives the same row.
    pub fn new(seeds: &'a [Vec<u8>], number: u64) -> Self {
        Self { seeds, state: number }
    }

    /// splitmix64.
    fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next_u64() % end as u64) as usize }
    }

    fn seed(&mut self) -> &'a [u8] {
        let at = self.below(self.seeds.len());
        self.seeds.get(at).map_or(&[], Vec::as_slice)
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let length = 1 + self.below(bytes.len().min(64));
        let end = (at + length).min(bytes.len());
        match self.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = self.next_u64() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            4 => bytes.truncate(at),
            5 => {
                let word = WORDS[self.below(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
            6 => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                let to = (from + length).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            7 => {
                // A number at the edge of its range, as lengths and offsets are.
                let edge = [0_u32, 1, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, u32::MAX][self.below(8)];
                let edge = if self.below(2) == 0 { edge.to_be_bytes() } else { edge.to_le_bytes() };
                let end = (at + 4).min(bytes.len());
                bytes.splice(at..end, edge);
            }
            _ => {
                let piece = bytes[at..end].to_vec();
                let times = 1 + self.below(40);
                bytes.splice(at..at, piece.repeat(times));
            }
        }
    }
}

impl Iterator for Mutations<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut bytes = self.seed().to_vec();
        for _ in 0..=self.below(6) {
            self.change(&mut bytes);
        }
        Some(bytes)
    }
}
