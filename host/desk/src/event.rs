//! What workflows see: the events that facts make (CloudEvents types).
//!
//! Not every fact makes one. Hashes stay inside; people who are to be told
//! come along as `notify`.

mod responses;

use huiyin_deadline::clock::ClockFact;
use serde::Serialize;
use serde_json::{Value, json};

use crate::case::{Head, Notification, TaskStep, approval_act as act, escalation_event};
use crate::fact::Fact;
use crate::item::TITLE_CHARS;
use crate::text::clip;

/// An event, before the engine gives it an id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeskEvent {
    /// The CloudEvents type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `case/<number>` or `source/<unit>/<name>`.
    pub subject: String,
    /// The unit it concerns.
    pub unit: String,
    /// What it says.
    pub data: Value,
}

/// The second event of a fact, if it makes one: an item that the floor could not judge waits for a
/// person, and whoever watches for that need not read every item.
pub fn alert_event(fact: &Fact) -> Option<DeskEvent> {
    let Fact::ItemReceived(received) = fact else { return None };
    let why = received.floor_error.as_ref()?;
    let title = if received.item.title.trim().is_empty() { &received.item.body } else { &received.item.title };
    let data = json!({
        "unit": received.unit,
        "source": received.item.source,
        "item_id": received.item_id,
        "id": clip(&received.item.id, 100),
        "title": clip(title.trim(), TITLE_CHARS),
        "url": received.item.url.as_ref().map(|url| clip(url, 500)),
        "reason": why,
        "at": received.at,
    });
    let (subject, unit) = (fact.subject(), received.unit.clone());
    Some(DeskEvent { kind: "huiyin.item.unjudged.v1", subject, unit, data })
}

