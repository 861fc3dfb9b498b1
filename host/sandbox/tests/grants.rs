//! Grants: how they are read, what they cover, and the laws of intersecting.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use huiyin_sandbox::grant::{Effective, HttpAsk, Origin, OriginPattern, Scheme};
use huiyin_sandbox::{Grant, Manifest};
use proptest::prelude::*;
use serde_json::json;

fn pattern(text: &str) -> OriginPattern {
    text.parse().unwrap()
}

fn origin(scheme: Scheme, authority: &str) -> Origin {
    Origin::from_authority(scheme, authority).unwrap()
}

#[test]
fn patterns_are_read_and_shown_in_one_form() {
    for (text, shown) in [
        ("https://news.example.cn", "https://news.example.cn"),
        ("https://News.Example.CN:443", "https://news.example.cn"),
        ("http://news.example.cn:80", "http://news.example.cn"),
        ("http://news.example.cn:443", "http://news.example.cn:443"),
        ("https://*.example.cn:8443", "https://*.example.cn:8443"),
        ("http://*:*", "http://*:*"),
        ("https://*", "https://*"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://xn--fiq228c.cn", "https://xn--fiq228c.cn"),
        ("https://a_b.example.cn", "https://a_b.example.cn"),
    ] {
        assert_eq!(pattern(text).to_string(), shown);
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for text in [
        "",
        "news.example.cn",
        "ftp://x",
        "HTTPS://x",
        "https:/x",
        "https://",
        "https://:443",
        "https://x/",
        "https://x/path",
        "https://x?q",
        "https://x#f",
        "https://a@x",
        "https://a:b@x",
        "https://x:",
        "https://x:0",
        "https://x:65536",
        "https://x:+80",
        "https://x:080",
        "https://x:8a",
        "https://x:1:2",
        "https://::1",
        "https://[::1",
        "https://[::1]x",
        "https://[127.0.0.1]",
        "https://x.",
        "https://.x",
        "https://x..y",
        "https://-x",
        "https://x-",
        "https://x y",
        "https://中文.cn",
        "https://x\0",
        "https://x\r\n",
        "https://x%2e",
        "https://*x",
        "https://x.*.y",
        "https://**.x",
        "https://*.",
        "https://*.*",
        "https://*.127.0.0.1",
        "https://127.1",
        "https://0x7f000001",
        "https://2130706433",
        "https://0177.0.0.1",
        "https://127.0.0.1.",
        "https://1.2.3.4.5",
        "https://a.1",
        "https://x\\y",
    ] {
        let error = text.parse::<OriginPattern>().unwrap_err();
        assert!(!error.hint.is_empty() && !error.why.is_empty(), "{text}");
    }
}

#[test]
fn patterns_cover_what_they_say() {
    use Scheme::{Http, Https};
    for (text, scheme, authority, covered) in [
        ("https://news.example.cn", Https, "news.example.cn", true),
        ("https://news.example.cn", Https, "NEWS.example.cn:443", true),
        ("https://news.example.cn", Http, "news.example.cn", false),
        ("https://news.example.cn", Https, "news.example.cn:8443", false),
        ("https://news.example.cn", Https, "a.news.example.cn", false),
        ("https://*.example.cn", Https, "news.example.cn", true),
        ("https://*.example.cn", Https, "a.b.example.cn", true),
        ("https://*.example.cn", Https, "example.cn", false),
        ("https://*.example.cn", Https, "evilexample.cn", false),
        ("https://*.example.cn", Https, "example.cn.evil.com", false),
        ("https://*", Https, "anything.org", true),
        ("https://*", Https, "192.0.2.1", true),
        ("https://*", Https, "anything.org:444", false),
        ("http://*:*", Http, "[::1]:81", true),
        ("http://[::1]:81", Http, "[0::1]:81", true),
    ] {
        assert_eq!(pattern(text).covers(&origin(scheme, authority)), covered, "{text} and {authority}");
    }
}

#[test]
fn grants_are_read_strictly() {
    let grant = Grant::from_json(
        &json!({
            "http": [{"origin": "https://api.example.cn", "methods": ["GET"], "path_prefix": "/v1"}],
            "secrets": [{"name": "token", "hosts": ["https://api.example.cn"]}],
            "spool": "/var/spool/huiyin", "kv_bytes": 1024, "allow_addresses": ["10.1.0.0/16"],
        })
        .to_string(),
    )
    .unwrap();
    let again = Grant::from_json(&serde_json::to_string(&grant).unwrap()).unwrap();
    assert_eq!(grant, again);
    assert_eq!(Grant::from_json("{}").unwrap(), Grant::default());
    for bad in [
        json!({"htttp": []}),
        json!({"http": [{"origin": "x"}]}),
        json!({"http": [{"origin": "https://x", "methods": ["get"]}]}),
        json!({"http": [{"origin": "https://x", "methods": ["GET "]}]}),
        json!({"http": [{"origin": "https://x", "path_prefix": "v1"}]}),
        json!({"http": [{"origin": "https://x", "path_prefix": "/a/../b"}]}),
        json!({"http": [{"origin": "https://x", "path_prefix": "/a%2e"}]}),
        json!({"http": [{"origin": "https://x", "path_prefix": "/a?b"}]}),
        json!({"http": [{"origin": "https://x", "paths": []}]}),
        json!({"secrets": [{"name": "a", "hosts": ["api.example.cn"]}]}),
        json!({"spool": "relative"}),
        json!({"spool": "/a/../b"}),
        json!({"kv_bytes": -1}),
        json!({"allow_addresses": ["127.0.0.1/33"]}),
        json!([]),
    ] {
        assert!(Grant::from_json(&bad.to_string()).is_err(), "{bad}");
    }
}

#[test]
fn plugins_12_an_address_alone_is_told_how_it_is_written() {
    for (text, says) in [
        ("127.0.0.1", "write 127.0.0.1/32"),
        ("::1", "write ::1/128"),
        ("10.0.0.0/33", "0 to 32 bits"),
        ("fd00::/x", "0 to 128 bits"),
        ("localhost", "is no network"),
        ("127.0.0.1:80", "is no network"),
    ] {
        let grant = json!({"allow_addresses": ["10.0.0.0/8", text]});
        for error in [Grant::from_json(&grant.to_string()), Grant::from_value(&grant)] {
            let error = error.unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("/allow_addresses/1"), "{error}");
        }
    }
}

#[test]
fn an_intersection_allows_what_both_allow() {
    let grant = |value: serde_json::Value| Grant::from_json(&value.to_string()).unwrap();
    let admin = grant(json!({
        "http": [
            {"origin": "https://*.example.cn", "methods": ["GET", "POST"]},
            {"origin": "http://127.0.0.1:*"},
        ],
        "secrets": [{"name": "token", "hosts": ["https://*.example.cn"]}, {"name": "other"}],
        "spool": "/spool", "kv_bytes": 4096, "allow_addresses": ["127.0.0.0/8", "10.0.0.0/8"],
    }));
    let unit = grant(json!({
        "http": [{"origin": "https://api.example.cn", "methods": ["POST", "PUT"], "path_prefix": "/v1"}],
        "secrets": [{"name": "token", "hosts": ["https://api.example.cn", "https://evil.org"]}],
        "spool": "/spool/unit-7", "kv_bytes": 1024, "allow_addresses": ["127.0.0.1/32"],
    }));
    let both = grant(json!({
        "http": [{"origin": "https://api.example.cn", "methods": ["POST"], "path_prefix": "/v1"}],
        "secrets": [{"name": "token", "hosts": ["https://api.example.cn"]}],
        "spool": "/spool/unit-7", "kv_bytes": 1024, "allow_addresses": ["127.0.0.1/32"],
    }));
    assert_eq!(admin.intersect(&unit), both);
    assert_eq!(unit.intersect(&admin), both);
    assert_eq!(admin.intersect(&Grant::default()), Grant::default());
}

#[test]
fn a_path_prefix_covers_whole_segments_and_cannot_be_left() {
    let manifest = json!({
        "contract": "0.1", "name": "a", "version": "1.0.0", "kind": "collector", "summary": "",
        "config_schema": {}, "idempotent": true,
        "capabilities": [{"http": {"origin": "https://*", "methods": [], "path_prefix": "/"}}],
    });
    let manifest = Manifest::from_json(manifest.to_string().as_bytes()).unwrap();
    let grant = json!({"http": [{"origin": "https://x.cn", "methods": ["GET"], "path_prefix": "/api"}]});
    let effective = Effective::new(&manifest, &Grant::from_json(&grant.to_string()).unwrap(), None);
    let ask = |method: &str, path: &str| {
        effective.http(&HttpAsk {
            origin: origin(Scheme::Https, "x.cn"),
            method: method.to_owned(),
            path: path.to_owned(),
        })
    };
    for path in ["/api", "/api/", "/api/items", "/api/%E8%88%86"] {
        assert_eq!(ask("GET", path), Ok(()), "{path}");
    }
    for path in [
        "/",
        "/apix",
        "/API",
        "/other",
        "/api/../admin",
        "/api/%2e%2E/admin",
        "/api/./x",
        "/api/..",
        "/api/x%2f..%2f..%2fadmin",
        "/api/x%5c..",
        "/api\\..\\admin",
        "//api",
        "",
    ] {
        assert!(ask("GET", path).is_err(), "{path}");
    }
    let denial = ask("POST", "/api/items").unwrap_err();
    let add = Grant::from_json(&denial.grant_to_add.unwrap()).unwrap();
    let effective = Effective::new(&manifest, &add, None);
    let again =
        HttpAsk { origin: origin(Scheme::Https, "x.cn"), method: "POST".to_owned(), path: "/api/items".to_owned() };
    assert_eq!(effective.http(&again), Ok(()));
}

fn any_pattern() -> impl Strategy<Value = String> {
    let host = prop_oneof![Just("*".to_owned()), "(\\*\\.)?([abc]\\.){0,2}(cn|org)", Just("127.0.0.1".to_owned()),];
    let port = prop_oneof![Just(String::new()), Just(":*".to_owned()), Just(":8443".to_owned())];
    (prop_oneof![Just("http"), Just("https")], host, port)
        .prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
}

fn any_origin() -> impl Strategy<Value = Origin> {
    let host = prop_oneof!["([abc]\\.){0,3}(cn|org)", Just("127.0.0.1".to_owned())];
    let port = prop_oneof![Just(""), Just(":8443"), Just(":80")];
    let scheme = prop_oneof![Just(Scheme::Http), Just(Scheme::Https)];
    (scheme, host, port).prop_map(|(scheme, host, port)| origin(scheme, &format!("{host}{port}")))
}

proptest! {
    /// Whatever is read comes back the same from its own text.
    #[test]
    fn a_pattern_is_its_text(text in any_pattern()) {
        let read = pattern(&text);
        prop_assert_eq!(pattern(&read.to_string()), read);
    }

    /// An intersection covers exactly what both cover.
    #[test]
    fn intersecting_is_and(a in any_pattern(), b in any_pattern(), place in any_origin()) {
        let (a, b) = (pattern(&a), pattern(&b));
        let both = a.intersect(&b).is_some_and(|both| both.covers(&place));
        prop_assert_eq!(both, a.covers(&place) && b.covers(&place));
        prop_assert_eq!(a.intersect(&b), b.intersect(&a));
    }

    /// No text, however odd, makes the parser fail otherwise than by an error,
    /// and nothing odd survives in what it accepts.
    #[test]
    fn odd_texts_do_no_harm(text in "https?://\\PC{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        for text in [text, String::from_utf8_lossy(&bytes).into_owned()] {
            if let Ok(read) = text.parse::<OriginPattern>() {
                let shown = read.to_string();
                prop_assert!(shown.is_ascii());
                prop_assert!(!shown.contains(['@', ' ', '\\', '%', '#', '?']));
                prop_assert_eq!(shown.parse::<OriginPattern>(), Ok(read));
            }
            let _ = Grant::from_json(&text);
        }
    }
}

