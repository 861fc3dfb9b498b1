//! From an answer to what the task gives, or to its error.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_flow::{ErrorKind, FlowError, ResponseForm};
use huiyin_partition::value_limits::DEFAULT;
use huiyin_sandbox::egress::request::Requester;
use serde_json::{Map, Value, json};

use super::described;
use super::http::Answered;

/// How much of an answer's text an error quotes, in characters.
const QUOTED: usize = 300;

/// What the task gives (dsl-reference.md, "HTTP Call": `output`).
pub(super) fn output(
    answer: &Answered,
    form: ResponseForm,
    redirect: bool,
    requester: &Requester,
) -> Result<Value, FlowError> {
    accepted(answer, redirect, requester)?;
    let what = || described(&answer.method, &answer.uri);
    match form {
        ResponseForm::Raw => Ok(Value::String(STANDARD.encode(&answer.body))),
        ResponseForm::Content => content(answer, requester).map_err(|why| broken(&what(), &why)),
        ResponseForm::Response => {
            let content = content(answer, requester).map_err(|why| broken(&what(), &why))?;
            Ok(json!({
                "request": {
                    "method": answer.method,
                    "uri": answer.uri,
                    "headers": joined(answer.request_headers.iter().map(|(n, v)| (n.as_str(), Cow::Borrowed(v.as_str())))),
                },
                "statusCode": answer.status,
                "headers": joined(answer.headers.iter().map(|(n, v)| (n.as_str(), String::from_utf8_lossy(v)))),
                "content": content,
            }))
        }
    }
}

/// Whether the status is one the task goes on with: 2xx, with `redirect` 3xx, too.
pub(super) fn accepted(answer: &Answered, redirect: bool, requester: &Requester) -> Result<(), FlowError> {
    let most = if redirect { 400 } else { 300 };
    if (200..most).contains(&answer.status) {
        return Ok(());
    }
    let what = described(&answer.method, &answer.uri);
    let mut detail = format!("{what} answered {}", answer.status);
    if (300..400).contains(&answer.status) {
        detail.push_str(", a redirect; set `redirect: true` to follow it");
    } else if let Some(text) = text(answer, requester).filter(|text| !text.trim().is_empty()) {
        let short: String = text.trim().chars().take(QUOTED).collect();
        detail.push_str(": ");
        detail.push_str(&short);
        if text.trim().chars().nth(QUOTED).is_some() {
            detail.push('…');
        }
    }
    Err(FlowError::new(ErrorKind::Communication, detail).with_status(answer.status))
}

fn broken(what: &str, why: &str) -> FlowError {
    FlowError::new(ErrorKind::Communication, format!("{what}: {why}"))
}

/// Names and values; a name that came several times has its values joined (RFC 9110 §5.2).
fn joined<'a>(headers: impl Iterator<Item = (&'a str, Cow<'a, str>)>) -> Value {
    let mut map = Map::new();
    for (name, value) in headers {
        match map.get_mut(name) {
            Some(Value::String(text)) => {
                text.push_str(", ");
                text.push_str(&value);
            }
            _ => {
                map.insert(name.to_owned(), Value::String(value.into_owned()));
            }
        }
    }
    Value::Object(map)
}

/// The content: JSON as its value, text as text, anything else in base64.
fn content(answer: &Answered, requester: &Requester) -> Result<Value, String> {
    if answer.body.is_empty() {
        return Ok(Value::Null);
    }
    let kind = essence(answer);
    if kind == "application/json" || kind.ends_with("+json") {
        let text = decoded(answer).ok_or("the answer says that it is JSON and is not text")?;
        // In memory it may take many times its text.
        let (memory, most) =
            (huiyin_flow::memory_of_text(text.as_bytes()), huiyin_flow::MEMORY * DEFAULT.max(text.len() as u64));
        if memory > most {
            return Err(format!(
                "the answer is made of so many small values that they take {memory} bytes in memory, {most} are allowed"
            ));
        }
        let mut value: Value = serde_json::from_str(&text)
            .map_err(|error| format!("the answer says that it is JSON and is not: {error}"))?;
        // A secret that had to be escaped in JSON is seen only now.
        scrub(&mut value, requester);
        return Ok(value);
    }
    match text(answer, requester) {
        Some(text) => Ok(Value::String(text)),
        None => Ok(Value::String(STANDARD.encode(&answer.body))),
    }
}

/// `type/subtype`, in lower case; empty where none is given.
fn essence(answer: &Answered) -> String {
    let kind = answer.header("content-type").unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The body as text, where it is text.
fn text(answer: &Answered, requester: &Requester) -> Option<String> {
    let kind = essence(answer);
    let textual = kind.is_empty()
        || kind.starts_with("text/")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || kind.ends_with("yaml")
        || matches!(
            kind.as_str(),
            "application/json" | "application/xml" | "application/javascript" | "application/x-www-form-urlencoded"
        );
    let text = decoded(answer).filter(|_| textual)?;
    Some(requester.scrub(&text))
}

/// By the charset that the answer names; UTF-8 where it names none. None where it does not fit.
fn decoded(answer: &Answered) -> Option<String> {
    let kind = answer.header("content-type").unwrap_or_default();
    let charset = kind.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
    });
    let encoding = match charset {
        None => encoding_rs::UTF_8,
        Some(label) => encoding_rs::Encoding::for_label(label.as_bytes())?,
    };
    let (text, _, wrong) = encoding.decode(&answer.body);
    (!wrong).then(|| text.into_owned())
}

fn scrub(value: &mut Value, requester: &Requester) {
    match value {
        Value::String(text) => {
            let seen = requester.scrub(text);
            if seen != *text {
                *text = seen;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, requester)),
        Value::Object(fields) => fields.values_mut().for_each(|value| scrub(value, requester)),
        _ => {}
    }
}
