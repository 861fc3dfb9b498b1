//! Events that come in, one by one; and those that tell of a run's life.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, clippy::format_collect, clippy::float_cmp)] // tests may fail loudly

mod common;

use common::{Sim, define, error, output, run, run_with};
use huiyin_flow::{Event, Read, Schedule, lifecycle};
use serde_json::{Map, Value, json};

fn event(kind: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "id": "1", "source": "/s", "type": kind, "data": data})
}

fn room(kind: &str, room: Value, data: Value) -> Value {
    let mut event = event(kind, data);
    event["roomid"] = room;
    event
}

fn events(list: &[i64]) -> Vec<Value> {
    list.iter().map(|n| event("e", json!(n))).collect()
}

#[test]
fn until_a_condition_holds() {
    let def = define(json!({"do": [{"l": {"listen": {"to": {"any": [], "until": "(. | length) > 2"}}}}]}));
    let sim = run_with(&def, json!({}), events(&[1, 2, 3, 4]));
    assert_eq!((output(&sim), sim.delivered), (&json!([1, 2, 3]), 3));
    let def = define(
        json!({"do": [{"l": {"listen": {"to": {"any": [{"with": {"type": "e"}}], "until": ".[-1] > $input.limit"}, "read": "envelope"}, "output": {"as": "map(.data)"}}}]}),
    );
    let def_ = define(
        json!({"do": [{"l": {"listen": {"to": {"any": [{"with": {"type": "e"}}], "until": "${ .[-1] > $input.limit }"}}}}]}),
    );
    assert_eq!(output(&run_with(&def_, json!({"limit": 4}), events(&[4, 1, 5]))), &json!([4, 1, 5]));
    // An object is greater than a number, in jq.
    assert_eq!(output(&run_with(&def, json!({"limit": 4}), events(&[4, 1]))), &json!([4]));
}

#[test]
fn until_events_that_are_no_part_of_the_output() {
    let def = define(
        json!({"do": [{"l": {"listen": {"to": {"any": [{"with": {"type": "e"}}, {"with": {"type": "out"}}], "until": {"one": {"with": {"type": "out"}}}}}}}]}),
    );
    let list = vec![event("e", json!(1)), event("x", json!(0)), event("e", json!(2)), event("out", json!(9))];
    let mut sim = Sim::new(&def);
    sim.start(json!({}));
    for e in list {
        sim.give(Event::Event { event: e });
    }
    assert_eq!((output(&sim), sim.subscribed), (&json!([1, 2]), 0));
    let both = json!({"all": [{"with": {"type": "a"}}, {"with": {"type": "b"}}]});
    let def = define(json!({"do": [{"l": {"listen": {"to": {"any": [{"with": {"type": "e"}}], "until": both}}}}]}));
    let list = ["a", "e", "a", "e", "b"].map(|kind| event(kind, json!(kind)));
    let mut sim = Sim::new(&def);
    sim.start(json!({}));
    for e in list {
        sim.give(Event::Event { event: e });
    }
    assert_eq!(output(&sim), &json!(["e", "e"]));
}

fn each(to: Value, foreach: Value) -> huiyin_flow::Definition {
    define(json!({"do": [{"l": {"listen": {"to": to}, "foreach": foreach}}]}))
}

#[test]
fn foreach_works_through_events_one_by_one() {
    let def = each(
        json!({"any": [], "until": "($context.sum // 0) > 5"}),
        json!({"item": "e", "at": "i", "do": [{"w": {"wait": "PT1S"}}, {"s": {"set": {"n": "${ $e * 10 }", "at": "${ $i }", "of": "${ .x }"}}}], "output": {"as": ".n + $i"}, "export": {"as": "{sum: (($context.sum // 0) + $e)}"}}),
    );
    let sim = run_with(&def, json!({"x": 1}), events(&[1, 2, 3, 4]));
    assert_eq!(output(&sim), &json!([10, 21, 32]));
    // Events that come while one is worked through wait in order.
    let mut sim = Sim::new(&def);
    sim.start(json!({"x": 1}));
    for e in events(&[1, 2, 3, 4, 5]) {
        assert_eq!(sim.give(Event::Event { event: e.clone() }).facts[0].publishes(), None);
    }
    assert_eq!((sim.state.backlog(), sim.timers.len()), (4, 1));
    sim.go();
    assert_eq!(output(&sim), &json!([10, 21, 32]), "what came after the end was not consumed");
}

