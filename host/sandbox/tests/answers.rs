//! What comes back: decompressed within bounds, its head bounded, secrets
//! taken out of it. A server on loopback, plugins and workflows' requests.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::Write as _;
use std::sync::Arc;

use huiyin_sandbox::egress::request::{Ask, RequestError};
use huiyin_sandbox::egress::way::EgressSettings;
use huiyin_sandbox::{
    CallError, Effect, Grant, HostAccess, LimitName, Limits, Operation, Output, Sandbox, SandboxConfig,
};
use serde_json::{Value, json};
use support::http::{Sends, package};
use support::peer::{Known, Peer, asker, get, grant, host, loopback, ok, send};
use support::{Asks, context};

const SECRET: &str = "s3cret-p@ss/w+rd";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Without zlib's header and end, as some servers send `deflate`.
fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 9, 20);
    encoder.write_all(bytes).unwrap();
    drop(encoder);
    out
}

fn coded(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend(body);
    answer
}

#[tokio::test]
async fn feed_compressed_answers_are_asked_for_and_undone() {
    let host = host(EgressSettings::default());
    let text = "舆情信息 ".repeat(1000);
    for (coding, body) in [
        ("gzip", gzip(text.as_bytes())),
        ("X-GZip", gzip(text.as_bytes())),
        ("deflate", zlib(text.as_bytes())),
        ("deflate", raw_deflate(text.as_bytes())),
        ("br", brotli(text.as_bytes())),
        // Several members, as some servers join them (RFC 1952 §2.2).
        ("gzip", [gzip("舆情信息 ".repeat(999).as_bytes()), gzip("舆情信息 ".as_bytes())].concat()),
    ] {
        let peer = Peer::answers(coded(coding, &body));
        let answer = send(&host, &loopback(), &Limits::default(), &get(peer.url("/"))).await.unwrap();
        assert_eq!(answer.body, text.as_bytes(), "{coding}");
        let names: Vec<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert!(!names.contains(&"content-encoding") && !names.contains(&"content-length"), "{names:?}");
        assert!(peer.heads()[0].contains("accept-encoding: gzip, deflate, br\r\n"), "{}", peer.heads()[0]);
    }
}

#[tokio::test]
async fn a_part_of_a_body_is_asked_for_as_it_is() {
    let host = host(EgressSettings::default());
    let peer = Peer::answers(ok("x"));
    let mut ask = get(peer.url("/"));
    ask.headers = vec![("range".into(), "bytes=0-9".into()), ("accept-encoding".into(), "zstd".into())];
    send(&host, &loopback(), &Limits::default(), &ask).await.unwrap();
    let head = peer.heads().remove(0);
    assert!(head.contains("accept-encoding: identity\r\n") && !head.contains("zstd"), "{head}");
}

#[tokio::test]
async fn what_cannot_be_undone_is_passed_on_or_named() {
    let host = host(EgressSettings::default());
    let all = loopback();
    // Codings the host does not know, or several at once: as they are.
    for coding in ["zstd", "utf-8", "gzip, br"] {
        let peer = Peer::answers(coded(coding, b"as it is"));
        let answer = send(&host, &all, &Limits::default(), &get(peer.url("/"))).await.unwrap();
        assert_eq!(answer.body, b"as it is");
        assert!(answer.headers.iter().any(|(name, value)| name == "content-encoding" && value == coding.as_bytes()));
    }
    // Not what it says it is, and cut short.
    let mut short = gzip(&b"x".repeat(10_000));
    short.truncate(short.len() - 9);
    for body in [b"plain text".to_vec(), short] {
        let peer = Peer::answers(coded("gzip", &body));
        let error = send(&host, &all, &Limits::default(), &get(peer.url("/"))).await.unwrap_err();
        assert!(error.to_string().contains("content-encoding"), "{error}");
        assert_eq!(error.outcome(), Effect::Unknown);
    }
    // An empty body, whatever it is said to be; an answer to HEAD has none at all.
    for (method, answer) in [
        ("GET", coded("gzip", b"")),
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec()),
        ("HEAD", coded("gzip", b"")),
    ] {
        let peer = Peer::answers(answer);
        let ask = Ask { method: method.into(), ..get(peer.url("/")) };
        let answer = send(&host, &all, &Limits::default(), &ask).await.unwrap();
        assert!(answer.body.is_empty(), "{method}");
    }
}

