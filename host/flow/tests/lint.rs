//! Warnings: each fires where it should, with its place, and the workflows of
//! the house, which are good, get none.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)] // tests may fail loudly

mod common;

use common::workflow;
use huiyin_flow::{lint, lint_references, relations};
use serde_json::{Value, json};

/// `pointer: message` of every warning about a workflow with these tasks.
fn warnings(body: Value) -> Vec<String> {
    let text = serde_json::to_string_pretty(&workflow(body)).unwrap();
    lint(&text, "test.json").into_iter().map(|d| format!("{}: {}", d.pointer, d.message)).collect()
}

#[track_caller]
fn only(body: Value, pointer: &str, words: &str) {
    let found = warnings(body);
    assert!(
        found.len() == 1 && found[0].starts_with(&format!("{pointer}: ")) && found[0].contains(words),
        "wanted {pointer}: …{words}…, found {found:#?}"
    );
}

#[track_caller]
fn none(body: Value) {
    assert_eq!(warnings(body), Vec::<String>::new());
}

#[test]
fn tasks_that_nothing_leads_to() {
    only(
        json!({"do": [{"a": {"set": {"x": 1}, "then": "end"}}, {"b": {"set": {"x": 2}}}]}),
        "/do/1/b",
        "never reached",
    );
    only(
        json!({"do": [{"a": {"raise": {"error": {"type": "https://example.org/e", "status": 500}}}}, {"b": {"set": {"x": 2}}}]}),
        "/do/1/b",
        "never reached",
    );
    only(
        json!({"do": [
            {"s": {"switch": [{"big": {"when": ".x > 1", "then": "c"}}, {"rest": {"then": "end"}}]}},
            {"b": {"set": {"x": 2}}},
            {"c": {"set": {"x": 3}}}
        ]}),
        "/do/1/b",
        "never reached",
    );
    // A list within that never ends, and one that goes round in circles.
    only(
        json!({"do": [{"a": {"do": [{"in": {"set": {"x": 1}, "then": "end"}}]}}, {"b": {"set": {"x": 2}}}]}),
        "/do/1/b",
        "never reached",
    );
    only(
        json!({"do": [{"a": {"do": [{"in": {"wait": "PT1H", "then": "in"}}]}}, {"b": {"set": {"x": 2}}}]}),
        "/do/1/b",
        "never reached",
    );
    // Skipped, caught, jumped to, raced for: all of these are reached.
    none(json!({"do": [{"a": {"if": ".x", "set": {"x": 1}, "then": "end"}}, {"b": {"set": {"x": 2}}}]}));
    none(json!({"do": [
        {"t": {"try": [{"r": {"call": "fail:1.0.0@default"}}], "catch": {"do": [{"h": {"set": {"x": 1}}}]}}},
        {"b": {"set": {"x": 2}}}
    ]}));
    none(
        json!({"do": [{"a": {"set": {"x": 1}, "then": "c"}}, {"b": {"set": {"x": 2}, "then": "end"}}, {"c": {"set": {"x": 3}, "then": "b"}}]}),
    );
    none(json!({"do": [
        {"f": {"fork": {"compete": true, "branches": [
            {"r": {"raise": {"error": {"type": "https://example.org/e", "status": 500}}}},
            {"w": {"wait": "PT1S"}}
        ]}}},
        {"b": {"set": {"x": 2}}}
    ]}));
}

#[test]
fn entries_of_use_that_nothing_uses() {
    only(
        json!({"use": {"errors": {"e": {"type": "https://example.org/e", "status": 500}}}, "do": [{"a": {"set": {"x": 1}}}]}),
        "/use/errors/e",
        "never used",
    );
    only(
        json!({"use": {"retries": {"r": {"limit": {"attempt": {"count": 1}}}}}, "do": [{"a": {"set": {"x": 1}}}]}),
        "/use/retries/r",
        "never used",
    );
    only(
        json!({"use": {"timeouts": {"t": {"after": "PT1M"}}}, "do": [{"a": {"set": {"x": 1}}}]}),
        "/use/timeouts/t",
        "never used",
    );
    only(
        json!({"use": {"secrets": ["key", "other"]}, "do": [{"a": {"set": {"x": "${ $secrets.key }"}}}]}),
        "/use/secrets/1",
        "`other`",
    );
    none(json!({"use": {"secrets": ["key", "other"]}, "do": [{"a": {"set": {"x": "${ $secrets }"}}}]}));
    none(json!({"use": {"timeouts": {"t": {"after": "PT1M"}}}, "timeout": "t", "do": [{"a": {"set": {"x": 1}}}]}));
}

