//! Whatever random people of random units try: no response goes out without
//! its secrecy check, its approval and every co-sign on exactly its text, by a
//! unit that has no voice, or under a freeze (clauses 3.5b to 3.5d, 5d, rule 9).
//!
//! The facts alone are judged, by a model of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Host;
use huiyin_desk::Fact;
use huiyin_desk::case::{MajorStep, PartState, Proposal, ResponseStep, Task, TaskKind};
use proptest::prelude::*;
use serde_json::{Value, json};

const UNITS: [&str; 4] = ["linhai", "qingfeng", "cuihu", "forest-fire"];
/// Persons with their units.
const PEOPLE: [(&str, &str); 7] = [
    ("xu-ming", "qingfeng"),
    ("gao-yuan", "qingfeng"),
    ("tang-xue", "qingfeng"),
    ("bai-ling", "cuihu"),
    ("shi-lei", "cuihu"),
    ("luo-jian", "forest-fire"),
    ("lin-guodong", "linhai"),
];

/// Something that somebody tries, in the name of their own unit or of the lead unit.
#[derive(Debug, Clone)]
struct Try {
    who: usize,
    for_lead: bool,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// Somebody who may does what a response needs next.
    Help {
        response: u8,
    },
    Draft {
        text: u8,
        edit: Option<u8>,
        touches: Option<u8>,
    },
    Check {
        response: u8,
        passed: bool,
    },
    Submit {
        response: u8,
        stale: bool,
    },
    Approve {
        nth: u8,
    },
    Cosign {
        response: u8,
        agree: bool,
    },
    Publish {
        response: u8,
        stale: bool,
    },
    Prove {
        response: u8,
        right: bool,
    },
    Correct {
        response: u8,
    },
    Line {
        text: u8,
    },
    Handle {
        unit: u8,
    },
    Accept {
        task: u8,
    },
    Return {
        task: u8,
    },
    Major,
    Command,
    Release {
        unit: u8,
    },
    Wait,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let what = prop_oneof![
        25 => (0..4u8).prop_map(|response| What::Help { response }),
        4 => (0..3u8, proptest::option::of(0..4u8), proptest::option::of(0..4u8))
            .prop_map(|(text, edit, touches)| What::Draft { text, edit, touches }),
        5 => (0..4u8, prop::bool::weighted(0.8)).prop_map(|(response, passed)| What::Check { response, passed }),
        5 => (0..4u8, prop::bool::weighted(0.2)).prop_map(|(response, stale)| What::Submit { response, stale }),
        6 => (0..3u8).prop_map(|nth| What::Approve { nth }),
        5 => (0..4u8, prop::bool::weighted(0.8)).prop_map(|(response, agree)| What::Cosign { response, agree }),
        8 => (0..4u8, prop::bool::weighted(0.2)).prop_map(|(response, stale)| What::Publish { response, stale }),
        3 => (0..4u8, any::<bool>()).prop_map(|(response, right)| What::Prove { response, right }),
        1 => (0..4u8).prop_map(|response| What::Correct { response }),
        1 => (0..3u8).prop_map(|text| What::Line { text }),
        2 => (0..4u8).prop_map(|unit| What::Handle { unit }),
        4 => (0..4u8).prop_map(|task| What::Accept { task }),
        1 => (0..4u8).prop_map(|task| What::Return { task }),
        1 => Just(What::Major),
        1 => Just(What::Command),
        1 => (0..4u8).prop_map(|unit| What::Release { unit }),
        1 => Just(What::Wait),
    ];
    let one = (0..PEOPLE.len(), prop::bool::weighted(0.6), what).prop_map(|(who, for_lead, what)| Try {
        who,
        for_lead,
        what,
    });
    proptest::collection::vec(one, 1..70)
}

const TEXTS: [&str; 3] = ["火已扑灭。", "火已扑灭,无人员伤亡。", "原因正在调查。"];

