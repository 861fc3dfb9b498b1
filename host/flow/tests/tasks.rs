//! Every task does what the DSL says, also after a crash at any fact.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, clippy::format_collect, clippy::float_cmp)] // tests may fail loudly

mod common;

use common::{Sim, define, error, output, path, run, run_with};
use huiyin_flow::{ErrorKind, Event, Fact, Outcome, Phase};
use serde_json::{Value, json};

#[test]
fn set_builds_values_from_expressions() {
    let def = define(
        json!({"do": [{"setShape": {"set": {"shape": "circle", "size": "${ .configuration.size }", "all": ["${ .configuration | keys }", 1]}}}]}),
    );
    let sim = run(&def, json!({"configuration": {"size": {"width": 6}, "fill": 1}}));
    assert_eq!(output(&sim), &json!({"shape": "circle", "size": {"width": 6}, "all": [["fill", "size"], 1]}));
}

#[test]
fn tasks_follow_each_other_and_then_jumps() {
    let def = define(json!({"do": [
        {"setRed": {"set": {"colors": "${ .colors + [ \"red\" ] }"}, "then": "setGreen"}},
        {"setBlue": {"set": {"colors": "${ .colors + [ \"blue\" ] }"}, "then": "end"}},
        {"setGreen": {"set": {"colors": "${ .colors + [ \"green\" ] }"}, "then": "setBlue"}}
    ]}));
    let sim = run(&def, json!({}));
    assert_eq!(output(&sim), &json!({"colors": ["red", "green", "blue"]}));
    assert_eq!(
        path(&sim).iter().map(|p| &**p).collect::<Vec<_>>(),
        ["/do/0/setRed", "/do/2/setGreen", "/do/1/setBlue"]
    );
}

#[test]
fn exit_leaves_the_list_and_end_the_run() {
    let def = define(json!({"do": [
        {"outer": {"do": [{"a": {"set": {"n": 1}, "then": "exit"}}, {"b": {"set": {"n": 2}}}]}},
        {"more": {"set": {"n": "${ .n + 10 }"}}},
        {"last": {"do": [{"c": {"set": {"n": "${ .n + 100 }"}, "then": "end"}}]}},
        {"never": {"set": {"n": 0}}}
    ]}));
    assert_eq!(output(&run(&def, json!({}))), &json!({"n": 111}));
}

#[test]
fn a_task_whose_if_does_not_hold_is_skipped() {
    let def = define(json!({"do": [
        {"a": {"if": ".n > 5", "set": {"n": 0}, "then": "end"}},
        {"b": {"set": {"n": "${ .n + 1 }"}}}
    ]}));
    assert_eq!(output(&run(&def, json!({"n": 3}))), &json!({"n": 4}));
    assert_eq!(output(&run(&def, json!({"n": 6}))), &json!({"n": 0}));
}

#[test]
fn data_flows_through_from_as_and_export() {
    let def = define(json!({
        "input": {"from": "{who: .user.name}"},
        "do": [
            {"a": {"input": {"from": ".who"}, "set": {"hello": "${ . }", "raw": "${ $task.input }"}, "output": {"as": {"greeting": "${ .hello }", "by": "${ $task.name }", "of": "${ $input }"}}, "export": {"as": "{last: $output.greeting}"}}},
            {"b": {"set": {"context": "${ $context }", "input": "${ $input.by }", "workflow": "${ $workflow.input.user.name }", "run": "${ $workflow.id }", "runtime": "${ $runtime.metadata.unit }"}}}
        ],
        "output": {"as": ". + {done: true}"}
    }));
    let sim = run(&def, json!({"user": {"name": "Li"}}));
    assert_eq!(
        output(&sim),
        &json!({"context": {"last": "Li"}, "input": "a", "workflow": "Li", "run": "r1", "runtime": "u1", "done": true})
    );
}

#[test]
fn descriptors_say_when_and_what() {
    let def = define(
        json!({"do": [{"a": {"set": {"at": "${ $task.startedAt.iso8601 }", "ms": "${ $workflow.startedAt.epoch.milliseconds }", "ref": "${ $task.reference }", "def": "${ $workflow.definition.document.name }", "own": "${ $task.definition | keys }"}}}]}),
    );
    let sim = run(&def, Value::Null);
    assert_eq!(
        output(&sim),
        &json!({"at": "2026-03-01T08:00:00Z", "ms": 1_772_352_000_000_i64, "ref": "/do/0/a", "def": "example", "own": ["set"]})
    );
}

