//! The log of one host: its tree, its checkpoints and its key, opened against the leaves they speak of.
//!
//! The leaves are the truth and belong to the journal; they come in through a callback. Everything here
//! can be made from them again, except the signatures, which is why the leaves are held to those.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::checkpoint::SignedCheckpoint;
use crate::error::{AuditError, SourceError};
use crate::file::replace_durably;
use crate::hash::{Frontier, Hash, leaf_hash};
use crate::keys::{SignerKey, VerifierKey};
use crate::proof::{ConsistencyProof, InclusionProof};
use crate::store::CheckpointStore;
use crate::tile::{TILE_WIDTH, TileId};
use crate::tree::{Tree, TreeError};

/// Supplies leaves: from an index, at most so many, fewer only at the end (where it gives none).
pub type LeafSource<'a> = &'a mut dyn FnMut(u64, usize) -> Result<Vec<Bytes>, SourceError>;

/// Leaves asked for at a time.
const BATCH: usize = 4096;
/// Hashes held back while catching up before they are written.
const WRITE_AT_BYTES: usize = 8 << 20;
/// How many of the latest checkpoints are tried as a start before the tree is made anew.
const TRIES: usize = 16;

/// How a log was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// The stored hashes fitted a signed checkpoint; the leaves after it were added.
    Loaded {
        /// Size of that checkpoint.
        from: u64,
        /// Leaves added since.
        added: u64,
    },
    /// The tree was made from the leaves: there was no checkpoint yet, or no stored hashes fitted one.
    Rebuilt {
        /// Leaves taken in.
        leaves: u64,
        /// What was wrong with the stored hashes, if there should have been some.
        why: Option<String>,
    },
}

/// The verifiable log of one host.
pub struct Log {
    tree: Tree,
    store: CheckpointStore,
    signer: SignerKey,
}

impl Log {
    /// Opens the log in `folder`, whose origin is the signer's name, and catches up with the leaves.
    ///
    /// `retired` are keys that signed earlier checkpoints of this log. Fails if the leaves contradict a
    /// signed checkpoint or are fewer than one covers.
    pub fn open(
        folder: &Path,
        signer: SignerKey,
        retired: &[VerifierKey],
        leaves: LeafSource<'_>,
    ) -> Result<(Self, Opened), AuditError> {
        let mut known = vec![signer.verifier().clone()];
        known.extend_from_slice(retired);
        std::fs::create_dir_all(folder).map_err(|source| AuditError::Io { path: PathBuf::from(folder), source })?;
        let store = CheckpointStore::open(folder, signer.verifier().name(), known)?;
        write_verifier(folder, signer.verifier())?;
        let marks = store.marks();
        let (tree, opened) = open_tree(folder, &marks, leaves)?;
        Ok((Self { tree, store, signer }, opened))
    }

    /// Number of leaves taken in.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The stored checkpoints.
    pub fn checkpoints(&self) -> &CheckpointStore {
        &self.store
    }

    /// The key that verifies this log's checkpoints.
    pub fn verifier(&self) -> &VerifierKey {
        self.signer.verifier()
    }

    /// Takes in the next leaves, in tree order; returns the new size. Touches no file.
    pub fn append<L: AsRef<[u8]>>(&mut self, leaves: impl IntoIterator<Item = L>) -> u64 {
        self.tree.append(leaves)
    }

    /// Takes in all leaves there are from the log's size on; returns the new size.
    pub fn catch_up(&mut self, leaves: LeafSource<'_>) -> Result<u64, AuditError> {
        catch_up(&mut self.tree, &[], leaves)?;
        Ok(self.tree.size())
    }

    /// Whether full tiles wait to be written. The next checkpoint writes all of them; whoever writes
    /// some before has less to do then.
    pub fn unwritten(&self) -> bool {
        self.tree.unwritten_bytes() > 0
    }

    /// Writes at most so many of the full tiles that wait.
    pub fn write_some(&mut self, most: usize) -> Result<(), AuditError> {
        Ok(self.tree.flush_some(most)?)
    }

    /// Writes the tiles, then signs and stores a checkpoint of the log as it stands.
    ///
    /// The leaves must be durable before. They are asked for only to make a damaged tile anew.
    pub fn checkpoint(&mut self, leaves: LeafSource<'_>) -> Result<SignedCheckpoint, AuditError> {
        self.tree.flush()?;
        loop {
            match self.store.sign(&self.tree, &self.signer) {
                Err(AuditError::Tree(error @ TreeError::Damaged { .. })) => mend_tile(&mut self.tree, error, leaves)?,
                other => return other,
            };
        }
    }

