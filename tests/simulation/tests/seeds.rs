//! The main safety test: whole hosts keep their word under every seed. Here
//! are the first of them; `make sim` runs a thousand, and
//! `make sim SEEDS=10000` more. A seed that fails is printed with the command
//! that runs it again.

use huiyin_simulation::{Counts, simulate, simulate_all};

const SEEDS: u64 = 150;

/// How many of the first seeds have their digests in `digests.txt`.
const PINNED: u64 = 20;

#[test]
fn the_first_seeds_keep_every_promise() {
    let (failed, counts) = simulate_all(0..SEEDS, 2, None, false);
    let said: Vec<String> = failed
        .iter()
        .map(|(seed, wrong)| format!("seed {seed}: {wrong}\n  again: make sim SEED={seed} TRACE=1"))
        .collect();
    assert!(failed.is_empty(), "{} of {SEEDS} seeds failed\n{}", failed.len(), said.join("\n"));
    // Nothing of it counts if nothing was at stake.
    let Counts { crashes, clock_steps, tries, ended, breaches, snapshots, repeated, waiting, .. } = counts;
    println!("{SEEDS} seeds: {counts:?}");
    assert!(crashes > SEEDS && clock_steps > SEEDS / 2, "too little went wrong: {counts:?}");
    assert!(tries > SEEDS && ended > SEEDS && breaches > SEEDS / 10, "too little was done: {counts:?}");
    assert!(snapshots > SEEDS / 10 && repeated > SEEDS && waiting > 0, "a path was not taken: {counts:?}");
    let Counts { editions, deployed, carried_on, rebound, set_aside, watched, .. } = counts;
    assert!(editions > SEEDS / 10 && deployed > SEEDS / 2 && carried_on > 0, "too little was deployed: {counts:?}");
    assert!(rebound > SEEDS / 2 && set_aside > 0 && watched > 0, "no slot was changed: {counts:?}");
}

#[test]
fn the_same_seed_does_the_same_again() {
    for seed in 0..12 {
        let (one, other) = (simulate(seed, None, false), simulate(seed, None, true));
        assert_ne!(one.digest, 0);
        assert_eq!(one.digest, other.digest, "seed {seed}");
        assert!(!other.trace.is_empty() && one.trace.is_empty());
    }
    assert_ne!(simulate(0, None, false).digest, simulate(1, None, false).digest);
}

/// A change that is not to change what a host decides leaves these digests as they are. One that is, in the desk, the
/// interpreter or the workload, writes them anew: `HUIYIN_WRITE=1 cargo nextest run --workspace --test seeds -E 'test(pinned)'`.
#[test]
fn the_pinned_seeds_do_what_they_did() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/digests.txt");
    let next = std::sync::atomic::AtomicU64::new(0);
    let digests = std::sync::Mutex::new(std::collections::BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= PINNED {
                        return;
                    }
                    let digest = simulate(seed, None, false).digest;
                    digests.lock().unwrap().insert(seed, digest);
                }
            });
        }
    });
    let lines = digests.into_inner().unwrap().into_iter().map(|(seed, digest)| format!("{seed} {digest:016x}\n"));
    let now: String = lines.collect();
    if std::env::var_os("HUIYIN_WRITE").is_some() {
        std::fs::write(file, &now).unwrap();
    }
    assert_eq!(now, std::fs::read_to_string(file).unwrap(), "seed and digest; `make sim SEED=n TRACE=1` shows one");
}
