//! Classifier `spread-trend`: how fast a topic spreads, and whether it speeds
//! up (监测预警, clause 3.2b). From the counts that sources tell of each item at
//! the time when it was observed comes a topic's heat; what it grew by within
//! the last window is its rate, held against lines with hysteresis. Pure; what
//! was observed goes in and out as state.
//!
//! What is kept are observations with their own times, not sums: an item that
//! comes late, or before an earlier one, gives the same rate as in order.

mod config;
mod heat;
mod state;
mod trend;

pub use config::{Config, Lines, Weights};

use huiyin_sdk::{About, BTreeMap, Classifier, Context, Error, Item, Outcome};

/// The plugin.
#[derive(Debug)]
pub struct SpreadTrend;

impl Classifier for SpreadTrend {
    type Config = Config;

    fn about() -> About {
        About::new(
            "spread-trend",
            env!("CARGO_PKG_VERSION"),
            "Rate and acceleration of a topic's spread, with a level that neither flickers nor sticks.",
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
        config::check(&config)?;
        let mut state = state::read(state.as_deref())?;
        // The time never runs back, though a call be repeated or delayed.
        let now = ctx.now.max(state.at);
        state.at = now;
        let mut topics: BTreeMap<String, state::Topic> =
            std::mem::take(&mut state.topics).into_iter().map(|topic| (topic.key.clone(), topic)).collect();
        let seen: Vec<trend::Seen> = items.iter().map(|item| trend::take(&config, &mut topics, item, now)).collect();
        let mut judged: BTreeMap<&str, trend::Judged> = BTreeMap::new();
        for one in &seen {
            if let (false, Some(topic)) = (judged.contains_key(one.key.as_str()), topics.get_mut(&one.key)) {
                judged.insert(&one.key, trend::judge(&config, topic, now));
            }
        }
        let mut verdicts: Vec<_> = seen.iter().map(|one| trend::verdict(one, judged.get(one.key.as_str()))).collect();
        if let (Some(lost), Some(last)) = (state::bound(&config, &mut topics, now), verdicts.last_mut()) {
            state.dropped += lost;
            let total = state.dropped;
            last.reasons.push(format!("状态已满：舍弃最久无新观测的{lost}个话题（累计{total}个），其热度将重新计起"));
        }
        state.topics = topics.into_values().collect();
        Ok(Outcome { verdicts: verdicts.into_iter().map(Ok).collect(), state: Some(state::write(&state)) })
    }
}

huiyin_sdk::export!(classifier: SpreadTrend);
