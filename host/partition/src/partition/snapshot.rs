//! A partition's state written out, so that a start need not read the whole journal. Who writes it out is not known
//! here: that takes its time.

/// What a partition knew at one point of its journal.
pub struct Snapshot {
    /// The last record it contains.
    pub seq: u64,
    /// SHA-256 of the bytes, hex.
    pub digest: String,
    /// The state, written out.
    pub bytes: Vec<u8>,
}
