//! Payloads larger than a record: their large values lie in blobs, and nobody who reads notices.
//! A record is never there before the blobs that it names, and a crash leaves no blob for ever
//! that no record names.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use common::{Result, all, draft, on, text};
use huiyin_journal::faults::{Fault, FaultDisk, LossyDisk, LossyOptions};
use huiyin_journal::{
    Journal, JournalError, LargePayloads, MemoryJournal, OUTLINE_BYTES, Options, Payload, RealDisk, SegmentJournal,
    references,
};
use serde_json::{Value, json};

fn open(dir: &Path, options: Options) -> Result<LargePayloads, JournalError> {
    let journal = SegmentJournal::open(dir, Options { max_blob_bytes: 1 << 30, ..options })?;
    Ok(LargePayloads::in_turn(Arc::new(journal)))
}

/// A text that does not compress to nothing.
fn long(seed: u64, len: usize) -> String {
    let mut word = seed + 1;
    let mut text = String::with_capacity(len);
    while text.len() < len {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text.push(char::from(b'a' + (word >> 33) as u8 % 26));
    }
    text
}

fn payload(seed: u64, len: usize) -> Vec<u8> {
    json!({"run": seed, "facts": [{"output": {"text": long(seed, len), "n": seed}}, {"small": [1, 2]}]})
        .to_string()
        .into_bytes()
}

/// The blobs that lie in a journal's folder, unfinished ones among them.
fn blobs(dir: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for folder in std::fs::read_dir(dir.join("blobs"))? {
        let folder = folder?.path();
        if folder.is_dir() {
            for file in std::fs::read_dir(folder)? {
                let name = file?.file_name().to_string_lossy().into_owned();
                if !name.starts_with(".unsynced-") {
                    found.insert(name);
                }
            }
        }
    }
    Ok(found)
}

#[tokio::test]
async fn a_large_payload_is_read_as_it_was_written() -> Result {
    let dir = tempfile::tempdir()?;
    let small = draft("case:1", "{\"small\":true}");
    let large = payload(1, 9 << 20);
    {
        let on_disk = open(dir.path(), Options::default())?;
        let in_memory = LargePayloads::in_turn(Arc::new(MemoryJournal::new()));
        for journal in [&on_disk, &in_memory] {
            let batch = vec![small.clone(), draft("case:1", large.clone()), small.clone()];
            let done = journal.append(1, 0, batch).await?;
            assert_eq!((done.first_seq, done.last_seq, journal.last_seq(1)), (1, 3, 3));
            let records = all(journal)?;
            assert_eq!(records.iter().map(text).collect::<Vec<_>>(), [&small.payload, &large, &small.payload]);
            assert!(records.iter().all(|record| record.kind == "huiyin.test.happened.v1"));
        }
    }
    let journal = open(dir.path(), Options::default())?;
    let record = journal.read(1, 2)?.next().ok_or("no record")??;
    assert_eq!((text(&record), record.header.kind.as_str()), (&*large, "huiyin.test.happened.v1.outlined.v1"));
    // As it is stored: small, and it says where the value is, how long, and what it is.
    let stored = journal.inner().read(1, 2)?.next().ok_or("no record")??;
    assert!(text(&stored).len() < 1000);
    let named = references(&stored)?;
    assert_eq!((named.len(), named[0].at.as_str()), (1, "/facts/0/output/text"));
    let content = journal.get_blob(&named[0].blob)?.ok_or("redacted")?;
    assert_eq!(named[0].bytes, content.len() as u64);
    assert_eq!(serde_json::from_slice::<String>(&content)?, long(1, 9 << 20));
    // The stored payload is what the header commits to.
    let salt = stored.salt.ok_or("no salt")?;
    assert_eq!(huiyin_journal::commitment(&salt, text(&stored)), stored.header.commitment);
    Ok(())
}

