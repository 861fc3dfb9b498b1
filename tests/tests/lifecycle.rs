//! Lifecycle events at real receivers on loopback: after the records, at least
//! once, in order, across failures and restarts.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use huiyin_engine::Engine;
use huiyin_engine::config::{SecretConfig, SinkConfig};
use huiyin_tests::house::{House, copy, end_of, named, until};
use serde_json::{Value, json};

/// Who is told: what it got, and how it answers.
struct Receiver {
    got: Mutex<Vec<(HeaderMap, Vec<u8>)>>,
    answer: AtomicU16,
    uri: Mutex<String>,
}

impl Receiver {
    async fn open() -> Arc<Receiver> {
        let receiver = Arc::new(Receiver { got: Mutex::default(), answer: AtomicU16::new(200), uri: Mutex::default() });
        let app = Router::new().route("/hook", post(take)).with_state(Arc::clone(&receiver));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        *receiver.uri.lock().unwrap() = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    fn answers(&self, status: u16) {
        self.answer.store(status, Ordering::SeqCst);
    }

    fn config(&self, name: &str) -> SinkConfig {
        let uri = self.uri.lock().unwrap().clone();
        serde_json::from_value(json!({"name": name, "uri": uri, "allowAddresses": ["127.0.0.1/32"]})).unwrap()
    }

    fn events(&self) -> Vec<Value> {
        self.got.lock().unwrap().iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }

    /// The types of a run's events, each once, in the order of coming.
    fn of(&self, run: &str) -> Vec<String> {
        let mut ids = BTreeSet::new();
        let all = self.events().into_iter().filter(|event| event["subject"] == run);
        let once = all.filter(|event| ids.insert(event["id"].to_string()));
        once.map(|event| event["type"].as_str().unwrap().to_owned())
            .filter(|kind| kind.contains(".workflow.") && !kind.contains("status-changed"))
            .collect()
    }

    async fn has(&self, run: &str, kinds: &[&str]) {
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("io.serverlessworkflow.workflow.{kind}.v1")).collect();
        let found = until("its events", async || Ok((self.of(run) == kinds).then_some(()))).await;
        assert!(found.is_ok(), "{run}: {:?}, not {kinds:?}", self.of(run));
    }
}

async fn take(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: axum::body::Bytes) -> StatusCode {
    let status = StatusCode::from_u16(receiver.answer.load(Ordering::SeqCst)).unwrap();
    if status.is_success() {
        receiver.got.lock().unwrap().push((headers, body.to_vec()));
    }
    status
}

fn secret(house: &mut House, name: &str, value: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = house.folder.path().join(name);
    std::fs::write(&file, value).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    house.config.secrets.insert(name.to_owned(), SecretConfig { file });
}

fn house() -> House {
    let mut house = House::with(&[]).unwrap();
    house.workflow("quick", &[], &json!({"do": [{"say": {"set": {"done": true}}}]})).unwrap();
    house.workflow("sleeper", &[], &json!({"do": [{"sleep": {"wait": "PT6H"}}]})).unwrap();
    house
}

