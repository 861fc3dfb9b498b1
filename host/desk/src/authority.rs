//! Who may do what: the one check of every act that somebody asks for, by the
//! API, the command line, or a workflow.
//!
//! [`TABLE`] has a line for each kind of act. A person acts for the unit that
//! names them in the policy pack and for every unit below it (clauses 1d and
//! 3.5c); what concerns the whole host is the root unit's and the host admin's.
//! A pack may ask for roles on top ([`crate::policy::ActRule`]); without such a
//! rule everybody of the unit may.
//!
//! Here stands who may ask. What the act itself needs (an answer, a second
//! person, an order of times) is decided where the act is.

use crate::actor::Actor;
use crate::command::Command;
use crate::error::DeskError;
use crate::policy::PolicyPack;

/// A kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Items are taken in.
    Receive,
    /// A policy pack comes into force.
    AdoptPolicy,
    /// A policy pack is deployed on a running host.
    DeployPolicy,
    /// `record-assessment`
    RecordAssessment,
    /// `open-case`
    OpenCase,
    /// `attach-item`
    AttachItem,
    /// `start-clock`
    StartClock,
    /// `satisfy-clock`
    SatisfyClock,
    /// `pause-clock`
    PauseClock,
    /// `resume-clock`
    ResumeClock,
    /// `acknowledge-escalation`
    AcknowledgeEscalation,
    /// `draft-report`
    DraftReport,
    /// `submit-report`
    SubmitReport,
    /// `record-answer`
    RecordAnswer,
    /// `record-time`
    RecordTime,
    /// `record-delivery`
    RecordDelivery,
    /// `close-case`
    CloseCase,
    /// `assign-task`
    AssignTask,
    /// `accept-task`
    AcceptTask,
    /// `transfer-task`
    TransferTask,
    /// `return-task`
    ReturnTask,
    /// `feed-back-task`
    FeedBackTask,
    /// `withdraw-task`
    WithdrawTask,
    /// `route-case`
    RouteCase,
    /// `record-contact`
    RecordContact,
    /// `record-offline-event`
    RecordOfflineEvent,
    /// `read-desk`
    ReadDesk,
    /// `record-log`
    RecordLog,
    /// `issue-log`
    IssueLog,
    /// `set-confidentiality`
    SetConfidentiality,
    /// `merge-cases`
    MergeCases,
    /// `split-case`
    SplitCase,
    /// `link-cases`
    LinkCases,
    /// Call records are taken in.
    ImportCalls,
    /// `record-callback`
    RecordCallback,
    /// `accept-case`
    AcceptCase,
    /// `extend-clock`
    ExtendClock,
    /// `begin-watch`
    BeginWatch,
    /// `set-roster`
    SetRoster,
    /// `swap-duty`
    SwapDuty,
    /// `check-in`
    CheckIn,
    /// `finish-patrol`
    FinishPatrol,
    /// `set-label`
    SetLabel,
    /// `acknowledge-warning`
    AcknowledgeWarning,
    /// `feed-back-warning`
    FeedBackWarning,
    /// `share`
    Share,
    /// `revoke-share`
    RevokeShare,
    /// `read-shared`
    ReadShared,
    /// `set-line`
    SetLine,
    /// `draft-response`
    DraftResponse,
    /// `check-response`
    CheckResponse,
    /// `submit-response`
    SubmitResponse,
    /// `cosign-response`
    CosignResponse,
    /// `publish-response`
    PublishResponse,
    /// `record-publication`
    RecordPublication,
    /// `correct-response`
    CorrectResponse,
    /// `declare-major`
    DeclareMajor,
    /// `acknowledge-notice`
    AcknowledgeNotice,
    /// `appoint-commander`
    AppointCommander,
    /// `set-plan`
    SetPlan,
    /// `release-publishing`
    ReleasePublishing,
    /// `end-major`
    EndMajor,
    /// `open-disclosure`
    OpenDisclosure,
    /// `publish-disclosure`
    PublishDisclosure,
    /// `check-disclosure`
    CheckDisclosure,
    /// `add-concern`
    AddConcern,
    /// `set-level`
    SetLevel,
    /// `correct-occurred-at`
    CorrectOccurredAt,
    /// `propose-no-response`
    ProposeNoResponse,
    /// `approve-no-response`
    ApproveNoResponse,
    /// `approve`; of a decision not to answer it is [`Act::ApproveNoResponse`]
    Approve,
    /// `decline`
    Decline,
    /// `record-evidence`
    RecordEvidence,
    /// `record-receipt`
    RecordReceipt,
    /// `record-bypass`
    RecordBypass,
    /// `assess-case`
    AssessCase,
    /// `record-risk`
    RecordRisk,
    /// `open-gate`
    OpenGate,
    /// `delegate`
    Delegate,
    /// `revoke-delegation`
    RevokeDelegation,
    /// A run is started by name.
    StartRun,
    /// A run is stopped, held, let go on, set to work again, or told what became of a call.
    ControlRun,
    /// An event is sent to workflows and runs.
    SendEvent,
    /// A workflow is brought into force, or withdrawn.
    Deploy,
    /// A slot is bound to another plugin, or a canary is set beside it.
    Bind,
    /// A schedule is paused, or goes on.
    PauseSchedule,
    /// A source's cursor is set back.
    RewindSource,
    /// A plugin is installed or removed.
    InstallPlugin,
    /// A plugin is granted something, or loses it.
    GrantPlugin,
    /// A publisher's key is trusted, or no more.
    TrustPublisher,
}

