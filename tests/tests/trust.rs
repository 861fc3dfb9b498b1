//! Trust that is taken back: what it was needed for stays in force, through
//! starts, too; its calls are refused and everything else goes on. Real
//! packages, real signatures, real restarts.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use huiyin_audit::SignerKey;
use huiyin_engine::Engine;
use huiyin_engine::Submission;
use huiyin_engine::config::{PublisherConfig, TrustConfig};
use huiyin_engine::deploy::WorkflowText;
use huiyin_engine::packages::{WithheldRow, Word};
use huiyin_engine::rebind::{PluginWord, SlotWord};
use huiyin_engine::record::Entry;
use huiyin_engine::state::FinishedRun;
use huiyin_engine::trust::sign;
use huiyin_tests::guests::{self, Does, Kind};
use huiyin_tests::house::{House, SetClock, comes_to, end_of, named, plugin, submission, until};
use huiyin_tests::log::{account, entries, said};
use jiff::SignedDuration;
use serde_json::{Value, json};

const WORD: Word<'static> = Word { actor: "admin:admin", reason: "for the test" };
const MINE: &str = "qingfeng";
const OTHER: &str = "cuihu";

/// A bureau whose floor, collector and step are installed, signed by one publisher whom all trust.
struct Place {
    house: House,
    acme: SignerKey,
    clock: Arc<SetClock>,
}

impl Place {
    fn new() -> Place {
        let mut house = House::with(&["jq", "tally"]).unwrap();
        house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
        let acme = SignerKey::load_or_create(&house.folder.path().join("acme.key"), "acme").unwrap();
        let key = acme.verifier().to_string();
        house.config.trust =
            TrustConfig { publishers: vec![PublisherConfig { key, units: vec!["*".to_owned()] }], untrusted: vec![] };
        let clock = SetClock::now_standing();
        house.clock = Some(Arc::clone(&clock));
        let place = Place { house, acme, clock };
        place.put("risk-level-0.1.0", &plugin("risk-level").unwrap());
        place.put("watch-1.0.0", &guests::guest(Kind::Collector, "watch", "1.0.0", &Does::Traps).unwrap());
        place.put("say-1.0.0", &guests::guest(Kind::Step, "say", "1.0.0", &Does::Says("1")).unwrap());
        place
    }

    /// With a workflow `act` of an idempotent plugin that writes and then hangs.
    fn with_hand() -> Place {
        let mut place = Place::new();
        let does = Does::WritesThenHangs { idempotent: true };
        place.put("hand-1.0.0", &guests::guest(Kind::Step, "hand", "1.0.0", &does).unwrap());
        let act = json!({"do": [{"act": {"call": "hand:1.0.0@default", "with": {}}}]});
        place.house.workflow("act", &[MINE], &act).unwrap();
        place
    }

    /// Signs a package and puts it where installed ones lie.
    fn put(&self, file: &str, package: &[u8]) {
        let folder = self.house.data().join("plugins");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{file}.wasm")), sign(package, &self.acme).unwrap()).unwrap();
    }

    /// Configures what needs them, and what does not.
    fn furnish(&mut self) {
        let say = json!({"do": [{"say": {"call": "say:1.0.0@default", "with": {}}}]});
        self.house.workflow("speak", &["*"], &say).unwrap();
        let slot = json!({"call": "say:1.0.0@default", "metadata": {"kind": "step"}});
        let chosen = json!({"use": {"functions": {"say": slot}}, "do": [{"say": {"call": "say", "with": {}}}]});
        self.house.workflow("choose", &[MINE], &chosen).unwrap();
        self.house.workflow("sleep", &[MINE], &json!({"do": [{"nap": {"wait": "PT6H"}}]})).unwrap();
        self.house.honest().unwrap();
        self.source("board");
    }

    fn source(&mut self, name: &str) {
        let source = json!({"name": name, "unit": MINE, "collector": "watch:1.0.0", "schedule": {"every": "PT1S"}});
        self.house.config.sources.push(serde_json::from_value(source).unwrap());
    }

    async fn start(&self) -> Engine {
        self.house.on_disk().await.unwrap()
    }

    async fn refused_start(&self) -> String {
        self.house.on_disk().await.err().unwrap()
    }

    fn vkey(&self) -> String {
        self.acme.verifier().to_string()
    }
}

