//! What a scenario expects, held against what the host shows.

use std::sync::Arc;

use huiyin_engine::record;
use huiyin_engine::state::FinishedRun;
use huiyin_flow::Phase;
use serde_json::Value;

use crate::step::{Check, TaskCheck};
use crate::trace::{self, Happening, Trace, named};
use crate::world::World;

/// Checks; the host is at rest.
///
/// # Errors
/// What does not hold.
pub(crate) fn check(world: &mut World, check: &Check) -> Result<(), String> {
    match check {
        Check::Cancelled => end(world, "cancelled").map(drop),
        Check::Completed(None) => end(world, "completed").map(drop),
        Check::Completed(Some(wanted)) => same(&end(world, "completed")?.result, wanted),
        Check::Faulted(None) => end(world, "faulted").map(drop),
        Check::Faulted(Some(wanted)) => members(&end(world, "faulted")?.result, wanted),
        Check::Waiting => phase(world, Phase::Running),
        Check::Suspended => phase(world, Phase::Suspended),
        Check::NeedsPerson => needs_person(world),
        Check::Properties(paths) => {
            let output = output(world)?;
            let missing: Vec<&String> = paths.iter().filter(|path| at(&output, path).is_none()).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} are not in {output}")) }
        }
        Check::Property(path, wanted) => {
            let output = output(world)?;
            same(at(&output, path).ok_or_else(|| format!("`{path}` is not in {output}"))?, wanted)
        }
        Check::Items(path, wanted) => {
            let output = output(world)?;
            match at(&output, path).and_then(Value::as_array).map(Vec::len) {
                Some(items) if items == *wanted => Ok(()),
                items => Err(format!("`{path}` has {items:?} items, not {wanted}: {output}")),
            }
        }
        Check::Task(name, check) => task(&trace_of(world)?, name, check),
        Check::Took(wanted) => {
            let end = world.ended()?.ok_or("the run has not ended")?;
            let took = end.ended.duration_since(end.started);
            if took == *wanted { Ok(()) } else { Err(format!("it took {took:#}, not {wanted:#}")) }
        }
        Check::Runs(wanted, workflow) => {
            let ended = world.ended_of(workflow)?;
            let completed = ended.iter().filter(|run| run.status == "completed").count();
            if completed == *wanted {
                Ok(())
            } else {
                Err(format!("{completed} runs of {workflow} completed, not {wanted}; ended: {}", list(&ended)))
            }
        }
        Check::Outputs(workflow, wanted) => {
            let ended = world.ended_of(workflow)?;
            same(&ended.iter().map(|run| run.result.clone()).collect(), wanted)
        }
        Check::Asked { method, path, times } => asked(world, method, path, *times),
        Check::Told { kind, path } => told(world, kind, path),
        Check::Authorized(wanted) => {
            let asked = world.rig.services.asked(world.number);
            let given = asked.iter().any(|asked| asked.authorization.as_deref() == Some(wanted));
            if given { Ok(()) } else { Err(format!("it was asked: {asked:?}")) }
        }
        Check::NotJournaled(text) => not_journaled(world, text),
    }
}

fn list(runs: &[Arc<FinishedRun>]) -> String {
    runs.iter().map(|run| format!("{} {}", run.status, run.result)).collect::<Vec<_>>().join(", ")
}

fn output(world: &mut World) -> Result<Value, String> {
    end(world, "completed").map(|end| end.result.clone())
}

fn end(world: &mut World, status: &str) -> Result<Arc<FinishedRun>, String> {
    let Some(end) = world.ended()? else { return Err(format!("the run has not ended, let alone {status}")) };
    if end.status == status { Ok(end) } else { Err(format!("the run {}: {}", end.status, end.result)) }
}

fn phase(world: &mut World, wanted: Phase) -> Result<(), String> {
    let (run, _) = world.run.clone().ok_or("no run was executed")?;
    let found = world.find(move |state, _| {
        state
            .runs
            .get(&run)
            .map(|r| (r.flow.phase(), r.quarantined.is_some() || r.effects.values().any(|e| e.unknown.is_some())))
    })?;
    match found {
        Some((phase, false)) if phase == wanted => Ok(()),
        Some((phase, needs)) => Err(format!("the run is {phase:?}{}", if needs { ", and needs a person" } else { "" })),
        None => Err(match world.ended()? {
            Some(end) => format!("the run has ended: it {}: {}", end.status, end.result),
            None => "there is no such run".to_owned(),
        }),
    }
}

pub(crate) fn needs_person(world: &mut World) -> Result<(), String> {
    let (run, _) = world.run.clone().ok_or("no run was executed")?;
    let found = world.look(move |state, _| {
        state.runs.get(&run).is_some_and(|r| r.quarantined.is_some() || r.effects.values().any(|e| e.unknown.is_some()))
    })?;
    if found.contains(&true) { Ok(()) } else { Err("the run does not wait for a person".to_owned()) }
}

fn trace_of(world: &World) -> Result<Trace, String> {
    let (run, _) = world.run.as_ref().ok_or("no run was executed")?;
    trace::of(world.store.journal().as_ref(), run)
}

