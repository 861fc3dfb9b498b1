//! Deploying workflows to a running host: everything is checked before
//! anything is written, and all of it comes into force or none ([`crate::plan`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use huiyin_desk::Act;
use huiyin_flow::{Definition, Diagnostic, Severity};
use huiyin_partition::deployed::{Deployed, workflow_name};
use huiyin_partition::extension;
use huiyin_partition::partition::Refusal;
use huiyin_records::bindings::Overrides;
use huiyin_records::record::WorkflowDeployed;
use huiyin_records::state::{Deployment, State};
use huiyin_registry::catalog::RegistryCatalog;
use huiyin_registry::house::House;
use huiyin_registry::plugin_config;
use huiyin_registry::resolve;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::OwnedMutexGuard;

use crate::config::Binding;
use crate::engine::{Engine, InForce};
use crate::partition_handle::PartitionHandle;
use crate::plan::{Part, Plan};
use crate::space::Left;
use crate::start::same_schedule;

/// The most workflows of one deployment.
pub const MAX_WORKFLOWS: usize = 100;

/// A workflow text and its name in findings.
#[derive(Debug, Clone)]
pub struct WorkflowText {
    /// The file, as the asker calls it.
    pub file: String,
    /// The document, JSON or YAML.
    pub text: String,
}

/// One workflow that was asked to be deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeployedWorkflow {
    /// The file, as the asker called it.
    pub file: String,
    /// `namespace/name`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The unit it serves.
    pub unit: Option<String>,
    /// The deployment's digest.
    pub deployment: String,
    /// Whether it came into force by this; it was in force already otherwise.
    pub changed: bool,
}

/// What came of a deployment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DeployReport {
    /// The workflows, each with each unit.
    pub deployed: Vec<DeployedWorkflow>,
    /// What their authors should look at.
    pub warnings: Vec<Diagnostic>,
}

/// Why a deployment was refused. Nothing of it is in force.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A workflow is not valid.
    #[error("{}", lines(.0))]
    Invalid(Vec<Diagnostic>),
    /// The host does not take it.
    #[error(transparent)]
    Refusal(#[from] Refusal),
}

fn lines<T: std::fmt::Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What was checked and may be put into force.
struct Checked {
    file: String,
    definition: Definition,
    entry: WorkflowDeployed,
    /// From when its intervals count, where it takes a schedule over.
    anchor: Option<Timestamp>,
}

/// A workflow of the same name that is in force.
struct Rival {
    unit: Option<String>,
    text: Arc<str>,
    /// From when the intervals of its schedule count.
    anchor: Timestamp,
}

