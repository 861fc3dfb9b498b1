//! What the journal's tests share.
#![allow(clippy::expect_used)]
#![allow(dead_code)] // every test binary uses another part

use std::path::{Path, PathBuf};
use std::sync::Arc;

use huiyin_journal::{Disk, Draft, Journal, JournalError, Options, Payload, Record, SegmentJournal};

pub(crate) type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

pub(crate) fn draft(key: &str, payload: impl Into<Vec<u8>>) -> Draft {
    Draft {
        kind: "huiyin.test.happened.v1".into(),
        subject: "case/2026-0001".into(),
        time: "2026-03-01T08:00:00.25Z".parse().expect("a time"),
        actor: "system:engine".into(),
        unit: Some("110000".into()),
        causation: None,
        key: key.into(),
        payload: payload.into(),
    }
}

/// A payload one can tell from every other: JSON of about `len` bytes.
pub(crate) fn payload(partition: u32, n: u64, len: usize) -> Vec<u8> {
    let mut text = format!(r#"{{"partition":{partition},"n":{n},"text":""#);
    let mut word = n + 1;
    while text.len() + 2 < len {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        text.push(char::from(b'a' + (word >> 33) as u8 % 26));
    }
    text.push_str("\"}");
    text.into_bytes()
}

pub(crate) fn on(disk: impl Disk + 'static) -> Options {
    Options { disk: Arc::new(disk), ..Options::default() }
}

pub(crate) fn small_segments() -> Options {
    Options { segment_bytes: 4096, ..Options::default() }
}

pub(crate) fn all(journal: &impl Journal) -> Result<Vec<Record>, JournalError> {
    journal.read_all(0)?.collect()
}

pub(crate) fn text(record: &Record) -> &[u8] {
    match &record.payload {
        Payload::Open(bytes) => bytes,
        Payload::Redacted => b"(redacted)",
    }
}

/// The segment files, oldest first.
pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(dir.join("segments"))
        .expect("segments")
        .map(|e| e.expect("entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "seg"))
        .collect();
    files.sort();
    files
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}

/// Appends `count` records of one batch each and waits for every one.
pub(crate) async fn fill(journal: &SegmentJournal, partition: u32, count: u64) -> Result<(), JournalError> {
    for n in 0..count {
        let seq = journal.last_seq(partition);
        journal.append(partition, seq, vec![draft("case:1", payload(partition, n, 120))]).await?;
    }
    Ok(())
}
