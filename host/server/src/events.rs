//! CloudEvents that are sent to the host, by the HTTP binding of CloudEvents
//! 1.0.2: structured, binary and batched content mode. Which mode it is says
//! the content type; a batch is checked whole before any of it is taken in.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_desk::Act;
use huiyin_engine::{Delivered, cloud_event};
use huiyin_json::Strict;
use serde_json::{Map, Value, json};

use crate::body;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// The most events of one batch.
const MAX_BATCH: usize = 1_000;

/// The extension attribute that names the unit which an event concerns.
const UNIT: &str = "huiyinunit";

/// What was sent.
enum Sent {
    One(Value),
    Batch(Vec<Value>),
}

/// Takes events in; each says whom it concerns, or concerns no unit.
pub(crate) async fn any(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    take(&app, None, &caller, request).await
}

/// Takes events in that concern the unit of the path.
pub(crate) async fn of_unit(
    State(app): State<App>,
    unit: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let Path(unit) = unit?;
    app.engine.partition_of(&unit)?;
    take(&app, Some(&unit), &caller, request).await
}

async fn take(app: &App, unit: Option<&str>, caller: &Caller, request: Request) -> Result<Response, Problem> {
    match read(request).await? {
        Sent::One(event) => {
            let whom = checked(app, unit, caller, &event, "")?;
            let delivered = app.engine.event(whom.as_deref(), event).await?;
            Ok(axum::Json(told(delivered)).into_response())
        }
        Sent::Batch(events) => {
            if events.len() > MAX_BATCH {
                let detail = format_args!("a batch has at most {MAX_BATCH} events, this one {}", events.len());
                return Err(Problem::invalid(detail));
            }
            let mut checked_events = Vec::with_capacity(events.len());
            for (at, event) in events.into_iter().enumerate() {
                checked_events.push((checked(app, unit, caller, &event, &format!("/{at}"))?, event));
            }
            Ok(batch(app, checked_events).await)
        }
    }
}

/// Each event by itself; the answer's status is the first that is not well, so
/// that a sender who looks no further sends all again, which does no harm.
async fn batch(app: &App, events: Vec<(Option<String>, Value)>) -> Response {
    let mut status = StatusCode::OK;
    let mut answers = Vec::with_capacity(events.len());
    for (whom, event) in events {
        let (id, source) = (event.get("id").cloned(), event.get("source").cloned());
        let mut answer = match app.engine.event(whom.as_deref(), event).await {
            Ok(delivered) => told(delivered),
            Err(refusal) => {
                let problem = Problem::from(refusal);
                if status == StatusCode::OK {
                    status = problem.code();
                }
                json!({"error": problem})
            }
        };
        answer["id"] = id.unwrap_or_default();
        answer["source"] = source.unwrap_or_default();
        answers.push(answer);
    }
    (status, axum::Json(json!({"events": answers}))).into_response()
}

fn told(delivered: Delivered) -> Value {
    json!({"runs": delivered.runs, "duplicate": delivered.duplicate})
}

/// Checks an event; gives the unit it concerns.
fn checked(
    app: &App,
    unit: Option<&str>,
    caller: &Caller,
    event: &Value,
    place: &str,
) -> Result<Option<String>, Problem> {
    cloud_event::check(event)
        .map_err(|fault| Problem::invalid_at(format!("{place}{}", fault.pointer), fault.message))?;
    let at_unit = |detail: String| Problem::invalid_at(format!("{place}/{UNIT}"), detail);
    let named = match event.get(UNIT) {
        None | Some(Value::Null) => None,
        Some(Value::String(named)) => Some(named.as_str()),
        Some(_) => return Err(at_unit("is the code of a unit, a text".to_owned())),
    };
    match (unit, named) {
        (Some(unit), Some(named)) if unit != named => {
            Err(at_unit(format!("says `{named}`, and the path `{unit}`; send it to one of them")))
        }
        (unit, named) => {
            let whom = unit.or(named);
            if let Some(code) = whom {
                app.engine.partition_of(code).map_err(|refusal| at_unit(refusal.to_string()))?;
            }
            caller.within(app, whom)?;
            app.engine.permit(&caller.actor, Act::SendEvent, whom)?;
            Ok(whom.map(str::to_owned))
        }
    }
}

/// Reads the request in the mode that its content type says.
async fn read(request: Request) -> Result<Sent, Problem> {
    let headers = request.headers().clone();
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let limits = body::Limits::of(&request);
    let bytes = body::bytes_within(request, limits.limit.bytes).await?;
    match essence.as_str() {
        "application/cloudevents-batch+json" => {
            let all = body::parse_any::<Vec<Strict>>(bytes, &limits).await?;
            Ok(Sent::Batch(all.into_iter().map(|event| event.0).collect()))
        }
        "application/cloudevents+json" => Ok(Sent::One(body::parse_any::<Strict>(bytes, &limits).await?.0)),
        other if other.starts_with("application/cloudevents") => Err(Problem::no_event(other)),
        _ if headers.keys().any(|name| name.as_str().starts_with("ce-")) => {
            binary(&headers, &kind, &essence, bytes, &limits).await.map(Sent::One)
        }
        // An event in the JSON format that says so less exactly.
        "application/json" | "" => Ok(Sent::One(body::parse_any::<Strict>(bytes, &limits).await?.0)),
        other => Err(Problem::no_event(other)),
    }
}

/// Binary content mode: attributes in headers, data in the body (§3.1).
async fn binary(
    headers: &HeaderMap,
    kind: &str,
    essence: &str,
    bytes: axum::body::Bytes,
    limits: &body::Limits,
) -> Result<Value, Problem> {
    let mut event = Map::new();
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else { continue };
        let invalid =
            |why: &str| Problem::invalid_at(format!("/{attribute}"), format_args!("the header `{name}` {why}"));
        if attribute == "data" || attribute == "data_base64" || attribute == "datacontenttype" {
            return Err(invalid("is none of the binding: data is the body, its type the `content-type`"));
        }
        let text = value.to_str().map_err(|_| invalid("is not ASCII; other characters are percent-encoded"))?;
        let text = decoded(text).ok_or_else(|| invalid("is not UTF-8 once its percent-encoding is undone"))?;
        if event.insert(attribute.to_owned(), Value::String(text)).is_some() {
            return Err(invalid("is given twice"));
        }
    }
    if !kind.is_empty() {
        event.insert("datacontenttype".to_owned(), kind.into());
    }
    if !bytes.is_empty() {
        let is_json = essence == "application/json" || essence.ends_with("+json");
        let (name, data) = match std::str::from_utf8(&bytes) {
            _ if is_json => ("data", body::parse_any::<Strict>(bytes, limits).await?.0),
            Ok(text) if essence.starts_with("text/") => ("data", text.into()),
            _ => ("data_base64", STANDARD.encode(&bytes).into()),
        };
        event.insert(name.to_owned(), data);
    }
    Ok(Value::Object(event))
}

/// Undoes percent-encoding, and the quotes that some senders put around it (§3.1.3.2).
fn decoded(text: &str) -> Option<String> {
    let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        match (first, after.first().and_then(hex), after.get(1).and_then(hex)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_decoded_as_the_binding_says() {
        assert_eq!(decoded("Euro%20%E2%82%AC%20%F0%9F%98%80").as_deref(), Some("Euro € 😀"));
        assert_eq!(decoded("\"quoted\"").as_deref(), Some("quoted"));
        assert_eq!(decoded("100%").as_deref(), Some("100%"));
        assert_eq!(decoded("%FF"), None);
    }
}
