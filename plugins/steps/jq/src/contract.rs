//! The step's contract, JSON in, JSON out.
//!
//! Configuration: `{"program": text, "vars": [names without $]}`.
//! Input: `{"input": any, "vars": {name: any}}`, or `{"compile": true}` to
//! compile only. Output: `{"ok": value}` or `{"error": message}`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The configuration: which program, with which variables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(target_family = "wasm", derive(huiyin_sdk::schemars::JsonSchema), schemars(crate = "huiyin_sdk::schemars"))]
pub struct Config {
    /// The jq program.
    pub program: String,
    /// Names of its variables, without `$`.
    #[serde(default)]
    pub vars: Vec<String>,
}

/// The input of one evaluation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(target_family = "wasm", derive(huiyin_sdk::schemars::JsonSchema), schemars(crate = "huiyin_sdk::schemars"))]
pub struct Input {
    /// The program's `.`.
    pub input: Value,
    /// Values of the configured variables; one that is missing is `null`.
    pub vars: Map<String, Value>,
    /// Compile only; a good program gives `{"ok": null}`.
    pub compile: bool,
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(target_family = "wasm", derive(huiyin_sdk::schemars::JsonSchema), schemars(crate = "huiyin_sdk::schemars"))]
pub enum Answer {
    /// The first output.
    Ok(Value),
    /// Why there is none.
    Error(String),
}

/// Runs one call.
pub fn answer(config: &Config, input: &Input) -> Answer {
    let names: Vec<&str> = config.vars.iter().map(String::as_str).collect();
    let result = if input.compile {
        crate::compile(&config.program, &names).map(|()| Value::Null)
    } else {
        let vars: Vec<(&str, &Value)> =
            names.iter().map(|name| (*name, input.vars.get(*name).unwrap_or(&Value::Null))).collect();
        crate::evaluate(&config.program, &input.input, &vars)
    };
    match result {
        Ok(value) => Answer::Ok(value),
        Err(error) => Answer::Error(error.0),
    }
}

/// Runs one call over texts. `Err` says which of the two breaks the contract:
/// `(true, why)` the configuration, `(false, why)` the input.
pub fn run(config: &str, input: &str) -> Result<String, (bool, String)> {
    let config: Config =
        serde_json::from_str(config).map_err(|e| (true, format!("the configuration is not understood: {e}")))?;
    let input: Input = serde_json::from_str(input).map_err(|e| (false, format!("the input is not understood: {e}")))?;
    serde_json::to_string(&answer(&config, &input)).map_err(|e| (false, e.to_string()))
}
