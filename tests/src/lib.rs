//! What the end-to-end tests share: a bureau's surroundings on loopback, a
//! host as a real process, and the log read back without the host.

pub mod bureau;
pub mod contract;
pub mod guests;
pub mod host;
pub mod house;
pub mod log;

use std::path::PathBuf;

/// A file of the workspace.
pub fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
