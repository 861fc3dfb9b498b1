//! What a record is: a header without free text, and a payload behind a commitment.
//!
//! The stored header bytes are the leaf of the audit tree and can never be changed, so the
//! header's form is checked strictly here, before a record takes its place.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::JournalError;

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

/// base64url without padding of HMAC-SHA-256(key = salt, message = payload).
pub fn commitment(salt: &[u8; SALT_BYTES], payload: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hmac_sha256(salt, &[payload]))
}

/// HMAC-SHA-256 over the concatenation of `parts`.
pub(crate) fn hmac_sha256<const N: usize>(key: &[u8; N], parts: &[&[u8]]) -> [u8; 32] {
    const {
        assert!(N <= 64, "longer keys would have to be hashed first (RFC 2104 section 2)");
    };
    let mut block = Zeroizing::new([0_u8; 64]);
    block[..N].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Checks every field that goes into the header.
pub(crate) fn check(draft: &Draft) -> Result<(), JournalError> {
    token("type", &draft.kind, 128)?;
    version_of(&draft.kind).ok_or_else(|| JournalError::Invalid {
        field: "type",
        why: format!("{:?} must end in a version such as .v1", draft.kind),
    })?;
    token("subject", &draft.subject, 256)?;
    token("actor", &draft.actor, 160)?;
    if let Some(unit) = &draft.unit {
        token("unit", unit, 64)?;
    }
    if let Some(causation) = &draft.causation {
        let place = causation.split_once('/').and_then(|(partition, seq)| {
            Some(format!("{}/{}", partition.parse::<u32>().ok()?, seq.parse::<u64>().ok()?))
        });
        if place.as_ref() != Some(causation) {
            return Err(JournalError::Invalid {
                field: "causation",
                why: format!("{causation:?} is not a record id <partition>/<seq>"),
            });
        }
    }
    check_key(&draft.key)
}

/// Checks the name of a data key.
pub(crate) fn check_key(name: &str) -> Result<(), JournalError> {
    token("datakey", name, crate::ring::MAX_NAME)?;
    if name.contains('~') {
        return Err(JournalError::Invalid { field: "datakey", why: "~ is kept for the generations of a key".into() });
    }
    Ok(())
}

/// A header field holds names, never free text: printable ASCII without space, quote or backslash.
pub(crate) fn token(field: &'static str, text: &str, limit: usize) -> Result<(), JournalError> {
    let invalid = |why| Err(JournalError::Invalid { field, why });
    if text.is_empty() {
        return invalid("is empty".into());
    }
    if text.len() > limit {
        return invalid(format!("has {} bytes, the limit is {limit}", text.len()));
    }
    match text.char_indices().find(|(_, c)| !c.is_ascii_graphic() || matches!(c, '"' | '\\')) {
        Some((at, c)) => invalid(format!(
            "{c:?} at byte {at} is not allowed; a header holds printable ASCII without spaces, quotes and backslashes"
        )),
        None => Ok(()),
    }
}

/// Splits `huiyin.x.y.v2` into `huiyin.x.y` and 2.
pub(crate) fn version_of(kind: &str) -> Option<(&str, u32)> {
    let (name, version) = kind.rsplit_once(".v")?;
    let number: u32 = version.parse().ok()?;
    (!name.is_empty() && number > 0 && number.to_string() == version).then_some((name, number))
}
