//! Keys, sealing, redaction and blobs.
#![allow(clippy::panic)]

mod common;

use common::{Result, all, draft, fill, payload, segments, text};
use huiyin_journal::{Journal, JournalError, MemoryJournal, Options, Payload, SegmentJournal};

async fn redaction<J: Journal>(journal: &J) -> Result {
    journal.append(1, 0, vec![draft("case:1", "secret"), draft("case:2", "kept")]).await?;
    let (secret, kept) = (journal.put_blob("case:1", b"secret blob")?, journal.put_blob("case:2", b"kept blob")?);
    assert_eq!(journal.put_blob("case:2", b"kept blob")?, kept, "equal content is stored once");
    assert_ne!(journal.put_blob("unit:1", b"kept blob")?, kept, "a name tells nothing without the key");
    let before = journal.leaves(0, 9)?;
    journal.destroy_key("case:1")?;
    journal.destroy_key("case:never-used")?;
    let check = |records: &[huiyin_journal::Record]| {
        assert_eq!(records[0].payload, Payload::Redacted);
        assert_eq!(records[0].salt, None);
        assert_eq!(text(&records[1]), b"kept");
    };
    check(&all(journal)?);
    assert_eq!(journal.leaves(0, 9)?, before, "redaction leaves the leaves");
    assert_eq!(journal.get_blob(&secret)?, None);
    assert_eq!(journal.get_blob(&kept)?.as_deref(), Some(&b"kept blob"[..]));
    // The case goes on under a new key.
    journal.append(1, 2, vec![draft("case:1", "afterwards")]).await?;
    let records = all(journal)?;
    check(&records);
    assert_eq!((&*records[2].header.datakey, text(&records[2])), ("case:1~2", &b"afterwards"[..]));
    Ok(())
}

#[tokio::test]
async fn a_destroyed_key_redacts_for_good() -> Result {
    redaction(&MemoryJournal::new()).await?;
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    redaction(&journal).await?;
    drop(journal);
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    let records = all(&journal)?;
    assert_eq!(records[0].payload, Payload::Redacted);
    assert_eq!(text(&records[2]), b"afterwards");
    journal.destroy_key("case:1")?;
    assert_eq!(all(&journal)?[2].payload, Payload::Redacted);
    Ok(())
}

#[tokio::test]
async fn a_destroyed_key_is_erased_from_the_ring_file() -> Result {
    let dir = tempfile::tempdir()?;
    let ring = dir.path().join("keys/ring");
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    fill(&journal, 1, 1).await?;
    let wrapped = std::fs::read(&ring)?[256 + 168..256 + 228].to_vec();
    assert!(wrapped.iter().any(|&b| b != 0));
    journal.destroy_key("case:1")?;
    let after = std::fs::read(&ring)?;
    assert!(!after.windows(16).any(|w| w == &wrapped[12..28]), "the wrapped key is still there");
    Ok(())
}

#[tokio::test]
async fn large_content_goes_into_blobs() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    let content = payload(1, 1, 300_000);
    let id = journal.put_blob("case:1", &content)?;
    drop(journal);
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    assert_eq!(journal.get_blob(&id)?, Some(content.clone()));
    assert_eq!(id.to_string().parse::<huiyin_journal::BlobId>()?, id);
    let name = id.to_string();
    let path = dir.path().join("blobs").join(&name[..2]).join(&name);
    let stored = std::fs::read(&path)?;
    assert!(!stored.windows(9).any(|w| w == b"partition"), "stored in the clear");
    std::fs::remove_file(&path)?;
    assert_eq!(journal.get_blob(&id), Err(JournalError::BlobMissing { id: name }));
    Ok(())
}

#[tokio::test]
async fn the_master_key_is_guarded() -> Result {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    fill(&journal, 1, 1).await?;
    drop(journal);
    let key = dir.path().join("keys/master.key");
    assert_eq!(std::fs::metadata(&key)?.permissions().mode() & 0o777, 0o600);
    let refused = |what: &str| match SegmentJournal::open(dir.path(), Options::default()) {
        Err(e @ JournalError::MasterKey { .. }) => assert!(e.to_string().contains(what), "{e}"),
        other => panic!("{what}: {other:?}"),
    };
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640))?;
    refused("chmod 600");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
    let good = std::fs::read_to_string(&key)?;
    std::fs::write(&key, "rubbish")?;
    refused("is not of the form");
    std::fs::write(&key, format!("huiyin-master-key-1 {}\n", "ab".repeat(32)))?;
    refused("another master key");
    std::fs::remove_file(&key)?;
    refused("is missing");
    let elsewhere = tempfile::tempdir()?;
    let path = elsewhere.path().join("host.key");
    std::fs::write(&path, good)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let journal = SegmentJournal::open(dir.path(), Options { master_key: Some(path), ..Options::default() })?;
    assert_eq!(all(&journal)?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn nothing_on_disk_shows_a_payload() -> Result {
    let dir = tempfile::tempdir()?;
    let journal = SegmentJournal::open(dir.path(), Options::default())?;
    journal.append(1, 0, vec![draft("case:1", "the-very-secret-words")]).await?;
    drop(journal);
    for file in segments(dir.path()) {
        let bytes = std::fs::read(file)?;
        assert!(!bytes.windows(8).any(|w| w == b"very-sec"));
    }
    Ok(())
}
