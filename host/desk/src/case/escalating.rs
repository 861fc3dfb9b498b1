//! Escalation (逐级提醒): a clock whose due time nears or passes tells more and more people, up the unit tree, until
//! one of them says that it was heard.
//!
//! When a rung is due, repeated, or climbs is decided by [`ladder`]; here is who is told. A rung tells those whom the
//! pack names. Not acknowledged in time, it tells the fallback, and the principal of the unit above the lead unit;
//! then of the one above that, and last the root's superior. The steps of a clock's ladder are the pack's that held
//! when the clock was started.

use huiyin_deadline::clock::ladder::{self, Raised, Step, Timing};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clocks::running;
use super::{Case, CaseClock, Head, Notification};
use crate::command::AcknowledgeEscalation;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::{Occasion, Recipient, Rung};
use crate::text::Name;

/// How late a step may be before it counts as one that did not run.
pub(crate) const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// A step of a clock's ladder, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Escalation {
    /// The clock's id.
    pub clock: String,
    /// How people call the clock.
    pub name: Name,
    /// The clause its rule rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// What happened.
    pub step: Step,
    /// When the clock is due.
    pub clock_due_at: Timestamp,
    /// The rung after it.
    pub raised: Raised,
    /// True where there is nobody further up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
    /// When.
    pub at: Timestamp,
}

/// Something of a clock that was due and did not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// The clock's id.
    pub clock: String,
    /// The rung, from 0; none where it is a warning or the breach itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<u32>,
    /// Since when it is due.
    pub due_at: Timestamp,
    /// When that was found.
    pub at: Timestamp,
}

fn timings(ladder: &[Rung]) -> Vec<Timing> {
    ladder.iter().map(|rung| rung.timing).collect()
}

impl CaseClock {
    /// When its ladder next has something to say.
    pub(crate) fn next_rung(&self) -> Option<Timestamp> {
        if self.ladder.is_empty() { None } else { ladder::next_wake(&timings(&self.ladder), &self.raised, &self.clock) }
    }

    /// Takes a step in.
    pub(super) fn raise(&mut self, raised: &Raised) {
        match self.raised.iter_mut().rev().find(|old| (old.rung, old.at) == (raised.rung, raised.at)) {
            Some(old) => *old = *raised,
            None => self.raised.push(*raised),
        }
    }

    /// Rungs that wait for somebody to say that they were heard.
    pub(crate) fn unheard(&self) -> impl Iterator<Item = &Raised> {
        let now = |rung: u32| {
            self.ladder.get(rung as usize).map(|r| r.timing.after.at(self.clock.anchor_at, self.clock.due.at))
        };
        self.raised.iter().filter(move |raised| {
            raised.acknowledged.is_none()
                && self.clock.satisfied.is_none()
                && now(raised.rung).and_then(|at| ladder::live(&self.raised, raised.rung, at)) == Some(raised)
        })
    }
}

impl Case {
    /// What was due at `now` and more than [`GRACE`] ago, and did not happen: from the clocks themselves, not from what
    /// the desk keeps of when to wake.
    pub(crate) fn missed(&self, now: Timestamp) -> Vec<Missed> {
        let Ok(before) = now.checked_sub(GRACE) else { return Vec::new() };
        if !self.is_open() {
            return Vec::new();
        }
        let late = |at: Option<Timestamp>| at.filter(|at| *at < before);
        let mut missed = Vec::new();
        for entry in &self.clocks {
            let clock = entry.clock.id.clone();
            if let Some(due_at) = late(huiyin_deadline::clock::next_wake(&entry.clock)) {
                missed.push(Missed { clock: clock.clone(), rung: None, due_at, at: now });
            }
            for next in ladder::due(&timings(&entry.ladder), &entry.raised, &entry.clock, u32::MAX, before) {
                let raised = next.raised;
                missed.push(Missed { clock: clock.clone(), rung: Some(raised.rung), due_at: raised.due_at, at: now });
            }
        }
        missed
    }
}

