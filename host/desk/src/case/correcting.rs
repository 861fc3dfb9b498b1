//! Correcting when a matter happened (rule 5): by a named person, with a
//! reason, never later than it was discovered, and with its history kept.
//!
//! A later time gives every clock that counts from it more time, and may lift
//! a breach. So that is for a person of a unit above, or for two persons; and
//! the breach that was reported stays on record.

use huiyin_deadline::clock::Anchor;
use jiff::Timestamp;
use serde_json::json;

use super::Confirmation;
use super::approving::Proposal;
use crate::actor::Actor;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;

impl Work<'_> {
    /// `CorrectOccurredAt`.
    pub(crate) fn correct_occurred_at(&mut self, number: &str, to: Timestamp, reason: &str) -> Output {
        let case = self.open(number)?;
        let author = self.person("correct when a matter happened", "rule 5")?;
        let reason = said(reason, 1_000, "/reason", "the reason")?;
        let from = case.times.occurred;
        let discovered = case.times.discovered;
        if to > discovered {
            return Err(DeskError::new(
                "order",
                format!("it cannot have happened at {to}: it was discovered at {discovered}"),
            )
            .at("/occurred_at")
            .clause("rule 5")
            .hint("give a time before it was discovered"));
        }
        if to == from {
            return Err(DeskError::new("unchanged", format!("case {number} has this time already")).at("/occurred_at"));
        }
        if to > from && !self.policy()?.stands_above(&author, &case.unit) {
            let pending = self.propose(&case, author, Proposal::OccurredAt { from, to, reason })?;
            return Ok(json!({ "case": number, "occurred_at": from, "pending": pending }));
        }
        self.take_occurrence(number, to, &reason, &author, None)?;
        Ok(json!({ "case": number, "occurred_at": to }))
    }

    /// Moves the time of occurrence, and every clock that counts from it.
    pub(super) fn take_occurrence(
        &mut self,
        number: &str,
        to: Timestamp,
        reason: &str,
        author: &str,
        confirmed: Option<Confirmation>,
    ) -> Result<(), DeskError> {
        let case = self.open(number)?;
        // A later time lifts no breach that nobody has seen.
        self.breach_overdue(number)?;
        self.push(Fact::OccurrenceCorrected {
            head: case.head(),
            from: case.times.occurred,
            to,
            reason: reason.to_owned(),
            by: Actor::Person(author.to_owned()),
            at: self.now(),
            confirmed,
        });
        self.reanchor_all(number, Anchor::OccurredAt, to, reason)
    }
}
