//! What the status of an answer means for a delivery (RFC 9110 §15): done, certainly not done, or unknown.

use crate::Error;
use crate::http::Response;

/// Seconds to wait where the receiver names none.
const MINUTE: u32 = 60;

/// Ok for 2xx: what the body says is another matter. `now` is the call's time in milliseconds since the Unix
/// epoch; `said` writes who answered what.
///
/// # Errors
/// [`Error::RateLimited`] and [`Error::Transient`] only where nothing was done. A server that fails (500, 502, 504)
/// may have acted before it failed: [`Error::Unknown`].
pub fn of_status(response: &Response, now: u64, said: &dyn Fn() -> String) -> Result<(), Error> {
    match response.status {
        200..=299 => Ok(()),
        // Refused before anything was done, for now.
        429 => Err(Error::RateLimited(response.retry_after(now).unwrap_or(MINUTE))),
        503 => Err(match response.retry_after(now) {
            Some(seconds) => Error::RateLimited(seconds),
            None => Error::Transient(said()),
        }),
        // 408: the request never arrived whole; 425: it was not looked at.
        408 | 425 => Err(Error::Transient(said())),
        // 409: another try with this key is being worked on.
        409 | 500 | 502 | 504 | 506..=599 => Err(Error::Unknown(said())),
        400 | 413 | 415 | 422 => Err(Error::InvalidInput(said())),
        300..=399 => Err(Error::InvalidConfig(format!(
            "{}; redirects are not followed, write the final address in /url",
            said()
        ))),
        400..=499 | 501 | 505 => Err(Error::InvalidConfig(said())),
        _ => Err(Error::Unknown(said())),
    }
}

/// Who answered what, for an error: the URL without its query, in which keys stand, the status, and the first words
/// of the body.
pub fn said(url: &str, response: &Response) -> String {
    let place = url.split('?').next().unwrap_or_default();
    match excerpt(&response.body) {
        Some(words) => format!("{place} answered {}: {words}", response.status),
        None => format!("{place} answered {}", response.status),
    }
}

/// The first words of an answer, on one line, for the people who read the error.
pub fn excerpt(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(2000)]);
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
    (!words.is_empty()).then_some(words)
}
