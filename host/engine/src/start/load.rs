//! A partition's state, made from its journal and, if it can be believed, a snapshot.

use huiyin_journal::Journal;
use huiyin_partition::partition::Snapshot;
use huiyin_records::record::{self, Entry};
use huiyin_records::state::State;

use super::StartError;

/// A partition's state, and the last record in the snapshot it was taken from.
///
/// A snapshot counts only if a later record vouches for its digest; without
/// one the whole journal is read.
///
/// # Errors
/// When a record cannot be read, or does not follow from those before it.
pub fn load(journal: &dyn Journal, partition: u32, snapshot: Option<&Snapshot>) -> Result<(State, u64), StartError> {
    if let Some(snapshot) = snapshot
        && snapshot.seq <= journal.last_seq(partition)
        && let Ok(state) = huiyin_json::depth::read::<State>(&snapshot.bytes)
        && state.seq == snapshot.seq
    {
        let (state, vouched) = read_on(journal, partition, state, Some(snapshot))?;
        if vouched {
            return Ok((state, snapshot.seq));
        }
        tracing::warn!(partition, "the snapshot is not the one that the journal speaks of; the whole journal is read");
    }
    let (state, _) = read_on(journal, partition, State::default(), None)?;
    Ok((state, 0))
}

/// Applies the records after a state; tells whether one vouches for the snapshot.
fn read_on(
    journal: &dyn Journal,
    partition: u32,
    mut state: State,
    snapshot: Option<&Snapshot>,
) -> Result<(State, bool), StartError> {
    let mut vouched = false;
    for record in journal.read(partition, state.seq + 1)? {
        let record = record?;
        if let Some(entry) = record::decode(&record)? {
            if let (Entry::SnapshotTaken(taken), Some(snapshot)) = (&entry, snapshot) {
                vouched |= taken.seq == snapshot.seq && taken.digest == snapshot.digest;
            }
            state
                .apply(&entry, record.header.time)
                .map_err(|error| StartError::Apply { id: record.header.id.clone(), error })?;
        }
        state.seq = record.header.seq;
    }
    Ok((state, vouched))
}
