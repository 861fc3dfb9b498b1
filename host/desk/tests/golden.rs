//! The stored form of facts, pinned for ever. A journal of any release must
//! be read by every later one: a line of `golden/facts.v1.jsonl` may never be
//! changed or removed, only new types added.
//!
//! `cargo test -p huiyin-desk --test golden -- --ignored` writes the files
//! anew, for the time before the first release, and for added lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;

use common::Host;
use huiyin_desk::case::{Gate, RiskEntry, RiskLevel, RiskPart};
use huiyin_desk::{BeginWatch, Command, Desk, Fact, Level, ReadSource, WatchCommand, case_summary};
use jiff::SignedDuration;
use serde_json::{Value, json};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn type_of(line: &str) -> String {
    let value: Value = serde_json::from_str(line).unwrap();
    let name = value["type"].as_str().unwrap();
    // A case that came out of another is opened with what it brought along.
    if value.get("split").is_some_and(|split| name == "huiyin.case.opened.v1" && split.is_object()) {
        return format!("{name} of a split");
    }
    name.to_owned()
}

/// One of everything that can happen to a desk.
fn everything() -> Host {
    let mut pack = common::pack();
    pack.closing.clear();
    pack.major = None;
    let chain = json!([{ "act": "occurred-at", "chain": [["lead.principal"], ["parent.principal"]], "basis": { "source": "本局规定", "status": "own" } }]);
    pack.approvals = serde_json::from_value(chain).unwrap();
    let reporting =
        json!({ "to": ["lead.principal", "parent.duty"], "basis": { "source": "归口报送", "status": "own" } });
    pack.reporting = Some(serde_json::from_value(reporting).unwrap());
    let mut host = Host::under(pack);
    let mut first = host.item("1", "网传老鹰岩山火烧死人", Some("II"));
    first.item.published = Some(host.now - SignedDuration::from_mins(20));
    first.item.fields.insert("channel".to_owned(), "weibo".to_owned());
    first.item.fields.insert("author-hash".to_owned(), "a1f0".to_owned());
    let mut broken = host.item("2", "x", None);
    broken.item.title.clear();
    let number = host.receive("qingfeng", vec![first, broken])["opened"][0].as_str().unwrap().to_owned();
    let repost = host.item("3", "网传老鹰岩山火烧死人", None);
    host.receive("qingfeng", vec![repost]);
    let item = host.desk.case(&number).unwrap().items[0].item;
    host.call(
        "record-assessment",
        json!({ "item": item, "verdict": common::verdict(Some("I")), "classifier": "risk-level:0.1.0" }),
    )
    .unwrap();
    host.by("person:gao-yuan", &Command::AddConcern { case: number.clone(), text: "有无伤亡".to_owned() }).unwrap();
    host.call(
        "record-delivery",
        json!({ "case": number, "notification": "n1", "outcome": "delivered", "channel": "webhook", "receipt": "r-1" }),
    )
    .unwrap();
    host.minutes(15);
    let occurred_at = host.now - SignedDuration::from_mins(80);
    host.by(
        "person:gao-yuan",
        &Command::CorrectOccurredAt { case: number.clone(), occurred_at, reason: "瞭望塔记录为准".to_owned() },
    )
    .unwrap();
    let facts = json!([{ "text": "老鹰岩发现明火。", "evidence": [item] }]);
    let draft =
        json!({ "case": number, "stage": "flash", "facts": facts, "documents": [{ "filename": "flash.html" }] });
    let draft = host.call("draft-report", draft).unwrap()["hash"].clone();
    host.person("gao-yuan", "submit-report", json!({ "case": number, "stage": "flash", "draft": draft })).unwrap();
    let later = json!({ "command": "correct-occurred-at", "case": number, "occurred_at": occurred_at + SignedDuration::from_mins(5), "reason": "复核" });
    let hash = host.does("xu-ming", later).unwrap()["pending"]["hash"].clone();
    host.does("gao-yuan", json!({ "command": "approve", "case": number, "hash": hash })).unwrap();
    host.does("lin-guodong", json!({ "command": "decline", "case": number, "hash": hash, "reason": "无依据" }))
        .unwrap();
    let until = host.now + SignedDuration::from_hours(48);
    host.does("gao-yuan", json!({ "command": "delegate", "to": "xu-ming", "until": until, "reason": "外出培训" }))
        .unwrap();
    host.does("gao-yuan", json!({ "command": "revoke-delegation", "delegation": "g1", "reason": "提前返岗" })).unwrap();
    host.by(
        "person:lin-guodong",
        &Command::SetLevel { case: number.clone(), level: Level::III, reason: "核实无伤亡".to_owned() },
    )
    .unwrap();
    let receipt = json!({ "case": number, "report": "r1", "addressee": "linhai", "by": "何平" });
    host.call("record-receipt", receipt).unwrap();
    let bypass =
        json!({ "case": number, "from": "村委会", "to": "市应急局", "channel": "电话", "text": "直接通报火情" });
    host.person("xu-ming", "record-bypass", bypass).unwrap();
    let evidence = json!({ "case": number, "kind": "document", "text": "瞭望塔记录", "reference": "记 17 号" });
    host.call("record-evidence", evidence).unwrap();
    let assessment = json!({ "case": number, "nature": "谣言", "trend": "趋缓", "risks": ["转移视线"], "opinion": "发布通报", "value": "respond", "reason": "群众关切" });
    host.person("gao-yuan", "assess-case", assessment).unwrap();
    host.call("record-time", json!({ "case": number, "milestone": "verified" })).unwrap();
    host.person("xu-ming", "accept-case", json!({ "case": number, "note": "已转林政股" })).unwrap();
    let secret = json!({ "case": number, "to": "internal", "reason": "涉及个人隐私" });
    host.person("xu-ming", "set-confidentiality", secret).unwrap();
    let link = json!({ "case": number, "other": "99992206400300_20260301090000_1", "reason": "同一水系" });
    host.person("xu-ming", "link-cases", link).unwrap();
    let sections: Vec<Value> = ["概况", "传播", "观点", "研判", "建议"]
        .iter()
        .map(|name| json!({ "name": name, "text": "见附件。" }))
        .collect();
    let special = json!({ "unit": "qingfeng", "kind": "special", "to": "2026-03-01", "sections": sections });
    let special = host.person("xu-ming", "record-log", special).unwrap();
    let issue = json!({ "unit": "qingfeng", "log": special["log"], "hash": special["hash"] });
    host.person("gao-yuan", "issue-log", issue).unwrap();
    // A second asker goes to a case of their own, and comes back.
    let repost = host.item("4", "网传老鹰岩山火烧死人", None);
    host.receive("qingfeng", vec![repost]);
    let asker = host.desk.case(&number).unwrap().askers.last().unwrap().id.clone();
    let split = json!({ "case": number, "title": "另一事项", "askers": [asker], "reason": "另一事项" });
    let other = host.person("gao-yuan", "split-case", split).unwrap()["opened"].clone();
    host.person("gao-yuan", "merge-cases", json!({ "case": number, "from": other, "reason": "同一事项" })).unwrap();
    let call = json!({ "id": "c1", "at": host.now, "phone": "13900001111", "answered": true });
    let calls = json!({ "command": "import-calls", "unit": "qingfeng", "source": "96128", "calls": [call] });
    host.system(&serde_json::from_value(calls).unwrap()).unwrap();
    let task = json!({ "case": number, "kind": "verify", "to": "qingfeng", "text": "核实火点" });
    let task = host.person("gao-yuan", "assign-task", task).unwrap()["task"].clone();
    host.person("xu-ming", "accept-task", json!({ "case": number, "task": task })).unwrap();
    let said = json!({ "case": number, "task": task, "text": "火点属实", "evidence": ["照片 1 张"] });
    host.person("xu-ming", "feed-back-task", said).unwrap();
    let contact = json!({ "case": number, "with": "村民代表", "channel": "visit", "text": "已入户说明" });
    host.person("xu-ming", "record-contact", contact).unwrap();
    let event = json!({ "case": number, "text": "扑救", "outcome": "火已扑灭" });
    host.person("xu-ming", "record-offline-event", event).unwrap();
    for to in ["cuihu", "qingfeng"] {
        let routed = json!({ "case": number, "to": to, "reason": "谁主管、谁负责" });
        host.person("lin-guodong", "route-case", routed).unwrap();
    }
    escalations(&mut host, &number);
    let proposal =
        Command::ProposeNoResponse { case: number.clone(), reason: "同一谣言已统一回应".to_owned() };
    let hash = host.by("person:xu-ming", &proposal).unwrap().output["hash"].as_str().unwrap().to_owned();
    host.by("person:gao-yuan", &Command::ApproveNoResponse { case: number.clone(), hash }).unwrap();
    responses(&mut host, &number);
    let answer = json!({ "case": number, "text": "火已扑灭,无人员伤亡。", "channel": "政府网站", "proof": "http://gov.example/1", "concerns": [{ "concern": "c1", "text": "无伤亡" }] });
    host.call("record-answer", answer).unwrap();
    watching(&mut host, &number);
    host.call("close-case", json!({ "case": number, "note": "已回访" })).unwrap();
    let opened = host.desk.case(&number).unwrap();
    let expired =
        Fact::ApprovalExpired { head: opened.head(), approval: "a1".to_owned(), at: host.now, notify: Vec::new() };
    let at = host.now;
    let by = huiyin_desk::Actor::Person("xu-ming".to_owned());
    let (part, level) = (RiskPart::Level, Some(RiskLevel::Low));
    let entry = RiskEntry { part, text: "可控".to_owned(), evidence: Vec::new(), level, by, at };
    let risk = Fact::RiskRecorded { head: opened.head(), entry };
    let gate = Gate { approval: "a1".to_owned(), author: "xu-ming".to_owned(), at };
    let gate = Fact::GateOpened { head: opened.head(), gate };
    for fact in [expired, risk, gate] {
        host.desk.apply(&fact);
        host.facts.push(fact);
    }
    let forgotten = Fact::ItemsForgotten {
        records_below: Some(item),
        known_before: Some(host.now - SignedDuration::from_hours(1)),
        at: host.now,
    };
    host.desk.apply(&forgotten);
    host.facts.push(forgotten);
    host
}

