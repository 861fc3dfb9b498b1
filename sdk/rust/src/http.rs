//! Simple requests and responses over the host's `wasi:http`. Not for pure
//! kinds. Only places that the manifest asks for and an admin granted answer.
//! Natively [`testing::serve`] answers.
//!
//! Redirects are not followed: an answer of another place is another grant.

use std::fmt::Write as _;

#[cfg(target_family = "wasm")]
mod wasi;

#[cfg(not(target_family = "wasm"))]
pub mod testing;

#[cfg(target_family = "wasm")]
use wasi as imp;

#[cfg(not(target_family = "wasm"))]
use testing as imp;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Absolute, `http` or `https`; `smtp` or `smtps` by [`crate::mail`].
    pub url: String,
    /// Names are case-insensitive.
    pub headers: Vec<(String, Vec<u8>)>,
    /// May be empty.
    pub body: Vec<u8>,
    /// How long to wait for the connection, the first byte and between bytes.
    pub timeout_seconds: u32,
}

impl Request {
    /// A GET with a time-out of 30 seconds.
    pub fn get(url: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout_seconds: 30,
        }
    }

    /// A POST with a time-out of 30 seconds.
    pub fn post(url: &str, body: Vec<u8>) -> Self {
        Self { method: "POST".to_owned(), body, ..Self::get(url) }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the time-out.
    #[must_use]
    pub fn timeout(mut self, seconds: u32) -> Self {
        self.timeout_seconds = seconds;
        self
    }

    /// Whether a header of that name is set.
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(there, _)| there.eq_ignore_ascii_case(name))
    }

    /// Sends it and reads the whole answer.
    pub fn send(&self) -> Result<Response, Error> {
        split_url(&self.url)?;
        imp::send(self)
    }
}

/// Refuses a configured `timeoutSeconds` that is not from 1 to 300.
///
/// # Errors
/// [`crate::Error::InvalidConfig`] with its place.
pub fn check_timeout(seconds: u32) -> Result<(), crate::Error> {
    if (1..=300).contains(&seconds) {
        return Ok(());
    }
    Err(crate::Error::InvalidConfig(format!("at /timeoutSeconds: {seconds} is not from 1 to 300")))
}

/// How a place is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
    Smtp,
    Smtps,
}

/// The parts of a URL that a request needs.
#[derive(Debug, PartialEq, Eq)]
struct SplitUrl<'a> {
    scheme: Scheme,
    authority: &'a str,
    path_with_query: String,
}

/// Splits an absolute URL. Deliberately strict: user names
/// and passwords in a URL end up in logs, so they are refused.
fn split_url(url: &str) -> Result<SplitUrl<'_>, Error> {
    let invalid = |why: &str| Error::Invalid(format!("URL {url:?}: {why}"));
    if url.bytes().any(|b| b <= b' ' || b == 0x7f) {
        return Err(invalid("it contains a space or control character; write %20"));
    }
    let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("it is not absolute; write https://host/path"))?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        "smtp" => Scheme::Smtp,
        "smtps" => Scheme::Smtps,
        _ => return Err(invalid("only http and https can be fetched")),
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.is_empty() {
        return Err(invalid("it names no host"));
    }
    if authority.contains('@') {
        return Err(invalid("a user name or password in a URL is refused; use a secret"));
    }
    let mut path_with_query = String::with_capacity(path.len() + 1);
    if !path.starts_with('/') {
        path_with_query.push('/');
    }
    for &byte in path.as_bytes() {
        // Chinese in a path is written as it is read; the wire wants ASCII.
        if byte.is_ascii() {
            path_with_query.push(char::from(byte));
        } else {
            let _ = write!(path_with_query, "%{byte:02X}");
        }
    }
    Ok(SplitUrl { scheme, authority, path_with_query })
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// In the order received.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Whole.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer to give in a test.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// Adds a header, in a test.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// The first header of that name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(there, _)| there.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// `Retry-After` in seconds (RFC 9110 §10.2.3), as a number or as a date,
    /// at most a day. A date counts from the answer's own `Date`, else from
    /// `now`, in milliseconds since the Unix epoch.
    pub fn retry_after(&self, now: u64) -> Option<u32> {
        const DAY: u64 = 86_400;
        let text = self.header("retry-after")?.trim();
        let seconds = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            text.parse().unwrap_or(DAY)
        } else {
            let sent = self.header("date").and_then(|date| http_date(date.trim())).unwrap_or(now / 1000);
            http_date(text)?.saturating_sub(sent)
        };
        u32::try_from(seconds.min(DAY)).ok()
    }
}

