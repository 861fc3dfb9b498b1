//! The host functions log, spool and kv, as a guest finds them.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use huiyin_sandbox::{
    CallError, Called, Effect, Grant, HostAccess, Kind, KvWrite, Limits, LogBudget, LogLine, LogSink, Operation, Output,
};
use serde_json::json;
use support::{Asks, ECHO, context, guest, sandbox};

fn operation() -> Operation {
    Operation::Run { config: "{}".into(), input: "1".into() }
}

async fn call(guest: &[u8], grant: &Grant, host: &HostAccess, limits: &Limits) -> Result<Called, CallError> {
    let sandbox = sandbox();
    let package = sandbox.load(guest).unwrap();
    sandbox.call(&package, &context(), &operation(), grant, host, limits).await
}

/// The guest's own error, should the host function at 0x340 have failed.
const CHECK: &str = "(if (i32.load8_u (i32.const 0x340)) (then
    (i32.store (i32.const 0x100) (i32.const 1)) (i32.store (i32.const 0x104) (i32.const 1))
    (i32.store (i32.const 0x108) (i32.load8_u (i32.const 0x344)))
    (return (i32.const 0x100))))";

/// Puts a file of this name and content, then fails if told to.
fn spooler(name: &str, bytes: &str, trap: bool) -> Vec<u8> {
    let end = if trap { "unreachable" } else { ECHO };
    let body = format!("(call $put @\"{name}\" @\"{bytes}\" (i32.const 0x340)) {CHECK} {end}");
    guest(Kind::Step, body).asks(Asks::Spool).package().unwrap()
}

#[tokio::test]
async fn a_file_is_written_into_the_granted_folder_and_not_changed_after() {
    let folder = tempfile::tempdir().unwrap();
    let grant = Grant { spool: Some(folder.path().to_owned()), ..Grant::default() };
    let (host, limits) = (HostAccess::default(), Limits::default());
    for _ in 0..2 {
        call(&spooler("快报.md", "one", false), &grant, &host, &limits).await.unwrap();
    }
    assert!(call(&spooler("快报.md", "two", false), &grant, &host, &limits).await.is_err());
    assert_eq!(std::fs::read(folder.path().join("快报.md")).unwrap(), b"one");
    let error = call(&spooler("../x", "one", false), &grant, &host, &limits).await.unwrap_err();
    assert!(matches!(error, CallError::Plugin(_)), "{error:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let error = call(&spooler("b.md", "x", true), &grant, &host, &limits).await.unwrap_err();
    assert_eq!(error.outcome(), Effect::Unknown, "a file may have been written");
}

#[tokio::test]
async fn without_a_folder_nothing_is_written_and_the_grant_is_named() {
    let error = call(&spooler("a", "b", false), &Grant::default(), &HostAccess::default(), &Limits::default())
        .await
        .unwrap_err();
    let CallError::Denied { denial, effect } = error else { panic!("{error:?}") };
    assert!(denial.grant_to_add.unwrap().contains("spool"));
    assert_eq!(effect, Effect::NotDone);
}

/// Sets `a` from "1" to "2", then fails if told to.
fn keeper(trap: bool) -> Vec<u8> {
    let end = if trap { "unreachable" } else { ECHO };
    let body =
        format!("(call $kv_set @\"a\" (i32.const 1) @\"1\" (i32.const 1) @\"2\" (i32.const 0x340)) {CHECK} {end}");
    guest(Kind::Step, body).asks(Asks::Kv(1000)).package().unwrap()
}

#[tokio::test]
async fn state_travels_with_the_result_or_not_at_all() {
    let committed = BTreeMap::from([("a".to_owned(), b"1".to_vec())]);
    let host = HostAccess { kv: Arc::new(committed), ..HostAccess::default() };
    let granted = Grant { kv_bytes: 100, ..Grant::default() };
    let limits = Limits::default();
    let called = call(&keeper(false), &granted, &host, &limits).await.unwrap();
    assert_eq!(
        called.kv_writes,
        [KvWrite {
            key: "a".into(),
            expected: Some(b"1".to_vec()),
            value: Some(b"2".to_vec()),
            quota: 100,
            alone: true
        }]
    );
    assert!(matches!(
        call(&keeper(true), &granted, &host, &limits).await,
        Err(CallError::Trap { effect: Effect::NotDone, .. })
    ));
    let error = call(&keeper(false), &granted, &HostAccess::default(), &limits).await.unwrap_err();
    assert!(matches!(error, CallError::Plugin(_)), "a conflict is the guest's to handle: {error:?}");
    let error = call(&keeper(false), &Grant::default(), &host, &limits).await.unwrap_err();
    let CallError::Denied { denial, .. } = error else { panic!("{error:?}") };
    assert_eq!(denial.grant_to_add.as_deref(), Some(r#"{"kv_bytes":1000}"#));
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn line(&self, call_id: &str, line: &LogLine) {
        self.0.lock().unwrap().push(format!("{call_id} {:?} {}", line.severity, line.message));
    }
}

#[tokio::test]
async fn the_log_has_a_budget_and_the_rest_is_counted() {
    let body = format!(
        "(loop $l
           (call $log (i32.const 2) @\"页面已读\")
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br_if $l (i32.lt_u (local.get $i) (i32.const 1000))))
         {ECHO}"
    );
    let guest = guest(Kind::Step, body).package().unwrap();
    let sink = Arc::new(Lines::default());
    let host = HostAccess { log: Some(sink.clone()), ..HostAccess::default() };
    let limits = Limits { log_lines: 5, ..Limits::default() };
    let called = call(&guest, &Grant::default(), &host, &limits).await.unwrap();
    assert_eq!(called.output, Output::Json(json!(1)));
    assert_eq!((called.log.len(), called.log_dropped), (5, 995));
    assert_eq!(sink.0.lock().unwrap().len(), 5);
    assert_eq!(sink.0.lock().unwrap()[0], "call-1 Warn 页面已读");
    // A grant, or the unit's cap, may give less; neither gives more.
    let budget = |bytes, lines| Grant { log: Some(LogBudget { bytes, lines }), ..Grant::default() };
    for (admin, cap, lines) in [
        (budget(1_000, 3), None, 3),
        (budget(1_000, 900), None, 5),
        (budget(1_000, 3), Some(budget(1_000, 2)), 2),
        (budget(24, 3), Some(budget(1_000, 2)), 2),
        (budget(12, 3), None, 1),
        (budget(0, 0), None, 0),
    ] {
        let host = HostAccess { cap: cap.map(Arc::new), ..HostAccess::default() };
        let called = call(&guest, &admin, &host, &limits).await.unwrap();
        assert_eq!(called.log.len(), lines, "{admin:?}");
        assert_eq!(called.log_dropped, 1_000 - lines as u64);
    }
    let limits = Limits { log_bytes: 30, ..Limits::default() };
    let called = call(&guest, &Grant::default(), &host, &limits).await.unwrap();
    assert_eq!(called.log.len(), 2);
}
