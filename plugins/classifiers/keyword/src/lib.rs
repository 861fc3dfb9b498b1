//! Classifier `keyword`: boolean rules over title and body. Each rule that
//! holds gives its labels and its level; the gravest level and the highest
//! score count. Pure.
//!
//! All terms of all rules are looked for together, and each text is read once,
//! however many rules there are.

use std::collections::BTreeSet;

use huiyin_sdk::terms::{Hits, Matcher, Terms};
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

/// A term, or a group of conditions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[serde(untagged)]
pub enum Condition {
    /// Holds where the text contains it. Letters A–Z match in either case and
    /// in full width; white space between Chinese characters does not count.
    Term(String),
    /// Holds where one of the terms is contained.
    Terms(Vec<String>),
    /// Holds where each of its parts does.
    Group(Group),
}

/// `all`, `any` and `not` together: each part that is given must hold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Group {
    /// Each of these holds.
    #[serde(default)]
    pub all: Vec<Condition>,
    /// At least one of these holds.
    #[serde(default)]
    pub any: Vec<Condition>,
    /// None of these holds.
    #[serde(default)]
    pub not: Vec<Condition>,
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

/// A condition over the numbers of terms.
enum Test {
    Any(Vec<usize>),
    Group { all: Vec<Test>, any: Vec<Test>, not: Vec<Test> },
}

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
            rules.push((rule, compile(&rule.when, &|| format!("/rules/{index}/when"), &mut terms)?));
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
            if !holds(test, hits, &mut seen) {
                continue;
            }
            verdict.level = verdict.level.max(rule.level);
            verdict.score = verdict.score.max(rule.score);
            for label in &rule.labels {
                if !verdict.labels.contains(label) {
                    verdict.labels.push(label.clone());
                }
            }
            let mut told = BTreeSet::new();
            seen.retain(|&term| told.insert(self.matcher.sought(term)));
            let seen: Vec<_> = seen.into_iter().map(|term| self.matcher.term(term)).collect();
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

/// `at` writes where the condition stands, for an error.
fn compile<'a>(condition: &'a Condition, at: &dyn Fn() -> String, terms: &mut Terms<'a>) -> Result<Test, Error> {
    let empty = |at: &str| wrong(at, "the term is empty; it would match everything");
    match condition {
        Condition::Term(term) => Ok(Test::Any(vec![terms.add(term).ok_or_else(|| empty(&at()))?])),
        Condition::Terms(list) if list.is_empty() => {
            Err(wrong(&at(), "the list of terms is empty; it would never hold"))
        }
        Condition::Terms(list) => list
            .iter()
            .enumerate()
            .map(|(n, term)| terms.add(term).ok_or_else(|| empty(&format!("{}/{n}", at()))))
            .collect::<Result<_, _>>()
            .map(Test::Any),
        Condition::Group(group) => {
            if group.all.is_empty() && group.any.is_empty() {
                return Err(wrong(&at(), "a group needs `all` or `any`; `not` alone fits almost everything"));
            }
            let mut part = |name: &str, list: &'a [Condition]| {
                list.iter()
                    .enumerate()
                    .map(|(n, condition)| compile(condition, &|| format!("{}/{name}/{n}", at()), terms))
                    .collect::<Result<Vec<_>, _>>()
            };
            Ok(Test::Group {
                all: part("all", &group.all)?,
                any: part("any", &group.any)?,
                not: part("not", &group.not)?,
            })
        }
    }
}

/// `seen` gathers the terms that made it hold.
fn holds(test: &Test, hits: &Hits, seen: &mut BTreeSet<usize>) -> bool {
    match test {
        Test::Any(terms) => {
            let mut any = false;
            for &term in terms {
                if hits.contains(term) {
                    any = true;
                    seen.insert(term);
                }
            }
            any
        }
        Test::Group { all, any, not } => {
            if not.iter().any(|test| holds(test, hits, &mut BTreeSet::new())) {
                return false;
            }
            if !all.iter().all(|test| holds(test, hits, seen)) {
                return false;
            }
            // Each alternative is looked at, for the reasons' sake.
            any.is_empty() || any.iter().filter(|test| holds(test, hits, seen)).count() > 0
        }
    }
}
