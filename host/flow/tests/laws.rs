//! Laws over generated workflows: after every turn the facts rebuild the state
//! (checked by the driver), a crash at any fact leads to the same end, and the
//! budget of a turn changes nothing but the number of turns.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)] // tests may fail loudly

mod common;

use common::{Sim, define, run};
use huiyin_flow::{Event, Outcome};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The body of a task, at most `depth` lists deep.
fn task(depth: u32) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        3 => (0..5).prop_map(|i| json!({"set": {"n": format!("${{ .n + {i} }}"), "l": "${ .l }"}})),
        1 => Just(json!({"set": {"n": 1, "l": [1, 2]}, "if": ".n < 3"})),
        1 => Just(json!({"set": {"n": "${ .n }", "l": "${ .l }"}, "export": {"as": "$context + {seen: .n}"}, "then": "exit"})),
        2 => Just(json!({"call": "echo:1.0.0@default", "with": {"n": "${ .n + 10 }", "l": "${ .l }"}})),
        1 => (1..4).prop_map(|good| json!({"call": "flaky:1.0.0@default", "with": {"good": good, "l": [3]}})),
        1 => Just(json!({"call": "fail:1.0.0@default"})),
        1 => (0..9).prop_map(|s| json!({"wait": {"seconds": s}})),
        1 => Just(json!({"wait": "PT9S", "timeout": {"after": "PT4S"}})),
        1 => Just(json!({"raise": {"error": {"type": "https://example.cn/e", "status": 418, "detail": "${ .n | tostring }"}}})),
        1 => Just(json!({"emit": {"event": {"with": {"source": "/s", "type": "t", "data": "${ .n }"}}}, "output": {"as": {"n": "${ $input.n }", "l": [4]}}})),
        1 => Just(json!({"switch": [{"big": {"when": ".n > 20", "then": "exit"}}, {"rest": {"then": "continue"}}]})),
        1 => Just(json!({"set": {"n": 0}, "then": "end", "if": ".n == 13"})),
        1 => Just(json!({"call": "http", "with": {"method": "get", "endpoint": "https://example.cn/{n}", "query": {"n": "${ .n }"}}, "output": {"as": "{n: $input.n, uri: .uri, l: [7]}"}})),
        1 => Just(json!({"run": {"workflow": {"namespace": "n", "name": "m", "version": "1.0.0"}}, "output": {"as": ".ran"}})),
        1 => Just(json!({"run": {"workflow": {"namespace": "n", "name": "fails", "version": "1.0.0"}}})),
        1 => Just(json!({"call": "inline", "with": {"n": "${ .n }", "l": [8]}})),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = move || tasks(depth - 1);
    prop_oneof![
        4 => leaf,
        1 => inner().prop_map(|list| json!({"do": list})),
        1 => (inner(), 2..9).prop_map(|(list, s)| json!({"do": list, "timeout": {"after": {"seconds": s}}})),
        1 => inner().prop_map(|list| json!({"for": {"in": ".l"}, "while": "$index < 2", "do": list})),
        2 => (inner(), inner(), prop::option::of(0..3), prop::option::of(0..4)).prop_map(|(list, handler, count, delay)| {
            let mut catch = json!({"errors": {"with": {"status": 418}}, "do": handler});
            if let Some(count) = count {
                catch = json!({"do": catch["do"], "retry": {"delay": {"seconds": delay.unwrap_or(0)}, "limit": {"attempt": {"count": count, "duration": "PT20S"}}, "jitter": {"from": "PT0S", "to": "PT1S"}}});
            }
            json!({"try": list, "catch": catch})
        }),
        2 => (inner(), any::<bool>()).prop_map(|(list, compete)| {
            let output = if compete { "." } else { "{n: length, l: [5, 6]}" };
            json!({"fork": {"branches": list, "compete": compete}, "output": {"as": output}})
        }),
    ]
    .boxed()
}

fn tasks(depth: u32) -> BoxedStrategy<Value> {
    prop::collection::vec(task(depth), 1..4)
        .prop_map(|list| {
            Value::Array(list.into_iter().enumerate().map(|(i, body)| json!({format!("t{i}"): body})).collect())
        })
        .boxed()
}

