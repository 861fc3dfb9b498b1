//! Proof documents: JSON that holds all an outsider needs to check one claim about the log.
//!
//! They are written here and read in `check`. The verifier keys inside are a convenience: they show which
//! key to ask the bureau about; whoever wants certainty checks with a key got by another way.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::SignedCheckpoint;
use crate::hash::Hash;
use crate::keys::VerifierKey;

/// `format` of a document that proves a leaf to be in the log.
pub const INCLUSION_FORMAT: &str = "huiyin.inclusion.v1";
/// `format` of a document that proves one checkpoint to extend another.
pub const CONSISTENCY_FORMAT: &str = "huiyin.consistency.v1";

/// Proof that a leaf is in the log under a signed checkpoint.
#[derive(Debug, Clone)]
pub struct InclusionProof {
    /// Index of the leaf, from 0.
    pub index: u64,
    /// Size of the tree: that of the checkpoint.
    pub size: u64,
    /// The leaf: a journal record's header.
    pub leaf: Bytes,
    /// Sibling hashes, lowest first.
    pub proof: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: SignedCheckpoint,
    /// The key that signed the checkpoint, as the host knows it.
    pub keys: Vec<VerifierKey>,
}

/// Proof that a later checkpoint extends an earlier one.
#[derive(Debug, Clone)]
pub struct ConsistencyProof {
    /// The proof's hashes in the order of RFC 6962.
    pub proof: Vec<Hash>,
    /// The earlier checkpoint.
    pub first: SignedCheckpoint,
    /// The later checkpoint.
    pub second: SignedCheckpoint,
    /// The keys that signed the checkpoints, as the host knows them.
    pub keys: Vec<VerifierKey>,
}

impl InclusionProof {
    /// The JSON document. A leaf of UTF-8 text stands as it is under `leaf`, any other under `leafBase64`.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("format".into(), INCLUSION_FORMAT.into());
        object.insert("index".into(), self.index.into());
        object.insert("size".into(), self.size.into());
        match str::from_utf8(&self.leaf) {
            Ok(text) => object.insert("leaf".into(), text.into()),
            Err(_) => object.insert("leafBase64".into(), STANDARD.encode(&self.leaf).into()),
        };
        object.insert("proof".into(), hashes(&self.proof));
        object.insert("checkpoint".into(), self.checkpoint.note.to_string().into());
        object.insert("keys".into(), key_texts(&self.keys));
        Value::Object(object)
    }
}

impl ConsistencyProof {
    /// The JSON document.
    pub fn to_json(&self) -> Value {
        json!({
            "format": CONSISTENCY_FORMAT,
            "from": self.first.checkpoint.size,
            "to": self.second.checkpoint.size,
            "proof": hashes(&self.proof),
            "first": self.first.note.to_string(),
            "second": self.second.note.to_string(),
            "keys": key_texts(&self.keys),
        })
    }
}

fn key_texts(keys: &[VerifierKey]) -> Value {
    keys.iter().map(VerifierKey::to_string).collect()
}

fn hashes(proof: &[Hash]) -> Value {
    proof.iter().map(Hash::to_base64).collect()
}
