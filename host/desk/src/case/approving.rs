//! A second pair of eyes (rule 9, clause 6b): some acts count only once a
//! second person confirms exactly them.
//!
//! Such an act is kept as an [`Approval`], with all that it says. Its hash is
//! keyed and covers case, author and content, so whoever approves names what
//! they read: an edit, or a matter that has changed meanwhile, has another
//! hash or is refused. The author is never the approver, whatever roles they
//! hold. What was approved is decided anew at that moment, by the same rules
//! as if it were asked for then; if it is refused, so is the approval.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Case, Confirmation};
use crate::authority::{Act, permit};
use crate::command::{RecordAnswer, RecordTime};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::{Occasion, SatisfiedBy};

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
    /// The matter happened later than it is recorded (rule 5).
    OccurredAt {
        /// What is recorded.
        from: Timestamp,
        /// When it happened.
        to: Timestamp,
        /// Why.
        reason: String,
    },
}

impl Proposal {
    /// The name people read.
    pub fn zh(&self) -> &'static str {
        match self {
            Self::NoResponse { .. } => "不予回应",
            Self::Answer(_) => "补录回应",
            Self::Time(_) => "补录发布时间",
            Self::OccurredAt { .. } => "推迟事发时间",
        }
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
    /// When it was asked for.
    pub at: Timestamp,
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
    /// Who declined or withdrew it; none where another proposal took its place.
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

    /// Takes an approval in. A new decision not to answer takes the place of the one before.
    pub(super) fn add_approval(&mut self, approval: &Approval) {
        if matches!(approval.proposal, Proposal::NoResponse { .. }) {
            for old in &mut self.approvals {
                if matches!(old.proposal, Proposal::NoResponse { .. }) && old.voided.is_none() {
                    old.voided =
                        Some(Voided { reason: "another text took its place".to_owned(), by: None, at: approval.at });
                }
            }
        }
        if self.approvals.len() >= MAX_APPROVALS {
            let over = self.approvals.iter().position(|a| !a.is_pending() && a.voided.is_some());
            let over = over.or_else(|| self.approvals.iter().position(|a| !a.is_pending()));
            self.approvals.remove(over.unwrap_or(0));
        }
        self.approvals.push(approval.clone());
    }

    /// Somebody new asks, or something new is asked: the decision not to answer
    /// did not have this before it, and has to be approved again (rule 8).
    pub(super) fn void_no_response(&mut self) {
        for approval in &mut self.approvals {
            if matches!(approval.proposal, Proposal::NoResponse { .. }) {
                approval.approved = None;
            }
        }
    }
}

impl Work<'_> {
    /// Keeps an act for a second person. Asked again for the same, it gives the same.
    pub(super) fn propose(&mut self, case: &Case, author: String, proposal: Proposal) -> Result<Value, DeskError> {
        let content = serde_json::to_vec(&proposal)
            .map_err(|error| DeskError::new("invalid-input", format!("this cannot be kept: {error}")))?;
        let hash = self.hash(&[b"approval", case.number.as_bytes(), author.as_bytes(), &content]);
        let same = case.approvals.iter().rev().find(|a| a.hash == hash && a.is_pending());
        let id = if let Some(same) = same {
            same.id.clone()
        } else {
            if case.approvals.iter().filter(|a| a.is_pending()).count() >= MAX_PENDING {
                return Err(DeskError::new(
                    "too-many",
                    format!("{MAX_PENDING} approvals of case {} wait already", case.number),
                )
                .at("/case")
                .hint("approve or decline them first"));
            }
            let next = case.approvals.iter().filter_map(|a| a.id.strip_prefix('a')?.parse::<u64>().ok()).max();
            let id = format!("a{}", next.unwrap_or(0) + 1);
            let at = self.now();
            let approval = Approval {
                id: id.clone(),
                proposal,
                hash: hash.clone(),
                author: author.clone(),
                at,
                approved: None,
                voided: None,
            };
            let notify = self.owed(Occasion::ApprovalRequested, case.level, &case.unit, None, Some(case));
            self.push(Fact::ApprovalRequested { head: case.head(), approval, notify });
            id
        };
        Ok(json!({ "approval": id, "hash": hash, "author": author }))
    }

    /// `Approve`: another person confirms exactly this.
    pub(crate) fn approve(&mut self, number: &str, hash: &str) -> Output {
        let case = self.open(number)?;
        let by = self.person("approve what another person asks for", "6b")?;
        let approval = named(&case, hash)?;
        // By whichever command it is asked for, it is the same act.
        let kind = match approval.proposal {
            Proposal::NoResponse { .. } => Act::ApproveNoResponse,
            _ => Act::Approve,
        };
        permit(Some(&*self.policy()?), self.actor(), kind, Some(&case.unit))?;
        if approval.author == by {
            return Err(DeskError::new("own-text", format!("`{by}` wrote this, so somebody else has to approve it"))
                .clause("rule 9"));
        }
        if approval.approved.is_some() {
            return Err(DeskError::new("unchanged", "it is approved already").at("/hash"));
        }
        let at = self.now();
        self.push(Fact::ApprovalGiven {
            head: case.head(),
            approval: approval.id.clone(),
            hash: hash.to_owned(),
            by: by.clone(),
            at,
        });
        self.carry_out(&case, approval, Confirmation { by, at })?;
        Ok(json!({ "case": number, "approval": approval.id, "act": act(&approval.proposal), "approved": true }))
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
            Proposal::OccurredAt { from, to, reason } => {
                if case.times.occurred != *from {
                    return Err(DeskError::new(
                        "changed",
                        format!(
                            "case {number} is recorded to have happened at {} by now, not at {from}",
                            case.times.occurred
                        ),
                    )
                    .at("/hash")
                    .clause("rule 9")
                    .hint("ask for the correction anew"));
                }
                self.take_occurrence(number, *to, reason, author, Some(confirmed))
            }
        }
    }
}

/// How a proposal is called in JSON.
pub(crate) fn act(proposal: &Proposal) -> &'static str {
    match proposal {
        Proposal::NoResponse { .. } => "no-response",
        Proposal::Answer(_) => "answer",
        Proposal::Time(_) => "time",
        Proposal::OccurredAt { .. } => "occurred-at",
    }
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
        "at": approval.at,
        "approved": approval.approved,
        "voided": approval.voided,
    })
}
