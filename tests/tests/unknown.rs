//! Outcomes that nobody knows (rule 3): a plugin that ran out of time, broke,
//! was stopped, or lost its connection after the first byte, and a host that
//! went down meanwhile. Declared idempotent it is tried again under the same
//! key; otherwise it waits for a person, and is never done twice by the host.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use huiyin_engine::Engine;
use huiyin_engine::record::Entry;
use huiyin_tests::guests::{self, Does};
use huiyin_tests::house::{House, end_of, named, until};
use huiyin_tests::log::{account, entries};
use serde_json::{Value, json};

const RUN: &str = "the-act";

/// A house whose workflow `act` calls the guest, which writes into a folder
/// before it comes to grief at its first try.
fn house(does: &Does, wall_ms: u64) -> (House, PathBuf) {
    let mut house = House::with(&["jq"]).unwrap();
    house.plugins.push(guests::step("hand", does).unwrap());
    let outbox = house.folder.path().join("outbox");
    std::fs::create_dir_all(&outbox).unwrap();
    let grant = json!({"plugin": "hand", "grant": {"spool": outbox}});
    house.config.grants.push(serde_json::from_value(grant).unwrap());
    house.workflow("act", &[], &json!({"do": [{"act": {"call": "hand:0.1.0@default", "with": {}}}]})).unwrap();
    house.limits = Some(huiyin_sandbox::Limits { wall_ms, ..Default::default() });
    (house, outbox)
}

/// Why nobody knows what became of the run's call, once that is so.
async fn doubt(engine: &Engine) -> String {
    until("the unknown outcome", async || {
        let found = engine
            .look_all(|state, _| state.runs.get(RUN).and_then(|r| r.effects.values().find_map(|e| e.unknown.clone())))
            .await;
        Ok(found.map_err(|e| e.to_string())?.into_iter().flatten().next())
    })
    .await
    .unwrap()
}

/// How often each effect was tried.
fn tries(data: &Path) -> Vec<u32> {
    account(data).unwrap().effects.into_values().collect()
}

fn unknowns(data: &Path) -> usize {
    entries(data).unwrap().iter().filter(|entry| matches!(entry, Entry::EffectUnknown(_))).count()
}

/// Declared idempotent: it is tried again by itself, under the same key.
async fn tried_again(does: &Does, wall_ms: u64) {
    let (house, outbox) = house(does, wall_ms);
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(named("act", RUN, json!({}))).await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({})));
    engine.stop().await.unwrap();
    drop(engine);
    assert_eq!(tries(&house.data()), [2], "one key, two tries");
    assert_eq!(std::fs::read_dir(outbox).unwrap().count(), 1);
}

