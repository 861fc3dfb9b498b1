//! One request of `call: http`: URL, headers, body, credentials, redirects.

use huiyin_flow::{ErrorKind, FlowError, HttpRequest};
use huiyin_sandbox::SecretPlace;
use huiyin_sandbox::egress::request::{self, Ask, RequestError, Requester};
use serde_json::{Map, Value};
use url::Url;

use super::auth::Credentials;
use super::{Behalf, Fault, Requests, described, fault, repeatable};

/// Redirects followed of one request.
const REDIRECTS: usize = 10;

/// An answer and the request that it answers, as people may see both.
pub(super) struct Answered {
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) request_headers: Vec<(String, String)>,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

impl Answered {
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().find(|(n, _)| n == name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

/// Sends the request and follows where it is led, if it may be.
pub(super) async fn exchange(
    requests: &Requests,
    asked: &HttpRequest,
    behalf: &Behalf,
    requester: &Requester,
) -> Result<Answered, Fault> {
    let what = described(&asked.method, &asked.uri);
    let again = repeatable(&asked.method);
    let wrong = |error: &RequestError| fault(error, &what, again, behalf);
    let mut url = url_of(asked)?;
    let mut method = asked.method.clone();
    let mut headers = headers_of(asked)?;
    if !again && !has(&headers, "idempotency-key") {
        headers.push(("idempotency-key".to_owned(), behalf.idempotency_key.clone()));
    }
    let home = request::origin_of(url.as_str()).map_err(|e| wrong(&e))?;
    let mut body = match &asked.body {
        Some(body) => Some(encoded(
            body,
            &mut headers,
            |text| requester.fill_in(text, &home, SecretPlace::Body).map(|filled| filled.to_string()),
            &wrong,
        )?),
        None => None,
    };
    let mut credentials = match &asked.authentication {
        Some(authentication) => Some(
            Credentials::new(authentication, requests, requester, &home, behalf).await.map_err(|e| e.fault(&wrong))?,
        ),
        None => None,
    };
    for _ in 0..=REDIRECTS {
        let mut ask = Ask {
            method: method.clone(),
            uri: url.to_string(),
            headers: headers.clone(),
            body: body.clone().unwrap_or_default(),
        };
        // The fragment is the reader's own (RFC 9110 §4.2.5).
        if let Some((uri, _)) = ask.uri.split_once('#') {
            ask.uri = uri.to_owned();
        }
        let answer = match &mut credentials {
            None => requester.send(&ask).await.map_err(|e| wrong(&e))?,
            Some(credentials) => {
                credentials.send(ask.clone(), requests, requester, behalf).await.map_err(|e| e.fault(&wrong))?
            }
        };
        let answered = Answered {
            method: method.clone(),
            uri: requester.scrub(&ask.uri),
            request_headers: headers.clone(),
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        };
        let Some(next) = answered.header("location").filter(|_| asked.redirect && moved(answered.status)) else {
            return Ok(answered);
        };
        let next = url.join(&next).map_err(|_| {
            let why = format!("{what}: it was redirected to what is no URL");
            FlowError::new(ErrorKind::Communication, why)
        })?;
        let stays = request::origin_of(next.as_str()).map_err(|e| wrong(&e))? == home;
        if !stays {
            // What is meant for one place is not for another to see.
            credentials = None;
            headers.retain(|(name, value)| {
                !matches!(name.to_ascii_lowercase().as_str(), "authorization" | "cookie")
                    && !request::has_placeholder(value)
            });
            if asked.body.as_ref().is_some_and(holds_placeholder) {
                let why = format!("{what}: it was redirected to another place, and its body holds a secret");
                return Err(FlowError::new(ErrorKind::Authorization, why).into());
            }
        }
        if answered.status == 303 && method != "HEAD" || matches!(answered.status, 301 | 302) && method == "POST" {
            "GET".clone_into(&mut method);
            body = None;
            headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
        }
        url = next;
    }
    let why = format!("{what}: it was redirected more than {REDIRECTS} times");
    Err(FlowError::new(ErrorKind::Communication, why).into())
}

/// Redirects that can be followed (RFC 9110 §15.4).
fn moved(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
}

fn invalid(why: String) -> FlowError {
    FlowError::new(ErrorKind::Configuration, why)
}

fn url_of(asked: &HttpRequest) -> Result<Url, FlowError> {
    let mut url = Url::parse(&asked.uri)
        .map_err(|error| invalid(format!("`{}` is no URL: {error}", asked.uri.escape_debug())))?;
    if !asked.query.is_empty() {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in &asked.query {
            each(value, |text| {
                pairs.append_pair(name, &text);
            });
        }
    }
    Ok(url)
}

/// A value as texts: each of a list's, none of `null`.
fn each(value: &Value, mut with: impl FnMut(String)) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| with(text_of(item))),
        other => with(text_of(other)),
    }
}

/// A value as it stands in a URL or a header.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn headers_of(asked: &HttpRequest) -> Result<Vec<(String, String)>, FlowError> {
    let mut headers = Vec::with_capacity(asked.headers.len() + 2);
    for (name, value) in &asked.headers {
        if value.is_object() {
            return Err(invalid(format!("the header `{}` is an object; give a text", name.escape_debug())));
        }
        each(value, |text| headers.push((name.clone(), text)));
    }
    if !has(&headers, "accept") {
        headers.push(("accept".to_owned(), "application/json, */*;q=0.9".to_owned()));
    }
    Ok(headers)
}

/// The body's bytes: a text as it is, fields as a form where the headers say so, anything else as JSON.
fn encoded(
    body: &Value,
    headers: &mut Vec<(String, String)>,
    fill: impl Fn(&str) -> Result<String, RequestError>,
    wrong: &impl Fn(&RequestError) -> Fault,
) -> Result<Vec<u8>, Fault> {
    let filled = filled(body, &fill).map_err(|e| wrong(&e))?;
    let kind =
        headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-type")).map(|(_, v)| v.to_ascii_lowercase());
    match (&filled, kind.as_deref()) {
        (Value::String(text), kind) => {
            if kind.is_none() {
                headers.push(("content-type".to_owned(), "text/plain; charset=utf-8".to_owned()));
            }
            Ok(text.clone().into_bytes())
        }
        (Value::Object(fields), Some(kind)) if kind.starts_with("application/x-www-form-urlencoded") => {
            Ok(form(fields).into_bytes())
        }
        (other, kind) => {
            if kind.is_none() {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            Ok(other.to_string().into_bytes())
        }
    }
}

/// `application/x-www-form-urlencoded`.
pub(super) fn form(fields: &Map<String, Value>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        each(value, |text| {
            form.append_pair(name, &text);
        });
    }
    form.finish()
}

fn holds_placeholder(value: &Value) -> bool {
    match value {
        Value::String(text) => request::has_placeholder(text),
        Value::Array(items) => items.iter().any(holds_placeholder),
        Value::Object(fields) => fields.values().any(holds_placeholder),
        _ => false,
    }
}

/// The value with the placeholders in its texts filled.
fn filled(value: &Value, fill: &impl Fn(&str) -> Result<String, RequestError>) -> Result<Value, RequestError> {
    Ok(match value {
        Value::String(text) if request::has_placeholder(text) => Value::String(fill(text)?),
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, fill)).collect::<Result<_, _>>()?),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), filled(value, fill)?)))
                .collect::<Result<_, RequestError>>()?,
        ),
        other => other.clone(),
    })
}
