//! What a pack says of keeping and reading (信息管理制度, clause 6a): how long what is kept, and who may read what is
//! secret.

use serde::{Deserialize, Serialize};

use super::parse::basis;
use super::reader::Node;
use super::{Basis, Status};

/// How long one kind of data is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionRule {
    /// `items`, `cases`, `messages`, `calls` or `logs`.
    pub data: String,
    /// For how many years; none for ever, or while the figure is unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub years: Option<u16>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// Who may read secret cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    /// Roles of the lead unit, of one above it, or of one that has a part.
    pub secret: Vec<String>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// The kinds of data that a rule may be about.
const DATA: [(&str, &str); 5] =
    [("items", "items"), ("cases", "cases"), ("messages", "messages"), ("calls", "calls"), ("logs", "logs")];

/// Reads an entry of `retention`.
pub(super) fn retention(node: &Node) -> Option<RetentionRule> {
    let object = node.object(&["data", "years", "permanent", "basis"])?;
    let data = object.need("data").and_then(|n| n.choice(&DATA));
    let years = object.get("years").map(|n| {
        let years =
            n.value.as_u64().and_then(|years| u16::try_from(years).ok()).filter(|years| (1..=200).contains(years));
        years.or_else(|| n.problem("this is no number of years", "write a whole number from 1 to 200"))
    });
    let permanent = object.get("permanent").map_or(Some(false), |n| n.bool());
    let basis = basis(&object);
    let unset = basis.as_ref().is_some_and(|basis| basis.status == Status::Unset);
    match (&years, permanent) {
        (None, Some(false)) if !unset => {
            object.node.problem::<()>(
                "`years` is missing",
                "give it, or write `\"permanent\": true`, or mark the rule's `status` as `unset`",
            );
        }
        (Some(_), Some(true)) => object.node.problem("it is kept for some years or for ever", "keep one of the two")?,
        (Some(_), _) if unset => object
            .node
            .problem("a figure is given, and yet its status is `unset`", "say where the figure comes from")?,
        _ => {}
    }
    Some(RetentionRule {
        data: data?.to_owned(),
        years: match years {
            Some(years) => Some(years?),
            None => None,
        },
        basis: basis?,
    })
}

/// Reads `access`.
pub(super) fn access(node: &Node) -> Option<AccessRule> {
    let object = node.object(&["secret", "basis"])?;
    let secret = object.need("secret").and_then(|n| {
        let roles = n.list_of(Node::code)?;
        if roles.is_empty() {
            return n.problem("nobody may read what is secret", "name at least one role, such as `principal`");
        }
        Some(roles)
    });
    let basis = basis(&object);
    Some(AccessRule { secret: secret?, basis: basis? })
}
