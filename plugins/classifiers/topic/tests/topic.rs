//! The classifier as a host calls it, with models that are trained here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed test may panic")]

use std::collections::BTreeSet;
use std::path::Path;

use huiyin_plugin_topic::{Classify, Example, Model, Wrong, train};
use huiyin_sdk::serde_json::{self, Value, json};
use huiyin_sdk::{Classifier, Error, Item, Level, Outcome, Verdict, testing};

type Labelled = (String, BTreeSet<String>);

fn labelled() -> Vec<Labelled> {
    let text = include_str!("../fixtures/labelled.jsonl");
    text.lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            let labels = value["expect"]["labels"].as_array().unwrap();
            let labels = labels.iter().map(|label| label.as_str().unwrap().to_owned()).collect();
            (value["title"].as_str().unwrap().to_owned(), labels)
        })
        .collect()
}

fn trained(all: &[Labelled]) -> Result<Vec<u8>, String> {
    let examples: Vec<_> = all.iter().map(|(title, topics)| Example { title, body: "", topics }).collect();
    train(&examples)
}

fn of(pairs: &[(&str, &str)]) -> Vec<Labelled> {
    let labels = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    pairs.iter().map(|(text, names)| ((*text).to_owned(), labels(names))).collect()
}

fn item(title: &str) -> Item {
    Item { title: title.to_owned(), ..Item::default() }
}

fn classify(config: &Value, model: &[u8], items: Vec<Item>) -> Result<Outcome, Error> {
    let config = serde_json::from_value(config.clone()).unwrap();
    Classify::classify(&testing::context(0), config, model, None, items)
}

fn judge(config: &Value, model: &[u8], title: &str) -> Verdict {
    classify(config, model, vec![item(title)]).unwrap().verdicts.remove(0).unwrap()
}

