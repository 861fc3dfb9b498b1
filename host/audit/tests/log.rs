//! A host's log over its life: opened, signed, reopened, damaged, altered.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::Path;

use bytes::Bytes;
use huiyin_audit::{
    AuditError, CheckpointStore, Finding, Log, Opened, SignedCheckpoint, SignerKey, SourceError, Verdict, check,
    recompute, verify_consistency,
};
use proptest::prelude::*;

const NAME: &str = "huiyin.example/log";

fn key(seed: u8) -> SignerKey {
    SignerKey::from_seed(NAME, &[seed; 32]).unwrap()
}

fn leaf(index: u64) -> Bytes {
    format!("{{\"seq\":{index}}}").into()
}

fn leaves(count: u64) -> Vec<Bytes> {
    (0..count).map(leaf).collect()
}

/// A supplier over a list of leaves.
fn source(held: &[Bytes]) -> impl FnMut(u64, usize) -> Result<Vec<Bytes>, SourceError> + '_ {
    |from, max| Ok(held.iter().skip(from as usize).take(max).cloned().collect())
}

fn open(folder: &Path, held: &[Bytes]) -> Result<(Log, Opened), AuditError> {
    Log::open(folder, key(1), &[], &mut source(held))
}

/// A log with checkpoints at the given sizes, the last one over all leaves.
fn signed_log(folder: &Path, sizes: &[u64]) -> Vec<Bytes> {
    let held = leaves(*sizes.last().unwrap());
    let (mut log, _) = open(folder, &[]).unwrap();
    for size in sizes {
        log.append(&held[log.size() as usize..*size as usize]);
        log.checkpoint(&mut source(&held)).unwrap();
    }
    held
}

fn report(folder: &Path, held: &[Bytes]) -> huiyin_audit::Report {
    let store = CheckpointStore::read(folder, NAME, vec![key(1).verifier().clone()]).unwrap();
    recompute(&store, &mut source(held)).unwrap()
}

#[test]
fn a_log_reopens_from_its_checkpoint_and_catches_up() {
    let folder = tempfile::tempdir().unwrap();
    signed_log(folder.path(), &[1, 300, 700]);
    let held = leaves(720);
    let (log, opened) = open(folder.path(), &held).unwrap();
    assert_eq!(opened, Opened::Loaded { from: 700, added: 20 });
    assert_eq!(log.size(), 720);
    let report = report(folder.path(), &held);
    assert_eq!((report.fitting, report.unsigned, report.findings.len()), (3, 20, 0));
    assert_eq!(report.root, log.tree().root(720).unwrap());
    let json = report.to_json();
    assert_eq!((&json["whole"], &json["size"], &json["unsigned"]), (&true.into(), &720.into(), &20.into()));
}

#[test]
fn tiles_lie_where_tlog_tiles_puts_them() {
    let folder = tempfile::tempdir().unwrap();
    signed_log(folder.path(), &[255, 256, 600]);
    let bytes = |path: &str| std::fs::metadata(folder.path().join(path)).map(|meta| meta.len()).ok();
    assert_eq!(bytes("tile/0/000"), Some(8192));
    assert_eq!(bytes("tile/0/001"), Some(8192));
    assert_eq!(bytes("tile/0/002.p/88"), Some(88 * 32));
    assert_eq!(bytes("tile/1/000.p/1"), Some(32));
    assert_eq!(bytes("tile/1/000.p/2"), Some(64));
    assert_eq!(bytes("tile/0/000.p/255"), None, "a partial tile goes when its full tile is there");
}

#[test]
fn nothing_new_is_signed_twice() {
    let folder = tempfile::tempdir().unwrap();
    let held = signed_log(folder.path(), &[10]);
    let (mut log, _) = open(folder.path(), &held).unwrap();
    let again = log.checkpoint(&mut source(&held)).unwrap();
    assert_eq!(Some(&again), log.checkpoints().latest());
    assert_eq!(log.checkpoints().history().unwrap().count(), 1);
}

