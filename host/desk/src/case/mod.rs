//! Cases (办件): matters under the clock.
//!
//! A case is what its facts add up to; `apply.rs` takes them in and decides
//! nothing. What may happen to a case is decided in one file a subject:
//! opening, routing, assessing, tasks, reporting, answering, closing, correcting,
//! notifying, what happens offline, and its clocks.

mod answering;
mod apply;
mod approving;
mod assessing;
mod chain;
mod clocks;
mod closing;
mod commanding;
mod confidentiality;
mod correcting;
mod delegating;
mod departure;
mod escalating;
mod evidence;
mod intake;
mod judging;
mod kind;
mod line;
mod major;
mod merging;
mod notifying;
mod offline;
mod opening;
mod pausing;
mod publishing;
mod receipting;
mod recomputing;
mod report;
mod reporting;
mod responding;
mod response;
mod risk;
mod routing;
mod saying;
mod task;
mod tasking;
mod version;

use huiyin_deadline::clock::Clock;
use huiyin_deadline::clock::ladder::Raised;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use approving::{APPROVAL_ACTS, Approval, MAX_APPROVALS, MAX_PENDING, Proposal, Voided};
pub(crate) use approving::{act as approval_act, view as approval_view};
pub use chain::StepTaken;
pub(crate) use chain::waits_for;
pub use confidentiality::{Confidentiality, ConfidentialityChange};
pub use departure::{Departure, DepartureKind};
pub use escalating::{Escalation, Missed};
pub(crate) use escalating::{event as escalation_event, view as escalation_view};
pub use evidence::{Evidence, EvidenceKind, MAX_EVIDENCE};
pub use intake::{Acceptance, CameIn, Phone};
pub(crate) use intake::{check as check_intake, receipt};
pub use judging::{Judgement, JudgementText, MAX_JUDGEMENTS, Worth};
pub use kind::Kind;
pub(crate) use line::view as line_view;
pub use line::{Figure, Line, MAX_LINES};
pub(crate) use major::view as major_view;
pub use major::{Commander, Declaration, Ended, Major, MajorEntry, MajorStep, Notice, Plan, Released};
pub use merging::{Link, Merged, Split};
pub(crate) use notifying::view as notification_view;
pub use notifying::{Delivery, DeliveryOutcome, Notification};
pub use offline::{Contact, MAX_OFFLINE, OfflineEvent};
pub(crate) use pausing::pauses_view;
pub(crate) use report::view as report_view;
pub use report::{
    Addressee, Bypass, DocumentRef, Late, Receipt, Report, ReportDraft, ReportNumber, ReportProposal, ReportText,
    Stage, Stated,
};
pub use responding::ResponseProposal;
pub use response::{
    Approved, Content, Corrects, Cosign, Form, MAX_RESPONSES, OwedChannel, Proof, Release, Response, ResponseDraft,
    ResponseEntry, ResponseStep, SecrecyCheck,
};
pub(crate) use risk::view as risk_view;
pub use risk::{Gate, Risk, RiskEntry, RiskLevel, RiskPart};
pub use saying::response_list;
pub(crate) use saying::{case_latency, view as response_view};
pub use task::{Feedback, MAX_RETURNS, MAX_TASKS, Part, PartState, Task, TaskEntry, TaskKind, TaskStep};
pub(crate) use tasking::view as task_view;

use crate::actor::Actor;
use crate::label::Labels;
use crate::level::Level;
use crate::policy::{ResponseValue, Rung, SatisfiedBy};
use crate::text::Name;
use crate::verdict::Assessment;

/// The most items a case lists; more are counted.
pub const MAX_CASE_ITEMS: usize = 1_000;
/// The most assessments a case keeps; older ones stay in the journal.
pub const MAX_CASE_ASSESSMENTS: usize = 100;
/// The most askers a case lists; the rest are one more, [`OTHERS`], whom only a public answer reaches.
pub const MAX_ASKERS: usize = 1_000;
/// The asker that stands for all beyond [`MAX_ASKERS`].
pub const OTHERS: &str = "others";
/// The most drafts of reports that a case lists.
pub const MAX_DRAFTS: usize = 20;
/// The most that a case keeps of what did not happen by itself.
pub const MAX_MISSED: usize = 20;
/// The most concerns of a case.
pub const MAX_CONCERNS: usize = 50;

/// How far a case has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// 已立案: waits for the unit's own assessment.
    Opened,
    /// 已研判.
    Assessed,
    /// 已报送.
    Reported,
    /// 已回应: every asker has an answer.
    Answered,
    /// 已办结.
    Closed,
}

impl State {
    /// Whether a case may go from one state to the next. Only a case whose
    /// askers are all answered, or whose no-response is approved, is closed;
    /// the latter may come from any state. A new asker takes an answered case back.
    pub fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Closed, _) => false,
            (_, Self::Closed) => true,
            (Self::Answered, back) => back < Self::Answered,
            (now, next) => next > now,
        }
    }

    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Opened => "已立案",
            Self::Assessed => "已研判",
            Self::Reported => "已报送",
            Self::Answered => "已回应",
            Self::Closed => "已办结",
        }
    }
}

