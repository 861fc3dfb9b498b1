//! What a record must be: a header without free text, and a payload behind a commitment.
//!
//! The stored header bytes are the leaf of the audit tree and can never be changed, so the
//! header's form is checked strictly here, before a record takes its place.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

pub use huiyin_journal_types::{Appended, Draft, Header, Payload, Record, SALT_BYTES};

use crate::JournalError;

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
