//! Who may read a case (信息管理制度, clause 6a): public, internal, or secret.
//!
//! What is open to everybody of the house is `public`; `internal` is for the people of the lead unit, of those above
//! it, and of units that have a part in it; of those, `secret` is for the roles that the pack names. Anybody of the
//! unit makes a case less open; two persons make it more open.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Case;
use super::approving::Proposal;
use crate::actor::Actor;
use crate::command::SetConfidentiality;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::PolicyPack;

/// Who may read a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidentiality {
    /// 公开: everybody whom the pack names.
    #[default]
    Public,
    /// 内部: the lead unit, those above it, and those that have a part in it.
    Internal,
    /// 秘密: of those, the roles that the pack names, and who made it secret.
    Secret,
}

impl Confidentiality {
    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Public => "公开",
            Self::Internal => "内部",
            Self::Secret => "秘密",
        }
    }
}

/// A change of who may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfidentialityChange {
    /// Before.
    pub from: Confidentiality,
    /// After.
    pub to: Confidentiality,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl Case {
    /// Whether somebody may read it. The host's admin may; so may runs and the host itself, which read on behalf of
    /// units and not of people.
    pub fn may_be_read_by(&self, actor: &Actor, pack: Option<&PolicyPack>) -> bool {
        let (Actor::Person(id), Some(pack)) = (actor, pack) else { return true };
        let Some(home) = pack.unit_of(id) else { return false };
        if self.confidentiality == Confidentiality::Public {
            return true;
        }
        let above = |unit: &str| pack.line(unit).any(|above| above.code == home.code);
        let part = self.tasks.iter().flat_map(|task| &task.parts).any(|part| above(&part.unit));
        if !above(&self.unit) && !part {
            return false;
        }
        if self.confidentiality == Confidentiality::Internal {
            return true;
        }
        let closed = self.confidentiality_changes.iter().any(|change| change.by.person() == Some(id.as_str()));
        closed
            || self.opened_by.person() == Some(id.as_str())
            || pack.secret_roles().any(|role| home.has_role(id, role))
    }
}

impl Work<'_> {
    /// `set-confidentiality`.
    pub(crate) fn set_confidentiality(&mut self, input: &SetConfidentiality) -> Output {
        let case = self.case(&input.case)?;
        let author = self.person("say who may read a case", "6a")?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        let (from, to) = (case.confidentiality, input.to);
        if from == to {
            let message = format!("case {} is {} already", case.number, to.zh());
            return Err(DeskError::new("unchanged", message).at("/to"));
        }
        let mut output = json!({ "case": case.number, "confidentiality": from });
        if to < from {
            output["pending"] = self.propose(&case, author, Proposal::Open { from, to, reason })?;
            return Ok(output);
        }
        self.take_confidentiality(&case.number, to, &reason, &author)?;
        output["confidentiality"] = json!(to);
        Ok(output)
    }

    /// Says who may read a case from now on.
    pub(super) fn take_confidentiality(
        &mut self,
        number: &str,
        to: Confidentiality,
        reason: &str,
        author: &str,
    ) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let change = ConfidentialityChange {
            from: case.confidentiality,
            to,
            reason: reason.to_owned(),
            by: Actor::Person(author.to_owned()),
            at: self.now(),
        };
        self.push(Fact::ConfidentialityChanged { head: case.head(), change });
        Ok(())
    }
}
