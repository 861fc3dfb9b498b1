//! Cases as people read them, in the API and on the command line.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::case::{Case, CaseClock};
use crate::desk::Desk;

/// Everything about a case.
pub fn case_summary(case: &Case, now: Timestamp) -> Value {
    json!({
        "number": case.number,
        "kind": case.kind,
        "unit": case.unit,
        "region": case.region,
        "title": case.title,
        "nature": case.nature,
        "level": case.level,
        "level_zh": case.level.zh(),
        "colour": case.level.colour(),
        "response_value": case.response_value,
        "state": case.state,
        "state_zh": case.state.zh(),
        "times": case.times,
        "because": case.because,
        "opened_by": case.opened_by,
        "pack": case.pack,
        "related": case.related,
        "clocks": case.clocks.iter().map(|entry| clock(case, entry, now)).collect::<Vec<_>>(),
        "items": case.items,
        "more_items": case.more_items,
        "askers": case.askers,
        "concerns": case.concerns,
        "assessments": case.assessments,
        "level_changes": case.level_changes,
        "corrections": case.corrections,
        "notified": case.notifications.iter().map(crate::case::notification_view).collect::<Vec<_>>(),
        "reports": case.reports,
        "answers": case.answers,
        "no_response": case.no_response,
    })
}

/// A case in one row: its number, level, state, and the clock that presses most.
pub fn case_row(case: &Case, now: Timestamp) -> Value {
    let pressing = case
        .clocks
        .iter()
        .filter(|entry| entry.clock.satisfied.is_none() && case.is_open())
        .min_by_key(|entry| entry.clock.due.at);
    json!({
        "number": case.number,
        "unit": case.unit,
        "title": case.title,
        "level": case.level,
        "colour": case.level.colour(),
        "state": case.state,
        "opened_at": case.times.opened,
        "items": case.items.len() as u64 + case.more_items,
        "clock": pressing.map(|entry| clock(case, entry, now)),
        "breaches": case.clocks.iter().filter(|entry| entry.clock.breached.is_some()).count(),
        "owed": case.notifications.iter().filter(|n| !n.delivered()).count(),
    })
}

/// All cases in rows: open ones first, the gravest first, the newest first.
pub fn case_list(desk: &Desk, now: Timestamp) -> Vec<Value> {
    let mut cases: Vec<&Case> = desk.cases().collect();
    cases.sort_by(|a, b| {
        let key = |case: &Case| (case.is_open(), case.level, case.times.opened);
        key(b).cmp(&key(a)).then_with(|| a.number.cmp(&b.number))
    });
    cases.into_iter().map(|case| case_row(case, now)).collect()
}

fn clock(case: &Case, entry: &CaseClock, now: Timestamp) -> Value {
    let clock = &entry.clock;
    let state = match (&clock.satisfied, &clock.breached) {
        (Some(done), _) if done.on_time => "satisfied",
        (Some(_), _) => "satisfied-late",
        (None, Some(_)) => "breached",
        (None, None) if !case.is_open() => "stopped",
        (None, None) if clock.paused_since().is_some() => "paused",
        (None, None) => "running",
    };
    let left = clock.due.at.duration_since(now).as_secs();
    json!({
        "clock": clock.id,
        "name": entry.name,
        "clause": entry.clause,
        "source": clock.source,
        "state": state,
        "anchor": clock.anchor,
        "anchor_at": clock.anchor_at,
        "allowance": clock.allowance,
        "due_at": clock.due.at,
        "provisional": clock.due.provisional,
        "remaining_seconds": if clock.satisfied.is_none() && case.is_open() { Some(left) } else { None },
        "late_seconds": clock.lateness(now).map(|late| late.as_secs()),
        "warned": clock.warned.len(),
        "satisfied_at": clock.satisfied.as_ref().map(|done| done.at),
    })
}
