//! Classifier `risk-level`: the regulation's three standards of assessment
//! (clause 3.2a) as figures. 舆情内容 is scored by topics found in the text,
//! 公众反应 by counts against thresholds, 媒体介入程度 by channel and outlet;
//! their weighted sum gives the level, and every part is named in the reasons.
//! The four labels of clause 3.1c are set by cues. Pure.
//!
//! The figures are a starting point of this project, not the regulation's
//! (which gives none); each can be overridden in the configuration.

mod config;
mod defaults;
mod score;
mod words;

pub use config::{Channel, Config, Content, Cue, Levels, Media, Outlet, Public, Steps, Topic, Weights, Word};

use huiyin_sdk::{About, Classifier, Context, Error, Item, Outcome};

/// The plugin.
#[derive(Debug)]
pub struct RiskLevel;

impl Classifier for RiskLevel {
    type Config = Config;

    fn about() -> About {
        About::new(
            "risk-level",
            env!("CARGO_PKG_VERSION"),
            "Content, public reaction and media involvement, weighed into a level with reasons.",
        )
        .idempotent()
    }

    fn classify(_: &Context, config: Config, _: &[u8], _: Option<Vec<u8>>, items: Vec<Item>) -> Result<Outcome, Error> {
        let scorer = score::Scorer::new(&config)?;
        let verdicts: Vec<_> = items.iter().map(|item| Ok(scorer.judge(item))).collect();
        Ok(verdicts.into())
    }
}

huiyin_sdk::export!(classifier: RiskLevel);
