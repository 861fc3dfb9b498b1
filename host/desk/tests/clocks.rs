//! Clocks that cannot be undone or set wrong, and the second person.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use std::collections::BTreeSet;

use common::Host;
use huiyin_deadline::clock::{Anchor, ClockFact};
use huiyin_desk::case::State;
use huiyin_desk::policy::SatisfiedBy;
use huiyin_desk::{Actor, Command, Fact, Level, case_list, case_summary};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

const HOUR: i64 = 60;

/// A clock of a case, as people read it.
fn clock(host: &Host, case: &str, id: &str) -> Value {
    let summary = case_summary(host.desk.case(case).unwrap(), host.now);
    let found = summary["clocks"].as_array().unwrap().iter().find(|clock| clock["clock"] == id).cloned();
    found.unwrap_or_else(|| panic!("no clock {id}: {}", summary["clocks"]))
}

fn state(host: &Host, case: &str, id: &str) -> String {
    clock(host, case, id)["state"].as_str().unwrap().to_owned()
}

/// A case of level III, which asks for an answer within 48 hours, with one concern.
fn asked(host: &mut Host, concerns: &[&str]) -> String {
    let opened = host.call(
        "open-case",
        json!({ "unit": "qingfeng", "title": "来电", "level": "III", "asker": "来电人", "concerns": concerns }),
    );
    opened.unwrap()["case"].as_str().unwrap().to_owned()
}