/// The hash of a response as it stands; or of a text that it had before.
fn hash(host: &Host, case: &str, response: u8, stale: bool) -> Value {
    let id = format!("r{}", response + 1);
    let drafted = host.facts.iter().filter_map(|fact| match fact {
        Fact::ResponseDrafted { head, draft } if head.case == case && draft.id == id => Some(draft.hash.clone()),
        _ => None,
    });
    let all: Vec<String> = drafted.collect();
    let found = if stale { all.first() } else { all.last() };
    json!(found.cloned().unwrap_or_else(|| "00".to_owned()))
}

/// What a response needs next, by somebody who may: so that some go out.
fn help(host: &mut Host, case: &str, n: u8) -> Result<Value, huiyin_desk::DeskError> {
    let whole = host.desk.case(case).unwrap().clone();
    let count = whole.responses.len();
    if count == 0 {
        let input = json!({ "case": case, "form": { "kind": "online", "title": "通报" }, "text": TEXTS[0] });
        return host.person("xu-ming", "draft-response", input);
    }
    let response = &whole.responses[usize::from(n) % count];
    let unit = response.draft.content.unit.clone();
    let other = |units: &[&str]| {
        let able = PEOPLE.iter().filter(|(who, home)| units.contains(home) && !response.authors.contains(*who));
        able.map(|(who, _)| *who).next().unwrap_or("lin-guodong")
    };
    let of = json!({ "case": case, "hash": response.draft.hash });
    host.scope = Some(unit.clone());
    if !response.check.as_ref().is_some_and(|check| check.passed) {
        let mut input = of;
        (input["passed"], input["basis"]) = (json!(true), json!("审查表"));
        return host.person(other(&[&unit]), "check-response", input);
    }
    if response.approved.is_none() {
        let waits = whole.approvals.iter().find(|approval| {
            approval.is_pending()
                && matches!(&approval.proposal, Proposal::Response(of) if of.hash == response.draft.hash)
        });
        let Some(waits) = waits else {
            let mut input = of;
            input["departure_reason"] = json!("情况有变");
            return host.person("lin-guodong", "submit-response", input);
        };
        host.scope = Some(whole.unit.clone());
        return host.does(other(&["qingfeng"]), json!({ "command": "approve", "case": case, "hash": waits.hash }));
    }
    if let Some(unsigned) = whole.unsigned(response).first() {
        host.scope = Some(unsigned.clone());
        let mut input = of;
        input["agree"] = json!(true);
        return host.person(other(&[unsigned]), "cosign-response", input);
    }
    host.person("lin-guodong", "publish-response", of)
}

