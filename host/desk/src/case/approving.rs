//! A second pair of eyes (rule 9, clause 6b): some acts count only once other
//! people confirm exactly them, as many and in what order the pack's chain
//! says; one, where it says nothing.
//!
//! Such an act is kept as an [`Approval`], with all that it says and with the
//! chain as it was when it was asked for. Its hash is keyed and covers case,
//! author and content, so whoever approves names what they read: an edit, or a
//! matter that has changed meanwhile, has another hash or is refused. Whoever
//! edits what waits becomes an author of it, and whoever wrote what it took
//! the place of stays one; no author is an approver (`chain.rs`). What runs
//! out before its last step is void. Nobody consents by saying nothing. What
//! was approved is decided anew at the last step, by the same rules as if it
//! were asked for then; if it is refused, so is that step.

use huiyin_deadline::Allowance;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chain::StepTaken;
use super::confidentiality::Confidentiality;
use super::{Case, Confirmation, JudgementText, ReportProposal, ResponseProposal, RiskEntry, Stage};
use crate::authority::Act;
use crate::command::{PauseClock, RecordAnswer, RecordPublication, RecordTime, SetLine, SetPlan};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::level::Level;
use crate::policy::{ApprovalRule, Occasion, SatisfiedBy, Step};

/// The most approvals of a case that wait.
pub const MAX_PENDING: usize = 20;
/// The most approvals that a case lists; older ones that are over stay in the journal.
pub const MAX_APPROVALS: usize = 200;

/// What waits for a second person. In JSON, `act` names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Proposal {
    /// 不予回应: nobody is answered (clause 1i).
    NoResponse {
        /// Why.
        reason: String,
    },
    /// An answer that is said to have been delivered before a due time that has passed.
    Answer(RecordAnswer),
    /// A publication that is said to have been made before a due time that has passed.
    Time(RecordTime),
    /// 放宽知悉范围: more people may read the case (clause 6a).
    Open {
        /// Who may read it now.
        from: Confidentiality,
        /// Who may read it then.
        to: Confidentiality,
        /// Why.
        reason: String,
    },
    /// 延期: a clock is given more time, once (clause 4c).
    Extension {
        /// The clock.
        clock: String,
        /// How much more.
        allowance: Allowance,
        /// Why.
        reason: String,
    },
    /// The line of the case (口径, clause 2b).
    Line(SetLine),
    /// A response, before it is published (clause 6b).
    Response(ResponseProposal),
    /// A publication that is said to have been made before a due time that has passed.
    Publication(RecordPublication),
    /// The plan of a major matter (clause 5d).
    Plan(SetPlan),
    /// The matter happened later than it is recorded (rule 5).
    OccurredAt {
        /// What is recorded.
        from: Timestamp,
        /// When it happened.
        to: Timestamp,
        /// Why.
        reason: String,
    },
    /// The level is lowered (rule 7), where the pack asks for an approval of that.
    LowerLevel {
        /// What it is.
        from: Level,
        /// What it is to be.
        to: Level,
        /// Why.
        reason: String,
    },
    /// A report is sent upward (clause 5a).
    Report(Box<ReportProposal>),
    /// A person's assessment, with the handling opinion (clause 3.2g).
    Assessment(Box<JudgementText>),
    /// The decision that the case is about may be issued (clause 3.2d).
    Decision {
        /// The risk assessment that it rests on.
        entries: Vec<RiskEntry>,
    },
    /// A clock stands still.
    PauseClock(PauseClock),
}

/// The names of the acts that are approved, as packs and answers have them.
pub const APPROVAL_ACTS: &[&str] = &[
    "no-response",
    "answer",
    "time",
    "occurred-at",
    "lower-level",
    "flash-report",
    "follow-up-report",
    "detailed-report",
    "final-report",
    "report-cause",
    "assessment",
    "decision",
    "extension",
    "open",
    "line",
    "response",
    "publication",
    "plan",
    "pause-clock",
];

