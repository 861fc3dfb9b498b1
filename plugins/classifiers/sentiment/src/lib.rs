//! Classifier `sentiment`: how a text feels about what it tells, by a lexicon
//! with negation, degree, contrast and rhetorical questions. Pure.

mod clause;
mod lexicon;
mod tables;

use huiyin_sdk::{About, BTreeMap, Classifier, Context, Error, Factor, Item, Level, Outcome, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::clause::{Felt, feel};
use crate::lexicon::Lexicon;

/// `{}` is a whole configuration.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(example = example())]
pub struct Config {
    /// Words of the unit's own, each from -3.0 (bad) to 3.0 (good); 0 makes a built-in word say nothing.
    pub words: BTreeMap<String, f64>,
    /// From which strength on 正面 or 负面 is said, 0.0 to 1.0; below it, 中性. 0.15 unless given.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub at_least: Option<f64>,
    /// By level, from which strength of the bad on it is meant. None unless given.
    pub levels: BTreeMap<Level, f64>,
}

fn example() -> huiyin_sdk::serde_json::Value {
    huiyin_sdk::serde_json::json!({"words": {"秃头山": -2.0, "老林": 0.0}, "atLeast": 0.25, "levels": {"IV": 0.5, "III": 0.8}})
}

/// Said from this strength on.
const AT_LEAST: f64 = 0.15;
/// The words that are named, at the most.
const NAMED: usize = 6;

/// The plugin.
#[derive(Debug)]
pub struct Sentiment;

impl Classifier for Sentiment {
    type Config = Config;

    fn about() -> About {
        About::new(
            "sentiment",
            env!("CARGO_PKG_VERSION"),
            "How a text feels, by a Chinese lexicon with negation and degree.",
        )
        .idempotent()
    }

    fn classify(_: &Context, config: Config, _: &[u8], _: Option<Vec<u8>>, items: Vec<Item>) -> Result<Outcome, Error> {
        let rules = Rules::new(&config)?;
        let verdicts: Vec<_> = items.iter().map(|item| Ok(rules.judge(item))).collect();
        Ok(verdicts.into())
    }
}

huiyin_sdk::export!(classifier: Sentiment);

struct Rules {
    lexicon: Lexicon,
    at_least: f64,
    levels: Vec<(Level, f64)>,
}

impl Rules {
    fn new(config: &Config) -> Result<Self, Error> {
        let wrong = |pointer: &str, why: &str| Err(Error::InvalidConfig(format!("at {pointer}: {why}")));
        for (word, weight) in &config.words {
            if !(-3.0..=3.0).contains(weight) {
                return wrong(&format!("/words/{word}"), "it is not from -3.0 to 3.0");
            }
            if huiyin_sdk::terms::fold(word).is_empty() {
                return wrong("/words", "a word is empty");
            }
        }
        let part = |share: f64| (0.0..=1.0).contains(&share);
        let at_least = config.at_least.unwrap_or(AT_LEAST);
        if !part(at_least) {
            return wrong("/atLeast", "it is not from 0.0 to 1.0");
        }
        if let Some((level, _)) = config.levels.iter().find(|(_, from)| !part(**from)) {
            return wrong(&format!("/levels/{level:?}"), "it is not from 0.0 to 1.0");
        }
        let levels = config.levels.iter().map(|(level, from)| (*level, *from)).collect();
        Ok(Self { lexicon: Lexicon::new(&config.words), at_least, levels })
    }

    fn judge(&self, item: &Item) -> Verdict {
        let mut felt: Vec<Felt> = Vec::new();
        for text in [&item.title, &item.body] {
            felt.extend(feel(&self.lexicon, text));
        }
        let sum =
            |good: bool| felt.iter().map(|one| one.value).filter(|value| (*value > 0.0) == good).sum::<f64>().abs();
        let (good, bad) = (sum(true), sum(false));
        // What both sides weigh together says how sure one may be of their difference.
        let strength = if felt.is_empty() { 0.0 } else { (good - bad) / (good + bad + 1.0) };
        let (label, of) = match strength {
            s if s >= self.at_least && s > 0.0 => ("正面", Some(true)),
            s if -s >= self.at_least && s < 0.0 => ("负面", Some(false)),
            _ => ("中性", None),
        };
        let share = |value: f64| value / (value + 2.0);
        let mut verdict = Verdict {
            level: None,
            score: if strength < 0.0 { -strength } else { 0.0 },
            factors: vec![
                Factor { name: "positive".to_owned(), score: share(good) },
                Factor { name: "negative".to_owned(), score: share(bad) },
            ],
            labels: vec![label.to_owned()],
            reasons: Vec::new(),
        };
        if of == Some(false) {
            verdict.level =
                self.levels.iter().filter(|(_, from)| verdict.score >= *from).map(|(level, _)| *level).max();
        }
        felt.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs())); // stable: of equals the first in the text
        felt.dedup_by(|a, b| a.words == b.words);
        for one in felt.iter().take(NAMED) {
            verdict.reasons.push(format!("“{}” {:+.1}", one.words, one.value));
        }
        verdict
    }
}
