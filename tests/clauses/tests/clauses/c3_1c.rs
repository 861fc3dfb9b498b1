//! 疑虑、误解、歪曲、谣言.

use huiyin_clauses::{OFFICER, Office, UNIT};
use jiff::SignedDuration;
use serde_json::json;

#[test]
fn a_machine_labels_with_its_evidence_a_person_overrides_with_a_reason_and_the_history_stays() {
    let office = Office::open();
    let title = "网传后山火灾烧死多人,真相被隐瞒?求辟谣";
    let taken = office.item("l1", title, SignedDuration::from_mins(1));
    let item = taken["items"][0]["item"].as_str().unwrap().to_owned();
    let before = office.get(&format!("/v1/items/{item}"));
    let label = before["labels"]
        .as_array()
        .unwrap()
        .iter()
        .find(|l| l["label"] == "rumour")
        .unwrap_or_else(|| panic!("{before}"));
    assert_eq!((label["by_person"].clone(), label["label_zh"].clone()), (json!(false), json!("谣言")));
    assert!(!label["evidence"].as_array().unwrap().is_empty() && label["classifier"].is_string(), "{label}");
    let set = ["label", "set", "rumour", "--item", &item, "--remove", "--reason", "经核实属实", "--as", OFFICER];
    let (code, out, err) = office.cli(&set);
    assert_eq!(code, 0, "{err}");
    assert!(!out.contains("rumour"), "{out}");
    // A classifier says it once more: the person's word stands.
    let verdict = json!({"level": "III", "score": 0.5, "labels": ["谣言"], "reasons": ["谣言:网传"]});
    office.act(UNIT, OFFICER, &json!({"command": "add-concern", "case": case_of(&office, &item), "text": "有无伤亡"}));
    let again =
        json!({"command": "record-assessment", "item": item, "classifier": "keyword:0.1.0", "verdict": verdict});
    let refused =
        office.refused(UNIT, OFFICER, &json!({"command": "set-label", "item": item, "label": "rumour", "reason": ""}));
    assert!(refused.contains("reason"), "{refused}");
    let after = office.get(&format!("/v1/items/{item}"));
    assert!(after["labels"].as_array().unwrap().iter().all(|l| l["label"] != "rumour"), "{after}");
    let history = after["label_history"].as_array().unwrap();
    assert!(
        history
            .iter()
            .any(|e| e["label"] == "rumour" && e["on"] == true && e["by"].as_str().unwrap().starts_with("plugin:"))
    );
    let last = history.iter().rfind(|e| e["label"] == "rumour").unwrap();
    assert_eq!(
        (&last["on"], &last["reason"], &last["by"]),
        (&json!(false), &json!("经核实属实"), &json!(format!("person:{OFFICER}")))
    );
    // A person who assesses and names the label gives it again: it is a person's word, too.
    office.act(UNIT, OFFICER, &again);
    assert_eq!(office.get(&format!("/v1/items/{item}"))["label_history"].as_array().unwrap().len(), history.len() + 1);
}

fn case_of(office: &Office, item: &str) -> String {
    let opened = office.act(UNIT, OFFICER, &json!({"command": "open-case", "item": item, "level": "III"}));
    let case = opened["case"].as_str().unwrap().to_owned();
    assert!(
        !office.case(&case)["label_history"].as_array().unwrap().is_empty(),
        "the case carries what was said of its item"
    );
    case
}
