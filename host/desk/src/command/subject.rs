//! What a command is about. A partition's desk knows what lives there, and nothing else.

use uuid::Uuid;

use crate::Desk;

/// What a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A case, by its number.
    Case(&'a str),
    /// An item, by the desk's id.
    Item(&'a Uuid),
    /// Something that is shared, by the share's id.
    Share(&'a str),
    /// A unit, by its code.
    Unit(&'a str),
}

impl Subject<'_> {
    /// Whether a desk holds it. Units are no matter of a desk: of one it says only whether its pack names it.
    pub fn is_known(&self, desk: &Desk) -> bool {
        match self {
            Self::Case(number) => desk.case(number).is_some(),
            Self::Item(id) => desk.item(id).is_some(),
            Self::Share(id) => desk.watch().share(id).is_some(),
            Self::Unit(code) => desk.policy().is_some_and(|pack| pack.unit(code).is_some()),
        }
    }
}
