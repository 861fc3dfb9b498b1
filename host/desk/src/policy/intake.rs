//! What a pack says of the hotline (clause 4b).

use serde::{Deserialize, Serialize};

use super::parse::basis;
use super::reader::{Node, Object};
use super::{Basis, Status};

/// What is expected of the hotline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HotlineRule {
    /// The share of calls that is to be taken (接听率), 0 to 1; none while the figure is unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_rate: Option<f64>,
    /// Where the rule comes from.
    pub basis: Basis,
}

/// Reads `hotline`.
pub(super) fn hotline(node: &Node) -> Option<HotlineRule> {
    let object = node.object(&["answer_rate", "basis"])?;
    let rate = object.get("answer_rate").map(|n| share(&n));
    let basis = basis(&object);
    figure(&object, "answer_rate", basis.as_ref());
    Some(HotlineRule {
        answer_rate: match rate {
            Some(rate) => Some(rate?),
            None => None,
        },
        basis: basis?,
    })
}

/// A figure is given, or its status says that it is unset.
fn figure(object: &Object, key: &str, basis: Option<&Basis>) {
    match (object.get(key), basis.map(|basis| basis.status)) {
        (Some(node), Some(Status::Unset)) => {
            node.problem::<()>("a figure is given, and yet its status is `unset`", "say where the figure comes from");
        }
        (None, Some(status)) if status != Status::Unset => {
            let message = format!("`{key}` is missing");
            object.node.problem::<()>(message, "give it, or mark the rule's `status` as `unset`");
        }
        _ => {}
    }
}

/// A share, from 0 to 1.
fn share(node: &Node) -> Option<f64> {
    match node.value.as_f64() {
        Some(share) if (0.0..=1.0).contains(&share) => Some(share),
        _ => node.problem("this is no share", "write a number from 0 to 1, such as 0.95"),
    }
}
