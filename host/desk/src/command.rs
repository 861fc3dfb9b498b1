//! What may be asked of the desk.
//!
//! The inputs that workflows can give are strict and have JSON Schemas; they
//! are the core functions' `with`. The doc comments of their fields become
//! the schemas' descriptions.

mod approvals;
mod assessing;
mod calls;
mod clocks;
mod disclosure;
mod intake;
mod major;
mod merging;
mod persons;
mod reading;
mod reports;
mod responses;
mod subject;
mod tasks;
mod watch;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use approvals::{Delegate, RevokeDelegation};
pub use assessing::{AssessCase, OpenGate, RecordRisk};
pub use calls::{Call, ImportCalls, RecordCallback};
pub use clocks::{AcknowledgeEscalation, PauseClock, ResumeClock};
pub use disclosure::{CheckDisclosure, OpenDisclosure, PublishDisclosure};
pub use intake::{AcceptCase, ExtendClock, Intake};
pub use major::{AcknowledgeNotice, AppointCommander, DeclareMajor, EndMajor, ReleasePublishing, SetPlan};
pub use merging::{LinkCases, MergeCases, SetConfidentiality, SplitCase};
pub use persons::{CommandForm, command_forms};
pub use reading::{IssueLog, ReadDesk, RecordLog};
pub use reports::{DraftReport, Grounded, RecordBypass, RecordEvidence, RecordReceipt, Statement, SubmitReport};
pub use responses::{
    CheckResponse, CorrectResponse, CosignResponse, DraftResponse, PublishResponse, RecordPublication, SetLine,
    SubmitResponse,
};
pub use subject::Subject;
pub use tasks::{
    AcceptTask, AssignTask, FeedBackTask, RecordContact, RecordOfflineEvent, ReturnTask, RouteCase, TransferTask,
    WithdrawTask,
};
pub use watch::{
    AcknowledgeWarning, BeginWatch, CheckIn, FeedBackWarning, FinishPatrol, ReadShared, ReadSource, RevokeShare,
    SetLabel, SetRoster, ShareMatter, SwapDuty, WatchCommand,
};

use self::persons::{AddConcern, Approve, CorrectOccurredAt, Decline, ProposeNoResponse, SetLevel, names_of_persons};
use crate::case::{ConcernAnswer, DeliveryOutcome, Kind, Milestone};
use crate::core_functions::{core_command, read};
use crate::error::DeskError;
use crate::item::ReceivedItem;
use crate::level::Level;
use crate::policy::PolicyPack;
use crate::text::clip;
use crate::verdict::Verdict;

