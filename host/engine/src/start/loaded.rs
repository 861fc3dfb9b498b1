//! Deployed workflows made ready to run: definitions compiled, schedules read.

use std::collections::HashMap;
use std::sync::Arc;

use huiyin_deadline::schedule::{Interval, Schedule};
use huiyin_flow::Definition;
use jiff::Timestamp;

use super::wanted::cron;
use super::{StartError, lines};
use crate::deployment::{Deployed, HouseCatalog};
use crate::house::House;
use crate::state::State;
use crate::timetable::Timetable;

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
            let schedule = timetable(&definition, deployment.since)
                .map_err(|e| StartError::Config(vec![format!("{}: {e}", deployment.name)]))?;
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

/// A workflow's own schedule.
pub(super) fn timetable(definition: &Definition, since: Timestamp) -> Result<Option<Timetable>, String> {
    let interval = |text: &str| text.parse::<Interval>().map_err(|e| e.to_string());
    let zone = definition.extension().get("timezone").and_then(serde_json::Value::as_str);
    let schedule = match definition.schedule() {
        Some(huiyin_flow::Schedule::Cron(expr)) => cron(expr, zone)?,
        Some(huiyin_flow::Schedule::Every(every)) => Schedule::Every { every: interval(every)?, anchor: since },
        Some(huiyin_flow::Schedule::After(after)) => Schedule::After { after: interval(after)? },
        Some(huiyin_flow::Schedule::On(_)) | None => return Ok(None),
    };
    Ok(Some(Timetable(schedule)))
}
