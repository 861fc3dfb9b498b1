//! What plugins keep of their own: read when a call is made, committed with
//! its outcome or not at all (rule 3).

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use huiyin_records::record::KvSet;

use super::{KvWrite, PartitionCore};

/// Whose state it is: a plugin's, in any version, for one unit.
fn owner(plugin: &str, unit: &str) -> String {
    format!("{}@{unit}", plugin.split(':').next().unwrap_or(plugin))
}

impl PartitionCore {
    /// What a plugin has kept for a unit.
    pub(super) fn kept(&self, plugin: &str, unit: &str) -> Arc<BTreeMap<String, Vec<u8>>> {
        let Some(own) = self.state.kv.get(&owner(plugin, unit)) else { return Arc::default() };
        Arc::new(own.iter().filter_map(|(key, value)| Some((key.clone(), STANDARD.decode(value).ok()?))).collect())
    }

    /// The writes as they will be recorded; none when they do not fit any more:
    /// another call has changed one of the values, or taken the room.
    pub(super) fn settle_kv(&self, plugin: &str, unit: &str, writes: &[KvWrite]) -> Option<Vec<KvSet>> {
        let owner = owner(plugin, unit);
        let kept = self.kept(plugin, unit);
        let unchanged = writes.iter().all(|w| kept.get(&w.key) == w.expected.as_ref());
        let size = |key: &str, value: Option<&Vec<u8>>| value.map_or(0, |v| (key.len() + v.len()) as u64);
        let before: u64 = kept.iter().map(|(key, value)| size(key, Some(value))).sum();
        let gone: u64 = writes.iter().map(|w| size(&w.key, w.expected.as_ref())).sum();
        let come: u64 = writes.iter().map(|w| size(&w.key, w.value.as_ref())).sum();
        let room = come <= gone || writes.iter().all(|w| (before + come).saturating_sub(gone) <= w.quota);
        (unchanged && room).then(|| {
            writes
                .iter()
                .map(|w| KvSet {
                    owner: owner.clone(),
                    key: w.key.clone(),
                    value: w.value.as_ref().map(|v| STANDARD.encode(v)),
                })
                .collect()
        })
    }
}
