//! 不漏报、不迟报.

use huiyin_clauses::{OFFICER, Office, UNIT, ago_of};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn source(page: &Value) -> Value {
    let all = page["sources"].as_array().unwrap();
    all.iter().find(|source| source["source"] == "qingfeng/hotline").cloned().unwrap_or(Value::Null)
}

#[test]
fn a_source_that_was_never_heard_is_down_and_a_gap_is_on_record_with_its_end_and_reason() {
    let mut office = Office::with(|pack| {
        let pushed = json!([{"source": "hotline", "channel": "hotline", "every": "PT1S"}]);
        pack["coverage"][0]["pushed"] = pushed;
    });
    let first = source(&office.get("/v1/sources"));
    assert_eq!((&first["heartbeat"], &first["live"]), (&json!("never-seen"), &json!(false)), "never seen is down");
    let down = office.until("/v1/sources", |page| !source(page)["down_since"].is_null());
    assert_eq!(source(&down)["down_reason"], "it was never heard");
    let published = ago_of(SignedDuration::from_hours(2)).to_string();
    let items =
        json!({"source": "hotline", "items": [{"id": "1", "title": "来电反映夜间施工", "published": published}]});
    let (_, taken) = office.post(&format!("/v1/units/{UNIT}/items"), OFFICER, &items);
    let item = taken["items"][0]["item"].as_str().unwrap();
    let late = office.get(&format!("/v1/items/{item}"))["late_seconds"].as_i64().unwrap();
    assert!((7_200..7_300).contains(&late), "lateness is observed less published: {late}");
    let ended =
        |page: &Value| source(page)["gaps"].as_array().is_some_and(|gaps| gaps.iter().any(|gap| !gap["to"].is_null()));
    let up = office.until("/v1/sources", ended);
    let gap = source(&up)["gaps"][0].clone();
    assert_eq!(gap["reason"], "it was never heard");
    office.restart();
    assert_eq!(source(&office.get("/v1/sources"))["gaps"][0], gap, "it survives a restart");
    let (code, out, _) = office.cli(&["source", "gaps", "--unit", UNIT]);
    assert_eq!((code, out.contains("it was never heard")), (0, true), "{out}");
}
