//! Tasks, routing, and what happens offline, clause by clause.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::Host;
use huiyin_desk::{DeskError, Fact, fact_event, task_list};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// A case of 青枫县 at level III that everybody was answered in.
fn answered(host: &mut Host, level: &str) -> String {
    let open = json!({ "unit": "qingfeng", "title": "后山采石", "level": level, "asker": "来电人甲" });
    let case = host.person("xu-ming", "open-case", open).unwrap()["case"].as_str().unwrap().to_owned();
    let answer = json!({ "case": case, "text": "已停工。", "channel": "电话", "proof": "通话记录 1 号" });
    host.person("xu-ming", "record-answer", answer).unwrap();
    case
}

fn assign(host: &mut Host, case: &str, kind: &str, to: &str) -> Result<String, DeskError> {
    let task = json!({ "case": case, "kind": kind, "to": to, "text": "请核查并反馈" });
    let given = host.person("gao-yuan", "assign-task", task)?;
    Ok(given["task"].as_str().unwrap().to_owned())
}

/// A person of a unit acts on a task in the name of that unit.
fn of(host: &mut Host, unit: &str, person: &str, name: &str, input: Value) -> Result<Value, DeskError> {
    host.scope = Some(unit.to_owned());
    let done = host.person(person, name, input);
    host.scope = None;
    done
}

fn close(host: &mut Host, case: &str) -> Result<Value, DeskError> {
    host.person("xu-ming", "close-case", json!({ "case": case }))
}

#[test]
fn a_task_is_accepted_answered_and_then_over() {
    let mut host = Host::under(common::without_approvals());
    let case = answered(&mut host, "III");
    let task = assign(&mut host, &case, "handle", "cuihu").unwrap();
    let told: Vec<String> = host.desk.case(&case).unwrap().notifications.iter().map(|n| n.to.id.clone()).collect();
    assert!(told.contains(&"bai-ling".to_owned()) && told.contains(&"shi-lei".to_owned()), "{told:?}");
    assert_eq!(close(&mut host, &case).unwrap_err().clause, Some("3.4b"));

    // The unit that has it acts, though the case is not its own; others do not.
    let accept = json!({ "case": case, "task": task });
    assert_eq!(of(&mut host, "forest-fire", "luo-jian", "accept-task", accept.clone()).unwrap_err().clause, Some("1d"));
    let early = json!({ "case": case, "task": task, "text": "已核查" });
    assert_eq!(of(&mut host, "cuihu", "bai-ling", "feed-back-task", early.clone()).unwrap_err().clause, Some("3.4b"));
    of(&mut host, "cuihu", "bai-ling", "accept-task", accept).unwrap();
    let done = of(&mut host, "cuihu", "bai-ling", "feed-back-task", early).unwrap();
    assert_eq!((&done["open"], &done["done"]), (&json!(false), &json!(true)));
    let clock = host.desk.case(&case).unwrap().clocks.iter().find(|c| c.clock.id == "task.t1").unwrap().clone();
    assert!(clock.clock.satisfied.is_some());
    assert!(task_list(&host.desk, Some("cuihu"), false).is_empty());
    assert_eq!(task_list(&host.desk, Some("cuihu"), true).len(), 1);
    close(&mut host, &case).unwrap();

    let kinds: Vec<&str> = host.facts.iter().filter_map(fact_event).map(|event| event.kind).collect();
    for kind in ["huiyin.task.assigned.v1", "huiyin.task.accepted.v1", "huiyin.task.fed-back.v1"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    assert_eq!(host.desk.strays(), 0);
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn a_return_needs_a_reason_and_bounces_are_bounded() {
    let mut host = Host::under(common::without_approvals());
    let case = answered(&mut host, "III");
    let task = assign(&mut host, &case, "handle", "cuihu").unwrap();
    let back = |reason: &str| json!({ "case": case, "task": task, "reason": reason });
    assert_eq!(of(&mut host, "cuihu", "bai-ling", "return-task", back(" ")).unwrap_err().code, "empty");
    of(&mut host, "cuihu", "bai-ling", "return-task", back("不属保护区范围")).unwrap();
    // Returned, it is handed on by who gave it; to the same unit once more.
    let to = |unit: &str, to: &str| json!({ "case": case, "task": task, "unit": unit, "to": to, "reason": "再核" });
    host.person("gao-yuan", "transfer-task", to("cuihu", "forest-fire")).unwrap();
    of(&mut host, "forest-fire", "luo-jian", "return-task", back("无火情")).unwrap();
    host.person("gao-yuan", "transfer-task", to("forest-fire", "cuihu")).unwrap();
    let refused = of(&mut host, "cuihu", "bai-ling", "return-task", back("仍不属")).unwrap_err();
    assert_eq!((refused.code, refused.clause), ("too-many", Some("3.4b")));
}

#[test]
fn a_joint_task_is_over_when_every_unit_answered() {
    let mut host = Host::under(common::without_approvals());
    let case = answered(&mut host, "III");
    let input = json!({ "case": case, "kind": "handle", "to": "cuihu", "with": ["forest-fire"], "text": "联合核查" });
    let task = host.person("gao-yuan", "assign-task", input).unwrap()["task"].clone();
    for (unit, person, done) in [("cuihu", "bai-ling", false), ("forest-fire", "luo-jian", true)] {
        of(&mut host, unit, person, "accept-task", json!({ "case": case, "task": task })).unwrap();
        let said = json!({ "case": case, "task": task, "text": "已核查", "evidence": ["照片 3 张"] });
        let after = of(&mut host, unit, person, "feed-back-task", said).unwrap();
        assert_eq!(after["done"], json!(done));
    }
}

#[test]
fn a_task_that_nobody_answers_is_a_breach_on_record_and_its_time_is_only_tightened() {
    let mut host = Host::under(common::without_approvals());
    let case = answered(&mut host, "III");
    assign(&mut host, &case, "verify", "cuihu").unwrap();
    let loose = json!({ "case": case, "kind": "verify", "to": "cuihu", "text": "请核实", "allow": "PT8H" });
    assert_eq!(host.person("gao-yuan", "assign-task", loose).unwrap_err().clause, Some("rule 7"));
    let tight = json!({ "case": case, "kind": "verify", "to": "cuihu", "text": "请核实", "allow": "PT1H" });
    host.person("gao-yuan", "assign-task", tight).unwrap();
    let facts = host.wait(SignedDuration::from_hours(5));
    let late: Vec<&str> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::ClockMoved { clock: huiyin_deadline::clock::ClockFact::Breached { clock, .. }, .. } => {
                Some(clock.as_str())
            }
            _ => None,
        })
        .collect();
    assert!(late.contains(&"task.t1") && late.contains(&"task.t2"), "{late:?}");
    let rows = task_list(&host.desk, Some("cuihu"), false);
    assert!(rows.iter().all(|row| !row["breached_at"].is_null()), "{rows:?}");
}