#[tokio::test]
async fn a_bomb_is_stopped_by_its_ratio_and_by_its_size() {
    let host = host(EgressSettings::default());
    let bomb = |bytes: usize| vec![0_u8; bytes];
    for (coding, body) in
        [("gzip", gzip(&bomb(20 << 20))), ("deflate", zlib(&bomb(20 << 20))), ("br", brotli(&bomb(20 << 20)))]
    {
        let peer = Peer::answers(coded(coding, &body));
        let error = send(&host, &loopback(), &Limits::default(), &get(peer.url("/"))).await.unwrap_err();
        let RequestError::Limit { hit, effect } = &error else { panic!("{coding}: {error:?}") };
        assert_eq!((hit.limit, *effect), (LimitName::DecodeRatio, Effect::Unknown), "{error}");
        assert!(error.to_string().contains("raise `limits.decode_ratio`"), "{error}");

        // However patient the ratio, the whole is bounded.
        let peer = Peer::answers(coded(coding, &body));
        let limits = Limits { decode_ratio: u64::MAX, response_bytes: 3 << 20, ..Limits::default() };
        let error = send(&patient(), &loopback(), &limits, &get(peer.url("/"))).await.unwrap_err();
        assert!(error.to_string().contains("response_bytes"), "{coding}: {error}");
    }
    // A bomb within a bomb: only the outer is undone, so it is a small answer.
    let peer = Peer::answers(coded("gzip", &gzip(&gzip(&bomb(20 << 20)))));
    let answer = send(&host, &loopback(), &Limits::default(), &get(peer.url("/"))).await.unwrap();
    assert!(answer.body.len() < 1 << 20);
    // The first 1 MiB is free: much of nothing is no bomb.
    let peer = Peer::answers(coded("gzip", &gzip(&bomb(1 << 20))));
    let answer = send(&host, &loopback(), &Limits::default(), &get(peer.url("/"))).await.unwrap();
    assert_eq!(answer.body.len(), 1 << 20);
}

/// A host that stops no bomb by its ratio.
fn patient() -> Sandbox {
    let most = Limits { decode_ratio: u64::MAX, ..Limits::ceiling() };
    Sandbox::new(SandboxConfig { most, ..SandboxConfig::small() }).unwrap()
}

#[tokio::test]
async fn a_head_without_end_is_cut_off_and_the_limit_named() {
    let host = host(EgressSettings::default());
    let many = format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", "x: y\r\n".repeat(101));
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(70 << 10));
    for answer in [many.clone(), long] {
        let peer = Peer::answers(answer);
        let error = send(&host, &loopback(), &Limits::default(), &get(peer.url("/"))).await.unwrap_err();
        let RequestError::Limit { hit, effect } = &error else { panic!("{error:?}") };
        assert_eq!((hit.limit, *effect), (LimitName::HeaderBytes, Effect::Unknown), "{error}");
    }
    let peer = Peer::answers(many);
    let limits = Limits { headers: 200, ..Limits::default() };
    send(&host, &loopback(), &limits, &get(peer.url("/"))).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_could_be_read_in_two_ways_is_refused() {
    let host = host(EgressSettings::default());
    for answer in [
        // A field continued on the next line (RFC 9112 §5.2).
        "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx : a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "SSH-2.0-OpenSSH_9.9\r\n\r\n",
    ] {
        let peer = Peer::answers(answer);
        let error = send(&host, &loopback(), &Limits::default(), &get(peer.url("/"))).await.unwrap_err();
        assert!(matches!(error, RequestError::Failed { effect: Effect::Unknown, .. }), "{answer:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_header_cannot_hold_another() {
    let host = host(EgressSettings::default());
    let peer = Peer::answers(ok("x"));
    for value in ["a\r\nhost: evil", "a\nb", "a\r\n b", "a\0b", "\r"] {
        let mut ask = get(peer.url("/"));
        ask.headers = vec![("x-a".into(), value.into())];
        let error = send(&host, &loopback(), &Limits::default(), &ask).await.unwrap_err();
        assert!(matches!(error, RequestError::Invalid(_)), "{value:?}: {error:?}");
    }
    for name in [
        "host",
        "Connection",
        "te",
        "trailer",
        "upgrade",
        "via",
        "forwarded",
        "proxy-authorization",
        "x-forwarded-for",
        "x-a: b\r\nx-b",
        "",
        "content-length",
        "transfer-encoding",
    ] {
        let mut ask = get(peer.url("/"));
        ask.headers = vec![(name.into(), "a".into())];
        let error = send(&host, &loopback(), &Limits::default(), &ask).await.unwrap_err();
        assert!(matches!(error, RequestError::Invalid(_)), "{name:?}: {error:?}");
    }
    assert!(peer.heads().is_empty());
}

/// The secret's value in every spelling that is looked for.
fn spelled() -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    vec![
        SECRET.to_owned(),
        "s3cret-p%40ss%2Fw%2Brd".to_owned(),
        hex::encode(SECRET),
        STANDARD.encode(format!("li:{SECRET}")),
        serde_json::to_string(SECRET).unwrap(),
    ]
}

fn with_secret() -> Grant {
    let mut all = loopback();
    all.add(&grant(&json!({"secrets": [{"name": "token", "hosts": ["http://*:*"]}]})));
    all
}

#[tokio::test]
async fn a_plugin_never_sees_what_a_place_echoes() {
    let sandbox = host(EgressSettings::default());
    let echo = |more: &'static str| {
        Peer::start(move |stream, peer| {
            let Some(head) = peer.head(stream) else { return };
            assert!(head.contains(SECRET), "the place itself gets the value: {head}");
            let lines: Vec<Value> = spelled().into_iter().map(Value::String).collect();
            let body = json!({"echo": lines, "head": head}).to_string();
            let mut bytes = body.into_bytes();
            if more.contains("gzip") {
                bytes = gzip(&bytes);
            }
            let head = format!("HTTP/1.1 200 OK\r\n{more}x-echo: {SECRET}\r\ncontent-length: {}\r\n\r\n", bytes.len());
            drop(stream.write_all(&[head.as_bytes(), &bytes].concat()));
        })
    };
    for more in ["", "content-encoding: gzip\r\n"] {
        let peer = echo(more);
        let mut sends = Sends::get(peer.address.to_string(), "/");
        sends.secret = Some("token");
        sends.gives_body = true;
        sends.asks.push(Asks::Secret("token"));
        let package = sandbox.load(&package(&sends)).unwrap();
        let access = HostAccess { secrets: Arc::new(Known(vec![("token", SECRET)])), ..HostAccess::default() };
        let operation = Operation::Run { config: "{}".into(), input: "1".into() };
        let called =
            sandbox.call(&package, &context(), &operation, &with_secret(), &access, &Limits::default()).await.unwrap();
        let Output::Json(seen) = called.output else { panic!("no JSON") };
        let seen = seen.to_string();
        for spelling in spelled() {
            assert!(!seen.contains(spelling.trim_matches('"')), "{spelling} in {seen}");
        }
        assert!(seen.contains("x-token: huiyin-secret-"), "its own placeholder stands there: {seen}");
    }
}