/// A command. In JSON, `command` names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// A pack comes into force. Only the engine asks for it, on an admin's word.
    AdoptPolicy {
        /// The pack.
        pack: Box<PolicyPack>,
    },
    /// Running clocks are counted anew, by the pack in force. Only the engine asks for it, on an admin's word.
    RecomputeClocks {
        /// Why.
        reason: String,
    },
    /// A page of items came in.
    Receive(Receive),
    /// Core function.
    RecordAssessment(RecordAssessment),
    /// Core function.
    OpenCase(OpenCase),
    /// Core function.
    AttachItem(AttachItem),
    /// Core function.
    StartClock(StartClock),
    /// Core function.
    SatisfyClock(SatisfyClock),
    /// Core function.
    PauseClock(PauseClock),
    /// Core function.
    ResumeClock(ResumeClock),
    /// Core function.
    AcknowledgeEscalation(AcknowledgeEscalation),
    /// Core function.
    DraftReport(DraftReport),
    /// Core function.
    SubmitReport(SubmitReport),
    /// Core function.
    RecordAnswer(RecordAnswer),
    /// Core function.
    RecordTime(RecordTime),
    /// Core function.
    RecordDelivery(RecordDelivery),
    /// Core function.
    CloseCase(CloseCase),
    /// Core function.
    AssignTask(AssignTask),
    /// Core function.
    AcceptTask(AcceptTask),
    /// Core function.
    TransferTask(TransferTask),
    /// Core function.
    ReturnTask(ReturnTask),
    /// Core function.
    FeedBackTask(FeedBackTask),
    /// Core function.
    WithdrawTask(WithdrawTask),
    /// Core function.
    RouteCase(RouteCase),
    /// Core function.
    RecordContact(RecordContact),
    /// Core function.
    RecordOfflineEvent(RecordOfflineEvent),
    /// Core function.
    RecordEvidence(RecordEvidence),
    /// Core function.
    RecordReceipt(RecordReceipt),
    /// Core function.
    RecordBypass(RecordBypass),
    /// Core function.
    AssessCase(AssessCase),
    /// Core function.
    RecordRisk(RecordRisk),
    /// Core function.
    OpenGate(OpenGate),
    /// Core function.
    Delegate(Delegate),
    /// Core function.
    RevokeDelegation(RevokeDelegation),
    /// Core function.
    ReadDesk(ReadDesk),
    /// Core function.
    RecordLog(RecordLog),
    /// Core function.
    IssueLog(IssueLog),
    /// Core function.
    SetConfidentiality(SetConfidentiality),
    /// Core function.
    MergeCases(MergeCases),
    /// Core function.
    SplitCase(SplitCase),
    /// Core function.
    LinkCases(LinkCases),
    /// A page of call records came in.
    ImportCalls(ImportCalls),
    /// Core function.
    RecordCallback(RecordCallback),
    /// Core function.
    AcceptCase(AcceptCase),
    /// Core function.
    ExtendClock(ExtendClock),
    /// Core function.
    SetLine(SetLine),
    /// Core function.
    DraftResponse(DraftResponse),
    /// Core function.
    CheckResponse(CheckResponse),
    /// Core function.
    SubmitResponse(SubmitResponse),
    /// Core function.
    CosignResponse(CosignResponse),
    /// Core function.
    PublishResponse(PublishResponse),
    /// Core function.
    RecordPublication(RecordPublication),
    /// Core function.
    CorrectResponse(CorrectResponse),
    /// Core function.
    DeclareMajor(DeclareMajor),
    /// Core function.
    AcknowledgeNotice(AcknowledgeNotice),
    /// Core function.
    AppointCommander(AppointCommander),
    /// Core function.
    SetPlan(SetPlan),
    /// Core function.
    ReleasePublishing(ReleasePublishing),
    /// Core function.
    EndMajor(EndMajor),
    /// Core function.
    OpenDisclosure(OpenDisclosure),
    /// Core function.
    PublishDisclosure(PublishDisclosure),
    /// Core function.
    CheckDisclosure(CheckDisclosure),
    /// A person adds what is asked (clause 1c).
    AddConcern {
        /// The case.
        case: String,
        /// What is asked.
        text: String,
    },
    /// A person sets the level, up or down, with a reason (rule 7).
    SetLevel {
        /// The case.
        case: String,
        /// The new level.
        level: Level,
        /// Why.
        reason: String,
    },
    /// A person corrects when it happened, with a reason (rule 5); to a later
    /// time only a person of a unit above, or two persons.
    CorrectOccurredAt {
        /// The case.
        case: String,
        /// When it happened.
        occurred_at: Timestamp,
        /// Why.
        reason: String,
    },
    /// A person proposes not to answer (clause 1i).
    ProposeNoResponse {
        /// The case.
        case: String,
        /// Why.
        reason: String,
    },
    /// Another person approves exactly that (rule 9). The same as [`Command::Approve`].
    ApproveNoResponse {
        /// The case.
        case: String,
        /// The hash of what is approved.
        hash: String,
    },
    /// A second person confirms exactly what waits under a hash (rule 9).
    Approve {
        /// The case.
        case: String,
        /// The hash of what is approved.
        hash: String,
    },
    /// The author withdraws what waits under a hash, or a second person says no.
    Decline {
        /// The case.
        case: String,
        /// The hash of what is declined.
        hash: String,
        /// Why.
        reason: String,
    },
    /// About watching; by names of its own.
    #[serde(untagged)]
    Watch(Box<WatchCommand>),
}

