//! What makes a JSON object a CloudEvent 1.0, checked strictly, and which
//! types nobody but the host may use. The one place that says so, for events
//! from outside and for those of workflows.

use jiff::Timestamp;
use serde_json::Value;

/// The longest attribute, in bytes.
pub const MAX_ATTRIBUTE: usize = 2_048;

/// The most attributes, those of extensions included.
pub const MAX_ATTRIBUTES: usize = 64;

/// What is wrong with an event, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at {pointer})")]
pub struct Fault {
    /// JSON pointer into the event.
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// Why an event of this type is nobody's to send but the host's own.
pub fn reserved(kind: &str) -> Option<&'static str> {
    kind.starts_with("huiyin.").then_some("types that begin with `huiyin.` are the host's own; choose another")
}

/// Checks an event in the JSON format (CloudEvents 1.0.2, JSON event format) that comes from outside.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(event: &Value) -> Result<(), Fault> {
    well_formed(event)?;
    match event.get("type").and_then(Value::as_str).and_then(reserved) {
        Some(why) => Err(Fault { pointer: "/type".to_owned(), message: why.to_owned() }),
        None => Ok(()),
    }
}

/// Checks the form of an event, whoever sends it.
///
/// # Errors
/// The first thing that is wrong.
pub fn well_formed(event: &Value) -> Result<(), Fault> {
    let fault = |name: &str, message: String| Err(Fault { pointer: format!("/{name}"), message });
    let Some(attributes) = event.as_object() else {
        return Err(Fault { pointer: String::new(), message: "a CloudEvent is a JSON object".to_owned() });
    };
    if attributes.len() > MAX_ATTRIBUTES {
        let message = format!("has {} attributes, {MAX_ATTRIBUTES} are allowed", attributes.len());
        return Err(Fault { pointer: String::new(), message });
    }
    for name in ["specversion", "id", "source", "type"] {
        match attributes.get(name) {
            None | Some(Value::Null) => return fault(name, format!("a CloudEvent has `{name}`; it is missing")),
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(_) => return fault(name, format!("`{name}` is a text that is not empty")),
        }
    }
    for (name, value) in attributes {
        if name == "data" || name == "data_base64" {
            continue;
        }
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return fault(
                &pointer_part(name),
                format!("`{name}` is no attribute: names are lower case letters and digits"),
            );
        }
        match value {
            Value::String(text) if text.len() > MAX_ATTRIBUTE => {
                return fault(name, format!("has {} bytes, {MAX_ATTRIBUTE} are allowed", text.len()));
            }
            Value::String(text) if text.chars().any(char::is_control) => {
                return fault(name, "holds a control character".to_owned());
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
            Value::Number(n) if n.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => {}
            _ => return fault(name, "an attribute is a text, a boolean or a whole number of 32 bits".to_owned()),
        }
    }
    let text = |name: &str| attributes.get(name).and_then(Value::as_str);
    if text("specversion") != Some("1.0") {
        return fault("specversion", "only `\"specversion\": \"1.0\"` is understood".to_owned());
    }
    for name in ["time", "subject", "datacontenttype", "dataschema"] {
        match attributes.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(_) => return fault(name, format!("`{name}` is a text that is not empty, or is left out")),
        }
    }
    if let Some(time) = text("time")
        && instant(time).is_none()
    {
        return fault("time", format!("`{time}` is no RFC 3339 time; write it as `2026-03-01T10:00:00Z`"));
    }
    if text("source").is_some_and(|source| source.contains(char::is_whitespace)) {
        return fault("source", "`source` is a URI reference: no spaces".to_owned());
    }
    if text("datacontenttype").is_some_and(|kind| !kind.contains('/')) {
        return fault("datacontenttype", "`datacontenttype` is a media type, such as `application/json`".to_owned());
    }
    if text("dataschema").is_some_and(|uri| !uri.contains(':')) {
        return fault("dataschema", "`dataschema` is an absolute URI".to_owned());
    }
    match (attributes.get("data"), attributes.get("data_base64")) {
        (Some(_), Some(_)) => return fault("data_base64", "either `data` or `data_base64`, not both".to_owned()),
        (None, Some(Value::String(text))) if !base64(text) => {
            return fault("data_base64", "is not base64".to_owned());
        }
        (None, Some(Value::String(_)) | None) | (Some(_), None) => {}
        (None, Some(_)) => return fault("data_base64", "is a text in base64".to_owned()),
    }
    Ok(())
}

