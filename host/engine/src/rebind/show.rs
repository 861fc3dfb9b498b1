//! What slots stand for, as people see it.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Definition, Engine, House, Refusal, RegistryCatalog, SlotOf, State};
use huiyin_records::bindings::{Canary, Choice, Quarantine, Slot};
use huiyin_records::record::{self, Difference, Entry, Pin};
use jiff::Timestamp;
use serde::Serialize;

/// One slot of a workflow in force.
#[derive(Debug, Clone, Serialize)]
pub struct BindingRow {
    /// Which.
    #[serde(flatten)]
    pub of: SlotOf,
    /// The kind of plugin it takes.
    pub kind: String,
    /// What new runs get, `name:version`.
    pub plugin: String,
    /// Its digest.
    pub digest: String,
    /// Why its calls are refused, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// Who says so: `person`, `unit` or `all` of the configuration, `workflow`; `quarantine` where it
    /// takes the place of what was set aside.
    pub from: &'static str,
    /// A person's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Said>,
    /// What was set aside, the earliest first.
    pub quarantined: Vec<Aside>,
    /// What is watched beside it.
    pub canary: Option<CanaryRow>,
}

/// Who said something, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub since: Timestamp,
}

/// A plugin that was set aside.
#[derive(Debug, Clone, Serialize)]
pub struct Aside {
    /// What failed.
    pub plugin: String,
    /// What new runs get instead; none where there is nothing else.
    pub to: Option<String>,
    /// Whose binding that is.
    pub whose: Option<String>,
    /// How often it failed.
    pub faults: u32,
    /// The last fault.
    pub last: String,
    /// Since when.
    pub since: Timestamp,
}

/// A canary, and what it has come to.
#[derive(Debug, Clone, Serialize)]
pub struct CanaryRow {
    /// What is tried.
    pub plugin: String,
    /// Its digest.
    pub digest: String,
    /// Who started it, why and when.
    #[serde(flatten)]
    pub said: Said,
    /// Calls compared.
    pub calls: u64,
    /// Items compared.
    pub items: u64,
    /// Items of which the two said different things.
    pub differing: u64,
    /// Calls that were not compared, because too many were under way.
    pub skipped: u64,
}

/// One item of which a canary said something else.
#[derive(Debug, Clone, Serialize)]
pub struct Differing {
    /// When.
    pub time: Timestamp,
    /// In which run.
    pub run: String,
    /// Which call of it.
    pub call: String,
    /// The item, and what each said.
    #[serde(flatten)]
    pub difference: Difference,
}

impl From<&Quarantine> for Aside {
    fn from(x: &Quarantine) -> Aside {
        Aside {
            plugin: x.from.plugin.clone(),
            to: x.to.as_ref().map(|pin| pin.plugin.clone()),
            whose: x.whose.clone(),
            faults: x.faults,
            last: x.last.clone(),
            since: x.at,
        }
    }
}

impl From<&Choice> for Said {
    fn from(x: &Choice) -> Said {
        Said { by: x.actor.clone(), reason: x.reason.clone(), since: x.at }
    }
}

impl From<&Canary> for CanaryRow {
    fn from(x: &Canary) -> CanaryRow {
        CanaryRow {
            plugin: x.pin.plugin.clone(),
            digest: x.pin.digest.clone(),
            said: Said { by: x.actor.clone(), reason: x.reason.clone(), since: x.at },
            calls: x.calls,
            items: x.items,
            differing: x.differing,
            skipped: x.skipped,
        }
    }
}

/// What a partition says of one workflow in force.
struct InForce {
    name: String,
    unit: Option<String>,
    text: Arc<str>,
    pins: std::collections::BTreeMap<String, Pin>,
    slots: Vec<Slot>,
}

