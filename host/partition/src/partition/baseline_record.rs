//! The record of the floor's calls: written beside the items that they judged,
//! so that they can be repeated (rule 10).

use huiyin_desk::{Fact, Item};
use huiyin_records::record::{Entry, FloorJudged, JudgedItem};
use jiff::Timestamp;

use super::{Judgement, PartitionCore, RecordMeta};

impl PartitionCore {
    /// Writes down how the floor judged items of a source, `<unit>/<name>`,
    /// under the key of the items themselves.
    pub(super) fn floor_judged(&mut self, entry: &Entry, source: &str, unit: &str, now: Timestamp) {
        let (subject, key) = (format!("source/{source}"), format!("source:{source}"));
        self.record(entry, RecordMeta { subject: &subject, actor: Self::ENGINE, unit: Some(unit), key: &key }, now);
    }
}

/// The record. An item that was taken in is named; the records before have it whole.
pub(super) fn entry(judgement: &Judgement, unit: &str, items: &[&Item], facts: &[Fact]) -> Entry {
    let mut taken = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::ItemReceived(received) => Some(received),
            _ => None,
        })
        .peekable();
    let named = judgement.which.iter().filter_map(|at| items.get(*at)).map(|item| {
        taken
            .next_if(|taken| taken.item == **item)
            .map_or_else(|| JudgedItem::Whole(Box::new((*item).clone())), |taken| JudgedItem::Taken(taken.item_id))
    });
    Entry::FloorJudged(FloorJudged {
        unit: unit.to_owned(),
        plugin: judgement.pin.plugin.clone(),
        digest: judgement.pin.digest.clone(),
        config: judgement.pin.config.clone(),
        call: judgement.call.clone(),
        now: judgement.now,
        items: named.collect(),
        batches: judgement.batches.clone(),
    })
}