#[test]
fn switch_takes_the_first_case_that_holds() {
    let def = define(json!({"do": [
        {"s": {"switch": [{"red": {"when": ".color == \"red\"", "then": "setRed"}}, {"other": {"when": ".color | test(\"^gr\")", "then": "exit"}}, {"rest": {"then": "setRest"}}]}},
        {"setRed": {"set": {"is": "red"}, "then": "end"}},
        {"setRest": {"set": {"is": "rest"}}}
    ]}));
    assert_eq!(output(&run(&def, json!({"color": "red"}))), &json!({"is": "red"}));
    assert_eq!(output(&run(&def, json!({"color": "green"}))), &json!({"color": "green"}));
    assert_eq!(output(&run(&def, json!({"color": "blue"}))), &json!({"is": "rest"}));
}

#[test]
fn a_switch_without_a_match_goes_where_then_says() {
    let def = define(json!({"do": [
        {"s": {"switch": [{"red": {"when": ".c == 1", "then": "a"}}], "then": "end"}},
        {"a": {"set": {"x": 1}}}
    ]}));
    assert_eq!(output(&run(&def, json!({"c": 2}))), &json!({"c": 2}));
}

#[test]
fn for_hands_the_output_of_each_round_to_the_next() {
    let def = define(json!({"do": [{"loop": {
        "for": {"each": "color", "in": ".colors"},
        "do": [{"mark": {"set": {"processed": "${ { colors: (.processed.colors + [ $color ]), indexes: (.processed.indexes + [ $index ])} }"}}}]
    }}]}));
    let sim = run(&def, json!({"colors": ["red", "green", "blue"]}));
    assert_eq!(output(&sim), &json!({"processed": {"colors": ["red", "green", "blue"], "indexes": [0, 1, 2]}}));
}

#[test]
fn for_ends_when_while_does_not_hold_and_does_nothing_for_nothing() {
    let def = define(json!({"do": [{"loop": {
        "for": {"in": ".list", "at": "i"},
        "while": "$item < 3",
        "do": [{"wait": {"wait": {"seconds": 1}}}, {"sum": {"set": {"sum": "${ .sum + $item }", "i": "${ $i }"}}}]
    }}]}));
    assert_eq!(output(&run(&def, json!({"list": [1, 2, 3, 4]}))), &json!({"sum": 3, "i": 1}));
    assert_eq!(output(&run(&def, json!({"list": []}))), &json!({"list": []}));
    assert_eq!(output(&run(&def, json!({"x": 1}))), &json!({"x": 1}));
    assert!(error(&run(&def, json!({"list": 5}))).is(ErrorKind::Expression));
}

#[test]
fn for_takes_a_list_as_written() {
    let def = define(
        json!({"do": [{"l": {"for": {"each": "c", "in": [{"n": "${ .x }"}, {"n": 2}]}, "do": [{"s": {"set": {"x": 0, "all": "${ .all + [$c.n] }"}}}]}}]}),
    );
    assert_eq!(output(&run(&def, json!({"x": 1}))), &json!({"x": 0, "all": [1, 2]}));
}

#[test]
fn catch_may_say_where_to_go_on() {
    let def = |catch: Value| {
        define(json!({"do": [
            {"t": {"try": [{"c": {"call": "broken:1.0.0@default"}}], "catch": catch, "then": "end"}},
            {"well": {"set": {"was": "well"}, "then": "end"}},
            {"bad": {"set": {"was": "bad", "got": "${ . }"}}}
        ]}))
    };
    let input = json!({"x": 1});
    let caught = json!({"was": "bad", "got": {"x": 1}});
    assert_eq!(output(&run(&def(json!({"then": "bad"})), input.clone())), &caught);
    let once = json!({"limit": {"attempt": {"count": 1}}});
    assert_eq!(output(&run(&def(json!({"then": "bad", "retry": once})), input.clone())), &caught);
    let handled = def(json!({"then": "bad", "do": [{"h": {"set": {"h": 1}}}]}));
    assert_eq!(output(&run(&handled, input.clone()))["got"], json!({"h": 1}));
    let mut sim = Sim::new(&handled);
    sim.mended = true;
    sim.start(input);
    sim.go();
    assert_eq!(output(&sim), &json!({"x": 1}), "without an error the task's own `then` counts");
}

#[test]
fn loops_nest_and_see_each_others_variables() {
    let def = define(json!({"do": [{"rows": {
        "for": {"each": "a", "in": ".as"},
        "do": [{"columns": {"for": {"each": "b", "in": "$workflow.input.bs", "at": "j"}, "do": [{"s": {"set": {"as": "${ .as }", "out": "${ .out + [$a + $b] }"}}}]}}]
    }}]}));
    let sim = run(&def, json!({"as": ["x", "y"], "bs": ["1", "2"]}));
    assert_eq!(output(&sim)["out"], json!(["x1", "x2", "y1", "y2"]));
}