/// The event that a fact makes, if it makes one.
pub fn fact_event(fact: &Fact) -> Option<DeskEvent> {
    let (kind, data) = match fact {
        Fact::ItemReceived(received) => (
            "huiyin.item.received.v1",
            json!({
                "unit": received.unit,
                "source": received.item.source,
                "item_id": received.item_id,
                "item": received.item,
                "occurred_at": received.occurred_at,
                "duplicate_of": received.duplicate_of,
                "floor": received.floor.as_ref().map(|assessment| &assessment.verdict),
                "floor_error": received.floor_error,
                "at": received.at,
            }),
        ),
        Fact::ItemRefused { unit, source, id, reason, at, .. } => {
            ("huiyin.item.refused.v1", json!({ "unit": unit, "source": source, "id": id, "reason": reason, "at": at }))
        }
        Fact::CaseOpened(opened) => (
            "huiyin.case.opened.v1",
            about(
                &opened.head,
                json!({
                    "kind": opened.kind,
                    "because": opened.because,
                    "response_value": opened.response_value,
                    "occurred_at": opened.occurred_at,
                    "discovered_at": opened.discovered_at,
                    "item": opened.item,
                    "concerns": opened.concerns,
                    "related": opened.related,
                    "came_in": opened.came_in.as_ref().map(|came| json!({
                        "source": came.source, "reference": came.reference, "missed": came.missed,
                        "phone_tail": came.phone.as_ref().map(|phone| &phone.tail), "unrouted": came.unrouted,
                    })),
                    "unrouted": opened.unrouted,
                    "reasons": opened.assessments.iter().flat_map(|a| &a.verdict.reasons).collect::<Vec<_>>(),
                    "notify": told(&opened.notify),
                    "at": opened.at,
                }),
            ),
        ),
        Fact::ItemAttached { head, item, at, .. } => {
            ("huiyin.case.item-attached.v1", about(head, json!({ "item": item, "at": at })))
        }
        Fact::LevelChanged { head, from, reason, by, at, notify, .. } => (
            "huiyin.case.level-changed.v1",
            about(head, json!({ "from": from, "reason": reason, "by": by, "at": at, "notify": told(notify) })),
        ),
        Fact::OccurrenceCorrected { head, from, to, reason, by, at, confirmed } => (
            "huiyin.case.occurrence-corrected.v1",
            about(
                head,
                json!({ "from": from, "to": to, "reason": reason, "by": by, "at": at, "confirmed": confirmed }),
            ),
        ),
        Fact::ClockStarted {
            head,
            name,
            clause,
            follows,
            clock: ClockFact::Started { clock, due, anchor, anchor_at, at, .. },
            ..
        } => (
            "huiyin.clock.started.v1",
            about(
                head,
                json!({
                    "clock": clock, "name": name, "clause": clause, "anchor": anchor, "anchor_at": anchor_at,
                    "follows": follows, "due_at": due.at, "provisional": due.provisional, "at": at,
                }),
            ),
        ),
        Fact::ClockMoved { head, name, clock, due_at, notify } => clock_moved(head, name, clock, due_at, notify)?,
        Fact::CaseRouted { head, from, reason, by, at, notify, .. } => (
            "huiyin.case.routed.v1",
            about(head, json!({ "from": from, "reason": reason, "by": by, "notify": told(notify), "at": at })),
        ),
        Fact::ConfidentialityChanged { head, change } => {
            ("huiyin.case.confidentiality-changed.v1", about(head, json!({ "change": change, "at": change.at })))
        }
        Fact::CaseLinked { head, link } => {
            ("huiyin.case.linked.v1", about(head, json!({ "link": link, "at": link.at })))
        }
        Fact::CasesMerged { head, merged } => (
            "huiyin.case.merged.v1",
            about(
                head,
                json!({
                    "from": merged.from, "reason": merged.reason, "askers": merged.askers.len(),
                    "concerns": merged.concerns.len(), "by": merged.by, "at": merged.at,
                }),
            ),
        ),
        Fact::CaseSplit { head, split } => (
            "huiyin.case.split.v1",
            about(
                head,
                json!({
                    "to": split.to, "reason": split.reason, "askers": split.askers.len(),
                    "concerns": split.concerns.len(), "by": split.by, "at": split.at,
                }),
            ),
        ),
        Fact::LogRecorded { unit, log } => {
            ("huiyin.log.recorded.v1", json!({ "unit": unit, "log": log, "at": log.at }))
        }
        Fact::LogIssued { unit, log, issue, issued } => (
            "huiyin.log.issued.v1",
            json!({ "unit": unit, "log": log, "issue": issue, "by": issued.by, "at": issued.at }),
        ),
        Fact::CaseAccepted { head, acceptance } => {
            ("huiyin.case.accepted.v1", about(head, json!({ "accepted": acceptance, "at": acceptance.at })))
        }
        Fact::TaskAssigned { head, task, notify } => (
            "huiyin.task.assigned.v1",
            about(
                head,
                json!({
                    "task": task.id, "kind": task.kind, "kind_zh": task.kind.zh(), "text": task.text, "from": task.from,
                    "units": task.parts.iter().map(|part| part.unit.as_str()).collect::<Vec<_>>(),
                    "by": task.by, "notify": told(notify), "at": task.at,
                }),
            ),
        ),
        Fact::TaskMoved { head, task, entry, notify } => {
            let kind = match entry.step {
                TaskStep::Accepted { .. } => "huiyin.task.accepted.v1",
                TaskStep::Transferred { .. } => "huiyin.task.transferred.v1",
                TaskStep::Returned { .. } => "huiyin.task.returned.v1",
                TaskStep::FedBack { .. } => "huiyin.task.fed-back.v1",
                TaskStep::Withdrawn { .. } => "huiyin.task.withdrawn.v1",
            };
            let mut data = about(head, json!({ "task": task, "notify": told(notify) }));
            merge(&mut data, json!(entry));
            (kind, data)
        }
        Fact::ContactRecorded { head, contact } => {
            ("huiyin.case.contact-recorded.v1", about(head, json!({ "contact": contact, "at": contact.at })))
        }
        Fact::OfflineEventRecorded { head, event } => {
            ("huiyin.case.offline-event-recorded.v1", about(head, json!({ "event": event, "at": event.at })))
        }
        Fact::ReportDrafted { head, draft, notify } => {
            ("huiyin.report.drafted.v1", about(head, json!({ "draft": draft, "notify": told(notify), "at": draft.at })))
        }
        Fact::ApprovalRequested { head, approval, notify } => (
            "huiyin.approval.requested.v1",
            about(
                head,
                json!({
                    "approval": approval.id, "act": act(&approval.proposal), "act_zh": approval.proposal.zh(),
                    "author": approval.author, "hash": approval.hash, "notify": told(notify), "at": approval.at,
                }),
            ),
        ),
        Fact::ApprovalGiven { head, approval, hash, by, at, step } => {
            let for_whom = step.as_ref().and_then(|step| step.on_behalf_of.as_ref());
            let more = json!({ "approval": approval, "hash": hash, "by": by, "on_behalf_of": for_whom, "at": at });
            ("huiyin.approval.given.v1", about(head, more))
        }
        Fact::ApprovalAdvanced { head, approval, hash, step, notify } => (
            "huiyin.approval.advanced.v1",
            about(
                head,
                json!({
                    "approval": approval, "hash": hash, "by": step.by, "on_behalf_of": step.on_behalf_of,
                    "notify": told(notify), "at": step.at,
                }),
            ),
        ),
        Fact::ApprovalExpired { head, approval, at, notify } => (
            "huiyin.approval.expired.v1",
            about(head, json!({ "approval": approval, "notify": told(notify), "at": at })),
        ),
        Fact::DelegationGranted { delegation } => (
            "huiyin.delegation.granted.v1",
            json!({
                "unit": delegation.unit, "delegation": delegation.id, "from": delegation.from, "to": delegation.to,
                "starts": delegation.starts, "until": delegation.until, "reason": delegation.reason, "at": delegation.at,
            }),
        ),
        Fact::DelegationRevoked { unit, delegation, revoked } => (
            "huiyin.delegation.revoked.v1",
            json!({
                "unit": unit, "delegation": delegation, "by": revoked.by, "reason": revoked.reason, "at": revoked.at,
            }),
        ),
        Fact::ApprovalDeclined { head, approval, reason, by, at } => (
            "huiyin.approval.declined.v1",
            about(head, json!({ "approval": approval, "reason": reason, "by": by, "at": at })),
        ),
        Fact::ReportSubmitted { head, report, notify } => (
            "huiyin.report.submitted.v1",
            about(head, json!({ "report": report, "notify": told(notify), "at": report.at })),
        ),
        Fact::ReportReceipted { head, report, receipt } => (
            "huiyin.report.receipted.v1",
            about(head, json!({ "report": report, "receipt": receipt, "at": receipt.at })),
        ),
        Fact::ReportBypassed { head, bypass } => {
            ("huiyin.report.bypassed.v1", about(head, json!({ "bypass": bypass, "at": bypass.at })))
        }
        Fact::CaseJudged { head, judgement } => {
            ("huiyin.case.judged.v1", about(head, json!({ "judgement": judgement, "at": judgement.at })))
        }
        Fact::RiskRecorded { head, entry } => (
            "huiyin.risk.recorded.v1",
            about(head, json!({ "part": entry.part, "level": entry.level, "by": entry.by, "at": entry.at })),
        ),
        Fact::GateOpened { head, gate } => {
            ("huiyin.risk.gate-opened.v1", about(head, json!({ "approval": gate.approval, "at": gate.at })))
        }
        Fact::EscalationRaised { head, escalation, notify } => {
            let mut data = escalation_event(head, escalation);
            merge(&mut data, json!({ "notify": told(notify) }));
            ("huiyin.escalation.raised.v1", data)
        }
        Fact::EscalationAcknowledged { head, clock, rungs, by, note, at } => {
            let rungs: Vec<u32> = rungs.iter().map(|rung| rung + 1).collect();
            let more = json!({ "clock": clock, "rungs": rungs, "by": by, "note": note, "at": at });
            ("huiyin.escalation.acknowledged.v1", about(head, more))
        }
        Fact::EscalationMissed { head, missed } => {
            let rung = missed.rung.map(|rung| rung + 1);
            let more = json!({ "clock": missed.clock, "rung": rung, "due_at": missed.due_at, "at": missed.at });
            ("huiyin.escalation.missed.v1", about(head, more))
        }
        Fact::CasePackChanged { head, from, to, by, at } => {
            ("huiyin.case.pack-changed.v1", about(head, json!({ "from": from, "to": to, "by": by, "at": at })))
        }
        Fact::AnswerRecorded { head, answer } => {
            ("huiyin.answer.recorded.v1", about(head, json!({ "answer": answer, "at": answer.at })))
        }
        Fact::CaseClosed { head, ground, note, by, at } => {
            ("huiyin.case.closed.v1", about(head, json!({ "ground": ground, "note": note, "by": by, "at": at })))
        }
        Fact::Watch(fact) => return fact.event(),
        other => responses::event(other)?,
    };
    Some(DeskEvent { kind, subject: fact.subject(), unit: fact.unit().unwrap_or_default().to_owned(), data })
}

