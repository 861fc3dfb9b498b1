//! Reading JSON so that an error names its place.

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
