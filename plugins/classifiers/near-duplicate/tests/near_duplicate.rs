//! The classifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use huiyin_plugin_near_duplicate::NearDuplicate;
use huiyin_sdk::{Error, Item, Outcome, Verdict, testing};

const HOUR: u64 = 3_600_000;
/// 2026-03-01T08:00:00+08:00.
const NOW: u64 = 1_772_323_200_000;

fn item(id: &str, title: &str, body: &str) -> Item {
    Item { id: id.to_owned(), title: title.to_owned(), body: body.to_owned(), observed: NOW, ..Item::default() }
}

fn call(config: &str, state: Option<Vec<u8>>, now: u64, items: Vec<Item>) -> Outcome {
    testing::classify_with::<NearDuplicate>(&testing::context(now), config, &[], state, items).unwrap()
}

fn judge(items: Vec<Item>) -> Vec<Verdict> {
    call("{}", None, NOW, items).verdicts.into_iter().map(Result::unwrap).collect()
}

/// What the second says of itself when the first was there before.
fn second(first: &str, second: &str) -> Verdict {
    judge(vec![item("a", first, ""), item("b", second, "")]).pop().unwrap()
}

const NOTICE: &str = "青枫县林业和草原局通报：今天上午老鹰岩一带冒烟，护林员到场后发现系村民焚烧田埂杂草，火势未蔓延到林地，目前明火扑灭，没有人员受伤。";

#[test]
fn what_is_the_same_joins_the_first() {
    let said = second("青枫县老鹰岩后山冒烟", "【青枫县】 老鹰岩後山冒煙！！");
    assert_eq!(said.labels, ["duplicate-of:a"]);
    assert!((said.score - 1.0).abs() < 1e-9);
    assert_eq!(said.reasons, ["与“a”文字相同；本组第2条"]);
    assert_eq!((said.factors[0].name.as_str(), said.level), ("likeness", None));
}

#[test]
fn what_is_near_joins_with_its_score() {
    for other in [
        "青枫县林业和草原局通报：今天上午老鹰岩一带冒烟，护林员到场后发现是村民在焚烧田埂的杂草，火势未蔓延到林地，目前明火扑灭，没有人员受伤。",
        "青枫县林业和草原局通报：今天上午老鹰岩一带冒烟，护林员到场后发现系村民焚烧田埂杂草，火势未蔓延到林地，目前明火扑灭，没有人员受伤。感谢关心。",
        "来源：青枫融媒\n青枫县林业和草原局通报：今天上午老鹰岩一带冒烟，护林员到场后发现系村民焚烧田埂杂草，火势未蔓延到林地，目前明火扑灭，没有人员受伤。\n责任编辑：某某 https://a.example/1?x=2024",
        "本报青枫3月1日讯（记者 某某）青枫县林业和草原局通报：今天上午老鹰岩一带冒烟，护林员到场后发现系村民焚烧田埂杂草，火势未蔓延到林地，目前明火扑灭，没有人员受伤。",
    ] {
        let said = second(NOTICE, other);
        assert_eq!(said.labels, ["duplicate-of:a"], "{other}");
        assert!(said.score >= 0.6 && said.reasons[0].contains('a'), "{:?}", said.reasons);
    }
    let said = second(NOTICE, &NOTICE.replace("系村民", "是村民"));
    assert!(said.reasons[0].starts_with("与“a”近似，相似度0.9"), "{:?}", said.reasons);
}

