//! Entries of `use` that nothing uses. Functions are the parser's own, which
//! resolves them anyway.

use serde_json::Value;

use super::{Findings, any_task, texts};
use crate::outline::List;
use crate::source::join;

pub(super) fn check(document: &Value, list: &List<'_>, findings: &mut Findings<'_>) {
    let Some(uses) = document.get("use") else { return };
    let entries = |what: &str| -> Vec<String> {
        uses.get(what).and_then(Value::as_object).map(|map| map.keys().cloned().collect()).unwrap_or_default()
    };
    // Lists in `use.extensions` use things too, and are not in the outline:
    // whatever an extension names anywhere counts as used.
    let extensions = uses.get("extensions").unwrap_or(&Value::Null);
    let named = |name: &str| {
        let mut found = false;
        texts(extensions, "", &mut |text, _| found |= text.contains(name));
        found
    };
    let mut unused = |what: &str, one: &str, used: &dyn Fn(&str) -> bool| {
        for name in entries(what) {
            if !used(&name) && !named(&name) {
                let place = join(&join("/use", what), &name);
                findings.warn(&place, format!("the {one} `{name}` is never used"), None);
            }
        }
    };
    unused("errors", "error", &|name| {
        any_task(list, |task| task.kind == "raise" && task.own().get("error").and_then(Value::as_str) == Some(name))
    });
    unused("retries", "retry policy", &|name| {
        any_task(list, |task| task.body.get("catch").and_then(|c| c.get("retry")).and_then(Value::as_str) == Some(name))
    });
    unused("timeouts", "timeout", &|name| {
        document.get("timeout").and_then(Value::as_str) == Some(name)
            || any_task(list, |task| task.text("timeout") == Some(name))
    });
    let authenticating = |name: &str| {
        let mut found = false;
        authentications(document, &mut |used| found |= used == name);
        found
    };
    unused("authentications", "authentication", &authenticating);
    secrets(document, findings);
}

/// Every name that stands where an authentication is asked for.
fn authentications(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                if key == "authentication" {
                    let named = below.as_str().or_else(|| below.get("use").and_then(Value::as_str));
                    named.map(&mut *visit);
                }
                authentications(below, visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| authentications(item, visit)),
        _ => {}
    }
}

/// A secret is used where its name stands in any text but its own entry.
fn secrets(document: &Value, findings: &mut Findings<'_>) {
    let names = document.pointer("/use/secrets").and_then(Value::as_array);
    for (at, name) in names.into_iter().flatten().enumerate() {
        let Some(name) = name.as_str() else { continue };
        let mut used = false;
        texts(document, "", &mut |text, pointer| {
            if !pointer.starts_with("/use/secrets/") && !pointer.starts_with("/document/") {
                // `$secrets` as a whole, or computed, may be any of them.
                let whole = text.match_indices("$secrets").any(|(at, word)| {
                    let rest = text.get(at + word.len()..).unwrap_or_default();
                    !rest.starts_with('.') && !rest.starts_with("[\"")
                });
                used |= whole || text.contains(name);
            }
        });
        if !used {
            findings.warn(&join("/use/secrets", &at.to_string()), format!("the secret `{name}` is never used"), None);
        }
    }
}
