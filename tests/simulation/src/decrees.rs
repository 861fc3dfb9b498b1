//! A person who deploys a workflow, and withdraws it, while the host runs: for
//! both units, or for none, and so in every partition. The steps are those of
//! the live host ([`huiyin_engine::plan`]), with whatever comes in between.
//! What must hold: it is in force everywhere or nowhere, and a yes is for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use huiyin_engine::Refusal;
use huiyin_engine::deployed::Deployed;
use huiyin_engine::partition::{Deploy, Message};
use huiyin_engine::plan::{Part, intended};
use huiyin_engine::record::{DeploymentCompleted, Entry, WorkflowDeployed};
use huiyin_engine::resolve::digest;
use serde_json::json;

use crate::host::Host;
use crate::plugins;
use crate::sim::{Answer, Flight, Sim};
use crate::workload::{PEOPLE, UNITS};

/// The workflow that persons deploy.
const NAME: &str = "sim/by-person";

/// The number of the version in force; none for no version.
type Version = Option<u64>;

/// What a person has decreed.
#[derive(Default)]
pub(crate) struct Decrees {
    number: u64,
    under_way: Option<UnderWay>,
    /// For the units, and for none.
    groups: [Group; 2],
}

#[derive(Debug, Default, Clone, Copy)]
struct Group {
    /// What a person was told is in force.
    told: Version,
    /// What may be instead: it was asked for, and nothing was heard of it.
    asked: Option<Version>,
}

/// One deployment being carried out.
struct UnderWay {
    number: u64,
    group: usize,
    wanted: Version,
    id: Option<String>,
    parts: BTreeMap<usize, Part>,
    left: usize,
}

/// The parts of carrying it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// It is on record that it is to be.
    Intended,
    /// One partition has its part.
    Part,
    /// It is on record that it is.
    Completed,
}

impl Decrees {
    /// Whether nothing is being carried out.
    pub(crate) fn at_rest(&self) -> bool {
        self.under_way.is_none()
    }

    /// Holds what a start has found against what a person was told. From then on that counts.
    ///
    /// # Errors
    /// When it is in force by half, or is not what it may be.
    pub(crate) fn check(&mut self, host: &Host) -> Result<(), String> {
        self.under_way = None;
        for (which, group) in self.groups.iter_mut().enumerate() {
            let found = in_force(host, which);
            let (Some(version), 1) = (found.first(), found.len()) else {
                return Err(format!("{NAME} is in force by half, group {which}: {found:?}"));
            };
            if *version != group.told && Some(*version) != group.asked {
                return Err(format!("{NAME} is in force as {version:?}, group {which}; {group:?}"));
            }
            *group = Group { told: *version, asked: None };
        }
        Ok(())
    }
}

/// The versions in force for a group: one, unless something is wrong.
fn in_force(host: &Host, group: usize) -> BTreeSet<Version> {
    let states = || host.parts.iter().map(|part| part.commit.core().state());
    let number = |text: &str| -> Version {
        let document: serde_json::Value = serde_json::from_str(text).ok()?;
        document.pointer("/document/version")?.as_str()?.split('.').nth(1)?.parse().ok()
    };
    let version = |state: &huiyin_engine::state::State, unit: Option<&str>| -> Version {
        let mut found = state.deployments.values().filter(|d| d.active && d.name == NAME);
        found.find(|d| d.unit.as_deref() == unit).and_then(|d| number(&d.text))
    };
    if group == 1 {
        return states().map(|state| version(state, None)).collect();
    }
    let of =
        |unit: &str| states().find(|state| state.units.contains(unit)).and_then(|state| version(state, Some(unit)));
    UNITS.iter().map(|unit| of(unit)).collect()
}