#[test]
fn foreach_goes_with_every_strategy() {
    let foreach = json!({"do": [{"s": {"set": {"got": "${ $item }", "at": "${ $index }"}}}]});
    let a = json!({"with": {"type": "a"}});
    let b = json!({"with": {"type": "b"}});
    let (ea, eb) = (event("a", json!(1)), event("b", json!(2)));
    for (to, events, wanted) in [
        (json!({"one": a}), vec![ea.clone()], json!([{"got": 1, "at": 0}])),
        (json!({"any": [a, b]}), vec![eb.clone()], json!([{"got": 2, "at": 0}])),
        (json!({"all": [a, b]}), vec![eb.clone(), ea.clone()], json!([{"got": 2, "at": 0}, {"got": 1, "at": 1}])),
        (
            json!({"any": [a], "until": {"one": b}}),
            vec![ea.clone(), ea.clone(), eb.clone()],
            json!([{"got": 1, "at": 0}, {"got": 1, "at": 1}]),
        ),
    ] {
        assert_eq!(output(&run_with(&each(to.clone(), foreach.clone()), json!({}), events)), &wanted, "{to}");
    }
    // Without tasks an item is what was read, transformed.
    let def = each(json!({"one": a}), json!({"output": {"as": "{is: ., at: $index}"}}));
    assert_eq!(output(&run_with(&def, json!({}), vec![ea.clone()])), &json!([{"is": 1, "at": 0}]));
    let def = each(json!({"one": a}), json!({"do": [{"c": {"call": "fail:1.0.0@default"}}]}));
    assert_eq!(error(&run_with(&def, json!({}), vec![ea])).instance, "/do/0/l/foreach/do/0/c");
}

#[test]
fn without_an_end_nothing_is_kept() {
    let def = each(json!({"any": [], "until": "${ false }"}), json!({"do": [{"s": {"set": {"n": "${ $item }"}}}]}));
    let mut sim = Sim::new(&def);
    sim.start(json!({}));
    sim.give(Event::Event { event: event("e", json!("x".repeat(100))) });
    let size = serde_json::to_string(&sim.state).unwrap().len();
    for n in 0..500 {
        sim.give(Event::Event { event: event("e", json!(format!("{n:0100}"))) });
    }
    let now = serde_json::to_string(&sim.state).unwrap().len();
    assert!(now < size + 20, "{size} bytes, then {now}");
    assert_eq!(sim.subscribed, 1);
}

#[test]
fn an_output_without_bounds_is_an_error() {
    let def = define(
        json!({"do": [{"l": {"listen": {"to": {"any": [], "until": "$context.never"}}, "foreach": {"output": {"as": "null"}}}}]}),
    );
    let env = huiyin_flow::Env::new(common::start_time(), 0, &common::Jq);
    let mut state = huiyin_flow::RunState::new();
    let start = Event::Start { run_id: "r".into(), input: json!({}), context: Value::Null };
    huiyin_flow::advance(&def, &mut state, start, &env);
    let mut count = 0;
    while state.outcome().is_none() && count < 10_010 {
        huiyin_flow::advance(&def, &mut state, Event::Event { event: event("e", json!(1)) }, &env);
        count += 1;
    }
    assert!(
        matches!(state.outcome(), Some(huiyin_flow::Outcome::Faulted(e)) if e.to_string().contains("more than 10000 events")),
        "{count}"
    );
}