/// Who may ask for an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// A person of the unit concerned or of one above it; of the root, where no one unit is concerned.
    Unit,
    /// The admin of the host.
    Admin,
    /// A workflow, by a core function, within the unit that it serves.
    Run,
    /// The host itself, and the collectors that it calls.
    Host,
}

use Who::{Admin, Host, Run, Unit};

/// A line of the table.
struct Line {
    act: Act,
    /// As commands and policy packs name it.
    name: &'static str,
    who: &'static [Who],
    /// "only … may {what}".
    what: &'static str,
    /// The clause or rule that a refusal rests on.
    clause: &'static str,
}

const fn line(act: Act, name: &'static str, who: &'static [Who], what: &'static str, clause: &'static str) -> Line {
    Line { act, name, who, what, clause }
}

/// The table. What no line allows is refused.
#[rustfmt::skip]
const TABLE: &[Line] = &[
    //   kind of act             name                   who may ask           in words                          clause
    line(Act::Receive,           "receive",             &[Unit, Admin, Host], "bring items in",                 "3.1d"),
    line(Act::AdoptPolicy,       "adopt-policy",        &[Host],              "bring a policy pack into force", "rule 7"),
    line(Act::RecordAssessment,  "record-assessment",   &[Unit, Run],         "assess a matter",                "1d"),
    line(Act::OpenCase,          "open-case",           &[Unit, Run],         "open a case",                    "1d"),
    line(Act::AttachItem,        "attach-item",         &[Unit, Run],         "put an item into a case",        "1d"),
    line(Act::StartClock,        "start-clock",         &[Unit, Run],         "start a clock",                  "2c"),
    line(Act::SatisfyClock,      "satisfy-clock",       &[Unit],              "stop a clock by hand",           "rule 7"),
    line(Act::PauseClock, "pause-clock", &[Unit], "let a clock stand still", "6b"),
    line(Act::ResumeClock, "resume-clock", &[Unit, Run], "let a clock run again", "6b"),
    line(Act::AcknowledgeEscalation, "acknowledge-escalation", &[Unit], "say that an escalation was heard", "5b"),
    line(Act::DeployPolicy, "deploy-policy", &[Admin], "deploy a policy pack", "rule 7"),
    line(Act::DraftReport,       "draft-report",        &[Unit, Run],         "draft a report",                 "3.3"),
    line(Act::SubmitReport,      "submit-report",       &[Unit],              "send a report",                  "6b"),
    line(Act::RecordAnswer,      "record-answer",       &[Unit, Run],         "record an answer",               "3.5c"),
    line(Act::RecordTime,        "record-time",         &[Unit, Run],         "record a time of a case",        "3.5c"),
    line(Act::RecordDelivery,    "record-delivery",     &[Unit, Run],         "record a delivery",              "1d"),
    line(Act::CloseCase,         "close-case",          &[Unit, Run],         "close a case",                   "3.5c"),
    line(Act::AssignTask, "assign-task", &[Unit, Run], "hand work to a unit", "3.4b"),
    line(Act::AcceptTask, "accept-task", &[Unit, Run], "accept a task", "3.4b"),
    line(Act::TransferTask, "transfer-task", &[Unit, Run], "pass a task on", "3.4b"),
    line(Act::ReturnTask, "return-task", &[Unit, Run], "return a task", "3.4b"),
    line(Act::FeedBackTask, "feed-back-task", &[Unit, Run], "answer a task", "3.4b"),
    line(Act::WithdrawTask, "withdraw-task", &[Unit, Run], "withdraw a task", "3.4b"),
    line(Act::RouteCase, "route-case", &[Unit, Run], "give a case its lead unit", "1d"),
    line(Act::RecordContact, "record-contact", &[Unit, Run], "record a contact", "1h"),
    line(Act::RecordOfflineEvent, "record-offline-event", &[Unit, Run], "record what happens offline", "3.4a"),
    line(Act::ReadDesk, "read-desk", &[Unit, Run, Admin], "read the desk", "1d"),
    line(Act::RecordLog, "record-log", &[Unit, Run], "write a log", "3.2e"),
    line(Act::IssueLog, "issue-log", &[Unit], "issue a special report", "6b"),
    line(Act::SetConfidentiality, "set-confidentiality", &[Unit], "say who may read a case", "6a"),
    line(Act::MergeCases, "merge-cases", &[Unit], "merge cases", "1i"),
    line(Act::SplitCase, "split-case", &[Unit], "split a case", "1i"),
    line(Act::LinkCases, "link-cases", &[Unit, Run], "link cases", "1i"),
    line(Act::ImportCalls, "import-calls", &[Unit, Admin, Host], "bring call records in", "4b"),
    line(Act::RecordCallback, "record-callback", &[Unit, Run], "record a callback", "4b"),
    line(Act::AcceptCase, "accept-case", &[Unit, Run], "take a case on", "4c"),
    line(Act::ExtendClock, "extend-clock", &[Unit], "ask for more time", "4c"),
    line(Act::BeginWatch, "begin-watch", &[Host], "say what is watched", "3.1e"),
    line(Act::SetRoster, "set-roster", &[Unit], "set a duty roster", "3.1b"),
    line(Act::SwapDuty, "swap-duty", &[Unit], "swap duty", "3.1b"),
    line(Act::CheckIn, "check-in", &[Unit], "check in for duty", "3.1b"),
    line(Act::FinishPatrol, "finish-patrol", &[Unit], "put a patrol on record", "3.1b"),
    line(Act::SetLabel, "set-label", &[Unit], "set a label", "3.1c"),
    line(Act::AcknowledgeWarning, "acknowledge-warning", &[Unit], "acknowledge a warning", "3.2f"),
    line(Act::FeedBackWarning, "feed-back-warning", &[Unit], "answer a warning", "3.2f"),
    line(Act::Share, "share", &[Unit], "share a matter", "3.1f"),
    line(Act::RevokeShare, "revoke-share", &[Unit], "take back what is shared", "3.1f"),
    line(Act::ReadShared, "read-shared", &[Unit], "read what is shared", "3.1f"),
    line(Act::SetLine, "set-line", &[Unit], "set the line of a case", "2b"),
    line(Act::DraftResponse, "draft-response", &[Unit, Run], "draft a response", "3.5c"),
    line(Act::CheckResponse, "check-response", &[Unit], "check a text for secrecy", "3.5b"),
    line(Act::SubmitResponse, "submit-response", &[Unit], "send a response to the approver", "6b"),
    line(Act::CosignResponse, "cosign-response", &[Unit], "sign for a unit", "3.5d"),
    line(Act::PublishResponse, "publish-response", &[Unit], "release a response", "3.5b"),
    line(Act::RecordPublication, "record-publication", &[Unit, Run], "record a publication", "3.5e"),
    line(Act::CorrectResponse, "correct-response", &[Unit], "correct a response", "6d"),
    line(Act::DeclareMajor, "declare-major", &[Unit, Run], "declare a major matter", "5c"),
    line(Act::AcknowledgeNotice, "acknowledge-notice", &[Unit], "acknowledge a notice", "5b"),
    line(Act::AppointCommander, "appoint-commander", &[Unit], "appoint the commander", "5d"),
    line(Act::SetPlan, "set-plan", &[Unit], "set the plan of a major matter", "5d"),
    line(Act::ReleasePublishing, "release-publishing", &[Unit], "let a unit publish", "5d"),
    line(Act::EndMajor, "end-major", &[Unit], "end the procedure of a major matter", "5d"),
    line(Act::OpenDisclosure, "open-disclosure", &[Unit, Run], "list what is to be published", "6d"),
    line(Act::PublishDisclosure, "publish-disclosure", &[Unit, Run], "record a proactive publication", "6d"),
    line(Act::CheckDisclosure, "check-disclosure", &[Unit], "check a proactive publication", "6d"),
    line(Act::AddConcern,        "add-concern",         &[Unit],              "add a concern",                  "1c"),
    line(Act::SetLevel,          "set-level",           &[Unit],              "set the level of a case",        "rule 7"),
    line(Act::CorrectOccurredAt, "correct-occurred-at", &[Unit],              "correct when a matter happened", "rule 5"),
    line(Act::ProposeNoResponse, "propose-no-response", &[Unit],              "propose not to answer",          "1i"),
    line(Act::ApproveNoResponse, "approve-no-response", &[Unit],              "approve a no-response",          "1i"),
    line(Act::Approve,           "approve",             &[Unit],              "approve what another asks for",  "6b"),
    line(Act::Decline,           "decline",             &[Unit],              "decline what is asked for",      "6b"),
    line(Act::RecordEvidence,    "record-evidence",     &[Unit, Run],         "record evidence",                "1b"),
    line(Act::RecordReceipt,     "record-receipt",      &[Unit, Run],         "record a receipt",               "3.3"),
    line(Act::RecordBypass,      "record-bypass",       &[Unit],              "record a report by another way", "3.3"),
    line(Act::AssessCase,        "assess-case",         &[Unit],              "assess a case in words",         "3.2g"),
    line(Act::RecordRisk,        "record-risk",         &[Unit, Run],         "record a decision's risk",       "3.2d"),
    line(Act::OpenGate,          "open-gate",           &[Unit],              "ask that a decision be issued",  "3.2d"),
    line(Act::Delegate,          "delegate",            &[Unit],              "hand over approvals",            "6b"),
    line(Act::RevokeDelegation,  "revoke-delegation",   &[Unit],              "end a delegation",               "6b"),
    line(Act::StartRun,          "start-run",           &[Unit, Admin],       "start a workflow",               "1d"),
    line(Act::ControlRun,        "control-run",         &[Unit, Admin],       "stop, hold or restart a run",    "1d"),
    line(Act::SendEvent,         "send-event",          &[Unit, Admin],       "send events",                    "1d"),
    line(Act::Deploy,            "deploy",              &[Unit, Admin],       "deploy or withdraw a workflow",  "1d"),
    line(Act::Bind,              "bind",                &[Unit, Admin],       "bind a slot",                    "1d"),
    line(Act::PauseSchedule,     "pause-schedule",      &[Unit, Admin],       "pause or resume a schedule",     "1d"),
    line(Act::RewindSource,      "rewind-source",       &[Unit, Admin],       "set a source's cursor back",     "1d"),
    line(Act::InstallPlugin,     "install-plugin",      &[Admin],             "install or remove a plugin",     "rule 6"),
    line(Act::GrantPlugin,       "grant-plugin",        &[Admin],             "grant or revoke",                "rule 6"),
    line(Act::TrustPublisher,    "trust-publisher",     &[Admin],             "trust or distrust a publisher",  "rule 6"),
];

