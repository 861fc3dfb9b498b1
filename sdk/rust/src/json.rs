//! Reading JSON so that an error names its place.

use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

/// Reads JSON; the error says what is wrong and where, as a JSON Pointer
/// (RFC 6901): ``at /pages/0/url: missing field `url` ``.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() && !pointer.is_empty() { format!("at {pointer}: {inner}") } else { inner.to_string() }
    })?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

fn pointer(path: &Path) -> String {
    let mut out = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                out.push('/');
                out.push_str(&index.to_string());
            }
            Segment::Map { key } => {
                out.push('/');
                out.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            // Variants of an enum are not places in the document when tagged
            // inside; an unknown place has no name to give.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    out
}

/// Reads JSON that others wrote. Where strict reading fails, what can be
/// mended within texts is: half a surrogate pair (`\ud83d` alone) becomes
/// U+FFFD, as RFC 8259 §8.2 leaves to readers, and a bare control character
/// becomes what it stands for.
///
/// # Errors
/// What is wrong with it, and where.
pub fn mended(text: &str) -> Result<serde_json::Value, String> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(why) if why.is_syntax() => serde_json::from_str(&mend(text)).map_err(|_| why.to_string()),
        Err(why) => Err(why.to_string()),
    }
}

fn mend(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut inside = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !inside {
            inside = c == '"';
        } else if c == '"' {
            inside = false;
        } else if c == '\\' {
            match (unit(rest), unit(rest.get(6..).unwrap_or_default())) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => {
                    out.push_str(&rest[..12]);
                    rest = &rest[12..];
                }
                (Some(0xd800..=0xdfff), _) => {
                    out.push_str("\\ufffd");
                    rest = &rest[6..];
                }
                _ => {
                    let two = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
                    out.push_str(&rest[..two]);
                    rest = &rest[two..];
                }
            }
            continue;
        } else if c < ' ' {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
            rest = &rest[1..];
            continue;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// The code unit of `\uXXXX` at the beginning.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if digits.bytes().all(|b| b.is_ascii_hexdigit()) { u32::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::mended;

    #[test]
    fn host_08_half_a_surrogate_pair_costs_one_character() {
        for (text, value) in [
            (r#"["火\ud83d"]"#, json!(["火\u{fffd}"])),
            (r#"["\ud83d\ud83d\ude00"]"#, json!(["\u{fffd}😀"])),
            (r#"["\ude00x"]"#, json!(["\u{fffd}x"])),
            (r#"["\ud83d\n", "\\ud83d"]"#, json!(["\u{fffd}\n", "\\ud83d"])),
            (r#"["\uD83D\u0041"]"#, json!(["\u{fffd}A"])),
            ("[\"a\nb\tc\", \"\\ud83d\"]", json!(["a\nb\tc", "\u{fffd}"])),
            (r#"{"\ud83d": 1}"#, json!({"\u{fffd}": 1})),
        ] {
            assert_eq!(mended(text).as_ref(), Ok(&value), "{text}");
        }
        for text in ["", "{", r#"["\ud83"]"#, r#"["\"#, r#"["\ud83d"#, "[1,]", r#""火\u火火火火""#] {
            assert!(mended(text).is_err(), "{text}");
            assert_eq!(
                serde_json::from_str::<Value>(text).map_err(|e| e.to_string()),
                mended(text),
                "the first fault is told of"
            );
        }
    }
}
