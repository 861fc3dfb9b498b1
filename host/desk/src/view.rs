//! Cases as people read them, in the API and on the command line.

use std::collections::BTreeSet;

use huiyin_deadline::clock::Clock;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::case::{
    Approval, CameIn, Case, CaseClock, Proposal, Task, approval_view, case_latency, escalation_view, line_view,
    major_view, pauses_view, receipt, report_view, response_view, risk_view, task_view, waits_for,
};
use crate::delegation::Delegation;
use crate::desk::Desk;
use crate::policy::{PolicyPack, SatisfiedBy};

/// Everything about a case.
pub fn case_summary(case: &Case, now: Timestamp) -> Value {
    let mut summary = json!({
        "number": case.number,
        "kind": case.kind,
        "kind_zh": case.kind.zh(),
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
        "routed": case.routed,
        "tasks": case.tasks.iter().map(|task| task_view(case, task)).collect::<Vec<_>>(),
        "contacts": case.contacts,
        "offline": case.offline,
        "items": case.items,
        "more_items": case.more_items,
        "askers": case.askers,
        "concerns": case.concerns,
        "assessments": case.assessments,
        "level_changes": case.level_changes,
        "corrections": case.corrections,
        "notified": case.notifications.iter().map(crate::case::notification_view).collect::<Vec<_>>(),
        "reports": case.reports.iter().enumerate().map(|(at, report)| report_view(at, report)).collect::<Vec<_>>(),
        "bypasses": case.bypasses,
        "evidence": case.evidence,
        "judgements": case.judgements,
        "risk": risk_view(case),
        "drafts": case.drafts,
        "answers": case.answers,
        "approvals": case.approvals.iter().map(approval_view).collect::<Vec<_>>(),
        "no_response": case.no_response().map(no_response),
    });
    let more = json!({
        "came_in": case.came_in.as_ref().map(came_in),
        "accepted": case.accepted,
        "confidentiality": case.confidentiality,
        "confidentiality_zh": case.confidentiality.zh(),
        "confidentiality_changes": case.confidentiality_changes,
        "links": case.links,
        "merged_into": case.merged_into,
    });
    if let (Value::Object(summary), Value::Object(more)) = (&mut summary, more) {
        summary.extend(more);
    }
    summary["labels"] = case.labels.view();
    summary["label_history"] = json!(case.labels.history());
    let lines = case.lines.iter().enumerate().map(|(i, line)| line_view(line, i + 1 == case.lines.len()));
    summary["lines"] = json!(lines.collect::<Vec<_>>());
    summary["responses"] = case.responses.iter().map(|response| response_view(case, response)).collect();
    summary["major"] = major_view(case);
    summary["latency"] = case_latency(case);
    summary
}

/// Everything about a case, with the names that the pack in force has for the units and people in
/// it (`names`), and the zone in which its people read the clock (`time_zone`).
pub fn case_page(desk: &Desk, case: &Case, now: Timestamp) -> Value {
    let mut page = case_summary(case, now);
    page["recorded"] = json!(case.recorded);
    if let (Some(pack), Some(_)) = (desk.policy(), &case.came_in) {
        page["receipt"] = receipt(pack, case);
    }
    with_names(desk, page)
}

/// A page with the names that the pack in force has for the units and people in it (`names`), and
/// the zone in which its people read the clock (`time_zone`).
pub fn with_names(desk: &Desk, mut page: Value) -> Value {
    let (names, zone) =
        desk.policy().map_or((Value::Null, None), |pack| (names(pack, &page), Some(pack.time_zone.name().to_owned())));
    page["names"] = names;
    page["time_zone"] = json!(zone);
    page
}

/// The pack's names for the units and people whose codes stand in a value: `{"units": {code: name},
/// "people": {id: name}}`.
fn names(pack: &PolicyPack, value: &Value) -> Value {
    let mut words = BTreeSet::new();
    gather(value, &mut words);
    let known = |id: &str| words.contains(id) || words.contains(format!("person:{id}").as_str());
    let (mut units, mut people) = (Map::new(), Map::new());
    for unit in &pack.units {
        if words.contains(unit.code.as_str()) {
            units.insert(unit.code.clone(), json!(unit.name.zh));
        }
        for person in unit.people.iter().filter(|person| known(&person.id)) {
            people.insert(person.id.clone(), json!(person.name));
        }
    }
    json!({ "units": units, "people": people })
}

