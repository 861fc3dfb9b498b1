//! Simple requests and responses over the host's `wasi:http`. Not for pure
//! kinds. Only places that the manifest asks for and an admin granted answer.
//! Natively [`testing::serve`] answers.
//!
//! Redirects are not followed: an answer of another place is another grant.

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
    /// Absolute, `http` or `https`.
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

    /// Sends it and reads the whole answer.
    pub fn send(&self) -> Result<Response, Error> {
        imp::send(self)
    }
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

    /// `Retry-After` in seconds (RFC 9110 §10.2.3), if given as a number.
    pub fn retry_after(&self) -> Option<u32> {
        self.header("retry-after")?.trim().parse().ok()
    }
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
