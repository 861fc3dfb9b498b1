//! `wasi:clocks` by grant: real time for those who have it, the journaled time
//! of the call for all others. Waiting takes real time for both.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use huiyin_sandbox::{Grant, HostAccess, Kind, Limits, Operation, Output};
use serde_json::json;
use support::{guest, sandbox};

/// A step that waits for 60 ms by the clock and answers 1 where both clocks
/// then stand where they stood at the beginning of a call in these tests, 0
/// where neither does.
fn watcher() -> Vec<u8> {
    let body = "
        (call $block (call $sleep (i64.const 30000000)))
        (call $block (call $sleep_until (i64.add (call $ticks) (i64.const 30000000))))
        (call $wall_clock (i32.const 0x340))
        (local.set $i (i32.and
          (i64.eq (i64.load (i32.const 0x340)) (i64.const 1700000000))
          (i32.eqz (i32.load (i32.const 0x348)))))
        (local.set $j (i64.eqz (call $ticks)))
        (if (i32.ne (local.get $i) (local.get $j)) (then unreachable))
        (call $number (local.get $i))";
    guest(Kind::Step, body).package().unwrap()
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
