//! Closing (办结). Everything raised gets an answer (rule 8): a case is closed
//! with a delivered answer to every asker, or with an approved, reasoned
//! no-response whose author is not its approver (rule 9).

use serde_json::json;

use super::answering::{open_concerns, unanswered};
use super::approving::Proposal;
use crate::command::CloseCase;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::{Fact, Ground};
use crate::policy::SatisfiedBy;

impl Work<'_> {
    /// `close-case`.
    pub(crate) fn close_case(&mut self, input: &CloseCase) -> Output {
        let case = self.open(&input.case)?;
        let note = input.note.as_deref().map(|text| said(text, 2_000, "/note", "the note")).transpose()?;
        let answered = !case.answers.is_empty() && case.everyone_answered();
        let ground = if case.is_answered() {
            Ground::Answered
        } else if case.no_response_approved() {
            Ground::NoResponse
        } else if answered {
            return Err(DeskError::new(
                "unanswered",
                format!("nothing was said of the concerns {}", open_concerns(&case).join(", ")),
            )
            .at("/case")
            .clause("1c")
            .hint("answer each, or say why not: `record-answer` with `concerns`"));
        } else {
            let waiting = unanswered(&case);
            let some = waiting.iter().take(5).copied().collect::<Vec<_>>().join(", ");
            return Err(DeskError::new("unanswered", format!("{} askers wait for an answer: {some}", waiting.len()))
                .at("/case")
                .clause("1i")
                .hint("answer them with `record-answer`, or have a reasoned no-response approved"));
        };
        let due = case
            .clocks
            .iter()
            .find(|entry| entry.satisfied_by == SatisfiedBy::FlashReport && entry.clock.satisfied.is_none());
        if let Some(entry) = due {
            return Err(DeskError::new(
                "unreported",
                format!("the flash report that clock `{}` waits for was not submitted", entry.clock.id),
            )
            .at("/case")
            .clause("5e")
            .hint("submit it, also when it is late: `submit-report`"));
        }
        let fact = Fact::CaseClosed { head: case.head(), ground, note, by: self.actor().clone(), at: self.now() };
        self.push(fact);
        Ok(json!({ "case": input.case, "state": "closed", "ground": ground }))
    }

    /// `ProposeNoResponse`.
    pub(crate) fn propose_no_response(&mut self, number: &str, reason: &str) -> Output {
        let case = self.open(number)?;
        let author = self.person("propose not to answer", "1i")?;
        let reason = said(reason, 2_000, "/reason", "the reason")?;
        // A new text, or the same text by somebody else, voids the old approval (rule 9).
        let mut output = self.propose(&case, author, Proposal::NoResponse { reason })?;
        self.watch_open(number)?;
        output["case"] = json!(number);
        Ok(output)
    }
}
