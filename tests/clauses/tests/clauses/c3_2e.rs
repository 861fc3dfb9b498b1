//! 网络舆情日志、舆情专报.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT, today};
use jiff::SignedDuration;
use serde_json::{Value, json};

#[test]
fn a_daily_log_says_what_happened_also_on_a_day_with_nothing() {
    let office = Office::open();
    let day = today();
    let record = |unit: &str, person: &str| {
        office.cli(&["log", "record", "--unit", unit, "--kind", "daily", "--to", &day, "--as", person])
    };
    // A day with nothing.
    let (code, out, error) = record("cuihu", "bai-ling");
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("第1期"), "{out}");
    let (code, out, error) = office.cli(&["log", "show", "--unit", "cuihu", "--day", &day]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("无新增信息"), "{out}");
    // A day with an item, a case and a breach.
    office.item("p1", "网传老鹰岩山火烧死人", SignedDuration::from_mins(90));
    let (code, _, error) = record(UNIT, OFFICER);
    assert_eq!(code, 0, "{error}");
    let (_, out, _) = office.cli(&["log", "show", "--unit", UNIT, "--day", &day]);
    assert!(out.contains("收到信息 1 条") && out.contains("新立案 1 件") && out.contains("超时 1 件"), "{out}");
    // The unit above reads what is below it, wherever that lives.
    let read = office.act("linhai", "he-ping", &json!({"command": "read-desk"}));
    assert_eq!(read["by_unit"][UNIT]["opened"], 1, "{read}");
    // Written already: anew only by a person, with a reason, under the same number.
    office.open_case("III", "林道塌方", &json!({}));
    assert_ne!(record(UNIT, OFFICER).0, 0);
}

#[test]
fn a_special_report_is_numbered_once_another_person_issues_it() {
    let office = Office::open();
    let day = today();
    let sections: Vec<Value> =
        ["概况", "传播", "观点", "研判", "建议"].iter().map(|name| json!({"name": name, "text": "见附件。"})).collect();
    let special =
        json!({"command": "record-log", "kind": "special", "to": day, "title": "山火专报", "sections": sections});
    let draft = office.act(UNIT, OFFICER, &special);
    let (log, hash) = (draft["log"].as_str().unwrap(), draft["hash"].as_str().unwrap());
    assert_eq!(draft["issue"], Value::Null);
    let issue = |person: &str| office.cli(&["log", "issue", log, &hash[..8], "--unit", UNIT, "--as", person]);
    assert_ne!(issue(OFFICER).0, 0, "nobody issues what they wrote");
    let (code, out, error) = issue(PRINCIPAL);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("第1期"), "{out}");
    let few =
        json!({"command": "record-log", "kind": "special", "to": day, "sections": [{"name": "概况", "text": "x"}]});
    assert!(office.refused(UNIT, OFFICER, &few).contains("3.2e"));
}