#[test]
fn a_collection_is_journaled_once() {
    let items: Vec<Value> = (0..200).map(|i| json!(format!("item number {i}"))).collect();
    let def =
        define(json!({"do": [{"loop": {"for": {"in": ".items"}, "do": [{"s": {"set": {"last": "${ $item }"}}}]}}]}));
    let mut sim = Sim::new(&def);
    sim.start(json!({"items": items}));
    assert_eq!(output(&sim), &json!({"last": "item number 199"}));
    let text: usize = sim.facts.iter().map(|(_, f)| serde_json::to_string(f).unwrap().len()).sum();
    let once = serde_json::to_string(&items).unwrap().len();
    assert!(text < once * 3 + 200 * 200, "{text} bytes of facts for a collection of {once}");
}

#[test]
fn calls_carry_function_slot_and_input() {
    let def = define(json!({
        "use": {"functions": {"assess": {"call": "echo:1.0.0@default", "with": {"got": "${ .n }", "fixed": true}}, "plain": {"call": "echo:1.0.0@default"}}},
        "do": [
            {"a": {"call": "assess", "with": {"n": "${ .x }"}}},
            {"b": {"call": "plain", "with": {"was": "${ .got }"}, "output": {"as": ".was"}}},
            {"c": {"call": "echo:1.0.0@default"}},
            {"d": {"set": {"result": "${ . }"}}}
        ]
    }));
    let sim = run(&def, json!({"x": 5}));
    assert_eq!(output(&sim), &json!({"result": 5}));
    let entered: Vec<Value> = sim
        .facts
        .iter()
        .filter(|(_, f)| matches!(f, Fact::Entered { .. }))
        .map(|(_, f)| serde_json::to_value(f).unwrap()["what"].clone())
        .collect();
    assert_eq!(
        entered[0],
        json!({"k": "call", "function": {"name": "echo", "version": "1.0.0"}, "slot": "assess", "with": {"got": 5, "fixed": true}, "attempt": 1})
    );
    assert_eq!(entered[2].get("slot"), None);
    assert_eq!(def.functions().iter().map(|s| &*s.name).collect::<Vec<_>>(), ["assess", "plain"]);
}

#[test]
fn a_slots_schemas_are_kept() {
    let def = define(json!({
        "use": {"functions": {"f": {"call": "echo:1.0.0@default", "input": {"schema": {"document": {"required": ["n"]}}}, "output": {"schema": {"document": {"properties": {"n": {"type": "number"}}}}}}}},
        "do": [{"a": {"call": "f", "with": {"n": "${ .x }"}}}]
    }));
    assert_eq!(output(&run(&def, json!({"x": 1}))), &json!({"n": 1}));
    let sim = run(&def, json!({"x": "one"}));
    assert!(error(&sim).is(ErrorKind::Validation));
    assert_eq!(error(&sim).instance, "/do/0/a");
}

#[test]
fn a_failed_call_faults_the_run_with_its_place() {
    let def = define(json!({"do": [{"a": {"do": [{"b": {"call": "fail:1.0.0@default"}}]}}]}));
    let sim = run(&def, json!({}));
    assert_eq!((error(&sim).status, error(&sim).instance.as_str()), (503, "/do/0/a/do/0/b"));
}

#[test]
fn raise_gives_the_error_and_its_place() {
    let def = define(json!({
        "use": {"errors": {"late": {"type": "https://example.cn/errors/late", "status": 409, "title": "Late", "detail": "${ \"by \" + .by }"}}},
        "do": [{"r": {"raise": {"error": "late"}}}]
    }));
    let sim = run(&def, json!({"by": "an hour"}));
    assert_eq!(
        serde_json::to_value(error(&sim)).unwrap(),
        json!({"type": "https://example.cn/errors/late", "status": 409, "title": "Late", "detail": "by an hour", "instance": "/do/0/r"})
    );
}

#[test]
fn try_catches_what_its_filter_names_in_either_family() {
    let body = |kind: &str, status: u16| {
        json!({"do": [{"t": {
            "try": [{"get": {"call": "fail:1.0.0@default"}}],
            "catch": {"errors": {"with": {"type": kind, "status": status}}, "as": "err", "do": [{"h": {"set": {"error": "${ $err }", "had": "${ . }"}}}]}
        }}]})
    };
    for kind in [
        "https://serverlessworkflow.io/spec/1.0.0/errors/communication",
        "https://serverlessworkflow.io/dsl/errors/types/communication",
        "https://open-workflow-specification.org/spec/1.0.3/errors/communication",
    ] {
        let sim = run(&define(body(kind, 503)), json!({"x": 1}));
        assert_eq!(output(&sim)["error"]["instance"], "/do/0/t/try/0/get");
        assert_eq!(output(&sim)["had"], json!({"x": 1}));
    }
    assert_eq!(
        error(&run(&define(body("https://serverlessworkflow.io/spec/1.0.0/errors/communication", 404)), json!({})))
            .status,
        503
    );
    assert_eq!(error(&run(&define(body("https://example.cn/errors/communication", 503)), json!({}))).status, 503);
}

