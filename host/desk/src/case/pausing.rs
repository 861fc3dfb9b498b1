//! Clocks that stand still: with a reason and a second person, and only where the rule allows it.

use huiyin_deadline::clock;
use serde_json::{Value, json};

use super::approving::Proposal;
use super::clocks::{refused, running};
use super::{CaseClock, Confirmation};
use crate::command::{PauseClock, ResumeClock};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::policy::SatisfiedBy;

impl Work<'_> {
    /// `pause-clock`: kept for a second person.
    pub(crate) fn pause_clock(&mut self, input: &PauseClock) -> Output {
        let case = self.open(&input.case)?;
        let author = self.person("let a clock stand still", "6b")?;
        let entry = running(&case, &input.clock)?;
        pausable(entry)?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        // What it would refuse when it is approved, it refuses now.
        clock::pause(&entry.clock, self.now(), &reason, &author).map_err(refused)?;
        let input = PauseClock { reason, ..input.clone() };
        let pending = self.propose(&case, author, Proposal::PauseClock(input.clone()))?;
        Ok(json!({ "case": input.case, "clock": input.clock, "pending": pending }))
    }

    /// A pause that was approved: the clock stands from now on.
    pub(super) fn take_pause(
        &mut self,
        input: &PauseClock,
        author: &str,
        confirmed: &Confirmation,
    ) -> Result<(), DeskError> {
        let case = self.case(&input.case)?;
        let entry = running(&case, &input.clock)?;
        pausable(entry)?;
        let (kind, by) = (Some(input.kind.into()), format!("person:{author}"));
        let facts = clock::pause_as(&entry.clock, self.now(), &input.reason, &by, kind, Some(&confirmed.by));
        for fact in facts.map_err(refused)? {
            self.moved(&input.case, fact)?;
        }
        Ok(())
    }

    /// `resume-clock`.
    pub(crate) fn resume_clock(&mut self, input: &ResumeClock) -> Output {
        let case = self.open(&input.case)?;
        let entry = running(&case, &input.clock)?;
        let calendar = self.calendar(&entry.clock.calendar)?;
        let by = self.actor().to_string();
        for fact in clock::resume(&entry.clock, self.now(), &by, &calendar).map_err(refused)? {
            self.moved(&input.case, fact)?;
        }
        self.stands(&input.case, &input.clock)
    }

    /// How a clock stands after a command.
    fn stands(&self, number: &str, id: &str) -> Output {
        let case = self.case(number)?;
        let entry = running(&case, id)?;
        Ok(json!({
            "case": number,
            "clock": id,
            "due_at": entry.clock.due.at,
            "provisional": entry.clock.due.provisional,
            "breached": entry.clock.breached.is_some(),
        }))
    }
}

/// Whatever a rule says: the clock of the flash report never stands still (clause 5e).
fn pausable(entry: &CaseClock) -> Result<(), DeskError> {
    if entry.clause.as_deref() == Some("5e") || entry.satisfied_by == SatisfiedBy::FlashReport {
        return Err(DeskError::new(
            "unpausable",
            format!("clock `{}` never stands still: a major matter is reported within one hour", entry.clock.id),
        )
        .at("/clock")
        .clause("5e")
        .hint("send the flash report with what is known"));
    }
    Ok(())
}

/// How a clock stands still, as people read it.
pub(crate) fn pauses_view(entry: &CaseClock) -> Vec<Value> {
    let pauses = entry.clock.pauses.iter();
    pauses
        .map(|pause| {
            json!({
                "from": pause.from, "to": pause.to, "kind": pause.kind, "kind_zh": pause.kind.map(clock::PauseKind::zh),
                "reason": pause.reason, "by": pause.by, "approved_by": pause.approved_by,
            })
        })
        .collect()
}
