//! Warnings (预警, clauses 3.2b and 3.2f): thresholds of the pack, measured as
//! items come. One open warning per rule and subject; it rises at once, and
//! falls only after the value has stayed below the lower threshold for a whole
//! window, so that it never flaps. Each needs an acknowledgement and feedback,
//! each with a time that breaches on record.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::fact::Counted;
use super::{Cell, Gauge, Meter, Told, WatchFact, meter_key};
use crate::actor::Actor;
use crate::command::{AcknowledgeWarning, FeedBackWarning};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::item::ItemRecord;
use crate::level::Level;
use crate::policy::{ON_DUTY, Occasion, Per, PolicyPack, Recipient, Target, WarningRule};
use crate::text::clip;

/// The most items that a warning names.
const MAX_SAMPLE: usize = 10;
/// The most entries of a warning's history.
const MAX_HISTORY: usize = 200;
/// The most subjects of one rule in one page of items.
const MAX_SUBJECTS: usize = 200;

/// A warning's colour (突发事件应对法, article 42). Red is the gravest, and the greatest in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// 蓝.
    Blue,
    /// 黄.
    Yellow,
    /// 橙.
    Orange,
    /// 红.
    Red,
}

impl Colour {
    /// The level that has it.
    pub fn level(self) -> Level {
        match self {
            Self::Red => Level::I,
            Self::Orange => Level::II,
            Self::Yellow => Level::III,
            Self::Blue => Level::IV,
        }
    }

    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Red => "红色",
            Self::Orange => "橙色",
            Self::Yellow => "黄色",
            Self::Blue => "蓝色",
        }
    }
}

/// A threshold: the colour comes at `up`, and goes below `down`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub colour: Colour,
    /// It is raised at this value or above.
    pub up: f64,
    /// It is lowered below this value; less than `up`.
    pub down: f64,
}

/// What happened to a warning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WarningEntry {
    /// The colour then; none once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// The value.
    pub value: f64,
    /// When.
    pub at: Timestamp,
}

/// What was said about a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// In words; none for an acknowledgement without a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The case that was opened for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// After the time allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// A time that was missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// `acknowledgement` or `feedback`.
    pub what: String,
    /// When it was due.
    pub due: Timestamp,
    /// When that was noticed.
    pub at: Timestamp,
}

/// A warning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// `<unit>.w<n>`.
    pub id: String,
    /// The unit whose items it is about.
    pub unit: String,
    /// The rule of the pack.
    pub rule: String,
    /// How people call the rule.
    pub name: String,
    /// What of: the unit, a region, a topic.
    pub subject: String,
    /// The colour now; the last one, once it has ended.
    pub colour: Colour,
    /// What was measured last.
    pub value: f64,
    /// How it is measured, as the rule was when it was raised.
    pub gauge: Gauge,
    /// The thresholds, the same.
    pub steps: Vec<Step>,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When it last rose or fell.
    pub changed_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When it falls, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub falls_at: Option<Timestamp>,
    /// How long an acknowledgement may take, in seconds.
    pub acknowledge_within: i64,
    /// How long feedback may take, in seconds.
    pub feedback_within: i64,
    /// By when it is acknowledged.
    pub acknowledge_by: Timestamp,
    /// By when there is feedback.
    pub feedback_by: Timestamp,
    /// The acknowledgement of the colour it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Feedback>,
    /// The feedback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// What was missed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<Lateness>,
    /// Its colours, oldest first.
    pub history: Vec<WarningEntry>,
    /// Some of the items that raised it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Uuid>,
    /// The clause that the rule rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
}

impl Warning {
    /// Below which value it falls; none once it has ended.
    pub(crate) fn bar(&self) -> Option<f64> {
        let step = self.steps.iter().find(|step| step.colour == self.colour);
        step.filter(|_| self.ended_at.is_none()).map(|step| step.down)
    }

    fn misses(&self, what: &str, due: Timestamp) -> bool {
        self.late.iter().any(|late| late.what == what && late.due == due)
    }

    /// What is overdue at a moment, and since when.
    fn overdue(&self) -> impl Iterator<Item = (&'static str, Timestamp)> + '_ {
        let wanted = [
            ("acknowledgement", self.acknowledge_by, self.acknowledged.is_none()),
            ("feedback", self.feedback_by, self.feedback.is_none()),
        ];
        wanted
            .into_iter()
            .filter(|(what, due, open)| *open && !self.misses(what, *due))
            .map(|(what, due, _)| (what, due))
    }

    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.overdue().map(|(_, due)| due).chain(self.falls_at).min()
    }

    /// It has ended, and nothing is owed.
    pub fn is_over(&self) -> bool {
        self.ended_at.is_some() && self.acknowledged.is_some() && self.feedback.is_some()
    }