impl Command {
    /// Reads a command as a person gives it, `{"command": "set-level", "case": …}`: strictly, so
    /// that no key is overlooked.
    ///
    /// # Errors
    /// What is wrong, with its JSON pointer. `receive` and `adopt-policy` are no commands of persons.
    pub fn read(given: &Value) -> Result<Command, DeskError> {
        let wrong = |message: &str| DeskError::new("invalid-input", message);
        let Value::Object(given) = given else { return Err(wrong("a command is an object").at("/")) };
        let mut rest = given.clone();
        let name = match rest.shift_remove("command") {
            Some(Value::String(name)) => name,
            Some(_) => return Err(wrong("the name of a command is a text").at("/command")),
            None => return Err(wrong("`command` is missing: it names the command").at("/")),
        };
        let rest = Value::Object(rest);
        Ok(match name.as_str() {
            "add-concern" => {
                let AddConcern { case, text } = read(&rest)?;
                Command::AddConcern { case, text }
            }
            "set-level" => {
                let SetLevel { case, level, reason } = read(&rest)?;
                Command::SetLevel { case, level, reason }
            }
            "correct-occurred-at" => {
                let CorrectOccurredAt { case, occurred_at, reason } = read(&rest)?;
                Command::CorrectOccurredAt { case, occurred_at, reason }
            }
            "propose-no-response" => {
                let ProposeNoResponse { case, reason } = read(&rest)?;
                Command::ProposeNoResponse { case, reason }
            }
            "approve-no-response" => {
                let Approve { case, hash } = read(&rest)?;
                Command::ApproveNoResponse { case, hash }
            }
            "approve" => {
                let Approve { case, hash } = read(&rest)?;
                Command::Approve { case, hash }
            }
            "decline" => {
                let Decline { case, hash, reason } = read(&rest)?;
                Command::Decline { case, hash, reason }
            }
            "receive" => {
                return Err(wrong("items are not taken in by a command; send them to the unit's items").at("/command"));
            }
            "import-calls" => {
                return Err(wrong("calls are not taken in by a command; send them to the unit's calls").at("/command"));
            }
            "begin-watch" => {
                return Err(wrong("the host itself says what it reads").at("/command"));
            }
            "adopt-policy" => {
                return Err(wrong("a policy pack comes into force by deployment, not by a command").at("/command"));
            }
            other => core_command(other, &rest).map_err(|error| match &error.pointer {
                None => {
                    let hint = format!("{}, {}", error.hint, names_of_persons().join(", "));
                    wrong(&format!("`{}` is no command", clip(other, 100))).at("/command").hint(hint)
                }
                Some(_) => error,
            })?,
        })
    }

