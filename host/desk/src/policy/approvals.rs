//! Approval chains (审批, clause 6b): for an act, how many people in what order
//! and with which roles say yes to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use huiyin_deadline::Allowance;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::reader::{Node, Object};
use super::{Basis, PolicyPack, Recipient, Target, Whose, parse};
use crate::case::APPROVAL_ACTS;
use crate::level::Level;
use crate::unit::Unit;

/// The most steps of a chain.
pub const MAX_STEPS: usize = 8;
/// The role of everybody who answers for the unit: its people, and those of the units above.
const ANYONE: &str = "anyone";

/// Who may take a step, written `lead.principal`, `parent.duty`, `root.leader`; `duty` for that role
/// in the lead unit or in one above it; `anyone` for every person of those.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Approver {
    /// Whose people; none: the lead unit's, or those of a unit above it.
    pub whose: Option<Whose>,
    /// `spokesperson`, `principal`, a role of somebody in `people`, or `anyone`.
    pub role: String,
}

impl Approver {
    /// Everybody who answers for the unit.
    pub(crate) fn anyone() -> Self {
        Self { whose: None, role: ANYONE.to_owned() }
    }

    /// The principal of the unit above.
    pub(crate) fn higher() -> Self {
        Self { whose: Some(Whose::Parent), role: "principal".to_owned() }
    }
}

impl fmt::Display for Approver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whose {
            Some(whose) => write!(f, "{}", Target { whose, role: self.role.clone() }),
            None => f.write_str(&self.role),
        }
    }
}

impl From<Approver> for String {
    fn from(approver: Approver) -> Self {
        approver.to_string()
    }
}

impl TryFrom<String> for Approver {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text.contains('.') {
            let target = Target::try_from(text)?;
            return Ok(Self { whose: Some(target.whose), role: target.role });
        }
        if text.is_empty() {
            return Err("an approver is a role, such as `principal` or `lead.principal`".to_owned());
        }
        Ok(Self { whose: None, role: text })
    }
}

/// One step of a chain: any one of these takes it.
pub type Step = Vec<Approver>;

/// The chain of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// Which act, by the name that the approval carries ([`crate::case::APPROVAL_ACTS`]).
    pub act: String,
    /// For cases of these levels; empty: of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Level>,
    /// The steps, in order; at least one.
    pub chain: Vec<Step>,
    /// How long it may wait from the asking to the last step; none: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Allowance>,
    /// Where the rule comes from.
    pub basis: Basis,
}

impl ApprovalRule {
    /// How long it may wait.
    pub fn lasts(&self) -> Option<SignedDuration> {
        match self.expires {
            Some(Allowance::Elapsed(length)) => Some(length),
            _ => None,
        }
    }
}

impl PolicyPack {
    /// The chain that an act needs at a level, if the pack has one.
    pub fn approval(&self, act: &str, level: Level) -> Option<&ApprovalRule> {
        self.approvals.iter().find(|rule| rule.act == act && (rule.levels.is_empty() || rule.levels.contains(&level)))
    }

    /// Whether a person may take a step in a matter of this unit, by what they are themselves.
    pub fn takes(&self, step: &[Approver], person: &str, unit: &str) -> bool {
        step.iter().any(|approver| takes(&self.units, approver, person, unit))
    }

    /// The people who may take a step, each once; of `anyone` none is named.
    pub fn takers(&self, step: &[Approver], unit: &str) -> Vec<Recipient> {
        let named: Vec<&Approver> = step.iter().filter(|approver| approver.role != ANYONE).collect();
        let line: Vec<&Unit> = self.line(unit).collect();
        let mut found: Vec<Recipient> = Vec::new();
        for unit_of in &line {
            for person in &unit_of.people {
                let role = named.iter().find(|a| takes(&self.units, a, &person.id, unit)).map(|a| a.role.clone());
                if let Some(role) = role {
                    let (id, name) = (person.id.clone(), person.name.clone());
                    found.push(Recipient { id, name, unit: unit_of.code.clone(), role });
                }
            }
        }
        found
    }
}

/// A unit and all above it.
fn line<'u>(units: &'u [Unit], code: &str) -> impl Iterator<Item = &'u Unit> {
    let by_code = |code: &str| units.iter().find(|unit| unit.code == code);
    let up = move |unit: &&'u Unit| unit.parent.as_deref().and_then(|up| units.iter().find(|unit| unit.code == up));
    std::iter::successors(by_code(code), up).take(units.len())
}

fn takes(units: &[Unit], approver: &Approver, person: &str, lead: &str) -> bool {
    let has = |unit: &Unit| match approver.role.as_str() {
        ANYONE => unit.person(person).is_some(),
        role => unit.has_role(person, role),
    };
    match approver.whose {
        None => line(units, lead).any(has),
        Some(Whose::Lead) => line(units, lead).next().is_some_and(has),
        // Nobody of this pack stands above the root, which so decides itself.
        Some(Whose::Parent) => line(units, lead).take(2).last().is_some_and(has),
        Some(Whose::Root) => line(units, lead).last().is_some_and(has),
    }
}

