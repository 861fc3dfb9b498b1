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
    let accepted = futures::future::join_all(flood).await.into_iter().filter(Result::is_ok).count();
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