impl Proposal {
    /// The name people read.
    pub fn zh(&self) -> &'static str {
        match self {
            Self::NoResponse { .. } => "不予回应",
            Self::Answer(_) => "补录回应",
            Self::Time(_) => "补录发布时间",
            Self::Open { .. } => "放宽知悉范围",
            Self::Extension { .. } => "延期",
            Self::Line(_) => "口径",
            Self::Response(_) => "回应",
            Self::Publication(_) => "补录发布",
            Self::Plan(_) => "应对方案",
            Self::OccurredAt { .. } => "推迟事发时间",
            Self::LowerLevel { .. } => "下调等级",
            Self::Report(report) => match report.text.stage {
                Stage::Flash => "报送快报",
                Stage::FollowUp => "报送续报",
                Stage::Detailed => "报送详报",
                Stage::Final => "报送终报",
            },
            Self::Assessment(_) => "研判及预控处置意见",
            Self::Decision { .. } => "决策出台",
            Self::PauseClock(_) => "暂停计时",
        }
    }

    /// What its approval is to the one check of who may do what: by whichever command it is asked for, the same.
    pub(super) fn kind(&self) -> Act {
        match self {
            Self::NoResponse { .. } => Act::ApproveNoResponse,
            _ => Act::Approve,
        }
    }

    /// Whether this takes the place of another that waits: there is one text of it at a time.
    fn replaces(&self, other: &Self) -> bool {
        let one_at_a_time = matches!(
            self,
            Self::NoResponse { .. }
                | Self::LowerLevel { .. }
                | Self::Report(_)
                | Self::Assessment(_)
                | Self::Decision { .. }
        );
        one_at_a_time && act(self) == act(other)
    }
}

/// An act and its second person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// `a1`, `a2`, … within the case.
    pub id: String,
    /// What is to be done.
    pub proposal: Proposal,
    /// What an approval must name: a keyed hash of case, author and proposal.
    pub hash: String,
    /// The author's id.
    pub author: String,
    /// Who else had a hand in the text: who drafted it, and the authors of what it took the place of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub co_authors: Vec<String>,
    /// When it was asked for.
    pub at: Timestamp,
    /// Who has to approve, in order; empty: one person, anybody who answers for the unit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<Step>,
    /// The steps that were taken, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepTaken>,
    /// From when on it is void, where its last step was not taken before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Who approved it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Confirmation>,
    /// Why it counts no more, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voided: Option<Voided>,
}

/// Why an approval counts no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voided {
    /// Why.
    pub reason: String,
    /// Who declined or withdrew it; none where another proposal took its place, or it ran out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Approval {
    /// Neither approved nor voided.
    pub fn is_pending(&self) -> bool {
        self.approved.is_none() && self.voided.is_none()
    }
}

impl Case {
    /// The decision not to answer that stands, approved or not.
    pub fn no_response(&self) -> Option<&Approval> {
        let stands = |a: &&Approval| matches!(a.proposal, Proposal::NoResponse { .. }) && a.voided.is_none();
        self.approvals.iter().rev().find(stands)
    }

    /// An approved no-response stands.
    pub fn no_response_approved(&self) -> bool {
        self.no_response().is_some_and(|decision| decision.approved.is_some())
    }

    /// Takes an approval in. It takes the place of the one before that says the same in another text.
    pub(super) fn add_approval(&mut self, approval: &Approval) {
        for old in &mut self.approvals {
            // A decision not to answer is in force as long as it stands; everything else is done once it is approved.
            let stands = old.is_pending() || matches!(old.proposal, Proposal::NoResponse { .. });
            if old.voided.is_none() && stands && approval.proposal.replaces(&old.proposal) {
                old.voided =
                    Some(Voided { reason: "another text took its place".to_owned(), by: None, at: approval.at });
            }
        }
        if self.approvals.len() >= MAX_APPROVALS {
            let over = self.approvals.iter().position(|a| !a.is_pending() && a.voided.is_some());
            let over = over.or_else(|| self.approvals.iter().position(|a| !a.is_pending()));
            self.approvals.remove(over.unwrap_or(0));
        }
        self.approvals.push(approval.clone());
    }

    /// Takes a step in; with the last one it is approved.
    pub(super) fn step_approval(&mut self, id: &str, step: Option<&StepTaken>, last: Option<Confirmation>) -> bool {
        let Some(approval) = self.approvals.iter_mut().find(|known| known.id == id) else { return false };
        approval.steps.extend(step.cloned());
        if last.is_some() {
            approval.approved = last;
        }
        true
    }