/// Reads a rule.
pub(super) fn rule(node: &Node) -> Option<ApprovalRule> {
    let object = node.object(&["act", "levels", "chain", "expires", "basis"])?;
    let act = object.need("act").and_then(|n| {
        let name = n.text()?;
        if APPROVAL_ACTS.contains(&name.as_str()) {
            return Some(name);
        }
        n.problem(format!("`{name}` is no act that is approved"), &format!("there are: {}", APPROVAL_ACTS.join(", ")))
    });
    let levels = object.get("levels").map_or(Some(Vec::new()), |n| n.levels());
    let chain = object.need("chain").and_then(|n| {
        let chain = n.list_of(step)?;
        if chain.is_empty() || chain.len() > MAX_STEPS {
            return n.problem(
                format!("a chain has 1 to {MAX_STEPS} steps, not {}", chain.len()),
                "name who approves, such as [\"lead.principal\"]; several of whom any one will do as a list of their own",
            );
        }
        Some(chain)
    });
    let expires = object.get("expires").map(|n| {
        let figure = parse::allowance(&n)?;
        match figure {
            Allowance::Elapsed(length) if length.is_positive() => Some(figure),
            _ => n.problem("an approval waits for a time that the clock counts", "write a duration such as \"PT24H\""),
        }
    });
    let basis = parse::basis(&object);
    Some(ApprovalRule {
        act: act?,
        levels: levels?,
        chain: chain?,
        expires: match expires {
            Some(figure) => Some(figure?),
            None => None,
        },
        basis: basis?,
    })
}

/// `"lead.principal"`, or a list of several.
fn step(node: &Node) -> Option<Step> {
    let one = |n: &Node| {
        let text = n.text()?;
        Approver::try_from(text).map_err(|why| n.problem::<()>(why, "")).ok()
    };
    if !node.value.is_array() {
        return one(node).map(|approver| vec![approver]);
    }
    let several = node.list_of(one)?;
    if several.is_empty() {
        return node.problem("nobody may take this step", "name at least one role");
    }
    Some(several)
}

/// What the rules mean together: known roles, each act and level once, and for every unit enough
/// different people that a chain can be walked to its end.
pub(super) fn check(pack: &Object, rules: Option<&[ApprovalRule]>, units: Option<&[Unit]>) {
    let Some(rules) = rules else { return };
    for (i, rule) in rules.iter().enumerate() {
        let everywhere =
            |rule: &ApprovalRule| if rule.levels.is_empty() { Level::ALL.to_vec() } else { rule.levels.clone() };
        let mine = everywhere(rule);
        let before = |b: &&ApprovalRule| b.act == rule.act && everywhere(b).iter().any(|level| mine.contains(level));
        if rules.iter().take(i).any(|b| before(&b)) {
            pack.problem_at(
                &format!("/approvals/{i}/act"),
                format!("there is a chain for `{}` at one of these levels already", rule.act),
                "give each level one chain",
            );
        }
        for (j, step) in rule.chain.iter().enumerate() {
            let many = step.len() > 1;
            for (k, approver) in step.iter().enumerate().filter(|(_, approver)| approver.role != ANYONE) {
                let place =
                    if many { format!("/approvals/{i}/chain/{j}/{k}") } else { format!("/approvals/{i}/chain/{j}") };
                super::check::a_known_role(pack, &place, &approver.role, units);
            }
        }
        let Some(units) = units else { continue };
        let short = units.iter().filter(|unit| !unit.is_partner()).find(|unit| !walks(units, &rule.chain, &unit.code));
        if let Some(unit) = short {
            pack.problem_at(
                &format!("/approvals/{i}/chain"),
                format!(
                    "in matters of unit `{}` there are not enough different people for these steps beside an author \
                     (clause 6b)",
                    unit.code
                ),
                "give the roles to more people, or name others who may take the step",
            );
        }
    }
}

/// Whether every step finds a person of its own, for some author of the lead unit: a matching of
/// steps to people, grown by one path a step.
fn walks(units: &[Unit], chain: &[Step], lead: &str) -> bool {
    let people: BTreeSet<&str> =
        line(units, lead).flat_map(|unit| &unit.people).map(|person| person.id.as_str()).collect();
    let able: Vec<Vec<&str>> = chain
        .iter()
        .map(|step| {
            people.iter().copied().filter(|person| step.iter().any(|a| takes(units, a, person, lead))).collect()
        })
        .collect();
    let authors = line(units, lead).next().into_iter().flat_map(|unit| &unit.people).map(|person| person.id.as_str());
    authors.into_iter().any(|author| {
        let mut of_person: BTreeMap<&str, usize> = BTreeMap::new();
        (0..chain.len()).all(|step| placed(step, author, &able, &mut of_person, &mut BTreeSet::new()))
    })
}

fn placed<'p>(
    step: usize,
    author: &str,
    able: &[Vec<&'p str>],
    of_person: &mut BTreeMap<&'p str, usize>,
    tried: &mut BTreeSet<&'p str>,
) -> bool {
    for person in able.get(step).into_iter().flatten().copied().filter(|person| *person != author) {
        if !tried.insert(person) {
            continue;
        }
        let free = match of_person.get(person).copied() {
            None => true,
            Some(other) => placed(other, author, able, of_person, tried),
        };
        if free {
            of_person.insert(person, step);
            return true;
        }
    }
    false
}
