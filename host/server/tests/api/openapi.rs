//! The document that the API gives of itself.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::Api;
use crate::contract::Contract;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn file(path: &str) -> String {
    std::fs::read_to_string(format!("{PROJECT}/{path}")).unwrap()
}

/// Method and path of every operation.
fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let each = |(path, of): (&String, &Value)| -> Vec<(String, String)> {
        of.as_object().unwrap().keys().map(|method| (method.to_ascii_uppercase(), path.clone())).collect()
    };
    paths.flat_map(each).collect()
}

#[test]
fn the_document_is_openapi_3_1_and_refers_to_what_is_there() {
    let api = Api::start();
    let (status, head, body) = api.raw("GET", "/openapi.json", &[], b"");
    assert_eq!(status, 200);
    let document: Value = serde_json::from_str(&body).unwrap();
    // A reader of such documents finds every operation.
    let read = oas3::from_json(&body).unwrap();
    read.validate_version().unwrap();
    assert_eq!(read.operations().count(), operations(&document).len());
    assert!(oas3::from_json(r#"{"openapi": "3.1.0", "info": {"title": "x"}}"#).is_err());
    let (mut schemas, mut names) = (0, BTreeSet::new());
    every(&document, &mut |key, value| {
        if key == "schema" {
            schemas += 1;
            assert!(jsonschema::meta::is_valid(value), "{value}");
        }
        if let ("$ref", Value::String(to)) = (key, value) {
            names.insert(to.clone());
        }
    });
    for schema in document["components"]["schemas"].as_object().unwrap().values() {
        assert!(jsonschema::meta::is_valid(schema), "{schema}");
    }
    assert!(schemas > 150 && names.len() > 50, "{schemas}, {}", names.len());
    for to in names {
        let pointer = to.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{to} is not there");
    }
    // Who has it already is told so.
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    assert_eq!(api.raw("GET", "/openapi.json", &[("if-none-match", tag)], b"").0, 304);
}

fn every(value: &Value, seen: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            seen(key, value);
            every(value, seen);
        }),
        Value::Array(all) => all.iter().for_each(|value| every(value, seen)),
        _ => {}
    }
}

#[test]
fn every_operation_is_served_and_none_but_the_public_ones_to_anybody() {
    let api = Api::start();
    let contract = api.contract();
    let mut seen = BTreeSet::new();
    for (method, path) in operations(&contract.document) {
        let operation = &contract.document["paths"][&path][method.to_ascii_lowercase()];
        let place = path.replace(['{', '}'], "");
        let (status, head, body) = api.raw(&method, &place, &[("content-type", "application/json")], b"");
        let right = operation["x-huiyin-right"].as_str().unwrap();
        seen.insert(right.to_owned());
        if right == "public" {
            assert!(
                operation["security"] == json!([]) && ![401, 404, 405].contains(&status),
                "{method} {path}: {body}"
            );
        } else {
            assert!(operation.get("security").is_none(), "{method} {path}");
            assert_eq!(status, 401, "{method} {path}: {body}");
            assert!(head.contains("content-type: application/problem+json"), "{head}");
        }
        // Beside it nothing is served.
        let (status, _, _) = api.raw("PATCH", &place, &[], b"");
        assert_eq!(status, 405, "PATCH {path}");
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["act", "admin", "public", "read"]);
}

#[test]
fn the_reference_names_every_operation_and_no_other() {
    let api = Api::start();
    let told = operations(&api.contract().document);
    let mut named = BTreeSet::new();
    for line in file("docs/reference/api.md").lines().filter(|line| line.starts_with('|')) {
        let first = line.split('|').nth(1).unwrap_or_default();
        let mut last: Option<(String, String)> = None;
        for span in first.split('`').skip(1).step_by(2) {
            let span = span.split('?').next().unwrap_or_default().trim();
            let found = if let Some(end) = span.strip_prefix("…/") {
                // The same path with another end.
                let (method, path) = last.clone().unwrap_or_else(|| panic!("{line}"));
                let (before, _) = path.rsplit_once('/').unwrap();
                Some((method, format!("{before}/{end}")))
            } else {
                span.split_once(' ').map(|(method, path)| (method.to_owned(), path.to_owned()))
            };
            if let Some(found) = found.filter(|(method, _)| ["GET", "POST", "DELETE"].contains(&method.as_str())) {
                named.insert(found.clone());
                last = Some(found);
            }
        }
    }
    let missing = |all: &BTreeSet<(String, String)>, of: &BTreeSet<(String, String)>| {
        all.difference(of).map(|(method, path)| format!("{method} {path}")).collect::<Vec<_>>()
    };
    assert_eq!(missing(&told, &named), [""; 0], "not in api.md");
    assert_eq!(missing(&named, &told), [""; 0], "in api.md alone");
}

#[test]
fn the_page_shows_every_operation_without_script() {
    let api = Api::start();
    let (status, head, body) = api.raw("GET", "/docs", &[], b"");
    assert_eq!(status, 200);
    let policy = head.lines().find(|line| line.starts_with("content-security-policy: ")).unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("script-src") && !policy.contains("unsafe"),
        "{policy}"
    );
    for banned in ["<script", "javascript:", " style=", " onclick=", "http://", "<img", "<iframe"] {
        assert!(!body.contains(banned), "{banned}");
    }
    let contract = api.contract();
    for (method, path) in operations(&contract.document) {
        let operation = &contract.document["paths"][&path][method.to_ascii_lowercase()];
        let id = operation["operationId"].as_str().unwrap();
        assert!(body.contains(&format!("<details id=\"{id}\">")), "{id}");
        assert!(body.contains(operation["summary"].as_str().unwrap()), "{id}");
    }
    // Every link within it leads somewhere.
    for to in body.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(body.contains(&format!("id=\"{to}\"")), "{to}");
    }
    let (status, head, _) = api.raw("GET", "/docs/page.css", &[], b"");
    assert!(status == 200 && head.contains("content-type: text/css"), "{head}");
}

#[test]
fn what_an_answer_lacks_is_found() {
    let api = Api::start();
    let contract: &Contract = api.contract();
    let (status, host) = api.ask("GET", "/v1/host", None);
    assert_eq!(status, 200);
    let kind = Some("application/json");
    contract.check("GET", "/v1/host", 200, kind, &host.to_string()).unwrap();
    let mut wrong = host.clone();
    wrong["cases"] = json!("many");
    assert!(contract.check("GET", "/v1/host", 200, kind, &wrong.to_string()).unwrap_err().contains("/cases"));
    wrong.as_object_mut().unwrap().remove("cases");
    assert!(contract.check("GET", "/v1/host", 200, kind, &wrong.to_string()).unwrap_err().contains("cases"));
    assert!(contract.check("GET", "/v1/host", 200, Some("text/html"), "").is_err());
    assert!(contract.check("GET", "/v1/host", 204, None, "").is_err());
    // What a command takes: its own fields, and no others.
    let schema = &contract.operation("POST", "/v1/units/linhai/commands").unwrap()["requestBody"]["content"]["application/json"]
        ["schema"];
    let approve = json!({"command": "approve", "case": "LH-1", "hash": "ab"});
    contract.fits(schema, &approve).unwrap();
    for (member, value) in [("command", json!("none")), ("case", json!(1)), ("more", json!(1))] {
        let mut wrong = approve.clone();
        wrong[member] = value;
        assert!(contract.fits(schema, &wrong).is_err(), "{wrong}");
    }
}