#[test]
fn when_and_except_when_decide_too() {
    let body = |clause: Value| {
        let mut catch = clause;
        catch["do"] = json!([{"h": {"set": {"caught": true}}}]);
        define(json!({"do": [{"t": {"try": [{"get": {"call": "fail:1.0.0@default"}}], "catch": catch}}]}))
    };
    assert_eq!(
        output(&run(&body(json!({"when": "$error.status == 503 and .ok"})), json!({"ok": true}))),
        &json!({"caught": true})
    );
    assert_eq!(error(&run(&body(json!({"when": "$error.status == 503 and .ok"})), json!({}))).status, 503);
    assert_eq!(error(&run(&body(json!({"exceptWhen": "$error.status >= 500"})), json!({}))).status, 503);
    // A clause that fails itself is the error then, and its own `try` does not catch it.
    assert!(error(&run(&body(json!({"when": ".ok | error(\"bad\")"})), json!({}))).is(ErrorKind::Expression));
}

#[test]
fn a_catch_without_handler_goes_on_with_the_input() {
    let def = define(
        json!({"do": [{"t": {"try": [{"s": {"set": {"y": 2}}}, {"get": {"call": "fail:1.0.0@default"}}], "catch": {}}}, {"n": {"set": {"x": "${ .x }"}}}]}),
    );
    assert_eq!(output(&run(&def, json!({"x": 1}))), &json!({"x": 1}));
}

#[test]
fn errors_in_a_handler_are_not_caught_by_its_own_try() {
    let def = define(json!({"do": [{"outer": {
        "try": [{"inner": {"try": [{"a": {"call": "fail:1.0.0@default"}}], "catch": {"do": [{"again": {"raise": {"error": {"type": "https://example.cn/e", "status": 418}}}}]}}}],
        "catch": {"as": "e", "do": [{"h": {"set": {"status": "${ $e.status }", "at": "${ $e.instance }"}}}]}
    }}]}));
    assert_eq!(
        output(&run(&def, json!({}))),
        &json!({"status": 418, "at": "/do/0/outer/try/0/inner/catch/do/0/again"})
    );
}

fn retried_at(sim: &Sim) -> Vec<i64> {
    let start = common::start_time();
    sim.facts
        .iter()
        .filter(|(_, f)| matches!(f, Fact::Retried { .. }))
        .map(|(at, _)| at.duration_since(start).as_secs())
        .collect()
}

#[test]
fn retries_wait_as_their_backoff_says() {
    let body = |backoff: &str| {
        define(json!({
            "use": {"retries": {"r": {"delay": {"seconds": 10}, "backoff": {backoff: {}}, "limit": {"attempt": {"count": 4}}}}},
            "do": [{"t": {"try": [{"get": {"call": "flaky:1.0.0@default", "with": {"good": 4}}}], "catch": {"retry": "r"}}}]
        }))
    };
    for (backoff, at) in [("constant", [10, 20, 30]), ("linear", [10, 30, 60]), ("exponential", [10, 30, 70])] {
        let sim = run(&body(backoff), json!({}));
        assert_eq!(output(&sim), &json!({"good": 4}));
        assert_eq!(retried_at(&sim), at, "{backoff}");
    }
}

#[test]
fn retries_end_at_their_limit_and_the_handler_takes_over() {
    let body = |limit: Value, handler: bool| {
        let mut catch = json!({"retry": {"delay": "PT1M", "limit": limit}});
        if handler {
            catch["do"] = json!([{"h": {"set": {"gave": "up"}}}]);
        }
        define(json!({"do": [{"t": {"try": [{"get": {"call": "fail:1.0.0@default"}}], "catch": catch}}]}))
    };
    let sim = run(&body(json!({"attempt": {"count": 2}}), true), json!({}));
    assert_eq!((output(&sim), retried_at(&sim)), (&json!({"gave": "up"}), vec![60, 120]));
    let sim = run(&body(json!({"attempt": {"count": 2}}), false), json!({}));
    assert_eq!((error(&sim).status, retried_at(&sim).len()), (503, 2));
    let sim = run(&body(json!({"duration": "PT3M30S"}), true), json!({}));
    assert_eq!(retried_at(&sim), [60, 120, 180]);
}

