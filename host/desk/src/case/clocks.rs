//! The clocks of a case: started by its level or on request, ticked by time,
//! stopped by what they wait for.

use std::borrow::Cow;

use huiyin_deadline::Calendar;
use huiyin_deadline::clock::{self, Anchor, ClockError, ClockFact, ClockRule as Rule};
use jiff::Timestamp;
use serde_json::json;

use super::{Case, CaseClock};
use crate::command::{SatisfyClock, StartClock};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::{ClockRule, Occasion, SatisfiedBy};

impl Work<'_> {
    /// Starts every clock that the case's level asks for and that does not run yet.
    pub(crate) fn start_clocks_of_level(&mut self, number: &str) -> Result<(), DeskError> {
        let (case, policy) = (self.case(number)?, self.policy()?);
        for rule in policy.clocks_at(case.level, &case.unit) {
            if case.clocks.iter().all(|entry| entry.clock.id != rule.id) {
                self.start(number, &rule)?;
            }
        }
        Ok(())
    }

    fn start(&mut self, number: &str, rule: &ClockRule) -> Result<(), DeskError> {
        let (case, policy) = (self.case(number)?, self.policy()?);
        let Some(allowance) = rule.allowance else {
            return Err(DeskError::new("unset", format!("the figure of clock rule `{}` is not known", rule.id))
                .hint("fill in its `allowance` in the policy pack, and where it comes from"));
        };
        let anchor_at = anchor(&case, rule.anchor)?;
        let calendar = self.calendar(&rule.calendar)?;
        let running = Rule {
            id: rule.id.clone(),
            allowance,
            anchor: rule.anchor,
            calendar: rule.calendar.clone(),
            zone: policy.time_zone.clone(),
            warnings: rule.warnings.clone(),
            pausable: rule.pausable,
            source: rule.basis.source.clone(),
        };
        let subject = format!("case/{number}");
        let facts = clock::start(&running, &rule.id, &subject, anchor_at, self.now(), &calendar).map_err(refused)?;
        for fact in facts {
            if matches!(fact, ClockFact::Started { .. }) {
                self.push(Fact::ClockStarted {
                    head: case.head(),
                    name: rule.name.clone(),
                    satisfied_by: rule.satisfied_by,
                    clause: rule.basis.clause.clone(),
                    clock: fact,
                });
            } else {
                self.moved(number, fact)?;
            }
        }
        // What the clock waits for may have been done before it was started.
        let case = self.case(number)?;
        if let Some(at) = done_at(&case, rule.satisfied_by) {
            self.stop(number, &rule.id, at)?;
        }
        Ok(())
    }

    fn calendar(&self, id: &str) -> Result<Cow<'static, Calendar>, DeskError> {
        self.policy()?
            .calendar(id)
            .ok_or_else(|| DeskError::new("not-found", format!("the policy pack has no calendar `{id}`")))
    }

    /// Records what happened to a running clock, and who is told of it.
    fn moved(&mut self, number: &str, fact: ClockFact) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let Some(entry) = case.clocks.iter().find(|entry| entry.clock.id == fact.clock()) else {
            return Err(
                DeskError::new("not-found", format!("case {number} has no clock `{}`", fact.clock())).at("/clock")
            );
        };
        let notify = match fact {
            ClockFact::Warned { .. } => {
                self.owed(Occasion::ClockWarned, case.level, &case.unit, Some(fact.clock()), Some(&case))
            }
            ClockFact::Breached { .. } => {
                self.owed(Occasion::ClockBreached, case.level, &case.unit, Some(fact.clock()), Some(&case))
            }
            _ => Vec::new(),
        };
        let due_at = match &fact {
            ClockFact::Rescheduled { due, .. } | ClockFact::Resumed { due, .. } => due.at,
            _ => entry.clock.due.at,
        };
        let name = entry.name.clone();
        self.push(Fact::ClockMoved { head: case.head(), name, clock: fact, due_at, notify });
        Ok(())
    }

    /// Stops every running clock of a case that waits for `what`.
    pub(crate) fn satisfy_all(&mut self, number: &str, what: SatisfiedBy, at: Timestamp) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let waiting = case.clocks.iter().filter(|entry| entry.satisfied_by == what && entry.clock.satisfied.is_none());
        for entry in waiting {
            self.stop(number, &entry.clock.id, at)?;
        }
        Ok(())
    }

    fn stop(&mut self, number: &str, id: &str, at: Timestamp) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let entry = running(&case, id)?;
        let by = self.actor().to_string();
        for fact in clock::satisfy(&entry.clock, at, &by).map_err(refused)? {
            self.moved(number, fact)?;
        }
        Ok(())
    }

    /// Moves the clocks that count from the occurrence.
    pub(crate) fn reanchor_all(&mut self, number: &str, to: Timestamp, reason: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let by = self.actor().to_string();
        for entry in &case.clocks {
            if entry.clock.anchor != Anchor::OccurredAt || entry.clock.satisfied.is_some() {
                continue;
            }
            let calendar = self.calendar(&entry.clock.calendar)?;
            let facts = clock::reanchor(&entry.clock, to, reason, &by, self.now(), &calendar).map_err(refused)?;
            for fact in facts {
                self.moved(number, fact)?;
            }
        }
        Ok(())
    }

    /// Ticks every clock that is awake.
    pub(crate) fn tick(&mut self) {
        let now = self.now();
        for number in self.desk.awake(now) {
            let Ok(case) = self.case(&number) else { continue };
            for fact in case.clocks.iter().flat_map(|entry| clock::tick(&entry.clock, now)) {
                // The clock is the case's own, so this cannot fail.
                if self.moved(&number, fact).is_err() {
                    break;
                }
            }
        }
    }

    /// `start-clock`.
    pub(crate) fn start_clock(&mut self, input: &StartClock) -> Output {
        let (case, policy) = (self.open(&input.case)?, self.policy()?);
        let rule = policy.clock(&input.rule, &case.unit).ok_or_else(|| {
            let known: Vec<&str> = policy.clocks.iter().map(|rule| rule.id.as_str()).collect();
            DeskError::new("not-found", format!("the policy pack has no clock rule `{}`", input.rule))
                .at("/rule")
                .hint(format!("it has: {}", known.join(", ")))
        })?;
        let started = case.clocks.iter().all(|entry| entry.clock.id != rule.id);
        if started {
            self.start(&input.case, &rule)?;
        }
        let case = self.case(&input.case)?;
        let due = case.clocks.iter().find(|entry| entry.clock.id == rule.id).map(|entry| entry.clock.due);
        Ok(json!({
            "case": input.case,
            "clock": rule.id,
            "started": started,
            "due_at": due.map(|due| due.at),
            "provisional": due.is_some_and(|due| due.provisional),
        }))
    }

    /// `satisfy-clock`.
    pub(crate) fn satisfy_clock(&mut self, input: &SatisfyClock) -> Output {
        let case = self.open(&input.case)?;
        let entry = running(&case, &input.clock)?;
        let instead = match entry.satisfied_by {
            SatisfiedBy::Hand => None,
            SatisfiedBy::FlashReport => Some("submit the flash report: `submit-report`"),
            SatisfiedBy::Answer => Some("record the answer: `record-answer`"),
            SatisfiedBy::Publication => Some("record the time of publication: `record-time`"),
        };
        if let Some(instead) = instead {
            return Err(DeskError::new(
                "not-by-hand",
                format!("clock `{}` cannot be stopped by saying so", input.clock),
            )
            .at("/clock")
            .clause("rule 7")
            .hint(instead));
        }
        said(&input.evidence, 1_000, "/evidence", "the evidence")?;
        self.stop(&input.case, &input.clock, self.now())?;
        Ok(
            json!({ "case": input.case, "clock": input.clock, "on_time": entry.clock.breached.is_none() && self.now() <= entry.clock.due.at }),
        )
    }
}

