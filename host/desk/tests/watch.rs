//! Watching: heartbeats, duty, labels, warnings, sharing and partners.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use std::collections::BTreeSet;

use common::{Host, pack};
use huiyin_desk::watch::{self, Colour, Slot};
use huiyin_desk::{BeginWatch, Command, Fact, PolicyPack, ReadSource, WatchCommand};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

fn begin(host: &mut Host, sources: &[(&str, i64)]) {
    let sources = sources
        .iter()
        .map(|(name, expected)| ReadSource {
            unit: "qingfeng".to_owned(),
            source: (*name).to_owned(),
            channel: huiyin_desk::ChannelKind::of("forum"),
            expected: *expected,
        })
        .collect();
    host.system(&Command::Watch(Box::new(WatchCommand::BeginWatch(BeginWatch { sources })))).unwrap();
}

/// The events that facts make, by their types.
fn events(host: &Host, facts: &[Fact]) -> Vec<(&'static str, Value)> {
    facts.iter().filter_map(|fact| host.desk.event(fact)).map(|event| (event.kind, event.data)).collect()
}

fn of(host: &mut Host, unit: &str, person: &str, name: &str, input: Value) -> Result<Value, huiyin_desk::DeskError> {
    host.scope = Some(unit.to_owned());
    let done = host.person(person, name, input);
    host.scope = None;
    done
}

/// A pack in which only the given parts of watching are set.
fn only(change: impl FnOnce(&mut PolicyPack)) -> Host {
    let mut pack = pack();
    pack.closing.clear();
    pack.duty.clear();
    pack.warnings.clear();
    change(&mut pack);
    Host::under(pack)
}

fn same_state(host: &Host) {
    let replayed = host.replayed();
    assert_eq!(serde_json::to_value(replayed.watch()).unwrap(), serde_json::to_value(host.desk.watch()).unwrap());
    assert_eq!(replayed.strays(), 0);
}

#[test]
fn a_source_that_is_not_heard_is_down_and_its_gap_is_on_record() {
    let mut host = Host::new();
    begin(&mut host, &[("board", 600)]);
    let state = |host: &Host| host.desk.watch().source("qingfeng/board").unwrap().state();
    assert_eq!(state(&host), "never-seen");
    assert!(!host.desk.watch().source("qingfeng/board").unwrap().is_live());
    let facts = host.minutes(10);
    let told = events(&host, &facts);
    assert_eq!(told[0].0, "huiyin.source.down.v1");
    assert_eq!((&told[0].1["source"], &told[0].1["reason"]), (&json!("board"), &json!("it was never heard")));
    assert_eq!(told[0].1["notify"][0]["to"], "xu-ming", "the duty officer is told: {}", told[0].1);
    assert!(host.minutes(600).iter().all(|fact| !format!("{fact:?}").contains("SourceDown")), "once");
    // It comes back, and falls silent again, this time with a failure.
    host.desk.watch_mut().source_read("qingfeng/board", host.now);
    let facts = host.minutes(0);
    assert_eq!(events(&host, &facts)[0].0, "huiyin.source.up.v1");
    host.desk.watch_mut().source_failed("qingfeng/board", "503 from the board");
    host.minutes(11);
    let source = host.desk.watch().source("qingfeng/board").unwrap();
    assert_eq!((source.state(), source.down.as_ref().unwrap().reason.as_str()), ("down", "503 from the board"));
    assert_eq!(source.gaps.len(), 1);
    assert_eq!(source.gaps[0].to.duration_since(source.gaps[0].from).as_secs(), 610 * 60);
    assert!(host.desk.next_wake().is_none_or(|at| at > host.now), "one that is down waits for a reading");
    // A source that is no longer configured is expected no more.
    begin(&mut host, &[]);
    assert_eq!(state(&host), "unwatched");
}

