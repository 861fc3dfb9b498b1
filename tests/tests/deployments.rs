//! Deployments that concern several partitions, and hosts that die in the
//! midst of them: whatever comes, they are in force everywhere or nowhere.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Arc;

use huiyin_conformance::store::{Crash, Store};
use huiyin_engine::deploy::WorkflowText;
use huiyin_engine::record::{self, Entry};
use huiyin_engine::{Engine, Submission};
use huiyin_server::Token;
use huiyin_tests::host::Client;
use huiyin_tests::house::{House, submission, until};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// A bureau whose units live in three partitions.
fn bureau() -> House {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    house.config.partitions = Some(3);
    house
}

fn texts(version: &str) -> Vec<WorkflowText> {
    let text = |name: &str, tasks: Value| {
        let document = json!({"dsl": "1.0.3", "namespace": "tests", "name": name, "version": version});
        WorkflowText { file: format!("{name}.json"), text: json!({"document": document, "do": tasks}).to_string() }
    };
    let below = json!({"run": {"workflow": {"namespace": "tests", "name": "says", "version": version}}});
    vec![text("says", json!([{"say": {"set": {"said": version}}}])), text("asks", json!([{"ask": below}]))]
}

/// What a person does, each once, and what is in force then.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    /// Two workflows for all units.
    DeployForUnits,
    /// Two workflows that serve none, which every partition has.
    Deploy,
    /// Takes one of those back.
    Withdraw,
}

impl Act {
    /// Before the host may die.
    async fn before(self, engine: &Engine) {
        let all = ["*".to_owned()];
        match self {
            Act::DeployForUnits => drop(engine.deploy(texts("1.0.0"), &all, "admin:li").await.unwrap()),
            Act::Deploy => {}
            Act::Withdraw => drop(engine.deploy(texts("1.0.0"), &[], "admin:li").await.unwrap()),
        }
    }

    async fn act(self, engine: &Engine) -> Result<(), String> {
        let all = ["*".to_owned()];
        match self {
            Act::DeployForUnits => {
                engine.deploy(texts("2.0.0"), &all, "admin:li").await.map(drop).map_err(|e| e.to_string())
            }
            Act::Deploy => engine.deploy(texts("2.0.0"), &[], "admin:li").await.map(drop).map_err(|e| e.to_string()),
            Act::Withdraw => engine.withdraw("tests/says", None, "admin:li").await.map_err(|e| e.to_string()),
        }
    }
}

