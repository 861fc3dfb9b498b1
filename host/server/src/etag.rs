//! Entity tags (RFC 9110, 8.8.3): what a version of something is called, and whether an asker knows it.

use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_weak_or_strong() {
        let known = |given: &str| matches(&given.parse().unwrap(), "W/\"ab\"");
        assert!(known("\"ab\"") && known("W/\"ab\"") && known("\"x\", W/\"ab\"") && known("*"));
        assert!(!known("\"abc\"") && !known(""));
    }
}
