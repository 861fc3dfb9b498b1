//! The reporter as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_statistics::Statistics;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Document, Error, testing};

const NOW: u64 = 1_772_413_200_000;

/// What `read-desk` answers.
fn reading(from: &str, to: &str, opened: u64) -> Value {
    json!({
        "unit": "linhai", "unit_name": "林海市林业和草原局", "from": from, "to": to,
        "cases": {"opened": opened, "closed": 2, "open": 5, "overdue": 1, "breaches": 1, "done": 8, "on_time": 7},
        "on_time_rate": 0.875, "items": 40,
        "by_unit": {"cuihu": {"opened": 1, "closed": 1, "open": 2, "overdue": 0, "breaches": 0, "done": 0, "on_time": 0},
            "qingfeng": {"opened": 2, "closed": 1, "open": 3, "overdue": 1, "breaches": 1, "done": 8, "on_time": 7}},
        "by_level": {"II": 1, "III": 2}, "by_kind": {"opinion": 2, "message": 1},
        "by_channel": {"weibo": 30, "=HYPERLINK(\"http://x.example\")": 10}, "by_label": {"谣言": 3},
        "messages": {"qingfeng": {"received": 1, "accepted": 1, "accepted_late": 0, "answered": 0, "answered_late": 0,
            "overdue": 0, "extended": 0, "paused": 0}},
        "hotline": {"total": 20, "answered": 19, "missed": 1, "called_back": 1, "asked": 4, "answer_rate": 0.95, "target": null},
        "open": [], "due": [], "sections": [],
    })
}

fn render(config: &str, data: &Value) -> Result<Vec<Document>, Error> {
    testing::render::<Statistics>(&testing::context(NOW), config, &data.to_string())
}

fn one(form: &str, data: &Value) -> String {
    let config =
        json!({"forms": [form], "channelNames": {"weibo": "政务微博"}, "unitNames": {"cuihu": "翠湖<管护局>"}});
    String::from_utf8(render(&config.to_string(), data).unwrap().remove(0).bytes).unwrap()
}

fn refused(data: &Value, why: &str) {
    match render("{}", data) {
        Err(Error::InvalidInput(text)) => assert!(text.contains(why), "{why}: {text}"),
        other => panic!("{why}: {other:?}"),
    }
}

#[test]
fn plugins_6a_each_figure_says_where_it_comes_from() {
    let csv = one("csv", &reading("2026-03-01", "2026-03-31", 3));
    assert!(csv.starts_with("\u{feff}表,时段,对象,指标,数值,依据\r\n"));
    for line in [
        "概况,2026-03-01至2026-03-31,,新立案,3,read-desk:linhai:2026-03-01:2026-03-31",
        "概况,2026-03-01至2026-03-31,,按时率,0.8750,read-desk:linhai:2026-03-01:2026-03-31",
        "分单位,2026-03-01至2026-03-31,qingfeng,超时在办,1,read-desk:linhai:2026-03-01:2026-03-31",
        "分类,2026-03-01至2026-03-31,渠道 政务微博,数量,30,read-desk:linhai:2026-03-01:2026-03-31",
        "热线,2026-03-01至2026-03-31,,接听率,0.9500,read-desk:linhai:2026-03-01:2026-03-31",
        "网民留言,2026-03-01至2026-03-31,qingfeng,收到,1,read-desk:linhai:2026-03-01:2026-03-31",
    ] {
        assert!(csv.split("\r\n").any(|there| there == line), "{line}\nin\n{csv}");
    }
    assert!(csv.lines().skip(1).all(|line| line.contains("read-desk:linhai:")));
    // A rate of nothing is no figure, not nought.
    assert!(csv.contains("分单位,2026-03-01至2026-03-31,翠湖<管护局>,按时率,,read-desk"));
}

#[test]
fn a_name_is_no_formula_in_any_table() {
    let mut wild = reading("2026-03-01", "2026-03-01", 1);
    wild["by_unit"] = json!({"=cmd|' /C calc'!A0": {"opened": 1}});
    let csv = one("csv", &wild);
    assert!(csv.contains(",'=cmd|' /C calc'!A0,新立案,1,"), "{csv}");
    let xlsx = String::from_utf8_lossy(&render(r#"{"forms": ["xlsx"]}"#, &wild).unwrap()[0].bytes).into_owned();
    assert!(xlsx.contains("t=\"inlineStr\"><is><t xml:space=\"preserve\">=cmd|&#39; /C calc&#39;!A0</t>"));
    assert!(!xlsx.contains("<f>"));
}

#[test]
fn periods_stand_in_the_order_of_their_days() {
    let data = json!({"periods": [reading("2026-03-01", "2026-03-31", 9), reading("2026-02-01", "2026-02-28", 4)]});
    let documents = render("{}", &data).unwrap();
    let names: Vec<&str> = documents.iter().map(|document| document.filename.as_str()).collect();
    let name = "statistics-linhai-2026-02-01-2026-03-31";
    let wanted = [".xlsx", ".csv", "-periods.svg", "-units.svg", "-channels.svg", "-levels.svg"];
    assert_eq!(names, wanted.map(|end| format!("{name}{end}")));
    let csv = String::from_utf8(documents[1].bytes.clone()).unwrap();
    assert!(csv.find("2026-02-01至2026-02-28").unwrap() < csv.find("2026-03-01至2026-03-31").unwrap());
    assert_eq!(render("{}", &data).unwrap(), documents);
}

#[test]
fn plugins_charts_are_read_without_being_seen() {
    let svg = one("svg", &reading("2026-03-01", "2026-03-31", 3));
    for said in [
        "role=\"img\" aria-labelledby=\"t d\"",
        "<title id=\"t\">舆情统计：林海市林业和草原局各单位新立案（2026-03-01至2026-03-31）</title>",
        "<desc id=\"d\">qingfeng 2件；翠湖&lt;管护局&gt; 1件。依据：read-desk:linhai:2026-03-01:2026-03-31。</desc>",
    ] {
        assert!(svg.contains(said), "{said}\nin\n{svg}");
    }
    assert!(!svg.contains("<管护局>"));
    let mut many = reading("2026-03-01", "2026-03-31", 3);
    many["by_unit"] = (0..30).map(|n| (format!("u{n:02}"), json!({"opened": u64::MAX / 2}))).collect::<Value>();
    assert!(one("svg", &many).contains("其他11项"));
}

#[test]
fn what_cannot_be_is_refused() {
    let month = |from: &str, to: &str| reading(from, to, 1);
    let mut other = month("2026-02-01", "2026-02-28");
    other["unit"] = json!("cuihu");
    let mut negative = month("2026-03-01", "2026-03-31");
    negative["cases"]["opened"] = json!(-1);
    for (data, why) in [
        (json!({"periods": []}), "no period"),
        (json!({"periods": {}}), "a list"),
        (json!({"periods": [month("2026-03-01", "2026-03-31"), month("2026-03-31", "2026-04-30")]}), "overlap"),
        (json!({"periods": [month("2026-03-01", "2026-03-31"), other]}), "several units"),
        (json!({"periods": [month("2026-03-01", "2026-03-31"), 7]}), "at /periods/1"),
        (json!({"periods": [negative]}), "at /periods/0/cases/opened"),
        (month("2026-03-31", "2026-03-01"), "at /from"),
        (month("2026-03-01", "2026-02-30"), "at /to"),
        (json!([]), "at /"),
    ] {
        refused(&data, why);
    }
}