    /// Somebody new asks, or something new is asked: the decision not to answer
    /// did not have this before it, and has to be approved again (rule 8).
    pub(super) fn void_no_response(&mut self) {
        for approval in &mut self.approvals {
            if matches!(approval.proposal, Proposal::NoResponse { .. }) {
                approval.approved = None;
                approval.steps.clear();
            }
        }
    }

    /// What a decision rests on has changed: what was asked or approved on it counts no more.
    pub(super) fn void_decision(&mut self, at: Timestamp) {
        for approval in &mut self.approvals {
            if approval.voided.is_none() && matches!(approval.proposal, Proposal::Decision { .. }) {
                let reason = "the risk assessment has changed".to_owned();
                approval.voided = Some(Voided { reason, by: None, at });
            }
        }
    }

    /// What waits for approvals and runs out first.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.approvals.iter().filter(|approval| approval.is_pending()).filter_map(|approval| approval.expires_at).min()
    }
}

impl Work<'_> {
    /// The pack's chain for an act on a case, if it has one.
    pub(super) fn chain_for(&self, act: &str, case: &Case) -> Option<ApprovalRule> {
        self.policy().ok()?.approval(act, case.level).cloned()
    }

    /// Keeps an act for those who approve it, by the pack's chain for it, else for one second person.
    /// Asked again for the same, it gives the same.
    pub(super) fn propose(&mut self, case: &Case, author: String, proposal: Proposal) -> Result<Value, DeskError> {
        let rule = self.chain_for(act(&proposal), case);
        let (chain, lasts) = rule.map(|rule| (rule.chain.clone(), rule.lasts())).unwrap_or_default();
        self.propose_by(case, author, &[], proposal, chain, lasts)
    }

    /// The same by a given chain, and with others who had a hand in the text.
    pub(super) fn propose_by(
        &mut self,
        case: &Case,
        author: String,
        others: &[String],
        proposal: Proposal,
        chain: Vec<Step>,
        lasts: Option<SignedDuration>,
    ) -> Result<Value, DeskError> {
        let content = serde_json::to_vec(&proposal)
            .map_err(|error| DeskError::new("invalid-input", format!("this cannot be kept: {error}")))?;
        let hash = self.hash(&[b"approval", case.number.as_bytes(), author.as_bytes(), &content]);
        if let Some(same) = case.approvals.iter().rev().find(|a| a.hash == hash && a.is_pending()) {
            return Ok(asked(same));
        }
        if case.approvals.iter().filter(|a| a.is_pending()).count() >= MAX_PENDING {
            return Err(DeskError::new(
                "too-many",
                format!("{MAX_PENDING} approvals of case {} wait already", case.number),
            )
            .at("/case")
            .hint("approve or decline them first"));
        }
        let next = case.approvals.iter().filter_map(|a| a.id.strip_prefix('a')?.parse::<u64>().ok()).max();
        let at = self.now();
        let approval = Approval {
            id: format!("a{}", next.unwrap_or(0) + 1),
            co_authors: co_authors(case, &author, others, &proposal),
            proposal,
            hash,
            author,
            at,
            chain,
            steps: Vec::new(),
            expires_at: lasts.and_then(|lasts| at.checked_add(lasts).ok()),
            approved: None,
            voided: None,
        };
        let notify = self.told_of_step(case, &approval);
        let answer = asked(&approval);
        self.push(Fact::ApprovalRequested { head: case.head(), approval, notify });
        Ok(answer)
    }

    /// `Approve`: a person takes the next step of exactly this; with the last step it is done.
    pub(crate) fn approve(&mut self, number: &str, hash: &str) -> Output {
        let case = self.open(number)?;
        let by = self.person("approve what another person asks for", "6b")?;
        let approval = named(&case, hash)?;
        if approval.approved.is_some() {
            return Err(DeskError::new("unchanged", "it is approved already").at("/hash"));
        }
        let at = self.now();
        if let Some(end) = approval.expires_at.filter(|end| *end <= at) {
            return Err(DeskError::new("expired", format!("it waited for approvals until {end}, and is void"))
                .at("/hash")
                .clause("6b")
                .hint("it has to be asked for anew"));
        }
        let step = self.step_of(&case, approval, &by)?;
        let steps = approval.chain().len();
        let mut output = json!({
            "case": number, "approval": approval.id, "act": act(&approval.proposal),
            "step": approval.steps.len() + 1, "steps": steps, "on_behalf_of": step.on_behalf_of,
        });
        if approval.steps.len() + 1 < steps {
            let mut after = approval.clone();
            after.steps.push(step.clone());
            let notify = self.told_of_step(&case, &after);
            self.push(Fact::ApprovalAdvanced {
                head: case.head(),
                approval: approval.id.clone(),
                hash: hash.to_owned(),
                step,
                notify,
            });
            output["approved"] = json!(false);
            return Ok(output);
        }
        self.push(Fact::ApprovalGiven {
            head: case.head(),
            approval: approval.id.clone(),
            hash: hash.to_owned(),
            by: by.clone(),
            at,
            step: Some(step),
        });
        self.carry_out(&case, approval, Confirmation { by, at })?;
        output["approved"] = json!(true);
        Ok(output)
    }

    /// What has run out by now is void, and that is put on record.
    pub(super) fn expire_approvals(&mut self, number: &str) {
        let now = self.now();
        let Ok(case) = self.case(number) else { return };
        for approval in case.approvals.iter().filter(|a| a.is_pending() && a.expires_at.is_some_and(|end| end <= now)) {
            let notify = self.owed(Occasion::ApprovalExpired, case.level, &case.unit, None, Some(&case));
            let approval = approval.id.clone();
            self.push(Fact::ApprovalExpired { head: case.head(), approval, at: now, notify });
        }
    }

    /// `Decline`: the author withdraws it, or another person says no.
    pub(crate) fn decline(&mut self, number: &str, hash: &str, reason: &str) -> Output {
        let case = self.open(number)?;
        let by = self.person("decline what is asked for", "6b")?;
        let approval = named(&case, hash)?;
        let reason = said(reason, 1_000, "/reason", "the reason")?;
        if approval.approved.is_some() && !matches!(approval.proposal, Proposal::NoResponse { .. }) {
            return Err(DeskError::new("unchanged", "it is approved and done already")
                .at("/hash")
                .hint("correct what it changed, with a reason"));
        }
        let fact =
            Fact::ApprovalDeclined { head: case.head(), approval: approval.id.clone(), reason, by, at: self.now() };
        self.push(fact);
        self.watch_open(number)?;
        Ok(json!({ "case": number, "approval": approval.id, "act": act(&approval.proposal), "approved": false }))
    }

    /// Does what was approved.
    fn carry_out(&mut self, case: &Case, approval: &Approval, confirmed: Confirmation) -> Result<(), DeskError> {
        let (number, author) = (&case.number, &approval.author);
        // Evidence that came late undoes no breach: what is overdue is put on record first.
        self.breach_overdue(number)?;
        let at = confirmed.at;
        match &approval.proposal {
            Proposal::NoResponse { .. } => self.satisfy_all(number, SatisfiedBy::Answer, at),
            Proposal::Answer(input) => self.take_answer(input, author, confirmed),
            Proposal::Time(input) => self.take_time(input, author, confirmed),
            Proposal::Open { from, to, reason } => {
                if case.confidentiality != *from {
                    return Err(stale(format!("case {number} is {} by now", case.confidentiality.zh())));
                }
                self.take_confidentiality(number, *to, reason, author)
            }
            Proposal::Extension { clock, reason, .. } => {
                self.take_extension(number, clock, reason, author, &confirmed.by)
            }
            Proposal::Line(input) => self.take_line(input, approval, confirmed),
            Proposal::Response(of) => self.take_response(case, of, author, &confirmed),
            Proposal::Publication(input) => self.take_publication(input, author, confirmed),
            Proposal::Plan(input) => self.take_plan(input, approval, confirmed),
            Proposal::OccurredAt { from, to, reason } => {
                if case.times.occurred != *from {
                    return Err(stale(format!(
                        "case {number} is recorded to have happened at {} by now, not at {from}",
                        case.times.occurred
                    )));
                }
                self.take_occurrence(number, *to, reason, author, Some(confirmed))
            }
            Proposal::Report(report) => self.take_report(number, report, &approval.id),
            Proposal::Assessment(text) => self.take_judgement(number, text, author, Some(approval.id.clone())),
            Proposal::Decision { entries } => self.take_decision(number, entries, author, &approval.id),
            Proposal::LowerLevel { from, to, reason } => {
                if case.level != *from {
                    return Err(stale(format!("case {number} has level {} by now, not {from}", case.level)));
                }
                self.take_level(number, *to, reason, author)
            }
            Proposal::PauseClock(input) => self.take_pause(input, author, &confirmed),
        }
    }
}

