//! From a workflow's functions and slots to exact components: what a unit's bindings and people's choices make of them.

use std::collections::{BTreeMap, BTreeSet};

use huiyin_flow::{Definition, FunctionKind};
use huiyin_partition::deployed::{is_core, key};
use huiyin_records::bindings::Overrides;
use huiyin_records::record::Pin;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::house::{Bound, House};
use crate::plugin_config;

/// A unit's choice of plugin for a slot.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Binding {
    /// The unit's code, `"*"` for all.
    pub unit: String,
    /// The workflow's name.
    pub workflow: String,
    /// The slot: an entry of the workflow's `use.functions`.
    pub slot: String,
    /// `name:version`; none keeps the workflow's own.
    #[serde(default)]
    pub plugin: Option<String>,
    /// SHA-256 of the component, hex: pins the exact bytes.
    #[serde(default)]
    pub digest: Option<String>,
    /// The plugin's configuration.
    #[serde(default)]
    pub config: Value,
}

/// Why a workflow that runs others cannot serve a unit: those that are not `there`, by name and version.
pub fn missing_below(definition: &Definition, unit: Option<&str>, there: &[(&str, &str)]) -> Vec<String> {
    let mut problems = Vec::new();
    for below in definition.subflows() {
        let name = format!("{}/{}", below.namespace, below.name);
        let versions: Vec<&str> =
            there.iter().filter(|(other, _)| *other == name).map(|(_, version)| *version).collect();
        if versions.is_empty() {
            let whom = unit.map_or_else(String::new, |unit| format!(" for unit {unit}"));
            problems.push(format!("it runs `{name}`, which is not among the workflows{whom}"));
        } else if below.version != "latest" && !versions.contains(&below.version.as_str()) {
            problems.push(format!(
                "it runs `{name}` in version {}, which is there in version {}",
                below.version,
                versions.join(", ")
            ));
        }
    }
    problems
}

/// Resolves every plugin function of a definition to an exact component, with
/// the unit's bindings in their places (rule 7: a binding changes a slot's
/// target and configuration, nothing else). What people chose while the host
/// ran (`over`) counts before the configuration. What was pinned `before`, by
/// digest, stays so where trust no longer covers it: its calls are refused.
///
/// # Errors
/// Every binding or function that cannot be resolved.
pub fn pin(
    definition: &Definition,
    unit: Option<&str>,
    bindings: &[Binding],
    over: &Overrides,
    before: &BTreeSet<String>,
    house: &House,
) -> Result<BTreeMap<String, Pin>, Vec<String>> {
    let mut problems = Vec::new();
    let mut pins = BTreeMap::new();
    let mine: Vec<&Binding> = bindings
        .iter()
        .filter(|b| b.workflow == definition.document().name && (b.unit == "*" || Some(b.unit.as_str()) == unit))
        .collect();
    for function in definition.calls().iter().filter(|f| !is_core(&f.name)) {
        let name = key(None, function);
        match house.bindable(&name, unit, before) {
            Ok(bound) => {
                pins.insert(name, bound.pin);
            }
            Err(why) => problems.push(why),
        }
    }
    for slot in definition.functions().iter().filter(|s| !is_core(&s.function.name)) {
        // The unit's own binding before the one for all.
        let binding = mine.iter().filter(|b| *b.slot == *slot.name).max_by_key(|b| b.unit != "*");
        let over = over.get(&*slot.name);
        let own = match over.and_then(|over| over.chosen.clone()) {
            Some(chosen) => fits(slot, chosen, house),
            None => bound(slot, binding.copied(), unit, before, house).inspect(|pin| {
                let at = |one: &&Binding| bindings.iter().position(|other| std::ptr::eq(other, *one));
                let place = binding.and_then(at).map_or_else(String::new, |at| format!("/bindings/{at}/config"));
                problems.extend(plugin_config::lines(&place, &pin.plugin, plugin_config::faults_of(house, pin)));
            }),
        };
        match own {
            Ok(own) => {
                let pin = over.map_or_else(|| own.clone(), |over| over.effective(own.clone()));
                pins.insert(slot.name.to_string(), pin);
            }
            Err(problem) => problems.push(format!("slot `{}`: {problem}", slot.name)),
        }
    }
    for binding in &mine {
        if !definition.functions().iter().any(|s| *s.name == *binding.slot) {
            problems.push(format!("workflow `{}` has no slot `{}`", binding.workflow, binding.slot));
        }
    }
    if problems.is_empty() { Ok(pins) } else { Err(problems) }
}

/// What was chosen for a slot, if it fits there. A component that is gone is
/// no reason to refuse the workflow: its calls say so.
pub fn fits(slot: &huiyin_flow::Slot, pin: Pin, house: &House) -> Result<Pin, String> {
    let Some(package) = house.package(&pin.digest) else { return Ok(pin) };
    takes(slot, pin, package.manifest.kind.name())
}

/// The pin, if the slot takes its kind.
fn takes(slot: &huiyin_flow::Slot, pin: Pin, kind: &str) -> Result<Pin, String> {
    match &slot.info.kind {
        FunctionKind::Plugin { kind: takes } if takes != kind => {
            Err(format!("`{}` is a {kind}, the slot takes a {takes}", pin.plugin))
        }
        _ => Ok(pin),
    }
}

/// What a slot stands for with a unit's binding; see [`pin`] for `before`.
pub fn bound(
    slot: &huiyin_flow::Slot,
    binding: Option<&Binding>,
    unit: Option<&str>,
    before: &BTreeSet<String>,
    house: &House,
) -> Result<Pin, String> {
    let own = key(None, &slot.function);
    let Some(binding) = binding else {
        return house.bindable(&own, unit, before).map(|bound| bound.pin);
    };
    let wanted = binding.plugin.clone().unwrap_or_else(|| own.clone());
    let Bound { mut pin, kind } = house.bindable(&wanted, unit, before)?;
    if let Some(digest) = binding.digest.as_ref().filter(|d| **d != pin.digest) {
        return Err(format!("`{wanted}` has the digest {}, the binding pins {digest}", pin.digest));
    }
    pin.config = binding.config.clone();
    takes(slot, pin, &kind)
}

/// The deployment's name: a digest over all that decides what its runs do.
pub fn digest(text: &str, unit: Option<&str>, pins: &BTreeMap<String, Pin>) -> String {
    let mut hash = Sha256::new();
    let pins = serde_json::to_string(pins).unwrap_or_default();
    for part in [text, unit.unwrap_or(""), &pins] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}
