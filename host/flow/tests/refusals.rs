//! What is refused, where, and with which words. Nothing wrong gets past
//! parsing, and no text makes it panic.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, clippy::format_collect, clippy::float_cmp)] // tests may fail loudly

mod common;

use common::{errors, parse, workflow};
use huiyin_flow::{Diagnostic, Schedule, Severity};
use serde_json::{Value, json};

/// The first error, as `pointer: message; hint`.
fn first(body: Value) -> String {
    let list = errors(body);
    show(&list[0])
}

fn show(d: &Diagnostic) -> String {
    format!("{}: {}{}", d.pointer, d.message, d.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default())
}

fn task(task: Value) -> Value {
    json!({"do": [{"a": task}]})
}

#[test]
fn unknown_keys_have_a_place_and_a_hint() {
    let list = errors(json!({"do": [{"a": {"set": {"x": 1}, "thn": "end"}}]}));
    assert_eq!(list.len(), 1);
    let d = &list[0];
    assert_eq!((d.file.as_str(), d.line, d.column, d.pointer.as_str()), ("test.json", 14, 9, "/do/0/a/thn"));
    assert_eq!((d.message.as_str(), d.hint.as_deref()), ("unknown property `thn`", Some("did you mean `then`?")));
    assert_eq!(d.to_string(), "test.json:14:9: error: unknown property `thn` (at /do/0/a/thn); did you mean `then`?");
}

#[test]
fn all_problems_come_at_once() {
    let list = errors(
        json!({"dooo": 1, "do": [{"a": {"wait": "soon"}}, {"b": {"call": "ehco:1.0.0@default"}}, {"c": {"set": {}}}]}),
    );
    let pointers: Vec<&str> = list.iter().map(|d| d.pointer.as_str()).collect();
    assert_eq!(pointers, ["/dooo", "/do/0/a/wait", "/do/1/b/call", "/do/2/c/set"]);
}

#[test]
fn what_is_not_there_yet_and_what_will_never_be() {
    for (body, pointer) in [
        (task(json!({"call": "grpc", "with": {}})), "/do/0/a/call"),
        (task(json!({"call": "asyncapi", "with": {}})), "/do/0/a/call"),
        (task(json!({"call": "a2a", "with": {}})), "/do/0/a/call"),
        (task(json!({"call": "mcp", "with": {}})), "/do/0/a/call"),
        (
            json!({"use": {"functions": {"f": {"call": "grpc", "with": {}}}}, "do": [{"a": {"call": "f"}}]}),
            "/use/functions/f/call",
        ),
    ] {
        let list = errors(body);
        assert_eq!((list.len(), list[0].pointer.as_str()), (1, pointer), "{list:?}");
        assert!(list[0].message.ends_with("is not supported yet"), "{list:?}");
    }
    for (body, pointer) in [
        (task(json!({"run": {"script": {"language": "js", "code": "1"}}})), "/do/0/a/run/script"),
        (task(json!({"run": {"shell": {"command": "ls"}}})), "/do/0/a/run/shell"),
        (task(json!({"run": {"container": {"image": "x"}}})), "/do/0/a/run/container"),
        (task(json!({"call": "log:1.0.0@elsewhere"})), "/do/0/a/call"),
        (task(json!({"call": "https://example.cn/f@1.0.0"})), "/do/0/a/call"),
        (
            json!({"use": {"catalogs": {"x": {"endpoint": "https://example.cn"}}}, "do": [{"a": {"set": {"x": 1}}}]}),
            "/use/catalogs",
        ),
        (
            task(json!({"set": {"x": 1}, "input": {"schema": {"resource": {"endpoint": "https://example.cn"}}}})),
            "/do/0/a/input/schema/resource",
        ),
    ] {
        let list = errors(body);
        assert_eq!((list.len(), list[0].pointer.as_str()), (1, pointer), "{list:?}");
        assert!(list[0].message.contains("is refused") && list[0].message.contains("rule 6"), "{list:?}");
    }
}

