//! The web console: its files, as they were built into this program.
//!
//! `make console` builds `host/console/dist`; where that was there when the
//! program was compiled, its files are in it, each also compressed (brotli and
//! gzip, made by the console's own build). A program without them says so at
//! `/`, and works.
//!
//! Only what is in the table of files is ever given: no path of a request
//! reaches the file system.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::problem::Problem;

#[derive(RustEmbed)]
#[folder = "../console/dist"]
#[allow_missing = true]
struct Files;

/// The page that every address of the console shows; what it shows there is the page's own business.
const PAGE: &str = "index.html";

/// Below it lie files whose names have a hash of their content.
const HASHED: &str = "assets/";

/// What the page may do. Styles are made as it runs (Ant Design's), so they cannot be listed; scripts are files of
/// this host alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'";

/// Whether the console is in this program.
pub fn built_in() -> bool {
    Files::get(PAGE).is_some()
}

/// A file of the console, or its page; everything else is not found.
pub(crate) async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let of_api = path == "v1" || path.starts_with("v1/");
    if of_api || !matches!(method, Method::GET | Method::HEAD) {
        return Problem::not_found("the API has no such path; see docs/reference/api.md").into_response();
    }
    if !built_in() {
        return if path.is_empty() { without() } else { not_found() };
    }
    // A name with a point is a file's; any other address is one of the console's pages.
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let name = if is_file { path } else { PAGE };
    given(name, &headers).unwrap_or_else(not_found)
}

fn not_found() -> Response {
    Problem::not_found("there is no such page; the console begins at /").into_response()
}

fn given(name: &str, headers: &HeaderMap) -> Option<Response> {
    // The compressed files are the same content in another coding, and no pages of their own.
    if matches!(name.rsplit_once('.'), Some((_, "br" | "gz"))) {
        return None;
    }
    let plain = Files::get(name)?;
    let tag = format!("\"{}\"", hex::encode(&plain.metadata.sha256_hash()[..16]));
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, media_type(name))
        .header(header::VARY, "accept-encoding")
        .header(header::CACHE_CONTROL, caching(name));
    // The content is the same in every coding, so the tag is a weak one.
    let tag = format!("W/{tag}");
    if crate::etag::is_known(headers, &tag) {
        let response = response.status(StatusCode::NOT_MODIFIED).header(header::ETAG, tag);
        return Some(guarded(response.body(axum::body::Body::empty()).ok()?));
    }
    let (body, coding) = coded(name, headers).map_or((plain.data, None), |(data, coding)| (data, Some(coding)));
    if let Some(coding) = coding {
        response = response.header(header::CONTENT_ENCODING, coding);
    }
    let body = match body {
        std::borrow::Cow::Borrowed(bytes) => axum::body::Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => bytes.into(),
    };
    Some(guarded(response.header(header::ETAG, tag).body(axum::body::Body::from(body)).ok()?))
}

/// A hashed file never changes; everything else is asked for again.
fn caching(name: &str) -> &'static str {
    if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" }
}

/// The best of the codings that the asker takes and the build made.
fn coded(name: &str, headers: &HeaderMap) -> Option<(std::borrow::Cow<'static, [u8]>, &'static str)> {
    [("br", "br"), ("gzip", "gz")].into_iter().find_map(|(coding, ending)| {
        takes(headers, coding)
            .then(|| Files::get(&format!("{name}.{ending}")).map(|file| (file.data, coding)))
            .flatten()
    })
}

fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let given = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty()));
        named && !refused
    })
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json" | "webmanifest") => "application/json",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// With what keeps a page of the console to itself.
fn guarded(response: Response) -> Response {
    guarded_by(response, POLICY)
}

/// With what keeps a page to itself: what it may do, and that no other page may have it.
pub(crate) fn guarded_by(mut response: Response, policy: &'static str) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The page of a program without console.
fn without() -> Response {
    const SAID: &str = "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>回音 Huiyin</title>\
        <h1>回音 Huiyin</h1><p>本程序编译时没有包含网页控制台。请先运行 <code>make console</code>,再重新编译。接口照常工作。</p>\
        <p lang=\"en\">This program was built without the web console: run <code>make console</code>, and build it again. \
        The API works as always.</p></html>";
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    guarded((StatusCode::OK, kind, SAID).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_read_as_they_are_weighed() {
        let takes = |value: &str, coding| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            takes(&headers, coding)
        };
        assert!(takes("gzip, deflate, br", "br") && takes("BR;q=0.1", "br") && takes("gzip;q=1.0", "gzip"));
        assert!(
            !takes("gzip", "br") && !takes("br;q=0, gzip", "br") && !takes("br; q=0.000", "br") && !takes("brx", "br")
        );
    }
}
