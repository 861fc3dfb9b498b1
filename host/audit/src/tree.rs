//! The growing Merkle tree: appending, roots of any earlier size, proofs.
//!
//! The right edge (fewer than 256 hashes a tile level) lives in memory; full tiles go to files. A full
//! tile's root stands in the tile above it, up to the edge, so every file read is proved against the
//! edge before one hash of it is used: a damaged file shows itself, it cannot bend a proof.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use crate::hash::{Hash, empty_root, leaf_hash, node_hash, root_of};
use crate::tile::{FullTile, TILE_HEIGHT, TILE_WIDTH, TileFiles, TileId};

/// Proved tiles kept in memory: 256 of 16 KiB each, which covers the upper levels and some of the leaves.
const CACHED_TILES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// Why the tree cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// No tree of that size has existed yet.
    #[error("the tree has {size} leaves; it has no state at size {asked}")]
    SizeBeyond {
        /// Size asked for.
        asked: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The leaf is not in the tree of the size asked for.
    #[error("leaf index {index} is outside a tree of {size} leaves: the first leaf is 0, the last {}", size.saturating_sub(1))]
    IndexOutside {
        /// Index asked for.
        index: u64,
        /// Size of the tree asked about.
        size: u64,
    },
    /// A consistency proof needs `from <= to`.
    #[error("consistency is proved from the smaller tree to the larger; got from {from} to {to}")]
    Backwards {
        /// Earlier size.
        from: u64,
        /// Later size.
        to: u64,
    },
    /// A tile file is missing, cut or changed. `Tree::mend` makes it anew from the leaves.
    #[error("{tile} is damaged: {why}; it can be made anew from the leaves")]
    Damaged {
        /// The tile.
        tile: TileId,
        /// What is wrong with it.
        why: String,
    },
    /// A tile file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// An append-only Merkle tree (RFC 6962 section 2.1).
pub struct Tree {
    size: u64,
    /// By tile level: the hashes that do not yet fill a tile.
    edge: Vec<Vec<Hash>>,
    /// Full tiles not yet written (all of them, when there are no files).
    pending: BTreeMap<TileId, Arc<FullTile>>,
    files: Option<TileFiles>,
    proved: Mutex<LruCache<TileId, Arc<FullTile>>>,
}

impl Tree {
    /// An empty tree that lives in memory only.
    pub fn in_memory() -> Self {
        Self::with_files(None)
    }

    /// An empty tree that will keep its tiles below `folder`.
    pub(crate) fn empty_in(folder: &Path) -> Self {
        Self::with_files(Some(TileFiles::new(folder)))
    }

    fn with_files(files: Option<TileFiles>) -> Self {
        Self {
            size: 0,
            edge: Vec::new(),
            pending: BTreeMap::new(),
            files,
            proved: Mutex::new(LruCache::new(CACHED_TILES)),
        }
    }

    /// Loads the right edge of the tree of `size` leaves from the tiles below `folder`.
    ///
    /// What comes back is not to be trusted before its root is compared with a signed one.
    pub(crate) fn load(folder: &Path, size: u64) -> Result<Self, TreeError> {
        let files = TileFiles::new(folder);
        let mut edge = Vec::new();
        let mut hashes = size;
        while hashes > 0 {
            let width = (hashes % TILE_WIDTH as u64) as usize;
            let tile = TileId { level: edge.len() as u8, index: hashes / TILE_WIDTH as u64 };
            edge.push(if width == 0 {
                Vec::new()
            } else {
                files.read_partial(tile, width).map_err(|error| TreeError::Damaged { tile, why: error.to_string() })?
            });
            hashes /= TILE_WIDTH as u64;
        }
        Ok(Self { size, edge, ..Self::with_files(Some(files)) })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends leaves in order; returns the new size. Touches no file: see [`Tree::flush`].
    pub fn append<L: AsRef<[u8]>>(&mut self, leaves: impl IntoIterator<Item = L>) -> u64 {
        for leaf in leaves {
            self.append_hash(leaf_hash(leaf.as_ref()));
        }
        self.size
    }

    /// Appends one leaf by its leaf hash; returns the new size.
    pub fn append_hash(&mut self, leaf: Hash) -> u64 {
        self.size += 1;
        let mut hash = leaf;
        let mut level = 0;
        loop {
            if self.edge.len() == level {
                self.edge.push(Vec::with_capacity(TILE_WIDTH));
            }
            self.edge[level].push(hash);
            let Some(tile) = FullTile::new(&self.edge[level]) else {
                return self.size;
            };
            self.edge[level].clear();
            hash = tile.root();
            let index = (self.size >> (TILE_HEIGHT * (level as u32 + 1))) - 1;
            self.pending.insert(TileId { level: level as u8, index }, Arc::new(tile));
            level += 1;
        }
    }

    /// Bytes of hashes that wait to be written by [`Tree::flush`].
    pub fn unwritten_bytes(&self) -> usize {
        if self.files.is_some() { self.pending.len() * TILE_WIDTH * size_of::<Hash>() } else { 0 }
    }

    /// Writes all tiles, the partial ones of this size included. After an error nothing is lost: call it again.
    pub fn flush(&mut self) -> Result<(), TreeError> {
        self.flush_full()?;
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        let mut index = self.size;
        for (level, hashes) in self.edge.iter().enumerate() {
            index /= TILE_WIDTH as u64;
            if !hashes.is_empty() {
                let tile = TileId { level: level as u8, index };
                files
                    .write_partial(tile, hashes)
                    .map_err(|source| TreeError::Write { path: files.path(tile), source })?;
            }
        }
        Ok(())
    }

    /// Writes the full tiles that wait.
    pub(crate) fn flush_full(&mut self) -> Result<(), TreeError> {
        self.flush_some(usize::MAX)
    }

    /// Writes at most so many of the full tiles that wait.
    pub(crate) fn flush_some(&mut self, most: usize) -> Result<(), TreeError> {
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        for _ in 0..most {
            let Some(waiting) = self.pending.first_entry() else { break };
            let id = *waiting.key();
            files.write_full(id, waiting.get()).map_err(|source| TreeError::Write { path: files.path(id), source })?;
            let tile = waiting.remove();
            self.proved.get_mut().unwrap_or_else(PoisonError::into_inner).put(id, tile);
            // Many files at a stretch would hold a core for milliseconds that others wait for.
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Root of the tree when it had `size` leaves.
    pub fn root(&self, size: u64) -> Result<Hash, TreeError> {
        self.check_size(size)?;
        if size == 0 { Ok(empty_root()) } else { self.range(0, size) }
    }

    /// The hash of leaf `index`.
    pub fn leaf(&self, index: u64) -> Result<Hash, TreeError> {
        if index >= self.size {
            return Err(TreeError::IndexOutside { index, size: self.size });
        }
        self.node(0, index)
    }

    /// The proof that leaf `index` is in the tree of `size` leaves (RFC 6962 section 2.1.1), lowest sibling first.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, TreeError> {
        self.check_size(size)?;
        if index >= size {
            return Err(TreeError::IndexOutside { index, size });
        }
        let mut proof = Vec::new();
        let (mut begin, mut end) = (0, size);
        while end - begin > 1 {
            let middle = begin + split(end - begin);
            if index < middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(begin, middle)?);
                begin = middle;
            }
        }
        proof.reverse();
        Ok(proof)
    }

    /// The proof that the tree of `to` leaves extends the tree of `from` leaves (RFC 6962 section 2.1.2).
    ///
    /// Empty when the sizes are equal, and from size 0, of which every tree is an extension.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, TreeError> {
        self.check_size(to)?;
        if from > to {
            return Err(TreeError::Backwards { from, to });
        }
        let mut proof = Vec::new();
        if from == 0 || from == to {
            return Ok(proof);
        }
        let (mut begin, mut end) = (0, to);
        while from != end {
            let middle = begin + split(end - begin);
            if from <= middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(begin, middle)?);
                begin = middle;
            }
        }
        // Begun at 0, the last node is the earlier tree itself, which the verifier has.
        if begin != 0 {
            proof.push(self.range(begin, end)?);
        }
        proof.reverse();
        Ok(proof)
    }

    /// Replaces a damaged tile by one made of its 256 `hashes`, if they lead to the hash that stands above it.
    ///
    /// Returns whether they did. [`Tree::flush`] then writes it.
    pub(crate) fn replace(&mut self, id: TileId, hashes: &[Hash]) -> Result<bool, TreeError> {
        let Some(tile) = FullTile::new(hashes) else {
            return Ok(false);
        };
        if tile.root() != self.hash_above(id)? {
            return Ok(false);
        }
        self.pending.insert(id, Arc::new(tile));
        Ok(true)
    }

    /// The hash that stands above a full tile: its root as the tree has it.
    pub(crate) fn hash_above(&self, id: TileId) -> Result<Hash, TreeError> {
        self.entry(id.level + 1, id.index)
    }

    /// Full tiles of every level, from the top down, as the tree stands: what a thorough check goes through.
    pub(crate) fn full_tiles(&self) -> impl Iterator<Item = TileId> + use<> {
        let size = self.size;
        (0..self.edge.len() as u8).rev().flat_map(move |level| {
            let full = size.checked_shr(TILE_HEIGHT * (u32::from(level) + 1)).unwrap_or(0);
            (0..full).map(move |index| TileId { level, index })
        })
    }

    /// Reads one full tile's file again and proves it, whatever is cached.
    pub(crate) fn prove_tile(&self, id: TileId) -> Result<(), TreeError> {
        self.cache(|cache| cache.pop(&id));
        self.full_tile(id).map(drop)
    }

    fn check_size(&self, asked: u64) -> Result<(), TreeError> {
        if asked > self.size { Err(TreeError::SizeBeyond { asked, size: self.size }) } else { Ok(()) }
    }

    /// Hash of the leaves `begin..end`, a range that occurs in the RFC's recursion (`begin < end <= size`).
    fn range(&self, begin: u64, end: u64) -> Result<Hash, TreeError> {
        let count = end - begin;
        if count.is_power_of_two() {
            let height = count.trailing_zeros();
            return self.node(height, begin >> height);
        }
        let middle = begin + split(count);
        Ok(node_hash(&self.range(begin, middle)?, &self.range(middle, end)?))
    }

    /// The root of the complete subtree of 2^`height` leaves, number `index` of its height.
    fn node(&self, height: u32, index: u64) -> Result<Hash, TreeError> {
        let level = (height / TILE_HEIGHT) as u8;
        let within = height % TILE_HEIGHT;
        let first = index << within;
        let tile = TileId { level, index: first / TILE_WIDTH as u64 };
        let offset = (first % TILE_WIDTH as u64) as usize;
        if tile.index < self.full_count(level) {
            return Ok(self.full_tile(tile)?.node(within, offset >> within));
        }
        Ok(root_of(&self.edge[usize::from(level)][offset..offset + (1 << within)]))
    }

    /// How many full tiles a level has.
    fn full_count(&self, level: u8) -> u64 {
        self.size.checked_shr(TILE_HEIGHT * (u32::from(level) + 1)).unwrap_or(0)
    }

    /// One hash of a tile level: the root of the full tile below it.
    fn entry(&self, level: u8, index: u64) -> Result<Hash, TreeError> {
        self.node(u32::from(level) * TILE_HEIGHT, index)
    }

    /// A full tile, proved against the tile above it.
    fn full_tile(&self, id: TileId) -> Result<Arc<FullTile>, TreeError> {
        if let Some(tile) = self.pending.get(&id) {
            return Ok(Arc::clone(tile));
        }
        if let Some(tile) = self.cache(|cache| cache.get(&id).cloned()) {
            return Ok(tile);
        }
        let trusted = self.hash_above(id)?;
        let damaged = |why: String| TreeError::Damaged { tile: id, why };
        let Some(files) = &self.files else {
            return Err(damaged("the tree has no files".to_owned()));
        };
        let hashes = files.read_full(id).map_err(|error| damaged(error.to_string()))?;
        let tile = FullTile::new(&hashes)
            .filter(|tile| tile.root() == trusted)
            .ok_or_else(|| damaged("its hashes do not lead to the hash above it".to_owned()))?;
        let tile = Arc::new(tile);
        self.cache(|cache| cache.put(id, Arc::clone(&tile)));
        Ok(tile)
    }

    fn cache<T>(&self, act: impl FnOnce(&mut LruCache<TileId, Arc<FullTile>>) -> T) -> T {
        // A cache cannot be left half changed in a way that matters, so a poisoned lock is still good.
        act(&mut self.proved.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The largest power of two smaller than `count` (`count > 1`): where RFC 6962 splits a list.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}
