//! What a clock does, at the public surface.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use huiyin_deadline::Calendar;
use huiyin_deadline::clock::{self, Clock, ClockError, ClockFact, ClockRule};
use jiff::Timestamp;
use serde_json::json;

fn cn() -> &'static Calendar {
    Calendar::builtin("cn").unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Clause 5e: one hour from the occurrence, cannot be paused.
fn flash() -> ClockRule {
    serde_json::from_value(json!({
        "id": "flash-report", "allowance": "PT1H", "anchor": "occurred_at",
        "warnings": ["50%", "PT10M"], "source": "clause 5e"
    }))
    .unwrap()
}

fn reply() -> ClockRule {
    serde_json::from_value(json!({
        "id": "disclosure-reply", "allowance": "20wd", "anchor": "received_at",
        "warnings": ["80%"], "pausable": true, "source": "政府信息公开条例"
    }))
    .unwrap()
}

fn patient() -> ClockRule {
    ClockRule { pausable: true, ..flash() }
}

/// A clock together with the facts it was built from.
struct Run {
    clock: Clock,
    facts: Vec<ClockFact>,
}

impl Run {
    fn start(rule: &ClockRule, anchor: &str, now: &str) -> Self {
        let facts = clock::start(rule, "k1", "case/7", at(anchor), at(now), cn()).unwrap();
        Self { clock: Clock::replay(&facts).unwrap(), facts }
    }

    fn take(&mut self, facts: Vec<ClockFact>) -> Vec<&'static str> {
        for fact in &facts {
            self.clock.apply(fact).unwrap();
        }
        let names = facts.iter().map(name).collect();
        self.facts.extend(facts);
        assert_eq!(Clock::replay(&self.facts).unwrap(), self.clock);
        names
    }

    fn tick(&mut self, now: &str) -> Vec<&'static str> {
        self.take(clock::tick(&self.clock, at(now)))
    }

    fn lateness(&self) -> String {
        self.clock.breached.unwrap().lateness.to_string()
    }
}

fn name(fact: &ClockFact) -> &'static str {
    match fact {
        ClockFact::Started { .. } => "started",
        ClockFact::Warned { .. } => "warned",
        ClockFact::Breached { .. } => "breached",
        ClockFact::Satisfied { .. } => "satisfied",
        ClockFact::Rescheduled { .. } => "rescheduled",
        ClockFact::Paused { .. } => "paused",
        ClockFact::Resumed { .. } => "resumed",
        ClockFact::Extended { .. } => "extended",
    }
}

#[test]
fn clause_5e_warns_then_breaches_once() {
    let mut run = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T10:05:00Z");
    assert_eq!(run.clock.due.at, at("2024-03-01T11:00:00Z"));
    assert_eq!(clock::next_wake(&run.clock), Some(at("2024-03-01T10:30:00Z")));
    assert!(run.tick("2024-03-01T10:29:59Z").is_empty());
    assert_eq!(run.tick("2024-03-01T10:30:00Z"), ["warned"]);
    assert!(run.tick("2024-03-01T10:30:00Z").is_empty());
    assert_eq!(clock::next_wake(&run.clock), Some(at("2024-03-01T10:50:00Z")));
    assert_eq!(run.tick("2024-03-01T10:55:00Z"), ["warned"]);
    assert!(run.tick("2024-03-01T11:00:00Z").is_empty(), "what comes at the due time is on time");
    assert_eq!(run.tick(&clock::next_wake(&run.clock).unwrap().to_string()), ["breached"]);
    assert_eq!(run.lateness(), "PT0.001S");
    assert!(run.tick("2024-03-02T00:00:00Z").is_empty());
    assert_eq!(clock::next_wake(&run.clock), None);
}

#[test]
fn a_late_tick_reports_the_true_lateness() {
    let mut run = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T10:05:00Z");
    assert_eq!(run.tick("2024-03-03T11:00:00Z"), ["breached"], "warnings are moot by now");
    assert_eq!(run.lateness(), "PT48H");
}