async fn run(engine: &Engine, workflow: &str, unit: &str) -> Arc<FinishedRun> {
    let unit = Some(unit.to_owned());
    engine.run(Submission { unit, ..submission(workflow, json!({})) }).await.unwrap()
}

/// A run whose pure step is called within its turn, as if nothing had been.
async fn says_one_within_its_turn(engine: &Engine, workflow: &str, id: &str) {
    let asked = Submission { unit: Some(MINE.to_owned()), ..named(workflow, id, json!({})) };
    assert_eq!(engine.run(asked).await.unwrap().result, json!(1));
    let records = engine.records_of(id).await.unwrap();
    assert_eq!(said(&records), ["huiyin.run.started.v1", "huiyin.run.turn.v1"]);
}

/// A run ended with a refusal: an `authorization` error that says why.
fn denied(end: &Arc<FinishedRun>, why: &str) {
    let error = end.result.to_string();
    assert!(end.status == "faulted" && error.contains("authorization") && error.contains(why), "{error}");
}

/// An item of a title that the floor raises.
async fn post(engine: &Engine, unit: &str, id: &str) {
    let item = huiyin_desk::Item {
        id: id.to_owned(),
        source: "pushed".to_owned(),
        url: None,
        title: format!("{id}:突发山火有人员伤亡"),
        body: String::new(),
        published: None,
        observed: engine.now(),
        fields: std::collections::BTreeMap::new(),
    };
    let taken = engine.receive(unit, "pushed", vec![item], "admin:test").await.unwrap();
    assert_eq!(taken["taken"].as_array().map(Vec::len), Some(1), "{taken}");
}

/// What the floor said of each item of a log, by the item's own id: a verdict, or why there is none.
fn floors(place: &Place) -> Vec<(String, Result<(), String>)> {
    let mut found = Vec::new();
    for entry in entries(&place.house.data()).unwrap() {
        let Entry::DeskDecided(decided) = entry else { continue };
        for fact in decided.facts {
            if let huiyin_desk::Fact::ItemReceived(x) = fact {
                found.push((x.item.id.clone(), x.floor.map(|_| ()).ok_or(x.floor_error.unwrap_or_default())));
            }
        }
    }
    found
}

/// The last error of the one source.
async fn source_says(engine: &Engine, word: &str) {
    until("the source's error", async || {
        let all = engine.look_all(|state, _| state.sources.values().find_map(|s| s.error.clone())).await;
        Ok(all.map_err(|e| e.to_string())?.into_iter().flatten().find(|error| error.contains(word)))
    })
    .await
    .unwrap();
}

fn users<'r>(rows: &'r [WithheldRow], plugin: &str) -> &'r [String] {
    rows.iter().find(|row| row.plugin == plugin).map_or(&[], |row| &row.used_by)
}

fn has(users: &[String], user: &str) -> bool {
    users.iter().any(|known| known == user)
}

fn chosen(reason: &str) -> SlotWord {
    SlotWord {
        workflow: "choose".to_owned(),
        unit: Some(MINE.to_owned()),
        slot: "say".to_owned(),
        reason: reason.to_owned(),
        actor: "admin:admin".to_owned(),
    }
}

