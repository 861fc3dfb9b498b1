//! A workflow in force, with everything it is pinned to resolved: a running
//! run never changes under its feet. What is known of a plugin are facts about
//! it, never its code.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use huiyin_flow::{Definition, Evaluator, FunctionRef};
use huiyin_records::record::Pin;
use serde_json::Value;

use crate::extension::Planned;
use crate::inline_estimate::InlineEstimate;

/// A deployed workflow, ready to run.
pub struct Deployed {
    /// The deployment's digest.
    pub id: String,
    /// `namespace/name`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The unit it serves.
    pub unit: Option<String>,
    /// The compiled document.
    pub definition: Definition,
    /// What each function is pinned to, by slot or `name:version`.
    pub pins: BTreeMap<String, Pin>,
    /// When it starts by the clock.
    pub schedule: Option<Planned>,
    /// What is known of the installed plugins among its pins, by digest.
    facts: BTreeMap<String, PluginFacts>,
    /// The pins that are pure, by slot or by function: what is called over and over.
    pure: HashMap<String, Pure>,
    /// How long its first turns take.
    pub first_turns: InlineEstimate,
}

/// What a function is pinned to when it is pure, under the version where it is no slot.
type Pure = Vec<(Option<String>, Pin)>;

/// What a function call of a workflow means.
pub enum Target {
    /// A core function of the desk.
    Core(String),
    /// A plugin.
    Plugin(Pin),
    /// Nothing that is installed.
    Missing,
}

/// What a partition has to know of an installed plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PluginFacts {
    /// Its calls reach nothing outside: they may be made on a worker, again and again.
    pub pure: bool,
    /// Its manifest says that repeating a call does no harm.
    pub idempotent: bool,
}

impl Deployed {
    /// Puts a definition and its pins together; `facts` tells of an installed component by its digest, and
    /// gives none for one that is not there.
    pub fn new(
        id: String,
        unit: Option<String>,
        definition: Definition,
        pins: BTreeMap<String, Pin>,
        schedule: Option<Planned>,
        facts: impl Fn(&str) -> Option<PluginFacts>,
    ) -> Deployed {
        let facts: BTreeMap<String, PluginFacts> =
            pins.values().filter_map(|pin| Some((pin.digest.clone(), facts(&pin.digest)?))).collect();
        let mut pure: HashMap<String, Pure> = HashMap::new();
        for (function, pin) in pins.iter().filter(|(_, pin)| facts.get(&pin.digest).is_some_and(|facts| facts.pure)) {
            let slot = definition.functions().iter().any(|slot| *slot.name == **function);
            let (name, version) = match function.split_once(':').filter(|_| !slot) {
                Some((name, version)) => (name, Some(version.to_owned())),
                None => (function.as_str(), None),
            };
            pure.entry(name.to_owned()).or_default().push((version, pin.clone()));
        }
        let name = workflow_name(&definition);
        let version = definition.document().version.clone();
        // Values that are checked by schemas, whose patterns may take their time, make no turn brief.
        let first_turns = InlineEstimate::new(has_key(definition.source(), "schema"));
        Deployed { id, name, version, unit, definition, pins, schedule, facts, pure, first_turns }
    }

    /// Whether a function is a slot, which can be rebound.
    pub fn is_slot(&self, name: &str) -> bool {
        self.definition.functions().iter().any(|slot| *slot.name == *name)
    }

    /// What a call means.
    pub fn target(&self, slot: Option<&str>, function: &FunctionRef) -> Target {
        if is_core(&function.name) {
            return Target::Core(function.name.clone());
        }
        pinned(&self.pins, slot, function).map_or(Target::Missing, |pin| Target::Plugin(pin.clone()))
    }

    /// True when the call can be made on a worker, again and again.
    pub fn pure(&self, slot: Option<&str>, function: &FunctionRef) -> bool {
        self.pure_pin(slot, function).is_some()
    }

