//! 全覆盖、全方位、全天候.

use huiyin_clauses::{OFFICER, Office, UNIT};
use serde_json::{Value, json};

#[test]
fn the_matrix_of_unit_channel_and_hour_shows_counts_and_gaps() {
    let office = Office::with(|pack| {
        let pushed = json!([{"source": "site", "channel": "portal", "every": "PT1S"}]);
        pack["coverage"][0]["pushed"] = pushed;
    });
    office.until("/v1/sources", |page| {
        let all = page["sources"].as_array().unwrap();
        all.iter().any(|source| source["source"] == "qingfeng/site" && !source["down_since"].is_null())
    });
    let items: Vec<Value> = (0..3)
        .map(|n| json!({"id": n.to_string(), "title": format!("问政 {n}"), "fields": {"channel": "microblog"}}))
        .collect();
    let (status, _) =
        office.post(&format!("/v1/units/{UNIT}/items"), OFFICER, &json!({"source": "wb", "items": items}));
    assert_eq!(status, 200);
    let page = office.get("/v1/coverage");
    let codes: Vec<&str> =
        page["units"].as_array().unwrap().iter().map(|unit| unit["unit"].as_str().unwrap()).collect();
    assert_eq!(codes, ["cuihu", "forest-fire", "linhai", "qingfeng"], "every unit of the tree, and no partner");
    let unit = page["units"].as_array().unwrap().iter().find(|unit| unit["unit"] == UNIT).unwrap();
    let row = |kind: &str| {
        unit["channels"].as_array().unwrap().iter().find(|c| c["channel"] == kind).unwrap()["hours"].clone()
    };
    let hours = row("microblog").as_array().unwrap().clone();
    assert_eq!(hours.len(), 24);
    let counted: u64 = hours.iter().filter_map(|hour| hour["items"].as_u64()).sum();
    assert_eq!(counted, 3, "{hours:?}");
    let dead = row("portal").as_array().unwrap().iter().filter(|hour| hour["live"] == false).count();
    assert!(dead >= 1, "the hour in which the portal was silent is dead");
    let gap = unit["gaps"].as_array().unwrap().iter().find(|gap| gap["source"] == "site").unwrap();
    assert_eq!((&gap["to"], gap["reason"].is_string()), (&Value::Null, true));
    // Another day has nothing, and says so.
    let (code, out, err) = office.cli(&["coverage", "--unit", UNIT, "--day", "2026-01-01"]);
    assert_eq!((code, out.contains("2026-01-01"), out.contains('×')), (0, true, true), "{out}{err}");
    let (code, _, err) = office.cli(&["coverage", "--day", "2026-13-01"]);
    assert_eq!((code, err.contains("is no date")), (2, true), "{err}");
}
