//! What is other between two JSON values, place by place.

use std::fmt::Write as _;

use serde_json::Value;

/// Places that are shown; the rest is counted.
const SHOWN: usize = 20;
/// The longest value that is shown, in characters.
const LONG: usize = 160;

/// Lines such as `at /verdicts/0/level: expected "II", got "III"`; empty where both are the same. Numbers are the
/// same where their values are: `1` and `1.0`.
pub(super) fn difference(expected: &Value, got: &Value) -> String {
    let mut places = Vec::new();
    compare(expected, got, &mut String::new(), &mut places);
    let mut text = String::new();
    for line in places.iter().take(SHOWN) {
        let _ = writeln!(text, "{line}");
    }
    if places.len() > SHOWN {
        let _ = writeln!(text, "and at {} more places", places.len() - SHOWN);
    }
    text
}

fn compare(expected: &Value, got: &Value, at: &mut String, places: &mut Vec<String>) {
    let place = |at: &str| if at.is_empty() { "the whole".to_owned() } else { format!("at {at}") };
    let mut within = |key: &str, expected: Option<&Value>, got: Option<&Value>| {
        let before = at.len();
        at.push('/');
        at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        match (expected, got) {
            (Some(expected), Some(got)) => compare(expected, got, at, places),
            (Some(expected), None) => places.push(format!("at {at}: expected {}, it is missing", short(expected))),
            (None, Some(got)) => places.push(format!("at {at}: not expected, got {}", short(got))),
            (None, None) => {}
        }
        at.truncate(before);
    };
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                within(key, Some(value), b.get(key));
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                within(key, None, Some(value));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                within(&index.to_string(), a.get(index), b.get(index));
            }
        }
        (Value::Number(a), Value::Number(b)) if a == b || a.as_f64() == b.as_f64() => {}
        (Value::String(a), Value::String(b)) if a != b && a.chars().count().max(b.chars().count()) > LONG => {
            let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
            let from = |text: &str| short(&Value::String(text.chars().skip(same.saturating_sub(20)).collect()));
            let at = place(at);
            places.push(format!("{at}: other from character {same} on: expected …{}, got …{}", from(a), from(b)));
        }
        (a, b) if a == b => {}
        (a, b) => places.push(format!("{}: expected {}, got {}", place(at), short(a), short(b))),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONG) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::difference;

    #[test]
    fn each_place_is_named_with_both_values() {
        let expected = json!({"a": [1, {"b/c": "x"}], "gone": true, "n": 1});
        let got = json!({"a": [1, {"b/c": "y"}, 3], "n": 1.0, "new": null});
        let said = difference(&expected, &got);
        assert_eq!(
            said.lines().collect::<Vec<_>>(),
            [
                "at /a/1/b~1c: expected \"x\", got \"y\"",
                "at /a/2: not expected, got 3",
                "at /gone: expected true, it is missing",
                "at /new: not expected, got null",
            ]
        );
        assert_eq!(difference(&got, &got), "");
        assert!(difference(&json!(1), &json!("1")).starts_with("the whole: expected 1, got \"1\""));
    }

    #[test]
    fn of_long_texts_the_place_is_shown_and_of_many_places_some() {
        let long = "火".repeat(1000);
        let other = format!("{}山{}", "火".repeat(500), "火".repeat(499));
        let said = difference(&json!(long), &json!(other));
        assert!(said.contains("from character 500 on") && said.contains('山') && said.len() < 2_000, "{said}");
        let many = difference(&json!(vec![0; 100]), &json!(vec![1; 100]));
        assert!(many.ends_with("and at 80 more places\n"), "{many}");
    }
}
