//! The schema for editors and the parser agree: what the parser accepts fits
//! the schema, what the schema refuses the parser refuses, and every property
//! of the schema is one that the parser knows.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)] // tests may fail loudly

mod common;

use std::sync::LazyLock;

use common::{Shelf, parse, workflow};
use huiyin_flow::{Catalog, FunctionInfo, Severity, workflow_schema, workflow_test_schema};
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// As a host with the tests' catalog serves it.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let functions: Vec<(String, FunctionInfo)> = Shelf
        .names()
        .into_iter()
        .map(|name| (format!("{name}:1.0.0"), Shelf.resolve(&name, Some("1.0.0")).unwrap()))
        .collect();
    workflow_schema(&functions, None)
});
static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&SCHEMA).unwrap());

fn faults(document: &Value) -> Vec<String> {
    VALIDATOR.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

fn accepted(document: &Value) -> Result<(), String> {
    parse(&document.to_string(), "test.json")
        .map(drop)
        .map_err(|list| list.iter().map(|d| format!("{d}\n")).collect::<String>())
}

/// What every kind of task may have beside its own properties.
fn base() -> BoxedStrategy<Map<String, Value>> {
    let some = |name: &'static str, value: Value| {
        prop::option::weighted(0.15, Just(value)).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    };
    (
        some("if", json!(".x == 1")),
        some("input", json!({"from": ".", "schema": {"format": "json", "document": {"type": "object"}}})),
        some("output", json!({"as": {"y": "${ .x }"}})),
        some("export", json!({"as": "$context + {x: .}", "schema": {"document": true}})),
        prop::option::weighted(
            0.2,
            prop_oneof![Just(json!({"after": "PT5M"})), Just(json!({"after": {"days": 2}})), Just(json!("long"))],
        )
        .prop_map(|value| value.map(|value| ("timeout".to_owned(), value))),
        some("metadata", json!({"anything": [1, 2]})),
        prop::option::weighted(0.2, prop_oneof![Just("continue"), Just("exit"), Just("end")])
            .prop_map(|then| then.map(|then| ("then".to_owned(), json!(then)))),
    )
        .prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e, f, g].into_iter().flatten().collect())
        .boxed()
}

fn duration() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(json!("PT1H30M")),
        Just(json!("${ \"PT1S\" }")),
        (1u64..9, 0u64..999).prop_map(|(s, ms)| json!({"seconds": s, "milliseconds": ms})),
        Just(json!({"days": 1, "hours": 2, "minutes": 3})),
    ]
    .boxed()
}