#[tokio::test]
async fn a_value_that_is_passed_on_is_kept_once() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), Options::default())?;
    let value = long(3, 1 << 20);
    for n in 0..5 {
        let payload = json!({"n": n, "value": value}).to_string();
        journal.append(1, n, vec![draft("case:1", payload)]).await?;
    }
    assert_eq!(blobs(dir.path())?.len(), 1);
    // Under another key it is another blob: one key must not read what another one sealed.
    journal.append(1, 5, vec![draft("case:2", json!({"value": value}).to_string())]).await?;
    assert_eq!(blobs(dir.path())?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn what_is_many_small_things_is_one_part() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), Options::default())?;
    let items: Vec<Value> = (0..100_000).map(|n| json!({"n": n, "text": format!("item {n}")})).collect();
    let payload = json!({"items": items, "cursor": "c"}).to_string();
    journal.append(1, 0, vec![draft("case:1", payload.clone())]).await?;
    assert_eq!(text(&all(&journal)?[0]), payload.as_bytes());
    assert_eq!(blobs(dir.path())?.len(), 1);
    // A hundred values of half a MiB share about thirty files, not a hundred... and still one record.
    let many: Vec<String> = (0..100).map(|n| long(n, 512 << 10)).collect();
    let payload = json!(many).to_string();
    journal.append(1, 1, vec![draft("case:1", payload.clone())]).await?;
    assert_eq!(text(&all(&journal)?[1]), payload.as_bytes());
    assert!(blobs(dir.path())?.len() < 40, "{}", blobs(dir.path())?.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_keep_their_order_while_blobs_are_written_aside() -> Result {
    let dir = tempfile::tempdir()?;
    let inner: Arc<dyn Journal> = Arc::new(SegmentJournal::open(dir.path(), Options::default())?);
    let journal = LargePayloads::new(inner)?;
    let mut waiting = Vec::new();
    let mut expected = Vec::new();
    for n in 0..40_u64 {
        let content = if n % 5 == 0 { payload(n, 2 * OUTLINE_BYTES) } else { payload(n, 10) };
        assert_eq!(journal.last_seq(1), n);
        waiting.push(journal.append(1, n, vec![draft("case:1", content.clone())]));
        expected.push(content);
        if n % 5 == 0 {
            // Another partition does not wait for it.
            journal.append(2, n / 5, vec![draft("case:1", "{}")]).await?;
        }
    }
    for (n, append) in (1..).zip(waiting) {
        assert_eq!(append.await?.last_seq, n);
    }
    let read: Vec<Vec<u8>> =
        journal.read(1, 1)?.map(|r| r.map(|r| text(&r).to_vec())).collect::<Result<_, JournalError>>()?;
    assert_eq!(read, expected);
    // A wrong place is refused as ever, also behind a large one.
    let refused = journal.append(1, 7, vec![draft("case:1", payload(1, 2 * OUTLINE_BYTES))]).await;
    assert_eq!(refused, Err(JournalError::Behind { partition: 1, expected: 7, found: 40 }));
    journal.append(1, 40, vec![draft("case:1", "{}")]).await?;
    drop(journal);
    // What was refused had its blob written; it is found and removed.
    let journal = open(dir.path(), Options::default())?;
    assert_eq!(journal.unsettled_blobs()?.map(|list| list.blobs.len()), Some(1));
    assert_eq!(journal.sweep()?, 1);
    Ok(())
}

#[tokio::test]
async fn destroying_the_key_redacts_the_values_too() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = open(dir.path(), Options::default())?;
    journal.append(1, 0, vec![draft("case:1", payload(1, 1 << 20)), draft("case:2", payload(2, 1 << 20))]).await?;
    journal.destroy_key("case:1")?;
    let check = |journal: &LargePayloads| -> Result {
        let records = all(journal)?;
        assert_eq!(records[0].payload, Payload::Redacted);
        assert_eq!(text(&records[1]), payload(2, 1 << 20));
        Ok(())
    };
    check(&journal)?;
    drop(journal);
    check(&open(dir.path(), Options::default())?)
}

#[tokio::test]
async fn a_damaged_or_missing_blob_is_reported_with_its_record_and_place() -> Result {
    let dir = tempfile::tempdir()?;
    {
        let journal = open(dir.path(), Options::default())?;
        journal.append(1, 0, vec![draft("case:1", payload(1, 1 << 20))]).await?;
    }
    let name = blobs(dir.path())?.pop_first().ok_or("no blob")?;
    let path = dir.path().join("blobs").join(&name[..2]).join(&name);
    let bytes = std::fs::read(&path)?;
    let mut changed = bytes.clone();
    changed[5000] ^= 1;
    std::fs::write(&path, &changed)?;
    let journal = open(dir.path(), Options::default())?;
    let error = all(&journal).err().ok_or("nothing was noticed")?;
    let said = error.to_string();
    assert!(matches!(&error, JournalError::Outlined { record, .. } if record == "1/1"), "{said}");
    assert!(said.contains(&path.display().to_string()) && said.contains("checksum"), "{said}");
    std::fs::remove_file(&path)?;
    let said = all(&journal).err().ok_or("nothing was noticed")?.to_string();
    assert_eq!(said, format!("record 1/1: blob {name} is not in the store; restore it from a backup"));
    std::fs::write(&path, &bytes)?;
    assert_eq!(text(&all(&journal)?[0]), payload(1, 1 << 20));
    Ok(())
}

/// Appends small and large records until the disk fails or all are there; how many were confirmed.
async fn work(journal: &LargePayloads, from: u64) -> u64 {
    for n in from..6 {
        let content = if n % 2 == 0 { payload(n, OUTLINE_BYTES + 100) } else { payload(n, 10) };
        if journal.append(1, n, vec![draft("case:1", content)]).await.is_err() {
            return n;
        }
    }
    6
}

