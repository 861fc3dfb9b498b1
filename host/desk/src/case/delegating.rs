//! Handing approvals over for a time (代理, clause 6b), and ending that.

use jiff::SignedDuration;

use crate::command::{Delegate, RevokeDelegation};
use crate::decide::{Output, Work, said};
use crate::delegation::{Delegation, Revoked};
use crate::error::DeskError;
use crate::fact::Fact;

/// The longest time that approvals are handed over for.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
/// The most delegations of a unit that hold or will hold.
const MAX_LIVE: usize = 100;

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
