//! Checking a proof document: our own (see `proof`) and the JSON forms of the public Merkle test vectors.
//!
//! Total on any text, and needs nothing but the text: this is what an outsider runs. `Malformed` is kept
//! for text that is no such document; a document whose claim cannot be true, however odd its values,
//! does not hold.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::checkpoint::SignedCheckpoint;
use crate::hash::{HASH_BYTES, Hash, leaf_hash};
use crate::keys::{VerifierKey, of_another_type};
use crate::proof::{CONSISTENCY_FORMAT, INCLUSION_FORMAT};
use crate::verify::{verify_consistency, verify_inclusion};

/// Largest document read, in bytes. A leaf is a record's header, so even a large one stays far below.
pub const MAX_DOCUMENT_BYTES: usize = 4 << 20;

/// What came of checking a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The claim holds.
    Holds(Claim),
    /// The claim is not proved.
    DoesNotHold {
        /// Why.
        why: String,
    },
    /// The text is not a proof document.
    Malformed {
        /// Where: a JSON pointer, or for text that is not JSON, `line:column`.
        at: String,
        /// What is wrong there.
        why: String,
    },
}

/// What a document that holds has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// A leaf is in the tree.
    Inclusion {
        /// Index of the leaf.
        index: u64,
        /// Size of the tree.
        size: u64,
        /// The leaf itself, if the document holds it and not only its hash.
        leaf: Option<Vec<u8>>,
        /// Who vouches for the root.
        signed: Signed,
    },
    /// One tree extends another.
    Consistency {
        /// Size of the earlier.
        from: u64,
        /// Size of the later.
        to: u64,
        /// Who vouches for the roots.
        signed: Signed,
    },
}

/// Who vouches for the roots in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// Nobody: the document only states roots. Compare them with a checkpoint.
    No,
    /// The key that the document itself names. Ask the bureau whether it is theirs.
    ByOwnKey(Box<VerifierKey>),
    /// A key given by whoever checks.
    ByKnownKey(Box<VerifierKey>),
}

impl Verdict {
    /// The verdict for machines: `verdict` is `holds`, `does-not-hold` or `malformed`, with what belongs to each.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Holds(claim) => {
                let (kind, numbers, signed) = match claim {
                    Claim::Inclusion { index, size, signed, .. } => {
                        ("inclusion", [("index", *index), ("size", *size)], signed)
                    }
                    Claim::Consistency { from, to, signed } => ("consistency", [("from", *from), ("to", *to)], signed),
                };
                let (by, key) = match signed {
                    Signed::No => ("nobody", None),
                    Signed::ByOwnKey(key) => ("own-key", Some(key.to_string())),
                    Signed::ByKnownKey(key) => ("known-key", Some(key.to_string())),
                };
                let mut object = Map::new();
                object.insert("verdict".into(), "holds".into());
                object.insert("claim".into(), kind.into());
                for (name, number) in numbers {
                    object.insert(name.into(), number.into());
                }
                object.insert("signed".into(), by.into());
                object.insert("key".into(), key.into());
                Value::Object(object)
            }
            Self::DoesNotHold { why } => json!({ "verdict": "does-not-hold", "why": why }),
            Self::Malformed { at, why } => {
                json!({ "verdict": "malformed", "at": at, "why": why })
            }
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signed = match self {
            Self::Inclusion { index, size, signed, .. } => {
                write!(f, "leaf {index} is in the tree of {size} leaves")?;
                signed
            }
            Self::Consistency { from, to, signed } => {
                write!(f, "the tree of {to} leaves extends that of {from}")?;
                signed
            }
        };
        match signed {
            Signed::No => write!(f, "; nobody signed the root: compare it with a checkpoint"),
            Signed::ByOwnKey(key) => {
                write!(f, "; signed by {key}, a key known only from this document: pass the bureau's key to be sure")
            }
            Signed::ByKnownKey(key) => write!(f, "; signed by the known key {key}"),
        }
    }
}

/// What stops a check early.
enum Stop {
    Fails(String),
    Malformed { at: String, why: String },
}

type Checked<T> = Result<T, Stop>;

/// Checks a document. With `known` keys its checkpoints must be signed by one of them; without, by a
/// key the document names. Test vectors carry no signature, so keys make no difference to them.
pub fn check(text: &[u8], known: &[VerifierKey]) -> Verdict {
    match check_document(text, known) {
        Ok(claim) => Verdict::Holds(claim),
        Err(Stop::Fails(why)) => Verdict::DoesNotHold { why },
        Err(Stop::Malformed { at, why }) => Verdict::Malformed { at, why },
    }
}