fn refused(config: &Value, model: &[u8]) -> String {
    match classify(config, model, vec![]) {
        Err(Error::InvalidInput(text) | Error::InvalidConfig(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_items_give_the_same_bytes_as_when_the_model_of_the_cases_was_made() {
    let model = trained(&labelled()).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/model.bin");
    if std::env::var_os("HUIYIN_WRITE").is_some() {
        std::fs::write(&file, &model).unwrap();
    }
    assert!(model == std::fs::read(&file).unwrap(), "HUIYIN_WRITE=1 writes it anew");
    let read = Model::read(&model).unwrap();
    let topics: Vec<_> = read.topics.iter().map(|topic| (topic.name, topic.items)).collect();
    assert_eq!(topics, [("有害生物", 15), ("林地侵占", 15), ("森林火灾", 15), ("野生动物", 15)]);
    assert!(!read.one_each && read.items == 75);
}

#[test]
fn what_is_said_otherwise_is_told_by_its_parts() {
    let model = trained(&labelled()).unwrap();
    let config = json!({"topics": {"森林火灾": {"level": "III"}}});
    for (title, topic) in [
        ("鹿鸣坪烧荒，山火往林场烧过来了", "森林火灾"),
        ("野猪又进了苞谷地，没人赔", "野生动物"),
        ("保护区里有人挖山砍树建房", "林地侵占"),
        ("松树枯死一大片，是不是线虫", "有害生物"),
    ] {
        let verdict = judge(&config, &model, title);
        assert_eq!(verdict.labels.first().map(String::as_str), Some(topic), "{title}: {verdict:?}");
        assert_eq!(verdict.level, (topic == "森林火灾").then_some(Level::III));
        assert!(verdict.reasons[0].starts_with(&format!("像“{topic}”（0.")) && verdict.reasons[0].contains("：因“"));
        assert!(verdict.score >= 0.5 && verdict.factors[0].name == topic);
    }
    for title in ["周末超市打折吗", "公交几点收车", "", "!?", "qwerty"] {
        assert_eq!(judge(&config, &model, title), Verdict::default(), "{title}");
    }
}

#[test]
fn other_scripts_widths_and_spaces_are_the_same_text() {
    let model = trained(&labelled()).unwrap();
    let plain = judge(&json!({}), &model, "林场山火浓烟");
    assert!(!plain.labels.is_empty());
    for title in ["林場山火濃煙", "林场 山 火浓烟", "林场⼭⽕浓烟"] {
        assert_eq!(judge(&json!({}), &model, title), plain, "{title}");
    }
}

#[test]
fn what_never_occurred_together_and_long_texts_stay_in_bounds() {
    let model = trained(&labelled()).unwrap();
    let long = "林场起火，浓烟滚滚。".repeat(20_000);
    let verdict = judge(&json!({"atLeast": 0.0}), &model, &long);
    assert_eq!(verdict.labels.len(), 4);
    assert!(verdict.factors.iter().all(|factor| (0.0..=1.0).contains(&factor.score)));
    assert!(verdict.reasons[0].chars().count() < 60);
}

#[test]
fn where_each_item_has_one_topic_the_best_is_said() {
    let data = of(&[("起火了", "火"), ("山火", "火"), ("虫子", "虫"), ("害虫", "虫"), ("水库", "水"), ("洪水", "水")]);
    let model = trained(&data).unwrap();
    assert!(Model::read(&model).unwrap().one_each);
    assert_eq!(judge(&json!({}), &model, "火和虫和火").labels.len(), 1);
    assert_eq!(judge(&json!({"most": 3}), &model, "火和虫和水").labels.len(), 3);
    assert!(judge(&json!({"atLeast": 1.0}), &model, "火").labels.is_empty());
    let few = json!({"topics": {"火": {"atLeast": 1.0}}, "most": 3});
    assert!(!judge(&few, &model, "火虫").labels.contains(&"火".to_owned()));
}

#[test]
fn the_model_comes_with_the_call_or_in_the_configuration() {
    use base64::Engine as _;
    let model = trained(&labelled()).unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(&model);
    let by_call = judge(&json!({}), &model, "山火");
    assert_eq!(judge(&json!({"model": text}), &[], "山火"), by_call);
    assert_eq!(judge(&json!({"model": "bm9uZQ=="}), &model, "山火"), by_call, "the call's goes first");
    assert!(refused(&json!({"model": "?"}), &[]).contains("at /model: it is not Base64"));
    assert!(refused(&json!({}), &[]).contains("there is no model; train one"));
}

#[test]
fn a_wrong_model_is_refused_and_says_why() {
    let model = trained(&labelled()).unwrap();
    assert_eq!(Model::read(b"PK\x03\x04").unwrap_err(), Wrong::NoModel);
    assert!(refused(&json!({}), b"{}").contains("no model of `topic`"));
    let mut newer = model.clone();
    newer[8] = 7;
    assert!(refused(&json!({}), &newer).contains("of version 7, and this plugin reads version 1"));
    for cut in [8, 9, 31, 32, 40, 33_000, model.len() - 1] {
        assert_eq!(Model::read(&model[..cut]).unwrap_err(), Wrong::Damaged, "cut at {cut}");
    }
    let mut longer = model.clone();
    longer.push(0);
    assert_eq!(Model::read(&longer).unwrap_err(), Wrong::Damaged);
    for at in (10..model.len()).step_by(997).chain([10, 12, 16, 20, 24]) {
        let mut changed = model.clone();
        changed[at] ^= 0x10;
        if (16..20).contains(&at) {
            continue; // how many items there were: said, and used for nothing
        }
        assert!(Model::read(&changed).is_err(), "a changed byte at {at}");
    }
}

#[test]
fn items_that_teach_nothing_are_refused() {
    for (data, why) in [
        (of(&[]), "no item has a topic"),
        (of(&[("甲", ""), ("乙", "")]), "no item has a topic"),
        (of(&[("甲", "火"), ("乙", "")]), "only 1 item has the topic `火`"),
        (of(&[("甲", "火"), ("乙", "火")]), "all 2 items have the topic `火`"),
        (of(&[("甲", &"火".repeat(70)), ("乙", &"火".repeat(70)), ("丙", "")]), "over 200 bytes"),
    ] {
        assert!(trained(&data).unwrap_err().contains(why), "{why}");
    }
    trained(&of(&[("", "火"), ("", "火"), ("", "")])).unwrap();
}

#[test]
fn a_wrong_configuration_says_where() {
    let model = trained(&labelled()).unwrap();
    for (config, why) in [
        (json!({"atLeast": 1.5}), "at /atLeast: "),
        (json!({"most": 0}), "at /most: "),
        (json!({"topics": {"森林火灾": {"atLeast": -1.0}}}), "at /topics/森林火灾/atLeast: "),
        (json!({"topics": {"地/震": {}}}), "at /topics/地~1震: the model has no such topic; it has 有害生物, 林地侵占"),
    ] {
        assert!(refused(&config, &model).contains(why), "{config}");
    }
    let unknown = testing::classify::<Classify>(&testing::context(0), r#"{"atleast": 1}"#, vec![]);
    assert!(matches!(unknown, Err(Error::InvalidConfig(text)) if text.contains("atleast")));
}
