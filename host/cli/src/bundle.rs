//! The plugins that this program carries, embedded when it was built.

use huiyin_engine::house::Origin;
use huiyin_engine::start::Candidate;

/// File names and components, sorted by name; empty where the program was
/// built before its plugins.
pub fn bundle() -> &'static [(&'static str, &'static [u8])] {
    include!(concat!(env!("OUT_DIR"), "/bundle.rs"))
}

/// The same, to be loaded.
pub(crate) fn carried() -> Vec<Candidate> {
    let one = |(name, bytes): &(&str, &[u8])| Candidate {
        file: (*name).to_owned(),
        bytes: bytes.to_vec(),
        origin: Origin::Carried,
    };
    bundle().iter().map(one).collect()
}

/// What to say where a plugin is needed and the bundle is empty.
pub(crate) const EMPTY: &str = "this huiyin carries no plugins; run `make plugins` and build it again";
