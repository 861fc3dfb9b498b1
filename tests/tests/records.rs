//! What is written can be read: whatever a door lets in lies in a record that reads, and a folder
//! that holds what an earlier version let in opens.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use axum::http::Uri;
use huiyin_engine::Refusal;
use huiyin_engine::record::Entry;
use huiyin_journal::{Draft, Journal as _, Payload};
use huiyin_tests::house::{House, comes_to, end_of, fault, named, submission};
use huiyin_tests::log;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// The most levels of a value, as docs/reference/api.md has it.
const MOST: usize = 96;

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, level| if level % 2 == 0 { json!({"a": inner}) } else { json!([inner]) })
}

/// The same as text: a value that deep is none that every thread could write.
fn nested_text(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

/// Answers with a list that nests as deep as its path says.
async fn server() -> String {
    async fn answer(uri: Uri) -> axum::response::Response {
        use axum::response::IntoResponse as _;
        let levels: usize = uri.path().trim_start_matches('/').parse().unwrap();
        ([("content-type", "application/json")], nested_text(levels)).into_response()
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    origin
}

/// A house with a workflow for each door.
fn house(origin: &str) -> House {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    let one = |task: Value| json!({"do": [{"step": task}]});
    house.workflow("keep", &[], &one(json!({"set": {"kept": "${ .value }"}}))).unwrap();
    house.workflow("whole", &[], &one(json!({"set": "${ . }"}))).unwrap();
    let ask = json!({"call": "http", "with": {"method": "get", "endpoint": format!("{origin}/{{levels}}")}});
    house.workflow("ask", &[], &one(ask)).unwrap();
    // jq itself makes the depth: as many levels as asked for.
    let made = json!({"set": {"made": "${ reduce range(.levels - 1) as $n (1; [.]) }"}});
    house.workflow("make", &[], &one(made)).unwrap();
    // It fails with this input, and goes on with any other that a person gives it.
    let fails = json!({"set": "${ if . == {n: 1} then error(\"not yet\") else . end }"});
    house.workflow("again", &[], &one(fails)).unwrap();
    let on = json!({"schedule": {"on": {"one": {"with": {"type": "org.example.deep"}}}}});
    let mut heard = one(json!({"set": {"heard": "${ .[0].id }"}}));
    heard.as_object_mut().unwrap().extend(on.as_object().unwrap().clone());
    house.workflow("heard", &[], &heard).unwrap();
    let grant =
        json!({"workflow": "tests/ask", "grant": {"http": [{"origin": origin}], "allow_addresses": ["127.0.0.1/32"]}});
    house.config.grants.push(serde_json::from_value(grant).unwrap());
    house
}

fn event(id: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "/records", "type": "org.example.deep", "data": data})
}

/// Whether a value came in; else that it was refused for its depth.
fn taken<T>(outcome: Result<T, Refusal>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(Refusal::Invalid { message, .. }) => {
            assert!(message.contains("levels deep"), "{message}");
            false
        }
        Err(other) => panic!("{other}"),
    }
}