impl Engine {
    /// Every slot of every workflow in force, and what new runs get in it.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn bindings(&self) -> Result<Vec<BindingRow>, Refusal> {
        let found = self.look_all(|state: &State, _| {
            let row = |d: &huiyin_records::state::Deployment| {
                let mine = |slot: &&Slot| slot.of.workflow == d.name && slot.of.unit == d.unit;
                let (name, unit, text) = (d.name.clone(), d.unit.clone(), Arc::clone(&d.text));
                let slots = state.bindings.slots().filter(mine).cloned().collect();
                InForce { name, unit, text, pins: d.pins.clone(), slots }
            };
            state.deployments.values().filter(|d| d.active).map(row).collect::<Vec<_>>()
        });
        let found: Vec<InForce> = found.await?.into_iter().flatten().collect();
        let (house, bindings) = (Arc::clone(&self.house), self.bindings.clone());
        let rows = tokio::task::spawn_blocking(move || {
            let mut known: HashMap<Arc<str>, Option<Definition>> = HashMap::new();
            let mut rows: Vec<BindingRow> = Vec::new();
            for workflow in found {
                let read = || {
                    let catalog = RegistryCatalog(&house);
                    Definition::parse(&workflow.text, &workflow.name, &catalog, &*house.evaluator).ok()
                };
                let Some(definition) = known.entry(Arc::clone(&workflow.text)).or_insert_with(read) else { continue };
                for slot in definition.functions() {
                    let configured =
                        |b: &&crate::config::Binding| b.workflow == definition.document().name && *b.slot == *slot.name;
                    let own = bindings.iter().filter(configured);
                    let whose = own
                        .filter(|b| b.unit == "*" || Some(&b.unit) == workflow.unit.as_ref())
                        .map(|b| if b.unit == "*" { "all" } else { "unit" })
                        .max();
                    rows.extend(row(&workflow, slot, whose, &house));
                }
            }
            // What serves no unit is in every partition, and told once.
            rows.sort_by(|a, b| a.of.cmp(&b.of));
            rows.dedup_by(|again, first| {
                let same = again.of == first.of;
                if let (true, Some(again), Some(first)) = (same, &again.canary, &mut first.canary) {
                    first.calls += again.calls;
                    first.items += again.items;
                    first.differing += again.differing;
                    first.skipped += again.skipped;
                }
                same
            });
            rows
        });
        rows.await.map_err(|e| Refusal::Store(e.to_string()))
    }

    /// The latest items of which a slot's canary said something else, the
    /// latest first. Costs reading the log since the canary started.
    ///
    /// # Errors
    /// [`Refusal`]; also where there is no canary.
    pub async fn canary_differences(&self, of: &SlotOf, most: usize) -> Result<Vec<Differing>, Refusal> {
        let mut found = Vec::new();
        let mut any = false;
        for at in 0..self.partitions.len() {
            let wanted = of.clone();
            let canary = self
                .look(at, move |state: &State, _| state.bindings.slot(&wanted).and_then(|slot| slot.canary.clone()));
            let Some(canary) = canary.await? else { continue };
            any = true;
            let (journal, of) = (Arc::clone(&self.journal), of.clone());
            let read = tokio::task::spawn_blocking(move || {
                let mut all = Vec::new();
                for record in journal.read(at as u32, canary.first.max(1))? {
                    let record = record?;
                    // What was redacted is gone; what cannot be read is told by `audit verify`.
                    let Ok(Some(Entry::CanaryCompared(compared))) = record::decode(&record) else { continue };
                    if compared.of != of || compared.digest != canary.pin.digest {
                        continue;
                    }
                    let (time, run, call) = (record.header.time, compared.run, compared.call);
                    let told = compared.differences.into_iter();
                    all.extend(told.map(|difference| Differing {
                        time,
                        run: run.clone(),
                        call: call.clone(),
                        difference,
                    }));
                    let over = all.len().saturating_sub(most);
                    all.drain(..over);
                }
                Ok::<_, huiyin_journal::JournalError>(all)
            });
            let read = read.await.map_err(|error| Refusal::Store(error.to_string()))?;
            found.extend(read.map_err(|error| Refusal::Store(error.to_string()))?);
        }
        if !any {
            return Err(Refusal::NotFound(format!("slot `{}` has no canary", of.slot)));
        }
        found.sort_by_key(|differing| std::cmp::Reverse(differing.time));
        found.truncate(most);
        Ok(found)
    }
}

fn row(
    workflow: &InForce,
    slot: &huiyin_flow::Slot,
    configured: Option<&'static str>,
    house: &House,
) -> Option<BindingRow> {
    let pin = workflow.pins.get(&*slot.name)?;
    let known = workflow.slots.iter().find(|known| *known.of.slot == *slot.name);
    let of = SlotOf { workflow: workflow.name.clone(), unit: workflow.unit.clone(), slot: slot.name.to_string() };
    let quarantined: Vec<Aside> = known.into_iter().flat_map(|known| &known.quarantined).map(Aside::from).collect();
    let chosen = known.and_then(|known| known.chosen.as_ref());
    let instead = known.is_some_and(|known| {
        known.quarantined.iter().any(|aside| aside.to.as_ref().is_some_and(|to| to.digest == pin.digest))
    });
    let kind = match &slot.info.kind {
        huiyin_flow::FunctionKind::Plugin { kind } => kind.clone(),
        huiyin_flow::FunctionKind::Core => return None,
    };
    Some(BindingRow {
        of,
        kind,
        plugin: pin.plugin.clone(),
        digest: pin.digest.clone(),
        withheld: house.may(pin, workflow.unit.as_deref()).err(),
        from: if instead {
            "quarantine"
        } else if chosen.is_some() {
            "person"
        } else {
            configured.unwrap_or("workflow")
        },
        chosen: chosen.map(Said::from),
        quarantined,
        canary: known.and_then(|known| known.canary.as_ref()).map(CanaryRow::from),
    })
}
