//! The native part of expressions agrees with jq wherever it answers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, clippy::format_collect, clippy::float_cmp)] // tests may fail loudly

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Jq, Shelf, workflow};
use huiyin_flow::{Definition, Env, Evaluator, Event, ExprError, Outcome, RunState, advance};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// jq, counting how often it is asked.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Evaluator for Counting {
    fn compile(&self, program: &str, vars: &[&str]) -> Result<(), ExprError> {
        Jq.compile(program, vars)
    }

    fn eval(&self, program: &str, input: &Value, vars: &[(&str, &Value)]) -> Result<Value, ExprError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Jq.eval(program, input, vars)
    }
}

/// The value of an expression in a run, or None for an error; and whether jq was asked.
fn in_run(program: &str, input: &Value) -> Option<(Option<Value>, bool)> {
    let evaluator = Counting::default();
    let doc = workflow(json!({"do": [{"a": {"set": format!("${{ {program} }}")}}]}));
    let def = Definition::parse(&doc.to_string(), "w.json", &Shelf, &evaluator).ok()?;
    let mut state = RunState::new();
    let env = Env::new(common::start_time(), 0, &evaluator);
    advance(&def, &mut state, Event::Start { run_id: "r".into(), input: input.clone(), context: Value::Null }, &env);
    let value = match state.outcome() {
        Some(Outcome::Completed(value)) => Some((**value).clone()),
        _ => None,
    };
    Some((value, evaluator.0.load(Ordering::Relaxed) > 0))
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..4).prop_map(Value::from),
        prop_oneof![Just(1.0), Just(0.5), Just(-2.0), Just(1e20)].prop_map(Value::from),
        Just(json!(i64::MAX)),
        Just(json!(9_007_199_254_740_993_i64)),
        prop_oneof![Just(""), Just("a"), Just("b"), Just("中"), Just("é")].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((prop_oneof![Just("a"), Just("b"), Just("c d")], inner), 0..3).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>())
            }),
        ]
    })
}

fn program() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("."),
        Just(".a"),
        Just(".b"),
        Just(".a.b"),
        Just(".a[0]"),
        Just(".[0]"),
        Just(".[-1]"),
        Just(".[\"c d\"]"),
        Just(".\"c d\""),
        Just("$input"),
        Just("$input.a"),
        Just("$context.x"),
        Just("$workflow.id"),
        Just("1"),
        Just("0.5"),
        Just("2.0"),
        Just("\"a\""),
        Just("\"\\n\""),
        Just("null"),
        Just("true"),
        Just("false"),
        Just("[]"),
        Just("{}"),
        Just("not"),
        Just("length"),
        Just(".a?"),
        Just("-1"),
        Just(".[]"),
        Just("10"),
        Just("\"火灾\""),
        Just(".a[0.5]"),
        Just(".[0:1]"),
        Just("(.a, .b)"),
        Just("tostring"),
        Just("9007199254740993"),
    ]
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 16, 2, |inner| {
        let two = (
            inner.clone(),
            prop_oneof![
                Just("=="),
                Just("!="),
                Just("<"),
                Just("<="),
                Just(">"),
                Just(">="),
                Just("and"),
                Just("or"),
                Just("+"),
                Just("|"),
                Just("-"),
                Just("*"),
                Just("/"),
                Just("%"),
                Just("="),
                Just("//"),
                Just(",")
            ],
            inner.clone(),
        );
        prop_oneof![
            4 => two.prop_map(|(l, op, r)| format!("{l} {op} {r}")),
            1 => inner.clone().prop_map(|p| format!("({p})")),
            1 => inner.clone().prop_map(|p| format!("[{p}]")),
            1 => inner.clone().prop_map(|p| format!("{{a: {p}, \"b\": 1}}")),
            1 => inner.prop_map(|p| format!("({p}).a")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn native_and_jq_agree(program in program(), input in value()) {
        let vars = [("context", json!({})), ("input", input.clone()), ("workflow", json!({"id": "r"}))];
        let vars: Vec<(&str, &Value)> = vars.iter().map(|(n, v)| (*n, v)).collect();
        let by_jq = Jq.eval(&program, &input, &vars).ok();
        if let Some((here, asked)) = in_run(&program, &input)
            && !asked
        {
            prop_assert_eq!(here, by_jq, "{} on {}", program, input);
        }
    }
}

#[test]
fn the_plain_ones_do_not_ask_jq() {
    let input = json!({"a": {"b": [1, "x"]}, "n": 2});
    for (program, value) in [
        (".a.b[0]", json!(1)),
        (".a[\"b\"][1]", json!("x")),
        ("$input.n == 2 and .a.b[0] < .n", json!(true)),
        (".missing.thing", Value::Null),
        (".n + 1", json!(3)),
        ("{m: .n, l: [.a.b[1]]}", json!({"m": 2, "l": ["x"]})),
        (".n | not", json!(false)),
        ("$workflow.id + \"!\"", json!("r!")),
    ] {
        assert_eq!(in_run(program, &input), Some((Some(value), false)), "{program}");
    }
    // Where it cannot be sure, jq has the word.
    assert_eq!(in_run(".n + \"x\"", &input), Some((None, true)));
    assert_eq!(in_run(".a.b | length", &input), Some((Some(json!(2)), true)));
}

#[test]
fn fractions_that_come_out_whole_are_what_jq_says() {
    for program in ["2.0 + 10", "0.5 + 0.5", "2.0 + -1", "0.5 + 2.0", ". + 0.5"] {
        let by_jq = Jq.eval(program, &json!(1.5), &[]).ok();
        let (here, _) = in_run(program, &json!(1.5)).expect("it is taken");
        assert_eq!(here, by_jq, "{program}");
    }
}
