//! Damaged files: found, and never read as something else.
#![allow(clippy::expect_used)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Result, all, copy_dir, draft, fill, payload, segments, small_segments};
use huiyin_journal::faults::{Fault, FaultDisk};
use huiyin_journal::{Journal, JournalError, Options, RealDisk, Record, SegmentJournal};
use proptest::prelude::*;

/// A copy of an open journal's folder: what a killed process leaves.
async fn left_by_a_kill(records: u64) -> Result<(tempfile::TempDir, Vec<Record>)> {
    let (live, copy) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let journal = SegmentJournal::open(live.path(), small_segments())?;
    fill(&journal, 1, records).await?;
    copy_dir(live.path(), copy.path());
    Ok((copy, all(&journal)?))
}

fn newest(dir: &Path) -> PathBuf {
    segments(dir).pop().expect("a segment")
}

/// Start and end of each frame, by the length in its header (docs/reference/formats.md).
fn frames(file: &Path) -> Vec<(usize, usize)> {
    let bytes = std::fs::read(file).expect("a segment");
    let (mut at, mut found) = (64, Vec::new());
    while bytes.get(at..at + 4) == Some(b"\xF7HYF") {
        let len = u32::from_be_bytes(bytes[at + 8..at + 12].try_into().expect("4 bytes")) as usize;
        found.push((at, at + 32 + len));
        at += 32 + len;
    }
    found
}