/// Whatever the score says.
#[test]
fn a_digit_a_negation_or_a_place_makes_another_matter() {
    for (one, other) in [
        ("青枫县山火致3人受伤，伤者在县医院救治", "青枫县山火致5人受伤，伤者在县医院救治"),
        ("青枫县山火致三人受伤，伤者在县医院救治", "青枫县山火致五人受伤，伤者在县医院救治"),
        ("青枫县山火致3人受伤，伤者在县医院救治", "青枫县山火致13人受伤，伤者在县医院救治"),
        ("青枫县山火致3人受伤，伤者在县医院救治", "青枫县山火致人受伤，伤者在县医院救治"),
        ("青枫县PM2.5浓度为3.5微克每立方米左右", "青枫县PM2.5浓度为35微克每立方米左右"),
        ("青枫县老鹰岩山火已扑灭没有人员伤亡", "青枫县老鹰岩山火未扑灭没有人员伤亡"),
        ("青枫县老鹰岩山火已扑灭没有人员伤亡", "青枫县老鹰岩山火扑灭没有人员伤亡"),
        ("网传青枫县老鹰岩发生山火多人被困", "网传青枫县老鹰岩发生山火多人被困系谣言"),
        ("网友称青枫县林业局同意砍伐古茶树", "网友称青枫县林业局不同意砍伐古茶树"),
        ("甲县发生森林火灾，当地组织力量扑救", "乙县发生森林火灾，当地组织力量扑救"),
        ("青枫县发生森林火灾，当地组织力量扑救", "翠湖县发生森林火灾，当地组织力量扑救"),
        ("清水村发生森林火灾，当地组织力量扑救", "清河村发生森林火灾，当地组织力量扑救"),
        ("李家沟发生森林火灾，当地组织力量扑救", "王家沟发生森林火灾，当地组织力量扑救"),
        ("林海市林业和草原局局长接受群众的来访", "林海市林业和草原局局长拒绝群众的来访"),
        ("林海市松材价格本周明显上涨引发市民关注", "林海市松材价格本周明显下跌引发市民关注"),
        ("青枫县护林员李某因失职被追究责任通报", "青枫县护林员王某因失职被追究责任通报"),
        ("森林防火期第二次会商会议在林海市召开", "森林防火期第三次会商会议在林海市召开"),
        ("青枫县下午森林火险等级为橙色注意防火", "青枫县上午森林火险等级为橙色注意防火"),
        ("BLG晋级春季赛季后赛的消息传遍了网络平台", "iG晋级春季赛季后赛的消息传遍了网络平台"),
    ] {
        assert_eq!(second(one, other).labels, Vec::<String>::new(), "{one} / {other}");
        assert_eq!(second(other, one).labels, Vec::<String>::new(), "{other} / {one}");
        // The same sentences, deep in a long text: the score is near 1.
        let long = |text: &str| format!("{NOTICE}{text}。{}", NOTICE.replace("老鹰岩", "鹿鸣坪"));
        assert_eq!(second(&long(one), &long(other)).labels, Vec::<String>::new(), "{one} / {other}, in a long text");
    }
}

#[test]
fn where_there_are_no_shingles_nothing_is_the_same() {
    for text in ["", "。。。", "👍👍", "火", "转发微博", "　"] {
        assert!(second(text, text).labels.iter().all(|label| label == "repost"), "{text}");
    }
    // Few characters: only the same ones.
    assert_eq!(second("停水", "停水").labels, ["duplicate-of:a"]);
    assert_eq!(second("停水停电", "停水停气").labels, Vec::<String>::new());
    assert_eq!(second("老鹰岩冒烟", "鹰岩冒烟").labels, Vec::<String>::new());
}

#[test]
fn a_chain_of_reposts_comes_back_to_what_is_passed_on() {
    let said = judge(vec![
        item("1", "", NOTICE),
        item("2", "", &format!("转发微博//@青枫林草:{NOTICE}")),
        item("3", "", &format!("真的假的？//@路人甲：转发微博//@青枫林草：{NOTICE}")),
        item("4", "", &format!("【转】{NOTICE}")),
        item("5", "", "说得对//@路人乙:转发微博"),
    ]);
    assert_eq!(said[1].labels, ["repost-of:1"]);
    assert_eq!(said[2].labels, ["repost-of:1"]);
    assert_eq!(said[2].reasons, ["转发的内容与“1”相似度1.00；本组第3条", "转发：青枫林草→路人甲→本条"]);
    assert_eq!(said[3].labels, ["repost-of:1"]);
    assert_eq!(said[4].labels, ["repost"]);
    assert_eq!(said[4].reasons, ["转发：路人乙→本条，未见原文"]);
}

