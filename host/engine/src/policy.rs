//! A policy pack that comes into force while the host runs: checked, compared, adopted by every partition.
//!
//! Everything is checked before anything is written, in every partition. The first partition then adopts it, and the
//! others follow. Should the host end in between, its next start brings the others up to what the first one has
//! (`start/force.rs`): a pack is in force where the first partition has it. Units come and go at a start only, since
//! sources, workflows and partitions are placed by them; so no partition can refuse what was checked.

use std::sync::{Arc, PoisonError};

use huiyin_desk::policy::changes;
use huiyin_desk::{Act, PolicyPack};
use huiyin_partition::partition::{Adoption, Message, Refusal, adoption, refusal};
use huiyin_records::record::Pin;
use serde_json::{Value, json};

use huiyin_registry::baseline::{floor_pin, probe};
use huiyin_registry::grants::Caps;
use huiyin_registry::house::House;
use huiyin_registry::plugin_config;

use crate::engine::Engine;

/// A pack to deploy.
#[derive(Debug, Clone)]
pub struct NewPolicy {
    /// Its text.
    pub text: String,
    /// What the file is called, for what is wrong with it.
    pub file: String,
    /// Why running clocks are counted by it too; none where they go on as they are.
    pub recompute: Option<String>,
    /// Says what would happen, and changes nothing.
    pub dry_run: bool,
}

/// A case in hand, as a change may concern it.
struct Open {
    number: String,
    unit: String,
    level: huiyin_desk::Level,
}

