//! Proof documents as an outsider checks them: what holds, what does not, what is no such document.
#![allow(clippy::unwrap_used, clippy::panic, clippy::unnecessary_wraps, reason = "helpers of tests")]

use std::sync::OnceLock;

use bytes::Bytes;
use huiyin_audit::{Claim, Log, Signed, SignerKey, SourceError, Verdict, VerifierKey, check};
use proptest::prelude::*;
use serde_json::{Value, json};

fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, &[seed; 32]).unwrap()
}

fn known() -> Vec<VerifierKey> {
    vec![signer("huiyin.example/log", 1).verifier().clone()]
}

fn leaves(from: u64, max: usize) -> Result<Vec<Bytes>, SourceError> {
    let leaf = |index| {
        if index == 3 { Bytes::from_static(&[0xff, 0x00]) } else { format!("leaf {index}").into() }
    };
    Ok((from..11).take(max).map(leaf).collect())
}

/// A log of 11 leaves with checkpoints at 4 and 11.
fn log(folder: &std::path::Path) -> Log {
    let (mut log, _) = Log::open(folder, signer("huiyin.example/log", 1), &[], &mut |_, _| Ok(vec![])).unwrap();
    log.append(leaves(0, 4).unwrap());
    log.checkpoint(&mut leaves).unwrap();
    log.append(leaves(4, 7).unwrap());
    log.checkpoint(&mut leaves).unwrap();
    log
}

/// The documents for every leaf and, last, the one for both checkpoints; made once.
fn documents() -> &'static [Value] {
    static DOCUMENTS: OnceLock<Vec<Value>> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut log = log(folder.path());
        let mut documents: Vec<_> = (0..11).map(|index| log.prove(index, &mut leaves).unwrap().to_json()).collect();
        documents.push(log.prove_consistency(4, 11, &mut leaves).unwrap().to_json());
        documents
    })
}

fn inclusion(index: usize) -> Value {
    documents()[index].clone()
}

fn consistency() -> Value {
    documents()[11].clone()
}

fn verdict(document: &Value, known: &[VerifierKey]) -> Verdict {
    check(&serde_json::to_vec(document).unwrap(), known)
}

#[test]
fn plugins_13_keys_of_other_types_are_passed_over() {
    // A witness's key: type 04 (C2SP tlog-cosignature), 32 bytes.
    let witness = "witness.example+9c0e2f51+BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (at, document) in [inclusion(5), consistency()].iter_mut().enumerate() {
        let own = document["keys"].as_array().unwrap().clone();
        document["keys"] = json!([&[json!(witness)], own.as_slice(), &[json!(witness)]].concat());
        assert!(matches!(verdict(document, &[]), Verdict::Holds(_)), "{at}: {:?}", verdict(document, &[]));
        document["keys"] = json!([witness]);
        assert!(matches!(verdict(document, &[]), Verdict::Malformed { at, .. } if at == "/keys"));
        // What is no key of any type still spoils it, and so does an Ed25519 key that was changed.
        for bad in ["witness.example+9c0e2f51+####", "no key", "+00000000+BAAA", "huiyin.example/log+00000000+AQAA"] {
            document["keys"] = json!([&[json!(bad)], own.as_slice()].concat());
            assert!(matches!(verdict(document, &[]), Verdict::DoesNotHold { .. }), "{bad}");
        }
    }
}