/// Every text in a value.
fn gather<'v>(value: &'v Value, words: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) => {
            words.insert(text);
        }
        Value::Array(list) => list.iter().for_each(|one| gather(one, words)),
        Value::Object(fields) => fields.values().for_each(|one| gather(one, words)),
        _ => {}
    }
}

/// The tasks of a desk's open cases, of one unit or of all: a row each, the
/// first due first.
pub fn task_list(desk: &Desk, unit: Option<&str>, all: bool) -> Vec<Value> {
    let concerns = |task: &Task| unit.is_none_or(|unit| task.from == unit || task.parts.iter().any(|p| p.unit == unit));
    desk.cases()
        .flat_map(|case| case.tasks.iter().map(move |task| (case, task)))
        .filter(|(_, task)| (all || task.is_open()) && concerns(task))
        .map(|(case, task)| task_view(case, task))
        .collect()
}

/// What waits for approvals in a desk's open cases: a row each, what runs out first before the others,
/// then the oldest. Of one unit: in its cases, and in those where one of its people may take the next
/// step; of one person: what they may approve now, in their own right or for who lent it to them.
/// `delegations` are those that hold, of every partition.
pub fn approval_list(
    desk: &Desk,
    unit: Option<&str>,
    person: Option<&str>,
    delegations: &[Delegation],
    now: Timestamp,
) -> Vec<Value> {
    let Some(pack) = desk.policy() else { return Vec::new() };
    let mut rows: Vec<(Option<Timestamp>, Timestamp, Value)> = Vec::new();
    for case in desk.cases().filter(|case| case.is_open()) {
        for approval in case.approvals.iter().filter(|approval| approval.is_pending()) {
            let waits = waits_for(pack, case, approval, delegations, now);
            let of_unit = |unit: &str| {
                case.unit == unit
                    || pack.unit(unit).is_some_and(|unit| waits.iter().any(|id| unit.person(id).is_some()))
            };
            if unit.is_some_and(|unit| !of_unit(unit)) || person.is_some_and(|id| !waits.iter().any(|w| w == id)) {
                continue;
            }
            let mut row = approval_view(approval);
            row["case"] = json!(case.number);
            row["title"] = json!(case.title);
            row["unit"] = json!(case.unit);
            row["level"] = json!(case.level);
            row["level_zh"] = json!(case.level.zh());
            row["waits_for"] = json!(waits);
            rows.push((approval.expires_at, approval.at, row));
        }
    }
    rows.sort_by_key(|(end, at, _)| (end.is_none(), *end, *at));
    rows.into_iter().map(|(.., row)| row).collect()
}

/// The delegations of a desk's units, of one unit or of all, as people read them: the newest first.
/// Those that are over only on request.
pub fn delegation_list(desk: &Desk, unit: Option<&str>, all: bool, now: Timestamp) -> Vec<Value> {
    let mut list: Vec<&Delegation> = desk
        .delegations()
        .filter(|delegation| unit.is_none_or(|unit| delegation.unit == unit) && (all || !delegation.is_over(now)))
        .collect();
    list.sort_by_key(|delegation| std::cmp::Reverse(delegation.at));
    list.into_iter().map(|delegation| delegation.view(now)).collect()
}

/// Which reports of a desk are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WhichReports<'w> {
    /// Of cases of this unit, or that went to it.
    pub unit: Option<&'w str>,
    /// Only those that an addressee has not signed for.
    pub unsigned: bool,
}