/// The times a case carries (clause 1a).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// 事发; rule 5.
    pub occurred: Timestamp,
    /// 发现.
    pub discovered: Timestamp,
    /// 立案.
    pub opened: Timestamp,
    /// 研判.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessed: Option<Timestamp>,
    /// 上报.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Timestamp>,
    /// 核实.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Timestamp>,
    /// 处置.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled: Option<Timestamp>,
    /// 发布.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// 回应: when the last asker and the last concern were answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Timestamp>,
    /// 办结.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
}

/// A time that people or runs record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Milestone {
    /// 核实.
    Verified,
    /// 处置.
    Handled,
    /// 发布.
    Published,
}

/// A time that was recorded, by whom and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Which.
    pub milestone: Milestone,
    /// When it was.
    pub time: Timestamp,
    /// Who recorded it.
    pub by: Actor,
    /// When it was recorded.
    pub at: Timestamp,
}

/// The second person of an act (rule 9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The person's id.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Times {
    /// The time of a milestone, if it is recorded.
    pub fn of(&self, milestone: Milestone) -> Option<Timestamp> {
        match milestone {
            Milestone::Verified => self.verified,
            Milestone::Handled => self.handled,
            Milestone::Published => self.published,
        }
    }
}

/// An item of a case, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseItem {
    /// The desk's name for the item.
    pub item: Uuid,
    /// The source.
    pub source: String,
    /// Its beginning.
    pub title: String,
    /// The beginning of its text; the whole is in the record of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Rule 5.
    pub occurred_at: Timestamp,
    /// Who raised it: an asker of the case.
    pub asker: String,
    /// The level it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// Somebody who raised the matter and is owed an answer (clause 1i).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// The name within the case: the author's hash, or the source and place of the item.
    pub id: String,
    /// Since when they wait, where they asked after the case was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
    /// When they asked last, where they asked again while they waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Timestamp>,
    /// When the answer reached them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Timestamp>,
}

/// A concern (诉求点, clause 1c).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// `c1`, `c2`, … within the case.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// True once it was answered, or it was said why not.
    #[serde(default)]
    pub settled: bool,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// When it was added, where that was after the case was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<Timestamp>,
}

/// A clock of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseClock {
    /// How people call it.
    pub name: Name,
    /// What stops it.
    pub satisfied_by: SatisfiedBy,
    /// The clause its rule rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// The clock of the same rule that was satisfied or breached before this one was started, for what was asked since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// Whom it tells as its due time nears and passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<Rung>,
    /// The rungs that were raised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raised: Vec<Raised>,
    /// The clock itself.
    pub clock: Clock,
}

/// A change of level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelChange {
    /// Before.
    pub from: Level,
    /// After.
    pub to: Level,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// A correction of a time of the case (rule 5, clause 1a).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Which time; none for the time of occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone: Option<Milestone>,
    /// Before.
    pub from: Timestamp,
    /// After.
    pub to: Timestamp,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// The second person, where one was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmation>,
}

/// What is said of one concern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcernAnswer {
    /// The concern's id.
    pub concern: String,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why it is not answered. One of the two is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<String>,
}

/// An answer that was delivered (回应).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The askers it reached.
    pub askers: Vec<String>,
    /// True when it went to everybody, in public.
    pub public: bool,
    /// What was said.
    pub text: String,
    /// By which channel.
    pub channel: String,
    /// Proof that it was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// What it says of each concern.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<ConcernAnswer>,
    /// When it was delivered.
    pub delivered_at: Timestamp,
    /// Who recorded it.
    pub by: Actor,
    /// When it was recorded.
    pub at: Timestamp,
    /// The second person, where it is evidence that came after a due time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmation>,
}

/// A reasoned decision not to answer (不予回应, clause 1i), as journals before
/// [`Approval`] have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoResponse {
    /// Why there is no answer.
    pub reason: String,
    /// What an approval must name: a keyed hash of case and reason.
    pub hash: String,
    /// The author's id.
    pub author: String,
    /// When it was proposed.
    pub at: Timestamp,
    /// Who approved it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<(String, Timestamp)>,
}

