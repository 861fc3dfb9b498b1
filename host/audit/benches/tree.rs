//! What appending, proving and checkpointing cost.
#![allow(missing_docs, clippy::unwrap_used, clippy::unnecessary_wraps, reason = "a benchmark")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use huiyin_audit::{Hash, Log, SignerKey, SourceError, Tree, leaf_hash, verify_inclusion};

const LEAVES: u64 = 1 << 20;

fn no_leaves(_: u64, _: usize) -> Result<Vec<Bytes>, SourceError> {
    Ok(Vec::new())
}

fn append(c: &mut Criterion) {
    let mut group = c.benchmark_group("append");
    group.sample_size(20);
    let leaves: Vec<[u8; 300]> = (0..65_536_u64)
        .map(|index| {
            let mut leaf = [b'x'; 300];
            leaf[..8].copy_from_slice(&index.to_be_bytes());
            leaf
        })
        .collect();
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    group.throughput(Throughput::Elements(leaves.len() as u64));
    group.bench_function("leaves of 300 bytes, in memory", |b| {
        b.iter_batched_ref(Tree::in_memory, |tree| black_box(tree.append(&leaves)), BatchSize::PerIteration);
    });
    group.bench_function("leaf hashes, in memory", |b| {
        b.iter_batched_ref(
            Tree::in_memory,
            |tree| {
                for hash in &hashes {
                    tree.append_hash(*hash);
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("hashing alone: one leaf hash of 32 bytes each", |b| {
        b.iter(|| {
            for hash in &hashes {
                black_box(leaf_hash(hash.as_bytes()));
            }
        });
    });
    group.bench_function("leaves of 300 bytes, to tiles, with a checkpoint", |b| {
        b.iter_batched_ref(
            || {
                let folder = tempfile::tempdir().unwrap();
                let signer = SignerKey::from_seed("bench", &[1; 32]).unwrap();
                let (log, _) = Log::open(folder.path(), signer, &[], &mut no_leaves).unwrap();
                (log, folder)
            },
            |(log, _)| {
                log.append(&leaves);
                log.checkpoint(&mut no_leaves).unwrap()
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn prove(c: &mut Criterion) {
    let mut group = c.benchmark_group("prove");
    let folder = tempfile::tempdir().unwrap();
    let signer = || SignerKey::from_seed("bench", &[1; 32]).unwrap();
    let (mut log, _) = Log::open(folder.path(), signer(), &[], &mut no_leaves).unwrap();
    log.append((0..LEAVES).map(u64::to_be_bytes));
    log.checkpoint(&mut no_leaves).unwrap();
    let tree = log.tree();
    let root = tree.root(LEAVES).unwrap();
    let mut next = 0_u64;
    // A step coprime to the size, so that every proof meets another tile.
    let mut index = || {
        next = (next + 611_953) % LEAVES;
        next
    };
    group.bench_function("inclusion in 2^20 leaves, tile read and proved", |b| {
        b.iter(|| tree.inclusion(black_box(index()), LEAVES).unwrap());
    });
    group.bench_function("inclusion in 2^20 leaves, tile in memory", |b| {
        b.iter(|| tree.inclusion(black_box(77_777), LEAVES).unwrap());
    });
    group.bench_function("consistency to 2^20 leaves, tile read and proved", |b| {
        b.iter(|| tree.consistency(black_box(index()), LEAVES).unwrap());
    });
    let proof = tree.inclusion(77_777, LEAVES).unwrap();
    let leaf = leaf_hash(&u64::to_be_bytes(77_777));
    group.bench_function("verify inclusion in 2^20 leaves", |b| {
        b.iter(|| verify_inclusion(black_box(&leaf), 77_777, LEAVES, &proof, &root).unwrap());
    });
    group.bench_function("open a log of 2^20 leaves", |b| {
        b.iter(|| {
            let mut source = |from: u64, max: usize| {
                Ok((from..LEAVES).take(max).map(|index| Bytes::copy_from_slice(&index.to_be_bytes())).collect())
            };
            Log::open(folder.path(), signer(), &[], &mut source).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, append, prove);
criterion_main!(benches);
