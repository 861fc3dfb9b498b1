//! Comparing JSON: what differs, and where.

use serde_json::Value;

/// Characters of a value that are shown.
const SHOWN: usize = 120;
/// Differences that are told of one value.
const MOST: usize = 12;
/// Longer lists are compared by their first difference only.
const LONG: usize = 400;

/// Whether a difference may be that the actual object has more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Exact,
    Includes,
}

/// The differences, one a line; none where the values agree.
pub(super) fn differences(expected: &Value, actual: &Value, how: How, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    compare(expected, actual, how, at, &mut found);
    if found.len() > MOST {
        let more = found.len() - MOST;
        found.truncate(MOST);
        found.push(format!("… and {more} more differences"));
    }
    found
}

/// Whether `actual` contains `expected`.
pub(super) fn includes(expected: &Value, actual: &Value) -> bool {
    differences(expected, actual, How::Includes, "").is_empty()
}

fn compare(expected: &Value, actual: &Value, how: How, at: &str, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(given)) => {
            for (name, value) in wanted {
                let below = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                match given.get(name) {
                    Some(actual) => compare(value, actual, how, &below, found),
                    None => found.push(format!("{below}: expected {}, is missing", shown(value))),
                }
            }
            if how == How::Exact {
                for (name, value) in given.iter().filter(|(name, _)| !wanted.contains_key(*name)) {
                    let below = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                    found.push(format!("{below}: not expected, is {}", shown(value)));
                }
            }
        }
        (Value::Array(wanted), Value::Array(given)) => {
            if wanted.len() != given.len() {
                found.push(format!("{at}: expected {} items, has {}: {}", wanted.len(), given.len(), shown(actual)));
                return;
            }
            for (index, (wanted, given)) in wanted.iter().zip(given).enumerate() {
                compare(wanted, given, how, &format!("{at}/{index}"), found);
            }
        }
        (Value::Number(wanted), Value::Number(given)) if wanted == given || wanted.as_f64() == given.as_f64() => {}
        (wanted, given) if wanted == given => {}
        (wanted, given) => found.push(format!("{at}: expected {}, is {}", shown(wanted), shown(given))),
    }
}

/// A value in one line, clipped.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    let mut short: String = text.chars().take(SHOWN).collect();
    short.push('…');
    short
}

/// Two lists of words, line by line: `-` was expected, `+` is.
pub(super) fn lines(expected: &[String], actual: &[String]) -> String {
    if expected.len() > LONG || actual.len() > LONG {
        let at = expected.iter().zip(actual).take_while(|(a, b)| a == b).count();
        let word = |list: &[String]| list.get(at).cloned().unwrap_or_else(|| "(the end)".to_owned());
        return format!("  at place {}: expected {}, is {}\n", at + 1, word(expected), word(actual));
    }
    // The longest common subsequence, from the end.
    let (rows, columns) = (expected.len(), actual.len());
    let mut common = vec![vec![0usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row][column] = if expected[row] == actual[column] {
                common[row + 1][column + 1] + 1
            } else {
                common[row + 1][column].max(common[row][column + 1])
            };
        }
    }
    let (mut row, mut column, mut out) = (0, 0, String::new());
    while row < rows || column < columns {
        if row < rows && column < columns && expected[row] == actual[column] {
            out.push_str(&format!("    {}\n", expected[row]));
            row += 1;
            column += 1;
        } else if column >= columns || (row < rows && common[row + 1][column] >= common[row][column + 1]) {
            out.push_str(&format!("  - {}\n", expected[row]));
            row += 1;
        } else {
            out.push_str(&format!("  + {}\n", actual[column]));
            column += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_name_their_places() {
        let expected = json!({"a": {"b": 1, "c": [1, 2]}, "x": 1.0});
        let actual = json!({"a": {"b": 2, "c": [1]}, "x": 1, "more": true});
        assert_eq!(
            differences(&expected, &actual, How::Exact, ""),
            ["/a/b: expected 1, is 2", "/a/c: expected 2 items, has 1: [1]", "/more: not expected, is true"]
        );
        assert!(includes(&json!({"a": {"c": [1]}}), &actual));
        assert!(!includes(&json!({"a": null}), &actual));
    }

    #[test]
    fn lists_are_laid_side_by_side() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(&words("a b c"), &words("a x c d")), "    a\n  - b\n  + x\n    c\n  + d\n");
    }
}
