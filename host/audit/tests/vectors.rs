//! Every public Merkle test vector (transparency-dev/merkle, testdata) gets the verdict it asks for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

use huiyin_audit::{Verdict, check};

#[test]
fn every_vector_gets_its_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/merkle");
    if !folder.is_dir() {
        eprintln!("skipped: no test vectors at {}", folder.display());
        return;
    }
    let mut files = Vec::new();
    collect(&folder, &mut files);
    assert!(!files.is_empty(), "{} holds no vectors", folder.display());
    for file in &files {
        let text = std::fs::read(file).unwrap();
        let vector: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let want_error = vector["wantErr"].as_bool().unwrap();
        let verdict = check(&text, &[]);
        assert_eq!(matches!(verdict, Verdict::Holds(_)), !want_error, "{}: {verdict:?}", file.display());
        assert!(!matches!(verdict, Verdict::Malformed { .. }), "{}: {verdict:?}", file.display());
    }
    println!("{} vectors", files.len());
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}
