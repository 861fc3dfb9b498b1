//! What a pack says about watching: which channels a unit watches (clause
//! 3.1a), its duty roster and patrols (3.1b), and when a warning is raised
//! (3.2b). All of it may be left out.

use std::collections::HashSet;

use huiyin_deadline::schedule::Interval;
use serde::{Deserialize, Serialize};

use super::parse::{basis, target};
use super::reader::{Node, Object};
use super::{Basis, PolicyPack, Recipient, Target, Whose};
use crate::level::Level;
use crate::text::Name;
use crate::unit::Unit;
use crate::watch::{ChannelKind, Colour, Day, Gauge, Measure, Slot, Step, TimeOfDay};

/// The role of whoever is on duty: no role of the pack, but the roster's.
pub const ON_DUTY: &str = "on-duty";

/// A channel that a unit need not watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excuse {
    /// Which.
    pub channel: ChannelKind,
    /// Why.
    pub reason: String,
}

/// A source that sends, and is not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// Its name within the unit.
    pub source: String,
    /// Its kind.
    pub channel: ChannelKind,
    /// After how many seconds of silence it is down.
    pub every: i64,
}

/// Which channels a unit watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageRule {
    /// The unit; every unit that has no rule of its own where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The kinds that it watches.
    pub channels: Vec<ChannelKind>,
    /// Those that it need not watch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excused: Vec<Excuse>,
    /// Its sources that send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pushed: Vec<Pushed>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// A patrol that is made at some times of every day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatrolRule {
    /// Its name, once in the unit.
    pub id: String,
    /// How people call it.
    pub name: Name,
    /// What to look at.
    pub look: Vec<String>,
    /// When it begins.
    pub at: Vec<TimeOfDay>,
    /// How many seconds it may take until it is on record.
    pub within: i64,
}

/// The duty of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutyRule {
    /// The unit.
    pub unit: String,
    /// Its roster.
    pub slots: Vec<Slot>,
    /// How many seconds after the beginning of a slot somebody has to be there; none where nobody checks in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_in: Option<i64>,
    /// How many seconds ahead a slot alerts that nobody holds.
    pub alert_before: i64,
    /// Who is told, beside those of the routes, where nobody came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Target>,
    /// Patrols.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patrols: Vec<PatrolRule>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// By what items are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// All of a unit's.
    Unit,
    /// By the region that the item names in its field `region`, else the unit's.
    Region,
    /// By topic.
    Topic,
}

/// A topic: items that have one of the words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name.
    pub id: String,
    /// The words.
    pub words: Vec<String>,
}

/// What a warning measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct When {
    /// How.
    #[serde(flatten)]
    pub gauge: Gauge,
    /// By what items are told apart.
    pub per: Per,
    /// Only items of this level or a graver one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Only items of these topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<Topic>,
}

/// When a warning is raised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WarningRule {
    /// Unique in the pack.
    pub id: String,
    /// How people call it.
    pub name: Name,
    /// What is measured.
    pub when: When,
    /// Thresholds, the mildest colour first.
    pub steps: Vec<Step>,
    /// For how many seconds after its end the same is not raised again, unless it is graver.
    pub dedupe: i64,
    /// How many seconds an acknowledgement may take.
    pub acknowledge_within: i64,
    /// How many seconds feedback may take.
    pub feedback_within: i64,
    /// Where the rule comes from.
    pub basis: Basis,
}

impl PolicyPack {
    /// The duty of a unit.
    pub fn duty_of(&self, unit: &str) -> Option<&DutyRule> {
        self.duty.iter().find(|rule| rule.unit == unit)
    }

    /// Which channels a unit watches: its own rule, else the one for all.
    pub fn coverage_of(&self, unit: &str) -> Option<&CoverageRule> {
        let of = |wanted: Option<&str>| self.coverage.iter().find(move |rule| rule.unit.as_deref() == wanted);
        of(Some(unit)).or_else(|| of(None))
    }

    /// The unit whose people a target means, seen from a unit.
    pub(crate) fn resolve_unit(&self, target: &Target, lead: &str) -> Option<&Unit> {
        match target.whose {
            Whose::Lead => self.unit(lead),
            Whose::Root => self.root(),
            Whose::Parent => self.unit(lead).and_then(|unit| self.unit(unit.parent.as_deref()?)),
        }
    }

