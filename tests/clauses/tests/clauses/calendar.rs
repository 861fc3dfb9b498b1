//! The clocks of a unit as a calendar: what another library of iCalendar reads in it.

use huiyin_clauses::{OFFICER, OTHER, Office, PRINCIPAL, STRANGER, UNIT};
use ical::parser::Component as _;
use ical::parser::ical::component::IcalTodo;
use serde_json::{Value, json};

fn todos(text: &str) -> Vec<IcalTodo> {
    let mut calendars: Vec<_> = ical::IcalParser::new(text.as_bytes()).collect::<Result<_, _>>().unwrap();
    assert_eq!(calendars.len(), 1, "{text}");
    let calendar = calendars.remove(0);
    assert_eq!(calendar.get_property("VERSION").unwrap().value.as_deref(), Some("2.0"));
    calendar.todos
}

fn value(todo: &IcalTodo, name: &str) -> String {
    let property = todo.get_property(name).unwrap_or_else(|| panic!("no {name}: {todo:?}"));
    property.value.clone().unwrap_or_default()
}

/// `20260301T020000Z` of an RFC 3339 time.
fn stamp(time: &Value) -> String {
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[test]
fn every_running_clock_is_a_to_do_that_another_library_reads() {
    let office = Office::open();
    let title = "山火;浓烟, 蔓延\\扩散";
    let case = office.open_case("II", title, &json!({}));
    let secret = office.open_case("III", "信访人住址泄露", &json!({}));
    office.act(
        UNIT,
        PRINCIPAL,
        &json!({"command": "set-confidentiality", "case": secret, "to": "secret", "reason": "涉及隐私"}),
    );
    let file = office.folder.path().join("unit.ics");
    let path = file.to_str().unwrap();
    let (code, _, error) = office.cli(&["case", "calendar", "--unit", UNIT, "--out", path, "--as", OFFICER]);
    assert_eq!(code, 0, "{error}");
    let text = std::fs::read_to_string(&file).unwrap();
    let found = todos(&text);
    let page = office.case(&case);
    let running: Vec<&Value> =
        page["clocks"].as_array().unwrap().iter().filter(|clock| clock["satisfied_at"].is_null()).collect();
    assert!(running.len() > 2, "{page}");
    for clock in &running {
        let uid = format!("{case}.{}@huiyin", clock["clock"].as_str().unwrap());
        let todo = found.iter().find(|todo| value(todo, "UID") == uid).unwrap_or_else(|| panic!("no {uid} in {text}"));
        assert_eq!(value(todo, "DUE"), stamp(&clock["due_at"]));
        assert_eq!(value(todo, "STATUS"), "NEEDS-ACTION");
        assert_eq!(value(todo, "PRIORITY"), "3");
        let name = clock["name"]["zh"].as_str().unwrap();
        assert_eq!(value(todo, "SUMMARY"), format!("{name}:山火\\;浓烟\\, 蔓延\\\\扩散"), "escaped as RFC 5545 says");
    }
    let warned = found.iter().find(|todo| !todo.alarms.is_empty()).expect("an alarm");
    let trigger = warned.alarms[0].get_property("TRIGGER").unwrap().value.clone().unwrap();
    assert!(trigger.ends_with('Z') && trigger < value(warned, "DUE"), "{trigger}");
    // Lines of more than 75 bytes are folded, and no character is cut in two.
    assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
    // A secret case shows no title, and nothing at all to who may not read it.
    assert!(!text.contains("住址") && text.contains("(涉密)"), "{text}");
    let (code, out, error) = office.cli(&["case", "calendar", "--unit", UNIT, "--out", "-", "--as", STRANGER]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains(&case) && !out.contains(&secret), "{out}");
    // A unit sees the clock of its task, and no other of the case.
    let task = json!({"command": "assign-task", "case": case, "kind": "verify", "to": OTHER, "text": "请核实"});
    office.act(UNIT, PRINCIPAL, &task);
    let (_, out, _) = office.cli(&["case", "calendar", "--unit", OTHER, "--out", "-", "--as", STRANGER]);
    let uids: Vec<String> = todos(&out).iter().map(|todo| value(todo, "UID")).collect();
    assert_eq!(uids, [format!("{case}.task.t1@huiyin")]);
    let (code, _, error) = office.cli(&["case", "calendar", "--unit", "nowhere", "--out", "-"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("nowhere"), "{error}");
}
