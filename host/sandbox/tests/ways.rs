//! The ways out that an admin chooses: DNS servers, a proxy, paces. Real DNS,
//! a real proxy, real TLS on loopback.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "ways/mail.rs"]
mod mail;
mod support;

use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use huiyin_guests::dns::Dns;
use huiyin_sandbox::egress::pace::{Asker, Pace};
use huiyin_sandbox::egress::proxy::ProxySettings;
use huiyin_sandbox::egress::request::RequestError;
use huiyin_sandbox::egress::way::{EgressSettings, Mapping};
use huiyin_sandbox::{
    CallError, Denier, Effect, Grant, HostAccess, Limits, NoSecrets, Operation, Sandbox, SecretSource,
};
use serde_json::{Value, json};
use support::context;
use support::http::{Sends, package};
use support::peer::{Known, Peer, asker, get, grant, host, loopback, ok, post, send, silence};

fn open() -> Grant {
    grant(&json!({"http": [{"origin": "http://*:*"}, {"origin": "https://*:*"}]}))
}

fn denied(error: &RequestError) -> &huiyin_sandbox::Denial {
    match error {
        RequestError::Denied { denial, .. } => denial,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_inward_address_among_many_denies_the_name() {
    let public: IpAddr = "93.184.215.14".parse().unwrap();
    for inward in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "fd00:ec2::254",
        "fec0::1",
    ] {
        let inward: IpAddr = inward.parse().unwrap();
        let dns = Dns::start(move |_, _| Some(vec![public, inward])).unwrap();
        let host = host(EgressSettings { dns: vec![dns.address], ..EgressSettings::default() });
        let error =
            send(&host, &open(), &Limits::default(), &get("http://mixed.example.cn/".into())).await.unwrap_err();
        let denial = denied(&error);
        assert!(denial.what.contains(&format!("mixed.example.cn at {inward}")), "{denial}");
        assert_eq!(error.outcome(), Effect::NotDone);
    }
}

#[tokio::test]
async fn a_name_that_changes_its_address_gains_nothing() {
    // First a place that is granted, at every later look the machine next door.
    let inner = Peer::answers(ok("inner"));
    let dns = Dns::start(move |_, before| {
        Some(vec![if before == 0 { "127.0.0.1".parse().unwrap() } else { "127.0.0.2".parse().unwrap() }])
    })
    .unwrap();
    let host = host(EgressSettings { dns: vec![dns.address], ..EgressSettings::default() });
    let mut allowed = open();
    allowed.allow_addresses = vec!["127.0.0.1/32".parse().unwrap()];
    let uri = format!("http://rebound.example.cn:{}/", inner.address.port());
    // The one look-up that is checked is the one that is connected to.
    assert_eq!(send(&host, &allowed, &Limits::default(), &get(uri.clone())).await.unwrap().body, b"inner");
    assert_eq!(dns.asked(), 1);
    let error = send(&host, &allowed, &Limits::default(), &get(uri)).await.unwrap_err();
    assert!(denied(&error).what.contains("127.0.0.2"), "{error}");
    assert_eq!(inner.heads().len(), 1);
}

#[tokio::test]
async fn what_the_unit_keeps_out_is_told_apart_and_added_until_it_passes() {
    let peer = Peer::answers(ok("hi"));
    let host = host(EgressSettings::default());
    let mut sends = Sends::get(peer.address.to_string(), "/a/b");
    sends.secret = Some("token");
    sends.asks.push(support::Asks::Secret("token"));
    let package = host.load(&package(&sends)).unwrap();
    let operation = Operation::Run { config: "{}".into(), input: "1".into() };
    let (mut admin, mut unit) = (Grant::default(), Grant::default());
    let mut told = Vec::new();
    loop {
        let secrets = Arc::new(Known(vec![("token", "s3cret")]));
        let access = HostAccess { secrets, cap: Some(Arc::new(unit.clone())), ..HostAccess::default() };
        match host.call(&package, &context(), &operation, &admin, &access, &Limits::default()).await {
            Ok(_) => break,
            Err(CallError::Denied { denial, effect }) => {
                assert_eq!(effect, Effect::NotDone);
                assert!(peer.heads().is_empty());
                let text = denial.to_string();
                let printed = &text[text.find(": {").unwrap() + 2..];
                let add = Grant::from_json(printed).unwrap();
                match denial.by {
                    Denier::Admin => {
                        assert!(text.contains("an admin adds this grant"), "{text}");
                        admin.add(&add);
                    }
                    Denier::Unit => {
                        assert!(text.contains("the unit's policy adds to its cap"), "{text}");
                        unit.add(&add);
                    }
                    other => panic!("{other:?}: {text}"),
                }
                assert!(!told.contains(&text), "said twice: {text}");
                told.push(text);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    // The secret, the place, the secret for the place, the address: each by both.
    assert_eq!(told.len(), 8, "{told:#?}");
    assert!(peer.heads()[0].contains("x-token: s3cret\r\n"));
}

fn through(peer: &Peer) -> ProxySettings {
    ProxySettings::parse(&format!("http://{}", peer.address)).unwrap()
}

#[tokio::test]
async fn plain_requests_are_forwarded_and_encrypted_ones_tunnelled() {
    let place = support::tls::Place::start("own.example.cn", "deep");
    let plain = Peer::answers(ok("plain"));
    let (to_tls, to_plain) = (Peer::proxy(place.address, None), Peer::proxy(plain.address, None));

    let mut settings = EgressSettings { proxy: Some(through(&to_tls)), ..EgressSettings::default() };
    settings.trust_pem(place.pem.as_bytes()).unwrap();
    let mut ask = post("https://own.example.cn/in?q=1".into());
    ask.headers = vec![("x-mark".into(), "sealed".into())];
    let answer = send(&host(settings), &open(), &Limits::default(), &ask).await.unwrap();
    assert_eq!(answer.body, b"deep");
    let head = to_tls.heads().remove(0);
    assert!(
        head.starts_with("CONNECT own.example.cn:443 HTTP/1.1\r\n") && head.contains("host: own.example.cn:443\r\n"),
        "{head}"
    );
    assert!(!head.contains("/in") && !head.contains("sealed"), "the proxy sees the place and nothing else: {head}");

    let settings = EgressSettings { proxy: Some(through(&to_plain)), ..EgressSettings::default() };
    let answer =
        send(&host(settings), &open(), &Limits::default(), &get("http://far.example.cn:8080/a?b".into())).await;
    assert_eq!(answer.unwrap().body, b"plain");
    let head = to_plain.heads().remove(0);
    assert!(head.starts_with("GET http://far.example.cn:8080/a?b HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: far.example.cn:8080\r\n"), "{head}");
}

#[tokio::test]
async fn a_plugin_goes_through_the_proxy_too() {
    let plain = Peer::answers(ok("plain"));
    let way = Peer::proxy(plain.address, None);
    let host = host(EgressSettings { proxy: Some(through(&way)), ..EgressSettings::default() });
    let package = host.load(&package(&Sends::get("far.example.cn", "/x"))).unwrap();
    let operation = Operation::Run { config: "{}".into(), input: "1".into() };
    host.call(&package, &context(), &operation, &open(), &HostAccess::default(), &Limits::default()).await.unwrap();
    assert!(way.heads()[0].starts_with("GET http://far.example.cn:80/x HTTP/1.1\r\n"), "{:?}", way.heads());
}

#[tokio::test]
async fn what_can_be_checked_is_checked_before_the_proxy_hears_of_it() {
    let plain = Peer::answers(ok("plain"));
    let way = Peer::proxy(plain.address, None);
    let host = host(EgressSettings { proxy: Some(through(&way)), ..EgressSettings::default() });
    for authority in
        ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "10.0.0.1:8080", "localhost", "a.localhost"]
    {
        for scheme in ["http", "https"] {
            let error =
                send(&host, &open(), &Limits::default(), &get(format!("{scheme}://{authority}/"))).await.unwrap_err();
            assert!(denied(&error).why.contains("not public"), "{authority}: {error}");
        }
    }
    let error =
        send(&host, &Grant::default(), &Limits::default(), &get("http://far.example.cn/".into())).await.unwrap_err();
    assert_eq!(denied(&error).by, Denier::Admin);
    assert!(way.heads().is_empty());
}

#[tokio::test]
async fn names_can_be_looked_up_here_and_the_checked_address_goes_to_the_proxy() {
    let plain = Peer::answers(ok("plain"));
    let way = Peer::proxy(plain.address, None);
    let dns = Dns::start(|name, _| match name {
        "good.example.cn" => Some(vec!["93.184.215.14".parse().unwrap()]),
        _ => Some(vec!["10.0.0.1".parse().unwrap()]),
    })
    .unwrap();
    let mut proxy = through(&way);
    proxy.resolve_here();
    let host = host(EgressSettings { proxy: Some(proxy), dns: vec![dns.address], ..EgressSettings::default() });
    let answer = send(&host, &open(), &Limits::default(), &get("http://good.example.cn/".into())).await.unwrap();
    assert_eq!(answer.body, b"plain");
    assert!(way.heads()[0].starts_with("CONNECT 93.184.215.14:80 HTTP/1.1\r\n"), "{:?}", way.heads());
    assert!(plain.heads()[0].contains("host: good.example.cn\r\n"), "{:?}", plain.heads());
    let error = send(&host, &open(), &Limits::default(), &get("http://bad.example.cn/".into())).await.unwrap_err();
    assert!(denied(&error).what.contains("10.0.0.1"), "{error}");
    assert_eq!(way.heads().len(), 1);
}

#[tokio::test]
async fn places_of_ones_own_pass_by_the_proxy() {
    let near = Peer::answers(ok("near"));
    let way = Peer::proxy(near.address, None);
    let mut proxy = through(&way);
    proxy.direct("127.0.0.0/8").unwrap();
    let resolve = vec![Mapping::parse("mapped.example.cn", &near.address.to_string()).unwrap()];
    let host = host(EgressSettings { proxy: Some(proxy), resolve, ..EgressSettings::default() });
    for uri in [near.url("/"), "http://mapped.example.cn/".to_owned()] {
        assert_eq!(send(&host, &loopback(), &Limits::default(), &get(uri)).await.unwrap().body, b"near");
    }
    // Without the grant the address is still checked.
    assert!(send(&host, &open(), &Limits::default(), &get(near.url("/"))).await.is_err());
    assert!(way.heads().is_empty());
}

#[tokio::test]
async fn the_proxys_login_is_a_secret_and_its_faults_are_named() {
    let plain = Peer::answers(ok("plain"));
    // huiyin:open sesame
    let way = Peer::proxy(plain.address, Some("Basic aHVpeWluOm9wZW4gc2VzYW1l"));
    let with = |secrets: Arc<dyn SecretSource>| {
        let mut proxy = through(&way);
        proxy.login("huiyin", "gate", secrets).unwrap();
        let settings = EgressSettings { proxy: Some(proxy), ..EgressSettings::default() };
        assert!(!format!("{settings:?}").contains("sesame"));
        host(settings)
    };
    let good = with(Arc::new(Known(vec![("gate", "open sesame")])));
    for uri in ["http://far.example.cn/", "http://other.example.cn/"] {
        assert_eq!(send(&good, &open(), &Limits::default(), &get(uri.into())).await.unwrap().body, b"plain");
    }
    assert!(plain.heads().iter().all(|head| head.contains("far.example.cn") || head.contains("other.example.cn")));

    let ask = get("https://far.example.cn/".into());
    let wrong = with(Arc::new(Known(vec![("gate", "not this one")])));
    let error = send(&wrong, &open(), &Limits::default(), &ask).await.unwrap_err();
    assert!(error.to_string().contains("407") && error.to_string().contains("egress.proxy.user"), "{error}");
    assert_eq!(error.outcome(), Effect::NotDone);
    let error = send(&with(Arc::new(NoSecrets)), &open(), &Limits::default(), &ask).await.unwrap_err();
    assert!(error.to_string().contains("`gate`") && error.to_string().contains("no value"), "{error}");

    for (says, answer) in [("status 403", "HTTP/1.1 403 Forbidden\r\n\r\n"), ("HTTP", "hello\r\n\r\n"), ("closed", "")]
    {
        let peer = Peer::answers(answer);
        let host = host(EgressSettings { proxy: Some(through(&peer)), ..EgressSettings::default() });
        let error = send(&host, &open(), &Limits::default(), &ask).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.outcome(), Effect::NotDone, "{error}");
    }
    let dead = Peer::start(|_, _| silence());
    let host = host(EgressSettings { proxy: Some(through(&dead)), ..EgressSettings::default() });
    let limits = Limits { connect_ms: 200, ..Limits::default() };
    let error = send(&host, &open(), &limits, &ask).await.unwrap_err();
    assert!(error.to_string().contains("connect_ms"), "{error}");
    assert_eq!(error.outcome(), Effect::NotDone);
}

fn paced(per_plugin: Pace, per_unit: Pace) -> Sandbox {
    host(EgressSettings { per_plugin, per_unit, ..EgressSettings::default() })
}

const FREE: Pace = Pace { concurrent: 0, per_second: 0, burst: 0 };

async fn as_asker(host: &Sandbox, name: &str, unit: &str, wall_ms: u64, uri: String) -> Result<(), RequestError> {
    let asker = Asker { name: name.into(), unit: unit.into() };
    let limits = Limits { wall_ms, ..Limits::default() };
    host.requester(asker, &loopback(), None, Arc::new(NoSecrets), &limits).send(&get(uri)).await.map(drop)
}

#[tokio::test]
async fn requests_beyond_the_rate_wait_or_are_told_how_long() {
    let peer = Peer::answers(ok("hi"));
    let host = paced(Pace { concurrent: 0, per_second: 5, burst: 2 }, FREE);
    let began = Instant::now();
    for _ in 0..4 {
        as_asker(&host, "a", "u", 10_000, peer.url("/")).await.unwrap();
    }
    assert!(began.elapsed() >= Duration::from_millis(390), "the third and the fourth waited: {:?}", began.elapsed());
    // Another name is another queue.
    as_asker(&host, "b", "u", 10_000, peer.url("/")).await.unwrap();
    // Too little time to wait.
    let error = as_asker(&host, "a", "u", 100, peer.url("/")).await.unwrap_err();
    let RequestError::Paced { paced, effect } = &error else { panic!("{error:?}") };
    assert_eq!((paced.seconds, *effect), (1, Effect::NotDone));
    assert!(
        error.to_string().contains("`a`") && error.to_string().contains("`egress.perPlugin.perSecond` of 5"),
        "{error}"
    );
}

#[tokio::test]
async fn a_units_plugins_share_its_rate() {
    let peer = Peer::answers(ok("hi"));
    let host = paced(FREE, Pace { concurrent: 0, per_second: 1, burst: 2 });
    for name in ["a", "b"] {
        as_asker(&host, name, "u", 10_000, peer.url("/")).await.unwrap();
    }
    let error = as_asker(&host, "c", "u", 50, peer.url("/")).await.unwrap_err();
    assert!(
        error.to_string().contains("the unit `u`") && error.to_string().contains("egress.perUnit.perSecond"),
        "{error}"
    );
    as_asker(&host, "c", "v", 10_000, peer.url("/")).await.unwrap();
}

#[tokio::test]
async fn no_more_are_under_way_than_allowed() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, seen) = (now.clone(), most.clone());
    let peer = Peer::start(move |stream, peer| {
        if peer.head(stream).is_some() {
            seen.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // The answer's body is a part of being under way.
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"));
            std::thread::sleep(Duration::from_millis(60));
            counted.fetch_sub(1, Ordering::SeqCst);
            drop(stream.write_all(b"hi"));
        }
    });
    let host = paced(Pace { concurrent: 2, per_second: 0, burst: 0 }, FREE);
    let all = (0..8).map(|_| as_asker(&host, "a", "u", 10_000, peer.url("/")));
    for done in futures::future::join_all(all).await {
        done.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);

    let stuck = Peer::start(|stream, peer| {
        peer.head(stream);
        silence();
    });
    let waiting = as_asker(&host, "a", "u", 1_500, stuck.url("/"));
    let also = as_asker(&host, "a", "u", 1_500, stuck.url("/"));
    let third = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        as_asker(&host, "a", "u", 500, peer.url("/")).await
    };
    let (_, _, third) = tokio::join!(waiting, also, third);
    let error = third.unwrap_err();
    assert!(error.to_string().contains("`egress.perPlugin.concurrent` of 2"), "{error}");
    assert_eq!(error.outcome(), Effect::NotDone);
}