impl Engine {
    /// The policy pack in force.
    pub fn policy(&self) -> Option<Arc<PolicyPack>> {
        self.policy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Brings a pack into force on this running host, or says what that would do. Gives what changes, for which open
    /// cases, and what was counted anew.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub async fn deploy_policy(&self, new: NewPolicy, actor: &str) -> Result<Value, Refusal> {
        self.permit(actor, Act::DeployPolicy, None)?;
        let _one = self.deploying.lock().await;
        let invalid = |pointer: &str, message: String| Refusal::Invalid { pointer: pointer.to_owned(), message };
        if let Some(reason) = &new.recompute
            && reason.trim().is_empty()
        {
            return Err(invalid("/recompute", "say why running clocks are counted anew".to_owned()));
        }
        let pack = PolicyPack::parse(&new.text, &new.file)
            .map_err(|found| invalid("/text", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
        let at = |pointer: &str, message: String, hint: &str| {
            let problem = huiyin_desk::Problem::at(&new.text, &new.file, pointer, message, hint);
            invalid("/text", problem.to_string())
        };
        let caps = Caps::read(&pack).map_err(|found| invalid("/text", found.join("\n")))?;
        let old = self.policy().ok_or_else(|| {
            Refusal::Refused(
                "no policy pack is in force; name one as `policy` in huiyin.json and start with it".to_owned(),
            )
        })?;
        same_units(&old, &pack).map_err(|(pointer, message)| {
            at(
                &pointer,
                message,
                "units come and go at a start: name the pack as `policy` in huiyin.json, and start again",
            )
        })?;
        let pin = floor(&self.house, &old, &pack).map_err(|(pointer, message)| at(&pointer, message, ""))?;
        let new_pack =
            Adoption { pack: Arc::new(pack.clone()), by: actor.to_owned(), recompute: new.recompute.clone() };
        let tried = new_pack.clone();
        let checked = self
            .look_all(move |state, now| {
                let open = state.desk.cases().filter(|case| case.is_open()).map(|case| Open {
                    number: case.number.clone(),
                    unit: case.unit.clone(),
                    level: case.level,
                });
                (adoption(&state.desk, &tried, now).map(|(_, said)| said), open.collect::<Vec<_>>())
            })
            .await?;
        let (mut open, mut recomputed) = (Vec::new(), Vec::new());
        for (tried, cases) in checked {
            let said = tried.map_err(|error| match &error.pointer {
                Some(pointer) => at(pointer, error.message.clone(), &error.hint),
                None => refusal(&error),
            })?;
            recomputed.push(said);
            open.extend(cases);
        }
        let changes: Vec<Value> = changes(&old, &pack)
            .iter()
            .map(|change| {
                let concerned = open.iter().filter(|case| change.concerns(&case.unit, case.level));
                let cases: Vec<&str> = concerned.map(|case| case.number.as_str()).collect();
                json!({ "change": change, "open_cases": cases, "count": cases.len() })
            })
            .collect();
        if !new.dry_run {
            recomputed.clear();
            for partition in 0..self.partitions.len() {
                let adoption = Box::new(new_pack.clone());
                recomputed.push(self.ask(partition, |reply| Message::Adopt(adoption, reply)).await?);
            }
            self.packages.grants.put_caps(caps);
            *self.house.floor.write().unwrap_or_else(PoisonError::into_inner) = Some(pin);
            *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Some(new_pack.pack);
        }
        let clocks: u64 = recomputed.iter().filter_map(|said| said["clocks"].as_u64()).sum();
        let cases: Vec<Value> =
            recomputed.iter().filter_map(|said| said["cases"].as_array()).flatten().cloned().collect();
        Ok(json!({
            "policy": pack.name,
            "version": pack.version,
            "from": format!("{}:{}", old.name, old.version),
            "in_force": !new.dry_run,
            "changes": changes,
            "recomputed": new.recompute.is_some().then(|| json!({ "clocks": clocks, "cases": cases })),
        }))
    }

    /// The packs that were in force, the latest last, with how many open cases go by each.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn policy_versions(&self) -> Result<Value, Refusal> {
        let found = self
            .look_all(|state, _| {
                let cases = state.desk.cases().filter(|case| case.is_open()).map(|case| case.pack.clone());
                (state.desk.adopted().cloned().collect::<Vec<_>>(), cases.collect::<Vec<_>>())
            })
            .await?;
        let inforce = self.policy().map(|pack| format!("{}:{}", pack.name, pack.version));
        let cases: Vec<&String> = found.iter().flat_map(|(_, cases)| cases).collect();
        let versions: Vec<Value> = found
            .first()
            .map(|(adopted, _)| adopted.as_slice())
            .unwrap_or_default()
            .iter()
            .map(|adopted| {
                let name = format!("{}:{}", adopted.name, adopted.version);
                let open = cases.iter().filter(|case| ***case == name).count();
                json!({
                    "pack": name, "since": adopted.at, "by": adopted.by, "recompute": adopted.recompute,
                    "open_cases": open, "in_force": Some(&name) == inforce.as_ref(),
                })
            })
            .collect();
        Ok(json!({ "versions": versions }))
    }
}

/// The units of both packs are the same: where they differ, the place and what is wrong.
fn same_units(old: &PolicyPack, new: &PolicyPack) -> Result<(), (String, String)> {
    if let Some((at, unit)) = new.units.iter().enumerate().find(|(_, unit)| old.unit(&unit.code).is_none()) {
        return Err((format!("/units/{at}/code"), format!("unit `{}` is new", unit.code)));
    }
    match old.units.iter().find(|unit| new.unit(&unit.code).is_none()) {
        Some(gone) => Err(("/units".to_owned(), format!("unit `{}` is gone", gone.code))),
        None => Ok(()),
    }
}

/// The pin of the new floor. One that cannot judge is refused, as at a start.
fn floor(house: &House, old: &PolicyPack, new: &PolicyPack) -> Result<Pin, (String, String)> {
    let stands = (&old.floor.name, &old.floor.version) == (&new.floor.name, &new.floor.version);
    let pin = floor_pin(house, &new.floor, stands).map_err(|why| ("/floor/classifier".to_owned(), why))?;
    let Ok((_, package)) = house.usable(&pin.plugin, None) else { return Ok(pin) };
    if package.manifest.kind != huiyin_sandbox::Kind::Classifier {
        let what = format!("`{}` is a {}, not a classifier", pin.plugin, package.manifest.kind.name());
        return Err(("/floor/classifier".to_owned(), what));
    }
    if let Some(fault) = plugin_config::faults(&package, &pin.config).first() {
        return Err((format!("/floor/config{}", fault.pointer), format!("the floor: {}", fault.message)));
    }
    let unit = new.root().map(|root| root.code.clone()).unwrap_or_default();
    match probe(house, &pin, &unit) {
        Ok(()) => Ok(pin),
        Err(why) => Err(("/floor/config".to_owned(), format!("the floor could not judge an item: {why}"))),
    }
}
