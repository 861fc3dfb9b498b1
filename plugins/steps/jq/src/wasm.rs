//! The export as a `step` component.

use huiyin_sdk::{About, Context, Error, Step};

use crate::contract::{Answer, Config, Input, answer};

/// The step.
struct Jq;

impl Step for Jq {
    type Config = Config;
    type Input = Input;
    type Output = Answer;

    fn about() -> About {
        About::new("jq", env!("CARGO_PKG_VERSION"), "Evaluates a jq program over JSON.").idempotent()
    }

    fn run(_: &Context, config: Config, input: Input) -> Result<Answer, Error> {
        Ok(answer(&config, &input))
    }
}

huiyin_sdk::export!(step: Jq);
