//! What one call leaves behind never reaches the next, whatever place of the
//! pools it gets, and whatever way the call before it ended.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use huiyin_guests::{Asks, Guest};
use huiyin_hostile::case::SECRET;
use huiyin_hostile::cases::isolation::{other_rummager, rummager};
use huiyin_hostile::honest::{Honest, context};
use huiyin_hostile::servers::{Behaviour, Server};
use huiyin_hostile::trial::{OneSecret, run};
use huiyin_sandbox::{
    CallError, Grant, HostAccess, LimitName, Limits, Output, Package, PoolConfig, Sandbox, SandboxConfig,
};
use serde_json::json;

/// A sandbox of few places, so that calls must follow each other into them.
fn narrow(pooling: bool) -> Sandbox {
    let pool = PoolConfig { instances: 1, pooling, ..PoolConfig::default() };
    let sandbox = Sandbox::new(SandboxConfig { pool, ..SandboxConfig::default() }).unwrap();
    assert_eq!(sandbox.pooled(), pooling, "no pools on this machine: the test would show nothing");
    sandbox
}

fn limits() -> Limits {
    Limits { wall_ms: 10_000, ..Limits::default() }
}

fn load(sandbox: &Sandbox, guest: &Guest) -> Arc<Package> {
    sandbox.load(&guest.package().unwrap()).unwrap()
}

/// Rummages, leaves marks and ends as told; panics where anything was found.
fn rummage(sandbox: &Sandbox, package: &Package, ending: &str) {
    let limits = if ending == "\"loop\"" { Limits { wall_ms: 100, ..limits() } } else { limits() };
    match sandbox.call_pure(package, &context(), &run(ending), &limits) {
        Ok(output) => assert_eq!(output, Output::Json(json!(0)), "what another left was found"),
        Err(CallError::Trap { reason, .. }) if ending == "\"trap\"" => {
            assert!(reason.contains("unreachable"), "{reason}")
        }
        Err(error) if ending == "\"loop\"" => assert_eq!(error.limit(), Some(LimitName::WallMs), "{error}"),
        Err(error) => panic!("{ending}: {error}"),
    }
}

#[test]
fn the_next_call_of_the_same_plugin_finds_nothing() {
    for pooling in [true, false] {
        let sandbox = narrow(pooling);
        let package = load(&sandbox, &rummager());
        for ending in ["\"answer\"", "\"trap\"", "\"answer\"", "\"loop\"", "\"answer\""].repeat(6) {
            rummage(&sandbox, &package, ending);
        }
    }
}

#[test]
fn the_rummager_would_find_what_was_left() {
    // In an instance that is kept, everything is left: so the test can fail.
    let sandbox = narrow(true);
    let package = load(&sandbox, &rummager());
    let mut warm = sandbox.warm(&package).unwrap();
    assert_eq!(warm.call(&context(), &run("\"answer\""), &limits()).unwrap(), Output::Json(json!(0)));
    assert_eq!(warm.call(&context(), &run("\"answer\""), &limits()).unwrap(), Output::Json(json!(1)));
}

#[test]
fn the_next_plugin_in_the_same_place_finds_nothing() {
    // More plugins than the pool has places, twice round: each place is used
    // by one after another, and there is none that no stranger has used.
    let sandbox = narrow(true);
    let plugins: Vec<_> = (0..50).map(|number| load(&sandbox, &other_rummager(number))).collect();
    for ending in ["\"answer\"", "\"trap\"", "\"answer\""] {
        for package in &plugins {
            rummage(&sandbox, package, ending);
        }
    }
}

