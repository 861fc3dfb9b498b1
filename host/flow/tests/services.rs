//! What a workflow asks of others: requests, authentication, other workflows,
//! functions written in place, extensions.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, clippy::format_collect, clippy::float_cmp)] // tests may fail loudly

mod common;

use common::{Sim, define, error, output, path, run};
use huiyin_flow::{ErrorKind, WorkflowRef};
use serde_json::{Value, json};

/// The request of a `call: http` with these arguments, as it is sent.
fn sent(with: Value, input: Value) -> Value {
    let def = define(json!({"use": {"secrets": ["key"]}, "do": [{"a": {"call": "http", "with": with}}]}));
    output(&run(&def, input)).clone()
}

fn refused(with: Value, input: Value) -> (bool, bool, String) {
    let def = define(json!({"do": [{"a": {"call": "http", "with": with}}]}));
    let sim = run(&def, input);
    let e = error(&sim);
    assert_eq!(e.instance, "/do/0/a");
    (e.is(ErrorKind::Expression), e.is(ErrorKind::Validation), e.detail.clone().unwrap())
}

#[test]
fn a_request_is_computed_when_the_task_is_entered() {
    assert_eq!(
        sent(json!({"method": "get", "endpoint": "https://example.cn/pets/{petId}"}), json!({"petId": "a b/ü"})),
        json!({"by": "http", "method": "GET", "uri": "https://example.cn/pets/a%20b%2F%C3%BC", "output": "content", "redirect": false})
    );
    assert_eq!(
        sent(
            json!({
                "method": "post",
                "endpoint": {"uri": "${ \"https://example.cn/\" + .path }", "authentication": {"bearer": {"token": "${ \"t-\" + $secrets.key }"}}},
                "headers": {"X-One": "${ .n }", "Authorization-Is": "${ $authorization.scheme }", "gone": "${ .nothing }"},
                "query": "${ {tag: [\"a\", \"b\"], n: .n, none: null} }",
                "body": {"n": "${ .n }"},
                "output": "response",
                "redirect": true
            }),
            json!({"path": "x?y={z}", "n": 7})
        ),
        json!({
            "by": "http", "method": "POST", "uri": "https://example.cn/x?y={z}",
            "headers": {"X-One": "7", "Authorization-Is": "Bearer"}, "query": {"tag": ["a", "b"], "n": 7}, "body": {"n": 7},
            "output": "response", "redirect": true,
            "authentication": {"scheme": "bearer", "token": "t-{{huiyin:secret:key}}"}
        })
    );
}

#[test]
fn template_variables_are_plain_properties_of_the_input() {
    let uri = |input| sent(json!({"method": "get", "endpoint": "https://example.cn/{a}/{b.c}"}), input)["uri"].clone();
    assert_eq!(uri(json!({"a": 1, "b.c": true})), json!("https://example.cn/1/true"));
    // As the specification has it: what is not there is empty.
    assert_eq!(uri(json!({"a": null})), json!("https://example.cn//"));
    let (expression, _, detail) =
        refused(json!({"method": "get", "endpoint": "https://example.cn/{a}"}), json!({"a": {"b": 1}}));
    assert!(expression && detail.contains("`{a}`"), "{detail}");
}

#[test]
fn a_request_that_cannot_be_is_an_error_of_its_task() {
    let get = |endpoint: &str| json!({"method": "get", "endpoint": endpoint});
    assert!(refused(get("${ .x }"), json!({"x": 5})).0);
    assert!(refused(get("${ .x }"), json!({"x": "ftp://example.cn"})).1);
    assert!(refused(get("{host}/x"), json!({})).1);
    assert!(refused(get("https://{host}/x"), json!({})).1);
    let with = |name: &str, value: Value| {
        let mut with = get("https://example.cn");
        with[name] = value;
        with
    };
    assert!(refused(with("headers", json!({"a": "${ .x }"})), json!({"x": "1\r\nhost: evil"})).1);
    assert!(refused(with("headers", json!({"a": "${ .x }"})), json!({"x": []})).0);
    assert!(refused(with("headers", json!("${ .x }")), json!({"x": {"a b": "1"}})).1);
    assert!(refused(with("query", json!("${ .x }")), json!({"x": 1})).0);
    assert!(refused(with("query", json!({"q": "${ .x }"})), json!({"x": {}})).0);
    assert!(refused(with("method", json!("${ .x }")), json!({"x": "G T"})).1);
}

