//! Embeds the plugins that come with the program: every `*.wasm` of the folder
//! `HUIYIN_BUNDLE`, or of `build/plugins` in the workspace.
//!
//! Without the folder the bundle is empty, so that the program can build the
//! plugins it will carry (`make plugins`).

// A build script may stop the build; that is how it says that something is wrong.
#![allow(clippy::expect_used)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-env-changed=HUIYIN_BUNDLE");
    let workspace = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    let folder = env::var_os("HUIYIN_BUNDLE").map_or_else(|| workspace.join("build/plugins"), PathBuf::from);
    // Cargo looks at a folder's files too, and takes a missing one for changed;
    // so a missing folder is watched by its nearest existing parent instead.
    let mut watched = folder.clone();
    while !watched.exists() && watched.pop() {}
    println!("cargo:rerun-if-changed={}", watched.display());

    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|e| e == "wasm"))
                .collect()
        })
        .unwrap_or_default();
    files.sort();
    if files.is_empty() {
        println!(
            "cargo:warning=no plugins in {}: this huiyin will carry none; run `make plugins` and build again",
            folder.display()
        );
    }
    let mut code = String::from("&[\n");
    for file in &files {
        let file = file.canonicalize().expect("a file that was just listed");
        let name = file.file_name().and_then(|name| name.to_str()).expect("plugin files have plain names");
        writeln!(code, "    ({name:?}, include_bytes!({:?}) as &[u8]),", file.display().to_string())
            .expect("writing to a string");
    }
    code.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("bundle.rs");
    fs::write(&out, code).expect("OUT_DIR is writable");
}
