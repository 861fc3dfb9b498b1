//! What the tests share: guests, hosts, places on loopback.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string
)]

pub mod http;
pub mod peer;
pub mod tls;

pub use huiyin_guests::{Asks, Guest};
use huiyin_sandbox::{Context, Kind, Sandbox, SandboxConfig};

/// A guest of this kind whose function has this code.
pub fn guest(kind: Kind, body: impl Into<String>) -> Guest {
    Guest::new(kind, body).name("test-guest").version("1.2.3")
}

/// The same of one that imports the log, and so is not pure.
pub fn outward(kind: Kind, body: impl Into<String>) -> Guest {
    guest(kind, body).more("(func (call $log (i32.const 0) (i32.const 0) (i32.const 0)))")
}

/// A pure step with this body.
pub fn step(body: impl Into<String>) -> Vec<u8> {
    step_with("", body)
}

/// The same with further items of its module.
pub fn step_with(more: &str, body: impl Into<String>) -> Vec<u8> {
    guest(Kind::Step, body).more(more).package().unwrap()
}

/// The code of answering with the input.
pub const ECHO: &str = "(call $answer (local.get $in_p) (local.get $in_n))";

/// Answers with its input.
pub fn echo() -> Vec<u8> {
    step(ECHO)
}

pub fn sandbox() -> Sandbox {
    Sandbox::new(SandboxConfig::default()).unwrap()
}

pub fn context() -> Context {
    Context {
        call_id: "call-1".into(),
        attempt: 1,
        unit: "440100".into(),
        now: 1_700_000_000_000,
        idempotency_key: "key-1".into(),
    }
}
