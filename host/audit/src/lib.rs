//! The verifiable log: a Merkle tree over the journal's records, signed checkpoints, and proofs.
//!
//! **Invariant:** what was signed once is contradicted by nothing that is signed later, and is checked without trusting
//! the host.
//!
//! This crate knows bytes, not records: leaves come in through a callback ([`LeafSource`]) and nothing
//! of the journal, the desk or the engine is known here. What it stores can be made again from the
//! leaves, but for the signatures; so the leaves are held to those, at every opening.
//!
//! - [`Log`]: the host's log, tree and checkpoints and key together.
//! - [`check()`], [`verify_inclusion`], [`verify_consistency`]: all an outsider needs; total on any input.
//! - [`recompute()`]: the whole log again from its leaves, compared with every signature.
//!
//! ```
//! use huiyin_audit::{Log, SignerKey, Verdict, check};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! // The journal's part: leaves from an index on, fewer than asked for only at the end.
//! let held = ["first", "second", "third"];
//! let mut leaves = |from: u64, max: usize| {
//!     Ok(held.iter().skip(from as usize).take(max).map(|leaf| (*leaf).into()).collect())
//! };
//! let signer = SignerKey::load_or_create(&dir.path().join("log.key"), "huiyin.example/log")?;
//! let (mut log, _) = Log::open(&dir.path().join("log"), signer, &[], &mut leaves)?;
//! log.checkpoint(&mut leaves)?;
//!
//! // The outsider's part: a document and the bureau's key.
//! let document = log.prove(1, &mut leaves)?.to_json().to_string();
//! assert!(matches!(check(document.as_bytes(), &[log.verifier().clone()]), Verdict::Holds(_)));
//! # Ok(())
//! # }
//! ```
//!
//! Formats: RFC 6962 section 2 (hashes, proofs), C2SP tlog-tiles (hash files), tlog-checkpoint and
//! signed-note (checkpoints). See `docs/reference/audit.md`.

mod check;
mod checkpoint;
mod error;
mod file;
mod hash;
mod keys;
mod log;
mod note;
mod proof;
mod recompute;
mod store;
mod tile;
mod tree;
mod verify;

pub use check::{Claim, MAX_DOCUMENT_BYTES, Signed, Verdict, check};
pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use error::{AuditError, SourceError};
pub use hash::{Frontier, HASH_BYTES, Hash, empty_root, leaf_hash, node_hash, root_of};
pub use keys::{KeyError, SignerKey, VerifierKey};
pub use log::{LeafSource, Log, Opened};
pub use note::{MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError, NoteSignature};
pub use proof::{CONSISTENCY_FORMAT, ConsistencyProof, INCLUSION_FORMAT, InclusionProof};
pub use recompute::{Finding, Report, recompute};
pub use store::{CheckpointStore, HistoryLine};
pub use tile::{TILE_WIDTH, TileId};
pub use tree::{Tree, TreeError};
pub use verify::{ProofError, verify_consistency, verify_inclusion};
