//! Pauses, more time, escalation, new packs, and newer calendars, at the desk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

mod common;

use common::{Host, SAMPLE, time};
use huiyin_deadline::clock::ClockFact;
use huiyin_desk::{Command, Desk, Fact, PolicyPack, case_summary};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The sample pack with other values.
fn pack_with(change: impl FnOnce(&mut Value)) -> PolicyPack {
    let mut pack: Value = serde_json::from_str(SAMPLE).unwrap();
    pack["closing"] = json!([]);
    change(&mut pack);
    read(&pack).unwrap_or_else(|problems| panic!("{problems}"))
}

fn read(pack: &Value) -> Result<PolicyPack, String> {
    PolicyPack::parse(&serde_json::to_string_pretty(pack).unwrap(), "pack.json")
        .map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// A rule of the pack, to change.
fn rule<'p>(pack: &'p mut Value, id: &str) -> &'p mut Value {
    pack["clocks"].as_array_mut().unwrap().iter_mut().find(|rule| rule["id"] == id).unwrap()
}

/// A rule that is started by hand: paused, extended and escalated as one likes.
fn own_rule(allowance: &str, more: Value) -> Value {
    let mut rule = json!({
        "id": "own", "name": {"zh": "自定时限"}, "anchor": "opened_at", "allowance": allowance, "calendar": "cn",
        "pausable": true, "satisfied_by": "hand", "basis": {"source": "own", "status": "own"},
    });
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rule
}

fn host_with(allowance: &str, more: Value) -> (Host, String) {
    let mut host =
        Host::under(pack_with(|pack| pack["clocks"].as_array_mut().unwrap().push(own_rule(allowance, more))));
    let case = host.case("II");
    host.call("start-clock", json!({"case": case, "rule": "own"})).unwrap();
    (host, case)
}

fn clock(host: &Host, case: &str, id: &str) -> Value {
    let summary = case_summary(host.desk.case(case).unwrap(), host.now);
    summary["clocks"].as_array().unwrap().iter().find(|clock| clock["clock"] == id).unwrap().clone()
}

/// Who was told by the escalations among these facts: step, rung, people.
fn told(facts: &[Fact]) -> Vec<(String, u32, Vec<String>)> {
    let one = |fact: &Fact| match fact {
        Fact::EscalationRaised { escalation, notify, .. } => Some((
            serde_json::to_value(escalation.step).unwrap().as_str().unwrap().to_owned(),
            escalation.raised.rung + 1,
            notify.iter().map(|n| n.to.id.clone()).collect(),
        )),
        _ => None,
    };
    facts.iter().filter_map(one).collect()
}

fn pause(host: &mut Host, case: &str, by: &str) -> Result<Value, huiyin_desk::DeskError> {
    host.person(
        by,
        "pause-clock",
        json!({"case": case, "clock": "own", "kind": "consulting", "reason": "征求县级意见"}),
    )
}

