//! A partition as the rest of the host sees it: whom to ask, and what is in
//! force there. What it knows, only its loop has.

use std::sync::{Arc, PoisonError, RwLock};

use huiyin_partition::deployed::Deployed;
use huiyin_partition::partition::{Message, Refusal, Reply};
use tokio::sync::{mpsc, oneshot};

/// A partition as the host sees it.
pub(crate) struct PartitionHandle {
    pub(crate) inbox: mpsc::UnboundedSender<Message>,
    pub(crate) units: Vec<String>,
    /// The deployments in force.
    pub(crate) workflows: RwLock<Vec<Arc<Deployed>>>,
    /// Those of them that start by the clock here.
    pub(crate) scheduled: RwLock<Vec<Arc<Deployed>>>,
}

impl PartitionHandle {
    /// Asks the partition; nobody is told to wait.
    ///
    /// # Errors
    /// [`Refusal`]
    pub(crate) async fn ask<T: Send + 'static>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Result<T, Refusal> {
        self.asked(|reply, inbox| inbox.send(message(reply)).map_err(|_| Refusal::stopped())).await
    }

    /// Waits for the answer to what `send` sends, or has sent, to the inbox.
    pub(crate) async fn asked<T: Send + 'static>(
        &self,
        send: impl FnOnce(Reply<T>, &mpsc::UnboundedSender<Message>) -> Result<(), Refusal>,
    ) -> Result<T, Refusal> {
        let (tell, told) = oneshot::channel();
        let reply: Reply<T> = Box::new(move |answer| drop(tell.send(answer)));
        send(reply, &self.inbox)?;
        told.await.map_err(|_| Refusal::stopped())?
    }

    /// Notes what is in force here no longer.
    pub(crate) fn no_longer_has(&self, withdrawn: &[String]) {
        let mut known = self.workflows.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|old| !withdrawn.contains(&old.id));
        drop(known);
        let mut scheduled = self.scheduled.write().unwrap_or_else(PoisonError::into_inner);
        scheduled.retain(|old| !withdrawn.contains(&old.id));
    }

    /// Notes what came into force here, the partition of this number, instead of what has the same names.
    pub(crate) fn now_has(&self, new: &[Arc<Deployed>], at: usize) {
        let replaced = |name: &str, unit: &Option<String>| new.iter().any(|d| d.name == name && d.unit == *unit);
        let mut known = self.workflows.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|old| !replaced(&old.name, &old.unit));
        known.extend(new.iter().cloned());
        drop(known);
        let mut scheduled = self.scheduled.write().unwrap_or_else(PoisonError::into_inner);
        scheduled.retain(|old| !replaced(&old.name, &old.unit));
        let here = |d: &&Arc<Deployed>| d.schedule.is_some() && (d.unit.is_some() || at == 0);
        scheduled.extend(new.iter().filter(here).cloned());
    }

    /// The workflows in force.
    pub(crate) fn in_force(&self) -> Vec<Arc<Deployed>> {
        self.workflows.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those of them that start by the clock here.
    pub(crate) fn scheduled(&self) -> Vec<Arc<Deployed>> {
        self.scheduled.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
