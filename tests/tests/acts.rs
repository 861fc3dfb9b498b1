//! Who acts, wherever the things lie: persons of the pack and the host's admin
//! on cases, workflows and runs, over any number of partitions; and what is
//! asked twice happens once. Real wasm, real files, real restarts.

// Clippy's settings for tests do not reach helper functions of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use huiyin_desk::{Command, Item};
use huiyin_engine::{Engine, Refusal};
use huiyin_tests::house::House;
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
