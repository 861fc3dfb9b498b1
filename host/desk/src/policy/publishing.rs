//! What a pack says of publishing: the channels on which every response stands
//! (clause 3.5e), which levels are major by themselves and who is told next
//! (clauses 5b, 5c), and what is published without being asked (clause 6d).

use std::collections::HashSet;

use huiyin_deadline::Allowance;
use huiyin_deadline::clock::{Anchor, Warning};
use serde::{Deserialize, Serialize};

use super::check::a_known_role;
use super::parse::{allowance, basis, target, warning};
use super::reader::{Node, Object};
use super::{Basis, CalendarSource, ClockRule, SatisfiedBy, Target};
use crate::disclosure::Matter;
use crate::level::Level;
use crate::text::Name;
use crate::unit::Unit;

/// A channel of the bureau: its site, its accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Unique in the pack.
    pub id: String,
    /// How people call it.
    pub name: Name,
    /// Whether every response has to stand there.
    pub required: bool,
}

/// Where responses stand (clause 3.5e).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publishing {
    /// The channels; at least one is required.
    pub channels: Vec<Channel>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// Which matters are major by their level, and who is told where nobody acknowledges (clauses 5b, 5c).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MajorRule {
    /// The levels at which a case is declared by the desk itself; empty: only on a person's or a workflow's word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Level>,
    /// Who is told next, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Target>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// How soon a kind of matter is published without being asked for (clause 6d).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisclosureRule {
    /// Which of the four kinds.
    pub kind: Matter,
    /// How long it may take from when the matter arose.
    pub allowance: Allowance,
    /// The calendar of working days.
    pub calendar: String,
    /// When somebody is warned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Whom to tell of a warning and of a breach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tell: Vec<Target>,
    /// Where the rule comes from.
    pub basis: Basis,
}

pub(super) fn publishing(node: &Node) -> Option<Publishing> {
    let object = node.object(&["channels", "basis"])?;
    let channels = object.need("channels").and_then(|n| n.list_of(channel));
    let basis = basis(&object);
    Some(Publishing { channels: channels?, basis: basis? })
}

fn channel(node: &Node) -> Option<Channel> {
    let object = node.object(&["id", "name", "required"])?;
    let id = object.need("id").and_then(|n| n.code());
    let name = object.need("name").and_then(|n| n.name());
    let required = object.need("required").and_then(|n| n.bool());
    Some(Channel { id: id?, name: name?, required: required? })
}

pub(super) fn major(node: &Node) -> Option<MajorRule> {
    let object = node.object(&["levels", "fallback", "basis"])?;
    let levels = object.get("levels").map_or(Some(Vec::new()), |n| n.levels());
    let fallback = object.get("fallback").map_or(Some(Vec::new()), |n| n.list_of(target));
    let basis = basis(&object);
    Some(MajorRule { levels: levels?, fallback: fallback?, basis: basis? })
}

pub(super) fn disclosure(node: &Node) -> Option<DisclosureRule> {
    let object = node.object(&["kind", "allowance", "calendar", "warnings", "tell", "basis"])?;
    let kinds: Vec<(&str, Matter)> = Matter::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
    let kind = object.need("kind").and_then(|n| n.choice(&kinds));
    let figure = object.need("allowance").and_then(|n| allowance(&n));
    let calendar = object.need("calendar").and_then(|n| n.code());
    let warnings = object.get("warnings").map_or(Some(Vec::new()), |n| n.list_of(warning));
    let tell = object.get("tell").map_or(Some(Vec::new()), |n| n.list_of(target));
    let basis = basis(&object);
    Some(DisclosureRule {
        kind: kind?,
        allowance: figure?,
        calendar: calendar?,
        warnings: warnings?,
        tell: tell?,
        basis: basis?,
    })
}

