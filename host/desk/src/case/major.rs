//! A major matter (重大政务舆情): who was told and has read it, who commands, by
//! which plan, and who may publish (clauses 5b, 5c, 5d).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Case, Confirmation};
use crate::actor::Actor;
use crate::policy::Recipient;

/// A notice that somebody has to acknowledge (clause 5b).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// `m1`, `m2`, … within the case; its clock is `notice.<id>`.
    pub id: String,
    /// Whom it tells.
    pub to: Recipient,
    /// The notification by which it goes, as `record-delivery` names it.
    pub notification: String,
    /// The notice in whose stead it goes, because nobody acknowledged that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// Since when.
    pub at: Timestamp,
    /// When it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Timestamp>,
}

impl Notice {
    /// The id of the case's clock that watches it.
    pub fn clock(&self) -> String {
        format!("notice.{}", self.id)
    }
}

/// What a declaration starts (clause 5c).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// Why.
    pub reason: String,
    /// Who: a person, or the desk where the pack says so of the level.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Whom it tells at once.
    pub notices: Vec<Notice>,
    /// The task of reporting to the superior; none where that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// The task of verifying.
    pub verification: String,
}

/// A person who commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commander {
    /// The person's id.
    pub person: String,
    /// Why, where another commanded before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who appointed them.
    pub appointed_by: String,
    /// When.
    pub since: Timestamp,
}

/// A version of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// From 1 within the matter; the last one holds.
    pub version: u32,
    /// The plan.
    pub text: String,
    /// The author's id.
    pub author: String,
    /// The second person.
    pub approved: Confirmation,
}

/// A unit that the commander lets publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The unit.
    pub unit: String,
    /// Why.
    pub reason: String,
    /// The commander's id.
    pub commander: String,
    /// When.
    pub since: Timestamp,
}

/// A step of a major matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum MajorStep {
    /// Another person is told: nobody acknowledged an earlier notice, or the case has another lead unit.
    Told {
        /// The notice.
        notice: Notice,
    },
    /// A notice was read.
    Acknowledged {
        /// The notice's id.
        notice: String,
    },
    /// 指挥.
    Appointed(Commander),
    /// 方案.
    Planned(Plan),
    /// 放行.
    Released(Released),
    /// 结束.
    Ended {
        /// Why.
        reason: String,
    },
}

/// A step, with who took it and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MajorEntry {
    /// What happened.
    #[serde(flatten)]
    pub step: MajorStep,
    /// Who did it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// The procedure of a major matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Major {
    /// How it began, with every notice since.
    pub declared: Declaration,
    /// Who commands; the last one does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commanders: Vec<Commander>,
    /// Every version of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<Plan>,
    /// The units that may publish beside the lead unit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<Released>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// The end of a procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl Major {
    /// Who commands.
    pub fn commander(&self) -> Option<&str> {
        self.commanders.last().map(|commander| commander.person.as_str())
    }

    /// Whether a unit may publish that does not lead.
    pub fn lets_publish(&self, unit: &str) -> bool {
        self.released.iter().any(|released| released.unit == unit)
    }

    fn take(&mut self, entry: &MajorEntry) -> bool {
        match &entry.step {
            MajorStep::Told { notice } => self.declared.notices.push(notice.clone()),
            MajorStep::Acknowledged { notice } => {
                let Some(known) = self.declared.notices.iter_mut().find(|known| known.id == *notice) else {
                    return false;
                };
                known.acknowledged = Some(entry.at);
            }
            MajorStep::Appointed(commander) => self.commanders.push(commander.clone()),
            MajorStep::Planned(plan) => self.plans.push(plan.clone()),
            MajorStep::Released(released) => self.released.push(released.clone()),
            MajorStep::Ended { reason } => {
                self.ended = Some(Ended { reason: reason.clone(), by: entry.by.clone(), at: entry.at });
            }
        }
        true
    }
}

impl Case {
    /// The procedure that is open.
    pub fn major(&self) -> Option<&Major> {
        self.majors.last().filter(|major| major.ended.is_none())
    }

    /// The open procedure that keeps a unit silent, if one does (clause 5d).
    pub fn silences(&self, unit: &str) -> Option<&Major> {
        self.major().filter(|major| self.unit != unit && !major.lets_publish(unit))
    }

    /// Takes a declaration in.
    pub(super) fn declare(&mut self, declared: &Declaration) {
        self.majors.push(Major {
            declared: declared.clone(),
            commanders: Vec::new(),
            plans: Vec::new(),
            released: Vec::new(),
            ended: None,
        });
    }

    /// Takes a step in; false if there is no such procedure.
    pub(super) fn step_major(&mut self, entry: &MajorEntry) -> bool {
        self.majors.last_mut().is_some_and(|major| major.take(entry))
    }
}

/// The procedure as people read it; null where there never was one.
pub(crate) fn view(case: &Case) -> Value {
    let Some(major) = case.majors.last() else { return Value::Null };
    let notices: Vec<Value> = major
        .declared
        .notices
        .iter()
        .map(|notice| {
            let sent = case.notifications.iter().find(|sent| sent.id == notice.notification);
            let clock = case.clocks.iter().find(|entry| entry.clock.id == notice.clock()).map(|entry| &entry.clock);
            json!({
                "notice": notice.id,
                "to": notice.to,
                "notification": notice.notification,
                "instead_of": notice.instead_of,
                "at": notice.at,
                "delivered": sent.is_some_and(super::Notification::delivered),
                "acknowledged_at": notice.acknowledged,
                "due_at": clock.map(|clock| clock.due.at),
                "breached_at": clock.and_then(|clock| clock.breached.as_ref()).map(|breach| breach.fired_at),
            })
        })
        .collect();
    json!({
        "open": major.ended.is_none(),
        "reason": major.declared.reason,
        "by": major.declared.by,
        "since": major.declared.at,
        "notices": notices,
        "report_task": major.declared.report,
        "verification_task": major.declared.verification,
        "commander": major.commander(),
        "commanders": major.commanders,
        "plan": major.plans.last(),
        "plans": major.plans.len(),
        "released": major.released,
        "ended": major.ended,
        "earlier": case.majors.len().saturating_sub(1),
    })
}