    pub(super) fn apply(&mut self, fact: &WatchFact) {
        match fact {
            WatchFact::WarningMoved { colour, value, at, acknowledge_by, feedback_by, .. } => {
                if let Some(colour) = colour {
                    self.colour = *colour;
                } else {
                    self.ended_at = Some(*at);
                }
                self.changed_at = *at;
                self.value = *value;
                // A graver colour is acknowledged and answered anew.
                if let Some(by) = acknowledge_by {
                    (self.acknowledge_by, self.acknowledged) = (*by, None);
                }
                if let Some(by) = feedback_by {
                    (self.feedback_by, self.feedback) = (*by, None);
                }
                if self.history.len() >= MAX_HISTORY {
                    self.history.remove(1);
                }
                self.history.push(WarningEntry { colour: *colour, value: *value, at: *at });
            }
            WatchFact::WarningAcknowledged { note, late, by, at, .. } => {
                self.acknowledged =
                    Some(Feedback { text: note.clone(), case: None, late: *late, by: by.clone(), at: *at });
            }
            WatchFact::WarningFedBack { text, case, late, by, at, .. } => {
                self.feedback = Some(Feedback {
                    text: Some(text.clone()),
                    case: case.clone(),
                    late: *late,
                    by: by.clone(),
                    at: *at,
                });
            }
            WatchFact::WarningLate { what, due, at, .. } => {
                self.late.push(Lateness { what: what.clone(), due: *due, at: *at });
            }
            _ => {}
        }
    }

    /// As people and programs read it.
    pub(crate) fn view(&self) -> Value {
        let mut view = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(map) = &mut view {
            map.shift_remove("id");
            map.insert("warning".to_owned(), json!(self.id));
            map.insert("colour_zh".to_owned(), json!(self.colour.zh()));
            map.insert("open".to_owned(), json!(self.ended_at.is_none()));
            map.insert("owed".to_owned(), json!(self.acknowledged.is_none() || self.feedback.is_none()));
        }
        view
    }
}

impl WarningRule {
    /// What an item is counted for: the subjects.
    fn subjects(&self, record: &ItemRecord, region: &str, text: &str) -> Vec<String> {
        if self.when.level.is_some_and(|least| record.level() < Some(least)) {
            return Vec::new();
        }
        let topics =
            self.when.topics.iter().filter(|topic| topic.words.iter().any(|word| text.contains(word.as_str())));
        match self.when.per {
            Per::Topic => topics.map(|topic| topic.id.clone()).collect(),
            _ if !self.when.topics.is_empty() && topics.clone().next().is_none() => Vec::new(),
            Per::Unit => vec![record.unit.clone()],
            Per::Region => vec![region.to_owned()],
        }
    }

    fn colour_at(&self, value: f64) -> Option<Colour> {
        self.steps.iter().filter(|step| value >= step.up).map(|step| step.colour).max()
    }
}