#[test]
fn openapi_names_its_document_and_operation() {
    let def = define(
        json!({"use": {"secrets": ["s"], "authentications": {"who": {"digest": {"username": "u", "password": "${ .p }"}}}}, "do": [{"a": {"call": "openapi", "with": {
            "document": {"name": "pets", "endpoint": {"uri": "https://example.cn/{v}/api.json", "authentication": {"basic": {"use": "s"}}}},
            "operationId": "find", "parameters": {"status": "${ .s }"}, "authentication": {"use": "who"}, "output": "raw"
        }}}]}),
    );
    assert_eq!(
        output(&run(&def, json!({"v": 2, "s": "sold", "p": "x"}))),
        &json!({
            "by": "openapi", "document": "https://example.cn/2/api.json",
            "document_authentication": {"scheme": "secret", "kind": "basic", "name": "s"},
            "operation_id": "find", "parameters": {"status": "sold"}, "output": "raw", "redirect": false,
            "authentication": {"scheme": "digest", "username": "u", "password": "x"}
        })
    );
    let requests = def.requests();
    assert_eq!(
        (requests[0].by, requests[0].uri.clone(), requests[0].secrets.clone()),
        ("openapi", None, vec!["s".to_owned()])
    );
}

#[test]
fn oauth_has_all_its_properties() {
    let all = json!({
        "authority": "https://id.example.cn/{realm}", "endpoints": {"token": "/t", "revocation": "/r", "introspection": "/i"},
        "grant": "urn:ietf:params:oauth:grant-type:token-exchange",
        "client": {"id": "me", "secret": "${ $secrets.key }", "assertion": "j", "authentication": "private_key_jwt"},
        "request": {"encoding": "application/json"}, "issuers": ["i"], "scopes": ["${ .scope }"], "audiences": ["a"],
        "username": "u", "password": "p", "subject": {"token": "s", "type": "t"}, "actor": {"token": "s", "type": "t"}
    });
    let with =
        |auth: Value| json!({"method": "get", "endpoint": {"uri": "https://example.cn", "authentication": auth}});
    let mut wanted = all.clone();
    wanted["authority"] = json!("https://id.example.cn/r1");
    wanted["client"]["secret"] = json!("{{huiyin:secret:key}}");
    wanted["scopes"] = json!(["read"]);
    let input = json!({"realm": "r1", "scope": "read"});
    assert_eq!(
        sent(with(json!({"oauth2": all})), input.clone())["authentication"],
        json!({"scheme": "oauth2", "properties": wanted})
    );
    let oidc = json!({"oidc": {"authority": "https://id.example.cn", "grant": "password", "client": {"authentication": "none"}}});
    assert_eq!(sent(with(oidc), input.clone())["authentication"]["scheme"], "oidc");
    // What is computed is checked too.
    let bad = json!({"bearer": {"token": "${ .n }"}});
    assert!(refused(with(bad), json!({"n": 1})).0);
}

#[test]
fn authorization_is_never_a_value() {
    let def = define(json!({"do": [{"a": {
        "call": "http",
        "with": {"method": "get", "endpoint": {"uri": "https://example.cn", "authentication": {"basic": {"username": "u", "password": "hidden"}}}},
        "output": {"as": "$authorization"}, "export": {"as": "{scheme: $authorization.scheme}"}
    }}, {"b": {"set": {"was": "${ $context.scheme }", "is": "${ $authorization }", "of": "${ . }"}}}]}));
    assert_eq!(
        output(&run(&def, json!({}))),
        &json!({"was": "Basic", "is": null, "of": {"scheme": "Basic", "parameter": "{{huiyin:authorization}}"}})
    );
}

