//! Warnings about a workflow that is accepted: what its author hardly meant.
//! Each points at something that can never happen or never matter; in doubt
//! nothing is said, for a warning that is wrong once is never read again.
//! Must never refuse anything: that is the parser's part.

mod errors;
mod jq;
mod reach;
mod scan;
mod span;
mod uses;

use std::collections::HashMap;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Pos, Problems, did_you_mean};
use crate::expr::wrapped;
use crate::outline::{List, outline};
use crate::request::WorkflowRef;
use crate::source::{self, Data, Node, join};

/// Everything that looks odd in a workflow text which the parser accepts,
/// beside what the parser itself warned of. A text that cannot be read gives none.
pub fn lint(text: &str, file: &str) -> Vec<Diagnostic> {
    let Some(sheet) = Sheet::read(text, file) else { return Vec::new() };
    let list = outline(&sheet.document);
    let mut findings = Findings { sheet: &sheet, problems: Problems::new(file) };
    reach::check(&list, &mut findings);
    uses::check(&sheet.document, &list, &mut findings);
    span::check(&sheet.document, &list, &mut findings);
    errors::check(&list, &mut findings);
    jq::check(&sheet.document, &list, &mut findings);
    let mut all = findings.problems.list;
    all.sort_by_key(|finding| (finding.line, finding.column));
    all
}

/// The events of a unit's desk and sources: whoever serves no unit never hears them.
const OF_UNITS: [&str; 9] = ["answer", "case", "clock", "floor", "item", "items", "no-response", "report", "source"];

/// The first event type of a unit's own that starts a workflow, with its place: a workflow that is
/// deployed for no unit would wait for it for ever.
pub fn waits_for_unit(document: &Value) -> Option<(String, String)> {
    let on = document.pointer("/schedule/on")?;
    let filters = ["one", "any", "all"].iter().flat_map(|name| {
        let place = join("/schedule/on", name);
        match on.get(name) {
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(at, item)| (item, join(&place, &at.to_string()))).collect()
            }
            Some(one) => vec![(one, place)],
            None => Vec::new(),
        }
    });
    filters
        .filter_map(|(filter, place)| {
            Some((filter.pointer("/with/type")?.as_str()?, join(&join(&place, "with"), "type")))
        })
        .find(|(kind, _)| {
            let subject = kind.strip_prefix("huiyin.").and_then(|rest| rest.split('.').next());
            subject.is_some_and(|subject| OF_UNITS.contains(&subject))
        })
        .map(|(kind, place)| (kind.to_owned(), place))
}

/// A reference from a workflow to another one (`run.workflow`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What it names.
    pub workflow: WorkflowRef,
    /// JSON Pointer of the reference.
    pub pointer: String,
}

/// What a workflow text says it is, and which others it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relations {
    /// Its own namespace, name and version.
    pub own: WorkflowRef,
    /// The others, in order of writing.
    pub runs: Vec<Reference>,
}

/// Reads who a workflow is and whom it runs; `None` where the text does not say.
pub fn relations(text: &str, file: &str) -> Option<Relations> {
    let sheet = Sheet::read(text, file)?;
    let own = reference(sheet.document.get("document")?)?;
    let mut runs = Vec::new();
    outline(&sheet.document).walk(&mut |task, _| {
        if task.kind == "run"
            && let Some(workflow) = task.own().get("workflow")
            && let Some(workflow) = reference(workflow)
        {
            runs.push(Reference { workflow, pointer: join(&join(&task.pointer, "run"), "workflow") });
        }
    });
    Some(Relations { own, runs })
}

fn reference(value: &Value) -> Option<WorkflowRef> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(WorkflowRef {
        namespace: text("namespace")?,
        name: text("name")?,
        version: text("version").unwrap_or_else(|| "latest".to_owned()),
    })
}