#[tokio::test]
async fn a_workflow_never_sees_what_a_place_echoes() {
    let sandbox = host(EgressSettings::default());
    let peer = Peer::start(|stream, peer| {
        let Some(head) = peer.head(stream) else { return };
        assert!(head.contains(SECRET), "{head}");
        let body = spelled().join("\n");
        // One byte at a time: no piece holds the whole.
        let head = format!("HTTP/1.1 200 OK\r\nx-echo: {SECRET}\r\ncontent-length: {}\r\n\r\n", body.len());
        for byte in [head.as_bytes(), body.as_bytes()].concat() {
            drop(stream.write_all(&[byte]));
        }
    });
    let secrets = Arc::new(Known(vec![("token", SECRET)]));
    let requester = sandbox.requester(asker(), &with_secret(), None, secrets, &Limits::default());
    let mut ask = get(peer.url("/"));
    ask.headers = vec![("x-token".into(), "{{huiyin:secret:token}}".into())];
    let answer = requester.send(&ask).await.unwrap();
    let seen = format!("{} {:?}", String::from_utf8_lossy(&answer.body), answer.headers);
    for spelling in spelled() {
        assert!(!seen.contains(spelling.trim_matches('"')), "{spelling} in {seen}");
    }
    assert_eq!(answer.body.iter().filter(|b| **b == b'\n').count(), spelled().len() - 1, "the rest is there");
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let sandbox = host(EgressSettings::default());
    let peer = Peer::answers("HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n");
    let secrets = Arc::new(Known(vec![("token", SECRET), ("broken", "a\r\nb: s3cret")]));
    let mut granted = with_secret();
    granted.add(&grant(&json!({"secrets": [{"name": "broken", "hosts": ["http://*:*"]}]})));
    let requester = sandbox.requester(asker(), &granted, None, secrets, &Limits::default());
    for name in ["token", "broken"] {
        let mut ask = get(peer.url("/"));
        ask.headers = vec![("x-token".into(), format!("{{{{huiyin:secret:{name}}}}}"))];
        let error = requester.send(&ask).await.unwrap_err();
        for text in [error.to_string(), format!("{error:?}"), format!("{ask:?}")] {
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
    let value = huiyin_sandbox::SecretValue::from(SECRET.as_bytes().to_vec());
    assert_eq!(format!("{value:?}"), "SecretValue(…)");
    #[allow(clippy::unnecessary_literal_unwrap)] // a panic that shows the value is what is tried
    let panicked = std::panic::catch_unwind(|| Err::<(), _>(value).expect("told")).unwrap_err();
    let said = panicked.downcast_ref::<String>().unwrap();
    assert!(!said.contains("s3cret") && said.contains("SecretValue"), "{said}");
}

#[tokio::test]
async fn a_bomb_does_not_get_a_plugin_either() {
    let sandbox = host(EgressSettings::default());
    let peer = Peer::answers(coded("gzip", &gzip(&vec![0; 20 << 20])));
    let package = sandbox.load(&package(&Sends::get(peer.address.to_string(), "/"))).unwrap();
    let operation = Operation::Run { config: "{}".into(), input: "1".into() };
    let error = sandbox
        .call(&package, &context(), &operation, &loopback(), &HostAccess::default(), &Limits::default())
        .await
        .unwrap_err();
    assert!(matches!(error, CallError::Limit { .. }), "{error:?}");
    assert_eq!(error.limit(), Some(LimitName::DecodeRatio));
}
