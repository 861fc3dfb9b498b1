//! Reporting upward (报送). 快报事实、慎报原因、详报措施、后报结果 (clause 5a).
//!
//! Whoever gathers the facts drafts, be it a person or a workflow. A named
//! person submits: a draft as it is, or a text of their own; every fact rests
//! on evidence (clause 1b). Then the pack's chain of approvals says yes
//! (clause 6b); who sends another's draft as it is takes its first step, if
//! the chain has them for it. Only what was sent stops a clock. It goes out by
//! the unit's one channel, to its own level and to the superior (clause 3.3).

use serde_json::json;

use super::approving::{Proposal, stale};
use super::evidence::EvidenceKind;
use super::report::{Late, Report, ReportDraft, ReportProposal, ReportText, Stage, Stated};
use super::{Case, DocumentRef};
use crate::actor::Actor;
use crate::command::{DraftReport, Statement, SubmitReport};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::{Approver, Occasion, SatisfiedBy, Step};

/// The most facts of one report.
const MAX_FACTS: usize = 100;
/// The most documents of one report.
const MAX_DOCUMENTS: usize = 16;

/// What is given of a report, by either command.
struct Given<'g> {
    stage: Stage,
    facts: &'g [Statement],
    cause: Option<&'g String>,
    cause_evidence: &'g [String],
    measures: Option<&'g String>,
    result: Option<&'g String>,
    documents: &'g [DocumentRef],
}