    /// A person as somebody who is told.
    pub(crate) fn recipient(&self, id: &str, role: &str) -> Option<Recipient> {
        let unit = self.unit_of(id)?;
        let person = unit.person(id)?;
        Some(Recipient {
            id: person.id.clone(),
            name: person.name.clone(),
            unit: unit.code.clone(),
            role: role.to_owned(),
        })
    }
}

/// Seconds of an ISO 8601 duration, at most so many days.
fn seconds(node: &Node, most_days: i64) -> Option<i64> {
    let text = node.text()?;
    match text.parse::<Interval>().map(Interval::duration) {
        Ok(length) if length.as_secs() < 1 => node.problem("that is less than a second", "write a longer time"),
        Ok(length) if length.as_secs() > most_days * 86_400 => {
            node.problem(format!("{text} is longer than {most_days} days"), "write a shorter time")
        }
        Ok(length) => Some(length.as_secs()),
        Err(error) => node.problem(error.to_string(), "write it as \"PT1H\" or \"P1D\""),
    }
}

fn channel(node: &Node) -> Option<ChannelKind> {
    node.choice(&ChannelKind::ALL.map(|kind| (kind.name(), kind)))
}

fn time_of_day(node: &Node) -> Option<TimeOfDay> {
    let text = node.text()?;
    text.parse().map_err(|why: String| node.problem::<()>(why, "")).ok()
}

fn number(node: &Node) -> Option<f64> {
    match node.value.as_f64().filter(|value| value.is_finite() && *value > 0.0) {
        Some(value) => Some(value),
        None => node.problem("a number above 0 is wanted here", ""),
    }
}

/// Some value, none where the key is absent; nothing at all where it is faulty.
#[allow(clippy::option_option)] // the three cases are told apart at once, by `?`
fn maybe<'a, T>(object: &Object<'a>, key: &str, read: impl Fn(&Node<'a>) -> Option<T>) -> Option<Option<T>> {
    match object.get(key) {
        Some(node) => read(&node).map(Some),
        None => Some(None),
    }
}

fn list<'a, T>(object: &Object<'a>, key: &str, read: impl Fn(&Node<'a>) -> Option<T>) -> Option<Vec<T>> {
    object.get(key).map_or(Some(Vec::new()), |node| node.list_of(read))
}

pub(super) fn coverage(node: &Node) -> Option<CoverageRule> {
    let object = node.object(&["unit", "channels", "excused", "pushed", "basis"])?;
    let unit = maybe(&object, "unit", Node::code);
    let channels = object.need("channels").and_then(|node| node.list_of(channel));
    let excused = list(&object, "excused", |node| {
        let object = node.object(&["channel", "reason"])?;
        let which = object.need("channel").and_then(|node| channel(&node));
        let reason = object.need("reason").and_then(|node| node.text());
        Some(Excuse { channel: which?, reason: reason? })
    });
    let pushed = list(&object, "pushed", |node| {
        let object = node.object(&["source", "channel", "every"])?;
        let source = object.need("source").and_then(|node| node.code());
        let which = object.need("channel").and_then(|node| channel(&node));
        let every = object.need("every").and_then(|node| seconds(&node, 35));
        Some(Pushed { source: source?, channel: which?, every: every? })
    });
    let basis = basis(&object);
    if let (Some(channels), Some(excused)) = (&channels, &excused)
        && let Some(both) = excused.iter().find(|excuse| channels.contains(&excuse.channel))
    {
        node.problem::<()>(
            format!("`{}` is watched and excused", both.channel.name()),
            "keep it in one of `channels` and `excused`",
        );
    }
    Some(CoverageRule { unit: unit?, channels: channels?, excused: excused?, pushed: pushed?, basis: basis? })
}

fn slot(node: &Node) -> Option<Slot> {
    let object = node.object(&["id", "days", "date", "from", "to", "people"])?;
    let id = object.need("id").and_then(|node| node.code());
    let days = list(&object, "days", |node| {
        let words: Vec<(String, Day)> = Day::ALL
            .iter()
            .map(|day| {
                (serde_json::to_value(day).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default(), *day)
            })
            .collect();
        let choices: Vec<(&str, Day)> = words.iter().map(|(word, day)| (word.as_str(), *day)).collect();
        node.choice(&choices)
    });
    let date = maybe(&object, "date", |node| {
        let text = node.text()?;
        text.parse().map_err(|_| node.problem::<()>(format!("`{text}` is no date"), "write it as 2026-10-01")).ok()
    });
    let from = object.need("from").and_then(|node| time_of_day(&node));
    let to = object.need("to").and_then(|node| time_of_day(&node));
    let people = object.need("people").and_then(|node| node.list_of(Node::code));
    if let (Some(days), Some(Some(_))) = (&days, &date)
        && !days.is_empty()
    {
        node.problem::<()>("a slot is held on a date or on days of the week", "leave one of the two out");
    }
    Some(Slot { id: id?, days: days?, date: date?, from: from?, to: to?, people: people? })
}

