//! The line, responses and where they stand, clause by clause.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::Host;
use huiyin_desk::{DeskError, fact_event, response_list};
use jiff::SignedDuration;
use serde_json::{Value, json};

const TEXT: &str = "火已扑灭,无人员伤亡。过火面积12公顷。";

/// A case of 青枫县 at level III that 来电人甲 raised, with two concerns.
fn open(host: &mut Host) -> String {
    let open = json!({
        "unit": "qingfeng", "title": "老鹰岩山火", "level": "III", "asker": "来电人甲", "concerns": ["有无伤亡", "过火多大"],
    });
    host.person("xu-ming", "open-case", open).unwrap()["case"].as_str().unwrap().to_owned()
}

fn draft(case: &str, text: &str) -> Value {
    json!({
        "case": case, "form": { "kind": "online", "title": "关于老鹰岩山火的情况通报" }, "text": text,
        "answers": [{ "concern": "c1", "text": "无人员伤亡。" }, { "concern": "c2", "text": "过火面积12公顷。" }],
    })
}

/// A person of a unit acts in the name of that unit.
fn of(host: &mut Host, unit: &str, person: &str, name: &str, input: Value) -> Result<Value, DeskError> {
    host.scope = Some(unit.to_owned());
    let done = host.person(person, name, input);
    host.scope = None;
    done
}

fn approve(host: &mut Host, by: &str, case: &str, output: &Value) -> Result<Value, DeskError> {
    let hash = &output["pending"]["hash"];
    host.does(by, json!({ "command": "approve", "case": case, "hash": hash }))
}

/// A draft of 许明's that was checked and approved; its hash.
fn approved(host: &mut Host, case: &str, text: &str) -> String {
    let hash = host.person("xu-ming", "draft-response", draft(case, text)).unwrap()["hash"].clone();
    ready(host, case, &hash);
    hash.as_str().unwrap().to_owned()
}

fn ready(host: &mut Host, case: &str, hash: &Value) {
    let check = json!({ "case": case, "hash": hash, "passed": true, "basis": "不涉密,依法应当公开" });
    host.person("tang-xue", "check-response", check).unwrap();
    let pending = host.person("xu-ming", "submit-response", json!({ "case": case, "hash": hash })).unwrap();
    approve(host, "gao-yuan", case, &pending).unwrap();
}

fn proof(case: &str, hash: &str, channel: &str, text: &str) -> Value {
    json!({ "case": case, "hash": hash, "channel": channel, "url": format!("https://{channel}.example/1"), "text": text })
}

fn set_line(host: &mut Host, case: &str, line: Value) {
    let mut input = line;
    input["case"] = json!(case);
    let pending = host.person("tang-xue", "set-line", input).unwrap();
    approve(host, "gao-yuan", case, &pending).unwrap();
}

