//! The reporter as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_special_report::SpecialReport;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Document, Error, testing};

/// 2026-03-02T09:00:00+08:00.
const NOW: u64 = 1_772_413_200_000;

/// A special report as its page has it.
fn special() -> Value {
    let section = |name: &str| json!({"name": name, "text": format!("{name}如下。\n第二段。")});
    let sections = ["概况", "传播", "观点", "研判", "建议"].map(section);
    json!({
        "id": "special-3", "kind": "special", "from": "2026-03-01", "to": "2026-03-01", "issue": 2, "title": "关于“老鹰岩山火”的舆情专报",
        "case": "C-1", "sections": sections, "hash": "h3", "revision": 1,
        "by": "person:xu-ming", "issued": {"by": "gao-yuan", "at": "2026-03-01T12:00:00Z"}, "unit": "qingfeng",
        "unit_name": "青枫县林业和草原局", "issue_zh": "2026年第2期",
    })
}

fn digest() -> Value {
    json!({
        "log": "digest-2026-02-23-2026-03-01", "kind": "digest", "from": "2026-02-23", "to": "2026-03-01", "issue": 9,
        "unit": "linhai", "unit_name": "林海市林业和草原局", "sections": [{"name": "本周舆情", "text": "平稳。"}],
        "figures": {"items": 40, "cases": {"opened": 3, "closed": 2, "open": 4, "overdue": 0, "breaches": 0},
            "hotline": {"total": 20, "answer_rate": 0.95}},
    })
}

fn render(data: &Value) -> Result<Vec<Document>, Error> {
    testing::render::<SpecialReport>(&testing::context(NOW), r#"{"forms": "markdown"}"#, &data.to_string())
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
fn plugins_3_2e_a_special_report_has_its_number_once_it_is_issued() {
    let issued = text(&special());
    assert!(
        issued.starts_with(
            "# 舆情专报：关于“老鹰岩山火”的舆情专报\n\n（2026年第2期）　青枫县林业和草原局　2026年3月1日\n"
        )
    );
    assert!(issued.contains("## 研判\n\n研判如下。\n\n第二段。（依据：C-1）"), "{issued}");
    assert_eq!(render(&special()).unwrap()[0].filename, "special-report-2026-2.md");
    for not_yet in [json!(null), json!(false)] {
        let mut draft = special();
        draft["issued"] = not_yet;
        assert!(text(&draft).contains("（草稿，尚未签发）"));
        assert_eq!(render(&draft).unwrap()[0].filename, "special-report-special-3.md");
    }
    let mut unnumbered = special();
    unnumbered["issue"] = json!(null);
    refused(&unnumbered, "at /issue");
}

#[test]
fn plugins_3_2e_a_special_report_has_five_sections() {
    for change in [0, 2, 4] {
        let mut short = special();
        short["sections"].as_array_mut().unwrap().remove(change);
        refused(&short, "概况、传播、观点、研判、建议");
    }
    let mut swapped = special();
    swapped["sections"].as_array_mut().unwrap().swap(1, 2);
    refused(&swapped, "in this order");
    let mut twice = special();
    twice["sections"][4] = twice["sections"][3].clone();
    refused(&twice, "at /sections");
}

#[test]
fn plugins_1b_each_section_rests_on_something() {
    let mut alone = special();
    alone["case"] = json!(null);
    refused(&alone, "/sections/0/evidence");
    for n in 0..5 {
        alone["sections"][n]["evidence"] = json!([format!("v{n}")]);
    }
    assert!(text(&alone).contains("第二段。（依据：v3）"));
    alone["sections"][3]["evidence"] = json!([" "]);
    refused(&alone, "/sections/3/evidence");
    alone["log"] = json!(null);
    alone["id"] = json!(null);
    alone["case"] = json!("C-1");
    refused(&alone, "record-log");
}

#[test]
fn plugins_6a_a_digest_tells_of_its_period() {
    let text = text(&digest());
    assert!(text.contains("# 舆情摘报：2026年2月23日至2026年3月1日舆情摘报"));
    assert!(
        text.contains("平稳。（依据：linhai/digest-2026-02-23-2026-03-01）") && text.contains("| 热线接听率 | 95.0% |"),
        "{text}"
    );
    for (member, value, why) in [
        ("sections", json!([]), "at /sections"),
        ("issue", json!(null), "at /issue"),
        ("kind", json!("daily"), "daily-log"),
        ("kind", json!(null), "at /kind"),
        ("from", json!("2026-03-02"), "lies after"),
    ] {
        let mut data = digest();
        data[member] = value;
        refused(&data, why);
    }
}
