//! What the log says of one run, read back for those who ask.

use std::sync::Arc;

use huiyin_flow::Fact;
use huiyin_journal::{JournalError, Record};
use huiyin_partition::partition::Refusal;
use huiyin_records::record::{self, Entry};
use serde_json::Value;

use crate::directory::Target;
use crate::engine::Engine;

impl Engine {
    /// The records of a run, in their order. Costs reading the partition's part
    /// of the log from the run's start to its end, or to now.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn records_of(&self, run: &str) -> Result<Vec<Record>, Refusal> {
        let at = self.route(Target::Run(run)).await?;
        let id = run.to_owned();
        let span = self.look(at, move |state, _| match state.runs.get(&id) {
            Some(run) => (run.first, state.seq),
            None => state.ended(&id).map_or((0, 0), |ended| (ended.first, ended.last)),
        });
        let (first, last) = span.await?;
        let (journal, partition, subject) = (Arc::clone(&self.journal), at as u32, format!("run/{run}"));
        let read = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            for record in journal.read(partition, first.max(1))? {
                let record = record?;
                if record.header.seq > last {
                    break;
                }
                if record.header.subject == subject {
                    found.push(record);
                }
            }
            Ok::<_, JournalError>(found)
        });
        let found = read.await.map_err(|error| Refusal::Store(error.to_string()))?;
        found.map_err(|error| Refusal::Store(error.to_string()))
    }

    /// The result of a run that has ended and whose result is only in the log.
    /// `Null` where its records were redacted.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn result_of(&self, run: &str) -> Result<Value, Refusal> {
        let at = self.route(Target::Run(run)).await?;
        let id = run.to_owned();
        let last = self.look(at, move |state, _| state.ended(&id).map(|ended| ended.last)).await?;
        let Some(last) = last else { return Err(Refusal::NotFound(format!("run {run} has not ended"))) };
        let (journal, partition) = (Arc::clone(&self.journal), at as u32);
        let read = tokio::task::spawn_blocking(move || {
            let record = journal.read(partition, last).map_err(|e| e.to_string())?.next();
            let record = record.ok_or("its last record is not there")?.map_err(|e| e.to_string())?;
            let Some(Entry::RunTurn(turn)) = record::parts(&record).map_err(|e| e.to_string())?.last() else {
                return Ok(Value::Null);
            };
            let result = turn.facts.into_iter().rev().find_map(|fact| match fact {
                Fact::Completed { output } => Some(Arc::unwrap_or_clone(output)),
                Fact::Faulted { error, .. } => Some(serde_json::to_value(&*error).unwrap_or_default()),
                Fact::Cancelled { reason } => Some(Value::from(&*reason)),
                _ => None,
            });
            Ok::<_, String>(result.unwrap_or_default())
        });
        read.await.map_err(|error| Refusal::Store(error.to_string()))?.map_err(Refusal::Store)
    }
}