/// The reports of a desk's cases, the newest first, as `reports`, and those that went another way, as `bypasses`:
/// a row each, with its case.
pub fn report_list(desk: &Desk, which: WhichReports<'_>) -> (Vec<Value>, Vec<Value>) {
    let about = |mut row: Value, case: &Case| {
        row["case"] = json!(case.number);
        row["title"] = json!(case.title);
        row["unit"] = json!(case.unit);
        row["level"] = json!(case.level);
        row["level_zh"] = json!(case.level.zh());
        row
    };
    let (mut reports, mut bypasses) = (Vec::new(), Vec::new());
    for case in desk.cases() {
        for (at, report) in case.reports.iter().enumerate() {
            let sent_by = report.number.as_ref().map_or(case.unit.as_str(), |number| number.unit.as_str());
            let concerns =
                |unit: &str| case.unit == unit || sent_by == unit || report.to.iter().any(|to| to.unit == unit);
            let waits = report.unsigned().next().is_some();
            if which.unit.is_none_or(concerns) && (waits || !which.unsigned) {
                reports.push((report.at, about(report_view(at, report), case)));
            }
        }
        let own = which.unit.is_none_or(|unit| case.unit == unit);
        if own && !which.unsigned {
            bypasses.extend(case.bypasses.iter().map(|bypass| (bypass.at, about(json!(bypass), case))));
        }
    }
    let sorted = |mut rows: Vec<(Timestamp, Value)>| {
        rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        rows.into_iter().map(|(_, row)| row).collect()
    };
    (sorted(reports), sorted(bypasses))
}

/// A case in one row: its number, level, state, and the clock that presses most.
pub fn case_row(case: &Case, now: Timestamp) -> Value {
    let running = |entry: &&CaseClock| entry.clock.satisfied.is_none() && case.is_open();
    let pressing = case
        .clocks
        .iter()
        .filter(running)
        .min_by_key(|entry| (entry.clock.paused_since().is_some(), entry.clock.due.at));
    json!({
        "number": case.number,
        "kind": case.kind,
        "kind_zh": case.kind.zh(),
        "unit": case.unit,
        "title": case.title,
        "level": case.level,
        "level_zh": case.level.zh(),
        "colour": case.level.colour(),
        "state": case.state,
        "state_zh": case.state.zh(),
        "opened_at": case.times.opened,
        "accepted_at": case.accepted.as_ref().map(|accepted| accepted.at),
        "occurred_at": case.times.occurred,
        "waits_callback": waits_callback(case),
        "confidentiality": case.confidentiality,
        "merged_into": case.merged_into,
        "items": case.items.len() as u64 + case.more_items,
        "clock": pressing.map(|entry| clock(case, entry, now)),
        "breaches": case.clocks.iter().map(|entry| entry.clock.breaches().count()).sum::<usize>(),
        "pending": case.approvals.iter().filter(|approval| approval.is_pending()).count(),
        "owed": case.notifications.iter().filter(|n| !n.delivered()).count(),
    })
}

/// All cases in rows, with the names of their units, by what is due ([`by_due`]).
pub fn case_list(desk: &Desk, now: Timestamp) -> Vec<Value> {
    let mut rows: Vec<Value> = desk.cases().map(|case| case_row(case, now)).collect();
    if let Some(pack) = desk.policy() {
        for row in &mut rows {
            let name = row["unit"].as_str().and_then(|code| pack.unit(code)).map(|unit| json!(unit.name));
            row["unit_name"] = name.unwrap_or(Value::Null);
            row["time_zone"] = json!(pack.time_zone.name());
        }
    }
    by_due(&mut rows);
    rows
}

/// Puts rows of cases into the order in which they want somebody: those with a breached clock
/// first, the longest overdue before the others; then what is due next; then those whose clocks are
/// paused, and those without any; closed ones last. Among equals the gravest first, then the newest.
pub fn by_due(rows: &mut [Value]) {
    rows.sort_by_cached_key(due_key);
}

/// Where a row stands in that order; no two have the same.
pub fn due_key(row: &Value) -> impl Ord + use<> {
    const LEVELS: [&str; 4] = ["I", "II", "III", "IV"];
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let clock = row.get("clock").filter(|clock| !clock.is_null());
    let rank = match clock.map(|clock| text(clock, "state")).as_deref() {
        Some("breached") => 0_u8,
        Some("paused") => 2,
        Some(_) => 1,
        None => 3,
    };
    let due: Option<Timestamp> = clock.and_then(|clock| text(clock, "due_at").parse().ok());
    let level = text(row, "level");
    let level = LEVELS.iter().position(|name| *name == level).unwrap_or(LEVELS.len());
    let opened: Option<Timestamp> = text(row, "opened_at").parse().ok();
    (text(row, "state") == "closed", rank, due, level, std::cmp::Reverse(opened), text(row, "number"))
}