#[test]
fn the_words_of_common_mistakes() {
    for (body, says) in [
        (json!({}), ": `do` is missing"),
        (json!({"do": []}), "/do: the list of tasks is empty"),
        (json!({"do": {"a": 1}}), "/do: must be a list, but is an object"),
        (
            json!({"do": [{"a": {"set": {"x": 1}}, "b": {"set": {"x": 1}}}]}),
            "/do/0: must hold exactly one task, but holds 2; each task is an item of its own: `- name: {…}`",
        ),
        (
            json!({"do": [{"a": {"set": {"x": 1}}}, {"a": {"set": {"x": 1}}}]}),
            "/do/1/a: the list already has a task `a`",
        ),
        (task(json!({"sett": {"x": 1}})), "/do/0/a: the task `a` does nothing known; did you mean `set`?"),
        (task(json!({"set": {"x": 1}, "wait": "PT1S"})), "/do/0/a: the task `a` is of several kinds: set, wait"),
        (
            task(json!({"set": {"x": 1}, "then": "b"})),
            "/do/0/a/then: there is no task `b` in this list; did you mean `a`?",
        ),
        (
            task(json!({"set": {"x": "${ .y + }"}})),
            "/do/0/a/set/x: the expression `.y +` does not compile: expected term at the end",
        ),
        (
            task(json!({"set": {"x": "${ $inptu.y }"}})),
            "/do/0/a/set/x: the expression `$inptu.y` does not compile: variable `$inptu` is not defined here; variables known here: $context, $input, $secrets, $task, $workflow, $runtime, $authorization",
        ),
        (
            task(json!({"set": {"x": "${ now }"}})),
            "/do/0/a/set/x: the expression `now` does not compile: `now` is not available: an expression sees its input and variables only",
        ),
        (
            task(json!({"set": {"x": 1}, "if": "$output"})),
            "/do/0/a/if: the expression `$output` does not compile: variable `$output` is not defined here; variables known here: $context, $secrets, $task, $workflow, $runtime",
        ),
        (task(json!({"wait": "10s"})), "/do/0/a/wait: `10s` is not an ISO 8601 duration such as `PT1H30M`"),
        (
            task(json!({"wait": {"minute": 1}})),
            "/do/0/a/wait/minute: unknown property `minute`; did you mean `minutes`?",
        ),
        (task(json!({"wait": {"minutes": -1}})), "/do/0/a/wait/minutes: must be a whole number, 0 or more"),
        (task(json!({"wait": "-PT1S"})), "/do/0/a/wait: `-PT1S` is not an ISO 8601 duration such as `PT1H30M`"),
        (
            task(json!({"call": "ehco:1.0.0@default"})),
            "/do/0/a/call: the default catalog has no function `ehco`; did you mean `echo`?",
        ),
        (
            task(json!({"call": "echo:2.0.0@default"})),
            "/do/0/a/call: the default catalog has no version `2.0.0` of `echo`",
        ),
        (
            task(json!({"call": "echo"})),
            "/do/0/a/call: `echo` is neither a function of the default catalog nor one of `use.functions`; write `name:version@default`, or the name of one of `use.functions`",
        ),
        (
            task(json!({"call": "open-case:1.0.0@default", "with": {"item": "${ . }"}})),
            "/do/0/a/with: `open-case:1.0.0@default` needs `level`",
        ),
        (
            task(json!({"call": "open-case:1.0.0@default", "with": {"item": "${ . }", "level": "I", "nota": 1}})),
            "/do/0/a/with/nota: `open-case:1.0.0@default` takes no `nota`; did you mean `note`?",
        ),
        (task(json!({"raise": {"error": "late"}})), "/do/0/a/raise/error: `late` is not defined in `use.errors`"),
        (task(json!({"raise": {"error": {"type": "x"}}})), "/do/0/a/raise/error: `status` is missing"),
        (
            task(json!({"set": {"x": 1}, "timeout": "short"})),
            "/do/0/a/timeout: `short` is not defined in `use.timeouts`",
        ),
        (task(json!({"try": [{"b": {"set": {"x": 1}}}]})), "/do/0/a: `catch` is missing"),
        (
            task(json!({"try": [{"b": {"set": {"x": 1}}}], "catch": {"as": "input"}})),
            "/do/0/a/catch/as: `input` already is a variable of every expression",
        ),
        (
            task(json!({"for": {"in": ".x", "each": "a b"}, "do": [{"b": {"set": {"x": 1}}}]})),
            "/do/0/a/for/each: `a b` cannot name a variable: letters, digits and `_`",
        ),
        (task(json!({"emit": {"event": {"with": {"source": "/s"}}}})), "/do/0/a/emit/event/with: `type` is missing"),
        (
            task(json!({"emit": {"event": {"with": {"type": "t", "source": "s", "dataContentType": "x"}}}})),
            "/do/0/a/emit/event/with/dataContentType: `dataContentType` is no CloudEvents attribute: names are lower case letters and digits; did you mean `datacontenttype`?",
        ),
        (
            task(json!({"listen": {"to": {"one": {"with": {"type": "t"}}, "all": []}}})),
            "/do/0/a/listen/to: must give exactly one of one, any, all",
        ),
        (
            task(json!({"fork": {"branches": [{"x": {"set": {"x": 1}, "then": "y"}}, {"y": {"set": {"x": 1}}}]}})),
            "/do/0/a/fork/branches/0/x/then: a branch cannot go on to another branch: they run at the same time",
        ),
        (
            json!({"use": {"functions": {"f": {"do": [{"x": {"call": "g"}}]}, "g": {"try": [{"y": {"call": "f"}}], "catch": {}}}}, "do": [{"a": {"call": "f"}}]}),
            "/use/functions/f: the function `f` calls itself: it would never end",
        ),
        (
            task(json!({"call": "http", "with": {"method": "get", "endpoint": "/pets"}})),
            "/do/0/a/with/endpoint: `/pets` is not an absolute `http` or `https` URI; write it in full: `https://host/path`",
        ),
        (
            task(json!({"call": "http", "with": {"method": "get", "endpoint": "https://h/{id"}})),
            "/do/0/a/with/endpoint: `https://h/{id` has a `{` without its `}`",
        ),
        (
            task(json!({"call": "http", "with": {"method": "g t", "endpoint": "https://h"}})),
            "/do/0/a/with/method: `g t` is no HTTP method",
        ),
        (
            task(json!({"call": "http", "with": {"method": "get", "endpoint": "https://h", "output": "json"}})),
            "/do/0/a/with/output: unknown form of output: `json`; raw, content or response",
        ),
        (
            task(json!({"call": "http", "with": {"method": "get", "endpoint": "https://h", "headers": "x"}})),
            "/do/0/a/with/headers: must be an object or an expression, but is a text",
        ),
        (task(json!({"call": "http"})), "/do/0/a: `with` is missing"),
        (
            task(json!({"call": "http", "with": {"method": "get", "endpoint": {"uri": "https://h", "authentication": {"use": "me"}}}})),
            "/do/0/a/with/endpoint/authentication/use: `me` is not defined in `use.authentications`",
        ),
        (
            task(json!({"call": "http", "with": {"method": "get", "endpoint": {"uri": "https://h", "authentication": {"basic": {"use": "me"}}}}})),
            "/do/0/a/with/endpoint/authentication/basic/use: the secret `me` is not declared in `use.secrets`",
        ),
        (
            json!({"use": {"authentications": {"a": {"oauth2": {"authority": "https://h", "grant": "client_credential", "client": {"id": "x"}}}}}, "do": [{"a": {"set": {"x": 1}}}]}),
            "/use/authentications/a/oauth2/grant: unknown `grant`: `client_credential`; did you mean `client_credentials`?",
        ),
        (
            json!({"use": {"authentications": {"a": {"oidc": {"authority": "https://h", "grant": "password"}}}}, "do": [{"a": {"set": {"x": 1}}}]}),
            "/use/authentications/a/oidc: `client.id` is missing; or say `client.authentication: none`",
        ),
        (
            json!({"use": {"authentications": {"a": {"bearer": {"token": "t"}, "basic": {"username": "u", "password": "p"}}}}, "do": [{"a": {"set": {"x": 1}}}]}),
            "/use/authentications/a: must give exactly one of basic, bearer, digest, oauth2, oidc",
        ),
        (
            json!({"use": {"secrets": ["token"]}, "do": [{"a": {"set": {"x": "${ $secrets.tokn }"}}}]}),
            "/do/0/a/set/x: the secret `tokn` is not declared in `use.secrets`; did you mean `token`?",
        ),
        (
            task(json!({"run": {"workflow": {"namespace": "n", "name": "a b", "version": "1.0.0"}}})),
            "/do/0/a/run/workflow/name: `a b` is not the name of a workflow",
        ),
        (
            task(json!({"run": {"workflow": {"namespace": "n", "name": "m", "version": "1.0.0"}, "return": "code"}})),
            "/do/0/a/run/return: a workflow has no `code`: it is no process; `stdout` (the workflow's output, as by default) or `none`",
        ),
        (
            task(json!({"listen": {"to": {"one": {"with": {"type": "t"}}, "until": "true"}}})),
            "/do/0/a/listen/to/until: `until` goes with `any` only; `one` ends by itself; remove `until`",
        ),
        (
            task(json!({"listen": {"to": {"any": [], "until": {"any": [], "until": "true"}}}})),
            "/do/0/a/listen/to/until/until: an `until` cannot have an `until` of its own",
        ),
        (
            task(json!({"listen": {"to": {"one": {"with": {"type": "t"}, "correlate": {"c": {"expect": "1"}}}}}})),
            "/do/0/a/listen/to/one/correlate/c: `from` is missing",
        ),
        (
            json!({"use": {"extensions": [{"e": {"extend": "cal"}}]}, "do": [{"a": {"set": {"x": 1}}}]}),
            "/use/extensions/0/e/extend: unknown `extend`: `cal`; did you mean `call`?",
        ),
        (
            json!({"schedule": {"cron": "0 0 * * *", "read": "data"}, "do": [{"a": {"set": {"x": 1}}}]}),
            "/schedule/read: says how events are read, so it goes with `on` only",
        ),
        (
            json!({"use": {"functions": {"f": {"call": "echo:1.0.0@default", "then": "end"}}}, "do": [{"a": {"call": "f"}}]}),
            "/use/functions/f/then: unknown property `then`; known here: call, with, input, output, metadata",
        ),
        (
            json!({"evaluate": {"language": "javascript"}, "do": [{"a": {"set": {"x": 1}}}]}),
            "/evaluate/language: expression language `javascript` is not supported; only `jq` is",
        ),
        (
            json!({"schedule": {"every": "PT0S"}, "do": [{"a": {"set": {"x": 1}}}]}),
            "/schedule/every: the interval must be longer than nothing",
        ),
        (
            task(json!({"set": {"x": 1}, "input": {"schema": {"document": {"type": "numbr"}}}})),
            "/do/0/a/input/schema/document: not a usable JSON Schema: ",
        ),
    ] {
        let said = first(body);
        assert!(said.starts_with(says), "said:   {said}\nwanted: {says}");
    }
}

