//! The tables of docs/reference/dsl.md against the code: each row has a tiny
//! workflow, which is accepted where the row says `done`, and refused in the
//! right words where it does not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)] // tests may fail loudly

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{parse, workflow};
use huiyin_flow::Severity;
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../../docs/reference/dsl.md");

/// Property → state, of every table whose second column is the state.
fn rows() -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    let mut within = false;
    for line in PAGE.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match cells.as_slice() {
            ["", _, "State", _, ""] => within = true,
            ["", name, state, _, ""] if within && !name.starts_with("---") => {
                assert!(rows.insert((*name).to_owned(), (*state).to_owned()).is_none(), "{name} stands there twice");
            }
            ["", ..] => {}
            _ => within = false,
        }
    }
    rows
}

fn task(task: Value) -> Value {
    json!({"do": [{"a": task}]})
}

fn with(name: &str, value: Value) -> Value {
    json!({name: value, "do": [{"a": {"set": {"x": 1}}}]})
}

fn uses(name: &str, value: Value) -> Value {
    with("use", json!({name: value}))
}

fn auth(policy: Value) -> Value {
    let mut body = task(
        json!({"call": "http", "with": {"method": "get", "endpoint": {"uri": "https://h", "authentication": policy}}}),
    );
    body["use"] = json!({"secrets": ["s"], "authentications": {"named": {"bearer": {"token": "t"}}}});
    body
}

fn listen(to: Value) -> Value {
    task(json!({"listen": {"to": to}}))
}

fn caught(catch: Value) -> Value {
    task(json!({"try": [{"b": {"set": {"x": 1}}}], "catch": catch}))
}

fn extension(body: Value) -> Value {
    uses("extensions", json!([{"e": body}]))
}

