//! A plugin's secrets beside its headers: in the query of a URL and in the body, where the grant of the
//! secret says `also`. In a path never: paths are what grants are about, and they are shown and logged.

use std::collections::HashSet;

use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::Error;
use zeroize::Zeroizing;

use super::{Body, Traffic};
use crate::grant::{Denial, Effective, Origin, SecretPlace};
use crate::host::secrets::SecretBox;

/// The path and query as they are sent. A value is percent-encoded, all but the unreserved characters
/// (RFC 3986 §2.3), so that it stays one value.
pub(super) fn path_and_query(
    uri: &Uri,
    origin: &Origin,
    effective: &Effective,
    traffic: &Traffic,
    secrets: &SecretBox,
) -> Result<Zeroizing<String>, Error> {
    let written = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let written = if written.starts_with('/') { written.to_owned() } else { format!("/{written}") };
    let (path, query) = written.split_once('?').map_or((written.as_str(), None), |(path, query)| (path, Some(query)));
    let mut used = HashSet::new();
    if secrets.fill(path.as_bytes(), &mut used).is_some() {
        let names: Vec<_> = used.iter().map(|name| format!("`{}`", name.escape_debug())).collect();
        return Err(traffic.denied(Denial::by_host(
            format!("the secret {} in the path of a request to {origin}", names.join(", ")),
            "a path is shown and logged; put the secret into a header, or into the query with a grant for it",
        )));
    }
    let filled = query.and_then(|query| secrets.fill_as(query.as_bytes(), &mut used, percent_encoded));
    let Some(filled) = filled else { return Ok(Zeroizing::new(written)) };
    allowed(&used, origin, SecretPlace::Query, effective, traffic)?;
    let query = std::str::from_utf8(&filled).map_err(|_| Error::HttpRequestUriInvalid)?;
    Ok(Zeroizing::new(format!("{path}?{query}")))
}

/// The body as it is sent. It is held back until it is whole, and only where the call holds a secret: which secrets
/// stand in it is known before a byte goes out. A value is written as the body's type has it: percent-encoded in a
/// form, escaped in JSON, as it is in anything else.
pub(super) async fn body(
    request: Request<Body>,
    origin: &Origin,
    effective: &Effective,
    traffic: &Traffic,
    secrets: &SecretBox,
) -> Result<Request<Body>, Error> {
    if secrets.is_empty() {
        return Ok(request);
    }
    let (mut head, body) = request.into_parts();
    let plain = body.collect().await?.to_bytes();
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let spell: fn(&[u8]) -> Zeroizing<Vec<u8>> = match kind.as_str() {
        "application/x-www-form-urlencoded" => percent_encoded,
        kind if kind == "application/json" || kind.ends_with("+json") => in_json,
        _ => |value| Zeroizing::new(value.to_vec()),
    };
    let mut used = HashSet::new();
    let Some(filled) = secrets.fill_as(&plain, &mut used, spell) else {
        return Ok(Request::from_parts(head, whole(plain)));
    };
    allowed(&used, origin, SecretPlace::Body, effective, traffic)?;
    if head.headers.contains_key(header::CONTENT_LENGTH) {
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(filled.len()));
    }
    traffic.count_request_bytes(filled.len().saturating_sub(plain.len()) as u64)?;
    Ok(Request::from_parts(head, whole(Bytes::copy_from_slice(&filled))))
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn allowed(
    used: &HashSet<String>,
    origin: &Origin,
    place: SecretPlace,
    effective: &Effective,
    traffic: &Traffic,
) -> Result<(), Error> {
    for name in used {
        effective.secret_in(name, origin, place).map_err(|denial| traffic.denied(denial))?;
    }
    Ok(())
}

fn percent_encoded(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(value.len() * 3));
    for &byte in value {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

/// What stands between the quotes of a JSON text; bytes that are no text stay as they are.
fn in_json(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let quoted = std::str::from_utf8(value).ok().and_then(|text| serde_json::to_string(text).ok()).map(Zeroizing::new);
    let inner = quoted.as_ref().and_then(|quoted| quoted.strip_prefix('"')).and_then(|rest| rest.strip_suffix('"'));
    Zeroizing::new(inner.map_or(value, str::as_bytes).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_one_value_wherever_it_stands() {
        assert_eq!(percent_encoded("a&b=c 回+%".as_bytes()).as_slice(), b"a%26b%3Dc%20%E5%9B%9E%2B%25");
        assert_eq!(in_json(b"a\"b\\\n").as_slice(), br#"a\"b\\\n"#);
        assert_eq!(in_json(&[0xff, b'"']).as_slice(), &[0xff, b'"']);
    }
}
