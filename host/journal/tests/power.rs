//! Power cuts: everything acknowledged is there afterwards, and the harness can see it if not.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Result, all, draft, fill, on, payload, text};
use huiyin_journal::faults::{LossyDisk, LossyOptions, PlantedBug};
use huiyin_journal::{Disk as _, Journal, JournalError, Options, SegmentJournal};

fn lossy(tear: Option<u64>) -> LossyDisk {
    LossyDisk::new(LossyOptions { tear, sync_delay: Duration::ZERO })
}

fn small(disk: &LossyDisk) -> Options {
    Options { segment_bytes: 8192, ..on(disk.clone()) }
}

/// Appends until the power goes; how many records of the partition were acknowledged.
async fn work(journal: Arc<SegmentJournal>, partition: u32) -> u64 {
    let (mut acknowledged, mut seq) = (0, journal.last_seq(partition));
    loop {
        let key = format!("case:{partition}-{}", seq / 5);
        let future =
            journal.append(partition, seq, vec![draft(&key, payload(partition, seq, 40 + seq as usize % 900))]);
        match future.await {
            Ok(done) => (acknowledged, seq) = (done.last_seq, done.last_seq),
            Err(_) => return acknowledged,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_survives_power_cuts() -> Result {
    for seed in 0..12_u64 {
        let dir = tempfile::tempdir()?;
        let mut acknowledged = [0_u64; 4];
        for round in 0..3 {
            let disk = lossy((seed % 3 != 0).then_some(seed * 10 + round));
            let journal = Arc::new(SegmentJournal::open(dir.path(), small(&disk))?);
            for (partition, &count) in (0..).zip(&acknowledged) {
                let records: Vec<_> = journal.read(partition, 1)?.collect::<Result<_, _>>()?;
                assert!(records.len() as u64 >= count, "seed {seed}: {} of {count} are there", records.len());
                for (n, record) in (0..).zip(&records) {
                    assert_eq!(text(record), payload(partition, n, 40 + n as usize % 900));
                }
            }
            let tasks: Vec<_> = (0..4).map(|p| tokio::spawn(work(journal.clone(), p))).collect();
            tokio::time::sleep(Duration::from_millis(5 + seed * 2 + round * 7)).await;
            disk.cut_power();
            for (count, task) in acknowledged.iter_mut().zip(tasks) {
                *count = task.await?.max(*count);
            }
        }
        assert!(acknowledged.iter().sum::<u64>() > 0, "the test should have written something");
    }
    Ok(())
}

#[tokio::test]
async fn at_egress_the_cause_is_durable() -> Result {
    let dir = tempfile::tempdir()?;
    let disk = lossy(None);
    let journal = SegmentJournal::open(dir.path(), small(&disk))?;
    for n in 0..60 {
        let done = journal.append(1, n, vec![draft("case:1", payload(1, n, 300))]).await?;
        assert!(disk.durable_check(dir.path())? > done.last_index);
    }
    assert!(disk.syncs() > 60 && disk.synced_bytes() > 60 * 300);
    Ok(())
}

#[tokio::test]
async fn a_planted_missing_sync_is_caught() -> Result {
    let dir = tempfile::tempdir()?;
    let disk = lossy(None);
    let options = Options { planted: Some(PlantedBug::NoSync), ..on(disk.clone()) };
    let journal = SegmentJournal::open(dir.path(), options)?;
    fill(&journal, 1, 10).await?;
    assert_eq!(journal.size(), 10);
    assert_eq!(disk.durable_check(dir.path())?, 0, "the check at egress sees it");
    disk.cut_power();
    drop(journal);
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    assert_eq!(journal.size(), 0, "and so does the restart");
    Ok(())
}

#[tokio::test]
async fn a_destroyed_key_stays_destroyed_through_a_power_cut() -> Result {
    let dir = tempfile::tempdir()?;
    let disk = lossy(Some(3));
    let journal = SegmentJournal::open(dir.path(), on(disk.clone()))?;
    fill(&journal, 1, 2).await?;
    let blob = journal.put_blob("case:1", b"content")?;
    let kept = journal.put_blob("case:2", b"content")?;
    journal.destroy_key("case:1")?;
    disk.cut_power();
    drop(journal);
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    assert_eq!(all(&journal)?.iter().map(text).collect::<Vec<_>>(), [b"(redacted)"; 2]);
    assert_eq!(journal.get_blob(&blob)?, None);
    assert_eq!(journal.get_blob(&kept)?, Some(b"content".to_vec()));
    Ok(())
}

#[tokio::test]
async fn beyond_the_bound_appends_are_told_to_wait() -> Result {
    let dir = tempfile::tempdir()?;
    let disk = LossyDisk::new(LossyOptions { tear: None, sync_delay: Duration::from_millis(50) });
    let options = Options { max_queued_bytes: 10_000, ..on(disk) };
    let journal = SegmentJournal::open(dir.path(), options)?;
    let mut waiting = Vec::new();
    let mut seq = 0;
    let busy = loop {
        let mut future = journal.append(1, seq, vec![draft("case:1", payload(1, seq, 2000))]);
        // A refusal is there at once; a place taken is not.
        match tokio::time::timeout(Duration::ZERO, &mut future).await {
            Ok(Err(e)) => break e,
            Ok(Ok(done)) => seq = done.last_seq,
            Err(_) => {
                waiting.push(future);
                seq += 1;
            }
        }
        assert!(seq < 100, "nothing was refused");
    };
    assert!(matches!(busy, JournalError::Busy { limit: 10_000, .. }), "{busy:?}");
    assert_eq!(journal.last_seq(1), seq, "no place was taken");
    for future in waiting {
        future.await?;
    }
    journal.append(1, seq, vec![draft("case:1", "now")]).await?;
    Ok(())
}

#[test]
fn the_lossy_disk_loses_what_was_not_synced() -> Result {
    let dir = tempfile::tempdir()?;
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let disk = lossy(None);
    let file = disk.create(&a)?;
    file.write_at(b"kept", 0)?;
    file.sync_data()?;
    assert!(!a.exists(), "a name is durable only with its folder");
    disk.sync_dir(dir.path())?;
    file.write_at(b"lost", 2)?;
    let mut bytes = [0; 6];
    assert_eq!(disk.open(&a)?.read_at(&mut bytes, 0)?, 6);
    assert_eq!((&bytes, &*std::fs::read(&a)?), (b"kelost", &b"kept"[..]));
    disk.rename(&a, &b)?;
    assert_eq!((disk.list(dir.path())?, a.exists()), (vec!["b".to_owned()], true));
    assert!(disk.open(&a).is_err());
    disk.sync_dir(dir.path())?;
    assert_eq!((a.exists(), std::fs::read(&b)?), (false, b"kept".to_vec()));
    disk.remove(&b)?;
    assert!(disk.open(&b).is_err() && b.exists());
    disk.cut_power();
    assert!(file.sync_data().is_err());
    assert_eq!(std::fs::read(&b)?, b"kept");
    Ok(())
}

#[test]
fn a_lossy_file_cut_and_grown_reads_zeros() -> Result {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("a");
    let disk = lossy(None);
    let file = disk.create(&path)?;
    file.write_at(&[1; 2000], 0)?;
    file.sync_data()?;
    disk.sync_dir(dir.path())?;
    file.set_len(700)?;
    file.allocate(1500)?;
    let expected = [vec![1; 700], vec![0; 800]].concat();
    assert_eq!(file.read_all()?, expected);
    assert_eq!(std::fs::read(&path)?, [1; 2000]);
    file.sync_data()?;
    assert_eq!(std::fs::read(&path)?, expected);
    Ok(())
}

#[tokio::test]
async fn a_refused_append_says_why() -> Result {
    let dir = tempfile::tempdir()?;
    let disk = lossy(None);
    let journal = SegmentJournal::open(dir.path(), on(disk.clone()))?;
    disk.cut_power();
    let first = journal.append(1, 0, vec![draft("case:1", "x")]).await;
    assert!(matches!(first, Err(JournalError::Io { .. } | JournalError::SyncFailed { .. })), "{first:?}");
    Ok(())
}

/// Copies a journal's folder as a power cut would find it: with this as its only segment file.
fn found(from: &std::path::Path, segment: &std::path::Path, bytes: &[u8]) -> Result<tempfile::TempDir> {
    let copy = tempfile::tempdir()?;
    common::copy_dir(from, copy.path());
    std::fs::write(copy.path().join("segments").join(segment.file_name().ok_or("no name")?), bytes)?;
    Ok(copy)
}

#[tokio::test]
async fn an_append_is_kept_whole_or_not_at_all() -> Result {
    const SECTOR: usize = 512;
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), small(&lossy(None)))?;
    journal.append(1, 0, vec![draft("case:1", payload(1, 0, 100))]).await?;
    let segment = common::segments(dir.path()).pop().ok_or("no segment")?;
    let before = std::fs::read(&segment)?;
    let batch: Vec<_> = (1..7).map(|n| draft("case:1", payload(1, n, 380))).collect();
    journal.append(1, 1, batch).await?;
    let after = std::fs::read(&segment)?;
    let changed: Vec<usize> = (0..after.len().div_ceil(SECTOR))
        .filter(|n| {
            let sector = |bytes: &[u8]| bytes.iter().skip(n * SECTOR).take(SECTOR).copied().collect::<Vec<_>>();
            sector(&before) != sector(&after)
        })
        .collect();
    assert!((3..8).contains(&changed.len()), "{} sectors", changed.len());
    // Every way in which a disk may keep some of the sectors and lose the others.
    let (mut none, mut all_of_it) = (0, 0);
    for kept in 0..1_usize << changed.len() {
        let mut bytes = before.clone();
        bytes.resize(after.len().max(before.len()), 0);
        for (_, sector) in changed.iter().enumerate().filter(|(at, _)| kept >> at & 1 == 1) {
            let place = sector * SECTOR..((sector + 1) * SECTOR).min(after.len());
            bytes[place.clone()].copy_from_slice(&after[place]);
        }
        let copy = found(dir.path(), &segment, &bytes)?;
        let records = all(&SegmentJournal::open(copy.path(), small(&lossy(None)))?)?;
        match records.len() {
            1 => none += 1,
            7 => all_of_it += 1,
            other => panic!("{other} records after {kept:b}"),
        }
    }
    assert_eq!((none, all_of_it), ((1 << changed.len()) - 1, 1));
    // And lengths at which a copy of the file may end.
    let end = after.iter().rposition(|b| *b != 0).ok_or("an empty segment")? + 1;
    for len in before.iter().rposition(|b| *b != 0).ok_or("an empty segment")? + 1..end {
        if len % 17 > 0 && len + 1 < end {
            continue;
        }
        let copy = found(dir.path(), &segment, &after[..len])?;
        assert_eq!(all(&SegmentJournal::open(copy.path(), small(&lossy(None)))?)?.len(), 1, "cut at {len}");
    }
    Ok(())
}
