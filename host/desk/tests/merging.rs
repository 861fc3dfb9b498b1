//! Cases merged, split and linked (clause 1i), and who may read them (clause 6a).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use std::collections::BTreeSet;

use common::Host;
use huiyin_desk::case::{Case, Confidentiality};
use huiyin_desk::{Actor, Fact};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

fn open(host: &mut Host, asker: &str, level: &str) -> String {
    let input = json!({
        "unit": "qingfeng", "title": format!("事项 {asker}"), "level": level, "asker": asker,
        "concerns": [format!("{asker}问的")],
    });
    host.person("xu-ming", "open-case", input).unwrap()["case"].as_str().unwrap().to_owned()
}

fn merge(host: &mut Host, case: &str, from: &str) -> Result<serde_json::Value, huiyin_desk::DeskError> {
    host.person("xu-ming", "merge-cases", json!({ "case": case, "from": from, "reason": "同一事项" }))
}

#[test]
fn everybody_of_a_merged_case_is_still_owed_an_answer() {
    let mut host = Host::new();
    let (one, two) = (open(&mut host, "甲", "III"), open(&mut host, "乙", "III"));
    merge(&mut host, &one, &two).unwrap();
    let (into, from) = (host.desk.case(&one).unwrap(), host.desk.case(&two).unwrap());
    assert_eq!(into.askers.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["甲", "乙"]);
    assert_eq!(into.concerns.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["c1", "c2"]);
    assert_eq!((from.is_open(), from.merged_into.as_deref()), (false, Some(one.as_str())));
    let answer = |askers: &[&str], concerns: &[&str]| {
        let concerns: Vec<_> = concerns.iter().map(|id| json!({ "concern": id, "text": "已办。" })).collect();
        json!({ "case": one, "askers": askers, "text": "已办。", "channel": "电话", "concerns": concerns })
    };
    host.person("xu-ming", "record-answer", answer(&["甲"], &["c1"])).unwrap();
    let close = json!({ "case": one });
    assert_eq!(host.person("xu-ming", "close-case", close.clone()).unwrap_err().code, "unanswered");
    host.person("xu-ming", "record-answer", answer(&["乙"], &["c2"])).unwrap();
    host.person("xu-ming", "close-case", close).unwrap();
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn two_of_one_name_are_two_and_an_answered_case_waits_again() {
    let mut host = Host::new();
    let (one, two) = (open(&mut host, "李女士", "IV"), open(&mut host, "李女士", "IV"));
    let concerns = json!([{ "concern": "c1", "text": "已办。" }]);
    let answer = json!({ "case": one, "text": "已办。", "channel": "网站", "concerns": concerns });
    host.person("xu-ming", "record-answer", answer).unwrap();
    merge(&mut host, &one, &two).unwrap();
    let into = host.desk.case(&one).unwrap();
    assert_eq!(into.askers.len(), 2);
    assert!(!into.is_answered() && into.askers[1].id.contains(&two), "{:?}", into.askers);
}

#[test]
fn the_stricter_clock_and_every_breach_go_along() {
    let mut host = Host::new();
    let old = open(&mut host, "甲", "III");
    host.wait(SignedDuration::from_hours(1));
    let new = open(&mut host, "乙", "III");
    // The older case's clock is due first: it goes along.
    let done = merge(&mut host, &new, &old).unwrap();
    assert_eq!(done["clocks"], json!([format!("answer-61@{old}")]));
    let dues: Vec<_> = host.desk.case(&new).unwrap().clocks.iter().map(|e| e.clock.due.at).collect();
    host.wait(SignedDuration::from_hours(40));
    let breaches = host.desk.case(&new).unwrap().clocks.iter().filter(|e| e.clock.breached.is_some()).count();
    assert_eq!(breaches, 2, "{dues:?}");
    // A breach goes along whatever runs there.
    let third = open(&mut host, "丙", "III");
    merge(&mut host, &third, &new).unwrap();
    let case = host.desk.case(&third).unwrap();
    assert_eq!(case.clocks.iter().filter(|e| e.clock.breached.is_some()).count(), 2);
    assert!(case.clocks.iter().all(|e| e.clock.subject == format!("case/{third}")));
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn what_is_not_done_there_is_not_merged_away() {
    let mut host = Host::new();
    let (one, two) = (open(&mut host, "甲", "III"), open(&mut host, "乙", "III"));
    let task = json!({ "case": two, "kind": "verify", "to": "cuihu", "text": "请核实" });
    host.person("gao-yuan", "assign-task", task).unwrap();
    assert_eq!(merge(&mut host, &one, &two).unwrap_err().clause, Some("3.4b"));
    assert_eq!(merge(&mut host, &one, &one).unwrap_err().code, "same");
    let nowhere = merge(&mut host, &one, "99992206400300_20260301090000_1").unwrap_err();
    assert!(nowhere.hint.contains("link-cases"), "{nowhere}");
}

#[test]
fn a_split_gives_nobody_more_time_and_leaves_nobody_behind() {
    let mut host = Host::new();
    let one = open(&mut host, "甲", "III");
    let two = open(&mut host, "乙", "III");
    merge(&mut host, &one, &two).unwrap();
    host.wait(SignedDuration::from_hours(30));
    let all = json!({ "case": one, "title": "x", "askers": ["甲", "乙"], "reason": "r" });
    assert_eq!(host.person("xu-ming", "split-case", all).unwrap_err().clause, Some("1i"));
    let split = json!({ "case": one, "title": "补偿", "askers": ["乙"], "concerns": ["c2"], "reason": "另一事项" });
    let new = host.person("xu-ming", "split-case", split).unwrap()["opened"].as_str().unwrap().to_owned();
    let due = |case: &Case| case.clocks.iter().find(|e| e.clock.rule == "answer-61").unwrap().clock.due.at;
    assert_eq!(due(host.desk.case(&one).unwrap()), due(host.desk.case(&new).unwrap()));
    host.wait(SignedDuration::from_hours(10));
    for number in [&one, &new] {
        let case = host.desk.case(number).unwrap();
        assert!(case.clocks.iter().any(|entry| entry.clock.breached.is_some()), "{number}");
        assert_eq!((case.askers.len(), case.concerns.len()), (1, 1));
    }
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn who_may_read_a_case() {
    let mut host = Host::new();
    let case = open(&mut host, "甲", "III");
    let reads = |host: &Host, id: &str| {
        let pack = host.desk.policy().unwrap();
        host.desk.case(&case).unwrap().may_be_read_by(&Actor::Person(id.to_owned()), Some(pack))
    };
    let who = ["xu-ming", "gao-yuan", "he-ping", "lin-guodong", "bai-ling"];
    let seen = |host: &Host| who.iter().copied().filter(|id| reads(host, id)).collect::<Vec<_>>();
    assert_eq!(seen(&host), who);
    let set = |to: &str| json!({ "case": case, "to": to, "reason": "涉及个人隐私" });
    host.person("gao-yuan", "set-confidentiality", set("internal")).unwrap();
    assert_eq!(seen(&host), ["xu-ming", "gao-yuan", "he-ping", "lin-guodong"]);
    host.person("gao-yuan", "set-confidentiality", set("secret")).unwrap();
    // The roles of the pack, and who opened it.
    assert_eq!(seen(&host), ["xu-ming", "gao-yuan", "lin-guodong"]);
    // A part in it is not the role; more people by two persons only.
    let pending = host.person("gao-yuan", "set-confidentiality", set("public")).unwrap()["pending"].clone();
    assert_eq!(host.desk.case(&case).unwrap().confidentiality, Confidentiality::Secret);
    let approve = json!({ "command": "approve", "case": case, "hash": pending["hash"] });
    assert!(host.does("gao-yuan", approve.clone()).is_err());
    host.does("lin-guodong", approve).unwrap();
    assert_eq!(host.desk.case(&case).unwrap().confidentiality, Confidentiality::Public);
}

#[test]
fn a_merged_case_is_read_by_no_more_people_than_the_stricter_of_the_two() {
    let mut host = Host::new();
    let (one, two) = (open(&mut host, "甲", "III"), open(&mut host, "乙", "III"));
    let secret = json!({ "case": two, "to": "secret", "reason": "涉密" });
    host.person("gao-yuan", "set-confidentiality", secret).unwrap();
    merge(&mut host, &one, &two).unwrap();
    assert_eq!(host.desk.case(&one).unwrap().confidentiality, Confidentiality::Secret);
}

/// A step of the property test.
#[derive(Debug, Clone)]
enum Step {
    Merge(usize, usize),
    Split(usize),
    Wait(i64),
    Open,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_usize..12, 0_usize..12).prop_map(|(a, b)| Step::Merge(a, b)),
        (0_usize..12).prop_map(Step::Split),
        (1_i64..60).prop_map(Step::Wait),
        Just(Step::Open),
    ];
    prop::collection::vec(step, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn merges_and_splits_in_any_order_lose_no_asker_no_concern_and_no_breach(steps in steps()) {
        let mut host = Host::new();
        let mut cases: Vec<String> = Vec::new();
        let mut names = BTreeSet::new();
        for n in 0..4 {
            let name = format!("问{n}");
            cases.push(open(&mut host, &name, if n % 2 == 0 { "III" } else { "II" }));
            names.insert(name);
        }
        for step in steps {
            match step {
                Step::Open => {
                    let name = format!("问{}", names.len());
                    cases.push(open(&mut host, &name, "III"));
                    names.insert(name);
                }
                Step::Wait(hours) => drop(host.wait(SignedDuration::from_hours(hours))),
                Step::Merge(a, b) => {
                    let (a, b) = (cases[a % cases.len()].clone(), cases[b % cases.len()].clone());
                    let _ = merge(&mut host, &a, &b);
                }
                Step::Split(at) => {
                    let number = cases[at % cases.len()].clone();
                    let case = host.desk.case(&number).unwrap();
                    let (asker, concern) = (case.askers.last().cloned(), case.concerns.last().cloned());
                    if let (Some(asker), Some(concern)) = (asker, concern) {
                        let input = json!({
                            "case": number, "title": "拆出", "askers": [asker.id], "concerns": [concern.id],
                            "reason": "另一事项",
                        });
                        if let Ok(done) = host.person("xu-ming", "split-case", input) {
                            cases.push(done["opened"].as_str().unwrap().to_owned());
                        }
                    }
                }
            }
            let open: Vec<&Case> = host.desk.cases().filter(|case| case.is_open()).collect();
            let waiting: Vec<&str> = open
                .iter()
                .flat_map(|case| &case.askers)
                .filter(|asker| asker.answered.is_none())
                .map(|asker| asker.id.split(' ').next().unwrap())
                .collect();
            prop_assert_eq!(waiting.len(), names.len(), "each asker once");
            prop_assert_eq!(waiting.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), names.clone());
            let asked: Vec<&str> = open.iter().flat_map(|c| &c.concerns).map(|c| c.text.as_str()).collect();
            prop_assert_eq!(asked.len(), names.len(), "each concern once");
            // Every breach that was ever reported stands on an open case.
            let standing: BTreeSet<(String, jiff::Timestamp)> = open
                .iter()
                .flat_map(|case| &case.clocks)
                .flat_map(|entry| entry.clock.breaches().map(|b| (entry.clock.rule.clone(), b.due_at)))
                .collect();
            for case in host.desk.cases() {
                for entry in &case.clocks {
                    for breach in entry.clock.breaches() {
                        prop_assert!(standing.contains(&(entry.clock.rule.clone(), breach.due_at)), "{}", case.number);
                    }
                }
            }
        }
        prop_assert_eq!(host.desk.strays(), 0);
        let closed = host.facts.iter().any(|fact| matches!(fact, Fact::CaseClosed { .. }));
        prop_assert!(!closed, "a case that was merged away is closed by nothing else");
        prop_assert_eq!(host.replayed(), host.desk);
    }
}
