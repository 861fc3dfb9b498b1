//! Events on real hosts: taken in once, also across restarts; whom they reach;
//! what several of them start together.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use huiyin_engine::record::Entry;
use huiyin_engine::state::FinishedRun;
use huiyin_engine::{Delivered, Engine};
use huiyin_tests::house::{House, copy, ended, named, until};
use huiyin_tests::log::entries;
use serde_json::{Value, json};

fn event(id: &str, kind: &str, data: &Value) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "/test", "type": kind, "data": data})
}

/// A workflow that any event of a type starts and that keeps what it got.
fn keeper(on: &Value) -> Value {
    json!({"schedule": {"on": on}, "do": [{"keep": {"set": {"got": "${ map(.data) }"}}}]})
}

async fn wait_for(engine: &Engine, count: usize) -> Vec<Arc<FinishedRun>> {
    until("the runs' ends", async || {
        let found = ended(engine).await?;
        Ok((found.len() >= count).then_some(found))
    })
    .await
    .unwrap()
}

async fn listening(engine: &Engine, count: usize) {
    until("those who listen", async || {
        let found = engine
            .look_all(|s, _| s.runs.values().filter(|r| r.flow.active().iter().any(|t| t.kind == "listen")).count())
            .await
            .map_err(|e| e.to_string())?;
        Ok((found.into_iter().sum::<usize>() == count).then_some(()))
    })
    .await
    .unwrap();
}