    /// What a call is pinned to that can be made on a worker, again and again.
    pub fn pure_pin(&self, slot: Option<&str>, function: &FunctionRef) -> Option<&Pin> {
        let (name, version) = match slot {
            Some(slot) => (slot, None),
            None => (function.name.as_str(), Some(function.version.as_str())),
        };
        self.pure.get(name)?.iter().find(|(of, _)| of.as_deref() == version).map(|(_, pin)| pin)
    }

    /// Whether a pinned plugin says that repeating its call does no harm.
    pub fn idempotent(&self, digest: &str) -> Option<bool> {
        self.facts.get(digest).map(|facts| facts.idempotent)
    }

    /// How many events start it: several where it waits for all of some, one
    /// where any will do, none where it is not started by events.
    pub fn needs(&self) -> usize {
        self.trigger().map_or(0, |trigger| if trigger.all { trigger.filters.len() } else { 1 })
    }

    /// Which filter of its trigger an event answers, as far as their literal
    /// parts can tell. `pending` says which filters have no event yet.
    pub fn answer(&self, event: &Value, pending: impl Fn(u32) -> bool) -> Answer {
        let Some(trigger) = self.trigger() else { return Answer::No };
        let mut candidates = (0_u32..)
            .zip(&trigger.filters)
            .filter(|(at, filter)| (!trigger.all || pending(*at)) && huiyin_flow::matches(filter, event))
            .map(|(at, _)| (at, self.definition.trigger_computes(at as usize)))
            .peekable();
        let Some((first, computed)) = candidates.peek().copied() else { return Answer::No };
        match candidates.find(|(_, computed)| !computed) {
            // Where each filter wants its own event, the first that takes it has it.
            _ if trigger.all => {
                if computed {
                    Answer::Ask
                } else {
                    Answer::Yes(first)
                }
            }
            Some((plain, _)) => Answer::Yes(plain),
            None => Answer::Ask,
        }
    }

    /// The filters of its trigger that an event answers, computed parts
    /// included; only the first where one is enough. Takes its time.
    pub fn judge(&self, event: &Value, evaluator: &dyn Evaluator) -> Vec<u32> {
        let Some(trigger) = self.trigger() else { return Vec::new() };
        let answered = (0_u32..).zip(&trigger.filters).filter(|(at, filter)| {
            huiyin_flow::matches(filter, event) && self.definition.triggered_by(*at as usize, event, evaluator)
        });
        answered.map(|(at, _)| at).take(if trigger.all { usize::MAX } else { 1 }).collect()
    }

    fn trigger(&self) -> Option<&huiyin_flow::Trigger> {
        match self.definition.schedule() {
            Some(huiyin_flow::Schedule::On(trigger)) => Some(trigger),
            _ => None,
        }
    }
}

/// Whether an event answers a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It does not.
    No,
    /// It answers this filter.
    Yes(u32),
    /// An expression must say.
    Ask,
}

/// `namespace/name`.
pub fn workflow_name(definition: &Definition) -> String {
    let document = definition.document();
    format!("{}/{}", document.namespace, document.name)
}

/// The plugin that a call means by these pins; none where it means a core function, or nothing.
pub fn pinned<'a>(pins: &'a BTreeMap<String, Pin>, slot: Option<&str>, function: &FunctionRef) -> Option<&'a Pin> {
    if is_core(&function.name) { None } else { pins.get(&key(slot, function)) }
}

/// The name under which a function is pinned.
pub fn key(slot: Option<&str>, function: &FunctionRef) -> String {
    match slot {
        Some(slot) => slot.to_owned(),
        None => format!("{}:{}", function.name, function.version),
    }
}

/// True for a core function of the desk.
pub fn is_core(name: &str) -> bool {
    static NAMES: LazyLock<BTreeSet<&'static str>> =
        LazyLock::new(|| huiyin_desk::core_functions().iter().map(|f| f.name).collect());
    NAMES.contains(name)
}

/// Whether any object in a value has this key.
fn has_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| name == key || has_key(value, key)),
        Value::Array(items) => items.iter().any(|item| has_key(item, key)),
        _ => false,
    }
}