/// How a proposal is called in JSON.
pub(crate) fn act(proposal: &Proposal) -> &'static str {
    match proposal {
        Proposal::NoResponse { .. } => "no-response",
        Proposal::Answer(_) => "answer",
        Proposal::Time(_) => "time",
        Proposal::Open { .. } => "open",
        Proposal::Extension { .. } => "extension",
        Proposal::Line(_) => "line",
        Proposal::Response(_) => "response",
        Proposal::Publication(_) => "publication",
        Proposal::Plan(_) => "plan",
        Proposal::OccurredAt { .. } => "occurred-at",
        Proposal::LowerLevel { .. } => "lower-level",
        Proposal::Report(report) => super::reporting::act_of(report.text.stage),
        Proposal::Assessment(_) => "assessment",
        Proposal::Decision { .. } => "decision",
        Proposal::PauseClock(_) => "pause-clock",
    }
}

/// What is told to who asked.
fn asked(approval: &Approval) -> Value {
    let mut answer = json!({ "approval": approval.id, "hash": approval.hash, "author": approval.author });
    if let Some(end) = approval.expires_at {
        answer["expires_at"] = json!(end);
    }
    answer
}

/// The matter is another than the one that was approved.
pub(super) fn stale(message: String) -> DeskError {
    DeskError::new("changed", message).at("/hash").clause("rule 9").hint("ask for it anew")
}