fn answer(case: &str, more: Value) -> Value {
    let mut input = json!({ "case": case, "text": "已经查处。", "channel": "电话" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

fn hash(output: &Value) -> String {
    output["pending"]["hash"].as_str().unwrap_or_else(|| panic!("nothing waits: {output}")).to_owned()
}

fn approve(case: &str, hash: &str) -> Value {
    json!({ "command": "approve", "case": case, "hash": hash })
}

#[test]
fn desk_03_an_answer_is_given_when_the_last_concern_has_its_own() {
    let mut host = Host::new();
    let case = asked(&mut host, &["何时处理"]);
    host.minutes(HOUR);
    host.call("record-answer", answer(&case, json!({}))).unwrap();
    assert_eq!(state(&host, &case, "answer-61"), "running");
    host.minutes(48 * HOUR);
    assert_eq!(state(&host, &case, "answer-61"), "breached");
    host.call("record-answer", answer(&case, json!({ "concerns": [{ "concern": "c1", "text": "明天" }] }))).unwrap();
    let clock = clock(&host, &case, "answer-61");
    assert_eq!((&clock["state"], &clock["state_zh"]), (&json!("satisfied-late"), &json!("超时完成")));
    // The county keeps 36 hours, a tighter figure than the pack's.
    assert_eq!(clock["late_seconds"], 13 * 3_600);
    assert_eq!((clock["breaches"].as_array().unwrap().len(), &clock["satisfied_at"]), (1, &json!(host.now)));
    assert_eq!(host.desk.case(&case).unwrap().times.answered, Some(host.now));
}

#[test]
fn desk_03_a_clock_that_starts_after_the_answer_knows_of_it() {
    let mut host = Host::new();
    let opened = json!({ "unit": "qingfeng", "title": "来电", "level": "IV" });
    let case = host.call("open-case", opened).unwrap()["case"].as_str().unwrap().to_owned();
    host.minutes(HOUR);
    host.call("record-answer", answer(&case, json!({}))).unwrap();
    host.minutes(72 * HOUR);
    let raise = json!({ "command": "set-level", "case": case, "level": "III", "reason": "转发多" });
    host.does("gao-yuan", raise).unwrap();
    let clock = clock(&host, &case, "answer-61");
    assert_eq!((&clock["state"], &clock["breaches"]), (&json!("satisfied"), &json!([])));
}

#[test]
fn desk_04_evidence_that_comes_after_the_due_time_needs_proof_and_a_second_person() {
    let mut host = Host::new();
    let case = asked(&mut host, &[]);
    let early = host.now + SignedDuration::from_hours(10);
    host.minutes(49 * HOUR);
    let bare = answer(&case, json!({ "delivered_at": early }));
    let refused = host.person("xu-ming", "record-answer", bare).unwrap_err();
    assert_eq!((refused.code, refused.pointer.as_deref()), ("no-proof", Some("/proof")));
    let claim = answer(&case, json!({ "delivered_at": early, "proof": "通话录音 0312" }));
    assert_eq!(host.call("record-answer", claim.clone()).unwrap_err().code, "not-a-person");
    let output = host.person("xu-ming", "record-answer", claim.clone()).unwrap();
    let hash = hash(&output);
    // It counts for nothing yet, and asked for twice it is one.
    assert_eq!(output["unanswered"], json!(["来电人"]));
    assert_eq!(state(&host, &case, "answer-61"), "breached");
    assert_eq!(host.person("xu-ming", "record-answer", claim).unwrap()["pending"], output["pending"]);
    assert_eq!(case_list(&host.desk, host.now)[0]["pending"], 1);
    // Not by its author, not by a stranger, not by a run, not under another hash.
    assert_eq!(host.does("xu-ming", approve(&case, &hash)).unwrap_err().code, "own-text");
    assert_eq!(host.does("bai-ling", approve(&case, &hash)).unwrap_err().code, "not-yours");
    let command: Command = serde_json::from_value(approve(&case, &hash)).unwrap();
    assert_eq!(host.by("run:r1", &command).unwrap_err().code, "not-a-person");
    assert_eq!(host.does("gao-yuan", approve(&case, "0")).unwrap_err().code, "changed");
    host.does("gao-yuan", approve(&case, &hash)).unwrap();
    let clock = clock(&host, &case, "answer-61");
    assert_eq!((&clock["state"], &clock["state_zh"]), (&json!("breached-evidence-later"), &json!("曾超时,事后补证")));
    assert_eq!((&clock["satisfied_at"], clock["breaches"].as_array().unwrap().len()), (&json!(early), 1));
    let case = host.desk.case(&case).unwrap();
    let answer = &case.answers[0];
    assert_eq!(answer.by, Actor::Person("xu-ming".to_owned()));
    assert_eq!((answer.at, answer.confirmed.as_ref().unwrap().by.as_str()), (host.now, "gao-yuan"));
    assert_eq!(case.state, State::Answered);
    assert!(host.replayed() == host.desk);
}

#[test]
fn desk_04_the_same_holds_of_a_publication_and_of_a_clock_that_starts_later() {
    let mut host = Host::new();
    let case = host.case("II");
    host.minutes(2 * HOUR);
    let early = host.now;
    host.minutes(4 * HOUR);
    let published = |more: Value| {
        let mut input = json!({ "case": case, "milestone": "published", "time": early });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let refused = host.person("tang-xue", "record-time", published(json!({}))).unwrap_err();
    assert_eq!((refused.code, refused.pointer.as_deref()), ("no-proof", Some("/evidence")));
    // A public answer is a publication too.
    let public = answer(&case, json!({ "delivered_at": early }));
    assert_eq!(host.person("tang-xue", "record-answer", public).unwrap_err().code, "no-proof");
    let evidence = json!({ "evidence": "http://gov.example/1" });
    let output = host.person("tang-xue", "record-time", published(evidence)).unwrap();
    assert_eq!(state(&host, &case, "authoritative-5h"), "breached");
    host.does("xu-ming", approve(&case, &hash(&output))).unwrap();
    assert_eq!(state(&host, &case, "authoritative-5h"), "breached-evidence-later");
    // Said to be later after all: then it was late.
    let later = json!({ "time": host.now, "reason": "网页时间为准" });
    host.person("tang-xue", "record-time", published(later)).unwrap();
    assert_eq!(state(&host, &case, "authoritative-5h"), "satisfied-late");

    // A claim made while no clock ran does not excuse one that is started afterwards.
    let opened = json!({ "unit": "qingfeng", "title": "来电", "level": "III" });
    let quiet = host.call("open-case", opened).unwrap()["case"].as_str().unwrap().to_owned();
    let early = host.now;
    host.minutes(6 * HOUR);
    host.person("tang-xue", "record-time", json!({ "case": quiet, "milestone": "published", "time": early })).unwrap();
    host.does("gao-yuan", json!({ "command": "set-level", "case": quiet, "level": "II", "reason": "升级" })).unwrap();
    assert_eq!(state(&host, &quiet, "authoritative-5h"), "satisfied-late");
}

#[test]
fn desk_04_an_answer_reaches_nobody_who_asked_after_it() {
    let mut host = Host::new();
    let case = asked(&mut host, &[]);
    host.minutes(HOUR);
    let before = host.now;
    host.minutes(HOUR);
    let item = host.item("late", "后来的人", Some("IV"));
    let item = host.receive("qingfeng", vec![item])["taken"][0].clone();
    host.call("attach-item", json!({ "case": case, "item": item })).unwrap();
    let asker = host.desk.case(&case).unwrap().askers[1].id.clone();
    let named = answer(&case, json!({ "askers": [asker], "delivered_at": before }));
    let refused = host.call("record-answer", named).unwrap_err();
    assert_eq!((refused.code, refused.pointer.as_deref()), ("order", Some("/askers/0")));
    let public = answer(&case, json!({ "delivered_at": before }));
    assert_eq!(host.call("record-answer", public).unwrap()["unanswered"], json!([asker]));
    host.does("xu-ming", json!({ "command": "add-concern", "case": case, "text": "赔偿" })).unwrap();
    let told = answer(&case, json!({ "delivered_at": before, "concerns": [{ "concern": "c1", "text": "有" }] }));
    let refused = host.call("record-answer", told).unwrap_err();
    assert_eq!((refused.code, refused.pointer.as_deref()), ("order", Some("/concerns/0/concern")));
}

#[test]
fn host_11_what_is_done_while_the_clock_stands_before_the_opening_is_taken() {
    let mut host = Host::new();
    let case = asked(&mut host, &["何时处理"]);
    host.minutes(-33);
    host.call("record-time", json!({ "case": case, "milestone": "verified" })).unwrap();
    let told = host.call("record-answer", answer(&case, json!({"concerns": [{"concern": "c1", "text": "本周"}]})));
    assert_eq!(told.unwrap()["unanswered"], json!([]));
    assert_eq!(state(&host, &case, "answer-61"), "satisfied");
    assert_eq!(host.desk.case(&case).unwrap().times.answered, Some(host.now));
    // A time that somebody gives is held against the order as ever.
    let early = answer(&case, json!({ "delivered_at": (host.now - SignedDuration::from_mins(1)).to_string() }));
    assert_eq!(host.call("record-answer", early).unwrap_err().code, "order");
}

#[test]
fn desk_05_it_happened_later_only_by_the_unit_above_or_by_two() {
    let mut host = Host::new();
    let case = host.case("II");
    let discovered = host.now;
    // It is known to have happened two hours before: the hour is over.
    let correct =
        |to: Timestamp| json!({ "command": "correct-occurred-at", "case": case, "occurred_at": to, "reason": "查" });
    let two_before = discovered - SignedDuration::from_hours(2);
    host.does("xu-ming", correct(two_before)).unwrap();
    assert_eq!(state(&host, &case, "flash-report"), "breached");
    // The unit's own officer alone moves nothing.
    let output = host.does("xu-ming", correct(discovered)).unwrap();
    assert_eq!(host.desk.case(&case).unwrap().times.occurred, two_before);
    assert_eq!(
        (&output["occurred_at"], state(&host, &case, "flash-report").as_str()),
        (&json!(two_before), "breached")
    );
    let first = hash(&output);
    assert_eq!(host.does("xu-ming", approve(&case, &first)).unwrap_err().code, "own-text");
    host.does("gao-yuan", approve(&case, &first)).unwrap();
    let running = clock(&host, &case, "flash-report");
    assert_eq!((&running["state"], &running["breaches"][0]["lifted"]), (&json!("running"), &json!(true)));
    host.flash(&case);
    assert_eq!(state(&host, &case, "flash-report"), "breached-evidence-later");
    let row = &case_list(&host.desk, host.now)[0];
    assert_eq!(row["breaches"], 1);
    // What was asked for of another time than is recorded by now is not done.
    host.does("xu-ming", correct(discovered - SignedDuration::from_mins(30))).unwrap();
    let output = host.does("xu-ming", correct(discovered - SignedDuration::from_mins(10))).unwrap();
    host.does("lin-guodong", correct(discovered - SignedDuration::from_mins(20))).unwrap();
    assert_eq!(host.does("gao-yuan", approve(&case, &hash(&output))).unwrap_err().code, "changed");
    let corrections = &host.desk.case(&case).unwrap().corrections;
    assert_eq!(corrections[1].confirmed.as_ref().unwrap().by, "gao-yuan");
    assert!(corrections.iter().all(|correction| correction.reason == "查") && corrections.len() == 4);
}

#[test]
fn desk_05_an_earlier_occurrence_makes_a_report_late_that_was_in_time() {
    let mut host = Host::new();
    let case = host.case("II");
    host.minutes(50);
    host.flash(&case);
    assert_eq!(state(&host, &case, "flash-report"), "satisfied");
    let occurred_at = host.desk.case(&case).unwrap().times.occurred - SignedDuration::from_hours(1);
    let earlier =
        json!({ "command": "correct-occurred-at", "case": case, "occurred_at": occurred_at, "reason": "瞭望塔" });
    host.does("xu-ming", earlier).unwrap();
    let clock = clock(&host, &case, "flash-report");
    assert_eq!((&clock["state"], &clock["late_seconds"]), (&json!("satisfied-late"), &json!(50 * 60)));
}

#[test]
fn desk_08_what_is_handled_was_verified_and_a_second_time_is_a_correction() {
    let mut host = Host::new();
    let case = host.case("II");
    host.minutes(30);
    let mark = |milestone: &str, more: Value| {
        let mut input = json!({ "case": case, "milestone": milestone });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let refused = host.call("record-time", mark("handled", json!({}))).unwrap_err();
    assert_eq!((refused.clause, refused.pointer.as_deref()), (Some("1a"), Some("/milestone")));
    host.call("record-time", mark("verified", json!({}))).unwrap();
    host.minutes(5);
    host.call("record-time", mark("handled", json!({}))).unwrap();
    let first = host.desk.case(&case).unwrap().times.handled.unwrap();
    host.minutes(5);
    let again = host.person("xu-ming", "record-time", mark("handled", json!({}))).unwrap_err();
    assert_eq!((again.code, again.pointer.as_deref()), ("recorded", Some("/reason")));
    let reason = json!({ "reason": "现场记录为准" });
    assert_eq!(host.call("record-time", mark("handled", reason.clone())).unwrap_err().code, "not-a-person");
    host.person("xu-ming", "record-time", mark("handled", reason)).unwrap();
    let case = host.desk.case(&case).unwrap();
    assert_eq!(case.times.handled, Some(host.now));
    assert_eq!((case.corrections.len(), case.corrections[0].from), (1, first));
    let early = json!({ "time": first - SignedDuration::from_mins(10), "reason": "记错" });
    let number = case.number.clone();
    let mut input = json!({ "case": number, "milestone": "handled" });
    input.as_object_mut().unwrap().extend(early.as_object().unwrap().clone());
    assert_eq!(host.person("xu-ming", "record-time", input).unwrap_err().clause, Some("1a"));
}

#[test]
fn desk_12_a_draft_satisfies_nothing_and_a_person_sends() {
    let mut host = Host::new();
    let case = host.case("I");
    let report = |more: Value| {
        let mut input = json!({ "case": case, "stage": "flash" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let item = host.desk.case(&case).unwrap().items[0].item;
    let fact = json!({ "text": "监测到信息", "evidence": [item] });
    let facts = json!({ "facts": [fact], "documents": [{ "filename": "flash.html" }] });
    assert_eq!(host.call("submit-report", report(facts.clone())).unwrap_err().code, "not-a-person");
    let draft = host.call("draft-report", report(facts.clone())).unwrap();
    assert_eq!(host.call("draft-report", report(facts)).unwrap(), draft);
    let told = huiyin_desk::fact_event(host.facts.last().unwrap()).unwrap();
    assert_eq!((told.kind, &told.data["notify"][0]["role"]), ("huiyin.report.drafted.v1", &json!("duty")));
    let found = host.desk.case(&case).unwrap();
    assert_eq!((found.state, found.reports.len(), found.drafts.len()), (State::Opened, 0, 1));
    assert_eq!(state(&host, &case, "flash-report"), "running");
    let cause = report(json!({ "facts": ["x"], "cause": "雷击" }));
    assert_eq!(host.call("draft-report", cause).unwrap_err().clause, Some("5a"));
    // It is sent as it is, by a person of the unit or above, under its hash.
    let send = |hash: &Value| report(json!({ "draft": hash }));
    assert_eq!(host.call("submit-report", send(&draft["hash"])).unwrap_err().code, "not-a-person");
    assert_eq!(host.person("xu-ming", "submit-report", send(&json!("0"))).unwrap_err().code, "not-found");
    let both = report(json!({ "draft": draft["hash"], "facts": ["x"] }));
    assert_eq!(host.person("xu-ming", "submit-report", both).unwrap_err().pointer.as_deref(), Some("/draft"));
    host.minutes(61);
    let sent = host.person("xu-ming", "submit-report", send(&draft["hash"])).unwrap();
    assert_eq!(sent["satisfied"], json!([{ "clock": "flash-report", "on_time": false }]));
    let report = &host.desk.case(&case).unwrap().reports[0];
    assert_eq!((report.facts.as_slice(), report.documents.len()), (["监测到信息".to_owned()].as_slice(), 1));
    assert_eq!((&report.by, report.draft.as_deref()), (&Actor::Person("xu-ming".to_owned()), draft["hash"].as_str()));
}

#[test]
fn desk_13_events_name_the_unit_as_the_pack_does() {
    let mut host = Host::new();
    let case = host.case("II");
    let opened = host.facts.iter().find(|fact| matches!(fact, Fact::CaseOpened(_))).unwrap();
    let event = host.desk.event(opened).unwrap();
    assert_eq!((&event.data["unit"], &event.data["unit_name"]), (&json!("qingfeng"), &json!("青枫县林业和草原局")));
    let item = host.desk.case(&case).unwrap().items[0].item;
    assert_eq!(host.call("open-case", json!({ "item": item })).unwrap()["unit_name"], "青枫县林业和草原局");
}

#[test]
fn host_10_who_asks_after_the_answer_has_a_clock() {
    let mut host = Host::new();
    let case = host.case("II");
    host.flash(&case);
    host.call("record-answer", answer(&case, json!({}))).unwrap();
    assert_eq!(state(&host, &case, "answer-61"), "satisfied");
    // A second asker.
    host.minutes(40 * HOUR);
    let title = host.desk.case(&case).unwrap().title.clone();
    let asked = host.now;
    let repost = host.item("repost", &title, None);
    host.receive("qingfeng", vec![repost]);
    let second = clock(&host, &case, "answer-61.2");
    assert_eq!(
        (&second["state"], &second["follows"], &second["rule"]),
        (&json!("running"), &json!("answer-61"), &json!("answer-61"))
    );
    assert_eq!(second["due_at"], json!(asked + SignedDuration::from_hours(36)));
    // More askers are watched by the same clock.
    for n in 0..30 {
        host.minutes(1);
        let repost = host.item(&format!("repost-{n}"), &title, None);
        host.receive("qingfeng", vec![repost]);
    }
    let count = host.desk.case(&case).unwrap().clocks.iter().filter(|entry| entry.clock.rule == "answer-61").count();
    assert_eq!(count, 2);
    host.minutes(48 * HOUR);
    let breached = host.facts.iter().filter_map(huiyin_desk::fact_event).any(|event| {
        event.kind == "huiyin.clock.breached.v1"
            && event.data["clock"] == "answer-61.2"
            && event.data["notify"] != json!([])
    });
    assert!(breached, "the people of clause 2c are told of this clock as of the first");
    // Who asks after a breach has time of their own.
    let repost = host.item("last", &title, None);
    host.receive("qingfeng", vec![repost]);
    assert_eq!(state(&host, &case, "answer-61.3"), "running");
    host.call("record-answer", answer(&case, json!({}))).unwrap();
    let states = ["answer-61", "answer-61.2", "answer-61.3"].map(|id| state(&host, &case, id));
    assert_eq!(states, ["satisfied", "satisfied-late", "satisfied"]);
    assert!(host.replayed() == host.desk);
}

#[test]
fn host_10_a_concern_after_the_answer_has_a_clock() {
    let mut host = Host::new();
    let case = asked(&mut host, &[]);
    host.call("record-answer", answer(&case, json!({}))).unwrap();
    host.minutes(HOUR);
    host.does("xu-ming", json!({ "command": "add-concern", "case": case, "text": "赔偿" })).unwrap();
    let clock = clock(&host, &case, "answer-61.2");
    assert_eq!((&clock["state"], &clock["anchor_at"]), (&json!("running"), &json!(host.now)));
    // An old answer does not settle it; a new one does.
    host.call("record-answer", answer(&case, json!({}))).unwrap();
    assert_eq!(state(&host, &case, "answer-61.2"), "running");
    host.call("record-answer", answer(&case, json!({ "concerns": [{ "concern": "c1", "declined": "诉讼中" }] })))
        .unwrap();
    assert_eq!(state(&host, &case, "answer-61.2"), "satisfied");
}

#[test]
fn host_10_a_decision_not_to_answer_that_falls_gives_no_new_time() {
    let mut host = Host::new();
    let case = asked(&mut host, &[]);
    let begin = host.now;
    let propose = |reason: &str| json!({ "command": "propose-no-response", "case": case, "reason": reason });
    let decide = |host: &mut Host| {
        let output = host.does("xu-ming", propose("广告")).unwrap();
        host.does("gao-yuan", approve(&case, output["hash"].as_str().unwrap())).unwrap();
    };
    host.minutes(10 * HOUR);
    decide(&mut host);
    assert_eq!(state(&host, &case, "answer-61"), "satisfied");
    // Another text takes its place: the first asker waits since the beginning.
    host.does("xu-ming", propose("广告!")).unwrap();
    let reopened = clock(&host, &case, "answer-61.2");
    assert_eq!(
        (&reopened["state"], &reopened["due_at"]),
        (&json!("running"), &json!(begin + SignedDuration::from_hours(36)))
    );
    // Approved, and then it falls by a concern, after the due time: late at once.
    decide(&mut host);
    host.minutes(48 * HOUR);
    assert_eq!(state(&host, &case, "answer-61.2"), "satisfied");
    host.does("xu-ming", json!({ "command": "add-concern", "case": case, "text": "赔偿" })).unwrap();
    assert!(!host.desk.case(&case).unwrap().no_response_approved());
    assert_eq!(state(&host, &case, "answer-61.3"), "breached");
    assert_eq!(state(&host, &case, "answer-61.4"), "running");
    // Approved again, and withdrawn.
    let output = host.does("xu-ming", propose("广告!!")).unwrap();
    let hash = output["hash"].as_str().unwrap();
    host.does("gao-yuan", approve(&case, hash)).unwrap();
    assert_eq!(state(&host, &case, "answer-61.3"), "satisfied-late");
    host.does("gao-yuan", json!({ "command": "decline", "case": case, "hash": hash, "reason": "应当答复" })).unwrap();
    assert_eq!(state(&host, &case, "answer-61.5"), "breached");
    assert_eq!(host.call("close-case", json!({ "case": case })).unwrap_err().clause, Some("1i"));
}

#[test]
fn host_13_the_desk_raises_by_itself_and_only_for_what_came_after() {
    let mut host = Host::new();
    let case = host.case("I");
    let title = host.desk.case(&case).unwrap().title.clone();
    let lower = json!({ "command": "set-level", "case": case, "level": "III", "reason": "旧图" });
    host.does("gao-yuan", lower.clone()).unwrap();
    let push = |host: &mut Host, id: &str, text: &str| {
        let item = host.item(id, text, Some("I"));
        let input = json!({ "command": "receive", "unit": "qingfeng", "source": "board", "items": [item] });
        let command: Command = serde_json::from_value(input).unwrap();
        host.by("person:gao-yuan", &command).unwrap().output["taken"][0].clone()
    };
    // What the person had before them, and a repost of it, raise nothing, whoever pushes it in.
    push(&mut host, "repost", &title);
    assert_eq!(host.desk.case(&case).unwrap().level, Level::III);
    let fresh = push(&mut host, "fresh", "又一处起火");
    let other = host.desk.case_of_item(&fresh.as_str().unwrap().parse().unwrap()).map(str::to_owned);
    assert!(other.is_some_and(|other| other != case), "it got a case of its own");
    // Something new that joins the case is graver: the desk raises, and says that it was the desk.
    let new = host.item("new", "火又起", None);
    let new = host.receive("qingfeng", vec![new])["taken"][0].clone();
    host.call("record-assessment", json!({ "item": new, "verdict": common::verdict(Some("II")) })).unwrap();
    host.person("gao-yuan", "attach-item", json!({ "case": case, "item": new })).unwrap();
    let change = host.desk.case(&case).unwrap().level_changes.last().unwrap().clone();
    assert_eq!((change.to, change.by), (Level::II, Actor::System("desk".to_owned())));
    // A person who assesses it as graver raises it in their own name.
    host.does("gao-yuan", lower).unwrap();
    let assess = json!({ "case": case, "verdict": common::verdict(Some("I")) });
    host.person("gao-yuan", "record-assessment", assess).unwrap();
    let change = host.desk.case(&case).unwrap().level_changes.last().unwrap().clone();
    assert_eq!((change.to, change.by), (Level::I, Actor::Person("gao-yuan".to_owned())));
}

/// Something that somebody tries on one case. `who` is one of [`PERSONS`].
#[derive(Debug, Clone)]
enum Try {
    Answer { who: usize, askers: Option<u8>, concerns: bool, back: Option<u16>, proof: bool },
    Publish { who: usize, back: Option<u16>, evidence: bool },
    Mark { who: usize, handled: bool, reason: bool },
    Concern { who: usize },
    Asker { again: bool, old: u16 },
    Occurred { who: usize, minutes: i16 },
    NoResponse { who: usize, text: u8 },
    Approve { who: usize, which: u8 },
    Decline { who: usize, which: u8 },
    Flash { who: usize },
    Level { who: usize, level: usize },
    Close { who: usize },
    Wait { minutes: u16 },
}

/// Of the county, of the city above, of another county, of nobody, and a workflow.
const PERSONS: [&str; 7] = [
    "person:xu-ming",
    "person:gao-yuan",
    "person:tang-xue",
    "person:lin-guodong",
    "person:bai-ling",
    "person:stranger",
    "run:r1",
];

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let who = || 0..PERSONS.len();
    let back = || proptest::option::of(0..6_000u16);
    let one = prop_oneof![
        6 => (who(), proptest::option::of(any::<u8>()), any::<bool>(), back(), any::<bool>())
            .prop_map(|(who, askers, concerns, back, proof)| Try::Answer { who, askers, concerns, back, proof }),
        2 => (who(), back(), any::<bool>()).prop_map(|(who, back, evidence)| Try::Publish { who, back, evidence }),
        1 => (who(), any::<bool>(), any::<bool>())
            .prop_map(|(who, handled, reason)| Try::Mark { who, handled, reason }),
        2 => who().prop_map(|who| Try::Concern { who }),
        4 => (any::<bool>(), 0..4_000u16).prop_map(|(again, old)| Try::Asker { again, old }),
        2 => (who(), -200..200i16).prop_map(|(who, minutes)| Try::Occurred { who, minutes }),
        2 => (who(), 0..3u8).prop_map(|(who, text)| Try::NoResponse { who, text }),
        6 => (who(), any::<u8>()).prop_map(|(who, which)| Try::Approve { who, which }),
        1 => (who(), any::<u8>()).prop_map(|(who, which)| Try::Decline { who, which }),
        1 => who().prop_map(|who| Try::Flash { who }),
        1 => (who(), 0..4usize).prop_map(|(who, level)| Try::Level { who, level }),
        1 => who().prop_map(|who| Try::Close { who }),
        5 => (0..2_500u16).prop_map(|minutes| Try::Wait { minutes }),
    ];
    proptest::collection::vec(one, 1..50)
}

/// What is open, told from the accepted facts alone and not as the desk tells it.
#[derive(Debug, Default)]
struct Oracle {
    /// Who asked when, and whether an answer reached that.
    asks: Vec<(String, Timestamp, bool)>,
    /// Concerns, and whether somebody spoke to them.
    concerns: Vec<(String, bool)>,
    /// The hash of the decision not to answer, and whether it is approved.
    no_response: Option<(String, bool)>,
}

impl Oracle {
    fn take(&mut self, fact: &Fact) {
        match fact {
            Fact::CaseOpened(opened) => {
                let asker =
                    opened.item.as_ref().map_or_else(|| opened.asker.clone().unwrap(), |item| item.asker.clone());
                self.asks.push((asker, Timestamp::MIN, false));
                self.concerns.extend(opened.concerns.iter().map(|concern| (concern.id.clone(), false)));
            }
            Fact::ItemAttached { item, at, .. } => {
                self.asks.push((item.asker.clone(), item.occurred_at.min(*at), false));
                self.fall();
            }
            Fact::ConcernAdded { concern, .. } => {
                self.concerns.push((concern.id.clone(), false));
                self.fall();
            }
            Fact::AnswerRecorded { answer, .. } => {
                for (who, when, reached) in &mut self.asks {
                    *reached |= *when <= answer.delivered_at && (answer.public || answer.askers.contains(who));
                }
                for said in &answer.concerns {
                    for (id, settled) in &mut self.concerns {
                        *settled |= *id == said.concern;
                    }
                }
            }
            Fact::ApprovalRequested { approval, .. } => {
                if matches!(approval.proposal, huiyin_desk::case::Proposal::NoResponse { .. }) {
                    self.no_response = Some((approval.hash.clone(), false));
                }
            }
            Fact::ApprovalGiven { hash, .. } => {
                if let Some((_, approved)) = self.no_response.as_mut().filter(|(known, _)| known == hash) {
                    *approved = true;
                }
            }
            _ => {}
        }
    }

    fn fall(&mut self) {
        if let Some((_, approved)) = &mut self.no_response {
            *approved = false;
        }
    }

    fn is_open(&self) -> bool {
        let decided = self.no_response.as_ref().is_some_and(|(_, approved)| *approved);
        !decided
            && (self.asks.iter().any(|(.., reached)| !reached) || self.concerns.iter().any(|(_, settled)| !settled))
    }
}

fn attempt(host: &mut Host, number: &str, n: usize, what: &Try) {
    let case = host.desk.case(number).unwrap().clone();
    let ago = |back: Option<u16>| back.map(|minutes| host.now - SignedDuration::from_mins(minutes.into()));
    let waiting =
        |which: u8| case.approvals.get(usize::from(which) % case.approvals.len().max(1)).map(|a| a.hash.clone());
    let (who, command) = match what {
        Try::Answer { who, askers, concerns, back, proof } => {
            let askers = askers.map(|n| case.askers[usize::from(n) % case.askers.len()].id.clone());
            let said: Vec<Value> = if *concerns {
                case.concerns.iter().map(|concern| json!({ "concern": concern.id, "text": "有" })).collect()
            } else {
                Vec::new()
            };
            let command = json!({
                "command": "record-answer", "case": number, "askers": askers.into_iter().collect::<Vec<_>>(),
                "text": "答", "channel": "电话", "concerns": said, "delivered_at": ago(*back),
                "proof": proof.then_some("录音"),
            });
            (*who, command)
        }
        Try::Publish { who, back, evidence } => {
            let command = json!({
                "command": "record-time", "case": number, "milestone": "published", "time": ago(*back),
                "reason": "网页为准", "evidence": evidence.then_some("网页"),
            });
            (*who, command)
        }
        Try::Mark { who, handled, reason } => {
            let milestone = if *handled { "handled" } else { "verified" };
            let reason = reason.then_some("记错");
            (*who, json!({ "command": "record-time", "case": number, "milestone": milestone, "reason": reason }))
        }
        Try::Concern { who } => (*who, json!({ "command": "add-concern", "case": number, "text": "赔偿" })),
        Try::Asker { again, old } => {
            let text = if *again { case.title.clone() } else { format!("新 {n}") };
            let mut item = host.item(&format!("asker-{n}"), &text, None);
            item.item.published = Some(host.now - SignedDuration::from_mins((*old).into()));
            let taken = host.receive("qingfeng", vec![item])["taken"][0].clone();
            let _ = host.call("attach-item", json!({ "case": number, "item": taken }));
            return;
        }
        Try::Occurred { who, minutes } => {
            let to = case.times.occurred + SignedDuration::from_mins((*minutes).into());
            (*who, json!({ "command": "correct-occurred-at", "case": number, "occurred_at": to, "reason": "查" }))
        }
        Try::NoResponse { who, text } => {
            (*who, json!({ "command": "propose-no-response", "case": number, "reason": format!("广告 {text}") }))
        }
        Try::Approve { who, which } => {
            (*who, json!({ "command": "approve", "case": number, "hash": waiting(*which).unwrap_or_default() }))
        }
        Try::Decline { who, which } => {
            let hash =
                waiting(*which).filter(|hash| Some(hash.as_str()) != case.no_response().map(|a| a.hash.as_str()));
            (*who, json!({ "command": "decline", "case": number, "hash": hash.unwrap_or_default(), "reason": "无据" }))
        }
        Try::Flash { who } => (
            *who,
            json!({ "command": "submit-report", "case": number, "stage": "flash", "facts": [{ "text": "火", "observed": true }] }),
        ),
        Try::Level { who, level } => {
            let level = ["IV", "III", "II", "I"][*level];
            (*who, json!({ "command": "set-level", "case": number, "level": level, "reason": "核实" }))
        }
        Try::Close { who } => (*who, json!({ "command": "close-case", "case": number })),
        Try::Wait { minutes } => {
            host.minutes((*minutes).into());
            return;
        }
    };
    let command: Command = serde_json::from_value(command).unwrap();
    let _ = host.by(PERSONS[who], &command);
}

/// What the facts of one step may not do, whoever asked.
fn check_step(host: &Host, facts: &[Fact], oracle: &Oracle, in_time: &mut BTreeSet<String>) {
    let case = host.desk.cases().next().unwrap();
    let confirmed = facts.iter().any(|fact| matches!(fact, Fact::ApprovalGiven { .. }));
    let moved = facts.iter().any(|fact| matches!(fact, Fact::OccurrenceCorrected { .. }));
    for (n, fact) in facts.iter().enumerate() {
        match fact {
            Fact::ClockMoved { clock: ClockFact::Satisfied { clock, on_time, .. }, due_at, .. } => {
                let entry = case.clocks.iter().find(|entry| entry.clock.id == *clock).unwrap();
                if entry.satisfied_by == SatisfiedBy::Answer && !moved {
                    assert!(!oracle.is_open(), "{clock} rests, and {oracle:?}");
                }
                // On time by a claim that came after the due time: two persons, or the clock itself came later.
                let late_start = facts[..n].iter().any(|fact| {
                    matches!(fact, Fact::ClockStarted { clock: ClockFact::Started { clock: id, .. }, .. } if id == clock)
                });
                assert!(
                    !on_time || host.now <= *due_at || confirmed || moved || late_start || in_time.contains(clock),
                    "{clock} was excused by a word"
                );
                if *on_time {
                    in_time.insert(clock.clone());
                }
            }
            Fact::ApprovalGiven { approval, by, .. } => {
                let asked = case.approvals.iter().find(|known| known.id == *approval).unwrap();
                assert_ne!(asked.author, *by);
                assert!(["xu-ming", "gao-yuan", "tang-xue", "lin-guodong"].contains(&by.as_str()));
            }
            Fact::OccurrenceCorrected { from, to, by, confirmed, .. } if to > from => {
                let above = *by == Actor::Person("lin-guodong".to_owned());
                let second = confirmed.as_ref().is_some_and(|second| by.person() != Some(second.by.as_str()));
                assert!(above || second, "one person of the unit moved it to later");
            }
            _ => {}
        }
    }
    if case.is_open() && oracle.is_open() {
        let mut watched = case.clocks.iter().filter(|entry| entry.satisfied_by == SatisfiedBy::Answer).peekable();
        let none = watched.peek().is_none();
        assert!(
            none || watched.any(|entry| entry.clock.satisfied.is_none()),
            "something waits and no clock runs: {oracle:?}"
        );
    }
    assert_eq!(case.is_answered() || case.no_response_approved(), !oracle.is_open(), "{oracle:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Answers, concerns, askers, corrections and evidence in any order, by anybody: no breach is lost, and no clock
    /// rests while something is open.
    #[test]
    fn no_order_of_things_loses_a_breach_or_stops_a_clock_too_soon(level in 1..4usize, tries in tries()) {
        let mut host = Host::new();
        let level = ["IV", "III", "II", "I"][level];
        let opened = json!({ "unit": "qingfeng", "title": "来电", "level": level, "asker": "来电人", "concerns": ["何时"] });
        let number = host.call("open-case", opened).unwrap()["case"].as_str().unwrap().to_owned();
        let (mut oracle, mut seen, mut in_time) = (Oracle::default(), Vec::new(), BTreeSet::new());
        let mut taken = 0;
        for (n, what) in tries.iter().enumerate() {
            attempt(&mut host, &number, n, what);
            host.minutes(0);
            let facts = host.facts[taken..].to_vec();
            taken = host.facts.len();
            // The case alone: items that were not attached make none of their own at this level.
            for fact in &facts {
                oracle.take(fact);
            }
            check_step(&host, &facts, &oracle, &mut in_time);
            for fact in &facts {
                if let Fact::ClockMoved { clock: ClockFact::Breached { clock, due_at, .. }, .. } = fact {
                    seen.push((clock.clone(), *due_at));
                }
            }
            let summary = case_summary(host.desk.case(&number).unwrap(), host.now);
            for (id, due_at) in &seen {
                let clock = summary["clocks"].as_array().unwrap().iter().find(|clock| clock["clock"] == **id).unwrap();
                let shown = clock["breaches"].as_array().unwrap().iter().any(|breach| breach["due_at"] == json!(due_at));
                prop_assert!(shown, "the breach of {} at {} is seen no more", id, due_at);
                prop_assert!(clock["state"] != "satisfied", "{} was missed, and shows nothing of it", id);
            }
        }
        // A clock that follows is anchored at what was asked, or at the beginning, and never at the answer.
        for entry in host.desk.cases().flat_map(|case| &case.clocks).filter(|entry| entry.follows.is_some()) {
            prop_assert!(matches!(entry.clock.anchor, Anchor::ReceivedAt | Anchor::OccurredAt));
        }
        prop_assert!(host.replayed() == host.desk, "replaying the facts gives another state");
        prop_assert_eq!(host.desk.strays(), 0);
    }
}

/// The machine's clock leaps ahead by two hours, matters come in, and it is set back.
#[test]
fn attack_04_what_came_in_while_the_clock_was_ahead_can_be_answered() {
    let mut host = Host::new();
    let before = host.now;
    let plain = asked(&mut host, &["何时处理"]);
    host.minutes(2 * HOUR);
    let ahead = asked(&mut host, &["何时处理"]);
    host.does("xu-ming", json!({ "command": "add-concern", "case": plain, "text": "谁负责" })).unwrap();
    host.now = before + SignedDuration::from_mins(5);
    for (case, concerns) in [(&ahead, vec!["c1"]), (&plain, vec!["c1", "c2"])] {
        let settled: Vec<Value> = concerns.iter().map(|c| json!({ "concern": c, "text": "今日" })).collect();
        let output = host.person("gao-yuan", "record-answer", answer(case, json!({ "concerns": settled }))).unwrap();
        assert_eq!((&output["unanswered"], &output["open_concerns"]), (&json!([]), &json!([])), "{output}");
        let verified = json!({ "case": case, "milestone": "verified" });
        host.person("gao-yuan", "record-time", verified).unwrap();
        host.person("gao-yuan", "close-case", json!({ "case": case, "note": "已办结" })).unwrap();
    }
    // What is said of a time before now is still held to the order of things.
    let late = asked(&mut host, &["何时处理"]);
    let early = json!({ "delivered_at": host.now - SignedDuration::from_mins(1) });
    assert_eq!(host.person("gao-yuan", "record-answer", answer(&late, early)).unwrap_err().code, "order");
}

#[test]
fn attack_05_a_reason_that_nobody_can_see_is_none() {
    let mut host = Host::new();
    let case = asked(&mut host, &["何时处理"]);
    for blank in ["\u{200b}", "\u{feff}", "\u{2800}", "\u{0}", "\u{202e} \u{3164}", "\u{e0041}"] {
        let lower = json!({ "command": "set-level", "case": case, "level": "IV", "reason": blank });
        assert_eq!(host.does("gao-yuan", lower).unwrap_err().code, "empty", "{blank:?}");
        let output = host.receive("qingfeng", vec![host.item("unseen", blank, None)]);
        assert_eq!(output["refused"], 1, "{blank:?}: {output}");
    }
}
