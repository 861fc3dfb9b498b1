//! Reports upward, the evidence they rest on and who signs for them (clauses
//! 1b, 3.3, 5a); a person's assessment before anything is done (3.2c, 3.2g);
//! the gate of a decision (3.2d); and the eight times of a case (1a).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::{Host, SAMPLE};
use huiyin_desk::case::State;
use huiyin_desk::{DeskError, PolicyPack, WhichReports, case_summary, report_list};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// The sample pack without what has to be done before closing, changed.
fn with(change: impl FnOnce(&mut Value)) -> Host {
    let mut value: Value = serde_json::from_str(SAMPLE).unwrap();
    value["closing"] = json!([]);
    change(&mut value);
    let parsed = PolicyPack::parse(&value.to_string(), "p.json");
    Host::under(parsed.unwrap_or_else(|all| panic!("{}", all[0])))
}

/// With the channel of reports, and no approvals.
fn plain() -> Host {
    with(|pack| pack["approvals"] = json!([]))
}

fn basis() -> Value {
    json!({"source": "本局规定", "status": "own"})
}

fn submit(host: &mut Host, who: &str, case: &str, stage: &str, more: Value) -> Result<Value, DeskError> {
    let mut input = json!({"case": case, "stage": stage, "facts": [{"text": "事实", "observed": true}]});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    host.person(who, "submit-report", input)
}

fn told(error: &DeskError) -> (&'static str, Option<&'static str>, Option<&str>) {
    (error.code, error.clause, error.pointer.as_deref())
}

#[test]
fn every_fact_of_a_report_rests_on_evidence() {
    let mut host = plain();
    let case = host.case("II");
    let item = host.desk.case(&case).unwrap().items[0].item;
    let facts = |facts: Value| json!({ "facts": facts });
    let bare = submit(&mut host, "xu-ming", &case, "flash", facts(json!(["发现明火"]))).unwrap_err();
    assert_eq!(told(&bare), ("no-evidence", Some("1b"), Some("/facts/0")));
    assert!(bare.hint.contains("observed"), "{bare}");
    // One of two is not enough, and what is no evidence of this case is none.
    let one = facts(json!([{"text": "发现明火", "evidence": [item]}, {"text": "无伤亡"}]));
    assert_eq!(submit(&mut host, "xu-ming", &case, "flash", one).unwrap_err().pointer.as_deref(), Some("/facts/1"));
    let other = host.case("II");
    let theirs = host.desk.case(&other).unwrap().items[0].item;
    let task = json!({"case": case, "kind": "verify", "to": "qingfeng", "text": "核实火点"});
    host.person("gao-yuan", "assign-task", task).unwrap();
    for wrong in [json!("v1"), json!("e1"), json!("t1"), json!("t9"), json!("某网帖"), json!(theirs)] {
        let given = facts(json!([{"text": "发现明火", "evidence": [item, wrong]}]));
        let error = submit(&mut host, "xu-ming", &case, "flash", given).unwrap_err();
        assert_eq!(told(&error), ("no-evidence", Some("1b"), Some("/facts/0/evidence/1")), "{wrong}");
    }
    // A draft may lack it; it is not sent so.
    let draft = json!({"case": case, "stage": "flash", "facts": ["发现明火"]});
    let draft = host.call("draft-report", draft).unwrap()["hash"].clone();
    let send = json!({"case": case, "stage": "flash", "draft": draft});
    assert_eq!(host.person("xu-ming", "submit-report", send).unwrap_err().clause, Some("1b"));
    // What a run says it saw, nobody saw.
    let seen = json!({"case": case, "stage": "flash", "facts": [{"text": "发现明火", "observed": true}]});
    assert_eq!(host.call("draft-report", seen).unwrap_err().code, "not-a-person");
    // A slip of the pen is told with its place.
    let slip = facts(json!([{"text": "发现明火", "evidense": []}]));
    let error = huiyin_desk::core_command("submit-report", &{
        let mut input = json!({"case": case, "stage": "flash"});
        input.as_object_mut().unwrap().extend(slip.as_object().unwrap().clone());
        input
    });
    assert_eq!(error.unwrap_err().pointer.as_deref(), Some("/facts/0/evidense"));

    // An item, a task's feedback, an offline event, a document, and what the reporter saw.
    host.person("xu-ming", "accept-task", json!({"case": case, "task": "t1"})).unwrap();
    host.person("xu-ming", "feed-back-task", json!({"case": case, "task": "t1", "text": "属实"})).unwrap();
    host.person("xu-ming", "record-offline-event", json!({"case": case, "text": "扑救"})).unwrap();
    let document = json!({"case": case, "kind": "document", "text": "瞭望塔记录", "reference": "记 17 号"});
    assert_eq!(host.call("record-evidence", document.clone()).unwrap()["evidence"], "v1");
    assert_eq!(host.call("record-evidence", document).unwrap()["evidence"], "v1", "the same is kept once");
    let given = facts(json!([
        {"text": "发现明火", "evidence": [item, "t1"]},
        {"text": "正在扑救", "evidence": ["e1", "v1", "v1"]},
        {"text": "烟柱可见", "observed": true},
    ]));
    submit(&mut host, "xu-ming", &case, "flash", given).unwrap();
    let found = host.desk.case(&case).unwrap();
    let evidence = &found.reports[0].stated.evidence;
    assert_eq!(evidence[0], [item.to_string(), "t1".to_owned()]);
    assert_eq!(
        (evidence[1].as_slice(), evidence[2].as_slice()),
        (["e1".to_owned(), "v1".to_owned()].as_slice(), ["v2".to_owned()].as_slice())
    );
    assert_eq!(
        (found.evidence[1].text.as_str(), found.evidence[1].by.to_string()),
        ("烟柱可见", "person:xu-ming".to_owned())
    );
    assert!(host.replayed() == host.desk);
}

