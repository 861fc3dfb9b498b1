//! Expressions that can only give `null`: a field that a descriptor, an error,
//! the secrets, or an object written out just before does not have. Only what
//! is plain is judged; an expression that binds names of its own is left alone.

use serde_json::{Map, Value};

use super::{Findings, texts};
use crate::diagnostic::did_you_mean;
use crate::expr::wrapped;
use crate::lint::scan::{Path, Scan, Token};
use crate::outline::{Goal, List, Role, Task};
use crate::source::join;

/// What is known of a value: its fields, or nothing.
enum Shape {
    Any,
    Fields(&'static [(&'static str, Shape)]),
}

const MOMENT: Shape = Shape::Fields(&[
    ("iso8601", Shape::Any),
    ("epoch", Shape::Fields(&[("seconds", Shape::Any), ("milliseconds", Shape::Any)])),
]);

/// The descriptors of dsl.md, "Runtime expression arguments".
const DESCRIPTORS: [(&str, Shape); 3] = [
    (
        "task",
        Shape::Fields(&[
            ("name", Shape::Any),
            ("reference", Shape::Any),
            ("definition", Shape::Any),
            ("input", Shape::Any),
            ("output", Shape::Any),
            ("startedAt", MOMENT),
        ]),
    ),
    (
        "workflow",
        Shape::Fields(&[("id", Shape::Any), ("definition", Shape::Any), ("input", Shape::Any), ("startedAt", MOMENT)]),
    ),
    ("runtime", Shape::Fields(&[("name", Shape::Any), ("version", Shape::Any), ("metadata", Shape::Any)])),
];

/// The fields of a caught error (RFC 7807, as the DSL has it).
const ERROR: Shape = Shape::Fields(&[
    ("type", Shape::Any),
    ("status", Shape::Any),
    ("title", Shape::Any),
    ("detail", Shape::Any),
    ("instance", Shape::Any),
]);

/// An expression and its place.
struct Expression<'v> {
    source: &'v str,
    pointer: String,
    /// Its `.` is the input of the task.
    of_input: bool,
}

pub(super) fn check(document: &Value, list: &List<'_>, findings: &mut Findings<'_>) {
    let secrets: Option<Vec<&str>> = document
        .pointer("/use/secrets")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect());
    for (pointer, name) in [("/input", "from"), ("/output", "as")] {
        if let Some(value) = document.pointer(pointer).and_then(|v| v.get(name)) {
            let place = join(pointer, name);
            let mut found = Vec::new();
            bare(Some(value), &place, false, &mut found);
            for expression in found {
                judge(&expression, &[], secrets.as_deref(), findings);
            }
        }
    }
    tasks(list, &mut Vec::new(), secrets.as_deref(), findings);
    if document.pointer("/evaluate/mode").and_then(Value::as_str) != Some("loose") {
        after_set(list, findings);
    }
}

fn tasks<'v>(list: &List<'v>, errors: &mut Vec<&'v str>, secrets: Option<&[&str]>, findings: &mut Findings<'_>) {
    for task in &list.tasks {
        for expression in expressions(task) {
            judge(&expression, errors, secrets, findings);
        }
        let name = task.body.get("catch").map(|c| c.get("as").and_then(Value::as_str).unwrap_or("error"));
        // What a `for` names hides an error of the same name further out.
        let shadow = ["each", "at"].map(|key| task.own().get(key).and_then(Value::as_str));
        for list in &task.lists {
            let before = errors.clone();
            errors.retain(|e| !shadow.contains(&Some(*e)));
            match (list.role, name) {
                (Role::Handler, Some(name)) => errors.push(name),
                (Role::Rounds, _) => errors.retain(|e| *e != "item" && *e != "index"),
                _ => {}
            }
            tasks(list, errors, secrets, findings);
            *errors = before;
        }
        if task.kind == "try"
            && let Some(name) = name
        {
            let mut found = Vec::new();
            let place = join(&task.pointer, "catch");
            for key in ["when", "exceptWhen"] {
                bare(task.body.get("catch").and_then(|c| c.get(key)), &join(&place, key), false, &mut found);
            }
            errors.push(name);
            for expression in found {
                judge(&expression, errors, secrets, findings);
            }
            errors.pop();
        }
    }
}

