//! Classifier `region`: the places of a text as codes of GB/T 2260. A place
//! that is certain carries the label `region:CODE`; of a name that several
//! places bear each carries `region-candidate:CODE`: ambiguity is an answer,
//! never one pick. Pure.

mod config;
mod mention;
mod resolve;
mod table;

pub use config::{Config, Place};

use huiyin_sdk::{About, Classifier, Context, Error, Item, Outcome};

/// The plugin.
#[derive(Debug)]
pub struct Region;

impl Classifier for Region {
    type Config = Config;

    fn about() -> About {
        About::new(
            "region",
            env!("CARGO_PKG_VERSION"),
            "Places in a text as codes of GB/T 2260, with candidates where a name is borne by several.",
        )
        .idempotent()
    }

    fn classify(
        ctx: &Context,
        config: Config,
        _: &[u8],
        _: Option<Vec<u8>>,
        items: Vec<Item>,
    ) -> Result<Outcome, Error> {
        let resolver = resolve::Resolver::new(&config)?;
        let verdicts: Vec<_> = items.iter().map(|item| Ok(resolver.judge(item, ctx.now))).collect();
        Ok(verdicts.into())
    }
}

huiyin_sdk::export!(classifier: Region);
