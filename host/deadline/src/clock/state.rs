//! A running clock: what its facts add up to, and nothing else.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::fact::{Armed, ClockFact};
use super::rule::{Anchor, PauseKind, Warning};
use crate::allowance::{Allowance, iso};
use crate::due::Due;
use crate::zone::Zone;

/// A warning that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warned {
    /// Which.
    pub warning: Warning,
    /// When it was to be given.
    #[serde(with = "crate::stamp")]
    pub warn_at: Timestamp,
    /// The due time it warned of.
    #[serde(with = "crate::stamp")]
    pub due_at: Timestamp,
    /// When it was given.
    #[serde(with = "crate::stamp")]
    pub fired_at: Timestamp,
}

/// A due time that passed unsatisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breach {
    /// The due time that passed.
    #[serde(with = "crate::stamp")]
    pub due_at: Timestamp,
    /// When that was noticed.
    #[serde(with = "crate::stamp")]
    pub fired_at: Timestamp,
    /// How late that was.
    #[serde(with = "iso")]
    pub lateness: SignedDuration,
}

/// How the clock came to rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Satisfied {
    /// When what it waited for was done.
    #[serde(with = "crate::stamp")]
    pub at: Timestamp,
    /// What or who did it.
    pub by: String,
    /// Whether that was by the due time.
    pub on_time: bool,
}

/// A time during which the clock stood still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// From when.
    #[serde(with = "crate::stamp")]
    pub from: Timestamp,
    /// Until when; none while it still stands.
    #[serde(with = "crate::stamp::option")]
    pub to: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Who paused it.
    pub by: String,
    /// What kind of pause it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PauseKind>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// More time, given once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// How much more.
    pub allowance: Allowance,
    /// The due time before.
    pub old_due: Due,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// When.
    #[serde(with = "crate::stamp")]
    pub at: Timestamp,
}

/// One correction of the anchor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// The anchor before.
    #[serde(with = "crate::stamp")]
    pub old_anchor_at: Timestamp,
    /// The due time before.
    pub old_due: Due,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    #[serde(with = "crate::stamp")]
    pub at: Timestamp,
}

/// A clock. Built from its facts by [`Clock::replay`] or [`Clock::started`] and [`Clock::apply`]; its fields are
/// for reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Its id.
    pub id: String,
    /// The rule it follows.
    pub rule: String,
    /// What it is about, usually `case/<number>`.
    pub subject: String,
    /// The text the figure comes from.
    pub source: String,
    /// From which moment of the case it counts.
    pub anchor: Anchor,
    /// That moment.
    #[serde(with = "crate::stamp")]
    pub anchor_at: Timestamp,
    /// How long there is.
    pub allowance: Allowance,
    /// The calendar's id.
    pub calendar: String,
    /// The zone whose days are counted.
    pub zone: Zone,
    /// Whether it may be paused.
    pub pausable: bool,
    /// When it was started.
    #[serde(with = "crate::stamp")]
    pub started_at: Timestamp,
    /// When it ends. While it is paused this is the due time it had when it was paused.
    pub due: Due,
    /// Every warning of the rule.
    pub plan: Vec<Warning>,
    /// Warnings still to give.
    pub warnings: Vec<Armed>,
    /// Warnings given.
    pub warned: Vec<Warned>,
    /// The breach that stands.
    pub breached: Option<Breach>,
    /// Breaches that a later correction of the anchor lifted.
    pub lifted: Vec<Breach>,
    /// How it came to rest.
    pub satisfied: Option<Satisfied>,
    /// Pauses, in order; an open one is the last.
    pub pauses: Vec<Pause>,
    /// More time, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
    /// Corrections of the anchor, in order.
    pub corrections: Vec<Correction>,
}

/// Facts that do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The first fact of a clock must start it.
    #[error("the facts of clock \"{clock}\" do not begin with its start; read them from the beginning")]
    NotStarted {
        /// The clock.
        clock: String,
    },
    /// There are no facts.
    #[error("there are no facts to build a clock from")]
    Empty,
    /// A fact of another clock.
    #[error("a fact of clock \"{fact}\" was applied to clock \"{clock}\"; route facts by their clock id")]
    OtherClock {
        /// The clock.
        clock: String,
        /// The clock the fact is about.
        fact: String,
    },
}

impl Clock {
    /// The clock a [`ClockFact::Started`] begins; none for any other fact.
    pub fn started(fact: &ClockFact) -> Option<Self> {
        let ClockFact::Started {
            clock,
            rule,
            subject,
            source,
            anchor,
            anchor_at,
            allowance,
            calendar,
            zone,
            pausable,
            due,
            warnings,
            at,
        } = fact
        else {
            return None;
        };
        Some(Self {
            id: clock.clone(),
            rule: rule.clone(),
            subject: subject.clone(),
            source: source.clone(),
            anchor: *anchor,
            anchor_at: *anchor_at,
            allowance: *allowance,
            calendar: calendar.clone(),
            zone: zone.clone(),
            pausable: *pausable,
            started_at: *at,
            due: *due,
            plan: warnings.iter().map(|armed| armed.warning).collect(),
            warnings: warnings.clone(),
            warned: Vec::new(),
            breached: None,
            lifted: Vec::new(),
            satisfied: None,
            pauses: Vec::new(),
            extension: None,
            corrections: Vec::new(),
        })
    }