/// What the parts mean together.
pub(super) fn check(
    pack: &Object,
    publishing: Option<&Publishing>,
    major: Option<&MajorRule>,
    disclosure: Option<&[DisclosureRule]>,
    (clocks, calendars, units): (Option<&[ClockRule]>, Option<&[CalendarSource]>, Option<&[Unit]>),
) {
    if let Some(publishing) = publishing {
        channels(pack, &publishing.channels);
    }
    if let Some(major) = major {
        for (i, level) in major.levels.iter().enumerate().filter(|(_, level)| !level.is_major()) {
            pack.problem_at(
                &format!("/major/levels/{i}"),
                format!("clause 5c: level {level} is no major matter"),
                "name I, II or both; a person may declare any case",
            );
        }
        for (i, target) in major.fallback.iter().enumerate() {
            a_known_role(pack, &format!("/major/fallback/{i}"), &target.role, units);
        }
        let watched = clocks.is_none_or(|all| all.iter().any(|rule| rule.satisfied_by == SatisfiedBy::Acknowledgement));
        if !major.fallback.is_empty() && !watched {
            pack.problem_at(
                "/major/fallback",
                "clause 5b: no clock waits for the acknowledgement, so nobody of these would ever be told".to_owned(),
                "add a clock rule with `satisfied_by` \"acknowledgement\" and `anchor` \"assigned_at\"",
            );
        }
    }
    if let Some(rules) = disclosure.filter(|rules| !rules.is_empty()) {
        matters(pack, rules, calendars, units);
    }
    let Some(clocks) = clocks else { return };
    for (i, rule) in clocks.iter().enumerate() {
        let of_an_act = matches!(rule.satisfied_by, SatisfiedBy::Channels | SatisfiedBy::Acknowledgement);
        if of_an_act && rule.anchor != Anchor::AssignedAt {
            pack.problem_at(
                &format!("/clocks/{i}/anchor"),
                "this clock starts with the act that it watches".to_owned(),
                "write \"assigned_at\"",
            );
        }
        let same = |other: &&ClockRule| other.satisfied_by == rule.satisfied_by;
        if of_an_act && clocks.iter().take(i).any(|other| same(&other)) {
            pack.problem_at(
                &format!("/clocks/{i}/satisfied_by"),
                "another clock rule waits for this already".to_owned(),
                "keep one",
            );
        }
    }
}

fn channels(pack: &Object, channels: &[Channel]) {
    let mut seen = HashSet::new();
    for (i, channel) in channels.iter().enumerate().filter(|(_, channel)| !seen.insert(channel.id.as_str())) {
        pack.problem_at(
            &format!("/publishing/channels/{i}/id"),
            format!("there is a channel `{}` already", channel.id),
            "rename one",
        );
    }
    if !channels.iter().any(|channel| channel.required) {
        pack.problem_at(
            "/publishing/channels",
            "clause 3.5e: no channel is required, so a response would stand nowhere".to_owned(),
            "make at least one `required`",
        );
    }
}

fn matters(pack: &Object, rules: &[DisclosureRule], calendars: Option<&[CalendarSource]>, units: Option<&[Unit]>) {
    for (i, rule) in rules.iter().enumerate() {
        if rules.iter().take(i).any(|before| before.kind == rule.kind) {
            let message = format!("there is a rule for `{}` already", rule.kind.name());
            pack.problem_at(&format!("/disclosure/{i}/kind"), message, "keep one");
        }
        if calendars.is_some_and(|all| all.iter().all(|calendar| calendar.id != rule.calendar)) {
            let message = format!("no calendar `{}` is given", rule.calendar);
            pack.problem_at(&format!("/disclosure/{i}/calendar"), message, "add it to `calendars`");
        }
        for (j, target) in rule.tell.iter().enumerate() {
            a_known_role(pack, &format!("/disclosure/{i}/tell/{j}"), &target.role, units);
        }
    }
    for kind in Matter::ALL.iter().filter(|kind| rules.iter().all(|rule| rule.kind != **kind)) {
        pack.problem_at(
            "/disclosure",
            format!("clause 6d: there is no rule for `{}` ({})", kind.name(), kind.zh()),
            "give all four kinds, or none",
        );
    }
}