#[test]
fn retries_may_be_immediate_conditional_and_jittered() {
    let policy = |policy: Value| {
        define(
            json!({"do": [{"t": {"try": [{"get": {"call": "flaky:1.0.0@default", "with": {"good": 3}}}], "catch": {"retry": policy}}}]}),
        )
    };
    let sim = run(&policy(json!({"limit": {"attempt": {"count": 5}}})), json!({}));
    assert_eq!((output(&sim), retried_at(&sim)), (&json!({"good": 3}), vec![0, 0]));
    let sim = run(&policy(json!({"when": "$error.status == 404", "limit": {"attempt": {"count": 5}}})), json!({}));
    assert_eq!(error(&sim).status, 500);
    let sim = run(
        &policy(json!({"jitter": {"from": {"seconds": 5}, "to": {"seconds": 9}}, "limit": {"attempt": {"count": 5}}})),
        json!({}),
    );
    let at = retried_at(&sim);
    assert!((5..=9).contains(&at[0]) && (5..=10).contains(&(at[1] - at[0])), "{at:?}");
}

#[test]
fn an_error_raised_at_once_also_waits_for_its_retry() {
    let def = define(
        json!({"do": [{"t": {"try": [{"r": {"raise": {"error": {"type": "https://example.cn/e", "status": 418}}}}], "catch": {"retry": {"delay": "PT7S", "limit": {"attempt": {"count": 2}}}, "do": [{"h": {"set": {"gave": "up"}}}]}}}]}),
    );
    let sim = run(&def, json!({}));
    assert_eq!((output(&sim), retried_at(&sim)), (&json!({"gave": "up"}), vec![7, 14]));
}

#[test]
fn an_attempt_may_have_a_limit_of_its_own() {
    let def = define(
        json!({"do": [{"t": {"try": [{"n": {"call": "never:1.0.0@default"}}], "catch": {"retry": {"limit": {"attempt": {"count": 2, "duration": "PT5S"}}}, "do": [{"h": {"set": {"e": "${ $error.status }"}}}]}}}]}),
    );
    let sim = run(&def, json!({}));
    assert_eq!((output(&sim), retried_at(&sim)), (&json!({"e": 408}), vec![5, 10]));
}

#[test]
fn wait_takes_its_time() {
    let def = define(
        json!({"do": [{"w": {"wait": {"hours": 2, "minutes": 1}}}, {"x": {"wait": "PT30S"}}, {"y": {"wait": "${ .d }"}}, {"z": {"set": {"at": "${ $task.startedAt.iso8601 }"}}}]}),
    );
    assert_eq!(output(&run(&def, json!({"d": "P1D"}))), &json!({"at": "2026-03-02T10:01:30Z"}));
    assert!(error(&run(&def, json!({"d": "soon"}))).is(ErrorKind::Expression));
}

#[test]
fn emit_completes_the_event_and_gives_it_as_output() {
    let def = define(
        json!({"do": [{"e": {"emit": {"event": {"with": {"source": "https://example.cn", "type": "cn.example.greeted.v1", "data": {"hello": "${ .name }"}}}}}}, {"f": {"emit": {"event": {"with": {"id": "own", "source": "/s", "type": "t", "subject": "${ .id }"}}}}}]}),
    );
    let sim = run(&def, json!({"name": "Wang"}));
    assert_eq!(
        sim.published,
        [
            json!({"specversion": "1.0", "id": "r1/0", "time": "2026-03-01T08:00:00Z", "datacontenttype": "application/json", "source": "https://example.cn", "type": "cn.example.greeted.v1", "data": {"hello": "Wang"}}),
            json!({"specversion": "1.0", "id": "own", "time": "2026-03-01T08:00:00Z", "source": "/s", "type": "t", "subject": "r1/0"})
        ]
    );
    assert_eq!(output(&sim), &sim.published[1]);
}

fn event(kind: &str, subject: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "id": "1", "source": "/s", "type": kind, "subject": subject, "data": data})
}

