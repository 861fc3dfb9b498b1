//! A partition's state, made from its journal and, if it can be believed, a snapshot.

use huiyin_journal::Journal;
use huiyin_partition::partition::Snapshot;
use huiyin_records::record::{self, Entry};
use huiyin_records::state::State;

use super::StartError;

/// A partition's state, and the last record in the snapshot it was taken from.
///
/// A snapshot counts only if a later record vouches for its digest; without
/// one the whole journal is read.
///
/// # Errors
/// When a record cannot be read, or does not follow from those before it.
pub fn load(journal: &dyn Journal, partition: u32, snapshot: Option<&Snapshot>) -> Result<(State, u64), StartError> {
    if let Some(snapshot) = snapshot
        && snapshot.seq <= journal.last_seq(partition)
        && let Ok(state) = huiyin_json::depth::read::<State>(&snapshot.bytes)
        && state.seq == snapshot.seq
    {
        let (state, vouched) = read_on(journal, partition, state, Some(snapshot))?;
        if vouched {
            return Ok((state, snapshot.seq));
        }
        tracing::warn!(partition, "the snapshot is not the one that the journal speaks of; the whole journal is read");
    }
    let (state, _) = read_on(journal, partition, State::default(), None)?;
    Ok((state, 0))
}

/// Applies the records after a state; tells whether one vouches for the snapshot.
fn read_on(
    journal: &dyn Journal,
    partition: u32,
    mut state: State,
    snapshot: Option<&Snapshot>,
) -> Result<(State, bool), StartError> {
    let mut vouched = false;
    for record in journal.read(partition, state.seq + 1)? {
        let record = record?;
        if let Some(entry) = record::decode(&record)? {
            if let (Entry::SnapshotTaken(taken), Some(snapshot)) = (&entry, snapshot) {
                vouched |= taken.seq == snapshot.seq && taken.digest == snapshot.digest;
            }
            state
                .apply(&entry, record.header.time)
                .map_err(|error| StartError::Apply { id: record.header.id.clone(), error })?;
        }
        state.seq = record.header.seq;
    }
    Ok((state, vouched))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    //! `tests/fixtures/host/v1` is the journal of a host of two partitions with every type of record in it, those of
    //! `host/records/tests/golden/records.v1.jsonl`; `state.json` is what it led to, as a snapshot has it. What is known there must
    //! be known for ever; that more is known is no fault. Where a snapshot's form changes so that it no longer reads,
    //! [`VIEWS_SCHEMA`] is raised and `HUIYIN_WRITE=1 cargo nextest run --workspace -E 'test(host_folder)'` writes the
    //! file anew. A new type of record gets its line, and `-- --ignored write_the_host_folder` writes the folder anew.

    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};

    use huiyin_journal::{Draft, Options, Payload, SegmentJournal};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::start::VIEWS_SCHEMA;

    const LINES: &str = include_str!("../../../records/tests/golden/records.v1.jsonl");

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
                (0..)
                    .zip(known)
                    .for_each(|(n, value): (usize, _)| lost(value, now.get(n), &format!("{at}/{n}"), found));
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
        assert!(states.iter().all(|state| state.sources.get("gone/board").is_none()), "redacted");
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
}
