//! Routing (属地管理、分级负责;谁主管、谁负责; clauses 1d and 1e): which unit leads
//! a case. A case that nobody was found for waits with the unit that took it
//! in, under a clock of its own, until it is routed.

use serde_json::json;

use crate::command::RouteCase;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::policy::{Occasion, PolicyPack, SatisfiedBy};
use crate::unit::Unit;

impl Work<'_> {
    /// `route-case`.
    pub(crate) fn route_case(&mut self, input: &RouteCase) -> Output {
        let case = self.open(&input.case)?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        let policy = self.policy()?;
        let to = match (&input.to, &input.duty) {
            (Some(code), None) => policy.unit(code).ok_or_else(|| {
                DeskError::new("not-found", format!("the policy pack has no unit `{code}`")).at("/to")
            })?,
            (None, Some(duty)) => in_charge(&policy, duty, input.region.as_deref())?,
            _ => {
                return Err(DeskError::new("invalid-input", "either `to` or `duty` is given")
                    .at("/to")
                    .clause("1e")
                    .hint("name the unit, or the duty that decides which unit it is"));
            }
        };
        if to.is_partner() {
            return Err(DeskError::new("partner", format!("`{}` is a partner unit, and leads no case", to.code))
                .at("/to")
                .clause("6c")
                .hint("give it a joint task: `assign-task`"));
        }
        if to.code == case.unit && case.routed {
            return Err(DeskError::new("unchanged", format!("unit `{}` leads it already", to.code)).at("/to"));
        }
        let mut head = case.head();
        head.unit.clone_from(&to.code);
        let notify = self.owed(Occasion::CaseOpened, case.level, &to.code, None, Some(&case));
        self.push(Fact::CaseRouted {
            head,
            from: case.unit.clone(),
            region: to.number.region.clone(),
            reason,
            by: self.actor().clone(),
            at: self.now(),
            notify,
        });
        // From here on the case is the new unit's, which the acting one need not stand above.
        self.unscoped(|work| {
            work.satisfy_all(&case.number, SatisfiedBy::Routing, work.now())?;
            work.start_clocks_of_level(&case.number)
        })?;
        Ok(json!({ "case": case.number, "from": case.unit, "unit": to.code, "unit_name": to.name.zh }))
    }
}

/// The one unit that has the duty, in the region if one is given; of several
/// the lowest, where they stand in one line.
pub(super) fn in_charge<'p>(policy: &'p PolicyPack, duty: &str, region: Option<&str>) -> Result<&'p Unit, DeskError> {
    let words = duty.trim();
    let here = |unit: &&Unit| region.is_none_or(|code| unit.number.region.starts_with(code.trim_end_matches('0')));
    let has = |unit: &&Unit| !words.is_empty() && unit.duties.iter().any(|own| own.contains(words));
    let exact = |unit: &&Unit| unit.duties.iter().any(|own| own == words);
    let all: Vec<&Unit> = policy.units.iter().filter(|unit| !unit.is_partner()).filter(has).filter(here).collect();
    let of_exact: Vec<&Unit> = all.iter().copied().filter(exact).collect();
    let found = if of_exact.is_empty() { all } else { of_exact };
    let lowest: Vec<&Unit> = found
        .iter()
        .copied()
        .filter(|unit| !found.iter().any(|other| policy.line(&other.code).skip(1).any(|up| up.code == unit.code)))
        .collect();
    match lowest.as_slice() {
        [only] => Ok(only),
        [] => Err(DeskError::new("not-found", format!("no unit there has the duty `{words}`"))
            .at("/duty")
            .clause("1e")
            .hint("name the unit with `to`; the pack's `duties` say what each is in charge of")),
        several => {
            let codes: Vec<&str> = several.iter().map(|unit| unit.code.as_str()).collect();
            Err(DeskError::new("several", format!("several units have the duty `{words}`: {}", codes.join(", ")))
                .at("/duty")
                .clause("1d")
                .hint("give a `region`, or name the unit with `to`"))
        }
    }
}
