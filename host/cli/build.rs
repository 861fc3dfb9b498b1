//! Embeds the plugins that come with the program: every `*.wasm` of the folder
//! `HUIYIN_BUNDLE`; or of `build/plugins` in the workspace those that
//! `plugins/carried.txt` names. A host compiles what it carries at its first
//! start, so the program carries what the sample workflows call; the rest of
//! the library is installed where it is wanted.
//!
//! Without the folder the bundle is empty, so that the program can build the
//! plugins it will carry (`make plugins`).
//!
//! Embeds the SDK (`sdk/` but for its tests), so that `huiyin plugin new` needs no registry of ours. The
//! crate's `Cargo.toml` takes from the workspace what it inherits there: outside it stands by itself.

// A build script may stop the build; that is how it says that something is wrong.
#![allow(clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-env-changed=HUIYIN_BUNDLE");
    let workspace = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    let own = env::var_os("HUIYIN_BUNDLE").map(PathBuf::from);
    let list = workspace.join("plugins/carried.txt");
    println!("cargo:rerun-if-changed={}", list.display());
    let names = fs::read_to_string(&list).expect("plugins/carried.txt is part of the workspace");
    let names: Vec<&str> = names.split_whitespace().collect();
    let all = own.is_some();
    let folder = own.unwrap_or_else(|| workspace.join("build/plugins"));
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
                .filter(|path| {
                    all || path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| is_one(stem, &names))
                })
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
    embed_sdk(&workspace);
}

/// Whether `NAME-VERSION` is a version of one of these.
fn is_one(stem: &str, names: &[&str]) -> bool {
    stem.rsplit_once('-').is_some_and(|(name, _)| names.contains(&name))
}

/// Writes `sdk.rs`: paths below `sdk/` and what lies there, sorted by path.
fn embed_sdk(workspace: &Path) {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let root = workspace.join("sdk").canonicalize().expect("the SDK is part of the workspace");
    println!("cargo:rerun-if-changed={}", root.display());
    let shared = workspace.join("Cargo.toml");
    println!("cargo:rerun-if-changed={}", shared.display());
    let lock = workspace.join("Cargo.lock").canonicalize().expect("the workspace has a Cargo.lock");
    println!("cargo:rerun-if-changed={}", lock.display());
    let mut files = Vec::new();
    files_below(&root, &mut files);
    files.sort();
    let mut code = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).expect("it was found there").display().to_string();
        if name.starts_with("rust/tests/") || name.starts_with("js/tests/") {
            continue;
        }
        let mut from = file.clone();
        if name == "rust/Cargo.toml" {
            let own = fs::read_to_string(file).expect("a file that was just listed");
            let shared = fs::read_to_string(&shared).expect("the workspace has a Cargo.toml");
            from = out.join("sdk-Cargo.toml");
            fs::write(&from, standalone(&own, &shared)).expect("OUT_DIR is writable");
        }
        writeln!(code, "    ({name:?}, include_bytes!({:?}) as &[u8]),", from.display().to_string())
            .expect("writing to a string");
    }
    writeln!(code, "    (\"Cargo.lock\", include_bytes!({:?}) as &[u8]),", lock.display().to_string())
        .expect("writing to a string");
    code.push_str("]\n");
    fs::write(out.join("sdk.rs"), code).expect("OUT_DIR is writable");
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the SDK can be read").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if !path.is_dir() {
            files.push(path);
        } else if !matches!(name.as_str(), "target" | "node_modules" | "__pycache__") {
            files_below(&path, files);
        }
    }
}

/// A crate's `Cargo.toml` with what it inherits from the workspace put in. Each is a line of its own in both.
fn standalone(own: &str, workspace: &str) -> String {
    let mut section = "";
    let mut out = String::new();
    for line in own.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let Some((key, "true")) = line.split_once(".workspace = ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let from = if section == "[package]" { "[workspace.package]" } else { "[workspace.dependencies]" };
        let mut lines =
            workspace.lines().skip_while(|line| *line != from).skip(1).take_while(|line| !line.starts_with('['));
        let given = lines
            .find(|line| line.split_once(" = ").is_some_and(|(name, _)| name == key))
            .unwrap_or_else(|| panic!("{from} has no {key}"));
        out.push_str(given);
        out.push('\n');
    }
    out
}
