//! Adds up numbers, such as the reactions to a post: `{"numbers": [3, 4]}`
//! becomes `{"count": 2, "sum": 7}`. The smallest useful step: it shows what a
//! plugin needs, and benchmarks call it because it costs next to nothing.

use huiyin_sdk::schemars::JsonSchema;
use huiyin_sdk::serde::{Deserialize, Serialize};
use huiyin_sdk::{About, Context, Error, Step};

/// Takes no configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "huiyin_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "huiyin_sdk::schemars")]
pub struct Config {}

/// What to add up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "huiyin_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "huiyin_sdk::schemars")]
pub struct Input {
    /// The numbers.
    pub numbers: Vec<i64>,
}

/// The result.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(crate = "huiyin_sdk::serde")]
#[schemars(crate = "huiyin_sdk::schemars")]
pub struct Output {
    /// How many numbers there were.
    pub count: u64,
    /// Their sum.
    pub sum: i64,
}

/// The step.
pub struct Tally;

impl Step for Tally {
    type Config = Config;
    type Input = Input;
    type Output = Output;

    fn about() -> About {
        About::new("tally", env!("CARGO_PKG_VERSION"), "Adds up numbers.").idempotent()
    }

    fn run(_: &Context, _: Config, input: Input) -> Result<Output, Error> {
        let sum = input
            .numbers
            .iter()
            .try_fold(0i64, |sum, n| sum.checked_add(*n))
            .ok_or_else(|| Error::InvalidInput("/numbers: the sum is beyond 64 bits".to_owned()))?;
        Ok(Output { count: input.numbers.len() as u64, sum })
    }
}

huiyin_sdk::export!(step: Tally);

#[cfg(test)]
mod tests {
    use huiyin_sdk::testing;

    use super::*;

    fn tally(numbers: Vec<i64>) -> Result<Output, Error> {
        Tally::run(&testing::context(0), Config {}, Input { numbers })
    }

    #[test]
    fn adds_up() {
        assert_eq!(tally(vec![3, 4]).unwrap(), Output { count: 2, sum: 7 });
        assert_eq!(tally(vec![]).unwrap(), Output { count: 0, sum: 0 });
    }

    #[test]
    fn a_sum_too_large_is_refused() {
        assert!(matches!(tally(vec![i64::MAX, 1]), Err(Error::InvalidInput(_))));
    }
}
