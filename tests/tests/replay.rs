//! Recorded calls of pure plugins, made again in a fresh process: the same
//! bytes (rule 10), for every pure plugin that Huiyin carries and 1,000 items.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreadable_literal)]

use std::path::Path;
use std::process::{Command, Output};

use huiyin_engine::record::{self, Batch, Entry};
use huiyin_journal::{Draft, Journal as _, LargePayloads, Payload};
use huiyin_sandbox::{Context, Kind, LimitName, Limits, Operation, Package, Sandbox, SandboxConfig};
use huiyin_tests::bureau::UNIT;
use huiyin_tests::guests::{self, Does};
use huiyin_tests::house::{House, named, plugin};
use huiyin_tests::log;
use jiff::Timestamp;
use serde_json::{Value, json};

const ITEMS: usize = 1_000;

/// Real titles where the folder of shared data is there, else the demo's own items, again and again.
fn items() -> Vec<huiyin_desk::Item> {
    let folder = huiyin_tests::project("../shared/data/weibo-hot");
    let mut titles: Vec<(String, String)> = Vec::new();
    if let Ok(entries) = std::fs::read_dir(&folder) {
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|e| e == "json"));
        files.sort();
        for file in files {
            let list: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            titles.extend(list.iter().map(|entry| (entry["title"].as_str().unwrap().to_owned(), String::new())));
        }
    } else {
        eprintln!("{} is not there; the demo's own items take the place of real titles", folder.display());
        let sample: Value =
            serde_json::from_slice(&std::fs::read(huiyin_tests::project("workflows/demo/items.json")).unwrap())
                .unwrap();
        let own = sample["items"].as_array().unwrap().iter();
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        titles.extend(own.cycle().take(ITEMS).map(|item| (text(item, "title"), text(item, "body"))));
    }
    let observed: Timestamp = "2024-03-01T08:05:00.123Z".parse().unwrap();
    let item = |(at, (title, body)): (usize, (String, String))| huiyin_desk::Item {
        id: format!("hot-{at}"),
        source: "hot".to_owned(),
        url: Some(format!("https://s.weibo.com/{at}")),
        // Words of the trade into every tenth, so that the classifiers have something to say.
        title: if at % 10 == 0 { format!("网传山火蔓延 {title}") } else { title },
        body,
        published: (at % 3 == 0).then_some(observed),
        observed,
        fields: [("channel", "weibo".to_owned()), ("reads", (at * 9_973).to_string())]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    };
    titles.into_iter().take(ITEMS).enumerate().map(item).collect()
}

fn replay(data: &Path, more: &[&str]) -> (i32, Value) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_huiyin-faulty"))
        .args(["--output", "json", "audit", "replay", "--data"])
        .arg(data)
        .args(more)
        .output()
        .unwrap();
    let code = status.code().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    let report = serde_json::from_slice(&stdout).unwrap_or_else(|_| json!(said));
    (code, report)
}

fn journal(data: &Path) -> LargePayloads {
    log::open(data).unwrap()
}

