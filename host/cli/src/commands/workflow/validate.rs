//! `huiyin workflow validate`: everything that is wrong or odd, at once.

use std::path::PathBuf;

use huiyin_engine::catalog::RegistryCatalog;
use huiyin_engine::extension;
use huiyin_flow::{Definition, Diagnostic, Severity};
use serde_json::{Value, json};

use super::MAX_WORKFLOW;
use super::excerpt::{Style, finding};
use super::house::HouseArgs;
use super::test::SUFFIX;
use super::test::file::TestFile;
use crate::output::{Failure, Output, print, print_json, read_text, shown};

/// Check workflows: every error and warning with file, line, column, JSON pointer and how to mend it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin workflow validate workflows/*.json\n\nExit 0: all are valid; 1: one has warnings and --deny-warnings is given; 2: one is not valid.\nSub-workflow references are checked among the given files where there are several."
)]
pub(super) struct Args {
    /// Workflow documents, JSON or YAML, and test files, NAME.test.json; - for stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Exit 1 where there are warnings.
    #[arg(long)]
    deny_warnings: bool,
    #[command(flatten)]
    house: HouseArgs,
}

/// One file and what was found in it.
struct Checked {
    name: String,
    text: String,
    valid: bool,
    found: Vec<Diagnostic>,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let house = args.house.open()?;
    let mut all = Vec::with_capacity(args.files.len());
    for file in &args.files {
        let name = shown(file);
        let text = read_text(file, MAX_WORKFLOW)?;
        if name.ends_with(SUFFIX) {
            // Beside workflows, and not one of them.
            let found: Vec<Diagnostic> = TestFile::parse(&text, &name).err().into_iter().collect();
            all.push(Checked { name, text, valid: found.is_empty(), found });
            continue;
        }
        let (valid, found) = match Definition::parse(&text, &name, &RegistryCatalog(&house), &*house.evaluator) {
            Ok(definition) => {
                let mut found = definition.warnings().to_vec();
                found.extend(huiyin_flow::lint(&text, &name));
                // What the language leaves to the host: its schedule and our own metadata.
                let own = extension::check(&definition, &text, &name).err().unwrap_or_default();
                (own.is_empty(), own.into_iter().chain(found).collect())
            }
            Err(found) => (false, found),
        };
        all.push(Checked { name, text, valid, found });
    }
    let mut workflows: Vec<&mut Checked> = all.iter_mut().filter(|c| !c.name.ends_with(SUFFIX)).collect();
    if workflows.len() > 1 {
        let given: Vec<(&str, &str)> = workflows.iter().map(|c| (c.text.as_str(), c.name.as_str())).collect();
        let found = huiyin_flow::lint_references(&given);
        for (checked, found) in workflows.iter_mut().zip(found) {
            checked.found.extend(found);
        }
    }
    for checked in &mut all {
        checked.found.sort_by_key(|d| (d.line, d.column));
    }
    match output {
        Output::Text => print(all.iter().map(words).collect::<String>())?,
        Output::Json => {
            let values: Vec<Value> =
                all.iter().map(|c| json!({"file": c.name, "valid": c.valid, "diagnostics": c.found})).collect();
            print_json(&values)?;
        }
    }
    let warned = all.iter().flat_map(|c| &c.found).any(|d| d.severity == Severity::Warning);
    match (all.iter().all(|c| c.valid), args.deny_warnings && warned) {
        (false, _) => Err(Failure::quiet(2)),
        (true, true) => Err(Failure::quiet(1)),
        (true, false) => Ok(()),
    }
}

fn words(checked: &Checked) -> String {
    let style = Style::of_stdout();
    let mut out: String = checked.found.iter().map(|d| finding(d, &checked.text, style)).collect();
    let count = |severity| checked.found.iter().filter(|d| d.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let many = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    out.push_str(&match (checked.valid, errors, warnings) {
        (true, _, 0) => format!("{}: valid\n", checked.name),
        (true, _, n) => format!("{}: valid, with {}\n", checked.name, many(n, "warning")),
        (false, n, 0) => format!("{}: not valid: {}\n", checked.name, many(n, "error")),
        (false, n, w) => format!("{}: not valid: {}, {}\n", checked.name, many(n, "error"), many(w, "warning")),
    });
    out
}
