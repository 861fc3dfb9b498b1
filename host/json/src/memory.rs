//! What JSON takes in memory once it was read: a list of small values takes 36 times its text there, so a limit on
//! the text alone is none.

use serde_json::Value;

/// Bytes in memory for a value itself; what a text, a list or an object points to comes beside it.
const PLACE: u64 = std::mem::size_of::<Value>() as u64;
/// For the name of a field and its place in the table of its object.
const FIELD: u64 = 64;
/// For an object that is not empty.
const TABLE: u64 = 96;
/// About how many bytes of memory a value takes.
pub fn memory(value: &Value) -> u64 {
    PLACE
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len() as u64,
            Value::Array(items) => items.iter().map(memory).sum(),
            Value::Object(fields) if fields.is_empty() => 0,
            Value::Object(fields) => {
                fields.iter().fold(TABLE, |sum, (name, value)| sum + FIELD + name.len() as u64 + memory(value))
            }
        }
}

/// About how many bytes of memory the values of a JSON text take, read or not:
/// to be asked before it is read.
pub fn memory_of_text(text: &[u8]) -> u64 {
    let (mut places, mut fields, mut tables) = (1, 0, 0);
    let (mut within, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' => within = !within,
            _ if within => {}
            b',' | b'[' => places += 1,
            b'{' => (places, tables) = (places + 1, tables + 1),
            b':' => fields += 1,
            _ => {}
        }
    }
    PLACE * places + FIELD * fields + TABLE * tables + text.len() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_of_a_text_is_no_less_than_what_its_value_takes_and_no_multiple() {
        for dense in [json!(vec![0; 500]), json!(vec![json!([]); 300]), json!(vec![json!({"": 0}); 120])] {
            let (before, after) = (memory_of_text(dense.to_string().as_bytes()), memory(&dense));
            assert!((after..3 * after).contains(&before), "{before} {after}");
            assert!(after > 10 * dense.to_string().len() as u64 || dense[0].is_object());
        }
        // What stands in a text is no value.
        let plain = json!({"title": "x".repeat(700), "quote": "[,{:\\\"[[[,,,,,,,,,,,,,,,,,,,,"});
        assert!(memory_of_text(plain.to_string().as_bytes()) < 2_000);
    }
}
