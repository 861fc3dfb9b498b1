//! `huiyin audit verify`: the whole log again from its records, held to every
//! checkpoint that was signed.

use std::path::PathBuf;

use huiyin_audit::VerifierKey;
use serde_json::json;

use super::store;
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
    // What a reader of records would trip over, and values that lie in blobs.
    let mut findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    findings.extend(store.journal.inner().read_all(0).map_err(Failure::failed)?.filter_map(|record| match record {
        Ok(record) => store.journal.whole(record).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }));
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
        }))?,
    }
    if findings.is_empty() { Ok(()) } else { Err(Failure::quiet(1)) }
}