#[test]
fn a_case_found_late_is_born_breached() {
    let run = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T14:00:00Z");
    assert_eq!(run.facts.iter().map(name).collect::<Vec<_>>(), ["started", "breached"]);
    assert_eq!(run.lateness(), "PT3H");
}

#[test]
fn a_case_found_between_warning_and_due_time_warns_at_once() {
    let run = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T10:40:00Z");
    assert_eq!(run.facts.iter().map(name).collect::<Vec<_>>(), ["started", "warned"]);
}

#[test]
fn satisfied_in_time_late_noticed_and_late_unnoticed() {
    let mut on_time = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T10:05:00Z");
    let facts = clock::satisfy(&on_time.clock, at("2024-03-01T11:00:00Z"), "report/1").unwrap();
    assert_eq!(on_time.take(facts), ["satisfied"]);
    assert!(on_time.clock.satisfied.as_ref().unwrap().on_time);
    assert!(on_time.tick("2024-03-05T00:00:00Z").is_empty());
    assert_eq!(on_time.clock.lateness(at("2024-03-05T00:00:00Z")), None);
    assert_eq!(clock::next_wake(&on_time.clock), None);
    let again = clock::satisfy(&on_time.clock, at("2024-03-01T12:00:00Z"), "report/2").unwrap_err();
    assert!(matches!(again, ClockError::AlreadySatisfied { .. }));

    let mut noticed = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T12:00:00Z");
    let facts = clock::satisfy(&noticed.clock, at("2024-03-01T12:30:00Z"), "report/1").unwrap();
    assert_eq!(noticed.take(facts), ["satisfied"]);
    assert!(!noticed.clock.satisfied.as_ref().unwrap().on_time);
    assert_eq!(noticed.clock.lateness(at("2024-03-05T00:00:00Z")).unwrap().to_string(), "PT1H30M");

    let mut unnoticed = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T10:05:00Z");
    let facts = clock::satisfy(&unnoticed.clock, at("2024-03-01T11:00:01Z"), "report/1").unwrap();
    assert_eq!(unnoticed.take(facts), ["breached", "satisfied"]);
    assert_eq!(unnoticed.lateness(), "PT1S");
}

#[test]
fn a_correction_to_an_earlier_time_may_breach_at_once() {
    let mut run = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T10:05:00Z");
    let facts = clock::reanchor(
        &run.clock,
        at("2024-03-01T08:00:00Z"),
        "witness",
        "person:li",
        at("2024-03-01T10:10:00Z"),
        cn(),
    )
    .unwrap();
    assert_eq!(run.take(facts), ["rescheduled", "breached"]);
    assert_eq!(run.lateness(), "PT1H10M");
    assert_eq!(run.clock.corrections[0].reason, "witness");
    assert_eq!(run.clock.corrections[0].old_due.at, at("2024-03-01T11:00:00Z"));
}

#[test]
fn a_correction_to_a_later_time_lifts_a_breach_but_keeps_it_in_the_history() {
    let mut run = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T11:30:00Z");
    assert!(run.clock.breached.is_some());
    let facts =
        clock::reanchor(&run.clock, at("2024-03-01T11:00:00Z"), "typo", "person:li", at("2024-03-01T11:35:00Z"), cn())
            .unwrap();
    assert_eq!(run.take(facts), ["rescheduled", "warned"], "half of the new hour is over");
    assert_eq!(run.clock.breached, None);
    assert_eq!(run.clock.lifted.len(), 1);
    assert_eq!(run.tick("2024-03-01T11:51:00Z"), ["warned"]);
    assert_eq!(run.tick("2024-03-01T12:00:01Z"), ["breached"], "the new due time has its own breach");
}

