//! Delegation and absence (代理, clause 6b): a person hands their approvals to
//! another person of their unit, for a time and with a reason.
//!
//! A delegation is kept with the unit that names the two. It lends what the
//! person who gave it could approve themselves, and nothing that was lent to
//! them. Who acts by it approves neither what they wrote nor what the other
//! wrote; that is decided where an approval is given (`case/chain.rs`). How one
//! is given and ended is in `case/delegating.rs`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The most that a unit keeps in memory; older ones that are over stay in the journal.
const MAX_KEPT: usize = 200;

/// Approvals that one person gives for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// `g1`, `g2`, … within the unit.
    pub id: String,
    /// The unit that names both.
    pub unit: String,
    /// Whose approvals.
    pub from: String,
    /// Who gives them meanwhile.
    pub to: String,
    /// From when.
    pub starts: Timestamp,
    /// Until when, this moment not included.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// Who ended it before its time, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
}

/// The end of a delegation before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// Why.
    pub reason: String,
    /// The person's id.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Delegation {
    /// Whether it holds at a moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.starts <= now && now < self.until
    }

    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.revoked.is_some() || self.until <= now
    }

    /// As people read it.
    pub(crate) fn view(&self, now: Timestamp) -> Value {
        let state = match self {
            Self { revoked: Some(_), .. } => "revoked",
            _ if self.is_over(now) => "over",
            _ if self.holds(now) => "holds",
            _ => "planned",
        };
        json!({
            "delegation": self.id, "unit": self.unit, "from": self.from, "to": self.to, "starts": self.starts,
            "until": self.until, "reason": self.reason, "at": self.at, "state": state, "revoked": self.revoked,
        })
    }
}

/// Takes a delegation in: what is over goes first where there are too many.
pub(crate) fn keep(list: &mut Vec<Delegation>, delegation: &Delegation) {
    if list.len() >= MAX_KEPT {
        let over = list.iter().position(|known| known.is_over(delegation.at)).unwrap_or(0);
        list.remove(over);
    }
    list.push(delegation.clone());
}
