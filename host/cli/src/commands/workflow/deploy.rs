//! `huiyin workflow deploy` and `withdraw`: workflows of a running host.

use std::collections::HashMap;
use std::path::PathBuf;

use huiyin_flow::Diagnostic;
use serde_json::{Value, json};

use super::MAX_WORKFLOW;
use super::excerpt::{Style, finding};
use super::list::path;
use crate::client::{Client, HostArgs};
use crate::output::{Failure, Output, note, print, print_json, read_text, shown};
use crate::text::plain;

/// Bring workflows into force on a running host: all of them or none
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin workflow deploy workflows/assess.json --unit qingfeng --as xu-ming\n\nNew runs get the new version; running runs keep theirs. It stays in force across restarts.\nExit 2: one of the files is not valid, and nothing was changed; 1: the host's rules forbid it."
)]
pub(super) struct Args {
    /// Workflow documents, JSON or YAML.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The units that they serve, * for all; for none, and run by name, unless given.
    #[arg(long = "unit", value_name = "CODE")]
    units: Vec<String>,
    #[command(flatten)]
    host: HostArgs,
}

/// Withdraw a workflow from a running host: no new runs; running runs keep it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin workflow withdraw tests/hello --as xu-ming\n\nWhat the configuration names comes back at the host's next start."
)]
pub(super) struct WithdrawArgs {
    /// The workflow, `namespace/name`.
    #[arg(value_name = "NAME")]
    name: String,
    /// The unit that it serves.
    #[arg(long, value_name = "CODE")]
    unit: Option<String>,
    #[command(flatten)]
    host: HostArgs,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let mut texts: HashMap<String, String> = HashMap::new();
    let mut workflows = Vec::with_capacity(args.files.len());
    for file in &args.files {
        let (name, text) = (shown(file), read_text(file, MAX_WORKFLOW)?);
        workflows.push(json!({"file": name, "text": text}));
        texts.insert(name, text);
    }
    let body = json!({"workflows": workflows, "units": args.units});
    let answer = match Client::of(&args.host)?.try_post("/v1/workflows", &body)? {
        Ok(answer) => answer,
        Err((problem, failure)) => {
            let found = diagnostics(&problem, "diagnostics");
            if found.is_empty() {
                return Err(failure);
            }
            if output == Output::Json {
                print_json(&problem)?;
            }
            tell(&found, &texts);
            return Err(Failure::quiet(2));
        }
    };
    if output == Output::Json {
        return print_json(&answer);
    }
    tell(&diagnostics(&answer, "warnings"), &texts);
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).map(plain).unwrap_or_default();
    let mut lines = String::new();
    for row in answer.get("deployed").and_then(Value::as_array).into_iter().flatten() {
        let changed = row.get("changed").and_then(Value::as_bool) == Some(true);
        let unit = row.get("unit").and_then(Value::as_str).map(|u| format!(" for {}", plain(u))).unwrap_or_default();
        let state = if changed { "in force" } else { "in force already" };
        lines.push_str(&format!("{} {}{unit}: {state}\n", text(row, "name"), text(row, "version")));
    }
    print(lines)
}

pub(super) fn withdraw(args: &WithdrawArgs) -> Result<(), Failure> {
    let body = args.unit.as_ref().map_or_else(|| json!({}), |unit| json!({"unit": unit}));
    Client::of(&args.host)?.post(&format!("{}/withdraw", path(&args.name)?), &body)?;
    print(format_args!("{}: withdrawn\n", args.name))
}

fn diagnostics(answer: &Value, name: &str) -> Vec<Diagnostic> {
    answer.get(name).cloned().and_then(|found| serde_json::from_value(found).ok()).unwrap_or_default()
}

/// Findings on stderr, with their lines where a person reads them.
fn tell(found: &[Diagnostic], texts: &HashMap<String, String>) {
    use std::io::IsTerminal as _;
    let terminal = std::io::stderr().is_terminal();
    let style = Style { excerpt: terminal, colour: terminal };
    for diagnostic in found {
        let text = texts.get(&diagnostic.file).map_or("", String::as_str);
        note(finding(diagnostic, text, style).trim_end());
    }
}
