//! Views as their users see them, healthy and damaged.
#![allow(clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use huiyin_views::{Batch, Opened, Options, Views, ViewsError};
use proptest::prelude::*;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn rebuilt(opened: &Opened, because: &str) -> bool {
    matches!(opened, Opened::Rebuilt { reason } if reason.contains(because))
}

#[test]
fn what_is_put_is_there_again() -> Result {
    let dir = tempfile::tempdir()?;
    let (views, opened) = Views::open(dir.path(), 1)?;
    assert!(rebuilt(&opened, "there were none"));
    assert_eq!(views.snapshot(1)?, None);
    views.put_snapshot(1, 7, b"old state")?;
    views.put_snapshot(1, 9, b"state")?;
    views.put("case", b"2026-0001", b"open")?;
    views.put("case", b"2026-0002", b"open")?;
    views.put("cases", b"2026-0003", b"in another index")?;
    views.remove("case", b"2026-0002")?;
    views.remove("case", b"never there")?;
    drop(views);
    let (views, opened) = Views::open(dir.path(), 1)?;
    assert_eq!(opened, Opened::Existing);
    let snapshot = views.snapshot(1)?.ok_or("a snapshot")?;
    assert_eq!((snapshot.seq, &*snapshot.bytes), (9, &b"state"[..]));
    assert_eq!(views.snapshot(2)?, None);
    assert_eq!(views.get("case", b"2026-0001")?.as_deref(), Some(&b"open"[..]));
    assert_eq!(views.get("case", b"2026-0002")?, None);
    assert_eq!(views.size().0, 3);
    Ok(())
}

#[test]
fn an_index_is_read_page_by_page() -> Result {
    let dir = tempfile::tempdir()?;
    let (views, _) = Views::open(dir.path(), 1)?;
    let mut batch = Batch::new();
    for n in 0..10 {
        batch.put("case", format!("a{n}").as_bytes(), b"x").put("case", format!("b{n}").as_bytes(), b"y");
        batch.put("casf", format!("a{n}").as_bytes(), b"z");
    }
    views.write(&batch)?;
    let keys = |found: Vec<(Vec<u8>, Vec<u8>)>| -> Vec<String> {
        found.into_iter().map(|(key, _)| String::from_utf8_lossy(&key).into_owned()).collect()
    };
    assert_eq!(keys(views.scan_prefix("case", b"a", None, 3)?), ["a0", "a1", "a2"]);
    assert_eq!(keys(views.scan_prefix("case", b"a", Some(b"a7"), 9)?), ["a8", "a9"]);
    assert_eq!(views.scan_prefix("case", b"", None, 99)?.len(), 20);
    assert!(views.scan_prefix("cas", b"", None, 99)?.is_empty());
    Ok(())
}

#[test]
fn another_schema_version_starts_empty() -> Result {
    let dir = tempfile::tempdir()?;
    Views::open(dir.path(), 1)?.0.put("i", b"k", b"v")?;
    let (views, opened) = Views::open(dir.path(), 2)?;
    assert!(rebuilt(&opened, "version 1"), "{opened:?}");
    assert_eq!(views.get("i", b"k")?, None);
    drop(views);
    assert_eq!(Views::open(dir.path(), 2)?.1, Opened::Existing);
    Ok(())
}

#[test]
fn discarded_views_leave_nothing_behind() -> Result {
    let dir = tempfile::tempdir()?;
    let (views, _) = Views::open(dir.path(), 1)?;
    views.put_snapshot(1, 1, b"what must not outlive its key")?;
    views.discard()?;
    assert!(!dir.path().join("sled").exists());
    let (views, opened) = Views::open(dir.path(), 1)?;
    assert!(rebuilt(&opened, "there were none"));
    assert_eq!(views.snapshot(1)?, None);
    Ok(())
}

#[test]
fn one_process_at_a_time() -> Result {
    let dir = tempfile::tempdir()?;
    let (views, _) = Views::open(dir.path(), 1)?;
    views.put("i", b"k", b"v")?;
    let second = Views::open(dir.path(), 1).map(|_| ());
    assert_eq!(second, Err(ViewsError::Locked { dir: dir.path().to_path_buf() }));
    drop(views);
    assert_eq!(Views::open(dir.path(), 1)?.0.get("i", b"k")?.as_deref(), Some(&b"v"[..]));
    Ok(())
}

#[test]
fn size_is_bounded() -> Result {
    let dir = tempfile::tempdir()?;
    let options = Options { max_value_bytes: 1000, max_total_bytes: 3000, ..Options::default() };
    let (views, _) = Views::open_with(dir.path(), 1, options)?;
    let large = views.put("i", b"k", &[0; 1001]);
    assert!(matches!(large, Err(ViewsError::TooLarge { size: 1001, limit: 1000, .. })), "{large:?}");
    views.put("i", b"1", &[1; 900])?;
    views.put("i", b"1", &[2; 900])?;
    views.put("i", b"2", &[1; 900])?;
    views.put("i", b"3", &[1; 900])?;
    let full = views.put("i", b"4", &[1; 900]);
    assert!(matches!(full, Err(ViewsError::TooLarge { limit: 3000, .. })), "{full:?}");
    assert_eq!(views.get("i", b"4")?, None);
    views.remove("i", b"1")?;
    views.put("i", b"4", &[1; 900])?;
    Ok(())
}

