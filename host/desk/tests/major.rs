//! Major matters and proactive disclosure, clause by clause.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::Host;
use huiyin_desk::{DeskError, Fact, Level, disclosure_list, fact_event};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// Under the whole sample pack, closing aside.
fn host() -> Host {
    let mut pack = common::pack();
    pack.closing.clear();
    pack.approvals.clear();
    pack.reporting = None;
    Host::under(pack)
}

fn open(host: &mut Host, level: &str) -> String {
    let open = json!({ "unit": "qingfeng", "title": "山火蔓延", "level": level, "asker": "来电人甲" });
    host.person("xu-ming", "open-case", open).unwrap()["case"].as_str().unwrap().to_owned()
}

fn of(host: &mut Host, unit: &str, person: &str, name: &str, input: Value) -> Result<Value, DeskError> {
    host.scope = Some(unit.to_owned());
    let done = host.person(person, name, input);
    host.scope = None;
    done
}

fn approve(host: &mut Host, by: &str, case: &str, output: &Value) -> Result<Value, DeskError> {
    host.does(by, json!({ "command": "approve", "case": case, "hash": output["pending"]["hash"] }))
}

fn declared(host: &mut Host) -> String {
    let case = open(host, "II");
    host.person("xu-ming", "declare-major", json!({ "case": case, "reason": "火势逼近村庄" })).unwrap();
    case
}

fn commanded(host: &mut Host) -> String {
    let case = declared(host);
    let appoint = json!({ "case": case, "person": "gao-yuan" });
    host.person("gao-yuan", "appoint-commander", appoint).unwrap();
    case
}

#[test]
fn declaring_starts_the_notice_the_report_and_the_verification_together() {
    let mut host = host();
    let case = open(&mut host, "III");
    assert!(host.desk.case(&case).unwrap().major().is_none());
    let before = host.facts.len();
    host.person("xu-ming", "declare-major", json!({ "case": case, "reason": "网上大量转发" })).unwrap();
    let kinds: Vec<&str> = host.facts[before..].iter().filter_map(fact_event).map(|event| event.kind).collect();
    assert!(kinds.contains(&"huiyin.major.declared.v1"), "{kinds:?}");
    let after = host.desk.case(&case).unwrap();
    assert_eq!(after.level, Level::II, "a major matter is of level II at least");
    let told: Vec<&str> = after.major().unwrap().declared.notices.iter().map(|n| n.to.id.as_str()).collect();
    assert_eq!(told, ["tang-xue", "gao-yuan"]);
    let clock = |id: &str| after.clocks.iter().any(|clock| clock.clock.id == id && clock.clock.satisfied.is_none());
    for id in ["flash-report", "notice.m1", "notice.m2", "task.t2"] {
        assert!(clock(id), "{id} in {:?}", after.clocks.iter().map(|c| &c.clock.id).collect::<Vec<_>>());
    }
    let tasks: Vec<&str> = after.tasks.iter().map(|task| task.kind.name()).collect();
    assert_eq!(tasks, ["report", "verify"]);
    let again = json!({ "case": case, "reason": "再次" });
    assert_eq!(host.person("xu-ming", "declare-major", again).unwrap_err().code, "unchanged");
    // The report is the task.
    host.flash(&case);
    assert!(host.desk.case(&case).unwrap().tasks[0].is_done());
    assert_eq!(host.replayed(), host.desk);
    assert_eq!(host.desk.strays(), 0);
}

