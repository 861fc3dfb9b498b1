//! `huiyin audit check`: what an outsider runs on a proof document.

use std::path::PathBuf;

use huiyin_audit::{MAX_DOCUMENT_BYTES, Verdict, VerifierKey};
use serde_json::{Value, json};

use crate::output::{Failure, Output, print, print_json, read_bytes, shown};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Proof documents: `huiyin.inclusion.v1`, `huiyin.consistency.v1`, or the JSON of public Merkle vectors; `-` for stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The log's key, as its bureau published it; several while an old one still counts.
    #[arg(long, value_name = "VKEY")]
    key: Vec<VerifierKey>,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let mut worst = 0;
    let mut answers = Vec::with_capacity(args.files.len());
    for file in &args.files {
        let name = shown(file);
        let verdict = match read_bytes(file, MAX_DOCUMENT_BYTES as u64) {
            Ok(text) => huiyin_audit::check(&text, &args.key),
            Err(failure) => Verdict::Malformed { at: String::new(), why: failure.message().to_owned() },
        };
        let (code, word, said, value) = match verdict {
            Verdict::Holds(claim) => {
                (0, "holds", claim.to_string(), json!({"file": name, "verdict": "holds", "claim": claim.to_string()}))
            }
            Verdict::DoesNotHold { why } => {
                (1, "does not hold", why.clone(), json!({"file": name, "verdict": "does-not-hold", "why": why}))
            }
            Verdict::Malformed { at, why } => {
                let place = if at.is_empty() { why.clone() } else { format!("{why} (at {at})") };
                (2, "malformed", place, json!({"file": name, "verdict": "malformed", "at": at, "why": why}))
            }
        };
        worst = worst.max(code);
        answers.push((format!("{name}: {word}: {said}\n"), value));
    }
    match output {
        Output::Text => print(answers.into_iter().map(|(line, _)| line).collect::<String>())?,
        Output::Json => print_json(&answers.into_iter().map(|(_, value)| value).collect::<Vec<Value>>())?,
    }
    if worst == 0 { Ok(()) } else { Err(Failure::quiet(worst)) }
}