/// The instant of an RFC 3339 time, which may have any number of digits behind the second's point: those
/// beyond the ninth do not count.
fn instant(text: &str) -> Option<Timestamp> {
    if !rfc3339(text) {
        return None;
    }
    let Some((whole, rest)) = text.split_once('.') else { return text.parse().ok() };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let (fraction, zone) = rest.split_at(digits);
    format!("{whole}.{}{zone}", fraction.get(..9).unwrap_or(fraction)).parse().ok()
}

/// A date, a time and an offset: a Timestamp reads more than that.
fn rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let zone = text.ends_with(['Z', 'z']) || text.len() > 6 && matches!(bytes[text.len() - 6], b'+' | b'-');
    bytes.len() >= 20 && matches!(bytes[10], b'T' | b't' | b' ') && zone && !text.contains('[')
}

fn base64(text: &str) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).is_ok()
}

fn pointer_part(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // tests may fail loudly
mod tests {
    use serde_json::json;

    use super::*;

    fn with(change: impl FnOnce(&mut Value)) -> Result<(), Fault> {
        let mut event = json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "org.example.t", "time": "2026-03-01T10:00:00+08:00", "data": {"a": 1}, "priority": 3});
        change(&mut event);
        check(&event)
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        assert_eq!(with(|_| {}), Ok(()));
        for (name, value, place, word) in [
            ("id", Value::Null, "/id", "missing"),
            ("id", json!(""), "/id", "not empty"),
            ("source", json!(7), "/source", "not empty"),
            ("source", json!("a b"), "/source", "spaces"),
            ("type", json!("huiyin.case.opened.v1"), "/type", "host's own"),
            ("specversion", json!("0.3"), "/specversion", "1.0"),
            ("time", json!("yesterday"), "/time", "RFC 3339"),
            ("time", json!("2026-03-01"), "/time", "RFC 3339"),
            ("time", json!("2026-03-01T10:00:00Z[UTC]"), "/time", "RFC 3339"),
            ("time", json!("2026-13-01T10:00:00Z"), "/time", "RFC 3339"),
            ("subject", json!(""), "/subject", "left out"),
            ("Priority", json!(1), "/Priority", "lower case"),
            ("priority", json!(5_000_000_000_i64), "/priority", "32 bits"),
            ("priority", json!([1]), "/priority", "32 bits"),
            ("data_base64", json!("aGk="), "/data_base64", "not both"),
            ("datacontenttype", json!("json"), "/datacontenttype", "media type"),
        ] {
            let fault = with(|event| event[name] = value.clone()).unwrap_err();
            assert_eq!(fault.pointer, place, "{value}");
            assert!(fault.message.contains(word), "{fault}");
        }
        assert_eq!(check(&json!([])).unwrap_err().pointer, "");
    }

    #[test]
    fn workflow_08_any_number_of_digits_behind_the_second() {
        let at = |time: &str| json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": time});
        for time in [
            "2024-05-01T08:00:00.1234567891Z",
            "2024-05-01T08:00:00.1Z",
            "2024-05-01T08:00:00.123456789012345678901234567890+08:00",
            "2024-05-01t08:00:00.5z",
        ] {
            assert_eq!(check(&at(time)), Ok(()), "{time}");
        }
        for time in [
            "2024-05-01T08:00:00.Z",
            "2024-05-01T08:00:00.12x4567891234Z",
            "2024-02-30T00:00:00Z",
            "2024-02-30T00:00:00.1234567891Z",
            "2024-05-01",
            "2024-05-01T08:00:00.1234567891",
        ] {
            assert!(check(&at(time)).is_err(), "{time}");
        }
    }
}
