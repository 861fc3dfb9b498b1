//! What collectors that read over HTTP have in common: a GET that is
//! conditional on what was read before (RFC 9110 §13), and what a status means.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::http::{Request, Response};

/// What a server said of the version that was read last, kept in a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
}

impl Version {
    /// What an answer says of itself.
    pub fn of(response: &Response) -> Self {
        let header = |name: &str| response.header(name).map(str::to_owned);
        Self { etag: header("etag"), modified: header("last-modified") }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.modified.is_none()
    }

    /// Asks for an answer only where there is another version.
    #[must_use]
    pub fn ask(&self, mut request: Request) -> Request {
        if let Some(etag) = &self.etag {
            request = request.header("if-none-match", etag);
        }
        if let Some(modified) = &self.modified {
            request = request.header("if-modified-since", modified);
        }
        request
    }
}

/// Sends a GET. None where nothing has changed (304).
///
/// # Errors
/// 429 and 503 with the server's own time are [`Error::RateLimited`]; 408, 5xx
/// and no whole answer are [`Error::Transient`]; any other status, redirects
/// among them, is [`Error::InvalidConfig`]. Each names address and status.
pub fn get(request: &Request, now: u64) -> Result<Option<Response>, Error> {
    let response = request.send().map_err(crate::http::Error::of_safe_request)?;
    match response.status {
        304 => Ok(None),
        200..=299 => Ok(Some(response)),
        _ => Err(refused(&request.url, &response, now)),
    }
}

/// The error that a status stands for which brings nothing; as [`get`] has it.
pub fn refused(url: &str, response: &Response, now: u64) -> Error {
    let failed = format!("{url} answered {}", response.status);
    match response.status {
        300..=399 => Error::InvalidConfig(format!(
            "{failed}: it has moved{}; write the new address",
            response.header("location").map(|to| format!(" to {to}")).unwrap_or_default()
        )),
        429 | 503 => match response.retry_after(now) {
            Some(seconds) => Error::RateLimited(seconds),
            None if response.status == 429 => Error::RateLimited(60),
            None => Error::Transient(failed),
        },
        408 | 500..=599 => Error::Transient(failed),
        _ => Error::InvalidConfig(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::{Version, get};
    use crate::Error;
    use crate::http::testing::serve;
    use crate::http::{Request, Response};

    #[test]
    fn a_status_says_whether_to_come_back_and_when() {
        for (status, header, wanted) in [
            (429, Some("7"), Error::RateLimited(7)),
            (429, None, Error::RateLimited(60)),
            (503, Some("5"), Error::RateLimited(5)),
            (503, None, Error::Transient("https://a.cn/ answered 503".to_owned())),
            (404, None, Error::InvalidConfig("https://a.cn/ answered 404".to_owned())),
        ] {
            let _serving = serve(move |_| {
                let answer = Response::new(status, "");
                Ok(header.map_or(answer.clone(), |seconds| answer.with_header("retry-after", seconds)))
            });
            assert_eq!(get(&Request::get("https://a.cn/"), 0).unwrap_err(), wanted, "{status}");
        }
    }

    #[test]
    fn what_was_read_before_is_asked_for_only_where_it_changed() {
        let _serving = serve(|request| {
            let known = request.headers.iter().any(|(name, value)| name == "if-none-match" && value == b"\"a\"");
            Ok(Response::new(if known { 304 } else { 200 }, "").with_header("etag", "\"a\""))
        });
        let first = get(&Version::default().ask(Request::get("https://a.cn/")), 0).unwrap().unwrap();
        let version = Version::of(&first);
        assert!(!version.is_empty());
        assert_eq!(get(&version.ask(Request::get("https://a.cn/")), 0), Ok(None));
    }
}