/// Warnings about references among workflows that belong together, such as
/// the files of one command line: one list for each of `files` (text, name).
pub fn lint_references(files: &[(&str, &str)]) -> Vec<Vec<Diagnostic>> {
    let related: Vec<Option<Relations>> = files.iter().map(|(text, file)| relations(text, file)).collect();
    let known: Vec<&WorkflowRef> = related.iter().flatten().map(|r| &r.own).collect();
    files
        .iter()
        .zip(&related)
        .map(|((text, file), related)| {
            let (Some(sheet), Some(related)) = (Sheet::read(text, file), related) else { return Vec::new() };
            let mut findings = Findings { sheet: &sheet, problems: Problems::new(file) };
            for reference in &related.runs {
                check_reference(reference, &known, &mut findings);
            }
            findings.problems.list
        })
        .collect()
}

fn check_reference(reference: &Reference, known: &[&WorkflowRef], findings: &mut Findings<'_>) {
    let wanted = &reference.workflow;
    let named = |w: &&&WorkflowRef| w.namespace == wanted.namespace && w.name == wanted.name;
    let versions: Vec<&str> = known.iter().filter(named).map(|w| w.version.as_str()).collect();
    let name = format!("{}/{}", wanted.namespace, wanted.name);
    if versions.is_empty() {
        let names: Vec<String> = known.iter().map(|w| format!("{}/{}", w.namespace, w.name)).collect();
        let hint = did_you_mean(&name, names.iter().map(String::as_str))
            .or_else(|| Some("it must be in force on the host by the time this one runs".to_owned()));
        findings.warn(&reference.pointer, format!("the workflow `{name}` is not among the given files"), hint);
    } else if wanted.version != "latest" && !versions.contains(&wanted.version.as_str()) {
        let message = format!("`{name}` is given with the version {}, not {}", versions.join(", "), wanted.version);
        findings.warn(&join(&reference.pointer, "version"), message, Some("raise it, or write `latest`".to_owned()));
    }
}

/// A workflow text, its JSON and its places.
struct Sheet {
    document: Value,
    /// Of each value; a key's own place for what an object holds.
    places: HashMap<String, Pos>,
}

impl Sheet {
    fn read(text: &str, file: &str) -> Option<Sheet> {
        let mut ignored = Problems::new(file);
        let root = source::read(text, file, &mut ignored)?;
        let mut places = HashMap::new();
        note(&root, String::new(), root.at, &mut places);
        Some(Sheet { document: root.to_value(), places })
    }
}

fn note(node: &Node, pointer: String, at: Pos, places: &mut HashMap<String, Pos>) {
    match &node.data {
        Data::Object(fields) => {
            for field in fields {
                note(&field.value, join(&pointer, &field.name), field.at, places);
            }
        }
        Data::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                note(item, join(&pointer, &index.to_string()), item.at, places);
            }
        }
        _ => {}
    }
    places.insert(pointer, at);
}

/// What was found so far.
struct Findings<'s> {
    sheet: &'s Sheet,
    problems: Problems,
}

impl Findings<'_> {
    fn warn(&mut self, pointer: &str, message: impl Into<String>, hint: Option<String>) {
        let at = self.sheet.places.get(pointer).copied().unwrap_or_default();
        self.problems.warn(pointer, at, message, hint);
    }
}

/// The literal that an expression is, where it is nothing but one.
fn literal(text: &str) -> Option<Value> {
    let source = wrapped(text).unwrap_or(text).trim();
    serde_json::from_str(source).ok()
}

/// Every text below a value that may hold an expression, with its pointer.
fn texts<'v>(value: &'v Value, pointer: &str, visit: &mut impl FnMut(&'v str, &str)) {
    match value {
        Value::String(text) => visit(text, pointer),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &join(pointer, &index.to_string()), visit);
            }
        }
        Value::Object(map) => {
            for (name, item) in map {
                texts(item, &join(pointer, name), visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether anything in the tasks answers `wanted`.
fn any_task(list: &List<'_>, mut wanted: impl FnMut(&crate::outline::Task<'_>) -> bool) -> bool {
    let mut found = false;
    list.walk(&mut |task, _| found |= wanted(task));
    found
}