impl Engine {
    /// Brings workflows into force for units (`*`: all of them; none: for no
    /// unit, to be run by name). New runs get them; running runs keep theirs.
    /// They stay in force across restarts until a person or a newer text of
    /// the configuration replaces them.
    ///
    /// # Errors
    /// [`DeployError`]; nothing was changed then.
    pub async fn deploy(
        &self,
        texts: Vec<WorkflowText>,
        units: &[String],
        actor: &str,
    ) -> Result<DeployReport, DeployError> {
        if units.is_empty() {
            self.permit(actor, Act::Deploy, None)?;
        }
        for unit in units {
            self.permit(actor, Act::Deploy, Some(unit))?;
        }
        self.space.at_least(Left::Enough)?;
        let turn = Arc::clone(&self.deploying).lock_owned().await;
        let places = self.places(units)?;
        if texts.is_empty() || texts.len() > MAX_WORKFLOWS {
            let message = format!("{} workflows; deploy 1 to {MAX_WORKFLOWS} at once", texts.len());
            return Err(Refusal::Invalid { pointer: "/workflows".to_owned(), message }.into());
        }
        let rivals = self.rivals().await?;
        let over = self.overrides().await?;
        let (house, bindings) = (Arc::clone(&self.house), self.bindings.clone());
        let standing = self.workflows();
        let (wanted, by) = (places.keys().cloned().collect::<Vec<_>>(), actor.to_owned());
        // Compiling takes its time and must not hold up what else goes on.
        let checked = tokio::task::spawn_blocking(move || {
            check(texts, &wanted, &rivals, &standing, &bindings, &over, &house, &by)
        });
        let (checked, warnings) = checked.await.map_err(|e| Refusal::Store(e.to_string()))??;
        let before: BTreeSet<String> = self.workflows().into_iter().map(|w| w.deployment).collect();
        let mut report = DeployReport { deployed: Vec::with_capacity(checked.len()), warnings };
        let mut plan = Plan { actor: actor.to_owned(), ..Plan::default() };
        for one in checked {
            let deployed = Arc::new(one.ready(self.now(), &self.house));
            report.deployed.push(DeployedWorkflow {
                file: one.file,
                name: deployed.name.clone(),
                version: deployed.version.clone(),
                unit: deployed.unit.clone(),
                deployment: deployed.id.clone(),
                changed: !before.contains(&deployed.id),
            });
            for at in places.get(&deployed.unit).into_iter().flatten() {
                let has = |partition: &Arc<PartitionHandle>| partition.in_force().iter().any(|w| w.id == deployed.id);
                if !self.partitions.get(*at).is_some_and(has) {
                    let part = plan.parts.entry(*at).or_default();
                    part.workflows.push((one.entry.clone(), Arc::clone(&deployed)));
                }
            }
        }
        self.carry_out(turn, plan).await?;
        Ok(report)
    }

    /// Withdraws a workflow: it takes no new runs, and running runs keep it.
    /// One that the configuration names comes back at the next start.
    ///
    /// # Errors
    /// When no such workflow is in force, or the host cannot write.
    pub async fn withdraw(&self, name: &str, unit: Option<&str>, actor: &str) -> Result<(), Refusal> {
        self.permit(actor, Act::Deploy, unit)?;
        let turn = Arc::clone(&self.deploying).lock_owned().await;
        let mut plan = Plan { actor: actor.to_owned(), ..Plan::default() };
        for (at, partition) in self.partitions.iter().enumerate() {
            let is = |w: &Deployed| w.name == name && w.unit.as_deref() == unit;
            let withdrawn: Vec<String> = partition.in_force().iter().filter(|w| is(w)).map(|w| w.id.clone()).collect();
            if !withdrawn.is_empty() {
                plan.parts.insert(at, Part { withdrawn, ..Part::default() });
            }
        }
        if plan.parts.is_empty() {
            let whom = unit.map_or_else(String::new, |u| format!(" for unit {u}"));
            return Err(Refusal::NotFound(format!("no workflow `{name}` is in force{whom}")));
        }
        self.carry_out(turn, plan).await
    }

    /// Carries a plan out, also where the asker goes away meanwhile. No other
    /// deployment begins before it has ended.
    async fn carry_out(&self, turn: OwnedMutexGuard<()>, plan: Plan) -> Result<(), Refusal> {
        let (partitions, most) = (self.partitions.clone(), self.payload);
        let carried = tokio::spawn(async move {
            let done = plan.carry_out(&partitions, most).await;
            drop(turn);
            done
        });
        carried.await.map_err(|e| Refusal::Store(e.to_string()))?
    }

    /// In which partitions each unit's deployments go; all, for none.
    fn places(&self, units: &[String]) -> Result<BTreeMap<Option<String>, Vec<usize>>, Refusal> {
        if units.is_empty() {
            return Ok(BTreeMap::from([(None, (0..self.partitions.len()).collect())]));
        }
        let mut places = BTreeMap::new();
        for unit in units {
            let named = if unit == "*" { self.units() } else { vec![unit.clone()] };
            if named.is_empty() {
                return Err(Refusal::NotFound("the host has no units; it has no policy pack".to_owned()));
            }
            for unit in named {
                places.insert(Some(unit.clone()), vec![self.partition_of(&unit)?]);
            }
        }
        Ok(places)
    }