impl Sim {
    /// A person may want another version, or none, if the last one is through.
    pub(crate) fn decree(&mut self) -> Result<(), String> {
        if self.is_quiet() || !self.decrees.at_rest() || !self.slots.at_rest() || !self.random.chance(1, 6) {
            return Ok(());
        }
        let group = self.random.place(2);
        let withdraw = self.random.chance(1, 4);
        let Some(host) = &self.host else { return Ok(()) };
        let there = in_force(host, group).into_iter().next().flatten();
        if withdraw && there.is_none() {
            return Ok(());
        }
        self.decrees.number += 1;
        let number = self.decrees.number;
        let document =
            json!({"dsl": "1.0.3", "namespace": "sim", "name": "by-person", "version": format!("1.{number}.0")});
        let text = json!({"document": document, "do": [{"say": {"set": {"n": number}}}]}).to_string();
        let definition = plugins::parse(NAME, &text, &self.setup.house)?;
        let mut parts: BTreeMap<usize, Part> = BTreeMap::new();
        for (at, part) in host.parts.iter().enumerate() {
            let state = part.commit.core().state();
            let units: Vec<Option<String>> = match group {
                0 => UNITS
                    .iter()
                    .filter(|unit| state.units.contains(**unit))
                    .map(|unit| Some((*unit).to_owned()))
                    .collect(),
                _ => vec![None],
            };
            for unit in units {
                let into = parts.entry(at).or_default();
                if withdraw {
                    let is = |d: &huiyin_engine::state::Deployment| d.active && d.name == NAME && d.unit == unit;
                    into.withdrawn.extend(state.deployments.iter().filter(|(_, d)| is(d)).map(|(id, _)| id.clone()));
                    continue;
                }
                let pins = BTreeMap::new();
                let id = digest(&text, unit.as_deref(), &pins);
                let entry = WorkflowDeployed {
                    deployment: id.clone(),
                    name: NAME.to_owned(),
                    unit: unit.clone(),
                    text: text.clone(),
                    pins: pins.clone(),
                    replaces: true,
                    by: Some(PEOPLE[0].to_owned()),
                    keeps_schedule: false,
                };
                let ready =
                    Deployed::new(id, unit, definition.clone(), pins, None, |digest| self.setup.house.facts(digest));
                into.workflows.push((entry, Arc::new(ready)));
            }
        }
        let wanted = (!withdraw).then_some(number);
        self.decrees.groups[group].asked = Some(wanted);
        let promise = intended(format!("decree-{number}"), PEOPLE[0], &parts);
        let id = promise.as_ref().map(|promise| promise.id.clone());
        let left = parts.len();
        self.trace.say(format_args!("{} decree {number}: {wanted:?} for group {group}", self.now));
        self.decrees.under_way = Some(UnderWay { number, group, wanted, id, parts, left });
        match promise {
            Some(promise) => self.put(Entry::DeploymentIntended(promise), number, Done::Intended),
            None => self.do_parts(number),
        }
        Ok(())
    }

    fn put(&mut self, entry: Entry, number: u64, done: Done) {
        let reply = self.reply(move |said: Result<(), Refusal>| Answer::Decree(number, done, said));
        let message = Message::Deployment(Box::new(entry), PEOPLE[0].to_owned(), reply);
        self.send(Flight::Deliver(0, message));
    }

    fn do_parts(&mut self, number: u64) {
        let Some(under_way) = self.decrees.under_way.as_mut().filter(|it| it.number == number) else { return };
        for (at, Part { workflows, withdrawn }) in std::mem::take(&mut under_way.parts) {
            let reply = self.reply(move |said: Result<(), Refusal>| Answer::Decree(number, Done::Part, said));
            let (actor, bindings) = (PEOPLE[0].to_owned(), Vec::new());
            self.send(Flight::Deliver(at, Message::Deploy(Deploy { workflows, withdrawn, bindings, actor, reply })));
        }
    }

    /// A step of a deployment was done, or the store has failed and the host is about to end.
    pub(crate) fn decreed(&mut self, number: u64, done: Done, said: &Result<(), Refusal>) -> Result<(), String> {
        match said {
            Ok(()) => {}
            Err(Refusal::Store(_)) => return Ok(()),
            Err(refusal) => return Err(format!("a deployment was refused in the midst of it: {refusal}")),
        }
        let Some(under_way) = self.decrees.under_way.as_mut().filter(|it| it.number == number) else { return Ok(()) };
        let over = match done {
            Done::Intended => {
                self.do_parts(number);
                false
            }
            Done::Part => {
                under_way.left -= 1;
                match (under_way.left, under_way.id.clone()) {
                    (0, Some(id)) => {
                        self.put(Entry::DeploymentCompleted(DeploymentCompleted { id }), number, Done::Completed);
                        false
                    }
                    (left, None) => left == 0,
                    _ => false,
                }
            }
            Done::Completed => true,
        };
        if over && let Some(under_way) = self.decrees.under_way.take() {
            self.decrees.groups[under_way.group] = Group { told: under_way.wanted, asked: None };
            self.counts.deployed += 1;
        }
        Ok(())
    }
}