/// One of everything about watching.
fn watching(host: &mut Host, case: &str) {
    let mut pack = common::pack();
    "1.0.1".clone_into(&mut pack.version);
    pack.closing.clear();
    pack.approvals.clear();
    pack.warnings.truncate(1);
    pack.duty.retain(|rule| rule.unit == "qingfeng");
    host.system(&Command::AdoptPolicy { pack: Box::new(pack) }).unwrap();
    let forum = ReadSource { unit: "qingfeng".to_owned(), source: "forum".to_owned(), channel: None, expected: 600 };
    for sources in [vec![forum], Vec::new()] {
        let begin = WatchCommand::BeginWatch(BeginWatch { sources });
        host.system(&Command::Watch(Box::new(begin))).unwrap();
        host.minutes(15);
        host.desk.watch_mut().source_read("qingfeng/forum", host.now);
        host.minutes(0);
    }
    let of = |host: &mut Host, person: &str, name: &str, input: Value| {
        host.scope = Some("qingfeng".to_owned());
        let done = host.person(person, name, input).unwrap();
        host.scope = None;
        done
    };
    of(host, "xu-ming", "check-in", json!({}));
    of(host, "gao-yuan", "swap-duty", json!({ "slot": "night@2026-03-02", "people": ["gao-yuan"], "reason": "代班" }));
    host.minutes(5 * 60);
    let seen = json!([{ "text": "论坛无异常", "url": "http://bbs.example/" }]);
    of(host, "xu-ming", "finish-patrol", json!({ "patrol": "qingfeng.round@2026-03-01T15:00", "seen": seen }));
    let label = json!({ "case": case, "label": "rumour", "reason": "传言不实", "evidence": ["通报"] });
    of(host, "gao-yuan", "set-label", label);
    let fires: Vec<_> = (0..5).map(|n| host.item(&format!("w{n}"), &format!("山火 {n}"), None)).collect();
    host.receive("qingfeng", fires);
    of(host, "xu-ming", "acknowledge-warning", json!({ "warning": "qingfeng.w1", "note": "已知" }));
    of(host, "xu-ming", "feed-back-warning", json!({ "warning": "qingfeng.w1", "text": "已核查", "case": case }));
    let share = json!({ "case": case, "to": "cuihu", "reason": "联合处置" });
    let share = of(host, "xu-ming", "share", share)["share"].clone();
    host.scope = Some("cuihu".to_owned());
    host.person("bai-ling", "read-shared", json!({ "share": share })).unwrap();
    host.scope = None;
    of(host, "xu-ming", "revoke-share", json!({ "share": share, "reason": "处置完毕" }));
    host.minutes(24 * 60);
    let nobody = json!([{ "id": "day", "from": "08:00", "to": "08:00", "people": [] }]);
    of(host, "gao-yuan", "set-roster", json!({ "slots": nobody, "reason": "试排" }));
    let fires: Vec<_> = (0..30).map(|n| host.item(&format!("v{n}"), &format!("山火 {n}"), None)).collect();
    host.receive("qingfeng", fires);
    host.minutes(60);
}

