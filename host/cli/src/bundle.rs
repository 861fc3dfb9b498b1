//! The plugins that this program carries, embedded when it was built.

/// File names and components, sorted by name; empty where the program was
/// built before its plugins.
pub fn bundle() -> &'static [(&'static str, &'static [u8])] {
    include!(concat!(env!("OUT_DIR"), "/bundle.rs"))
}

/// What to say where a plugin is needed and the bundle is empty.
pub(crate) const EMPTY: &str = "this huiyin carries no plugins; run `make plugins` and build it again";
