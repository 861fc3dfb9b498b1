//! What holds after any sequence of commands, whoever gives them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::Host;
use huiyin_desk::case::State;
use huiyin_desk::{Command, Fact, Ground, Level};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

/// Something that somebody tries. Numbers choose among what is there.
#[derive(Debug, Clone)]
enum Try {
    Receive { unit: u8, id: u8, text: u8, floor: u8, age_minutes: u16 },
    Assess { item: u8, level: u8 },
    OpenItem { item: u8, level: u8 },
    OpenCall { unit: u8, level: u8 },
    Attach { case: u8, item: u8 },
    Flash { case: u8 },
    Answer { case: u8, asker: Option<u8> },
    SetLevel { case: u8, level: u8, who: u8 },
    Correct { case: u8, minutes: i16, who: u8 },
    Propose { case: u8, who: u8 },
    Approve { case: u8, who: u8 },
    Publish { case: u8 },
    StartClock { case: u8 },
    Close { case: u8 },
    Wait { minutes: u16 },
}

const UNITS: [&str; 4] = ["linhai", "qingfeng", "cuihu", "forest-fire"];
const LEVELS: [Option<&str>; 5] = [None, Some("IV"), Some("III"), Some("II"), Some("I")];
const ACTORS: [&str; 5] = ["run:r", "person:lin-guodong", "person:gao-yuan", "person:bai-ling", "person:stranger"];

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = prop_oneof![
        4 => (0..4u8, 0..12u8, 0..8u8, 0..5u8, 0..200u16)
            .prop_map(|(unit, id, text, floor, age_minutes)| Try::Receive { unit, id, text, floor, age_minutes }),
        2 => (any::<u8>(), 0..5u8).prop_map(|(item, level)| Try::Assess { item, level }),
        2 => (any::<u8>(), 0..5u8).prop_map(|(item, level)| Try::OpenItem { item, level }),
        1 => (0..4u8, 1..5u8).prop_map(|(unit, level)| Try::OpenCall { unit, level }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(case, item)| Try::Attach { case, item }),
        2 => any::<u8>().prop_map(|case| Try::Flash { case }),
        3 => (any::<u8>(), proptest::option::of(any::<u8>())).prop_map(|(case, asker)| Try::Answer { case, asker }),
        1 => (any::<u8>(), 1..5u8, 0..5u8).prop_map(|(case, level, who)| Try::SetLevel { case, level, who }),
        1 => (any::<u8>(), -120..30i16, 0..5u8).prop_map(|(case, minutes, who)| Try::Correct { case, minutes, who }),
        1 => (any::<u8>(), 0..5u8).prop_map(|(case, who)| Try::Propose { case, who }),
        1 => (any::<u8>(), 0..5u8).prop_map(|(case, who)| Try::Approve { case, who }),
        1 => any::<u8>().prop_map(|case| Try::Publish { case }),
        1 => any::<u8>().prop_map(|case| Try::StartClock { case }),
        3 => any::<u8>().prop_map(|case| Try::Close { case }),
        3 => (0..90u16).prop_map(|minutes| Try::Wait { minutes }),
    ];
    proptest::collection::vec(one, 1..60)
}

fn case(host: &Host, n: u8) -> Option<String> {
    let all: Vec<&str> = host.desk.cases().map(|case| case.number.as_str()).collect();
    (!all.is_empty()).then(|| all[usize::from(n) % all.len()].to_owned())
}

fn item(host: &Host, n: u8) -> Option<String> {
    let ids = host.facts.iter().filter_map(|fact| match fact {
        Fact::ItemReceived(received) => Some(received.item_id),
        _ => None,
    });
    let ids: Vec<_> = ids.collect();
    (!ids.is_empty()).then(|| ids[usize::from(n) % ids.len()].to_string())
}

