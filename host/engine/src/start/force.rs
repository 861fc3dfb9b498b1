//! Bringing what is configured and not yet in force into force, by records.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use huiyin_desk::PolicyPack;
use huiyin_flow::Definition;
use huiyin_journal::{Draft, Journal};
use huiyin_partition::commit::portions;
use huiyin_partition::deployed::workflow_name;
use huiyin_partition::extension;
use huiyin_partition::partition::actor_in_headers;
use huiyin_records::record::{DeskDecided, Entry, Pin, UnitPlaced, WorkflowDeployed, WorkflowWithdrawn, unit_key};
use huiyin_records::state::{Deployment, State, place, text_digest};
use huiyin_registry::catalog::RegistryCatalog;
use huiyin_registry::house::House;
use huiyin_registry::plugin_config;
use huiyin_registry::resolve;
use jiff::Timestamp;

use super::StartError;
use super::standing;
use super::wanted::Wanted;
use crate::config::{HostConfig, WorkflowConfig};

/// Writes what is configured and not yet in force.
///
/// # Errors
/// When something configured cannot be, or the journal fails.
pub async fn bring_into_force(
    loaded: &mut [State],
    wanted: &Wanted,
    config: &HostConfig,
    house: &House,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<(), StartError> {
    let mut entries: Vec<Vec<(Entry, String, Option<String>)>> = loaded.iter().map(|_| Vec::new()).collect();
    let mut homes: BTreeMap<String, usize> = BTreeMap::new();
    for (at, state) in loaded.iter().enumerate() {
        for unit in &state.units {
            homes.insert(unit.clone(), at);
        }
    }
    for unit in &wanted.units {
        if homes.contains_key(unit) {
            continue;
        }
        let at = (0..loaded.len()).min_by_key(|at| homes.values().filter(|h| *h == at).count()).unwrap_or(0);
        homes.insert(unit.clone(), at);
        entries[at].push((
            Entry::UnitPlaced(UnitPlaced { unit: unit.clone() }),
            format!("unit/{unit}"),
            Some(unit.clone()),
        ));
    }
    if let Some(pack) = &wanted.policy {
        let last = loaded.first().and_then(|home| home.desk.adopted().next_back().cloned());
        let inherited = last.filter(|last| (&last.name, &last.version) == (&pack.name, &pack.version));
        for (at, state) in loaded.iter().enumerate() {
            if state.desk.policy().is_none_or(|inforce| **inforce != *pack) {
                let mut facts = adopt(state, pack, now).map_err(|error| refused_pack(wanted, error))?;
                // A deployment that was cut short: the other partitions come to what the first one has.
                if let (Some(first), true) = (&inherited, at > 0) {
                    for fact in &mut facts {
                        if let huiyin_desk::Fact::PolicyAdopted { by, recompute, .. } = fact {
                            by.clone_from(&first.by);
                            recompute.clone_from(&first.recompute);
                        }
                    }
                }
                entries[at].push((
                    Entry::DeskDecided(DeskDecided { facts, call: None, once: None }),
                    format!("policy/{}/{}", pack.name, pack.version),
                    None,
                ));
            }
        }
    }
    // A partner stands outside the organisation, whose workflows are not its own (clause 6c).
    let partner =
        |code: &str| wanted.policy.as_ref().and_then(|pack| pack.unit(code)).is_some_and(huiyin_desk::Unit::is_partner);
    let of_tree: BTreeMap<String, usize> =
        homes.iter().filter(|(unit, _)| !partner(unit)).map(|(unit, at)| (unit.clone(), *at)).collect();
    let mut problems = Vec::new();
    let mut keep: Vec<BTreeSet<String>> = loaded.iter().map(|_| BTreeSet::new()).collect();
    let mut named = BTreeSet::new();
    let persons = by_persons(loaded);
    for (workflow, text, definition) in &wanted.workflows {
        for (at, unit) in places(workflow, &of_tree, loaded.len()) {
            // Either would replace the other, in turns, at each start.
            if !named.insert((at, unit.clone(), workflow_name(definition))) {
                let name = workflow_name(definition);
                let whom = unit.map_or_else(String::new, |u| format!(" for unit {u}"));
                problems.push(format!(
                    "{}: `{name}` is configured twice{whom}; give one of them another name",
                    workflow.file.display()
                ));
                continue;
            }
            problems.extend(missing_below(wanted, &persons, definition, unit.as_deref(), &workflow.file));
            let over = loaded[at].bindings.of(&workflow_name(definition), unit.as_deref());
            let before = pinned_before(&loaded[at], &workflow_name(definition), unit.as_deref());
            match resolve::pin(definition, unit.as_deref(), &config.bindings, &over, &before, house) {
                Err(found) => problems.extend(found.into_iter().map(|p| format!("{}: {p}", workflow.file.display()))),
                Ok(pins) => {
                    let found =
                        plugin_config::check(definition, &pins, text, &workflow.file.display().to_string(), house);
                    problems.extend(found.iter().map(ToString::to_string));
                    deploy(&mut entries[at], &mut keep[at], &loaded[at], text, definition, unit, pins, house);
                }
            }
        }
    }
    problems.extend(wanted.new_and_unusable(loaded));
    if !problems.is_empty() {
        problems.dedup();
        return Err(StartError::Config(problems));
    }
    standing::keep_up(loaded, &mut entries, &config.bindings, house);
    for (at, state) in loaded.iter().enumerate() {
        // What a person deployed, a person withdraws.
        let configured = |d: &&Deployment| d.active && d.by.is_none();
        for (id, deployment) in state.deployments.iter().filter(|(id, d)| configured(d) && !keep[at].contains(*id)) {
            let replaced = entries[at].iter().any(|(entry, ..)| {
                matches!(entry, Entry::WorkflowDeployed(new) if new.name == deployment.name && new.unit == deployment.unit)
            });
            if !replaced {
                let entry = Entry::WorkflowWithdrawn(WorkflowWithdrawn { deployment: id.clone() });
                entries[at].push((entry, format!("workflow/{}", deployment.name), deployment.unit.clone()));
            }
        }
    }
    for (at, entries) in entries.into_iter().enumerate() {
        write_all(&mut loaded[at], at as u32, DEPLOY, entries, journal, now).await?;
    }
    Ok(())
}

/// What a workflow is pinned to as it stands, in any of its versions in force.
fn pinned_before(state: &State, name: &str, unit: Option<&str>) -> BTreeSet<String> {
    let mine = |d: &&Deployment| d.active && d.name == name && d.unit.as_deref() == unit;
    state.deployments.values().filter(mine).flat_map(Deployment::digests).collect()
}

/// The desk's own word on a new pack: it may refuse one that the cases in hand cannot live with.
pub(super) fn adopt(
    state: &State,
    pack: &PolicyPack,
    now: Timestamp,
) -> Result<Vec<huiyin_desk::Fact>, huiyin_desk::DeskError> {
    let command = huiyin_desk::Command::AdoptPolicy { pack: Box::new(pack.clone()) };
    let mut new_id = || uuid::Uuid::now_v7();
    let mut context = huiyin_desk::DecideContext {
        now,
        actor: huiyin_desk::Actor::System("deploy".to_owned()),
        new_id: &mut new_id,
        content_key: &[0; 32],
        scope: None,
        elsewhere: huiyin_desk::Elsewhere::default(),
    };
    // What a newer calendar settles is recorded with each case, once the partition is put to work.
    let facts = state.desk.decide(&command, &mut context)?.facts.into_iter();
    Ok(facts.filter(|fact| matches!(fact, huiyin_desk::Fact::PolicyAdopted { .. })).collect())
}

/// What the desk says against a pack, with its place in the file where it names one.
pub(super) fn refused_pack(wanted: &Wanted, mut error: huiyin_desk::DeskError) -> StartError {
    match error.pointer.take() {
        Some(pointer) => {
            let hint = std::mem::take(&mut error.hint);
            wanted.policy_problem(&pointer, error.to_string(), &hint)
        }
        None => StartError::Config(vec![error.to_string()]),
    }
}

/// Where a workflow is deployed: with each of its units, or, serving none, everywhere.
pub(super) fn places(
    workflow: &WorkflowConfig,
    homes: &BTreeMap<String, usize>,
    partitions: usize,
) -> Vec<(usize, Option<String>)> {
    if workflow.units.is_empty() {
        return (0..partitions).map(|at| (at, None)).collect();
    }
    homes
        .iter()
        .filter(|(unit, _)| workflow.units.iter().any(|u| u == "*" || u == *unit))
        .map(|(unit, at)| (*at, Some(unit.clone())))
        .collect()
}

/// The workflows that one runs and that will not be there for its unit: neither configured nor deployed by a person.
fn missing_below(
    wanted: &Wanted,
    persons: &[(String, String, Option<String>)],
    definition: &Definition,
    unit: Option<&str>,
    file: &Path,
) -> Vec<String> {
    let serves = |other: &WorkflowConfig| {
        other.units.is_empty() || unit.is_some_and(|unit| other.units.iter().any(|u| u == "*" || u == unit))
    };
    let configured = wanted.workflows.iter().filter(|(other, ..)| serves(other));
    let configured: Vec<(String, &str)> =
        configured.map(|(_, _, d)| (workflow_name(d), d.document().version.as_str())).collect();
    let persons = persons.iter().filter(|(_, _, whose)| whose.is_none() || whose.as_deref() == unit);
    let there: Vec<(&str, &str)> = configured
        .iter()
        .map(|(name, version)| (name.as_str(), *version))
        .chain(persons.map(|(name, version, _)| (name.as_str(), version.as_str())))
        .collect();
    let missing = resolve::missing_below(definition, unit, &there);
    missing.into_iter().map(|why| format!("{}: {why}", file.display())).collect()
}

/// What persons have deployed: name, version, and for whom.
fn by_persons(loaded: &[State]) -> Vec<(String, String, Option<String>)> {
    let all = loaded.iter().flat_map(|state| state.deployments.values()).filter(|d| d.active && d.by.is_some());
    all.map(|d| {
        // It was read when it was deployed.
        let text = huiyin_flow::read_value(&d.text, &d.name).unwrap_or_default();
        let version = text.pointer("/document/version").and_then(serde_json::Value::as_str).unwrap_or_default();
        (d.name.clone(), version.to_owned(), d.unit.clone())
    })
    .collect()
}

#[allow(clippy::too_many_arguments)] // the parts of one deployment, each used once
pub(super) fn deploy(
    entries: &mut Vec<(Entry, String, Option<String>)>,
    keep: &mut BTreeSet<String>,
    state: &State,
    text: &str,
    definition: &Definition,
    unit: Option<String>,
    pins: BTreeMap<String, Pin>,
    house: &House,
) {
    let id = resolve::digest(text, unit.as_deref(), &pins);
    if !keep.insert(id.clone()) || state.deployments.get(&id).is_some_and(|d| d.active) {
        return;
    }
    let name = workflow_name(definition);
    // A person deployed another text since the configuration brought in this one: theirs stands,
    // until the configuration has a new one.
    let persons = state.deployments.values().any(|d| d.active && d.by.is_some() && d.name == name && d.unit == unit);
    if persons && state.configured.get(&place(&name, unit.as_deref())) == Some(&text_digest(text)) {
        return;
    }
    let subject = format!("workflow/{name}/{}", definition.document().version);
    let keeps_schedule = state
        .deployments
        .values()
        .find(|old| old.active && old.name == name && old.unit == unit)
        .is_some_and(|old| same_schedule(&old.text, &old.name, definition, house));
    let text = text.to_owned();
    let (replaces, by) = (true, None);
    let entry = WorkflowDeployed { deployment: id, name, unit: unit.clone(), text, pins, replaces, by, keeps_schedule };
    entries.push((Entry::WorkflowDeployed(entry), subject, unit));
}

/// Whether another version of a workflow is due at the same times.
pub(crate) fn same_schedule(old: &str, name: &str, new: &Definition, house: &House) -> bool {
    let Ok(old) = Definition::parse(old, name, &RegistryCatalog(house), &*house.evaluator) else { return false };
    let times = |definition: &Definition| {
        let schedule = extension::schedule(definition, Timestamp::UNIX_EPOCH).ok().flatten();
        schedule.map(|planned| planned.schedule)
    };
    times(&old).is_some_and(|old| times(new) == Some(old))
}

/// The name of the start as an actor.
pub(super) const DEPLOY: &str = "system:deploy";

/// Writes records and applies them, before the partition is put to work.
pub(super) async fn write_all(
    state: &mut State,
    partition: u32,
    actor: &str,
    entries: Vec<(Entry, String, Option<String>)>,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<(), StartError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut expected = state.seq;
    let mut drafts = Vec::with_capacity(entries.len());
    for (entry, subject, unit) in entries {
        let payload = entry.encode().map_err(|e| StartError::Config(vec![e.to_string()]))?;
        let key = unit_key(unit.as_deref());
        drafts.push(Draft {
            kind: entry.kind().to_owned(),
            subject,
            time: now,
            actor: actor_in_headers(actor).into_owned(),
            unit,
            causation: None,
            key,
            payload,
        });
        state.apply(&entry, now).map_err(|error| StartError::Apply { id: "being deployed".to_owned(), error })?;
        state.seq += 1;
    }
    // Whoever writes so much writes what is left of it at the next start.
    for (drafts, _) in portions(drafts) {
        let records = drafts.len() as u64;
        journal.append(partition, expected, drafts).await?;
        expected += records;
    }
    Ok(())
}
