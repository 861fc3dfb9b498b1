//! What a JSON text weighs once it is read. `[0,0,…]` takes thirty-six times
//! its length as values: a limit on the text alone is none on the memory.

use serde_json::Value;

/// Bytes that every value takes beside its text.
const VALUE: u64 = size_of::<Value>() as u64;

/// A member of an object: its key's own place and its place in the index.
const MEMBER: u64 = 48;

/// An upper bound of what the text's values take, in bytes; for texts that are
/// no JSON, some number.
pub(crate) fn weight(text: &str) -> u64 {
    let (mut values, mut members) = (1_u64, 0_u64);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                // Up to the closing quote; an escaped byte closes nothing.
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            // An opening bracket's first element, and one more at each comma.
            b',' | b'[' | b'{' => values += 1,
            b':' => members += 1,
            _ => {}
        }
    }
    text.len() as u64 + values * VALUE + members * MEMBER
}

/// Whether the text weighs more than so many bytes; short texts are not read for it.
pub(crate) fn heavier_than(text: &str, bytes: u64) -> Option<u64> {
    // No text has more values and members than bytes.
    if (text.len() as u64).saturating_mul(VALUE + MEMBER) <= bytes {
        return None;
    }
    let weight = weight(text);
    (weight > bytes).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_counts_and_what_stands_in_texts_does_not() {
        assert_eq!(weight("1"), 1 + VALUE);
        assert_eq!(weight("[1,2]"), 5 + 3 * VALUE);
        assert_eq!(weight(r#"{"a":1,"b":[]}"#), 14 + 4 * VALUE + 2 * MEMBER);
        assert_eq!(weight(r#""[,,,,:\",,""#), 12 + VALUE);
    }

    #[test]
    fn a_list_of_zeros_is_heavy_and_a_long_text_is_not() {
        let zeros = format!("[{}0]", "0,".repeat(100_000));
        assert!(heavier_than(&zeros, 1 << 20).is_some());
        assert!(heavier_than(&format!("\"{}\"", ",".repeat(1 << 20)), 2 << 20).is_none());
        assert!(heavier_than("[0,0]", 1 << 10).is_none());
    }
}
