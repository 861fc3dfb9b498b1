//! Workflows whose plugins may be used again: trust was given again, or what
//! was gone was installed again. What a start could not know of a withheld
//! plugin, whether it is pure, whether its calls may be repeated, is known from
//! then on, without another start.

use std::collections::BTreeSet;
use std::sync::Arc;

use huiyin_partition::deployed::Deployed;
use huiyin_partition::partition::{Message, Refusal};
use huiyin_records::state::{Deployment, State};
use jiff::Timestamp;

use crate::engine::Engine;
use crate::start::Definitions;

impl Engine {
    /// Puts every workflow that is pinned to one of these components together
    /// anew. Whoever calls this is the only one who deploys meanwhile.
    ///
    /// # Errors
    /// [`Refusal`]
    pub(crate) async fn restore(&self, digests: BTreeSet<String>) -> Result<(), Refusal> {
        if digests.is_empty() {
            return Ok(());
        }
        for (at, partition) in self.partitions.iter().enumerate() {
            let wanted = digests.clone();
            let found = self.look(at, move |state: &State, _| {
                let mine = |d: &Deployment| d.pins.values().any(|pin| wanted.contains(&pin.digest));
                let row = |(id, d): (&String, &Deployment)| {
                    let anchor = state.schedules.get(id).and_then(|fired| fired.anchor).unwrap_or(d.since);
                    (id.clone(), d.clone(), anchor)
                };
                state.deployments.iter().filter(|(_, d)| mine(d)).map(row).collect::<Vec<_>>()
            });
            let found: Vec<(String, Deployment, Timestamp)> = found.await?;
            if found.is_empty() {
                continue;
            }
            let house = Arc::clone(&self.house);
            // Compiling takes its time and must not hold up what else goes on.
            let ready = tokio::task::spawn_blocking(move || {
                let mut definitions = Definitions::default();
                let ready = |(id, d, anchor): &(String, Deployment, Timestamp)| {
                    definitions.one(id, d, *anchor, &house).map(|deployed| (d.active, Arc::new(deployed)))
                };
                found.iter().filter_map(ready).collect::<Vec<(bool, Arc<Deployed>)>>()
            });
            let ready = ready.await.map_err(|error| Refusal::Store(error.to_string()))?;
            let all: Vec<Arc<Deployed>> = ready.iter().map(|(_, deployed)| Arc::clone(deployed)).collect();
            partition.ask(|reply| Message::Restored(all, reply)).await?;
            let active: Vec<Arc<Deployed>> =
                ready.into_iter().filter(|(active, _)| *active).map(|(_, deployed)| deployed).collect();
            partition.now_has(&active, at);
        }
        Ok(())
    }
}