#[test]
fn a_line_holds_once_a_second_person_approved_it_and_every_version_is_kept() {
    let mut host = Host::new();
    let case = open(&mut host);
    let line = json!({ "case": case, "text": "火已扑灭。", "required": ["无人员伤亡"] });
    let pending = host.person("xu-ming", "set-line", line).unwrap();
    assert!(host.desk.case(&case).unwrap().line().is_none());
    assert_eq!(approve(&mut host, "xu-ming", &case, &pending).unwrap_err().clause, Some("rule 9"));
    approve(&mut host, "gao-yuan", &case, &pending).unwrap();
    set_line(&mut host, &case, json!({ "text": "火已扑灭,原因待查。" }));
    let lines = &host.desk.case(&case).unwrap().lines;
    assert_eq!(lines.iter().map(|line| line.version).collect::<Vec<_>>(), [1, 2]);
    let twisted = json!({ "case": case, "text": "x", "required": ["无人员伤亡"], "forbidden": ["人员伤亡"] });
    let refused = host.person("xu-ming", "set-line", twisted).unwrap_err();
    assert_eq!((refused.code, refused.pointer.as_deref()), ("contradiction", Some("/forbidden/0")));
    let blank = json!({ "case": case, "text": "x", "forbidden": ["……"] });
    assert_eq!(host.person("xu-ming", "set-line", blank).unwrap_err().pointer.as_deref(), Some("/forbidden/0"));
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn a_text_that_departs_from_the_line_goes_on_only_with_a_reason_and_that_stays_on_record() {
    let mut host = Host::new();
    let case = open(&mut host);
    let line = json!({
        "text": "火已扑灭。", "required": ["无人员伤亡"], "forbidden": ["人为纵火"],
        "figures": [{ "name": "过火面积", "value": "12公顷" }],
    });
    set_line(&mut host, &case, line);
    let wrong = "火已扑灭。系人为 纵火。过火面积约十五公顷。";
    let drafted = host.person("xu-ming", "draft-response", draft(&case, wrong)).unwrap();
    let kinds: Vec<&str> =
        drafted["departures"].as_array().unwrap().iter().map(|d| d["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["forbidden", "figure"], "{drafted}");
    let submit = json!({ "case": case, "hash": drafted["hash"] });
    let refused = host.person("xu-ming", "submit-response", submit.clone()).unwrap_err();
    assert_eq!((refused.code, refused.clause), ("departs", Some("2b")));
    assert!(refused.message.contains("系人为 纵火。") && refused.message.contains("过火面积约十五公顷。"), "{refused}");
    let mut reasoned = submit;
    reasoned["departure_reason"] = json!("公安机关刚刚通报");
    let pending = host.person("xu-ming", "submit-response", reasoned).unwrap();
    approve(&mut host, "gao-yuan", &case, &pending).unwrap();
    let approved = host.desk.case(&case).unwrap().responses[0].approved.clone().unwrap();
    assert_eq!(approved.departure_reason.as_deref(), Some("公安机关刚刚通报"));
    assert_eq!((approved.departures.len(), approved.line), (2, Some(1)));
    // A text that holds to the line needs no reason.
    let good = host.person("xu-ming", "draft-response", draft(&case, TEXT)).unwrap();
    assert_eq!(good["departures"], json!([]));
    // Under another line the approval of before does not let it out.
    let check = json!({ "case": case, "hash": drafted["hash"], "passed": true, "basis": "依法公开" });
    host.person("tang-xue", "check-response", check).unwrap();
    set_line(&mut host, &case, json!({ "text": "以通报为准。", "required": ["以通报为准"] }));
    let publish = json!({ "case": case, "hash": drafted["hash"] });
    assert_eq!(host.person("gao-yuan", "publish-response", publish).unwrap_err().clause, Some("2b"));
}

#[test]
fn each_kind_of_response_has_fields_of_its_own() {
    let mut host = Host::new();
    let case = open(&mut host);
    let held = "2026-03-02T02:00:00Z";
    for form in [
        json!({ "kind": "online", "title": "通报" }),
        json!({ "kind": "expert", "title": "如何看待山火", "expert": "林教授", "position": "省林科院研究员" }),
        json!({ "kind": "press-conference", "title": "山火处置发布会", "venue": "县政府会议室", "held_at": held, "speakers": ["唐雪"] }),
        json!({ "kind": "interview", "outlet": "省日报", "interviewer": "记者甲", "interviewee": "高原,局长" }),
    ] {
        let input = json!({ "case": case, "form": form, "text": TEXT });
        host.person("xu-ming", "draft-response", input).unwrap();
        for key in form.as_object().unwrap().keys().filter(|key| *key != "kind") {
            let mut short = form.clone();
            short.as_object_mut().unwrap().remove(key);
            let refused =
                host.person("xu-ming", "draft-response", json!({ "case": case, "form": short, "text": TEXT }));
            let refused = refused.unwrap_err();
            assert!(refused.message.contains(key) && refused.pointer.is_some(), "{key}: {refused}");
            let mut blank = form.clone();
            if blank[key].is_string() && key != "held_at" {
                blank[key] = json!("  ");
                let refused = host
                    .person("xu-ming", "draft-response", json!({ "case": case, "form": blank, "text": TEXT }))
                    .unwrap_err();
                assert_eq!(refused.pointer.as_deref(), Some(format!("/form/{key}").as_str()));
            }
        }
    }
    let other = json!({ "case": case, "form": { "kind": "online", "title": "通报", "venue": "x" }, "text": TEXT });
    assert!(host.person("xu-ming", "draft-response", other).is_err());
    assert_eq!(host.desk.case(&case).unwrap().responses.len(), 4);
}

#[test]
fn nothing_goes_out_unchecked_unapproved_or_changed() {
    let mut host = Host::new();
    let case = open(&mut host);
    let drafted = host.person("xu-ming", "draft-response", draft(&case, TEXT)).unwrap();
    let by_hash = |hash: &Value| json!({ "case": case, "hash": hash });
    let publish = |host: &mut Host, hash: &Value| host.person("gao-yuan", "publish-response", by_hash(hash));
    let hash = &drafted["hash"];
    assert_eq!(publish(&mut host, hash).unwrap_err().clause, Some("3.5b"));
    let check = |passed: bool| json!({ "case": case, "hash": hash, "passed": passed, "basis": "见审查表" });
    // The author does not check; a run and the host's admin are nobody.
    assert_eq!(host.person("xu-ming", "check-response", check(true)).unwrap_err().clause, Some("rule 9"));
    assert_eq!(host.call("check-response", check(true)).unwrap_err().code, "not-a-person");
    host.person("tang-xue", "check-response", check(false)).unwrap();
    assert_eq!(publish(&mut host, hash).unwrap_err().code, "secret");
    host.person("tang-xue", "check-response", check(true)).unwrap();
    assert_eq!(publish(&mut host, hash).unwrap_err().clause, Some("6b"));
    // Sent on by another person, it is still not its author's to approve.
    let pending = host.person("tang-xue", "submit-response", by_hash(hash)).unwrap();
    let refused = approve(&mut host, "xu-ming", &case, &pending).unwrap_err();
    assert_eq!((refused.code, refused.clause), ("own-text", Some("rule 9")));
    approve(&mut host, "gao-yuan", &case, &pending).unwrap();
    // A change voids it all, and what was said of the text before no longer fits.
    let mut changed = draft(&case, "火已扑灭。");
    changed["response"] = json!("r1");
    let after = host.person("tang-xue", "draft-response", changed).unwrap();
    assert_ne!(&after["hash"], hash);
    assert_eq!(publish(&mut host, hash).unwrap_err().clause, Some("rule 9"));
    assert_eq!(publish(&mut host, &after["hash"]).unwrap_err().clause, Some("3.5b"));
    // Both have written it by now.
    let pending = host.person("gao-yuan", "submit-response", by_hash(&after["hash"])).unwrap();
    for author in ["xu-ming", "tang-xue"] {
        assert_eq!(approve(&mut host, author, &case, &pending).unwrap_err().clause, Some("rule 9"));
    }
    assert_eq!(host.call("publish-response", by_hash(&after["hash"])).unwrap_err().code, "not-a-person");
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn an_edit_voids_what_waits_for_approval() {
    let mut host = Host::new();
    let case = open(&mut host);
    let hash = host.person("xu-ming", "draft-response", draft(&case, TEXT)).unwrap()["hash"].clone();
    let pending = host.person("xu-ming", "submit-response", json!({ "case": case, "hash": hash })).unwrap();
    let mut changed = draft(&case, "火已扑灭。");
    changed["response"] = json!("r1");
    host.person("xu-ming", "draft-response", changed).unwrap();
    let refused = approve(&mut host, "gao-yuan", &case, &pending).unwrap_err();
    assert!(matches!(refused.code, "changed" | "not-found"), "{refused}");
}

#[test]
fn only_the_lead_unit_and_those_that_handle_the_case_speak() {
    let mut host = Host::new();
    let case = open(&mut host);
    let refused = of(&mut host, "cuihu", "bai-ling", "draft-response", draft(&case, TEXT)).unwrap_err();
    assert_eq!((refused.code, refused.clause), ("not-your-voice", Some("3.5c")));
    let task = json!({ "case": case, "kind": "handle", "to": "cuihu", "text": "请承办" });
    host.person("gao-yuan", "assign-task", task).unwrap();
    // Handed over is not taken on.
    assert!(of(&mut host, "cuihu", "bai-ling", "draft-response", draft(&case, TEXT)).is_err());
    of(&mut host, "cuihu", "bai-ling", "accept-task", json!({ "case": case, "task": "t1" })).unwrap();
    let drafted = of(&mut host, "cuihu", "bai-ling", "draft-response", draft(&case, TEXT)).unwrap();
    let by_hash = json!({ "case": case, "hash": drafted["hash"] });
    // The lead unit's people approve it; it goes out in the name of the unit that handles the matter.
    let mut check = by_hash.clone();
    (check["passed"], check["basis"]) = (json!(true), json!("依法公开"));
    of(&mut host, "cuihu", "shi-lei", "check-response", check).unwrap();
    let pending = of(&mut host, "cuihu", "bai-ling", "submit-response", by_hash.clone()).unwrap();
    assert_eq!(pending["unsigned"], json!([]));
    approve(&mut host, "gao-yuan", &case, &pending).unwrap();
    assert_eq!(
        of(&mut host, "forest-fire", "luo-jian", "publish-response", by_hash.clone()).unwrap_err().clause,
        Some("1d")
    );
    of(&mut host, "cuihu", "shi-lei", "publish-response", by_hash.clone()).unwrap();
    let shown = proof(&case, drafted["hash"].as_str().unwrap(), "website", TEXT);
    let done = of(&mut host, "cuihu", "shi-lei", "record-publication", shown).unwrap();
    assert_eq!(done["state"], "partly-published");
    assert!(host.desk.case(&case).unwrap().is_answered());
    // A person of the unit above acts for the lead unit.
    of(&mut host, "linhai", "he-ping", "draft-response", draft(&case, "另见通报。")).unwrap();
    assert_eq!(host.desk.case(&case).unwrap().responses[1].draft.content.unit, "qingfeng");
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn other_units_co_sign_exactly_the_text_and_silence_is_no_consent() {
    let mut host = Host::new();
    let case = open(&mut host);
    let mut input = draft(&case, TEXT);
    input["touches"] = json!(["forest-fire"]);
    let hash = host.person("xu-ming", "draft-response", input.clone()).unwrap()["hash"].clone();
    ready(&mut host, &case, &hash);
    let told: Vec<String> = host.desk.case(&case).unwrap().notifications.iter().map(|n| n.to.id.clone()).collect();
    assert!(told.contains(&"jiang-tao".to_owned()), "{told:?}");
    let by_hash = json!({ "case": case, "hash": hash });
    host.wait(SignedDuration::from_hours(200));
    let refused = host.person("gao-yuan", "publish-response", by_hash.clone()).unwrap_err();
    assert_eq!((refused.code, refused.clause), ("unsigned", Some("3.5d")));
    let sign = |agree: bool, reason: Value| json!({ "case": case, "hash": hash, "agree": agree, "reason": reason });
    let cosign = |host: &mut Host, unit: &str, who: &str, input: Value| of(host, unit, who, "cosign-response", input);
    assert_eq!(cosign(&mut host, "cuihu", "bai-ling", sign(true, Value::Null)).unwrap_err().code, "not-asked");
    assert_eq!(cosign(&mut host, "forest-fire", "luo-jian", sign(false, Value::Null)).unwrap_err().code, "empty");
    cosign(&mut host, "forest-fire", "luo-jian", sign(false, json!("面积有误"))).unwrap();
    let refused = host.person("gao-yuan", "publish-response", by_hash.clone()).unwrap_err();
    assert_eq!((refused.code, refused.clause), ("refused", Some("3.5d")));
    assert!(refused.message.contains("面积有误"));
    cosign(&mut host, "forest-fire", "luo-jian", sign(true, Value::Null)).unwrap();
    // An edit voids the signature.
    input["response"] = json!("r1");
    input["text"] = json!("火已扑灭。");
    let edited = host.person("xu-ming", "draft-response", input.clone()).unwrap();
    assert_eq!(edited["unsigned"], json!(["forest-fire"]));
    // The same text again is another draft's version, but the same hash: it is signed anew.
    input["text"] = json!(TEXT);
    let back = host.person("xu-ming", "draft-response", input).unwrap();
    assert_eq!((&back["hash"], &back["unsigned"]), (&hash, &json!(["forest-fire"])));
    ready(&mut host, &case, &hash);
    cosign(&mut host, "forest-fire", "luo-jian", sign(true, Value::Null)).unwrap();
    // A unit that comes to handle the case later is asked, too.
    let task = json!({ "case": case, "kind": "handle", "to": "cuihu", "text": "请承办" });
    host.person("gao-yuan", "assign-task", task).unwrap();
    assert_eq!(host.person("gao-yuan", "publish-response", by_hash.clone()).unwrap_err().code, "unsigned");
    cosign(&mut host, "cuihu", "shi-lei", sign(true, Value::Null)).unwrap();
    host.person("gao-yuan", "publish-response", by_hash).unwrap();
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn a_response_stands_on_every_channel_with_the_same_text_and_answers_who_asked() {
    let mut host = Host::new();
    let case = open(&mut host);
    host.minutes(30);
    let hash = approved(&mut host, &case, TEXT);
    let early = host.person("xu-ming", "record-publication", proof(&case, &hash, "website", TEXT)).unwrap_err();
    assert_eq!(early.clause, Some("3.5b"));
    let by_hash = json!({ "case": case, "hash": hash });
    let out = host.person("gao-yuan", "publish-response", by_hash).unwrap();
    assert_eq!(out["missing"], json!(["website", "weibo", "wechat"]));
    assert!(!host.desk.case(&case).unwrap().is_answered(), "released is not published");
    host.minutes(10);
    let bare = json!({ "case": case, "hash": hash, "channel": "website", "text": TEXT });
    let refused = host.person("xu-ming", "record-publication", bare).unwrap_err();
    assert_eq!((refused.code, refused.clause), ("no-proof", Some("3.5e")));
    assert_eq!(
        host.person("xu-ming", "record-publication", proof(&case, &hash, "tv", TEXT)).unwrap_err().code,
        "not-found"
    );
    // A notifier's run brings the proof. Blanks and line ends make no other text; another word does.
    host.call("record-publication", proof(&case, &hash, "weibo", "火已扑灭。")).unwrap();
    assert!(!host.desk.case(&case).unwrap().is_answered());
    host.call("record-publication", proof(&case, &hash, "website", "火已扑灭,无人员伤亡。\n\n过火面积 12 公顷。"))
        .unwrap();
    let after = host.desk.case(&case).unwrap();
    assert!(after.is_answered() && after.times.published == Some(host.now));
    let answer = after.clocks.iter().find(|clock| clock.clock.rule == "answer-61").unwrap();
    assert!(answer.clock.satisfied.as_ref().unwrap().on_time);
    // The last sentence differs: flagged, and owed still, with a clock.
    let row = &response_list(&host.desk, Some("qingfeng"), false)[0];
    assert_eq!((&row["missing"], &row["differing"]), (&json!(["weibo", "wechat"]), &json!(["weibo"])));
    assert_eq!(row["latency"]["approved_to_published_seconds"], 600);
    assert_eq!(row["latency"]["occurred_to_published_seconds"], 2400);
    host.minutes(120);
    let watch = |host: &Host| {
        let case = host.desk.case(&case).unwrap();
        case.clocks.iter().find(|clock| clock.clock.id == "channels.r1").unwrap().clock.clone()
    };
    assert!(watch(&host).breached.is_some());
    let early = host.person("xu-ming", "close-case", json!({ "case": case })).unwrap_err();
    assert_eq!((early.code, early.clause), ("undone", Some("3.5e")));
    let digest = "ab".repeat(32);
    let by_digest = json!({ "case": case, "hash": hash, "channel": "wechat", "digest": digest, "text": TEXT });
    host.person("xu-ming", "record-publication", by_digest).unwrap();
    host.person("xu-ming", "record-publication", proof(&case, &hash, "weibo", TEXT)).unwrap();
    assert!(watch(&host).satisfied.is_some());
    assert_eq!(response_list(&host.desk, Some("qingfeng"), false).len(), 0);
    assert_eq!(response_list(&host.desk, Some("qingfeng"), true)[0]["state"], "published");
    host.person("xu-ming", "close-case", json!({ "case": case })).unwrap();
    let kinds: Vec<&str> = host.facts.iter().filter_map(fact_event).map(|event| event.kind).collect();
    for kind in ["huiyin.response.drafted.v1", "huiyin.response.released.v1", "huiyin.response.published.v1"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    assert_eq!(host.replayed(), host.desk);
    assert_eq!(host.desk.strays(), 0);
}

#[test]
fn the_released_event_carries_what_a_notifier_publishes() {
    let mut host = Host::new();
    let case = open(&mut host);
    let hash = approved(&mut host, &case, TEXT);
    host.person("gao-yuan", "publish-response", json!({ "case": case, "hash": hash })).unwrap();
    let fact = host
        .facts
        .iter()
        .rev()
        .find(|fact| fact_event(fact).is_some_and(|event| event.kind == "huiyin.response.released.v1"));
    let data = host.desk.event(fact.unwrap()).unwrap().data;
    assert_eq!((&data["text"], &data["hash"]), (&json!(TEXT), &json!(hash)));
    assert_eq!(data["channels"].as_array().unwrap().len(), 4);
    assert_eq!(data["headline"], "关于老鹰岩山火的情况通报");
}

#[test]
fn proof_that_comes_after_the_due_time_waits_for_a_second_person() {
    let mut host = Host::new();
    let case = open(&mut host);
    let hash = approved(&mut host, &case, TEXT);
    host.person("gao-yuan", "publish-response", json!({ "case": case, "hash": hash })).unwrap();
    let published = host.now + SignedDuration::from_mins(30);
    host.wait(SignedDuration::from_hours(60));
    let mut late = proof(&case, &hash, "website", TEXT);
    late["time"] = json!(published.to_string());
    assert_eq!(host.call("record-publication", late.clone()).unwrap_err().code, "not-a-person");
    let pending = host.person("xu-ming", "record-publication", late).unwrap();
    assert!(!host.desk.case(&case).unwrap().is_answered());
    approve(&mut host, "gao-yuan", &case, &pending).unwrap();
    let after = host.desk.case(&case).unwrap();
    assert_eq!((after.is_answered(), after.times.published), (true, Some(published)));
    let answer = after.clocks.iter().find(|clock| clock.clock.rule == "answer-61").unwrap();
    assert_eq!(answer.clock.breaches().count(), 1, "a breach stays on record");
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn a_correction_points_to_what_it_corrects_and_every_channel_owes_it() {
    let mut host = Host::new();
    let case = open(&mut host);
    let hash = approved(&mut host, &case, TEXT);
    host.person("gao-yuan", "publish-response", json!({ "case": case, "hash": hash })).unwrap();
    let correct = json!({ "case": case, "response": "r1", "reason": "面积有误", "text": "更正:过火面积13公顷。" });
    assert_eq!(host.person("xu-ming", "correct-response", correct.clone()).unwrap_err().clause, Some("6d"));
    for channel in ["website", "board"] {
        host.person("xu-ming", "record-publication", proof(&case, &hash, channel, TEXT)).unwrap();
    }
    let mut changed = draft(&case, "x");
    changed["response"] = json!("r1");
    assert_eq!(host.person("xu-ming", "draft-response", changed).unwrap_err().clause, Some("6d"));
    let drafted = host.person("xu-ming", "correct-response", correct.clone()).unwrap();
    assert_eq!(drafted["response"], "r2");
    assert_eq!(host.person("xu-ming", "correct-response", correct).unwrap_err().code, "corrected");
    ready(&mut host, &case, &drafted["hash"]);
    let out = host.person("gao-yuan", "publish-response", json!({ "case": case, "hash": drafted["hash"] })).unwrap();
    // The notice board need not have the first one, but it has: so it owes the correction.
    assert_eq!(out["missing"], json!(["website", "weibo", "wechat", "board"]));
    let rows = response_list(&host.desk, None, true);
    assert_eq!((&rows[0]["corrected_by"], &rows[1]["corrects"]["response"]), (&json!("r2"), &json!("r1")));
    assert_eq!(rows[0]["chain"], json!(["r1", "r2"]));
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn what_was_asked_after_the_publication_waits_for_another_answer() {
    let mut host = Host::new();
    let case = open(&mut host);
    let hash = approved(&mut host, &case, TEXT);
    host.person("gao-yuan", "publish-response", json!({ "case": case, "hash": hash })).unwrap();
    let published = host.now;
    host.minutes(20);
    host.does("xu-ming", json!({ "command": "add-concern", "case": case, "text": "何时补植" })).unwrap();
    let mut shown = proof(&case, &hash, "website", TEXT);
    shown["time"] = json!(published.to_string());
    host.person("xu-ming", "record-publication", shown).unwrap();
    let after = host.desk.case(&case).unwrap();
    assert!(after.everyone_answered() && !after.is_answered());
    // Stale, unknown and foreign things are named.
    let wrong = json!({ "case": case, "hash": "00ff" });
    assert_eq!(host.person("gao-yuan", "publish-response", wrong).unwrap_err().pointer.as_deref(), Some("/hash"));
    let mut odd = draft(&case, TEXT);
    odd["touches"] = json!(["nowhere"]);
    assert_eq!(host.person("xu-ming", "draft-response", odd).unwrap_err().pointer.as_deref(), Some("/touches/0"));
    let mut twice = draft(&case, TEXT);
    twice["answers"] = json!([{ "concern": "c1", "text": "a" }, { "concern": "c1", "text": "b" }]);
    assert_eq!(
        host.person("xu-ming", "draft-response", twice).unwrap_err().pointer.as_deref(),
        Some("/answers/1/concern")
    );
}

#[test]
fn the_lead_unit_may_bring_the_proof_of_a_unit_that_handles_the_case() {
    let mut host = Host::new();
    let case = open(&mut host);
    let task = json!({ "case": case, "kind": "handle", "to": "cuihu", "text": "请承办" });
    host.person("gao-yuan", "assign-task", task).unwrap();
    of(&mut host, "cuihu", "bai-ling", "accept-task", json!({ "case": case, "task": "t1" })).unwrap();
    let hash = of(&mut host, "cuihu", "bai-ling", "draft-response", draft(&case, TEXT)).unwrap()["hash"].clone();
    let mut check = json!({ "case": case, "hash": hash });
    let by_hash = check.clone();
    (check["passed"], check["basis"]) = (json!(true), json!("依法公开"));
    of(&mut host, "cuihu", "shi-lei", "check-response", check).unwrap();
    let pending = of(&mut host, "cuihu", "bai-ling", "submit-response", by_hash.clone()).unwrap();
    host.scope = Some("qingfeng".to_owned());
    approve(&mut host, "gao-yuan", &case, &pending).unwrap();
    host.scope = None;
    of(&mut host, "cuihu", "shi-lei", "publish-response", by_hash).unwrap();
    let released = host.now;
    let hash = hash.as_str().unwrap();
    of(&mut host, "qingfeng", "xu-ming", "record-publication", proof(&case, hash, "weibo", TEXT)).unwrap();
    let stranger = of(&mut host, "forest-fire", "luo-jian", "record-publication", proof(&case, hash, "website", TEXT));
    assert_eq!(stranger.unwrap_err().clause, Some("1d"));
    // Late proof of that unit is approved by the lead unit's people.
    host.wait(SignedDuration::from_hours(4));
    let mut late = proof(&case, hash, "website", TEXT);
    late["time"] = json!(released.to_string());
    let pending = of(&mut host, "cuihu", "shi-lei", "record-publication", late).unwrap();
    host.scope = Some("qingfeng".to_owned());
    approve(&mut host, "gao-yuan", &case, &pending).unwrap();
    assert_eq!(host.desk.case(&case).unwrap().responses[0].proofs.len(), 2);
}
