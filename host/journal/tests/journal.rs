//! The journal as its users see it.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{Result, all, draft, fill, payload, segments, small_segments, text};
use huiyin_journal::{
    Appended, Draft, Header, Journal, JournalError, MemoryJournal, Options, SegmentJournal, Upcasters, commitment,
};
use proptest::prelude::*;

#[tokio::test]
async fn what_is_appended_is_read_back_after_reopening() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options { host: Some("bj-1".into()), ..Options::default() })?;
    let first = draft("case:1", "{\"text\":\"第一条\"}");
    let caused = Draft { causation: Some("3/1".into()), unit: None, ..draft("unit:110000", payload(3, 1, 5000)) };
    let appended = journal.append(3, 0, vec![first.clone(), caused.clone()]).await?;
    assert_eq!(appended, Appended { partition: 3, first_seq: 1, last_seq: 2, last_index: 1 });
    drop(journal);

    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    assert_eq!((journal.size(), journal.last_seq(3), journal.last_seq(4)), (2, 2, 0));
    let records: Vec<_> = journal.read(3, 1)?.collect::<Result<_, _>>()?;
    for (record, (seq, draft)) in records.iter().zip([(1, &first), (2, &caused)]) {
        let header = &record.header;
        assert_eq!(header.id, format!("3/{seq}"));
        assert_eq!((header.partition, header.seq, record.index), (3, seq, seq - 1));
        assert_eq!((&*header.specversion, &*header.source), ("1.0", "huiyin:bj-1"));
        assert_eq!((&header.kind, &header.subject, header.time), (&draft.kind, &draft.subject, draft.time));
        assert_eq!((&header.actor, &header.unit), (&draft.actor, &draft.unit));
        assert_eq!((&header.causation, &header.datakey), (&draft.causation, &draft.key));
        assert_eq!(text(record), draft.payload);
        let salt = record.salt.ok_or("no salt")?;
        assert_eq!(header.commitment, commitment(&salt, &draft.payload));
    }
    let leaves = journal.leaves(0, 10)?;
    assert_eq!(leaves, records.iter().map(|r| r.leaf.clone()).collect::<Vec<_>>());
    assert_eq!(journal.leaves(1, 1)?, leaves[1..]);
    Ok(())
}

#[tokio::test]
async fn the_leaf_is_compact_json_in_a_fixed_order() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options { host: Some("h".into()), ..Options::default() })?;
    journal.append(7, 0, vec![Draft { causation: Some("7/0".into()), ..draft("host", "x") }]).await?;
    let leaf = journal.leaves(0, 1)?.remove(0);
    let header: Header = serde_json::from_slice(&leaf)?;
    let expected = format!(
        "{{\"specversion\":\"1.0\",\"id\":\"7/1\",\"source\":\"huiyin:h\",\"type\":\"huiyin.test.happened.v1\",\
         \"subject\":\"case/2026-0001\",\"time\":\"2026-03-01T08:00:00.25Z\",\"partition\":7,\"seq\":1,\
         \"actor\":\"system:engine\",\"unit\":\"110000\",\"causation\":\"7/0\",\"datakey\":\"host\",\
         \"commitment\":\"{}\"}}",
        header.commitment
    );
    assert_eq!(std::str::from_utf8(&leaf)?, expected);
    assert_eq!(header.commitment.len(), 43);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_appenders_keep_their_order() -> Result {
    const TASKS: u32 = 24;
    const EACH: u64 = 60;
    let dir = tempfile::tempdir()?;
    let journal =
        Arc::new(SegmentJournal::open(dir.path(), Options { segment_bytes: 32 << 10, ..Options::default() })?);
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let journal = journal.clone();
        tasks.push(tokio::spawn(async move {
            let (mut seq, mut waiting) = (0, Vec::new());
            for n in 0..EACH {
                let batch: Vec<_> = (0..=n % 3)
                    .map(|k| draft(&format!("case:{task}"), payload(task, seq + k, 60 + (n as usize * 37) % 400)))
                    .collect();
                let len = batch.len() as u64;
                // Speculative: the next batch is placed before the last is durable.
                waiting.push(journal.append(task, seq, batch));
                seq += len;
                if n % 7 == 0 {
                    for future in waiting.drain(..) {
                        let done = future.await?;
                        assert!(journal.size() > done.last_index, "told before it was durable");
                    }
                }
            }
            for future in waiting {
                future.await?;
            }
            Ok::<u64, JournalError>(seq)
        }));
    }
    let mut counts = BTreeMap::new();
    for (task, handle) in (0..TASKS).zip(tasks) {
        counts.insert(task, handle.await??);
    }
    let total: u64 = counts.values().sum();
    assert_eq!(*journal.watch().borrow(), total);
    drop(journal);

    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    assert!(segments(dir.path()).len() > 3, "the test should cross segments");
    assert_eq!(journal.size(), total);
    for (task, count) in counts {
        let records: Vec<_> = journal.read(task, 1)?.collect::<Result<_, _>>()?;
        assert_eq!(records.len() as u64, count);
        for (n, record) in (0..).zip(&records) {
            assert_eq!(record.header.seq, n + 1);
            assert!(text(record).starts_with(format!("{{\"partition\":{task},\"n\":{n},").as_bytes()));
        }
    }
    let indexes: Vec<_> = all(&journal)?.iter().map(|r| r.index).collect();
    assert_eq!(indexes, (0..total).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn a_journal_can_be_made_in_a_deep_new_folder() -> Result {
    let dir = tempfile::tempdir()?;
    let deep = dir.path().join("a/b/c");
    fill(&SegmentJournal::open(&deep, Options::default())?, 1, 1).await?;
    assert_eq!(SegmentJournal::open(&deep, Options::default())?.size(), 1);
    Ok(())
}

#[tokio::test]
async fn a_stale_owner_is_refused_and_takes_no_place() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    fill(&journal, 1, 2).await?;
    let late = journal.append(1, 1, vec![draft("case:1", "late")]).await;
    assert_eq!(late, Err(JournalError::Behind { partition: 1, expected: 1, found: 2 }));
    journal.append(1, 2, vec![draft("case:1", "in time")]).await?;
    assert_eq!(journal.size(), 3);
    Ok(())
}

