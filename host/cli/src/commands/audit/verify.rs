//! `huiyin audit verify`: the whole log again from its records, held to every
//! checkpoint that was signed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use huiyin_audit::VerifierKey;
use huiyin_engine::record;
use huiyin_engine::state::State;
use huiyin_journal::Record;
use serde::Serialize;
use serde_json::json;

use super::store::{self, Store};
use crate::folders::DATA;
use crate::output::{Failure, Output, note, print, print_json};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The data folder, of a host that does not run.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
    /// The log's key; the host's own unless given. Several while an old one still counts.
    #[arg(long, value_name = "VKEY")]
    key: Vec<VerifierKey>,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let store = store::open(&args.data)?;
    let checkpoints = store.checkpoints(store.keys(&args.key)?)?;
    let report = huiyin_audit::recompute(&checkpoints, &mut store.leaves()).map_err(Failure::failed)?;
    let mut findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    findings.extend(store.lost().map(|gone| gone.to_string()));
    let unreadable = unreadable(&store)?;
    findings.extend(unreadable.iter().map(ToString::to_string));
    match output {
        Output::Text => {
            for finding in &findings {
                note(finding);
            }
            let word = if findings.is_empty() { "whole" } else { "NOT whole" };
            print(format_args!(
                "the log is {word}: {} records, root {}, {} checkpoints fit, {} records not yet under one\n",
                report.size, report.root, report.fitting, report.unsigned
            ))?;
        }
        Output::Json => print_json(&json!({
            "whole": findings.is_empty(),
            "size": report.size,
            "root": report.root.to_string(),
            "checkpoints": report.fitting,
            "unsigned": report.unsigned,
            "findings": findings,
            "unreadable": unreadable,
        }))?,
    }
    if findings.is_empty() { Ok(()) } else { Err(Failure::quiet(1)) }
}

/// A record that a start would trip over.
#[derive(Debug, Serialize)]
struct Unreadable {
    /// `<partition>/<seq>`; none where not even that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    partition: Option<u32>,
    seq: Option<u64>,
    /// Place in the tree.
    index: u64,
    /// The segment's file, and where the group begins in it that the record is of.
    file: Option<PathBuf>,
    offset: Option<u64>,
    reason: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match (&self.file, self.offset) {
            (Some(file), Some(offset)) => {
                write!(f, " (record {} of the tree, in the group at byte {offset} of {})", self.index, file.display())
            }
            _ => write!(f, " (record {} of the tree)", self.index),
        }
    }
}

/// Reads every record as a start does: its values in blobs, its content by its type, and that it
/// follows from those before it.
fn unreadable(store: &Store) -> Result<Vec<Unreadable>, Failure> {
    let mut found = Vec::new();
    // None once a record did not follow: what comes after it says nothing.
    let mut states: BTreeMap<u32, Option<State>> = BTreeMap::new();
    for (index, record) in (0_u64..).zip(store.journal.inner().read_all(0).map_err(Failure::failed)?) {
        let of = record.as_ref().ok().map(|record| (record.header.clone(), record.kind.clone()));
        let read = record.map_err(|error| error.to_string()).and_then(|record| read(store, record, &mut states));
        if let Err(reason) = read {
            let (file, offset) = store.segments.place_of(index).unzip();
            let (header, kind) = of.unzip();
            if let Some(header) = &header {
                states.insert(header.partition, None);
            }
            found.push(Unreadable {
                record: header.as_ref().map(|header| header.id.clone()),
                kind,
                partition: header.as_ref().map(|header| header.partition),
                seq: header.as_ref().map(|header| header.seq),
                index,
                file,
                offset,
                reason,
            });
        }
    }
    Ok(found)
}

fn read(store: &Store, record: Record, states: &mut BTreeMap<u32, Option<State>>) -> Result<(), String> {
    let record = store.journal.whole(record).map_err(|error| error.to_string())?;
    let entry = record::decode(&record).map_err(|error| error.to_string())?;
    let (header, kind) = (&record.header, &record.kind);
    let state = states.entry(header.partition).or_insert_with(|| Some(State::default()));
    let Some(state) = state else { return Ok(()) };
    if let Some(entry) = entry {
        let followed = state.apply(&entry, header.time);
        followed.map_err(|error| format!("record {} of type `{kind}` does not follow: {error}", header.id))?;
    }
    state.seq = header.seq;
    Ok(())
}
