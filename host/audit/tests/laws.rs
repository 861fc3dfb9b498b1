//! Laws of the tree and its proofs, over random trees.

use huiyin_audit::{
    Frontier, Hash, Tree, TreeError, empty_root, leaf_hash, node_hash, root_of, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

/// MTH of RFC 6962 section 2.1, as it is written there.
fn naive_root(leaves: &[Vec<u8>]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => leaf_hash(leaf),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

fn leaves(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), count)
}

fn tree_of(leaves: &[Vec<u8>]) -> Tree {
    let mut tree = Tree::in_memory();
    tree.append(leaves);
    tree
}

/// The hash with one of its 256 bits turned.
fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash(bytes)
}

#[test]
fn known_roots_of_small_trees() {
    // From RFC 6962: the empty tree hashes to SHA-256 of nothing; a leaf of no bytes to SHA-256(0x00).
    assert_eq!(empty_root().to_base64(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(leaf_hash(b"").to_base64(), "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
}

#[test]
fn impossible_ranges_are_named() {
    let tree = tree_of(&vec![vec![1]; 5]);
    assert!(matches!(tree.root(6), Err(TreeError::SizeBeyond { asked: 6, size: 5 })));
    assert!(matches!(tree.leaf(5), Err(TreeError::IndexOutside { index: 5, size: 5 })));
    assert!(matches!(tree.inclusion(3, 3), Err(TreeError::IndexOutside { index: 3, size: 3 })));
    assert!(matches!(tree.inclusion(0, 6), Err(TreeError::SizeBeyond { .. })));
    assert!(matches!(tree.consistency(4, 3), Err(TreeError::Backwards { from: 4, to: 3 })));
    assert!(matches!(tree.consistency(4, 6), Err(TreeError::SizeBeyond { .. })));
    assert_eq!(
        tree.inclusion(3, 3).unwrap_err().to_string(),
        "leaf index 3 is outside a tree of 3 leaves: the first leaf is 0, the last 2"
    );
    assert!(tree.consistency(0, 5).unwrap().is_empty());
}

#[test]
fn a_tree_with_three_levels_of_tiles_proves_its_leaves() {
    let mut tree = Tree::in_memory();
    let mut frontier = Frontier::default();
    let size = 256 * 256 + 256 * 3 + 7;
    for index in 0..size {
        let hash = leaf_hash(&u64::to_be_bytes(index));
        tree.append_hash(hash);
        frontier.push(hash);
    }
    let root = tree.root(size).unwrap();
    assert_eq!(root, frontier.root());
    for index in [0, 255, 256, 65_535, 65_536, 65_536 + 255, 65_536 + 767, size - 1] {
        let proof = tree.inclusion(index, size).unwrap();
        verify_inclusion(&leaf_hash(&u64::to_be_bytes(index)), index, size, &proof, &root).unwrap();
        let from = index + 1;
        let proof = tree.consistency(from, size).unwrap();
        verify_consistency(from, size, &proof, &tree.root(from).unwrap(), &root).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn incremental_roots_are_the_roots_of_the_rfc(leaves in leaves(0..=600)) {
        let tree = tree_of(&leaves);
        for size in (0..=leaves.len()).step_by(1 + leaves.len() / 40) {
            let naive = naive_root(&leaves[..size]);
            prop_assert_eq!(tree.root(size as u64).unwrap(), naive);
            let hashes: Vec<_> = leaves[..size].iter().map(|leaf| leaf_hash(leaf)).collect();
            prop_assert_eq!(root_of(&hashes), naive);
        }
    }

    #[test]
    fn every_inclusion_proof_holds(leaves in leaves(1..=600), cut in any::<prop::sample::Index>()) {
        let tree = tree_of(&leaves);
        for size in [leaves.len() as u64, cut.index(leaves.len()) as u64 + 1] {
            let root = tree.root(size).unwrap();
            for index in 0..size {
                let proof = tree.inclusion(index, size).unwrap();
                let leaf = leaf_hash(&leaves[index as usize]);
                prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
            }
        }
    }

    #[test]
    fn every_consistency_proof_holds(leaves in leaves(1..=600), cut in any::<prop::sample::Index>()) {
        let tree = tree_of(&leaves);
        for to in [leaves.len() as u64, cut.index(leaves.len()) as u64 + 1] {
            let to_root = tree.root(to).unwrap();
            for from in 1..=to {
                let proof = tree.consistency(from, to).unwrap();
                let from_root = tree.root(from).unwrap();
                prop_assert_eq!(verify_consistency(from, to, &proof, &from_root, &to_root), Ok(()));
            }
        }
    }

    #[test]
    fn one_changed_bit_breaks_an_inclusion_proof(
        leaves in prop::collection::hash_set(prop::collection::vec(any::<u8>(), 4), 1..=600),
        at in any::<prop::sample::Index>(),
        bit in 0_usize..256,
    ) {
        let leaves: Vec<_> = leaves.into_iter().collect();
        let tree = tree_of(&leaves);
        let (size, index) = (leaves.len() as u64, at.index(leaves.len()) as u64);
        let (root, leaf) = (tree.root(size).unwrap(), leaf_hash(&leaves[index as usize]));
        let proof = tree.inclusion(index, size).unwrap();
        for element in 0..proof.len() {
            let mut changed = proof.clone();
            changed[element] = flipped(&proof[element], bit);
            prop_assert!(verify_inclusion(&leaf, index, size, &changed, &root).is_err());
        }
        prop_assert!(verify_inclusion(&flipped(&leaf, bit), index, size, &proof, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &flipped(&root, bit)).is_err());
        for other in 0..64 {
            prop_assert!(verify_inclusion(&leaf, index ^ (1 << other), size, &proof, &root).is_err());
        }
        let mut longer = proof.clone();
        longer.push(root);
        prop_assert!(verify_inclusion(&leaf, index, size, &longer, &root).is_err());
        prop_assert!(proof.is_empty() || verify_inclusion(&leaf, index, size, &proof[1..], &root).is_err());
    }

    #[test]
    fn one_changed_bit_breaks_a_consistency_proof(
        leaves in prop::collection::hash_set(prop::collection::vec(any::<u8>(), 4), 2..=600),
        at in any::<prop::sample::Index>(),
        bit in 0_usize..256,
    ) {
        let leaves: Vec<_> = leaves.into_iter().collect();
        let tree = tree_of(&leaves);
        let to = leaves.len() as u64;
        let from = at.index(leaves.len() - 1) as u64 + 1;
        let (from_root, to_root) = (tree.root(from).unwrap(), tree.root(to).unwrap());
        let proof = tree.consistency(from, to).unwrap();
        for element in 0..proof.len() {
            let mut changed = proof.clone();
            changed[element] = flipped(&proof[element], bit);
            prop_assert!(verify_consistency(from, to, &changed, &from_root, &to_root).is_err());
        }
        prop_assert!(verify_consistency(from, to, &proof, &flipped(&from_root, bit), &to_root).is_err());
        prop_assert!(verify_consistency(from, to, &proof, &from_root, &flipped(&to_root, bit)).is_err());
        prop_assert!(verify_consistency(to, from, &proof, &to_root, &from_root).is_err());
        prop_assert!(verify_consistency(0, to, &[], &empty_root(), &to_root).is_err());
    }

    #[test]
    fn verification_is_total(
        numbers in any::<[u64; 2]>(),
        hashes in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 2..80),
    ) {
        let [first, second] = numbers;
        prop_assert!(verify_inclusion(&hashes[0], first, second, &hashes[2..], &hashes[1]).is_err());
        for (from, to) in [(first, second), (first, u64::MAX), (u64::MAX - 1, u64::MAX), (1 << 63, u64::MAX), (first, first)] {
            prop_assert!(verify_consistency(from, to, &hashes[2..], &hashes[0], &hashes[1]).is_err());
        }
    }
}