/// What people of partner units may do (clause 6c): their parts of tasks, and what is shared with them.
const PARTNERS: &[Act] = &[Act::AcceptTask, Act::ReturnTask, Act::FeedBackTask, Act::ReadShared];

impl Act {
    /// The kind of a command.
    pub fn of(command: &Command) -> Act {
        match command {
            Command::AdoptPolicy { .. } | Command::RecomputeClocks { .. } => Act::AdoptPolicy,
            Command::Receive(_) => Act::Receive,
            Command::RecordAssessment(_) => Act::RecordAssessment,
            Command::OpenCase(_) => Act::OpenCase,
            Command::AttachItem(_) => Act::AttachItem,
            Command::StartClock(_) => Act::StartClock,
            Command::SatisfyClock(_) => Act::SatisfyClock,
            Command::PauseClock(_) => Act::PauseClock,
            Command::ResumeClock(_) => Act::ResumeClock,
            Command::AcknowledgeEscalation(_) => Act::AcknowledgeEscalation,
            Command::DraftReport(_) => Act::DraftReport,
            Command::SubmitReport(_) => Act::SubmitReport,
            Command::RecordAnswer(_) => Act::RecordAnswer,
            Command::RecordTime(_) => Act::RecordTime,
            Command::RecordDelivery(_) => Act::RecordDelivery,
            Command::CloseCase(_) => Act::CloseCase,
            Command::AssignTask(_) => Act::AssignTask,
            Command::AcceptTask(_) => Act::AcceptTask,
            Command::TransferTask(_) => Act::TransferTask,
            Command::ReturnTask(_) => Act::ReturnTask,
            Command::FeedBackTask(_) => Act::FeedBackTask,
            Command::WithdrawTask(_) => Act::WithdrawTask,
            Command::RouteCase(_) => Act::RouteCase,
            Command::RecordContact(_) => Act::RecordContact,
            Command::RecordOfflineEvent(_) => Act::RecordOfflineEvent,
            Command::ImportCalls(_) => Act::ImportCalls,
            Command::ReadDesk(_) => Act::ReadDesk,
            Command::RecordLog(_) => Act::RecordLog,
            Command::IssueLog(_) => Act::IssueLog,
            Command::SetConfidentiality(_) => Act::SetConfidentiality,
            Command::MergeCases(_) => Act::MergeCases,
            Command::SplitCase(_) => Act::SplitCase,
            Command::LinkCases(_) => Act::LinkCases,
            Command::RecordCallback(_) => Act::RecordCallback,
            Command::AcceptCase(_) => Act::AcceptCase,
            Command::ExtendClock(_) => Act::ExtendClock,
            Command::SetLine(_) => Act::SetLine,
            Command::DraftResponse(_) => Act::DraftResponse,
            Command::CheckResponse(_) => Act::CheckResponse,
            Command::SubmitResponse(_) => Act::SubmitResponse,
            Command::CosignResponse(_) => Act::CosignResponse,
            Command::PublishResponse(_) => Act::PublishResponse,
            Command::RecordPublication(_) => Act::RecordPublication,
            Command::CorrectResponse(_) => Act::CorrectResponse,
            Command::DeclareMajor(_) => Act::DeclareMajor,
            Command::AcknowledgeNotice(_) => Act::AcknowledgeNotice,
            Command::AppointCommander(_) => Act::AppointCommander,
            Command::SetPlan(_) => Act::SetPlan,
            Command::ReleasePublishing(_) => Act::ReleasePublishing,
            Command::EndMajor(_) => Act::EndMajor,
            Command::OpenDisclosure(_) => Act::OpenDisclosure,
            Command::PublishDisclosure(_) => Act::PublishDisclosure,
            Command::CheckDisclosure(_) => Act::CheckDisclosure,
            Command::AddConcern { .. } => Act::AddConcern,
            Command::SetLevel { .. } => Act::SetLevel,
            Command::CorrectOccurredAt { .. } => Act::CorrectOccurredAt,
            Command::ProposeNoResponse { .. } => Act::ProposeNoResponse,
            Command::ApproveNoResponse { .. } => Act::ApproveNoResponse,
            Command::Approve { .. } => Act::Approve,
            Command::Decline { .. } => Act::Decline,
            Command::RecordEvidence(_) => Act::RecordEvidence,
            Command::RecordReceipt(_) => Act::RecordReceipt,
            Command::RecordBypass(_) => Act::RecordBypass,
            Command::AssessCase(_) => Act::AssessCase,
            Command::RecordRisk(_) => Act::RecordRisk,
            Command::OpenGate(_) => Act::OpenGate,
            Command::Delegate(_) => Act::Delegate,
            Command::RevokeDelegation(_) => Act::RevokeDelegation,
            Command::Watch(input) => input.act(),
        }
    }