#[test]
fn reports_come_in_their_order_and_each_says_what_is_its_to_say() {
    let mut host = plain();
    let case = host.case("II");
    for stage in ["follow-up", "detailed", "final"] {
        let more = json!({"measures": "扑救", "result": "已灭"});
        let more = if stage == "detailed" { json!({"measures": "扑救"}) } else { more };
        let more = if stage == "follow-up" { json!({}) } else { more };
        let error = submit(&mut host, "xu-ming", &case, stage, more).unwrap_err();
        assert_eq!(told(&error), ("order", Some("5a"), Some("/stage")), "{stage}");
    }
    for key in ["cause", "measures", "result"] {
        let mut more = json!({});
        more[key] = json!("雷击");
        let error = submit(&mut host, "xu-ming", &case, "flash", more).unwrap_err();
        assert_eq!(told(&error), ("too-early", Some("5a"), Some(format!("/{key}").as_str())));
    }
    assert_eq!(submit(&mut host, "xu-ming", &case, "flash", json!({})).unwrap()["report"], "r1");
    assert_eq!(submit(&mut host, "xu-ming", &case, "flash", json!({})).unwrap_err().code, "order");
    let early = submit(&mut host, "xu-ming", &case, "follow-up", json!({"measures": "扑救"})).unwrap_err();
    assert_eq!(told(&early), ("too-early", Some("5a"), Some("/measures")));
    for seq in 1..=2 {
        let sent = submit(&mut host, "xu-ming", &case, "follow-up", json!({})).unwrap();
        assert_eq!(sent["seq"], seq);
    }
    let none = submit(&mut host, "xu-ming", &case, "detailed", json!({})).unwrap_err();
    assert_eq!(told(&none), ("empty", Some("5a"), Some("/measures")));
    let early =
        submit(&mut host, "xu-ming", &case, "detailed", json!({"measures": "扑救", "result": "已灭"})).unwrap_err();
    assert_eq!(early.pointer.as_deref(), Some("/result"));
    submit(&mut host, "xu-ming", &case, "detailed", json!({"measures": "扑救"})).unwrap();
    submit(&mut host, "xu-ming", &case, "follow-up", json!({"measures": "增派"})).unwrap();
    assert_eq!(submit(&mut host, "xu-ming", &case, "detailed", json!({"measures": "再"})).unwrap_err().code, "order");
    let none = submit(&mut host, "xu-ming", &case, "final", json!({})).unwrap_err();
    assert_eq!(told(&none), ("empty", Some("5a"), Some("/result")));
    submit(&mut host, "xu-ming", &case, "final", json!({"result": "已灭"})).unwrap();
    assert_eq!(submit(&mut host, "xu-ming", &case, "follow-up", json!({})).unwrap_err().code, "order");
    assert_eq!(host.desk.case(&case).unwrap().reports.len(), 6);
}

