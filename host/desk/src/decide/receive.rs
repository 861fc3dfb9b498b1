//! Taking a page of items in: each once, each judged by the floor, each
//! serious one with its case, whatever the unit's workflows do (rule 7).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Output, Work};
use crate::actor::Actor;
use crate::case::{Because, Kind, check_intake, receipt};
use crate::command::{Intake, Receive};
use crate::error::DeskError;
use crate::fact::{Fact, ItemReceived};
use crate::item::{CORRECTS, CUT, Digest, Item, ItemRecord, MAX_PAGE, ReceivedItem};
use crate::text::clip;
use crate::verdict::Assessment;

/// Records of recent items that the desk keeps; a tenth goes when there are more.
pub(crate) const MAX_RECORDS: usize = 20_000;
/// Identities that the desk keeps, about a hundred bytes each with the text's; a tenth goes when there are more.
pub(crate) const MAX_KNOWN: usize = 500_000;

impl Work<'_> {
    pub(crate) fn receive(&mut self, input: &Receive) -> Output {
        let policy = self.policy()?;
        if policy.unit(&input.unit).is_none_or(crate::unit::Unit::is_partner) {
            return Err(
                DeskError::new("not-found", format!("the policy pack has no unit `{}`", input.unit)).at("/unit")
            );
        }
        if input.items.len() > MAX_PAGE {
            return Err(DeskError::new(
                "too-large",
                format!("{} items in one page; at most {MAX_PAGE}", input.items.len()),
            )
            .at("/items")
            .hint("ask the collector for smaller pages"));
        }
        let mut measured = Vec::new();
        let (mut taken, mut seen, mut refused, mut opened) = (Vec::new(), 0_u64, 0_u64, Vec::new());
        let mut each = Vec::with_capacity(input.items.len());
        for received in &input.items {
            let item = &received.item;
            let identity = Digest::of_item(self.content_key(), &input.unit, &input.source, item);
            let id = clip(&item.id, 100);
            if self.desk.knows(&identity) {
                seen += 1;
                each.push(self.seen(&id, &identity));
                continue;
            }
            if let Some(reason) = fault(received, &input.source) {
                self.refuse(input, item, &reason);
                refused += 1;
                each.push(json!({ "id": id, "outcome": "refused", "reason": reason }));
                continue;
            }
            let item_id = self.take(input, received, identity)?;
            taken.push(item_id.to_string());
            measured.push((item_id, format!("{}\n{}", item.title, item.body), item.field("region").map(str::to_owned)));
            let case = match intake(received) {
                Some(intake) => Some(self.take_in_item(&intake, received, item_id, identity)?),
                None => self.place(item_id)?,
            };
            let mut said = json!({ "id": id, "outcome": "taken", "item": item_id });
            let more = [
                ("cut", item.field(CUT).map(str::to_owned)),
                ("unjudged", unjudged(received).map(|why| clip(&why, 500))),
                ("case", self.desk.case_of_item(&item_id).map(str::to_owned)),
            ];
            for (name, value) in more {
                if let Some(value) = value {
                    said[name] = json!(value);
                }
            }
            if let Some(receipt) = case.as_deref().and_then(|number| self.receipt_of(number)) {
                said["receipt"] = receipt;
            }
            each.push(said);
            opened.extend(case);
        }
        self.measure(&input.unit, &measured)?;
        self.forget();
        Ok(json!({ "taken": taken, "seen": seen, "refused": refused, "opened": opened, "items": each }))
    }

    /// What is told of an item that is here already: of one that has a receipt, that receipt again.
    fn seen(&self, id: &str, identity: &Digest) -> Value {
        let mut said = json!({ "id": id, "outcome": "seen" });
        if let Some(number) = self.desk.came_in(identity) {
            said["case"] = json!(number);
            said["receipt"] = self.receipt_of(number).unwrap_or_default();
        }
        said
    }

    /// The receipt of a case that came in.
    fn receipt_of(&self, number: &str) -> Option<Value> {
        let case = self.desk.case(number).filter(|case| case.came_in.is_some())?;
        Some(receipt(&*self.policy().ok()?, case))
    }

    /// A message or a call has its own case at once, whatever the floor thinks of it.
    fn take_in_item(
        &mut self,
        intake: &Intake,
        received: &ReceivedItem,
        item: uuid::Uuid,
        identity: Digest,
    ) -> Result<String, DeskError> {
        let record = self.record_of(&item)?;
        self.take_in(intake, &record, &received.item, identity)
    }

    /// Writes a refusal down, once for each text: what comes again unchanged says nothing new, and
    /// the id is not used up, so the item can come in once it is mended.
    fn refuse(&mut self, input: &Receive, item: &Item, reason: &str) {
        let identity = Digest::of_refused(self.content_key(), &input.unit, &input.source, item);
        if self.desk.knows(&identity) {
            return;
        }
        self.push(Fact::ItemRefused {
            unit: input.unit.clone(),
            source: input.source.clone(),
            id: clip(&item.id, 100),
            identity,
            reason: reason.to_owned(),
            at: self.now(),
        });
    }

    /// An item that was taken in just now.
    pub(crate) fn record_of(&self, item: &uuid::Uuid) -> Result<Arc<ItemRecord>, DeskError> {
        self.desk.item(item).ok_or_else(|| DeskError::new("not-found", format!("the desk does not hold item {item}")))
    }

    pub(crate) fn take(
        &mut self,
        input: &Receive,
        received: &ReceivedItem,
        identity: Digest,
    ) -> Result<uuid::Uuid, DeskError> {
        let policy = self.policy()?;
        let floor = format!("{}:{}", policy.floor.name, policy.floor.version);
        let item_id = self.new_id();
        let content = Digest::of_content(self.content_key(), &input.unit, &received.item);
        let at = self.now();
        let floor_error = unjudged(received);
        let assessment = received.floor.as_ref().filter(|_| floor_error.is_none()).map(|verdict| Assessment {
            verdict: verdict.bounded(),
            floor: true,
            classifier: Some(floor.clone()),
            by: Actor::Plugin(floor.replace(':', "@")),
            at,
        });
        let corrects = received.item.field(CORRECTS).and_then(|id| {
            let first = Digest::of_identity(self.content_key(), &input.unit, &input.source, id);
            self.desk.item_by_identity(&first)
        });
        let fact = ItemReceived {
            item_id,
            unit: input.unit.clone(),
            item: received.item.clone(),
            identity,
            content,
            // A clock that runs ahead elsewhere does not make things happen in the future.
            occurred_at: received.item.occurred_at().min(at),
            duplicate_of: self.desk.first_with_text(&content),
            corrects,
            floor: assessment,
            floor_error: floor_error.map(|why| clip(&why, 500)),
            at,
        };
        self.push(Fact::ItemReceived(Box::new(fact)));
        Ok(item_id)
    }

    /// A repost joins the open case of its original, a correction that of what it
    /// corrects; an item at or above the floor's bar otherwise gets its own case.
    /// Gives the number of a new case.
    pub(crate) fn place(&mut self, item: uuid::Uuid) -> Result<Option<String>, DeskError> {
        let Some(record) = self.desk.item(&item) else { return Ok(None) };
        let first = record.duplicate_of.or(record.corrects);
        let original = first.and_then(|first| self.desk.case_of_item(&first)).map(str::to_owned);
        if let Some(number) = &original
            && self.case(number)?.is_open()
        {
            self.attach(number, item)?;
            return Ok(None);
        }
        let bar = self.policy()?.floor.opens_at;
        match record.level() {
            Some(level) if level >= bar => self.open_for(&record, level, None, None, &[], Because::Floor).map(Some),
            _ => Ok(None),
        }
    }

    /// Keeps memory bounded. What is dropped is decided here, and recorded.
    fn forget(&mut self) {
        let records_below = self.desk.record_bound(MAX_RECORDS);
        let known_before = self.desk.known_bound(MAX_KNOWN);
        if records_below.is_some() || known_before.is_some() {
            let at = self.now();
            self.push(Fact::ItemsForgotten { records_below, known_before, at });
        }
    }
}

/// Why an item is set aside.
fn fault(received: &ReceivedItem, source: &str) -> Option<String> {
    if received.item.source != source {
        return Some(format!("the item names the source `{}`", clip(&received.item.source, 100)));
    }
    intake(received).and_then(|intake| check_intake(&intake).err()).or_else(|| received.item.fault())
}

/// What came with an item, or what its field `intake` says it is: a collector of a message board has no other way.
fn intake(received: &ReceivedItem) -> Option<Intake> {
    if received.intake.is_some() {
        return received.intake.clone();
    }
    let field = |name: &str| received.item.field(name).map(str::to_owned);
    let kind = match received.item.field("intake")? {
        "message" => Kind::Message,
        "hotline" => Kind::Hotline,
        _ => return None,
    };
    Some(Intake { kind, duty: field("duty"), region: field("region"), ..Intake::default() })
}

/// Why the floor's word on an item does not count: people look at it then.
fn unjudged(received: &ReceivedItem) -> Option<String> {
    match &received.floor {
        Some(verdict) if !verdict.score.is_finite() => Some("the floor's score is not a number".to_owned()),
        Some(_) => None,
        None => Some(received.floor_error.clone().unwrap_or_else(|| "the floor gave no verdict".to_owned())),
    }
}