/// Seconds since the Unix epoch of an HTTP date in any of its three forms.
fn http_date(text: &str) -> Option<u64> {
    let there = httpdate::parse_http_date(text).ok()?;
    Some(there.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs())
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The URL or a header cannot be sent.
    #[error("not a request that can be sent: {0}")]
    Invalid(String),
    /// Not granted.
    #[error("request denied: {0}")]
    Denied(String),
    /// No connection was made: nothing was sent.
    #[error("no connection: {0}")]
    NotSent(String),
    /// The request went out, at least in part; what became of it is not known.
    #[error("no whole answer: {0}")]
    Lost(String),
}

impl Error {
    /// For a request that changes nothing at the other end (a GET): a lost
    /// answer is then as good as not sent.
    pub fn of_safe_request(self) -> crate::Error {
        match self {
            Self::Lost(_) => crate::Error::Transient(self.to_string()),
            other => other.into(),
        }
    }
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(_) | Error::Denied(_) => Self::InvalidConfig(error.to_string()),
            Error::NotSent(_) => Self::Transient(error.to_string()),
            Error::Lost(_) => Self::Unknown(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Response, Scheme, split_url};

    #[test]
    fn feed_retry_after_is_read_as_seconds_or_date_up_to_a_day() {
        let now = 1_709_253_000_000; // Fri, 01 Mar 2024 00:30:00 GMT
        for (text, date, seconds) in [
            ("7", None, Some(7)),
            ("3600", None, Some(3600)),
            ("Fri, 01 Mar 2024 01:30:00 GMT", None, Some(3600)),
            ("Friday, 01-Mar-24 01:30:00 GMT", None, Some(3600)),
            ("Fri Mar  1 01:30:00 2024", None, Some(3600)),
            ("Fri, 01 Mar 2024 01:30:00 GMT", Some("Fri, 01 Mar 2024 01:29:00 GMT"), Some(60)),
            ("Fri, 01 Mar 2019 01:30:00 GMT", None, Some(0)),
            ("Fri, 01 Mar 2030 01:30:00 GMT", None, Some(86_400)),
            ("99999999999999999999", None, Some(86_400)),
            ("soon", None, None),
            ("", None, None),
        ] {
            let mut response = Response::new(503, "").with_header("Retry-After", text);
            if let Some(date) = date {
                response = response.with_header("date", date);
            }
            assert_eq!(response.retry_after(now), seconds, "{text}");
        }
    }

    #[test]
    fn a_url_is_split_as_the_wire_wants_it() {
        for (url, scheme, authority, path) in [
            ("https://a.cn", Scheme::Https, "a.cn", "/"),
            ("http://127.0.0.1:8080/feed?a=1#top", Scheme::Http, "127.0.0.1:8080", "/feed?a=1"),
            ("HTTPS://a.cn?q=火", Scheme::Https, "a.cn", "/?q=%E7%81%AB"),
            ("smtps://mail.a.cn", Scheme::Smtps, "mail.a.cn", "/"),
            ("smtp://mail.a.cn:25/", Scheme::Smtp, "mail.a.cn:25", "/"),
        ] {
            let split = split_url(url).unwrap();
            assert_eq!((split.scheme, split.authority, split.path_with_query.as_str()), (scheme, authority, path));
        }
    }

    #[test]
    fn a_url_that_cannot_be_fetched_says_why() {
        for (url, why) in [
            ("/feed", "not absolute"),
            ("ftp://a.cn/", "only http and https"),
            ("https:///x", "names no host"),
            ("https://me:pw@a.cn/", "use a secret"),
            ("https://a.cn/a b", "%20"),
        ] {
            let error = split_url(url).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