impl Work<'_> {
    /// `draft-report`.
    pub(crate) fn draft_report(&mut self, input: &DraftReport) -> Output {
        let case = self.open(&input.case)?;
        let text = self.text(
            &case,
            &Given {
                stage: input.stage,
                facts: &input.facts,
                cause: input.cause.as_ref(),
                cause_evidence: &input.cause_evidence,
                measures: input.measures.as_ref(),
                result: input.result.as_ref(),
                documents: &input.documents,
            },
        )?;
        let hash = self.draft_hash(&case, &text)?;
        let case = self.case(&input.case)?;
        // Drafted again, it is the same draft.
        if let Some(same) = case.drafts.iter().find(|draft| draft.hash == hash) {
            return Ok(drafted(&case.number, same));
        }
        let next = case.drafts.iter().filter_map(|draft| draft.id.strip_prefix('d')?.parse::<u64>().ok()).max();
        let draft = ReportDraft {
            id: format!("d{}", next.unwrap_or(0) + 1),
            stage: text.stage,
            facts: text.facts,
            documents: text.documents,
            stated: text.stated,
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
        let sender = self.person("send a report", "6b")?;
        self.by_the_channel(&case, &sender)?;
        let (text, drafter) = if let Some(hash) = &input.draft {
            let other = !input.facts.is_empty()
                || !input.documents.is_empty()
                || input.cause.is_some()
                || input.measures.is_some()
                || input.result.is_some();
            if other {
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
            (draft.text(), Some(draft.by.clone()))
        } else {
            let text = self.text(
                &case,
                &Given {
                    stage: input.stage,
                    facts: &input.facts,
                    cause: input.cause.as_ref(),
                    cause_evidence: &input.cause_evidence,
                    measures: input.measures.as_ref(),
                    result: input.result.as_ref(),
                    documents: &input.documents,
                },
            )?;
            let hash = self.draft_hash(&case, &text)?;
            let same = case.drafts.iter().find(|draft| draft.hash == hash);
            (text, same.map(|draft| draft.by.clone()))
        };
        let case = self.case(&input.case)?;
        complete(&case, &text)?;
        let proposal = ReportProposal { text, draft: input.draft.clone(), sender: sender.clone() };
        let (chain, lasts) = self.chain_of(&case, &proposal.text);
        if chain.is_empty() {
            return self.send(&case, &proposal, None);
        }
        let other = drafter.and_then(|by| by.person().map(str::to_owned)).filter(|by| *by != sender);
        // Whoever drafted for this report had a hand in it, also where another mended the draft.
        let last = case.reports.iter().rev().find(|report| report.stage == input.stage).map(|report| report.at);
        let drafts = case.drafts.iter().filter(|d| d.stage == input.stage && last.is_none_or(|last| d.at > last));
        let others: Vec<String> = drafts.filter_map(|draft| draft.by.person()).map(str::to_owned).collect();
        let proposal = Proposal::Report(Box::new(proposal));
        // A draft of another person is theirs; who sends it as it is takes the first step.
        let author = other.filter(|_| input.draft.is_some()).unwrap_or_else(|| sender.clone());
        let pending = self.propose_by(&case, author.clone(), &others, proposal, chain, lasts)?;
        let asked = self.case(&input.case)?;
        let hash = pending["hash"].as_str().unwrap_or_default().to_owned();
        let fits = author != sender
            && asked
                .approvals
                .iter()
                .rev()
                .find(|a| a.hash == hash)
                .is_some_and(|a| self.step_of(&asked, a, &sender).is_ok());
        if fits {
            self.approve(&input.case, &hash)?;
        }
        let after = self.case(&input.case)?;
        if after.reports.len() > case.reports.len() {
            return Ok(sent(&after, input.stage));
        }
        let mut output = sent(&after, input.stage);
        output["sent"] = json!(false);
        output["at"] = json!(null);
        output["pending"] = pending;
        Ok(output)
    }

    /// A report whose chain is through.
    pub(super) fn take_report(
        &mut self,
        number: &str,
        proposal: &ReportProposal,
        approval: &str,
    ) -> Result<(), DeskError> {
        let case = self.open(number)?;
        // What was in order when it was asked for may not be any more.
        complete(&case, &proposal.text).map_err(|error| stale(error.message))?;
        self.send(&case, proposal, Some(approval.to_owned())).map(drop)
    }

    /// The chain for a report: the pack's for its stage, and for a cause that of the unit above (clause 5a).
    fn chain_of(&self, case: &Case, text: &ReportText) -> (Vec<Step>, Option<jiff::SignedDuration>) {
        let rule = self.chain_for(act_of(text.stage), case);
        let (mut chain, mut lasts) = rule.map(|rule| (rule.chain.clone(), rule.lasts())).unwrap_or_default();
        if text.stated.cause.is_some() {
            match self.chain_for("report-cause", case) {
                Some(higher) => {
                    lasts = lasts.into_iter().chain(higher.lasts()).min();
                    chain.extend(higher.chain.clone());
                }
                None => chain.push(vec![Approver::higher()]),
            }
        }
        (chain, lasts)
    }

    fn send(&mut self, case: &Case, proposal: &ReportProposal, approval: Option<String>) -> Output {
        let (text, at, policy) = (&proposal.text, self.now(), self.policy()?);
        let waits = SatisfiedBy::of_stage(text.stage);
        let seq = case.reports.iter().filter(|report| report.stage == text.stage).count() as u32 + 1;
        let late = case
            .clocks
            .iter()
            .filter(|entry| entry.satisfied_by == waits && entry.clock.satisfied.is_none() && entry.clock.due.at < at)
            .min_by_key(|entry| entry.clock.due.at)
            .map(|entry| Late {
                clock: entry.clock.id.clone(),
                due_at: entry.clock.due.at,
                late_seconds: at.duration_since(entry.clock.due.at).as_secs(),
            });
        let report = Report {
            stage: text.stage,
            seq,
            facts: text.facts.clone(),
            documents: text.documents.clone(),
            stated: text.stated.clone(),
            number: Some(self.next_number(&case.unit, text.stage)?),
            office: policy.unit(&case.unit).map(|unit| unit.office.name.clone()),
            to: policy.addressees(&case.unit),
            late,
            receipts: Vec::new(),
            approval,
            draft: proposal.draft.clone(),
            by: Actor::Person(proposal.sender.clone()),
            at,
        };
        let notify = self.owed(Occasion::ReportSubmitted, case.level, &case.unit, None, Some(case));
        self.push(Fact::ReportSubmitted { head: case.head(), report: Box::new(report), notify });
        self.satisfy_all(&case.number, waits, at)?;
        self.start_receipt_clock(&case.number)?;
        self.advance(&case.number)?;
        Ok(sent(&*self.case(&case.number)?, text.stage))
    }

    /// Clause 3.3: reports go out by one channel.
    fn by_the_channel(&self, case: &Case, sender: &str) -> Result<(), DeskError> {
        let policy = self.policy()?;
        let Some(rule) = policy.reporting.as_ref().filter(|rule| !rule.roles.is_empty()) else { return Ok(()) };
        let has = policy.line(&case.unit).any(|unit| rule.roles.iter().any(|role| unit.has_role(sender, role)));
        if has {
            return Ok(());
        }
        let office = policy.unit(&case.unit).map(|unit| unit.office.name.clone()).unwrap_or_default();
        Err(DeskError::new("not-the-channel", format!("`{sender}` does not send the reports of unit `{}`", case.unit))
            .clause("3.3")
            .hint(format!(
                "reports go out through {office}: hand it a draft (`draft-report`) for one who is {}",
                rule.roles.join(" or ")
            )))
    }

    fn draft_hash(&self, case: &Case, text: &ReportText) -> Result<String, DeskError> {
        let unkept =
            |error: serde_json::Error| DeskError::new("invalid-input", format!("this cannot be kept: {error}"));
        // As drafts of before were hashed, where there is nothing that they did not know.
        let bytes = if text.stated == Stated::default() {
            serde_json::to_vec(&(text.stage, &text.facts, &text.documents)).map_err(unkept)?
        } else {
            serde_json::to_vec(text).map_err(unkept)?
        };
        Ok(self.hash(&[b"draft", case.number.as_bytes(), &bytes]))
    }

    /// Reads what is given; what somebody says they saw themselves becomes evidence.
    fn text(&mut self, case: &Case, given: &Given<'_>) -> Result<ReportText, DeskError> {
        too_early(given)?;
        if given.facts.is_empty() || given.facts.len() > MAX_FACTS {
            let message = format!("{} facts; a report has 1 to {MAX_FACTS}", given.facts.len());
            return Err(DeskError::new("out-of-range", message).at("/facts").clause("5a"));
        }
        if given.documents.len() > MAX_DOCUMENTS {
            let message = format!("{} documents; at most {MAX_DOCUMENTS}", given.documents.len());
            return Err(DeskError::new("too-many", message).at("/documents"));
        }
        let (mut facts, mut evidence) = (Vec::new(), Vec::new());
        for (i, statement) in given.facts.iter().enumerate() {
            let at = format!("/facts/{i}");
            let (text, references, observed) = match statement {
                Statement::Text(text) => (said(text, 2_000, &at, "the fact")?, Vec::new(), false),
                Statement::Grounded(fact) => (
                    said(&fact.text, 2_000, &format!("{at}/text"), "the fact")?,
                    self.references(case, &fact.evidence, &format!("{at}/evidence"))?,
                    fact.observed,
                ),
            };
            let mut references = references;
            if observed {
                self.person("say what they saw", "1b")?;
                let known = self.case(&case.number)?;
                references.push(self.keep_evidence(&known, EvidenceKind::Observation, text.clone(), None)?);
            }
            facts.push(text);
            evidence.push(references);
        }
        if evidence.iter().all(Vec::is_empty) {
            evidence.clear();
        }
        let cause = given.cause.map(|text| said(text, 5_000, "/cause", "the cause")).transpose()?;
        let cause_evidence = self.references(case, given.cause_evidence, "/cause_evidence")?;
        if cause.is_none() && !cause_evidence.is_empty() {
            return Err(DeskError::new("ambiguous", "there is evidence of a cause, and no cause").at("/cause_evidence"));
        }
        if cause.is_some() && !Self::investigated(case, &cause_evidence) {
            return Err(DeskError::new(
                "no-evidence",
                "a cause rests on what an investigation found, and on none here",
            )
            .at("/cause_evidence")
            .clause("5a")
            .hint("record it (`record-evidence` with `kind` \"investigation\"), and name it in `cause_evidence`"));
        }
        Ok(ReportText {
            stage: given.stage,
            facts,
            documents: given.documents.to_vec(),
            stated: Stated {
                evidence,
                cause,
                cause_evidence,
                measures: given.measures.map(|text| said(text, 5_000, "/measures", "the measures")).transpose()?,
                result: given.result.map(|text| said(text, 5_000, "/result", "the result")).transpose()?,
            },
        })
    }
}

/// The approval of a report of a stage.
pub(super) fn act_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Flash => "flash-report",
        Stage::FollowUp => "follow-up-report",
        Stage::Detailed => "detailed-report",
        Stage::Final => "final-report",
    }
}

