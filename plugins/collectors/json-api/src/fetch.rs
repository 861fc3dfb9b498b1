//! One request, and what its answer is: a list, or one of the ways in which
//! servers say that there is none.

use huiyin_sdk::charset::{self, Decoded};
use huiyin_sdk::http::{Request, Response};
use huiyin_sdk::{Error, parse_json_mended};
use serde_json::Value;

use crate::config::Config;
use crate::cursor::Position;

/// How much of an answer is quoted, in characters.
const QUOTED: usize = 200;

pub(crate) enum Answer {
    /// The document and the list in it.
    List(Value, Vec<Value>),
    /// A status of 400, 404 and their like.
    Refused(Error),
    /// A status of 500 and beyond.
    Failed(Error),
    /// JSON without a list, or no JSON.
    NoList(Error),
}

/// # Errors
/// What is not an answer to this page: no connection, too many requests, a
/// redirect, a refused login.
pub(crate) fn fetch(config: &Config, at: &Position, now: u64) -> Result<Answer, Error> {
    let mut request = Request::get(&config.address(at))
        .timeout(config.timeout_seconds)
        .header("accept", "application/json")
        .header("user-agent", concat!("Huiyin-json-api/", env!("CARGO_PKG_VERSION")));
    for (name, value) in &config.headers {
        request = request.header(name, value);
    }
    let response = request.send().map_err(huiyin_sdk::http::Error::of_safe_request)?;
    let failed = format!("{} answered {}", config.url, response.status);
    match response.status {
        200..=299 => Ok(list(config, &response)),
        429 | 503 => match response.retry_after(now) {
            Some(seconds) => Err(Error::RateLimited(seconds)),
            None if response.status == 429 => Err(Error::RateLimited(60)),
            None => Ok(Answer::Failed(Error::Transient(failed))),
        },
        408 => Err(Error::Transient(failed)),
        500..=599 => Ok(Answer::Failed(Error::Transient(failed))),
        300..=399 => {
            Err(Error::InvalidConfig(format!("{failed}; redirects are not followed, write the final address in /url")))
        }
        400 | 404 | 410 | 416 | 422 => Ok(Answer::Refused(Error::InvalidConfig(failed))),
        _ => Err(Error::InvalidConfig(failed)),
    }
}

fn list(config: &Config, response: &Response) -> Answer {
    let content_type = response.header("content-type");
    let Decoded { text, charset } = charset::decode(&response.body, content_type);
    let mut document = match parse_json_mended(callback(&text)) {
        Ok(document) => document,
        Err(why) => {
            let said = content_type.map(|said| format!(", its content type is {said:?}")).unwrap_or_default();
            let quoted = quote(&text);
            return Answer::NoList(Error::Transient(format!(
                "{} answered no JSON: {why} (read as {charset}{said}): {quoted}",
                config.url
            )));
        }
    };
    match document.pointer_mut(&config.items).map(Value::take) {
        Some(Value::Array(list)) => Answer::List(document, list),
        // An empty list, as some write it; not where the whole document is null.
        Some(Value::Null) if !config.items.is_empty() => Answer::List(document, Vec::new()),
        _ => Answer::NoList(Error::Transient(format!(
            "{} answered JSON without a list at {:?}; if it always does, mend /items: {}",
            config.url,
            config.items,
            quote(&text)
        ))),
    }
}

/// What a server says of its own fault in a 200 stands in its answer.
fn quote(text: &str) -> String {
    let mut quoted: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTED).collect();
    if quoted.len() < text.trim().len() {
        quoted.push('…');
    }
    quoted
}

/// JSON in the call of a function (JSONP) without the call.
fn callback(text: &str) -> &str {
    let text = text.trim().trim_start_matches("/**/").trim_start();
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.');
    let (Some(open), Some(inner)) = (text.find('('), text.trim_end_matches(';').trim_end().strip_suffix(')')) else {
        return text;
    };
    if open > 0 && open < inner.len() && text[..open].chars().all(named) { &inner[open + 1..] } else { text }
}
