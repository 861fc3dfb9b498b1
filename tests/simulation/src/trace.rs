//! What happened, line by line: a digest always, the text where it is wanted.

use std::fmt::{Arguments, Write as _};

/// The trace of one simulation.
#[derive(Debug, Default)]
pub struct Trace {
    digest: u64,
    lines: u64,
    text: Option<String>,
    line: String,
}

impl Trace {
    /// A trace; with `keep` its text is kept as well.
    pub fn new(keep: bool) -> Trace {
        Trace { digest: 0xCBF2_9CE4_8422_2325, lines: 0, text: keep.then(String::new), line: String::new() }
    }

    /// One thing that happened.
    pub fn say(&mut self, what: Arguments<'_>) {
        self.line.clear();
        // Writing to a string does not fail.
        let _ = self.line.write_fmt(what);
        self.digest = mix(self.digest, self.line.as_bytes());
        self.lines += 1;
        if let Some(text) = &mut self.text {
            text.push_str(&self.line);
            text.push('\n');
        }
    }

    /// Bytes that are part of what happened, and not to be read by people.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.digest = mix(self.digest, bytes);
    }

    /// A digest over everything so far.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// How many things happened.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The text, if it was kept.
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}

/// FNV-1a, eight bytes at a time: it only has to differ where the bytes do.
fn mix(mut digest: u64, bytes: &[u8]) -> u64 {
    for part in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        digest = (digest ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23);
    }
    digest ^ bytes.len() as u64
}
