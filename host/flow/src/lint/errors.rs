//! `catch` clauses that can never match.

use serde_json::{Map, Value};

use super::{Findings, literal};
use crate::diagnostic::did_you_mean;
use crate::error::{ErrorKind, same_type};
use crate::expr::{truthy, wrapped};
use crate::outline::{List, Role, Task};
use crate::source::join;

const STANDARD: [ErrorKind; 8] = [
    ErrorKind::Configuration,
    ErrorKind::Validation,
    ErrorKind::Expression,
    ErrorKind::Authentication,
    ErrorKind::Authorization,
    ErrorKind::Timeout,
    ErrorKind::Communication,
    ErrorKind::Runtime,
];

pub(super) fn check(list: &List<'_>, findings: &mut Findings<'_>) {
    let mut tries: Vec<&Task<'_>> = Vec::new();
    list.walk(&mut |task, _| {
        if task.kind == "try" {
            tries.push(task);
        }
    });
    for task in tries {
        clause(task, findings);
    }
}

fn clause(task: &Task<'_>, findings: &mut Findings<'_>) {
    let Some(catch) = task.body.get("catch") else { return };
    let place = join(&task.pointer, "catch");
    if let Some(when) = catch.get("when").and_then(Value::as_str).and_then(literal)
        && !truthy(&when)
    {
        findings.warn(&join(&place, "when"), "the condition never holds: no error is ever caught", None);
    }
    if let Some(except) = catch.get("exceptWhen").and_then(Value::as_str).and_then(literal)
        && truthy(&except)
    {
        findings.warn(&join(&place, "exceptWhen"), "the condition always holds: no error is ever caught", None);
    }
    let Some(with) = catch.pointer("/errors/with").and_then(Value::as_object) else { return };
    let with_place = join(&join(&place, "errors"), "with");
    if let Some(status) = with.get("status").and_then(Value::as_u64)
        && !(100..=599).contains(&status)
    {
        let message = format!("no error has the status {status}: nothing is ever caught");
        findings.warn(&join(&with_place, "status"), message, Some("statuses are 100 to 599".to_owned()));
    }
    if let Some(kind) = with.get("type").and_then(Value::as_str)
        && let Some(hint) = misspelt_standard(kind)
    {
        findings.warn(
            &join(&with_place, "type"),
            format!("`{kind}` is none of the standard error types: it is never raised by itself"),
            Some(hint),
        );
        return;
    }
    let tried = task.lists.iter().find(|list| list.role == Role::Tried);
    let mut raised = Vec::new();
    if tried.is_some_and(|list| list.tasks.iter().all(|task| only_raises(task, &mut raised)))
        && !raised.iter().any(|error| matches(with, error))
    {
        let what = if raised.is_empty() { "nothing here raises an error" } else { "what is raised here differs" };
        findings.warn(&with_place, format!("this catch can never match: {what}"), None);
    }
}

/// A type on the specification's own host that is no standard one.
fn misspelt_standard(kind: &str) -> Option<String> {
    let ours = ["https://serverlessworkflow.io/", "https://open-workflow-specification.org/"];
    if wrapped(kind).is_some() || !ours.iter().any(|host| kind.starts_with(host)) {
        return None;
    }
    if STANDARD.iter().any(|standard| same_type(kind, standard.uri())) {
        return None;
    }
    let names: Vec<&str> = STANDARD.iter().filter_map(|s| s.uri().rsplit('/').next()).collect();
    let last = kind.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let hint = did_you_mean(last, names.iter().copied());
    Some(hint.unwrap_or_else(|| format!("the standard ones end in {}", names.join(", "))))
}

/// Whether the task raises no error but those of its own `raise` with literal
/// properties, which are put into `raised`. In doubt it may raise anything.
fn only_raises<'v>(task: &Task<'v>, raised: &mut Vec<&'v Map<String, Value>>) -> bool {
    let plain = ["if", "input", "output", "export", "timeout"].iter().all(|name| !task.body.contains_key(*name));
    if !plain {
        return false;
    }
    match task.kind {
        "raise" => match task.own().get("error").and_then(Value::as_object) {
            Some(error) if error.values().all(|v| v.as_str().and_then(wrapped).is_none()) => {
                raised.push(error);
                true
            }
            _ => false,
        },
        "wait" => task.own().as_str().is_none_or(|text| wrapped(text).is_none()),
        "do" => task.lists.iter().flat_map(|list| &list.tasks).all(|task| only_raises(task, raised)),
        _ => false,
    }
}

fn matches(with: &Map<String, Value>, error: &Map<String, Value>) -> bool {
    with.iter().all(|(name, wanted)| match (name.as_str(), error.get(name)) {
        // The run fills it in.
        ("instance", None) => true,
        ("type", Some(given)) => match (wanted.as_str(), given.as_str()) {
            (Some(wanted), Some(given)) => same_type(wanted, given),
            _ => false,
        },
        ("details", _) => error.get("detail") == Some(wanted),
        (_, Some(given)) => given == wanted,
        (_, None) => false,
    })
}