fn attempt(host: &mut Host, case: &str, one: &Try) {
    let (who, home) = PEOPLE[one.who];
    let lead = host.desk.case(case).unwrap().unit.clone();
    host.scope = Some(if one.for_lead { lead } else { home.to_owned() });
    let text = |n: u8| TEXTS[usize::from(n) % TEXTS.len()];
    let unit = |n: u8| UNITS[usize::from(n) % UNITS.len()];
    let of =
        |host: &Host, response: u8, stale: bool| json!({ "case": case, "hash": hash(host, case, response, stale) });
    let _ = match one.what.clone() {
        What::Help { response } => help(host, case, response),
        What::Draft { text: n, edit, touches } => {
            let mut input = json!({ "case": case, "form": { "kind": "online", "title": "通报" }, "text": text(n) });
            if let Some(edit) = edit {
                input["response"] = json!(format!("r{}", edit + 1));
            }
            if let Some(touches) = touches {
                input["touches"] = json!([unit(touches)]);
            }
            host.person(who, "draft-response", input)
        }
        What::Check { response, passed } => {
            let mut input = of(host, response, false);
            (input["passed"], input["basis"]) = (json!(passed), json!("审查表"));
            host.person(who, "check-response", input)
        }
        What::Submit { response, stale } => {
            let mut input = of(host, response, stale);
            input["departure_reason"] = json!("情况有变");
            host.person(who, "submit-response", input)
        }
        What::Approve { nth } => {
            let approvals = &host.desk.case(case).unwrap().approvals;
            let pending: Vec<String> = approvals.iter().filter(|a| a.is_pending()).map(|a| a.hash.clone()).collect();
            let Some(hash) = pending.get(usize::from(nth)) else { return };
            host.does(who, json!({ "command": "approve", "case": case, "hash": hash }))
        }
        What::Cosign { response, agree } => {
            let mut input = of(host, response, false);
            (input["agree"], input["reason"]) = (json!(agree), json!("已核"));
            host.person(who, "cosign-response", input)
        }
        What::Publish { response, stale } => {
            let input = of(host, response, stale);
            host.person(who, "publish-response", input)
        }
        What::Prove { response, right } => {
            let id = format!("r{}", response + 1);
            let said = host.desk.case(case).unwrap().response(&id).map(|r| r.draft.content.text.clone());
            let mut input = of(host, response, false);
            input["text"] = json!(if right { said.unwrap_or_default() } else { "别的文字".to_owned() });
            (input["channel"], input["url"]) = (json!("website"), json!("https://gov.example/1"));
            host.person(who, "record-publication", input)
        }
        What::Correct { response } => {
            let id = format!("r{}", response + 1);
            host.person(
                who,
                "correct-response",
                json!({ "case": case, "response": id, "reason": "有误", "text": "更正。" }),
            )
        }
        What::Line { text: n } => {
            let line = json!({ "case": case, "text": "口径", "required": [text(n).trim_end_matches('。')] });
            host.person(who, "set-line", line)
        }
        What::Handle { unit: n } => {
            host.person(who, "assign-task", json!({ "case": case, "kind": "handle", "to": unit(n), "text": "请承办" }))
        }
        What::Accept { task } => {
            host.person(who, "accept-task", json!({ "case": case, "task": format!("t{}", task + 1) }))
        }
        What::Return { task } => {
            let input = json!({ "case": case, "task": format!("t{}", task + 1), "reason": "不属本单位" });
            host.person(who, "return-task", input)
        }
        What::Major => host.person(who, "declare-major", json!({ "case": case, "reason": "转发量大" })),
        What::Command => {
            host.person(who, "appoint-commander", json!({ "case": case, "person": who, "reason": "接替" }))
        }
        What::Release { unit: n } => {
            let input = json!({ "case": case, "unit": unit(n), "reason": "由其发布" });
            host.person(who, "release-publishing", input)
        }
        What::Wait => {
            host.minutes(20);
            Ok(Value::Null)
        }
    };
    host.scope = None;
}

/// What the facts so far say of a response's text.
#[derive(Default)]
struct Text {
    hash: String,
    unit: String,
    touches: BTreeSet<String>,
    authors: BTreeSet<String>,
    checked: bool,
    approved: bool,
    signed: BTreeMap<String, bool>,
}

