//! The views' own thread. The views are a cache: losing one costs the next
//! start some reading, so nobody ever waits for them. Their store does wait,
//! for ever where a full disk broke it in the middle; it does so here, alone.
//! What comes while too much waits is left out, and a host that stops goes on
//! without them once they have had their time.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use huiyin_partition::partition::Snapshot;
use huiyin_views::{Opened, Views, ViewsError};
use thread_priority::ThreadPriority;
use thread_priority::unix::{
    NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

/// Snapshots that may wait for the thread: as many as partitions may be written out at once on a
/// usual machine. Each is a partition's whole state.
const WAITING: usize = 4;

/// How long opening the views may take; then the journal is read instead.
const OPENING: Duration = Duration::from_secs(120);

/// How long a host that stops waits for the views to be closed.
const CLOSING: Duration = Duration::from_secs(10);

/// The views' own thread.
pub struct Keeper {
    asks: Mutex<Option<SyncSender<Ask>>>,
    ended: Mutex<Receiver<()>>,
    closing: Duration,
}

enum Ask {
    /// Keep a snapshot of a partition.
    Keep(u32, Snapshot),
    /// The host stops: from here on somebody waits.
    Hurry,
}

impl Keeper {
    /// Opens the views by `open` on a thread of their own; none where that takes too long.
    ///
    /// # Errors
    /// Why they cannot be opened: they are in use, or their folder cannot be made.
    pub fn open(
        open: impl FnOnce() -> Result<(Views, Opened), ViewsError> + Send + 'static,
    ) -> std::io::Result<Result<Option<Arc<Views>>, ViewsError>> {
        let (tell, told) = sync_channel(1);
        std::thread::Builder::new().name("views-open".to_owned()).spawn(move || drop(tell.send(open())))?;
        Ok(match told.recv_timeout(OPENING) {
            Ok(Ok((views, opened))) => {
                tracing::info!(?opened, "views");
                Ok(Some(Arc::new(views)))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                tracing::warn!(
                    "the views did not open within {OPENING:?}; the journal is read instead, and no snapshot is kept"
                );
                Ok(None)
            }
        })
    }

    /// Starts the thread; it closes the views when it ends.
    ///
    /// # Errors
    /// When the system refuses the thread.
    pub fn start(views: Arc<Views>) -> std::io::Result<Keeper> {
        Keeper::over(CLOSING, move |partition, snapshot| keep(&views, partition, snapshot))
    }

    /// Over anything that keeps snapshots; closing it is dropping it.
    fn over(closing: Duration, mut keep: impl FnMut(u32, &Snapshot) + Send + 'static) -> std::io::Result<Keeper> {
        let (asks, asked) = sync_channel::<Ask>(WAITING);
        let (end, ended) = sync_channel(1);
        std::thread::Builder::new().name("views".to_owned()).spawn(move || {
            stand_back(true);
            while let Ok(ask) = asked.recv() {
                match ask {
                    Ask::Keep(partition, snapshot) => keep(partition, &snapshot),
                    Ask::Hurry => stand_back(false),
                }
            }
            stand_back(false);
            drop(keep);
            let _ = end.send(());
        })?;
        Ok(Keeper { asks: Mutex::new(Some(asks)), ended: Mutex::new(ended), closing })
    }

    /// Keeps a snapshot when the thread comes to it; left out where too many wait.
    pub fn keep(&self, partition: u32, snapshot: Snapshot) {
        if self.try_ask(Ask::Keep(partition, snapshot)).is_err() {
            left_out(partition);
        }
    }

    /// The same for the last one of a host that stops: it has its time there.
    pub(crate) async fn keep_last(&self, partition: u32, snapshot: Snapshot) {
        let end = tokio::time::Instant::now() + self.closing;
        let mut ask = Ask::Keep(partition, snapshot);
        loop {
            ask = match self.try_ask(ask) {
                Ok(()) => return,
                Err(TrySendError::Full(ask)) if tokio::time::Instant::now() < end => ask,
                Err(_) => return left_out(partition),
            };
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn try_ask(&self, ask: Ask) -> Result<(), TrySendError<Ask>> {
        let asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner);
        match asks.as_ref() {
            Some(asks) => asks.try_send(ask),
            None => Err(TrySendError::Disconnected(ask)),
        }
    }

    /// Closes the views; gives up waiting for them after a while.
    pub fn close(&self) {
        let asks = self.asks.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(asks) = asks else { return };
        let _ = asks.try_send(Ask::Hurry);
        drop(asks);
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(self.closing) {
            tracing::warn!("the views were not closed within {:?}; the next start derives them anew", self.closing);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.close();
    }
}

fn left_out(partition: u32) {
    tracing::warn!(
        partition,
        "the views are behind, so no snapshot was kept; the next start reads the journal instead"
    );
}

/// Does what nobody waits for behind all others: from a thread of the class `SCHED_IDLE` the system
/// takes the core at once when somebody wants it, from one that is only nice after some milliseconds.
/// Where the system does not allow it, others wait a little.
fn stand_back(idle: bool) {
    let class = if idle { NormalThreadSchedulePolicy::Idle } else { NormalThreadSchedulePolicy::Other };
    let policy = ThreadSchedulePolicy::Normal(class);
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
}

/// Losing a snapshot loses nothing.
fn keep(views: &Views, partition: u32, snapshot: &Snapshot) {
    if let Err(error) = views.put_snapshot(partition, snapshot.seq, &snapshot.bytes) {
        tracing::warn!(partition, %error, "no snapshot was kept; the next start reads the journal instead");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn snapshot(seq: u64) -> Snapshot {
        Snapshot { seq, digest: String::new(), bytes: Vec::new() }
    }

    #[tokio::test]
    async fn host_04_a_store_that_hangs_holds_up_neither_the_loops_nor_the_end() {
        let (hold, held) = sync_channel::<()>(0);
        let (tell, told) = sync_channel(100);
        let keeper = Keeper::over(Duration::from_millis(100), move |_, snapshot| {
            tell.send(snapshot.seq).unwrap();
            // As sled does where a full disk broke its writer: it waits for what never comes.
            let _ = held.recv();
        })
        .unwrap();
        let began = Instant::now();
        keeper.keep(0, snapshot(0));
        assert_eq!(told.recv().unwrap(), 0);
        for seq in 1..50 {
            keeper.keep(0, snapshot(seq));
        }
        keeper.keep_last(0, snapshot(50)).await;
        keeper.close();
        assert!(began.elapsed() < Duration::from_secs(5), "somebody waited for the store");
        // What had a place is kept should the store come back after all; the rest was left out.
        drop(hold);
        assert_eq!(told.iter().collect::<Vec<_>>(), (1..=WAITING as u64).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn the_last_snapshot_has_its_time_and_the_store_is_closed_before_the_host_has_ended() {
        let (tell, told) = sync_channel(100);
        let keeper = Keeper::over(CLOSING, move |_, snapshot| {
            std::thread::sleep(Duration::from_millis(2));
            tell.send(snapshot.seq).unwrap();
        })
        .unwrap();
        for seq in 0..20 {
            keeper.keep_last(0, snapshot(seq)).await;
        }
        keeper.close();
        // The sender is gone with the store.
        assert_eq!(told.try_iter().collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
        assert!(told.try_recv().is_err());
    }
}
