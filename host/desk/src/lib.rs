//! The desk: units, policy packs, items, assessments, cases and their clocks.
//!
//! The domain rules of the house live here and nowhere else. Everything is
//! pure: time, ids and keys are handed in, a command gives decided facts, and
//! the state is what the facts add up to. This crate must never learn of
//! journals, workflows, plugins or the network.
//!
//! **Invariant:** a command gives facts or a refusal with its ground, and applying a fact decides nothing.
//!
//! ```text
//! Command ──decide──► facts + answer        (refuses with clause and hint)
//! fact    ──apply───► Desk                  (total; evaluates nothing)
//! time    ──tick────► facts                 (warnings, breaches)
//! fact    ──event───► what workflows see    (huiyin.case.opened.v1, …)
//! ```
//!
//! Where to look: who may do what, `authority.rs`; how items come in, `decide/receive.rs`; how cases open,
//! rise, report, answer and close, one file each in `case/`; sources, duty, labels,
//! warnings and sharing, one file each in `watch/`; what a policy
//! pack must hold, `policy/check.rs`.

mod actor;
mod authority;
mod calls;
pub mod case;
mod command;
mod core_functions;
mod decide;
mod delegation;
mod desk;
pub mod disclosure;
mod due;
mod error;
mod event;
mod fact;
pub mod item;
mod label;
mod level;
mod log;
mod number;
pub mod policy;
mod reach;
mod reading;
pub mod searching;
mod text;
mod unit;
mod verdict;
mod view;
pub mod watch;

pub use actor::Actor;
pub use authority::{Act, permit};
pub use calls::{CallDay, CallEntry, MAX_CALLS, call_rate};
pub use case::response_list;
pub use command::{
    AcceptCase, AcceptTask, AcknowledgeEscalation, AcknowledgeWarning, AssessCase, AssignTask, AttachItem, BeginWatch,
    Call, CheckIn, CloseCase, Command, CommandForm, Delegate, DraftReport, ExtendClock, FeedBackTask, FeedBackWarning,
    FinishPatrol, Grounded, ImportCalls, Intake, IssueLog, LinkCases, MergeCases, OpenCase, OpenGate, PauseClock,
    ReadDesk, ReadShared, ReadSource, Receive, RecordAnswer, RecordAssessment, RecordBypass, RecordCallback,
    RecordContact, RecordDelivery, RecordEvidence, RecordLog, RecordOfflineEvent, RecordReceipt, RecordRisk,
    RecordTime, ResumeClock, ReturnTask, RevokeDelegation, RevokeShare, RouteCase, SatisfyClock, SetConfidentiality,
    SetLabel, SetRoster, ShareMatter, SplitCase, StartClock, Statement, SubmitReport, SwapDuty, TransferTask,
    WatchCommand, WithdrawTask, command_forms,
};
pub use command::{
    AcknowledgeNotice, AppointCommander, CheckDisclosure, CheckResponse, CorrectResponse, CosignResponse, DeclareMajor,
    DraftResponse, EndMajor, OpenDisclosure, PublishDisclosure, PublishResponse, RecordPublication, ReleasePublishing,
    SetLine, SetPlan, Subject, SubmitResponse,
};
pub use core_functions::{CoreFunction, core_command, core_functions};
pub use decide::{DecideContext, Decision, Elsewhere};
pub use delegation::{Delegation, Revoked};
pub use desk::{Adopted, Desk};
pub use disclosure::disclosure_list;
pub use due::{RunningClock, running_clocks};
pub use error::DeskError;
pub use event::{DeskEvent, alert_event, fact_event};
pub use fact::{CaseOpened, Fact, Ground, ItemReceived, source_in_keys};
pub use item::{Item, ReceivedItem};
pub use level::Level;
pub use log::{Log, LogKind, Section, daily_log, log_list};
pub use number::Prefix;
pub use policy::{PolicyPack, Problem};
pub use reach::Reach;
pub use reading::{Question, Reading};
pub use text::Name;
pub use unit::{Office, Person, Superior, Unit, UnitKind};
pub use verdict::{Assessment, Verdict};
pub use view::{
    WhichReports, approval_list, by_due, case_list, case_page, case_row, case_summary, delegation_list, due_key,
    report_list, task_list, unjudged_list, with_names,
};
pub use watch::ChannelKind;
