//! Classifier `keyword`: boolean rules over title and body. Each rule that
//! holds gives its labels and its level; the gravest level and the highest
//! score count. Pure.
//!
//! All terms of all rules are looked for together, and each text is read once,
//! however many rules there are.

use std::collections::BTreeSet;

pub use huiyin_sdk::terms::{Condition, Group};
use huiyin_sdk::terms::{Matcher, Terms, Test};
use huiyin_sdk::{About, Classifier, Context, Error, Factor, Item, Level, Outcome, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

/// The rules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Looked at in this order; all that hold count.
    #[schemars(length(min = 1))]
    pub rules: Vec<Rule>,
}

/// What is looked for, and what it means.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Shown in the reasons.
    pub name: String,
    /// When the rule holds.
    pub when: Condition,
    /// Where to look.
    #[serde(default, rename = "in")]
    pub place: Place,
    /// The level that it means; none for labels only.
    #[serde(default)]
    pub level: Option<Level>,
    /// Such as 疑虑, 误解, 歪曲, 谣言.
    #[serde(default)]
    pub labels: Vec<String>,
    /// 0.0 to 1.0.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub score: f64,
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

/// The plugin.
#[derive(Debug)]
pub struct Keyword;

impl Classifier for Keyword {
    type Config = Config;

    fn about() -> About {
        About::new(
            "keyword",
            env!("CARGO_PKG_VERSION"),
            "Labels and levels by boolean keyword rules over title and body.",
        )
        .idempotent()
    }

    fn classify(_: &Context, config: Config, _: &[u8], _: Option<Vec<u8>>, items: Vec<Item>) -> Result<Outcome, Error> {
        let rules = Compiled::new(&config)?;
        let verdicts: Vec<_> = items.iter().map(|item| Ok(rules.judge(item))).collect();
        Ok(verdicts.into())
    }
}

huiyin_sdk::export!(classifier: Keyword);

struct Compiled<'a> {
    rules: Vec<(&'a Rule, Test)>,
    matcher: Matcher<'a>,
}

impl<'a> Compiled<'a> {
    fn new(config: &'a Config) -> Result<Self, Error> {
        if config.rules.is_empty() {
            return Err(wrong("/rules", "there is no rule; write at least one"));
        }
        let mut terms = Terms::default();
        let mut rules = Vec::with_capacity(config.rules.len());
        for (index, rule) in config.rules.iter().enumerate() {
            if !(0.0..=1.0).contains(&rule.score) {
                return Err(wrong(&format!("/rules/{index}/score"), "it is not from 0.0 to 1.0"));
            }
            rules.push((rule, rule.when.compile(&|| format!("/rules/{index}/when"), &mut terms)?));
        }
        Ok(Self { rules, matcher: terms.build() })
    }

    fn judge(&self, item: &Item) -> Verdict {
        let title = self.matcher.find(&item.title);
        let body = self.matcher.find(&item.body);
        let both = title.union(&body);
        let mut verdict = Verdict::default();
        if both.is_empty() {
            return verdict; // no rule holds by what is absent alone
        }
        for (rule, test) in &self.rules {
            let hits = match rule.place {
                Place::Any => &both,
                Place::Title => &title,
                Place::Body => &body,
            };
            let mut seen = BTreeSet::new();
            if !test.holds(hits, &mut seen) {
                continue;
            }
            verdict.level = verdict.level.max(rule.level);
            verdict.score = verdict.score.max(rule.score);
            for label in &rule.labels {
                if !verdict.labels.contains(label) {
                    verdict.labels.push(label.clone());
                }
            }
            let seen = self.matcher.told(&seen);
            verdict.reasons.push(if seen.is_empty() {
                format!("规则“{}”成立", rule.name)
            } else {
                format!("规则“{}”成立：出现“{}”", rule.name, seen.join("”“"))
            });
        }
        if !verdict.reasons.is_empty() {
            verdict.factors.push(Factor { name: "content".to_owned(), score: verdict.score });
        }
        verdict
    }
}

fn wrong(pointer: &str, why: &str) -> Error {
    Error::InvalidConfig(format!("at {pointer}: {why}"))
}