#[test]
fn a_repost_seen_before_its_original_begins_the_cluster() {
    let said = judge(vec![item("2", "", &format!("看//@青枫林草:{NOTICE}")), item("1", "", NOTICE)]);
    assert_eq!(said[0].labels, ["repost"]);
    assert_eq!(said[1].labels, ["duplicate-of:2"]);
}

#[test]
fn a_source_may_name_what_is_passed_on() {
    let mut repost = item("9", "", "支持");
    repost.fields.insert("repost_of".to_owned(), "1".to_owned());
    let said = judge(vec![item("1", "", NOTICE), repost.clone(), item("10", "", "支持")]);
    assert_eq!(said[1].labels, ["repost-of:1"]);
    assert_eq!(said[1].reasons, ["来源注明转自“1”；本组第2条"]);
    assert_eq!(said[2].labels, Vec::<String>::new(), "what is said beside it is not the cluster's text");
    let unknown = judge(vec![repost]).pop().unwrap();
    assert_eq!(unknown.labels, Vec::<String>::new());
}

#[test]
fn an_item_of_tomorrow_joins_a_cluster_of_today() {
    let today = call("{}", None, NOW, vec![item("a", NOTICE, ""), item("x", "鹿鸣坪赶集日改到周六举行", "")]);
    let mut late = item("b", &NOTICE.replace("系村民", "是村民"), "");
    late.observed = NOW + 24 * HOUR;
    let next = call("{}", today.state, NOW + 24 * HOUR, vec![late]);
    assert_eq!(next.verdicts[0].as_ref().unwrap().labels, ["duplicate-of:a"]);
    // A week after its last item, not its first, it is forgotten.
    let mut last = item("c", NOTICE, "");
    last.observed = NOW + 7 * 24 * HOUR;
    let third = call("{}", next.state, NOW + 7 * 24 * HOUR, vec![last.clone()]);
    assert_eq!(third.verdicts[0].as_ref().unwrap().reasons, ["与“a”文字相同；本组第3条"]);
    let empty = call("{}", third.state, NOW + 15 * 24 * HOUR, vec![]);
    last.observed = NOW + 15 * 24 * HOUR;
    let gone = call("{}", empty.state, NOW + 15 * 24 * HOUR, vec![last]);
    assert_eq!(gone.verdicts[0].as_ref().unwrap().labels, Vec::<String>::new());
}

