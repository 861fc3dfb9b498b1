//! What a task's box says: short words for people.

use serde_json::Value;

use crate::expr::wrapped;
use crate::outline::Task;

/// Columns of a line, wide characters counting two.
const LINE: usize = 40;

/// What a task does, in one line; empty where its name says it all.
pub(super) fn detail(task: &Task<'_>) -> String {
    let own = task.own();
    let text = |pointer: &str| own.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let words = match task.kind {
        "call" => call(task),
        "wait" => duration(own),
        "set" => match own.as_object() {
            Some(object) => object.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
            None => own.as_str().map(expression).unwrap_or_default(),
        },
        "emit" => attribute(own.pointer("/event/with/type")),
        "raise" => match own.get("error") {
            Some(Value::String(name)) => name.clone(),
            Some(error) => {
                let named = |key: &str| error.get(key).map(plain).filter(|text| !text.is_empty());
                named("title").or_else(|| named("type")).unwrap_or_default()
            }
            None => String::new(),
        },
        "run" => match own.get("workflow") {
            Some(_) => format!("{}/{}", text("/workflow/namespace"), text("/workflow/name")),
            None => own.as_object().and_then(|o| o.keys().next().cloned()).unwrap_or_default(),
        },
        "listen" => strategy(own.get("to")),
        "for" => {
            let each = own.get("each").and_then(Value::as_str).unwrap_or("item");
            let items = own.get("in").map(plain).unwrap_or_default();
            format!("each {each} in {items}")
        }
        "fork" if own.get("compete").and_then(Value::as_bool) == Some(true) => "the first wins".to_owned(),
        "fork" => "all at once".to_owned(),
        _ => String::new(),
    };
    fit(&words)
}

/// Remarks below: condition, timeout.
pub(super) fn remarks(task: &Task<'_>) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(condition) = task.text("if") {
        all.push(fit(&format!("if {}", expression(condition))));
    }
    if let Some(condition) = task.text("while") {
        all.push(fit(&format!("while {}", expression(condition))));
    }
    if let Some(timeout) = task.body.get("timeout") {
        let limit = timeout.get("after").map_or_else(|| plain(timeout), duration);
        all.push(fit(&format!("at most {limit}")));
    }
    all
}

/// What a `try` says about its errors.
pub(super) fn caught(task: &Task<'_>) -> String {
    let filter = task.body.get("catch").and_then(|c| c.pointer("/errors/with")).and_then(Value::as_object);
    let with = filter.map(|with| with.iter().map(|(k, v)| format!("{k} {}", plain(v))).collect::<Vec<_>>().join(", "));
    let when = task.body.get("catch").and_then(|c| c.get("when")).and_then(Value::as_str).map(expression);
    fit(&match (with, when) {
        (Some(with), _) => format!("error: {with}"),
        (None, Some(when)) => format!("error: {when}"),
        (None, None) => "error".to_owned(),
    })
}

/// Whether and how often a `try` tries again.
pub(super) fn retry(task: &Task<'_>, document: &Value) -> Option<String> {
    let given = task.body.get("catch")?.get("retry")?;
    let policy = match given {
        Value::String(name) => document.pointer("/use/retries").and_then(|r| r.get(name)),
        policy => Some(policy),
    };
    let count = policy.and_then(|p| p.pointer("/limit/attempt/count")).and_then(Value::as_u64);
    let delay = policy.and_then(|p| p.get("delay")).map(duration);
    let mut words = "again".to_owned();
    if let Some(count) = count {
        words.push_str(&format!(", {count} times"));
    }
    if let Some(delay) = delay {
        words.push_str(&format!(", after {delay}"));
    }
    Some(fit(&words))
}

/// A case's condition.
pub(super) fn condition(when: Option<&str>) -> String {
    when.map_or_else(|| "otherwise".to_owned(), |when| fit(&expression(when)))
}

/// What starts runs by themselves.
pub(super) fn trigger(document: &Value) -> Option<String> {
    let schedule = document.get("schedule")?;
    let words = match schedule.as_object()?.iter().next()? {
        (kind, given) if kind == "every" => format!("every {}", duration(given)),
        (kind, given) if kind == "after" => format!("{} after the last", duration(given)),
        (kind, given) if kind == "on" => strategy(Some(given)),
        (kind, given) => format!("{kind} {}", plain(given)),
    };
    Some(fit(&words))
}

fn call(task: &Task<'_>) -> String {
    let called = task.own().as_str().unwrap_or_default();
    let with = |pointer: &str| task.body.get("with").and_then(|w| w.pointer(pointer)).map(plain);
    match called {
        "http" => {
            let uri = with("/endpoint/uri").or_else(|| with("/endpoint")).unwrap_or_default();
            format!("{} {uri}", with("/method").unwrap_or_default().to_uppercase())
        }
        "openapi" => with("/operationId").unwrap_or_default(),
        called => called.strip_suffix("@default").unwrap_or(called).to_owned(),
    }
}

fn strategy(value: Option<&Value>) -> String {
    let kinds = |filters: &Value| {
        let one = |filter: &Value| attribute(filter.pointer("/with/type").or_else(|| filter.pointer("/with/source")));
        match filters {
            Value::Array(all) if all.is_empty() => "any event".to_owned(),
            Value::Array(all) => all.iter().map(one).collect::<Vec<_>>().join(", "),
            filter => one(filter),
        }
    };
    let Some(value) = value else { return String::new() };
    match (value.get("one"), value.get("any"), value.get("all")) {
        (Some(one), ..) => kinds(one),
        (_, Some(any), _) => match any.as_array().map_or(0, Vec::len) {
            0 | 1 => kinds(any),
            many => format!("any of {many}: {}", kinds(any)),
        },
        (.., Some(all)) => match all.as_array().map_or(0, Vec::len) {
            1 => kinds(all),
            many => format!("all of {many}: {}", kinds(all)),
        },
        _ => String::new(),
    }
}

fn attribute(value: Option<&Value>) -> String {
    value.map_or_else(|| "event".to_owned(), plain)
}

/// A duration as people write it: ISO 8601 as it stands, parts in words.
fn duration(value: &Value) -> String {
    match value {
        Value::Object(parts) => parts
            .iter()
            .map(|(unit, n)| {
                let unit = match unit.as_str() {
                    "days" => "d",
                    "hours" => "h",
                    "minutes" => "min",
                    "seconds" => "s",
                    "milliseconds" => "ms",
                    other => other,
                };
                format!("{} {unit}", plain(n))
            })
            .collect::<Vec<_>>()
            .join(" "),
        value => plain(value),
    }
}

/// A program without its `${ }`.
fn expression(text: &str) -> String {
    wrapped(text).unwrap_or(text).trim().to_owned()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => expression(text),
        other => other.to_string(),
    }
}

/// One line, without control characters, clipped.
pub(super) fn fit(text: &str) -> String {
    clip(text, LINE)
}

pub(super) fn clip(text: &str, most: usize) -> String {
    let harmless = |c: char| {
        let steering = c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{fffe}' | '\u{ffff}');
        if steering { ' ' } else { c }
    };
    let text: String = text.chars().map(harmless).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if columns(&text) <= most {
        return text;
    }
    let (mut out, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += width(c);
        if used > most {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// Han, kana, hangul, full-width forms and pictures take two columns.
fn width(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}
