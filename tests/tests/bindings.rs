//! What slots stand for, changed on a running host: a hot swap, a canary, a
//! plugin that is set aside after faults. Real components, real restarts.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use huiyin_engine::deploy::WorkflowText;
use huiyin_engine::rebind::{BindingRow, PluginWord, SlotWord};
use huiyin_engine::record::{CanaryEnd, Entry, SlotOf};
use huiyin_engine::{Activity, Engine, Refusal, Submission};
use huiyin_tests::guests::{self, Does, Kind};
use huiyin_tests::house::{House, SetClock, end_of, submission, until};
use huiyin_tests::log::entries;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;

const UNIT: &str = "qingfeng";
const ABOVE: &str = "linhai";

fn says(house: &mut House, version: &str, does: &Does) {
    house.plugins.push(guests::guest(Kind::Step, "say", version, does).unwrap());
}

/// A bureau whose units run `speak`: it waits as long as it is told, then calls the slot `say`.
fn house() -> House {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    says(&mut house, "1.0.0", &Does::Says("{\"said\":\"one\"}"));
    says(&mut house, "2.0.0", &Does::Says("{\"said\":\"two\"}"));
    let slot = json!({"call": "say:1.0.0@default", "metadata": {"kind": "step"}});
    let hold = json!({"if": "${ .hold == true }", "wait": "PT1H"});
    house
        .workflow(
            "speak",
            &["*"],
            &json!({"use": {"functions": {"say": slot}}, "do": [{"hold": hold}, {"say": {"call": "say", "with": {}}}]}),
        )
        .unwrap();
    house
}

fn bind(house: &mut House, unit: &str, plugin: &str) {
    let binding = json!({"unit": unit, "workflow": "speak", "slot": "say", "plugin": plugin});
    house.config.bindings.push(serde_json::from_value(binding).unwrap());
}

fn of(unit: &str, workflow: &str, input: Value) -> Submission {
    Submission { unit: Some(unit.to_owned()), ..submission(workflow, input) }
}

async fn speak(engine: &Engine, unit: &str) -> Value {
    let end = engine.run(of(unit, "speak", json!({}))).await.unwrap();
    if end.status == "completed" { end.result["said"].clone() } else { end.result["detail"].clone() }
}

fn word(unit: &str, slot: &str, reason: &str) -> SlotWord {
    let workflow = if slot == "say" { "speak" } else { "judge" };
    SlotWord {
        workflow: workflow.to_owned(),
        unit: Some(unit.to_owned()),
        slot: slot.to_owned(),
        reason: reason.to_owned(),
        actor: "admin:li.min".to_owned(),
    }
}

fn plugin(name: &str) -> PluginWord {
    PluginWord { plugin: name.to_owned(), ..PluginWord::default() }
}

async fn row(engine: &Engine, unit: &str, slot: &str) -> BindingRow {
    let rows = engine.bindings().await.unwrap();
    rows.into_iter().find(|row| row.of.unit.as_deref() == Some(unit) && row.of.slot == slot).unwrap()
}

