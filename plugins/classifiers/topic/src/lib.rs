//! Classifier `topic`: which of a unit's own topics an item is of, by a linear
//! model that the unit trained on its own labelled items. Pure.
//!
//! The model is a value: the call's `model`, or a text of the configuration.

mod features;
mod model;
#[cfg(not(target_family = "wasm"))]
mod train;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_sdk::{About, BTreeMap, Classifier, Context, Error, Factor, Item, Level, Outcome, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

pub use crate::model::{Model, Wrong};
#[cfg(not(target_family = "wasm"))]
pub use crate::train::{Example, train};

/// What is said, and from which score on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(example = example())]
pub struct Config {
    /// The model in Base64, for a binding; a model that comes with the call goes before it.
    pub model: Option<String>,
    /// A topic is said from this score on. Unless given: 0.5, and 0.0 for a model whose items had one
    /// topic each, of which the best is said.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub at_least: Option<f64>,
    /// The most topics of one item, the best first. Unless given: all, and 1 for a model whose items had one each.
    #[schemars(range(min = 1))]
    pub most: Option<usize>,
    /// What holds for single topics, by their names in the model.
    pub topics: BTreeMap<String, Topic>,
}

/// What holds for one topic.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Topic {
    /// In the place of the general one.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub at_least: Option<f64>,
    /// The level that the topic means; none unless given.
    pub level: Option<Level>,
}

fn example() -> huiyin_sdk::serde_json::Value {
    huiyin_sdk::serde_json::json!({"atLeast": 0.55, "topics": {"森林火灾": {"level": "III"}, "野生动物": {"atLeast": 0.6}}})
}

/// The words that are named of one topic, at the most.
const NAMED: usize = 5;

/// The plugin.
#[derive(Debug)]
pub struct Classify;

impl Classifier for Classify {
    type Config = Config;

    fn about() -> About {
        About::new(
            "topic",
            env!("CARGO_PKG_VERSION"),
            "The unit's own topics, by a linear model that it trained on its labelled items.",
        )
        .idempotent()
    }

    fn classify(
        _: &Context,
        config: Config,
        model: &[u8],
        _: Option<Vec<u8>>,
        items: Vec<Item>,
    ) -> Result<Outcome, Error> {
        let bytes = bytes(&config, model)?;
        let model = Model::read(&bytes).map_err(|why| Error::InvalidInput(format!("the model: {why}")))?;
        let rules = Rules::new(&config, &model)?;
        let verdicts: Vec<_> = items.iter().map(|item| Ok(rules.judge(item))).collect();
        Ok(verdicts.into())
    }
}

huiyin_sdk::export!(classifier: Classify);

/// The model of the call, or of the configuration.
fn bytes<'a>(config: &Config, model: &'a [u8]) -> Result<Cow<'a, [u8]>, Error> {
    if !model.is_empty() {
        return Ok(Cow::Borrowed(model));
    }
    match &config.model {
        Some(text) => STANDARD
            .decode(text.trim())
            .map(Cow::Owned)
            .map_err(|why| Error::InvalidConfig(format!("at /model: it is not Base64: {why}"))),
        None => Err(Error::InvalidInput(
            "there is no model; train one by `huiyin plugin train topic` and give it as the call's `model` or in the configuration".to_owned(),
        )),
    }
}

/// The model, and what is said of its scores.
struct Rules<'a> {
    model: &'a Model<'a>,
    /// By topic.
    at_least: Vec<f64>,
    levels: Vec<Option<Level>>,
    most: usize,
}

impl<'a> Rules<'a> {
    fn new(config: &Config, model: &'a Model<'a>) -> Result<Self, Error> {
        let wrong = |pointer: &str, why: &str| Err(Error::InvalidConfig(format!("at {pointer}: {why}")));
        let out = |score: Option<f64>| score.is_some_and(|score| !(0.0..=1.0).contains(&score));
        if out(config.at_least) {
            return wrong("/atLeast", "it is not from 0.0 to 1.0");
        }
        if config.most == Some(0) {
            return wrong("/most", "with none nothing would ever be said");
        }
        for (name, topic) in &config.topics {
            let pointer = format!("/topics/{}", name.replace('~', "~0").replace('/', "~1"));
            if out(topic.at_least) {
                return wrong(&format!("{pointer}/atLeast"), "it is not from 0.0 to 1.0");
            }
            if !model.topics.iter().any(|known| known.name == *name) {
                let known: Vec<_> = model.topics.iter().map(|topic| topic.name).collect();
                return wrong(&pointer, &format!("the model has no such topic; it has {}", known.join(", ")));
            }
        }
        let general = config.at_least.unwrap_or(if model.one_each { 0.0 } else { 0.5 });
        let of = |name: &str| config.topics.get(name);
        Ok(Self {
            model,
            at_least: model
                .topics
                .iter()
                .map(|topic| of(topic.name).and_then(|rule| rule.at_least).unwrap_or(general))
                .collect(),
            levels: model.topics.iter().map(|topic| of(topic.name).and_then(|rule| rule.level)).collect(),
            most: config.most.unwrap_or(if model.one_each { 1 } else { usize::MAX }),
        })
    }

    fn judge(&self, item: &Item) -> Verdict {
        let mut verdict = Verdict::default();
        let read = self.model.look_up(&item.title, &item.body);
        if read.is_empty() {
            return verdict; // nothing that the model knows
        }
        let mut scores: Vec<(usize, f64)> = self
            .model
            .scores(&read)
            .into_iter()
            .enumerate()
            .filter(|(topic, score)| *score >= self.at_least[*topic])
            .collect();
        scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        scores.truncate(self.most);
        for (topic, score) in scores {
            let name = self.model.topics[topic].name;
            verdict.level = verdict.level.max(self.levels[topic]);
            verdict.score = verdict.score.max(score);
            verdict.labels.push(name.to_owned());
            verdict.factors.push(Factor { name: name.to_owned(), score });
            let words = self.model.words(&read, topic, NAMED);
            let by = if words.is_empty() { String::new() } else { format!("：因“{}”", words.join("”“")) };
            verdict.reasons.push(format!("像“{name}”（{score:.2}）{by}"));
        }
        verdict
    }
}
