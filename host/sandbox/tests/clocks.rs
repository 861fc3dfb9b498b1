//! `wasi:clocks` by grant: real time for those who have it, the journaled time
//! of the call for all others. Waiting takes real time for both.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use huiyin_sandbox::{Grant, HostAccess, Kind, Limits, Operation, Output};
use serde_json::json;
use support::{Data, Says, contract, module, ok_text, sandbox};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A step that waits for 60 ms by the clock and answers 1 where both clocks
/// then stand where they stood at the beginning of a call in these tests, 0
/// where neither does.
fn watcher() -> Vec<u8> {
    let imports = r#"
      (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
      (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $ticks (result i64)))
      (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
      (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-instant" (func $at (param i64) (result i32)))
      (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))"#;
    let body = format!(
        "(local $wall i32) (local $ticks i32)
         (call $block (call $after (i64.const 30000000)))
         (call $block (call $at (i64.add (call $ticks) (i64.const 30000000))))
         (call $wall (i32.const 0x340))
         (local.set $wall (i32.and
           (i64.eq (i64.load (i32.const 0x340)) (i64.const 1700000000))
           (i32.eqz (i32.load (i32.const 0x348)))))
         (local.set $ticks (i64.eqz (call $ticks)))
         (if (i32.ne (local.get $wall) (local.get $ticks)) (then unreachable))
         (i32.store8 (i32.const 0x200) (i32.add (i32.const 48) (local.get $wall)))
         {}",
        ok_text("(i32.const 0x200)", "(i32.const 1)")
    );
    let wat = module(&Says::new(Kind::Step), &mut Data::new(), imports, "", &body);
    let mut resolve = Resolve::default();
    resolve
        .push_str("io.wit", "package wasi:io@0.2.0; interface poll { resource pollable { block: func(); } }")
        .unwrap();
    resolve
        .push_str(
            "clocks.wit",
            "package wasi:clocks@0.2.0;
             interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }
             interface monotonic-clock {
               use wasi:io/poll@0.2.0.{pollable};
               now: func() -> u64;
               subscribe-duration: func(when: u64) -> pollable;
               subscribe-instant: func(when: u64) -> pollable;
             }",
        )
        .unwrap();
    resolve.push_str("plugin.wit", &contract()).unwrap();
    let world = resolve
        .push_str(
            "test.wit",
            "package test:guest;
             world watcher {
               include huiyin:plugin/step-plugin@0.1.0;
               import wasi:clocks/wall-clock@0.2.0;
               import wasi:clocks/monotonic-clock@0.2.0;
               import wasi:io/poll@0.2.0;
             }",
        )
        .unwrap();
    let world = resolve.select_world(&[world], Some("watcher")).unwrap();
    let mut wasm = wat::parse_str(&wat).unwrap();
    embed_component_metadata(&mut wasm, &resolve, world, StringEncoding::UTF8).unwrap();
    huiyin_sandbox::package::componentize(&wasm).unwrap()
}

#[tokio::test]
async fn time_stands_still_without_a_grant_from_both() {
    let sandbox = sandbox();
    let package = sandbox.load(&watcher()).unwrap();
    let clocks = || Grant { clocks: true, ..Grant::default() };
    for (admin, cap, stopped) in [
        (Grant::default(), None, 1),
        (clocks(), None, 0),
        (clocks(), Some(Grant::default()), 1),
        (clocks(), Some(clocks()), 0),
        (Grant::default(), Some(clocks()), 1),
    ] {
        let access = HostAccess { cap: cap.map(Arc::new), ..HostAccess::default() };
        let operation = Operation::Run { config: "{}".into(), input: "1".into() };
        let began = Instant::now();
        let called =
            sandbox.call(&package, &support::context(), &operation, &admin, &access, &Limits::default()).await.unwrap();
        assert_eq!(called.output, Output::Json(json!(stopped)), "{admin:?}");
        assert!(began.elapsed() >= Duration::from_millis(60), "waiting takes real time");
    }
}
