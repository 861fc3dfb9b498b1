//! Reading the desk, and what is written down of it (clauses 3.2e, 4c, 6a).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::Host;
use huiyin_desk::{LogKind, daily_log, log_list};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn section(name: &str, text: &str) -> Value {
    json!({ "name": name, "text": text })
}

fn daily(day: &str, text: &str) -> Value {
    json!({ "unit": "qingfeng", "kind": "daily", "to": day, "sections": [section("概况", text)] })
}

#[test]
fn a_unit_reads_its_own_desk_and_those_below_and_no_other() {
    let mut host = Host::new();
    host.case("II");
    let other = json!({ "unit": "cuihu", "title": "捕鸟", "level": "III", "asker": "乙" });
    host.person("bai-ling", "open-case", other).unwrap();
    host.minutes(120);
    let read = |host: &mut Host, scope: &str, input: Value| {
        host.scope = Some(scope.to_owned());
        let read = host.call("read-desk", input);
        host.scope = None;
        read
    };
    let own = read(&mut host, "qingfeng", json!({})).unwrap();
    assert_eq!((&own["cases"]["opened"], &own["cases"]["overdue"]), (&json!(1), &json!(1)), "{own}");
    assert_eq!((&own["items"], &own["by_level"]), (&json!(1), &json!({ "II": 1 })));
    assert!(own["sections"][0]["text"].as_str().unwrap().contains("新立案 1 件"), "{own}");
    assert!(own["due"].as_array().unwrap().iter().any(|due| due["clock"] == "flash-report" && due["breached"] == true));
    let city = read(&mut host, "linhai", json!({})).unwrap();
    assert_eq!(city["cases"]["opened"], json!(2));
    assert_eq!(city["by_unit"]["cuihu"]["opened"], json!(1));
    assert_eq!(read(&mut host, "cuihu", json!({ "unit": "qingfeng" })).unwrap_err().clause, Some("1d"));
    let far = json!({ "from": "2024-01-01", "to": "2026-03-01" });
    assert_eq!(read(&mut host, "linhai", far).unwrap_err().code, "out-of-range");
    // A secret title does not leave by a reading.
    let number = own["open"][0]["number"].as_str().unwrap().to_owned();
    let secret = json!({ "case": number, "to": "secret", "reason": "涉密" });
    host.person("gao-yuan", "set-confidentiality", secret).unwrap();
    let own = read(&mut host, "qingfeng", json!({})).unwrap();
    assert_eq!(own["open"][0]["title"], "(涉密)");
    assert!(host.facts.iter().all(|fact| fact.subject() != "read-desk"));
}

#[test]
fn a_daily_log_is_numbered_by_unit_and_year_also_with_nothing_and_a_missed_day_shows() {
    let mut host = Host::new();
    let first = host.person("xu-ming", "record-log", daily("2026-03-01", "本日无。")).unwrap();
    assert_eq!((&first["issue"], &first["issue_zh"]), (&json!(1), &json!("2026年第1期")));
    // The same again is the same; another text is a person's, with a reason, and keeps the number.
    assert_eq!(host.call("record-log", daily("2026-03-01", "本日无。")).unwrap(), first);
    let other = daily("2026-03-01", "补记一条。");
    assert_eq!(host.call("record-log", other.clone()).unwrap_err().code, "recorded");
    let mut anew = other;
    anew["reason"] = json!("漏记");
    let anew = host.person("xu-ming", "record-log", anew).unwrap();
    assert_eq!((&anew["issue"], &anew["revision"]), (&json!(1), &json!(2)));
    host.wait(SignedDuration::from_hours(72));
    let third = host.call("record-log", daily("2026-03-03", "本日无。")).unwrap();
    assert_eq!(third["issue"], json!(2));
    let rows = log_list(&host.desk, Some("qingfeng"), Some(LogKind::Daily), host.now);
    let missing: Vec<&str> = rows.iter().filter(|r| r["missing"] == true).map(|r| r["to"].as_str().unwrap()).collect();
    assert_eq!(missing, ["2026-03-02"]);
    assert!(daily_log(&host.desk, "qingfeng", "2026-03-03".parse().unwrap()).is_some());
    let future = host.call("record-log", daily("2026-03-09", "未来。")).unwrap_err();
    assert_eq!(future.clause, Some("3.2e"));
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn a_special_report_has_its_sections_and_is_issued_by_another_person() {
    let mut host = Host::new();
    let case = host.case("II");
    let names = ["概况", "传播", "观点", "研判", "建议"];
    let special = |text: &str| {
        let sections: Vec<Value> = names.iter().map(|name| section(name, text)).collect();
        json!({ "unit": "qingfeng", "kind": "special", "to": "2026-03-01", "case": case, "sections": sections })
    };
    let few = json!({ "unit": "qingfeng", "kind": "special", "to": "2026-03-01", "sections": [section("概况", "x")] });
    assert!(host.call("record-log", few).unwrap_err().hint.contains("概况、传播、观点、研判、建议"));
    let draft = host.call("record-log", special("待梳理。")).unwrap();
    assert_eq!((&draft["issued"], &draft["issue"]), (&json!(false), &Value::Null));
    // A person writes it; it is the same report with another text, and the old hash issues nothing.
    let written = host.person("xu-ming", "record-log", special("已核实。")).unwrap();
    assert_eq!((&written["log"], &written["revision"]), (&draft["log"], &json!(2)));
    let issue = |hash: &Value| json!({ "unit": "qingfeng", "log": draft["log"], "hash": hash });
    assert_eq!(host.person("gao-yuan", "issue-log", issue(&draft["hash"])).unwrap_err().code, "changed");
    assert_eq!(host.person("xu-ming", "issue-log", issue(&written["hash"])).unwrap_err().code, "own-text");
    let issued = host.person("gao-yuan", "issue-log", issue(&written["hash"])).unwrap();
    assert_eq!((&issued["issue"], &issued["issued"]), (&json!(1), &json!(true)));
    assert_eq!(host.person("gao-yuan", "issue-log", issue(&written["hash"])).unwrap_err().code, "unchanged");
    assert_eq!(host.replayed(), host.desk);
}
