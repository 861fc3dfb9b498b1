//! Sealing: a payload, its salt and its commitment, under a data key.
//!
//! Sealed text = AES-256-GCM-SIV (RFC 8452) of `form ‖ salt ‖ content`. The nonce is the record's
//! place, so the same (key, nonce) can meet two plaintexts only when a torn tail is rewritten; the
//! SIV construction withstands that.

use std::cell::RefCell;

use aes_gcm_siv::aead::{Aead as _, KeyInit as _, Payload as AeadPayload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use rand::Rng as _;
use zeroize::Zeroizing;

use crate::record::{SALT_BYTES, hmac_sha256};

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 12;

const RAW: u8 = 0;
/// What the first journals have; no longer written.
const ZSTD: u8 = 1;
const ZSTD_DICTIONARY: u8 = 2;
/// zstd dictionary trained on invented payloads; part of form 2, never to be changed. A payload is
/// short, and all that repeats in it stands in every other payload, too: with the dictionary it
/// becomes half as long in half the time.
const DICTIONARY: &[u8] = include_bytes!("payloads-v1.dict");
const LEVEL: i32 = 1;
/// Content shorter than this does not gain by compression.
const WORTH: usize = 48;

thread_local! {
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
    static PLAIN_UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
}

/// A data key, ready for use.
pub(crate) struct DataKey {
    pub(crate) id: String,
    cipher: Aes256GcmSiv,
    blob_key: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl DataKey {
    pub(crate) fn new(id: String, key: &[u8; KEY_BYTES]) -> Self {
        let blob_key = Zeroizing::new(hmac_sha256(key, &[b"huiyin blob id v1"]));
        Self { id, cipher: Aes256GcmSiv::new(key.into()), blob_key }
    }

    pub(crate) fn seal(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, String> {
        self.cipher
            .encrypt(&Nonce::from(nonce), AeadPayload { msg: plain, aad })
            .map_err(|_| "too large to be sealed".to_string())
    }

    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, String> {
        self.cipher
            .decrypt(&Nonce::from(nonce), AeadPayload { msg: sealed, aad })
            .map(Zeroizing::new)
            .map_err(|_| "the sealed content does not belong to its header and key".to_string())
    }

    /// Name of content under this key: whoever lacks the key cannot guess content by its name.
    pub(crate) fn content_id(&self, content: &[u8]) -> [u8; 32] {
        hmac_sha256(&self.blob_key, &[content])
    }
}

/// The nonce of a record: its place.
pub(crate) fn record_nonce(partition: u32, seq: u64) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..4].copy_from_slice(&partition.to_be_bytes());
    nonce[4..].copy_from_slice(&seq.to_be_bytes());
    nonce
}

/// `form ‖ salt ‖ content`, compressed when that makes it smaller. In the compressed form the
/// content is its length (4 bytes, big endian) and a zstd frame.
pub(crate) fn pack(salt: &[u8; SALT_BYTES], content: &[u8]) -> Zeroizing<Vec<u8>> {
    const FRONT: usize = 1 + SALT_BYTES + 4;
    // One buffer: every buffer that held content is wiped over its whole length.
    let mut out = Zeroizing::new(vec![0; FRONT + content.len()]);
    if content.len() >= WORTH
        && let Some((front, room)) = out.split_first_chunk_mut::<FRONT>()
        && let Some(len) = compress(content, room).filter(|len| len + 4 < content.len())
    {
        front[0] = ZSTD_DICTIONARY;
        front[1..=SALT_BYTES].copy_from_slice(salt);
        front[1 + SALT_BYTES..].copy_from_slice(&(content.len() as u32).to_be_bytes());
        out.truncate(FRONT + len);
        return out;
    }
    out.clear();
    out.push(RAW);
    out.extend_from_slice(salt);
    out.extend_from_slice(content);
    out
}

/// The reverse of [`pack`]; refuses content longer than `limit`.
pub(crate) fn unpack(plain: &[u8], limit: u64) -> Result<([u8; SALT_BYTES], Vec<u8>), String> {
    let (form, rest) = plain.split_first().ok_or("the sealed content is empty")?;
    let (salt, content) = rest.split_first_chunk::<SALT_BYTES>().ok_or("the salt is cut short")?;
    let content = match *form {
        RAW => content.to_vec(),
        ZSTD => decompress(&PLAIN_UNPACKER, &[], content, limit)?,
        ZSTD_DICTIONARY => decompress(&UNPACKER, DICTIONARY, content, limit)?,
        other => return Err(format!("unknown form {other} of sealed content")),
    };
    Ok((*salt, content))
}

/// Leaves out the content's size, which is stored in front, and which dictionary, which the form says.
fn packer() -> std::io::Result<zstd::bulk::Compressor<'static>> {
    let mut packer = zstd::bulk::Compressor::with_dictionary(LEVEL, DICTIONARY)?;
    packer.include_contentsize(false)?;
    packer.include_dictid(false)?;
    Ok(packer)
}

/// Compresses into `room`; its length, or none where there is not enough.
fn compress(content: &[u8], room: &mut [u8]) -> Option<usize> {
    PACKER.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = packer().ok();
        }
        slot.as_mut()?.compress_to_buffer(content, room).ok()
    })
}

/// One thread's unpacker; an empty dictionary is none.
type Unpacker = std::thread::LocalKey<RefCell<Option<zstd::bulk::Decompressor<'static>>>>;

fn decompress(unpacker: &'static Unpacker, dictionary: &[u8], content: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let (len, packed) = content.split_first_chunk::<4>().ok_or("the length is cut short")?;
    let len = u32::from_be_bytes(*len);
    if u64::from(len) > limit {
        return Err(format!("the content claims {len} bytes, the limit is {limit}"));
    }
    let content = unpacker.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some(zstd::bulk::Decompressor::with_dictionary(dictionary).map_err(|e| e.to_string())?);
        }
        let unpacker = slot.as_mut().ok_or("no decompressor")?;
        unpacker.decompress(packed, len as usize).map_err(|e| e.to_string())
    })?;
    if content.len() != len as usize {
        return Err("the content does not have its length".into());
    }
    Ok(content)
}

/// Fills a salt from a generator that the system's random source seeds: a salt is wanted for every
/// record, and must only be beyond guessing.
pub(crate) fn random_salt(salt: &mut [u8; SALT_BYTES]) {
    #[cfg(feature = "faults")]
    if crate::faults::seeded(salt) {
        return;
    }
    rand::rng().fill_bytes(salt);
}

/// Fills `bytes` from the system's random source.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), crate::JournalError> {
    #[cfg(feature = "faults")]
    if crate::faults::seeded(bytes) {
        return Ok(());
    }
    getrandom::fill(bytes).map_err(|e| crate::JournalError::Io {
        doing: "reading the system's random source",
        path: std::path::PathBuf::from("getrandom"),
        why: e.to_string(),
    })
}
