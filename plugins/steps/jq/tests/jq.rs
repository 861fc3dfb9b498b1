//! What the evaluator promises: first output, no world, same answer always.

use huiyin_plugin_jq::{compile, evaluate, run};
use serde_json::{Value, json};

fn eval(program: &str, input: &Value) -> Result<Value, String> {
    evaluate(program, input, &[]).map_err(|e| e.0)
}

#[test]
fn only_the_first_output_counts_and_none_is_null() {
    assert_eq!(eval(".[]", &json!([7, 8])), Ok(json!(7)));
    assert_eq!(eval("empty", &json!(1)), Ok(Value::Null));
}

#[test]
fn null_has_no_fields_but_is_no_error() {
    assert_eq!(eval(".x.y", &Value::Null), Ok(Value::Null));
    assert_eq!(eval(".colors + [\"red\"]", &json!({})), Ok(json!(["red"])));
}

#[test]
fn values_survive_the_way_through() {
    let value = json!({"中": ["文", 1, -2, 1.5, 9_007_199_254_740_993_i64, u64::MAX, true, null], "b": {"a": 1}});
    assert_eq!(eval(".", &value), Ok(value));
}

#[test]
fn variables_are_bound_by_name() {
    let (a, b) = (json!(2), json!({"n": 3}));
    assert_eq!(evaluate("$a + $b.n + .", &json!(1), &[("a", &a), ("b", &b)]).unwrap(), json!(6));
}

#[test]
fn an_unknown_variable_is_named_at_compile_time() {
    let error = compile("$nope", &["a"]).unwrap_err();
    assert_eq!(error.0, "variable `$nope` is not defined here");
}

#[test]
fn the_world_is_out_of_reach() {
    for program in [
        "now",
        "env",
        "$ENV",
        "input",
        "[inputs]",
        "debug",
        "stderr",
        "input_filename",
        "halt",
        "halt_error",
        "localtime",
        "0 | strflocaltime(\"%Y\")",
    ] {
        let error = compile(program, &[]).unwrap_err();
        assert!(error.0.contains("not "), "{program}: {error}");
    }
    assert_eq!(
        compile("now", &[]).unwrap_err().0,
        "`now` is not available: an expression sees its input and variables only"
    );
    assert!(compile("import \"a\" as a; .", &[]).is_err());
}

#[test]
fn dates_without_a_clock_are_there() {
    assert_eq!(eval("fromdateiso8601", &json!("2026-01-02T03:04:05Z")), Ok(json!(1_767_323_045)));
}

#[test]
fn syntax_errors_have_a_place() {
    let error = compile(".a +", &[]).unwrap_err();
    assert!(error.0.contains("at the end"), "{error}");
}

#[test]
fn run_time_errors_are_messages() {
    let error = eval(".a", &json!([1])).unwrap_err();
    assert!(error.contains("Cannot index array"), "{error}");
    assert!(eval("error(\"no\")", &Value::Null).unwrap_err().contains("no"));
}

#[test]
fn hostile_programs_are_refused_not_crashed() {
    for program in
        ["(".repeat(100_000), "[".repeat(4000), "-".repeat(60_000), "if ".repeat(10_000), ".".repeat(100_000)]
    {
        assert!(compile(&program, &[]).is_err());
    }
}

#[test]
fn the_contract_in_json() {
    let config = r#"{"program": ".n + $k", "vars": ["k"]}"#;
    assert_eq!(run(config, r#"{"input": {"n": 1}, "vars": {"k": 2}}"#), Ok(r#"{"ok":3}"#.to_owned()));
    assert_eq!(run(config, r#"{"compile": true}"#), Ok(r#"{"ok":null}"#.to_owned()));
    assert!(run(config, r#"{"input": {"n": []}, "vars": {"k": 2}}"#).unwrap().starts_with(r#"{"error":"#));
    assert!(run(r#"{"programm": "."}"#, "{}").unwrap_err().0);
    assert!(!run(config, "{").unwrap_err().0);
}
