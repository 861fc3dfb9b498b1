//! Following the log from a place, with the states of the runs under way, and
//! deriving lifecycle events from what they decided. It must never write.

use std::collections::HashMap;
use std::sync::Arc;

use huiyin_flow::{Definition, RunState};
use huiyin_journal::{Journal, Record};
use huiyin_records::record::{self, Entry, RunTurn};
use huiyin_records::state::SinkPlace;
use huiyin_registry::catalog::RegistryCatalog;
use huiyin_registry::house::House;
use serde_json::Value;

/// Records looked at in one go.
const STRETCH: usize = 2_000;

/// A deployed workflow, as far as events need it.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) unit: Option<String>,
    pub(crate) definition: Definition,
}

/// A reader of the log at a place.
pub(crate) struct Follower {
    journal: Arc<dyn Journal>,
    house: Arc<House>,
    /// By deployment; none for one that cannot be loaded.
    known: HashMap<String, Option<Known>>,
    /// Runs under way, by id; none for one whose records cannot be understood.
    runs: HashMap<String, Option<Followed>>,
    /// The first record not looked at.
    pub(crate) next: u64,
    /// Where reading begins so that the runs under way are known; after it, nothing is read twice.
    warm: u64,
}

/// Whose events are wanted, which, and where to: each with its run. None where a record is only
/// to be understood.
type Wanted<'a> = Option<(Option<&'a str>, &'a [String], &'a mut Vec<(String, Value)>)>;

struct Followed {
    deployment: String,
    flow: RunState,
    /// Where it began.
    began: u64,
}

impl Follower {
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        house: Arc<House>,
        known: HashMap<String, Known>,
        place: SinkPlace,
    ) -> Follower {
        let known = known.into_iter().map(|(id, known)| (id, Some(known))).collect();
        Follower { journal, house, known, runs: HashMap::new(), next: place.next, warm: place.floor.min(place.next) }
    }

    /// The earliest record that is needed to understand those after the place.
    pub(crate) fn floor(&self) -> u64 {
        self.runs.values().flatten().map(|run| run.began).min().unwrap_or(self.next).min(self.next)
    }

    /// The next events, each with its run: at least so many where the log has
    /// them, and all of each record. None at the log's end, or after many
    /// records without one.
    pub(crate) fn read(
        &mut self,
        enough: usize,
        unit: Option<&str>,
        types: &[String],
    ) -> Result<Vec<(String, Value)>, String> {
        while self.warm < self.next {
            let journal = Arc::clone(&self.journal);
            let until = self.next;
            let records = journal.read_all(self.warm).map_err(|e| e.to_string())?;
            for found in records.take(usize::try_from(until - self.warm).unwrap_or(usize::MAX)) {
                self.take_in(&found.map_err(|e| e.to_string())?, None);
            }
            self.warm = until;
        }
        let journal = Arc::clone(&self.journal);
        let mut events = Vec::new();
        for found in journal.read_all(self.next).map_err(|e| e.to_string())?.take(STRETCH) {
            let found = found.map_err(|e| e.to_string())?;
            self.take_in(&found, Some((unit, types, &mut events)));
            self.next = found.index + 1;
            self.warm = self.next;
            if events.len() >= enough {
                break;
            }
        }
        Ok(events)
    }

    /// Takes a record in; tells its events, where they are wanted.
    fn take_in(&mut self, found: &Record, mut wanted: Wanted<'_>) {
        if !matches!(found.kind.as_str(), "huiyin.run.started.v1" | "huiyin.run.turn.v1") {
            return;
        }
        // Redacted, or of a later version: what cannot be read is not told.
        for part in record::parts(found).into_iter().flatten() {
            match part {
                Entry::RunStarted(x) => {
                    let flow = RunState::default();
                    self.runs.insert(x.run, Some(Followed { deployment: x.deployment, flow, began: found.index }));
                }
                Entry::RunTurn(x) => {
                    if !self.runs.contains_key(&x.run) {
                        // It began long before, or had ended and was set to work again.
                        let rebuilt = self.rebuild(&x.run, found.index);
                        self.runs.insert(x.run.clone(), rebuilt);
                    }
                    self.turn(&x, found, &mut wanted);
                }
                _ => {}
            }
        }
    }

    fn turn(&mut self, turn: &RunTurn, found: &Record, wanted: &mut Wanted<'_>) {
        let Some(Some(run)) = self.runs.get(&turn.run) else { return };
        let deployment = run.deployment.clone();
        let known = self.known(&deployment, found.index);
        let Some(slot) = self.runs.get_mut(&turn.run) else { return };
        let Some(run) = slot.as_mut() else { return };
        if let (Some(known), Some((unit, types, events))) = (&known, wanted)
            && (unit.is_none() || *unit == known.unit.as_deref())
        {
            let told = huiyin_flow::lifecycle(&known.definition, &run.flow, &turn.facts, found.header.time);
            let listed = |event: &Value| {
                let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
                types.is_empty() || types.iter().any(|prefix| kind.starts_with(prefix.as_str()))
            };
            events.extend(told.into_iter().filter(listed).map(|event| (turn.run.clone(), event)));
        }
        let applied = turn.facts.iter().try_for_each(|fact| huiyin_flow::apply(&mut run.flow, fact));
        if applied.is_err() {
            tracing::warn!(run = turn.run, "a run's records are not whole; its further events are not told");
            *slot = None;
        } else if run.flow.outcome().is_some() {
            self.runs.remove(&turn.run);
        }
    }

    /// A run's state before a record, from all the log before it.
    fn rebuild(&self, run: &str, until: u64) -> Option<Followed> {
        let subject = format!("run/{run}");
        let mut rebuilt: Option<Followed> = None;
        for found in self.journal.read_all(0).ok()? {
            let found = found.ok()?;
            if found.index >= until {
                break;
            }
            if found.header.subject != subject {
                continue;
            }
            for part in record::parts(&found).into_iter().flatten() {
                match part {
                    Entry::RunStarted(x) => {
                        let flow = RunState::default();
                        rebuilt = Some(Followed { deployment: x.deployment, flow, began: found.index });
                    }
                    Entry::RunTurn(x) => {
                        let followed = rebuilt.as_mut()?;
                        x.facts.iter().try_for_each(|fact| huiyin_flow::apply(&mut followed.flow, fact)).ok()?;
                    }
                    _ => {}
                }
            }
        }
        rebuilt
    }

    /// A deployment; one that nothing needs any more is looked for in the log.
    fn known(&mut self, deployment: &str, until: u64) -> Option<Known> {
        if let Some(known) = self.known.get(deployment) {
            return known.clone();
        }
        let found = self.find(deployment, until);
        self.known.insert(deployment.to_owned(), found.clone());
        found
    }

    fn find(&self, deployment: &str, until: u64) -> Option<Known> {
        let all = self.journal.read_all(0).ok()?.map_while(Result::ok).take_while(|found| found.index < until);
        let mut deployed = all.filter(|found| found.kind == "huiyin.workflow.deployed.v1");
        deployed.find_map(|found| match record::decode(&found) {
            Ok(Some(Entry::WorkflowDeployed(x))) if x.deployment == deployment => {
                let catalog = RegistryCatalog(&self.house);
                let definition = Definition::parse(&x.text, &x.name, &catalog, &*self.house.evaluator).ok()?;
                Some(Known { unit: x.unit, definition })
            }
            _ => None,
        })
    }
}
