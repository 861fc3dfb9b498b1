//! Step `{{name}}`: counts the characters of a text.

use huiyin_sdk::{About, Context, Error, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The configuration. Its JSON Schema and these comments go into the manifest.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// More characters than this are too many.
    pub most: u32,
}

/// What a call takes.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Input {
    /// The text.
    pub text: String,
}

/// What a call gives.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many there are; white space does not count.
    pub characters: u32,
    /// Whether that is few enough.
    pub fits: bool,
}

/// The plugin.
#[derive(Debug)]
pub struct {{Type}};

impl Step for {{Type}} {
    type Config = Config;
    type Input = Input;
    type Output = Output;

    fn about() -> About {
        About::new("{{name}}", env!("CARGO_PKG_VERSION"), "Counts the characters of a text.").idempotent()
    }

    fn run(_: &Context, config: Config, input: Input) -> Result<Output, Error> {
        let characters = input.text.chars().filter(|c| !c.is_whitespace()).count();
        let characters = u32::try_from(characters).map_err(|_| Error::InvalidInput("the text is too long".to_owned()))?;
        Ok(Output { characters, fits: characters <= config.most })
    }
}

huiyin_sdk::export!(step: {{Type}});
