//! Classifier `{{name}}`: levels by terms that a text contains.

use huiyin_sdk::{About, Classifier, Context, Error, Factor, Item, Level, Outcome, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration. Its JSON Schema and these comments go into the manifest.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is looked for in title and body.
    #[schemars(length(min = 1))]
    pub terms: Vec<String>,
    /// The level where one of them is found.
    pub level: Level,
}

/// The plugin.
#[derive(Debug)]
pub struct {{Type}};

impl Classifier for {{Type}} {
    type Config = Config;

    fn about() -> About {
        About::new("{{name}}", env!("CARGO_PKG_VERSION"), "Levels by terms that a text contains.").idempotent()
    }

    fn classify(_: &Context, config: Config, _: &[u8], _: Option<Vec<u8>>, items: Vec<Item>) -> Result<Outcome, Error> {
        if config.terms.is_empty() {
            return Err(Error::InvalidConfig("at /terms: there is no term; write at least one".to_owned()));
        }
        let verdicts: Vec<_> = items.iter().map(|item| Ok(judge(&config, item))).collect();
        Ok(verdicts.into())
    }
}

huiyin_sdk::export!(classifier: {{Type}});

fn judge(config: &Config, item: &Item) -> Verdict {
    let text = format!("{}\n{}", item.title, item.body);
    let found: Vec<&String> = config.terms.iter().filter(|term| text.contains(term.as_str())).collect();
    if found.is_empty() {
        return Verdict::default();
    }
    let score = found.len() as f64 / config.terms.len() as f64;
    Verdict {
        level: Some(config.level),
        score,
        factors: vec![Factor { name: "content".to_owned(), score }],
        labels: Vec::new(),
        reasons: found.iter().map(|term| format!("文中有“{term}”")).collect(),
    }
}