#[test]
fn altered_leaves_are_refused_with_the_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = signed_log(folder.path(), &[100, 300, 700]);
    held[120] = leaf(9999);
    // The stored hashes still fit the checkpoint, so opening goes on; the recomputation is what finds it.
    let report = report(folder.path(), &held);
    let [finding @ Finding::Altered { size: 300, good: 100, later: 1, .. }] = report.findings.as_slice() else {
        panic!("{:?}", report.findings)
    };
    assert!(finding.to_string().contains("the first 100 leaves are as signed"));
    assert_eq!((report.fitting, report.unsigned), (1, 600));
    std::fs::remove_dir_all(folder.path().join("tile")).unwrap();
    let error = open(folder.path(), &held).map(drop).unwrap_err();
    assert!(matches!(error, AuditError::Altered { size: 300, .. }), "{error}");
    assert!(error.to_string().starts_with("the log was altered: its first 300 leaves lead to the root "));
    // The last leaf signed is compared even when the stored hashes fit.
    let other = tempfile::tempdir().unwrap();
    let mut held = signed_log(other.path(), &[700]);
    held[699] = leaf(9999);
    assert!(matches!(open(other.path(), &held), Err(AuditError::Altered { size: 700, .. })));
}

#[test]
fn a_cut_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let held = signed_log(folder.path(), &[100, 300]);
    for count in [299, 200, 0] {
        match open(folder.path(), &held[..count]) {
            Err(AuditError::Shorter { signed: 300, leaves }) => assert_eq!(leaves, count as u64),
            other => panic!("{:?}", other.map(|(_, opened)| opened)),
        }
    }
    assert_eq!(report(folder.path(), &held[..250]).findings, [Finding::Cut { signed: 300, leaves: 250 }]);
}

#[test]
fn no_checkpoint_is_signed_that_is_smaller_or_does_not_extend_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let held = signed_log(folder.path(), &[300]);
    let known = vec![key(1).verifier().clone()];
    let mut store = CheckpointStore::open(folder.path(), NAME, known).unwrap();
    let mut tree = huiyin_audit::Tree::in_memory();
    tree.append(&held[..299]);
    assert!(matches!(store.sign(&tree, &key(1)), Err(AuditError::Shorter { signed: 300, leaves: 299 })));
    tree.append([leaf(4242)]);
    assert!(matches!(store.sign(&tree, &key(1)), Err(AuditError::Altered { size: 300, .. })));
    tree.append([leaf(4243)]);
    assert!(matches!(store.sign(&tree, &key(1)), Err(AuditError::Altered { size: 300, .. })));
    assert_eq!(store.history().unwrap().count(), 1);
}

#[test]
fn a_damaged_tile_never_bends_a_proof_and_is_mended_from_the_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let held = signed_log(folder.path(), &[300, 70_000]);
    let tiles = ["tile/0/000", "tile/0/100", "tile/0/272", "tile/1/000"];
    for (at, path) in tiles.iter().enumerate() {
        let path = folder.path().join(path);
        let good = std::fs::read(&path).unwrap();
        let mut flipped = good.clone();
        flipped[at * 77] ^= 0x10;
        for bad in [Some(flipped), Some(good[..4000].to_vec()), Some(Vec::new()), None] {
            match &bad {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let (mut log, _) = open(folder.path(), &held).unwrap();
            for index in [0, 5, 25_600, 69_700, 69_999] {
                let proof = log.prove(index, &mut source(&held)).unwrap();
                let text = serde_json::to_vec(&proof.to_json()).unwrap();
                assert!(matches!(check(&text, &[key(1).verifier().clone()]), Verdict::Holds(_)));
            }
            log.mend(&mut source(&held)).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), good, "{}", path.display());
            assert!(log.mend(&mut source(&held)).unwrap().is_empty());
        }
    }
}

#[test]
fn a_damaged_tile_does_not_stop_the_signing() {
    let folder = tempfile::tempdir().unwrap();
    signed_log(folder.path(), &[600]);
    let held = leaves(601);
    let (mut log, _) = open(folder.path(), &held).unwrap();
    std::fs::remove_file(folder.path().join("tile/0/001")).unwrap();
    std::fs::remove_file(folder.path().join("tile/0/000")).unwrap();
    assert_eq!(log.checkpoint(&mut source(&held)).unwrap().checkpoint.size, 601);
    log.mend(&mut source(&held)).unwrap();
    assert!(folder.path().join("tile/0/000").exists() && folder.path().join("tile/0/001").exists());
}

#[test]
fn the_public_key_lies_beside_the_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    signed_log(folder.path(), &[3]);
    let text = std::fs::read_to_string(folder.path().join("log.vkey")).unwrap();
    assert_eq!(&text.parse::<huiyin_audit::VerifierKey>().unwrap(), key(1).verifier());
}

