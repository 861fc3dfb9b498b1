//! `huiyin audit replay`: recorded calls of pure plugins, made again in this
//! process; the same bytes have to come out (rule 10). Reads the journal,
//! writes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use huiyin_engine::replay::{Repeated, Replay, Verdict};
use huiyin_journal::Journal as _;
use huiyin_sandbox::{Package, Sandbox, SandboxConfig};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::store;
use crate::bundle::bundle;
use crate::folders::DATA;
use crate::output::{Failure, Output, note, print, print_json, read_bytes, shown};

/// The largest component that is looked at, in bytes.
const MAX_PACKAGE: u64 = 64 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The data folder, of a host that does not run.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
    /// Only the calls whose results are in this record, PARTITION/SEQ.
    #[arg(long, value_name = "ID", value_parser = super::record_id)]
    record: Option<(u32, u64)>,
    /// All of the log; so unless --record is given.
    #[arg(long, conflicts_with = "record")]
    all: bool,
    /// A component that is no longer installed; may be given more than once.
    #[arg(long, value_name = "FILE")]
    plugin: Vec<PathBuf>,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let store = store::open(&args.data)?;
    let components = components(&args.data, &args.plugin)?;
    let sandbox = Sandbox::new(SandboxConfig::default()).map_err(Failure::unreachable)?;
    let find = |digest: &str| -> Option<Result<Arc<Package>, String>> {
        let bytes = components.get(digest)?;
        Some(sandbox.load(bytes).map_err(|error| error.to_string()))
    };
    let mut replay = Replay::new(&sandbox, &find);
    let mut report = Report::default();
    let records = match args.record {
        Some((partition, seq)) => {
            if seq > store.journal.last_seq(partition) {
                return Err(Failure::invalid(format_args!("there is no record {partition}/{seq}")));
            }
            store.journal.read(partition, 1)
        }
        None => store.journal.read_all(0),
    };
    for record in records.map_err(Failure::failed)? {
        let record = record.map_err(Failure::failed)?;
        let wanted = args.record.is_none_or(|(_, seq)| record.header.seq == seq);
        for repeated in replay.take(&record, wanted).map_err(Failure::failed)? {
            report.take(repeated, output, args.record.is_some())?;
        }
        if args.record.is_some_and(|(_, seq)| record.header.seq >= seq) {
            break;
        }
    }
    if let (Some((partition, seq)), 0) = (args.record, report.calls) {
        return Err(Failure::invalid(format_args!(
            "record {partition}/{seq} has no result of a pure plugin's call; those are in run.turn and floor.judged records"
        )));
    }
    report.finish(output)
}

/// Every component at hand, by digest: carried, installed, named.
fn components(data: &Path, named: &[PathBuf]) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let digest = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let mut all: BTreeMap<String, Vec<u8>> =
        bundle().iter().map(|(_, bytes)| (digest(bytes), bytes.to_vec())).collect();
    let mut folders = vec![data.join("plugins")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "wasm") {
                match read_bytes(&path, MAX_PACKAGE) {
                    Ok(bytes) => drop(all.insert(digest(&bytes), bytes)),
                    Err(failure) => note(failure.message()),
                }
            }
        }
    }
    for file in named {
        let bytes = read_bytes(file, MAX_PACKAGE)?;
        if !bytes.starts_with(b"\0asm") {
            return Err(Failure::invalid(format_args!("{}: it is not a component", shown(file))));
        }
        all.insert(digest(&bytes), bytes);
    }
    Ok(all)
}

#[derive(Default)]
struct Report {
    calls: u64,
    identical: u64,
    items: u64,
    differs: u64,
    /// Calls that could not be repeated, by why.
    not_repeated: BTreeMap<String, u64>,
    told: Vec<Repeated>,
}

impl Report {
    fn take(&mut self, repeated: Repeated, output: Output, every: bool) -> Result<(), Failure> {
        self.calls += 1;
        let said = match &repeated.verdict {
            Verdict::Identical => {
                self.identical += 1;
                self.items += u64::from(repeated.items.unwrap_or_default());
                "identical".to_owned()
            }
            Verdict::Differs { recorded, now } => {
                self.differs += 1;
                format!("DIFFERS: recorded {recorded}, now {now}")
            }
            Verdict::Limit { limit } => {
                let repeatable = reproducible(limit);
                self.passed("it hit a limit");
                format!("not repeated: it hit the limit `{limit}`, which {repeatable}")
            }
            Verdict::Failed { why } => {
                self.passed("it gave no result");
                format!("not repeated: it gave no result ({why})")
            }
            Verdict::Redacted => {
                self.passed("redacted");
                "not repeated: what it was made of was redacted".to_owned()
            }
            Verdict::Gone { why } => {
                self.passed("the component is gone");
                match why {
                    None => format!(
                        "not repeated: the component {} is not at hand; name its file with --plugin",
                        repeated.digest
                    ),
                    Some(why) => format!("not repeated: the component {} is refused: {why}", repeated.digest),
                }
            }
            Verdict::Untold => {
                self.passed("recorded by a version that did not say enough");
                "not repeated: the version that recorded it did not say enough".to_owned()
            }
        };
        if every || !matches!(repeated.verdict, Verdict::Identical) {
            if output == Output::Text {
                let Repeated { record, plugin, call, .. } = &repeated;
                print(format_args!("{record}  {plugin}  {call}  {said}\n"))?;
            }
            self.told.push(repeated);
        }
        Ok(())
    }

    fn passed(&mut self, why: &str) {
        *self.not_repeated.entry(why.to_owned()).or_default() += 1;
    }

    fn finish(self, output: Output) -> Result<(), Failure> {
        match output {
            Output::Text => {
                let mut line = format!(
                    "{} recorded calls of pure plugins: {} identical ({} items judged by the floor), {} different",
                    self.calls, self.identical, self.items, self.differs
                );
                for (why, count) in &self.not_repeated {
                    line.push_str(&format!(", {count} not repeated ({why})"));
                }
                print(format_args!("{line}\n"))?;
            }
            Output::Json => print_json(&json!({
                "calls": self.calls,
                "identical": self.identical,
                "items": self.items,
                "different": self.differs,
                "not_repeated": self.not_repeated,
                "told": self.told,
            }))?,
        }
        if self.differs == 0 { Ok(()) } else { Err(Failure::quiet(1)) }
    }
}

/// Whether the same call hits the same limit again.
fn reproducible(limit: &str) -> &'static str {
    match limit {
        "wall_ms" => "depends on the machine and its load",
        "fuel" => "is the same within one version of the engine only",
        "stack_bytes" => "depends on the engine's version and the machine's kind",
        _ => "the same call meets again under the same limits",
    }
}