#[test]
fn the_pack_says_which_levels_are_major_by_themselves() {
    let mut host = host();
    let case = open(&mut host, "II");
    assert!(host.desk.case(&case).unwrap().major().is_none());
    let raise = json!({ "command": "set-level", "case": case, "level": "I", "reason": "有人员伤亡" });
    host.does("gao-yuan", raise).unwrap();
    let major = host.desk.case(&case).unwrap().major().unwrap().clone();
    assert_eq!(major.declared.by.to_string(), "system:desk");
    // An item that the floor finds grave does the same.
    let item = host.item("9", "山火烧死多人", Some("I"));
    let number = host.receive("cuihu", vec![item])["opened"][0].as_str().unwrap().to_owned();
    assert!(host.desk.case(&number).unwrap().major().is_some());
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn a_notice_is_acknowledged_by_whom_it_went_to_and_else_the_fallback_is_told() {
    let mut host = host();
    let case = declared(&mut host);
    let ack = json!({ "case": case });
    let refused = host.person("xu-ming", "acknowledge-notice", ack.clone()).unwrap_err();
    assert_eq!((refused.code, refused.clause), ("not-told", Some("5b")));
    host.minutes(5);
    host.person("tang-xue", "acknowledge-notice", ack.clone()).unwrap();
    assert_eq!(host.person("tang-xue", "acknowledge-notice", ack.clone()).unwrap_err().code, "unchanged");
    // The principal sleeps: the duty officer is told, and when they sleep, too, the principal above.
    let notices = |host: &Host| -> Vec<(String, Option<String>)> {
        let major = host.desk.case(&case).unwrap().major().unwrap().clone();
        major.declared.notices.into_iter().map(|n| (n.to.id, n.instead_of)).collect()
    };
    assert_eq!(notices(&host).len(), 2);
    host.minutes(11);
    assert_eq!(notices(&host)[2..], [("xu-ming".to_owned(), Some("m2".to_owned()))]);
    host.minutes(16);
    assert_eq!(notices(&host)[3..], [("lin-guodong".to_owned(), Some("m3".to_owned()))]);
    let told = host.facts.iter().filter_map(fact_event).filter(|event| event.kind == "huiyin.major.told.v1");
    let told: Vec<Value> = told.map(|event| event.data["notify"][0]["to"].clone()).collect();
    assert_eq!(told, ["xu-ming", "lin-guodong"]);
    of(&mut host, "linhai", "lin-guodong", "acknowledge-notice", ack).unwrap();
    host.minutes(60);
    assert_eq!(notices(&host).len(), 4, "an acknowledged notice goes to nobody else");
    // The deliveries are tracked like every notification.
    let delivery = json!({ "case": case, "notification": "n1", "outcome": "delivered", "channel": "webhook" });
    host.call("record-delivery", delivery).unwrap();
    assert_eq!(host.replayed(), host.desk);
    assert_eq!(host.desk.strays(), 0);
}

#[test]
fn one_commander_one_plan_one_line() {
    let mut host = host();
    let case = declared(&mut host);
    let plan = json!({ "case": case, "text": "统一调度,统一发布" });
    assert_eq!(host.person("xu-ming", "set-plan", plan.clone()).unwrap_err().code, "no-commander");
    let appoint = |person: &str| json!({ "case": case, "person": person });
    assert_eq!(host.person("xu-ming", "appoint-commander", appoint("xu-ming")).unwrap_err().clause, Some("5d"));
    assert!(host.person("gao-yuan", "appoint-commander", appoint("bai-ling")).is_err());
    host.person("gao-yuan", "appoint-commander", appoint("gao-yuan")).unwrap();
    // Another one takes over with a reason.
    assert_eq!(
        host.person("lin-guodong", "appoint-commander", appoint("zheng-wen")).unwrap_err().pointer.as_deref(),
        Some("/reason")
    );
    let over = json!({ "case": case, "person": "zheng-wen", "reason": "升级为市级指挥" });
    host.person("lin-guodong", "appoint-commander", over).unwrap();
    // Plan and line are the commander's: one of the two persons is.
    let pending = host.person("xu-ming", "set-plan", plan).unwrap();
    assert_eq!(approve(&mut host, "gao-yuan", &case, &pending).unwrap_err().clause, Some("5d"));
    approve(&mut host, "zheng-wen", &case, &pending).unwrap();
    let line = host.person("xu-ming", "set-line", json!({ "case": case, "text": "火势已控制。" })).unwrap();
    assert_eq!(approve(&mut host, "gao-yuan", &case, &line).unwrap_err().clause, Some("5d"));
    approve(&mut host, "zheng-wen", &case, &line).unwrap();
    let after = host.desk.case(&case).unwrap();
    let major = after.major().unwrap();
    assert_eq!((major.commander(), major.commanders.len(), major.plans.len()), (Some("zheng-wen"), 2, 1));
    assert_eq!(after.line().unwrap().version, 1);
    assert_eq!(host.replayed(), host.desk);
}

/// A response of a unit that is checked, approved and signed; its hash.
fn ready(host: &mut Host, case: &str, unit: &str, author: &str, checker: &str, signers: &[(&str, &str)]) -> Value {
    let form = json!({ "kind": "online", "title": "通报" });
    let input = json!({ "case": case, "form": form, "text": format!("{unit}:火势已控制。") });
    let hash = of(host, unit, author, "draft-response", input).unwrap()["hash"].clone();
    let check = json!({ "case": case, "hash": hash, "passed": true, "basis": "依法公开" });
    of(host, unit, checker, "check-response", check).unwrap();
    for (other, person) in signers {
        let sign = json!({ "case": case, "hash": hash, "agree": true });
        of(host, other, person, "cosign-response", sign).unwrap();
    }
    let pending = of(host, unit, author, "submit-response", json!({ "case": case, "hash": hash })).unwrap();
    approve(host, "gao-yuan", case, &pending).unwrap();
    hash
}

#[test]
fn other_units_are_silent_while_the_procedure_is_open() {
    let mut host = host();
    let case = open(&mut host, "II");
    let task = json!({ "case": case, "kind": "handle", "to": "cuihu", "text": "请承办" });
    host.person("gao-yuan", "assign-task", task).unwrap();
    of(&mut host, "cuihu", "bai-ling", "accept-task", json!({ "case": case, "task": "t1" })).unwrap();
    host.person("xu-ming", "declare-major", json!({ "case": case, "reason": "火势逼近村庄" })).unwrap();
    host.person("gao-yuan", "appoint-commander", json!({ "case": case, "person": "gao-yuan" })).unwrap();
    let line = host.person("xu-ming", "set-line", json!({ "case": case, "text": "火势已控制。" })).unwrap();
    approve(&mut host, "gao-yuan", &case, &line).unwrap();
    let hash = ready(&mut host, &case, "cuihu", "bai-ling", "shi-lei", &[]);
    let publish = json!({ "case": case, "hash": hash });
    let refused = of(&mut host, "cuihu", "shi-lei", "publish-response", publish.clone()).unwrap_err();
    assert_eq!((refused.code, refused.clause), ("frozen", Some("5d")));
    // The lead unit speaks.
    let own = ready(&mut host, &case, "qingfeng", "xu-ming", "tang-xue", &[("cuihu", "shi-lei")]);
    host.person("gao-yuan", "publish-response", json!({ "case": case, "hash": own })).unwrap();
    // The commander lets it, and nobody else.
    let release = json!({ "case": case, "unit": "cuihu", "reason": "现场救援情况由其发布" });
    assert_eq!(host.person("tang-xue", "release-publishing", release.clone()).unwrap_err().clause, Some("5d"));
    host.person("gao-yuan", "release-publishing", release).unwrap();
    of(&mut host, "cuihu", "shi-lei", "publish-response", publish).unwrap();
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn what_stood_on_a_channel_before_the_freeze_is_recorded_and_what_came_after_is_not() {
    let mut host = host();
    let case = open(&mut host, "II");
    let task = json!({ "case": case, "kind": "handle", "to": "cuihu", "text": "请承办" });
    host.person("gao-yuan", "assign-task", task).unwrap();
    of(&mut host, "cuihu", "bai-ling", "accept-task", json!({ "case": case, "task": "t1" })).unwrap();
    let hash = ready(&mut host, &case, "cuihu", "bai-ling", "shi-lei", &[]);
    of(&mut host, "cuihu", "shi-lei", "publish-response", json!({ "case": case, "hash": hash })).unwrap();
    let before = host.now;
    host.minutes(10);
    host.person("xu-ming", "declare-major", json!({ "case": case, "reason": "火势逼近村庄" })).unwrap();
    let shown = |channel: &str, time: Value| json!({ "case": case, "hash": hash, "channel": channel, "url": "https://w.example/1", "text": "cuihu:火势已控制。", "time": time });
    let refused = of(&mut host, "cuihu", "shi-lei", "record-publication", shown("weibo", Value::Null)).unwrap_err();
    assert_eq!((refused.code, refused.clause), ("frozen", Some("5d")));
    of(&mut host, "cuihu", "shi-lei", "record-publication", shown("weibo", json!(before.to_string()))).unwrap();
}

#[test]
fn a_major_matter_speaks_by_its_line_and_ends_by_its_commander() {
    let mut host = host();
    let case = commanded(&mut host);
    let hash = ready(&mut host, &case, "qingfeng", "xu-ming", "tang-xue", &[]);
    let publish = json!({ "case": case, "hash": hash });
    assert_eq!(host.person("gao-yuan", "publish-response", publish.clone()).unwrap_err().code, "no-line");
    let line = host.person("xu-ming", "set-line", json!({ "case": case, "text": "火势已控制。" })).unwrap();
    approve(&mut host, "gao-yuan", &case, &line).unwrap();
    host.person("gao-yuan", "publish-response", publish).unwrap();
    for channel in ["website", "weibo", "wechat"] {
        let shown = json!({ "case": case, "hash": hash, "channel": channel, "url": "https://gov.example/1", "text": "qingfeng:火势已控制。" });
        host.person("xu-ming", "record-publication", shown).unwrap();
    }
    let end = json!({ "case": case, "reason": "火已扑灭" });
    assert_eq!(host.person("tang-xue", "end-major", end.clone()).unwrap_err().code, "not-the-commander");
    assert_eq!(host.person("gao-yuan", "end-major", end.clone()).unwrap_err().code, "unreported");
    host.flash(&case);
    assert_eq!(host.person("gao-yuan", "end-major", end.clone()).unwrap_err().code, "unverified");
    host.person("xu-ming", "accept-task", json!({ "case": case, "task": "t2" })).unwrap();
    host.person("xu-ming", "feed-back-task", json!({ "case": case, "task": "t2", "text": "属实,已控制" })).unwrap();
    let close = json!({ "case": case });
    assert_eq!(host.person("xu-ming", "close-case", close.clone()).unwrap_err().clause, Some("5d"));
    host.person("gao-yuan", "end-major", end).unwrap();
    host.person("xu-ming", "close-case", close).unwrap();
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn where_the_lead_unit_changes_its_people_are_told() {
    let mut host = host();
    let case = declared(&mut host);
    host.person("lin-guodong", "route-case", json!({ "case": case, "to": "cuihu", "reason": "属保护区" })).unwrap();
    let major = host.desk.case(&case).unwrap().major().unwrap().clone();
    let told: Vec<&str> = major.declared.notices.iter().map(|notice| notice.to.id.as_str()).collect();
    assert_eq!(told, ["tang-xue", "gao-yuan", "bai-ling", "shi-lei"]);
}

#[test]
fn what_is_published_of_its_own_accord_has_a_clock_and_four_checks() {
    let mut host = host();
    let input = json!({ "kind": "social-concern", "title": "老鹰岩山火处置情况" });
    let entry = of(&mut host, "qingfeng", "xu-ming", "open-disclosure", input).unwrap();
    assert_eq!((&entry["disclosure"], &entry["state"]), (&json!("qingfeng-d1"), &json!("owed")));
    assert!(entry["due_at"].is_string());
    let listed = |host: &Host| disclosure_list(&host.desk, Some("qingfeng"), false);
    assert_eq!(listed(&host).len(), 1);
    assert_eq!(disclosure_list(&host.desk, Some("cuihu"), true).len(), 0);
    // Nobody else's, not before it is published, and not by who published it.
    let publish = json!({ "disclosure": "qingfeng-d1", "text": "已扑灭。", "channel": "website", "proof": "https://gov.example/2" });
    assert_eq!(
        of(&mut host, "cuihu", "bai-ling", "publish-disclosure", publish.clone()).unwrap_err().clause,
        Some("1d")
    );
    let check = |accurate: bool, note: Value| {
        let checks = json!({ "complete": true, "objective": true, "accurate": accurate });
        json!({ "disclosure": "qingfeng-d1", "checks": checks, "note": note })
    };
    let early = of(&mut host, "qingfeng", "gao-yuan", "check-disclosure", check(true, Value::Null)).unwrap_err();
    assert_eq!(early.clause, Some("6d"));
    let mut facts = host.wait(SignedDuration::from_hours(40));
    facts.extend(host.wait(SignedDuration::from_hours(9)));
    let events: Vec<_> =
        facts.iter().filter_map(fact_event).filter(|e| e.kind.starts_with("huiyin.disclosure")).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["huiyin.disclosure.warned.v1", "huiyin.disclosure.breached.v1"]);
    assert_eq!(events[1].data["notify"][0]["to"], "xu-ming");
    assert_eq!(listed(&host)[0]["state"], "overdue");
    of(&mut host, "qingfeng", "xu-ming", "publish-disclosure", publish.clone()).unwrap();
    assert_eq!(listed(&host)[0]["timely"], json!(false));
    let own = of(&mut host, "qingfeng", "xu-ming", "check-disclosure", check(true, Value::Null)).unwrap_err();
    assert_eq!(own.clause, Some("rule 9"));
    assert!(of(&mut host, "qingfeng", "gao-yuan", "check-disclosure", check(false, Value::Null)).is_err());
    of(&mut host, "qingfeng", "gao-yuan", "check-disclosure", check(false, json!("面积有误"))).unwrap();
    assert_eq!(listed(&host)[0]["state"], "wanting");
    // Corrected, it is right.
    of(&mut host, "qingfeng", "xu-ming", "publish-disclosure", publish.clone()).unwrap();
    assert_eq!(of(&mut host, "qingfeng", "xu-ming", "publish-disclosure", publish).unwrap_err().code, "unchanged");
    of(&mut host, "qingfeng", "gao-yuan", "check-disclosure", check(true, Value::Null)).unwrap();
    assert_eq!(listed(&host).len(), 0);
    let whole = &disclosure_list(&host.desk, None, true)[0];
    assert_eq!((&whole["state"], whole["publications"].as_array().unwrap().len()), (&json!("checked"), 2));
    assert_eq!(host.replayed(), host.desk);
    assert!(host.desk.tick(host.now).is_empty());
}

#[test]
fn a_pack_says_where_responses_stand_and_who_is_told_next() {
    let problems = |change: fn(&mut Value)| {
        let mut pack: Value = serde_json::from_str(common::SAMPLE).unwrap();
        change(&mut pack);
        let text = serde_json::to_string_pretty(&pack).unwrap();
        let found = huiyin_desk::PolicyPack::parse(&text, "p.json").unwrap_err();
        found.into_iter().map(|problem| (problem.pointer, problem.message)).collect::<Vec<_>>()
    };
    type Wrong = (fn(&mut Value), &'static str, &'static str);
    let all: [Wrong; 9] = [
        (
            |p| {
                p["units"][1].as_object_mut().unwrap().remove("office");
            },
            "/units/1",
            "3.5a",
        ),
        (
            |p| {
                p["units"][2]["office"] = json!({ "contact": "8001" });
            },
            "/units/2/office",
            "3.5a",
        ),
        (
            |p| {
                p["publishing"]["channels"][0]["id"] = json!("weibo");
            },
            "/publishing/channels/1/id",
            "weibo",
        ),
        (
            |p| {
                for i in 0..4 {
                    p["publishing"]["channels"][i]["required"] = json!(false);
                }
            },
            "/publishing/channels",
            "3.5e",
        ),
        (
            |p| {
                p["major"]["levels"] = json!(["III"]);
            },
            "/major/levels/0",
            "5c",
        ),
        (
            |p| {
                p["major"]["fallback"] = json!(["lead.cook"]);
            },
            "/major/fallback/0",
            "cook",
        ),
        (
            |p| {
                p["clocks"].as_array_mut().unwrap().retain(|c| c["id"] != "major-notice");
            },
            "/major/fallback",
            "5b",
        ),
        (
            |p| {
                p["disclosure"].as_array_mut().unwrap().remove(3);
            },
            "/disclosure",
            "statutory",
        ),
        (
            |p| {
                let clocks = p["clocks"].as_array_mut().unwrap();
                clocks.iter_mut().filter(|c| c["id"] == "channels").for_each(|c| c["anchor"] = json!("occurred_at"));
            },
            "",
            "starts with the act",
        ),
    ];
    for (change, pointer, word) in all {
        let found = problems(change);
        assert!(
            found.iter().any(|(at, message)| (pointer.is_empty() || at == pointer) && message.contains(word)),
            "{pointer} {word}: {found:?}"
        );
    }
}

#[test]
fn a_declaration_is_one_decision() {
    let mut host = host();
    let case = open(&mut host, "II");
    let input = json!({ "case": case, "reason": "x", "verify": "nowhere" });
    let before = host.facts.len();
    assert_eq!(host.person("xu-ming", "declare-major", input).unwrap_err().pointer.as_deref(), Some("/verify"));
    assert_eq!(host.facts.len(), before, "nothing is half done");
    let task = |fact: &Fact| matches!(fact, Fact::TaskAssigned { .. });
    let input = json!({ "case": case, "reason": "火势逼近村庄", "verify": "forest-fire" });
    host.call("declare-major", input).unwrap();
    assert_eq!(host.facts[before..].iter().filter(|fact| task(fact)).count(), 2);
    assert_eq!(host.desk.case(&case).unwrap().tasks[1].parts[0].unit, "forest-fire");
}
