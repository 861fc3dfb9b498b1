//! Tasks and cases that are never reached, and lists that are never worked through.

use super::{Findings, literal};
use crate::outline::{Goal, List, Role, Task};
use crate::source::join;

pub(super) fn check(list: &List<'_>, findings: &mut Findings<'_>) {
    unreachable(list, findings);
    for task in &list.tasks {
        constant_conditions(task, findings);
        match task.kind {
            "switch" => first_case(task, findings),
            "for" => empty_rounds(task, findings),
            _ => {}
        }
        for list in &task.lists {
            check(list, findings);
        }
    }
}

fn unreachable(list: &List<'_>, findings: &mut Findings<'_>) {
    for (at, reached) in list.reached().into_iter().enumerate() {
        let Some(task) = list.tasks.get(at).filter(|_| !reached) else { continue };
        let before = at.checked_sub(1).and_then(|before| list.tasks.get(before));
        let why = before.map(|before| blocker(list, at - 1, before));
        findings.warn(&task.pointer, format!("the task `{}` is never reached", task.name), why);
    }
}

/// Why the flow does not come from the task before.
fn blocker(list: &List<'_>, at: usize, before: &Task<'_>) -> String {
    let name = before.name;
    let ways = list.ways(at);
    if before.kind == "raise" {
        return format!("`{name}` before it always raises an error, and no `then` leads here");
    }
    if before.kind == "switch" {
        return format!("no case of `{name}` leads here, and no other `then` does");
    }
    match ways.first().map(|way| way.goal) {
        None => format!("`{name}` before it never ends, and no `then` leads here"),
        Some(Goal::At(_)) if before.text("then").is_none() => {
            format!("`{name}` before it is never reached either, and no `then` leads here")
        }
        Some(_) => {
            let then = before.text("then").unwrap_or("continue");
            format!("`{name}` before it has `then: {then}`, and no other `then` leads here")
        }
    }
}

fn first_case(task: &Task<'_>, findings: &mut Findings<'_>) {
    let cases = task.cases();
    let Some(first) = cases.first() else { return };
    let always = first.when.is_none_or(|when| literal(when).is_some_and(|value| holds(&value)));
    if !always {
        return;
    }
    let place = join(&join(&join(&task.pointer, "switch"), "0"), first.name);
    let what = if cases.len() == 1 { "the only case" } else { "the first case" };
    findings.warn(
        &place,
        format!("{what} `{}` always holds: the switch chooses nothing", first.name),
        Some("give it a `when`, or leave the switch out and write its `then` at the task before".to_owned()),
    );
}

fn constant_conditions(task: &Task<'_>, findings: &mut Findings<'_>) {
    let mut never = |pointer: String, text: Option<&str>, what: &str| {
        if let Some(value) = text.and_then(literal)
            && !holds(&value)
        {
            findings.warn(&pointer, format!("the condition never holds: {what}"), None);
        }
    };
    never(join(&task.pointer, "if"), task.text("if"), "the task is always skipped");
    if task.kind == "for" {
        never(join(&task.pointer, "while"), task.text("while"), "there is never a round");
    }
    let cases = if task.kind == "switch" { task.cases() } else { Vec::new() };
    for (at, case) in cases.into_iter().enumerate() {
        let place = join(&join(&join(&join(&task.pointer, "switch"), &at.to_string()), case.name), "when");
        never(place, case.when, "the case is never taken");
    }
}

fn empty_rounds(task: &Task<'_>, findings: &mut Findings<'_>) {
    let Some(given) = task.own().get("in") else { return };
    let value = given.as_str().map_or_else(|| Some(given.clone()), literal);
    let nothing = match &value {
        Some(serde_json::Value::Array(items)) => items.is_empty(),
        Some(serde_json::Value::Null) => true,
        _ => false,
    };
    if nothing && task.lists.iter().any(|list| list.role == Role::Rounds) {
        let place = join(&join(&task.pointer, "for"), "in");
        findings.warn(&place, "the list is always empty: there is never a round", None);
    }
}

/// As jq sees it: all but `false` and `null`.
fn holds(value: &serde_json::Value) -> bool {
    crate::expr::truthy(value)
}
