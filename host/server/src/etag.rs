//! Entity tags (RFC 9110, 8.8.3): what a version of something is called, and whether an asker knows it.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// The tag of some bytes.
pub(crate) fn of(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(bytes)[..16]))
}

/// Whether the asker has this version already (`if-none-match`): by the weak comparison.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|known| matches(known, tag))
}

/// Whether a list of tags has this one, weak or strong.
pub(crate) fn matches(given: &HeaderValue, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    given.to_str().is_ok_and(|given| given.split(',').any(|one| one.trim() == "*" || bare(one) == bare(tag)))
}

/// Tags what is read, and tells whoever knows it that nothing is new.
///
/// # Errors
/// When what was answered cannot be read.
pub(crate) async fn tag(request: Request, next: Next) -> Result<Response, Problem> {
    let known = request.headers().clone();
    let answer = next.run(request).await;
    if answer.status() != StatusCode::OK {
        return Ok(answer);
    }
    let (mut head, body) = answer.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.map_err(Problem::internal)?;
    let tag = of(&bytes);
    head.headers.insert(header::ETAG, HeaderValue::from_str(&tag).map_err(Problem::internal)?);
    // Kept by whoever has it, and asked about each time: who may read it may be another by then.
    head.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if is_known(&known, &tag) {
        head.headers.remove(header::CONTENT_TYPE);
        head.headers.remove(header::CONTENT_LENGTH);
        head.status = StatusCode::NOT_MODIFIED;
        return Ok((head, Body::empty()).into_response());
    }
    Ok((head, Body::from(bytes)).into_response())
}

/// The versions that a change is meant for (`if-match`); none where the header is missing, and no version where any is
/// right. A weak tag is none: of two that are weakly alike one may be newer (RFC 9110, 13.1.1).
///
/// # Errors
/// When the header is no list of tags.
pub(crate) fn wanted(headers: &HeaderMap) -> Result<Option<Vec<String>>, Problem> {
    let mut versions = Vec::new();
    let mut lines = headers.get_all(header::IF_MATCH).iter().peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    let wrong = || Problem::invalid("the header `if-match` is `*`, or a list of tags as `etag` has them, in quotes");
    for line in lines {
        for tag in line.to_str().map_err(|_| wrong())?.split(',').map(str::trim) {
            if tag == "*" {
                return Ok(Some(Vec::new()));
            }
            let weak = tag.starts_with("W/");
            let tag = tag.trim_start_matches("W/").strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            let tag = tag.filter(|tag| !tag.contains('"')).ok_or_else(wrong)?;
            versions.push(if weak { format!("weak {tag}") } else { tag.to_owned() });
        }
    }
    Ok(Some(versions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_weak_or_strong() {
        let known = |given: &str| matches(&given.parse().unwrap(), "W/\"ab\"");
        assert!(known("\"ab\"") && known("W/\"ab\"") && known("\"x\", W/\"ab\"") && known("*"));
        assert!(!known("\"abc\"") && !known(""));
    }

    #[test]
    fn what_is_wanted_is_strong_tags_or_any() {
        let of = |given: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append("if-match", value.parse().unwrap());
            }
            wanted(&headers).map_err(|problem| problem.code().as_u16())
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["*"]), Ok(Some(vec![])));
        assert_eq!(of(&["\"ab\", \"cd\"", "W/\"ef\""]), Ok(Some(vec!["ab".into(), "cd".into(), "weak ef".into()])));
        for wrong in ["ab", "", "\"ab", "\"a\"b\""] {
            assert_eq!(of(&[wrong]), Err(400), "{wrong}");
        }
    }
}
