//! What a slot stands for, changed while the host runs: by a person, by a
//! canary that is promoted, by faults that set a plugin aside. A change is the
//! same workflow with other pins, deployed anew with the reason on record
//! before it: new runs get it at once, running runs keep what they began with.

mod fallback;
mod show;

use std::collections::BTreeMap;
use std::sync::Arc;

use huiyin_desk::Act;
use huiyin_flow::Definition;
use huiyin_partition::deployed::Deployed;
use huiyin_partition::extension;
use huiyin_partition::partition::{Deploy, Failing, Message, Refusal, Reply};
use huiyin_records::bindings::{Bindings, Override, Overrides};
use huiyin_records::record::{
    BindingChanged, BindingLifted, BindingQuarantined, CanaryEnd, CanaryEnded, CanaryStarted, Entry, Pin, SlotOf,
    WorkflowDeployed,
};
use huiyin_records::state::{Deployment, State};
use huiyin_registry::catalog::RegistryCatalog;
use huiyin_registry::house::House;
use huiyin_registry::plugin_config;
use huiyin_registry::resolve;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

pub use self::show::{Aside, BindingRow, CanaryRow, Differing, Said};
use crate::config::Binding;
use crate::engine::Engine;
use crate::partition_handle::PartitionHandle;
use crate::shell::Clock;

/// The longest reason, in bytes.
const MAX_REASON: usize = 2_000;

/// Which slot a person speaks of, and why.
#[derive(Debug, Clone)]
pub struct SlotWord {
    /// The workflow, `namespace/name`, or the name alone where only one has it.
    pub workflow: String,
    /// The unit it serves; `*` for every unit that it serves.
    pub unit: Option<String>,
    /// The slot.
    pub slot: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
}

/// Which plugin a person means.
#[derive(Debug, Clone, Default)]
pub struct PluginWord {
    /// `name:version`.
    pub plugin: String,
    /// SHA-256 of the component, hex, where the exact bytes are meant.
    pub digest: Option<String>,
    /// Its configuration; unless given another version of the slot's plugin
    /// keeps what the slot has now, and another plugin has the call's own.
    pub config: Option<Value>,
}

/// What came of it, for one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rebound {
    /// Which slot.
    #[serde(flatten)]
    pub of: SlotOf,
    /// What new runs get.
    pub plugin: String,
    /// Its digest.
    pub digest: String,
    /// The deployment in force.
    pub deployment: String,
    /// Whether new runs get something else than before.
    pub changed: bool,
}

/// The parts of a host that a change of bindings needs; they outlive no host.
#[derive(Clone)]
pub(crate) struct Rebinder {
    pub(crate) house: Arc<House>,
    pub(crate) bindings: Arc<[Binding]>,
    /// One deployment at a time.
    pub(crate) deploying: Arc<tokio::sync::Mutex<()>>,
    pub(crate) partitions: Vec<Arc<PartitionHandle>>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A workflow in force, with what is known of its slots.
struct Standing {
    id: String,
    deployment: Deployment,
    /// From when the intervals of its schedule count.
    anchor: Timestamp,
    bindings: Bindings,
    definition: Definition,
}

impl Standing {
    fn slot(&self, name: &str) -> Result<&huiyin_flow::Slot, Refusal> {
        let slots = self.definition.functions();
        slots.iter().find(|slot| *slot.name == *name).ok_or_else(|| {
            let known: Vec<&str> = slots.iter().map(|slot| &*slot.name).collect();
            let has = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!("workflow `{}` has no slot `{name}`; it has {has}", self.deployment.name);
            Refusal::Invalid { pointer: "/slot".to_owned(), message }
        })
    }