async fn run(engine: &Engine, id: &str) {
    assert_eq!(engine.run(named("quick", id, json!({}))).await.unwrap().status, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_a_workflow_is_told_signed_and_complete() {
    let receiver = Receiver::open().await;
    let mut house = house();
    secret(&mut house, "token", "let-me-in");
    secret(&mut house, "key", "only-we-two-know");
    let sink = SinkConfig { bearer: Some("token".into()), hmac: Some("key".into()), ..receiver.config("all") };
    house.config.lifecycle.sinks.push(sink);
    let engine = house.on_disk().await.unwrap();
    run(&engine, "q").await;
    engine.submit(named("sleeper", "s", json!({}))).await.unwrap();
    engine.cancel("s", "enough", "admin:test").await.unwrap();
    receiver.has("q", &["started", "completed"]).await;
    receiver.has("s", &["started", "cancelled"]).await;
    engine.stop().await.unwrap();
    for (headers, body) in receiver.got.lock().unwrap().iter() {
        assert_eq!(headers["content-type"], "application/cloudevents+json; charset=utf-8");
        assert_eq!(headers["authorization"], "Bearer let-me-in");
        let signature = headers["huiyin-signature"].to_str().unwrap();
        let (time, given) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"only-we-two-know").unwrap();
        mac.update(format!("{time}.").as_bytes());
        mac.update(body);
        mac.verify_slice(&hex::decode(given).unwrap()).unwrap();
    }
    let started = receiver
        .events()
        .into_iter()
        .find(|e| e["subject"] == "q" && e["type"].as_str().unwrap().ends_with("workflow.started.v1"))
        .unwrap();
    assert_eq!(started["specversion"], "1.0");
    assert_eq!(started["data"]["definition"], json!({"name": "quick", "namespace": "tests", "version": "1.0.0"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_is_down_holds_up_nothing_and_gets_all_when_it_is_back() {
    let (receiver, dead) = (Receiver::open().await, Receiver::open().await);
    let mut house = house();
    house.config.lifecycle.sinks.extend([receiver.config("good"), dead.config("dead")]);
    dead.answers(503);
    let first = house.on_disk().await.unwrap();
    first.submit(named("sleeper", "s", json!({}))).await.unwrap();
    for n in 0..20 {
        run(&first, &format!("before-{n}")).await;
    }
    receiver.has("before-19", &["started", "completed"]).await;
    let status = |engine: &Engine, name: &str| engine.sinks().into_iter().find(|s| s.sink == name).unwrap();
    let failing = status(&first, "dead");
    assert!(failing.failing_since.is_some() && failing.behind > 20, "{failing:?}");
    assert!(failing.error.as_deref().is_some_and(|e| e.contains("503")), "{failing:?}");
    first.stop().await.unwrap();
    drop(first);
    // The host comes back, and then the sink.
    let second = house.on_disk().await.unwrap();
    run(&second, "after").await;
    dead.answers(204);
    for n in 0..20 {
        dead.has(&format!("before-{n}"), &["started", "completed"]).await;
    }
    dead.has("after", &["started", "completed"]).await;
    // A run that began before all that is still understood.
    second.cancel("s", "enough", "admin:test").await.unwrap();
    dead.has("s", &["started", "cancelled"]).await;
    receiver.has("s", &["started", "cancelled"]).await;
    until("its recovery", async || {
        let now = status(&second, "dead");
        Ok((now.failing_since.is_none() && now.given_up == 0).then_some(()))
    })
    .await
    .unwrap();
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_no_event_and_a_repeated_one_has_the_same_id() {
    let receiver = Receiver::open().await;
    let mut house = house();
    house.config.lifecycle.sinks.push(receiver.config("all"));
    let first = house.on_disk().await.unwrap();
    for n in 0..10 {
        run(&first, &format!("q-{n}")).await;
    }
    receiver.has("q-9", &["started", "completed"]).await;
    // Cut off somewhere; another goes on from what the disk held.
    let left = house.folder.path().join("left");
    copy(&house.data(), &left).unwrap();
    first.stop().await.unwrap();
    drop(first);
    let second = house.on_disk_at(&left).await.unwrap();
    run(&second, "last").await;
    receiver.has("last", &["started", "completed"]).await;
    for n in 0..10 {
        // Each id once: what came twice came under its old id.
        receiver.has(&format!("q-{n}"), &["started", "completed"]).await;
    }
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sink_rejects_is_given_up_visibly_and_the_rest_goes_on() {
    let receiver = Receiver::open().await;
    let mut house = house();
    let only =
        SinkConfig { types: vec!["io.serverlessworkflow.workflow.completed.".into()], ..receiver.config("picky") };
    house.config.lifecycle.sinks.push(only);
    receiver.answers(422);
    let engine = house.on_disk().await.unwrap();
    let mut shown = engine.activity();
    run(&engine, "bad").await;
    until("the event to be given up", async || Ok((engine.sinks()[0].given_up == 1).then_some(()))).await.unwrap();
    receiver.answers(200);
    run(&engine, "good").await;
    receiver.has("good", &["completed"]).await;
    assert_eq!(receiver.of("bad"), Vec::<String>::new());
    let kinds: Vec<String> = std::iter::from_fn(|| shown.try_recv().ok()).map(|a| a.kind).collect();
    for kind in ["huiyin.sink.failing.v1", "huiyin.sink.dropped.v1", "huiyin.sink.recovered.v1"] {
        assert!(kinds.iter().any(|k| k == kind), "{kind} in {kinds:?}");
    }
    engine.stop().await.unwrap();
    drop(engine);
    let again = house.on_disk().await.unwrap();
    assert_eq!(again.sinks()[0].given_up, 1, "it is on record");
    assert!(end_of(&again, "good").await.is_ok());
    again.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_cannot_be_is_refused_at_the_start() {
    let base = json!({"name": "s", "uri": "https://example.org/hook"});
    for (key, value, words) in [
        ("uri", json!("ftp://example.org/"), "/lifecycle/sinks/0/uri"),
        ("uri", json!("https://me:pw@example.org/"), "user"),
        ("name", json!("a b"), "/lifecycle/sinks/0/name"),
        ("hmac", json!("nowhere"), "no secret `nowhere`"),
        ("retryFor", json!("soon"), "/retryFor"),
        ("allowAddresses", json!(["here"]), "/uri"),
    ] {
        let mut house = house();
        let mut sink = base.clone();
        sink[key] = value;
        house.config.lifecycle.sinks.push(serde_json::from_value(sink).unwrap());
        let error = house.in_memory().await.err().unwrap();
        assert!(error.contains(words), "{error}");
    }
}