#[test]
fn a_failed_write_of_a_checkpoint_stops_the_signing() {
    let folder = tempfile::tempdir().unwrap();
    let held = leaves(20);
    let (mut log, _) = open(folder.path(), &held[..10]).unwrap();
    // A folder where the history should be: nothing can be written there.
    std::fs::create_dir_all(folder.path().join("checkpoints/history.jsonl")).unwrap();
    assert!(matches!(log.checkpoint(&mut source(&held)), Err(AuditError::Io { .. })));
    std::fs::remove_dir(folder.path().join("checkpoints/history.jsonl")).unwrap();
    assert!(matches!(log.checkpoint(&mut source(&held)), Err(AuditError::Stopped)));
    assert!(!folder.path().join("checkpoint").exists());
    let (mut log, _) = open(folder.path(), &held[..10]).unwrap();
    assert_eq!(log.checkpoint(&mut source(&held)).unwrap().checkpoint.size, 10);
}

#[test]
fn two_checkpoints_of_one_size_are_a_fork() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let held = signed_log(folder.path(), &[5]);
    let (mut log, _) = open(other.path(), &[]).unwrap();
    log.append((10..15).map(leaf));
    log.checkpoint(&mut source(&[])).unwrap();
    std::fs::copy(other.path().join("checkpoint"), folder.path().join("checkpoint")).unwrap();
    let error = open(folder.path(), &held).map(drop).unwrap_err();
    assert!(error.to_string().starts_with("two checkpoints of size 5 were signed with different roots, "), "{error}");
}

#[test]
fn a_recomputation_counts_what_it_cannot_list() {
    let folder = tempfile::tempdir().unwrap();
    let held = signed_log(folder.path(), &[5, 6]);
    let history = folder.path().join("checkpoints/history.jsonl");
    std::fs::write(&history, "{}\n".repeat(130)).unwrap();
    let report = report(folder.path(), &held);
    assert_eq!((report.findings.len(), report.more_bad_lines), (101, 30));
    assert_eq!(report.findings[0].to_string(), "line 1 of the checkpoint history: not of the form {\"note\": \"…\"}");
    assert_eq!(report.findings[100], Finding::NotInHistory(6));
    assert_eq!(report.fitting, 1);
}

#[test]
fn a_supplier_that_fails_is_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let error = Log::open(folder.path(), key(1), &[], &mut |_, _| Err("disk on fire".into())).map(drop).unwrap_err();
    assert_eq!(error.to_string(), "the leaves cannot be read: disk on fire");
}

#[test]
fn a_log_can_go_to_another_thread() {
    fn movable<T: Send + Sync>() {}
    movable::<Log>();
}

#[test]
fn a_damaged_edge_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let held = signed_log(folder.path(), &[100, 300]);
    std::fs::write(folder.path().join("tile/0/001.p/44"), [7; 44 * 32]).unwrap();
    // The checkpoint before still fits what is stored.
    let (log, opened) = open(folder.path(), &held).unwrap();
    assert_eq!(opened, Opened::Loaded { from: 100, added: 200 });
    assert_eq!(log.tree().root(300).unwrap(), log.checkpoints().latest().unwrap().checkpoint.root);
    std::fs::remove_dir_all(folder.path().join("tile")).unwrap();
    let (log, opened) = open(folder.path(), &held).unwrap();
    assert!(matches!(opened, Opened::Rebuilt { leaves: 300, why: Some(_) }));
    assert_eq!(log.tree().root(300).unwrap(), log.checkpoints().latest().unwrap().checkpoint.root);
}

#[test]
fn a_crash_between_history_and_checkpoint_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    signed_log(folder.path(), &[10]);
    let old = std::fs::read(folder.path().join("checkpoint")).unwrap();
    let held = {
        let held = leaves(20);
        let (mut log, _) = open(folder.path(), &held).unwrap();
        log.checkpoint(&mut source(&held)).unwrap();
        held
    };
    let history = folder.path().join("checkpoints/history.jsonl");
    // The history was written, the checkpoint was not; and the next line was torn.
    std::fs::write(folder.path().join("checkpoint"), old).unwrap();
    let whole = std::fs::read(&history).unwrap();
    std::fs::write(&history, [whole.as_slice(), b"{\"note\":\"huiyin"].concat()).unwrap();
    let (log, _) = open(folder.path(), &held).unwrap();
    assert_eq!(log.checkpoints().latest().unwrap().checkpoint.size, 20);
    assert_eq!(std::fs::read(&history).unwrap(), whole);
    let note = std::fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    assert_eq!(SignedCheckpoint::open(&note, &[key(1).verifier().clone()], Some(NAME)).unwrap().checkpoint.size, 20);
    // A lost history gets the latest checkpoint back.
    std::fs::remove_file(&history).unwrap();
    open(folder.path(), &held).unwrap();
    assert_eq!(report(folder.path(), &held).fitting, 1);
}

