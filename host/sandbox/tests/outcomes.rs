//! Every way in which a request can fail, and what is known then: surely not
//! done, or unknown (rule 3 of the design). Each time-out names its limit.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use huiyin_guests::dns::Dns;
use huiyin_sandbox::egress::request::RequestError;
use huiyin_sandbox::egress::way::{EgressSettings, Mapping};
use huiyin_sandbox::{CallError, Effect, HostAccess, LimitName, Limits, Operation};
use support::context;
use support::http::{Sends, package};
use support::peer::{Peer, host, loopback, ok, post, send, silence};
use support::tls::Place;

/// Short times, so that each can be waited for.
fn limits() -> Limits {
    Limits { connect_ms: 300, first_byte_ms: 300, idle_ms: 300, request_ms: 2_000, ..Limits::default() }
}

/// Where it fails, where the request goes, what is known, which limit is named.
struct Case {
    what: &'static str,
    peer: Option<Peer>,
    uri: String,
    effect: Effect,
    limit: Option<LimitName>,
}

fn cases() -> Vec<Case> {
    use Effect::{NotDone, Unknown};
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut cases = vec![
        Case { what: "refused", peer: None, uri: format!("http://{closed}/"), effect: NotDone, limit: None },
        Case {
            what: "no such name",
            peer: None,
            uri: "http://nowhere.example.cn/".into(),
            effect: NotDone,
            limit: None,
        },
        Case {
            what: "a name that leads inward",
            peer: None,
            uri: "http://inward.example.cn/".into(),
            effect: NotDone,
            limit: None,
        },
        Case {
            what: "a name without an answer",
            peer: None,
            uri: "http://silent.example.cn/".into(),
            effect: NotDone,
            limit: Some(LimitName::ConnectMs),
        },
    ];
    let nobody = Place::start("own.example.cn", "hi").peer;
    let mut case = |what, scheme: &str, effect, limit, peer: Peer| {
        let uri = format!("{scheme}://{}/", peer.address);
        cases.push(Case { what, peer: Some(peer), uri, effect, limit });
    };
    case("TLS: plain text", "https", NotDone, None, Peer::start(|stream, _| drop(stream.write_all(&ok("hi")))));
    case("TLS: cut at once", "https", NotDone, None, Peer::start(|_, _| {}));
    case(
        "TLS: cut within the handshake",
        "https",
        NotDone,
        None,
        Peer::start(|stream, _| {
            let mut some = [0; 20];
            drop(stream.read(&mut some));
        }),
    );
    case("TLS: silent", "https", NotDone, Some(LimitName::ConnectMs), Peer::start(|_, _| silence()));
    case("TLS: a certificate of nobody's", "https", NotDone, None, nobody);
    case("cut after the request", "http", Unknown, None, Peer::start(|stream, peer| drop(peer.head(stream))));
    case(
        "silent after the request",
        "http",
        Unknown,
        Some(LimitName::FirstByteMs),
        Peer::start(|stream, peer| {
            peer.head(stream);
            silence();
        }),
    );
    case("cut within the head", "http", Unknown, None, Peer::answers("HTTP/1.1 200 OK\r\nx: "));
    case(
        "silent within the head",
        "http",
        Unknown,
        Some(LimitName::FirstByteMs),
        Peer::start(|stream, peer| {
            peer.head(stream);
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nx: "));
            silence();
        }),
    );
    case("cut within the body", "http", Unknown, None, Peer::answers("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi"));
    case(
        "cut within a chunk",
        "http",
        Unknown,
        None,
        Peer::answers("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhi"),
    );
    case(
        "silent within the body",
        "http",
        Unknown,
        Some(LimitName::IdleMs),
        Peer::start(|stream, peer| {
            peer.head(stream);
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi"));
            silence();
        }),
    );
    case(
        "drop by drop without end",
        "http",
        Unknown,
        Some(LimitName::RequestMs),
        Peer::start(|stream, peer| {
            peer.head(stream);
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
            while stream.write_all(b".").is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }),
    );
    cases
}

/// A DNS server that knows no name, one that leads inward, and one that it takes too long over.
fn names() -> (EgressSettings, Dns) {
    let dns = Dns::start(|name, _| match name {
        "inward.example.cn" => Some(vec!["169.254.169.254".parse().unwrap()]),
        "silent.example.cn" => {
            std::thread::sleep(Duration::from_millis(1_500));
            None
        }
        _ => None,
    })
    .unwrap();
    (EgressSettings { dns: vec![dns.address], ..EgressSettings::default() }, dns)
}

#[tokio::test]
async fn a_workflows_request_knows_what_it_may_have_done() {
    let (settings, _dns) = names();
    let host = host(settings);
    for case in cases() {
        let error = send(&host, &loopback(), &limits(), &post(case.uri.clone())).await.unwrap_err();
        assert_eq!(error.outcome(), case.effect, "{}: {error}", case.what);
        let limit = match &error {
            RequestError::Limit { hit, .. } => Some(hit.limit),
            _ => None,
        };
        assert_eq!(limit, case.limit, "{}: {error}", case.what);
        if let Some(limit) = limit {
            assert!(error.to_string().contains(&format!("raise `limits.{}`", limit.key())), "{error}");
        }
        drop(case.peer);
    }
}

#[tokio::test]
async fn a_plugins_call_knows_what_it_may_have_done() {
    let (settings, _dns) = names();
    let host = host(settings);
    for case in cases() {
        let (scheme, rest) = case.uri.split_once("://").unwrap();
        let mut sends = Sends::get(rest.trim_end_matches('/'), "/");
        sends.https = scheme == "https";
        sends.asks = vec![
            support::Asks::HttpTo("http://*:*".into(), vec![], "/"),
            support::Asks::HttpTo("https://*:*".into(), vec![], "/"),
        ];
        sends.traps = true;
        let package = host.load(&package(&sends)).unwrap();
        let operation = Operation::Run { config: "{}".into(), input: "1".into() };
        let called = host.call(&package, &context(), &operation, &loopback(), &HostAccess::default(), &limits()).await;
        let error = called.unwrap_err();
        assert_eq!(error.outcome(), case.effect, "{}: {error}", case.what);
        assert_eq!(error.limit(), case.limit, "{}: {error}", case.what);
    }
}

#[tokio::test]
async fn a_plugin_that_copes_with_a_time_out_has_its_own_word_and_the_limit_beside_it() {
    let host = host(EgressSettings::default());
    let peer = Peer::start(|stream, peer| {
        peer.head(stream);
        silence();
    });
    let package = host.load(&package(&Sends::get(peer.address.to_string(), "/"))).unwrap();
    let operation = Operation::Run { config: "{}".into(), input: "1".into() };
    let error =
        host.call(&package, &context(), &operation, &loopback(), &HostAccess::default(), &limits()).await.unwrap_err();
    assert!(matches!(error, CallError::Plugin(_)), "{error:?}");
    assert!(error.to_string().contains("the limit `first_byte_ms` of 300 was reached"), "{error}");
}

#[tokio::test]
async fn a_trusted_certificate_and_the_mapped_name_pass() {
    let place = Place::start("own.example.cn", "hi");
    let mut settings = EgressSettings {
        resolve: vec![Mapping::parse("own.example.cn", &place.address.to_string()).unwrap()],
        ..EgressSettings::default()
    };
    settings.trust_pem(place.pem.as_bytes()).unwrap();
    let answer = send(&host(settings), &loopback(), &limits(), &post("https://own.example.cn/".into())).await.unwrap();
    assert_eq!(answer.body, b"hi");
}
