//! What was once misread or let through: each is refused where it stands, or means what it says.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)] // tests may fail loudly

mod common;

use common::{define, errors, parse, run, start_time, workflow};
use huiyin_flow::{Catalog, Definition, FunctionInfo, FunctionKind, Outcome, lint, waits_for_unit};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The first error, as `pointer: message; hint`.
fn first(body: Value) -> String {
    let d = &errors(body)[0];
    format!("{}: {}{}", d.pointer, d.message, d.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default())
}

fn task(task: Value) -> Value {
    json!({"do": [{"a": task}]})
}

/// Whether the input passes, or how the run ended.
fn takes(schema: Value, input: Value) -> bool {
    let def = define(json!({"input": {"schema": {"document": schema}}, "do": [{"a": {"set": {"x": 1}}}]}));
    matches!(run(&def, input).state.outcome(), Some(Outcome::Completed(_)))
}

#[test]
fn workflow_01_a_literal_pattern_is_refused_where_it_stands() {
    for (program, place) in [
        (r#"test("(")"#, "at its end"),
        (r#"test("\\p{Nope}")"#, "character 1"),
        (r#"[match("a["; "g")]"#, "character"),
    ] {
        let found = first(task(json!({"set": {"x": format!("${{ .t | {program} }}")}})));
        assert!(found.starts_with("/do/0/a/set/x: ") && found.contains(place), "{found}");
    }
    for program in [r#"test("\\p{Han}")"#, r#"test("foo(?=bar)")"#] {
        define(task(json!({"set": {"x": format!("${{ .t | {program} }}")}})));
    }
}

#[test]
fn workflow_02_classes_are_those_of_unicode() {
    let def = define(task(json!({"set": {"x": "${ [.t | match(\"\\\\d+\"; \"g\").string] }"}})));
    let sim = run(&def, json!({"t": "第１２条，3款"}));
    assert_eq!(common::output(&sim), &json!({"x": ["１２", "3"]}));
}

#[test]
fn workflow_03_classes_of_schemas_are_those_of_ecma_262() {
    let wide = json!("１２３４５６");
    for pattern in [r"^\d{6}$", r"^(?!0)\d{6}$", r"^(?=\d)\d+$", r"^(\d)\d*\1?\d*$", r"^\b\d{6}\b$", r"^[\d]{6}(?!x)$"]
    {
        assert!(!takes(json!({"type": "string", "pattern": pattern}), wide.clone()), "{pattern}");
        assert!(takes(json!({"type": "string", "pattern": pattern}), json!("123451")), "{pattern}");
    }
    for (pattern, text, fits) in [
        (r"^\w+$", "舆情", false),
        (r"^(?!x)\w+$", "舆情", false),
        (r"^(?!x)\W+$", "舆情", true),
        (r"^(?!x)[\W]+$", "舆情", true),
        (r"^(?!x)[^\D]+$", "１", false),
        (r"MERS\b", "关于MERS的", true),
        (r"\bMERS\b", "关于MERS的", true),
        (r"A\B", "A的", false),
        (r"^(?!x)\s$", "\u{3000}", true),
        (r"^(?!x)\S+$", "\u{3000}", false),
        (r"^(?!x).$", "\u{2028}", false),
        (r"^(?!x)[a.]$", ".", true),
        (r"^(?!x)[.]$", "b", false),
    ] {
        assert_eq!(takes(json!({"type": "string", "pattern": pattern}), json!(text)), fits, "{pattern} {text}");
    }
    // In names, and below other keywords; what is data is left alone.
    assert!(!takes(
        json!({"patternProperties": {"^(?!0)\\d+$": true}, "additionalProperties": false}),
        json!({"１": 1})
    ));
    assert!(!takes(json!({"properties": {"pattern": {"pattern": "^(?!0)\\d$"}}}), json!({"pattern": "１"})));
    assert!(takes(json!({"const": {"pattern": "\\b"}}), json!({"pattern": "\\b"})));
}

#[test]
fn workflow_04_operators_of_uri_templates_are_named() {
    for (uri, what) in [
        ("http://h/a{?q}", "operator `?`"),
        ("http://h/{+q}", "operator `+`"),
        ("http://h/{#q}", "operator `#`"),
        ("http://h/{.q}", "operator `.`"),
        ("http://h{/q}", "operator `/`"),
        ("http://h/{;q}", "operator `;`"),
        ("http://h/?a=1{&q}", "operator `&`"),
        ("http://h/{=q}", "reserved"),
        ("http://h/{q:3}", "prefix modifier `:3`"),
        ("http://h/{q,r}", "list of variables"),
        ("http://h/{q*}", "explode modifier"),
    ] {
        let found = first(task(json!({"call": "http", "with": {"method": "get", "endpoint": uri}})));
        assert!(found.starts_with("/do/0/a/with/endpoint: ") && found.contains(what), "{uri}: {found}");
    }
    define(task(json!({"call": "http", "with": {"method": "get", "endpoint": "http://h/{q}/{标题}"}})));
}

/// When a wait that begins at `from` is over, with `zone` as the workflow's.
fn over(wait: Value, from: &str, zone: Option<&str>) -> Timestamp {
    let mut doc = workflow(json!({"do": [{"a": {"wait": wait}}]}));
    if let Some(zone) = zone {
        doc["document"]["metadata"] = json!({"huiyin": {"timezone": zone}});
    }
    let def = parse(&doc.to_string(), "test.json").unwrap();
    let mut sim = common::Sim::new(&def);
    sim.now = from.parse().unwrap();
    sim.start(json!({}));
    while sim.happen() {}
    assert!(matches!(sim.state.outcome(), Some(Outcome::Completed(_))));
    sim.now
}

#[test]
fn workflow_05_a_month_is_one_of_the_workflows_zone() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    for zone in [None, Some("Asia/Shanghai")] {
        assert_eq!(over(json!("P1M"), "2026-03-01T00:30:00+08:00", zone), at("2026-04-01T00:30:00+08:00"));
        assert_eq!(over(json!("P1Y"), "2024-02-29T00:30:00+08:00", zone), at("2025-02-28T00:30:00+08:00"));
    }
    assert_eq!(over(json!("P1M"), "2026-03-01T00:30:00+08:00", Some("UTC")), at("2026-03-28T16:30:00Z"));
    // A day is one of the zone too: the one on which summer time begins has 23 hours.
    assert_eq!(over(json!("P1D"), "2026-03-28T12:00:00+01:00", Some("Europe/Berlin")), at("2026-03-29T12:00:00+02:00"));
}

#[test]
fn workflow_06_durations_with_fractions() {
    let from = "2026-03-01T00:00:00Z";
    let after = |wait: Value| over(wait, from, None).duration_since(from.parse().unwrap()).as_millis();
    const HOUR: i128 = 3_600_000;
    for (wait, millis) in [
        (json!("P0.5D"), 12 * HOUR),
        (json!("P1.5D"), 36 * HOUR),
        (json!("P0.5W"), 84 * HOUR),
        (json!("P0,5D"), 12 * HOUR),
        (json!("P1DT0.5H"), 24 * HOUR + HOUR / 2),
        (json!("P0.5DT0.5H"), 12 * HOUR + HOUR / 2),
        (json!("PT1.5H"), HOUR + HOUR / 2),
        (json!("PT0.25S"), 250),
        (json!({"minutes": 1.0}), 60_000),
        (json!({"hours": 2.0, "seconds": 1}), 2 * HOUR + 1_000),
    ] {
        assert_eq!(after(wait.clone()), millis, "{wait}");
    }
    assert_eq!(over(json!("P0.5Y"), from, Some("UTC")), "2026-09-01T00:00:00Z".parse::<Timestamp>().unwrap());
    for wait in [
        json!("P0.5M"),
        json!("P.5D"),
        json!("P1.D"),
        json!("P1.5"),
        json!("PT"),
        json!("P0.5D1"),
        json!({"minutes": 1.5}),
    ] {
        let found = first(task(json!({"wait": wait})));
        assert!(found.starts_with("/do/0/a/wait"), "{found}");
    }
}

#[test]
fn workflow_07_what_is_emitted_is_a_cloud_event() {
    let emit = |with: Value| {
        let mut all = json!({"type": "org.example.t", "data": {}});
        all.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        task(json!({"emit": {"event": {"with": all}}}))
    };
    for (with, name) in [
        (json!({"time": "2024-02-30T00:00:00Z"}), "time"),
        (json!({"time": "2024-05-01"}), "time"),
        (json!({"x": {"y": 1}}), "x"),
        (json!({"x": 1.5}), "x"),
        (json!({"x": [1]}), "x"),
        (json!({"specversion": "1.1"}), "specversion"),
        (json!({"id": ""}), "id"),
        (json!({"source": "a b"}), "source"),
        (json!({"datacontenttype": "json"}), "datacontenttype"),
    ] {
        let found = first(emit(with.clone()));
        assert!(found.starts_with(&format!("/do/0/a/emit/event/with/{name}: ")), "{with}: {found}");
    }
    assert!(first(emit(json!({"id": ""}))).contains("a text that is not empty"));
    // What is computed is checked when it is.
    for (with, name) in [
        (json!({"time": "${ \"yesterday\" }"}), "time"),
        (json!({"x": "${ {y: 1} }"}), "/x"),
        (json!({"id": "${ \"\" }"}), "`id` is a text that is not empty"),
        (json!({"specversion": "${ \"1.1\" }"}), "specversion"),
    ] {
        let def = define(emit(with.clone()));
        let sim = run(&def, json!({}));
        let error = common::error(&sim);
        assert!(error.detail.as_deref().unwrap_or_default().contains(name), "{with}: {error:?}");
    }
    for with in
        [json!({"time": "2024-05-01T08:00:00.1234567891Z"}), json!({"x": true, "y": 3, "subject": "${ \"甲\" }"})]
    {
        let sim = run(&define(emit(with.clone())), json!({}));
        assert!(matches!(sim.state.outcome(), Some(Outcome::Completed(_))), "{with}");
    }
}

#[test]
fn workflow_10_strptime_with_an_offset_is_warned_of() {
    let warned = |program: &str| {
        let text = workflow(task(json!({"set": {"x": format!("${{ {program} }}")}}))).to_string();
        lint(&text, "test.json").iter().any(|d| d.pointer == "/do/0/a/set/x" && d.message.contains("strptime"))
    };
    assert!(warned(r#".t | strptime("%Y-%m-%d %H:%M:%S %z") | mktime"#));
    assert!(warned(r#"[.[] | strptime("%d %b %Y %Z")]"#));
    assert!(!warned(r#".t | strptime("%Y-%m-%d") | mktime"#));
    assert!(!warned(r#""%z" + .t"#));
}

/// A catalog of one function.
struct Desk;

impl Catalog for Desk {
    fn resolve(&self, name: &str, _version: Option<&str>) -> Option<FunctionInfo> {
        (name == "submit-report").then(|| FunctionInfo {
            kind: FunctionKind::Core,
            input_schema: Some(json!({
                "type": "object",
                "properties": {
                    "case": {"type": "string"},
                    "stage": {"$ref": "#/$defs/Stage"},
                    "facts": {"type": "object"},
                    "askers": {"type": ["array", "null"], "items": {"anyOf": [{"$ref": "#/$defs/Asker"}, {"type": "null"}]}},
                },
                "required": ["case", "stage"],
                "additionalProperties": false,
                "$defs": {
                    "Stage": {"enum": ["flash", "follow-up"]},
                    "Asker": {
                        "type": "object",
                        "properties": {"name": {"type": "string"}, "asked": {"type": "integer"}},
                        "required": ["name"],
                        "additionalProperties": false,
                    },
                },
            })),
            output_schema: None,
        })
    }

    fn names(&self) -> Vec<String> {
        vec!["submit-report".to_owned()]
    }
}

#[test]
fn workflow_11_literal_arguments_beside_computed_ones_are_checked() {
    let parsed = |with: Value| {
        let doc = workflow(task(json!({"call": "submit-report:1.0.0@default", "with": with})));
        Definition::parse(&doc.to_string(), "test.json", &Desk, &common::Jq)
    };
    for (with, name) in [
        (json!({"case": "${ .c }", "stage": "falsh"}), "stage"),
        (json!({"case": "${ .c }", "stage": "flash", "facts": "x"}), "facts"),
        (json!({"case": 1, "stage": "${ .s }"}), "case"),
    ] {
        let found = parsed(with.clone()).unwrap_err();
        assert_eq!(found[0].pointer, format!("/do/0/a/with/{name}"), "{with}: {}", found[0]);
    }
    assert!(parsed(json!({"case": "${ .c }", "stage": "flash", "facts": {"a": "${ .a }"}})).is_ok());
    // However deep they stand, and where the value is of another kind altogether.
    for (with, place, why) in [
        (json!({"facts": ["${ .a }"]}), "/facts", "it is a list, and must be object"),
        (json!({"askers": {"a": "${ .a }"}}), "/askers", "it is an object, and must be array or null"),
        (json!({"askers": ["${ .a }", 7]}), "/askers/1", "does not fit the input"),
        (json!({"askers": [{"name": "${ .a }", "asked": "soon"}]}), "/askers/0/asked", "does not fit the input"),
        (json!({"askers": [{"asked": "${ .a }"}]}), "/askers/0", "needs `name`"),
        (json!({"askers": [{"name": "${ .a }", "aksed": 1}]}), "/askers/0/aksed", "takes no `aksed`"),
        (json!({"askers": [{"name": ["${ .a }"]}]}), "/askers/0/name", "it is a list, and must be string"),
    ] {
        let mut full = json!({"case": "${ .c }", "stage": "flash"});
        full.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        let found = parsed(full).unwrap_err();
        assert_eq!(found[0].pointer, format!("/do/0/a/with{place}"), "{with}: {}", found[0]);
        assert!(found[0].message.contains(why), "{with}: {}", found[0]);
    }
    assert!(
        parsed(
            json!({"case": "${ .c }", "stage": "flash", "askers": [{"name": "${ .a }", "asked": 1}, null, "${ .b }"]})
        )
        .is_ok()
    );
}

#[test]
fn workflow_12_a_schedule_that_needs_a_unit_is_known_as_such() {
    let on = |on: Value| waits_for_unit(&workflow(json!({"schedule": {"on": on}, "do": []})));
    let case = json!({"with": {"type": "huiyin.case.opened.v1"}});
    assert_eq!(
        on(json!({"one": case})),
        Some(("huiyin.case.opened.v1".to_owned(), "/schedule/on/one/with/type".to_owned()))
    );
    assert_eq!(
        on(json!({"any": [{"with": {"type": "org.example.t"}}, case]})).map(|(_, place)| place),
        Some("/schedule/on/any/1/with/type".to_owned())
    );
    assert_eq!(on(json!({"one": {"with": {"type": "huiyin.workflow.deployed.v1"}}})), None);
    assert_eq!(on(json!({"one": {"with": {"type": "org.example.t"}}})), None);
    let _ = start_time();
}