fn samples() -> Vec<(&'static str, Value)> {
    let schema = json!({"format": "json", "document": {"type": "object"}});
    let run = json!({"namespace": "n", "name": "m", "version": "1.0.0", "input": {"x": "${ . }"}});
    let oauth = json!({"authority": "https://h/{realm}", "grant": "password", "client": {"id": "i", "secret": "s", "assertion": "a", "authentication": "private_key_jwt"}, "request": {"encoding": "application/json"}, "issuers": ["i"], "scopes": ["s"], "audiences": ["a"], "username": "u", "password": "p", "subject": {"token": "t", "type": "y"}, "actor": {"token": "t", "type": "y"}});
    let mut oauth2 = oauth.clone();
    oauth2["endpoints"] = json!({"token": "/t", "revocation": "/r", "introspection": "/i"});
    let before = json!([{"b": {"set": {"x": 1}, "then": "exit"}}]);
    vec![
        ("`document.dsl`, `namespace`, `name`, `version`", task(json!({"set": {"x": 1}}))),
        (
            "`document.title`, `summary`, `tags`",
            with(
                "document",
                json!({"dsl": "1.0.3", "namespace": "n", "name": "m", "version": "1.0.0", "title": "t", "summary": "s", "tags": {"a": "b"}}),
            ),
        ),
        (
            "`document.metadata`",
            with(
                "document",
                json!({"dsl": "1.0.3", "namespace": "n", "name": "m", "version": "1.0.0", "metadata": {"huiyin": {"unit": "1"}, "x": 1}}),
            ),
        ),
        ("`input.schema`, `input.from`", with("input", json!({"schema": schema, "from": "."}))),
        ("`output.as`, `output.schema`", with("output", json!({"schema": schema, "as": "."}))),
        ("`timeout`", with("timeout", json!({"after": "PT1S"}))),
        ("`schedule.every`", with("schedule", json!({"every": "PT1S"}))),
        ("`schedule.after`", with("schedule", json!({"after": {"days": 1}}))),
        ("`schedule.cron`", with("schedule", json!({"cron": "0 0 * * *"}))),
        (
            "`schedule.on`",
            with("schedule", json!({"on": {"one": {"with": {"type": "t"}, "correlate": {"k": {"from": ".x"}}}}})),
        ),
        ("`schedule.read`", with("schedule", json!({"on": {"any": []}, "read": "envelope"}))),
        ("`evaluate.language`", with("evaluate", json!({"language": "jq"}))),
        ("`evaluate.mode`", with("evaluate", json!({"mode": "loose"}))),
        ("`do`", task(json!({"set": {"x": 1}}))),
        ("`use.authentications`", uses("authentications", json!({"a": {"basic": {"username": "u", "password": "p"}}}))),
        (
            "`use.errors`, `use.retries`, `use.timeouts`",
            with(
                "use",
                json!({"errors": {"e": {"type": "t", "status": 400}}, "retries": {"r": {"limit": {"attempt": {"count": 1}}}}, "timeouts": {"t": {"after": "PT1S"}}}),
            ),
        ),
        ("`use.extensions`", extension(json!({"extend": "all", "before": before}))),
        (
            "`use.functions`: one call of the default catalog",
            json!({"use": {"functions": {"f": {"call": "echo:1.0.0@default", "with": {"x": 1}, "input": {"schema": schema}, "output": {"schema": schema}, "metadata": {"kind": "step"}}}}, "do": [{"a": {"call": "f"}}]}),
        ),
        (
            "`use.functions`: any other task",
            json!({"use": {"functions": {"f": {"do": [{"b": {"set": {"x": 1}}}]}}}, "do": [{"a": {"call": "f", "with": {"x": 1}}}]}),
        ),
        ("`use.secrets`", json!({"use": {"secrets": ["s"]}, "do": [{"a": {"set": {"x": "${ $secrets.s }"}}}]})),
        ("`use.catalogs`", uses("catalogs", json!({"c": {"endpoint": "https://h"}}))),
        ("`if`", task(json!({"if": ".x", "set": {"x": 1}}))),
        ("task `input.schema`, `input.from`", task(json!({"input": {"schema": schema, "from": "."}, "set": {"x": 1}}))),
        ("task `output.as`, `output.schema`", task(json!({"output": {"schema": schema, "as": "."}, "set": {"x": 1}}))),
        ("`export.as`, `export.schema`", task(json!({"export": {"schema": schema, "as": "."}, "set": {"x": 1}}))),
        ("task `timeout`", task(json!({"timeout": {"after": "PT1S"}, "set": {"x": 1}}))),
        ("`then`", task(json!({"then": "end", "set": {"x": 1}}))),
        ("`metadata`", task(json!({"metadata": {"x": 1}, "set": {"x": 1}}))),
        ("`schema.document`", with("input", json!({"schema": {"document": {}}}))),
        ("`schema.format`", with("input", json!({"schema": schema}))),
        ("`schema.resource`", with("input", json!({"schema": {"resource": {"endpoint": "https://h"}}}))),
        ("`call`: `name:version@default`", task(json!({"call": "echo:1.0.0@default"}))),
        (
            "`call`: one of `use.functions`",
            json!({"use": {"functions": {"f": {"call": "echo:1.0.0@default"}}}, "do": [{"a": {"call": "f"}}]}),
        ),
        ("`call`: `with` of a catalog function", task(json!({"call": "echo:1.0.0@default", "with": {"x": "${ . }"}}))),
        (
            "`call: http`: `method`, `endpoint`",
            task(json!({"call": "http", "with": {"method": "get", "endpoint": "https://h/{x}"}})),
        ),
        (
            "`call: http`: `headers`, `query`, `body`",
            task(
                json!({"call": "http", "with": {"method": "get", "endpoint": "${ .x }", "headers": {"a": "b"}, "query": "${ .q }", "body": 1}}),
            ),
        ),
        (
            "`call: http`: `output`, `redirect`",
            task(
                json!({"call": "http", "with": {"method": "get", "endpoint": {"uri": "https://h"}, "output": "raw", "redirect": true}}),
            ),
        ),
        (
            "`call: openapi`: `document`, `operationId`",
            task(
                json!({"call": "openapi", "with": {"document": {"name": "d", "endpoint": "https://h"}, "operationId": "o"}}),
            ),
        ),
        (
            "`call: openapi`: `parameters`, `authentication`, `output`, `redirect`",
            task(
                json!({"call": "openapi", "with": {"document": {"endpoint": "https://h"}, "operationId": "o", "parameters": {"a": 1}, "authentication": {"bearer": {"token": "t"}}, "output": "response", "redirect": false}}),
            ),
        ),
        ("`call: grpc`", task(json!({"call": "grpc", "with": {}}))),
        ("`call: asyncapi`", task(json!({"call": "asyncapi", "with": {}}))),
        ("`call: a2a`", task(json!({"call": "a2a", "with": {}}))),
        ("`call: mcp`", task(json!({"call": "mcp", "with": {}}))),
        ("`call`: function of another catalog", task(json!({"call": "f:1.0.0@other"}))),
        ("`call`: function by URL", task(json!({"call": "https://h/f"}))),
        ("`do` (task)", task(json!({"do": [{"b": {"set": {"x": 1}}}]}))),
        ("`emit.event.with`", task(json!({"emit": {"event": {"with": {"type": "t"}}}}))),
        (
            "`for.each`, `in`, `at`",
            task(json!({"for": {"each": "e", "in": ".", "at": "i"}, "do": [{"b": {"set": "${ $e + $i }"}}]})),
        ),
        ("`for.in` a list as written", task(json!({"for": {"in": [{"x": 1}]}, "do": [{"b": {"set": "${ $item }"}}]}))),
        ("`for`: `while`", task(json!({"for": {"in": "."}, "while": "$item", "do": [{"b": {"set": {"x": 1}}}]}))),
        (
            "`fork.branches`, `compete`",
            task(json!({"fork": {"compete": true, "branches": [{"b": {"set": {"x": 1}}}]}})),
        ),
        ("`listen.to.one`, `any`, `all`", listen(json!({"all": [{"with": {"type": "t"}}]}))),
        ("`listen.to.until` a condition", listen(json!({"any": [], "until": "true"}))),
        ("`listen.to.until` events", listen(json!({"any": [], "until": {"all": [{"with": {"type": "t"}}]}}))),
        ("`listen.to` `with`", listen(json!({"one": {"with": {"type": "t", "data": "${ .x }"}}}))),
        (
            "`listen.to` `correlate`",
            listen(json!({"one": {"with": {"type": "t"}, "correlate": {"k": {"from": ".x", "expect": "1"}}}})),
        ),
        ("`listen.read`", task(json!({"listen": {"to": {"any": []}, "read": "raw"}}))),
        (
            "`listen`: `foreach`",
            task(
                json!({"listen": {"to": {"any": []}}, "foreach": {"item": "e", "at": "i", "do": [{"b": {"set": "${ $e + $i }"}}], "output": {"as": "."}, "export": {"as": "."}}}),
            ),
        ),
        (
            "`raise.error`",
            task(
                json!({"raise": {"error": {"type": "t", "status": 400, "title": "t", "detail": "d", "instance": "/i"}}}),
            ),
        ),
        ("`run.workflow`", task(json!({"run": {"workflow": run}}))),
        ("`run.await`", task(json!({"run": {"workflow": run, "await": false}}))),
        ("`run.return`", task(json!({"run": {"workflow": run, "return": "none"}}))),
        ("`run.script`", task(json!({"run": {"script": {"language": "js", "code": "1"}}}))),
        ("`run.shell`", task(json!({"run": {"shell": {"command": "ls"}}}))),
        ("`run.container`", task(json!({"run": {"container": {"image": "i"}}}))),
        ("`set`", task(json!({"set": "${ . }"}))),
        ("`switch`", task(json!({"switch": [{"c": {"when": ".x", "then": "end"}}]}))),
        (
            "`try.catch.errors.with`",
            caught(
                json!({"errors": {"with": {"type": "t", "status": 400, "instance": "/i", "title": "t", "detail": "d"}}}),
            ),
        ),
        ("`try.catch.as`, `when`, `exceptWhen`", caught(json!({"as": "e", "when": "$e", "exceptWhen": ".x"}))),
        ("`try.catch.do`", caught(json!({"do": [{"c": {"set": "${ $error }"}}]}))),
        ("`try.catch.then`", caught(json!({"then": "end"}))),
        (
            "`try.catch.retry`",
            caught(
                json!({"retry": {"when": ".", "exceptWhen": ".", "delay": "PT1S", "backoff": {"linear": {}}, "limit": {"attempt": {"count": 1, "duration": "PT1S"}, "duration": "PT1S"}, "jitter": {"from": "PT0S", "to": "PT1S"}}}),
            ),
        ),
        ("`wait`", task(json!({"wait": {"days": 1, "hours": 1, "minutes": 1, "seconds": 1, "milliseconds": 1}}))),
        ("`basic`, `digest`", auth(json!({"digest": {"username": "u", "password": "${ .p }"}}))),
        ("`bearer`", auth(json!({"use": "named"}))),
        ("`oauth2`", auth(json!({"oauth2": oauth2}))),
        ("`oidc`", auth(json!({"oidc": oauth}))),
        ("scheme `use`", auth(json!({"oauth2": {"use": "s"}}))),
        ("`extend`", extension(json!({"extend": "composite", "after": before}))),
        ("extension `when`", extension(json!({"extend": "call", "when": "$task.name == \"x\"", "before": before}))),
        ("`before`, `after`", extension(json!({"extend": "all", "before": before, "after": before}))),
    ]
}

#[test]
fn the_tables_say_what_the_code_does() {
    let rows = rows();
    let samples = samples();
    let known: BTreeSet<&str> = samples.iter().map(|(name, _)| *name).collect();
    let written: BTreeSet<&str> = rows.keys().map(String::as_str).collect();
    assert_eq!(written.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "rows without a sample");
    assert_eq!(known.difference(&written).collect::<Vec<_>>(), Vec::<&&str>::new(), "samples without a row");
    for (name, body) in samples {
        let parsed = parse(&workflow(body).to_string(), "w.json");
        let errors: Vec<String> = match &parsed {
            Ok(_) => Vec::new(),
            Err(list) => list.iter().filter(|d| d.severity == Severity::Error).map(ToString::to_string).collect(),
        };
        match rows[name].as_str() {
            "done" => assert!(errors.is_empty(), "{name} is said to be done: {errors:?}"),
            "not yet" => assert!(errors.len() == 1 && errors[0].contains("is not supported yet"), "{name}: {errors:?}"),
            "refused" => assert!(errors.len() == 1 && errors[0].contains("is refused"), "{name}: {errors:?}"),
            other => panic!("{name}: unknown state `{other}`"),
        }
    }
}
