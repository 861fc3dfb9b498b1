//! 专人和力量;巡查.

use huiyin_clauses::{OFFICER, Office, PRINCIPAL, UNIT};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A roster in which this officer is on duty at any time, and nobody on the date after next.
fn roster() -> Value {
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
    let later = zone.to_datetime(Timestamp::now()).date().tomorrow().unwrap();
    json!([
        {"id": "all-day", "from": "00:00", "to": "24:00", "people": [OFFICER]},
        {"id": "nobody", "date": later.to_string(), "from": "00:00", "to": "24:00", "people": []},
    ])
}

fn office() -> Office {
    Office::with(|pack| {
        pack["duty"][1]["alert_before"] = json!("P2D");
        pack["duty"][1]["slots"] = roster();
        let now = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap().to_datetime(Timestamp::now());
        pack["duty"][1]["patrols"][0]["at"] = json!([now.strftime("%H:%M").to_string()]);
    })
}

#[test]
fn duty_is_held_checked_in_swapped_and_a_slot_that_nobody_holds_alerts_ahead() {
    let mut office = office();
    let shown = office.until(&format!("/v1/roster?unit={UNIT}"), |page| {
        page["units"][0]["slots"].as_array().is_some_and(|slots| slots.iter().any(|slot| !slot["alerted"].is_null()))
    });
    let unit = &shown["units"][0];
    assert_eq!(unit["on_duty"], json!([OFFICER]));
    let empty = unit["slots"].as_array().unwrap().iter().find(|slot| slot["state"] == "unstaffed").unwrap().clone();
    assert!(empty["slot"].as_str().unwrap().starts_with("nobody@"), "{empty}");
    let (code, out, err) = office.cli(&["roster", "check-in", "--unit", UNIT, "--as", OFFICER]);
    assert_eq!((code, out.contains("已签到")), (0, true), "{out}{err}");
    let (code, _, err) = office.cli(&["roster", "check-in", "--unit", UNIT, "--as", PRINCIPAL]);
    assert_eq!((code, err.contains("3.1b")), (1, true), "{err}");
    let slot = empty["slot"].as_str().unwrap();
    let swap = ["roster", "swap", slot, "--unit", UNIT, "--people", PRINCIPAL, "--reason", "代班", "--as", PRINCIPAL];
    assert_eq!(office.cli(&swap).0, 0);
    // It is on record, and survives a restart.
    office.restart();
    let shown = office.get(&format!("/v1/roster?unit={UNIT}&days=3"));
    let slots = shown["units"][0]["slots"].as_array().unwrap();
    let of = |id: &str| slots.iter().find(|s| s["slot"] == id).unwrap_or_else(|| panic!("{slots:?}")).clone();
    assert_eq!(of(slot)["people"], json!([PRINCIPAL]));
    assert_eq!(of(slot)["swaps"][0]["reason"], "代班");
    let now =
        slots.iter().find(|slot| slot["now"] == true && slot["slot"].as_str().unwrap().starts_with("all-day")).unwrap();
    assert_eq!((&now["state"], &now["checked_in"][0]["person"]), (&json!("checked-in"), &json!(OFFICER)));
}

#[test]
fn a_patrol_is_on_record_with_what_was_seen_and_an_item_can_be_made_of_it() {
    let office = office();
    let list = office.get(&format!("/v1/patrols?unit={UNIT}"));
    let due =
        list["patrols"].as_array().unwrap().iter().find(|p| p["state"] == "due").unwrap_or_else(|| panic!("{list}"));
    assert_eq!(due["people"], json!([OFFICER]));
    assert!(!due["look"].as_array().unwrap().is_empty());
    let id = due["patrol"].as_str().unwrap();
    let seen = "论坛有人反映后山冒烟";
    let done = ["patrol", "done", id, "--seen", seen, "--url", "http://bbs.example/1", "--item", "--as", OFFICER];
    let (code, _, err) = office.cli(&done);
    assert_eq!(code, 0, "{err}");
    let list = office.get(&format!("/v1/patrols?unit={UNIT}"));
    let patrol = list["patrols"].as_array().unwrap().iter().find(|p| p["patrol"] == id).unwrap();
    assert_eq!((&patrol["state"], &patrol["by"]), (&json!("done"), &json!(format!("person:{OFFICER}"))));
    let item = patrol["seen"][0]["item"].as_str().unwrap();
    assert_eq!(office.get(&format!("/v1/items/{item}"))["title"], seen);
}