#[test]
fn a_cause_needs_an_investigation_and_the_approval_of_the_unit_above() {
    let mut host = plain();
    let case = host.case("II");
    submit(&mut host, "xu-ming", &case, "flash", json!({})).unwrap();
    let document = json!({"case": case, "kind": "document", "text": "目击者说法"});
    host.call("record-evidence", document).unwrap();
    for evidence in [json!([]), json!(["v2"])] {
        let more = json!({"cause": "雷击", "cause_evidence": evidence});
        let error = submit(&mut host, "xu-ming", &case, "follow-up", more).unwrap_err();
        assert_eq!(told(&error), ("no-evidence", Some("5a"), Some("/cause_evidence")));
    }
    let found = json!({"case": case, "kind": "investigation", "text": "雷击木"});
    assert_eq!(host.call("record-evidence", found.clone()).unwrap_err().code, "not-a-person");
    assert_eq!(host.person("xu-ming", "record-evidence", found).unwrap_err().pointer.as_deref(), Some("/reference"));
    let found = json!({"case": case, "kind": "investigation", "text": "雷击木", "reference": "火调 3 号"});
    host.person("xu-ming", "record-evidence", found).unwrap();
    let more = json!({"cause": "雷击", "cause_evidence": ["v3"]});
    let sent = submit(&mut host, "xu-ming", &case, "follow-up", more).unwrap();
    assert_eq!((&sent["sent"], host.desk.case(&case).unwrap().reports.len()), (&json!(false), 1));
    let hash = sent["pending"]["hash"].clone();
    let approve = json!({"command": "approve", "case": case, "hash": hash});
    assert_eq!(host.does("gao-yuan", approve.clone()).unwrap_err().code, "not-your-step", "of the unit itself");
    host.does("lin-guodong", approve).unwrap();
    let report = &host.desk.case(&case).unwrap().reports[1];
    assert_eq!(report.stated.cause.as_deref(), Some("雷击"));
    assert_eq!((report.by.to_string(), report.approval.as_deref()), ("person:xu-ming".to_owned(), Some("a1")));
}