fn attempt(host: &mut Host, what: &Try) {
    let level = |n: u8| LEVELS[usize::from(n)];
    match what.clone() {
        Try::Receive { unit, id, text, floor, age_minutes } => {
            let mut received = host.item(&id.to_string(), &format!("文 {text}"), level(floor));
            received.item.published = Some(host.now - SignedDuration::from_mins(age_minutes.into()));
            host.receive(UNITS[usize::from(unit)], vec![received.clone(), received]);
        }
        Try::Assess { item: n, level: l } => {
            if let Some(item) = item(host, n) {
                let _ = host.call("record-assessment", json!({ "item": item, "verdict": common::verdict(level(l)) }));
            }
        }
        Try::OpenItem { item: n, level: l } => {
            if let Some(item) = item(host, n) {
                let _ = host.call("open-case", json!({ "item": item, "level": level(l) }));
            }
        }
        Try::OpenCall { unit, level: l } => {
            let _ = host.call("open-case", json!({ "unit": UNITS[usize::from(unit)], "title": "来电", "level": level(l), "concerns": ["何时处理"] }));
        }
        Try::Attach { case: c, item: n } => {
            if let (Some(case), Some(item)) = (case(host, c), item(host, n)) {
                let _ = host.call("attach-item", json!({ "case": case, "item": item }));
            }
        }
        Try::Flash { case: c } => {
            if let Some(case) = case(host, c) {
                let _ = host.person(
                    "lin-guodong",
                    "submit-report",
                    json!({ "case": case, "stage": "flash", "facts": [{ "text": "事实", "observed": true }] }),
                );
            }
        }
        Try::Answer { case: c, asker } => {
            if let Some(number) = case(host, c) {
                let (askers, concerns) = {
                    let case = host.desk.case(&number).unwrap();
                    let askers: Vec<String> =
                        asker.map(|n| case.askers[usize::from(n) % case.askers.len()].id.clone()).into_iter().collect();
                    let concerns: Vec<_> =
                        case.concerns.iter().map(|c| json!({ "concern": c.id, "declined": "不属职责" })).collect();
                    (askers, concerns)
                };
                let _ = host.call(
                    "record-answer",
                    json!({ "case": number, "askers": askers, "text": "答", "channel": "网站", "concerns": concerns }),
                );
            }
        }
        Try::SetLevel { case: c, level: l, who } => {
            if let Some(case) = case(host, c) {
                let level = Level::parse(level(l).unwrap()).unwrap();
                let _ =
                    host.by(ACTORS[usize::from(who)], &Command::SetLevel { case, level, reason: "核实".to_owned() });
            }
        }
        Try::Correct { case: c, minutes, who } => {
            if let Some(number) = case(host, c) {
                let occurred_at =
                    host.desk.case(&number).unwrap().times.occurred + SignedDuration::from_mins(minutes.into());
                let _ = host.by(
                    ACTORS[usize::from(who)],
                    &Command::CorrectOccurredAt { case: number, occurred_at, reason: "核实".to_owned() },
                );
            }
        }
        Try::Propose { case: c, who } => {
            if let Some(case) = case(host, c) {
                let _ =
                    host.by(ACTORS[usize::from(who)], &Command::ProposeNoResponse { case, reason: "广告".to_owned() });
            }
        }
        Try::Approve { case: c, who } => {
            if let Some(number) = case(host, c) {
                let hash = host.desk.case(&number).unwrap().no_response().map(|p| p.hash.clone());
                let _ = host.by(
                    ACTORS[usize::from(who)],
                    &Command::ApproveNoResponse { case: number, hash: hash.unwrap_or_default() },
                );
            }
        }
        Try::Publish { case: c } => {
            if let Some(case) = case(host, c) {
                let _ = host.call("record-time", json!({ "case": case, "milestone": "published" }));
            }
        }
        Try::StartClock { case: c } => {
            if let Some(case) = case(host, c) {
                let _ = host.call("start-clock", json!({ "case": case, "rule": "supervision" }));
            }
        }
        Try::Close { case: c } => {
            if let Some(case) = case(host, c) {
                let _ = host.call("close-case", json!({ "case": case }));
            }
        }
        Try::Wait { minutes } => {
            host.minutes(minutes.into());
        }
    }
}

