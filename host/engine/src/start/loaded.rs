//! Deployed workflows made ready to run: definitions compiled, schedules read.

use std::collections::HashMap;
use std::sync::Arc;

use huiyin_flow::Definition;
use huiyin_partition::deployed::Deployed;
use huiyin_partition::extension;
use huiyin_records::state::{Deployment, State};
use huiyin_registry::catalog::RegistryCatalog;
use huiyin_registry::house::House;
use jiff::Timestamp;

use super::StartError;
use super::error::lines;

/// Definitions compiled once for all the deployments that share them.
#[derive(Default)]
pub struct Definitions {
    pub(super) by_text: HashMap<Arc<str>, Definition>,
}

impl Definitions {
    /// What a partition's state has deployed, ready to run.
    ///
    /// # Errors
    /// When a schedule that is in force cannot be read.
    pub fn of(&mut self, state: &State, house: &House) -> Result<HashMap<String, Arc<Deployed>>, StartError> {
        let mut all = HashMap::new();
        for (id, deployment) in &state.deployments {
            let anchor = state.schedules.get(id).and_then(|fired| fired.anchor).unwrap_or(deployment.since);
            if let Some(deployed) = self.one(id, deployment, anchor, house) {
                all.insert(id.clone(), Arc::new(deployed));
            }
        }
        Ok(all)
    }

    /// One deployment, whose intervals count from `anchor`, ready to run; none
    /// where it cannot be read any more, which is told.
    pub(crate) fn one(
        &mut self,
        id: &str,
        deployment: &Deployment,
        anchor: Timestamp,
        house: &House,
    ) -> Option<Deployed> {
        let definition = match self.by_text.get(&deployment.text) {
            Some(definition) => definition.clone(),
            None => {
                let catalog = RegistryCatalog(house);
                let parsed = Definition::parse(&deployment.text, &deployment.name, &catalog, &*house.evaluator);
                let definition = match parsed {
                    Ok(definition) => definition,
                    Err(problems) => {
                        // What was deployed once may name a plugin that is gone. Its runs are set aside
                        // when they are to go on; everything else goes on (rules 1 and 11).
                        tracing::error!(workflow = %deployment.name, deployment = %id, problems = %lines(&problems), "a workflow in force cannot be loaded");
                        return None;
                    }
                };
                self.by_text.insert(Arc::clone(&deployment.text), definition.clone());
                definition
            }
        };
        let schedule = extension::schedule(&definition, anchor).unwrap_or_else(|fault| {
            // It was checked when it was deployed, by a version that knew less.
            tracing::error!(workflow = %deployment.name, %fault, "a schedule in force cannot be read; it does not fire");
            None
        });
        let (unit, pins) = (deployment.unit.clone(), deployment.pins.clone());
        Some(Deployed::new(id.to_owned(), unit, definition, pins, schedule, |digest| house.facts(digest)))
    }
}