fn drafted(case: &str, draft: &ReportDraft) -> serde_json::Value {
    json!({ "case": case, "stage": draft.stage, "draft": draft.id, "hash": draft.hash, "at": draft.at })
}

/// What is answered of the last report of a stage.
fn sent(case: &Case, stage: Stage) -> serde_json::Value {
    let last = case.reports.iter().enumerate().rfind(|(_, report)| report.stage == stage);
    let stopped = case.clocks.iter().filter(|entry| entry.satisfied_by == SatisfiedBy::of_stage(stage));
    let satisfied: Vec<_> = stopped
        .filter_map(|entry| {
            let done = entry.clock.satisfied.as_ref()?;
            Some(json!({ "clock": entry.clock.id, "on_time": done.on_time }))
        })
        .collect();
    json!({
        "case": case.number,
        "stage": stage,
        "sent": true,
        "report": last.map(|(at, _)| format!("r{}", at + 1)),
        "seq": last.map(|(_, report)| report.seq),
        "number": last.and_then(|(_, report)| report.number.as_ref().map(super::report::ReportNumber::zh)),
        "to": last.map(|(_, report)| report.to.clone()).unwrap_or_default(),
        "late": last.and_then(|(_, report)| report.late.clone()),
        "at": last.map(|(_, report)| report.at),
        "satisfied": satisfied,
    })
}