    /// A self-contained proof that leaf `index` is under the latest checkpoint.
    ///
    /// Damaged tiles are made anew from the leaves on the way.
    pub fn prove(&mut self, index: u64, leaves: LeafSource<'_>) -> Result<InclusionProof, AuditError> {
        let latest = self.store.latest().cloned();
        let signed = latest.as_ref().map_or(0, |signed| signed.checkpoint.size);
        let Some(checkpoint) = latest.filter(|_| index < signed) else {
            return Err(AuditError::NotSigned { index, signed });
        };
        let proof = self.mending(leaves, |tree| tree.inclusion(index, signed))?;
        let leaf = self.leaf(index, signed, leaves)?;
        let keys = self.store.keys_of([&checkpoint]);
        Ok(InclusionProof { index, size: signed, leaf, proof, checkpoint, keys })
    }

    /// A self-contained proof that the checkpoint of size `to` extends the one of size `from`; both must be stored.
    pub fn prove_consistency(
        &mut self,
        from: u64,
        to: u64,
        leaves: LeafSource<'_>,
    ) -> Result<ConsistencyProof, AuditError> {
        let (first, second) = (self.store.of_size(from)?, self.store.of_size(to)?);
        let proof = self.mending(leaves, |tree| tree.consistency(from, to))?;
        let keys = self.store.keys_of([&first, &second]);
        Ok(ConsistencyProof { proof, first, second, keys })
    }

    /// Proves every stored tile and makes the damaged ones anew; returns those.
    pub fn mend(&mut self, leaves: LeafSource<'_>) -> Result<Vec<TileId>, AuditError> {
        let mut mended = Vec::new();
        self.tree.flush_full()?;
        for tile in self.tree.full_tiles() {
            // From the top down: whatever is above this tile is good by now, so one mending is enough.
            if let Err(error) = self.tree.prove_tile(tile) {
                mended.push(mend_tile(&mut self.tree, error, leaves)?);
                self.tree.flush_full()?;
                self.tree.prove_tile(tile)?;
            }
        }
        Ok(mended)
    }

    /// The bytes of a leaf, held to the tree.
    fn leaf(&mut self, index: u64, signed: u64, leaves: LeafSource<'_>) -> Result<Bytes, AuditError> {
        let leaf = leaves(index, 1).map_err(AuditError::Leaves)?.into_iter().next();
        let Some(leaf) = leaf else {
            return Err(AuditError::Shorter { signed, leaves: index });
        };
        let expected = self.mending(leaves, |tree| tree.leaf(index))?;
        check_leaf(index, &leaf, expected)?;
        Ok(leaf)
    }

    /// Asks the tree, mending damaged tiles until it can answer.
    fn mending<T>(
        &mut self,
        leaves: LeafSource<'_>,
        ask: impl Fn(&Tree) -> Result<T, TreeError>,
    ) -> Result<T, AuditError> {
        loop {
            match ask(&self.tree) {
                Err(error @ TreeError::Damaged { .. }) => mend_tile(&mut self.tree, error, leaves)?,
                other => return Ok(other?),
            };
        }
    }
}

/// Puts the public key beside the checkpoints, for whoever copies the folder to check it.
fn write_verifier(folder: &Path, key: &VerifierKey) -> Result<(), AuditError> {
    let path = folder.join("log.vkey");
    let text = format!("{key}\n");
    if std::fs::read_to_string(&path).is_ok_and(|held| held == text) {
        return Ok(());
    }
    replace_durably(&path, text.as_bytes()).map_err(|source| AuditError::Io { path, source })
}

/// Makes the tile that an error names anew from its leaves; passes other errors on.
fn mend_tile(tree: &mut Tree, error: TreeError, leaves: LeafSource<'_>) -> Result<TileId, AuditError> {
    let TreeError::Damaged { tile, .. } = error else {
        return Err(error.into());
    };
    // Leaves under one hash of this tile; a full tile exists, so this and 256 times it fit in u64.
    let under = (TILE_WIDTH as u64).pow(u32::from(tile.level));
    let mut next = tile.index * under * TILE_WIDTH as u64;
    let mut hashes = Vec::with_capacity(TILE_WIDTH);
    let mut whole = Frontier::default();
    while hashes.len() < TILE_WIDTH {
        let mut part = Frontier::default();
        while part.size() < under {
            let want = (under - part.size()).min(BATCH as u64) as usize;
            let batch = leaves(next, want).map_err(AuditError::Leaves)?;
            if batch.is_empty() {
                return Err(AuditError::Shorter { signed: tree.size(), leaves: next });
            }
            for leaf in batch.iter().take(want) {
                part.push(leaf_hash(leaf));
                next += 1;
            }
        }
        whole.push(part.root());
        hashes.push(part.root());
    }
    if tree.replace(tile, &hashes)? {
        return Ok(tile);
    }
    // The hash above the tile is proved, so it is the leaves that changed.
    let (first, expected) = (next - under * TILE_WIDTH as u64, tree.hash_above(tile)?);
    Err(AuditError::LeavesAltered { first, last: next - 1, expected, computed: whole.root() })
}

