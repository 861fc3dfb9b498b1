//! The scenarios of the specification's conformance kit (`ctk/features`) that
//! need no HTTP, retold: same workflows' shapes, same expectations.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, clippy::format_collect, clippy::float_cmp)] // tests may fail loudly

mod common;

use common::{error, output, parse, path, run};
use huiyin_flow::Definition;
use serde_json::{Value, json};

fn yaml(text: &str) -> Definition {
    let head = "document: {dsl: '1.0.3', namespace: default, name: kit, version: '1.0.0'}\n";
    parse(&format!("{head}{text}"), "kit.yaml")
        .unwrap_or_else(|list| panic!("{}", list.iter().map(|d| format!("{d}\n")).collect::<String>()))
}

#[test]
fn branch_with_compete_has_one_winner() {
    let def = yaml(
        r#"
do:
  - race:
      fork:
        compete: true
        branches:
          - red: { set: { colors: '${ .colors + ["red"] }' } }
          - green: { set: { colors: '${ .colors + ["green"] }' } }
"#,
    );
    assert_eq!(output(&run(&def, json!({})))["colors"].as_array().map(Vec::len), Some(1));
}

#[test]
fn data_flow_filters_input_and_takes_any_output() {
    let def = yaml(
        r"
do:
  - player:
      input:
        from: .user.claims.subject
      set:
        playerId: ${ . }
  - only:
      set: .playerId
  - both:
      set: x
      output:
        as: '{ ids: [ $input, 2 ] }'
"
        .replace("set: x", "set: '{}'")
        .as_str(),
    );
    assert_eq!(output(&run(&def, json!({"user": {"claims": {"subject": "6Asn"}}}))), &json!({"ids": ["6Asn", 2]}));
}

#[test]
fn emit_interpolates() {
    let def = yaml(
        r#"
do:
  - emitEvent:
      emit:
        event:
          with:
            source: https://fake-source.com
            type: com.fake-source.user.greeted.v1
            data:
              greetings: ${ "Hello \(.user.firstName) \(.user.lastName)!" }
"#,
    );
    let sim = run(&def, json!({"user": {"firstName": "John", "lastName": "Doe"}}));
    for property in ["id", "specversion", "time", "source", "type", "data"] {
        assert!(output(&sim).get(property).is_some(), "{property}");
    }
    assert_eq!(output(&sim)["data"], json!({"greetings": "Hello John Doe!"}));
}

#[test]
fn flow_is_implicit_or_explicit() {
    let def = yaml(
        r#"
do:
  - setRed: { set: { colors: '${ .colors + [ "red" ] }' }, then: setGreen }
  - setBlue: { set: { colors: '${ .colors + [ "blue" ] }' }, then: end }
  - setGreen: { set: { colors: '${ .colors + [ "green" ] }' }, then: setBlue }
"#,
    );
    let sim = run(&def, Value::Null);
    assert_eq!(output(&sim), &json!({"colors": ["red", "green", "blue"]}));
    assert_eq!(path(&sim).len(), 3);
}

#[test]
fn switch_has_implicit_and_explicit_defaults() {
    let text = r#"
do:
  - switchColor:
      switch:
        - red: { when: '.color == "red"', then: setRed }
        - green: { when: '.color == "green"', then: setGreen }
      then: end
  - setRed: { set: { colors: '${ .colors + [ "red" ] }' }, then: end }
  - setGreen: { set: { colors: '${ .colors + [ "green" ] }' }, then: end }
  - setOther: { set: { colors: '${ .colors + [ $input.color ] }' } }
"#;
    assert_eq!(output(&run(&yaml(text), json!({"color": "red"}))), &json!({"colors": ["red"]}));
    assert_eq!(output(&run(&yaml(text), json!({"color": "yellow"}))), &json!({"color": "yellow"}));
    let explicit = text.replace("      then: end\n  - setRed", "        - any: { then: setOther }\n  - setRed");
    assert_eq!(output(&run(&yaml(&explicit), json!({"color": "yellow"}))), &json!({"colors": ["yellow"]}));
}

#[test]
fn raise_with_an_inline_error() {
    let def = yaml(
        r"
do:
  - raiseError:
      raise:
        error: { status: 400, type: https://serverlessworkflow.io/errors/types/compliance, title: Compliance Error }
",
    );
    assert_eq!(
        serde_json::to_value(error(&run(&def, json!({})))).unwrap(),
        json!({"type": "https://serverlessworkflow.io/errors/types/compliance", "status": 400, "title": "Compliance Error", "instance": "/do/0/raiseError"})
    );
}
