//! The classifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_keyword::Keyword;
use huiyin_sdk::{Error, Item, Level, Verdict, testing};

const CONFIG: &str = r#"{"rules": [
  {"name": "火情", "when": {"any": ["山火", "森林火灾", "Forest Fire"], "not": ["演练"]}, "level": "III", "score": 0.6},
  {"name": "火情谣言", "when": {"all": ["山火", ["网传", "听说"]]}, "level": "II", "labels": ["谣言"], "score": 0.9},
  {"name": "标题盗伐", "when": "盗伐", "in": "title", "labels": ["疑虑"]},
  {"name": "深", "when": {"all": [{"any": ["甲", {"all": ["乙", "丙"]}]}], "not": [{"all": ["丁", "戊"]}]}}
]}"#;

fn judge(title: &str, body: &str) -> Verdict {
    let item = Item { title: title.to_owned(), body: body.to_owned(), ..Item::default() };
    let outcome = testing::classify::<Keyword>(&testing::context(0), CONFIG, vec![item]).unwrap();
    assert_eq!(outcome.state, None);
    outcome.verdicts.into_iter().next().unwrap().unwrap()
}

#[test]
fn the_gravest_rule_that_holds_counts() {
    let verdict = judge("突发", "网传某地发生山火,火势蔓延");
    assert_eq!(verdict.level, Some(Level::II));
    assert!((verdict.score - 0.9).abs() < f64::EPSILON);
    assert_eq!(verdict.labels, ["谣言"]);
    assert_eq!(verdict.reasons, ["规则“火情”成立：出现“山火”", "规则“火情谣言”成立：出现“山火”“网传”"]);
    assert_eq!(verdict.factors[0].name, "content");
}

#[test]
fn groups_nest_and_not_excludes() {
    assert_eq!(judge("山火应急演练", "").level, None);
    assert_eq!(judge("", "甲").reasons.len(), 1);
    assert_eq!(judge("丙", "乙").reasons.len(), 1, "title and body together");
    assert!(judge("", "乙").reasons.is_empty());
    assert!(judge("", "甲丁戊").reasons.is_empty());
    assert_eq!(judge("", "甲丁").reasons.len(), 1);
}

#[test]
fn a_rule_looks_where_it_is_told() {
    assert_eq!(judge("盗伐林木", "").labels, ["疑虑"]);
    assert!(judge("", "盗伐林木").labels.is_empty());
}

#[test]
fn tricks_with_width_case_and_spaces_do_not_help() {
    assert_eq!(judge("山 火", "").level, Some(Level::III));
    assert_eq!(judge("Ｆorest ＦIRＥ", "").level, Some(Level::III));
}

#[test]
fn a_term_written_twice_is_told_once_and_as_its_rule_has_it() {
    let config = r#"{"rules": [
      {"name": "一", "when": {"any": ["山火", "山 火", "火情"]}},
      {"name": "二", "when": "山 火"}
    ]}"#;
    let item = Item { title: "山火".to_owned(), ..Item::default() };
    let outcome = testing::classify::<Keyword>(&testing::context(0), config, vec![item]).unwrap();
    let verdict = outcome.verdicts.into_iter().next().unwrap().unwrap();
    assert_eq!(verdict.reasons, ["规则“一”成立：出现“山火”", "规则“二”成立：出现“山 火”"]);
}

#[test]
fn an_item_that_no_rule_meets_has_no_level() {
    assert_eq!(judge("今日天气", "晴"), Verdict::default());
}

#[test]
fn a_batch_keeps_its_order() {
    let items = ["山火", "晴", "山火"].map(|title| Item { title: title.to_owned(), ..Item::default() }).to_vec();
    let outcome = testing::classify::<Keyword>(&testing::context(0), CONFIG, items).unwrap();
    let levels: Vec<_> = outcome.verdicts.iter().map(|v| v.as_ref().unwrap().level).collect();
    assert_eq!(levels, [Some(Level::III), None, Some(Level::III)]);
}

#[test]
fn a_wrong_rule_says_where() {
    for (config, why) in [
        (r#"{"rules": []}"#, "/rules: there is no rule"),
        (r#"{"rules": [{"name": "a", "when": " "}]}"#, "/rules/0/when: the term is empty"),
        (r#"{"rules": [{"name": "a", "when": ["a", ""]}]}"#, "/rules/0/when/1: the term"),
        (r#"{"rules": [{"name": "a", "when": []}]}"#, "/rules/0/when: the list"),
        (r#"{"rules": [{"name": "a", "when": {"not": ["a"]}}]}"#, "`all` or `any`"),
        (r#"{"rules": [{"name": "a", "when": {"any": ["a", {"all": [""]}]}}]}"#, "/rules/0/when/any/1/all/0"),
        (r#"{"rules": [{"name": "a", "when": "a", "score": 2}]}"#, "/rules/0/score"),
        (r#"{"rules": [{"name": "a", "when": "a", "level": "V"}]}"#, "/rules/0/level"),
        (r#"{"rules": [{"name": "a"}]}"#, "missing field `when`"),
        ("{}", "missing field `rules`"),
    ] {
        match testing::classify::<Keyword>(&testing::context(0), config, vec![]) {
            Err(Error::InvalidConfig(text)) => assert!(text.contains(why), "{config}: {text}"),
            other => panic!("{config}: {other:?}"),
        }
    }
}

#[test]
fn plugins_15_a_term_is_found_in_other_scripts_and_in_what_pdfs_give() {
    for title in ["某县⼭⽕", "某縣山火", "某县山\u{fe00}火", "某县山\u{2066}火", "某县\u{2f2d}\u{2f55}"]
    {
        let verdict = judge(title, "");
        assert_eq!(verdict.level, Some(Level::III), "{title}");
        assert_eq!(verdict.reasons, ["规则“火情”成立：出现“山火”"], "{title}");
    }
    assert_eq!(judge("森林火災", "").level, Some(Level::III));
    assert_eq!(judge("\u{1d405}orest \u{fb01}re", "").level, Some(Level::III), "letters of another style");
    assert_eq!(judge("盜伐林木", "").labels, ["疑虑"]);
}
