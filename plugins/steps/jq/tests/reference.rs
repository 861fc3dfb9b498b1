//! Agreement with jq itself: generated programs and all that the `jq` package
//! of PyPI gave for them (`reference/generate.py`, whose first line says which
//! version). Where an answer is meant to differ, docs/reference/jq.md says so;
//! the number of cases in which it does is fixed here, so that a new difference
//! cannot hide behind a known one.

#![allow(clippy::unwrap_used)] // tests may fail loudly
#![allow(clippy::disallowed_methods)] // run natively, it may be told of another file

use huiyin_plugin_jq::evaluate;
use regex::Regex;
use serde_json::Value;

/// Known differences: how a program looks that may meet one, and in how many
/// of the cases it does. A case counts for the first that fits.
const KNOWN: [(&str, &str, usize); 5] = [
    ("`abs` of what is no number", r"\babs\b", 5),
    ("the last digits of a power of ten", r"\bexp10\b", 1),
    ("entries whose key is no text", r"from_entries", 1),
    ("times of lists that are too short", r"\btodate\b", 1),
    ("paths of a sum that has no values", r"^\. as .*\+=", 1),
];

/// Another file than the one that is kept, and the differences in it: `make jq-compare`.
const OTHER: &str = "HUIYIN_JQ_REFERENCE";

#[test]
fn agrees_with_jq_but_for_known_differences() {
    let other = std::env::var(OTHER).ok().map(|path| std::fs::read_to_string(path).unwrap());
    let text = other.as_deref().unwrap_or(include_str!("reference/jq.jsonl"));
    let looks: Vec<Regex> = KNOWN.iter().map(|(_, look, _)| Regex::new(look).unwrap()).collect();
    let mut known = [0; KNOWN.len()];
    let mut unknown = Vec::new();
    let mut cases = 0;
    for (at, line) in text.lines().enumerate().skip(1) {
        let (program, input, wanted): (String, Value, Value) = serde_json::from_str(line).unwrap();
        cases += 1;
        let given = evaluate(&format!("[{program}]"), &input, &[]);
        let agree = match (&given, &wanted) {
            (Ok(given), Value::Array(_)) => same(given, &wanted),
            (Err(_), Value::String(_)) => true,
            _ => false,
        };
        if agree {
            continue;
        }
        match looks.iter().position(|look| look.is_match(&program)) {
            Some(class) => known[class] += 1,
            None => unknown.push(format!("{}: {program}\n    on {input}\n    jq {wanted}\n    we {given:?}", at + 1)),
        }
    }
    assert!(cases >= 4_000, "{cases} cases only");
    assert!(unknown.is_empty(), "{} differ in a new way:\n{}", unknown.len(), unknown.join("\n"));
    if other.is_none() {
        assert_eq!(known, KNOWN.map(|(_, _, cases)| cases), "{:?}", KNOWN.map(|(name, _, _)| name));
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            // The last digit of a transcendental function is the library's.
            (a - b).abs() <= f64::EPSILON * 4.0 * a.abs().max(b.abs())
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}
