//! A workflow in force, with everything it is pinned to resolved: a running
//! run never changes under its feet.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use huiyin_flow::{Catalog, Definition, Evaluator, FunctionInfo, FunctionKind, FunctionRef};
use huiyin_sandbox::Package;
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::bindings::Overrides;
use crate::config::Binding;
use crate::fair::micros;
use crate::house::{Bound, House};
use crate::plugin_config;
use crate::record::Pin;
use crate::timetable::Planned;

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
    packages: BTreeMap<String, Arc<Package>>,
    /// The pins that are pure, by slot or by function: what is called over and over.
    pure: HashMap<String, Pure>,
    /// What the last first turn of a run took, in microseconds; [`NONE`] before there was one.
    took: AtomicU64,
    /// Until then its first turns are known not to be brief, in seconds of Unix time.
    not_brief: AtomicI64,
    /// It checks values by schemas, whose patterns may take their time.
    schemas: bool,
}

/// A first turn that takes longer is not taken ahead of the run's start: until
/// the start is on record nobody sees the run, nor can stop it.
const QUICK: Duration = Duration::from_millis(5);

/// Where the last one took no longer, whoever asked takes the next ([`crate::here`]).
const BRIEF: Duration = Duration::from_micros(500);

/// How long they are not, once one was given up there.
const NOT_BRIEF_SECONDS: i64 = 60;

/// No first turn yet.
const NONE: u64 = u64::MAX;

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

impl Deployed {
    /// Puts a definition, its pins and the installed packages together.
    pub fn new(
        id: String,
        unit: Option<String>,
        definition: Definition,
        pins: BTreeMap<String, Pin>,
        schedule: Option<Planned>,
        house: &House,
    ) -> Deployed {
        let packages: BTreeMap<String, Arc<Package>> =
            pins.values().filter_map(|pin| Some((pin.digest.clone(), house.package(&pin.digest)?))).collect();
        let mut pure: HashMap<String, Pure> = HashMap::new();
        for (function, pin) in pins.iter().filter(|(_, pin)| packages.get(&pin.digest).is_some_and(|p| p.pure)) {
            let slot = definition.functions().iter().any(|slot| *slot.name == **function);
            let (name, version) = match function.split_once(':').filter(|_| !slot) {
                Some((name, version)) => (name, Some(version.to_owned())),
                None => (function.as_str(), None),
            };
            pure.entry(name.to_owned()).or_default().push((version, pin.clone()));
        }
        let name = workflow_name(&definition);
        let version = definition.document().version.clone();
        let (took, not_brief) = (AtomicU64::new(NONE), AtomicI64::new(i64::MIN));
        let schemas = has_key(definition.source(), "schema");
        Deployed { id, name, version, unit, definition, pins, schedule, packages, pure, took, not_brief, schemas }
    }

    /// Whether first turns of its runs are over at once, as far as the last one
    /// tells; not, until there was one.
    pub(crate) fn quick(&self) -> bool {
        self.took.load(Ordering::Relaxed) <= micros(QUICK)
    }

    /// Whether they are over so soon that handing them to a worker would cost more.
    pub(crate) fn brief(&self, now: Timestamp) -> bool {
        !self.schemas
            && self.took.load(Ordering::Relaxed) <= micros(BRIEF)
            && self.not_brief.load(Ordering::Relaxed) <= now.as_second()
    }

    /// One that was thought to be brief was not; they are not, for a minute.
    pub(crate) fn not_brief(&self, now: Timestamp) {
        self.not_brief.store(now.as_second().saturating_add(NOT_BRIEF_SECONDS), Ordering::Relaxed);
    }

    /// A first turn took so long.
    pub(crate) fn took(&self, time: Duration) {
        self.took.store(micros(time), Ordering::Relaxed);
    }

    /// Whether a function is a slot, which can be rebound.
    pub fn is_slot(&self, name: &str) -> bool {
        self.definition.functions().iter().any(|slot| *slot.name == *name)
    }

    /// What a call means.
    pub fn target(&self, slot: Option<&str>, function: &FunctionRef) -> Target {
        if core(&function.name) {
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
        self.packages.get(digest).map(|p| p.manifest.idempotent)
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

/// The plugin that a call means by these pins; none where it means a core function, or nothing.
pub fn pinned<'a>(pins: &'a BTreeMap<String, Pin>, slot: Option<&str>, function: &FunctionRef) -> Option<&'a Pin> {
    if core(&function.name) { None } else { pins.get(&key(slot, function)) }
}

/// The name under which a function is pinned.
pub(crate) fn key(slot: Option<&str>, function: &FunctionRef) -> String {
    match slot {
        Some(slot) => slot.to_owned(),
        None => format!("{}:{}", function.name, function.version),
    }
}

/// True for a core function of the desk.
fn core(name: &str) -> bool {
    static NAMES: LazyLock<BTreeSet<&'static str>> =
        LazyLock::new(|| huiyin_desk::core_functions().iter().map(|f| f.name).collect());
    NAMES.contains(name)
}

/// The functions a workflow may call: the desk's core functions and what is installed.
pub struct HouseCatalog<'a>(pub &'a House);

impl Catalog for HouseCatalog<'_> {
    fn resolve(&self, name: &str, version: Option<&str>) -> Option<FunctionInfo> {
        if let Some(core) =
            huiyin_desk::core_functions().iter().find(|f| f.name == name && version.is_none_or(|v| v == f.version))
        {
            return Some(FunctionInfo {
                kind: FunctionKind::Core,
                input_schema: Some(core.input_schema.clone()),
                output_schema: Some(core.output_schema.clone()),
            });
        }
        let full = version.map_or_else(|| name.to_owned(), |v| format!("{name}:{v}"));
        let Some((_, package)) = self.0.find(&full) else {
            // It may not be called, and what named it before can still be read.
            let kind = self.0.known(&full)?.kind;
            return Some(FunctionInfo { kind: FunctionKind::Plugin { kind }, input_schema: None, output_schema: None });
        };
        let manifest = &package.manifest;
        Some(FunctionInfo {
            kind: FunctionKind::Plugin { kind: manifest.kind.name().to_owned() },
            // The schema of a step's input says nothing of `config`, which a call carries beside it.
            input_schema: None,
            output_schema: manifest.output_schema.clone(),
        })
    }

    fn names(&self) -> Vec<String> {
        let core = huiyin_desk::core_functions().into_iter().map(|f| format!("{}:{}", f.name, f.version));
        core.chain(self.0.installed().into_iter().map(|(name, _)| name)).collect()
    }
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
    for function in definition.calls().iter().filter(|f| !core(&f.name)) {
        let name = key(None, function);
        match house.bindable(&name, unit, before) {
            Ok(bound) => {
                pins.insert(name, bound.pin);
            }
            Err(why) => problems.push(why),
        }
    }
    for slot in definition.functions().iter().filter(|s| !core(&s.function.name)) {
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
pub(crate) fn fits(slot: &huiyin_flow::Slot, pin: Pin, house: &House) -> Result<Pin, String> {
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
pub(crate) fn bound(
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

/// Whether any object in a value has this key.
fn has_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| name == key || has_key(value, key)),
        Value::Array(items) => items.iter().any(|item| has_key(item, key)),
        _ => false,
    }
}