/// The files of sled below the views' folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![dir.join("sled")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn key(n: u32) -> [u8; 4] {
    n.to_be_bytes()
}

fn value(n: u32) -> Vec<u8> {
    (0..40 + n % 50).flat_map(|k| (n * 31 + k).to_be_bytes()).collect()
}

/// Views with something in them: closed cleanly, or as a kill leaves them.
fn sample(closed: bool) -> tempfile::TempDir {
    static SAMPLE: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let made = SAMPLE.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a folder");
        let (views, _) = Views::open(dir.path(), 1).expect("opens");
        for n in 0..400 {
            views.put("i", &key(n), &value(n)).expect("kept");
        }
        for partition in 0..4 {
            views.put_snapshot(partition, 5, &value(partition).repeat(200)).expect("kept");
        }
        drop(views);
        dir
    });
    let dir = tempfile::tempdir().expect("a folder");
    copy(made.path(), dir.path());
    if !closed {
        fs::remove_file(dir.path().join("clean")).expect("was closed");
    }
    dir
}

/// Whatever was done to the files: empty, or as after some first part of the writes, or said to be
/// faulty; never anything else, no panic.
fn never_wrong(dir: &Path) -> (Opened, usize) {
    let (views, opened) = Views::open(dir, 1).expect("opens whatever is wrong");
    let entries = (0..400).map(|n| (views.get("i", &key(n)), value(n)));
    let snapshots = (0..4).map(|p| (views.snapshot(p).map(|s| s.map(|s| s.bytes)), value(p).repeat(200)));
    let (mut kept, mut faulty, mut ended) = (0, false, false);
    for (found, expected) in entries.chain(snapshots) {
        match found {
            Ok(Some(found)) => {
                assert!(found == expected && !ended && !faulty, "entry {kept}");
                kept += 1;
            }
            Ok(None) => {
                assert!(!faulty, "answers after a fault");
                ended = true;
            }
            Err(ViewsError::Faulty { .. }) => faulty = true,
            Err(e) => panic!("{e}"),
        }
    }
    assert!(opened == Opened::Existing || (kept == 0 && !faulty), "not empty");
    match views.put("i", b"new", b"value") {
        Ok(()) => {}
        Err(ViewsError::Faulty { .. }) => faulty = true,
        Err(e) => panic!("{e}"),
    }
    drop(views);
    let (views, again) = Views::open(dir, 1).expect("opens again");
    assert!(!faulty || (again != Opened::Existing && views.size().0 == 0), "a faulty store was used again");
    (opened, kept)
}

#[test]
fn an_unharmed_sample_is_used() {
    for closed in [true, false] {
        assert_eq!(never_wrong(sample(closed).path()), (Opened::Existing, 404));
    }
}

#[test]
fn cut_or_missing_files_are_never_wrong() -> Result {
    for closed in [true, false] {
        for n in 0..files(sample(closed).path()).len() {
            for keep in [0, 1, 4, 10, 99, 100] {
                let dir = sample(closed);
                let file = &files(dir.path())[n];
                let bytes = fs::read(file)?;
                if keep == 100 {
                    fs::remove_file(file)?;
                } else {
                    fs::write(file, &bytes[..bytes.len() * keep / 100])?;
                }
                let (opened, _) = never_wrong(dir.path());
                assert!(!closed || opened != Opened::Existing || bytes.is_empty(), "{}", file.display());
            }
        }
    }
    Ok(())
}

#[test]
fn a_missing_folder_comes_up_empty() -> Result {
    let dir = sample(true);
    fs::remove_dir_all(dir.path().join("sled"))?;
    assert!(rebuilt(&never_wrong(dir.path()).0, "there were none"));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn a_flipped_byte_is_never_read_as_something_else(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0_u8..8, closed in prop::bool::weighted(0.2)) {
        let dir = sample(closed);
        let mut files = files(dir.path());
        files.retain(|f| fs::metadata(f).is_ok_and(|m| m.len() > 0));
        let file = &files[which.index(files.len())];
        let mut bytes = fs::read(file).expect("a file");
        let used = bytes.iter().rposition(|&b| b != 0).map_or(1, |last| last + 1);
        bytes[at.index(used)] ^= 1 << bit;
        fs::write(file, bytes).expect("written");
        let (opened, _) = never_wrong(dir.path());
        prop_assert!(!closed || opened != Opened::Existing);
    }
}