fn own(depth: u32) -> BoxedStrategy<Value> {
    let filter = || {
        prop_oneof![
            Just(json!({"with": {"type": "org.example.a.v1"}})),
            Just(json!({"with": {"type": "${ test(\"a\") }", "source": "/s", "extension": 3}})),
        ]
    };
    let leaf = prop_oneof![
        Just(json!({"call": "echo:1.0.0@default"})),
        Just(json!({"call": "echo:1.0.0@default", "with": {"a": [1, "${ .x }"]}})),
        Just(json!({"call": "open-case:1.0.0@default", "with": {"item": "${ .i }", "level": "II"}})),
        Just(json!({"call": "slot", "with": {"b": true}})),
        Just(
            json!({"emit": {"event": {"with": {"source": "/s", "type": "t", "data": {"x": "${ .x }"}, "subject": "s"}}}})
        ),
        (filter(), prop::option::of(prop_oneof![Just("data"), Just("envelope"), Just("raw")])).prop_map(|(f, read)| {
            let mut listen = json!({"to": {"one": f}});
            if let Some(read) = read {
                listen["read"] = json!(read);
            }
            json!({"listen": listen})
        }),
        prop::collection::vec(filter(), 1..3).prop_map(|list| json!({"listen": {"to": {"all": list}}})),
        prop::collection::vec(filter(), 0..3).prop_map(|list| json!({"listen": {"to": {"any": list}}})),
        Just(json!({"raise": {"error": "known"}})),
        Just(
            json!({"raise": {"error": {"type": "https://example.org/e", "status": 418, "title": "t", "detail": "${ .d }", "instance": "/x"}}})
        ),
        Just(json!({"raise": {"error": {"type": "https://example.org/e", "status": "${ .s }"}}})),
        Just(json!({"set": {"a": 1, "b": ["${ .x }"], "c": null}})),
        Just(json!({"set": "${ . }"})),
        Just(json!({"switch": [{"one": {"when": ".x > 1", "then": "exit"}}, {"rest": {"then": "continue"}}]})),
        duration().prop_map(|d| json!({"wait": d})),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let list = move || tasks(depth - 1);
    let retry = prop_oneof![
        Just(json!("patient")),
        (duration(), prop_oneof![Just("constant"), Just("linear"), Just("exponential")]).prop_map(|(d, b)| {
            json!({"delay": d, "backoff": {b: {}}, "limit": {"attempt": {"count": 3, "duration": "PT1M"}, "duration": "PT1H"},
                "jitter": {"from": "PT0S", "to": {"seconds": 1}}, "when": ".x", "exceptWhen": "$error.status == 404"})
        }),
    ];
    prop_oneof![
        3 => leaf,
        1 => list().prop_map(|list| json!({"do": list})),
        1 => (list(), any::<bool>()).prop_map(|(list, all)| if all {
            json!({"for": {"each": "one", "in": "${ .l }", "at": "n"}, "while": "$n < 3", "do": list})
        } else {
            json!({"for": {"in": ".l"}, "do": list})
        }),
        1 => (list(), prop::option::of(any::<bool>())).prop_map(|(mut list, compete)| {
            for entry in list.as_array_mut().into_iter().flatten() {
                for (_, task) in entry.as_object_mut().into_iter().flatten() {
                    task.as_object_mut().unwrap().remove("then");
                }
            }
            let mut fork = json!({"branches": list});
            if let Some(compete) = compete {
                fork["compete"] = json!(compete);
            }
            json!({"fork": fork})
        }),
        1 => (list(), list(), prop::option::of(retry)).prop_map(|(tried, handler, retry)| {
            let mut catch = json!({"errors": {"with": {"type": "https://example.org/e", "status": 418}}, "as": "error",
                "when": "$error.status > 1", "exceptWhen": "false", "do": handler});
            if let Some(retry) = retry {
                catch["retry"] = retry;
            }
            json!({"try": tried, "catch": catch})
        }),
    ]
    .boxed()
}

fn tasks(depth: u32) -> BoxedStrategy<Value> {
    prop::collection::vec((own(depth), base()), 1..3)
        .prop_map(|list| {
            let entry = |(at, (mut own, base)): (usize, (Value, Map<String, Value>))| {
                own.as_object_mut().unwrap().extend(base);
                json!({format!("t{at}"): own})
            };
            Value::Array(list.into_iter().enumerate().map(entry).collect())
        })
        .boxed()
}

fn documents() -> BoxedStrategy<Value> {
    let schedule = prop_oneof![
        Just(json!({"every": "PT1H"})),
        Just(json!({"after": {"minutes": 5}})),
        Just(json!({"cron": "0 8 * * *"})),
        Just(json!({"on": {"one": {"with": {"type": "a"}}}})),
        Just(json!({"on": {"any": []}})),
    ];
    (tasks(2), prop::option::of(schedule), any::<bool>(), any::<bool>())
        .prop_map(|(list, schedule, much, loose)| {
            let mut document = workflow(json!({
                "use": {
                    "functions": {"slot": {"call": "echo:1.0.0@default", "metadata": {"kind": "step"}}},
                    "errors": {"known": {"type": "https://example.org/known", "status": 500}},
                    "retries": {"patient": {"limit": {"attempt": {"count": 2}}}},
                    "timeouts": {"long": {"after": "PT10M"}},
                    "secrets": ["key"]
                },
                "do": list
            }));
            if let Some(schedule) = schedule {
                document["schedule"] = schedule;
            }
            if much {
                document["document"]["title"] = json!("标题");
                document["document"]["summary"] = json!("What it is for");
                document["document"]["tags"] = json!({"a": "b"});
                document["document"]["metadata"] = json!({"huiyin": {"timezone": "Asia/Shanghai"}, "other": 1});
                document["input"] = json!({"from": {"x": "${ .x }"}, "schema": {"document": {}}});
                document["output"] = json!({"as": "."});
                document["timeout"] = json!({"after": "PT1H"});
            }
            if loose {
                document["evaluate"] = json!({"language": "jq", "mode": "loose"});
            }
            document
        })
        .boxed()
}

/// Every place of a document, but those of user data, where anything goes.
fn places(value: &Value, pointer: String, into: &mut Vec<String>) {
    into.push(pointer.clone());
    match value {
        Value::Object(map) => {
            for (name, below) in map {
                places(below, format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), into);
            }
        }
        Value::Array(items) => {
            for (at, below) in items.iter().enumerate() {
                places(below, format!("{pointer}/{at}"), into);
            }
        }
        _ => {}
    }
}

