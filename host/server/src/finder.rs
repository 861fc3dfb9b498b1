//! Keeps the search index up with the desks.
//!
//! The index is derived and lives in memory: at a start it is built from what the desks hold, and the text of a case
//! stands in no further file. Every search first takes in what has changed since, so it finds what was done a moment
//! ago; in between, the index follows by itself, so that a search has little to take in.

use std::sync::Arc;
use std::time::Duration;

use huiyin_desk::case::Case;
use huiyin_desk::item::ItemRecord;
use huiyin_desk::searching::{Change, Searched, case_passages, case_time, case_units, item_passages};
use huiyin_engine::Engine;
use huiyin_search::{Document, Index};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

use crate::problem::Problem;

/// Between two times that the index follows by itself.
const REST: Duration = Duration::from_millis(500);
/// How long a search waits for an index that is being built.
const PATIENCE: Duration = Duration::from_secs(10);

/// The kind of a case's document.
pub(crate) const CASE: &str = "case";
/// The kind of an item's document.
pub(crate) const ITEM: &str = "item";

/// The index, and what it has of each partition.
#[derive(Clone, Default)]
pub(crate) struct Finder {
    kept: Arc<Mutex<Sight>>,
}

/// The index and the desks as they were at one moment.
#[derive(Default)]
pub(crate) struct Sight {
    pub(crate) index: Index,
    /// By partition: the last record taken in, and what the desk held then.
    seen: Vec<(u64, Searched)>,
}

impl Sight {
    /// The desks of all partitions.
    pub(crate) fn desks(&self) -> impl Iterator<Item = &Searched> {
        self.seen.iter().map(|(_, desk)| desk)
    }

    /// Takes in what has changed.
    fn take_in(&mut self, now: Vec<(u64, Searched)>) {
        self.seen.resize_with(now.len(), Default::default);
        for ((seq, desk), (seen, before)) in now.iter().zip(&self.seen) {
            if seq == seen {
                continue;
            }
            for change in desk.changes_since(before) {
                match change {
                    Change::Case(case) => {
                        self.index.put(of_case(case), case_passages(case).into_iter().map(|(_, text)| text));
                    }
                    Change::Item(item) => {
                        self.index.put(of_item(item), item_passages(item).into_iter().map(|(_, text)| text));
                    }
                    Change::Gone(item) => self.index.remove(&format!("{ITEM}:{item}")),
                }
            }
        }
        self.seen = now;
    }
}

impl Finder {
    /// Follows the desks until the host or the server stops.
    pub(crate) fn follow(&self, engine: &Arc<Engine>, stop: CancellationToken) {
        let (finder, mut activity, engine) = (self.clone(), engine.activity(), Arc::downgrade(engine));
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            loop {
                let Some(running) = engine.upgrade() else { return };
                if let Err(problem) = finder.sight(&running).await {
                    tracing::debug!(status = %problem.code(), "the search index does not follow for now");
                }
                drop(running);
                tokio::select! {
                    () = stop.cancelled() => return,
                    heard = activity.recv() => if matches!(heard, Err(RecvError::Closed)) { return },
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(REST) => {}
                }
                while !matches!(activity.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
            }
        });
    }

    /// The index with all that the desks hold by now. While it is held, nobody else searches.
    ///
    /// # Errors
    /// When the host stops, or the index is still being built.
    pub(crate) async fn sight(&self, engine: &Engine) -> Result<OwnedMutexGuard<Sight>, Problem> {
        let waiting = tokio::time::timeout(PATIENCE, Arc::clone(&self.kept).lock_owned()).await;
        let mut sight = waiting.map_err(|_| {
            Problem::unavailable("the search index is being built from the desk; try again in a moment")
        })?;
        let now = engine.look_all(|state, _| (state.seq, Searched::of(&state.desk))).await?;
        let taken = tokio::task::spawn_blocking(move || {
            sight.take_in(now);
            sight
        });
        taken.await.map_err(Problem::internal)
    }
}

fn of_case(case: &Case) -> Document {
    Document {
        id: format!("{CASE}:{}", case.number),
        kind: CASE,
        units: case_units(case).into_iter().map(str::to_owned).collect(),
        at: case_time(case).as_microsecond(),
    }
}

fn of_item(item: &ItemRecord) -> Document {
    Document {
        id: format!("{ITEM}:{}", item.item),
        kind: ITEM,
        units: vec![item.unit.clone()],
        at: item.observed.as_microsecond(),
    }
}
