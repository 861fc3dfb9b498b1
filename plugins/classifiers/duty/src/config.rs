//! The duties and their rules.

use huiyin_sdk::terms::Condition;
use schemars::JsonSchema;
use serde::Deserialize;

/// The duties of a unit, or of all units under one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Looked at all of them; of those equally supported the earlier is told first.
    #[schemars(length(min = 1))]
    pub duties: Vec<Duty>,
    /// The field in which an item's place stands, as a code of GB/T 2260: `region` unless given.
    #[serde(default = "region")]
    pub region_field: String,
}

fn region() -> String {
    "region".to_owned()
}

/// A duty, and by what it is known.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Duty {
    /// As the policy pack has it under `duties`.
    #[schemars(example = &"森林草原防火")]
    pub name: String,
    /// The code of the unit that has it; none where the pack alone says so.
    #[serde(default)]
    #[schemars(example = &"forest-fire")]
    pub unit: Option<String>,
    /// When an item concerns it.
    pub when: Condition,
    /// Where to look.
    #[serde(default, rename = "in")]
    pub place: Place,
    /// Codes of GB/T 2260, or the first two or four digits of one, in which the unit has the duty; everywhere if empty.
    /// An item whose place is not told is not excluded.
    #[serde(default)]
    pub regions: Vec<String>,
    /// How much the duty weighs against others, above 0.0 and up to 1.0.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

/// Where a rule looks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// In the title or the body.
    #[default]
    Any,
    /// In the title only.
    Title,
    /// In the body only.
    Body,
}
