//! Reporting upward (报送). 快报事实、慎报原因、详报措施、后报结果 (clause 5a).
//!
//! Whoever gathers the facts drafts, be it a person or a workflow; a named
//! person reads the draft and sends exactly that (clauses 3.2g and 6b). Only
//! what was sent stops a clock.

use serde_json::json;

use super::{DocumentRef, Report, ReportDraft, Stage};
use crate::command::{DraftReport, SubmitReport};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::{Occasion, SatisfiedBy};

/// The most facts of one report.
const MAX_FACTS: usize = 100;
/// The most documents of one report.
const MAX_DOCUMENTS: usize = 16;

impl Work<'_> {
    /// `draft-report`.
    pub(crate) fn draft_report(&mut self, input: &DraftReport) -> Output {
        let case = self.open(&input.case)?;
        too_early([&input.cause, &input.measures, &input.result])?;
        let facts = content(&input.facts, &input.documents)?;
        let text = serde_json::to_vec(&(input.stage, &facts, &input.documents))
            .map_err(|error| DeskError::new("invalid-input", format!("this cannot be kept: {error}")))?;
        let hash = self.hash(&[b"draft", case.number.as_bytes(), &text]);
        // Drafted again, it is the same draft.
        if let Some(same) = case.drafts.iter().find(|draft| draft.hash == hash) {
            return Ok(drafted(&case.number, same));
        }
        let next = case.drafts.iter().filter_map(|draft| draft.id.strip_prefix('d')?.parse::<u64>().ok()).max();
        let draft = ReportDraft {
            id: format!("d{}", next.unwrap_or(0) + 1),
            stage: input.stage,
            facts,
            documents: input.documents.clone(),
            hash,
            by: self.actor().clone(),
            at: self.now(),
        };
        let output = drafted(&case.number, &draft);
        let notify = self.owed(Occasion::ReportDrafted, case.level, &case.unit, None, Some(&case));
        self.push(Fact::ReportDrafted { head: case.head(), draft, notify });
        Ok(output)
    }

    /// `submit-report`.
    pub(crate) fn submit_report(&mut self, input: &SubmitReport) -> Output {
        let case = self.open(&input.case)?;
        self.person("send a report", "6b")?;
        too_early([&input.cause, &input.measures, &input.result])?;
        let (facts, documents) = match &input.draft {
            Some(hash) => {
                if !input.facts.is_empty() || !input.documents.is_empty() {
                    return Err(DeskError::new("ambiguous", "a draft is sent as it is")
                        .at("/draft")
                        .hint("give either the `draft`, or the `facts`"));
                }
                let draft = case.drafts.iter().find(|draft| draft.hash == *hash && draft.stage == input.stage);
                let draft = draft.ok_or_else(|| {
                    let known: Vec<&str> = case.drafts.iter().map(|draft| draft.hash.as_str()).collect();
                    DeskError::new("not-found", format!("case {} has no such draft", case.number))
                        .at("/draft")
                        .hint(format!("read it again; it has: {}", known.join(", ")))
                })?;
                (draft.facts.clone(), draft.documents.clone())
            }
            None => (content(&input.facts, &input.documents)?, input.documents.clone()),
        };
        let seq = case.reports.iter().filter(|report| report.stage == input.stage).count() as u32 + 1;
        let report = Report {
            stage: input.stage,
            seq,
            facts,
            documents,
            draft: input.draft.clone(),
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

fn drafted(case: &str, draft: &ReportDraft) -> serde_json::Value {
    json!({ "case": case, "stage": draft.stage, "draft": draft.id, "hash": draft.hash, "at": draft.at })
}

/// Clause 5a: what a flash report does not give.
fn too_early(given: [&Option<String>; 3]) -> Result<(), DeskError> {
    let premature = [
        ("/cause", "a flash report gives no cause: causes are reported with care, after they are investigated"),
        ("/measures", "a flash report gives no measures: they belong to the detailed report"),
        ("/result", "a flash report gives no result: it is reported last"),
    ];
    for (text, (pointer, why)) in given.into_iter().zip(premature) {
        if text.is_some() {
            return Err(DeskError::new("too-early", why).at(pointer).clause("5a").hint("leave it out"));
        }
    }
    Ok(())
}

/// Checks what a report holds, and gives its facts.
fn content(facts: &[String], documents: &[DocumentRef]) -> Result<Vec<String>, DeskError> {
    if facts.is_empty() || facts.len() > MAX_FACTS {
        return Err(DeskError::new("out-of-range", format!("{} facts; a report has 1 to {MAX_FACTS}", facts.len()))
            .at("/facts")
            .clause("5a"));
    }
    if documents.len() > MAX_DOCUMENTS {
        return Err(DeskError::new("too-many", format!("{} documents; at most {MAX_DOCUMENTS}", documents.len()))
            .at("/documents"));
    }
    facts.iter().enumerate().map(|(i, text)| said(text, 2_000, &format!("/facts/{i}"), "the fact")).collect()
}