    fn of(&self, slot: &str) -> SlotOf {
        let (workflow, unit) = (self.deployment.name.clone(), self.deployment.unit.clone());
        SlotOf { workflow, unit, slot: slot.to_owned() }
    }
}

impl Engine {
    pub(crate) fn rebinder(&self) -> Rebinder {
        Rebinder {
            house: Arc::clone(&self.house),
            bindings: self.bindings.clone().into(),
            deploying: Arc::clone(&self.deploying),
            partitions: self.partitions.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Binds a slot to a plugin: new runs get it at once, running runs keep
    /// theirs, and it stays so across restarts. Without a plugin the slot is
    /// handed back to the configuration. Whatever was set aside is forgotten.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing has changed for the unit that it names.
    pub async fn bind(&self, word: SlotWord, to: Option<PluginWord>) -> Result<Vec<Rebound>, Refusal> {
        self.permit(&word.actor, Act::Bind, word.unit.as_deref())?;
        self.rebinder()
            .each(&word, |house, standing| {
                let pin = to.as_ref().map(|to| chosen(house, standing, &word.slot, to)).transpose()?;
                let (of, actor, reason) = (standing.of(&word.slot), word.actor.clone(), word.reason.clone());
                if pin.is_none() && standing.bindings.slot(&of).is_none_or(|slot| slot.chosen.is_none()) {
                    let why = format!("nobody bound slot `{}`; it has what the configuration says", word.slot);
                    return Err(No::Nothing(Refusal::Refused(why)));
                }
                Ok(vec![Entry::BindingChanged(BindingChanged { of, pin, actor, reason })])
            })
            .await
    }

    /// Lets a slot have its own plugin again that was set aside.
    ///
    /// # Errors
    /// [`Refusal`]; also where nothing was set aside.
    pub async fn lift(&self, word: SlotWord) -> Result<Vec<Rebound>, Refusal> {
        self.permit(&word.actor, Act::Bind, word.unit.as_deref())?;
        self.rebinder()
            .each(&word, |_, standing| {
                let of = standing.of(&word.slot);
                if standing.bindings.slot(&of).is_none_or(|slot| slot.quarantined.is_empty()) {
                    let why = format!("nothing of slot `{}` is set aside", word.slot);
                    return Err(No::Nothing(Refusal::Refused(why)));
                }
                let (actor, reason) = (word.actor.clone(), word.reason.clone());
                Ok(vec![Entry::BindingLifted(BindingLifted { of, actor, reason })])
            })
            .await
    }

    /// From now on calls a plugin beside a slot's own, on the same input, and
    /// records where they differ. What it says counts for nothing.
    ///
    /// # Errors
    /// [`Refusal`]; also for a plugin that is not pure, or the slot's own.
    pub async fn start_canary(&self, word: SlotWord, plugin: PluginWord) -> Result<Vec<Rebound>, Refusal> {
        self.permit(&word.actor, Act::Bind, word.unit.as_deref())?;
        self.rebinder()
            .each(&word, |house, standing| {
                let pin = chosen(house, standing, &word.slot, &plugin)?;
                let of = standing.of(&word.slot);
                let own = standing.deployment.pins.get(&word.slot);
                for pin in std::iter::once(&pin).chain(own) {
                    if !house.package(&pin.digest).is_some_and(|package| package.pure) {
                        return Err(refused(format!(
                            "`{}` reaches outside; only a pure plugin can be tried beside a pure one: what a canary does must not count",
                            pin.plugin
                        )));
                    }
                }
                if let Some(canary) = standing.bindings.slot(&of).and_then(|slot| slot.canary.as_ref()) {
                    let (slot, known) = (&word.slot, &canary.pin.plugin);
                    return Err(refused(format!("slot `{slot}` has the canary `{known}`; promote or drop it first")));
                }
                if own == Some(&pin) {
                    return Err(refused(format!("slot `{}` is `{}` already", word.slot, pin.plugin)));
                }
                let (actor, reason) = (word.actor.clone(), word.reason.clone());
                Ok(vec![Entry::CanaryStarted(CanaryStarted { of, pin, actor, reason })])
            })
            .await
    }

    /// Ends a canary: it takes the slot, or is dropped.
    ///
    /// # Errors
    /// [`Refusal`]; also where there is none.
    pub async fn end_canary(&self, word: SlotWord, promote: bool) -> Result<Vec<Rebound>, Refusal> {
        self.permit(&word.actor, Act::Bind, word.unit.as_deref())?;
        self.rebinder()
            .each(&word, |house, standing| {
                let of = standing.of(&word.slot);
                let canary = standing.bindings.slot(&of).and_then(|slot| slot.canary.clone());
                let Some(canary) = canary else {
                    return Err(No::Nothing(Refusal::NotFound(format!("slot `{}` has no canary", word.slot))));
                };
                if promote {
                    // It was asked about when the canary started, and may have changed since.
                    house.may(&canary.pin, of.unit.as_deref()).map_err(Refusal::Refused)?;
                }
                let (actor, reason) = (word.actor.clone(), word.reason.clone());
                let how = if promote { CanaryEnd::Promoted } else { CanaryEnd::Dropped };
                let ended = CanaryEnded { of: of.clone(), how, actor: actor.clone(), reason: reason.clone() };
                let mut entries = vec![Entry::CanaryEnded(ended)];
                if promote {
                    let pin = Some(canary.pin);
                    entries.push(Entry::BindingChanged(BindingChanged { of, pin, actor, reason }));
                }
                Ok(entries)
            })
            .await
    }
}

/// A workflow that is in force as it is with these slots; its schedule counts from `anchor`.
///
/// # Errors
/// When its functions cannot be resolved any more.
pub fn with_slots(
    old: &Deployment,
    anchor: Timestamp,
    over: &Overrides,
    definition: Definition,
    configured: &[Binding],
    house: &House,
) -> Result<(WorkflowDeployed, Deployed), Refusal> {
    let pins = resolve::pin(&definition, old.unit.as_deref(), configured, over, &old.digests(), house)
        .map_err(|problems| Refusal::Refused(problems.join("; ")))?;
    let id = resolve::digest(&old.text, old.unit.as_deref(), &pins);
    // It was checked when it was deployed: what could not be read was refused.
    let schedule = extension::schedule(&definition, anchor).unwrap_or(None);
    let entry = WorkflowDeployed {
        deployment: id.clone(),
        name: old.name.clone(),
        unit: old.unit.clone(),
        text: old.text.to_string(),
        pins: pins.clone(),
        replaces: true,
        by: old.by.clone(),
        keeps_schedule: true,
    };
    Ok((entry, Deployed::new(id, old.unit.clone(), definition, pins, schedule, |digest| house.facts(digest))))
}

/// Why nothing is done for one place.
enum No {
    /// It must not be: nor anywhere else, then.
    Refusal(Refusal),
    /// There is nothing to do here; elsewhere there may be.
    Nothing(Refusal),
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> No {
        No::Refusal(refusal)
    }
}

fn refused(why: String) -> No {
    No::Refusal(Refusal::Refused(why))
}

/// The plugin that a person means for a slot.
fn chosen(house: &House, standing: &Standing, slot: &str, to: &PluginWord) -> Result<Pin, Refusal> {
    let invalid = |pointer: &str, message: String| Refusal::Invalid { pointer: pointer.to_owned(), message };
    if !to.plugin.contains(':') {
        let message = format!("`{}` names no version; write name:version", to.plugin);
        return Err(invalid("/plugin", message));
    }
    let usable = house.usable(&to.plugin, standing.deployment.unit.as_deref());
    let (mut pin, _) = usable.map_err(|why| invalid("/plugin", why))?;
    if let Some(digest) = to.digest.as_ref().filter(|digest| **digest != pin.digest) {
        let message = format!("`{}` has the digest {}, not {digest}", to.plugin, pin.digest);
        return Err(invalid("/digest", message));
    }
    // Another plugin would not understand it.
    let same = |now: &&Pin| now.plugin.split(':').next() == pin.plugin.split(':').next();
    let now = standing.deployment.pins.get(slot).filter(same).map(|pin| pin.config.clone());
    pin.config = to.config.clone().or(now).unwrap_or_default();
    let pin = resolve::fits(standing.slot(slot)?, pin, house).map_err(|why| invalid("/plugin", why))?;
    if let Some(fault) = plugin_config::faults_of(house, &pin).into_iter().next() {
        let message = format!(
            "`{}` does not take this configuration: {}; `huiyin plugin inspect` shows what it takes",
            pin.plugin, fault.message
        );
        return Err(invalid(&format!("/config{}", fault.pointer), message));
    }
    // Without one of its own it gets what the calls in the workflow's text say.
    if pin.config.is_null() {
        let (text, name) = (&standing.deployment.text, &standing.deployment.name);
        let pins = BTreeMap::from([(slot.to_owned(), pin.clone())]);
        if let Some(found) = plugin_config::check(&standing.definition, &pins, text, name, house).into_iter().next() {
            return Err(invalid("/config", found.to_string()));
        }
    }
    Ok(pin)
}

impl Rebinder {
    /// Does the same for every place where a slot is that a person speaks of.
    async fn each(
        &self,
        word: &SlotWord,
        entries: impl Fn(&House, &Standing) -> Result<Vec<Entry>, No>,
    ) -> Result<Vec<Rebound>, Refusal> {
        if word.reason.trim().is_empty() || word.reason.len() > MAX_REASON {
            let message = format!("say why, in at most {MAX_REASON} bytes");
            return Err(Refusal::Invalid { pointer: "/reason".to_owned(), message });
        }
        let _turn = self.deploying.lock().await;
        let (mut standing, mut nothing) = (Vec::new(), None);
        for (at, workflow) in self.places(word)? {
            let Some(found) = self.standing(at, &workflow.id).await? else { continue };
            found.slot(&word.slot)?;
            match entries(&self.house, &found) {
                Ok(entries) => standing.push((at, found, entries)),
                Err(No::Refusal(refusal)) => return Err(refusal),
                Err(No::Nothing(refusal)) => nothing = Some(refusal),
            }
        }
        if let Some(refusal) = nothing.filter(|_| standing.is_empty()) {
            return Err(refusal);
        }
        let mut all: Vec<Rebound> = Vec::new();
        for (at, found, entries) in standing {
            let rebound = self.put(at, found, &word.slot, entries, &word.actor).await?;
            // What serves no unit is in every partition, and told once.
            if !all.iter().any(|known| known.of == rebound.of) {
                all.push(rebound);
            }
        }
        Ok(all)
    }

    /// Where the workflow is that a person speaks of: partition and deployment.
    fn places(&self, word: &SlotWord) -> Result<Vec<(usize, Arc<Deployed>)>, Refusal> {
        let mut found = Vec::new();
        for (at, partition) in self.partitions.iter().enumerate() {
            for workflow in partition.in_force() {
                let named = workflow.name == word.workflow || workflow.name.rsplit('/').next() == Some(&word.workflow);
                let meant =
                    workflow.unit == word.unit || (word.unit.as_deref() == Some("*") && workflow.unit.is_some());
                if named && meant {
                    found.push((at, workflow));
                }
            }
        }
        let names: std::collections::BTreeSet<&str> = found.iter().map(|(_, w)| w.name.as_str()).collect();
        if names.len() > 1 {
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("`{}` may be any of {names}; give namespace/name", word.workflow);
            return Err(Refusal::Invalid { pointer: "/workflow".to_owned(), message });
        }
        if found.is_empty() {
            let whom = word.unit.as_ref().map_or_else(String::new, |unit| format!(" for unit {unit}"));
            return Err(Refusal::NotFound(format!("no workflow `{}` is in force{whom}", word.workflow)));
        }
        Ok(found)
    }

    /// A deployment that is in force, and what is known of its slots.
    async fn standing(&self, at: usize, id: &str) -> Result<Option<Standing>, Refusal> {
        let wanted = id.to_owned();
        let found = self.look(at, move |state, _| {
            let deployment = state.deployments.get(&wanted).filter(|d| d.active)?.clone();
            let anchor = state.schedules.get(&wanted).and_then(|fired| fired.anchor).unwrap_or(deployment.since);
            Some((deployment, anchor, state.bindings.clone()))
        });
        let Some((deployment, anchor, bindings)) = found.await? else { return Ok(None) };
        let (house, text, name) = (Arc::clone(&self.house), Arc::clone(&deployment.text), deployment.name.clone());
        // Compiling takes its time and must not hold up what else goes on.
        let parsed = tokio::task::spawn_blocking(move || {
            Definition::parse(&text, &name, &RegistryCatalog(&house), &*house.evaluator)
        });
        let definition = parsed.await.map_err(|e| Refusal::Store(e.to_string()))?.map_err(|problems| {
            let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            Refusal::Refused(format!("the workflow in force cannot be read any more: {all}"))
        })?;
        Ok(Some(Standing { id: id.to_owned(), deployment, anchor, bindings, definition }))
    }

    /// Records what changed about a slot, and the deployment that follows from it.
    async fn put(
        &self,
        at: usize,
        standing: Standing,
        slot: &str,
        entries: Vec<Entry>,
        actor: &str,
    ) -> Result<Rebound, Refusal> {
        let Standing { id, deployment: old, anchor, mut bindings, definition } = standing;
        let now = self.clock.now();
        for entry in &entries {
            bindings.apply(entry, 0, now);
        }
        let over = bindings.of(&old.name, old.unit.as_deref());
        let (entry, ready) = with_slots(&old, anchor, &over, definition, &self.bindings, &self.house)?;
        let (new, pin) = (entry.deployment.clone(), entry.pins.get(slot).cloned());
        let mut workflows = Vec::new();
        if new != id {
            workflows.push((entry, Arc::new(ready)));
        }
        let ready: Vec<Arc<Deployed>> = workflows.iter().map(|(_, deployed)| Arc::clone(deployed)).collect();
        let (withdrawn, actor) = (Vec::new(), actor.to_owned());
        let deploy = |reply| Message::Deploy(Deploy { workflows, withdrawn, bindings: entries, actor, reply });
        self.ask(at, deploy).await?;
        if let Some(partition) = self.partitions.get(at).filter(|_| !ready.is_empty()) {
            partition.now_has(&ready, at);
        }
        let of = SlotOf { workflow: old.name, unit: old.unit, slot: slot.to_owned() };
        let (plugin, digest) = pin.map(|pin| (pin.plugin, pin.digest)).unwrap_or_default();
        Ok(Rebound { of, plugin, digest, changed: new != id, deployment: new })
    }

    async fn ask<T: Send + 'static>(&self, at: usize, message: impl FnOnce(Reply<T>) -> Message) -> Result<T, Refusal> {
        self.partitions.get(at).ok_or_else(Refusal::stopped)?.ask(message).await
    }

    async fn look<T: Send + 'static>(
        &self,
        at: usize,
        look: impl FnOnce(&State, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (tell, told) = oneshot::channel();
        let query = Box::new(move |state: &State, now: Timestamp| {
            let seen = look(state, now);
            Box::new(move || drop(tell.send(seen))) as Box<dyn FnOnce() + Send>
        });
        let partition = self.partitions.get(at).ok_or_else(Refusal::stopped)?;
        partition.inbox.send(Message::Query(query)).map_err(|_| Refusal::stopped())?;
        told.await.map_err(|_| Refusal::stopped())
    }
}
