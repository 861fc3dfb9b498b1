//! Acts of persons on the desk, each sent to the partition where its case, item or unit lives.

use huiyin_desk::{Act, Command, ReadDesk};
use huiyin_partition::partition::{Expected, Judgement, Message, Refusal};
use huiyin_records::once::{self, Keyed};
use serde_json::Value;

use crate::directory::Target;
use crate::engine::Engine;
use crate::reading;
use crate::space::Left;

impl Engine {
    /// Lets a person act on the desk of a unit; gives the command's output.
    ///
    /// # Errors
    /// [`Refusal`]; also for a command that is not a person's to give: items
    /// come in through [`Engine::receive`], past the floor, and a policy pack
    /// through deployment, past its checks.
    pub async fn desk(&self, unit: &str, actor: &str, command: Command) -> Result<Value, Refusal> {
        self.desk_once(unit, actor, command, None).await
    }

    /// The same as [`Engine::desk_once`] where the case is still as the asker has read it; a key that was answered before is
    /// answered again, whatever the case is by now.
    ///
    /// # Errors
    /// [`Refusal`]; [`Refusal::Stale`] where it has changed.
    pub async fn desk_if(
        &self,
        unit: &str,
        actor: &str,
        command: Command,
        key: Option<&str>,
        expected: Expected,
    ) -> Result<Value, Refusal> {
        self.judged_command(unit, actor, command, None, key, Some(expected)).await
    }

    /// The same with a key of the asker's choice: the command acts once, and asked again under the
    /// same key by the same actor it gives its first answer, as long as [`huiyin_records::once`] remembers.
    ///
    /// # Errors
    /// [`Refusal`]; [`Refusal::KeyReused`] where the key came with another command.
    pub async fn desk_once(
        &self,
        unit: &str,
        actor: &str,
        command: Command,
        key: Option<&str>,
    ) -> Result<Value, Refusal> {
        match command {
            Command::Receive(_) => {
                Err(Refusal::Refused("items are not taken in by a command; send them to the unit's items".to_owned()))
            }
            Command::AdoptPolicy { .. } | Command::RecomputeClocks { .. } => {
                Err(Refusal::Refused("a policy pack comes into force by deployment, not by a command".to_owned()))
            }
            Command::ImportCalls(_) => {
                Err(Refusal::Refused("calls are not taken in by a command; send them to the unit's calls".to_owned()))
            }
            Command::ReadDesk(input) => self.read_desk(unit, actor, &input).await,
            Command::LinkCases(input) => {
                // The other may live anywhere, but somewhere it has to.
                self.route(Target::Case(&input.other)).await?;
                self.judged_command(unit, actor, Command::LinkCases(input), None, key, None).await
            }
            command => self.judged_command(unit, actor, command, None, key, None).await,
        }
    }

    /// A command with items that the floor has judged.
    pub(crate) async fn judged_command(
        &self,
        unit: &str,
        actor: &str,
        command: Command,
        judged: Option<Box<Judgement>>,
        key: Option<&str>,
        expected: Option<Expected>,
    ) -> Result<Value, Refusal> {
        self.space.at_least(Left::Little)?;
        let partition = self.route_command(unit, &command).await?;
        let once = key.map(|key| {
            let asked = serde_json::to_value(&command).unwrap_or_default();
            Keyed {
                name: once::command_name(actor, key),
                asked: once::fingerprint(&[unit], &asked),
                answer: Value::Null,
            }
        });
        if let Some(keyed) = &once
            && let Some(answer) = self.asked_before(keyed, partition).await?
        {
            return Ok(answer);
        }
        // Numbers of reports are given one after another, over all partitions.
        let _turn = if command.may_number() { Some(self.numbering.lock().await) } else { None };
        let elsewhere = Box::new(self.elsewhere(partition, &command).await?);
        let (unit, actor, command) = (unit.to_owned(), actor.to_owned(), Box::new(command));
        self.ask(partition, |reply| Message::Desk { unit, actor, command, judged, elsewhere, once, expected, reply })
            .await
    }

    /// What `read-desk` gives a person, in the name of a unit.
    ///
    /// # Errors
    /// [`Refusal`]
    async fn read_desk(&self, unit: &str, actor: &str, input: &ReadDesk) -> Result<Value, Refusal> {
        self.permit(actor, Act::ReadDesk, Some(unit))?;
        let peers: Vec<_> = self.partitions.iter().map(|partition| partition.inbox.clone()).collect();
        reading::read(&peers, input, Some(unit)).await.ok_or_else(Refusal::stopped)?
    }
}