pub(super) fn duty(node: &Node) -> Option<DutyRule> {
    let object = node.object(&["unit", "slots", "check_in", "alert_before", "fallback", "patrols", "basis"])?;
    let unit = object.need("unit").and_then(|node| node.code());
    let slots = object.need("slots").and_then(|node| node.list_of(slot));
    let check_in = maybe(&object, "check_in", |node| seconds(node, 1));
    // Slots are planned three days ahead; an alert cannot come before its slot is known.
    let alert_before = maybe(&object, "alert_before", |node| seconds(node, 2));
    let fallback = list(&object, "fallback", target);
    let patrols = list(&object, "patrols", |node| {
        let object = node.object(&["id", "name", "look", "at", "within"])?;
        let id = object.need("id").and_then(|node| node.code());
        let name = object.need("name").and_then(|node| node.name());
        let look = object.need("look").and_then(|node| node.list_of(Node::text));
        let at = object.need("at").and_then(|node| node.list_of(time_of_day));
        let within = object.need("within").and_then(|node| seconds(&node, 1));
        Some(PatrolRule { id: id?, name: name?, look: look?, at: at?, within: within? })
    });
    let basis = basis(&object);
    Some(DutyRule {
        unit: unit?,
        slots: slots?,
        check_in: check_in?,
        alert_before: alert_before?.unwrap_or(12 * 3_600),
        fallback: fallback?,
        patrols: patrols?,
        basis: basis?,
    })
}

fn when(node: &Node) -> Option<When> {
    let object = node.object(&["measure", "over", "baseline", "per", "level", "topics"])?;
    let measure = object
        .need("measure")
        .and_then(|node| node.choice(&[("count", Measure::Count), ("rate", Measure::Rate), ("score", Measure::Score)]));
    let over = object.need("over").and_then(|node| seconds(&node, 7));
    let baseline = maybe(&object, "baseline", |node| match node.value.as_i64() {
        Some(windows @ 1..=168) => Some(windows),
        _ => node.problem("a number of windows from 1 to 168 is wanted here", ""),
    });
    let per = object
        .need("per")
        .and_then(|node| node.choice(&[("unit", Per::Unit), ("region", Per::Region), ("topic", Per::Topic)]));
    let level = maybe(&object, "level", Node::level);
    let topics = list(&object, "topics", |node| {
        let object = node.object(&["id", "words"])?;
        let id = object.need("id").and_then(|node| node.text());
        let words = object.need("words").and_then(|node| node.list_of(Node::text));
        Some(Topic { id: id?, words: words? })
    });
    let (measure, over, baseline, per, topics) = (measure?, over?, baseline?, per?, topics?);
    if per == Per::Topic && topics.is_empty() {
        return node.problem("no topic is given", "add `topics`, each with `id` and `words`");
    }
    if measure != Measure::Rate && baseline.is_some() {
        return node.problem("only a rate has a `baseline`", "leave it out");
    }
    let baseline = if measure == Measure::Rate { baseline.unwrap_or(24) } else { 0 };
    Some(When { gauge: Gauge { measure, over, baseline }, per, level: level?, topics })
}