    /// Its name, as commands and policy packs have it.
    pub fn name(self) -> &'static str {
        self.line().map_or("", |line| line.name)
    }

    /// The act of this name, if it is one that persons may do and a pack may keep to roles.
    pub fn of_persons(name: &str) -> Option<Act> {
        TABLE.iter().find(|line| line.name == name && line.who.contains(&Unit)).map(|line| line.act)
    }

    /// The names that [`Act::of_persons`] knows.
    pub fn names_of_persons() -> impl Iterator<Item = &'static str> {
        TABLE.iter().filter(|line| line.who.contains(&Unit)).map(|line| line.name)
    }

    fn line(self) -> Option<&'static Line> {
        TABLE.iter().find(|line| line.act == self)
    }
}

/// Checks that somebody may do an act for a unit; `None` where no one unit is
/// concerned: an act on the whole host, or on every unit.
///
/// Where no pack is in force there are no persons to tell apart: whoever bears
/// the host's token is believed.
///
/// # Errors
/// Says who may, by which clause or rule, and how to mend it: `not-a-person`
/// where only persons may, `unknown-person` for one whom no unit names,
/// `not-yours` for one of another unit, `not-your-role` where the pack asks for
/// a role, `not-admin` where only the host's admin may.
pub fn permit(pack: Option<&PolicyPack>, actor: &Actor, act: Act, unit: Option<&str>) -> Result<(), DeskError> {
    let Some(line) = act.line() else { return Err(DeskError::new("refused", "nobody may do this")) };
    let may = |who: Who| line.who.contains(&who);
    let allowed = match actor {
        Actor::Person(id) if may(Unit) => {
            return pack.map_or(Ok(()), |pack| person(pack, id, line, unit));
        }
        Actor::Person(_) => may(Admin) && pack.is_none(),
        Actor::Admin(_) => may(Admin),
        Actor::Run(_) => may(Run),
        Actor::System(_) | Actor::Plugin(_) => may(Host),
    };
    if allowed {
        return Ok(());
    }
    let what = line.what;
    Err(if may(Unit) {
        DeskError::new("not-a-person", format!("only a named person may {what}, not {actor}"))
            .hint("act in the name of a person of the policy pack: `person:<id>` (`--as ID` on the command line)")
    } else if may(Admin) {
        DeskError::new("not-admin", format!("only the host's admin may {what}, not {actor}"))
            .hint("act as `admin:<name>`, with the host's token")
    } else {
        DeskError::new("not-by-command", format!("only the host itself may {what}, not {actor}"))
    }
    .clause(line.clause))
}

