//! The classifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_rumour_markers::RumourMarkers;
use huiyin_sdk::{Error, Item, Level, Verdict, testing};

fn judge_with(config: &str, title: &str, body: &str) -> Verdict {
    let item = Item { title: title.to_owned(), body: body.to_owned(), ..Item::default() };
    let outcome = testing::classify::<RumourMarkers>(&testing::context(0), config, vec![item]).unwrap();
    outcome.verdicts.into_iter().next().unwrap().unwrap()
}

fn labels(text: &str) -> Vec<String> {
    judge_with("{}", text, "").labels
}

#[test]
fn each_label_comes_with_the_words_that_carry_it() {
    for (text, label, word) in [
        ("网传青石岭山火烧死多人", "谣言", "网传"),
        ("内部消息，明天封山，速转", "谣言", "内部消息"),
        ("据说，听人说水库要垮了", "谣言", "听人说"),
        ("飞机喷的药有毒吗，蜂都死了", "疑虑", "有毒吗"),
        ("砍了这么多树，到底谁批的", "疑虑", "到底谁"),
        ("烧成这样了怎么没人管", "疑虑", "怎么没人管"),
        ("打野猪也犯法？自家的树都不能砍", "误解", "打野猪也犯法"),
        ("以为不用办证就能采伐", "误解", "以为不用"),
        ("火是他们自己放的火，就是为了骗补贴", "歪曲", "自己放的火"),
        ("死了人瞒报，现场不让拍", "歪曲", "瞒报"),
    ] {
        let verdict = judge_with("{}", text, "");
        assert!(verdict.labels.iter().any(|got| got == label), "{text}: {verdict:?}");
        let reason = verdict.reasons.iter().find(|reason| reason.starts_with(label)).unwrap();
        assert!(reason.contains(&format!("“{word}”")), "{text}: {reason}");
        assert!(verdict.factors.iter().any(|factor| factor.name == label && factor.score >= 0.4));
    }
}

#[test]
fn what_only_sounds_like_it_carries_nothing() {
    for text in [
        "今日天气晴",
        "植树节活动在林场举行",
        "民间传说中的大青树",
        "森林防火禁火令：禁止野外用火",
        "野生菌怎么做好吃",
        "不用担心，火已扑灭",
        "听说读写训练班招生",
        "请转移到安全地带，村民都转移了",
        "关于转发防火工作要点的通知",
        "",
    ] {
        assert!(labels(text).is_empty(), "{text}: {:?}", judge_with("{}", text, ""));
    }
}

#[test]
fn who_denies_a_rumour_does_not_spread_it() {
    let told = judge_with("{}", "辟谣：网传“青石岭山火烧死多人”不属实", "经核查，系谣言。请以官方发布为准。");
    assert!(told.labels.is_empty(), "{told:?}");
    assert!(told.reasons[0].contains("辟谣") && told.factors[0].score > 0.0);
    // Whoever asks for the denial does, and doubts.
    let asked = judge_with("{}", "网传青石岭烧死多人，求辟谣", "");
    assert!(asked.labels.contains(&"谣言".to_owned()) && asked.labels.contains(&"疑虑".to_owned()), "{asked:?}");
    let mocked = judge_with("{}", "网传山火死人，等下又要辟谣了，瞒报的瞒报", "");
    assert!(mocked.labels.contains(&"谣言".to_owned()) && mocked.labels.contains(&"歪曲".to_owned()), "{mocked:?}");
}

#[test]
fn words_within_words_count_once() {
    let one = judge_with("{}", "群里都在传", "");
    assert!((one.score - 0.6).abs() < 1e-9, "{one:?}");
    assert_eq!(one.reasons, ["谣言（0.60）：“群里都在传”"]);
    let twice = judge_with("{}", "据说据说据说", "");
    assert!(twice.labels.is_empty() && (twice.factors[0].score - 0.3).abs() < 1e-9, "{twice:?}");
    let two = judge_with("{}", "据说，有人说", "");
    assert!((two.score - 0.51).abs() < 1e-9, "{two:?}");
}

#[test]
fn other_scripts_spaces_and_widths_are_the_same_text() {
    for text in ["網傳山火", "网 传山火", "⽹传山火", "网\u{200b}传山火"] {
        assert_eq!(labels(text), ["谣言"], "{text}");
    }
}

#[test]
fn a_unit_adds_takes_away_and_sets_levels() {
    let config = r#"{"labels": {
        "谣言": {"level": "II", "words": {"村口都在说": 0.5}, "without": ["网传"]},
        "疑虑": {"atLeast": 0.9}
    }, "denials": ["临海发布"], "about": ["山火", "林场"]}"#;
    let verdict = judge_with(config, "村口都在说山火烧过来了", "");
    assert_eq!((verdict.level, verdict.labels), (Some(Level::II), vec!["谣言".to_owned()]));
    assert!(judge_with(config, "网传山火", "").labels.is_empty());
    assert!(judge_with(config, "山火有毒吗", "").labels.is_empty());
    assert!(judge_with(config, "内部消息：超市关门", "").labels.is_empty(), "no matter of the duty");
    assert!(judge_with(config, "临海发布：内部消息所说的山火", "").labels.is_empty());
    assert!(!judge_with(config, "内部消息：林场要起火", "").labels.is_empty());
}

#[test]
fn a_wrong_configuration_says_where() {
    for (config, why) in [
        (r#"{"labels": {"谣言": {"words": {"a": 1.2}}}}"#, "at /labels/谣言/words/a: "),
        (r#"{"labels": {"谣言": {"words": {" ": 0.2}}}}"#, "at /labels/谣言/words: "),
        (r#"{"labels": {"谣言": {"without": ["没有的词"]}}}"#, "`没有的词` is no built-in word"),
        (r#"{"labels": {"疑虑": {"atLeast": -1}}}"#, "at /labels/疑虑/atLeast: "),
        (r#"{"denials": [""]}"#, "at /denials/0: "),
        (r#"{"about": ["山", " "]}"#, "at /about/1: "),
        (r#"{"labels": {"谎言": {}}}"#, "谎言"),
    ] {
        match testing::classify::<RumourMarkers>(&testing::context(0), config, vec![]) {
            Err(Error::InvalidConfig(text)) => assert!(text.contains(why), "{config}: {text}"),
            other => panic!("{config}: {other:?}"),
        }
    }
}