    /// The number of the case that it is about, if it names one.
    pub fn case(&self) -> Option<&str> {
        match self {
            Command::AdoptPolicy { .. }
            | Command::RecomputeClocks { .. }
            | Command::Receive(_)
            | Command::OpenCase(_)
            | Command::Delegate(_)
            | Command::RevokeDelegation(_)
            | Command::ReadDesk(_)
            | Command::RecordLog(_)
            | Command::IssueLog(_)
            | Command::OpenDisclosure(_)
            | Command::PublishDisclosure(_)
            | Command::CheckDisclosure(_)
            | Command::ImportCalls(_) => None,
            Command::RecordAssessment(input) => input.case.as_deref(),
            Command::AttachItem(input) => Some(&input.case),
            Command::StartClock(input) => Some(&input.case),
            Command::SatisfyClock(input) => Some(&input.case),
            Command::PauseClock(input) => Some(&input.case),
            Command::ResumeClock(input) => Some(&input.case),
            Command::AcknowledgeEscalation(input) => Some(&input.case),
            Command::DraftReport(input) => Some(&input.case),
            Command::SubmitReport(input) => Some(&input.case),
            Command::RecordEvidence(input) => Some(&input.case),
            Command::RecordReceipt(input) => Some(&input.case),
            Command::RecordBypass(input) => Some(&input.case),
            Command::AssessCase(input) => Some(&input.case),
            Command::RecordRisk(input) => Some(&input.case),
            Command::OpenGate(input) => Some(&input.case),
            Command::RecordAnswer(input) => Some(&input.case),
            Command::RecordTime(input) => Some(&input.case),
            Command::RecordDelivery(input) => Some(&input.case),
            Command::CloseCase(input) => Some(&input.case),
            Command::AssignTask(input) => Some(&input.case),
            Command::AcceptTask(input) => Some(&input.case),
            Command::TransferTask(input) => Some(&input.case),
            Command::ReturnTask(input) => Some(&input.case),
            Command::FeedBackTask(input) => Some(&input.case),
            Command::WithdrawTask(input) => Some(&input.case),
            Command::RouteCase(input) => Some(&input.case),
            Command::RecordContact(input) => Some(&input.case),
            Command::RecordOfflineEvent(input) => Some(&input.case),
            Command::AcceptCase(input) => Some(&input.case),
            Command::SetConfidentiality(input) => Some(&input.case),
            Command::MergeCases(input) => Some(&input.case),
            Command::SplitCase(input) => Some(&input.case),
            Command::LinkCases(input) => Some(&input.case),
            Command::RecordCallback(input) => Some(&input.case),
            Command::ExtendClock(input) => Some(&input.case),
            Command::SetLine(input) => Some(&input.case),
            Command::DraftResponse(input) => Some(&input.case),
            Command::CheckResponse(input) => Some(&input.case),
            Command::SubmitResponse(input) => Some(&input.case),
            Command::CosignResponse(input) => Some(&input.case),
            Command::PublishResponse(input) => Some(&input.case),
            Command::RecordPublication(input) => Some(&input.case),
            Command::CorrectResponse(input) => Some(&input.case),
            Command::DeclareMajor(input) => Some(&input.case),
            Command::AcknowledgeNotice(input) => Some(&input.case),
            Command::AppointCommander(input) => Some(&input.case),
            Command::SetPlan(input) => Some(&input.case),
            Command::ReleasePublishing(input) => Some(&input.case),
            Command::EndMajor(input) => Some(&input.case),
            Command::AddConcern { case, .. }
            | Command::SetLevel { case, .. }
            | Command::CorrectOccurredAt { case, .. }
            | Command::ProposeNoResponse { case, .. }
            | Command::ApproveNoResponse { case, .. }
            | Command::Approve { case, .. }
            | Command::Decline { case, .. } => Some(case),
            Command::Watch(input) => input.case(),
        }
    }

    /// The unit whose matter it is, where it names that and neither a case nor an item.
    pub fn unit(&self) -> Option<&str> {
        match self {
            Command::OpenCase(input) => input.unit.as_deref(),
            Command::RecordLog(input) => input.unit.as_deref(),
            Command::IssueLog(input) => input.unit.as_deref(),
            Command::Watch(input) => input.unit(),
            Command::OpenDisclosure(input) => input.unit.as_deref(),
            Command::PublishDisclosure(input) => crate::disclosure::unit_of(&input.disclosure),
            Command::CheckDisclosure(input) => crate::disclosure::unit_of(&input.disclosure),
            _ => None,
        }
    }

