//! The classifier as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use huiyin_plugin_region::Region;
use huiyin_sdk::{Error, Item, Verdict, testing};

/// 2026-03-01T08:00:00+08:00.
const NOW: u64 = 1_772_323_200_000;
/// 2015-07-01 and 2020-06-01.
const IN_2015: u64 = 1_435_708_800_000;
const IN_2020: u64 = 1_590_969_600_000;

fn item(text: &str) -> Item {
    Item { id: "1".to_owned(), title: text.to_owned(), observed: NOW, ..Item::default() }
}

fn judge_with(config: &str, items: Vec<Item>) -> Vec<Verdict> {
    let outcome = testing::classify::<Region>(&testing::context(NOW), config, items).unwrap();
    outcome.verdicts.into_iter().map(Result::unwrap).collect()
}

fn labels(config: &str, text: &str) -> Vec<String> {
    judge_with(config, vec![item(text)]).pop().unwrap().labels
}

fn codes(text: &str) -> Vec<String> {
    labels("{}", text)
}

#[test]
fn a_name_is_a_code_and_its_parents_need_none() {
    assert_eq!(codes("江苏省南京市鼓楼区发生停水"), ["region:320106"]);
    assert_eq!(codes("有网民反映福州鼓楼区停水"), ["region:350102"]);
    assert_eq!(codes("云南突发山火"), ["region:530000"]);
    assert_eq!(codes("云南大理突发林火"), ["region:532900"]);
    assert_eq!(codes("大理市突发林火"), ["region:532901"]);
    assert_eq!(codes("峨山彝族自治县和双江县"), ["region:530426", "region:530925"]);
    assert_eq!(codes("没有地名的一句话"), Vec::<String>::new());
    let verdict = judge_with("{}", vec![item("南京市鼓楼区停水")]).pop().unwrap();
    assert_eq!(verdict.reasons, ["“鼓楼区”：320106江苏省南京市鼓楼区"]);
    assert!((verdict.score - 1.0).abs() < 1e-9 && verdict.level.is_none());
}

#[test]
fn a_name_that_several_bear_is_an_answer_with_candidates() {
    let verdict = judge_with("{}", vec![item("鼓楼区停水")]).pop().unwrap();
    assert_eq!(
        verdict.labels,
        ["region-candidate:320106", "region-candidate:320302", "region-candidate:350102", "region-candidate:410204"]
    );
    assert_eq!(
        verdict.reasons,
        [
            "“鼓楼区”：4处同名，待定：320106江苏省南京市鼓楼区、320302江苏省徐州市鼓楼区、350102福建省福州市鼓楼区、410204河南省开封市鼓楼区"
        ]
    );
    assert!((verdict.score - 0.5).abs() < 1e-9);
    assert_eq!(codes("市中区停水").len(), 4);
}

