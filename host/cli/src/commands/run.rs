//! `huiyin run`: one run of a workflow, to its end; and with a word after it,
//! the runs of a running host (the rooms below).

mod grants;
mod operate;
mod replay;

use std::path::{Path, PathBuf};

use huiyin_engine::catalog::RegistryCatalog;
use huiyin_engine::config::{HostConfig, WorkflowConfig};
use huiyin_engine::house::Origin;
use huiyin_engine::start::{Candidate, open_house_with};
use huiyin_engine::trust::Trust;
use huiyin_engine::{Engine, Options, StartError, Submission};
use serde_json::{Value, json};

use crate::Setup;
use crate::bundle::carried;
use crate::folders::user_cache;
use crate::host::{Asked, compiler, options, read_config, refused, runtime};
use crate::output::{Failure, Output, note, print_json, read_bytes, read_json, read_text, shown};

/// The largest input, in bytes.
const MAX_INPUT: u64 = 64 << 20;
/// The largest workflow, in bytes.
const MAX_WORKFLOW: u64 = 8 << 20;
/// The largest component, in bytes.
const MAX_COMPONENT: u64 = 256 << 20;

/// Run a workflow once, to its end; or look after the runs of a running host
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Example:\n  echo '{\"n\": 3}' | huiyin run workflow.json --input - --plugin build/plugins/tally-0.1.0.wasm\n\nThe output is on stdout and nothing else; a fault's problem details (RFC 7807) are on stderr, with exit code 1.\nA workflow that is not valid gives all its diagnostics and exit code 2."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<operate::Command>,
    /// The workflow document, JSON or YAML.
    #[arg(required = true, value_name = "WORKFLOW")]
    workflow: Option<PathBuf>,
    /// Another workflow that it runs; given once for each.
    #[arg(long = "workflow", value_name = "FILE")]
    others: Vec<PathBuf>,
    /// The input: a JSON file, or - for stdin; an empty object unless given.
    #[arg(long, value_name = "FILE|-")]
    input: Option<PathBuf>,
    /// Plugins that it calls, beside those that huiyin carries.
    #[arg(long, value_name = "FILE")]
    plugin: Vec<PathBuf>,
    /// Keep the run in this data folder; in memory unless given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Policy, grants, bindings and secrets for it; its sources and workflows stay at rest.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run on behalf of a unit of the configuration's policy pack.
    #[arg(long, value_name = "CODE", requires = "config")]
    unit: Option<String>,
    #[command(flatten)]
    grants: grants::Reach,
}

pub(crate) fn run(args: &Args, setup: &Setup, output: Output) -> Result<(), Failure> {
    match (&args.command, &args.workflow) {
        (Some(command), _) => operate::run(command, output),
        (None, Some(workflow)) => once(args, workflow, setup),
        (None, None) => Err(Failure::invalid(
            "name a workflow to run, or one of list, show, cancel, suspend, resume, retry, restart",
        )),
    }
}

/// Runs a workflow to its end.
fn once(args: &Args, workflow: &Path, setup: &Setup) -> Result<(), Failure> {
    crate::host::log_to_stderr("error");
    let (configured, base) = match &args.config {
        Some(file) => read_config(file)?,
        None => (HostConfig::default(), PathBuf::from(".")),
    };
    let input = match &args.input {
        Some(file) => read_json(file, MAX_INPUT)?,
        None => json!({}),
    };
    let mut plugins = Vec::with_capacity(args.plugin.len());
    for file in &args.plugin {
        plugins.push((shown(file), read_bytes(file, MAX_COMPONENT)?));
    }
    let name = checked(workflow, &plugins, args.data.as_deref())?;
    let mut workflows = Vec::with_capacity(args.others.len() + 1);
    for file in std::iter::once(workflow).chain(args.others.iter().map(PathBuf::as_path)) {
        workflows.push(WorkflowConfig { file: absolute(file)?, units: args.unit.iter().cloned().collect() });
    }
    let mut config = HostConfig {
        workflows,
        sources: Vec::new(),
        partitions: if args.data.is_some() { configured.partitions } else { Some(1) },
        ..configured
    };
    // What every workflow of this one run may reach.
    let mut names = vec![name.clone()];
    for file in &args.others {
        names.push(checked(file, &plugins, args.data.as_deref())?);
    }
    args.grants.add_to(&mut config, &names)?;
    let mut options =
        Options { data: args.data.clone(), cache: cache(args.data.as_deref()), ..options(setup, config, base) };
    options.bundle.extend(plugins.into_iter().map(|(_, bytes)| bytes));
    runtime()?.block_on(async {
        let mut asked = Asked::new()?;
        let engine = Engine::start(options).await.map_err(|error| explain(&error))?;
        let submission =
            Submission { workflow: name, unit: args.unit.clone(), input, actor: "admin:admin".to_owned(), run: None };
        let ended = tokio::select! {
            ended = engine.run(submission) => Some(ended),
            () = asked.stop_asked() => None,
        };
        let stopped = engine.stop().await;
        let Some(ended) = ended else {
            let kept = if args.data.is_some() {
                "; the run is kept and goes on when a host starts on this folder"
            } else {
                ""
            };
            return Err(Failure::failed(format_args!("interrupted{kept}")));
        };
        let ended = ended.map_err(|refusal| match refusal {
            huiyin_engine::Refusal::Store(_) | huiyin_engine::Refusal::Busy | huiyin_engine::Refusal::NoSpace => {
                Failure::unreachable(refusal)
            }
            _ => Failure::invalid(refusal),
        })?;
        stopped.map_err(Failure::unreachable)?;
        if ended.status == "completed" {
            return print_json(&ended.result);
        }
        note(pretty(&ended.result));
        Err(Failure::quiet(1))
    })
}

/// Checks the workflow by itself, for all its diagnostics, and gives its name.
fn checked(workflow: &Path, plugins: &[(String, Vec<u8>)], data: Option<&Path>) -> Result<String, Failure> {
    let text = read_text(workflow, MAX_WORKFLOW)?;
    let mut components = carried();
    components.extend(plugins.iter().map(|(file, bytes)| Candidate {
        file: file.clone(),
        bytes: bytes.clone(),
        origin: Origin::Configured,
    }));
    let house =
        open_house_with(cache(data), &components, &Trust::default(), compiler()).map_err(|error| refused(&error))?;
    match huiyin_flow::Definition::parse(&text, &shown(workflow), &RegistryCatalog(&house), &*house.evaluator) {
        Ok(definition) => Ok(format!("{}/{}", definition.document().namespace, definition.document().name)),
        Err(diagnostics) => Err(explain(&StartError::Workflow(diagnostics))),
    }
}

fn cache(data: Option<&Path>) -> Option<PathBuf> {
    match data {
        Some(data) => Some(data.join("cache")),
        None => user_cache().map(|folder| folder.join("code")),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::invalid(format_args!("{}: {error}", path.display())))
}

/// Diagnostics one a line, as compilers do.
fn explain(error: &StartError) -> Failure {
    match error {
        StartError::Workflow(diagnostics) => {
            for diagnostic in diagnostics {
                note(diagnostic);
            }
            Failure::quiet(2)
        }
        other => refused(other),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