#[test]
fn a_function_that_is_wrong_is_told_once() {
    let list = errors(
        json!({"use": {"functions": {"f": {"call": "ehco:1.0.0@default"}}}, "do": [{"a": {"call": "f"}}, {"b": {"call": "f"}}]}),
    );
    assert_eq!(list.len(), 1, "{list:?}");
}

#[test]
fn literal_arguments_are_checked_whole() {
    let said = first(task(json!({"call": "open-case:1.0.0@default", "with": {"item": {}, "level": "V"}})));
    assert!(
        said.starts_with("/do/0/a/with: `with` does not fit the input of `open-case:1.0.0@default`: /level: "),
        "{said}"
    );
}

#[test]
fn documents_name_themselves_properly() {
    let mut doc = workflow(task(json!({"set": {"x": 1}})));
    doc["document"] = json!({"dsl": "2.0.0", "namespace": "a b", "name": "-x", "version": "1.0", "owner": "me"});
    let list = parse(&doc.to_string(), "w.json").unwrap_err();
    let pointers: Vec<&str> = list.iter().map(|d| d.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/document/owner", "/document/dsl", "/document/version", "/document/namespace", "/document/name"]
    );
}

#[test]
fn broken_texts_have_a_place() {
    for (text, file, line, says) in [
        ("{\"a\": 1,}", "w.json", 1, "not JSON"),
        ("{\n \"do\": [\n", "w.json", 3, "not JSON"),
        ("", "w.json", 1, "not JSON"),
        ("", "w.yaml", 1, "holds nothing"),
        ("a: [1", "w.yaml", 1, "not YAML"),
        ("a: &x 1\nb: *x", "w.yaml", 2, "aliases are not supported"),
        ("a: !!str 1", "w.yaml", 1, "tags are not supported"),
        ("a: 1\n---\nb: 1", "w.yaml", 2, "second document"),
        ("? [a]\n: 1", "w.yaml", 1, "a key must be a text"),
        ("[]", "w.json", 1, "must be an object"),
    ] {
        let list = parse(text, file).unwrap_err();
        assert!(list[0].message.contains(says), "{text:?}: {list:?}");
        assert_eq!(list[0].line, line, "{text:?}: {list:?}");
    }
}

