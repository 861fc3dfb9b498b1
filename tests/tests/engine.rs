//! What a host keeps and what it does when it comes back: runs, events,
//! schedules, effects, the floor, snapshots; real plugins, real files.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use huiyin_engine::record::{Entry, ScheduleFired};
use huiyin_engine::start::VIEWS_SCHEMA;
use huiyin_engine::{Engine, Refusal, Submission};
use huiyin_journal::Journal as _;
use huiyin_tests::guests::{self, Does};
use huiyin_tests::house::{House, SetClock, comes_to, copy, end_of, ended, finished, named, submission, until};
use huiyin_tests::log::{self, account, entries};
use jiff::SignedDuration;
use serde_json::{Value, json};

const UNIT: &str = huiyin_tests::bureau::UNIT;

/// Everything all partitions know, as JSON.
async fn everything(engine: &Engine) -> Vec<Value> {
    engine.look_all(|state, _| serde_json::to_value(state).unwrap()).await.unwrap()
}

/// The runs that are neither finished nor set aside.
async fn running(engine: &Engine) -> usize {
    engine.look_all(|state, _| state.runs.len()).await.unwrap().into_iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_run_outlives_its_host() {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    let add = json!({"call": "tally:0.1.0@default", "with": {"numbers": ["${ .n }", 1]}});
    house.workflow("sleeper", &[], &json!({"do": [{"sleep": {"wait": "PT2S"}}, {"add": add}]})).unwrap();
    house.honest().unwrap();
    let first = house.on_disk().await.unwrap();
    let run = first.submit(submission("sleeper", json!({"n": 1}))).await.unwrap();
    let done = first.run(named("honest", "before", json!({"n": 5}))).await.unwrap();
    first.stop().await.unwrap();
    drop(first);

    let second = house.on_disk().await.unwrap();
    let end = end_of(&second, &run).await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"count": 2, "sum": 2})));
    assert!(end.ended.duration_since(end.started) >= SignedDuration::from_secs(2), "{} to {}", end.started, end.ended);
    // What had ended before is known as it was.
    let known = finished(&second, "before").await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(known).unwrap(), serde_json::to_value(done).unwrap());
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_end_is_awaited_is_started_once_and_with_its_first_turn() {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.honest().unwrap();
    let engine = house.on_disk().await.unwrap();
    // Turns are taken ahead once one is known to be quick.
    engine.run(submission("honest", json!({"n": 1}))).await.unwrap();
    // The same id many times at once: each of them takes a first turn ahead, one has its place.
    let asked = (0..16).map(|_| engine.run(named("honest", "twin", json!({"n": 7}))));
    for end in futures::future::join_all(asked).await {
        let end = end.unwrap();
        assert_eq!((end.status.as_str(), end.result.get("sum")), ("completed", Some(&json!(10))));
    }
    let records = engine.records_of("twin").await.unwrap();
    assert_eq!(log::said(&records), ["huiyin.run.started.v1", "huiyin.run.turn.v1"]);
    let seqs: Vec<u64> = records.iter().map(|record| record.header.seq).collect();
    assert!(
        seqs.iter().zip(seqs.iter().skip(1)).all(|(one, next)| one + 1 == *next),
        "start and first turn lie together"
    );
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_wait_do_not_keep_brief_ones_from_the_thread_that_asks() {
    let mut house = House::with(&["jq"]).unwrap();
    house.workflow("sleeper", &[], &json!({"do": [{"sleep": {"wait": "PT6H"}}]})).unwrap();
    house.workflow("brief", &[], &json!({"do": [{"say": {"set": {"said": "${ .n }"}}}]})).unwrap();
    let engine = Arc::new(house.on_disk().await.unwrap());
    // More of them than may be under way, at least some with their turn taken by who asked.
    let before = engine.taken_here();
    let mut asleep = Vec::new();
    for n in 0..200 {
        let (engine, id) = (Arc::clone(&engine), format!("asleep-{n}"));
        let run = tokio::spawn({
            let (engine, id) = (Arc::clone(&engine), id.clone());
            async move { engine.run(named("sleeper", &id, json!({}))).await }
        });
        comes_to(&engine, &id, "wait").await.unwrap();
        asleep.push(run);
    }
    assert!(engine.taken_here() - before > 32, "{} of 200", engine.taken_here() - before);
    let before = engine.taken_here();
    for n in 0..100 {
        let end = engine.run(submission("brief", json!({"n": n}))).await.unwrap();
        assert_eq!(end.result, json!({"said": n}));
    }
    assert!(engine.taken_here() > before);
    for run in asleep {
        run.abort();
    }
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_came_due_while_the_host_was_down_fires_at_once() {
    let mut house = House::with(&["jq"]).unwrap();
    house
        .workflow("sleeper", &[], &json!({"do": [{"sleep": {"wait": "PT6H"}}, {"say": {"set": {"woke": true}}}]}))
        .unwrap();
    let clock = SetClock::now_standing();
    house.clock = Some(clock.clone());
    let first = house.on_disk().await.unwrap();
    let run = first.submit(submission("sleeper", json!({}))).await.unwrap();
    comes_to(&first, &run, "wait").await.unwrap();
    clock.forward(SignedDuration::from_hours(5));
    first.stop().await.unwrap();
    drop(first);

    let second = house.on_disk().await.unwrap();
    assert!(finished(&second, &run).await.unwrap().is_none(), "it woke an hour early");
    second.stop().await.unwrap();
    drop(second);

    clock.forward(SignedDuration::from_hours(9));
    let third = house.on_disk().await.unwrap();
    assert_eq!(end_of(&third, &run).await.unwrap().result, json!({"woke": true}));
    third.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listening_run_outlives_its_host_and_hears() {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    let hear = json!({"listen": {"to": {"one": {"with": {"type": "org.example.rang.v1", "subject": "the bell"}}}}});
    house
        .workflow(
            "ear",
            &[UNIT],
            &json!({"do": [{"hear": hear}, {"say": {"set": {"heard": "${ .[0].data // .[0] }"}}}]}),
        )
        .unwrap();
    let first = house.on_disk().await.unwrap();
    let mut asked = named("ear", "the-ear", json!({}));
    asked.unit = Some(UNIT.to_owned());
    first.submit(asked).await.unwrap();
    comes_to(&first, "the-ear", "listen").await.unwrap();
    let ring = |subject: &str, data: &str| json!({"specversion": "1.0", "id": format!("e-{data}"), "source": "/test", "type": "org.example.rang.v1", "subject": subject, "data": {"said": data}});
    first.stop().await.unwrap();
    drop(first);

    let second = house.on_disk().await.unwrap();
    assert_eq!(running(&second).await, 1);
    assert_eq!(
        second.event(Some("cuihu"), ring("the bell", "elsewhere")).await.unwrap().runs,
        0,
        "another unit's event"
    );
    assert_eq!(second.event(Some(UNIT), ring("the phone", "wrong")).await.unwrap().runs, 0, "another subject");
    assert_eq!(second.event(Some(UNIT), ring("the bell", "ding")).await.unwrap().runs, 1);
    let end = end_of(&second, "the-ear").await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({"heard": {"said": "ding"}})));
    assert_eq!(second.event(Some(UNIT), ring("the bell", "late")).await.unwrap().runs, 0, "it has ended");
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_asked_twice_starts_one_run() {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.honest().unwrap();
    house.workflow("sleeper", &[], &json!({"do": [{"sleep": {"wait": "PT1S"}}]})).unwrap();
    let engine = house.on_disk().await.unwrap();
    for n in 0..20 {
        let id = format!("chosen-{n}");
        let workflow = if n % 2 == 0 { "honest" } else { "sleeper" };
        let ask = || engine.run(named(workflow, &id, json!({"n": n})));
        let (one, other, accepted) = futures::join!(ask(), ask(), engine.submit(named(workflow, &id, json!({"n": n}))));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(serde_json::to_value(&one).unwrap(), serde_json::to_value(&other).unwrap());
        assert_eq!(accepted.unwrap(), id);
        // And long after the first answer stands; another input is not the same.
        assert_eq!(ask().await.unwrap().result, one.result);
        let other = engine.run(named(workflow, &id, json!({"n": 1_000}))).await.unwrap_err();
        assert!(other.to_string().contains("that of another run"), "{other}");
    }
    engine.stop().await.unwrap();
    drop(engine);
    let again = house.on_disk().await.unwrap();
    let known = again.run(named("honest", "chosen-4", json!({"n": 4}))).await.unwrap();
    assert_eq!(known.result["sum"], 7, "after a restart the first answer still stands");
    again.stop().await.unwrap();
    drop(again);
    let runs = account(&house.data()).unwrap().runs;
    assert_eq!(runs.len(), 20);
    assert!(runs.values().all(|times| *times == 1), "{runs:?}");
}

/// Lets `file` write into a spool folder; gives the folder.
fn spool(house: &mut House, plugin: &str) -> std::path::PathBuf {
    let folder = house.folder.path().join("outbox");
    std::fs::create_dir_all(&folder).unwrap();
    let grant = json!({"plugin": plugin, "grant": {"spool": folder}});
    house.config.grants.push(serde_json::from_value(grant).unwrap());
    folder
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_is_done_once() {
    let mut house = House::with(&["jq", "file"]).unwrap();
    let outbox = spool(&mut house, "file");
    let message = json!({"subject": "${ .s }", "text": "t", "recipients": ["r"], "attachments": []});
    house.workflow("tell", &[], &json!({"do": [{"tell": {"call": "file:0.1.0@default", "with": message}}]})).unwrap();
    let engine = house.on_disk().await.unwrap();
    for n in 0..5 {
        let end = engine.run(named("tell", &format!("tell-{n}"), json!({"s": n.to_string()}))).await.unwrap();
        assert_eq!(end.status, "completed", "{}", end.result);
        let file = outbox.join(end.result["id"].as_str().unwrap());
        assert!(std::fs::read_to_string(&file).unwrap().contains(&n.to_string()), "{}", file.display());
    }
    engine.stop().await.unwrap();
    drop(engine);
    let again = house.on_disk().await.unwrap();
    again.run(named("tell", "tell-0", json!({"s": "0"}))).await.unwrap();
    again.run(named("tell", "tell-0", json!({"s": "again"}))).await.unwrap_err();
    again.stop().await.unwrap();
    drop(again);
    assert_eq!(files(&outbox), 5);
    let effects = account(&house.data()).unwrap().effects;
    assert_eq!(effects.len(), 5);
    assert!(effects.values().all(|tries| *tries == 1), "{effects:?}");
}

/// A host is cut off in the midst of an effect: it is stopped by nobody, and
/// another comes up on what its disk held. Gives that other one.
async fn cut_off_in_the_midst(idempotent: bool) -> (House, Engine, Engine) {
    let mut house = House::with(&["jq"]).unwrap();
    house.plugins.push(guests::step("slow-hand", &Does::WritesThenHangs { idempotent }).unwrap());
    let outbox = spool(&mut house, "slow-hand");
    house.workflow("act", &[], &json!({"do": [{"act": {"call": "slow-hand:0.1.0@default", "with": {}}}]})).unwrap();
    house.limits = Some(huiyin_sandbox::Limits { wall_ms: 120_000, ..Default::default() });
    let first = house.on_disk().await.unwrap();
    first.submit(named("act", "the-act", json!({}))).await.unwrap();
    until("the effect in the midst", async || Ok((files(&outbox) == 1).then_some(()))).await.unwrap();
    let left = house.folder.path().join("left");
    copy(&house.data(), &left).unwrap();
    let second = house.on_disk_at(&left).await.unwrap();
    assert_eq!(files(&outbox), 1);
    (house, first, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotent_effect_of_unknown_outcome_is_tried_again() {
    let (house, _first, second) = cut_off_in_the_midst(true).await;
    let end = end_of(&second, "the-act").await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!({})));
    second.stop().await.unwrap();
    drop(second);
    let effects = account(&house.folder.path().join("left")).unwrap().effects;
    assert_eq!(effects.into_values().collect::<Vec<_>>(), [2], "one key, two tries");
    assert_eq!(files(&house.folder.path().join("outbox")), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_of_unknown_outcome_that_may_do_harm_waits_for_a_person() {
    let (house, _first, second) = cut_off_in_the_midst(false).await;
    let why = until("the unknown outcome", async || {
        let found = second
            .look_all(|state, _| {
                state.runs.get("the-act").and_then(|r| r.effects.values().find_map(|e| e.unknown.clone()))
            })
            .await;
        Ok(found.map_err(|e| e.to_string())?.into_iter().flatten().next())
    });
    assert_eq!(why.await.unwrap(), "the host stopped while it was being tried");
    second.stop().await.unwrap();
    drop(second);
    // Nor does the next start try it.
    let left = house.folder.path().join("left");
    let third = house.on_disk_at(&left).await.unwrap();
    assert_eq!(running(&third).await, 1);
    third.stop().await.unwrap();
    drop(third);
    let effects = account(&left).unwrap().effects;
    assert_eq!(effects.into_values().collect::<Vec<_>>(), [1]);
    let unknown = entries(&left).unwrap().into_iter().filter(|e| matches!(e, Entry::EffectUnknown(_))).count();
    assert_eq!(unknown, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_fires_on_time_and_once_for_all_that_was_missed() {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    house
        .workflow(
            "hourly",
            &[UNIT],
            &json!({"schedule": {"every": {"hours": 1}}, "do": [{"say": {"set": {"tick": true}}}]}),
        )
        .unwrap();
    let clock = SetClock::now_standing();
    house.clock = Some(clock.clone());
    let fired =
        async |engine: &Engine| engine.look_all(|s, _| s.finished.len()).await.unwrap().into_iter().sum::<usize>();

    let began = huiyin_engine::shell::Clock::now(&*clock);
    let first = house.on_disk().await.unwrap();
    clock.forward(SignedDuration::from_mins(59));
    assert_eq!(fired(&first).await, 0, "not yet due");
    clock.forward(SignedDuration::from_mins(2));
    until("the first hour", async || Ok((fired(&first).await == 1).then_some(()))).await.unwrap();
    first.stop().await.unwrap();
    drop(first);

    clock.forward(SignedDuration::from_hours(5));
    let second = house.on_disk().await.unwrap();
    until("what was missed", async || Ok((fired(&second).await == 2).then_some(()))).await.unwrap();
    clock.forward(SignedDuration::from_hours(1));
    until("the hour after", async || Ok((fired(&second).await == 3).then_some(()))).await.unwrap();
    second.stop().await.unwrap();
    drop(second);

    let fires: Vec<ScheduleFired> = entries(&house.data())
        .unwrap()
        .into_iter()
        .filter_map(|e| if let Entry::ScheduleFired(fire) = e { Some(fire) } else { None })
        .collect();
    let told: Vec<_> = fires.iter().map(|f| (f.due.duration_since(began).as_hours(), f.missed)).collect();
    assert_eq!(told, [(1, 0), (6, 4), (7, 0)], "when each was due, in hours, and how many it stands for besides");
}

/// A host over a forum on loopback, with workflows of the test's own.
fn watching(bureau: &huiyin_tests::bureau::Bureau, tasks: &Value) -> House {
    let mut house = House::with(&["jq", "json-api", "risk-level"]).unwrap();
    let file = bureau.configure(house.folder.path()).unwrap();
    house.config = huiyin_engine::config::read(&file).unwrap();
    house.config.workflows.clear();
    house.config.bindings.clear();
    house
        .workflow(
            "own",
            &["*"],
            &json!({"schedule": {"on": {"one": {"with": {"type": "huiyin.item.received.v1"}}}}, "do": tasks}),
        )
        .unwrap();
    house
}

/// Posts a grave matter beside a trifle, and gives the host's cases as JSON
/// once the unit's own workflow has ended for both.
fn cases_of_a_grave_post(tasks: &Value) -> Vec<Value> {
    let bureau = huiyin_tests::bureau::Bureau::open().unwrap();
    bureau.post("青枫县老鹰岩突发山火,浓烟滚滚火势蔓延,村民转移", SignedDuration::from_mins(5), 2_380_000);
    bureau.post("周末去森林公园散步,天气很好", SignedDuration::from_mins(5), 10);
    let house = watching(&bureau, tasks);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let engine = house.on_disk().await.unwrap();
        let runs = until("both runs of the unit's workflow", async || {
            let ended = ended(&engine).await?;
            Ok((ended.len() == 2).then_some(ended))
        });
        for run in runs.await.unwrap() {
            assert_eq!(run.status, "completed", "{}", run.result);
        }
        let cases = engine
            .look_all(|s, _| s.desk.cases().map(|c| serde_json::to_value(c).unwrap()).collect::<Vec<_>>())
            .await
            .unwrap();
        engine.stop().await.unwrap();
        cases.into_iter().flatten().collect()
    })
}

#[test]
fn the_floor_opens_a_case_whatever_the_units_workflow_does() {
    let cases = cases_of_a_grave_post(&json!([{"nothing": {"set": {"seen": true}}}]));
    assert_eq!(cases.len(), 1, "{cases:?}");
    let case = &cases[0];
    assert_eq!(case["unit"], UNIT);
    assert!(case["level"] == "I" || case["level"] == "II", "{}", case["level"]);
    assert!(case["because"].to_string().contains("floor"), "{}", case["because"]);
    assert!(case["clocks"].as_array().is_some_and(|clocks| !clocks.is_empty()), "no clock runs: {case}");
}

#[test]
fn a_lower_classifier_does_not_lower_what_the_floor_says() {
    let remember = json!({"remember": {"set": {"id": "${ .[0].data.item_id }"}}});
    let lower = json!({"lower": {"call": "record-assessment:1.0.0@default", "with": {
        "item": "${ .id }", "verdict": {"level": "IV", "score": 0.1, "reasons": ["nothing to see"]}, "classifier": "lenient:1.0.0"
    }}});
    let floor = cases_of_a_grave_post(&json!([{"nothing": {"set": {"seen": true}}}]));
    let cases = cases_of_a_grave_post(&json!([remember, lower]));
    assert_eq!(cases.len(), 1, "{cases:?}");
    assert_eq!(cases[0]["level"], floor[0]["level"]);
    // What it said is kept all the same.
    assert!(cases[0].to_string().contains("nothing to see"), "{}", cases[0]);
}

/// A host with something of everything in its state, stopped; and what it knew.
async fn lived(house: &mut House) -> Vec<Value> {
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    house.honest().unwrap();
    house.workflow("sleeper", &[], &json!({"do": [{"sleep": {"wait": "PT6H"}}]})).unwrap();
    let hear = json!({"listen": {"to": {"one": {"with": {"type": "org.example.rang.v1"}}}}});
    house.workflow("ear", &[UNIT], &json!({"do": [{"hear": hear}]})).unwrap();
    house.clock = Some(SetClock::now_standing());
    let engine = house.on_disk().await.unwrap();
    for n in 0..30 {
        engine.run(named("honest", &format!("run-{n}"), json!({"n": n}))).await.unwrap();
    }
    for n in 0..4 {
        engine.submit(named("sleeper", &format!("sleeper-{n}"), json!({}))).await.unwrap();
    }
    let mut ear = named("ear", "the-ear", json!({}));
    ear.unit = Some(UNIT.to_owned());
    engine.submit(ear).await.unwrap();
    until("their first turns", async || {
        let waiting =
            engine.look_all(|s, _| s.runs.values().all(|r| r.input.is_none())).await.map_err(|e| e.to_string())?;
        Ok(waiting.into_iter().all(|yes| yes).then_some(()))
    })
    .await
    .unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    // The record of the snapshot itself comes after what was looked at.
    let engine = house.on_disk().await.unwrap();
    let known = everything(&engine).await;
    engine.stop().await.unwrap();
    known
}

/// Every file below a folder.
fn all_files(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all_files(&path, into) } else { into.push(path) }
    }
}

/// Every field but the record's number, which each start and stop may move on.
fn but_seq(mut all: Vec<Value>) -> Vec<Value> {
    for state in &mut all {
        state.as_object_mut().unwrap().shift_remove("seq");
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_views_can_be_lost() {
    let mut house = House::with(&["jq", "tally", "risk-level"]).unwrap();
    let known = but_seq(lived(&mut house).await);
    assert_eq!(known.iter().map(|s| s["finished"].as_array().unwrap().len()).sum::<usize>(), 30);
    assert_eq!(known.iter().map(|s| s["runs"].as_object().unwrap().len()).sum::<usize>(), 5);

    let intact = house.on_disk().await.unwrap();
    assert_eq!(but_seq(everything(&intact).await), known, "with the views as they were");
    intact.stop().await.unwrap();
    drop(intact);

    std::fs::remove_dir_all(house.data().join("views")).unwrap();
    let without = house.on_disk().await.unwrap();
    assert_eq!(but_seq(everything(&without).await), known, "without the views");
    without.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_views_can_be_spoilt() {
    let mut house = House::with(&["jq", "tally", "risk-level"]).unwrap();
    let known = but_seq(lived(&mut house).await);
    let mut views = Vec::new();
    all_files(&house.data().join("views"), &mut views);
    assert!(!views.is_empty());
    for (n, step) in [1, 7, 101, 1_009].into_iter().enumerate() {
        let spoilt = house.folder.path().join(format!("spoilt-{n}"));
        copy(&house.data(), &spoilt).unwrap();
        let mut files = Vec::new();
        all_files(&spoilt.join("views"), &mut files);
        for file in files {
            let mut bytes = std::fs::read(&file).unwrap();
            for byte in bytes.iter_mut().step_by(step) {
                *byte ^= 0x55;
            }
            std::fs::write(&file, bytes).unwrap();
        }
        let engine = house.on_disk_at(&spoilt).await.unwrap();
        assert_eq!(but_seq(everything(&engine).await), known, "every {step}th byte of the views flipped");
        engine.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_with_one_mistake_changes_nothing() {
    let mut house = House::with(&["jq", "tally", "risk-level", "json-api"]).unwrap();
    house.honest().unwrap();
    house.on_disk().await.unwrap().stop().await.unwrap();
    let before = log::open(&house.data()).unwrap().size();
    assert!(before > 0);
    let good = house.config.clone();

    // Each is asked for together with things that are right and new.
    let policy = huiyin_tests::project("workflows/policy/linhai.json");
    let spoilt = house.folder.path().join("policy.json");
    std::fs::write(&spoilt, std::fs::read_to_string(&policy).unwrap().replace("\"clocks\"", "\"clogs\"")).unwrap();
    let twice = source(UNIT, "PT1M");
    // What is wrong, what is said of it, how it is made wrong.
    let mistakes: Vec<(&str, &str, Mistake)> = vec![
        (
            "a task that is none",
            "bad.json:1:",
            Box::new(|h| h.workflow("bad", &[], &json!({"do": [{"x": {"sett": {}}}]})).unwrap()),
        ),
        (
            "an expression that is none",
            "bad.json:1:",
            Box::new(|h| h.workflow("bad", &[], &json!({"do": [{"x": {"set": {"y": "${ . + }"}}}]})).unwrap()),
        ),
        (
            "a plugin that is not there",
            "nobody",
            Box::new(|h| h.workflow("bad", &[], &json!({"do": [{"x": {"call": "nobody:1.0.0@default"}}]})).unwrap()),
        ),
        (
            "a unit that is none",
            "no unit nowhere",
            Box::new(|h| h.workflow("bad", &["nowhere"], &json!({"do": [{"x": {"set": {"y": 1}}}]})).unwrap()),
        ),
        (
            "a name that is taken",
            "`tests/new` is configured twice",
            Box::new(|h| h.workflow("new", &["*"], &json!({"do": [{"x": {"set": {"y": 1}}}]})).unwrap()),
        ),
        ("a workflow that is not there", "gone.json", Box::new(|h| h.config.workflows[0].file = "gone.json".into())),
        ("a policy that is not there", "gone.json", Box::new(|h| h.config.policy = Some("gone.json".into()))),
        ("a policy that is none", "policy.json:", Box::new(move |h| h.config.policy = Some(spoilt.clone()))),
        ("a component that is not there", "gone.wasm", Box::new(|h| h.config.plugins.push("gone.wasm".into()))),
        ("a component that is none", "not valid", Box::new(|h| h.plugins.push(b"\0asm, it is not".to_vec()))),
        (
            "a secret that is not there",
            "/secrets/s",
            Box::new(|h| drop(h.config.secrets.insert("s".to_owned(), from(json!({"file": "gone"}))))),
        ),
        (
            "a slot that is none",
            "no slot `nothing`",
            Box::new(|h| {
                h.config
                    .bindings
                    .push(from(json!({"unit": "*", "workflow": "honest", "slot": "nothing", "config": {}})));
            }),
        ),
        (
            "a source's unit that is none",
            "/sources/0",
            Box::new(|h| h.config.sources.push(from(source("nowhere", "PT1M")))),
        ),
        (
            "a duration that is none",
            "/sources/0: schedule",
            Box::new(|h| h.config.sources.push(from(source(UNIT, "soon")))),
        ),
        (
            "a source's name that is taken",
            "/sources/1",
            Box::new(move |h| h.config.sources.extend([from(twice.clone()), from(twice.clone())])),
        ),
        (
            "a grant that is too wide",
            "/grants/0",
            Box::new(|h| h.config.grants.push(from(json!({"plugin": "tally", "grant": {"spool": "../../elsewhere"}})))),
        ),
    ];
    for (what, said, spoil) in mistakes {
        house.config = good.clone();
        let plugins = house.plugins.clone();
        house.config.policy = Some(policy.clone());
        house.workflow("new", &[UNIT], &json!({"do": [{"x": {"set": {"new": true}}}]})).unwrap();
        spoil(&mut house);
        let Err(refused) = house.on_disk().await else { panic!("{what} was accepted") };
        assert!(refused.contains(said), "{what}: {refused}");
        assert_eq!(log::open(&house.data()).unwrap().size(), before, "{what}: {refused}");
        house.plugins = plugins;
    }

    // And the same without a mistake comes into force.
    house.config = good;
    house.config.policy = Some(policy);
    house.workflow("new", &[UNIT], &json!({"do": [{"x": {"set": {"new": true}}}]})).unwrap();
    let engine = house.on_disk().await.unwrap();
    assert!(engine.workflows().iter().any(|w| w.name == "tests/new"));
    engine.stop().await.unwrap();
    drop(engine);
    assert!(log::open(&house.data()).unwrap().size() > before);
}

fn source(unit: &str, every: &str) -> Value {
    json!({"name": "s", "unit": unit, "collector": "json-api:0.1.0", "config": {}, "schedule": {"every": every}})
}

fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A floor that would leave every item without a verdict is met at the start, with its place in the file.
#[tokio::test(flavor = "multi_thread")]
async fn host_06_a_floor_that_cannot_work_is_refused_at_start() {
    let mut house = House::with(&["jq", "risk-level", "keyword", "tally"]).unwrap();
    house.plugins.push(guests::guest(huiyin_sandbox::Kind::Classifier, "mute", "1.0.0", &Does::Traps).unwrap());
    let sample = huiyin_tests::project("workflows/policy/linhai.json");
    let sample: Value = serde_json::from_str(&std::fs::read_to_string(sample).unwrap()).unwrap();
    let file = house.folder.path().join("policy.json");
    house.config.policy = Some("policy.json".into());
    for (classifier, config, says) in [
        ("risk-level:0.1.0", json!({"thresholds": {}}), "(at /floor/config"),
        ("risk-level:0.1.0", json!({"levels": {"I": "much"}}), "(at /floor/config/levels/I)"),
        // Fits the schema; the classifier itself refuses it.
        ("risk-level:0.1.0", json!({"levels": {"I": 0.1}}), "the lines must fall"),
        ("mute:1.0.0", json!({}), "could not judge an item"),
        ("tally:0.1.0", json!({}), "is a step, not a classifier"),
    ] {
        let mut pack = sample.clone();
        let (name, version) = classifier.split_once(':').unwrap();
        pack["floor"]["classifier"] = json!({"name": name, "version": version});
        pack["floor"]["config"] = config.clone();
        std::fs::write(&file, serde_json::to_string_pretty(&pack).unwrap()).unwrap();
        let Err(refused) = house.on_disk().await else { panic!("{classifier} {config} was accepted") };
        assert!(refused.contains(says) && refused.contains("policy.json:"), "{classifier} {config}: {refused}");
    }
    std::fs::write(&file, sample.to_string()).unwrap();
    house.on_disk().await.unwrap().stop().await.unwrap();
    // The same version with other content, on the same folder.
    let mut pack = sample;
    pack["floor"]["opens_at"] = json!("III");
    std::fs::write(&file, serde_json::to_string_pretty(&pack).unwrap()).unwrap();
    let Err(refused) = house.on_disk().await else { panic!("other content under the same version was accepted") };
    assert!(refused.contains("(at /version)") && refused.contains("policy.json:"), "{refused}");
    pack["version"] = json!("9.0.0");
    std::fs::write(&file, pack.to_string()).unwrap();
    house.on_disk().await.unwrap().stop().await.unwrap();
}

/// What the plugin's own schema refuses is refused where it stands.
#[tokio::test(flavor = "multi_thread")]
async fn desk_07_a_configuration_that_the_schema_refuses_is_refused_at_start() {
    let good = {
        let mut house = House::with(&["jq", "risk-level", "json-api"]).unwrap();
        house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
        house.workflow("judge", &[UNIT], &judging(json!({"items": []}))).unwrap();
        house
    };
    let mut house = good;
    let binding = |config: Value| json!({"unit": UNIT, "workflow": "judge", "slot": "classify", "config": config});
    house.config.bindings.push(from(binding(json!({"levels": {"I": 0.9}}))));
    house.in_memory().await.unwrap().stop().await.unwrap();
    house.config.bindings.push(from(binding(json!({"weights": {"content": "much"}}))));
    house.config.sources.push(from(source(UNIT, "PT1H")));
    house.config.sources.push(from(json!({
        "name": "t", "unit": UNIT, "collector": "json-api:0.1.0", "config": {"url": 7}, "schedule": {"every": "PT1H"}
    })));
    let refused = house.in_memory().await.err().unwrap();
    assert!(refused.contains("/sources/0/config: ") && refused.contains("/sources/1/config/url: "), "{refused}");
    house.config.sources.clear();
    let refused = house.in_memory().await.err().unwrap();
    assert!(refused.contains("/bindings/1/config/weights/content: "), "{refused}");
    house.config.bindings.clear();
    house.config.workflows.clear();
    house.workflow("judge", &[UNIT], &judging(json!({"items": [], "config": {"wieghts": {}}}))).unwrap();
    let refused = house.in_memory().await.err().unwrap();
    assert!(refused.contains("judge.json:1:") && refused.contains("/do/0/judge/with/config"), "{refused}");
}

/// A workflow whose slot `classify` is `risk-level`, called with these arguments.
fn judging(with: Value) -> Value {
    let slot = json!({"call": "risk-level:0.1.0@default", "metadata": {"kind": "classifier"}});
    json!({"use": {"functions": {"classify": slot}}, "do": [{"judge": {"call": "classify", "with": with}}]})
}

/// Makes a good configuration a bad one.
type Mistake = Box<dyn Fn(&mut House)>;

#[tokio::test(flavor = "multi_thread")]
async fn a_running_run_keeps_the_workflow_it_began_with() {
    let mut house = House::with(&["jq"]).unwrap();
    let clock = SetClock::now_standing();
    house.clock = Some(clock.clone());
    let say = |word: &str| json!({"do": [{"sleep": {"wait": "PT1H"}}, {"say": {"set": {"said": word}}}]});
    house.workflow("speaker", &[], &say("old")).unwrap();
    let first = house.on_disk().await.unwrap();
    let old = first.submit(submission("speaker", json!({}))).await.unwrap();
    first.stop().await.unwrap();
    drop(first);

    house.config.workflows.clear();
    house.workflow("speaker", &[], &say("new")).unwrap();
    let second = house.on_disk().await.unwrap();
    let new = second.submit(submission("speaker", json!({}))).await.unwrap();
    clock.forward(SignedDuration::from_mins(61));
    assert_eq!(end_of(&second, &old).await.unwrap().result, json!({"said": "old"}));
    assert_eq!(end_of(&second, &new).await.unwrap().result, json!({"said": "new"}));
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_stays_cancelled() {
    let mut house = House::with(&["jq"]).unwrap();
    house.workflow("sleeper", &[], &json!({"do": [{"sleep": {"wait": "PT6H"}}]})).unwrap();
    let first = house.on_disk().await.unwrap();
    let run = first.submit(submission("sleeper", json!({}))).await.unwrap();
    first.cancel(&run, "no longer wanted", "admin:test").await.unwrap();
    let end = end_of(&first, &run).await.unwrap();
    assert_eq!(end.status, "cancelled");
    assert!(end.result.to_string().contains("no longer wanted (admin:test)"), "{}", end.result);
    assert!(first.cancel(&run, "again", "admin:test").await.is_err(), "it is not running");
    first.stop().await.unwrap();
    drop(first);
    let second = house.on_disk().await.unwrap();
    assert_eq!(running(&second).await, 0);
    assert_eq!(finished(&second, &run).await.unwrap().unwrap().status, "cancelled");
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_after_counts_from_the_end_of_the_last_run() {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    // Each run takes half an hour.
    let rest = json!({"schedule": {"after": {"hours": 1}}, "do": [{"work": {"wait": {"minutes": 30}}}]});
    house.workflow("pauses", &[UNIT], &rest).unwrap();
    let clock = SetClock::now_standing();
    house.clock = Some(clock.clone());
    let started = async |engine: &Engine| engine.look_all(|s, _| s.started).await.unwrap().into_iter().sum::<u64>();
    let ended =
        async |engine: &Engine| engine.look_all(|s, _| s.finished.len()).await.unwrap().into_iter().sum::<usize>();

    let first = house.on_disk().await.unwrap();
    clock.forward(SignedDuration::from_mins(61));
    until("the first run", async || Ok((started(&first).await == 1).then_some(()))).await.unwrap();
    clock.forward(SignedDuration::from_mins(31));
    until("its end", async || Ok((ended(&first).await == 1).then_some(()))).await.unwrap();
    // An hour after it began, and half an hour after it ended.
    clock.forward(SignedDuration::from_mins(30));
    first.stop().await.unwrap();
    drop(first);
    let second = house.on_disk().await.unwrap();
    assert_eq!(started(&second).await, 1, "it counts from the beginning");
    clock.forward(SignedDuration::from_mins(31));
    until("the second run", async || Ok((started(&second).await == 2).then_some(()))).await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_the_journal_does_not_speak_of_counts_for_nothing() {
    let mut house = House::with(&["jq", "tally", "risk-level"]).unwrap();
    let known = but_seq(lived(&mut house).await);
    let (views, _) = huiyin_views::Views::open(house.data().join("views"), VIEWS_SCHEMA).unwrap();
    let mut forged = 0;
    for partition in 0..2 {
        let Some(snapshot) = views.snapshot(partition).unwrap() else { continue };
        let text = String::from_utf8(snapshot.bytes.clone()).unwrap();
        let other = text.replace("\"completed\"", "\"cancelled\"");
        assert_ne!(text, other);
        views.put_snapshot(partition, snapshot.seq, other.as_bytes()).unwrap();
        forged += 1;
    }
    assert!(forged > 0, "the host kept no snapshot");
    drop(views);
    let engine = house.on_disk().await.unwrap();
    assert_eq!(but_seq(everything(&engine).await), known);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn views_from_an_earlier_day_are_caught_up_with() {
    let mut house = House::with(&["jq", "tally", "risk-level"]).unwrap();
    lived(&mut house).await;
    let old = house.folder.path().join("old-views");
    copy(&house.data().join("views"), &old).unwrap();
    let engine = house.on_disk().await.unwrap();
    for n in 100..120 {
        engine.run(named("honest", &format!("run-{n}"), json!({"n": n}))).await.unwrap();
    }
    let known = but_seq(everything(&engine).await);
    engine.stop().await.unwrap();
    drop(engine);
    std::fs::remove_dir_all(house.data().join("views")).unwrap();
    copy(&old, &house.data().join("views")).unwrap();
    let again = house.on_disk().await.unwrap();
    assert_eq!(but_seq(everything(&again).await), known);
    again.stop().await.unwrap();
}

/// What becomes of an effect that is cut off at its wall time after it has written.
async fn cut_off_at_its_limit(idempotent: bool) -> (House, Engine) {
    let mut house = House::with(&["jq"]).unwrap();
    house.plugins.push(guests::step("slow-hand", &Does::WritesThenHangs { idempotent }).unwrap());
    spool(&mut house, "slow-hand");
    house.workflow("act", &[], &json!({"do": [{"act": {"call": "slow-hand:0.1.0@default", "with": {}}}]})).unwrap();
    house.limits = Some(huiyin_sandbox::Limits { wall_ms: 1_000, ..Default::default() });
    let engine = house.on_disk().await.unwrap();
    engine.submit(named("act", "the-act", json!({}))).await.unwrap();
    (house, engine)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_cut_off_at_its_limit_is_of_unknown_outcome() {
    let (_house, engine) = cut_off_at_its_limit(false).await;
    let why = until("the unknown outcome", async || {
        let found = engine
            .look_all(|state, _| {
                state.runs.get("the-act").and_then(|r| r.effects.values().find_map(|e| e.unknown.clone()))
            })
            .await;
        Ok(found.map_err(|e| e.to_string())?.into_iter().flatten().next())
    });
    let why = why.await.unwrap();
    assert!(why.contains("`wall_ms` of 1000"), "{why}");
    engine.stop().await.unwrap();

    let (house, engine) = cut_off_at_its_limit(true).await;
    assert_eq!(end_of(&engine, "the-act").await.unwrap().status, "completed", "tried again, since that does no harm");
    engine.stop().await.unwrap();
    drop(engine);
    assert_eq!(account(&house.data()).unwrap().effects.into_values().collect::<Vec<_>>(), [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn host_07_long_items_are_cut_judged_and_named() {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    let engine = house.on_disk().await.unwrap();
    let item = |body: String| huiyin_desk::Item {
        id: "i".to_owned(),
        source: "pushed".to_owned(),
        url: None,
        title: "t".to_owned(),
        body,
        published: None,
        observed: engine.now(),
        fields: std::collections::BTreeMap::new(),
    };
    let long = "x".repeat(60);
    // The whole command, or the item alone.
    let refused =
        |answer: &Result<Value, _>| answer.as_ref().map_or(true, |a| a["refused"] == 1 && a["taken"] == json!([]));
    for source in ["", "two words", "til~de", "line\nbreak", "来源", long.repeat(5).as_str()] {
        let answer: Result<Value, huiyin_engine::Refusal> =
            engine.receive(UNIT, source, vec![item("b".to_owned())], "admin:test").await;
        assert!(refused(&answer), "{source:?}: {answer:?}");
    }
    // Refused, and its id is not used up.
    let nothing = huiyin_desk::Item { title: " ".to_owned(), ..item(String::new()) };
    let answer = engine.receive(UNIT, "pushed", vec![nothing], "admin:test").await.unwrap();
    assert_eq!((&answer["items"][0]["id"], &answer["items"][0]["outcome"]), (&json!("i"), &json!("refused")));
    assert!(answer["items"][0]["reason"].as_str().unwrap().contains("neither title nor body"), "{answer}");
    // Longer than a payload may be: cut, and judged by both ends.
    let mut long_item = item(format!("{}后山山火,两人死亡", "长".repeat(2_000_000)));
    long_item.title = "题".repeat(5_000);
    long_item.url = Some(format!("https://a.example/{}", "x".repeat(9_000)));
    long_item.fields.insert("note".to_owned(), "y".repeat(9_000));
    let answer = engine.receive(UNIT, "pushed", vec![long_item], "admin:test").await.unwrap();
    let said = &answer["items"][0];
    assert_eq!((&said["id"], &said["outcome"]), (&json!("i"), &json!("taken")), "{answer}");
    let cut = said["cut"].as_str().unwrap();
    assert!(cut.contains("title of 15000 bytes") && cut.contains("body of 60000"), "{cut}");
    assert!(said["case"].is_string(), "the floor heard the end of it: {answer}");
    // A page of items each of which would do alone.
    let page =
        (0..40).map(|n| huiyin_desk::Item { id: format!("i{n}"), ..item(format!("{n}").repeat(90_000)) }).collect();
    let all = engine.receive(UNIT, "pushed", page, "admin:test").await.unwrap();
    assert_eq!((all["taken"].as_array().map(Vec::len), &all["refused"]), (Some(40), &json!(0)));
    let seen = engine.receive(UNIT, "pushed", vec![item("b".to_owned())], "admin:test").await.unwrap();
    assert_eq!(seen["items"][0]["outcome"], "seen", "{seen}");
    let event = json!({"specversion": "1.0", "id": "e", "source": "/test", "type": "org.example.x.v1", "data": "x".repeat(17_000_000)});
    assert!(engine.event(Some(UNIT), event).await.is_err());
    engine.stop().await.unwrap();
}

#[test]
fn a_page_of_large_texts_is_taken_once() {
    let bureau = huiyin_tests::bureau::Bureau::open().unwrap();
    let long = "林".repeat(60_000);
    for _ in 0..30 {
        bureau.post(&long, SignedDuration::from_mins(5), 10);
    }
    let mut house = watching(&bureau, &json!([{"nothing": {"set": {"seen": true}}}]));
    // A title so long would be refused, a text is not.
    house.config.sources[0].config["fields"]["title"] = json!("/id");
    house.config.sources[0].config["fields"]["body"] = json!("/title");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let engine = house.on_disk().await.unwrap();
        until("all posts", async || {
            let taken = engine
                .look_all(|s, _| s.sources.values().map(|s| s.items).sum::<u64>())
                .await
                .map_err(|e| e.to_string())?;
            Ok((taken.into_iter().sum::<u64>() >= 30).then_some(()))
        })
        .await
        .unwrap();
        engine.stop().await.unwrap();
    });
    let kinds = huiyin_tests::log::kinds(&house.data()).unwrap();
    assert!(
        kinds.iter().any(|kind| kind == "huiyin.source.page.v1.outlined.v1"),
        "no page was large: this test shows nothing"
    );
    let items = account(&house.data()).unwrap().items;
    assert_eq!(items.len(), 30);
    assert!(items.values().all(|times| *times == 1), "{items:?}");
}

/// Answers 503 the first time and one post after that; counts the requests.
fn once_busy() -> (u16, std::sync::Arc<std::sync::atomic::AtomicU32>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let first = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            let body = if first { "" } else { r#"{"posts": [{"id": 1, "title": "林区火情"}]}"# };
            let status = if first { "503 Busy" } else { "200 OK" };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    (port, asked)
}

#[test]
fn feed_a_daily_source_is_tried_again_after_its_pause_and_can_be_set_back() {
    let (port, asked) = once_busy();
    let bureau = huiyin_tests::bureau::Bureau::open().unwrap();
    let mut house = watching(&bureau, &json!([{"nothing": {"set": {"seen": true}}}]));
    let origin = format!("http://127.0.0.1:{port}");
    house.config.sources = vec![from(json!({
        "name": "s", "unit": UNIT, "collector": "json-api:0.1.0", "schedule": {"every": "P1D"},
        "config": {"url": origin, "items": "/posts", "fields": {"id": "/id", "title": "/title"}},
    }))];
    house.config.grants = vec![from(json!({
        "plugin": "json-api", "grant": {"http": [{"origin": origin, "methods": ["GET"], "path_prefix": "/"}], "allow_addresses": ["127.0.0.1/32"]},
    }))];
    let clock = SetClock::now_standing();
    house.clock = Some(clock.clone());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let engine = house.on_disk().await.unwrap();
        let source = format!("{UNIT}/s");
        let look = async || {
            let source = source.clone();
            let found =
                engine.look_all(move |s, _| s.sources.get(&source).cloned()).await.map_err(|e| e.to_string())?;
            Ok::<_, String>(found.into_iter().flatten().next().unwrap_or_default())
        };
        until("a failure", async || Ok((look().await?.failures == 1).then_some(()))).await.unwrap();
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1, "a clock that stands makes no pause pass");
        clock.forward(SignedDuration::from_secs(2));
        until("another try", async || Ok((look().await?.items == 1).then_some(()))).await.unwrap();

        let rewind = |source: &str, actor: &str| huiyin_engine::partition::RewindCommand {
            source: source.to_owned(),
            unit: UNIT.to_owned(),
            cursor: None,
            reason: "次序乱了".to_owned(),
            actor: actor.to_owned(),
        };
        assert!(
            engine
                .rewind_source(rewind("none", "admin:test"))
                .await
                .unwrap_err()
                .to_string()
                .contains("no source `none`")
        );
        assert!(engine.rewind_source(rewind("s", "person:nobody")).await.is_err());
        engine.rewind_source(rewind("s", "admin:test")).await.unwrap();
        until("a reading from the beginning", async || Ok((look().await?.known == 1).then_some(()))).await.unwrap();
        engine.stop().await.unwrap();
    });
    assert_eq!(account(&house.data()).unwrap().items.len(), 1, "nothing is taken in twice");
    let kinds = huiyin_tests::log::kinds(&house.data()).unwrap();
    assert!(kinds.iter().any(|kind| kind == "huiyin.source.rewound.v1"));
}

/// What `reserveBytes` makes of this disk what is left of it now, with room for others' files on either side.
fn little(folder: &Path) -> u64 {
    use huiyin_engine::space::{Left, Space};
    let left = |kept: u64| Space::new(Some(folder.to_owned()), Some(kept)).left();
    let first = (0..62).map(|n| (1_u64 << 61) >> n).find(|kept| left(*kept) == Left::Little).unwrap();
    // Between a quarter and a half of it is free.
    first / 10 * 7
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_06_a_disk_that_runs_full_stops_units_and_not_the_host() {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    house.workflow("round", &[UNIT], &json!({"do": [{"again": {"set": {"n": 1}, "then": "again"}}]})).unwrap();
    house.workflow("short", &[UNIT], &json!({"do": [{"say": {"set": {"n": 1}}}]})).unwrap();
    let clock = SetClock::now_standing();
    house.clock = Some(Arc::clone(&clock));
    let of_unit = |name: &str, id: &str| Submission { unit: Some(UNIT.to_owned()), ..named(name, id, json!({})) };
    let command = |given: Value| huiyin_desk::Command::read(&given).unwrap();
    let open = |title: &str| {
        command(json!({"command": "open-case", "unit": UNIT, "title": title, "level": "II", "asker": "来电人"}))
    };
    let start = async |house: &House| house.on_disk().await.unwrap();
    // A run that never ends, which would fill the disk.
    let engine = start(&house).await;
    for id in ["round-1", "round-2"] {
        engine.submit(of_unit("round", id)).await.unwrap();
    }
    let before = engine.journal().size();
    until("some rounds", async || Ok((engine.journal().size() > before + 20).then_some(()))).await.unwrap();
    let case = engine.desk(UNIT, "person:xu-ming", open("先")).await.unwrap()["case"].as_str().unwrap().to_owned();
    engine.stop().await.unwrap();
    drop(engine);

    // Little is left: runs stand, nothing comes in, people act, orders are met, clocks come due.
    house.config.limits.reserve_bytes = Some(little(house.folder.path()));
    let engine = start(&house).await;
    assert_eq!(engine.submit(of_unit("short", "more")).await.unwrap_err(), Refusal::NoSpace);
    let item = huiyin_desk::Item {
        id: "1".to_owned(),
        source: "push".to_owned(),
        url: None,
        title: "山火".to_owned(),
        body: String::new(),
        published: None,
        observed: engine.now(),
        fields: BTreeMap::new(),
    };
    assert_eq!(engine.receive(UNIT, "push", vec![item], "person:xu-ming").await.unwrap_err(), Refusal::NoSpace);
    let event = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t"});
    assert_eq!(engine.event(Some(UNIT), event).await.unwrap_err(), Refusal::NoSpace);
    let concern = command(json!({"command": "add-concern", "case": case, "text": "何时扑灭"}));
    engine.desk(UNIT, "person:xu-ming", concern.clone()).await.unwrap();
    engine.cancel("round-1", "it fills the disk", "admin:test").await.unwrap();
    assert_eq!(end_of(&engine, "round-1").await.unwrap().status, "cancelled");
    let standing = engine.journal().size();
    clock.forward(SignedDuration::from_hours(2));
    let breached = async |engine: &Engine, case: &str, id: &'static str| {
        let case = case.to_owned();
        until(&format!("the breach of {id}"), async || {
            let case = case.clone();
            let found = engine.look_all(move |state, _| {
                let case = state.desk.case(&case);
                case.is_some_and(|case| case.clocks.iter().any(|c| c.clock.id == id && c.clock.breached.is_some()))
            });
            Ok(found.await.map_err(|e| e.to_string())?.contains(&true).then_some(()))
        })
        .await
        .unwrap();
    };
    breached(&engine, &case, "flash-report").await;
    assert!(engine.journal().size() < standing + 10, "a run goes on: {standing}, {}", engine.journal().size());
    engine.stop().await.unwrap();
    drop(engine);

    // The least is left: clocks alone.
    house.config.limits.reserve_bytes = Some(1 << 61);
    let engine = start(&house).await;
    assert_eq!(engine.desk(UNIT, "person:xu-ming", concern.clone()).await.unwrap_err(), Refusal::NoSpace);
    clock.forward(SignedDuration::from_hours(4));
    breached(&engine, &case, "authoritative-5h").await;
    engine.stop().await.unwrap();
    drop(engine);

    // There is space again: all goes on.
    house.config.limits.reserve_bytes = Some(0);
    let engine = start(&house).await;
    let before = engine.journal().size();
    until("rounds again", async || Ok((engine.journal().size() > before + 20).then_some(()))).await.unwrap();
    assert_eq!(engine.run(of_unit("short", "more")).await.unwrap().status, "completed");
    engine.desk(UNIT, "person:xu-ming", concern).await.unwrap();
    engine.cancel("round-2", "enough", "admin:test").await.unwrap();
    engine.stop().await.unwrap();
}

/// What is backed up is the journal; the file beside it that counts the partitions may be gone, or say less.
#[tokio::test(flavor = "multi_thread")]
async fn attack_07_no_partition_with_records_is_left_out() {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    house.config.partitions = Some(4);
    let units = [("linhai", "he-ping"), ("qingfeng", "xu-ming"), ("cuihu", "bai-ling"), ("forest-fire", "jiang-tao")];
    let engine = house.on_disk().await.unwrap();
    for (unit, who) in units {
        let open = json!({"command": "open-case", "unit": unit, "title": "火情", "level": "II"});
        let open = huiyin_desk::Command::read(&open).unwrap();
        engine.desk(unit, &format!("person:{who}"), open).await.unwrap();
    }
    let cases = async |engine: &Engine| -> Vec<String> {
        let all = engine.look_all(|s, _| s.desk.cases().map(|c| c.number.clone()).collect::<Vec<_>>()).await.unwrap();
        let mut all: Vec<String> = all.into_iter().flatten().collect();
        all.sort();
        all
    };
    let known = cases(&engine).await;
    assert_eq!(known.len(), 4);
    engine.stop().await.unwrap();
    drop(engine);
    let file = house.data().join("partitions");
    let say = |text: Option<&str>| match text {
        Some(text) => std::fs::write(&file, text).unwrap(),
        None => std::fs::remove_file(&file).unwrap(),
    };
    for (text, asked) in [(None, None), (Some("1\n"), None), (Some("0"), Some(1)), (None, Some(2))] {
        say(text);
        house.config.partitions = asked;
        let engine = house.on_disk().await.unwrap();
        assert_eq!((engine.partition_count(), cases(&engine).await), (4, known.clone()), "{text:?} {asked:?}");
        engine.stop().await.unwrap();
    }
    for (text, asked) in [("4", Some(0)), ("4", Some(1025)), ("", None), ("4x", None), ("70000", None)] {
        say(Some(text));
        house.config.partitions = asked;
        let Err(refused) = house.on_disk().await else { panic!("{text:?} {asked:?} is believed") };
        assert!(refused.contains("partitions: "), "{refused}");
    }
}