#[tokio::test]
async fn cut_anywhere_in_the_last_frame_keeps_the_rest() -> Result {
    let (dir, records) = left_by_a_kill(5).await?;
    let file = newest(dir.path());
    let bytes = std::fs::read(&file)?;
    let &(start, end) = frames(&file).last().ok_or("a frame")?;
    for cut in start..end {
        std::fs::write(&file, &bytes[..cut])?;
        let journal = SegmentJournal::open(dir.path(), small_segments())?;
        assert_eq!(all(&journal)?, records[..4], "cut at {cut}");
        // It goes on where it was cut, and the new record is found again.
        if cut % 16 == 0 {
            let copy = tempfile::tempdir()?;
            copy_dir(dir.path(), copy.path());
            let journal = SegmentJournal::open(copy.path(), small_segments())?;
            fill(&journal, 1, 1).await?;
            drop(journal);
            let journal = SegmentJournal::open(copy.path(), small_segments())?;
            assert_eq!((journal.size(), journal.last_seq(1)), (5, 5));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_last_frame_without_one_of_its_sectors_is_cut() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    fill(&journal, 1, 2).await?;
    journal.append(1, 2, vec![draft("case:1", payload(1, 2, 4000))]).await?;
    let copy = tempfile::tempdir()?;
    copy_dir(dir.path(), copy.path());
    let file = newest(copy.path());
    let bytes = std::fs::read(&file)?;
    let &(start, end) = frames(&file).last().ok_or("a frame")?;
    for sector in start / 512..=(end - 1) / 512 {
        let mut torn = bytes.clone();
        torn[(sector * 512).max(start)..((sector + 1) * 512).min(end)].fill(0);
        std::fs::write(&file, torn)?;
        let journal = SegmentJournal::open(copy.path(), Options::default())?;
        assert_eq!(journal.size(), 2, "sector {sector}");
    }
    Ok(())
}

#[tokio::test]
async fn a_damaged_last_frame_is_not_taken_for_a_torn_one() -> Result {
    let (dir, records) = left_by_a_kill(3).await?;
    let file = newest(dir.path());
    let &(start, _) = frames(&file).last().ok_or("a frame")?;
    let mut bytes = std::fs::read(&file)?;
    bytes[start + 50] ^= 4;
    std::fs::write(&file, &bytes)?;
    match SegmentJournal::open(dir.path(), small_segments()) {
        Err(JournalError::Damaged { file: at, offset, why }) => {
            assert_eq!((&at, offset), (&file, start as u64));
            assert!(why.contains("`huiyin journal repair`"), "{why}");
        }
        other => return Err(format!("{other:?}").into()),
    }
    // What a checkpoint covers is not given up.
    let covered = Options { repair: true, expected_min_size: Some(3), ..small_segments() };
    let refused = SegmentJournal::open(dir.path(), covered).err();
    assert_eq!(refused, Some(JournalError::ShorterThanCheckpoint { expected: 3, found: 2 }));
    for kept in ["", "-1"] {
        let repair = Options { repair: true, expected_min_size: Some(2), ..small_segments() };
        let journal = SegmentJournal::open(dir.path(), repair.clone())?;
        assert_eq!(all(&journal)?, records[..2]);
        let given_up = journal.given_up().ok_or("something was given up")?;
        assert_eq!((&given_up.file, given_up.offset), (&file, start as u64));
        let name = format!("{}-{start}{kept}", file.file_stem().ok_or("a name")?.to_string_lossy());
        assert_eq!(given_up.kept, dir.path().join("given-up").join(name));
        let cut = std::fs::read(&given_up.kept)?;
        assert_eq!((cut.len() as u64, &cut[..]), (given_up.bytes, &bytes[start..start + cut.len()]));
        assert!(bytes[start + cut.len()..].iter().all(|byte| *byte == 0), "only zeros were left out");
        drop(journal);
        // Whole now, with or without being told to repair.
        assert_eq!(SegmentJournal::open(dir.path(), repair)?.given_up(), None);
        assert_eq!(all(&SegmentJournal::open(dir.path(), small_segments())?)?, records[..2]);
        std::fs::write(&file, &bytes)?;
    }
    Ok(())
}

#[tokio::test]
async fn damage_before_the_end_is_reported_with_its_place() -> Result {
    let mut count = 40;
    let dir = loop {
        let (dir, _) = left_by_a_kill(count).await?;
        if frames(&newest(dir.path())).len() >= 2 {
            break dir;
        }
        count += 1;
    };
    let files = segments(dir.path());
    assert!(files.len() > 2, "the test needs several segments");
    for file in [&files[1], &files[files.len() - 1]] {
        let bytes = std::fs::read(file)?;
        let found = frames(file);
        let (start, end) = found[found.len() - 2];
        for change in ["flip", "zero"] {
            let mut changed = bytes.clone();
            if change == "flip" {
                changed[end - 1] ^= 1;
            } else {
                changed[start..end].fill(0);
            }
            std::fs::write(file, changed)?;
            match SegmentJournal::open(dir.path(), small_segments()) {
                Err(JournalError::Damaged { file: at, offset, .. }) => assert_eq!((&at, offset), (file, start as u64)),
                other => return Err(format!("{change}: {other:?}").into()),
            }
        }
        std::fs::write(file, bytes)?;
    }
    SegmentJournal::open(dir.path(), small_segments())?;
    Ok(())
}

#[tokio::test]
async fn missing_files_are_noticed() -> Result {
    let (dir, _) = left_by_a_kill(40).await?;
    let files = segments(dir.path());
    let ring = dir.path().join("keys/ring");
    for (file, named) in [
        (files[0].clone(), files[1].clone()),
        (files[1].clone(), files[2].clone()),
        (dir.path().join("journal.json"), dir.path().join("journal.json")),
    ] {
        let bytes = std::fs::read(&file)?;
        std::fs::remove_file(&file)?;
        match SegmentJournal::open(dir.path(), small_segments()) {
            Err(JournalError::Damaged { file: at, .. }) => assert_eq!(at, named),
            other => return Err(format!("{other:?}").into()),
        }
        std::fs::write(&file, bytes)?;
    }
    // Without its key ring a journal opens, but nothing in it can be read: lost is not redacted.
    let bytes = std::fs::read(&ring)?;
    std::fs::remove_file(&ring)?;
    let lost = SegmentJournal::open(dir.path(), small_segments()).err();
    assert!(matches!(&lost, Some(JournalError::Damaged { file, .. }) if *file == ring), "{lost:?}");
    std::fs::write(&ring, bytes)?;
    assert_eq!(SegmentJournal::open(dir.path(), small_segments())?.size(), 40);
    Ok(())
}

#[tokio::test]
async fn a_lost_key_is_an_error_and_no_redaction() -> Result {
    let (dir, _) = left_by_a_kill(2).await?;
    let ring = dir.path().join("keys/ring");
    let bytes = std::fs::read(&ring)?;
    let mut changed = bytes.clone();
    changed[256 + 200] ^= 1;
    std::fs::write(&ring, &changed)?;
    let refused = SegmentJournal::open(dir.path(), small_segments()).err();
    assert!(matches!(refused, Some(JournalError::Damaged { offset: 256, .. })), "{refused:?}");
    // To give something up makes no damaged key whole.
    let refused = SegmentJournal::open(dir.path(), Options { repair: true, ..small_segments() }).err();
    assert!(matches!(refused, Some(JournalError::Damaged { offset: 256, .. })), "{refused:?}");
    // A ring from before the key was made.
    changed[256..512].fill(0);
    std::fs::write(&ring, &changed)?;
    let journal = SegmentJournal::open(dir.path(), small_segments())?;
    assert_eq!(all(&journal), Err(JournalError::KeyMissing { key: "case:1".into() }));
    Ok(())
}

#[tokio::test]
async fn a_damaged_blob_is_reported() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    let content = payload(1, 1, 2000);
    let id = journal.put_blob("case:1", &content)?;
    let name = id.to_string();
    let path = dir.path().join("blobs").join(&name[..2]).join(&name);
    let bytes = std::fs::read(&path)?;
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        std::fs::write(&path, changed)?;
        let got = journal.get_blob(&id);
        assert!(matches!(&got, Err(JournalError::Damaged { file, .. }) if *file == path), "byte {at}: {got:?}");
    }
    // Putting it again mends it.
    assert_eq!(journal.put_blob("case:1", &content)?, id);
    assert_eq!(journal.get_blob(&id)?, Some(content));
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_said_and_survived() -> Result {
    for fault in [Fault::NoSpaceAtGrow(1), Fault::NoSpaceAtWrite(3)] {
        let dir = tempfile::tempdir()?;
        let disk = FaultDisk::new(Arc::new(RealDisk));
        let options = Options { disk: Arc::new(disk.clone()), ..small_segments() };
        let journal = SegmentJournal::open(dir.path(), options.clone())?;
        journal.append(1, 0, vec![draft("case:1", "first")]).await?;
        disk.set(Some(fault));
        let mut acknowledged = 1;
        let failure = loop {
            match journal.append(1, acknowledged, vec![draft("case:1", payload(1, acknowledged, 400))]).await {
                Ok(done) => acknowledged = done.last_seq,
                Err(e) => break e,
            }
        };
        assert!(matches!(failure, JournalError::Full { .. }), "{failure:?}");
        let later = journal.append(1, acknowledged + 1, vec![draft("case:1", "later")]).await;
        assert!(matches!(later, Err(JournalError::Poisoned { .. })), "{later:?}");
        assert!(journal.failure().is_some());
        assert_eq!(all(&journal)?.len() as u64, acknowledged, "what was acknowledged can still be read");
        drop(journal);
        let still_full = SegmentJournal::open(dir.path(), options.clone()).map(|j| j.size());
        assert!(matches!(still_full, Ok(_) | Err(JournalError::Full { .. })), "{still_full:?}");
        disk.set(None);
        let journal = SegmentJournal::open(dir.path(), options)?;
        assert_eq!(journal.size(), acknowledged);
        fill(&journal, 1, 30).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_failed_sync_stops_the_journal() -> Result {
    let dir = tempfile::tempdir()?;
    let disk = FaultDisk::new(Arc::new(RealDisk));
    let options = Options { disk: Arc::new(disk.clone()), ..small_segments() };
    let journal = SegmentJournal::open(dir.path(), options.clone())?;
    fill(&journal, 1, 2).await?;
    disk.set(Some(Fault::ErrorAtSync(1)));
    let (first, second) = tokio::join!(
        journal.append(1, 2, vec![draft("case:1", "a")]),
        journal.append(2, 0, vec![draft("case:1", "b")])
    );
    assert!(matches!(first, Err(JournalError::SyncFailed { .. })), "{first:?}");
    assert!(matches!(second, Err(JournalError::SyncFailed { .. } | JournalError::Poisoned { .. })), "{second:?}");
    // The next sync would succeed, as on Linux, and mean nothing.
    let third = journal.append(1, 3, vec![draft("case:1", "c")]).await;
    assert!(matches!(third, Err(JournalError::Poisoned { .. })), "{third:?}");
    assert_eq!(journal.size(), 2, "nothing unsynced is shown as durable");
    drop(journal);
    let journal = SegmentJournal::open(dir.path(), options)?;
    assert!((2..=4).contains(&journal.size()));
    assert_eq!(all(&journal)?.len() as u64, journal.size());
    Ok(())
}

#[tokio::test]
async fn a_failed_sync_of_a_new_key_acknowledges_nothing() -> Result {
    let dir = tempfile::tempdir()?;
    let disk = FaultDisk::new(Arc::new(RealDisk));
    let options = Options { disk: Arc::new(disk.clone()), ..small_segments() };
    let journal = SegmentJournal::open(dir.path(), options.clone())?;
    fill(&journal, 1, 1).await?;
    disk.set(Some(Fault::ErrorAtSync(1)));
    let failed = journal.put_blob("case:new", b"content");
    assert!(matches!(failed, Err(JournalError::SyncFailed { .. })), "{failed:?}");
    let refused = journal.append(1, 1, vec![draft("case:new", "x")]).await;
    assert!(matches!(refused, Err(JournalError::SyncFailed { .. })), "{refused:?}");
    drop(journal);
    assert_eq!(SegmentJournal::open(dir.path(), options)?.size(), 1);
    Ok(())
}

#[tokio::test]
async fn short_reads_change_nothing() -> Result {
    let (dir, records) = left_by_a_kill(20).await?;
    let disk = FaultDisk::new(Arc::new(RealDisk));
    disk.set(Some(Fault::ShortReads(7)));
    let journal = SegmentJournal::open(dir.path(), Options { disk: Arc::new(disk), ..small_segments() })?;
    assert_eq!(all(&journal)?, records);
    Ok(())
}

#[tokio::test]
async fn bits_flipped_on_the_way_are_noticed() -> Result {
    let (dir, records) = left_by_a_kill(20).await?;
    let mut noticed = 0;
    for seed in 0..40 {
        let disk = FaultDisk::new(Arc::new(RealDisk));
        let journal = SegmentJournal::open(dir.path(), Options { disk: Arc::new(disk.clone()), ..small_segments() })?;
        disk.set(Some(Fault::FlipBits { every: 3, seed }));
        for (n, record) in journal.read(1, 1)?.enumerate() {
            match record {
                Ok(record) => assert_eq!(record, records[n]),
                Err(JournalError::Damaged { .. }) => noticed += 1,
                Err(e) => return Err(e.into()),
            }
        }
    }
    assert_eq!(noticed, 40);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A flipped byte anywhere in any file: the same records, or an error; never others.
    #[test]
    fn a_flipped_byte_is_never_read_as_something_else(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0_u8..8, closed: bool) {
        let (dir, records) = sample(closed);
        let files = ["keys/ring", "journal.json", "keys/master.key"].map(|f| dir.path().join(f));
        let mut files: Vec<_> = files.into_iter().chain(segments(dir.path())).collect();
        let file = files.swap_remove(which.index(files.len()));
        let mut bytes = std::fs::read(&file).expect("a file");
        // The unused end of the ring file is long and dull.
        let used = bytes.len().min(4096);
        bytes[at.index(used)] ^= 1 << bit;
        std::fs::write(&file, bytes).expect("written");
        match SegmentJournal::open(dir.path(), small_segments()) {
            Err(JournalError::Damaged { file: named, .. } | JournalError::MasterKey { path: named, .. }) => {
                prop_assert!(named.starts_with(dir.path()));
            }
            Err(other) => prop_assert!(false, "{other:?}"),
            Ok(journal) => {
                let read = all(&journal);
                prop_assert_eq!(read.as_ref(), Ok(&records));
            }
        }
    }
}

/// A journal of some records, made once; closed cleanly or as a kill leaves it.
fn sample(closed: bool) -> (tempfile::TempDir, Vec<Record>) {
    static SAMPLES: [std::sync::OnceLock<(tempfile::TempDir, Vec<Record>)>; 2] =
        [const { std::sync::OnceLock::new() }; 2];
    let (dir, records) = SAMPLES[usize::from(closed)].get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (dir, records) = runtime.block_on(left_by_a_kill(30)).expect("a journal");
        if closed {
            drop(SegmentJournal::open(dir.path(), small_segments()).expect("opens"));
        }
        (dir, records)
    });
    let copy = tempfile::tempdir().expect("a folder");
    copy_dir(dir.path(), copy.path());
    (copy, records.clone())
}