#[tokio::test]
async fn a_plugin_over_its_rate_is_told_apart_from_one_that_fails() {
    let peer = Peer::answers(ok("hi"));
    let host = paced(Pace { concurrent: 0, per_second: 1, burst: 1 }, FREE);
    let package = host.load(&package(&Sends::get(peer.address.to_string(), "/"))).unwrap();
    let operation = Operation::Run { config: "{}".into(), input: "1".into() };
    let (patient, hasty) = (Limits::default(), Limits { wall_ms: 500, ..Limits::default() });
    let (context, grant, access) = (context(), loopback(), HostAccess::default());
    let call = |limits| host.call(&package, &context, &operation, &grant, &access, limits);
    call(&patient).await.unwrap();
    let error = call(&hasty).await.unwrap_err();
    let CallError::Paced { paced, effect } = &error else { panic!("{error:?}") };
    assert!(paced.seconds >= 1 && *effect == Effect::NotDone);
    assert!(error.to_string().contains("`test-guest`") && error.to_string().contains("try again in"), "{error}");
}

#[tokio::test]
async fn a_workflows_denial_names_the_unit_where_its_cap_keeps_it_out() {
    let peer = Peer::answers(ok("hi"));
    let host = host(EgressSettings::default());
    let cap = Grant::from_json(&json!({"http": [{"origin": "https://only.example.cn"}]}).to_string()).unwrap();
    let requester = host.requester(asker(), &loopback(), Some(&cap), Arc::new(NoSecrets), &Limits::default());
    let error = requester.send(&get(peer.url("/a/b"))).await.unwrap_err();
    let denial = denied(&error);
    assert_eq!(denial.by, Denier::Unit);
    let add: Value = serde_json::from_str(denial.grant_to_add.as_deref().unwrap()).unwrap();
    assert_eq!(add["http"][0]["path_prefix"], "/a");
    assert!(peer.heads().is_empty());
}