#[test]
fn keys_given_twice_are_refused() {
    for (text, file) in [("{\"do\": [],\n \"do\": []}", "w.json"), ("do: []\ndo: []", "w.yaml")] {
        let list = parse(text, file).unwrap_err();
        let d = list.iter().find(|d| d.message == "the key `do` is given twice").unwrap_or_else(|| panic!("{list:?}"));
        assert_eq!((d.pointer.as_str(), d.line), ("/do", 2));
    }
}

#[test]
fn deep_and_large_texts_are_refused() {
    for (text, file) in [
        ("[".repeat(100_000), "w.json"),
        ("[".repeat(100_000), "w.yaml"),
        ("- ".repeat(5_000), "w.yaml"),
        (format!("{{\"a\": \"{}\"}}", "x".repeat(2_000_000)), "w.json"),
    ] {
        let list = parse(&text, file).unwrap_err();
        assert!(list.iter().all(|d| d.line >= 1 && d.column >= 1));
        assert!(
            list.iter()
                .any(|d| d.message.contains("deep") || d.message.contains("at most") || d.message.contains("not YAML")),
            "{list:?}"
        );
    }
}

#[test]
fn yaml_and_json_say_the_same() {
    let yaml = r#"
document: {dsl: '1.0.3', namespace: test, name: example, version: 1.0.0}
schedule:
  on: {one: {with: {type: huiyin.item.received.v1}}}
do:
  - greet:   # a comment
      if: .n > 0x10
      set:
        text: 你好 😀
        list: [1, -2.5, true, ~, "5"]
"#;
    let json = json!({
        "document": {"dsl": "1.0.3", "namespace": "test", "name": "example", "version": "1.0.0"},
        "schedule": {"on": {"one": {"with": {"type": "huiyin.item.received.v1"}}}},
        "do": [{"greet": {"if": ".n > 16", "set": {"text": "你好 😀", "list": [1, -2.5, true, null, "5"]}}}]
    });
    let from_yaml = parse(&yaml.replace("0x10", "16"), "w.yaml").unwrap();
    let from_json = parse(&json.to_string().replace('😀', "\\ud83d\\ude00"), "w.json").unwrap();
    assert_eq!(from_yaml.source(), from_json.source());
    let Some(Schedule::On(trigger)) = from_yaml.schedule() else { panic!() };
    let event = json!({"type": "huiyin.item.received.v1"});
    assert!(huiyin_flow::matches(&trigger.filters[0], &event) && from_yaml.triggered_by(0, &event, &common::Jq));
    assert!(!huiyin_flow::matches(&trigger.filters[0], &json!({"type": "x"})));
}