/// Whether a run completed; else that it faulted for its depth.
fn completed(run: &std::sync::Arc<huiyin_engine::state::FinishedRun>) -> bool {
    if run.status == "completed" {
        return true;
    }
    let error = fault(run).unwrap();
    assert!(error.detail.as_deref().is_some_and(|detail| detail.contains("levels deep")), "{error}");
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn host_01_no_door_lets_in_what_nests_too_deep_and_the_folder_opens_again() {
    let house = house(&server().await);
    let engine = house.on_disk().await.unwrap();
    for levels in [1, 90, 94, 95, 96, 97, 98, 110, 122, 123, 124, 125, 126, 127, 128, 200] {
        let fits = levels <= MOST;
        let is = |door: &str| format!("{door} with {levels} levels");
        let input = engine.run(named("whole", &format!("in-{levels}"), nested(levels))).await;
        assert_eq!(taken(input.as_ref().map_err(Clone::clone)), fits, "{}", is("an input"));
        if let Ok(run) = input {
            assert!(completed(&run), "{}", is("an input"));
        }
        // An event stands in a list where it is heard, and its data in the event.
        let heard = engine.event(None, event(&levels.to_string(), nested(levels))).await;
        assert_eq!(taken(heard), levels + 2 <= MOST, "{}", is("an event's data"));
        // What a request answers is a result, what jq makes an output.
        let run = engine.run(submission("ask", json!({"levels": levels}))).await.unwrap();
        let answered = run.status == "completed";
        assert_eq!(answered, fits, "{}: {}", is("an answer"), run.result);
        let run = engine.run(submission("make", json!({"levels": levels}))).await.unwrap();
        if levels < 120 {
            assert_eq!(completed(&run), fits, "{}", is("what jq makes"));
        } else {
            assert_eq!(run.status, "faulted", "{}", is("what jq makes"));
        }
        let id = format!("again-{levels}");
        let run = engine.run(named("again", &id, json!({"n": 1}))).await.unwrap();
        assert_eq!(run.status, "faulted");
        let reopened = engine.restart(&id, "/do/0/step", Some(nested(levels)), "mended", "admin:test").await;
        assert_eq!(taken(reopened), fits, "{}", is("a restart's input"));
        if fits {
            assert_eq!(end_of(&engine, &id).await.unwrap().status, "completed");
        }
    }
    engine.stop().await.unwrap();
    drop(engine);
    // Without its snapshots every record is read.
    std::fs::remove_dir_all(house.data().join("views")).unwrap();
    let engine = house.on_disk().await.unwrap();
    assert_eq!(engine.result_of("in-96").await.unwrap(), nested(96));
    engine.stop().await.unwrap();
    drop(engine);
    log::entries(&house.data()).unwrap();
}

/// Any value, shallow or deep, with whatever numbers, texts and names.
fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| json!(n)),
        any::<u64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        prop_oneof![Just(f64::MAX), Just(f64::MIN_POSITIVE), Just(5e-324), Just(-0.0), Just(1e16)]
            .prop_map(|n| json!(n)),
    ];
    let year = (-5_i32..12_000).prop_map(|year| match year {
        0..10_000 => json!(format!("{year:04}-01-01T00:00:00Z")),
        _ => json!(format!("{year:+07}-01-01T00:00:00Z")),
    });
    let text = prop_oneof![any::<String>(), "[\\[\\]{}\"\\\\,:]{0,12}", "\\PC{0,400}"];
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, year, text.prop_map(Value::from)];
    let name = prop_oneof![any::<String>(), Just("f".to_owned()), Just("__proto__".to_owned()), "[\"\\\\/~]{1,4}"];
    let wide = leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((name.clone(), inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    (wide, 0_usize..200, any::<u64>(), any::<bool>()).prop_map(|(inner, levels, shape, deep)| {
        let levels = if deep { levels } else { 0 };
        (0..levels).fold(inner, |inner, level| {
            let list = (shape >> (level % 64)) & 1 == 0;
            if list { json!([inner]) } else { json!({"a": inner, "n": level}) }
        })
    })
}

/// How many values: a few usually, all of them with `HUIYIN_RECORDS=10000`.
fn how_many() -> usize {
    std::env::var("HUIYIN_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(60)
}

#[tokio::test(flavor = "multi_thread")]
async fn host_01_whatever_a_door_lets_in_lies_in_a_record_that_reads() {
    let house = house(&server().await);
    let engine = house.on_disk().await.unwrap();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let (mut inputs, mut restarts, mut events) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut refused = 0;
    for n in 0..how_many() {
        let sent = value().new_tree(&mut runner).unwrap().current();
        let id = format!("r{n}");
        let run = match n % 3 {
            0 => engine.run(named("whole", &id, sent.clone())).await.map(drop).map(|()| inputs.insert(id, sent)),
            1 => {
                engine.run(named("again", &id, json!({"n": 1}))).await.unwrap();
                let reopened = engine.restart(&id, "/do/0/step", Some(sent.clone()), "mended", "admin:test").await;
                if reopened.is_ok() {
                    end_of(&engine, &id).await.unwrap();
                }
                reopened.map(|()| restarts.insert(id, sent))
            }
            _ => engine.event(None, event(&id, sent.clone())).await.map(|_| events.insert(id, sent)),
        };
        refused += usize::from(!taken(run));
    }
    assert!(refused > 0 && refused < how_many() / 2, "{refused} of {} were refused", how_many());
    engine.stop().await.unwrap();
    drop(engine);
    std::fs::remove_dir_all(house.data().join("views")).unwrap();
    let engine = house.on_disk().await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    // Every partition has them.
    let mut heard = BTreeSet::new();
    for entry in log::entries(&house.data()).unwrap() {
        match entry {
            Entry::RunStarted(started) if inputs.contains_key(&started.run) => {
                assert_eq!(Some(started.input), inputs.remove(&started.run));
            }
            Entry::RunReopened(reopened) => assert_eq!(reopened.input, restarts.remove(&reopened.run)),
            Entry::EventDelivered(delivered) => {
                let id = delivered.event["id"].as_str().unwrap();
                assert_eq!(Some(&delivered.event["data"]), events.get(id));
                heard.insert(id.to_owned());
            }
            _ => {}
        }
    }
    let left = (inputs.len(), restarts.len(), events.len() - heard.len());
    assert_eq!(left, (0, 0, 0), "not all that was acknowledged is on record");
}

/// Puts records into a log whose host is not running, as if an earlier version had.
async fn put(data: &Path, kind: &str, payload: String) -> u64 {
    let journal = log::open(data).unwrap();
    let draft = Draft {
        kind: kind.to_owned(),
        subject: "run/deep".to_owned(),
        time: jiff::Timestamp::now(),
        actor: "person:test".to_owned(),
        unit: None,
        causation: None,
        key: "host".to_owned(),
        payload: payload.into_bytes(),
    };
    journal.append(0, journal.last_seq(0), vec![draft]).await.unwrap().last_seq
}

#[tokio::test(flavor = "multi_thread")]
async fn host_01_a_folder_with_what_an_earlier_version_let_in_opens_and_its_runs_go_on() {
    let mut house = house("http://127.0.0.1:9");
    house.config.partitions = Some(1);
    let slow = json!([{"hold": {"wait": "PT0.2S"}}, {"step": {"set": {"kept": "${ .value }"}}}]);
    house.workflow("slow", &[], &json!({"do": slow})).unwrap();
    let engine = house.on_disk().await.unwrap();
    let input = json!({"value": {"n": 1}, "deep": "MARK"});
    engine.submit(named("slow", "first", input)).await.unwrap();
    comes_to(&engine, "first", "wait").await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    // The records of a run that waits, and of one that has not begun, with other values in them.
    let records: Vec<_> = log::open(&house.data()).unwrap().read_all(0).unwrap().map(Result::unwrap).collect();
    let of_run: Vec<(String, String)> = records
        .iter()
        .filter(|record| record.header.subject == "run/first")
        .map(|record| {
            let Payload::Open(payload) = &record.payload else { panic!("redacted") };
            (record.kind.clone(), String::from_utf8(payload.to_vec()).unwrap())
        })
        .collect();
    let deep = [123, 127, 128, 700];
    for levels in deep {
        for (kind, payload) in &of_run {
            let payload = payload.replace("\"MARK\"", &nested_text(levels));
            put(&house.data(), kind, payload.replace("\"first\"", &format!("\"waits-{levels}\""))).await;
        }
        let Some((kind, payload)) = of_run.first() else { panic!("no record") };
        let mut started: Value = serde_json::from_str(payload).unwrap();
        started.as_object_mut().unwrap().remove("turn");
        let payload = started.to_string().replace("\"MARK\"", &nested_text(levels));
        put(&house.data(), kind, payload.replace("\"first\"", &format!("\"new-{levels}\""))).await;
    }
    let engine = house.on_disk().await.unwrap();
    for levels in deep {
        let run = end_of(&engine, &format!("waits-{levels}")).await.unwrap();
        assert_eq!((&*run.status, &run.result), ("completed", &json!({"kept": {"n": 1}})), "{levels}");
        let run = end_of(&engine, &format!("new-{levels}")).await.unwrap();
        assert!(!completed(&run), "{levels}");
    }
    engine.stop().await.unwrap();
    drop(engine);
    // From its snapshot, and once more from its records.
    let engine = house.on_disk().await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    std::fs::remove_dir_all(house.data().join("views")).unwrap();
    let engine = house.on_disk().await.unwrap();
    assert_eq!(engine.result_of("waits-700").await.unwrap(), json!({"kept": {"n": 1}}));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn host_01_verify_names_a_record_that_does_not_read() {
    let house = house("http://127.0.0.1:9");
    let engine = house.on_disk().await.unwrap();
    engine.run(named("keep", "first", json!({"value": 1}))).await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    let verify = || {
        let done = Command::new(env!("CARGO_BIN_EXE_huiyin-faulty"))
            .args(["--output", "json", "audit", "verify", "--data"])
            .arg(house.data())
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        (done.status.code().unwrap(), report)
    };
    assert_eq!(verify().0, 0, "{}", verify().1);
    for (kind, payload, reason) in [
        ("huiyin.run.turn.v1", r#"{"run":"first","facts":[{"f":"nonsense"}]}"#, "nonsense"),
        ("huiyin.run.tern.v1", r#"{"run":"first"}"#, "does not know"),
        ("huiyin.run.turn.v1", r#"{"run":"nobody","facts":[]}"#, "does not follow"),
    ] {
        let copy = tempfile::tempdir().unwrap();
        huiyin_tests::house::copy(&house.data(), copy.path()).unwrap();
        let seq = put(&house.data(), kind, payload.to_owned()).await;
        let (code, report) = verify();
        assert_eq!((code, &report["whole"]), (1, &json!(false)), "{report}");
        let found = &report["unreadable"][0];
        assert_eq!((&found["record"], &found["type"]), (&json!(format!("0/{seq}")), &json!(kind)), "{report}");
        assert_eq!((&found["partition"], &found["seq"]), (&json!(0), &json!(seq)));
        assert!(found["offset"].as_u64().unwrap() >= 64, "{found}");
        assert!(Path::new(found["file"].as_str().unwrap()).is_file(), "{found}");
        assert!(found["reason"].as_str().unwrap().contains(reason), "{found}");
        assert_eq!(report["unreadable"].as_array().unwrap().len(), 1, "{report}");
        std::fs::remove_dir_all(house.data()).unwrap();
        huiyin_tests::house::copy(copy.path(), &house.data()).unwrap();
    }
}