#[test]
fn another_workflow_gives_its_output_or_its_error() {
    let workflow = |name: &str| json!({"namespace": "n", "name": name, "version": "1.0.0", "input": {"x": "${ .x }"}});
    let def = define(json!({"do": [{"a": {"run": {"workflow": workflow("m")}}}]}));
    assert_eq!(output(&run(&def, json!({"x": 1}))), &json!({"ran": {"x": 1}}));
    let wanted = WorkflowRef { namespace: "n".into(), name: "m".into(), version: "1.0.0".into() };
    assert_eq!(def.subflows().iter().map(|w| (**w).clone()).collect::<Vec<_>>(), [wanted]);
    let def = define(json!({"do": [{"a": {"run": {"workflow": workflow("m"), "await": false}}}]}));
    assert_eq!(output(&run(&def, json!({"x": 1}))), &json!({"x": 1}));
    let def = define(json!({"do": [{"a": {"run": {"workflow": workflow("m"), "return": "none"}}}]}));
    assert_eq!(output(&run(&def, json!({"x": 1}))), &Value::Null);
    let def = define(json!({"do": [{"a": {"run": {"workflow": {"namespace": "n", "name": "m"}}}}]}));
    assert_eq!((def.subflows()[0].version.as_str(), output(&run(&def, json!(5)))), ("latest", &json!({"ran": 5})));
    let def = define(
        json!({"do": [{"t": {"try": [{"a": {"run": {"workflow": workflow("fails")}}}], "catch": {"do": [{"h": {"set": {"e": "${ $error }"}}}]}}}]}),
    );
    let e = output(&run(&def, json!({"x": 2})))["e"].clone();
    assert_eq!((&e["status"], &e["instance"]), (&json!(400), &json!("/do/0/t/try/0/a")));
    assert_eq!(e["detail"], "no good: {\"x\":2} (at /do/7/x of n/fails 1.0.0)");
}

#[test]
fn a_function_may_be_any_task_written_in_place() {
    let def = define(json!({
        "use": {"functions": {
            "getPet": {"input": {"schema": {"document": {"type": "object", "required": ["petId"]}}}, "call": "http", "with": {"method": "get", "endpoint": "https://example.cn/{petId}"}, "output": {"as": ".uri"}},
            "twice": {"do": [{"a": {"call": "getPet", "with": {"petId": "${ .n }"}}}, {"b": {"set": {"first": "${ . }"}, "then": "exit"}}, {"c": {"set": {"x": 0}}}]},
            "sum": {"set": "${ .a + .b }"}
        }},
        "do": [{"one": {"call": "twice", "with": {"n": "${ .x }"}, "output": {"as": "{got: ., of: $input.x}"}}}, {"two": {"call": "sum", "input": {"from": "{a: .of, b: 1}"}, "export": {"as": "."}}}]
    }));
    let sim = run(&def, json!({"x": 4}));
    assert_eq!(output(&sim), &json!(5));
    assert_eq!(
        path(&sim).iter().map(|p| &**p).collect::<Vec<_>>(),
        [
            "/do/0/one",
            "/use/functions/twice",
            "/use/functions/twice/do/0/a",
            "/use/functions/getPet",
            "/use/functions/twice/do/1/b",
            "/do/1/two",
            "/use/functions/sum"
        ]
    );
    let bad = define(
        json!({"use": {"functions": {"f": {"input": {"schema": {"document": {"required": ["x"]}}}, "set": {"y": 1}}}}, "do": [{"a": {"call": "f", "with": {}}}]}),
    );
    let sim = run(&bad, json!({"x": 1}));
    assert!(error(&sim).is(ErrorKind::Validation) && error(&sim).instance == "/use/functions/f", "{:?}", error(&sim));
}

#[test]
fn extensions_stand_around_tasks_and_change_nothing() {
    let def = define(json!({
        "use": {"extensions": [
            {"outer": {"extend": "all", "when": "$task.name != \"c\"", "before": [{"log": {"emit": {"event": {"with": {"type": "before", "subject": "${ $task.reference }"}}}}}], "after": [{"log": {"emit": {"event": {"with": {"type": "after", "subject": "${ $task.reference }", "data": "${ $task.output }"}}}}}]}},
            {"inner": {"extend": "set", "before": [{"d": {"do": [{"log": {"emit": {"event": {"with": {"type": "inner", "subject": "${ $task.reference }"}}}}}]}}]}}
        ]},
        "do": [
            {"a": {"set": {"n": "${ .n + 1 }"}, "then": "c"}},
            {"b": {"set": {"n": 0}}},
            {"c": {"set": {"n": "${ .n + 10 }"}}},
            {"skipped": {"if": "false", "set": {"n": 0}}},
            {"d": {"switch": [{"yes": {"when": ".n > 5", "then": "e"}}]}},
            {"no": {"set": {"n": 0}}},
            {"e": {"call": "echo:1.0.0@default", "with": {"n": "${ .n }"}}}
        ]
    }));
    let sim = run(&def, json!({"n": 1}));
    assert_eq!(output(&sim), &json!({"n": 12}));
    let said: Vec<String> = sim
        .published
        .iter()
        .map(|e| format!("{} {}", e["type"].as_str().unwrap(), e["subject"].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            "before /do/0/a",
            "inner /do/0/a",
            "after /do/0/a",
            "inner /do/2/c",
            "before /do/4/d",
            "after /do/4/d",
            "before /do/6/e",
            "after /do/6/e"
        ]
    );
    assert_eq!(sim.published[2]["data"], json!({"n": 2}));
    assert_eq!(sim.published[0]["source"], "/test/example/1.0.0");
}