#[test]
fn warnings_do_not_stop_a_workflow() {
    let doc = workflow(json!({
        "use": {"functions": {"unused": {"call": "echo:1.0.0@default"}}},
        "do": [{"a": {"set": {"x": "Hello ${ .name }!"}}}]
    }));
    let mut doc = doc;
    doc["document"]["metadata"] = json!({"huiyin": {"unit": "530500", "timezon": "Asia/Shanghai"}, "other": 1});
    let def = parse(&doc.to_string(), "w.json").unwrap();
    let warnings: Vec<String> = def.warnings().iter().map(show).collect();
    assert_eq!(
        warnings,
        [
            "/document/metadata/huiyin/timezon: unknown property `timezon`; did you mean `timezone`?",
            "/do/0/a/set/x: `${` stands within a text, so it is taken literally; make the whole text one expression: `${ \"Hello \\(.name)\" }`",
            "/use/functions/unused: the function `unused` is never called",
        ]
    );
    assert_eq!(def.extension()["unit"], "530500");
}

/// Good workflows that between them use everything.
fn good() -> Vec<Value> {
    vec![
        workflow(json!({
            "input": {"schema": {"document": {"type": "object"}}, "from": ".x"},
            "use": {
                "functions": {"f": {"call": "echo:1.0.0@default", "with": {"a": "${ .b }"}, "metadata": {"kind": "step"}}},
                "errors": {"e": {"type": "https://example.cn/e", "status": 400}},
                "retries": {"r": {"delay": {"seconds": 1}, "backoff": {"exponential": {}}, "limit": {"attempt": {"count": 3}}, "jitter": {"from": "PT0S", "to": "PT1S"}}},
                "timeouts": {"t": {"after": "PT1M"}},
                "secrets": ["s"]
            },
            "timeout": "t",
            "schedule": {"cron": "0 7 * * *"},
            "do": [
                {"call": {"call": "f", "with": {"b": "${ .c }"}, "timeout": "t"}},
                {"try": {"try": [{"r": {"raise": {"error": "e"}}}], "catch": {"errors": {"with": {"status": 400}}, "as": "err", "when": "$err.status > 1", "retry": "r", "do": [{"h": {"set": {"x": "${ $err }"}}}]}}},
                {"switch": {"switch": [{"one": {"when": ".x == 1", "then": "end"}}, {"rest": {"then": "continue"}}]}}
            ],
            "output": {"as": {"y": "${ . }"}}
        })),
        workflow(json!({
            "schedule": {"on": {"any": [{"with": {"type": "a", "data": "${ .x > 1 }"}}]}},
            "do": [
                {"loop": {"for": {"each": "i", "in": ".items", "at": "n"}, "while": "$n < 3", "do": [{"w": {"wait": {"seconds": 1}, "then": "exit"}}]}},
                {"fork": {"fork": {"compete": true, "branches": [{"a": {"set": {"x": 1}}}, {"b": {"listen": {"to": {"all": [{"with": {"type": "t"}}]}, "read": "envelope"}}}]}}},
                {"emit": {"emit": {"event": {"with": {"source": "/s", "type": "t", "data": {"x": "${ .y }"}}}}, "export": {"as": "$context + {a: 1}"}}}
            ]
        })),
    ]
}