    /// What people chose for slots and what was set aside, by workflow and unit.
    async fn overrides(&self) -> Result<BTreeMap<(String, Option<String>), Overrides>, Refusal> {
        let found = self
            .look_all(|state: &State, _| {
                let of = |slot: &huiyin_records::bindings::Slot| {
                    let (workflow, unit) = (slot.of.workflow.clone(), slot.of.unit.clone());
                    let over = state.bindings.of(&workflow, unit.as_deref());
                    ((workflow, unit), over)
                };
                state.bindings.slots().map(of).collect::<Vec<_>>()
            })
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// What is in force, by name.
    async fn rivals(&self) -> Result<BTreeMap<String, Vec<Rival>>, Refusal> {
        let found = self
            .look_all(|state: &State, _| {
                let row = |(id, d): (&String, &Deployment)| {
                    let anchor = state.schedules.get(id).and_then(|fired| fired.anchor).unwrap_or(d.since);
                    (d.name.clone(), Rival { unit: d.unit.clone(), text: Arc::clone(&d.text), anchor })
                };
                state.deployments.iter().filter(|(_, d)| d.active).map(row).collect::<Vec<_>>()
            })
            .await?;
        let mut rivals: BTreeMap<String, Vec<Rival>> = BTreeMap::new();
        for (name, rival) in found.into_iter().flatten() {
            rivals.entry(name).or_default().push(rival);
        }
        Ok(rivals)
    }
}

impl Checked {
    fn ready(&self, now: Timestamp, house: &House) -> Deployed {
        // Checked before: an unreadable schedule was refused.
        let schedule = extension::schedule(&self.definition, self.anchor.unwrap_or(now)).unwrap_or(None);
        let (entry, definition) = (&self.entry, self.definition.clone());
        Deployed::new(
            entry.deployment.clone(),
            entry.unit.clone(),
            definition,
            entry.pins.clone(),
            schedule,
            |digest| house.facts(digest),
        )
    }
}

/// Everything that can be wrong, found before anything is written.
#[allow(clippy::too_many_arguments)] // one check, and all that it looks at
fn check(
    texts: Vec<WorkflowText>,
    units: &[Option<String>],
    rivals: &BTreeMap<String, Vec<Rival>>,
    in_force: &[InForce],
    bindings: &[Binding],
    over: &BTreeMap<(String, Option<String>), Overrides>,
    house: &House,
    by: &str,
) -> Result<(Vec<Checked>, Vec<Diagnostic>), DeployError> {
    let (mut errors, mut warnings, mut definitions) = (Vec::new(), Vec::new(), Vec::new());
    for given in texts {
        match Definition::parse(&given.text, &given.file, &RegistryCatalog(house), &*house.evaluator) {
            Ok(definition) => {
                if let Err(found) = extension::check(&definition, &given.text, &given.file) {
                    errors.extend(found);
                }
                warnings.extend(definition.warnings().iter().cloned());
                warnings.extend(huiyin_flow::lint(&given.text, &given.file));
                if units.contains(&None) {
                    warnings.extend(deaf(&given, &definition));
                }
                definitions.push((given, definition));
            }
            Err(found) => errors.extend(found),
        }
    }
    if !errors.is_empty() {
        return Err(DeployError::Invalid(errors));
    }
    let (mut problems, mut names, mut checked) = (Vec::new(), BTreeSet::new(), Vec::new());
    // What will be in force: what is given, and what stands and is not replaced by it.
    let with: Vec<(String, String)> =
        definitions.iter().map(|(_, d)| (workflow_name(d), d.document().version.clone())).collect();
    let none = Overrides::new();
    let mut wrong: Vec<Diagnostic> = Vec::new();
    for (given, definition) in definitions {
        let name = workflow_name(&definition);
        if !names.insert(name.clone()) {
            problems.push(format!("{}: `{name}` is given twice", given.file));
        }
        for unit in units {
            let stands = in_force
                .iter()
                .filter(|w| w.unit.is_none() || w.unit == *unit)
                .filter(|w| w.unit != *unit || !with.iter().any(|(name, _)| *name == w.name))
                .map(|w| (w.name.as_str(), w.version.as_str()));
            let there: Vec<(&str, &str)> = with.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(stands).collect();
            let missing = resolve::missing_below(&definition, unit.as_deref(), &there);
            problems.extend(missing.into_iter().map(|why| format!("{}: {why}", given.file)));
            if let Some(why) = published(&definition, unit.as_deref(), rivals.get(&name), house) {
                problems.push(format!("{}: {why}", given.file));
            }
            let mine = over.get(&(name.clone(), unit.clone())).unwrap_or(&none);
            // What may not be used is not brought into force anew.
            match resolve::pin(&definition, unit.as_deref(), bindings, mine, &BTreeSet::new(), house) {
                Ok(pins) => {
                    // What a person chose for a slot was asked about then, and may have changed since.
                    let denied = pins.iter().filter_map(|(name, pin)| {
                        house.may(pin, unit.as_deref()).err().map(|why| format!("{}: `{name}`: {why}", given.file))
                    });
                    problems.extend(denied);
                    let found = plugin_config::check(&definition, &pins, &given.text, &given.file, house);
                    wrong.extend(found.into_iter().filter(|one| !wrong.contains(one)).collect::<Vec<_>>());
                    let old = rivals.get(&name).into_iter().flatten().find(|rival| rival.unit == *unit);
                    let anchor =
                        old.filter(|old| same_schedule(&old.text, &name, &definition, house)).map(|old| old.anchor);
                    let entry = WorkflowDeployed {
                        deployment: resolve::digest(&given.text, unit.as_deref(), &pins),
                        name: name.clone(),
                        unit: unit.clone(),
                        text: given.text.clone(),
                        pins,
                        replaces: true,
                        by: Some(by.to_owned()),
                        keeps_schedule: anchor.is_some(),
                    };
                    checked.push(Checked { file: given.file.clone(), definition: definition.clone(), entry, anchor });
                }
                Err(found) => problems.extend(found.into_iter().map(|p| format!("{}: {p}", given.file))),
            }
        }
    }
    if !wrong.is_empty() {
        return Err(DeployError::Invalid(wrong));
    }
    if problems.is_empty() {
        return Ok((checked, warnings));
    }
    problems.dedup();
    Err(Refusal::Refused(problems.join("; ")).into())
}

/// That a workflow which serves no unit waits for a unit's events: it would never start, and nothing would say so.
fn deaf(given: &WorkflowText, definition: &Definition) -> Option<Diagnostic> {
    let (kind, pointer) = huiyin_flow::waits_for_unit(definition.source())?;
    let (line, column) = huiyin_flow::locate(&given.text, &given.file, &pointer).unwrap_or((1, 1));
    Some(Diagnostic {
        severity: Severity::Warning,
        pointer,
        file: given.file.clone(),
        line,
        column,
        message: format!("`{kind}` is an event of a unit, and this workflow is deployed for none: it will never start"),
        hint: Some("deploy it with `--unit CODE`, or `--unit '*'` for all units".to_owned()),
    })
}

/// A published version never changes: why this one would.
fn published(
    definition: &Definition,
    unit: Option<&str>,
    rivals: Option<&Vec<Rival>>,
    house: &House,
) -> Option<String> {
    let version = &definition.document().version;
    let differs = |text: &Arc<str>| {
        // What cannot be read any more cannot be compared either.
        Definition::parse(text, "in force", &RegistryCatalog(house), &*house.evaluator)
            .is_ok_and(|old| old.document().version == *version && old.source() != definition.source())
    };
    let changed = rivals?.iter().filter(|rival| rival.unit.as_deref() == unit).any(|rival| differs(&rival.text));
    changed.then(|| {
        let name = workflow_name(definition);
        format!("`{name}` {version} is in force with other content; raise `document.version`")
    })
}
