//! `huiyin journal`: what is done to the stored journal itself, by a person and on record.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use huiyin_audit::{CheckpointStore, SignerKey};
use huiyin_engine::record::{self, Entry, JournalRepaired};
use huiyin_journal::{GivenUp, Journal as _, JournalError, LargePayloads, Options, SegmentJournal};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::folders::DATA;
use crate::output::{Failure, Output, print, print_json};

/// Who the record of a repair says did it.
const ACTOR: &str = "system:repair";

/// The longest reason, in bytes.
const MAX_REASON: usize = 4 << 10;

/// The stored journal
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Give up a damaged last group of records that no backup brings back
    ///
    /// Only records that no signed checkpoint covers are given up, and only the last group. Its bytes
    /// are kept in the journal's folder `given-up`, and a record says what was given up and why.
    #[command(
        after_help = "Example:\n  huiyin journal repair --data huiyin-data --reason 'disk fault of 1 March, no backup'\n\nExit 0: the journal opens; 1: it cannot be mended so; 3: it is in use or cannot be read."
    )]
    Repair(Repair),
}

#[derive(Debug, clap::Args)]
struct Repair {
    /// The data folder, of a host that does not run.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
    /// Why; it goes on record.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let Command::Repair(args) = &args.command;
    repair(args, output)
}

fn repair(args: &Repair, output: Output) -> Result<(), Failure> {
    let reason = args.reason.trim();
    if reason.is_empty() || reason.len() > MAX_REASON {
        return Err(Failure::invalid(format_args!("--reason: say why, in 1 to {MAX_REASON} bytes")));
    }
    let folder = args.data.join("journal");
    if !folder.join("segments").is_dir() {
        return Err(Failure::unreachable(format_args!("{} holds no journal", args.data.display())));
    }
    let options = Options { repair: true, expected_min_size: Some(signed(&args.data)?), ..Options::default() };
    let journal = SegmentJournal::open(&folder, options).map_err(|error| match error {
        JournalError::Locked { .. } => Failure::unreachable(format_args!("{error}; stop the host first")),
        error => Failure::failed(error),
    })?;
    let now = journal.given_up().cloned();
    let journal = LargePayloads::in_turn(Arc::new(journal));
    // One that was cut just before the power went is not on record yet.
    let unrecorded = unrecorded(&journal, &folder, now.as_ref(), reason)?;
    let told: Vec<_> = unrecorded.iter().map(|entry| json!(entry)).collect();
    let text: String = unrecorded.iter().map(said).collect();
    write(&journal, unrecorded)?;
    match output {
        Output::Text if text.is_empty() => print("the journal is whole; nothing was given up\n"),
        Output::Text => print(text),
        Output::Json => print_json(&json!({ "givenUp": told })),
    }
}

fn said(entry: &JournalRepaired) -> String {
    let JournalRepaired { file, offset, bytes, kept, .. } = entry;
    format!("gave up {bytes} bytes of {file} from byte {offset} on; they are kept in journal/given-up/{kept}\n")
}

/// How many records the last signed checkpoint covers: those are not given up.
fn signed(data: &Path) -> Result<u64, Failure> {
    let key = data.join("keys").join("checkpoint.key");
    if !key.exists() {
        return Ok(0);
    }
    let key = SignerKey::load(&key).map_err(Failure::unreachable)?.verifier().clone();
    let origin = key.name().to_owned();
    let store = CheckpointStore::read(&data.join("audit"), &origin, vec![key]).map_err(Failure::failed)?;
    Ok(store.latest().map_or(0, |signed| signed.checkpoint.size))
}

/// What was given up, now or before, and is on no record.
fn unrecorded(
    journal: &LargePayloads,
    folder: &Path,
    now: Option<&GivenUp>,
    reason: &str,
) -> Result<Vec<JournalRepaired>, Failure> {
    let folder = folder.join("given-up");
    let Ok(kept) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut kept: BTreeSet<String> =
        kept.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    // One in the making was left by a crash; what it was to keep is still in its segment.
    kept.retain(|name| Path::new(name).extension().is_none());
    for found in journal.read(0, 1).map_err(Failure::failed)? {
        let found = found.map_err(Failure::failed)?;
        // What does not read is for `audit verify` to tell.
        if let Ok(Some(Entry::JournalRepaired(before))) = record::decode(&found) {
            kept.remove(&before.kept);
        }
    }
    let mut all = Vec::new();
    for name in kept {
        let path = folder.join(&name);
        let bytes =
            std::fs::read(&path).map_err(|error| Failure::unreachable(format_args!("{}: {error}", path.display())))?;
        let this = now.filter(|given_up| given_up.kept == path);
        let mut parts = name.split('-');
        let (segment, offset) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let file = this.and_then(|given_up| given_up.file.file_name()).map(|name| name.to_string_lossy().into_owned());
        all.push(JournalRepaired {
            file: file.unwrap_or_else(|| segment.to_owned()),
            offset: this.map_or_else(|| offset.parse().unwrap_or_default(), |given_up| given_up.offset),
            bytes: bytes.len() as u64,
            digest: hex::encode(Sha256::digest(&bytes)),
            kept: name,
            reason: reason.to_owned(),
        });
    }
    Ok(all)
}

fn write(journal: &LargePayloads, entries: Vec<JournalRepaired>) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    let drafts = entries.into_iter().map(|entry| Entry::JournalRepaired(entry).about_host(ACTOR, Timestamp::now()));
    let drafts = drafts.collect::<Result<Vec<_>, _>>().map_err(Failure::failed)?;
    let appended = journal.append(0, journal.last_seq(0), drafts);
    crate::host::runtime()?.block_on(appended).map(drop).map_err(Failure::unreachable)
}
