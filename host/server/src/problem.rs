//! Problem details (RFC 9457): the one form of every error that the API gives.

use std::fmt::Display;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use huiyin_engine::partition::Refusal;
use huiyin_flow::Diagnostic;
use serde::Serialize;

/// Seconds after which a refused intake may be tried again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// An error as the API tells it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    /// JSON pointer into the request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<Box<str>>,
    /// What is wrong with a workflow, all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<Diagnostic>,
    /// The version that there is, where another was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Box<str>>,
    /// Seconds to wait, where it is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<std::num::NonZeroU32>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Display) -> Problem {
        Problem {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.to_string(),
            pointer: None,
            diagnostics: Vec::new(),
            current: None,
            retry_after: None,
        }
    }

    /// Its status.
    pub(crate) fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn invalid(detail: impl Display) -> Problem {
        Self::new(StatusCode::BAD_REQUEST, "urn:huiyin:problem:invalid", "The request is not valid", detail)
    }

    pub(crate) fn invalid_at(pointer: impl Into<String>, detail: impl Display) -> Problem {
        Problem { pointer: Some(pointer.into().into()), ..Self::invalid(detail) }
    }

    /// Workflows that are not valid.
    pub(crate) fn diagnosed(diagnostics: Vec<Diagnostic>) -> Problem {
        let detail = diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Problem { diagnostics, ..Self::invalid(detail) }
    }

    pub(crate) fn unauthorized(detail: impl Display) -> Problem {
        Self::new(StatusCode::UNAUTHORIZED, "urn:huiyin:problem:unauthorized", "A valid token is needed", detail)
    }

    /// Somebody who is known and may not.
    pub(crate) fn forbidden(detail: impl Display) -> Problem {
        Self::new(StatusCode::FORBIDDEN, "urn:huiyin:problem:forbidden", "This is not allowed", detail)
    }

    /// A first password has to be changed before anything else.
    pub(crate) fn change_password() -> Problem {
        let detail =
            "this is a first password: choose one of your own before anything else (`POST /v1/session/password`)";
        Self::new(StatusCode::FORBIDDEN, "urn:huiyin:problem:change-password", "The password has to be changed", detail)
    }

    /// The password is right, and a code is asked for beside it.
    pub(crate) fn code_needed() -> Problem {
        let detail = "this account has a second factor: send its six digits, or a recovery code, as `code`";
        Self::new(StatusCode::UNAUTHORIZED, "urn:huiyin:problem:code-needed", "A code is needed", detail)
    }

    /// The code of the second factor is another.
    pub(crate) fn wrong_code() -> Problem {
        let detail = "this is not the code, or it has counted already; wait for the next one";
        let problem =
            Self::new(StatusCode::UNAUTHORIZED, "urn:huiyin:problem:wrong-code", "The code is another", detail);
        Problem { pointer: Some("/code".into()), ..problem }
    }

    /// Too many wrong passwords: the next can be tried after so many seconds.
    pub(crate) fn delayed(seconds: u64) -> Problem {
        let detail = format!("too many wrong passwords or codes; try again in {seconds} s");
        let mut problem =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "urn:huiyin:problem:delayed", "Too many wrong passwords", detail);
        problem.retry_after = u32::try_from(seconds).ok().and_then(std::num::NonZeroU32::new);
        problem
    }

    pub(crate) fn not_found(detail: impl Display) -> Problem {
        Self::new(StatusCode::NOT_FOUND, "urn:huiyin:problem:not-found", "There is no such thing", detail)
    }

    pub(crate) fn method_not_allowed() -> Problem {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "urn:huiyin:problem:method",
            "The method does not fit",
            "this path takes another method; see docs/reference/api.md",
        )
    }

    pub(crate) fn refused(detail: impl Display) -> Problem {
        Self::new(StatusCode::CONFLICT, "urn:huiyin:problem:refused", "The rules forbid it", detail)
    }

    /// A request that never became one.
    pub(crate) fn of_head(status: StatusCode, detail: impl Display) -> Problem {
        Self::new(status, "urn:huiyin:problem:head", "The head of the request cannot be read", detail)
    }

    pub(crate) fn too_large(limit: usize) -> Problem {
        let detail = format_args!("the body has more than {limit} bytes; send it in parts").to_string();
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:huiyin:problem:too-large", "The body is too large", detail)
    }

    pub(crate) fn package_too_large(limit: usize) -> Problem {
        let detail = format!(
            "the package is larger than the host takes: the host takes {limit} bytes; make it smaller, or raise `packages.maxBytes`"
        );
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:huiyin:problem:too-large", "The package is too large", detail)
    }

    pub(crate) fn too_dense(bytes: u64, limit: u64) -> Problem {
        let detail = format!(
            "the body is made of so many small values that they take {bytes} bytes in memory, {limit} are allowed; send it in parts"
        );
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:huiyin:problem:too-large", "The body is too large", detail)
    }

    pub(crate) fn too_slow(rate: u64) -> Problem {
        let detail =
            format!("the body comes too slowly; after half a minute it must have brought {rate} bytes a second");
        Self::new(StatusCode::REQUEST_TIMEOUT, "urn:huiyin:problem:too-slow", "The body comes too slowly", detail)
    }

    pub(crate) fn not_json(found: impl Display) -> Problem {
        let detail = format!("the body is `{found}`; send JSON with `content-type: application/json`");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "urn:huiyin:problem:media-type", "The body is not JSON", detail)
    }

    pub(crate) fn no_package(found: impl Display) -> Problem {
        let detail = format!("the body is `{found}`; send the package with `content-type: application/wasm`");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "urn:huiyin:problem:media-type", "The body is no package", detail)
    }

    pub(crate) fn no_event(found: impl Display) -> Problem {
        let detail = format!(
            "`{found}` says nothing of a CloudEvent; send `application/cloudevents+json`, `application/cloudevents-batch+json`, or the attributes in `ce-` headers"
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "urn:huiyin:problem:media-type", "The body is no event", detail)
    }

    pub(crate) fn unavailable(detail: impl Display) -> Problem {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:huiyin:problem:store", "The host cannot answer", detail)
    }

    pub(crate) fn internal(detail: impl Display) -> Problem {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "urn:huiyin:problem:internal", "The host made a mistake", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        match status {
            StatusCode::TOO_MANY_REQUESTS => {
                let after = self.retry_after.map_or(RETRY_AFTER, |seconds| seconds.get().into());
                response.headers_mut().insert(header::RETRY_AFTER, after)
            }
            StatusCode::PRECONDITION_FAILED => {
                let tag =
                    self.current.as_ref().and_then(|current| HeaderValue::from_str(&format!("\"{current}\"")).ok());
                tag.and_then(|tag| response.headers_mut().insert(header::ETAG, tag))
            }
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            _ => None,
        };
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::NotFound(what) => Problem::not_found(what),
            Refusal::Refused(why) => Problem::refused(why),
            Refusal::Invalid { pointer, message } => Problem::invalid_at(pointer, message),
            Refusal::Stale { current } => {
                let mut problem = Self::new(
                    StatusCode::PRECONDITION_FAILED,
                    "urn:huiyin:problem:changed",
                    "It has changed",
                    Refusal::Stale { current: String::new() },
                );
                problem.current = Some(current.into());
                problem
            }
            Refusal::KeyReused(why) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "urn:huiyin:problem:key-reused",
                "The key was another request's",
                why,
            ),
            Refusal::Busy => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "urn:huiyin:problem:busy",
                "Too much is under way",
                Refusal::Busy,
            ),
            Refusal::NoSpace => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "urn:huiyin:problem:no-space",
                "The disk is nearly full",
                Refusal::NoSpace,
            ),
            Refusal::Store(why) => Problem::unavailable(why),
        }
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Problem {
        Problem::invalid(rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        Problem::invalid(rejection.body_text())
    }
}