/// Judges every release; gives how many there were.
fn judge(facts: &[Fact], lead: &str) -> usize {
    let mut texts: BTreeMap<String, Text> = BTreeMap::new();
    let mut tasks: BTreeMap<String, Task> = BTreeMap::new();
    let mut approvals: BTreeMap<String, (Proposal, String)> = BTreeMap::new();
    let (mut frozen, mut let_out, mut releases) = (false, BTreeSet::new(), 0);
    for fact in facts {
        match fact {
            Fact::TaskAssigned { task, .. } => {
                tasks.insert(task.id.clone(), task.clone());
            }
            Fact::TaskMoved { task, entry, .. } => {
                tasks.get_mut(task).unwrap().apply(entry);
            }
            Fact::ResponseDrafted { draft, .. } => {
                let text = texts.entry(draft.id.clone()).or_default();
                assert!(text.hash != draft.hash, "nothing was changed");
                let mut authors = std::mem::take(&mut text.authors);
                authors.extend(draft.by.person().map(str::to_owned));
                *text = Text {
                    hash: draft.hash.clone(),
                    unit: draft.content.unit.clone(),
                    touches: draft.content.touches.iter().cloned().collect(),
                    authors,
                    ..Text::default()
                };
            }
            Fact::ApprovalRequested { approval, .. } => {
                approvals.insert(approval.id.clone(), (approval.proposal.clone(), approval.author.clone()));
            }
            Fact::ApprovalGiven { approval, by, .. } => {
                let (proposal, author) = &approvals[approval];
                assert_ne!(by, author, "rule 9");
                if let Proposal::Response(of) = proposal {
                    assert!(!texts[&of.response].authors.contains(by), "an author approved: rule 9");
                    assert_eq!(texts[&of.response].hash, of.hash, "another text was approved");
                }
            }
            Fact::MajorDeclared { .. } => (frozen, let_out) = (true, BTreeSet::new()),
            Fact::MajorMoved { entry, .. } => match &entry.step {
                MajorStep::Released(released) => {
                    let_out.insert(released.unit.clone());
                }
                MajorStep::Ended { .. } => frozen = false,
                _ => {}
            },
            Fact::ResponseMoved { response, entry, .. } => {
                let text = texts.get_mut(response).unwrap();
                assert_eq!(text.hash, entry.hash, "a step on a text that is no more");
                let by = entry.actor.person().unwrap_or_default().to_owned();
                match &entry.step {
                    ResponseStep::Checked(check) => {
                        assert!(!text.authors.contains(&by), "an author checked");
                        text.checked = check.passed;
                    }
                    ResponseStep::Approved(_) => text.approved = true,
                    ResponseStep::Cosigned(sign) => {
                        assert!(!text.authors.contains(&by), "an author signed");
                        text.signed.insert(sign.unit.clone(), sign.agree);
                    }
                    ResponseStep::Released(_) => {
                        releases += 1;
                        assert!(text.checked, "3.5b");
                        assert!(text.approved, "6b");
                        let parts: Vec<_> = tasks
                            .values()
                            .filter(|task| task.kind == TaskKind::Handle && task.withdrawn.is_none())
                            .flat_map(|task| &task.parts)
                            .filter(|part| part.state != PartState::Returned)
                            .collect();
                        let handling = parts.iter().map(|part| part.unit.clone());
                        let units: BTreeSet<String> = text.touches.iter().cloned().chain(handling).collect();
                        for unit in units.iter().filter(|unit| **unit != text.unit && *unit != lead) {
                            assert_eq!(text.signed.get(unit), Some(&true), "3.5d: {unit}");
                        }
                        let taken_on = |part: &&&huiyin_desk::case::Part| {
                            part.unit == text.unit && part.state != PartState::Assigned
                        };
                        assert!(text.unit == lead || parts.iter().any(|part| taken_on(&part)), "3.5c");
                        assert!(!frozen || text.unit == lead || let_out.contains(&text.unit), "5d");
                    }
                    ResponseStep::Submitted { .. } | ResponseStep::Published(_) => {}
                }
            }
            _ => {}
        }
    }
    releases
}

#[test]
fn whatever_is_tried_nothing_goes_out_unready() {
    let mut released = 0;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
    let out = std::cell::Cell::new(0_usize);
    runner
        .run(&tries(), |tries| {
            let mut host = Host::new();
            let open =
                json!({ "unit": "qingfeng", "title": "山火", "level": "III", "asker": "甲", "concerns": ["伤亡"] });
            let case = host.person("xu-ming", "open-case", open).unwrap()["case"].as_str().unwrap().to_owned();
            for one in &tries {
                attempt(&mut host, &case, one);
            }
            out.set(out.get() + judge(&host.facts, "qingfeng"));
            prop_assert_eq!(host.desk.strays(), 0);
            prop_assert!(host.replayed() == host.desk, "replaying the facts gives another state");
            let stored = serde_json::to_string(&host.desk).unwrap();
            prop_assert!(serde_json::from_str::<huiyin_desk::Desk>(&stored).unwrap() == host.desk);
            Ok(())
        })
        .unwrap();
    released += out.get();
    // The laws were put to the test at all.
    assert!(released >= 10, "only {released} responses went out");
}