#[test]
fn listen_to_one_tests_literals_and_expressions() {
    let def = define(
        json!({"do": [{"l": {"listen": {"to": {"one": {"with": {"type": "measured", "subject": "${ $input.who }", "data": "${ .temperature > 38 }"}}}}}}]}),
    );
    let sim = run_with(&def, json!({"who": "p1"}), vec![event("measured", "p1", json!({"temperature": 40}))]);
    assert_eq!(output(&sim), &json!([{"temperature": 40}]));
    // Others, and ones the filter cannot make sense of, are not consumed.
    let mut sim = Sim::new(&def);
    sim.start(json!({"who": "p1"}));
    for noise in [
        event("other", "p1", json!({"temperature": 40})),
        event("measured", "p2", json!({"temperature": 40})),
        event("measured", "p1", json!({"temperature": 37})),
        event("measured", "p1", json!([1])),
        json!({}),
        json!(7),
    ] {
        assert_eq!(sim.give(Event::Event { event: noise }).facts, []);
    }
}

#[test]
fn listen_to_any_and_to_all() {
    let filters = json!([{"with": {"type": "a"}}, {"with": {"type": "b"}}]);
    let def = define(
        json!({"do": [{"l": {"listen": {"to": {"any": filters}, "read": "envelope"}, "output": {"as": ".[0].type"}}}]}),
    );
    assert_eq!(output(&run_with(&def, json!({}), vec![event("b", "", json!(1))])), &json!("b"));
    let def = define(json!({"do": [{"l": {"listen": {"to": {"all": filters}}}}]}));
    let sim = run_with(&def, json!({}), vec![event("b", "", json!(1)), event("a", "", json!(2))]);
    assert_eq!(output(&sim), &json!([1, 2]));
    let mut sim = Sim::new(&def);
    sim.start(json!({}));
    sim.give(Event::Event { event: event("b", "", json!(1)) });
    assert_eq!(sim.give(Event::Event { event: event("b", "", json!(1)) }).facts, [], "each filter takes one event");
    assert_eq!(sim.state.phase(), Phase::Running);
}

#[test]
fn fork_joins_all_branches_in_order() {
    let def = define(json!({"do": [{"f": {"fork": {"branches": [
        {"slow": {"do": [{"w": {"wait": {"seconds": 9}}}, {"s": {"set": {"a": "${ .x }"}}}]}},
        {"called": {"call": "echo:1.0.0@default", "with": {"b": "${ .x }"}}},
        {"quick": {"set": {"c": "${ .x }"}, "then": "exit"}}
    ]}}}]}));
    assert_eq!(output(&run(&def, json!({"x": 1}))), &json!([{"a": 1}, {"b": 1}, {"c": 1}]));
}

#[test]
fn fork_compete_takes_the_first_and_cancels_the_rest() {
    let def = define(json!({"do": [{"f": {"fork": {"compete": true, "branches": [
        {"never": {"call": "never:1.0.0@default"}},
        {"slow": {"do": [{"w": {"wait": {"seconds": 9}}}]}},
        {"quick": {"do": [{"w": {"wait": {"seconds": 2}}}, {"s": {"set": {"won": true}}}]}},
        {"listens": {"listen": {"to": {"any": []}}}}
    ]}}}]}));
    let sim = run(&def, json!({}));
    assert_eq!(output(&sim), &json!({"won": true}));
    assert_eq!(sim.now.duration_since(common::start_time()).as_secs(), 2);
}

#[test]
fn an_error_in_a_branch_fails_the_fork_and_cancels_its_siblings() {
    let def = define(json!({"do": [{"t": {
        "try": [{"f": {"fork": {"branches": [{"never": {"call": "never:1.0.0@default"}}, {"w": {"wait": {"hours": 1}}}, {"bad": {"call": "fail:1.0.0@default"}}]}}}],
        "catch": {"do": [{"h": {"set": {"at": "${ $error.instance }"}}}]}
    }}]}));
    assert_eq!(output(&run(&def, json!({}))), &json!({"at": "/do/0/t/try/0/f/fork/branches/2/bad"}));
}

#[test]
fn a_fork_of_a_thousand_branches() {
    let branches: Vec<Value> =
        (0..1000).map(|i| json!({format!("b{i}"): {"call": "echo:1.0.0@default", "with": {"n": i}}})).collect();
    let def = define(json!({"do": [{"f": {"fork": {"branches": branches}, "output": {"as": "map(.n) | add"}}}]}));
    let env = huiyin_flow::Env::new(common::start_time(), 0, &common::Jq);
    let mut state = huiyin_flow::RunState::new();
    let turn = huiyin_flow::advance(
        &def,
        &mut state,
        Event::Start { run_id: "r".into(), input: json!({}), context: Value::Null },
        &env,
    );
    let calls: Vec<_> = turn
        .commands
        .iter()
        .filter_map(|c| {
            if let huiyin_flow::Command::Call { call, with, .. } = c { Some((*call, (**with).clone())) } else { None }
        })
        .collect();
    assert_eq!(calls.len(), 1000);
    for (call, value) in calls {
        huiyin_flow::advance(&def, &mut state, Event::Result { call, outcome: Ok(value) }, &env);
    }
    assert_eq!(state.outcome(), Some(&Outcome::Completed(json!(499_500).into())));
}

