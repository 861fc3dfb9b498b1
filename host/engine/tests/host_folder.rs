//! `tests/fixtures/host/v1` is the journal of a host of two partitions with every type of record in it, those of
//! `host/records/tests/golden/records.v1.jsonl`; `state.json` is what it led to, as a snapshot has it. What is known there must
//! be known for ever; that more is known is no fault. Where a snapshot's form changes so that it no longer reads,
//! [`VIEWS_SCHEMA`] is raised and `HUIYIN_WRITE=1 cargo nextest run --workspace --test host_folder` writes the
//! file anew. A new type of record gets its line, and `-- --ignored write_the_host_folder` writes the folder anew.
#![allow(clippy::unwrap_used)] // tests

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use huiyin_engine::start::{VIEWS_SCHEMA, load};
use huiyin_engine::state::State;
use huiyin_journal::{Draft, Journal as _, Options, Payload, SegmentJournal};
use jiff::Timestamp;
use serde_json::{Value, json};

const LINES: &str = include_str!("../../records/tests/golden/records.v1.jsonl");

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/host/v1")
}

fn lines() -> impl Iterator<Item = (u32, String, Timestamp, String)> {
    LINES.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let partition = u32::try_from(line["partition"].as_u64().unwrap()).unwrap();
        let (kind, time) = (line["type"].as_str().unwrap(), line["time"].as_str().unwrap());
        (partition, kind.to_owned(), time.parse().unwrap(), line["payload"].to_string())
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
            // A repository does not keep permissions, and keys are their owner's only.
            std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// What was known and is not, or is another.
fn lost(known: &Value, now: Option<&Value>, at: &str, found: &mut Vec<String>) {
    match (known, now) {
        (Value::Object(known), Some(Value::Object(now))) => {
            known.iter().for_each(|(key, value)| lost(value, now.get(key), &format!("{at}/{key}"), found));
        }
        (Value::Array(known), Some(Value::Array(now))) if known.len() == now.len() => {
            (0..).zip(known).for_each(|(n, value): (usize, _)| lost(value, now.get(n), &format!("{at}/{n}"), found));
        }
        (known, now) if Some(known) == now => {}
        _ => found.push(at.to_owned()),
    }
}

#[test]
fn host_folder_of_version_1_leads_where_it_led_and_its_snapshot_reads() {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture().join("journal"), folder.path());
    let journal = SegmentJournal::open(folder.path(), Options::default()).unwrap();
    let open = journal.read_all(0).unwrap().filter_map(|record| match record.unwrap() {
        record if record.payload == Payload::Redacted => None,
        record => Some(record),
    });
    let kept: Vec<_> = open
        .map(|record| {
            let Payload::Open(payload) = &record.payload else { unreachable!() };
            (record.header.partition, record.kind, record.header.time, String::from_utf8(payload.to_vec()).unwrap())
        })
        .collect();
    assert_eq!(kept, lines().collect::<Vec<_>>(), "the folder is that of the golden lines");
    let states: Vec<State> = (0..2).map(|partition| load(&journal, partition, None).unwrap().0).collect();
    let now = json!({"schema": VIEWS_SCHEMA, "partitions": states});
    let file = fixture().join("state.json");
    if std::env::var_os("HUIYIN_WRITE").is_some() {
        std::fs::write(&file, format!("{}\n", serde_json::to_string_pretty(&now).unwrap())).unwrap();
    }
    let known: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut found = Vec::new();
    lost(&known["partitions"], Some(&now["partitions"]), "", &mut found);
    assert_eq!(found, Vec::<String>::new(), "known before, and not now, or another");
    assert!(states.iter().all(|state| !state.sources.contains_key("gone/board")), "redacted");
    if known["schema"] != json!(VIEWS_SCHEMA) {
        return;
    }
    for known in known["partitions"].as_array().unwrap() {
        let mut found = Vec::new();
        match serde_json::from_value::<State>(known.clone()) {
            Ok(state) => lost(known, Some(&serde_json::to_value(state).unwrap()), "", &mut found),
            Err(error) => found.push(error.to_string()),
        }
        assert_eq!(found, Vec::<String>::new(), "a snapshot reads otherwise: raise VIEWS_SCHEMA");
    }
}

#[tokio::test]
#[ignore = "writes the folder"]
async fn write_the_host_folder() {
    let folder = fixture().join("journal");
    drop(std::fs::remove_dir_all(&folder));
    let journal = SegmentJournal::open(&folder, Options::default()).unwrap();
    let draft = |kind: &str, time, key: &str, payload: &str| Draft {
        kind: kind.to_owned(),
        subject: "host".to_owned(),
        time,
        actor: "system:engine".to_owned(),
        unit: None,
        causation: None,
        key: key.to_owned(),
        payload: payload.as_bytes().to_vec(),
    };
    let mut last = Timestamp::UNIX_EPOCH;
    for (partition, kind, time, payload) in lines() {
        let batch = vec![draft(&kind, time, "host", &payload)];
        journal.append(partition, journal.last_seq(partition), batch).await.unwrap();
        last = time;
    }
    let gone = r#"{"source":"gone/board","poll":1,"error":"x","not_before":null}"#;
    let batch = vec![draft("huiyin.source.failed.v1", last, "source:gone/board", gone)];
    journal.append(1, journal.last_seq(1), batch).await.unwrap();
    journal.destroy_key("source:gone/board").unwrap();
}
