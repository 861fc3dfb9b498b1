//! Closing (办结). Everything raised gets an answer (rule 8): a case is closed
//! with a delivered answer to every asker, or with an approved, reasoned
//! no-response whose author is not its approver (rule 9).

use serde_json::json;

use super::answering::{open_concerns, unanswered};
use super::approving::Proposal;
use super::task::{PartState, Task};
use super::{Case, Kind};
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
        } else if case.kind == Kind::DecisionRisk && case.askers.is_empty() {
            if case.risk.gate.is_none() {
                return Err(DeskError::new("shut", "the decision may not be issued yet: its gate is shut")
                    .at("/case")
                    .clause("3.2d")
                    .hint("open it (`open-gate`); where the decision is dropped, have that approved: `propose-no-response`"));
            }
            Ground::Decided
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
        self.done_before_closing(&case)?;
        let owed = case.responses.iter().find_map(|response| Some((response, response.missing().next()?)));
        if let Some((response, channel)) = owed {
            return Err(DeskError::new(
                "undone",
                format!("response {} does not stand on `{}` yet, or not as it is", response.draft.id, channel.id),
            )
            .at("/case")
            .clause("3.5e")
            .hint("publish it there, and record the proof: `record-publication`"));
        }
        if let Some(major) = case.major() {
            return Err(DeskError::new("undone", format!("it is a major matter since {}", major.declared.at))
                .at("/case")
                .clause("5d")
                .hint("the commander ends the procedure first: `end-major`"));
        }
        let fact = Fact::CaseClosed { head: case.head(), ground, note, by: self.actor().clone(), at: self.now() };
        self.push(fact);
        Ok(json!({ "case": input.case, "state": "closed", "ground": ground }))
    }

    /// What the pack wants done first (clause 1f), what is with other units
    /// (clause 3.4b), and what happens offline (clause 3.4a).
    fn done_before_closing(&self, case: &Case) -> Result<(), DeskError> {
        let policy = self.rules(case)?;
        let wanted =
            policy.closing.iter().filter(|rule| rule.levels.contains(&case.level)).flat_map(|rule| &rule.tasks);
        for kind in wanted {
            if !case.tasks.iter().any(|task| task.kind == *kind && task.is_done()) {
                return Err(DeskError::new("undone", format!("no task of kind {} is done yet", kind.name()))
                    .at("/case")
                    .clause("1f")
                    .hint(format!(
                        "assign one, `assign-task` with `kind` \"{}\", and wait for its feedback",
                        kind.name()
                    )));
            }
        }
        if let Some(task) = case.tasks.iter().find(|task| task.is_open()) {
            return Err(DeskError::new("undone", format!("task {} is with {} still", task.id, holders(task)))
                .at("/case")
                .clause("3.4b")
                .hint("wait for the feedback, or withdraw it with a reason: `withdraw-task`"));
        }
        if let Some(event) = case.offline.iter().find(|event| event.outcome.is_none()) {
            return Err(DeskError::new("undone", format!("how the offline event {} ended is not recorded", event.id))
                .at("/case")
                .clause("3.4a")
                .hint("record it: `record-offline-event` with `event` and `outcome`"));
        }
        Ok(())
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

/// The units whose feedback is missing.
fn holders(task: &Task) -> String {
    let open = task.parts.iter().filter(|part| part.state != PartState::Done);
    open.map(|part| part.unit.as_str()).collect::<Vec<_>>().join(", ")
}