#[test]
fn a_path_below_a_prefix_is_below_it_to_servers_behind_servers_too() {
    let grant = Grant::from_json(r#"{"http": [{"origin": "http://a.cn", "path_prefix": "/api"}]}"#).unwrap();
    let effective = Effective::of_workflow(&grant, None);
    let ask = |path: &str| {
        let origin = Origin::from_authority(Scheme::Http, "a.cn").unwrap();
        effective.http(&HttpAsk { origin, method: "GET".into(), path: path.into() }).is_ok()
    };
    for path in
        ["/api", "/api/x", "/api/a%20b", "/api/100%25", "/api/a;b=1/c", "/api/...", "/api/x.y", "/api/%e7%81%ab"]
    {
        assert!(ask(path), "{path}");
    }
    for path in [
        "/apix",
        "/api/..",
        "/api/%2e%2e/x",
        "/api/%252e%252e/x",
        "/api/%25252e%25252e/x",
        "/api/%25%32%65%2e/x",
        "/api/..;/x",
        "/api/..;a=b/x",
        "/api/a%2fb",
        "/api/a%252fb",
        "/api/a%5cb",
        "/api/a%255Cb",
        &format!("/api/%{}41", "25".repeat(20)),
    ] {
        assert!(!ask(path), "{path}");
    }
}