#[test]
fn correlation_binds_events_to_each_other() {
    let by_room = json!({"room": {"from": ".roomid"}});
    let def = define(
        json!({"do": [{"l": {"listen": {"to": {"all": [{"with": {"type": "t"}, "correlate": by_room}, {"with": {"type": "h"}, "correlate": by_room}]}}}}]}),
    );
    let mut sim = Sim::new(&def);
    sim.start(json!({}));
    for (e, facts) in [
        (room("t", Value::Null, json!(0)), 0),
        (room("t", json!(7), json!(1)), 1),
        (room("h", json!(8), json!(2)), 0),
        (room("t", json!(7), json!(3)), 0),
        (room("h", json!(7), json!(4)), 3),
    ] {
        assert_eq!(sim.give(Event::Event { event: e.clone() }).facts.len(), facts, "{e}");
    }
    assert_eq!(output(&sim), &json!([1, 4]));
    assert_eq!(
        sim.told.iter().find(|e| e["type"].as_str().unwrap().ends_with("correlation-completed.v1")).unwrap()["data"]["correlationKeys"],
        json!({"room": 7})
    );
    // `expect`, a constant or computed.
    let to = json!({"any": [{"with": {"type": "t"}, "correlate": {"room": {"from": ".roomid", "expect": "${ .mine }"}, "kind": {"from": ".data.kind", "expect": "k"}}}]});
    let def = define(json!({"do": [{"l": {"listen": {"to": to}}}]}));
    let mut sim = Sim::new(&def);
    sim.start(json!({"mine": 7}));
    for e in [room("t", json!(8), json!({"kind": "k"})), room("t", json!(7), json!({"kind": "l"}))] {
        assert_eq!(sim.give(Event::Event { event: e }).facts, []);
    }
    sim.give(Event::Event { event: room("t", json!(7), json!({"kind": "k"})) });
    assert_eq!(output(&sim), &json!([{"kind": "k"}]));
}

#[test]
fn a_schedule_correlates_and_reads() {
    let by_room = json!({"room": {"from": ".roomid"}});
    let def = define(
        json!({"schedule": {"on": {"all": [{"with": {"type": "t"}, "correlate": by_room}, {"with": {"type": "h"}, "correlate": by_room}]}, "read": "data"}, "do": [{"a": {"set": {"x": 1}}}]}),
    );
    let Some(Schedule::On(trigger)) = def.schedule() else { panic!() };
    assert_eq!(trigger.read, Some(Read::Data));
    assert_eq!(Read::Data.of(&event("t", json!(5))), json!(5));
    let bound = def.correlates(0, &room("t", json!(1), json!(0)), &Map::new(), &common::Jq).unwrap();
    assert_eq!(Value::Object(bound.clone()), json!({"room": 1}));
    assert_eq!(def.correlates(1, &room("h", json!(2), json!(0)), &bound, &common::Jq), None);
    assert_eq!(def.correlates(1, &room("h", json!(1), json!(0)), &bound, &common::Jq), Some(Map::new()));
    assert_eq!(def.correlates(1, &room("t", json!(1), json!(0)), &bound, &common::Jq), None);
}