    /// What it is about, and so where it is to be carried out; none where it names nothing.
    pub fn subject(&self) -> Option<Subject<'_>> {
        match (self.case(), self.item()) {
            (Some(number), _) => Some(Subject::Case(number)),
            (None, Some(item)) => Some(Subject::Item(item)),
            _ => self.share().map(Subject::Share).or_else(|| self.unit().map(Subject::Unit)),
        }
    }

    /// The share that it is about, if it names one.
    pub fn share(&self) -> Option<&str> {
        match self {
            Command::Watch(input) => input.share(),
            _ => None,
        }
    }

    /// The item that it is about, if it names one.
    pub fn item(&self) -> Option<&Uuid> {
        match self {
            Command::RecordAssessment(input) => input.item.as_ref(),
            Command::OpenCase(input) => input.item.as_ref(),
            Command::AttachItem(input) => Some(&input.item),
            Command::Watch(input) => input.item(),
            _ => None,
        }
    }
}

/// A page of items from one source of one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receive {
    /// The unit that watches the source.
    pub unit: String,
    /// The source's name.
    pub source: String,
    /// The items, each with the floor's verdict.
    pub items: Vec<ReceivedItem>,
}

/// Records what a classifier or a person says of an item or a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordAssessment {
    /// The item, by the id in its `huiyin.item.received.v1` event. Either this or `case` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "uuid"))]
    pub item: Option<Uuid>,
    /// The case, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// What is said of it.
    pub verdict: Verdict,
    /// The classifier that said it, `name:version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<String>,
}

/// Opens a case, or finds the one that is open on the same item.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenCase {
    /// The item it is about. Without one, `unit`, `title` and `level` are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "uuid"))]
    pub item: Option<Uuid>,
    /// The lead unit, where no item tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it is about; the item's title where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// True where it is not known yet who leads it: `unit` keeps it, under the pack's clock for that,
    /// until `route-case` (clause 1e).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unrouted: bool,
    /// How grave it is. An item's own level is never lowered by it (rule 7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// What kind of matter.
    #[serde(default)]
    pub kind: Kind,
    /// Its nature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nature: Option<String>,
    /// What is asked (clause 1c).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<String>,
    /// Who raised it, where no item tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<String>,
    /// When it happened, where no item tells it; now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub occurred_at: Option<Timestamp>,
}

/// Puts an item into an open case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachItem {
    /// The case, by number.
    pub case: String,
    /// The item.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub item: Uuid,
}

/// Starts a clock of the policy pack on a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartClock {
    /// The case, by number.
    pub case: String,
    /// The id of the clock rule.
    pub rule: String,
}

/// Stops a clock that a person stops by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SatisfyClock {
    /// The case, by number.
    pub case: String,
    /// The clock: the id of its rule.
    pub clock: String,
    /// What was done, and how one can see it.
    pub evidence: String,
}

/// Records an answer that was delivered. One that is said to have been delivered before a due time that has passed
/// needs a proof, and waits for a second person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordAnswer {
    /// The case, by number.
    pub case: String,
    /// The askers it reached; empty: everybody, in public.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub askers: Vec<String>,
    /// What was said.
    pub text: String,
    /// By which channel.
    pub channel: String,
    /// Proof that it was delivered, such as an address or a receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// What it says of each concern (clause 1c).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<ConcernAnswer>,
    /// When it was delivered; now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub delivered_at: Option<Timestamp>,
}

/// Records when the matter was verified, handled or published (clause 1a). A second time is a correction, by a person
/// and with a reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordTime {
    /// The case, by number.
    pub case: String,
    /// Which time.
    pub milestone: Milestone,
    /// When it was; now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub time: Option<Timestamp>,
    /// Why it is another than is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How one can see it; needed for a publication that is said to lie before a due time that has passed, which then
    /// waits for a second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// Records how a notification went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordDelivery {
    /// The case, by number.
    pub case: String,
    /// The notification's id, as the event's `notify` has it.
    pub notification: String,
    /// How it went.
    pub outcome: DeliveryOutcome,
    /// By which notifier.
    pub channel: String,
    /// The receiver's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Closes a case. Refused without a delivered answer or an approved no-response (clause 1i).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseCase {
    /// The case, by number.
    pub case: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