#[test]
fn a_task_has_only_as_long_as_its_timeout() {
    let def = define(json!({
        "use": {"timeouts": {"short": {"after": {"seconds": 3}}}},
        "do": [{"t": {"try": [{"n": {"call": "never:1.0.0@default", "timeout": "short"}}], "catch": {"errors": {"with": {"type": "https://serverlessworkflow.io/spec/1.0.0/errors/timeout"}}, "do": [{"h": {"set": {"e": "${ $error }"}}}]}}}]
    }));
    let sim = run(&def, json!({}));
    assert_eq!(
        (output(&sim)["e"]["status"].clone(), output(&sim)["e"]["instance"].clone()),
        (json!(408), json!("/do/0/t/try/0/n"))
    );
    let quick = define(json!({"do": [{"w": {"wait": {"seconds": 1}, "timeout": {"after": "PT5S"}}}]}));
    assert_eq!(output(&run(&quick, json!({"x": 1}))), &json!({"x": 1}));
}

#[test]
fn a_composite_timeout_ends_everything_within() {
    let def = define(
        json!({"do": [{"t": {"try": [{"d": {"timeout": {"after": "${ .limit }"}, "do": [{"f": {"fork": {"branches": [{"a": {"call": "never:1.0.0@default"}}, {"b": {"wait": {"days": 1}}}]}}}]}}], "catch": {"do": [{"h": {"set": {"at": "${ $error.instance }"}}}]}}}]}),
    );
    assert_eq!(output(&run(&def, json!({"limit": "PT1M"}))), &json!({"at": "/do/0/t/try/0/d"}));
}

#[test]
fn the_workflow_has_only_as_long_as_its_timeout_and_nothing_catches_it() {
    let def = define(
        json!({"timeout": {"after": {"minutes": 1}}, "do": [{"t": {"try": [{"n": {"call": "never:1.0.0@default"}}], "catch": {}}}]}),
    );
    let sim = run(&def, json!({}));
    assert_eq!((error(&sim).status, error(&sim).instance.as_str()), (408, "/timeout"));
}

#[test]
fn schemas_are_checked_before_and_after() {
    let number = json!({"document": {"type": "object", "required": ["n"], "properties": {"n": {"type": "number"}}}});
    let def = define(json!({"input": {"schema": number}, "do": [{"a": {"set": {"m": 1}}}]}));
    let sim = run(&def, json!({"n": "secret text"}));
    assert!(error(&sim).is(ErrorKind::Validation) && error(&sim).instance == "/input", "{:?}", error(&sim));
    assert!(!error(&sim).to_string().contains("secret text"), "values are not quoted");
    for task in [
        json!({"input": {"schema": number}, "set": {"n": 1}}),
        json!({"output": {"schema": number}, "set": {"n": "x"}}),
        json!({"set": {"n": 1}, "export": {"schema": number, "as": "{n: \"x\"}"}}),
    ] {
        let def = define(json!({"do": [{"a": task}]}));
        let sim = run(&def, json!({}));
        assert!(error(&sim).is(ErrorKind::Validation) && error(&sim).instance == "/do/0/a", "{:?}", error(&sim));
    }
    let def = define(json!({"output": {"schema": number}, "do": [{"a": {"set": {"m": 1}}}]}));
    assert_eq!(error(&run(&def, json!({}))).instance, "/output");
}

#[test]
fn a_failing_expression_is_an_expression_error_of_its_task() {
    let def = define(json!({"do": [{"a": {"set": {"n": "${ .x + 1 }"}}}]}));
    let sim = run(&def, json!({"x": {}}));
    assert!(error(&sim).is(ErrorKind::Expression));
    assert_eq!(error(&sim).instance, "/do/0/a");
}

#[test]
fn loose_mode_evaluates_what_it_can() {
    let def = define(
        json!({"evaluate": {"mode": "loose"}, "do": [{"a": {"set": {"n": ".x", "text": "hello there", "bad": ".x.y.z", "sum": ".x + 1"}}}]}),
    );
    assert_eq!(output(&run(&def, json!({"x": 4}))), &json!({"n": 4, "text": "hello there", "bad": ".x.y.z", "sum": 5}));
}

#[test]
fn secrets_are_placeholders() {
    let def = define(
        json!({"use": {"secrets": ["token"]}, "do": [{"a": {"set": {"header": "${ \"Bearer \" + $secrets.token }"}}}]}),
    );
    assert_eq!(output(&run(&def, json!({}))), &json!({"header": "Bearer {{huiyin:secret:token}}"}));
    assert_eq!(def.secrets(), ["token"]);
}

