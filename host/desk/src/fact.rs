//! Facts: what has been decided. The desk's state is what its facts add up to.
//!
//! A fact is stored for ever. It carries all that whoever applies it needs;
//! its `type` ends in a version, and a changed shape gets a new one. The JSON
//! of every type is pinned by the golden files in `tests/golden`.

use std::sync::Arc;

use huiyin_deadline::clock::ClockFact;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::actor::Actor;
use crate::calls::CallEntry;
use crate::case::{
    Acceptance, Answer, Approval, Because, Bypass, CameIn, CaseItem, Concern, Confidentiality, ConfidentialityChange,
    Confirmation, Contact, Delivery, Escalation, Evidence, Gate, Head, Judgement, Kind, Link, Merged, Milestone,
    Missed, NoResponse, Notification, OfflineEvent, Receipt, Report, ReportDraft, RiskEntry, Split, State, StepTaken,
    Task, TaskEntry,
};
use crate::case::{Declaration, Line, MajorEntry, ResponseDraft, ResponseEntry};
use crate::delegation::{Delegation, Revoked};
use crate::disclosure::{Disclosure, DisclosureStep, Matter};
use crate::item::{Digest, Item};
use crate::level::Level;
use crate::log::Log;
use crate::policy::{PolicyPack, ResponseValue, Rung, SatisfiedBy};
use crate::text::Name;
use crate::verdict::Assessment;
use crate::watch::WatchFact;

