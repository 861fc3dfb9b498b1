//! Watching as people read it, in the API and on the command line.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::duty::slot_view;
use super::heartbeat::Source;
use crate::desk::Desk;
use crate::item::ItemRecord;
use crate::view::with_names;

/// The sources that are known here, with how each lives.
pub fn source_list(desk: &Desk) -> Vec<Value> {
    let row = |source: &Source| {
        json!({
            "source": source.id(), "unit": source.unit, "channel": source.channel,
            "channel_zh": source.channel.map(super::ChannelKind::zh),
            "live": source.is_live(), "heartbeat": source.state(), "pushed": source.pushed,
            "expected_seconds": source.expected, "watched_since": source.watched,
            "heard": source.last_ok, "last_new_item": source.last_item,
            "down_since": source.down.as_ref().map(|down| down.since),
            "down_reason": source.down.as_ref().map(|down| &down.reason),
            "gaps": source.all_gaps().map(|(from, to, reason)| json!({"from": from, "to": to, "reason": reason})).collect::<Vec<_>>(),
        })
    };
    desk.watch.sources().map(row).collect()
}

/// The duty of the units that live here: who is on duty, and the slots from `from` to `to`.
pub fn roster_page(desk: &Desk, unit: Option<&str>, days: i64, now: Timestamp) -> Vec<Value> {
    let span = SignedDuration::from_hours(24 * days.clamp(1, 35));
    let (from, to) = (now.checked_sub(span).unwrap_or(now), now.checked_add(span).unwrap_or(now));
    let wanted = |code: &&String| unit.is_none_or(|unit| unit == code.as_str());
    desk.watch
        .duties()
        .filter(|(code, _)| wanted(code))
        .map(|(code, duty)| {
            let mut slots: Vec<_> = duty.slots.values().filter(|slot| slot.ends > from && slot.starts < to).collect();
            slots.sort_by_key(|slot| (slot.starts, slot.id.clone()));
            let page = json!({
                "unit": code, "unit_name": desk.unit_name(code), "own": duty.own.is_some(),
                "on_duty": duty.on_duty(now), "planned_until": duty.until,
                "slots": slots.iter().map(|slot| slot_view(slot, now)).collect::<Vec<_>>(),
                "holes": holes(&slots.iter().map(|slot| (slot.starts, slot.ends)).collect::<Vec<_>>(), now),
            });
            with_names(desk, page)
        })
        .collect()
}

/// The times from now to the last slot that no slot covers (全天候, clause 3.1g).
fn holes(slots: &[(Timestamp, Timestamp)], now: Timestamp) -> Vec<Value> {
    let mut covered = now;
    let mut holes = Vec::new();
    for (starts, ends) in slots.iter().filter(|(_, ends)| *ends > now) {
        if *starts > covered {
            holes.push(json!({ "from": covered, "to": starts }));
        }
        covered = covered.max(*ends);
    }
    holes
}

/// The patrols of the units that live here: those of today and to come, and those that were missed.
pub fn patrol_list(desk: &Desk, unit: Option<&str>, all: bool, now: Timestamp) -> Vec<Value> {
    let day = SignedDuration::from_hours(24);
    let near = |at: Timestamp| at.duration_since(now).abs() <= day;
    let duties = desk.watch.duties().filter(|(code, _)| unit.is_none_or(|unit| unit == code.as_str()));
    let mut rows: Vec<Value> = duties
        .flat_map(|(code, duty)| duty.patrols.values().map(move |patrol| (code, duty, patrol)))
        .filter(|(_, _, patrol)| all || near(patrol.at) || (patrol.missed.is_some() && patrol.done.is_none()))
        .map(|(code, duty, patrol)| {
            let state = patrol.state(now);
            let state_zh = match state {
                "planned" => "未到时间",
                "due" => "待巡查",
                "done" => "已巡查",
                "done-late" => "补巡",
                _ => "漏巡",
            };
            json!({
                "patrol": patrol.id, "unit": code, "unit_name": desk.unit_name(code), "name": patrol.name,
                "look": patrol.look, "at": patrol.at, "due": patrol.due, "people": duty.on_duty(patrol.at),
                "state": state, "state_zh": state_zh, "done": patrol.done, "by": patrol.by, "seen": patrol.seen,
                "missed": patrol.missed,
            })
        })
        .collect();
    rows.sort_by_cached_key(|row| (row["at"].to_string(), row["patrol"].to_string()));
    rows
}

/// Warnings of the units that live here: those that are open or owe something, the gravest first.
pub fn warning_list(desk: &Desk, unit: Option<&str>, all: bool) -> Vec<Value> {
    let mut found: Vec<_> = desk
        .watch
        .warnings()
        .filter(|warning| unit.is_none_or(|unit| unit == warning.unit) && (all || !warning.is_over()))
        .collect();
    found.sort_by_key(|warning| {
        (warning.ended_at.is_some(), std::cmp::Reverse(warning.colour), std::cmp::Reverse(warning.raised_at))
    });
    found
        .into_iter()
        .map(|warning| {
            let mut view = warning.view();
            view["unit_name"] = json!(desk.unit_name(&warning.unit));
            view
        })
        .collect()
}

/// What is shared by or with a unit; nothing of what it says.
pub fn shared_list(desk: &Desk, unit: Option<&str>, all: bool, now: Timestamp) -> Vec<Value> {
    let wanted = |share: &&super::Share| {
        unit.is_none_or(|unit| share.to == unit || share.unit == unit) && (all || share.holds(now))
    };
    desk.watch.shares().filter(wanted).map(|share| share.row(now)).collect()
}

/// An item that the desk holds still.
pub fn item_page(desk: &Desk, id: &Uuid) -> Option<Value> {
    let record = desk.item(id)?;
    Some(with_names(desk, item_view(desk, &record, true)))
}

/// An item, whole or as a summary without its text and what was said of it.
pub(crate) fn item_view(desk: &Desk, record: &ItemRecord, whole: bool) -> Value {
    let mut view = json!({
        "item": record.item, "unit": record.unit, "unit_name": desk.unit_name(&record.unit), "source": record.source,
        "title": record.title, "level": record.level(), "occurred_at": record.occurred_at, "observed": record.observed,
        "late_seconds": record.late_seconds(),
        "labels": record.labels.held(),
        "case": desk.case_of_item(&record.item),
    });
    if whole {
        view["text"] = json!(record.text);
        view["url"] = json!(record.url);
        view["duplicate_of"] = json!(record.duplicate_of);
        view["assessments"] = json!(record.assessments);
        view["labels"] = record.labels.view();
        view["label_history"] = json!(record.labels.history());
    }
    view
}
