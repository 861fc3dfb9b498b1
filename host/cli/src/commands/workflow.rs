//! `huiyin workflow`: workflow documents.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use huiyin_engine::deployment::HouseCatalog;
use huiyin_engine::house::House;
use huiyin_engine::start::open_house;
use huiyin_flow::{Definition, Diagnostic};
use serde_json::{Value, json};

use crate::bundle::bundle;
use crate::folders::user_cache;
use crate::host::refused;
use crate::output::{Failure, Output, print, print_json, read_bytes, read_text, shown};

/// The largest workflow, in bytes.
const MAX_WORKFLOW: u64 = 8 << 20;
/// The largest component, in bytes.
const MAX_COMPONENT: u64 = 256 << 20;

/// Workflow documents
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check workflows and print every diagnostic with file, line, column and JSON pointer
    #[command(
        after_help = "Example:\n  huiyin workflow validate workflows/*.json\n\nExit 0: all are valid; 2: one is not."
    )]
    Validate(Validate),
}

#[derive(Debug, clap::Args)]
struct Validate {
    /// Workflow documents, JSON or YAML; - for stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Plugins that they call, beside those that huiyin carries.
    #[arg(long, value_name = "FILE")]
    plugin: Vec<PathBuf>,
    /// A data folder whose installed plugins they may call.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let Command::Validate(args) = &args.command;
    let house = house(&args.plugin, args.data.as_deref())?;
    let mut valid = true;
    let mut answers: Vec<(String, Value)> = Vec::with_capacity(args.files.len());
    for file in &args.files {
        let name = shown(file);
        let text = read_text(file, MAX_WORKFLOW)?;
        let (fine, diagnostics): (bool, Vec<Diagnostic>) =
            match Definition::parse(&text, &name, &HouseCatalog(&house), &*house.evaluator) {
                Ok(definition) => (true, definition.warnings().to_vec()),
                Err(diagnostics) => (false, diagnostics),
            };
        valid &= fine;
        let mut lines: String = diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect();
        if fine {
            lines.push_str(&format!("{name}: valid\n"));
        }
        answers.push((lines, json!({"file": name, "valid": fine, "diagnostics": diagnostics})));
    }
    match output {
        Output::Text => print(answers.into_iter().map(|(lines, _)| lines).collect::<String>())?,
        Output::Json => print_json(&answers.into_iter().map(|(_, value)| value).collect::<Vec<_>>())?,
    }
    if valid { Ok(()) } else { Err(Failure::quiet(2)) }
}

/// What workflows may call: what is carried, named, or installed.
fn house(plugins: &[PathBuf], data: Option<&Path>) -> Result<Arc<House>, Failure> {
    let mut components: Vec<(String, Vec<u8>)> =
        bundle().iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
    let mut files = plugins.to_vec();
    if let Some(data) = data {
        files.extend(installed(data)?);
    }
    for file in &files {
        components.push((shown(file), read_bytes(file, MAX_COMPONENT)?));
    }
    let cache = data.map(|data| data.join("cache")).or_else(|| user_cache().map(|folder| folder.join("code")));
    open_house(cache, &components).map_err(|error| refused(&error))
}

fn installed(data: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folder = data.join("plugins");
    let listed = match std::fs::read_dir(&folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && data.is_dir() => return Ok(Vec::new()),
        Err(error) => return Err(Failure::unreachable(format_args!("{}: {error}", folder.display()))),
    };
    let mut files: Vec<PathBuf> = listed
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "wasm"))
        .collect();
    files.sort();
    Ok(files)
}
