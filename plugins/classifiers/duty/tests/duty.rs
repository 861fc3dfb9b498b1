//! The classifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_duty::Duties;
use huiyin_sdk::{Error, Item, Verdict, testing};

/// The configuration of the README.
fn config() -> String {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("```json\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn item(title: &str, body: &str, region: Option<&str>) -> Item {
    let mut item = Item { title: title.to_owned(), body: body.to_owned(), ..Item::default() };
    if let Some(region) = region {
        item.fields.insert("region".to_owned(), region.to_owned());
    }
    item
}

fn judge_with(config: &str, item: Item) -> Verdict {
    let outcome = testing::classify::<Duties>(&testing::context(0), config, vec![item]).unwrap();
    assert_eq!(outcome.state, None);
    outcome.verdicts.into_iter().next().unwrap().unwrap()
}

fn judge(title: &str, body: &str, region: Option<&str>) -> Verdict {
    judge_with(&config(), item(title, body, region))
}

#[test]
fn an_item_goes_to_whose_duty_it_is() {
    let verdict = judge("老鹰岩山火", "", Some("999921"));
    assert_eq!(verdict.labels, ["duty:火情监测", "unit:forest-fire"]);
    assert_eq!(verdict.reasons, ["职责“火情监测”（forest-fire）：出现“山火”"]);
    assert!((verdict.score - 1.0).abs() < 1e-9 && verdict.level.is_none());
    assert_eq!(judge("群众救助受伤猫头鹰", "", None).labels[..2], ["duty:野生动物救护", "unit:cuihu"]);
    assert_eq!(judge("今日天气", "晴", None), Verdict::default(), "what is nobody's duty waits for a person");
    assert_eq!(judge("森林火灾应急演练", "", None), Verdict::default());
}

#[test]
fn a_duty_of_a_place_is_held_there_and_where_the_place_is_not_told() {
    let felling = |region| judge("有人盗伐林木", "", region);
    assert_eq!(felling(Some("999921")).labels, ["duty:木材采伐监管", "unit:qingfeng"]);
    assert_eq!(felling(Some("999921001")).labels[1], "unit:qingfeng");
    assert_eq!(felling(Some("999900")), Verdict::default());
    assert_eq!(
        felling(None).reasons,
        ["职责“木材采伐监管”（qingfeng）：出现“盗伐”；未注明地区，按属地可能另有承办单位"]
    );
    assert_eq!(felling(Some("青枫")).labels.len(), 2, "no code is no place told");
}

#[test]
fn the_best_supported_comes_first_and_a_tie_is_said() {
    let both = judge("山火", "猫头鹰受伤获救助", None);
    assert_eq!(both.labels, ["duty:火情监测", "unit:forest-fire", "duty:野生动物救护", "unit:cuihu"]);
    assert!((both.factors[0].score - 1.0).abs() < 1e-9 && (both.factors[1].score - 0.8).abs() < 1e-9);
    let config = r#"{"duties": [
        {"name": "甲", "unit": "a", "when": "古茶树"}, {"name": "乙", "unit": "b", "when": "茶树"},
        {"name": "丙", "when": ["茶", "古"], "weight": 0.5}, {"name": "甲", "unit": "c", "when": ["古茶", "茶树"]}
    ]}"#;
    let verdict = judge_with(config, item("古茶树", "", None));
    assert_eq!(verdict.labels, ["duty:甲", "unit:c", "unit:a", "duty:乙", "unit:b", "duty:丙"]);
    let tie = judge_with(config, item("", "只说茶树与古", None));
    assert_eq!(tie.labels, ["duty:乙", "unit:b", "duty:甲", "unit:c", "duty:丙", "duty-tie"]);
    assert_eq!(tie.reasons.last().unwrap(), "前2项职责理由相当，主办单位由人确定");
}

#[test]
fn other_scripts_hide_nothing_and_a_rule_looks_where_it_is_told() {
    assert_eq!(judge("盜伐林木", "", Some("999921")).labels.len(), 2);
    assert_eq!(judge("⼭ ⽕", "", None).labels.len(), 2);
    let config =
        r#"{"duties": [{"name": "题", "when": "茶", "in": "title"}, {"name": "文", "when": "茶", "in": "body"}]}"#;
    assert_eq!(judge_with(config, item("茶", "", None)).labels, ["duty:题"]);
    assert_eq!(judge_with(config, item("", "茶", None)).labels, ["duty:文"]);
}

#[test]
fn a_wrong_configuration_says_where() {
    for (config, why) in [
        (r#"{"duties": []}"#, "/duties: there is no duty"),
        ("{}", "missing field `duties`"),
        (r#"{"duties": [{"name": " ", "when": "a"}]}"#, "/duties/0/name"),
        (r#"{"duties": [{"name": "a", "when": ""}]}"#, "/duties/0/when: the term is empty"),
        (r#"{"duties": [{"name": "a", "when": {"all": [{"not": ["b"]}]}}]}"#, "/duties/0/when/all/0: a group"),
        (r#"{"duties": [{"name": "a", "when": "b", "weight": 0}]}"#, "/duties/0/weight"),
        (r#"{"duties": [{"name": "a", "when": "b", "unit": ""}]}"#, "/duties/0/unit"),
        (r#"{"duties": [{"name": "a", "when": "b", "regions": ["53010"]}]}"#, "/duties/0/regions/0: \"53010\""),
        (r#"{"duties": [{"name": "a", "when": "b"}, {"name": "a", "when": "c"}]}"#, "/duties/1: the same duty"),
    ] {
        match testing::classify::<Duties>(&testing::context(0), config, vec![]) {
            Err(Error::InvalidConfig(text)) => assert!(text.contains(why), "{config}: {text}"),
            other => panic!("{config}: {other:?}"),
        }
    }
}
