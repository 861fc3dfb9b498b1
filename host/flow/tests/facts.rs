//! The JSON of facts is a contract with every journal: these must never change.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, clippy::format_collect, clippy::float_cmp)] // tests may fail loudly

mod common;

use common::{Sim, define, start_time};
use huiyin_flow::{ApplyError, Event, Fact, FrameId, Phase, RunState, apply};
use serde_json::{Value, json};

fn facts(def: Value, input: Value, steps: usize) -> Vec<Value> {
    let mut sim = Sim::new(&define(def));
    sim.start(input);
    for _ in 0..steps {
        sim.happen();
    }
    sim.facts.iter().map(|(_, f)| serde_json::to_value(f).unwrap()).collect()
}

#[test]
fn golden_simple() {
    assert_eq!(
        facts(
            json!({"timeout": {"after": "PT1H"}, "do": [{"s": {"set": {"n": "${ .x }"}, "export": {"as": "."}}}, {"i": {"if": "false", "set": {"n": 0}}}, {"e": {"emit": {"event": {"with": {"source": "/s", "type": "t"}}}, "then": "end"}}]}),
            json!({"x": 1}),
            0
        ),
        [
            json!({"f": "start", "run": "r1", "at": "2026-03-01T08:00:00Z", "input": {"x": 1}, "trigger": {"unit": "u1"}}),
            json!({"f": "prepared", "alarm": {"timer": 1, "due": "2026-03-01T09:00:00Z"}}),
            json!({"f": "ran", "frame": 0, "task": "/do/0/s", "output": {"n": 1}, "context": {"n": 1}, "next": {"at": 1}}),
            json!({"f": "ran", "frame": 0, "task": "/do/1/i", "skipped": true, "next": {"at": 2}}),
            json!({"f": "ran", "frame": 0, "task": "/do/2/e", "output": {"specversion": "1.0", "id": "r1/0", "time": "2026-03-01T08:00:00Z", "source": "/s", "type": "t"}, "event": {"specversion": "1.0", "id": "r1/0", "time": "2026-03-01T08:00:00Z", "source": "/s", "type": "t"}, "next": "end"}),
            json!({"f": "completed", "output": {"specversion": "1.0", "id": "r1/0", "time": "2026-03-01T08:00:00Z", "source": "/s", "type": "t"}}),
        ]
    );
}

#[test]
fn golden_composite() {
    let at = "2026-03-01T08:00:00Z";
    let error = json!({"type": "https://serverlessworkflow.io/spec/1.0.0/errors/communication", "status": 500, "title": "Communication Error", "detail": "attempt 1", "instance": "/do/0/t/try/0/c"});
    assert_eq!(
        facts(
            json!({"do": [{"t": {"try": [{"c": {"call": "flaky:1.0.0@default", "with": {"good": 2}}}], "catch": {"retry": {"delay": "PT5S", "limit": {"attempt": {"count": 1}}}}}}]}),
            json!({"x": 1}),
            9
        ),
        [
            json!({"f": "start", "run": "r1", "at": at, "input": {"x": 1}, "trigger": {"unit": "u1"}}),
            json!({"f": "prepared"}),
            json!({"f": "entered", "frame": 1, "parent": 0, "task": "/do/0/t", "at": at, "what": {"k": "try"}}),
            json!({"f": "entered", "frame": 2, "parent": 1, "task": "/do/0/t/try/0/c", "at": at, "what": {"k": "call", "function": {"name": "flaky", "version": "1.0.0"}, "with": {"good": 2}, "attempt": 1}}),
            json!({"f": "caught", "frame": 1, "error": error, "how": {"h": "retry", "alarm": {"timer": 3, "due": "2026-03-01T08:00:05Z"}}}),
            json!({"f": "retried", "frame": 1}),
            json!({"f": "entered", "frame": 4, "parent": 1, "task": "/do/0/t/try/0/c", "at": "2026-03-01T08:00:05Z", "what": {"k": "call", "function": {"name": "flaky", "version": "1.0.0"}, "with": {"good": 2}, "attempt": 2}}),
            json!({"f": "left", "frame": 4, "output": {"good": 2}, "next": "exit"}),
            json!({"f": "left", "frame": 1, "next": "exit"}),
            json!({"f": "completed", "output": {"good": 2}}),
        ]
    );
}

