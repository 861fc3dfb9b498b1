//! What is fuzzed: each a plain function of bytes that must come back, and
//! that asserts the laws of what it calls. `fuzz/` hands them to libFuzzer;
//! tests/fuzz.rs runs them over seeds and mutations of seeds in every test run.

mod grant;
mod journal;
mod manifest;
mod mutate;
mod package;
mod texts;
mod url;

use std::path::{Path, PathBuf};

pub use grant::fuzz_grant;
pub use journal::{fuzz_frame, fuzz_segment};
pub use manifest::fuzz_manifest;
pub use mutate::Mutations;
pub use package::fuzz_package;
pub use texts::{fuzz_policy, fuzz_workflow};
pub use url::{fuzz_origin, fuzz_request};

/// One target.
pub struct Target {
    /// Its name, as in `fuzz/fuzz_targets`.
    pub name: &'static str,
    /// What it is.
    pub run: fn(&[u8]),
    /// Mutations of its seeds in a test run.
    pub mutations: usize,
    seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: [Target; 9] = [
    Target { name: "manifest", run: fuzz_manifest, mutations: 4_000, seeds: manifest::seeds },
    Target { name: "grant", run: fuzz_grant, mutations: 4_000, seeds: grant::seeds },
    Target { name: "origin", run: fuzz_origin, mutations: 8_000, seeds: url::origins },
    Target { name: "request", run: fuzz_request, mutations: 8_000, seeds: url::requests },
    Target { name: "package", run: fuzz_package, mutations: 150, seeds: package::seeds },
    Target { name: "workflow", run: fuzz_workflow, mutations: 1_500, seeds: texts::workflows },
    Target { name: "policy", run: fuzz_policy, mutations: 600, seeds: texts::policies },
    Target { name: "segment", run: fuzz_segment, mutations: 4_000, seeds: journal::segments },
    Target { name: "frame", run: fuzz_frame, mutations: 4_000, seeds: journal::frames },
];

impl Target {
    /// Inputs to begin with: those that the target's own file makes, and the
    /// files of `fuzz/seeds/NAME`, among them every input that once failed.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let mut seeds = (self.seeds)();
        seeds.extend(files(&project().join("fuzz/seeds").join(self.name), ""));
        seeds
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a folder whose names end so, in the order of their names.
fn files(folder: &Path, end: &str) -> Vec<Vec<u8>> {
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    names.retain(|name| name.is_file() && name.to_string_lossy().ends_with(end));
    names.sort();
    names.iter().filter_map(|name| std::fs::read(name).ok()).collect()
}
