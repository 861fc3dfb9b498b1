//! Large values: they pass through runs, restarts and the log; above the limit
//! the one who brought them is told so, and nothing stops for it.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse as _, Response};
use huiyin_engine::limits::LimitsConfig;
use huiyin_engine::record::Entry;
use huiyin_engine::state::FinishedRun;
use huiyin_engine::{Engine, Refusal};
use huiyin_journal::{Journal as _, Payload};
use huiyin_tests::house::{House, end_of, fault, finished, honest_runs, named, submission, until};
use huiyin_tests::log;
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

fn text(len: usize) -> String {
    (0..len).map(|n| char::from(b'a' + (n * n / 7 % 26) as u8)).collect()
}

fn house(tasks: &Value) -> House {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.workflow("large", &[], &json!({"do": tasks})).unwrap();
    house
}

fn limited(tasks: &Value, bytes: usize) -> House {
    let mut house = house(tasks);
    house.config.limits = LimitsConfig { payload_bytes: Some(bytes as u64), ..LimitsConfig::default() };
    house
}

fn blobs(data: &Path) -> usize {
    let folders = std::fs::read_dir(data.join("journal/blobs")).unwrap().map(|folder| folder.unwrap().path());
    folders.filter(|folder| folder.is_dir()).map(|folder| std::fs::read_dir(folder).unwrap().count()).sum()
}

/// Answers with so many bytes as its path says, and counts how often.
async fn server() -> (String, Arc<AtomicUsize>) {
    async fn answer(State(asked): State<Arc<AtomicUsize>>, uri: Uri) -> Response {
        asked.fetch_add(1, Ordering::SeqCst);
        let bytes: usize = uri.path().trim_start_matches('/').parse().unwrap();
        axum::Json(json!({"receipt": "r-17", "text": text(bytes)})).into_response()
    }
    let asked = Arc::new(AtomicUsize::new(0));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&asked));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (origin, asked)
}