#[tokio::test]
async fn headers_take_no_free_text() -> Result {
    let journal = MemoryJournal::new();
    let good = draft("case:1", "{}");
    let cases: Vec<(&str, Draft)> = vec![
        ("subject", Draft { subject: "举报 内容".into(), ..good.clone() }),
        ("subject", Draft { subject: "a\"b".into(), ..good.clone() }),
        ("subject", Draft { subject: "x".repeat(257), ..good.clone() }),
        ("subject", Draft { subject: String::new(), ..good.clone() }),
        ("actor", Draft { actor: "person: 1".into(), ..good.clone() }),
        ("unit", Draft { unit: Some("a\nb".into()), ..good.clone() }),
        ("type", Draft { kind: "huiyin.run.turn".into(), ..good.clone() }),
        ("type", Draft { kind: "huiyin.run.turn.v01".into(), ..good.clone() }),
        ("causation", Draft { causation: Some("somewhere".into()), ..good.clone() }),
        ("causation", Draft { causation: Some("01/2".into()), ..good.clone() }),
        ("datakey", Draft { key: "case:1~2".into(), ..good.clone() }),
        ("datakey", Draft { key: "k".repeat(141), ..good.clone() }),
    ];
    for (expected, draft) in cases {
        match journal.append(1, 0, vec![draft.clone()]).await {
            Err(JournalError::Invalid { field, .. }) => assert_eq!(field, expected, "{draft:?}"),
            other => return Err(format!("{draft:?} gave {other:?}").into()),
        }
    }
    journal.append(1, 0, vec![good]).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_its_limit() -> Result {
    let dir = tempfile::tempdir()?;
    let options = Options { max_payload_bytes: 100, max_batch_bytes: 150, max_blob_bytes: 200, ..Options::default() };
    let journal = SegmentJournal::open(dir.path(), options)?;
    let one = journal.append(1, 0, vec![draft("case:1", [7; 101])]).await;
    assert!(matches!(one, Err(JournalError::TooLarge { size: 101, limit: 100, .. })), "{one:?}");
    let batch = journal.append(1, 0, vec![draft("case:1", [7; 90]), draft("case:1", [7; 90])]).await;
    assert!(matches!(batch, Err(JournalError::TooLarge { size: 180, limit: 150, .. })), "{batch:?}");
    let blob = journal.put_blob("case:1", &[7; 201]);
    assert!(matches!(blob, Err(JournalError::TooLarge { size: 201, limit: 200, .. })), "{blob:?}");
    journal.append(1, 0, vec![draft("case:1", [7; 100])]).await?;
    Ok(())
}

#[tokio::test]
async fn one_process_at_a_time() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    let second = SegmentJournal::open(dir.path(), Options::default());
    let locked = JournalError::Locked { dir: dir.path().to_path_buf(), pid: Some(std::process::id()) };
    assert_eq!(second.err(), Some(locked));
    drop(journal);
    SegmentJournal::open(dir.path(), Options::default())?;
    Ok(())
}