#[test]
fn a_supervision_order_is_the_principals() {
    let mut host = Host::under(common::without_approvals());
    let case = answered(&mut host, "III");
    let order = json!({ "case": case, "kind": "supervise", "to": "qingfeng", "text": "今日内答复" });
    assert_eq!(host.person("xu-ming", "assign-task", order.clone()).unwrap_err().clause, Some("2c"));
    host.person("lin-guodong", "assign-task", order).unwrap();
}

#[test]
fn a_grave_case_closes_once_its_root_cause_and_prevention_are_done() {
    let mut host = Host::under(common::without_approvals());
    let case = answered(&mut host, "II");
    host.flash(&case);
    assert_eq!(close(&mut host, &case).unwrap_err().clause, Some("1f"));
    for kind in ["root-cause", "prevention"] {
        let task = assign(&mut host, &case, kind, "qingfeng").unwrap();
        assert!(close(&mut host, &case).is_err());
        host.person("xu-ming", "accept-task", json!({ "case": case, "task": task })).unwrap();
        host.person("xu-ming", "feed-back-task", json!({ "case": case, "task": task, "text": "已整改" })).unwrap();
    }
    close(&mut host, &case).unwrap();
}

#[test]
fn an_unrouted_case_waits_under_a_clock_until_the_duty_names_its_unit() {
    let mut host = Host::under(common::without_approvals());
    let open = json!({ "unit": "linhai", "title": "鸟类受伤", "level": "III", "asker": "甲", "unrouted": true });
    let case = host.person("he-ping", "open-case", open).unwrap()["case"].as_str().unwrap().to_owned();
    let waits = |host: &Host| {
        let case = host.desk.case(&case).unwrap();
        let clock = case.clocks.iter().find(|c| c.clock.id == "routing").unwrap();
        (case.routed, clock.clock.satisfied.is_some())
    };
    assert_eq!(waits(&host), (false, false));
    let by_duty = |duty: &str| json!({ "case": case, "duty": duty, "reason": "谁主管、谁负责" });
    assert_eq!(host.person("he-ping", "route-case", by_duty("水库管理")).unwrap_err().clause, Some("1e"));
    let routed = host.person("he-ping", "route-case", by_duty("野生动物救护")).unwrap();
    assert_eq!(routed["unit"], "cuihu");
    assert_eq!(waits(&host), (true, true));
    let moved = host.desk.case(&case).unwrap();
    assert_eq!((moved.unit.as_str(), moved.region.as_str()), ("cuihu", "999922"));
    // From here on it is that unit's.
    let close = json!({ "case": case });
    assert_eq!(of(&mut host, "qingfeng", "xu-ming", "close-case", close).unwrap_err().clause, Some("1d"));
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn what_happens_offline_has_an_outcome_before_the_case_closes() {
    let mut host = Host::under(common::without_approvals());
    let case = answered(&mut host, "III");
    let event = json!({ "case": case, "text": "村民聚集" });
    let event = host.person("xu-ming", "record-offline-event", event).unwrap()["event"].clone();
    let contact = json!({ "case": case, "with": "村民代表", "channel": "visit", "text": "已入户说明" });
    host.person("xu-ming", "record-contact", contact).unwrap();
    assert_eq!(close(&mut host, &case).unwrap_err().clause, Some("3.4a"));
    let outcome = json!({ "case": case, "event": event, "outcome": "已散去,签订协议" });
    host.person("xu-ming", "record-offline-event", outcome).unwrap();
    close(&mut host, &case).unwrap();
    assert_eq!(host.replayed(), host.desk);
}