/// What must hold at every start after a crash.
fn sound(dir: &Path, confirmed: u64) -> Result<u64> {
    let journal = open(dir, Options::default())?;
    journal.sweep()?;
    let records = all(&journal)?;
    assert!(records.len() as u64 >= confirmed, "{} of {confirmed} are there", records.len());
    for (n, record) in (0..).zip(&records) {
        let len = if n % 2 == 0 { OUTLINE_BYTES + 100 } else { 10 };
        assert_eq!(text(record), payload(n, len));
    }
    let mut named = BTreeSet::new();
    for record in journal.inner().read_all(0)? {
        named.extend(references(&record?)?.into_iter().map(|reference| reference.blob.to_string()));
    }
    assert_eq!(blobs(dir)?, named, "each blob is named, and each that is named is there");
    assert_eq!(journal.unsettled_blobs()?, None);
    Ok(records.len() as u64)
}

#[tokio::test]
async fn the_power_may_go_at_any_moment() -> Result {
    let mut between = 0;
    for tear in [None, Some(7)] {
        // Every other moment with sectors torn, those between with none.
        for operations in (u64::from(tear.is_some())..).step_by(2) {
            let dir = tempfile::tempdir()?;
            open(dir.path(), Options::default())?.append(2, 0, vec![draft("case:1", "{}")]).await?;
            let disk = LossyDisk::new(LossyOptions { tear, ..LossyOptions::default() });
            let journal = SegmentJournal::open(dir.path(), on(disk.clone()))?;
            let journal = LargePayloads::in_turn(Arc::new(journal));
            disk.cut_power_after(operations);
            let confirmed = work(&journal, 0).await;
            let done = !disk.is_off();
            disk.cut_power();
            drop(journal);
            let left = blobs(dir.path())?.len() as u64;
            let journal = open(dir.path(), Options::default())?;
            let records = journal.size() - 1;
            // Large are the records 0, 2, 4.
            between += u64::from(left > records.div_ceil(2));
            drop(journal);
            let confirmed = confirmed + 1;
            let journal = open(dir.path(), Options::default())?;
            journal.sweep()?;
            let mut seen = 0;
            for record in journal.read(1, 1)? {
                let len = if seen % 2 == 0 { OUTLINE_BYTES + 100 } else { 10 };
                assert_eq!(text(&record?), payload(seen, len), "after {operations} operations");
                seen += 1;
            }
            assert!(
                seen + 1 >= confirmed,
                "after {operations} operations {seen} are there, {confirmed} were confirmed"
            );
            // It goes on, and ends well.
            assert_eq!(work(&journal, seen).await, 6);
            let mut named = BTreeSet::new();
            for record in journal.inner().read_all(0)? {
                named.extend(references(&record?)?.into_iter().map(|reference| reference.blob.to_string()));
            }
            assert_eq!(blobs(dir.path())?, named, "after {operations} operations");
            if done {
                break;
            }
        }
    }
    assert!(between > 0, "no crash fell between a blob and its record");
    Ok(())
}

#[tokio::test]
async fn a_disk_that_fails_while_a_blob_is_written_confirms_nothing() -> Result {
    for fault in (1..14).flat_map(|n| [Fault::ErrorAtSync(n), Fault::NoSpaceAtWrite(n)]) {
        let dir = tempfile::tempdir()?;
        let disk = FaultDisk::new(Arc::new(RealDisk));
        let journal = SegmentJournal::open(dir.path(), on(disk.clone()))?;
        let journal = LargePayloads::in_turn(Arc::new(journal));
        disk.set(Some(fault));
        let confirmed = work(&journal, 0).await;
        drop(journal);
        sound(dir.path(), confirmed)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_blob_that_a_record_names_is_never_swept() -> Result {
    let dir = tempfile::tempdir()?;
    {
        // Nobody hears of the append, so nothing is taken off the list of new blobs.
        let journal = open(dir.path(), Options::default())?;
        drop(journal.append(1, 0, vec![draft("case:1", payload(0, OUTLINE_BYTES + 100))]));
        journal.put_blob("case:1", b"named by nothing")?;
    }
    assert_eq!(blobs(dir.path())?.len(), 2);
    let journal = open(dir.path(), Options::default())?;
    assert_eq!(journal.unsettled_blobs()?.map(|list| (list.from_index, list.blobs.len())), Some((0, 2)));
    assert_eq!(journal.sweep()?, 1);
    assert_eq!(journal.sweep()?, 0);
    drop(journal);
    assert_eq!(sound(dir.path(), 1)?, 1);
    Ok(())
}
