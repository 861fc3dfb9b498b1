//! The rules of `docs/architecture.md`, held against the sources.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use huiyin_architecture::{Crate, beneath, circles, code, crates, modules, sources};

/// Which crate under `host/` may use which others of them. A new arrow is a decision: it is put here, and into the
/// picture and the table of `docs/architecture.md`.
#[rustfmt::skip]
const ARROWS: &[(&str, &[&str])] = &[
    ("huiyin", &[
        "huiyin-audit", "huiyin-deadline", "huiyin-desk", "huiyin-engine", "huiyin-files", "huiyin-flow",
        "huiyin-journal", "huiyin-json", "huiyin-plugin-topic", "huiyin-sandbox", "huiyin-server",
    ]),
    ("huiyin-audit", &["huiyin-files", "huiyin-json"]),
    ("huiyin-deadline", &[]),
    ("huiyin-desk", &["huiyin-deadline"]),
    ("huiyin-engine", &[
        "huiyin-audit", "huiyin-deadline", "huiyin-desk", "huiyin-fairness", "huiyin-files", "huiyin-flow",
        "huiyin-journal", "huiyin-json", "huiyin-partition", "huiyin-records", "huiyin-registry", "huiyin-sandbox",
        "huiyin-secrets", "huiyin-views",
    ]),
    ("huiyin-fairness", &[]),
    ("huiyin-files", &[]),
    ("huiyin-flow", &["huiyin-json"]),
    ("huiyin-journal", &["huiyin-files", "huiyin-journal-types"]),
    ("huiyin-journal-types", &[]),
    ("huiyin-json", &[]),
    ("huiyin-partition", &[
        "huiyin-deadline", "huiyin-desk", "huiyin-flow", "huiyin-journal-types", "huiyin-json", "huiyin-records",
    ]),
    ("huiyin-records", &["huiyin-desk", "huiyin-flow", "huiyin-journal-types", "huiyin-json"]),
    ("huiyin-registry", &[
        "huiyin-audit", "huiyin-desk", "huiyin-flow", "huiyin-partition", "huiyin-records", "huiyin-sandbox",
        "huiyin-secrets",
    ]),
    ("huiyin-sandbox", &["huiyin-files", "huiyin-json"]),
    ("huiyin-search", &[]),
    ("huiyin-secrets", &["huiyin-files", "huiyin-sandbox"]),
    ("huiyin-server", &[
        "huiyin-audit", "huiyin-desk", "huiyin-engine", "huiyin-files", "huiyin-flow", "huiyin-journal",
        "huiyin-json", "huiyin-sandbox", "huiyin-search", "huiyin-secrets",
    ]),
    ("huiyin-views", &[]),
];

/// Crates without input, output, clock, chance and threads: time and ids are handed in.
#[rustfmt::skip]
const PURE: &[&str] = &[
    "huiyin-deadline", "huiyin-desk", "huiyin-fairness", "huiyin-flow", "huiyin-journal-types", "huiyin-json",
    "huiyin-partition", "huiyin-records",
];

/// What no pure crate stands on, however far down.
const NOT_BENEATH: &[&str] = &["tokio", "mio", "wasmtime", "hyper", "reqwest", "rustls", "sled", "tempfile"];

/// What no pure crate says.
const NOT_SAID: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
    "std::io::stdin",
    "std::io::stdout",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Uuid::new_v4",
    "Uuid::now_v7",
    "getrandom",
    "tokio",
];

/// What a file of a pure crate may say all the same.
const SAID_ALL_THE_SAME: &[(&str, &str)] = &[
    // A value that nests deeply is read on a larger stack; what comes of it is the same.
    ("json/src/depth.rs", "std::thread"),
];

