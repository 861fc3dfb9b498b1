//! `huiyin run show --replay`: what happened in a run, a step for each record,
//! in words. Everything comes from the journal; nothing is run again.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _};

use serde_json::Value;

use super::operate::word;
use crate::output::{Failure, note, print};
use crate::text::{fit, plain};

/// How much of a value a line shows, in columns.
const SHOWN: usize = 160;

/// Prints the steps: on a terminal one for each Enter, in a pipe all at once.
pub(super) fn show(answer: &Value) -> Result<(), Failure> {
    let records: Vec<&Value> = answer.get("records").and_then(Value::as_array).into_iter().flatten().collect();
    let step = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let mut frames = BTreeMap::new();
    print(format_args!("run {} of {}: {} records\n", word(answer, "run"), word(answer, "workflow"), records.len()))?;
    for (n, record) in records.iter().enumerate() {
        let mut text = format!(
            "\n[{}/{}] {}  {}  {}\n",
            n + 1,
            records.len(),
            word(record, "time"),
            said(&word(record, "type")),
            word(record, "actor")
        );
        for line in lines(record, &mut frames) {
            text.push_str("  ");
            text.push_str(&line);
            text.push('\n');
        }
        print(text)?;
        if step && n + 1 < records.len() {
            note("-- Enter: next step, q: end --");
            let mut key = String::new();
            let read = std::io::stdin().lock().read_line(&mut key);
            if read.is_err() || key.is_empty() || key.trim() == "q" {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// `huiyin.run.turn.v1` as `run.turn`.
fn said(kind: &str) -> &str {
    let kind = kind.strip_prefix("huiyin.").unwrap_or(kind);
    kind.rsplit_once(".v").map_or(kind, |(name, _)| name)
}

/// What a record says. `frames` remembers which task each frame is.
fn lines(record: &Value, frames: &mut BTreeMap<u64, String>) -> Vec<String> {
    if record.get("redacted") == Some(&Value::Bool(true)) {
        return vec!["redacted: its content was destroyed for good".to_owned()];
    }
    let none = Value::Null;
    let data = record.get("data").unwrap_or(&none);
    let kind = record.get("type").and_then(Value::as_str).unwrap_or_default();
    match kind {
        "huiyin.run.started.v1" => {
            let mut lines =
                vec![format!("started by {}", word(data, "trigger")), format!("input {}", value(data, "input"))];
            if let Some(parent) = data.get("parent").filter(|p| !p.is_null()) {
                lines.push(format!("run by {} (call {})", word(parent, "run"), word(parent, "call")));
            }
            lines.extend(data.get("turn").into_iter().flat_map(|turn| facts(turn, frames)));
            lines
        }
        "huiyin.run.turn.v1" => {
            let mut lines = facts(data, frames);
            if data.get("reason").is_some_and(|r| !r.is_null()) {
                lines.push(format!("because {}", word(data, "reason")));
            }
            lines
        }
        "huiyin.effect.intended.v1" => {
            let what = if data.get("target").is_some_and(|t| !t.is_null()) {
                format!("{} {}", word(data, "plugin"), word(data, "target"))
            } else {
                word(data, "plugin")
            };
            vec![format!(
                "call {} will be tried: {what}, attempt {}, key {}",
                word(data, "call"),
                word(data, "attempt"),
                word(data, "idempotency_key")
            )]
        }
        "huiyin.effect.settled.v1" => {
            let outcome = data.get("outcome").unwrap_or(&none);
            let text = match (outcome.get("Ok"), outcome.get("Err")) {
                (Some(_), _) => format!("gave {}", value(outcome, "Ok")),
                (_, Some(error)) => format!("failed: {}", failure(error)),
                _ => value(data, "outcome"),
            };
            vec![format!("call {} {text}", word(data, "call"))]
        }
        "huiyin.effect.unknown.v1" => {
            vec![format!("call {} may or may not have happened: {}", word(data, "call"), word(data, "reason"))]
        }
        "huiyin.effect.resolved.v1" => {
            let happened = data.get("happened") == Some(&Value::Bool(true));
            let what = if happened {
                format!("happened and gave {}", value(data, "output"))
            } else {
                "did not happen".to_owned()
            };
            vec![format!("call {} {what}: {}", word(data, "call"), word(data, "reason"))]
        }
        "huiyin.run.quarantined.v1" => vec![format!("set aside for a person: {}", word(data, "reason"))],
        "huiyin.run.released.v1" => vec![format!("goes on: {}", word(data, "reason"))],
        "huiyin.run.reopened.v1" => {
            let task =
                data.get("task").and_then(Value::as_str).map_or_else(|| "the task that failed".to_owned(), plain);
            let mut lines = vec![format!("set to work again at {task}: {}", word(data, "reason"))];
            if data.get("input").is_some_and(|i| !i.is_null()) {
                lines.push(format!("with the input {}", value(data, "input")));
            }
            lines
        }
        _ => vec![fit(&plain(&data.to_string()), SHOWN)],
    }
}

fn facts(turn: &Value, frames: &mut BTreeMap<u64, String>) -> Vec<String> {
    let facts = turn.get("facts").and_then(Value::as_array).into_iter().flatten();
    facts.map(|fact| self::fact(fact, frames)).collect()
}

/// One fact of a turn in words.
fn fact(fact: &Value, frames: &mut BTreeMap<u64, String>) -> String {
    let frame = fact.get("frame").and_then(Value::as_u64).unwrap_or_default();
    let task = |frames: &BTreeMap<u64, String>| frames.get(&frame).cloned().unwrap_or_else(|| format!("frame {frame}"));
    let mut more = String::new();
    for (name, said) in
        [("input", "input"), ("output", "output"), ("context", "context"), ("item", "heard"), ("event", "published")]
    {
        if fact.get(name).is_some_and(|v| !v.is_null()) {
            more.push_str(&format!("\n      {said} {}", value(fact, name)));
        }
    }
    let words = match fact.get("f").and_then(Value::as_str).unwrap_or_default() {
        "start" => "the run begins".to_owned(),
        "prepared" => "its input is taken in".to_owned(),
        "ran" if fact.get("skipped") == Some(&Value::Bool(true)) => format!("{} is skipped", word(fact, "task")),
        "ran" => format!("{} is done", word(fact, "task")),
        "entered" => {
            frames.insert(frame, word(fact, "task"));
            format!("{} begins{}", word(fact, "task"), opened(fact.get("what").unwrap_or(&Value::Null)))
        }
        "looped" => format!("{} goes into round {}", task(frames), word(fact, "index")),
        "heard" => format!("{} heard what it listens for", task(frames)),
        "joined" => format!("a branch of {} is done", task(frames)),
        "caught" => {
            let how = fact.pointer("/how/h").and_then(Value::as_str).unwrap_or_default();
            let error = fact.get("error").map(failure).unwrap_or_default();
            format!("{} catches ({how}): {error}", task(frames))
        }
        "retried" => format!("{} is tried again", task(frames)),
        "left" => format!("{} is done", frames.remove(&frame).unwrap_or_else(|| format!("frame {frame}"))),
        "suspended" => "the run is held".to_owned(),
        "held" => "something came while the run was held, and is kept".to_owned(),
        "resumed" => "the run goes on".to_owned(),
        "reopened" => {
            format!("the run goes on at {}, by {}: {}", word(fact, "task"), word(fact, "actor"), word(fact, "reason"))
        }
        "completed" => "the run is completed".to_owned(),
        "faulted" => format!("the run fails: {}", fact.get("error").map(failure).unwrap_or_default()),
        "cancelled" => format!("the run is cancelled: {}", word(fact, "reason")),
        other => format!("{} {}", plain(other), fit(&plain(&fact.to_string()), SHOWN)),
    };
    format!("{words}{more}")
}

/// What a task that takes time does.
fn opened(what: &Value) -> String {
    match what.get("k").and_then(Value::as_str).unwrap_or_default() {
        "call" => format!(
            ": calls {} with {}",
            what.pointer("/function/name").and_then(Value::as_str).map(plain).unwrap_or_default(),
            value(what, "with")
        ),
        "request" => {
            let request = what.get("request").unwrap_or(&Value::Null);
            match request.get("by").and_then(Value::as_str) {
                Some("openapi") => {
                    format!(": asks for {} of {}", word(request, "operation_id"), word(request, "document"))
                }
                _ => format!(": {} {}", word(request, "method"), word(request, "uri")),
            }
        }
        "run" => {
            let name = what
                .get("workflow")
                .map(|w| format!("{}/{}:{}", word(w, "namespace"), word(w, "name"), word(w, "version")));
            format!(": runs {} with {}", name.unwrap_or_default(), value(what, "with"))
        }
        "wait" => format!(
            ": waits until {}",
            what.pointer("/alarm/due").and_then(Value::as_str).map(plain).unwrap_or_default()
        ),
        "" => String::new(),
        other => format!(" ({})", plain(other)),
    }
}

fn failure(error: &Value) -> String {
    let detail = error.get("detail").and_then(Value::as_str).map_or_else(|| plain(&error.to_string()), plain);
    let at = error.get("instance").and_then(Value::as_str).filter(|i| !i.is_empty());
    let at = at.map(|at| format!(" at {}", plain(at))).unwrap_or_default();
    format!("{} ({}){at}", fit(&detail, SHOWN * 2), word(error, "status"))
}

fn value(of: &Value, name: &str) -> String {
    fit(&plain(&of.get(name).unwrap_or(&Value::Null).to_string()), SHOWN)
}