    /// Builds a clock from all its facts.
    pub fn replay<'a>(facts: impl IntoIterator<Item = &'a ClockFact>) -> Result<Self, ReplayError> {
        let mut facts = facts.into_iter();
        let first = facts.next().ok_or(ReplayError::Empty)?;
        let mut clock =
            Self::started(first).ok_or_else(|| ReplayError::NotStarted { clock: first.clock().to_owned() })?;
        for fact in facts {
            clock.apply(fact)?;
        }
        Ok(clock)
    }

    /// Takes in one fact. Evaluates nothing; fails only on a fact of another clock.
    pub fn apply(&mut self, fact: &ClockFact) -> Result<(), ReplayError> {
        if fact.clock() != self.id {
            return Err(ReplayError::OtherClock { clock: self.id.clone(), fact: fact.clock().to_owned() });
        }
        match fact {
            ClockFact::Started { .. } => {
                if let Some(clock) = Self::started(fact) {
                    *self = clock;
                }
            }
            ClockFact::Warned { warning, warn_at, due_at, fired_at, .. } => {
                self.warnings.retain(|armed| armed.warning != *warning);
                self.warned.push(Warned { warning: *warning, warn_at: *warn_at, due_at: *due_at, fired_at: *fired_at });
            }
            ClockFact::Breached { due_at, fired_at, lateness, .. } => {
                self.warnings.clear();
                self.breached = Some(Breach { due_at: *due_at, fired_at: *fired_at, lateness: *lateness });
            }
            ClockFact::Satisfied { at, by, on_time, .. } => {
                self.warnings.clear();
                self.satisfied = Some(Satisfied { at: *at, by: by.clone(), on_time: *on_time });
            }
            ClockFact::Rescheduled {
                old_anchor_at,
                anchor_at,
                old_due,
                due,
                warnings,
                breach_lifted,
                reason,
                by,
                at,
                revised,
                ..
            } => {
                if let Some(revised) = revised {
                    self.allowance = revised.allowance;
                    self.calendar.clone_from(&revised.calendar);
                    self.plan.clone_from(&revised.warnings);
                    self.pausable = revised.pausable;
                    self.source.clone_from(&revised.source);
                }
                self.corrections.push(Correction {
                    old_anchor_at: *old_anchor_at,
                    old_due: *old_due,
                    reason: reason.clone(),
                    by: by.clone(),
                    at: *at,
                });
                self.anchor_at = *anchor_at;
                self.due = *due;
                self.warnings.clone_from(warnings);
                if *breach_lifted {
                    self.lifted.extend(self.breached.take());
                }
            }
            ClockFact::Paused { at, reason, by, kind, approved_by, .. } => {
                self.pauses.push(Pause {
                    from: *at,
                    to: None,
                    reason: reason.clone(),
                    by: by.clone(),
                    kind: *kind,
                    approved_by: approved_by.clone(),
                });
            }
            ClockFact::Resumed { at, due, warnings, .. } => {
                if let Some(pause) = self.pauses.last_mut() {
                    pause.to = Some(*at);
                }
                self.due = *due;
                self.warnings.clone_from(warnings);
            }
            ClockFact::Extended { allowance, old_due, due, warnings, reason, by, approved_by, at, .. } => {
                self.extension = Some(Extension {
                    allowance: *allowance,
                    old_due: *old_due,
                    reason: reason.clone(),
                    by: by.clone(),
                    approved_by: approved_by.clone(),
                    at: *at,
                });
                self.due = *due;
                self.warnings.clone_from(warnings);
            }
        }
        Ok(())
    }

    /// Every breach that was ever reported, the lifted ones first.
    pub fn breaches(&self) -> impl Iterator<Item = &Breach> {
        self.lifted.iter().chain(&self.breached)
    }

    /// All the time there is: the allowance, and the extension if one was given.
    pub fn total(&self) -> Allowance {
        let more = self.extension.as_ref().and_then(|extension| self.allowance.and(&extension.allowance));
        more.unwrap_or(self.allowance)
    }

    /// Since when the clock stands still, if it does.
    pub fn paused_since(&self) -> Option<Timestamp> {
        self.pauses.last().filter(|pause| pause.to.is_none()).map(|pause| pause.from)
    }

    /// How late it is by the due time as it is known now: at rest, by when it was satisfied; else at `now`.
    /// None while it is on time.
    pub fn lateness(&self, now: Timestamp) -> Option<SignedDuration> {
        let end = match &self.satisfied {
            Some(satisfied) if satisfied.on_time => return None,
            Some(satisfied) => satisfied.at,
            None => self.paused_since().unwrap_or(now),
        };
        Some(end.duration_since(self.due.at)).filter(SignedDuration::is_positive)
    }
}
