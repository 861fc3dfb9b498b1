//! What a pure call costs: bare wasmtime with the same engine settings beside
//! our own call, fresh and warm.
//!
//! `cargo bench -p huiyin-sandbox`

#![allow(clippy::expect_used, missing_docs)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use huiyin_sandbox::{Kind, Limits, Operation, Sandbox, SandboxConfig};
use serde_json::json;
use support::{context, echo, guest};

fn classifier() -> Vec<u8> {
    // One verdict for each item, all at the same address.
    let body = "(local $at i32)
        (local.set $n (i32.load offset=72 (local.get $args)))
        (local.set $at (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.mul (local.get $n) (i32.const 48))))
        (memory.fill (local.get $at) (i32.const 0) (i32.mul (local.get $n) (i32.const 48)))
        (i32.store (i32.const 0x100) (i32.const 0))
        (i32.store (i32.const 0x104) (local.get $at))
        (i32.store (i32.const 0x108) (local.get $n))
        (i32.store (i32.const 0x10c) (i32.const 0))
        (i32.const 0x100)";
    guest(Kind::Classifier, body).package().expect("a guest")
}

fn calls(criterion: &mut Criterion) {
    let limits = Limits::default();
    let context = context();
    let run = Operation::Run {
        config: "{}".into(),
        input: json!({"title": "某地发生火灾", "n": [1, 2, 3]}).to_string(),
    };
    let item = json!({"id": "1", "title": "某地发生火灾，现场有人员被困", "body": "", "fields": {"reads": 1200}});
    let batch = |count: usize| {
        Operation::from_json(Kind::Classifier, &json!({}), &json!({"items": vec![item.clone(); count]}))
            .expect("a batch")
    };

    for fuel in [false, true] {
        let name = if fuel { "step with fuel" } else { "step" };
        let sandbox = Sandbox::new(SandboxConfig { fuel, ..SandboxConfig::default() }).expect("a sandbox");
        let package = sandbox.load(&echo()).expect("a package");
        let bare = sandbox.bare(&echo()).expect("a bare loop");
        let mut group = criterion.benchmark_group(name);
        group.bench_function("bare: fresh instance and call", |bench| {
            bench.iter(|| bare.run(black_box(&context), black_box(&run)).expect("an answer"));
        });
        group.bench_function("call_pure", |bench| {
            bench.iter(|| {
                sandbox.call_pure(&package, black_box(&context), black_box(&run), &limits).expect("an answer")
            });
        });
        let mut warm = sandbox.warm(&package).expect("an instance");
        group.bench_function("warm", |bench| {
            bench.iter(|| warm.call(black_box(&context), black_box(&run), &limits).expect("an answer"));
        });
        group.finish();
    }

    let sandbox = Sandbox::new(SandboxConfig::default()).expect("a sandbox");
    let package = sandbox.load(&classifier()).expect("a package");
    let mut group = criterion.benchmark_group("classify");
    for count in [1, 100] {
        let batch = batch(count);
        group.bench_function(format!("{count} items"), |bench| {
            bench.iter(|| {
                sandbox.call_pure(&package, black_box(&context), black_box(&batch), &limits).expect("verdicts")
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(std::time::Duration::from_secs(3)).warm_up_time(std::time::Duration::from_secs(1));
    targets = calls
}
criterion_main!(benches);
