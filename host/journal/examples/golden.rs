//! Writes the golden journal that `tests/golden.rs` reads for ever:
//! `cargo run -p huiyin-journal --example golden -- FOLDER`. Only for a new format version; what is
//! in the repository is never written again.

mod common;

use std::path::Path;

use common::{draft, finish, options};
use huiyin_journal::{Draft, Journal, Payload, SegmentJournal};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("name the folder to write")?;
    let dir = Path::new(&dir);
    let journal = SegmentJournal::open(dir, options())?;
    let page = draft(
        "huiyin.source.page.v1",
        "source/110000/weibo-hot",
        "source:110000/weibo-hot",
        "{\"items\":[{\"title\":\"某地一处道路积水\"}],\"cursor\":\"2\"}",
    );
    journal.append(1, 0, vec![page]).await?;
    let opened = Draft {
        unit: Some("110000".into()),
        causation: Some("1/1".into()),
        actor: "person:u-17".into(),
        time: "2026-03-01T08:30:00.123456789Z".parse()?,
        ..draft("huiyin.case.opened.v1", "case/2026-0001", "case:2026-0001", "{\"level\":\"III\"}")
    };
    let empty = draft("huiyin.clock.started.v1", "case/2026-0001", "case:2026-0001", "");
    journal.append(1, 1, vec![opened, empty]).await?;
    let redacted = draft("huiyin.case.opened.v1", "case/2026-0002", "case:2026-0002", "{\"secret\":true}");
    journal.append(4_000_000_000, 0, vec![redacted]).await?;
    for n in 0..24 {
        let text = "一段较长的文字，".repeat(n * 3);
        let turn =
            draft("huiyin.run.turn.v1", &format!("run/{n}"), "unit:110000", json!({"n": n, "text": text}).to_string());
        journal.append(2, n as u64, vec![turn]).await?;
    }
    let kept = journal.put_blob("unit:110000", "附件".repeat(500).as_bytes())?;
    let gone = journal.put_blob("case:2026-0002", b"to be redacted")?;
    journal.destroy_key("case:2026-0002")?;
    let after = draft("huiyin.case.closed.v1", "case/2026-0002", "case:2026-0002", "{\"after\":\"redaction\"}");
    journal.append(4_000_000_000, 1, vec![after]).await?;
    drop(journal);

    let journal = SegmentJournal::open(dir, options())?;
    let records = journal
        .read_all(0)?
        .map(|record| {
            let record = record?;
            let payload = match &record.payload {
                Payload::Open(bytes) => Value::from(String::from_utf8_lossy(bytes).into_owned()),
                Payload::Redacted => Value::Null,
            };
            Ok(json!({
                "leaf": String::from_utf8_lossy(&record.leaf),
                "payload": payload,
                "salt": record.salt.map(hex::encode),
            }))
        })
        .collect::<Result<Vec<_>, huiyin_journal::JournalError>>()?;
    let blobs = json!({kept.to_string(): "附件".repeat(500), gone.to_string(): null});
    drop(journal);
    let expected = json!({"records": records, "blobs": blobs});
    finish(dir, &expected)
}