#[test]
fn golden_waiting() {
    let at = "2026-03-01T08:00:00Z";
    assert_eq!(
        facts(
            json!({"do": [{"f": {"fork": {"compete": true, "branches": [{"w": {"wait": "PT1S"}}, {"l": {"listen": {"to": {"one": {"with": {"type": "t", "data": "${ .x }"}}}}}}]}}}, {"loop": {"for": {"in": ".l"}, "timeout": {"after": "PT1M"}, "do": [{"s": {"set": {"y": 1}}}]}}]}),
            json!({"l": [7]}),
            9
        ),
        [
            json!({"f": "start", "run": "r1", "at": at, "input": {"l": [7]}, "trigger": {"unit": "u1"}}),
            json!({"f": "prepared"}),
            json!({"f": "entered", "frame": 1, "parent": 0, "task": "/do/0/f", "at": at, "what": {"k": "fork", "branches": 2, "compete": true}}),
            json!({"f": "entered", "frame": 4, "parent": 2, "task": "/do/0/f/fork/branches/0/w", "at": at, "what": {"k": "wait", "alarm": {"timer": 5, "due": "2026-03-01T08:00:01Z"}}}),
            json!({"f": "entered", "frame": 6, "parent": 3, "task": "/do/0/f/fork/branches/1/l", "at": at, "what": {"k": "listen", "filters": [{"with": {"type": "t"}}], "all": false}}),
            json!({"f": "left", "frame": 4, "next": "exit"}),
            json!({"f": "joined", "frame": 2}),
            json!({"f": "left", "frame": 1, "next": {"at": 1}}),
            json!({"f": "entered", "frame": 7, "parent": 0, "task": "/do/1/loop", "at": "2026-03-01T08:00:01Z", "alarm": {"timer": 8, "due": "2026-03-01T08:01:01Z"}, "what": {"k": "for", "items": [7]}}),
            json!({"f": "looped", "frame": 7, "index": 0}),
            json!({"f": "ran", "frame": 7, "task": "/do/1/loop/do/0/s", "output": {"y": 1}, "next": "exit"}),
            json!({"f": "left", "frame": 7, "next": "exit"}),
            json!({"f": "completed", "output": {"y": 1}}),
        ]
    );
}

#[test]
fn golden_lifecycle() {
    let mut sim = Sim::new(&define(json!({"do": [{"l": {"listen": {"to": {"any": []}}}}]})));
    sim.start(json!(1));
    sim.give(Event::Suspend);
    sim.give(Event::Event { event: json!({"type": "t", "data": 2}) });
    sim.give(Event::Resume);
    let facts: Vec<Value> = sim.facts[3..].iter().map(|(_, f)| serde_json::to_value(f).unwrap()).collect();
    assert_eq!(
        facts,
        [
            json!({"f": "suspended"}),
            json!({"f": "held", "event": {"e": "event", "event": {"type": "t", "data": 2}}}),
            json!({"f": "resumed"}),
            json!({"f": "heard", "frame": 1, "filter": 0, "item": 2}),
            json!({"f": "left", "frame": 1, "next": "exit"}),
            json!({"f": "completed", "output": [2]}),
        ]
    );
    let read: Fact = serde_json::from_value(json!({"f": "cancelled", "reason": "r"})).unwrap();
    assert_eq!(read, Fact::Cancelled { reason: "r".into() });
    let read: Fact = serde_json::from_value(json!({"f": "faulted", "error": {"type": "x", "status": 400}})).unwrap();
    assert!(matches!(read, Fact::Faulted { .. }));
}

#[test]
fn a_foreign_fact_is_refused_and_changes_nothing() {
    let mut state = RunState::new();
    assert_eq!(apply(&mut state, &Fact::Resumed), Err(ApplyError::Phase(Phase::New)));
    let mut sim = Sim::new(&define(json!({"do": [{"w": {"wait": "PT1S"}}]})));
    sim.start(json!(1));
    let before = sim.state.clone();
    for foreign in [
        Fact::Looped { frame: FrameId(1), index: 0 },
        Fact::Looped { frame: FrameId(77), index: 0 },
        Fact::Joined { frame: FrameId(0) },
        Fact::Left { frame: FrameId(0), output: None, context: None, next: huiyin_flow::Next::Exit },
        Fact::Retried { frame: FrameId(1), alarm: None },
        Fact::Heard {
            frame: FrameId(1),
            filter: 0,
            item: json!(1).into(),
            keys: serde_json::Map::new(),
            until: false,
        },
        Fact::Start { run: "x".into(), at: start_time(), input: json!(1).into(), trigger: json!(1).into() },
    ] {
        assert!(apply(&mut sim.state, &foreign).is_err(), "{foreign:?}");
        assert_eq!(sim.state, before);
    }
}