fn why(document: &Value) -> String {
    match verdict(document, &known()) {
        Verdict::DoesNotHold { why } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_proof_holds_and_says_what_it_shows() {
    let Verdict::Holds(claim) = verdict(&inclusion(5), &known()) else { panic!() };
    let key = Box::new(known().remove(0));
    let signed = Signed::ByKnownKey(key.clone());
    assert_eq!(claim, Claim::Inclusion { index: 5, size: 11, leaf: Some(b"leaf 5".to_vec()), signed });
    assert_eq!(claim.to_string(), format!("leaf 5 is in the tree of 11 leaves; signed by the known key {key}"));
    let Verdict::Holds(claim) = verdict(&consistency(), &[]) else { panic!() };
    assert_eq!(claim, Claim::Consistency { from: 4, to: 11, signed: Signed::ByOwnKey(key) });
    assert!(claim.to_string().contains("known only from this document"));
}

#[test]
fn a_verdict_can_be_read_by_machines() {
    let key = known()[0].to_string();
    assert_eq!(
        verdict(&inclusion(5), &known()).to_json(),
        json!({"verdict": "holds", "claim": "inclusion", "index": 5, "size": 11, "signed": "known-key", "key": key})
    );
    assert_eq!(
        verdict(&consistency(), &[]).to_json(),
        json!({"verdict": "holds", "claim": "consistency", "from": 4, "to": 11, "signed": "own-key", "key": key})
    );
    assert_eq!(
        check(b"[]", &[]).to_json(),
        json!({"verdict": "malformed", "at": "", "why": "a proof document is a JSON object"})
    );
    assert_eq!(check(br#"{"size1":2}"#, &[]).to_json()["verdict"], "does-not-hold");
}

#[test]
fn a_leaf_that_is_not_text_stands_in_base64() {
    let document = inclusion(3);
    assert_eq!(document["leafBase64"], "/wA=");
    assert!(matches!(verdict(&document, &known()), Verdict::Holds(_)));
}

#[test]
fn what_was_changed_does_not_hold() {
    let changed = |name: &str, value: Value| {
        let mut document = inclusion(5);
        document[name] = value;
        why(&document)
    };
    assert!(changed("leaf", "leaf 6".into()).starts_with("the proof leads to the root "));
    assert!(changed("index", 4.into()).starts_with("the proof leads to the root "));
    assert_eq!(changed("index", 11.into()), "leaf index 11 is outside a tree of 11 leaves");
    assert_eq!(changed("size", 10.into()), "size is 10, but the checkpoint was signed at size 11");
    assert_eq!(changed("proof", json!([])), "the proof has 0 hashes; for these sizes it needs 4");
    assert_eq!(changed("proof", json!(["AA=="])), "proof/0 is 1 bytes, where a hash has 32");
    assert_eq!(changed("proof", json!(["?"])), "proof/0 is not standard base64");
    let forged = inclusion(5)["checkpoint"].as_str().unwrap().replace("\n11\n", "\n12\n");
    assert!(
        changed("checkpoint", forged.into())
            .starts_with("checkpoint: the signature of huiyin.example/log does not fit")
    );
    assert!(changed("checkpoint", "no note".into()).starts_with("checkpoint: line 1 of the note: "));
    let mut document = consistency();
    document["first"] = document["second"].clone();
    assert_eq!(why(&document), "from is 4, but the checkpoint was signed at size 11");
}

#[test]
fn a_known_key_is_not_replaced_by_the_documents_own() {
    let stranger = [signer("other.example/log", 1).verifier().clone()];
    let Verdict::DoesNotHold { why } = verdict(&inclusion(5), &stranger) else { panic!() };
    assert_eq!(why, "checkpoint: signed by huiyin.example/log, and by none of the known keys (other.example/log)");
}

#[test]
fn what_is_no_such_document_is_malformed_and_says_where() {
    let long = format!("{{\"leaf\":\"{}\"}}", "x".repeat(huiyin_audit::MAX_DOCUMENT_BYTES));
    let deep = "[".repeat(100_000);
    for (text, at) in [
        ("", "1:0"),
        ("{\n  \"size1\": 1,,", "2:14"),
        ("{} {}", "1:4"),
        (r#"{"size1":1,"size1":2}"#, "1:18"),
        (&deep, "1:128"),
        ("[]", ""),
        ("{}", ""),
        (r#"{"size1":1,"leafIdx":1}"#, ""),
        (r#"{"format":"huiyin.inclusion.v9"}"#, "/format"),
        (r#"{"format":"huiyin.inclusion.v1","size":1}"#, "/index"),
        (r#"{"size1":"1"}"#, "/size1"),
        (r#"{"size1":-1}"#, "/size1"),
        (r#"{"leafIdx":0,"treeSize":1,"root":7}"#, "/root"),
        (r#"{"leafIdx":0,"proof":{}}"#, "/proof"),
        (r#"{"leafIdx":0,"proof":["",1]}"#, "/proof/1"),
        (&long, ""),
    ] {
        match check(text.as_bytes(), &[]) {
            Verdict::Malformed { at: found, why } => {
                assert_eq!(found, at, "{text:.80}: {why}");
                assert!(!why.is_empty());
            }
            other => panic!("{text:.80}: {other:?}"),
        }
    }
}

#[test]
fn absent_members_of_a_vector_count_as_empty() {
    for text in [
        r#"{"treeSize":1}"#,
        r#"{"leafIdx":0,"treeSize":1,"root":null,"leafHash":null,"proof":null}"#,
        r#"{"size1":0,"size2":0}"#,
    ] {
        let Verdict::DoesNotHold { why } = check(text.as_bytes(), &[]) else { panic!("{text}") };
        assert!(why.ends_with("is 0 bytes, where a hash has 32"), "{why}");
    }
    // One leaf: its hash is the root, and no proof is needed.
    let hash = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=";
    let Verdict::Holds(claim) = verdict(&json!({"treeSize": 1, "root": hash, "leafHash": hash}), &[]) else { panic!() };
    assert_eq!(
        claim.to_string(),
        "leaf 0 is in the tree of 1 leaves; nobody signed the root: compare it with a checkpoint"
    );
}

proptest! {
    #[test]
    fn one_changed_bit_never_makes_another_claim(index in 0_usize..11, place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        for document in [inclusion(index), consistency()] {
            let mut text = serde_json::to_vec(&document).unwrap();
            let original = check(&text, &known());
            prop_assert!(matches!(original, Verdict::Holds(_)), "{:?}", original);
            let at = place.index(text.len());
            text[at] ^= 1 << bit;
            let changed = check(&text, &known());
            prop_assert!(changed == original || !matches!(changed, Verdict::Holds(_)), "{:?}", changed);
        }
    }

    #[test]
    fn any_text_gets_a_verdict(text in prop::collection::vec(any::<u8>(), 0..200), json in "[\\[\\]{}\":,0-9a-z]{0,60}") {
        prop_assert!(!matches!(check(&text, &[]), Verdict::Holds(_)));
        prop_assert!(!matches!(check(json.as_bytes(), &known()), Verdict::Holds(_)));
    }
}
