//! Writes the golden journal with large payloads that `tests/golden.rs` reads for ever:
//! `cargo run -p huiyin-journal --example golden_outlined -- FOLDER`. Only for a new form of such
//! records; what is in the repository is never written again.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{draft, finish, options};
use huiyin_journal::{Journal, LargePayloads, Payload, SegmentJournal, references};
use serde_json::json;
use sha2::{Digest as _, Sha256};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("name the folder to write")?;
    let dir = Path::new(&dir);
    let text = "林区一处道路积水，".repeat(12_000);
    let list: Vec<_> = (0..9_000).map(|n| json!({"n": n, "text": "一段较长的文字"})).collect();
    {
        let journal = LargePayloads::in_turn(Arc::new(SegmentJournal::open(dir, options())?));
        let payloads = [
            ("unit:110000", json!({"run": "r", "facts": [{"output": {"text": text, "n": 1}}, {"small": true}]})),
            ("unit:110000", json!({"run": "r", "small": true})),
            ("unit:110000", json!({"run": "r", "a/b~c": [text, "and", list]})),
            ("unit:110000", json!(list)),
            ("case:2026-0002", json!({"secret": text})),
        ];
        for (n, (key, payload)) in (0..).zip(payloads) {
            journal.append(1, n, vec![draft("huiyin.run.turn.v1", "run/r", key, payload.to_string())]).await?;
        }
        journal.destroy_key("case:2026-0002")?;
    }
    let journal = LargePayloads::in_turn(Arc::new(SegmentJournal::open(dir, options())?));
    let mut records = Vec::new();
    for stored in journal.inner().read_all(0)? {
        let stored = stored?;
        let places: Vec<String> = references(&stored)?.into_iter().map(|reference| reference.at).collect();
        let whole = journal.whole(stored.clone())?;
        let payload = match &whole.payload {
            Payload::Open(bytes) => json!({"bytes": bytes.len(), "sha256": hex::encode(Sha256::digest(bytes))}),
            Payload::Redacted => serde_json::Value::Null,
        };
        records.push(json!({
            "leaf": String::from_utf8_lossy(&stored.leaf),
            "kind": whole.kind,
            "places": places,
            "payload": payload,
        }));
    }
    drop(journal);
    finish(dir, &json!({"records": records}))
}
