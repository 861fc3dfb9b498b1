//! The table of hostile plugins, by class.

mod cpu;
mod egress;
pub mod isolation;
mod lies;
mod memory;
mod spellings;

use huiyin_sandbox::{Called, Grant, Kind, Limits, Operation};
use serde_json::{Value, json};

use crate::case::{Case, Class, Expect};
use huiyin_guests::Guest;

pub use spellings::{INWARD, Inward};

/// All of them.
pub fn all() -> Vec<Case> {
    let mut all = cpu::cases();
    all.extend(memory::cases());
    all.extend(lies::cases());
    all.extend(egress::cases());
    all.extend(isolation::cases());
    all
}

/// What a plugin of this kind is asked, as a workflow's call says it; `input` is JSON.
///
/// # Errors
/// When it is not.
pub fn arguments(kind: Kind, input: &str) -> Result<Value, String> {
    Ok(match kind {
        Kind::Collector => json!({"limit": 10}),
        Kind::Classifier => {
            json!({"items": [{"id": "1", "title": "某地发生火灾", "published": "2026-11-01T08:00:00Z"}]})
        }
        Kind::Notifier => json!({"subject": "s", "text": "t", "recipients": ["r"], "attachments": []}),
        Kind::Reporter | Kind::Step => {
            serde_json::from_str(input).map_err(|error| format!("`{input}` is no JSON: {error}"))?
        }
    })
}

/// The same as a call of the sandbox.
///
/// # Errors
/// When the input is not JSON.
pub fn operation(kind: Kind, input: &str) -> Result<Operation, String> {
    Operation::from_json(kind, &json!({}), &arguments(kind, input)?).map_err(|error| error.to_string())
}

/// A case of bytes that are made somehow.
fn made(
    class: Class,
    name: &'static str,
    does: &'static str,
    expect: Expect,
    package: impl Fn() -> Result<Vec<u8>, String> + Send + Sync + 'static,
) -> Case {
    Case {
        name,
        class,
        does,
        expect,
        package: Box::new(package),
        // Short, and yet long beside a hundred honest calls.
        limits: Limits { wall_ms: if matches!(expect, Expect::Limit(_)) { 400 } else { 10_000 }, ..Limits::default() },
        grant: Grant::default(),
        server: None,
        input: None,
        names: false,
        slow: false,
    }
}

/// A case of a guest that can be packed as an honest one; the plugin's name is the case's.
fn of(class: Class, name: &'static str, does: &'static str, expect: Expect, guest: Guest) -> Case {
    let guest = guest.name(name);
    made(class, name, does, expect, move || guest.package())
}

/// A case of a guest that must not be taken: its manifest is honest.
fn smuggled(class: Class, name: &'static str, does: &'static str, words: &'static str, guest: Guest) -> Case {
    made(class, name, does, Expect::Refused(words), move || guest.smuggled())
}

/// A check that finds this number as the step's answer.
fn answered(called: &Called, wanted: &serde_json::Value) -> Result<(), String> {
    let found = crate::trial::json_of(called)?;
    if found == wanted { Ok(()) } else { Err(format!("answered {found} instead of {wanted}")) }
}
