//! Messages of citizens and calls on the hotline (clauses 1g, 4b, 4c).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::Host;
use huiyin_desk::case::Kind;
use huiyin_desk::{Call, Command, Fact, ImportCalls, Intake, PolicyPack, ReceivedItem, call_rate};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// The sample pack with the figures that it leaves to the operator.
fn pack(change: impl FnOnce(&mut Value)) -> PolicyPack {
    let mut pack: Value = serde_json::from_str(common::SAMPLE).unwrap();
    for clock in pack["clocks"].as_array_mut().unwrap() {
        let figure = match clock["id"].as_str().unwrap() {
            "message-47" => "20wd",
            "message-accept" => "2wd",
            "hotline-callback" => "PT2H",
            "hotline-answer" => "5wd",
            _ => continue,
        };
        clock["allowance"] = json!(figure);
        clock["basis"]["status"] = json!("own");
        if clock["id"] == "message-47" {
            clock["extension"] = json!("20wd");
        }
    }
    pack["closing"] = json!([]);
    change(&mut pack);
    PolicyPack::parse(&pack.to_string(), "pack.json").unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn host() -> Host {
    Host::under(pack(|_| ()))
}

fn message(host: &Host, id: &str, text: &str, intake: Intake) -> ReceivedItem {
    ReceivedItem { intake: Some(Intake { kind: Kind::Message, ..intake }), ..host.item(id, text, None) }
}

fn call(host: &Host, id: &str, phone: &str, answered: bool) -> Call {
    Call {
        id: Some(id.to_owned()),
        at: host.now,
        phone: phone.to_owned(),
        answered,
        called_back: false,
        called_back_at: None,
        replied: false,
        asker: None,
        duty: None,
        region: None,
        said: None,
    }
}

fn import(host: &mut Host, calls: Vec<Call>) -> Value {
    let command = ImportCalls { unit: "qingfeng".to_owned(), source: "96128".to_owned(), calls };
    host.system(&Command::ImportCalls(command)).unwrap().output
}

#[test]
fn a_message_has_a_case_and_a_receipt_at_once_and_comes_in_once() {
    let mut host = host();
    let phone = Some("+86 139-8000-1234".to_owned());
    let given = message(&host, "m1", "后山采石何时停工", Intake { phone, ..Intake::default() });
    let taken = host.receive("qingfeng", vec![given.clone()]);
    let number = taken["items"][0]["case"].as_str().unwrap().to_owned();
    let receipt = &taken["items"][0]["receipt"];
    assert_eq!(receipt["number"], json!(number));
    let text = receipt["text"].as_str().unwrap();
    for said in [&*number, "责任单位:青枫县林业和草原局", "前受理", "前答复"] {
        assert!(text.contains(said), "{text}");
    }
    let case = host.desk.case(&number).unwrap();
    assert_eq!((case.kind, case.askers.len()), (Kind::Message, 1));
    assert!(case.askers[0].id.contains("尾号1234"), "{:?}", case.askers);
    let rules: Vec<&str> = case.clocks.iter().map(|entry| entry.clock.rule.as_str()).collect();
    assert_eq!(rules, ["message-47", "message-accept"]);
    // The number itself is nowhere, and the same message has the same receipt again.
    let journal = serde_json::to_string(&host.facts).unwrap();
    assert!(!journal.contains("1398") && !journal.contains("139-8"), "no phone number in the journal");
    let again = host.receive("qingfeng", vec![given]);
    assert_eq!((&again["items"][0]["outcome"], &again["items"][0]["case"]), (&json!("seen"), &json!(number)));
    // Two who write the same are two, each with a receipt.
    let other = message(&host, "m2", "后山采石何时停工", Intake::default());
    let other = host.receive("qingfeng", vec![other]);
    assert_ne!(other["items"][0]["case"], json!(number));
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn a_message_goes_to_the_unit_whose_duty_it_is_or_waits_for_one() {
    let mut host = host();
    let duty = |words: &str| Intake { duty: Some(words.to_owned()), ..Intake::default() };
    let given =
        vec![message(&host, "m1", "有人捕鸟", duty("野生动物救护")), message(&host, "m2", "路灯坏了", duty("路灯"))];
    let taken = host.receive("qingfeng", given);
    let case = |at: usize| host.desk.case(taken["items"][at]["case"].as_str().unwrap()).unwrap();
    assert_eq!((case(0).unit.as_str(), case(0).routed), ("cuihu", true));
    assert_eq!((case(1).unit.as_str(), case(1).routed), ("qingfeng", false));
    assert!(case(1).clocks.iter().any(|entry| entry.clock.rule == "routing"));
    assert!(case(1).came_in.as_ref().unwrap().unrouted.as_ref().unwrap().contains("路灯"));
    assert!(taken["items"][1]["receipt"]["text"].as_str().unwrap().contains("确定责任单位"));
}

#[test]
fn a_collector_of_a_message_board_says_so_in_a_field() {
    let mut host = host();
    let mut item = host.item("m1", "林道何时修好", None);
    item.item.fields.insert("intake".to_owned(), "message".to_owned());
    let taken = host.receive("qingfeng", vec![item]);
    let case = host.desk.case(taken["items"][0]["case"].as_str().unwrap()).unwrap();
    assert_eq!(case.kind, Kind::Message);
}

#[test]
fn acceptance_stops_its_clock_and_a_breach_stays() {
    let mut host = host();
    let given = message(&host, "m1", "补偿标准是多少", Intake::default());
    let number = host.receive("qingfeng", vec![given])["items"][0]["case"].as_str().unwrap().to_owned();
    host.wait(SignedDuration::from_hours(24 * 7));
    host.person("xu-ming", "accept-case", json!({ "case": number })).unwrap();
    let case = host.desk.case(&number).unwrap();
    let accept = case.clocks.iter().find(|entry| entry.clock.rule == "message-accept").unwrap();
    assert!(accept.clock.breached.is_some() && !accept.clock.satisfied.as_ref().unwrap().on_time);
    assert!(case.accepted.is_some());
    // A second time changes nothing.
    host.person("xu-ming", "accept-case", json!({ "case": number })).unwrap();
    assert_eq!(host.facts.iter().filter(|fact| matches!(fact, Fact::CaseAccepted { .. })).count(), 1);
}

#[test]
fn time_is_extended_once_by_two_persons_and_never_after_the_due_time() {
    let mut host = host();
    let given = message(&host, "m1", "补偿标准是多少", Intake::default());
    let number = host.receive("qingfeng", vec![given])["items"][0]["case"].as_str().unwrap().to_owned();
    let due = |host: &Host| {
        let case = host.desk.case(&number).unwrap();
        case.clocks.iter().find(|entry| entry.clock.rule == "message-47").unwrap().clock.due.at
    };
    let first = due(&host);
    let ask = json!({ "case": number, "clock": "message-47", "reason": "须现场勘验" });
    let asked = host.person("xu-ming", "extend-clock", ask.clone()).unwrap();
    let approve = json!({ "command": "approve", "case": number, "hash": asked["pending"]["hash"] });
    assert_eq!(due(&host), first);
    assert_eq!(host.does("xu-ming", approve.clone()).unwrap_err().clause, Some("rule 9"));
    host.does("gao-yuan", approve).unwrap();
    assert!(due(&host) > first);
    assert_eq!(host.person("xu-ming", "extend-clock", ask.clone()).unwrap_err().code, "extended");
    // The other clock has no extension in the pack.
    let other = json!({ "case": number, "clock": "message-accept", "reason": "忙" });
    assert_eq!(host.person("xu-ming", "extend-clock", other).unwrap_err().code, "not-extendable");
    // What was asked for in time and is approved too late undoes no breach.
    let given = message(&host, "m2", "采伐证怎么办", Intake::default());
    let late = host.receive("qingfeng", vec![given])["items"][0]["case"].as_str().unwrap().to_owned();
    let ask = json!({ "case": late, "clock": "message-47", "reason": "须会商" });
    let asked = host.person("xu-ming", "extend-clock", ask).unwrap();
    host.wait(SignedDuration::from_hours(24 * 60));
    let approve = json!({ "command": "approve", "case": late, "hash": asked["pending"]["hash"] });
    assert_eq!(host.does("gao-yuan", approve).unwrap_err().code, "too-late");
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn calls_are_counted_once_whatever_file_they_come_in() {
    let mut host = host();
    let mut calls: Vec<Call> =
        (0..6).map(|n| call(&host, &format!("c{n}"), &format!("1390000{n}000"), n < 4)).collect();
    calls[5].called_back = true;
    // Without an id a call is known by its time and number.
    calls[0].id = None;
    let done = import(&mut host, calls.clone());
    assert_eq!((&done["taken"], &done["seen"], &done["refused"]), (&json!(6), &json!(0), &json!(0)));
    assert_eq!(done["opened"].as_array().unwrap().len(), 1, "one waits to be called back: {done}");
    let again = import(&mut host, calls);
    assert_eq!((&again["taken"], &again["seen"]), (&json!(0), &json!(6)));
    let day = "2026-03-01".parse().unwrap();
    let rate = call_rate(&host.desk, day, day);
    assert_eq!(
        rate[0],
        json!({"unit": "qingfeng", "total": 6, "answered": 4, "missed": 2, "called_back": 1, "asked": 0})
    );
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn a_broken_call_is_refused_by_itself() {
    let mut host = host();
    let mut future = call(&host, "c1", "13900001111", true);
    future.at = host.now + SignedDuration::from_hours(2);
    let mut back = call(&host, "c2", "13900001111", false);
    back.called_back_at = Some(host.now - SignedDuration::from_hours(2));
    let calls = vec![future, back, call(&host, "c3", "x", true), call(&host, "c4", "13900001111", true)];
    let done = import(&mut host, calls);
    assert_eq!((&done["taken"], &done["refused"]), (&json!(1), &json!(3)), "{done}");
}

#[test]
fn who_called_in_vain_is_called_back_under_a_clock() {
    let mut host = host();
    let first = call(&host, "c1", "13900001111", false);
    let done = import(&mut host, vec![first]);
    let number = done["opened"][0].as_str().unwrap().to_owned();
    // Whoever tries again waits for the same call.
    host.minutes(5);
    let again = call(&host, "c2", "139 0000 1111", false);
    let done = import(&mut host, vec![again]);
    assert_eq!((&done["opened"], &done["items"][0]["case"]), (&json!([]), &json!(number)));
    host.minutes(120);
    let clock = |host: &Host| {
        let case = host.desk.case(&number).unwrap();
        case.clocks.iter().find(|entry| entry.clock.rule == "hotline-callback").unwrap().clock.clone()
    };
    assert!(clock(&host).breached.is_some());
    let tried = json!({ "case": number, "reached": false, "text": "无人接听" });
    assert_eq!(host.person("xu-ming", "record-callback", tried).unwrap()["waits"], json!(true));
    let reached = json!({ "case": number, "reached": true, "text": "已说明采伐证流程" });
    let done = host.person("xu-ming", "record-callback", reached).unwrap();
    assert_eq!((&done["waits"], &done["state"]), (&json!(false), &json!("answered")));
    assert!(!clock(&host).satisfied.unwrap().on_time);
    host.person("xu-ming", "close-case", json!({ "case": number })).unwrap();
    // A caller who then asks something waits for that.
    let other = call(&host, "c3", "13900002222", false);
    let other = import(&mut host, vec![other])["opened"][0].as_str().unwrap().to_owned();
    let asks = json!({ "case": other, "reached": true, "text": "问补偿标准", "asks": "补偿标准是多少" });
    host.person("xu-ming", "record-callback", asks).unwrap();
    assert_eq!(host.person("xu-ming", "close-case", json!({ "case": other })).unwrap_err().code, "unanswered");
}

#[test]
fn a_call_that_asks_something_is_a_case_and_one_that_was_answered_is_not() {
    let mut host = host();
    let mut asks = call(&host, "c1", "13900001111", true);
    asks.said = Some(host.item("c1", "采伐证怎么办理", None));
    let mut told = call(&host, "c2", "13900002222", true);
    told.said = Some(host.item("c2", "局里几点上班", None));
    told.replied = true;
    let done = import(&mut host, vec![asks, told]);
    assert_eq!(done["opened"].as_array().unwrap().len(), 1, "{done}");
    let case = host.desk.case(done["opened"][0].as_str().unwrap()).unwrap();
    assert_eq!((case.kind, case.title.as_str()), (Kind::Hotline, "采伐证怎么办理"));
    let rules: Vec<&str> = case.clocks.iter().map(|entry| entry.clock.rule.as_str()).collect();
    assert_eq!(rules, ["hotline-answer"]);
}

#[test]
fn a_pack_without_figures_starts_no_clock_and_says_so() {
    let mut host = Host::new();
    let given = message(&host, "m1", "补偿标准是多少", Intake::default());
    let taken = host.receive("qingfeng", vec![given]);
    assert!(taken["items"][0]["receipt"]["text"].as_str().unwrap().contains("尽快答复"));
    assert_eq!(host.desk.policy().unwrap().hotline.as_ref().unwrap().answer_rate, None);
}

#[test]
fn the_one_hour_clock_holds_for_messages_too_and_takes_no_extension() {
    let mut host = host();
    let given = ReceivedItem {
        intake: Some(Intake { kind: Kind::Message, ..Intake::default() }),
        ..host.item("m1", "山火烧到村口", Some("II"))
    };
    let taken = host.receive("qingfeng", vec![given]);
    let case = host.desk.case(taken["items"][0]["case"].as_str().unwrap()).unwrap();
    assert!(case.clocks.iter().any(|entry| entry.clock.rule == "flash-report"));
    let mut pack: Value = serde_json::from_str(common::SAMPLE).unwrap();
    pack["clocks"][0]["extension"] = json!("PT1H");
    pack["clocks"][0]["kinds"] = json!(["opinion"]);
    let problems = PolicyPack::parse(&pack.to_string(), "pack.json").unwrap_err();
    assert!(problems.iter().any(|problem| problem.pointer == "/clocks/0/extension"), "{problems:?}");
    assert!(problems.iter().any(|problem| problem.pointer == "/clocks/0/kinds"), "{problems:?}");
}
