//! The table of hostile plugins, by class.

mod cpu;
mod egress;
pub mod isolation;
mod lies;
mod memory;
mod spellings;

use huiyin_sandbox::{Called, Grant, Kind, Limits, Message, Operation};
use serde_json::json;

use crate::case::{Case, Class, Expect};
use crate::guest::Guest;

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

/// What a plugin of this kind is asked.
pub fn operation(kind: Kind, input: &str) -> Operation {
    let config = "{}".to_owned();
    match kind {
        Kind::Collector => Operation::Collect { config, cursor: None, limit: 10 },
        Kind::Classifier => {
            let items = json!({"items": [{"id": "1", "title": "某地发生火灾", "published": "2026-11-01T08:00:00Z"}]});
            Operation::from_json(kind, &json!({}), &items).unwrap_or_else(|_| Operation::Classify {
                config,
                model: [].into(),
                state: None,
                items: Vec::new(),
            })
        }
        Kind::Reporter => Operation::Render { config, data: input.to_owned() },
        Kind::Notifier => Operation::Deliver {
            config,
            message: Message {
                subject: "s".into(),
                text: "t".into(),
                recipients: vec!["r".into()],
                attachments: Vec::new(),
                data: "{}".into(),
            },
        },
        Kind::Step => Operation::Run { config, input: input.to_owned() },
    }
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
        slow: false,
    }
}

/// A case of a guest that can be packed as an honest one.
fn of(class: Class, name: &'static str, does: &'static str, expect: Expect, guest: Guest) -> Case {
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