/// Why the calls in the slot are refused, where they are.
async fn slot_withheld(engine: &Engine) -> Option<String> {
    let rows = engine.bindings().await.unwrap();
    rows.into_iter().find(|row| row.of.workflow == "tests/choose").unwrap().withheld
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_starts_again_whose_publisher_is_trusted_no_more_and_its_clocks_fire() {
    let mut place = Place::new();
    place.furnish();
    let engine = place.start().await;
    post(&engine, MINE, "before").await;
    assert_eq!(run(&engine, "speak", MINE).await.result, json!(1));
    let sleeper = Submission { unit: Some(MINE.to_owned()), ..named("sleep", "sleeper", json!({})) };
    engine.submit(sleeper).await.unwrap();
    comes_to(&engine, "sleeper", "wait").await.unwrap();
    source_says(&engine, "unreachable").await;

    let report = engine.distrust_publisher("acme", WORD).await.unwrap();
    assert_eq!((report.withheld.len(), report.refused.len()), (3, 0));
    assert_eq!(users(&report.withheld, "risk-level:0.1.0"), ["the policy pack's floor"]);
    assert_eq!(users(&report.withheld, "watch:1.0.0"), [format!("source {MINE}/board")]);
    assert!(has(users(&report.withheld, "say:1.0.0"), "workflow tests/speak for unit cuihu"));
    engine.stop().await.unwrap();
    drop(engine);

    place.clock.forward(SignedDuration::from_hours(24 * 90));
    let engine = place.start().await;
    let sleeper = end_of(&engine, "sleeper").await.unwrap();
    assert_eq!(sleeper.status, "completed");
    let honest = engine.run(submission("honest", json!({"n": 1}))).await.unwrap();
    assert_eq!(honest.status, "completed", "{}", honest.result);
    let why = "signed by acme, whom nobody here trusts";
    denied(&run(&engine, "speak", MINE).await, why);
    denied(&run(&engine, "choose", MINE).await, why);
    source_says(&engine, why).await;
    post(&engine, MINE, "meanwhile").await;
    // It is seen wherever one looks.
    let without = engine.without().await.unwrap();
    let plugins: Vec<&str> = without.iter().map(|row| row.plugin.as_str()).collect();
    assert_eq!(plugins, ["risk-level:0.1.0", "say:1.0.0", "watch:1.0.0"]);
    for row in engine.plugins().await.unwrap().iter().filter(|row| plugins.contains(&row.plugin.as_str())) {
        assert!(row.withheld.as_deref().is_some_and(|said| said.contains(why)) && !row.used_by.is_empty(), "{row:?}");
    }
    assert!(slot_withheld(&engine).await.is_some_and(|said| said.contains(why)));
    // What is new must be usable; what stands can be bound to something else.
    let text = std::fs::read_to_string(place.house.folder.path().join("speak.json")).unwrap();
    let text = WorkflowText { file: "speak.json".to_owned(), text: text.replace("1.0.0\"}", "1.1.0\"}") };
    let refused = engine.deploy(vec![text], &[MINE.to_owned()], "admin:admin").await.unwrap_err();
    assert!(refused.to_string().contains("may not be used"), "{refused}");
    let friend = SignerKey::load_or_create(&place.house.folder.path().join("friend.key"), "friend").unwrap();
    engine.trust_publisher(&friend.verifier().to_string(), &["*".to_owned()], WORD).await.unwrap();
    let other = guests::guest(Kind::Step, "say", "2.0.0", &Does::Says("2")).unwrap();
    engine.install_plugin(sign(&other, &friend).unwrap(), WORD).await.unwrap();
    let two = PluginWord { plugin: "say:2.0.0".to_owned(), ..PluginWord::default() };
    engine.bind(chosen("the other is withheld"), Some(two)).await.unwrap();
    assert_eq!(run(&engine, "choose", MINE).await.result, json!(2));
    assert_eq!(slot_withheld(&engine).await, None);
    engine.stop().await.unwrap();
    drop(engine);

    let account = account(&place.house.data()).unwrap();
    assert!(!account.clocks.is_empty(), "the floor opened a case");
    assert!(!account.breaches.is_empty() && account.breaches.values().all(|times| *times == 1));
    let floors = floors(&place);
    assert_eq!(floors[0], ("before".to_owned(), Ok(())));
    assert!(floors[1].0 == "meanwhile" && floors[1].1.as_ref().is_err_and(|said| said.contains(why)), "{floors:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_configuration_names_anew_must_be_usable() {
    let mut place = Place::new();
    place.furnish();
    let engine = place.start().await;
    source_says(&engine, "unreachable").await;
    engine.distrust_publisher("acme", WORD).await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    let config = place.house.config.clone();

    let say = json!({"do": [{"say": {"call": "say:1.0.0@default", "with": {}}}]});
    place.house.workflow("new", &[MINE], &say).unwrap();
    let refused = place.refused_start().await;
    assert!(refused.contains("new.json: `say:1.0.0` is installed and may not be used"), "{refused}");
    place.house.config = config.clone();
    place.source("another");
    let refused = place.refused_start().await;
    assert!(refused.contains("/sources/1: collector: `watch:1.0.0` is installed and may not be used"), "{refused}");
    place.house.config = config.clone();
    let gone = json!({"do": [{"say": {"call": "nobody:1.0.0@default", "with": {}}}]});
    place.house.workflow("gone", &[MINE], &gone).unwrap();
    let refused = place.refused_start().await;
    assert!(refused.contains("nobody"), "{refused}");
    place.house.config = config.clone();
    // Another floor than the one in force.
    place.put("level-1.0.0", &guests::guest(Kind::Classifier, "level", "1.0.0", &Does::Traps).unwrap());
    let file = huiyin_tests::project("workflows/policy/linhai.json");
    let mut pack: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    pack["floor"]["classifier"] = json!({"name": "level", "version": "1.0.0"});
    std::fs::write(place.house.folder.path().join("policy.json"), pack.to_string()).unwrap();
    place.house.config.policy = Some("policy.json".into());
    let refused = place.refused_start().await;
    assert!(refused.contains("the policy pack's floor classifier: `level:1.0.0`"), "{refused}");
    place.house.config = config;
    // None of it changed anything.
    place.start().await.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_that_is_given_again_needs_no_start() {
    let mut place = Place::new();
    place.furnish();
    let engine = place.start().await;
    source_says(&engine, "unreachable").await;
    let text = json!({
        "document": {"dsl": "1.0.3", "namespace": "tests", "name": "theirs", "version": "1.0.0"},
        "do": [{"say": {"call": "say:1.0.0@default", "with": {}}}],
    });
    let text = WorkflowText { file: "theirs.json".to_owned(), text: text.to_string() };
    engine.deploy(vec![text], &[MINE.to_owned()], "admin:admin").await.unwrap();
    engine.distrust_publisher("acme", WORD).await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);

    let engine = place.start().await;
    for workflow in ["speak", "choose", "theirs"] {
        denied(&run(&engine, workflow, MINE).await, "may not be used");
    }
    place.clock.forward(SignedDuration::from_hours(1));
    source_says(&engine, "may not be used").await;
    let report = engine.trust_publisher(&place.vkey(), &["*".to_owned()], WORD).await.unwrap();
    assert_eq!(report.restored, ["risk-level:0.1.0", "say:1.0.0", "watch:1.0.0"]);
    assert!(engine.without().await.unwrap().is_empty());
    for (workflow, id) in [("speak", "one"), ("choose", "two"), ("theirs", "three")] {
        says_one_within_its_turn(&engine, workflow, id).await;
    }
    post(&engine, MINE, "after").await;
    place.clock.forward(SignedDuration::from_hours(1));
    source_says(&engine, "unreachable").await;
    engine.stop().await.unwrap();
    drop(engine);
    assert_eq!(floors(&place), [("after".to_owned(), Ok(()))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_trusted_for_fewer_units_is_taken_from_the_others_alike() {
    let mut place = Place::new();
    place.furnish();
    let engine = place.start().await;
    source_says(&engine, "unreachable").await;
    let report = engine.trust_publisher(&place.vkey(), &[OTHER.to_owned()], WORD).await.unwrap();
    assert!(report.withheld.is_empty() && report.restored.is_empty(), "somebody may still use all of it");
    assert_eq!(users(&report.refused, "risk-level:0.1.0"), ["the policy pack's floor"]);
    assert_eq!(users(&report.refused, "watch:1.0.0"), [format!("source {MINE}/board")]);
    let say = users(&report.refused, "say:1.0.0");
    let of = |unit: &str| format!("workflow tests/speak for unit {unit}");
    assert!(has(say, &of(MINE)) && !has(say, &of(OTHER)), "{say:?}");
    // Said again, it takes nothing from anybody.
    let again = engine.trust_publisher(&place.vkey(), &[OTHER.to_owned()], WORD).await.unwrap();
    assert!(again.refused.is_empty(), "{:?}", again.refused);

    let mut engine = engine;
    for id in ["live", "started"] {
        assert_eq!(run(&engine, "speak", OTHER).await.result, json!(1));
        denied(&run(&engine, "speak", MINE).await, "may not be used by unit qingfeng");
        post(&engine, OTHER, &format!("{id}-theirs")).await;
        post(&engine, MINE, &format!("{id}-mine")).await;
        place.clock.forward(SignedDuration::from_hours(1));
        source_says(&engine, "may not be used by unit qingfeng").await;
        engine.stop().await.unwrap();
        drop(engine);
        engine = place.start().await;
    }
    let report = engine.trust_publisher(&place.vkey(), &["*".to_owned()], WORD).await.unwrap();
    assert!(report.withheld.is_empty() && report.refused.is_empty());
    assert_eq!(run(&engine, "speak", MINE).await.result, json!(1));
    engine.stop().await.unwrap();
    drop(engine);
    for (id, floor) in floors(&place) {
        assert_eq!(floor.is_ok(), id.ends_with("theirs"), "{id}: {floor:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_whose_file_is_gone_holds_up_nobody_and_comes_back_when_it_is_installed() {
    let mut place = Place::new();
    place.furnish();
    let engine = place.start().await;
    source_says(&engine, "unreachable").await;
    engine.stop().await.unwrap();
    drop(engine);
    let file = place.house.data().join("plugins/say-1.0.0.wasm");
    let package = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let engine = place.start().await;
    denied(&run(&engine, "speak", MINE).await, "not in the data folder any more");
    engine.install_plugin(package, WORD).await.unwrap();
    says_one_within_its_turn(&engine, "speak", "one").await;
    engine.stop().await.unwrap();
}

/// An idempotent plugin is in the midst of its first try, which will end with
/// nobody knowing what it did; then trust is taken back, one way or the other.
async fn doubted(narrowed: bool) {
    let mut place = Place::with_hand();
    let outbox = place.house.folder.path().join("outbox");
    std::fs::create_dir_all(&outbox).unwrap();
    let grant = json!({"plugin": "hand", "grant": {"spool": outbox}});
    place.house.config.grants.push(serde_json::from_value(grant).unwrap());
    place.house.limits = Some(huiyin_sandbox::Limits { wall_ms: 4_000, ..Default::default() });
    let engine = place.start().await;
    let mut activity = engine.activity();
    let acts = Submission { unit: Some(MINE.to_owned()), ..named("act", "the-act", json!({})) };
    engine.submit(acts).await.unwrap();
    until("the first try", async || Ok((std::fs::read_dir(&outbox).unwrap().count() == 1).then_some(())))
        .await
        .unwrap();
    if narrowed {
        engine.trust_publisher(&place.vkey(), &[OTHER.to_owned()], WORD).await.unwrap();
    } else {
        engine.distrust_publisher("acme", WORD).await.unwrap();
    }
    let doubt = async |engine: &Engine| {
        until("the unknown outcome", async || {
            let look = |state: &huiyin_engine::state::State| {
                let run = state.runs.get("the-act")?;
                run.effects.values().find_map(|effect| effect.unknown.clone())
            };
            let found = engine.look_all(move |state, _| look(state)).await;
            Ok(found.map_err(|e| e.to_string())?.into_iter().flatten().next())
        })
        .await
        .unwrap()
    };
    let why = doubt(&engine).await;
    assert!(why.contains("`wall_ms` of 4000") && why.contains("it cannot be tried again"), "{why}");
    assert!(why.contains("may not be used"), "{why}");
    let shown = std::iter::from_fn(|| activity.try_recv().ok());
    assert_eq!(shown.filter(|seen| seen.kind == "huiyin.effect.unknown.v1").count(), 1, "a person is told");
    engine.stop().await.unwrap();
    drop(engine);

    // Also to a host that starts anew it is not known.
    let engine = place.start().await;
    assert_eq!(doubt(&engine).await, why);
    // A person who says that it did not happen speaks of all tries: to be refused the next is a plain error.
    engine.resolve("the-act", None, None, "nothing is there", "admin:li.min").await.unwrap();
    denied(&end_of(&engine, "the-act").await.unwrap(), "may not be used");
    engine.stop().await.unwrap();
    drop(engine);
    let tries: Vec<(u32, bool)> = entries(&place.house.data())
        .unwrap()
        .into_iter()
        .filter_map(|e| if let Entry::EffectIntended(e) = e { Some((e.attempt, e.doubt.is_some())) } else { None })
        .collect();
    assert_eq!(tries, [(1, false), (2, true), (3, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_in_doubt_whose_plugin_is_distrusted_stays_in_doubt() {
    doubted(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_in_doubt_whose_unit_trusts_no_more_stays_in_doubt() {
    doubted(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_try_that_is_refused_is_a_plain_error() {
    let place = Place::with_hand();
    let engine = place.start().await;
    engine.distrust_publisher("acme", WORD).await.unwrap();
    denied(&run(&engine, "act", MINE).await, "may not be used");
    engine.stop().await.unwrap();
}
