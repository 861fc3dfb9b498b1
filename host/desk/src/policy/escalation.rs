//! What a pack says about escalation: the rungs of a clock rule's ladder.

use huiyin_deadline::Allowance;
use huiyin_deadline::clock::ladder::{MAX_RUNGS, Offset, SHORTEST, Timing};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::reader::{Node, Object};
use super::{ClockRule, PolicyPack, Recipient, Target, named};
use crate::unit::Unit;

/// A rung of a ladder: when, and whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// When it is raised, repeated, and climbs.
    #[serde(flatten)]
    pub timing: Timing,
    /// Whom it tells.
    pub tell: Vec<Target>,
    /// Whom it tells besides the unit above, where nobody acknowledges it in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Target>,
}

pub(super) fn rung(node: &Node) -> Option<Rung> {
    let object = node.object(&["after", "tell", "acknowledge_within", "repeat", "fallback"])?;
    let after = object.need("after").and_then(|n| {
        let text = n.text()?;
        text.parse::<Offset>().map_err(|error| n.problem::<()>(error.to_string(), "")).ok()
    });
    let tell = object.need("tell").and_then(|n| {
        let targets = n.list_of(target)?;
        if targets.is_empty() {
            return n.problem("nobody is told", "name at least one, such as `parent.principal`");
        }
        Some(targets)
    });
    let acknowledge_within = object.get("acknowledge_within").map(|n| length(&n));
    let repeat = object.get("repeat").map(|n| length(&n));
    let fallback = object.get("fallback").map_or(Some(Vec::new()), |n| {
        if object.get("acknowledge_within").is_none() {
            let hint = "add `acknowledge_within`: the fallback is told when that has passed";
            return n.problem("a fallback is told only where an acknowledgement is waited for", hint);
        }
        n.list_of(target)
    });
    let timing = Timing { after: after?, acknowledge_within: given(acknowledge_within)?, repeat: given(repeat)? };
    Some(Rung { timing, tell: tell?, fallback: fallback? })
}

/// A key that is absent, or read; none where it could not be read.
#[allow(clippy::option_option)] // absent, faulty, read
fn given<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

fn target(node: &Node) -> Option<Target> {
    Target::try_from(node.text()?).map_err(|why| node.problem::<()>(why, "")).ok()
}

fn length(node: &Node) -> Option<SignedDuration> {
    match super::parse::allowance(node)? {
        Allowance::Elapsed(length) if length >= SHORTEST => Some(length),
        _ => node.problem("a time of at least a minute is wanted here", "write it as \"PT15M\""),
    }
}

/// Ladders in order, of known roles; and extensions of the kind of the allowance.
pub(super) fn check(pack: &Object, clocks: Option<&[ClockRule]>, units: Option<&[Unit]>) {
    for (i, clock) in clocks.into_iter().flatten().enumerate() {
        let at = |key: &str| format!("/clocks/{i}/{key}");
        if clock.escalation.len() > MAX_RUNGS {
            let message = format!("{} rungs; at most {MAX_RUNGS}", clock.escalation.len());
            pack.problem_at(&at("escalation"), message, "repeat a rung instead: `repeat`");
        }
        for (j, rung) in clock.escalation.iter().enumerate() {
            for (key, targets) in [("tell", &rung.tell), ("fallback", &rung.fallback)] {
                for (k, target) in targets.iter().enumerate() {
                    super::check::a_known_role(pack, &at(&format!("escalation/{j}/{key}/{k}")), &target.role, units);
                }
            }
            if let (Offset::Due(after), Some(Allowance::Elapsed(whole))) = (rung.timing.after, clock.allowance)
                && after.is_negative()
                && after.abs() >= whole
            {
                let message = format!("{} would come before the clock starts ({whole})", rung.timing.after);
                pack.problem_at(&at(&format!("escalation/{j}/after")), message, "escalate later");
            }
        }
        let Some(more) = clock.extension else { continue };
        // Of clause 5e there is none: that is told with the rest of its rule.
        if clock.allowance.is_some_and(|whole| whole.and(&more).is_none()) {
            let message = format!("{more} is another kind of figure than the allowance, or too long together with it");
            pack.problem_at(&at("extension"), message, "give both in the same kind, such as \"20wd\" and \"20wd\"");
        }
    }
}

impl PolicyPack {
    /// The principal so many units above a unit; above the root, its superior.
    pub(crate) fn principal_above(&self, unit: &str, up: usize) -> Vec<Recipient> {
        let line: Vec<&Unit> = self.line(unit).collect();
        match line.get(up) {
            Some(above) => named(above, "principal"),
            None => line.last().and_then(|root| root.superior_as("principal")).into_iter().collect(),
        }
    }
}

impl Unit {
    /// The authority above the root, one address for every role (clause 3.3).
    pub(super) fn superior_as(&self, role: &str) -> Option<Recipient> {
        self.superior.as_ref().map(|superior| Recipient {
            id: superior.id.clone(),
            name: superior.name.clone(),
            unit: "superior".to_owned(),
            role: role.to_owned(),
        })
    }
}