#[test]
fn exit_before_a_task_stands_in_its_place() {
    let def = define(json!({
        "use": {"extensions": [
            {"log": {"extend": "call", "after": [{"log": {"emit": {"event": {"with": {"type": "after"}}}}}]}},
            {"mock": {"extend": "call", "when": "$task.definition.with.endpoint | startswith(\"https://mocked\")",
                "before": [{"m": {"set": {"content": {"foo": "bar"}}, "then": "exit"}}, {"never": {"call": "fail:1.0.0@default"}}],
                "after": [{"never": {"call": "fail:1.0.0@default"}}]}}
        ]},
        "do": [
            {"a": {"call": "http", "with": {"method": "get", "endpoint": "https://mocked.example.cn"}, "output": {"as": ".content + {raw: $input.x}"}, "export": {"as": "."}, "then": "c"}},
            {"b": {"set": {"x": 0}}},
            {"c": {"set": {"a": "${ . }", "context": "${ $context }"}}}
        ]
    }));
    let sim = run(&def, json!({"x": 1}));
    assert_eq!(output(&sim), &json!({"a": {"foo": "bar", "raw": 1}, "context": {"foo": "bar", "raw": 1}}));
    assert_eq!(sim.published.len(), 1);
}

#[test]
fn an_extension_does_not_extend_itself_nor_what_it_calls() {
    let def = define(json!({
        "use": {
            "functions": {"log": {"do": [{"e": {"emit": {"event": {"with": {"type": "logged"}}}}}]}},
            "extensions": [{"all": {"extend": "all", "before": [{"l": {"call": "log"}}]}}]
        },
        "do": [{"f": {"fork": {"branches": [{"a": {"set": {"x": 1}}}, {"b": {"do": [{"c": {"set": {"x": 2}}}]}}]}}}]
    }));
    let sim = run(&def, json!({}));
    assert_eq!((output(&sim), sim.published.len()), (&json!([{"x": 1}, {"x": 2}]), 4));
}

#[test]
fn an_error_of_an_extension_has_its_own_place() {
    let def = define(json!({
        "use": {"extensions": [{"bad": {"extend": "set", "after": [{"x": {"call": "fail:1.0.0@default"}}]}}]},
        "do": [{"t": {"try": [{"a": {"set": {"x": 1}}}], "catch": {"as": "e", "do": [{"h": {"switch": [{"d": {"then": "exit"}}], "output": {"as": "$e.instance"}}}]}}}]
    }));
    assert_eq!(output(&run(&def, json!({}))), &json!("/use/extensions/0/bad/after/0/x"));
    let def = define(json!({
        "use": {"extensions": [{"bad": {"extend": "set", "when": ".x.y", "before": [{"x": {"set": {"y": 1}}}]}}]},
        "do": [{"a": {"set": {"x": 1}}}]
    }));
    let sim = run(&def, json!({"x": 1}));
    assert_eq!(error(&sim).instance, "/use/extensions/0/bad/when");
    // Who is extended is to be seen while it is at work.
    let def = define(json!({
        "use": {"extensions": [{"slow": {"extend": "set", "before": [{"w": {"wait": "PT1S"}}]}}]},
        "do": [{"a": {"set": {"x": 1}}}]
    }));
    let mut sim = Sim::new(&def);
    sim.start(json!({}));
    let active = sim.state.active();
    assert_eq!(
        (&*active[0].task, active[0].extends.as_deref()),
        ("/use/extensions/0/slow/before/0/w", Some("/do/0/a"))
    );
}