#[test]
fn the_hours_of_a_day_show_what_came_and_what_was_dead() {
    let mut host = Host::new();
    begin(&mut host, &[("board", 1_800)]);
    let mut item = host.item("1", "论坛热帖", None);
    item.item.published = Some(host.now - SignedDuration::from_mins(20));
    host.receive("qingfeng", vec![item]);
    host.desk.watch_mut().source_read("qingfeng/board", host.now);
    host.minutes(180);
    let page = watch::coverage_page(&host.desk, Some("qingfeng"), None, host.now);
    let unit = &page["units"][0];
    let forum = unit["channels"].as_array().unwrap().iter().find(|c| c["channel"] == "forum").unwrap();
    assert_eq!(forum["state"], "down");
    // 10:00 in Shanghai had the item; from 11:00 on it was silent for more than half an hour.
    let hours = forum["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 24);
    assert_eq!(
        (&hours[10]["items"], &hours[10]["live"], &hours[10]["late_seconds"]),
        (&json!(1), &json!(true), &json!(1_200))
    );
    assert_eq!((&hours[12]["items"], &hours[12]["live"]), (&json!(0), &json!(false)));
    assert_eq!(hours[20]["live"], Value::Null, "nobody knows of hours to come");
    assert_eq!(unit["gaps"][0]["to"], Value::Null);
    // Every kind without a source is named; the one that the pack excuses with its reason.
    let missing: Vec<&str> =
        unit["missing"].as_array().unwrap().iter().map(|m| m["channel"].as_str().unwrap()).collect();
    assert_eq!(missing, ["portal", "forum", "microblog", "message-board", "hotline", "comments"]);
    let print = unit["channels"].as_array().unwrap().iter().find(|c| c["channel"] == "print").unwrap();
    assert_eq!((&print["state"], print["reason"].as_str().unwrap().contains("市局")), (&json!("excused"), true));
}

#[test]
fn hours_are_kept_for_thirty_five_days() {
    let mut host = Host::new();
    begin(&mut host, &[("board", 7_200)]);
    for _ in 0..40 * 24 {
        host.now += SignedDuration::from_hours(1);
        host.desk.watch_mut().source_read("qingfeng/board", host.now);
    }
    assert_eq!(host.desk.watch().source("qingfeng/board").unwrap().hours.len(), watch::MAX_HOURS);
}

fn duty(host: &mut Host, slots: Value) {
    of(host, "qingfeng", "gao-yuan", "set-roster", json!({ "slots": slots, "reason": "试排" })).unwrap();
}

#[test]
fn a_slot_that_nobody_holds_alerts_once_ahead_of_its_beginning() {
    let mut host = only(|pack| pack.duty = common::pack().duty);
    // 2026-03-01 is a Sunday, 10:00 in Shanghai; the night has nobody.
    duty(
        &mut host,
        json!([
            { "id": "day", "from": "08:00", "to": "20:00", "people": ["xu-ming"] },
            { "id": "night", "from": "20:00", "to": "08:00", "people": [] },
        ]),
    );
    let told = events(&host, &host.facts.clone());
    let unstaffed = |told: &[(&str, Value)]| -> Vec<String> {
        let of_kind = told.iter().filter(|(kind, _)| *kind == "huiyin.duty.unstaffed.v1");
        of_kind.map(|(_, data)| data["slot"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(unstaffed(&told), ["night@2026-03-01"], "twelve hours ahead, and so at once");
    let facts = host.minutes(60);
    assert!(unstaffed(&events(&host, &facts)).is_empty(), "once");
    // Somebody takes the next night before it alerts.
    let swap = json!({ "slot": "night@2026-03-02", "people": ["tang-xue"], "reason": "代班" });
    of(&mut host, "qingfeng", "gao-yuan", "swap-duty", swap).unwrap();
    let mut all = Vec::new();
    for _ in 0..48 {
        let facts = host.minutes(60);
        all.extend(unstaffed(&events(&host, &facts)));
    }
    assert_eq!(all, ["night@2026-03-03"]);
    same_state(&host);
}

#[test]
fn who_does_not_check_in_is_noticed_and_the_fallback_told() {
    let mut host = only(|pack| pack.duty = common::pack().duty);
    duty(&mut host, json!([{ "id": "day", "from": "11:00", "to": "20:00", "people": ["xu-ming", "tang-xue"] }]));
    let error = of(&mut host, "qingfeng", "gao-yuan", "check-in", json!({})).unwrap_err();
    assert_eq!((error.code, error.clause), ("not-on-duty", Some("3.1b")));
    host.minutes(59);
    let checked = of(&mut host, "qingfeng", "tang-xue", "check-in", json!({})).unwrap();
    assert_eq!((&checked["slot"], &checked["late"]), (&json!("day@2026-03-01"), &json!(false)));
    let facts = host.minutes(30);
    assert!(!events(&host, &facts).iter().any(|(kind, _)| *kind == "huiyin.duty.missed.v1"), "one of them is enough");
    // On the next day nobody comes.
    let facts = host.minutes(24 * 60);
    let missed: Vec<Value> =
        events(&host, &facts).into_iter().filter(|(kind, _)| *kind == "huiyin.duty.missed.v1").map(|e| e.1).collect();
    assert_eq!(missed.len(), 1, "{missed:?}");
    assert_eq!(missed[0]["notify"][0]["to"], "gao-yuan");
    let late = of(&mut host, "qingfeng", "xu-ming", "check-in", json!({})).unwrap();
    assert_eq!(late["late"], true);
    let slot = watch::roster_page(&host.desk, Some("qingfeng"), 2, host.now);
    let slots = slot[0]["slots"].as_array().unwrap();
    let today = slots.iter().find(|slot| slot["slot"] == "day@2026-03-02").unwrap();
    assert_eq!(today["state"], "checked-in-late");
    assert_eq!(slot[0]["on_duty"], json!(["tang-xue", "xu-ming"]));
    same_state(&host);
}

#[test]
fn a_patrol_is_made_or_is_on_record_as_missed() {
    let mut host = only(|pack| pack.duty = common::pack().duty);
    host.system(&Command::Watch(Box::new(WatchCommand::BeginWatch(BeginWatch::default())))).unwrap();
    let list = watch::patrol_list(&host.desk, Some("qingfeng"), false, host.now);
    let first: Vec<_> =
        list.iter().take(2).map(|row| (row["patrol"].as_str().unwrap(), row["state"].as_str().unwrap())).collect();
    assert_eq!(first, [("qingfeng.round@2026-03-01T09:00", "due"), ("qingfeng.round@2026-03-01T15:00", "planned")]);
    let done = |seen: Value| json!({ "patrol": "qingfeng.round@2026-03-01T15:00", "seen": seen });
    let early = of(&mut host, "qingfeng", "xu-ming", "finish-patrol", done(json!([{ "text": "无异常" }]))).unwrap_err();
    assert_eq!(early.code, "order");
    host.minutes(5 * 60 + 10);
    let item = host.item("p1", "论坛有人问山火", None);
    let id = host.receive("qingfeng", vec![item])["taken"][0].clone();
    let seen = json!([{ "text": "论坛有人问山火", "item": id }]);
    of(&mut host, "qingfeng", "xu-ming", "finish-patrol", done(seen)).unwrap();
    let facts = host.minutes(20 * 60);
    let missed: Vec<Value> =
        events(&host, &facts).into_iter().filter(|(kind, _)| *kind == "huiyin.patrol.missed.v1").map(|e| e.1).collect();
    assert_eq!(missed.len(), 1, "{missed:?}");
    assert_eq!(missed[0]["patrol"], "qingfeng.round@2026-03-02T09:00");
    let rows = watch::patrol_list(&host.desk, Some("qingfeng"), true, host.now);
    let state = |id: &str| rows.iter().find(|row| row["patrol"] == id).unwrap()["state"].clone();
    assert_eq!(state("qingfeng.round@2026-03-01T15:00"), "done");
    assert_eq!(state("qingfeng.round@2026-03-02T09:00"), "missed");
    same_state(&host);
}

#[test]
fn a_persons_label_stands_whatever_machines_say_later() {
    let mut host = Host::new();
    let item = host.item("1", "网传山火烧死人,求真相", Some("III"));
    let id = host.receive("qingfeng", vec![item])["taken"][0].clone();
    let machine = json!({ "item": id, "classifier": "risk-level:0.1.0", "verdict": {
        "level": "III", "score": 0.5, "labels": ["谣言", "别的"], "reasons": ["谣言:网传、求真相"] } });
    host.call("record-assessment", machine.clone()).unwrap();
    let labels = |host: &Host| host.desk.item(&id.as_str().unwrap().parse().unwrap()).unwrap().labels.clone();
    assert_eq!(labels(&host).held(), [watch::Label::Rumour]);
    assert_eq!(labels(&host).history()[0].evidence, ["谣言:网传、求真相"]);
    let remove = json!({ "item": id, "label": "rumour", "remove": true, "reason": "经核实属实" });
    let changed = host.person("xu-ming", "set-label", remove).unwrap();
    assert_eq!((&changed["before"], &changed["labels"]), (&json!(["rumour"]), &json!([])));
    host.person("xu-ming", "set-label", json!({ "item": id, "label": "doubt", "reason": "群众有疑虑" })).unwrap();
    // The machine says it again, and another machine, too.
    host.call("record-assessment", machine).unwrap();
    let other =
        json!({ "item": id, "classifier": "keyword:0.1.0", "verdict": { "labels": ["rumour"], "reasons": [] } });
    host.call("record-assessment", other).unwrap();
    assert_eq!(labels(&host).held(), [watch::Label::Doubt]);
    assert_eq!(labels(&host).history().len(), 4, "{:?}", labels(&host));
    // A run sets no label, and nobody without a reason.
    let error = host.call("set-label", json!({ "item": id, "label": "rumour", "reason": "x" })).unwrap_err();
    assert_eq!(error.code, "not-a-person");
    let error =
        host.person("xu-ming", "set-label", json!({ "item": id, "label": "rumour", "reason": " " })).unwrap_err();
    assert_eq!(error.pointer.as_deref(), Some("/reason"));
    // A case carries what was said of its items, and labels of its own.
    let case = host.call("open-case", json!({ "item": id })).unwrap()["case"].clone();
    host.person("gao-yuan", "set-label", json!({ "case": case, "label": "distortion", "reason": "断章取义" })).unwrap();
    let held = host.desk.case(case.as_str().unwrap()).unwrap().labels.held();
    assert!(held.contains(&watch::Label::Distortion), "{held:?}");
    let replayed = host.replayed();
    assert_eq!(replayed.case(case.as_str().unwrap()), host.desk.case(case.as_str().unwrap()));
}

fn warned() -> Host {
    only(|pack| pack.warnings = common::pack().warnings.into_iter().take(1).collect())
}

fn fires(host: &mut Host, from: usize, count: usize) -> Vec<Fact> {
    let items = (from..from + count).map(|n| host.item(&format!("f{n}"), &format!("山火 {n}"), None)).collect();
    let before = host.facts.len();
    host.receive("qingfeng", items);
    host.facts[before..].to_vec()
}

#[test]
fn a_warning_rises_at_once_and_falls_only_after_a_quiet_window() {
    let mut host = warned();
    let facts = fires(&mut host, 0, 4);
    assert!(events(&host, &facts).iter().all(|(kind, _)| !kind.starts_with("huiyin.warning")));
    let facts = fires(&mut host, 4, 1);
    let raised = events(&host, &facts).into_iter().find(|(kind, _)| *kind == "huiyin.warning.raised.v1").unwrap().1;
    assert_eq!(
        (&raised["colour"], &raised["subject"], &raised["warning"]),
        (&json!("blue"), &json!("火情"), &json!("qingfeng.w1"))
    );
    assert_eq!(raised["notify"][0]["to"], "xu-ming");
    assert_eq!(raised["items"].as_array().unwrap().len(), 1);
    let facts = fires(&mut host, 5, 16);
    let risen = events(&host, &facts).into_iter().find(|(kind, _)| *kind == "huiyin.warning.raised.v1").unwrap().1;
    assert_eq!(
        (&risen["colour"], &risen["from"], &risen["warning"]),
        (&json!("yellow"), &json!("blue"), &json!("qingfeng.w1"))
    );
    assert_eq!(host.desk.watch().warnings().count(), 1, "one open warning of a rule and a subject");
    // The window passes after an hour; a quiet hour later it falls, and ends.
    let facts = host.minutes(110);
    assert!(events(&host, &facts).iter().all(|(kind, _)| *kind == "huiyin.warning.late.v1"), "not before");
    let facts = host.minutes(15);
    let ended = events(&host, &facts);
    assert_eq!(
        ended.iter().map(|e| e.0).collect::<Vec<_>>(),
        ["huiyin.warning.late.v1", "huiyin.warning.ended.v1"],
        "{ended:?}"
    );
    // The same again within six hours is the same matter; a graver one is not.
    fires(&mut host, 100, 8);
    assert_eq!(host.desk.watch().warnings().count(), 1);
    fires(&mut host, 200, 60);
    let second = host.desk.watch().warning("qingfeng.w2").unwrap();
    assert_eq!((second.colour, second.ended_at), (Colour::Orange, None));
    same_state(&host);
}

#[test]
fn a_warning_needs_its_acknowledgement_and_feedback_in_time() {
    let mut host = warned();
    fires(&mut host, 0, 5);
    let id = json!("qingfeng.w1");
    let error =
        of(&mut host, "qingfeng", "xu-ming", "feed-back-warning", json!({ "warning": id, "text": "x" })).unwrap_err();
    assert_eq!((error.code, error.clause), ("order", Some("3.2f")));
    let error = of(&mut host, "cuihu", "bai-ling", "acknowledge-warning", json!({ "warning": id })).unwrap_err();
    assert_eq!(error.code, "not-yours");
    let facts = host.minutes(16);
    let late = events(&host, &facts).into_iter().find(|(kind, _)| *kind == "huiyin.warning.late.v1").unwrap().1;
    assert_eq!((&late["what"], &late["notify"][0]["to"]), (&json!("acknowledgement"), &json!("gao-yuan")));
    let done =
        of(&mut host, "qingfeng", "xu-ming", "acknowledge-warning", json!({ "warning": id, "note": "已知" })).unwrap();
    assert_eq!(done["late"], true);
    let done =
        of(&mut host, "qingfeng", "xu-ming", "feed-back-warning", json!({ "warning": id, "text": "已派人核查" }))
            .unwrap();
    assert_eq!(done["late"], false);
    host.minutes(600);
    let warning = host.desk.watch().warning("qingfeng.w1").unwrap();
    assert_eq!((warning.late.len(), warning.is_over()), (1, true));
    assert!(watch::warning_list(&host.desk, None, false).is_empty());
    assert_eq!(watch::warning_list(&host.desk, Some("qingfeng"), true).len(), 1);
    assert_eq!(host.desk.next_wake(), None);
    same_state(&host);
}

#[test]
fn old_items_that_come_in_late_raise_nothing() {
    let mut host = warned();
    let mut items: Vec<_> = (0..50).map(|n| host.item(&format!("o{n}"), "山火", None)).collect();
    for item in &mut items {
        item.item.published = Some(host.now - SignedDuration::from_hours(80));
    }
    host.receive("qingfeng", items);
    assert_eq!(host.desk.watch().warnings().count(), 0);
}

#[test]
fn what_is_shared_is_seen_as_far_as_it_is_shared_and_every_reading_is_on_record() {
    let mut host = Host::new();
    let case = host.case("II");
    let share = json!({ "case": case, "to": "cuihu", "reason": "属地联动" });
    let id = of(&mut host, "qingfeng", "xu-ming", "share", share).unwrap()["share"].clone();
    let error = of(&mut host, "cuihu", "bai-ling", "read-shared", json!({ "share": "x" })).unwrap_err();
    assert_eq!((error.code, error.pointer.as_deref()), ("not-found", Some("/share")));
    let seen = of(&mut host, "cuihu", "bai-ling", "read-shared", json!({ "share": id })).unwrap();
    assert_eq!(seen["shown"]["number"], case);
    assert!(seen["shown"].get("assessments").is_none(), "a summary: {seen}");
    let whole = json!({ "case": case, "to": "cuihu", "scope": "whole", "reason": "联合处置" });
    let whole = of(&mut host, "qingfeng", "xu-ming", "share", whole).unwrap()["share"].clone();
    let seen = of(&mut host, "cuihu", "bai-ling", "read-shared", json!({ "share": whole })).unwrap();
    assert!(seen["shown"]["assessments"].is_array());
    // Neither another unit nor somebody else in its name.
    assert_eq!(
        of(&mut host, "forest-fire", "jiang-tao", "read-shared", json!({ "share": whole })).unwrap_err().code,
        "not-yours"
    );
    assert_eq!(
        of(&mut host, "cuihu", "jiang-tao", "read-shared", json!({ "share": whole })).unwrap_err().code,
        "not-yours"
    );
    assert_eq!(
        of(&mut host, "cuihu", "bai-ling", "revoke-share", json!({ "share": whole, "reason": "x" })).unwrap_err().code,
        "not-yours"
    );
    of(&mut host, "qingfeng", "gao-yuan", "revoke-share", json!({ "share": whole, "reason": "处置完毕" })).unwrap();
    assert_eq!(of(&mut host, "cuihu", "bai-ling", "read-shared", json!({ "share": whole })).unwrap_err().code, "ended");
    let rows = watch::shared_list(&host.desk, Some("cuihu"), true, host.now);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["read_count"] == 1 && row["reads"][0]["by"] == "person:bai-ling"), "{rows:?}");
    // It ends by itself.
    host.now += SignedDuration::from_hours(31 * 24);
    assert_eq!(of(&mut host, "cuihu", "bai-ling", "read-shared", json!({ "share": id })).unwrap_err().code, "ended");
    let reads = host
        .facts
        .iter()
        .filter(|fact| fact.subject() == format!("case/{case}") && format!("{fact:?}").contains("ShareRead"));
    assert_eq!(reads.count(), 2, "by the case's own data key");
    same_state(&host);
}

#[test]
fn a_partner_does_its_part_of_a_joint_task_and_nothing_else() {
    let mut host = Host::new();
    let case = host.case("II");
    let task = json!({ "case": case, "kind": "handle", "to": "cuihu", "with": ["emergency"], "text": "联合核查" });
    let task = of(&mut host, "qingfeng", "gao-yuan", "assign-task", task).unwrap()["task"].clone();
    let part = json!({ "case": case, "task": task });
    of(&mut host, "emergency", "qiu-lan", "accept-task", part.clone()).unwrap();
    for (name, input) in [
        ("close-case", json!({ "case": case })),
        ("open-case", json!({ "unit": "emergency", "title": "x", "level": "IV" })),
        ("set-label", json!({ "case": case, "label": "rumour", "reason": "x" })),
        ("share", json!({ "case": case, "to": "cuihu", "reason": "x" })),
        ("assign-task", json!({ "case": case, "kind": "handle", "to": "cuihu", "text": "x" })),
    ] {
        for unit in ["emergency", "qingfeng"] {
            let error = of(&mut host, unit, "qiu-lan", name, input.clone()).unwrap_err();
            assert_eq!((error.code, error.clause), ("partner", Some("6c")), "{name} in the name of {unit}: {error}");
        }
    }
    // Nor does anybody lead a case into a partner, or take items in for it.
    let route = json!({ "case": case, "to": "emergency", "reason": "x" });
    assert_eq!(of(&mut host, "linhai", "he-ping", "route-case", route).unwrap_err().clause, Some("6c"));
    // The root does not stand above it.
    assert_eq!(of(&mut host, "emergency", "lin-guodong", "accept-task", part).unwrap_err().code, "not-yours");
}

#[test]
fn what_is_wrong_with_the_pack_is_said_with_its_place() {
    let sample: Value = serde_json::from_str(common::SAMPLE).unwrap();
    let basis = json!({ "source": "x", "status": "own" });
    for (pointer, value, place, says) in [
        ("/warnings/0/steps/0/down", json!(5), "/warnings/0/steps/0", "flap"),
        ("/warnings/0/steps/1/up", json!(3), "/warnings/0/steps/1", "flap"),
        ("/warnings/0/steps/1/colour", json!("blue"), "/warnings/0/steps", "do not rise"),
        ("/warnings/0/when/over", json!("P8D"), "/warnings/0/when/over", "7 days"),
        ("/warnings/0/when/topics", json!([]), "/warnings/0/when", "topic"),
        ("/duty/1/slots/0/people/0", json!("bai-ling"), "/duty/1/slots/0/people/0", "names a person"),
        ("/duty/1/slots/0/from", json!("8:00"), "/duty/1/slots/0/from", "08:00"),
        ("/duty/1/unit", json!("emergency"), "/duty/1/unit", "with a duty"),
        ("/coverage/0/excused/0/channel", json!("forum"), "/coverage/0", "excused"),
        ("/coverage/0/channels/0", json!("web"), "/coverage/0/channels/0", "not known"),
        ("/units/4/parent", json!("linhai"), "/units/4/parent", "outside the tree"),
        ("/units/1/parent", json!("emergency"), "/units/1/parent", "above nobody"),
        ("/units/4/kind", json!("friend"), "/units/4/kind", "not known"),
        ("/coverage/0/basis", basis.clone(), "", ""),
    ] {
        let mut pack = sample.clone();
        match pack.pointer_mut(pointer) {
            Some(at) => *at = value,
            None => {
                let (above, key) = pointer.rsplit_once('/').unwrap();
                pack.pointer_mut(above).unwrap()[key] = value;
            }
        }
        match PolicyPack::parse(&pack.to_string(), "p.json") {
            Ok(_) => assert!(says.is_empty(), "{pointer} was taken"),
            Err(problems) => {
                let found =
                    problems.iter().find(|p| p.pointer == place).unwrap_or_else(|| panic!("{pointer}: {problems:?}"));
                assert!(found.to_string().contains(says), "{found}");
            }
        }
    }
}

fn slot() -> impl Strategy<Value = (Vec<usize>, Option<i8>, u16, u16, Vec<usize>)> {
    (
        prop::collection::vec(0..7usize, 0..4),
        prop::option::weighted(0.2, 1..6i8),
        0..96u16,
        0..96u16,
        prop::collection::vec(0..3usize, 0..3),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// At any instant exactly the people of the slots that cover it are on duty, reckoned minute by minute.
    #[test]
    fn at_any_instant_exactly_the_people_of_the_slot_are_on_duty(
        given in prop::collection::vec(slot(), 0..6),
        probes in prop::collection::vec(0..3 * 1_440i64, 1..20),
    ) {
        const PEOPLE: [&str; 3] = ["gao-yuan", "tang-xue", "xu-ming"];
        const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let mut host = Host::new();
        let slots: Vec<Slot> = given.iter().enumerate().map(|(n, (days, date, from, to, people))| {
            let time = |quarter: u16| format!("{:02}:{:02}", quarter / 4, quarter % 4 * 15);
            let mut slot = json!({ "id": format!("s{n}"), "from": time(*from), "to": time(*to),
                "people": people.iter().map(|p| PEOPLE[*p]).collect::<Vec<_>>() });
            match date {
                Some(day) => slot["date"] = json!(format!("2026-03-{day:02}")),
                None => slot["days"] = json!(days.iter().map(|d| DAYS[*d]).collect::<Vec<_>>()),
            }
            serde_json::from_value(slot).unwrap()
        }).collect();
        of(&mut host, "qingfeng", "gao-yuan", "set-roster", json!({ "slots": slots, "reason": "试排" })).unwrap();
        let begin = host.now;
        // Minutes since midnight of 1 March in Shanghai, a Sunday: the host begins at 10:00.
        let expected = |minute: i64| -> BTreeSet<&str> {
            let mut on = BTreeSet::new();
            for (days, date, from, to, people) in &given {
                let (from, mut to) = (i64::from(*from) * 15, i64::from(*to) * 15);
                if to <= from {
                    to += 1_440;
                }
                for day in -1..4i64 {
                    // Day 0 is 1 March, a Sunday.
                    let weekday = usize::try_from((6 + day).rem_euclid(7)).unwrap();
                    let dated = given.iter().any(|(_, d, ..)| d.is_some_and(|d| i64::from(d) == day + 1));
                    let held = match date {
                        Some(d) => i64::from(*d) == day + 1,
                        None => !dated && (days.is_empty() || days.contains(&weekday)),
                    };
                    if held && day * 1_440 + from <= minute && minute < day * 1_440 + to {
                        on.extend(people.iter().map(|p| PEOPLE[*p]));
                    }
                }
            }
            on
        };
        for probe in probes {
            let at: Timestamp = begin + SignedDuration::from_mins(probe);
            let on: Vec<String> = host.desk.watch().on_duty("qingfeng", at);
            let on: BTreeSet<&str> = on.iter().map(String::as_str).collect();
            prop_assert_eq!(&on, &expected(600 + probe), "{} minutes on", probe);
        }
    }

    /// A warning never goes up and down within one window, whatever comes in; and at a level that
    /// stays the same it goes neither up nor down once it has settled.
    #[test]
    fn a_warning_does_not_flap(
        bursts in prop::collection::vec((0..40i64, 0..30usize), 1..12),
        steady in 1..12usize,
    ) {
        let mut host = warned();
        let mut n = 0;
        let moves = |facts: &[Fact], host: &Host| -> Vec<(Timestamp, i8)> {
            events(host, facts).into_iter().filter(|(_, data)| data["rule"] == "fire-topic" || data["name"] == "火情话题聚集")
                .filter_map(|(kind, data)| {
                    let at = |key: &str| data[key].as_str().and_then(|at| at.parse().ok());
                    match kind {
                        "huiyin.warning.raised.v1" => Some((at("at").or(at("raised_at")).unwrap(), 1)),
                        "huiyin.warning.lowered.v1" | "huiyin.warning.ended.v1" => Some((at("at").unwrap(), -1)),
                        _ => None,
                    }
                }).collect()
        };
        let mut all = Vec::new();
        for (minutes, count) in bursts {
            let facts = host.minutes(minutes);
            all.extend(moves(&facts, &host));
            let facts = fires(&mut host, n, count);
            n += count;
            all.extend(moves(&facts, &host));
        }
        for two in all.windows(2) {
            if two[0].1 > 0 && two[1].1 < 0 {
                prop_assert!(two[1].0.duration_since(two[0].0).as_secs() >= 3_600, "up and down within a window: {two:?}");
            }
        }
        // A constant stream: after two windows nothing moves any more.
        let mut late = Vec::new();
        for step in 0..60 {
            let facts = host.minutes(10);
            let more = fires(&mut host, n, steady);
            n += steady;
            if step > 30 {
                late.extend(moves(&facts, &host));
                late.extend(moves(&more, &host));
            }
        }
        prop_assert!(late.is_empty(), "{late:?}");
        let replayed = host.replayed();
        prop_assert_eq!(serde_json::to_value(replayed.watch()).unwrap(), serde_json::to_value(host.desk.watch()).unwrap());
    }
}
