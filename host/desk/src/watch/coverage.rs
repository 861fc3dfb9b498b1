//! What is watched and what is not (全覆盖、全方位、全天候; clauses 3.1a and
//! 3.1g): the seven kinds of channel of each unit, and the hours of a day.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::heartbeat::{Source, hour_of};
use super::{ChannelKind, roster};
use crate::desk::Desk;
use crate::policy::PolicyPack;

/// The coverage of the units that live here, of one of them or all, on a day of the pack's time zone.
pub fn coverage_page(desk: &Desk, unit: Option<&str>, day: Option<Date>, now: Timestamp) -> Value {
    let Some(policy) = desk.policy() else { return json!({ "units": [] }) };
    let zone = policy.time_zone.time_zone();
    let day = day.unwrap_or_else(|| roster::date_of(now, zone));
    let units = policy.units.iter().filter(|known| {
        !known.is_partner() && desk.watch.is_home(&known.code) && unit.is_none_or(|unit| unit == known.code)
    });
    let units: Vec<Value> = units.map(|unit| of_unit(desk, policy, &unit.code, day, now)).collect();
    json!({ "day": day, "time_zone": policy.time_zone.name(), "units": units })
}

/// The pages of several partitions as one.
pub fn merged(pages: Vec<Value>) -> Value {
    let mut pages = pages.into_iter();
    let mut first = pages.next().unwrap_or_default();
    let mut units: Vec<Value> = first["units"].as_array().cloned().unwrap_or_default();
    units.extend(pages.flat_map(|page| page["units"].as_array().cloned().unwrap_or_default()));
    units.sort_by_cached_key(|unit| unit["unit"].as_str().unwrap_or_default().to_owned());
    let missing = units.iter().map(|unit| unit["missing"].as_array().map_or(0, Vec::len)).sum::<usize>();
    first["units"] = json!(units);
    first["missing"] = json!(missing);
    first
}

fn of_unit(desk: &Desk, policy: &PolicyPack, unit: &str, day: Date, now: Timestamp) -> Value {
    let rule = policy.coverage_of(unit);
    let mine: Vec<&Source> = desk.watch.sources().filter(|source| source.unit == unit).collect();
    let hours = hours_of(policy, day);
    let mut missing = Vec::new();
    let channels: Vec<Value> = ChannelKind::ALL
        .into_iter()
        .map(|kind| {
            let of_kind: Vec<&&Source> = mine.iter().filter(|source| source.channel == Some(kind)).collect();
            let live = of_kind.iter().filter(|source| source.is_live()).count();
            let watched = of_kind.iter().filter(|source| source.state() != "unwatched").count();
            let excuse = rule.and_then(|rule| rule.excused.iter().find(|excuse| excuse.channel == kind));
            // Without a rule all seven are wanted.
            let wanted = rule.is_none_or(|rule| rule.channels.contains(&kind));
            let state = match (live, watched, excuse.is_some(), wanted) {
                (1.., ..) => ("live", "正常"),
                (0, 1.., ..) => ("down", "中断"),
                (0, 0, true, _) => ("excused", "免于覆盖"),
                (0, 0, false, true) => ("none", "未覆盖"),
                (0, 0, false, false) => ("unwanted", "未要求"),
            };
            if matches!(state.0, "none" | "down" | "unwanted") {
                missing.push(json!({ "channel": kind, "channel_zh": kind.zh(), "state": state.0, "reason": excuse.map(|e| &e.reason) }));
            }
            json!({
                "channel": kind, "channel_zh": kind.zh(), "state": state.0, "state_zh": state.1,
                "reason": excuse.map(|excuse| &excuse.reason),
                "sources": of_kind.iter().map(|source| json!({"source": source.source, "state": source.state()})).collect::<Vec<_>>(),
                "hours": matrix(&mine, kind, &hours, now),
            })
        })
        .collect();
    let gaps: Vec<Value> = mine
        .iter()
        .flat_map(|source| source.all_gaps().map(move |gap| (source, gap)))
        .filter(|(_, (from, to, _))| {
            let end = hours.last().map_or(0, |hour| hour + 1);
            hour_of(*from) < end && to.is_none_or(|to| hours.first().is_none_or(|first| hour_of(to) >= *first))
        })
        .map(|(source, (from, to, reason))| {
            json!({ "source": source.source, "channel": source.channel, "from": from, "to": to, "reason": reason })
        })
        .collect();
    let other: Vec<&str> =
        mine.iter().filter(|source| source.channel.is_none()).map(|source| source.source.as_str()).collect();
    json!({
        "unit": unit,
        "unit_name": desk.unit_name(unit),
        "missing": missing,
        "channels": channels,
        "sources_without_kind": other,
        "gaps": gaps,
    })
}

/// The hours that a day has in the pack's zone, since 1970; 23 or 25 where the clock is changed.
fn hours_of(policy: &PolicyPack, day: Date) -> Vec<i64> {
    let zone = policy.time_zone.time_zone();
    let begin = |date: Date| {
        let midnight = zone.to_ambiguous_timestamp(date.to_datetime(jiff::civil::Time::midnight()));
        midnight.compatible().ok().map(hour_of)
    };
    match (begin(day), day.checked_add(1.day()).ok().and_then(begin)) {
        (Some(from), Some(to)) => (from..to).collect(),
        _ => Vec::new(),
    }
}

/// A row of the matrix: `items`, whether a source of the kind lived (none for hours to come), and how late
/// the latest item was.
fn matrix(mine: &[&Source], kind: ChannelKind, hours: &[i64], now: Timestamp) -> Vec<Value> {
    let this = hour_of(now);
    hours
        .iter()
        .map(|hour| {
            let at = Timestamp::from_second(hour.saturating_mul(3_600)).unwrap_or(now);
            let items: u32 = mine.iter().filter_map(|source| source.hours.get(hour)?.items.get(kind.name())).sum();
            let of_kind = || mine.iter().filter(|source| source.channel == Some(kind));
            let live = (*hour <= this).then(|| of_kind().any(|source| source.live_in(*hour)));
            let late = of_kind().filter_map(|source| source.hours.get(hour)).map(|hour| hour.late).max();
            json!({ "hour": at, "items": items, "live": live, "late_seconds": late })
        })
        .collect()
}