/// A line, a response that goes out, a major matter and what is published unasked.
fn responses(host: &mut Host, number: &str) {
    let approve = |host: &mut Host, output: &Value| {
        let hash = &output["pending"]["hash"];
        host.does("gao-yuan", json!({ "command": "approve", "case": number, "hash": hash })).unwrap();
    };
    let line = json!({
        "case": number, "text": "火已扑灭。", "required": ["无人员伤亡"], "forbidden": ["纵火"],
        "figures": [{ "name": "过火面积", "value": "12公顷" }],
    });
    let line = host.person("xu-ming", "set-line", line).unwrap();
    approve(host, &line);
    let draft = json!({
        "case": number, "form": { "kind": "online", "title": "情况通报" }, "text": "火已扑灭,无人员伤亡。",
        "answers": [{ "concern": "c1", "text": "无" }], "touches": ["forest-fire"],
    });
    let hash = host.person("xu-ming", "draft-response", draft).unwrap()["hash"].clone();
    let check = json!({ "case": number, "hash": hash, "passed": true, "basis": "不涉密" });
    host.person("tang-xue", "check-response", check).unwrap();
    let pending = host.person("xu-ming", "submit-response", json!({ "case": number, "hash": hash })).unwrap();
    approve(host, &pending);
    host.scope = Some("forest-fire".to_owned());
    host.person("luo-jian", "cosign-response", json!({ "case": number, "hash": hash, "agree": true })).unwrap();
    host.scope = None;
    host.person("gao-yuan", "publish-response", json!({ "case": number, "hash": hash })).unwrap();
    for channel in ["website", "weibo", "wechat"] {
        let shown = json!({ "case": number, "hash": hash, "channel": channel, "url": "http://gov.example/2", "text": "火已扑灭,无人员伤亡。" });
        host.call("record-publication", shown).unwrap();
    }
    host.person("xu-ming", "declare-major", json!({ "case": number, "reason": "转发量大" })).unwrap();
    host.person("gao-yuan", "acknowledge-notice", json!({ "case": number })).unwrap();
    host.person("gao-yuan", "appoint-commander", json!({ "case": number, "person": "gao-yuan" })).unwrap();
    let tasks: Vec<_> = host.desk.case(number).unwrap().tasks.iter().filter(|task| task.is_open()).cloned().collect();
    for task in tasks {
        host.person("xu-ming", "accept-task", json!({ "case": number, "task": task.id })).unwrap();
        host.person("xu-ming", "feed-back-task", json!({ "case": number, "task": task.id, "text": "属实" })).unwrap();
    }
    host.person("gao-yuan", "end-major", json!({ "case": number, "reason": "平息" })).unwrap();
    let entry = json!({ "unit": "qingfeng", "kind": "social-concern", "title": "山火情况" });
    host.person("xu-ming", "open-disclosure", entry).unwrap();
    let shown =
        json!({ "disclosure": "qingfeng-d1", "text": "已扑灭", "channel": "website", "proof": "http://gov.example/3" });
    host.person("xu-ming", "publish-disclosure", shown).unwrap();
}