pub(super) fn warning(node: &Node) -> Option<WarningRule> {
    let object =
        node.object(&["id", "name", "when", "steps", "dedupe", "acknowledge_within", "feedback_within", "basis"])?;
    let id = object.need("id").and_then(|node| node.code());
    let name = object.need("name").and_then(|node| node.name());
    let measured = object.need("when").and_then(|node| when(&node));
    let steps = object.need("steps").and_then(|node| {
        let steps = node.list_of(|node| {
            let object = node.object(&["colour", "up", "down"])?;
            let colour = object.need("colour").and_then(|node| {
                node.choice(&[
                    ("blue", Colour::Blue),
                    ("yellow", Colour::Yellow),
                    ("orange", Colour::Orange),
                    ("red", Colour::Red),
                ])
            });
            let up = object.need("up").and_then(|node| number(&node));
            let down = object.need("down").and_then(|node| number(&node));
            let step = Step { colour: colour?, up: up?, down: down? };
            if step.down >= step.up {
                return node.problem(
                    "`down` is not below `up`: the warning would flap",
                    "lower it below a clearly smaller value (hysteresis)",
                );
            }
            Some(step)
        })?;
        let rises = |two: &[Step]| matches!(two, [a, b] if a.colour < b.colour && a.up < b.up && a.down < b.up);
        if steps.is_empty() || !steps.windows(2).all(rises) {
            return node.problem(
                "the steps do not rise from one colour to the next",
                "give at least one, each colour once, the mildest first, each with a higher `up`",
            );
        }
        Some(steps)
    });
    let dedupe = maybe(&object, "dedupe", |node| seconds(node, 35));
    let acknowledge = object.need("acknowledge_within").and_then(|node| seconds(&node, 7));
    let feedback = object.need("feedback_within").and_then(|node| seconds(&node, 35));
    let basis = basis(&object);
    Some(WarningRule {
        id: id?,
        name: name?,
        when: measured?,
        steps: steps?,
        dedupe: dedupe?.unwrap_or(0),
        acknowledge_within: acknowledge?,
        feedback_within: feedback?,
        basis: basis?,
    })
}

/// What these parts mean together with the units.
pub(super) fn check(
    pack: &Object,
    units: Option<&[Unit]>,
    coverage: Option<&[CoverageRule]>,
    duty: Option<&[DutyRule]>,
    warnings: Option<&[WarningRule]>,
) {
    let known = |code: &str| units.is_none_or(|units| units.iter().any(|unit| unit.code == code && !unit.is_partner()));
    let mut seen = HashSet::new();
    for (i, rule) in coverage.unwrap_or_default().iter().enumerate() {
        if let Some(unit) = rule.unit.as_deref().filter(|unit| !known(unit)) {
            pack.problem_at(
                &format!("/coverage/{i}/unit"),
                format!("there is no unit `{unit}` that watches"),
                "correct the code",
            );
        }
        if !seen.insert(rule.unit.as_deref()) {
            pack.problem_at(
                &format!("/coverage/{i}"),
                "there is a rule for the same already".to_owned(),
                "write both into one",
            );
        }
    }
    let mut seen = HashSet::new();
    for (i, rule) in duty.unwrap_or_default().iter().enumerate() {
        let at = |below: String| format!("/duty/{i}/{below}");
        if !known(&rule.unit) {
            pack.problem_at(
                &at("unit".to_owned()),
                format!("there is no unit `{}` with a duty", rule.unit),
                "correct the code",
            );
        }
        if !seen.insert(rule.unit.as_str()) {
            pack.problem_at(
                &at("unit".to_owned()),
                format!("unit `{}` has a duty already", rule.unit),
                "write both into one",
            );
        }
        let mut ids = HashSet::new();
        for (j, slot) in rule.slots.iter().enumerate() {
            if !ids.insert(slot.id.as_str()) {
                pack.problem_at(
                    &at(format!("slots/{j}/id")),
                    format!("there is a slot `{}` already", slot.id),
                    "rename one",
                );
            }
            for (k, person) in slot.people.iter().enumerate() {
                if let Some(units) = units
                    && !line(units, &rule.unit).any(|unit| unit.person(person).is_some())
                {
                    pack.problem_at(
                        &at(format!("slots/{j}/people/{k}")),
                        format!("neither unit `{}` nor one above it names a person `{person}`", rule.unit),
                        "name somebody of `people`",
                    );
                }
            }
        }
        let mut ids = HashSet::new();
        for (j, patrol) in rule.patrols.iter().enumerate().filter(|(_, patrol)| !ids.insert(patrol.id.as_str())) {
            pack.problem_at(
                &at(format!("patrols/{j}/id")),
                format!("there is a patrol `{}` already", patrol.id),
                "rename one",
            );
        }
    }
    let mut ids = HashSet::new();
    for (i, rule) in warnings.unwrap_or_default().iter().enumerate().filter(|(_, rule)| !ids.insert(rule.id.as_str())) {
        pack.problem_at(
            &format!("/warnings/{i}/id"),
            format!("there is a warning `{}` already", rule.id),
            "rename one",
        );
    }
}

/// A unit and all above it.
fn line<'u>(units: &'u [Unit], code: &str) -> impl Iterator<Item = &'u Unit> {
    let of = move |code: &str| units.iter().find(|unit| unit.code == code);
    std::iter::successors(of(code), move |unit| unit.parent.as_deref().and_then(of)).take(units.len())
}