/// The next activity of a type.
async fn shown(activity: &mut Receiver<Activity>, kind: &str) -> Activity {
    let patience = std::time::Duration::from_secs(60);
    let wait = async {
        loop {
            let seen = activity.recv().await.unwrap();
            if seen.kind == kind {
                return seen;
            }
        }
    };
    tokio::time::timeout(patience, wait).await.unwrap_or_else(|_| panic!("no {kind} was shown"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_for_new_runs_at_once_and_running_runs_keep_theirs() {
    let mut house = house();
    let clock = SetClock::now_standing();
    house.clock = Some(clock.clone());
    let engine = house.on_disk().await.unwrap();
    let old = engine.submit(of(UNIT, "speak", json!({"hold": true}))).await.unwrap();
    assert_eq!(speak(&engine, UNIT).await, "one");
    let bound = engine.bind(word(UNIT, "say", "two is better"), Some(plugin("say:2.0.0"))).await.unwrap();
    assert_eq!((bound.len(), bound[0].plugin.as_str(), bound[0].changed), (1, "say:2.0.0", true));
    assert_eq!(speak(&engine, UNIT).await, "two", "a new run has the new version at once");
    assert_eq!(speak(&engine, ABOVE).await, "one", "another unit's slot is its own");
    engine.stop().await.unwrap();
    drop(engine);

    // It stays so across a restart, for new runs and for old ones.
    let engine = house.on_disk().await.unwrap();
    assert_eq!(speak(&engine, UNIT).await, "two");
    let known = row(&engine, UNIT, "say").await;
    let chosen = known.chosen.clone().unwrap();
    assert_eq!((known.from, chosen.by.as_str(), chosen.reason.as_str()), ("person", "admin:li.min", "two is better"));
    // It holds for a later version of the workflow, too.
    let text = std::fs::read_to_string(house.folder.path().join("speak.json")).unwrap();
    let text = text.replace("\"version\":\"1.0.0\"", "\"version\":\"1.1.0\"");
    let later = WorkflowText { file: "speak.json".to_owned(), text };
    engine.deploy(vec![later], &[UNIT.to_owned()], "admin:li.min").await.unwrap();
    assert_eq!(speak(&engine, UNIT).await, "two");
    clock.forward(SignedDuration::from_hours(2));
    assert_eq!(end_of(&engine, &old).await.unwrap().result, json!({"said": "one"}), "it was pinned when it began");
    engine.bind(word(UNIT, "say", "back to the configuration"), None).await.unwrap();
    assert_eq!(speak(&engine, UNIT).await, "one");
    let again = engine.bind(word(UNIT, "say", "once more"), None).await;
    assert!(matches!(again, Err(Refusal::Refused(_))), "{again:?}");
    engine.stop().await.unwrap();
    drop(engine);
    let changes: Vec<_> = entries(&house.data())
        .unwrap()
        .into_iter()
        .filter_map(|entry| if let Entry::BindingChanged(change) = entry { Some(change) } else { None })
        .collect();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0].pin.as_ref().map(|pin| pin.plugin.as_str()), Some("say:2.0.0"));
    assert_eq!((changes[0].actor.as_str(), changes[1].reason.as_str()), ("admin:li.min", "back to the configuration"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_bound_is_refused_and_says_why() {
    let house = house();
    let engine = house.in_memory().await.unwrap();
    let refused = async |word: SlotWord, to: PluginWord| engine.bind(word, Some(to)).await.unwrap_err().to_string();
    let why = |reason: &str| word(UNIT, "say", reason);
    assert!(refused(why("x"), plugin("say:9.0.0")).await.contains("`say:9.0.0` is not installed"));
    assert!(refused(why("x"), plugin("say")).await.contains("names no version"));
    assert!(refused(why(" "), plugin("say:2.0.0")).await.contains("say why"));
    assert!(refused(why("x"), plugin("risk-level:0.1.0")).await.contains("is a classifier, the slot takes a step"));
    let digest = PluginWord { digest: Some("00".to_owned()), ..plugin("say:2.0.0") };
    assert!(refused(why("x"), digest).await.contains("has the digest"));
    let other = SlotWord { slot: "shout".to_owned(), ..why("x") };
    assert!(refused(other, plugin("say:2.0.0")).await.contains("has no slot `shout`; it has say"));
    let nowhere = SlotWord { unit: Some("atlantis".to_owned()), ..why("x") };
    assert!(refused(nowhere, plugin("say:2.0.0")).await.contains("there is no unit atlantis"));
    assert_eq!(speak(&engine, UNIT).await, "one", "nothing of it has happened");
    engine.stop().await.unwrap();
}

/// A configuration is held against the plugin's schema before a slot is bound, a canary starts or a
/// workflow comes into force.
#[tokio::test(flavor = "multi_thread")]
async fn desk_07_a_configuration_that_the_schema_refuses_is_refused_at_once() {
    let mut house = House::with(&["jq", "risk-level", "keyword"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    let slot = json!({"call": "risk-level:0.1.0@default", "metadata": {"kind": "classifier"}});
    let judge = |version: &str, with: Value| {
        json!({
            "document": {"dsl": "1.0.3", "namespace": "tests", "name": "judge", "version": version},
            "use": {"functions": {"classify": slot}},
            "do": [{"judge": {"call": "classify", "with": with}}],
        })
    };
    house.workflow("judge", &["*"], &json!({"use": {"functions": {"classify": slot}}, "do": [{"judge": {"call": "classify", "with": {"items": []}}}]})).unwrap();
    let engine = house.in_memory().await.unwrap();
    let with = |plugin: &str, config: Value| PluginWord {
        plugin: plugin.to_owned(),
        config: Some(config),
        ..PluginWord::default()
    };
    let pointer = |refused: Result<Vec<huiyin_engine::rebind::Rebound>, Refusal>| match refused {
        Err(Refusal::Invalid { pointer, .. }) => pointer,
        other => panic!("{other:?}"),
    };
    let at = || word(UNIT, "classify", "x");
    let wrong = json!({"rules": [{"name": "fire", "when": 7, "level": "I"}]});
    assert_eq!(pointer(engine.bind(at(), Some(with("keyword:0.1.0", wrong.clone()))).await), "/config/rules/0/when");
    assert_eq!(pointer(engine.start_canary(at(), with("keyword:0.1.0", wrong)).await), "/config/rules/0/when");
    let extra = json!({"thresholds": {}});
    assert_eq!(pointer(engine.bind(at(), Some(with("risk-level:0.1.0", extra))).await), "/config");
    let rules = json!({"rules": [{"name": "fire", "when": "山火", "level": "I"}]});
    engine.bind(at(), Some(with("keyword:0.1.0", rules))).await.unwrap();
    engine.bind(at(), None).await.unwrap();

    let deploy = async |version: &str, with: Value| {
        let text = WorkflowText { file: "judge.json".to_owned(), text: judge(version, with).to_string() };
        engine.deploy(vec![text], &[UNIT.to_owned()], "admin:li.min").await
    };
    let refused = deploy("1.1.0", json!({"items": [], "config": {"weights": {"content": "much"}}})).await.unwrap_err();
    assert!(refused.to_string().contains("(at /do/0/judge/with/config/weights/content)"), "{refused}");
    // What is computed is known only when it is called.
    deploy("1.1.0", json!({"items": [], "config": "${ .config }"})).await.unwrap();
    deploy("1.2.0", json!({"items": [], "config": {"levels": {"I": 0.9}}})).await.unwrap();
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_traps_again_and_again_gives_way_to_the_binding_of_the_unit_above() {
    let mut house = house();
    says(&mut house, "3.0.0", &Does::Traps);
    bind(&mut house, UNIT, "say:3.0.0");
    bind(&mut house, ABOVE, "say:2.0.0");
    house.config.quarantine.faults = Some(3);
    let clock = SetClock::now_standing();
    house.clock = Some(clock.clone());
    let engine = house.on_disk().await.unwrap();
    let mut activity = engine.activity();
    let held = engine.submit(of(UNIT, "speak", json!({"hold": true}))).await.unwrap();
    for _ in 0..3 {
        let detail = speak(&engine, UNIT).await;
        assert!(detail.as_str().unwrap().starts_with("say:3.0.0: "), "{detail}");
    }
    let alert = shown(&mut activity, "huiyin.binding.quarantined.v1").await;
    assert_eq!(
        (&alert.data["from"], &alert.data["to"], &alert.data["whose"]),
        (&json!("say:3.0.0"), &json!("say:2.0.0"), &json!("unit:linhai"))
    );
    assert_eq!(speak(&engine, UNIT).await, "two", "a new run has the binding of the unit above");
    let known = row(&engine, UNIT, "say").await;
    assert_eq!((known.from, known.plugin.as_str(), known.quarantined.len()), ("quarantine", "say:2.0.0", 1));
    assert_eq!(known.quarantined[0].faults, 3);
    // The plugin's own row says so, too.
    let rows = engine.plugins().await.unwrap();
    let aside = rows.iter().find(|row| row.plugin == "say:3.0.0").unwrap();
    assert_eq!((aside.set_aside.len(), aside.set_aside[0].of.unit.as_deref()), (1, Some(UNIT)));
    assert_eq!((aside.set_aside[0].how.to.as_deref(), aside.set_aside[0].how.faults), (Some("say:2.0.0"), 3));
    assert!(rows.iter().filter(|row| row.plugin != "say:3.0.0").all(|row| row.set_aside.is_empty()));
    engine.stop().await.unwrap();
    drop(engine);

    // The configuration still says otherwise; a restart is no pardon.
    let engine = house.on_disk().await.unwrap();
    assert_eq!(speak(&engine, UNIT).await, "two");
    clock.forward(SignedDuration::from_hours(2));
    let pinned = end_of(&engine, &held).await.unwrap();
    assert_eq!(pinned.status, "faulted", "it was pinned when it began");
    let mute = engine.lift(word(UNIT, "say", "")).await.unwrap_err().to_string();
    assert!(mute.contains("say why"), "{mute}");
    engine.lift(word(UNIT, "say", "mended")).await.unwrap();
    assert!(speak(&engine, UNIT).await.as_str().unwrap().starts_with("say:3.0.0: "));
    let nothing = engine.lift(word(UNIT, "say", "mended")).await.unwrap_err().to_string();
    assert!(nothing.contains("nothing of slot `say` is set aside"), "{nothing}");
    engine.stop().await.unwrap();
    drop(engine);
    let all = entries(&house.data()).unwrap();
    let lifted: Vec<_> =
        all.iter().filter_map(|e| if let Entry::BindingLifted(x) = e { Some(x) } else { None }).collect();
    assert_eq!((lifted.len(), lifted[0].actor.as_str(), lifted[0].reason.as_str()), (1, "admin:li.min", "mended"));
    assert_eq!(all.iter().filter(|e| matches!(e, Entry::BindingQuarantined(_))).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_another_binding_it_falls_back_to_the_workflows_own_call_and_then_stays_and_says_so() {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    says(&mut house, "1.0.0", &Does::Traps);
    says(&mut house, "2.0.0", &Does::Traps);
    let slot = json!({"call": "say:1.0.0@default", "metadata": {"kind": "step"}});
    let rest = json!({"use": {"functions": {"say": slot}}, "do": [{"say": {"call": "say", "with": {}}}]});
    house.workflow("speak", &["*"], &rest).unwrap();
    bind(&mut house, UNIT, "say:2.0.0");
    house.config.quarantine.faults = Some(2);
    let engine = house.on_disk().await.unwrap();
    let mut activity = engine.activity();
    for _ in 0..2 {
        speak(&engine, UNIT).await;
    }
    let alert = shown(&mut activity, "huiyin.binding.quarantined.v1").await;
    assert_eq!((&alert.data["to"], &alert.data["whose"]), (&json!("say:1.0.0"), &json!("workflow")));
    for _ in 0..2 {
        assert!(speak(&engine, UNIT).await.as_str().unwrap().starts_with("say:1.0.0: "));
    }
    let alert = shown(&mut activity, "huiyin.binding.quarantined.v1").await;
    assert_eq!((&alert.data["from"], &alert.data["to"]), (&json!("say:1.0.0"), &json!(null)));
    // It stays, and is not reported over and over.
    for _ in 0..6 {
        assert!(speak(&engine, UNIT).await.as_str().unwrap().starts_with("say:1.0.0: "));
    }
    let known = row(&engine, UNIT, "say").await;
    assert_eq!((known.plugin.as_str(), known.quarantined.len()), ("say:1.0.0", 2));
    // Another version by a person is a fresh start.
    engine.bind(word(UNIT, "say", "a new one"), Some(plugin("say:2.0.0"))).await.unwrap();
    assert_eq!(row(&engine, UNIT, "say").await.quarantined.len(), 0);
    engine.stop().await.unwrap();
    drop(engine);
    let aside =
        entries(&house.data()).unwrap().into_iter().filter(|e| matches!(e, Entry::BindingQuarantined(_))).count();
    assert_eq!(aside, 2);
}

/// A rule of the classifier `keyword`.
fn rules(term: &str, level: &str) -> Value {
    json!({"rules": [{"name": "r", "when": term, "level": level, "score": 0.5}]})
}

/// A bureau whose unit judges items with `keyword`, looking for fire.
fn judging() -> House {
    let mut house = House::with(&["jq", "risk-level", "keyword", "file"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    house.plugins.push(guests::guest(Kind::Classifier, "broken", "1.0.0", &Does::Traps).unwrap());
    let slot = json!({"call": "keyword:0.1.0@default", "metadata": {"kind": "classifier"}});
    let judge = json!({"call": "classify", "with": {"items": "${ .items }"}});
    house
        .workflow("judge", &["*"], &json!({"use": {"functions": {"classify": slot}}, "do": [{"judge": judge}]}))
        .unwrap();
    let binding = json!({"unit": UNIT, "workflow": "judge", "slot": "classify", "config": rules("山火", "II")});
    house.config.bindings.push(serde_json::from_value(binding).unwrap());
    house
}

fn items(titles: &[&str]) -> Value {
    let item = |(n, title): (usize, &&str)| json!({"id": format!("i{n}"), "title": title});
    json!({"items": titles.iter().enumerate().map(item).collect::<Vec<_>>()})
}

async fn levels(engine: &Engine, titles: &[&str]) -> Vec<Value> {
    let end = engine.run(of(UNIT, "judge", items(titles))).await.unwrap();
    assert_eq!(end.status, "completed", "{}", end.result);
    end.result["verdicts"].as_array().unwrap().iter().map(|verdict| verdict["level"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_watched_counts_for_nothing_and_may_be_promoted() {
    let house = judging();
    let engine = house.on_disk().await.unwrap();
    let titles = ["山火蔓延", "河水上涨", "天气晴好"];
    let canary = PluginWord { config: Some(rules("河水", "III")), ..plugin("keyword:0.1.0") };
    engine.start_canary(word(UNIT, "classify", "floods, too"), canary.clone()).await.unwrap();
    let twice = engine.start_canary(word(UNIT, "classify", "another"), canary).await.unwrap_err().to_string();
    assert!(twice.contains("promote or drop it first"), "{twice}");
    for _ in 0..4 {
        assert_eq!(
            levels(&engine, &titles).await,
            [json!("II"), json!(null), json!(null)],
            "the canary's word counted"
        );
    }
    let canary = until("four comparisons", async || {
        let canary = row(&engine, UNIT, "classify").await.canary;
        Ok(canary.filter(|canary| canary.calls == 4))
    });
    let canary = canary.await.unwrap();
    assert_eq!((canary.items, canary.differing, canary.skipped), (12, 8, 0));
    let of = SlotOf { workflow: "tests/judge".to_owned(), unit: Some(UNIT.to_owned()), slot: "classify".to_owned() };
    let told = engine.canary_differences(&of, 100).await.unwrap();
    assert_eq!(told.len(), 8);
    let fire = told.iter().find(|told| told.difference.item == "i0").unwrap();
    assert_eq!((fire.difference.was.level.as_deref(), fire.difference.would.level.as_deref()), (Some("II"), None));
    let flood = told.iter().find(|told| told.difference.item == "i1").unwrap();
    assert_eq!((flood.difference.was.level.as_deref(), flood.difference.would.level.as_deref()), (None, Some("III")));
    engine.stop().await.unwrap();
    drop(engine);

    // It goes on after a restart, from where it was.
    let engine = house.on_disk().await.unwrap();
    levels(&engine, &titles).await;
    until("the fifth comparison", async || {
        let canary = row(&engine, UNIT, "classify").await.canary;
        Ok(canary.filter(|canary| canary.calls == 5))
    })
    .await
    .unwrap();
    engine.end_canary(word(UNIT, "classify", "good enough"), true).await.unwrap();
    assert_eq!(levels(&engine, &titles).await, [json!(null), json!("III"), json!(null)]);
    assert!(row(&engine, UNIT, "classify").await.canary.is_none());
    let none = engine.end_canary(word(UNIT, "classify", "again"), false).await.unwrap_err().to_string();
    assert!(none.contains("has no canary"), "{none}");
    engine.stop().await.unwrap();
    drop(engine);
    let ended: Vec<_> = entries(&house.data())
        .unwrap()
        .into_iter()
        .filter_map(|entry| if let Entry::CanaryEnded(end) = entry { Some(end) } else { None })
        .collect();
    assert_eq!((ended.len(), ended[0].how, ended[0].reason.as_str()), (1, CanaryEnd::Promoted, "good enough"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_traps_is_stopped_and_the_runs_notice_nothing() {
    let house = judging();
    let engine = house.on_disk().await.unwrap();
    let mut activity = engine.activity();
    let outward = engine.start_canary(word(UNIT, "classify", "x"), plugin("file:0.1.0")).await.unwrap_err().to_string();
    assert!(outward.contains("is a notifier, the slot takes a classifier"), "{outward}");
    engine.start_canary(word(UNIT, "classify", "x"), plugin("broken:1.0.0")).await.unwrap();
    assert_eq!(levels(&engine, &["山火"]).await, [json!("II")]);
    let ended = shown(&mut activity, "huiyin.canary.ended.v1").await;
    assert_eq!((&ended.data["how"], &ended.data["by"]), (&json!("stopped"), &json!("system:engine")));
    assert!(ended.data["reason"].as_str().unwrap().contains("broken:1.0.0"), "{}", ended.data);
    assert!(row(&engine, UNIT, "classify").await.canary.is_none());
    assert_eq!(levels(&engine, &["山火"]).await, [json!("II")]);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_traps_backs_off_and_alerts() {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    house.plugins.push(guests::guest(Kind::Collector, "broken", "1.0.0", &Does::Traps).unwrap());
    let source = json!({"name": "s", "unit": UNIT, "collector": "broken:1.0.0", "schedule": {"every": "PT1S"}});
    house.config.sources.push(serde_json::from_value(source).unwrap());
    house.config.quarantine.faults = Some(3);
    let clock = SetClock::now_standing();
    house.clock = Some(clock.clone());
    let engine = house.in_memory().await.unwrap();
    let mut activity = engine.activity();
    let failures = async |count: u32| {
        until("the next failure", async || {
            let all = engine
                .look_all(|state, _| state.sources.values().map(|s| (s.failures, s.not_before)).collect::<Vec<_>>())
                .await
                .map_err(|e| e.to_string())?;
            Ok(all.into_iter().flatten().find(|(failures, _)| *failures == count))
        })
        .await
        .unwrap()
    };
    let mut pauses = Vec::new();
    for n in 1..=4 {
        let (_, not_before) = failures(n).await;
        let pause = not_before.unwrap().duration_since(huiyin_engine::shell::Clock::now(&*clock));
        pauses.push(pause.as_secs());
        clock.forward(pause);
    }
    assert!(pauses.is_sorted_by(|a, b| a < b), "each pause is longer: {pauses:?}");
    let alert = shown(&mut activity, "huiyin.source.failing.v1").await;
    assert_eq!((&alert.data["failures"], &alert.data["collector"]), (&json!(3), &json!("broken:1.0.0")));
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_counted_anew_after_a_start() {
    let mut house = house();
    says(&mut house, "3.0.0", &Does::Traps);
    bind(&mut house, UNIT, "say:3.0.0");
    house.config.quarantine.faults = Some(3);
    house.clock = Some(SetClock::now_standing());
    let fails = async |engine: &Engine| {
        let detail = speak(engine, UNIT).await;
        assert!(detail.as_str().unwrap().starts_with("say:3.0.0: "), "{detail}");
    };
    let engine = house.on_disk().await.unwrap();
    for _ in 0..2 {
        fails(&engine).await;
    }
    engine.stop().await.unwrap();
    drop(engine);
    // No time has passed: five faults in all, but never three since a start.
    let engine = house.on_disk().await.unwrap();
    let mut activity = engine.activity();
    for _ in 0..3 {
        fails(&engine).await;
    }
    let alert = shown(&mut activity, "huiyin.binding.quarantined.v1").await;
    assert_eq!(alert.data["faults"], 3);
    assert_eq!(speak(&engine, UNIT).await, "one");
    engine.stop().await.unwrap();
    drop(engine);
    let all = entries(&house.data()).unwrap();
    let aside = all.iter().position(|entry| matches!(entry, Entry::BindingQuarantined(_))).unwrap();
    let before = all[..aside].iter().filter(|entry| matches!(entry, Entry::RunStarted(_))).count();
    assert_eq!(before, 5, "it was set aside before its third fault since the start");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_on_all_units_holds_for_each_that_the_workflow_serves() {
    let house = house();
    let engine = house.on_disk().await.unwrap();
    let units = engine.units();
    let of = |rows: &[huiyin_engine::rebind::Rebound]| {
        let mut units: Vec<String> = rows.iter().filter_map(|row| row.of.unit.clone()).collect();
        units.sort();
        units
    };
    let bound = engine.bind(word("*", "say", "two for all"), Some(plugin("say:2.0.0"))).await.unwrap();
    let mut known = units.clone();
    known.sort();
    assert_eq!(of(&bound), known);
    assert!(bound.iter().all(|row| row.changed && row.plugin == "say:2.0.0"));
    for unit in [UNIT, ABOVE] {
        assert_eq!(speak(&engine, unit).await, "two");
    }
    // Where one unit has something of its own to hand back, the word is for it alone.
    engine.bind(word("*", "say", "back"), None).await.unwrap();
    engine.bind(word(UNIT, "say", "mine"), Some(plugin("say:2.0.0"))).await.unwrap();
    assert_eq!(of(&engine.bind(word("*", "say", "back"), None).await.unwrap()), [UNIT]);
    assert_eq!(speak(&engine, UNIT).await, "one");
    let nothing = engine.bind(word("*", "say", "back"), None).await.unwrap_err().to_string();
    assert!(nothing.contains("nobody bound slot `say`"), "{nothing}");
    // One refusal is a refusal for all: nothing is half done.
    let absent = engine.bind(word("*", "say", "x"), Some(plugin("say:9.0.0"))).await.unwrap_err().to_string();
    assert!(absent.contains("`say:9.0.0` is not installed"), "{absent}");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_not_asked_more_than_it_keeps_up_with_and_what_it_misses_is_counted() {
    const CALLS: u64 = 600;
    let mut house = house();
    says(&mut house, "4.0.0", &Does::Ponders("{\"said\":\"four\"}"));
    let slot = json!({"call": "say:1.0.0@default", "metadata": {"kind": "step"}});
    let each = json!({"for": {"in": "${ [range(.count)] }"}, "do": [{"tell": {"call": "tell", "with": {}}}]});
    house.workflow("judge", &["*"], &json!({"use": {"functions": {"tell": slot}}, "do": [{"each": each}]})).unwrap();
    let engine = house.on_disk().await.unwrap();
    engine.start_canary(word(UNIT, "tell", "slow, but thorough"), plugin("say:4.0.0")).await.unwrap();
    let end = engine.run(of(UNIT, "judge", json!({"count": CALLS}))).await.unwrap();
    assert_eq!(end.status, "completed", "{}", end.result);
    // What was missed is told with a later comparison, of which there is always one.
    let seen = until("every call accounted for", async || {
        let seen = row(&engine, UNIT, "tell").await.canary.unwrap();
        Ok((seen.calls + seen.skipped >= CALLS).then_some(seen))
    });
    let seen = seen.await.unwrap();
    assert!(seen.skipped > 0 && seen.calls >= 64, "{seen:?}");
    assert_eq!(seen.calls + seen.skipped, CALLS);
    engine.stop().await.unwrap();
}
