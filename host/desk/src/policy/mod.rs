//! Policy packs (制度包): who answers, which levels there are, which clocks run
//! and who is told. Every rule says where it comes from and how sure that is.
//!
//! A pack is read strictly by [`PolicyPack::parse`]: whatever is wrong is
//! reported at once, each with its place. A pack that exists as a value has
//! passed every check; nothing later needs to doubt it.

mod approvals;
mod check;
mod diff;
mod escalation;
mod intake;
mod keeping;
mod parse;
mod position;
mod publishing;
mod reader;
mod reporting;
mod watch;

use std::borrow::Cow;
use std::fmt;

use huiyin_deadline::clock::{Anchor, Warning};
use huiyin_deadline::{Allowance, Calendar, Zone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use approvals::{ApprovalRule, Approver, MAX_STEPS, Step};
pub use diff::{Change, changes};
pub use escalation::Rung;
pub use intake::HotlineRule;
pub use keeping::{AccessRule, RetentionRule};
pub use publishing::{Channel, DisclosureRule, MajorRule, Publishing};
pub use reader::Problem;
pub use reporting::ReportingRule;
pub use watch::{CoverageRule, DutyRule, Excuse, ON_DUTY, PatrolRule, Per, Pushed, Topic, WarningRule, When};

use crate::case::{Kind, Stage, TaskKind};
use crate::level::Level;
use crate::text::Name;
use crate::unit::Unit;

/// The format that this version reads and writes.
pub const FORMAT: &str = "huiyin.policy.v1";

/// How sure a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The regulation itself says so.
    Regulation,
    /// Read on a stored public page.
    Seen,
    /// From memory, unchecked.
    Memory,
    /// Chosen by the unit.
    Own,
    /// Not known: the operator has to fill it in.
    Unset,
}

/// Where a rule comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The text it rests on, for people.
    pub source: String,
    /// The clause id of the regulation, such as `5e`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// How sure it is.
    pub status: Status,
}

/// A level as the pack names it. The order and the colours are fixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelName {
    /// Which.
    pub level: Level,
    /// How people call it.
    pub name: Name,
}

/// What stops a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SatisfiedBy {
    /// The flash report (快报) of the case was submitted.
    FlashReport,
    /// Every asker was answered, or an approved no-response stands.
    Answer,
    /// The text was published (the case's time `published`).
    Publication,
    /// A named person says so, with evidence.
    Hand,
    /// Every unit of the task gave its feedback (clause 3.4b).
    Feedback,
    /// The case has its lead unit (clause 1e).
    Routing,
    /// A follow-up report (续报) was submitted.
    FollowUpReport,
    /// The detailed report (详报) was submitted.
    DetailedReport,
    /// The final report (终报) was submitted.
    FinalReport,
    /// Every addressee signed for the report (签收, clause 3.3).
    Receipt,
    /// The case was assessed: its time `assessed` (clause 1a).
    Assessment,
    /// It was verified: its time `verified`.
    Verification,
    /// It was handled: its time `handled`.
    Handling,
    /// The lead unit took the matter on (受理, clause 4c).
    Acceptance,
    /// Who called in vain was called back (回拨, clause 4b). Only calls that nobody took have such clocks.
    Callback,
    /// A response stands on every channel that is required, as it is (clause 3.5e).
    Channels,
    /// Who was told of a major matter has acknowledged it (clause 5b).
    Acknowledgement,
}

impl SatisfiedBy {
    /// Whether such clocks start by the level of a case. Those of tasks start with
    /// the task, those of routing with a case that has no lead unit yet, those of receipts with each report.
    pub fn by_level(self) -> bool {
        !matches!(self, Self::Feedback | Self::Routing | Self::Receipt | Self::Channels | Self::Acknowledgement)
    }

    /// What a report of a stage stops.
    pub fn of_stage(stage: Stage) -> Self {
        match stage {
            Stage::Flash => Self::FlashReport,
            Stage::FollowUp => Self::FollowUpReport,
            Stage::Detailed => Self::DetailedReport,
            Stage::Final => Self::FinalReport,
        }
    }
}