#[test]
fn a_report_goes_by_one_channel_to_its_own_level_and_above_and_is_signed_for() {
    let mut host = with(|pack| {
        pack["approvals"] = json!([]);
        pack["reporting"]["roles"] = json!(["duty"]);
        let clock = json!({
            "id": "receipt", "name": {"zh": "签收"}, "anchor": "reported_at", "allowance": "PT30M", "calendar": "cn",
            "pausable": false, "satisfied_by": "receipt", "basis": basis(),
        });
        let clocks = pack["clocks"].as_array_mut().unwrap();
        clocks.retain(|clock| clock["satisfied_by"] != "receipt");
        clocks.push(clock);
    });
    let case = host.case("II");
    let error = submit(&mut host, "tang-xue", &case, "flash", json!({})).unwrap_err();
    assert_eq!((error.code, error.clause), ("not-the-channel", Some("3.3")));
    assert!(error.hint.contains("县局综合股") && error.hint.contains("duty"), "{error}");
    let sent = submit(&mut host, "xu-ming", &case, "flash", json!({})).unwrap();
    assert_eq!(sent["number"], "快报〔2026〕1号");
    let to: Vec<&str> = sent["to"].as_array().unwrap().iter().map(|to| to["unit"].as_str().unwrap()).collect();
    assert_eq!(to, ["qingfeng", "linhai"]);
    assert_eq!(host.desk.case(&case).unwrap().reports[0].office.as_deref(), Some("县局综合股"));
    let clock = |host: &Host| {
        let case = host.desk.case(&case).unwrap();
        let entry = case.clocks.iter().find(|entry| entry.clock.id == "receipt.r1").unwrap();
        (entry.clock.satisfied.is_some(), entry.clock.breached.is_some())
    };
    // Who signs, of which unit, and when.
    let sign = |host: &mut Host, who: &str, more: Value| {
        let mut input = json!({"case": case, "report": "r1"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        host.person(who, "record-receipt", input)
    };
    let error = sign(&mut host, "xu-ming", json!({"addressee": "cuihu"})).unwrap_err();
    assert_eq!((error.code, error.clause), ("not-found", Some("3.3")));
    let error = sign(&mut host, "xu-ming", json!({"addressee": "linhai"})).unwrap_err();
    assert_eq!(error.pointer.as_deref(), Some("/by"), "{error}");
    let early = host.now - SignedDuration::from_mins(5);
    let error = sign(&mut host, "he-ping", json!({"addressee": "linhai", "time": early})).unwrap_err();
    assert_eq!((error.code, error.clause), ("order", Some("1a")));
    let signed = sign(&mut host, "he-ping", json!({"addressee": "linhai"})).unwrap();
    assert_eq!((&signed["by"], &signed["unsigned"]), (&json!("he-ping"), &json!(["qingfeng"])));
    assert_eq!(clock(&host), (false, false));
    host.minutes(31);
    assert_eq!(clock(&host), (false, true), "a missing receipt is told of");
    let waits = report_list(&host.desk, WhichReports { unit: Some("linhai"), unsigned: true });
    assert_eq!(waits.0[0]["unsigned"], json!(["qingfeng"]));
    sign(&mut host, "xu-ming", json!({"addressee": "qingfeng", "by": "高原"})).unwrap();
    assert_eq!(clock(&host), (true, true));
    // Signed again, the first receipt stands.
    assert_eq!(sign(&mut host, "lin-guodong", json!({"addressee": "linhai"})).unwrap()["by"], "he-ping");

    // Each series has its own numbers, over all cases of the unit and year.
    submit(&mut host, "xu-ming", &case, "follow-up", json!({})).unwrap();
    let other = host.case("II");
    assert_eq!(submit(&mut host, "xu-ming", &other, "flash", json!({})).unwrap()["number"], "快报〔2026〕2号");
    assert_eq!(submit(&mut host, "xu-ming", &other, "follow-up", json!({})).unwrap()["number"], "续报〔2026〕2号");
    host.wait(SignedDuration::from_hours(24 * 330));
    let next = host.case("II");
    assert_eq!(submit(&mut host, "xu-ming", &next, "flash", json!({})).unwrap()["number"], "快报〔2027〕1号");

    // What went another way is on record, and listed.
    let by = json!({"case": case, "from": "某村委会", "to": "市应急局", "channel": "微信群", "text": "越级发火情照片"});
    host.person("xu-ming", "record-bypass", by).unwrap();
    let (reports, bypasses) = report_list(&host.desk, WhichReports { unit: Some("qingfeng"), unsigned: false });
    assert_eq!((reports.len(), bypasses.len(), &bypasses[0]["to"]), (5, 1, &json!("市应急局")));
    assert!(report_list(&host.desk, WhichReports { unit: Some("cuihu"), unsigned: false }).0.is_empty());
    assert!(host.replayed() == host.desk);
}

#[test]
fn the_root_reports_to_the_authority_above_it() {
    let mut host = plain();
    let open = json!({"unit": "linhai", "title": "山火", "level": "II", "asker": "甲"});
    let case = host.person("he-ping", "open-case", open).unwrap()["case"].as_str().unwrap().to_owned();
    let sent = submit(&mut host, "he-ping", &case, "flash", json!({})).unwrap();
    let to: Vec<&str> = sent["to"].as_array().unwrap().iter().map(|to| to["unit"].as_str().unwrap()).collect();
    assert_eq!(to, ["linhai", "superior"]);
    // A machine may bring its receipt in.
    let receipt = json!({"case": case, "report": "r1", "addressee": "superior", "by": "省局值班室 张某"});
    assert_eq!(host.call("record-receipt", receipt).unwrap()["unsigned"], json!(["linhai"]));
}

#[test]
fn a_late_report_is_marked_late() {
    let mut host = plain();
    let case = host.case("II");
    host.minutes(75);
    let sent = submit(&mut host, "xu-ming", &case, "flash", json!({})).unwrap();
    assert_eq!((&sent["late"]["clock"], &sent["late"]["late_seconds"]), (&json!("flash-report"), &json!(15 * 60)));
    let other = host.case("II");
    assert_eq!(submit(&mut host, "xu-ming", &other, "flash", json!({})).unwrap()["late"], Value::Null);
}

#[test]
fn a_report_with_a_chain_is_sent_when_the_chain_is_through() {
    let mut host = with(|_| ());
    let case = host.case("II");
    host.minutes(20);
    let asked = submit(&mut host, "xu-ming", &case, "flash", json!({})).unwrap();
    assert_eq!((&asked["sent"], &asked["report"]), (&json!(false), &Value::Null));
    let clock = |host: &Host| host.desk.case(&case).unwrap().clocks[0].clock.satisfied.clone();
    assert!(clock(&host).is_none(), "asking stops no clock");
    host.minutes(11);
    let approve = |who: &str, host: &mut Host, hash: &Value| {
        host.does(who, json!({"command": "approve", "case": case, "hash": hash}))
    };
    let hash = asked["pending"]["hash"].clone();
    assert_eq!(approve("xu-ming", &mut host, &hash).unwrap_err().code, "own-text");
    // Whoever of several is awake: here the duty officer of the city.
    approve("he-ping", &mut host, &hash).unwrap();
    assert_eq!(clock(&host).map(|done| done.on_time), Some(true));
    assert_eq!(host.desk.case(&case).unwrap().reports[0].at, host.now, "it is sent when it is approved");

    // Who sends another's draft as it is, approves it; whoever drafted it is its author.
    let case = host.case("II");
    let draft = json!({"case": case, "stage": "flash", "facts": [{"text": "发现明火", "observed": true}]});
    let draft = host.person("xu-ming", "draft-report", draft).unwrap()["hash"].clone();
    let send = json!({"case": case, "stage": "flash", "draft": draft});
    let own = host.person("xu-ming", "submit-report", send.clone()).unwrap();
    assert_eq!(own["sent"], false);
    assert_eq!(approve_in(&mut host, "xu-ming", &case, &own["pending"]["hash"]).unwrap_err().code, "own-text");
    let sent = host.person("gao-yuan", "submit-report", send).unwrap();
    assert_eq!((&sent["sent"], &sent["report"]), (&json!(true), &json!("r1")));
    let found = host.desk.case(&case).unwrap();
    let approval = found.approvals.iter().find(|approval| approval.approved.is_some()).unwrap();
    assert_eq!((approval.author.as_str(), approval.steps[0].by.as_str()), ("xu-ming", "gao-yuan"));

    // Mended by who sends it, it is still also its drafter's.
    let case = host.case("II");
    let draft = json!({"case": case, "stage": "flash", "facts": [{"text": "发现明火", "observed": true}]});
    host.person("xu-ming", "draft-report", draft).unwrap();
    let mended = json!({"case": case, "stage": "flash", "facts": [{"text": "发现明火一处", "observed": true}]});
    let asked = host.person("gao-yuan", "submit-report", mended).unwrap();
    for author in ["xu-ming", "gao-yuan"] {
        let refused = approve_in(&mut host, author, &case, &asked["pending"]["hash"]).unwrap_err();
        assert_eq!(refused.code, "own-text", "{author}");
    }
    approve_in(&mut host, "tang-xue", &case, &asked["pending"]["hash"]).unwrap();

    // A machine's draft has no author but who brings it in; that needs another person.
    let case = host.case("II");
    let item = host.desk.case(&case).unwrap().items[0].item;
    let draft = json!({"case": case, "stage": "flash", "facts": [{"text": "监测到信息", "evidence": [item]}]});
    let draft = host.call("draft-report", draft).unwrap()["hash"].clone();
    let send = json!({"case": case, "stage": "flash", "draft": draft});
    let asked = host.person("gao-yuan", "submit-report", send).unwrap();
    assert_eq!(asked["sent"], false);
    approve_in(&mut host, "tang-xue", &case, &asked["pending"]["hash"]).unwrap();
    assert!(host.replayed() == host.desk);
}

fn approve_in(host: &mut Host, who: &str, case: &str, hash: &Value) -> Result<Value, DeskError> {
    host.does(who, json!({"command": "approve", "case": case, "hash": hash}))
}

fn assessment(case: &str, value: &str) -> Value {
    json!({
        "case": case, "nature": "谣言", "trend": "转发上升", "risks": ["群众恐慌"], "opinion": "两小时内发布权威信息",
        "value": value, "reason": "涉及人身安全",
    })
}

#[test]
fn an_assessment_has_its_fields_and_nothing_is_done_before_it_is_approved() {
    let mut host = with(|_| ());
    let case = host.case("II");
    for key in ["nature", "trend", "opinion", "reason"] {
        let mut input = assessment(&case, "respond");
        input[key] = json!(" ");
        let error = host.person("xu-ming", "assess-case", input).unwrap_err();
        assert_eq!(error.pointer.as_deref(), Some(format!("/{key}").as_str()));
        assert!(matches!(error.clause, Some("3.2g" | "3.2c")), "{error:?}");
    }
    let mut input = assessment(&case, "respond");
    input["risks"] = json!([]);
    assert_eq!(host.person("xu-ming", "assess-case", input).unwrap_err().pointer.as_deref(), Some("/risks"));
    assert_eq!(host.call("assess-case", assessment(&case, "respond")).unwrap_err().code, "not-a-person");

    let asked = host.person("xu-ming", "assess-case", assessment(&case, "respond")).unwrap();
    assert_eq!((&asked["in_force"], &asked["state"]), (&json!(false), &json!("opened")));
    let hash = asked["pending"]["hash"].as_str().unwrap().to_owned();
    let answer = json!({"case": case, "text": "已扑灭。", "channel": "网站"});
    host.call("record-time", json!({"case": case, "milestone": "verified"})).unwrap();
    for (name, input) in [
        ("record-answer", answer.clone()),
        ("record-time", json!({"case": case, "milestone": "handled"})),
        ("record-time", json!({"case": case, "milestone": "published"})),
    ] {
        let error = host.person("gao-yuan", name, input.clone()).unwrap_err();
        assert_eq!((error.code, error.clause), ("unassessed", Some("3.2g")), "{input}");
        assert!(error.hint.contains(&hash), "{error}");
    }
    assert_eq!(approve_in(&mut host, "xu-ming", &case, &json!(hash)).unwrap_err().code, "own-text");
    approve_in(&mut host, "gao-yuan", &case, &json!(hash)).unwrap();
    let found = host.desk.case(&case).unwrap();
    assert_eq!((found.state, found.nature.as_deref()), (State::Assessed, Some("谣言")));
    assert_eq!(found.times.assessed, Some(host.now));
    assert_eq!((found.judgements[0].author.as_str(), found.judgements[0].approval.as_deref()), ("xu-ming", Some("a1")));
    host.call("record-time", json!({"case": case, "milestone": "handled"})).unwrap();
    host.call("record-answer", answer).unwrap();
    // Where the pack asks for no approval it is in force at once.
    let mut host = plain();
    let case = host.case("II");
    let done = host.person("xu-ming", "assess-case", assessment(&case, "no-response")).unwrap();
    assert_eq!((&done["in_force"], &done["state"]), (&json!(true), &json!("assessed")));
    // A no-response value closes nothing by itself.
    let close = host.call("close-case", json!({"case": case})).unwrap_err();
    assert_eq!(close.clause, Some("1i"));
    assert!(host.replayed() == host.desk);
}

#[test]
fn a_decision_is_issued_once_every_part_is_there_and_approved_by_who_wrote_none_of_it() {
    let mut host = plain();
    let open = json!({"unit": "qingfeng", "kind": "decision-risk", "title": "调整采伐限额", "level": "II"});
    let case = host.person("xu-ming", "open-case", open).unwrap()["case"].as_str().unwrap().to_owned();
    let found = host.desk.case(&case).unwrap();
    assert!(found.clocks.is_empty() && found.askers.is_empty(), "it has not happened, and nobody asks");
    let gate = json!({"case": case});
    let shut = host.person("xu-ming", "open-gate", gate.clone()).unwrap_err();
    assert_eq!((shut.code, shut.clause), ("shut", Some("3.2d")));
    assert_eq!(host.call("close-case", json!({"case": case})).unwrap_err().clause, Some("3.2d"));
    host.call("record-evidence", json!({"case": case, "kind": "document", "text": "问卷汇总"})).unwrap();
    let part = |part: &str, text: &str| {
        let mut input = json!({"case": case, "part": part, "text": text, "evidence": ["v1"]});
        if part == "level" {
            input["level"] = json!("medium");
        }
        input
    };
    let bare = json!({"case": case, "part": "survey", "text": "抽样 120 户"});
    assert_eq!(told(&host.call("record-risk", bare).unwrap_err()), ("no-evidence", Some("3.2d"), Some("/evidence")));
    let level = json!({"case": case, "part": "level", "text": "可控"});
    assert_eq!(host.call("record-risk", level).unwrap_err().pointer.as_deref(), Some("/level"));
    for name in ["tracking", "survey", "visits", "consultation", "level"] {
        let done = host.person("xu-ming", "record-risk", part(name, "已核")).unwrap();
        assert_eq!(done["gate_open"], false);
        assert!(host.person("xu-ming", "open-gate", gate.clone()).unwrap_err().message.contains("plan"));
    }
    host.person("tang-xue", "record-risk", part("plan", "发布预案")).unwrap();
    let asked = host.person("he-ping", "open-gate", gate.clone()).unwrap();
    let hash = asked["pending"]["hash"].clone();
    for author in ["he-ping", "xu-ming", "tang-xue"] {
        assert_eq!(approve_in(&mut host, author, &case, &hash).unwrap_err().code, "own-text", "{author}");
    }
    // What changes voids what was asked.
    host.person("xu-ming", "record-risk", part("survey", "复核后更新")).unwrap();
    assert_eq!(approve_in(&mut host, "gao-yuan", &case, &hash).unwrap_err().code, "changed");
    let asked = host.person("he-ping", "open-gate", gate.clone()).unwrap();
    approve_in(&mut host, "gao-yuan", &case, &asked["pending"]["hash"]).unwrap();
    assert_eq!(case_summary(host.desk.case(&case).unwrap(), host.now)["risk"]["gate_open"], true);
    // And shuts the gate again.
    host.person("xu-ming", "record-risk", part("tracking", "出现新的反对意见")).unwrap();
    assert_eq!(case_summary(host.desk.case(&case).unwrap(), host.now)["risk"]["gate_open"], false);
    assert_eq!(host.call("close-case", json!({"case": case})).unwrap_err().clause, Some("3.2d"));
    let asked = host.person("xu-ming", "open-gate", gate).unwrap();
    approve_in(&mut host, "gao-yuan", &case, &asked["pending"]["hash"]).unwrap();
    assert_eq!(host.call("close-case", json!({"case": case})).unwrap()["ground"], "decided");
    let other = host.case("II");
    let error = host.person("xu-ming", "open-gate", json!({"case": other})).unwrap_err();
    assert_eq!((error.code, error.clause), ("wrong-kind", Some("3.2d")));
    assert!(host.replayed() == host.desk);
}

#[test]
fn each_of_the_eight_times_anchors_or_satisfies_a_clock() {
    let pairs = [
        ("discovered_at", "assessment"),
        ("assessed_at", "verification"),
        ("reported_at", "detailed-report"),
        ("verified_at", "handling"),
        ("handled_at", "publication"),
        ("published_at", "answer"),
        ("answered_at", "hand"),
        ("occurred_at", "follow-up-report"),
    ];
    let mut host = with(|pack| {
        pack["approvals"] = json!([]);
        let clocks = pack["clocks"].as_array_mut().unwrap();
        for (anchor, satisfied_by) in pairs {
            clocks.push(json!({
                "id": format!("after-{}", anchor.trim_end_matches("_at")), "name": {"zh": anchor}, "levels": ["II"],
                "anchor": anchor, "allowance": "PT4H", "calendar": "cn", "pausable": false,
                "satisfied_by": satisfied_by, "basis": basis(),
            }));
        }
    });
    let case = host.case("II");
    let state = |host: &Host, id: &str| {
        let page = case_summary(host.desk.case(&case).unwrap(), host.now);
        let clocks = page["clocks"].as_array().unwrap().clone();
        clocks
            .iter()
            .find(|clock| clock["clock"] == id)
            .map(|clock| (clock["state"].clone(), clock["anchor_at"].clone()))
    };
    let is = |host: &Host, id: &str| state(host, id).map(|(state, _)| state.as_str().unwrap().to_owned());
    let running = || Some("running".to_owned());
    let done = || Some("satisfied".to_owned());
    assert_eq!((is(&host, "after-discovered"), is(&host, "after-assessed")), (running(), None));
    host.minutes(1);
    host.person("xu-ming", "assess-case", assessment(&case, "respond")).unwrap();
    assert_eq!((is(&host, "after-discovered"), is(&host, "after-assessed")), (done(), running()));
    submit(&mut host, "xu-ming", &case, "flash", json!({})).unwrap();
    assert_eq!((is(&host, "after-reported"), is(&host, "after-occurred")), (running(), running()));
    submit(&mut host, "xu-ming", &case, "follow-up", json!({})).unwrap();
    submit(&mut host, "xu-ming", &case, "detailed", json!({"measures": "扑救"})).unwrap();
    assert_eq!((is(&host, "after-reported"), is(&host, "after-occurred")), (done(), done()));
    host.minutes(1);
    let verified = host.now;
    host.call("record-time", json!({"case": case, "milestone": "verified"})).unwrap();
    assert_eq!((is(&host, "after-assessed"), is(&host, "after-verified")), (done(), running()));
    // A time that is corrected takes the clock along that counts from it.
    host.minutes(3);
    let to = verified - SignedDuration::from_secs(30);
    let correct = json!({"case": case, "milestone": "verified", "time": to, "reason": "记录有误"});
    host.person("xu-ming", "record-time", correct).unwrap();
    assert_eq!(state(&host, "after-verified").unwrap().1, json!(to));
    host.call("record-time", json!({"case": case, "milestone": "handled"})).unwrap();
    assert_eq!((is(&host, "after-verified"), is(&host, "after-handled")), (done(), running()));
    host.call("record-time", json!({"case": case, "milestone": "published"})).unwrap();
    assert_eq!((is(&host, "after-handled"), is(&host, "after-published")), (done(), running()));
    host.call("record-answer", json!({"case": case, "text": "已灭。", "channel": "网站"})).unwrap();
    assert_eq!((is(&host, "after-published"), is(&host, "after-answered")), (done(), running()));
    assert!(host.replayed() == host.desk);
}
