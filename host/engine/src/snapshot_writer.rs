//! Writes a partition's state out, beside its loop.

use std::time::Instant;

use huiyin_partition::partition::Snapshot;
use huiyin_records::state::State;
use sha2::{Digest as _, Sha256};

/// Writes a state out.
///
/// # Errors
/// When it does not encode.
pub fn snapshot(state: &State) -> Result<Snapshot, serde_json::Error> {
    snapshot_until(state, None)
}

/// The same, given up once the time has come.
///
/// # Errors
/// When it does not encode, or was not done in time.
pub fn snapshot_until(state: &State, end: Option<Instant>) -> Result<Snapshot, serde_json::Error> {
    let mut bytes = Courteous { bytes: Vec::new(), end };
    serde_json::to_writer(&mut bytes, state)?;
    let Courteous { bytes, .. } = bytes;
    Ok(Snapshot { seq: state.seq, digest: hex::encode(Sha256::digest(&bytes)), bytes })
}

/// Bytes being written that give way to others now and then: the system takes
/// a core from whoever computes only some milliseconds after others want it.
struct Courteous {
    bytes: Vec<u8>,
    /// When it is too late.
    end: Option<Instant>,
}

impl std::io::Write for Courteous {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        const STRETCH: usize = 64 << 10;
        let len = self.bytes.len();
        if (len + bytes.len()) / STRETCH > len / STRETCH {
            if self.end.is_some_and(|end| Instant::now() >= end) {
                return Err(std::io::ErrorKind::TimedOut.into());
            }
            std::thread::yield_now();
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