/// Who opened a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// The pinned floor (rule 7): the desk itself.
    Floor,
    /// A workflow or a person asked for it.
    Request,
    /// Somebody sent it to the unit itself: a message, a call (clauses 4b, 4c).
    Intake,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its number; see [`crate::number`].
    pub number: String,
    /// What kind of matter.
    pub kind: Kind,
    /// The lead unit (clause 2a).
    pub unit: String,
    /// The region code of the lead unit (GB/T 2260).
    pub region: String,
    /// What it is about, in short.
    pub title: String,
    /// Its nature (性质).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nature: Option<String>,
    /// How grave it is.
    pub level: Level,
    /// What the level asks for.
    pub response_value: ResponseValue,
    /// How far it has come.
    pub state: State,
    /// Clause 1a.
    pub times: Times,
    /// Why it was opened.
    pub because: Because,
    /// Who opened it.
    pub opened_by: Actor,
    /// The pack it was opened under, `name:version`.
    pub pack: String,
    /// An earlier case on the same text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<String>,
    /// How it came in, where somebody sent it to the unit itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came_in: Option<CameIn>,
    /// Who took it on (受理).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
    /// Who may read it.
    #[serde(default)]
    pub confidentiality: Confidentiality,
    /// Every change of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confidentiality_changes: Vec<ConfidentialityChange>,
    /// Cases that it is tied to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// The case that its askers and concerns went to, where it was merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// Its items; at most [`MAX_CASE_ITEMS`].
    pub items: Vec<CaseItem>,
    /// Items beyond those listed.
    #[serde(default)]
    pub more_items: u64,
    /// Who is owed an answer.
    pub askers: Vec<Asker>,
    /// What is asked.
    pub concerns: Vec<Concern>,
    /// What was said of it, oldest first.
    pub assessments: Vec<Assessment>,
    /// Every change of level.
    pub level_changes: Vec<LevelChange>,
    /// Items that a person had before them when they last set the level:
    /// machines do not raise it again for these.
    #[serde(default)]
    pub settled_items: Vec<Uuid>,
    /// Every correction of the time of occurrence.
    pub corrections: Vec<Correction>,
    /// Every time that was recorded, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recorded: Vec<Recorded>,
    /// Its clocks.
    pub clocks: Vec<CaseClock>,
    /// False while it waits for a unit to be found (clause 1e).
    #[serde(default = "routed")]
    pub routed: bool,
    /// Work handed to units (转办).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// People who were spoken to (clause 1h).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<Contact>,
    /// What happens offline (clause 3.4a).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offline: Vec<OfflineEvent>,
    /// What was due and did not happen by itself, the last [`MAX_MISSED`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<Missed>,
    /// Who has to be told, and whether they were.
    pub notifications: Vec<Notification>,
    /// Drafts of reports, in order; the last [`MAX_DRAFTS`].
    #[serde(default)]
    pub drafts: Vec<ReportDraft>,
    /// Reports, in order: `r1`, `r2`, ….
    pub reports: Vec<Report>,
    /// Reports that went another way (clause 3.3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bypasses: Vec<Bypass>,
    /// What statements rest on, beside items, tasks and events (clause 1b).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What persons said of it in words (clause 3.2g); the last [`MAX_JUDGEMENTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judgements: Vec<Judgement>,
    /// Of a case about a decision: its risk (clause 3.2d).
    #[serde(default, skip_serializing_if = "Risk::is_empty")]
    pub risk: Risk,
    /// Answers, in order.
    pub answers: Vec<Answer>,
    /// Every version of the line (口径); the last one holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// Responses, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<Response>,
    /// Procedures of a major matter; the last one may be open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub majors: Vec<Major>,
    /// What a second person confirmed, or has to; at most [`MAX_APPROVALS`].
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// What was said of its labels (clause 3.1c).
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// When what clocks wait for became known.
    #[serde(default)]
    pub(crate) known: Known,
}

/// When the desk came to know of something that was done earlier. A clock that
/// is started later does not believe more than one that ran at the time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Known {
    /// Of the publication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<Timestamp>,
    /// Of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answered: Option<Timestamp>,
}

/// Cases of before routing have their unit.
fn routed() -> bool {
    true
}

impl Case {
    /// True until it is closed.
    pub fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// What facts and events say of the case.
    pub fn head(&self) -> Head {
        Head { case: self.number.clone(), unit: self.unit.clone(), level: self.level, title: self.title.clone() }
    }

    /// Every asker has an answer.
    pub fn everyone_answered(&self) -> bool {
        self.askers.iter().all(|asker| asker.answered.is_some())
    }

    /// Every concern is answered, or it was said why not.
    pub fn every_concern_settled(&self) -> bool {
        self.concerns.iter().all(|concern| concern.settled)
    }

    /// Every asker and every concern has its answer.
    pub fn is_answered(&self) -> bool {
        !self.answers.is_empty() && self.everyone_answered() && self.every_concern_settled()
    }

    /// The state that its facts make, closing aside.
    pub(crate) fn state_by_facts(&self) -> State {
        if self.state == State::Closed {
            State::Closed
        } else if self.is_answered() {
            State::Answered
        } else if !self.reports.is_empty() {
            State::Reported
        } else if self.times.assessed.is_some() {
            State::Assessed
        } else {
            State::Opened
        }
    }
}

/// A case in the few words that every fact and event about it carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its number.
    pub case: String,
    /// The lead unit.
    pub unit: String,
    /// Its level now.
    pub level: Level,
    /// What it is about.
    pub title: String,
}
