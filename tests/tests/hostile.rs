//! Plugins and expressions that mean harm, called from workflows of a real
//! engine: each is stopped within its limit, its run ends with an error that
//! names the limit, and honest runs complete all the while (rule 11).

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use huiyin_engine::state::FinishedRun;
use huiyin_engine::{Engine, Refusal, Submission};
use huiyin_flow::ErrorKind;
use huiyin_sandbox::Limits;
use huiyin_tests::guests::{self, Does};
use huiyin_tests::house::{House, fault, honest_runs, named, submission, until};
use serde_json::{Value, json};

/// Honest runs that must complete beside a hostile one.
const HONEST: u64 = 100;

/// Honest runs in flight at once.
const AT_ONCE: u64 = 10;

/// Wall time of a plugin call in these tests, in milliseconds: short, so that
/// the tests are, and yet long beside a hundred honest runs.
const WALL_MS: u64 = 3_000;

fn limits() -> Limits {
    Limits { wall_ms: WALL_MS, ..Limits::default() }
}

/// Starts so many runs of a workflow and lets honest ones go on until the last
/// of them has ended; gives the ends, and how many honest runs completed.
async fn beside_honest_runs(engine: &Arc<Engine>, workflow: &str, hostile: usize) -> (Vec<Arc<FinishedRun>>, u64) {
    let ended = Arc::new(AtomicBool::new(false));
    let runs = (0..hostile).map(|_| engine.run(submission(workflow, json!({}))));
    let runs = futures::future::join_all(runs);
    let told = Arc::clone(&ended);
    let hostile = async {
        let ends = runs.await;
        told.store(true, Ordering::SeqCst);
        ends
    };
    let honest = honest_runs(engine, HONEST, AT_ONCE, || ended.load(Ordering::SeqCst));
    let (ends, honest) = futures::join!(hostile, honest);
    (ends.into_iter().map(Result::unwrap).collect(), honest.unwrap())
}

/// A house in which the workflow `bad` calls the guest, and the honest one its three steps.
fn house(does: &Does) -> House {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.plugins.push(guests::step("bad-guest", does).unwrap());
    house.limits = Some(limits());
    house.honest().unwrap();
    house.workflow("bad", &[], &json!({"do": [{"harm": {"call": "bad-guest:0.1.0@default", "with": {}}}]})).unwrap();
    house
}

