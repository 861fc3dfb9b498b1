//! The classifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_sentiment::Sentiment;
use huiyin_sdk::{Error, Item, Level, Verdict, testing};

fn judge_with(config: &str, title: &str, body: &str) -> Verdict {
    let item = Item { title: title.to_owned(), body: body.to_owned(), ..Item::default() };
    let outcome = testing::classify::<Sentiment>(&testing::context(0), config, vec![item]).unwrap();
    outcome.verdicts.into_iter().next().unwrap().unwrap()
}

fn label(text: &str) -> String {
    judge_with("{}", text, "").labels.remove(0)
}

/// The first reason's words and value.
fn first(text: &str) -> String {
    judge_with("{}", text, "").reasons.first().cloned().unwrap_or_default()
}

#[test]
fn plain_texts_are_told() {
    for (text, wanted) in [
        ("护林员太辛苦了，为你们点赞", "正面"),
        ("山水很美，服务也周到", "正面"),
        ("态度恶劣，办事拖拉", "负面"),
        ("乱砍滥伐，令人气愤", "负面"),
        ("打了三次电话都是推诿", "负面"),
        ("明天召开工作会议", "中性"),
        ("", "中性"),
    ] {
        assert_eq!(label(text), wanted, "{text}: {:?}", judge_with("{}", text, ""));
    }
}

#[test]
fn negation_turns_and_double_negation_turns_back() {
    for (text, wanted) in [
        ("并不满意", "负面"),
        ("没有一点帮助", "负面"),
        ("从来没有满意过", "负面"),
        ("服务不是不好", "正面"),
        ("没有污染", "正面"),
        ("不得不佩服", "正面"),
        ("谁不喜欢这片林子", "正面"),
        ("难道不满意吗", "正面"),
        ("不错", "正面"),
        ("没问题", "正面"),
        ("不负责任", "负面"),
    ] {
        assert_eq!(label(text), wanted, "{text}: {:?}", judge_with("{}", text, ""));
    }
}

#[test]
fn degree_makes_stronger_and_under_a_negation_weaker() {
    let strength = |text: &str| {
        let reason = first(text);
        reason.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(strength("非常满意") > strength("满意") && strength("满意") > strength("有点满意"));
    assert!(strength("很不满意") < strength("不满意"), "{} {}", first("很不满意"), first("不满意"));
    assert!(strength("不太满意") > strength("不满意") && strength("不太满意") < 0.0);
    assert!(strength("满意！") > strength("满意"));
    assert!(first("对处理结果很不满意").starts_with("“很不满意” -"), "{}", first("对处理结果很不满意"));
}

#[test]
fn what_follows_but_counts_more() {
    assert_eq!(label("风景很美，但是管理混乱"), "负面");
    assert_eq!(label("管理混乱，但是风景很美"), "正面");
    // The next sentence begins anew.
    let verdict = judge_with("{}", "但是管理混乱。风景很美", "");
    assert_eq!(verdict.reasons.len(), 2, "{verdict:?}");
}

#[test]
fn a_clause_ends_what_a_negation_reaches() {
    assert_eq!(label("不，很好"), "正面");
    assert_eq!(label("没人来，环境优美"), "正面");
    assert_eq!(label("不知道那边的领导同志们满意"), "正面", "too far away");
}

#[test]
fn the_score_says_how_bad_and_levels_follow_it() {
    let config = r#"{"levels": {"IV": 0.4, "III": 0.7}}"#;
    let (mild, grave) =
        (judge_with(config, "有点失望", ""), judge_with(config, "极其恶劣，无耻，令人发指", "完全失望"));
    assert!(mild.score > 0.0 && mild.score < grave.score && grave.score <= 1.0);
    assert_eq!(grave.level, Some(Level::III));
    let good = judge_with(config, "非常满意", "");
    assert_eq!((good.level, good.score), (None, 0.0));
    assert!(good.factors[0].score > 0.0 && good.factors[1].score == 0.0);
}

#[test]
fn a_unit_has_words_of_its_own() {
    let config = r#"{"words": {"秃头山": -2.5, "推诿": 0}}"#;
    assert_eq!(judge_with(config, "好端端成了秃头山", "").labels, ["负面"]);
    assert_eq!(judge_with(config, "推诿", "").labels, ["中性"]);
    assert_eq!(judge_with(r#"{"atLeast": 0.9}"#, "满意", "").labels, ["中性"]);
}

#[test]
fn other_scripts_spaces_and_long_texts_are_read() {
    assert_eq!(first("態度惡劣"), first("态度恶劣"));
    assert_eq!(first("态 度\u{200b}恶 劣"), first("态度恶劣"));
    let long = judge_with("{}", "", &"态度恶劣，".repeat(20_000));
    assert!(long.score <= 1.0 && long.reasons.len() == 1, "{:?}", long.reasons);
    assert_eq!(judge_with("{}", "第一行满意\n第二行满意", "").reasons.len(), 1);
}

#[test]
fn a_wrong_configuration_says_where() {
    for (config, why) in [
        (r#"{"words": {"好": 4}}"#, "at /words/好: "),
        (r#"{"words": {" ": 1}}"#, "at /words: "),
        (r#"{"atLeast": 1.1}"#, "at /atLeast: "),
        (r#"{"levels": {"II": 2}}"#, "at /levels/II: "),
        (r#"{"levels": {"V": 0.2}}"#, "V"),
        (r#"{"word": {}}"#, "word"),
    ] {
        match testing::classify::<Sentiment>(&testing::context(0), config, vec![]) {
            Err(Error::InvalidConfig(text)) => assert!(text.contains(why), "{config}: {text}"),
            other => panic!("{config}: {other:?}"),
        }
    }
}