#[test]
fn cancelling_withdraws_everything() {
    let def = define(
        json!({"timeout": {"after": {"days": 9}}, "do": [{"f": {"fork": {"branches": [{"a": {"call": "never:1.0.0@default"}}, {"b": {"wait": {"days": 1}}}, {"c": {"listen": {"to": {"any": []}}}}]}}}]}),
    );
    let mut sim = Sim::new(&def);
    sim.start(json!({}));
    assert_eq!((sim.calls.len(), sim.timers.len(), sim.subscribed), (1, 2, 1));
    sim.give(Event::Cancel { reason: "no longer needed".into() });
    assert_eq!(sim.finished, Some(Outcome::Cancelled("no longer needed".into())));
    assert_eq!((sim.calls.len(), sim.timers.len(), sim.subscribed), (0, 0, 0));
    assert_eq!(sim.give(Event::Resume).facts, []);
}

#[test]
fn a_suspended_run_keeps_what_comes_and_goes_on_with_it() {
    let def = define(
        json!({"do": [{"f": {"fork": {"branches": [{"a": {"call": "never:1.0.0@default"}}, {"b": {"wait": {"seconds": 1}}}, {"c": {"listen": {"to": {"any": []}}}}]}}}]}),
    );
    let mut sim = Sim::new(&def);
    sim.start(json!({"x": 1}));
    sim.give(Event::Suspend);
    assert_eq!(sim.state.phase(), Phase::Suspended);
    let (timer, _) = sim.timers.pop_first().unwrap();
    let huiyin_flow::Command::Call { call, .. } = sim.calls.pop_front().unwrap() else { unreachable!() };
    let result = Event::Result { call, outcome: Ok(json!("done")) };
    assert_eq!(sim.give(result.clone()).facts.len(), 1);
    assert_eq!(sim.give(result).facts, [], "the same again is nothing new");
    sim.give(Event::Timer { timer });
    sim.give(Event::Event { event: event("e", "", json!(3)) });
    assert_eq!(sim.state.phase(), Phase::Suspended);
    sim.give(Event::Resume);
    assert_eq!(output(&sim), &json!(["done", {"x": 1}, [3]]));
}

#[test]
fn an_endless_loop_yields() {
    let def = define(json!({"do": [{"a": {"set": {"n": "${ .n + 1 }"}, "then": "a"}}]}));
    let mut sim = Sim::new(&def);
    sim.max_steps = 10;
    sim.start(json!({"n": 0}));
    assert!(sim.state.runnable());
    let turn = sim.give(Event::Continue);
    assert!(turn.more && turn.facts.len() == 10);
    sim.give(Event::Cancel { reason: "enough".into() });
    assert!(!sim.state.runnable());
}

#[test]
fn a_small_budget_changes_nothing_but_the_number_of_turns() {
    let def = define(
        json!({"do": [{"loop": {"for": {"in": ".l"}, "do": [{"c": {"call": "echo:1.0.0@default", "with": {"n": "${ .n + $item }"}}}]}}]}),
    );
    let mut results = Vec::new();
    for max_steps in [1, 2, 3, 10_000] {
        let mut sim = Sim::new(&def);
        sim.max_steps = max_steps;
        sim.start(json!({"l": [1, 2, 3]}));
        sim.go();
        results.push((output(&sim).clone(), sim.facts.into_iter().map(|(_, f)| f).collect::<Vec<_>>()));
    }
    assert!(results.windows(2).all(|w| w[0] == w[1]));
    assert_eq!(results[0].0, json!({"n": 6}));
}

#[test]
fn what_nobody_waits_for_is_ignored() {
    let def = define(json!({"do": [{"a": {"wait": {"seconds": 1}}}]}));
    let mut sim = Sim::new(&def);
    assert_eq!(sim.give(Event::Continue).facts, []);
    sim.start(json!({}));
    for event in [
        Event::Start { run_id: "r2".into(), input: json!({}), context: json!({}) },
        Event::Result { call: huiyin_flow::CallId(1), outcome: Ok(json!(1)) },
        Event::Result { call: huiyin_flow::CallId(99), outcome: Ok(json!(1)) },
        Event::Timer { timer: huiyin_flow::TimerId(99) },
        Event::Event { event: json!({"type": "x"}) },
        Event::Resume,
        Event::Continue,
    ] {
        assert_eq!(sim.give(event).facts, []);
    }
    assert!(matches!(sim.go(), Some(Outcome::Completed(_))));
}
