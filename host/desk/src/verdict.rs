//! Verdicts: what a classifier says of one item (研判, clause 3.2a).

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::level::Level;
use crate::text::clip;

/// The judgement of one item, as the plugin contract has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// None where the classifier sees no matter for the duty.
    #[serde(default)]
    pub level: Option<Level>,
    /// 0.0 to 1.0.
    #[serde(default)]
    pub score: f64,
    /// What it rests on, 0.0 (none) to 1.0 (most): `content`, `public`, `media`, or the classifier's own.
    #[serde(default)]
    pub factors: BTreeMap<String, f64>,
    /// Labels, such as 谣言.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Why, in words an officer can check.
    #[serde(default)]
    pub reasons: Vec<String>,
}

impl Verdict {
    /// The same verdict with its lists and texts cut to what a case keeps:
    /// sixteen of each, two hundred characters a text.
    #[must_use]
    pub fn bounded(&self) -> Self {
        let cut = |texts: &[String]| texts.iter().take(16).map(|t| clip(t, 200)).collect();
        Self {
            level: self.level,
            score: self.score,
            factors: self.factors.iter().take(16).map(|(name, score)| (clip(name, 40), *score)).collect(),
            labels: cut(&self.labels),
            reasons: cut(&self.reasons),
        }
    }
}

/// A verdict that was recorded, and on whose word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// What was said, within bounds.
    pub verdict: Verdict,
    /// True for the pinned floor's (rule 7).
    #[serde(default)]
    pub floor: bool,
    /// The classifier, `name:version`, where one said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<String>,
    /// Who recorded it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}
