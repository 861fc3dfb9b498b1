//! `huiyin plugin evaluate`: how well a classifier says what is expected of labelled items, beside a baseline.

mod baseline;
mod figures;
mod shown;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use huiyin_sandbox::{CallError, Context, Kind, Level, Limits, Operation, Output as Answer, Package, Sandbox, Verdict};
use serde_json::json;

use self::baseline::{Learnt, Sample};
use self::figures::{Figures, Names};
use super::inspect::MAX_PACKAGE;
use super::labelled::{self, Holdout, Labelled};
use crate::host::sandbox;
use crate::output::{Failure, Output, print, print_json, read_bytes, read_json, shown};

/// The largest configuration, in bytes.
const MAX_CONFIG: u64 = 64 << 20;
/// The largest model, in bytes.
const MAX_MODEL: u64 = 256 << 20;
/// The call's time: 2026-01-01T00:00:00Z, as in a case of `huiyin plugin test`.
const NOW: u64 = 1_767_225_600_000;
/// The level of an item that is to have none.
const NONE: &str = "none";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The classifier's package.
    file: PathBuf,
    /// Labelled items, JSON Lines or - for stdin: an item a line, with "expect": {"labels": […], "level": …}.
    #[arg(long, value_name = "FILE|-")]
    data: PathBuf,
    /// Its configuration, a JSON file; an empty object unless given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Its model, as `huiyin plugin train` wrote it; none unless given.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Only these labels count, in what is expected and in what is said.
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// What is held beside it.
    #[arg(long, value_enum, default_value_t = baseline::Kind::Majority)]
    baseline: baseline::Kind,
    #[command(flatten)]
    holdout: Holdout,
    /// Items in one call; a classifier's state goes from call to call, in the file's order.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
    /// The unit on whose behalf.
    #[arg(long, value_name = "CODE", default_value = "")]
    unit: String,
}

/// What came out of one matter: the labels, or the level.
struct Matter {
    ours: Figures,
    baseline: Figures,
}

/// What came out.
struct Evaluated {
    name: String,
    version: String,
    digest: String,
    /// All items of the file.
    all: usize,
    /// Items that were judged.
    judged: usize,
    held_out: Option<(f64, u64)>,
    baseline: baseline::Kind,
    labels: Option<Matter>,
    levels: Option<Matter>,
    /// Items whose level was less grave than expected, and graver.
    too_low: u64,
    too_high: u64,
    /// Line and reason of what the classifier gave no verdict on.
    refused: Vec<(usize, String)>,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    if args.baseline == baseline::Kind::Keyword && args.holdout.given().is_none() {
        return Err(Failure::invalid(
            "the baseline `keyword` learns from what is not held out; give --holdout, such as --holdout 0.2",
        ));
    }
    let data = labelled::read(&args.data)?;
    let all = data.len();
    let (rest, held) = args.holdout.part(data, &args.data)?;
    let (learnt_from, judged) = if held.is_empty() { (&rest, &rest) } else { (&rest, &held) };
    let config = args.config.as_ref().map_or_else(|| Ok(json!({})), |file| read_json(file, MAX_CONFIG))?;
    let model = args.model.as_ref().map_or_else(|| Ok(Vec::new()), |file| read_bytes(file, MAX_MODEL))?;
    let sandbox = sandbox()?;
    let package = sandbox
        .load(&read_bytes(&args.file, MAX_PACKAGE)?)
        .map_err(|error| Failure::invalid(format_args!("{}: {error}", shown(&args.file))))?;
    let manifest = &package.manifest;
    if manifest.kind != Kind::Classifier {
        return Err(Failure::invalid(format_args!(
            "{} is a {}; only a classifier is evaluated",
            manifest.name, manifest.kind
        )));
    }
    let said = classify(&sandbox, &package, &config.to_string(), model.into(), judged, args)?;
    if said.iter().all(Result::is_err) {
        let why = said.into_iter().find_map(Result::err).unwrap_or_default();
        return Err(Failure::failed(format_args!("{} gave no verdict on any item: {why}", manifest.name)));
    }
    let (too_low, too_high) = off(judged, &said);
    let evaluated = Evaluated {
        name: manifest.name.clone(),
        version: manifest.version.to_string(),
        digest: package.digest.clone(),
        all,
        judged: judged.len(),
        held_out: args.holdout.given(),
        baseline: args.baseline,
        labels: matter(judged, learnt_from, &said, args.baseline, None, &|one| labels(one, &args.label), &|verdict| {
            only(verdict.labels.iter().cloned().collect(), &args.label)
        }),
        levels: matter(judged, learnt_from, &said, args.baseline, Some(NONE), &level, &|verdict| {
            [name(verdict.level).to_owned()].into()
        }),
        too_low,
        too_high,
        refused: judged
            .iter()
            .zip(&said)
            .filter_map(|(one, said)| said.as_ref().err().map(|why| (one.line, why.clone())))
            .collect(),
    };
    match output {
        Output::Text => print(shown::text(&evaluated)),
        Output::Json => print_json(&shown::value(&evaluated)),
    }
}