/// The moment of the case that a clock counts from.
fn anchor(case: &Case, anchor: Anchor) -> Result<Timestamp, DeskError> {
    match anchor {
        Anchor::OccurredAt => Ok(case.times.occurred),
        Anchor::DiscoveredAt => Ok(case.times.discovered),
        Anchor::OpenedAt => Ok(case.times.opened),
        // Packs with other anchors are refused when they are read.
        _ => Err(DeskError::new("unset", "a case has no such moment to count from")),
    }
}

/// When what a clock waits for was done, if it was.
fn done_at(case: &Case, what: SatisfiedBy) -> Option<Timestamp> {
    match what {
        SatisfiedBy::FlashReport => case.reports.first().map(|report| report.at),
        SatisfiedBy::Publication => case.times.published,
        SatisfiedBy::Answer | SatisfiedBy::Hand => None,
    }
}

fn running<'c>(case: &'c Case, id: &str) -> Result<&'c CaseClock, DeskError> {
    case.clocks.iter().find(|entry| entry.clock.id == id).ok_or_else(|| {
        let ids: Vec<&str> = case.clocks.iter().map(|entry| entry.clock.id.as_str()).collect();
        DeskError::new("not-found", format!("case {} has no clock `{id}`", case.number))
            .at("/clock")
            .hint(format!("it has: {}", ids.join(", ")))
    })
}

#[allow(clippy::needless_pass_by_value)] // the shape `map_err` asks for
fn refused(error: ClockError) -> DeskError {
    DeskError::new("clock", error.to_string())
}