fn task(trace: &Trace, name: &str, check: &TaskCheck) -> Result<(), String> {
    let path = trace.path();
    let told = || format!("the tasks that ran: {}", path.join(" "));
    let begins = || trace.began(name).ok_or_else(|| format!("{name} did not run; {}", told()));
    let holds = |holds: bool| if holds { Ok(()) } else { Err(told()) };
    let ends = trace.task(name).filter_map(|(_, what)| match what {
        Happening::Ended(output) => Some(output),
        _ => None,
    });
    let fails = trace.task(name).filter_map(|(_, what)| match what {
        Happening::Failed(error) => Some(error),
        _ => None,
    });
    match check {
        TaskCheck::First => holds(path.first().is_some_and(|task| named(task, name))),
        TaskCheck::Last => holds(path.last().is_some_and(|task| named(task, name))),
        TaskCheck::Before(other) => {
            let theirs = trace.began(other).ok_or_else(|| format!("{other} did not run; {}", told()))?;
            holds(begins()? < theirs)
        }
        TaskCheck::After(other) => {
            let theirs = trace.began(other).ok_or_else(|| format!("{other} did not run; {}", told()))?;
            holds(begins()? > theirs)
        }
        TaskCheck::Times(wanted) => {
            let times = trace.task(name).filter(|(_, what)| **what == Happening::Began).count();
            if times == *wanted { Ok(()) } else { Err(format!("{name} ran {times} times, not {wanted}; {}", told())) }
        }
        TaskCheck::Cancelled => {
            begins()?;
            holds(ends.count() == 0 && fails.count() == 0)
        }
        TaskCheck::Completed(wanted) => match (ends.last(), wanted) {
            (None, _) => Err(format!("{name} did not end; {}", told())),
            (Some(_), None) => Ok(()),
            (Some(None), Some(_)) => Err(format!("the records do not tell the output of {name}")),
            (Some(Some(output)), Some(wanted)) => same(output, wanted),
        },
        TaskCheck::Faulted(wanted) => match (fails.last(), wanted) {
            (None, _) => Err(format!("{name} did not fail; {}", told())),
            (Some(_), None) => Ok(()),
            (Some(error), Some(wanted)) => members(error, wanted),
        },
    }
}

/// The service got at least so many requests of what may be repeated after a
/// crash, and never more than so many of what may not.
fn asked(world: &World, method: &str, path: &str, wanted: usize) -> Result<(), String> {
    let asked = world.rig.services.asked(world.number);
    let times = asked
        .iter()
        .filter(|a| a.method == method && (a.path == path || a.path.split('?').next() == Some(path)))
        .count();
    let repeatable = matches!(method, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS");
    if times == wanted || (repeatable && world.crashes > 0 && times > wanted) {
        return Ok(());
    }
    Err(format!("it was asked {times} times: {asked:?}"))
}

/// The host is at rest, so its sinks have been told all there is.
fn told(world: &World, kind: &str, path: &str) -> Result<(), String> {
    let asked = world.rig.services.asked(world.number);
    let bodies = asked.iter().filter(|a| a.path == path).filter_map(|a| serde_json::from_slice::<Value>(&a.body).ok());
    let types: Vec<Value> = bodies.map(|event| event["type"].clone()).collect();
    if types.iter().any(|told| told == kind) { Ok(()) } else { Err(format!("it was told of {types:?}")) }
}

fn not_journaled(world: &World, text: &str) -> Result<(), String> {
    for found in world.store.journal().read_all(0).map_err(|e| e.to_string())? {
        let found = found.map_err(|e| e.to_string())?;
        let Some(entry) = record::decode(&found).map_err(|e| e.to_string())? else { continue };
        let written = String::from_utf8(entry.encode().map_err(|e| e.to_string())?).unwrap_or_default();
        if written.contains(text) || String::from_utf8_lossy(&found.leaf).contains(text) {
            return Err(format!("it stands in record {} ({})", found.header.id, found.kind));
        }
    }
    Ok(())
}

/// A value by a path of names with dots between.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => value.get(name),
    })
}

/// Equal, whatever the order of members; 1 and 1.0 are the same number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

fn same(found: &Value, wanted: &Value) -> Result<(), String> {
    if equal(found, wanted) { Ok(()) } else { Err(format!("it is {found}, not {wanted}")) }
}

/// An error has the members wanted; error types of the same meaning are the same.
fn members(error: &Value, wanted: &Value) -> Result<(), String> {
    let wanted = wanted.as_object().ok_or("an error is an object")?;
    for (name, value) in wanted {
        let found = error.get(name).unwrap_or(&Value::Null);
        let alike = match (name.as_str(), found.as_str(), value.as_str()) {
            ("type", Some(found), Some(value)) => huiyin_flow::same_type(found, value),
            _ => equal(found, value),
        };
        if !alike {
            return Err(format!("`{name}` is {found}, not {value}; the error: {error}"));
        }
    }
    Ok(())
}