fn check(host: &Host) {
    for case in host.desk.cases() {
        // Rule 8 and clause 1i.
        if case.state == State::Closed {
            let answered = !case.answers.is_empty() && case.everyone_answered() && case.every_concern_settled();
            assert!(answered || case.no_response_approved(), "{} closed without an answer", case.number);
        }
        // Rule 9.
        for approval in &case.approvals {
            if let Some(approved) = &approval.approved {
                assert_ne!(approved.by, approval.author);
            }
        }
        // Clause 5e.
        let hour = case.clocks.iter().find(|entry| entry.clause.as_deref() == Some("5e"));
        if case.level.is_major() {
            let hour = hour.expect("a major case has the clock of clause 5e");
            assert!(hour.clock.allowance.to_string() == "PT1H" || case.unit == "forest-fire");
            assert!(!hour.clock.pausable);
        }
        if let Some(hour) = hour {
            if case.is_open() && hour.clock.satisfied.is_none() {
                assert_eq!(hour.clock.anchor_at, case.times.occurred);
                // Nothing overdue goes unnoticed.
                assert!(hour.clock.breached.is_some() || host.now <= hour.clock.due.at);
            }
            // Only the report stops it.
            assert_eq!(hour.clock.satisfied.is_some(), !case.reports.is_empty());
        }
        // Rule 5.
        assert!(case.times.occurred <= case.times.discovered && case.times.discovered <= case.times.opened);
        // One clock a rule, one case an item.
        let mut ids: Vec<&str> = case.clocks.iter().map(|entry| entry.clock.id.as_str()).collect();
        ids.dedup();
        assert_eq!(ids.len(), case.clocks.len());
        for entry in &case.items {
            assert_eq!(host.desk.case_of_item(&entry.item), Some(case.number.as_str()));
        }
        // Notifications have their own names.
        let mut names: Vec<&str> = case.notifications.iter().map(|n| n.id.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), case.notifications.len());
    }
    // Rule 7: a level falls only by a named person, with a reason.
    for fact in &host.facts {
        match fact {
            Fact::LevelChanged { head, from, by, reason, .. } if head.level < *from => {
                assert!(by.person().is_some() && !reason.is_empty());
            }
            Fact::CaseClosed { ground: Ground::NoResponse, head, .. } => {
                assert!(
                    host.facts.iter().any(|f| matches!(f, Fact::ApprovalGiven { head: h, .. } if h.case == head.case))
                );
            }
            _ => {}
        }
    }
    // Rule 3.1e: each (unit, source, id) once.
    let mut seen = std::collections::BTreeSet::new();
    for fact in &host.facts {
        if let Fact::ItemReceived(received) = fact {
            assert!(seen.insert((received.unit.clone(), received.item.source.clone(), received.item.id.clone())));
        }
    }
    assert_eq!(host.desk.strays(), 0);
}

/// Each clock breaches at most once unless a correction came between.
fn breaches(facts: &[Fact]) {
    use huiyin_deadline::clock::ClockFact;
    let mut standing = std::collections::BTreeSet::new();
    for fact in facts {
        if let Fact::ClockMoved { head, clock, .. } = fact {
            let name = (head.case.clone(), clock.clock().to_owned());
            match clock {
                ClockFact::Breached { lateness, .. } => {
                    assert!(lateness.is_positive());
                    assert!(standing.insert(name), "breached twice");
                }
                ClockFact::Rescheduled { breach_lifted: true, .. } => {
                    standing.remove(&name);
                }
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_tried_the_rules_hold(tries in tries()) {
        let mut host = Host::new();
        for what in &tries {
            attempt(&mut host, what);
            host.minutes(0);
            check(&host);
        }
        breaches(&host.facts);
        // Rule 1: the state is what the facts add up to, also in their stored form.
        prop_assert!(host.replayed() == host.desk, "replaying the facts gives another state");
        // And a stored state is the state.
        let stored = serde_json::to_string(&host.desk).unwrap();
        prop_assert!(serde_json::from_str::<huiyin_desk::Desk>(&stored).unwrap() == host.desk);
        // Time that has been dealt with brings nothing more.
        prop_assert!(host.desk.tick(host.now).is_empty());
    }
}
