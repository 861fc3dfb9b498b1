//! Tiles: the pieces in which the tree's hashes are kept, in the layout of C2SP tlog-tiles.
//!
//! A tile holds up to 256 consecutive hashes of one tile level: at level 0 leaf hashes, above it the
//! roots of full tiles of the level below. Files are `tile/<level>/<index>` for full tiles and
//! `tile/<level>/<index>.p/<width>` for the unfinished ones at the right edge, so the folder can be
//! served as it stands. Files are a cache of the leaves: they are replaced by rename but not synced,
//! and whoever reads one must prove it against a hash already trusted (see `tree`).

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::file::patiently;
use crate::hash::{HASH_BYTES, Hash, node_hash};

/// Hashes in a full tile (tlog-tiles fixes the tile height at 8).
pub const TILE_WIDTH: usize = 256;
/// Height of a tile: levels of the tree that one tile spans.
pub(crate) const TILE_HEIGHT: u32 = 8;
const FULL_BYTES: u64 = (TILE_WIDTH * HASH_BYTES) as u64;

/// Which tile: its level (0 holds leaf hashes) and its index within the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Tile level; a hash at level `l` covers 256^l leaves.
    pub level: u8,
    /// Index of the tile within its level, from 0.
    pub index: u64,
}

impl fmt::Display for TileId {
    /// The path below the log's folder, such as `tile/0/x001/234`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}", self.level)?;
        // u64::MAX has 20 digits: at most seven groups of three.
        let mut divisor = 10_u64.pow(18);
        while divisor > 1 {
            if self.index >= divisor {
                write!(f, "/x{:03}", self.index / divisor % 1000)?;
            }
            divisor /= 1000;
        }
        write!(f, "/{:03}", self.index % 1000)
    }
}

/// A full tile with the seven levels of inner nodes above its 256 hashes.
pub(crate) struct FullTile {
    /// 256 hashes, then 128 of their parents, and so on up to the root: 511 in all.
    nodes: Vec<Hash>,
}

impl FullTile {
    /// Builds the inner nodes over exactly 256 hashes; `None` for any other number.
    pub(crate) fn new(hashes: &[Hash]) -> Option<Self> {
        if hashes.len() != TILE_WIDTH {
            return None;
        }
        let mut nodes = Vec::with_capacity(2 * TILE_WIDTH - 1);
        nodes.extend_from_slice(hashes);
        let mut next = 0;
        while nodes.len() < 2 * TILE_WIDTH - 1 {
            let parent = node_hash(&nodes[next], &nodes[next + 1]);
            nodes.push(parent);
            next += 2;
        }
        Some(Self { nodes })
    }

    /// The hash at `height` (0 to 8) above the tile's own hashes, number `index` from the left.
    pub(crate) fn node(&self, height: u32, index: usize) -> Hash {
        // Levels start at 0, 256, 384, …: 512 less what is still above.
        let start = 2 * TILE_WIDTH - ((2 * TILE_WIDTH) >> height);
        self.nodes[start + index]
    }

    pub(crate) fn root(&self) -> Hash {
        self.node(TILE_HEIGHT, 0)
    }

    fn bytes(&self) -> Vec<u8> {
        to_bytes(&self.nodes[..TILE_WIDTH])
    }
}

/// The tile files below one folder.
pub(crate) struct TileFiles {
    root: PathBuf,
    /// Folders known to exist, so that each is made once.
    made: BTreeSet<PathBuf>,
}

impl TileFiles {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), made: BTreeSet::new() }
    }

    pub(crate) fn path(&self, id: TileId) -> PathBuf {
        self.root.join(id.to_string())
    }

    /// The 256 hashes of a full tile's file; an `InvalidData` error if the file has another length.
    pub(crate) fn read_full(&self, id: TileId) -> io::Result<Vec<Hash>> {
        let path = self.path(id);
        let length = fs::metadata(&path)?.len();
        if length != FULL_BYTES {
            let why = format!("the file has {length} bytes, a full tile has {FULL_BYTES}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        from_bytes(&patiently(|| fs::read(&path))?)
    }

    /// The first `width` hashes of a tile, from its partial file or, once it is full, from the full one.
    pub(crate) fn read_partial(&self, id: TileId, width: usize) -> io::Result<Vec<Hash>> {
        let path = self.partial_folder(id).join(width.to_string());
        match fs::metadata(&path) {
            Ok(found) if found.len() == (width * HASH_BYTES) as u64 => from_bytes(&patiently(|| fs::read(&path))?),
            _ => {
                let mut hashes = self.read_full(id)?;
                hashes.truncate(width);
                Ok(hashes)
            }
        }
    }

    pub(crate) fn write_full(&mut self, id: TileId, tile: &FullTile) -> io::Result<()> {
        self.replace(&self.path(id), &tile.bytes())?;
        // tlog-tiles allows partial tiles to go once the full one is there.
        match fs::remove_dir_all(self.partial_folder(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => {
                self.made.remove(&self.partial_folder(id));
                Ok(())
            }
        }
    }

    pub(crate) fn write_partial(&mut self, id: TileId, hashes: &[Hash]) -> io::Result<()> {
        self.replace(&self.partial_folder(id).join(hashes.len().to_string()), &to_bytes(hashes))
    }

    fn partial_folder(&self, id: TileId) -> PathBuf {
        self.root.join(format!("{id}.p"))
    }

    /// Puts a whole file in place at once, so that a reader never meets half a tile.
    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Some(folder) = path.parent()
            && !self.made.contains(folder)
        {
            fs::create_dir_all(folder)?;
            self.made.insert(folder.to_owned());
        }
        let temporary = path.with_extension("tmp");
        patiently(|| fs::write(&temporary, bytes))?;
        fs::rename(&temporary, path)
    }
}

fn to_bytes(hashes: &[Hash]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(hashes.len() * HASH_BYTES);
    for hash in hashes {
        bytes.extend_from_slice(&hash.0);
    }
    bytes
}

fn from_bytes(bytes: &[u8]) -> io::Result<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    if rest.is_empty() {
        Ok(hashes.iter().map(|hash| Hash(*hash)).collect())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the file does not hold whole hashes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_tlog_tiles() {
        for (level, index, path) in [
            (0, 0, "tile/0/000"),
            (1, 67, "tile/1/067"),
            (0, 1000, "tile/0/x001/000"),
            (2, 1_234_067, "tile/2/x001/x234/067"),
            (0, 1_000_000_000_000_000_005, "tile/0/x001/x000/x000/x000/x000/x000/005"),
        ] {
            assert_eq!(TileId { level, index }.to_string(), path);
        }
    }
}