/// Clause 5a: what a report of this stage does not give yet.
fn too_early(given: &Given<'_>) -> Result<(), DeskError> {
    let premature = [
        (
            given.cause.is_some() && given.stage == Stage::Flash,
            "/cause",
            "a flash report gives no cause: causes are reported with care, after they are investigated",
        ),
        (
            given.measures.is_some() && given.stage == Stage::Flash,
            "/measures",
            "a flash report gives no measures: they belong to the detailed report",
        ),
        (
            given.result.is_some() && given.stage != Stage::Final,
            "/result",
            "only the final report gives the result: it is reported last",
        ),
    ];
    match premature.into_iter().find(|(wrong, ..)| *wrong) {
        Some((_, pointer, why)) => Err(DeskError::new("too-early", why).at(pointer).clause("5a").hint("leave it out")),
        None => Ok(()),
    }
}

/// Whether a report may be sent now: the order of the stages and what each has (clause 5a), and that
/// every fact rests on evidence (clause 1b).
fn complete(case: &Case, text: &ReportText) -> Result<(), DeskError> {
    let sent = |stage: Stage| case.reports.iter().any(|report| report.stage == stage);
    let stage = text.stage;
    let order = |why: &str, hint: &str| Err(DeskError::new("order", why).at("/stage").clause("5a").hint(hint));
    match stage {
        _ if sent(Stage::Final) => {
            return order("the final report was sent: nothing comes after it", "open a new case");
        }
        Stage::Flash if !case.reports.is_empty() => {
            return order("the flash report was sent", "what is new belongs to a `follow-up`");
        }
        Stage::FollowUp | Stage::Detailed if !sent(Stage::Flash) => {
            return order("the flash report was not sent yet, and comes first", "send the `flash` report");
        }
        Stage::Detailed if sent(Stage::Detailed) => {
            return order("the detailed report was sent", "what is new belongs to a `follow-up`");
        }
        Stage::Final if !sent(Stage::Detailed) => {
            return order(
                "the detailed report was not sent yet, and comes before the final one",
                "send the `detailed` report",
            );
        }
        _ => {}
    }
    let missing =
        |pointer: &str, why: &str| Err(DeskError::new("empty", why).at(pointer).clause("5a").hint("give them"));
    match stage {
        Stage::FollowUp if text.stated.measures.is_some() && !sent(Stage::Detailed) => {
            return Err(DeskError::new("too-early", "measures are reported in the detailed report first")
                .at("/measures")
                .clause("5a")
                .hint("leave them out, or send the `detailed` report"));
        }
        Stage::Detailed if text.stated.measures.is_none() => {
            return missing("/measures", "a detailed report says what is done: `measures` are missing");
        }
        Stage::Final if text.stated.result.is_none() => {
            return missing("/result", "a final report says how it ended: the `result` is missing");
        }
        _ => {}
    }
    let bare = (0..text.facts.len()).find(|i| text.stated.evidence.get(*i).is_none_or(Vec::is_empty));
    if let Some(i) = bare {
        return Err(DeskError::new("no-evidence", format!("fact {} refers to no evidence", i + 1))
            .at(format!("/facts/{i}"))
            .clause("1b")
            .hint(
                "give the fact as {\"text\": …, \"evidence\": […]}; what you saw yourself as {\"text\": …, \"observed\": true}",
            ));
    }
    Ok(())
}