#[test]
fn the_units_own_prefecture_decides_first() {
    let nanjing = r#"{"home": "320111"}"#;
    assert_eq!(labels(nanjing, "鼓楼区停水"), ["region:320106"]);
    let verdict = judge_with(nanjing, vec![item("鼓楼区停水")]).pop().unwrap();
    assert!(verdict.reasons[0].ends_with("（取本单位所在地）"), "{:?}", verdict.reasons);
    // What stands before the name is part of the name.
    assert_eq!(labels(nanjing, "福州市鼓楼区停水"), ["region:350102"]);
    // Where home and text disagree both stay.
    let both = labels(nanjing, "福建警方通报：鼓楼区一男子失联");
    assert!(
        both.contains(&"region-candidate:320106".to_owned()) && both.contains(&"region-candidate:350102".to_owned())
    );
    // A whole province is home to two of them.
    assert_eq!(labels(r#"{"home": "320000"}"#, "鼓楼区停水"), ["region-candidate:320106", "region-candidate:320302"]);
    // Without a home the text's own words decide.
    assert_eq!(codes("开封下雨，鼓楼区积水"), ["region:410204"]);
}

#[test]
fn short_forms_of_prefectures_come_before_provinces() {
    for (text, code) in [
        ("海南州", "region:632500"),
        ("黄南州", "region:632300"),
        ("甘南州", "region:623000"),
        ("海北州", "region:632200"),
        ("海西州", "region:632800"),
        ("黔东南州", "region:522600"),
        ("湘西州", "region:433100"),
        ("海南", "region:460000"),
        ("海南藏族自治州共和县", "region:632521"),
        ("巴音郭楞州", "region:652800"),
        ("内蒙古", "region:150000"),
        ("吉林市", "region:220200"),
        ("吉林省", "region:220000"),
        ("青海海南州", "region:632500"),
    ] {
        assert_eq!(codes(&format!("{text}发生停水")), [code], "{text}");
    }
}

#[test]
fn what_is_another_word_is_no_place() {
    for text in [
        "黄河南岸的堤坝",
        "太湖北侧围栏破损",
        "珠江西岸步道",
        "泰山东麓山火",
        "大理石板被盗",
        "中山路施工",
        "南京东路堵车",
        "上海路口红灯",
        "穿中山装的老人",
        "北京时间八点",
        "来宾很多",
        "日照充足",
        "文山会海要不得",
        "朝阳产业",
        "和平发展的道路",
        "召开县委会议",
        "城区停水",
        "市中区域协调",
        "传达县级文件",
        "东方红林场",
        "长安街头",
    ] {
        assert_eq!(codes(text), Vec::<String>::new(), "{text}");
    }
    // Where the text or the home speaks for it, it is one.
    assert_eq!(codes("山西晋城市城区停水"), ["region:140502"]);
    assert_eq!(codes("辽宁朝阳停水"), ["region:211300"]);
    assert_eq!(labels(r#"{"home": "140500"}"#, "城区停水"), ["region:140502"]);
    assert_eq!(codes("云南峨山山火"), ["region:530426"]);
    assert_eq!(codes("大理市民投诉"), ["region:532900"]);
    assert_eq!(codes("张三和平山县的李四"), ["region:130131"]);
}

/// A code of an old report resolves, and one that is newer than a report is not refused.
#[test]
fn each_revision_holds_in_its_time() {
    let at = |text: &str, published: u64| {
        let mut item = item(text);
        item.published = Some(published);
        judge_with("{}", vec![item]).pop().unwrap()
    };
    assert_eq!(at("杭州市下城区", IN_2015).labels, ["region:330103"]);
    assert_eq!(at("下城区停水", IN_2015).reasons, ["“下城区”：330103浙江省杭州市下城区"]);
    assert_eq!(at("下城区停水", NOW).reasons, ["“下城区”：330103浙江省杭州市下城区（2021年12月前停用）"]);
    assert_eq!(at("临平区停水", NOW).labels, ["region:330113"]);
    assert_eq!(at("临平区停水", IN_2015).reasons, ["“临平区”：330113浙江省杭州市临平区（2019年4月后启用）"]);
    // One name, two codes, in one time each.
    assert_eq!(at("崇川区停水", IN_2015).labels, ["region:320602"]);
    assert_eq!(at("崇川区停水", NOW).labels, ["region:320613"]);
    assert_eq!(at("崇川区停水", IN_2020).labels, ["region:320613"], "between two lists the later");
    assert_eq!(at("桥东区停水", NOW).labels, ["region:130702"]);
    assert_eq!(at("那曲地区", IN_2015).labels, ["region:542400"]);
    assert_eq!(at("那曲市", NOW).labels, ["region:540600"]);
}

#[test]
fn a_source_may_tell_the_code_or_the_name() {
    let field = |value: &str| {
        let mut item = item("停水");
        item.fields.insert("region".to_owned(), value.to_owned());
        judge_with(r#"{"places": [{"name": "青枫县", "code": "999921"}]}"#, vec![item]).pop().unwrap()
    };
    assert_eq!(field("530102").reasons, ["“五华区”：530102云南省昆明市五华区（来源注明代码）"]);
    assert_eq!(field("530102001001").labels, ["region:530102"]);
    assert_eq!(field("330103").labels, ["region:330103"], "of an old report");
    assert_eq!(field("999921").reasons, ["“青枫县”：999921（来源注明代码）"]);
    assert_eq!(field("538888").reasons, ["“表中没有的代码”：538888云南省（来源注明代码）"], "newer than the table");
    assert_eq!(field("昆明市五华区").labels, ["region:530102"]);
    assert_eq!(field("  ").labels, Vec::<String>::new());
    assert_eq!(field("53").labels, Vec::<String>::new());
}

#[test]
fn names_outside_the_common_planes_are_names() {
    let config = r#"{"places": [
        {"name": "青枫县", "code": "999921"}, {"name": "𬒗河镇", "code": "999921"}, {"name": "㘭头村", "code": "999922"},
        {"name": "大〇坪", "code": "999922"}, {"name": "老鹰岩", "code": "999921"}, {"name": "老鹰岩", "code": "999922"}
    ]}"#;
    for (text, code) in [
        ("昨天𬒗河镇停水", "region:999921"),
        ("㘭头村山火", "region:999922"),
        ("在大〇坪", "region:999922"),
        ("青楓縣停水", "region:999921"),
        ("青枫\u{fe00}县停水", "region:999921"),
    ] {
        assert_eq!(labels(config, text), [code], "{text}");
    }
    assert_eq!(labels(config, "老鹰岩冒烟"), ["region-candidate:999921", "region-candidate:999922"]);
    // An unknown name that ends like a known one is not it.
    for text in ["𬒗沙县停水", "㘭赵县停水", "〇海南停水"] {
        assert_eq!(codes(text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(codes("云南𬒗村山火"), ["region:530000"]);
    // Kangxi radicals out of PDFs, and traditional characters.
    assert_eq!(codes("⼤理市⼭⽕"), ["region:532901"]);
    assert_eq!(codes("雲南省昆明市五華區"), ["region:530102"]);
    assert_eq!(codes("乾縣停水"), ["region:610424"]);
    assert!(judge_with("{}", vec![item("乾县停水")])[0].reasons[0].contains("610424陕西省咸阳市乾县"));
}

#[test]
fn many_places_do_not_make_an_endless_list() {
    let names: Vec<&str> = table().iter().filter(|row| row.whole && row.now()).map(|row| row.name).collect();
    let verdict = judge_with("{}", vec![item(&names.join("，"))]).pop().unwrap();
    assert_eq!(verdict.reasons.len(), 31);
    assert!(verdict.reasons[30].starts_with("另有"), "{:?}", verdict.reasons.last());
}

#[test]
fn a_wrong_configuration_says_where() {
    for (config, why) in [
        (r#"{"home": "昆明"}"#, "/home: \"昆明\" is no code"),
        (r#"{"home": "53010"}"#, "/home"),
        (r#"{"places": [{"name": "岩", "code": "530102"}]}"#, "/places/0/name"),
        (r#"{"places": [{"name": "老鹰岩", "code": "5301"}]}"#, "/places/0/code"),
        (r#"{"city": "530100"}"#, "unknown field `city`"),
    ] {
        match testing::classify::<Region>(&testing::context(NOW), config, vec![]) {
            Err(Error::InvalidConfig(text)) => assert!(text.contains(why), "{config}: {text}"),
            other => panic!("{config}: {other:?}"),
        }
    }
}

struct Row {
    name: &'static str,
    form: char,
    code: u32,
    whole: bool,
    until: Option<u32>,
}

impl Row {
    fn now(&self) -> bool {
        self.until.is_none()
    }
}

/// The table as it is carried.
fn table() -> Vec<Row> {
    let mut rows = Vec::new();
    for line in include_str!("../src/table.txt").lines().skip(1) {
        let (name, meanings) = line.split_once('\t').unwrap();
        for meaning in meanings.split(' ') {
            let form = meaning.chars().next().unwrap();
            let generic = ["城区", "郊区", "矿区", "新区", "东区", "西区", "南区", "北区"].contains(&name);
            rows.push(Row {
                name: meaning.split_once('=').map_or(name, |(_, shown)| shown),
                form,
                code: meaning[1..7].parse().unwrap(),
                whole: form == 'F' || generic,
                until: meaning.split_once('-').map(|(_, rest)| rest[..6].parse().unwrap()),
            });
        }
    }
    rows
}

#[test]
fn the_table_is_sorted_and_whole() {
    let text = include_str!("../src/table.txt");
    let names: Vec<&str> = text.lines().skip(1).map(|line| line.split_once('\t').unwrap().0).collect();
    assert!(names.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()));
    let first: BTreeSet<char> = names.iter().map(|name| name.chars().next().unwrap()).collect();
    assert_eq!(text.lines().next().unwrap().chars().collect::<BTreeSet<_>>(), first);
    assert!(names.iter().all(|name| *huiyin_sdk::terms::fold(name) == **name), "written as the fold does");
    let rows = table();
    let now: BTreeSet<u32> = rows.iter().filter(|row| row.whole && row.now()).map(|row| row.code).collect();
    assert_eq!(now.iter().filter(|code| *code % 10_000 == 0).count(), 34, "provinces");
    assert_eq!(now.iter().filter(|code| *code % 100 == 0 && *code % 10_000 != 0).count(), 333, "prefectures");
    assert!(now.len() > 3_200, "{}", now.len());
}

/// Sentences as people write them, so that a name stands at the beginning, in the middle and at the end.
fn sentence(name: &str, n: usize) -> String {
    match n % 4 {
        0 => format!("{name}山火浓烟很大,请核实"),
        1 => format!("有网民反映在{name}发生停水,群众来电较多"),
        2 => format!("今天上午去了{name}"),
        _ => format!("据悉{name}人民政府已回应"),
    }
}

#[test]
fn every_name_of_the_table_is_found_and_with_its_parent_it_is_certain() {
    let rows: Vec<Row> = table().into_iter().filter(|row| row.whole && row.now()).collect();
    let mut bearers: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    let mut parents: BTreeMap<u32, &str> = BTreeMap::new();
    for row in &rows {
        bearers.entry(row.name).or_default().push(row.code);
        if row.code % 100 == 0 && row.form == 'F' {
            parents.insert(row.code, row.name);
        }
    }
    let (mut asked, mut found, mut shared, mut with_candidates, mut missed) = (0, 0, 0, 0, Vec::new());
    let texts: Vec<String> = rows.iter().enumerate().map(|(n, row)| sentence(row.name, n)).collect();
    let verdicts = judge_with("{}", texts.iter().map(|text| item(text)).collect());
    for (row, verdict) in rows.iter().zip(&verdicts) {
        let bearing = &bearers[row.name];
        let label = if bearing.len() == 1 { "region" } else { "region-candidate" };
        let wanted: BTreeSet<String> = bearing.iter().map(|code| format!("{label}:{code:06}")).collect();
        let said: BTreeSet<String> = verdict.labels.iter().cloned().collect();
        asked += 1;
        shared += usize::from(bearing.len() > 1);
        if said == wanted {
            found += 1;
            with_candidates += usize::from(bearing.len() > 1);
        } else {
            missed.push(format!("{} {wanted:?} {said:?}", row.name));
        }
    }
    println!("{found} of {asked} names alone; {with_candidates} of {shared} shared ones with all their candidates");
    assert!(missed.len() <= 12, "{} missed: {missed:#?}", missed.len());

    let (mut asked, mut found, mut missed) = (0, 0, Vec::new());
    let counties: Vec<&Row> = rows.iter().filter(|row| row.code % 100 != 0).collect();
    let parent = |code: u32| parents.get(&(code / 100 * 100)).or_else(|| parents.get(&(code / 10_000 * 10_000)));
    let texts = counties
        .iter()
        .enumerate()
        .map(|(n, row)| item(&sentence(&format!("{}{}", parent(row.code).unwrap(), row.name), n)));
    for (row, verdict) in counties.iter().zip(judge_with("{}", texts.collect())) {
        asked += 1;
        if verdict.labels == [format!("region:{:06}", row.code)] {
            found += 1;
        } else {
            missed.push(format!("{} {} {:?}", row.code, row.name, verdict.labels));
        }
    }
    println!("{found} of {asked} counties with their parent");
    assert!(missed.len() <= 3, "{} missed: {missed:#?}", missed.len());
}
