//! `kv`: the plugin's own state. Reads see what is committed and what this
//! call has written; writes only travel back with the call's result, and the
//! caller commits them with it or not at all (rule 3 of the design).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::wit::huiyin::plugin::kv as wit;
use crate::effect::Guest;
use crate::egress::Refusal;

/// The longest key, in bytes.
const KEY_BYTES: usize = 256;

/// One write of a call, to be committed with its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvWrite {
    /// The key.
    pub key: String,
    /// What was committed when the call began; it must still be so.
    pub expected: Option<Vec<u8>>,
    /// The new value; none removes the key.
    pub value: Option<Vec<u8>>,
    /// What keys and values may take together; calls at the same time may not
    /// pass it together either.
    pub quota: u64,
    /// The call did nothing else that anybody could see: where this does not
    /// fit any more, it may be made again.
    pub alone: bool,
}

/// The state of one call.
pub(crate) struct Kv {
    committed: Arc<BTreeMap<String, Vec<u8>>>,
    written: BTreeMap<String, Option<Vec<u8>>>,
    used: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KvFault {
    Quota,
    Conflict,
}

impl Kv {
    pub(crate) fn new(committed: Arc<BTreeMap<String, Vec<u8>>>) -> Self {
        let used = committed.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum();
        Self { committed, written: BTreeMap::new(), used }
    }

    fn get(&self, key: &str) -> Option<&Vec<u8>> {
        match self.written.get(key) {
            Some(value) => value.as_ref(),
            None => self.committed.get(key),
        }
    }

    fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<&Vec<u8>>,
        value: Option<Vec<u8>>,
        quota: u64,
    ) -> Result<(), KvFault> {
        let now = self.get(&key);
        if now != expected {
            return Err(KvFault::Conflict);
        }
        let size = |value: Option<&Vec<u8>>| value.map_or(0, |value| (key.len() + value.len()) as u64);
        let used = self.used - size(now) + size(value.as_ref());
        if key.len() > KEY_BYTES || (used > quota && used > self.used) {
            return Err(KvFault::Quota);
        }
        self.used = used;
        if value.is_none() && !self.committed.contains_key(&key) {
            // Nothing is left to be said of it; kept, such keys would be
            // without number, for they count for nothing.
            self.written.remove(&key);
        } else {
            self.written.insert(key, value);
        }
        Ok(())
    }

    /// The writes, without those that changed nothing.
    pub(crate) fn take(&mut self, quota: u64, alone: bool) -> Vec<KvWrite> {
        std::mem::take(&mut self.written)
            .into_iter()
            .filter_map(|(key, value)| {
                let expected = self.committed.get(&key).cloned();
                (expected != value).then_some(KvWrite { key, expected, value, quota, alone })
            })
            .collect()
    }
}

impl Guest {
    fn kv_quota(&self) -> Result<u64, wit::Error> {
        self.effective.kv().map_err(|denial| {
            let text = denial.to_string();
            self.traffic.refuse(Refusal::Denied(denial));
            wit::Error::Denied(text)
        })
    }
}

impl wit::Host for Guest {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, wit::Error> {
        self.kv_quota()?;
        Ok(self.kv.get(&key).cloned())
    }

    fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> Result<(), wit::Error> {
        let quota = self.kv_quota()?;
        self.kv.compare_and_set(key, expected.as_ref(), value, quota).map_err(|fault| match fault {
            KvFault::Quota => wit::Error::Quota(quota),
            KvFault::Conflict => wit::Error::Conflict,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        text.as_bytes().to_vec()
    }

    #[test]
    fn writes_are_seen_by_the_call_and_travel_with_its_result() {
        let committed = Arc::new(BTreeMap::from([("a".to_owned(), bytes("1"))]));
        let mut kv = Kv::new(committed);
        assert_eq!(kv.get("a"), Some(&bytes("1")));
        kv.compare_and_set("a".into(), Some(&bytes("1")), Some(bytes("2")), 100).unwrap();
        kv.compare_and_set("b".into(), None, Some(bytes("x")), 100).unwrap();
        kv.compare_and_set("b".into(), Some(&bytes("x")), None, 100).unwrap();
        assert_eq!(kv.get("a"), Some(&bytes("2")));
        assert_eq!(kv.compare_and_set("a".into(), Some(&bytes("1")), None, 100), Err(KvFault::Conflict));
        let (expected, value) = (Some(bytes("1")), Some(bytes("2")));
        assert_eq!(kv.take(100, true), [KvWrite { key: "a".into(), expected, value, quota: 100, alone: true }]);
    }

    #[test]
    fn keys_that_are_removed_again_leave_nothing() {
        let committed = Arc::new(BTreeMap::from([("a".to_owned(), bytes("1"))]));
        let mut kv = Kv::new(committed);
        for number in 0..1000 {
            kv.compare_and_set(format!("n{number}"), None, None, 10).unwrap();
            kv.compare_and_set(format!("k{number}"), None, Some(vec![]), 10).unwrap();
            kv.compare_and_set(format!("k{number}"), Some(&vec![]), None, 10).unwrap();
        }
        kv.compare_and_set("a".into(), Some(&bytes("1")), None, 10).unwrap();
        assert_eq!(kv.written.len(), 1);
        let (expected, value) = (Some(bytes("1")), None);
        assert_eq!(kv.take(10, true), [KvWrite { key: "a".into(), expected, value, quota: 10, alone: true }]);
    }

    #[test]
    fn the_quota_counts_keys_and_values_and_lets_one_shrink() {
        let committed = Arc::new(BTreeMap::from([("a".to_owned(), bytes("12345"))]));
        let mut kv = Kv::new(committed);
        assert_eq!(kv.compare_and_set("b".into(), None, Some(bytes("12345")), 10), Err(KvFault::Quota));
        kv.compare_and_set("b".into(), None, Some(bytes("123")), 10).unwrap();
        kv.compare_and_set("a".into(), Some(&bytes("12345")), Some(bytes("1234")), 1).unwrap();
        assert_eq!(kv.compare_and_set("x".repeat(257), None, Some(vec![]), 1000), Err(KvFault::Quota));
    }
}