/// One clock rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockRule {
    /// Unique in the pack.
    pub id: String,
    /// How people call it.
    pub name: Name,
    /// The levels at which it starts by itself; empty: only on request.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// The kinds of cases for which it starts by itself; empty: for every kind. Kinds without levels: at every level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// Where it starts.
    pub anchor: Anchor,
    /// How long it runs; none while the figure is unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
    /// The calendar of working days.
    pub calendar: String,
    /// When somebody is warned: before the due time, or after a share of it.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// Whether it may be paused.
    pub pausable: bool,
    /// Whom it tells as its due time nears and passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalation: Vec<Rung>,
    /// What stops it.
    pub satisfied_by: SatisfiedBy,
    /// How much more time it may be given once, by two persons; none where it is not extended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Allowance>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// A unit's tighter figures for one rule of its pack (rule 7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockOverride {
    /// The rule.
    pub rule: String,
    /// A shorter allowance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
    /// More warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// The classifier that judges every item, whatever the units' workflows do (rule 7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Its name.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// Its configuration.
    pub config: Value,
    /// At this level or above the desk itself opens the case.
    pub opens_at: Level,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// What a level asks for, unless a person decides otherwise (clause 3.2c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseValue {
    /// To be answered in public.
    Respond,
    /// To be watched, and answered where somebody asks.
    Watch,
}

/// The response value of some levels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseRule {
    /// The levels.
    pub levels: Vec<Level>,
    /// What they ask for.
    pub value: ResponseValue,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// At what somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// A case was opened at a level, or rose to it.
    CaseOpened,
    /// A clock will be due soon.
    ClockWarned,
    /// A clock was missed.
    ClockBreached,
    /// A clock's ladder was climbed. A rule's own `escalation` says whom.
    Escalated,
    /// A report was submitted.
    ReportSubmitted,
    /// A report was drafted, and waits for a person to send it.
    ReportDrafted,
    /// An act waits for a person: for the first step of its chain, or for the next.
    ApprovalRequested,
    /// What waited for approvals ran out before it had them all.
    ApprovalExpired,
    /// A unit was handed a task.
    TaskAssigned,
    /// A unit returned its part of a task.
    TaskReturned,
    /// A unit gave its feedback.
    TaskFedBack,
    /// A source is down (clause 3.1e).
    SourceDown,
    /// A source was heard again.
    SourceUp,
    /// Nobody holds a slot of duty (clause 3.1b).
    DutyUnstaffed,
    /// Nobody came on duty.
    DutyMissed,
    /// A patrol was not made.
    PatrolMissed,
    /// A warning was raised, or rose (clause 3.2f).
    WarningRaised,
    /// A warning was not acknowledged, or not answered, in time.
    WarningLate,
    /// Something was shared with the unit (clause 3.1f).
    Shared,
    /// A unit is asked to co-sign a response (clause 3.5d).
    CosignRequested,
    /// A case was declared a major matter (clause 5b).
    MajorDeclared,
}

/// Whose people are meant, seen from the lead unit of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// The lead unit itself.
    Lead,
    /// The unit above it; above the root, its superior.
    Parent,
    /// The root of the pack.
    Root,
}

/// Whom to tell, written `lead.spokesperson`, `parent.principal`, `root.duty`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Target {
    /// Whose.
    pub whose: Whose,
    /// `spokesperson`, `principal`, or a role that the unit gives to somebody.
    pub role: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.whose {
            Whose::Lead => "lead",
            Whose::Parent => "parent",
            Whose::Root => "root",
        };
        write!(f, "{whose}.{}", self.role)
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl TryFrom<String> for Target {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let target = text.split_once('.').and_then(|(whose, role)| {
            let whose = match whose {
                "lead" => Whose::Lead,
                "parent" => Whose::Parent,
                "root" => Whose::Root,
                _ => return None,
            };
            (!role.is_empty()).then(|| Self { whose, role: role.to_owned() })
        });
        target.ok_or_else(|| format!("`{text}` names nobody; write `lead.`, `parent.` or `root.` and a role"))
    }
}

/// Who is told at what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// At what.
    pub on: Occasion,
    /// For cases of these levels.
    pub levels: Vec<Level>,
    /// For these clock rules only; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<String>,
    /// Whom.
    pub tell: Vec<Target>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// What has to be done before a case of some levels is closed (clause 1f).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingRule {
    /// The levels.
    pub levels: Vec<Level>,
    /// Of each of these kinds one task is done.
    pub tasks: Vec<TaskKind>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// Which roles may do an act: on top of belonging to the unit concerned or to one above it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActRule {
    /// The act's name ([`crate::Act::name`]).
    pub act: String,
    /// `spokesperson`, `principal`, or a role that somebody in `people` has; one of them is needed.
    pub roles: Vec<String>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// A calendar of the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarSource {
    /// How rules name it.
    pub id: String,
    /// The calendar's own text; none for one that is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl CalendarSource {
    /// The calendar itself.
    pub fn calendar(&self) -> Option<Cow<'static, Calendar>> {
        match &self.text {
            Some(text) => Calendar::from_json(text).ok().map(Cow::Owned),
            None => Calendar::builtin(&self.id).ok().map(Cow::Borrowed),
        }
    }
}