impl Work<'_> {
    /// Counts new items for every rule, and raises what has to be raised. `texts`: title and text of each.
    pub(crate) fn measure(&mut self, unit: &str, items: &[(Uuid, String, Option<String>)]) -> Result<(), DeskError> {
        let policy = self.policy()?;
        if policy.warnings.is_empty() || items.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let own_region = policy.unit(unit).map(|unit| unit.number.region.clone()).unwrap_or_default();
        let mut cells: BTreeMap<(usize, String, i64), Cell> = BTreeMap::new();
        let mut sample: BTreeMap<(usize, String), Vec<Uuid>> = BTreeMap::new();
        for (id, text, region) in items {
            let Some(record) = self.desk.item(id) else { continue };
            // Places are told apart by their county, the first six digits of GB/T 2260.
            let coded = |code: &&str| code.len() >= 6 && code.bytes().all(|b| b.is_ascii_digit());
            let region: String = region.as_deref().filter(coded).unwrap_or(&own_region).chars().take(6).collect();
            let score = record.assessments.iter().map(|a| a.verdict.score).fold(0.0, f64::max);
            for (at, rule) in policy.warnings.iter().enumerate() {
                let gauge = rule.when.gauge;
                if now.duration_since(record.occurred_at).as_secs() > gauge.keep() {
                    continue;
                }
                for subject in rule.subjects(&record, &region, text) {
                    let subjects = sample.entry((at, subject.clone())).or_default();
                    if subjects.len() < MAX_SAMPLE {
                        subjects.push(*id);
                    }
                    let cell = cells.entry((at, subject, Meter::new(gauge).step(record.occurred_at))).or_default();
                    cell.items += 1;
                    cell.score = cell.score.max(score);
                }
            }
        }
        if cells.is_empty() {
            return Ok(());
        }
        let counted =
            cells.iter().take(MAX_SUBJECTS * policy.warnings.len()).filter_map(|((at, subject, step), cell)| {
                let rule = policy.warnings.get(*at)?;
                let (rule, gauge) = (rule.id.clone(), rule.when.gauge);
                Some(Counted {
                    rule,
                    subject: subject.clone(),
                    gauge,
                    step: *step,
                    items: cell.items,
                    score: cell.score,
                })
            });
        self.watched(WatchFact::Measured { unit: unit.to_owned(), cells: counted.collect(), at: now });
        for ((at, subject), items) in sample {
            if let Some(rule) = policy.warnings.get(at) {
                self.raise_warning(rule, unit, &subject, items);
            }
        }
        Ok(())
    }

    fn raise_warning(&mut self, rule: &WarningRule, unit: &str, subject: &str, items: Vec<Uuid>) {
        let now = self.now();
        let key = meter_key(&rule.id, unit, subject);
        let Some(value) = self.desk.watch.meter(&key).map(|meter| meter.value(now)) else { return };
        let Some(colour) = rule.colour_at(value) else { return };
        let after = |seconds: i64| now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        let last = self.desk.watch.last_warning(&rule.id, unit, subject).cloned();
        match last {
            Some(open) if open.ended_at.is_none() => {
                // Its own thresholds hold as long as it is open.
                let risen = open.steps.iter().filter(|step| value >= step.up).map(|step| step.colour).max();
                let Some(risen) = risen.filter(|colour| *colour > open.colour) else { return };
                let notify = self.told(Occasion::WarningRaised, Some(risen.level()), unit);
                self.watched(WatchFact::WarningMoved {
                    unit: unit.to_owned(),
                    warning: open.id.clone(),
                    name: open.name.clone(),
                    from: open.colour,
                    colour: Some(risen),
                    value,
                    at: now,
                    acknowledge_by: Some(after(open.acknowledge_within)),
                    feedback_by: Some(after(open.feedback_within)),
                    notify,
                });
            }
            Some(ended)
                if ended.ended_at.is_some_and(|at| now.duration_since(at).as_secs() < rule.dedupe)
                    && colour <= ended.colour => {}
            _ => {
                let warning = Warning {
                    id: format!("{unit}.w{}", self.desk.watch.next_number(unit)),
                    unit: unit.to_owned(),
                    rule: rule.id.clone(),
                    name: rule.name.zh.clone(),
                    subject: subject.to_owned(),
                    colour,
                    value,
                    gauge: rule.when.gauge,
                    steps: rule.steps.clone(),
                    raised_at: now,
                    changed_at: now,
                    ended_at: None,
                    falls_at: None,
                    acknowledge_within: rule.acknowledge_within,
                    feedback_within: rule.feedback_within,
                    acknowledge_by: after(rule.acknowledge_within),
                    feedback_by: after(rule.feedback_within),
                    acknowledged: None,
                    feedback: None,
                    late: Vec::new(),
                    history: vec![WarningEntry { colour: Some(colour), value, at: now }],
                    items,
                    clause: rule.basis.clause.clone(),
                };
                let notify = self.told(Occasion::WarningRaised, Some(colour.level()), unit);
                self.watched(WatchFact::WarningRaised { warning: Box::new(warning), notify });
            }
        }
    }

    /// What time has brought about in a warning: it falls, ends, is late.
    pub(crate) fn tick_warning(&mut self, id: &str) {
        let now = self.now();
        let Some(warning) = self.desk.watch.warning(id).cloned() else { return };
        for (what, due) in warning.overdue().filter(|(_, due)| *due <= now).collect::<Vec<_>>() {
            let notify = self.told(Occasion::WarningLate, Some(warning.colour.level()), &warning.unit);
            self.watched(WatchFact::WarningLate {
                unit: warning.unit.clone(),
                warning: warning.id.clone(),
                name: warning.name.clone(),
                colour: warning.colour,
                what: what.to_owned(),
                due,
                at: now,
                notify,
            });
        }
        if warning.falls_at.is_none_or(|at| at > now) {
            return;
        }
        let meter = self.desk.watch.meter(&meter_key(&warning.rule, &warning.unit, &warning.subject));
        let value = meter.filter(|meter| meter.gauge == warning.gauge).map_or(0.0, |meter| meter.value(now));
        let lower = warning.steps.iter().filter(|step| step.colour < warning.colour && value >= step.down);
        let colour = lower.map(|step| step.colour).max();
        self.watched(WatchFact::WarningMoved {
            unit: warning.unit.clone(),
            warning: warning.id.clone(),
            name: warning.name.clone(),
            from: warning.colour,
            colour,
            value,
            at: now,
            acknowledge_by: None,
            feedback_by: None,
            notify: Vec::new(),
        });
    }

    /// `acknowledge-warning`.
    pub(crate) fn acknowledge_warning(&mut self, input: &AcknowledgeWarning) -> Output {
        let warning = self.own_warning(&input.warning)?;
        let note = input.note.as_deref().map(|note| said(note, 500, "/note", "the note")).transpose()?;
        if warning.acknowledged.is_some() {
            return Err(
                DeskError::new("unchanged", format!("warning {} is acknowledged already", warning.id)).at("/warning")
            );
        }
        let late = self.now() > warning.acknowledge_by;
        self.watched(WatchFact::WarningAcknowledged {
            unit: warning.unit.clone(),
            warning: warning.id.clone(),
            note,
            late,
            by: self.actor().clone(),
            at: self.now(),
        });
        Ok(json!({ "warning": warning.id, "late": late, "feedback_by": warning.feedback_by }))
    }

    /// `feed-back-warning`.
    pub(crate) fn feed_back_warning(&mut self, input: &FeedBackWarning) -> Output {
        let warning = self.own_warning(&input.warning)?;
        let text = said(&input.text, 2_000, "/text", "the feedback")?;
        if warning.acknowledged.is_none() {
            return Err(DeskError::new("order", format!("warning {} is not acknowledged yet", warning.id))
                .at("/warning")
                .clause("3.2f")
                .hint("acknowledge it first: `acknowledge-warning`"));
        }
        if warning.feedback.is_some() {
            return Err(
                DeskError::new("unchanged", format!("warning {} has its feedback already", warning.id)).at("/warning")
            );
        }
        let late = self.now() > warning.feedback_by;
        self.watched(WatchFact::WarningFedBack {
            unit: warning.unit.clone(),
            warning: warning.id.clone(),
            text,
            case: input.about.as_ref().map(|number| clip(number, 64)),
            late,
            by: self.actor().clone(),
            at: self.now(),
        });
        Ok(json!({ "warning": warning.id, "late": late }))
    }

    fn own_warning(&self, id: &str) -> Result<Warning, DeskError> {
        let warning = self.desk.watch.warning(id).cloned().ok_or_else(|| {
            DeskError::new("not-found", format!("there is no warning {}", clip(id, 100)))
                .at("/warning")
                .hint("`huiyin warning list` shows them")
        })?;
        self.within(&warning.unit, "/warning")?;
        Ok(warning)
    }

    /// Whoever is on duty, where a route of cases names them (`lead.on-duty`).
    pub(crate) fn on_duty_told(
        &self,
        policy: &PolicyPack,
        on: Occasion,
        level: Level,
        unit: &str,
        rule: Option<&str>,
    ) -> Vec<(Recipient, Option<String>)> {
        let routes = policy.notify.iter().filter(|route| {
            route.on == on
                && route.levels.contains(&level)
                && (route.clocks.is_empty() || rule.is_some_and(|rule| route.clocks.iter().any(|own| own == rule)))
        });
        let mut told = Vec::new();
        for route in routes {
            for target in route.tell.iter().filter(|target| target.role == ON_DUTY) {
                told.extend(self.holders(policy, target, unit).into_iter().map(|to| (to, route.basis.clause.clone())));
            }
        }
        told
    }

    /// Who is on duty now for the unit that a target means.
    fn holders(&self, policy: &PolicyPack, target: &Target, unit: &str) -> Vec<Recipient> {
        let whose = policy.resolve_unit(target, unit).map(|unit| unit.code.as_str()).unwrap_or_default();
        let on_duty = self.desk.watch.on_duty(whose, self.now());
        on_duty.iter().filter_map(|id| policy.recipient(id, ON_DUTY)).collect()
    }

    /// Who is told of something about a unit, by the pack's routes.
    pub(crate) fn told(&self, on: Occasion, level: Option<Level>, unit: &str) -> Vec<Told> {
        let Ok(policy) = self.policy() else { return Vec::new() };
        let mut told: Vec<Told> = Vec::new();
        let routes = policy
            .notify
            .iter()
            .filter(|route| route.on == on && level.is_none_or(|level| route.levels.contains(&level)));
        for route in routes {
            for target in &route.tell {
                let named = match target.role.as_str() {
                    ON_DUTY => self.holders(&policy, target, unit),
                    _ => policy.resolve(target, unit),
                };
                for to in named {
                    if told.iter().all(|known| known.to.id != to.id) {
                        told.push(Told { to, clause: route.basis.clause.clone() });
                    }
                }
            }
        }
        told
    }
}
