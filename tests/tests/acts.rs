//! Who acts, wherever the things lie: persons of the pack and the host's admin
//! on cases, workflows and runs, over any number of partitions; and what is
//! asked twice happens once. Real wasm, real files, real restarts.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use huiyin_desk::{Command, Item};
use huiyin_engine::{Engine, Refusal, Submission};
use huiyin_tests::house::{House, named, submission};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

const UNITS: [&str; 4] = ["linhai", "qingfeng", "cuihu", "forest-fire"];

/// Each with the unit that the sample pack names them in.
const PERSONS: [(&str, Option<&str>); 6] = [
    ("person:he-ping", Some("linhai")),
    ("person:xu-ming", Some("qingfeng")),
    ("person:bai-ling", Some("cuihu")),
    ("person:jiang-tao", Some("forest-fire")),
    ("person:nobody-at-all", None),
    ("person:许明", None),
];

/// A bureau with the sample pack; every unit has the workflow `greet`, and so has nobody.
fn house(partitions: u32) -> House {
    let mut house = House::with(&["jq", "risk-level"]).unwrap();
    house.config.partitions = Some(partitions);
    house.config.policy = Some(huiyin_tests::project("workflows/policy/linhai.json"));
    house.workflow("greet", &["*"], &json!({"do": [{"say": {"set": {"hello": "${ .name }"}}}]})).unwrap();
    house.workflow("hold", &["*"], &json!({"do": [{"sleep": {"wait": "PT6H"}}]})).unwrap();
    house.workflow("alone", &[], &json!({"do": [{"say": {"set": {"alone": "${ .name }"}}}]})).unwrap();
    house
}

/// Pushes a matter in and opens a case on it, by an officer of the unit; gives number and item.
async fn case_of(engine: &Engine, unit: &str, officer: &str) -> (String, uuid::Uuid) {
    let id = format!("{unit}-{}", uuid::Uuid::new_v4());
    let item = Item {
        id: id.clone(),
        source: "phone".to_owned(),
        url: None,
        title: format!("来电 {id}"),
        body: String::new(),
        published: None,
        observed: engine.now(),
        fields: std::collections::BTreeMap::new(),
    };
    let taken = engine.receive(unit, "phone", vec![item], officer).await.unwrap();
    let item: uuid::Uuid = serde_json::from_value(taken["taken"][0].clone()).unwrap();
    let open = command(json!({"command": "open-case", "item": item, "level": "III"}));
    let opened = engine.desk(unit, officer, open).await.unwrap();
    (opened["case"].as_str().unwrap().to_owned(), item)
}

fn command(value: Value) -> Command {
    serde_json::from_value(value).unwrap()
}

/// The officers of the units, in the order of [`UNITS`].
fn officer(unit: &str) -> &'static str {
    PERSONS.iter().find(|(_, home)| *home == Some(unit)).unwrap().0
}

/// Whether the one check refused it.
fn not_allowed<T>(answer: &Result<T, Refusal>) -> bool {
    let said = |text: &str| {
        ["does not belong to unit", "no unit of the policy pack names", "only a named person may", "'s matter, not"]
            .iter()
            .any(|words| text.contains(words))
    };
    matches!(answer, Err(Refusal::Refused(text)) if said(text))
}

