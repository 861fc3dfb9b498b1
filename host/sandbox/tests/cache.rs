//! The folder of compiled code: used when sound, ignored when touched.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use huiyin_sandbox::{Limits, Operation, Sandbox, SandboxConfig};
use support::{context, echo};

fn sandbox(folder: &Path) -> Sandbox {
    Sandbox::new(SandboxConfig { cache_dir: Some(folder.to_owned()), ..SandboxConfig::small() }).unwrap()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "cwasm"))
        .collect();
    found.sort();
    found
}

/// Loads the package and shows that it works.
fn works(folder: &Path) {
    let sandbox = sandbox(folder);
    let package = sandbox.load(&echo()).unwrap();
    let operation = Operation::Run { config: "{}".into(), input: "[1]".into() };
    sandbox.call_pure(&package, &context(), &operation, &Limits::default()).unwrap();
}

#[test]
fn a_sound_entry_is_used_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    works(folder.path());
    let found = entries(folder.path());
    assert_eq!(found.len(), 1);
    let name = found[0].file_name().unwrap().to_string_lossy().into_owned();
    let digest = sandbox(folder.path()).load(&echo()).unwrap().digest.clone();
    assert!(name.starts_with(&digest), "{name}");
    let before = fs::metadata(&found[0]).unwrap().modified().unwrap();
    works(folder.path());
    assert_eq!(fs::metadata(&found[0]).unwrap().modified().unwrap(), before);
}

#[test]
fn a_touched_entry_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    works(folder.path());
    let entry = entries(folder.path()).remove(0);
    let sound = fs::read(&entry).unwrap();
    let mut flipped = sound.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let mut tag = sound.clone();
    tag[0] ^= 1;
    for touched in [flipped, tag, sound[..sound.len() - 1].to_vec(), sound[..10].to_vec(), Vec::new()] {
        fs::write(&entry, &touched).unwrap();
        works(folder.path());
        // Compiling is deterministic, so the sound entry is back.
        assert_eq!(fs::read(&entry).unwrap(), sound);
    }
}

#[test]
fn an_entry_of_another_package_is_not_taken_for_this_one() {
    let folder = tempfile::tempdir().unwrap();
    works(folder.path());
    let mine = entries(folder.path()).remove(0);
    let sound = fs::read(&mine).unwrap();
    sandbox(folder.path()).load(&support::step("unreachable")).unwrap();
    let other = entries(folder.path()).into_iter().find(|path| *path != mine).unwrap();
    fs::copy(&other, &mine).unwrap();
    works(folder.path());
    assert_eq!(fs::read(&mine).unwrap(), sound);
}

#[test]
fn an_entry_under_another_key_is_foreign() {
    let folder = tempfile::tempdir().unwrap();
    works(folder.path());
    let entry = entries(folder.path()).remove(0);
    let before = fs::read(&entry).unwrap();
    fs::write(folder.path().join("key"), [7; 32]).unwrap();
    works(folder.path());
    let after = fs::read(&entry).unwrap();
    assert_ne!(before[..32], after[..32], "signed anew");
    assert_eq!(before[32..], after[32..]);
}

#[cfg(unix)]
#[test]
fn the_key_is_for_the_hosts_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    works(folder.path());
    let key = folder.path().join("key");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&key), 0o600);
    let before = fs::read(&key).unwrap();
    // Somebody could have read it: it is not trusted any more.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    works(folder.path());
    assert_eq!(mode(&key), 0o600);
    assert_ne!(fs::read(&key).unwrap(), before);
}

#[test]
fn a_folder_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Sandbox::new(SandboxConfig { cache_dir: Some(file), ..SandboxConfig::small() }).err().unwrap();
    assert!(error.to_string().contains("cache folder"), "{error}");
}