/// Not idempotent: it waits for a person, who says that it happened, or that it did not.
async fn waits_for_a_person(does: &Does, wall_ms: u64, reason: &str) {
    for happened in [true, false] {
        let (house, _) = house(does, wall_ms);
        let engine = house.on_disk().await.unwrap();
        engine.submit(named("act", RUN, json!({}))).await.unwrap();
        let why = doubt(&engine).await;
        assert!(why.contains(reason), "{why}");
        let retried = engine.retry(RUN, "again", "admin:li.min").await.unwrap_err().to_string();
        assert!(retried.contains("--happened FILE") && retried.contains("--not-happened"), "{retried}");
        let gave = happened.then(|| json!({"by": "hand"}));
        engine.resolve(RUN, None, gave, "looked into the folder", "admin:li.min").await.unwrap();
        let end = end_of(&engine, RUN).await.unwrap();
        let result = if happened { json!({"by": "hand"}) } else { json!({}) };
        assert_eq!((end.status.as_str(), &end.result), ("completed", &result));
        engine.stop().await.unwrap();
        drop(engine);
        assert_eq!(tries(&house.data()), [if happened { 1 } else { 2 }]);
        assert_eq!(unknowns(&house.data()), 1);
        let resolved: Vec<bool> = entries(&house.data())
            .unwrap()
            .into_iter()
            .filter_map(|entry| if let Entry::EffectResolved(x) = entry { Some(x.happened) } else { None })
            .collect();
        assert_eq!(resolved, [happened]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_time_and_idempotent_is_tried_again() {
    tried_again(&Does::WritesThenHangs { idempotent: true }, 500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_time_otherwise_waits_for_a_person() {
    waits_for_a_person(&Does::WritesThenHangs { idempotent: false }, 500, "the limit `wall_ms` of 500").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_and_idempotent_is_tried_again() {
    tried_again(&Does::WritesThenTraps { idempotent: true }, 10_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_otherwise_waits_for_a_person() {
    waits_for_a_person(&Does::WritesThenTraps { idempotent: false }, 10_000, "unreachable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_stopped_in_the_midst_is_on_record_as_unknown_and_shown() {
    for idempotent in [false, true] {
        let (house, outbox) = house(&Does::WritesThenHangs { idempotent }, 120_000);
        let engine = house.on_disk().await.unwrap();
        let mut activity = engine.activity();
        engine.submit(named("act", RUN, json!({}))).await.unwrap();
        until("the call in the midst", async || Ok((std::fs::read_dir(&outbox).unwrap().count() == 1).then_some(())))
            .await
            .unwrap();
        engine.cancel(RUN, "no longer wanted", "admin:li.min").await.unwrap();
        assert_eq!(end_of(&engine, RUN).await.unwrap().status, "cancelled");
        let mut shown = Vec::new();
        while let Ok(seen) = activity.try_recv() {
            shown.push(seen.kind);
        }
        let alerts = shown.iter().filter(|kind| *kind == "huiyin.effect.unknown.v1").count();
        assert_eq!(alerts, usize::from(!idempotent), "a person must look only where it may not be repeated: {shown:?}");
        engine.stop().await.unwrap();
        drop(engine);
        assert_eq!((tries(&house.data()), unknowns(&house.data())), (vec![1], 1));
    }
}

/// A server that hears a whole request and then hangs up, or answers with
/// status 503, so many times; after that it answers.
struct HangsUp {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl HangsUp {
    fn open(times: usize) -> HangsUp {
        HangsUp::answering(times, "")
    }

    fn refusing(times: usize) -> HangsUp {
        HangsUp::answering(times, "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    }

    fn answering(times: usize, first: &'static str) -> HangsUp {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let Some(request) = whole(&mut stream) else { continue };
                let count = {
                    let mut heard = told.lock().unwrap();
                    heard.push(request);
                    heard.len()
                };
                let done = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _ = stream.write_all(if count > times { done } else { first }.as_bytes());
            }
        });
        HangsUp { port, heard }
    }

    /// The idempotency keys of the requests that came.
    fn keys(&self) -> Vec<String> {
        let key = |request: &String| {
            let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with("idempotency-key:"));
            line.map(|line| line.split_once(':').unwrap().1.trim().to_owned()).unwrap_or_default()
        };
        self.heard.lock().unwrap().iter().map(key).collect()
    }

    fn inbox(&self) -> String {
        format!("http://127.0.0.1:{}/inbox", self.port)
    }

    /// A house whose workflow `act` posts to it, within the task that is made of that one.
    fn asked_by(&self, task: impl FnOnce(Value) -> Value) -> House {
        let mut house = House::with(&["jq"]).unwrap();
        let grant = json!({"workflow": "tests/act", "grant": self.grant()});
        house.config.grants.push(serde_json::from_value(grant).unwrap());
        let post = json!({"method": "post", "endpoint": self.inbox(), "body": {"a": 1}});
        let post = json!({"post": {"call": "http", "with": post}});
        house.workflow("act", &[], &json!({"do": [task(post)]})).unwrap();
        house
    }

    fn grant(&self) -> Value {
        json!({"http": [{"origin": format!("http://127.0.0.1:{}", self.port)}], "allow_addresses": ["127.0.0.1/32"]})
    }
}

/// A request with its body, as text.
fn whole(stream: &mut std::net::TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).ok()?;
    let mut bytes = Vec::new();
    let mut more = [0; 4_096];
    loop {
        let read = stream.read(&mut more).ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&more[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        if (chunked && body.ends_with("0\r\n\r\n")) || (!chunked && body.len() >= length.unwrap_or(0)) {
            return Some(text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_after_the_first_byte_and_idempotent_is_tried_again_under_the_same_key() {
    let server = HangsUp::open(2);
    let mut house = House::with(&["jq", "webhook"]).unwrap();
    let grant = json!({"plugin": "webhook", "grant": server.grant()});
    house.config.grants.push(serde_json::from_value(grant).unwrap());
    let config = json!({"url": server.inbox(), "sign": false});
    let message = json!({"subject": "s", "text": "t", "recipients": ["r"], "attachments": [], "config": config});
    house.workflow("act", &[], &json!({"do": [{"tell": {"call": "webhook:0.1.0@default", "with": message}}]})).unwrap();
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(named("act", RUN, json!({}))).await.unwrap();
    assert_eq!(end.status, "completed", "{}", end.result);
    engine.stop().await.unwrap();
    drop(engine);
    let keys = server.keys();
    assert_eq!(keys.len(), 3, "two lost, one answered");
    assert!(!keys[0].is_empty() && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(tries(&house.data()), [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_after_the_first_byte_otherwise_waits_for_a_person() {
    let server = HangsUp::open(1);
    let house = server.asked_by(|post| post);
    let engine = house.on_disk().await.unwrap();
    engine.submit(named("act", RUN, json!({}))).await.unwrap();
    doubt(&engine).await;
    assert_eq!(server.keys().len(), 1, "it was sent a second time");
    engine.resolve(RUN, None, None, "the receiver has nothing", "admin:li.min").await.unwrap();
    assert_eq!(end_of(&engine, RUN).await.unwrap().status, "completed");
    engine.stop().await.unwrap();
    drop(engine);
    let keys = server.keys();
    assert_eq!((keys.len(), keys[0] == keys[1]), (2, true), "the same effect has the same key: {keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_workflow_itself_tries_again_is_a_new_effect_with_a_key_of_its_own() {
    // The receiver said no: that is known, and to ask once more is the workflow's own word.
    let server = HangsUp::refusing(1);
    let retry = json!({"retry": {"limit": {"attempt": {"count": 2}}, "delay": {"milliseconds": 1}}});
    let house = server.asked_by(|post| json!({"again": {"try": [post], "catch": retry}}));
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(named("act", RUN, json!({}))).await.unwrap();
    assert_eq!(end.status, "completed", "{}", end.result);
    engine.stop().await.unwrap();
    drop(engine);
    let keys = server.keys();
    assert_eq!(keys.len(), 2);
    assert!(keys[0] != keys[1] && !keys[0].is_empty(), "{keys:?}");
    assert_eq!((tries(&house.data()), unknowns(&house.data())), (vec![1, 1], 0));
}