#[test]
fn checkpoints_of_another_key_are_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let held = signed_log(folder.path(), &[10]);
    let error = Log::open(folder.path(), key(2), &[], &mut source(&held)).map(drop).unwrap_err();
    assert!(error.to_string().contains("none of the known keys"), "{error}");
    // With the old key named as retired, the log goes on under the new one.
    let retired = [key(1).verifier().clone()];
    let (mut log, _) = Log::open(folder.path(), key(2), &retired, &mut source(&held)).unwrap();
    log.append([leaf(10)]);
    log.checkpoint(&mut source(&held)).unwrap();
    let bad = "huiyin.example/log\nnot a checkpoint\n";
    std::fs::write(folder.path().join("checkpoint"), bad).unwrap();
    std::fs::remove_file(folder.path().join("checkpoints/history.jsonl")).unwrap();
    assert!(matches!(open(folder.path(), &held), Err(AuditError::Stored { .. })));
}

#[test]
fn a_line_of_the_history_that_was_changed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let held = signed_log(folder.path(), &[10, 20, 30]);
    let history = folder.path().join("checkpoints/history.jsonl");
    let text = std::fs::read_to_string(&history).unwrap();
    std::fs::write(&history, text.replace("log\\n20\\n", "log\\n21\\n")).unwrap();
    let report = report(folder.path(), &held);
    assert!(matches!(report.findings.as_slice(), [Finding::History { line: 2, .. }]), "{:?}", report.findings);
    assert_eq!(report.fitting, 2);
}

#[test]
fn any_two_checkpoints_are_shown_consistent() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = [1, 7, 256, 300, 513];
    let held = signed_log(folder.path(), &sizes);
    let (mut log, _) = open(folder.path(), &held).unwrap();
    for (at, from) in sizes.iter().enumerate() {
        for to in &sizes[at..] {
            let proof = log.prove_consistency(*from, *to, &mut source(&held)).unwrap();
            let text = serde_json::to_vec(&proof.to_json()).unwrap();
            assert!(matches!(check(&text, &[]), Verdict::Holds(_)));
            let (first, second) = (&proof.first.checkpoint, &proof.second.checkpoint);
            verify_consistency(first.size, second.size, &proof.proof, &first.root, &second.root).unwrap();
        }
    }
    assert!(matches!(log.prove_consistency(2, 7, &mut source(&held)), Err(AuditError::NoCheckpoint(2))));
}

#[test]
fn what_is_not_signed_is_not_proved() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = signed_log(folder.path(), &[10]);
    held.push(leaf(10));
    let (mut log, _) = open(folder.path(), &held).unwrap();
    let error = log.prove(10, &mut source(&held)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "leaf 10 is not yet under a signed checkpoint (the last covers 10 leaves); sign one first"
    );
    held[3] = leaf(99);
    assert!(matches!(log.prove(3, &mut source(&held)), Err(AuditError::LeavesAltered { first: 3, last: 3, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn reopening_keeps_every_root(sizes in prop::collection::btree_set(1_u64..600, 1..6)) {
        let folder = tempfile::tempdir().unwrap();
        let sizes: Vec<_> = sizes.into_iter().collect();
        let held = signed_log(folder.path(), &sizes);
        let (log, opened) = open(folder.path(), &held).unwrap();
        let from = *sizes.last().unwrap();
        prop_assert_eq!(opened, Opened::Loaded { from, added: 0 });
        let mut fresh = huiyin_audit::Tree::in_memory();
        fresh.append(&held);
        for size in 0..=from {
            prop_assert_eq!(log.tree().root(size).unwrap(), fresh.root(size).unwrap());
        }
    }

    #[test]
    fn damage_anywhere_in_the_folder_is_no_panic_and_no_lie(
        victim in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        cut in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let held = signed_log(folder.path(), &[100, 300, 520]);
        let root = { open(folder.path(), &held).unwrap().0.tree().root(520).unwrap() };
        let mut files = Vec::new();
        collect(folder.path(), &mut files);
        files.sort();
        let file = &files[victim.index(files.len())];
        let mut bytes = std::fs::read(file).unwrap();
        let at = place.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        std::fs::write(file, bytes).unwrap();
        // One damaged file always leaves enough to go on from, and never another root.
        let (mut log, _) = open(folder.path(), &held).unwrap();
        prop_assert_eq!(log.tree().root(520).unwrap(), root);
        for index in [0, 299, 519] {
            let proof = log.prove(index, &mut source(&held)).unwrap();
            let text = serde_json::to_vec(&proof.to_json()).unwrap();
            prop_assert!(matches!(check(&text, &[key(1).verifier().clone()]), Verdict::Holds(_)));
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
