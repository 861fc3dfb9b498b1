//! `huiyin plugin test`: a plugin's cases, run as a host would run them. The sandbox and its limits are those of
//! production; only the network is replaced, by what the case has written down.

mod case;
mod difference;
mod junit;
mod network;
mod trial;

use std::path::PathBuf;

use huiyin_sandbox::{Limits, Package, PoolConfig, Sandbox, SandboxConfig};
use serde_json::{Value, json};

use self::case::Case;
use self::trial::{Trial, Wishes};
use super::build;
use super::inspect::MAX_PACKAGE;
use super::run::{read_grant, read_secrets, secret};
use crate::host::sandbox_config;
use crate::output::{Failure, Output, note, print, print_json, read_bytes, shown};

/// Calls of each pure case, in fresh instances.
const REPEATS: u32 = 100;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folders of plugins, each with its `cases`; this one unless given.
    #[arg(value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Where the packages go and lie.
    #[arg(long, value_name = "DIR", default_value = "build/plugins")]
    out: PathBuf,
    /// Test what was built before.
    #[arg(long)]
    no_build: bool,
    /// Test this package with the cases of the one DIR; nothing is built.
    #[arg(long, value_name = "FILE", conflicts_with = "no_build")]
    package: Option<PathBuf>,
    /// Only the cases whose names contain this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Write what came out into the cases as what is expected.
    #[arg(long)]
    update: bool,
    /// Ask the network, and write requests and answers into the cases, with secrets replaced.
    #[arg(long)]
    record: bool,
    /// With --record: what the plugin may reach, a JSON file as in a host's `grants`; what its manifest asks for unless given.
    #[arg(long, value_name = "FILE", requires = "record")]
    grant: Option<PathBuf>,
    /// With --record: a secret and the file that holds it, in the place of the case's own.
    #[arg(long, value_name = "NAME=FILE", value_parser = secret, requires = "record")]
    secret: Vec<(String, PathBuf)>,
    /// How often each case of a pure plugin is called.
    #[arg(long, value_name = "N", default_value_t = REPEATS, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,
    /// Write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// The results of one plugin.
struct Tested {
    name: String,
    version: String,
    kind: String,
    trials: Vec<Trial>,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let here = [PathBuf::from(".")];
    let dirs = if args.dirs.is_empty() { &here[..] } else { &args.dirs };
    // All that can be wrong with the cases is said before anything is built.
    let mut cases = dirs.iter().map(|dir| case::read(dir)).collect::<Result<Vec<_>, _>>()?;
    if let Some(only) = &args.only {
        for of_one in &mut cases {
            of_one.retain(|case| case.name.contains(only.as_str()));
        }
        if cases.iter().all(Vec::is_empty) {
            return Err(Failure::invalid(format_args!("no case has `{only}` in its name")));
        }
    }
    let wishes = Wishes {
        repeat: args.repeat,
        record: args.record,
        grant: args.grant.as_deref().map(read_grant).transpose()?,
        secrets: read_secrets(&args.secret)?,
    };
    let packages = packages(args, dirs)?;
    let sandbox = test_sandbox()?;
    let mut tested = Vec::new();
    for (file, cases) in packages.iter().zip(cases) {
        let bytes = read_bytes(file, MAX_PACKAGE)?;
        let package =
            sandbox.load(&bytes).map_err(|error| Failure::invalid(format_args!("{}: {error}", shown(file))))?;
        tested.push(test_one(&sandbox, &package, cases, &wishes, args)?);
    }
    if let Some(file) = &args.junit {
        std::fs::write(file, junit::xml(&tested))
            .map_err(|error| Failure::failed(format_args!("{}: {error}", file.display())))?;
    }
    match output {
        Output::Text => print(tested.iter().map(text).collect::<String>())?,
        Output::Json => print_json(&tested.iter().map(value).collect::<Vec<_>>())?,
    }
    let all = tested.iter().flat_map(|one| &one.trials);
    let failed = all.clone().filter(|trial| !trial.problems.is_empty()).count();
    if failed > 0 {
        return Err(Failure::failed(format_args!("{failed} of {} cases failed", all.count())));
    }
    Ok(())
}

/// The package of each folder.
fn packages(args: &Args, dirs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    if let Some(file) = &args.package {
        if dirs.len() != 1 {
            return Err(Failure::invalid("--package is tested with the cases of one folder; name one DIR"));
        }
        return Ok(vec![file.clone()]);
    }
    if args.no_build {
        return dirs.iter().map(|dir| build::built_before(dir, &args.out)).collect();
    }
    Ok(build::build(dirs, &args.out)?.into_iter().map(|built| built.file).collect())
}

