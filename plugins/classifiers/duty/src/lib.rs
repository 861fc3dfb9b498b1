//! Classifier `duty`: which duties of the unit an item concerns (谁主管、谁负责,
//! clause 1e; 属地管理, clause 1d), by boolean rules over terms. Each duty that
//! holds gives the label `duty:NAME` and, where the duty names a unit,
//! `unit:CODE`, the best supported first. Pure.

mod config;
mod judge;

pub use config::{Config, Duty, Place};

use huiyin_sdk::{About, Classifier, Context, Error, Item, Outcome};

/// The plugin.
#[derive(Debug)]
pub struct Duties;

impl Classifier for Duties {
    type Config = Config;

    fn about() -> About {
        About::new(
            "duty",
            env!("CARGO_PKG_VERSION"),
            "Which duties of the unit an item concerns, for routing, by boolean rules over terms.",
        )
        .idempotent()
    }

    fn classify(_: &Context, config: Config, _: &[u8], _: Option<Vec<u8>>, items: Vec<Item>) -> Result<Outcome, Error> {
        let judge = judge::Judge::new(&config)?;
        let verdicts: Vec<_> = items.iter().map(|item| Ok(judge.judge(item))).collect();
        Ok(verdicts.into())
    }
}

huiyin_sdk::export!(classifier: Duties);
