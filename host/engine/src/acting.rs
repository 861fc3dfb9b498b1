//! A run's act on what lives in another partition than the run: a superior's workflow reaches the cases of its
//! subordinates however units lie over partitions. What it may do is decided there, by that desk (rule 9).

use huiyin_desk::{Command, Elsewhere, Subject};
use huiyin_partition::partition::{EffectJob, Message, Refusal};
use huiyin_records::once::{self, Keyed};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::reading::ask;

/// What the act gives; none where the host is stopping. It acts once, however often it is tried: its key is the call's.
pub(crate) async fn act(
    peers: &[mpsc::UnboundedSender<Message>],
    job: &EffectJob,
    command: Command,
) -> Option<Result<Value, Refusal>> {
    let home = home(peers, &command).await?;
    let actor = format!("run:{}", job.run);
    let asked = serde_json::to_value(&command).unwrap_or_default();
    let once = Keyed {
        name: once::command_name(&actor, &job.idempotency_key),
        asked: once::fingerprint(&[&job.unit], &asked),
        answer: Value::Null,
    };
    let (tell, told) = oneshot::channel();
    let message = Message::Desk {
        unit: job.unit.clone(),
        actor,
        command: Box::new(command),
        judged: None,
        elsewhere: Box::new(Elsewhere::default()),
        once: Some(once),
        expected: None,
        reply: Box::new(move |answer| {
            let _ = tell.send(answer);
        }),
    };
    home.send(message).ok()?;
    told.await.ok()
}

/// The partition that has what a command is about; the first where none has it, whose desk then says so.
async fn home<'a>(
    peers: &'a [mpsc::UnboundedSender<Message>],
    command: &Command,
) -> Option<&'a mpsc::UnboundedSender<Message>> {
    for peer in peers {
        let command = command.clone();
        let here = ask(peer, move |state, _| match command.subject() {
            Some(Subject::Unit(code)) => state.units.contains(code),
            Some(subject) => subject.is_known(&state.desk),
            None => false,
        });
        if here.await? {
            return Some(peer);
        }
    }
    peers.first()
}
