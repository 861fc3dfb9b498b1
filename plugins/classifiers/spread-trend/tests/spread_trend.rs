//! The classifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_spread_trend::SpreadTrend;
use huiyin_sdk::{Error, Item, Level, Outcome, Verdict, testing};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
/// 2026-03-01T08:00:00+08:00.
const NOW: u64 = 1_772_323_200_000;
/// Comments alone count, so that a rate is a number of comments an hour.
const COMMENTS: &str = r#"{"weights": {"item": 0, "reads": 0, "comments": 1, "shares": 0, "likes": 0}}"#;

fn seen(id: &str, at: u64, comments: u64) -> Item {
    let mut item = Item { id: id.to_owned(), title: "老鹰岩冒烟".to_owned(), observed: at, ..Item::default() };
    item.fields.insert("topic".to_owned(), "老鹰岩冒烟".to_owned());
    item.fields.insert("comments".to_owned(), comments.to_string());
    item
}

fn call(config: &str, state: Option<Vec<u8>>, now: u64, items: Vec<Item>) -> Outcome {
    testing::classify_with::<SpreadTrend>(&testing::context(now), config, &[], state, items).unwrap()
}

fn last(outcome: &Outcome) -> &Verdict {
    outcome.verdicts.last().unwrap().as_ref().unwrap()
}

