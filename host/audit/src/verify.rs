//! Checking proofs: the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2 (the trees of RFC 6962).
//!
//! These functions believe nothing and are total: any sizes, any hashes, any number of them give an
//! answer. They are all an outsider needs; they never read a tree or a file.

use crate::hash::{Hash, empty_root, node_hash};

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf's index is not in a tree of that size.
    #[error("leaf index {index} is outside a tree of {size} leaves")]
    IndexOutside {
        /// Index claimed for the leaf.
        index: u64,
        /// Size claimed for the tree.
        size: u64,
    },
    /// The later tree is smaller than the earlier one.
    #[error("the later tree ({to} leaves) is smaller than the earlier one ({from} leaves)")]
    Shrinks {
        /// Earlier size.
        from: u64,
        /// Later size.
        to: u64,
    },
    /// RFC 9162 defines consistency only from a tree that has leaves: every log extends the empty one.
    #[error("a consistency proof starts from a tree with leaves; the earlier size given is 0")]
    FromEmpty,
    /// The proof has too few or too many hashes for these sizes.
    #[error("the proof has {found} hashes; for these sizes it needs {needed}")]
    WrongLength {
        /// Hashes needed.
        needed: usize,
        /// Hashes found.
        found: usize,
    },
    /// The proof leads to another root than the one claimed.
    #[error("the proof leads to the root {computed}, not to the {which} root {claimed}")]
    WrongRoot {
        /// Which root: "tree's", "earlier" or "later".
        which: &'static str,
        /// The root the proof leads to.
        computed: Hash,
        /// The root that was claimed.
        claimed: Hash,
    },
}

/// Checks that `leaf` (a leaf hash) is leaf number `index`, from 0, of the tree of `size` leaves with this `root`.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::IndexOutside { index, size });
    }
    check_length(inclusion_length(index, size), proof)?;
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // On the right edge a node without a sibling is lifted unchanged until it has one.
            let lifts = if node & 1 == 0 { node.trailing_zeros().min(63) } else { 0 };
            node >>= lifts;
            last >>= lifts;
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    check_root("tree's", hash, root)
}

/// Checks that the tree of `to` leaves with `to_root` extends, unchanged, the tree of `from` leaves with `from_root`.
pub fn verify_consistency(
    from: u64,
    to: u64,
    proof: &[Hash],
    from_root: &Hash,
    to_root: &Hash,
) -> Result<(), ProofError> {
    if from > to {
        return Err(ProofError::Shrinks { from, to });
    }
    if from == to {
        check_length(0, proof)?;
        if to == 0 {
            check_root("earlier", empty_root(), from_root)?;
        }
        return check_root("later", *from_root, to_root);
    }
    if from == 0 {
        return Err(ProofError::FromEmpty);
    }
    check_length(consistency_length(from, to), proof)?;
    let (mut node, mut last) = (from - 1, to - 1);
    let lifts = node.trailing_ones();
    node >>= lifts;
    last >>= lifts;
    // A complete earlier tree is itself the first node; otherwise the proof brings that node.
    let (seed, rest) = if from.is_power_of_two() {
        (*from_root, proof)
    } else {
        match proof.split_first() {
            Some((first, rest)) => (*first, rest),
            None => {
                return Err(ProofError::WrongLength { needed: consistency_length(from, to), found: 0 });
            }
        }
    };
    let (mut earlier, mut later) = (seed, seed);
    for sibling in rest {
        if node & 1 == 1 || node == last {
            earlier = node_hash(sibling, &earlier);
            later = node_hash(sibling, &later);
            let lifts = if node & 1 == 0 { node.trailing_zeros().min(63) } else { 0 };
            node >>= lifts;
            last >>= lifts;
        } else {
            later = node_hash(&later, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    check_root("earlier", earlier, from_root)?;
    check_root("later", later, to_root)
}

/// Hashes in the inclusion proof of leaf `index` in a tree of `size` leaves (`index < size`).
///
/// Below the point where the paths to this leaf and to the last one part, every level has a sibling;
/// above it only those where the path goes right.
fn inclusion_length(index: u64, size: u64) -> usize {
    let parting = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let above = index.checked_shr(parting).unwrap_or(0).count_ones();
    (parting + above) as usize
}

/// Hashes in the consistency proof between two sizes (`0 < from < to`).
fn consistency_length(from: u64, to: u64) -> usize {
    // The proof is the tail of the inclusion proof of the earlier tree's last leaf, starting at that
    // tree's smallest complete subtree, which it states first unless it is the whole earlier tree.
    let skipped = from.trailing_zeros() as usize;
    let first = usize::from(!from.is_power_of_two());
    first + inclusion_length(from - 1, to) - skipped
}

fn check_length(needed: usize, proof: &[Hash]) -> Result<(), ProofError> {
    if proof.len() == needed { Ok(()) } else { Err(ProofError::WrongLength { needed, found: proof.len() }) }
}

fn check_root(which: &'static str, computed: Hash, claimed: &Hash) -> Result<(), ProofError> {
    if computed == *claimed { Ok(()) } else { Err(ProofError::WrongRoot { which, computed, claimed: *claimed }) }
}