/// A whole pack that has passed every check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyPack {
    /// Its code.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// For people.
    pub title: Name,
    /// The zone of numbers and working days.
    pub time_zone: Zone,
    /// The root first where the file has it so; exactly one has no parent.
    pub units: Vec<Unit>,
    /// All four, the gravest first.
    pub levels: Vec<LevelName>,
    /// Calendars of working days.
    pub calendars: Vec<CalendarSource>,
    /// Clock rules.
    pub clocks: Vec<ClockRule>,
    /// The pinned classifier.
    pub floor: Floor,
    /// What each level asks for.
    pub responses: Vec<ResponseRule>,
    /// Who is told.
    pub notify: Vec<Route>,
    /// Acts that only some roles may do; everybody of the unit may do the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<ActRule>,
    /// What has to be done before a case is closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closing: Vec<ClosingRule>,
    /// Who approves what (clause 6b).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRule>,
    /// The one channel of reports (clause 3.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporting: Option<ReportingRule>,
    /// How long what is kept (clause 6a).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retention: Vec<RetentionRule>,
    /// Who may read secret cases (clause 6a).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessRule>,
    /// What is expected of the hotline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hotline: Option<HotlineRule>,
    /// Which channels are watched (clause 3.1a).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<CoverageRule>,
    /// Duty rosters and patrols (clause 3.1b).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duty: Vec<DutyRule>,
    /// When warnings are raised (clause 3.2b).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningRule>,
    /// Where responses stand (clause 3.5e).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publishing: Option<Publishing>,
    /// Which matters are major, and who is told next (clauses 5b, 5c).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub major: Option<MajorRule>,
    /// How soon what is published without being asked for (clause 6d).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disclosure: Vec<DisclosureRule>,
}

/// A person or authority that is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The name notifiers know.
    pub id: String,
    /// For people.
    pub name: String,
    /// The unit's code; `superior` for the authority above the root.
    pub unit: String,
    /// As what: `spokesperson`, `principal`, a role.
    pub role: String,
}

/// The JSON Schema (2020-12) of packs, for editors. What the parts mean together is checked by
/// [`PolicyPack::parse`] alone.
pub fn schema() -> Value {
    serde_json::from_str(include_str!("schema.json")).unwrap_or_default()
}

/// Whether the first allowance surely is no longer than the second.
pub(crate) fn no_longer(one: &Allowance, other: &Allowance) -> bool {
    check::within(one, other) == Some(true)
}

impl PolicyPack {
    /// Reads a pack and makes every check that deployment asks for.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text.
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<Problem>> {
        parse::pack(text, file)
    }