#[test]
fn what_can_never_happen() {
    only(
        json!({"do": [{"s": {"switch": [{"all": {"then": "b"}}]}}, {"b": {"set": {"x": 1}}}]}),
        "/do/0/s/switch/0/all",
        "always holds",
    );
    only(json!({"do": [{"a": {"if": "${ false }", "set": {"x": 1}}}]}), "/do/0/a/if", "never holds");
    only(
        json!({"do": [{"f": {"for": {"in": "${ [] }"}, "do": [{"a": {"set": {"x": 1}}}]}}]}),
        "/do/0/f/for/in",
        "always empty",
    );
    only(
        json!({"timeout": {"after": "PT1M"}, "do": [{"a": {"wait": "PT1S", "timeout": {"after": {"minutes": 2}}}}]}),
        "/do/0/a/timeout",
        "longer than that of the workflow",
    );
    only(
        json!({"do": [{"a": {"wait": "P1D", "timeout": {"after": {"hours": 23}}}}]}),
        "/do/0/a/wait",
        "never waited out",
    );
    none(json!({"timeout": {"after": "P1M"}, "do": [{"a": {"wait": "P40D", "timeout": {"after": "P50D"}}}]}));
}

#[test]
fn catches_that_never_match() {
    let attempt =
        |errors: Value, list: Value| json!({"do": [{"t": {"try": list, "catch": {"errors": {"with": errors}}}}]});
    let raise = json!([{"r": {"raise": {"error": {"type": "https://example.org/e", "status": 500}}}}]);
    only(attempt(json!({"status": 501}), raise.clone()), "/do/0/t/catch/errors/with", "never match");
    only(
        attempt(json!({"status": 501}), json!([{"w": {"wait": "PT1S"}}])),
        "/do/0/t/catch/errors/with",
        "nothing here raises",
    );
    only(
        attempt(json!({"status": 1000}), json!([{"c": {"call": "fail:1.0.0@default"}}])),
        "/do/0/t/catch/errors/with/status",
        "1000",
    );
    let found = lint(
        &workflow(attempt(
            json!({"type": "https://serverlessworkflow.io/spec/1.0.0/errors/comunication"}),
            json!([{"c": {"call": "fail:1.0.0@default"}}]),
        ))
        .to_string(),
        "test.json",
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `communication`?"));
    none(attempt(json!({"status": 500, "instance": "/do/0/t/try/0/r"}), raise));
    none(attempt(
        json!({"type": "https://open-workflow-specification.org/dsl/errors/types/timeout"}),
        json!([{"c": {"call": "slow:1.0.0@default"}}]),
    ));
    none(attempt(
        json!({"status": 404}),
        json!([{"r": {"raise": {"error": {"type": "https://example.org/e", "status": "${ .s }"}}}}]),
    ));
}

#[test]
fn expressions_that_can_only_give_null() {
    let set = |x: &str| json!({"do": [{"a": {"set": {"x": x}}}]});
    only(set("${ $workflow.nme }"), "/do/0/a/set/x", "`$workflow.nme` is always null");
    only(set("${ {id: $task.startedAt.epoch.second} }"), "/do/0/a/set/x", "$task.startedAt.epoch.second");
    only(set("${ \"at \\($runtime.vrsion)\" }"), "/do/0/a/set/x", "$runtime.vrsion");
    only(set("${ $secrets.key }"), "/do/0/a/set/x", "no such secret");
    only(set("${ {a: 1} | .b }"), "/do/0/a/set/x", "`.b` is always null");
    for good in [
        "${ $workflow.definition.document.name }",
        "${ $task.startedAt.epoch.seconds }",
        "${ $runtime.metadata.anything.at.all }",
        "${ $workflow.nme // 1 }",
        "${ .x as $task | $task.anything }",
        "${ \"$workflow.nme\" }",
        "${ {a: 1} | .a }",
        "costs $task.foo",
    ] {
        none(set(good));
    }
    let found = warnings(json!({"do": [{"a": {"if": "$task.inptu == 1", "set": {"x": 1}}}]}));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_caught_error_has_the_fields_of_one() {
    let caught = |body: Value| {
        json!({"do": [{"t": {
            "try": [{"c": {"call": "fail:1.0.0@default"}}],
            "catch": {"as": "why", "do": [{"h": body}]}
        }}]})
    };
    only(caught(json!({"set": {"x": "${ $why.titel }"}})), "/do/0/t/catch/do/0/h/set/x", "$why.titel");
    none(caught(json!({"set": {"x": "${ $why.title + ($why.detail // \"\") }"}})));
    // A variable of that name further in is another one.
    none(caught(json!({"for": {"each": "why", "in": ".l"}, "do": [{"x": {"set": {"y": "${ $why.anything }"}}}]})));
}

#[test]
fn a_field_that_the_set_before_does_not_set() {
    let after = |next: Value| json!({"do": [{"a": {"set": {"posts": [], "of": {"n": 1}}}}, {"b": next}]});
    only(after(json!({"set": {"x": "${ .post }"}})), "/do/1/b/set/x", "`.post` is always null");
    only(after(json!({"set": {"x": "${ .of.m == 1 }"}})), "/do/1/b/set/x", "`.of.m`");
    only(
        after(json!({"switch": [{"c": {"when": "${ .size > 3 }", "then": "end"}}]})),
        "/do/1/b/switch/0/c/when",
        "`.size`",
    );
    none(after(
        json!({"set": {"x": "${ .posts }", "y": "${ .of.n }", "z": "${ .posts | .foo }", "w": "${ .post // 1 }"}}),
    ));
    none(after(json!({"input": {"from": "${ {other: 1} }"}, "set": {"x": "${ .other }"}})));
    none(after(json!({"call": "echo:1.0.0@default", "with": {"x": 1}, "output": {"as": "${ .whatever }"}})));
    none(json!({"do": [
        {"s": {"if": ".q", "set": {"posts": []}}},
        {"b": {"set": {"x": "${ .other }"}}},
    ]}));
    none(json!({"do": [
        {"a": {"set": {"posts": []}}},
        {"b": {"set": {"x": "${ .x }"}}},
        {"c": {"switch": [{"again": {"when": ".x != 1", "then": "b"}}]}},
    ]}));
}

#[test]
fn references_are_checked_among_the_files_given() {
    let document = |name: &str, version: &str, list: Value| {
        json!({"document": {"dsl": "1.0.3", "namespace": "tests", "name": name, "version": version}, "do": list})
            .to_string()
    };
    let caller = |name: &str, version: &str| {
        document(
            "caller",
            "1.0.0",
            json!([{"go": {"run": {"workflow": {"namespace": "tests", "name": name, "version": version}}}}]),
        )
    };
    let helper = document("helper", "2.0.0", json!([{"a": {"set": {"x": 1}}}]));
    let among = |caller: &str| {
        let mut found = lint_references(&[(caller, "caller.json"), (&helper, "helper.json")]);
        assert!(found.pop().unwrap().is_empty());
        found.pop().unwrap()
    };
    assert!(among(&caller("helper", "latest")).is_empty());
    assert!(among(&caller("helper", "2.0.0")).is_empty());
    let slip = among(&caller("helpr", "2.0.0"));
    assert_eq!(slip[0].hint.as_deref(), Some("did you mean `tests/helper`?"));
    let old = among(&caller("helper", "1.0.0"));
    assert!(old[0].message.contains("2.0.0") && old[0].pointer.ends_with("/run/workflow/version"), "{old:?}");
    assert_eq!(relations(&caller("helper", "2.0.0"), "f").unwrap().runs.len(), 1);
    assert!(relations("{", "f").is_none());
}

#[test]
fn the_houses_own_workflows_get_no_warning() {
    for (file, text) in common::house_workflows() {
        assert_eq!(lint(&text, &file), Vec::new(), "{file}");
    }
}
