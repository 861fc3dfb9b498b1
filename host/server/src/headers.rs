//! What every answer tells a browser, where the answer does not say it itself: to guess no media type, to load nothing
//! for it and to show it in no frame, to keep nothing of it, and to name it to nobody.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

const USUAL: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Adds what an answer does not say.
pub(crate) async fn guard(mut response: Response) -> Response {
    for (name, value) in USUAL {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
