//! Records about bindings: what a slot of a unit's workflow stands for, set by
//! a person, set aside after faults, and tried beside another.

use serde::{Deserialize, Serialize};

use super::Pin;

/// Which slot: of which workflow, for which unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SlotOf {
    /// The workflow, `namespace/name`.
    pub workflow: String,
    /// The unit it serves.
    pub unit: Option<String>,
    /// The slot: an entry of the workflow's `use.functions`.
    pub slot: String,
}

/// A person chose what a slot stands for; new runs get it, running runs keep theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingChanged {
    /// Which slot.
    #[serde(flatten)]
    pub of: SlotOf,
    /// What it stands for from now on; none hands it back to the configuration.
    pub pin: Option<Pin>,
    /// Who, `person:…`.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// A slot's plugin failed again and again by its own fault. New runs get another, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingQuarantined {
    /// Which slot.
    #[serde(flatten)]
    pub of: SlotOf,
    /// What failed.
    pub from: Pin,
    /// What new runs get instead; none where nothing else is bound: then it stays, and goes on failing.
    pub to: Option<Pin>,
    /// Whose binding that is: `unit:<code>` of a unit above, `all` of the
    /// configuration's for all units, `workflow` for the workflow's own call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<String>,
    /// How often it failed.
    pub faults: u32,
    /// Within how many milliseconds.
    pub within_ms: u64,
    /// The last fault.
    pub last: String,
}

/// A person lets a slot have its own plugin again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingLifted {
    /// Which slot.
    #[serde(flatten)]
    pub of: SlotOf,
    /// Who, `person:…`.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// From now on another plugin is called beside a slot's own, and only watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryStarted {
    /// Which slot.
    #[serde(flatten)]
    pub of: SlotOf,
    /// What is tried.
    pub pin: Pin,
    /// Who, `person:…`.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// A call was made a second time with the canary: where the two differ. What the canary said counts for nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CanaryCompared {
    /// Which slot.
    #[serde(flatten)]
    pub of: SlotOf,
    /// The canary's component, SHA-256 hex.
    pub digest: String,
    /// The run.
    pub run: String,
    /// The call within the run.
    pub call: String,
    /// Items judged by both; 1 for a plugin that is no classifier.
    pub items: u32,
    /// Items of which they say different things.
    pub differing: u32,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// Calls since the comparison before that were not compared, because too many were under way.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's calling convention
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// One item of which two plugins say different things.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The item's id; empty for a plugin that is no classifier.
    pub item: String,
    /// What the slot's own plugin says: this counts.
    pub was: Said,
    /// What the canary says.
    pub would: Said,
}

/// What a plugin says of an item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Of a plugin that is no classifier: SHA-256 of its output, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Why it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a canary ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryEnd {
    /// It has taken the slot, by [`BindingChanged`].
    Promoted,
    /// A person dropped it.
    Dropped,
    /// It failed by its own fault, and was stopped.
    Stopped,
}

/// A canary is no longer called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryEnded {
    /// Which slot.
    #[serde(flatten)]
    pub of: SlotOf,
    /// How.
    pub how: CanaryEnd,
    /// Who, `person:…`; the engine where it stopped it.
    pub actor: String,
    /// Why.
    pub reason: String,
}
