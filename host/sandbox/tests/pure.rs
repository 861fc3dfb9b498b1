//! Pure calls: what they give, what stops them, and that nothing leaks from
//! one to the next.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use huiyin_sandbox::{
    CallError, Effect, Kind, LimitName, Limits, Operation, Output, PluginError, Sandbox, SandboxConfig,
};
use serde_json::json;
use support::{context, echo, guest, sandbox, step, step_with};

fn run(input: &str) -> Operation {
    Operation::Run { config: "{}".into(), input: input.into() }
}

fn limit_of(sandbox: &Sandbox, guest: &[u8], limits: &Limits) -> (LimitName, String) {
    let package = sandbox.load(guest).unwrap();
    let error = sandbox.call_pure(&package, &context(), &run("1"), limits).unwrap_err();
    assert_eq!(error.outcome(), Effect::NotDone);
    (error.limit().unwrap_or_else(|| panic!("{error}")), error.to_string())
}

#[test]
fn a_step_answers_with_json() {
    let sandbox = sandbox();
    let package = sandbox.load(&echo()).unwrap();
    assert!(package.pure);
    assert_eq!(package.manifest.name, "test-guest");
    let output = sandbox.call_pure(&package, &context(), &run(r#"{"标题":[1,2]}"#), &Limits::default()).unwrap();
    assert_eq!(output, Output::Json(json!({"标题": [1, 2]})));
}

#[test]
fn an_answer_that_is_not_json_is_refused() {
    let sandbox = sandbox();
    let package = sandbox.load(&echo()).unwrap();
    let error = sandbox.call_pure(&package, &context(), &run("not json"), &Limits::default()).unwrap_err();
    assert!(matches!(error, CallError::BadOutput { .. }), "{error}");
}

#[test]
fn a_plugins_own_error_comes_back_as_such() {
    let sandbox = sandbox();
    for (case, expected) in [
        (0, PluginError::Transient("later".into())),
        (1, PluginError::RateLimited(4096)),
        (2, PluginError::InvalidInput("later".into())),
        (3, PluginError::InvalidConfig("later".into())),
        (4, PluginError::Unknown("later".into())),
    ] {
        let text = if case == 1 { "(i32.const 4096) (i32.const 0)" } else { "@\"later\"" };
        let package = sandbox.load(&step(format!("(call $fail (i32.const {case}) {text})"))).unwrap();
        let error = sandbox.call_pure(&package, &context(), &run("1"), &Limits::default()).unwrap_err();
        let unknown = matches!(expected, PluginError::Unknown(_));
        assert_eq!(error, CallError::Plugin(expected));
        assert_eq!(error.outcome() == Effect::Unknown, unknown);
    }
}

#[test]
fn an_endless_loop_is_stopped_at_its_wall_time() {
    let limits = Limits { wall_ms: 50, ..Limits::default() };
    let (limit, message) = limit_of(&sandbox(), &step("(loop $l (br $l)) unreachable"), &limits);
    assert_eq!(limit, LimitName::WallMs);
    assert!(message.contains("`wall_ms` of 50"), "{message}");
    assert!(message.contains("raise `limits.wall_ms`"), "{message}");
}

#[test]
fn a_call_that_is_to_be_brief_is_stopped_long_before_its_wall_time() {
    let (sandbox, limits) = (sandbox(), Limits { wall_ms: 600_000, ..Limits::default() });
    let endless = sandbox.load(&step("(loop $l (br $l)) unreachable")).unwrap();
    let began = Instant::now();
    let error = sandbox.call_pure_briefly(&endless, &context(), &run("1"), &limits).unwrap_err();
    assert_eq!(error.limit(), Some(LimitName::WallMs));
    assert!(began.elapsed() < Duration::from_mins(1), "ten milliseconds, and what a busy machine takes");
    let brief = sandbox.load(&echo()).unwrap();
    let output = sandbox.call_pure_briefly(&brief, &context(), &run("[1]"), &limits).unwrap();
    assert_eq!(output, Output::Json(json!([1])));
}

#[test]
fn a_memory_bomb_is_stopped_at_its_memory() {
    let bomb = step("(loop $l (drop (memory.grow (i32.const 64))) (br $l)) unreachable");
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let (limit, message) = limit_of(&sandbox(), &bomb, &limits);
    assert_eq!(limit, LimitName::MemoryBytes);
    assert!(message.contains("8388608"), "{message}");
}

#[test]
fn a_table_bomb_is_stopped_at_its_elements() {
    let bomb = step_with(
        "(table $t 1 funcref)",
        "(loop $l (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $l)) unreachable",
    );
    let (limit, _) = limit_of(&sandbox(), &bomb, &Limits::default());
    assert_eq!(limit, LimitName::TableElements);
}

#[test]
fn endless_recursion_is_stopped_at_the_stack() {
    let deep = step_with(
        "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))",
        "(call $deep (i32.const 1))",
    );
    let (limit, message) = limit_of(&sandbox(), &deep, &Limits::default());
    assert_eq!(limit, LimitName::StackBytes);
    assert!(message.contains("stack_bytes"), "{message}");
}

#[test]
fn an_answer_larger_than_allowed_is_not_taken() {
    // A text of 3 MiB, all zeros: what counts is that it is not copied.
    let large = step("(drop (memory.grow (i32.const 64))) (call $answer (i32.const 0x20000) (i32.const 0x300000))");
    let limits = Limits { output_bytes: 1 << 20, ..Limits::default() };
    let (limit, message) = limit_of(&sandbox(), &large, &limits);
    assert_eq!(limit, LimitName::OutputBytes);
    assert!(message.contains("1048576"), "{message}");
}

#[test]
fn an_input_larger_than_allowed_is_not_passed() {
    let sandbox = sandbox();
    let package = sandbox.load(&echo()).unwrap();
    let limits = Limits { input_bytes: 10, ..Limits::default() };
    let error = sandbox.call_pure(&package, &context(), &run("[1,2,3,4,5,6]"), &limits).unwrap_err();
    assert_eq!(error.limit(), Some(LimitName::InputBytes));
}

#[test]
fn fuel_stops_a_call_where_the_sandbox_counts_it() {
    let sandbox = Sandbox::new(SandboxConfig { fuel: true, ..SandboxConfig::default() }).unwrap();
    let limits = Limits { fuel: Some(10_000), ..Limits::default() };
    let (limit, _) = limit_of(&sandbox, &step("(loop $l (br $l)) unreachable"), &limits);
    assert_eq!(limit, LimitName::Fuel);
}

#[test]
fn faults_are_told_without_addresses() {
    let sandbox = sandbox();
    for (body, words) in [
        ("unreachable", "unreachable"),
        ("(drop (i32.load (i32.const -8))) unreachable", "out of bounds"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0))) unreachable", "divide by zero"),
        ("(call $answer (i32.const -16) (i32.const 8))", "out of bounds"),
    ] {
        let package = sandbox.load(&step(body)).unwrap();
        let error = sandbox.call_pure(&package, &context(), &run("1"), &Limits::default()).unwrap_err();
        assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(words), "{message}");
        assert!(!message.contains("0x") && !message.contains('\n'), "{message}");
    }
}