    /// The unit with this code.
    pub fn unit(&self, code: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.code == code)
    }

    /// The unit above all others.
    pub fn root(&self) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.parent.is_none() && !unit.is_partner())
    }

    /// A unit and all units above it, itself first.
    pub fn line<'a>(&'a self, code: &str) -> impl Iterator<Item = &'a Unit> {
        std::iter::successors(self.unit(code), |unit| unit.parent.as_deref().and_then(|up| self.unit(up)))
            .take(self.units.len())
    }

    /// The unit that names a person.
    pub fn unit_of(&self, person: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.person(person).is_some())
    }

    /// The roles that may read secret cases of their unit and of those below it.
    pub fn secret_roles(&self) -> impl Iterator<Item = &str> {
        let named = self.access.as_ref().map(|rule| rule.secret.iter().map(String::as_str));
        let all = ["principal", "spokesperson"].into_iter().filter(|_| self.access.is_none());
        named.into_iter().flatten().chain(all)
    }

    /// The roles that an act is kept to; none where everybody of the unit may.
    pub fn roles_for(&self, act: crate::Act) -> Option<&[String]> {
        self.acts.iter().find(|rule| rule.act == act.name()).map(|rule| rule.roles.as_slice())
    }

    /// True when the person belongs to the unit or to one above it.
    pub fn answers_for(&self, person: &str, unit: &str) -> bool {
        self.line(unit).any(|unit| unit.person(person).is_some())
    }

    /// True when the person belongs to a unit above this one.
    pub fn stands_above(&self, person: &str, unit: &str) -> bool {
        self.line(unit).skip(1).any(|unit| unit.person(person).is_some())
    }

    /// A clock rule as it holds for a unit: with the tighter figures of the
    /// unit and of every unit above it.
    pub fn clock(&self, rule: &str, unit: &str) -> Option<Cow<'_, ClockRule>> {
        let base = self.clocks.iter().find(|clock| clock.id == rule)?;
        let mut clock = Cow::Borrowed(base);
        for over in self.line(unit).flat_map(|unit| &unit.clocks).filter(|over| over.rule == rule) {
            let own = clock.to_mut();
            if let Some(tight) = over.allowance
                && own.allowance.is_none_or(|now| check::within(&tight, &now) == Some(true))
            {
                own.allowance = Some(tight);
            }
            for warning in &over.warnings {
                if !own.warnings.contains(warning) {
                    own.warnings.push(*warning);
                }
            }
        }
        Some(clock)
    }

    /// The rules that start by themselves for a case of this level and kind.
    pub fn clocks_at<'a>(
        &'a self,
        level: Level,
        kind: Kind,
        unit: &'a str,
    ) -> impl Iterator<Item = Cow<'a, ClockRule>> {
        let concerns = move |rule: &ClockRule| {
            let at_level = rule.levels.contains(&level) || (rule.levels.is_empty() && !rule.kinds.is_empty());
            at_level && (rule.kinds.is_empty() || rule.kinds.contains(&kind))
        };
        self.clocks
            .iter()
            .filter(move |rule| concerns(rule) && rule.satisfied_by.by_level())
            .filter_map(move |rule| self.clock(&rule.id, unit))
            .filter(|rule| rule.allowance.is_some())
    }

    /// The calendar of this name.
    pub fn calendar(&self, id: &str) -> Option<Cow<'static, Calendar>> {
        self.calendars.iter().find(|calendar| calendar.id == id)?.calendar()
    }

    /// What a level asks for; the stricter where nothing is said.
    pub fn response_value(&self, level: Level) -> ResponseValue {
        let rule = self.responses.iter().find(|rule| rule.levels.contains(&level));
        rule.map_or(ResponseValue::Respond, |rule| rule.value)
    }

    /// Who is to be told, each once, with the clause the first matching route rests on.
    pub fn recipients(
        &self,
        on: Occasion,
        level: Level,
        unit: &str,
        clock: Option<&str>,
    ) -> Vec<(Recipient, Option<String>)> {
        let mut told: Vec<(Recipient, Option<String>)> = Vec::new();
        let routes = self.notify.iter().filter(|route| {
            route.on == on
                && route.levels.contains(&level)
                && (route.clocks.is_empty() || clock.is_some_and(|c| route.clocks.iter().any(|r| r == c)))
        });
        for route in routes {
            for target in &route.tell {
                for recipient in self.resolve(target, unit) {
                    if told.iter().all(|(r, _)| r.id != recipient.id) {
                        told.push((recipient, route.basis.clause.clone()));
                    }
                }
            }
        }
        told
    }

    /// Everybody of a unit with this role.
    pub(crate) fn of_role(&self, unit: &str, role: &str) -> Vec<Recipient> {
        self.unit(unit).map_or_else(Vec::new, |unit| named(unit, role))
    }

    pub(crate) fn resolve(&self, target: &Target, lead: &str) -> Vec<Recipient> {
        if let Some(unit) = self.resolve_unit(target, lead) {
            return named(unit, &target.role);
        }
        // Above the root stands its superior, one address for every role (clause 3.3).
        let superior = self.unit(lead).and_then(|unit| unit.superior.as_ref());
        superior
            .map(|s| Recipient {
                id: s.id.clone(),
                name: s.name.clone(),
                unit: "superior".to_owned(),
                role: target.role.clone(),
            })
            .into_iter()
            .collect()
    }

    /// The rules whose figure is not known yet: deployment asks the operator.
    pub fn unset(&self) -> impl Iterator<Item = &ClockRule> {
        self.clocks.iter().filter(|clock| clock.basis.status == Status::Unset)
    }
}

fn named(unit: &Unit, role: &str) -> Vec<Recipient> {
    let people = unit.people.iter().filter(|person| unit.has_role(&person.id, role));
    people
        .map(|person| Recipient {
            id: person.id.clone(),
            name: person.name.clone(),
            unit: unit.code.clone(),
            role: role.to_owned(),
        })
        .collect()
}