#[test]
fn many_at_once_find_nothing_of_each_other() {
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let package = load(&sandbox, &rummager());
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (sandbox, package) = (&sandbox, &package);
            scope.spawn(move || {
                for call in 0..12 {
                    rummage(sandbox, package, if (thread + call) % 3 == 0 { "\"trap\"" } else { "\"answer\"" });
                }
            });
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_given_up_leaves_nothing() {
    // The plugin has written a key, filled its memory and waits; then its
    // future is dropped. The next call in its place finds neither.
    let sandbox = narrow(true);
    let leaves = load(
        &sandbox,
        &Guest::step(
            "(call $kv_set @\"k\" (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1) @\"left\" (i32.const 0x340))
             (memory.fill (i32.const 0x40000) (i32.const 0x5e) (i32.const 0x40000))
             (call $block (call $sleep (i64.const -1))) unreachable",
        )
        .pages("16")
        .asks(Asks::Kv(100)),
    );
    let looks = load(
        &sandbox,
        &Guest::step(
            "(call $kv_get @\"k\" (i32.const 0x340))
             (if (i32.load8_u (i32.const 0x340)) (then (return (call $number (i32.const 2)))))
             (if (i32.load8_u (i32.const 0x344)) (then (return (call $number (i32.const 3)))))
             (local.set $p (i32.const 0x40000))
             (loop $look
               (if (i32.load (local.get $p)) (then (return (call $number (i32.const 1)))))
               (local.set $p (i32.add (local.get $p) (i32.const 4)))
               (br_if $look (i32.lt_u (local.get $p) (i32.const 0x80000))))
             (call $number (i32.const 0))",
        )
        .pages("16")
        .asks(Asks::Kv(100)),
    );
    let grant = Grant { kv_bytes: 100, ..Grant::default() };
    let (context, limits, host) = (context(), limits(), HostAccess::default());
    for _ in 0..60 {
        let operation = run("1");
        let call = sandbox.call(&leaves, &context, &operation, &grant, &host, &limits);
        assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err(), "it did not wait");
        let called = sandbox.call(&looks, &context, &operation, &grant, &host, &limits).await.unwrap();
        assert_eq!(called.output, Output::Json(json!(0)));
        assert!(called.kv_writes.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_traps_beside_another_harms_it_not() {
    // B waits for the clock while A traps a thousand times; B's memory,
    // tables and answer are its own all the while.
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let waits = load(
        &sandbox,
        &Guest::step(
            "(memory.fill (i32.const 0x10000) (i32.const 0x42) (i32.const 0x10000))
             (call $block (call $sleep (i64.const 800000000)))
             (local.set $p (i32.const 0x10000))
             (loop $look
               (if (i32.ne (i32.load8_u (local.get $p)) (i32.const 0x42)) (then (return (call $number (i32.const 1)))))
               (local.set $p (i32.add (local.get $p) (i32.const 1)))
               (br_if $look (i32.lt_u (local.get $p) (i32.const 0x20000))))
             (call $number (i32.const 0))",
        ),
    );
    let traps = load(
        &sandbox,
        &Guest::step("(memory.fill (i32.const 0x10000) (i32.const 0x41) (i32.const 0x30000)) unreachable"),
    );
    let honest = Honest::new(&sandbox).unwrap();
    let waiting = {
        let (sandbox, waits) = (sandbox.clone(), waits.clone());
        tokio::spawn(async move {
            sandbox.call(&waits, &context(), &run("1"), &Grant::default(), &HostAccess::default(), &limits()).await
        })
    };
    let trapping = {
        let sandbox = sandbox.clone();
        tokio::task::spawn_blocking(move || {
            for _ in 0..1_000 {
                let error = sandbox.call_pure(&traps, &context(), &run("1"), &limits()).unwrap_err();
                assert!(matches!(error, CallError::Trap { .. }), "{error}");
            }
        })
    };
    honest.calls(&sandbox, 100).await.unwrap();
    trapping.await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().output, Output::Json(json!(0)));
}

#[tokio::test]
async fn a_placeholder_of_one_call_is_worth_nothing_in_the_next() {
    // The first call tells its placeholder; the second, of a plugin that may
    // not use the secret, sends it to a server that would be a granted place.
    let server = Server::start(Behaviour::Fine).unwrap();
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let tells = load(
        &sandbox,
        &Guest::step(
            "(call $secret @\"token\" (i32.const 0x340))
             (if (i32.load8_u (i32.const 0x340)) (then (return (call $fail (i32.const 2) @\"no secret\"))))
             (local.set $p (i32.load (i32.const 0x344)))
             (local.set $n (i32.load (i32.const 0x348)))
             (i32.store8 (i32.const 0x400) (i32.const 34))
             (memory.copy (i32.const 0x401) (local.get $p) (local.get $n))
             (i32.store8 (i32.add (i32.const 0x401) (local.get $n)) (i32.const 34))
             (call $answer (i32.const 0x400) (i32.add (local.get $n) (i32.const 2)))",
        )
        .asks(Asks::Secret("token")),
    );
    let grant = Grant::from_json(
        &json!({
            "http": [{"origin": "http://*:*"}], "allow_addresses": ["127.0.0.1/32"],
            "secrets": [{"name": "token", "hosts": ["http://*:*"]}],
        })
        .to_string(),
    )
    .unwrap();
    let host = HostAccess { secrets: Arc::new(OneSecret), ..HostAccess::default() };
    let (context, limits) = (context(), limits());
    let told = sandbox.call(&tells, &context, &run("1"), &grant, &host, &limits).await.unwrap();
    let Output::Json(placeholder) = told.output else { panic!("{:?}", told.output) };
    let placeholder = placeholder.as_str().unwrap().to_owned();
    assert!(placeholder.starts_with("huiyin-secret-") && !placeholder.contains(SECRET));

    let sends = load(
        &sandbox,
        &Guest::step(format!(
            "(local.set $h (call $fields))
             (call $append (local.get $h) @\"x-token\" @in (i32.const 0x340))
             (call $told (call $go (call $open (local.get $h) @\"{}\" @\"/\")))",
            server.address
        ))
        .asks(Asks::Http)
        .asks(Asks::Secret("token")),
    );
    let input = run(&format!("\"{placeholder}\""));
    let called = sandbox.call(&sends, &context, &input, &grant, &host, &limits).await.unwrap();
    assert_eq!(called.output, Output::Json(json!(200)));
    let heads = server.heads();
    assert!(heads.iter().any(|head| head.contains(&placeholder)), "{heads:?}");
    assert!(!heads.iter().any(|head| head.contains(SECRET)), "the secret went out: {heads:?}");
}