/// What escalation and a newer pack add, of a clock that the lines above have.
fn escalations(host: &mut Host, number: &str) {
    let head = host.desk.case(number).unwrap().head();
    let clock = host.desk.case(number).unwrap().clocks[0].clone();
    let id = clock.clock.id.clone();
    let (at, clause) = (host.now, clock.clause.clone());
    let rung =
        json!({"after": "-PT10M", "tell": ["parent.principal"], "acknowledge_within": "PT20M", "repeat": "PT5M"});
    let raised = json!({"rung": 0, "due_at": at, "at": at, "repeat_at": at, "climb_at": at});
    let facts = [
        json!({"type": "huiyin.escalation.ladder-changed.v1", "clock": id, "ladder": [rung], "at": at}),
        json!({"type": "huiyin.escalation.raised.v1", "escalation": {
            "clock": id, "name": clock.name, "clause": clause, "step": "raised", "clock_due_at": clock.clock.due.at,
            "raised": raised, "at": at,
        }}),
        json!({"type": "huiyin.escalation.acknowledged.v1", "clock": id, "rungs": [0], "by": "gao-yuan", "note": "已督促", "at": at}),
        json!({"type": "huiyin.escalation.missed.v1", "missed": {"clock": id, "rung": 0, "due_at": at, "at": at}}),
        json!({"type": "huiyin.case.pack-changed.v1", "from": "linhai:1.0.0", "to": "linhai:1.1.0", "by": "system:deploy", "at": at}),
    ];
    for fact in facts {
        let mut whole = serde_json::to_value(&head).unwrap();
        whole.as_object_mut().unwrap().extend(fact.as_object().unwrap().clone());
        let fact: Fact = serde_json::from_value(whole).unwrap();
        host.desk.apply(&fact);
        host.facts.push(fact);
    }
}

