//! Lifecycle events of workflows and tasks, told to whoever is configured:
//! CloudEvents by HTTP POST in structured mode, after their records are
//! durable, at least once, in order within a run.
//!
//! Nothing is kept for a sink but its place in the log. Each follows the log by
//! itself and derives its events from the facts there, so a sink that is down
//! holds up nothing, takes no memory, and goes on where it stopped. It must
//! never touch a partition but to put its place on record.

mod follow;
mod send;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use huiyin_journal::Journal;
use huiyin_partition::partition::{Activity, Message, Reply};
use huiyin_records::record::SinkAdvanced;
use huiyin_records::state::SinkPlace;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub(crate) use self::follow::{Follower, Known};
pub use self::send::Sink;
use crate::shell::Clock;

/// Events delivered before the place is put on record.
const CHUNK: usize = 256;

/// Runs whose events are on their way at once; those of one run go one after the other.
const AT_ONCE: usize = 16;

/// Records without an event for the sink after which its place is put on record all the same.
const QUIET: u64 = 10_000;

/// How a sink does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SinkStatus {
    /// Its name.
    pub sink: String,
    /// Where it is.
    pub uri: String,
    /// The index of the first record whose events it may not have yet.
    pub next: u64,
    /// Records in the log after that place.
    pub behind: u64,
    /// Events delivered since the host started.
    pub delivered: u64,
    /// Events given up for good, ever.
    pub given_up: u64,
    /// Since when it has not answered well.
    pub failing_since: Option<Timestamp>,
    /// What it last failed with.
    pub error: Option<String>,
}

/// One sink being served.
pub(crate) struct Service {
    pub(crate) sink: Sink,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) activity: broadcast::Sender<Activity>,
    pub(crate) journal: Arc<dyn Journal>,
    /// The first partition, which keeps the sinks' places.
    pub(crate) home: mpsc::UnboundedSender<Message>,
    pub(crate) stop: CancellationToken,
    pub(crate) status: Mutex<SinkStatus>,
}

/// The events of one run, in order, each with its id.
type Batch = Vec<(String, serde_json::Value)>;

impl Service {
    pub(crate) fn new(
        sink: Sink,
        place: SinkPlace,
        clock: Arc<dyn Clock>,
        activity: broadcast::Sender<Activity>,
        journal: Arc<dyn Journal>,
        home: mpsc::UnboundedSender<Message>,
        stop: CancellationToken,
    ) -> Service {
        let status = SinkStatus {
            sink: sink.name.clone(),
            uri: sink.uri.clone(),
            next: place.next,
            behind: 0,
            delivered: 0,
            given_up: place.given_up,
            failing_since: None,
            error: None,
        };
        Service { sink, clock, activity, journal, home, stop, status: Mutex::new(status) }
    }

    /// How it does now.
    pub(crate) fn status(&self) -> SinkStatus {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        status.behind = self.journal.size().saturating_sub(status.next);
        status
    }

    /// Follows the log until asked to stop.
    pub(crate) async fn keep(self: Arc<Self>, mut follower: Follower) -> Result<(), String> {
        let mut size = self.journal.watch();
        let mut on_record = follower.next;
        while !self.stop.is_cancelled() {
            let (unit, types) = (self.sink.unit.clone(), self.sink.types.clone());
            let read = tokio::task::spawn_blocking(move || {
                let chunk = follower.read(CHUNK, unit.as_deref(), &types);
                (follower, chunk)
            });
            let (back, chunk) = read.await.map_err(|error| error.to_string())?;
            follower = back;
            let events = match chunk {
                Ok(events) => events,
                Err(error) => {
                    // The partitions stop for the same reason, and say so.
                    tracing::error!(sink = %self.sink.name, %error, "the log cannot be followed");
                    return Err(error);
                }
            };
            let quiet = events.is_empty();
            if !self.deliver(events).await {
                break;
            }
            self.with(|status| status.next = follower.next);
            if !quiet || follower.next >= on_record + QUIET {
                let given_up = self.status().given_up;
                if !self.advance(follower.next, follower.floor(), given_up).await {
                    break;
                }
                on_record = follower.next;
            }
            if quiet && follower.next >= *size.borrow_and_update() {
                tokio::select! {
                    () = self.stop.cancelled() => break,
                    changed = size.changed() => if changed.is_err() { break },
                }
            }
        }
        Ok(())
    }

