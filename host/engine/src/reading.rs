//! Reading the desk over all partitions ([`huiyin_desk::Reading`]): each gives its part, and the parts add up.

use std::sync::{Arc, OnceLock};

use huiyin_desk::{Question, ReadDesk, Reading};
use huiyin_partition::partition::{Refusal, refusal};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::partition::Message;
use crate::state::State;

/// The inboxes of all partitions, in their order, once they are there.
pub type Peers = Arc<OnceLock<Vec<mpsc::UnboundedSender<Message>>>>;

/// What `read-desk` gives on behalf of a unit; none where the host is stopping.
pub(crate) async fn read(
    peers: &[mpsc::UnboundedSender<Message>],
    input: &ReadDesk,
    scope: Option<&str>,
) -> Option<Result<Value, Refusal>> {
    let (input, scope) = (input.clone(), scope.map(str::to_owned));
    let look = move |state: &State, now| {
        let pack = state.desk.policy_in_force()?.clone();
        Question::of(&input, &pack, scope.as_deref(), now).map(|asked| (pack, asked))
    };
    let (pack, asked) = match ask(peers.first()?, look).await? {
        Err(error) => return Some(Err(refusal(&error))),
        Ok(found) => found,
    };
    let mut all = Reading::default();
    for peer in peers {
        let question = asked.clone();
        let part = ask(peer, move |state, now| Reading::of(&state.desk, &question, now)).await?;
        all = all.and(part, &asked);
    }
    Some(Ok(all.answer(&pack, &asked)))
}

/// Looks at one partition.
pub(crate) async fn ask<T: Send + 'static>(
    peer: &mpsc::UnboundedSender<Message>,
    look: impl FnOnce(&State, jiff::Timestamp) -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = oneshot::channel();
    let query = Box::new(move |state: &State, now: jiff::Timestamp| {
        let seen = look(state, now);
        Box::new(move || {
            let _ = tell.send(seen);
        }) as Box<dyn FnOnce() + Send>
    });
    peer.send(Message::Query(query)).ok()?;
    told.await.ok()
}
