//! The step's contract, JSON in, JSON out.
//!
//! Configuration: `{"program": text, "vars": [names without $]}`.
//! Input: `{"input": any, "vars": {name: any}}`, or `{"compile": true}` to
//! compile only. Output: `{"ok": value}` or `{"error": message}`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The configuration: which program, with which variables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
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
pub struct Input {
    /// The program's `.`.
    pub input: Value,
    /// Values of the configured variables; one that is missing is `null`.
    pub vars: Map<String, Value>,
    /// Compile only; a good program gives `{"ok": null}`.
    pub compile: bool,
}

/// Runs one call. `Err` says which of the two texts breaks the contract:
/// `(true, why)` the configuration, `(false, why)` the input.
pub fn run(config: &str, input: &str) -> Result<String, (bool, String)> {
    let config: Config = serde_json::from_str(config).map_err(|e| (true, format!("the configuration is not understood: {e}")))?;
    let input: Input = serde_json::from_str(input).map_err(|e| (false, format!("the input is not understood: {e}")))?;
    let names: Vec<&str> = config.vars.iter().map(String::as_str).collect();
    let result = if input.compile {
        crate::compile(&config.program, &names).map(|()| Value::Null)
    } else {
        let vars: Vec<(&str, &Value)> =
            names.iter().map(|name| (*name, input.vars.get(*name).unwrap_or(&Value::Null))).collect();
        crate::evaluate(&config.program, &input.input, &vars)
    };
    Ok(match result {
        Ok(value) => json!({ "ok": value }),
        Err(error) => json!({ "error": error.0 }),
    }
    .to_string())
}
