//! Delegation and absence (代理, clause 6b): a person hands their approvals to
//! another person of their unit, for a time and with a reason.
//!
//! A delegation is kept with the unit that names the two. It lends what the
//! person who gave it could approve themselves, and nothing that was lent to
//! them. Who acts by it approves neither what they wrote nor what the other
//! wrote; that is decided where an approval is given (`case/chain.rs`).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::command::{Delegate, RevokeDelegation};
use crate::decide::{Output, Work, said};
use crate::desk::Desk;
use crate::error::DeskError;
use crate::fact::Fact;

/// The longest time that approvals are handed over for.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
/// The most delegations of a unit that hold or will hold.
const MAX_LIVE: usize = 100;
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

    fn is_over(&self, now: Timestamp) -> bool {
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

/// The delegations of a desk's units, of one unit or of all, as people read them: the newest first.
/// Those that are over only on request.
pub fn delegation_list(desk: &Desk, unit: Option<&str>, all: bool, now: Timestamp) -> Vec<Value> {
    let mut list: Vec<&Delegation> = desk
        .delegations()
        .filter(|delegation| unit.is_none_or(|unit| delegation.unit == unit) && (all || !delegation.is_over(now)))
        .collect();
    list.sort_by_key(|delegation| std::cmp::Reverse(delegation.at));
    list.into_iter().map(|delegation| delegation.view(now)).collect()
}

/// Takes a delegation in: what is over goes first where there are too many.
pub(crate) fn keep(list: &mut Vec<Delegation>, delegation: &Delegation) {
    if list.len() >= MAX_KEPT {
        let over = list.iter().position(|known| known.is_over(delegation.at)).unwrap_or(0);
        list.remove(over);
    }
    list.push(delegation.clone());
}

impl Work<'_> {
    /// `delegate`.
    pub(crate) fn delegate(&mut self, input: &Delegate) -> Output {
        let from = self.person("hand over approvals", "6b")?;
        let (policy, now) = (self.policy()?, self.now());
        let home = policy.unit_of(&from).map(|unit| unit.code.clone()).unwrap_or_default();
        self.of_home(&home)?;
        if input.to == from || policy.unit(&home).and_then(|unit| unit.person(&input.to)).is_none() {
            let others = policy.unit(&home).into_iter().flat_map(|unit| &unit.people).map(|person| person.id.as_str());
            let others: Vec<&str> = others.filter(|id| *id != from).collect();
            return Err(DeskError::new("not-found", format!("`{}` is no other person of unit `{home}`", input.to))
                .at("/to")
                .clause("6b")
                .hint(format!("approvals are handed over within the unit: {}", others.join(", "))));
        }
        let reason = said(&input.reason, 500, "/reason", "the reason")?;
        let starts = input.starts.unwrap_or(now);
        if starts < now {
            return Err(DeskError::new("order", format!("it cannot begin at {starts}: it is {now} now")).at("/starts"));
        }
        if input.until <= starts || input.until.duration_since(starts) > LONGEST {
            return Err(DeskError::new("order", format!("it cannot last from {starts} until {}", input.until))
                .at("/until")
                .hint("it ends after it begins, within 366 days"));
        }
        let known = self.desk.delegations_of(&home);
        if let Some(same) = known.iter().find(|d| {
            !d.is_over(now) && d.from == from && d.to == input.to && d.until == input.until && d.reason == reason
        }) {
            return Ok(same.view(now));
        }
        if known.iter().filter(|delegation| !delegation.is_over(now)).count() >= MAX_LIVE {
            return Err(DeskError::new("too-many", format!("unit `{home}` has {MAX_LIVE} delegations already"))
                .hint("revoke those that are not needed: `revoke-delegation`"));
        }
        let next = known.iter().filter_map(|delegation| delegation.id.strip_prefix('g')?.parse::<u64>().ok()).max();
        let delegation = Delegation {
            id: format!("g{}", next.unwrap_or(0) + 1),
            unit: home,
            from,
            to: input.to.clone(),
            starts,
            until: input.until,
            reason,
            at: now,
            revoked: None,
        };
        let output = delegation.view(now);
        self.push(Fact::DelegationGranted { delegation });
        Ok(output)
    }

    /// `revoke-delegation`.
    pub(crate) fn revoke_delegation(&mut self, input: &RevokeDelegation) -> Output {
        let by = self.person("end a delegation", "6b")?;
        let (policy, now) = (self.policy()?, self.now());
        let unit = self.scope().map(str::to_owned).or_else(|| policy.unit_of(&by).map(|unit| unit.code.clone()));
        let unit = unit.unwrap_or_default();
        let known = self.desk.delegations_of(&unit);
        let Some(delegation) = known.iter().find(|delegation| delegation.id == input.delegation) else {
            let ids: Vec<&str> = known.iter().filter(|d| !d.is_over(now)).map(|d| d.id.as_str()).collect();
            return Err(DeskError::new("not-found", format!("unit `{unit}` has no delegation `{}`", input.delegation))
                .at("/delegation")
                .hint(format!("it has: {}", ids.join(", "))));
        };
        let principal = policy.unit(&unit).is_some_and(|unit| unit.principal == by);
        if by != delegation.from && by != delegation.to && !principal {
            return Err(DeskError::new(
                "not-yours",
                format!("`{by}` neither gave this delegation nor has it, and is not the principal of `{unit}`"),
            )
            .clause("6b")
            .hint(format!("ask {} or {}", delegation.from, delegation.to)));
        }
        if delegation.is_over(now) {
            return Err(DeskError::new("unchanged", "it is over already").at("/delegation"));
        }
        let reason = said(&input.reason, 500, "/reason", "the reason")?;
        let revoked = Revoked { reason, by, at: now };
        let mut after = delegation.clone();
        after.revoked = Some(revoked.clone());
        self.push(Fact::DelegationRevoked { unit, delegation: input.delegation.clone(), revoked });
        Ok(after.view(now))
    }

    /// A delegation is kept with the unit that names the person.
    fn of_home(&self, home: &str) -> Result<(), DeskError> {
        match self.scope() {
            Some(scope) if scope != home => {
                Err(DeskError::new("not-yours", format!("your unit is `{home}`, and this is asked for `{scope}`"))
                    .clause("6b")
                    .hint(format!("act in the name of `{home}`")))
            }
            _ => Ok(()),
        }
    }
}
