//! What a case expected against what came of it.

use huiyin_flow::{Outcome, same_type};
use serde_json::{Map, Value};

use super::compare::{How, differences, includes, lines, shown};
use super::file::{Expect, Status, error_type};
use super::world::{MadeCall, Story, name_of};

/// Everything that differs; nothing where the case passes.
pub(super) fn judge(expect: &Expect, story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(fault) = &story.fault {
        // What came after is not worth telling.
        return vec![fault.clone()];
    }
    ending(expect, story, &mut found);
    if let Some(wanted) = &expect.context {
        found.extend(differences(wanted, &story.context, How::Includes, "$context"));
    }
    if let Some(path) = &expect.path {
        sequence("path", path, &walked(path, story), &mut found);
    }
    if let Some(path) = &expect.path_includes {
        let walked = walked(path, story);
        let mut rest = walked.iter();
        if let Some(missing) = path.iter().find(|wanted| !rest.any(|task| task == *wanted)) {
            found.push(format!("pathIncludes: `{missing}` does not come; the path is {}", walked.join(" ")));
        }
    }
    if let Some(events) = &expect.events {
        published(events, story, &mut found);
    }
    if let Some(calls) = &expect.calls {
        let names: Vec<String> = calls.iter().map(|call| call.0.words()).collect();
        let made: Vec<String> = story
            .calls
            .iter()
            .enumerate()
            .map(|(at, call)| match calls.get(at) {
                // Told apart by what the expectation names.
                Some(wanted) if wanted.0.target(call) => wanted.0.words(),
                _ => call.words(),
            })
            .collect();
        sequence("calls", &names, &made, &mut found);
        if names == made {
            arguments(expect, story, &mut found);
        }
    }
    if let Some(elapsed) = expect.elapsed
        && elapsed.after(story.started) != story.ended
    {
        let wanted = elapsed.after(story.started).duration_since(story.started);
        let took = story.ended.duration_since(story.started);
        found.push(format!("elapsed: expected {wanted}, is {took}"));
    }
    found
}

fn ending(expect: &Expect, story: &Story, found: &mut Vec<String>) {
    let wanted = expect.status.unwrap_or(if expect.error.is_some() { Status::Faulted } else { Status::Completed });
    let (status, word) = match &story.outcome {
        Some(Outcome::Completed(_)) => (Status::Completed, "it completed"),
        Some(Outcome::Faulted(_)) => (Status::Faulted, "it faulted"),
        Some(Outcome::Cancelled(_)) => (Status::Cancelled, "it was cancelled"),
        None => (Status::Waiting, "it waits"),
    };
    if status != wanted {
        let how = match &story.outcome {
            Some(Outcome::Completed(output)) => format!(" with {}", shown(output)),
            Some(Outcome::Faulted(error)) => format!(": {error}"),
            Some(Outcome::Cancelled(reason)) => format!(": {reason}"),
            None => format!(" at {}", story.waiting.join(", ")),
        };
        let wanted = match wanted {
            Status::Completed => "to complete",
            Status::Faulted => "to fault",
            Status::Cancelled => "to be cancelled",
            Status::Waiting => "to wait",
        };
        found.push(format!("the run was expected {wanted}, but {word}{how}"));
        return;
    }
    match &story.outcome {
        Some(Outcome::Completed(output)) => {
            if let Some(wanted) = &expect.output {
                found.extend(differences(wanted, output, How::Exact, "output"));
            }
            if let Some(wanted) = &expect.output_includes {
                found.extend(differences(wanted, output, How::Includes, "output"));
            }
        }
        Some(Outcome::Faulted(error)) => {
            if let Some(wanted) = &expect.error {
                let actual = serde_json::to_value(&**error).unwrap_or_default();
                found.extend(differences(&Value::Object(same_error(wanted, &actual)), &actual, How::Includes, "error"));
            }
        }
        Some(Outcome::Cancelled(_)) | None => {}
    }
}