/// The same where no race decides and no time is short: `broken` calls, which a person mends.
fn calm(depth: u32) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        2 => (0..5).prop_map(|i| json!({"set": {"n": format!("${{ .n + {i} }}"), "l": "${ .l }"}})),
        2 => Just(json!({"call": "echo:1.0.0@default", "with": {"n": "${ .n + 10 }", "l": "${ .l }"}})),
        3 => Just(json!({"call": "broken:1.0.0@default", "with": {"n": "${ .n + 100 }", "l": [1, 2]}})),
        1 => (0..9).prop_map(|s| json!({"wait": {"seconds": s}})),
        1 => Just(json!({"call": "inline", "with": {"n": "${ .n }", "l": [8]}})),
        1 => Just(json!({"switch": [{"big": {"when": ".n > 20", "then": "exit"}}, {"rest": {"then": "continue"}}]})),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = move || calm_tasks(depth - 1);
    prop_oneof![
        3 => leaf,
        1 => inner().prop_map(|list| json!({"do": list})),
        1 => inner().prop_map(|list| json!({"for": {"in": ".l"}, "do": list})),
        1 => inner().prop_map(|list| json!({"try": list, "catch": {"errors": {"with": {"status": 418}}}})),
        2 => inner().prop_map(|list| json!({"fork": {"branches": list}, "output": {"as": "{n: map(.n // 0) | add, l: [5]}"}})),
    ]
    .boxed()
}

fn calm_tasks(depth: u32) -> BoxedStrategy<Value> {
    prop::collection::vec(calm(depth), 1..4)
        .prop_map(|list| {
            Value::Array(list.into_iter().enumerate().map(|(i, body)| json!({format!("t{i}"): body})).collect())
        })
        .boxed()
}

/// A function and two extensions, so that all of that is in every law.
fn whole(mut body: Value) -> Value {
    body["use"] = json!({
        "functions": {"inline": {"do": [{"i": {"set": {"n": "${ .n + 1 }", "l": "${ .l }"}}}]}},
        "extensions": [
            {"log": {"extend": "set", "when": ".n > 2", "before": [{"e": {"emit": {"event": {"with": {"type": "before", "data": "${ $task.reference }"}}}}}], "after": [{"w": {"wait": "PT1S"}}]}},
            {"mock": {"extend": "call", "when": ".n == 11", "before": [{"m": {"set": {"n": 12, "l": [9]}, "then": "exit"}}], "after": [{"no": {"call": "fail:1.0.0@default"}}]}}
        ]
    });
    body
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_crash_anywhere_leads_to_the_same_end(list in tasks(2)) {
        let sim = run(&define(whole(json!({"do": list, "timeout": {"after": "PT2M"}}))), json!({"n": 1, "l": [1, 2, 3]}));
        prop_assert!(sim.finished.is_some());
    }

    #[test]
    fn the_budget_changes_only_the_number_of_turns(list in tasks(2), max_steps in 1u32..5) {
        let def = define(whole(json!({"do": list})));
        let mut ends = Vec::new();
        for max_steps in [max_steps, 10_000] {
            let mut sim = Sim::new(&def);
            sim.max_steps = max_steps;
            sim.start(json!({"n": 1, "l": [1, 2, 3]}));
            sim.go();
            ends.push((sim.finished, sim.facts));
        }
        prop_assert_eq!(&ends[0], &ends[1]);
    }

    #[test]
    fn reopened_it_ends_as_if_it_had_not_failed(list in calm_tasks(2)) {
        let mut body = whole(json!({"do": list}));
        // A mocked call is not extended by what fails on purpose.
        body["use"]["extensions"] = json!([body["use"]["extensions"][0]]);
        let def = define(body);
        let input = json!({"n": 1, "l": [1, 2, 3]});
        let mut straight = Sim::new(&def);
        straight.mended = true;
        straight.start(input.clone());
        straight.go();
        let mut sim = Sim::new(&def);
        sim.start(input);
        sim.go();
        {
            if matches!(sim.finished, Some(Outcome::Faulted(_))) {
                sim.state.can_reopen(&def, None).unwrap();
                sim.finished = None;
                sim.mended = true;
                sim.give(Event::Reopen { task: None, input: None, actor: "li".into(), reason: "r".into() });
                sim.go();
            }
        }
        prop_assert_eq!(&sim.finished, &straight.finished);
        for count in 1..=sim.facts.len() {
            let mut again = sim.after_crash(count);
            if matches!(again.finished, Some(Outcome::Faulted(_))) {
                continue;
            }
            again.go();
            // Before the failure it is mended by now, and so does not fail.
            prop_assert_eq!(&again.finished, &straight.finished, "crash after fact {}", count);
        }
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again(list in tasks(2)) {
        let def = define(whole(json!({"do": list, "timeout": {"after": "PT2M"}, "schedule": {"on": {"any": [{"with": {"type": "a", "data": "${ .x > 1 }"}, "correlate": {"k": {"from": ".y"}}}]}}})));
        let text = def.source().to_string();
        for file in ["w.json", "w.yaml"] {
            let again = common::parse(&text, file).unwrap();
            prop_assert_eq!(again.source(), def.source());
            prop_assert_eq!(again.document(), def.document());
            prop_assert_eq!(again.tasks().collect::<Vec<_>>(), def.tasks().collect::<Vec<_>>());
            prop_assert_eq!(format!("{:?}", again.schedule()), format!("{:?}", def.schedule()));
            prop_assert_eq!(again.requests(), def.requests());
            prop_assert_eq!(again.subflows(), def.subflows());
        }
    }
}