#[test]
fn a_correction_that_stays_late_keeps_the_breach_and_adds_none() {
    let mut run = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T14:00:00Z");
    let facts =
        clock::reanchor(&run.clock, at("2024-03-01T10:30:00Z"), "typo", "person:li", at("2024-03-01T14:05:00Z"), cn())
            .unwrap();
    assert_eq!(run.take(facts), ["rescheduled"]);
    assert!(run.clock.breached.is_some() && run.tick("2024-03-02T00:00:00Z").is_empty());
    assert_eq!(run.clock.lateness(at("2024-03-01T14:30:00Z")).unwrap().to_string(), "PT3H");
}

#[test]
fn warnings_are_armed_again_for_a_later_due_time() {
    let mut run = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T10:05:00Z");
    assert_eq!(run.tick("2024-03-01T10:55:00Z"), ["warned", "warned"]);
    let facts =
        clock::reanchor(&run.clock, at("2024-03-01T10:50:00Z"), "typo", "person:li", at("2024-03-01T10:56:00Z"), cn())
            .unwrap();
    assert_eq!(run.take(facts), ["rescheduled"]);
    assert_eq!(run.tick("2024-03-01T11:20:00Z"), ["warned"]);
}

#[test]
fn a_change_needs_a_reason() {
    let run = Run::start(&patient(), "2024-03-01T10:00:00Z", "2024-03-01T10:05:00Z");
    let now = at("2024-03-01T10:10:00Z");
    let blank = clock::reanchor(&run.clock, now, " ", "person:li", now, cn()).unwrap_err();
    assert!(matches!(blank, ClockError::NoReason { .. }));
    assert!(matches!(clock::pause(&run.clock, now, "", "person:li").unwrap_err(), ClockError::NoReason { .. }));
}

#[test]
fn a_clock_at_rest_is_judged_anew_when_its_anchor_is_corrected() {
    let mut run = Run::start(&patient(), "2024-03-01T10:00:00Z", "2024-03-01T10:05:00Z");
    let due = run.clock.due.at;
    let facts = clock::satisfy(&run.clock, due, "report/1").unwrap();
    run.take(facts);
    let now = at("2024-03-02T10:00:00Z");
    assert!(run.clock.satisfied.as_ref().unwrap().on_time);
    // It happened an hour earlier: what was done in time was an hour late.
    let facts = clock::reanchor(&run.clock, at("2024-03-01T09:00:00Z"), "typo", "person:li", now, cn()).unwrap();
    run.take(facts);
    assert!(!run.clock.satisfied.as_ref().unwrap().on_time);
    assert_eq!(run.clock.breached.unwrap().lateness, jiff::SignedDuration::from_hours(1));
    // And back again: on time, and the breach that was reported stays in the history.
    let facts = clock::reanchor(&run.clock, at("2024-03-01T10:00:00Z"), "no", "person:li", now, cn()).unwrap();
    run.take(facts);
    assert!(run.clock.satisfied.as_ref().unwrap().on_time);
    assert_eq!((run.clock.breached, run.clock.breaches().count()), (None, 1));
    // What it had waited for was done later than was said.
    let facts = clock::correct_satisfied(&run.clock, at("2024-03-02T09:00:00Z"), "person:li", now);
    run.take(facts);
    assert!(!run.clock.satisfied.as_ref().unwrap().on_time);
    assert!(clock::correct_satisfied(&run.clock, at("2024-03-01T10:30:00Z"), "person:li", now).is_empty());
    assert!(clock::next_wake(&run.clock).is_none() && clock::tick(&run.clock, now).is_empty());
}

#[test]
fn the_one_hour_clock_cannot_be_paused() {
    let run = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T10:05:00Z");
    let error = clock::pause(&run.clock, at("2024-03-01T10:10:00Z"), "lunch", "person:li").unwrap_err().to_string();
    assert!(error.contains("\"flash-report\"") && error.contains("clause 5e"), "{error}");
}