fn clock_moved(
    head: &Head,
    name: &crate::text::Name,
    clock: &ClockFact,
    due_at: &jiff::Timestamp,
    notify: &[Notification],
) -> Option<(&'static str, Value)> {
    let (kind, more) = match clock {
        ClockFact::Warned { warning, fired_at, .. } => {
            let left = due_at.duration_since(*fired_at).as_secs().max(0);
            ("huiyin.clock.warned.v1", json!({ "warning": warning, "remaining_seconds": left, "at": fired_at }))
        }
        ClockFact::Breached { lateness, fired_at, .. } => {
            ("huiyin.clock.breached.v1", json!({ "late_seconds": lateness.as_secs(), "at": fired_at }))
        }
        ClockFact::Satisfied { at, by, on_time, .. } => {
            ("huiyin.clock.satisfied.v1", json!({ "on_time": on_time, "by": by, "at": at }))
        }
        ClockFact::Rescheduled { old_due, reason, breach_lifted, by, at, .. } => (
            "huiyin.clock.rescheduled.v1",
            json!({ "old_due_at": old_due.at, "breach_lifted": breach_lifted, "reason": reason, "by": by, "at": at }),
        ),
        ClockFact::Paused { at, reason, by, kind, approved_by, .. } => (
            "huiyin.clock.paused.v1",
            json!({ "reason": reason, "kind": kind, "by": by, "approved_by": approved_by, "at": at }),
        ),
        ClockFact::Resumed { at, by, .. } => ("huiyin.clock.resumed.v1", json!({ "by": by, "at": at })),
        ClockFact::Extended { allowance, old_due, reason, by, approved_by, at, .. } => (
            "huiyin.clock.extended.v1",
            json!({ "allowance": allowance, "old_due_at": old_due.at, "reason": reason, "by": by, "approved_by": approved_by, "at": at }),
        ),
        ClockFact::Started { .. } => return None,
    };
    let mut data =
        about(head, json!({ "clock": clock.clock(), "name": name, "due_at": due_at, "notify": told(notify) }));
    merge(&mut data, more);
    Some((kind, data))
}

/// The case in few words, and more about it.
fn about(head: &Head, more: Value) -> Value {
    let mut data = json!({
        "unit": head.unit, "case": head.case, "level": head.level, "level_zh": head.level.zh(), "title": head.title,
    });
    merge(&mut data, more);
    data
}

fn merge(data: &mut Value, more: Value) {
    if let (Value::Object(data), Value::Object(more)) = (data, more) {
        data.extend(more);
    }
}

fn told(notify: &[Notification]) -> Vec<Value> {
    notify
        .iter()
        .map(|n| json!({ "notification": n.id, "to": n.to.id, "name": n.to.name, "unit": n.to.unit, "role": n.to.role, "clause": n.clause }))
        .collect()
}