#[test]
fn a_life_is_told_from_start_to_end() {
    let def = define(json!({"do": [
        {"a": {"set": {"x": 1}}},
        {"no": {"if": "false", "set": {"x": 1}}},
        {"t": {"try": [{"f": {"fork": {"branches": [{"slow": {"wait": "P1D"}}, {"c": {"call": "flaky:1.0.0@default", "with": {"good": 2}, "then": "end"}}]}}}], "catch": {"retry": {"delay": "PT1S", "limit": {"attempt": {"count": 1}}}}}}
    ]}));
    let sim = run(&def, json!({}));
    assert_eq!(
        sim.life(),
        [
            "workflow.started",
            "task.created /do/0/a",
            "task.started /do/0/a",
            "task.completed /do/0/a",
            "task.created /do/2/t",
            "task.started /do/2/t",
            "task.created /do/2/t/try/0/f",
            "task.started /do/2/t/try/0/f",
            "task.created /do/2/t/try/0/f/fork/branches/0/slow",
            "task.started /do/2/t/try/0/f/fork/branches/0/slow",
            "task.created /do/2/t/try/0/f/fork/branches/1/c",
            "task.started /do/2/t/try/0/f/fork/branches/1/c",
            "task.faulted /do/2/t/try/0/f/fork/branches/1/c",
            "task.cancelled /do/2/t/try/0/f/fork/branches/0/slow",
            "task.faulted /do/2/t/try/0/f",
            "task.retried /do/2/t",
            "task.created /do/2/t/try/0/f",
            "task.started /do/2/t/try/0/f",
            "task.created /do/2/t/try/0/f/fork/branches/0/slow",
            "task.started /do/2/t/try/0/f/fork/branches/0/slow",
            "task.created /do/2/t/try/0/f/fork/branches/1/c",
            "task.started /do/2/t/try/0/f/fork/branches/1/c",
            "task.completed /do/2/t/try/0/f/fork/branches/1/c",
            "task.cancelled /do/2/t/try/0/f/fork/branches/0/slow",
            "task.cancelled /do/2/t/try/0/f",
            "task.cancelled /do/2/t",
            "workflow.completed",
        ]
    );
    let first = &sim.told[0];
    assert_eq!(
        first,
        &json!({
            "specversion": "1.0", "id": "r1/lifecycle/0.0", "source": "/test/example/1.0.0",
            "type": "io.serverlessworkflow.workflow.started.v1", "subject": "r1", "time": "2026-03-01T08:00:00Z", "datacontenttype": "application/json",
            "data": {"name": "example-r1.test", "definition": {"name": "example", "namespace": "test", "version": "1.0.0"}, "startedAt": "2026-03-01T08:00:00Z"}
        })
    );
    let faulted = sim.told.iter().find(|e| e["type"] == "io.serverlessworkflow.task.faulted.v1").unwrap();
    assert_eq!(
        (&faulted["data"]["workflow"], &faulted["data"]["error"]["status"]),
        (&json!("example-r1.test"), &json!(500))
    );
    let mut ids: Vec<&str> = sim.told.iter().map(|e| e["id"].as_str().unwrap()).collect();
    let count = ids.len();
    ids.dedup();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "each id once");
    // The facts of the whole run at once say the same as turn by turn.
    let facts: Vec<_> = sim.facts.iter().map(|(_, f)| f.clone()).collect();
    let again = lifecycle(&sim.def, &huiyin_flow::RunState::new(), &facts, sim.now);
    let bare = |list: &[Value]| list.iter().map(|e| (e["id"].clone(), e["type"].clone())).collect::<Vec<_>>();
    assert_eq!(bare(&again), bare(&sim.told));
}

#[test]
fn a_life_with_interruptions_and_extensions() {
    let def = define(json!({
        "use": {"extensions": [{"x": {"extend": "wait", "before": [{"b": {"set": {"y": 1}}}], "after": [{"a": {"set": {"y": 2}}}]}}]},
        "do": [{"w": {"wait": "PT1S"}}, {"bad": {"raise": {"error": {"type": "https://example.cn/e", "status": 418}}}}]
    }));
    let mut sim = Sim::new(&def);
    sim.start(json!({}));
    sim.give(Event::Suspend);
    sim.give(Event::Resume);
    sim.go();
    assert_eq!(
        sim.life(),
        [
            "workflow.started",
            "task.created /do/0/w",
            "task.created /use/extensions/0/x/before/0/b",
            "task.started /use/extensions/0/x/before/0/b",
            "task.completed /use/extensions/0/x/before/0/b",
            "task.started /do/0/w",
            "task.suspended /do/0/w",
            "workflow.suspended",
            "workflow.resumed",
            "task.resumed /do/0/w",
            "task.completed /do/0/w",
            "task.created /use/extensions/0/x/after/0/a",
            "task.started /use/extensions/0/x/after/0/a",
            "task.completed /use/extensions/0/x/after/0/a",
            "task.created /do/1/bad",
            "task.started /do/1/bad",
            "task.faulted /do/1/bad",
            "workflow.faulted",
        ]
    );
    let status: Vec<&Value> = sim.told.iter().map(|e| &e["data"]["status"]).filter(|s| !s.is_null()).collect();
    assert_eq!(status, ["running", "suspended", "running", "faulted"]);
}
