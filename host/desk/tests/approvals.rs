//! Who approves what (clause 6b): chains, delegation and absence, expiry, and
//! that nobody ever approves their own text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::{Host, SAMPLE};
use huiyin_desk::{Command, Fact, Level, PolicyPack, approval_list, delegation_list, fact_event};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

fn basis() -> Value {
    json!({"source": "本局规定", "status": "own"})
}

/// The sample pack with these chains instead of its own.
fn with(approvals: &Value) -> Result<PolicyPack, Vec<String>> {
    let mut value: Value = serde_json::from_str(SAMPLE).unwrap();
    value["closing"] = json!([]);
    value["approvals"] = approvals.clone();
    PolicyPack::parse(&value.to_string(), "p.json")
        .map_err(|all| all.iter().map(|problem| format!("{} {problem}", problem.pointer)).collect())
}

/// A desk where a lower level, and a decision not to answer, need two people of different roles, within a day.
fn host() -> Host {
    let chain = json!([["lead.spokesperson", "lead.duty"], "principal"]);
    let rules = json!([
        {"act": "lower-level", "chain": chain, "expires": "PT24H", "basis": basis()},
        {"act": "no-response", "chain": chain, "expires": "PT24H", "basis": basis()},
    ]);
    Host::under(with(&rules).unwrap())
}

fn lower(host: &mut Host, who: &str, case: &str, reason: &str) -> Value {
    let input = json!({"command": "set-level", "case": case, "level": "III", "reason": reason});
    host.does(who, input).unwrap()["pending"].clone()
}

fn approve(host: &mut Host, who: &str, case: &str, hash: &Value) -> Result<Value, (&'static str, String)> {
    let answer = host.does(who, json!({"command": "approve", "case": case, "hash": hash}));
    answer.map_err(|error| (error.code, error.to_string()))
}