/// What the API says is in force: name, version and unit.
async fn listed(engine: &Arc<Engine>) -> BTreeSet<(String, String, Option<String>)> {
    let (folder, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
    let token = Token::load_or_create(folder.path()).unwrap();
    let revealed = token.reveal().to_owned();
    let listener = huiyin_server::bind("127.0.0.1:0".parse().unwrap(), false).await.unwrap();
    let client = Client::at(format!("http://{}", listener.local_addr().unwrap()), revealed);
    let router = huiyin_server::router(Arc::clone(engine), token, stop.clone());
    let served = tokio::spawn(huiyin_server::serve(listener, router, stop.clone().cancelled_owned()));
    let (status, all) = tokio::task::spawn_blocking(move || client.get("/v1/workflows")).await.unwrap().unwrap();
    stop.cancel();
    served.await.unwrap();
    assert_eq!(status, 200, "{all}");
    let active = all["workflows"].as_array().unwrap().iter().filter(|row| row["active"] == true);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    active.map(|row| (text(&row["name"]).unwrap(), text(&row["version"]).unwrap(), text(&row["unit"]))).collect()
}

/// In how many partitions each workflow is in force that serves no unit.
async fn places(engine: &Engine) -> BTreeSet<(String, usize)> {
    let found = engine.look_all(|state, _| {
        let active = state.deployments.values().filter(|d| d.active && d.unit.is_none());
        active.map(|d| d.name.clone()).collect::<Vec<_>>()
    });
    let mut all = std::collections::BTreeMap::<String, usize>::new();
    for name in found.await.unwrap().into_iter().flatten() {
        *all.entry(name).or_default() += 1;
    }
    all.into_iter().collect()
}

/// One death at this append; how it was, and none once it does not come any more.
async fn dies(house: &House, act: Act, after: u64, seen: bool) -> Option<BTreeSet<(String, String, Option<String>)>> {
    let store = Store::in_memory(None);
    let first = house.on(store.lend()).await.unwrap();
    act.before(&first).await;
    first.stop().await.unwrap();
    drop(first);
    store.crash(Crash { after: store.appends() + after, seen });
    let living = house.on(store.lend()).await.unwrap();
    let done = act.act(&living).await;
    if !store.crashed() {
        done.unwrap();
        return None;
    }
    // It may be one that has nothing to do with it; then it is none of it.
    drop(living.stop().await);
    drop(living);
    store.reopen().unwrap();
    let next = Arc::new(house.on(store.lend()).await.unwrap());
    let listed = listed(&next).await;
    let places = places(&next).await;
    assert!(places.iter().all(|(_, count)| *count == 3), "{act:?}, append {after}, {seen}: {places:?}");
    for (name, version, unit) in &listed {
        let run = Submission { unit: unit.clone(), ..submission(name, json!({})) };
        if name == "tests/says" {
            assert_eq!(next.run(run).await.unwrap().result, json!({"said": version}));
        }
    }
    if done.is_ok() {
        assert!(act == Act::Withdraw || listed.iter().all(|(_, version, _)| version == "2.0.0"), "{listed:?}");
    }
    // What was carried on is done with: what comes next finds nothing in its way.
    act.act(&next).await.or_else(|why| if act == Act::Withdraw { Ok(()) } else { Err(why) }).unwrap();
    next.stop().await.unwrap();
    Some(listed)
}

async fn in_force_everywhere_or_nowhere(act: Act) {
    let house = bureau();
    let calm = Arc::new(house.on(Store::in_memory(None).lend()).await.unwrap());
    act.before(&calm).await;
    let before = listed(&calm).await;
    act.act(&calm).await.unwrap();
    let after = listed(&calm).await;
    calm.stop().await.unwrap();
    assert_ne!(before, after);
    let mut met = BTreeSet::new();
    let mut deaths = 0;
    for seen in [false, true] {
        // Nothing of it was kept yet where the first append itself is lost.
        for at in u64::from(!seen).. {
            let Some(found) = dies(&house, act, at, seen).await else { break };
            assert!(found == before || found == after, "{act:?}, append {at}, {seen}: {found:?}");
            met.insert(found == after);
            deaths += 1;
        }
    }
    assert!(deaths >= 8, "the host died {deaths} times only");
    assert_eq!(met, BTreeSet::from([false, true]), "both ways were met");
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_for_several_units_come_into_force_for_all_of_them_or_none() {
    Box::pin(in_force_everywhere_or_nowhere(Act::DeployForUnits)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_that_serve_no_unit_come_into_force_in_every_partition_or_none() {
    Box::pin(in_force_everywhere_or_nowhere(Act::Deploy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_withdrawn_from_every_partition_or_none() {
    Box::pin(in_force_everywhere_or_nowhere(Act::Withdraw)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_carried_out_also_when_nobody_waits_for_it() {
    let (house, store) = (bureau(), Store::in_memory(None));
    let engine = Arc::new(house.on(store.lend()).await.unwrap());
    let asked = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.deploy(texts("1.0.0"), &["*".to_owned()], "admin:li").await.map(drop) }
    });
    // The asker goes away as soon as it is on record.
    let says = || {
        let all = store.journal().read_all(0).unwrap().map(Result::unwrap);
        all.filter_map(|found| record::decode(&found).unwrap()).collect::<Vec<_>>()
    };
    until("the intention", async || {
        Ok(says().iter().any(|entry| matches!(entry, Entry::DeploymentIntended(_))).then_some(()))
    })
    .await
    .unwrap();
    asked.abort();
    until("its end", async || {
        Ok(says().iter().any(|entry| matches!(entry, Entry::DeploymentCompleted(_))).then_some(()))
    })
    .await
    .unwrap();
    let units = engine.units().len();
    assert_eq!(listed(&engine).await.len(), 2 * units);
    // Once it is in force there is nothing left to be put on record.
    let records = says().len();
    engine.deploy(texts("1.0.0"), &["*".to_owned()], "admin:li").await.unwrap();
    assert_eq!(says().len(), records);
    engine.stop().await.unwrap();
}