/// As a host's own, and it counts instructions.
fn test_sandbox() -> Result<Sandbox, Failure> {
    let pool = PoolConfig { pooling: false, instances: 16, ..PoolConfig::default() };
    Sandbox::new(SandboxConfig { fuel: true, pool, ..sandbox_config() }).map_err(Failure::unreachable)
}

fn test_one(
    sandbox: &Sandbox,
    package: &Package,
    cases: Vec<Case>,
    wishes: &Wishes,
    args: &Args,
) -> Result<Tested, Failure> {
    let manifest = &package.manifest;
    let mut trials = Vec::new();
    for case in cases {
        let mut trial = trial::run(sandbox, package, &case, wishes)?;
        if let Some(exchanges) = trial.recorded.take() {
            case.write(&[("http", Some(exchanges))])?;
            note(format_args!("{}: what the network answered is written there", case.file.display()));
        }
        let other = trial.problems.iter().any(|problem| problem.of_expectation);
        if args.update && other && trial.asked_in_vain.is_empty() && trial.unsteady.is_none() {
            if case.write(&trial.as_expected())? {
                note(format_args!("{}: what came out is now what is expected", case.file.display()));
            }
            trial.problems.retain(|problem| !problem.of_expectation);
        }
        trials.push(trial);
    }
    Ok(Tested {
        name: manifest.name.clone(),
        version: manifest.version.to_string(),
        kind: manifest.kind.to_string(),
        trials,
    })
}

fn text(tested: &Tested) -> String {
    let mut text = format!("{}:{}  {}\n", tested.name, tested.version, tested.kind);
    let width = tested.trials.iter().map(|trial| trial.name.chars().count()).max().unwrap_or(0);
    let limits = Limits::default();
    for trial in &tested.trials {
        let state = if trial.problems.is_empty() { "ok  " } else { "FAIL" };
        let used = &trial.usage;
        let fuel = used.fuel.map_or("-".to_owned(), |fuel| fuel.to_string());
        text.push_str(&format!(
            "  {state}  {:width$}  fuel {fuel}  time {:.1} of {} ms  memory {} of {}  in {} of {}  out {} of {}",
            trial.name,
            used.wall.as_secs_f64() * 1e3,
            limits.wall_ms,
            size(used.memory_bytes),
            size(limits.memory_bytes),
            size(used.input_bytes),
            size(limits.input_bytes),
            size(trial.output_bytes),
            size(limits.output_bytes),
        ));
        if used.http_requests > 0 {
            text.push_str(&format!(
                "  http {} of {} requests, {} sent, {} received",
                used.http_requests,
                limits.http_requests,
                size(used.request_bytes),
                size(used.response_bytes)
            ));
        }
        if trial.repeated > 1 {
            text.push_str(&format!("  same {} times", trial.repeated));
        }
        text.push('\n');
        for problem in &trial.problems {
            for line in problem.text.lines() {
                text.push_str(&format!("          {}\n", crate::text::plain(line)));
            }
        }
        for line in &trial.log {
            text.push_str(&format!("          log: {}\n", crate::text::plain(line)));
        }
    }
    text
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

fn value(tested: &Tested) -> Value {
    let one = |trial: &Trial| {
        json!({
            "case": trial.name,
            "passed": trial.problems.is_empty(),
            "problems": trial.problems.iter().map(|problem| problem.text.as_str()).collect::<Vec<_>>(),
            "output": trial.output.as_ref().ok(),
            "error": trial.output.as_ref().err().map(|error| json!({"kind": error.kind, "message": error.message})),
            "log": trial.log,
            "calls": trial.repeated,
            "usage": {
                "fuel": trial.usage.fuel,
                "time_ms": trial.usage.wall.as_secs_f64() * 1e3,
                "memory_bytes": trial.usage.memory_bytes,
                "input_bytes": trial.usage.input_bytes,
                "output_bytes": trial.output_bytes,
                "http_requests": trial.usage.http_requests,
                "request_bytes": trial.usage.request_bytes,
                "response_bytes": trial.usage.response_bytes,
            },
        })
    };
    json!({
        "plugin": tested.name,
        "version": tested.version,
        "kind": tested.kind,
        "cases": tested.trials.iter().map(one).collect::<Vec<_>>(),
    })
}
