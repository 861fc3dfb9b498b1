//! A partition's state written out, so that a start need not read the whole journal.

use sha2::{Digest as _, Sha256};

use crate::state::State;

/// What a partition knew at one point of its journal.
pub struct Snapshot {
    /// The last record it contains.
    pub seq: u64,
    /// SHA-256 of the bytes, hex.
    pub digest: String,
    /// The state, written out.
    pub bytes: Vec<u8>,
}

impl Snapshot {
    /// Writes a state out.
    ///
    /// # Errors
    /// When it does not encode.
    pub fn of(state: &State) -> Result<Snapshot, serde_json::Error> {
        let mut bytes = Courteous(Vec::new());
        serde_json::to_writer(&mut bytes, state)?;
        let Courteous(bytes) = bytes;
        Ok(Snapshot { seq: state.seq, digest: hex::encode(Sha256::digest(&bytes)), bytes })
    }
}

/// Bytes being written that give way to others now and then: the system takes
/// a core from whoever computes only some milliseconds after others want it.
struct Courteous(Vec<u8>);

impl std::io::Write for Courteous {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        const STRETCH: usize = 64 << 10;
        if (self.0.len() + bytes.len()) / STRETCH > self.0.len() / STRETCH {
            std::thread::yield_now();
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
