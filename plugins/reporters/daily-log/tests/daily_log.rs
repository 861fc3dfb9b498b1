//! The reporter as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_daily_log::DailyLog;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Document, Error, testing};

/// 2026-03-02T00:10:00+08:00.
const NOW: u64 = 1_772_381_400_000;
const CONFIG: &str = r#"{"forms": "markdown", "unitNames": {"cuihu": "翠湖自然保护区管护局"}}"#;

/// What the workflow `daily-log` hands on: what `read-desk` and `record-log` answer.
fn data() -> Value {
    json!({
        "unit": "linhai", "unit_name": "林海市林业和草原局", "to": "2026-03-01", "log": "daily-2026-03-01", "kind": "daily",
        "issue": 60, "issue_zh": "2026年第60期", "hash": "9cbc", "revision": 1, "issued": true,
        "sections": [{"name": "概况", "text": "2026-03-01收到信息 3 条。"}, {"name": "传播", "text": "渠道:weibo 3。"}],
        "figures": figures(3, 1),
        "due": [{
            "case": "C-1", "unit": "cuihu", "title": "候鸟|死亡", "level": "III", "clock": "k1",
            "name": {"zh": "四十八小时回应", "en": "answer"}, "due_at": "2026-03-01T09:00:00Z", "breached": true, "paused": false,
        }],
    })
}

fn figures(items: u64, opened: u64) -> Value {
    json!({
        "items": items, "cases": {"opened": opened, "closed": 0, "open": 2, "overdue": 1, "breaches": 0, "done": 0, "on_time": 0},
        "on_time_rate": null, "hotline": {"total": 0},
        "by_unit": {"cuihu": {"opened": opened, "closed": 0, "open": 1, "overdue": 1}, "qingfeng": {"open": 1}},
    })
}

fn render(data: &Value) -> Result<Vec<Document>, Error> {
    testing::render::<DailyLog>(&testing::context(NOW), CONFIG, &data.to_string())
}

fn text(data: &Value) -> String {
    String::from_utf8(render(data).unwrap().remove(0).bytes).unwrap()
}

fn refused(data: &Value, why: &str) {
    match render(data) {
        Err(Error::InvalidInput(text)) => assert!(text.contains(why), "{why}: {text}"),
        other => panic!("{why}: {other:?}"),
    }
}

#[test]
fn plugins_3_2e_a_day_is_told_with_its_number_and_what_is_due() {
    let text = text(&data());
    for line in [
        "# 舆情日志：2026年3月1日舆情日志",
        "（2026年第60期）　林海市林业和草原局　2026年3月1日",
        "2026-03-01收到信息 3 条。（依据：linhai/daily-2026-03-01\\#9cbc）",
        "| C-1 | 候鸟\\|死亡 | 四十八小时回应 | 2026年3月1日17时00分 | 超时 |",
        "| 新立案 | 1件 |",
        "| 翠湖自然保护区管护局 | 1 | 0 | 1 | 1 |",
        "| qingfeng | 0 | 0 | 1 | 0 |",
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\nin\n{text}");
    }
    assert_eq!(render(&data()).unwrap()[0].filename, "daily-log-linhai-2026-03-01.md");
}

#[test]
fn plugins_3_2e_a_day_with_nothing_has_its_log() {
    let mut empty = data();
    empty["sections"] = json!([]);
    empty["due"] = json!([]);
    empty["figures"] = figures(0, 0);
    assert!(text(&empty).contains("本日无新增信息、办件和来电。（依据：linhai/daily-2026-03-01\\#9cbc）"));
    // Nothing known is not nothing.
    for unknown in [json!(null), json!({}), json!({"items": 0}), json!({"items": "0", "cases": {}})] {
        empty["figures"] = unknown;
        refused(&empty, "no day with nothing");
    }
    for (items, opened) in [(1, 0), (0, 1)] {
        empty["figures"] = figures(items, opened);
        refused(&empty, "say what");
    }
}

#[test]
fn plugins_3_2e_what_is_no_daily_log_is_refused() {
    for (member, value, why) in [
        ("kind", json!("special"), "special-report"),
        ("from", json!("2026-02-28"), "one day"),
        ("from", json!("2026-03-02"), "lies after"),
        ("to", json!("2026-02-30"), "at /to"),
        ("issue", json!(null), "at /issue"),
        ("log", json!(" "), "record-log"),
        ("sections", json!([{"name": "概况", "text": " "}]), "at /sections/0/text"),
        ("sections", json!([{"name": "", "text": "x"}]), "at /sections/0/name"),
        ("due", json!([{"case": "C-1", "due_at": "soon"}]), "at /due/0/due_at"),
    ] {
        let mut data = data();
        data[member] = value;
        refused(&data, why);
    }
}

#[test]
fn a_log_that_was_written_anew_says_so() {
    let mut again = data();
    again["revision"] = json!(2);
    assert!(text(&again).contains("（2026年第60期（更正））"));
}

#[test]
fn the_same_call_gives_the_same_bytes_in_each_form() {
    let render = || testing::render::<DailyLog>(&testing::context(NOW), "{}", &data().to_string()).unwrap();
    assert_eq!(render().len(), 3);
    assert_eq!(render(), render());
}