/// A host that has judged 1,000 items by the floor, and by every pure plugin in runs.
async fn lived(house: &mut House) {
    let items = items();
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    // The result as it is, the result changed on its way, and one that is thrown away.
    let judge = |name: &str, config: Value| {
        json!({"call": format!("{name}:0.1.0@default"), "with": {"config": config, "items": "${ .items }"},
               "output": {"as": "${ {first: .verdicts[0], count: (.verdicts | length), ratio: 0.1} }"}})
    };
    let rules = json!({"rules": [
        {"name": "火", "when": {"any": ["山火", "火"], "not": ["电影"]}, "level": "II", "labels": ["火情"], "score": 0.7},
        {"name": "传", "when": ["网传", "听说"], "labels": ["谣言"], "score": 0.30000000000000004}
    ]});
    let tasks = json!({"do": [
        {"plain": {"call": "keyword:0.1.0@default", "with": {"config": rules, "items": "${ .items }"}, "output": {"as": "${ . }"}}},
        {"again": {"set": {"items": "${ $workflow.input.items }"}}},
        {"keyword": judge("keyword", rules.clone())},
        {"back": {"set": {"items": "${ $workflow.input.items }"}}},
        {"risk": judge("risk-level", json!({}))},
        {"sum": {"call": "tally:0.1.0@default", "with": {"numbers": ["${ .count }", 1]}}},
        {"filter": {"call": "jq:0.1.0@default", "with": {"config": {"program": "[.a / 3, .b, 0.1]", "vars": []}, "input": {"a": 1, "b": 2.5}, "vars": {}}}},
        {"report": {"call": "flash-report:0.1.0@default", "with": {
            "case": "530500-20240301-0001", "level": "II", "title": "老鹰岩山火", "occurred_at": "2024-03-01T08:10:00Z",
            "lead_unit": "青枫县林业局", "issuer": "林海市林业局",
            "facts": [{"text": "山火蔓延", "evidence": ["hot-0"]}]}}}
    ]});
    house.workflow("judge", &[UNIT], &tasks).unwrap();
    let engine = house.on_disk().await.unwrap();
    for (at, page) in items.chunks(250).enumerate() {
        let answer = engine.receive(UNIT, "hot", page.to_vec(), "admin:test").await.unwrap();
        assert_eq!(answer["taken"].as_array().unwrap().len(), page.len());
        let given: Vec<Value> = page.iter().map(|item| serde_json::to_value(item).unwrap()).collect();
        let mut run = named("judge", &format!("judge-{at}"), json!({"items": given}));
        run.unit = Some(UNIT.to_owned());
        let end = engine.run(run).await.unwrap();
        assert_eq!(end.status, "completed", "{}", end.result);
    }
    // Pushed once more: known, and judged from what was pushed, not from what was kept.
    engine.receive(UNIT, "hot", items[..20].to_vec(), "admin:test").await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pure_plugin_says_the_same_in_a_fresh_process() {
    let mut house = House::with(&["jq", "tally", "keyword", "risk-level", "flash-report"]).unwrap();
    lived(&mut house).await;
    let data = house.data();
    let (code, report) = replay(&data, &["--all"]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["different"], 0, "{report}");
    assert_eq!(report["not_repeated"], json!({}), "{report}");
    assert_eq!(report["items"], ITEMS + 20);
    // Five batches by the floor, and six calls in each of four runs.
    assert_eq!(report["identical"], 5 + 4 * 6, "{report}");

    // One record by its name.
    let floor = journal(&data)
        .read_all(0)
        .unwrap()
        .map(Result::unwrap)
        .find(|found| found.header.kind == "huiyin.floor.judged.v1")
        .unwrap();
    let (code, report) = replay(&data, &["--record", &floor.header.id]);
    assert_eq!((code, &report["identical"], &report["items"]), (0, &json!(1), &json!(250)), "{report}");
    assert_eq!(report["told"][0]["plugin"], "risk-level:0.1.0");
    let (code, why) = replay(&data, &["--record", "0/1"]);
    assert_eq!(code, 2);
    assert!(why.as_str().unwrap().contains("no result of a pure plugin's call"), "{why}");
    assert_eq!(replay(&data, &["--record", "0/99999999"]).0, 2);
    assert_eq!(replay(&data, &["--record", "x"]).0, 2);

    // A record whose result is another is found.
    let Some(Entry::FloorJudged(mut judged)) = record::decode(&floor).unwrap() else { panic!() };
    judged.batches = vec![Batch { result: Some("AAAAAAAAAAAAAAAAAAAAAA".to_owned()), ..judged.batches[0].clone() }];
    let (partition, key) = (floor.header.partition, floor.header.datakey.clone());
    {
        let journal = journal(&data);
        let items: Vec<Vec<u8>> = journal
            .read(partition, 1)
            .unwrap()
            .map(Result::unwrap)
            .filter(|found| found.header.seq < floor.header.seq && found.header.kind == "huiyin.desk.decided.v1")
            .filter_map(|found| match found.payload {
                Payload::Open(payload) => Some(payload.to_vec()),
                Payload::Redacted => None,
            })
            .collect();
        let draft = |kind: &str, payload| Draft {
            kind: kind.to_owned(),
            subject: "source/forged".to_owned(),
            time: Timestamp::now(),
            actor: "system:engine".to_owned(),
            unit: None,
            causation: None,
            key: key.split('~').next().unwrap().to_owned(),
            payload,
        };
        let mut forged: Vec<Draft> = items.into_iter().map(|items| draft("huiyin.desk.decided.v1", items)).collect();
        forged.push(draft("huiyin.floor.judged.v1", Entry::FloorJudged(judged).encode().unwrap()));
        journal.append(partition, journal.last_seq(partition), forged).await.unwrap();
    }
    let (code, report) = replay(&data, &[]);
    assert_eq!((code, &report["different"]), (1, &json!(1)), "{report}");
    assert_eq!(report["told"][0]["recorded"], "AAAAAAAAAAAAAAAAAAAAAA");

    // And what was redacted is said to be, not held to be the same.
    journal(&data).destroy_key(&key).unwrap();
    let (code, report) = replay(&data, &[]);
    assert_eq!((code, &report["different"]), (0, &json!(0)), "{report}");
    assert_eq!(report["not_repeated"]["redacted"], 6, "{report}");
    assert_eq!(report["identical"], 4 * 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_hit_a_limit_or_whose_component_is_gone_are_named() {
    let mut house = House::with(&["jq"]).unwrap();
    house.limits = Some(Limits { wall_ms: 200, ..Limits::default() });
    house.plugins.push(guests::step("looper", &Does::LoopsForEver).unwrap());
    house.plugins.push(guests::step("mumbler", &Does::SaysGarbage).unwrap());
    // It is in no program: only its file has it.
    let own = guests::step("stranger", &Does::LoopsForEver).unwrap();
    assert_ne!(own, plugin("jq").unwrap());
    let caught =
        |name: &str| json!({"try": [{"go": {"call": format!("{name}:0.1.0@default"), "with": {}}}], "catch": {}});
    house.workflow("bad", &[], &json!({"do": [{"loops": caught("looper")}, {"mumbles": caught("mumbler")}]})).unwrap();
    let engine = house.on_disk().await.unwrap();
    let end = engine.run(named("bad", "bad-1", json!({}))).await.unwrap();
    assert_eq!(end.status, "completed", "{}", end.result);
    engine.stop().await.unwrap();
    drop(engine);
    let (code, report) = replay(&house.data(), &[]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["not_repeated"], json!({"it hit a limit": 1, "it gave no result": 1}), "{report}");
    let told = report["told"].as_array().unwrap();
    assert!(told.iter().any(|call| call["verdict"] == "limit" && call["limit"] == "wall_ms"), "{report}");
    assert!(told.iter().any(|call| call["verdict"] == "failed" && call["why"] == "output"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_gone_can_be_named() {
    let mut house = House::with(&["jq"]).unwrap();
    // The same plugin under other bytes: a custom section more.
    let mut other = plugin("tally").unwrap();
    other.extend([0, 6, 4, b'n', b'o', b't', b'e', b'!']);
    house.plugins.push(other.clone());
    house.honest().unwrap();
    let engine = house.on_disk().await.unwrap();
    engine.run(named("honest", "one", json!({"n": 1}))).await.unwrap();
    engine.stop().await.unwrap();
    drop(engine);
    let (code, report) = replay(&house.data(), &[]);
    assert_eq!((code, &report["identical"]), (0, &json!(0)), "{report}");
    assert_eq!(report["not_repeated"], json!({"the component is gone": 3}), "{report}");
    let file = house.folder.path().join("old.wasm");
    std::fs::write(&file, &other).unwrap();
    let (code, report) = replay(&house.data(), &["--plugin", file.to_str().unwrap()]);
    assert_eq!((code, &report["identical"]), (0, &json!(3)), "{report}");
}

/// One operation of each pure plugin, with floats that have no short form among what they say.
fn operations() -> Vec<(&'static str, Kind, Value, Value)> {
    let items: Vec<Value> = items().iter().take(40).map(|item| serde_json::to_value(item).unwrap()).collect();
    let rules = json!({"rules": [{"name": "火", "when": ["山火", "火"], "level": "II", "score": 0.30000000000000004}]});
    let report = json!({
        "case": "530500-20240301-0001", "level": "II", "title": "老鹰岩山火", "occurred_at": "2024-03-01T08:10:00Z",
        "lead_unit": "青枫县林业局", "issuer": "林海市林业局", "facts": [{"text": "山火蔓延", "evidence": ["hot-0"]}]
    });
    let weights = json!({"weights": {"content": 0.1, "public": 0.2, "media": 0.7000000000000001}});
    vec![
        ("keyword", Kind::Classifier, rules, json!({"items": items})),
        ("risk-level", Kind::Classifier, weights, json!({"items": items})),
        ("flash-report", Kind::Reporter, json!({}), report),
        ("tally", Kind::Step, json!({}), json!({"numbers": [1, 2, 3]})),
        (
            "jq",
            Kind::Step,
            json!({"program": "[.x / 3, (.x | sqrt), 1e300 * 10, .y]", "vars": []}),
            json!({"input": {"x": 2, "y": 0.1}, "vars": {}}),
        ),
    ]
}

#[test]
fn every_pure_plugin_gives_the_same_bytes_a_thousand_times_and_burns_the_same_fuel() {
    let context = Context {
        call_id: "call".into(),
        attempt: 1,
        unit: UNIT.into(),
        now: 1_709_284_000_000,
        idempotency_key: "call".into(),
    };
    let counting = || {
        let cache_dir = Some(huiyin_tests::house::code_cache());
        Sandbox::new(SandboxConfig { fuel: true, cache_dir, ..SandboxConfig::default() }).unwrap()
    };
    let (here, there) = (counting(), counting());
    for (name, kind, config, input) in operations() {
        let operation = Operation::from_json(kind, &config, &input).unwrap();
        let package = here.load(&plugin(name).unwrap()).unwrap();
        assert!(package.pure, "{name}");
        let bytes = |sandbox: &Sandbox, package: &Package, limits: &Limits| {
            sandbox.call_pure(package, &context, &operation, limits).map(|output| output.to_json().to_string())
        };
        let first = bytes(&here, &package, &Limits::default()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..250 {
                        assert_eq!(bytes(&here, &package, &Limits::default()).unwrap(), first, "{name}");
                    }
                });
            }
        });
        let mut warm = here.warm(&package).unwrap();
        for _ in 0..100 {
            let again = warm.call(&context, &operation, &Limits::default()).unwrap().to_json().to_string();
            assert_eq!(again, first, "{name}, in an instance used again");
        }
        assert_eq!(warm.instances(), 1, "{name}");

        let other = there.load(&plugin(name).unwrap()).unwrap();
        assert_eq!(bytes(&there, &other, &Limits::default()).unwrap(), first, "{name}");
        let (mut no, mut yes) = (0_u64, 1 << 40);
        while yes - no > 1 {
            let middle = no + (yes - no) / 2;
            match bytes(&here, &package, &Limits { fuel: Some(middle), ..Limits::default() }) {
                Ok(_) => yes = middle,
                Err(error) => {
                    assert_eq!(error.limit(), Some(LimitName::Fuel), "{name}: {error}");
                    no = middle;
                }
            }
        }
        let with = |fuel: u64| Limits { fuel: Some(fuel), ..Limits::default() };
        for _ in 0..20 {
            assert_eq!(bytes(&there, &other, &with(yes)).unwrap(), first, "{name}");
            assert!(bytes(&there, &other, &with(yes - 1)).is_err(), "{name} burns less elsewhere");
        }
    }
}

#[test]
fn a_turn_of_a_version_that_did_not_tell_is_read_as_such() {
    // The stored form of before: no `made`, and its calls cannot be repeated with certainty.
    let old = r#"{"run":"r","facts":[{"f":"suspended"}]}"#;
    let turn: record::RunTurn = serde_json::from_str(old).unwrap();
    assert_eq!(turn.made, None);
    assert_eq!(serde_json::to_string(&turn).unwrap(), old);
}