/// One decided fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Fact {
    /// A policy pack came into force.
    #[serde(rename = "huiyin.policy.adopted.v1")]
    PolicyAdopted {
        /// The pack, as it was read then.
        pack: Arc<PolicyPack>,
        /// When.
        at: Timestamp,
        /// Who deployed it; none where a start brought it in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// Why running clocks are counted by it too; none where they go on as they were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recompute: Option<String>,
    },
    /// An item was taken in.
    #[serde(rename = "huiyin.item.received.v1")]
    ItemReceived(Box<ItemReceived>),
    /// An item was set aside (rule 11).
    #[serde(rename = "huiyin.item.refused.v1")]
    ItemRefused {
        /// The unit that watches the source.
        unit: String,
        /// The source.
        source: String,
        /// The beginning of the item's id.
        id: String,
        /// What it is known by, so that it is refused once.
        identity: Digest,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Old items were dropped from memory. Nothing leaves the journal.
    #[serde(rename = "huiyin.items.forgotten.v1")]
    ItemsForgotten {
        /// Records of items with lower ids are dropped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        records_below: Option<Uuid>,
        /// Identities and texts last met before this are dropped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        known_before: Option<Timestamp>,
        /// When.
        at: Timestamp,
    },
    /// An item, or a case, was assessed.
    #[serde(rename = "huiyin.item.assessed.v1")]
    ItemAssessed {
        /// The unit.
        unit: String,
        /// The source of the item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        /// The item; none when the case as a whole was assessed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<Uuid>,
        /// The case it belongs to, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<String>,
        /// What was said.
        assessment: Assessment,
    },
    /// A case was opened.
    #[serde(rename = "huiyin.case.opened.v1")]
    CaseOpened(Box<CaseOpened>),
    /// An item joined a case.
    #[serde(rename = "huiyin.case.item-attached.v1")]
    ItemAttached {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The item, in short.
        item: CaseItem,
        /// What was said of it before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        assessments: Vec<Assessment>,
        /// Who attached it.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// A concern was added.
    #[serde(rename = "huiyin.case.concern-added.v1")]
    ConcernAdded {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// What is asked.
        concern: Concern,
        /// Who added it.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// The level changed; the head has the new one.
    #[serde(rename = "huiyin.case.level-changed.v1")]
    LevelChanged {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// Before.
        from: Level,
        /// What the new level asks for.
        response_value: ResponseValue,
        /// Why.
        reason: String,
        /// Who; a lower level always names a person (rule 7).
        by: Actor,
        /// When.
        at: Timestamp,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// The case came to another state.
    #[serde(rename = "huiyin.case.advanced.v1")]
    CaseAdvanced {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// Before.
        from: State,
        /// After.
        to: State,
        /// When.
        at: Timestamp,
    },
    /// The case has another lead unit; the head has the new one (clauses 1d, 1e).
    #[serde(rename = "huiyin.case.routed.v1")]
    CaseRouted {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The unit that had it.
        from: String,
        /// The region of the new unit (GB/T 2260).
        region: String,
        /// Why.
        reason: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// Calls came in on the hotline of a unit (clause 4b).
    #[serde(rename = "huiyin.calls.recorded.v1")]
    CallsRecorded {
        /// The unit.
        unit: String,
        /// Where the records come from.
        source: String,
        /// The calls.
        calls: Vec<CallEntry>,
        /// The days before this one are closed: their calls are no longer known one by one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closed_before: Option<Date>,
        /// When they were taken in.
        at: Timestamp,
    },
    /// Who may read a case has changed (clause 6a).
    #[serde(rename = "huiyin.case.confidentiality-changed.v1")]
    ConfidentialityChanged {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The change.
        change: ConfidentialityChange,
    },
    /// A case was tied to another (clause 1i).
    #[serde(rename = "huiyin.case.linked.v1")]
    CaseLinked {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// To which, and why.
        link: Link,
    },
    /// Another case was merged into this one: all who ask there are owed an answer here (clause 1i).
    #[serde(rename = "huiyin.case.merged.v1")]
    CasesMerged {
        /// The case that goes on.
        #[serde(flatten)]
        head: Head,
        /// What came along.
        merged: Box<Merged>,
    },
    /// The case was merged into another, and is closed by it.
    #[serde(rename = "huiyin.case.merged-away.v1")]
    CaseMergedAway {
        /// The case that is closed.
        #[serde(flatten)]
        head: Head,
        /// The case that goes on.
        into: String,
        /// Why.
        reason: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// A part of the case went to a case of its own.
    #[serde(rename = "huiyin.case.split.v1")]
    CaseSplit {
        /// The case that keeps the rest.
        #[serde(flatten)]
        head: Head,
        /// What went.
        split: Box<Split>,
    },
    /// A log, a special report or a digest was written (clauses 3.2e, 6a).
    #[serde(rename = "huiyin.log.recorded.v1")]
    LogRecorded {
        /// The unit.
        unit: String,
        /// What was written.
        log: Box<Log>,
    },
    /// A special report was issued.
    #[serde(rename = "huiyin.log.issued.v1")]
    LogIssued {
        /// The unit.
        unit: String,
        /// Its id.
        log: String,
        /// Its number.
        issue: u32,
        /// By whom, and when.
        issued: Confirmation,
    },
    /// The lead unit took the matter on (受理, clause 4c).
    #[serde(rename = "huiyin.case.accepted.v1")]
    CaseAccepted {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// By whom, and when.
        acceptance: Acceptance,
    },
    /// Work was handed to a unit (clause 3.4b).
    #[serde(rename = "huiyin.task.assigned.v1")]
    TaskAssigned {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The task.
        task: Task,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// A task took a step.
    #[serde(rename = "huiyin.task.moved.v1")]
    TaskMoved {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The task's id.
        task: String,
        /// The step.
        entry: TaskEntry,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// Somebody was spoken to (clause 1h).
    #[serde(rename = "huiyin.case.contact-recorded.v1")]
    ContactRecorded {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// With whom, and what was said.
        contact: Contact,
    },
    /// Something offline was tied to the case, or ended (clause 3.4a).
    #[serde(rename = "huiyin.case.offline-event-recorded.v1")]
    OfflineEventRecorded {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The event, as it stands now.
        event: OfflineEvent,
    },
    /// The time of occurrence was corrected (rule 5).
    #[serde(rename = "huiyin.case.occurrence-corrected.v1")]
    OccurrenceCorrected {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// Before.
        from: Timestamp,
        /// After.
        to: Timestamp,
        /// Why.
        reason: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
        /// The second person, where one was needed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirmed: Option<Confirmation>,
    },
    /// A time of the case became known.
    #[serde(rename = "huiyin.case.time-recorded.v1")]
    TimeRecorded {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// Which.
        milestone: Milestone,
        /// When it was.
        time: Timestamp,
        /// Who recorded it.
        by: Actor,
        /// When it was recorded.
        at: Timestamp,
        /// What was recorded before, where this is a correction.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Timestamp>,
        /// Why it was corrected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// How one can see it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
        /// The second person, where it is evidence that came after a due time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirmed: Option<Confirmation>,
    },
    /// A clock began to run.
    #[serde(rename = "huiyin.clock.started.v1")]
    ClockStarted {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// How people call the clock.
        name: Name,
        /// What stops it.
        satisfied_by: SatisfiedBy,
        /// The clause its rule rests on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clause: Option<String>,
        /// The clock of the same rule that was there before, where this one is for what was asked since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        follows: Option<String>,
        /// Whom it tells as its due time nears and passes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ladder: Vec<Rung>,
        /// How it runs.
        clock: ClockFact,
    },
    /// Something happened to a running clock.
    #[serde(rename = "huiyin.clock.moved.v1")]
    ClockMoved {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// How people call the clock.
        name: Name,
        /// What happened.
        clock: ClockFact,
        /// When the clock is due, after this.
        due_at: Timestamp,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// A rung of a clock's ladder was raised, repeated, or climbed.
    #[serde(rename = "huiyin.escalation.raised.v1")]
    EscalationRaised {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The step.
        escalation: Escalation,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// Somebody who was told said that it was heard.
    #[serde(rename = "huiyin.escalation.acknowledged.v1")]
    EscalationAcknowledged {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The clock.
        clock: String,
        /// The rungs, from 0.
        rungs: Vec<u32>,
        /// The person's id.
        by: String,
        /// What is done about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Something of a clock was due and had not happened by itself. It happens in the same decision.
    #[serde(rename = "huiyin.escalation.missed.v1")]
    EscalationMissed {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// What.
        missed: Missed,
    },
    /// A running clock has another ladder, by a newer pack.
    #[serde(rename = "huiyin.escalation.ladder-changed.v1")]
    LadderChanged {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The clock.
        clock: String,
        /// The ladder.
        ladder: Vec<Rung>,
        /// When.
        at: Timestamp,
    },
    /// The case follows another version of the pack from now on.
    #[serde(rename = "huiyin.case.pack-changed.v1")]
    CasePackChanged {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// Before, `name:version`.
        from: String,
        /// After.
        to: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// A report was drafted. It satisfies nothing.
    #[serde(rename = "huiyin.report.drafted.v1")]
    ReportDrafted {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The draft.
        draft: ReportDraft,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// A report was submitted.
    #[serde(rename = "huiyin.report.submitted.v1")]
    ReportSubmitted {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The report.
        report: Box<Report>,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// An addressee signed for a report.
    #[serde(rename = "huiyin.report.receipted.v1")]
    ReportReceipted {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The report, `r1`, `r2`, … within the case.
        report: String,
        /// Who signed, and when.
        receipt: Receipt,
    },
    /// A report went another way than by the unit's one channel.
    #[serde(rename = "huiyin.report.bypassed.v1")]
    ReportBypassed {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// From whom to whom, and how.
        bypass: Bypass,
    },
    /// Something was recorded that statements may rest on.
    #[serde(rename = "huiyin.evidence.recorded.v1")]
    EvidenceRecorded {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// What it is.
        evidence: Evidence,
    },
    /// A person's assessment came into force.
    #[serde(rename = "huiyin.case.judged.v1")]
    CaseJudged {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// What is said of it.
        judgement: Box<Judgement>,
    },
    /// A part of a decision's risk assessment was recorded; the gate is shut.
    #[serde(rename = "huiyin.risk.recorded.v1")]
    RiskRecorded {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The part.
        entry: RiskEntry,
    },
    /// The decision may be issued.
    #[serde(rename = "huiyin.risk.gate-opened.v1")]
    GateOpened {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// By which approval.
        gate: Gate,
    },
    /// An answer was delivered.
    #[serde(rename = "huiyin.answer.recorded.v1")]
    AnswerRecorded {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The answer.
        answer: Answer,
    },
    /// The line of a case was set (clause 2b).
    #[serde(rename = "huiyin.line.set.v1")]
    LineSet {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The line, approved.
        line: Line,
    },
    /// A response was drafted, or a draft was changed: what was said of the text before counts no more.
    #[serde(rename = "huiyin.response.drafted.v1")]
    ResponseDrafted {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The draft.
        draft: Box<ResponseDraft>,
    },
    /// A response took a step: checked, submitted, approved, co-signed, released, published on a channel.
    #[serde(rename = "huiyin.response.moved.v1")]
    ResponseMoved {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The response's id.
        response: String,
        /// The step.
        entry: Box<ResponseEntry>,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// A case was declared a major matter (clause 5c).
    #[serde(rename = "huiyin.major.declared.v1")]
    MajorDeclared {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// What starts with it.
        declared: Box<Declaration>,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// The procedure of a major matter took a step.
    #[serde(rename = "huiyin.major.moved.v1")]
    MajorMoved {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The step.
        entry: Box<MajorEntry>,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// A matter came on a unit's list of what it has to publish (clause 6d).
    #[serde(rename = "huiyin.disclosure.opened.v1")]
    DisclosureOpened {
        /// The entry.
        disclosure: Box<Disclosure>,
    },
    /// An entry of such a list took a step.
    #[serde(rename = "huiyin.disclosure.moved.v1")]
    DisclosureMoved {
        /// The unit.
        unit: String,
        /// The entry's id.
        disclosure: String,
        /// What is to be published.
        title: String,
        /// Which of the four kinds.
        kind: Matter,
        /// When it is due, before this step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Timestamp>,
        /// The step.
        step: Box<DisclosureStep>,
        /// When.
        at: Timestamp,
    },
    /// An act waits for a second person.
    #[serde(rename = "huiyin.approval.requested.v1")]
    ApprovalRequested {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The act.
        approval: Approval,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// The last step of an act's chain was taken. What it does follows in the same decision.
    #[serde(rename = "huiyin.approval.given.v1")]
    ApprovalGiven {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The act's id.
        approval: String,
        /// Its hash.
        hash: String,
        /// The approver's id.
        by: String,
        /// When.
        at: Timestamp,
        /// In whose place, where it is another's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepTaken>,
    },
    /// A step of an act's chain was taken, and another waits.
    #[serde(rename = "huiyin.approval.advanced.v1")]
    ApprovalAdvanced {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The act's id.
        approval: String,
        /// Its hash.
        hash: String,
        /// The step.
        step: StepTaken,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// An act waited longer than the pack allows, and is void.
    #[serde(rename = "huiyin.approval.expired.v1")]
    ApprovalExpired {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The act's id.
        approval: String,
        /// When.
        at: Timestamp,
        /// Who is told because of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notify: Vec<Notification>,
    },
    /// A person handed their approvals to another (clause 6b).
    #[serde(rename = "huiyin.delegation.granted.v1")]
    DelegationGranted {
        /// From whom to whom, and for how long.
        delegation: Delegation,
    },
    /// A delegation was ended before its time.
    #[serde(rename = "huiyin.delegation.revoked.v1")]
    DelegationRevoked {
        /// The unit that keeps it.
        unit: String,
        /// Its id.
        delegation: String,
        /// By whom, why and when.
        revoked: Revoked,
    },
    /// Its author withdrew an act, or a second person said no.
    #[serde(rename = "huiyin.approval.declined.v1")]
    ApprovalDeclined {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The act's id.
        approval: String,
        /// Why.
        reason: String,
        /// The person's id.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody proposed not to answer. Written by releases before [`Fact::ApprovalRequested`].
    #[serde(rename = "huiyin.no-response.proposed.v1")]
    NoResponseProposed {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The proposal.
        proposal: NoResponse,
    },
    /// Somebody else approved that. Written by releases before [`Fact::ApprovalGiven`].
    #[serde(rename = "huiyin.no-response.approved.v1")]
    NoResponseApproved {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// The hash of the proposal.
        hash: String,
        /// The approver's id.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// A notification was delivered, or was not.
    #[serde(rename = "huiyin.notification.settled.v1")]
    NotificationSettled {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// Which.
        notification: String,
        /// How it went.
        delivery: Delivery,
    },
    /// The case was closed.
    #[serde(rename = "huiyin.case.closed.v1")]
    CaseClosed {
        /// The case.
        #[serde(flatten)]
        head: Head,
        /// On what ground.
        ground: Ground,
        /// For people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// Something about watching; its own types (`watch/fact.rs`).
    #[serde(untagged)]
    Watch(Box<WatchFact>),
}

/// An item was taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemReceived {
    /// The desk's name for it.
    pub item_id: Uuid,
    /// The unit that watches the source.
    pub unit: String,
    /// The item, whole.
    pub item: Item,
    /// What it is known by.
    pub identity: Digest,
    /// What its text is known by.
    pub content: Digest,
    /// Rule 5.
    pub occurred_at: Timestamp,
    /// The first item with the same text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<Uuid>,
    /// The item of the same source that it corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<Uuid>,
    /// What the pinned floor says of it (rule 7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Assessment>,
    /// Why the floor says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_error: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A case was opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseOpened {
    /// The case.
    #[serde(flatten)]
    pub head: Head,
    /// What kind of matter.
    pub kind: Kind,
    /// The region code of the lead unit.
    pub region: String,
    /// Its nature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nature: Option<String>,
    /// What the level asks for.
    pub response_value: ResponseValue,
    /// Rule 5.
    pub occurred_at: Timestamp,
    /// When the unit came to know of it.
    pub discovered_at: Timestamp,
    /// The pack, `name:version`.
    pub pack: String,
    /// Why.
    pub because: Because,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// The item it was opened for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<CaseItem>,
    /// True where no lead unit was found yet: the unit keeps it until it is routed (clause 1e).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unrouted: bool,
    /// Who raised it, when no item did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<String>,
    /// What was said of it so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assessments: Vec<Assessment>,
    /// What is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<Concern>,
    /// An earlier case on the same text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<String>,
    /// How it came in, where somebody sent it to the unit itself (clauses 4b, 4c).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came_in: Option<CameIn>,
    /// Who may read it.
    #[serde(default, skip_serializing_if = "is_public")]
    pub confidentiality: Confidentiality,
    /// What came along from the case that it was split from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Box<Merged>>,
    /// Who is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Notification>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the shape that serde asks for
fn is_public(confidentiality: &Confidentiality) -> bool {
    *confidentiality == Confidentiality::Public
}

/// On what ground a case was closed (clause 1i).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// Every asker has an answer.
    Answered,
    /// An approved, reasoned no-response.
    NoResponse,
    /// The decision that the case is about may be issued (clause 3.2d); nobody asked.
    Decided,
}

impl Fact {
    /// The case it is about, if it is about one.
    pub fn head(&self) -> Option<&Head> {
        match self {
            Self::CaseOpened(opened) => Some(&opened.head),
            Self::ItemAttached { head, .. }
            | Self::ConcernAdded { head, .. }
            | Self::LevelChanged { head, .. }
            | Self::CaseAdvanced { head, .. }
            | Self::CaseRouted { head, .. }
            | Self::CaseAccepted { head, .. }
            | Self::ConfidentialityChanged { head, .. }
            | Self::CaseLinked { head, .. }
            | Self::CasesMerged { head, .. }
            | Self::CaseMergedAway { head, .. }
            | Self::CaseSplit { head, .. }
            | Self::TaskAssigned { head, .. }
            | Self::TaskMoved { head, .. }
            | Self::ContactRecorded { head, .. }
            | Self::OfflineEventRecorded { head, .. }
            | Self::OccurrenceCorrected { head, .. }
            | Self::TimeRecorded { head, .. }
            | Self::ClockStarted { head, .. }
            | Self::ClockMoved { head, .. }
            | Self::EscalationRaised { head, .. }
            | Self::EscalationAcknowledged { head, .. }
            | Self::EscalationMissed { head, .. }
            | Self::LadderChanged { head, .. }
            | Self::CasePackChanged { head, .. }
            | Self::ReportDrafted { head, .. }
            | Self::ReportSubmitted { head, .. }
            | Self::ReportReceipted { head, .. }
            | Self::ReportBypassed { head, .. }
            | Self::EvidenceRecorded { head, .. }
            | Self::CaseJudged { head, .. }
            | Self::RiskRecorded { head, .. }
            | Self::GateOpened { head, .. }
            | Self::LineSet { head, .. }
            | Self::ResponseDrafted { head, .. }
            | Self::ResponseMoved { head, .. }
            | Self::MajorDeclared { head, .. }
            | Self::MajorMoved { head, .. }
            | Self::ApprovalRequested { head, .. }
            | Self::ApprovalGiven { head, .. }
            | Self::ApprovalDeclined { head, .. }
            | Self::ApprovalAdvanced { head, .. }
            | Self::ApprovalExpired { head, .. }
            | Self::AnswerRecorded { head, .. }
            | Self::NoResponseProposed { head, .. }
            | Self::NoResponseApproved { head, .. }
            | Self::NotificationSettled { head, .. }
            | Self::CaseClosed { head, .. } => Some(head),
            Self::PolicyAdopted { .. }
            | Self::ItemReceived(_)
            | Self::ItemRefused { .. }
            | Self::ItemsForgotten { .. }
            | Self::DelegationGranted { .. }
            | Self::DelegationRevoked { .. }
            | Self::DisclosureOpened { .. }
            | Self::DisclosureMoved { .. }
            | Self::ItemAssessed { .. }
            | Self::LogRecorded { .. }
            | Self::LogIssued { .. }
            | Self::CallsRecorded { .. }
            | Self::Watch(_) => None,
        }
    }

    /// The number of the case it changes.
    pub fn case(&self) -> Option<&str> {
        match self {
            Self::ItemAssessed { case, .. } => case.as_deref(),
            Self::Watch(fact) => fact.case(),
            other => other.head().map(|head| head.case.as_str()),
        }
    }

    /// The unit it concerns.
    pub fn unit(&self) -> Option<&str> {
        match self {
            Self::ItemReceived(received) => Some(&received.unit),
            Self::ItemRefused { unit, .. }
            | Self::ItemAssessed { unit, .. }
            | Self::DelegationRevoked { unit, .. }
            | Self::DelegationGranted { delegation: Delegation { unit, .. } }
            | Self::DisclosureMoved { unit, .. }
            | Self::LogRecorded { unit, .. }
            | Self::LogIssued { unit, .. }
            | Self::CallsRecorded { unit, .. } => Some(unit),
            Self::Watch(fact) => Some(fact.unit()),
            Self::DisclosureOpened { disclosure } => Some(&disclosure.unit),
            other => other.head().map(|head| head.unit.as_str()),
        }
    }

    /// The data key under which its record belongs: the case's, else the
    /// source's, else the unit's, else the host's.
    pub fn data_key(&self) -> String {
        let source = match self {
            Self::ItemReceived(received) => Some(received.item.source.as_str()),
            Self::ItemRefused { source, .. } => Some(source.as_str()),
            Self::ItemAssessed { source, .. } => source.as_deref(),
            Self::Watch(fact) => fact.source(),
            _ => None,
        };
        match (self.case(), self.unit(), source) {
            (Some(case), ..) => format!("case:{case}"),
            (None, Some(unit), Some(source)) => format!("source:{unit}/{}", source_in_keys(source)),
            (None, Some(unit), None) => format!("unit:{unit}"),
            (None, None, _) => "host".to_owned(),
        }
    }

    /// The subject of its record: `case/…`, `source/…`, `unit/…` or `host`.
    pub fn subject(&self) -> String {
        self.data_key().replacen(':', "/", 1)
    }
}

/// A source's name as keys and subjects of records have it: they are printable ASCII, so what else stands in the name,
/// such as 省留言板, is percent-encoded, in UTF-8. Every other name is as it is.
pub fn source_in_keys(source: &str) -> std::borrow::Cow<'_, str> {
    const ENCODED: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'\\').add(b'~');
    percent_encoding::utf8_percent_encode(source, ENCODED).into()
}
