//! Journals written by every released format are read for ever, byte for byte.

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Result, all, copy_dir, draft, text};
use huiyin_journal::{Journal, LargePayloads, Options, Payload, SegmentJournal, commitment, references};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn golden(version: &str) -> Result<(tempfile::TempDir, PathBuf)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/journal").join(version);
    let copy = tempfile::tempdir()?;
    copy_dir(&fixtures, copy.path());
    // A repository does not keep permissions.
    let key = copy.path().join("keys/master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
    let path = copy.path().to_path_buf();
    Ok((copy, path))
}

/// With payloads of form 1.
#[tokio::test]
async fn version_1_reads_as_it_was_written() -> Result {
    reads_and_goes_on("v1").await
}

/// With payloads of form 2.
#[tokio::test]
async fn payloads_packed_with_the_dictionary_read_as_they_were_written() -> Result {
    reads_and_goes_on("v1-dictionary").await
}

async fn reads_and_goes_on(version: &str) -> Result {
    let (_copy, dir) = golden(version)?;
    let expected: Value = serde_json::from_slice(&std::fs::read(dir.join("expected.json"))?)?;
    let journal = SegmentJournal::open(&dir, Options::default())?;
    let check = |records: &[huiyin_journal::Record]| -> Result {
        let expected = expected["records"].as_array().ok_or("no records")?;
        assert_eq!(expected.len(), 29);
        for (record, expected) in records.iter().zip(expected) {
            assert_eq!(Some(std::str::from_utf8(&record.leaf)?), expected["leaf"].as_str());
            match expected["payload"].as_str() {
                Some(payload) => assert_eq!(text(record), payload.as_bytes()),
                None => assert_eq!(record.payload, Payload::Redacted),
            }
            let salt = record.salt.map(|salt| (salt, commitment(&salt, text(record))));
            assert_eq!(salt.as_ref().map(|s| hex::encode(s.0)).as_deref(), expected["salt"].as_str());
            assert!(salt.is_none_or(|s| s.1 == record.header.commitment));
        }
        Ok(())
    };
    let records = all(&journal)?;
    assert_eq!(records.len(), 29);
    check(&records)?;
    for (id, content) in expected["blobs"].as_object().ok_or("no blobs")? {
        let found = journal.get_blob(&id.parse()?)?;
        assert_eq!(found.as_deref(), content.as_str().map(str::as_bytes));
    }
    // It goes on from there.
    assert_eq!(journal.source(), "huiyin:golden");
    let seq = journal.last_seq(2);
    journal.append(2, seq, vec![draft("unit:110000", "more"), draft("case:2026-0002", "and more")]).await?;
    drop(journal);
    let records = all(&SegmentJournal::open(&dir, Options::default())?)?;
    check(&records[..29])?;
    assert_eq!((records.len(), text(&records[29]), text(&records[30])), (31, &b"more"[..], &b"and more"[..]));
    Ok(())
}

#[tokio::test]
async fn large_payloads_of_version_1_read_as_they_were_written() -> Result {
    let (_copy, dir) = golden("v1-outlined")?;
    let expected: Value = serde_json::from_slice(&std::fs::read(dir.join("expected.json"))?)?;
    let expected = expected["records"].as_array().ok_or("no records")?;
    let journal = LargePayloads::in_turn(Arc::new(SegmentJournal::open(&dir, Options::default())?));
    assert_eq!(journal.sweep()?, 0);
    let stored: Vec<_> = journal.inner().read_all(0)?.collect::<Result<_, _>>()?;
    assert_eq!((stored.len(), expected.len()), (5, 5));
    for (stored, expected) in stored.into_iter().zip(expected) {
        assert_eq!(Some(std::str::from_utf8(&stored.leaf)?), expected["leaf"].as_str());
        let places: Vec<Value> = references(&stored)?.into_iter().map(|reference| reference.at.into()).collect();
        assert_eq!(Value::from(places), expected["places"]);
        let whole = journal.whole(stored)?;
        assert_eq!(Some(whole.kind.as_str()), expected["kind"].as_str());
        match &whole.payload {
            Payload::Open(bytes) => {
                assert_eq!(Some(bytes.len() as u64), expected["payload"]["bytes"].as_u64());
                assert_eq!(Some(hex::encode(Sha256::digest(bytes)).as_str()), expected["payload"]["sha256"].as_str());
            }
            Payload::Redacted => assert_eq!(expected["payload"], Value::Null),
        }
    }
    Ok(())
}