/// The heat an hour that is told first.
fn rate(verdict: &Verdict) -> u64 {
    let (_, rest) = verdict.reasons[0].split_once("每小时").unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// A topic that is observed each hour, with these counts.
fn hourly(config: &str, counts: &[u64]) -> Vec<Verdict> {
    let (mut state, mut out) = (None, Vec::new());
    for (n, &count) in counts.iter().enumerate() {
        let now = NOW + n as u64 * HOUR;
        let outcome = call(config, state, now, vec![seen("a", now, count)]);
        out.push(last(&outcome).clone());
        state = outcome.state;
    }
    out
}

#[test]
fn the_rate_is_what_was_added_within_the_window() {
    let said = hourly(COMMENTS, &[500, 900, 2_500]);
    assert_eq!(rate(&said[0]), 0, "what was there before we looked is no spread");
    assert_eq!(rate(&said[1]), 400);
    assert_eq!(
        said[2].reasons,
        [
            "话题“老鹰岩冒烟”：近60分钟热度每小时1600（新增0条），此前同长时段400，每小时加速1200",
            "达到Ⅲ级上线1000",
            "升至此前的4.0倍（不少于3倍），提高一级"
        ]
    );
    assert_eq!(said[2].labels, ["spread-rising", "spread-surging"]);
    assert_eq!(said.iter().map(|v| v.level).collect::<Vec<_>>(), [None, Some(Level::IV), Some(Level::II)]);
}

#[test]
fn an_item_that_was_just_published_grew_from_nothing() {
    let mut item = seen("a", NOW, 3_000);
    item.published = Some(NOW - HOUR / 2);
    let outcome = call(COMMENTS, None, NOW, vec![item.clone()]);
    assert_eq!((rate(last(&outcome)), last(&outcome).level), (3_000, Some(Level::III)));
    item.published = Some(NOW - 3 * HOUR);
    assert_eq!(rate(last(&call(COMMENTS, None, NOW, vec![item.clone()]))), 1_000, "an even third of it");
    item.published = Some(NOW + HOUR);
    assert_eq!(rate(last(&call(COMMENTS, None, NOW, vec![item]))), 0, "a time that is yet to come is not believed");
}

#[test]
fn more_items_are_a_spread_too_and_counts_are_read_as_platforms_write_them() {
    let items: Vec<Item> = (0..10)
        .map(|n| {
            let mut item = seen(&n.to_string(), NOW - n * MINUTE, 0);
            item.published = Some(NOW - n * MINUTE);
            item.fields.insert("reads".to_owned(), "1.2万+".to_owned());
            item.fields.insert("likes".to_owned(), "100".to_owned());
            item.fields.insert("shares".to_owned(), "5".to_owned());
            item
        })
        .collect();
    let outcome = call("{}", None, NOW, items);
    // Ten times 20 + 120 + 20 + 10.
    assert_eq!(rate(last(&outcome)), 1_700);
    assert!(last(&outcome).reasons[0].contains("新增10条"), "{:?}", last(&outcome).reasons);
    assert_eq!(last(&outcome).level, Some(Level::III));
}

#[test]
fn a_level_is_left_below_its_lower_line_and_not_at_once() {
    // Rates: 1200, 700, 1100, 300, 300, 300, 50.
    let said = hourly(COMMENTS, &[0, 1_200, 1_900, 3_000, 3_300, 3_600, 3_900, 3_950]);
    let levels: Vec<_> = said.iter().map(|verdict| verdict.level).collect();
    let (iii, iv) = (Some(Level::III), Some(Level::IV));
    assert_eq!(levels, [None, iii, iii, iii, iv, iv, iv, None]);
    assert_eq!(said[2].reasons.last().unwrap(), "未低于Ⅲ级下线600，保持Ⅲ级");
    assert_eq!(said[4].reasons.last().unwrap(), "低于Ⅲ级下线，降为Ⅳ级");
    assert_eq!(said[7].reasons.last().unwrap(), "低于Ⅳ级下线，解除");
    // The least stay holds what falls at once.
    let said = hourly(COMMENTS, &[0, 1_200, 1_210, 1_220]);
    assert_eq!(said[2].level, iii);
    assert_eq!(said[2].reasons.last().unwrap(), "在Ⅲ级才60分钟，不足120分钟，保持");
    assert_eq!(said[3].level, None);
    // Around a line it does not flicker.
    let counts: Vec<u64> = (0..12)
        .scan(0, |sum, n| {
            *sum += if n % 2 == 0 { 950 } else { 1_050 };
            Some(*sum)
        })
        .collect();
    let said = hourly(COMMENTS, &counts);
    assert!(
        said[1..].windows(2).all(|pair| pair[0].level == pair[1].level),
        "{:?}",
        said.iter().map(|v| v.level).collect::<Vec<_>>()
    );
}

#[test]
fn what_comes_late_or_out_of_order_gives_the_same() {
    let mut observations: Vec<Item> = Vec::new();
    for n in 0..12_u64 {
        observations.push(seen("a", NOW + n * 10 * MINUTE, 100 + n * n * 30));
        let mut item = seen(&format!("b{n}"), NOW + n * 10 * MINUTE, n * 7);
        item.published = Some(NOW + n * 10 * MINUTE - MINUTE);
        observations.push(item);
    }
    let end = NOW + 2 * HOUR;
    let ordered = call(COMMENTS, None, end, observations.clone());
    assert!(rate(last(&ordered)) > 1_000);
    let mut shuffled: Vec<Item> = observations.iter().rev().cloned().collect();
    assert_eq!(last(&call(COMMENTS, None, end, shuffled.clone())).level, last(&ordered).level);
    shuffled.rotate_left(7);
    // In batches of their own, each later than all of its items.
    let mut state = None;
    let mut said = None;
    for batch in shuffled.chunks(5) {
        let outcome = call(COMMENTS, state, end, batch.to_vec());
        said = Some(last(&outcome).clone());
        state = outcome.state;
    }
    assert_eq!(said.unwrap().reasons[0], last(&ordered).reasons[0]);
    // An old observation that comes last does not take the newer one back, nor make a spike.
    let late = call(COMMENTS, ordered.state.clone(), end, vec![seen("a", NOW - 90 * MINUTE, 90)]);
    assert_eq!(rate(last(&late)), rate(last(&ordered)));
    assert_eq!(last(&late).reasons.last().unwrap(), "本条为210分钟前的观测，按其自身时间计入");
    // The same observation twice, as after a crash, changes nothing.
    let twice = call(COMMENTS, ordered.state.clone(), end, observations);
    assert_eq!(rate(last(&twice)), rate(last(&ordered)));
}

#[test]
fn counts_that_fall_or_are_left_out_are_taken_back_from_nobody() {
    let said = hourly(COMMENTS, &[1_000, 1_500, 200, 1_500, 1_700]);
    assert_eq!(said.iter().map(rate).collect::<Vec<_>>(), [0, 500, 0, 0, 200]);
    let mut without = seen("a", NOW + HOUR, 0);
    without.fields.remove("comments");
    let first = call(COMMENTS, None, NOW, vec![seen("a", NOW, 1_000)]);
    let second = call(COMMENTS, first.state, NOW + HOUR, vec![without]);
    let third = call(COMMENTS, second.state, NOW + 2 * HOUR, vec![seen("a", NOW + 2 * HOUR, 1_100)]);
    assert_eq!(rate(last(&third)), 100);
}

#[test]
fn time_never_runs_back() {
    let first = call(COMMENTS, None, NOW + HOUR, vec![seen("a", NOW, 0), seen("a", NOW + HOUR, 2_000)]);
    let again = call(COMMENTS, first.state, NOW, vec![seen("a", NOW, 0)]);
    assert_eq!(rate(last(&again)), 2_000);
    let ahead = call(COMMENTS, None, NOW, vec![seen("a", NOW + 5 * HOUR, 9)]);
    assert_eq!(last(&ahead).reasons.last().unwrap(), "本条的观测时间晚于现在，按现在计");
}

#[test]
fn an_item_without_a_topic_is_one_of_its_own() {
    let bare = |id: &str| Item { id: id.to_owned(), source: "s".to_owned(), observed: NOW, ..Item::default() };
    let outcome = call("{}", None, NOW, vec![bare("1"), bare("2")]);
    assert!(outcome.verdicts[0].as_ref().unwrap().reasons[0].starts_with("话题“s/1”"));
    let mut cluster = seen("3", NOW, 0);
    cluster.fields.insert("cluster".to_owned(), "c9".to_owned());
    assert!(last(&call("{}", None, NOW, vec![cluster])).reasons[0].starts_with("话题“c9”"));
}

#[test]
fn the_state_is_bounded_and_says_what_it_drops() {
    let batch = |from: u64| -> Vec<Item> {
        (from..from + 20)
            .map(|n| {
                let mut item = seen("a", NOW + n * MINUTE, n);
                item.fields.insert("topic".to_owned(), format!("话题{n}"));
                item
            })
            .collect()
    };
    let config = r#"{"keepTopics": 25}"#;
    let first = call(config, None, NOW + HOUR, batch(0));
    let second = call(config, first.state, NOW + HOUR, batch(20));
    let said = last(&second).reasons.last().unwrap().clone();
    assert_eq!(said, "状态已满：舍弃最久无新观测的15个话题（累计15个），其热度将重新计起");
    let bytes = call(r#"{"keepBytes": 1024}"#, second.state, NOW + HOUR, batch(40)).state.unwrap();
    assert!(bytes.len() <= 1_024, "{}", bytes.len());
    // One topic of very many items, and one item of very many observations.
    let config = r#"{"keepItems": 50}"#;
    let crowd: Vec<Item> = (0..400).map(|n| seen(&n.to_string(), NOW + n * 100, 1)).collect();
    let outcome = call(config, None, NOW + HOUR, crowd);
    assert!(last(&outcome).reasons.iter().any(|reason| reason.contains("只计条数")));
    assert!(outcome.state.unwrap().len() < 10_000);
    let often: Vec<Item> = (0..3_000).map(|n| seen("a", NOW + n * 1_000, n)).collect();
    let outcome = call(COMMENTS, None, NOW + 3_000_000, often);
    assert_eq!(rate(last(&outcome)), 2_999);
    assert!(outcome.state.unwrap().len() < 2_000);
}

#[test]
fn a_topic_that_is_over_is_forgotten() {
    let first = call("{}", None, NOW, vec![seen("a", NOW, 5)]);
    assert!(String::from_utf8(first.state.clone().unwrap()).unwrap().contains("老鹰岩"));
    let later = call("{}", first.state, NOW + 73 * HOUR, vec![]);
    assert!(!String::from_utf8(later.state.unwrap()).unwrap().contains("老鹰岩"));
}

#[test]
fn a_state_that_is_none_is_refused() {
    for (state, why) in
        [("[]", "none of spread-trend"), (r#"{"form":7,"at":0,"dropped":0,"topics":[]}"#, "its form is 7")]
    {
        let called =
            testing::classify_with::<SpreadTrend>(&testing::context(NOW), "{}", &[], Some(state.into()), vec![]);
        match called {
            Err(Error::InvalidInput(text)) => assert!(text.contains(why), "{state}: {text}"),
            other => panic!("{state}: {other:?}"),
        }
    }
}

#[test]
fn a_wrong_configuration_says_where() {
    for (config, why) in [
        (r#"{"up": {"IV": 5000}}"#, "/up: the lines must rise"),
        (r#"{"down": 1.5}"#, "/down"),
        (r#"{"surge": 0.5}"#, "/surge"),
        (r#"{"windowMinutes": 0}"#, "/windowMinutes"),
        (r#"{"windowMinutes": 600, "keepHours": 1}"#, "/keepHours"),
        (r#"{"weights": {"reads": -1}}"#, "/weights/reads"),
        (r#"{"window": 5}"#, "unknown field `window`"),
    ] {
        match testing::classify::<SpreadTrend>(&testing::context(NOW), config, vec![]) {
            Err(Error::InvalidConfig(text)) => assert!(text.contains(why), "{config}: {text}"),
            other => panic!("{config}: {other:?}"),
        }
    }
}

#[test]
fn the_readmes_configuration_is_one() {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("```json\n").unwrap();
    let (config, _) = rest.split_once("```").unwrap();
    assert!(call(config, None, NOW, vec![seen("a", NOW, 1)]).state.is_some());
}