/// The expected error, its type spelt as the actual one where both are the same type.
fn same_error(wanted: &Map<String, Value>, actual: &Value) -> Map<String, Value> {
    let mut wanted = wanted.clone();
    if let Some(Value::String(kind)) = wanted.get_mut("type") {
        let given = actual.get("type").and_then(Value::as_str).unwrap_or_default();
        let full = error_type(kind).to_owned();
        *kind = if same_type(&full, given) { given.to_owned() } else { full };
    }
    wanted
}

/// The path in the words of the expectation: pointers where it has pointers.
fn walked(expected: &[String], story: &Story) -> Vec<String> {
    let pointers = expected.iter().any(|task| task.starts_with('/'));
    story.path.iter().map(|pointer| if pointers { pointer.clone() } else { name_of(pointer) }).collect()
}

fn sequence(what: &str, expected: &[String], actual: &[String], found: &mut Vec<String>) {
    if expected != actual {
        found.push(format!("{what} (- expected, + came):\n{}", lines(expected, actual)));
    }
}

fn published(events: &[Map<String, Value>], story: &Story, found: &mut Vec<String>) {
    if events.len() != story.published.len() {
        let kinds: Vec<String> = story.published.iter().map(|e| e.get("type").map(shown).unwrap_or_default()).collect();
        found.push(format!("events: expected {}, published {}: {}", events.len(), kinds.len(), kinds.join(", ")));
        return;
    }
    for (at, (wanted, event)) in events.iter().zip(&story.published).enumerate() {
        found.extend(differences(&Value::Object(wanted.clone()), event, How::Includes, &format!("events/{at}")));
    }
}

fn arguments(expect: &Expect, story: &Story, found: &mut Vec<String>) {
    for (at, (wanted, made)) in expect.calls.iter().flatten().zip(&story.calls).enumerate() {
        if let Some(with) = &wanted.0.with {
            found.extend(differences(with, &made.with, How::Includes, &format!("calls/{at}/with")));
        }
    }
}

impl super::file::Which {
    /// Whether it is a call of this kind, whatever its arguments.
    pub(super) fn target(&self, call: &MadeCall) -> bool {
        let is = |wanted: &Option<String>, given: Option<&String>| {
            wanted.as_ref().is_none_or(|wanted| given.is_some_and(|given| given == wanted))
        };
        let function = self.function.as_ref().is_none_or(|wanted| {
            call.function
                .as_ref()
                .is_some_and(|given| given == wanted || given.split_once(':').is_some_and(|(name, _)| name == wanted))
        });
        let task = self.task.as_ref().is_none_or(|wanted| {
            if wanted.starts_with('/') { *wanted == call.task } else { *wanted == name_of(&call.task) }
        });
        let http = self.http.as_ref().is_none_or(|wanted| {
            call.http.as_ref().is_some_and(|(method, uri)| {
                wanted.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(method))
                    && wanted.uri.strip_suffix('*').map_or(wanted.uri == *uri, |start| uri.starts_with(start))
            })
        });
        function
            && task
            && http
            && is(&self.slot, call.slot.as_ref())
            && is(&self.openapi, call.openapi.as_ref())
            && is(&self.workflow, call.workflow.as_ref())
    }

    /// Whether it is this very call.
    pub(super) fn takes(&self, call: &MadeCall) -> bool {
        self.target(call) && self.with.as_ref().is_none_or(|with| includes(with, &call.with))
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let mut all = Vec::new();
        for (what, name) in [("slot", &self.slot), ("function", &self.function), ("task", &self.task)] {
            all.extend(name.as_ref().map(|name| format!("{what} {name}")));
        }
        all.extend(
            self.http.as_ref().map(|http| format!("http {} {}", http.method.as_deref().unwrap_or("*"), http.uri)),
        );
        for (what, name) in [("openapi", &self.openapi), ("workflow", &self.workflow)] {
            all.extend(name.as_ref().map(|name| format!("{what} {name}")));
        }
        if all.is_empty() { "any call".to_owned() } else { all.join(", ") }
    }
}