fn told(facts: &[Fact], kind: &str) -> Vec<String> {
    let event = facts.iter().filter_map(fact_event).rfind(|event| event.kind == kind).expect(kind);
    event.data["notify"].as_array().unwrap().iter().map(|one| one["to"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_chain_is_walked_step_by_step_and_nothing_is_done_before_its_end() {
    let mut host = host();
    let case = host.case("II");
    let pending = lower(&mut host, "xu-ming", &case, "核实无伤亡");
    assert_eq!(host.desk.case(&case).unwrap().level, Level::II, "asking does nothing");
    // The next step's people are told: the spokesperson; the duty officer wrote it.
    let asked = told(&host.facts, "huiyin.approval.requested.v1");
    assert!(asked.contains(&"tang-xue".to_owned()) && !asked.contains(&"xu-ming".to_owned()), "{asked:?}");
    let hash = &pending["hash"];
    assert_eq!(approve(&mut host, "xu-ming", &case, hash).unwrap_err().0, "own-text");
    // Not in the order of the chain.
    let error = approve(&mut host, "gao-yuan", &case, hash).unwrap_err();
    assert_eq!(error.0, "not-your-step");
    assert!(error.1.contains("step 1 of 2") && error.1.contains("tang-xue"), "{error:?}");
    let first = approve(&mut host, "tang-xue", &case, hash).unwrap();
    assert_eq!((&first["approved"], &first["step"], &first["steps"]), (&json!(false), &json!(1), &json!(2)));
    assert_eq!(host.desk.case(&case).unwrap().level, Level::II);
    let asked = told(&host.facts, "huiyin.approval.advanced.v1");
    assert!(asked.contains(&"gao-yuan".to_owned()) && asked.contains(&"lin-guodong".to_owned()), "{asked:?}");
    let waits = approval_list(&host.desk, Some("qingfeng"), None, &[], host.now);
    assert_eq!(waits[0]["waits_for"], json!(["gao-yuan", "lin-guodong"]));
    assert!(approval_list(&host.desk, None, Some("tang-xue"), &[], host.now).is_empty());
    assert_eq!(approval_list(&host.desk, Some("linhai"), Some("lin-guodong"), &[], host.now).len(), 1);
    assert_eq!(approve(&mut host, "tang-xue", &case, hash).unwrap_err().0, "same-person");
    let last = approve(&mut host, "gao-yuan", &case, hash).unwrap();
    assert_eq!(last["approved"], true);
    let after = host.desk.case(&case).unwrap();
    assert_eq!(after.level, Level::III);
    // The level is lowered by who asked for it; who approved it is on record.
    assert_eq!(after.level_changes[0].by.to_string(), "person:xu-ming");
    let steps: Vec<&str> = after.approvals[0].steps.iter().map(|step| step.by.as_str()).collect();
    assert_eq!(steps, ["tang-xue", "gao-yuan"]);
    assert!(host.replayed() == host.desk);
}

#[test]
fn an_edit_voids_what_was_approved_so_far_and_makes_its_editor_an_author() {
    let mut host = host();
    let case = host.case("II");
    let first = lower(&mut host, "xu-ming", &case, "核实无伤亡");
    approve(&mut host, "tang-xue", &case, &first["hash"]).unwrap();
    // The principal would approve next, and mends the text instead.
    let second = lower(&mut host, "gao-yuan", &case, "核实无人员伤亡");
    assert_ne!(first["hash"], second["hash"]);
    assert_eq!(approve(&mut host, "gao-yuan", &case, &first["hash"]).unwrap_err().0, "changed");
    assert_eq!(approve(&mut host, "gao-yuan", &case, &second["hash"]).unwrap_err().0, "own-text");
    // Whoever wrote what was mended still had a hand in it.
    assert_eq!(approve(&mut host, "xu-ming", &case, &second["hash"]).unwrap_err().0, "own-text");
    approve(&mut host, "tang-xue", &case, &second["hash"]).unwrap();
    // The only principal left is the one above.
    approve(&mut host, "lin-guodong", &case, &second["hash"]).unwrap();
    assert_eq!(host.desk.case(&case).unwrap().level, Level::III);
}

#[test]
fn a_text_that_was_withdrawn_and_is_brought_by_another_stays_its_authors() {
    let mut host = host();
    let case = host.case("II");
    let first = lower(&mut host, "tang-xue", &case, "核实无伤亡");
    host.does("tang-xue", json!({"command": "decline", "case": case, "hash": first["hash"], "reason": "重提"}))
        .unwrap();
    let second = lower(&mut host, "he-ping", &case, "核实无伤亡");
    assert_eq!(approve(&mut host, "tang-xue", &case, &second["hash"]).unwrap_err().0, "own-text");
    approve(&mut host, "xu-ming", &case, &second["hash"]).unwrap();
}

#[test]
fn silence_never_consents_and_what_runs_out_is_void_on_record() {
    let mut host = host();
    let case = host.case("II");
    let pending = lower(&mut host, "xu-ming", &case, "核实无伤亡");
    approve(&mut host, "tang-xue", &case, &pending["hash"]).unwrap();
    host.minutes(24 * 60 - 1);
    let facts = host.minutes(1);
    let expired: Vec<_> = facts.iter().filter(|fact| matches!(fact, Fact::ApprovalExpired { .. })).collect();
    assert_eq!(expired.len(), 1);
    assert_eq!(fact_event(expired[0]).unwrap().kind, "huiyin.approval.expired.v1");
    assert_eq!(host.desk.case(&case).unwrap().level, Level::II);
    assert_eq!(approve(&mut host, "gao-yuan", &case, &pending["hash"]).unwrap_err().0, "changed");
    assert!(!host.minutes(60).iter().any(|fact| matches!(fact, Fact::ApprovalExpired { .. })), "once");
    // Asked anew, it begins anew.
    let again = lower(&mut host, "xu-ming", &case, "核实无伤亡");
    approve(&mut host, "gao-yuan", &case, &again["hash"]).unwrap_err();
    assert!(host.replayed() == host.desk);
}

#[test]
fn who_is_away_has_somebody_act_for_them_who_approves_neither_their_own_nor_the_others_text() {
    let mut host = host();
    let case = host.case("II");
    let until = host.now + SignedDuration::from_hours(72);
    let give = json!({"command": "delegate", "to": "xu-ming", "until": until, "reason": "外出培训"});
    let given = host.does("gao-yuan", give).unwrap();
    assert_eq!(
        (&given["delegation"], &given["unit"], &given["state"]),
        (&json!("g1"), &json!("qingfeng"), &json!("holds"))
    );
    let pending = lower(&mut host, "he-ping", &case, "核实无伤亡");
    approve(&mut host, "tang-xue", &case, &pending["hash"]).unwrap();
    assert!(told(&host.facts, "huiyin.approval.advanced.v1").contains(&"xu-ming".to_owned()), "who acts is told");
    let done = approve(&mut host, "xu-ming", &case, &pending["hash"]).unwrap();
    assert_eq!((&done["approved"], &done["on_behalf_of"]), (&json!(true), &json!("gao-yuan")));
    let step = &host.desk.case(&case).unwrap().approvals[0].steps[1];
    assert_eq!((step.by.as_str(), step.delegation.as_deref()), ("xu-ming", Some("qingfeng/g1")));

    // What the principal wrote is not approved by who acts for them.
    let case = host.case("II");
    let own = lower(&mut host, "gao-yuan", &case, "核实无伤亡");
    approve(&mut host, "tang-xue", &case, &own["hash"]).unwrap();
    let error = approve(&mut host, "xu-ming", &case, &own["hash"]).unwrap_err();
    assert!(error.0 == "own-text" && error.1.contains("gao-yuan"), "{error:?}");
    // Nor one step in their own right and the next for another.
    let case = host.case("II");
    let both = lower(&mut host, "he-ping", &case, "核实无伤亡");
    approve(&mut host, "xu-ming", &case, &both["hash"]).unwrap();
    assert_eq!(approve(&mut host, "xu-ming", &case, &both["hash"]).unwrap_err().0, "same-person");

    // It ends when it is revoked, and by itself.
    let case = host.case("II");
    let third = lower(&mut host, "he-ping", &case, "核实无伤亡");
    approve(&mut host, "tang-xue", &case, &third["hash"]).unwrap();
    let revoke = |by: &str, host: &mut Host| {
        host.does(by, json!({"command": "revoke-delegation", "delegation": "g1", "reason": "已返岗"}))
    };
    assert_eq!(revoke("tang-xue", &mut host).unwrap_err().code, "not-yours");
    revoke("gao-yuan", &mut host).unwrap();
    assert_eq!(approve(&mut host, "xu-ming", &case, &third["hash"]).unwrap_err().0, "not-your-step");
    assert!(delegation_list(&host.desk, Some("qingfeng"), false, host.now).is_empty());
    assert_eq!(delegation_list(&host.desk, None, true, host.now)[0]["state"], "revoked");
    assert_eq!(revoke("gao-yuan", &mut host).unwrap_err().code, "unchanged");
    assert!(host.replayed() == host.desk);
}

#[test]
fn a_delegation_is_within_the_unit_for_a_time_and_with_a_reason() {
    let mut host = host();
    let now = host.now;
    let day = SignedDuration::from_hours(24);
    let give = |to: &str, starts: Option<jiff::Timestamp>, until: jiff::Timestamp, reason: &str| {
        let mut input = json!({"command": "delegate", "to": to, "until": until, "reason": reason});
        if let Some(starts) = starts {
            input["starts"] = json!(starts);
        }
        input
    };
    for (input, pointer) in [
        (give("gao-yuan", None, now + day, "出差"), "/to"),
        (give("he-ping", None, now + day, "出差"), "/to"),
        (give("nobody", None, now + day, "出差"), "/to"),
        (give("xu-ming", None, now, "出差"), "/until"),
        (give("xu-ming", None, now + day * 400, "出差"), "/until"),
        (give("xu-ming", Some(now - day), now + day, "出差"), "/starts"),
        (give("xu-ming", None, now + day, " "), "/reason"),
    ] {
        let error = host.does("gao-yuan", input.clone()).unwrap_err();
        assert_eq!(error.pointer.as_deref(), Some(pointer), "{input}: {error}");
    }
    // One that is planned does not hold yet; given again, it is the same.
    let planned = give("xu-ming", Some(now + day), now + day * 2, "出差");
    assert_eq!(host.does("gao-yuan", planned.clone()).unwrap()["state"], "planned");
    assert_eq!(host.does("gao-yuan", planned).unwrap()["delegation"], "g1");
    // In the name of another unit nobody hands anything over.
    host.scope = Some("qingfeng".to_owned());
    let error = host.does("he-ping", give("zheng-wen", None, now + day, "出差")).unwrap_err();
    assert_eq!((error.code, error.clause), ("not-yours", Some("6b")));
}

#[test]
fn a_role_that_a_pack_keeps_approving_to_may_be_lent() {
    let mut value: Value = serde_json::from_str(SAMPLE).unwrap();
    value["closing"] = json!([]);
    value["approvals"] = json!([]);
    value["acts"] = json!([{"act": "approve-no-response", "roles": ["principal"], "basis": basis()}]);
    let mut host = Host::under(PolicyPack::parse(&value.to_string(), "p.json").unwrap());
    let case = host.case("II");
    let propose = json!({"command": "propose-no-response", "case": case, "reason": "广告"});
    let hash = host.does("xu-ming", propose).unwrap()["hash"].clone();
    assert_eq!(approve(&mut host, "tang-xue", &case, &hash).unwrap_err().0, "not-your-role");
    let until = host.now + SignedDuration::from_hours(8);
    host.does("gao-yuan", json!({"command": "delegate", "to": "tang-xue", "until": until, "reason": "会议"})).unwrap();
    approve(&mut host, "tang-xue", &case, &hash).unwrap();
}

#[test]
fn a_pack_says_what_is_wrong_with_a_chain() {
    for (rules, pointer, says) in [
        (
            json!([{"act": "close-case", "chain": ["principal"], "basis": basis()}]),
            "/approvals/0/act",
            "no act that is approved",
        ),
        (json!([{"act": "no-response", "chain": [], "basis": basis()}]), "/approvals/0/chain", "1 to 8 steps"),
        (json!([{"act": "no-response", "chain": [[]], "basis": basis()}]), "/approvals/0/chain/0", "nobody may"),
        (
            json!([{"act": "no-response", "chain": ["lead.boss"], "basis": basis()}]),
            "/approvals/0/chain/0",
            "role `boss`",
        ),
        (
            json!([{"act": "no-response", "chain": ["duty", ["duty", "near.duty"]], "basis": basis()}]),
            "/approvals/0/chain/1/1",
            "names nobody",
        ),
        (
            json!([{"act": "no-response", "chain": ["principal"], "expires": "2wd", "basis": basis()}]),
            "/approvals/0/expires",
            "PT24H",
        ),
        (
            json!([{"act": "no-response", "chain": ["principal"], "basis": basis()},
                   {"act": "no-response", "levels": ["II"], "chain": ["principal"], "basis": basis()}]),
            "/approvals/1/act",
            "already",
        ),
        // Two steps of the one principal of the unit.
        (
            json!([{"act": "no-response", "chain": ["lead.principal", "lead.principal"], "basis": basis()}]),
            "/approvals/0/chain",
            "not enough different people",
        ),
    ] {
        let problems = with(&rules).unwrap_err();
        assert!(problems.iter().any(|p| p.starts_with(pointer) && p.contains(says)), "{rules}: {problems:?}");
    }
    // What a pack says of chains is read back from its own form.
    let rules = json!([{"act": "no-response", "chain": ["duty", ["lead.principal", "parent.duty"]], "basis": basis()}]);
    let pack = with(&rules).unwrap();
    let stored: PolicyPack = serde_json::from_value(serde_json::to_value(&pack).unwrap()).unwrap();
    assert!(stored == pack);
}

/// Something that somebody tries.
#[derive(Debug, Clone)]
enum Try {
    Lower { who: usize, reason: u8 },
    Refuse { who: usize, reason: u8 },
    Approve { who: usize, which: u8 },
    Decline { who: usize, which: u8 },
    Delegate { who: usize, to: usize, hours: u8 },
    Revoke { who: usize, which: u8 },
    Raise { who: usize },
    Wait { minutes: u16 },
}

const PEOPLE: [&str; 8] =
    ["gao-yuan", "tang-xue", "xu-ming", "lin-guodong", "zheng-wen", "he-ping", "bai-ling", "nobody-at-all"];

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let who = 0..PEOPLE.len();
    let one = prop_oneof![
        2 => (who.clone(), 0..3u8).prop_map(|(who, reason)| Try::Lower { who, reason }),
        2 => (who.clone(), 0..3u8).prop_map(|(who, reason)| Try::Refuse { who, reason }),
        8 => (who.clone(), any::<u8>()).prop_map(|(who, which)| Try::Approve { who, which }),
        1 => (who.clone(), any::<u8>()).prop_map(|(who, which)| Try::Decline { who, which }),
        3 => (who.clone(), who.clone(), 1..60u8).prop_map(|(who, to, hours)| Try::Delegate { who, to, hours }),
        1 => (who.clone(), any::<u8>()).prop_map(|(who, which)| Try::Revoke { who, which }),
        1 => who.prop_map(|who| Try::Raise { who }),
        1 => (1..900u16).prop_map(|minutes| Try::Wait { minutes }),
    ];
    proptest::collection::vec(one, 1..80)
}

fn attempt(host: &mut Host, case: &str, what: &Try) {
    let hash = |host: &Host, which: u8| {
        let approvals = &host.desk.case(case).unwrap().approvals;
        (!approvals.is_empty()).then(|| approvals[usize::from(which) % approvals.len()].hash.clone())
    };
    let _ = match what.clone() {
        Try::Lower { who, reason } => host.does(
            PEOPLE[who],
            json!({"command": "set-level", "case": case, "level": "III", "reason": format!("核实 {reason}")}),
        ),
        Try::Refuse { who, reason } => host.does(
            PEOPLE[who],
            json!({"command": "propose-no-response", "case": case, "reason": format!("广告 {reason}")}),
        ),
        Try::Approve { who, which } => {
            let hash = hash(host, which).unwrap_or_default();
            host.does(PEOPLE[who], json!({"command": "approve", "case": case, "hash": hash}))
        }
        Try::Decline { who, which } => {
            let hash = hash(host, which).unwrap_or_default();
            host.does(PEOPLE[who], json!({"command": "decline", "case": case, "hash": hash, "reason": "否"}))
        }
        Try::Delegate { who, to, hours } => {
            let until = host.now + SignedDuration::from_hours(hours.into());
            host.does(PEOPLE[who], json!({"command": "delegate", "to": PEOPLE[to], "until": until, "reason": "外出"}))
        }
        Try::Revoke { who, which } => host.does(
            PEOPLE[who],
            json!({"command": "revoke-delegation", "delegation": format!("g{}", which % 6), "reason": "返岗"}),
        ),
        Try::Raise { who } => {
            host.does(PEOPLE[who], json!({"command": "set-level", "case": case, "level": "II", "reason": "蔓延"}))
        }
        Try::Wait { minutes } => {
            host.minutes(minutes.into());
            Ok(Value::Null)
        }
    };
}

/// Every approval that was given, held against all that was written before, and its steps one by one.
fn held(host: &Host) {
    let pack = host.desk.policy().unwrap();
    let mut delegations = Vec::new();
    let mut texts: Vec<(String, Value, Vec<String>)> = Vec::new();
    let mut open: std::collections::BTreeMap<String, (usize, Vec<String>)> = std::collections::BTreeMap::new();
    for fact in &host.facts {
        let (approval, step, last) = match fact {
            Fact::DelegationGranted { delegation } => {
                delegations.push(delegation.clone());
                continue;
            }
            Fact::DelegationRevoked { delegation, unit, .. } => {
                delegations.retain(|known: &huiyin_desk::Delegation| !(known.id == *delegation && known.unit == *unit));
                continue;
            }
            Fact::ApprovalRequested { approval, .. } => {
                let mut authors = vec![approval.author.clone()];
                authors.extend(approval.co_authors.iter().cloned());
                texts.push((approval.id.clone(), serde_json::to_value(&approval.proposal).unwrap(), authors));
                open.insert(approval.id.clone(), (0, Vec::new()));
                continue;
            }
            Fact::ApprovalAdvanced { approval, step, .. } => (approval, step.clone(), false),
            Fact::ApprovalGiven { approval, step, .. } => (approval, step.clone().unwrap(), true),
            _ => continue,
        };
        let (_, text, authors) = texts.iter().find(|(id, ..)| id == approval).unwrap();
        let for_whom = step.on_behalf_of.clone().unwrap_or_else(|| step.by.clone());
        for person in [&step.by, &for_whom] {
            assert!(!authors.contains(person), "{person} approved their own text {text}");
            // Nor the same text in another's name.
            let same = texts.iter().filter(|(_, other, _)| other == text);
            for (id, _, authors) in same {
                let before = id.trim_start_matches('a').parse::<u32>().unwrap()
                    <= approval.trim_start_matches('a').parse::<u32>().unwrap();
                assert!(!before || !authors.contains(person), "{person} wrote {text} as {id}");
            }
        }
        if let Some(from) = &step.on_behalf_of {
            assert!(
                delegations
                    .iter()
                    .any(|d| d.from == *from && d.to == step.by && d.starts <= step.at && step.at < d.until),
                "{} had no delegation of {from}",
                step.by
            );
        }
        // The chain, in its order, each step another person's.
        let (count, used) = open.get_mut(approval).unwrap();
        let role = &[["spokesperson", "duty"].as_slice(), ["principal"].as_slice()][*count];
        let home = pack.unit_of(&for_whom).unwrap();
        assert!(role.iter().any(|role| home.has_role(&for_whom, role)), "{for_whom} is none of {role:?}");
        let people = std::collections::BTreeSet::from([step.by.clone(), for_whom]);
        assert!(people.iter().all(|person| !used.contains(person)), "{people:?} twice");
        used.extend(people);
        *count += 1;
        assert_eq!(last, *count == 2, "no act counts without its whole chain");
    }
    // Whatever was done, was approved to the end at that moment.
    for fact in &host.facts {
        if let Fact::LevelChanged { head, from, at, .. } = fact
            && head.level < *from
        {
            let given = |f: &Fact| matches!(f, Fact::ApprovalGiven { at: when, .. } if when == at);
            assert!(host.facts.iter().any(given), "lowered without approval");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nobody_ever_approves_their_own_text_and_no_act_counts_without_its_whole_chain(tries in tries()) {
        let mut host = host();
        let case = host.case("II");
        for what in &tries {
            attempt(&mut host, &case, what);
            host.minutes(0);
        }
        held(&host);
        prop_assert!(host.replayed() == host.desk);
        prop_assert_eq!(host.desk.strays(), 0);
        prop_assert!(host.desk.tick(host.now).is_empty());
    }
}

#[test]
fn what_is_named_in_a_command_is_read_strictly() {
    let read = |value: Value| Command::read(&value);
    assert!(matches!(read(json!({"command": "approve", "case": "1", "hash": "00"})), Ok(Command::Approve { .. })));
    assert!(matches!(
        read(json!({"command": "decline", "case": "1", "hash": "00", "reason": "x"})),
        Ok(Command::Decline { .. })
    ));
    let error = read(json!({"command": "approve", "case": "1", "hsh": "00"})).unwrap_err();
    assert_eq!(error.pointer.as_deref(), Some("/hsh"));
}
