//! Honest plugins, called beside the hostile ones: their results must be right
//! whatever the others do.

use std::sync::Arc;

use huiyin_sandbox::{Context, Grant, HostAccess, Limits, Operation, Output, Package, Sandbox};
use serde_json::json;

use huiyin_guests::{Asks, Guest};

/// The context of every call.
pub fn context() -> Context {
    Context {
        call_id: "call-1".into(),
        attempt: 1,
        unit: "440100".into(),
        now: 1_700_000_000_000,
        idempotency_key: "key-1".into(),
    }
}

/// FNV-1a over its input, after it has seen that its heap is empty; as a
/// number of up to nine digits.
const HASH: &str = "
    (local.set $p (i32.const 0x18000))
    (loop $clean
      (if (i32.load (local.get $p)) (then (return (call $fail (i32.const 0) @\"my memory was not empty\"))))
      (local.set $p (i32.add (local.get $p) (i32.const 4)))
      (br_if $clean (i32.lt_u (local.get $p) (i32.const 0x20000))))
    (memory.fill (i32.const 0x18000) (i32.const 0x5a) (i32.const 0x8000))
    (local.set $h (i32.const 0x811c9dc5))
    (local.set $p (local.get $in_p))
    (loop $on
      (local.set $h (i32.mul (i32.xor (local.get $h) (i32.load8_u (local.get $p))) (i32.const 0x01000193)))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $on (i32.lt_u (local.get $p) (i32.add (local.get $in_p) (local.get $in_n)))))
    (call $number (i32.rem_u (local.get $h) (i32.const 1000000000)))";

/// What the guest must answer.
pub fn expected(input: &str) -> u32 {
    let hash = input.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % 1_000_000_000
}

/// A pure honest guest and one that keeps state and logs.
#[derive(Clone)]
pub struct Honest {
    pure: Arc<Package>,
    keeper: Arc<Package>,
}

impl Honest {
    /// Loads both.
    ///
    /// # Errors
    /// When they are refused: a mistake in the tests.
    pub fn new(sandbox: &Sandbox) -> Result<Self, String> {
        let keeper = format!(
            "(call $log (i32.const 1) @\"at work\")
             (call $kv_set @\"k\" (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1) @\"v\" (i32.const 0x340))
             (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 0) @\"no state\"))))
             {HASH}"
        );
        let load = |guest: Guest| sandbox.load(&guest.package()?).map_err(|error| error.to_string());
        Ok(Self {
            pure: load(Guest::step(HASH).name("honest"))?,
            keeper: load(Guest::step(keeper).name("honest-keeper").asks(Asks::Kv(100)))?,
        })
    }

    /// One call; an error where anything about its result is wrong.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn call(&self, sandbox: &Sandbox, number: usize) -> Result<(), String> {
        let input = format!("\"honest {number} {}\"", "林".repeat(number % 50));
        let operation = Operation::Run { config: "{}".into(), input: input.clone() };
        let wanted = Output::Json(json!(expected(&input)));
        if number.is_multiple_of(2) {
            let (sandbox, package) = (sandbox.clone(), self.pure.clone());
            let done = tokio::task::spawn_blocking(move || {
                sandbox.call_pure(&package, &context(), &operation, &Limits::default())
            })
            .await
            .map_err(|error| error.to_string())?;
            return match done {
                Ok(output) if output == wanted => Ok(()),
                Ok(output) => Err(format!("{input} gave {output:?}")),
                Err(error) => Err(format!("{input}: {error}")),
            };
        }
        let grant = Grant { kv_bytes: 100, ..Grant::default() };
        let called = sandbox
            .call(&self.keeper, &context(), &operation, &grant, &HostAccess::default(), &Limits::default())
            .await
            .map_err(|error| format!("{input}: {error}"))?;
        if called.output == wanted && called.kv_writes.len() == 1 && called.log.len() == 1 {
            Ok(())
        } else {
            Err(format!("{input} gave {called:?}"))
        }
    }

    /// So many calls at once, all of which must be right.
    ///
    /// # Errors
    /// The first that was not.
    pub async fn calls(&self, sandbox: &Sandbox, count: usize) -> Result<(), String> {
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..count {
            let (honest, sandbox) = (self.clone(), sandbox.clone());
            calls.spawn(async move { honest.call(&sandbox, number).await });
        }
        while let Some(done) = calls.join_next().await {
            done.map_err(|error| error.to_string())??;
        }
        Ok(())
    }
}
