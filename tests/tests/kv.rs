//! What a plugin keeps of its own, at the engine's surface: one state for each
//! plugin and unit, within its quota, committed with the call's result or not
//! at all, also when the host is cut off in between (rule 3).

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use huiyin_engine::{Engine, Submission};
use huiyin_tests::guests::{self, AfterCounting, Does};
use huiyin_tests::house::{House, copy, end_of, named, submission, until};
use serde_json::{Value, json};

/// A house in which each workflow calls the guest of its name.
fn house(guests: &[(&str, AfterCounting)], kv_bytes: u64, units: &[&str]) -> House {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    let outbox = house.folder.path().join("outbox");
    std::fs::create_dir(&outbox).unwrap();
    for (name, after) in guests {
        house.plugins.push(guests::step(name, &Does::Counts(*after)).unwrap());
        let grant = json!({"plugin": name, "grant": {"kv_bytes": kv_bytes, "spool": outbox}});
        house.config.grants.push(serde_json::from_value(grant).unwrap());
        let call = json!({"call": format!("{name}:0.1.0@default"), "with": {}});
        house.workflow(name, units, &json!({"do": [{"count": call}]})).unwrap();
    }
    house
}

/// All that plugins keep, by plugin and unit.
async fn kept(engine: &Engine) -> BTreeMap<String, BTreeMap<String, String>> {
    engine.look_all(|state, _| state.kv.clone()).await.unwrap().into_iter().flatten().collect()
}

async fn count(engine: &Engine, workflow: &str, unit: Option<&str>) -> Value {
    let asked = Submission { unit: unit.map(str::to_owned), ..submission(workflow, json!({})) };
    let end = engine.run(asked).await.unwrap();
    assert_eq!(end.status, "completed", "{}", end.result);
    end.result.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plugin_and_unit_has_a_state_of_its_own_across_restarts() {
    let mut house = house(&[("counter", AfterCounting::Answers), ("other", AfterCounting::Answers)], 100, &["*"]);
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    let units = units_of(&house);
    let engine = house.on_disk().await.unwrap();
    for expected in 1..=3 {
        assert_eq!(count(&engine, "counter", Some(&units[0])).await, json!(expected));
    }
    assert_eq!(count(&engine, "counter", Some(&units[1])).await, json!(1), "another unit begins anew");
    assert_eq!(count(&engine, "other", Some(&units[0])).await, json!(1), "another plugin, too");
    engine.stop().await.unwrap();
    drop(engine);
    let again = house.on_disk().await.unwrap();
    assert_eq!(count(&again, "counter", Some(&units[0])).await, json!(4));
    assert_eq!(count(&again, "counter", Some(&units[1])).await, json!(2));
    let kept = kept(&again).await;
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept.contains_key(&format!("counter@{}", units[0])), "{kept:?}");
    again.stop().await.unwrap();
}

/// Codes of units in the sample pack.
fn units_of(house: &House) -> Vec<String> {
    let text = std::fs::read_to_string(house.config.policy.as_ref().unwrap()).unwrap();
    let pack: Value = serde_json::from_str(&text).unwrap();
    let codes: Vec<String> =
        pack["units"].as_array().unwrap().iter().map(|unit| unit["code"].as_str().unwrap().to_owned()).collect();
    assert!(codes.len() >= 2);
    codes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_keeps_nothing() {
    let house = house(&[("breaker", AfterCounting::Traps)], 100, &[]);
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(submission("breaker", json!({}))).await.unwrap();
    assert_eq!(end.status, "faulted", "{}", end.result);
    assert!(kept(&engine).await.is_empty());
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_is_held_and_a_missing_grant_named() {
    let small = house(&[("counter", AfterCounting::Answers)], 1, &[]);
    let engine = small.in_memory().await.unwrap();
    let end = engine.run(submission("counter", json!({}))).await.unwrap();
    assert!(end.result.to_string().contains("the state was refused"), "{}", end.result);
    assert!(kept(&engine).await.is_empty());
    engine.stop().await.unwrap();

    let mut without = house(&[("counter", AfterCounting::Answers)], 1, &[]);
    without.config.grants.clear();
    let engine = without.in_memory().await.unwrap();
    let end = engine.run(submission("counter", json!({}))).await.unwrap();
    assert!(end.result.to_string().contains(r#"{\"kv_bytes\":100}"#), "{}", end.result);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_the_same_time_lose_no_write() {
    let mut house = house(&[("counter", AfterCounting::Answers)], 100, &[]);
    // Runs of no unit have a state in each partition.
    house.config.partitions = Some(1);
    let engine = Arc::new(house.in_memory().await.unwrap());
    let runs = (0..8).map(|n| engine.run(named("counter", &format!("at-once-{n}"), json!({}))));
    let mut counted = Vec::new();
    for end in futures::future::join_all(runs).await {
        let end = end.unwrap();
        assert_eq!(end.status, "completed", "{}", end.result);
        counted.push(end.result.as_u64().unwrap());
    }
    counted.sort_unstable();
    assert_eq!(counted, (1..=8).collect::<Vec<_>>(), "each saw the one before");
    assert_eq!(kept(&engine).await.len(), 1);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_cut_off_between_write_and_result_keeps_nothing_of_it() {
    let mut house = house(&[("slow", AfterCounting::MarksThenHangs)], 100, &[]);
    house.limits = Some(huiyin_sandbox::Limits { wall_ms: 120_000, ..Default::default() });
    let outbox = house.folder.path().join("outbox");
    let first = house.on_disk().await.unwrap();
    first.submit(named("slow", "the-count", json!({}))).await.unwrap();
    until("the call in the midst", async || Ok((std::fs::read_dir(&outbox).unwrap().count() == 1).then_some(())))
        .await
        .unwrap();
    assert!(kept(&first).await.is_empty(), "written, and not yet committed");
    let left = house.folder.path().join("left");
    copy(&house.data(), &left).unwrap();
    // What the cut-off call had written is gone; its repetition counts once.
    let second = house.on_disk_at(&left).await.unwrap();
    let end = end_of(&second, "the-count").await.unwrap();
    assert_eq!((end.status.as_str(), &end.result), ("completed", &json!(1)));
    assert_eq!(kept(&second).await.len(), 1);
    second.stop().await.unwrap();
    drop(second);
    // And it is there when the host comes back.
    let third = house.on_disk_at(&left).await.unwrap();
    assert_eq!(kept(&third).await.values().next().unwrap().len(), 1);
    third.stop().await.unwrap();
    drop(first);
}