/// The expressions of a task itself, without those of the tasks in it.
fn expressions<'v>(task: &Task<'v>) -> Vec<Expression<'v>> {
    let mut found = Vec::new();
    let at = |path: &[&str]| path.iter().fold(task.pointer.clone(), |place, name| join(&place, name));
    let get = |path: &[&str]| {
        path.iter()
            .try_fold(None, |value: Option<&'v Value>, name| match value {
                None => task.body.get(*name).map(Some),
                Some(value) => value.get(name).map(Some),
            })
            .flatten()
    };
    let own_input = !task.body.contains_key("input");
    bare(get(&["if"]), &at(&["if"]), true, &mut found);
    bare(get(&["while"]), &at(&["while"]), false, &mut found);
    bare(get(&["input", "from"]), &at(&["input", "from"]), false, &mut found);
    bare(get(&["output", "as"]), &at(&["output", "as"]), false, &mut found);
    bare(get(&["export", "as"]), &at(&["export", "as"]), false, &mut found);
    match task.kind {
        "for" => bare(get(&["for", "in"]), &at(&["for", "in"]), own_input, &mut found),
        "switch" => {
            for (index, case) in task.cases().into_iter().enumerate() {
                let place = at(&["switch", &index.to_string(), case.name, "when"]);
                if let Some(source) = case.when {
                    found.push(Expression { source: unwrapped(source), pointer: place, of_input: own_input });
                }
            }
        }
        "set" if task.own().is_string() => bare(get(&["set"]), &at(&["set"]), own_input, &mut found),
        "set" | "raise" | "emit" | "wait" | "run" => templates(task.own(), &at(&[task.kind]), own_input, &mut found),
        "call" => {
            if let Some(with) = get(&["with"]) {
                templates(with, &at(&["with"]), own_input, &mut found);
            }
        }
        _ => {}
    }
    found
}

fn unwrapped(text: &str) -> &str {
    wrapped(text).unwrap_or(text)
}

/// Where the DSL wants an expression: a text is one, an object holds some.
fn bare<'v>(value: Option<&'v Value>, pointer: &str, of_input: bool, into: &mut Vec<Expression<'v>>) {
    match value {
        Some(Value::String(text)) => {
            into.push(Expression { source: unwrapped(text), pointer: pointer.to_owned(), of_input })
        }
        Some(value) => templates(value, pointer, of_input, into),
        None => {}
    }
}

/// Where the DSL wants JSON: a text in `${ }` is an expression.
fn templates<'v>(value: &'v Value, pointer: &str, of_input: bool, into: &mut Vec<Expression<'v>>) {
    texts(value, pointer, &mut |text, pointer| {
        if let Some(source) = wrapped(text) {
            into.push(Expression { source, pointer: pointer.to_owned(), of_input });
        }
    });
}

fn judge(expression: &Expression<'_>, errors: &[&str], secrets: Option<&[&str]>, findings: &mut Findings<'_>) {
    let scan = Scan::of(expression.source);
    literal_object(&scan, expression, findings);
    offsets(&scan, expression, findings);
    if scan.binds {
        return;
    }
    for token in &scan.tokens {
        let Token::Variable { name, path, rescued: false } = token else { continue };
        if let Some((_, shape)) = DESCRIPTORS.iter().find(|(known, _)| known == name) {
            descriptor(name, path, shape, expression, findings);
        } else if errors.contains(&name.as_str()) {
            descriptor(name, path, &ERROR, expression, findings);
        } else if name == "secrets"
            && let Some(first) = path.0.first()
            && !secrets.unwrap_or_default().contains(&first.as_str())
        {
            let hint = did_you_mean(first, secrets.unwrap_or_default().iter().copied())
                .or_else(|| Some("name it in `use.secrets`".to_owned()));
            findings.warn(
                &expression.pointer,
                format!("`$secrets.{first}` is always null: there is no such secret"),
                hint,
            );
        }
    }
}

