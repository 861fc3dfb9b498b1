//! Sinks of lifecycle events: each gets its place in the log before anything
//! happens that it should be told of, and is then served.

use std::collections::HashMap;
use std::sync::Arc;

use huiyin_journal::Journal;
use huiyin_records::record::{Entry, SinkAdvanced};
use huiyin_records::state::{SinkPlace, State};
use huiyin_registry::house::House;
use huiyin_sandbox::SecretSource;
use jiff::Timestamp;

use super::StartError;
use super::force::{DEPLOY, write_all};
use crate::config::HostConfig;
use crate::engine::Engine;
use crate::lifecycle::{Follower, Known, Service, Sink};

/// Reads the sinks that are configured.
pub(super) fn read(
    config: &HostConfig,
    secrets: &Arc<dyn SecretSource>,
    house: &Arc<House>,
) -> Result<Vec<Sink>, StartError> {
    let mut sinks: Vec<Sink> = Vec::new();
    let mut problems = Vec::new();
    for (at, wanted) in config.lifecycle.sinks.iter().enumerate() {
        match Sink::read(wanted, secrets, house) {
            Ok(sink) if sinks.iter().any(|other| other.name == sink.name) => {
                problems.push(format!("/lifecycle/sinks/{at}/name: there are two sinks of the name `{}`", sink.name));
            }
            Ok(sink) => sinks.push(sink),
            Err(why) => problems.push(format!("/lifecycle/sinks/{at}{why}")),
        }
    }
    if problems.is_empty() { Ok(sinks) } else { Err(StartError::Config(problems)) }
}

/// Gives each sink its place; a new one begins at the log's present end.
pub(super) async fn place(
    sinks: Vec<Sink>,
    home: &mut State,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<Vec<(Sink, SinkPlace)>, StartError> {
    let next = journal.size();
    let fresh = sinks.iter().filter(|sink| !home.sinks.contains_key(&sink.name));
    let entries = fresh
        .map(|sink| {
            let place = SinkAdvanced { sink: sink.name.clone(), next, floor: next, given_up: 0 };
            (Entry::SinkAdvanced(place), format!("sink/{}", sink.name), None)
        })
        .collect();
    write_all(home, 0, DEPLOY, entries, journal, now).await?;
    let start = SinkPlace { next, floor: next, given_up: 0 };
    Ok(sinks
        .into_iter()
        .map(|sink| (home.sinks.get(&sink.name).copied().unwrap_or(start), sink))
        .map(|(p, s)| (s, p))
        .collect())
}

impl Engine {
    /// Serves the sinks. `known` are the workflows by deployment.
    pub(super) async fn serve_sinks(&mut self, sinks: Vec<(Sink, SinkPlace)>, known: &HashMap<String, Known>) {
        let Some(home) = self.partitions.first().map(|home| home.inbox.clone()) else { return };
        for (sink, place) in sinks {
            let (journal, house) = (Arc::clone(&self.journal), Arc::clone(&self.house));
            let follower = Follower::new(Arc::clone(&journal), house, known.clone(), place);
            let (clock, activity) = (Arc::clone(&self.clock), self.activity.clone());
            let service =
                Arc::new(Service::new(sink, place, clock, activity, journal, home.clone(), self.stop.clone()));
            self.sinks.push(Arc::clone(&service));
            self.tasks.lock().await.push(tokio::spawn(service.keep(follower)));
        }
    }
}