#[test]
fn facts_of_every_release_are_read_as_they_were_written() {
    let golden = std::fs::read_to_string(file("facts.v1.jsonl")).unwrap();
    let mut desk = Desk::new();
    for (n, line) in golden.lines().enumerate() {
        let fact: Fact = serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}", n + 1));
        assert_eq!(serde_json::to_string(&fact).unwrap(), line, "line {}", n + 1);
        desk.apply(&fact);
    }
    assert_eq!(desk.strays(), 0);
    let cases: Vec<Value> = desk.cases().map(|case| case_summary(case, common::time(common::START))).collect();
    let expected: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file("cases.v1.json")).unwrap()).unwrap();
    assert_eq!(cases, expected);
}

#[test]
fn every_type_of_fact_has_a_golden_line() {
    let golden = std::fs::read_to_string(file("facts.v1.jsonl")).unwrap();
    let pinned: BTreeSet<String> = golden.lines().map(type_of).collect();
    let mut made: BTreeSet<String> =
        everything().facts.iter().map(|fact| type_of(&serde_json::to_string(fact).unwrap())).collect();
    // Read for ever, written no more.
    made.extend(["huiyin.no-response.proposed.v1", "huiyin.no-response.approved.v1"].map(str::to_owned));
    assert_eq!(made, pinned);
    assert_eq!(pinned.len(), 82, "a new type of fact needs a line, and a place in `everything`");
}

#[test]
#[ignore = "writes the golden files"]
fn write_the_golden_files() {
    // What is pinned stays; what of its case has no line yet is added.
    let mut golden = std::fs::read_to_string(file("facts.v1.jsonl")).unwrap();
    let pinned: BTreeSet<String> = golden.lines().map(type_of).collect();
    for fact in everything().facts {
        let line = serde_json::to_string(&fact).unwrap();
        if !pinned.contains(&type_of(&line)) {
            golden.push_str(&line);
            golden.push('\n');
        }
    }
    std::fs::write(file("facts.v1.jsonl"), &golden).unwrap();
    let mut desk = Desk::new();
    for line in golden.lines() {
        desk.apply(&serde_json::from_str(line).unwrap());
    }
    let cases: Vec<Value> = desk.cases().map(|case| case_summary(case, common::time(common::START))).collect();
    std::fs::write(file("cases.v1.json"), format!("{}\n", serde_json::to_string_pretty(&cases).unwrap())).unwrap();
}