/// The items that the floor could not judge and nobody has assessed yet, the oldest first: people
/// have to look at them.
pub fn unjudged_list(desk: &Desk) -> Vec<Value> {
    let pack = desk.policy();
    let row = |record: &crate::item::ItemRecord| {
        json!({
            "item": record.item,
            "unit": record.unit,
            "unit_name": pack.and_then(|pack| pack.unit(&record.unit)).map(|unit| &unit.name),
            "source": record.source,
            "title": record.title,
            "text": record.text,
            "url": record.url,
            "occurred_at": record.occurred_at,
            "observed": record.observed,
            "reason": record.floor_error,
            "case": desk.case_of_item(&record.item),
            "time_zone": pack.map(|pack| pack.time_zone.name()),
        })
    };
    desk.unjudged().map(row).collect()
}

/// How a clock stands, as JSON and as people name it. A breach that was reported stays to be seen, whatever came later.
fn standing(case: &Case, clock: &Clock) -> (&'static str, &'static str) {
    match (&clock.satisfied, &clock.breached) {
        (Some(done), _) if !done.on_time => ("satisfied-late", "超时完成"),
        (Some(_), _) if clock.breaches().next().is_some() => ("breached-evidence-later", "曾超时,事后补证"),
        (Some(_), _) => ("satisfied", "按时完成"),
        (None, Some(_)) => ("breached", "已超时"),
        (None, None) if !case.is_open() => ("stopped", "已停止"),
        (None, None) if clock.paused_since().is_some() => ("paused", "暂停"),
        (None, None) => ("running", "计时中"),
    }
}

/// Whether somebody called in vain and was not called back.
fn waits_callback(case: &Case) -> bool {
    let called = |entry: &CaseClock| entry.satisfied_by == SatisfiedBy::Callback && entry.clock.satisfied.is_some();
    let missed = case.came_in.as_ref().is_some_and(|came| came.missed);
    missed && case.is_open() && !case.clocks.iter().any(called) && !case.contacts.iter().any(|c| c.channel == "回拨")
}

/// How a case came in; hashes stay inside.
fn came_in(came: &CameIn) -> Value {
    json!({
        "source": came.source,
        "reference": came.reference,
        "phone_tail": came.phone.as_ref().map(|phone| &phone.tail),
        "missed": came.missed,
        "unrouted": came.unrouted,
    })
}

/// The decision not to answer, as clients of the first releases read it.
fn no_response(approval: &Approval) -> Value {
    let reason = match &approval.proposal {
        Proposal::NoResponse { reason } => reason.as_str(),
        _ => "",
    };
    let mut view = json!({ "reason": reason, "hash": approval.hash, "author": approval.author, "at": approval.at });
    if let Some(approved) = &approval.approved {
        view["approved"] = json!([approved.by, approved.at]);
    }
    view
}

fn clock(case: &Case, entry: &CaseClock, now: Timestamp) -> Value {
    let clock = &entry.clock;
    let (state, state_zh) = standing(case, clock);
    let breaches: Vec<Value> = clock
        .lifted
        .iter()
        .map(|breach| (breach, true))
        .chain(clock.breached.iter().map(|breach| (breach, false)))
        .map(|(breach, lifted)| {
            json!({ "due_at": breach.due_at, "noticed_at": breach.fired_at, "late_seconds": breach.lateness.as_secs(), "lifted": lifted })
        })
        .collect();
    let left = clock.due.at.duration_since(now).as_secs();
    json!({
        "clock": clock.id,
        "rule": clock.rule,
        "follows": entry.follows,
        "name": entry.name,
        "clause": entry.clause,
        "source": clock.source,
        "state": state,
        "state_zh": state_zh,
        "anchor": clock.anchor,
        "anchor_at": clock.anchor_at,
        "allowance": clock.allowance,
        "due_at": clock.due.at,
        "provisional": clock.due.provisional,
        "remaining_seconds": if clock.satisfied.is_none() && case.is_open() { Some(left) } else { None },
        "late_seconds": clock.lateness(now).map(|late| late.as_secs()),
        "breaches": breaches,
        "warned": clock.warned.len(),
        "satisfied_at": clock.satisfied.as_ref().map(|done| done.at),
        "pausable": clock.pausable,
        "paused_since": clock.paused_since(),
        "pauses": pauses_view(entry),
        "extension": clock.extension,
        "escalations": escalation_view(entry),
        "unheard": entry.unheard().count(),
    })
}
