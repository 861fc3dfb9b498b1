//! Times that cannot be waited out: a timeout or a wait that is longer than
//! what is around it.

use jiff::Span;
use serde_json::Value;

use super::Findings;
use crate::outline::{List, Task};
use crate::source::join;

/// A limit that holds where we are.
#[derive(Clone, Copy)]
struct Limit<'a> {
    seconds: f64,
    whose: &'a str,
}

pub(super) fn check(document: &Value, list: &List<'_>, findings: &mut Findings<'_>) {
    let whole = timeout(document.get("timeout"), document).map(|seconds| Limit { seconds, whose: "the workflow" });
    below(document, list, whole, findings);
}

fn below(document: &Value, list: &List<'_>, limit: Option<Limit<'_>>, findings: &mut Findings<'_>) {
    for task in &list.tasks {
        let own = timeout(task.body.get("timeout"), document);
        if let (Some(own), Some(limit)) = (own, limit)
            && own > limit.seconds
        {
            let message = format!("the timeout is longer than that of {}, which comes first", limit.whose);
            findings.warn(&join(&task.pointer, "timeout"), message, None);
        }
        let whose = format!("the task `{}`", task.name);
        let tighter = match (own, limit) {
            (Some(own), Some(limit)) if limit.seconds <= own => Some(limit),
            (Some(own), _) => Some(Limit { seconds: own, whose: &whose }),
            (None, limit) => limit,
        };
        waits(task, tighter, findings);
        for list in &task.lists {
            below(document, list, tighter, findings);
        }
    }
}

fn waits(task: &Task<'_>, limit: Option<Limit<'_>>, findings: &mut Findings<'_>) {
    if task.kind != "wait" {
        return;
    }
    if let (Some(wait), Some(limit)) = (duration(task.own()), limit)
        && wait > limit.seconds
    {
        let message = format!("the wait is longer than the timeout of {}: it is never waited out", limit.whose);
        findings.warn(&join(&task.pointer, "wait"), message, None);
    }
}

/// Seconds of a timeout, inline or by name, where they are fixed.
fn timeout(value: Option<&Value>, document: &Value) -> Option<f64> {
    let value = match value? {
        Value::String(name) => document.get("use")?.get("timeouts")?.get(name)?,
        value => value,
    };
    duration(value.get("after")?)
}

/// Seconds of a duration, where they are fixed and of one length.
fn duration(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => {
            let span: Span = text.parse().ok()?;
            // Months and years have no length of their own; a day is 24 hours in UTC.
            (span.get_months() == 0 && span.get_years() == 0)
                .then(|| span.total(jiff::SpanTotal::from(jiff::Unit::Second).days_are_24_hours()).ok())?
        }
        Value::Object(parts) => {
            let unit = |name: &str| parts.get(name).and_then(Value::as_u64).unwrap_or(0) as f64;
            Some(
                unit("days") * 86_400.0
                    + unit("hours") * 3_600.0
                    + unit("minutes") * 60.0
                    + unit("seconds")
                    + unit("milliseconds") / 1_000.0,
            )
        }
        _ => None,
    }
}