const ONCE: Delivered = Delivered { runs: 1, duplicate: false };
const AGAIN: Delivered = Delivered { runs: 1, duplicate: true };

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_taken_in_once_also_across_restarts() {
    let mut house = House::with(&["jq"]).unwrap();
    house.workflow("keep", &[], &keeper(&json!({"one": {"with": {"type": "org.example.rang.v1"}}}))).unwrap();
    let first = house.on_disk().await.unwrap();
    let ring = || event("1", "org.example.rang.v1", &json!("ding"));
    assert_eq!(first.event(None, ring()).await.unwrap(), ONCE);
    assert_eq!(first.event(None, ring()).await.unwrap(), AGAIN);
    wait_for(&first, 1).await;
    // Cut off, not stopped: another comes up on what the disk holds.
    let left = house.folder.path().join("left");
    copy(&house.data(), &left).unwrap();
    first.stop().await.unwrap();
    drop(first);
    for data in [house.data(), left] {
        let second = house.on_disk_at(&data).await.unwrap();
        assert_eq!(second.event(None, ring()).await.unwrap(), AGAIN);
        let mut other = ring();
        other["source"] = json!("/elsewhere");
        assert_eq!(second.event(None, other).await.unwrap(), ONCE, "another source's");
        assert_eq!(wait_for(&second, 2).await.len(), 2);
        second.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn computed_filters_are_asked_beside_the_loop_and_again_after_a_crash() {
    let mut house = House::with(&["jq"]).unwrap();
    let loud =
        json!({"with": {"type": "org.example.rang.v1", "data": "${ .volume > 10 and (.bells | test(\"^b\")) }"}});
    house.workflow("loud", &[], &keeper(&json!({"any": [loud]}))).unwrap();
    // Endless, and of another event: it must not be asked at all for this one.
    let endless = json!({"with": {"type": "org.example.other.v1", "data": "${ def f: f; f }"}});
    house.workflow("endless", &[], &keeper(&json!({"one": endless}))).unwrap();
    let first = house.on_disk().await.unwrap();
    let ring = |id: &str, volume: u32| event(id, "org.example.rang.v1", &json!({"volume": volume, "bells": "big"}));
    assert_eq!(first.event(None, ring("soft", 3)).await.unwrap().runs, 0);
    assert_eq!(first.event(None, ring("loud", 30)).await.unwrap(), ONCE);
    assert_eq!(first.event(None, ring("loud", 30)).await.unwrap(), AGAIN);
    let left = house.folder.path().join("left");
    // While an endless filter is evaluated the partition goes on.
    let hang = first.event(None, event("e", "org.example.other.v1", &json!(1)));
    let soft = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        first.event(None, ring("soft again", 1)).await.unwrap();
        let open = first.look_all(|s, _| s.heard.undecided.len()).await.unwrap();
        assert_eq!(open.into_iter().sum::<usize>(), 1, "the question is open, and on record");
        copy(&house.data(), &left).unwrap();
    };
    let (hang, ()) = futures::join!(hang, soft);
    assert_eq!(hang.unwrap().runs, 0, "it was stopped, and does not count as answered");
    wait_for(&first, 1).await;
    first.stop().await.unwrap();
    drop(first);

    let records = entries(&house.data()).unwrap();
    let asked = records.iter().filter(|e| matches!(e, Entry::EventDelivered(x) if x.undecided.is_some())).count();
    let judged = records.iter().filter(|e| matches!(e, Entry::EventJudged(_))).count();
    assert_eq!((asked, judged), (4, 4));

    // The question that was open when another host was cut off is asked again.
    let second = house.on_disk_at(&left).await.unwrap();
    until("the answer", async || {
        let open = second.look_all(|s, _| s.heard.undecided.len()).await.map_err(|e| e.to_string())?;
        Ok((open.into_iter().sum::<usize>() == 0).then_some(()))
    })
    .await
    .unwrap();
    let again = second.event(None, event("e", "org.example.other.v1", &json!(1))).await.unwrap();
    assert_eq!(again, Delivered { runs: 0, duplicate: true });
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn several_events_start_one_run_together_across_a_restart() {
    let mut house = House::with(&["jq"]).unwrap();
    let of = |kind: &str| json!({"with": {"type": kind}});
    house.workflow("both", &[], &keeper(&json!({"all": [of("org.example.a.v1"), of("org.example.b.v1")]}))).unwrap();
    let first = house.on_disk().await.unwrap();
    assert_eq!(first.event(None, event("1", "org.example.b.v1", &json!("b1"))).await.unwrap().runs, 0);
    assert_eq!(first.event(None, event("2", "org.example.b.v1", &json!("b2"))).await.unwrap().runs, 0);
    first.stop().await.unwrap();
    drop(first);
    let second = house.on_disk().await.unwrap();
    assert_eq!(second.event(None, event("3", "org.example.a.v1", &json!("a1"))).await.unwrap(), ONCE);
    let runs = wait_for(&second, 1).await;
    // In the order of the filters; the second `b` found its place taken.
    assert_eq!(runs[0].result, json!({"got": ["a1", "b1"]}));
    assert_eq!(
        second.event(None, event("4", "org.example.a.v1", &json!("a2"))).await.unwrap().runs,
        0,
        "it begins anew"
    );
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_unit_reaches_all_that_serve_none_wherever_they_are() {
    let mut house = House::with(&["jq"]).unwrap();
    house.config.partitions = Some(3);
    let hear = json!({"listen": {"to": {"one": {"with": {"type": "org.example.rang.v1"}}}}});
    house.workflow("ear", &[], &json!({"do": [{"hear": hear}]})).unwrap();
    let emit =
        json!({"emit": {"event": {"with": {"source": "/tests/bell", "type": "org.example.rang.v1", "data": "ding"}}}});
    house.workflow("bell", &[], &json!({"do": [{"ring": emit}]})).unwrap();
    house.workflow("keep", &[], &keeper(&json!({"one": {"with": {"type": "org.example.rang.v1"}}}))).unwrap();
    let engine = house.on_disk().await.unwrap();
    for n in 0..9 {
        engine.submit(named("ear", &format!("ear-{n}"), json!({}))).await.unwrap();
    }
    listening(&engine, 9).await;
    let homes = engine.look_all(|s, _| s.runs.len()).await.unwrap();
    assert!(homes.iter().all(|count| *count > 0), "the ears are in {homes:?}");
    let ring = || event("1", "org.example.rang.v1", &json!("ding"));
    assert_eq!(engine.event(None, ring()).await.unwrap().runs, 10, "nine ears, and one workflow it starts");
    assert_eq!(wait_for(&engine, 10).await.len(), 10);
    // One who listens only now does not hear what was taken in before.
    engine.submit(named("ear", "late", json!({}))).await.unwrap();
    listening(&engine, 1).await;
    assert!(engine.event(None, ring()).await.unwrap().duplicate);
    // What a run publishes goes to the other partitions, too, whichever is its own.
    for n in 0..3 {
        engine.run(named("bell", &format!("bell-{n}"), json!({}))).await.unwrap();
    }
    let all = wait_for(&engine, 10 + 3 + 3 + 1).await;
    assert_eq!(all.len(), 17, "three bells, a run for each, and the late ear");
    until("the relays' end", async || {
        let open = engine.look_all(|s, _| s.heard.relays.len()).await.map_err(|e| e.to_string())?;
        Ok((open.into_iter().sum::<usize>() == 0).then_some(()))
    })
    .await
    .unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    let relayed = entries(&house.data()).unwrap().iter().filter(|e| matches!(e, Entry::EventRelayed(_))).count();
    assert_eq!(relayed, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_host_sends_the_hosts_own_events() {
    let mut house = House::with(&["jq"]).unwrap();
    let own = json!({"one": {"with": {"type": "huiyin.case.opened.v1"}}});
    house.workflow("keep", &[], &keeper(&own)).unwrap();
    let emit = json!({"emit": {"event": {"with": {"source": "/x", "type": "huiyin.case.opened.v1", "data": {}}}}});
    house.workflow("forger", &[], &json!({"do": [{"forge": emit}]})).unwrap();
    let engine = house.on_disk().await.unwrap();
    let error = engine.event(None, event("1", "huiyin.case.opened.v1", &json!({}))).await.unwrap_err().to_string();
    assert!(error.contains("the host's own") && error.contains("/type"), "{error}");
    let mut shown = engine.activity();
    engine.run(named("forger", "f", json!({}))).await.unwrap();
    let kinds: Vec<String> = std::iter::from_fn(|| shown.try_recv().ok()).map(|a| a.kind).collect();
    assert!(kinds.iter().any(|kind| kind == "huiyin.event.refused.v1"), "{kinds:?}");
    assert_eq!(engine.look_all(|s, _| s.started).await.unwrap().into_iter().sum::<u64>(), 1);
    engine.stop().await.unwrap();
}