/// A call of the server that is tried three times, in a house with a limit.
fn asking(origin: &str, method: &str, bytes: usize, limit: usize) -> House {
    let call = json!({"call": "http", "with": {"method": method, "endpoint": format!("{origin}/{bytes}")}});
    let tasks = json!([
        {"attempt": {"try": [{"ask": call}], "catch": {"retry": {"delay": "PT0.01S", "limit": {"attempt": {"count": 2}}}}}},
        {"keep": {"set": {"receipt": "${ .receipt }"}}},
    ]);
    let mut house = limited(&tasks, limit);
    let grant = json!({"workflow": "tests/large",
        "grant": {"http": [{"origin": origin}], "allow_addresses": ["127.0.0.1/32"]}});
    house.config.grants.push(serde_json::from_value(grant).unwrap());
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_value_goes_through_a_run_and_a_restart_unchanged() {
    let house = house(&json!([
        {"keep": {"set": {"all": "${ . }"}, "export": {"as": "${ {kept: .all.text} }"}}},
        {"wait": {"wait": "PT0.01S"}},
        {"give": {"set": {"text": "${ $context.kept }", "n": "${ .all.n }"}}},
    ]));
    let (value, large) = (text(2 * MIB), text(MIB));
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(named("large", "one", json!({"text": value, "n": 1}))).await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"text": value, "n": 1})));
    engine.run(named("large", "two", json!({"text": large, "n": 2}))).await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    // Each text is kept once, however many records hold it.
    assert_eq!(blobs(&house.data()), 2);
    std::fs::remove_dir_all(house.data().join("views")).unwrap();
    let engine = house.on_disk().await.unwrap();
    let again = end_of(&engine, "one").await.unwrap();
    assert_eq!(again.result, end.result, "what all the records say is what the run gave");
    assert_eq!(engine.result_of("two").await.unwrap(), json!({"text": large, "n": 2}));
    // The records are told whole.
    let records = engine.records_of("one").await.unwrap();
    assert!(records.iter().any(|r| r.header.kind.ends_with(".outlined.v1")), "nothing was large");
    let started = records.iter().find(|r| r.kind == "huiyin.run.started.v1").unwrap();
    let Payload::Open(bytes) = &started.payload else { panic!("redacted") };
    assert_eq!(serde_json::from_slice::<Value>(bytes).unwrap()["input"]["text"], json!(value));
    // Redacted, none of it can be had.
    engine.journal().destroy_key("host").unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    let journal = log::open(&house.data()).unwrap();
    let open = journal.read_all(0).unwrap().filter(|r| matches!(r.as_ref().unwrap().payload, Payload::Open(_)));
    assert_eq!(open.filter(|r| r.as_ref().unwrap().header.datakey == "host").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_gives_too_much_fails_and_its_error_can_be_caught() {
    let doubled = json!({"twice": {"set": {"text": "${ .text + .text }"}}});
    let house = limited(&json!([doubled]), 100_000);
    let engine = house.in_memory().await.unwrap();
    let error = fault(&engine.run(submission("large", json!({"text": text(60_000)}))).await.unwrap()).unwrap();
    assert_eq!((error.status, error.instance.as_str()), (413, "/do/0/twice"));
    assert_eq!(
        error.detail.as_deref(),
        Some(
            "the output takes 120011 bytes as JSON, a payload may take 100000; pass on less of it, or let an admin raise `limits.payloadBytes`"
        )
    );
    let fits = engine.run(submission("large", json!({"text": text(40_000)}))).await.unwrap();
    assert_eq!(fits.status, "completed");
    engine.stop().await.unwrap();

    let caught = json!([{"attempt": {"try": [doubled], "catch": {"errors": {"with": {"status": 413}}, "as": "e",
        "do": [{"say": {"set": {"caught": "${ $e.status }"}}}]}}}]);
    let engine = limited(&caught, 100_000).in_memory().await.unwrap();
    let end = engine.run(submission("large", json!({"text": text(60_000)}))).await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"caught": 413})));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_that_give_too_much_together_fail_together() {
    let branch = |name: &str| json!({name: {"set": {"text": "${ .text }"}}});
    let fork = json!([{"all": {"fork": {"branches": [branch("a"), branch("b"), branch("c")]}}}]);
    let engine = limited(&fork, 100_000).in_memory().await.unwrap();
    let error = fault(&engine.run(submission("large", json!({"text": text(40_000)}))).await.unwrap()).unwrap();
    assert_eq!((error.status, error.instance.as_str()), (413, "/do/0/all"));
    let fits = engine.run(submission("large", json!({"text": text(20_000)}))).await.unwrap();
    assert_eq!(fits.status, "completed");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_too_large_is_refused_with_its_size_and_place() {
    let engine = limited(&json!([{"a": {"set": {"n": 1}}}]), 10_000).in_memory().await.unwrap();
    let refused = |refusal: Refusal, at: &str, what: &str| match refusal {
        Refusal::Invalid { pointer, message } => {
            assert_eq!(pointer, at);
            assert!(message.starts_with(what) && message.contains("a payload may take 10000"), "{message}");
        }
        other => panic!("{other}"),
    };
    let large = json!({"text": text(20_000)});
    refused(
        engine.submit(submission("large", large.clone())).await.unwrap_err(),
        "/input",
        "the input takes 20011 bytes",
    );
    refused(engine.run(submission("large", large.clone())).await.unwrap_err(), "/input", "the input takes 20011 bytes");
    let event = json!({"specversion": "1.0", "id": "1", "source": "/t", "type": "t.t", "data": large});
    refused(engine.event(None, event).await.unwrap_err(), "/event", "the event takes");
    assert_eq!(engine.run(submission("large", json!({"text": text(5_000)}))).await.unwrap().status, "completed");
    engine.stop().await.unwrap();
}

async fn run(house: &House) -> (Engine, Arc<FinishedRun>) {
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(named("large", "asking", json!({}))).await.unwrap();
    (engine, end)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_whose_answer_is_too_large_stays_done_and_is_not_done_again() {
    let (origin, asked) = server().await;
    // Once above the limit of a payload, once above what a request may bring at all.
    for (bytes, limit, known) in [(200_000, 100_000, true), (40 * MIB, 16 * MIB, false)] {
        asked.store(0, Ordering::SeqCst);
        let house = asking(&origin, "post", bytes, limit);
        let (engine, end) = run(&house).await;
        let error = fault(&end).unwrap();
        assert_eq!((error.status, error.instance.as_str()), (413, "/do/0/attempt/try/0/ask"), "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "a retry must not do again what was done");
        let happened = error.happened.clone().unwrap();
        assert!(happened.bytes.unwrap() > limit as u64);
        if known {
            assert!(happened.head.starts_with("{\"receipt\":\"r-17\""), "{}", happened.head);
        }
        engine.stop().await.unwrap();
        drop(engine);
        // On record as done, with what was kept of it; and so it stays.
        let settled: Vec<_> = log::entries(&house.data())
            .unwrap()
            .into_iter()
            .filter_map(|entry| match entry {
                Entry::EffectSettled(settled) => Some(settled.outcome),
                _ => None,
            })
            .collect();
        assert_eq!(settled.len(), 1);
        assert_eq!(settled[0].as_ref().unwrap_err().happened, Some(happened));
        let engine = house.on_disk().await.unwrap();
        assert_eq!(fault(&end_of(&engine, "asking").await.unwrap()).unwrap(), error);
        engine.stop().await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_whose_answer_is_too_large_is_an_error_as_any_other() {
    let (origin, asked) = server().await;
    let house = asking(&origin, "get", 200_000, 100_000);
    let (engine, end) = run(&house).await;
    let error = fault(&end).unwrap();
    assert_eq!((error.status, error.happened.as_ref()), (413, None), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 3, "asking again does no harm");
    engine.stop().await.unwrap();
    asked.store(0, Ordering::SeqCst);
    let house = asking(&origin, "post", 50_000, 100_000);
    let (engine, end) = run(&house).await;
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"receipt": "r-17"})));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_over_a_hundred_thousand_items_and_a_fork_of_thousands_hold() {
    let count = json!([{"loop": {"for": {"each": "i", "in": "${ .items }"}, "while": "${ true }",
        "do": [{"same": {"set": {"n": "${ $i }"}}}]}}]);
    let house = house(&count);
    let items: Vec<u32> = (0..100_000).collect();
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(submission("large", json!({"items": items}))).await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"n": 99_999})));
    engine.stop().await.unwrap();
    let branches: Vec<Value> = (0..3_000).map(|n| json!({format!("b{n}"): {"set": {"n": n}}})).collect();
    let house = self::house(&json!([{"all": {"fork": {"branches": branches}}}]));
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(submission("large", json!({"text": text(MIB)}))).await.unwrap();
    assert_eq!((end.status.as_str(), end.result.as_array().map(Vec::len)), ("completed", Some(3_000)));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_holds_too_much_fails_by_itself_and_says_what_it_may() {
    // Each value is small enough; but ever more of them are at work at once.
    let deeper = |inner: Value, n: u32| {
        let from = format!("${{ {{text: .text, at: {n}}} }}");
        json!([{"deep": {"input": {"from": from}, "do": inner}}])
    };
    let held = (0..12).fold(json!([{"nap": {"wait": "PT0.01S"}}]), deeper);
    let tasks = json!([{"all": {"try": held, "catch": {"do": [{"on": {"set": {"caught": true}}}]}}}]);
    let mut house = limited(&tasks, 20_000);
    house.honest().unwrap();
    house.config.limits.state_bytes = Some(120_000);
    let engine = house.on_disk().await.unwrap();
    let error = fault(&engine.run(named("large", "grows", json!({"text": text(15_000)}))).await.unwrap()).unwrap();
    let detail = error.detail.clone().unwrap();
    assert!(error.status == 413 && detail.contains("as JSON, it may hold 120000"), "{detail}");
    assert!(detail.contains("`limits.stateBytes`") && detail.starts_with("the run holds 1"), "{detail}");
    assert!(error.instance.starts_with("/do/0/all/try/0/deep/do/0/deep"), "{}", error.instance);
    // Less of it passes, and so does another run.
    let end = engine.run(submission("large", json!({"text": text(5_000)}))).await.unwrap();
    assert_eq!(end.status, "completed", "{}", end.result);
    honest_runs(&engine, 1, 1, || true).await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    // With more room it goes on from there.
    house.config.limits.state_bytes = None;
    let engine = house.on_disk().await.unwrap();
    engine.retry("grows", "there is room now", "admin:test").await.unwrap();
    until("its other end", async || {
        let end = finished(&engine, "grows").await?;
        Ok(end.filter(|end| end.status == "completed"))
    })
    .await
    .unwrap();
    engine.stop().await.unwrap();
}
