//! Items and events that are pushed in. Items go the same way as collected
//! ones: the floor judges the original, and only then does the desk take them
//! (rule 7). Events are checked, and taken in once.

use huiyin_desk::{Act, Command, Receive, ReceivedItem};
use huiyin_partition::partition::{Delivered, Floor, Message, Refusal};
use huiyin_registry::item_conversion::original;
use serde_json::Value;

use crate::effects::judge;
use crate::engine::Engine;

impl Engine {
    /// Takes items in for a unit; gives what the desk made of them, item by item. One that is
    /// longer than the desk keeps is cut, judged and named as cut ([`huiyin_desk::Item::cut`]).
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn receive(
        &self,
        unit: &str,
        source: &str,
        items: Vec<huiyin_desk::Item>,
        actor: &str,
    ) -> Result<Value, Refusal> {
        let (items, intakes) = (items, Vec::new());
        self.receive_with(unit, source, items, intakes, actor).await
    }

    /// Takes messages in that citizens sent to a unit itself: the floor judges each, and each has a case and a receipt
    /// at once (clauses 1g, 4c).
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn take_messages(
        &self,
        unit: &str,
        source: &str,
        messages: Vec<(huiyin_desk::Item, huiyin_desk::Intake)>,
        actor: &str,
    ) -> Result<Value, Refusal> {
        let (items, intakes) = messages.into_iter().unzip();
        self.receive_with(unit, source, items, intakes, actor).await
    }

    async fn receive_with(
        &self,
        unit: &str,
        source: &str,
        mut items: Vec<huiyin_desk::Item>,
        intakes: Vec<huiyin_desk::Intake>,
        actor: &str,
    ) -> Result<Value, Refusal> {
        self.permit(actor, Act::Receive, Some(unit))?;
        items.iter_mut().for_each(huiyin_desk::Item::cut);
        self.room(Some(unit))?;
        let most = self.payload().value;
        for (at, item) in items.iter().enumerate() {
            let bytes = huiyin_flow::json_bytes(item);
            if bytes > most {
                let message = format!(
                    "the item takes {bytes} bytes as JSON, a payload may take {most}; send less, or let an admin raise `limits.payloadBytes`"
                );
                return Err(Refusal::Invalid { pointer: format!("/items/{at}"), message });
            }
        }
        let originals: Vec<huiyin_sandbox::Item> = items.iter().map(original).collect();
        // The classifier takes its time: off the event loop.
        let every = (0..originals.len()).collect();
        let (floors, judgement) = judge(&self.workers, &originals, every, unit, "push", self.now()).await;
        let mut intakes = intakes.into_iter();
        let with = |(item, floor)| ReceivedItem { intake: intakes.next(), ..judged(item, floor) };
        let items = items.into_iter().zip(floors).map(with).collect();
        let receive = Receive { unit: unit.to_owned(), source: source.to_owned(), items };
        self.judged_command(unit, actor, Command::Receive(receive), judgement, None, None).await
    }

    /// Takes call records of a unit's hotline in (clause 4b): what was said in a call is judged by the floor as any
    /// item is. An item stands with the number of its call.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn take_calls(
        &self,
        unit: &str,
        source: &str,
        mut calls: Vec<huiyin_desk::Call>,
        said: Vec<(usize, huiyin_desk::Item)>,
        actor: &str,
    ) -> Result<Value, Refusal> {
        self.permit(actor, Act::ImportCalls, Some(unit))?;
        self.room(Some(unit))?;
        let (places, mut items): (Vec<usize>, Vec<huiyin_desk::Item>) = said.into_iter().unzip();
        items.iter_mut().for_each(huiyin_desk::Item::cut);
        let originals: Vec<huiyin_sandbox::Item> = items.iter().map(original).collect();
        let every = (0..originals.len()).collect();
        let (floors, _) = judge(&self.workers, &originals, every, unit, "hotline", self.now()).await;
        for ((at, item), floor) in places.into_iter().zip(items).zip(floors) {
            if let Some(call) = calls.get_mut(at) {
                call.said = Some(judged(item, floor));
            }
        }
        let import = huiyin_desk::ImportCalls { unit: unit.to_owned(), source: source.to_owned(), calls };
        self.judged_command(unit, actor, Command::ImportCalls(import), None, None, None).await
    }

    /// Takes a CloudEvent in, for a unit, or for the workflows and runs that
    /// serve none; gives how many runs it started or woke. An event of the same
    /// unit, `source` and `id` as one before is taken in no second time, as far
    /// back as [`huiyin_records::event_dedup`] remembers.
    ///
    /// # Errors
    /// [`Refusal`]; asking again after one does no harm.
    pub async fn event(&self, unit: Option<&str>, event: Value) -> Result<Delivered, Refusal> {
        huiyin_flow::cloud_event::check(&event)
            .map_err(|fault| Refusal::Invalid { pointer: fault.pointer, message: fault.message })?;
        self.room(unit)?;
        let _room = self.room_for(&event)?;
        let send = async |partition: usize, unit: Option<String>, event: Value| {
            self.ask(partition, |reply| Message::Event { unit, event, relayed: None, reply }).await
        };
        if let Some(unit) = unit {
            return send(self.partition_of(unit)?, Some(unit.to_owned()), event).await;
        }
        // The first knows whether it came before; the others may have missed it if the host stopped in between.
        let mut delivered = send(0, None, event.clone()).await?;
        for partition in 1..self.partition_count() {
            let there = send(partition, None, event.clone()).await?;
            delivered.runs += there.runs;
        }
        Ok(delivered)
    }
}

fn judged(item: huiyin_desk::Item, floor: Floor) -> ReceivedItem {
    match floor {
        Ok(given) => ReceivedItem { item, floor: Some(given), floor_error: None, intake: None },
        Err(error) => ReceivedItem { item, floor: None, floor_error: Some(error), intake: None },
    }
}
