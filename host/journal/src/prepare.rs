//! The part of an append that needs no place yet, done in the caller's thread before the lock:
//! checks, salt, commitment, compression, the data key.

use std::sync::Arc;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::record::{Header, SALT_BYTES};
use crate::seal::{self, DataKey};
use crate::{Draft, JournalError, commitment};

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
        seal::random(&mut salt)?;
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
