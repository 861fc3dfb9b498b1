//! The clocks of a case: started by its level or on request, ticked by time,
//! stopped by what they wait for.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use huiyin_deadline::clock::{self, Anchor, ClockError, ClockFact, ClockRule as Rule, Warning};
use huiyin_deadline::{Allowance, Calendar};
use jiff::Timestamp;
use serde_json::json;

use super::{Case, CaseClock, Kind, Milestone, Stage, TaskKind};
use crate::command::{SatisfyClock, StartClock};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::{ClockRule, Occasion, PolicyPack, SatisfiedBy};
use crate::text::Name;

/// The most clocks of one rule on a case.
const MAX_OF_A_RULE: usize = 50;

impl Work<'_> {
    /// Starts every clock that the case's level asks for and that does not run yet.
    pub(crate) fn start_clocks_of_level(&mut self, number: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        if !case.has_clocks_of_level() {
            return Ok(());
        }
        let policy = self.rules(&case)?;
        for rule in policy.clocks_at(case.level, case.kind, &case.unit) {
            let missed = case.came_in.as_ref().is_some_and(|came| came.missed);
            if rule.satisfied_by == SatisfiedBy::Callback && !missed {
                continue;
            }
            if anchor(&case, rule.anchor).is_ok() && case.clocks.iter().all(|entry| entry.clock.rule != rule.id) {
                self.start(number, &rule)?;
            }
        }
        self.major_by_level(number)
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
        // What the clock waits for may have been done before it was started; then it is not late by now.
        let due = facts.iter().find_map(|fact| match fact {
            ClockFact::Started { due, .. } => Some(due.at),
            _ => None,
        });
        let done = due.and_then(|due| done_at(&case, rule.satisfied_by, due));
        for fact in facts {
            if matches!(fact, ClockFact::Started { .. }) {
                self.push(Fact::ClockStarted {
                    head: case.head(),
                    name: rule.name.clone(),
                    satisfied_by: rule.satisfied_by,
                    clause: rule.basis.clause.clone(),
                    follows: None,
                    ladder: rule.escalation.clone(),
                    clock: fact,
                });
            } else if done.is_none() {
                self.moved(number, fact)?;
            }
        }
        match done {
            Some(at) => self.stop(number, &rule.id, at),
            None => Ok(()),
        }
    }

    /// Starts the clocks of the case's level that count from a moment which it has by now (clause 1a).
    pub(super) fn start_waiting(&mut self, number: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let policy = self.rules(&case)?;
        if !case.has_clocks_of_level() {
            return Ok(());
        }
        for rule in policy.clocks_at(case.level, case.kind, &case.unit).filter(|rule| comes_later(rule.anchor)) {
            if anchor(&case, rule.anchor).is_ok() && case.clocks.iter().all(|entry| entry.clock.rule != rule.id) {
                self.start(number, &rule)?;
            }
        }
        Ok(())
    }

    /// Starts the clock that waits until every addressee has signed for the last report (clause 3.3).
    pub(super) fn start_receipt_clock(&mut self, number: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let policy = self.rules(&case)?;
        let Some(report) = case.reports.last().filter(|report| report.unsigned().next().is_some()) else {
            return Ok(());
        };
        let rules = policy.clocks.iter().filter(|rule| rule.satisfied_by == SatisfiedBy::Receipt);
        let here = |rule: &&ClockRule| rule.levels.is_empty() || rule.levels.contains(&case.level);
        for rule in rules.filter(here).filter_map(|rule| policy.clock(&rule.id, &case.unit)) {
            let Some(allowance) = rule.allowance else { continue };
            let calendar = self.calendar(&rule.calendar)?;
            let running = Rule {
                id: rule.id.clone(),
                allowance,
                anchor: Anchor::ReportedAt,
                calendar: rule.calendar.clone(),
                zone: policy.time_zone.clone(),
                warnings: rule.warnings.clone(),
                pausable: false,
                source: rule.basis.source.clone(),
            };
            let (id, subject) = (format!("{}.r{}", rule.id, case.reports.len()), format!("case/{number}"));
            for fact in clock::start(&running, &id, &subject, report.at, self.now(), &calendar).map_err(refused)? {
                if matches!(fact, ClockFact::Started { .. }) {
                    self.push(Fact::ClockStarted {
                        head: case.head(),
                        name: rule.name.clone(),
                        satisfied_by: SatisfiedBy::Receipt,
                        clause: rule.basis.clause.clone(),
                        follows: None,
                        ladder: rule.escalation.clone(),
                        clock: fact,
                    });
                } else {
                    self.moved(number, fact)?;
                }
            }
        }
        Ok(())
    }

    /// Brings the clock of a report's receipts to rest once nobody's is missing.
    pub(super) fn stop_receipt_clock(&mut self, number: &str, report: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        if case.report(report).is_none_or(|report| report.unsigned().next().is_some()) {
            return Ok(());
        }
        let end = format!(".{report}");
        let waiting = case.clocks.iter().filter(|entry| {
            entry.satisfied_by == SatisfiedBy::Receipt
                && entry.clock.satisfied.is_none()
                && entry.clock.id.ends_with(&end)
        });
        for entry in waiting {
            self.stop(number, &entry.clock.id, self.now())?;
        }
        Ok(())
    }

    /// Starts the clocks of a case that waits for its lead unit (clause 1e).
    pub(super) fn start_clocks_of_routing(&mut self, number: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let policy = self.rules(&case)?;
        let rules = policy.clocks.iter().filter(|rule| rule.satisfied_by == SatisfiedBy::Routing);
        for rule in rules.filter_map(|rule| policy.clock(&rule.id, &case.unit)) {
            if rule.allowance.is_some() && case.clocks.iter().all(|entry| entry.clock.rule != rule.id) {
                self.start(number, &rule)?;
            }
        }
        Ok(())
    }

    /// Starts the clock of a task, by the pack's rule for its kind or by one of its own.
    pub(super) fn start_task_clock(
        &mut self,
        number: &str,
        kind: TaskKind,
        id: &str,
        allowance: Allowance,
    ) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let policy = self.rules(&case)?;
        let rule = policy.clocks.iter().find(|rule| rule.id == kind.rule());
        let calendar_id =
            rule.map(|rule| rule.calendar.clone()).or_else(|| policy.calendars.first().map(|c| c.id.clone()));
        let calendar_id = calendar_id.unwrap_or_default();
        let calendar = self.calendar(&calendar_id)?;
        let running = Rule {
            id: kind.rule(),
            allowance,
            anchor: Anchor::AssignedAt,
            calendar: calendar_id,
            zone: policy.time_zone.clone(),
            // With a tighter time some warnings would come before the task.
            warnings: rule
                .map_or(&[][..], |rule| &rule.warnings)
                .iter()
                .filter(|warning| comes(warning, &allowance))
                .copied()
                .collect(),
            pausable: false,
            source: rule.map(|rule| rule.basis.source.clone()).unwrap_or_default(),
        };
        let name = Name { zh: format!("{} {id}", kind.zh()), en: None };
        let name = rule.map_or(name, |rule| rule.name.clone());
        let subject = format!("case/{number}");
        for fact in clock::start(&running, id, &subject, self.now(), self.now(), &calendar).map_err(refused)? {
            if matches!(fact, ClockFact::Started { .. }) {
                self.push(Fact::ClockStarted {
                    head: case.head(),
                    name: name.clone(),
                    satisfied_by: SatisfiedBy::Feedback,
                    clause: rule.map_or(Some("3.4b".to_owned()), |rule| rule.basis.clause.clone()),
                    follows: None,
                    ladder: rule.map(|rule| rule.escalation.clone()).unwrap_or_default(),
                    clock: fact,
                });
            } else {
                self.moved(number, fact)?;
            }
        }
        Ok(())
    }

    /// Starts the clock of an act that the pack's rule for `what` watches, if it has one.
    pub(super) fn start_watch(&mut self, number: &str, what: SatisfiedBy, id: &str) -> Result<(), DeskError> {
        let (case, policy) = (self.held(number)?, self.policy()?);
        let Some(rule) = policy.clocks.iter().find(|rule| rule.satisfied_by == what) else { return Ok(()) };
        let rule = policy.clock(&rule.id, &case.unit);
        let Some((rule, allowance)) = rule.and_then(|rule| rule.allowance.map(|allowance| (rule, allowance))) else {
            return Ok(());
        };
        let calendar = self.calendar(&rule.calendar)?;
        let running = Rule {
            id: rule.id.clone(),
            allowance,
            anchor: Anchor::AssignedAt,
            calendar: rule.calendar.clone(),
            zone: policy.time_zone.clone(),
            // With a unit's own, tighter time some warnings would come before the act.
            warnings: rule.warnings.iter().filter(|warning| comes(warning, &allowance)).copied().collect(),
            pausable: false,
            source: rule.basis.source.clone(),
        };
        let subject = format!("case/{number}");
        for fact in clock::start(&running, id, &subject, self.now(), self.now(), &calendar).map_err(refused)? {
            if matches!(fact, ClockFact::Started { .. }) {
                self.push(Fact::ClockStarted {
                    head: case.head(),
                    name: rule.name.clone(),
                    satisfied_by: what,
                    clause: rule.basis.clause.clone(),
                    follows: None,
                    ladder: rule.escalation.clone(),
                    clock: fact,
                });
            } else {
                self.moved(number, fact)?;
            }
        }
        Ok(())
    }

    /// Brings the clock of a task that is over to rest, if it has one that runs.
    pub(super) fn stop_task_clock(&mut self, number: &str, id: &str) -> Result<(), DeskError> {
        self.unscoped(|work| {
            let case = work.case(number)?;
            let runs = case.clocks.iter().any(|entry| entry.clock.id == id && entry.clock.satisfied.is_none());
            if runs { work.stop(number, id, work.now()) } else { Ok(()) }
        })
    }

    /// Whatever is open has a clock (rule 8): where somebody asks, or a concern
    /// is added, after the clock of answers came to rest or was missed, one
    /// more of the same rule is started for that, and where a decision not to
    /// answer falls, one with the time that there was from the beginning.
    ///
    /// One clock watches all that is open and that it is early enough for; so
    /// a flood of askers makes one clock, not many.
    pub(crate) fn watch_open(&mut self, number: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let open = open_since(&case);
        if open.is_empty() || !case.is_open() {
            return Ok(());
        }
        let first = case.clocks.iter().filter(|e| e.satisfied_by == SatisfiedBy::Answer && e.follows.is_none());
        for entry in first {
            for since in &open {
                // What is asked later is due later, and so is watched too.
                if self.watch(number, entry, *since)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sees to a clock for what waits `since`. True if one runs by now that is not missed yet.
    fn watch(&mut self, number: &str, first: &CaseClock, since: Option<Timestamp>) -> Result<bool, DeskError> {
        let (case, now, clock) = (self.case(number)?, self.now(), &first.clock);
        if since.is_none() && clock.satisfied.is_none() {
            return Ok(clock.breached.is_none());
        }
        let (anchor, anchor_at) = match since {
            None => (clock.anchor, clock.anchor_at),
            Some(at) => (Anchor::ReceivedAt, at),
        };
        let calendar = self.calendar(&clock.calendar)?;
        let due = huiyin_deadline::due(anchor_at, &clock.allowance, &calendar, clock.zone.time_zone())
            .map_err(|error| DeskError::new("clock", error.to_string()))?;
        let same = || case.clocks.iter().map(|entry| &entry.clock).filter(|other| other.rule == clock.rule);
        let mut open = same().filter(|other| other.satisfied.is_none());
        if open.clone().any(|other| other.breached.is_none() && other.due.at <= due.at) {
            return Ok(true);
        }
        if open.any(|other| other.breached.is_some() && due.at < now) || same().count() >= MAX_OF_A_RULE {
            return Ok(false);
        }
        let running = Rule {
            id: clock.rule.clone(),
            allowance: clock.allowance,
            anchor,
            calendar: clock.calendar.clone(),
            zone: clock.zone.clone(),
            warnings: clock.plan.clone(),
            pausable: clock.pausable,
            source: clock.source.clone(),
        };
        let id = format!("{}.{}", clock.rule, same().count() + 1);
        let follows = same().next_back().map(|last| last.id.clone());
        for fact in clock::start(&running, &id, &clock.subject, anchor_at, now, &calendar).map_err(refused)? {
            if matches!(fact, ClockFact::Started { .. }) {
                self.push(Fact::ClockStarted {
                    head: case.head(),
                    name: first.name.clone(),
                    satisfied_by: first.satisfied_by,
                    clause: first.clause.clone(),
                    follows: follows.clone(),
                    ladder: first.ladder.clone(),
                    clock: fact,
                });
            } else {
                self.moved(number, fact)?;
            }
        }
        Ok(due.at >= now)
    }

    /// Puts every breach on record that time has brought and no tick has noticed yet.
    pub(crate) fn breach_overdue(&mut self, number: &str) -> Result<(), DeskError> {
        let (case, now) = (self.case(number)?, self.now());
        for fact in case.clocks.iter().flat_map(|entry| clock::tick(&entry.clock, now)) {
            if matches!(fact, ClockFact::Breached { .. }) {
                self.moved(number, fact)?;
            }
        }
        Ok(())
    }

    /// What clocks at rest had waited for was not done `from`, but at `to`.
    pub(crate) fn correct_satisfied(
        &mut self,
        number: &str,
        what: SatisfiedBy,
        from: Option<Timestamp>,
        to: Timestamp,
    ) -> Result<(), DeskError> {
        let (case, now, by) = (self.case(number)?, self.now(), self.actor().to_string());
        let rested = case.clocks.iter().filter(|entry| {
            entry.satisfied_by == what && entry.clock.satisfied.as_ref().is_some_and(|done| Some(done.at) == from)
        });
        for fact in rested.flat_map(|entry| clock::correct_satisfied(&entry.clock, to, &by, now)) {
            self.moved(number, fact)?;
        }
        Ok(())
    }

    /// The pack whose rules hold for a case: the one it was opened under. Who is who, and the calendars, are the pack's
    /// in force.
    pub(crate) fn rules(&self, case: &Case) -> Result<Arc<PolicyPack>, DeskError> {
        match self.desk.pack_of(case) {
            // A unit that the case came to since has no figures of its own there.
            Some(pack) if pack.unit(&case.unit).is_some() => Ok(pack.clone()),
            _ => self.policy(),
        }
    }

    pub(super) fn calendar(&self, id: &str) -> Result<Cow<'static, Calendar>, DeskError> {
        self.policy()?
            .calendar(id)
            .ok_or_else(|| DeskError::new("not-found", format!("the policy pack has no calendar `{id}`")))
    }

    /// Records what happened to a running clock, and who is told of it.
    pub(super) fn moved(&mut self, number: &str, fact: ClockFact) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let Some(entry) = case.clocks.iter().find(|entry| entry.clock.id == fact.clock()) else {
            return Err(
                DeskError::new("not-found", format!("case {number} has no clock `{}`", fact.clock())).at("/clock")
            );
        };
        let notify = match fact {
            ClockFact::Warned { .. } => {
                self.owed(Occasion::ClockWarned, case.level, &case.unit, Some(&entry.clock), Some(&case))
            }
            ClockFact::Breached { .. } => {
                self.owed(Occasion::ClockBreached, case.level, &case.unit, Some(&entry.clock), Some(&case))
            }
            _ => Vec::new(),
        };
        let due_at = match &fact {
            ClockFact::Rescheduled { due, .. } | ClockFact::Resumed { due, .. } | ClockFact::Extended { due, .. } => {
                due.at
            }
            _ => entry.clock.due.at,
        };
        let name = entry.name.clone();
        let unread = entry.satisfied_by == SatisfiedBy::Acknowledgement && matches!(fact, ClockFact::Breached { .. });
        let id = entry.clock.id.clone();
        self.push(Fact::ClockMoved { head: case.head(), name, clock: fact, due_at, notify });
        if unread { self.fall_back(number, &id) } else { Ok(()) }
    }

    /// Stops every running clock of a case that waits for `what`.
    pub(crate) fn satisfy_all(&mut self, number: &str, what: SatisfiedBy, at: Timestamp) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let waiting = case.clocks.iter().filter(|entry| entry.satisfied_by == what && entry.clock.satisfied.is_none());
        for entry in waiting {
            self.stop(number, &entry.clock.id, at)?;
        }
        if what == SatisfiedBy::FlashReport { self.report_task_done(number) } else { Ok(()) }
    }

    pub(super) fn stop(&mut self, number: &str, id: &str, at: Timestamp) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let entry = running(&case, id)?;
        let by = self.actor().to_string();
        for fact in clock::satisfy(&entry.clock, at, &by).map_err(refused)? {
            self.moved(number, fact)?;
        }
        Ok(())
    }

    /// Moves the clocks that count from a moment that was corrected; of those at rest it is
    /// judged anew whether they came to rest in time.
    pub(crate) fn reanchor_all(
        &mut self,
        number: &str,
        anchor: Anchor,
        to: Timestamp,
        reason: &str,
    ) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let by = self.actor().to_string();
        for entry in &case.clocks {
            // A report's receipts count from that report.
            if entry.clock.anchor != anchor || entry.satisfied_by == SatisfiedBy::Receipt {
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
            // The clocks are the case's own, so this cannot fail.
            let _ = self.tick_case(&number);
        }
    }

    /// Whatever time has brought to a case: warnings and breaches, escalations, approvals that ran out.
    pub(super) fn tick_case(&mut self, number: &str) -> Result<(), DeskError> {
        let (case, now) = (self.case(number)?, self.now());
        for fact in case.clocks.iter().flat_map(|entry| clock::tick(&entry.clock, now)) {
            self.moved(number, fact)?;
        }
        self.escalate(number)?;
        self.expire_approvals(number);
        Ok(())
    }

    /// `start-clock`.
    pub(crate) fn start_clock(&mut self, input: &StartClock) -> Output {
        let case = self.open(&input.case)?;
        let policy = self.rules(&case)?;
        let rule = policy.clock(&input.rule, &case.unit).ok_or_else(|| {
            let known: Vec<&str> = policy.clocks.iter().map(|rule| rule.id.as_str()).collect();
            DeskError::new("not-found", format!("the policy pack has no clock rule `{}`", input.rule))
                .at("/rule")
                .hint(format!("it has: {}", known.join(", ")))
        })?;
        if !rule.satisfied_by.by_level() {
            return Err(DeskError::new("not-by-hand", format!("clock `{}` starts by itself", input.rule))
                .at("/rule")
                .hint("it starts with a task, with a report, or with a case that has no lead unit yet"));
        }
        let started = case.clocks.iter().all(|entry| entry.clock.rule != rule.id);
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
            SatisfiedBy::Feedback => Some("give the feedback: `feed-back-task`"),
            SatisfiedBy::Routing => Some("give the case its unit: `route-case`"),
            SatisfiedBy::FollowUpReport | SatisfiedBy::DetailedReport | SatisfiedBy::FinalReport => {
                Some("submit the report: `submit-report`")
            }
            SatisfiedBy::Receipt => Some("record who signed for the report: `record-receipt`"),
            SatisfiedBy::Assessment => Some("assess the case: `assess-case`"),
            SatisfiedBy::Verification | SatisfiedBy::Handling => Some("record the time: `record-time`"),
            SatisfiedBy::Acceptance => Some("take the case on: `accept-case`"),
            SatisfiedBy::Callback => Some("call back, and record it: `record-callback`"),
            SatisfiedBy::Channels => Some("record where the response stands: `record-publication`"),
            SatisfiedBy::Acknowledgement => Some("who was told acknowledges it: `acknowledge-notice`"),
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

impl Case {
    /// The risk of a decision that is not issued yet is no occurrence: nothing is reported within the hour.
    fn has_clocks_of_level(&self) -> bool {
        self.kind != Kind::DecisionRisk
    }

    /// When the desk came to know of a time, where nobody confirmed it.
    fn known_of(&self, milestone: Milestone) -> Option<Timestamp> {
        self.recorded.iter().rev().find(|entry| entry.milestone == milestone).map(|entry| entry.at)
    }
}

/// Whether a warning comes after the beginning of what it warns of.
fn comes(warning: &Warning, allowance: &Allowance) -> bool {
    match (warning, allowance) {
        (Warning::Before(before), Allowance::Elapsed(length)) => before < length,
        (Warning::Before(before), Allowance::WorkingMinutes(minutes)) => before.as_mins() < i64::from(*minutes),
        _ => true,
    }
}

/// The moment of the case that a clock counts from.
fn anchor(case: &Case, anchor: Anchor) -> Result<Timestamp, DeskError> {
    match anchor {
        Anchor::OccurredAt => Ok(case.times.occurred),
        Anchor::DiscoveredAt => Ok(case.times.discovered),
        Anchor::OpenedAt => Ok(case.times.opened),
        Anchor::AssessedAt => later(case.times.assessed, "it was not assessed yet"),
        Anchor::ReportedAt => later(case.times.reported, "nothing was reported yet"),
        Anchor::VerifiedAt => later(case.times.verified, "it was not verified yet"),
        Anchor::HandledAt => later(case.times.handled, "it was not handled yet"),
        Anchor::PublishedAt => later(case.times.published, "nothing was published yet"),
        Anchor::AnsweredAt => later(case.times.answered, "it was not answered yet"),
        // Packs with other anchors are refused when they are read.
        _ => Err(DeskError::new("unset", "a case has no such moment to count from")),
    }
}

fn later(moment: Option<Timestamp>, why: &str) -> Result<Timestamp, DeskError> {
    moment.ok_or_else(|| {
        DeskError::new("unset", format!("the case has no such moment to count from: {why}"))
            .clause("1a")
            .hint("the clock starts by itself once it is there")
    })
}

/// Whether a moment comes after the case was opened.
fn comes_later(anchor: Anchor) -> bool {
    !matches!(anchor, Anchor::OccurredAt | Anchor::DiscoveredAt | Anchor::OpenedAt)
}

/// When what a clock waits for was done, if it was.
/// What became known only after `due` counts from then on, unless a second
/// person confirmed it.
pub(super) fn done_at(case: &Case, what: SatisfiedBy, due: Timestamp) -> Option<Timestamp> {
    let believed = |done: Option<Timestamp>, known: Option<Timestamp>| {
        done.map(|done| known.filter(|known| done <= due && due < *known).unwrap_or(done))
    };
    match what {
        SatisfiedBy::FlashReport => case.reports.first().map(|report| report.at),
        SatisfiedBy::FollowUpReport => first(case, Stage::FollowUp),
        SatisfiedBy::DetailedReport => first(case, Stage::Detailed),
        SatisfiedBy::FinalReport => first(case, Stage::Final),
        SatisfiedBy::Assessment => case.times.assessed,
        SatisfiedBy::Verification => believed(case.times.verified, case.known_of(Milestone::Verified)),
        SatisfiedBy::Handling => believed(case.times.handled, case.known_of(Milestone::Handled)),
        SatisfiedBy::Publication => believed(case.times.published, case.known.published),
        SatisfiedBy::Answer if case.is_answered() => believed(case.times.answered, case.known.answered),
        SatisfiedBy::Answer => {
            let decision = case.no_response()?;
            decision.approved.as_ref().map(|approved| approved.at)
        }
        SatisfiedBy::Hand
        | SatisfiedBy::Feedback
        | SatisfiedBy::Receipt
        | SatisfiedBy::Callback
        | SatisfiedBy::Channels
        | SatisfiedBy::Acknowledgement => None,
        SatisfiedBy::Routing => case.routed.then_some(case.times.opened),
        SatisfiedBy::Acceptance => case.accepted.as_ref().map(|accepted| accepted.at),
    }
}

fn first(case: &Case, stage: Stage) -> Option<Timestamp> {
    case.reports.iter().find(|report| report.stage == stage).map(|report| report.at)
}

/// Since when something waits for an answer, each moment once, the earliest
/// first; none stands for the beginning of the case.
fn open_since(case: &Case) -> BTreeSet<Option<Timestamp>> {
    if case.no_response_approved() {
        return BTreeSet::new();
    }
    let askers = case.askers.iter().filter(|asker| asker.answered.is_none()).map(|asker| asker.asked);
    let concerns = case.concerns.iter().filter(|concern| !concern.settled).map(|concern| concern.added);
    askers.chain(concerns).collect()
}

pub(super) fn running<'c>(case: &'c Case, id: &str) -> Result<&'c CaseClock, DeskError> {
    case.clocks.iter().find(|entry| entry.clock.id == id).ok_or_else(|| {
        let ids: Vec<&str> = case.clocks.iter().map(|entry| entry.clock.id.as_str()).collect();
        DeskError::new("not-found", format!("case {} has no clock `{id}`", case.number))
            .at("/clock")
            .hint(format!("it has: {}", ids.join(", ")))
    })
}

#[allow(clippy::needless_pass_by_value)] // the shape `map_err` asks for
pub(super) fn refused(error: ClockError) -> DeskError {
    DeskError::new("clock", error.to_string())
}
