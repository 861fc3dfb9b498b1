//! The lint that keeps what differs from build to build out of plugins
//! (`plugins/clippy.toml`): each of the banned is found, and what the SDK
//! offers in its place is not.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

/// Runs clippy over one file, with the plugins' settings; what it said.
fn clippy(code: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/lib.rs"), code).unwrap();
    let manifest = "[package]\nname = \"guest\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let ran = Command::new(env!("CARGO"))
        .args(["clippy", "--offline", "--quiet", "--", "-D", "warnings"])
        .current_dir(folder.path())
        .env("CLIPPY_CONF_DIR", settings)
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    (ran.status.success(), String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[test]
fn what_differs_from_build_to_build_is_refused_in_plugins() {
    let (fine, said) = clippy(
        "pub fn f() { let _ = std::collections::HashMap::<u8, u8>::new(); }
         pub fn g(s: &std::collections::HashSet<u8>) -> usize { s.len() }
         pub fn h() -> std::time::SystemTime { std::time::SystemTime::now() }
         pub fn i() { let _ = std::time::Instant::now(); }
         pub fn j() -> Option<String> { std::env::var(\"HOME\").ok() }",
    );
    assert!(!fine);
    for (banned, instead) in [
        ("HashMap", "huiyin_sdk::HashMap"),
        ("HashSet", "huiyin_sdk::HashSet"),
        ("SystemTime", "ctx.now"),
        ("Instant", "ctx.now"),
        ("std::env::var", "configuration"),
    ] {
        assert!(said.contains(banned) && said.contains(instead), "{banned} passed:\n{said}");
    }
}

#[test]
fn maps_with_a_fixed_hasher_and_order_are_fine() {
    let (fine, said) = clippy(
        "use std::collections::{BTreeMap, BTreeSet};
         pub fn f(m: &BTreeMap<u8, u8>, s: &BTreeSet<u8>) -> usize { m.len() + s.len() }",
    );
    assert!(fine, "{said}");
}
