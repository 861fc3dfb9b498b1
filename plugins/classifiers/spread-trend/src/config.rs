//! What a topic is, what counts, and where the lines are.

use huiyin_sdk::{Error, Level};
use schemars::JsonSchema;
use serde::Deserialize;

/// All of it can be left out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// Fields of which the first that is there names an item's topic: a cluster, a hashtag, a case. An item without is a
    /// topic of its own.
    pub topic_fields: Vec<String>,
    /// The window over which the rate is taken, in minutes.
    #[schemars(range(min = 1, max = 10_080))]
    pub window_minutes: u64,
    /// What a reading, a comment and so on add to the heat.
    pub weights: Weights,
    /// Heat an hour from which on a level is reached.
    pub up: Lines,
    /// A level is left below this share of its line, 0.0 to 1.0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub down: f64,
    /// The least time at a level before it is lowered, in minutes.
    #[schemars(range(min = 0, max = 10_080))]
    pub stay_minutes: u64,
    /// A rate this many times that of the window before, and at least the lowest line, raises the level by one.
    #[schemars(range(min = 1.0))]
    pub surge: f64,
    /// Hours after its last observation at which a topic is forgotten.
    #[schemars(range(min = 1, max = 8_784))]
    pub keep_hours: u64,
    /// The most topics that are kept; beyond it the longest unheard of are dropped.
    #[schemars(range(min = 1, max = 10_000))]
    pub keep_topics: usize,
    /// The most items of a topic whose counts are followed; further ones count as items alone.
    #[schemars(range(min = 1, max = 10_000))]
    pub keep_items: usize,
    /// The most bytes of state, 1 KiB to 4 MiB; beyond it as with `keepTopics`.
    #[schemars(range(min = 1_024, max = 4_194_304))]
    pub keep_bytes: usize,
}

/// What adds how much heat.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Weights {
    /// One more item.
    pub item: f64,
    /// One more reading.
    pub reads: f64,
    /// One more comment.
    pub comments: f64,
    /// One more sharing.
    pub shares: f64,
    /// One more like.
    pub likes: f64,
}

/// A rate for each level, rising.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lines {
    /// Ⅳ.
    #[serde(rename = "IV")]
    pub iv: f64,
    /// Ⅲ.
    #[serde(rename = "III")]
    pub iii: f64,
    /// Ⅱ.
    #[serde(rename = "II")]
    pub ii: f64,
    /// Ⅰ.
    #[serde(rename = "I")]
    pub i: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            topic_fields: vec!["cluster".to_owned(), "topic".to_owned()],
            window_minutes: 60,
            weights: Weights::default(),
            up: Lines::default(),
            down: 0.6,
            stay_minutes: 120,
            surge: 3.0,
            keep_hours: 72,
            keep_topics: 500,
            keep_items: 100,
            keep_bytes: 512 * 1_024,
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self { item: 20.0, reads: 0.01, comments: 1.0, shares: 2.0, likes: 0.2 }
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self { iv: 100.0, iii: 1_000.0, ii: 5_000.0, i: 20_000.0 }
    }
}

impl Lines {
    /// The rate at which a level is reached.
    pub(crate) fn of(&self, level: Level) -> f64 {
        match level {
            Level::IV => self.iv,
            Level::III => self.iii,
            Level::II => self.ii,
            Level::I => self.i,
        }
    }

    /// The gravest level whose line, times `share`, is reached.
    pub(crate) fn reached(&self, rate: f64, share: f64) -> Option<Level> {
        [Level::I, Level::II, Level::III, Level::IV].into_iter().find(|&level| rate >= self.of(level) * share)
    }
}

pub(crate) fn check(config: &Config) -> Result<(), Error> {
    let wrong = |at: &str, why: &str| Err(Error::InvalidConfig(format!("at {at}: {why}")));
    if !(1..=10_080).contains(&config.window_minutes) {
        return wrong("/windowMinutes", "it is not from 1 to 10080");
    }
    if config.stay_minutes > 10_080 {
        return wrong("/stayMinutes", "it is above 10080");
    }
    let weights = &config.weights;
    for (name, weight) in [
        ("item", weights.item),
        ("reads", weights.reads),
        ("comments", weights.comments),
        ("shares", weights.shares),
        ("likes", weights.likes),
    ] {
        if !(0.0..=1e6).contains(&weight) {
            return wrong(&format!("/weights/{name}"), "it is not from 0 to 1000000");
        }
    }
    let up = &config.up;
    let rising = 0.0 < up.iv && up.iv < up.iii && up.iii < up.ii && up.ii < up.i && up.i.is_finite();
    if !rising {
        return wrong("/up", "the lines must rise from IV to I, and the lowest be above 0");
    }
    if !(0.0..=1.0).contains(&config.down) {
        return wrong("/down", "it is not from 0.0 to 1.0");
    }
    if !(1.0..=1e6).contains(&config.surge) {
        return wrong("/surge", "it is below 1");
    }
    if !(1..=8_784).contains(&config.keep_hours) || config.keep_hours * 60 < config.window_minutes * 2 {
        return wrong("/keepHours", "it is not from 1 to 8784, or shorter than two windows");
    }
    if !(1..=10_000).contains(&config.keep_topics) {
        return wrong("/keepTopics", "it is not from 1 to 10000");
    }
    if !(1..=10_000).contains(&config.keep_items) {
        return wrong("/keepItems", "it is not from 1 to 10000");
    }
    if !(1_024..=4_194_304).contains(&config.keep_bytes) {
        return wrong("/keepBytes", "it is not from 1024 to 4194304");
    }
    Ok(())
}