/// Who had a hand in a text beside its author: those who are named, the authors of what waits and is
/// replaced by it, and of whatever said exactly the same before.
fn co_authors(case: &Case, author: &str, others: &[String], proposal: &Proposal) -> Vec<String> {
    let before = case.approvals.iter().filter(|old| {
        old.proposal == *proposal
            || (old.voided.is_none() && old.approved.is_none() && proposal.replaces(&old.proposal))
    });
    let mut found: Vec<String> = Vec::new();
    for who in others.iter().map(String::as_str).chain(before.flat_map(Approval::authors)) {
        if who != author && !found.iter().any(|known| known == who) {
            found.push(who.to_owned());
        }
    }
    found
}

/// What waits under this hash.
fn named<'c>(case: &'c Case, hash: &str) -> Result<&'c Approval, DeskError> {
    let found = case.approvals.iter().rev().find(|approval| approval.hash == hash);
    if let Some(approval) = found.filter(|approval| approval.voided.is_none()) {
        return Ok(approval);
    }
    let waiting: Vec<String> = case
        .approvals
        .iter()
        .filter(|approval| approval.is_pending())
        .map(|approval| format!("{} ({})", approval.hash, act(&approval.proposal)))
        .collect();
    Err(if found.is_some() || !waiting.is_empty() {
        DeskError::new("changed", "nothing waits under this hash: the proposal has another text by now")
            .at("/hash")
            .clause("rule 9")
            .hint(format!("read it again, and approve what it says now; there wait: {}", waiting.join(", ")))
    } else {
        DeskError::new("not-found", format!("nothing of case {} waits for an approval", case.number)).at("/hash")
    })
}

/// An approval as people read it.
pub(crate) fn view(approval: &Approval) -> Value {
    let state = match (&approval.approved, &approval.voided) {
        (_, Some(_)) => "voided",
        (Some(_), None) => "approved",
        (None, None) => "pending",
    };
    json!({
        "id": approval.id,
        "act": act(&approval.proposal),
        "act_zh": approval.proposal.zh(),
        "state": state,
        "proposal": approval.proposal,
        "hash": approval.hash,
        "author": approval.author,
        "co_authors": approval.co_authors,
        "at": approval.at,
        "chain": approval.chain(),
        "steps": approval.steps,
        "expires_at": approval.expires_at,
        "approved": approval.approved,
        "voided": approval.voided,
    })
}
