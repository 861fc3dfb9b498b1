//! Reporting upward (报送). 快报事实、慎报原因、详报措施、后报结果 (clause 5a).

use serde_json::json;

use super::{Report, Stage};
use crate::command::SubmitReport;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::{Occasion, SatisfiedBy};

/// The most facts of one report.
const MAX_FACTS: usize = 100;
/// The most documents of one report.
const MAX_DOCUMENTS: usize = 16;

impl Work<'_> {
    /// `submit-report`.
    pub(crate) fn submit_report(&mut self, input: &SubmitReport) -> Output {
        let case = self.open(&input.case)?;
        let premature = [
            (
                &input.cause,
                "/cause",
                "a flash report gives no cause: causes are reported with care, after they are investigated",
            ),
            (&input.measures, "/measures", "a flash report gives no measures: they belong to the detailed report"),
            (&input.result, "/result", "a flash report gives no result: it is reported last"),
        ];
        for (text, pointer, why) in premature {
            if text.is_some() {
                return Err(DeskError::new("too-early", why).at(pointer).clause("5a").hint("leave it out"));
            }
        }
        if input.facts.is_empty() || input.facts.len() > MAX_FACTS {
            return Err(DeskError::new(
                "out-of-range",
                format!("{} facts; a report has 1 to {MAX_FACTS}", input.facts.len()),
            )
            .at("/facts")
            .clause("5a"));
        }
        if input.documents.len() > MAX_DOCUMENTS {
            return Err(DeskError::new(
                "too-many",
                format!("{} documents; at most {MAX_DOCUMENTS}", input.documents.len()),
            )
            .at("/documents"));
        }
        let facts = input.facts.iter().enumerate();
        let facts: Result<Vec<String>, DeskError> =
            facts.map(|(i, text)| said(text, 2_000, &format!("/facts/{i}"), "the fact")).collect();
        let seq = case.reports.iter().filter(|report| report.stage == input.stage).count() as u32 + 1;
        let report = Report {
            stage: input.stage,
            seq,
            facts: facts?,
            documents: input.documents.clone(),
            by: self.actor().clone(),
            at: self.now(),
        };
        let notify = self.owed(Occasion::ReportSubmitted, case.level, &case.unit, None, Some(&case));
        let at = report.at;
        self.push(Fact::ReportSubmitted { head: case.head(), report, notify });
        match input.stage {
            Stage::Flash => self.satisfy_all(&input.case, SatisfiedBy::FlashReport, at)?,
        }
        self.advance(&input.case)?;
        let case = self.case(&input.case)?;
        let stopped = case.clocks.iter().filter(|entry| entry.satisfied_by == SatisfiedBy::FlashReport);
        let satisfied: Vec<_> = stopped
            .filter_map(|entry| {
                let done = entry.clock.satisfied.as_ref()?;
                Some(json!({ "clock": entry.clock.id, "on_time": done.on_time }))
            })
            .collect();
        Ok(json!({ "case": input.case, "stage": input.stage, "seq": seq, "at": at, "satisfied": satisfied }))
    }
}
