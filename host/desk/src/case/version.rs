//! Which version of a case somebody has read.

use sha2::{Digest as _, Sha256};

use super::Case;

impl Case {
    /// What this version of the case is called: another as soon as anything of it is another, the same on every host that
    /// has read the same journal. It says nothing to who may not read the case: 128 bits of SHA-256 over all of it.
    pub fn version(&self) -> String {
        // The order of members is that of the type, and every map of a case is sorted.
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(&Sha256::digest(text)[..16])
    }
}
