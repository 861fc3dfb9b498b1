//! Classifier `rumour-markers`: 疑虑、误解、歪曲、谣言 (clause 3.1c) by the words
//! that carry them, each label with its words. Pure.
//!
//! A marker is something that people write where they doubt, misread, twist or
//! pass on what nobody has confirmed. It says how a text speaks, not whether what it says is true.

mod defaults;
mod judge;

use huiyin_sdk::{About, BTreeMap, Classifier, Context, Error, Item, Level, Outcome};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::judge::Markers;

/// `{}` is a whole configuration.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(example = example())]
pub struct Config {
    /// By label: what more it is told by, and from which score on.
    pub labels: BTreeMap<Label, Marking>,
    /// Words of official denial, in addition: a text with one of them tells of a rumour and does not spread it.
    pub denials: Vec<String>,
    /// Words that show whose matter it is. Where there are any, a text without one of them is passed over.
    pub about: Vec<String>,
}

fn example() -> huiyin_sdk::serde_json::Value {
    huiyin_sdk::serde_json::json!({
        "labels": {"谣言": {"level": "III", "words": {"村口都在说": 0.4}}, "疑虑": {"atLeast": 0.6}},
        "denials": ["临海发布"],
        "about": ["林", "山火", "野生动物"]
    })
}

/// The four of clause 3.1c.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
pub enum Label {
    /// Doubt, worry, a question put to the authorities.
    #[serde(rename = "疑虑")]
    Doubt,
    /// A rule or measure taken for another than it is.
    #[serde(rename = "误解")]
    Misreading,
    /// Facts bent: motives alleged, concealment alleged, the part for the whole.
    #[serde(rename = "歪曲")]
    Distortion,
    /// Passed on without a source, or against a denial.
    #[serde(rename = "谣言")]
    Rumour,
}

impl Label {
    pub(crate) const ALL: [Label; 4] = [Label::Doubt, Label::Misreading, Label::Distortion, Label::Rumour];

    /// As it stands in a verdict.
    pub fn name(self) -> &'static str {
        match self {
            Label::Doubt => "疑虑",
            Label::Misreading => "误解",
            Label::Distortion => "歪曲",
            Label::Rumour => "谣言",
        }
    }
}

/// How one label is told.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Marking {
    /// More words, each with its weight from 0.0 to 1.0; weights add up as 1 − (1 − a)(1 − b)…
    pub words: BTreeMap<String, f64>,
    /// Built-in words that do not count here.
    pub without: Vec<String>,
    /// Said from this score on; 0.4 unless given.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub at_least: Option<f64>,
    /// The level that the label means; none unless given.
    pub level: Option<Level>,
}

/// The plugin.
#[derive(Debug)]
pub struct RumourMarkers;

impl Classifier for RumourMarkers {
    type Config = Config;

    fn about() -> About {
        About::new(
            "rumour-markers",
            env!("CARGO_PKG_VERSION"),
            "Doubt, misreading, distortion and rumour by the words that carry them.",
        )
        .idempotent()
    }

    fn classify(_: &Context, config: Config, _: &[u8], _: Option<Vec<u8>>, items: Vec<Item>) -> Result<Outcome, Error> {
        let markers = Markers::new(&config)?;
        let verdicts: Vec<_> = items.iter().map(|item| Ok(markers.judge(item))).collect();
        Ok(verdicts.into())
    }
}

huiyin_sdk::export!(classifier: RumourMarkers);