/// One change for the worse, or for no reason at all.
fn mutate(document: &mut Value, place: usize, how: u8) {
    let mut all = Vec::new();
    places(document, String::new(), &mut all);
    let pointer = all[place % all.len()].clone();
    let Some(found) = document.pointer_mut(&pointer) else { return };
    match how % 8 {
        0 => *found = json!(5),
        1 => *found = json!("text"),
        2 => *found = json!([]),
        3 => *found = json!({}),
        4 => *found = Value::Null,
        5 => *found = json!(true),
        6 => match found {
            Value::Object(map) => drop(map.insert("unheardOf".to_owned(), json!(1))),
            Value::Array(items) => items.push(json!({"unheardOf": {}})),
            other => *other = json!({"unheardOf": 1}),
        },
        _ => match found {
            Value::Object(map) => {
                if let Some(first) = map.keys().next().cloned() {
                    map.remove(&first);
                }
            }
            Value::Array(items) => drop(items.pop()),
            other => *other = json!(-1.5),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_the_parser_accepts_fits_the_schema(document in documents()) {
        prop_assert_eq!(accepted(&document), Ok(()));
        prop_assert_eq!(faults(&document), Vec::<String>::new());
    }

    #[test]
    fn what_the_schema_refuses_the_parser_refuses(document in documents(), changes in prop::collection::vec((any::<usize>(), any::<u8>()), 8)) {
        for (place, how) in changes {
            let mut changed = document.clone();
            mutate(&mut changed, place, how);
            // The values of our own metadata are checked by those who read them.
            if changed.pointer("/document/metadata") != document.pointer("/document/metadata") {
                continue;
            }
            let faults = faults(&changed);
            // The parser is stricter; where it refuses nothing is owed.
            if accepted(&changed).is_ok() {
                prop_assert_eq!(faults, Vec::<String>::new(), "the parser accepts\n{:#}", changed);
            }
        }
    }
}

#[test]
fn the_workflows_that_the_project_carries_fit() {
    let schema = jsonschema::validator_for(&workflow_schema(&[], None)).unwrap();
    for (file, text) in common::house_workflows() {
        let document: Value = serde_json::from_str(&text).unwrap();
        let faults: Vec<String> =
            schema.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(faults, Vec::<String>::new(), "{file}");
    }
}

#[test]
fn the_test_files_that_the_project_carries_fit_theirs() {
    let schema = jsonschema::validator_for(&workflow_test_schema()).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows")).unwrap().flatten() {
        let path = entry.path();
        if !path.to_string_lossy().ends_with(".test.json") {
            continue;
        }
        let document: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let faults: Vec<String> =
            schema.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(faults, Vec::<String>::new(), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 3, "each workflow has a test file");
}

/// Puts each property of each kind of task before the parser, which must know it.
#[test]
fn every_property_of_a_task_is_known_to_the_parser() {
    let defs = SCHEMA["$defs"].as_object().unwrap();
    let mut seen = 0;
    for (name, kind) in defs.iter().filter(|(name, _)| name.starts_with("task-")) {
        let properties: Vec<&String> = kind["properties"].as_object().unwrap().keys().collect();
        let body: Map<String, Value> = properties.iter().map(|p| ((*p).clone(), json!(7))).collect();
        let found = parse(&workflow(json!({"do": [{"t": body}]})).to_string(), "t.json").unwrap_err();
        for finding in &found {
            assert!(!finding.message.starts_with("unknown property"), "{name}: {finding}");
        }
        seen += 1;
        // And one that is not in the schema is not known either.
        let mut more = body.clone();
        more.insert("unheardOf".to_owned(), json!(1));
        let found = parse(&workflow(json!({"do": [{"t": more}]})).to_string(), "t.json").unwrap_err();
        assert!(found.iter().any(|f| f.message == "unknown property `unheardOf`"), "{name}: {found:?}");
    }
    assert_eq!(seen, 14, "twelve kinds, of which `call` has three forms");
}

/// The same for the properties of `document`, `use`, and our own metadata.
#[test]
fn the_top_of_a_document_is_known_to_the_parser() {
    let properties = |def: &str| -> Map<String, Value> {
        SCHEMA["$defs"][def]["properties"].as_object().unwrap().keys().map(|k| (k.clone(), json!("x"))).collect()
    };
    let mut document = properties("document");
    document.insert("metadata".to_owned(), json!({"huiyin": properties("huiyin")}));
    let all: Map<String, Value> =
        SCHEMA["properties"].as_object().unwrap().keys().map(|k| (k.clone(), json!("x"))).collect();
    let mut whole = Value::Object(all);
    whole["document"] = Value::Object(document);
    whole["use"] = Value::Object(properties("use"));
    for finding in parse(&whole.to_string(), "t.json").unwrap_err() {
        assert!(!finding.message.starts_with("unknown property"), "{finding}");
    }
}

#[test]
fn a_house_tells_what_its_functions_take() {
    let call = |with: Value| workflow(json!({"do": [{"c": {"call": "open-case:1.0.0@default", "with": with}}]}));
    assert!(faults(&call(json!({"item": 1, "level": "${ .l }"}))).is_empty());
    for wrong in [json!({"item": 1}), json!({"item": 1, "level": "I", "levle": 2})] {
        assert!(!faults(&call(wrong.clone())).is_empty(), "{wrong}");
        assert!(accepted(&call(wrong)).is_err());
    }
    let offered = &SCHEMA["$defs"]["task-callFunction"]["properties"]["call"]["examples"];
    assert!(offered.as_array().unwrap().contains(&json!("open-case:1.0.0@default")));
}

#[test]
fn both_schemas_are_schemas_and_say_what_they_are() {
    for schema in [SCHEMA.clone(), workflow_test_schema()] {
        jsonschema::meta::validate(&schema).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        for key in ["$id", "title", "description"] {
            assert!(schema[key].is_string(), "{key}");
        }
        for (name, def) in schema["$defs"].as_object().unwrap() {
            for (property, shape) in def["properties"].as_object().into_iter().flatten() {
                assert!(shape["description"].is_string(), "{name}.{property} says what it is for");
            }
        }
    }
}

#[test]
fn warnings_do_not_make_a_document_unfit() {
    let mut document = workflow(json!({"do": [{"a": {"set": {"x": 1}}}]}));
    document["document"]["metadata"] = json!({"huiyin": {"tiemzone": "Asia/Shanghai"}});
    let definition = parse(&document.to_string(), "t.json").unwrap();
    assert!(definition.warnings().iter().any(|d| d.severity == Severity::Warning && d.hint.is_some()));
    assert!(faults(&document).is_empty());
}