#[tokio::test]
async fn a_journal_shorter_than_its_checkpoint_is_refused() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    fill(&journal, 1, 3).await?;
    drop(journal);
    let at = |size| Options { expected_min_size: Some(size), ..Options::default() };
    let refused = SegmentJournal::open(dir.path(), at(4)).err();
    assert_eq!(refused, Some(JournalError::ShorterThanCheckpoint { expected: 4, found: 3 }));
    SegmentJournal::open(dir.path(), at(3))?;
    Ok(())
}

#[tokio::test]
async fn old_record_types_are_brought_up_to_date_when_read() -> Result {
    let mut upcasters = Upcasters::default();
    upcasters.add("huiyin.test.happened.v1", |old| Ok([b"two ", old].concat()))?;
    upcasters.add("huiyin.test.happened.v2", |old| Ok([b"three ", old].concat()))?;
    upcasters.add("huiyin.test.broken.v1", |_| Err("no field x".into()))?;
    assert!(upcasters.add("huiyin.test.broken.v1", |_| Ok(Vec::new())).is_err());
    assert!(upcasters.add("huiyin.test.broken", |_| Ok(Vec::new())).is_err());
    let upcasters = Arc::new(upcasters);
    let dir = tempfile::tempdir()?;
    let on_disk = SegmentJournal::open(dir.path(), Options { upcasters: upcasters.clone(), ..Options::default() })?;
    let in_memory = MemoryJournal::with_upcasters(upcasters);
    for journal in [&on_disk as &dyn Journal, &in_memory] {
        let broken = Draft { kind: "huiyin.test.broken.v1".into(), ..draft("case:1", "{}") };
        journal.append(1, 0, vec![draft("case:1", "one"), broken]).await?;
        let mut records = journal.read(1, 1)?;
        let record = records.next().ok_or("a record")??;
        assert_eq!((&*record.header.kind, &*record.kind), ("huiyin.test.happened.v1", "huiyin.test.happened.v3"));
        assert_eq!(text(&record), b"three two one");
        let failed = records.next().ok_or("an error")?;
        let expected = JournalError::Upcast { kind: "huiyin.test.broken.v1".into(), why: "no field x".into() };
        assert_eq!(failed, Err(expected));
        assert!(records.next().is_none(), "nothing after an error");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever batches are appended and however often the journal is reopened, it reads as if
    /// it had been kept in memory.
    #[test]
    fn the_disk_agrees_with_memory(
        steps in prop::collection::vec((0_u32..4, prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4), prop::bool::weighted(0.2)), 1..40)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let dir = tempfile::tempdir().expect("a folder");
        let model = MemoryJournal::new();
        let mut journal = SegmentJournal::open(dir.path(), small_segments()).expect("opens");
        for (partition, payloads, reopen) in steps {
            let batch: Vec<_> = payloads.into_iter().map(|p| draft(&format!("case:{partition}"), p)).collect();
            let seq = model.last_seq(partition);
            let expected = runtime.block_on(model.append(partition, seq, batch.clone()));
            prop_assert_eq!(runtime.block_on(journal.append(partition, seq, batch)), expected);
            if reopen {
                drop(journal);
                journal = SegmentJournal::open(dir.path(), small_segments()).expect("opens again");
            }
        }
        let (ours, theirs) = (all(&journal).expect("reads"), all(&model).expect("reads"));
        prop_assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(&theirs) {
            prop_assert_eq!((&a.header.id, a.index, text(a)), (&b.header.id, b.index, text(b)));
        }
        for partition in 0..4 {
            let ids = |j: &dyn Journal| -> Vec<_> {
                j.read(partition, 2).expect("reads").map(|r| r.expect("a record").header.id).collect()
            };
            prop_assert_eq!(ids(&journal), ids(&model));
        }
    }
}