#[test]
fn a_paused_clock_stands_still_and_gives_the_time_back() {
    let mut run = Run::start(&patient(), "2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z");
    let facts = clock::pause(&run.clock, at("2024-03-01T10:20:00Z"), "asked the county", "person:li").unwrap();
    assert_eq!(run.take(facts), ["paused"]);
    assert_eq!(clock::next_wake(&run.clock), None);
    assert!(run.tick("2024-03-01T15:00:00Z").is_empty());
    let facts = clock::resume(&run.clock, at("2024-03-01T15:00:00Z"), "person:li", cn()).unwrap();
    assert_eq!(run.take(facts), ["resumed"]);
    assert_eq!(run.clock.due.at, at("2024-03-01T15:40:00Z"));
    assert_eq!(clock::next_wake(&run.clock), Some(at("2024-03-01T15:10:00Z")), "the warnings moved along");
    // A correction of the anchor still gives the pause back.
    let facts =
        clock::reanchor(&run.clock, at("2024-03-01T10:10:00Z"), "typo", "person:li", at("2024-03-01T15:05:00Z"), cn())
            .unwrap();
    run.take(facts);
    assert_eq!(run.clock.due.at, at("2024-03-01T15:50:00Z"));
}

#[test]
fn a_warning_that_came_before_the_pause_is_not_put_off_by_it() {
    let mut run = Run::start(&patient(), "2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z");
    // No tick notices the warning of 10:30 before the pause.
    let facts = clock::pause(&run.clock, at("2024-03-01T10:40:00Z"), "x", "person:li").unwrap();
    run.take(facts);
    let facts = clock::resume(&run.clock, at("2024-03-01T15:00:00Z"), "person:li", cn()).unwrap();
    assert_eq!(run.take(facts), ["resumed", "warned"]);
    assert_eq!(run.clock.warned[0].warn_at, at("2024-03-01T10:30:00Z"));
}

#[test]
fn working_days_of_a_pause_are_not_counted() {
    // Received on Monday 2024-03-04; 20 working days end with Monday 2024-04-01.
    let mut run = Run::start(&reply(), "2024-03-04T02:00:00Z", "2024-03-04T02:00:00Z");
    assert_eq!(run.clock.due.at, at("2024-04-01T16:00:00Z"));
    // Paused on Wednesday the 6th with 18 left, resumed on Wednesday the 13th: 5 working days later.
    let facts = clock::pause(&run.clock, at("2024-03-06T02:00:00Z"), "consulting others", "person:li").unwrap();
    run.take(facts);
    let facts = clock::resume(&run.clock, at("2024-03-13T02:00:00Z"), "person:li", cn()).unwrap();
    run.take(facts);
    // Tomb-Sweeping Day: 4 and 5 April are off, Sunday the 7th is worked.
    assert_eq!(run.clock.due.at, at("2024-04-09T16:00:00Z"));
}