#[test]
fn a_pause_needs_a_reason_a_second_person_and_a_rule_that_allows_it() {
    let (mut host, case) = host_with("PT10H", json!({}));
    let due = time(clock(&host, &case, "own")["due_at"].as_str().unwrap());
    let blank = json!({"case": case, "clock": "own", "kind": "other", "reason": " "});
    assert_eq!(host.person("xu-ming", "pause-clock", blank).unwrap_err().code, "empty");
    let hash = pause(&mut host, &case, "xu-ming").unwrap()["pending"]["hash"].clone();
    assert_eq!(clock(&host, &case, "own")["state"], "running", "nobody has confirmed it");
    let approve = json!({"command": "approve", "case": case, "hash": hash});
    assert_eq!(host.does("xu-ming", approve.clone()).unwrap_err().code, "own-text");
    host.minutes(60);
    host.does("gao-yuan", approve).unwrap();
    let paused = clock(&host, &case, "own");
    assert_eq!((paused["state"].as_str(), paused["pauses"][0]["kind"].as_str()), (Some("paused"), Some("consulting")));
    assert_eq!(paused["pauses"][0]["approved_by"], "gao-yuan");
    host.minutes(24 * 60);
    assert_eq!(clock(&host, &case, "own")["state"], "paused", "a paused clock is not missed");
    let resumed = host.person("xu-ming", "resume-clock", json!({"case": case, "clock": "own"})).unwrap();
    assert_eq!(time(resumed["due_at"].as_str().unwrap()), due + SignedDuration::from_hours(24));
    assert!(host.person("xu-ming", "resume-clock", json!({"case": case, "clock": "own"})).is_err());
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn the_clock_of_clause_5e_never_stands_still_and_has_no_more_time() {
    let mut host = Host::new();
    let case = host.case("II");
    let flash = host.desk.case(&case).unwrap().clocks.iter().find(|c| c.clause.as_deref() == Some("5e")).unwrap();
    let id = flash.clock.id.clone();
    let refused = host
        .person("xu-ming", "pause-clock", json!({"case": case, "clock": id, "kind": "consulting", "reason": "等核实"}))
        .unwrap_err();
    assert_eq!((refused.code, refused.clause), ("unpausable", Some("5e")));
    let extended = host.person("xu-ming", "extend-clock", json!({"case": case, "clock": id, "reason": "等核实"}));
    assert_eq!(extended.unwrap_err().code, "not-extendable");
    // Nor can a pack say so.
    let mut pack: Value = serde_json::from_str(SAMPLE).unwrap();
    rule(&mut pack, &id)["extension"] = json!("PT30M");
    assert!(read(&pack).unwrap_err().contains("clause 5e: this clock is not extended"));
}

#[test]
fn there_is_more_time_once_before_the_due_time_and_by_the_rules_figure() {
    let (mut host, case) = host_with("2wd", json!({"extension": "3wd"}));
    let ask = json!({"case": case, "clock": "own", "reason": "案情复杂"});
    let asked = host.person("xu-ming", "extend-clock", ask.clone()).unwrap();
    assert_eq!(asked["allowance"], "3wd");
    let approve = json!({"command": "approve", "case": case, "hash": asked["pending"]["hash"]});
    host.does("gao-yuan", approve).unwrap();
    // Sunday 1 March 2026 and five working days: the end of Friday the 6th.
    assert_eq!(clock(&host, &case, "own")["due_at"], "2026-03-06T16:00:00Z");
    assert!(host.person("xu-ming", "extend-clock", ask).unwrap_err().message.contains("extended once already"));
    assert_eq!(host.replayed(), host.desk);
    // Too late, and without a figure.
    let (mut late, case) = host_with("PT1H", json!({"extension": "PT1H"}));
    late.minutes(61);
    let ask = json!({"case": case, "clock": "own", "reason": "案情复杂"});
    assert_eq!(late.person("xu-ming", "extend-clock", ask).unwrap_err().code, "too-late");
    let (mut none, case) = host_with("PT1H", json!({}));
    let ask = json!({"case": case, "clock": "own", "reason": "案情复杂"});
    assert_eq!(none.person("xu-ming", "extend-clock", ask).unwrap_err().code, "not-extendable");
    let mut pack: Value = serde_json::from_str(SAMPLE).unwrap();
    pack["clocks"].as_array_mut().unwrap().push(own_rule("2wd", json!({"extension": "PT1H"})));
    assert!(read(&pack).unwrap_err().contains("another kind of figure"));
}

fn ladder() -> Value {
    json!({"escalation": [
        {"after": "-PT10M", "tell": ["lead.principal"]},
        {"after": "PT0S", "tell": ["lead.principal"], "acknowledge_within": "PT20M", "repeat": "PT5M",
         "fallback": ["lead.spokesperson"]},
    ]})
}

#[test]
fn an_escalation_is_repeated_climbs_and_ends_with_the_roots_superior() {
    let (mut host, case) = host_with("PT1H", ladder());
    let unit = host.desk.case(&case).unwrap().unit.clone();
    let pack = host.desk.policy().unwrap().clone();
    let line: Vec<String> = pack.line(&unit).map(|unit| unit.principal.clone()).collect();
    let superior = pack.root().unwrap().superior.as_ref().unwrap().id.clone();
    assert_eq!(told(&host.minutes(49)), vec![]);
    assert_eq!(told(&host.minutes(1)), vec![("raised".to_owned(), 1, vec![line[0].clone()])]);
    host.minutes(10);
    assert_eq!(told(&host.minutes(1)), vec![("raised".to_owned(), 2, vec![line[0].clone()])]);
    assert_eq!(clock(&host, &case, "own")["unheard"], 2);
    assert_eq!(told(&host.minutes(5)), vec![("repeated".to_owned(), 2, vec![line[0].clone()])]);
    // Nobody says a word: the fallback and the unit above hear of it, then the next, and last the superior.
    host.minutes(14);
    let mut heard: Vec<String> = Vec::new();
    for _ in 0..200 {
        for (step, _, people) in told(&host.minutes(1)) {
            if step == "climbed" {
                heard.extend(people);
            }
        }
    }
    let spokesperson = pack.unit(&unit).unwrap().spokesperson.clone();
    let mut expected = vec![spokesperson];
    expected.extend(line.iter().skip(1).cloned());
    expected.push(superior.clone());
    assert_eq!(heard, expected);
    // It is not repeated for ever.
    host.minutes(24 * 60);
    assert_eq!(told(&host.minutes(24 * 60)), vec![]);
    assert_eq!(host.replayed(), host.desk);
    // The superior's word is told by somebody of the root.
    let stranger = host.person("xu-ming", "acknowledge-escalation", json!({"case": case, "clock": "own"}));
    let root_person = line.last().unwrap().clone();
    assert_eq!(stranger.unwrap_err().code, "not-told");
    host.person(&root_person, "acknowledge-escalation", json!({"case": case, "clock": "own", "note": "已电话报告"}))
        .unwrap();
    assert_eq!(clock(&host, &case, "own")["unheard"], 0);
}

#[test]
fn what_was_heard_is_not_repeated_and_a_clock_at_rest_raises_nothing() {
    let (mut host, case) = host_with("PT1H", ladder());
    host.minutes(61);
    let principal = host.desk.policy().unwrap().unit("qingfeng").unwrap().principal.clone();
    let heard = host.person(&principal, "acknowledge-escalation", json!({"case": case, "clock": "own"})).unwrap();
    assert_eq!(heard["rungs"], json!([0, 1]));
    assert_eq!(told(&host.minutes(24 * 60)), vec![]);
    let again = host.person(&principal, "acknowledge-escalation", json!({"case": case, "clock": "own"}));
    assert_eq!(again.unwrap_err().code, "not-found");
    let (mut host, case) = host_with("PT1H", ladder());
    host.minutes(10);
    host.person("xu-ming", "satisfy-clock", json!({"case": case, "clock": "own", "evidence": "已办"})).unwrap();
    assert_eq!(told(&host.minutes(24 * 60)), vec![]);
    // A paused one waits, and is raised by the due time that it has then.
    let (mut host, case) = host_with("PT1H", ladder());
    let hash = pause(&mut host, &case, "xu-ming").unwrap()["pending"]["hash"].clone();
    host.does("gao-yuan", json!({"command": "approve", "case": case, "hash": hash})).unwrap();
    assert_eq!(told(&host.minutes(600)), vec![]);
    host.person("xu-ming", "resume-clock", json!({"case": case, "clock": "own"})).unwrap();
    assert_eq!(told(&host.minutes(49)), vec![]);
    assert_eq!(told(&host.minutes(1)).len(), 1);
}

#[test]
fn after_a_long_sleep_each_rung_is_raised_once_with_its_true_lateness() {
    let (mut host, case) = host_with("PT1H", ladder());
    let facts = host.minutes(3 * 24 * 60);
    assert_eq!(told(&facts).len(), 2, "{facts:?}");
    let Some(Fact::EscalationRaised { escalation, .. }) =
        facts.iter().rev().find(|f| matches!(f, Fact::EscalationRaised { .. }))
    else {
        panic!("{facts:?}")
    };
    assert_eq!(escalation.at.duration_since(escalation.raised.due_at).as_hours(), 70);
    assert!(host.desk.tick(host.now).is_empty());
    assert!(host.desk.overdue(host.now, None, 100).0.is_empty(), "late is not missed: {case}");
}

#[test]
fn the_watch_dog_finds_what_did_not_run_and_makes_up_for_it() {
    let (mut host, case) = host_with("PT1H", ladder());
    // A desk whose wakes were lost: what it keeps of when to wake says nothing.
    let mut stored = serde_json::to_value(&host.desk).unwrap();
    stored["wakes"] = json!([]);
    let mut broken: Desk = serde_json::from_value(stored).unwrap();
    host.now += SignedDuration::from_mins(90);
    assert!(broken.tick(host.now).is_empty(), "it sleeps");
    let (found, more) = broken.overdue(host.now, None, 100);
    assert!(more.is_none());
    let missed = found.iter().filter(|fact| matches!(fact, Fact::EscalationMissed { .. })).count();
    assert!(missed >= 3, "two rungs and the clock itself: {found:?}");
    assert_eq!(told(&found).len(), 2);
    assert!(found.iter().any(|fact| matches!(fact, Fact::ClockMoved { clock: ClockFact::Breached { .. }, .. })));
    for fact in &found {
        broken.apply(fact);
    }
    assert!(broken.overdue(host.now, None, 100).0.is_empty());
    assert!(!broken.case(&case).unwrap().missed.is_empty(), "it stays to be seen");
    // Within the grace it is merely late.
    let (mut host, _) = host_with("PT1H", ladder());
    host.minutes(50);
    let at = host.desk.next_wake().unwrap();
    host.now = at + SignedDuration::from_secs(10);
    assert!(host.desk.overdue(host.now, None, 100).0.is_empty());
    assert!(!host.desk.tick(host.now).is_empty());
}

/// SplitMix64.
fn roll(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[test]
fn every_due_escalation_ran_under_steps_of_the_clock_and_restarts() {
    for seed in 0..60_u64 {
        let mut dice = seed;
        let (mut host, case) = host_with("PT2H", ladder());
        let mut latest = host.now;
        for _ in 0..40 {
            match roll(&mut dice) % 8 {
                // The machine's clock is set back, or leaps ahead.
                0 => host.now -= SignedDuration::from_mins(i64::try_from(roll(&mut dice) % 90).unwrap()),
                1 => host.now += SignedDuration::from_hours(i64::try_from(roll(&mut dice) % 5).unwrap()),
                // The host starts anew from its facts.
                2 => host.desk = host.replayed(),
                3 => {
                    let at = host.now - SignedDuration::from_mins(i64::try_from(roll(&mut dice) % 300).unwrap());
                    let correct =
                        json!({"command": "correct-occurred-at", "case": case, "occurred_at": at, "reason": "更正"});
                    let _ = host.does("lin-guodong", correct);
                }
                4 => {
                    let principal = host.desk.policy().unwrap().unit("qingfeng").unwrap().principal.clone();
                    let _ = host.person(&principal, "acknowledge-escalation", json!({"case": case, "clock": "own"}));
                }
                _ => host.now += SignedDuration::from_mins(i64::try_from(roll(&mut dice) % 40).unwrap()),
            }
            latest = latest.max(host.now);
            host.wait(SignedDuration::ZERO);
            assert!(host.desk.tick(host.now).is_empty(), "seed {seed}: a tick leaves nothing to do");
            // From the facts alone: whatever is due by now was raised, once for each due time.
            let entry = host.desk.case(&case).unwrap().clocks.iter().find(|c| c.clock.id == "own").unwrap().clone();
            for (rung, after) in [(0_u32, SignedDuration::from_mins(-10)), (1, SignedDuration::ZERO)] {
                let due_at = entry.clock.due.at + after;
                let raised = entry.raised.iter().filter(|raised| raised.rung == rung).count();
                if due_at < host.now {
                    assert!(raised >= 1, "seed {seed}: rung {rung} was due at {due_at}, it is {}", host.now);
                }
                if latest < due_at {
                    assert_eq!(raised, 0, "seed {seed}: rung {rung} was raised before {due_at}");
                }
                assert!(raised <= 1, "seed {seed}: rung {rung} was raised {raised} times for one due time");
            }
            let far = host.now + SignedDuration::from_secs(31);
            let late = host.desk.overdue(far, None, 100).0;
            let wakes = host.desk.next_wake().is_some_and(|wake| wake < far);
            assert!(late.is_empty() || wakes, "seed {seed}: {late:?}");
        }
        assert_eq!(host.replayed(), host.desk, "seed {seed}");
    }
}

/// The sample pack with a calendar of its own that knows these years.
fn under_years(version: &str, years: &[i16]) -> PolicyPack {
    pack_with(|pack| {
        pack["version"] = json!(version);
        let years: Vec<Value> =
            years.iter().map(|year| json!({"year": year, "off": [format!("{year}-01-01")]})).collect();
        let data = json!({"format": "huiyin.calendar.v1", "id": "own", "over": "cn", "years": years});
        pack["calendars"].as_array_mut().unwrap().push(json!({"id": "own", "data": data}));
        pack["clocks"].as_array_mut().unwrap().push(own_rule("3wd", json!({"calendar": "own"})));
    })
}

#[test]
fn a_provisional_due_time_is_settled_when_the_year_is_published() {
    let mut host = Host::under(under_years("1.0.0", &[]));
    host.now = time("2026-12-29T02:00:00Z");
    let case = host.case("II");
    host.call("start-clock", json!({"case": case, "rule": "own"})).unwrap();
    let before = clock(&host, &case, "own");
    assert_eq!(
        (before["due_at"].as_str(), before["provisional"].as_bool()),
        (Some("2027-01-01T16:00:00Z"), Some(true))
    );
    let adopted = host.system(&Command::AdoptPolicy { pack: Box::new(under_years("1.1.0", &[2027])) }).unwrap();
    assert_eq!(adopted.output["recomputed"], 1);
    let after = clock(&host, &case, "own");
    // The first of January is off, the second a Saturday.
    assert_eq!((after["due_at"].as_str(), after["provisional"].as_bool()), (Some("2027-01-04T16:00:00Z"), Some(false)));
    assert!(adopted.facts.iter().any(|f| matches!(f, Fact::ClockMoved { clock: ClockFact::Rescheduled { .. }, .. })));
    assert!(host.desk.recompute(host.now).is_empty(), "nothing is left to settle");
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn no_breach_is_rewritten_by_a_newer_calendar() {
    let mut host = Host::under(under_years("1.0.0", &[]));
    host.now = time("2026-12-29T02:00:00Z");
    let case = host.case("II");
    host.call("start-clock", json!({"case": case, "rule": "own"})).unwrap();
    host.wait(SignedDuration::from_hours(24 * 4));
    assert_eq!(clock(&host, &case, "own")["state"], "breached");
    host.system(&Command::AdoptPolicy { pack: Box::new(under_years("1.1.0", &[2027])) }).unwrap();
    let after = clock(&host, &case, "own");
    assert_eq!((after["state"].as_str(), after["due_at"].as_str()), (Some("breached"), Some("2027-01-01T16:00:00Z")));
    // Nor where nobody had noticed it yet: it is put on record by the day that held.
    let mut host = Host::under(under_years("1.0.0", &[]));
    host.now = time("2026-12-29T02:00:00Z");
    let case = host.case("II");
    host.call("start-clock", json!({"case": case, "rule": "own"})).unwrap();
    host.now += SignedDuration::from_hours(24 * 4);
    host.system(&Command::AdoptPolicy { pack: Box::new(under_years("1.1.0", &[2027])) }).unwrap();
    assert_eq!(clock(&host, &case, "own")["state"], "breached");
}

#[test]
fn a_new_pack_reaches_new_cases_and_running_clocks_only_when_told() {
    let figure = |version: &str, allowance: &str| {
        pack_with(|pack| {
            pack["version"] = json!(version);
            pack["clocks"].as_array_mut().unwrap().push(own_rule(allowance, json!({"levels": ["II"]})));
        })
    };
    let mut host = Host::under(figure("1.0.0", "PT10H"));
    let old = host.case("II");
    let missed = host.case("II");
    host.minutes(60);
    host.system(&Command::AdoptPolicy { pack: Box::new(figure("1.1.0", "PT5H")) }).unwrap();
    let new = host.case("II");
    let due = |host: &Host, case: &str| time(clock(host, case, "own")["due_at"].as_str().unwrap());
    let start: Timestamp = time(common::START);
    assert_eq!(due(&host, &old), start + SignedDuration::from_hours(10));
    assert_eq!(due(&host, &new), start + SignedDuration::from_hours(6));
    let pack = |host: &Host, case: &str| case_summary(host.desk.case(case).unwrap(), host.now)["pack"].clone();
    assert!(pack(&host, &old).as_str().unwrap().ends_with(":1.0.0"), "a case pins its pack");
    // A clock that is started later by hand goes by the case's own pack, too.
    host.wait(SignedDuration::from_hours(10));
    assert_eq!(clock(&host, &missed, "own")["state"], "breached");
    assert!(host.does("lin-guodong", json!({"command": "recompute-clocks", "reason": "x"})).is_err());
    let told = host.system(&Command::RecomputeClocks { reason: "启用 1.1.0".to_owned() }).unwrap();
    assert_eq!(told.output["version"], "1.1.0");
    assert_eq!(clock(&host, &missed, "own")["state"], "breached");
    assert_eq!(due(&host, &missed), start + SignedDuration::from_hours(10), "no breach is rewritten");
    assert!(pack(&host, &old).as_str().unwrap().ends_with(":1.1.0"));
    assert_eq!(host.replayed(), host.desk);
    // One that runs follows, and what that makes overdue is a breach from then on.
    let mut host = Host::under(figure("1.0.0", "PT10H"));
    let case = host.case("II");
    host.minutes(60);
    host.system(&Command::AdoptPolicy { pack: Box::new(figure("1.1.0", "PT5H")) }).unwrap();
    host.system(&Command::RecomputeClocks { reason: "启用 1.1.0".to_owned() }).unwrap();
    assert_eq!(due(&host, &case), start + SignedDuration::from_hours(5));
    assert!(host.system(&Command::RecomputeClocks { reason: "再次".to_owned() }).unwrap().facts.is_empty());
    assert_eq!(host.replayed(), host.desk);
}

#[test]
fn bad_ladders_are_refused_with_their_place() {
    for (rung, expected) in [
        (json!({"after": "soon", "tell": ["lead.principal"]}), "/clocks/N/escalation/0/after"),
        (json!({"after": "PT0S", "tell": []}), "nobody is told"),
        (json!({"after": "PT0S", "tell": ["lead.nobody"]}), "nobody in the pack has the role `nobody`"),
        (json!({"after": "PT0S", "tell": ["lead.principal"], "repeat": "PT1S"}), "at least a minute"),
        (json!({"after": "PT0S", "tell": ["lead.principal"], "acknowledge_within": "2wd"}), "at least a minute"),
        (json!({"after": "PT0S", "tell": ["lead.principal"], "fallback": ["lead.principal"]}), "acknowledge_within"),
        (json!({"after": "-PT2H", "tell": ["lead.principal"]}), "would come before the clock starts"),
        (json!({"after": "PT0S", "tell": ["lead.principal"], "wait": "PT1H"}), "unknown key `wait`"),
    ] {
        let mut pack: Value = serde_json::from_str(SAMPLE).unwrap();
        pack["clocks"].as_array_mut().unwrap().push(own_rule("PT1H", json!({"escalation": [rung]})));
        let at = pack["clocks"].as_array().unwrap().len() - 1;
        let problems = read(&pack).unwrap_err();
        assert!(problems.contains(&expected.replace("/N/", &format!("/{at}/"))), "{problems}");
    }
}

#[test]
fn the_schema_of_packs_takes_the_sample_and_refuses_what_is_no_pack() {
    let schema = jsonschema::validator_for(&huiyin_desk::policy::schema()).unwrap();
    let sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let found: Vec<String> = schema.iter_errors(&sample).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(found.is_empty(), "{found:?}");
    let mut more = sample.clone();
    more["clocks"].as_array_mut().unwrap().push(own_rule("2wd", ladder()));
    more["clocks"].as_array_mut().unwrap().push(own_rule("2wd", json!({"extension": "2wd", "kinds": ["message"]})));
    assert!(schema.is_valid(&more));
    for (key, value) in [("anchor", json!("whenever")), ("satisfied_by", json!("luck")), ("more", json!(1))] {
        let mut wrong = sample.clone();
        wrong["clocks"][0][key] = value;
        assert!(!schema.is_valid(&wrong), "{key}");
    }
    let mut wrong = sample.clone();
    wrong.as_object_mut().unwrap().remove("floor");
    assert!(!schema.is_valid(&wrong));
}
