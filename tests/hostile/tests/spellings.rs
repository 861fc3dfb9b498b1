//! However a place inside is spelled, nobody comes there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use huiyin_guests::{Asks, Guest};
use huiyin_hostile::cases::INWARD;
use huiyin_hostile::honest::context;
use huiyin_hostile::trial::run;
use huiyin_sandbox::egress::pace::{Asker, Pace};
use huiyin_sandbox::egress::request::Ask;
use huiyin_sandbox::{CallError, Effect, Grant, HostAccess, Limits, NoSecrets, Sandbox, SandboxConfig};

/// Everything that can be granted but addresses.
fn all_places() -> Grant {
    Grant::from_json(r#"{"http": [{"origin": "http://*:*"}]}"#).unwrap()
}

/// Counts who comes to any port that the spellings name, should this process
/// be allowed to listen there, and to one of its own.
fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let counted = came.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, came)
}

/// A sandbox without a pace: hundreds of refusals a second are none.
fn sandbox() -> Sandbox {
    let mut config = SandboxConfig::default();
    config.egress.per_plugin = Pace { concurrent: 0, per_second: 0, burst: 0 };
    config.egress.per_unit = config.egress.per_plugin;
    Sandbox::new(config).unwrap()
}

#[tokio::test]
async fn a_plugin_reaches_no_inner_place_however_it_is_spelled() {
    let sandbox = sandbox();
    let (port, came) = listener();
    let limits = Limits { wall_ms: 3_000, ..Limits::default() };
    for inward in INWARD {
        // As it is, and with the port at which somebody listens.
        for authority in [inward.authority.to_owned(), format!("{}:{port}", inward.authority)] {
            let guest = Guest::step(format!("(call $visit @\"{authority}\" @\"/latest/meta-data/\")")).asks(Asks::Http);
            let package = sandbox.load(&guest.package().unwrap()).unwrap();
            let began = Instant::now();
            let ended =
                sandbox.call(&package, &context(), &run("1"), &all_places(), &HostAccess::default(), &limits).await;
            let error = ended.expect_err(&authority);
            assert_eq!(error.outcome(), Effect::NotDone, "{authority} ({}): {error}", inward.how);
            match &error {
                // The sandbox says what was asked and why it is denied.
                CallError::Denied { denial, .. } => {
                    assert!(
                        !denial.why.is_empty() && denial.what.contains("a request to")
                            || denial.what.contains("connecting to"),
                        "{denial}"
                    );
                }
                // Or the standard interface already takes it for no authority.
                CallError::Plugin(said) => {
                    assert!(said.to_string().contains("the host knows no such place"), "{authority}: {said}");
                }
                other => panic!("{authority} ({}): {other}", inward.how),
            }
            assert!(began.elapsed() < Duration::from_secs(8), "{authority} was tried before it was refused");
        }
    }
    assert_eq!(came.load(Ordering::SeqCst), 0, "somebody came");
}

#[tokio::test]
async fn nor_does_a_workflows_own_request() {
    let sandbox = sandbox();
    let (port, came) = listener();
    for inward in INWARD {
        let authority = inward.authority.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t");
        for authority in [authority.clone(), format!("{authority}:{port}")] {
            let asker = Asker { name: "hostile".to_owned(), unit: String::new() };
            let limits = Limits { wall_ms: 3_000, ..Limits::default() };
            let requester = sandbox.requester(asker, &all_places(), None, Arc::new(NoSecrets), &limits);
            let uri = format!("http://{authority}/latest/meta-data/");
            let ask = Ask { method: "GET".to_owned(), uri, ..Ask::default() };
            let error = requester.send(&ask).await.expect_err(&authority);
            assert_eq!(error.outcome(), Effect::NotDone, "{authority:?} ({}): {error}", inward.how);
        }
    }
    assert_eq!(came.load(Ordering::SeqCst), 0, "somebody came");
}