#[test]
fn the_state_is_bounded_and_says_what_it_drops() {
    let config = r#"{"keepItems": 10}"#;
    let batch = |from: u64| -> Vec<Item> {
        (from..from + 8)
            .map(|n| {
                let name = char::from_u32(0x4e00 + n as u32).unwrap();
                let mut item = item(&n.to_string(), &format!("{name}{name}岭发生第{n}起盗伐案件"), "");
                item.observed = NOW + n * HOUR;
                item
            })
            .collect()
    };
    let first = call(config, None, NOW + 8 * HOUR, batch(0));
    assert!(first.verdicts.last().unwrap().as_ref().unwrap().reasons.is_empty());
    let second = call(config, first.state, NOW + 16 * HOUR, batch(8));
    let said = &second.verdicts.last().unwrap().as_ref().unwrap().reasons;
    assert!(said[0].contains("舍弃最久未出现的6条文字（累计6条），保留10条"), "{said:?}");
    let again = call(config, second.state, NOW + 17 * HOUR, [batch(0), batch(8)].concat());
    let known: Vec<bool> = again.verdicts.iter().map(|v| !v.as_ref().unwrap().labels.is_empty()).collect();
    assert!(!known[5], "dropped");
    // What is kept is known by its id: a first item is no duplicate of itself.
    let bytes = call(r#"{"keepBytes": 1024}"#, again.state, NOW + 18 * HOUR, batch(16)).state.unwrap();
    assert!(bytes.len() <= 1_024, "{}", bytes.len());
}

#[test]
fn ids_that_need_escapes_do_not_pass_the_bound() {
    let items = (0..40).map(|n| item(&format!("\u{1}\"\\{n}"), &format!("第{n}号事项"), "")).collect();
    let bytes = call(r#"{"keepBytes": 2000}"#, None, NOW, items).state.unwrap();
    assert!(bytes.len() <= 2_000 && bytes.len() > 1_000, "{}", bytes.len());
}

#[test]
fn a_first_item_seen_again_is_no_duplicate_of_itself() {
    let said = judge(vec![item("a", NOTICE, ""), item("b", NOTICE, ""), item("a", NOTICE, "")]);
    assert_eq!(said[2].labels, Vec::<String>::new());
    assert_eq!(said[2].reasons, ["再次采集到；本组首条，已有1条与它相同或近似"]);
    // Another source may use the same id.
    let mut other = item("a", NOTICE, "");
    other.source = "board".to_owned();
    let said = judge(vec![item("a", NOTICE, ""), other.clone()]);
    assert_eq!(said[1].labels, ["duplicate-of:a"]);
    let said = judge(vec![other, item("z", NOTICE, "")]);
    assert_eq!(said[1].reasons, ["与“a”（来源board）文字相同；本组第2条"]);
}

#[test]
fn step_by_step_one_thing_does_not_become_another() {
    // Each is near its neighbour; the last says other than the first.
    let base = NOTICE.replace("没有人员受伤", "情况稳定");
    let more = format!("{base}请大家不要惊慌");
    let said = judge(vec![item("a", &base, ""), item("b", &format!("{base}谢谢大家"), ""), item("c", &more, "")]);
    assert_eq!(said[1].labels, ["duplicate-of:a"]);
    assert_eq!(said[2].labels, Vec::<String>::new(), "不 is not in the first");
}

#[test]
fn a_state_that_is_none_is_refused() {
    for (state, why) in [
        ("x", "expected value"),
        ("{}", "missing field"),
        (r#"{"form":2,"dropped":0,"clusters":[],"texts":[]}"#, "its form is 2"),
        (r#"{"form":1,"dropped":0,"clusters":[],"texts":[{"cluster":3,"text":"火","last":0}]}"#, "cluster 3 of 0"),
    ] {
        let called = testing::classify_with::<NearDuplicate>(
            &testing::context(NOW),
            "{}",
            &[],
            Some(state.as_bytes().to_vec()),
            vec![],
        );
        match called {
            Err(Error::InvalidInput(text)) => assert!(text.contains(why), "{state}: {text}"),
            other => panic!("{state}: {other:?}"),
        }
    }
}

#[test]
fn a_wrong_configuration_says_where() {
    for (config, why) in [
        (r#"{"threshold": 0.2}"#, "/threshold"),
        (r#"{"keepDays": 0}"#, "/keepDays"),
        (r#"{"keepItems": 0}"#, "/keepItems"),
        (r#"{"keepBytes": 9}"#, "/keepBytes"),
        (r#"{"distance": 3}"#, "unknown field `distance`"),
    ] {
        match testing::classify::<NearDuplicate>(&testing::context(NOW), config, vec![]) {
            Err(Error::InvalidConfig(text)) => assert!(text.contains(why), "{config}: {text}"),
            other => panic!("{config}: {other:?}"),
        }
    }
}

/// The candidates of the index are all there are: against every pair.
#[test]
fn no_pair_that_is_near_is_missed() {
    let mut texts = Vec::new();
    for n in 0..60_u32 {
        let from = NOTICE.chars().nth(n as usize).unwrap();
        let text: String = NOTICE.chars().map(|c| if c == from { '林' } else { c }).collect();
        texts.push(text);
    }
    let bigrams = |text: &str| {
        let plain: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
        plain.windows(2).map(|pair| (pair[0], pair[1])).collect::<BTreeSet<_>>()
    };
    for other in &texts {
        let (a, b) = (bigrams(NOTICE), bigrams(other));
        let likeness = a.intersection(&b).count() as f64 / a.union(&b).count() as f64;
        let said = second(NOTICE, other);
        if !said.labels.is_empty() {
            assert!((said.score - likeness).abs() < 1e-9, "{other}: {} {likeness}", said.score);
        }
    }
    assert!(texts.iter().filter(|text| !second(NOTICE, text).labels.is_empty()).count() >= 8);
}

/// Titles of a month. What is held to be one is looked at by a person: the fixture lists each pair, right or wrong.
#[test]
fn real_titles_that_are_joined_say_the_same() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/data/weibo-hot");
    let Ok(files) = std::fs::read_dir(folder) else {
        eprintln!("skipped: {folder} is not here");
        return;
    };
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let (mut seen, mut titles) = (BTreeSet::new(), Vec::new());
    for path in paths {
        let list: Vec<serde_json::Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for title in list.iter().filter_map(|entry| entry["title"].as_str()) {
            if seen.insert(title.to_owned()) {
                titles.push(title.to_owned());
            }
        }
    }
    let known: BTreeMap<(&str, &str), bool> = include_str!("fixtures/pairs.tsv")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let parts: Vec<_> = line.split('\t').collect();
            ((parts[1], parts[2]), parts[0] == "same")
        })
        .collect();
    let (mut state, mut joined) = (None, Vec::new());
    for (n, batch) in titles.chunks(500).enumerate() {
        let items = batch.iter().map(|title| item(title, title, "")).collect();
        let outcome = call(r#"{"keepItems": 20000, "keepBytes": 4194304}"#, state, NOW + n as u64, items);
        for (title, verdict) in batch.iter().zip(outcome.verdicts) {
            let verdict = verdict.unwrap();
            if let Some(first) = verdict.labels.first().and_then(|label| label.strip_prefix("duplicate-of:")) {
                joined.push((first.to_owned(), title.clone(), verdict.score));
            }
        }
        state = outcome.state;
    }
    if std::env::var_os("HUIYIN_SHOW").is_some() {
        for (first, title, score) in &joined {
            println!("PAIR\t{score:.2}\t{first}\t{title}");
        }
    }
    // What differs in case, spaces and particles alone needs nobody to look at it.
    let bare = |title: &str| title.replace([' ', '的'], "").to_lowercase();
    let right = |pair: &&(String, String, f64)| {
        bare(&pair.0) == bare(&pair.1) || known.get(&(pair.0.as_str(), pair.1.as_str())) == Some(&true)
    };
    let rights = joined.iter().filter(right).count();
    let wrong: Vec<_> = joined.iter().filter(|pair| !right(pair)).collect();
    assert!(rights >= 19 * wrong.len(), "precision below 0.95: {rights} right; wrong or unknown: {wrong:#?}");
    let should: Vec<_> = known.iter().filter(|(_, same)| **same).map(|(pair, _)| *pair).collect();
    let found = should
        .iter()
        .filter(|(a, b)| joined.iter().any(|(first, title, _)| (first, title) == (&(*a).to_owned(), &(*b).to_owned())));
    let found = found.count();
    println!(
        "{} of {} titles joined, {rights} right; of {} reworded pairs {found} found",
        joined.len(),
        titles.len(),
        should.len()
    );
    // A title is few characters: that two wordings are one matter is seldom to be seen in them.
    assert!(rights >= 11 && found >= 3, "{rights} right, {found} of {} reworded pairs", should.len());
}
