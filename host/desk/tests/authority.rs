//! Who may do what: the desk asks before every command, whoever brings it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::{Host, SAMPLE, pack, verdict};
use huiyin_desk::case::{DeliveryOutcome, Milestone, Stage};
use huiyin_desk::{
    Act, Actor, AttachItem, CloseCase, Command, DeskError, DraftReport, Level, OpenCase, PolicyPack, RecordAnswer,
    RecordAssessment, RecordDelivery, RecordTime, SatisfyClock, StartClock, SubmitReport, permit,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Refusals of the one check.
const REFUSALS: [&str; 6] =
    ["not-a-person", "unknown-person", "not-yours", "not-your-role", "not-admin", "not-by-command"];

const UNITS: [&str; 4] = ["linhai", "qingfeng", "cuihu", "forest-fire"];

/// Each with the unit that the sample pack names them in.
const PERSONS: [(&str, Option<&str>); 6] = [
    ("he-ping", Some("linhai")),
    ("xu-ming", Some("qingfeng")),
    ("bai-ling", Some("cuihu")),
    ("jiang-tao", Some("forest-fire")),
    ("nobody-at-all", None),
    ("许明", None),
];

/// Every command that a person can give about a case.
fn commands(case: &str, item: uuid::Uuid) -> Vec<Command> {
    let (case, text) = (case.to_owned(), "查".to_owned());
    vec![
        Command::RecordAssessment(RecordAssessment {
            item: None,
            case: Some(case.clone()),
            verdict: verdict(Some("IV")),
            classifier: None,
        }),
        Command::OpenCase(OpenCase { item: Some(item), ..OpenCase::default() }),
        Command::AttachItem(AttachItem { case: case.clone(), item }),
        Command::StartClock(StartClock { case: case.clone(), rule: "supervision".to_owned() }),
        Command::SatisfyClock(SatisfyClock {
            case: case.clone(),
            clock: "press-24h".to_owned(),
            evidence: text.clone(),
        }),
        Command::DraftReport(DraftReport {
            case: case.clone(),
            stage: Stage::Flash,
            facts: vec![text.as_str().into()],
            cause: None,
            cause_evidence: Vec::new(),
            measures: None,
            result: None,
            documents: Vec::new(),
        }),
        Command::SubmitReport(SubmitReport {
            case: case.clone(),
            stage: Stage::Flash,
            draft: None,
            facts: vec![text.as_str().into()],
            cause: None,
            cause_evidence: Vec::new(),
            measures: None,
            result: None,
            documents: Vec::new(),
        }),
        Command::RecordAnswer(RecordAnswer {
            case: case.clone(),
            askers: Vec::new(),
            text: text.clone(),
            channel: "网站".to_owned(),
            proof: None,
            concerns: Vec::new(),
            delivered_at: None,
        }),
        Command::RecordTime(RecordTime {
            case: case.clone(),
            milestone: Milestone::Published,
            time: None,
            reason: None,
            evidence: None,
        }),
        Command::RecordDelivery(RecordDelivery {
            case: case.clone(),
            notification: "n1".to_owned(),
            outcome: DeliveryOutcome::Delivered,
            channel: "电话".to_owned(),
            receipt: None,
            detail: None,
        }),
        Command::CloseCase(CloseCase { case: case.clone(), note: None }),
        Command::AddConcern { case: case.clone(), text: text.clone() },
        Command::SetLevel { case: case.clone(), level: Level::I, reason: text.clone() },
        Command::CorrectOccurredAt {
            case: case.clone(),
            occurred_at: common::time(common::START),
            reason: text.clone(),
        },
        Command::ProposeNoResponse { case: case.clone(), reason: text },
        Command::ApproveNoResponse { case: case.clone(), hash: "00".to_owned() },
        Command::Approve { case: case.clone(), hash: "00".to_owned() },
        Command::Decline { case, hash: "00".to_owned(), reason: "查".to_owned() },
    ]
}

/// A case of a unit, and its item.
fn case_of(host: &mut Host, unit: &str) -> (String, uuid::Uuid) {
    let item = host.item(&format!("one of {unit}"), &format!("{unit} 浓烟"), Some("II"));
    let number = host.receive(unit, vec![item])["opened"][0].as_str().unwrap().to_owned();
    let item = host.desk.case(&number).unwrap().items[0].item;
    (number, item)
}

fn refused(error: &DeskError) -> bool {
    REFUSALS.contains(&error.code)
}

#[test]
fn desk_06_nobody_of_another_county_and_nobody_unknown_acts_on_a_case() {
    let mut host = Host::new();
    let (case, item) = case_of(&mut host, "qingfeng");
    let before = host.facts.len();
    for command in commands(&case, item) {
        for (who, code) in [
            ("person:bai-ling", "not-yours"),
            ("person:nobody-at-all", "unknown-person"),
            ("admin:admin", "not-a-person"),
        ] {
            // Neither in their own name nor in that of the unit whose case it is, or of the one above.
            for scope in [None, Some("qingfeng"), Some("linhai")] {
                host.scope = scope.map(str::to_owned);
                let error = host.by(who, &command).unwrap_err();
                assert_eq!(error.code, code, "{who} {command:?}: {error}");
                assert!(error.clause.is_some() && !error.hint.is_empty(), "{error:?}");
            }
        }
    }
    assert_eq!(host.facts.len(), before, "nothing has come of it");
    // A person of the unit, and one of the unit above, in the name of either.
    for (who, scope) in [("person:xu-ming", "qingfeng"), ("person:he-ping", "qingfeng"), ("person:he-ping", "linhai")] {
        host.scope = Some(scope.to_owned());
        host.by(who, &Command::AddConcern { case: case.clone(), text: format!("{who} {scope}") }).unwrap();
    }
    // Nobody speaks for the unit above.
    host.scope = Some("linhai".to_owned());
    let error = host.by("person:xu-ming", &Command::AddConcern { case, text: "x".to_owned() }).unwrap_err();
    assert_eq!(error.code, "not-yours");
}

#[test]
fn desk_06_what_runs_and_the_host_do_stays_theirs() {
    let mut host = Host::new();
    let (case, item) = case_of(&mut host, "qingfeng");
    let mut allowed = Vec::new();
    for command in commands(&case, item) {
        match host.by("run:r1", &command) {
            Err(error) if error.code == "not-a-person" => {}
            _ => allowed.push(Act::of(&command).name()),
        }
        for who in ["system:engine", "plugin:feed@0.1.0"] {
            let error = host.by(who, &command).unwrap_err();
            assert_eq!(error.code, "not-a-person", "{who} {command:?}");
        }
    }
    assert_eq!(
        allowed,
        [
            "record-assessment",
            "open-case",
            "attach-item",
            "start-clock",
            "draft-report",
            "record-answer",
            "record-time",
            "record-delivery",
            "close-case"
        ]
    );
    // What a run did is on record as the run's.
    let case = host.desk.case(&case).unwrap();
    assert_eq!(case.drafts[0].by.to_string(), "run:r1");
    // Nobody but the host brings a pack into force.
    for who in ["person:he-ping", "admin:admin", "run:r1"] {
        let error = host.by(who, &Command::AdoptPolicy { pack: Box::new(pack()) }).unwrap_err();
        assert_eq!(error.code, "not-by-command", "{who}");
    }
}

#[test]
fn desk_06_a_pack_keeps_acts_to_roles() {
    let mut value: Value = serde_json::from_str(SAMPLE).unwrap();
    let basis = json!({"source": "本局规定", "status": "own"});
    value["acts"] = json!([{"act": "close-case", "roles": ["principal", "duty"], "basis": basis}]);
    let parsed = PolicyPack::parse(&value.to_string(), "p.json").unwrap();
    let may = |who: &str, act| permit(Some(&parsed), &Actor::parse(who).unwrap(), act, Some("qingfeng"));
    // The principal, and whoever is on duty, of the unit or of one above it.
    for who in ["person:gao-yuan", "person:xu-ming", "person:lin-guodong", "person:he-ping"] {
        may(who, Act::CloseCase).unwrap();
    }
    let error = may("person:tang-xue", Act::CloseCase).unwrap_err();
    assert_eq!((error.code, error.clause), ("not-your-role", Some("3.5c")));
    assert!(error.hint.contains("principal or duty"), "{error}");
    may("person:tang-xue", Act::RecordAnswer).unwrap();
    assert_eq!(may("person:bai-ling", Act::CloseCase).unwrap_err().code, "not-yours", "a role of another unit");
    // A pack that has no rule reads and is written as before.
    assert!(!serde_json::to_string(&pack()).unwrap().contains("\"acts\""));

    for (acts, pointer, says) in [
        (json!([{"act": "close", "roles": ["duty"], "basis": basis}]), "/acts/0/act", "close-case"),
        (json!([{"act": "grant-plugin", "roles": ["duty"], "basis": basis}]), "/acts/0/act", "no act of persons"),
        (json!([{"act": "close-case", "roles": [], "basis": basis}]), "/acts/0/roles", "nobody may"),
        (
            json!([{"act": "close-case", "roles": ["dity"], "basis": basis}]),
            "/acts/0/roles/0",
            "nobody in the pack has",
        ),
        (
            json!([{"act": "deploy", "roles": ["duty"], "basis": basis}, {"act": "deploy", "roles": ["duty"], "basis": basis}]),
            "/acts/1/act",
            "already",
        ),
    ] {
        value["acts"] = acts;
        let problems = PolicyPack::parse(&value.to_string(), "p.json").unwrap_err();
        let problem = problems.iter().find(|p| p.pointer == pointer).unwrap_or_else(|| panic!("{problems:?}"));
        assert!(problem.to_string().contains(says), "{problem}");
    }
}

#[test]
fn desk_06_what_concerns_the_whole_host_is_the_admins_and_the_roots() {
    let pack = pack();
    let may = |who: &str, act, unit| permit(Some(&pack), &Actor::parse(who).unwrap(), act, unit).map_err(|e| e.code);
    for act in
        [Act::Deploy, Act::Bind, Act::PauseSchedule, Act::RewindSource, Act::StartRun, Act::ControlRun, Act::SendEvent]
    {
        for unit in [None, Some("qingfeng")] {
            assert_eq!(may("admin:wang", act, unit), Ok(()), "{act:?}");
            assert_eq!(may("person:he-ping", act, unit), Ok(()), "{act:?}");
            assert_eq!(may("person:admin", act, unit), Err("unknown-person"), "{act:?}");
            assert_eq!(may("run:r", act, unit), Err("not-a-person"), "{act:?}");
        }
        assert_eq!(may("person:xu-ming", act, None), Err("not-yours"), "{act:?}");
        assert_eq!(may("person:xu-ming", act, Some("qingfeng")), Ok(()), "{act:?}");
        assert_eq!(may("person:xu-ming", act, Some("cuihu")), Err("not-yours"), "{act:?}");
    }
    for act in [Act::InstallPlugin, Act::GrantPlugin, Act::TrustPublisher] {
        assert_eq!(may("admin:wang", act, None), Ok(()));
        assert_eq!(may("person:lin-guodong", act, None), Err("not-admin"));
    }
    // Without a pack nobody is told apart but those who are no persons.
    let alone = |who: &str, act| permit(None, &Actor::parse(who).unwrap(), act, None).map_err(|e| e.code);
    assert_eq!(alone("person:anybody", Act::Deploy), Ok(()));
    assert_eq!(alone("person:anybody", Act::GrantPlugin), Ok(()));
    assert_eq!(alone("run:r", Act::GrantPlugin), Err("not-admin"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A person acts exactly where the unit that names them is the one in whose
    /// name it is asked, or stands above it, and that one the case's, or above it.
    #[test]
    fn desk_06_random_persons_units_and_commands(
        tries in prop::collection::vec((0..PERSONS.len(), 0..UNITS.len(), 0..UNITS.len(), 0..15usize), 1..40),
    ) {
        let mut host = Host::new();
        let cases: Vec<_> = UNITS.iter().map(|unit| case_of(&mut host, unit)).collect();
        let above = |one: &str, other: &str| one == other || one == "linhai";
        for (person, scope, unit, which) in tries {
            let ((person, home), scope, (case, item)) = (PERSONS[person], UNITS[scope], &cases[unit]);
            host.scope = Some(scope.to_owned());
            let command = commands(case, *item).swap_remove(which);
            let allowed = home.is_some_and(|home| above(home, scope)) && above(scope, UNITS[unit]);
            let before = host.facts.len();
            match host.by(&format!("person:{person}"), &command) {
                Err(error) if refused(&error) => {
                    prop_assert!(!allowed, "{person} for {scope} on {}'s case: {error}", UNITS[unit]);
                    prop_assert!(error.clause.is_some() && !error.hint.is_empty());
                    prop_assert_eq!(host.facts.len(), before);
                }
                // The act itself may have its own reasons.
                _ => prop_assert!(allowed, "{person} for {scope} on {}'s case: {command:?}", UNITS[unit]),
            }
        }
    }
}
