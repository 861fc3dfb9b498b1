//! Configurations held against the plugin's own schema (the manifest's `config_schema`), before
//! anything comes into force: what a plugin would refuse at its first call is refused where it
//! stands, with its JSON pointer.
//!
//! A configuration that is computed (an expression of a workflow) is known only when it is called.

use std::collections::BTreeMap;

use huiyin_flow::{Definition, Diagnostic, Severity};
use huiyin_records::record::Pin;
use huiyin_sandbox::Package;
use serde_json::Value;

use crate::calls::CONFIG;
use crate::house::House;

/// The most faults of one configuration that are named.
const MOST: usize = 5;

/// A wrong value of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// JSON pointer within the configuration; empty for the whole of it.
    pub pointer: String,
    /// What is wrong. The value itself is not quoted.
    pub message: String,
}

/// What is wrong with a configuration by its plugin's own schema. None (`null`) is the empty one.
/// A schema that cannot be read says nothing.
pub fn faults(package: &Package, config: &Value) -> Vec<ConfigFault> {
    let empty = Value::Object(serde_json::Map::new());
    let config = if config.is_null() { &empty } else { config };
    let schema = &package.manifest.config_schema;
    let Ok(validator) = jsonschema::options().build(schema) else { return Vec::new() };
    let fault = |error: jsonschema::ValidationError<'_>| ConfigFault {
        pointer: error.instance_path().to_string(),
        message: error.masked().to_string(),
    };
    validator.iter_errors(config).take(MOST).map(fault).collect()
}

/// The same of what a pin is bound to with a configuration of its own. A component that is not
/// there says so elsewhere.
pub fn faults_of(house: &House, pin: &Pin) -> Vec<ConfigFault> {
    if pin.config.is_null() {
        return Vec::new();
    }
    house.package(&pin.digest).map_or_else(Vec::new, |package| faults(&package, &pin.config))
}

/// In one line: where and what, below a place.
pub fn lines(place: &str, plugin: &str, faults: Vec<ConfigFault>) -> Vec<String> {
    let line = |fault: ConfigFault| {
        format!("{place}{}: {} (`huiyin plugin inspect` shows what {plugin} takes)", fault.pointer, fault.message)
    };
    faults.into_iter().map(line).collect()
}

/// The configurations that stand in a workflow's own text, held against the plugins that it is
/// pinned to. One that a binding takes the place of is never read.
pub fn check(
    definition: &Definition,
    pins: &BTreeMap<String, Pin>,
    text: &str,
    file: &str,
    house: &House,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    walk(definition.source(), &mut String::new(), pins, house, &mut found);
    let diagnostic = |(pointer, message): (String, String)| {
        let (line, column) = huiyin_flow::locate(text, file, &pointer).unwrap_or((1, 1));
        Diagnostic { severity: Severity::Error, pointer, file: file.to_owned(), line, column, message, hint: None }
    };
    found.into_iter().map(diagnostic).collect()
}

fn walk(
    value: &Value,
    pointer: &mut String,
    pins: &BTreeMap<String, Pin>,
    house: &House,
    found: &mut Vec<(String, String)>,
) {
    let length = pointer.len();
    match value {
        Value::Object(fields) => {
            if let (Some(Value::String(call)), Some(with)) = (fields.get("call"), fields.get("with"))
                && let Some(config) = with.get(CONFIG).filter(|config| !computed(config))
                && let Some(pin) = pins.get(call.trim_end_matches("@default")).filter(|pin| pin.config.is_null())
                && let Some(package) = house.package(&pin.digest)
            {
                found.extend(faults(&package, config).into_iter().map(|fault| {
                    let message = format!("{} does not take this: {}", pin.plugin, fault.message);
                    (format!("{pointer}/with/{CONFIG}{}", fault.pointer), message)
                }));
            }
            for (name, inner) in fields {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                walk(inner, pointer, pins, house, found);
                pointer.truncate(length);
            }
        }
        Value::Array(list) => {
            for (at, inner) in list.iter().enumerate() {
                pointer.push_str(&format!("/{at}"));
                walk(inner, pointer, pins, house, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// Whether an expression is anywhere in it.
fn computed(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${"),
        Value::Object(fields) => fields.values().any(computed),
        Value::Array(list) => list.iter().any(computed),
        _ => false,
    }
}
