//! The events of lines, responses, major matters and proactive disclosure.

use huiyin_deadline::clock::ClockFact;
use serde_json::{Value, json};

use super::{about, merge, told};
use crate::case::{MajorStep, ResponseStep};
use crate::disclosure::DisclosureStep;
use crate::fact::Fact;

/// The type and the data of the event that a fact makes, if it is one of these.
pub(super) fn event(fact: &Fact) -> Option<(&'static str, Value)> {
    Some(match fact {
        Fact::LineSet { head, line } => {
            ("huiyin.line.set.v1", about(head, json!({ "line": line, "at": line.approved.at })))
        }
        Fact::ResponseDrafted { head, draft } => (
            "huiyin.response.drafted.v1",
            about(
                head,
                json!({
                    "response": draft.id, "version": draft.version, "speaker": draft.content.unit,
                    "kind": draft.content.form.name(), "kind_zh": draft.content.form.zh(),
                    "headline": draft.content.form.title(), "corrects": draft.content.corrects,
                    "hash": draft.hash, "by": draft.by, "at": draft.at,
                }),
            ),
        ),
        Fact::ResponseMoved { head, response, entry, notify } => {
            let kind = match entry.step {
                ResponseStep::Checked(_) => "huiyin.response.checked.v1",
                ResponseStep::Submitted { .. } => "huiyin.response.submitted.v1",
                ResponseStep::Approved(_) => "huiyin.response.approved.v1",
                ResponseStep::Cosigned(_) => "huiyin.response.cosigned.v1",
                ResponseStep::Released(_) => "huiyin.response.released.v1",
                ResponseStep::Published(_) => "huiyin.response.published.v1",
            };
            let mut data = about(head, json!({ "response": response, "notify": told(notify) }));
            let mut step = json!(entry.step);
            if let Value::Object(step) = &mut step {
                step.remove("step");
            }
            merge(&mut data, step);
            merge(&mut data, json!({ "hash": entry.hash, "by": entry.actor, "at": entry.recorded }));
            (kind, data)
        }
        Fact::MajorDeclared { head, declared, notify } => (
            "huiyin.major.declared.v1",
            about(
                head,
                json!({
                    "reason": declared.reason, "report_task": declared.report,
                    "verification_task": declared.verification, "by": declared.by, "notify": told(notify),
                    "at": declared.at,
                }),
            ),
        ),
        Fact::MajorMoved { head, entry, notify } => {
            let kind = match entry.step {
                MajorStep::Told { .. } => "huiyin.major.told.v1",
                MajorStep::Acknowledged { .. } => "huiyin.major.acknowledged.v1",
                MajorStep::Appointed(_) => "huiyin.major.appointed.v1",
                MajorStep::Planned(_) => "huiyin.major.planned.v1",
                MajorStep::Released(_) => "huiyin.major.released.v1",
                MajorStep::Ended { .. } => "huiyin.major.ended.v1",
            };
            let mut data = about(head, json!({ "notify": told(notify) }));
            let mut step = json!(entry.step);
            if let Value::Object(step) = &mut step {
                step.remove("step");
                // The unit that may publish; `unit` is the case's.
                if let Some(unit) = step.remove("unit") {
                    step.insert("released".to_owned(), unit);
                }
            }
            merge(&mut data, step);
            merge(&mut data, json!({ "by": entry.by, "at": entry.at }));
            (kind, data)
        }
        Fact::DisclosureOpened { disclosure } => (
            "huiyin.disclosure.opened.v1",
            json!({
                "unit": disclosure.unit, "disclosure": disclosure.id, "kind": disclosure.kind,
                "kind_zh": disclosure.kind.zh(), "title": disclosure.title, "case": disclosure.case,
                "arose_at": disclosure.arose_at, "by": disclosure.by, "at": disclosure.at,
            }),
        ),
        Fact::DisclosureMoved { unit, disclosure, title, kind, due_at, step, at } => {
            let data = json!({
                "unit": unit, "disclosure": disclosure, "title": title, "kind": kind, "kind_zh": kind.zh(),
                "due_at": due_at, "at": at,
            });
            return moved(data, step);
        }
        _ => return None,
    })
}

fn moved(mut data: Value, step: &DisclosureStep) -> Option<(&'static str, Value)> {
    let (name, more) = match step {
        DisclosureStep::Clock { clock, notify } => {
            let name = match **clock {
                ClockFact::Warned { .. } => "huiyin.disclosure.warned.v1",
                ClockFact::Breached { .. } => "huiyin.disclosure.breached.v1",
                _ => return None,
            };
            let notify: Vec<Value> = notify
                .iter()
                .map(|to| json!({ "to": to.id, "name": to.name, "unit": to.unit, "role": to.role }))
                .collect();
            (name, json!({ "notify": notify }))
        }
        DisclosureStep::Published { publication } => (
            "huiyin.disclosure.published.v1",
            json!({ "channel": publication.channel, "proof": publication.proof, "by": publication.by }),
        ),
        DisclosureStep::Checked { check } => ("huiyin.disclosure.checked.v1", json!({ "check": check })),
    };
    merge(&mut data, more);
    Some((name, data))
}
