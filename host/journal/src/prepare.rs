//! The part of an append that needs no place yet, done in the caller's thread before the lock:
//! checks, salt, commitment, compression, the data key.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::record::{Header, SALT_BYTES};
use crate::seal::{self, DataKey};
use crate::{Draft, JournalError, commitment};

/// Bytes in which nearly every header fits.
const HEADER_ROOM: usize = 448;

/// [`Header`], borrowed: a header is written once for every record, so it is not put together first.
#[derive(Serialize)]
struct Stored<'a> {
    specversion: &'a str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    subject: &'a str,
    time: Timestamp,
    partition: u32,
    seq: u64,
    actor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<&'a str>,
    datakey: &'a str,
    commitment: &'a str,
}

/// A draft that only lacks its place.
#[derive(Debug)]
pub(crate) struct Prepared {
    kind: String,
    subject: String,
    time: Timestamp,
    actor: String,
    unit: Option<String>,
    causation: Option<String>,
    commitment: String,
    pub(crate) key: Arc<DataKey>,
    pub(crate) plain: Zeroizing<Vec<u8>>,
}

impl Prepared {
    /// `draft` has passed `record::check`.
    pub(crate) fn new(draft: Draft, limit: u64, key: Arc<DataKey>) -> Result<Self, JournalError> {
        size("a record's payload", draft.payload.len(), limit)?;
        let mut salt = [0; SALT_BYTES];
        seal::random_salt(&mut salt);
        let payload = Zeroizing::new(draft.payload);
        Ok(Self {
            commitment: commitment(&salt, &payload),
            plain: seal::pack(&salt, &payload),
            kind: draft.kind,
            subject: draft.subject,
            time: draft.time,
            actor: draft.actor,
            unit: draft.unit,
            causation: draft.causation,
            key,
        })
    }

    /// Bytes this record holds in memory, about.
    pub(crate) fn cost(&self) -> u64 {
        (self.plain.len() + 512) as u64
    }

    /// The header at its place, as it is stored.
    pub(crate) fn header_bytes(&self, source: &str, partition: u32, seq: u64) -> Result<Vec<u8>, JournalError> {
        let id = format!("{partition}/{seq}");
        let header = Stored {
            specversion: "1.0",
            id: &id,
            source,
            kind: &self.kind,
            subject: &self.subject,
            time: self.time,
            partition,
            seq,
            actor: &self.actor,
            unit: self.unit.as_deref(),
            causation: self.causation.as_deref(),
            datakey: &self.key.id,
            commitment: &self.commitment,
        };
        let mut bytes = Vec::with_capacity(HEADER_ROOM);
        serde_json::to_writer(&mut bytes, &header)
            .map_err(|e| JournalError::Invalid { field: "header", why: e.to_string() })?;
        Ok(bytes)
    }

    /// The header at its place.
    pub(crate) fn header(&self, source: &str, partition: u32, seq: u64) -> Header {
        Header {
            specversion: "1.0".into(),
            id: format!("{partition}/{seq}"),
            source: source.into(),
            kind: self.kind.clone(),
            subject: self.subject.clone(),
            time: self.time,
            partition,
            seq,
            actor: self.actor.clone(),
            unit: self.unit.clone(),
            causation: self.causation.clone(),
            datakey: self.key.id.clone(),
            commitment: self.commitment.clone(),
        }
    }
}

pub(crate) fn size(what: &'static str, size: usize, limit: u64) -> Result<(), JournalError> {
    if size as u64 > limit {
        return Err(JournalError::TooLarge { what, size: size as u64, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_header_is_the_header() {
        for (unit, causation) in [(None, None), (Some("530500"), Some("3/17"))] {
            let draft = Draft {
                kind: "huiyin.run.turn.v1".into(),
                subject: "run/1".into(),
                time: Timestamp::UNIX_EPOCH,
                actor: "system:engine".into(),
                unit: unit.map(str::to_owned),
                causation: causation.map(str::to_owned),
                key: "host".into(),
                payload: b"{}".to_vec(),
            };
            let prepared = Prepared::new(draft, 100, Arc::new(DataKey::new("host~1".into(), &[7; 32]))).unwrap();
            let written = prepared.header_bytes("huiyin:test", 2, 9).unwrap();
            assert_eq!(written, serde_json::to_vec(&prepared.header("huiyin:test", 2, 9)).unwrap());
        }
    }
}
