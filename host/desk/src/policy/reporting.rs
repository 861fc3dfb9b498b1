//! The one channel by which a unit's reports go out (归口报送, clause 3.3).

use serde::{Deserialize, Serialize};

use super::reader::{Node, Object};
use super::{Basis, PolicyPack, Target, Whose, parse};
use crate::case::Addressee;
use crate::unit::Unit;

/// Who sends the reports of every unit, and whom they go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportingRule {
    /// Who sends: people of the lead unit, or of one above it, with one of these roles; empty: whoever may submit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whom reports go to: somebody of the unit's own level, and somebody above it.
    pub to: Vec<Target>,
    /// Where the rule comes from.
    pub basis: Basis,
}

impl PolicyPack {
    /// Whom a unit's reports go to, one entry for each unit that signs.
    pub fn addressees(&self, unit: &str) -> Vec<Addressee> {
        let mut found: Vec<Addressee> = Vec::new();
        for recipient in self.reporting.iter().flat_map(|rule| &rule.to).flat_map(|to| self.resolve(to, unit)) {
            match found.iter_mut().find(|known| known.unit == recipient.unit) {
                Some(known) if known.to.contains(&recipient.id) => {}
                Some(known) => known.to.push(recipient.id),
                None => found.push(Addressee { unit: recipient.unit, to: vec![recipient.id] }),
            }
        }
        found
    }
}

/// Reads the rule.
pub(super) fn rule(node: &Node) -> Option<ReportingRule> {
    let object = node.object(&["roles", "to", "basis"])?;
    let roles = object.get("roles").map_or(Some(Vec::new()), |n| n.list_of(Node::code));
    let to = object.need("to").and_then(|n| {
        let to = n.list_of(|n| Target::try_from(n.text()?).map_err(|why| n.problem::<()>(why, "")).ok())?;
        for (whose, what, example) in
            [(Whose::Lead, "the unit's own level", "lead.principal"), (Whose::Parent, "the unit above", "parent.duty")]
        {
            if !to.iter().any(|target| target.whose == whose) {
                n.problem::<()>(
                    format!("reports go to {what} too (clause 3.3)"),
                    &format!("add a target such as \"{example}\""),
                );
            }
        }
        Some(to)
    });
    let basis = parse::basis(&object);
    Some(ReportingRule { roles: roles?, to: to?, basis: basis? })
}

/// Roles that somebody has.
pub(super) fn check(pack: &Object, rule: Option<&ReportingRule>, units: Option<&[Unit]>) {
    let Some(rule) = rule else { return };
    for (i, role) in rule.roles.iter().enumerate() {
        super::check::a_known_role(pack, &format!("/reporting/roles/{i}"), role, units);
    }
    for (i, target) in rule.to.iter().enumerate() {
        super::check::a_known_role(pack, &format!("/reporting/to/{i}"), &target.role, units);
    }
}