/// A verdict for each item, or why there is none.
fn classify(
    sandbox: &Sandbox,
    package: &Package,
    config: &str,
    model: Arc<[u8]>,
    items: &[Labelled],
    args: &Args,
) -> Result<Vec<Result<Verdict, String>>, Failure> {
    let mut verdicts = Vec::with_capacity(items.len());
    let mut state = None;
    for batch in items.chunks(args.batch as usize) {
        let operation = Operation::Classify {
            config: config.to_owned(),
            model: Arc::clone(&model),
            state: state.take(),
            items: batch.iter().map(|one| one.item.clone()).collect(),
        };
        let context = Context {
            call_id: format!("evaluate-{}", verdicts.len()),
            attempt: 1,
            unit: args.unit.clone(),
            now: NOW,
            idempotency_key: format!("evaluate-{}", verdicts.len()),
        };
        let lines = || {
            let line = |one: Option<&Labelled>| one.map_or(0, |one| one.line);
            format!("{}:{}-{}", shown(&args.data), line(batch.first()), line(batch.last()))
        };
        let called = sandbox.call_pure(package, &context, &operation, &Limits::default());
        let outcome = match called {
            Ok(Answer::Outcome(outcome)) => outcome,
            Ok(_) => return Err(Failure::failed(format_args!("{}: it gave no verdicts", package.manifest.name))),
            Err(error) => {
                let hint = if matches!(error, CallError::Limit { .. }) { "; a smaller --batch may do" } else { "" };
                let what = format!("{}, on {}: {error}{hint}", package.manifest.name, lines());
                return Err(Failure::failed(what));
            }
        };
        state = outcome.state;
        verdicts.extend(outcome.verdicts);
    }
    Ok(verdicts)
}

/// The figures of one matter, where anything is expected of it. `never` is the name that stands for none.
fn matter(
    judged: &[Labelled],
    learnt_from: &[Labelled],
    said: &[Result<Verdict, String>],
    kind: baseline::Kind,
    never: Option<&str>,
    expected: &dyn Fn(&Labelled) -> Option<Names>,
    of: &dyn Fn(&Verdict) -> Names,
) -> Option<Matter> {
    let text = |one: &Labelled| format!("{}\n{}", one.item.title, one.item.body);
    let seen: Vec<(String, Names)> =
        learnt_from.iter().filter_map(|one| expected(one).map(|names| (text(one), names))).collect();
    let samples: Vec<_> = seen.iter().map(|(text, names)| Sample { text, names }).collect();
    let baseline = Learnt::from(kind, &samples, never);
    let nothing: Names = never.map(str::to_owned).into_iter().collect();
    let rows: Vec<(Names, Names, Names)> = judged
        .iter()
        .zip(said)
        .filter_map(|(one, said)| {
            let ours = said.as_ref().map_or_else(|_| nothing.clone(), of);
            expected(one).map(|names| (names, ours, baseline.says(&text(one))))
        })
        .collect();
    (!rows.is_empty()).then(|| Matter {
        ours: Figures::of(rows.iter().map(|(expected, ours, _)| (expected, ours))),
        baseline: Figures::of(rows.iter().map(|(expected, _, theirs)| (expected, theirs))),
    })
}

fn labels(one: &Labelled, wanted: &[String]) -> Option<Names> {
    one.labels.clone().map(|names| only(names, wanted))
}

/// Of the names those that are wanted; all where nothing is said.
fn only(mut names: BTreeSet<String>, wanted: &[String]) -> Names {
    names.retain(|name| wanted.is_empty() || wanted.contains(name));
    names
}

fn level(one: &Labelled) -> Option<Names> {
    one.level.map(|level| [name(level).to_owned()].into())
}

fn name(level: Option<Level>) -> &'static str {
    match level {
        Some(Level::I) => "I",
        Some(Level::II) => "II",
        Some(Level::III) => "III",
        Some(Level::IV) => "IV",
        None => NONE,
    }
}

/// How many levels were less grave than expected, and how many graver.
fn off(judged: &[Labelled], said: &[Result<Verdict, String>]) -> (u64, u64) {
    let grave = |level: Option<Level>| match level {
        None => 0,
        Some(Level::IV) => 1,
        Some(Level::III) => 2,
        Some(Level::II) => 3,
        Some(Level::I) => 4,
    };
    let (mut low, mut high) = (0, 0);
    for (one, said) in judged.iter().zip(said) {
        let Some(expected) = one.level else { continue };
        let said = said.as_ref().ok().and_then(|verdict| verdict.level);
        low += u64::from(grave(said) < grave(expected));
        high += u64::from(grave(said) > grave(expected));
    }
    (low, high)
}
