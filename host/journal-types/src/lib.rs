//! What a journal takes and gives: drafts in, records out.
//!
//! **Invariant:** plain data, and nothing that writes or reads it: whoever decides what is recorded need not know how
//! it is kept. What a header may hold is checked where it is written, in `huiyin-journal`.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Bytes of salt in front of every payload.
pub const SALT_BYTES: usize = 16;

/// A record before it has its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Record type with its version, `huiyin.run.turn.v1` (CloudEvents `type`).
    pub kind: String,
    /// What it is about, `run/<id>`, `case/<number>`, …
    pub subject: String,
    /// When it was decided.
    pub time: Timestamp,
    /// Who did it: `system:engine`, `person:<id>`, `plugin:<name>@<version>`.
    pub actor: String,
    /// The unit it belongs to.
    pub unit: Option<String>,
    /// Id (`<partition>/<seq>`) of the record that caused it.
    pub causation: Option<String>,
    /// Name of the data key that seals the payload: `case:<number>`, `unit:<code>`, `host`, …
    pub key: String,
    /// The content; JSON by convention, opaque here.
    pub payload: Vec<u8>,
}

/// A record's header. The order of the fields is the order of the stored bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// CloudEvents version, always `1.0`.
    pub specversion: String,
    /// `<partition>/<seq>`.
    pub id: String,
    /// `huiyin:<host id>`.
    pub source: String,
    /// Record type with its version, as stored.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// When it was decided.
    pub time: Timestamp,
    /// The partition.
    pub partition: u32,
    /// Place in the partition, from 1.
    pub seq: u64,
    /// Who did it.
    pub actor: String,
    /// The unit it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Id of the record that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<String>,
    /// Id of the data key that seals the payload.
    pub datakey: String,
    /// base64url without padding of HMAC-SHA-256(key = salt, message = payload).
    pub commitment: String,
}

/// A stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The header, as stored.
    pub header: Header,
    /// The stored header bytes: the audit leaf.
    pub leaf: Bytes,
    /// Place in the tree, from 0.
    pub index: u64,
    /// The payload's type after upcasting; equals `header.kind` when nothing was upcast.
    pub kind: String,
    /// The payload, brought to the newest version of its type.
    pub payload: Payload,
    /// The salt that opens the commitment to the payload as stored; none when redacted.
    pub salt: Option<[u8; SALT_BYTES]>,
}

/// A record's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// It can be read.
    Open(Bytes),
    /// Its data key was destroyed.
    Redacted,
}

/// Where a batch came to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The partition.
    pub partition: u32,
    /// Sequence number of the first record of the batch.
    pub first_seq: u64,
    /// Sequence number of the last record of the batch.
    pub last_seq: u64,
    /// Tree index of the last record of the batch.
    pub last_index: u64,
}
