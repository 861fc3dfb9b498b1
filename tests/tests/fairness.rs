//! Who is served when there is too much: no unit's flood, no slow plugin keeps
//! another unit waiting, and beyond the bounds it is intake that is told to
//! wait. Counted, not timed: how much of a flood was served before a newcomer.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use huiyin_engine::{Engine, Refusal, Submission};
use huiyin_tests::guests::{self, Does};
use huiyin_tests::house::{House, submission, until};
use serde_json::{Value, json};

const NOISY: &str = "cuihu";
const QUIET: &str = "qingfeng";

fn of(unit: &str, workflow: &str, input: Value) -> Submission {
    Submission { unit: Some(unit.to_owned()), ..submission(workflow, input) }
}

fn house() -> House {
    let mut house = House::with(&["jq", "tally", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    // One partition, so that all units share one loop, too.
    house.config.partitions = Some(1);
    house
}

/// A workflow `hang` that calls a plugin which may reach outside and never comes back.
fn hanging(house: &mut House, wall_ms: u64) {
    house.plugins.push(guests::step("hang", &Does::LoopsForEverWithHandsFree).unwrap());
    house.workflow("hang", &["*"], &json!({"do": [{"harm": {"call": "hang:0.1.0@default", "with": {}}}]})).unwrap();
    let limits = json!({"plugins": {"hang": {"wall_ms": wall_ms}}});
    house.config.limits = serde_json::from_value(limits).unwrap();
}

async fn ended(engine: &Engine, unit: &str) -> usize {
    let unit = unit.to_owned();
    let count = engine.look_all(move |state, _| {
        let of = |id: &str| state.deployments.get(id).is_some_and(|d| d.unit.as_deref() == Some(unit.as_str()));
        state.finished.iter().filter(|run| of(&run.deployment)).count()
    });
    count.await.unwrap().into_iter().sum()
}

async fn running(engine: &Engine) -> usize {
    engine.look_all(|state, _| state.runs.len()).await.unwrap().into_iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_pure_runs_does_not_hold_up_another_units_run() {
    const FLOOD: usize = 900;
    let mut house = house();
    let add = |at: usize| {
        let first = if at == 0 { "${ .n }" } else { "${ .sum }" };
        json!({format!("step{at}"): {"call": "tally:0.1.0@default", "with": {"numbers": [first, 1]}}})
    };
    house.workflow("long", &["*"], &json!({"do": (0..60).map(add).collect::<Vec<_>>()})).unwrap();
    let engine = house.in_memory().await.unwrap();
    let flood = (0..FLOOD).map(|n| engine.submit(of(NOISY, "long", json!({"n": n}))));
    let accepted = futures::future::join_all(flood).await.into_iter().flatten().count();
    assert_eq!(accepted, FLOOD);
    let before = ended(&engine, NOISY).await;
    let quiet = engine.run(of(QUIET, "long", json!({"n": 0}))).await.unwrap();
    let served = ended(&engine, NOISY).await - before;
    assert_eq!((quiet.status.as_str(), &quiet.result["sum"]), ("completed", &json!(60)));
    // By its turn the quiet unit waits for what is being done, and for its own.
    let left = FLOOD - before;
    assert!(left > FLOOD / 3, "the flood had run off before the quiet unit's run came: {left} of {FLOOD} were left");
    assert!(served < left / 4, "{served} of {left} runs of the flood were served first");
    until("the flood's end", async || Ok((running(&engine).await == 0).then_some(()))).await.unwrap();
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_hanging_calls_does_not_hold_up_another_units_call() {
    const FLOOD: usize = 60;
    let mut house = house();
    hanging(&mut house, 400);
    house.honest().unwrap();
    house.config.admission = serde_json::from_value(json!({"effects": 8})).unwrap();
    let engine = house.in_memory().await.unwrap();
    for n in 0..FLOOD {
        engine.submit(of(NOISY, "hang", json!({"n": n}))).await.unwrap();
    }
    // Effects of another unit find a place although the flood has all it may have.
    let quiet = engine.run(of(QUIET, "hang", json!({}))).await.unwrap();
    assert_eq!(quiet.status, "faulted");
    let served = ended(&engine, NOISY).await;
    assert!(served <= FLOOD / 3, "{served} of {FLOOD} hanging calls were served before another unit's first");
    // And turns and expressions go on all the while.
    let before = ended(&engine, NOISY).await;
    for n in 0..20 {
        let end = engine.run(submission("honest", json!({"n": n}))).await.unwrap();
        assert_eq!(end.result["sum"], json!(n + 3));
    }
    let served = ended(&engine, NOISY).await - before;
    assert!(served < FLOOD - before, "pure runs waited for the flood's end");
    until("the flood's end", async || Ok((running(&engine).await == 0).then_some(()))).await.unwrap();
    assert_eq!(ended(&engine, NOISY).await, FLOOD, "what was accepted is never dropped");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_bound_a_units_intake_waits_and_no_other_units() {
    let mut house = house();
    hanging(&mut house, 1_000);
    house.config.admission = serde_json::from_value(json!({"effects": 2, "queue": 4})).unwrap();
    let engine = house.in_memory().await.unwrap();
    let (mut accepted, mut told_to_wait) = (0, false);
    for n in 0..200 {
        match engine.submit(of(NOISY, "hang", json!({"n": n}))).await {
            Ok(_) => accepted += 1,
            Err(refusal) => {
                assert_eq!(refusal, Refusal::Busy);
                told_to_wait = true;
                break;
            }
        }
        // Until its call waits, too.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(told_to_wait, "{accepted} were accepted, and none was told to wait");
    assert!(accepted >= 4, "{accepted}");
    let event = json!({"specversion": "1.0", "id": "1", "source": "/t", "type": "org.example.t.v1"});
    assert_eq!(engine.event(Some(NOISY), event.clone()).await.unwrap_err(), Refusal::Busy);
    engine.event(Some(QUIET), event).await.unwrap();
    engine.submit(of(QUIET, "hang", json!({}))).await.unwrap();
    until("everything's end", async || Ok((running(&engine).await == 0).then_some(()))).await.unwrap();
    assert_eq!(ended(&engine, NOISY).await, accepted, "what was accepted is never dropped");
    engine.submit(of(NOISY, "hang", json!({}))).await.unwrap();
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_the_tightest_of_ceiling_unit_and_plugin_and_the_error_says_which() {
    let mut house = house();
    hanging(&mut house, 600);
    let limits = json!({
        "default": {"wall_ms": 5_000},
        "plugins": {"hang": {"wall_ms": 600}},
        "units": {QUIET: {"wall_ms": 200}},
    });
    house.config.limits = serde_json::from_value(limits).unwrap();
    let engine = house.in_memory().await.unwrap();
    let detail = async |unit: &str| {
        let end = engine.run(of(unit, "hang", json!({}))).await.unwrap();
        assert_eq!(end.status, "faulted", "{}", end.result);
        end.result["detail"].as_str().unwrap().to_owned()
    };
    let tight = detail(QUIET).await;
    assert!(tight.contains("the limit `wall_ms` of 200 was reached"), "{tight}");
    assert!(tight.contains("raise `/limits/units/qingfeng/wall_ms` of huiyin.json, at most 600000"), "{tight}");
    let own = detail(NOISY).await;
    assert!(own.contains("`wall_ms` of 600 ") && own.contains("`/limits/plugins/hang/wall_ms`"), "{own}");
    engine.stop().await.unwrap();

    let refused = async |limits: Value| {
        let mut house = self::house();
        house.config.limits = serde_json::from_value(limits).unwrap();
        house.in_memory().await.map(|_| ()).unwrap_err()
    };
    let above = refused(json!({"ceiling": {"wall_ms": 1_000}, "default": {"wall_ms": 2_000}})).await;
    assert!(above.contains("/limits/default/wall_ms: 2000 is above 1000"), "{above}");
    let nobody = refused(json!({"units": {"atlantis": {"wall_ms": 1_000}}})).await;
    assert!(nobody.contains("/limits/units/atlantis: there is no unit atlantis"), "{nobody}");
}

/// Runs under way of a unit.
async fn under_way(engine: &Engine, unit: &str) -> usize {
    let unit = unit.to_owned();
    let count = engine.look_all(move |state, _| {
        let of = |id: &str| state.deployments.get(id).is_some_and(|d| d.unit.as_deref() == Some(unit.as_str()));
        state.runs.values().filter(|run| of(&run.deployment)).count()
    });
    count.await.unwrap().into_iter().sum()
}

/// The details of the errors with which runs of a unit ended.
async fn faults(engine: &Engine, unit: &str) -> Vec<String> {
    let unit = unit.to_owned();
    let all = engine.look_all(move |state, _| {
        let of = |id: &str| state.deployments.get(id).is_some_and(|d| d.unit.as_deref() == Some(unit.as_str()));
        let failed =
            state.finished.iter().chain(&state.failed).filter(|run| run.status == "faulted" && of(&run.deployment));
        failed.filter_map(|run| run.result["detail"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    });
    all.await.unwrap().into_iter().flatten().collect()
}

/// A flood that feeds itself must stop at its bound, let another unit's runs
/// and people's commands through, and end when what starts it is withdrawn.
async fn flooded(house: &House, workflow: &str, start: impl AsyncFnOnce(&Engine)) {
    const BOUND: usize = 300;
    let engine = house.in_memory().await.unwrap();
    start(&engine).await;
    until("the flood to reach its bound", async || {
        Ok(faults(&engine, NOISY).await.iter().any(|why| why.contains("`admission.runs`")).then_some(()))
    })
    .await
    .unwrap();
    for n in 0..20 {
        let before = ended(&engine, NOISY).await;
        let end = engine.run(of(QUIET, "quiet", json!({"n": n}))).await.unwrap();
        assert_eq!(end.result["sum"], json!(n + 1));
        // Only the thousand latest are known: more than half of them at once would show.
        let served = ended(&engine, NOISY).await.abs_diff(before);
        assert!(served < 500, "{served} runs of the flood were served first");
        let many = under_way(&engine, NOISY).await;
        assert!(many <= BOUND + 300, "{many} runs are under way, {BOUND} may be");
    }
    engine.withdraw(workflow, Some(NOISY), "admin:admin").await.unwrap();
    until("the flood's end", async || Ok((under_way(&engine, NOISY).await == 0).then_some(()))).await.unwrap();
    let fault = faults(&engine, NOISY).await.into_iter().find(|why| why.contains("admission.runs")).unwrap();
    assert!(fault.starts_with("as many runs of unit cuihu are under way as may be (300, "), "{fault}");
    engine.stop().await.unwrap();
}

fn bounded() -> House {
    let mut house = house();
    house.config.admission = serde_json::from_value(json!({"runs": 300})).unwrap();
    let add = json!({"add": {"call": "tally:0.1.0@default", "with": {"numbers": ["${ .n }", 1]}}});
    house.workflow("quiet", &["*"], &json!({"do": [add]})).unwrap();
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn host_03_runs_that_start_themselves_twice_stop_at_their_units_bound() {
    let mut house = bounded();
    let again =
        json!({"run": {"workflow": {"namespace": "tests", "name": "twins", "version": "latest"}, "await": false}});
    house.workflow("twins", &[NOISY], &json!({"do": [{"one": again}, {"two": again}]})).unwrap();
    let start = async |engine: &Engine| drop(engine.submit(of(NOISY, "twins", json!({}))).await.unwrap());
    flooded(&house, "tests/twins", start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn host_03_events_that_bring_themselves_about_twice_stop_at_their_units_bound() {
    let mut house = bounded();
    let again = json!({"emit": {"event": {"with": {"type": "org.example.echo.v1", "source": "/t"}}}});
    let rest = json!({
        "schedule": {"on": {"one": {"with": {"type": "org.example.echo.v1"}}}},
        "do": [{"one": again}, {"two": again}],
    });
    house.workflow("echo", &[NOISY], &rest).unwrap();
    let event = json!({"specversion": "1.0", "id": "1", "source": "/t", "type": "org.example.echo.v1"});
    let start = async |engine: &Engine| assert_eq!(engine.event(Some(NOISY), event).await.unwrap().runs, 1);
    flooded(&house, "tests/echo", start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn host_03_a_unit_at_its_bound_starts_nothing_more_and_what_it_has_goes_on() {
    let mut house = bounded();
    house.config.admission = serde_json::from_value(json!({"runs": 3})).unwrap();
    let go = json!({"any": [{"with": {"type": "org.example.go.v1"}}]});
    house.workflow("waits", &["*"], &json!({"do": [{"hear": {"listen": {"to": go}}}]})).unwrap();
    let started = json!({"schedule": {"on": {"one": {"with": {"type": "org.example.start.v1"}}}}, "do": [{"pause": {"wait": "PT1H"}}]});
    house.workflow("started", &["*"], &started).unwrap();
    let engine = house.in_memory().await.unwrap();
    for _ in 0..3 {
        engine.submit(of(NOISY, "waits", json!({}))).await.unwrap();
    }
    until("three that listen", async || {
        let listening = engine.look_all(|state, _| state.runs.values().filter(|run| run.input.is_none()).count());
        Ok((listening.await.unwrap().into_iter().sum::<usize>() == 3).then_some(()))
    })
    .await
    .unwrap();
    let event = |id: &str, kind: &str| json!({"specversion": "1.0", "id": id, "source": "/t", "type": kind});
    assert_eq!(engine.submit(of(NOISY, "waits", json!({}))).await.unwrap_err(), Refusal::Busy);
    assert_eq!(engine.event(Some(NOISY), event("1", "org.example.start.v1")).await.unwrap_err(), Refusal::Busy);
    // Another unit has its own measure, and what only wakes runs is taken in: it makes room.
    engine.event(Some(QUIET), event("1", "org.example.start.v1")).await.unwrap();
    let told = engine.event(Some(NOISY), event("2", "org.example.go.v1")).await.unwrap();
    assert_eq!(told.runs, 3);
    until("room", async || Ok((under_way(&engine, NOISY).await == 0).then_some(()))).await.unwrap();
    // It was told to wait, not dropped: asked again it is taken in for the first time.
    let told = engine.event(Some(NOISY), event("1", "org.example.start.v1")).await.unwrap();
    assert_eq!((told.runs, told.duplicate), (1, false));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn host_03_a_run_that_hears_twice_what_it_says_is_stopped() {
    let mut house = bounded();
    let again = json!({"emit": {"event": {"with": {"type": "org.example.echo.v1", "source": "/t"}}}});
    let to = json!({"any": [{"with": {"type": "org.example.echo.v1"}}], "until": "${ false }"});
    let hear = json!({"listen": {"to": to}, "foreach": {"do": [{"one": again}, {"two": again}]}});
    house.workflow("echo", &[NOISY], &json!({"do": [{"hear": hear}]})).unwrap();
    let engine = house.in_memory().await.unwrap();
    engine.submit(of(NOISY, "echo", json!({}))).await.unwrap();
    let event =
        |n: u32| json!({"specversion": "1.0", "id": n.to_string(), "source": "/t", "type": "org.example.echo.v1"});
    let mut n = 0;
    until("the run to hear", async || {
        n += 1;
        let told = engine.event(Some(NOISY), event(n)).await.map_err(|e| e.to_string())?;
        Ok((told.runs == 1).then_some(()))
    })
    .await
    .unwrap();
    until("its end", async || Ok((under_way(&engine, NOISY).await == 0).then_some(()))).await.unwrap();
    let why = faults(&engine, NOISY).await.join("");
    assert!(why.contains("4096 events wait for a run of unit cuihu"), "{why}");
    engine.stop().await.unwrap();
}