impl Work<'_> {
    /// Takes every step of the ladders of a case that is due.
    pub(crate) fn escalate(&mut self, number: &str) -> Result<(), DeskError> {
        let (case, now) = (self.case(number)?, self.now());
        for entry in case.clocks.iter().filter(|entry| !entry.ladder.is_empty()) {
            let top = self.above(&case);
            for next in ladder::due(&timings(&entry.ladder), &entry.raised, &entry.clock, top, now) {
                let Some(rung) = entry.ladder.get(next.raised.rung as usize) else { continue };
                let notify = self.told_of(number, entry, rung, next.step, &next.raised)?;
                let escalation = Escalation {
                    clock: entry.clock.id.clone(),
                    name: entry.name.clone(),
                    clause: entry.clause.clone(),
                    step: next.step,
                    clock_due_at: entry.clock.due.at,
                    raised: next.raised,
                    last: next.raised.climb_at.is_none(),
                    at: now,
                };
                self.push(Fact::EscalationRaised { head: case.head(), escalation, notify });
            }
        }
        Ok(())
    }

    /// How many units there are above the lead unit, the root's superior among them.
    fn above(&self, case: &Case) -> u32 {
        let units = self.policy().map_or(1, |pack| pack.line(&case.unit).count());
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    fn told_of(
        &self,
        number: &str,
        entry: &CaseClock,
        rung: &Rung,
        step: Step,
        raised: &Raised,
    ) -> Result<Vec<Notification>, DeskError> {
        let (case, policy) = (self.case(number)?, self.policy()?);
        let mut to: Vec<Recipient> = Vec::new();
        let mut tell = |found: Vec<Recipient>| {
            for recipient in found {
                if to.iter().all(|known| known.id != recipient.id) {
                    to.push(recipient);
                }
            }
        };
        match step {
            Step::Raised => rung.tell.iter().for_each(|target| tell(policy.resolve(target, &case.unit))),
            // Whoever was told of it and has not said a word.
            Step::Repeated => tell(already(&case, entry, raised)),
            Step::Climbed => {
                if raised.climbed == 1 {
                    rung.fallback.iter().for_each(|target| tell(policy.resolve(target, &case.unit)));
                }
                tell(policy.principal_above(&case.unit, raised.climbed as usize));
            }
        }
        let before = case.notifications.len();
        let notify = to.into_iter().enumerate().map(|(n, to)| Notification {
            id: format!("n{}", before + n + 1),
            to,
            on: Occasion::Escalated,
            clock: Some(entry.clock.id.clone()),
            clause: entry.clause.clone(),
            at: self.now(),
            deliveries: Vec::new(),
        });
        Ok(notify.collect())
    }

    /// Looks for what did not happen, puts it on record, and does it.
    pub(crate) fn watch_over(&mut self, number: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let missed = case.missed(self.now());
        if missed.is_empty() {
            return Ok(());
        }
        for missed in missed {
            self.push(Fact::EscalationMissed { head: case.head(), missed });
        }
        self.tick_case(number)
    }

    /// `acknowledge-escalation`.
    pub(crate) fn acknowledge_escalation(&mut self, input: &AcknowledgeEscalation) -> Output {
        let case = self.open(&input.case)?;
        let by = self.person("say that an escalation was heard", "5b")?;
        let entry = running(&case, &input.clock)?;
        let note = input.note.as_deref().map(|text| said(text, 1_000, "/note", "the note")).transpose()?;
        let rungs: Vec<u32> = entry.unheard().map(|raised| raised.rung).collect();
        if rungs.is_empty() {
            return Err(DeskError::new("not-found", format!("no escalation of clock `{}` waits", input.clock))
                .at("/clock")
                .hint("`huiyin case show` lists them"));
        }
        // Whoever was told; for the authority above the root somebody of the root says so.
        let policy = self.policy()?;
        let root = policy.root().and_then(|root| root.person(&by)).is_some();
        let told = case
            .notifications
            .iter()
            .filter(|n| n.on == Occasion::Escalated && n.clock.as_ref() == Some(&entry.clock.id));
        if !told.clone().any(|n| n.to.id == by || (n.to.unit == "superior" && root)) {
            let names: Vec<&str> = told.map(|n| n.to.id.as_str()).collect();
            return Err(DeskError::new("not-told", format!("`{by}` was not told of this escalation"))
                .at("/clock")
                .clause("5b")
                .hint(format!("one of those who were told says so: {}", names.join(", "))));
        }
        let at = self.now();
        self.push(Fact::EscalationAcknowledged {
            head: case.head(),
            clock: input.clock.clone(),
            rungs: rungs.clone(),
            by: by.clone(),
            note,
            at,
        });
        Ok(json!({ "case": input.case, "clock": input.clock, "rungs": rungs, "by": by, "at": at }))
    }
}

/// Who was told of this rung so far.
fn already(case: &Case, entry: &CaseClock, raised: &Raised) -> Vec<Recipient> {
    let of = |n: &&Notification| {
        n.on == Occasion::Escalated && n.clock.as_ref() == Some(&entry.clock.id) && n.at >= raised.at
    };
    // Two rungs of one clock may have been raised since: whoever hears of both hears of the clock.
    case.notifications.iter().filter(of).map(|n| n.to.clone()).collect()
}

/// The event of a step.
pub(crate) fn event(head: &Head, escalation: &Escalation) -> Value {
    let kind = match escalation.step {
        Step::Raised => "raised",
        Step::Repeated => "repeated",
        Step::Climbed => "climbed",
    };
    let raised = &escalation.raised;
    json!({
        "unit": head.unit, "case": head.case, "level": head.level, "level_zh": head.level.zh(), "title": head.title,
        "clock": escalation.clock, "name": escalation.name, "clause": escalation.clause, "step": kind,
        "rung": raised.rung + 1, "climbed": raised.climbed, "due_at": escalation.clock_due_at,
        "acknowledge_by": raised.climb_at, "late_seconds": escalation.at.duration_since(raised.due_at).as_secs().max(0),
        "last": escalation.last, "at": escalation.at,
    })
}

/// The rungs of a clock that were raised, as people read them.
pub(crate) fn view(entry: &CaseClock) -> Vec<Value> {
    let one = |raised: &Raised| {
        json!({
            "rung": raised.rung + 1,
            "after": entry.ladder.get(raised.rung as usize).map(|rung| rung.timing.after),
            "due_at": raised.due_at,
            "at": raised.at,
            "repeats": raised.repeats,
            "climbed": raised.climbed,
            "acknowledged_at": raised.acknowledged,
            "climb_at": raised.climb_at,
        })
    };
    entry.raised.iter().map(one).collect()
}
