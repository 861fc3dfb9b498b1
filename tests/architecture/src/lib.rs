//! The architecture as the sources have it: which crate uses which, and which module names which other.
//! `tests/rules.rs` holds it to the rules of `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A crate under `host/`.
#[derive(Debug)]
pub struct Crate {
    /// Its package's name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What it depends on outside its tests, by package name.
    pub uses: BTreeSet<String>,
}

/// Names by name: who uses whom.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn cargo(arguments: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(root()).output()?;
    anyhow::ensure!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The crates under `host/`.
///
/// # Errors
/// When `cargo metadata` fails.
pub fn crates() -> Result<Vec<Crate>> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])?)?;
    let host = root().join("host").canonicalize()?;
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().context("no packages")? {
        let folder = PathBuf::from(package["manifest_path"].as_str().context("no path")?).canonicalize()?;
        let folder = folder.parent().context("no folder")?.to_owned();
        if !folder.starts_with(&host) {
            continue;
        }
        let depends = package["dependencies"].as_array().context("no dependencies")?.iter();
        let uses = depends.filter(|one| one["kind"].as_str() != Some("dev"));
        let uses = uses.filter_map(|one| one["name"].as_str().map(str::to_owned)).collect();
        found.push(Crate { name: package["name"].as_str().context("no name")?.to_owned(), folder, uses });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// All that a crate stands on, to the bottom, outside tests.
///
/// # Errors
/// When `cargo tree` fails.
pub fn beneath(name: &str) -> Result<BTreeSet<String>> {
    let tree = cargo(&["tree", "--package", name, "--edges", "normal", "--prefix", "none", "--format", "{p}"])?;
    Ok(tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

/// Every Rust file of a folder.
///
/// # Errors
/// When one cannot be read.
pub fn sources(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push((path.clone(), std::fs::read_to_string(path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A text without its comments, as far as they begin a line or follow a space.
pub fn code(text: &str) -> String {
    let line = |line: &str| match line.split_once("//") {
        Some((code, _)) if code.is_empty() || code.ends_with(' ') => code.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Which top-level module of a crate names which other, by `crate::…`.
///
/// # Errors
/// When a source cannot be read.
pub fn modules(of: &Crate) -> Result<Graph> {
    let folder = of.folder.join("src");
    let files = sources(&folder)?;
    let module = |path: &Path| {
        let first = path.strip_prefix(&folder).ok()?.components().next()?;
        Some(Path::new(first.as_os_str()).file_stem()?.to_str()?.to_owned())
    };
    let all: BTreeSet<String> = files.iter().filter_map(|(path, _)| module(path)).collect();
    let mut graph = Graph::new();
    for (path, text) in &files {
        // A crate's root may name all of its modules.
        let Some(from) = module(path).filter(|name| name != "lib" && name != "main") else { continue };
        let named = named(&code(text)).into_iter().filter(|to| *to != from && all.contains(to));
        graph.entry(from.clone()).or_default().extend(named.collect::<Vec<_>>());
    }
    Ok(graph)
}

/// The names that directly follow `crate::`, those of a list in braces included.
fn named(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        // Not the end of a longer name, such as `my_crate::`.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + found.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let (mut depth, mut fresh) = (0_u32, true);
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && !c.is_whitespace() => {
                    names.insert(word(&list[at..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// Those that can be reached from themselves.
pub fn circles(graph: &Graph) -> BTreeSet<String> {
    let reaches = |start: &String| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = graph.get(start).into_iter().flatten().collect();
        while let Some(name) = next.pop() {
            if seen.insert(name) {
                next.extend(graph.get(name).into_iter().flatten());
            }
        }
        seen.contains(start)
    };
    graph.keys().filter(|name| reaches(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_wherever_they_stand() {
        let text = "use crate::{a::{b, c}, d};\n// crate::e\nlet x = crate::f::g(); use my_crate::h; let u = \"https://x\"; crate::i!();";
        assert_eq!(named(&code(text)).into_iter().collect::<Vec<_>>(), ["a", "d", "f", "i"]);
    }

    #[test]
    fn a_circle_is_who_comes_back_to_itself() {
        let uses = [("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")];
        let mut graph = Graph::new();
        for (from, to) in uses {
            graph.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
        assert_eq!(circles(&graph).into_iter().collect::<Vec<_>>(), ["b", "c"]);
    }
}