/// A small generator, so that a failing mutation can be named by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

/// All places of a value, deepest included.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| places(v, &format!("{at}/{i}"), into)),
        Value::Object(map) => {
            map.iter().for_each(|(k, v)| places(v, &format!("{at}/{}", k.replace('~', "~0").replace('/', "~1")), into))
        }
        _ => {}
    }
}

fn mutate(value: &mut Value, dice: &mut Dice) {
    let mut all = Vec::new();
    places(value, "", &mut all);
    let place = all[dice.roll(all.len())].clone();
    let target = value.pointer_mut(&place).unwrap();
    match dice.roll(8) {
        0 => *target = Value::Null,
        1 => *target = json!(-1.5e300),
        2 => *target = json!("${ .x | ("),
        3 => *target = json!({"x": [[[{}]]]}),
        4 => *target = json!([]),
        5 => *target = json!("\u{0}/~"),
        6 => {
            if let Value::Object(map) = target
                && let Some(key) = map.keys().next().cloned()
            {
                let inner = map.remove(&key).unwrap();
                map.insert(format!("{key}x"), inner);
            }
        }
        _ => {
            if let Value::Object(map) = target {
                let keys: Vec<String> = map.keys().cloned().collect();
                map.remove(&keys[dice.roll(keys.len())]);
            }
        }
    }
}

#[test]
fn good_workflows_are_good() {
    for doc in good() {
        parse(&doc.to_string(), "w.json").unwrap_or_else(|list| panic!("{list:?}"));
    }
}

#[test]
fn hundreds_of_mutations_never_panic_and_every_refusal_names_a_place() {
    let mut refused = 0;
    for seed in 0..400u64 {
        let mut dice = Dice(seed);
        let list = good();
        let mut doc = list[dice.roll(list.len())].clone();
        for _ in 0..=dice.roll(3) {
            mutate(&mut doc, &mut dice);
        }
        let text = serde_json::to_string_pretty(&doc).unwrap();
        let Err(list) = parse(&text, "w.json") else { continue };
        refused += 1;
        assert!(list.iter().any(|d| d.severity == Severity::Error), "seed {seed}");
        for d in &list {
            assert!(d.line >= 1 && d.line <= text.lines().count() && d.column >= 1, "seed {seed}: {d}");
            assert!(!d.message.is_empty() && d.file == "w.json", "seed {seed}: {d}");
            // The pointer leads to the value, or to its parent where the value is missing.
            let parent = d.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            assert!(doc.pointer(&d.pointer).is_some() || doc.pointer(parent).is_some(), "seed {seed}: {d}");
        }
    }
    assert!(refused > 200, "only {refused} were refused");
}

#[test]
fn damaged_texts_never_panic() {
    for seed in 0..400u64 {
        let mut dice = Dice(seed);
        let list = good();
        let text = serde_json::to_string_pretty(&list[dice.roll(list.len())]).unwrap();
        let mut bytes = text.into_bytes();
        for _ in 0..=dice.roll(4) {
            let at = dice.roll(bytes.len());
            match dice.roll(3) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = b"{}[]\",:\\0 \n"[dice.roll(11)],
                _ => {
                    bytes.remove(at);
                }
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for file in ["w.json", "w.yaml"] {
            if let Err(list) = parse(&text, file) {
                assert!(list.iter().all(|d| d.line >= 1 && d.column >= 1 && !d.message.is_empty()), "seed {seed}");
            }
        }
    }
}