#[test]
fn nothing_of_one_call_is_seen_by_the_next() {
    // Answers 1 on its first call in a memory and 2 on the second.
    let counter = step(
        "(i32.store8 (i32.const 0x200) (i32.add (i32.load8_u (i32.const 0x200)) (i32.const 1)))
         (i32.store8 (i32.const 0x210) (i32.add (i32.load8_u (i32.const 0x200)) (i32.const 48)))
         (call $answer (i32.const 0x210) (i32.const 1))",
    );
    let sandbox = sandbox();
    let package = sandbox.load(&counter).unwrap();
    for _ in 0..200 {
        let output = sandbox.call_pure(&package, &context(), &run("1"), &Limits::default()).unwrap();
        assert_eq!(output, Output::Json(json!(1)));
    }
    let mut warm = sandbox.warm(&package).unwrap();
    for expected in 1..=5 {
        let output = warm.call(&context(), &run("1"), &Limits::default()).unwrap();
        assert_eq!(output, Output::Json(json!(expected)));
    }
    assert_eq!(warm.instances(), 1);
}

#[test]
fn a_warm_instance_is_replaced_after_a_fault() {
    // Loops on "1" and counts on anything longer.
    let guest = step(
        "(if (i32.eq (local.get $in_n) (i32.const 1)) (then (loop $l (br $l))))
         (i32.store8 (i32.const 0x200) (i32.add (i32.load8_u (i32.const 0x200)) (i32.const 1)))
         (i32.store8 (i32.const 0x210) (i32.add (i32.load8_u (i32.const 0x200)) (i32.const 48)))
         (call $answer (i32.const 0x210) (i32.const 1))",
    );
    let sandbox = sandbox();
    let package = sandbox.load(&guest).unwrap();
    let mut warm = sandbox.warm(&package).unwrap();
    let short = Limits { wall_ms: 30, ..Limits::default() };
    for expected in [1, 2] {
        let output = warm.call(&context(), &run("22"), &short).unwrap();
        assert_eq!(output, Output::Json(json!(expected)));
    }
    let error = warm.call(&context(), &run("1"), &short).unwrap_err();
    assert_eq!(error.limit(), Some(LimitName::WallMs));
    let output = warm.call(&context(), &run("22"), &short).unwrap();
    assert_eq!(output, Output::Json(json!(1)));
    assert_eq!(warm.instances(), 2);
}