fn descriptor(name: &str, path: &Path, shape: &Shape, expression: &Expression<'_>, findings: &mut Findings<'_>) {
    let (mut shape, mut so_far) = (shape, format!("${name}"));
    for segment in &path.0 {
        let Shape::Fields(fields) = shape else { return };
        let Some((_, next)) = fields.iter().find(|(known, _)| known == segment) else {
            let known: Vec<&str> = fields.iter().map(|(known, _)| *known).collect();
            let hint = did_you_mean(segment, known.iter().copied())
                .or_else(|| Some(format!("`{so_far}` has {}", known.join(", "))));
            let message = format!("`{so_far}.{segment}` is always null: there is no such field");
            findings.warn(&expression.pointer, message, hint);
            return;
        };
        so_far = format!("{so_far}.{segment}");
        shape = next;
    }
}

/// `strptime` reads the offset of `%z` and forgets it, as in jq: what `mktime` makes of it is hours off.
fn offsets(scan: &Scan, expression: &Expression<'_>, findings: &mut Findings<'_>) {
    let zone = |format: &str| ["%z", "%:z", "%Z"].iter().any(|zone| format.contains(zone));
    let forgets = scan.tokens.windows(3).any(|tokens| match tokens {
        [Token::Word(word), Token::Other('('), Token::Literal(format)] => word == "strptime" && zone(format),
        _ => false,
    });
    if forgets {
        findings.warn(
            &expression.pointer,
            "`strptime` does not keep the offset that `%z` reads: the time that `mktime` makes of it is off by so much",
            Some("write the time as RFC 3339 and use `fromdateiso8601`, which keeps it".to_owned()),
        );
    }
}

/// `{a: 1}.b` and `{a: 1} | .b` at the beginning of a program.
fn literal_object(scan: &Scan, expression: &Expression<'_>, findings: &mut Findings<'_>) {
    let Some((keys, wanted)) = scan.object_read() else { return };
    if keys.contains(&wanted) {
        return;
    }
    let hint = did_you_mean(&wanted, keys.iter().map(String::as_str)).or_else(|| {
        Some(format!("the object has {}", if keys.is_empty() { "no fields".to_owned() } else { keys.join(", ") }))
    });
    findings.warn(
        &expression.pointer,
        format!("`.{wanted}` is always null: the object before it has no such field"),
        hint,
    );
}

/// A task that reads, from a `set` just before it, a field that this does not set.
fn after_set(list: &List<'_>, findings: &mut Findings<'_>) {
    for (at, task) in list.tasks.iter().enumerate() {
        for list in &task.lists {
            after_set(list, findings);
        }
        let Some(Value::Object(object)) = task.body.get("set") else { continue };
        let plain = task.kind == "set" && !["if", "output"].iter().any(|name| task.body.contains_key(*name));
        let only_way = (0..list.tasks.len()).all(|from| {
            let leads = list.ways(from).iter().any(|way| way.goal == Goal::At(at + 1));
            leads == (from == at)
        });
        let Some(next) = list.tasks.get(at + 1).filter(|_| plain && only_way && list.role != Role::Branches) else {
            continue;
        };
        for expression in expressions(next).into_iter().filter(|e| e.of_input) {
            reads(task.name, object, &expression, findings);
        }
    }
}

fn reads(from: &str, object: &Map<String, Value>, expression: &Expression<'_>, findings: &mut Findings<'_>) {
    let scan = Scan::of(expression.source);
    if scan.binds || !scan.plain() {
        return;
    }
    for token in &scan.tokens {
        let Token::Dot { path, rescued: false } = token else { continue };
        let (mut object, mut so_far) = (object, String::new());
        for segment in &path.0 {
            let Some(value) = object.get(segment) else {
                let hint = did_you_mean(segment, object.keys().map(String::as_str));
                let message = format!("`{so_far}.{segment}` is always null: `{from}` just before does not set it");
                findings.warn(&expression.pointer, message, hint);
                break;
            };
            so_far = format!("{so_far}.{segment}");
            match value {
                Value::Object(below) => object = below,
                _ => break,
            }
        }
    }
}
