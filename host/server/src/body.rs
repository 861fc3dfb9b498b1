//! Reading a request's JSON body: bounded, strict, with the place of what is wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use huiyin_json::depth;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// What a body may have beside the largest payload, in bytes.
const BESIDE: u64 = 64 << 10;

/// The largest body that is read at once, in bytes.
const SHORT: usize = 64 << 10;

/// The largest body, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

impl BodyLimit {
    pub(crate) fn of(payload: huiyin_engine::payload::Payload) -> BodyLimit {
        BodyLimit(max_body_bytes(payload))
    }
}

/// The largest body, in bytes: one payload and what stands around it.
pub fn max_body_bytes(payload: huiyin_engine::payload::Payload) -> usize {
    usize::try_from(payload.value + BESIDE).unwrap_or(usize::MAX)
}

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if let Some(kind) = request.headers().get(header::CONTENT_TYPE) {
            let kind = String::from_utf8_lossy(kind.as_bytes());
            let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
                return Err(Problem::not_json(essence));
            }
        }
        parse_any(bytes(request).await?).await.map(Json)
    }
}

/// The whole body.
pub(crate) async fn bytes(request: Request) -> Result<Bytes, Problem> {
    let most = request.extensions().get::<BodyLimit>().map_or(BESIDE as usize, |limit| limit.0);
    bytes_within(request, most).await
}

/// The whole body, of at most so many bytes.
pub(crate) async fn bytes_within(request: Request, most: usize) -> Result<Bytes, Problem> {
    let body = Limited::new(request.into_body(), most).collect().await.map_err(|error| {
        if error.downcast_ref::<LengthLimitError>().is_some() {
            Problem::too_large(most)
        } else {
            Problem::invalid(format_args!("the body broke off: {error}"))
        }
    })?;
    Ok(body.to_bytes())
}

/// Reads JSON strictly; a large one on a thread that may take its time, since deadlines need this one.
pub(crate) async fn parse_any<T: DeserializeOwned + Send + 'static>(bytes: Bytes) -> Result<T, Problem> {
    if bytes.len() <= SHORT {
        return parse(&bytes);
    }
    let parsed = tokio::task::spawn_blocking(move || parse(&bytes)).await;
    parsed.unwrap_or_else(|_| Err(Problem::internal("the body could not be read")))
}

/// Reads JSON strictly.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let levels = depth::of_text(bytes);
        if error.inner().is_syntax() && levels > depth::RECORD {
            // The reader's own word for it speaks of recursion.
            let most = depth::VALUE;
            return Problem::invalid_at("", format_args!("nests {levels} levels deep; a value may nest {most}"));
        }
        Problem::invalid_at(pointer(error.path()), error.inner())
    })?;
    reader.end().map_err(|error| Problem::invalid_at("", error))?;
    Ok(value)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut out, segment| {
        out.push('/');
        match segment {
            Segment::Seq { index } => out.push_str(&index.to_string()),
            Segment::Map { key } => out.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => out.push_str(variant),
            Segment::Unknown => out.push('?'),
        }
        out
    })
}