#[test]
fn honest_calls_go_on_beside_a_greedy_one() {
    let sandbox = sandbox();
    let greedy = sandbox.load(&step("(loop $l (drop (memory.grow (i32.const 0))) (br $l)) unreachable")).unwrap();
    let honest = sandbox.load(&echo()).unwrap();
    let limits = Limits { wall_ms: 300, ..Limits::default() };
    std::thread::scope(|scope| {
        let bad: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| sandbox.call_pure(&greedy, &context(), &run("1"), &limits).unwrap_err()))
            .collect();
        let good: Vec<_> = (0..4)
            .map(|thread| {
                let (sandbox, honest) = (&sandbox, &honest);
                scope.spawn(move || {
                    for call in 0..500 {
                        let input = format!("[{thread},{call}]");
                        let output = sandbox.call_pure(honest, &context(), &run(&input), &Limits::default()).unwrap();
                        assert_eq!(output, Output::Json(json!([thread, call])));
                    }
                })
            })
            .collect();
        for thread in good {
            thread.join().unwrap();
        }
        for thread in bad {
            assert_eq!(thread.join().unwrap().limit(), Some(LimitName::WallMs));
        }
    });
}

#[test]
fn more_calls_than_slots_wait_their_turn() {
    let mut config = SandboxConfig::default();
    config.pool.instances = 2;
    let sandbox = Sandbox::new(config).unwrap();
    let package = sandbox.load(&echo()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..50 {
                    sandbox.call_pure(&package, &context(), &run("1"), &Limits::default()).unwrap();
                }
            });
        }
    });
}

#[test]
fn a_classifier_gives_the_same_bytes_on_every_call_and_thread() {
    // One verdict made by float arithmetic that yields a NaN on the way; its
    // bits go into the state, where any difference would show.
    let body = "(local $x f64)
         (local.set $x (f64.div (f64.const 0) (f64.const 0)))
         (local.set $x (f64.sqrt (f64.neg (local.get $x))))
         (f64.store (i32.const 0x300) (local.get $x))
         (f64.store (i32.const 0x308) (f64.div (f64.const 1) (f64.const 3)))
         ;; verdicts: one result::ok(verdict) at 0x400, 56 bytes
         (i32.store8 (i32.const 0x400) (i32.const 0))
         (i32.store8 (i32.const 0x408) (i32.const 1))
         (i32.store8 (i32.const 0x409) (i32.const 1))
         (f64.store (i32.const 0x410) (f64.div (f64.const 1) (f64.const 3)))
         (i32.store (i32.const 0x418) (i32.const 0)) (i32.store (i32.const 0x41c) (i32.const 0))
         (i32.store (i32.const 0x420) (i32.const 0x480)) (i32.store (i32.const 0x424) (i32.const 1))
         (i32.store (i32.const 0x428) (i32.const 0)) (i32.store (i32.const 0x42c) (i32.const 0))
         (call $pair (i32.const 0x480) @\"rumour\")
         ;; result::ok(outcome)
         (i32.store (i32.const 0x100) (i32.const 0))
         (i32.store (i32.const 0x104) (i32.const 0x400))
         (i32.store (i32.const 0x108) (i32.const 1))
         (i32.store (i32.const 0x10c) (i32.const 1))
         (i32.store (i32.const 0x110) (i32.const 0x300))
         (i32.store (i32.const 0x114) (i32.const 16))
         (i32.const 0x100)";
    let pair = "(func $pair (param i32 i32 i32)
        (i32.store (local.get 0) (local.get 1)) (i32.store offset=4 (local.get 0) (local.get 2)))";
    let guest = guest(Kind::Classifier, body).more(pair).package().unwrap();
    let sandbox = sandbox();
    let package = sandbox.load(&guest).unwrap();
    let input = json!({"items": [{"id": "1", "title": "某地发生火灾", "published": "2026-11-01T08:00:00Z"}]});
    let operation = Operation::from_json(Kind::Classifier, &json!({}), &input).unwrap();
    let call = || sandbox.call_pure(&package, &context(), &operation, &Limits::default()).unwrap();
    let Output::Outcome(first) = call() else { panic!() };
    let verdict = first.verdicts[0].as_ref().unwrap();
    assert_eq!(verdict.labels, ["rumour"]);
    assert_eq!(Output::Outcome(first.clone()).to_json()["verdicts"][0]["level"], json!("II"));
    let first = Arc::new(first);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (first, call) = (first.clone(), &call);
            scope.spawn(move || {
                for _ in 0..250 {
                    assert_eq!(call(), Output::Outcome((*first).clone()));
                }
            });
        }
    });
}

#[test]
fn an_operation_of_another_kind_is_refused() {
    let sandbox = sandbox();
    let package = sandbox.load(&echo()).unwrap();
    let operation = Operation::Render { config: "{}".into(), data: "{}".into() };
    let error = sandbox.call_pure(&package, &context(), &operation, &Limits::default()).unwrap_err();
    assert!(matches!(error, CallError::Misuse { .. }));
}
