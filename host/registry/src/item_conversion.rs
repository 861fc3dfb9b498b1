//! Items, verdicts and writes between the plugin contract and the desk. What the floor's classifier
//! reads is the item that the desk takes in, no more and no less: so its call
//! can be repeated from the records (rule 10).

use std::collections::BTreeMap;

use huiyin_desk::Item;
use huiyin_partition::partition::KvWrite;
use jiff::Timestamp;

/// The item as the floor's classifier reads it.
pub fn original(item: &Item) -> huiyin_sandbox::Item {
    let millis = |time: Timestamp| u64::try_from(time.as_millisecond()).unwrap_or_default();
    let field = |(name, value): (&String, &String)| huiyin_sandbox::Field { name: name.clone(), value: value.clone() };
    huiyin_sandbox::Item {
        id: item.id.clone(),
        source: item.source.clone(),
        url: item.url.clone(),
        title: item.title.clone(),
        body: item.body.clone(),
        published: item.published.map(millis),
        observed: millis(item.observed),
        fields: item.fields.iter().map(field).collect(),
    }
}

/// An item as a collector gave it, as the desk takes it in: cut where it is too long. `channel` is the
/// source's own, for items that name none.
pub fn collected(item: huiyin_sandbox::Item, channel: Option<&str>) -> Item {
    let time = |ms: u64| i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let mut fields: BTreeMap<String, String> = item.fields.into_iter().map(|f| (f.name, f.value)).collect();
    if let Some(channel) = channel {
        fields.entry("channel".to_owned()).or_insert_with(|| channel.to_owned());
    }
    let mut item = Item {
        id: item.id,
        source: item.source,
        url: item.url,
        title: item.title,
        body: item.body,
        published: item.published.and_then(time),
        observed: time(item.observed).unwrap_or(Timestamp::UNIX_EPOCH),
        fields,
    };
    item.cut();
    item
}

/// A verdict as the contract has it, as the desk keeps it.
pub fn verdict(verdict: huiyin_sandbox::Verdict) -> huiyin_desk::Verdict {
    use huiyin_sandbox::Level as Given;
    let level = verdict.level.map(|level| match level {
        Given::I => huiyin_desk::Level::I,
        Given::II => huiyin_desk::Level::II,
        Given::III => huiyin_desk::Level::III,
        Given::IV => huiyin_desk::Level::IV,
    });
    huiyin_desk::Verdict {
        level,
        score: verdict.score,
        factors: verdict.factors.into_iter().map(|f| (f.name, f.score)).collect(),
        labels: verdict.labels,
        reasons: verdict.reasons,
    }
}

/// A call's writes as the sandbox has them, as the partition commits them.
pub fn kv_writes(writes: Vec<huiyin_sandbox::KvWrite>) -> Vec<KvWrite> {
    let one = |write: huiyin_sandbox::KvWrite| {
        let huiyin_sandbox::KvWrite { key, expected, value, quota, alone } = write;
        KvWrite { key, expected, value, quota, alone }
    };
    writes.into_iter().map(one).collect()
}
