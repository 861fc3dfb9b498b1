//! Classifier `near-duplicate`: which items say the same, and who passed on
//! whom. An item that says what an earlier one said carries the label
//! `duplicate-of:ID`, one that passes it on `repost-of:ID`, where ID is the
//! first item of the cluster. Pure; what is known of earlier items goes in and
//! out as state.
//!
//! No fingerprint decides: sets of bigrams are compared exactly, and then what
//! differs is read. A digit, a negation or the name of a place that differs
//! makes two matters of it, however like they are.

mod cluster;
mod compare;
mod reading;
mod state;

use huiyin_sdk::{About, Classifier, Context, Error, Item, Outcome};
use schemars::JsonSchema;
use serde::Deserialize;

/// How near is near, and how much is kept.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(example = serde_json::json!({"threshold": 0.6, "keepDays": 7, "repostField": "repost_of"}))]
pub struct Config {
    /// The least share of common bigrams (Jaccard's, of the sets), 0.5 to 1.0.
    #[schemars(range(min = 0.5, max = 1.0))]
    pub threshold: f64,
    /// Days after which an item whose cluster got nothing new is forgotten.
    #[schemars(range(min = 1, max = 366))]
    pub keep_days: u32,
    /// The most texts that are kept; beyond it the longest unheard of are dropped.
    #[schemars(range(min = 1, max = 20_000))]
    pub keep_items: usize,
    /// The most bytes of state, 1 KiB to 4 MiB; beyond it as with `keepItems`.
    #[schemars(range(min = 1_024, max = 4_194_304))]
    pub keep_bytes: usize,
    /// The field in which a source tells the id of the item that is passed on.
    pub repost_field: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            threshold: 0.6,
            keep_days: 7,
            keep_items: 4_000,
            keep_bytes: 256 * 1_024,
            repost_field: "repost_of".to_owned(),
        }
    }
}

/// The plugin.
#[derive(Debug)]
pub struct NearDuplicate;

impl Classifier for NearDuplicate {
    type Config = Config;

    fn about() -> About {
        About::new(
            "near-duplicate",
            env!("CARGO_PKG_VERSION"),
            "Clusters of near-equal items and chains of reposts, over the days.",
        )
        .idempotent()
    }

    fn classify(
        ctx: &Context,
        config: Config,
        _: &[u8],
        state: Option<Vec<u8>>,
        items: Vec<Item>,
    ) -> Result<Outcome, Error> {
        check(&config)?;
        let mut clusters = cluster::Memory::new(&config, state::read(state.as_deref())?, ctx.now);
        let mut verdicts: Vec<_> = items.iter().map(|item| clusters.judge(item)).collect();
        let (state, lost) = clusters.finish();
        if let (Some(lost), Some(last)) = (lost, verdicts.last_mut()) {
            last.reasons.push(lost);
        }
        Ok(Outcome { verdicts: verdicts.into_iter().map(Ok).collect(), state: Some(state) })
    }
}

huiyin_sdk::export!(classifier: NearDuplicate);

fn check(config: &Config) -> Result<(), Error> {
    let wrong = |at: &str, why: &str| Err(Error::InvalidConfig(format!("at /{at}: it is not from {why}")));
    if !(0.5..=1.0).contains(&config.threshold) {
        return wrong("threshold", "0.5 to 1.0");
    }
    if !(1..=366).contains(&config.keep_days) {
        return wrong("keepDays", "1 to 366");
    }
    if !(1..=20_000).contains(&config.keep_items) {
        return wrong("keepItems", "1 to 20000");
    }
    if !(1_024..=4_194_304).contains(&config.keep_bytes) {
        return wrong("keepBytes", "1024 to 4194304");
    }
    Ok(())
}