/// Every command that a person can give, on a case and its item.
fn every(case: &str, item: uuid::Uuid) -> Vec<Command> {
    let verdict = json!({"level": "IV", "score": 0.2, "factors": {}, "labels": [], "reasons": ["查"]});
    [
        json!({"command": "record-assessment", "case": case, "verdict": verdict}),
        json!({"command": "record-assessment", "item": item, "verdict": verdict}),
        json!({"command": "open-case", "item": item}),
        json!({"command": "attach-item", "case": case, "item": item}),
        json!({"command": "start-clock", "case": case, "rule": "supervision"}),
        json!({"command": "satisfy-clock", "case": case, "clock": "press-24h", "evidence": "查"}),
        json!({"command": "submit-report", "case": case, "stage": "flash", "facts": ["查"]}),
        json!({"command": "record-answer", "case": case, "text": "查", "channel": "网站"}),
        json!({"command": "record-time", "case": case, "milestone": "published"}),
        json!({"command": "record-delivery", "case": case, "notification": "n1", "outcome": "delivered", "channel": "电话"}),
        json!({"command": "close-case", "case": case}),
        json!({"command": "assign-task", "case": case, "kind": "verify", "to": "cuihu", "text": "查"}),
        json!({"command": "record-contact", "case": case, "with": "村民", "channel": "电话", "text": "查"}),
        json!({"command": "record-offline-event", "case": case, "text": "查"}),
        json!({"command": "add-concern", "case": case, "text": "查"}),
        json!({"command": "set-level", "case": case, "level": "I", "reason": "查"}),
        json!({"command": "set-line", "case": case, "text": "查"}),
        json!({"command": "declare-major", "case": case, "reason": "查"}),
        json!({"command": "correct-occurred-at", "case": case, "occurred_at": "2026-03-01T02:00:00Z", "reason": "查"}),
        json!({"command": "propose-no-response", "case": case, "reason": "查"}),
        json!({"command": "approve-no-response", "case": case, "hash": "00"}),
    ]
    .iter()
    .map(|given| Command::read(given).unwrap())
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn desk_06_random_persons_units_partitions_and_commands() {
    let mut house = house(1);
    let mut random = StdRng::seed_from_u64(6);
    let mut cases: Vec<(&str, String, uuid::Uuid)> = Vec::new();
    let above = |one: &str, other: &str| one == other || one == "linhai";
    for partitions in 1..=8 {
        house.config.partitions = Some(partitions);
        let engine = house.on_disk().await.unwrap();
        for unit in UNITS {
            let (number, item) = case_of(&engine, unit, officer(unit)).await;
            cases.push((unit, number, item));
        }
        for _ in 0..200 {
            let (person, home) = PERSONS[random.random_range(0..PERSONS.len())];
            let scope = UNITS[random.random_range(0..UNITS.len())];
            let (unit, number, item) = &cases[random.random_range(0..cases.len())];
            let mut all = every(number, *item);
            let command = all.swap_remove(random.random_range(0..all.len()));
            let allowed = home.is_some_and(|home| above(home, scope)) && above(scope, unit);
            let answer = engine.desk(scope, person, command.clone()).await;
            assert_eq!(not_allowed(&answer), !allowed, "{person} for {scope} on {unit}'s: {command:?}: {answer:?}");
            // Wherever it lies, it was found.
            assert!(
                !matches!(&answer, Err(Refusal::NotFound(why)) if allowed && !why.contains("notification") && !why.contains("clock") && !why.contains("waits for an approval")),
                "{answer:?}"
            );
        }
        engine.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn desk_06_fault_a_a_superior_reaches_subordinates_cases_over_any_partitions() {
    let mut house = house(1);
    let mut cases: Vec<(usize, String, uuid::Uuid)> = Vec::new();
    // The partitions grow between starts; what lives somewhere stays there.
    for partitions in [1, 2, 3, 8] {
        house.config.partitions = Some(partitions);
        let engine = house.on_disk().await.unwrap();
        for (at, unit) in UNITS.iter().enumerate() {
            let (number, item) = case_of(&engine, unit, officer(unit)).await;
            cases.push((at, number, item));
        }
        for (at, number, item) in &cases {
            let add = command(json!({"command": "add-concern", "case": number, "text": format!("{partitions}")}));
            engine.desk("linhai", "person:he-ping", add.clone()).await.unwrap();
            // Found by its item, too.
            let found = command(json!({"command": "open-case", "item": item}));
            let found = engine.desk("linhai", "person:he-ping", found).await.unwrap();
            assert_eq!((&found["case"], &found["opened"]), (&json!(number), &json!(false)));
            let stranger = if UNITS[*at] == "cuihu" { "qingfeng" } else { "cuihu" };
            for who in [officer(stranger), "person:nobody-at-all", "admin:admin"] {
                for unit in [UNITS[*at], stranger, "linhai"] {
                    let answer = engine.desk(unit, who, add.clone()).await;
                    assert!(not_allowed(&answer), "{who} for {unit}: {answer:?}");
                }
            }
            let gone = command(json!({"command": "add-concern", "case": "9999_1", "text": "x"}));
            let answer = engine.desk("linhai", "person:he-ping", gone).await;
            assert!(matches!(&answer, Err(Refusal::NotFound(why)) if why.contains("9999_1")), "{answer:?}");
        }
        engine.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_a_a_superiors_workflow_reaches_subordinates_cases_over_any_partitions() {
    let mut house = house(1);
    let contact = json!({"case": "${ .case }", "with": "村民", "channel": "电话", "text": "${ .text }"});
    let reach = json!({"do": [{"write": {"call": "record-contact:1.0.0@default", "with": contact}}]});
    house.workflow("reach", &["*"], &reach).unwrap();
    let mut cases: Vec<(usize, String)> = Vec::new();
    for partitions in [1, 2, 3, 8] {
        house.config.partitions = Some(partitions);
        let engine = house.on_disk().await.unwrap();
        for (at, unit) in UNITS.iter().enumerate() {
            cases.push((at, case_of(&engine, unit, officer(unit)).await.0));
        }
        for (n, (at, number)) in cases.iter().enumerate() {
            let run = |unit: &str, case: &str| Submission {
                unit: Some(unit.to_owned()),
                ..named(
                    "reach",
                    &format!("{partitions}-{n}-{unit}-{case}"),
                    json!({"case": case, "text": partitions.to_string()}),
                )
            };
            let told = |end: &huiyin_engine::ended::FinishedRun| end.result.to_string();
            // The superior's own, and asked once more under the same id.
            for _ in 0..2 {
                let end = engine.run(run("linhai", number)).await.unwrap();
                assert_eq!(end.status, "completed", "{partitions}: {}", told(&end));
            }
            let (case, text) = (number.clone(), partitions.to_string());
            let contacts = engine.look_all(move |state, _| {
                state.desk.case(&case).map(|case| case.contacts.iter().filter(|c| c.text == text).count())
            });
            assert_eq!(contacts.await.unwrap().into_iter().flatten().sum::<usize>(), 1);
            // A unit beside it may not, wherever the case lies; and what is nowhere is said to be nowhere.
            let stranger = if UNITS[*at] == "cuihu" { "qingfeng" } else { "cuihu" };
            let end = engine.run(run(stranger, number)).await.unwrap();
            assert!(told(&end).contains("authorization"), "{}", told(&end));
            let end = engine.run(run("linhai", "9999_1")).await.unwrap();
            assert!(told(&end).contains("validation") && told(&end).contains("9999_1"), "{}", told(&end));
        }
        engine.stop().await.unwrap();
    }
}

/// How many runs were started, ever.
async fn started(engine: &Engine) -> u64 {
    engine.look_all(|state, _| state.started).await.unwrap().into_iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn host_09_fault_b_a_run_id_runs_once_however_many_partitions_there_are() {
    let mut house = house(1);
    let mut random = StdRng::seed_from_u64(9);
    let mut ids: Vec<String> = Vec::new();
    for partitions in [1, 2, 3, 8] {
        house.config.partitions = Some(partitions);
        let engine = house.on_disk().await.unwrap();
        let before = started(&engine).await;
        let known = ids.len();
        ids.extend((0..8).map(|n| format!("{partitions}-{n}")));
        for _ in 0..60 {
            let id = ids[random.random_range(0..ids.len())].clone();
            let input = json!({"name": id});
            // Each id is one workflow's: nobody's, or that of a unit.
            let unit = id.bytes().map(usize::from).sum::<usize>() % (UNITS.len() + 1);
            let mine = match UNITS.get(unit) {
                None => named("alone", &id, input.clone()),
                Some(unit) => Submission { unit: Some((*unit).to_owned()), ..named("greet", &id, input.clone()) },
            };
            let end = engine.run(mine).await.unwrap();
            assert!(end.result.to_string().contains(&id), "{}", end.result);
            // Another workflow, unit or input under the id.
            let other = UNITS[random.random_range(0..UNITS.len())];
            for other in [
                Submission { unit: Some(other.to_owned()), ..named("greet", &id, json!({"name": "other"})) },
                Submission { unit: Some(other.to_owned()), ..named("hold", &id, input.clone()) },
                named("alone", &id, json!({"name": "other"})),
            ] {
                let answer = engine.submit(other).await;
                assert!(
                    matches!(&answer, Err(Refusal::Refused(why)) if why.contains("another run")),
                    "{id}: {answer:?}"
                );
            }
        }
        // Once more all of them at once, each twice.
        let mine = |id: &String| {
            let unit = id.bytes().map(usize::from).sum::<usize>() % (UNITS.len() + 1);
            let (workflow, unit) = UNITS.get(unit).map_or(("alone", None), |unit| ("greet", Some((*unit).to_owned())));
            Submission { unit, ..named(workflow, id, json!({"name": id})) }
        };
        let twice = ids.iter().chain(&ids).map(|id| engine.submit(mine(id)));
        for answer in futures::future::join_all(twice).await {
            answer.unwrap();
        }
        assert_eq!(started(&engine).await - before, (ids.len() - known) as u64, "with {partitions} partitions");
        engine.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn host_09_an_id_is_remembered_longer_than_what_the_run_came_to() {
    let house = house(2);
    let engine = house.in_memory().await.unwrap();
    engine.run(named("alone", "early", json!({"name": 1}))).await.unwrap();
    let many = (0..2_400).map(|n| engine.run(submission("alone", json!({"name": n}))));
    for end in futures::future::join_all(many).await {
        end.unwrap();
    }
    let before = started(&engine).await;
    assert_eq!(engine.submit(named("alone", "early", json!({"name": 1}))).await.unwrap(), "early");
    let answer = engine.run(named("alone", "early", json!({"name": 1}))).await;
    assert!(matches!(&answer, Err(Refusal::Refused(why)) if why.contains("has ended")), "{answer:?}");
    assert!(engine.submit(named("alone", "early", json!({"name": 2}))).await.is_err());
    assert_eq!(started(&engine).await, before);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_d_a_command_with_a_key_acts_once_and_is_remembered_across_restarts() {
    let mut house = house(2);
    let who = "person:he-ping";
    let answer = |case: &str, text: &str| {
        command(json!({"command": "record-answer", "case": case, "text": text, "channel": "网站"}))
    };
    let engine = house.on_disk().await.unwrap();
    let mut cases = Vec::new();
    for unit in UNITS {
        cases.push(case_of(&engine, unit, officer(unit)).await);
    }
    let answers = async |engine: &Engine, case: &str| {
        let case = case.to_owned();
        let found = engine.look_all(move |state, _| state.desk.case(&case).map(|case| case.answers.len()));
        found.await.unwrap().into_iter().flatten().sum::<usize>()
    };
    let mut first = Vec::new();
    for (n, (case, _)) in cases.iter().enumerate() {
        let key = format!("k{n}");
        let done = engine.desk_once("linhai", who, answer(case, "已处理"), Some(&key)).await.unwrap();
        assert_eq!(engine.desk_once("linhai", who, answer(case, "已处理"), Some(&key)).await.unwrap(), done);
        first.push(done);
        // Another person's key is another's.
        engine.desk_once("linhai", "person:lin-guodong", answer(case, "再答"), Some(&key)).await.unwrap();
        assert_eq!(answers(&engine, case).await, 2);
    }
    // A command of which nothing came has its answer on record, too.
    let open = command(json!({"command": "open-case", "item": cases[1].1}));
    let found = engine.desk_once("linhai", who, open.clone(), Some("open")).await.unwrap();
    assert_eq!(found["opened"], false);
    engine.stop().await.unwrap();
    drop(engine);
    house.config.partitions = Some(5);
    let engine = house.on_disk().await.unwrap();
    for (n, (case, _)) in cases.iter().enumerate() {
        let key = format!("k{n}");
        assert_eq!(engine.desk_once("linhai", who, answer(case, "已处理"), Some(&key)).await.unwrap(), first[n]);
        // The key with other content: of this case, of another in another partition, in another unit's name.
        let other = &cases[(n + 1) % cases.len()].0;
        for (unit, content) in [("linhai", answer(case, "别的")), ("linhai", answer(other, "已处理"))] {
            let answer = engine.desk_once(unit, who, content, Some(&key)).await;
            assert!(matches!(answer, Err(Refusal::KeyReused(_))), "{answer:?}");
        }
        assert_eq!(answers(&engine, case).await, 2);
        // Without a key each acts.
        engine.desk("linhai", who, answer(case, "已处理")).await.unwrap();
        assert_eq!(answers(&engine, case).await, 3);
    }
    assert_eq!(engine.desk_once("linhai", who, open, Some("open")).await.unwrap(), found);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn desk_06_workflows_slots_and_runs_are_their_units_and_the_admins() {
    let house = house(3);
    let engine = house.in_memory().await.unwrap();
    let start = |unit: Option<&str>, who: &str| Submission {
        unit: unit.map(str::to_owned),
        actor: who.to_owned(),
        ..submission(if unit.is_some() { "hold" } else { "alone" }, json!({}))
    };
    for unit in UNITS {
        for (who, home) in
            PERSONS.into_iter().chain([("admin:wang", Some("linhai")), ("run:r", None), ("person:admin", None)])
        {
            let may = home.is_some_and(|home| home == unit || home == "linhai");
            let answer = engine.submit(start(Some(unit), who)).await;
            assert_eq!(answer.is_ok(), may, "{who} starts for {unit}: {answer:?}");
            assert!(may || not_allowed(&answer), "{answer:?}");
            let run = engine.submit(start(Some(unit), officer(unit))).await.unwrap();
            let answer = engine.cancel(&run, "查", who).await;
            assert_eq!(answer.is_ok(), may, "{who} cancels for {unit}: {answer:?}");
            let text = json!({"document": {"dsl": "1.0.3", "namespace": "tests", "name": "new", "version": "1.0.0"}, "do": [{"a": {"set": {"x": 1}}}]});
            let text = huiyin_engine::deploy::WorkflowText { file: "new.json".to_owned(), text: text.to_string() };
            let answer = engine.deploy(vec![text.clone()], &[unit.to_owned()], who).await.map(drop);
            assert_eq!(answer.is_ok(), may, "{who} deploys for {unit}: {answer:?}");
            for units in [vec![], vec!["*".to_owned()]] {
                let answer = engine.deploy(vec![text.clone()], &units, who).await.map(drop);
                assert_eq!(answer.is_ok(), home == Some("linhai"), "{who} deploys for {units:?}: {answer:?}");
            }
            assert_eq!(engine.submit(start(None, who)).await.is_ok(), home == Some("linhai"), "{who}");
        }
    }
    engine.stop().await.unwrap();
}
