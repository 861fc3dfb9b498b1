//! Places: patterns of grants, authorities of requests, and whole requests
//! against a grant.
//!
//! The law: no text means one place to the sandbox and another to a reader of
//! URLs as browsers are (the `url` crate, WHATWG).

use huiyin_sandbox::Grant;
use huiyin_sandbox::grant::{Effective, HttpAsk, Origin, OriginPattern, Scheme};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::cases::INWARD;

/// Patterns and authorities of any text.
pub fn fuzz_origin(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(pattern) = text.parse::<OriginPattern>() {
        let written = pattern.to_string();
        assert_eq!(written.parse().as_ref(), Ok(&pattern), "{written:?} is read as something else");
        assert_eq!(pattern.intersect(&pattern).as_ref(), Some(&pattern), "{written} has not itself in common");
    }
    for scheme in [Scheme::Http, Scheme::Https] {
        if let Ok(origin) = Origin::from_authority(scheme, text) {
            same_to_browsers(&origin, text);
            let exact = OriginPattern::from(&origin);
            assert!(exact.covers(&origin), "{exact} does not cover {origin}");
            assert_eq!(exact.to_string().parse(), Ok(exact.clone()), "{exact} is read as something else");
        }
    }
}

fn same_to_browsers(origin: &Origin, authority: &str) {
    let text = format!("{}://{authority}/", origin.scheme.as_str());
    let Ok(url) = Url::parse(&text) else { return };
    assert!(url.username().is_empty() && url.password().is_none(), "{text:?} has a user in it");
    assert_eq!(url.port_or_known_default(), Some(origin.port), "{text:?}: another port");
    let same = match (url.host(), &origin.host) {
        (Some(Host::Domain(theirs)), huiyin_sandbox::grant::Host::Name(ours)) => theirs == ours,
        (Some(Host::Ipv4(theirs)), huiyin_sandbox::grant::Host::Address(ours)) => *ours == theirs,
        (Some(Host::Ipv6(theirs)), huiyin_sandbox::grant::Host::Address(ours)) => *ours == theirs,
        _ => false,
    };
    assert!(same, "{text:?} is {origin} to us and {url} to others");
}

/// A whole request: what is allowed below a path lies below it to others, too.
pub fn fuzz_request(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(origin) = huiyin_sandbox::egress::request::origin_of(text) else { return };
    let Some((_, rest)) = text.split_once("://") else { return };
    same_to_browsers(&origin, rest.split(['/', '?', '#']).next().unwrap_or_default());
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let effective = Effective::of_workflow(&below(), None);
    let ask = HttpAsk { origin, method: "GET".to_owned(), path: path.to_owned() };
    if effective.http(&ask).is_err() {
        return;
    }
    // Decoded once and twice, as servers behind servers do, it still lies below.
    let mut seen = path.to_owned();
    for _ in 0..3 {
        let url = Url::parse(&format!("http://x{seen}"));
        let path = url.as_ref().map_or("", Url::path);
        assert!(path == "/api" || path.starts_with("/api/"), "{text:?} is allowed and is {path:?} to others");
        seen = decoded(path);
    }
}

fn below() -> Grant {
    let text = r#"{"http": [{"origin": "http://*:*", "path_prefix": "/api"}, {"origin": "https://*:*", "path_prefix": "/api"}]}"#;
    Grant::from_json(text).unwrap_or_default()
}

/// Percent-decoded, as far as it stays text.
fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8().map_or_else(|_| path.to_owned(), std::borrow::Cow::into_owned)
}

pub(super) fn origins() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = INWARD.iter().map(|inward| inward.authority.as_bytes().to_vec()).collect();
    seeds.extend(
        [
            "https://*.example.cn",
            "http://*:*",
            "https://[2001:db8::1]:8443",
            "news.example.cn:8080",
            "a_b.example",
            "xn--fiqs8s.cn",
        ]
        .map(|text| text.as_bytes().to_vec()),
    );
    seeds
}

pub(super) fn requests() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> =
        INWARD.iter().map(|inward| format!("http://{}/api/x", inward.authority).into_bytes()).collect();
    seeds.extend(
        [
            "http://a.cn/api",
            "https://a.cn:8443/api/b?c=/../d#e",
            "http://a.cn/api/../x",
            "http://a.cn/api/%2e%2e/x",
            "http://a.cn/api/%252e%252e/x",
            "http://a.cn/api%2f..%2fx",
            "http://a.cn/api/.%2e/x",
            "http://a.cn//api/x",
            "http://a.cn/api;/../x",
            "http://a.cn/api/\\..\\x",
        ]
        .map(|text| text.as_bytes().to_vec()),
    );
    seeds
}
