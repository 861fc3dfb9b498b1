//! Deployed workflows made ready to run: definitions compiled, schedules read.

use std::collections::HashMap;
use std::sync::Arc;

use huiyin_flow::Definition;

use super::{StartError, lines};
use crate::deployment::{Deployed, HouseCatalog};
use crate::extension;
use crate::house::House;
use crate::state::State;

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
            let definition = match self.by_text.get(&deployment.text) {
                Some(definition) => definition.clone(),
                None => {
                    let parsed =
                        Definition::parse(&deployment.text, &deployment.name, &HouseCatalog(house), &*house.evaluator);
                    let definition = match parsed {
                        Ok(definition) => definition,
                        Err(problems) => {
                            // What was deployed once may name a plugin that is gone. Its runs are set aside
                            // when they are to go on; everything else goes on (rules 1 and 11).
                            tracing::error!(workflow = %deployment.name, deployment = %id, problems = %lines(&problems), "a workflow in force cannot be loaded");
                            continue;
                        }
                    };
                    self.by_text.insert(Arc::clone(&deployment.text), definition.clone());
                    definition
                }
            };
            let anchor = state.schedules.get(id).and_then(|fired| fired.anchor).unwrap_or(deployment.since);
            let schedule = extension::schedule(&definition, anchor).unwrap_or_else(|fault| {
                // It was checked when it was deployed, by a version that knew less.
                tracing::error!(workflow = %deployment.name, %fault, "a schedule in force cannot be read; it does not fire");
                None
            });
            let deployed = Deployed::new(
                id.clone(),
                deployment.unit.clone(),
                definition,
                deployment.pins.clone(),
                schedule,
                house,
            );
            all.insert(id.clone(), Arc::new(deployed));
        }
        Ok(all)
    }
}