/// The modules that still name each other in a circle, by crate. They may become fewer; one that is new in a circle
/// wants an arrow less, not a line here.
#[rustfmt::skip]
const CIRCLES: &[(&str, &[&str])] = &[
    ("huiyin-deadline", &["due", "office"]),
    ("huiyin-desk", &[
        "authority", "calls", "case", "command", "core_functions", "decide", "desk", "disclosure", "event", "fact",
        "item", "log", "policy", "unit", "view", "watch",
    ]),
    ("huiyin-flow", &["apply", "expr", "fact", "model", "run", "size", "state"]),
    ("huiyin-journal", &[
        "faults", "master", "prepare", "queue", "record", "ring", "seal", "shared", "unsettled", "writer",
    ]),
    ("huiyin-sandbox", &[
        "cache", "compile", "effect", "egress", "engine", "error", "grant", "host", "invoke", "manifest", "operation",
        "package", "sandbox", "signed", "warm",
    ]),
    // The handlers of accounts take the state, which has the accounts; who asks is checked by what says who asks.
    ("huiyin-server", &["access", "account", "caller", "state"]),
];

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn ours(of: &Crate) -> BTreeSet<String> {
    of.uses.iter().filter(|name| *name == "huiyin" || name.starts_with("huiyin-")).cloned().collect()
}

#[test]
fn crates_use_only_what_lies_beneath_them() {
    let found: BTreeMap<String, BTreeSet<String>> =
        crates().unwrap().iter().map(|one| (one.name.clone(), ours(one))).collect();
    let allowed = ARROWS.iter().map(|(name, uses)| ((*name).to_owned(), set(uses))).collect();
    assert_eq!(found, allowed, "left: what Cargo.toml says; right: the table above");
    assert_eq!(circles(&found), BTreeSet::new());
}

#[test]
fn pure_crates_reach_nothing_outside() {
    let all = crates().unwrap();
    for name in PURE {
        let of = all.iter().find(|one| one.name == *name).unwrap_or_else(|| panic!("there is no crate {name}"));
        let under = beneath(name).unwrap();
        let impure: Vec<_> = NOT_BENEATH.iter().filter(|other| under.contains(**other)).collect();
        assert!(
            impure.is_empty(),
            "{name} stands on {impure:?}; see `cargo tree -p {name} -e normal -i {}`",
            impure[0]
        );
        let beside: BTreeSet<String> = ours(of).into_iter().filter(|other| !PURE.contains(&other.as_str())).collect();
        assert_eq!(beside, BTreeSet::new(), "{name} uses what is not pure");
        for (path, text) in sources(&of.folder.join("src")).unwrap() {
            // Tests of a module stand at its end, and may read what they like.
            let text = text.split("#[cfg(test)]\n").next().unwrap_or_default().to_owned();
            let code = code(&text);
            let may = |word: &str| SAID_ALL_THE_SAME.iter().any(|(file, may)| path.ends_with(file) && word == *may);
            let said: Vec<_> = NOT_SAID.iter().filter(|word| code.contains(**word) && !may(word)).collect();
            assert!(said.is_empty(), "{}: says {said:?}", path.display());
        }
    }
}

#[test]
fn modules_name_each_other_in_one_direction() {
    let known: BTreeMap<&str, BTreeSet<String>> = CIRCLES.iter().map(|(name, all)| (*name, set(all))).collect();
    for of in crates().unwrap() {
        let graph = modules(&of).unwrap();
        let found = circles(&graph);
        let known = known.get(of.name.as_str()).cloned().unwrap_or_default();
        let new: BTreeSet<_> = found.difference(&known).cloned().collect();
        let arrows: Vec<_> = new.iter().map(|name| (name, &graph[name])).collect();
        assert!(new.is_empty(), "{}: new in a circle, with whom they name: {arrows:#?}", of.name);
        let gone: BTreeSet<_> = known.difference(&found).cloned().collect();
        assert!(gone.is_empty(), "{}: no longer in a circle, take them out of the list: {gone:?}", of.name);
    }
}

#[test]
fn every_crate_begins_with_its_invariant() {
    let all = crates().unwrap();
    let says = |of: &&Crate| {
        let text = std::fs::read_to_string(of.folder.join("src/lib.rs")).unwrap();
        let head = text.lines().take_while(|line| line.starts_with("//!"));
        !head.into_iter().any(|line| line.contains("**Invariant:**"))
    };
    let silent: Vec<&str> = all.iter().filter(says).map(|of| of.name.as_str()).collect();
    assert!(silent.is_empty(), "no `**Invariant:**` at the head of lib.rs: {silent:?}");
}
