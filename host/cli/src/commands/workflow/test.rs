//! `huiyin workflow test`: the test files beside workflows. The real
//! interpreter runs, in a world that the file describes: its calls answer what
//! the file says, its events arrive when it says, and its clock goes as fast
//! as it can. Nothing leaves the machine and nothing is kept.

mod compare;
mod expect;
pub(super) mod file;
mod world;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use huiyin_engine::house::House;
use huiyin_flow::Definition;
use serde::Serialize;

use self::file::TestFile;
use super::MAX_WORKFLOW;
use super::house::HouseArgs;
use crate::output::{Failure, Output, note, print, print_json, read_text, shown};
use crate::text::plain;

/// The end of a test file's name.
pub(super) const SUFFIX: &str = ".test.json";
/// Folders below the first that are looked into.
const MAX_DEPTH: usize = 32;

/// Run the test files beside workflows
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  huiyin workflow test workflows/assess.test.json\n\nWithout FILE, every *.test.json below the present folder.\nExit 0: all cases pass; 1: one fails; 2: a test file or its workflow is not valid.\nThe form of the files: docs/reference/workflow-tests.md, and `huiyin workflow schema --of test`."
)]
pub(super) struct Args {
    /// Test files, NAME.test.json.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only cases whose names contain this.
    #[arg(long, value_name = "WORDS")]
    case: Option<String>,
    #[command(flatten)]
    house: HouseArgs,
}

/// What came of a file.
#[derive(Debug, Serialize)]
struct FileReport {
    file: String,
    /// Why it could not be run at all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    cases: Vec<CaseReport>,
    /// Tasks that no case came to.
    unreached: Vec<String>,
}

/// What came of a case.
#[derive(Debug, Serialize)]
struct CaseReport {
    name: String,
    passed: bool,
    /// What differs, in words, some of several lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<String>,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let files = if args.files.is_empty() { found(Path::new("."))? } else { args.files.clone() };
    if files.is_empty() {
        return Err(Failure::invalid(format_args!("there is no *{SUFFIX} below this folder; name one")));
    }
    let house = args.house.open()?;
    let mut reports = Vec::with_capacity(files.len());
    for file in &files {
        let report = one(file, args.case.as_deref(), &house);
        if output == Output::Text {
            print(words(&report))?;
        }
        reports.push(report);
    }
    let cases: usize = reports.iter().map(|r| r.cases.len()).sum();
    let failed = reports.iter().flat_map(|r| &r.cases).filter(|c| !c.passed).count();
    let broken = reports.iter().filter(|r| !r.problems.is_empty()).count();
    match output {
        Output::Json => print_json(&reports)?,
        Output::Text => {
            let many = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
            let mut line = format!("{} in {}: {failed} failed", many(cases, "case"), many(files.len(), "file"));
            if broken > 0 {
                line.push_str(&format!(", {} not valid", many(broken, "file")));
            }
            print(format_args!("{line}\n"))?;
        }
    }
    if broken > 0 {
        return Err(Failure::quiet(2));
    }
    if cases == 0 {
        note("huiyin: no case was run");
        return Err(Failure::quiet(2));
    }
    if failed > 0 { Err(Failure::quiet(1)) } else { Ok(()) }
}

/// Runs the cases of one file.
fn one(path: &Path, only: Option<&str>, house: &House) -> FileReport {
    let mut report = FileReport { file: shown(path), problems: Vec::new(), cases: Vec::new(), unreached: Vec::new() };
    let (file, definition) = match load(path, house) {
        Ok(loaded) => loaded,
        Err(problems) => {
            report.problems = problems;
            return report;
        }
    };
    let mut reached: BTreeSet<String> = BTreeSet::new();
    for case in file.cases.iter().filter(|case| only.is_none_or(|words| case.name.contains(words))) {
        let story = world::World::new(&definition, case, &file.calls, house).live();
        reached.extend(story.path.iter().cloned());
        let failures = expect::judge(&case.expect, &story);
        report.cases.push(CaseReport { name: case.name.clone(), passed: failures.is_empty(), failures });
    }
    if only.is_none() {
        report.unreached =
            definition.tasks().map(|(pointer, _)| pointer.to_owned()).filter(|p| !reached.contains(p)).collect();
    }
    report
}

fn load(path: &Path, house: &House) -> Result<(TestFile, Definition), Vec<String>> {
    let said = |failure: &Failure| vec![failure.message().to_owned()];
    let text = read_text(path, MAX_WORKFLOW).map_err(|failure| said(&failure))?;
    let file = TestFile::parse(&text, &shown(path)).map_err(|problem| vec![problem.to_string()])?;
    let workflow = workflow_of(path, file.workflow.as_deref())?;
    let text = read_text(&workflow, MAX_WORKFLOW).map_err(|failure| said(&failure))?;
    let catalog = world::TestCatalog::new(house, &file, &text);
    match Definition::parse(&text, &shown(&workflow), &catalog, &*house.evaluator) {
        Ok(definition) => Ok((file, definition)),
        Err(found) => Err(found.iter().map(ToString::to_string).collect()),
    }
}

/// The workflow that a test file is about.
fn workflow_of(path: &Path, named: Option<&Path>) -> Result<PathBuf, Vec<String>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if let Some(named) = named {
        return Ok(folder.join(named));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(stem) = name.strip_suffix(SUFFIX).filter(|stem| !stem.is_empty()) else {
        return Err(vec![format!("{}: is not called NAME{SUFFIX}; say which `workflow` it is about", shown(path))]);
    };
    let beside: Vec<PathBuf> = ["json", "yaml", "yml"].iter().map(|e| folder.join(format!("{stem}.{e}"))).collect();
    match beside.iter().find(|file| file.is_file()) {
        Some(file) => Ok(file.clone()),
        None => {
            Err(vec![format!("{}: there is no {stem}.json beside it; say which `workflow` it is about", shown(path))])
        }
    }
}

/// Every test file below a folder, sorted.
fn found(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (mut files, mut open) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((folder, depth)) = open.pop() {
        let listed = std::fs::read_dir(&folder)
            .map_err(|error| Failure::invalid(format_args!("{}: {error}", folder.display())))?;
        for entry in listed.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir()
                && depth < MAX_DEPTH
                && !name.starts_with('.')
                && name != "target"
                && name != "node_modules"
            {
                open.push((entry.path(), depth + 1));
            } else if kind.is_file() && name.ends_with(SUFFIX) {
                let path = entry.path();
                files.push(path.strip_prefix(".").map_or_else(|_| path.clone(), Path::to_owned));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn words(report: &FileReport) -> String {
    let mut out = format!("{}\n", plain(&report.file));
    for problem in &report.problems {
        out.push_str(&format!("  not valid: {}\n", plain(problem)));
    }
    for case in &report.cases {
        out.push_str(&format!("  {}  {}\n", if case.passed { "ok  " } else { "FAIL" }, plain(&case.name)));
        for line in case.failures.iter().flat_map(|failure| failure.lines()) {
            out.push_str(&format!("        {}\n", keep_indent(line)));
        }
    }
    if !report.unreached.is_empty() && report.problems.is_empty() {
        out.push_str(&format!("  no case comes to: {}\n", plain(&report.unreached.join(", "))));
    }
    out
}

fn keep_indent(line: &str) -> String {
    plain(line).trim_end().to_owned()
}
