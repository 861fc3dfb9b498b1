//! Tasks (转办单): work handed to a unit, and what became of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Case;
use crate::actor::Actor;

/// The most tasks of a case.
pub const MAX_TASKS: usize = 200;
/// The most units of one task.
pub(super) const MAX_HOLDERS: usize = 20;
/// How often a unit's part may come back before the unit above decides (clause 3.4b).
pub const MAX_RETURNS: u32 = 2;
/// How often a unit's part may be passed on.
pub(super) const MAX_TRANSFERS: u32 = 5;

/// What a task asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// 承办: handle the matter or a part of it (clause 1e).
    Handle,
    /// 核实: say whether it is so (clause 3.1d).
    Verify,
    /// 督办: the principal wants it done (clause 2c).
    Supervise,
    /// 源头治理: find and end what gave rise to the matter (clause 1f).
    RootCause,
    /// 源头防范: see to it that it does not come again (clause 1f).
    Prevention,
    /// 报告: report the matter to the superior (clause 5c). Done once that is sent.
    Report,
}

impl TaskKind {
    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Handle => "承办",
            Self::Verify => "核实",
            Self::Supervise => "督办",
            Self::RootCause => "源头治理",
            Self::Prevention => "源头防范",
            Self::Report => "报告",
        }
    }

    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Handle => "handle",
            Self::Verify => "verify",
            Self::Supervise => "supervise",
            Self::RootCause => "root-cause",
            Self::Prevention => "prevention",
            Self::Report => "report",
        }
    }

    /// The id of the pack's clock rule for such tasks.
    pub fn rule(self) -> String {
        format!("task-{}", self.name())
    }
}

/// How far a unit's part of a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartState {
    /// 待受理.
    Assigned,
    /// 已受理.
    Accepted,
    /// 已退单: waits until it is handed to another unit, or back.
    Returned,
    /// 已反馈.
    Done,
}

impl PartState {
    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Assigned => "待受理",
            Self::Accepted => "已受理",
            Self::Returned => "已退单",
            Self::Done => "已反馈",
        }
    }
}

/// What a unit says it did (反馈).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// What was done or found.
    pub text: String,
    /// Where one can see it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Who said so.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// One unit's part of a task. A task with several parts is a joint one (联合办理).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The unit.
    pub unit: String,
    /// How far it has come.
    pub state: PartState,
    /// How often it was returned.
    #[serde(default)]
    pub returns: u32,
    /// How often it was passed on.
    #[serde(default)]
    pub transfers: u32,
    /// What the unit said it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
}

/// A step that a task took, as its history has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum TaskStep {
    /// 受理.
    Accepted {
        /// The unit.
        unit: String,
    },
    /// 转办.
    Transferred {
        /// The unit that had it.
        unit: String,
        /// The unit that has it now.
        to: String,
        /// Why.
        reason: String,
    },
    /// 退单.
    Returned {
        /// The unit that gives it back.
        unit: String,
        /// Why.
        reason: String,
    },
    /// 反馈.
    FedBack {
        /// The unit.
        unit: String,
        /// What was done or found.
        text: String,
        /// Where one can see it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<String>,
    },
    /// 撤回.
    Withdrawn {
        /// Why.
        reason: String,
    },
}

impl TaskStep {
    /// The end of the event's type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Transferred { .. } => "transferred",
            Self::Returned { .. } => "returned",
            Self::FedBack { .. } => "fed-back",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

/// A step, with who took it and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEntry {
    /// What happened.
    #[serde(flatten)]
    pub step: TaskStep,
    /// Who did it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// A task of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// `t1`, `t2`, … within the case.
    pub id: String,
    /// What it asks for.
    pub kind: TaskKind,
    /// In words.
    pub text: String,
    /// The unit that hands it over.
    pub from: String,
    /// Who has it; the first leads.
    pub parts: Vec<Part>,
    /// Who handed it over.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// When it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Timestamp>,
    /// What became of it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<TaskEntry>,
}

impl Task {
    /// Every unit has given its feedback.
    pub fn is_done(&self) -> bool {
        self.withdrawn.is_none() && self.parts.iter().all(|part| part.state == PartState::Done)
    }

    /// Neither done nor withdrawn.
    pub fn is_open(&self) -> bool {
        self.withdrawn.is_none() && !self.is_done()
    }

    /// The id of the case's clock that watches it.
    pub fn clock(&self) -> String {
        format!("task.{}", self.id)
    }

    /// Takes a step in; false if it has no such part.
    pub fn apply(&mut self, entry: &TaskEntry) -> bool {
        let at = entry.at;
        let part = |parts: &mut [Part], unit: &str| parts.iter().position(|part| part.unit == unit);
        match &entry.step {
            TaskStep::Withdrawn { .. } => self.withdrawn = Some(at),
            TaskStep::Accepted { unit }
            | TaskStep::Transferred { unit, .. }
            | TaskStep::Returned { unit, .. }
            | TaskStep::FedBack { unit, .. } => {
                let Some(found) = part(&mut self.parts, unit).and_then(|i| self.parts.get_mut(i)) else {
                    return false;
                };
                match &entry.step {
                    TaskStep::Accepted { .. } => found.state = PartState::Accepted,
                    TaskStep::Transferred { to, .. } => {
                        found.unit.clone_from(to);
                        found.state = PartState::Assigned;
                        found.transfers += 1;
                    }
                    TaskStep::Returned { .. } => {
                        found.state = PartState::Returned;
                        found.returns += 1;
                    }
                    TaskStep::FedBack { text, evidence, .. } => {
                        found.state = PartState::Done;
                        found.feedback =
                            Some(Feedback { text: text.clone(), evidence: evidence.clone(), by: entry.by.clone(), at });
                    }
                    TaskStep::Withdrawn { .. } => {}
                }
            }
        }
        self.history.push(entry.clone());
        true
    }
}

impl Case {
    /// A task by its id.
    pub fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// Takes a step of a task in; false if there is no such task or part.
    pub(super) fn step_task(&mut self, id: &str, entry: &TaskEntry) -> bool {
        self.tasks.iter_mut().find(|task| task.id == id).is_some_and(|task| task.apply(entry))
    }
}