#[test]
fn a_provisional_due_time_is_settled_when_the_year_is_published() {
    let published = |years: &str| {
        Calendar::from_json(&format!(r#"{{"format":"huiyin.calendar.v1","id":"cn","years":[{years}]}}"#)).unwrap()
    };
    let before = published(r#"{"year":2030}"#);
    let after = published(r#"{"year":2030},{"year":2031,"off":["2031-01-01"]}"#);
    let rule: ClockRule = ClockRule { allowance: "1wd".parse().unwrap(), warnings: vec![], ..patient() };
    let anchor = at("2030-12-31T02:00:00Z");
    let facts = clock::start(&rule, "k1", "case/7", anchor, anchor, &before).unwrap();
    let mut run = Run { clock: Clock::replay(&facts).unwrap(), facts };
    assert!(run.clock.due.provisional);
    assert_eq!(run.clock.due.at, at("2031-01-01T16:00:00Z"));
    let facts = clock::reanchor(&run.clock, anchor, "published", "system", anchor, &after).unwrap();
    run.take(facts);
    assert!(!run.clock.due.provisional);
    assert_eq!(run.clock.due.at, at("2031-01-02T16:00:00Z"));
}

#[test]
fn pausing_and_resuming_out_of_turn_is_refused() {
    let mut run = Run::start(&patient(), "2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z");
    let by = "person:li";
    assert!(matches!(
        clock::resume(&run.clock, at("2024-03-01T10:30:00Z"), by, cn()),
        Err(ClockError::NotPaused { .. })
    ));
    assert!(matches!(
        clock::pause(&run.clock, at("2024-03-01T09:00:00Z"), "x", by),
        Err(ClockError::OutOfOrder { .. })
    ));
    assert!(matches!(clock::pause(&run.clock, at("2024-03-01T12:00:00Z"), "x", by), Err(ClockError::PastDue { .. })));
    let facts = clock::pause(&run.clock, at("2024-03-01T10:30:00Z"), "x", by).unwrap();
    run.take(facts);
    let twice = clock::pause(&run.clock, at("2024-03-01T10:40:00Z"), "x", by);
    assert!(matches!(twice, Err(ClockError::AlreadyPaused { .. })));
    let back = clock::resume(&run.clock, at("2024-03-01T10:20:00Z"), by, cn());
    assert!(matches!(back, Err(ClockError::OutOfOrder { .. })));
    // Satisfied while it stands still: on time.
    let facts = clock::satisfy(&run.clock, at("2024-03-01T20:00:00Z"), "report/1").unwrap();
    assert_eq!(run.take(facts), ["satisfied"]);
    assert!(run.clock.satisfied.as_ref().unwrap().on_time);
}

#[test]
fn a_correction_during_a_pause_may_show_that_it_was_late_before() {
    let mut run = Run::start(&patient(), "2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z");
    let facts = clock::pause(&run.clock, at("2024-03-01T10:30:00Z"), "x", "person:li").unwrap();
    run.take(facts);
    let facts =
        clock::reanchor(&run.clock, at("2024-03-01T09:00:00Z"), "typo", "person:li", at("2024-03-01T11:00:00Z"), cn())
            .unwrap();
    assert_eq!(run.take(facts), ["rescheduled", "breached"]);
    let facts = clock::resume(&run.clock, at("2024-03-01T12:00:00Z"), "person:li", cn()).unwrap();
    assert_eq!(run.take(facts), ["resumed"]);
    assert_eq!(run.clock.due.at, at("2024-03-01T10:00:00Z"));
}

#[test]
fn the_wrong_calendar_and_foreign_facts_are_refused() {
    let other = Calendar::from_json(r#"{"format":"huiyin.calendar.v1","id":"office","years":[]}"#).unwrap();
    let now = at("2024-03-01T10:00:00Z");
    let error = clock::start(&flash(), "k1", "case/7", now, now, &other).unwrap_err().to_string();
    assert!(error.contains("\"cn\"") && error.contains("\"office\""), "{error}");

    let mut run = Run::start(&flash(), "2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z");
    let foreign = clock::start(&flash(), "k2", "case/8", now, now, cn()).unwrap();
    assert!(run.clock.apply(&foreign[0]).unwrap_err().to_string().contains("\"k2\""));
    assert!(Clock::replay(&[]).is_err());
    let breach = clock::tick(&run.clock, at("2024-03-02T00:00:00Z"));
    assert!(Clock::replay(&breach).unwrap_err().to_string().contains("do not begin"));
}

/// The stored forms. A change here breaks journals that exist: add a new form instead, and an upcaster.
#[test]
fn golden_json_of_every_fact() {
    let mut run = Run::start(&patient(), "2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z");
    run.tick("2024-03-01T10:30:00Z");
    let by = "person:li";
    let facts = clock::pause(&run.clock, at("2024-03-01T10:40:00Z"), "consulting", by).unwrap();
    run.take(facts);
    let facts = clock::resume(&run.clock, at("2024-03-01T11:40:00Z"), by, cn()).unwrap();
    run.take(facts);
    let facts = clock::reanchor(&run.clock, at("2024-03-01T09:50:00Z"), "typo", by, at("2024-03-01T11:41:00Z"), cn());
    run.take(facts.unwrap());
    run.tick("2024-03-01T12:00:00.5Z");
    let facts = clock::satisfy(&run.clock, at("2024-03-01T12:05:00Z"), "report/1").unwrap();
    run.take(facts);

    let golden = [
        r#"{"fact":"started","clock":"k1","rule":"flash-report","subject":"case/7","source":"clause 5e","anchor":"occurred_at","anchor_at":"2024-03-01T10:00:00Z","allowance":"PT1H","calendar":"cn","zone":"Asia/Shanghai","pausable":true,"due":{"at":"2024-03-01T11:00:00Z","provisional":false},"warnings":[{"warning":"50%","at":"2024-03-01T10:30:00Z"},{"warning":"PT10M","at":"2024-03-01T10:50:00Z"}],"at":"2024-03-01T10:00:00Z"}"#,
        r#"{"fact":"warned","clock":"k1","warning":"50%","warn_at":"2024-03-01T10:30:00Z","due_at":"2024-03-01T11:00:00Z","fired_at":"2024-03-01T10:30:00Z"}"#,
        r#"{"fact":"paused","clock":"k1","at":"2024-03-01T10:40:00Z","reason":"consulting","by":"person:li"}"#,
        r#"{"fact":"resumed","clock":"k1","at":"2024-03-01T11:40:00Z","due":{"at":"2024-03-01T12:00:00Z","provisional":false},"warnings":[{"warning":"PT10M","at":"2024-03-01T11:50:00Z"}],"by":"person:li"}"#,
        r#"{"fact":"rescheduled","clock":"k1","old_anchor_at":"2024-03-01T10:00:00Z","anchor_at":"2024-03-01T09:50:00Z","old_due":{"at":"2024-03-01T12:00:00Z","provisional":false},"due":{"at":"2024-03-01T11:50:00Z","provisional":false},"warnings":[{"warning":"PT10M","at":"2024-03-01T11:40:00Z"}],"breach_lifted":false,"reason":"typo","by":"person:li","at":"2024-03-01T11:41:00Z"}"#,
        r#"{"fact":"warned","clock":"k1","warning":"PT10M","warn_at":"2024-03-01T11:40:00Z","due_at":"2024-03-01T11:50:00Z","fired_at":"2024-03-01T11:41:00Z"}"#,
        r#"{"fact":"breached","clock":"k1","due_at":"2024-03-01T11:50:00Z","fired_at":"2024-03-01T12:00:00.5Z","lateness":"PT10M0.5S"}"#,
        r#"{"fact":"satisfied","clock":"k1","at":"2024-03-01T12:05:00Z","by":"report/1","on_time":false}"#,
    ];
    let written: Vec<String> = run.facts.iter().map(|fact| serde_json::to_string(fact).unwrap()).collect();
    assert_eq!(written, golden);
    let read: Vec<ClockFact> = golden.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(read, run.facts);
    // A snapshot of the clock is as good as its facts.
    let snapshot = serde_json::to_string(&run.clock).unwrap();
    assert_eq!(serde_json::from_str::<Clock>(&snapshot).unwrap(), run.clock);
}

#[test]
fn facts_are_read_strictly() {
    for (text, expected) in [
        (
            r#"{"fact":"paused","clock":"k","at":"2024-03-01T10:40:00Z","reason":"r","by":"p","extra":1}"#,
            "unknown field",
        ),
        (r#"{"fact":"paused","clock":"k","at":"yesterday","reason":"r","by":"p"}"#, "RFC 3339"),
        (r#"{"fact":"forgotten","clock":"k"}"#, "unknown variant"),
        (
            r#"{"fact":"breached","clock":"k","due_at":"2024-03-01T10:40:00Z","fired_at":"2024-03-01T10:41:00Z","lateness":"1 minute"}"#,
            "ISO 8601",
        ),
    ] {
        let error = serde_json::from_str::<ClockFact>(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