/// The tree in `folder`, from the newest mark (size, signed root) that the stored hashes fit.
fn open_tree(folder: &Path, marks: &[(u64, Hash)], leaves: LeafSource<'_>) -> Result<(Tree, Opened), AuditError> {
    let mut why = None;
    for (size, root) in marks.iter().rev().take(TRIES).filter(|(size, _)| *size > 0) {
        match load_fitting(folder, *size, root) {
            Ok((mut tree, last_leaf)) => {
                let held = leaves(size - 1, 1).map_err(AuditError::Leaves)?;
                let Some(leaf) = held.first() else {
                    let signed = marks.last().map_or(*size, |(size, _)| *size);
                    return Err(AuditError::Shorter { signed, leaves: count(*size, leaves)? });
                };
                if leaf_hash(leaf) != last_leaf {
                    why = Some(format!("the hash of leaf {} is not that of the leaf", size - 1));
                    break;
                }
                catch_up(&mut tree, marks, leaves)?;
                let added = tree.size() - size;
                return Ok((tree, Opened::Loaded { from: *size, added }));
            }
            Err(problem) => why = why.or(Some(problem)),
        }
    }
    let mut tree = Tree::empty_in(folder);
    catch_up(&mut tree, marks, leaves)?;
    // The partial tiles that were damaged are those of the signed size; the flush at the next checkpoint
    // writes those of the new one.
    let leaves = tree.size();
    Ok((tree, Opened::Rebuilt { leaves, why }))
}

/// Loads the stored edge and compares it with a signed root; returns the last leaf's hash too.
fn load_fitting(folder: &Path, size: u64, root: &Hash) -> Result<(Tree, Hash), String> {
    let tree = Tree::load(folder, size).map_err(|error| error.to_string())?;
    let found = tree.root(size).map_err(|error| error.to_string())?;
    if found != *root {
        return Err(format!("the stored hashes lead to {found}, not to {root}, the root signed at size {size}"));
    }
    let last = tree.leaf(size - 1).map_err(|error| error.to_string())?;
    Ok((tree, last))
}

/// Appends all leaves from the tree's size on, comparing the root with every mark that is passed.
fn catch_up(tree: &mut Tree, marks: &[(u64, Hash)], leaves: LeafSource<'_>) -> Result<(), AuditError> {
    let mut marks = marks.iter().filter(|(size, _)| *size > tree.size()).collect::<Vec<_>>().into_iter().peekable();
    loop {
        let batch = leaves(tree.size(), BATCH).map_err(AuditError::Leaves)?;
        if batch.is_empty() {
            break;
        }
        for leaf in batch {
            let size = tree.append_hash(leaf_hash(&leaf));
            while let Some((_, signed)) = marks.next_if(|(mark, _)| *mark == size) {
                let computed = tree.root(size)?;
                if computed != *signed {
                    return Err(AuditError::Altered { size, signed: *signed, computed });
                }
            }
        }
        if tree.unwritten_bytes() >= WRITE_AT_BYTES {
            tree.flush_full()?;
        }
    }
    match marks.last() {
        Some((signed, _)) => Err(AuditError::Shorter { signed: *signed, leaves: tree.size() }),
        None => Ok(()),
    }
}

/// How many leaves there are, known to be fewer than `fewer_than`.
fn count(fewer_than: u64, leaves: LeafSource<'_>) -> Result<u64, AuditError> {
    let (mut low, mut high) = (0, fewer_than);
    while low < high {
        let middle = low + (high - low) / 2;
        if leaves(middle, 1).map_err(AuditError::Leaves)?.is_empty() {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

fn check_leaf(index: u64, leaf: &[u8], expected: Hash) -> Result<(), AuditError> {
    let computed = leaf_hash(leaf);
    if computed == expected {
        Ok(())
    } else {
        Err(AuditError::LeavesAltered { first: index, last: index, expected, computed })
    }
}