fn check_document(text: &[u8], known: &[VerifierKey]) -> Checked<Claim> {
    if text.len() > MAX_DOCUMENT_BYTES {
        let why = format!("the document has {} bytes; at most {MAX_DOCUMENT_BYTES} are read", text.len());
        return Err(Stop::Malformed { at: String::new(), why });
    }
    let value: Value = huiyin_json::parse(text).map_err(|error| Stop::Malformed {
        at: format!("{}:{}", error.line(), error.column()),
        why: format!("cannot be read as JSON: {error}"),
    })?;
    let Value::Object(object) = value else {
        return Err(malformed("", "a proof document is a JSON object"));
    };
    let document = Document(&object);
    let has = |names: &[&str]| names.iter().any(|name| object.contains_key(*name));
    let inclusion = has(&["leafIdx", "treeSize", "leafHash"]);
    let consistency = has(&["size1", "size2", "root1", "root2"]);
    match object.get("format") {
        Some(Value::String(format)) if format == INCLUSION_FORMAT => own_inclusion(&document, known),
        Some(Value::String(format)) if format == CONSISTENCY_FORMAT => own_consistency(&document, known),
        Some(_) => Err(malformed("/format", &format!("must be {INCLUSION_FORMAT:?} or {CONSISTENCY_FORMAT:?}"))),
        None if inclusion && consistency => {
            Err(malformed("", "has members of an inclusion and of a consistency proof; which it is cannot be told"))
        }
        None if inclusion => vector_inclusion(&document),
        None if consistency => vector_consistency(&document),
        None => Err(malformed(
            "",
            "not a proof: expected `format`, or `leafIdx, treeSize, root, leafHash, proof`, or `size1, size2, root1, root2, proof`",
        )),
    }
}

fn own_inclusion(document: &Document<'_>, known: &[VerifierKey]) -> Checked<Claim> {
    let (index, size) = (document.required_number("index")?, document.required_number("size")?);
    let leaf = match (document.0.get("leaf"), document.0.get("leafBase64")) {
        (Some(_), None) => document.required_text("leaf")?.as_bytes().to_vec(),
        (None, Some(_)) => STANDARD
            .decode(document.required_text("leafBase64")?)
            .map_err(|_| Stop::Fails("leafBase64 is not standard base64".to_owned()))?,
        _ => {
            return Err(malformed("", "exactly one of `leaf` and `leafBase64` must be given"));
        }
    };
    let proof = hashes(&document.proof()?)?;
    let (checkpoint, signed) = document.checkpoint("checkpoint", known)?;
    same_size("size", size, &checkpoint)?;
    verify_inclusion(&leaf_hash(&leaf), index, size, &proof, &checkpoint.checkpoint.root).map_err(fails)?;
    Ok(Claim::Inclusion { index, size, leaf: Some(leaf), signed })
}

fn own_consistency(document: &Document<'_>, known: &[VerifierKey]) -> Checked<Claim> {
    let (from, to) = (document.required_number("from")?, document.required_number("to")?);
    let proof = hashes(&document.proof()?)?;
    let (first, _) = document.checkpoint("first", known)?;
    let (second, signed) = document.checkpoint("second", known)?;
    same_size("from", from, &first)?;
    same_size("to", to, &second)?;
    if first.checkpoint.origin != second.checkpoint.origin {
        let (first, second) = (&first.checkpoint.origin, &second.checkpoint.origin);
        return Err(Stop::Fails(format!("the checkpoints are of different logs, {first:?} and {second:?}")));
    }
    verify_consistency(from, to, &proof, &first.checkpoint.root, &second.checkpoint.root).map_err(fails)?;
    Ok(Claim::Consistency { from, to, signed })
}

fn vector_inclusion(document: &Document<'_>) -> Checked<Claim> {
    let (index, size) = (document.number("leafIdx")?, document.number("treeSize")?);
    let (root, leaf) = (document.text("root")?, document.text("leafHash")?);
    let proof = document.proof()?;
    let (root, leaf) = (hash("root", root)?, hash("leafHash", leaf)?);
    verify_inclusion(&leaf, index, size, &hashes(&proof)?, &root).map_err(fails)?;
    Ok(Claim::Inclusion { index, size, leaf: None, signed: Signed::No })
}

fn vector_consistency(document: &Document<'_>) -> Checked<Claim> {
    let (from, to) = (document.number("size1")?, document.number("size2")?);
    let (first, second) = (document.text("root1")?, document.text("root2")?);
    let proof = document.proof()?;
    let (first, second) = (hash("root1", first)?, hash("root2", second)?);
    verify_consistency(from, to, &hashes(&proof)?, &first, &second).map_err(fails)?;
    Ok(Claim::Consistency { from, to, signed: Signed::No })
}

