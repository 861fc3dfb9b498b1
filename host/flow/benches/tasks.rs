//! What one task costs the interpreter, facts and state included, journal and
//! plugins excluded. `cargo bench -p huiyin-flow`; numbers are per run, so
//! divide by the tasks in the name.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use huiyin_flow::{
    Catalog, Command, Definition, Env, Evaluator, Event, ExprError, FunctionInfo, FunctionKind, RunState, advance,
    apply,
};
use jiff::Timestamp;
use serde_json::{Value, json};

struct Jq;

impl Evaluator for Jq {
    fn compile(&self, program: &str, vars: &[&str]) -> Result<(), ExprError> {
        huiyin_plugin_jq::compile(program, vars).map_err(|e| ExprError::new(e.0))
    }

    fn eval(&self, program: &str, input: &Value, vars: &[(&str, &Value)]) -> Result<Value, ExprError> {
        huiyin_plugin_jq::evaluate(program, input, vars).map_err(|e| ExprError::new(e.0))
    }
}

struct Shelf;

impl Catalog for Shelf {
    fn resolve(&self, _: &str, _: Option<&str>) -> Option<FunctionInfo> {
        Some(FunctionInfo {
            kind: FunctionKind::Plugin { kind: "step".into() },
            input_schema: None,
            output_schema: None,
        })
    }
}

fn define(tasks: &[Value]) -> Definition {
    let doc =
        json!({"document": {"dsl": "1.0.3", "namespace": "bench", "name": "bench", "version": "1.0.0"}, "do": tasks});
    match Definition::parse(&doc.to_string(), "bench.json", &Shelf, &Jq) {
        Ok(def) => def,
        Err(list) => {
            eprintln!("{list:?}");
            std::process::exit(1);
        }
    }
}

/// Runs to the end, answering each call with its own input.
fn run(def: &Definition, input: &Value) -> RunState {
    let env = Env::new(Timestamp::UNIX_EPOCH, 0, &Jq);
    let mut state = RunState::new();
    let mut turn =
        advance(def, &mut state, Event::Start { run_id: "r".into(), input: input.clone(), context: Value::Null }, &env);
    loop {
        let call = turn.commands.iter().find_map(|c| {
            if let Command::Call { call, with, .. } = c { Some((*call, (**with).clone())) } else { None }
        });
        let event = match call {
            Some((call, value)) => Event::Result { call, outcome: Ok(value) },
            None if turn.more => Event::Continue,
            None => return state,
        };
        turn = advance(def, &mut state, event, &env);
    }
}

fn tasks(n: usize, body: &Value) -> Vec<Value> {
    (0..n).map(|i| json!({format!("t{i}"): body})).collect()
}

fn benches(c: &mut Criterion) {
    let input = json!({"n": 1, "name": "one", "list": (0..1000).collect::<Vec<_>>()});
    let small = json!({"n": 1, "name": "one"});
    let set = define(&tasks(40, &json!({"set": {"n": "${ .n + 1 }", "name": "${ .name }"}})));
    c.bench_function("40 set, native", |b| b.iter(|| black_box(run(&set, &small))));
    let jq = define(&tasks(40, &json!({"set": {"n": "${ .n + 1 | . * 1 }", "name": "${ .name | ascii_downcase }"}})));
    c.bench_function("40 set, jq", |b| b.iter(|| black_box(run(&jq, &small))));
    let call = define(&tasks(40, &json!({"call": "echo:1.0.0@default", "with": {"n": "${ .n }"}})));
    c.bench_function("40 call", |b| b.iter(|| black_box(run(&call, &small))));
    let thousand = define(&tasks(1000, &json!({"set": {"n": "${ .n + 1 }"}})));
    c.bench_function("1000 set, native", |b| b.iter(|| black_box(run(&thousand, &small))));
    let each = define(&[
        json!({"l": {"for": {"in": ".list"}, "do": [{"s": {"set": {"list": [], "sum": "${ .sum + $item }"}}}]}}),
    ]);
    c.bench_function("for over 1000", |b| b.iter(|| black_box(run(&each, &input))));
    let branches = tasks(1000, &json!({"set": {"n": "${ .n }"}}));
    let fork = define(&[json!({"f": {"fork": {"branches": branches}}})]);
    c.bench_function("fork of 1000", |b| b.iter(|| black_box(run(&fork, &small))));

    let env = Env::new(Timestamp::UNIX_EPOCH, 0, &Jq);
    let facts = advance(
        &set,
        &mut RunState::new(),
        Event::Start { run_id: "r".into(), input: small.clone(), context: Value::Null },
        &env,
    )
    .facts;
    c.bench_function("40 set, replay of facts", |b| {
        b.iter(|| {
            let mut state = RunState::new();
            for fact in &facts {
                let _ = black_box(apply(&mut state, fact));
            }
            state
        });
    });
    c.bench_function("40 set, facts to JSON", |b| b.iter(|| black_box(serde_json::to_vec(&facts))));
}

criterion_group!(all, benches);
criterion_main!(all);
