//! Correcting when a matter happened (rule 5): by a named person, with a
//! reason, never later than it was discovered, and with its history kept.

use jiff::Timestamp;
use serde_json::json;

use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;

impl Work<'_> {
    /// `CorrectOccurredAt`.
    pub(crate) fn correct_occurred_at(&mut self, number: &str, to: Timestamp, reason: &str) -> Output {
        let case = self.open(number)?;
        let reason = said(reason, 1_000, "/reason", "the reason")?;
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
        if to == case.times.occurred {
            return Err(DeskError::new("unchanged", format!("case {number} has this time already")).at("/occurred_at"));
        }
        let fact = Fact::OccurrenceCorrected {
            head: case.head(),
            from: case.times.occurred,
            to,
            reason: reason.clone(),
            by: self.actor().clone(),
            at: self.now(),
        };
        self.push(fact);
        self.reanchor_all(number, to, &reason)?;
        Ok(json!({ "case": number, "occurred_at": to }))
    }
}
