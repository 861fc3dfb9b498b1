//! Within which units somebody reads: their own and those below it, and of the
//! matters of other units those in which one of theirs has a part.

use std::collections::BTreeSet;

use crate::case::Case;
use crate::delegation::Delegation;
use crate::policy::PolicyPack;

/// The units within which a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    person: String,
    units: BTreeSet<String>,
    whole: bool,
}

impl Reach {
    /// What a pack gives a person: the unit that names them and those below it. `narrowed` keeps it to one of these
    /// units and those below that. Nothing, where no unit names them or the one it is kept to is none of theirs.
    pub fn of(pack: &PolicyPack, person: &str, narrowed: Option<&str>) -> Reach {
        let none = || Reach { person: person.to_owned(), units: BTreeSet::new(), whole: false };
        let Some(home) = pack.unit_of(person) else { return none() };
        let top = narrowed.unwrap_or(&home.code);
        let within = |unit: &str, top: &str| pack.line(unit).any(|above| above.code == top);
        if !within(top, &home.code) {
            return none();
        }
        let units = pack.units.iter().map(|unit| &unit.code).filter(|code| within(code, top)).cloned().collect();
        let whole = pack.unit(top).is_some_and(|unit| unit.parent.is_none() && !unit.is_partner());
        Reach { person: person.to_owned(), units, whole }
    }

    /// Whether a unit lies within it.
    pub fn has(&self, unit: &str) -> bool {
        self.units.contains(unit)
    }

    /// Whether it begins at the root: then what is of no unit lies within it, too.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// With what others have lent this person for a time (clause 6b): who decides for a unit reads what it is about.
    #[must_use]
    pub fn with_lent<'a>(mut self, delegations: impl IntoIterator<Item = &'a Delegation>) -> Reach {
        let lent = delegations.into_iter().filter(|delegation| delegation.to == self.person);
        self.units.extend(lent.map(|delegation| delegation.unit.clone()).collect::<Vec<_>>());
        self
    }

    /// Whether a case lies within it: one of its units leads it, has a part in its tasks or its responses, got a
    /// report of it or was told of it; or the person opened it, or commands it.
    pub fn sees(&self, case: &Case) -> bool {
        let has = |unit: &str| self.has(unit);
        has(&case.unit)
            || case.opened_by.person() == Some(&*self.person)
            || case.tasks.iter().any(|task| has(&task.from) || task.parts.iter().any(|part| has(&part.unit)))
            || case.responses.iter().any(|response| {
                has(&response.draft.content.unit) || case.cosigners(response).iter().any(|unit| has(unit))
            })
            || case.reports.iter().any(|report| report.to.iter().any(|to| has(&to.unit)))
            || case.notifications.iter().any(|told| has(&told.to.unit))
            || case.majors.iter().any(|major| major.commanders.iter().any(|commander| commander.person == self.person))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack() -> PolicyPack {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows/policy/linhai.json");
        PolicyPack::parse(&std::fs::read_to_string(file).unwrap(), file).unwrap()
    }

    #[test]
    fn a_reach_is_the_subtree_that_the_pack_gives_and_never_more() {
        let pack = pack();
        let of = |person: &str, narrowed: Option<&str>| {
            let reach = Reach::of(&pack, person, narrowed);
            let codes = ["linhai", "qingfeng", "cuihu", "forest-fire", "publicity"].into_iter();
            (codes.filter(|code| reach.has(code)).collect::<Vec<_>>(), reach.is_whole())
        };
        let all = vec!["linhai", "qingfeng", "cuihu", "forest-fire"];
        assert_eq!(of("lin-guodong", None), (all, true));
        assert_eq!(of("lin-guodong", Some("cuihu")), (vec!["cuihu"], false));
        assert_eq!(of("xu-ming", None), (vec!["qingfeng"], false));
        for nothing in [
            of("xu-ming", Some("linhai")),
            of("xu-ming", Some("cuihu")),
            of("nobody", None),
            of("xu-ming", Some("none")),
        ] {
            assert_eq!(nothing, (vec![], false));
        }
    }
}