    /// Delivers events; false when asked to stop before all were.
    async fn deliver(&self, events: Vec<(String, serde_json::Value)>) -> bool {
        let mut order: Vec<String> = Vec::new();
        let mut runs: BTreeMap<String, Batch> = BTreeMap::new();
        for (run, event) in events {
            let batch = runs.entry(run.clone()).or_insert_with(|| {
                order.push(run);
                Vec::new()
            });
            let id = event.get("id").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            batch.push((id, event));
        }
        let batches: Vec<Batch> = order.into_iter().filter_map(|run| runs.remove(&run)).collect();
        let all = futures::stream::iter(batches).map(|batch| self.deliver_in_order(batch)).buffer_unordered(AT_ONCE);
        all.all(|done| async move { done }).await
    }

    async fn deliver_in_order(&self, batch: Batch) -> bool {
        for (id, event) in batch {
            if !self.deliver_one(&id, &event).await {
                return false;
            }
        }
        true
    }

    /// Tries until the sink has it, it is given up, or the host stops: then false.
    async fn deliver_one(&self, id: &str, event: &serde_json::Value) -> bool {
        let mut tries = send::Tries::default();
        loop {
            let sent = tokio::select! {
                () = self.stop.cancelled() => return false,
                sent = self.sink.send(event, self.clock.now()) => sent,
            };
            let failure = match sent {
                Ok(()) => {
                    self.went_well();
                    return true;
                }
                Err(failure) => failure,
            };
            self.failed(&failure);
            if tries.enough(&failure) || self.too_old(event) {
                self.given_up(id, &failure);
                return true;
            }
            tokio::select! {
                () = self.stop.cancelled() => return false,
                () = tokio::time::sleep(tries.pause()) => {}
            }
        }
    }

    fn too_old(&self, event: &serde_json::Value) -> bool {
        let time = event.get("time").and_then(serde_json::Value::as_str).and_then(|t| t.parse::<Timestamp>().ok());
        time.is_some_and(|time| self.clock.now().duration_since(time) > self.sink.retry_for)
    }

    fn went_well(&self) {
        let since = self.with(|status| {
            status.delivered += 1;
            status.error = None;
            status.failing_since.take()
        });
        if let Some(since) = since {
            self.show("huiyin.sink.recovered.v1", json!({"failingSince": since.to_string()}));
        }
    }

    fn failed(&self, failure: &send::Failure) {
        let now = self.clock.now();
        let first = self.with(|status| {
            status.error = Some(failure.to_string());
            let first = status.failing_since.is_none();
            status.failing_since.get_or_insert(now);
            first
        });
        if first {
            tracing::warn!(sink = %self.sink.name, error = %failure, "a sink of lifecycle events does not take them");
            self.show("huiyin.sink.failing.v1", json!({"error": failure.to_string()}));
        }
    }

    fn given_up(&self, id: &str, failure: &send::Failure) {
        self.with(|status| status.given_up += 1);
        tracing::error!(sink = %self.sink.name, event = id, error = %failure, "a lifecycle event was given up");
        self.show("huiyin.sink.dropped.v1", json!({"event": id, "error": failure.to_string()}));
    }

    /// Puts a place on record; false when the host is stopping.
    async fn advance(&self, next: u64, floor: u64, given_up: u64) -> bool {
        let (tell, told) = oneshot::channel();
        let reply: Reply<()> = Box::new(move |answer| drop(tell.send(answer)));
        let place = SinkAdvanced { sink: self.sink.name.clone(), next, floor, given_up };
        self.home.send(Message::Sunk(place, reply)).is_ok() && matches!(told.await, Ok(Ok(())))
    }

    fn with<T>(&self, change: impl FnOnce(&mut SinkStatus) -> T) -> T {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn show(&self, kind: &str, data: serde_json::Value) {
        // Nobody watching is no fault.
        let _ = self.activity.send(Activity {
            kind: kind.to_owned(),
            subject: format!("sink/{}", self.sink.name),
            unit: self.sink.unit.clone(),
            time: self.clock.now(),
            data,
        });
    }
}

/// How long events are kept trying for unless told otherwise.
pub(crate) const RETRY_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