/// A document's members, with the forms they must have.
struct Document<'a>(&'a Map<String, Value>);

impl<'a> Document<'a> {
    /// An unsigned number; absent or null counts as 0, as in the vectors.
    fn number(&self, name: &str) -> Checked<u64> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(0),
            Some(value) => {
                value.as_u64().ok_or_else(|| malformed(&format!("/{name}"), "must be a whole number from 0 to 2^64-1"))
            }
        }
    }

    fn required_number(&self, name: &str) -> Checked<u64> {
        self.present(name)?;
        self.number(name)
    }

    fn required_text(&self, name: &str) -> Checked<&'a str> {
        self.present(name)?;
        self.text(name)
    }

    /// A string; absent or null counts as empty.
    fn text(&self, name: &str) -> Checked<&'a str> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(malformed(&format!("/{name}"), "must be a string")),
        }
    }

    fn present(&self, name: &str) -> Checked<()> {
        match self.0.get(name) {
            None | Some(Value::Null) => Err(malformed(&format!("/{name}"), "is missing")),
            Some(_) => Ok(()),
        }
    }

    /// The texts of the proof's hashes; absent or null counts as none.
    fn proof(&self) -> Checked<Vec<&'a str>> {
        match self.0.get("proof") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(elements)) => elements
                .iter()
                .enumerate()
                .map(|(at, element)| match element {
                    Value::String(text) => Ok(text.as_str()),
                    Value::Null => Ok(""),
                    _ => Err(malformed(&format!("/proof/{at}"), "must be a string")),
                })
                .collect(),
            Some(_) => Err(malformed("/proof", "must be an array of strings")),
        }
    }

    /// The keys the document names.
    fn own_keys(&self) -> Checked<Vec<VerifierKey>> {
        let Some(Value::Array(keys)) = self.0.get("keys") else {
            return Err(malformed("/keys", "must be an array of verifier keys"));
        };
        let mut known = Vec::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            let text = key.as_str().ok_or_else(|| malformed(&format!("/keys/{at}"), "must be a string"))?;
            // A witness's key, or one of a type to come: its signatures are passed over, too.
            if !of_another_type(text) {
                known.push(text.parse().map_err(|error| Stop::Fails(format!("keys/{at}: {error}")))?);
            }
        }
        if known.is_empty() && !keys.is_empty() {
            return Err(malformed("/keys", "none of them is an Ed25519 key (type 01), by which a log signs"));
        }
        Ok(known)
    }

    /// A checkpoint whose signature fits a known key or, when none is given, one of the document's own.
    fn checkpoint(&self, name: &str, known: &[VerifierKey]) -> Checked<(SignedCheckpoint, Signed)> {
        let note = self.required_text(name)?;
        let own_keys: Vec<VerifierKey>;
        let keys = if known.is_empty() {
            own_keys = self.own_keys()?;
            &own_keys
        } else {
            known
        };
        let signed =
            SignedCheckpoint::parse_unverified(note).map_err(|error| Stop::Fails(format!("{name}: {error}")))?;
        let key = signed.note.verify(keys).map_err(|error| Stop::Fails(format!("{name}: {error}")))?;
        let key = Box::new(key.clone());
        let by = if known.is_empty() { Signed::ByOwnKey(key) } else { Signed::ByKnownKey(key) };
        Ok((signed, by))
    }
}

fn hash(name: &str, text: &str) -> Checked<Hash> {
    Hash::from_base64(text).ok_or_else(|| {
        let length = STANDARD.decode(text).map_or_else(
            |_| "not standard base64".to_owned(),
            |bytes| format!("{} bytes, where a hash has {HASH_BYTES}", bytes.len()),
        );
        Stop::Fails(format!("{name} is {length}"))
    })
}

fn hashes(texts: &[&str]) -> Checked<Vec<Hash>> {
    texts.iter().enumerate().map(|(at, text)| hash(&format!("proof/{at}"), text)).collect()
}

fn same_size(name: &str, size: u64, checkpoint: &SignedCheckpoint) -> Checked<()> {
    let signed = checkpoint.checkpoint.size;
    if size == signed {
        Ok(())
    } else {
        Err(Stop::Fails(format!("{name} is {size}, but the checkpoint was signed at size {signed}")))
    }
}

fn malformed(at: &str, why: &str) -> Stop {
    Stop::Malformed { at: at.to_owned(), why: why.to_owned() }
}

fn fails(error: impl fmt::Display) -> Stop {
    Stop::Fails(error.to_string())
}