/// A person acts for the unit that names them, and for those below it.
fn person(pack: &PolicyPack, id: &str, line: &Line, unit: Option<&str>) -> Result<(), DeskError> {
    let Some(home) = pack.unit_of(id) else {
        return Err(DeskError::new("unknown-person", format!("no unit of the policy pack names a person `{id}`"))
            .clause(line.clause)
            .hint("act in the name of somebody whom the pack names, or add the person to the pack"));
    };
    if home.is_partner() && !PARTNERS.contains(&line.act) {
        return Err(DeskError::new(
            "partner",
            format!("`{id}` belongs to the partner unit `{}`, which may not {}", home.code, line.what),
        )
        .clause("6c")
        .hint("a partner reads what is shared with it, and takes part in joint tasks"));
    }
    let concerned = unit.or_else(|| pack.root().map(|root| root.code.as_str())).unwrap_or_default();
    if !pack.line(concerned).any(|above| above.code == home.code) {
        let whose = match unit {
            Some(unit) => format!("`{id}` does not belong to unit `{unit}` or to one above it"),
            None => format!("this concerns every unit, and `{id}` does not belong to the unit above them all"),
        };
        return Err(DeskError::new("not-yours", format!("{whose}, and so may not {}", line.what))
            .clause(line.clause)
            .hint("ask somebody of that unit, or add the person to the policy pack"));
    }
    let Some(roles) = pack.roles_for(line.act) else { return Ok(()) };
    if roles.iter().any(|role| home.has_role(id, role)) {
        return Ok(());
    }
    Err(DeskError::new("not-your-role", format!("`{id}` has none of the roles that may {}", line.what))
        .clause(line.clause)
        .hint(format!("ask somebody who is {}", roles.join(" or "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_one_line() {
        for line in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.act == line.act).count(), 1, "{}", line.name);
            assert_eq!(TABLE.iter().filter(|other| other.name == line.name).count(), 1, "{}", line.name);
            assert_eq!(line.act.name(), line.name);
            assert_eq!(Act::of_persons(line.name).is_some(), line.who.contains(&Unit), "{}", line.name);
        }
    }
}
