//! What persons order of runs: to stop, to hold, to go on, to begin again, and
//! what became of an effect that nobody knows of (rule 3). Each with who and why.

use huiyin_desk::Act;
use huiyin_partition::partition::{Message, Order, OrderKind, Refusal, Reopen, Resolve};
use serde_json::Value;

use crate::engine::Engine;

impl Engine {
    /// Stops a run; what it has in hand is stopped, too.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn cancel(&self, run: &str, reason: &str, actor: &str) -> Result<(), Refusal> {
        self.order(OrderKind::Cancel, run, reason, actor).await
    }

    /// Holds a run: what comes is kept, nothing goes on. Calls in hand that can
    /// be repeated are stopped; others end by themselves.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn suspend(&self, run: &str, reason: &str, actor: &str) -> Result<(), Refusal> {
        self.order(OrderKind::Suspend, run, reason, actor).await
    }

    /// Lets a suspended run go on.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn resume(&self, run: &str, reason: &str, actor: &str) -> Result<(), Refusal> {
        self.order(OrderKind::Resume, run, reason, actor).await
    }

    async fn order(&self, kind: OrderKind, run: &str, reason: &str, actor: &str) -> Result<(), Refusal> {
        let at = self.permit_for_run(actor, Act::ControlRun, run).await?;
        let (run, reason, actor) = (run.to_owned(), reason.to_owned(), actor.to_owned());
        self.ask(at, |reply| Message::Order(Order { run, kind, actor, reason, reply })).await
    }

    /// Sets a run to work again: one that ended without success from the task
    /// that failed, one that was set aside from where it stood.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn retry(&self, run: &str, reason: &str, actor: &str) -> Result<(), Refusal> {
        self.reopen(run, None, None, reason, actor).await
    }

    /// Sets a run that has ended to work again from a task on, with another
    /// input for it if one is given.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn restart(
        &self,
        run: &str,
        task: &str,
        input: Option<Value>,
        reason: &str,
        actor: &str,
    ) -> Result<(), Refusal> {
        self.reopen(run, Some(task.to_owned()), input, reason, actor).await
    }

    async fn reopen(
        &self,
        run: &str,
        task: Option<String>,
        input: Option<Value>,
        reason: &str,
        actor: &str,
    ) -> Result<(), Refusal> {
        let at = self.permit_for_run(actor, Act::ControlRun, run).await?;
        let (run, reason, actor) = (run.to_owned(), reason.to_owned(), actor.to_owned());
        self.ask(at, |reply| Message::Reopen(Reopen { run, task, input, actor, reason, reply })).await
    }

    /// Says what became of an effect of unknown outcome: what it gave, or that
    /// it surely did not happen. The run goes on.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn resolve(
        &self,
        run: &str,
        call: Option<u64>,
        happened: Option<Value>,
        reason: &str,
        actor: &str,
    ) -> Result<(), Refusal> {
        let at = self.permit_for_run(actor, Act::ControlRun, run).await?;
        let (run, reason, actor) = (run.to_owned(), reason.to_owned(), actor.to_owned());
        self.ask(at, |reply| Message::Resolve(Resolve { run, call, happened, actor, reason, reply })).await
    }
}
