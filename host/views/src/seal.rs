//! Checksums: of one value, of all entries together, and of the files at rest.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

const CRC: usize = 4;

/// `value ‖ CRC32C(key ‖ value)`: a value stored under another key does not pass.
pub(crate) fn seal(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(value.len() + CRC);
    stored.extend_from_slice(value);
    stored.extend_from_slice(&crc(key, value).to_be_bytes());
    stored
}

/// The value, if it is the one that was stored under this key.
pub(crate) fn open<'a>(key: &[u8], stored: &'a [u8]) -> Option<&'a [u8]> {
    let (value, sum) = stored.split_last_chunk::<CRC>()?;
    (crc(key, value) == u32::from_be_bytes(*sum)).then_some(value)
}

fn crc(key: &[u8], value: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), value)
}

/// Count, size and an order-free sum over all entries. Equal totals mean equal entries, as far as
/// faults go: each entry adds the first 16 bytes of its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Total {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    sum: u128,
}

impl Total {
    pub(crate) const BYTES: usize = 32;

    pub(crate) fn add(&mut self, key: &[u8], stored: &[u8]) {
        self.count = self.count.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add((key.len() + stored.len()) as u64);
        self.sum = self.sum.wrapping_add(entry(key, stored));
    }

    pub(crate) fn remove(&mut self, key: &[u8], stored: &[u8]) {
        self.count = self.count.wrapping_sub(1);
        self.bytes = self.bytes.wrapping_sub((key.len() + stored.len()) as u64);
        self.sum = self.sum.wrapping_sub(entry(key, stored));
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.count.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.bytes.to_be_bytes());
        bytes[16..].copy_from_slice(&self.sum.to_be_bytes());
        bytes
    }
}

fn entry(key: &[u8], stored: &[u8]) -> u128 {
    let digest: [u8; 32] = Sha256::new()
        .chain_update((key.len() as u64).to_be_bytes())
        .chain_update(key)
        .chain_update(stored)
        .finalize()
        .into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(half)
}

/// One line for each file below `dir`: checksum, length, path; sorted.
pub(crate) fn fingerprint(dir: &Path) -> io::Result<String> {
    let mut lines = Vec::new();
    walk(dir, dir, &mut lines)?;
    lines.sort();
    Ok(lines.concat())
}

fn walk(root: &Path, dir: &Path, lines: &mut Vec<String>) -> io::Result<()> {
    for found in fs::read_dir(dir)? {
        let found = found?;
        let path = found.path();
        if found.file_type()?.is_dir() {
            walk(root, &path, lines)?;
            continue;
        }
        let mut file = fs::File::open(&path)?;
        let (mut buffer, mut sum, mut len) = (vec![0; 1 << 16], 0, 0_u64);
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            sum = crc32c::crc32c_append(sum, &buffer[..read]);
            len += read as u64;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).display();
        lines.push(format!("{sum:08x} {len} {name}\n"));
    }
    Ok(())
}
