//! Where a feed's reading stands: the validators of the last whole answer and
//! marks of the entries that were handed over and are still in the feed.
//! Marks are short hashes; should two ever collide, an entry is passed over,
//! so they have 64 bits.

use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cursor {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) modified: Option<String>,
    #[serde(default)]
    pub(crate) done: Vec<String>,
}

impl Cursor {
    /// A cursor that cannot be read is one from elsewhere: the feed is read
    /// from its start, and the host drops what it has already.
    pub(crate) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    pub(crate) fn write(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

/// FNV-1a, 64 bits, in hexadecimal: the same for ever, whatever the compiler.
pub(crate) fn mark(id: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for &byte in id.as_bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}
