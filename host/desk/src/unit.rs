//! Units (单位): the nodes of the organisation, and their people.

use serde::{Deserialize, Serialize};

use crate::number::Prefix;
use crate::policy::ClockOverride;
use crate::text::Name;

/// A person whom a unit names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Unique in the whole pack; also the recipient's name for notifiers.
    pub id: String,
    /// The person's name.
    pub name: String,
    /// What the person does in the unit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// The department that leads and answers public opinion (clause 3.5a).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Office {
    /// Its name.
    pub name: String,
    /// How it is reached, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// The authority above the root unit, outside this pack (clause 5c).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superior {
    /// The recipient's name for notifiers.
    pub id: String,
    /// The authority's name.
    pub name: String,
}

/// What kind of unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitKind {
    /// A part of the organisation.
    #[default]
    Own,
    /// An office beside it (clause 6c: publicity, cyberspace, emergency, media), outside the tree: it
    /// sees what is shared with it and takes part in joint tasks.
    Partner,
}

impl UnitKind {
    #[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks for it
    fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Unique in the pack: lower case letters, digits, `-`.
    pub code: String,
    /// What kind of unit.
    #[serde(default, skip_serializing_if = "UnitKind::is_own")]
    pub kind: UnitKind,
    /// Its name.
    pub name: Name,
    /// The code of the unit above it; none for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What its case numbers begin with; holds the region code.
    pub number: Prefix,
    /// What it is in charge of (clause 1e).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duties: Vec<String>,
    /// Clause 3.5a.
    pub office: Office,
    /// The spokesperson's id (clause 5b).
    pub spokesperson: String,
    /// The principal's id (clause 5b).
    pub principal: String,
    /// Everyone the unit names.
    pub people: Vec<Person>,
    /// Where the root reports to (clause 5c).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superior: Option<Superior>,
    /// Clocks this unit keeps more tightly than the units above it (rule 7).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ClockOverride>,
    /// The most that plugins and workflows may reach on its behalf, written like a
    /// grant; no such cap where it is absent. What a grant is, the desk does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may: Option<serde_json::Value>,
}

impl Unit {
    /// True for an office outside the tree.
    pub fn is_partner(&self) -> bool {
        self.kind == UnitKind::Partner
    }

    /// The person with this id.
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// Whether one of its people is its `spokesperson` or `principal`, or has a role of that name.
    pub fn has_role(&self, id: &str, role: &str) -> bool {
        self.person(id).is_some_and(|person| match role {
            "spokesperson" => self.spokesperson == id,
            "principal" => self.principal == id,
            role => person.roles.iter().any(|own| own == role),
        })
    }
}