async fn stopped(does: &Does, hostile: usize, kind: ErrorKind, names: &str) -> u64 {
    let house = house(does);
    let engine = Arc::new(house.in_memory().await.unwrap());
    let (ends, honest) = beside_honest_runs(&engine, "bad", hostile).await;
    assert_eq!(ends.len(), hostile);
    assert!(honest >= HONEST, "{honest}");
    for end in &ends {
        let error = fault(end).unwrap();
        assert!(error.is(kind), "{error}");
        let detail = error.detail.clone().unwrap();
        assert!(detail.contains(names), "{detail}");
        assert!(detail.starts_with("bad-guest:0.1.0: "), "{detail}");
        assert!(error.instance.starts_with("/do/0/harm"), "{error}");
    }
    // It took the host nothing: the next run is served as the first.
    honest_runs(&engine, AT_ONCE, AT_ONCE, || true).await.unwrap();
    engine.stop().await.unwrap();
    println!("{honest} honest runs beside {hostile} hostile ones");
    honest
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_plugin_is_stopped_at_its_wall_time() {
    let honest = stopped(&Does::LoopsForEver, 1, ErrorKind::Timeout, "`wall_ms` of 3000").await;
    // More than asked for: the hundredth was done before the endless one was stopped.
    assert!(honest > HONEST, "all honest runs had to wait for the endless one");
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_plugins_on_every_worker_only_make_the_others_wait() {
    // As many as the workers that an engine has unless told.
    let endless = std::thread::available_parallelism().map_or(4, |n| n.get() * 2).max(4);
    stopped(&Does::LoopsForEver, endless, ErrorKind::Timeout, "`wall_ms` of 3000").await;
}

/// A workflow whose first turns are over at once until it is asked for something else.
fn moody(house: &mut House, then: &Value) {
    let pick = json!({"switch": [{"bad": {"when": "${ .bad }", "then": "harm"}}, {"good": {"then": "end"}}]});
    house.workflow("moody", &[], &json!({"do": [{"pick": pick}, {"harm": then}]})).unwrap();
}

/// Lets it be known to be over at once, so that whoever asks takes the turn; then asks for something else.
async fn turns(engine: &Engine) -> Vec<Arc<FinishedRun>> {
    for _ in 0..1_000 {
        let good = engine.run(submission("moody", json!({"bad": false}))).await.unwrap();
        assert_eq!(good.status, "completed");
        if engine.taken_here() > 0 {
            break;
        }
    }
    assert!(engine.taken_here() > 0);
    let asked = (0..4).map(|n| engine.run(submission("moody", json!({"bad": true, "n": n}))));
    futures::future::join_all(asked).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_was_quick_and_is_not_has_its_whole_time() {
    let mut house = house(&Does::LoopsForEver);
    house.plugins.push(guests::step("slow-guest", &Does::Ponders("{\"pondered\": true}")).unwrap());
    let call = |name: &str| json!({"call": format!("{name}:0.1.0@default"), "with": {}});
    moody(
        &mut house,
        &json!({"try": [{"long": call("slow-guest")}, {"endless": call("bad-guest")}], "catch": {"as": "error", "do": [{"say": {"set": {"said": "${ $error.detail }"}}}]}}),
    );
    let engine = house.in_memory().await.unwrap();
    for end in turns(&engine).await {
        let said = end.result.get("said").and_then(Value::as_str).unwrap_or_else(|| panic!("{}", end.result));
        assert!(said.contains("`wall_ms` of 3000"), "{said}");
    }
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_was_small_and_is_not_has_its_whole_memory() {
    let mut house = house(&Does::TakesRoom("{\"roomy\": true}"));
    moody(&mut house, &json!({"call": "bad-guest:0.1.0@default", "with": {}}));
    let engine = house.in_memory().await.unwrap();
    for end in turns(&engine).await {
        assert_eq!((&*end.status, &end.result), ("completed", &json!({"roomy": true})));
    }
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_the_interpreter_leaves_to_jq_is_evaluated_in_a_brief_turn_too() {
    let mut house = House::with(&["jq"]).unwrap();
    moody(&mut house, &json!({"set": {"sum": "${ [range(.n + 3)] | add }"}}));
    let engine = house.in_memory().await.unwrap();
    let ends = turns(&engine).await;
    let sums: Vec<_> = ends.iter().map(|end| end.result.get("sum").cloned()).collect();
    assert_eq!(sums, [3, 6, 10, 15].map(|sum| Some(json!(sum))));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_plugin_that_may_reach_outside_is_stopped_too() {
    stopped(&Does::LoopsForEverWithHandsFree, 8, ErrorKind::Timeout, "`wall_ms` of 3000").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_greedy_plugin_is_stopped_at_its_memory() {
    stopped(&Does::Allocates, 8, ErrorKind::Runtime, "`memory_bytes` of 67108864").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bottomless_plugin_is_stopped_at_its_stack() {
    stopped(&Does::Recurses, 8, ErrorKind::Runtime, "`stack_bytes`").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_json_is_refused() {
    stopped(&Does::SaysGarbage, 8, ErrorKind::Runtime, "not JSON").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_reaches_no_host_that_was_not_granted() {
    let mut house = House::with(&["jq", "tally", "webhook"]).unwrap();
    house.honest().unwrap();
    // Somebody listens there: that nobody comes is the sandbox's doing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let message = json!({
        "config": {"url": format!("{origin}/inbox"), "sign": false},
        "subject": "s", "text": "t", "recipients": ["r"], "attachments": [], "data": {},
    });
    house
        .workflow("reach", &[], &json!({"do": [{"harm": {"call": "webhook:0.1.0@default", "with": message}}]}))
        .unwrap();
    let engine = Arc::new(house.in_memory().await.unwrap());
    let (ends, _) = beside_honest_runs(&engine, "reach", 4).await;
    for end in &ends {
        let error = fault(end).unwrap();
        assert!(error.is(ErrorKind::Authorization), "{error}");
        let detail = error.detail.unwrap();
        assert!(detail.contains("denied") && detail.contains("grant"), "{detail}");
        assert!(detail.contains(&format!("\"origin\":\"{origin}\"")), "the grant to add: {detail}");
    }
    assert!(listener.accept().is_err(), "a connection was made without a grant");
    engine.stop().await.unwrap();
}

#[test]
fn a_source_reaches_no_host_that_was_not_granted() {
    let bureau = huiyin_tests::bureau::Bureau::open().unwrap();
    bureau.post("一条消息", jiff::SignedDuration::from_mins(5), 10);
    let mut house = House::with(&["jq", "tally", "json-api", "risk-level"]).unwrap();
    let file = bureau.configure(house.folder.path()).unwrap();
    let mut config = huiyin_engine::config::read(&file).unwrap();
    config.workflows.clear();
    config.bindings.clear();
    config.grants.clear();
    house.config = config;
    house.honest().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let engine = house.in_memory().await.unwrap();
        let error = until("the source's error", async || {
            let errors = engine.look_all(|state, _| state.sources.values().find_map(|s| s.error.clone())).await;
            Ok(errors.map_err(|e| e.to_string())?.into_iter().flatten().next())
        });
        let (error, honest) = futures::join!(error, honest_runs(&engine, HONEST, AT_ONCE, || true));
        honest.unwrap();
        let error = error.unwrap();
        assert!(
            error.contains("denied") && error.contains(&format!("\"origin\":\"http://127.0.0.1:{}\"", bureau.port)),
            "{error}"
        );
        let items: u64 = engine
            .look_all(|state, _| state.sources.values().map(|s| s.items).sum::<u64>())
            .await
            .unwrap()
            .into_iter()
            .sum();
        assert_eq!(items, 0);
        engine.stop().await.unwrap();
    });
}

async fn expression_fails_its_own_task(program: &str) {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.honest().unwrap();
    house.workflow("bad", &[], &json!({"do": [{"harm": {"set": {"x": program}}}]})).unwrap();
    // Caught, it is an error as any other.
    let caught = json!({"do": [{"careful": {
        "try": [{"harm": {"set": {"x": program}}}],
        "catch": {"as": "why", "do": [{"say": {"set": {"caught": "${ $why.status }"}}}]}
    }}]});
    house.workflow("careful", &[], &caught).unwrap();
    let engine = Arc::new(house.in_memory().await.unwrap());
    let (ends, _) = beside_honest_runs(&engine, "bad", 2).await;
    for end in &ends {
        let error = fault(end).unwrap();
        assert!(error.is(ErrorKind::Expression), "{error}");
        let detail = error.detail.clone().unwrap();
        assert!(detail.contains("the expression was stopped: the limit `"), "{detail}");
        assert!(error.instance.starts_with("/do/0/harm"), "{error}");
    }
    let careful = engine.run(submission("careful", json!({}))).await.unwrap();
    assert_eq!((careful.status.as_str(), &careful.result), ("completed", &json!({"caught": 400})));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_calls_itself_for_ever_fails_its_own_task() {
    expression_fails_its_own_task("${ def f: f; f }").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_doubles_what_it_has_again_and_again_fails_its_own_task() {
    expression_fails_its_own_task(&format!("${{ {} }}", ["{a: ., b: .}"; 40].join(" | "))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_collects_for_ever_fails_its_own_task() {
    expression_fails_its_own_task("${ [range(infinite)] }").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_collects_very_long_fails_its_own_task() {
    expression_fails_its_own_task("${ [limit(1e9; repeat(1))] }").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_makes_a_text_of_100_megabytes_fails_its_own_task() {
    expression_fails_its_own_task("${ reduce range(27) as $n (\"x\"; . + .) }").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_nests_without_end_fails_its_own_task() {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.honest().unwrap();
    house.workflow("bad", &[], &json!({"do": [{"harm": {"set": {"x": "${ def f: [f]; f }"}}}]})).unwrap();
    let engine = Arc::new(house.in_memory().await.unwrap());
    let (ends, _) = beside_honest_runs(&engine, "bad", 2).await;
    for end in &ends {
        assert!(fault(end).unwrap().is(ErrorKind::Expression), "{}", Value::clone(&end.result));
    }
    engine.stop().await.unwrap();
}

/// A run with a value larger than a payload may be.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_says_too_much_stays_its_own_affair() {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.honest().unwrap();
    house.workflow("loud", &[], &json!({"do": [{"harm": {"set": {"x": "${ \"x\" * 6000000 }"}}}]})).unwrap();
    house.config.limits.payload_bytes = Some(4 << 20);
    let engine = Arc::new(house.on_disk().await.unwrap());
    let loud = engine.run(named("loud", "the-loud", json!({})));
    let (end, honest) = futures::join!(loud, honest_runs(&engine, HONEST, AT_ONCE, || true));
    honest.unwrap();
    let error = fault(&end.unwrap()).unwrap();
    assert!(error.status == 413 && error.to_string().contains("`limits.payloadBytes`"), "{error}");
    engine.stop().await.unwrap();
    drop(engine);
    // Nor does it keep the host from coming back.
    let again = house.on_disk().await.unwrap();
    honest_runs(&again, HONEST, AT_ONCE, || true).await.unwrap();
    again.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_larger_than_a_payload_is_refused() {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.honest().unwrap();
    let engine = house.on_disk().await.unwrap();
    let refused = engine.run(submission("honest", json!({"n": 1, "more": "x".repeat(17_000_000)}))).await.unwrap_err();
    assert!(matches!(&refused, Refusal::Invalid { pointer, .. } if pointer == "/input"), "{refused}");
    assert!(refused.to_string().contains("a payload may take 16777216"), "{refused}");
    honest_runs(&engine, HONEST, AT_ONCE, || true).await.unwrap();
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_no_record_can_bear_is_refused() {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.honest().unwrap();
    let engine = house.on_disk().await.unwrap();
    for id in ["", "with space", "line\nbreak", "\"", "林", &"x".repeat(300)] {
        let refused = engine.run(named("honest", id, json!({"n": 1}))).await.unwrap_err();
        assert!(matches!(&refused, Refusal::Invalid { pointer, .. } if pointer == "/run"), "{id:?}: {refused}");
    }
    // The longest there may be is one with which everything can be done.
    let longest = "x".repeat(128);
    assert_eq!(engine.run(named("honest", &longest, json!({"n": 1}))).await.unwrap().status, "completed");
    for actor in ["", "two words", "line\nbreak", &"x".repeat(300)] {
        let refused = engine
            .run(Submission { actor: actor.to_owned(), ..submission("honest", json!({"n": 1})) })
            .await
            .unwrap_err();
        assert!(matches!(&refused, Refusal::Invalid { pointer, .. } if pointer == "/actor"), "{actor:?}: {refused}");
    }
    honest_runs(&engine, HONEST, AT_ONCE, || true).await.unwrap();
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_journal_takes_at_once_waits_its_turn() {
    let mut house = House::with(&["jq", "tally"]).unwrap();
    house.honest().unwrap();
    let engine = house.on_disk().await.unwrap();
    // 256 runs of 1 MB each come in at one moment.
    let large = "x".repeat(1_000_000);
    let runs = (0..256).map(|n| engine.run(submission("honest", json!({"n": n, "more": large}))));
    for (n, run) in futures::future::join_all(runs).await.into_iter().enumerate() {
        assert_eq!(run.unwrap().result["sum"], n + 3);
    }
    engine.stop().await.unwrap();
}
